/*
 * test_fault_calls.c - every call of the io table fails once, at every place; so does every request
 * for memory.
 *
 * One short scenario (create, append, batch, roll, sync, get, cursor, subscription, a batch larger
 * than a strata, close, reopen) is run once per place and kind of failure. Each answer must be a
 * status with a message; nothing may leak; what was acknowledged must be there afterwards, seen by
 * a healthy handle of the same boot or, in every second run, after a machine stop; what was refused
 * must not.
 *
 *   FLUME_TEST_LONG=1     every place, not some of those of the frequent calls
 *   FLUME_FAULTS_EVERY=N  only every Nth of the places, 1 by default
 *   FLUME_TRACE=1  with a failure, the latest calls
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basin_oracle.h"
#include "faultio.h"
#include "simdisk.h"

#define BASIN SIMDISK_ROOT "/basin.flume"

enum {
    STRATA_BYTES = 64 << 10,
    LARGE_BATCH_RECORDS = 60,
    ROLL_RECORDS = 70,
    SUBSCRIPTION_WAITS_MAX = 400,
    FAILURES_SHOWN_MAX = 6
};

struct settings {
    enum flume_profile profile;
    enum flume_io_mode io_mode;
};

struct run {
    struct settings settings;
    struct simdisk *disk;
    struct faultio fault;
    struct fault_memory memory;
    struct oracle oracle;
    flume_log *log;
    uint64_t appended_end;
    unsigned refusals;                    /* Answers other than FLUME_OK. */
    char refusal[FLUME_ERROR_TEXT_BYTES]; /* The last one. */
    char complaint[ORACLE_COMPLAINT_BYTES + 64];
};

__attribute__((format(printf, 2, 3))) static void complain(struct run *run, const char *format, ...)
{
    va_list arguments;

    if (run->complaint[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(run->complaint, sizeof run->complaint, format, arguments);
    va_end(arguments);
}

static void run_begin(struct run *run, struct settings settings, uint64_t seed)
{
    memset(run, 0, sizeof *run);
    run->settings = settings;
    run->disk = simdisk_create(seed);
    faultio_init(&run->fault, simdisk_process(run->disk));
    fault_memory_init(&run->memory);
    oracle_init(&run->oracle, 7); /* The same records in every run. */
}

static void run_end(struct run *run)
{
    if (run->fault.open_files != 0)
        complain(run, "%d descriptors are left, of %s", run->fault.open_files,
                 faultio_left_open(&run->fault));
    if (run->fault.open_maps != 0)
        complain(run, "%d mappings are left", run->fault.open_maps);
    if (run->memory.live_blocks != 0)
        complain(run, "%lld blocks of memory are left", (long long)run->memory.live_blocks);
    if (simdisk_open_files(run->disk) == 0)
        simdisk_destroy(run->disk);
    faultio_deinit(&run->fault);
    oracle_deinit(&run->oracle);
    fault_memory_deinit(&run->memory);
}

/* --- The scenario ----------------------------------------------------------------------------- */

/* An error is a status that the header lists, with a sentence about it. */
static int judge(struct run *run, const char *what, int status, const flume_error *error)
{
    if (status == FLUME_OK)
        return status;
    run->refusals++;
    (void)snprintf(run->refusal, sizeof run->refusal, "%s", error->message);
    if (strstr(flume_strerror(status), "unknown") != NULL)
        complain(run, "%s answers %d, which is no status", what, status);
    if (error->message[0] == '\0')
        complain(run, "%s fails (%s) without a message", what, flume_status_name(status));
    return status;
}

static int judge_log(struct run *run, const char *what, int status)
{
    flume_error error = {0};

    if (status != FLUME_OK)
        flume_log_error(run->log, &error);
    return judge(run, what, status, &error);
}

static int scenario_open(struct run *run)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = run->settings.profile,
                                 .io_mode = run->settings.io_mode,
                                 .strata_bytes = STRATA_BYTES,
                                 .lock_timeout_ns = 20000000000u,
                                 .program = "test_fault_calls",
                                 .allocator = &run->memory.table,
                                 .io = &run->fault.table};
    flume_error error = {0};

    run->log = NULL;
    return judge(run, "open", flume_log_open(&run->log, BASIN, &options, &error), &error);
}

