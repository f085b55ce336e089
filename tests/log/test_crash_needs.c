/*
 * test_crash_needs.c - a machine stop over two logs, one of which depends on the other.
 *
 * Each seed is a round: records of a second log, records of the first that refer to them, syncs of
 * the first by a process that knows the second and by one that does not, three generations ended by
 * a machine stop at a random call, with more stops in recovery. After each, whatever the first log
 * holds must find what it refers to, bytes and all, and what was acknowledged must be there. In
 * between the second log may be opened first, and appended to: then its seqs are given again.
 *
 *   FLUME_ROUNDS=N  how many rounds (default 100; FLUME_TEST_LONG: 2000)
 *   FLUME_SEED=N    the first seed (default 1)
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

#include "flume/flume.h"
#include "simdisk.h"

#define BASIN SIMDISK_ROOT "/basin.flume"
#define LOCK_TIMEOUT_NS 100000000000u

enum {
    GENERATIONS = 3,
    OPERATIONS = 40,
    STRATA_BYTES = 64 << 10,
    CHUNKS_MAX = 4,
    CHUNK_BYTES_MAX_HERE = 6 << 10,
    RECORDS_MAX = 4096,
    WRITER = 0,    /* Knows both logs. */
    BYSTANDER = 1, /* Knows the first one only. */
    VERIFIER = 2,
    PROCESSES = 3
};

/* What a record of the first log says: which records of the second it means. */
struct reference {
    uint64_t number; /* Of the record, in the order of append. */
    uint32_t count;
    uint32_t reserved;
    struct {
        uint64_t seq, number;
    } chunks[CHUNKS_MAX];
};

struct round {
    uint64_t seed, random;
    struct simdisk *disk;
    const flume_io *processes[PROCESSES];
    enum flume_profile profile;
    enum flume_io_mode io_mode;
    uint64_t numbers;               /* Given to chunks and references so far. */
    uint64_t expected[RECORDS_MAX]; /* Number of the reference at a seq; 0: none, or not known. */
    uint64_t durable;               /* Acknowledged. */
    uint64_t cuts, references;
    char complaint[512];
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

static uint64_t below(struct round *round, uint64_t limit)
{
    return simdisk_random_below(&round->random, limit);
}

/* The bytes of a chunk follow from its number. */
static size_t chunk_make(uint64_t number, uint8_t target[CHUNK_BYTES_MAX_HERE])
{
    uint64_t chance = number;
    size_t bytes = 8 + (size_t)simdisk_random_below(&chance, CHUNK_BYTES_MAX_HERE - 8);

    for (size_t i = 0; i < bytes; i++)
        target[i] = (uint8_t)simdisk_random(&chance);
    memcpy(target, &number, sizeof number);
    return bytes;
}

/* ---- opening ---- */

static int open_at(struct round *round, size_t process, const char *path, unsigned flags,
                   flume_log **out_log)
{
    flume_log_options options = {.flags = flags,
                                 .profile = round->profile,
                                 .io_mode = round->io_mode,
                                 .strata_bytes = STRATA_BYTES,
                                 .lock_timeout_ns = LOCK_TIMEOUT_NS,
                                 .program = "test_crash_needs",
                                 .io = round->processes[process]};
    flume_error error;
    int status = flume_log_open(out_log, path, &options, &error);

    if (status != FLUME_OK && !simdisk_stopped(round->disk))
        complain(round, "opening %s failed: %s", path, error.message);
    return status;
}

static int open_grains(struct round *round, flume_log *log, size_t process, flume_log **out_grains)
{
    int status = flume_grains_make(log, NULL, STRATA_BYTES);
    flume_error error;

    if (status == FLUME_OK)
        return open_at(round, process, BASIN "/grains", 0, out_grains);
    flume_log_error(log, &error);
    if (!simdisk_stopped(round->disk))
        complain(round, "making the second log failed: %s", error.message);
    return status;
}

/* ---- what the processes do ---- */

static int append_chunks(struct round *round, flume_log *grains, size_t count,
                         struct reference *reference)
{
    uint8_t bodies[CHUNKS_MAX][CHUNK_BYTES_MAX_HERE];
    flume_entry entries[CHUNKS_MAX] = {{.body = NULL}};
    uint64_t first = 0;
    int status;

