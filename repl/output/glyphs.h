/*
 * glyphs.h - small drawings made of characters: sparklines, bars, lanes.
 *
 * Each is drawn with block characters, or with ASCII where utf8_locale() says no.
 */
#ifndef REPL_GLYPHS_H
#define REPL_GLYPHS_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

/** A cell for each value, as high as its part of the largest. A value of 0 is a dot, one above 0 is
 * never one. */
void glyphs_sparkline(struct text *target, const double *values, size_t count);

/** A bar that fills its part (0 .. 1) of so many cells, to an eighth of a cell, and blanks behind
 * it. More than 0 is always seen, and what is not yet 1 is never full. */
void glyphs_bar(struct text *target, double part, size_t cells);

/** A cell for each count, by its size: `·` none, then by tenfolds. */
void glyphs_lane(struct text *target, const uint64_t *counts, size_t count);

/** What glyphs_lane() means by its characters, as a line for a legend. */
const char *glyphs_lane_legend(void);

#endif
