/*
 * utf8.h - what is UTF-8, how wide it is on a screen, and how bytes are shown safely.
 */
#ifndef REPL_UTF8_H
#define REPL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

/** Length of the well-formed character at the start of data, or 0; *out_point is its code point. */
size_t utf8_decode(const void *data, size_t bytes, uint32_t *out_point);

bool utf8_valid(const void *data, size_t bytes);

/** Neither a control character nor one that turns the direction of writing, breaks lines or cannot
 * be seen. */
bool utf8_is_showable(uint32_t point);

/** Whether the user's locale is one of UTF-8: ellipses and blocks may be drawn. */
bool utf8_locale(void);

/** How much of the data to keep where there is room for bytes_max: no character is cut. */
size_t utf8_fitting(const char *data, size_t bytes, size_t bytes_max);

/**
 * Add bytes as a person can look at them: control bytes, backslashes and what is not UTF-8 become
 * \n, \t, \\, \xNN, so that a payload can neither break a row nor steer the terminal. From what is
 * added without a limit the very bytes can be had back.
 *
 * @param cells_max  Cut, and end in an ellipsis, what is wider than this; never between a character
 *                   and what is joined to it. 0: no limit.
 * @return the cells used.
 */
size_t utf8_show(struct text *target, const void *data, size_t bytes, size_t cells_max);

/** Add text of many lines for a terminal: line ends, tabs and backslashes stay, everything else
 * that utf8_show() escapes is escaped. */
void utf8_show_lines(struct text *target, const void *data, size_t bytes);

/** The cells that utf8_show() would use, counted up to cells_max. */
size_t utf8_cells(const void *data, size_t bytes, size_t cells_max);

#endif
