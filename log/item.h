/*
 * item.h - a record on its way into the log: checked, its meta encoded, its payload hashed.
 *
 * All of this happens before the append mutex is taken: it touches all of the caller's
 * memory outside it, and under the lock only the header check and the copy remain.
 */
#ifndef FLUME_ITEM_H
#define FLUME_ITEM_H

#include "grain.h"
#include "handle.h"

struct item {
    const uint8_t *meta; /* Without witness. */
    const void *body;
    uint64_t payload_hash;
    uint64_t time_ns;
    uint64_t needs; /* Of the second log; 0: nothing. */
    uint32_t body_bytes;
    uint16_t meta_bytes;
    uint8_t kind;
    uint8_t flags;
};

/* Bytes that an entry's meta will take; or FLUME_ERR_INVALID, FLUME_ERR_TOO_LARGE with detail. */
int64_t item_meta_bytes(flume_log *log, const flume_entry *entry);

/* The moment of an append: the clock is read once for all of its records. All zero: not read
 * yet. */
struct item_moment {
    uint64_t wall_ns;
    int64_t step_ns; /* How far the clock has jumped; the first record that uses it tells. */
};

/* Encode meta into `meta` (item_meta_bytes() of space, and ITEM_CLOCK_STEP_BYTES), hash, stamp. */
void item_make(flume_log *log, const flume_entry *entry, struct item_moment *moment, uint8_t *meta,
               struct item *out_item);

enum { ITEM_CLOCK_STEP_BYTES = 10 }; /* What item_make() may add where the clock has jumped. */

#endif
