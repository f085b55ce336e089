/*
 * bench_append.c - append/SIZE/SETTING: records a second that one thread appends.
 *
 * Each round gives each engine a fresh directory. Opening, filling up to full-size strata (flume)
 * and touching the mapping (raw) are not timed; the appends are, and a final commit where there is
 * one. Visible to other processes on return: raw, flume, leveldb, rocksdb, and those that commit
 * each record.
 *
 * "ready" settings stop the clock after each 16 MiB of bodies until the engine's own threads rest.
 * That is the fair comparison with raw_touched, whose pages were made outside the clock as well:
 * flume makes its next strata on a thread of its own, and here that thread gets its time untimed.
 * Without "ready" the appends run on at full speed; raw_fresh, which meets its page faults under
 * the clock, is the one to compare with.
 */
#include "bench.h"
#include "measure.h"

#include <stdio.h>

enum append_rest { REST_NEVER, REST_BETWEEN_SLICES };

/* Lest a run take too long. */
enum append_speed {
    SPEED_QUICK,  /* In each round, all records. */
    SPEED_SLOW,   /* In every other round. */
    SPEED_SLOWEST /* In every other round, a quarter of the records. */
};

enum { SLICE_BYTES = 16 << 20, BATCH_RECORDS = 100, SLOW_EVERY = 2, SLOW_PART = 4 };

struct append_case {
    const char *setting;
    const struct engine_type *type;
    enum engine_durability durability;
    enum engine_space space;
    enum append_rest rest;
    unsigned batch_records;       /* 0: one call a record. */
    uint64_t transaction_records; /* See struct engine_setting. */
    enum append_speed speed;
};

static int append_one_by_one(struct engine *engine, const struct bodies *bodies, uint64_t first,
                             uint64_t count)
{
    int (*append)(struct engine *, const void *, size_t) = engine->type->append;

    for (uint64_t i = first; i < first + count; i++) {
        if (append(engine, bodies_at(bodies, i), bodies->body_bytes) != 0)
            return -1;
    }
    return 0;
}

static int append_batches(struct engine *engine, const struct bodies *bodies, uint64_t first,
                          uint64_t count, unsigned batch_records)
{
    for (uint64_t done = 0; done < count; done += batch_records) {
        uint64_t start = (first + done) % (BODIES_COUNT - batch_records);
        uint64_t left = count - done;
        size_t now = left < batch_records ? (size_t)left : batch_records;

        if (engine->type->append_many(engine, bodies_at(bodies, start), bodies->stride_bytes, now,
                                      bodies->body_bytes) != 0)
            return -1;
    }
    return 0;
}

static int append_slice(struct engine *engine, const struct append_case *this_case,
                        const struct bodies *bodies, uint64_t first, uint64_t count)
{
    if (this_case->batch_records == 0)
        return append_one_by_one(engine, bodies, first, count);
    return append_batches(engine, bodies, first, count, this_case->batch_records);
}

static int append_timed(struct engine *engine, const struct append_case *this_case,
                        const struct bodies *bodies, uint64_t records, uint64_t *out_ns)
{
    const uint64_t rest_ns_max = 2000000000;
    uint64_t slice_records = SLICE_BYTES / bodies->body_bytes;
    uint64_t used_ns = 0;
    int status = 0;

    for (uint64_t done = 0; status == 0 && done < records;) {
        uint64_t now = records - done < slice_records ? records - done : slice_records;
        uint64_t begun_ns;

        if (done == 0 || this_case->rest == REST_BETWEEN_SLICES)
            wait_until_quiet(rest_ns_max);
        begun_ns = clock_ns();
        status = append_slice(engine, this_case, bodies, done, now);
        done += now;
        if (status == 0 && done == records && engine->type->finish != NULL)
            status = engine->type->finish(engine);
        used_ns += clock_ns() - begun_ns;
    }
    *out_ns = used_ns;
    return status;
}

static int run_case(struct bench *bench, const struct append_case *this_case,
                    const struct bodies *bodies, const char *row, unsigned round)
{
    char *dir_path = bench_directory(bench);
    uint64_t records = bench->records / (this_case->speed == SPEED_SLOWEST ? SLOW_PART : 1);
    struct engine_setting setting = {.dir_path = dir_path,
                                     .body_bytes = bodies->body_bytes,
                                     .records_max = records,
                                     .transaction_records = this_case->transaction_records,
                                     .durability = this_case->durability,
                                     .space = this_case->space};
    struct engine *engine = NULL;
    uint64_t used_ns = 0;
    int status = dir_path == NULL ? -1 : this_case->type->open(&setting, &engine);

    if (status == 0)
        status = append_timed(engine, this_case, bodies, records, &used_ns);
    this_case->type->close(engine);
    bench_directory_remove(dir_path);
    if (status == 0)
        report_sample(bench->report, row, round, (double)records * 1e9 / (double)used_ns);
    else
        report_note(bench->report, row, "failed");
    return status;
}

