/*
 * text.h - what text may stand in a record that flume itself writes.
 */
#ifndef VIEWS_TEXT_H
#define VIEWS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/** Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool text_is_utf8(const char *text, size_t bytes);

/** UTF-8 without control bytes: it can stand on a line. */
bool text_is_line(const char *text, size_t bytes);

/** The largest length up to bytes_max at which UTF-8 can be cut without splitting a character. */
size_t text_cut(const char *text, size_t bytes, size_t bytes_max);

#endif