static bool syncs_each_append(const struct run *run)
{
    return run->settings.profile == FLUME_PROFILE_SAFE ||
           run->settings.profile == FLUME_PROFILE_PARANOID;
}

static int append_once(struct run *run, size_t count)
{
    uint64_t end = 0;
    int status = oracle_append_to(&run->oracle, run->log, count,
                                  syncs_each_append(run) ? ORACLE_PENDING : ORACLE_REFUSED, &end);

    if (status == FLUME_OK) {
        run->appended_end = end;
        if (syncs_each_append(run))
            oracle_durable(&run->oracle, end);
    }
    return judge_log(run, "append", status);
}

/* A full disk is no reason to reopen: the fault is over, so the next append goes through. */
static void scenario_append(struct run *run, size_t count)
{
    int status = append_once(run, count);

    if (status == FLUME_ERR_FULL && run->fault.plan.duration == FAULT_ONCE &&
        append_once(run, count) != FLUME_OK)
        complain(run, "an append after the disk was full fails too");
}

static void scenario_sync(struct run *run)
{
    uint64_t head = flume_log_head(run->log);

    if (judge_log(run, "sync", flume_log_sync(run->log, FLUME_SEQ_NONE)) == FLUME_OK)
        oracle_durable(&run->oracle, head);
}

static void scenario_get(struct run *run)
{
    for (uint64_t seq = 0; seq < flume_log_head(run->log); seq += 5) {
        flume_record record;

        if (judge_log(run, "get", flume_log_get(run->log, seq, &record)) == FLUME_OK)
            flume_record_release(&record);
    }
}

static void scenario_cursor(struct run *run)
{
    flume_cursor_options options = {.flags = FLUME_CURSOR_MANIFESTS};
    flume_cursor *cursor = NULL;
    flume_record record;
    uint64_t expected = 0;
    int status = judge_log(run, "cursor_open", flume_cursor_open(run->log, &options, &cursor));

    while (status == FLUME_OK) {
        status = flume_cursor_next(cursor, 0, &record);
        if (status == FLUME_END)
            break;
        if (judge_log(run, "cursor_next", status) == FLUME_OK && record.seq != expected++)
            complain(run, "a cursor leaves out seq %" PRIu64, expected - 1);
    }
    flume_cursor_close(cursor);
}

struct reader {
    struct run *run;
    _Atomic uint64_t next;
    _Atomic int ended;
};

static int on_record(void *ctx, const flume_record *record)
{
    struct reader *reader = ctx;

    if (record->seq < atomic_load(&reader->next))
        complain(reader->run, "a subscription repeats seq %" PRIu64, record->seq);
    atomic_store(&reader->next, record->seq + 1);
    return 0;
}

static void on_end(void *ctx, int status, const flume_error *error)
{
    struct reader *reader = ctx;

    if (status < 0 && error->message[0] == '\0')
        complain(reader->run, "a subscription ends (%d) without a message", status);
    atomic_store(&reader->ended, 1);
}

static void scenario_subscribe(struct run *run)
{
    flume_subscribe_options options = {.name = "reader", .on_end = on_end};
    struct reader reader = {.run = run};
    flume_subscription *subscription = NULL;
    uint64_t head = flume_log_head(run->log);
    int status = flume_subscribe(run->log, &options, on_record, &reader, &subscription);

    if (judge_log(run, "subscribe", status) != FLUME_OK)
        return;
    for (unsigned i = 0; i < SUBSCRIPTION_WAITS_MAX; i++) {
        if (atomic_load(&reader.ended) != 0 || flume_subscription_position(subscription) >= head)
            break;
        run->fault.table.sleep(run->fault.table.ctx, 50000000);
    }
    if (atomic_load(&reader.ended) == 0 && flume_subscription_position(subscription) < head)
        complain(run, "a subscription stands still");
    flume_unsubscribe(subscription);
}

static void scenario_close(struct run *run)
{
    int status = flume_log_close(run->log); /* Its message went with it. */

    if (status == FLUME_OK)
        oracle_durable(&run->oracle, run->appended_end);
    else
        run->refusals++;
    run->log = NULL;
}

static void scenario_check(struct run *run)
{
    flume_check_options options = {.allocator = &run->memory.table, .io = &run->fault.table};
    flume_check_report report;
    flume_error error = {0};

    (void)judge(run, "check", flume_check(BASIN, &options, &report, &error), &error);
}

