/*
 * test_fault_sync.c - a failed sync, told to one descriptor only, acknowledges nothing to anybody.
 *
 * Linux calls a page clean once its writeback has failed, though the disk does not have it; a
 * descriptor opened after that hears of nothing, and its syncs succeed (in short:
 * a sync proves only bytes written after its descriptor was opened). The simulated disk does the
 * same; after each scenario the machine stops, and what was acknowledged must be there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <sched.h>
#include <string.h>

#include "basin_oracle.h"
#include "faultio.h"
#include "simdisk.h"
#include "seal_fixture.h"

#define BASIN SIMDISK_ROOT "/basin.flume"

enum { STRATA_BYTES = 64 << 10, PROCESSES = 4, SEEDS = 24, RECORDS = 12 };

struct fixture {
    struct simdisk *disk;
    const flume_io *processes[PROCESSES];
    struct oracle oracle;
    enum flume_profile profile;
    enum flume_io_mode io_mode;
    struct fault_memory memory;
};

static void begin(struct fixture *fx, uint64_t seed)
{
    memset(fx, 0, sizeof *fx);
    fx->disk = simdisk_create(seed);
    simdisk_set_writeback(fx->disk, 0); /* Only syncs reach the disk, so that a lost one shows. */
    for (size_t i = 0; i < PROCESSES; i++)
        fx->processes[i] = simdisk_process(fx->disk);
    oracle_init(&fx->oracle, seed);
    fault_memory_init(&fx->memory);
    fx->profile = seed % 2 == 0 ? FLUME_PROFILE_FORGETFUL : FLUME_PROFILE_SAFE;
    fx->io_mode = seed / 2 % 2 == 0 ? FLUME_IO_MAPPED : FLUME_IO_PWRITE;
}

static flume_log *attach(struct fixture *fx, size_t process)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = fx->profile,
                                 .io_mode = fx->io_mode,
                                 .strata_bytes = STRATA_BYTES,
                                 .lock_timeout_ns = 100000000000u,
                                 .program = "test_fault_sync",
                                 .seal = &seal_on_request, /* Who seals would take the failures. */
                                 .allocator = &fx->memory.table,
                                 .io = fx->processes[process]};
    flume_log *log = NULL;
    flume_error error = {0};
    int status = flume_log_open(&log, BASIN, &options, &error);

    if (status != FLUME_OK)
        fail_msg("opening: %s", error.message);
    return log;
}

/* Append some records; what is acknowledged on the way goes into the books. */
static int append_some(struct fixture *fx, flume_log *log, unsigned count)
{
    int status = FLUME_OK;

    for (unsigned i = 0; i < count && status == FLUME_OK; i++) {
        uint64_t end = 0;

        status = oracle_append_to(&fx->oracle, log, 1 + i % 3, ORACLE_PENDING, &end);
        if (status == FLUME_OK && fx->profile == FLUME_PROFILE_SAFE)
            oracle_durable(&fx->oracle, end);
    }
    return status;
}

static int sync_all(struct fixture *fx, flume_log *log)
{
    uint64_t head = flume_log_head(log);
    int status = flume_log_sync(log, FLUME_SEQ_NONE);

    if (status == FLUME_OK)
        oracle_durable(&fx->oracle, head);
    return status;
}

static void note_durable(struct fixture *fx, flume_log *log)
{
    oracle_durable(&fx->oracle, flume_log_durable(log));
}

