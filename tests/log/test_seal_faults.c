/*
 * test_seal_faults.c - sealing where anything may fail: each call of the system, each request for
 * memory, a disk that is full, the power, the process.
 *
 * One basin is made anew for each place: three full strata and one that is not, all durable, on
 * the simulated disk. Then it is sealed, with the fault at the Nth place; for every N. Whatever the
 * answer, each record must read as it was; the next call must do what was left; and in the end each
 * full strata has its sealed form, and nothing else lies about.
 *
 *   FLUME_TEST_LONG=1  every place, not some of those of the frequent calls
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faultio.h"
#include "flume/flume.h"
#include "flume/seal.h"
#include "log_fixture.h"
#include "memory.h"
#include "parity_strata.h"
#include "sealed_file.h"
#include "simdisk.h"

#if defined(__SANITIZE_ADDRESS__)
#define LEAKS_ARE_LOOKED_FOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_LOOKED_FOR 1
#endif
#endif
#if defined(LEAKS_ARE_LOOKED_FOR)
#include <sanitizer/lsan_interface.h>
#endif

#define BASIN SIMDISK_ROOT "/basin.flume"

enum {
    STRATA_BYTES = 64 << 10,
    STRATA_FULL = 3,
    RECORDS_MAX = 400,
    PLACES_MAX = 2000,
    PLACES_ALL = 8,
    PLACES_THIN = 6,
    NOT_OURS = UINT16_MAX /* A manifest. */
};

static const flume_seal_options on_request = {.mode = FLUME_SEAL_ON_REQUEST,
                                              .block_bytes = 8 << 10,
                                              .parity = FLUME_PARITY_SOFT,
                                              .parity_data = 8};

/* The place after this one. In the short form ever fewer, but the first ones all. */
static uint64_t next_place(uint64_t place)
{
    if (getenv("FLUME_TEST_LONG") != NULL || place < PLACES_ALL)
        return place + 1;
    return place + 1 + (place - PLACES_ALL) / PLACES_THIN;
}

struct gate;

/* What fails when a file that was made is read back. */
enum unread {
    UNREAD_NOTHING,
    UNREAD_MEMORY,
    UNREAD_OPEN_DIRECT,
    UNREAD_OPEN_CACHED,
    UNREAD_BYTES,
    UNREAD_WAYS
};

struct stage {
    struct simdisk *disk;
    struct faultio fault;
    struct fault_memory memory;
    flume_log *log;
    uint64_t head, first_raw; /* Records below first_raw are in full strata. */
    uint16_t seeds[RECORDS_MAX];
    unsigned record_count;
    int (*honest_sync)(void *ctx, int file);
    _Atomic(struct gate *) gate; /* NULL: none. */
    int (*honest_open)(void *ctx, const char *path, unsigned flags);
    int64_t (*honest_pread)(void *ctx, int file, void *target, size_t bytes, uint64_t offset);
    void *(*honest_allocate)(void *ctx, size_t bytes);
    _Atomic enum unread unread;
    _Atomic int direct; /* The file that was opened past the page cache. */
};

static size_t body_bytes_of(unsigned seed)
{
    return seed * 131 % 1700;
}

/* Every second body can be packed. */
static void fill_body(uint8_t *target, unsigned seed)
{
    if (seed % 2 == 0)
        fill_bytes(target, body_bytes_of(seed), seed);
    else
        memset(target, (int)(seed % 250), body_bytes_of(seed));
}

static flume_log *try_attach_as(const flume_io *io, const flume_allocator *allocator,
                                enum flume_profile profile, flume_error *out_error)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = profile,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = STRATA_BYTES,
                                 .program = "test",
                                 .lock_timeout_ns = 100 * SECOND_NS,
                                 .seal = &on_request,
                                 .allocator = allocator,
                                 .io = io};
    flume_log *log = NULL;

    (void)flume_log_open(&log, BASIN, &options, out_error);
    return log;
}

