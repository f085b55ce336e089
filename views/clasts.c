/*
 * clasts.c - one body of clasts: its bytes, and what they say. See clasts.h.
 */
#include "clasts.h"

#include <string.h>

#include "clasts_inside.h"
#include "little.h"

enum { FORMAT = 1 };

static const char magic[4] = "clst";

/* At most 2^22 bytes a chunk and 2^32 chunks below an entry: 64 bits hold it. */
static_assert((CLASTS_LEVELS_MAX - 1) * CLASTS_SPREAD_MAX <= 32, "no shift beyond 64 bits");

uint64_t clasts_entry_bytes_min(const struct clasts *clasts)
{
    return (uint64_t)clasts->chunking.bytes_min << (clasts->spread * clasts->level);
}

uint64_t clasts_entry_bytes_max(const struct clasts *clasts)
{
    return (uint64_t)clasts->chunking.bytes_max << (clasts->spread * clasts->level);
}

/* --- encoding and decoding -------------------------------------------------------------------- */

void clasts_header_encode(const struct clasts *clasts, uint8_t target[CLASTS_HEADER_BYTES])
{
    memcpy(target + CLASTS_MAGIC_AT, magic, sizeof magic);
    target[CLASTS_FORMAT_AT] = FORMAT;
    target[CLASTS_LEVEL_AT] = (uint8_t)clasts->level;
    target[CLASTS_METHOD_AT] = (uint8_t)clasts->chunking.method;
    target[CLASTS_SPREAD_AT] = (uint8_t)clasts->spread;
    little_put32(target + CLASTS_BYTES_MIN_AT, clasts->chunking.bytes_min);
    little_put32(target + CLASTS_BYTES_AVERAGE_AT, clasts->chunking.bytes_average);
    little_put32(target + CLASTS_BYTES_MAX_AT, clasts->chunking.bytes_max);
    little_put32(target + CLASTS_COUNT_AT, clasts->count);
    little_put64(target + CLASTS_TOTAL_AT, clasts->total_bytes);
}

static int header_decode(const uint8_t *body, struct clasts *out_clasts)
{
    struct clasts clasts = {.level = body[CLASTS_LEVEL_AT], .spread = body[CLASTS_SPREAD_AT]};

    if (memcmp(body + CLASTS_MAGIC_AT, magic, sizeof magic) != 0)
        return FLUME_ERR_DAMAGED;
    if (body[CLASTS_FORMAT_AT] != FORMAT)
        return FLUME_ERR_VERSION;
    switch (body[CLASTS_METHOD_AT]) {
    case CHUNKING_FIXED:
        clasts.chunking.method = CHUNKING_FIXED;
        break;
    case CHUNKING_FASTCDC:
        clasts.chunking.method = CHUNKING_FASTCDC;
        break;
    default:
        return FLUME_ERR_VERSION;
    }
    clasts.chunking.bytes_min = little_get32(body + CLASTS_BYTES_MIN_AT);
    clasts.chunking.bytes_average = little_get32(body + CLASTS_BYTES_AVERAGE_AT);
    clasts.chunking.bytes_max = little_get32(body + CLASTS_BYTES_MAX_AT);
    clasts.count = little_get32(body + CLASTS_COUNT_AT);
    clasts.total_bytes = little_get64(body + CLASTS_TOTAL_AT);
    if (clasts.level >= CLASTS_LEVELS_MAX || !chunking_is_valid(&clasts.chunking))
        return FLUME_ERR_DAMAGED;
    if (clasts.spread < 1 || clasts.spread > CLASTS_SPREAD_MAX)
        return FLUME_ERR_DAMAGED;
    if (clasts.count < 1 || clasts.count > UINT32_C(1) << clasts.spread || clasts.total_bytes == 0)
        return FLUME_ERR_DAMAGED;
    *out_clasts = clasts;
    return FLUME_OK;
}

/* Fixed chunks: as many entries as the total takes. */
static bool count_agrees(const struct clasts *clasts)
{
    return (clasts->total_bytes - 1) / clasts_entry_bytes_max(clasts) + 1 == clasts->count;
}

/* Each entry as large as one may be, all but the last as large as one must be, and their sum is the
 * total. Ends are compared with what is left, so no sum overflows. */
static bool ends_agree(const struct clasts *clasts)
{
    uint64_t bytes_min = clasts_entry_bytes_min(clasts);
    uint64_t bytes_max = clasts_entry_bytes_max(clasts);
    uint64_t begin = 0;

    for (uint32_t i = 0; i < clasts->count; i++) {
        uint64_t end = little_get64(clasts->ends + (size_t)i * CLASTS_END_BYTES);
        uint64_t bytes = end - begin;

        if (end <= begin || bytes > bytes_max)
            return false;
        if (bytes < bytes_min && i + 1 < clasts->count)
            return false;
        begin = end;
    }
    return begin == clasts->total_bytes;
}

int clasts_decode(const void *body, size_t body_bytes, struct clasts *out_clasts)
{
    const uint8_t *bytes = body;
    struct clasts clasts;
    size_t hashes_bytes, ends_bytes = 0;
    int status;

    if (body_bytes < CLASTS_HEADER_BYTES)
        return FLUME_ERR_DAMAGED;
    status = header_decode(bytes, &clasts);
    if (status < 0)
        return status;
    hashes_bytes = (size_t)clasts.count * FLUME_HASH_BYTES;
    if (clasts_has_ends(&clasts.chunking))
        ends_bytes = (size_t)clasts.count * CLASTS_END_BYTES;
    if (body_bytes != CLASTS_HEADER_BYTES + hashes_bytes + ends_bytes)
        return FLUME_ERR_DAMAGED;
    clasts.hashes = bytes + CLASTS_HASHES_AT;
    clasts.ends = ends_bytes > 0 ? clasts.hashes + hashes_bytes : NULL;
    if (clasts.ends != NULL ? !ends_agree(&clasts) : !count_agrees(&clasts))
        return FLUME_ERR_DAMAGED;
    *out_clasts = clasts;
    return FLUME_OK;
}

/* --- entries ---------------------------------------------------------------------------------- */

static uint64_t end_of(const struct clasts *clasts, uint32_t index)
{
    uint64_t unit_bytes;

    if (clasts->ends != NULL)
        return little_get64(clasts->ends + (size_t)index * CLASTS_END_BYTES);
    if (index + 1 == clasts->count)
        return clasts->total_bytes;
    unit_bytes = clasts_entry_bytes_max(clasts);
    return (index + UINT64_C(1)) * unit_bytes;
}

struct clasts_entry clasts_entry(const struct clasts *clasts, uint32_t index)
{
    struct clasts_entry entry;

    assert(index < clasts->count);
    entry.hash = clasts->hashes + (size_t)index * FLUME_HASH_BYTES;
    entry.offset_bytes = index > 0 ? end_of(clasts, index - 1) : 0;
    entry.bytes = end_of(clasts, index) - entry.offset_bytes;
    return entry;
}

uint32_t clasts_find(const struct clasts *clasts, uint64_t offset_bytes)
{
    uint32_t low = 0, high = clasts->count - 1;

    assert(offset_bytes < clasts->total_bytes);
    if (clasts->ends == NULL)
        return (uint32_t)(offset_bytes / clasts_entry_bytes_max(clasts));
    while (low < high) { /* The first that ends behind the offset is in low .. high. */
        uint32_t middle = low + (high - low) / 2;

        if (end_of(clasts, middle) > offset_bytes)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