/* The machine stops; all that was acknowledged must be there. Handles must be closed or dead. */
static void expect_all_acknowledged_after_a_stop(struct fixture *fx, uint64_t seed)
{
    flume_log *log;
    flume_error error;

    simdisk_stop(fx->disk);
    simdisk_restart(fx->disk);
    log = attach(fx, PROCESSES - 1);
    if (!oracle_check(&fx->oracle, log))
        fail_msg("seed %" PRIu64 ": %s", seed, fx->oracle.complaint);
    if (append_some(fx, log, 3) != FLUME_OK) {
        flume_log_error(log, &error);
        fail_msg("seed %" PRIu64 ": appending after the stop: %s", seed, error.message);
    }
    assert_int_equal(sync_all(fx, log), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

static void end(struct fixture *fx)
{
    assert_int_equal(simdisk_open_files(fx->disk), 0);
    simdisk_destroy(fx->disk);
    oracle_deinit(&fx->oracle);
    fault_memory_deinit(&fx->memory); /* What the killed had. */
}

static void expect_refused(int status)
{
    assert_true(status == FLUME_ERR_POISONED || status == FLUME_ERR_IO);
}

/* Appends that are synced as they are made, or then at once: the failure comes here. */
static void append_into_failing_sync(struct fixture *fx, flume_log *log)
{
    int status;

    simdisk_fail_sync(fx->processes[0], 1, ".strata", SIMDISK_HEARS);
    status = append_some(fx, log, RECORDS);
    if (status == FLUME_OK)
        status = sync_all(fx, log);
    assert_true(simdisk_sync_failed(fx->disk));
    expect_refused(status);
}

static void after_a_failed_sync_no_handle_appends_or_acknowledges(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fx;
        flume_log *first, *second, *third;
        flume_log_stat_info stat;
        flume_record record;
        uint64_t durable;

        begin(&fx, seed);
        first = attach(&fx, 0);
        second = attach(&fx, 1);
        assert_int_equal(append_some(&fx, first, RECORDS), FLUME_OK);
        assert_int_equal(append_some(&fx, second, RECORDS), FLUME_OK);
        assert_int_equal(sync_all(&fx, first), FLUME_OK);
        append_into_failing_sync(&fx, first);
        durable = flume_log_durable(second);
        third = attach(&fx, 2);
        flume_log *handles[] = {first, second, third};
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(append_some(&fx, handles[i], 1), FLUME_ERR_POISONED);
            if (flume_log_head(handles[i]) > durable)
                assert_int_equal(sync_all(&fx, handles[i]), FLUME_ERR_POISONED);
            assert_int_equal(flume_log_durable(handles[i]), durable);
            assert_int_equal(flume_log_stat(handles[i], &stat), FLUME_OK);
            assert_true(stat.poisoned);
            assert_int_equal(flume_log_get(handles[i], 0, &record), FLUME_OK);
            flume_record_release(&record);
        }
        for (size_t i = 0; i < 3; i++) {
            note_durable(&fx, handles[i]);
            (void)flume_log_close(handles[i]);
        }
        expect_all_acknowledged_after_a_stop(&fx, seed);
        end(&fx);
    }
}

static void a_fresh_attach_after_a_failed_sync_acknowledges_only_what_is_on_the_disk(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fx;
        flume_log *log;

        begin(&fx, seed);
        log = attach(&fx, 0);
        assert_int_equal(append_some(&fx, log, RECORDS), FLUME_OK);
        append_into_failing_sync(&fx, log);
        assert_int_not_equal(flume_log_close(log), FLUME_OK);
        log = attach(&fx, 1);
        assert_int_equal(append_some(&fx, log, 2), FLUME_OK);
        assert_int_equal(sync_all(&fx, log), FLUME_OK);
        note_durable(&fx, log);
        simdisk_stop(fx.disk);
        (void)flume_log_close(log);
        expect_all_acknowledged_after_a_stop(&fx, seed);
        end(&fx);
    }
}

static void a_clean_close_after_recovery_from_a_failed_sync_proves_its_bytes(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fx;
        flume_log *log;

        begin(&fx, seed);
        log = attach(&fx, 0);
        assert_int_equal(append_some(&fx, log, RECORDS), FLUME_OK);
        append_into_failing_sync(&fx, log);
        (void)flume_log_close(log);
        log = attach(&fx, 1);
        note_durable(&fx, log);
        (void)flume_log_close(log);
        log = attach(&fx, 2);
        note_durable(&fx, log);
        simdisk_stop(fx.disk);
        (void)flume_log_close(log);
        expect_all_acknowledged_after_a_stop(&fx, seed);
        end(&fx);
    }
}

/* --- A leader that dies before it can say so -------------------------------------------------- */

struct victim {
    struct fixture *fx;
    flume_log *log;
};

static void *append_until_killed(void *ctx)
{
    struct victim *victim = ctx;

    for (;;) {
        if (append_some(victim->fx, victim->log, RECORDS) != FLUME_OK ||
            sync_all(victim->fx, victim->log) != FLUME_OK)
            return NULL;
    }
}

static void kill_in_failing_sync(struct fixture *fx, flume_log *log)
{
    struct victim victim = {.fx = fx, .log = log};
    pthread_t thread;

    simdisk_fail_sync(fx->processes[0], 1, ".strata", SIMDISK_DIES);
    assert_int_equal(pthread_create(&thread, NULL, append_until_killed, &victim), 0);
    while (!simdisk_killed(fx->processes[0]))
        (void)sched_yield();
    assert_true(simdisk_reap(fx->processes[0]));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(simdisk_sync_failed(fx->disk));
}

