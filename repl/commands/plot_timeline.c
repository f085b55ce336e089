/*
 * plot_timeline.c - `flume plot timeline`: a lane for each of the busiest labels, with what
 * happened when, and bookmarks as flags (plot.h).
 *
 * What always holds: a record counts in the lane of each of its labels that has one, and in
 * "others" once for each that has none, or if it has no label at all.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "axis.h"
#include "glyphs.h"
#include "grid.h"
#include "label_table.h"
#include "plot.h"
#include "scan.h"
#include "utf8.h"

enum {
    OTHERS = 0, /* Its lane in the buckets. */
    LABELS_MAX = 1024,
    LANES_MAX = 12,
    CELLS_MAX = 400,
    FLAGS_MAX = 1000,
    FLAGS_DRAWN_MAX = 60,
    FLAGS_LISTED_MAX = 5,
    FLAG_ROWS = 3,
    FLAG_ROW_HEIGHT = 15,
    FLAG_CELLS = 24,
    NAME_CELLS = 19
};

struct flag {
    char name[FLUME_BOOKMARK_NAME_BYTES_MAX + 1];
    uint64_t seq, time_ns;
};

struct timeline {
    struct time_buckets buckets;
    struct label_table labels; /* entry->lane: its lane in the buckets. */
    size_t *free_lanes;        /* Of labels that were let go. */
    size_t free_count;
    uint64_t records;
    size_t lanes;    /* Labels that are shown. */
    bool has_others; /* And a lane for the others. */
    struct flag *flags;
    size_t flag_count;
    uint64_t flags_left_out;
    struct session *session;
    const struct asking *asking;
};

static const struct grid_column columns[] = {
    {"label", 20, false}, {"time", 30, false}, {"records", 9, true}, {"bookmark", 0, false}};

/* ---- records ---- */

static void let_go(void *ctx, const struct label_entry *entry)
{
    struct timeline *timeline = ctx;
    uint64_t *lane = timeline->buckets.lanes[entry->lane];

    for (size_t i = 0; i < TIME_BUCKETS_CELLS; i++) {
        timeline->buckets.lanes[OTHERS][i] += lane[i];
        lane[i] = 0;
    }
    timeline->free_lanes[timeline->free_count++] = entry->lane;
}

static bool take_lane(struct timeline *timeline, size_t *out_lane)
{
    if (timeline->free_count == 0)
        return time_buckets_add_lane(&timeline->buckets, out_lane);
    *out_lane = timeline->free_lanes[--timeline->free_count];
    return true;
}

static int add_record(struct timeline *timeline, const flume_record *record)
{
    size_t position = 0, cell;
    flume_label label;
    bool has_label = false;

    if (!time_buckets_place(&timeline->buckets, record->time_ns, &cell))
        return FLUME_ERR_NO_MEMORY;
    timeline->records++;
    while (flume_record_label(record, &position, &label)) {
        struct label_entry *entry;

        has_label = true;
        if (!scan_asks_label(timeline->session->invocation, label.text, label.bytes))
            continue;
        entry = label_table_meet(&timeline->labels, &label, record);
        if (entry == NULL || (entry->lane == SIZE_MAX && !take_lane(timeline, &entry->lane)))
            return FLUME_ERR_NO_MEMORY;
        timeline->buckets.lanes[entry->lane][cell]++;
    }
    if (!has_label)
        timeline->buckets.lanes[OTHERS][cell]++;
    return FLUME_OK;
}

static int scan_records(struct plot *plot)
{
    struct timeline *timeline = plot->data;
    flume_record record;
    struct scan scan;
    int status = FLUME_OK, code = scan_begin(&scan, plot->session, "plot");

    while (code == CODE_OK && status == FLUME_OK) {
        status = scan_next(&scan, &record);
        if (status == FLUME_OK)
            status = add_record(timeline, &record);
    }
    return exit_code_worse(code, scan_end(&scan, status));
}

