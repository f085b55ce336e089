/*
 * run_graph_svg.c - `flume graph` as SVG, in layers (run_graph.h).
 *
 * A node's layer is the length of the longest way to it from below; smaller scopes stand higher.
 * Within a layer nodes are put near what they are joined to, in a few sweeps; a layer of many takes
 * several rows.
 */
#include <math.h>
#include <stdlib.h>

#include "plot.h"
#include "run_graph.h"

enum {
    BOX_WIDTH = 190,
    BOX_HEIGHT = 40,
    BOX_GAP = 20,
    ROW_GAP = 14,
    LAYER_GAP = 64,
    SIDE = 20,
    TOP = 70,
    BOTTOM = 20,
    WORDS_CELLS = 24,
    ADDED_CELLS = 26,
    CELL_WIDTH = 7,
    ROW_LEAST = 8, /* So many stand beside each other before a layer takes a second row. */
    SWEEPS = 6,
    EDGES_NAMED = 100, /* With more of them what they add is told where the pointer rests only. */
    WIDTH_LEAST = 480
};

/* Of the way from an edge's lower end. */
#define NAME_AT 0.62

struct placed {
    size_t node;
    size_t layer;
    double wanted; /* Where it would like to be, among those of its layer: 0 .. 1. */
    double x, y;   /* Upper left corner. */
};

struct layout {
    struct graphing *graphing;
    struct svg *svg;
    struct placed *list; /* By layer, then in order from the left. */
    size_t *place;       /* Of each node, in list. */
    size_t *layer_begin; /* In list; one more behind the last. */
    size_t layers;
    double width, height;
    bool failed;
};

/* ---- layers ---- */

