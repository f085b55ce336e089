/*
 * test_views_crash_kill.c - whoever keeps views is killed with SIGKILL at random moments.
 *
 * Each round a child appends, asks, and by its role also builds the views for the first time,
 * rebuilds them, or closes and opens them again and again. After it is killed every view answers as
 * of head and equals what the log says and what a fresh derivation gives; and what had a build that
 * answered still has that one.
 *
 *   FLUME_KILLS  how many kills in all (default 200)
 *   FLUME_SEED   where chance begins
 */
#include "views_trial.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KILLS = 200, ROUNDS_PER_BASIN = 20, SMALL_BATCH = 40, OLD_RECORDS = 3000 };

/* What the child does besides appending and asking. */
struct doing {
    bool rebuilds;
    bool only_rebuilds;
    bool reopens;
    unsigned open_views; /* enum flume_open_views. */
    const char *reads;   /* Hold a snapshot of this view throughout. */
    int tell;            /* A byte is written here for each round of the child's own; -1: none. */
    uint64_t pause_ns;
};

static int ask_some_view(flume *handle, uint64_t *io_chance)
{
    const char *name = trial_views[trial_below(io_chance, TRIAL_VIEWS)];
    flume_view *view;
    flume_rows *rows;
    int status = flume_view_find(handle, name, &view);

    if (status == FLUME_OK)
        status = flume_view_read(view, NULL, &rows);
    if (status == FLUME_OK)
        flume_rows_end(rows);
    return status;
}

static int rebuild_some_view(flume *handle, uint64_t *io_chance)
{
    flume_view *view;
    int status = flume_view_find(handle, trial_views[trial_below(io_chance, TRIAL_VIEWS)], &view);

    if (status == FLUME_OK)
        status = flume_view_rebuild(view, NULL);
    return status == FLUME_ERR_BUSY ? FLUME_OK : status; /* Without workers: somebody else is. */
}

static int do_once(flume *handle, const struct doing *doing, uint64_t *io_chance)
{
    int status;

    if (doing->only_rebuilds)
        return rebuild_some_view(handle, io_chance);
    status = trial_append(handle, io_chance, 1 + trial_below(io_chance, SMALL_BATCH));
    if (status == FLUME_OK && trial_below(io_chance, 3) == 0)
        status = ask_some_view(handle, io_chance);
    if (status == FLUME_OK && doing->rebuilds && trial_below(io_chance, 8) == 0)
        status = rebuild_some_view(handle, io_chance);
    if (doing->tell >= 0)
        (void)!write(doing->tell, "", 1); /* Nobody may listen any more. */
    if (doing->pause_ns != 0)
        trial_pause(doing->pause_ns);
    return status;
}

static int complain(flume *handle, int status)
{
    flume_error error = {.status = FLUME_OK};

    if (handle != NULL)
        flume_last_error(handle, &error);
    (void)fprintf(stderr, "child: %s: %s\n", flume_status_name(status), error.message);
    return 1;
}

/* Until it is killed. */
static int keep_busy(struct trial *trial, void *ctx)
{
    const struct doing *doing = ctx;
    uint64_t chance = trial->chance;
    flume_rows *rows = NULL;
    flume_view *view;
    flume *handle;

    chance = ~trial_chance(&chance); /* Not what the parent goes on with. */
    trial->options.views = doing->open_views;
    for (;;) {
        int status = trial_try_open(trial, &handle, NULL);

        if (status == FLUME_OK && doing->reads != NULL &&
            flume_view_find(handle, doing->reads, &view) == FLUME_OK)
            status = flume_view_read(view, NULL, &rows);
        for (uint64_t i = 0; status == FLUME_OK && (!doing->reopens || i < 4); i++)
            status = do_once(handle, doing, &chance);
        if (status != FLUME_OK)
            return complain(handle, status);
        if (flume_close(handle) != FLUME_OK)
            return complain(NULL, FLUME_ERR_IO);
    }
}

static void note_currents(const struct trial *trial, uint64_t currents[TRIAL_VIEWS])
{
    for (size_t i = 0; i < TRIAL_VIEWS; i++)
        currents[i] = trial_current(trial, trial_views[i]);
}

