/*
 * field_key.h - values as keys whose bytes sort as the values do.
 *
 *   type        one byte (value.h)
 *   number      ten bytes
 *   text        its bytes, 0x00 written as 0x00 0xff; then 0x00 0x00; or, of a text that takes more
 *               than FIELD_KEY_TEXT_BYTES, as many of them as fit, 0x00 0x01, and the first sixteen
 *               bytes of the whole text's BLAKE3
 *
 * What always holds:
 *   - Equal values have equal keys. No key is the beginning of another, so a seq can follow it.
 *   - A smaller value has a smaller key, except among texts cut at the same bytes.
 */
#ifndef VIEWS_FIELD_KEY_H
#define VIEWS_FIELD_KEY_H

#include "value.h"

enum {
    FIELD_KEY_TEXT_BYTES = 400,
    FIELD_KEY_HASH_BYTES = 16,
    FIELD_KEY_BYTES_MAX = 1 + FIELD_KEY_TEXT_BYTES + 2 + FIELD_KEY_HASH_BYTES
};

struct field_key {
    uint8_t data[FIELD_KEY_BYTES_MAX];
    size_t bytes;
};

/** The key of a value. */
void field_key_encode(const struct value *value, struct field_key *out_key);

/** What the keys of this value and of those that cannot be told from it by order begin with: the
 * key, without the hash of a text that was cut. */
void field_key_encode_bound(const struct value *value, struct field_key *out_key);

/** What the keys of all texts that begin like this one begin with (maybe of others too). */
void field_key_encode_prefix(const char *text, size_t text_bytes, struct field_key *out_key);

/** What the keys of all values of a type begin with. */
void field_key_encode_type(enum value_type type, struct field_key *out_key);

/** The first bytes in order that are behind everything that begins with this key. */
void field_key_step_behind(struct field_key *key);

#endif
