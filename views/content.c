/*
 * content.c - the name of bytes by what they are: BLAKE3-256.
 *
 * The only file that calls BLAKE3. `b3sum` prints the same.
 */
#include "content.h"

#include <assert.h>
#include <blake3.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)FLUME_HASH_BYTES == BLAKE3_OUT_LEN, "BLAKE3's ordinary length");
static_assert((int)FLUME_HASH_TEXT_BYTES == 2 * FLUME_HASH_BYTES, "two digits for a byte");

static const char DIGITS[16] = "0123456789abcdef";

void flume_hash(const void *data, size_t data_bytes, uint8_t out_hash[FLUME_HASH_BYTES])
{
    blake3_hasher hasher;

    blake3_hasher_init(&hasher);
    if (data_bytes > 0) /* NULL is fine for no bytes. */
        blake3_hasher_update(&hasher, data, data_bytes);
    blake3_hasher_finalize(&hasher, out_hash, FLUME_HASH_BYTES);
}

struct content_hasher {
    blake3_hasher state;
};

struct content_hasher *content_hasher_create(void)
{
    struct content_hasher *hasher = malloc(sizeof *hasher);

    if (hasher != NULL)
        blake3_hasher_init(&hasher->state);
    return hasher;
}

void content_hasher_destroy(struct content_hasher *hasher)
{
    free(hasher);
}

void content_hasher_add(struct content_hasher *hasher, const void *data, size_t data_bytes)
{
    if (data_bytes > 0)
        blake3_hasher_update(&hasher->state, data, data_bytes);
}

void content_hasher_get(const struct content_hasher *hasher, uint8_t out_hash[FLUME_HASH_BYTES])
{
    blake3_hasher_finalize(&hasher->state, out_hash, FLUME_HASH_BYTES);
}

void flume_hash_text(const uint8_t hash[FLUME_HASH_BYTES], char out_text[FLUME_HASH_TEXT_BYTES + 1])
{
    for (size_t i = 0; i < FLUME_HASH_BYTES; i++) {
        out_text[2 * i] = DIGITS[hash[i] >> 4];
        out_text[2 * i + 1] = DIGITS[hash[i] & 15];
    }
    out_text[FLUME_HASH_TEXT_BYTES] = '\0';
}

bool content_hash_read(const char digits[FLUME_HASH_TEXT_BYTES], uint8_t out_hash[FLUME_HASH_BYTES])
{
    for (size_t i = 0; i < FLUME_HASH_TEXT_BYTES; i++) {
        const char *found = memchr(DIGITS, digits[i], sizeof DIGITS);

        if (found == NULL)
            return false;
        out_hash[i / 2] = (uint8_t)(out_hash[i / 2] << 4 | (found - DIGITS));
    }
    return true;
}