/* Who comes next finds all right, and builds only what had no build that answered. */
static void expect_survived(struct trial *trial)
{
    uint64_t currents[TRIAL_VIEWS];

    note_currents(trial, currents);
    trial->options.views = trial_below(&trial->chance, 2) == 0 ? FLUME_VIEWS_NO_WORKERS : 0;
    trial_open(trial);
    trial_expect_right(trial);
    for (size_t i = 0; i < TRIAL_VIEWS; i++)
        if (currents[i] != 0)
            trial_expect_generation(trial, trial_views[i], currents[i]);
    if (trial_below(&trial->chance, 2) == 0)
        trial_append_well(trial, 1 + trial_below(&trial->chance, 100));
    trial_close(trial);
}

/* Kill a child of this kind after at most so long, again and again. */
static void kill_again_and_again(struct trial *trial, struct doing doing, uint64_t longest_ns,
                                 uint64_t part)
{
    uint64_t kills = trial_number("FLUME_KILLS", KILLS) / part;

    for (uint64_t i = 0; i < kills; i++) {
        uint64_t before[TRIAL_VIEWS], after[TRIAL_VIEWS];
        pid_t pid;

        if (i % ROUNDS_PER_BASIN == 0 && trial_exists(trial->path))
            trial_forget(trial);
        note_currents(trial, before);
        doing.open_views = trial_below(&trial->chance, 4) == 0 ? FLUME_VIEWS_NO_WORKERS : 0;
        (void)trial_chance(&trial->chance);
        pid = trial_start(trial, keep_busy, &doing);
        trial_pause(trial_below(&trial->chance, longest_ns));
        trial_kill(pid);
        note_currents(trial, after);
        for (size_t k = 0; k < TRIAL_VIEWS && !doing.rebuilds; k++)
            if (before[k] != 0 && before[k] != after[k])
                fail_msg("round %" PRIu64 ": view %s went from generation %" PRIu64 " to %" PRIu64
                         " (seed %" PRIu64 ")",
                         i, trial_views[k], before[k], after[k], trial->seed);
        expect_survived(trial);
    }
    print_message("%" PRIu64 " kills\n", kills);
}

static void who_keeps_views_may_be_killed(void **state)
{
    kill_again_and_again(*state, (struct doing){.tell = -1}, 40 * TRIAL_MS, 4);
}

static void who_rebuilds_may_be_killed(void **state)
{
    kill_again_and_again(*state, (struct doing){.rebuilds = true, .tell = -1}, 40 * TRIAL_MS, 4);
}

static void who_closes_may_be_killed(void **state)
{
    kill_again_and_again(*state, (struct doing){.reopens = true, .tell = -1}, 40 * TRIAL_MS, 4);
}

/* All that has been is to be built, of a log that is there already. */
static void the_first_build_may_be_killed(void **state)
{
    struct trial *trial = *state;
    uint64_t kills = trial_number("FLUME_KILLS", KILLS) / 4;
    struct doing doing = {.tell = -1};

    trial_make(trial, OLD_RECORDS);
    for (uint64_t i = 0; i < kills; i++) {
        pid_t pid;

        if (trial_below(&trial->chance, 4) != 0)
            trial_shell("rm -rf '%s/views'", trial->path);
        pid = trial_start(trial, keep_busy, &doing);
        trial_pause(trial_below(&trial->chance, 25 * TRIAL_MS));
        trial_kill(pid);
        expect_survived(trial);
    }
}

/* Who asks while the worker swaps the first build in may have it open before the worker says so. */
static void the_build_that_answers_is_not_removed(void **state)
{
    struct trial *trial = *state;

    trial_make(trial, 100);
    for (int i = 0; i < 100; i++) {
        trial_shell("rm -rf '%s/views'", trial->path);
        trial_open(trial);
        for (size_t k = 0; k < TRIAL_VIEWS; k++)
            assert_int_equal(flume_view_wait(trial_view(trial->flume, trial_views[k]), NULL),
                             FLUME_OK);
        trial_close(trial);
        for (size_t k = 0; k < TRIAL_VIEWS; k++)
            if (!trial_exists(trial_file_in(trial, trial_views[k], "data.mdb")))
                fail_msg("round %d: the build of %s is gone", i, trial_views[k]);
    }
}

