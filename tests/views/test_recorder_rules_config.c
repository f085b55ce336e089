/*
 * test_recorder_rules_config.c - settings by labels, and what partials take of a scope.
 */
#include "rules_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void configure(struct rules_fixture *fx, const char *labels, const char *key,
                      const char *value)
{
    assert_int_equal(flume_recorder_configure(fx->recorder, labels, key, value), FLUME_OK);
}

/* NULL: there is none. */
static void expect_config(struct rules_fixture *fx, const flume_scope *scope, const char *key,
                          const char *value)
{
    flume_setting setting;
    int status = flume_recorder_config(fx->recorder, scope, key, &setting);

    assert_int_equal(status, value == NULL ? FLUME_ERR_NOT_FOUND : FLUME_OK);
    if (value != NULL)
        assert_string_equal(setting.value, value);
}

static void expect_setting(struct rules_fixture *fx, size_t index, const char *key,
                           const char *value, const char *labels, size_t rule)
{
    flume_setting setting;

    assert_int_equal(flume_recorder_config_at(fx->recorder, fx->scope, index, &setting), FLUME_OK);
    assert_string_equal(setting.key, key);
    assert_string_equal(setting.value, value);
    assert_string_equal(setting.labels, labels);
    assert_int_equal(setting.rule, rule);
}

/* ---- settings ---- */

static void settings_are_merged_in_order_and_know_where_they_come_from(void **state)
{
    struct rules_fixture *fx = *state;
    flume_setting setting;

    describe(fx->scope, "a=1 @store");
    expect_config(fx, fx->scope, "flush", NULL);
    assert_int_equal(flume_recorder_config_at(fx->recorder, fx->scope, 0, &setting), FLUME_END);
    configure(fx, NULL, "flush", "1");
    configure(fx, "^store$", "flush", "10");
    configure(fx, "^other$", "flush", "99");
    configure(fx, "st", "depth", "");
    configure(fx, NULL, "zone", "x");
    expect_config(fx, fx->scope, "flush", "10");
    expect_config(fx, fx->scope, "depth", "");
    expect_config(fx, fx->scope, "flus", NULL);
    expect_setting(fx, 0, "depth", "", "st", 3);
    expect_setting(fx, 1, "flush", "10", "^store$", 1);
    expect_setting(fx, 2, "zone", "x", "", 4);
    assert_int_equal(flume_recorder_config_at(fx->recorder, fx->scope, 3, &setting), FLUME_END);
    describe(fx->scope, "a=1 @other @store");
    expect_config(fx, fx->scope, "flush", "99");
    describe(fx->scope, "a=1 @x");
    expect_config(fx, fx->scope, "flush", "1");
    expect_config(fx, fx->scope, "depth", NULL);
}

static void labels_that_are_inherited_count(void **state)
{
    struct rules_fixture *fx = *state;
    flume_scope *outer;

    configure(fx, "^outer$", "k", "1");
    configure(fx, "^inner$", "k", "2");
    assert_int_equal(flume_scope_create(&outer), FLUME_OK);
    describe(outer, "o=1 @outer");
    describe(fx->scope, "a=1 @inner");
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    assert_int_equal(flume_scope_enter(fx->recorder, fx->scope), FLUME_OK);
    expect_config(fx, outer, "k", "1");
    expect_config(fx, fx->scope, "k", "2");
    assert_int_equal(flume_scope_leave(fx->recorder, fx->scope), FLUME_OK);
    describe(fx->scope, "a=1 @third");
    expect_config(fx, fx->scope, "k", "1");
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    expect_config(fx, fx->scope, "k", NULL);
    flume_scope_destroy(outer);
}

static int ask_config(void *context, const flume_scope *scope, char *out_reason)
{
    struct rules_fixture *fx = context;

    (void)out_reason;
    expect_config(fx, scope, "k", fx->own);
    return FLUME_OK;
}

