/*
 * test_recorder_rules.c - hooks: who says what becomes of a variable, and who is called at a
 * commit.
 */
#include "rules_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- hooks of the tests ---- */

/* Answers for one key, and counts how often it was asked. */
struct answer {
    const char *key;
    int answer;
    const char *reason;
    int asked;
};

static int give_answer(void *context, const flume_scope *scope, const flume_variable *variable,
                       char *out_reason)
{
    struct answer *answer = context;

    (void)scope;
    answer->asked++;
    if (strcmp(variable->key, answer->key) != 0)
        return FLUME_HOOK_PASS;
    if (answer->reason != NULL)
        (void)snprintf(out_reason, FLUME_REASON_BYTES, "%s", answer->reason);
    return answer->answer;
}

/* Writes its name on a list. */
struct call {
    char *list;
    char name;
    int answer;
};

static int write_name(void *context, const flume_scope *scope, char *out_reason)
{
    struct call *call = context;

    (void)scope;
    (void)out_reason;
    strncat(call->list, &call->name, 1);
    return call->answer;
}

static void classify(struct rules_fixture *fx, const char *labels, struct answer *answer)
{
    assert_int_equal(flume_recorder_classify(fx->recorder, labels, give_answer, answer), FLUME_OK);
}

static void call(struct rules_fixture *fx, const char *labels, enum flume_call_mode mode,
                 struct call *call)
{
    assert_int_equal(flume_recorder_call(fx->recorder, labels, mode, write_name, call), FLUME_OK);
}

/* ---- classifying ---- */

static void a_hook_says_what_becomes_of_a_variable_where_labels_fit(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer time = {"t", FLUME_CLASS_VOLATILE, NULL, 0};
    flume_verdict first;

    classify(fx, "^st[ao]re$", &time);
    first = commit(fx, "a=1 t=5 @store");
    assert_int_equal(first.kind, FLUME_NEW);
    assert_int_equal(time.asked, 2);
    assert_int_equal(class_at(fx, first.record_seq, "t"), FLUME_CLASS_VOLATILE);
    expect_dup(fx, "a=1 t=6 @store", first.record_seq);
    expect_new(fx, "a=1 t=5 @restore");
    expect_new(fx, "a=1 t=6 @restore");
    assert_int_equal(time.asked, 4);
}

static void a_pattern_is_searched_in_any_label_inherited_ones_too(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer time = {"t", FLUME_CLASS_IGNORE, NULL, 0};
    flume_scope *outer;
    flume_verdict verdict;

    classify(fx, "tor", &time);
    assert_int_equal(flume_scope_create(&outer), FLUME_OK);
    describe(outer, "@a_store o=1");
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    verdict = commit(fx, "a=1 t=1 @inner");
    assert_int_equal(class_at(fx, verdict.record_seq, "t"), FLUME_CLASS_IGNORE);
    assert_int_equal(class_at(fx, verdict.record_seq, "o"), FLUME_CLASS_INLINE);
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    verdict = commit(fx, "a=2 t=1 @inner @zz @history");
    assert_int_equal(class_at(fx, verdict.record_seq, "t"), FLUME_CLASS_IGNORE);
    verdict = commit(fx, "a=3 t=1 @inner @to @or");
    assert_int_equal(class_at(fx, verdict.record_seq, "t"), FLUME_CLASS_INLINE);
    flume_scope_destroy(outer);
}

static void the_empty_pattern_fits_a_scope_without_labels_and_no_other_does(void **state)
{
    struct rules_fixture *fx = *state;
    flume_recorder_options options = {.flags = FLUME_RECORDER_NO_OWN_LABEL};
    struct answer every = {"t", FLUME_HOOK_PASS, NULL, 0}, none = every, any = every;

    reopen_recorder(fx, &options);
    classify(fx, NULL, &none);
    classify(fx, "", &every);
    classify(fx, ".*", &any);
    assert_int_equal(flume_scope_set_int(fx->scope, "t", 1), FLUME_OK);
    (void)commit_as_it_is(fx, fx->scope);
    assert_int_equal(none.asked, 1);
    assert_int_equal(every.asked, 1);
    assert_int_equal(any.asked, 0);
}

static void the_last_hook_that_does_not_pass_counts(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer one = {"a", FLUME_CLASS_IGNORE, NULL, 0};
    struct answer two = {"a", FLUME_CLASS_VOLATILE, NULL, 0};
    struct answer three = {"a", FLUME_HOOK_PASS, NULL, 0};
    flume_verdict verdict;

    classify(fx, "", &one);
    classify(fx, "", &two);
    classify(fx, "", &three);
    verdict = commit(fx, "a=1 b=1");
    assert_int_equal(three.asked, 2);
    assert_int_equal(class_at(fx, verdict.record_seq, "a"), FLUME_CLASS_VOLATILE);
}

