/*
 * bytes.h - little-endian integers in byte arrays.
 *
 * What always holds: bytes on disk are little-endian on every machine, at any alignment.
 */
#ifndef FLUME_BYTES_H
#define FLUME_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void put_le16(uint8_t *target, uint16_t value)
{
    value = htole16(value);
    memcpy(target, &value, sizeof value);
}

static inline void put_le32(uint8_t *target, uint32_t value)
{
    value = htole32(value);
    memcpy(target, &value, sizeof value);
}

static inline void put_le64(uint8_t *target, uint64_t value)
{
    value = htole64(value);
    memcpy(target, &value, sizeof value);
}

static inline uint16_t get_le16(const uint8_t *source)
{
    uint16_t value;

    memcpy(&value, source, sizeof value);
    return le16toh(value);
}

static inline uint32_t get_le32(const uint8_t *source)
{
    uint32_t value;

    memcpy(&value, source, sizeof value);
    return le32toh(value);
}

static inline uint64_t get_le64(const uint8_t *source)
{
    uint64_t value;

    memcpy(&value, source, sizeof value);
    return le64toh(value);
}

static inline uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

#endif
