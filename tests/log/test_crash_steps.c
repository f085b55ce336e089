/*
 * test_crash_steps.c - a process killed between two instructions of its own.
 *
 * Some places where a death matters make no call of the system: between the grains and the head,
 * inside the append mutex, between two words of a roll. So the victim is traced: this process lets
 * it go instruction by instruction through one append, roll, commit or sync, and kills it after
 * the Nth, for many N; then the survivor judges and goes on, attached all the while or coming
 * after.
 *
 *   FLUME_STEPS  how many deaths for each action (default 16)
 *   FLUME_SEED   where chance begins
 */
#include "process_fixture.h"
#include "process_survivor.h"
#include "process_trap.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DEATHS_EACH = 16,
    STRATA_BYTES = 64 << 10,
    BARE_BYTES = 9000,
    UNTRACEABLE = 71 /* Exit code: the system does not let it be traced. */
};

enum action_kind { APPEND_BARE, APPEND_ONE, APPEND_BATCH, ROLL, COMMIT_LARGE, SYNC };

struct action {
    enum action_kind kind;
    enum flume_profile profile;
    enum flume_io_mode io_mode;
    enum trap_call from; /* Tracing begins after this call, made after the action began. */
    uint64_t from_at;
    uint64_t step_count;  /* How far from there. */
    uint64_t dense_count; /* Of them, so many one by one. */
    const char *name;
};

/* --- The victim --------------------------------------------------------------------------------*/

static void act(struct role *role, flume_log *log, enum action_kind kind, const void *bare)
{
    switch (kind) {
    case APPEND_BARE:
        /* Longer than what an append before it may have said that it would write. */
        role_require(flume_log_append(log, bare, BARE_BYTES, NULL) == FLUME_OK, "append");
        break;
    case APPEND_ONE:
        role_append(role, log, 1, 100);
        break;
    case APPEND_BATCH:
        role_append(role, log, 4, 300);
        break;
    case ROLL:
        for (unsigned i = 0; i < 3; i++) {
            struct stamp stamp = {.writer = role->writer,
                                  .number = role->next_number,
                                  .count = 1,
                                  .filler_bytes = 30000};
            static uint8_t body[STAMP_BYTES + 30000];
            uint64_t seq;

            body_make(&stamp, body);
            role_require(flume_log_append(log, body, sizeof body, &seq) == FLUME_OK, "append");
            role_report(role, seq, role->next_number++);
        }
        break;
    case COMMIT_LARGE:
        role_append(role, log, 8, 30000);
        break;
    case SYNC:
        role_require(flume_log_sync(log, FLUME_SEQ_NONE) == FLUME_OK, "sync");
        break;
    }
}

