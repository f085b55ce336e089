/*
 * hash_prefix.h - finding by the beginning of a hash, in any view whose first table has keys of a
 * whole hash and a seq. (Those of the view "hash" have but its first bytes: hash_lookup.h.)
 */
#ifndef VIEWS_HASH_PREFIX_H
#define VIEWS_HASH_PREFIX_H

#include "flume/find.h"

struct hash_prefix_table {
    const char *view; /* Its first table is meant. */
    const char *what; /* Has the hash: "body". */
};

/** As flume_hash_find_prefix(). */
int hash_prefix_find(flume *handle, const struct hash_prefix_table *table, const flume_ask *ask,
                     const char *digits, flume_hash_candidate *out_candidates, size_t max,
                     size_t *out_count);

#endif
