/*
 * test_scope_pending.c - where a verdict is not to be had in time, a recorder that can do without
 * goes on.
 */
#include "view_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "flume/recorder.h"
#include "flume/scope_find.h"
#include "place.h"

/* So far behind, a recorder does not read the log itself: it waits for the view. */
enum { WAIT_NS = 20 * 1000 * 1000, FAR_BATCHES = 8, FAR_RECORDS = 20000 };

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

/* As if another process were advancing the view, which is there, until the lock is closed. */
static int take_advance(struct view_fixture *fx)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = PLACE_ADVANCE, .l_len = 1};
    int file = open(views_path(fx, "superset/1/LOCK"), O_RDWR | O_CLOEXEC);

    assert_true(file >= 0);
    assert_int_equal(fcntl(file, F_OFD_SETLKW, &lock), 0);
    return file;
}

/* A basin with the scope 0, and a view superset that knows it and is far behind the scope 1.
 * @return take_advance(). */
static int open_far_behind(struct view_fixture *fx, uint64_t *out_known_seq)
{
    flume_recorder *recorder;
    flume_scope *scope = make_scope(0);
    flume_view *superset;
    int file;

    fx->options.views = 0;
    open_views(fx);
    superset = view_named(fx->flume, "superset");
    recorder = open_recorder(fx, FLUME_RECORDER_FAST);
    assert_int_equal(flume_commit(recorder, scope, NULL), FLUME_OK);
    assert_int_equal(flume_view_wait(superset, NULL), FLUME_OK);
    file = take_advance(fx);
    *out_known_seq = status_now(superset).synced_seq;
    for (int i = 0; i < FAR_BATCHES; i++)
        (void)append_numbered(flume_log_of(fx->flume), FAR_RECORDS);
    assert_int_equal(flume_scope_set_int(scope, "n", 1), FLUME_OK);
    assert_int_equal(flume_commit(recorder, scope, NULL), FLUME_OK);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    flume_scope_destroy(scope);
    return file;
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

static void what_would_be_waited_for_too_long_is_pending_and_told_by_the_views(void **state)
{
    struct view_fixture *fx = *state;
    uint64_t known_seq;
    int file = open_far_behind(fx, &known_seq);
    flume_recorder *recorder = open_recorder(fx, FLUME_RECORDER_PENDING);
    flume_scope *scope = make_scope(0);
    flume_verdict verdict;
    uint64_t first = 0;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(flume_scope_set_int(scope, "n", i), FLUME_OK);
        assert_int_equal(flume_commit(recorder, scope, &verdict), FLUME_OK);
        assert_int_equal(verdict.kind, FLUME_PENDING);
        assert_int_equal(verdict.pending_seq, known_seq);
        assert_int_equal(verdict.seq, FLUME_SEQ_NONE);
        first = i == 0 ? verdict.record_seq : first;
    }
    assert_int_equal(close(file), 0);
    assert_int_equal(flume_view_wait(view_named(fx->flume, "superset"), NULL), FLUME_OK);
    assert_int_equal(flume_commit(recorder, scope, &verdict), FLUME_OK);
    assert_int_equal(verdict.kind, FLUME_DUP);
    assert_true(verdict.seq < first); /* Of the one that was there before it was pending. */
    assert_int_equal(flume_scope_set_int(scope, "z", 1), FLUME_OK);
    assert_int_equal(flume_commit(recorder, scope, &verdict), FLUME_OK);
    assert_int_equal(verdict.kind, FLUME_SUPERSET);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    flume_scope_destroy(scope);
    scope = make_scope(1);
    assert_int_equal(commits_of(fx, scope), 3);
    flume_scope_destroy(scope);
    close_views(fx);
}

static void what_would_be_waited_for_too_long_is_an_error_to_who_must_know(void **state)
{
    struct view_fixture *fx = *state;
    uint64_t known_seq, head;
    int file = open_far_behind(fx, &known_seq);
    flume_recorder *recorder = open_recorder(fx, 0);
    flume_scope *scope = make_scope(0);

    head = flume_log_head(flume_log_of(fx->flume));
    assert_int_equal(flume_commit(recorder, scope, NULL), FLUME_ERR_TIMEOUT);
    expect_view_error(fx->flume, FLUME_ERR_TIMEOUT, "superset");
    assert_int_equal(flume_log_head(flume_log_of(fx->flume)), head);
    assert_int_equal(close(file), 0);
    assert_int_equal(flume_view_wait(view_named(fx->flume, "superset"), NULL), FLUME_OK);
    assert_int_equal(flume_commit(recorder, scope, NULL), FLUME_OK);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    flume_scope_destroy(scope);
    close_views(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        views_test(what_cannot_be_told_in_time_is_pending_and_told_by_the_views),
        views_test(what_would_be_waited_for_too_long_is_pending_and_told_by_the_views),
        views_test(what_would_be_waited_for_too_long_is_an_error_to_who_must_know),
        views_test(who_does_not_ask_for_it_gets_an_error_and_nothing_is_appended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
