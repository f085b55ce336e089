/*
 * test_seal_refused.c - what stands in the way of sealing, one thing at a time and at every place:
 * large strata, which take more than one window and one buffer; dictionaries; others who hold what
 * is needed; files that are gone. Sealing says why, changes nothing, and goes on afterwards.
 */
#include "log_fixture.h"

#include <errno.h>

#include "faultio.h"
#include "io_memory.h"
#include "seal.h"

#define BASIN "b.flume"
#define OTHER "other" /* Name of the thread whose writes are held back. */

enum {
    LARGE_BYTES = 1200 << 10, /* More than fits into the output's buffer. */
    RECORD_BYTES = 40 << 10,
    PLACES_MAX = 2000
};

/* --- A basin in memory ------------------------------------------------------------------------ */

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    const char
        *name;      /* Guarded by mutex: the other's writes to such a file do not end; NULL: do. */
    bool is_inside; /* Guarded by mutex: and one is under way. */
};

struct room {
    flume_io io;
    struct faultio fault;
    struct fault_memory memory;
    flume_log_options options;
    flume_seal_options seal;
    flume_log *log;
    uint64_t fingerprint;
    struct gate gate;
    int64_t (*honest_pwrite)(void *ctx, int file, const void *source, size_t bytes,
                             uint64_t offset);
    int64_t (*honest_pread)(void *ctx, int file, void *target, size_t bytes, uint64_t offset);
    uint64_t lie_at; /* The read of a strata with this number is not what lies there; 0: none. */
    uint64_t reads;
};

static int64_t gated_pwrite(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    struct room *room = (struct room *)((uint8_t *)ctx - offsetof(struct room, fault));
    struct gate *gate = &room->gate;
    char thread[16] = "";

    (void)pthread_getname_np(pthread_self(), thread, sizeof thread);
    (void)pthread_mutex_lock(&gate->mutex);
    while (strcmp(thread, OTHER) == 0 && gate->name != NULL &&
           strstr(room->fault.paths[file], gate->name) != NULL) {
        gate->is_inside = true;
        (void)pthread_cond_broadcast(&gate->moved);
        (void)pthread_cond_wait(&gate->moved, &gate->mutex);
    }
    (void)pthread_mutex_unlock(&gate->mutex);
    return room->honest_pwrite(ctx, file, source, bytes, offset);
}

static int64_t lying_pread(void *ctx, int file, void *target, size_t bytes, uint64_t offset)
{
    struct room *room = (struct room *)((uint8_t *)ctx - offsetof(struct room, fault));
    int64_t result = room->honest_pread(ctx, file, target, bytes, offset);

    if (room->lie_at == 0 || result <= STRATA_PAGE_BYTES ||
        strstr(room->fault.paths[file], "/0000") == NULL)
        return result;
    if (++room->reads == room->lie_at)
        ((uint8_t *)target)[result / 2] ^= 4;
    return result;
}

static void gate_turn(struct room *room, const char *name)
{
    (void)pthread_mutex_lock(&room->gate.mutex);
    room->gate.name = name;
    (void)pthread_cond_broadcast(&room->gate.moved);
    (void)pthread_mutex_unlock(&room->gate.mutex);
}

static void await_inside(struct room *room)
{
    (void)pthread_mutex_lock(&room->gate.mutex);
    while (!room->gate.is_inside)
        (void)pthread_cond_wait(&room->gate.moved, &room->gate.mutex);
    (void)pthread_mutex_unlock(&room->gate.mutex);
}

static flume_log *room_open(struct room *room)
{
    flume_error error;
    flume_log *log = NULL;

    if (flume_log_open(&log, BASIN, &room->options, &error) != FLUME_OK)
        fail_msg("%s", error.message);
    return log;
}

static struct room *room_begin(uint64_t strata_bytes)
{
    struct room *room = calloc(1, sizeof *room);

