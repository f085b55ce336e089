/*
 * test_recorder_rules_checks.c - filters and validators: what is recorded, and what it must be.
 */
#include "rules_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void filter(struct rules_fixture *fx, const char *labels, const char *keys,
                   enum flume_filter_mode mode)
{
    assert_int_equal(flume_recorder_filter(fx->recorder, labels, keys, mode), FLUME_OK);
}

static void validate(struct rules_fixture *fx, flume_validator validator)
{
    assert_int_equal(flume_recorder_validate(fx->recorder, &validator), FLUME_OK);
}

static flume_value whole(int64_t integer)
{
    return (flume_value){.type = FLUME_VALUE_INT, .integer = integer};
}

static flume_value real(double number)
{
    return (flume_value){.type = FLUME_VALUE_F64, .real = number};
}

static flume_value text(const char *text)
{
    return (flume_value){.type = FLUME_VALUE_TEXT, .bytes = {text, strlen(text)}};
}

/* ---- filters ---- */

static void the_last_filter_that_fits_counts(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict verdict;

    filter(fx, "", "tmp", FLUME_FILTER_EXCLUDE);
    filter(fx, "", "_tmp$", FLUME_FILTER_INCLUDE);
    filter(fx, "^x$", "^a", FLUME_FILTER_EXCLUDE);
    verdict = commit(fx, "a=1 a_tmp=1 tmp_b=1 c=1");
    assert_int_equal(class_at(fx, verdict.record_seq, "a"), FLUME_CLASS_INLINE);
    assert_int_equal(class_at(fx, verdict.record_seq, "a_tmp"), FLUME_CLASS_INLINE);
    assert_int_equal(class_at(fx, verdict.record_seq, "tmp_b"), FLUME_CLASS_IGNORE);
    expect_dup(fx, "a=1 a_tmp=1 c=1", verdict.record_seq);
    verdict = commit(fx, "a=1 a_tmp=1 tmp_b=1 c=1 @x");
    assert_int_equal(class_at(fx, verdict.record_seq, "a"), FLUME_CLASS_IGNORE);
    assert_int_equal(class_at(fx, verdict.record_seq, "a_tmp"), FLUME_CLASS_IGNORE);
    assert_int_equal(class_at(fx, verdict.record_seq, "c"), FLUME_CLASS_INLINE);
}

static void only_what_is_included_is_recorded_if_all_is_excluded_first(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict verdict;

    filter(fx, NULL, NULL, FLUME_FILTER_EXCLUDE);
    filter(fx, NULL, "^(n|eps)$", FLUME_FILTER_INCLUDE);
    verdict = commit(fx, "eps=1 n=2 nn=3");
    assert_int_equal(class_at(fx, verdict.record_seq, "n"), FLUME_CLASS_INLINE);
    assert_int_equal(class_at(fx, verdict.record_seq, "nn"), FLUME_CLASS_IGNORE);
    expect_dup(fx, "eps=1 n=2", verdict.record_seq);
}

static int make_inline(void *context, const flume_scope *scope, const flume_variable *variable,
                       char *out_reason)
{
    (void)scope;
    (void)out_reason;
    strcat(context, variable->key);
    return FLUME_CLASS_INLINE;
}

static void what_is_excluded_is_no_matter_of_hooks_and_may_be_unknown(void **state)
{
    struct rules_fixture *fx = *state;
    char asked[30] = "";
    struct {
        int x;
    } place = {1};
    flume_verdict verdict;

    filter(fx, "", "^place$", FLUME_FILTER_EXCLUDE);
    assert_int_equal(flume_recorder_classify(fx->recorder, "", make_inline, asked), FLUME_OK);
    describe(fx->scope, "a=1");
    FLUME_CAPTURE(fx->scope, place);
    verdict = commit_as_it_is(fx, fx->scope);
    assert_string_equal(asked, "a");
    assert_int_equal(class_at(fx, verdict.record_seq, "place"), FLUME_CLASS_IGNORE);
}

