/*
 * cells.h - where a character of a line being edited is on the screen.
 */
#ifndef REPL_CELLS_H
#define REPL_CELLS_H

#include <stddef.h>
#include <wchar.h>

struct place_on_screen {
    size_t row, column; /* From where the prompt begins. */
};

/** Go on by these characters on a screen so many cells wide. Control characters and what cannot be
 * printed are counted as the editor shows them: ^A, \U+FFFE. */
void cells_advance(struct place_on_screen *place, const wchar_t *text, size_t count, size_t width);

/** Columns and rows of the terminal on standard output, or 80 and 24. */
void cells_of_screen(size_t *out_columns, size_t *out_rows);

#endif
