/*
 * test_scope_capture.c - variables of C captured by name, those that flume does not know, and
 * rounding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope_fixture.h"

enum color { RED, GREEN = 7 };

static void expect_int(flume_scope *scope, const char *key, const char *type, int64_t integer)
{
    flume_variable variable;

    assert_true(flume_scope_get(scope, key, &variable));
    assert_int_equal(variable.class_, FLUME_CLASS_INLINE);
    assert_int_equal(variable.value.type, FLUME_VALUE_INT);
    assert_true(variable.value.integer == integer);
    assert_string_equal(variable.type, type);
}

static void every_integer_type_is_captured(void **state)
{
    char a_char = 'c';
    signed char a_schar = -1;
    unsigned char a_uchar = 255;
    short a_short = INT16_MIN;
    unsigned short a_ushort = UINT16_MAX;
    int an_int = INT32_MIN;
    unsigned an_uint = UINT32_MAX;
    long a_long = -5;
    unsigned long a_ulong = 5;
    long long a_llong = INT64_MIN;
    unsigned long long a_ullong = INT64_MAX, a_huge = UINT64_MAX;
    const size_t a_size = 9;
    volatile int a_volatile = 4;
    enum color a_color = GREEN;
    flume_scope *scope = *state;
    flume_variable variable;

    FLUME_CAPTURE(scope, a_char, a_schar, a_uchar, a_short, a_ushort, an_int, an_uint, a_long,
                  a_ulong, a_llong, a_ullong, a_huge, a_size, a_volatile, a_color);
    expect_scope_error(scope, FLUME_OK, "");
    expect_int(scope, "a_char", "char", 'c');
    expect_int(scope, "a_schar", "signed char", -1);
    expect_int(scope, "a_uchar", "unsigned char", 255);
    expect_int(scope, "a_short", "short", INT16_MIN);
    expect_int(scope, "a_ushort", "unsigned short", UINT16_MAX);
    expect_int(scope, "an_int", "int", INT32_MIN);
    expect_int(scope, "an_uint", "unsigned", UINT32_MAX);
    expect_int(scope, "a_long", "long", -5);
    expect_int(scope, "a_ulong", "unsigned long", 5);
    expect_int(scope, "a_llong", "long long", INT64_MIN);
    expect_int(scope, "a_ullong", "unsigned long long", INT64_MAX);
    expect_int(scope, "a_size", "unsigned long", 9);
    expect_int(scope, "a_volatile", "int", 4);
    assert_true(flume_scope_get(scope, "a_color", &variable));
    assert_int_equal(variable.value.integer, 7);
    assert_true(flume_scope_get(scope, "a_huge", &variable));
    assert_int_equal(variable.value.type, FLUME_VALUE_UINT);
    assert_true(variable.value.natural == UINT64_MAX);
}

static void expect_class(flume_scope *scope, const char *key, const char *type,
                         enum flume_variable_class class_, enum flume_value_type value_type)
{
    flume_variable variable;

    assert_true(flume_scope_get(scope, key, &variable));
    assert_int_equal(variable.class_, class_);
    assert_int_equal(variable.value.type, value_type);
    assert_string_equal(variable.type, type);
}

static void every_other_type_is_captured_or_unknown(void **state)
{
    bool a_bool = true;
    float a_float = 0.1f;
    const double a_double = 0.1;
    char *text = NULL;
    const char *const words = "words";
    char line[16] = "line";
    long double wide = 1;
    int numbers[4] = {1, 2, 3, 4};
    struct {
        int inside;
    } something = {1};
    void *pointer = line;
    flume_scope *scope = *state;
    flume_variable variable;

    FLUME_CAPTURE(scope, a_bool, a_float, a_double, text, words, line, wide, numbers, something,
                  pointer);
    expect_class(scope, "a_bool", "bool", FLUME_CLASS_INLINE, FLUME_VALUE_BOOL);
    expect_class(scope, "a_float", "float", FLUME_CLASS_INLINE, FLUME_VALUE_F64);
    expect_class(scope, "a_double", "double", FLUME_CLASS_INLINE, FLUME_VALUE_F64);
    expect_class(scope, "text", "char *", FLUME_CLASS_INLINE, FLUME_VALUE_NULL);
    expect_class(scope, "words", "const char *", FLUME_CLASS_INLINE, FLUME_VALUE_TEXT);
    expect_class(scope, "line", "char *", FLUME_CLASS_INLINE, FLUME_VALUE_TEXT);
    expect_class(scope, "wide", "long double", FLUME_CLASS_UNKNOWN, FLUME_VALUE_NULL);
    expect_class(scope, "numbers", "int *", FLUME_CLASS_UNKNOWN, FLUME_VALUE_NULL);
    expect_class(scope, "something", "", FLUME_CLASS_UNKNOWN, FLUME_VALUE_NULL);
    expect_class(scope, "pointer", "void *", FLUME_CLASS_UNKNOWN, FLUME_VALUE_NULL);
    assert_true(flume_scope_get(scope, "a_float", &variable));
    assert_true(variable.value.real == (double)a_float); /* Widened exactly. */
    FLUME_CAPTURE_ARRAY(scope, numbers, 4);
    expect_class(scope, "numbers", "int[]", FLUME_CLASS_BLOB, FLUME_VALUE_BLOB);
    assert_true(flume_scope_get(scope, "numbers", &variable));
    assert_ptr_equal(variable.content, numbers);
    assert_int_equal(variable.content_bytes, sizeof numbers);
    FLUME_CAPTURE_ARRAY(scope, numbers, 0);
    assert_true(flume_scope_get(scope, "numbers", &variable));
    assert_int_equal(variable.content_bytes, 0);
    assert_non_null(variable.content);
    FLUME_CAPTURE_ARRAY(scope, numbers, SIZE_MAX / 2);
    expect_scope_error(scope, FLUME_ERR_TOO_LARGE, "'numbers'");
}

