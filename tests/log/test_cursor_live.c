/*
 * test_cursor_live.c - cursors that wait for what is not there yet.
 *
 * L17 to L19, A3 and A4 of the list in test_cursor.c, for the pull form: a paused sink is a caller
 * that does not call.
 */
#include "log_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "faultio.h"

#define MS UINT64_C(1000000)

static const flume_cursor_options live = {.flags = FLUME_CURSOR_LIVE};

static uint64_t process_now_ns(void)
{
    const flume_io *io = flume_io_posix();

    return io->monotonic_ns(io->ctx);
}

/* Another thread that appends or cancels after it has been started. */
struct helper {
    pthread_t thread;
    flume_log *log;
    flume_cursor *cursor; /* Not NULL: to be cancelled. */
    unsigned count;       /* Records to append. */
    unsigned pause_ns;    /* Before each. */
    const char *label;
    int status;
};

static void *helper_run(void *ctx)
{
    struct helper *helper = ctx;
    const flume_io *io = flume_io_posix();
    flume_entry entry = {.labels = &helper->label, .label_count = helper->label != NULL ? 1 : 0};

    for (unsigned i = 0; i < helper->count && helper->status == FLUME_OK; i++) {
        char text[16];

        (void)snprintf(text, sizeof text, "%u", i);
        entry.body = text;
        entry.body_bytes = strlen(text);
        io->sleep(io->ctx, helper->pause_ns);
        helper->status = flume_log_append_entry(helper->log, &entry, NULL);
    }
    if (helper->cursor != NULL) {
        io->sleep(io->ctx, helper->pause_ns);
        flume_cursor_cancel(helper->cursor);
    }
    return NULL;
}

static void start(struct helper *helper)
{
    assert_int_equal(pthread_create(&helper->thread, NULL, helper_run, helper), 0);
}

static void finish(struct helper *helper)
{
    assert_int_equal(pthread_join(helper->thread, NULL), 0);
    assert_int_equal(helper->status, FLUME_OK);
}

static void expect_numbered(flume_cursor *cursor, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char text[16];

        (void)snprintf(text, sizeof text, "%u", i);
        expect_next(cursor, text);
    }
}

static void old_records_come_first_then_new_ones_without_gap_or_repeat(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor = open_cursor(fx->log, &live);
    struct helper helper = {.log = open_other(fx, 0), .count = 3000};

    start(&helper);
    expect_numbered(cursor, 3000);
    expect_no_next(cursor, FLUME_ERR_TIMEOUT); /* It does not end by itself. */
    finish(&helper);
    close_handle(helper.log);
    flume_cursor_close(cursor);
}

/* A follower goes on in the newest strata without looking records up: until there is a newer
 * one. */
static void a_follower_goes_on_from_strata_to_strata(void **state)
{
    struct log_fixture *fx = *state;
    const flume_seal_call seal = {.active = true};
    flume_log *other = open_other(fx, 0);
    flume_cursor *cursor = open_cursor(other, &live);
    unsigned given = 0;

    for (unsigned i = 0; i < 60; i++) {
        char text[16];

        if (i % 7 == 5) /* Its strata is closed, and exchanged while the cursor is in it. */
            assert_int_equal(flume_log_seal(fx->log, &seal, NULL), FLUME_OK);
        (void)snprintf(text, sizeof text, "%u", i);
        (void)append_text(fx->log, text);
        for (; i % 3 == 2 && given <= i; given++) {
            (void)snprintf(text, sizeof text, "%u", given);
            expect_next(cursor, text);
        }
        if (i % 3 == 2)
            expect_no_next(cursor, FLUME_ERR_TIMEOUT);
    }
    assert_int_equal(given, 60);
    flume_cursor_close(cursor);
    close_handle(other);
}

static void a_waiting_cursor_is_woken_by_another_thread_or_handle(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *other = open_other(fx, 0);

    for (unsigned round = 0; round < 2; round++) {
        struct helper helper = {
            .log = round == 0 ? fx->log : other, .count = 20, .pause_ns = 2 * MS};
        flume_cursor_options options = {.flags = FLUME_CURSOR_LIVE | FLUME_CURSOR_NEW_ONLY};
        flume_cursor *cursor = open_cursor(fx->log, &options);

        start(&helper);
        expect_numbered(cursor, 20);
        finish(&helper);
        flume_cursor_close(cursor);
    }
    close_handle(other);
}

