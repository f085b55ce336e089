/*
 * test_field_key.c - keys sort as values do, numbers are exact, and texts are cut where they must.
 */
#include "find_fixture.h"

#include <math.h>

#include "body.h"
#include "field_key.h"

enum { ROUNDS = 200000, TEXT_BYTES_MAX = 900 };

static struct value integer(int64_t number)
{
    return (struct value){.type = VALUE_NUMBER, .is_integer = true, .integer = number};
}

static struct value real(double number)
{
    return (struct value){.type = VALUE_NUMBER, .real = number};
}

static struct value text(const char *bytes, size_t count)
{
    return (struct value){.type = VALUE_TEXT, .text = bytes, .text_bytes = count};
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static int compare_bytes(const uint8_t *one, size_t one_bytes, const uint8_t *other,
                         size_t other_bytes)
{
    int order = memcmp(one, other, one_bytes < other_bytes ? one_bytes : other_bytes);

    return order != 0 ? sign(order) : (one_bytes > other_bytes) - (one_bytes < other_bytes);
}

static int compare_keys(const struct value *one, const struct value *other)
{
    struct field_key one_key, other_key;

    field_key_encode(one, &one_key);
    field_key_encode(other, &other_key);
    assert_true(one_key.bytes <= FIELD_KEY_BYTES_MAX);
    return compare_bytes(one_key.data, one_key.bytes, other_key.data, other_key.bytes);
}

/* The order of numbers, by the widest arithmetic there is: both are exact in a long double. */
static int compare_numbers(const struct value *one, const struct value *other)
{
    long double left = one->is_integer ? (long double)one->integer : (long double)one->real;
    long double right = other->is_integer ? (long double)other->integer : (long double)other->real;

    return (left > right) - (left < right);
}

static struct value random_number(uint64_t *io_state)
{
    uint64_t bits = random_next(io_state);
    double number;

    switch (random_below(io_state, 5)) {
    case 0:
        return integer((int64_t)bits >> random_below(io_state, 64));
    case 1: /* Near the doubles that integers are rounded to. */
        return integer((int64_t)((bits >> 1 & ~UINT64_C(0xfff)) + random_below(io_state, 4096)));
    case 2:
        return integer(INT64_MAX - random_below(io_state, 3000));
    case 3:
        return real((double)((int64_t)bits >> random_below(io_state, 64)));
    default:
        memcpy(&number, &bits, sizeof number);
        return real(isfinite(number) ? number : 0.0);
    }
}

static void numbers_sort_as_they_count(void **state)
{
    uint64_t seed = random_seed();

    (void)state;
    assert_true(sizeof(long double) > sizeof(double));
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct value one = random_number(&seed);
        struct value other = i % 2 == 0 ? random_number(&seed) : one;

        if (i % 2 == 1 && other.is_integer && other.integer < INT64_MAX)
            other.integer++;
        assert_int_equal(compare_keys(&one, &other), compare_numbers(&one, &other));
        assert_int_equal(sign(value_compare(&one, &other)), compare_numbers(&one, &other));
    }
}

static void numbers_that_are_equal_have_one_key(void **state)
{
    struct value five = integer(5), five_real = real(5.0), zero = real(0.0), minus = real(-0.0);
    struct value large = integer(INT64_C(9007199254740993)), near_by = real(9007199254740992.0);

    (void)state;
    assert_int_equal(compare_keys(&five, &five_real), 0);
    assert_int_equal(compare_keys(&zero, &minus), 0);
    assert_int_equal(compare_keys(&large, &near_by), 1);
}

static void a_number_is_read_back_as_the_nearest_double(void **state)
{
    uint64_t seed = random_seed();
    uint8_t bytes[VALUE_NUMBER_BYTES];

    (void)state;
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        struct value number = random_number(&seed);
        double expected = number.is_integer ? (double)number.integer : number.real;

        value_number_encode(&number, bytes);
        assert_true(value_number_decode(bytes) == expected);
    }
}

/* Texts of few different bytes, so that they often begin alike; sometimes past where keys are
 * cut. */
static size_t random_text(uint64_t *io_state, char target[TEXT_BYTES_MAX])
{
    size_t bytes = random_below(io_state, 8);

    if (random_below(io_state, 4) == 0)
        bytes = 390 + random_below(io_state, 20);
    for (size_t i = 0; i < bytes; i++)
        target[i] = i < 385 && bytes > 8 ? 'a'
                                         : (char)("\0\x01"
                                                  "a\xff"[random_below(io_state, 4)]);
    return bytes;
}

