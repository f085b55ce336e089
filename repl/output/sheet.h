/*
 * sheet.h - a table on its way to the screen: rows wait until it is known how wide the columns are.
 *
 * The first rows (up to SHEET_ROWS_MAX, SHEET_BYTES_MAX, or until the command flushes or waits) are
 * measured by display cells. What is too wide for the terminal is cut, texts only, the widest
 * first; where that is not enough, a field a line is written instead. From then on rows are written
 * as they come. A session has one sheet; a table that begins while another is open ends that.
 */
#ifndef REPL_SHEET_H
#define REPL_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum { SHEET_COLUMNS_MAX = 32, SHEET_ROWS_MAX = 1000, SHEET_BYTES_MAX = 1 << 20 };

struct session;

struct grid_column {
    const char *name;
    size_t cells;   /* Least width where a table is written before it is all there. */
    bool is_number; /* Stands on the right side. */
};

enum sheet_style {
    SHEET_TEXT,  /* Any bytes: escaped, and cut where it must be. */
    SHEET_FIXED, /* Safe to show, and useless if cut. */
    SHEET_SEQ,   /* Likewise, in colour. */
    SHEET_TIME   /* Likewise; its year may be left out. */
};

struct sheet_cell {
    size_t at, bytes; /* In sheet.bytes. */
    size_t cells;
    enum sheet_style style;
};

struct sheet_plan {
    const struct grid_column *columns;
    size_t column_count;
    const char *spare;    /* Names of columns that may be left out; NULL: none. */
    const char *optional; /* Those that are left out if they are empty; NULL: none. */
    bool is_bare;         /* Without a header. */
    bool is_whole;        /* Nothing is cut. */
};

struct sheet {
    struct sheet_plan plan;
    enum { SHEET_CLOSED, SHEET_WAITS, SHEET_AS_TABLE, SHEET_AS_LINES } state;
    struct text bytes;        /* Cells of the rows that wait. */
    struct sheet_cell *cells; /* Owned. */
    size_t cell_count, cell_capacity;
    size_t widths[SHEET_COLUMNS_MAX];
    bool left_out[SHEET_COLUMNS_MAX];
    bool without_year;
    uint64_t rows;
    uint64_t since_ns; /* When the first row came. */
};

/** Begin a table, unless it is the one that is open. The plan's pointers are borrowed while it is
 * open. */
void sheet_begin(struct session *session, const struct sheet_plan *plan);

/** The next cell of a row. */
void sheet_cell(struct session *session, const void *data, size_t bytes, enum sheet_style style);

/** The row is complete. False if stdout does not take it. */
bool sheet_end_row(struct session *session);

/** Whether rows wait, and have done so long enough. */
bool sheet_is_due(const struct session *session);

/** Write what waits, with room for what may follow. */
bool sheet_settle(struct session *session);

/** Write what waits; there is no more. */
bool sheet_end(struct session *session);

void sheet_deinit(struct sheet *sheet);

#endif
