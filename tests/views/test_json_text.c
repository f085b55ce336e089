/*
 * test_json_text.c - what is taken for JSON is what jansson takes for it.
 */
#include "find_fixture.h"

#include <jansson.h>

#include "json_text.h"

enum { ROUNDS = 300000, TEXT_BYTES = 200 };

/* What jansson says; *out_beyond: it is JSON, but beyond what jansson goes along with. */
static bool jansson_takes(const char *text, size_t bytes, bool *out_beyond)
{
    json_error_t error = {.line = 0};
    json_t *json = json_loadb(text, bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    *out_beyond = json == NULL && (json_error_code(&error) == json_error_numeric_overflow ||
                                   json_error_code(&error) == json_error_stack_overflow ||
                                   json_error_code(&error) == json_error_null_byte_in_key);
    json_decref(json);
    return json != NULL;
}

static void expect_same(const char *text, size_t bytes)
{
    bool beyond = false;
    bool takes = jansson_takes(text, bytes, &beyond);

    /* jansson passes over a zero byte behind a number; it is no white space here. */
    if (takes && memchr(text, '\0', bytes) != NULL)
        takes = false;
    if (!beyond && json_text_is_sound(text, bytes) != takes)
        fail_msg("jansson %s: %.*s", takes ? "takes" : "refuses", (int)bytes, text);
}

static void chosen_texts_are_judged_as_jansson_does(void **state)
{
    static const char *const texts_of_all_sorts[] = {"",
                                                     " ",
                                                     "0",
                                                     "-0",
                                                     "00",
                                                     "01",
                                                     "-",
                                                     "+1",
                                                     "1.",
                                                     ".5",
                                                     "1.5",
                                                     "1e5",
                                                     "1E+5",
                                                     "1e-",
                                                     "1e",
                                                     "-1.5e-10",
                                                     "1 2",
                                                     "true",
                                                     "tru",
                                                     "truex",
                                                     "true false",
                                                     "nul",
                                                     "null",
                                                     "false",
                                                     "\"\"",
                                                     "\"",
                                                     "\"a",
                                                     "\"\\\"",
                                                     "\"\\\"\"",
                                                     "\"\\u0041\"",
                                                     "\"\\u004\"",
                                                     "\"\\ud800\"",
                                                     "\"\\ud800\\udc00\"",
                                                     "\"\\udc00\"",
                                                     "\"\\ud800\\u0041\"",
                                                     "\"\\ud800x\"",
                                                     "\"\\x\"",
                                                     "\"\\u0000\"",
                                                     "\"\x01\"",
                                                     "\"\x7f\"",
                                                     "\"\xc3\xbc\"",
                                                     "\"\xc3\"",
                                                     "\"\xed\xa0\x80\"",
                                                     "\"\xf4\x90\x80\x80\"",
                                                     "[",
                                                     "]",
                                                     "[]",
                                                     "[ ]",
                                                     "[,]",
                                                     "[1,]",
                                                     "[1 2]",
                                                     "[1,2]",
                                                     "[[]]",
                                                     "[[]",
                                                     "[]]",
                                                     "{",
                                                     "}",
                                                     "{}",
                                                     "{ }",
                                                     "{1:2}",
                                                     "{\"a\"}",
                                                     "{\"a\":}",
                                                     "{\"a\":1}",
                                                     "{\"a\":1,}",
                                                     "{\"a\":1,\"a\":2}",
                                                     "{\"a\" : 1 }",
                                                     "{\"a\":1]",
                                                     "[1}",
                                                     "{\"a\":1 \"b\":2}",
                                                     " \t\r\n[1] \n",
                                                     "\f1",
                                                     "1\f",
                                                     "\xef\xbb\xbf\061",
                                                     "'a'",
                                                     "// 1",
                                                     "NaN",
                                                     "Infinity",
                                                     "\\"};

    (void)state;
    for (size_t i = 0; i < sizeof texts_of_all_sorts / sizeof texts_of_all_sorts[0]; i++)
        expect_same(texts_of_all_sorts[i], strlen(texts_of_all_sorts[i]));
    expect_same("1\0", 2);
    expect_same("\"\0\"", 3);
    expect_same("\"\\\0\"", 4);
}

/* Pieces of which JSON is made, so that many of the texts are JSON or nearly so. */
static size_t random_text(uint64_t *io_state, char target[TEXT_BYTES])
{
    static const char *const pieces[] = {
        "[",  "]",  "{",     "}",    ",",    ":", "\"a\"",   "\"", "1",        "-",
        "0",  ".5", "e1",    "true", "null", " ", "\\u00e9", "\\", "\xc3\xbc", "\"\\ud834\\udd1e\"",
        "[]", "{}", "\"b\":"};
    size_t count = random_below(io_state, 12);

    target[0] = '\0';
    for (size_t i = 0; i < count; i++)
        (void)strcat(target, pieces[random_below(io_state, sizeof pieces / sizeof pieces[0])]);
    return strlen(target);
}

static void random_texts_are_judged_as_jansson_does(void **state)
{
    uint64_t seed = random_seed();
    unsigned sound = 0;

    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[TEXT_BYTES];
        size_t bytes = random_text(&seed, text);

        expect_same(text, bytes);
        sound += json_text_is_sound(text, bytes);
    }
    assert_true(sound > ROUNDS / 100);
}

