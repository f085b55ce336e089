/*
 * test_scope_numbers.c - numbers whose spelling makes no difference: a whole f64 becomes an int,
 * however it is set, and what was recorded so says so.
 */
#include "view_fixture.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flume/recorder.h"

/* ---- verbs ---- */

struct numbers_fixture {
    struct view_fixture *views;
    flume_scope *loose, *strict;
};

static int numbers_setup(void **state)
{
    struct numbers_fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    assert_int_equal(views_setup(state), 0);
    fx->views = *state;
    fx->views->options.views = 0;
    open_views(fx->views);
    assert_int_equal(flume_scope_create(&fx->loose), FLUME_OK);
    assert_int_equal(flume_scope_create(&fx->strict), FLUME_OK);
    assert_int_equal(flume_scope_numbers(fx->loose, FLUME_NUMBERS_LOOSE), FLUME_OK);
    assert_int_equal(flume_scope_label(fx->loose, "numbers"), FLUME_OK);
    assert_int_equal(flume_scope_label(fx->strict, "numbers"), FLUME_OK);
    *state = fx;
    return 0;
}

static int numbers_teardown(void **state)
{
    struct numbers_fixture *fx = *state;
    void *views = fx->views;

    flume_scope_destroy(fx->loose);
    flume_scope_destroy(fx->strict);
    if (fx->views->flume != NULL)
        close_views(fx->views);
    free(fx);
    return views_teardown(&views);
}

#define numbers_test(function) \
    cmocka_unit_test_setup_teardown(function, numbers_setup, numbers_teardown)

static enum flume_value_type type_of(const flume_scope *scope, const char *key)
{
    flume_variable variable;

    assert_true(flume_scope_get(scope, key, &variable));
    return variable.value.type;
}

static void expect_int(const flume_scope *scope, const char *key, int64_t value)
{
    flume_variable variable;

    assert_true(flume_scope_get(scope, key, &variable));
    assert_int_equal(variable.value.type, FLUME_VALUE_INT);
    assert_int_equal(variable.value.integer, value);
}

static bool is_same(flume_scope *one, flume_scope *other)
{
    uint8_t id[FLUME_HASH_BYTES], other_id[FLUME_HASH_BYTES];

    assert_int_equal(flume_scope_id(one, id), FLUME_OK);
    assert_int_equal(flume_scope_id(other, other_id), FLUME_OK);
    return memcmp(id, other_id, sizeof id) == 0;
}

/* ---- values ---- */

static void whole_numbers_are_ints_and_others_stay(void **state)
{
    struct numbers_fixture *fx = *state;
    static const double whole[] = {
        0.0, -0.0, 1.0, -1.0, 1e15, 9007199254740992.0, -9007199254740992.0};
    static const double other[] = {0.5, -1e-300, 9007199254740994.0, -1e300, INFINITY, -INFINITY,
                                   NAN, DBL_MIN};

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        assert_int_equal(flume_scope_set_f64(fx->loose, "x", whole[i]), FLUME_OK);
        expect_int(fx->loose, "x", (int64_t)whole[i]);
    }
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        assert_int_equal(flume_scope_set_f64(fx->loose, "x", other[i]), FLUME_OK);
        assert_int_equal(type_of(fx->loose, "x"), FLUME_VALUE_F64);
    }
    assert_int_equal(flume_scope_set_f64(fx->strict, "x", 1.0), FLUME_OK);
    assert_int_equal(type_of(fx->strict, "x"), FLUME_VALUE_F64);
}

static void one_is_one_however_it_is_spelled_but_not_true_nor_a_text(void **state)
{
    struct numbers_fixture *fx = *state;

    assert_int_equal(flume_scope_set_int(fx->strict, "x", 1), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(fx->loose, "x", 1.0), FLUME_OK);
    assert_true(is_same(fx->loose, fx->strict));
    assert_int_equal(flume_scope_set_bool(fx->loose, "x", true), FLUME_OK);
    assert_false(is_same(fx->loose, fx->strict));
    assert_int_equal(flume_scope_set_text(fx->loose, "x", "1"), FLUME_OK);
    assert_false(is_same(fx->loose, fx->strict));
    /* Where it is not asked for they are two, as are the zeros. */
    assert_int_equal(flume_scope_numbers(fx->loose, FLUME_NUMBERS_STRICT), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(fx->loose, "x", 1.0), FLUME_OK);
    assert_false(is_same(fx->loose, fx->strict));
    assert_int_equal(flume_scope_numbers(fx->loose, (enum flume_number_mode)2), FLUME_ERR_INVALID);
}

