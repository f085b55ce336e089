/*
 * test_field_view.c - what a field view indexes, what it counts, and what a query finds through it.
 */
#include "find_fixture.h"

#include <inttypes.h>

/* What a query gives: seqs in order, behind each other as text. */
static void expect_query(flume *handle, const flume_term *term, const char *expected)
{
    char given[1024] = "";
    flume_query *query = NULL;
    flume_record record;
    int status = flume_query_open(handle, NULL, term, &query);

    assert_int_equal(status, FLUME_OK);
    while ((status = flume_query_next(query, &record)) == FLUME_OK)
        (void)snprintf(given + strlen(given), sizeof given - strlen(given), "%" PRIu64 " ",
                       record.seq);
    assert_int_equal(status, FLUME_END);
    assert_int_equal(flume_query_next(query, &record), FLUME_END); /* And it stays there. */
    flume_query_close(query);
    assert_string_equal(given, expected);
}

static void expect_equal(flume *handle, const char *field, const char *value, const char *expected)
{
    flume_term term = {.what = FLUME_TERM_EQUAL, .field = field, .from = value};

    expect_query(handle, &term, expected);
}

static void expect_range(flume *handle, const char *field, const char *from, const char *to,
                         const char *expected)
{
    flume_term term = {.what = FLUME_TERM_RANGE, .field = field, .from = from, .to = to};

    expect_query(handle, &term, expected);
}

static void expect_prefix(flume *handle, const char *field, const char *prefix,
                          const char *expected)
{
    flume_term term = {.what = FLUME_TERM_PREFIX, .field = field, .from = prefix};

    expect_query(handle, &term, expected);
}

static void values_of_every_type_are_found_again(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_json(fx->log, "{\"a\":5}");         /* 1 */
    (void)append_json(fx->log, "{\"a\":\"5\"}");     /* 2 */
    (void)append_json(fx->log, "{\"a\":5.0}");       /* 3 */
    (void)append_json(fx->log, "{\"a\":true}");      /* 4 */
    (void)append_json(fx->log, "{\"a\":null}");      /* 5 */
    (void)append_json(fx->log, "{\"a\":\"true!\"}"); /* 6 */
    (void)append_json(fx->log, "{\"a\":[5]}");       /* 7 */
    (void)append_json(fx->log, "{\"b\":5}");         /* 8 */
    (void)append_text(fx->log, "{\"a\":5}");         /* 9: text that is JSON */
    (void)append_text(fx->log, "{\"a\":5");          /* 10 */
    (void)declare_field(fx->handle, "a", ".a", FLUME_FIELD_ANY);
    expect_equal(fx->handle, "a", "5", "1 3 9 ");
    expect_equal(fx->handle, "a", "true", "4 ");
    expect_equal(fx->handle, "a", "false", "");
    expect_equal(fx->handle, "a", "null", "5 ");
    expect_equal(fx->handle, "a", "true!", "6 ");
    expect_equal(fx->handle, "a", "", "");
    expect_range(fx->handle, "a", NULL, NULL, "1 2 3 4 5 6 9 ");
    expect_range(fx->handle, "a", "false", "", "4 ");
}

static void a_typed_field_holds_its_type_only(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_json(fx->log, "{\"a\":5}");
    (void)append_json(fx->log, "{\"a\":\"5\"}");
    (void)append_json(fx->log, "{\"a\":null}");
    (void)declare_field(fx->handle, "text", ".a", FLUME_FIELD_TEXT);
    (void)declare_field(fx->handle, "number", ".a", FLUME_FIELD_NUMBER);
    expect_equal(fx->handle, "text", "5", "2 ");
    expect_equal(fx->handle, "number", "5", "1 ");
    expect_range(fx->handle, "text", NULL, NULL, "2 ");
    expect_range(fx->handle, "number", "", "", "1 ");
}