static void a_hook_may_ask_and_gets_what_the_scope_has_that_is_committed(void **state)
{
    struct rules_fixture *fx = *state;
    flume_scope *outer;

    assert_int_equal(flume_recorder_call(fx->recorder, "", FLUME_CALL_ALL, ask_config, fx),
                     FLUME_OK);
    configure(fx, "^outer$", "k", "1");
    configure(fx, "^inner$", "k", "2");
    assert_int_equal(flume_scope_create(&outer), FLUME_OK);
    describe(outer, "o=1 @outer");
    describe(fx->scope, "a=1 @inner");
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    assert_int_equal(flume_scope_enter(fx->recorder, fx->scope), FLUME_OK);
    fx->own = strdup("2");
    (void)commit_as_it_is(fx, fx->scope);
    strcpy(fx->own, "1");
    (void)commit_as_it_is(fx, outer);
    assert_int_equal(flume_recorder_tare(fx->recorder, outer, FLUME_TARE_KEYS), FLUME_OK);
    assert_int_equal(flume_scope_set_int(outer, "p", 1), FLUME_OK);
    (void)commit_as_it_is(fx, outer);
    assert_int_equal(flume_scope_leave(fx->recorder, fx->scope), FLUME_OK);
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    flume_scope_destroy(outer);
}

/* Asks for settings of more label sets than are remembered. */
static int ask_much(void *context, const flume_scope *scope, char *out_reason)
{
    struct rules_fixture *fx = context;
    flume_scope *other;
    char text[40];

    (void)scope;
    (void)out_reason;
    assert_int_equal(flume_scope_create(&other), FLUME_OK);
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(text, sizeof text, "a=1 @l%d", i);
        describe(other, text);
        expect_config(fx, other, "k", i == 7 ? "7" : NULL);
    }
    flume_scope_destroy(other);
    return FLUME_OK;
}

static int count_calls(void *context, const flume_scope *scope, char *out_reason)
{
    (void)scope;
    (void)out_reason;
    ++*(int *)context;
    return FLUME_OK;
}

static void what_a_hook_asks_for_does_not_change_which_hooks_run(void **state)
{
    struct rules_fixture *fx = *state;
    int fitting = 0, others = 0;

    configure(fx, "^l7$", "k", "7");
    assert_int_equal(flume_recorder_call(fx->recorder, "", FLUME_CALL_ALL, ask_much, fx), FLUME_OK);
    assert_int_equal(
        flume_recorder_call(fx->recorder, "^inner$", FLUME_CALL_ALL, count_calls, &fitting),
        FLUME_OK);
    assert_int_equal(
        flume_recorder_call(fx->recorder, "^l[0-9]+$", FLUME_CALL_ALL, count_calls, &others),
        FLUME_OK);
    (void)commit(fx, "a=1 @inner");
    assert_int_equal(fitting, 1);
    assert_int_equal(others, 0);
}

static void settings_that_are_none_are_refused(void **state)
{
    struct rules_fixture *fx = *state;
    char text[FLUME_SETTING_BYTES_MAX + 2];
    flume_recorder *recorder = fx->recorder;

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(flume_recorder_configure(recorder, "", "k", text), FLUME_ERR_TOO_LARGE);
    expect_view_error(fx->views->flume, FLUME_ERR_TOO_LARGE, "4097 bytes");
    text[sizeof text - 2] = '\0';
    configure(fx, "", "k", text);
    text[FLUME_SCOPE_KEY_BYTES_MAX + 1] = '\0';
    assert_int_equal(flume_recorder_configure(recorder, "", text, ""), FLUME_ERR_TOO_LARGE);
    assert_int_equal(flume_recorder_configure(recorder, "", "", ""), FLUME_ERR_INVALID);
    assert_int_equal(flume_recorder_configure(recorder, "", "\xff", ""), FLUME_ERR_INVALID);
    assert_int_equal(flume_recorder_configure(recorder, "(", "k", ""), FLUME_ERR_INVALID);
    assert_int_equal(flume_recorder_configure(recorder, "", NULL, ""), FLUME_ERR_INVALID);
}

/* ---- partials ---- */

static flume_partial *make_partial(void)
{
    flume_partial *partial;

    assert_int_equal(flume_partial_create(&partial, "model"), FLUME_OK);
    assert_int_equal(flume_partial_require(partial, "id", 1u << FLUME_VALUE_INT), FLUME_OK);
    assert_int_equal(flume_partial_require(partial, "rate", 1u << FLUME_VALUE_F64), FLUME_OK);
    assert_int_equal(flume_partial_allow(partial, "solver", 1u << FLUME_VALUE_TEXT), FLUME_OK);
    return partial;
}

