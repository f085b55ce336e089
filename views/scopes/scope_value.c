/*
 * scope_value.c - see scope_value.h.
 */
#include "scope_value.h"

#include <math.h>
#include <string.h>

#include "little.h"
#include "text.h"

#define SIGN_BIT (UINT64_C(1) << 63)
#define QUIET_NAN UINT64_C(0x7ff8000000000000)

enum { NUMBER_BYTES = 8 };

size_t varint_write(uint8_t target[VARINT_BYTES_MAX], uint32_t value)
{
    size_t bytes = 0;

    while (value >= 0x80) {
        target[bytes++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    target[bytes++] = (uint8_t)value;
    return bytes;
}

bool varint_read(const uint8_t **io_at, const uint8_t *end, uint32_t *out_value)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < VARINT_BYTES_MAX && *io_at + i < end; i++) {
        uint8_t byte = (*io_at)[i];

        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte >= 0x80)
            continue;
        if ((byte == 0 && i > 0) || value > UINT32_MAX)
            return false; /* A shorter form says the same; or it says too much. */
        *io_at += i + 1;
        *out_value = (uint32_t)value;
        return true;
    }
    return false;
}

/* ---- numbers, in bytes that sort as they count ---- */

uint64_t scope_bits_of_real(double real)
{
    uint64_t bits;

    if (isnan(real))
        bits = QUIET_NAN;
    else
        memcpy(&bits, &real, sizeof bits);
    return (bits & SIGN_BIT) != 0 ? ~bits : bits | SIGN_BIT;
}

static double real_of_bits(uint64_t bits)
{
    double real;

    bits = (bits & SIGN_BIT) != 0 ? bits & ~SIGN_BIT : ~bits;
    memcpy(&real, &bits, sizeof real);
    return real;
}

static void encode_number(enum flume_value_type type, uint64_t number, struct scope_encoded *out)
{
    out->head[0] = (uint8_t)type;
    big_put64(out->head + 1, number);
    out->head_bytes = 1 + NUMBER_BYTES;
}

static void encode_natural(uint64_t natural, struct scope_encoded *out)
{
    if (natural <= INT64_MAX)
        encode_number(FLUME_VALUE_INT, scope_bits_of_integer((int64_t)natural), out);
    else
        encode_number(FLUME_VALUE_UINT, natural, out);
}

static void encode_content(const flume_value *value, struct scope_encoded *out)
{
    memcpy(out->head + 1, value->content.hash, FLUME_HASH_BYTES);
    out->head_bytes = 1 + FLUME_HASH_BYTES;
    if (value->type == FLUME_VALUE_HASH)
        return;
    big_put64(out->head + out->head_bytes, value->content.bytes);
    out->head_bytes += SCOPE_BLOB_LENGTH_BYTES;
}

void scope_value_encode(const flume_value *value, struct scope_encoded *out_encoded)
{
    out_encoded->head[0] = (uint8_t)value->type;
    out_encoded->head_bytes = 1;
    out_encoded->tail = NULL;
    out_encoded->tail_bytes = 0;
    switch (value->type) {
    case FLUME_VALUE_NULL:
    case FLUME_VALUE_EMPTY_MAP:
    case FLUME_VALUE_EMPTY_LIST:
        break;
    case FLUME_VALUE_BOOL:
        out_encoded->head[out_encoded->head_bytes++] = value->boolean;
        break;
    case FLUME_VALUE_INT:
    case FLUME_VALUE_TIME:
        encode_number(value->type, scope_bits_of_integer(value->integer), out_encoded);
        break;
    case FLUME_VALUE_UINT:
        encode_natural(value->natural, out_encoded);
        break;
    case FLUME_VALUE_F64:
        encode_number(value->type, scope_bits_of_real(value->real), out_encoded);
        break;
    case FLUME_VALUE_TEXT:
    case FLUME_VALUE_BYTES:
    case FLUME_VALUE_SYMBOL:
        out_encoded->tail = value->bytes.data;
        out_encoded->tail_bytes = (uint32_t)value->bytes.bytes;
        out_encoded->head_bytes +=
            (uint32_t)varint_write(out_encoded->head + 1, out_encoded->tail_bytes);
        break;
    case FLUME_VALUE_BLOB:
    case FLUME_VALUE_HASH:
        encode_content(value, out_encoded);
        break;
    }
}

/* ---- reading ---- */

