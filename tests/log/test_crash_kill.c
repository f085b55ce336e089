/*
 * test_crash_kill.c - writers killed with SIGKILL at random moments.
 *
 * Each round the writers have reported at least 1,000 acknowledged records before one of them is
 * killed; afterwards every acknowledged record is there with its bytes at its seq, nothing half
 * written shows, and who is alive goes on with the handle it had.
 *
 *   FLUME_KILLS  how many kills each test does (default 200)
 *   FLUME_SEED   where chance begins
 */
#include "process_fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KILLS = 200,
    ROUNDS_PER_BASIN = 8,
    REPORTED_MIN = 1000,
    WRITERS = 4,
    STRATA_BYTES = 1 << 20,
    SMALL_FILLER_BYTES = 256
};

/* --- The writer --------------------------------------------------------------------------------*/

/* A handle of any profile and mode: they may be mixed. */
static flume_log *open_somehow(struct role *role)
{
    static const enum flume_profile profiles[] = {
        FLUME_PROFILE_FORGETFUL, FLUME_PROFILE_CASUAL,   FLUME_PROFILE_CASUAL,
        FLUME_PROFILE_SAFE,      FLUME_PROFILE_PARANOID,
    };
    flume_log_options options = {
        .flags = FLUME_OPEN_CREATE,
        .strata_bytes = STRATA_BYTES,
        .profile = profiles[chance_below(&role->chance, sizeof profiles / sizeof *profiles)],
        .io_mode = (enum flume_io_mode)chance_below(&role->chance, FLUME_IO_PWRITE + 1),
    };

    return role_open(role, &options);
}

/* Mostly single records and small batches; now and then a batch larger than a strata, a sync. */
static void append_something(struct role *role, flume_log *log)
{
    uint64_t choice = chance_below(&role->chance, 2000);

    if (choice == 0)
        role_append(role, log, 40, FILLER_BYTES_MAX);
    else if (choice < 4)
        role_require(flume_log_sync(log, FLUME_SEQ_NONE) == FLUME_OK, "sync");
    else if (choice < 40)
        role_append(role, log, 1, FILLER_BYTES_MAX / 4);
    else if (choice < 300)
        role_append(role, log, 1 + chance_below(&role->chance, 20), SMALL_FILLER_BYTES);
    else
        role_append(role, log, 1, SMALL_FILLER_BYTES);
}

static void write_until_killed(struct role *role)
{
    flume_log *log = open_somehow(role);

    for (;;)
        append_something(role, log);
}

/* --- The tests ---------------------------------------------------------------------------------*/

static uint64_t kill_count(void)
{
    return number_from("FLUME_KILLS", KILLS);
}

/* Somewhere between the report just heard and a little later. */
static void hear_until_any_moment(struct fixture *fx, struct process *processes, size_t count)
{
    if (chance_below(&fx->chance, 4) != 0)
        processes_overhear(processes, count, chance_below(&fx->chance, 2 * MS));
}

/* Who comes next can append with whatever the dead left. */
static void expect_appendable(struct fixture *fx)
{
    flume_log *log = process_open_log(fx, 0);
    uint8_t body[STAMP_BYTES];
    struct stamp stamp = {.writer = 0, .count = 1};
    struct expectation expectation = {.process_count = 0};

    expect_history(log, &expectation);
    stamp.number = expectation.counts[0]; /* Writer 0 is this process. */
    body_make(&stamp, body);
    expect_ok(log, flume_log_append(log, body, sizeof body, NULL));
    expect_history(log, &expectation);
    assert_int_equal(expectation.counts[0], stamp.number + 1);
    process_close_log(log);
}

static void free_all(struct process *processes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        process_free(&processes[i]);
}

