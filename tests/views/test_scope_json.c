/*
 * test_scope_json.c - scopes from JSON and as JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope_fixture.h"

static void import(flume_scope *scope, const char *text)
{
    flume_scope_clear(scope);
    if (flume_scope_from_json(scope, text, strlen(text)) != FLUME_OK) {
        flume_error error;

        flume_scope_error(scope, &error);
        fail_msg("%s: %s", text, error.message);
    }
}

/* Refused with these words, and nothing set. */
static void expect_refused(flume_scope *scope, const char *text, int status, const char *where,
                           const char *what)
{
    flume_error error;

    flume_scope_clear(scope);
    assert_int_equal(flume_scope_from_json(scope, text, strlen(text)), status);
    assert_int_equal(flume_scope_count(scope), 0);
    flume_scope_error(scope, &error);
    assert_int_equal(error.status, status);
    if (strstr(error.message, where) == NULL || strstr(error.message, what) == NULL)
        fail_msg("'%s' or '%s' is not in: %s", where, what, error.message);
}

static void expect_export(flume_scope *scope, const char *expected)
{
    char *text;

    assert_int_equal(flume_scope_to_json(scope, &text), FLUME_OK);
    assert_string_equal(text, expected);
    flume_scope_free(text);
}

/* What is exported, imported again, is the same scope. */
static void expect_round_trip(flume_scope *scope)
{
    uint8_t id[FLUME_HASH_BYTES], again_id[FLUME_HASH_BYTES];
    flume_scope *again;
    char *text;

    assert_int_equal(flume_scope_to_json(scope, &text), FLUME_OK);
    assert_int_equal(flume_scope_create(&again), FLUME_OK);
    import(again, text);
    assert_int_equal(flume_scope_id(scope, id), FLUME_OK);
    assert_int_equal(flume_scope_id(again, again_id), FLUME_OK);
    assert_memory_equal(id, again_id, sizeof id);
    flume_scope_destroy(again);
    flume_scope_free(text);
}

static flume_value value_of(flume_scope *scope, const char *key)
{
    flume_variable variable;

    if (!flume_scope_get(scope, key, &variable))
        fail_msg("there is no '%s'", key);
    return variable.value;
}

static void nested_names_become_keys_and_back(void **state)
{
    static const char text[] =
        "{\"a\":{\"b\":[1,{\"c\":\"x\"},[]],\"d\":{}},\"e~1/f\":null,\"g\":[true,false]}";
    flume_scope *scope = *state;

    import(scope, text);
    assert_int_equal(flume_scope_count(scope), 7);
    assert_int_equal(value_of(scope, "a/b/0").integer, 1);
    assert_int_equal(value_of(scope, "a/b/1/c").type, FLUME_VALUE_TEXT);
    assert_int_equal(value_of(scope, "a/b/2").type, FLUME_VALUE_EMPTY_LIST);
    assert_int_equal(value_of(scope, "a/d").type, FLUME_VALUE_EMPTY_MAP);
    assert_int_equal(value_of(scope, "e~01~1f").type, FLUME_VALUE_NULL);
    assert_true(value_of(scope, "g/0").boolean);
    expect_export(scope, text);
    import(scope, "{}");
    assert_int_equal(flume_scope_count(scope), 0);
    expect_export(scope, "{}");
}

static void the_order_of_names_does_not_matter(void **state)
{
    uint8_t id[FLUME_HASH_BYTES], other_id[FLUME_HASH_BYTES];

    import(*state, "{\"a\":1,\"b\":{\"c\":2,\"d\":3}}");
    assert_int_equal(flume_scope_id(*state, id), FLUME_OK);
    import(*state, " { \"b\" : { \"d\" : 3 , \"\\u0063\" : 2 } , \"a\" : 1 } ");
    assert_int_equal(flume_scope_id(*state, other_id), FLUME_OK);
    assert_memory_equal(id, other_id, sizeof id);
}

