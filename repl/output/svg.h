/*
 * svg.h - a picture as plain SVG 1.1: no script, no clock, nothing from elsewhere; for light and
 * for dark backgrounds, whichever is preferred where it is looked at.
 *
 * The same calls give the same bytes. Classes: bg, ink (text), soft (text and lines that stand
 * back), rule (lines of a grid), lane, gap, one (the data), two (data of another sort), flag.
 */
#ifndef REPL_SVG_H
#define REPL_SVG_H

#include "text.h"

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

struct svg {
    struct text text;
    double width, height;
    size_t points; /* Of data: counted by who draws. */
};

/** Titles and descriptions are any bytes: they are made readable and escaped. */
void svg_begin(struct svg *svg, double width, double height, const char *title,
               const char *description);
void svg_end(struct svg *svg);
void svg_deinit(struct svg *svg);

void svg_rect(struct svg *svg, const char *class, double x, double y, double width, double height);
void svg_line(struct svg *svg, const char *class, double x1, double y1, double x2, double y2);

/** Text, at most cells_max cells of it (0: no limit). y is the base line. */
void svg_text(struct svg *svg, const char *class, enum svg_anchor anchor, double x, double y,
              const char *string, size_t cells_max);
void svg_bytes(struct svg *svg, const char *class, enum svg_anchor anchor, double x, double y,
               const void *data, size_t bytes, size_t cells_max);

/* A path: begin, any number of moves, end. */
void svg_path_begin(struct svg *svg, const char *class);
void svg_path_box(struct svg *svg, double x, double y, double width, double height);
void svg_path_start(struct svg *svg, double x, double y); /* Move there. */
void svg_path_to_x(struct svg *svg, double x);
void svg_path_to_y(struct svg *svg, double y);
void svg_path_close(struct svg *svg);
void svg_path_end(struct svg *svg);

/* A group with a name that is shown where the pointer rests. */
void svg_group_begin(struct svg *svg, const void *name, size_t name_bytes);
void svg_group_end(struct svg *svg);

/** About how wide so much text is, in pixels. */
double svg_text_width(const void *data, size_t bytes);

#endif
