/*
 * test_fault_places.c - one failure at one place, where counting calls seldom comes to.
 *
 * Each test puts the log into a state that takes some steps to make, lets one thing fail there, and
 * holds what is answered, what is told, and how the log goes on.
 */
#include "log_fixture.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "faultio.h"
#include "head.h"
#include "seal_fixture.h"

enum { LARGE_BYTES = 2 << 20, SMALL_STRATA_BYTES = 64 << 10 };

static void begin_faults(struct log_fixture *fx, struct faultio *fault)
{
    faultio_init(fault, flume_io_posix());
    fx->options.io = &fault->table;
    fx->options.io_mode = FLUME_IO_PWRITE;
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    fx->options.seal = &seal_on_request; /* Who seals meanwhile would take the failures. */
}

static void end_faults(struct log_fixture *fx, struct faultio *fault)
{
    flume_error error;

    close_log(fx);
    assert_int_equal(fault->open_files, 0);
    assert_int_equal(fault->open_maps, 0);
    faultio_deinit(fault);
    fx->options.io = NULL;
    if (flume_check(fx->path, NULL, NULL, &error) != FLUME_OK)
        fail_msg("check: %s", error.message);
}

static void fail_at(struct faultio *fault, enum fault_call call, uint64_t nth, int result)
{
    faultio_plan(fault, (struct fault_plan){call, nth, result, FAULT_ONCE});
}

static void expect_io_error(flume_log *log, int status, int system_errno, const char *word)
{
    flume_error error;

    assert_int_equal(status, FLUME_ERR_IO);
    expect_error(log, FLUME_ERR_IO, word);
    flume_log_error(log, &error);
    assert_int_equal(error.system_errno, system_errno);
}

static int append_filled(flume_log *log, size_t bytes)
{
    uint8_t *body = malloc(bytes);
    uint64_t seq = 99;
    int status;

    assert_non_null(body);
    fill_bytes(body, bytes, 1);
    status = flume_log_append(log, body, bytes, &seq);
    if (status != FLUME_OK)
        assert_int_equal(seq, 99);
    free(body);
    return status;
}

/* Make every handle list log/ anew. */
static void raise_layout_count(struct log_fixture *fx)
{
    const char *path = fixture_path(fx, "basin.flume/HEAD");
    uint64_t count;

    read_file(path, offsetof(struct head, layout_count), &count, sizeof count);
    count++;
    write_file(path, offsetof(struct head, layout_count), &count, sizeof count);
}

/* --- Appending -------------------------------------------------------------------------------- */

/* The first append makes a strata and then fails: the strata stays, without a record. Which write
 * it is that must fail is found out. */
static void leave_an_empty_strata(struct log_fixture *fx, struct faultio *fault)
{
    for (uint64_t nth = 1; nth < 10; nth++) {
        (void)snprintf(fx->path, sizeof fx->path, "%s/%d.flume", fx->root, (int)nth);
        open_log(fx);
        fail_at(fault, FAULT_PWRITE, nth, -EIO);
        assert_int_equal(append_filled(fx->log, 5), FLUME_ERR_IO);
        assert_int_equal(faultio_heal(fault), 1);
        assert_int_equal(flume_log_head(fx->log), 0);
        if (stat_of(fx->log).strata_count == 1)
            return;
        close_log(fx);
    }
    fail_msg("no write leaves an empty strata");
}

static void a_manifest_that_cannot_be_written_alone_is_taken_back(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;

    begin_faults(fx, &fault);
    leave_an_empty_strata(fx, &fault);
    fail_at(&fault, FAULT_PWRITE, 1, -ENOSPC);
    assert_int_equal(append_filled(fx->log, LARGE_BYTES), FLUME_ERR_FULL);
    expect_error(fx->log, FLUME_ERR_FULL, "write to the active strata");
    assert_int_equal(faultio_heal(&fault), 1);
    assert_int_equal(flume_log_head(fx->log), 0);
    expect_bytes(fx->log, append_bytes(fx->log, LARGE_BYTES, 1), LARGE_BYTES, 1);
    assert_int_equal(stat_of(fx->log).strata_count, 2);
    end_faults(fx, &fault);
}

static void expect_nothing_in_txn(const struct log_fixture *fx)
{
    char path[LOG_FIXTURE_PATH_BYTES + 8];

    (void)snprintf(path, sizeof path, "%s/txn", fx->path);
    assert_int_equal(count_files(path, ".strata"), 0);
    assert_int_equal(count_files(path, ".slots"), 0);
}