static flume_log *try_attach(const flume_io *io, const flume_allocator *allocator,
                             flume_error *out_error)
{
    return try_attach_as(io, allocator, FLUME_PROFILE_FORGETFUL, out_error);
}

static flume_log *attach(const flume_io *io, const flume_allocator *allocator)
{
    flume_error error;
    flume_log *log = try_attach(io, allocator, &error);

    if (log == NULL)
        print_error("%s\n", error.message);
    assert_non_null(log);
    return log;
}

static uint64_t count_strata(flume_log *log)
{
    return stat_of(log).strata_count;
}

static void append_next(struct stage *stage)
{
    static uint8_t body[2000];
    unsigned seed = stage->record_count++;
    flume_error error;
    uint64_t seq = 0;
    int status;

    fill_body(body, seed);
    status = flume_log_append(stage->log, body, body_bytes_of(seed), &seq);
    if (status != FLUME_OK) {
        flume_log_error(stage->log, &error);
        print_error("%s\n", error.message);
    }
    assert_int_equal(status, FLUME_OK);
    assert_true(seq < RECORDS_MAX);
    for (uint64_t i = stage->head; i < seq; i++)
        stage->seeds[i] = NOT_OURS;
    stage->seeds[seq] = (uint16_t)seed;
    stage->head = seq + 1;
}

/* A sync that does not come to an end for as long as the gate is shut. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    bool is_shut;     /* Guarded by mutex. */
    pthread_t keeper; /* Passes. */
};

static int gated_sync(void *ctx, int file)
{
    struct stage *stage = (struct stage *)((uint8_t *)ctx - offsetof(struct stage, fault));
    struct gate *gate = atomic_load(&stage->gate);

    if (gate == NULL || pthread_equal(gate->keeper, pthread_self()) != 0)
        return stage->honest_sync(ctx, file);
    (void)pthread_mutex_lock(&gate->mutex);
    while (gate->is_shut)
        (void)pthread_cond_wait(&gate->opened, &gate->mutex);
    (void)pthread_mutex_unlock(&gate->mutex);
    return stage->honest_sync(ctx, file);
}

/* Nobody but who reads back, under paranoid, opens a file past the page cache, or asks for so much
 * memory. */
static int open_unread(void *ctx, const char *path, unsigned flags)
{
    struct stage *stage = (struct stage *)((uint8_t *)ctx - offsetof(struct stage, fault));
    enum unread unread = atomic_load(&stage->unread);
    bool is_direct = (flags & FLUME_IO_DIRECT) != 0;
    int file;

    if ((is_direct && unread == UNREAD_OPEN_DIRECT) ||
        (!is_direct && unread == UNREAD_OPEN_CACHED && atomic_load(&stage->direct) >= 0))
        return -EIO;
    file = stage->honest_open(ctx, path, flags);
    if (is_direct)
        atomic_store(&stage->direct, file);
    return file;
}

static int64_t pread_unread(void *ctx, int file, void *target, size_t bytes, uint64_t offset)
{
    struct stage *stage = (struct stage *)((uint8_t *)ctx - offsetof(struct stage, fault));

    if (atomic_load(&stage->unread) == UNREAD_BYTES && file == atomic_load(&stage->direct))
        return -EIO;
    return stage->honest_pread(ctx, file, target, bytes, offset);
}

static void *allocate_unread(void *ctx, size_t bytes)
{
    enum { MUCH = 2 << 20 };
    struct stage *stage = (struct stage *)((uint8_t *)ctx - offsetof(struct stage, memory));

    if (atomic_load(&stage->unread) == UNREAD_MEMORY && bytes > MUCH)
        return NULL;
    return stage->honest_allocate(ctx, bytes);
}

static struct stage *stage_begin(uint64_t seed)
{
    struct stage *stage = calloc(1, sizeof *stage);

