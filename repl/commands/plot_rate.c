/*
 * plot_rate.c - `flume plot rate`: records and bytes a second over time, with the gaps (plot.h).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "glyphs.h"
#include "grid.h"
#include "plot.h"
#include "scan.h"

enum { RECORDS, BYTES, LANES, CELLS_LEAST = 60, GAPS_MAX = 20 };
#define WIDTH_LEAST_NS NS_PER_MILLISECOND

struct rate {
    struct time_buckets buckets; /* A lane for records, one for bytes. */
    uint64_t records, bytes;
};

static const struct grid_column columns[] = {
    {"time", 30, false}, {"records", 10, true}, {"bytes", 10, true},
    {"rec_s", 12, true}, {"bytes_s", 12, true},
};

/* ---- gathering ---- */

static int add_record(struct rate *rate, const flume_record *record)
{
    size_t cell;

    if (!time_buckets_place(&rate->buckets, record->time_ns, &cell))
        return FLUME_ERR_NO_MEMORY;
    rate->buckets.lanes[RECORDS][cell]++;
    rate->buckets.lanes[BYTES][cell] += record->body_bytes;
    rate->records++;
    rate->bytes += record->body_bytes;
    return FLUME_OK;
}

/* Few records need few cells: else each stands alone. */
static bool settle(struct plot *plot)
{
    struct rate *rate = plot->data;
    uint64_t wanted = rate->records / 4, most = PLOT_POINTS_MAX / LANES;
    uint64_t span = rate->buckets.most_ns - rate->buckets.least_ns;

    most = plot->cells != 0 && plot->cells < most ? plot->cells : most;
    wanted = wanted < CELLS_LEAST ? CELLS_LEAST : wanted;
    wanted = wanted > most ? most : wanted;
    return time_buckets_settle(&rate->buckets, (size_t)wanted,
                               span == 0 ? NS_PER_SECOND : WIDTH_LEAST_NS);
}

static void describe(struct plot *plot)
{
    const struct rate *rate = plot->data;

    value_show_count(&plot->what, rate->records);
    text_string(&plot->what, rate->records == 1 ? " record, " : " records, ");
    value_show_size(&plot->what, rate->bytes);
    if (rate->records == 0)
        return;
    text_string(&plot->what, "; ");
    plot_add_range(&plot->what, &rate->buckets);
}

static int gather(struct plot *plot)
{
    struct rate *rate = plot->data;
    flume_record record;
    struct scan scan;
    size_t lane;
    int status = FLUME_OK, code = scan_begin(&scan, plot->session, "plot");

    time_buckets_init(&rate->buckets);
    for (size_t i = 0; i < LANES && status == FLUME_OK; i++)
        status = time_buckets_add_lane(&rate->buckets, &lane) ? FLUME_OK : FLUME_ERR_NO_MEMORY;
    while (code == CODE_OK && status == FLUME_OK) {
        status = scan_next(&scan, &record);
        if (status == FLUME_OK)
            status = add_record(rate, &record);
    }
    if (status == FLUME_END && !settle(plot))
        status = FLUME_ERR_NO_MEMORY;
    code = exit_code_worse(code, scan_end(&scan, status));
    if (scan_counts(code))
        describe(plot);
    return code;
}

static void release(struct plot *plot)
{
    struct rate *rate = plot->data;

    time_buckets_deinit(&rate->buckets);
}

/* ---- rows ---- */

static double per_second(const struct rate *rate, size_t lane, size_t cell)
{
    return (double)rate->buckets.lanes[lane][cell] /
           ((double)rate->buckets.width_ns / (double)NS_PER_SECOND);
}

