/*
 * caret.c - a place in a line of source, made visible (caret.h).
 */
#include "caret.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "utf8.h"

enum { ELLIPSIS_CELLS = 3, CHARACTER_BYTES_MAX = 4, CLUSTER_POINTS_MAX = 16 };
enum { ZERO_WIDTH_JOINER = 0x200D };

/* Bytes of the character, or of what is none: 1. */
static size_t character_bytes(const char *data, size_t bytes)
{
    uint32_t point;
    size_t length = utf8_decode(data, bytes, &point);

    return length == 0 ? 1 : length;
}

/* Whether a character belongs to those before it: a mark, what a joiner ties to it, the colour of a
 * skin, the other half of a flag. */
static bool joins(uint32_t point, uint32_t before, bool is_second)
{
    bool are_regional = point >= 0x1F1E6 && point <= 0x1F1FF && before >= 0x1F1E6 &&
                        before <= 0x1F1FF;

    return before == ZERO_WIDTH_JOINER || wcwidth((wchar_t)point) == 0 ||
           (point >= 0x1F3FB && point <= 0x1F3FF) || (is_second && are_regional);
}

/* Bytes of a character with all that belongs to it: they are shown together. */
static size_t cluster_bytes(const char *data, size_t bytes)
{
    size_t at = character_bytes(data, bytes), length;
    uint32_t point, before = 0;

    (void)utf8_decode(data, bytes, &before); /* What is no character joins nothing. */
    for (unsigned i = 0; i < CLUSTER_POINTS_MAX && at < bytes; i++) {
        length = utf8_decode(data + at, bytes - at, &point);
        if (length == 0 || point < 0x80 || !joins(point, before, i == 0))
            break;
        before = point;
        at += length;
    }
    return at;
}

size_t caret_show(struct text *target, const char *data, size_t bytes, size_t cells_max,
                  size_t *out_cells)
{
    size_t at = 0, cells = 0;

    while (at < bytes) {
        size_t before = target->bytes, length = cluster_bytes(data + at, bytes - at), wide = 1;

        if (data[at] == '\\' && length == 1)
            text_char(target, '\\');
        else
            wide = utf8_show(target, data + at, length, 0);
        if (cells + wide > cells_max) {
            target->bytes = before;
            break;
        }
        cells += wide;
        at += length;
    }
    *out_cells = cells;
    return at;
}

static size_t count_characters(const char *data, size_t bytes)
{
    size_t count = 0;

    for (size_t at = 0; at < bytes; count++)
        at += character_bytes(data + at, bytes - at);
    return count;
}

/* So much of the end of the data that it fits. */
static size_t fitting_end(const char *data, size_t bytes, size_t cells_max)
{
    size_t from = bytes > cells_max * CHARACTER_BYTES_MAX ? bytes - cells_max * CHARACTER_BYTES_MAX
                                                          : 0;
    struct text shown = {0};
    size_t cells;

    while (from > 0 && from < bytes && (data[from] & 0xC0) == 0x80)
        from++; /* Not in the middle of a character. */
    while (caret_show(&shown, data + from, bytes - from, cells_max, &cells) < bytes - from) {
        from += cluster_bytes(data + from, bytes - from);
        text_clear(&shown);
    }
    text_deinit(&shown);
    return from;
}

static void add_ellipsis(struct text *line)
{
    text_add(line, "...", ELLIPSIS_CELLS);
}

/* What is too long is shown with a third of the room before the place. */
static void show_window(struct caret *caret, const char *line, size_t bytes, size_t at,
                        size_t marked, size_t cells_max)
{
    size_t from = fitting_end(line, at, cells_max / 3), shown, cells, room;

    if (from > 0) {
        add_ellipsis(&caret->line);
        caret->cells = ELLIPSIS_CELLS;
    }
    caret_show(&caret->line, line + from, at - from, SIZE_MAX, &cells);
    caret->cells += cells;
    room = cells_max - caret->cells - ELLIPSIS_CELLS;
    shown = caret_show(&caret->line, line + at, marked, room, &caret->marked);
    if (shown == marked) {
        room -= caret->marked;
        marked = bytes - at - shown;
        shown = caret_show(&caret->line, line + at + shown, marked, room, &cells);
    }
    if (shown < marked)
        add_ellipsis(&caret->line);
}

static void show_whole(struct caret *caret, const char *line, size_t bytes, size_t at,
                       size_t marked)
{
    size_t cells;

    caret_show(&caret->line, line, at, SIZE_MAX, &caret->cells);
    caret_show(&caret->line, line + at, marked, SIZE_MAX, &caret->marked);
    caret_show(&caret->line, line + at + marked, bytes - at - marked, SIZE_MAX, &cells);
}

/* Of a character all or nothing is marked, and nothing behind the line. */
static void take_whole_characters(const char *line, size_t bytes, size_t begins, size_t *io_at,
                                  size_t *io_marked)
{
    size_t at = utf8_fitting(line, bytes, *io_at - begins);
    size_t ends = *io_at - begins + *io_marked, whole = utf8_fitting(line, bytes, ends);

    if (whole < ends && whole < bytes)
        whole += character_bytes(line + whole, bytes - whole);
    *io_at = begins + at;
    *io_marked = whole - at;
}

void caret_init(struct caret *out, const char *source, size_t bytes, size_t at, size_t marked,
                size_t cells_max)
{
    size_t begins = at < bytes ? at : bytes, ends, cells;
    const char *newline;
    struct text trial = {0};

    *out = (struct caret){.column = 1};
    at = begins;
    while (begins > 0 && source[begins - 1] != '\n')
        begins--;
    newline = memchr(source + at, '\n', bytes - at);
    ends = newline == NULL ? bytes : (size_t)(newline - source);
    if (ends > at && source[ends - 1] == '\r')
        ends--;
    take_whole_characters(source + begins, ends - begins, begins, &at, &marked);
    for (size_t i = 0; i < begins; i++)
        out->newlines += source[i] == '\n';
    out->column = 1 + count_characters(source + begins, at - begins);
    if (caret_show(&trial, source + begins, ends - begins, cells_max, &cells) == ends - begins)
        show_whole(out, source + begins, ends - begins, at - begins, marked);
    else
        show_window(out, source + begins, ends - begins, at - begins, marked, cells_max);
    if (out->marked == 0)
        out->marked = 1;
    text_deinit(&trial);
}

void caret_deinit(struct caret *caret)
{
    text_deinit(&caret->line);
}
