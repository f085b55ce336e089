/*
 * test_crash_waiters.c - a process killed between being woken for the append mutex and running.
 *
 * Whoever unlocks wakes one sleeper. If that one is killed before it runs, and a third process has
 * taken the mutex meanwhile, then nothing in the mutex says any more that others sleep: the wake is
 * lost. They must look for themselves, and not report an owner that is none.
 *
 * To make it happen, the one that will be woken first is starved: it is of the idle class, on a
 * processor that somebody else keeps busy.
 */
#include "process_fixture.h"
#include "process_trap.h"

#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 8, STRATA_BYTES = 64 << 10, LOCK_TIMEOUT_S = 20, SETTLE_MS = 50, SOON_S = 5 };

static const flume_log_options patient = {
    .flags = FLUME_OPEN_CREATE,
    .profile = FLUME_PROFILE_FORGETFUL,
    .strata_bytes = STRATA_BYTES,
    .lock_timeout_ns = LOCK_TIMEOUT_S * SECOND,
};

/* Stops inside the append mutex, in a roll: twice. */
static void hold_twice(struct role *role)
{
    struct trap trap;
    flume_log_options options = patient;
    flume_log *log;

    trap_init(&trap, TRAP_RANDOM, TRAP_BEFORE, 0, SIGSTOP);
    options.io = &trap.io;
    log = role_open(role, &options);
    role_append(role, log, 1, 10);
    role_await(role);
    for (unsigned i = 0; i < 2; i++) {
        atomic_store(&trap.count, 0);
        trap_arm(&trap);
        while (atomic_load(&trap.count) == 0)
            role_append(role, log, 1, 20000);
        atomic_store(&trap.armed, 0);
    }
    role_await(role); /* Others do not contend either. */
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

static void use_first_processor_only(void)
{
    cpu_set_t processors;

    CPU_ZERO(&processors);
    CPU_SET(0, &processors);
    (void)sched_setaffinity(0, sizeof processors, &processors); /* Else it is merely less likely. */
}

static void append_starved(struct role *role)
{
    struct sched_param none = {.sched_priority = 0};
    flume_log *log = role_open(role, &patient);

    use_first_processor_only();
    (void)sched_setscheduler(0, SCHED_IDLE, &none);
    role_append(role, log, 1, 10);
    role_await(role);
    role_append(role, log, 1, 10);
    (void)pause();
}

static void append_after_it(struct role *role)
{
    flume_log *log = role_open(role, &patient);

    role_append(role, log, 1, 10);
    role_await(role);
    role_append(role, log, 1, 10);
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

static void keep_busy(struct role *role)
{
    (void)role;
    use_first_processor_only();
    for (;;)
        continue;
}

enum { HOLDER, STARVED, SLEEPER, CAST };

/* All three are attached; the holder stops in the mutex, and the two wait for it in this order. */
static void queue_up(struct fixture *fx, struct process cast[CAST])
{
    static const role_play plays[CAST] = {hold_twice, append_starved, append_after_it};

    for (size_t i = 0; i < CAST; i++) {
        process_start(fx, &cast[i], i + 1, plays[i], NULL);
        (void)process_hear_word(&cast[i]);
    }
    process_order(&cast[HOLDER]);
    process_await_stop(&cast[HOLDER]);
    for (size_t i = STARVED; i < CAST; i++) {
        process_order(&cast[i]);
        pause_ns(SETTLE_MS * MS); /* It looks for a while, then sleeps. */
    }
}

static void lose_a_wake(struct fixture *fx)
{
    struct process cast[CAST];
    struct process busy = {0};
    uint64_t start_ns;

    memset(cast, 0, sizeof cast);
    queue_up(fx, cast);
    process_start(fx, &busy, CAST + 1, keep_busy, NULL);
    pause_ns(SETTLE_MS * MS);
    process_signal(&cast[HOLDER], SIGCONT); /* Unlocks, wakes the starved, and locks again. */
    process_await_stop(&cast[HOLDER]);
    process_signal(&cast[STARVED], SIGKILL);
    process_free(&busy);
    (void)process_join(&cast[STARVED]);
    process_signal(&cast[HOLDER], SIGCONT);
    start_ns = process_now_ns();
    (void)process_hear_word(&cast[SLEEPER]);
    if (process_now_ns() - start_ns > SOON_S * SECOND)
        fail_msg("the sleeper slept on for %" PRIu64 " ms", (process_now_ns() - start_ns) / MS);
    process_order(&cast[HOLDER]);
    process_join_well(&cast[SLEEPER]);
    process_join_well(&cast[HOLDER]);
    expect_sound(fx, cast, CAST);
    for (size_t i = 0; i < CAST; i++)
        process_free(&cast[i]);
    forget_basin(fx);
}

static void a_wake_lost_with_its_waiter_makes_nobody_busy(void **state)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        lose_a_wake(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wake_lost_with_its_waiter_makes_nobody_busy,
                                        setup_in_memory, teardown),
    };

    return cmocka_run_group_tests_name("killed waiters", tests, NULL, NULL);
}
