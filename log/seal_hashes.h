/*
 * seal_hashes.h - the hashes of a strata that is being sealed, many grains at a time.
 *
 * What always holds: how the grains fall into batches is nowhere to be seen in what comes out.
 */
#ifndef FLUME_SEAL_HASHES_H
#define FLUME_SEAL_HASHES_H

#include "grain.h"
#include "memory.h"
#include "merkle.h"

enum {
    SEAL_BATCH_GRAINS = MERKLE_GROUP,
    SEAL_BATCH_BYTES = 256 << 10 /* A batch is ended by the grain that passes this: it is in the
                                    processor's cache yet when it is hashed and packed. */
};

/* Grains side by side, in order, that were read and verified. */
struct seal_batch {
    uint64_t from, to; /* Offsets in the raw strata. */
    uint32_t count;
    struct grain grains[SEAL_BATCH_GRAINS];
    uint64_t offsets[SEAL_BATCH_GRAINS];          /* In the raw strata. */
    struct merkle_hash bodies[SEAL_BATCH_GRAINS]; /* Hashes of them, by seal_batch_hash(). */
};

/* The Merkle tree under construction. */
struct seal_tree {
    struct merkle_builder builder;
    struct merkle_hash *groups; /* One more than there will be. */
    size_t group_count;
    struct merkle_hash leaves[MERKLE_GROUP]; /* Of a group that is not complete. */
    uint32_t leaf_count;
};

/* A tree of so many records. false: no memory. */
bool seal_tree_begin(const flume_allocator *allocator, uint64_t count, struct seal_tree *out_tree);

/* Harmless for one that is zero. */
void seal_tree_end(const flume_allocator *allocator, struct seal_tree *tree);

/* Hash the bodies of a batch whose bytes begin at `bytes`, and add its leaves to the tree. */
void seal_batch_hash(struct seal_batch *batch, const uint8_t *bytes, struct seal_tree *tree);

/* Behind the last record: its root; groups and group_count are complete. */
void seal_tree_close(struct seal_tree *tree, struct merkle_hash *out_root);

#endif
