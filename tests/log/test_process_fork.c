/*
 * test_process_fork.c - a handle after fork(): in the child it answers FLUME_ERR_FORKED to every
 * call, close frees it, and the parent's goes on unharmed.
 *
 * These are the only tests that fork with a handle open.
 */
#include "process_fixture.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leave.h"

/* What the child finds in its memory. */
struct inherited {
    struct fixture *fx;
    flume_log *log;
    flume_cursor *cursor;
    flume_subscription *subscription;
    _Atomic uint64_t delivered;
};

static int count_record(void *ctx, const flume_record *record)
{
    struct inherited *inherited = ctx;

    (void)record;
    (void)atomic_fetch_add(&inherited->delivered, 1);
    return 0;
}

static void await_delivered(struct inherited *inherited, uint64_t count)
{
    uint64_t until_ns = process_now_ns() + 10 * SECOND;

    while (atomic_load(&inherited->delivered) < count && process_now_ns() < until_ns)
        pause_ns(MS / 10);
    assert_int_equal(atomic_load(&inherited->delivered), count);
}

static int append_text(flume_log *log, const char *text)
{
    return flume_log_append(log, text, strlen(text), NULL);
}

static void inherit(struct fixture *fx, struct inherited *inherited, unsigned flags)
{
    flume_cursor_options live = {.flags = FLUME_CURSOR_LIVE};

    memset(inherited, 0, sizeof *inherited);
    inherited->fx = fx;
    inherited->log = process_open_log(fx, FLUME_OPEN_CREATE | flags);
    expect_ok(inherited->log, append_text(inherited->log, "one"));
    expect_ok(inherited->log, flume_cursor_open(inherited->log, &live, &inherited->cursor));
    expect_ok(inherited->log, flume_subscribe(inherited->log, NULL, count_record, inherited,
                                              &inherited->subscription));
    await_delivered(inherited, 1);
}

/* The parent's handle, and all that hangs on it, is as it was. */
static void expect_unharmed(struct inherited *inherited)
{
    flume_log *log = inherited->log;
    uint64_t delivered = atomic_load(&inherited->delivered);
    flume_record record;

    expect_ok(log, append_text(log, "of the parent"));
    expect_ok(log, flume_log_sync(log, FLUME_SEQ_NONE));
    expect_ok(log, flume_cursor_next(inherited->cursor, 0, &record));
    expect_ok(log, flume_log_get(log, 0, &record));
    flume_record_release(&record);
    await_delivered(inherited, delivered + 1);
}

static void part(struct inherited *inherited)
{
    flume_unsubscribe(inherited->subscription);
    flume_cursor_close(inherited->cursor);
    process_close_log(inherited->log);
    expect_checked(inherited->fx->basin);
}

/* Run `play` in a child; it must end well. */
static void in_a_child(struct inherited *inherited, void (*play)(struct inherited *inherited))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)alarm(20); /* A call that hangs ends the child. */
        play(inherited);
        leave(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child ended with status 0x%x", status);
}

static void must_be_forked(int status, const char *call)
{
    role_require(status == FLUME_ERR_FORKED, "%s answers %s", call, flume_status_name(status));
}

static void try_log_calls(flume_log *log)
{
    flume_entry entry = {.body = "x", .body_bytes = 1};
    flume_log_stat_info info;
    flume_attached attached;
    flume_manifest manifest;
    flume_record record;
    uint64_t seq;

    must_be_forked(append_text(log, "x"), "append");
    must_be_forked(flume_log_append_many(log, &entry, 1, NULL, &seq), "append_many");
    must_be_forked(flume_log_append_many(log, NULL, 0, NULL, &seq), "append_many of nothing");
    must_be_forked(flume_log_append_entry(log, &entry, &seq), "append_entry");
    must_be_forked(flume_log_append_value(log, &entry, NULL, &seq), "append_value");
    must_be_forked(flume_log_last(log, FLUME_KIND_MESSAGE, &seq), "last");
    must_be_forked(flume_log_sync(log, FLUME_SEQ_NONE), "sync");
    must_be_forked(flume_log_get(log, 0, &record), "get");
    must_be_forked(flume_log_envelope(log, 0, &manifest), "envelope");
    must_be_forked(flume_log_stat(log, &info), "stat");
    must_be_forked(flume_log_attached(log, &attached, 1), "attached");
    role_require(flume_log_head(log) == 0, "head is not 0");
    role_require(flume_log_durable(log) == 0, "durable is not 0");
}