static void filters_that_are_none_are_refused(void **state)
{
    struct rules_fixture *fx = *state;

    assert_int_equal(flume_recorder_filter(fx->recorder, "", "[", FLUME_FILTER_EXCLUDE),
                     FLUME_ERR_INVALID);
    expect_view_error(fx->views->flume, FLUME_ERR_INVALID, "pattern '['");
    assert_int_equal(flume_recorder_filter(fx->recorder, "", "", 2), FLUME_ERR_INVALID);
    (void)commit(fx, "a=1");
}

/* ---- validators ---- */

static void all_that_is_wrong_is_told_at_once(void **state)
{
    struct rules_fixture *fx = *state;
    flume_value ten = whole(10);

    validate(fx, (flume_validator){.key = "n", .is_required = true});
    validate(fx, (flume_validator){.key = "a", .types = 1u << FLUME_VALUE_TEXT});
    validate(fx, (flume_validator){.key = "b", .greatest = &ten});
    validate(fx, (flume_validator){.labels = "^x$", .key = "m", .is_required = true});
    describe(fx->scope, "a=1 b=11");
    expect_refused(fx, FLUME_ERR_INVALID,
                   "3 validators are not content: n: is required, and is not there; a: is int, and "
                   "must be text; b: is out of range");
    assert_string_equal(flume_recorder_failures(fx->recorder),
                        "n: is required, and is not there\na: is int, and must be text\nb: is out "
                        "of range");
    describe(fx->scope, "b=10 n=1");
    (void)commit_as_it_is(fx, fx->scope);
    assert_string_equal(flume_recorder_failures(fx->recorder), "");
    describe(fx->scope, "b=10 n=1 @x");
    expect_refused(fx, FLUME_ERR_INVALID, "1 validator is not content: m: is required");
}

static void more_than_a_message_has_room_for_is_told_besides(void **state)
{
    enum { KEYS = 100 };
    struct rules_fixture *fx = *state;
    const char *line;
    char key[20];
    int lines = 0;

    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(key, sizeof key, "key%d", i);
        validate(fx, (flume_validator){.key = key, .is_required = true});
    }
    describe(fx->scope, "a=1");
    expect_refused(fx, FLUME_ERR_INVALID, "100 validators");
    expect_refused(fx, FLUME_ERR_INVALID, "flume_recorder_failures()");
    line = flume_recorder_failures(fx->recorder);
    assert_non_null(strstr(line, "key99: is required"));
    for (; line != NULL; line = strchr(line + 1, '\n'))
        lines++;
    assert_int_equal(lines, KEYS);
}

static void what_is_excluded_or_ignored_is_not_there(void **state)
{
    struct rules_fixture *fx = *state;

    validate(fx, (flume_validator){.key = "a", .is_required = true});
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_classify(fx->scope, "a", FLUME_CLASS_IGNORE), FLUME_OK);
    expect_refused(fx, FLUME_ERR_INVALID, "a: is required");
    filter(fx, "", "^a$", FLUME_FILTER_EXCLUDE);
    describe(fx->scope, "a=1");
    expect_refused(fx, FLUME_ERR_INVALID, "a: is required");
}

static void a_variable_without_a_value_is_wrong_for_any_validator(void **state)
{
    struct rules_fixture *fx = *state;
    struct {
        int x;
    } place = {1};

    validate(fx, (flume_validator){.key = "place", .types = 1u << FLUME_VALUE_NULL});
    describe(fx->scope, "a=1 z=1");
    FLUME_CAPTURE(fx->scope, place);
    expect_refused(fx, FLUME_ERR_INVALID, "place: is of a type that has no value");
}

