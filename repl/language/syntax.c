/*
 * syntax.c - the operands of a command as help shows them, taken apart (syntax.h).
 */
#include "syntax.h"

#include <string.h>

/* Bytes up to the blank that ends a place; blanks in brackets belong to it. */
static size_t place_bytes(const char *text)
{
    size_t depth = 0, i;

    for (i = 0; text[i] != '\0' && (text[i] != ' ' || depth > 0); i++) {
        if (text[i] == '[')
            depth++;
        if (text[i] == ']')
            depth--;
    }
    return i;
}

static void take_place(const char *text, size_t bytes, struct syntax_place *out)
{
    *out = (struct syntax_place){.text = text, .text_bytes = bytes};
    out->repeats = memmem(text, bytes, "...", 3) != NULL;
    if (text[0] == '[' && text[bytes - 1] == ']') {
        text++;
        bytes -= 2;
    }
    out->name = text;
    out->name_bytes = bytes;
}

bool syntax_find(const char *operands, size_t index, struct syntax_place *out)
{
    struct syntax_place place = {0};

    for (size_t i = 0;; i++) {
        size_t bytes = place_bytes(operands);

        if (bytes == 0)
            break;
        take_place(operands, bytes, &place);
        if (i == index) {
            *out = place;
            return true;
        }
        operands += bytes;
        operands += strspn(operands, " ");
    }
    if (!place.repeats)
        return false;
    *out = place;
    return true;
}

bool syntax_next(const struct syntax_place *place, size_t *io_at, const char **out_name,
                 size_t *out_bytes)
{
    const char *name = place->name + *io_at;
    const char *end;
    size_t bytes;

    if (*io_at >= place->name_bytes)
        return false;
    end = memchr(name, '|', place->name_bytes - *io_at);
    bytes = end != NULL ? (size_t)(end - name) : place->name_bytes - *io_at;
    *io_at += bytes + 1;
    if (bytes > 3 && memcmp(name + bytes - 3, "...", 3) == 0)
        bytes -= 3;
    *out_name = name;
    *out_bytes = bytes;
    return true;
}

bool syntax_is_literal(const char *name, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((name[i] < 'a' || name[i] > 'z') && name[i] != '-')
            return false;
    return bytes > 1;
}
