/*
 * text.h - a growing piece of memory that output is put together in.
 *
 * A text whose memory could not grow is marked `failed` and takes nothing more; whoever writes it
 * out looks at the mark once, so that the many small additions need no check of their own.
 */
#ifndef REPL_TEXT_H
#define REPL_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data; /* Not NUL-terminated; NULL while empty. */
    size_t bytes;
    size_t capacity;
    bool failed;
};

/** Make room for `bytes` more; where the room begins, or NULL. */
char *text_reserve(struct text *text, size_t bytes);
void text_add(struct text *text, const void *data, size_t bytes);
void text_string(struct text *text, const char *string);
void text_char(struct text *text, char c);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_format_list(struct text *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/** NUL-terminated view, valid until the next change; "" if there is no memory. */
const char *text_c_string(struct text *text);

void text_clear(struct text *text); /* Keeps the memory. */
void text_deinit(struct text *text);

#endif
