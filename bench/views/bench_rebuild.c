/*
 * bench_rebuild.c - rebuild/hash/WHO: records a second from a log of 100 B records to an index of
 * their hashes.
 *
 * Everybody builds the same sorted set of (first 8 bytes of the body's BLAKE3, seq) from the same
 * log: reading, verifying and hashing are under the clock for flume and for its peers, on one
 * thread. Peers use flume's cursor and flume_hash(). At the end the log is sealed: from then on
 * flume reads the grain indexes of the strata, and no bodies. lmdb_in_order alone is given ready
 * keys in order: what is left is what LMDB itself takes to append them, the limit of a view that
 * keeps its rows there.
 */
#include "views_bench.h"

#include "index.h"
#include "watch.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

enum { REBUILD_RECORDS_FACTOR = 2, SLOW_ROUNDS = 2 };

static const uint64_t default_budget = (uint64_t)256 << 20;
static const uint64_t small_budget = (uint64_t)24 << 20;

struct rebuild {
    struct bench *bench;
    struct basin basin;
    uint64_t records;
    uint8_t *keys; /* Of all records, in order. */
};

/* --- flume ------------------------------------------------------------------------------------ */

static int rebuild_timed(flume *handle, flume_view *view, uint64_t *out_ns, double *out_peak_bytes)
{
    struct watch watch;
    uint64_t begun_ns;
    int status;

    if (watch_begin(&watch) != 0)
        return -1;
    begun_ns = clock_ns();
    status = flume_view_rebuild(view, NULL); /* On this thread: there are no workers. */
    *out_ns = clock_ns() - begun_ns;
    *out_peak_bytes = watch_end(&watch);
    return status == FLUME_OK ? 0 : handle_fail(handle, "view_rebuild", status);
}

static int check_rows(const struct rebuild *rebuild, flume *handle, flume_view *view)
{
    uint64_t rows = 0;

    if (view_count(handle, view, 0, &rows) != 0)
        return -1;
    /* Manifests have rows too. */
    return rows == flume_log_head(flume_log_of(handle)) && rows >= rebuild->records
               ? 0
               : bench_fail("the view has %llu rows", (unsigned long long)rows);
}

static int run_flume(struct rebuild *rebuild, const char *row, uint64_t budget_bytes,
                     unsigned round)
{
    struct report *report = rebuild->bench->report;
    flume *handle = NULL;
    flume_view *view = NULL;
    uint64_t used_ns = 0;
    double peak_bytes = 0;
    int status = basin_open(&rebuild->basin, FLUME_VIEWS_NO_WORKERS, budget_bytes, &handle);

    if (status == 0)
        status = view_named(handle, "hash", &view);
    if (status == 0) {
        wait_until_quiet(2000000000);
        status = rebuild_timed(handle, view, &used_ns, &peak_bytes);
    }
    if (status == 0)
        status = check_rows(rebuild, handle, view);
    if (flume_close(handle) != FLUME_OK && status == 0)
        status = bench_fail("flume: close failed");
    if (status != 0) {
        report_note(report, row, "failed");
        return status;
    }
    report_sample(report, row, round, (double)rebuild->records * 1e9 / (double)used_ns);
    report_sample(report, report_name("%s_memory", row), round, peak_bytes);
    return 0;
}

/* --- peers ------------------------------------------------------------------------------------ */

static void make_key(const flume_record *record, uint8_t key[INDEX_KEY_BYTES])
{
    uint64_t seq = htobe64(record->seq);
    uint8_t hash[FLUME_HASH_BYTES];

    flume_hash(record->body, record->body_bytes, hash);
    memcpy(key, hash, INDEX_HASH_BYTES);
    memcpy(key + INDEX_HASH_BYTES, &seq, sizeof(seq));
}

