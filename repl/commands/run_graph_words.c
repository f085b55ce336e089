/*
 * run_graph_words.c - what nodes and edges of `flume graph` are called (run_graph.h).
 */
#include <inttypes.h>
#include <string.h>

#include "run_graph.h"
#include "value.h"

#define LABEL_PREFIX "@label/"

/* What is shown of one value, and of how many keys. */
enum { VALUE_BYTES = 40, KEYS_SHOWN = 32 };

flume_graph_node graph_node(const struct graphing *graphing, size_t index)
{
    flume_graph_node node = {0};

    (void)flume_graph_node_at(graphing->graph, index, &node); /* Below graphing->nodes. */
    return node;
}

flume_graph_edge graph_edge(const struct graphing *graphing, size_t index)
{
    flume_graph_edge edge = {0};

    (void)flume_graph_edge_at(graphing->graph, index, &edge); /* Below graphing->edges. */
    return edge;
}

const char *graph_label_of(const char *key)
{
    size_t bytes = sizeof(LABEL_PREFIX) - 1;

    return strncmp(key, LABEL_PREFIX, bytes) == 0 ? key + bytes : NULL;
}

/* ---- numbers ---- */

void graph_add_count(struct text *target, uint64_t count, const char *one, const char *several)
{
    value_show_count(target, count);
    text_char(target, ' ');
    text_string(target, count == 1 ? one : several);
}

void graph_add_place(const struct graphing *graphing, struct text *target, size_t index)
{
    flume_graph_node node = graph_node(graphing, index);

    if (!graphing->by_scope) {
        graph_add_count(target, node.scopes, "scope", "scopes");
        text_string(target, "  ");
    }
    text_format(target, "@%" PRIu64, node.first_seq);
}

void graph_add_share(const struct graphing *graphing, struct text *target,
                     const flume_graph_edge *edge)
{
    uint64_t scopes = graph_node(graphing, edge->upper).scopes;

    if (graphing->by_scope || edge->scopes == scopes)
        return;
    value_show_count(target, edge->scopes);
    text_string(target, " of ");
    value_show_count(target, scopes);
}

void graph_add_what(const struct graphing *graphing, struct text *target)
{
    if (!graphing->by_scope) {
        graph_add_count(target, graphing->nodes, "shape", "shapes");
        text_string(target, ", ");
    }
    graph_add_count(target, graphing->info.scopes, "scope", "scopes");
    text_string(target, ", ");
    graph_add_count(target, graphing->edges, "cover", "covers");
}

/* ---- keys and values ---- */

/* Keys on their way into a text. */
struct wording {
    struct graphing *graphing;
    struct text *target;
    flume_scope *scope; /* NULL: keys without values. */
    const char *before; /* Each, but labels. */
    const char *between;
    bool are_labels; /* Which are wanted now. */
    size_t count;    /* So far. */
    bool failed;
};

static void add_value(struct wording *wording, const char *key)
{
    struct text value = {0};
    flume_variable variable;
    size_t kept;

    if (!flume_scope_get(wording->scope, key, &variable))
        return;
    if (!scope_row_value(wording->graphing->scoping, &value, &variable))
        wording->failed = true;
    kept = value.bytes;
    if (kept > VALUE_BYTES)
        for (kept = VALUE_BYTES; kept > 0 && (value.data[kept] & 0xc0) == 0x80;)
            kept--;
    text_char(wording->target, '=');
    text_add(wording->target, value.data, kept);
    text_string(wording->target, kept < value.bytes ? "..." : "");
    text_deinit(&value);
}

static void add_key(void *ctx, const char *key)
{
    struct wording *wording = ctx;
    const char *label = graph_label_of(key);

    if ((label != NULL) != wording->are_labels || wording->count++ >= KEYS_SHOWN)
        return;
    text_string(wording->target, wording->count > 1 ? wording->between : "");
    text_string(wording->target, wording->before);
    if (label != NULL) {
        text_format(wording->target, "[%s]", label);
        return;
    }
    text_string(wording->target, key);
    if (wording->scope != NULL)
        add_value(wording, key);
}

static void end_keys(struct wording *wording)
{
    if (wording->count > KEYS_SHOWN)
        text_format(wording->target, " and %zu more", wording->count - KEYS_SHOWN);
}

static void each_key(const flume_graph_node *node, graph_key_visit *visit, void *ctx)
{
    for (size_t i = 0; i < node->key_count; i++)
        visit(ctx, node->keys[i]);
}

void graph_each_added(const struct graphing *graphing, const flume_graph_edge *edge,
                      graph_key_visit *visit, void *ctx)
{
    flume_graph_node lower = graph_node(graphing, edge->lower);
    flume_graph_node upper = graph_node(graphing, edge->upper);
    size_t at = 0;

    for (size_t i = 0; i < upper.key_count; i++)
        if (at < lower.key_count && strcmp(lower.keys[at], upper.keys[i]) == 0)
            at++;
        else
            visit(ctx, upper.keys[i]);
}

/* The values of a node that is a scope. False: they cannot be read. */
static bool read_values(struct wording *wording, const flume_graph_node *node)
{
    return !wording->graphing->by_scope ||
           flume_scope_read(wording->graphing->scoping->session->flume, node->first_seq,
                            &wording->scope) == FLUME_OK;
}

bool graph_add_node(struct graphing *graphing, struct text *target, size_t index)
{
    flume_graph_node node = graph_node(graphing, index);
    struct wording wording = {.graphing = graphing,
                              .target = target,
                              .before = "",
                              .between = graphing->by_scope ? " " : ", "};
    size_t keys;

    if (!read_values(&wording, &node))
        return false;
    each_key(&node, add_key, &wording);
    end_keys(&wording);
    keys = wording.count;
    wording.are_labels = true;
    wording.between = " ";
    wording.before = "";
    wording.count = keys > 0 ? 1 : 0; /* A blank before the first one, too. */
    each_key(&node, add_key, &wording);
    end_keys(&wording);
    flume_scope_destroy(wording.scope);
    return !wording.failed && !target->failed;
}

bool graph_add_added(struct graphing *graphing, struct text *target, const flume_graph_edge *edge)
{
    flume_graph_node upper = graph_node(graphing, edge->upper);
    struct wording wording = {
        .graphing = graphing, .target = target, .before = "+", .between = " "};

    if (!read_values(&wording, &upper))
        return false;
    graph_each_added(graphing, edge, add_key, &wording);
    wording.are_labels = true;
    graph_each_added(graphing, edge, add_key, &wording);
    end_keys(&wording);
    flume_scope_destroy(wording.scope);
    return !wording.failed && !target->failed;
}
