/*
 * json_text.h - whether bytes are one JSON value, told without taking memory.
 *
 * A parser that runs out of memory says no more than that it failed; and a body that is taken for
 * no JSON is left out of every index. So bytes are judged here first; and what views look up in a
 * body is read from its text, without making a tree of it.
 */
#ifndef VIEWS_JSON_TEXT_H
#define VIEWS_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { JSON_TEXT_DEPTH_MAX = 2048 }; /* As jansson's: deeper nesting counts as no JSON. */

/* A value in a text that is sound: from its first byte on, without white space behind it. */
struct json_slice {
    const char *at;
    size_t bytes;
};

/** Whether the bytes are one JSON value of any type (RFC 8259) with white space around it: UTF-8,
 * and escaped surrogates in pairs. Stops at the first byte that does not fit. */
bool json_text_is_sound(const char *text, size_t bytes);

/* ---- reading a text that is sound ---- */

/** The value that a text is. */
struct json_slice json_text_root(const char *text, size_t bytes);

/* A walk through the members of an object, or the elements of an array. */
struct json_walk {
    const char *at, *end;
    bool is_object;
};

/** Begin a walk. @return false: the value is neither. */
bool json_walk_begin(struct json_walk *walk, struct json_slice value);

/** The next member or element; out_name is a string with its quotes, unset in an array.
 * @return false at the end. */
bool json_walk_next(struct json_walk *walk, struct json_slice *out_name,
                    struct json_slice *out_value);

/** Whether a string (with its quotes) says these bytes. */
bool json_string_is(struct json_slice string, const char *text, size_t bytes);

/** What a string says: at most as many bytes as it has itself. @return how many. */
size_t json_string_decode(struct json_slice string, char *target);

#endif