    assert_non_null(stage);
    stage->disk = simdisk_create(seed);
    faultio_init(&stage->fault, simdisk_process(stage->disk));
    fault_memory_init(&stage->memory);
    stage->honest_sync = stage->fault.table.sync;
    stage->fault.table.sync = gated_sync;
    stage->honest_open = stage->fault.table.open;
    stage->honest_pread = stage->fault.table.pread;
    stage->honest_allocate = stage->memory.table.allocate;
    stage->fault.table.open = open_unread;
    stage->fault.table.pread = pread_unread;
    stage->memory.table.allocate = allocate_unread;
    atomic_store(&stage->direct, -1);
    stage->log = attach(&stage->fault.table, &stage->memory.table);
    while (count_strata(stage->log) <= STRATA_FULL)
        append_next(stage);
    assert_int_equal(flume_log_sync(stage->log, FLUME_SEQ_NONE), FLUME_OK);
    return stage;
}

static void stage_end(struct stage *stage)
{
    if (stage->log != NULL)
        assert_int_equal(flume_log_close(stage->log), FLUME_OK);
    assert_int_equal(stage->fault.open_files, 0);
    assert_int_equal(stage->fault.open_maps, 0);
    assert_int_equal(stage->memory.live_blocks, 0);
    simdisk_destroy(stage->disk);
    faultio_deinit(&stage->fault);
    fault_memory_deinit(&stage->memory);
    free(stage);
}

/* Every record as it was appended, by seq and by a walk. */
static void expect_records_of(struct stage *stage, flume_log *log)
{
    static const uint8_t all = FLUME_KIND_ANY;
    flume_cursor_options options = {.kinds = &all, .kind_count = 1};
    flume_cursor *cursor = open_cursor(log, &options);
    static uint8_t body[2000];

    assert_true(flume_log_head(log) >= stage->head);
    for (uint64_t seq = 0; seq < stage->head; seq++) {
        unsigned seed = stage->seeds[seq];
        flume_record record, walked;

        assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
        assert_int_equal(flume_cursor_next(cursor, 0, &walked), FLUME_OK);
        assert_int_equal(walked.seq, seq);
        assert_true(walked.check == record.check);
        if (seed == NOT_OURS) {
            assert_int_equal(record.kind, FLUME_KIND_MANIFEST);
        } else {
            fill_body(body, seed);
            assert_int_equal(record.body_bytes, body_bytes_of(seed));
            assert_memory_equal(record.body, body, record.body_bytes);
        }
        flume_record_release(&record);
    }
    flume_cursor_close(cursor);
}

/* Whether a name is on the disk. */
static bool is_there(struct stage *stage, const char *folder, const char *name)
{
    char path[256];
    size_t bytes;

    (void)snprintf(path, sizeof path, "%s/%s/%s", BASIN, folder, name);
    return simdisk_content(stage->disk, path, &bytes) != NULL;
}

struct span_of_bytes {
    const uint8_t *bytes;
    size_t count;
};

static int64_t read_span(void *ctx, void *target, size_t bytes, uint64_t offset)
{
    const struct span_of_bytes *span = ctx;

    if (offset >= span->count)
        return 0;
    if (bytes > span->count - offset)
        bytes = span->count - (size_t)offset;
    memcpy(target, span->bytes + offset, bytes);
    return (int64_t)bytes;
}

/* The file beside a sealed strata is there, and is its parity. */
static void expect_parity(struct stage *stage, uint64_t seq, const uint8_t *content, size_t bytes)
{
    struct span_of_bytes strata_bytes = {content, bytes}, side_bytes;
    struct parity_file strata = {.read = read_span, .ctx = &strata_bytes, .bytes = bytes};
    struct parity_file side = {.read = read_span, .ctx = &side_bytes};
    char name[STRATA_NAME_BYTES], path[256];
    struct parity *parity = NULL;
    struct parity_report report;

    parity_name(name, seq);
    (void)snprintf(path, sizeof path, "%s/log/%s", BASIN, name);
    side_bytes.bytes = simdisk_content(stage->disk, path, &side_bytes.count);
    assert_non_null(side_bytes.bytes);
    side.bytes = side_bytes.count;
    assert_int_equal(parity_load(&side, PARITY_BESIDE, content + 56, memory_default(), &parity),
                     FLUME_OK);
    assert_int_equal(parity_verify(parity, &strata, &side, NULL, NULL, &report), FLUME_OK);
    assert_true(parity_report_is_clean(&report));
    parity_release(parity);
}

