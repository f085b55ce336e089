/*
 * plot_size.c - `flume plot size`: how body sizes are spread, for all records and for labels, in
 * bins of powers of two (plot.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "glyphs.h"
#include "grid.h"
#include "label_table.h"
#include "log2_bins.h"
#include "plot.h"
#include "scan.h"

enum {
    LABELS_MAX = 4096,
    PANELS_MAX = 6,
    PANEL_LABELS = PANELS_MAX - 1,
    NAME_CELLS = 26,
    BAR_WIDTH_MAX = 60
};

struct size {
    struct log2_bins all;
    uint64_t bytes;
    struct label_table labels; /* entry->lane: index in bins. */
    struct log2_bins *bins;    /* Of the labels. */
    size_t bins_count, bins_room;
    bool *is_free; /* Bins that a label has let go. */
    size_t shown;  /* Labels that get a panel. */
};

static const struct grid_column columns[] = {
    {"label", 20, false}, {"from", 10, true}, {"to", 10, true}, {"count", 10, true}};

/* ---- gathering ---- */

static void forget(void *ctx, const struct label_entry *entry)
{
    struct size *size = ctx;

    size->is_free[entry->lane] = true;
}

static bool take_bins(struct size *size, size_t *out_at)
{
    for (size_t i = 0; i < size->bins_count && size->labels.dropped != 0; i++) {
        if (size->is_free[i]) {
            size->is_free[i] = false;
            log2_bins_init(&size->bins[i]);
            *out_at = i;
            return true;
        }
    }
    if (size->bins_count == size->bins_room) {
        size_t room = size->bins_room == 0 ? 64 : 2 * size->bins_room;
        struct log2_bins *bins = realloc(size->bins, room * sizeof(bins[0]));
        bool *is_free;

        if (bins == NULL)
            return false;
        size->bins = bins;
        is_free = realloc(size->is_free, room * sizeof(is_free[0]));
        if (is_free == NULL)
            return false;
        size->is_free = is_free;
        size->bins_room = room;
    }
    size->is_free[size->bins_count] = false;
    log2_bins_init(&size->bins[size->bins_count]);
    *out_at = size->bins_count++;
    return true;
}

static int add_record(struct plot *plot, const flume_record *record)
{
    struct size *size = plot->data;
    size_t position = 0;
    flume_label label;

    log2_bins_add(&size->all, record->body_bytes);
    size->bytes += record->body_bytes;
    while (flume_record_label(record, &position, &label)) {
        struct label_entry *entry;

        if (!scan_asks_label(plot->session->invocation, label.text, label.bytes))
            continue;
        entry = label_table_meet(&size->labels, &label, record);
        if (entry == NULL || (entry->lane == SIZE_MAX && !take_bins(size, &entry->lane)))
            return FLUME_ERR_NO_MEMORY;
        log2_bins_add(&size->bins[entry->lane], record->body_bytes);
    }
    return FLUME_OK;
}

static void describe(struct plot *plot)
{
    struct size *size = plot->data;

    value_show_count(&plot->what, size->all.total);
    text_string(&plot->what, size->all.total == 1 ? " record, " : " records, ");
    value_show_size(&plot->what, size->bytes);
    if (size->labels.count != 0)
        text_format(&plot->what, "; %zu of %zu labels", size->shown, size->labels.count);
    text_string(&plot->what, "; records by bytes of their bodies, in powers of two");
    if (size->labels.dropped != 0)
        warn(plot->session, "over %d labels: counts of labels are at least what is shown",
             LABELS_MAX);
}

static int gather(struct plot *plot)
{
    struct size *size = plot->data;
    flume_record record;
    struct scan scan;
    int status = FLUME_OK, code = scan_begin(&scan, plot->session, "plot");

    log2_bins_init(&size->all);
    label_table_init(&size->labels, LABELS_MAX);
    size->labels.on_drop = forget;
    size->labels.ctx = size;
    while (code == CODE_OK && status == FLUME_OK) {
        status = scan_next(&scan, &record);
        if (status == FLUME_OK)
            status = add_record(plot, &record);
    }
    code = exit_code_worse(code, scan_end(&scan, status));
    label_table_sort(&size->labels);
    size->shown = size->labels.count < PANEL_LABELS ? size->labels.count : PANEL_LABELS;
    if (scan_counts(code))
        describe(plot);
    return code;
}

static void release(struct plot *plot)
{
    struct size *size = plot->data;

    label_table_deinit(&size->labels);
    free(size->bins);
    free(size->is_free);
}

/* Panel 0 is of all records, the others of labels. */
static const struct log2_bins *bins_of(const struct size *size, size_t panel)
{
    return panel == 0 ? &size->all : &size->bins[size->labels.entries[panel - 1].lane];
}

static void name_of(const struct size *size, size_t panel, const char **out_name, size_t *out_bytes)
{
    static const char all[] = "all records";

    *out_name = panel == 0 ? all : size->labels.entries[panel - 1].text;
    *out_bytes = panel == 0 ? sizeof(all) - 1 : size->labels.entries[panel - 1].bytes;
}

/* ---- rows ---- */

