/*
 * caret.h - a place in a line of source, made visible: the line as it was typed, and where below it
 * the caret stands.
 */
#ifndef REPL_CARET_H
#define REPL_CARET_H

#include <stddef.h>

#include "text.h"

struct caret {
    struct text line; /* As shown: control bytes escaped, cut to a window around the place. */
    size_t cells;     /* Of it before the place, */
    size_t marked;    /* and of the place, at least 1. */
    size_t newlines;  /* Of the source before the place: a line number, from 0. */
    size_t column;    /* Characters from the beginning of that line, from 1. */
};

/** Look at `marked` bytes at `at`, as far as they are on one line.
 * @param cells_max  Of the window.
 * @param out        Overwritten; caret_deinit(). */
void caret_init(struct caret *out, const char *source, size_t bytes, size_t at, size_t marked,
                size_t cells_max);
void caret_deinit(struct caret *caret);

/** Add bytes for people to look at: control bytes become \n, \t, \xNN; a backslash is one. Stops
 * before more than `cells_max` cells.
 * @return the bytes shown. */
size_t caret_show(struct text *target, const char *data, size_t bytes, size_t cells_max,
                  size_t *out_cells);

#endif