static void the_id_of_a_part_is_that_of_its_variables_wherever_they_are(void **state)
{
    flume_partial *partial = make_partial();
    flume_scope *one, *other, *part, *own;
    uint8_t id[FLUME_HASH_BYTES], again[FLUME_HASH_BYTES];

    (void)state;
    assert_int_equal(flume_scope_create(&one), FLUME_OK);
    assert_int_equal(flume_scope_create(&other), FLUME_OK);
    assert_int_equal(flume_scope_create(&part), FLUME_OK);
    assert_int_equal(flume_scope_create(&own), FLUME_OK);
    describe(one, "id=3 uuid=17 @monday");
    describe(other, "id=3 uuid=18 more=1 @tuesday");
    assert_int_equal(flume_scope_set_f64(one, "rate", 0.5), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(other, "rate", 0.5), FLUME_OK);
    assert_int_equal(flume_partial_extract(partial, one, part), FLUME_OK);
    assert_int_equal(flume_scope_count(part), 2);
    assert_int_equal(flume_scope_label_count(part), 0);
    assert_int_equal(flume_scope_id(part, id), FLUME_OK);
    assert_int_equal(flume_scope_set_int(own, "id", 3), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(own, "rate", 0.5), FLUME_OK);
    assert_int_equal(flume_scope_id(own, again), FLUME_OK);
    assert_memory_equal(id, again, sizeof id);
    assert_int_equal(flume_partial_extract(partial, other, part), FLUME_OK);
    assert_int_equal(flume_scope_id(part, again), FLUME_OK);
    assert_memory_equal(id, again, sizeof id);
    assert_int_equal(flume_scope_set_text(other, "solver", "rk4"), FLUME_OK);
    assert_int_equal(flume_partial_extract(partial, other, part), FLUME_OK);
    assert_int_equal(flume_scope_id(part, again), FLUME_OK);
    assert_memory_not_equal(id, again, sizeof id);
    flume_scope_destroy(one);
    flume_scope_destroy(other);
    flume_scope_destroy(part);
    flume_scope_destroy(own);
    flume_partial_destroy(partial);
}

static void what_a_partial_lacks_is_listed(void **state)
{
    struct rules_fixture *fx = *state;
    flume_partial *partial = make_partial();
    flume_scope *part;
    struct {
        int x;
    } solver = {1};

    assert_int_equal(flume_scope_create(&part), FLUME_OK);
    describe(fx->scope, "rate=1 solver=2");
    assert_int_equal(flume_partial_extract(partial, fx->scope, part), FLUME_ERR_INVALID);
    assert_string_equal(flume_partial_failures(partial),
                        "partial model: id: is missing\n"
                        "partial model: rate: is int, and must be f64\n"
                        "partial model: solver: is int, and must be text");
    assert_int_equal(flume_scope_count(part), 0);
    describe(fx->scope, "id=1");
    assert_int_equal(flume_scope_set_f64(fx->scope, "rate", 1), FLUME_OK);
    assert_int_equal(flume_partial_extract(partial, fx->scope, NULL), FLUME_OK);
    assert_string_equal(flume_partial_failures(partial), "");
    FLUME_CAPTURE(fx->scope, solver);
    assert_int_equal(flume_partial_extract(partial, fx->scope, part), FLUME_ERR_INVALID);
    assert_string_equal(flume_partial_failures(partial),
                        "partial model: solver: is of a type that has no value here");
    assert_int_equal(flume_scope_count(part), 0);
    assert_int_equal(flume_scope_classify(fx->scope, "solver", FLUME_CLASS_IGNORE), FLUME_OK);
    assert_int_equal(flume_partial_extract(partial, fx->scope, part), FLUME_OK);
    assert_int_equal(flume_scope_classify(fx->scope, "id", FLUME_CLASS_IGNORE), FLUME_OK);
    assert_int_equal(flume_partial_extract(partial, fx->scope, part), FLUME_ERR_INVALID);
    assert_int_equal(flume_partial_extract(partial, part, part), FLUME_ERR_INVALID);
    flume_scope_destroy(part);
    flume_partial_destroy(partial);
}

