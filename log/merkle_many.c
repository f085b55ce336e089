/*
 * merkle_many.c - hashing many short things side by side.
 *
 * BLAKE3 is quick where it has 16 blocks to work on at once; the records of a log have one chunk
 * (1,024 bytes) or less, whose blocks follow from each other. So blocks of several records stand
 * side by side: of records with equally many whole blocks, all but the last block of each goes
 * through BLAKE3's own blake3_hash_many(); the last one, which says how long it is, through its
 * compression function. (Measured, ns for each of 256: 65 bytes 250 -> 125, 200 bytes 450 -> 150,
 * 1,000 bytes 1,350 -> 320.)
 *
 * Both functions are inside of BLAKE3: there are only where it is built in. With a libblake3 of the
 * system the things are hashed one after the other.
 */
#include "merkle.h"

#include <assert.h>
#include <blake3.h>
#include <string.h>

#include "grain.h"

enum {
    LEAF_TAG_BYTES = 1,
    LEAF_BYTES_MAX = 256, /* Of a leaf with more meta there is no need to be quick. */
    LEAF_SLICE = 64,
    INNER_BYTES = 1 + 2 * MERKLE_HASH_BYTES
};

/* --- Any inputs ------------------------------------------------------------------------------- */

#ifdef FLUME_BLAKE3_INSIDE
#include <blake3_impl.h>

enum { SLICE = 256, CLASSES = BLAKE3_CHUNK_LEN / BLAKE3_BLOCK_LEN };
static_assert(sizeof IV == MERKLE_HASH_BYTES, "a chaining value is as long as a hash");

/* Blocks in front of the last one, of what is not longer than a chunk. */
static unsigned whole_blocks(size_t bytes)
{
    return bytes == 0 ? 0 : (unsigned)((bytes - 1) / BLAKE3_BLOCK_LEN);
}

/* The hash of an input whose last block goes on from *chaining. */
static void hash_last(const struct merkle_input *input, const uint32_t chaining[8],
                      struct merkle_hash *out_hash)
{
    unsigned blocks = whole_blocks(input->bytes);
    size_t passed = (size_t)blocks * BLAKE3_BLOCK_LEN;
    size_t left = input->bytes - passed;
    uint8_t flags = (uint8_t)(CHUNK_END | ROOT | (blocks == 0 ? CHUNK_START : 0));
    uint8_t block[BLAKE3_BLOCK_LEN] = {0};
    uint32_t words[8];

    memcpy(words, chaining, sizeof words);
    if (left > 0)
        memcpy(block, (const uint8_t *)input->data + passed, left);
    blake3_compress_in_place(words, block, (uint8_t)left, 0, flags);
    for (size_t i = 0; i < 8; i++)
        put_le32(out_hash->bytes + i * sizeof words[0], words[i]);
}

/* Inputs of one class: `order` says which. */
static void hash_class(const struct merkle_input *inputs, const uint16_t *order, size_t count,
                       unsigned blocks, struct merkle_hash *out_hashes)
{
    const uint8_t *data[SLICE];
    struct merkle_hash chained[SLICE];

    if (blocks > 0) {
        for (size_t i = 0; i < count; i++)
            data[i] = inputs[order[i]].data;
        blake3_hash_many(data, count, blocks, IV, 0, false, 0, CHUNK_START, 0, chained[0].bytes);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t chaining[8];

        memcpy(chaining, IV, sizeof chaining);
        for (size_t j = 0; blocks > 0 && j < 8; j++)
            chaining[j] = get_le32(chained[i].bytes + j * sizeof chaining[0]);
        hash_last(&inputs[order[i]], chaining, &out_hashes[order[i]]);
    }
}

/* At most SLICE inputs. */
static void hash_slice(const struct merkle_input *inputs, size_t count,
                       struct merkle_hash *out_hashes)
{
    uint16_t order[SLICE];
    size_t next[CLASSES + 1] = {0}; /* Where in `order` the next of a class goes. */

