/*
 * bench_open.c - open/SIZE/SETTING, and what an open log costs: memory, disk, idleness.
 *
 * Another process records ten million records of 100 B under casual, waits until they are durable,
 * appends some more and is killed with SIGKILL; flume_log_open in this process is what is timed.
 * "after_kill" opens as it is. "after_stop" opens with an io table that reports another boot, which
 * is how a machine stop looks to recovery. "in_burst": the recorder was appending at full speed for
 * the better part of a second, so that much was not synced yet.
 */
#include "bench.h"
#include "child.h"
#include "measure.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "flume/flume.h"

enum { BODY_BYTES = 100, BATCH_RECORDS = 100, EXTRA_RECORDS = 10000, BURST_OPENS_MAX = 3 };

static const char *const memory_row = "open/memory/just_opened";
static const char *const used_row = "open/memory/after_use";
static const char *const disk_row = "open/disk/fresh_basin";
static const char *const idle_row = "open/idle/cpu";

/* --- The second process ----------------------------------------------------------------------- */

static int record_many(flume_log *log, const struct bodies *bodies, uint64_t records)
{
    flume_entry entries[BATCH_RECORDS];
    int status = FLUME_OK;

    for (size_t i = 0; i < BATCH_RECORDS; i++)
        entries[i] = (flume_entry){.body = bodies_at(bodies, i), .body_bytes = BODY_BYTES};
    for (uint64_t done = 0; status == FLUME_OK && done < records; done += BATCH_RECORDS)
        status = flume_log_append_many(log, entries, BATCH_RECORDS, NULL, NULL);
    return status;
}

/* Casual makes everything durable within a second; a slow disk may need longer for ten million. */
static void wait_until_durable(flume_log *log)
{
    const uint64_t until_ns = clock_ns() + 30000000000;

    while (flume_log_durable(log) < flume_log_head(log) && clock_ns() < until_ns)
        sleep_ns(10000000);
}

static int record_and_linger(struct board *board, flume_log *log, const struct bodies *bodies)
{
    int status = record_many(log, bodies, board->records);

    if (status == FLUME_OK)
        wait_until_durable(log);
    for (uint64_t i = 0; status == FLUME_OK && i < board->extra; i++)
        status = flume_log_append(log, bodies_at(bodies, i), BODY_BYTES, NULL);
    atomic_store_explicit(&board->position, flume_log_head(log), memory_order_release);
    if (status == FLUME_OK)
        atomic_store_explicit(&board->ready, 1, memory_order_release);
    for (uint64_t i = 0; status == FLUME_OK && board->endless != 0; i++) {
        status = flume_log_append(log, bodies_at(bodies, i), BODY_BYTES, NULL);
        atomic_store_explicit(&board->position, flume_log_head(log), memory_order_release);
    }
    return status == FLUME_OK ? board_wait_for_stop(board) : status;
}

int role_recorder(struct board *board)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE, .profile = FLUME_PROFILE_CASUAL};
    struct bodies bodies = {0};
    flume_log *log = NULL;
    int status = bodies_create(&bodies, BODY_BYTES, board->seed);

    if (status == 0)
        status = flume_log_open(&log, board->basin_path, &options, NULL);
    if (status == FLUME_OK)
        status = record_and_linger(board, log, &bodies);
    if (status != FLUME_OK)
        (void)bench_fail("flume: recording: %s", flume_strerror(status));
    (void)flume_log_close(log); /* It was to be killed before it came here. */
    bodies_destroy(&bodies);
    return status;
}

/* RssAnon of this process, in bytes. */
static double anonymous_bytes(void)
{
    FILE *stream = fopen("/proc/self/status", "re");
    char line[256];
    unsigned long kibibytes = 0;

    while (stream != NULL && fgets(line, sizeof(line), stream) != NULL) {
        if (sscanf(line, "RssAnon: %lu", &kibibytes) == 1)
            break;
    }
    if (stream != NULL)
        (void)fclose(stream);
    return (double)kibibytes * 1024;
}

