/*
 * test_recorder_rules_tare.c - declared defaults and tares: what makes no difference to identity.
 */
#include "rules_fixture.h"

#include <stdlib.h>
#include <string.h>

static flume_value whole(int64_t integer)
{
    return (flume_value){.type = FLUME_VALUE_INT, .integer = integer};
}

static void declare(struct rules_fixture *fx, const char *key, int64_t integer)
{
    flume_value value = whole(integer);

    assert_int_equal(flume_recorder_default(fx->recorder, key, &value), FLUME_OK);
}

static void tare(struct rules_fixture *fx, const char *text, enum flume_tare_mode mode)
{
    flume_scope *scope;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    describe(scope, text);
    assert_int_equal(flume_recorder_tare(fx->recorder, scope, mode), FLUME_OK);
    flume_scope_destroy(scope);
}

static void untare(struct rules_fixture *fx)
{
    assert_int_equal(flume_recorder_untare(fx->recorder), FLUME_OK);
}

/* ---- defaults ---- */

static void a_variable_that_comes_later_with_its_default_keeps_old_scopes(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict old = commit(fx, "a=1 b=2"), later;

    later = commit(fx, "a=1 b=2 z=7");
    assert_int_equal(later.kind, FLUME_SUPERSET);
    reopen_recorder(fx, NULL);
    declare(fx, "z", 7);
    later = commit(fx, "a=1 b=2 z=7");
    assert_int_equal(later.kind, FLUME_DUP);
    assert_int_equal(later.seq, old.record_seq);
    assert_memory_equal(later.id, old.id, sizeof old.id);
    later = commit(fx, "a=1 b=2 z=8");
    assert_int_equal(later.kind, FLUME_SUPERSET);
    later = commit(fx, "a=5 z=7");
    assert_int_equal(later.kind, FLUME_NEW);
    assert_int_equal(class_at(fx, later.record_seq, "z"), FLUME_CLASS_VOLATILE);
    describe(fx->scope, "a=5");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, NULL), FLUME_OK);
}

static void a_default_is_of_a_type(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict verdict;

    declare(fx, "z", 1);
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_set_bool(fx->scope, "z", true), FLUME_OK);
    verdict = commit_as_it_is(fx, fx->scope);
    assert_int_equal(class_at(fx, verdict.record_seq, "z"), FLUME_CLASS_INLINE);
    assert_int_equal(flume_scope_set_f64(fx->scope, "z", 1.0), FLUME_OK);
    verdict = commit_as_it_is(fx, fx->scope);
    assert_int_equal(class_at(fx, verdict.record_seq, "z"), FLUME_CLASS_INLINE);
}

static void the_last_default_of_a_key_counts(void **state)
{
    struct rules_fixture *fx = *state;
    flume_value nameless = whole(1);
    flume_verdict first;

    declare(fx, "z", 1);
    declare(fx, "y", 5);
    declare(fx, "z", 2);
    assert_int_equal(flume_recorder_default(fx->recorder, "@z", &nameless), FLUME_ERR_INVALID);
    expect_view_error(fx->views->flume, FLUME_ERR_INVALID, "'@z'");
    assert_int_equal(flume_recorder_default(fx->recorder, "@y", &nameless), FLUME_ERR_INVALID);
    expect_view_error(fx->views->flume, FLUME_ERR_INVALID, "'@y'");
    assert_int_equal(flume_recorder_default(fx->recorder, "z", NULL), FLUME_ERR_INVALID);
    declare(fx, "x", 3);
    first = commit(fx, "a=1");
    expect_dup(fx, "a=1 z=2 y=5 x=3", first.record_seq);
    assert_int_equal(commit(fx, "a=1 z=1").kind, FLUME_SUPERSET);
}

static int make_hash(void *context, const flume_scope *scope, const flume_variable *variable,
                     char *out_reason)
{
    (void)context;
    (void)scope;
    (void)out_reason;
    return strcmp(variable->key, "s") == 0 ? FLUME_CLASS_HASH : FLUME_HOOK_PASS;
}

static void a_default_is_what_was_captured_whatever_a_hook_makes_of_it(void **state)
{
    struct rules_fixture *fx = *state;
    flume_value word = {.type = FLUME_VALUE_TEXT, .bytes = {"word", 4}};
    flume_verdict first = commit(fx, "a=1"), second;

    assert_int_equal(flume_recorder_classify(fx->recorder, "", make_hash, NULL), FLUME_OK);
    assert_int_equal(flume_recorder_default(fx->recorder, "s", &word), FLUME_OK);
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_set_text(fx->scope, "s", "word"), FLUME_OK);
    second = commit_as_it_is(fx, fx->scope);
    assert_int_equal(second.kind, FLUME_DUP);
    assert_int_equal(second.seq, first.record_seq);
}

static void what_is_unknown_or_ignored_has_no_default(void **state)
{
    struct rules_fixture *fx = *state;
    flume_value null = {.type = FLUME_VALUE_NULL};
    struct {
        int x;
    } place = {1};
    flume_verdict verdict;

    assert_int_equal(flume_recorder_default(fx->recorder, "place", &null), FLUME_OK);
    declare(fx, "z", 1);
    describe(fx->scope, "a=1 z=1");
    FLUME_CAPTURE(fx->scope, place);
    expect_refused(fx, FLUME_ERR_INVALID, "place");
    describe(fx->scope, "a=1 z=1");
    assert_int_equal(flume_scope_classify(fx->scope, "z", FLUME_CLASS_IGNORE), FLUME_OK);
    verdict = commit_as_it_is(fx, fx->scope);
    assert_int_equal(class_at(fx, verdict.record_seq, "z"), FLUME_CLASS_IGNORE);
}