static void scenario(struct run *run)
{
    if (scenario_open(run) == FLUME_OK) {
        for (unsigned i = 0; i < 6; i++)
            scenario_append(run, 1);
        scenario_append(run, 5);
        scenario_sync(run);
        for (unsigned i = 0; i < ROLL_RECORDS; i++)
            scenario_append(run, 1);
        scenario_sync(run);
        scenario_get(run);
        scenario_cursor(run);
        scenario_subscribe(run);
        scenario_append(run, LARGE_BATCH_RECORDS);
        scenario_append(run, 1);
        oracle_durable(&run->oracle, flume_log_durable(run->log));
        scenario_close(run);
    }
    scenario_check(run);
    if (scenario_open(run) == FLUME_OK) {
        scenario_get(run);
        scenario_subscribe(run);
        scenario_append(run, 2);
        scenario_sync(run);
        scenario_close(run);
    }
}

/* --- Afterwards, in health -------------------------------------------------------------------- */

static void expect_log_in_order(struct run *run)
{
    flume_check_options options = {.io = &run->fault.table};
    flume_check_report report = {0};
    flume_error error = {0};
    int status = scenario_open(run);

    if (status != FLUME_OK) {
        complain(run, "a healthy open afterwards: %s", flume_strerror(status));
        return;
    }
    if (!oracle_check(&run->oracle, run->log))
        complain(run, "%s", run->oracle.complaint);
    run->refusals = 0;
    scenario_append(run, 1);
    scenario_append(run, 3);
    scenario_sync(run);
    if (!oracle_check(&run->oracle, run->log))
        complain(run, "then: %s", run->oracle.complaint);
    scenario_close(run);
    if (run->refusals != 0)
        complain(run, "a healthy handle afterwards is refused %u times, last: %s", run->refusals,
                 run->refusal);
    if (run->complaint[0] == '\0' &&
        (flume_check(BASIN, &options, &report, &error) != FLUME_OK || !report.sound))
        complain(run, "check afterwards: %s", error.message);
}

static void settle(struct run *run, uint64_t number)
{
    (void)faultio_heal(&run->fault);
    fault_memory_plan(&run->memory, 0, FAULT_ONCE);
    if (number % 2 == 1 && simdisk_open_files(run->disk) == 0) {
        simdisk_stop(run->disk);
        simdisk_restart(run->disk);
    }
    if (simdisk_open_files(run->disk) == 0 && run->complaint[0] == '\0')
        expect_log_in_order(run);
}

/* How a sweep went. */
struct tally {
    uint64_t runs, injected, failed;
};

static void note(struct tally *tally, struct run *run, const char *what, uint64_t number)
{
    run_end(run);
    tally->runs++;
    if (run->complaint[0] == '\0')
        return;
    if (tally->failed++ >= FAILURES_SHOWN_MAX)
        return;
    print_error("%s, number %" PRIu64 " (profile %d, io %d): %s\n", what, number,
                (int)run->settings.profile, (int)run->settings.io_mode, run->complaint);
    if (getenv("FLUME_TRACE") != NULL)
        faultio_print(&run->fault, stderr);
}

/* Fail one kind of call at each of its places, until a run has fewer of them. */
static void sweep_call(struct tally *tally, struct settings settings, enum fault_call call,
                       int result, enum fault_duration duration, uint64_t stride)
{
    bool reached = true;

    for (uint64_t nth = 1; reached; nth += stride) {
        struct run run;
        char what[64];

        run_begin(&run, settings, nth);
        faultio_plan(
            &run.fault,
            (struct fault_plan){.call = call, .nth = nth, .result = result, .duration = duration});
        scenario(&run);
        reached = run.fault.injected > 0;
        tally->injected += run.fault.injected;
        settle(&run, nth);
        (void)snprintf(what, sizeof what, "%s %s %s", fault_call_name(call),
                       result == FAULT_SHORT ? "short" : strerror(-result),
                       duration == FAULT_ONCE ? "once" : "for good");
        note(tally, &run, what, nth);
    }
}

static const struct settings all_settings[] = {
    {FLUME_PROFILE_CASUAL, FLUME_IO_MAPPED},
    {FLUME_PROFILE_CASUAL, FLUME_IO_PWRITE},
    {FLUME_PROFILE_SAFE, FLUME_IO_AUTO},
    {FLUME_PROFILE_PARANOID, FLUME_IO_MAPPED},
};
enum { SETTINGS_COUNT = sizeof all_settings / sizeof all_settings[0] };