    for (size_t i = 0; i < count; i++) {
        if (inputs[i].bytes <= BLAKE3_CHUNK_LEN)
            next[whole_blocks(inputs[i].bytes) + 1]++;
        else /* It has chunks of its own to stand side by side. */
            merkle_hash_bytes(inputs[i].data, inputs[i].bytes, &out_hashes[i]);
    }
    for (size_t blocks = 0; blocks < CLASSES; blocks++)
        next[blocks + 1] += next[blocks];
    for (size_t i = 0; i < count; i++) {
        if (inputs[i].bytes <= BLAKE3_CHUNK_LEN)
            order[next[whole_blocks(inputs[i].bytes)]++] = (uint16_t)i;
    }
    for (unsigned blocks = 0; blocks < CLASSES; blocks++) {
        size_t from = blocks > 0 ? next[blocks - 1] : 0;

        if (next[blocks] > from)
            hash_class(inputs, order + from, next[blocks] - from, blocks, out_hashes);
    }
}

#else

enum { SLICE = 256 };

static void hash_slice(const struct merkle_input *inputs, size_t count,
                       struct merkle_hash *out_hashes)
{
    for (size_t i = 0; i < count; i++)
        merkle_hash_bytes(inputs[i].data, inputs[i].bytes, &out_hashes[i]);
}
#endif

void merkle_hash_many(const struct merkle_input *inputs, size_t count,
                      struct merkle_hash *out_hashes)
{
    for (size_t at = 0; at < count; at += SLICE)
        hash_slice(inputs + at, count - at < SLICE ? count - at : SLICE, out_hashes + at);
}

/* --- The tree --------------------------------------------------------------------------------- */

/* At most LEAF_SLICE leaves. */
static void leaf_slice(const uint8_t *const *grains, const struct merkle_hash *body_hashes,
                       size_t count, struct merkle_hash *out_leaves)
{
    uint8_t bytes[LEAF_SLICE][LEAF_BYTES_MAX];
    struct merkle_input inputs[LEAF_SLICE] = {{0}}; /* What gcc cannot see to be set. */
    struct merkle_hash leaves[LEAF_SLICE];
    uint8_t places[LEAF_SLICE];
    size_t input_count = 0;

    for (size_t i = 0; i < count; i++) {
        size_t meta_bytes = get_le16(grains[i] + GRAIN_META_BYTES_AT);
        size_t front = GRAIN_HEADER_BYTES + meta_bytes;
        uint8_t *target = bytes[input_count];

        if (LEAF_TAG_BYTES + front + MERKLE_HASH_BYTES > LEAF_BYTES_MAX) {
            merkle_leaf(grains[i], grains[i] + GRAIN_HEADER_BYTES, meta_bytes, &body_hashes[i],
                        &out_leaves[i]);
            continue;
        }
        target[0] = MERKLE_LEAF_TAG;
        memcpy(target + LEAF_TAG_BYTES, grains[i], front);
        memcpy(target + LEAF_TAG_BYTES + front, body_hashes[i].bytes, MERKLE_HASH_BYTES);
        places[input_count] = (uint8_t)i;
        inputs[input_count++] =
            (struct merkle_input){target, LEAF_TAG_BYTES + front + MERKLE_HASH_BYTES};
    }
    merkle_hash_many(inputs, input_count, leaves);
    for (size_t i = 0; i < input_count; i++)
        out_leaves[places[i]] = leaves[i];
}

void merkle_leaf_many(const uint8_t *const *grains, const struct merkle_hash *body_hashes,
                      size_t count, struct merkle_hash *out_leaves)
{
    for (size_t at = 0; at < count; at += LEAF_SLICE)
        leaf_slice(grains + at, body_hashes + at, count - at < LEAF_SLICE ? count - at : LEAF_SLICE,
                   out_leaves + at);
}

void merkle_group_root(struct merkle_hash io_nodes[MERKLE_GROUP])
{
    uint8_t bytes[MERKLE_GROUP / 2][INNER_BYTES];
    struct merkle_input inputs[MERKLE_GROUP / 2];

    for (size_t count = MERKLE_GROUP / 2; count > 0; count /= 2) {
        for (size_t i = 0; i < count; i++) {
            bytes[i][0] = MERKLE_INNER_TAG;
            memcpy(bytes[i] + 1, io_nodes[2 * i].bytes, MERKLE_HASH_BYTES);
            memcpy(bytes[i] + 1 + MERKLE_HASH_BYTES, io_nodes[2 * i + 1].bytes, MERKLE_HASH_BYTES);
            inputs[i] = (struct merkle_input){bytes[i], INNER_BYTES};
        }
        merkle_hash_many(inputs, count, io_nodes);
    }
}
