/*
 * test_refused.c - what stands in the way of an append, what the error says of it, and that the log
 * goes on where it can.
 */
#include "log_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"
#include "faultio.h"
#include "grain.h"
#include "head.h"
#include "leave.h"
#include "seal_fixture.h"

enum { LARGE_BYTES = 2 << 20, HOUR_S = 3600 };

static void expect_append(struct log_fixture *fx, int status, const char *word)
{
    uint64_t seq = 99;

    assert_int_equal(flume_log_append(fx->log, "x", 1, &seq), status);
    assert_int_equal(seq, 99);
    expect_error(fx->log, status, word);
}

static void expect_sound(const char *path)
{
    flume_error error;

    if (flume_check(path, NULL, NULL, &error) != FLUME_OK)
        fail_msg("check: %s", error.message);
}

/* --- A strata that is empty, too small, short or gone --- */

/* Whatever write fails: the strata that may be left empty is too small for what comes next. */
static void a_larger_record_after_a_failed_first_one_finds_its_place(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;
    bool left_empty = false;

    fx->options.io = &fault.table;
    fx->options.io_mode = FLUME_IO_PWRITE;
    fx->options.seal = &seal_on_request; /* Who seals meanwhile would take the failures. */
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    for (uint64_t nth = 1; nth <= 4; nth++) {
        (void)snprintf(fx->path, sizeof fx->path, "%s/%d.flume", fx->root, (int)nth);
        faultio_init(&fault, flume_io_posix());
        open_log(fx);
        faultio_plan(&fault, (struct fault_plan){FAULT_PWRITE, nth, -EIO, FAULT_ONCE});
        (void)flume_log_append(fx->log, "small", 5, NULL);
        left_empty = left_empty ||
                     (flume_log_head(fx->log) == 0 && stat_of(fx->log).strata_count == 1);
        faultio_plan(&fault, (struct fault_plan){FAULT_PWRITE, 1, -EIO, FAULT_ONCE});
        expect_append(fx, FLUME_ERR_IO, ""); /* The manifest does not go into it either. */
        (void)faultio_heal(&fault);
        expect_bytes(fx->log, append_bytes(fx->log, LARGE_BYTES, 1), LARGE_BYTES, 1);
        close_log(fx);
        assert_int_equal(fault.open_files, 0);
        faultio_deinit(&fault);
        expect_sound(fx->path);
    }
    assert_true(left_empty);
    fx->options.io = NULL;
}

static void where_the_slots_do_not_tell_the_end_the_log_is_damaged(void **state)
{
    struct log_fixture *fx = *state;

    (void)append_text(fx->log, "one");
    zero_file(fixture_path(fx, "basin.flume/log/00000000000000000000.slots"), 0, 64);
    expect_append(fx, FLUME_ERR_DAMAGED, "the active strata (seq 0) is damaged");
    expect_append(fx, FLUME_ERR_DAMAGED, "flume repair"); /* And stays so. */
    expect_text(fx->log, 1, "one");
}

static void slots_that_were_shortened_are_refused(void **state)
{
    struct log_fixture *fx = *state;

    (void)append_text(fx->log, "one");
    reopen_log(fx);
    run_command("truncate -s 4096 '%s/log/00000000000000000000.slots'", fx->path);
    expect_append(fx, FLUME_ERR_DAMAGED, "is shorter than it was made");
    reopen_log(fx); /* As it says. */
    expect_text(fx->log, append_text(fx->log, "two"), "two");
}

/* All handles list log/ anew. */
static void raise_layout_count(struct log_fixture *fx)
{
    const char *path = fixture_path(fx, "basin.flume/HEAD");
    uint64_t count;

    read_file(path, offsetof(struct head, layout_count), &count, sizeof count);
    count++;
    write_file(path, offsetof(struct head, layout_count), &count, sizeof count);
}

static void strata_that_were_taken_away_are_told_by_every_call(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor;
    flume_record record;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    (void)append_text(fx->log, "one");
    reopen_log(fx);
    (void)append_text(fx->log, "two");
    run_command("rm '%s'/log/*", fx->path);
    raise_layout_count(fx);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "is missing from log/");
    expect_get(fx->log, 1, FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "is missing from log/");
    cursor = open_cursor(fx->log, NULL);
    assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_ERR_DAMAGED);
    flume_cursor_close(cursor);
    assert_int_equal(stat_of(fx->log).strata_count, 0);
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_DAMAGED);
    fx->log = NULL;
}

static void an_active_strata_that_was_taken_away_takes_no_record(void **state)
{
    struct log_fixture *fx = *state;

    (void)append_text(fx->log, "one");
    reopen_log(fx);
    run_command("rm '%s'/log/*", fx->path);
    raise_layout_count(fx);
    expect_append(fx, FLUME_ERR_DAMAGED, "the active strata (seq 0) is missing from log/");
}

