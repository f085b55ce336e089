/*
 * lattice.h - which of many scopes lie within which, with none between.
 *
 * Whatever lies within a scope is the projection of it onto a smaller shape. So scopes are added
 * first, and are found by their fingerprints; then each is told again, projected onto every shape
 * that lies within its own, and of the projections that are scopes the largest ones are what it
 * covers.
 *
 * What always holds:
 *   - What was added and did not fit was counted, and has no part in anything.
 *   - A shape's `within` are all others whose keys lie within its own, the largest first: known
 *     from lattice_settle() on.
 */
#ifndef VIEWS_SCOPES_LATTICE_H
#define VIEWS_SCOPES_LATTICE_H

#include "flume/scope_graph.h"
#include "tokens.h"

struct lattice_shape {
    struct fingerprint fingerprint;
    uint64_t signature; /* Of the keys. */
    uint64_t *keys;     /* Their hashes, sorted; */
    uint32_t *places;   /* and where each stands in a scope. */
    uint32_t key_count;
    char *text;         /* Names, each with its NUL. */
    const char **names; /* In byte order. */
    uint32_t node;      /* By shape. */
    uint32_t *within;   /* Shapes. */
    uint64_t *covered;  /* By shape: how many of its scopes cover one of each of these. */
    uint32_t within_count;
    uint64_t stamp; /* While a scope is related: it lies within one that is covered. */
};

struct lattice_node {
    uint32_t shape;
    uint64_t scopes, first_seq, last_seq;
};

/* What has a fingerprint. Slots whose seq is FLUME_SEQ_NONE are empty. */
struct lattice_slot {
    struct fingerprint key;
    uint64_t seq;
    uint32_t node;
};

struct lattice_map {
    struct lattice_slot *slots;
    size_t count, capacity; /* A power of two, or 0. */
};

struct lattice {
    enum flume_graph_by by;
    size_t nodes_max;
    struct lattice_shape *shapes;
    size_t shape_count, shape_capacity, key_count;
    struct lattice_node *nodes;
    size_t node_count, node_capacity;
    flume_graph_edge *edges;
    size_t edge_count, edge_capacity;
    struct lattice_map scopes;      /* By fingerprint. */
    struct lattice_map by_shape;    /* Shapes, by theirs; node is the shape's number. */
    struct lattice_map left_shapes; /* Those that did not fit. */
    uint64_t related;               /* Scopes so far: the next stamp. */
    flume_graph_info info;
};

/** Starts as all zero but by and nodes_max. After this it is so again. */
void lattice_deinit(struct lattice *lattice);

/** Add a scope. @return FLUME_OK, also if it does not fit; FLUME_ERR_NO_MEMORY. */
int lattice_add(struct lattice *lattice, const struct scope_tokens *tokens,
                const struct scope_pairs *pairs, uint64_t seq);

/** Whether whatever is added from here on is left out: nodes are scopes, and there are enough. */
static inline bool lattice_is_full(const struct lattice *lattice)
{
    return lattice->by == FLUME_GRAPH_BY_SCOPE && lattice->node_count == lattice->nodes_max;
}

/** All are added. @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
int lattice_settle(struct lattice *lattice);

/** Whether any scope can lie within another: else none need be told again. Settled. */
bool lattice_has_relations(const struct lattice *lattice);

/** Find what a scope that was added covers. Another record of the same scope does nothing.
 * Settled. */
int lattice_relate(struct lattice *lattice, const struct scope_tokens *tokens, uint64_t seq);

/** All are related: put nodes and edges in order. @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
int lattice_finish(struct lattice *lattice);

/** The node of a scope that was added; false: there is none. */
bool lattice_find(const struct lattice *lattice, struct fingerprint fingerprint, size_t *out_node);

#endif