static int compare_placed(const void *one, const void *other)
{
    const struct placed *a = one, *b = other;

    if (a->layer != b->layer)
        return a->layer < b->layer ? -1 : 1;
    if (a->wanted != b->wanted)
        return a->wanted < b->wanted ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

static void sort(struct layout *layout)
{
    size_t count = layout->graphing->nodes;

    qsort(layout->list, count, sizeof *layout->list, compare_placed);
    for (size_t i = 0; i < count; i++)
        layout->place[layout->list[i].node] = i;
}

/* Edges come in order of their lower ends, which are before their upper ends. */
static void find_layers(struct layout *layout)
{
    size_t count = layout->graphing->nodes;

    for (size_t i = 0; i < count; i++) {
        layout->list[i] = (struct placed){.node = i};
        layout->place[i] = i;
    }
    for (size_t i = 0; i < layout->graphing->edges; i++) {
        flume_graph_edge edge = graph_edge(layout->graphing, i);
        struct placed *upper = &layout->list[edge.upper];

        if (upper->layer <= layout->list[edge.lower].layer)
            upper->layer = layout->list[edge.lower].layer + 1;
    }
    for (size_t i = 0; i < count; i++)
        if (layout->list[i].layer >= layout->layers)
            layout->layers = layout->list[i].layer + 1;
    sort(layout);
    for (size_t i = 0, layer = 0; layer <= layout->layers; layer++) {
        while (i < count && layout->list[i].layer < layer)
            i++;
        layout->layer_begin[layer] = i;
    }
}

static double position(const struct layout *layout, size_t node)
{
    size_t at = layout->place[node], layer = layout->list[at].layer;
    size_t begin = layout->layer_begin[layer], count = layout->layer_begin[layer + 1] - begin;

    return ((double)(at - begin) + 0.5) / (double)count;
}

/* Each wants to stand in the middle of what it is joined to: below it, or above. */
static void sweep(struct layout *layout, bool upwards, double *sums, double *counts)
{
    size_t count = layout->graphing->nodes;

    for (size_t i = 0; i < count; i++)
        sums[i] = counts[i] = 0;
    for (size_t i = 0; i < layout->graphing->edges; i++) {
        flume_graph_edge edge = graph_edge(layout->graphing, i);
        size_t moved = upwards ? edge.lower : edge.upper, fixed = upwards ? edge.upper : edge.lower;

        sums[moved] += position(layout, fixed);
        counts[moved] += 1;
    }
    for (size_t i = 0; i < count; i++) {
        struct placed *placed = &layout->list[i];

        placed->wanted = counts[placed->node] > 0 ? sums[placed->node] / counts[placed->node]
                                                  : position(layout, placed->node);
    }
    sort(layout);
}

static bool order(struct layout *layout)
{
    double *sums = calloc(layout->graphing->nodes + 1, sizeof *sums);
    double *counts = calloc(layout->graphing->nodes + 1, sizeof *counts);

    for (unsigned i = 0; sums != NULL && counts != NULL && i < SWEEPS; i++)
        sweep(layout, i % 2 == 1, sums, counts);
    free(sums);
    free(counts);
    return sums != NULL && counts != NULL;
}

/* How many of a layer stand beside each other. */
static size_t row_length(size_t count)
{
    size_t wide = (size_t)ceil(sqrt((double)count) * 1.5);

    return count <= ROW_LEAST ? count : wide < ROW_LEAST ? ROW_LEAST : wide;
}

static void put_layer(struct layout *layout, size_t layer, double *io_y)
{
    size_t begin = layout->layer_begin[layer], end = layout->layer_begin[layer + 1];
    size_t length = row_length(end - begin);

    for (size_t i = begin; i < end; i++) {
        size_t row = (i - begin) / length, rest = end - begin - row * length;
        size_t in_row = rest < length ? rest : length;
        double row_width = (double)in_row * (BOX_WIDTH + BOX_GAP) - BOX_GAP;

        layout->list[i].x = (layout->width - row_width) / 2 +
                            (double)((i - begin) % length) * (BOX_WIDTH + BOX_GAP);
        layout->list[i].y = *io_y + (double)row * (BOX_HEIGHT + ROW_GAP);
    }
    *io_y = layout->list[end - 1].y + BOX_HEIGHT + LAYER_GAP;
}

static void put(struct layout *layout)
{
    double y = TOP;

    layout->width = WIDTH_LEAST;
    for (size_t i = 0; i < layout->layers; i++) {
        size_t count = layout->layer_begin[i + 1] - layout->layer_begin[i];
        double width = (double)row_length(count) * (BOX_WIDTH + BOX_GAP) - BOX_GAP + 2 * SIDE;

        layout->width = width > layout->width ? width : layout->width;
    }
    for (size_t i = 0; i < layout->layers; i++)
        put_layer(layout, i, &y);
    layout->height = layout->layers > 0 ? y - LAYER_GAP + BOTTOM : TOP + BOTTOM;
}

/* ---- drawing ---- */

/* On its line, which is not seen behind it. */
static void name_edge(struct layout *layout, double x, double y, const struct text *words)
{
    double width = svg_text_width(words->data, words->bytes);

    if (width > ADDED_CELLS * CELL_WIDTH)
        width = ADDED_CELLS * CELL_WIDTH;
    svg_rect(layout->svg, "bg", x - width / 2, y - 12, width, 16);
    svg_bytes(layout->svg, "soft", SVG_MIDDLE, x, y, words->data, words->bytes, ADDED_CELLS);
}

static void draw_edge(struct layout *layout, size_t index, struct text *words)
{
    struct graphing *graphing = layout->graphing;
    flume_graph_edge edge = graph_edge(graphing, index);
    const struct placed *lower = &layout->list[layout->place[edge.lower]],
                        *upper = &layout->list[layout->place[edge.upper]];
    double x1 = lower->x + BOX_WIDTH / 2.0, y1 = lower->y + BOX_HEIGHT;
    double x2 = upper->x + BOX_WIDTH / 2.0, y2 = upper->y;
    struct text share = {0};

    text_clear(words);
    if (!graph_add_added(graphing, words, &edge))
        layout->failed = true;
    graph_add_share(graphing, &share, &edge);
    if (share.bytes > 0)
        text_format(words, ": %s", text_c_string(&share));
    svg_group_begin(layout->svg, words->data, words->bytes);
    svg_line(layout->svg, "base", x1, y1, x2, y2);
    if (graphing->edges <= EDGES_NAMED)
        name_edge(layout, x1 + (x2 - x1) * NAME_AT, y1 + (y2 - y1) * NAME_AT, words);
    svg_group_end(layout->svg);
    text_deinit(&share);
}

static void draw_node(struct layout *layout, const struct placed *placed, struct text *words)
{
    struct graphing *graphing = layout->graphing;
    bool is_center = graphing->is_around && graphing->info.around == placed->node;
    struct text place = {0};

    text_clear(words);
    if (!graph_add_node(graphing, words, placed->node))
        layout->failed = true;
    graph_add_place(graphing, &place, placed->node);
    svg_group_begin(layout->svg, words->data, words->bytes);
    svg_rect(layout->svg, "lane", placed->x, placed->y, BOX_WIDTH, BOX_HEIGHT);
    svg_rect(layout->svg, is_center ? "two" : "one", placed->x, placed->y, 4, BOX_HEIGHT);
    svg_bytes(layout->svg, "", SVG_START, placed->x + 12, placed->y + 17, words->data, words->bytes,
              WORDS_CELLS);
    svg_bytes(layout->svg, "soft", SVG_START, placed->x + 12, placed->y + 33, place.data,
              place.bytes, WORDS_CELLS);
    svg_group_end(layout->svg);
    text_deinit(&place);
}

static void draw(struct layout *layout)
{
    struct text title = {0}, what = {0}, words = {0};

    text_format(&title, "%s: scopes within scopes",
                plot_basin_name(layout->graphing->scoping->session));
    graph_add_what(layout->graphing, &what);
    svg_begin(layout->svg, layout->width, layout->height, text_c_string(&title),
              text_c_string(&what));
    svg_text(layout->svg, "big", SVG_START, SIDE, 28, text_c_string(&title), 0);
    svg_text(layout->svg, "soft", SVG_START, SIDE, 48, text_c_string(&what), 0);
    for (size_t i = 0; i < layout->graphing->edges; i++)
        draw_edge(layout, i, &words);
    for (size_t i = 0; i < layout->graphing->nodes; i++)
        draw_node(layout, &layout->list[i], &words);
    svg_end(layout->svg);
    text_deinit(&title);
    text_deinit(&what);
    text_deinit(&words);
}

bool graph_svg(struct graphing *graphing, struct text *target)
{
    struct svg svg = {.width = 0};
    struct layout layout = {.graphing = graphing, .svg = &svg};
    bool good;

    layout.list = calloc(graphing->nodes + 1, sizeof *layout.list);
    layout.place = calloc(graphing->nodes + 1, sizeof *layout.place);
    layout.layer_begin = calloc(graphing->nodes + 2, sizeof *layout.layer_begin);
    good = layout.list != NULL && layout.place != NULL && layout.layer_begin != NULL;
    if (good) {
        find_layers(&layout);
        good = order(&layout);
    }
    if (good) {
        put(&layout);
        draw(&layout);
        text_add(target, svg.text.data, svg.text.bytes);
        good = !layout.failed && !svg.text.failed && !target->failed;
        svg_deinit(&svg);
    }
    free(layout.list);
    free(layout.place);
    free(layout.layer_begin);
    return good;
}
