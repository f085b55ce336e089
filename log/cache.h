/*
 * cache.h - a bounded cache of what reading sealed strata needs again: unpacked blocks, block
 * indexes, labels, open files.
 *
 * Items are counted (held.h): one that is given out stays as it is until it is let go, whether or
 * not it is still in the cache. So the bound is on what nobody uses.
 *
 * What always holds:
 *   - An item never changes once it is in the cache.
 *   - The bytes of all items in the cache are at most its capacity.
 *   - A lookup takes one mutex of a few and no memory; nothing is loaded or freed under it.
 */
#ifndef FLUME_CACHE_H
#define FLUME_CACHE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "held.h"
#include "memory.h"

enum { CACHE_SHARDS = 4, CACHE_BUCKETS = 1024 };

/* Which thing of which strata. */
struct cache_key {
    uint64_t strata; /* A number that no other strata of the handle ever has. */
    uint32_t kind;   /* enum sealed_item, for whoever uses the cache. */
    uint32_t index;
};

/* The first member of an item. Guarded by the shard's mutex once it is in the cache. */
struct cache_item {
    struct held held;
    struct cache_key key;
    size_t bytes; /* What it counts for. Fixed. */
    struct cache_item *next_in_bucket;
    struct cache_item *newer, *older; /* In order of use. */
};

struct cache_shard {
    pthread_mutex_t mutex;
    struct cache_item *buckets[CACHE_BUCKETS];
    struct cache_item *newest, *oldest;
    size_t bytes;
    uint64_t hits, misses;
};

struct cache {
    size_t shard_bytes_max;
    struct cache_shard shards[CACHE_SHARDS];
};

/* How an item goes in: at the end that is dropped last, or first (who reads on and on comes by but
 * once). */
enum cache_end { CACHE_KEEP = 0, CACHE_PASSING = 1 };

/* NULL: no memory. */
struct cache *cache_create(const flume_allocator *allocator, size_t bytes_max);

/* Let go of everything in it. NULL is harmless. */
void cache_destroy(const flume_allocator *allocator, struct cache *cache);

/* The item of a key, held for the caller, or NULL. */
struct cache_item *cache_get(struct cache *cache, const struct cache_key *key);

/*
 * Put in an item that the caller has made and holds; its key and bytes are set. If another thread
 * was first, that one's item comes back, held for the caller, and the given one is let go. An item
 * larger than a shard stays out of the cache, and is the caller's alone.
 */
struct cache_item *cache_put(struct cache *cache, struct cache_item *item, enum cache_end end);

/* How often cache_get() found something, and did not. */
void cache_count(struct cache *cache, uint64_t *out_hits, uint64_t *out_misses);

#endif