/* Where every call takes long (sanitizers), fewer of them are failed. */
static uint64_t places_apart(void)
{
    const char *text = getenv("FLUME_FAULTS_EVERY");

    return text != NULL && atoi(text) > 0 ? (uint64_t)atoi(text) : 1;
}

/* In CI the frequent calls (a safe append makes several) are failed at every seventh place. */
static uint64_t stride_of(enum fault_call call)
{
    if (getenv("FLUME_TEST_LONG") != NULL)
        return 1;
    return (call == FAULT_SYNC || call == FAULT_PWRITE || call == FAULT_PREAD ? 7 : 1) *
           places_apart();
}

static void expect_none_failed(const struct tally *tally)
{
    print_message("%" PRIu64 " runs, %" PRIu64 " calls failed on demand, %" PRIu64
                  " runs went wrong\n",
                  tally->runs, tally->injected, tally->failed);
    assert_int_equal(tally->failed, 0);
}

static void the_healthy_scenario_is_never_refused(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        struct run run;

        run_begin(&run, all_settings[i], 1);
        scenario(&run);
        if (run.refusals != 0)
            complain(&run, "%u refusals", run.refusals);
        settle(&run, i);
        note(&tally, &run, "nothing", 0);
    }
    expect_none_failed(&tally);
}

static void any_call_may_fail_once_anywhere_with_an_io_error(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        for (int call = 0; call < FAULT_CALLS; call++)
            sweep_call(&tally, all_settings[i], (enum fault_call)call, -EIO, FAULT_ONCE,
                       stride_of((enum fault_call)call));
    }
    expect_none_failed(&tally);
}

static void the_disk_may_be_full_anywhere(void **state)
{
    static const enum fault_call calls[] = {FAULT_OPEN, FAULT_PWRITE, FAULT_ALLOCATE, FAULT_RENAME,
                                            FAULT_MAKE_DIRECTORY};
    struct tally tally = {0};

    (void)state;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        for (size_t j = 0; j < sizeof calls / sizeof calls[0]; j++)
            sweep_call(&tally, all_settings[i], calls[j], -ENOSPC, FAULT_ONCE, stride_of(calls[j]));
    }
    expect_none_failed(&tally);
}

static void reads_and_writes_may_be_short_anywhere(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        sweep_call(&tally, all_settings[i], FAULT_PREAD, FAULT_SHORT, FAULT_ONCE,
                   stride_of(FAULT_PREAD));
        sweep_call(&tally, all_settings[i], FAULT_PWRITE, FAULT_SHORT, FAULT_ONCE,
                   stride_of(FAULT_PWRITE));
    }
    expect_none_failed(&tally);
}

static void the_disk_may_fail_for_good_anywhere(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        sweep_call(&tally, all_settings[i], FAULT_ANY, -EIO, FAULT_LASTING,
                   getenv("FLUME_TEST_LONG") != NULL ? 1 : 13 * places_apart());
    expect_none_failed(&tally);
}

static void sweep_memory(struct tally *tally, struct settings settings,
                         enum fault_duration duration)
{
    bool reached = true;

    for (uint64_t nth = 1; reached; nth += places_apart()) {
        struct run run;

        run_begin(&run, settings, nth);
        fault_memory_plan(&run.memory, nth, duration);
        scenario(&run);
        reached = run.memory.failed > 0;
        tally->injected += run.memory.failed;
        settle(&run, nth);
        note(tally, &run, duration == FAULT_ONCE ? "memory once" : "memory for good", nth);
    }
}

static void any_request_for_memory_may_fail(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        sweep_memory(&tally, all_settings[i], FAULT_ONCE);
        sweep_memory(&tally, all_settings[i], FAULT_LASTING);
    }
    expect_none_failed(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_healthy_scenario_is_never_refused),
        cmocka_unit_test(any_call_may_fail_once_anywhere_with_an_io_error),
        cmocka_unit_test(the_disk_may_be_full_anywhere),
        cmocka_unit_test(reads_and_writes_may_be_short_anywhere),
        cmocka_unit_test(the_disk_may_fail_for_good_anywhere),
        cmocka_unit_test(any_request_for_memory_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