static void numbers_keep_their_types(void **state)
{
    flume_scope *scope = *state;

    import(scope, "{\"i\":1,\"r\":1.0,\"e\":1e0,\"m\":-0,\"z\":-0.0,"
                  "\"least\":-9223372036854775808,\"most\":9223372036854775807,"
                  "\"u\":9223372036854775808,\"max\":18446744073709551615}");
    assert_int_equal(value_of(scope, "i").type, FLUME_VALUE_INT);
    assert_int_equal(value_of(scope, "r").type, FLUME_VALUE_F64);
    assert_int_equal(value_of(scope, "e").type, FLUME_VALUE_F64);
    assert_int_equal(value_of(scope, "m").type, FLUME_VALUE_INT);
    assert_true(signbit(value_of(scope, "z").real) != 0);
    assert_true(value_of(scope, "least").integer == INT64_MIN);
    assert_int_equal(value_of(scope, "most").type, FLUME_VALUE_INT);
    assert_true(value_of(scope, "most").integer == INT64_MAX);
    assert_int_equal(value_of(scope, "u").type, FLUME_VALUE_UINT);
    assert_true(value_of(scope, "max").natural == UINT64_MAX);
    expect_export(scope, "{\"e\":1.0,\"i\":1,\"least\":-9223372036854775808,\"m\":0,"
                         "\"max\":{\"@uint\":\"18446744073709551615\"},"
                         "\"most\":9223372036854775807,\"r\":1.0,"
                         "\"u\":{\"@uint\":\"9223372036854775808\"},\"z\":-0.0}");
    expect_round_trip(scope);
    expect_refused(scope, "{\"x\":{\"y\":18446744073709551616}}", FLUME_ERR_TOO_LARGE, "'x/y'",
                   "does not fit 64 bits");
    expect_refused(scope, "{\"x\":-9223372036854775809}", FLUME_ERR_TOO_LARGE, "'x'",
                   "does not fit 64 bits");
    expect_refused(scope, "{\"x\":1e999}", FLUME_ERR_TOO_LARGE, "'x'", "too large");
}

static void every_type_comes_back(void **state)
{
    static const uint8_t bytes[] = {0, 255, 1, 2, 3};
    flume_scope *scope = *state;
    flume_value map = {.type = FLUME_VALUE_EMPTY_MAP}, hash = {.type = FLUME_VALUE_HASH};
    char key[24];

    flume_hash("x", 1, hash.content.hash);
    for (size_t i = 0; i <= sizeof bytes; i++) {
        (void)snprintf(key, sizeof key, "b%zu", i);
        assert_int_equal(flume_scope_set_bytes(scope, key, bytes, i), FLUME_OK);
    }
    assert_int_equal(flume_scope_set_symbol(scope, "s", "a\"\\\n\x01\xc3\xa9"), FLUME_OK);
    assert_int_equal(flume_scope_set_text(scope, "t", "a\"\\\n\x01\xc3\xa9"), FLUME_OK);
    assert_int_equal(flume_scope_set_time(scope, "time", INT64_MIN), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(scope, "nan", (double)NAN), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(scope, "inf", (double)INFINITY), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(scope, "-inf", -(double)INFINITY), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(scope, "least", 5e-324), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(scope, "third", 1.0 / 3), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(scope, "huge", 1e300), FLUME_OK);
    assert_int_equal(flume_scope_set_content(scope, "blob", "", "content", 7), FLUME_OK);
    assert_int_equal(flume_scope_set(scope, "hash", &hash), FLUME_OK);
    assert_int_equal(flume_scope_set(scope, "map", &map), FLUME_OK);
    expect_round_trip(scope);
    import(scope, "{\"b\":{\"@bytes\":\"AP8BAg==\"},\"s\":{\"@symbol\":\"x\"},\"n\":{\"@f64\":"
                  "\"-inf\"},\"t\":{\"@time\":-5},\"u\":{\"@uint\":\"7\"}}");
    assert_int_equal(value_of(scope, "b").bytes.bytes, 4);
    assert_memory_equal(value_of(scope, "b").bytes.data, bytes, 3);
    assert_int_equal(value_of(scope, "u").type, FLUME_VALUE_INT);
    assert_int_equal(value_of(scope, "t").type, FLUME_VALUE_TIME);
}

