/*
 * run_bench.c - `flume bench`: a quick measurement of this machine.
 *
 * It is for orientation: one run, in a basin of its own that is taken away again. Each case is
 * timed as a whole, and each sixteenth call alone for the percentiles, so that the clock costs
 * little.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cancel.h"
#include "grid.h"
#include "run.h"
#include "scratch.h"

enum {
    SIZE_DEFAULT = 100,
    RECORDS_DEFAULT = 1000000,
    SAMPLE_EACH = 16,
    MANY = 100,        /* Records of an append of many. */
    SYNCED_MAX = 10000 /* Appends that are each synced are slow. */
};
/* Memory for bodies of one append of many, and records times size. */
#define TOTAL_BYTES_MAX (UINT64_C(64) << 30)

struct bench {
    struct session *session;
    flume_log *log;
    struct grid grid;
    struct scratch scratch;
    uint8_t *body;
    uint64_t size, records;
    uint64_t *samples;
    size_t sample_count;
    uint64_t chance; /* State of the generator. */
};

/* xorshift64: the order of the gets is the same in each run. */
static uint64_t next_chance(struct bench *bench)
{
    bench->chance ^= bench->chance << 13;
    bench->chance ^= bench->chance >> 7;
    bench->chance ^= bench->chance << 17;
    return bench->chance;
}