    assert_non_null(room);
    assert_int_equal(io_memory_create(NULL, &room->io), FLUME_OK);
    faultio_init(&room->fault, &room->io);
    fault_memory_init(&room->memory);
    (void)pthread_mutex_init(&room->gate.mutex, NULL);
    (void)pthread_cond_init(&room->gate.moved, NULL);
    room->honest_pwrite = room->fault.table.pwrite;
    room->honest_pread = room->fault.table.pread;
    room->fault.table.pwrite = gated_pwrite;
    room->fault.table.pread = lying_pread;
    room->seal = (flume_seal_options){.mode = FLUME_SEAL_ON_REQUEST};
    room->options = (flume_log_options){.flags = FLUME_OPEN_CREATE,
                                        .profile = FLUME_PROFILE_FORGETFUL,
                                        .io_mode = FLUME_IO_PWRITE,
                                        .strata_bytes = strata_bytes,
                                        .lock_timeout_ns = 100 * SECOND_NS,
                                        .seal = &room->seal,
                                        .allocator = &room->memory.table,
                                        .io = &room->fault.table};
    return room;
}

static void room_end(struct room *room)
{
    if (room->log != NULL)
        assert_int_equal(flume_log_close(room->log), FLUME_OK);
    assert_int_equal(room->fault.open_files, 0);
    assert_int_equal(room->fault.open_maps, 0);
    assert_int_equal(room->memory.live_blocks, 0);
    (void)pthread_cond_destroy(&room->gate.moved);
    (void)pthread_mutex_destroy(&room->gate.mutex);
    faultio_deinit(&room->fault);
    fault_memory_deinit(&room->memory);
    io_memory_destroy(&room->io);
    free(room);
}

/* Full strata, and one that is not; all durable. */
static void fill(struct room *room, uint64_t strata_count, size_t bytes)
{
    room->log = room_open(room);
    for (unsigned i = 0; stat_of(room->log).strata_count <= strata_count; i++)
        (void)append_bytes(room->log, i == 0 && bytes == RECORD_BYTES ? LARGE_BYTES : bytes, i);
    assert_int_equal(flume_log_sync(room->log, FLUME_SEQ_NONE), FLUME_OK);
    room->fingerprint = fingerprint(room->log);
}

static const char *path_of(uint64_t first_seq, char target[64])
{
    (void)snprintf(target, 64, BASIN "/log/%020llu.strata", (unsigned long long)first_seq);
    return target;
}

/* Refused, with words, and nothing has changed. */
static void expect_refused(struct room *room, int status, const char *word)
{
    int file;

    expect_error(room->log, status, word);
    file = room->io.open(room->io.ctx, BASIN "/log/seal.strata.tmp", FLUME_IO_READ);
    assert_int_equal(file, -ENOENT);
    assert_true(fingerprint(room->log) == room->fingerprint);
}

static void expect_sealed(struct room *room, uint64_t strata)
{
    flume_seal_report report;
    int status = flume_log_seal(room->log, NULL, &report);

    if (status != FLUME_OK)
        expect_error(room->log, FLUME_OK, "");
    assert_int_equal(report.strata, strata);
    assert_true(fingerprint(room->log) == room->fingerprint);
}

/* --- Every place ------------------------------------------------------------------------------ */

/* Every read fails, or every write, one after the other. */
static void fail_each(uint64_t strata_bytes, size_t body_bytes, enum fault_call call)
{
    struct room *room = room_begin(strata_bytes);
    uint64_t nth = 1;

    fill(room, 1, body_bytes);
    for (;; nth++) {
        int status;

        faultio_plan(&room->fault, (struct fault_plan){call, nth, -EIO, FAULT_ONCE});
        status = flume_log_seal(room->log, NULL, NULL);
        if (faultio_heal(&room->fault) == 0)
            break;
        assert_true(nth < PLACES_MAX);
        assert_int_equal(status, FLUME_ERR_IO);
        expect_refused(room, FLUME_ERR_IO, "");
    }
    assert_true(nth > 3);
    expect_sealed(room, 0);
    assert_int_equal(stat_of(room->log).sealed_count, 1);
    room_end(room);
}

