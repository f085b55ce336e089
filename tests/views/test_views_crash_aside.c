/*
 * test_views_crash_aside.c - what a program that dies while it verifies a view leaves behind.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "view_fixture.h"

enum { RECORDS = 100 };

static void die(struct recorder *recorder, const flume_record *record)
{
    (void)recorder;
    (void)record;
    (void)kill(getpid(), SIGKILL);
}

/* In the child: verify the view, and die of it. Returns only if it lives. */
static int verify_and_die(struct view_fixture *fx, struct recorder *recorder)
{
    flume_view_difference difference;
    flume_view *view;

    if (flume_open(&fx->flume, fx->base->path, &fx->options, NULL) != FLUME_OK ||
        flume_view_find(fx->flume, "recorder", &view) != FLUME_OK)
        return 1;
    for (unsigned i = 0; i < RECORDS; i++)
        if (flume_log_append(flume_log_of(fx->flume), "x", 1, NULL) != FLUME_OK)
            return 2;
    if (flume_view_wait(view, NULL) != FLUME_OK)
        return 3;
    recorder->also = die;
    return flume_view_verify(view, NULL, &difference);
}

static void leave_one_behind(struct view_fixture *fx, struct recorder *recorder)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(verify_and_die(fx, recorder));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    run_command("test -n \"$(find '%s' -name 'verify-*')\"", fx->base->path);
}

static void expect_none(struct view_fixture *fx)
{
    run_command("test -z \"$(find '%s' -name 'verify-*')\"", fx->base->path);
}

static void who_opens_the_view_removes_what_a_dead_verification_left(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = recorder_create("recorder", 1);

    define_view(fx, &recorder->definition);
    leave_one_behind(fx, recorder);
    open_views(fx);
    assert_int_equal(counted(view_named(fx->flume, "recorder")), RECORDS);
    expect_none(fx);
    close_views(fx);
    recorder_destroy(recorder);
}

static void who_verifies_the_view_removes_it_too(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = recorder_create("recorder", 1);
    flume_view_difference difference;

    define_view(fx, &recorder->definition);
    open_views(fx);
    (void)append_to(fx->flume, "x");
    assert_int_equal(counted(view_named(fx->flume, "recorder")), 1);
    run_command("mkdir '%s/verify-1-0x1'", views_path(fx, "recorder/1"));
    assert_int_equal(flume_view_verify(view_named(fx->flume, "recorder"), NULL, &difference),
                     FLUME_OK);
    expect_none(fx);
    close_views(fx);
    recorder_destroy(recorder);
}

struct onlooker {
    struct view_fixture *fx;
    bool has_looked;
};

/* Another handle comes while the view is verified. */
static void look(struct recorder *recorder, const flume_record *record)
{
    struct onlooker *onlooker = recorder->also_ctx;
    flume *other;

    (void)record;
    if (onlooker->has_looked)
        return;
    onlooker->has_looked = true;
    other = open_another(onlooker->fx);
    flume_rows_end(read_stale(view_named(other, "recorder")));
    run_command("test -n \"$(find '%s' -name 'verify-*')\"", onlooker->fx->base->path);
    close_another(other);
}

static void what_a_living_verification_uses_stays(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = recorder_create("recorder", 1);
    struct onlooker onlooker = {.fx = fx};
    flume_view_difference difference;

    define_view(fx, &recorder->definition);
    open_views(fx);
    (void)append_to(fx->flume, "x");
    assert_int_equal(counted(view_named(fx->flume, "recorder")), 1);
    recorder->also_ctx = &onlooker;
    recorder->also = look;
    assert_int_equal(flume_view_verify(view_named(fx->flume, "recorder"), NULL, &difference),
                     FLUME_OK);
    assert_true(onlooker.has_looked);
    assert_false(difference.different);
    expect_none(fx);
    close_views(fx);
    recorder_destroy(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        views_test(who_opens_the_view_removes_what_a_dead_verification_left),
        views_test(who_verifies_the_view_removes_it_too),
        views_test(what_a_living_verification_uses_stays),
    };

    return cmocka_run_group_tests_name("derived aside", tests, NULL, NULL);
}
