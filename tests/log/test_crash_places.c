/*
 * test_crash_places.c - a process killed at every call it makes of the system.
 *
 * A child plays one short scenario (open, append, batches, rolls, a batch larger than a strata,
 * sync, close) and is killed before, or in the middle or after, its Nth call of one function of the
 * io table, for every function and every N. This process is attached all the while: it inherits
 * what the dead one held and goes on with the handle it has. In the second half nobody else is
 * attached, and who comes next recovers.
 *
 *   FLUME_TEST_LONG=1  every call, not some of those of the frequent functions
 */
#include "process_fixture.h"
#include "process_survivor.h"
#include "process_trap.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum {
    STRATA_BYTES = 64 << 10,
    CALLS_MAX = 4000,
    CALLS_EACH = 8 /* In the short mode: the first ones all, then ever fewer. */
};

struct place {
    enum trap_call call;
    enum trap_side side;
    uint64_t at;
    enum flume_profile profile;
    enum flume_io_mode io_mode;
};

/* --- The victim --------------------------------------------------------------------------------*/

static void scenario(struct role *role, flume_log *log)
{
    for (unsigned i = 0; i < 10; i++)
        role_append(role, log, 1, 200);
    role_append(role, log, 7, 500);
    role_require(flume_log_sync(log, FLUME_SEQ_NONE) == FLUME_OK, "sync");
    for (unsigned i = 0; i < 12; i++) /* Rolls. */
        role_append(role, log, 1 + i % 2, 20000);
    role_append(role, log, 8, FILLER_BYTES_MAX / 2); /* Larger than a strata. */
    role_append(role, log, 3, 300);
    role_require(flume_log_sync(log, FLUME_SEQ_NONE) == FLUME_OK, "sync");
    for (unsigned i = 0; i < 4; i++)
        role_append(role, log, 1, 20000);
}

