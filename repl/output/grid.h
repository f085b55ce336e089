/*
 * grid.h - rows of named columns, in every mode: one description of columns gives the table on a
 * terminal, tab-separated rows elsewhere, JSON, CSV, TSV, Markdown and a field a line.
 *
 * The names of the columns are the keys of the objects, so the forms cannot disagree. A row is
 * given cell by cell, in the order of the columns:
 *
 *     grid_bytes(&grid, info->label, strlen(info->label));
 *     grid_count(&grid, info->count);
 *     grid_end_row(&grid);
 *
 * How a value looks, by mode (help modes says it to people):
 *
 *              table, line        plain     csv, tsv  md        json, ndjson
 *   count      1,234 (terminal)   1234      1234      1234      1234
 *   size       1.2 KiB (terminal) 1234      1234      1234      1234
 *   span       1.25 ms (terminal) ns        ns        ns        ns
 *   seq        @17                @17       17        @17       17
 *   truth      yes                yes       true      yes       true
 *   time       short in tables    RFC 3339  RFC 3339  RFC 3339  "RFC 3339"
 *   absent     empty              empty     empty     empty     null
 *
 * Raw is the first column's bytes, hex its hexadecimal digits (of a card: every column).
 */
#ifndef REPL_GRID_H
#define REPL_GRID_H

#include "session.h"

struct grid {
    struct session *session;
    const char *type; /* Of the objects. */
    const struct grid_column *columns;
    size_t column_count;
    size_t at;            /* The column of the next cell. */
    bool is_card;         /* One object: a field a line in table, plain and md. */
    bool is_bare;         /* A table without a header: what was done, not what was asked for. */
    bool is_whole;        /* Nothing is cut in a table. */
    const char *spare;    /* Columns that a table may leave out. NULL: none. */
    const char *optional; /* Columns that people are shown if they are not absent. NULL: none. */
    bool has_header;      /* Of csv, tsv, md: written. */
    uint64_t rows;
    const char *delimiter; /* Of raw mode: -0, -D. */
    size_t delimiter_bytes;
};

/** Columns are borrowed as long as the grid is used, at most SHEET_COLUMNS_MAX. */
void grid_init(struct grid *grid, struct session *session, const char *type,
               const struct grid_column *columns, size_t column_count);

/* Each behind grid_init(), before the first cell: */
void grid_make_card(struct grid *grid);
void grid_make_bare(struct grid *grid);
void grid_keep_whole(struct grid *grid);
/** Columns that a table leaves out, in this order, where the terminal is too narrow for all: names
 * with a blank between. */
void grid_spare(struct grid *grid, const char *names);
/** Columns that are absent as a rule: a card and a line a field leave them out then, and a table
 * does where no row that it is measured by has them. Other forms have them always. */
void grid_optional(struct grid *grid, const char *names);

/* Cells. What is absent is an empty cell, and null in JSON. */
void grid_bytes(struct grid *grid, const void *data, size_t bytes);
void grid_string(struct grid *grid, const char *string);
void grid_count(struct grid *grid, uint64_t count);
void grid_size(struct grid *grid, uint64_t size_bytes);
void grid_span(struct grid *grid, uint64_t span_ns);
void grid_real(struct grid *grid, double value, int decimals);
void grid_number(struct grid *grid, double value); /* As few digits as tell it from others. */
void grid_seq(struct grid *grid, uint64_t seq);    /* FLUME_SEQ_NONE: absent. */
void grid_truth(struct grid *grid, bool value);
void grid_time(struct grid *grid, uint64_t time_ns);
void grid_absent(struct grid *grid);
/** 0 is absent. */
void grid_time_or_absent(struct grid *grid, uint64_t time_ns);

/** A list or an object: as JSON, which csv and tsv have too; and for people, a line for each item
 * (each ends in a newline; they are escaped here). */
void grid_list(struct grid *grid, const struct text *json, const struct text *lines);

/** Write the row. False if stdout does not take it. */
bool grid_end_row(struct grid *grid);

#endif