static void a_large_strata_is_sealed_after_each_call_has_failed(void **state)
{
    (void)state;
    fail_each(2 << 20, RECORD_BYTES, FAULT_PREAD);
    fail_each(2 << 20, RECORD_BYTES, FAULT_PWRITE);
}

/* Neither a window nor the buffer has room for what stands behind the blocks with the last of
 * them. */
static void sections_are_made_after_each_call_has_failed(void **state)
{
    enum { BODY_BYTES = 400 };

    (void)state;
    fail_each(1 << 20, BODY_BYTES, FAULT_PREAD);
    fail_each(1 << 20, BODY_BYTES, FAULT_PWRITE);
}

static void a_large_strata_is_sealed_after_each_request_has_failed(void **state)
{
    struct room *room = room_begin(2 << 20);
    uint64_t nth = 1;

    (void)state;
    room->seal.parity = FLUME_PARITY_FILE;
    fill(room, 1, RECORD_BYTES);
    for (;; nth++) {
        int status;

        fault_memory_plan(&room->memory, nth, FAULT_ONCE);
        status = flume_log_seal(room->log, NULL, NULL);
        if (room->memory.failed == 0)
            break;
        fault_memory_plan(&room->memory, 0, FAULT_ONCE);
        assert_true(nth < PLACES_MAX);
        if (status == FLUME_OK)
            break; /* Of what is left over: the next handle does it. */
        assert_int_equal(status, FLUME_ERR_NO_MEMORY);
        expect_refused(room, FLUME_ERR_NO_MEMORY, "no memory");
    }
    fault_memory_plan(&room->memory, 0, FAULT_ONCE);
    assert_true(nth > 10);
    expect_sealed(room, 0);
    assert_int_equal(stat_of(room->log).sealed_count, 1);
    room_end(room);
}

/* The raw strata is read twice, and each time it may be another. */
static void a_read_that_gives_something_else_stops_sealing(void **state)
{
    struct room *room = room_begin(2 << 20);
    unsigned refused = 0;

    (void)state;
    fill(room, 2, RECORD_BYTES - 1);
    for (uint64_t nth = 1;; nth++) {
        int status;

        room->reads = 0;
        room->lie_at = nth;
        status = flume_log_seal(room->log, NULL, NULL);
        room->lie_at = 0;
        if (status == FLUME_OK && room->reads < nth)
            break;
        if (status == FLUME_OK)
            fail_msg("read %llu was not noticed", (unsigned long long)nth);
        refused++;
        assert_int_equal(status, FLUME_ERR_DAMAGED);
        expect_refused(room, FLUME_ERR_DAMAGED, "");
    }
    assert_true(refused >= 3);
    room_end(room);
}

static void without_memory_for_a_dictionary_nothing_is_sealed(void **state)
{
    enum { PLACES = 14, STRATA_BYTES = 320 << 10, SMALL_BYTES = 900 };
    struct room *room = room_begin(STRATA_BYTES);

    (void)state;
    room->seal.dictionary = true;
    fill(room, 1, SMALL_BYTES);
    for (uint64_t nth = 1; nth <= PLACES; nth++) {
        fault_memory_plan(&room->memory, nth, FAULT_ONCE);
        assert_int_equal(flume_log_seal(room->log, NULL, NULL), FLUME_ERR_NO_MEMORY);
        fault_memory_plan(&room->memory, 0, FAULT_ONCE);
        expect_refused(room, FLUME_ERR_NO_MEMORY, "no memory");
    }
    for (uint64_t nth = 1; nth <= 5; nth++) {
        faultio_plan(&room->fault, (struct fault_plan){FAULT_PREAD, nth, -EIO, FAULT_ONCE});
        assert_int_equal(flume_log_seal(room->log, NULL, NULL), FLUME_ERR_IO);
        assert_int_equal(faultio_heal(&room->fault), 1);
        expect_refused(room, FLUME_ERR_IO, "");
    }
    expect_sealed(room, 1);
    room_end(room);
}