/* Give every key of the log to put. */
static int each_key(const struct rebuild *rebuild,
                    int (*put)(void *ctx, const uint8_t key[INDEX_KEY_BYTES]), void *ctx,
                    uint64_t *out_count)
{
    flume_log *log = NULL;
    flume_cursor *cursor = NULL;
    flume_record record;
    uint8_t key[INDEX_KEY_BYTES];
    int status;

    *out_count = 0;
    if (basin_open_log(&rebuild->basin, &log) != 0)
        return -1;
    status = flume_cursor_open(log, NULL, &cursor);
    while (status == FLUME_OK && (status = flume_cursor_next(cursor, 0, &record)) == FLUME_OK) {
        make_key(&record, key);
        if (put(ctx, key) != 0)
            break;
        *out_count += 1;
    }
    flume_cursor_close(cursor);
    (void)flume_log_close(log); /* Only read from. */
    return status == FLUME_END ? 0 : bench_fail("the log could not be read to its end");
}

static int put_into_index(void *ctx, const uint8_t key[INDEX_KEY_BYTES])
{
    struct index *index = ctx;

    return index->type->put(index, key);
}

static int put_keys(const struct rebuild *rebuild, struct index *index, uint64_t *out_count)
{
    *out_count = rebuild->records;
    for (uint64_t i = 0; i < rebuild->records; i++) {
        if (index->type->put(index, rebuild->keys + i * INDEX_KEY_BYTES) != 0)
            return -1;
    }
    return 0;
}

static int fill_timed(const struct rebuild *rebuild, struct index *index, uint64_t *out_ns)
{
    uint64_t count = 0, rows = 0;
    uint64_t begun_ns = clock_ns();
    int status = index->type == index_lmdb_append
                     ? put_keys(rebuild, index, &count)
                     : each_key(rebuild, put_into_index, index, &count);

    if (status == 0)
        status = index->type->finish(index);
    *out_ns = clock_ns() - begun_ns;
    if (status == 0)
        status = index->type->count(index, &rows);
    if (status == 0 && (rows != count || count != rebuild->records))
        status = bench_fail("%s has %llu rows", index->type->name, (unsigned long long)rows);
    return status;
}

static int run_index(struct rebuild *rebuild, const struct index_type *type, const char *row,
                     unsigned round)
{
    char *dir_path = bench_directory(rebuild->bench);
    struct index *index = NULL;
    uint64_t used_ns = 0;
    int status = dir_path == NULL ? -1 : type->open(dir_path, &index);

    wait_until_quiet(2000000000);
    if (status == 0)
        status = fill_timed(rebuild, index, &used_ns);
    type->close(index);
    bench_directory_remove(dir_path);
    if (status == 0)
        report_sample(rebuild->bench->report, row, round,
                      (double)rebuild->records * 1e9 / (double)used_ns);
    else
        report_note(rebuild->bench->report, row, "failed");
    return status;
}

/* --- all -------------------------------------------------------------------------------------- */

struct key_list {
    uint8_t *keys;
    uint64_t count;
};

static int put_into_list(void *ctx, const uint8_t key[INDEX_KEY_BYTES])
{
    struct key_list *list = ctx;

    memcpy(list->keys + list->count++ * INDEX_KEY_BYTES, key, INDEX_KEY_BYTES);
    return 0;
}

static int by_key(const void *left, const void *right)
{
    return memcmp(left, right, INDEX_KEY_BYTES);
}

/* The log, and its keys in order. */
static int prepare(struct rebuild *rebuild)
{
    struct key_list list = {malloc(rebuild->records * INDEX_KEY_BYTES), 0};
    struct bodies bodies;
    flume_log *log = NULL;
    uint64_t count;
    int status;

    rebuild->keys = list.keys;
    if (list.keys == NULL)
        return bench_fail("no memory for keys");
    if (bodies_create(&bodies, VIEWS_BODY_BYTES, rebuild->bench->seed) != 0)
        return -1;
    status = basin_create(rebuild->bench, &rebuild->basin);
    if (status == 0)
        status = basin_open_log(&rebuild->basin, &log);
    if (status == 0)
        status = log_fill(log, &bodies, 0, rebuild->records);
    if (flume_log_close(log) != FLUME_OK && status == 0)
        status = bench_fail("flume: close failed");
    bodies_destroy(&bodies);
    if (status == 0)
        status = each_key(rebuild, put_into_list, &list, &count);
    qsort(list.keys, list.count, INDEX_KEY_BYTES, by_key);
    return status;
}

/* The same rebuild, once everything is sealed. 4 M: what it costs to sort rows and to append
 * them. */
