/*
 * run_graph_tree.c - `flume graph` as a tree (run_graph.h).
 *
 * At the left stands what nothing lies within; below each node what covers it, with what that adds.
 * What covers several stands below each of them, and what covers it in turn below the first alone.
 */
#include <stdlib.h>

#include "run_graph.h"
#include "utf8.h"

enum { STEP_CELLS = 3, GAP_CELLS = 2, WORDS_LEAST = 12, PREFIX_MOST = 90 };

/* The covers of one node that are still to be shown. */
struct level {
    size_t edge, end;
};

struct drawing {
    struct graphing *graphing;
    struct text *target;
    const char *more, *last, *line, *dots;
    struct level *levels; /* One for each node on the way from the root. */
    size_t depth;
    size_t *first_edge; /* Of each node; one more behind the last. */
    bool *is_shown, *has_lower;
    bool failed;
};

static void take_glyphs(struct drawing *drawing)
{
    bool utf8 = utf8_locale();

    drawing->more = utf8 ? "\xE2\x94\x9C\xE2\x94\x80 " : "|- ";
    drawing->last = utf8 ? "\xE2\x94\x94\xE2\x94\x80 " : "`- ";
    drawing->line = utf8 ? "\xE2\x94\x82  " : "|  ";
    drawing->dots = utf8 ? "\xE2\x80\xA6" : "...";
}

static bool begin(struct drawing *drawing)
{
    const struct graphing *graphing = drawing->graphing;
    size_t at = 0;

    drawing->levels = calloc(graphing->nodes + 1, sizeof *drawing->levels);
    drawing->first_edge = calloc(graphing->nodes + 1, sizeof *drawing->first_edge);
    drawing->is_shown = calloc(graphing->nodes + 1, sizeof *drawing->is_shown);
    drawing->has_lower = calloc(graphing->nodes + 1, sizeof *drawing->has_lower);
    if (drawing->levels == NULL || drawing->first_edge == NULL || drawing->is_shown == NULL ||
        drawing->has_lower == NULL)
        return false;
    for (size_t node = 0; node <= graphing->nodes; node++) {
        while (at < graphing->edges && graph_edge(graphing, at).lower < node)
            at++;
        drawing->first_edge[node] = at;
    }
    for (size_t i = 0; i < graphing->edges; i++)
        drawing->has_lower[graph_edge(graphing, i).upper] = true;
    take_glyphs(drawing);
    return true;
}

static void end(struct drawing *drawing)
{
    free(drawing->levels);
    free(drawing->first_edge);
    free(drawing->is_shown);
    free(drawing->has_lower);
}

/* Where people look: so wide; 0: nothing is cut. */
static size_t width_of(const struct drawing *drawing)
{
    const struct session *session = drawing->graphing->scoping->session;

    return session->out_terminal ? session->width : 0;
}

/* What joins a line to those above it. Where it would fill the screen a number says how deep it
 * is. */
static size_t add_prefix(struct drawing *drawing, struct text *line)
{
    size_t width = width_of(drawing), cells = drawing->depth * STEP_CELLS;
    size_t most = width > 0 ? width / 2 : PREFIX_MOST;

    if (cells > most) {
        size_t before = line->bytes;

        text_format(line, "(%zu) ", drawing->depth);
        cells = line->bytes - before;
    } else {
        for (size_t i = 0; i + 1 < drawing->depth; i++)
            text_string(line,
                        drawing->levels[i].edge < drawing->levels[i].end ? drawing->line : "   ");
    }
    if (cells <= most && drawing->depth > 0) {
        const struct level *own = &drawing->levels[drawing->depth - 1];

        text_string(line, own->edge < own->end ? drawing->more : drawing->last);
    }
    return cells;
}

/* "  1,200 scopes  @17", and what there is to say besides. */
static void add_tail(struct drawing *drawing, struct text *tail, size_t node,
                     const flume_graph_edge *edge, bool is_again)
{
    const struct graphing *graphing = drawing->graphing;
    struct text share = {0};

    text_string(tail, "  ");
    if (edge != NULL)
        graph_add_share(graphing, &share, edge);
    if (share.bytes > 0)
        text_format(tail, "%s extend  ", text_c_string(&share));
    graph_add_place(graphing, tail, node);
    if (graphing->is_around && graphing->info.around == node)
        text_string(tail, "  this one");
    if (is_again)
        text_format(tail, "  as above");
    text_deinit(&share);
}

static void add_line(struct drawing *drawing, size_t node, const flume_graph_edge *edge)
{
    bool is_again = drawing->is_shown[node] &&
                    drawing->first_edge[node] < drawing->first_edge[node + 1];
    struct text words = {0}, tail = {0};
    size_t cells = add_prefix(drawing, drawing->target), width = width_of(drawing), room = 0;

    drawing->failed = drawing->failed ||
                      !(edge != NULL ? graph_add_added(drawing->graphing, &words, edge)
                                     : graph_add_node(drawing->graphing, &words, node));
    add_tail(drawing, &tail, node, edge, is_again);
    if (width > 0)
        room = width > cells + tail.bytes + WORDS_LEAST ? width - cells - tail.bytes : WORDS_LEAST;
    (void)utf8_show(drawing->target, words.data, words.bytes, room);
    text_add(drawing->target, tail.data, tail.bytes);
    text_char(drawing->target, '\n');
    text_deinit(&words);
    text_deinit(&tail);
}

/* Go on with what covers a node, unless that was shown. */
static void descend(struct drawing *drawing, size_t node)
{
    if (drawing->is_shown[node])
        return;
    drawing->is_shown[node] = true;
    drawing->levels[drawing->depth++] =
        (struct level){drawing->first_edge[node], drawing->first_edge[node + 1]};
}

static void draw_from(struct drawing *drawing, size_t root)
{
    add_line(drawing, root, NULL);
    descend(drawing, root);
    while (drawing->depth > 0) {
        struct level *level = &drawing->levels[drawing->depth - 1];
        flume_graph_edge edge;

        if (level->edge == level->end) {
            drawing->depth--;
            continue;
        }
        edge = graph_edge(drawing->graphing, level->edge++);
        add_line(drawing, edge.upper, &edge);
        descend(drawing, edge.upper);
    }
}

bool graph_tree(struct graphing *graphing, struct text *target)
{
    struct drawing drawing = {.graphing = graphing, .target = target};
    bool good = begin(&drawing);

    for (size_t i = 0; good && i < graphing->nodes; i++)
        if (!drawing.has_lower[i])
            draw_from(&drawing, i);
    good = good && !drawing.failed && !target->failed;
    end(&drawing);
    return good;
}