static void without_memory_for_the_path_elsewhere_no_log_is_opened(void **state)
{
    struct room *room = room_begin(64 << 10);
    flume_log *log = NULL;
    flume_error error;
    uint64_t nth = 1;
    int status;

    (void)state;
    room->log = room_open(room);
    room->seal.path = "elsewhere";
    for (;; nth++) {
        fault_memory_plan(&room->memory, nth, FAULT_ONCE);
        status = flume_log_open(&log, BASIN, &room->options, &error);
        if (status == FLUME_OK)
            break;
        assert_int_equal(status, FLUME_ERR_NO_MEMORY);
        assert_non_null(strstr(error.message, "memory"));
        assert_null(log);
    }
    assert_true(nth > 2);
    fault_memory_plan(&room->memory, 0, FAULT_ONCE);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    room_end(room);
}

/* --- Others ----------------------------------------------------------------------------------- */

static void *append_other(void *ctx)
{
    (void)pthread_setname_np(pthread_self(), OTHER);
    return flume_log_append(ctx, "other", 5, NULL) == FLUME_OK ? ctx : NULL;
}

static void *seal_other(void *ctx)
{
    (void)pthread_setname_np(pthread_self(), OTHER);
    return flume_log_seal(ctx, NULL, NULL) == FLUME_OK ? ctx : NULL;
}

/* Another handle is at something that does not end, in a file of this name. */
static void expect_busy(struct room *room, void *(*act)(void *ctx), const char *name,
                        const flume_seal_call *call, const char *word)
{
    flume_log *other = room->log;
    pthread_t thread;
    void *result = NULL;

    room->options.lock_timeout_ns = 2000000;
    room->log = room_open(room);
    gate_turn(room, name);
    assert_int_equal(pthread_create(&thread, NULL, act, other), 0);
    await_inside(room);
    assert_int_equal(flume_log_seal(room->log, call, NULL), FLUME_ERR_BUSY);
    expect_error(room->log, FLUME_ERR_BUSY, word);
    gate_turn(room, NULL);
    (void)pthread_join(thread, &result);
    assert_ptr_equal(result, other);
    assert_int_equal(flume_log_seal(room->log, call, NULL), FLUME_OK);
    assert_int_equal(flume_log_close(other), FLUME_OK);
    room_end(room);
}

static void who_holds_the_append_mutex_is_named(void **state)
{
    struct room *room = room_begin(64 << 10);
    const flume_seal_call call = {.active = true};

    (void)state;
    fill(room, 1, 1000);
    expect_busy(room, append_other, "/log/", &call, "append");
}

static void who_seals_already_is_named(void **state)
{
    struct room *room = room_begin(64 << 10);

    (void)state;
    fill(room, 1, 1000);
    expect_busy(room, seal_other, "/log/seal.strata.tmp", NULL, "seal");
}

static void after_a_failed_sync_nothing_is_sealed(void **state)
{
    struct room *room = room_begin(64 << 10);

    (void)state;
    fill(room, 1, 1000);
    (void)append_bytes(room->log, 10, 1);
    faultio_plan(&room->fault, (struct fault_plan){FAULT_SYNC, 1, -EIO, FAULT_LASTING});
    assert_int_equal(flume_log_sync(room->log, FLUME_SEQ_NONE), FLUME_ERR_IO);
    (void)faultio_heal(&room->fault);
    assert_int_equal(flume_log_seal(room->log, NULL, NULL), FLUME_ERR_POISONED);
    expect_error(room->log, FLUME_ERR_POISONED, "nothing is rewritten on this disk");
    assert_int_equal(stat_of(room->log).sealed_count, 0);
    assert_int_equal(flume_log_close(room->log), FLUME_ERR_POISONED);
    room->log = NULL;
    room_end(room);
}

