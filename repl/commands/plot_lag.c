/*
 * plot_lag.c - `flume plot lag`: how far each view has come, and what is durable, now (plot.h).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "glyphs.h"
#include "grid.h"
#include "plot.h"
#include "utf8.h"
#include "view_name.h"

enum { ROWS_MAX = 40, ROW_HEIGHT = 24, BAR_HEIGHT = 12, NAME_CELLS = 20, STATE_CELLS = 12 };

struct lag {
    flume_view_status *views; /* Owned. */
    size_t view_count;
    uint64_t head, durable;
};

/* A row of the picture: what is durable, or a view. */
struct lag_row {
    const char *name, *state;
    uint64_t at, bytes; /* Behind: about so many; UINT64_MAX: not known. */
};

static const struct grid_column columns[] = {
    {"name", 16, false}, {"state", 13, false}, {"at", 11, true},
    {"head", 11, true},  {"lag", 11, true},    {"lag_bytes", 10, true},
};

/* ---- gathering ---- */

static int compare_lag(const void *a, const void *b)
{
    const flume_view_status *left = a, *right = b;

    if (left->lag_records != right->lag_records)
        return left->lag_records > right->lag_records ? -1 : 1;
    return strcmp(left->name, right->name);
}

static size_t row_count(const struct lag *lag)
{
    return lag->view_count + 1;
}

static struct lag_row row_of(const struct lag *lag, size_t i)
{
    struct lag_row row = {"durable", "", lag->durable, UINT64_MAX};

    if (i == 0)
        return row;
    row.name = lag->views[i - 1].name;
    row.state = flume_view_state_name(lag->views[i - 1].state);
    row.at = lag->views[i - 1].synced_seq;
    row.bytes = lag->views[i - 1].lag_bytes;
    return row;
}

static uint64_t behind(const struct lag *lag, uint64_t at)
{
    return lag->head > at ? lag->head - at : 0;
}

static double part_of(const struct lag *lag, uint64_t at)
{
    return lag->head == 0 || at >= lag->head ? 1 : (double)at / (double)lag->head;
}

static int gather(struct plot *plot)
{
    struct lag *lag = plot->data;
    flume_log_stat_info stat;
    int code = view_name_list(plot->session, &lag->views, &lag->view_count), status;

    if (code != CODE_OK)
        return code;
    status = flume_log_stat(plot->session->log, &stat);
    if (status != FLUME_OK)
        return report_log_error(plot->session, plot->session->log, status);
    lag->head = stat.head;
    lag->durable = stat.durable;
    qsort(lag->views, lag->view_count, sizeof(lag->views[0]), compare_lag);
    text_format(&plot->what, "head @%" PRIu64 ", %zu views; those furthest behind come first",
                lag->head, lag->view_count);
    return CODE_OK;
}

static void release(struct plot *plot)
{
    struct lag *lag = plot->data;

    free(lag->views);
}

/* ---- rows ---- */

