/*
 * seal_hashes.c - the hashes of a strata that is being sealed, many grains at a time.
 */
#include "seal_hashes.h"

#include <assert.h>
#include <string.h>

bool seal_tree_begin(const flume_allocator *allocator, uint64_t count, struct seal_tree *out_tree)
{
    /* One more than there are: where no group is complete, its place is still written to. */
    size_t group_count = (size_t)merkle_group_count(count) + 1;

    merkle_builder_init(&out_tree->builder);
    out_tree->group_count = 0;
    out_tree->leaf_count = 0;
    out_tree->groups = memory_allocate(allocator, group_count * sizeof out_tree->groups[0]);
    return out_tree->groups != NULL;
}

void seal_tree_end(const flume_allocator *allocator, struct seal_tree *tree)
{
    memory_release(allocator, tree->groups);
    tree->groups = NULL;
}

static void add_leaves(struct seal_tree *tree, const struct merkle_hash *leaves, uint32_t count)
{
    while (count > 0) {
        uint32_t room = MERKLE_GROUP - tree->leaf_count;
        uint32_t now = count < room ? count : room;

        memcpy(tree->leaves + tree->leaf_count, leaves, now * sizeof leaves[0]);
        tree->leaf_count += now;
        leaves += now;
        count -= now;
        if (tree->leaf_count == MERKLE_GROUP) {
            merkle_builder_add_group(&tree->builder, tree->leaves,
                                     &tree->groups[tree->group_count++]);
            tree->leaf_count = 0;
        }
    }
}

void seal_batch_hash(struct seal_batch *batch, const uint8_t *bytes, struct seal_tree *tree)
{
    struct merkle_input inputs[SEAL_BATCH_GRAINS];
    struct merkle_hash leaves[SEAL_BATCH_GRAINS];
    const uint8_t *grains[SEAL_BATCH_GRAINS];

    assert(batch->count <= SEAL_BATCH_GRAINS);
    for (uint32_t i = 0; i < batch->count; i++) {
        grains[i] = bytes + (batch->offsets[i] - batch->from);
        inputs[i] = (struct merkle_input){grain_body(grains[i], &batch->grains[i]),
                                          batch->grains[i].body_bytes};
    }
    merkle_hash_many(inputs, batch->count, batch->bodies);
    merkle_leaf_many(grains, batch->bodies, batch->count, leaves);
    add_leaves(tree, leaves, batch->count);
}

void seal_tree_close(struct seal_tree *tree, struct merkle_hash *out_root)
{
    struct merkle_hash *last = &tree->groups[tree->group_count];

    for (uint32_t i = 0; i < tree->leaf_count; i++)
        (void)merkle_builder_add(&tree->builder, &tree->leaves[i], last); /* Completes none. */
    tree->leaf_count = 0;
    if (merkle_builder_end(&tree->builder, out_root, last))
        tree->group_count++;
}
