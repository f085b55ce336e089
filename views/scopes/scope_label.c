/*
 * scope_label.c - the labels of a scope: variables "@label/TEXT" that are null.
 */
#include <string.h>

#include "scope_inside.h"
#include "text.h"

/* Of what a record has for labels; the rest is for what it says of blobs. */
enum { META_BYTES_MAX = FLUME_META_BYTES_MAX - 63 };

static int check(flume_scope *scope, const char *text, size_t bytes)
{
    char shown[SCOPE_SHOWN_BYTES];

    if (bytes == 0)
        return scope_fail(scope, FLUME_ERR_INVALID, "a label is empty: it has 1 to %d bytes",
                          FLUME_LABEL_BYTES_MAX);
    if (bytes > FLUME_LABEL_BYTES_MAX)
        return scope_fail(scope, FLUME_ERR_TOO_LARGE,
                          "label '%s' has %zu bytes, and at most %d are allowed: shorten it",
                          scope_show(text, bytes, shown), bytes, FLUME_LABEL_BYTES_MAX);
    if (text[0] == '@')
        return scope_fail(scope, FLUME_ERR_INVALID,
                          "label '%s' begins with '@', which is kept for flume: name it otherwise",
                          scope_show(text, bytes, shown));
    if (!text_is_line(text, bytes))
        return scope_fail(scope, FLUME_ERR_INVALID,
                          "label '%s' is not UTF-8, or has control bytes in it",
                          scope_show(text, bytes, shown));
    return FLUME_OK;
}

static int check_meta(flume_scope *scope, const char *text, size_t bytes)
{
    char shown[SCOPE_SHOWN_BYTES];

    if (scope->label_meta_bytes + bytes + 2 <= META_BYTES_MAX)
        return FLUME_OK;
    return scope_fail(scope, FLUME_ERR_TOO_LARGE,
                      "no room for label '%s': with %zu labels the record's %d bytes for them are "
                      "full",
                      scope_show(text, bytes, shown), (size_t)scope->label_count, META_BYTES_MAX);
}

int scope_label_add(flume_scope *scope, const char *text, size_t bytes, bool is_inherited)
{
    struct scope_setting setting = {
        .has_value = true, .is_label = true, .is_inherited = is_inherited};
    char key[SCOPE_LABEL_PREFIX_BYTES + FLUME_LABEL_BYTES_MAX];
    size_t key_bytes = SCOPE_LABEL_PREFIX_BYTES + bytes;
    uint32_t index;
    int status = check(scope, text, bytes);

    if (status < 0)
        return status;
    memcpy(key, SCOPE_LABEL_PREFIX, SCOPE_LABEL_PREFIX_BYTES);
    memcpy(key + SCOPE_LABEL_PREFIX_BYTES, text, bytes);
    if (scope_search(scope, key, key_bytes, &index)) {
        struct scope_slot *slot = scope_slot_at(scope, index);

        slot->is_inherited = slot->is_inherited && is_inherited;
        return FLUME_OK;
    }
    status = check_meta(scope, text, bytes);
    if (status == FLUME_OK)
        status = scope_put(scope, key, key_bytes, &setting);
    if (status < 0)
        return status;
    scope->label_count++;
    scope->label_meta_bytes += (uint32_t)bytes + 2;
    return FLUME_OK;
}

int flume_scope_label(flume_scope *scope, const char *label)
{
    if (label == NULL)
        return scope_fail(scope, FLUME_ERR_INVALID, "a label is NULL");
    return scope_label_add(scope, label, strlen(label), false);
}

int scope_label_inherit(flume_scope *scope, const char *label)
{
    return scope_label_add(scope, label, strlen(label), true);
}

size_t flume_scope_label_count(const flume_scope *scope)
{
    return scope->label_count;
}

const char *flume_scope_label_at(const flume_scope *scope, size_t index)
{
    if (index >= scope->label_count)
        return NULL;
    return scope_slot_at(scope, scope->first_label + (uint32_t)index)->key +
           SCOPE_LABEL_PREFIX_BYTES;
}
