/*
 * object.c - writing JSON, one object a line (object.h).
 *
 * What always holds: a line contains no newline but its last byte, and is valid JSON if every
 * string given was UTF-8; bytes that are not become U+FFFD.
 */
#include "object.h"

#include "utf8.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define JSON_INTEGER_MAX (UINT64_C(1) << 53)

void object_begin(struct text *text, const char *type)
{
    text_string(text, "{\"type\":");
    object_put_string(text, type, strlen(type));
}

void object_end(struct text *text)
{
    text_string(text, "}\n");
}

/* \uXXXX, above the first plane twice. */
static void put_code(struct text *text, uint32_t point)
{
    if (point < 0x10000)
        text_format(text, "\\u%04x", (unsigned)point);
    else
        text_format(text, "\\u%04x\\u%04x", (unsigned)(0xD800 + ((point - 0x10000) >> 10)),
                    (unsigned)(0xDC00 + ((point - 0x10000) & 0x3FF)));
}

static void put_escape(struct text *text, uint32_t point)
{
    switch (point) {
    case '"':
        text_string(text, "\\\"");
        break;
    case '\\':
        text_string(text, "\\\\");
        break;
    case '\n':
        text_string(text, "\\n");
        break;
    case '\t':
        text_string(text, "\\t");
        break;
    case '\r':
        text_string(text, "\\r");
        break;
    default:
        put_code(text, point);
        break;
    }
}

/* Bytes at the beginning that need no look: printable ASCII, and of it in a string none that ends
 * or escapes. */
static size_t skip_plain(const uint8_t *source, size_t bytes, bool in_string)
{
    size_t at = 0;

    while (at < bytes && source[at] >= 0x20 && source[at] < 0x7F &&
           (!in_string || (source[at] != '"' && source[at] != '\\')))
        at++;
    return at;
}

/* Bytes as JSON has them. In a string all that may not stand there is escaped; between tokens,
 * where only white space is below 0x20, that becomes a blank. */
static void put_bytes(struct text *text, const void *value, size_t bytes, bool in_string)
{
    const uint8_t *source = bytes == 0 ? (const uint8_t *)"" : value; /* NULL has no places. */
    size_t plain_from = 0, at = 0;

    for (;;) {
        uint32_t point;
        size_t length;

        at += skip_plain(source + at, bytes - at, in_string);
        if (at >= bytes)
            break;
        point = source[at];
        length = point < 0x80 ? 1 : utf8_decode(source + at, bytes - at, &point);
        if (length > 1 && utf8_is_showable(point)) {
            at += length;
            continue;
        }
        text_add(text, source + plain_from, at - plain_from);
        if (length == 0)
            text_string(text, "\xEF\xBF\xBD"); /* U+FFFD. */
        else if (in_string)
            put_escape(text, point);
        else if (point < 0x20)
            text_char(text, ' ');
        else
            put_code(text, point);
        at += length == 0 ? 1 : length;
        plain_from = at;
    }
    text_add(text, source + plain_from, at - plain_from);
}

void object_put_string(struct text *text, const void *value, size_t bytes)
{
    text_char(text, '"');
    put_bytes(text, value, bytes, true);
    text_char(text, '"');
}

void object_put_json(struct text *text, const void *value, size_t bytes)
{
    put_bytes(text, value, bytes, false);
}

void object_put_uint(struct text *text, uint64_t value)
{
    text_format(text, value > JSON_INTEGER_MAX ? "\"%" PRIu64 "\"" : "%" PRIu64, value);
}

void object_key(struct text *text, const char *key)
{
    text_string(text, ",\"");
    text_string(text, key); /* The program's own words. */
    text_string(text, "\":");
}

void object_string(struct text *text, const char *key, const char *value)
{
    object_bytes(text, key, value, strlen(value));
}

void object_bytes(struct text *text, const char *key, const void *value, size_t bytes)
{
    object_key(text, key);
    object_put_string(text, value, bytes);
}

void object_put_base64(struct text *text, const void *value, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *source = value;
    char *room = text_reserve(text, (bytes + 2) / 3 * 4);

    if (room == NULL)
        return;
    for (size_t at = 0; at < bytes; at += 3, room += 4) {
        size_t left = bytes - at;
        uint32_t three = (uint32_t)source[at] << 16;

        if (left > 1)
            three |= (uint32_t)source[at + 1] << 8;
        if (left > 2)
            three |= source[at + 2];
        room[0] = digits[three >> 18];
        room[1] = digits[(three >> 12) & 63];
        room[2] = left > 1 ? digits[(three >> 6) & 63] : '=';
        room[3] = left > 2 ? digits[three & 63] : '=';
    }
    text->bytes += (bytes + 2) / 3 * 4;
}

void object_base64(struct text *text, const char *key, const void *value, size_t bytes)
{
    object_key(text, key);
    text_char(text, '"');
    object_put_base64(text, value, bytes);
    text_char(text, '"');
}

void object_uint(struct text *text, const char *key, uint64_t value)
{
    object_key(text, key);
    object_put_uint(text, value);
}

void object_seq(struct text *text, const char *key, uint64_t seq)
{
    if (seq != UINT64_MAX)
        object_uint(text, key, seq);
}

void object_real(struct text *text, const char *key, double value, int decimals)
{
    object_key(text, key);
    text_format(text, "%.*f", decimals, isfinite(value) ? value : 0.0);
}

void object_bool(struct text *text, const char *key, bool value)
{
    object_key(text, key);
    text_string(text, value ? "true" : "false");
}
