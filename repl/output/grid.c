/*
 * grid.c - rows of named columns (grid.h).
 *
 * What always holds: outside JSON a cell holds no control bytes, so a row is one line and its cells
 * are told apart by tabs.
 */
#include "grid.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"
#include "utf8.h"

enum { GAP_CELLS = 2 };

void grid_init(struct grid *grid, struct session *session, const char *type,
               const struct grid_column *columns, size_t column_count)
{
    *grid = (struct grid){
        .session = session, .type = type, .columns = columns, .column_count = column_count};
}

static void pad(struct text *text, size_t used, size_t cells)
{
    for (size_t i = used; i < cells; i++)
        text_char(text, ' ');
}

static void add_header(struct grid *grid)
{
    struct text *text = &grid->session->line;

    text_string(text, grid->session->out_color ? "\x1b[1m" : "");
    for (size_t i = 0; i < grid->column_count; i++) {
        const struct grid_column *column = &grid->columns[i];
        bool is_last = i + 1 == grid->column_count;

        pad(text, 0, i == 0 ? 0 : GAP_CELLS);
        if (column->is_number)
            pad(text, strlen(column->name), column->cells);
        text_string(text, column->name);
        if (!column->is_number && !is_last)
            pad(text, strlen(column->name), column->cells);
    }
    text_string(text, grid->session->out_color ? "\x1b[0m\n" : "\n");
    grid->header_done = true;
}

/* Outside JSON: one cell, whose bytes are safe to show and so many cells wide. */
static void add_cell(struct grid *grid, const struct text *shown, size_t cells)
{
    const struct grid_column *column = &grid->columns[grid->at];
    struct text *text = &grid->session->line;
    bool is_first = grid->at == 0, is_last = grid->at + 1 == grid->column_count;

    if (!grid->session->out_terminal) {
        text_string(text, is_first ? "" : "\t");
        text_add(text, shown->data, shown->bytes);
        return;
    }
    if (is_first && !grid->header_done)
        add_header(grid);
    pad(text, 0, is_first ? 0 : GAP_CELLS);
    if (column->is_number)
        pad(text, cells, column->cells);
    text_add(text, shown->data, shown->bytes);
    if (!column->is_number && !is_last)
        pad(text, cells, column->cells);
}

/* The object's key, for the value that follows. */
static struct text *begin_value(struct grid *grid)
{
    struct text *text = &grid->session->line;

    if (grid->at == 0)
        object_begin(text, grid->type);
    object_key(text, grid->columns[grid->at].name);
    return text;
}

void grid_bytes(struct grid *grid, const void *data, size_t bytes)
{
    assert(grid->at < grid->column_count);
    if (grid->session->json) {
        object_put_string(begin_value(grid), data, bytes);
    } else {
        struct text shown = {0};
        size_t cells = utf8_show(&shown, data, bytes, 0);

        add_cell(grid, &shown, cells);
        text_deinit(&shown);
    }
    grid->at++;
}

void grid_string(struct grid *grid, const char *string)
{
    grid_bytes(grid, string, strlen(string));
}

/* A number: JSON as it is, for people with its unit or commas, else in plain digits. */
static void put_number(struct grid *grid, uint64_t number,
                       void (*for_people)(struct text *target, uint64_t number))
{
    struct text shown = {0};

    assert(grid->at < grid->column_count);
    if (grid->session->json) {
        object_put_uint(begin_value(grid), number);
    } else {
        if (grid->session->out_terminal)
            for_people(&shown, number);
        else
            text_format(&shown, "%" PRIu64, number);
        add_cell(grid, &shown, shown.bytes);
    }
    text_deinit(&shown);
    grid->at++;
}

void grid_count(struct grid *grid, uint64_t count)
{
    put_number(grid, count, value_show_count);
}

void grid_size(struct grid *grid, uint64_t size_bytes)
{
    put_number(grid, size_bytes, value_show_size);
}

/* A number whose digits are given: the same in all forms. */
static void put_digits(struct grid *grid, const struct text *digits)
{
    assert(grid->at < grid->column_count);
    if (grid->session->json)
        text_add(begin_value(grid), digits->data, digits->bytes);
    else
        add_cell(grid, digits, digits->bytes);
    grid->at++;
}

void grid_real(struct grid *grid, double value, int decimals)
{
    struct text shown = {0};

    text_format(&shown, "%.*f", decimals, value);
    put_digits(grid, &shown);
    text_deinit(&shown);
}

void grid_number(struct grid *grid, double value)
{
    struct text shown = {0};
    int digits = 15; /* Every number that a person writes with so many comes back as written. */

    do {
        text_clear(&shown);
        text_format(&shown, "%.*g", digits, value);
    } while (strtod(text_c_string(&shown), NULL) != value && ++digits <= 17);
    if (isfinite(value))
        put_digits(grid, &shown);
    else
        grid_absent(grid);
    text_deinit(&shown);
}

void grid_seq(struct grid *grid, uint64_t seq)
{
    struct text shown = {0};

    assert(grid->at < grid->column_count);
    if (seq == FLUME_SEQ_NONE) {
        grid_absent(grid);
        return;
    }
    if (grid->session->json) {
        object_put_uint(begin_value(grid), seq);
    } else {
        text_format(&shown, "@%" PRIu64, seq);
        add_cell(grid, &shown, shown.bytes);
    }
    text_deinit(&shown);
    grid->at++;
}

void grid_truth(struct grid *grid, bool value)
{
    assert(grid->at < grid->column_count);
    if (!grid->session->json) {
        grid_string(grid, value ? "yes" : "no");
        return;
    }
    text_string(begin_value(grid), value ? "true" : "false");
    grid->at++;
}

void grid_time(struct grid *grid, uint64_t time_ns)
{
    struct text shown = {0};

    if (grid->session->out_terminal && !grid->session->json)
        value_show_time_short(&shown, time_ns);
    else
        value_show_time(&shown, time_ns);
    grid_bytes(grid, shown.data, shown.bytes);
    text_deinit(&shown);
}

void grid_absent(struct grid *grid)
{
    const struct text empty = {0};

    assert(grid->at < grid->column_count);
    if (grid->session->json)
        text_string(begin_value(grid), "null");
    else
        add_cell(grid, &empty, 0);
    grid->at++;
}

bool grid_end_row(struct grid *grid)
{
    struct text *text = &grid->session->line;

    assert(grid->at == grid->column_count);
    grid->at = 0;
    if (grid->session->json)
        object_end(text);
    else
        text_char(text, '\n');
    return session_emit(grid->session);
}
