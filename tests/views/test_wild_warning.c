/*
 * test_wild_warning.c - who makes keys out of data is told so, once, with the key.
 */
#include "view_fixture.h"

#include <string.h>

#include "flume/recorder.h"
#include "flume/scope_find.h"
#include "shapes.h"

enum { BEYOND = 20 };

struct told {
    size_t count;
    enum flume_log_level level;
    char message[1024];
};

static void take_message(void *ctx, enum flume_log_level level, const char *message)
{
    struct told *told = ctx;

    told->count++;
    told->level = level;
    (void)snprintf(told->message, sizeof told->message, "%s", message);
}

static void open_told(struct view_fixture *fx, struct told *told)
{
    *told = (struct told){.count = 0};
    fx->options.views = 0;
    fx->options.log.log = take_message;
    fx->options.log.log_ctx = told;
    open_views(fx);
    told->count = 0; /* Of opening. */
}

/* Scopes {eps, cell_NNNN}, each with a key of its own. */
static void commit_cells(struct view_fixture *fx, unsigned first, unsigned count)
{
    flume_recorder *recorder;
    flume_verdict verdict;
    flume_scope *scope;
    char key[32];

    assert_int_equal(flume_recorder_open(&recorder, fx->flume, NULL), FLUME_OK);
    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    for (unsigned i = first; i < first + count; i++) {
        flume_scope_clear(scope);
        assert_int_equal(flume_scope_label(scope, "cells"), FLUME_OK);
        assert_int_equal(flume_scope_set_f64(scope, "eps", 0.5), FLUME_OK);
        (void)snprintf(key, sizeof key, "cell_%04u", i);
        assert_int_equal(flume_scope_set_int(scope, key, 1), FLUME_OK);
        assert_int_equal(flume_commit(recorder, scope, &verdict), FLUME_OK);
        assert_true(verdict.kind == FLUME_NEW || verdict.kind == FLUME_DUP);
    }
    flume_scope_destroy(scope);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
}

static void expect_wild(struct view_fixture *fx, uint64_t wild_shapes)
{
    flume_scope_counts counts;

    assert_int_equal(flume_scope_count_all(fx->flume, NULL, &counts), FLUME_OK);
    assert_int_equal(counts.wild_shapes, wild_shapes);
    assert_int_equal(counts.wild_scopes, wild_shapes);
}

static void the_first_wild_shape_is_told_of_with_the_prefix_of_its_key(void **state)
{
    struct view_fixture *fx = *state;
    struct told told;

    open_told(fx, &told);
    commit_cells(fx, 0, SHAPES_MAX);
    assert_int_equal(told.count, 0);
    expect_wild(fx, 0);
    commit_cells(fx, SHAPES_MAX, BEYOND);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.level, FLUME_LOG_WARNING);
    assert_non_null(strstr(told.message, "as 'cell_1024' is (prefix 'cell_')"));
    expect_wild(fx, BEYOND);
    commit_cells(fx, 0, BEYOND + SHAPES_MAX); /* Duplicates; and nothing is told twice. */
    assert_int_equal(told.count, 1);
    close_views(fx);
}

static void whoever_comes_later_and_brings_more_is_told_too(void **state)
{
    struct view_fixture *fx = *state;
    struct told told;

    open_told(fx, &told);
    commit_cells(fx, 0, SHAPES_MAX + 1);
    assert_int_equal(told.count, 1);
    close_views(fx);
    open_told(fx, &told);
    commit_cells(fx, 0, SHAPES_MAX + 1); /* It brings none. */
    assert_int_equal(told.count, 0);
    commit_cells(fx, SHAPES_MAX + 1, 1);
    assert_int_equal(told.count, 1);
    close_views(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        views_test(the_first_wild_shape_is_told_of_with_the_prefix_of_its_key),
        views_test(whoever_comes_later_and_brings_more_is_told_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
