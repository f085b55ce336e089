/*
 * cells.c - where a character is on the screen (cells.h).
 */
#include "cells.h"

#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wctype.h>

enum { TAB_CELLS = 8, CONTROL_CELLS = 2, ESCAPE_CELLS = 7, LONG_ESCAPE_CELLS = 8 };

static size_t cells_of(wchar_t c)
{
    int cells;

    if (c < 0x20 || c == 0x7F)
        return CONTROL_CELLS;
    if (!iswprint((wint_t)c))
        return c > 0xFFFF ? LONG_ESCAPE_CELLS : ESCAPE_CELLS;
    cells = wcwidth(c);
    return cells < 0 ? 1 : (size_t)cells;
}

static void advance_one(struct place_on_screen *place, size_t cells, size_t width)
{
    if (place->column + cells > width) { /* A wide character is not cut in two. */
        place->row++;
        place->column = 0;
    }
    place->column += cells;
    if (place->column >= width) {
        place->row++;
        place->column = 0;
    }
}

void cells_advance(struct place_on_screen *place, const wchar_t *text, size_t count, size_t width)
{
    for (size_t i = 0; i < count; i++) {
        if (text[i] == L'\n') {
            place->row++;
            place->column = 0;
        } else if (text[i] == L'\t') {
            do
                advance_one(place, 1, width);
            while (place->column % TAB_CELLS != 0);
        } else if (iswprint((wint_t)text[i])) {
            advance_one(place, cells_of(text[i]), width);
        } else { /* Shown by several characters, each in a cell. */
            for (size_t left = cells_of(text[i]); left > 0; left--)
                advance_one(place, 1, width);
        }
    }
}

void cells_of_screen(size_t *out_columns, size_t *out_rows)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 && size.ws_row > 1;

    *out_columns = known ? size.ws_col : 80;
    *out_rows = known ? size.ws_row : 24;
}
