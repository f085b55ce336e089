/*
 * test_swap.c - a build is put in place only by who may advance the view, and believed by nobody
 * before it is judged, whoever holds that lock meanwhile.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "place.h"
#include "view_fixture.h"

/* JUDGED_AFTER: more waits than view.c has patience for. */
enum { RECORDS = 100, SLEEPS_MIN = 3, JUDGED_AFTER = 6000 };

/* Somebody else who advances the view, until it has been waited for a few times. */
struct other {
    flume_io io;
    flume_view *view;
    int lock_file;
    uint64_t generation;
    unsigned sleeps;
};

static int lock_advance(int file, short type)
{
    struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = PLACE_ADVANCE, .l_len = 1};

    return fcntl(file, F_OFD_SETLK, &lock);
}

static void sleep_of_who_waits(void *ctx, uint64_t ns)
{
    struct other *other = ctx;

    if (other->lock_file >= 0) {
        assert_int_equal(status_now(other->view).generation, other->generation);
        if (++other->sleeps == SLEEPS_MIN)
            assert_int_equal(lock_advance(other->lock_file, F_UNLCK), 0);
    }
    sleep_ns(ns);
}

static void a_swap_waits_for_who_advances_the_view(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = recorder_create("recorder", 1);
    struct other other = {.io = *flume_io_posix(), .lock_file = -1};

    other.io.ctx = &other; /* POSIX has no use for it. */
    other.io.sleep = sleep_of_who_waits;
    fx->options.log.io = &other.io;
    fx->options.views = FLUME_VIEWS_NOT_BUILT_IN | FLUME_VIEWS_NO_WORKERS;
    define_view(fx, &recorder->definition);
    open_views(fx);
    other.view = view_named(fx->flume, "recorder");
    for (unsigned i = 0; i < RECORDS; i++)
        (void)append_to(fx->flume, "x");
    assert_int_equal(counted(other.view), RECORDS);
    other.generation = status_now(other.view).generation;
    other.lock_file = open(views_path(fx, "recorder/1/LOCK"), O_RDWR | O_CLOEXEC);
    assert_true(other.lock_file >= 0);
    assert_int_equal(lock_advance(other.lock_file, F_WRLCK), 0);
    assert_int_equal(flume_view_rebuild(other.view, NULL), FLUME_OK);
    assert_int_equal(other.sleeps, SLEEPS_MIN);
    assert_int_equal(status_now(other.view).generation, other.generation + 1);
    assert_int_equal(counted(other.view), RECORDS);
    (void)close(other.lock_file);
    other.lock_file = -1;
    close_views(fx);
    recorder_destroy(recorder);
}

static void sleep_of_who_judges(void *ctx, uint64_t ns)
{
    struct other *other = ctx;

    (void)ns; /* The lock is held for a number of waits, however long they take. */
    if (other->lock_file >= 0 && ++other->sleeps == JUDGED_AFTER)
        assert_int_equal(lock_advance(other->lock_file, F_UNLCK), 0);
}

/* Who holds the lock may be stopped, or be a thread that swaps this very build because it is
 * bad. */
static void a_build_cut_short_is_not_believed_while_somebody_advances_it(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = recorder_create("recorder", 1);
    struct other other = {.io = *flume_io_posix(), .lock_file = -1};
    const char *path;
    struct stat info;

    other.io.ctx = &other;
    other.io.sleep = sleep_of_who_judges;
    fx->options.log.io = &other.io;
    fx->options.views = FLUME_VIEWS_NOT_BUILT_IN | FLUME_VIEWS_NO_WORKERS;
    define_view(fx, &recorder->definition);
    open_views(fx);
    for (unsigned i = 0; i < RECORDS; i++)
        (void)append_to(fx->flume, "x");
    assert_int_equal(counted(view_named(fx->flume, "recorder")), RECORDS);
    close_views(fx);
    path = views_path(fx, "recorder/1/1/data.mdb");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size / 2), 0);
    other.lock_file = open(views_path(fx, "recorder/1/LOCK"), O_RDWR | O_CLOEXEC);
    assert_true(other.lock_file >= 0);
    assert_int_equal(lock_advance(other.lock_file, F_WRLCK), 0);
    open_views(fx);
    other.view = view_named(fx->flume, "recorder");
    assert_int_equal(counted(other.view), RECORDS);
    assert_int_equal(status_now(other.view).generation, 2);
    assert_string_equal(status_now(other.view).why, "its file is not as it was left");
    assert_true(other.sleeps >= JUDGED_AFTER);
    (void)close(other.lock_file);
    other.lock_file = -1;
    close_views(fx);
    recorder_destroy(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        views_test(a_swap_waits_for_who_advances_the_view),
        views_test(a_build_cut_short_is_not_believed_while_somebody_advances_it),
    };

    return cmocka_run_group_tests_name("swapping a build in", tests, NULL, NULL);
}