static void a_hook_decides_what_nobody_has_said(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer blob = {"SOL", FLUME_CLASS_BLOB, NULL, 0};
    struct answer hash = {"SOL", FLUME_CLASS_HASH, NULL, 0};
    const double solution[3] = {1, 2, 3};
    flume_variable variable = {.key = "SOL",
                               .type = "double",
                               .class_ = FLUME_CLASS_UNKNOWN,
                               .content = solution,
                               .content_bytes = sizeof solution};
    flume_verdict first, second;

    describe(fx->scope, "a=1 @store");
    assert_int_equal(flume_scope_set_variable(fx->scope, &variable), FLUME_OK);
    expect_refused(fx, FLUME_ERR_INVALID, "SOL");
    classify(fx, "store", &blob);
    first = commit_as_it_is(fx, fx->scope);
    assert_int_equal(class_at(fx, first.record_seq, "SOL"), FLUME_CLASS_BLOB);
    reopen_recorder(fx, NULL);
    classify(fx, "store", &hash);
    second = commit_as_it_is(fx, fx->scope);
    assert_int_equal(second.kind, FLUME_DUP);
    assert_memory_equal(second.id, first.id, sizeof first.id);
}

static void the_scope_of_the_caller_stays_as_it_is(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer time = {"t", FLUME_CLASS_IGNORE, NULL, 0};
    flume_variable variable;
    uint8_t before[FLUME_HASH_BYTES], after[FLUME_HASH_BYTES];
    flume_verdict verdict;

    classify(fx, "", &time);
    describe(fx->scope, "a=1 t=1");
    assert_int_equal(flume_scope_id(fx->scope, before), FLUME_OK);
    verdict = commit_as_it_is(fx, fx->scope);
    assert_int_equal(flume_scope_id(fx->scope, after), FLUME_OK);
    assert_memory_equal(before, after, sizeof before);
    assert_memory_not_equal(verdict.id, after, sizeof after);
    assert_true(flume_scope_get(fx->scope, "t", &variable));
    assert_int_equal(variable.class_, FLUME_CLASS_INLINE);
}

static void what_was_seen_is_asked_by_the_same_rules(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer time = {"t", FLUME_CLASS_VOLATILE, NULL, 0};
    flume_verdict first;
    uint64_t seq;

    classify(fx, "", &time);
    first = commit(fx, "a=1 t=1");
    describe(fx->scope, "a=1 t=2");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, &seq), FLUME_OK);
    assert_int_equal(seq, first.record_seq);
}

static void a_variable_without_a_value_is_not_made_one_by_a_hook(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer inline_ = {"place", FLUME_CLASS_INLINE, NULL, 0};
    struct {
        int x;
    } place = {1};
    flume_scope *outer;

    assert_int_equal(flume_scope_create(&outer), FLUME_OK);
    assert_int_equal(flume_scope_label(outer, "outer"), FLUME_OK);
    FLUME_CAPTURE(outer, place);
    classify(fx, "", &inline_);
    describe(fx->scope, "a=1");
    FLUME_CAPTURE(fx->scope, place);
    expect_refused(fx, FLUME_ERR_INVALID, "place");
    /* An inherited one neither. */
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    expect_refused(fx, FLUME_ERR_INVALID, "place");
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    inline_.answer = FLUME_CLASS_IGNORE;
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    (void)commit(fx, "a=1");
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    flume_scope_destroy(outer);
}

/* The scope whose commit encloses that of the newest scope. */
static uint64_t around_last(struct rules_fixture *fx)
{
    flume_cursor_options options = {.flags = FLUME_CURSOR_REVERSE};
    flume_tape_entry entry;
    flume_tape *tape;
    uint64_t seq;

    assert_int_equal(flume_tape_open(fx->views->flume, &options, &tape), FLUME_OK);
    assert_int_equal(flume_tape_next(tape, 0, &entry, NULL), FLUME_OK);
    flume_tape_close(tape);
    assert_int_equal(flume_scope_of_frame(fx->views->flume, NULL, entry.enclosing_frame, &seq),
                     FLUME_OK);
    return seq;
}

static void what_is_enclosed_finds_a_scope_that_only_a_hook_can_read(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer hash = {"SOL", FLUME_CLASS_HASH, NULL, 0};
    double solution[2] = {1, 2};
    flume_variable variable = {.key = "SOL",
                               .class_ = FLUME_CLASS_UNKNOWN,
                               .content = solution,
                               .content_bytes = sizeof solution};
    flume_verdict first, second;
    flume_scope *outer;

    classify(fx, "", &hash);
    assert_int_equal(flume_scope_create(&outer), FLUME_OK);
    describe(outer, "o=1 @outer");
    assert_int_equal(flume_scope_set_variable(outer, &variable), FLUME_OK);
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    first = commit_as_it_is(fx, outer);
    (void)commit(fx, "a=1");
    assert_int_equal(around_last(fx), first.record_seq);
    solution[0] = 3;
    assert_int_equal(flume_scope_set_variable(outer, &variable), FLUME_OK);
    second = commit_as_it_is(fx, outer);
    assert_int_equal(second.kind, FLUME_NEW);
    (void)commit(fx, "a=2");
    assert_int_equal(around_last(fx), second.record_seq);
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    flume_scope_destroy(outer);
}

