/*
 * little.h - little- and big-endian integers in bytes. Big-endian ones sort as they count.
 */
#ifndef VIEWS_LITTLE_H
#define VIEWS_LITTLE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t little_get32(const uint8_t *source)
{
    uint32_t value;

    memcpy(&value, source, sizeof value);
    return le32toh(value);
}

static inline uint64_t little_get64(const uint8_t *source)
{
    uint64_t value;

    memcpy(&value, source, sizeof value);
    return le64toh(value);
}

static inline void little_put32(uint8_t *target, uint32_t value)
{
    value = htole32(value);
    memcpy(target, &value, sizeof value);
}

static inline void little_put64(uint8_t *target, uint64_t value)
{
    value = htole64(value);
    memcpy(target, &value, sizeof value);
}

static inline uint64_t big_get64(const uint8_t *source)
{
    uint64_t value;

    memcpy(&value, source, sizeof value);
    return be64toh(value);
}

static inline void big_put64(uint8_t *target, uint64_t value)
{
    value = htobe64(value);
    memcpy(target, &value, sizeof value);
}

#endif