/* All full strata are sealed now, and what they do not need is gone. */
static void expect_all_sealed(struct stage *stage, flume_log *log)
{
    uint64_t sealed = 0;

    for (uint64_t seq = 0; seq < stage->head; seq++) {
        char name[STRATA_NAME_BYTES], slots[STRATA_NAME_BYTES], path[256];
        struct strata_header header;
        const uint8_t *content;
        flume_record record;
        size_t bytes;

        assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
        flume_record_release(&record);
        if (record.strata_seq != seq)
            continue;
        strata_name(name, seq);
        strata_slots_name(slots, seq);
        (void)snprintf(path, sizeof path, "%s/log/%s", BASIN, name);
        content = simdisk_content(stage->disk, path, &bytes);
        assert_non_null(content);
        assert_int_equal(strata_header_decode(content, &header), FLUME_OK);
        sealed += header.form == STRATA_SEALED;
        if (header.form != STRATA_SEALED)
            continue;
        assert_false(is_there(stage, "log", slots));
        expect_parity(stage, seq, content, bytes);
    }
    assert_true(sealed >= STRATA_FULL);
    assert_false(is_there(stage, "log", "seal.strata.tmp"));
    assert_false(is_there(stage, "log", "seal.parity.tmp"));
}

/* What was left is done now. */
static void finish(struct stage *stage, flume_log *log)
{
    flume_error error;
    int status = flume_log_seal(log, NULL, NULL);

    if (status != FLUME_OK) {
        flume_log_error(log, &error);
        print_error("%s\n", error.message);
    }
    assert_int_equal(status, FLUME_OK);
    expect_all_sealed(stage, log);
    expect_records_of(stage, log);
}

/* --- Calls that fail -------------------------------------------------------------------------- */

/* An error has words, and is of those that the header names. */
static void judge(struct stage *stage, int status)
{
    flume_error error;

    if (status == FLUME_OK)
        return;
    flume_log_error(stage->log, &error);
    assert_int_equal(error.status, status);
    assert_true(error.message[0] != '\0');
    assert_true(status == FLUME_ERR_IO || status == FLUME_ERR_FULL || status == FLUME_ERR_DAMAGED ||
                status == FLUME_ERR_NO_MEMORY);
}

/* true: there was such a call. */
static bool fail_at(struct fault_plan plan, bool machine_stops)
{
    struct stage *stage = stage_begin(plan.nth);
    uint64_t injected;
    int status;

    faultio_plan(&stage->fault, plan);
    status = flume_log_seal(stage->log, NULL, NULL);
    injected = faultio_heal(&stage->fault);
    judge(stage, status);
    if (injected == 0)
        assert_int_equal(status, FLUME_OK);
    expect_records_of(stage, stage->log);
    if (machine_stops) {
        simdisk_stop(stage->disk);
        (void)flume_log_close(stage->log);
        simdisk_restart(stage->disk);
        stage->log = attach(&stage->fault.table, &stage->memory.table);
        expect_records_of(stage, stage->log);
    }
    finish(stage, stage->log);
    stage_end(stage);
    return injected > 0;
}

static void fail_everywhere(enum fault_call call, int result, enum fault_duration duration)
{
    struct fault_plan plan = {.call = call, .nth = 1, .result = result, .duration = duration};

    while (fail_at(plan, plan.nth % 2 == 0)) {
        assert_true(plan.nth < PLACES_MAX);
        plan.nth = next_place(plan.nth);
    }
    assert_true(plan.nth > 1);
}

static void each_call_may_fail_and_nothing_is_lost(void **state)
{
    static const enum fault_call calls[] = {FAULT_OPEN,   FAULT_PREAD,         FAULT_PWRITE,
                                            FAULT_SYNC,   FAULT_STAT,          FAULT_RENAME,
                                            FAULT_UNLINK, FAULT_SYNC_DIRECTORY};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        fail_everywhere(calls[i], -EIO, FAULT_ONCE);
}