static void try_everything(struct inherited *inherited)
{
    flume_log *log = inherited->log;
    flume_subscription *subscription;
    flume_cursor *cursor;
    flume_record record;
    uint64_t seq;
    int descriptor;

    try_log_calls(log);
    must_be_forked(flume_cursor_open(log, NULL, &cursor), "cursor_open");
    must_be_forked(flume_cursor_next(inherited->cursor, FLUME_WAIT_FOREVER, &record), "next");
    must_be_forked(flume_cursor_descriptor(inherited->cursor, &descriptor), "descriptor");
    flume_cursor_cancel(inherited->cursor);
    must_be_forked(flume_subscribe(log, NULL, count_record, inherited, &subscription), "subscribe");
    must_be_forked(flume_subscription_forget(log, "name"), "forget");
    must_be_forked(flume_subscription_remembered(log, "name", &seq), "remembered");
    flume_unsubscribe(inherited->subscription);
    flume_cursor_close(inherited->cursor);
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

static void every_call_says_forked(void **state)
{
    struct inherited inherited;

    inherit(*state, &inherited, 0);
    in_a_child(&inherited, try_everything);
    expect_unharmed(&inherited);
    part(&inherited);
}

static void open_for_itself(struct inherited *inherited)
{
    struct role role = {.basin = inherited->fx->basin};
    flume_log *log;

    role_require(flume_log_close(inherited->log) == FLUME_OK, "close");
    log = role_open(&role, NULL);
    role_require(append_text(log, "of the child") == FLUME_OK, "append");
    role_require(flume_log_close(log) == FLUME_OK, "close");
}

static void the_child_may_open_the_basin_itself(void **state)
{
    struct inherited inherited;
    uint64_t head;

    inherit(*state, &inherited, 0);
    head = flume_log_head(inherited.log);
    in_a_child(&inherited, open_for_itself);
    assert_int_equal(flume_log_head(inherited.log), head + 2); /* With its manifest. */
    await_delivered(&inherited, 2);
    expect_unharmed(&inherited);
    part(&inherited);
}

static void open_beside(struct inherited *inherited)
{
    struct role role = {.basin = inherited->fx->basin};
    flume_log *log = role_open(&role, NULL);

    must_be_forked(append_text(inherited->log, "x"), "append");
    role_require(append_text(log, "of the child") == FLUME_OK, "append");
    role_require(flume_log_close(log) == FLUME_OK, "close");
    must_be_forked(append_text(inherited->log, "x"), "append");
}

static void the_child_need_not_close_first(void **state)
{
    struct inherited inherited;

    inherit(*state, &inherited, 0);
    in_a_child(&inherited, open_beside);
    expect_unharmed(&inherited);
    part(&inherited);
}

static void close_only(struct inherited *inherited)
{
    role_require(flume_log_close(inherited->log) == FLUME_OK, "close");
}

static void the_child_s_close_keeps_the_parent_s_exclusiveness(void **state)
{
    flume_log_options options = {.lock_timeout_ns = 100 * MS};
    struct inherited inherited;
    flume_error error;

    inherit(*state, &inherited, FLUME_OPEN_EXCLUSIVE);
    in_a_child(&inherited, close_only);
    assert_int_equal(process_try_open(inherited.fx->basin, &options, &error), FLUME_ERR_BUSY);
    expect_unharmed(&inherited);
    part(&inherited);
    assert_int_equal(process_try_open(inherited.fx->basin, &options, &error), FLUME_OK);
}

static void pass_on(struct inherited *inherited)
{
    in_a_child(inherited, try_everything); /* A grandchild. */
    must_be_forked(append_text(inherited->log, "x"), "append");
}

static void a_grandchild_is_told_too(void **state)
{
    struct inherited inherited;

    inherit(*state, &inherited, 0);
    in_a_child(&inherited, pass_on);
    expect_unharmed(&inherited);
    part(&inherited);
}

/* The other way round: the parent leaves first. */
static void a_parent_that_closes_leaves_the_child_s_handle_closable(void **state)
{
    struct inherited inherited;
    int orders[2];
    int status = 0;
    char order;
    pid_t pid;

    inherit(*state, &inherited, 0);
    assert_int_equal(pipe(orders), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)alarm(20);
        role_require(read(orders[0], &order, 1) == 1, "no order came");
        try_everything(&inherited);
        leave(0);
    }
    flume_unsubscribe(inherited.subscription);
    flume_cursor_close(inherited.cursor);
    process_close_log(inherited.log);
    assert_int_equal(write(orders[1], "g", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)close(orders[0]);
    (void)close(orders[1]);
    expect_checked(inherited.fx->basin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_call_says_forked, setup, teardown),
        cmocka_unit_test_setup_teardown(the_child_may_open_the_basin_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(the_child_need_not_close_first, setup, teardown),
        cmocka_unit_test_setup_teardown(the_child_s_close_keeps_the_parent_s_exclusiveness, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_grandchild_is_told_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_parent_that_closes_leaves_the_child_s_handle_closable,
                                        setup, teardown),
    };

    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