/* --- Arguments --- */

static void a_batch_of_too_many_records_is_too_large(void **state)
{
    struct log_fixture *fx = *state;
    flume_entry entry = {.body = "x", .body_bytes = 1};

    assert_int_equal(flume_log_append_many(fx->log, &entry, UINT32_MAX, NULL, NULL),
                     FLUME_ERR_TOO_LARGE);
    expect_error(fx->log, FLUME_ERR_TOO_LARGE, "4294967295 records");
    assert_int_equal(flume_log_head(fx->log), 0);
}

static void the_last_of_a_kind_that_cannot_be_is_invalid(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seq = 99;

    assert_int_equal(flume_log_last(fx->log, 256, &seq), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "no kind 256");
    assert_int_equal(flume_log_last(fx->log, 1, NULL), FLUME_ERR_INVALID);
    assert_int_equal(seq, 99);
    assert_int_equal(flume_log_last(NULL, 1, &seq), FLUME_ERR_INVALID);
}

static void a_manifest_of_too_many_bytes_is_too_large(void **state)
{
    struct log_fixture *fx = *state;
    char *build = malloc(200001);

    assert_non_null(build);
    memset(build, '%', 200000); /* Each of them is written as three. */
    build[200000] = '\0';
    fx->options.build = build;
    expect_open_fails(fx, FLUME_ERR_TOO_LARGE, "of the manifest are over");
    free(build);
}

static void without_memory_for_labels_nothing_is_appended(void **state)
{
    struct log_fixture *fx = *state;
    struct fault_memory memory;
    char label[201];
    const char *labels[] = {label, label, label};
    flume_entry entry = {.body = "x", .body_bytes = 1, .labels = labels, .label_count = 3};
    uint64_t head;

    memset(label, 'l', sizeof label);
    label[sizeof label - 1] = '\0';
    fault_memory_init(&memory);
    fx->options.allocator = &memory.table;
    open_log(fx);
    (void)append_text(fx->log, "one");
    head = flume_log_head(fx->log);
    fault_memory_plan(&memory, 1, FAULT_LASTING);
    assert_int_equal(flume_log_append_entry(fx->log, &entry, NULL), FLUME_ERR_NO_MEMORY);
    expect_error(fx->log, FLUME_ERR_NO_MEMORY, "labels");
    assert_int_equal(flume_log_append_many(fx->log, &entry, 1, NULL, NULL), FLUME_ERR_NO_MEMORY);
    expect_error(fx->log, FLUME_ERR_NO_MEMORY, "a batch of 1 records");
    fault_memory_plan(&memory, 0, FAULT_ONCE);
    assert_int_equal(flume_log_head(fx->log), head);
    assert_int_equal(flume_log_append_entry(fx->log, &entry, NULL), FLUME_OK);
    close_log(fx);
    fault_memory_deinit(&memory);
    fx->options.allocator = NULL;
}

/* --- Clocks --- */

struct clock_io {
    flume_io io;
    _Atomic uint64_t ahead_ns;
};

static uint64_t wall_ahead(void *ctx)
{
    struct clock_io *clock = ctx;

    return flume_io_posix()->wall_ns(flume_io_posix()->ctx) + atomic_load(&clock->ahead_ns);
}

static uint64_t monotonic_ahead(void *ctx)
{
    struct clock_io *clock = ctx;

    return flume_io_posix()->monotonic_ns(flume_io_posix()->ctx) + atomic_load(&clock->ahead_ns);
}

/* The value of the clock step item in a record's meta; 0: there is none. */
static int64_t clock_step_of(flume_log *log, uint64_t seq)
{
    flume_record record;
    int64_t step_ns = 0;

    assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
    for (size_t at = 0; at + 2 <= record.meta_bytes; at += 2 + (size_t)record.meta[at + 1]) {
        if (record.meta[at] == GRAIN_META_CLOCK_STEP)
            step_ns = (int64_t)get_le64(record.meta + at + 2);
    }
    flume_record_release(&record);
    return step_ns;
}

