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

static void put_escape(struct text *text, uint8_t byte)
{
    switch (byte) {
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
        text_format(text, "\\u%04x", byte);
        break;
    }
}

void object_put_string(struct text *text, const void *value, size_t bytes)
{
    const uint8_t *source = value;
    size_t plain_from = 0, at = 0;
    uint32_t point;

    text_char(text, '"');
    while (at < bytes) {
        size_t length = source[at] < 0x80 ? 1 : utf8_decode(source + at, bytes - at, &point);
        bool escape = source[at] < 0x20 || source[at] == 0x7F || source[at] == '"' ||
                      source[at] == '\\';

        if (length != 0 && !escape) {
            at += length;
            continue;
        }
        text_add(text, source + plain_from, at - plain_from);
        if (length == 0)
            text_string(text, "\xEF\xBF\xBD"); /* U+FFFD. */
        else
            put_escape(text, source[at]);
        at++;
        plain_from = at;
    }
    text_add(text, source + plain_from, at - plain_from);
    text_char(text, '"');
}

void object_put_uint(struct text *text, uint64_t value)
{
    text_format(text, value > JSON_INTEGER_MAX ? "\"%" PRIu64 "\"" : "%" PRIu64, value);
}

void object_key(struct text *text, const char *key)
{
    text_char(text, ',');
    object_put_string(text, key, strlen(key));
    text_char(text, ':');
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

void object_base64(struct text *text, const char *key, const void *value, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *source = value;
    char *room;

    object_key(text, key);
    text_char(text, '"');
    room = text_reserve(text, (bytes + 2) / 3 * 4);
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