/* A large batch is named by its first seq, which an empty strata has: it must be filled first. */
static void a_large_batch_behind_an_empty_strata_without_slots_is_refused(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;

    begin_faults(fx, &fault);
    fx->options.strata_bytes = SMALL_STRATA_BYTES;
    leave_an_empty_strata(fx, &fault);
    close_log(fx);
    open_log(fx);
    if (stat_of(fx->log).strata_count == 0)
        leave_an_empty_strata(fx, &fault);
    fail_at(&fault, FAULT_MAP, 1, -ENOMEM);
    assert_int_equal(append_filled(fx->log, LARGE_BYTES), FLUME_ERR_NO_MEMORY);
    assert_int_equal(faultio_heal(&fault), 1);
    assert_int_equal(flume_log_head(fx->log), 0);
    expect_nothing_in_txn(fx);
    expect_bytes(fx->log, append_bytes(fx->log, LARGE_BYTES, 1), LARGE_BYTES, 1);
    end_faults(fx, &fault);
}

static void a_large_batch_whose_first_piece_cannot_be_written_is_not_there(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;

    begin_faults(fx, &fault);
    fx->options.strata_bytes = SMALL_STRATA_BYTES;
    open_log(fx);
    fail_at(&fault, FAULT_PWRITE, 1, -EIO);
    expect_io_error(fx->log, append_filled(fx->log, LARGE_BYTES), EIO, "write");
    assert_int_equal(faultio_heal(&fault), 1);
    assert_int_equal(flume_log_head(fx->log), 0);
    expect_nothing_in_txn(fx);
    expect_bytes(fx->log, append_bytes(fx->log, LARGE_BYTES, 1), LARGE_BYTES, 1);
    end_faults(fx, &fault);
}

/* More than is gathered for one write: the first write fails while the batch is being gathered. */
static void a_batch_that_fails_half_way_is_taken_back(void **state)
{
    enum { COUNT = 200, BYTES = 2000 };
    struct log_fixture *fx = *state;
    static uint8_t body[BYTES];
    flume_entry entries[COUNT];
    struct faultio fault;
    uint64_t head;

    for (size_t i = 0; i < COUNT; i++)
        entries[i] = (flume_entry){.body = body, .body_bytes = BYTES};
    begin_faults(fx, &fault);
    open_log(fx);
    (void)append_text(fx->log, "one");
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK); /* Nobody else writes. */
    head = flume_log_head(fx->log);
    fail_at(&fault, FAULT_PWRITE, 1, -EIO);
    expect_io_error(fx->log, flume_log_append_many(fx->log, entries, COUNT, NULL, NULL), EIO,
                    "write to the active strata");
    (void)faultio_heal(&fault);
    assert_int_equal(flume_log_head(fx->log), head);
    expect_text(fx->log, append_text(fx->log, "two"), "two");
    assert_int_equal(flume_log_head(fx->log), head + 1);
    end_faults(fx, &fault);
}

/* On a file system that cannot reserve space, zeros are written instead. */
static int cannot_allocate(void *ctx, int file, uint64_t bytes)
{
    (void)ctx;
    (void)file;
    (void)bytes;
    return -EOPNOTSUPP;
}

static void without_space_for_zeros_there_is_no_strata(void **state)
{
    struct log_fixture *fx = *state;
    flume_io poor = *flume_io_posix();
    struct faultio fault;

    poor.allocate = cannot_allocate;
    begin_faults(fx, &fault);
    fault.inner = &poor;
    open_log(fx);
    fail_at(&fault, FAULT_PWRITE, 1, -ENOSPC);
    assert_int_equal(append_filled(fx->log, 5), FLUME_ERR_FULL);
    expect_error(fx->log, FLUME_ERR_FULL, "allocate");
    assert_int_equal(faultio_heal(&fault), 1);
    assert_int_equal(stat_of(fx->log).strata_count, 0);
    expect_text(fx->log, append_text(fx->log, "one"), "one");
    fault.inner = flume_io_posix();
    end_faults(fx, &fault);
}

static void a_head_beyond_all_slots_is_damage(void **state)
{
    struct log_fixture *fx = *state;
    const char *path;
    uint64_t head, wrong;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    (void)append_text(fx->log, "one");
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK); /* Nobody else looks. */
    head = flume_log_head(fx->log);
    wrong = head + (1 << 30);
    path = fixture_path(fx, "basin.flume/HEAD");
    write_file(path, offsetof(struct head, head), &wrong, sizeof wrong);
    assert_int_equal(flume_log_append(fx->log, "x", 1, NULL), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "the active strata (seq 0) is damaged");
    write_file(path, offsetof(struct head, head), &head, sizeof head);
    expect_text(fx->log, 1, "one");
}

