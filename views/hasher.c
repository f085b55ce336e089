/*
 * hasher.c - BLAKE3-256 of what comes piece by piece, for callers of the library (flume/find.h).
 *
 * What always holds: the hash is that of flume_hash() over the same bytes in one piece.
 */
#include <assert.h>
#include <stdlib.h>

#include "content.h"

struct flume_hasher {
    struct content_hasher *state;
};

flume_hasher *flume_hasher_create(void)
{
    flume_hasher *hasher = malloc(sizeof *hasher);

    if (hasher == NULL)
        return NULL;
    hasher->state = content_hasher_create();
    if (hasher->state == NULL) {
        free(hasher);
        return NULL;
    }
    return hasher;
}

void flume_hasher_add(flume_hasher *hasher, const void *data, size_t data_bytes)
{
    assert(hasher != NULL);
    content_hasher_add(hasher->state, data, data_bytes);
}

void flume_hasher_get(const flume_hasher *hasher, uint8_t out_hash[FLUME_HASH_BYTES])
{
    assert(hasher != NULL);
    content_hasher_get(hasher->state, out_hash);
}

void flume_hasher_destroy(flume_hasher *hasher)
{
    if (hasher == NULL)
        return;
    content_hasher_destroy(hasher->state);
    free(hasher);
}
