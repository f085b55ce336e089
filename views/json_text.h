/*
 * json_text.h - whether bytes are one JSON value, told without taking memory.
 *
 * A parser that runs out of memory says no more than that it failed; and a body that is taken for no
 * JSON is left out of every index. So bytes are judged here, and parsed by jansson afterwards.
 */
#ifndef VIEWS_JSON_TEXT_H
#define VIEWS_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { JSON_TEXT_DEPTH_MAX = 2048 }; /* As jansson's: deeper nesting counts as no JSON. */

/** Whether the bytes are one JSON value of any type (RFC 8259) with white space around it: UTF-8,
 * and escaped surrogates in pairs. Stops at the first byte that does not fit. */
bool json_text_is_sound(const char *text, size_t bytes);

#endif
