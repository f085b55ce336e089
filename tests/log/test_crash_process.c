/*
 * test_crash_process.c - a process killed at any call leaves every record it was told of.
 *
 * On the simulated disk a process dies exactly between two calls of the io table: in an append, a
 * roll, the preparation of the next strata, a sync, a large batch's commit, an attach. All its
 * threads end at once; its locks are freed, its mutexes are left as they were. The machine goes on:
 * what its appends returned must be there, synced or not; an append it was in is there whole or not
 * at all; and the others, attached before or after, go on as if nothing had happened. At the end of
 * a round the machine stops too, and what was acknowledged as durable must still be there.
 *
 *   FLUME_ROUNDS=N  so many rounds (default 300)
 *   FLUME_SEED=N    the first seed (default 1)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "basin_oracle.h"
#include "faultio.h"
#include "simdisk.h"

#define BASIN SIMDISK_ROOT "/basin.flume"

enum {
    VICTIMS = 3,
    SURVIVOR = VICTIMS, /* Its number among the processes. */
    PROCESSES,
    STRATA_BYTES = 64 << 10,
    LARGE_BATCH_RECORDS = 48,
    FAILURES_SHOWN_MAX = 5
};
#define LOCK_TIMEOUT_NS 100000000000u

struct round {
    uint64_t seed, random;
    struct simdisk *disk;
    const flume_io *processes[PROCESSES];
    struct fault_memory memory;
    struct oracle oracle; /* Its `durable` is what must survive a process's death: everything. */
    uint64_t durable;     /* What must survive a machine stop. */
    enum flume_profile profile;
    enum flume_io_mode io_mode;
    char complaint[ORACLE_COMPLAINT_BYTES + 64];
};

struct writer {
    struct round *round;
    size_t process;
    uint64_t random;
    _Atomic bool over; /* It gave up. */
};

__attribute__((format(printf, 2, 3))) static void complain(struct round *round, const char *format,
                                                           ...)
{
    va_list arguments;

    if (round->complaint[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(round->complaint, sizeof round->complaint, format, arguments);
    va_end(arguments);
}

static void round_begin(struct round *round, uint64_t seed)
{
    memset(round, 0, sizeof *round);
    round->seed = seed;
    round->random = seed * 0x9e3779b97f4a7c15u;
    round->disk = simdisk_create(simdisk_random(&round->random));
    for (size_t i = 0; i < PROCESSES; i++)
        round->processes[i] = simdisk_process(round->disk);
    fault_memory_init(&round->memory);
    oracle_init(&round->oracle, seed);
    round->profile = (enum flume_profile)(1 + simdisk_random_below(&round->random, 4));
    round->io_mode = (enum flume_io_mode)simdisk_random_below(&round->random, 3);
}

static flume_log *attach(struct round *round, size_t process)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = round->profile,
                                 .io_mode = round->io_mode,
                                 .strata_bytes = STRATA_BYTES,
                                 .lock_timeout_ns = LOCK_TIMEOUT_NS,
                                 .program = "test_crash_process",
                                 .allocator = &round->memory.table,
                                 .io = round->processes[process]};
    flume_log *log = NULL;
    flume_error error = {0};

    if (flume_log_open(&log, BASIN, &options, &error) != FLUME_OK)
        complain(round, "process %zu cannot attach: %s", process, error.message);
    return log;
}

static bool syncs_each_append(const struct round *round)
{
    return round->profile == FLUME_PROFILE_SAFE || round->profile == FLUME_PROFILE_PARANOID;
}

static void raise_to(uint64_t *value, uint64_t to)
{
    if (to > *value)
        *value = to;
}

/* Whatever an append returned survives the death of its process. */
static bool append(struct round *round, flume_log *log, uint64_t *random)
{
    uint64_t choice = simdisk_random_below(random, 48);
    size_t count = choice == 0 ? LARGE_BATCH_RECORDS : choice < 8 ? 2 + (size_t)choice : 1;
    uint64_t end;
    flume_error error;

    if (oracle_append_to(&round->oracle, log, count, ORACLE_PENDING, &end) != FLUME_OK) {
        flume_log_error(log, &error);
        complain(round, "an append fails: %s", error.message);
        return false;
    }
    oracle_durable(&round->oracle, end);
    if (syncs_each_append(round))
        raise_to(&round->durable, end);
    return true;
}

/* --- The victims ------------------------------------------------------------------------------ */

static void *write_until_killed(void *ctx)
{
    struct writer *writer = ctx;
    flume_log *log = attach(writer->round, writer->process);

    while (log != NULL && append(writer->round, log, &writer->random)) {
        uint64_t head = flume_log_head(log);

        if (simdisk_random_below(&writer->random, 10) == 0 &&
            flume_log_sync(log, FLUME_SEQ_NONE) == FLUME_OK)
            raise_to(&writer->round->durable, head);
    }
    atomic_store(&writer->over, true);
    return NULL;
}

