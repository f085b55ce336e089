/*
 * clasts_fixture.h - made-up lists of chunks, a store of bodies in memory, and memory that is
 * counted.
 *
 * Clasts know only the hashes and sizes of chunks, so there are none.
 */
#ifndef FLUME_CLASTS_FIXTURE_H
#define FLUME_CLASTS_FIXTURE_H

#include "find_fixture.h"

#include "clasts.h"

enum { HASH = FLUME_HASH_BYTES, SMALL_MIN = 4096, SMALL_AVERAGE = 8192, SMALL_MAX = 16384 };

extern const struct chunking small_content, small_fixed;

/* Bodies by their hashes. */
struct stored {
    uint8_t *data;
    size_t bytes;
    uint8_t hash[HASH];
    unsigned level;
};

struct store {
    struct stored *bodies;
    size_t count, room;
    unsigned loads;
    size_t fails_at; /* The call of emit or load that fails; 0: none. */
    size_t calls;
    uint8_t root[HASH];
};

void store_clear(struct store *store);
/* Under the hash of what is stored, whatever it is. That hash, valid until the next put. */
const uint8_t *store_put(struct store *store, const void *data, size_t bytes, unsigned level);
struct stored *store_find(struct store *store, const uint8_t hash[HASH]);
/* For builders and readers: ctx is the store. */
int store_emit(void *ctx, const struct clasts_body *body);
int store_load(void *ctx, const uint8_t hash[HASH], const uint8_t **out_body,
               size_t *out_body_bytes);

/* What an allocator has given out. */
struct meter {
    size_t now, peak;
    size_t left; /* Allocations that are granted. */
};

flume_allocator metered(struct meter *meter);

void hash_of_chunk(uint64_t index, uint8_t out_hash[HASH]);
/* Sizes of chunks that a chunking may give; freed by the caller. */
uint32_t *sizes_of(const struct chunking *chunking, size_t count, uint64_t *io_seed);

struct clasts_builder *builder_for(const struct chunking *chunking, unsigned spread,
                                   struct store *store);
/* Build, and store the root as well. */
void build_list(struct store *store, const struct chunking *chunking, unsigned spread,
                const uint32_t *sizes, size_t count);

/* A reader of the store's root. */
int open_reader(struct store *store, struct clasts_reader **out_reader);
struct clasts_reader *reader_of(struct store *store);
/* The chunk that an offset is in. */
void expect_chunk(struct clasts_reader *reader, uint64_t offset, uint64_t index, uint64_t begin,
                  uint32_t bytes);

#endif
