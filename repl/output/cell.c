/*
 * cell.c - one value among others on a line (cell.h).
 */
#include "cell.h"

#include <stdint.h>
#include <string.h>

#include "utf8.h"

/* Bytes of the character at the beginning that CSV can carry; 0: none. */
static size_t csv_character(const uint8_t *source, size_t bytes)
{
    uint32_t point;
    size_t length;

    if (source[0] >= 0x20 && source[0] < 0x7F)
        return 1;
    if (source[0] == '\t' || source[0] == '\n' || source[0] == '\r')
        return 1;
    length = utf8_decode(source, bytes, &point);
    /* The joiner of emoji is no character by itself, and harmless. */
    return length != 0 && (utf8_is_showable(point) || point == 0x200D) ? length : 0;
}

bool cell_csv_is_exact(const void *data, size_t bytes)
{
    const uint8_t *source = data;
    size_t length;

    for (size_t at = 0; at < bytes; at += length) {
        length = csv_character(source + at, bytes - at);
        if (length == 0)
            return false;
    }
    return true;
}

static bool needs_quotes(const uint8_t *source, size_t bytes)
{
    if (bytes == 0)
        return false;
    if (source[0] == ' ' || source[bytes - 1] == ' ')
        return true;
    for (size_t i = 0; i < bytes; i++)
        if (source[i] == '"' || source[i] == ',' || source[i] == '\n' || source[i] == '\r')
            return true;
    return false;
}

void cell_csv(struct text *target, const void *data, size_t bytes)
{
    const uint8_t *source = data;
    bool quoted = needs_quotes(source, bytes);
    size_t kept = 0, at = 0;

    if (bytes == 0)
        return; /* There may be no pointer either. */
    text_string(target, quoted ? "\"" : "");
    while (at < bytes) {
        size_t length = csv_character(source + at, bytes - at);

        if (length != 0 && source[at] != '"') {
            at += length;
            continue;
        }
        text_add(target, source + kept, at - kept);
        if (length == 0)
            text_format(target, "\\x%02x", source[at]);
        else
            text_string(target, "\"\"");
        kept = ++at;
    }
    if (kept < at) /* An empty cell may have no memory to begin in. */
        text_add(target, source + kept, at - kept);
    text_string(target, quoted ? "\"" : "");
}

void cell_md(struct text *target, const void *data, size_t bytes)
{
    struct text shown = {0};

    utf8_show(&shown, data, bytes, 0);
    for (size_t i = 0; i < shown.bytes; i++) {
        if (strchr("|<>*_`[]~", shown.data[i]) != NULL)
            text_char(target, '\\');
        text_char(target, shown.data[i]);
    }
    target->failed = target->failed || shown.failed;
    text_deinit(&shown);
}
