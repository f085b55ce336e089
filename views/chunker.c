/*
 * chunker.c - see chunker.h.
 */
#include "chunker.h"

#include <assert.h>
#include <string.h>

#include "allocator.h"

enum {
    GEARS = 256,
    CONTENT_MIN = 256 << 10,
    CONTENT_AVERAGE = 1 << 20,
    CONTENT_MAX = 4 << 20,
    /* Normalized chunking, level 2: four times less likely to end before the average, four times
     * more behind it. */
    NORMALIZATION_BITS = 2
};

struct chunker {
    struct chunking chunking;
    flume_allocator allocator;
    uint64_t limit_before, limit_behind; /* A fingerprint up to here ends a chunk. */
    uint64_t gears[GEARS];
    uint64_t fingerprint; /* Of the chunk's bytes from bytes_min on. */
    size_t filled;        /* Bytes of the chunk that were fed so far, */
    uint8_t *target;      /* which lie here. Room for bytes_max: the caller's, or */
    uint8_t *buffer;      /* this. */
};

/* --- chunkings -------------------------------------------------------------------------------- */

struct chunking chunking_fixed(void)
{
    return (struct chunking){CHUNKING_FIXED, CHUNKING_FIXED_BYTES, CHUNKING_FIXED_BYTES,
                             CHUNKING_FIXED_BYTES};
}

struct chunking chunking_content_defined(void)
{
    return (struct chunking){CHUNKING_FASTCDC, CONTENT_MIN, CONTENT_AVERAGE, CONTENT_MAX};
}

bool chunking_is_valid(const struct chunking *chunking)
{
    uint32_t average = chunking->bytes_average;

    if (chunking->bytes_min < CHUNKING_BYTES_MIN || chunking->bytes_max > CHUNK_BYTES_MAX)
        return false;
    if (chunking->bytes_min > average || average > chunking->bytes_max)
        return false;
    switch (chunking->method) {
    case CHUNKING_FIXED:
        return chunking->bytes_min == chunking->bytes_max;
    case CHUNKING_FASTCDC:
        return chunking->bytes_min < average && (average & (average - 1)) == 0;
    }
    return false;
}

bool chunking_is_same(const struct chunking *one, const struct chunking *other)
{
    return one->method == other->method && one->bytes_min == other->bytes_min &&
           one->bytes_average == other->bytes_average && one->bytes_max == other->bytes_max;
}

/* --- a chunker -------------------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014), seeded
 * with 0. Another table would cut the same content elsewhere: it can never change. */
static void make_gears(uint64_t gears[GEARS])
{
    uint64_t state = 0;

    for (size_t i = 0; i < GEARS; i++) {
        uint64_t mixed = state += UINT64_C(0x9e3779b97f4a7c15);

        mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
        gears[i] = mixed ^ mixed >> 31;
    }
}

/* The largest fingerprint whose topmost `bits` bits are all zero. The topmost are those that have
 * seen most bytes: the highest one 64, the 22nd still 43. */
static uint64_t limit_of_bits(unsigned bits)
{
    assert(bits >= 1 && bits <= 63);
    return UINT64_MAX >> bits;
}

int chunker_create(const struct chunking *chunking, const flume_allocator *allocator,
                   struct chunker **out_chunker)
{
    flume_allocator memory = allocator_or_malloc(allocator);
    struct chunker *chunker;
    unsigned average_bits;

    if (!chunking_is_valid(chunking))
        return FLUME_ERR_INVALID;
    chunker = memory.allocate(memory.ctx, sizeof *chunker);
    if (chunker == NULL)
        return FLUME_ERR_NO_MEMORY;
    memset(chunker, 0, sizeof *chunker);
    chunker->chunking = *chunking;
    chunker->allocator = memory;
    chunker->buffer = memory.allocate(memory.ctx, chunking->bytes_max);
    if (chunker->buffer == NULL) {
        chunker_destroy(chunker);
        return FLUME_ERR_NO_MEMORY;
    }
    chunker->target = chunker->buffer;
    if (chunking->method == CHUNKING_FASTCDC) {
        average_bits = (unsigned)__builtin_ctz(chunking->bytes_average);
        chunker->limit_before = limit_of_bits(average_bits + NORMALIZATION_BITS);
        chunker->limit_behind = limit_of_bits(average_bits - NORMALIZATION_BITS);
        make_gears(chunker->gears);
    }
    *out_chunker = chunker;
    return FLUME_OK;
}

