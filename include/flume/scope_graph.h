/*
 * scope_graph.h - how the scopes of a basin lie within each other, as a graph.
 *
 * An edge is a cover: one scope lies strictly within another, with the same values, and none of
 * those that are looked at lies between them. From these edges all of containment follows.
 *
 *   flume_graph *graph;
 *   flume_graph_create(&graph, flume, NULL);
 *   for (size_t i = 0; i < flume_graph_edge_count(graph); i++) {
 *       flume_graph_edge_at(graph, i, &edge);
 *       ...
 *   }
 *   flume_graph_destroy(graph);
 *
 * The nodes are shapes, sets of keys: a program has few of them, whatever the number of its scopes.
 * Or they are scopes: the first ones, or those around one of them, which is all that lies within it
 * and all that it lies within. A scope that was stored twice (fast mode) is one. Scopes without
 * variables lie in nothing and nothing lies within them: they are not in the graph.
 *
 * It is made from the log alone, read twice where scopes of several shapes are compared; no view is
 * asked. Scopes are told apart and found within each other by fingerprints of 128 bits, keyed by
 * the basin.
 *
 * Threads: flume_graph_create() as other questions to a flume; a graph may be read by several at
 * once.
 */
#ifndef FLUME_SCOPE_GRAPH_H
#define FLUME_SCOPE_GRAPH_H

#include "flume/view.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flume_graph flume_graph;

enum {
    FLUME_GRAPH_NODES_USUAL = 1000,
    FLUME_GRAPH_NODES_MAX = 10000,
    FLUME_GRAPH_KEYS_MAX = 1 << 22,   /* Of all shapes together. */
    FLUME_GRAPH_SCOPES_MAX = 1 << 22, /* That are compared: about 50 bytes of memory each. */
    FLUME_GRAPH_EDGES_MAX = 1 << 20
};

enum flume_graph_by { FLUME_GRAPH_BY_SHAPE = 0, FLUME_GRAPH_BY_SCOPE = 1 };

/* All zero: the shapes of all scopes. Everything is borrowed for the call. */
typedef struct flume_graph_options {
    enum flume_graph_by by;
    bool is_around;      /* Only scopes around one (BY_SCOPE): */
    uint64_t around_seq; /* its record, or a link to it. It is there whatever the next four say. */
    uint64_t gte_seq;    /* Only records from here on, */
    uint64_t lt_seq;     /* and before this. 0: up to the head. */
    const char *const *labels; /* Only scopes with one of these; none: all. */
    size_t label_count;
    /* 0: FLUME_GRAPH_NODES_USUAL. Those that came first; around a scope, those that differ from it
     * in the fewest keys. */
    size_t nodes_max;
    /* give_up, which is asked often; and FLUME_ASK_AS_OF: nothing from there on. */
    flume_ask ask;
    /* NULL, or called as often, on the calling thread, with how far it has come: in records, of as
     * many as are there to be looked at, twice if need be. total stays the same; done only rises,
     * and need not come to it. */
    void (*progress)(void *progress_ctx, uint64_t done, uint64_t total);
    void *progress_ctx;
} flume_graph_options;

/* Valid as long as the graph. Nodes are in order of the number of their keys, then of first_seq. */
typedef struct flume_graph_node {
    const char *const *keys; /* In byte order; labels as "@label/TEXT". */
    size_t key_count;
    uint64_t scopes;              /* Distinct ones; 1 if nodes are scopes. */
    uint64_t first_seq, last_seq; /* The first scope's record, and the last's. */
} flume_graph_node;

/* In order of lower, then upper. */
typedef struct flume_graph_edge {
    size_t lower, upper; /* Nodes; lower < upper. */
    uint64_t scopes; /* So many scopes of upper have one of lower within them, with none between. */
} flume_graph_edge;

/* What was looked at, and what was not. */
typedef struct flume_graph_info {
    uint64_t scopes;            /* In the graph. */
    uint64_t scopes_left_out;   /* Not in it, beyond nodes_max or the other bounds ... */
    uint64_t shapes_left_out;   /* ... and of how many other shapes (BY_SHAPE). */
    uint64_t without_variables; /* Records of scopes that have none. */
    uint64_t edges_left_out;    /* Beyond FLUME_GRAPH_EDGES_MAX. */
    /* Damaged or lost records that were passed over, and scopes that are stored as how they differ
     * from one of these. */
    uint64_t unreadable;
    size_t around; /* The node of around_seq. */
} flume_graph_info;

/**
 * Look at scopes and make their graph.
 *
 * @param options  NULL: the shapes of all scopes.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (around_seq is no scope), FLUME_ERR_INVALID (options:
 *         around a scope, but by shape; nodes_max), FLUME_ERR_CANCELLED (ask.give_up),
 *         FLUME_ERR_NO_MEMORY, or as flume_cursor_next().
 */
FLUME_API int flume_graph_create(flume_graph **out_graph, flume *flume,
                                 const flume_graph_options *options);
/** NULL is harmless. */
FLUME_API void flume_graph_destroy(flume_graph *graph);

FLUME_API void flume_graph_info_of(const flume_graph *graph, flume_graph_info *out_info);
FLUME_API size_t flume_graph_node_count(const flume_graph *graph);
/** @return false: there is none at this index. */
FLUME_API bool flume_graph_node_at(const flume_graph *graph, size_t index,
                                   flume_graph_node *out_node);
FLUME_API size_t flume_graph_edge_count(const flume_graph *graph);
FLUME_API bool flume_graph_edge_at(const flume_graph *graph, size_t index,
                                   flume_graph_edge *out_edge);

#ifdef __cplusplus
}
#endif
#endif
