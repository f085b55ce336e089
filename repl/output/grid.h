/*
 * grid.h - rows of named columns: a table on a terminal, else tab-separated, or JSON objects.
 *
 * The names of the columns are the keys of the objects, so the three forms cannot disagree. A row
 * is given cell by cell, in the order of the columns:
 *
 *     grid_bytes(&grid, info->label, strlen(info->label));
 *     grid_count(&grid, info->count);
 *     grid_end_row(&grid);
 */
#ifndef REPL_GRID_H
#define REPL_GRID_H

#include "session.h"

struct grid_column {
    const char *name;
    size_t cells; /* Least width in a table. Numbers stand on its right side. */
    bool is_number;
};

struct grid {
    struct session *session;
    const char *type; /* Of the objects. */
    const struct grid_column *columns;
    size_t column_count;
    size_t at; /* The column of the next cell. */
    bool header_done;
};

/** Columns are borrowed as long as the grid is used. */
void grid_init(struct grid *grid, struct session *session, const char *type,
               const struct grid_column *columns, size_t column_count);

/* Cells. What is absent is an empty cell, and null in JSON. */
void grid_bytes(struct grid *grid, const void *data, size_t bytes);
void grid_string(struct grid *grid, const char *string);
void grid_count(struct grid *grid, uint64_t count);
void grid_size(struct grid *grid, uint64_t size_bytes);
void grid_real(struct grid *grid, double value, int decimals);
void grid_number(struct grid *grid, double value); /* As few digits as tell it from others. */
void grid_seq(struct grid *grid, uint64_t seq);    /* FLUME_SEQ_NONE: absent. */
void grid_truth(struct grid *grid, bool value);    /* true and false in JSON, else yes and no. */
void grid_time(struct grid *grid, uint64_t time_ns);
void grid_absent(struct grid *grid);

/** Write the row. False if stdout does not take it. */
bool grid_end_row(struct grid *grid);

#endif
