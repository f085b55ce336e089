/*
 * test_views_crash_machine.c - the machine stops while views are being written.
 *
 * A stop is simulated: the process that wrote is killed, files become what a file system without
 * order may leave of them, and the boot id is another one. What was being written is built again,
 * what was left clean is not, and no answer is ever wrong. Views are opened in a child, so that a
 * crash is counted like a wrong answer.
 *
 *   FLUME_STOPS  how many stops of each kind (default 40; FLUME_TEST_LONG: 400)
 *   FLUME_SEED   where chance begins
 */
#include "views_trial.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STOPS = 40, STOPS_LONG = 400, FIRST_RECORDS = 300, PAGE_BYTES = 4096, STATE_FLAGS_AT = 12 };

static uint64_t stop_count(void)
{
    return trial_number("FLUME_STOPS", getenv("FLUME_TEST_LONG") != NULL ? STOPS_LONG : STOPS);
}

/* ---- the process that is running when the machine stops ---- */

static int wait_for_all(flume *handle)
{
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && i < TRIAL_VIEWS; i++) {
        flume_view *view;

        status = flume_view_find(handle, trial_views[i], &view);
        if (status == FLUME_OK)
            status = flume_view_wait(view, NULL);
    }
    return status;
}

struct writing {
    bool rebuilds;
    size_t rounds;
};

/* Write views, keeping copies of their files at some moment, and die without closing. */
static int write_and_die(struct trial *trial, void *ctx)
{
    const struct writing *writing = ctx;
    uint64_t chance = trial->chance, copied;
    flume *handle;
    int status;

    chance = ~trial_chance(&chance); /* Not what the parent goes on with. */
    copied = trial_below(&chance, writing->rounds);
    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    status = trial_try_open(trial, &handle, NULL);
    for (size_t i = 0; status == FLUME_OK && i < writing->rounds; i++) {
        status = trial_append(handle, &chance, 1 + trial_below(&chance, 60));
        if (status == FLUME_OK)
            status = wait_for_all(handle);
        for (size_t k = 0; i == copied && k < TRIAL_VIEWS; k++)
            trial_shell("cp '%s' '%s/old-%s'", trial_file_in(trial, trial_views[k], "data.mdb"),
                        trial->root, trial_views[k]);
    }
    for (size_t i = 0; status == FLUME_OK && writing->rebuilds && i < TRIAL_VIEWS; i++) {
        flume_view *view;

        status = flume_view_find(handle, trial_views[i], &view);
        if (status == FLUME_OK && trial_below(&chance, 2) == 0)
            status = flume_view_rebuild(view, NULL);
    }
    if (status == FLUME_OK)
        (void)kill(getpid(), SIGKILL);
    return 1;
}

/* ---- what a stop leaves of a file ---- */

/* Some pages as they were once, the others as they are. */
static void mix_pages(struct trial *trial, uint8_t *data, size_t bytes, const uint8_t *old,
                      size_t old_bytes)
{
    for (size_t at = 0; at < bytes; at += PAGE_BYTES) {
        if (trial_below(&trial->chance, 2) == 0)
            continue;
        if (at + PAGE_BYTES <= old_bytes)
            memcpy(data + at, old + at, PAGE_BYTES);
        else
            memset(data + at, 0, bytes - at < PAGE_BYTES ? bytes - at : PAGE_BYTES);
    }
}

static void spoil_data(struct trial *trial, const char *view)
{
    char path[2 * TRIAL_PATH_BYTES], old_path[TRIAL_PATH_BYTES];
    size_t bytes, old_bytes, from;
    uint8_t *data, *old;

    (void)snprintf(path, sizeof path, "%s", trial_file_in(trial, view, "data.mdb"));
    (void)snprintf(old_path, sizeof old_path, "%s/old-%s", trial->root, view);
    data = trial_read(path, &bytes);
    old = trial_read(old_path, &old_bytes);
    from = (size_t)trial_below(&trial->chance, bytes);
    switch (trial_below(&trial->chance, 6)) {
    case 0: /* All of it had reached the disk. */
        break;
    case 1:
        trial_write(path, old, old_bytes);
        break;
    case 2:
        mix_pages(trial, data, bytes, old, old_bytes);
        trial_write(path, data, bytes);
        break;
    case 3:
        trial_write(path, data, from);
        break;
    case 4:
        memset(data + from, 0, bytes - from);
        trial_write(path, data, bytes);
        break;
    default:
        trial_write(path, data, 0);
        break;
    }
    free(data);
    free(old);
}