static void live_from_the_last_seq_yields_only_what_comes(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.flags = FLUME_CURSOR_LIVE, .bounds = FLUME_GT};
    flume_cursor *cursor;

    options.gt = FLUME_SEQ_NONE; /* Of an empty log: everything from the first. */
    cursor = open_cursor(fx->log, &options);
    (void)append_text(fx->log, "first");
    expect_next(cursor, "first");
    flume_cursor_close(cursor);
    options.gt = flume_log_head(fx->log) - 1;
    cursor = open_cursor(fx->log, &options);
    expect_no_next(cursor, FLUME_ERR_TIMEOUT);
    (void)append_text(fx->log, "second");
    expect_next(cursor, "second");
    flume_cursor_close(cursor);
}

static void a_lower_bound_in_the_future_waits_for_that_seq(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.flags = FLUME_CURSOR_LIVE, .bounds = FLUME_GTE, .gte = 3};
    flume_cursor *cursor = open_cursor(fx->log, &options);

    (void)append_text(fx->log, "seq 1");
    (void)append_text(fx->log, "seq 2");
    expect_no_next(cursor, FLUME_ERR_TIMEOUT);
    (void)append_text(fx->log, "seq 3");
    expect_next(cursor, "seq 3");
    flume_cursor_close(cursor);
}

static void new_only_gives_nothing_old(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.flags = FLUME_CURSOR_NEW_ONLY};
    flume_cursor *cursor;

    (void)append_text(fx->log, "old");
    expect_records(fx->log, &options, no_texts);
    options.flags |= FLUME_CURSOR_LIVE;
    cursor = open_cursor(fx->log, &options);
    expect_no_next(cursor, FLUME_ERR_TIMEOUT);
    (void)append_text(fx->log, "new");
    expect_next(cursor, "new");
    flume_cursor_close(cursor);
}

static void limits_and_upper_bounds_end_a_live_cursor(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options limited = {.flags = FLUME_CURSOR_LIVE, .limit = 2};
    flume_cursor_options bounded = {.flags = FLUME_CURSOR_LIVE, .bounds = FLUME_LTE, .lte = 2};
    flume_cursor *cursors[2] = {open_cursor(fx->log, &limited), open_cursor(fx->log, &bounded)};

    for (unsigned i = 0; i < 2; i++)
        expect_no_next(cursors[i], FLUME_ERR_TIMEOUT);
    (void)append_text(fx->log, "one");
    (void)append_text(fx->log, "two");
    (void)append_text(fx->log, "three");
    for (unsigned i = 0; i < 2; i++) {
        expect_next(cursors[i], "one");
        expect_next(cursors[i], "two");
        expect_no_next(cursors[i], FLUME_END);
        expect_no_next(cursors[i], FLUME_END);
        flume_cursor_close(cursors[i]);
    }
}

static void a_timeout_lasts_as_long_as_it_says(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor = open_cursor(fx->log, &live);
    uint64_t begun_ns = process_now_ns();
    flume_record record;

    assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_ERR_TIMEOUT);
    assert_int_equal(flume_cursor_next(cursor, 150 * MS, &record), FLUME_ERR_TIMEOUT);
    assert_true(process_now_ns() - begun_ns >= 150 * MS);
    assert_true(process_now_ns() - begun_ns < 5 * SECOND_NS);
    flume_cursor_close(cursor);
}

/* Records that a filter passes over do not make the wait begin anew. */
static void a_timeout_is_for_the_whole_call_however_much_is_filtered(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.flags = FLUME_CURSOR_LIVE, .label = "never"};
    flume_cursor *cursor = open_cursor(fx->log, &options);
    struct helper helper = {.log = fx->log, .count = 40, .pause_ns = 50 * MS}; /* 2 s. */
    uint64_t begun_ns = process_now_ns();
    flume_record record;

    start(&helper);
    assert_int_equal(flume_cursor_next(cursor, 200 * MS, &record), FLUME_ERR_TIMEOUT);
    assert_true(process_now_ns() - begun_ns < SECOND_NS);
    finish(&helper);
    flume_cursor_close(cursor);
}