static void a_step_of_the_wall_clock_is_kept_with_the_next_record(void **state)
{
    struct log_fixture *fx = *state;
    struct clock_io clock = {.io = *flume_io_posix()};
    int64_t step_ns;
    uint64_t seq;

    clock.io.ctx = &clock;
    clock.io.wall_ns = wall_ahead;
    fx->options.io = &clock.io;
    open_log(fx);
    assert_true(clock_step_of(fx->log, append_text(fx->log, "before")) == 0);
    atomic_store(&clock.ahead_ns, 2 * HOUR_S * SECOND_NS);
    seq = append_labelled(fx->log, "after", "label");
    step_ns = clock_step_of(fx->log, seq);
    assert_true(step_ns > (int64_t)(HOUR_S * SECOND_NS) &&
                step_ns < (int64_t)(3 * HOUR_S * SECOND_NS));
    expect_records(fx->log, &(flume_cursor_options){.label = "label"}, texts("after"));
    assert_true(clock_step_of(fx->log, append_text(fx->log, "later")) == 0); /* Told once. */
    close_log(fx);
    fx->options.io = NULL;
}

static void a_long_silence_is_no_step_of_the_clock(void **state)
{
    struct log_fixture *fx = *state;
    struct clock_io clock = {.io = *flume_io_posix()};

    clock.io.ctx = &clock;
    clock.io.wall_ns = wall_ahead;
    clock.io.monotonic_ns = monotonic_ahead;
    fx->options.io = &clock.io;
    open_log(fx);
    (void)append_text(fx->log, "before");
    atomic_store(&clock.ahead_ns, 2 * HOUR_S * SECOND_NS);
    assert_true(clock_step_of(fx->log, append_text(fx->log, "after")) == 0);
    close_log(fx);
    fx->options.io = NULL;
}

/* --- Processes that die in the middle --- */

/* The POSIX table in a process that dies at its next write or sync, once it is armed. */
struct mortal_io {
    flume_io io;
    bool at_write, at_sync;
};

static void die_now(void)
{
    leave_coverage();
    (void)kill(getpid(), SIGKILL);
}

static int64_t mortal_pwrite(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    if (((struct mortal_io *)ctx)->at_write)
        die_now();
    return flume_io_posix()->pwrite(flume_io_posix()->ctx, file, source, bytes, offset);
}

static int mortal_sync(void *ctx, int file)
{
    if (((struct mortal_io *)ctx)->at_sync)
        die_now();
    return flume_io_posix()->sync(flume_io_posix()->ctx, file);
}

enum death { IN_AN_APPEND, IN_A_SYNC };

/* Append "one" in another process, which then dies in the middle of the next append or sync. */
static void die_in(struct log_fixture *fx, enum death death)
{
    pid_t child = fork();
    int how = 0;

    assert_true(child >= 0);
    if (child == 0) {
        struct mortal_io mortal = {.io = *flume_io_posix()};
        flume_log_options options = {
            .profile = FLUME_PROFILE_FORGETFUL, .io_mode = FLUME_IO_PWRITE, .io = &mortal.io};
        flume_log *log = NULL;

        mortal.io.ctx = &mortal;
        mortal.io.pwrite = mortal_pwrite;
        mortal.io.sync = mortal_sync;
        if (flume_log_open(&log, fx->path, &options, NULL) != FLUME_OK ||
            flume_log_append(log, "one", 3, NULL) != FLUME_OK)
            leave(1);
        mortal.at_write = death == IN_AN_APPEND;
        mortal.at_sync = death == IN_A_SYNC;
        (void)flume_log_append(log, "never", 5, NULL);
        (void)flume_log_sync(log, FLUME_SEQ_NONE);
        leave(2);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

static void open_beside_the_dead(struct log_fixture *fx, struct faultio *fault)
{
    faultio_init(fault, flume_io_posix());
    fx->options.io = &fault->table;
    fx->options.io_mode = FLUME_IO_PWRITE;
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
}

static void the_last_of_a_kind_is_right_after_a_death_in_an_append(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;
    uint64_t last = 0;

    open_beside_the_dead(fx, &fault);
    die_in(fx, IN_AN_APPEND);
    assert_int_equal(flume_log_head(fx->log), 2);
    assert_int_equal(flume_log_last(fx->log, FLUME_KIND_MESSAGE, &last), FLUME_OK);
    assert_int_equal(last, 1);
    expect_text(fx->log, append_text(fx->log, "two"), "two");
    close_log(fx);
    faultio_deinit(&fault);
    expect_sound(fx->path);
}

static void who_cannot_put_in_order_what_the_dead_left_poisons_the_log(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;
    uint64_t last = 0;

    open_beside_the_dead(fx, &fault);
    die_in(fx, IN_AN_APPEND);
    faultio_plan(&fault, (struct fault_plan){FAULT_PWRITE, 1, -EIO, FAULT_LASTING});
    expect_append(fx, FLUME_ERR_POISONED, "open it again");
    (void)faultio_heal(&fault);
    expect_append(fx, FLUME_ERR_POISONED, "open it again");
    assert_int_equal(flume_log_last(fx->log, FLUME_KIND_MESSAGE, &last), FLUME_ERR_POISONED);
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_POISONED);
    fx->log = NULL;
    open_log(fx);
    expect_text(fx->log, 1, "one");
    expect_text(fx->log, append_text(fx->log, "two"), "two");
    close_log(fx);
    faultio_deinit(&fault);
    expect_sound(fx->path);
}

static void a_sync_goes_on_where_another_process_died_in_one(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;

    open_beside_the_dead(fx, &fault);
    die_in(fx, IN_A_SYNC);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_durable(fx->log), 3);
    die_in(fx, IN_A_SYNC);
    close_log(fx); /* Closing syncs as well. */
    faultio_deinit(&fault);
    expect_sound(fx->path);
}