/* A small file that was being replaced. Its name, too, may lead to what was there before. */
static void spoil_small(struct trial *trial, const char *path, const char *old_path)
{
    size_t bytes;
    uint8_t *data;

    if (!trial_exists(path))
        return;
    data = trial_read(path, &bytes);
    switch (trial_below(&trial->chance, 6)) {
    case 0:
        trial_write(path, data, bytes / 2);
        break;
    case 1:
        trial_write(path, data, 0);
        break;
    case 2:
        (void)unlink(path);
        break;
    case 3:
        if (trial_exists(old_path))
            trial_shell("cp '%s' '%s'", old_path, path);
        break;
    default: /* As it is, mostly. */
        break;
    }
    free(data);
}

static void keep_small_files(struct trial *trial)
{
    for (size_t i = 0; i < TRIAL_VIEWS; i++) {
        trial_shell("cp '%s' '%s/old-state-%s'", trial_file_in(trial, trial_views[i], "STATE"),
                    trial->root, trial_views[i]);
        trial_shell("cp '%s' '%s/old-current-%s'", trial_file(trial, trial_views[i], "CURRENT"),
                    trial->root, trial_views[i]);
    }
}

static void spoil_all(struct trial *trial)
{
    char path[2 * TRIAL_PATH_BYTES], old_path[TRIAL_PATH_BYTES];

    for (size_t i = 0; i < TRIAL_VIEWS; i++) {
        const char *view = trial_views[i];

        spoil_data(trial, view);
        (void)snprintf(path, sizeof path, "%s", trial_file_in(trial, view, "STATE"));
        (void)snprintf(old_path, sizeof old_path, "%s/old-state-%s", trial->root, view);
        spoil_small(trial, path, old_path);
        (void)snprintf(path, sizeof path, "%s", trial_file(trial, view, "CURRENT"));
        (void)snprintf(old_path, sizeof old_path, "%s/old-current-%s", trial->root, view);
        if (trial_below(&trial->chance, 3) == 0)
            spoil_small(trial, path, old_path);
    }
}

/* ---- judging ---- */

static int open_and_judge(struct trial *trial, void *ctx)
{
    char message[TRIAL_MESSAGE_BYTES];
    enum trial_verdict verdict;
    flume *handle;

    (void)ctx;
    if (trial_try_open(trial, &handle, NULL) != FLUME_OK)
        return 10;
    verdict = trial_judge(handle, message);
    if (verdict != TRIAL_RIGHT)
        (void)fprintf(stderr, "%s\n", message);
    return flume_close(handle) == FLUME_OK ? (int)verdict : 11;
}

static void expect_right_in_child(struct trial *trial, uint64_t round)
{
    int result = trial_join(trial_start(trial, open_and_judge, NULL));

    if (result != TRIAL_RIGHT)
        fail_msg("round %" PRIu64 ": %d (seed %" PRIu64 ")", round, result, trial->seed);
}