static void a_cursor_that_is_not_live_never_waits(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor = open_cursor(fx->log, NULL);
    flume_record record;

    assert_int_equal(flume_cursor_next(cursor, FLUME_WAIT_FOREVER, &record), FLUME_END);
    flume_cursor_close(cursor);
}

static void a_waiting_cursor_is_cancelled_from_another_thread(void **state)
{
    struct log_fixture *fx = *state;

    for (unsigned round = 0; round < 20; round++) {
        struct helper helper = {.cursor = open_cursor(fx->log, &live),
                                .pause_ns = round % 2 == 0 ? 0 : (unsigned)MS};
        flume_record record;

        start(&helper);
        assert_int_equal(flume_cursor_next(helper.cursor, FLUME_WAIT_FOREVER, &record),
                         FLUME_ERR_CANCELLED);
        finish(&helper);
        flume_cursor_close(helper.cursor);
    }
}

static void a_cancel_before_the_call_counts_also_without_waiting(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor = open_cursor(fx->log, NULL);

    (void)append_text(fx->log, "x");
    flume_cursor_cancel(cursor);
    expect_no_next(cursor, FLUME_ERR_CANCELLED);
    flume_cursor_close(cursor);
}

static void durable_only_gives_what_a_power_cut_cannot_take(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.flags = FLUME_CURSOR_DURABLE, .bounds = FLUME_GT, .gt = 1};
    flume_cursor *cursor;

    open_forgetful(fx);
    assert_int_equal(flume_log_sync(fx->log, append_text(fx->log, "one")), FLUME_OK);
    (void)append_text(fx->log, "two");
    expect_records(fx->log, &options, texts("one"));
    options.flags |= FLUME_CURSOR_LIVE;
    cursor = open_cursor(fx->log, &options);
    expect_next(cursor, "one");
    expect_no_next(cursor, FLUME_ERR_TIMEOUT);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    expect_next(cursor, "two");
    flume_cursor_close(cursor);
}

static void *sync_later(void *ctx)
{
    const flume_io *io = flume_io_posix();

    io->sleep(io->ctx, 20 * MS);
    return flume_log_sync(ctx, FLUME_SEQ_NONE) == FLUME_OK ? NULL : ctx;
}

static void a_cursor_that_waits_for_durable_is_woken_by_a_sync(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.flags = FLUME_CURSOR_DURABLE | FLUME_CURSOR_LIVE};
    flume_cursor *cursor;
    pthread_t thread;
    void *failed;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    cursor = open_cursor(fx->log, &options);
    for (unsigned round = 0; round < 5; round++) {
        (void)append_text(fx->log, "x");
        assert_int_equal(pthread_create(&thread, NULL, sync_later, fx->log), 0);
        expect_next(cursor, "x");
        assert_int_equal(pthread_join(thread, &failed), 0);
        assert_null(failed);
    }
    flume_cursor_close(cursor);
}

/* --- Waiters for different things --- */

static void *wait_for_one(void *ctx)
{
    flume_record record;

    return flume_cursor_next(ctx, PATIENCE_NS, &record) == FLUME_OK ? NULL : ctx;
}

static void waiters_for_different_seqs_are_each_woken(void **state)
{
    enum { WAITERS = 8 };
    struct log_fixture *fx = *state;
    flume_cursor *cursors[WAITERS];
    pthread_t threads[WAITERS];
    void *failed;

    for (uint64_t i = 0; i < WAITERS; i++) {
        flume_cursor_options options = {
            .flags = FLUME_CURSOR_LIVE, .bounds = FLUME_GTE, .gte = WAITERS - i};

        cursors[i] = open_cursor(fx->log, &options); /* The later asked, the earlier woken. */
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_one, cursors[i]), 0);
    }
    for (unsigned i = 0; i < WAITERS; i++)
        (void)append_text(fx->log, "x");
    for (unsigned i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
        flume_cursor_close(cursors[i]);
    }
}

/* --- Descriptors --- */