static void ranges_include_their_ends_and_compare_within_a_type(void **state)
{
    struct find_fixture *fx = *state;
    static const char *const values[] = {"-10",   "-2.5",   "0",     "3",     "3.25", "100",
                                         "\"a\"", "\"ab\"", "\"b\"", "false", "true", "null"};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        (void)append_json(fx->log, values[i]);
    (void)declare_field(fx->handle, "v", ".", FLUME_FIELD_ANY);
    expect_range(fx->handle, "v", "-2.5", "3", "2 3 4 ");
    expect_range(fx->handle, "v", "3", NULL, "4 5 6 ");
    expect_range(fx->handle, "v", "", "-2", "1 2 ");
    expect_range(fx->handle, "v", "a", "ab", "7 8 ");
    expect_range(fx->handle, "v", "aa", "", "8 9 ");
    expect_range(fx->handle, "v", "5", "4", "");
    expect_range(fx->handle, "v", "b", "a", "");
    expect_range(fx->handle, "v", "null", "null", "12 ");
    expect_range(fx->handle, "v", "true", NULL, "11 ");
    expect_prefix(fx->handle, "v", "a", "7 8 ");
    expect_prefix(fx->handle, "v", "", "7 8 9 ");
    expect_prefix(fx->handle, "v", "c", "");
}

static void integers_that_no_double_tells_apart_are_told_apart(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_json(fx->log, "9007199254740992");
    (void)append_json(fx->log, "9007199254740993");
    (void)append_json(fx->log, "9007199254740994");
    (void)append_json(fx->log, "9223372036854775807");
    (void)append_json(fx->log, "9223372036854775806");
    (void)declare_field(fx->handle, "v", ".", FLUME_FIELD_NUMBER);
    expect_equal(fx->handle, "v", "9007199254740993", "2 ");
    expect_equal(fx->handle, "v", "9223372036854775807", "4 ");
    expect_range(fx->handle, "v", "9007199254740993", "9223372036854775806", "2 3 5 ");
}

static void texts_that_are_cut_in_the_index_are_exact_in_the_answer(void **state)
{
    enum { BYTES = 600 };
    struct find_fixture *fx = *state;
    char text[BYTES + 1], body[BYTES + 3];

    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    for (char last = 'c'; last >= 'a'; last--) { /* 1: ...c, 2: ...b, 3: ...a */
        text[BYTES - 1] = last;
        (void)snprintf(body, sizeof body, "\"%s\"", text);
        (void)append_json(fx->log, body);
    }
    body[400] = '"'; /* 4: as long as keys are. */
    body[401] = '\0';
    (void)append_json(fx->log, body);
    (void)declare_field(fx->handle, "v", ".", FLUME_FIELD_TEXT);
    text[BYTES - 1] = 'b';
    expect_equal(fx->handle, "v", text, "2 ");
    expect_range(fx->handle, "v", text, NULL, "1 2 ");
    expect_range(fx->handle, "v", NULL, text, "2 3 4 ");
    expect_range(fx->handle, "v", text, text, "2 ");
    expect_prefix(fx->handle, "v", text, "2 ");
    text[BYTES - 1] = '\0';
    expect_prefix(fx->handle, "v", text, "1 2 3 ");
}

static void a_text_is_what_its_escapes_say(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_json(fx->log, "{\"\\u0076\":\"\\u00fc\\\"\\n\"}");
    (void)append_json(fx->log, "{\"v\":\"\xc3\xbc\\\"\\u000a\"}");
    (void)declare_field(fx->handle, "v", ".v", FLUME_FIELD_TEXT);
    expect_equal(fx->handle, "v", "\xc3\xbc\"\n", "1 2 ");
    expect_prefix(fx->handle, "v", "\xc3\xbc\"", "1 2 ");
}