static int run_sealed(struct rebuild *rebuild)
{
    const char *row = "rebuild/hash/flume_sealed";
    const flume_seal_call call = {.active = true};
    flume_log *log = NULL;
    int status;

    report_row(rebuild->bench->report, row, UNIT_RECORDS_PER_SECOND, "rebuild/hash/flume");
    report_row(rebuild->bench->report, report_name("%s_memory", row), UNIT_BYTES, NULL);
    if (basin_open_log(&rebuild->basin, &log) != 0)
        return -1;
    status = flume_log_seal(log, &call, NULL);
    if (flume_log_close(log) != FLUME_OK || status != FLUME_OK)
        return bench_fail("flume: seal: %s", flume_strerror(status));
    status = 0;
    for (unsigned round = 0; status == 0 && round < rebuild->bench->rounds; round++)
        status = run_flume(rebuild, row, default_budget, round);
    return status;
}

static void set_targets(struct report *report)
{
    const char *row = "rebuild/hash/flume";

    report_target(report, row, NULL, TARGET_AT_LEAST, 2e6);
    report_target(report, row, "rebuild/hash/lmdb_as_they_come", TARGET_AT_LEAST, 4);
    report_target(report, row, "rebuild/hash/rocksdb", TARGET_AT_LEAST, 1);
    report_target(report, row, "rebuild/hash/sqlite", TARGET_AT_LEAST, 1);
    report_target(report, "rebuild/hash/flume_memory", NULL, TARGET_AT_MOST,
                  (double)default_budget);
    report_target(report, "rebuild/hash/flume_24MiB_memory", NULL, TARGET_AT_MOST,
                  (double)small_budget + (16 << 20)); /* LMDB's own pages come on top. */
}

/* Figures in comments: what is expected on two cores of a virtual machine, in records a second. */
int bench_rebuild(struct bench *bench)
{
    const struct {
        const char *row;
        const struct index_type *type; /* NULL: flume. */
        uint64_t budget_bytes;
    } cases[] = {
        /* 2.4 M: 0.2 us to read and hash a record, 0.1 to sort its row, 0.2 to fetch it from where
         * it lies and append it; the first half in parts, a thread each. */
        {"rebuild/hash/flume", NULL, default_budget},
        /* 1.6 M: sorted runs of 250,000 rows are written and read again. */
        {"rebuild/hash/flume_24MiB", NULL, small_budget},
        /* 6 M: nothing is read, hashed or sorted. */
        {"rebuild/hash/lmdb_in_order", index_lmdb_append, 0},
        /* 0.35 M: in each transaction almost every page is touched, copied and written. */
        {"rebuild/hash/lmdb_as_they_come", index_lmdb, 0},
        /* 0.7 M: sorted in memory, written, merged once. */
        {"rebuild/hash/rocksdb", index_rocksdb, 0},
        /* 0.6 M: a table in order of seq, then a sort of all hashes. */
        {"rebuild/hash/sqlite", index_sqlite, 0},
    };
    const unsigned case_count = sizeof(cases) / sizeof(cases[0]);
    struct rebuild rebuild = {.bench = bench, .records = bench->records * REBUILD_RECORDS_FACTOR};
    int status = prepare(&rebuild);

    set_targets(bench->report);
    for (unsigned i = 0; i < case_count; i++) {
        report_row(bench->report, cases[i].row, UNIT_RECORDS_PER_SECOND,
                   "rebuild/hash/lmdb_as_they_come");
        if (cases[i].type == NULL)
            report_row(bench->report, report_name("%s_memory", cases[i].row), UNIT_BYTES, NULL);
        else if (cases[i].type->open == NULL)
            bench_note_missing(bench, cases[i].row, *cases[i].type->engine);
    }
    for (unsigned round = 0; status == 0 && round < bench->rounds; round++) {
        for (unsigned i = 0; i < case_count; i++) {
            const struct index_type *type = cases[i].type;

            if (type == NULL)
                status |= run_flume(&rebuild, cases[i].row, cases[i].budget_bytes, round);
            else if (type->open != NULL && (type == index_lmdb_append || round % SLOW_ROUNDS == 0))
                status |= run_index(&rebuild, type, cases[i].row, round);
        }
    }
    status |= run_sealed(&rebuild);
    free(rebuild.keys);
    basin_destroy(&rebuild.basin);
    return status;
}
