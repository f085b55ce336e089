/*
 * overlay_map.h - the tables of an overlay: in memory, growing, no single row is taken out of them.
 *
 * Pointers into a table are valid until something is put into it.
 */
#ifndef VIEWS_SCOPES_OVERLAY_MAP_H
#define VIEWS_SCOPES_OVERLAY_MAP_H

#include "containment.h"

/* ---- by fingerprint ---- */

struct pairs_slot {
    struct fingerprint key;
    struct containment_entry entry;
};

/* Starts as all zero. A slot whose key is all zero is empty: no scope has that fingerprint but the
 * empty one, which is kept apart. */
struct pairs_map {
    struct pairs_slot *slots;
    size_t count, capacity;
    struct pairs_slot zero;
    bool has_zero;
};

/* What a row of a large table takes at most; while the table grows, for a moment, twice that. */
enum { PAIRS_ROW_BYTES_MAX = 64 };

void pairs_map_deinit(struct pairs_map *map);
/** Nothing is in it any more. Memory is kept if it is little. */
void pairs_map_clear(struct pairs_map *map);
/** All that is in it, in order of the keys; freed with free(). NULL: no memory. */
struct pairs_slot *pairs_map_sorted(const struct pairs_map *map, size_t *out_count);
/** Ask for the memory that pairs_map_find() will look at. */
void pairs_map_prefetch(const struct pairs_map *map, struct fingerprint key);
/** NULL: there is none. */
struct containment_entry *pairs_map_find(struct pairs_map *map, struct fingerprint key);
/** @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
int pairs_map_put(struct pairs_map *map, struct fingerprint key,
                  const struct containment_entry *entry);

/* ---- by token ---- */

struct list_slot {
    uint64_t token;
    struct wild_entry *entries;
    uint32_t count, capacity; /* capacity 0: the slot is empty. */
};

struct list_map {
    struct list_slot *slots;
    size_t count, capacity;
};

void list_map_deinit(struct list_map *map);
/** NULL: there is none. */
const struct list_slot *list_map_find(const struct list_map *map, uint64_t token);
/** @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
int list_map_add(struct list_map *map, uint64_t token, const struct wild_entry *entry);

#endif