/* --- Bad disks --- */

static int64_t write_nothing(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    (void)ctx;
    (void)file;
    (void)source;
    (void)bytes;
    (void)offset;
    return 0;
}

static void a_write_that_makes_no_progress_is_an_error(void **state)
{
    struct log_fixture *fx = *state;
    flume_io io = *flume_io_posix();

    fx->options.io = &io;
    fx->options.io_mode = FLUME_IO_PWRITE;
    open_log(fx);
    (void)append_text(fx->log, "one");
    io.pwrite = write_nothing;
    expect_append(fx, FLUME_ERR_IO, "write to the active strata");
    io.pwrite = flume_io_posix()->pwrite;
    expect_text(fx->log, append_text(fx->log, "two"), "two");
    close_log(fx);
    fx->options.io = NULL;
}

/* The POSIX table with a disk that gives back other bytes, and no reading past the cache. */
struct lying_io {
    flume_io io;
    _Atomic uint32_t lies;
};

static int lying_open(void *ctx, const char *path, unsigned flags)
{
    (void)ctx;
    if ((flags & FLUME_IO_DIRECT) != 0)
        return -EINVAL;
    return flume_io_posix()->open(flume_io_posix()->ctx, path, flags);
}

static int64_t lying_pread(void *ctx, int file, void *target, size_t bytes, uint64_t offset)
{
    struct lying_io *lying = ctx;
    int64_t result = flume_io_posix()->pread(flume_io_posix()->ctx, file, target, bytes, offset);

    if (result > 0 && atomic_load(&lying->lies) != 0)
        ((uint8_t *)target)[result / 2] ^= 1;
    return result;
}

static void what_does_not_read_back_the_same_is_not_acknowledged(void **state)
{
    struct log_fixture *fx = *state;
    struct lying_io lying = {.io = *flume_io_posix()};
    uint8_t body[8192];

    lying.io.ctx = &lying;
    lying.io.open = lying_open;
    lying.io.pread = lying_pread;
    fx->options.io = &lying.io;
    fx->options.profile = FLUME_PROFILE_PARANOID;
    open_log(fx);
    (void)append_text(fx->log, "one");
    assert_int_equal(flume_log_durable(fx->log), 2);
    atomic_store(&lying.lies, 1);
    memset(body, 'b', sizeof body);
    assert_int_equal(flume_log_append(fx->log, body, sizeof body, NULL), FLUME_ERR_IO);
    expect_error(fx->log, FLUME_ERR_IO, "does not read back the same");
    atomic_store(&lying.lies, 0);
    assert_int_equal(flume_log_durable(fx->log), 2);
    expect_append(fx, FLUME_ERR_POISONED, "");
    assert_int_equal(flume_log_close(fx->log), FLUME_ERR_POISONED);
    fx->log = NULL;
    fx->options.io = NULL;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(a_larger_record_after_a_failed_first_one_finds_its_place),
        log_test(where_the_slots_do_not_tell_the_end_the_log_is_damaged),
        log_test(slots_that_were_shortened_are_refused),
        closed_log_test(strata_that_were_taken_away_are_told_by_every_call),
        log_test(an_active_strata_that_was_taken_away_takes_no_record),
        log_test(a_batch_of_too_many_records_is_too_large),
        log_test(the_last_of_a_kind_that_cannot_be_is_invalid),
        closed_log_test(a_manifest_of_too_many_bytes_is_too_large),
        closed_log_test(without_memory_for_labels_nothing_is_appended),
        closed_log_test(a_step_of_the_wall_clock_is_kept_with_the_next_record),
        closed_log_test(a_long_silence_is_no_step_of_the_clock),
        closed_log_test(the_last_of_a_kind_is_right_after_a_death_in_an_append),
        closed_log_test(who_cannot_put_in_order_what_the_dead_left_poisons_the_log),
        closed_log_test(a_sync_goes_on_where_another_process_died_in_one),
        closed_log_test(a_write_that_makes_no_progress_is_an_error),
        closed_log_test(what_does_not_read_back_the_same_is_not_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
