/*
 * plot.h - the pictures of `flume plot`: what each is made of, and how it is shown.
 *
 * A form gathers its numbers once, in bounded memory, and shows them in one of three ways: as rows,
 * with characters, or as SVG.
 */
#ifndef REPL_PLOT_H
#define REPL_PLOT_H

#include "session.h"
#include "svg.h"
#include "time_buckets.h"

enum { PLOT_POINTS_MAX = 2000, PLOT_CELLS_LEAST = 15 };

struct plot;

struct plot_form {
    const char *name;
    bool needs_views;
    size_t data_bytes; /* Of plot->data, all zero before gather. */
    /* The basin is open. CODE_OK or CODE_DAMAGED: there is something to show. */
    int (*gather)(struct plot *plot);
    void (*numbers)(struct plot *plot);
    void (*draw)(struct plot *plot, struct svg *svg);
    void (*draw_term)(struct plot *plot);
    void (*release)(struct plot *plot);
};

struct plot {
    struct session *session;
    const struct plot_form *form;
    void *data;
    size_t cells;     /* With characters: as wide as this. 0: not with characters. */
    struct text what; /* What the picture shows, for its description and for people. */
};

extern const struct plot_form plot_rate, plot_lag, plot_size, plot_timeline;

/* ---- plot_frame.c: what pictures have in common ---- */

struct plot_area {
    double x, y, width, height;
};

/** The last part of the basin's path. */
const char *plot_basin_name(const struct session *session);

/** "2026-11-20 09:00 to 2026-11-20 10:00 UTC, 1 min each"; of cells that are settled. */
void plot_add_range(struct text *text, const struct time_buckets *buckets);

/** Begin a picture: title, and below it plot->what. */
void plot_begin(struct plot *plot, struct svg *svg, const char *title, double width, double height);

/** Where there is nothing to draw: say so in the middle. */
void plot_say_empty(struct svg *svg, const char *words);

/** Upright rules through the area; and with the times below it. */
void plot_time_rules(struct svg *svg, struct plot_area area, const struct time_buckets *buckets);
void plot_time_axis(struct svg *svg, struct plot_area area, const struct time_buckets *buckets);

struct axis;
/** Level rules through the area, and the numbers on its left. */
void plot_number_axis(struct svg *svg, struct plot_area area, const struct axis *axis);

/** With characters: a name, padded to PLOT_NAME_CELLS; and the times below a lane. */
enum { PLOT_NAME_CELLS = 16 };
void plot_term_name(struct text *text, const void *name, size_t bytes);
void plot_term_times(struct text *text, const struct time_buckets *buckets);

#endif
