/*
 * scope_value.h - a value as it stands in a pair: tag and payload. views/FORMAT.md, "Scopes".
 *
 * What always holds:
 *   - Equal values have equal bytes, and no value has two forms: whole numbers of whatever type are
 *     INT where they fit, every NaN is one.
 */
#ifndef VIEWS_SCOPES_SCOPE_VALUE_H
#define VIEWS_SCOPES_SCOPE_VALUE_H

#include "flume/scope.h"

enum {
    VARINT_BYTES_MAX = 5,
    SCOPE_BLOB_LENGTH_BYTES = 8, /* Behind the hash of a blob; no part of its identity. */
    SCOPE_VALUE_HEAD_BYTES = 1 + FLUME_HASH_BYTES + SCOPE_BLOB_LENGTH_BYTES
};

/* A value encoded: what is made of it, and what stands behind as it is. */
struct scope_encoded {
    uint32_t head_bytes;
    uint32_t tail_bytes;
    const void *tail; /* Borrowed from the value. */
    uint8_t head[SCOPE_VALUE_HEAD_BYTES];
};

/** LEB128. @return how many bytes. */
size_t varint_write(uint8_t target[VARINT_BYTES_MAX], uint32_t value);
/** The same read back; only the shortest form is one. @return false: there is none. */
bool varint_read(const uint8_t **io_at, const uint8_t *end, uint32_t *out_value);

/** A number as it stands behind its tag: 64 bits that sort as numbers count. */
static inline uint64_t scope_bits_of_integer(int64_t integer)
{
    return (uint64_t)integer ^ UINT64_C(1) << 63;
}
uint64_t scope_bits_of_real(double real);

/** Texts must not be longer than 32 bits can say. */
void scope_value_encode(const flume_value *value, struct scope_encoded *out_encoded);

/** Tag and payload, read in place and checked.
 * @return false: it is no value, or one that is not in its one form. */
bool scope_value_read(const uint8_t **io_at, const uint8_t *end, flume_value *out_value);

/** Of a pair that is sound: what stands behind its key. */
void scope_value_decode(const uint8_t *data, flume_value *out_value);

static inline bool scope_type_is_bytes(enum flume_value_type type)
{
    return type == FLUME_VALUE_TEXT || type == FLUME_VALUE_BYTES || type == FLUME_VALUE_SYMBOL;
}

static inline bool scope_type_is_content(enum flume_value_type type)
{
    return type == FLUME_VALUE_BLOB || type == FLUME_VALUE_HASH;
}

#endif