static void act_under_trace(struct role *role)
{
    static char bare[BARE_BYTES];
    const struct action *action = role->ctx;
    struct trap trap;
    flume_log_options options = {
        .profile = action->profile, .io_mode = action->io_mode, .io = &trap.io};
    flume_log *log;

    memset(bare, 'x', sizeof bare);
    trap_init(&trap, action->from, TRAP_AFTER, action->from_at, SIGSTOP);
    role_await(role);
    role->chance = 1; /* The same action each time. */
    log = role_open(role, &options);
    role_append(role, log, 3, 200);
    if (action->kind == APPEND_BARE) /* The first one after a sync is a witness. */
        role_require(flume_log_append(log, "x", 1, NULL) == FLUME_OK, "append");
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(UNTRACEABLE);
    trap_arm(&trap);
    if (action->from == TRAP_NONE)
        (void)raise(SIGSTOP);
    act(role, log, action->kind, bare);
    (void)raise(SIGUSR1); /* The action is over. */
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

/* --- The tracer --------------------------------------------------------------------------------*/

/* Wait for the victim's stop; the signal, or -1 if it has ended. */
static int await_stop(const struct process *victim)
{
    int status = 0;

    assert_int_equal(waitpid(victim->pid, &status, 0), victim->pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == UNTRACEABLE) {
        print_message("skipped: processes cannot be traced here\n");
        skip();
    }
    return WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
}

/* Let it make at most so many steps; how many it made before the action was over. */
static uint64_t step(const struct process *victim, uint64_t step_count)
{
    for (uint64_t i = 0; i < step_count; i++) {
        int signal;

        assert_int_equal(ptrace(PTRACE_SINGLESTEP, victim->pid, NULL, NULL), 0);
        signal = await_stop(victim);
        if (signal == SIGUSR1)
            return i;
        assert_true(signal == SIGTRAP || signal == SIGSTOP);
    }
    return step_count;
}

/* Returns how many steps were made. */
static uint64_t die_after(struct fixture *fx, const struct action *action, enum company company,
                          uint64_t step_count)
{
    struct process victim = {0};
    struct survivor survivor = {
        .options = {.flags = FLUME_OPEN_CREATE,
                    .strata_bytes = STRATA_BYTES,
                    .profile = action->profile,
                    .io_mode = action->io_mode,
                    .lock_timeout_ns = 10 * SECOND},
    };
    uint64_t made;

    process_start(fx, &victim, VICTIM, act_under_trace, action);
    survivor_begin(&survivor, fx, company);
    process_order(&victim);
    made = await_stop(&victim) == SIGSTOP ? step(&victim, step_count) : 0;
    process_kill(&victim);
    survivor_goes_on(&survivor, fx, company, &victim);
    process_free(&victim);
    forget_basin(fx);
    return made;
}

static void die_at_step(struct fixture *fx, const struct action *action, enum company company,
                        uint64_t step_count)
{
    if (number_from("FLUME_TRACE", 0) != 0)
        print_message("%s, step %" PRIu64 ", %s\n", action->name, step_count,
                      company == ALONE ? "alone" : "attached");
    (void)die_after(fx, action, company, step_count);
}

/* At steps taken by chance; right behind a rename at every one, for there a roll is half done. */
static void die_within(struct fixture *fx, const struct action *action)
{
    uint64_t deaths = number_from("FLUME_STEPS", DEATHS_EACH);
    uint64_t total = die_after(fx, action, ATTACHED, action->step_count);
    enum company company = (enum company)(fx->seed % 2);

    print_message("%s: %" PRIu64 " steps\n", action->name, total);
    for (uint64_t i = 0; i < deaths; i++)
        die_at_step(fx, action, i % 2 == 0 ? ATTACHED : ALONE,
                    chance_below(&fx->chance, total + 1));
    for (uint64_t i = 0; i < total && i < action->dense_count; i++) {
        company = company == ALONE ? ATTACHED : ALONE;
        die_at_step(fx, action, company, i);
    }
}

static void die_within_each(struct fixture *fx, const struct action *actions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        die_within(fx, &actions[i]);
}

static void death_within_an_append(void **state)
{
    static const struct action actions[] = {
        {APPEND_ONE, FLUME_PROFILE_FORGETFUL, FLUME_IO_MAPPED, TRAP_NONE, 0, 5000, 0,
         "append, mapped"},
        {APPEND_ONE, FLUME_PROFILE_FORGETFUL, FLUME_IO_PWRITE, TRAP_NONE, 0, 5000, 0,
         "append, pwrite"},
        {APPEND_BATCH, FLUME_PROFILE_FORGETFUL, FLUME_IO_MAPPED, TRAP_NONE, 0, 15000, 0,
         "batch, mapped"},
        {APPEND_BATCH, FLUME_PROFILE_FORGETFUL, FLUME_IO_PWRITE, TRAP_NONE, 0, 15000, 0,
         "batch, pwrite"},
    };

    die_within_each(*state, actions, sizeof actions / sizeof *actions);
}

/* The preparer's two renames may come before the roll's own, or not. */
static void death_within_a_roll(void **state)
{
    static const struct action actions[] = {
        {ROLL, FLUME_PROFILE_FORGETFUL, FLUME_IO_MAPPED, TRAP_RENAME, 0, 600, 0,
         "roll, after the first rename"},
        {ROLL, FLUME_PROFILE_FORGETFUL, FLUME_IO_MAPPED, TRAP_RENAME, 1, 600, 150,
         "roll, after the second rename"},
        {ROLL, FLUME_PROFILE_FORGETFUL, FLUME_IO_PWRITE, TRAP_RENAME, 3, 600, 0,
         "roll, after the fourth rename"},
        {ROLL, FLUME_PROFILE_FORGETFUL, FLUME_IO_PWRITE, TRAP_RANDOM, 1, 4000, 0,
         "roll, before its header"},
    };

    die_within_each(*state, actions, sizeof actions / sizeof *actions);
}

static void death_within_a_large_commit(void **state)
{
    static const struct action actions[] = {
        {COMMIT_LARGE, FLUME_PROFILE_FORGETFUL, FLUME_IO_MAPPED, TRAP_SYNC, 1, 3000, 0,
         "large commit, after its sync"},
        {COMMIT_LARGE, FLUME_PROFILE_FORGETFUL, FLUME_IO_MAPPED, TRAP_RENAME, 1, 1000, 200,
         "large commit, after its renames"},
    };

    die_within_each(*state, actions, sizeof actions / sizeof *actions);
}

static void death_within_a_sync(void **state)
{
    static const struct action actions[] = {
        {SYNC, FLUME_PROFILE_FORGETFUL, FLUME_IO_MAPPED, TRAP_NONE, 0, 5000, 0, "sync"},
        {APPEND_ONE, FLUME_PROFILE_SAFE, FLUME_IO_PWRITE, TRAP_SYNC, 0, 3000, 0,
         "safe append, after its sync"},
    };

    die_within_each(*state, actions, sizeof actions / sizeof *actions);
}

/* --- What is left behind the end -------------------------------------------------------------- */

enum { HEADER_BYTES = 32, FOOTER_BYTES = 4096, DEATHS_OF_ONE = 80 };

/* Whatever the dead had written behind the end, the next append found zeros there. */
static void expect_zeros_behind(const struct fixture *fx, const flume_record *newest)
{
    char path[sizeof fx->basin + 64];
    static uint8_t bytes[STRATA_BYTES * 16];
    size_t end = (newest->offset + HEADER_BYTES + newest->meta_bytes + newest->body_bytes + 7) / 8 *
                 8;
    size_t count;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/log/%020" PRIu64 ".strata", fx->basin,
                   newest->strata_seq);
    file = fopen(path, "rb");
    assert_non_null(file);
    count = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    assert_true(count > end + FOOTER_BYTES && count < sizeof bytes);
    for (size_t i = end; i < count - FOOTER_BYTES; i++)
        if (bytes[i] != 0)
            fail_msg("byte %zu is %d; seq %" PRIu64 " ended at %zu", i, bytes[i], newest->seq, end);
}

