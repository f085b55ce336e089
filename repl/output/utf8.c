/*
 * utf8.c - what is UTF-8, how wide it is on a screen, and how bytes are shown safely (utf8.h).
 *
 * What always holds: nothing that utf8_show adds contains a control character.
 */
#include "utf8.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { POINT_MAX = 0x10FFFF, ZERO_WIDTH_JOINER = 0x200D, CLUSTER_POINTS_MAX = 16 };

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

size_t utf8_fitting(const char *data, size_t bytes, size_t bytes_max)
{
    size_t kept = bytes <= bytes_max ? bytes : bytes_max;
    uint32_t point;

    if (kept == bytes)
        return bytes;
    /* Back to the lead byte of a character that goes on behind the room. */
    for (size_t back = 1; back < 4 && back <= kept; back++)
        if (utf8_decode(data + kept - back, bytes - kept + back, &point) > back)
            return kept - back;
    return kept;
}

static size_t escape_byte(char target[8], uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";

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
        target[0] = '\\';
        target[1] = 'x';
        target[2] = digits[byte >> 4];
        target[3] = digits[byte & 15];
        return 4;
    }
}

/* Marks that turn the direction of writing around, break lines, or cannot be seen at all. */
static bool disturbs(uint32_t point)
{
    return point == 0x061C || (point >= 0x200B && point <= 0x200F && point != ZERO_WIDTH_JOINER) ||
           (point >= 0x2028 && point <= 0x202E) || (point >= 0x2060 && point <= 0x206F) ||
           point == 0xFEFF || (point >= 0xFFF9 && point <= 0xFFFB);
}

bool utf8_is_showable(uint32_t point)
{
    bool is_control = point < 0x20 || (point >= 0x7F && point < 0xA0);

    return !is_control && !disturbs(point);
}

static size_t cells_of(uint32_t point)
{
    int width = point < 0x80 ? 1 : wcwidth((wchar_t)point);

    return width < 0 ? 1 : (size_t)width; /* New characters are unknown to the C library. */
}

static bool is_regional(uint32_t point)
{
    return point >= 0x1F1E6 && point <= 0x1F1FF;
}

static bool is_skin_tone(uint32_t point)
{
    return point >= 0x1F3FB && point <= 0x1F3FF;
}

/* A character with all that belongs to it: marks above it, what a joiner ties to it, the colour of
 * its skin, the other half of a flag. Returns its bytes; 0: what is there is to be escaped. */
static size_t take_cluster(const uint8_t *source, size_t bytes, size_t *out_cells)
{
    uint32_t first, point, before;
    size_t at = utf8_decode(source, bytes, &first), length, cells;

    if (at == 0 || !utf8_is_showable(first) || first == '\\' || cells_of(first) == 0)
        return 0; /* A mark without a character would sit on what stands before it. */
    cells = cells_of(first);
    before = first;
    for (unsigned i = 0; i < CLUSTER_POINTS_MAX; i++) {
        length = utf8_decode(source + at, bytes - at, &point);
        if (length == 0 || point < 0x80 || !utf8_is_showable(point))
            break;
        if (cells_of(point) != 0 && before != ZERO_WIDTH_JOINER &&
            !(is_skin_tone(point) && cells == 2) &&
            !(i == 0 && is_regional(first) && is_regional(point)))
            break;
        /* Terminals that do not know joiners draw more than this; those that do are more. */
        cells += before == ZERO_WIDTH_JOINER ? 0 : cells_of(point);
        before = point;
        at += length;
    }
    *out_cells = cells;
    return at;
}

/* Bytes at the beginning that are shown as they are, one cell each. */
static size_t take_plain(const uint8_t *source, size_t bytes)
{
    size_t at = 0;

    while (at < bytes && source[at] >= 0x20 && source[at] < 0x7F && source[at] != '\\')
        at++;
    /* The last may carry a mark. */
    return at < bytes && at > 0 && source[at] >= 0x80 ? at - 1 : at;
}

/* What comes next: bytes to be taken, and how they are shown. */
struct piece {
    size_t bytes; /* Of the source. */
    size_t cells;
    bool is_escaped; /* escape[0 .. cells] stands for them. */
    char escape[32];
};

static void next_piece(const uint8_t *source, size_t bytes, struct piece *out)
{
    uint32_t point;

    out->bytes = take_cluster(source, bytes, &out->cells);
    out->is_escaped = out->bytes == 0;
    if (!out->is_escaped)
        return;
    out->bytes = utf8_decode(source, bytes, &point);
    out->bytes = out->bytes == 0 ? 1 : out->bytes;
    out->cells = 0;
    for (size_t i = 0; i < out->bytes; i++)
        out->cells += escape_byte(out->escape + out->cells, source[i]);
}

static void add_piece(struct text *target, const uint8_t *source, const struct piece *piece)
{
    if (piece->is_escaped)
        text_add(target, piece->escape, piece->cells);
    else
        text_add(target, source, piece->bytes);
}

static size_t show_whole(struct text *target, const uint8_t *source, size_t bytes)
{
    size_t at = 0, cells = 0, plain;
    struct piece piece;

    while (at < bytes) {
        plain = take_plain(source + at, bytes - at);
        text_add(target, source + at, plain);
        at += plain;
        cells += plain;
        if (at == bytes)
            break;
        next_piece(source + at, bytes - at, &piece);
        add_piece(target, source + at, &piece);
        at += piece.bytes;
        cells += piece.cells;
    }
    return cells;
}

size_t utf8_show(struct text *target, const void *data, size_t bytes, size_t cells_max)
{
    const char *ellipsis = "...";
    size_t ellipsis_cells = 3;
    const uint8_t *source = data;
    size_t at = 0, cells = 0, cut_at = target->bytes, cut_cells = 0;
    struct piece piece;

    if (cells_max == 0)
        return show_whole(target, source, bytes);
    if (utf8_locale()) {
        ellipsis = "\xE2\x80\xA6";
        ellipsis_cells = 1;
    }
    while (at < bytes) {
        next_piece(source + at, bytes - at, &piece);
        if (cells + piece.cells > cells_max) {
            target->bytes = cut_at;
            text_string(target, ellipsis);
            return cut_cells + ellipsis_cells;
        }
        add_piece(target, source + at, &piece);
        at += piece.bytes;
        cells += piece.cells;
        if (cells + ellipsis_cells <= cells_max) { /* Here the ellipsis would still fit. */
            cut_at = target->bytes;
            cut_cells = cells;
        }
    }
    return cells;
}

void utf8_show_lines(struct text *target, const void *data, size_t bytes)
{
    const uint8_t *source = data;
    size_t from = 0;

    for (size_t at = 0; at < bytes; at++) {
        if (source[at] != '\n' && source[at] != '\t' && source[at] != '\\')
            continue;
        show_whole(target, source + from, at - from);
        text_char(target, (char)source[at]);
        from = at + 1;
    }
    if (from < bytes)
        show_whole(target, source + from, bytes - from);
}

size_t utf8_cells(const void *data, size_t bytes, size_t cells_max)
{
    const uint8_t *source = data;
    size_t at = 0, cells = 0;
    struct piece piece;

    while (at < bytes && cells < cells_max) {
        next_piece(source + at, bytes - at, &piece);
        at += piece.bytes;
        cells += piece.cells;
    }
    return cells < cells_max ? cells : cells_max;
}

bool utf8_locale(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    /* Not the program's own locale, which is UTF-8 in any case. */
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i]);

        if (value != NULL && *value != '\0')
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}