static void stop_again_and_again(struct trial *trial, bool rebuilds)
{
    for (uint64_t i = 0; i < stop_count(); i++) {
        struct writing writing = {.rebuilds = rebuilds,
                                  .rounds = 1 + trial_below(&trial->chance, 6)};
        uint64_t before[TRIAL_VIEWS];
        bool dirty[TRIAL_VIEWS];

        if (i % 10 == 0) {
            if (i > 0)
                trial_forget(trial);
            trial_make(trial, FIRST_RECORDS);
        }
        keep_small_files(trial);
        assert_int_equal(trial_join(trial_start(trial, write_and_die, &writing)), -SIGKILL);
        for (size_t k = 0; k < TRIAL_VIEWS; k++) {
            size_t bytes;
            uint8_t *state = trial_read(trial_file_in(trial, trial_views[k], "STATE"), &bytes);

            before[k] = trial_current(trial, trial_views[k]);
            dirty[k] = (state[STATE_FLAGS_AT] & 1) == 0;
            free(state);
        }
        spoil_all(trial);
        for (size_t k = 0; k < TRIAL_VIEWS; k++) { /* An old, clean STATE has come back. */
            char path[2 * TRIAL_PATH_BYTES];
            uint64_t now = trial_current(trial, trial_views[k]);

            (void)snprintf(path, sizeof path, "%s", trial_file_in(trial, trial_views[k], "STATE"));
            if (now == before[k] && trial_exists(path) && trial_file_bytes(path) == 96) {
                size_t bytes;
                uint8_t *state = trial_read(path, &bytes);

                dirty[k] = dirty[k] && (state[STATE_FLAGS_AT] & 1) == 0;
                free(state);
            }
        }
        trial_stop_machine(trial);
        expect_right_in_child(trial, i);
        for (size_t k = 0; k < TRIAL_VIEWS; k++)
            if (dirty[k] && trial_current(trial, trial_views[k]) == before[k])
                fail_msg("round %" PRIu64 ": view %s was dirty and is believed (seed %" PRIu64 ")",
                         i, trial_views[k], trial->seed);
    }
}

static void what_was_being_written_is_built_again(void **state)
{
    stop_again_and_again(*state, false);
}

static void what_was_being_rebuilt_is_built_again(void **state)
{
    stop_again_and_again(*state, true);
}

static void note_currents(const struct trial *trial, uint64_t currents[TRIAL_VIEWS])
{
    for (size_t i = 0; i < TRIAL_VIEWS; i++)
        currents[i] = trial_current(trial, trial_views[i]);
}

static void expect_currents(const struct trial *trial, const uint64_t currents[TRIAL_VIEWS])
{
    for (size_t i = 0; i < TRIAL_VIEWS; i++)
        if (trial_current(trial, trial_views[i]) != currents[i])
            fail_msg("view %s was built again", trial_views[i]);
}

static void what_was_closed_before_the_stop_stays(void **state)
{
    struct trial *trial = *state;
    uint64_t currents[TRIAL_VIEWS];

    trial_make(trial, FIRST_RECORDS);
    note_currents(trial, currents);
    for (uint64_t i = 0; i < 5; i++) {
        trial_stop_machine(trial);
        expect_right_in_child(trial, i);
        expect_currents(trial, currents);
        trial_open(trial); /* Further records do not make it dirty for good. */
        trial_append_well(trial, 20);
        trial_close(trial);
    }
}

/* ---- settled without being closed ---- */

static int append_and_stay(struct trial *trial, void *ctx)
{
    uint64_t chance = ~trial->chance;
    flume *handle;

    (void)ctx;
    if (trial_try_open(trial, &handle, NULL) != FLUME_OK ||
        trial_append(handle, &chance, 50) != FLUME_OK || wait_for_all(handle) != FLUME_OK)
        return 1;
    for (;;)
        trial_pause(1000 * TRIAL_MS);
}

static int stay(struct trial *trial, void *ctx)
{
    flume *handle;

    (void)ctx;
    if (trial_try_open(trial, &handle, NULL) != FLUME_OK || wait_for_all(handle) != FLUME_OK)
        return 1;
    for (;;)
        trial_pause(1000 * TRIAL_MS);
}

static bool is_clean(const struct trial *trial, const char *view)
{
    size_t bytes;
    uint8_t *state = trial_read(trial_file_in(trial, view, "STATE"), &bytes);
    bool clean = (state[STATE_FLAGS_AT] & 1) != 0;

    free(state);
    return clean;
}

static void wait_until_all_are(struct trial *trial, bool clean, uint64_t patience_ns)
{
    uint64_t until_ns = trial_now_ns() + patience_ns;

    for (size_t i = 0; i < TRIAL_VIEWS; i++)
        while (is_clean(trial, trial_views[i]) != clean) {
            if (trial_now_ns() > until_ns)
                fail_msg("view %s stays %s", trial_views[i], clean ? "dirty" : "clean");
            trial_pause(10 * TRIAL_MS);
        }
}