/* --- Files that are not as they should be ----------------------------------------------------- */

static int count_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
    uint64_t *most = ctx;

    assert_true(done_bytes <= total_bytes);
    *most = total_bytes;
    return 0;
}

static void a_raw_strata_that_is_gone_is_told(void **state)
{
    struct room *room = room_begin(64 << 10);
    uint64_t total = 0;
    const flume_seal_call call = {.progress = count_progress, .progress_ctx = &total};
    char path[64];

    (void)state;
    fill(room, 2, 1000);
    assert_int_equal(room->io.unlink(room->io.ctx, path_of(0, path)), 0);
    assert_int_equal(flume_log_seal(room->log, &call, NULL), FLUME_ERR_DAMAGED);
    expect_error(room->log, FLUME_ERR_DAMAGED, "is missing; run 'flume check'");
    assert_int_equal(stat_of(room->log).sealed_count, 0);
    assert_int_equal(total, 0); /* Nothing came of it. */
    room_end(room);
}

/* The active strata has no footer: its file tells how much there is to do. */
static void progress_counts_an_active_strata_by_its_file(void **state)
{
    struct room *room = room_begin(64 << 10);
    uint64_t total = 0;
    const flume_seal_call call = {
        .active = true, .progress = count_progress, .progress_ctx = &total};
    flume_seal_report report;

    (void)state;
    room->log = room_open(room);
    (void)append_bytes(room->log, 5000, 1);
    assert_int_equal(flume_log_seal(room->log, &call, &report), FLUME_OK);
    assert_int_equal(report.strata, 1);
    assert_int_equal(total, (64 << 10) - 2 * STRATA_PAGE_BYTES);
    room_end(room);
}

/* Who sealed a strata died before it took the slots away. */
static void slots_stay_until_the_name_is_durable(void **state)
{
    static const char slots[] = BASIN "/log/00000000000000000000.slots";
    struct room *room = room_begin(64 << 10);
    const flume_io *io = &room->io;
    int file;

    (void)state;
    fill(room, 1, 1000);
    expect_sealed(room, 1);
    file = io->open(io->ctx, slots, FLUME_IO_WRITE | FLUME_IO_CREATE | FLUME_IO_EXCLUSIVE);
    assert_true(file >= 0);
    io->close(io->ctx, file);
    faultio_plan(&room->fault, (struct fault_plan){FAULT_SYNC_DIRECTORY, 1, -EIO, FAULT_ONCE});
    assert_int_equal(flume_log_seal(room->log, NULL, NULL), FLUME_ERR_IO);
    assert_int_equal(faultio_heal(&room->fault), 1);
    expect_refused(room, FLUME_ERR_IO, "sync the directory");
    file = io->open(io->ctx, slots, FLUME_IO_READ);
    assert_true(file >= 0);
    io->close(io->ctx, file);
    expect_sealed(room, 0);
    assert_int_equal(io->open(io->ctx, slots, FLUME_IO_READ), -ENOENT);
    room_end(room);
}

/* After a machine stop HEAD does not know what is sealed; the files do. */
static void what_is_sealed_to_its_end_is_found_to_be_so(void **state)
{
    struct room *room = room_begin(64 << 10);
    const flume_seal_call call = {.active = true};
    flume_seal_report report;

    (void)state;
    fill(room, 2, 1000);
    assert_int_equal(flume_log_seal(room->log, &call, NULL), FLUME_OK);
    assert_int_equal(flume_log_close(room->log), FLUME_OK);
    assert_int_equal(room->io.unlink(room->io.ctx, BASIN "/HEAD"), 0);
    room->log = room_open(room);
    assert_int_equal(flume_log_seal(room->log, NULL, &report), FLUME_OK);
    assert_int_equal(report.strata, 0);
    assert_true(report.sealed_to > 0 && report.sealed_to <= flume_log_head(room->log));
    assert_int_equal(stat_of(room->log).sealed_count, 3);
    assert_true(fingerprint(room->log) == room->fingerprint);
    room_end(room);
}

