/*
 * seal_pack.c - packing the grains of a block, and unpacking them.
 */
#include "seal_pack.h"

#include <assert.h>

enum {
    WORTH_SHIFT = 4,
    WORTH_BYTES_MIN = 8,
    DENSE_BEFORE = 4,  /* Blocks in a row that did not shrink, before one is only looked at. */
    DENSE_RETRY = 16,  /* One in so many is tried all the same. */
    SAMPLE_PIECES = 4, /* What is looked at: */
    SAMPLE_PIECE_BYTES = 1 << 10
};

bool seal_packer_begin(const flume_allocator *allocator, int level, const void *dictionary,
                       size_t dictionary_bytes, struct seal_packer *out_packer)
{
    struct seal_packer packer = {
        .allocator = allocator, .context = ZSTD_createCCtx(), .codec = SEALED_ZSTD};

    if (packer.context == NULL)
        return false;
    /* The block has its own check, and its header says which dictionary there is. */
    if (ZSTD_isError(ZSTD_CCtx_setParameter(packer.context, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(packer.context, ZSTD_c_checksumFlag, 0)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(packer.context, ZSTD_c_dictIDFlag, 0)))
        goto fail;
    if (dictionary_bytes > 0) {
        packer.dictionary = ZSTD_createCDict(dictionary, dictionary_bytes, level);
        if (packer.dictionary == NULL ||
            ZSTD_isError(ZSTD_CCtx_refCDict(packer.context, packer.dictionary)))
            goto fail;
        packer.codec = SEALED_ZSTD_DICTIONARY;
    }
    *out_packer = packer;
    return true;
fail:
    seal_packer_end(&packer);
    return false;
}

void seal_packer_end(struct seal_packer *packer)
{
    (void)ZSTD_freeCCtx(packer->context); /* NULL is harmless; it always answers 0. */
    (void)ZSTD_freeCDict(packer->dictionary);
    if (packer->allocator != NULL)
        memory_release(packer->allocator, packer->stripped);
    packer->stripped = NULL;
    packer->context = NULL;
    packer->dictionary = NULL;
}

/* Pack `source`; if that is not worth it, copy `raw`. */
static size_t pack(struct seal_packer *packer, const uint8_t *source, const uint8_t *raw,
                   size_t raw_bytes, uint8_t *target, enum sealed_codec *out_codec)
{
    size_t worth = raw_bytes >> WORTH_SHIFT;
    size_t packed =
        ZSTD_compress2(packer->context, target, seal_pack_bound(raw_bytes), source, raw_bytes);

    if (ZSTD_isError(packed))
        return 0; /* With space for the worst there is no other reason. */
    if (packed + (worth > WORTH_BYTES_MIN ? worth : WORTH_BYTES_MIN) <= raw_bytes) {
        *out_codec = packer->codec;
        return packed;
    }
    memcpy(target, raw, raw_bytes);
    *out_codec = SEALED_STORED;
    return raw_bytes;
}

size_t seal_pack(struct seal_packer *packer, const uint8_t *raw, size_t raw_bytes, uint8_t *target,
                 enum sealed_codec *out_codec)
{
    return pack(packer, raw, raw, raw_bytes, target, out_codec);
}

/*
 * Whether bytes are so evenly spread over all values that no code for single bytes saves a
 * sixteenth.
 *
 * For such a code to take at most 7.5 bits a byte, their entropy must not be more, nor then that of
 * order 2: the sum of the squares of their frequencies is at least 2^-7.5, 1.41 times that of
 * evenly spread ones. Among `count` bytes drawn at random each square is larger by its own count.
 */
static bool is_dense(const uint8_t *bytes, size_t size)
{
    uint32_t counts[256] = {0};
    uint64_t squares = 0;
    uint64_t count = (uint64_t)SAMPLE_PIECES * SAMPLE_PIECE_BYTES;

    if (size < count)
        return false;
    for (size_t piece = 0; piece < SAMPLE_PIECES; piece++) {
        const uint8_t *from = bytes + (size - SAMPLE_PIECE_BYTES) / (SAMPLE_PIECES - 1) * piece;

        for (size_t i = 0; i < SAMPLE_PIECE_BYTES; i++)
            counts[from[i]]++;
    }
    for (size_t value = 0; value < 256; value++)
        squares += (uint64_t)counts[value] * counts[value];
    return squares < count * count / 256 * 141 / 100 + count;
}

/* Where block after block did not shrink, and this one looks the same, zstd is not asked; now and
 * then it is, as it also finds what only repeats itself. */
static bool is_given_up(const struct seal_packer *packer, const uint8_t *grains, size_t raw_bytes)
{
    return packer->dense_blocks >= DENSE_BEFORE && packer->dense_blocks % DENSE_RETRY != 0 &&
           is_dense(grains, raw_bytes);
}

size_t seal_pack_grains(struct seal_packer *packer, const uint8_t *grains, size_t raw_bytes,
                        uint8_t *target, enum sealed_codec *out_codec)
{
    bool is_whole;
    size_t bytes;

    if (is_given_up(packer, grains, raw_bytes)) {
        packer->dense_blocks++;
        memcpy(target, grains, raw_bytes);
        *out_codec = SEALED_STORED;
        return raw_bytes;
    }
    if (raw_bytes > packer->stripped_room) {
        uint8_t *stripped = memory_resize(packer->allocator, packer->stripped, raw_bytes);

        if (stripped == NULL)
            return 0;
        packer->stripped = stripped;
        packer->stripped_room = raw_bytes;
    }
    memcpy(packer->stripped, grains, raw_bytes);
    is_whole = sealed_grains_strip(packer->stripped, raw_bytes);
    assert(is_whole);
    (void)is_whole;
    bytes = pack(packer, packer->stripped, grains, raw_bytes, target, out_codec);
    if (bytes != 0)
        packer->dense_blocks = *out_codec == SEALED_STORED ? packer->dense_blocks + 1 : 0;
    return bytes;
}

bool seal_unpacker_begin(const void *dictionary, size_t dictionary_bytes,
                         struct seal_unpacker *out_unpacker)
{
    struct seal_unpacker unpacker = {.context = ZSTD_createDCtx()};

    if (dictionary_bytes > 0)
        unpacker.dictionary = ZSTD_createDDict(dictionary, dictionary_bytes);
    if (unpacker.context == NULL || (dictionary_bytes > 0 && unpacker.dictionary == NULL)) {
        seal_unpacker_end(&unpacker);
        return false;
    }
    *out_unpacker = unpacker;
    return true;
}

void seal_unpacker_end(struct seal_unpacker *unpacker)
{
    (void)ZSTD_freeDCtx(unpacker->context); /* As above. */
    (void)ZSTD_freeDDict(unpacker->dictionary);
    unpacker->context = NULL;
    unpacker->dictionary = NULL;
}

bool seal_is_one_frame(const uint8_t *stored, size_t stored_bytes, size_t raw_bytes)
{
    return stored_bytes >= sizeof(uint32_t) && get_le32(stored) == ZSTD_MAGICNUMBER &&
           ZSTD_getFrameContentSize(stored, stored_bytes) == raw_bytes &&
           ZSTD_findFrameCompressedSize(stored, stored_bytes) == stored_bytes;
}

bool seal_unpack(struct seal_unpacker *unpacker, const struct sealed_block *block, uint64_t salt,
                 const uint8_t *stored, uint8_t *target)
{
    size_t unpacked = block->raw_bytes;

    if (block->codec != SEALED_STORED &&
        !seal_is_one_frame(stored, block->stored_bytes, block->raw_bytes))
        return false;
    switch (block->codec) {
    case SEALED_STORED:
        memcpy(target, stored, block->raw_bytes); /* As decoded: as many as are stored. */
        break;
    case SEALED_ZSTD:
        unpacked = ZSTD_decompressDCtx(unpacker->context, target, block->raw_bytes, stored,
                                       block->stored_bytes);
        break;
    case SEALED_ZSTD_DICTIONARY:
        if (unpacker->dictionary == NULL)
            return false;
        unpacked = ZSTD_decompress_usingDDict(unpacker->context, target, block->raw_bytes, stored,
                                              block->stored_bytes, unpacker->dictionary);
        break;
    default:
        return false;
    }
    /* An error is larger than any size. */
    return unpacked == block->raw_bytes && sealed_grains_take(block, salt, target);
}