void chunker_destroy(struct chunker *chunker)
{
    if (chunker == NULL)
        return;
    chunker->allocator.release(chunker->allocator.ctx, chunker->buffer);
    chunker->allocator.release(chunker->allocator.ctx, chunker);
}

/* --- cutting ---------------------------------------------------------------------------------- */

/* Roll the fingerprint over data[from .. end). @return the index behind the first byte that brings
 * it down to the limit, and *out_is_cut, or the end. */
static size_t roll(struct chunker *chunker, const uint8_t *data, size_t from, size_t end,
                   uint64_t limit, bool *out_is_cut)
{
    const uint64_t *gears = chunker->gears;
    uint64_t fingerprint = chunker->fingerprint;

    while (from < end) {
        fingerprint = (fingerprint << 1) + gears[data[from++]];
        if (fingerprint <= limit) {
            *out_is_cut = true;
            break;
        }
    }
    chunker->fingerprint = fingerprint;
    return from;
}

/* How many of these bytes, which all have room in the chunk, are of it. */
static size_t find_cut(struct chunker *chunker, const uint8_t *data, size_t bytes, bool *out_is_cut)
{
    const struct chunking *chunking = &chunker->chunking;
    size_t before = chunker->filled;
    size_t at = 0, average_at;

    /* The byte that is number bytes_min of the chunk, counted from 1, is the first to count. */
    if (before < chunking->bytes_min - 1)
        at = chunking->bytes_min - 1 - before;
    if (at >= bytes)
        return bytes;
    average_at = before < chunking->bytes_average - 1 ? chunking->bytes_average - 1 - before : 0;
    if (average_at > bytes)
        average_at = bytes;
    at = roll(chunker, data, at, average_at, chunker->limit_before, out_is_cut);
    if (*out_is_cut)
        return at;
    return roll(chunker, data, at, bytes, chunker->limit_behind, out_is_cut);
}

size_t chunker_feed(struct chunker *chunker, const void *data, size_t bytes,
                    struct chunk_bytes *out_chunk)
{
    size_t room = chunker->chunking.bytes_max - chunker->filled;
    size_t used = bytes < room ? bytes : room;
    bool is_cut = false;

    assert(bytes > 0);
    assert(room > 0);
    if (chunker->chunking.method == CHUNKING_FASTCDC)
        used = find_cut(chunker, data, used, &is_cut);
    if (used == room)
        is_cut = true;
    if (is_cut && chunker->filled == 0) {
        *out_chunk = (struct chunk_bytes){data, used};
    } else {
        memcpy(chunker->target + chunker->filled, data, used);
        chunker->filled += used;
        *out_chunk = (struct chunk_bytes){NULL, 0};
        if (is_cut)
            *out_chunk = (struct chunk_bytes){chunker->target, chunker->filled};
    }
    if (is_cut)
        chunker_reset(chunker);
    return used;
}

void chunker_assemble_in(struct chunker *chunker, uint8_t *target)
{
    assert(chunker->filled == 0);
    chunker->target = target != NULL ? target : chunker->buffer;
}

void chunker_finish(struct chunker *chunker, struct chunk_bytes *out_chunk)
{
    *out_chunk =
        (struct chunk_bytes){chunker->filled > 0 ? chunker->target : NULL, chunker->filled};
    chunker_reset(chunker);
}

void chunker_reset(struct chunker *chunker)
{
    chunker->filled = 0;
    chunker->fingerprint = 0;
}
