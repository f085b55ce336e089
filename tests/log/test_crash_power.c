/*
 * test_crash_power.c - what a machine stop leaves, a log recovers from, and how much of it.
 *
 * Each seed is a round: a profile, a way to write, one to three handles (interleaved or on threads
 * of their own), three generations of appends, each ended by a machine stop at a random call, with
 * more stops during recovery. After each stop the log must hold every acknowledged record at its
 * seq, nothing that was not appended, batches whole; and recovering again must change nothing.
 *
 *   FLUME_DISKS=N  go on until N disks of distinct content have been recovered (default 1000)
 *   FLUME_SEED=N   the first seed (default 1)
 *   FLUME_ROUNDS=N at most so many rounds, to repeat one
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "basin_oracle.h"
#include "faultio.h"
#include "simdisk.h"

#define BASIN SIMDISK_ROOT "/basin.flume"

enum {
    HANDLES_MAX = 3,
    GENERATIONS = 3,
    RECOVERY_STOPS_MAX = 3,
    STRATA_BYTES = 64 << 10,
    LARGE_BATCH_RECORDS = 48, /* Larger than a strata, nearly always. */
    FAILURES_SHOWN_MAX = 5
};
#define LOCK_TIMEOUT_NS 100000000000u

/* --- Counting distinct disks ------------------------------------------------------------------ */

struct census {
    uint64_t *hashes; /* A hash table; 0 is free. */
    size_t room, distinct;
    uint64_t disks, recovery_stops, records, lost, invented, torn_batches, torn_tails, rounds;
    uint64_t failed_rounds;
};

static void census_insert(struct census *census, uint64_t hash)
{
    size_t at = (size_t)hash % census->room;

    if (hash == 0)
        hash = 1;
    while (census->hashes[at] != 0 && census->hashes[at] != hash)
        at = (at + 1) % census->room;
    if (census->hashes[at] == 0)
        census->distinct++;
    census->hashes[at] = hash;
}

static void census_add(struct census *census, uint64_t hash)
{
    struct census grown = *census;

    census->disks++;
    if (census->distinct * 2 >= census->room) {
        grown.room = census->room == 0 ? 4096 : census->room * 2;
        grown.hashes = calloc(grown.room, sizeof *grown.hashes);
        assert_non_null(grown.hashes);
        grown.distinct = 0;
        for (size_t i = 0; i < census->room; i++) {
            if (census->hashes[i] != 0)
                census_insert(&grown, census->hashes[i]);
        }
        free(census->hashes);
        census->hashes = grown.hashes;
        census->room = grown.room;
    }
    census_insert(census, hash);
}

/* --- A round ---------------------------------------------------------------------------------- */

struct round {
    uint64_t seed, random;
    struct census *census;
    struct simdisk *disk;
    const flume_io *processes[HANDLES_MAX + 1]; /* The last one is the verifier's. */
    struct fault_memory memory;
    struct oracle oracle;
    enum flume_profile profile;
    enum flume_io_mode io_mode;
    size_t handle_count;
    bool threads;
    char complaint[ORACLE_COMPLAINT_BYTES + 64];
};