/* Returns how many steps were made. */
static uint64_t leave_zeros_after(struct fixture *fx, const struct action *action,
                                  uint64_t step_count)
{
    struct process victim = {0};
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .strata_bytes = STRATA_BYTES,
                                 .profile = action->profile,
                                 .io_mode = action->io_mode,
                                 .lock_timeout_ns = 10 * SECOND};
    flume_record record;
    flume_log *log;
    uint64_t made, seq;

    process_start(fx, &victim, VICTIM, act_under_trace, action);
    log = open_with(fx->basin, &options);
    process_order(&victim);
    made = await_stop(&victim) == SIGSTOP ? step(&victim, step_count) : 0;
    process_kill(&victim);
    expect_ok(log, flume_log_append(log, "", 0, &seq)); /* Less than what the victim wrote. */
    expect_ok(log, flume_log_get(log, seq, &record));
    expect_zeros_behind(fx, &record);
    flume_record_release(&record);
    process_close_log(log);
    process_free(&victim);
    forget_basin(fx);
    return made;
}

static void a_death_in_an_append_leaves_nothing_behind_the_end(void **state)
{
    static const struct action actions[] = {
        {APPEND_BARE, FLUME_PROFILE_FORGETFUL, FLUME_IO_MAPPED, TRAP_NONE, 0, 25000, 0, "append"},
        {APPEND_BATCH, FLUME_PROFILE_FORGETFUL, FLUME_IO_MAPPED, TRAP_NONE, 0, 15000, 0, "batch"},
    };

    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        uint64_t total = leave_zeros_after(*state, &actions[i], actions[i].step_count);

        print_message("%s: %" PRIu64 " steps\n", actions[i].name, total);
        for (uint64_t at = 0; at < total; at += total / DEATHS_OF_ONE + 1)
            (void)leave_zeros_after(*state, &actions[i], at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(death_within_an_append, setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(death_within_a_roll, setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(death_within_a_large_commit, setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(death_within_a_sync, setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(a_death_in_an_append_leaves_nothing_behind_the_end,
                                        setup_in_memory, teardown),
    };

    return cmocka_run_group_tests_name("killed between instructions", tests, NULL, NULL);
}