static void texts_sort_as_their_bytes(void **state)
{
    uint64_t seed = random_seed();

    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char one_text[TEXT_BYTES_MAX], other_text[TEXT_BYTES_MAX];
        struct value one = text(one_text, random_text(&seed, one_text));
        struct value other = text(other_text, random_text(&seed, other_text));
        struct field_key one_bound, other_bound;
        int expected = compare_bytes((const uint8_t *)one_text, one.text_bytes,
                                     (const uint8_t *)other_text, other.text_bytes);
        int order;

        assert_int_equal(sign(value_compare(&one, &other)), expected);
        assert_true((compare_keys(&one, &other) == 0) == (expected == 0));
        field_key_encode_bound(&one, &one_bound);
        field_key_encode_bound(&other, &other_bound);
        order = compare_bytes(one_bound.data, one_bound.bytes, other_bound.data, other_bound.bytes);
        if (order != 0) /* Those that are cut at the same bytes have the same bound. */
            assert_int_equal(order, expected);
        else if (expected != 0)
            assert_true(one.text_bytes >= 200 && other.text_bytes >= 200);
    }
}

static void a_text_lies_between_its_bounds_and_behind_its_prefixes(void **state)
{
    uint64_t seed = random_seed();

    (void)state;
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        char bytes[TEXT_BYTES_MAX];
        struct value value = text(bytes, random_text(&seed, bytes));
        struct field_key key, from, behind;

        field_key_encode(&value, &key);
        if (i % 2 == 0)
            field_key_encode_bound(&value, &from);
        else
            field_key_encode_prefix(bytes, random_below(&seed, (unsigned)value.text_bytes + 1),
                                    &from);
        behind = from;
        field_key_step_behind(&behind);
        assert_true(compare_bytes(from.data, from.bytes, key.data, key.bytes) <= 0);
        assert_int_equal(compare_bytes(key.data, key.bytes, behind.data, behind.bytes), -1);
    }
}

static void no_key_begins_another(void **state)
{
    uint64_t seed = random_seed();

    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char one_text[TEXT_BYTES_MAX], other_text[TEXT_BYTES_MAX];
        struct value one = text(one_text, random_text(&seed, one_text));
        struct value other = text(other_text, random_text(&seed, other_text));
        struct field_key one_key, other_key;

        field_key_encode(&one, &one_key);
        field_key_encode(&other, &other_key);
        if (one_key.bytes < other_key.bytes)
            assert_int_not_equal(memcmp(one_key.data, other_key.data, one_key.bytes), 0);
    }
}

static void expect_bytes_of(const struct value *value, const char *expected, size_t bytes)
{
    struct field_key key;

    field_key_encode(value, &key);
    assert_int_equal(key.bytes, bytes);
    assert_memory_equal(key.data, expected, bytes);
}

static void keys_are_the_bytes_that_the_format_names(void **state)
{
    struct value ab = text("ab", 2), zeros = text("\0\0", 2), one = integer(1);
    struct value minus_one = real(-1.0), large = integer(INT64_C(9007199254740993));
    struct value none = {.type = VALUE_NULL};
    char bytes[401];
    struct value whole = text(bytes, 400), cut = text(bytes, 401);
    struct field_key key;

    (void)state;
    expect_bytes_of(&ab,
                    "\x05"
                    "ab\0\0",
                    5);
    expect_bytes_of(&zeros, "\x05\0\xff\0\xff\0\0", 7);
    expect_bytes_of(&one, "\x04\xbf\xf0\0\0\0\0\0\0\x80\0", 11);
    expect_bytes_of(&minus_one, "\x04\x40\x0f\xff\xff\xff\xff\xff\xff\x80\0", 11);
    expect_bytes_of(&large, "\x04\xc3\x40\0\0\0\0\0\0\x80\x01", 11);
    expect_bytes_of(&none, "\x01", 1);
    memset(bytes, 'x', sizeof bytes);
    field_key_encode(&whole, &key);
    assert_int_equal(key.bytes, 403);
    assert_memory_equal(key.data + 401, "\0\0", 2);
    field_key_encode(&cut, &key);
    assert_int_equal(key.bytes, FIELD_KEY_BYTES_MAX);
    assert_memory_equal(key.data + 401, "\0\x01", 2);
}