static bool is_readable(int descriptor, int timeout_ms)
{
    struct pollfd row = {.fd = descriptor, .events = POLLIN};

    return poll(&row, 1, timeout_ms) == 1 && (row.revents & POLLIN) != 0;
}

static int descriptor_of(flume_cursor *cursor)
{
    int descriptor = -1;

    assert_int_equal(flume_cursor_descriptor(cursor, &descriptor), FLUME_OK);
    assert_true(descriptor >= 0);
    return descriptor;
}

static void a_descriptor_is_readable_exactly_while_there_is_something(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor = open_cursor(fx->log, &live);
    int descriptor = descriptor_of(cursor);

    assert_int_equal(descriptor_of(cursor), descriptor); /* The same each time. */
    expect_no_next(cursor, FLUME_ERR_TIMEOUT);
    assert_false(is_readable(descriptor, 0));
    for (unsigned round = 0; round < 50; round++) {
        (void)append_text(fx->log, "a");
        (void)append_text(fx->log, "b");
        assert_true(is_readable(descriptor, 20000));
        expect_next(cursor, "a");
        assert_true(is_readable(descriptor, 20000)); /* There is more. */
        expect_next(cursor, "b");
        expect_no_next(cursor, FLUME_ERR_TIMEOUT); /* Drained where nothing is found. */
        assert_false(is_readable(descriptor, 0));
    }
    flume_cursor_close(cursor);
}

static void a_descriptor_asked_for_late_shows_what_is_there(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor = open_cursor(fx->log, &live);

    (void)append_text(fx->log, "a");
    assert_true(is_readable(descriptor_of(cursor), 0));
    expect_next(cursor, "a");
    flume_cursor_close(cursor);
}

static void one_loop_over_many_descriptors_misses_nothing(void **state)
{
    enum { CURSORS = 5, COUNT = 400 };
    struct log_fixture *fx = *state;
    flume_cursor *cursors[CURSORS];
    struct pollfd rows[CURSORS];
    unsigned found[CURSORS] = {0};
    struct helper helper = {.log = open_other(fx, 0), .count = COUNT, .pause_ns = 100000};
    unsigned left = CURSORS;

    for (unsigned i = 0; i < CURSORS; i++) {
        flume_cursor_options options = live;

        options.flags |= i == 0 ? FLUME_CURSOR_DURABLE : 0;
        cursors[i] = open_cursor(fx->log, &options);
        rows[i] = (struct pollfd){.fd = descriptor_of(cursors[i]), .events = POLLIN};
    }
    start(&helper);
    while (left > 0) {
        assert_true(poll(rows, CURSORS, 20000) > 0);
        for (unsigned i = 0; i < CURSORS; i++) {
            flume_record record;

            if ((rows[i].revents & POLLIN) == 0)
                continue;
            while (flume_cursor_next(cursors[i], 0, &record) == FLUME_OK) {
                char text[16];

                (void)snprintf(text, sizeof text, "%u", found[i]++);
                assert_true(record_is(&record, text));
            }
            left -= found[i] == COUNT ? 1 : 0;
            rows[i].fd = found[i] == COUNT ? -1 : rows[i].fd;
        }
    }
    finish(&helper);
    close_handle(helper.log);
    for (unsigned i = 0; i < CURSORS; i++)
        flume_cursor_close(cursors[i]);
}

static void a_descriptor_stays_readable_until_what_is_there_was_read(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor = open_cursor(fx->log, &live);
    struct pollfd polled = {.events = POLLIN};

    assert_int_equal(flume_cursor_descriptor(cursor, &polled.fd), FLUME_OK);
    expect_no_next(cursor, FLUME_ERR_TIMEOUT);
    assert_int_equal(poll(&polled, 1, 0), 0);
    for (unsigned i = 0; i < 3; i++) {
        (void)append_text(fx->log, "x");
        assert_int_equal(poll(&polled, 1, 10000), 1);
        (void)usleep(5000); /* The notifier has looked again. */
    }
    for (unsigned i = 0; i < 3; i++)
        expect_next(cursor, "x");
    expect_no_next(cursor, FLUME_ERR_TIMEOUT);
    assert_int_equal(poll(&polled, 1, 0), 0);
    flume_cursor_close(cursor);
}

