/*
 * plot_frame.c - what pictures have in common: titles, axes (plot.h).
 */
#include <string.h>

#include "axis.h"
#include "plot.h"
#include "utf8.h"

enum { MARGIN = 16, TIME_STEPS = 7, TITLE_CELLS_MAX = 56 };

const char *plot_basin_name(const struct session *session)
{
    const char *slash = strrchr(session->db, '/');

    return slash == NULL || slash[1] == '\0' ? session->db : slash + 1;
}

static uint64_t end_of(const struct time_buckets *buckets)
{
    return time_buckets_time(buckets, buckets->cells);
}

void plot_add_range(struct text *text, const struct time_buckets *buckets)
{
    axis_show_time(text, time_buckets_time(buckets, 0), buckets->width_ns);
    text_string(text, " to ");
    axis_show_time(text, end_of(buckets), buckets->width_ns);
    text_string(text, " UTC, ");
    axis_show_span(text, buckets->width_ns);
    text_string(text, " each");
}

void plot_begin(struct plot *plot, struct svg *svg, const char *title, double width, double height)
{
    struct text whole = {0};

    text_string(&whole, title);
    text_string(&whole, ": ");
    text_string(&whole, plot_basin_name(plot->session));
    svg_begin(svg, width, height, text_c_string(&whole), text_c_string(&plot->what));
    svg_text(svg, "big", SVG_START, MARGIN, 26, text_c_string(&whole), TITLE_CELLS_MAX);
    svg_text(svg, "soft", SVG_START, MARGIN, 45, text_c_string(&plot->what), 120);
    text_deinit(&whole);
}

void plot_say_empty(struct svg *svg, const char *words)
{
    svg_text(svg, "soft", SVG_MIDDLE, svg->width / 2, svg->height / 2 + 10, words, 0);
}

/* In the middle below its tick, but within the picture. */
static void add_label(struct svg *svg, const char *class, double x, double y, const char *label)
{
    double half = svg_text_width(label, strlen(label)) / 2;

    if (x + half > svg->width - 4)
        svg_text(svg, class, SVG_END, svg->width - 4, y, label, 0);
    else if (x - half < 4)
        svg_text(svg, class, SVG_START, 4, y, label, 0);
    else
        svg_text(svg, class, SVG_MIDDLE, x, y, label, 0);
}

void plot_time_rules(struct svg *svg, struct plot_area area, const struct time_buckets *buckets)
{
    struct axis axis;

    axis_of_times(&axis, time_buckets_time(buckets, 0), end_of(buckets), TIME_STEPS);
    for (size_t i = 0; i < axis.count; i++) {
        double x = area.x + axis.ticks[i].part * area.width;

        svg_line(svg, "rule", x, area.y, x, area.y + area.height);
    }
}

void plot_time_axis(struct svg *svg, struct plot_area area, const struct time_buckets *buckets)
{
    double bottom = area.y + area.height;
    struct axis axis;

    plot_time_rules(svg, area, buckets);
    axis_of_times(&axis, time_buckets_time(buckets, 0), end_of(buckets), TIME_STEPS);
    for (size_t i = 0; i < axis.count; i++) {
        const struct axis_tick *tick = &axis.ticks[i];
        double x = area.x + tick->part * area.width;

        svg_line(svg, "base", x, bottom, x, bottom + 4);
        add_label(svg, "soft", x, bottom + 17, tick->label);
        if (tick->context[0] != '\0')
            add_label(svg, "soft", x, bottom + 32, tick->context);
    }
}

void plot_number_axis(struct svg *svg, struct plot_area area, const struct axis *axis)
{
    for (size_t i = 0; i < axis->count; i++) {
        double y = area.y + area.height * (1 - axis->ticks[i].part);

        svg_line(svg, i == 0 ? "base" : "rule", area.x, y, area.x + area.width, y);
        svg_text(svg, "soft", SVG_END, area.x - 7, y + 4, axis->ticks[i].label, 0);
    }
}

/* ---- with characters ---- */

void plot_term_name(struct text *text, const void *name, size_t bytes)
{
    size_t cells = utf8_show(text, name, bytes, PLOT_NAME_CELLS);

    for (; cells < PLOT_NAME_CELLS + 1; cells++)
        text_char(text, ' ');
}

void plot_term_times(struct text *text, const struct time_buckets *buckets)
{
    struct text first = {0}, last = {0};

    axis_show_time(&first, time_buckets_time(buckets, 0), buckets->width_ns);
    axis_show_time(&last, end_of(buckets), buckets->width_ns);
    plot_term_name(text, "", 0);
    text_add(text, first.data, first.bytes);
    for (size_t i = first.bytes; i + last.bytes < buckets->cells; i++)
        text_char(text, ' ');
    if (first.bytes + last.bytes >= buckets->cells)
        text_string(text, " .. ");
    text_add(text, last.data, last.bytes);
    text_string(text, " UTC\n");
    text_deinit(&first);
    text_deinit(&last);
}
