/*
 * row_bytes.h - numbers and bytes in a row of a view, for who makes them readable.
 */
#ifndef REPL_ROW_BYTES_H
#define REPL_ROW_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum { ROW_SEQ_BYTES = 8 };

static inline uint64_t row_get_big(const uint8_t *source)
{
    uint64_t value = 0;

    for (size_t i = 0; i < ROW_SEQ_BYTES; i++)
        value = value << 8 | source[i];
    return value;
}

static inline uint64_t row_get_little(const uint8_t *source)
{
    uint64_t value = 0;

    for (size_t i = ROW_SEQ_BYTES; i-- > 0;)
        value = value << 8 | source[i];
    return value;
}

static inline void row_add_hex(struct text *text, const uint8_t *source, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        text_format(text, "%02x", source[i]);
}

#endif