static int use_log(flume_log *log, const struct bodies *bodies, uint64_t seed)
{
    enum { GETS = 10000, APPENDS = 10000 };
    uint64_t head = flume_log_head(log);
    flume_cursor *cursor = NULL;
    flume_record record;
    int status = flume_cursor_open(log, NULL, &cursor);

    while (status == FLUME_OK)
        status = flume_cursor_next(cursor, 0, &record);
    flume_cursor_close(cursor);
    status = status == FLUME_END ? FLUME_OK : status;
    for (unsigned i = 0; status == FLUME_OK && i < GETS; i++) {
        status = flume_log_get(log, random_next(&seed) % head, &record);
        if (status == FLUME_OK)
            flume_record_release(&record);
    }
    if (status == FLUME_OK)
        status = record_many(log, bodies, APPENDS);
    return status;
}

int role_opener(struct board *board)
{
    struct bodies bodies = {0};
    flume_log *log = NULL;
    int status = bodies_create(&bodies, BODY_BYTES, board->seed);

    /* What the first use of the C library allocates is not the log's. */
    (void)anonymous_bytes();
    board->figures[0] = anonymous_bytes();
    if (status == 0)
        status = flume_log_open(&log, board->basin_path, NULL, NULL);
    if (status == FLUME_OK) {
        board->figures[1] = anonymous_bytes();
        status = use_log(log, &bodies, board->seed);
        board->figures[2] = anonymous_bytes();
    }
    if (status == FLUME_OK) {
        atomic_store_explicit(&board->ready, 1, memory_order_release);
        status = board_wait_for_stop(board);
    } else {
        (void)bench_fail("flume: open and read: %s", flume_strerror(status));
    }
    (void)flume_log_close(log); /* The figures are taken already. */
    bodies_destroy(&bodies);
    return status;
}

static int ignore_record(void *ctx, const flume_record *record)
{
    (void)ctx;
    (void)record;
    return 0;
}

static double cpu_seconds(void)
{
    struct rusage usage = {0};

    (void)getrusage(RUSAGE_SELF, &usage); /* Cannot fail with these arguments. */
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int role_idler(struct board *board)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE};
    flume_subscription *subscription = NULL;
    flume_log *log = NULL;
    int status = flume_log_open(&log, board->basin_path, &options, NULL);

    if (status == FLUME_OK)
        status = flume_subscribe(log, NULL, ignore_record, NULL, &subscription);
    if (status == FLUME_OK)
        status = flume_log_append(log, "idle", 4, NULL);
    if (status == FLUME_OK) {
        double used_seconds;

        sleep_ns(board->settle_ns);
        used_seconds = cpu_seconds();
        sleep_ns(board->idle_ns);
        board->figures[0] = (cpu_seconds() - used_seconds) * 1e9 / (double)board->idle_ns;
        atomic_store_explicit(&board->ready, 1, memory_order_release);
        status = board_wait_for_stop(board);
    } else {
        (void)bench_fail("flume: subscribe: %s", flume_strerror(status));
    }
    flume_unsubscribe(subscription);
    (void)flume_log_close(log); /* The figure is taken already. */
    return status;
}

/* --- Opening ---------------------------------------------------------------------------------- */

static int other_boot_id(void *ctx, uint8_t out_id[16])
{
    int status = flume_io_posix()->boot_id(ctx, out_id);

    out_id[0] = (uint8_t)~out_id[0];
    return status;
}

struct ending {
    const char *setting;
    uint64_t burst_ns; /* 0: the recorder rests when it is killed. */
    int stopped;       /* Non-zero: the machine too. */
};

/* Expected: under a millisecond for the first two, whatever the size; in a burst up to a second's
 * worth of records has to be verified at 6 GB/s, some 0.2 s. */
