/*
 * cell.h - one value among others on a line, as the forms of files quote it.
 *
 * What no reader of such a file could take, or what could steer a terminal, becomes \xNN as in
 * plain rows: control bytes but tab and the ends of lines, and what is not UTF-8.
 */
#ifndef REPL_CELL_H
#define REPL_CELL_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/** RFC 4180: in quotes where it has a quote, a comma, a line's end, or blanks around it; quotes
 * doubled. */
void cell_csv(struct text *target, const void *data, size_t bytes);

/** Between bars: escaped as plain rows are, and what Markdown gives a meaning behind a
 * backslash. */
void cell_md(struct text *target, const void *data, size_t bytes);

/** Whether cell_csv() keeps every byte as it is. */
bool cell_csv_is_exact(const void *data, size_t bytes);

#endif