/* Which lanes are shown; what has none goes to the others. */
static bool choose_lanes(struct plot *plot)
{
    struct timeline *timeline = plot->data;
    size_t wanted = plot->cells;

    label_table_sort(&timeline->labels);
    timeline->lanes = timeline->labels.count < LANES_MAX ? timeline->labels.count : LANES_MAX;
    for (size_t i = timeline->lanes; i < timeline->labels.count; i++)
        let_go(timeline, &timeline->labels.entries[i]);
    timeline->has_others = time_buckets_most(&timeline->buckets, OTHERS) != 0;
    if (wanted == 0) {
        wanted = (PLOT_POINTS_MAX - FLAGS_DRAWN_MAX) /
                 (timeline->lanes + (timeline->has_others ? 1 : 0) + 1);
        wanted = wanted > CELLS_MAX ? CELLS_MAX : wanted;
    }
    return time_buckets_settle(&timeline->buckets, wanted,
                               timeline->buckets.least_ns == timeline->buckets.most_ns
                                   ? NS_PER_SECOND
                                   : NS_PER_MILLISECOND);
}

/* ---- bookmarks ---- */

static int on_bookmark(void *ctx, const flume_bookmark *bookmark)
{
    struct timeline *timeline = ctx;
    struct flag *flag = &timeline->flags[timeline->flag_count];
    flume_record record;

    if (asking_stopped(timeline->asking))
        return FLUME_ERR_CANCELLED;
    if (bookmark->rewound ||
        flume_log_get(timeline->session->log, bookmark->seq, &record) != FLUME_OK)
        return 0; /* What it names is not there any more. */
    flag->seq = bookmark->seq;
    flag->time_ns = record.time_ns;
    memcpy(flag->name, bookmark->name, sizeof(flag->name));
    flume_record_release(&record);
    if (flag->time_ns < time_buckets_time(&timeline->buckets, 0) ||
        flag->time_ns >= time_buckets_time(&timeline->buckets, timeline->buckets.cells))
        return 0;
    if (timeline->flag_count < FLAGS_MAX - 1)
        timeline->flag_count++;
    else
        timeline->flags_left_out++;
    return 0;
}

