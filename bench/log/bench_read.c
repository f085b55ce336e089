/*
 * bench_read.c - get/SIZE/SETTING and scan/SIZE/SETTING: reading a warm log of a million records.
 *
 * Every engine holds the same records, was closed and opened again, and stays open; everything is
 * in memory. All readers go through every byte of each body the same way, and the sum of the bytes
 * must come out right. flume verifies each record on top of that; LMDB and raw verify nothing.
 *
 * Gets are of random numbers, the same ones for every engine; where they lie is worked out
 * beforehand (flume's manifests have seqs too). Slow engines get a quarter of them, which changes
 * their time but not their rate. flume_many asks for a hundred in a call. Scans go forward over all
 * records.
 */
#include "bench.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

enum { READERS_MAX = 8, SLOW_EVERY = 2, SLOW_PART = 4, MANY = 100 };

struct reader {
    const struct engine_type *type;
    unsigned every; /* Takes part in every so many-th round; 0: it has failed. */
    uint64_t get_count;
    struct engine *engine;
    char *dir_path;
    uint64_t *places; /* Of the records to get, in the order of getting. */
    uint64_t get_sum; /* What they must add up to. */
};

struct read_run {
    struct bench *bench;
    struct bodies bodies;
    struct reader readers[READERS_MAX];
    unsigned reader_count;
    uint64_t scan_sum;
};

static int fill(const struct engine_type *type, const struct engine_setting *setting,
                const struct bodies *bodies, struct engine **out_engine)
{
    struct engine *engine = NULL;
    int status = type->open(setting, &engine);

    for (uint64_t i = 0; status == 0 && i < setting->records_max; i++)
        status = type->append(engine, bodies_at(bodies, i), bodies->body_bytes);
    if (status == 0 && type->finish != NULL)
        status = type->finish(engine);
    if (status == 0)
        wait_until_quiet(5000000000);
    *out_engine = engine;
    return status;
}

/* The random choice is the same for every reader: it begins with the same seed. */
static int choose_places(struct read_run *run, struct reader *reader)
{
    uint64_t records = run->bench->records;
    uint64_t seed = run->bench->seed;

    reader->get_count = reader->every == 1 ? records : records / SLOW_PART;
    reader->places = malloc(reader->get_count * sizeof(*reader->places));
    if (reader->places == NULL)
        return bench_fail("no memory for %llu places", (unsigned long long)reader->get_count);
    for (uint64_t i = 0; i < reader->get_count; i++) {
        uint64_t index = random_next(&seed) % records;

        reader->get_sum += run->bodies.sums[index % BODIES_COUNT];
        reader->places[i] =
            reader->type->locate == NULL ? index : reader->type->locate(reader->engine, index);
    }
    return 0;
}

static int reader_open(struct read_run *run, struct reader *reader)
{
    struct engine_setting setting = {.body_bytes = run->bodies.body_bytes,
                                     .records_max = run->bench->records,
                                     .transaction_records = 1000};
    int status;

    reader->dir_path = bench_directory(run->bench);
    if (reader->dir_path == NULL)
        return -1;
    setting.dir_path = reader->dir_path;
    status = fill(reader->type, &setting, &run->bodies, &reader->engine);
    /* What lies in write buffers is not what a reader usually meets. The raw mapping has none. */
    if (status == 0 && reader->type != &engine_raw) {
        reader->type->close(reader->engine);
        reader->engine = NULL;
        status = reader->type->open(&setting, &reader->engine);
        if (status == 0)
            wait_until_quiet(5000000000);
    }
    /* Else what one engine has left to be written slows the next one down. */
    settle_file_system(run->bench->dir_path);
    return status == 0 ? choose_places(run, reader) : status;
}

static int get_all(const struct reader *reader, uint64_t *out_ns)
{
    int (*get)(struct engine *, uint64_t, uint64_t *) = reader->type->get;
    uint64_t sum = 0;
    uint64_t begun_ns = clock_ns();

    for (uint64_t i = 0; i < reader->get_count; i++) {
        if (get(reader->engine, reader->places[i], &sum) != 0)
            return -1;
    }
    *out_ns = clock_ns() - begun_ns;
    if (sum != reader->get_sum)
        return bench_fail("%s: gets gave other bytes than were written", reader->type->name);
    return 0;
}

static int get_all_many(const struct reader *reader, uint64_t *out_ns)
{
    uint64_t sum = 0;
    uint64_t begun_ns = clock_ns();

    for (uint64_t done = 0; done < reader->get_count;) {
        uint64_t left = reader->get_count - done;
        size_t count = left < MANY ? (size_t)left : MANY;

        if (reader->type->get_many(reader->engine, reader->places + done, count, &sum) != 0)
            return -1;
        done += count;
    }
    *out_ns = clock_ns() - begun_ns;
    if (sum != reader->get_sum)
        return bench_fail("%s: get_many gave other bytes than were written", reader->type->name);
    return 0;
}

static int scan_all(struct read_run *run, struct reader *reader, uint64_t *out_ns)
{
    uint64_t count = 0;
    uint64_t sum = 0;
    uint64_t begun_ns = clock_ns();

    if (reader->type->scan(reader->engine, &count, &sum) != 0)
        return -1;
    *out_ns = clock_ns() - begun_ns;
    if (count != run->bench->records || sum != run->scan_sum)
        return bench_fail("%s: a scan gave other records than were written", reader->type->name);
    return 0;
}

