/*
 * seal_index.h - the grain index of a strata that is being sealed: collected, sorted, written.
 *
 * 12 bytes a record in memory. Sorted in place: first into the buckets that the fan-out has
 * anyway, then each bucket, of which an ordinary one has about 16 entries.
 */
#ifndef FLUME_SEAL_INDEX_H
#define FLUME_SEAL_INDEX_H

#include "seal_output.h"

struct seal_index_entry {
    uint32_t high, low; /* A hash's first 8 bytes as a big-endian number. */
    uint32_t ordinal;
};

struct seal_index {
    struct seal_index_entry *entries;
    uint32_t count, capacity;
};

/* At most `capacity` entries. false: no memory. */
bool seal_index_begin(const flume_allocator *allocator, uint32_t capacity,
                      struct seal_index *out_index);
void seal_index_end(const flume_allocator *allocator, struct seal_index *index);

/* Room for one entry more. false: no memory. */
bool seal_index_grow(const flume_allocator *allocator, struct seal_index *index);

/* Ordinals rise. */
void seal_index_add(struct seal_index *index, const uint8_t *hash, uint32_t ordinal);

/* Sort, and write the section's bytes. FLUME_OK, FLUME_ERR_NO_MEMORY, or what writing answers. */
int seal_index_write(struct seal_index *index, struct seal_output *output);

#endif