static int compare_flags(const void *a, const void *b)
{
    const struct flag *left = a, *right = b;

    if (left->time_ns != right->time_ns)
        return left->time_ns < right->time_ns ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* Where views cannot be brought up to date (no permission to write), there are no flags. */
static int ask_for_bookmarks(struct plot *plot)
{
    struct timeline *timeline = plot->data;
    struct asking asking;
    int status, code = asking_begin(&asking, plot->session, "label");

    timeline->asking = &asking;
    if (code == CODE_OK) {
        status =
            flume_bookmark_list(plot->session->flume, &asking.ask, NULL, on_bookmark, timeline);
        if (status == FLUME_ERR_STALE || status == FLUME_ERR_VIEW)
            warn(plot->session, "bookmarks are not shown: the view label cannot answer");
        else if (status != FLUME_OK)
            code = asking_report(&asking, status);
    }
    asking_end(&asking);
    qsort(timeline->flags, timeline->flag_count, sizeof(timeline->flags[0]), compare_flags);
    return code;
}

/* ---- gathering ---- */

static void describe(struct plot *plot)
{
    const struct timeline *timeline = plot->data;

    value_show_count(&plot->what, timeline->records);
    text_string(&plot->what, timeline->records == 1 ? " record" : " records");
    if (timeline->records == 0)
        return;
    text_format(&plot->what, ", %zu %s, %zu %s; ", timeline->labels.count,
                timeline->labels.count == 1 ? "label" : "labels", timeline->flag_count,
                timeline->flag_count == 1 ? "bookmark" : "bookmarks");
    plot_add_range(&plot->what, &timeline->buckets);
    if (timeline->labels.dropped != 0)
        warn(plot->session, "over %d labels: some are among the others with part of their records",
             LABELS_MAX);
}

static int gather(struct plot *plot)
{
    struct timeline *timeline = plot->data;
    size_t lane;
    int code;

    timeline->session = plot->session;
    time_buckets_init(&timeline->buckets);
    label_table_init(&timeline->labels, LABELS_MAX);
    timeline->labels.on_drop = let_go;
    timeline->labels.ctx = timeline;
    timeline->free_lanes = calloc(LABELS_MAX, sizeof(timeline->free_lanes[0]));
    timeline->flags = calloc(FLAGS_MAX, sizeof(timeline->flags[0]));
    if (timeline->free_lanes == NULL || timeline->flags == NULL ||
        !time_buckets_add_lane(&timeline->buckets, &lane))
        return report_status(plot->session, FLUME_ERR_NO_MEMORY, NULL);
    code = scan_records(plot);
    if (!scan_counts(code))
        return code;
    if (!choose_lanes(plot))
        return report_status(plot->session, FLUME_ERR_NO_MEMORY, NULL);
    if (timeline->records != 0)
        code = exit_code_worse(code, ask_for_bookmarks(plot));
    describe(plot);
    return code;
}

static void release(struct plot *plot)
{
    struct timeline *timeline = plot->data;

    time_buckets_deinit(&timeline->buckets);
    label_table_deinit(&timeline->labels);
    free(timeline->free_lanes);
    free(timeline->flags);
}

/* ---- lanes ---- */

static size_t lane_count(const struct timeline *timeline)
{
    return timeline->lanes + (timeline->has_others ? 1 : 0);
}

static const uint64_t *lane_of(const struct timeline *timeline, size_t i)
{
    return timeline->buckets
        .lanes[i < timeline->lanes ? timeline->labels.entries[i].lane : (size_t)OTHERS];
}

static void name_of(const struct timeline *timeline, size_t i, const char **out_name,
                    size_t *out_bytes)
{
    static const char others[] = "others", unlabelled[] = "without a label";
    bool is_label = i < timeline->lanes;

    *out_name = is_label                      ? timeline->labels.entries[i].text
                : timeline->labels.count == 0 ? unlabelled
                                              : others;
    *out_bytes = is_label ? timeline->labels.entries[i].bytes : strlen(*out_name);
}

static uint64_t total_of(const struct timeline *timeline, size_t i)
{
    const uint64_t *lane = lane_of(timeline, i);
    uint64_t total = 0;

    for (size_t k = 0; k < timeline->buckets.cells; k++)
        total += lane[k];
    return total;
}

/* ---- rows ---- */

static void add_lane_rows(struct grid *grid, const struct timeline *timeline, size_t i)
{
    const uint64_t *lane = lane_of(timeline, i);

    for (size_t k = 0; k < timeline->buckets.cells; k++) {
        if (i < timeline->lanes)
            grid_bytes(grid, timeline->labels.entries[i].text, timeline->labels.entries[i].bytes);
        else
            grid_absent(grid);
        grid_time(grid, time_buckets_time(&timeline->buckets, k));
        grid_count(grid, lane[k]);
        grid_absent(grid);
        (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
    }
}

static void numbers(struct plot *plot)
{
    const struct timeline *timeline = plot->data;
    struct grid grid;

    grid_init(&grid, plot->session, "timeline", columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < lane_count(timeline); i++)
        add_lane_rows(&grid, timeline, i);
    for (size_t i = 0; i < timeline->flag_count; i++) {
        grid_absent(&grid);
        grid_time(&grid, timeline->flags[i].time_ns);
        grid_absent(&grid);
        grid_string(&grid, timeline->flags[i].name);
        (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    }
}

/* ---- SVG ---- */

static void draw_lane(struct svg *svg, struct plot_area area, const struct timeline *timeline,
                      size_t i, uint64_t most)
{
    const uint64_t *lane = lane_of(timeline, i);
    double step = area.width / (double)timeline->buckets.cells;
    struct text total = {0};
    const char *name;
    size_t bytes;

    name_of(timeline, i, &name, &bytes);
    value_show_count(&total, total_of(timeline, i));
    svg_group_begin(svg, name, bytes);
    svg_bytes(svg, i < timeline->lanes ? "ink" : "soft", SVG_END, area.x - 8,
              area.y + area.height / 2 + 4, name, bytes, NAME_CELLS);
    svg_bytes(svg, "soft", SVG_END, svg->width - 10, area.y + area.height / 2 + 4, total.data,
              total.bytes, 0);
    svg_path_begin(svg, i < timeline->lanes ? "one" : "rest");
    for (size_t k = 0; k < timeline->buckets.cells; k++) {
        double part = log1p((double)lane[k]) / log1p((double)most);
        double height = area.height * (0.2 + 0.8 * part);

        svg->points++;
        if (lane[k] != 0)
            svg_path_box(svg, area.x + (double)k * step, area.y + area.height - height,
                         step > 3 ? step - 0.5 : step, height);
    }
    svg_path_end(svg);
    svg_group_end(svg);
    text_deinit(&total);
}

/* Where names stand: each in the first row in which nothing is in the way. */
struct flag_rows {
    double end[FLAG_ROWS];
};

static void draw_flag(struct svg *svg, struct plot_area lanes, double x, const char *name,
                      struct flag_rows *rows)
{
    struct text shown = {0};
    size_t row = 0;
    double width, from;
    bool is_left;

    (void)utf8_show(&shown, name, strlen(name), FLAG_CELLS);
    width = svg_text_width(shown.data, shown.bytes);
    text_deinit(&shown);
    is_left = x + 4 + width > svg->width - 8;
    from = is_left ? x - 4 - width : x + 4;
    while (row < FLAG_ROWS && rows->end[row] + 8 > from)
        row++;
    svg_group_begin(svg, name, strlen(name));
    svg_line(svg, "flag", x,
             row < FLAG_ROWS ? lanes.y - FLAG_ROW_HEIGHT * (double)(FLAG_ROWS - row) - 3
                             : lanes.y - 3,
             x, lanes.y + lanes.height);
    if (row < FLAG_ROWS) {
        svg_text(svg, "flag", is_left ? SVG_END : SVG_START, is_left ? x - 4 : x + 4,
                 lanes.y - FLAG_ROW_HEIGHT * (double)(FLAG_ROWS - row) + 8, name, FLAG_CELLS);
        rows->end[row] = from + width;
    }
    svg_group_end(svg);
    svg->points++;
}

static void draw_flags(struct svg *svg, struct plot_area lanes, const struct timeline *timeline)
{
    struct flag_rows rows = {{0, 0, 0}};
    uint64_t from = time_buckets_time(&timeline->buckets, 0);
    double span = (double)timeline->buckets.cells * (double)timeline->buckets.width_ns;
    struct text more = {0};

    for (size_t i = 0; i < timeline->flag_count && i < FLAGS_DRAWN_MAX; i++)
        draw_flag(svg, lanes,
                  lanes.x + (double)(timeline->flags[i].time_ns - from) / span * lanes.width,
                  timeline->flags[i].name, &rows);
    if (timeline->flag_count <= FLAGS_DRAWN_MAX)
        return;
    text_format(&more, "%zu later bookmarks are not drawn", timeline->flag_count - FLAGS_DRAWN_MAX);
    svg_bytes(svg, "soft", SVG_START, 16, svg->height - 8, more.data, more.bytes, 0);
    text_deinit(&more);
}

static void draw_legend(struct svg *svg, uint64_t most)
{
    struct text words = {0};

    text_string(&words, "tallest bar: ");
    value_show_count(&words, most);
    text_string(&words, most == 1 ? " record" : " records, logarithmic");
    svg_bytes(svg, "soft", SVG_END, svg->width - 10, 26, words.data, words.bytes, 0);
    text_deinit(&words);
}

static void draw(struct plot *plot, struct svg *svg)
{
    struct timeline *timeline = plot->data;
    size_t count = lane_count(timeline);
    double lane_height = count > 8 ? 20 : count > 4 ? 28 : 36;
    double top = timeline->flag_count == 0 ? 66 : 70 + FLAG_ROWS * FLAG_ROW_HEIGHT;
    struct plot_area lanes = {160, top, 562, (double)count * lane_height};
    uint64_t most = 0;

    plot_begin(plot, svg, "Timeline", 800, timeline->records == 0 ? 200 : top + lanes.height + 54);
    if (timeline->records == 0) {
        plot_say_empty(svg, "no records");
        return;
    }
    time_buckets_widen(&timeline->buckets, PLOT_CELLS_LEAST);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < timeline->buckets.cells; k++)
            most = lane_of(timeline, i)[k] > most ? lane_of(timeline, i)[k] : most;
    draw_legend(svg, most);
    for (size_t i = 0; i < count; i++)
        svg_rect(svg, "lane", lanes.x, lanes.y + (double)i * lane_height + 2, lanes.width,
                 lane_height - 4);
    plot_time_axis(svg, lanes, &timeline->buckets);
    for (size_t i = 0; i < count; i++) {
        struct plot_area area = {lanes.x, lanes.y + (double)i * lane_height + 2, lanes.width,
                                 lane_height - 4};

        draw_lane(svg, area, timeline, i, most);
    }
    draw_flags(svg, lanes, timeline);
}

/* ---- with characters ---- */

static void list_flags(struct text *text, const struct timeline *timeline)
{
    for (size_t i = 0; i < timeline->flag_count && i < FLAGS_LISTED_MAX; i++) {
        plot_term_name(text, "", 0);
        text_string(text, "^ ");
        axis_show_time(text, timeline->flags[i].time_ns, timeline->buckets.width_ns);
        text_string(text, "  ");
        (void)utf8_show(text, timeline->flags[i].name, strlen(timeline->flags[i].name), 40);
        text_char(text, '\n');
    }
    if (timeline->flag_count > FLAGS_LISTED_MAX) {
        plot_term_name(text, "", 0);
        text_format(text, "and %zu more: flume DB mark list\n",
                    timeline->flag_count - FLAGS_LISTED_MAX);
    }
}

static void mark_flags(struct text *text, const struct timeline *timeline)
{
    size_t at = 0;

    plot_term_name(text, "bookmarks", strlen("bookmarks"));
    for (size_t i = 0; i < timeline->flag_count; i++) {
        size_t cell = (size_t)(timeline->flags[i].time_ns / timeline->buckets.width_ns -
                               timeline->buckets.base);

        for (; at < cell; at++)
            text_char(text, ' ');
        if (at == cell) {
            text_char(text, '^');
            at++;
        }
    }
    text_char(text, '\n');
}

static void draw_term(struct plot *plot)
{
    const struct timeline *timeline = plot->data;
    struct text *text = &plot->session->line;

    text_add(text, plot->what.data, plot->what.bytes);
    text_char(text, '\n');
    for (size_t i = 0; i < lane_count(timeline); i++) {
        const char *name;
        size_t bytes;

        name_of(timeline, i, &name, &bytes);
        plot_term_name(text, name, bytes);
        glyphs_lane(text, lane_of(timeline, i), timeline->buckets.cells);
        text_string(text, "  ");
        value_show_count(text, total_of(timeline, i));
        text_char(text, '\n');
    }
    if (timeline->flag_count != 0)
        mark_flags(text, timeline);
    if (timeline->records != 0) {
        plot_term_times(text, &timeline->buckets);
        list_flags(text, timeline);
        plot_term_name(text, "", 0);
        text_string(text, glyphs_lane_legend());
        text_char(text, '\n');
    }
    (void)session_emit_text(plot->session); /* A failure shows when stdout is flushed. */
}

const struct plot_form plot_timeline = {.name = "timeline",
                                        .needs_views = true,
                                        .data_bytes = sizeof(struct timeline),
                                        .gather = gather,
                                        .numbers = numbers,
                                        .draw = draw,
                                        .draw_term = draw_term,
                                        .release = release};