static const char *row_of(const char *operation, const struct read_run *run,
                          const struct reader *reader)
{
    return report_name("%s/%zuB/%s", operation, run->bodies.body_bytes, reader->type->name);
}

static const char *many_row(const struct read_run *run)
{
    return report_name("get/%zuB/flume_many", run->bodies.body_bytes);
}

static int take_samples(struct read_run *run, struct reader *reader, unsigned round)
{
    double bytes = (double)run->bench->records * (double)run->bodies.body_bytes;
    uint64_t used_ns;

    if (scan_all(run, reader, &used_ns) != 0)
        return -1;
    report_sample(run->bench->report, row_of("scan", run, reader), round,
                  bytes * 1e9 / (double)used_ns);
    if (get_all(reader, &used_ns) != 0)
        return -1;
    report_sample(run->bench->report, row_of("get", run, reader), round,
                  (double)reader->get_count * 1e9 / (double)used_ns);
    if (reader->type->get_many == NULL)
        return 0;
    if (get_all_many(reader, &used_ns) != 0)
        return -1;
    report_sample(run->bench->report, many_row(run), round,
                  (double)reader->get_count * 1e9 / (double)used_ns);
    return 0;
}

static void make_rows(struct read_run *run, const char *operation, enum unit unit)
{
    for (unsigned i = 0; i < run->reader_count; i++) {
        const char *row = row_of(operation, run, &run->readers[i]);

        report_row(run->bench->report, row, unit,
                   report_name("%s/%zuB/lmdb", operation, run->bodies.body_bytes));
        if (!engine_is_there(run->readers[i].type))
            bench_note_missing(run->bench, row, run->readers[i].type);
    }
}

static void readers_close(struct read_run *run)
{
    for (unsigned i = 0; i < run->reader_count; i++) {
        if (run->readers[i].engine != NULL)
            run->readers[i].type->close(run->readers[i].engine);
        bench_directory_remove(run->readers[i].dir_path);
        free(run->readers[i].places);
    }
}

/* A reader that fails is left out from there on. */
static int run_rounds(struct read_run *run)
{
    int status = 0;

    for (unsigned i = 0; i < run->reader_count; i++) {
        struct reader *reader = &run->readers[i];
        uint64_t warm_ns;

        if (engine_is_there(reader->type) &&
            (reader_open(run, reader) != 0 || scan_all(run, reader, &warm_ns) != 0))
            reader->every = 0;
    }
    for (unsigned round = 0; round < run->bench->rounds; round++) {
        for (unsigned i = 0; i < run->reader_count; i++) {
            struct reader *reader = &run->readers[i];

            if (reader->every > 0 && round % reader->every == 0 && engine_is_there(reader->type) &&
                take_samples(run, reader, round) != 0)
                reader->every = 0;
        }
    }
    for (unsigned i = 0; i < run->reader_count; i++) {
        if (run->readers[i].every == 0) {
            report_note(run->bench->report, row_of("get", run, &run->readers[i]), "failed");
            status = -1;
        }
    }
    return status;
}

static int run_size(struct bench *bench, size_t body_bytes)
{
    /* Expected gets at 100 B and 1,000 B, and GB/s of a scan: */
    struct read_run run = {
        .bench = bench,
        .readers = {{.type = &engine_raw, .every = 1},             /* 20 M, 5 M; 10, 10. */
                    {.type = &engine_flume, .every = 1},           /* 6 M, 3 M; 4, 6. */
                    {.type = engine_lmdb, .every = 1},             /* 1.7 M, 1 M; 3, 7. */
                    {.type = engine_leveldb, .every = SLOW_EVERY}, /* 0.6 M, 0.3 M; 0.7, 2. */
                    {.type = engine_rocksdb, .every = SLOW_EVERY}, /* 0.4 M, 0.3 M; 0.4, 2. */
                    {.type = engine_sqlite, .every = SLOW_EVERY}}, /* 1 M, 0.6 M; 0.5, 2. */
        .reader_count = 6,
    };
    int status = bodies_create(&run.bodies, body_bytes, bench->seed);

    if (status != 0)
        return status;
    run.scan_sum = bodies_sum(&run.bodies, bench->records);
    make_rows(&run, "get", UNIT_RECORDS_PER_SECOND);
    report_row(bench->report, many_row(&run), UNIT_RECORDS_PER_SECOND,
               report_name("get/%zuB/lmdb", body_bytes));
    make_rows(&run, "scan", UNIT_BYTES_PER_SECOND);
    status = run_rounds(&run);
    readers_close(&run);
    bodies_destroy(&run.bodies);
    return status;
}

int bench_read(struct bench *bench)
{
    struct report *report = bench->report;
    int status = 0;

    report_target(report, "get/100B/flume", "get/100B/lmdb", TARGET_AT_LEAST, 5);
    report_target(report, "get/1000B/flume", "get/1000B/lmdb", TARGET_AT_LEAST, 5);
    report_target(report, "get/100B/flume_many", "get/100B/lmdb", TARGET_AT_LEAST, 5);
    report_target(report, "get/1000B/flume_many", "get/1000B/lmdb", TARGET_AT_LEAST, 5);
    report_target(report, "scan/100B/flume", "scan/100B/lmdb", TARGET_AT_LEAST, 0.9);
    report_target(report, "scan/1000B/flume", "scan/1000B/lmdb", TARGET_AT_LEAST, 0.9);
    report_target(report, "scan/1000B/flume", NULL, TARGET_AT_LEAST, 5e9);
    status |= run_size(bench, 100);
    status |= run_size(bench, 1000);
    return status;
}