static void a_part_of_a_scope_with_an_error_is_not_taken(void **state)
{
    struct rules_fixture *fx = *state;
    flume_partial *partial;

    assert_int_equal(flume_partial_create(&partial, "p"), FLUME_OK);
    assert_int_equal(flume_partial_require(partial, "@a", 0), FLUME_ERR_INVALID);
    assert_int_equal(flume_partial_require(partial, "a", 1u << 13), FLUME_ERR_INVALID);
    assert_int_equal(flume_partial_require(partial, "a", 0), FLUME_OK);
    describe(fx->scope, "a=1");
    assert_int_equal(flume_partial_extract(partial, fx->scope, NULL), FLUME_OK);
    assert_int_equal(flume_scope_set_int(fx->scope, "@b", 1), FLUME_ERR_INVALID);
    assert_int_equal(flume_partial_extract(partial, fx->scope, NULL), FLUME_ERR_INVALID);
    flume_partial_destroy(partial);
}

static void what_a_partial_forbids_is_refused_and_listed(void **state)
{
    struct rules_fixture *fx = *state;
    flume_partial *partial = make_partial();
    flume_scope *part;

    assert_int_equal(flume_scope_create(&part), FLUME_OK);
    assert_int_equal(flume_partial_forbid(partial, "^tmp_"), FLUME_OK);
    assert_int_equal(flume_partial_forbid(partial, "^s|seed"),
                     FLUME_OK); /* The solver is allowed. */
    describe(fx->scope, "id=1 more=2 tmp_a=1 the_seed=2 tmp_seed=3 @tmp_label");
    assert_int_equal(flume_scope_set_f64(fx->scope, "rate", 1), FLUME_OK);
    assert_int_equal(flume_scope_set_text(fx->scope, "solver", "rk4"), FLUME_OK);
    assert_int_equal(flume_partial_extract(partial, fx->scope, part), FLUME_ERR_INVALID);
    assert_string_equal(flume_partial_failures(partial),
                        "partial model: the_seed: is forbidden by '^s|seed'\n"
                        "partial model: tmp_a: is forbidden by '^tmp_'\n"
                        "partial model: tmp_seed: is forbidden by '^tmp_'");
    assert_int_equal(flume_scope_count(part), 0);
    assert_int_equal(flume_scope_classify(fx->scope, "the_seed", FLUME_CLASS_IGNORE), FLUME_OK);
    assert_int_equal(flume_scope_unset(fx->scope, "tmp_a"), FLUME_OK);
    assert_int_equal(flume_scope_unset(fx->scope, "tmp_seed"), FLUME_OK);
    assert_int_equal(flume_partial_extract(partial, fx->scope, part), FLUME_OK);
    assert_int_equal(flume_scope_count(part), 3);
    flume_scope_destroy(part);
    flume_partial_destroy(partial);
}

static void a_pattern_that_is_none_forbids_nothing(void **state)
{
    struct rules_fixture *fx = *state;
    flume_partial *partial = make_partial();
    char longest[FLUME_PATTERN_BYTES_MAX + 2];

    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(flume_partial_forbid(partial, "a(b"), FLUME_ERR_INVALID);
    assert_non_null(strstr(flume_partial_failures(partial), "partial model: a(b: "));
    assert_int_equal(flume_partial_forbid(partial, ""), FLUME_ERR_INVALID);
    assert_int_equal(flume_partial_forbid(partial, longest), FLUME_ERR_TOO_LARGE);
    assert_int_equal(flume_partial_forbid(partial, NULL), FLUME_ERR_INVALID);
    describe(fx->scope, "id=1 more=2");
    assert_int_equal(flume_scope_set_f64(fx->scope, "rate", 1), FLUME_OK);
    assert_int_equal(flume_partial_extract(partial, fx->scope, NULL), FLUME_OK);
    assert_string_equal(flume_partial_failures(partial), "");
    flume_partial_destroy(partial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        rules_test(settings_are_merged_in_order_and_know_where_they_come_from),
        rules_test(labels_that_are_inherited_count),
        rules_test(a_hook_may_ask_and_gets_what_the_scope_has_that_is_committed),
        rules_test(what_a_hook_asks_for_does_not_change_which_hooks_run),
        rules_test(settings_that_are_none_are_refused),
        rules_test(the_id_of_a_part_is_that_of_its_variables_wherever_they_are),
        rules_test(what_a_partial_lacks_is_listed),
        rules_test(a_part_of_a_scope_with_an_error_is_not_taken),
        rules_test(what_a_partial_forbids_is_refused_and_listed),
        rules_test(a_pattern_that_is_none_forbids_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
