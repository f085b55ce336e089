/*
 * test_json_path.c - what a path names, and which texts are no paths.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "json_path.h"

#include "flume/find.h"

enum { NAMED_BYTES = 256 };

static int add_named(void *ctx, struct json_slice value)
{
    char *named = ctx;
    size_t used = strlen(named);

    (void)snprintf(named + used, NAMED_BYTES - used, "%.*s|", (int)value.bytes, value.at);
    return 0;
}

/* The values that a path names, each followed by '|'. */
static void expect_named(const char *text, const char *body, const char *expected)
{
    char named[NAMED_BYTES] = "";
    struct json_path *path = NULL;

    assert_true(json_text_is_sound(body, strlen(body)));
    assert_int_equal(json_path_create(text, &path, NULL), FLUME_OK);
    assert_int_equal(json_path_each(path, body, strlen(body), add_named, named), 0);
    assert_string_equal(named, expected);
    json_path_destroy(path);
}

static void expect_refused(const char *text, const char *word)
{
    struct json_path *path = NULL;
    const char *reason = "";

    if (json_path_create(text, &path, &reason) != FLUME_ERR_INVALID)
        fail_msg("'%s' is taken for a path", text);
    assert_null(path);
    if (strstr(reason, word) == NULL)
        fail_msg("'%s': \"%s\" does not say \"%s\"", text, reason, word);
}

static void a_path_names_members_and_elements(void **state)
{
    static const char body[] = "{\"a\":{\"b\":[1,{\"c\":2}],\"x-y_9\":3},\"\\u00fc\":4}";

    (void)state;
    expect_named(".a.b[0]", body, "1|");
    expect_named(".a.b[1].c", body, "2|");
    expect_named(".a.x-y_9", body, "3|");
    expect_named(".\xc3\xbc", body, "4|");
    expect_named(".a.b", body, "[1,{\"c\":2}]|");
}

static void a_dot_alone_names_the_body(void **state)
{
    (void)state;
    expect_named(".", "5", "5|");
    expect_named(".[1]", "[1,2]", "2|");
    expect_named(".[]", "[1,2]", "1|2|");
}

static void empty_brackets_name_each_element(void **state)
{
    (void)state;
    expect_named(".a[]", "{\"a\":[1,\"x\",null]}", "1|\"x\"|null|");
    expect_named(".a[].b[]", "{\"a\":[{\"b\":[1,2]},{},{\"b\":[3]}]}", "1|2|3|");
    expect_named(".[][]", "[[1],[],[2,3]]", "1|2|3|");
}

static void odd_names_stand_in_quotes(void **state)
{
    (void)state;
    expect_named(".\"a b\"", "{\"a b\":1}", "1|");
    expect_named(".\"q\\\"]\".x", "{\"q\\\"]\":{\"x\":1}}", "1|");
    expect_named(".\"\"[0]", "{\"\":[7]}", "7|");
    expect_named(".\"\\u0041\"", "{\"A\":1}", "1|");
}

static void another_shape_has_no_value(void **state)
{
    (void)state;
    expect_named(".a.b", "{\"a\":5}", "");
    expect_named(".a[0]", "{\"a\":{\"0\":1}}", "");
    expect_named(".a[]", "{\"a\":{\"0\":1}}", "");
    expect_named(".a", "[1]", "");
    expect_named(".[2]", "[1,2]", "");
}

static int stop_at_second(void *ctx, struct json_slice value)
{
    unsigned *visits = ctx;

    (void)value;
    (*visits)++;
    return *visits == 2 ? 77 : 0;
}

static void of_members_with_one_name_the_last_counts(void **state)
{
    (void)state;
    expect_named(".a", "{\"a\":1,\"b\":2,\"\\u0061\":3}", "3|");
    expect_named(".a.b", "{\"a\":{\"b\":1},\"a\":5}", "");
}

static void a_visitor_can_end_the_walk(void **state)
{
    static const char body[] = "[[1,2],[3]]";
    struct json_path *path = NULL;
    unsigned visits = 0;

    (void)state;
    assert_int_equal(json_path_create(".[][]", &path, NULL), FLUME_OK);
    assert_int_equal(json_path_each(path, body, strlen(body), stop_at_second, &visits), 77);
    assert_int_equal(visits, 2);
    json_path_destroy(path);
}

static void other_texts_are_refused_with_a_reason(void **state)
{
    (void)state;
    expect_refused("", "begins with '.'");
    expect_refused("a", "begins with '.'");
    expect_refused("[0]", "begins with '.'");
    expect_refused(".a.", "name is missing");
    expect_refused("..a", "name is missing");
    expect_refused(".a b", "step begins");
    expect_refused(".a[", "']'");
    expect_refused(".a[x]", "']'");
    expect_refused(".a[-1]", "']'");
    expect_refused(".a[9999999999]", "too large");
    expect_refused(".\"a", "does not end");
    expect_refused(".\"a\\\"", "does not end");
    expect_refused(".\"\\x\"", "JSON string");
}

static void the_longest_path_is_taken_and_no_longer_one(void **state)
{
    char text[FLUME_PATH_BYTES_MAX + 2];
    struct json_path *path = NULL;

    (void)state;
    for (size_t i = 0; i < FLUME_PATH_BYTES_MAX; i++)
        text[i] = i % 2 == 0 ? '.' : 'a';
    text[FLUME_PATH_BYTES_MAX] = '\0';
    assert_int_equal(json_path_create(text, &path, NULL), FLUME_OK);
    json_path_destroy(path);
    memcpy(text + FLUME_PATH_BYTES_MAX - 1, "aa", sizeof "aa");
    expect_refused(text, "too long");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_names_members_and_elements),
        cmocka_unit_test(a_dot_alone_names_the_body),
        cmocka_unit_test(empty_brackets_name_each_element),
        cmocka_unit_test(odd_names_stand_in_quotes),
        cmocka_unit_test(another_shape_has_no_value),
        cmocka_unit_test(of_members_with_one_name_the_last_counts),
        cmocka_unit_test(a_visitor_can_end_the_walk),
        cmocka_unit_test(other_texts_are_refused_with_a_reason),
        cmocka_unit_test(the_longest_path_is_taken_and_no_longer_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