static int compare_samples(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

/* ---- one row ---- */

static uint64_t percentile(const struct bench *bench, size_t percent)
{
    return bench->sample_count == 0 ? 0 : bench->samples[bench->sample_count * percent / 100];
}

static const struct grid_column columns[] = {
    {"case", 14, false}, {"size", 8, true},    {"count", 10, true}, {"ops_s", 12, true},
    {"mb_s", 10, true},  {"p50_ns", 10, true}, {"p99_ns", 10, true}};

static void print_row(struct bench *bench, const char *name, uint64_t count, uint64_t passed_ns)
{
    struct grid *grid = &bench->grid;
    double seconds = (double)(passed_ns == 0 ? 1 : passed_ns) / (double)NS_PER_SECOND;
    double rate = (double)count / seconds;

    qsort(bench->samples, bench->sample_count, sizeof(bench->samples[0]), compare_samples);
    grid_string(grid, name);
    grid_size(grid, bench->size);
    grid_count(grid, count);
    grid_real(grid, rate, 0);
    grid_real(grid, rate * (double)bench->size / 1e6, 2);
    grid_span(grid, percentile(bench, 50));
    grid_span(grid, percentile(bench, 99));
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
    bench->sample_count = 0;
}

/* ---- cases ---- */

static int report_cancelled(struct bench *bench, const char *name)
{
    return cancel_say(bench->session, NULL,
                      "the case '%s' was not finished; its basin is taken away", name);
}

/* One call of a case; i counts up from 0. */
typedef int (*bench_step)(struct bench *bench, uint64_t i);

static int measure(struct bench *bench, const char *name, bench_step step, uint64_t calls,
                   uint64_t records_per_call)
{
    uint64_t begun_ns = value_monotonic_ns();
    uint64_t sample_each = calls / SAMPLE_EACH < 1000 ? 1 : SAMPLE_EACH;
    int status = FLUME_OK;

    for (uint64_t i = 0; i < calls && status == FLUME_OK; i++) {
        uint64_t before_ns = i % sample_each == 0 ? value_monotonic_ns() : 0;

        if (session_stopped(bench->session) != 0)
            return report_cancelled(bench, name);
        status = step(bench, i);
        if (before_ns != 0)
            bench->samples[bench->sample_count++] = value_monotonic_ns() - before_ns;
    }
    if (status != FLUME_OK)
        return report_log_error(bench->session, bench->log, status);
    print_row(bench, name, calls * records_per_call, value_monotonic_ns() - begun_ns);
    return session_flush(bench->session);
}

static int step_append(struct bench *bench, uint64_t i)
{
    memcpy(bench->body, &i, bench->size < sizeof(i) ? (size_t)bench->size : sizeof(i));
    return flume_log_append(bench->log, bench->body, (size_t)bench->size, NULL);
}

static int step_append_many(struct bench *bench, uint64_t i)
{
    flume_entry entries[MANY] = {0};

    (void)i; /* All batches are alike. */
    for (size_t k = 0; k < MANY; k++) {
        entries[k].body = bench->body;
        entries[k].body_bytes = (size_t)bench->size;
    }
    return flume_log_append_many(bench->log, entries, MANY, NULL, NULL);
}

static int step_append_sync(struct bench *bench, uint64_t i)
{
    int status = step_append(bench, i);

    return status == FLUME_OK ? flume_log_sync(bench->log, FLUME_SEQ_NONE) : status;
}

static int step_get(struct bench *bench, uint64_t i)
{
    uint64_t seq = next_chance(bench) % flume_log_head(bench->log);
    flume_record record;
    int status = flume_log_get(bench->log, seq, &record);

    (void)i; /* The order is random. */
    if (status == FLUME_OK)
        flume_record_release(&record);
    return status;
}

static int scan(struct bench *bench)
{
    uint64_t begun_ns = value_monotonic_ns(), count = 0;
    flume_cursor *cursor = NULL;
    flume_record record;
    int status = flume_cursor_open(bench->log, NULL, &cursor);

    while (status == FLUME_OK && session_stopped(bench->session) == 0) {
        uint64_t before_ns = count % SAMPLE_EACH == 0 ? value_monotonic_ns() : 0;

        status = flume_cursor_next(cursor, 0, &record);
        if (before_ns != 0 && bench->sample_count < bench->records)
            bench->samples[bench->sample_count++] = value_monotonic_ns() - before_ns;
        count += status == FLUME_OK ? 1 : 0;
    }
    flume_cursor_close(cursor);
    if (session_stopped(bench->session) != 0)
        return report_cancelled(bench, "scan");
    if (status != FLUME_END)
        return report_log_error(bench->session, bench->log, status);
    print_row(bench, "scan", count, value_monotonic_ns() - begun_ns);
    return CODE_OK;
}

static int run_cases(struct bench *bench)
{
    uint64_t many_calls = bench->records / MANY == 0 ? 1 : bench->records / MANY;
    enum flume_profile profile = session_profile(bench->session);
    bool synced = profile == FLUME_PROFILE_SAFE || profile == FLUME_PROFILE_PARANOID;
    uint64_t synced_calls = bench->records < SYNCED_MAX ? bench->records : SYNCED_MAX;
    int code;

    grid_init(&bench->grid, bench->session, "bench", columns, sizeof(columns) / sizeof(columns[0]));
    code = measure(bench, "append", step_append, synced ? synced_calls : bench->records, 1);
    if (code == CODE_OK)
        code = measure(bench, "append many", step_append_many,
                       synced && many_calls > SYNCED_MAX / 10 ? SYNCED_MAX / 10 : many_calls, MANY);
    if (code == CODE_OK)
        code = measure(bench, "append + sync", step_append_sync, synced_calls, 1);
    if (code == CODE_OK)
        code = measure(bench, "get random", step_get, bench->records, 1);
    return code == CODE_OK ? scan(bench) : code;
}

/* ---- the basin ---- */

static int check_size(struct bench *bench)
{
    struct session *session = bench->session;

    if (session->invocation->db != NULL)
        return report(session, ERROR_BENCH_OWN_BASIN);
    if (bench->size > FLUME_BODY_BYTES_MAX || bench->records == 0 ||
        bench->records > TOTAL_BYTES_MAX / (bench->size + 64))
        return report(session, ERROR_BENCH_SIZE);
    bench->body = calloc(1, (size_t)bench->size + 1);
    bench->samples = calloc((size_t)bench->records + SYNCED_MAX, sizeof(bench->samples[0]));
    if (bench->body == NULL || bench->samples == NULL)
        return report_status(session, FLUME_ERR_NO_MEMORY, NULL);
    return CODE_OK;
}

int run_bench(struct session *session)
{
    struct bench bench = {.session = session, .chance = UINT64_C(0x9E3779B97F4A7C15)};
    flume_log_options options = {.flags = FLUME_OPEN_CREATE, .profile = session_profile(session)};
    bool in_memory = invocation_has(session->invocation, OPTION_MEMORY);
    int code;

    bench.size = invocation_number(session->invocation, OPTION_SIZE, SIZE_DEFAULT);
    bench.records = invocation_number(session->invocation, OPTION_RECORDS, RECORDS_DEFAULT);
    code = check_size(&bench);
    cancel_begin(session);
    if (code == CODE_OK && !in_memory)
        code = scratch_make(&bench.scratch, session, "bench");
    session->db = in_memory ? ":memory:" : bench.scratch.path;
    if (code == CODE_OK)
        code = session_open(session, &options, &bench.log);
    if (code == CODE_OK)
        code = run_cases(&bench);
    (void)session_close(session); /* The basin goes away. */
    scratch_remove(&bench.scratch);
    cancel_end(session);
    free(bench.body);
    free(bench.samples);
    return code;
}
