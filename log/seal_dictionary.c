/*
 * seal_dictionary.c - a zstd dictionary for one strata, if it pays.
 *
 * Samples are pieces of the file at even distances, cut without regard to where grains begin: a
 * dictionary is of what recurs, wherever it stands. Every second piece trains, the others judge:
 * what the dictionary saves on them, taken for the whole strata, must be more than what the two of
 * it take that are kept.
 */
#include "seal_dictionary.h"

#include <zdict.h>

#include "seal_pack.h"

enum {
    PIECES_MAX = 128,
    PIECE_BYTES = 16 << 10,
    SAMPLE_BYTES = 1 << 10, /* What the trainer takes for one record. */
    PAYS_FACTOR = 2,
    SHARE = 64, /* At most this part of the strata. */
    DICTIONARY_BYTES_MIN = 4 << 10,
    DICTIONARY_BYTES_MOST =
        64 << 10 /* Larger ones hardly save more, and are loaded for each block. */
};
static_assert(DICTIONARY_BYTES_MOST <= (int)SEALED_DICTIONARY_BYTES_MAX, "it fits its section");

struct samples {
    uint8_t *bytes;
    size_t used;
};

static bool is_zero(const uint8_t *bytes, size_t count)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0;
}

/* Pieces of number `first`, first + 2, ... of the strata; all lie below the limit. Space that was
 * never used is left out. */
static int collect(struct seal_source *source, size_t first, size_t piece_count,
                   struct samples *samples)
{
    uint64_t step = (source->limit - STRATA_DATA_AT) / piece_count;

    samples->used = 0;
    for (size_t i = first; i < piece_count; i += 2) {
        uint64_t at = STRATA_DATA_AT + i * step;
        const uint8_t *bytes;
        int status = seal_source_want(source, at, at, PIECE_BYTES, &bytes);

        if (status != FLUME_OK)
            return status;
        if (is_zero(bytes, PIECE_BYTES))
            continue;
        memcpy(samples->bytes + samples->used, bytes, PIECE_BYTES);
        samples->used += PIECE_BYTES;
    }
    return FLUME_OK;
}

/* 0: nothing recurs enough for one. */
static size_t train(const struct samples *samples, uint8_t *dictionary, size_t capacity)
{
    size_t sizes[PIECES_MAX * (PIECE_BYTES / SAMPLE_BYTES)];
    size_t count = samples->used / SAMPLE_BYTES;
    size_t bytes;

    for (size_t i = 0; i < count; i++)
        sizes[i] = SAMPLE_BYTES;
    bytes = ZDICT_trainFromBuffer(dictionary, capacity, samples->bytes, sizes, (unsigned)count);
    return ZDICT_isError(bytes) ? 0 : bytes;
}

/* Bytes of the samples packed in blocks; 0: no memory. */
static uint64_t packed_bytes(const flume_allocator *allocator, const struct samples *samples,
                             uint32_t block_bytes, int level, const uint8_t *dictionary,
                             size_t dictionary_bytes, uint8_t *target)
{
    struct seal_packer packer;
    uint64_t total = 0;

    if (!seal_packer_begin(allocator, level, dictionary, dictionary_bytes, &packer))
        return 0;
    for (size_t at = 0; at < samples->used; at += block_bytes) {
        size_t left = samples->used - at;
        enum sealed_codec codec;
        size_t bytes = seal_pack(&packer, samples->bytes + at,
                                 left < block_bytes ? left : block_bytes, target, &codec);

        if (bytes == 0) {
            total = 0;
            break;
        }
        total += bytes;
    }
    seal_packer_end(&packer);
    return total;
}

static bool pays(const struct seal_source *source, const struct samples *samples,
                 uint32_t block_bytes, int level, const uint8_t *dictionary,
                 size_t dictionary_bytes, uint8_t *target)
{
    uint64_t without =
        packed_bytes(&source->log->allocator, samples, block_bytes, level, NULL, 0, target);
    uint64_t with = packed_bytes(&source->log->allocator, samples, block_bytes, level, dictionary,
                                 dictionary_bytes, target);
    double saved;

    if (without == 0 || with == 0 || with >= without)
        return false;
    saved = (double)(without - with) / (double)samples->used *
            (double)(source->limit - STRATA_DATA_AT);
    return saved > (double)dictionary_bytes * PAYS_FACTOR;
}

static size_t dictionary_capacity(const struct seal_source *source)
{
    uint64_t bytes = (source->limit - STRATA_DATA_AT) / SHARE;

    if (bytes < DICTIONARY_BYTES_MIN)
        return 0;
    return bytes < DICTIONARY_BYTES_MOST ? (size_t)bytes : DICTIONARY_BYTES_MOST;
}

int seal_dictionary_make(struct seal_source *source, uint32_t block_bytes, int level,
                         uint8_t **out_dictionary, size_t *out_bytes)
{
    const flume_allocator *allocator = &source->log->allocator;
    size_t capacity = dictionary_capacity(source);
    uint64_t whole = (source->limit - STRATA_DATA_AT) / PIECE_BYTES;
    size_t piece_count = whole < PIECES_MAX ? (size_t)whole : PIECES_MAX;
    struct samples samples = {.used = 0};
    uint8_t *dictionary = NULL, *target = NULL;
    size_t bytes;
    int status = FLUME_OK;

    *out_dictionary = NULL;
    *out_bytes = 0;
    if (capacity == 0 || piece_count < 2)
        return FLUME_OK;
    samples.bytes = memory_allocate(allocator, PIECES_MAX * (size_t)PIECE_BYTES);
    dictionary = memory_allocate(allocator, capacity);
    target = memory_allocate(allocator, seal_pack_bound(block_bytes));
    if (samples.bytes == NULL || dictionary == NULL || target == NULL) {
        status = log_fail(source->log, FLUME_ERR_NO_MEMORY, 0, source->first_seq,
                          "no memory to train a dictionary for the strata of seq %llu",
                          (unsigned long long)source->first_seq);
        goto out;
    }
    status = collect(source, 0, piece_count, &samples);
    bytes = status == FLUME_OK ? train(&samples, dictionary, capacity) : 0;
    if (bytes == 0)
        goto out;
    status = collect(source, 1, piece_count, &samples);
    if (status == FLUME_OK &&
        pays(source, &samples, block_bytes, level, dictionary, bytes, target)) {
        *out_dictionary = dictionary;
        *out_bytes = bytes;
        dictionary = NULL;
    }
out:
    memory_release(allocator, samples.bytes);
    memory_release(allocator, dictionary);
    memory_release(allocator, target);
    return status;
}