/* The strata made ahead is there, but the next record does not fit in. */
static void a_record_larger_than_the_strata_made_ahead_gets_its_own(void **state)
{
    enum { HALF_BYTES = 700 << 10, RECORD_BYTES = 5 << 20 };
    struct log_fixture *fx = *state;
    const char *path;
    uint64_t prepared = 0;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    (void)append_bytes(fx->log, HALF_BYTES, 1);
    path = fixture_path(fx, "basin.flume/HEAD");
    for (unsigned i = 0; prepared == 0 && i < 20000; i++) {
        (void)usleep(1000);
        read_file(path, offsetof(struct head, prepared_bytes), &prepared, sizeof prepared);
    }
    assert_true(prepared != 0 && prepared < RECORD_BYTES);
    expect_bytes(fx->log, append_bytes(fx->log, RECORD_BYTES, 2), RECORD_BYTES, 2);
    assert_int_equal(stat_of(fx->log).strata_count, 2);
    expect_bytes(fx->log, append_bytes(fx->log, RECORD_BYTES, 3), RECORD_BYTES, 3);
    close_log(fx);
    assert_int_equal(flume_check(fx->path, NULL, NULL, NULL), FLUME_OK);
}

/* --- Codecs and labels ------------------------------------------------------------------------ */

static int encode_text(void *ctx, const void *value, flume_sink sink, void *sink_ctx)
{
    (void)ctx;
    return sink(sink_ctx, value, strlen(value));
}

static void without_memory_for_a_value_nothing_is_appended(void **state)
{
    static const flume_codec codec = {
        .name = "text2", .number = FLUME_CODEC_USER, .encode = encode_text};
    struct log_fixture *fx = *state;
    flume_entry entry = {.codec = FLUME_CODEC_USER};
    struct fault_memory memory;
    uint64_t head, seq = 99;

    fault_memory_init(&memory);
    fx->options.allocator = &memory.table;
    fx->options.codecs = &codec;
    fx->options.codec_count = 1;
    open_log(fx);
    (void)append_text(fx->log, "one");
    head = flume_log_head(fx->log);
    fault_memory_plan(&memory, 1, FAULT_LASTING);
    assert_int_equal(flume_log_append_value(fx->log, &entry, "value", &seq), FLUME_ERR_NO_MEMORY);
    expect_error(fx->log, FLUME_ERR_NO_MEMORY, "codec text2 could not encode");
    fault_memory_plan(&memory, 0, FAULT_ONCE);
    assert_int_equal(seq, 99);
    assert_int_equal(flume_log_head(fx->log), head);
    assert_int_equal(flume_log_append_value(fx->log, &entry, "value", &seq), FLUME_OK);
    expect_text(fx->log, seq, "value");
    close_log(fx);
    fault_memory_deinit(&memory);
    fx->options.allocator = NULL;
}

static void a_value_needs_a_handle(void **state)
{
    struct log_fixture *fx = *state;
    flume_entry entry = {.codec = FLUME_CODEC_USER};
    flume_record record;
    void *value = fx;

    assert_int_equal(flume_log_get(fx->log, append_text(fx->log, "one"), &record), FLUME_OK);
    assert_int_equal(flume_record_decode(NULL, &record, &value), FLUME_ERR_INVALID);
    assert_ptr_equal(value, fx);
    flume_record_release(&record);
    assert_int_equal(flume_log_append_value(NULL, &entry, "value", NULL), FLUME_ERR_INVALID);
    flume_value_release(NULL, FLUME_CODEC_USER, value); /* Nothing to release it with. */
    flume_value_release(fx->log, FLUME_CODEC_USER, value);
}

static void labels_end_where_an_item_does_not_fit_in(void **state)
{
    static const uint8_t meta[] = {1, 2, 'o', 'k', 1, 9, 'x'};
    flume_record record = {.meta = meta, .meta_bytes = sizeof meta};
    size_t position = 0;
    flume_label label;

    (void)state;
    assert_true(flume_record_label(&record, &position, &label));
    assert_int_equal(label.bytes, 2);
    assert_memory_equal(label.text, "ok", 2);
    assert_false(flume_record_label(&record, &position, &label));
    assert_int_equal(position, sizeof meta);
    assert_true(flume_record_has_label(&record, "ok"));
    assert_false(flume_record_has_label(&record, "x"));
}

/* --- Files that are not there ----------------------------------------------------------------- */

/* Records without a body: as many in a strata as there can be. */
static void append_many_empty(flume_log *log, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(flume_log_append(log, "", 0, NULL), FLUME_OK);
}

static uint64_t strata_first(struct log_fixture *fx, unsigned index)
{
    char command[3 * LOG_FIXTURE_PATH_BYTES];
    uint64_t first = 0;
    FILE *list;

    (void)snprintf(command, sizeof command, "ls '%s'/log | grep 'strata$' | sed -n %up", fx->path,
                   index + 1);
    list = popen(command, "r");
    assert_non_null(list);
    assert_int_equal(fscanf(list, "%lu", &first), 1);
    (void)pclose(list);
    return first;
}

