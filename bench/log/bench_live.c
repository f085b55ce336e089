/*
 * bench_live.c - live/100B/SETTING: appends while somebody follows, or somebody else appends too.
 *
 * Rates are of all appenders together, 100 B a record, profile casual, one call a record. Each
 * measurement has a fresh basin with strata of full size. The follower is another process with a
 * live subscription; besides the appender's rate the table shows how far behind it was when the
 * last append returned, and how long it then took to catch up: it kept up if that is little.
 */
#include "bench.h"
#include "child.h"
#include "measure.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "flume/flume.h"

enum live_company { ALONE, FOLLOWED, TWO_THREADS, TWO_PROCESSES, COMPANY_COUNT };

enum { BODY_BYTES = 100 };

static const char *const row_names[COMPANY_COUNT] = {
    [ALONE] = "live/100B/one_thread",
    [FOLLOWED] = "live/100B/one_thread_followed",
    [TWO_THREADS] = "live/100B/two_threads",
    [TWO_PROCESSES] = "live/100B/two_processes",
};
static const char *const lag_row = "live/100B/follower_behind";
static const char *const drain_row = "live/100B/follower_catches_up";
static const char *const share_row = "live/100B/follower_behind_share";

struct appender {
    flume_log *log;
    const struct bodies *bodies;
    uint64_t records;
    _Atomic uint32_t *go; /* NULL: at once. */
    uint64_t begun_ns, ended_ns;
    int status;
};

/* A thread's function. Waits without sleeping, so that appenders begin together. */
static void *append_all(void *ctx)
{
    struct appender *appender = ctx;

    while (appender->go != NULL && !atomic_load_explicit(appender->go, memory_order_acquire))
        continue;
    appender->begun_ns = clock_ns();
    for (uint64_t i = 0; appender->status == FLUME_OK && i < appender->records; i++)
        appender->status =
            flume_log_append(appender->log, bodies_at(appender->bodies, i), BODY_BYTES, NULL);
    appender->ended_ns = clock_ns();
    if (appender->status != FLUME_OK)
        (void)bench_fail("flume: append: %s", flume_strerror(appender->status));
    return NULL;
}

/* --- The second process ----------------------------------------------------------------------- */

int role_appender(struct board *board)
{
    struct bodies bodies = {0};
    struct appender appender = {.bodies = &bodies, .records = board->records, .go = &board->go};
    int status = bodies_create(&bodies, BODY_BYTES, board->seed);

    if (status == 0)
        status = flume_log_open(&appender.log, board->basin_path, NULL, NULL);
    /* The first append brings the manifest and the mappings. */
    if (status == FLUME_OK)
        status = flume_log_append(appender.log, bodies.pool, BODY_BYTES, NULL);
    if (status == FLUME_OK) {
        atomic_store_explicit(&board->ready, 1, memory_order_release);
        (void)append_all(&appender);
        status = appender.status;
        atomic_store(&board->begun_ns, appender.begun_ns);
        atomic_store(&board->ended_ns, appender.ended_ns);
    }
    (void)flume_log_close(appender.log); /* The figure is taken already. */
    bodies_destroy(&bodies);
    return status == FLUME_OK ? 0 : bench_fail("flume: %s", flume_strerror(status));
}

static int on_record(void *ctx, const flume_record *record)
{
    struct board *board = ctx;

    atomic_store_explicit(&board->position, record->seq + 1, memory_order_release);
    return 0;
}

int role_counter(struct board *board)
{
    flume_subscribe_options options = {.cursor = {.flags = FLUME_CURSOR_NEW_ONLY}};
    flume_subscription *subscription = NULL;
    flume_log *log = NULL;
    int status = flume_log_open(&log, board->basin_path, NULL, NULL);

    if (status == FLUME_OK)
        status = flume_subscribe(log, &options, on_record, board, &subscription);
    if (status == FLUME_OK) {
        atomic_store_explicit(&board->ready, 1, memory_order_release);
        status = board_wait_for_stop(board);
    } else {
        (void)bench_fail("flume: subscribe: %s", flume_strerror(status));
    }
    flume_unsubscribe(subscription);
    (void)flume_log_close(log); /* Nothing was appended here. */
    return status == FLUME_OK ? 0 : -1;
}

/* --- The first process ------------------------------------------------------------------------ */

static double rate_of(uint64_t records, uint64_t begun_ns, uint64_t ended_ns)
{
    return (double)records * 1e9 / (double)(ended_ns - begun_ns);
}

static int run_alone(struct bench *bench, struct appender *first, unsigned round)
{
    (void)append_all(first);
    if (first->status != FLUME_OK)
        return -1;
    report_sample(bench->report, row_names[ALONE], round,
                  rate_of(first->records, first->begun_ns, first->ended_ns));
    return 0;
}

/* Wait until the follower has everything; returns when it had. */
static uint64_t wait_for_follower(struct board *board, uint64_t head)
{
    const uint64_t until_ns = clock_ns() + 10000000000;

    while (atomic_load_explicit(&board->position, memory_order_acquire) < head &&
           clock_ns() < until_ns)
        sleep_ns(50000);
    return clock_ns();
}

