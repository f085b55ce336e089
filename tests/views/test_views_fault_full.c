/*
 * test_views_fault_full.c - the disk that views are kept on is full.
 *
 * views/ is a file system of its own, a small one in memory, in a mount namespace of this process
 * alone; a ballast fills it and goes again. A view that cannot be written says so by its name, goes
 * on answering what it has, and goes on by itself once there is space; the log does not notice.
 * Without the right to mount, the tests are skipped.
 */
#include "views_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORDS = 400, DISK_MIB = 8, ROUNDS_MAX = 400, BALLAST_CHUNK = 4096 };

static bool can_mount;

/* Called before any thread is there. */
static void leave_mount_namespace(void)
{
    can_mount = unshare(CLONE_NEWNS) == 0 &&
                mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static int setup_small_disk(void **state)
{
    char path[2 * TRIAL_PATH_BYTES], size[32];
    struct trial *trial;
    flume_log *log;
    int result = trial_setup(state);

    trial = *state;
    if (!can_mount)
        return result;
    assert_int_equal(flume_log_open(&log, trial->path, &trial->options.log, NULL), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    (void)snprintf(path, sizeof path, "%s/views", trial->path);
    (void)snprintf(size, sizeof size, "size=%dm", DISK_MIB);
    assert_int_equal(mkdir(path, 0777), 0);
    if (mount("tmpfs", path, "tmpfs", 0, size) != 0)
        can_mount = false;
    return result;
}

static int teardown_small_disk(void **state)
{
    struct trial *trial = *state;
    char path[2 * TRIAL_PATH_BYTES];

    (void)flume_close(trial->flume);
    trial->flume = NULL;
    (void)snprintf(path, sizeof path, "%s/views", trial->path);
    if (can_mount)
        (void)umount2(path, MNT_DETACH); /* It ends with the process in any case. */
    return trial_teardown(state);
}

static const char *ballast_path(const struct trial *trial)
{
    static char path[2 * TRIAL_PATH_BYTES];

    (void)snprintf(path, sizeof path, "%s/views/.ballast", trial->path);
    return path;
}

static void fill_disk(const struct trial *trial)
{
    static const char zeros[BALLAST_CHUNK];
    int file = open(ballast_path(trial), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    assert_true(file >= 0);
    while (write(file, zeros, sizeof zeros) > 0)
        continue;
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(close(file), 0);
}

static void free_disk(const struct trial *trial)
{
    assert_int_equal(unlink(ballast_path(trial)), 0);
}

/* Append until a view cannot take any more; which one. */
static const char *append_until_full(struct trial *trial)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        trial_append_well(trial, RECORDS);
        for (size_t k = 0; k < TRIAL_VIEWS; k++) {
            int status = flume_view_wait(trial_view(trial->flume, trial_views[k]), NULL);

            if (status == FLUME_OK)
                continue;
            assert_int_equal(status, FLUME_ERR_VIEW);
            return trial_views[k];
        }
    }
    fail_msg("no view ever lacks space");
    return NULL;
}

static void expect_named(struct trial *trial, const char *view)
{
    char quoted[64];
    flume_error error;

    flume_last_error(trial->flume, &error);
    (void)snprintf(quoted, sizeof quoted, "view '%s'", view);
    if (strstr(error.message, quoted) == NULL || strstr(error.message, "space") == NULL)
        fail_msg("not by its name, or not why: %s", error.message);
}

static void expect_well_again(struct trial *trial)
{
    trial_expect_right(trial);
    for (size_t i = 0; i < TRIAL_VIEWS; i++) {
        flume_view_status status = trial_status(trial->flume, trial_views[i]);

        if (status.state != FLUME_VIEW_LIVE || status.error.status != FLUME_OK)
            fail_msg("%s is %s: %s", status.name, flume_view_state_name(status.state),
                     status.error.message);
    }
}

static void a_view_goes_on_when_there_is_space_again(void **state)
{
    struct trial *trial = *state;
    const char *failed;

    if (!can_mount)
        skip();
    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    trial_open(trial);
    trial_append_well(trial, RECORDS);
    trial_expect_right(trial);
    for (int i = 0; i < 3; i++) {
        flume_ask stale = {.flags = FLUME_ASK_STALE_OK};
        flume_rows *rows;

        fill_disk(trial);
        failed = append_until_full(trial);
        expect_named(trial, failed);
        assert_int_equal(trial_status(trial->flume, failed).state, FLUME_VIEW_FAILED);
        assert_int_equal(flume_view_read(trial_view(trial->flume, failed), &stale, &rows),
                         FLUME_OK);
        flume_rows_end(rows);
        trial_append_well(trial, RECORDS); /* The log is elsewhere. */
        free_disk(trial);
        expect_well_again(trial);
        for (size_t k = 0; k < TRIAL_VIEWS; k++)
            trial_expect_generation(trial, trial_views[k], 1);
    }
    trial_close(trial);
}

static void a_worker_goes_on_when_there_is_space_again(void **state)
{
    struct trial *trial = *state;

    if (!can_mount)
        skip();
    trial_open(trial);
    trial_append_well(trial, RECORDS);
    trial_expect_right(trial);
    fill_disk(trial);
    expect_named(trial, append_until_full(trial));
    free_disk(trial);
    expect_well_again(trial);
    for (size_t k = 0; k < TRIAL_VIEWS; k++)
        trial_expect_generation(trial, trial_views[k], 1);
    trial_close(trial);
}

static void a_rebuild_without_space_leaves_the_old_build(void **state)
{
    struct trial *trial = *state;
    flume_view *view;

    if (!can_mount)
        skip();
    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    trial_open(trial);
    trial_append_well(trial, 10 * RECORDS);
    trial_expect_right(trial);
    for (size_t i = 0; i < TRIAL_VIEWS; i++) {
        view = trial_view(trial->flume, trial_views[i]);
        fill_disk(trial);
        assert_int_equal(flume_view_rebuild(view, NULL), FLUME_ERR_VIEW);
        expect_named(trial, trial_views[i]);
        assert_int_equal(flume_view_wait(view, NULL), FLUME_OK); /* Nothing is new. */
        trial_expect_generation(trial, trial_views[i], 1);
        free_disk(trial);
        assert_int_equal(flume_view_rebuild(view, NULL), FLUME_OK);
        assert_true(trial_status(trial->flume, trial_views[i]).generation > 1);
        assert_false(trial_exists(trial_file(trial, trial_views[i], "1")));
    }
    expect_well_again(trial);
    trial_close(trial);
}

static void a_first_build_waits_for_space(void **state)
{
    struct trial *trial = *state;

    if (!can_mount)
        skip();
    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    fill_disk(trial);
    trial_open(trial);
    trial_append_well(trial, RECORDS);
    for (size_t i = 0; i < TRIAL_VIEWS; i++) {
        assert_int_equal(flume_view_wait(trial_view(trial->flume, trial_views[i]), NULL),
                         FLUME_ERR_VIEW);
        expect_named(trial, trial_views[i]);
    }
    free_disk(trial);
    expect_well_again(trial);
    trial_close(trial);
}

#define full_test(function) \
    cmocka_unit_test_setup_teardown(function, setup_small_disk, teardown_small_disk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        full_test(a_view_goes_on_when_there_is_space_again),
        full_test(a_worker_goes_on_when_there_is_space_again),
        full_test(a_rebuild_without_space_leaves_the_old_build),
        full_test(a_first_build_waits_for_space),
    };

    leave_mount_namespace();
    return cmocka_run_group_tests_name("views_fault_full", tests, NULL, NULL);
}