static const struct ending endings[] = {
    {"after_kill", 0, 0},
    {"after_stop", 0, 1},
    {"after_kill_in_burst", 900000000, 0},
    {"after_stop_in_burst", 900000000, 1},
};
enum { ENDING_COUNT = sizeof(endings) / sizeof(endings[0]) };

static const char *open_row(struct bench *bench, const struct ending *ending)
{
    if (bench->open_records % 1000000 == 0)
        return report_name("open/%lluM_records/%s",
                           (unsigned long long)(bench->open_records / 1000000), ending->setting);
    return report_name("open/%llu_records/%s", (unsigned long long)bench->open_records,
                       ending->setting);
}

/* Start a recorder, let it record, kill it; *out_head is a head that it had reached. */
static int record_and_kill(struct bench *bench, const char *path, uint64_t records,
                           const struct ending *ending, uint64_t *out_head)
{
    struct child child;
    int status = child_prepare(&child, path);

    if (status == 0) {
        child.board->records = records;
        child.board->extra = EXTRA_RECORDS;
        child.board->seed = bench->seed;
        child.board->endless = ending->burst_ns != 0;
        status = child_start(&child, CHILD_RECORDER);
    }
    if (status == 0) {
        sleep_ns(ending->burst_ns < bench->idle_ns ? ending->burst_ns : bench->idle_ns);
        child_kill(&child);
        *out_head = atomic_load_explicit(&child.board->position, memory_order_acquire);
    }
    child_discard(&child);
    return status;
}

static int open_timed(const char *path, const struct ending *ending, uint64_t head,
                      double *out_seconds)
{
    flume_io io = *flume_io_posix();
    flume_log_options options = {0};
    flume_log *log = NULL;
    flume_error error = {0};
    uint64_t begun_ns;
    int status;

    io.boot_id = other_boot_id;
    if (ending->stopped)
        options.io = &io;
    begun_ns = clock_ns();
    status = flume_log_open(&log, path, &options, &error);
    *out_seconds = (double)(clock_ns() - begun_ns) / 1e9;
    if (status != FLUME_OK)
        return bench_fail("flume: open: %s: %s", flume_strerror(status), error.message);
    if (flume_log_head(log) < head)
        status = bench_fail("flume: %llu of %llu records after the recorder's death",
                            (unsigned long long)flume_log_head(log), (unsigned long long)head);
    (void)flume_log_close(log); /* Nothing was appended here. */
    return status;
}

static int run_opens(struct bench *bench, const char *path)
{
    uint64_t records = bench->open_records;
    int status = 0;

    for (unsigned round = 0; round < bench->opens; round++) {
        for (unsigned i = 0; i < ENDING_COUNT; i++) {
            uint64_t head;
            double seconds;

            if (endings[i].burst_ns > 0 && round >= BURST_OPENS_MAX)
                continue;
            status = record_and_kill(bench, path, records, &endings[i], &head);
            records = 0; /* They are there from now on. */
            if (status == 0)
                status = open_timed(path, &endings[i], head, &seconds);
            if (status != 0) {
                report_note(bench->report, open_row(bench, &endings[i]), "failed");
                return status;
            }
            report_sample(bench->report, open_row(bench, &endings[i]), round, seconds);
        }
    }
    return 0;
}

/* --- Memory, disk, idleness ------------------------------------------------------------------- */

static int run_memory(struct bench *bench, const char *path)
{
    struct child child;
    int status = child_prepare(&child, path);

    if (status == 0) {
        child.board->seed = bench->seed;
        status = child_start(&child, CHILD_OPENER);
    }
    if (status == 0) {
        const double *figures = child.board->figures;

        status = child_stop(&child);
        report_sample(bench->report, memory_row, 0, figures[1] - figures[0]);
        report_sample(bench->report, used_row, 0, figures[2] - figures[0]);
    } else {
        report_note(bench->report, memory_row, "failed");
    }
    child_discard(&child);
    return status;
}