static bool read_number(const uint8_t **io_at, const uint8_t *end, flume_value *value)
{
    uint64_t number;

    if (end - *io_at < NUMBER_BYTES)
        return false;
    number = big_get64(*io_at);
    *io_at += NUMBER_BYTES;
    if (value->type == FLUME_VALUE_UINT) {
        value->natural = number;
        return number > INT64_MAX;
    }
    if (value->type == FLUME_VALUE_F64) {
        value->real = real_of_bits(number);
        return scope_bits_of_real(value->real) == number; /* Of NaN there is one. */
    }
    value->integer = (int64_t)(number ^ SIGN_BIT);
    return true;
}

static bool read_bytes(const uint8_t **io_at, const uint8_t *end, flume_value *value)
{
    uint32_t bytes;

    if (!varint_read(io_at, end, &bytes) || bytes > FLUME_SCOPE_VALUE_BYTES_MAX ||
        (size_t)(end - *io_at) < bytes)
        return false;
    value->bytes = (flume_bytes){*io_at, bytes};
    *io_at += bytes;
    return value->type == FLUME_VALUE_BYTES || text_is_utf8(value->bytes.data, bytes);
}

static bool read_content(const uint8_t **io_at, const uint8_t *end, flume_value *value)
{
    size_t bytes = FLUME_HASH_BYTES;

    if (value->type == FLUME_VALUE_BLOB)
        bytes += SCOPE_BLOB_LENGTH_BYTES;
    if ((size_t)(end - *io_at) < bytes)
        return false;
    memcpy(value->content.hash, *io_at, FLUME_HASH_BYTES);
    value->content.bytes = value->type == FLUME_VALUE_BLOB ? big_get64(*io_at + FLUME_HASH_BYTES)
                                                           : 0;
    *io_at += bytes;
    return true;
}

bool scope_value_read(const uint8_t **io_at, const uint8_t *end, flume_value *out_value)
{
    if (*io_at == end || **io_at > FLUME_VALUE_EMPTY_LIST)
        return false;
    out_value->type = (enum flume_value_type) * (*io_at)++;
    switch (out_value->type) {
    case FLUME_VALUE_NULL:
    case FLUME_VALUE_EMPTY_MAP:
    case FLUME_VALUE_EMPTY_LIST:
        return true;
    case FLUME_VALUE_BOOL:
        if (*io_at == end || **io_at > 1)
            return false;
        out_value->boolean = *(*io_at)++ != 0;
        return true;
    case FLUME_VALUE_INT:
    case FLUME_VALUE_TIME:
    case FLUME_VALUE_UINT:
    case FLUME_VALUE_F64:
        return read_number(io_at, end, out_value);
    case FLUME_VALUE_TEXT:
    case FLUME_VALUE_BYTES:
    case FLUME_VALUE_SYMBOL:
        return read_bytes(io_at, end, out_value);
    case FLUME_VALUE_BLOB:
    case FLUME_VALUE_HASH:
        return read_content(io_at, end, out_value);
    }
    return false;
}

void scope_value_decode(const uint8_t *data, flume_value *out_value)
{
    const uint8_t *at = data + 1;
    uint32_t bytes = 0;

    memset(out_value, 0, sizeof *out_value);
    out_value->type = (enum flume_value_type)data[0];
    switch (out_value->type) {
    case FLUME_VALUE_NULL:
    case FLUME_VALUE_EMPTY_MAP:
    case FLUME_VALUE_EMPTY_LIST:
        break;
    case FLUME_VALUE_BOOL:
        out_value->boolean = *at != 0;
        break;
    case FLUME_VALUE_INT:
    case FLUME_VALUE_TIME:
        out_value->integer = (int64_t)(big_get64(at) ^ SIGN_BIT);
        break;
    case FLUME_VALUE_UINT:
        out_value->natural = big_get64(at);
        break;
    case FLUME_VALUE_F64:
        out_value->real = real_of_bits(big_get64(at));
        break;
    case FLUME_VALUE_TEXT:
    case FLUME_VALUE_BYTES:
    case FLUME_VALUE_SYMBOL:
        (void)varint_read(&at, at + VARINT_BYTES_MAX, &bytes); /* It is there: the pair is sound. */
        out_value->bytes = (flume_bytes){at, bytes};
        break;
    case FLUME_VALUE_BLOB:
        out_value->content.bytes = big_get64(at + FLUME_HASH_BYTES);
        memcpy(out_value->content.hash, at, FLUME_HASH_BYTES);
        break;
    case FLUME_VALUE_HASH:
        memcpy(out_value->content.hash, at, FLUME_HASH_BYTES);
        break;
    }
}
