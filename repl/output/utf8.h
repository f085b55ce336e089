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

/**
 * Add bytes as a person can look at them: control bytes, backslashes and what is not UTF-8 become
 * \n, \t, \\, \xNN, so that a payload can neither break a row nor steer the terminal.
 *
 * @param cells_max  Cut, and end in "...", what is wider than this. 0: no limit.
 * @return the cells used.
 */
size_t utf8_show(struct text *target, const void *data, size_t bytes, size_t cells_max);

#endif