static void captured_numbers_and_those_of_json_are_loose_too(void **state)
{
    struct numbers_fixture *fx = *state;
    static const char json[] = "{\"a\":2.0,\"b\":[1e3,-0.0],\"c\":0.25}";
    double rate = 3.0, step = 0.5;

    for (int round = 0; round < 3; round++) { /* The second time the same is found. */
        FLUME_CAPTURE(fx->loose, rate, step);
        expect_int(fx->loose, "rate", 3 + round);
        assert_int_equal(type_of(fx->loose, "step"), FLUME_VALUE_F64);
        rate += 1;
    }
    step = 2.0; /* What was an f64 becomes an int, and one again. */
    FLUME_CAPTURE(fx->loose, step);
    expect_int(fx->loose, "step", 2);
    step = 2.5;
    FLUME_CAPTURE(fx->loose, step);
    assert_int_equal(type_of(fx->loose, "step"), FLUME_VALUE_F64);
    assert_int_equal(flume_scope_from_json(fx->loose, json, sizeof json - 1), FLUME_OK);
    expect_int(fx->loose, "a", 2);
    expect_int(fx->loose, "b/0", 1000);
    expect_int(fx->loose, "b/1", 0);
    assert_int_equal(type_of(fx->loose, "c"), FLUME_VALUE_F64);
}

/* ---- recording ---- */

static uint64_t commit(flume_recorder *recorder, flume_scope *scope, enum flume_verdict_kind kind)
{
    flume_verdict verdict;

    assert_int_equal(flume_commit(recorder, scope, &verdict), FLUME_OK);
    assert_int_equal(verdict.kind, kind);
    return verdict.record_seq;
}

static enum flume_number_mode mode_at(struct numbers_fixture *fx, uint64_t seq)
{
    enum flume_number_mode mode;
    flume_scope *scope;

    assert_int_equal(flume_scope_read(fx->views->flume, seq, &scope), FLUME_OK);
    mode = flume_scope_number_mode(scope);
    flume_scope_destroy(scope);
    return mode;
}

static void what_was_recorded_says_so(void **state)
{
    struct numbers_fixture *fx = *state;
    flume_recorder *recorder;
    uint64_t loose, strict, part, link;
    flume_scope *scope;

    assert_int_equal(flume_recorder_open(&recorder, fx->views->flume, NULL), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(fx->loose, "n", 100.0), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(fx->loose, "eps", 0.5), FLUME_OK);
    loose = commit(recorder, fx->loose, FLUME_NEW);
    assert_int_equal(flume_scope_unset(fx->loose, "eps"), FLUME_OK);
    part = commit(recorder, fx->loose, FLUME_SUBSET); /* Stored as what it lacks. */
    assert_int_equal(flume_scope_set_f64(fx->strict, "n", 100.0), FLUME_OK);
    strict = commit(recorder, fx->strict, FLUME_NEW);
    assert_int_equal(flume_scope_set_int(fx->strict, "n", 100), FLUME_OK);
    (void)commit(recorder, fx->strict, FLUME_DUP);
    assert_int_equal(flume_recorder_flush(recorder), FLUME_OK);
    link = flume_log_head(flume_log_of(fx->views->flume)) - 1;
    assert_int_equal(mode_at(fx, loose), FLUME_NUMBERS_LOOSE);
    assert_int_equal(mode_at(fx, part), FLUME_NUMBERS_LOOSE);
    assert_int_equal(mode_at(fx, strict), FLUME_NUMBERS_STRICT);
    assert_int_equal(mode_at(fx, link), FLUME_NUMBERS_LOOSE); /* That of the scope it leads to. */
    /* What was read and is committed again is the same. */
    assert_int_equal(flume_scope_read(fx->views->flume, strict, &scope), FLUME_OK);
    (void)commit(recorder, scope, FLUME_DUP);
    flume_scope_destroy(scope);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
}

static void what_is_inherited_stays_what_it_is(void **state)
{
    struct numbers_fixture *fx = *state;
    flume_recorder *recorder;
    flume_scope *scope;
    uint64_t seq;

    assert_int_equal(flume_recorder_open(&recorder, fx->views->flume, NULL), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(fx->strict, "outer", 1.0), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(fx->loose, "inner", 1.0), FLUME_OK);
    assert_int_equal(flume_scope_enter(recorder, fx->strict), FLUME_OK);
    seq = commit(recorder, fx->loose, FLUME_NEW);
    assert_int_equal(flume_scope_leave(recorder, fx->strict), FLUME_OK);
    assert_int_equal(flume_scope_read(fx->views->flume, seq, &scope), FLUME_OK);
    assert_int_equal(type_of(scope, "outer"), FLUME_VALUE_F64);
    assert_int_equal(type_of(scope, "inner"), FLUME_VALUE_INT);
    assert_int_equal(flume_scope_number_mode(scope), FLUME_NUMBERS_LOOSE);
    flume_scope_destroy(scope);
    assert_int_equal(flume_scope_copy(fx->loose, &scope), FLUME_OK);
    assert_int_equal(flume_scope_number_mode(scope), FLUME_NUMBERS_LOOSE);
    flume_scope_clear(scope);
    assert_int_equal(flume_scope_number_mode(scope), FLUME_NUMBERS_LOOSE);
    flume_scope_destroy(scope);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        numbers_test(whole_numbers_are_ints_and_others_stay),
        numbers_test(one_is_one_however_it_is_spelled_but_not_true_nor_a_text),
        numbers_test(captured_numbers_and_those_of_json_are_loose_too),
        numbers_test(what_was_recorded_says_so),
        numbers_test(what_is_inherited_stays_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