/* Whether `value` is within a range; NULL: no bound. */
static void expect_range(struct rules_fixture *fx, flume_value value, const flume_value *least,
                         const flume_value *greatest, bool is_within)
{
    int status;

    reopen_recorder(fx, NULL);
    validate(fx, (flume_validator){.key = "v", .least = least, .greatest = greatest});
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_set(fx->scope, "v", &value), FLUME_OK);
    status = flume_commit(fx->recorder, fx->scope, NULL);
    assert_int_equal(status, is_within ? FLUME_OK : FLUME_ERR_INVALID);
}

static void ranges_are_exact_across_types(void **state)
{
    struct rules_fixture *fx = *state;
    flume_value zero = whole(0), below_zero = whole(-1), half = real(-0.5), one = real(1.0);
    flume_value large = real(9007199254740992.0), beyond = real(18446744073709551616.0);
    flume_value lowest = real(-9223372036854775808.0), infinite = real(INFINITY);
    flume_value greatest = {.type = FLUME_VALUE_UINT, .natural = UINT64_MAX};
    flume_value then = {.type = FLUME_VALUE_TIME, .integer = 100};
    flume_value later = {.type = FLUME_VALUE_TIME, .integer = 101};

    expect_range(fx, whole(0), &zero, &zero, true);
    expect_range(fx, whole(-1), &zero, NULL, false);
    expect_range(fx, whole(1), NULL, &zero, false);
    expect_range(fx, whole(-2), &below_zero, NULL, false);
    expect_range(fx, whole(-2), NULL, &below_zero, true);
    expect_range(fx, whole(-1), &half, NULL, false);
    expect_range(fx, whole(-1), NULL, &half, true);
    expect_range(fx, whole(0), &half, NULL, true);
    expect_range(fx, whole(0), NULL, &half, false);
    expect_range(fx, half, &below_zero, &zero, true);
    expect_range(fx, real(1.0000000000000002), NULL, &one, false);
    expect_range(fx, whole(1), &one, &one, true);
    expect_range(fx, whole(INT64_C(9007199254740993)), NULL, &large, false);
    expect_range(fx, whole(INT64_C(9007199254740991)), &large, NULL, false);
    expect_range(fx, greatest, NULL, &beyond, true);
    expect_range(fx, greatest, &beyond, NULL, false);
    expect_range(fx, greatest, &zero, NULL, true);
    expect_range(fx, greatest, NULL, &zero, false);
    expect_range(fx, whole(INT64_MIN), &lowest, &lowest, true);
    expect_range(fx, real(-INFINITY), &lowest, NULL, false);
    expect_range(fx, whole(INT64_MIN), &infinite, NULL, false);
    expect_range(fx, infinite, &greatest, NULL, true);
    expect_range(fx, real(NAN), &zero, NULL, false);
    expect_range(fx, real(NAN), NULL, &zero, false);
    expect_range(fx, text("5"), &zero, NULL, false);
    expect_range(fx, then, &then, &then, true);
    expect_range(fx, later, NULL, &then, false);
    expect_range(fx, then, &later, NULL, false);
    expect_range(fx, then, &zero, NULL, false);
}

static void one_of_is_by_type_and_value(void **state)
{
    struct rules_fixture *fx = *state;
    flume_value allowed[] = {text("euler"), text("rk4"), whole(1), real(NAN)};

    validate(fx, (flume_validator){.key = "v", .one_of = allowed, .one_of_count = 4});
    memset(allowed, 0, sizeof allowed); /* They were copied. */
    describe(fx->scope, "v=1");
    (void)commit_as_it_is(fx, fx->scope);
    assert_int_equal(flume_scope_set_f64(fx->scope, "v", 1.0), FLUME_OK);
    expect_refused(fx, FLUME_ERR_INVALID, "v: is none of the 4 values");
    assert_int_equal(flume_scope_set_f64(fx->scope, "v", -NAN), FLUME_OK);
    (void)commit_as_it_is(fx, fx->scope);
    assert_int_equal(flume_scope_set_text(fx->scope, "v", "rk4"), FLUME_OK);
    (void)commit_as_it_is(fx, fx->scope);
    assert_int_equal(flume_scope_set_text(fx->scope, "v", "rk"), FLUME_OK);
    expect_refused(fx, FLUME_ERR_INVALID, "v: is none");
    assert_int_equal(flume_scope_set_symbol(fx->scope, "v", "rk4"), FLUME_OK);
    expect_refused(fx, FLUME_ERR_INVALID, "v: is none");
}