static void blobs_and_hashes_are_told_with_their_size(void **state)
{
    flume_scope *scope = *state;
    flume_variable variable;

    assert_int_equal(flume_scope_set_content(scope, "x", "", "abc", 3), FLUME_OK);
    expect_export(scope, "{\"x\":{\"@blob\":\"6437b3ac38465133ffb63b75273a8db548c558465d79db03fd35"
                         "9c6cd5bd9d85\",\"@size\":3}}");
    expect_round_trip(scope);
    assert_int_equal(flume_scope_classify(scope, "x", FLUME_CLASS_HASH), FLUME_OK);
    expect_export(scope, "{\"x\":{\"@hash\":\"6437b3ac38465133ffb63b75273a8db548c558465d79db03fd35"
                         "9c6cd5bd9d85\"}}");
    expect_round_trip(scope);
    import(scope, "{\"x\":{\"@blob\":\"6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd"
                  "9d85\",\"@size\":3}}");
    assert_true(flume_scope_get(scope, "x", &variable));
    assert_int_equal(variable.class_, FLUME_CLASS_BLOB);
    assert_int_equal(variable.value.content.bytes, 3);
    assert_null(variable.content);
}

static void keys_that_do_not_nest_stand_as_they_are(void **state)
{
    flume_scope *scope = *state;

    assert_int_equal(flume_scope_set_int(scope, "a", 1), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "a/b", 2), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "c/@d", 3), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "e~", 4), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "f/0", 5), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "f/00", 6), FLUME_OK);
    expect_export(scope, "{\"a\":1,\"f\":{\"0\":5,\"00\":6},"
                         "\"@keys\":{\"a/b\":2,\"c/@d\":3,\"e~\":4}}");
    expect_round_trip(scope);
    flume_scope_clear(scope);
    assert_int_equal(flume_scope_set_int(scope, "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", 1),
                     FLUME_OK);
    expect_export(scope, "{\"@keys\":{\"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17\":1}}");
    expect_round_trip(scope);
}

static void lists_are_in_the_order_of_numbers(void **state)
{
    flume_scope *scope = *state;
    char key[16];

    for (int i = 0; i < 12; i++) {
        (void)snprintf(key, sizeof key, "l/%d", i);
        assert_int_equal(flume_scope_set_int(scope, key, i), FLUME_OK);
    }
    expect_export(scope, "{\"l\":[0,1,2,3,4,5,6,7,8,9,10,11]}");
    assert_int_equal(flume_scope_unset(scope, "l/5"), FLUME_OK);
    expect_export(scope,
                  "{\"l\":{\"0\":0,\"1\":1,\"10\":10,\"11\":11,\"2\":2,\"3\":3,\"4\":4,\"6\":"
                  "6,\"7\":7,\"8\":8,\"9\":9}}");
    expect_round_trip(scope);
}

static void unknown_and_ignored_are_not_told(void **state)
{
    flume_scope *scope = *state;

    assert_int_equal(flume_scope_set_int(scope, "a", 1), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "b", 1), FLUME_OK);
    assert_int_equal(flume_scope_classify(scope, "b", FLUME_CLASS_IGNORE), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "b/c", 2), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "v", 3), FLUME_OK);
    assert_int_equal(flume_scope_classify(scope, "v", FLUME_CLASS_VOLATILE), FLUME_OK);
    flume_capture_unknown(scope, "u", "");
    assert_int_equal(flume_scope_label(scope, "label"), FLUME_OK);
    expect_export(scope, "{\"a\":1,\"b\":{\"c\":2},\"v\":3}");
}

static void sixteen_levels_and_no_more(void **state)
{
    char text[200] = "", brackets[40] = "";

    for (int depth = 1; depth <= 17; depth++) {
        (void)strcat(text, "{\"a\":");
        (void)strcat(brackets, "}");
        if (depth >= 16) {
            char whole[300];

            (void)snprintf(whole, sizeof whole, "%s1%s", text, brackets);
            if (depth == 16)
                import(*state, whole);
            else
                expect_refused(*state, whole, FLUME_ERR_TOO_LARGE, "'a/a/a/a/a/a/a/a/a/a/a",
                               "16 levels");
        }
    }
}

