/*
 * merkle.h - one hash that stands for all records of a strata, and short proofs against it.
 *
 * The tree is that of RFC 9162, section 2.1 (and RFC 6962 before it), with BLAKE3-256:
 *
 *     leaf  = BLAKE3(0x00 | grain header, 32 bytes | meta as stored | BLAKE3(body))
 *     inner = BLAKE3(0x01 | left | right)
 *
 * The left subtree of an inner node has as many leaves as the largest power of two below the number
 * of leaves of both. The tree of no leaves is the hash of no bytes. The roots of strata are linked:
 *
 *     chain = BLAKE3(0x02 | chain before | root | first seq, u64 | count, u64)
 *
 * where 32 zero bytes stand before the first strata. Of the tree a sealed strata stores one level:
 * the node above each MERKLE_GROUP leaves. A proof is then made from these and from the leaves of
 * one group, and no other record is read.
 *
 * What always holds:
 *   - A leaf, an inner node and a link of the chain are never hashes of the same bytes: the first
 *     byte tells them apart.
 *   - The nodes of the groups are leaves of a tree of the same rule, whose root is the whole
 *     tree's, because a group is an aligned power of two.
 *   - A body enters as its hash: a proof can be made and checked without it.
 *   - Nothing here allocates, reads a file or takes a lock.
 *   - What a hash is written to may be one of its inputs.
 */
#ifndef FLUME_MERKLE_H
#define FLUME_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MERKLE_HASH_BYTES = 32,
    MERKLE_GROUP_LEVEL = 8,                 /* Levels below the nodes that are stored. */
    MERKLE_GROUP = 1 << MERKLE_GROUP_LEVEL, /* Leaves below such a node. */
    MERKLE_PATH_MAX = 64                    /* Levels of a tree of 2^64 leaves. */
};

/* The first byte of what is hashed, by what the hash is. */
enum { MERKLE_LEAF_TAG = 0, MERKLE_INNER_TAG = 1, MERKLE_CHAIN_TAG = 2 };

/* A hash of the tree. As stored: an array of these is the section of a sealed strata. */
struct merkle_hash {
    uint8_t bytes[MERKLE_HASH_BYTES];
};

/* BLAKE3-256 of bytes; NULL is fine for none. The hash of a body, and the root of no leaves. */
void merkle_hash_bytes(const void *data, size_t data_bytes, struct merkle_hash *out_hash);

/* The leaf of a record. header: GRAIN_HEADER_BYTES as stored; meta: as stored, witness included. */
void merkle_leaf(const uint8_t *header, const void *meta, size_t meta_bytes,
                 const struct merkle_hash *body_hash, struct merkle_hash *out_leaf);

/* Bytes to hash. */
struct merkle_input {
    const void *data; /* NULL is fine for none. */
    size_t bytes;
};

/* The same as merkle_hash_bytes() of each, but quicker where they are short. Hashes must not
 * overlap inputs. */
void merkle_hash_many(const struct merkle_input *inputs, size_t count,
                      struct merkle_hash *out_hashes);

/* The same as merkle_leaf() of each. grains: the header, and behind it meta, as stored. Leaves must
 * not overlap what they are of. */
void merkle_leaf_many(const uint8_t *const *grains, const struct merkle_hash *body_hashes,
                      size_t count, struct merkle_hash *out_leaves);

/* The link that a strata adds to the chain. */
void merkle_chain(const struct merkle_hash *chain_before, const struct merkle_hash *root,
                  uint64_t first_seq, uint64_t count, struct merkle_hash *out_chain);

/* --- Building --- */

/* The tree of the leaves so far: the roots of its whole subtrees. Placed by the caller. */
struct merkle_builder {
    uint64_t leaf_count;
    unsigned root_count;                       /* As many as leaf_count has bits that are set. */
    struct merkle_hash roots[MERKLE_PATH_MAX]; /* The largest subtree's first. */
};

void merkle_builder_init(struct merkle_builder *builder);

/*
 * Add the next leaf.
 *
 * @param out_group  Receives the node of the group that this leaf completes.
 * @return true if it completes one: of each MERKLE_GROUP leaves, the last does.
 */
bool merkle_builder_add(struct merkle_builder *builder, const struct merkle_hash *leaf,
                        struct merkle_hash *out_group);

/* Add the next MERKLE_GROUP leaves, which must be a group; quicker than one by one. The leaves are
 * used up. *out_group receives the node of the group. */
void merkle_builder_add_group(struct merkle_builder *builder,
                              struct merkle_hash io_leaves[MERKLE_GROUP],
                              struct merkle_hash *out_group);

/* The node over the leaves of a whole group becomes io_nodes[0]; the others are used up. */
void merkle_group_root(struct merkle_hash io_nodes[MERKLE_GROUP]);

/*
 * End: the root of all leaves added. The builder is unchanged, and more leaves may follow.
 *
 * @param out_root   Receives the root. Not NULL.
 * @param out_group  Receives the node of the last group, if that is a partial one.
 * @return true if there is a partial one. The nodes to store are those that merkle_builder_add()
 *         gave, and then this.
 */
bool merkle_builder_end(const struct merkle_builder *builder, struct merkle_hash *out_root,
                        struct merkle_hash *out_group);

/* --- What is stored, and proofs from it --- */

/* How many nodes are stored for this many leaves. */
static inline uint64_t merkle_group_count(uint64_t leaf_count)
{
    return leaf_count / MERKLE_GROUP + (leaf_count % MERKLE_GROUP != 0);
}

/* How many leaves a group of a tree has. group < merkle_group_count(leaf_count). */
static inline uint64_t merkle_group_leaves(uint64_t leaf_count, uint64_t group)
{
    uint64_t behind = leaf_count - group * MERKLE_GROUP;

    return behind < MERKLE_GROUP ? behind : MERKLE_GROUP;
}

/* The root of a tree from its leaves, or from the nodes of its groups, or of one group from the
 * leaves of it. */
void merkle_root(const struct merkle_hash *nodes, uint64_t node_count,
                 struct merkle_hash *out_root);

/* The hashes beside the way from a leaf up to the root, the lowest first. */
struct merkle_path {
    unsigned count;
    struct merkle_hash hashes[MERKLE_PATH_MAX];
};

/*
 * The path of one leaf.
 *
 * @param groups      The merkle_group_count(leaf_count) nodes as stored.
 * @param leaves      The merkle_group_leaves() leaves of the group index / MERKLE_GROUP.
 * @param leaf_count  Of the whole tree.
 * @param index       The leaf's, in the whole tree; below leaf_count.
 *
 * Nothing is verified: a path of wrong nodes fails when merkle_path_root() meets the root.
 */
void merkle_path_find(const struct merkle_hash *groups, const struct merkle_hash *leaves,
                      uint64_t leaf_count, uint64_t index, struct merkle_path *out_path);

/*
 * The root that a leaf and its path lead to. All arguments are input.
 *
 * Equal to the tree's root only for that leaf at that index. The number of leaves is not proved by
 * the root alone (trees of different sizes can have paths of one shape): the link of the chain
 * that belongs to the root holds it.
 *
 * @return false if no leaf of this index in a tree of this size has a path of this length.
 */
bool merkle_path_root(const struct merkle_hash *leaf, uint64_t index, uint64_t leaf_count,
                      const struct merkle_path *path, struct merkle_hash *out_root);

#endif
