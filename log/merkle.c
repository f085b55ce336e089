/*
 * merkle.c - one hash that stands for all records of a strata, and short proofs against it.
 */
#include "merkle.h"

#include <assert.h>
#include <blake3.h>
#include <string.h>

#include "bytes.h"
#include "grain.h"

static_assert(MERKLE_HASH_BYTES == BLAKE3_OUT_LEN, "BLAKE3's ordinary length");
static_assert(sizeof(struct merkle_hash) == MERKLE_HASH_BYTES, "an array of them has no gap");

/* What a link of the chain is the hash of. */
enum {
    CHAIN_TAG_AT = 0,
    CHAIN_BEFORE_AT = 1,
    CHAIN_ROOT_AT = 33,
    CHAIN_FIRST_SEQ_AT = 65,
    CHAIN_COUNT_AT = 73,
    CHAIN_BYTES = 81
};
static_assert(CHAIN_ROOT_AT == CHAIN_BEFORE_AT + MERKLE_HASH_BYTES, "no gap before the root");
static_assert(CHAIN_FIRST_SEQ_AT == CHAIN_ROOT_AT + MERKLE_HASH_BYTES, "no gap behind the root");
static_assert(CHAIN_COUNT_AT + sizeof(uint64_t) == CHAIN_BYTES, "no gap at the end");

void merkle_hash_bytes(const void *data, size_t data_bytes, struct merkle_hash *out_hash)
{
    blake3_hasher hasher;

    blake3_hasher_init(&hasher);
    if (data_bytes > 0)
        blake3_hasher_update(&hasher, data, data_bytes);
    blake3_hasher_finalize(&hasher, out_hash->bytes, MERKLE_HASH_BYTES);
}

void merkle_leaf(const uint8_t *header, const void *meta, size_t meta_bytes,
                 const struct merkle_hash *body_hash, struct merkle_hash *out_leaf)
{
    static const uint8_t tag = MERKLE_LEAF_TAG;
    blake3_hasher hasher;

    blake3_hasher_init(&hasher);
    blake3_hasher_update(&hasher, &tag, sizeof tag);
    blake3_hasher_update(&hasher, header, GRAIN_HEADER_BYTES);
    if (meta_bytes > 0)
        blake3_hasher_update(&hasher, meta, meta_bytes);
    blake3_hasher_update(&hasher, body_hash->bytes, MERKLE_HASH_BYTES);
    blake3_hasher_finalize(&hasher, out_leaf->bytes, MERKLE_HASH_BYTES);
}

/* out_node may be one of the two. */
static void hash_inner(const struct merkle_hash *left, const struct merkle_hash *right,
                       struct merkle_hash *out_node)
{
    uint8_t input[1 + 2 * MERKLE_HASH_BYTES];

    input[0] = MERKLE_INNER_TAG;
    memcpy(input + 1, left->bytes, MERKLE_HASH_BYTES);
    memcpy(input + 1 + MERKLE_HASH_BYTES, right->bytes, MERKLE_HASH_BYTES);
    merkle_hash_bytes(input, sizeof input, out_node);
}

void merkle_chain(const struct merkle_hash *chain_before, const struct merkle_hash *root,
                  uint64_t first_seq, uint64_t count, struct merkle_hash *out_chain)
{
    uint8_t input[CHAIN_BYTES];

    input[CHAIN_TAG_AT] = MERKLE_CHAIN_TAG;
    memcpy(input + CHAIN_BEFORE_AT, chain_before->bytes, MERKLE_HASH_BYTES);
    memcpy(input + CHAIN_ROOT_AT, root->bytes, MERKLE_HASH_BYTES);
    put_le64(input + CHAIN_FIRST_SEQ_AT, first_seq);
    put_le64(input + CHAIN_COUNT_AT, count);
    merkle_hash_bytes(input, sizeof input, out_chain);
}

/* --- Building --- */

void merkle_builder_init(struct merkle_builder *builder)
{
    builder->leaf_count = 0;
    builder->root_count = 0;
}

/*
 * The roots are those of a counter: each bit of leaf_count that is set is one whole subtree of so
 * many leaves. A further leaf carries, and each carry makes two subtrees of one size to one.
 */
bool merkle_builder_add(struct merkle_builder *builder, const struct merkle_hash *leaf,
                        struct merkle_hash *out_group)
{
    struct merkle_hash node = *leaf;
    bool completes_group = false;
    unsigned level = 0;

    assert(builder->leaf_count < UINT64_MAX);
    for (; (builder->leaf_count >> level & 1) != 0; level++) {
        builder->root_count--;
        hash_inner(&builder->roots[builder->root_count], &node, &node);
        if (level + 1 == MERKLE_GROUP_LEVEL) {
            *out_group = node;
            completes_group = true;
        }
    }
    builder->roots[builder->root_count++] = node;
    builder->leaf_count++;
    return completes_group;
}

