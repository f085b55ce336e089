/*
 * text.c - a growing piece of memory that output is put together in (text.h).
 */
#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_FIRST = 256 };

char *text_reserve(struct text *text, size_t bytes)
{
    size_t capacity = text->capacity == 0 ? TEXT_BYTES_FIRST : text->capacity;
    char *data;

    if (text->failed || bytes > SIZE_MAX / 4 - text->bytes)
        goto fail;
    while (capacity < text->bytes + bytes)
        capacity *= 2;
    if (capacity != text->capacity) {
        data = realloc(text->data, capacity);
        if (data == NULL)
            goto fail;
        text->data = data;
        text->capacity = capacity;
    }
    return text->data + text->bytes;
fail:
    text->failed = true;
    return NULL;
}

void text_add(struct text *text, const void *data, size_t bytes)
{
    char *room = text_reserve(text, bytes);

    if (room == NULL || bytes == 0)
        return;
    memcpy(room, data, bytes);
    text->bytes += bytes;
}

void text_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_char(struct text *text, char c)
{
    text_add(text, &c, 1);
}

void text_format_list(struct text *text, const char *format, va_list arguments)
{
    char small[512];
    va_list again;
    char *room;
    int length;

    va_copy(again, arguments);
    length = vsnprintf(small, sizeof(small), format, arguments);
    if (length >= 0 && (size_t)length < sizeof(small)) {
        text_add(text, small, (size_t)length);
    } else if (length >= 0) {
        room = text_reserve(text, (size_t)length + 1);
        if (room != NULL) {
            vsnprintf(room, (size_t)length + 1, format, again);
            text->bytes += (size_t)length;
        }
    }
    va_end(again);
}

void text_format(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_format_list(text, format, arguments);
    va_end(arguments);
}

const char *text_c_string(struct text *text)
{
    char *room = text_reserve(text, 1);

    if (room == NULL)
        return "";
    *room = '\0';
    return text->data;
}

void text_clear(struct text *text)
{
    text->bytes = 0;
    text->failed = false;
}

void text_deinit(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}
