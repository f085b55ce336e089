/*
 * address.c - making addresses (flume/recall.h).
 *
 * What always holds:
 *   - What an address is made of is hashed with it, and the length of the space stands before it:
 *     so no scope, no data and no computation have the same address, in whatever spaces.
 */
#include "stored.h"

#include <string.h>

#include "text.h"

#define ADDRESS_DOMAIN "flume address 1" /* Hashed with its NUL. */

int address_make(enum address_of of, const char *space, const uint8_t hash[FLUME_HASH_BYTES],
                 uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    uint8_t words[sizeof ADDRESS_DOMAIN + 2 + FLUME_SPACE_BYTES_MAX + FLUME_HASH_BYTES];
    size_t space_bytes = space != NULL ? strnlen(space, FLUME_SPACE_BYTES_MAX + 1) : 0;
    size_t at = sizeof ADDRESS_DOMAIN;

    if (space_bytes > FLUME_SPACE_BYTES_MAX ||
        (space_bytes > 0 && !text_is_utf8(space, space_bytes)))
        return FLUME_ERR_INVALID;
    memcpy(words, ADDRESS_DOMAIN, sizeof ADDRESS_DOMAIN);
    words[at++] = (uint8_t)of;
    words[at++] = (uint8_t)space_bytes;
    if (space_bytes > 0)
        memcpy(words + at, space, space_bytes);
    at += space_bytes;
    memcpy(words + at, hash, FLUME_HASH_BYTES);
    flume_hash(words, at + FLUME_HASH_BYTES, out_address);
    return FLUME_OK;
}

int flume_address_of_scope(flume_scope *scope, const char *space,
                           uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    uint8_t id[FLUME_HASH_BYTES];
    int status;

    if (scope == NULL || out_address == NULL)
        return FLUME_ERR_INVALID;
    status = flume_scope_id(scope, id);
    return status == FLUME_OK ? address_make(ADDRESS_OF_SCOPE, space, id, out_address) : status;
}

int flume_address_of_hash(const uint8_t hash[FLUME_HASH_BYTES], const char *space,
                          uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    if (hash == NULL || out_address == NULL)
        return FLUME_ERR_INVALID;
    return address_make(ADDRESS_OF_DATA, space, hash, out_address);
}

int flume_address_of_data(const void *data, size_t data_bytes, const char *space,
                          uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    uint8_t hash[FLUME_HASH_BYTES];

    if ((data == NULL && data_bytes > 0) || out_address == NULL)
        return FLUME_ERR_INVALID;
    flume_hash(data_bytes > 0 ? data : "", data_bytes, hash);
    return address_make(ADDRESS_OF_DATA, space, hash, out_address);
}