static void thirty_two_are_captured_at_once(void **state)
{
    int v1 = 1, v2 = 2, v3 = 3, v4 = 4, v5 = 5, v6 = 6, v7 = 7, v8 = 8, v9 = 9, v10 = 10, v11 = 11,
        v12 = 12, v13 = 13, v14 = 14, v15 = 15, v16 = 16, v17 = 17, v18 = 18, v19 = 19, v20 = 20,
        v21 = 21, v22 = 22, v23 = 23, v24 = 24, v25 = 25, v26 = 26, v27 = 27, v28 = 28, v29 = 29,
        v30 = 30, v31 = 31, v32 = 32;
    flume_scope *scope = *state;
    char key[24];

    FLUME_CAPTURE(scope, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15, v16, v17,
                  v18, v19, v20, v21, v22, v23, v24, v25, v26, v27, v28, v29, v30, v31, v32);
    assert_int_equal(flume_scope_count(scope), 32);
    for (int i = 1; i <= 32; i++) {
        (void)snprintf(key, sizeof key, "v%d", i);
        expect_int(scope, key, "int", i);
    }
}

static void unknown_variables_are_refused_by_name(void **state)
{
    struct point {
        double x, y;
    } point = {1, 2};
    double array[3] = {1, 2, 3};
    flume_scope *scope = *state;
    uint8_t id[FLUME_HASH_BYTES];
    char key[64];
    char *text;

    FLUME_CAPTURE(scope, point, array);
    assert_int_equal(flume_scope_id(scope, id), FLUME_ERR_INVALID);
    expect_scope_error(scope, FLUME_ERR_INVALID, "array, point");
    assert_int_equal(flume_scope_local_id(scope, id), FLUME_ERR_INVALID);
    assert_int_equal(flume_scope_unknown(scope, &text), FLUME_OK);
    assert_string_equal(text, "array (double *), point");
    flume_scope_free(text);
    FLUME_CAPTURE_ARRAY(scope, array, 3);
    assert_int_equal(flume_scope_classify(scope, "point", FLUME_CLASS_IGNORE), FLUME_OK);
    assert_int_equal(flume_scope_id(scope, id), FLUME_OK);
    expect_scope_error(scope, FLUME_OK, "");
    assert_int_equal(flume_scope_classify(scope, "point", FLUME_CLASS_INLINE), FLUME_ERR_INVALID);
    expect_scope_error(scope, FLUME_ERR_INVALID, "'point' is of a type that has no value");
    flume_scope_clear(scope);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof key, "an_unknown_variable_%03d", i);
        flume_capture_unknown(scope, key, "");
    }
    assert_int_equal(flume_scope_id(scope, id), FLUME_ERR_INVALID);
    expect_scope_error(scope, FLUME_ERR_INVALID, "100 variables");
    expect_scope_error(scope, FLUME_ERR_INVALID, "an_unknown_variable_000, ");
    expect_scope_error(scope, FLUME_ERR_INVALID, "more (flume_scope_unknown() lists all)");
    assert_int_equal(flume_scope_unknown(scope, &text), FLUME_OK);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof key, "an_unknown_variable_%03d", i);
        assert_non_null(strstr(text, key));
    }
    flume_scope_free(text);
}

/* ---- rounding ---- */

static void numbers_are_rounded_to_digits(void **state)
{
    (void)state;
    assert_true(flume_round_digits(0.1 + 0.2, 15) == 0.3);
    assert_true(flume_round_digits(1234.5678, 6) == 1234.57);
    assert_true(flume_round_digits(-9.99, 1) == -10.0);
    assert_true(flume_round_digits(0.1 + 0.2, 17) == 0.1 + 0.2);
    assert_true(flume_round_digits(DBL_MAX, 1) == DBL_MAX);
    assert_true(flume_round_digits((double)INFINITY, 3) == (double)INFINITY);
    assert_true(isnan(flume_round_digits((double)NAN, 3)));
    assert_true(signbit(flume_round_digits(-0.0, 3)) != 0);
    assert_true(flume_round_digits(DBL_TRUE_MIN, 3) == DBL_TRUE_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scope_test(every_integer_type_is_captured),
        scope_test(every_other_type_is_captured_or_unknown),
        scope_test(thirty_two_are_captured_at_once),
        scope_test(unknown_variables_are_refused_by_name),
        scope_test(numbers_are_rounded_to_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
