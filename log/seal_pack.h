/*
 * seal_pack.h - packing the grains of a block, and unpacking them to look whether they came out.
 *
 * A packed block is kept only if it saves at least a sixteenth of its bytes, and eight: below
 * that, unpacking costs each reader more than the space is worth. Where many in a row did not, it
 * is mostly enough to look at how the bytes of the next one are spread: what is random costs zstd
 * 40 us of each 16 KiB (half of all that sealing random records of 1,000 bytes took), looking 2.
 *
 * zstd's own memory comes from malloc: its stable interface takes no allocator.
 */
#ifndef FLUME_SEAL_PACK_H
#define FLUME_SEAL_PACK_H

#include <zstd.h>

#include "memory.h"
#include "sealed_file.h"

struct seal_packer {
    const flume_allocator *allocator; /* Borrowed. */
    uint8_t *stripped;                /* A block without what is left out of it. */
    size_t stripped_room;
    ZSTD_CCtx *context;
    ZSTD_CDict *dictionary; /* NULL: none. */
    enum sealed_codec codec;
    uint64_t dense_blocks; /* In a row that did not shrink. */
};

/* dictionary_bytes 0: none. Borrowed until the end. false: no memory. */
bool seal_packer_begin(const flume_allocator *allocator, int level, const void *dictionary,
                       size_t dictionary_bytes, struct seal_packer *out_packer);
void seal_packer_end(struct seal_packer *packer);

/* Space that seal_pack() needs. */
static inline size_t seal_pack_bound(size_t raw_bytes)
{
    return ZSTD_compressBound(raw_bytes);
}

/* Pack, or copy. *out_codec says which. @return the stored bytes; 0: no memory. */
size_t seal_pack(struct seal_packer *packer, const uint8_t *raw, size_t raw_bytes, uint8_t *target,
                 enum sealed_codec *out_codec);

/* The same for whole grains that were verified, of which what can be worked out anew is left
 * out. */
size_t seal_pack_grains(struct seal_packer *packer, const uint8_t *grains, size_t raw_bytes,
                        uint8_t *target, enum sealed_codec *out_codec);

/*
 * Whether packed bytes are what a packer writes: one zstd frame of today's format, which fills them
 * and says itself how much comes out. zstd unpacks more: frames in a row, frames to be skipped, and
 * those of its earlier versions, whose decoders are looked after by nobody. Known before it sees
 * any of them.
 */
bool seal_is_one_frame(const uint8_t *stored, size_t stored_bytes, size_t raw_bytes);

struct seal_unpacker {
    ZSTD_DCtx *context;
    ZSTD_DDict *dictionary;
};

bool seal_unpacker_begin(const void *dictionary, size_t dictionary_bytes,
                         struct seal_unpacker *out_unpacker);
void seal_unpacker_end(struct seal_unpacker *unpacker);

/* Unpack the stored bytes of a block to its grains as they were. false: they are not those. */
bool seal_unpack(struct seal_unpacker *unpacker, const struct sealed_block *block, uint64_t salt,
                 const uint8_t *stored, uint8_t *target);

#endif