/* With the strata in between gone, the one before them would have to hold more than it can. */
static void records_of_strata_that_are_gone_are_not_to_be_found(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t second, third, fourth;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    fx->options.strata_bytes = SMALL_STRATA_BYTES;
    open_log(fx);
    append_many_empty(fx->log, 8000);
    assert_true(stat_of(fx->log).strata_count >= 4);
    close_log(fx);
    second = strata_first(fx, 1);
    third = strata_first(fx, 2);
    fourth = strata_first(fx, 3);
    run_command("cd '%s/log' && rm %020lu.* %020lu.*", fx->path, second, third);
    open_log(fx);
    expect_get(fx->log, third + 3, FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "is not to be found in strata 00000000000000000000");
    expect_get(fx->log, second, FLUME_ERR_DAMAGED);
    expect_get(fx->log, 1, FLUME_OK);
    expect_get(fx->log, fourth, FLUME_OK);
}

/* Slots that were made anew tell where the record was, also when it is damaged later. */
static void a_record_damaged_in_its_known_place_is_told_with_it(void **state)
{
    static const uint8_t wrong[8] = {0xa5};
    struct log_fixture *fx = *state;
    char word[64];
    uint32_t slot;

    (void)append_text(fx->log, "one");
    (void)append_text(fx->log, "two");
    zero_file(fixture_path(fx, "basin.flume/log/00000000000000000000.slots"), sizeof slot,
              sizeof slot);
    expect_text(fx->log, 1, "one");
    read_file(fixture_path(fx, "basin.flume/log/00000000000000000000.slots"), 2 * sizeof slot,
              &slot, sizeof slot);
    write_file(strata_path(fx, "basin.flume", 0), (uint64_t)slot * 8 + 8, wrong, sizeof wrong);
    expect_get(fx->log, 2, FLUME_ERR_DAMAGED);
    (void)snprintf(word, sizeof word, "(strata %020u, offset %u)", 0, slot * 8);
    expect_error(fx->log, FLUME_ERR_DAMAGED, word);
    expect_text(fx->log, 1, "one");
}

static void a_strata_that_goes_after_it_was_listed_is_missing(void **state)
{
    struct log_fixture *fx = *state;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    fx->options.strata_bytes = SMALL_STRATA_BYTES;
    open_log(fx);
    for (unsigned i = 0; i < 4; i++)
        (void)append_bytes(fx->log, 30000, i);
    close_log(fx);
    open_log(fx);
    run_command("rm '%s/log/00000000000000000000.strata'", fx->path);
    expect_get(fx->log, 1, FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "is missing; run 'flume check'");
    expect_get(fx->log, 1, FLUME_ERR_DAMAGED); /* And stays so. */
    expect_error(fx->log, FLUME_ERR_DAMAGED, "is damaged or missing");
    expect_get(fx->log, flume_log_head(fx->log) - 1, FLUME_OK);
}

static void a_cursor_by_time_tells_that_all_strata_are_gone(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options since = {.since_ns = 1};
    flume_record record;
    flume_cursor *cursor;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    (void)append_text(fx->log, "one");
    reopen_log(fx);
    run_command("rm '%s'/log/*", fx->path);
    raise_layout_count(fx);
    cursor = open_cursor(fx->log, &since);
    assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "is missing from log/");
    flume_cursor_close(cursor);
}

static void what_cannot_be_listed_cannot_be_counted(void **state)
{
    struct log_fixture *fx = *state;
    flume_log_stat_info info;
    flume_cursor *cursor;
    flume_record record;
    struct faultio fault;

    begin_faults(fx, &fault);
    open_log(fx);
    (void)append_text(fx->log, "one");
    raise_layout_count(fx);
    /* Lasting: who prepares the next strata may list them first. */
    faultio_plan(&fault, (struct fault_plan){FAULT_LIST, 1, -EIO, FAULT_LASTING});
    expect_io_error(fx->log, flume_log_stat(fx->log, &info), EIO, "log");
    assert_true(faultio_heal(&fault) >= 1);
    cursor = open_cursor(fx->log, &(flume_cursor_options){.since_ns = 1});
    raise_layout_count(fx);
    faultio_plan(&fault, (struct fault_plan){FAULT_LIST, 1, -EIO, FAULT_LASTING});
    expect_io_error(fx->log, flume_cursor_next(cursor, 0, &record), EIO, "log");
    (void)faultio_heal(&fault);
    expect_next(cursor, "one");
    flume_cursor_close(cursor);
    end_faults(fx, &fault);
}

/* --- Syncing ---------------------------------------------------------------------------------- */

/* A slot that does not tell: the full strata gets no footer, and its slots are made anew on use. */
static void a_full_strata_with_a_lost_slot_gets_no_footer(void **state)
{
    static const uint8_t zeros[4096];
    struct log_fixture *fx = *state;
    uint8_t page[4096];
    const char *path;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    fx->options.strata_bytes = SMALL_STRATA_BYTES;
    open_log(fx);
    (void)append_bytes(fx->log, 20000, 1);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK); /* Its slot is not read. */
    (void)append_bytes(fx->log, 20000, 2);
    zero_file(fixture_path(fx, "basin.flume/log/00000000000000000000.slots"), sizeof(uint32_t),
              sizeof(uint32_t));
    (void)append_bytes(fx->log, 30000, 3);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    path = strata_path(fx, "basin.flume", 0);
    read_file(path, file_bytes(path) - sizeof page, page, sizeof page);
    assert_memory_equal(page, zeros, sizeof page);
    expect_bytes(fx->log, 1, 20000, 1);
}

