/*
 * clasts_inside.h - the bytes of clasts, for clasts.c, the builder and the reader.
 */
#ifndef VIEWS_CLASTS_INSIDE_H
#define VIEWS_CLASTS_INSIDE_H

#include <assert.h>

#include "clasts.h"

enum {
    CLASTS_MAGIC_AT = 0,
    CLASTS_FORMAT_AT = 4,
    CLASTS_LEVEL_AT = 5,
    CLASTS_METHOD_AT = 6,
    CLASTS_SPREAD_AT = 7,
    CLASTS_BYTES_MIN_AT = 8,
    CLASTS_BYTES_AVERAGE_AT = 12,
    CLASTS_BYTES_MAX_AT = 16,
    CLASTS_COUNT_AT = 20,
    CLASTS_TOTAL_AT = 24,
    CLASTS_HASHES_AT = 32
};
static_assert((int)CLASTS_HASHES_AT == (int)CLASTS_HEADER_BYTES, "hashes follow the header");

/* Ends are stored where the chunking does not imply them. */
static inline bool clasts_has_ends(const struct chunking *chunking)
{
    return chunking->method != CHUNKING_FIXED;
}

/* Write a body's header. */
void clasts_header_encode(const struct clasts *clasts, uint8_t target[CLASTS_HEADER_BYTES]);

/* Content of an entry of this level of which every chunk is as small, or as large, as it may be. */
uint64_t clasts_entry_bytes_min(const struct clasts *clasts);
uint64_t clasts_entry_bytes_max(const struct clasts *clasts);

#endif
