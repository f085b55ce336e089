/*
 * test_recorder_race.c - somebody in fast mode who appends between a verdict and its record.
 *
 * The linker leads the recorder's appends through this file (tests/CMakeLists.txt), so that the
 * other one comes at exactly that moment.
 */
#include "view_fixture.h"

#include <stdlib.h>
#include <string.h>

int __real_flume_log_append_many(flume_log *log, const flume_entry *entries, size_t count,
                                 const flume_condition *condition, uint64_t *out_first_seq);
int __wrap_flume_log_append_many(flume_log *log, const flume_entry *entries, size_t count,
                                 const flume_condition *condition, uint64_t *out_first_seq);

/* Who comes in between; one thread at a time. */
static struct {
    flume_recorder *recorder; /* Null: nobody. */
    flume_scope *scope;
    uint64_t times; /* Still to come. */
    bool counts_on; /* Commits another scope each time. */
    uint64_t done;
} rival;

static void append_as_rival(void)
{
    if (rival.recorder == NULL || rival.times == 0)
        return;
    rival.times--;
    rival.done++;
    if (rival.counts_on)
        assert_int_equal(flume_scope_set_int(rival.scope, "n", (int64_t)rival.done), FLUME_OK);
    flume_recorder *recorder = rival.recorder;

    rival.recorder = NULL; /* Its own append is nobody's moment. */
    assert_int_equal(flume_commit(recorder, rival.scope, NULL), FLUME_OK);
    rival.recorder = recorder;
}

int __wrap_flume_log_append_many(flume_log *log, const flume_entry *entries, size_t count,
                                 const flume_condition *condition, uint64_t *out_first_seq)
{
    append_as_rival();
    return __real_flume_log_append_many(log, entries, count, condition, out_first_seq);
}

struct race_fixture {
    struct view_fixture *views;
    flume_recorder *asking, *fast;
    flume_scope *scope, *other;
};

static int race_setup(void **state)
{
    struct race_fixture *fx = calloc(1, sizeof *fx);
    flume_recorder_options fast = {.flags = FLUME_RECORDER_FAST};

    assert_non_null(fx);
    assert_int_equal(views_setup(state), 0);
    fx->views = *state;
    fx->views->options.views = 0;
    open_views(fx->views);
    assert_int_equal(flume_recorder_open(&fx->asking, fx->views->flume, NULL), FLUME_OK);
    assert_int_equal(flume_recorder_open(&fx->fast, fx->views->flume, &fast), FLUME_OK);
    assert_int_equal(flume_scope_create(&fx->scope), FLUME_OK);
    assert_int_equal(flume_scope_create(&fx->other), FLUME_OK);
    for (int i = 0; i < 2; i++) {
        flume_scope *scope = i == 0 ? fx->scope : fx->other;

        assert_int_equal(flume_scope_label(scope, "race"), FLUME_OK);
        assert_int_equal(flume_scope_set_int(scope, "n", 0), FLUME_OK);
    }
    rival.recorder = fx->fast;
    rival.scope = fx->other;
    rival.times = rival.done = 0;
    rival.counts_on = false;
    *state = fx;
    return 0;
}

static int race_teardown(void **state)
{
    struct race_fixture *fx = *state;
    void *views = fx->views;

    rival.recorder = NULL;
    flume_scope_destroy(fx->scope);
    flume_scope_destroy(fx->other);
    assert_int_equal(flume_recorder_close(fx->asking), FLUME_OK);
    assert_int_equal(flume_recorder_close(fx->fast), FLUME_OK);
    close_views(fx->views);
    free(fx);
    return views_teardown(&views);
}

#define race_test(function) cmocka_unit_test_setup_teardown(function, race_setup, race_teardown)

static void the_same_scope_that_came_in_between_makes_a_duplicate(void **state)
{
    struct race_fixture *fx = *state;
    flume_verdict verdict;

    rival.times = 1;
    assert_int_equal(flume_commit(fx->asking, fx->scope, &verdict), FLUME_OK);
    assert_int_equal(rival.done, 1);
    assert_int_equal(verdict.kind, FLUME_DUP);
    assert_int_equal(flume_scope_seen(fx->asking, fx->scope, FLUME_SEEN_EXACT, &verdict.seq),
                     FLUME_OK);
}

static void a_smaller_one_that_came_in_between_is_extended(void **state)
{
    struct race_fixture *fx = *state;
    flume_verdict verdict;

    rival.times = 1;
    assert_int_equal(flume_scope_set_int(fx->scope, "m", 1), FLUME_OK);
    assert_int_equal(flume_commit(fx->asking, fx->scope, &verdict), FLUME_OK);
    assert_int_equal(rival.done, 1);
    assert_int_equal(verdict.kind, FLUME_SUPERSET);
    assert_int_equal(verdict.key_count, 1);
    assert_string_equal(verdict.keys[0], "m");
}

static void others_that_come_in_between_leave_it_new(void **state)
{
    struct race_fixture *fx = *state;
    flume_verdict verdict;

    rival.times = 20;
    rival.counts_on = true;
    assert_int_equal(flume_commit(fx->asking, fx->scope, &verdict), FLUME_OK);
    assert_int_equal(rival.done, 20);
    assert_int_equal(verdict.kind, FLUME_NEW);
}

static void who_is_never_quicker_is_told_so_and_appends_nothing(void **state)
{
    struct race_fixture *fx = *state;
    flume_verdict verdict;
    flume_error error;

    rival.times = UINT64_MAX;
    rival.counts_on = true;
    assert_int_equal(flume_commit(fx->asking, fx->scope, &verdict), FLUME_ERR_CONFLICT);
    flume_last_error(fx->views->flume, &error);
    assert_non_null(strstr(error.message, "in fast mode"));
    rival.times = 0;
    assert_int_equal(flume_scope_seen(fx->asking, fx->scope, FLUME_SEEN_EXACT, &verdict.seq),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_commit(fx->asking, fx->scope, &verdict), FLUME_OK);
    assert_int_equal(verdict.kind, FLUME_NEW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        race_test(the_same_scope_that_came_in_between_makes_a_duplicate),
        race_test(a_smaller_one_that_came_in_between_is_extended),
        race_test(others_that_come_in_between_leave_it_new),
        race_test(who_is_never_quicker_is_told_so_and_appends_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
