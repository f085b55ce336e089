/*
 * value.c - see value.h.
 *
 * A number is encoded as the double nearest to it, its bits turned so that they sort, and the
 * distance of the integer from that double, which is at most 512 (two bytes, biased). A double is
 * its own nearest, at distance 0.
 */
#include "value.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "little.h"

enum {
    NUMBER_DISTANCE_AT = 8,
    DISTANCE_BIAS = 0x8000,
    DIGITS_LEAST = 15,
    DIGITS_MOST = 17,
    SHORT_INTEGER_BYTES = 18
};
#define SIGN_BIT (UINT64_C(1) << 63)
#define TWO_TO_63 9223372036854775808.0

void value_buffer_deinit(struct value_buffer *buffer)
{
    free(buffer->memory);
    *buffer = (struct value_buffer){.memory = NULL};
}

static int buffer_reserve(struct value_buffer *buffer, size_t bytes)
{
    char *memory;

    if (bytes <= buffer->capacity)
        return FLUME_OK;
    memory = realloc(buffer->memory, bytes);
    if (memory == NULL)
        return FLUME_ERR_NO_MEMORY;
    buffer->memory = memory;
    buffer->capacity = bytes;
    return FLUME_OK;
}

static int read_text(struct json_slice json, struct value_buffer *buffer, struct value *out_value)
{
    int status = FLUME_OK;

    out_value->type = VALUE_TEXT;
    if (memchr(json.at, '\\', json.bytes) == NULL) {
        out_value->text = json.at + 1;
        out_value->text_bytes = json.bytes - 2;
        return FLUME_OK;
    }
    status = buffer_reserve(buffer, json.bytes);
    if (status != FLUME_OK)
        return status;
    out_value->text_bytes = json_string_decode(json, buffer->memory);
    out_value->text = buffer->memory;
    return FLUME_OK;
}

static bool has_digits_only(struct json_slice json)
{
    for (size_t i = *json.at == '-'; i < json.bytes; i++) {
        if (json.at[i] < '0' || json.at[i] > '9')
            return false;
    }
    return true;
}

/* An integer of so few digits that it fits. */
static int64_t read_short_integer(struct json_slice json)
{
    bool negative = *json.at == '-';
    int64_t integer = 0;

    for (size_t i = negative; i < json.bytes; i++)
        integer = integer * 10 + (json.at[i] - '0');
    return negative ? -integer : integer;
}

/* A double as JSON writes it, whatever the locale of the program. */
static double read_real(const char *text)
{
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double real = strtod_l(text, NULL, locale);

    freelocale(locale);
    return real;
}

static int read_number(struct json_slice json, struct value_buffer *buffer, struct value *out_value)
{
    bool is_integer = has_digits_only(json);
    int status;

    out_value->type = VALUE_NUMBER;
    out_value->is_integer = is_integer;
    if (is_integer && json.bytes <= SHORT_INTEGER_BYTES) {
        out_value->integer = read_short_integer(json);
        return FLUME_OK;
    }
    status = buffer_reserve(buffer, json.bytes + 1);
    if (status != FLUME_OK)
        return status;
    memcpy(buffer->memory, json.at, json.bytes);
    buffer->memory[json.bytes] = '\0';
    if (is_integer) {
        errno = 0;
        out_value->integer = strtoll(buffer->memory, NULL, 10);
        if (errno != ERANGE)
            return FLUME_OK;
        out_value->is_integer = false;
    }
    out_value->real = read_real(buffer->memory);
    if (!isfinite(out_value->real))
        out_value->type = VALUE_NONE;
    return FLUME_OK;
}

int value_of_json(struct json_slice json, struct value_buffer *buffer, struct value *out_value)
{
    struct value value = {.type = VALUE_NONE};
    int status = FLUME_OK;

    switch (*json.at) {
    case 'n':
        value.type = VALUE_NULL;
        break;
    case 'f':
        value.type = VALUE_FALSE;
        break;
    case 't':
        value.type = VALUE_TRUE;
        break;
    case '"':
        status = read_text(json, buffer, &value);
        break;
    case '{':
    case '[':
        break;
    default:
        status = read_number(json, buffer, &value);
    }
    if (status == FLUME_OK)
        *out_value = value;
    return status;
}

bool value_has_type(const struct value *value, enum flume_field_type type)
{
    if (type == FLUME_FIELD_TEXT)
        return value->type == VALUE_TEXT;
    if (type == FLUME_FIELD_NUMBER)
        return value->type == VALUE_NUMBER;
    return value->type != VALUE_NONE;
}

/* ---- as people write it ---- */

static int parse_number(const char *text, struct value *out_value)
{
    struct value_buffer buffer = {.memory = NULL};
    struct value value = {.type = VALUE_NONE};
    size_t bytes = strlen(text);
    int status;

    /* JSON would allow white space around it. */
    if (bytes == 0 || strspn(text, "+-0123456789.eE") != bytes || !json_text_is_sound(text, bytes))
        return FLUME_ERR_INVALID;
    status = value_of_json(json_text_root(text, bytes), &buffer, &value);
    value_buffer_deinit(&buffer);
    if (status == FLUME_OK && value.type != VALUE_NUMBER)
        status = FLUME_ERR_INVALID; /* Beyond the doubles. */
    if (status == FLUME_OK)
        *out_value = value;
    return status;
}