/* ---- tare ---- */

static void a_tare_by_key_leaves_keys_out_whatever_they_are(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict first, again;

    tare(fx, "g=1 h=2 @other", FLUME_TARE_KEYS);
    first = commit(fx, "a=1 g=5 h=2");
    assert_int_equal(class_at(fx, first.record_seq, "g"), FLUME_CLASS_IGNORE);
    assert_int_equal(class_at(fx, first.record_seq, "h"), FLUME_CLASS_IGNORE);
    expect_dup(fx, "a=1", first.record_seq);
    again = commit(fx, "a=1 g=5 @other");
    assert_int_equal(again.kind, FLUME_NEW);
    untare(fx);
    assert_int_equal(commit(fx, "a=1 g=5 h=2").kind, FLUME_SUPERSET);
}

static void a_tare_by_value_leaves_out_what_is_still_the_same(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict first = commit(fx, "a=1"), changed;

    tare(fx, "g=1 h=2", FLUME_TARE_VALUES);
    expect_dup(fx, "a=1 g=1 h=2", first.record_seq);
    changed = commit(fx, "a=1 g=2 h=2");
    assert_int_equal(changed.kind, FLUME_SUPERSET);
    assert_int_equal(changed.key_count, 1);
    assert_string_equal(changed.keys[0], "g");
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_set_f64(fx->scope, "g", 1.0), FLUME_OK);
    assert_int_equal(commit_as_it_is(fx, fx->scope).kind, FLUME_SUPERSET);
}

static void tares_stack_and_are_undone_last_first(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict first = commit(fx, "a=1");

    tare(fx, "g=1", FLUME_TARE_KEYS);
    tare(fx, "h=1", FLUME_TARE_VALUES);
    expect_dup(fx, "a=1 g=9 h=1", first.record_seq);
    untare(fx);
    expect_dup(fx, "a=1 g=9", first.record_seq);
    assert_int_equal(commit(fx, "a=1 h=1").kind, FLUME_SUPERSET);
    untare(fx);
    assert_int_equal(commit(fx, "a=1 g=8").kind, FLUME_SUPERSET);
    assert_int_equal(flume_recorder_untare(fx->recorder), FLUME_ERR_NOT_FOUND);
    for (int i = 0; i < FLUME_TARES_MAX; i++)
        tare(fx, "a=1", FLUME_TARE_KEYS);
    assert_int_equal(flume_recorder_tare(fx->recorder, fx->scope, FLUME_TARE_KEYS),
                     FLUME_ERR_TOO_LARGE);
    assert_int_equal(flume_recorder_tare(fx->recorder, fx->scope, 2), FLUME_ERR_INVALID);
}

static void a_tare_takes_what_is_inherited_and_what_has_no_value(void **state)
{
    struct rules_fixture *fx = *state;
    struct {
        int x;
    } place = {1};
    flume_scope *outer;
    flume_verdict verdict;

    assert_int_equal(flume_scope_create(&outer), FLUME_OK);
    describe(outer, "o=1");
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    describe(fx->scope, "g=1");
    FLUME_CAPTURE(fx->scope, place);
    assert_int_equal(flume_recorder_tare(fx->recorder, fx->scope, FLUME_TARE_VALUES), FLUME_OK);
    verdict = commit(fx, "a=1 g=1");
    assert_int_equal(class_at(fx, verdict.record_seq, "o"), FLUME_CLASS_IGNORE);
    describe(fx->scope, "a=1");
    FLUME_CAPTURE(fx->scope, place);
    expect_refused(fx, FLUME_ERR_INVALID, "place");
    assert_int_equal(flume_recorder_tare(fx->recorder, fx->scope, FLUME_TARE_KEYS), FLUME_OK);
    assert_int_equal(flume_scope_set_int(fx->scope, "b", 1), FLUME_OK);
    (void)commit_as_it_is(fx, fx->scope);
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    flume_scope_destroy(outer);
}

static void a_scope_with_an_error_is_no_tare(void **state)
{
    struct rules_fixture *fx = *state;

    assert_int_equal(flume_scope_set_int(fx->scope, "@a", 1), FLUME_ERR_INVALID);
    assert_int_equal(flume_recorder_tare(fx->recorder, fx->scope, FLUME_TARE_KEYS),
                     FLUME_ERR_INVALID);
    expect_view_error(fx->views->flume, FLUME_ERR_INVALID, "@a");
    assert_int_equal(flume_recorder_untare(fx->recorder), FLUME_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        rules_test(a_variable_that_comes_later_with_its_default_keeps_old_scopes),
        rules_test(a_default_is_of_a_type),
        rules_test(the_last_default_of_a_key_counts),
        rules_test(a_default_is_what_was_captured_whatever_a_hook_makes_of_it),
        rules_test(what_is_unknown_or_ignored_has_no_default),
        rules_test(a_tare_by_key_leaves_keys_out_whatever_they_are),
        rules_test(a_tare_by_value_leaves_out_what_is_still_the_same),
        rules_test(tares_stack_and_are_undone_last_first),
        rules_test(a_tare_takes_what_is_inherited_and_what_has_no_value),
        rules_test(a_scope_with_an_error_is_no_tare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