static void a_pattern_is_searched_in_texts(void **state)
{
    struct rules_fixture *fx = *state;

    validate(fx, (flume_validator){.key = "v", .pattern = "^[a-z]+-[0-9]+$"});
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_set_text(fx->scope, "v", "run-12"), FLUME_OK);
    (void)commit_as_it_is(fx, fx->scope);
    assert_int_equal(flume_scope_set_text(fx->scope, "v", "run-12x"), FLUME_OK);
    expect_refused(fx, FLUME_ERR_INVALID, "v: does not fit the pattern '^[a-z]+-[0-9]+$'");
    assert_int_equal(flume_scope_set_int(fx->scope, "v", 1), FLUME_OK);
    expect_refused(fx, FLUME_ERR_INVALID, "v: does not fit");
}

static int must_be_even(void *context, const flume_scope *scope, const flume_variable *variable,
                        char *out_reason)
{
    flume_variable other;

    if (variable->value.integer % 2 == 0)
        return FLUME_OK;
    if (flume_scope_get(scope, "quiet", &other))
        return 1;
    (void)snprintf(out_reason, FLUME_REASON_BYTES, "is odd\x1b[2J, says %s", (char *)context);
    return 1;
}

static void a_callback_says_why(void **state)
{
    struct rules_fixture *fx = *state;

    validate(fx, (flume_validator){.key = "v", .hook = must_be_even, .context = "Ann"});
    (void)commit(fx, "v=2");
    (void)commit(fx, "w=2");
    describe(fx->scope, "v=3");
    expect_refused(fx, FLUME_ERR_INVALID, "v: is odd?[2J, says Ann");
    describe(fx->scope, "v=3 quiet=1");
    expect_refused(fx, FLUME_ERR_INVALID, "v: is not what it must be");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, NULL),
                     FLUME_ERR_NOT_FOUND);
}

static void validators_that_are_none_are_refused(void **state)
{
    struct rules_fixture *fx = *state;
    flume_value nan = real(NAN), word = text("a");
    const flume_validator wrong[] = {
        {.key = NULL},
        {.key = "@a"},
        {.key = ""},
        {.key = "a", .types = 1u << 13},
        {.key = "a", .least = &nan},
        {.key = "a", .greatest = &word},
        {.key = "a", .one_of_count = 1},
        {.key = "a", .pattern = "("},
        {.key = "a", .labels = "("},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(flume_recorder_validate(fx->recorder, &wrong[i]), FLUME_ERR_INVALID);
    assert_int_equal(flume_recorder_validate(fx->recorder, NULL), FLUME_ERR_INVALID);
    describe(fx->scope, "b=1");
    (void)commit_as_it_is(fx, fx->scope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        rules_test(the_last_filter_that_fits_counts),
        rules_test(only_what_is_included_is_recorded_if_all_is_excluded_first),
        rules_test(what_is_excluded_is_no_matter_of_hooks_and_may_be_unknown),
        rules_test(filters_that_are_none_are_refused),
        rules_test(all_that_is_wrong_is_told_at_once),
        rules_test(more_than_a_message_has_room_for_is_told_besides),
        rules_test(what_is_excluded_or_ignored_is_not_there),
        rules_test(a_variable_without_a_value_is_wrong_for_any_validator),
        rules_test(ranges_are_exact_across_types),
        rules_test(one_of_is_by_type_and_value),
        rules_test(a_pattern_is_searched_in_texts),
        rules_test(a_callback_says_why),
        rules_test(validators_that_are_none_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