/* --- Which is next ---------------------------------------------------------------------------- */

/* Another handle has opened a strata since. */
static void a_list_that_cannot_be_had_stops_sealing(void **state)
{
    struct room *room = room_begin(64 << 10);
    int status = FLUME_OK;
    flume_log *other;

    (void)state;
    fill(room, 1, 1000);
    other = room->log;
    room->log = room_open(room);
    /* Whether its own threads have looked before us is chance. */
    for (unsigned round = 0; status == FLUME_OK && round < 20; round++) {
        uint64_t count = stat_of(other).strata_count;

        for (unsigned i = 0; stat_of(other).strata_count == count; i++)
            (void)append_bytes(other, 1000, i);
        room->fingerprint = fingerprint(other);
        faultio_plan(&room->fault, (struct fault_plan){FAULT_LIST, 1, -EIO, FAULT_LASTING});
        status = flume_log_seal(room->log, NULL, NULL);
        (void)faultio_heal(&room->fault);
    }
    assert_int_equal(status, FLUME_ERR_IO);
    expect_refused(room, FLUME_ERR_IO, "list");
    assert_int_equal(flume_log_close(other), FLUME_OK);
    room_end(room);
}

static void a_size_that_cannot_be_looked_at_is_an_error(void **state)
{
    const struct seal_wish wish = {.to_seq = UINT64_MAX,
                                   .raw_bytes_min = 1 << 30,
                                   .closed_first = FLUME_SEQ_NONE,
                                   .closed_end = FLUME_SEQ_NONE};
    struct room *room = room_begin(64 << 10);
    struct seal_target *target = calloc(1, sizeof *target);

    (void)state;
    assert_non_null(target);
    fill(room, 1, 1000);
    assert_int_equal(seal_next_locked(room->log, &wish, target), FLUME_ERR_NOT_FOUND);
    /* The first look is at its form. */
    faultio_plan(&room->fault, (struct fault_plan){FAULT_STAT, 2, -EIO, FAULT_ONCE});
    assert_int_equal(seal_next_locked(room->log, &wish, target), FLUME_ERR_IO);
    assert_int_equal(faultio_heal(&room->fault), 1);
    expect_refused(room, FLUME_ERR_IO, "read");
    free(target);
    room_end(room);
}

static void what_is_known_to_be_sealed_is_never_taken_back(void **state)
{
    struct room *room = room_begin(64 << 10);
    uint64_t sealed_to, layout_count;

    (void)state;
    fill(room, 2, 1000);
    expect_sealed(room, 2);
    sealed_to = atomic_load(&room->log->head->sealed_to);
    layout_count = atomic_load(&room->log->head->layout_count);
    seal_told_locked(room->log, sealed_to - 1);
    assert_int_equal(atomic_load(&room->log->head->sealed_to), sealed_to);
    assert_int_equal(atomic_load(&room->log->head->layout_count), layout_count);
    room_end(room);
}

/* --- Files that are not what they were -------------------------------------------------------- */

static void put_file(struct room *room, const char *path, const void *bytes, size_t count)
{
    const flume_io *io = &room->io;
    int file;

    assert_int_equal(io->unlink(io->ctx, path), 0);
    file = io->open(io->ctx, path, FLUME_IO_WRITE | FLUME_IO_CREATE | FLUME_IO_EXCLUSIVE);
    assert_true(file >= 0);
    assert_int_equal(io->pwrite(io->ctx, file, bytes, count, 0), count);
    io->close(io->ctx, file);
}

