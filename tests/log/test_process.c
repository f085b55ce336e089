/*
 * test_process.c - processes that share a basin: stopped owners, exclusiveness, fork, the attach
 * table, creation at the same time.
 */
#include "process_fixture.h"
#include "process_trap.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "head.h"

enum {
    STRATA_BYTES = 64 << 10,
    LOCK_TIMEOUT_MS = 300,
    CREATIONS = 100,
    IDLE_S = 2,
    IDLE_CPU_MS_MAX = 20
};

static const flume_log_options impatient = {
    .flags = FLUME_OPEN_CREATE,
    .strata_bytes = STRATA_BYTES,
    .lock_timeout_ns = LOCK_TIMEOUT_MS * MS,
};

/* --- Verbs -------------------------------------------------------------------------------------*/

static int append_as_stranger(flume_log *log, uint64_t number)
{
    uint8_t body[STAMP_BYTES];
    struct stamp stamp = {.writer = 0, .number = number, .count = 1};

    body_make(&stamp, body);
    return flume_log_append(log, body, sizeof body, NULL);
}

/* The message must contain the process's pid as a word. */
static void expect_names(const flume_error *error, pid_t pid)
{
    char word[32];

    (void)snprintf(word, sizeof word, "process %d ", (int)pid);
    if (strstr(error->message, word) == NULL)
        fail_msg("'%s' does not name %s", error->message, word);
}

static void expect_about(uint64_t took_ns, uint64_t expected_ns)
{
    if (took_ns < expected_ns * 9 / 10 || took_ns > expected_ns + 3 * SECOND)
        fail_msg("it took %" PRIu64 " ms, not about %" PRIu64, took_ns / MS, expected_ns / MS);
}

/* --- A stopped owner ---------------------------------------------------------------------------*/

/* Appends until its trap stops it, and a little further; then leaves. */
static void append_into_the_trap(struct role *role)
{
    const struct trap *setting = role->ctx;
    struct trap trap;
    flume_log_options options = impatient;
    flume_log *log;

    trap_init(&trap, setting->call, setting->side, setting->at, SIGSTOP);
    options.io = &trap.io;
    options.profile = FLUME_PROFILE_FORGETFUL;
    options.lock_timeout_ns = 0;
    log = role_open(role, &options);
    role_append(role, log, 1, 10);
    role_await(role);
    trap_arm(&trap);
    while (atomic_load(&trap.count) <= trap.at) {
        role_append(role, log, 1, 4000);
        if (trap.call == TRAP_SYNC)
            (void)flume_log_sync(log, FLUME_SEQ_NONE); /* What it answers is not at stake. */
    }
    role_append(role, log, 1, 10);
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

/* Others get FLUME_ERR_BUSY in time, nothing moves; after SIGCONT both go on. */
static void stop_appender_at(struct fixture *fx, enum trap_call call, uint64_t at)
{
    struct trap setting = {.call = call, .side = TRAP_BEFORE, .at = at};
    struct process owner = {0};
    struct expectation expectation = {.processes = &owner, .process_count = 1};
    flume_error error;
    flume_log *log;
    uint64_t head, start_ns;

    process_start(fx, &owner, 1, append_into_the_trap, &setting);
    (void)process_hear_word(&owner);
    log = open_with(fx->basin, &impatient);
    expect_ok(log, append_as_stranger(log, 0));
    process_order(&owner);
    process_await_stop(&owner);
    head = flume_log_head(log);
    for (unsigned i = 0; i < 2; i++) {
        start_ns = process_now_ns();
        assert_int_equal(append_as_stranger(log, 1), FLUME_ERR_BUSY);
        expect_about(process_now_ns() - start_ns, LOCK_TIMEOUT_MS * MS);
        flume_log_error(log, &error);
        expect_names(&error, owner.pid);
        assert_int_equal(flume_log_head(log), head);
    }
    processes_overhear(&owner, 1, MS);
    expect_history(log, &expectation); /* Reading waits for nobody. */
    process_signal(&owner, SIGCONT);
    process_join_well(&owner);
    expect_ok(log, append_as_stranger(log, 1));
    expect_history(log, &expectation);
    assert_int_equal(expectation.counts[0], 2);
    process_close_log(log);
    expect_sound(fx, &owner, 1);
    process_free(&owner);
    forget_basin(fx);
}

/* Only a roll asks for chance: twice for each. */
static void an_owner_stopped_in_a_roll_makes_others_busy(void **state)
{
    for (uint64_t at = 0; at < 3; at++)
        stop_appender_at(*state, TRAP_RANDOM, at);
}

/* Stopped while it syncs: appends go on, syncs are busy. */
static void an_owner_stopped_in_a_sync_makes_syncs_busy(void **state)
{
    struct fixture *fx = *state;
    struct trap setting = {.call = TRAP_SYNC, .side = TRAP_BEFORE};
    struct process owner = {0};
    flume_log_options options = impatient;
    flume_error error;
    flume_log *log;
    uint64_t start_ns, durable;

    process_start(fx, &owner, 1, append_into_the_trap, &setting);
    (void)process_hear_word(&owner);
    options.profile = FLUME_PROFILE_FORGETFUL;
    log = open_with(fx->basin, &options);
    expect_ok(log, append_as_stranger(log, 0));
    process_order(&owner);
    process_await_stop(&owner);
    durable = flume_log_durable(log);
    expect_ok(log, append_as_stranger(log, 1));
    start_ns = process_now_ns();
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_ERR_BUSY);
    expect_about(process_now_ns() - start_ns, LOCK_TIMEOUT_MS * MS);
    flume_log_error(log, &error);
    expect_names(&error, owner.pid);
    assert_int_equal(flume_log_durable(log), durable);
    process_signal(&owner, SIGCONT);
    process_join_well(&owner);
    expect_ok(log, flume_log_sync(log, FLUME_SEQ_NONE));
    assert_int_equal(flume_log_durable(log), flume_log_head(log));
    process_close_log(log);
    expect_sound(fx, &owner, 1);
    process_free(&owner);
}