/* A disk that, while it syncs, spoils the slot of a strata's end. */
struct spoiling_io {
    flume_io io;
    const char *slots;
    uint64_t offset;
    uint32_t value;
    _Atomic uint32_t armed;
};

static int spoiling_sync(void *ctx, int file)
{
    struct spoiling_io *spoiling = ctx;

    if (atomic_exchange(&spoiling->armed, 0) != 0)
        write_file(spoiling->slots, spoiling->offset, &spoiling->value, sizeof spoiling->value);
    return flume_io_posix()->sync(flume_io_posix()->ctx, file);
}

/* Slots are hints. What lies behind the end they tell is given back to the file system, so nobody
 * may take them at their word. */
static void a_slot_gone_wrong_takes_no_record_with_it(void **state)
{
    static const uint32_t ends[] = {0, 4096 / 8, 8192 / 8};
    struct log_fixture *fx = *state;
    char slots[LOG_FIXTURE_PATH_BYTES];

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct spoiling_io spoiling = {.io = *flume_io_posix(), .slots = slots, .value = ends[i]};

        (void)snprintf(fx->path, sizeof fx->path, "%s/%zu.flume", fx->root, i);
        (void)snprintf(slots, sizeof slots, "%.500s/%zu.flume/log/%020u.slots", fx->root, i, 0);
        spoiling.io.ctx = &spoiling;
        spoiling.io.sync = spoiling_sync;
        spoiling.offset = 3 * sizeof(uint32_t); /* Behind the manifest and two records. */
        fx->options.io = &spoiling.io;
        fx->options.profile = FLUME_PROFILE_FORGETFUL;
        fx->options.strata_bytes = SMALL_STRATA_BYTES;
        open_log(fx);
        (void)append_bytes(fx->log, 20000, 1);
        assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
        (void)append_bytes(fx->log, 20000, 2);
        atomic_store(&spoiling.armed, 1);
        (void)append_bytes(fx->log, 30000, 3);
        assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
        assert_int_equal(atomic_load(&spoiling.armed), 0);
        expect_bytes(fx->log, 1, 20000, 1);
        expect_bytes(fx->log, 2, 20000, 2);
        close_log(fx);
        open_log(fx);
        expect_bytes(fx->log, 1, 20000, 1);
        expect_bytes(fx->log, 2, 20000, 2);
        close_log(fx);
        fx->options.io = NULL;
    }
}

/* A disk on which, while log/ is being listed, another process goes on appending. */
struct crowded_io {
    flume_io io;
    flume_log *other;
    _Atomic uint32_t appends; /* With the next listing. */
};

static int crowded_list(void *ctx, const char *path, int (*each)(void *ctx, const char *name),
                        void *each_ctx)
{
    struct crowded_io *crowded = ctx;
    uint32_t appends = atomic_exchange(&crowded->appends, 0);

    for (uint32_t i = 0; i < appends; i++)
        (void)append_bytes(crowded->other, 30000, i);
    return flume_io_posix()->list(flume_io_posix()->ctx, path, each, each_ctx);
}

static void strata_that_come_during_a_sync_are_left_to_the_next(void **state)
{
    struct log_fixture *fx = *state;
    struct crowded_io crowded = {.io = *flume_io_posix()};
    uint64_t head;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    fx->options.strata_bytes = SMALL_STRATA_BYTES;
    open_log(fx);
    (void)append_bytes(fx->log, 1000, 1);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    crowded.other = fx->log;
    crowded.io.ctx = &crowded;
    crowded.io.list = crowded_list;
    fx->options.io = &crowded.io;
    fx->log = NULL;
    open_log(fx);
    (void)append_bytes(crowded.other, 1000, 2);
    raise_layout_count(fx);
    head = flume_log_head(fx->log);
    atomic_store(&crowded.appends, 6);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(atomic_load(&crowded.appends), 0);
    assert_true(flume_log_head(fx->log) >= head + 6);
    assert_true(flume_log_durable(fx->log) >= head);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_durable(fx->log), flume_log_head(fx->log));
    close_handle(crowded.other);
    close_log(fx);
    fx->options.io = NULL;
    assert_int_equal(flume_check(fx->path, NULL, NULL, NULL), FLUME_OK);
}

/* --- Opening ---------------------------------------------------------------------------------- */

