/*
 * bench_latency.c - latency/PACE/SETTING: from an append in one process to the callback in another.
 *
 * Each record carries the clock as it was just before its append; the callback reads the clock
 * first thing. The time is that of an append, a wake-up and a verified read. "word" is the limit of
 * that: one word in shared memory and a bare futex wake, nothing else, its waiter always asleep.
 *
 * flume's waiter polls for a millisecond after it has found records. So at a pace of 100 us it is
 * awake, at 3 ms it has gone to sleep, and at 1 ms it may be either.
 */
#include "bench.h"
#include "child.h"
#include "measure.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "flume/flume.h"

enum latency_way { WAY_WORD, WAY_FLUME, WAY_COUNT };
enum { PACE_COUNT = 3, PASSES = 3 };

static const struct {
    const char *name;
    enum child_role role;
} ways[WAY_COUNT] = {
    [WAY_WORD] = {"word", CHILD_WORD_READER},
    [WAY_FLUME] = {"flume", CHILD_STAMP_READER},
};

static const struct {
    const char *name;
    uint64_t gap_ns;
} paces[PACE_COUNT] = {{"1_per_3ms", 3000000}, {"1_per_ms", 1000000}, {"1_per_100us", 100000}};

/* --- The second process ----------------------------------------------------------------------- */

static void add_sample(struct board *board, uint64_t stamp_ns, uint64_t now_ns)
{
    uint32_t count = atomic_load_explicit(&board->sample_count, memory_order_relaxed);
    uint64_t took_ns = now_ns - stamp_ns;

    if (count == BOARD_SAMPLES_MAX)
        return;
    board->samples_ns[count] = took_ns < UINT32_MAX ? (uint32_t)took_ns : UINT32_MAX;
    atomic_store_explicit(&board->sample_count, count + 1, memory_order_release);
}

static int on_stamp(void *ctx, const flume_record *record)
{
    uint64_t now_ns = clock_ns();
    uint64_t stamp_ns;

    memcpy(&stamp_ns, record->body, sizeof(stamp_ns));
    add_sample(ctx, stamp_ns, now_ns);
    return 0;
}

int role_stamp_reader(struct board *board)
{
    flume_subscribe_options options = {.cursor = {.flags = FLUME_CURSOR_NEW_ONLY}};
    flume_subscription *subscription = NULL;
    flume_log *log = NULL;
    flume_error error = {0};
    int status = flume_log_open(&log, board->basin_path, NULL, &error);

    if (status == FLUME_OK)
        status = flume_subscribe(log, &options, on_stamp, board, &subscription);
    if (status == FLUME_OK) {
        atomic_store_explicit(&board->ready, 1, memory_order_release);
        status = board_wait_for_stop(board);
    } else {
        (void)bench_fail("flume: subscribe: %s: %s", flume_strerror(status), error.message);
    }
    flume_unsubscribe(subscription);
    (void)flume_log_close(log); /* Nothing was appended here. */
    return status == FLUME_OK ? 0 : -1;
}

int role_word_reader(struct board *board)
{
    const struct timespec look_up = {.tv_nsec = 100000000};
    uint32_t seen = 0;

    atomic_store_explicit(&board->ready, 1, memory_order_release);
    while (!atomic_load_explicit(&board->stop, memory_order_relaxed)) {
        uint32_t now = atomic_load_explicit(&board->word, memory_order_acquire);

        if (now != seen)
            add_sample(board, atomic_load_explicit(&board->stamp, memory_order_relaxed),
                       clock_ns());
        else
            (void)syscall(SYS_futex, &board->word, FUTEX_WAIT, now, &look_up, NULL, 0);
        seen = now;
    }
    return 0;
}

/* --- The first process ------------------------------------------------------------------------ */