    for (size_t i = 0; i < count; i++) {
        reference->chunks[i].number = ++round->numbers;
        entries[i] = (flume_entry){.body = bodies[i],
                                   .body_bytes = chunk_make(round->numbers, bodies[i]),
                                   .kind = FLUME_KIND_CHUNK};
    }
    status = flume_log_append_many(grains, entries, count, NULL, &first);
    for (size_t i = 0; i < count; i++)
        reference->chunks[i].seq = first + i;
    reference->count = (uint32_t)count;
    return status;
}

static int put(struct round *round, flume_log *log, flume_log *grains)
{
    struct reference reference = {.number = 0};
    flume_entry entry = {
        .body = &reference, .body_bytes = sizeof reference, .kind = FLUME_KIND_BLOB};
    flume_record last;
    uint64_t seq;
    int status = append_chunks(round, grains, 1 + (size_t)below(round, CHUNKS_MAX), &reference);

    if (status == FLUME_OK)
        status = flume_log_get(grains, reference.chunks[reference.count - 1].seq, &last);
    if (status != FLUME_OK)
        return status;
    reference.number = ++round->numbers;
    entry.needs = last.seq + 1;
    entry.needs_check = last.check;
    status = flume_log_append_entry(log, &entry, &seq);
    if (status == FLUME_OK && seq < RECORDS_MAX)
        round->expected[seq] = reference.number;
    return status;
}

static int sync_some(struct round *round, flume_log *log)
{
    uint64_t head = flume_log_head(log);
    int status = flume_log_sync(log, FLUME_SEQ_NONE);

    if (status == FLUME_OK && head > round->durable)
        round->durable = head;
    return status;
}

static int do_something(struct round *round, flume_log *log, flume_log *bystander,
                        flume_log *grains)
{
    uint64_t choice = below(round, 100);
    uint64_t durable;
    int status = FLUME_OK;

    if (choice < 50)
        status = put(round, log, grains);
    else if (choice < 65)
        status = flume_log_append(bystander, "message", 7, NULL);
    else if (choice < 75)
        status = sync_some(round, below(round, 2) == 0 ? log : bystander);
    else if (choice < 80)
        status = flume_log_sync(grains, FLUME_SEQ_NONE);
    else if (choice < 85)
        status = flume_grains_lend(log, below(round, 2) == 0 ? grains : NULL);
    else if (choice < 90 && (durable = flume_log_durable(bystander)) > round->durable)
        round->durable = durable;
    else
        simdisk_write_back(round->disk);
    return status;
}

static void generation_run(struct round *round)
{
    flume_log *log = NULL, *bystander = NULL, *grains = NULL;
    int status;

    if (below(round, 5) != 0)
        simdisk_stop_after(round->disk, 1 + below(round, (uint64_t)16 << below(round, 6)));
    status = open_at(round, WRITER, BASIN, FLUME_OPEN_CREATE, &log);
    if (status == FLUME_OK)
        status = open_at(round, BYSTANDER, BASIN, 0, &bystander);
    if (status == FLUME_OK)
        status = open_grains(round, log, WRITER, &grains);
    for (unsigned i = 0; i < OPERATIONS && status == FLUME_OK; i++)
        status = do_something(round, log, bystander, grains);
    if (status != FLUME_OK && !simdisk_stopped(round->disk))
        complain(round, "something failed for no reason: %s", flume_strerror(status));
    if (below(round, 3) != 0)
        simdisk_stop(round->disk); /* Else perhaps while closing. */
    if (log != NULL)
        (void)flume_grains_lend(log, NULL);
    (void)flume_log_close(grains);
    (void)flume_log_close(bystander);
    (void)flume_log_close(log);
    simdisk_stop(round->disk);
    if (simdisk_open_files(round->disk) != 0)
        complain(round, "%zu files are left open", simdisk_open_files(round->disk));
    else
        simdisk_restart(round->disk);
}

/* ---- what must be there ---- */

static void expect_chunk(struct round *round, flume_log *grains, const struct reference *reference,
                         size_t index)
{
    uint8_t body[CHUNK_BYTES_MAX_HERE];
    size_t bytes = chunk_make(reference->chunks[index].number, body);
    flume_record record;
    int status = flume_log_get(grains, reference->chunks[index].seq, &record);

    if (status != FLUME_OK)
        complain(round, "reference %" PRIu64 ": its chunk at seq %" PRIu64 " is gone: %s",
                 reference->number, reference->chunks[index].seq, flume_strerror(status));
    else if (record.body_bytes != bytes || memcmp(record.body, body, bytes) != 0)
        complain(round, "reference %" PRIu64 ": at seq %" PRIu64 " lies something else",
                 reference->number, reference->chunks[index].seq);
}

static void expect_references(struct round *round, flume_log *log, flume_log *grains)
{
    uint64_t head = flume_log_head(log);
    struct reference reference;
    flume_record record;

    if (head < round->durable)
        complain(round, "the log ends at %" PRIu64 ", but %" PRIu64 " were acknowledged", head,
                 round->durable);
    for (uint64_t seq = 0; seq < head && round->complaint[0] == '\0'; seq++) {
        if (flume_log_get(log, seq, &record) != FLUME_OK) {
            complain(round, "seq %" PRIu64 " cannot be read", seq);
            return;
        }
        if (record.kind != FLUME_KIND_BLOB)
            continue;
        assert_int_equal(record.body_bytes, sizeof reference);
        memcpy(&reference, record.body, sizeof reference);
        round->references++;
        if (seq < RECORDS_MAX && round->expected[seq] != 0 &&
            round->expected[seq] != reference.number && seq < round->durable)
            complain(round, "seq %" PRIu64 " is another record than was acknowledged", seq);
        for (size_t i = 0; i < reference.count; i++)
            expect_chunk(round, grains, &reference, i);
    }
    for (uint64_t seq = head; seq < RECORDS_MAX; seq++) {
        round->cuts += round->expected[seq] != 0;
        round->expected[seq] = 0;
    }
}

/* Somebody opens the second log alone, and appends: its cut seqs are given again. One that GRAINS
 * does not name would be nobody's with that. */
static void use_grains_first(struct round *round)
{
    struct reference unused;
    flume_log *grains = NULL;
    size_t bytes;

    if (simdisk_content(round->disk, BASIN "/grains/flume.conf", &bytes) == NULL ||
        simdisk_content(round->disk, BASIN "/GRAINS", &bytes) == NULL)
        return;
    if (open_at(round, VERIFIER, BASIN "/grains", 0, &grains) != FLUME_OK)
        return;
    for (uint64_t i = below(round, 6); i > 0; i--)
        (void)append_chunks(round, grains, 1, &unused);
    (void)flume_log_close(grains);
}

/* Recover, perhaps stopped in the midst of it, as often as chance has it. */
static void recover_with_stops(struct round *round)
{
    for (unsigned i = 0; i < 3 && below(round, 2) == 0 && round->complaint[0] == '\0'; i++) {
        flume_log *log = NULL;

        simdisk_stop_after(round->disk, 1 + below(round, 64));
        if (open_at(round, VERIFIER, BASIN, FLUME_OPEN_CREATE, &log) == FLUME_OK)
            (void)flume_log_close(log);
        simdisk_stop(round->disk);
        simdisk_restart(round->disk);
    }
}

/* What check says of the basin before anybody opens it is what opening then finds. */
static uint64_t head_by_check(struct round *round)
{
    flume_check_options options = {.io = round->processes[VERIFIER]};
    flume_check_report report = {.head = 0};
    flume_error error;
    size_t bytes;

    if (simdisk_content(round->disk, BASIN "/flume.conf", &bytes) == NULL)
        return FLUME_SEQ_NONE;
    if (flume_check(BASIN, &options, &report, &error) != FLUME_OK || !report.sound)
        complain(round, "check before recovery says: %s", error.message);
    return report.head;
}

static void verify(struct round *round)
{
    flume_log *log = NULL, *grains = NULL;
    flume_log_stat_info stat = {.head = 0};
    uint64_t checked;

    if (below(round, 3) == 0)
        use_grains_first(round);
    checked = head_by_check(round);
    if (open_at(round, VERIFIER, BASIN, FLUME_OPEN_CREATE, &log) != FLUME_OK)
        return;
    (void)flume_log_stat(log, &stat);
    if (stat.recovery.damaged)
        complain(round, "recovery took a machine stop for damage at seq %" PRIu64,
                 stat.recovery.damaged_seq);
    if (checked != FLUME_SEQ_NONE && checked != stat.head)
        complain(round, "check saw head %" PRIu64 ", recovery %" PRIu64, checked, stat.head);
    if (open_grains(round, log, VERIFIER, &grains) == FLUME_OK)
        expect_references(round, log, grains);
    if (flume_log_close(log) == FLUME_OK) /* Through a second handle of its own. */
        round->durable = stat.head;
    else
        complain(round, "closing the first log failed");
    if (flume_log_close(grains) != FLUME_OK)
        complain(round, "closing the second log failed");
}

static void round_run(uint64_t seed, struct round *round)
{
    static const enum flume_io_mode modes[] = {FLUME_IO_AUTO, FLUME_IO_MAPPED, FLUME_IO_PWRITE};

    memset(round, 0, sizeof *round);
    round->seed = seed;
    round->random = seed * 0x9e3779b97f4a7c15u;
    round->disk = simdisk_create(simdisk_random(&round->random));
    for (size_t i = 0; i < PROCESSES; i++)
        round->processes[i] = simdisk_process(round->disk);
    round->profile = (enum flume_profile)(1 + below(round, 4));
    round->io_mode = modes[below(round, 3)];
    simdisk_set_names(round->disk,
                      below(round, 2) == 0 ? SIMDISK_NAMES_JOURNAL : SIMDISK_NAMES_WILD);
    for (unsigned i = 0; i < GENERATIONS && round->complaint[0] == '\0'; i++) {
        generation_run(round);
        recover_with_stops(round);
        if (round->complaint[0] == '\0')
            verify(round);
    }
    if (simdisk_open_files(round->disk) == 0)
        simdisk_destroy(round->disk);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void a_machine_stop_leaves_no_record_without_what_it_needs(void **state)
{
    uint64_t rounds = setting("FLUME_ROUNDS", getenv("FLUME_TEST_LONG") != NULL ? 2000 : 100);
    uint64_t seed = setting("FLUME_SEED", 1);
    struct round *round = malloc(sizeof *round);
    uint64_t failed = 0, cuts = 0, references = 0;

    (void)state;
    assert_non_null(round);
    for (uint64_t i = 0; i < rounds; i++, seed++) {
        round_run(seed, round);
        cuts += round->cuts;
        references += round->references;
        if (round->complaint[0] == '\0')
            continue;
        if (failed++ < 5)
            print_error("seed %" PRIu64 " (profile %d, io %d): %s\n", seed, (int)round->profile,
                        (int)round->io_mode, round->complaint);
    }
    free(round);
    print_message("%" PRIu64 " rounds, %" PRIu64 " references followed, %" PRIu64 " cut\n", rounds,
                  references, cuts);
    assert_int_equal(failed, 0);
    assert_true(rounds < 60 || (references > 0 && cuts > 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_stop_leaves_no_record_without_what_it_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