/* A poisoned log is judged as after a machine stop: what that would cut is no reason to refuse. */
static void a_careful_profile_passes_over_what_recovery_would_cut(void **state)
{
    static const uint8_t zeros[512];
    struct log_fixture *fx = *state;
    struct faultio fault;
    uint64_t second;

    begin_faults(fx, &fault);
    fx->options.strata_bytes = SMALL_STRATA_BYTES;
    open_log(fx);
    (void)append_bytes(fx->log, 1000, 1);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    faultio_plan(&fault, (struct fault_plan){FAULT_SYNC, 1, -EIO, FAULT_LASTING});
    for (unsigned i = 0; i < 6; i++)
        (void)append_filled(fx->log, 20000);
    assert_true(flume_log_sync(fx->log, FLUME_SEQ_NONE) != FLUME_OK);
    (void)faultio_heal(&fault);
    second = strata_first(fx, 1);
    for (uint64_t at = 4096; at < SMALL_STRATA_BYTES - 4096; at += sizeof zeros)
        write_file(strata_path(fx, "basin.flume", second), at, zeros, sizeof zeros);
    for (int profile = FLUME_PROFILE_SAFE; profile <= FLUME_PROFILE_PARANOID; profile++) {
        flume_log_options options = {.profile = (enum flume_profile)profile};
        flume_log *log = NULL;
        flume_error error;

        if (flume_log_open(&log, fx->path, &options, &error) != FLUME_OK)
            fail_msg("%s", error.message);
        assert_int_equal(flume_log_append(log, "x", 1, NULL), FLUME_ERR_POISONED);
        assert_int_equal(flume_log_close(log), FLUME_ERR_POISONED);
    }
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_POISONED);
    fx->log = NULL;
    fx->options.flags = 0;
    open_log(fx);
    expect_bytes(fx->log, 1, 1000, 1);
    end_faults(fx, &fault);
}

/* Everything but the first grains is there, and what told how much of it is durable is gone. */
static void without_the_strata_of_what_is_durable_the_log_is_damaged(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *log = NULL;
    uint64_t second;

    fx->options.strata_bytes = SMALL_STRATA_BYTES;
    open_forgetful(fx);
    (void)append_bytes(fx->log, 40000, 2);
    (void)append_bytes(fx->log, 40000, 3);
    close_log(fx);
    second = strata_first(fx, 1);
    run_command("cd '%s' && rm HEAD TAIL log/00000000000000000000.*", fx->path);
    fx->options.flags = 0;
    fx->options.profile = FLUME_PROFILE_SAFE;
    expect_open_fails(fx, FLUME_ERR_DAMAGED, "flume repair");
    assert_int_equal(fx->error.seq, 0);
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    assert_int_equal(flume_log_append(fx->log, "x", 1, NULL), FLUME_ERR_DAMAGED);
    expect_get(fx->log, 1, FLUME_ERR_DAMAGED);
    expect_bytes(fx->log, second + 1, 40000, 3);
    log = open_other(fx, FLUME_OPEN_READ_ONLY);
    expect_bytes(log, second + 1, 40000, 3);
    close_handle(log);
}

/* Zeros where records were: nothing is damaged, the log just ends too early. */
static void a_log_that_simply_ends_too_early_has_lost_its_tail(void **state)
{
    struct log_fixture *fx = *state;
    uint32_t slot;

    (void)append_text(fx->log, "one");
    (void)append_text(fx->log, "two");
    (void)append_text(fx->log, "three");
    close_log(fx);
    read_file(fixture_path(fx, "basin.flume/log/00000000000000000000.slots"), 2 * sizeof slot,
              &slot, sizeof slot);
    zero_file(strata_path(fx, "basin.flume", 0), (uint64_t)slot * 8, 64 << 10);
    run_command("rm '%s/HEAD'", fx->path);
    fx->options.profile = FLUME_PROFILE_SAFE;
    expect_open_fails(fx, FLUME_ERR_TAIL_LOST, "ends at seq 2, but records up to 4");
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    expect_text(fx->log, 1, "one");
    assert_int_equal(flume_log_append(fx->log, "x", 1, NULL), FLUME_ERR_TAIL_LOST);
}

/* Durable up to its beginning, and nothing in it: the log ends in the strata before. */
static void a_newest_strata_of_which_nothing_came_is_taken_out(void **state)
{
    struct log_fixture *fx = *state;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    fx->options.strata_bytes = SMALL_STRATA_BYTES;
    open_log(fx);
    (void)append_bytes(fx->log, 40000, 1);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    (void)append_bytes(fx->log, 40000, 2);
    close_log(fx);
    zero_file(strata_path(fx, "basin.flume", 2), 4096, SMALL_STRATA_BYTES - 4096);
    run_command("cd '%s' && rm HEAD TAIL", fx->path);
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), 2);
    assert_int_equal(stat_of(fx->log).strata_count, 1);
    expect_bytes(fx->log, 1, 40000, 1);
    expect_bytes(fx->log, append_bytes(fx->log, 1000, 3), 1000, 3);
    reopen_log(fx);
    expect_bytes(fx->log, 1, 40000, 1);
}