static void without_descriptors_left_none_is_made(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor = open_cursor(fx->log, &live);
    struct rlimit limit, before;
    int descriptor = -7;
    int next = dup(0);

    assert_true(next >= 0);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(flume_cursor_descriptor(cursor, &descriptor), FLUME_ERR_IO);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(descriptor, -7);
    expect_error(fx->log, FLUME_ERR_IO, "cannot make a descriptor");
    assert_int_equal(flume_cursor_descriptor(cursor, &descriptor), FLUME_OK);
    flume_cursor_close(cursor);
}

static void without_memory_no_descriptor_is_made_either(void **state)
{
    struct log_fixture *fx = *state;
    struct fault_memory memory;
    flume_cursor *cursor;
    int descriptor = -7;

    fault_memory_init(&memory);
    fx->options.allocator = &memory.table;
    open_log(fx);
    cursor = open_cursor(fx->log, &live);
    fault_memory_plan(&memory, 1, FAULT_LASTING);
    assert_int_equal(flume_cursor_descriptor(cursor, &descriptor), FLUME_ERR_NO_MEMORY);
    fault_memory_plan(&memory, 0, FAULT_ONCE);
    assert_int_equal(descriptor, -7);
    expect_error(fx->log, FLUME_ERR_NO_MEMORY, "cannot make a descriptor");
    assert_int_equal(flume_cursor_descriptor(cursor, &descriptor), FLUME_OK);
    flume_cursor_close(cursor);
    close_log(fx);
    assert_int_equal(atomic_load(&memory.live_blocks), 0);
    fault_memory_deinit(&memory);
    fx->options.allocator = NULL;
}

/* Shorter than the time for which who has just found something looks again before it sleeps. */
static void a_short_timeout_right_after_a_record_is_kept_too(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor = open_cursor(fx->log, &live);
    flume_record record;

    for (unsigned i = 0; i < 20; i++) {
        struct helper helper = {.log = fx->log, .count = 1, .pause_ns = MS};

        start(&helper);
        expect_next(cursor, "0");
        assert_int_equal(flume_cursor_next(cursor, MS / 10, &record), FLUME_ERR_TIMEOUT);
        finish(&helper);
    }
    flume_cursor_close(cursor);
}

static void only_a_live_cursor_has_a_descriptor(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor = open_cursor(fx->log, NULL);
    int descriptor = -7;

    assert_int_equal(flume_cursor_descriptor(cursor, &descriptor), FLUME_ERR_INVALID);
    assert_int_equal(descriptor, -7);
    flume_cursor_close(cursor);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        log_test(old_records_come_first_then_new_ones_without_gap_or_repeat),
        log_test(a_follower_goes_on_from_strata_to_strata),
        log_test(a_waiting_cursor_is_woken_by_another_thread_or_handle),
        log_test(live_from_the_last_seq_yields_only_what_comes),
        log_test(a_lower_bound_in_the_future_waits_for_that_seq),
        log_test(new_only_gives_nothing_old),
        log_test(limits_and_upper_bounds_end_a_live_cursor),
        log_test(a_timeout_lasts_as_long_as_it_says),
        log_test(a_timeout_is_for_the_whole_call_however_much_is_filtered),
        log_test(a_cursor_that_is_not_live_never_waits),
        log_test(a_waiting_cursor_is_cancelled_from_another_thread),
        log_test(a_cancel_before_the_call_counts_also_without_waiting),
        closed_log_test(durable_only_gives_what_a_power_cut_cannot_take),
        closed_log_test(a_cursor_that_waits_for_durable_is_woken_by_a_sync),
        log_test(waiters_for_different_seqs_are_each_woken),
        log_test(a_descriptor_is_readable_exactly_while_there_is_something),
        log_test(a_descriptor_asked_for_late_shows_what_is_there),
        log_test(one_loop_over_many_descriptors_misses_nothing),
        log_test(a_descriptor_stays_readable_until_what_is_there_was_read),
        log_test(without_descriptors_left_none_is_made),
        closed_log_test(without_memory_no_descriptor_is_made_either),
        log_test(a_short_timeout_right_after_a_record_is_kept_too),
        log_test(only_a_live_cursor_has_a_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