struct worker {
    struct round *round;
    flume_log *log;
    uint64_t random;
    unsigned operations;
    uint64_t appended_end; /* Behind its last append. */
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

static void round_begin(struct round *round, uint64_t seed, struct census *census)
{
    static const enum flume_io_mode modes[] = {FLUME_IO_AUTO, FLUME_IO_MAPPED, FLUME_IO_PWRITE};

    memset(round, 0, sizeof *round);
    round->seed = seed;
    round->random = seed * 0x9e3779b97f4a7c15u;
    round->census = census;
    round->disk = simdisk_create(simdisk_random(&round->random));
    for (size_t i = 0; i <= HANDLES_MAX; i++)
        round->processes[i] = simdisk_process(round->disk);
    fault_memory_init(&round->memory);
    oracle_init(&round->oracle, seed);
    round->profile = (enum flume_profile)(1 + simdisk_random_below(&round->random, 4));
    round->io_mode = modes[simdisk_random_below(&round->random, 3)];
    round->handle_count = 1 + (size_t)simdisk_random_below(&round->random, HANDLES_MAX);
    round->threads = round->handle_count > 1 && simdisk_random_below(&round->random, 3) == 0;
    simdisk_set_names(round->disk, simdisk_random_below(&round->random, 2) == 0
                                       ? SIMDISK_NAMES_JOURNAL
                                       : SIMDISK_NAMES_WILD);
}

static void round_end(struct round *round)
{
    struct census *census = round->census;

    if (simdisk_open_maps(round->disk) != 0)
        complain(round, "%zu mappings are left", simdisk_open_maps(round->disk));
    if (round->memory.live_blocks != 0)
        complain(round, "%lld blocks of memory are left", (long long)round->memory.live_blocks);
    if (round->oracle.complaint[0] != '\0')
        complain(round, "%s", round->oracle.complaint);
    census->rounds++;
    census->records += round->oracle.checked;
    census->lost += round->oracle.lost;
    census->invented += round->oracle.invented;
    census->torn_batches += round->oracle.torn_batches;
    if (round->complaint[0] != '\0') {
        if (census->failed_rounds++ < FAILURES_SHOWN_MAX)
            print_error("seed %" PRIu64 " (profile %d, io %d, %zu handles%s): %s\n", round->seed,
                        (int)round->profile, (int)round->io_mode, round->handle_count,
                        round->threads ? ", threads" : "", round->complaint);
    }
    if (simdisk_open_files(round->disk) == 0)
        simdisk_destroy(round->disk);
    oracle_deinit(&round->oracle);
    fault_memory_deinit(&round->memory);
}

static int open_handle(struct round *round, size_t process, unsigned flags, flume_log **out_log,
                       flume_error *out_error)
{
    flume_log_options options = {.flags = flags,
                                 .profile = round->profile,
                                 .io_mode = round->io_mode,
                                 .strata_bytes = STRATA_BYTES,
                                 .lock_timeout_ns = LOCK_TIMEOUT_NS,
                                 .program = "test_crash_power",
                                 .allocator = &round->memory.table,
                                 .io = round->processes[process]};

    if ((flags & FLUME_OPEN_READ_ONLY) != 0)
        options.strata_bytes = 0;
    return flume_log_open(out_log, BASIN, &options, out_error);
}

/* --- What the writers do ---------------------------------------------------------------------- */

static bool syncs_each_append(const struct round *round)
{
    return round->profile == FLUME_PROFILE_SAFE || round->profile == FLUME_PROFILE_PARANOID;
}

static size_t batch_choose(struct worker *worker)
{
    uint64_t choice = simdisk_random_below(&worker->random, 64);

    if (choice == 0)
        return LARGE_BATCH_RECORDS;
    return choice < 20 ? 2 + (size_t)simdisk_random_below(&worker->random, 6) : 1;
}

static void do_append(struct worker *worker)
{
    struct round *round = worker->round;
    uint64_t end;
    int status =
        oracle_append_to(&round->oracle, worker->log, batch_choose(worker), ORACLE_PENDING, &end);

    if (status == FLUME_OK) {
        worker->appended_end = end;
        if (syncs_each_append(round))
            oracle_durable(&round->oracle, end);
    } else if (!simdisk_stopped(round->disk)) {
        flume_error error;

        flume_log_error(worker->log, &error);
        complain(round, "an append failed for no reason: %s", error.message);
    }
}

static void do_sync(struct worker *worker)
{
    struct round *round = worker->round;
    uint64_t head = flume_log_head(worker->log);
    uint64_t seq = head == 0 ? FLUME_SEQ_NONE : simdisk_random_below(&worker->random, head);
    int status;

    if (simdisk_random_below(&worker->random, 2) == 0)
        seq = FLUME_SEQ_NONE;
    status = flume_log_sync(worker->log, seq);
    if (status == FLUME_OK)
        oracle_durable(&round->oracle, seq == FLUME_SEQ_NONE ? head : seq + 1);
    else if (!simdisk_stopped(round->disk))
        complain(round, "a sync failed for no reason: %s", flume_strerror(status));
}

static void do_something(struct worker *worker)
{
    uint64_t choice = simdisk_random_below(&worker->random, 100);

    if (choice < 80)
        do_append(worker);
    else if (choice < 88)
        do_sync(worker);
    else if (choice < 94)
        oracle_durable(&worker->round->oracle, flume_log_durable(worker->log));
    else
        simdisk_write_back(worker->round->disk);
}

static void *work(void *ctx)
{
    struct worker *worker = ctx;

    while (worker->operations-- > 0 && !simdisk_stopped(worker->round->disk))
        do_something(worker);
    return NULL;
}

static void work_on_threads(struct worker *workers, size_t count)
{
    pthread_t threads[HANDLES_MAX];

    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void work_in_turn(struct round *round, struct worker *workers, size_t count)
{
    unsigned turns = 0;

    for (size_t i = 0; i < count; i++)
        turns += workers[i].operations;
    while (turns-- > 0 && !simdisk_stopped(round->disk))
        do_something(&workers[simdisk_random_below(&round->random, count)]);
}

/* A clean close acknowledges what its handle appended. */
static void close_worker(struct worker *worker)
{
    int status = flume_log_close(worker->log);

    if (status == FLUME_OK)
        oracle_durable(&worker->round->oracle, worker->appended_end);
    else if (!simdisk_stopped(worker->round->disk))
        complain(worker->round, "closing failed for no reason: %s", flume_strerror(status));
}

static uint64_t stop_choose(struct round *round)
{
    uint64_t most = (uint64_t)8 << simdisk_random_below(&round->random, 7);

    return 1 + simdisk_random_below(&round->random, most);
}

static void generation_run(struct round *round)
{
    struct worker workers[HANDLES_MAX];
    size_t opened = 0;
    flume_error error;

    if (simdisk_random_below(&round->random, 4) != 0)
        simdisk_stop_after(round->disk, stop_choose(round));
    for (size_t i = 0; i < round->handle_count; i++) {
        workers[opened] =
            (struct worker){.round = round,
                            .random = simdisk_random(&round->random),
                            .operations = 10 + (unsigned)simdisk_random_below(&round->random, 40)};
        if (open_handle(round, i, FLUME_OPEN_CREATE, &workers[opened].log, &error) == FLUME_OK)
            opened++;
        else if (!simdisk_stopped(round->disk))
            complain(round, "opening failed for no reason: %s", error.message);
    }
    if (opened > 0 && round->threads)
        work_on_threads(workers, opened);
    else if (opened > 0)
        work_in_turn(round, workers, opened);
    if (simdisk_random_below(&round->random, 3) != 0)
        simdisk_stop(round->disk); /* Else perhaps while closing, or behind a clean close. */
    for (size_t i = 0; i < opened; i++)
        close_worker(&workers[i]);
    simdisk_stop(round->disk);
}

/* --- What must be there afterwards ------------------------------------------------------------ */

static void restart(struct round *round)
{
    if (simdisk_open_files(round->disk) != 0) {
        complain(round, "%zu files are left open", simdisk_open_files(round->disk));
        return;
    }
    simdisk_restart(round->disk);
    census_add(round->census, simdisk_hash(round->disk));
}

/* Recover, perhaps stopped in the midst of it, as often as chance has it. */
static void recover_with_stops(struct round *round)
{
    for (unsigned i = 0; i < RECOVERY_STOPS_MAX; i++) {
        flume_log *log = NULL;
        flume_error error;
        int status;

        if (simdisk_random_below(&round->random, 2) == 0 || round->complaint[0] != '\0')
            return;
        simdisk_stop_after(round->disk, stop_choose(round));
        status = open_handle(round, HANDLES_MAX, FLUME_OPEN_CREATE, &log, &error);
        if (status == FLUME_OK)
            (void)flume_log_close(log);
        else if (!simdisk_stopped(round->disk))
            complain(round, "recovering failed: %s", error.message);
        simdisk_stop(round->disk);
        round->census->recovery_stops++;
        restart(round);
    }
}

/* A reader sees the same as the writer who recovered. */
static void expect_digest(struct round *round, unsigned flags, uint64_t digest, const char *when)
{
    flume_log *log = NULL;
    flume_error error;
    int status = open_handle(round, HANDLES_MAX, flags, &log, &error);

    if (status != FLUME_OK) {
        complain(round, "opening %s failed: %s", when, error.message);
        return;
    }
    if (oracle_digest(log) != digest)
        complain(round, "%s the log reads differently, or get and cursor differ (head %" PRIu64 ")",
                 when, flume_log_head(log));
    (void)flume_log_close(log);
}

static void expect_sound(struct round *round, uint64_t head, const char *when)
{
    flume_check_options options = {.allocator = &round->memory.table,
                                   .io = round->processes[HANDLES_MAX]};
    flume_check_report report = {0};
    flume_error error = {0};
    int status = flume_check(BASIN, &options, &report, &error);

    if (status != FLUME_OK || !report.sound)
        complain(round, "check %s says: %s", when, error.message);
    else if (report.head != head)
        complain(round, "check %s sees head %" PRIu64 " instead of %" PRIu64, when, report.head,
                 head);
}

static void verify(struct round *round)
{
    flume_log *log = NULL;
    flume_log_stat_info stat = {0};
    flume_error error;
    uint64_t digest, head;
    bool again = simdisk_random_below(&round->random, 3) == 0;

    if (open_handle(round, HANDLES_MAX, FLUME_OPEN_CREATE, &log, &error) != FLUME_OK) {
        complain(round, "recovering failed: %s", error.message);
        return;
    }
    (void)flume_log_stat(log, &stat);
    if (stat.recovery.damaged)
        complain(round, "recovery took what a machine stop left for damage at seq %" PRIu64,
                 stat.recovery.damaged_seq);
    round->census->torn_tails += stat.recovery.torn ? 1 : 0;
    (void)oracle_check(&round->oracle, log);
    digest = oracle_digest(log);
    head = flume_log_head(log);
    if (again)
        simdisk_stop(round->disk);
    if (flume_log_close(log) != FLUME_OK && !again)
        complain(round, "closing a recovered log failed");
    if (again)
        restart(round);
    if (round->complaint[0] != '\0' || round->oracle.complaint[0] != '\0')
        return;
    expect_sound(round, head, "after recovery");
    expect_digest(round, 0, digest, "a second time");
    expect_digest(round, FLUME_OPEN_READ_ONLY, digest, "for reading only");
    oracle_durable(&round->oracle, head); /* It was closed in order. */
}

static void round_run(uint64_t seed, struct census *census)
{
    struct round round;

    round_begin(&round, seed, census);
    for (unsigned i = 0; i < GENERATIONS; i++) {
        generation_run(&round);
        restart(&round);
        recover_with_stops(&round);
        if (round.complaint[0] == '\0')
            verify(&round);
        if (round.complaint[0] != '\0' || round.oracle.complaint[0] != '\0')
            break;
    }
    round_end(&round);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void a_machine_stop_loses_nothing_acknowledged_and_invents_nothing(void **state)
{
    struct census census = {0};
    uint64_t disks = setting("FLUME_DISKS", 1000);
    uint64_t seed = setting("FLUME_SEED", 1);
    uint64_t rounds = setting("FLUME_ROUNDS", UINT64_MAX);
    time_t began = time(NULL);

    (void)state;
    for (; census.distinct < disks && census.rounds < rounds; seed++)
        round_run(seed, &census);
    print_message("%" PRIu64 " rounds, %" PRIu64 " disks, %zu distinct, %" PRIu64
                  " stops in recovery, %" PRIu64 " torn tails, %" PRIu64
                  " records compared: %" PRIu64 " lost, %" PRIu64 " invented, %" PRIu64
                  " batches torn, %" PRIu64 " rounds failed; %ld s\n",
                  census.rounds, census.disks, census.distinct, census.recovery_stops,
                  census.torn_tails, census.records, census.lost, census.invented,
                  census.torn_batches, census.failed_rounds, (long)(time(NULL) - began));
    free(census.hashes);
    assert_int_equal(census.lost, 0);
    assert_int_equal(census.invented, 0);
    assert_int_equal(census.torn_batches, 0);
    assert_int_equal(census.failed_rounds, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_stop_loses_nothing_acknowledged_and_invents_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