/* HEAD of a poisoned log does not say where it ends, but what had been acknowledged by then. */
static void what_a_poisoned_log_had_acknowledged_and_lost_is_told(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;
    flume_check_report report;
    flume_error error;

    begin_faults(fx, &fault);
    open_log(fx);
    (void)append_text(fx->log, "one");
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK); /* The gate knows. */
    (void)append_text(fx->log, "two");
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK); /* It does not. */
    (void)append_text(fx->log, "three");
    fail_at(&fault, FAULT_SYNC, 1, -EIO);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_ERR_IO);
    (void)faultio_heal(&fault);
    zero_file(strata_path(fx, "basin.flume", 0), 4096, 64 << 10);
    assert_int_equal(flume_check(fx->path, NULL, &report, &error), FLUME_ERR_TAIL_LOST);
    if (strstr(error.message, "ends at seq 0, but records up to seq 3") == NULL)
        fail_msg("\"%s\"", error.message);
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_POISONED);
    fx->log = NULL;
    fx->options.flags = 0;
    fx->options.profile = FLUME_PROFILE_SAFE;
    expect_open_fails(fx, FLUME_ERR_DAMAGED, "is damaged"); /* By the word of HEAD. */
    assert_int_equal(fault.open_files, 0);
    faultio_deinit(&fault);
    fx->options.io = NULL;
}

/* Who only reads goes on beside the basin wherever it is refused something on the way in. */
static void a_reader_that_is_refused_access_looks_from_outside_or_says_so(void **state)
{
    static const enum fault_call calls[] = {FAULT_OPEN, FAULT_MAP,  FAULT_LOCK,
                                            FAULT_LIST, FAULT_STAT, FAULT_PREAD};
    struct log_fixture *fx = *state;
    struct faultio fault;
    unsigned observed = 0, refused = 0;

    (void)append_text(fx->log, "one");
    close_log(fx);
    faultio_init(&fault, flume_io_posix());
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        for (uint64_t nth = 1, hit = 1; hit != 0; nth++) {
            flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY, .io = &fault.table};
            flume_log *log = NULL;
            flume_error error;
            int status;

            fail_at(&fault, calls[i], nth, -EACCES);
            status = flume_log_open(&log, fx->path, &options, &error);
            hit = faultio_heal(&fault);
            if (status == FLUME_OK) {
                expect_text(log, 1, "one");
                assert_int_equal(flume_log_close(log), FLUME_OK);
                observed += hit != 0;
            } else {
                assert_null(log);
                assert_true(status == FLUME_ERR_ACCESS || status == FLUME_ERR_IO);
                assert_int_equal(error.status, status);
                assert_true(error.message[0] != '\0');
                refused++;
            }
            assert_int_equal(fault.open_files, 0);
            assert_int_equal(fault.open_maps, 0);
        }
    }
    assert_true(observed > 0 && refused > 0);
    /* From outside, and then the settings do not read: LOCK is the second file that is opened. */
    for (uint64_t nth = 1; nth <= 40; nth++) {
        flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY, .io = &fault.table};
        flume_log *log = NULL;
        flume_error error;

        faultio_plan(&fault, (struct fault_plan){FAULT_OPEN, nth, -EACCES, FAULT_LASTING});
        if (flume_log_open(&log, fx->path, &options, &error) == FLUME_OK)
            (void)flume_log_close(log);
        else
            assert_int_equal(error.status, FLUME_ERR_ACCESS);
        (void)faultio_heal(&fault);
        assert_int_equal(fault.open_files, 0);
        assert_int_equal(fault.open_maps, 0);
    }
    faultio_deinit(&fault);
}

/* --- Boards ----------------------------------------------------------------------------------- */

static void who_looks_from_outside_shares_no_boards(void **state)
{
    struct log_fixture *fx = *state;
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY};
    flume_board *board = NULL;
    flume_log *log = NULL;
    struct faultio fault;

    faultio_init(&fault, flume_io_posix());
    options.io = &fault.table;
    fail_at(&fault, FAULT_OPEN, 2, -EACCES); /* LOCK, after the settings. */
    assert_int_equal(flume_log_open(&log, fx->path, &options, NULL), FLUME_OK);
    assert_int_equal(faultio_heal(&fault), 1);
    assert_int_equal(flume_log_board(log, "board", &board), FLUME_ERR_READ_ONLY);
    expect_error(log, FLUME_ERR_READ_ONLY, "its boards are not shared with it");
    assert_null(board);
    close_handle(log);
    faultio_deinit(&fault);
}

/* A disk on which somebody changes a word of HEAD during a wait, and is killed before the wake. */
struct hasty_io {
    flume_io io;
    const char *head;
    unsigned waits;
};