static int run_size(struct bench *bench, const struct append_case *cases, unsigned case_count,
                    size_t body_bytes)
{
    struct bodies bodies;
    int status = bodies_create(&bodies, body_bytes, bench->seed);

    for (unsigned i = 0; status == 0 && i < case_count; i++) {
        const char *row = report_name("append/%zuB/%s", body_bytes, cases[i].setting);

        report_row(bench->report, row, UNIT_RECORDS_PER_SECOND,
                   report_name("append/%zuB/raw_touched", body_bytes));
        if (!engine_is_there(cases[i].type))
            bench_note_missing(bench, row, cases[i].type);
    }
    for (unsigned round = 0; status == 0 && round < bench->rounds; round++) {
        for (unsigned i = 0; i < case_count; i++) {
            const char *row = report_name("append/%zuB/%s", body_bytes, cases[i].setting);

            if ((cases[i].speed == SPEED_QUICK || round % SLOW_EVERY == 0) &&
                engine_is_there(cases[i].type))
                status |= run_case(bench, &cases[i], &bodies, row, round);
        }
    }
    bodies_destroy(&bodies);
    return status;
}

static void set_targets(struct report *report)
{
    const char *raw = "append/100B/raw_touched";

    report_target(report, "append/100B/flume_casual_ready", raw, TARGET_AT_LEAST, 0.35);
    report_target(report, "append/100B/flume_casual_ready", "append/100B/leveldb", TARGET_AT_LEAST,
                  8);
    report_target(report, "append/100B/flume_many_ready", raw, TARGET_AT_LEAST, 0.65);
    report_target(report, "append/100B/flume_casual", "append/100B/raw_fresh", TARGET_AT_LEAST,
                  0.35);
    report_target(report, "append/100B/flume_casual", "append/100B/leveldb", TARGET_AT_LEAST, 8);
    raw = "append/1000B/raw_touched";
    report_target(report, "append/1000B/flume_casual_ready", raw, TARGET_AT_LEAST, 0.6);
    report_target(report, "append/1000B/flume_many_ready", raw, TARGET_AT_LEAST, 0.65);
    report_target(report, "append/1000B/flume_casual", "append/1000B/raw_fresh", TARGET_AT_LEAST,
                  0.6);
}

/* The figures in the comments are what is expected at 100 B and 1,000 B on two cores of a virtual
 * machine with ext4, in records a second. */
int bench_append(struct bench *bench)
{
    const struct append_case cases[] = {
        /* 31 M, 8 M: memory bandwidth. */
        {.setting = "raw_touched", .type = &engine_raw, .space = ENGINE_SPACE_TOUCHED},
        /* 8 M, 1 M: one page fault with allocation in each 4 KiB. */
        {.setting = "raw_fresh", .type = &engine_raw},
        /* 12 M, 5 M: hash, robust mutex, header and copy; then memory bandwidth. */
        {.setting = "flume_casual_ready",
         .type = &engine_flume,
         .space = ENGINE_SPACE_STEADY,
         .rest = REST_BETWEEN_SLICES},
        /* 20 M, 6 M: one lock and one time for a hundred. */
        {.setting = "flume_many_ready",
         .type = &engine_flume,
         .space = ENGINE_SPACE_STEADY,
         .rest = REST_BETWEEN_SLICES,
         .batch_records = BATCH_RECORDS},
        /* 10 M, 2 M: the next strata is not always ready in time. */
        {.setting = "flume_casual", .type = &engine_flume, .space = ENGINE_SPACE_STEADY},
        /* The same: little is synced while the clock runs. */
        {.setting = "flume_forgetful",
         .type = &engine_flume,
         .durability = ENGINE_DURABLE_NEVER,
         .space = ENGINE_SPACE_STEADY},
        /* 12 M, 2 M. */
        {.setting = "flume_many",
         .type = &engine_flume,
         .space = ENGINE_SPACE_STEADY,
         .batch_records = BATCH_RECORDS},
        /* 1.3 M, 0.2 M: log and sorted table in memory, then written out and merged. */
        {.setting = "leveldb", .type = engine_leveldb, .speed = SPEED_SLOW},
        /* 0.6 M, 0.2 M. */
        {.setting = "rocksdb", .type = engine_rocksdb, .speed = SPEED_SLOW},
        /* 0.5 M, 0.2 M: three written pages a commit. */
        {.setting = "lmdb_commit_each", .type = engine_lmdb, .speed = SPEED_SLOWEST},
        /* 2.5 M, 0.8 M. */
        {.setting = "lmdb_commit_1000",
         .type = engine_lmdb,
         .transaction_records = 1000,
         .speed = SPEED_SLOWEST},
        /* 3.5 M, 0.8 M. Nobody sees a record before the last. */
        {.setting = "lmdb_commit_once",
         .type = engine_lmdb,
         .transaction_records = UINT64_MAX,
         .speed = SPEED_SLOWEST},
        /* 0.15 M, 0.1 M: a system call and locks for each commit. */
        {.setting = "sqlite_commit_each", .type = engine_sqlite, .speed = SPEED_SLOWEST},
        /* 1 M, 0.3 M. */
        {.setting = "sqlite_commit_1000",
         .type = engine_sqlite,
         .transaction_records = 1000,
         .speed = SPEED_SLOWEST},
    };
    const unsigned case_count = sizeof(cases) / sizeof(cases[0]);
    int status = 0;

    set_targets(bench->report);
    status |= run_size(bench, cases, case_count, 100);
    status |= run_size(bench, cases, case_count, 1000);
    return status;
}
