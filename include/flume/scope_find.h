/*
 * scope_find.h - asking which scopes a basin has (scope.h, recorder.h).
 */
#ifndef FLUME_SCOPE_FIND_H
#define FLUME_SCOPE_FIND_H

#include "flume/scope.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A scope and its commits, those that a link counts among them. */
typedef struct flume_scope_info {
    uint64_t first_seq; /* The record that was the first of it ... */
    uint64_t last_seq;  /* ... and the last; it may be a link. */
    uint64_t count;     /* Commits. */
    uint64_t last_time_ns;
} flume_scope_info;

/** The commits of a scope, by flume_scope_id().
 * @param ask  As of when, and how long it may wait for the view "scope". NULL: defaults.
 * @return FLUME_OK, FLUME_ERR_NOT_FOUND, or as flume_view_wait(). */
FLUME_API int flume_scope_find_id(flume *flume, const flume_ask *ask,
                                  const uint8_t id[FLUME_HASH_BYTES], flume_scope_info *out_info);

/* What scopes look like as a whole. */
typedef struct flume_scope_counts {
    uint64_t scopes; /* Distinct ones. */
    /* Sets of keys (labels are keys, too) for which containment is one look each. */
    uint64_t shapes;
    /* Sets of keys beyond those that can be tracked: keys that are made out of data. Containment is
     * exact, but slower, where they are concerned: a recorder that brings some warns of it once
     * (flume_log_options.log). */
    uint64_t wild_shapes;
    uint64_t wild_scopes; /* Distinct scopes with such keys. */
} flume_scope_counts;

/** Counts of the views "scope" and "superset". @return FLUME_OK, or as flume_view_wait(). */
FLUME_API int flume_scope_count_all(flume *flume, const flume_ask *ask,
                                    flume_scope_counts *out_counts);

#ifdef __cplusplus
}
#endif
#endif
