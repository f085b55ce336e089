/*
 * run_graph.h - `flume graph`: the forms in which it is shown, and what they share.
 */
#ifndef REPL_RUN_GRAPH_H
#define REPL_RUN_GRAPH_H

#include "flume/scope_graph.h"
#include "scope_forms.h"

struct graphing {
    struct scoping *scoping;
    flume_graph *graph;
    flume_graph_info info;
    size_t nodes, edges;
    bool by_scope;
    bool is_around;
    struct progress progress; /* While it is made: */
    uint64_t done, total;     /* records, as the library counts them. */
};

/* Each adds the whole of it. False without memory. */
bool graph_tree(struct graphing *graphing, struct text *target);
bool graph_dot(struct graphing *graphing, struct text *target);
bool graph_svg(struct graphing *graphing, struct text *target);

/* ---- run_graph_words.c ---- */

flume_graph_node graph_node(const struct graphing *graphing, size_t index);
flume_graph_edge graph_edge(const struct graphing *graphing, size_t index);

/** What a node is: "eps, n [sweep]", or "eps=0.1 n=100 [sweep]". Any bytes: not escaped. */
bool graph_add_node(struct graphing *graphing, struct text *target, size_t index);
/** What an edge adds: "+eps", or "+eps=0.1". Likewise. */
bool graph_add_added(struct graphing *graphing, struct text *target, const flume_graph_edge *edge);

/** "1,200 scopes  @17"; of a single scope "@17". */
void graph_add_place(const struct graphing *graphing, struct text *target, size_t index);
/** "380 of 400"; nothing where it is all of them, or where nodes are scopes. */
void graph_add_share(const struct graphing *graphing, struct text *target,
                     const flume_graph_edge *edge);

/** "3 shapes, 1,200 scopes, 2 covers". */
void graph_add_what(const struct graphing *graphing, struct text *target);

/** "1,200 scopes": so many of these, of which one is called so and several so. */
void graph_add_count(struct text *target, uint64_t count, const char *one, const char *several);

typedef void graph_key_visit(void *ctx, const char *key);
/** The keys that the upper node of an edge has and the lower has not, in byte order. */
void graph_each_added(const struct graphing *graphing, const flume_graph_edge *edge,
                      graph_key_visit *visit, void *ctx);
/** The label that a key stands for, or NULL. */
const char *graph_label_of(const char *key);

#endif
