/*
 * hash.h - XXH3-64, the checksum of everything flume stores.
 *
 * Short inputs are hashed inline; longer ones by libxxhash, which chooses AVX2 or AVX-512 at run
 * time (its plain entry points are compiled for the oldest machine and a third as fast).
 */
#ifndef FLUME_HASH_H
#define FLUME_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#define XXH_NAMESPACE flume_
#include <xxhash.h>

enum { HASH_INLINE_BYTES_MAX = 240 }; /* XXH3 itself changes its method here. */

/* XXH3-64 of more than HASH_INLINE_BYTES_MAX bytes. */
uint64_t hash_long(const void *data, size_t data_bytes, uint64_t seed);

static inline uint64_t hash_bytes(const void *data, size_t data_bytes, uint64_t seed)
{
    if (data_bytes <= HASH_INLINE_BYTES_MAX)
        return XXH3_64bits_withSeed(data, data_bytes, seed);
    return hash_long(data, data_bytes, seed);
}

/* The same with seed 0: the secret is then made of constants. */
static inline uint64_t hash_unseeded(const void *data, size_t data_bytes)
{
    if (data_bytes <= HASH_INLINE_BYTES_MAX)
        return XXH3_64bits(data, data_bytes);
    return hash_long(data, data_bytes, 0);
}

#endif