static void short_reads_and_writes_are_gone_on_with(void **state)
{
    (void)state;
    fail_everywhere(FAULT_PREAD, FAULT_SHORT, FAULT_ONCE);
    fail_everywhere(FAULT_PWRITE, FAULT_SHORT, FAULT_ONCE);
}

static void a_disk_that_is_full_at_any_step_loses_nothing(void **state)
{
    (void)state;
    fail_everywhere(FAULT_PWRITE, -ENOSPC, FAULT_LASTING);
    fail_everywhere(FAULT_SYNC, -ENOSPC, FAULT_LASTING);
    fail_everywhere(FAULT_RENAME, -ENOSPC, FAULT_LASTING);
}

static void a_full_disk_is_told_as_full_and_leaves_no_file(void **state)
{
    struct stage *stage = stage_begin(1);

    (void)state;
    faultio_plan(&stage->fault,
                 (struct fault_plan){
                     .call = FAULT_PWRITE, .nth = 1, .result = -ENOSPC, .duration = FAULT_LASTING});
    assert_int_equal(flume_log_seal(stage->log, NULL, NULL), FLUME_ERR_FULL);
    assert_true(faultio_heal(&stage->fault) > 0);
    assert_false(is_there(stage, "log", "seal.strata.tmp"));
    finish(stage, stage->log);
    stage_end(stage);
}

/* Whether a strata begins at this seq, its form, and whether it has slots. */
static bool find_form(struct stage *stage, uint64_t seq, bool *out_sealed, bool *out_slots)
{
    char name[STRATA_NAME_BYTES], slots[STRATA_NAME_BYTES], path[256];
    struct strata_header header;
    const uint8_t *content;
    size_t bytes;

    strata_name(name, seq);
    strata_slots_name(slots, seq);
    (void)snprintf(path, sizeof path, "%s/log/%s", BASIN, name);
    content = simdisk_content(stage->disk, path, &bytes);
    if (content == NULL)
        return false;
    assert_int_equal(strata_header_decode(content, &header), FLUME_OK);
    *out_sealed = header.form == STRATA_SEALED;
    *out_slots = is_there(stage, "log", slots);
    return true;
}

/* Sealed strata that have their slots still. */
static size_t count_sealed_with_slots(struct stage *stage)
{
    bool is_sealed, has_slots;
    size_t count = 0;

    for (uint64_t seq = 0; seq < stage->head; seq++)
        count += find_form(stage, seq, &is_sealed, &has_slots) && is_sealed && has_slots;
    return count;
}

/* The raw form, which needs them, may come back until the directory is synced. */
static void slots_stay_where_the_directory_cannot_be_synced(void **state)
{
    uint64_t injected = 1;
    size_t kept = 0;

    (void)state;
    for (uint64_t nth = 1; injected > 0; nth++) {
        struct stage *stage = stage_begin(nth);
        int status;

        faultio_plan(&stage->fault,
                     (struct fault_plan){.call = FAULT_SYNC_DIRECTORY, .nth = nth, .result = -EIO});
        status = flume_log_seal(stage->log, NULL, NULL);
        injected = faultio_heal(&stage->fault);
        kept += status == FLUME_OK ? 0 : count_sealed_with_slots(stage);
        finish(stage, stage->log);
        stage_end(stage);
    }
    assert_true(kept >= STRATA_FULL); /* Each strata's own sync was among those. */
}

static void each_request_for_memory_may_fail(void **state)
{
    (void)state;
    for (uint64_t nth = 1;; nth = next_place(nth)) {
        struct stage *stage = stage_begin(nth);
        bool failed;

        fault_memory_plan(&stage->memory, nth, FAULT_ONCE);
        judge(stage, flume_log_seal(stage->log, NULL, NULL));
        failed = stage->memory.failed > 0;
        fault_memory_plan(&stage->memory, 0, FAULT_ONCE);
        expect_records_of(stage, stage->log);
        finish(stage, stage->log);
        stage_end(stage);
        if (!failed)
            break;
        assert_true(nth < PLACES_MAX);
    }
}

