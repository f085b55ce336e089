/*
 * test_schema.c - what a recorder was told is in the log before the first scope for which it
 * counts.
 */
#include "rules_fixture.h"

#include <string.h>

#include "flume/schema.h"

static void set(struct rules_fixture *fx, const char *labels, const char *key, const char *value)
{
    assert_int_equal(flume_recorder_configure(fx->recorder, labels, key, value), FLUME_OK);
}

static void default_to(struct rules_fixture *fx, const char *key, int64_t number)
{
    const flume_value value = {.type = FLUME_VALUE_INT, .integer = number};

    assert_int_equal(flume_recorder_default(fx->recorder, key, &value), FLUME_OK);
}

static flume_schema *open_schema(struct rules_fixture *fx)
{
    flume_schema *schema;

    assert_int_equal(flume_schema_open(fx->views->flume, NULL, &schema), FLUME_OK);
    return schema;
}

/* The setting at an index for one label. */
static void expect_setting(flume_schema *schema, const char *label, size_t index, const char *key,
                           const char *value, size_t rule)
{
    flume_setting setting;

    assert_int_equal(flume_schema_config_at(schema, &label, 1, index, &setting), FLUME_OK);
    assert_string_equal(setting.key, key);
    assert_string_equal(setting.value, value);
    assert_int_equal(setting.rule, rule);
}

static void what_was_told_stands_right_before_the_first_scope(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict verdict;

    set(fx, "^a$", "k", "v");
    default_to(fx, "z", 7);
    assert_int_equal(newest_schema(fx), FLUME_SEQ_NONE);
    verdict = commit(fx, "n=1 z=7");
    assert_int_equal(newest_schema(fx), verdict.record_seq - 1);
    assert_int_equal(commit(fx, "n=1").kind, FLUME_DUP);
    assert_int_equal(commit(fx, "n=1").seq, verdict.record_seq);
}

static void it_is_read_back_as_it_was_told(void **state)
{
    struct rules_fixture *fx = *state;
    const char *label = "a";
    flume_schema *schema;
    flume_setting setting;
    flume_variable variable;

    set(fx, "", "k", "base");
    set(fx, "^a", "k", "of a");
    set(fx, "b", "other", "x");
    default_to(fx, "z", 7);
    (void)commit(fx, "n=1");
    schema = open_schema(fx);
    assert_int_equal(flume_schema_seq(schema), newest_schema(fx));
    expect_setting(schema, "ab", 0, "k", "of a", 1);
    expect_setting(schema, "ab", 1, "other", "x", 2);
    expect_setting(schema, "c", 0, "k", "base", 0);
    assert_int_equal(flume_schema_config_at(schema, &label, 1, 1, &setting), FLUME_END);
    assert_int_equal(flume_schema_config_at(schema, NULL, 0, 0, &setting), FLUME_OK);
    assert_true(flume_schema_default_at(schema, 0, &variable));
    assert_string_equal(variable.key, "z");
    assert_int_equal(variable.value.integer, 7);
    assert_false(flume_schema_default_at(schema, 1, &variable));
    flume_schema_close(schema);
}

static void it_is_recorded_once_until_it_changes(void **state)
{
    struct rules_fixture *fx = *state;
    uint64_t first, second;

    for (int run = 0; run < 3; run++) {
        reopen_recorder(fx, NULL);
        default_to(fx, "z", 7);
        (void)commit(fx, run == 0 ? "n=1" : run == 1 ? "n=2" : "n=3");
        if (run == 0)
            first = newest_schema(fx);
        assert_int_equal(newest_schema(fx), first);
    }
    default_to(fx, "z", 8);
    second = commit(fx, "n=4").record_seq - 1;
    assert_int_equal(newest_schema(fx), second);
    assert_true(second > first);
}

static void who_tells_nothing_records_nothing(void **state)
{
    struct rules_fixture *fx = *state;
    flume_schema *schema;

    (void)commit(fx, "n=1");
    assert_int_equal(newest_schema(fx), FLUME_SEQ_NONE);
    assert_int_equal(flume_schema_open(fx->views->flume, NULL, &schema), FLUME_ERR_NOT_FOUND);
}

static void a_link_has_it_before_itself_too(void **state)
{
    struct rules_fixture *fx = *state;

    (void)commit(fx, "n=1");
    default_to(fx, "z", 7);
    assert_int_equal(commit(fx, "n=1 z=7").kind, FLUME_DUP);
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    assert_int_equal(newest_schema(fx), flume_log_head(flume_log_of(fx->views->flume)) - 2);
}

static void a_scope_that_is_refused_tells_nothing(void **state)
{
    struct rules_fixture *fx = *state;

    set(fx, "", "k", "v");
    flume_scope_clear(fx->scope);
    expect_refused(fx, FLUME_ERR_INVALID, "label of its own");
    assert_int_equal(newest_schema(fx), FLUME_SEQ_NONE);
}

static void an_earlier_one_is_found_as_of_then(void **state)
{
    struct rules_fixture *fx = *state;
    flume_ask ask = {.flags = FLUME_ASK_AS_OF};
    flume_schema *schema;
    uint64_t first;

    set(fx, "", "k", "one");
    (void)commit(fx, "n=1");
    first = newest_schema(fx);
    set(fx, "", "k", "two");
    ask.as_of = commit(fx, "n=2").record_seq - 1;
    assert_int_equal(newest_schema(fx), ask.as_of);
    assert_int_equal(flume_schema_open(fx->views->flume, &ask, &schema), FLUME_OK);
    assert_int_equal(flume_schema_seq(schema), first);
    expect_setting(schema, "any", 0, "k", "one", 0);
    flume_schema_close(schema);
    ask.as_of = first;
    assert_int_equal(flume_schema_open(fx->views->flume, &ask, &schema), FLUME_ERR_NOT_FOUND);
}

static void a_body_that_says_something_else_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"settings\":[]}",
        "{\"settings\":{},\"defaults\":{}}",
        "{\"settings\":[1],\"defaults\":{}}",
        "{\"settings\":[{\"labels\":\"\",\"key\":\"k\"}],\"defaults\":{}}",
        "{\"settings\":[{\"labels\":\"(\",\"key\":\"k\",\"value\":\"v\"}],\"defaults\":{}}",
        "{\"settings\":[],\"defaults\":{\"@x\":1}}",
    };
    struct rules_fixture *fx = *state;
    flume_schema *schema;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        flume_entry entry = {
            .body = bad[i], .body_bytes = strlen(bad[i]), .kind = FLUME_KIND_SCHEMA};

        assert_int_equal(flume_log_append_entry(flume_log_of(fx->views->flume), &entry, NULL),
                         FLUME_OK);
        assert_int_equal(flume_schema_open(fx->views->flume, NULL, &schema), FLUME_ERR_DAMAGED);
        expect_view_error(fx->views->flume, FLUME_ERR_DAMAGED, "not what a schema's record is");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        rules_test(what_was_told_stands_right_before_the_first_scope),
        rules_test(it_is_read_back_as_it_was_told),
        rules_test(it_is_recorded_once_until_it_changes),
        rules_test(who_tells_nothing_records_nothing),
        rules_test(a_link_has_it_before_itself_too),
        rules_test(a_scope_that_is_refused_tells_nothing),
        rules_test(an_earlier_one_is_found_as_of_then),
        rules_test(a_body_that_says_something_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
