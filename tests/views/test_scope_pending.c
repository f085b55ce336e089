/*
 * test_scope_pending.c - where a verdict is not to be had in time, a recorder that can do without
 * goes on.
 */
#include "view_fixture.h"

#include <stdlib.h>

#include "flume/recorder.h"
#include "flume/scope_find.h"

enum { WAIT_NS = 20 * 1000 * 1000 };

/* ---- verbs ---- */

static flume_recorder *open_recorder(struct view_fixture *fx, unsigned flags)
{
    const flume_recorder_options options = {.flags = flags, .ask = {.timeout_ns = WAIT_NS}};
    flume_recorder *recorder;

    assert_int_equal(flume_recorder_open(&recorder, fx->flume, &options), FLUME_OK);
    return recorder;
}

static flume_scope *make_scope(int n)
{
    flume_scope *scope;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, "sweep"), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "n", n), FLUME_OK);
    return scope;
}

/* A basin with a scope that the view superset has not met, and will not before it is resumed. */
static flume_view *open_behind(struct view_fixture *fx)
{
    flume_recorder *recorder;
    flume_scope *scope = make_scope(0);
    flume_view *superset;

    fx->options.views = 0;
    open_views(fx);
    superset = view_named(fx->flume, "superset");
    assert_int_equal(flume_view_pause(superset), FLUME_OK);
    recorder = open_recorder(fx, FLUME_RECORDER_FAST);
    assert_int_equal(flume_commit(recorder, scope, NULL), FLUME_OK);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    flume_scope_destroy(scope);
    return superset;
}

static uint64_t commits_of(struct view_fixture *fx, flume_scope *scope)
{
    uint8_t id[FLUME_HASH_BYTES];
    flume_scope_info info;

    assert_int_equal(flume_scope_id(scope, id), FLUME_OK);
    assert_int_equal(flume_scope_find_id(fx->flume, NULL, id, &info), FLUME_OK);
    return info.count;
}

/* ---- tests ---- */

static void what_cannot_be_told_in_time_is_pending_and_told_by_the_views(void **state)
{
    struct view_fixture *fx = *state;
    flume_view *superset = open_behind(fx);
    flume_recorder *recorder = open_recorder(fx, FLUME_RECORDER_PENDING);
    flume_scope *scope = make_scope(0), *read;
    flume_verdict verdict;

    assert_int_equal(flume_commit(recorder, scope, &verdict), FLUME_OK);
    assert_int_equal(verdict.kind, FLUME_PENDING);
    assert_int_equal(verdict.seq, FLUME_SEQ_NONE);
    assert_int_equal(verdict.pending_seq, 0); /* Nothing was known. */
    assert_int_equal(flume_scope_read(fx->flume, verdict.record_seq, &read), FLUME_OK);
    flume_scope_destroy(read);
    assert_int_equal(flume_scope_set_int(scope, "z", 1), FLUME_OK);
    assert_int_equal(flume_commit(recorder, scope, &verdict), FLUME_OK);
    assert_int_equal(verdict.kind, FLUME_PENDING);
    /* From here on it can be told again: both commits count, and relations are known. */
    assert_int_equal(flume_view_resume(superset), FLUME_OK);
    assert_int_equal(flume_view_wait(superset, NULL), FLUME_OK); /* Longer than a commit may. */
    assert_int_equal(flume_commit(recorder, scope, &verdict), FLUME_OK);
    assert_int_equal(verdict.kind, FLUME_DUP);
    assert_int_equal(verdict.pending_seq, FLUME_SEQ_NONE);
    assert_int_equal(flume_scope_set_int(scope, "y", 1), FLUME_OK);
    assert_int_equal(flume_commit(recorder, scope, &verdict), FLUME_OK);
    assert_int_equal(verdict.kind, FLUME_SUPERSET);
    flume_scope_destroy(scope);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    scope = make_scope(0);
    assert_int_equal(commits_of(fx, scope), 2);
    flume_scope_destroy(scope);
    close_views(fx);
}

static void who_does_not_ask_for_it_gets_an_error_and_nothing_is_appended(void **state)
{
    struct view_fixture *fx = *state;
    flume_view *superset = open_behind(fx);
    flume_recorder *recorder = open_recorder(fx, 0);
    flume_scope *scope = make_scope(1);
    uint64_t head = flume_log_head(flume_log_of(fx->flume));
    int status = flume_commit(recorder, scope, NULL);

    assert_true(status == FLUME_ERR_STALE || status == FLUME_ERR_TIMEOUT);
    assert_int_equal(flume_log_head(flume_log_of(fx->flume)), head);
    assert_int_equal(flume_view_resume(superset), FLUME_OK);
    assert_int_equal(flume_view_wait(superset, NULL), FLUME_OK); /* Longer than a commit may. */
    assert_int_equal(flume_commit(recorder, scope, NULL), FLUME_OK);
    flume_scope_destroy(scope);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    close_views(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        views_test(what_cannot_be_told_in_time_is_pending_and_told_by_the_views),
        views_test(who_does_not_ask_for_it_gets_an_error_and_nothing_is_appended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