/* ---- two processes, one of them killed ---- */

/* Bytes that come in until so much time has passed without one. */
static void expect_word(int from, uint64_t patience_ns)
{
    uint64_t until_ns = trial_now_ns() + patience_ns;
    char byte;

    while (read(from, &byte, 1) != 1) {
        if (trial_now_ns() > until_ns)
            fail_msg("the other process stands still");
        trial_pause(TRIAL_MS);
    }
}

static void drain(int from)
{
    char bytes[4096];

    while (read(from, bytes, sizeof bytes) > 0)
        continue;
}

static void the_other_process_goes_on_at_once(void **state)
{
    struct trial *trial = *state;
    uint64_t rounds = trial_number("FLUME_KILLS", KILLS) / 10;
    int pipes[2];

    assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
    for (uint64_t i = 0; i < rounds; i++) {
        struct doing survivor = {.tell = pipes[1], .pause_ns = TRIAL_MS};
        struct doing victim = {.rebuilds = i % 2 == 0, .tell = -1};
        pid_t survivor_pid, victim_pid;

        if (i % 10 == 0 && trial_exists(trial->path))
            trial_forget(trial);
        survivor_pid = trial_start(trial, keep_busy, &survivor);
        (void)trial_chance(&trial->chance);
        victim_pid = trial_start(trial, keep_busy, &victim);
        expect_word(pipes[0], 20000 * TRIAL_MS);
        trial_pause(trial_below(&trial->chance, 30 * TRIAL_MS));
        trial_kill(victim_pid);
        drain(pipes[0]);
        for (int k = 0; k < 20; k++) /* Some of them asked a view. */
            expect_word(pipes[0], 3000 * TRIAL_MS);
        trial_kill(survivor_pid);
        expect_survived(trial);
    }
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

/* Generations beyond the one that answers. */
static unsigned count_unfinished(const struct trial *trial, const char *view)
{
    char next[32];

    (void)snprintf(next, sizeof next, "%" PRIu64, trial_current(trial, view) + 1);
    return trial_exists(trial_file(trial, view, next)) ? 1 : 0;
}

/* A rebuild that somebody was killed in is not shown for ever. */
static void a_killed_rebuild_is_not_shown_any_more(void **state)
{
    struct trial *trial = *state;
    struct doing doing = {.only_rebuilds = true, .open_views = FLUME_VIEWS_NO_WORKERS, .tell = -1};
    unsigned mid_rebuild = 0;
    uint64_t until_ns;

    trial_make(trial, OLD_RECORDS);
    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    for (int i = 0; i < 20; i++) {
        pid_t pid = trial_start(trial, keep_busy, &doing);

        trial_pause(5 * TRIAL_MS + trial_below(&trial->chance, 10 * TRIAL_MS));
        trial_open(trial);
        trial_kill(pid);
        for (size_t k = 0; k < TRIAL_VIEWS; k++)
            mid_rebuild += count_unfinished(trial, trial_views[k]);
        until_ns = trial_now_ns() + 2000 * TRIAL_MS;
        for (size_t k = 0; k < TRIAL_VIEWS; k++)
            while (trial_status(trial->flume, trial_views[k]).state == FLUME_VIEW_REBUILDING)
                if (trial_now_ns() > until_ns)
                    fail_msg("%s is said to be rebuilt by the dead (seed %" PRIu64 ")",
                             trial_views[k], trial->seed);
        trial_expect_right(trial);
        trial_close(trial);
    }
    assert_true(mid_rebuild > 0);
}

/* The pages that a dead reader looked at are used again. */
static void a_killed_reader_does_not_make_the_file_grow(void **state)
{
    struct trial *trial = *state;
    struct doing doing = {.reads = "chain", .tell = -1};
    uint64_t bytes_before = 0;
    int pipes[2];
    pid_t pid;

    trial_make(trial, 200);
    assert_int_equal(pipe(pipes), 0);
    doing.tell = pipes[1];
    pid = trial_start(trial, keep_busy, &doing);
    expect_word(pipes[0], 20000 * TRIAL_MS);
    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    trial_open(trial); /* While it lives: its slot is found in use. */
    assert_int_equal(flume_view_wait(trial_view(trial->flume, "tally"), NULL), FLUME_OK);
    assert_int_equal(flume_view_wait(trial_view(trial->flume, "chain"), NULL), FLUME_OK);
    trial_kill(pid);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    for (int i = 0; i < 3000; i++) {
        trial_append_well(trial, 1);
        assert_int_equal(flume_view_wait(trial_view(trial->flume, "chain"), NULL), FLUME_OK);
        if (i == 1500)
            bytes_before = trial_file_bytes(trial_file_in(trial, "chain", "data.mdb"));
    }
    assert_true(trial_file_bytes(trial_file_in(trial, "chain", "data.mdb")) <
                bytes_before + (256 << 10));
    trial_expect_right(trial);
    trial_close(trial);
}

/* ---- what a killed process left dirty ---- */

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

/* How somebody stays: what it does before, and until when. */
struct staying {
    size_t records;    /* Appended before all views are waited for. */
    int tell;          /* Then a byte is written here. */
    const char *until; /* It closes once this file is there. */
};

static int stay(struct trial *trial, void *ctx)
{
    const struct staying *staying = ctx;
    uint64_t chance = trial->chance;
    flume *handle;

    chance = ~trial_chance(&chance);
    if (trial_try_open(trial, &handle, NULL) != FLUME_OK ||
        trial_append(handle, &chance, staying->records) != FLUME_OK ||
        wait_for_all(handle) != FLUME_OK || write(staying->tell, "", 1) != 1)
        return 1;
    while (!trial_exists(staying->until))
        trial_pause(TRIAL_MS);
    return flume_close(handle) == FLUME_OK ? 0 : 1;
}

static pid_t start_staying(struct trial *trial, size_t records, const char *until)
{
    struct staying staying = {.records = records, .until = until};
    int pipes[2];
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    staying.tell = pipes[1];
    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    pid = trial_start(trial, stay, &staying);
    expect_word(pipes[0], 20000 * TRIAL_MS);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    return pid;
}

static void expect_nothing_rebuilt_after_a_stop(struct trial *trial)
{
    uint64_t currents[TRIAL_VIEWS];

    note_currents(trial, currents);
    trial_stop_machine(trial);
    trial_open(trial);
    trial_expect_right(trial);
    for (size_t i = 0; i < TRIAL_VIEWS; i++)
        trial_expect_generation(trial, trial_views[i], currents[i]);
    trial_close(trial);
}

/* The last one that has a view open settles it, though it has written nothing. */
static void the_last_one_settles_what_a_killed_process_left(void **state)
{
    struct trial *trial = *state;
    char until[TRIAL_PATH_BYTES];
    pid_t survivor, victim;

    trial_make(trial, 200);
    (void)snprintf(until, sizeof until, "%s/until", trial->root);
    survivor = start_staying(trial, 0, until);
    victim = start_staying(trial, 50, until);
    trial_kill(victim);
    trial_write(until, "", 0);
    assert_int_equal(trial_join(survivor), 0);
    expect_nothing_rebuilt_after_a_stop(trial);
}

/* Who comes later and only asks settles it, too. */
static void who_only_asks_settles_what_a_killed_process_left(void **state)
{
    struct trial *trial = *state;

    trial_make(trial, 200);
    trial_kill(start_staying(trial, 50, "/nowhere/until"));
    trial_open(trial);
    trial_expect_right(trial);
    trial_close(trial);
    expect_nothing_rebuilt_after_a_stop(trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        trial_test(who_keeps_views_may_be_killed),
        trial_test(who_rebuilds_may_be_killed),
        trial_test(who_closes_may_be_killed),
        trial_test(the_first_build_may_be_killed),
        trial_test(the_build_that_answers_is_not_removed),
        trial_test(the_other_process_goes_on_at_once),
        trial_test(a_killed_rebuild_is_not_shown_any_more),
        trial_test(a_killed_reader_does_not_make_the_file_grow),
        trial_test(the_last_one_settles_what_a_killed_process_left),
        trial_test(who_only_asks_settles_what_a_killed_process_left),
    };

    return cmocka_run_group_tests_name("views_crash_kill", tests, NULL, NULL);
}