static void numbers_of_any_length_are_compared(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_json(fx->log, "123456789012345678901234567890");
    (void)append_json(fx->log, "-123456789012345678901234567890");
    (void)append_json(fx->log, "0.1000000000000000000000000000000000000000000000000000000000001");
    (void)append_json(fx->log, "[9007199254740993,1e999]");
    (void)append_json(fx->log, "1e999"); /* Beyond the doubles: no value. */
    (void)declare_field(fx->handle, "v", ".", FLUME_FIELD_NUMBER);
    (void)declare_field(fx->handle, "e", ".[]", FLUME_FIELD_ANY);
    expect_range(fx->handle, "v", "9223372036854775807", NULL, "1 ");
    expect_range(fx->handle, "v", NULL, "-9223372036854775808", "2 ");
    expect_equal(fx->handle, "v", "0.1", "3 ");
    expect_equal(fx->handle, "v", "123456789012345678901234567890", "1 ");
    expect_equal(fx->handle, "e", "9007199254740993", "4 "); /* Whatever stands beside it. */
    expect_range(fx->handle, "e", NULL, NULL, "4 ");
}

static void each_element_is_a_value_and_a_record_is_given_once(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_json(fx->log, "{\"tags\":[\"a\",\"b\",\"a\"]}");
    (void)append_json(fx->log, "{\"tags\":[\"b\"]}");
    (void)append_json(fx->log, "{\"tags\":[]}");
    (void)declare_field(fx->handle, "tag", ".tags[]", FLUME_FIELD_TEXT);
    expect_equal(fx->handle, "tag", "a", "1 ");
    expect_equal(fx->handle, "tag", "b", "1 2 ");
    expect_range(fx->handle, "tag", "a", "b", "1 2 ");
}

static void only_records_with_the_declared_label_are_indexed(void **state)
{
    struct find_fixture *fx = *state;
    flume_declaration declaration = {
        .name = "v", .what = FLUME_DECLARED_FIELD, .path = ".", .label = "in"};
    flume_field_counts counts;
    flume_term in = {.what = FLUME_TERM_EQUAL, .field = "v", .from = "1"};
    flume_term other = {.what = FLUME_TERM_LABEL, .from = "other"};
    flume_term both = {.what = FLUME_TERM_OR, .left = &in, .right = &other};

    (void)append_json_with(fx->log, "1", "in", NULL);
    (void)append_json_with(fx->log, "1", "other", NULL);
    (void)append_json(fx->log, "1");
    assert_int_equal(flume_view_declare(fx->handle, &declaration, NULL), FLUME_OK);
    expect_query(fx->handle, &in, "1 ");
    expect_query(fx->handle, &both, "1 2 ");
    assert_int_equal(flume_field_count(fx->handle, NULL, "v", &counts), FLUME_OK);
    assert_int_equal(counts.indexed, 1);
    assert_int_equal(counts.not_json + counts.lacking + counts.other_type, 0);
}

static void what_became_of_records_is_counted(void **state)
{
    struct find_fixture *fx = *state;
    flume_field_counts counts;

    (void)declare_field(fx->handle, "n", ".n", FLUME_FIELD_NUMBER); /* Itself lacks the field. */
    (void)append_json(fx->log, "{\"n\":1}");
    (void)append_json(fx->log, "{\"n\":1.5,\"m\":2}");
    (void)append_json(fx->log, "{\"n\":\"1\"}");
    (void)append_json(fx->log, "{\"n\":[1]}");
    (void)append_json(fx->log, "{\"n\":null}");
    (void)append_json(fx->log, "{}");
    (void)append_text(fx->log, "text");
    (void)append_text(fx->log, "");
    assert_int_equal(flume_field_count(fx->handle, NULL, "n", &counts), FLUME_OK);
    assert_int_equal(counts.indexed, 2);
    assert_int_equal(counts.other_type, 3);
    assert_int_equal(counts.lacking, 2);
    assert_int_equal(counts.not_json, 2);
}

static void a_field_that_is_none_is_not_found(void **state)
{
    struct find_fixture *fx = *state;
    flume_field_counts counts;
    flume_term term = {.what = FLUME_TERM_EQUAL, .field = "none", .from = "1"};
    flume_query *query = NULL;

    (void)declare_reduce(fx->handle, "reduced", FLUME_REDUCE_COUNT, "");
    assert_int_equal(flume_field_count(fx->handle, NULL, "none", &counts), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_field_count(fx->handle, NULL, "label", &counts), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_field_count(fx->handle, NULL, "reduced", &counts), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_query_open(fx->handle, NULL, &term, &query), FLUME_ERR_NOT_FOUND);
    expect_detail(fx->handle, FLUME_ERR_NOT_FOUND, "none");
    assert_null(query);
}

