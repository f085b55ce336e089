/*
 * value.h - a JSON value that can be looked up: null, false, true, a number or a text.
 *
 * Values are ordered: null, false, true, numbers as they count, texts as their bytes sort. Integers
 * of 64 bits and doubles are compared exactly, as if both were written out.
 */
#ifndef VIEWS_VALUE_H
#define VIEWS_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flume/find.h"
#include "json_text.h"

/* Stored in keys: the numbers are stable, and none is 0 or 255. */
enum value_type {
    VALUE_NONE = 0, /* An array, an object, a number beyond the doubles: no value at all. */
    VALUE_NULL = 1,
    VALUE_FALSE = 2,
    VALUE_TRUE = 3,
    VALUE_NUMBER = 4,
    VALUE_TEXT = 5
};

enum {
    VALUE_NUMBER_BYTES = 10,     /* A number encoded. */
    VALUE_NUMBER_TEXT_BYTES = 32 /* A number as text, NUL included. */
};

struct value {
    enum value_type type;
    bool is_integer; /* A number that is `integer`; else it is `real`. */
    int64_t integer;
    double real;
    const char *text; /* Borrowed. May have zero bytes, and no NUL. */
    size_t text_bytes;
};

/* Where texts with escapes are written out. Starts as all zero; ended by value_buffer_deinit(). */
struct value_buffer {
    char *memory;
    size_t capacity;
};
void value_buffer_deinit(struct value_buffer *buffer);

/** What a part of a JSON text says.
 * @param out_value  Text is borrowed from the JSON text, or from the buffer: until its next use.
 * @return FLUME_OK (maybe VALUE_NONE), FLUME_ERR_NO_MEMORY. */
int value_of_json(struct json_slice json, struct value_buffer *buffer, struct value *out_value);

/** Whether a field of a type has such values. VALUE_NONE is of no type. */
bool value_has_type(const struct value *value, enum flume_field_type type);

/**
 * A value as people write it. For a number field it must be a JSON number; for any type, what is
 * one, or true, false or null, is that, and all else text.
 *
 * @return FLUME_OK (text is borrowed), FLUME_ERR_INVALID, FLUME_ERR_NO_MEMORY.
 */
int value_parse(const char *text, enum flume_field_type type, struct value *out_value);

/** Less than 0, 0, or more than 0. */
int value_compare(const struct value *one, const struct value *other);

/** A number in bytes that sort as numbers count; equal numbers have equal bytes. */
void value_number_encode(const struct value *number, uint8_t target[VALUE_NUMBER_BYTES]);
/** The nearest double of an encoded number. */
double value_number_decode(const uint8_t source[VALUE_NUMBER_BYTES]);

/** A value as text: that of a text, "true", "5", "0.25", ...; equal values have equal texts.
 * @param buffer  Where the text of a number is written.
 * @return the text, borrowed from the value or in buffer. */
flume_bytes value_text(const struct value *value, char buffer[VALUE_NUMBER_TEXT_BYTES]);

#endif