static uint8_t *take_file(struct room *room, const char *path, size_t *out_count)
{
    const flume_io *io = &room->io;
    int file = io->open(io->ctx, path, FLUME_IO_READ);
    flume_io_stat file_stat;
    uint8_t *bytes;

    assert_true(file >= 0);
    assert_int_equal(io->stat(io->ctx, file, &file_stat), 0);
    *out_count = (size_t)file_stat.bytes;
    bytes = malloc(*out_count);
    assert_non_null(bytes);
    assert_int_equal(io->pread(io->ctx, file, bytes, *out_count, 0), *out_count);
    io->close(io->ctx, file);
    return bytes;
}

static void a_raw_strata_of_next_to_nothing_is_told(void **state)
{
    struct room *room = room_begin(64 << 10);
    char path[64];

    (void)state;
    fill(room, 2, 1000);
    put_file(room, path_of(0, path), "next to nothing", 15);
    assert_int_equal(flume_log_seal(room->log, NULL, NULL), FLUME_ERR_DAMAGED);
    expect_refused(room, FLUME_ERR_DAMAGED, "run 'flume check'");
    assert_int_equal(stat_of(room->log).sealed_count, 0);
    room_end(room);
}

/* Of another strata, or of this one with fewer records than it must have. */
static void behind_a_footer_that_is_none_of_its_strata_nothing_is_sealed(void **state)
{
    for (unsigned way = 0; way < 2; way++) {
        struct room *room = room_begin(64 << 10);
        struct sealed_footer footer;
        flume_strata_info info;
        size_t count;
        char path[64];
        uint8_t *bytes;

        fill(room, 2, 1000);
        expect_sealed(room, 2);
        while (stat_of(room->log).strata_count < 4)
            (void)append_bytes(room->log, 1000, 1);
        assert_int_equal(flume_log_sync(room->log, FLUME_SEQ_NONE), FLUME_OK);
        assert_int_equal(flume_log_strata(room->log, 0, &info), FLUME_OK);
        bytes = take_file(room, path_of(way == 0 ? 0 : info.records, path), &count);
        assert_int_equal(sealed_footer_decode(bytes + count - STRATA_PAGE_BYTES, &footer),
                         FLUME_OK);
        footer.count -= way;
        sealed_footer_encode(bytes + count - STRATA_PAGE_BYTES, &footer);
        put_file(room, path_of(info.records, path), bytes, count);
        free(bytes);
        assert_int_equal(flume_log_seal(room->log, NULL, NULL), FLUME_ERR_DAMAGED);
        expect_error(room->log, FLUME_ERR_DAMAGED, "so none behind it is sealed");
        assert_int_equal(stat_of(room->log).sealed_count, 2);
        room_end(room);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_strata_is_sealed_after_each_call_has_failed),
        cmocka_unit_test(sections_are_made_after_each_call_has_failed),
        cmocka_unit_test(a_large_strata_is_sealed_after_each_request_has_failed),
        cmocka_unit_test(a_read_that_gives_something_else_stops_sealing),
        cmocka_unit_test(without_memory_for_a_dictionary_nothing_is_sealed),
        cmocka_unit_test(without_memory_for_the_path_elsewhere_no_log_is_opened),
        cmocka_unit_test(who_holds_the_append_mutex_is_named),
        cmocka_unit_test(who_seals_already_is_named),
        cmocka_unit_test(after_a_failed_sync_nothing_is_sealed),
        cmocka_unit_test(a_raw_strata_that_is_gone_is_told),
        cmocka_unit_test(progress_counts_an_active_strata_by_its_file),
        cmocka_unit_test(slots_stay_until_the_name_is_durable),
        cmocka_unit_test(what_is_sealed_to_its_end_is_found_to_be_so),
        cmocka_unit_test(a_list_that_cannot_be_had_stops_sealing),
        cmocka_unit_test(a_size_that_cannot_be_looked_at_is_an_error),
        cmocka_unit_test(what_is_known_to_be_sealed_is_never_taken_back),
        cmocka_unit_test(a_raw_strata_of_next_to_nothing_is_told),
        cmocka_unit_test(behind_a_footer_that_is_none_of_its_strata_nothing_is_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