static void a_value_of_a_unique_field_names_the_newest_record(void **state)
{
    struct find_fixture *fx = *state;
    flume_declaration declaration = {
        .name = "id", .what = FLUME_DECLARED_FIELD, .path = ".id", .unique = true};
    flume_term id = {.what = FLUME_TERM_RANGE, .field = "id"};
    flume_term label = {.what = FLUME_TERM_LABEL, .from = "x"};
    flume_term both = {.what = FLUME_TERM_AND, .left = &label, .right = &id};

    (void)append_json_with(fx->log, "{\"id\":1}", "x", NULL);
    (void)append_json_with(fx->log, "{\"id\":2}", "x", NULL);
    (void)append_json(fx->log, "{\"id\":1}");
    (void)append_json(fx->log, "{\"id\":\"1\"}");
    assert_int_equal(flume_view_declare(fx->handle, &declaration, NULL), FLUME_OK);
    expect_equal(fx->handle, "id", "1", "3 ");
    expect_query(fx->handle, &id, "2 3 4 ");
    expect_query(fx->handle, &both, "2 "); /* Whichever index the candidates come from. */
    both.left = &id;
    both.right = &label;
    expect_query(fx->handle, &both, "2 ");
    (void)append_json(fx->log, "{\"id\":1}");
    expect_equal(fx->handle, "id", "1", "6 ");
}

static void another_declaration_answers_from_another_index(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_json(fx->log, "{\"a\":1,\"b\":2}");
    (void)declare_field(fx->handle, "f", ".a", FLUME_FIELD_ANY);
    expect_equal(fx->handle, "f", "1", "1 ");
    (void)declare_field(fx->handle, "f", ".b", FLUME_FIELD_ANY);
    expect_equal(fx->handle, "f", "1", "");
    expect_equal(fx->handle, "f", "2", "1 ");
}

static void reopening_rebuilding_and_another_handle_give_the_same(void **state)
{
    struct find_fixture *fx = *state;
    flume *other;

    (void)declare_field(fx->handle, "v", ".", FLUME_FIELD_NUMBER); /* 1 */
    (void)append_json(fx->log, "1");                               /* 2 */
    expect_equal(fx->handle, "v", "1", "2 ");
    find_reopen(fx); /* Its next record comes behind another manifest. */
    (void)append_json(fx->log, "1");
    expect_equal(fx->handle, "v", "1", "2 4 ");
    other = open_flume(fx, 0);
    (void)append_json(flume_log_of(other), "1");
    expect_equal(fx->handle, "v", "1", "2 4 6 ");
    expect_equal(other, "v", "1", "2 4 6 ");
    close_flume(other);
    verify_view(fx, "v");
    rebuild_view(fx, "v");
    expect_equal(fx->handle, "v", "1", "2 4 6 ");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        find_test(values_of_every_type_are_found_again),
        find_test(a_typed_field_holds_its_type_only),
        find_test(ranges_include_their_ends_and_compare_within_a_type),
        find_test(integers_that_no_double_tells_apart_are_told_apart),
        find_test(texts_that_are_cut_in_the_index_are_exact_in_the_answer),
        find_test(a_text_is_what_its_escapes_say),
        find_test(numbers_of_any_length_are_compared),
        find_test(each_element_is_a_value_and_a_record_is_given_once),
        find_test(only_records_with_the_declared_label_are_indexed),
        find_test(what_became_of_records_is_counted),
        find_test(a_field_that_is_none_is_not_found),
        find_test(a_value_of_a_unique_field_names_the_newest_record),
        find_test(another_declaration_answers_from_another_index),
        find_test(reopening_rebuilding_and_another_handle_give_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
