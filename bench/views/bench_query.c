/*
 * bench_query.c - query/WHAT: append and ask in one thread, and lookups.
 *
 * "append_then": a record is appended, then asked for; the answer must be that record. The time is
 * of both calls. Workers run, as they do in a program; the view has all records that the lookups
 * are of. "find": the body hash of a random record, "from_end": a random record of a label; each
 * lookup asks as of the head at its call. lmdb is a snapshot and a search of LMDB's own in the same
 * rows: the limit.
 */
#include "views_bench.h"

#include "index.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PAIRS_MAX = 20000,
    PAIRS_MIN = 1000,
    LOOKUPS_MAX = 1000000,
    PERCENT_50 = 50,
    PERCENT_99 = 99
};

struct query {
    struct bench *bench;
    struct bodies bodies;
    struct basin basin;
    flume *handle;
    uint64_t appended; /* Messages; number i is record number i. */
    uint8_t *hashes;   /* Of the first `records`. */
    uint64_t *seqs;    /* Likewise. */
    uint64_t records;
    char *index_dir_path;
    struct index *index;  /* NULL: no LMDB here. */
    uint32_t *samples_ns; /* PAIRS_MAX of them. */
    unsigned pairs;
};

static int by_value(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

static void report_percentiles(struct query *query, const char *what, unsigned round)
{
    struct report *report = query->bench->report;

    qsort(query->samples_ns, query->pairs, sizeof(*query->samples_ns), by_value);
    report_sample(report, report_name("query/append_then_%s/p50", what), round,
                  query->samples_ns[query->pairs * PERCENT_50 / 100] * 1e-9);
    report_sample(report, report_name("query/append_then_%s/p99", what), round,
                  query->samples_ns[query->pairs * PERCENT_99 / 100] * 1e-9);
}

/* --- append, then ask ------------------------------------------------------------------------- */

struct pair {
    uint8_t body[VIEWS_BODY_BYTES];
    uint8_t hash[FLUME_HASH_BYTES];
    const char *label;
};

static int append_then_hash(flume *handle, const struct pair *pair)
{
    flume_entry entry = {.body = pair->body,
                         .body_bytes = sizeof(pair->body),
                         .labels = &pair->label,
                         .label_count = 1};
    uint64_t seq, found;
    int status = flume_log_append_entry(flume_log_of(handle), &entry, &seq);

    if (status != FLUME_OK)
        return bench_fail("flume: append: %s", flume_strerror(status));
    status = flume_hash_find(handle, NULL, pair->hash, &found);
    if (status != FLUME_OK)
        return handle_fail(handle, "hash_find", status);
    return found == seq ? 0 : bench_fail("flume: another record was found");
}

static int append_then_label(flume *handle, const struct pair *pair)
{
    flume_entry entry = {.body = pair->body,
                         .body_bytes = sizeof(pair->body),
                         .labels = &pair->label,
                         .label_count = 1};
    uint64_t seq, found;
    int status = flume_log_append_entry(flume_log_of(handle), &entry, &seq);

    if (status != FLUME_OK)
        return bench_fail("flume: append: %s", flume_strerror(status));
    status = flume_label_from_end(handle, NULL, pair->label, 0, &found);
    if (status != FLUME_OK)
        return handle_fail(handle, "label_from_end", status);
    return found == seq ? 0 : bench_fail("flume: another record was found");
}

static int run_pairs(struct query *query, const char *what, unsigned round,
                     int (*ask)(flume *handle, const struct pair *pair))
{
    struct pair pair;
    int status = 0;

    wait_until_quiet(2000000000);
    for (unsigned i = 0; status == 0 && i < query->pairs; i++) {
        uint64_t begun_ns;

        body_make(&query->bodies, query->appended, pair.body);
        flume_hash(pair.body, sizeof(pair.body), pair.hash);
        pair.label = label_at(query->appended++);
        begun_ns = clock_ns();
        status = ask(query->handle, &pair);
        query->samples_ns[i] = (uint32_t)(clock_ns() - begun_ns);
    }
    if (status == 0)
        report_percentiles(query, what, round);
    return status;
}

/* --- lookups ---------------------------------------------------------------------------------- */

static int find_hash(struct query *query, uint64_t number)
{
    uint64_t seq;
    int status =
        flume_hash_find(query->handle, NULL, query->hashes + number * FLUME_HASH_BYTES, &seq);

    if (status != FLUME_OK)
        return handle_fail(query->handle, "hash_find", status);
    return seq == query->seqs[number] ? 0 : bench_fail("flume: another record was found");
}

static int find_from_end(struct query *query, uint64_t number)
{
    uint64_t back = number % 64;
    uint64_t seq;
    int status = flume_label_from_end(query->handle, NULL, label_at(number), back, &seq);

    if (status != FLUME_OK)
        return handle_fail(query->handle, "label_from_end", status);
    return seq < flume_log_head(flume_log_of(query->handle))
               ? 0
               : bench_fail("flume: another record was found");
}

static int find_in_index(struct query *query, uint64_t number)
{
    int found = 0;

    if (query->index->type->find(query->index, query->hashes + number * FLUME_HASH_BYTES, &found) !=
        0)
        return -1;
    return found ? 0 : bench_fail("lmdb: a key is missing");
}

static int run_lookups(struct query *query, const char *row, unsigned round,
                       int (*find)(struct query *query, uint64_t number))
{
    uint64_t count = query->records < LOOKUPS_MAX ? query->records : LOOKUPS_MAX;
    uint64_t chance = query->bench->seed + round;
    uint64_t begun_ns;
    int status = 0;

    wait_until_quiet(2000000000);
    begun_ns = clock_ns();
    for (uint64_t i = 0; status == 0 && i < count; i++)
        status = find(query, random_next(&chance) % query->records);
    if (status == 0)
        report_sample(query->bench->report, row, round,
                      (double)count * 1e9 / (double)(clock_ns() - begun_ns));
    return status;
}

/* --- all -------------------------------------------------------------------------------------- */

/* What the log has: manifests stand between its messages. */
static int read_hashes(struct query *query)
{
    flume_cursor *cursor = NULL;
    flume_record record;
    uint64_t count = 0;
    int status;

    query->hashes = malloc(query->records * FLUME_HASH_BYTES);
    query->seqs = malloc(query->records * sizeof(*query->seqs));
    if (query->hashes == NULL || query->seqs == NULL)
        return bench_fail("no memory for hashes");
    status = flume_cursor_open(flume_log_of(query->handle), NULL, &cursor);
    while (status == FLUME_OK && count < query->records) {
        status = flume_cursor_next(cursor, 0, &record);
        if (status != FLUME_OK)
            break;
        flume_hash(record.body, record.body_bytes, query->hashes + count * FLUME_HASH_BYTES);
        query->seqs[count++] = record.seq;
    }
    flume_cursor_close(cursor);
    return count == query->records ? 0 : bench_fail("the log could not be read to its end");
}

static int make_index(struct query *query)
{
    uint8_t key[INDEX_KEY_BYTES];
    int status;

    if (index_lmdb->open == NULL)
        return 0;
    query->index_dir_path = bench_directory(query->bench);
    if (query->index_dir_path == NULL)
        return -1;
    status = index_lmdb->open(query->index_dir_path, &query->index);
    for (uint64_t i = 0; status == 0 && i < query->records; i++) {
        uint64_t seq = htobe64(query->seqs[i]);

        memcpy(key, query->hashes + i * FLUME_HASH_BYTES, INDEX_HASH_BYTES);
        memcpy(key + INDEX_HASH_BYTES, &seq, sizeof(seq));
        status = query->index->type->put(query->index, key);
    }
    return status == 0 ? query->index->type->finish(query->index) : status;
}

static int prepare(struct query *query)
{
    static const char *const asked[] = {"hash", "label"};
    int status = basin_create(query->bench, &query->basin);

    query->samples_ns = malloc(PAIRS_MAX * sizeof(*query->samples_ns));
    if (query->samples_ns == NULL)
        return bench_fail("no memory for samples");
    if (status == 0)
        status = basin_open(&query->basin, 0, 0, &query->handle);
    if (status == 0)
        status = log_fill(flume_log_of(query->handle), &query->bodies, 0, query->records);
    query->appended = query->records;
    for (unsigned i = 0; status == 0 && i < 2; i++) {
        flume_view *view = NULL;

        status = view_named(query->handle, asked[i], &view);
        if (status == 0)
            status = view_wait(query->handle, view);
    }
    if (status == 0)
        status = read_hashes(query);
    return status == 0 ? make_index(query) : status;
}

static void finish(struct query *query)
{
    if (flume_close(query->handle) != FLUME_OK)
        (void)bench_fail("flume: close failed"); /* The figures are taken already. */
    if (query->index != NULL)
        query->index->type->close(query->index);
    bench_directory_remove(query->index_dir_path);
    basin_destroy(&query->basin);
    bodies_destroy(&query->bodies);
    free(query->hashes);
    free(query->seqs);
    free(query->samples_ns);
}

static void make_rows(struct bench *bench)
{
    static const char *const asked[] = {"hash", "label"};
    struct report *report = bench->report;

    for (unsigned i = 0; i < 2; i++) {
        report_row(report, report_name("query/append_then_%s/p50", asked[i]), UNIT_SECONDS, NULL);
        report_row(report, report_name("query/append_then_%s/p99", asked[i]), UNIT_SECONDS, NULL);
        report_target(report, report_name("query/append_then_%s/p50", asked[i]), NULL,
                      TARGET_AT_MOST, 10e-6);
        report_target(report, report_name("query/append_then_%s/p99", asked[i]), NULL,
                      TARGET_AT_MOST, 100e-6);
    }
    report_row(report, "query/find/lmdb", UNIT_RECORDS_PER_SECOND, NULL);
    report_row(report, "query/find/hash", UNIT_RECORDS_PER_SECOND, "query/find/lmdb");
    report_row(report, "query/find/label_from_end", UNIT_RECORDS_PER_SECOND, NULL);
    report_target(report, "query/find/hash", NULL, TARGET_AT_LEAST, 1e6);
    if (index_lmdb->open == NULL)
        bench_note_missing(bench, "query/find/lmdb", *index_lmdb->engine);
}

/*
 * Expected: append_then_hash p50 10 us, p99 40 us (an append 0.1 us, hashing twice that; the rest
 * is one transaction of LMDB: two locks, and nine pages written with pwrite, two of them because
 * earlier batches have left a long list of free pages), append_then_label 8 us (a label's rows end
 * where the last one was put); find lmdb 1.2 M/s (a binary search through three pages, most of it
 * cache misses), hash 1 M/s (the same, and the question whether it is up to date), label_from_end
 * 0.7 M/s (steps back up to 63 rows).
 */
int bench_query(struct bench *bench)
{
    struct query query = {.bench = bench, .records = bench->records};
    int status;

    query.pairs = bench->records < 1000000 ? PAIRS_MIN : PAIRS_MAX;
    make_rows(bench);
    if (bodies_create(&query.bodies, VIEWS_BODY_BYTES, bench->seed) != 0)
        return -1;
    status = prepare(&query);
    for (unsigned round = 0; status == 0 && round < bench->rounds; round++) {
        status |= run_pairs(&query, "hash", round, append_then_hash);
        status |= run_pairs(&query, "label", round, append_then_label);
        if (query.index != NULL)
            status |= run_lookups(&query, "query/find/lmdb", round, find_in_index);
        status |= run_lookups(&query, "query/find/hash", round, find_hash);
        status |= run_lookups(&query, "query/find/label_from_end", round, find_from_end);
    }
    finish(&query);
    return status;
}