static void what_stood_still_before_the_stop_stays(void **state)
{
    struct trial *trial = *state;
    uint64_t currents[TRIAL_VIEWS];
    pid_t pid;

    trial_make(trial, FIRST_RECORDS);
    pid = trial_start(trial, append_and_stay, NULL);
    wait_until_all_are(trial, false, 20000 * TRIAL_MS);
    wait_until_all_are(trial, true, 20000 * TRIAL_MS);
    trial_kill(pid);
    note_currents(trial, currents);
    trial_stop_machine(trial);
    expect_right_in_child(trial, 0);
    expect_currents(trial, currents);
}

/* Another process was killed before it had settled them. */
static void what_another_left_dirty_is_settled_too(void **state)
{
    struct trial *trial = *state;
    uint64_t currents[TRIAL_VIEWS];
    pid_t pid, other;

    trial_make(trial, FIRST_RECORDS);
    other = trial_start(trial, stay, NULL);
    pid = trial_start(trial, append_and_stay, NULL);
    wait_until_all_are(trial, false, 20000 * TRIAL_MS);
    trial_pause(100 * TRIAL_MS);
    trial_kill(pid);
    wait_until_all_are(trial, true, 40000 * TRIAL_MS);
    trial_kill(other);
    note_currents(trial, currents);
    trial_stop_machine(trial);
    expect_right_in_child(trial, 0);
    expect_currents(trial, currents);
}

/* ---- the log itself loses its end ---- */

/* Of a log that was closed once, and then lost all it got since. */
static void lose_the_end(struct trial *trial, size_t lost_records)
{
    trial_shell("rm -rf '%s/kept' && cp -a '%s' '%s/kept' && rm -rf '%s/kept/views'", trial->root,
                trial->path, trial->root, trial->root);
    trial_open(trial);
    trial_append_well(trial, lost_records);
    trial_expect_right(trial);
    trial_close(trial);
    trial_shell("mv '%s/views' '%s/kept/views' && rm -rf '%s' && mv '%s/kept' '%s'", trial->path,
                trial->root, trial->path, trial->root, trial->path);
    trial_stop_machine(trial);
}

static void expect_all_why(struct trial *trial, const char *why)
{
    for (size_t i = 0; i < TRIAL_VIEWS; i++) {
        flume_view_status status = trial_status(trial->flume, trial_views[i]);

        if (strstr(status.why, why) == NULL)
            fail_msg("view %s: \"%s\", not \"%s\"", trial_views[i], status.why, why);
    }
}

static void a_log_cut_below_a_view_is_noticed(void **state)
{
    struct trial *trial = *state;

    trial_make(trial, FIRST_RECORDS);
    lose_the_end(trial, 100);
    trial_open(trial);
    trial_expect_right(trial);
    expect_all_why(trial, "cut below");
    trial_close(trial);
}

static void a_log_that_grew_again_is_noticed(void **state)
{
    struct trial *trial = *state;
    flume_log *log;

    trial_make(trial, FIRST_RECORDS);
    lose_the_end(trial, 100);
    assert_int_equal(flume_log_open(&log, trial->path, &trial->options.log, NULL), FLUME_OK);
    for (int i = 0; i < 300; i++) /* Without the views. */
        assert_int_equal(flume_log_append(log, "another record", 14, NULL), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    trial_open(trial);
    trial_expect_right(trial);
    expect_all_why(trial, "grown again");
    trial_close(trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        trial_test(what_was_being_written_is_built_again),
        trial_test(what_was_being_rebuilt_is_built_again),
        trial_test(what_was_closed_before_the_stop_stays),
        trial_test(what_stood_still_before_the_stop_stays),
        trial_test(what_another_left_dirty_is_settled_too),
        trial_test(a_log_cut_below_a_view_is_noticed),
        trial_test(a_log_that_grew_again_is_noticed),
    };

    return cmocka_run_group_tests_name("views_crash_machine", tests, NULL, NULL);
}
