/*
 * object.h - writing JSON, one object a line.
 *
 * An object begins with its "type", so every further field begins with a comma and the functions
 * need no state. Integers that a JavaScript number cannot hold become strings.
 */
#ifndef REPL_OBJECT_H
#define REPL_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

void object_begin(struct text *text, const char *type); /* {"type":"..." */
void object_end(struct text *text);                     /* } and a newline */

void object_key(struct text *text, const char *key); /* ,"key": */
void object_string(struct text *text, const char *key, const char *value);
void object_bytes(struct text *text, const char *key, const void *value, size_t bytes); /* UTF-8. */
void object_base64(struct text *text, const char *key, const void *value, size_t bytes);
void object_uint(struct text *text, const char *key, uint64_t value);
void object_real(struct text *text, const char *key, double value, int decimals);
void object_bool(struct text *text, const char *key, bool value);

/** A seq that may be absent: FLUME_SEQ_NONE is left out. */
void object_seq(struct text *text, const char *key, uint64_t seq);

/* Values without a key, for arrays. */
void object_put_string(struct text *text, const void *value, size_t bytes);
void object_put_uint(struct text *text, uint64_t value);

/** The digits alone, without quotes. */
void object_put_base64(struct text *text, const void *value, size_t bytes);

/** What is JSON already, on one line: white space between tokens becomes blanks, and inside strings
 * what could steer a terminal is escaped. */
void object_put_json(struct text *text, const void *value, size_t bytes);

#endif