static void numbers(struct plot *plot)
{
    const struct lag *lag = plot->data;
    struct grid grid;

    grid_init(&grid, plot->session, "lag", columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < row_count(lag); i++) {
        struct lag_row row = row_of(lag, i);

        grid_string(&grid, row.name);
        grid_string(&grid, row.state);
        grid_seq(&grid, row.at);
        grid_seq(&grid, lag->head);
        grid_count(&grid, behind(lag, row.at));
        if (row.bytes == UINT64_MAX)
            grid_absent(&grid);
        else
            grid_size(&grid, row.bytes);
        (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    }
}

/* ---- SVG ---- */

static void add_words(struct text *text, const struct lag *lag, const struct lag_row *row)
{
    uint64_t lags = behind(lag, row->at);

    if (lags == 0) {
        text_string(text, "in step");
        return;
    }
    value_show_count(text, lags);
    text_string(text, row->bytes == UINT64_MAX ? " not yet" : " behind");
}

static void draw_row(struct svg *svg, const struct lag *lag, struct plot_area area, size_t i)
{
    struct lag_row row = row_of(lag, i);
    double middle = area.y + ((double)i + 0.5) * ROW_HEIGHT, part = part_of(lag, row.at);
    double width = part * area.width;
    struct text words = {0};

    svg_text(svg, i == 0 ? "soft" : "ink", SVG_END, area.x - 8, middle + 4, row.name, NAME_CELLS);
    svg_rect(svg, "lane", area.x, middle - BAR_HEIGHT / 2.0, area.width, BAR_HEIGHT);
    if (width > 0)
        svg_rect(svg, i == 0 ? "well" : "one", area.x, middle - BAR_HEIGHT / 2.0,
                 width < 1 ? 1 : width, BAR_HEIGHT);
    add_words(&words, lag, &row);
    svg_bytes(svg, "soft", SVG_START, area.x + area.width + 12, middle + 4, words.data, words.bytes,
              0);
    svg_text(svg, "soft", SVG_END, svg->width - 12, middle + 4, row.state, STATE_CELLS);
    text_deinit(&words);
    svg->points++;
}

static void draw(struct plot *plot, struct svg *svg)
{
    const struct lag *lag = plot->data;
    size_t rows = row_count(lag) > ROWS_MAX ? ROWS_MAX : row_count(lag);
    struct plot_area area = {160, 68, 370, (double)rows * ROW_HEIGHT};
    struct text more = {0};
    struct axis axis;

    plot_begin(plot, svg, "How far views have come", 800, area.y + area.height + 60);
    axis_of_numbers(&axis, (double)lag->head, AXIS_COUNT, 4);
    for (size_t i = 0; i < axis.count && lag->head > 0; i++) {
        double x = area.x + axis.ticks[i].part * axis.top / (double)lag->head * area.width;

        if (x > area.x + area.width + 0.5)
            continue;
        svg_line(svg, "rule", x, area.y, x, area.y + area.height + 4);
        if (x < area.x + area.width - 30 || i == 0)
            svg_text(svg, "soft", SVG_MIDDLE, x, area.y + area.height + 18, axis.ticks[i].label, 0);
    }
    for (size_t i = 0; i < rows; i++)
        draw_row(svg, lag, area, i);
    svg_line(svg, "base", area.x + area.width, area.y - 4, area.x + area.width,
             area.y + area.height + 4);
    svg_text(svg, "soft", SVG_START, area.x + area.width + 12, area.y + area.height + 18, "head",
             0);
    if (rows < row_count(lag)) {
        text_format(&more, "%zu more views are not drawn", row_count(lag) - rows);
        svg_text(svg, "soft", SVG_START, area.x, area.y + area.height + 42, text_c_string(&more),
                 0);
    }
    text_deinit(&more);
}

/* ---- with characters ---- */

static void draw_term(struct plot *plot)
{
    const struct lag *lag = plot->data;
    struct text *text = &plot->session->line;
    size_t cells = plot->cells > 60 ? 40 : plot->cells > 30 ? plot->cells - 20 : 10;

    text_add(text, plot->what.data, plot->what.bytes);
    text_char(text, '\n');
    for (size_t i = 0; i < row_count(lag); i++) {
        struct lag_row row = row_of(lag, i);

        plot_term_name(text, row.name, strlen(row.name));
        glyphs_bar(text, part_of(lag, row.at), cells);
        text_string(text, "  ");
        add_words(text, lag, &row);
        text_format(text, "%s%s\n", *row.state == '\0' ? "" : ", ", row.state);
    }
    (void)session_emit_text(plot->session); /* A failure shows when stdout is flushed. */
}

const struct plot_form plot_lag = {.name = "lag",
                                   .needs_views = true,
                                   .data_bytes = sizeof(struct lag),
                                   .gather = gather,
                                   .numbers = numbers,
                                   .draw = draw,
                                   .draw_term = draw_term,
                                   .release = release};
