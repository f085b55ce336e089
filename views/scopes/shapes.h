/*
 * shapes.h - the sets of keys that scopes have, and which of them lie within which.
 *
 * A program has few shapes, whatever the number of its scopes. A tracked one knows all tracked
 * shapes that lie within it, and where in a scope their keys stand. There is a bound on all of
 * this: who makes keys out of data has as many shapes as scopes, and those beyond the bound are not
 * tracked (wild).
 *
 * What always holds:
 *   - Whether a shape can be tracked follows from the tracked ones before it alone.
 *   - Shapes are numbered in the order in which they were added, and none goes.
 */
#ifndef VIEWS_SCOPES_SHAPES_H
#define VIEWS_SCOPES_SHAPES_H

#include "tokens.h"

enum {
    SHAPES_MAX = 1024,
    SHAPE_PARTS_MAX = 64,        /* Of one shape: tracked ones that lie strictly within it. */
    SHAPES_NUMBERS_MAX = 1 << 23 /* Keys of all of them, and places of keys in parts. */
};

enum shape_flags {
    SHAPE_LISTED = 1,    /* Some wild scope's keys lie within: its scopes have postings. */
    SHAPE_WILD_ABOVE = 2 /* Some wild scope's keys contain it. */
};

/* A shape within another one. */
struct shape_part {
    uint32_t shape;
    uint32_t place_count;
    bool is_missing;  /* The places are those of the keys that the part has not. */
    uint32_t *places; /* In the order of the scope's pairs. */
};

struct shape {
    uint32_t number; /* Among the tracked ones. */
    struct fingerprint fingerprint;
    uint64_t signature; /* Of the keys. */
    uint64_t first_seq; /* Of the scope that brought it. */
    unsigned flags;     /* enum shape_flags. */
    uint32_t key_count;
    uint64_t *keys;   /* In the order of the scope's pairs. */
    uint64_t *sorted; /* The same, by number, and */
    uint32_t *places; /* where each of those stands in a scope. */
    uint32_t part_count;
    struct shape_part parts[SHAPE_PARTS_MAX]; /* The largest first. */
};

struct shapes {
    struct shape **list;
    size_t count, capacity;
    size_t numbers;  /* Of SHAPES_NUMBERS_MAX. */
    uint16_t *index; /* By fingerprint: number + 1; 0: nothing. */
};

/** Starts as all zero. After this it is so again. */
void shapes_deinit(struct shapes *shapes);

/** The tracked shape with a fingerprint, or NULL. */
struct shape *shapes_find(const struct shapes *shapes, struct fingerprint fingerprint);

/** Whether the keys of one lie within those of the other. */
bool shape_is_within(const struct shape *one, const struct shape *other);

/**
 * Make a shape that is not tracked, to be compared with those that are.
 *
 * @param keys  In the order of a scope's pairs. Copied.
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY.
 */
int shape_create(const uint64_t *keys, size_t count, uint64_t first_seq, struct shape **out_shape);
/** NULL is harmless. */
void shape_destroy(struct shape *shape);

/**
 * Track a shape.
 *
 * @param shape  Of shape_create(). Taken over on FLUME_OK alone.
 * @return FLUME_OK; FLUME_ERR_FULL: some bound forbids it, and nothing has changed;
 *         FLUME_ERR_NO_MEMORY.
 */
int shapes_track(struct shapes *shapes, struct shape *shape);

/** The sum of the tokens of a scope that belong to a part of its shape. */
struct fingerprint shape_project(const struct shape_part *part, const struct scope_tokens *tokens);

/** The same for a shape that lies within that of the scope, whose keys are not sorted. False: it
 * does not lie within. */
bool shape_project_any(const struct shape *part, const struct shape *whole,
                       const struct scope_tokens *tokens, struct fingerprint *out_sum);

#endif
