/*
 * content.h - BLAKE3-256 of a content that comes piece by piece.
 */
#ifndef VIEWS_CONTENT_H
#define VIEWS_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flume/find.h"

struct content_hasher;

/** NULL: no memory. Ended by content_hasher_destroy(). */
struct content_hasher *content_hasher_create(void);
/** NULL is harmless. */
void content_hasher_destroy(struct content_hasher *hasher);

void content_hasher_add(struct content_hasher *hasher, const void *data, size_t data_bytes);

/** Of what was added so far. More may be added. */
void content_hasher_get(const struct content_hasher *hasher, uint8_t out_hash[FLUME_HASH_BYTES]);

/** The opposite of flume_hash_text(). @return whether all are lower-case hexadecimal digits. */
bool content_hash_read(const char digits[FLUME_HASH_TEXT_BYTES],
                       uint8_t out_hash[FLUME_HASH_BYTES]);

#endif
