/*
 * hash.c - XXH3-64 of long inputs, by the fastest instructions the machine has.
 */
#include <stddef.h>
#include <stdint.h>

#include <xxhash.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>
#endif

/* hash.h would bring the inline names in beside the library's. */
uint64_t hash_long(const void *data, size_t data_bytes, uint64_t seed);

uint64_t hash_long(const void *data, size_t data_bytes, uint64_t seed)
{
#if defined(__x86_64__)
    if (seed == 0)
        return XXH3_64bits_dispatch(data, data_bytes);
    return XXH3_64bits_withSeed_dispatch(data, data_bytes, seed);
#else
    return XXH3_64bits_withSeed(data, data_bytes, seed);
#endif
}
