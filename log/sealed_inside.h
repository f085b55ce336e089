/*
 * sealed_inside.h - what the modules that read sealed strata share.
 */
#ifndef FLUME_SEALED_INSIDE_H
#define FLUME_SEALED_INSIDE_H

#include "sealed.h"

/* Where the blocks of a strata are. */
struct block_index {
    struct cache_item item;
    flume_allocator allocator;
    uint32_t count;
    bool is_found; /* Not read, but gathered from the blocks: some may be missing. */
    struct sealed_block_entry entries[]; /* In order. */
};

/* The handle's cache, made on first use. NULL: no memory. */
struct cache *sealed_cache(flume_log *log);

/* The same where a sealed strata is open: the footer page of each is read through it. */
struct cache *sealed_cache_made(flume_log *log);

/* The strata's block index, held for the caller. */
int sealed_index(flume_log *log, struct strata *strata, struct block_index **out_index);

/* Gather the index from the blocks, where it does not read: in memory of the handle's allocator. */
int sealed_scan(flume_log *log, struct strata *strata, struct block_index **out_index);

/* An index with room for so many blocks; NULL: no memory. */
struct block_index *block_index_create(flume_log *log, const struct strata *strata, size_t room);

#endif