static void types_sort_in_their_order(void **state)
{
    struct value values[] = {{.type = VALUE_NULL}, {.type = VALUE_FALSE}, {.type = VALUE_TRUE},
                             real(-1e308),         integer(INT64_MIN),    real(1e308),
                             text("", 0),          text("\0", 1),         text("\xff", 1)};

    (void)state;
    for (size_t i = 1; i < sizeof values / sizeof values[0]; i++) {
        assert_int_equal(compare_keys(&values[i - 1], &values[i]), -1);
        assert_true(value_compare(&values[i - 1], &values[i]) < 0);
    }
}

/* ---- as people write values ---- */

static void expect_parsed(const char *written, enum flume_field_type type, enum value_type expected)
{
    struct value value;

    assert_int_equal(value_parse(written, type, &value), FLUME_OK);
    if (value.type != expected)
        fail_msg("'%s' is of type %d", written, (int)value.type);
}

static void what_is_written_has_the_type_it_looks_like(void **state)
{
    struct value value;

    (void)state;
    expect_parsed("5", FLUME_FIELD_ANY, VALUE_NUMBER);
    expect_parsed("-0.5e3", FLUME_FIELD_ANY, VALUE_NUMBER);
    expect_parsed("99999999999999999999", FLUME_FIELD_ANY, VALUE_NUMBER);
    expect_parsed("true", FLUME_FIELD_ANY, VALUE_TRUE);
    expect_parsed("null", FLUME_FIELD_ANY, VALUE_NULL);
    expect_parsed(" 5", FLUME_FIELD_ANY, VALUE_TEXT);
    expect_parsed("05", FLUME_FIELD_ANY, VALUE_TEXT);
    expect_parsed("", FLUME_FIELD_ANY, VALUE_TEXT);
    expect_parsed("5", FLUME_FIELD_TEXT, VALUE_TEXT);
    expect_parsed("5", FLUME_FIELD_NUMBER, VALUE_NUMBER);
    assert_int_equal(value_parse("x", FLUME_FIELD_NUMBER, &value), FLUME_ERR_INVALID);
    assert_int_equal(value_parse("", FLUME_FIELD_NUMBER, &value), FLUME_ERR_INVALID);
    assert_int_equal(value_parse("1e999", FLUME_FIELD_NUMBER, &value), FLUME_ERR_INVALID);
}

static void a_value_is_shown_as_the_shortest_text(void **state)
{
    struct value values[] = {integer(-7), real(5.0), real(0.1), real(1e300), {.type = VALUE_TRUE}};
    static const char *const expected[] = {"-7", "5", "0.1", "1e+300", "true"};
    char buffer[VALUE_NUMBER_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        flume_bytes shown = value_text(&values[i], buffer);

        assert_int_equal(shown.bytes, strlen(expected[i]));
        assert_memory_equal(shown.data, expected[i], shown.bytes);
    }
}

static void a_body_is_json_whatever_its_first_bytes_are(void **state)
{
    static const char *const bodies[] = {"5",    " {}",  "\n\"x\"",
                                         "true", "-1.5", "{\"a\":123456789012345678901234567890}"};
    static const char *const others[] = {"", " ", "x", "{", "5 6", "tru", "1e999", "\xff"};
    json_t *json = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        assert_int_equal(body_parse(bodies[i], strlen(bodies[i]), &json), FLUME_OK);
        assert_non_null(json);
        json_decref(json);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(body_parse(others[i], strlen(others[i]), &json), FLUME_OK);
        assert_null(json);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_sort_as_they_count),
        cmocka_unit_test(numbers_that_are_equal_have_one_key),
        cmocka_unit_test(a_number_is_read_back_as_the_nearest_double),
        cmocka_unit_test(texts_sort_as_their_bytes),
        cmocka_unit_test(a_text_lies_between_its_bounds_and_behind_its_prefixes),
        cmocka_unit_test(no_key_begins_another),
        cmocka_unit_test(keys_are_the_bytes_that_the_format_names),
        cmocka_unit_test(types_sort_in_their_order),
        cmocka_unit_test(what_is_written_has_the_type_it_looks_like),
        cmocka_unit_test(a_value_is_shown_as_the_shortest_text),
        cmocka_unit_test(a_body_is_json_whatever_its_first_bytes_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
