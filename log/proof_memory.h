/*
 * proof_memory.h - what a proof holds beside itself: its links and its record's meta, in one piece.
 *
 * What always holds: a proof without memory is zeroed, so releasing one twice is harmless.
 */
#ifndef FLUME_PROOF_MEMORY_H
#define FLUME_PROOF_MEMORY_H

#include "flume/proof.h"
#include "memory.h"

/* The piece, and how it is to be freed. */
struct proof_memory {
    flume_allocator allocator;
    uint8_t *meta; /* Behind the links. */
    flume_root_link links[];
};

/* NULL: no memory. links are zeroed. */
struct proof_memory *proof_memory_create(const flume_allocator *allocator, size_t link_count,
                                         size_t meta_bytes);

/* NULL is harmless. */
void proof_memory_destroy(struct proof_memory *memory);

#endif