static void an_answer_that_there_is_not_is_refused(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer wrong = {"a", FLUME_CLASS_UNKNOWN + 1, NULL, 0};

    classify(fx, "", &wrong);
    describe(fx->scope, "a=1");
    expect_refused(fx, FLUME_ERR_INVALID, "answers 6");
    wrong.answer = -3;
    expect_refused(fx, FLUME_ERR_INVALID, "answers -3");
}

static void a_veto_refuses_with_its_reason(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer veto = {"a", FLUME_HOOK_VETO, "a is on Tuesdays only", 0};
    struct answer behind = {"a", FLUME_HOOK_PASS, NULL, 0};

    classify(fx, "^store$", &veto);
    classify(fx, "", &behind);
    describe(fx->scope, "a=1 @store");
    expect_refused(fx, FLUME_ERR_CANCELLED, "variable 'a': a is on Tuesdays only");
    assert_int_equal(behind.asked, 0);
    (void)commit(fx, "a=1 @other");
}

/* ---- calling ---- */

static void call_hooks_run_in_order_and_of_the_first_ones_only_the_first_that_fits(void **state)
{
    struct rules_fixture *fx = *state;
    char list[20] = "";
    struct call a = {list, 'a', 0}, b = {list, 'b', 0}, c = {list, 'c', 0}, d = {list, 'd', 0},
                e = {list, 'e', 0};

    call(fx, "other", FLUME_CALL_FIRST, &a);
    call(fx, "store", FLUME_CALL_ALL, &b);
    call(fx, "store", FLUME_CALL_FIRST, &c);
    call(fx, "store", FLUME_CALL_FIRST, &d);
    call(fx, "", FLUME_CALL_ALL, &e);
    (void)commit(fx, "a=1 @store");
    assert_string_equal(list, "bce");
    list[0] = '\0';
    (void)commit(fx, "a=1 @store @other");
    assert_string_equal(list, "abe");
    list[0] = '\0';
    (void)flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, NULL);
    assert_string_equal(list, "");
}

static void a_call_hook_that_vetoes_is_the_last_one(void **state)
{
    struct rules_fixture *fx = *state;
    char list[20] = "";
    struct call a = {list, 'a', FLUME_HOOK_VETO}, b = {list, 'b', 0};

    call(fx, "", FLUME_CALL_ALL, &a);
    call(fx, "", FLUME_CALL_ALL, &b);
    describe(fx->scope, "a=1");
    expect_refused(fx, FLUME_ERR_CANCELLED, "gives no reason");
    assert_string_equal(list, "a");
    a.answer = 7;
    expect_refused(fx, FLUME_ERR_INVALID, "answers 7");
}

static int count_variables(void *context, const flume_scope *scope, char *out_reason)
{
    flume_variable variable;

    (void)out_reason;
    assert_true(flume_scope_get(scope, "t", &variable));
    *(enum flume_variable_class *)context = variable.class_;
    return FLUME_OK;
}

static void a_call_hook_sees_what_would_be_recorded(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer time = {"t", FLUME_CLASS_VOLATILE, NULL, 0};
    enum flume_variable_class seen = FLUME_CLASS_UNKNOWN;

    assert_int_equal(flume_recorder_call(fx->recorder, "", FLUME_CALL_ALL, count_variables, &seen),
                     FLUME_OK);
    classify(fx, "", &time);
    (void)commit(fx, "a=1 t=1");
    assert_int_equal(seen, FLUME_CLASS_VOLATILE);
}

static int use_recorder(void *context, const flume_scope *scope, char *out_reason)
{
    struct rules_fixture *fx = context;

    (void)scope;
    (void)out_reason;
    assert_int_equal(flume_commit(fx->recorder, fx->scope, NULL), FLUME_ERR_INVALID);
    expect_view_error(fx->views->flume, FLUME_ERR_INVALID, "the recorder that runs it");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, NULL),
                     FLUME_ERR_INVALID);
    assert_int_equal(flume_recorder_call(fx->recorder, "", FLUME_CALL_ALL, use_recorder, fx),
                     FLUME_ERR_INVALID);
    return FLUME_OK;
}

