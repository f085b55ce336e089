/*
 * keys.c - characters from the terminal (keys.h).
 */
#include "keys.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "utf8.h"

#define PASTE_END "\x1b[201~"
#define REPLACEMENT L'\xFFFD'
#define INTERRUPT '\x03'

enum { READ_BYTES = 64 << 10, PASTE_BYTES_MAX = 32 << 20, INTERRUPT_ALONE_MS = 100 };

/* How many bytes a character has that begins so; 0: none begins so. */
static size_t length_of(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return 2;
    if (first >= 0xE0 && first <= 0xEF)
        return 3;
    return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

static const char *bytes_ahead(const struct keys *keys)
{
    return keys->ahead.data + keys->ahead_at;
}

static size_t count_ahead(const struct keys *keys)
{
    return keys->ahead.bytes - keys->ahead_at;
}

static void drop(struct keys *keys, size_t count)
{
    keys->ahead_at += count;
    if (count_ahead(keys) == 0) {
        text_clear(&keys->ahead);
        keys->ahead_at = 0;
    }
}

bool keys_fill(struct keys *keys)
{
    char byte;
    ssize_t bytes = read(STDIN_FILENO, &byte, 1);

    if (bytes > 0)
        text_char(&keys->ahead, byte);
    return bytes > 0 || (bytes < 0 && errno == EINTR);
}

/* Whether what is there can still become the character that it begins. */
static bool may_become(const struct keys *keys, size_t length)
{
    for (size_t i = 1; i < count_ahead(keys) && i < length; i++)
        if (((unsigned char)bytes_ahead(keys)[i] & 0xC0) != 0x80)
            return false;
    return count_ahead(keys) < length;
}

bool keys_next(struct keys *keys, wchar_t *out)
{
    size_t length;
    uint32_t point;

    if (keys->types_newline) {
        keys->types_newline = false;
        *out = L'\n';
        return true;
    }
    if (count_ahead(keys) == 0)
        return false;
    length = length_of((unsigned char)bytes_ahead(keys)[0]);
    if (length == 0 || bytes_ahead(keys)[0] == '\0') {
        *out = REPLACEMENT;
        drop(keys, 1);
        return true;
    }
    if (may_become(keys, length))
        return false;
    if (utf8_decode(bytes_ahead(keys), count_ahead(keys), &point) == length) {
        *out = (wchar_t)point;
        drop(keys, length);
    } else {
        *out = REPLACEMENT;
        drop(keys, 1);
    }
    return true;
}

/* ---- pastes ---- */

/* Where the mark of the end is, or NULL. Only what is new is searched. */
static char *find_end(struct text *pasted, size_t from)
{
    size_t mark = strlen(PASTE_END);

    from = from > mark ? from - mark : 0;
    return memmem(pasted->data + from, pasted->bytes - from, PASTE_END, mark);
}

/* Ctrl-C, and nothing comes behind it: a key that a person pressed, since the mark of the end never
 * came (that of the beginning was in what was typed or shown, or the connection lost the other). */
static bool ends_with_interrupt(const struct text *pasted)
{
    struct pollfd waits = {.fd = STDIN_FILENO, .events = POLLIN};

    return pasted->data[pasted->bytes - 1] == INTERRUPT && poll(&waits, 1, INTERRUPT_ALONE_MS) == 0;
}

void keys_read_paste(struct keys *keys, int stop_descriptor)
{
    struct text *pasted = &keys->pasted;

    text_clear(pasted);
    keys->pasted_at = 0;
    while (pasted->bytes < PASTE_BYTES_MAX) {
        struct pollfd waits[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                 {.fd = stop_descriptor, .events = POLLIN}};
        size_t before = pasted->bytes;
        char *room = text_reserve(pasted, READ_BYTES), *end;
        ssize_t bytes;

        if (room == NULL || poll(waits, 2, -1) < 0 || waits[1].revents != 0)
            return;
        bytes = read(STDIN_FILENO, room, READ_BYTES);
        if (bytes <= 0)
            return; /* The next read says why. */
        pasted->bytes += (size_t)bytes;
        end = find_end(pasted, before);
        if (end != NULL) {
            size_t at = (size_t)(end - pasted->data), mark = strlen(PASTE_END);

            text_add(&keys->ahead, end + mark, pasted->bytes - at - mark);
            pasted->bytes = at;
            return;
        }
        if (ends_with_interrupt(pasted)) {
            text_clear(pasted);
            text_char(&keys->ahead, INTERRUPT);
            return;
        }
    }
}

bool keys_has_pasted(const struct keys *keys)
{
    return keys->pasted_at < keys->pasted.bytes && !keys->types_newline;
}

/* One character of what was pasted; its bytes. */
static size_t decode(struct keys *keys, const char *data, size_t bytes, wchar_t *out)
{
    uint32_t point = 0;
    size_t length = utf8_decode(data, bytes, &point);

    if (length == 0 || point == 0) {
        *out = REPLACEMENT;
        keys->replaced++;
        return 1;
    }
    *out = (wchar_t)point;
    return length;
}

wchar_t *keys_take_pasted(struct keys *keys)
{
    const char *data = keys->pasted.data;
    size_t bytes = keys->pasted.bytes, count = 0;
    size_t room = bytes - keys->pasted_at + 1;
    wchar_t *line = malloc(room * sizeof(line[0]));

    if (line == NULL)
        return NULL;
    while (keys->pasted_at < bytes) {
        char c = data[keys->pasted_at];

        if (c == '\r' || c == '\n') {
            bool is_pair = c == '\r' && keys->pasted_at + 1 < bytes &&
                           data[keys->pasted_at + 1] == '\n';

            keys->pasted_at += is_pair ? 2 : 1;
            keys->types_newline = true;
            break;
        }
        keys->pasted_at +=
            decode(keys, data + keys->pasted_at, bytes - keys->pasted_at, &line[count]);
        count++;
    }
    line[count] = L'\0';
    return line;
}

void keys_clear(struct keys *keys)
{
    text_clear(&keys->pasted);
    text_clear(&keys->ahead);
    keys->pasted_at = keys->ahead_at = keys->replaced = 0;
    keys->types_newline = false;
}

void keys_deinit(struct keys *keys)
{
    text_deinit(&keys->pasted);
    text_deinit(&keys->ahead);
}