static void deep_and_hostile_nesting_is_refused(void **state)
{
    enum { DEEP = 200000 };
    char *text = malloc(DEEP + 8);
    flume_error error;

    assert_non_null(text);
    memset(text, '[', DEEP);
    memcpy(text, "{\"a\":", 5);
    assert_int_equal(flume_scope_from_json(*state, text, DEEP), FLUME_ERR_INVALID);
    flume_scope_error(*state, &error);
    assert_non_null(strstr(error.message, "no JSON"));
    free(text);
}

static void what_is_no_scope_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text;
        int status;
        const char *where, *what;
    } rows[] = {
        {"", FLUME_ERR_INVALID, "no JSON", "line 1"},
        {"{\"a\":1", FLUME_ERR_INVALID, "no JSON", "line 1"},
        {"{\"a\":nan}", FLUME_ERR_INVALID, "no JSON", "column"},
        {"[1]", FLUME_ERR_INVALID, "no object", "names"},
        {"1", FLUME_ERR_INVALID, "no object", "names"},
        {"{\"a\":1,\"a\":1}", FLUME_ERR_INVALID, "'a'", "twice"},
        {"{\"a\":{\"b\":1},\"a\":{\"c\":1}}", FLUME_ERR_INVALID, "'a'", "twice"},
        {"{\"a\":1,\"\\u0061\":{}}", FLUME_ERR_INVALID, "'a'", "twice"},
        {"{\"\":1}", FLUME_ERR_INVALID, "no name", "1024"},
        {"{\"@a\":1}", FLUME_ERR_INVALID, "JSON at ''", "begins with '@'"},
        {"{\"a\":{\"b\":1,\"@c\":1}}", FLUME_ERR_INVALID, "'a'", "begins with '@'"},
        {"{\"a\":{\"@c\":1}}", FLUME_ERR_INVALID, "'a'", "none of @uint"},
        {"{\"a\":{\"\\u0040c\":1}}", FLUME_ERR_INVALID, "'a'", "none of @uint"},
        {"{\"a\":{\"@time\":1,\"b\":1}}", FLUME_ERR_INVALID, "'a'", "another"},
        {"{\"a\":{\"@time\":1.5}}", FLUME_ERR_INVALID, "'a'", "@time needs"},
        {"{\"a\":{\"@time\":9223372036854775808}}", FLUME_ERR_INVALID, "'a'", "@time needs"},
        {"{\"a\":{\"@time\":\"1\"}}", FLUME_ERR_INVALID, "'a'", "@time needs"},
        {"{\"a\":{\"@uint\":5}}", FLUME_ERR_INVALID, "'a'", "@uint needs"},
        {"{\"a\":{\"@uint\":\"\"}}", FLUME_ERR_INVALID, "'a'", "@uint needs"},
        {"{\"a\":{\"@uint\":\"-1\"}}", FLUME_ERR_INVALID, "'a'", "@uint needs"},
        {"{\"a\":{\"@uint\":\"18446744073709551616\"}}", FLUME_ERR_INVALID, "'a'", "@uint needs"},
        {"{\"a\":{\"@f64\":\"1\"}}", FLUME_ERR_INVALID, "'a'", "@f64 needs"},
        {"{\"a\":{\"@f64\":1}}", FLUME_ERR_INVALID, "'a'", "@f64 needs"},
        {"{\"a\":{\"@symbol\":1}}", FLUME_ERR_INVALID, "'a'", "none of"},
        {"{\"a\":{\"@bytes\":1}}", FLUME_ERR_INVALID, "'a'", "base64"},
        {"{\"a\":{\"@bytes\":\"AAA\"}}", FLUME_ERR_INVALID, "'a'", "base64"},
        {"{\"a\":{\"@bytes\":\"AB==\"}}", FLUME_ERR_INVALID, "'a'", "base64"},
        {"{\"a\":{\"@bytes\":\"A===\"}}", FLUME_ERR_INVALID, "'a'", "base64"},
        {"{\"a\":{\"@bytes\":\"A=AA\"}}", FLUME_ERR_INVALID, "'a'", "base64"},
        {"{\"a\":{\"@hash\":\"00\"}}", FLUME_ERR_INVALID, "'a'", "@hash needs"},
        {"{\"a\":{\"@blob\":\"6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85\"}}",
         FLUME_ERR_INVALID, "'a'", "@size"},
        {"{\"a\":{\"@blob\":\"6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85\","
         "\"@size\":-1}}",
         FLUME_ERR_INVALID, "'a'", "@size"},
        {"{\"@keys\":1}", FLUME_ERR_INVALID, "JSON at ''", "@keys needs"},
        {"{\"@keys\":{},\"@keys\":{}}", FLUME_ERR_INVALID, "@keys", "twice"},
        {"{\"a\":{\"b\":1},\"@keys\":{\"a/b\":1}}", FLUME_ERR_INVALID, "'a/b'", "twice"},
        {"{\"@keys\":{\"@x\":1}}", FLUME_ERR_INVALID, "'@x'", "begins with '@'"},
        {"{\"@keys\":{\"x\":{\"y\":1}}}", FLUME_ERR_TOO_LARGE, "'x'", "nested"},
        {"{\"a\\u0000b\":1}", FLUME_ERR_INVALID, "'a?b'", "zero byte"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_refused(*state, rows[i].text, rows[i].status, rows[i].where, rows[i].what);
}

static void what_is_too_large_is_refused_with_its_place(void **state)
{
    char *text = malloc(1 << 20);
    size_t used;

    assert_non_null(text);
    (void)snprintf(text, 6000, "{\"a\":{\"b\":\"%04097d\"}}", 0);
    expect_refused(*state, text, FLUME_ERR_TOO_LARGE, "'a/b'", "4097 bytes");
    (void)snprintf(text, 6000, "{\"a\":{\"%01023d\":1}}", 0);
    expect_refused(*state, text, FLUME_ERR_TOO_LARGE, "'a/0000", "1024");
    (void)snprintf(text, 6000, "{\"a\":{\"%01022d\":1}}", 0);
    import(*state, text);
    used = (size_t)sprintf(text, "{\"l\":[0");
    for (int i = 1; i < FLUME_SCOPE_VARIABLES_MAX; i++)
        used += (size_t)sprintf(text + used, ",0");
    (void)strcpy(text + used, "]}");
    import(*state, text);
    assert_int_equal(flume_scope_count(*state), FLUME_SCOPE_VARIABLES_MAX);
    (void)strcpy(text + used, ",0]}");
    expect_refused(*state, text, FLUME_ERR_TOO_LARGE, "65536", "65535");
    free(text);
}

static void an_import_replaces_and_adds(void **state)
{
    flume_scope *scope = *state;

    assert_int_equal(flume_scope_set_int(scope, "a", 1), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "b", 2), FLUME_OK);
    assert_int_equal(flume_scope_from_json(scope, "{\"b\":3,\"c\":4}", 13), FLUME_OK);
    expect_export(scope, "{\"a\":1,\"b\":3,\"c\":4}");
}

static void the_locale_does_not_matter(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C.UTF-8"};

    for (size_t i = 0; i < 4 && setlocale(LC_ALL, names[i]) == NULL; i++) {
    }
    import(*state, "{\"x\":0.25}");
    assert_true(value_of(*state, "x").real == 0.25);
    expect_export(*state, "{\"x\":0.25}");
    (void)setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scope_test(nested_names_become_keys_and_back),
        scope_test(the_order_of_names_does_not_matter),
        scope_test(numbers_keep_their_types),
        scope_test(every_type_comes_back),
        scope_test(blobs_and_hashes_are_told_with_their_size),
        scope_test(keys_that_do_not_nest_stand_as_they_are),
        scope_test(lists_are_in_the_order_of_numbers),
        scope_test(unknown_and_ignored_are_not_told),
        scope_test(sixteen_levels_and_no_more),
        scope_test(deep_and_hostile_nesting_is_refused),
        scope_test(what_is_no_scope_is_refused_with_its_place),
        scope_test(what_is_too_large_is_refused_with_its_place),
        scope_test(an_import_replaces_and_adds),
        scope_test(the_locale_does_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