static void a_hook_cannot_use_the_recorder_that_runs_it(void **state)
{
    struct rules_fixture *fx = *state;

    assert_int_equal(flume_recorder_call(fx->recorder, "", FLUME_CALL_ALL, use_recorder, fx),
                     FLUME_OK);
    (void)commit(fx, "a=1");
    (void)commit(fx, "a=2");
}

/* ---- patterns ---- */

static void patterns_that_are_none_are_refused(void **state)
{
    struct rules_fixture *fx = *state;
    struct answer answer = {"a", FLUME_HOOK_VETO, NULL, 0};
    char long_pattern[FLUME_PATTERN_BYTES_MAX + 2];

    assert_int_equal(flume_recorder_classify(fx->recorder, "a(b", give_answer, &answer),
                     FLUME_ERR_INVALID);
    expect_view_error(fx->views->flume, FLUME_ERR_INVALID, "pattern 'a(b'");
    memset(long_pattern, 'a', sizeof long_pattern);
    long_pattern[sizeof long_pattern - 1] = '\0';
    assert_int_equal(flume_recorder_classify(fx->recorder, long_pattern, give_answer, &answer),
                     FLUME_ERR_TOO_LARGE);
    expect_view_error(fx->views->flume, FLUME_ERR_TOO_LARGE, "1025 bytes");
    long_pattern[sizeof long_pattern - 2] = '\0';
    assert_int_equal(flume_recorder_classify(fx->recorder, long_pattern, give_answer, &answer),
                     FLUME_OK);
    assert_int_equal(flume_recorder_call(fx->recorder, "", 2, write_name, NULL), FLUME_ERR_INVALID);
    (void)commit(fx, "a=1");
    assert_int_equal(answer.asked, 0);
}

/* More label sets than are remembered, and patterns that come between. */
static void what_fits_is_found_again_whatever_was_asked_between(void **state)
{
    enum { SETS = 400, HOOKS = 12 };
    struct rules_fixture *fx = *state;
    struct answer answers[HOOKS];
    char text[60], pattern[20];

    for (int hook = 0; hook < HOOKS; hook++) {
        answers[hook] = (struct answer){"a", FLUME_HOOK_PASS, NULL, 0};
        (void)snprintf(pattern, sizeof pattern, "^l%d$", hook * 7);
        classify(fx, pattern, &answers[hook]);
        for (int set = hook % 2; set < SETS; set += 2 + 13 * (hook % 3)) {
            int expected[HOOKS];

            for (int i = 0; i <= hook; i++)
                expected[i] = answers[i].asked + (set == i * 7 || set + 1 == i * 7);
            (void)snprintf(text, sizeof text, "a=1 @l%d @l%d", set, set + 1);
            describe(fx->scope, text);
            (void)flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, NULL);
            for (int i = 0; i <= hook; i++)
                assert_int_equal(answers[i].asked, expected[i]);
        }
    }
}

static void a_scope_with_an_error_is_refused_within_another_one_too(void **state)
{
    struct rules_fixture *fx = *state;
    flume_scope *outer;

    assert_int_equal(flume_scope_create(&outer), FLUME_OK);
    describe(outer, "o=1");
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_set_int(fx->scope, "@b", 1), FLUME_ERR_INVALID);
    expect_refused(fx, FLUME_ERR_INVALID, "@b");
    (void)commit(fx, "a=1");
    /* What surrounds it has an error. */
    assert_int_equal(flume_scope_set_int(outer, "@c", 1), FLUME_ERR_INVALID);
    expect_refused(fx, FLUME_ERR_INVALID, "@c");
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    flume_scope_destroy(outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        rules_test(a_hook_says_what_becomes_of_a_variable_where_labels_fit),
        rules_test(a_pattern_is_searched_in_any_label_inherited_ones_too),
        rules_test(the_empty_pattern_fits_a_scope_without_labels_and_no_other_does),
        rules_test(the_last_hook_that_does_not_pass_counts),
        rules_test(a_hook_decides_what_nobody_has_said),
        rules_test(the_scope_of_the_caller_stays_as_it_is),
        rules_test(what_was_seen_is_asked_by_the_same_rules),
        rules_test(a_variable_without_a_value_is_not_made_one_by_a_hook),
        rules_test(what_is_enclosed_finds_a_scope_that_only_a_hook_can_read),
        rules_test(an_answer_that_there_is_not_is_refused),
        rules_test(a_veto_refuses_with_its_reason),
        rules_test(call_hooks_run_in_order_and_of_the_first_ones_only_the_first_that_fits),
        rules_test(a_call_hook_that_vetoes_is_the_last_one),
        rules_test(a_call_hook_sees_what_would_be_recorded),
        rules_test(a_hook_cannot_use_the_recorder_that_runs_it),
        rules_test(patterns_that_are_none_are_refused),
        rules_test(what_fits_is_found_again_whatever_was_asked_between),
        rules_test(a_scope_with_an_error_is_refused_within_another_one_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