static void a_sound_text_with_one_byte_changed_is_judged_as_jansson_does(void **state)
{
    static const char sound[] = "{\"a\":[1,-2.5e3,\"\\u00fc\\ud834\\udd1e\xc3\xbc\",true,null,{}],"
                                "\"b\":{\"c\":\"\\n\"} , \"d\":false}";
    uint64_t seed = random_seed();

    (void)state;
    assert_true(json_text_is_sound(sound, sizeof sound - 1));
    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[sizeof sound];

        memcpy(text, sound, sizeof sound);
        text[random_below(&seed, sizeof sound - 1)] = (char)random_below(&seed, 256);
        expect_same(text, sizeof sound - 1);
        expect_same(sound, random_below(&seed, sizeof sound));
    }
}

static void nesting_is_taken_as_deep_as_jansson_goes(void **state)
{
    char text[3 * JSON_TEXT_DEPTH_MAX];
    bool beyond = false;

    (void)state;
    for (size_t depth = JSON_TEXT_DEPTH_MAX - 2; depth < JSON_TEXT_DEPTH_MAX + 3; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(json_text_is_sound(text, 2 * depth), depth <= JSON_TEXT_DEPTH_MAX);
        if (jansson_takes(text, 2 * depth, &beyond))
            assert_true(json_text_is_sound(text, 2 * depth));
        assert_false(json_text_is_sound(text, 2 * depth - 1));
    }
}

/* ---- reading ---- */

/* What jansson makes of a text, against what is read from it: strings, names and shape. */
static void expect_read(struct json_slice slice, const json_t *expected)
{
    struct json_slice name, value;
    struct json_walk walk;
    size_t count = 0;

    if (json_is_string(expected)) {
        char *decoded = malloc(slice.bytes);
        size_t bytes = json_string_decode(slice, decoded);

        assert_int_equal(bytes, json_string_length(expected));
        assert_memory_equal(decoded, json_string_value(expected), bytes);
        assert_true(json_string_is(slice, decoded, bytes));
        assert_false(json_string_is(slice, "another text than that", 22));
        assert_true(bytes == 0 || !json_string_is(slice, decoded, bytes - 1));
        free(decoded);
        return;
    }
    assert_int_equal(json_walk_begin(&walk, slice),
                     json_is_object(expected) || json_is_array(expected));
    if (!json_is_object(expected) && !json_is_array(expected))
        return;
    while (json_walk_next(&walk, &name, &value)) {
        const json_t *inside = json_array_get(expected, count++);
        char key[TEXT_BYTES];

        if (walk.is_object) {
            assert_true(name.bytes < sizeof key);
            key[json_string_decode(name, key)] = '\0';
            inside = json_object_get(expected, key);
        }
        assert_non_null(inside);
        expect_read(value, inside);
    }
    assert_int_equal(count, json_is_object(expected) ? json_object_size(expected)
                                                     : json_array_size(expected));
}

static void a_sound_text_is_read_as_jansson_reads_it(void **state)
{
    static const char *const sound[] = {
        " 5 ",
        "\"\"",
        " \"a\\\"b\\\\\" ",
        "\"\\b\\f\\n\\r\\t\\/\"",
        "[]",
        "[ ]",
        "{ }",
        "\"\\u0041\\u00fc\\u20ac\\ud834\\udd1e\xc3\xbc\"",
        "[1 , [2,[]] ,{\"a\":[ ]}]",
        "{\"a\" : 1 ,\"\\u0062\":\"]}\\\"\",\"c\":{\"d\":[true,null ]}}\n",
        "[-1.5e3,false,\"x\"]"};

    (void)state;
    for (size_t i = 0; i < sizeof sound / sizeof sound[0]; i++) {
        json_t *json = json_loads(sound[i], JSON_DECODE_ANY, NULL);

        assert_non_null(json);
        assert_true(json_text_is_sound(sound[i], strlen(sound[i])));
        expect_read(json_text_root(sound[i], strlen(sound[i])), json);
        json_decref(json);
    }
}

static void random_sound_texts_are_read_as_jansson_reads_them(void **state)
{
    uint64_t seed = random_seed();
    unsigned read = 0;

    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char text[TEXT_BYTES], *exact;
        size_t bytes = random_text(&seed, text);
        json_t *json = json_loadb(text, bytes, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

        if (json == NULL)
            continue;
        exact = malloc(bytes); /* So that reading beyond the end would be seen. */
        memcpy(exact, text, bytes);
        expect_read(json_text_root(exact, bytes), json);
        free(exact);
        json_decref(json);
        read++;
    }
    assert_true(read > ROUNDS / 100);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_texts_are_judged_as_jansson_does),
        cmocka_unit_test(random_texts_are_judged_as_jansson_does),
        cmocka_unit_test(a_sound_text_with_one_byte_changed_is_judged_as_jansson_does),
        cmocka_unit_test(a_sound_text_is_read_as_jansson_reads_it),
        cmocka_unit_test(random_sound_texts_are_read_as_jansson_reads_them),
        cmocka_unit_test(nesting_is_taken_as_deep_as_jansson_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