static void what_cannot_be_read_back_never_takes_the_name(void **state)
{
    (void)state;
    for (int unread = UNREAD_NOTHING + 1; unread < UNREAD_WAYS; unread++) {
        struct stage *stage = stage_begin((uint64_t)unread);
        flume_error error;
        int status;

        assert_int_equal(flume_log_close(stage->log), FLUME_OK);
        stage->log = try_attach_as(&stage->fault.table, &stage->memory.table,
                                   FLUME_PROFILE_PARANOID, &error);
        assert_non_null(stage->log);
        atomic_store(&stage->direct, -1);
        atomic_store(&stage->unread, (enum unread)unread);
        status = flume_log_seal(stage->log, NULL, NULL);
        atomic_store(&stage->unread, UNREAD_NOTHING);
        assert_int_not_equal(status, FLUME_OK);
        judge(stage, status);
        assert_false(is_there(stage, "log", "seal.strata.tmp"));
        expect_records_of(stage, stage->log);
        finish(stage, stage->log);
        stage_end(stage);
    }
}

/* --- The power -------------------------------------------------------------------------------- */

/* What the disk has of each strata: a raw one has its slots, which go after its sealed form has its
 * name for good. */
static void expect_whole_forms(struct stage *stage)
{
    bool is_sealed, has_slots;

    for (uint64_t seq = 0; seq < stage->head; seq++) {
        if (find_form(stage, seq, &is_sealed, &has_slots))
            assert_true(is_sealed || has_slots);
    }
}

/* true: the power was cut within the call. */
static bool cut_at(uint64_t place, enum simdisk_names names, uint64_t seed)
{
    struct stage *stage = stage_begin(seed);
    flume_recovery recovery;
    bool was_cut;

    simdisk_set_names(stage->disk, names);
    simdisk_set_writeback(stage->disk, 3);
    simdisk_stop_after(stage->disk, place);
    (void)flume_log_seal(stage->log, NULL, NULL);
    was_cut = simdisk_stopped(stage->disk);
    simdisk_stop(stage->disk);
    (void)flume_log_close(stage->log);
    simdisk_restart(stage->disk);
    expect_whole_forms(stage);
    stage->log = attach(&stage->fault.table, &stage->memory.table);
    recovery = stat_of(stage->log).recovery;
    assert_false(recovery.damaged);
    assert_int_equal(recovery.head, stage->head);
    assert_false(is_there(stage, "log", "seal.strata.tmp"));
    expect_records_of(stage, stage->log);
    finish(stage, stage->log);
    stage_end(stage);
    return was_cut;
}

static void cut_everywhere(enum simdisk_names names)
{
    uint64_t place = 1;

    while (cut_at(place, names, place * 31 + (uint64_t)names)) {
        place = next_place(place);
        assert_true(place < PLACES_MAX);
    }
    assert_true(place > 50);
}

static void a_power_cut_anywhere_leaves_one_form_or_the_other(void **state)
{
    (void)state;
    cut_everywhere(SIMDISK_NAMES_JOURNAL);
}

static void names_that_are_lost_at_random_leave_one_form_or_the_other(void **state)
{
    (void)state;
    cut_everywhere(SIMDISK_NAMES_WILD);
}

/* --- The process ------------------------------------------------------------------------------ */

struct victim {
    const flume_io *io;
    struct fault_memory memory;
};

/* Attach, seal, leave; the process ends somewhere on the way, and this thread with it. What zstd
 * had from malloc then is nobody's, as with any process that is killed. */
static void *seal_until_killed(void *ctx)
{
    struct victim *victim = ctx;
    flume_error error;
    flume_log *log;

#if defined(LEAKS_ARE_LOOKED_FOR)
    __lsan_disable();
#endif
    log = try_attach(victim->io, &victim->memory.table, &error);
    if (log == NULL)
        return NULL;
    (void)flume_log_seal(log, NULL, NULL);
    (void)flume_log_close(log);
    return NULL;
}