static void
a_process_attached_after_a_killed_leader_acknowledges_only_what_is_on_the_disk(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fx;
        flume_log *leader, *log;

        begin(&fx, seed);
        leader = attach(&fx, 0);
        assert_int_equal(append_some(&fx, leader, RECORDS), FLUME_OK);
        kill_in_failing_sync(&fx, leader);
        log = attach(&fx, 1);
        if (append_some(&fx, log, 2) == FLUME_OK)
            (void)sync_all(&fx, log);
        note_durable(&fx, log);
        simdisk_stop(fx.disk);
        (void)flume_log_close(log);
        expect_all_acknowledged_after_a_stop(&fx, seed);
        end(&fx);
    }
}

static void
a_process_that_outlives_a_killed_leader_acknowledges_only_what_is_on_the_disk(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
        struct fixture fx;
        flume_log *leader, *other, *late;

        begin(&fx, seed);
        leader = attach(&fx, 0);
        other = attach(&fx, 1);
        if (seed >= SEEDS) /* Else the other has not opened any strata for writing. */
            assert_int_equal(append_some(&fx, other, 1), FLUME_OK);
        assert_int_equal(append_some(&fx, leader, RECORDS), FLUME_OK);
        kill_in_failing_sync(&fx, leader);
        late = attach(&fx, 2); /* HEAD lives on: it is no recovery. */
        if (append_some(&fx, late, 1) == FLUME_OK)
            (void)sync_all(&fx, late);
        (void)sync_all(&fx, other);
        note_durable(&fx, late);
        note_durable(&fx, other);
        simdisk_stop(fx.disk);
        (void)flume_log_close(late);
        (void)flume_log_close(other);
        expect_all_acknowledged_after_a_stop(&fx, seed);
        end(&fx);
    }
}

/* --- Other things that are synced ------------------------------------------------------------- */

static flume_log *attach_through(struct fixture *fx, struct faultio *fault)
{
    faultio_init(fault, fx->processes[0]);
    fx->processes[0] = &fault->table;
    return attach(fx, 0);
}

/* Enough to begin a second strata. */
static int append_a_strata(struct fixture *fx, flume_log *log)
{
    int status = FLUME_OK;

    for (unsigned i = 0; i < 60 && status == FLUME_OK; i++)
        status = append_some(fx, log, RECORDS);
    return status;
}

static void a_failed_directory_sync_acknowledges_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fx;
        struct faultio fault;
        flume_log *log;
        int status;

        begin(&fx, seed);
        log = attach_through(&fx, &fault);
        assert_int_equal(append_some(&fx, log, 1), FLUME_OK);
        assert_int_equal(sync_all(&fx, log), FLUME_OK);
        faultio_plan(&fault, (struct fault_plan){.call = FAULT_SYNC_DIRECTORY,
                                                 .nth = 1,
                                                 .result = -5,
                                                 .duration = FAULT_LASTING});
        status = append_a_strata(&fx, log);
        if (status == FLUME_OK)
            status = sync_all(&fx, log);
        expect_refused(status);
        note_durable(&fx, log);
        simdisk_stop(fx.disk);
        (void)flume_log_close(log);
        expect_all_acknowledged_after_a_stop(&fx, seed);
        end(&fx);
        faultio_deinit(&fault);
    }
}

static void a_failed_sync_of_the_gate_acknowledges_nothing_it_covers(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture fx;
        flume_log *log;
        int status;

        begin(&fx, seed);
        fx.profile = FLUME_PROFILE_PARANOID;
        log = attach(&fx, 0);
        assert_int_equal(append_some(&fx, log, 2), FLUME_OK);
        simdisk_fail_sync(fx.processes[0], 1, "TAIL", SIMDISK_HEARS);
        status = append_some(&fx, log, RECORDS);
        expect_refused(status);
        assert_int_equal(append_some(&fx, log, 1), FLUME_ERR_POISONED);
        note_durable(&fx, log);
        simdisk_stop(fx.disk);
        (void)flume_log_close(log);
        expect_all_acknowledged_after_a_stop(&fx, seed);
        end(&fx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_failed_sync_no_handle_appends_or_acknowledges),
        cmocka_unit_test(a_fresh_attach_after_a_failed_sync_acknowledges_only_what_is_on_the_disk),
        cmocka_unit_test(a_clean_close_after_recovery_from_a_failed_sync_proves_its_bytes),
        cmocka_unit_test(
            a_process_attached_after_a_killed_leader_acknowledges_only_what_is_on_the_disk),
        cmocka_unit_test(
            a_process_that_outlives_a_killed_leader_acknowledges_only_what_is_on_the_disk),
        cmocka_unit_test(a_failed_directory_sync_acknowledges_nothing),
        cmocka_unit_test(a_failed_sync_of_the_gate_acknowledges_nothing_it_covers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
