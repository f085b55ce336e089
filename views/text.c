/*
 * text.c - see text.h.
 */
#include "text.h"

#include <stdint.h>

/* Bytes of the character that begins here; 0: none does. */
static size_t character_bytes(const uint8_t *text, size_t bytes)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = text[0];
    size_t length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t character;

    if (length <= 1)
        return length;
    if (first > 0xf4 || length > bytes)
        return 0;
    character = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (text[i] & 0x3f);
    }
    if (character < smallest[length] || character > 0x10ffff ||
        (character >= 0xd800 && character <= 0xdfff))
        return 0;
    return length;
}

bool text_is_utf8(const char *text, size_t bytes)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t done = 0;

    while (done < bytes) {
        size_t length = character_bytes(at + done, bytes - done);

        if (length == 0)
            return false;
        done += length;
    }
    return true;
}

bool text_is_line(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    }
    return text_is_utf8(text, bytes);
}

size_t text_cut(const char *text, size_t bytes, size_t bytes_max)
{
    size_t cut = bytes_max;

    if (bytes <= bytes_max)
        return bytes;
    while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
        cut--;
    return cut;
}