void merkle_builder_add_group(struct merkle_builder *builder,
                              struct merkle_hash io_leaves[MERKLE_GROUP],
                              struct merkle_hash *out_group)
{
    unsigned level = MERKLE_GROUP_LEVEL;
    struct merkle_hash node;

    assert(builder->leaf_count % MERKLE_GROUP == 0);
    merkle_group_root(io_leaves);
    node = io_leaves[0];
    *out_group = node;
    for (; (builder->leaf_count >> level & 1) != 0; level++) {
        builder->root_count--;
        hash_inner(&builder->roots[builder->root_count], &node, &node);
    }
    builder->roots[builder->root_count++] = node;
    builder->leaf_count += MERKLE_GROUP;
}

/* The root of the last root_count of the roots: the smaller ones are always on the right. */
static void fold_roots(const struct merkle_builder *builder, unsigned root_count,
                       struct merkle_hash *out_root)
{
    unsigned at = builder->root_count - 1;
    struct merkle_hash node = builder->roots[at];

    for (unsigned i = 1; i < root_count; i++)
        hash_inner(&builder->roots[--at], &node, &node);
    *out_root = node;
}

bool merkle_builder_end(const struct merkle_builder *builder, struct merkle_hash *out_root,
                        struct merkle_hash *out_group)
{
    unsigned rest = (unsigned)(builder->leaf_count % MERKLE_GROUP);
    unsigned rest_roots = 0;

    if (builder->leaf_count == 0) {
        merkle_hash_bytes(NULL, 0, out_root);
        return false;
    }
    fold_roots(builder, builder->root_count, out_root);
    for (; rest != 0; rest &= rest - 1)
        rest_roots++;
    if (rest_roots == 0)
        return false;
    fold_roots(builder, rest_roots, out_group);
    return true;
}

/* --- What is stored, and proofs from it --- */

void merkle_root(const struct merkle_hash *nodes, uint64_t node_count, struct merkle_hash *out_root)
{
    struct merkle_builder builder;
    struct merkle_hash unused;

    merkle_builder_init(&builder);
    for (uint64_t i = 0; i < node_count; i++)
        (void)merkle_builder_add(&builder, &nodes[i], &unused); /* The level is not of leaves. */
    (void)merkle_builder_end(&builder, out_root, &unused);
}

/* The largest power of two below a count of at least two. */
static uint64_t split_of(uint64_t count)
{
    uint64_t split = 1;

    while (split < count - split)
        split *= 2;
    return split;
}

/* Add the path of nodes[index] in the tree over these nodes. The tree is walked from its root, so
 * what is met first comes last. */
static void add_path(const struct merkle_hash *nodes, uint64_t count, uint64_t index,
                     struct merkle_path *path)
{
    struct merkle_hash met[MERKLE_PATH_MAX];
    unsigned met_count = 0;

    while (count > 1) {
        uint64_t split = split_of(count);

        if (index < split) {
            merkle_root(nodes + split, count - split, &met[met_count++]);
            count = split;
        } else {
            merkle_root(nodes, split, &met[met_count++]);
            nodes += split;
            count -= split;
            index -= split;
        }
    }
    while (met_count > 0)
        path->hashes[path->count++] = met[--met_count];
}

void merkle_path_find(const struct merkle_hash *groups, const struct merkle_hash *leaves,
                      uint64_t leaf_count, uint64_t index, struct merkle_path *out_path)
{
    uint64_t group = index / MERKLE_GROUP;

    assert(index < leaf_count);
    out_path->count = 0;
    add_path(leaves, merkle_group_leaves(leaf_count, group), index % MERKLE_GROUP, out_path);
    add_path(groups, merkle_group_count(leaf_count), group, out_path);
}

/* The way up as RFC 9162, 2.1.3.2 walks it: `last` is the index of the last node of the level. A
 * node without a right neighbour goes up unchanged, until it is a right one itself. */
bool merkle_path_root(const struct merkle_hash *leaf, uint64_t index, uint64_t leaf_count,
                      const struct merkle_path *path, struct merkle_hash *out_root)
{
    struct merkle_hash node = *leaf;
    uint64_t last = leaf_count - 1;

    if (index >= leaf_count || path->count > MERKLE_PATH_MAX)
        return false;
    for (unsigned i = 0; i < path->count; i++) {
        if (last == 0)
            return false;
        while (index == last && (index & 1) == 0) {
            index >>= 1;
            last >>= 1;
        }
        if ((index & 1) != 0)
            hash_inner(&path->hashes[i], &node, &node);
        else
            hash_inner(&node, &path->hashes[i], &node);
        index >>= 1;
        last >>= 1;
    }
    if (last != 0)
        return false;
    *out_root = node;
    return true;
}