/* One after the other writes and dies, each at a call of its own. */
static void victim_run(struct round *round, size_t process)
{
    uint64_t most = (uint64_t)16 << simdisk_random_below(&round->random, 6);
    struct writer writer = {
        .round = round, .process = process, .random = simdisk_random(&round->random)};
    pthread_t thread;

    simdisk_kill_after(round->processes[process], 1 + simdisk_random_below(&round->random, most));
    assert_int_equal(pthread_create(&thread, NULL, write_until_killed, &writer), 0);
    while (!simdisk_killed(round->processes[process]) && !atomic_load(&writer.over))
        (void)sched_yield();
    simdisk_kill(round->processes[process]); /* Where it was refused something. */
    if (!simdisk_reap(round->processes[process]))
        complain(round, "threads of the killed are left");
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* --- What must be so -------------------------------------------------------------------------- */

static void expect_in_order(struct round *round, flume_log *log, const char *when)
{
    if (!oracle_check(&round->oracle, log))
        complain(round, "%s: %s", when, round->oracle.complaint);
    else if (oracle_digest(log) == 0)
        complain(round, "%s: a cursor and get differ", when);
}

static void expect_sound(struct round *round)
{
    flume_check_options options = {.io = round->processes[SURVIVOR],
                                   .allocator = &round->memory.table};
    flume_check_report report = {0};
    flume_error error = {0};

    if (flume_check(BASIN, &options, &report, &error) != FLUME_OK || !report.sound)
        complain(round, "check: %s", error.message);
}

static void machine_stop(struct round *round)
{
    flume_log *log;

    simdisk_stop(round->disk);
    simdisk_restart(round->disk);
    round->oracle.durable = round->durable;
    log = attach(round, SURVIVOR);
    if (log == NULL)
        return;
    expect_in_order(round, log, "after a machine stop");
    (void)append(round, log, &round->random);
    if (flume_log_close(log) != FLUME_OK)
        complain(round, "the last close fails");
    expect_sound(round);
}

static void survive(struct round *round)
{
    bool from_the_start = simdisk_random_below(&round->random, 2) == 0;
    flume_log *log = from_the_start ? attach(round, SURVIVOR) : NULL;

    for (size_t i = 0; i < VICTIMS && round->complaint[0] == '\0'; i++) {
        victim_run(round, i);
        if (log == NULL)
            log = attach(round, SURVIVOR);
        if (log == NULL)
            return;
        /* Who takes the lock next finishes or undoes what the dead one was in. */
        if (append(round, log, &round->random))
            expect_in_order(round, log, "beside the dead");
        if (!from_the_start && round->complaint[0] == '\0') {
            if (flume_log_close(log) != FLUME_OK)
                complain(round, "a close beside the dead fails");
            log = NULL;
        }
    }
    if (log != NULL) {
        raise_to(&round->durable, flume_log_durable(log));
        (void)flume_log_close(log);
    }
    expect_sound(round);
}

static bool round_run(uint64_t seed)
{
    static unsigned shown;
    struct round round;

    round_begin(&round, seed);
    survive(&round);
    if (round.complaint[0] == '\0' && simdisk_open_files(round.disk) != 0)
        complain(&round, "%zu files are left open", simdisk_open_files(round.disk));
    if (round.complaint[0] == '\0')
        machine_stop(&round);
    if (round.complaint[0] != '\0' && shown++ < FAILURES_SHOWN_MAX)
        print_error("seed %" PRIu64 " (profile %d, io %d): %s\n", seed, (int)round.profile,
                    (int)round.io_mode, round.complaint);
    if (simdisk_open_files(round.disk) == 0)
        simdisk_destroy(round.disk);
    oracle_deinit(&round.oracle);
    fault_memory_deinit(&round.memory);
    return round.complaint[0] == '\0';
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void what_a_killed_process_had_appended_is_there_and_the_others_go_on(void **state)
{
    uint64_t rounds = setting("FLUME_ROUNDS", 300);
    uint64_t seed = setting("FLUME_SEED", 1);
    uint64_t failed = 0;
    time_t began = time(NULL);

    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    /* Threads of a simulated process end by the bare system call, which the sanitizers' own
     * bookkeeping of threads does not survive. */
    print_message("skipped: sanitizers do not survive threads that are killed\n");
    skip();
#endif
    for (uint64_t i = 0; i < rounds; i++)
        failed += round_run(seed + i) ? 0 : 1;
    print_message("%" PRIu64 " rounds, %" PRIu64 " processes killed, %" PRIu64
                  " rounds failed; %ld s\n",
                  rounds, rounds * VICTIMS, failed, (long)(time(NULL) - began));
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_killed_process_had_appended_is_there_and_the_others_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