/* What a tree occupies, as du counts. */
static double occupied_bytes(char *path)
{
    char *roots[] = {path, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL, NULL);
    FTSENT *entry;
    double blocks = 0;

    while (walk != NULL && (entry = fts_read(walk)) != NULL) {
        if (entry->fts_info != FTS_DP)
            blocks += (double)entry->fts_statp->st_blocks;
    }
    if (walk != NULL)
        (void)fts_close(walk);
    return blocks * 512;
}

/* The most it takes: made, with a record and the next strata, and closed. */
static int run_disk(struct bench *bench, char *path)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE};
    flume_log *log = NULL;
    double sizes[3] = {0};
    int status = flume_log_open(&log, path, &options, NULL);

    if (status == FLUME_OK) {
        sizes[0] = occupied_bytes(path);
        status = flume_log_append(log, "first", 5, NULL);
        wait_until_quiet(1000000000);
        sizes[1] = occupied_bytes(path);
        (void)flume_log_close(log); /* It has one record; nothing depends on it. */
        sizes[2] = occupied_bytes(path);
    }
    if (status != FLUME_OK) {
        report_note(bench->report, disk_row, "failed");
        return bench_fail("flume: a fresh basin: %s", flume_strerror(status));
    }
    for (unsigned i = 1; i < 3; i++)
        sizes[0] = sizes[i] > sizes[0] ? sizes[i] : sizes[0];
    report_sample(bench->report, disk_row, 0, sizes[0]);
    return 0;
}

static int run_idle(struct bench *bench, const char *path)
{
    struct child child;
    int status = child_prepare(&child, path);

    if (status == 0) {
        child.board->settle_ns = bench->settle_ns;
        child.board->idle_ns = bench->idle_ns;
        status = child_start(&child, CHILD_IDLER);
    }
    if (status == 0) {
        report_sample(bench->report, idle_row, 0, child.board->figures[0]);
        status = child_stop(&child);
    } else {
        report_note(bench->report, idle_row, "failed");
    }
    child_discard(&child);
    return status;
}

static void make_rows(struct bench *bench)
{
    struct report *report = bench->report;

    for (unsigned i = 0; i < ENDING_COUNT; i++) {
        report_row(report, open_row(bench, &endings[i]), UNIT_SECONDS, NULL);
        report_target(report, open_row(bench, &endings[i]), NULL, TARGET_AT_MOST, 0.05);
    }
    report_row(report, memory_row, UNIT_BYTES, NULL); /* Expected: 0.2 MiB. */
    report_row(report, used_row, UNIT_BYTES, NULL);   /* Expected: 0.5 MiB. */
    report_row(report, disk_row, UNIT_BYTES, NULL);   /* Expected: 1.5 MiB. */
    report_row(report, idle_row, UNIT_SHARE, NULL);   /* Expected: ten look-ups a second, 0.01 %. */
    report_target(report, memory_row, NULL, TARGET_AT_MOST, 2 << 20);
    report_target(report, used_row, NULL, TARGET_AT_MOST, 2 << 20);
    report_target(report, disk_row, NULL, TARGET_AT_MOST, 2 << 20);
    report_target(report, idle_row, NULL, TARGET_AT_MOST, 0.001);
}

int bench_open(struct bench *bench)
{
    char *dir_path = bench_directory(bench);
    char *large = dir_path == NULL ? NULL : engine_path(dir_path, "large.flume");
    char *fresh = dir_path == NULL ? NULL : engine_path(dir_path, "fresh.flume");
    int status = large == NULL || fresh == NULL ? -1 : 0;

    make_rows(bench);
    if (status == 0) {
        status |= run_disk(bench, fresh);
        status |= run_idle(bench, fresh);
        status |= run_opens(bench, large);
        status |= run_memory(bench, large);
    }
    free(large);
    free(fresh);
    bench_directory_remove(dir_path);
    return status;
}
