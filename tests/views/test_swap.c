/*
 * test_swap.c - a build is put in place only by who may advance the view.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "place.h"
#include "view_fixture.h"

enum { RECORDS = 100, SLEEPS_MIN = 3 };

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        views_test(a_swap_waits_for_who_advances_the_view),
    };

    return cmocka_run_group_tests_name("swapping a build in", tests, NULL, NULL);
}