static void hasty_wait(void *ctx, const uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    static const uint64_t value = 5;
    struct hasty_io *hasty = ctx;

    (void)word;
    (void)expected;
    (void)timeout_ns;
    hasty->waits++;
    write_file(hasty->head, offsetof(struct head, boards) + offsetof(struct head_board, words),
               &value, sizeof value);
}

static void a_word_that_changed_without_a_wake_ends_the_wait(void **state)
{
    struct log_fixture *fx = *state;
    struct hasty_io hasty = {.io = *flume_io_posix()};
    flume_log_options options = {.flags = FLUME_OPEN_READ_ONLY, .io = &hasty.io};
    flume_board *board = NULL;
    flume_log *log = NULL;

    hasty.io.ctx = &hasty;
    hasty.io.wait = hasty_wait;
    hasty.head = fixture_path(fx, "basin.flume/HEAD");
    assert_int_equal(flume_log_open(&log, fx->path, &options, NULL), FLUME_OK);
    assert_int_equal(flume_log_board(log, "board", &board), FLUME_OK);
    assert_true(flume_board_read(board, 0) == 0);
    flume_board_wait(board, 0, 0, PATIENCE_NS);
    assert_int_equal(hasty.waits, 1);
    assert_true(flume_board_read(board, 0) == 5);
    close_handle(log);
}

/* --- Subscriptions ---------------------------------------------------------------------------- */

static void a_position_whose_record_cannot_be_looked_at_is_not_resumed(void **state)
{
    struct log_fixture *fx = *state;
    flume_subscribe_options options = {.name = "reader"};
    flume_subscription *subscription = NULL;
    struct collector *collector;
    struct faultio fault;

    begin_faults(fx, &fault);
    open_log(fx);
    (void)append_text(fx->log, "one");
    collector = collector_create();
    subscription = subscribe(fx->log, &options, collector);
    wait_for_count(collector, 1);
    flume_unsubscribe(subscription);
    close_log(fx);
    run_command("rm '%s/HEAD'", fx->path); /* So that opening leaves a new strata to be opened. */
    open_log(fx);
    raise_layout_count(fx);
    faultio_plan(&fault, (struct fault_plan){FAULT_LIST, 1, -EIO, FAULT_LASTING});
    subscription = NULL;
    expect_io_error(fx->log, flume_subscribe(fx->log, &options, collect, collector, &subscription),
                    EIO, "log");
    (void)faultio_heal(&fault);
    assert_null(subscription);
    (void)append_text(fx->log, "two");
    subscription = subscribe(fx->log, &options, collector);
    wait_for_count(collector, 2);
    flume_unsubscribe(subscription);
    collector_destroy(collector);
    end_faults(fx, &fault);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(a_manifest_that_cannot_be_written_alone_is_taken_back),
        closed_log_test(a_large_batch_behind_an_empty_strata_without_slots_is_refused),
        closed_log_test(a_large_batch_whose_first_piece_cannot_be_written_is_not_there),
        closed_log_test(a_batch_that_fails_half_way_is_taken_back),
        closed_log_test(without_space_for_zeros_there_is_no_strata),
        closed_log_test(a_head_beyond_all_slots_is_damage),
        closed_log_test(a_record_larger_than_the_strata_made_ahead_gets_its_own),
        closed_log_test(without_memory_for_a_value_nothing_is_appended),
        log_test(a_value_needs_a_handle),
        cmocka_unit_test(labels_end_where_an_item_does_not_fit_in),
        closed_log_test(records_of_strata_that_are_gone_are_not_to_be_found),
        log_test(a_record_damaged_in_its_known_place_is_told_with_it),
        closed_log_test(a_strata_that_goes_after_it_was_listed_is_missing),
        closed_log_test(a_cursor_by_time_tells_that_all_strata_are_gone),
        closed_log_test(what_cannot_be_listed_cannot_be_counted),
        closed_log_test(a_full_strata_with_a_lost_slot_gets_no_footer),
        closed_log_test(a_slot_gone_wrong_takes_no_record_with_it),
        closed_log_test(strata_that_come_during_a_sync_are_left_to_the_next),
        closed_log_test(a_careful_profile_passes_over_what_recovery_would_cut),
        closed_log_test(without_the_strata_of_what_is_durable_the_log_is_damaged),
        log_test(a_log_that_simply_ends_too_early_has_lost_its_tail),
        closed_log_test(a_newest_strata_of_which_nothing_came_is_taken_out),
        closed_log_test(what_a_poisoned_log_had_acknowledged_and_lost_is_told),
        log_test(a_reader_that_is_refused_access_looks_from_outside_or_says_so),
        log_test(who_looks_from_outside_shares_no_boards),
        log_test(a_word_that_changed_without_a_wake_ends_the_wait),
        closed_log_test(a_position_whose_record_cannot_be_looked_at_is_not_resumed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