static void numbers(struct plot *plot)
{
    const struct rate *rate = plot->data;
    struct grid grid;

    grid_init(&grid, plot->session, "rate", columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < rate->buckets.cells; i++) {
        grid_time(&grid, time_buckets_time(&rate->buckets, i));
        grid_count(&grid, rate->buckets.lanes[RECORDS][i]);
        grid_count(&grid, rate->buckets.lanes[BYTES][i]);
        grid_number(&grid, per_second(rate, RECORDS, i));
        grid_number(&grid, per_second(rate, BYTES, i));
        (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    }
}

/* ---- units ---- */

/* Rates are told by the shortest time in which something happens at all. */
struct rate_unit {
    double seconds;
    const char *name;
};

static struct rate_unit unit_of(const struct rate *rate)
{
    static const struct rate_unit units[] = {
        {1, "s"}, {60, "min"}, {3600, "h"}, {86400, "day"}, {365 * 86400, "year"}};
    double most = (double)time_buckets_most(&rate->buckets, RECORDS) /
                  ((double)rate->buckets.width_ns / (double)NS_PER_SECOND);
    size_t i = 0;

    while (i < 4 && most * units[i].seconds < 1)
        i++;
    return units[i];
}

static double in_unit(const struct rate *rate, uint64_t sum)
{
    return (double)sum / ((double)rate->buckets.width_ns / (double)NS_PER_SECOND) *
           unit_of(rate).seconds;
}

/* ---- SVG ---- */

static void draw_steps(struct svg *svg, struct plot_area area, const struct rate *rate, size_t lane,
                       double top)
{
    const struct time_buckets *buckets = &rate->buckets;
    double bottom = area.y + area.height, step = area.width / (double)buckets->cells, at = bottom;

    svg_path_begin(svg, lane == RECORDS ? "one" : "two");
    svg_path_start(svg, area.x, bottom);
    for (size_t i = 0; i < buckets->cells; i++) {
        double value = in_unit(rate, buckets->lanes[lane][i]);
        double y = bottom - value / top * area.height;

        y = value > 0 && y > bottom - 1 ? bottom - 1 : y; /* A little is not nothing. */
        if (y != at) {
            svg_path_to_x(svg, area.x + (double)i * step);
            svg_path_to_y(svg, y);
        }
        at = y;
        svg->points++;
    }
    svg_path_to_x(svg, area.x + area.width);
    svg_path_to_y(svg, bottom);
    svg_path_close(svg);
    svg_path_end(svg);
}

/* Runs of empty cells that are long enough to be seen: as a ground, and in words where they fit. */
enum gap_part { GAP_GROUND, GAP_WORDS };

static void draw_gap(struct svg *svg, double x, double width, struct plot_area area,
                     uint64_t gap_ns, enum gap_part part)
{
    struct text words = {0};

    if (part == GAP_GROUND) {
        svg_rect(svg, "gap", x, area.y, width, area.height);
        return;
    }
    text_string(&words, "nothing for ");
    axis_show_span(&words, gap_ns);
    if (svg_text_width(words.data, words.bytes) + 8 < width)
        svg_bytes(svg, "soft", SVG_MIDDLE, x + width / 2, area.y + area.height / 2 + 4, words.data,
                  words.bytes, 0);
    text_deinit(&words);
}

static void draw_gaps(struct svg *svg, struct plot_area area, const struct time_buckets *buckets,
                      enum gap_part part)
{
    size_t least = buckets->cells / 50 + 2, run = 0, drawn = 0;
    double step = area.width / (double)buckets->cells;

    for (size_t i = 0; i <= buckets->cells && drawn < GAPS_MAX; i++) {
        if (i < buckets->cells && buckets->lanes[RECORDS][i] == 0) {
            run++;
            continue;
        }
        if (run >= least && run < i && i < buckets->cells) { /* Not before all, not behind. */
            draw_gap(svg, area.x + (double)(i - run) * step, (double)run * step, area,
                     run * buckets->width_ns, part);
            drawn++;
        }
        run = 0;
    }
}

static void draw_panel(struct svg *svg, struct plot_area area, const struct rate *rate, size_t lane)
{
    double most = in_unit(rate, time_buckets_most(&rate->buckets, lane));
    struct axis axis;
    char title[40];

    axis_of_numbers(&axis, most, lane == RECORDS ? AXIS_COUNT : AXIS_BYTES, 4);
    snprintf(title, sizeof(title), "%s per %s", lane == RECORDS ? "records" : "bytes",
             unit_of(rate).name);
    svg_text(svg, "ink", SVG_START, area.x, area.y - 8, title, 0);
    plot_number_axis(svg, area, &axis);
    draw_steps(svg, area, rate, lane, axis.top);
}

static void draw(struct plot *plot, struct svg *svg)
{
    struct rate *rate = plot->data;
    const struct plot_area upper = {74, 78, 702, 122}, lower = {74, 228, 702, 122};

    plot_begin(plot, svg, "Append rate", 800, 400);
    if (rate->records == 0) {
        plot_say_empty(svg, "no records");
        return;
    }
    time_buckets_widen(&rate->buckets, PLOT_CELLS_LEAST);
    draw_gaps(svg, upper, &rate->buckets, GAP_GROUND);
    draw_gaps(svg, lower, &rate->buckets, GAP_GROUND);
    plot_time_rules(svg, upper, &rate->buckets);
    plot_time_axis(svg, lower, &rate->buckets);
    draw_panel(svg, upper, rate, RECORDS);
    draw_panel(svg, lower, rate, BYTES);
    draw_gaps(svg, upper, &rate->buckets, GAP_WORDS);
}

/* ---- with characters ---- */

static void draw_lane(struct plot *plot, size_t lane)
{
    const struct rate *rate = plot->data;
    struct text *text = &plot->session->line;
    double values[TIME_BUCKETS_CELLS];
    char name[40];

    for (size_t i = 0; i < rate->buckets.cells; i++)
        values[i] = (double)rate->buckets.lanes[lane][i];
    snprintf(name, sizeof(name), "%s/%s", lane == RECORDS ? "records" : "bytes",
             unit_of(rate).name);
    plot_term_name(text, name, strlen(name));
    glyphs_sparkline(text, values, rate->buckets.cells);
    text_string(text, "  max ");
    axis_show_number(text, in_unit(rate, time_buckets_most(&rate->buckets, lane)),
                     lane == RECORDS ? AXIS_COUNT : AXIS_BYTES);
    text_char(text, '\n');
}

static void draw_term(struct plot *plot)
{
    const struct rate *rate = plot->data;
    struct text *text = &plot->session->line;
    size_t gap_at = 0, gap;

    text_add(text, plot->what.data, plot->what.bytes);
    text_char(text, '\n');
    if (rate->records != 0) {
        draw_lane(plot, RECORDS);
        draw_lane(plot, BYTES);
        plot_term_times(text, &rate->buckets);
        gap = time_buckets_gap(&rate->buckets, RECORDS, &gap_at);
        if (gap != 0) {
            text_string(text, "longest gap: ");
            axis_show_span(text, gap * rate->buckets.width_ns);
            text_string(text, " from ");
            axis_show_time(text, time_buckets_time(&rate->buckets, gap_at), rate->buckets.width_ns);
            text_char(text, '\n');
        }
    }
    (void)session_emit_text(plot->session); /* A failure shows when stdout is flushed. */
}

const struct plot_form plot_rate = {.name = "rate",
                                    .data_bytes = sizeof(struct rate),
                                    .gather = gather,
                                    .numbers = numbers,
                                    .draw = draw,
                                    .draw_term = draw_term,
                                    .release = release};