/* true: it was killed. Others are attached all the while, or nobody. */
static bool kill_at(uint64_t place, bool others)
{
    struct stage *stage = stage_begin(place);
    struct victim victim = {.io = simdisk_process(stage->disk)};
    pthread_t thread;
    bool was_killed;

    fault_memory_init(&victim.memory);
    if (!others) {
        assert_int_equal(flume_log_close(stage->log), FLUME_OK);
        stage->log = NULL;
    }
    simdisk_kill_after(victim.io, place);
    assert_int_equal(pthread_create(&thread, NULL, seal_until_killed, &victim), 0);
    (void)pthread_join(thread, NULL);
    was_killed = simdisk_killed(victim.io);
    if (was_killed)
        assert_true(simdisk_reap(victim.io));
    if (!others)
        stage->log = attach(&stage->fault.table, &stage->memory.table);
    expect_records_of(stage, stage->log);
    finish(stage, stage->log);
    append_next(stage);
    expect_records_of(stage, stage->log);
    fault_memory_deinit(&victim.memory);
    stage_end(stage);
    return was_killed;
}

static void kill_everywhere(bool others)
{
    uint64_t place = 1;

    while (kill_at(place, others)) {
        place = next_place(place);
        assert_true(place < PLACES_MAX);
    }
    assert_true(place > 50);
}

static void a_sealer_killed_at_any_call_is_inherited_by_who_is_attached(void **state)
{
    (void)state;
    kill_everywhere(true);
}

static void a_sealer_killed_at_any_call_is_followed_by_who_comes_next(void **state)
{
    (void)state;
    kill_everywhere(false);
}

/* --- What is not durable ---------------------------------------------------------------------- */

static void gate_turn(struct gate *gate, bool is_shut)
{
    (void)pthread_mutex_lock(&gate->mutex);
    gate->is_shut = is_shut;
    (void)pthread_cond_broadcast(&gate->opened);
    (void)pthread_mutex_unlock(&gate->mutex);
}

/* Two more strata are full, but the sync that would make them durable is still under way. */
static void what_is_not_durable_is_not_sealed(void **state)
{
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, pthread_self()};
    struct stage *stage = stage_begin(5);
    flume_seal_report report;

    (void)state;
    assert_int_equal(flume_log_seal(stage->log, NULL, &report), FLUME_OK);
    assert_int_equal(report.strata, STRATA_FULL);
    gate_turn(&gate, true);
    atomic_store(&stage->gate, &gate);
    while (count_strata(stage->log) < STRATA_FULL + 3)
        append_next(stage);
    assert_int_equal(flume_log_seal(stage->log, NULL, &report), FLUME_OK);
    assert_int_equal(report.strata, 0);
    gate_turn(&gate, false);
    assert_int_equal(flume_log_sync(stage->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(stage->log, NULL, &report), FLUME_OK);
    assert_int_equal(report.strata, 2);
    expect_records_of(stage, stage->log);
    stage_end(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_may_fail_and_nothing_is_lost),
        cmocka_unit_test(short_reads_and_writes_are_gone_on_with),
        cmocka_unit_test(a_disk_that_is_full_at_any_step_loses_nothing),
        cmocka_unit_test(a_full_disk_is_told_as_full_and_leaves_no_file),
        cmocka_unit_test(slots_stay_where_the_directory_cannot_be_synced),
        cmocka_unit_test(each_request_for_memory_may_fail),
        cmocka_unit_test(what_cannot_be_read_back_never_takes_the_name),
        cmocka_unit_test(a_power_cut_anywhere_leaves_one_form_or_the_other),
        cmocka_unit_test(names_that_are_lost_at_random_leave_one_form_or_the_other),
        cmocka_unit_test(a_sealer_killed_at_any_call_is_inherited_by_who_is_attached),
        cmocka_unit_test(a_sealer_killed_at_any_call_is_followed_by_who_comes_next),
        cmocka_unit_test(what_is_not_durable_is_not_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