static void numbers(struct plot *plot)
{
    const struct size *size = plot->data;
    struct grid grid;

    grid_init(&grid, plot->session, "size", columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t panel = 0; panel <= size->shown; panel++) {
        const struct log2_bins *bins = bins_of(size, panel);

        for (unsigned i = bins->first; i < bins->end; i++) {
            if (panel == 0)
                grid_absent(&grid);
            else
                grid_bytes(&grid, size->labels.entries[panel - 1].text,
                           size->labels.entries[panel - 1].bytes);
            grid_count(&grid, log2_bins_from(i));
            grid_count(&grid, log2_bins_to(i));
            grid_count(&grid, bins->counts[i]);
            (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
        }
    }
}

/* ---- SVG ---- */

/* "0", "1", "512", "4K", "1M": where a bin begins. */
static void show_bound(char target[16], unsigned bin)
{
    uint64_t from = log2_bins_from(bin);

    snprintf(target, 16, "%llu%s",
             (unsigned long long)(bin > 30   ? from >> 30
                                  : bin > 20 ? from >> 20
                                  : bin > 10 ? from >> 10
                                             : from),
             bin > 30   ? "G"
             : bin > 20 ? "M"
             : bin > 10 ? "K"
                        : "");
}

static void draw_bins(struct svg *svg, struct plot_area area, const struct size *size,
                      const struct log2_bins *bins, double top)
{
    unsigned count = size->all.end - size->all.first;
    double step = area.width / count, bottom = area.y + area.height;
    double bar = step * 0.8 > BAR_WIDTH_MAX ? BAR_WIDTH_MAX : step * 0.8;
    unsigned label_each = 1 + (unsigned)(34 / step);
    char bound[16];

    svg_path_begin(svg, bins == &size->all ? "rest" : "one");
    for (unsigned i = 0; i < count; i++) {
        uint64_t here = bins->counts[size->all.first + i];
        double height = (double)here / top * area.height;

        svg->points++;
        if (here != 0)
            svg_path_box(svg, area.x + (i + 0.5) * step - bar / 2,
                         bottom - (height < 1 ? 1 : height), bar, height < 1 ? 1 : height);
    }
    svg_path_end(svg);
    for (unsigned i = 0; i < count; i += label_each) {
        show_bound(bound, size->all.first + i);
        svg_text(svg, "soft", SVG_MIDDLE, area.x + (i + 0.5) * step, bottom + 15, bound, 0);
    }
}

static void draw_panel(struct svg *svg, struct plot_area area, const struct size *size,
                       size_t panel)
{
    const struct log2_bins *bins = bins_of(size, panel);
    struct text count = {0};
    struct axis axis;
    const char *name;
    size_t bytes;

    name_of(size, panel, &name, &bytes);
    value_show_count(&count, bins->total);
    svg_group_begin(svg, name, bytes);
    svg_bytes(svg, "ink", SVG_START, area.x, area.y - 8, name, bytes,
              area.width > 400 ? 0 : NAME_CELLS * (size_t)area.width / 300);
    svg_bytes(svg, "soft", SVG_END, area.x + area.width, area.y - 8, count.data, count.bytes, 0);
    axis_of_numbers(&axis, (double)log2_bins_most(bins), AXIS_COUNT, area.height > 200 ? 5 : 3);
    plot_number_axis(svg, area, &axis);
    draw_bins(svg, area, size, bins, axis.top);
    svg_group_end(svg);
    text_deinit(&count);
}

static void draw(struct plot *plot, struct svg *svg)
{
    const struct size *size = plot->data;
    size_t panels = size->shown + 1, columns_count = panels == 1 ? 1 : panels <= 4 ? 2 : 3;
    size_t rows = (panels + columns_count - 1) / columns_count;
    double column = 784.0 / (double)columns_count, row = 334.0 / (double)rows;

    plot_begin(plot, svg, "Body sizes", 800, 400);
    if (size->all.total == 0) {
        plot_say_empty(svg, "no records");
        return;
    }
    for (size_t i = 0; i < panels; i++) {
        struct plot_area area = {8 + (double)(i % columns_count) * column + 50,
                                 62 + (double)(i / columns_count) * row + 26, column - 64,
                                 row - 26 - 28};

        draw_panel(svg, area, size, i);
    }
}

/* ---- with characters ---- */

static void draw_term(struct plot *plot)
{
    const struct size *size = plot->data;
    struct text *text = &plot->session->line;

    text_add(text, plot->what.data, plot->what.bytes);
    text_char(text, '\n');
    for (size_t panel = 0; panel <= size->shown && size->all.total != 0; panel++) {
        const struct log2_bins *bins = bins_of(size, panel);
        double values[LOG2_BINS];
        const char *name;
        size_t bytes;

        for (unsigned i = size->all.first; i < size->all.end; i++)
            values[i - size->all.first] = (double)bins->counts[i];
        name_of(size, panel, &name, &bytes);
        plot_term_name(text, name, bytes);
        glyphs_sparkline(text, values, size->all.end - size->all.first);
        text_string(text, "  ");
        value_show_count(text, bins->total);
        text_char(text, '\n');
    }
    if (size->all.total != 0) {
        plot_term_name(text, "", 0);
        value_show_size(text, log2_bins_from(size->all.first));
        text_string(text, " .. ");
        value_show_size(text, log2_bins_to(size->all.end - 1));
        text_string(text, "; each column twice as large\n");
    }
    (void)session_emit_text(plot->session); /* A failure shows when stdout is flushed. */
}

const struct plot_form plot_size = {.name = "size",
                                    .data_bytes = sizeof(struct size),
                                    .gather = gather,
                                    .numbers = numbers,
                                    .draw = draw,
                                    .draw_term = draw_term,
                                    .release = release};