static int send_word(struct board *board)
{
    atomic_store_explicit(&board->stamp, clock_ns(), memory_order_relaxed);
    atomic_fetch_add_explicit(&board->word, 1, memory_order_release);
    (void)syscall(SYS_futex, &board->word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    return 0;
}

static int send_record(flume_log *log)
{
    uint64_t body[100 / sizeof(uint64_t)] = {clock_ns()};
    int status = flume_log_append(log, body, sizeof(body), NULL);

    return status == FLUME_OK ? 0 : bench_fail("flume: append: %s", flume_strerror(status));
}

static int send_paced(struct board *board, flume_log *log, uint64_t gap_ns, uint64_t duration_ns)
{
    uint64_t next_ns = clock_ns();
    const uint64_t until_ns = next_ns + duration_ns;
    int status = 0;

    for (; status == 0 && next_ns < until_ns; next_ns += gap_ns) {
        struct timespec due = {.tv_sec = (time_t)(next_ns / 1000000000),
                               .tv_nsec = (long)(next_ns % 1000000000)};

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
            continue;
        status = log == NULL ? send_word(board) : send_record(log);
    }
    return status;
}

static int by_time(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

static void report_percentiles(struct bench *bench, struct board *board, const char *pace,
                               const char *way, unsigned round)
{
    uint32_t count = atomic_load_explicit(&board->sample_count, memory_order_acquire);
    const char *median = report_name("latency/%s/%s_p50", pace, way);
    const char *tail = report_name("latency/%s/%s_p99", pace, way);

    if (count == 0) {
        report_note(bench->report, median, "nothing arrived");
        return;
    }
    qsort(board->samples_ns, count, sizeof(board->samples_ns[0]), by_time);
    report_sample(bench->report, median, round, board->samples_ns[count / 2] / 1e9);
    report_sample(bench->report, tail, round, board->samples_ns[(uint64_t)count * 99 / 100] / 1e9);
}

static int run_pace(struct bench *bench, flume_log *log, enum latency_way way, unsigned pace,
                    unsigned round)
{
    const uint64_t settle_ns = 20000000;
    struct child child;
    int status = child_prepare(&child, flume_log_path(log));

    if (status == 0)
        status = child_start(&child, ways[way].role);
    if (status == 0) {
        sleep_ns(settle_ns); /* The reader has gone to sleep. */
        status = send_paced(child.board, way == WAY_FLUME ? log : NULL, paces[pace].gap_ns,
                            bench->slice_ns * 2);
        sleep_ns(settle_ns); /* The last one has arrived. */
        status |= child_stop(&child);
    }
    if (status == 0)
        report_percentiles(bench, child.board, paces[pace].name, ways[way].name, round);
    child_discard(&child);
    return status;
}

static void make_rows(struct bench *bench)
{
    static const char *const percentiles[] = {"p50", "p99"};

    for (unsigned pace = 0; pace < PACE_COUNT; pace++) {
        for (unsigned i = 0; i < 2 * WAY_COUNT; i++) {
            const char *percentile = percentiles[i % 2];

            report_row(
                bench->report,
                report_name("latency/%s/%s_%s", paces[pace].name, ways[i / 2].name, percentile),
                UNIT_SECONDS, report_name("latency/%s/word_%s", paces[pace].name, percentile));
        }
        report_target(bench->report, report_name("latency/%s/flume_p50", paces[pace].name), NULL,
                      TARGET_AT_MOST, 10e-6);
        report_target(bench->report, report_name("latency/%s/flume_p99", paces[pace].name), NULL,
                      TARGET_AT_MOST, 100e-6);
    }
}

/* Expected: a futex wake takes 4 us until the waiter runs, more where the processor has to be woken
 * as well; flume adds an append and a read, under 1 us, and at 100 us needs no wake: 1 us in all.
 * p99 is the scheduler's: 20 to 50 us. */
int bench_latency(struct bench *bench)
{
    flume_log *log = NULL;
    flume_error error = {0};
    char *dir_path = bench_directory(bench);
    char *path = dir_path == NULL ? NULL : engine_flume_basin(dir_path);
    int status = path == NULL ? -1 : flume_log_open(&log, path, NULL, &error);

    make_rows(bench);
    /* The sender's own timer must not be late on purpose. */
    (void)prctl(PR_SET_TIMERSLACK, 1);
    if (path != NULL && status != 0)
        (void)bench_fail("flume: open: %s: %s", flume_strerror(status), error.message);
    wait_until_quiet(2000000000);
    settle_file_system(bench->dir_path);
    for (unsigned round = 0; status == 0 && round < PASSES; round++) {
        for (unsigned i = 0; status == 0 && i < PACE_COUNT * WAY_COUNT; i++)
            status = run_pace(bench, log, i % WAY_COUNT, i / WAY_COUNT, round);
    }
    (void)flume_log_close(log); /* The figures are taken already. */
    free(path);
    bench_directory_remove(dir_path);
    return status;
}