static void kill_one_writer(struct fixture *fx, uint64_t kills)
{
    struct process processes[ROUNDS_PER_BASIN];
    uint64_t reported = 0;

    memset(processes, 0, sizeof processes);
    for (uint64_t i = 0; i < kills; i++) {
        size_t index = i % ROUNDS_PER_BASIN;
        struct process *process = &processes[index];

        if (index == 0) {
            free_all(processes, ROUNDS_PER_BASIN);
            forget_basin(fx);
        }
        process_start(fx, process, index + 1, write_until_killed, NULL);
        assert_true(process_hear(process, REPORTED_MIN));
        hear_until_any_moment(fx, process, 1);
        process_kill(process);
        reported += process->seq_count;
        if (chance_below(&fx->chance, 2) == 0)
            expect_appendable(fx);
        expect_sound(fx, processes, ROUNDS_PER_BASIN);
    }
    free_all(processes, ROUNDS_PER_BASIN);
    print_message("%" PRIu64 " kills, %" PRIu64 " records reported\n", kills, reported);
}

static void a_killed_writer_loses_nothing_it_reported(void **state)
{
    kill_one_writer(*state, kill_count());
}

/* Fewer: each round waits for the disk. */
static void on_a_disk_a_killed_writer_loses_nothing_either(void **state)
{
    kill_one_writer(*state, kill_count() / 8);
}

/* Slots 0 .. WRITERS - 1 of `processes` are the first ones; the dead stay for the judging. */
static void one_of_four_killed_writers_disturbs_nobody(void **state)
{
    struct fixture *fx = *state;
    struct process processes[ROUNDS_PER_BASIN + WRITERS];
    uint64_t kills = kill_count();
    uint64_t reported = 0;
    size_t count = 0;

    memset(processes, 0, sizeof processes);
    for (uint64_t i = 0; i < kills; i++) {
        size_t victim;

        if (i % ROUNDS_PER_BASIN == 0) {
            free_all(processes, count);
            forget_basin(fx);
            for (count = 0; count < WRITERS; count++)
                process_start(fx, &processes[count], count + 1, write_until_killed, NULL);
        }
        processes_hear_each(processes, count, REPORTED_MIN / WRITERS);
        do
            victim = chance_below(&fx->chance, count);
        while (!processes[victim].running);
        hear_until_any_moment(fx, processes, count);
        process_kill(&processes[victim]);
        processes_hear_each(processes, count, REPORTED_MIN / 10); /* The others go on. */
        reported += processes[victim].seq_count;
        expect_sound(fx, processes, count);
        process_start(fx, &processes[count], count + 1, write_until_killed, NULL);
        count++;
    }
    free_all(processes, count);
    print_message("%" PRIu64 " kills, %" PRIu64 " records reported by the killed\n", kills,
                  reported);
}

/* All of them at once: nobody is left to clean up but who comes next. */
static void all_writers_killed_at_once_lose_nothing(void **state)
{
    struct fixture *fx = *state;
    struct process processes[WRITERS];
    uint64_t kills = kill_count() / 4;

    for (uint64_t i = 0; i < kills; i++) {
        memset(processes, 0, sizeof processes);
        for (size_t k = 0; k < WRITERS; k++)
            process_start(fx, &processes[k], k + 1, write_until_killed, NULL);
        processes_hear_each(processes, WRITERS, REPORTED_MIN / WRITERS);
        hear_until_any_moment(fx, processes, WRITERS);
        for (size_t k = 0; k < WRITERS; k++)
            process_signal(&processes[k], SIGKILL);
        for (size_t k = 0; k < WRITERS; k++)
            (void)process_join(&processes[k]);
        expect_sound(fx, processes, WRITERS);
        expect_appendable(fx);
        expect_sound(fx, processes, WRITERS);
        free_all(processes, WRITERS);
        forget_basin(fx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_writer_loses_nothing_it_reported, setup_in_memory,
                                        teardown),
        cmocka_unit_test_setup_teardown(on_a_disk_a_killed_writer_loses_nothing_either, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(one_of_four_killed_writers_disturbs_nobody, setup_in_memory,
                                        teardown),
        cmocka_unit_test_setup_teardown(all_writers_killed_at_once_lose_nothing, setup_in_memory,
                                        teardown),
    };

    return cmocka_run_group_tests_name("killed writers", tests, NULL, NULL);
}