static void play_scenario(struct role *role)
{
    const struct place *place = role->ctx;
    struct trap trap;
    flume_log_options options = {
        .profile = place->profile,
        .io_mode = place->io_mode,
        .io = &trap.io,
    };
    flume_log *log;

    trap_init(&trap, place->call, place->side, place->at, SIGKILL);
    role_await(role);
    trap_arm(&trap);
    role->chance = 1; /* The same scenario each time. */
    log = role_open(role, &options);
    scenario(role, log);
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

/* --- The tests ---------------------------------------------------------------------------------*/

/* It opens as the victim does. */
static struct survivor survivor_like(struct place place)
{
    struct survivor survivor = {
        .options = {.flags = FLUME_OPEN_CREATE,
                    .strata_bytes = STRATA_BYTES,
                    .profile = place.profile,
                    .io_mode = place.io_mode,
                    .lock_timeout_ns = 10 * SECOND},
    };

    return survivor;
}

/* true: the victim was killed. false: it made fewer calls, and ended well. */
static bool die_at(struct fixture *fx, struct place place, enum company company)
{
    struct process victim = {0};
    struct survivor survivor = survivor_like(place);
    int status;
    bool killed;

    process_start(fx, &victim, VICTIM, play_scenario, &place);
    survivor_begin(&survivor, fx, company);
    process_order(&victim);
    status = process_join(&victim);
    killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    assert_true(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    survivor_goes_on(&survivor, fx, company, &victim);
    process_free(&victim);
    forget_basin(fx);
    return killed;
}

/* All of a rare call's places; of a frequent one's the first, then steps that grow. */
static uint64_t next_place(uint64_t at)
{
    if (at < CALLS_EACH || number_from("FLUME_TEST_LONG", 0) != 0)
        return at + 1;
    return at + 1 + (at - CALLS_EACH) / 4;
}

static unsigned die_everywhere(struct fixture *fx, enum trap_call call, enum flume_profile profile,
                               enum flume_io_mode io_mode, enum company company)
{
    unsigned deaths = 0;

    for (enum trap_side side = TRAP_BEFORE; side <= TRAP_AFTER; side++) {
        struct place place = {.call = call, .side = side, .profile = profile, .io_mode = io_mode};

        while (place.at < CALLS_MAX) {
            if (number_from("FLUME_TRACE", 0) != 0)
                print_message("%s %s %" PRIu64 ", profile %d, mode %d, %s\n",
                              side == TRAP_BEFORE ? "before" : "after", trap_call_name(call),
                              place.at, (int)profile, (int)io_mode,
                              company == ALONE ? "alone" : "attached");
            if (!die_at(fx, place, company))
                break;
            deaths++;
            place.at = next_place(place.at);
        }
    }
    return deaths;
}

static void die_at_every_call(struct fixture *fx, enum flume_profile profile,
                              enum flume_io_mode io_mode, enum company company)
{
    unsigned deaths = 0;

    for (enum trap_call call = 0; call < TRAP_CALLS; call++)
        deaths += die_everywhere(fx, call, profile, io_mode, company);
    print_message("%u deaths\n", deaths);
    assert_true(deaths > 100);
}

static void a_mapped_writer_dies_beside_another(void **state)
{
    die_at_every_call(*state, FLUME_PROFILE_FORGETFUL, FLUME_IO_MAPPED, ATTACHED);
}

static void a_mapped_writer_dies_alone(void **state)
{
    die_at_every_call(*state, FLUME_PROFILE_FORGETFUL, FLUME_IO_MAPPED, ALONE);
}

static void a_safe_writer_dies_beside_another(void **state)
{
    die_at_every_call(*state, FLUME_PROFILE_SAFE, FLUME_IO_PWRITE, ATTACHED);
}

static void a_paranoid_writer_dies_alone(void **state)
{
    die_at_every_call(*state, FLUME_PROFILE_PARANOID, FLUME_IO_PWRITE, ALONE);
}

/* Between publishing and waking: the waiter finds the record all the same. */
static void die_at_wake(struct fixture *fx, uint64_t at)
{
    struct place place = {.call = TRAP_WAKE,
                          .side = TRAP_BEFORE,
                          .at = at,
                          .profile = FLUME_PROFILE_FORGETFUL,
                          .io_mode = FLUME_IO_MAPPED};
    flume_cursor_options live = {.flags = FLUME_CURSOR_LIVE | FLUME_CURSOR_NEW_ONLY};
    struct survivor survivor = survivor_like(place);
    struct process victim = {0};
    flume_cursor *cursor;
    flume_record record;
    uint64_t head;
    int status;

    process_start(fx, &victim, VICTIM, play_scenario, &place);
    survivor_begin(&survivor, fx, ATTACHED);
    head = flume_log_head(survivor.log);
    expect_ok(survivor.log, flume_cursor_open(survivor.log, &live, &cursor));
    assert_int_equal(flume_cursor_next(cursor, 50 * MS, &record), FLUME_ERR_TIMEOUT);
    process_order(&victim);
    status = flume_cursor_next(cursor, SECOND, &record);
    (void)process_join(&victim);     /* It died at its wake, or had none of that number. */
    if (status == FLUME_ERR_TIMEOUT) /* It died at a wake of its own threads, before it wrote. */
        assert_int_equal(flume_log_head(survivor.log), head);
    else
        expect_ok(survivor.log, status);
    flume_cursor_close(cursor);
    survivor_goes_on(&survivor, fx, ATTACHED, &victim);
    process_free(&victim);
    forget_basin(fx);
}

static void a_writer_dies_before_it_wakes(void **state)
{
    for (uint64_t at = 0; at < 8; at++)
        die_at_wake(*state, at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mapped_writer_dies_beside_another, setup_in_memory,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_mapped_writer_dies_alone, setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(a_safe_writer_dies_beside_another, setup_in_memory,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_paranoid_writer_dies_alone, setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(a_writer_dies_before_it_wakes, setup_in_memory, teardown),
    };

    return cmocka_run_group_tests_name("killed at marked places", tests, NULL, NULL);
}