int value_parse(const char *text, enum flume_field_type type, struct value *out_value)
{
    struct value value = {.type = VALUE_TEXT, .text = text, .text_bytes = strlen(text)};
    int status = FLUME_OK;

    if (type == FLUME_FIELD_NUMBER)
        return parse_number(text, out_value);
    if (type == FLUME_FIELD_ANY) {
        status = parse_number(text, &value);
        if (status == FLUME_ERR_INVALID)
            status = FLUME_OK;
        if (strcmp(text, "null") == 0)
            value = (struct value){.type = VALUE_NULL};
        else if (strcmp(text, "false") == 0)
            value = (struct value){.type = VALUE_FALSE};
        else if (strcmp(text, "true") == 0)
            value = (struct value){.type = VALUE_TRUE};
    }
    if (status == FLUME_OK)
        *out_value = value;
    return status;
}

/* ---- numbers in bytes ---- */

/* How far an integer is from the double nearest to it. */
static int64_t distance(int64_t integer, double nearest)
{
    if (nearest >= TWO_TO_63) /* Beyond the integers: one more than the last of them. */
        return integer - INT64_MAX - 1;
    return integer - (int64_t)nearest;
}

void value_number_encode(const struct value *number, uint8_t target[VALUE_NUMBER_BYTES])
{
    double real = number->is_integer ? (double)number->integer : number->real;
    unsigned biased = DISTANCE_BIAS;
    uint64_t bits;

    if (number->is_integer)
        biased = (unsigned)(DISTANCE_BIAS + distance(number->integer, real));
    if (real == 0)
        real = 0; /* There is a zero with a minus. */
    memcpy(&bits, &real, sizeof bits);
    /* Turned, negative doubles sort below the others and the more negative first. */
    bits = (bits & SIGN_BIT) != 0 ? ~bits : bits | SIGN_BIT;
    big_put64(target, bits);
    target[NUMBER_DISTANCE_AT] = (uint8_t)(biased >> 8);
    target[NUMBER_DISTANCE_AT + 1] = (uint8_t)biased;
}

double value_number_decode(const uint8_t source[VALUE_NUMBER_BYTES])
{
    uint64_t bits = big_get64(source);
    double real;

    bits = (bits & SIGN_BIT) != 0 ? bits & ~SIGN_BIT : ~bits;
    memcpy(&real, &bits, sizeof real);
    return real;
}

int value_compare(const struct value *one, const struct value *other)
{
    uint8_t one_bytes[VALUE_NUMBER_BYTES], other_bytes[VALUE_NUMBER_BYTES];
    size_t shared;
    int order;

    if (one->type != other->type)
        return one->type < other->type ? -1 : 1;
    if (one->type == VALUE_NUMBER) {
        value_number_encode(one, one_bytes);
        value_number_encode(other, other_bytes);
        return memcmp(one_bytes, other_bytes, sizeof one_bytes);
    }
    if (one->type != VALUE_TEXT)
        return 0;
    shared = one->text_bytes < other->text_bytes ? one->text_bytes : other->text_bytes;
    order = shared > 0 ? memcmp(one->text, other->text, shared) : 0;
    if (order != 0)
        return order;
    return (one->text_bytes > other->text_bytes) - (one->text_bytes < other->text_bytes);
}

/* ---- as text ---- */

/* The shortest text that is read back as this double. */
static void print_real(double real, char target[VALUE_NUMBER_TEXT_BYTES])
{
    char *point;

    for (int digits = DIGITS_LEAST; digits <= DIGITS_MOST; digits++) {
        (void)snprintf(target, VALUE_NUMBER_TEXT_BYTES, "%.*g", digits, real);
        if (strtod(target, NULL) == real)
            break;
    }
    point = strchr(target, ','); /* Where the program's locale writes it so. */
    if (point != NULL)
        *point = '.';
}

static flume_bytes number_text(const struct value *number, char buffer[VALUE_NUMBER_TEXT_BYTES])
{
    bool is_integer = number->is_integer;
    int64_t integer = number->integer;

    if (!is_integer && number->real >= -TWO_TO_63 && number->real < TWO_TO_63 &&
        trunc(number->real) == number->real) {
        is_integer = true;
        integer = (int64_t)number->real;
    }
    if (is_integer)
        (void)snprintf(buffer, VALUE_NUMBER_TEXT_BYTES, "%" PRId64, integer);
    else
        print_real(number->real, buffer);
    return (flume_bytes){buffer, strlen(buffer)};
}

flume_bytes value_text(const struct value *value, char buffer[VALUE_NUMBER_TEXT_BYTES])
{
    switch (value->type) {
    case VALUE_NONE:
        return (flume_bytes){"", 0};
    case VALUE_NULL:
        return (flume_bytes){"null", 4};
    case VALUE_FALSE:
        return (flume_bytes){"false", 5};
    case VALUE_TRUE:
        return (flume_bytes){"true", 4};
    case VALUE_NUMBER:
        return number_text(value, buffer);
    case VALUE_TEXT:
        break;
    }
    return (flume_bytes){value->text, value->text_bytes};
}
