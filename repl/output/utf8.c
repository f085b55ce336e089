/*
 * utf8.c - what is UTF-8, how wide it is on a screen, and how bytes are shown safely (utf8.h).
 *
 * What always holds: nothing that utf8_show adds contains a control character.
 */
#include "utf8.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

enum { CELLS_OF_ELLIPSIS = 3, POINT_MAX = 0x10FFFF };

/* Bytes that a lead byte announces, and the least code point that may be written so long. */
static size_t sequence_bytes(uint8_t lead, uint32_t *out_least)
{
    if (lead < 0x80) {
        *out_least = 0;
        return 1;
    }
    if ((lead & 0xE0) == 0xC0) {
        *out_least = 0x80;
        return 2;
    }
    if ((lead & 0xF0) == 0xE0) {
        *out_least = 0x800;
        return 3;
    }
    if ((lead & 0xF8) == 0xF0) {
        *out_least = 0x10000;
        return 4;
    }
    return 0;
}

size_t utf8_decode(const void *data, size_t bytes, uint32_t *out_point)
{
    static const uint8_t lead_bits[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    const uint8_t *source = data;
    uint32_t least, point;
    size_t length;

    if (bytes == 0)
        return 0;
    length = sequence_bytes(source[0], &least);
    if (length == 0 || length > bytes)
        return 0;
    point = source[0] & lead_bits[length];
    for (size_t i = 1; i < length; i++) {
        if ((source[i] & 0xC0) != 0x80)
            return 0;
        point = (point << 6) | (source[i] & 0x3Fu);
    }
    if (point < least || point > POINT_MAX || (point >= 0xD800 && point <= 0xDFFF))
        return 0;
    *out_point = point;
    return length;
}

bool utf8_valid(const void *data, size_t bytes)
{
    const uint8_t *source = data;
    uint32_t point;
    uint64_t eight;
    size_t at = 0;

    while (at < bytes) {
        /* Most text is ASCII: eight bytes at a time while none has its top bit set. */
        if (bytes - at >= 8) {
            memcpy(&eight, source + at, 8);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += 8;
                continue;
            }
        }
        size_t length = utf8_decode(source + at, bytes - at, &point);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

static size_t escape_byte(char target[8], uint8_t byte)
{
    switch (byte) {
    case '\n':
        memcpy(target, "\\n", 2);
        return 2;
    case '\t':
        memcpy(target, "\\t", 2);
        return 2;
    case '\r':
        memcpy(target, "\\r", 2);
        return 2;
    case '\\':
        memcpy(target, "\\\\", 2);
        return 2;
    default:
        return (size_t)snprintf(target, 8, "\\x%02x", byte);
    }
}

/* A character that may be put on a screen as it is. */
static bool showable(uint32_t point)
{
    bool control = point < 0x20 || (point >= 0x7F && point < 0xA0);
    /* Line and paragraph separators, and the marks that turn the direction of writing around. */
    bool disturbs = point == 0x2028 || point == 0x2029 || (point >= 0x202A && point <= 0x202E) ||
                    (point >= 0x2066 && point <= 0x2069);

    return !control && !disturbs && point != '\\';
}

static size_t cells_of(uint32_t point)
{
    int width = point < 0x80 ? 1 : wcwidth((wchar_t)point);

    return width < 0 ? 1 : (size_t)width; /* New characters are unknown to the C library. */
}

/* The next piece to show: its bytes go to piece[], *io_at advances. Returns its cells. */
static size_t next_piece(const uint8_t *source, size_t bytes, size_t *io_at, char piece[32],
                         size_t *out_piece_bytes)
{
    uint32_t point = 0;
    size_t length = utf8_decode(source + *io_at, bytes - *io_at, &point);

    if (length != 0 && showable(point)) {
        memcpy(piece, source + *io_at, length);
        *out_piece_bytes = length;
        *io_at += length;
        return cells_of(point);
    }
    if (length == 0)
        length = 1;
    *out_piece_bytes = 0;
    for (size_t i = 0; i < length; i++)
        *out_piece_bytes += escape_byte(piece + *out_piece_bytes, source[*io_at + i]);
    *io_at += length;
    return *out_piece_bytes;
}

size_t utf8_show(struct text *target, const void *data, size_t bytes, size_t cells_max)
{
    size_t at = 0, cells = 0, cut_at = target->bytes, cut_cells = 0;
    char piece[32];
    size_t piece_bytes, piece_cells;

    while (at < bytes) {
        piece_cells = next_piece(data, bytes, &at, piece, &piece_bytes);
        if (cells_max != 0 && cells + piece_cells > cells_max) {
            target->bytes = cut_at;
            text_add(target, "...", CELLS_OF_ELLIPSIS);
            return cut_cells + CELLS_OF_ELLIPSIS;
        }
        text_add(target, piece, piece_bytes);
        cells += piece_cells;
        if (cells + CELLS_OF_ELLIPSIS <= cells_max) { /* Here the ellipsis would still fit. */
            cut_at = target->bytes;
            cut_cells = cells;
        }
    }
    return cells;
}