static int run_followed(struct bench *bench, struct appender *first, unsigned round)
{
    struct child child;
    int status = child_prepare(&child, flume_log_path(first->log));

    if (status == 0)
        status = child_start(&child, CHILD_COUNTER);
    if (status == 0) {
        uint64_t begin = flume_log_head(first->log);
        uint64_t position, head, caught_up_ns;

        (void)append_all(first);
        position = atomic_load_explicit(&child.board->position, memory_order_acquire);
        head = flume_log_head(first->log);
        position = position < begin ? begin : position;
        caught_up_ns = wait_for_follower(child.board, head);
        report_sample(bench->report, row_names[FOLLOWED], round,
                      rate_of(first->records, first->begun_ns, first->ended_ns));
        report_sample(bench->report, lag_row, round, (double)(head - position));
        report_sample(bench->report, share_row, round,
                      (double)(head - position) / (double)(head - begin));
        report_sample(bench->report, drain_row, round,
                      (double)(caught_up_ns - first->ended_ns) / 1e9);
        status = child_stop(&child) != 0 || first->status != FLUME_OK ? -1 : 0;
        if (atomic_load(&child.board->position) < head)
            status = bench_fail("flume: the follower was not given everything");
    }
    child_discard(&child);
    return status;
}

static int run_two_threads(struct bench *bench, struct appender *first, unsigned round)
{
    _Atomic uint32_t go = 0;
    struct appender second;
    pthread_t thread;

    first->records /= 2;
    first->go = &go;
    second = *first;
    if (pthread_create(&thread, NULL, append_all, &second) != 0)
        return bench_fail("cannot start a thread");
    sleep_ns(1000000); /* It has arrived at the start. */
    atomic_store_explicit(&go, 1, memory_order_release);
    (void)append_all(first);
    (void)pthread_join(thread, NULL);
    if (first->status != FLUME_OK || second.status != FLUME_OK)
        return -1;
    report_sample(bench->report, row_names[TWO_THREADS], round,
                  rate_of(first->records + second.records,
                          first->begun_ns < second.begun_ns ? first->begun_ns : second.begun_ns,
                          first->ended_ns > second.ended_ns ? first->ended_ns : second.ended_ns));
    return 0;
}

static int run_two_processes(struct bench *bench, struct appender *first, unsigned round)
{
    struct child child;
    int status = child_prepare(&child, flume_log_path(first->log));

    first->records /= 2;
    if (status == 0) {
        child.board->records = first->records;
        child.board->seed = bench->seed;
        status = child_start(&child, CHILD_APPENDER);
    }
    if (status == 0) {
        uint64_t begun_ns, ended_ns;

        wait_until_quiet(1000000000);
        first->go = &child.board->go;
        atomic_store_explicit(&child.board->go, 1, memory_order_release);
        (void)append_all(first);
        status = child_stop(&child) != 0 || first->status != FLUME_OK ? -1 : 0;
        begun_ns = atomic_load(&child.board->begun_ns);
        ended_ns = atomic_load(&child.board->ended_ns);
        if (status == 0)
            report_sample(bench->report, row_names[TWO_PROCESSES], round,
                          rate_of(first->records * 2,
                                  first->begun_ns < begun_ns ? first->begun_ns : begun_ns,
                                  first->ended_ns > ended_ns ? first->ended_ns : ended_ns));
    }
    child_discard(&child);
    return status;
}

static int run_company(struct bench *bench, const struct bodies *bodies, enum live_company company,
                       unsigned round)
{
    static int (*const runs[COMPANY_COUNT])(struct bench *, struct appender *, unsigned) = {
        [ALONE] = run_alone,
        [FOLLOWED] = run_followed,
        [TWO_THREADS] = run_two_threads,
        [TWO_PROCESSES] = run_two_processes,
    };
    char *dir_path = bench_directory(bench);
    char *path = dir_path == NULL ? NULL : engine_flume_basin(dir_path);
    struct appender first = {.bodies = bodies, .records = bench->records};
    int status = path == NULL ? -1 : flume_log_open(&first.log, path, NULL, NULL);

    if (status == FLUME_OK)
        status = flume_log_append(first.log, bodies->pool, BODY_BYTES, NULL);
    if (status == FLUME_OK) {
        wait_until_quiet(2000000000);
        status = runs[company](bench, &first, round);
    }
    (void)flume_log_close(first.log); /* The figure is taken already. */
    free(path);
    bench_directory_remove(dir_path);
    if (status != FLUME_OK)
        report_note(bench->report, row_names[company], "failed");
    return status == FLUME_OK ? 0 : -1;
}

static void make_rows(struct report *report)
{
    for (unsigned i = 0; i < COMPANY_COUNT; i++)
        report_row(report, row_names[i], UNIT_RECORDS_PER_SECOND, row_names[ALONE]);
    report_row(report, lag_row, UNIT_RECORDS, NULL);
    report_row(report, share_row, UNIT_SHARE, NULL);
    report_row(report, drain_row, UNIT_SECONDS, NULL);
    report_target(report, row_names[FOLLOWED], row_names[ALONE], TARGET_AT_LEAST, 0.5);
    report_target(report, row_names[TWO_THREADS], row_names[ALONE], TARGET_AT_LEAST, 0.6);
    report_target(report, row_names[TWO_PROCESSES], row_names[ALONE], TARGET_AT_LEAST, 0.6);
    report_target(report, share_row, NULL, TARGET_AT_MOST, 0.1);
}

/* Expected: 10 M/s alone, 6 M/s followed (the reader pulls the cache lines that are being written),
 * 7 M/s for two threads or processes (the mutex and the head move between processors). A follower
 * reads as fast as one appends, so it should be behind by less than a tenth at the end. */
int bench_live(struct bench *bench)
{
    struct bodies bodies;
    int status = bodies_create(&bodies, BODY_BYTES, bench->seed);

    make_rows(bench->report);
    if (status != 0)
        return status;
    for (unsigned round = 0; round < bench->rounds; round++) {
        for (unsigned company = 0; company < COMPANY_COUNT; company++)
            status |= run_company(bench, &bodies, company, round);
    }
    bodies_destroy(&bodies);
    return status;
}