static void attach_into_the_trap(struct role *role)
{
    const struct trap *setting = role->ctx;
    struct trap trap;
    flume_log_options options = impatient;
    flume_log *log;

    trap_init(&trap, setting->call, setting->side, setting->at, SIGSTOP);
    options.io = &trap.io;
    role_await(role);
    trap_arm(&trap);
    log = role_open(role, &options);
    role_append(role, log, 1, 10);
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

/* Stopped with the gate in hand, beside others or as the first one, in recovery. */
static void stop_attacher_at(struct fixture *fx, enum trap_call call, uint64_t at,
                             bool beside_others)
{
    struct trap setting = {.call = call, .side = TRAP_BEFORE, .at = at};
    struct process owner = {0};
    flume_log *log = NULL;
    flume_error error;
    uint64_t start_ns;

    process_start(fx, &owner, 1, attach_into_the_trap, &setting);
    if (beside_others) {
        log = open_with(fx->basin, &impatient);
        expect_ok(log, append_as_stranger(log, 0));
    }
    process_order(&owner);
    process_await_stop(&owner);
    if (beside_others)
        expect_ok(log, append_as_stranger(log, 1)); /* Who is attached needs no gate. */
    start_ns = process_now_ns();
    assert_int_equal(process_try_open(fx->basin, &impatient, &error), FLUME_ERR_BUSY);
    expect_about(process_now_ns() - start_ns, LOCK_TIMEOUT_MS * MS);
    expect_names(&error, owner.pid);
    process_signal(&owner, SIGCONT);
    process_join_well(&owner);
    if (beside_others)
        process_close_log(log);
    expect_sound(fx, &owner, 1);
    process_free(&owner);
    forget_basin(fx);
}

static void an_attacher_stopped_beside_others_holds_the_gate(void **state)
{
    stop_attacher_at(*state, TRAP_LOCK, 2, true); /* It has the gate, and has said so in HEAD. */
}

static void an_attacher_stopped_while_creating_holds_the_gate(void **state)
{
    stop_attacher_at(*state, TRAP_RENAME, 0, false);
}

/* --- Exclusive ---------------------------------------------------------------------------------*/

static void hold_exclusively(struct role *role)
{
    flume_log_options options = impatient;
    flume_log *log;

    options.flags |= FLUME_OPEN_EXCLUSIVE;
    options.program = "the-holder";
    log = role_open(role, &options);
    role_append(role, log, 1, 10);
    role_await(role);
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

static void an_exclusive_holder_is_named_and_its_death_frees_the_basin(void **state)
{
    struct fixture *fx = *state;
    flume_log_options options = impatient;
    struct process holder = {0};
    flume_error error;
    uint64_t start_ns;

    process_start(fx, &holder, 1, hold_exclusively, NULL);
    (void)process_hear_word(&holder);
    assert_int_equal(process_try_open(fx->basin, &options, &error), FLUME_ERR_BUSY);
    expect_names(&error, holder.pid);
    assert_non_null(strstr(error.message, "the-holder"));
    assert_non_null(strstr(error.message, "20")); /* Since 20..-..-..T..:..:..Z */
    assert_non_null(strstr(error.message, "Z)"));
    options.flags = FLUME_OPEN_READ_ONLY;
    assert_int_equal(process_try_open(fx->basin, &options, &error), FLUME_ERR_BUSY);
    process_kill(&holder);
    start_ns = process_now_ns();
    options.flags = FLUME_OPEN_EXCLUSIVE;
    assert_int_equal(process_try_open(fx->basin, &options, &error), FLUME_OK);
    assert_true(process_now_ns() - start_ns < SECOND);
    expect_sound(fx, &holder, 1);
    process_free(&holder);
}

static void stay_attached(struct role *role)
{
    flume_log_options options = impatient;
    flume_log *log;

    options.program = "the-sharer";
    log = role_open(role, &options);
    role_append(role, log, 1, 10);
    role_await(role);
    role_append(role, log, 1, 10);
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

static void exclusive_is_refused_while_others_share(void **state)
{
    struct fixture *fx = *state;
    flume_log_options options = impatient;
    struct process sharer = {0};
    flume_error error;

    options.flags |= FLUME_OPEN_EXCLUSIVE;
    process_start(fx, &sharer, 1, stay_attached, NULL);
    (void)process_hear_word(&sharer);
    assert_int_equal(process_try_open(fx->basin, &options, &error), FLUME_ERR_BUSY);
    expect_names(&error, sharer.pid);
    assert_non_null(strstr(error.message, "the-sharer"));
    process_order(&sharer);
    process_join_well(&sharer);
    assert_int_equal(process_try_open(fx->basin, &options, &error), FLUME_OK);
    expect_sound(fx, &sharer, 1);
    process_free(&sharer);
}

/* --- Creation ----------------------------------------------------------------------------------*/

static void create_and_append(struct role *role)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE, .strata_bytes = STRATA_BYTES};
    flume_log *log;

    role_await(role);
    log = role_open(role, &options);
    for (unsigned i = 0; i < 3; i++)
        role_append(role, log, 2, 100);
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

static void two_creators_at_once_make_one_basin(void **state)
{
    struct fixture *fx = *state;

    for (unsigned round = 0; round < CREATIONS; round++) {
        struct process creators[2] = {{0}, {0}};

        for (size_t i = 0; i < 2; i++)
            process_start(fx, &creators[i], i + 1, create_and_append, NULL);
        for (size_t i = 0; i < 2; i++)
            process_order(&creators[i]);
        for (size_t i = 0; i < 2; i++)
            process_join_well(&creators[i]);
        assert_int_equal(creators[0].seq_count, 6);
        assert_int_equal(creators[1].seq_count, 6);
        expect_sound(fx, creators, 2);
        process_free(&creators[0]);
        process_free(&creators[1]);
        forget_basin(fx);
    }
}

/* --- Layout ------------------------------------------------------------------------------------*/

static void change_layout(const char *basin, uint32_t difference)
{
    char path[PATH_MAX];
    uint32_t layout;
    int file;

    (void)snprintf(path, sizeof path, "%s/HEAD", basin);
    file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(pread(file, &layout, sizeof layout, offsetof(struct head, layout)),
                     sizeof layout);
    layout ^= difference;
    assert_int_equal(pwrite(file, &layout, sizeof layout, offsetof(struct head, layout)),
                     sizeof layout);
    (void)close(file);
}

static void a_program_of_another_layout_is_refused_while_one_is_attached(void **state)
{
    struct fixture *fx = *state;
    struct process sharer = {0};
    flume_error error;

    process_start(fx, &sharer, 1, stay_attached, NULL);
    (void)process_hear_word(&sharer);
    change_layout(fx->basin, 1); /* As if the attached one were built otherwise. */
    assert_int_equal(process_try_open(fx->basin, &impatient, &error), FLUME_ERR_VERSION);
    assert_true(strlen(error.message) > 0);
    change_layout(fx->basin, 1);
    process_order(&sharer);
    process_join_well(&sharer);
    change_layout(fx->basin, 1); /* Left by such a one: HEAD is made anew. */
    expect_sound(fx, &sharer, 1);
    process_free(&sharer);
}

/* --- Idleness ----------------------------------------------------------------------------------*/

static int ignore_record(void *ctx, const flume_record *record)
{
    (void)ctx;
    (void)record;
    return 0;
}

static uint64_t cpu_ns(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SECOND +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static void an_idle_basin_uses_no_cpu(void **state)
{
    struct fixture *fx = *state;
    flume_log *log = process_open_log(fx, FLUME_OPEN_CREATE);
    flume_subscription *subscription;
    uint64_t used_ns;

    expect_ok(log, append_as_stranger(log, 0));
    expect_ok(log, flume_subscribe(log, NULL, ignore_record, NULL, &subscription));
    pause_ns(SECOND); /* The record is synced. */
    used_ns = cpu_ns();
    pause_ns(IDLE_S * SECOND);
    used_ns = cpu_ns() - used_ns;
    print_message("idle for %d s: %" PRIu64 " us of CPU\n", (int)IDLE_S, used_ns / 1000);
    assert_true(used_ns < IDLE_CPU_MS_MAX * MS);
    flume_unsubscribe(subscription);
    process_close_log(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_owner_stopped_in_a_roll_makes_others_busy, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_owner_stopped_in_a_sync_makes_syncs_busy, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_attacher_stopped_beside_others_holds_the_gate, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_attacher_stopped_while_creating_holds_the_gate, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_exclusive_holder_is_named_and_its_death_frees_the_basin,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(exclusive_is_refused_while_others_share, setup, teardown),
        cmocka_unit_test_setup_teardown(two_creators_at_once_make_one_basin, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_program_of_another_layout_is_refused_while_one_is_attached, setup, teardown),
        cmocka_unit_test_setup_teardown(an_idle_basin_uses_no_cpu, setup, teardown),
    };

    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
