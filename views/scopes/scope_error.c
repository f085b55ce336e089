/*
 * scope_error.c - what went wrong with a scope, in words.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope_inside.h"
#include "text.h"

enum { SHOWN_WHOLE_BYTES = 60 };

static void __attribute__((format(printf, 3, 0)))
write_error(flume_error *error, int status, const char *format, va_list arguments)
{
    *error = (flume_error){.status = status, .seq = FLUME_SEQ_NONE};
    (void)vsnprintf(error->message, sizeof error->message, format, arguments); /* May be cut. */
}

int scope_fail(flume_scope *scope, int status, const char *format, ...)
{
    va_list arguments;

    if (scope->error.status != FLUME_OK)
        return status;
    va_start(arguments, format);
    write_error(&scope->error, status, format, arguments);
    va_end(arguments);
    return status;
}

int scope_refuse(flume_scope *scope, int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_error(&scope->refusal, status, format, arguments);
    va_end(arguments);
    return status;
}

const char *scope_show(const char *key, size_t key_bytes, char target[SCOPE_SHOWN_BYTES])
{
    size_t shown = text_cut(key, key_bytes, SHOWN_WHOLE_BYTES);
    bool is_sound = text_is_utf8(key, shown);

    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)key[i];

        target[i] = key[i];
        if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_sound))
            target[i] = '?';
    }
    (void)strcpy(target + shown, shown < key_bytes ? "..." : "");
    return target;
}

void flume_scope_error(const flume_scope *scope, flume_error *out_error)
{
    const flume_error *error = &scope->error;

    *out_error = (flume_error){.status = FLUME_OK, .seq = FLUME_SEQ_NONE};
    if (error->status == FLUME_OK)
        error = &scope->refusal;
    if (error->status != FLUME_OK)
        *out_error = *error;
}

int flume_scope_unknown(const flume_scope *scope, char **out_text)
{
    size_t bytes = 1, used = 0;
    char *text;

    for (uint32_t i = 0; i < scope->count; i++) {
        const struct scope_slot *slot = scope_slot_at(scope, i);

        if (slot->class_ == FLUME_CLASS_UNKNOWN)
            bytes += slot->key_bytes + (slot->type == NULL ? 0 : strlen(slot->type)) + 8;
    }
    text = malloc(bytes);
    if (text == NULL)
        return FLUME_ERR_NO_MEMORY;
    text[0] = '\0';
    for (uint32_t i = 0; i < scope->count; i++) {
        const struct scope_slot *slot = scope_slot_at(scope, i);
        bool has_type = slot->type != NULL && slot->type[0] != '\0';

        if (slot->class_ != FLUME_CLASS_UNKNOWN)
            continue;
        used += (size_t)snprintf(text + used, bytes - used, "%s%s%s%s%s", used > 0 ? ", " : "",
                                 slot->key, has_type ? " (" : "", has_type ? slot->type : "",
                                 has_type ? ")" : "");
    }
    *out_text = text;
    return FLUME_OK;
}

void flume_scope_free(void *text)
{
    free(text);
}
