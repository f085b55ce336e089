/*
 * test_recall_counts.c - hits and misses over all recorders of a basin, in threads and processes,
 * and past ones.
 */
#include "view_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flume/recall.h"
#include "leave.h"

enum { RECORDERS = 4, RECALLS = 25 };

/* ---- verbs ---- */

static int counts_setup(void **state)
{
    struct view_fixture *fx;

    assert_int_equal(views_setup(state), 0);
    fx = *state;
    fx->options.views = FLUME_VIEWS_NO_WORKERS;
    open_views(fx);
    return 0;
}

static int counts_teardown(void **state)
{
    struct view_fixture *fx = *state;

    if (fx->flume != NULL)
        close_views(fx);
    return views_teardown(state);
}

#define counts_test(function) \
    cmocka_unit_test_setup_teardown(function, counts_setup, counts_teardown)

static flume_recorder *open_recorder(flume *handle)
{
    flume_recorder *recorder;

    assert_int_equal(flume_recorder_open(&recorder, handle, NULL), FLUME_OK);
    return recorder;
}

/* Recall what was computed of {n}, and remember it if it was not. */
static void compute(flume_recorder *recorder, int n)
{
    flume_stored stored = {0};
    flume_scope *scope;
    int status;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "n", n), FLUME_OK);
    status = flume_recall(recorder, scope, NULL, &stored);
    if (status == FLUME_ERR_NOT_FOUND)
        status = flume_remember(recorder, scope, &n, sizeof n, NULL, NULL);
    assert_true(status == FLUME_OK || status == FLUME_ERR_CONFLICT);
    flume_stored_release(&stored);
    flume_scope_destroy(scope);
}

static flume_recall_counts counts_of(flume *handle, const flume_ask *ask)
{
    flume_recall_counts counts = {77, 77, 77, 77};

    assert_int_equal(flume_recall_count_all(handle, ask, &counts), FLUME_OK);
    return counts;
}

static void expect_counts(flume *handle, const flume_ask *ask, uint64_t hits, uint64_t misses,
                          uint64_t stored)
{
    flume_recall_counts counts = counts_of(handle, ask);

    assert_int_equal(counts.hits, hits);
    assert_int_equal(counts.misses, misses);
    assert_int_equal(counts.stored, stored);
    assert_int_equal(counts.races_lost, 0);
}

static int count_value(void *ctx, const flume_stored_info *info)
{
    (void)info;
    ++*(size_t *)ctx;
    return 0;
}

/* ---- tests ---- */

static void counts_of_recorders_that_were_closed_add_up(void **state)
{
    struct view_fixture *fx = *state;
    size_t values = 0;

    expect_counts(fx->flume, NULL, 0, 0, 0);
    for (int i = 0; i < 3; i++) {
        flume_recorder *recorder = open_recorder(fx->flume);

        compute(recorder, 1);
        compute(recorder, 1);
        assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    }
    expect_counts(fx->flume, NULL, 5, 1, 1);
    reopen_views(fx);
    expect_counts(fx->flume, NULL, 5, 1, 1);
    assert_int_equal(flume_stored_list(fx->flume, NULL, 0, count_value, &values), FLUME_OK);
    assert_int_equal(values, 1); /* The counts are nobody's value. */
}

static void a_flush_tells_them_once(void **state)
{
    struct view_fixture *fx = *state;
    flume_recorder *recorder = open_recorder(fx->flume);
    uint64_t head;

    compute(recorder, 1);
    expect_counts(fx->flume, NULL, 0, 0, 0);
    assert_int_equal(flume_recorder_flush(recorder), FLUME_OK);
    expect_counts(fx->flume, NULL, 0, 1, 1);
    head = flume_log_head(flume_log_of(fx->flume));
    assert_int_equal(flume_recorder_flush(recorder), FLUME_OK);
    assert_int_equal(flume_log_head(flume_log_of(fx->flume)), head); /* There is nothing to tell. */
    compute(recorder, 1);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    expect_counts(fx->flume, NULL, 1, 1, 1);
    expect_counts(fx->flume, &(flume_ask){.flags = FLUME_ASK_AS_OF, .as_of = head}, 0, 1, 1);
}

static void a_recorder_that_recalls_nothing_tells_nothing(void **state)
{
    struct view_fixture *fx = *state;
    uint64_t head = flume_log_head(flume_log_of(fx->flume));

    assert_int_equal(flume_recorder_close(open_recorder(fx->flume)), FLUME_OK);
    assert_int_equal(flume_log_head(flume_log_of(fx->flume)), head);
    assert_int_equal(flume_recall_count_all(fx->flume, NULL, NULL), FLUME_ERR_INVALID);
}

/* Each computes the same, and flushes in the midst of it. */
static void recall_some(flume *handle)
{
    flume_recorder *recorder = open_recorder(handle);

    for (int i = 0; i < RECALLS; i++) {
        compute(recorder, i);
        if (i % 5 == 0)
            assert_int_equal(flume_recorder_flush(recorder), FLUME_OK);
    }
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
}

static void *recall_in_thread(void *handle)
{
    recall_some(handle);
    return NULL;
}

/* Whoever was quicker with what: each recall is a hit or a miss, and one of those that missed
 * stored. */
static void expect_all(flume *handle)
{
    flume_recall_counts counts = counts_of(handle, NULL);

    assert_int_equal(counts.hits + counts.misses, RECORDERS * RECALLS);
    assert_int_equal(counts.stored, RECALLS);
    assert_int_equal(counts.misses, counts.stored + counts.races_lost);
}

static void counts_of_threads_add_up(void **state)
{
    struct view_fixture *fx = *state;
    pthread_t threads[RECORDERS];

    for (size_t i = 0; i < RECORDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, recall_in_thread, fx->flume), 0);
    for (size_t i = 0; i < RECORDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    expect_all(fx->flume);
}

static void counts_of_processes_add_up(void **state)
{
    struct view_fixture *fx = *state;
    pid_t children[RECORDERS];

    close_views(fx);
    for (size_t i = 0; i < RECORDERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            open_views(fx);
            recall_some(fx->flume);
            close_views(fx);
            leave(0);
        }
    }
    for (size_t i = 0; i < RECORDERS; i++) {
        int ended;

        assert_int_equal(waitpid(children[i], &ended, 0), children[i]);
        assert_true(WIFEXITED(ended));
        assert_int_equal(WEXITSTATUS(ended), 0);
    }
    open_views(fx);
    expect_all(fx->flume);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        counts_test(counts_of_recorders_that_were_closed_add_up),
        counts_test(a_flush_tells_them_once),
        counts_test(a_recorder_that_recalls_nothing_tells_nothing),
        counts_test(counts_of_threads_add_up),
        counts_test(counts_of_processes_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
