/*
 * partial.c - partials: what a computation takes of a scope (flume/partial.h).
 */
#include "flume/partial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "patterns.h"
#include "rules.h"

enum { TYPES_ALL = (1u << (FLUME_VALUE_EMPTY_LIST + 1)) - 1, LINE_BYTES_MAX = 512 };

/* Its keys are variables of a scope: required ones not volatile, the types as number. */
struct flume_partial {
    char *name;
    flume_scope *keys;
    struct patterns forbidden;
    struct scope_buffer failures; /* Text, with its NUL if it has any bytes. */
};

int flume_partial_create(flume_partial **out_partial, const char *name)
{
    flume_partial *partial;

    if (out_partial == NULL || name == NULL)
        return FLUME_ERR_INVALID;
    partial = calloc(1, sizeof *partial);
    if (partial == NULL)
        return FLUME_ERR_NO_MEMORY;
    partial->name = strdup(name);
    if (partial->name == NULL || flume_scope_create(&partial->keys) != FLUME_OK) {
        flume_partial_destroy(partial);
        return FLUME_ERR_NO_MEMORY;
    }
    *out_partial = partial;
    return FLUME_OK;
}

void flume_partial_destroy(flume_partial *partial)
{
    if (partial == NULL)
        return;
    flume_scope_destroy(partial->keys);
    patterns_deinit(&partial->forbidden);
    scope_buffer_deinit(&partial->failures);
    free(partial->name);
    free(partial);
}

static int add(flume_partial *partial, const char *key, unsigned types,
               enum flume_variable_class class_)
{
    flume_variable variable = {
        .key = key, .class_ = class_, .value = {.type = FLUME_VALUE_INT, .integer = types}};
    int status;

    if (partial == NULL || key == NULL || (types & ~(unsigned)TYPES_ALL) != 0)
        return FLUME_ERR_INVALID;
    if (types == 0)
        variable.value.integer = TYPES_ALL;
    status = flume_scope_set_variable(partial->keys, &variable);
    partial->keys->error.status = FLUME_OK; /* The next one may be sound. */
    return status;
}

int flume_partial_require(flume_partial *partial, const char *key, unsigned types)
{
    return add(partial, key, types, FLUME_CLASS_INLINE);
}

int flume_partial_allow(flume_partial *partial, const char *key, unsigned types)
{
    return add(partial, key, types, FLUME_CLASS_VOLATILE);
}

/* ---- extracting ---- */

static int add_failure(flume_partial *partial, const char *key, const char *why)
{
    char line[LINE_BYTES_MAX], name[SCOPE_SHOWN_BYTES], shown[SCOPE_SHOWN_BYTES];
    int bytes = snprintf(line, sizeof line, "partial %s: %s: %s",
                         scope_show(partial->name, strlen(partial->name), name),
                         scope_show(key, strlen(key), shown), why);

    if (partial->failures.bytes > 0)
        partial->failures.data[partial->failures.bytes - 1] = '\n';
    return scope_buffer_add(&partial->failures, line, (size_t)bytes + 1) ? FLUME_OK
                                                                         : FLUME_ERR_NO_MEMORY;
}

int flume_partial_forbid(flume_partial *partial, const char *keys)
{
    char why[PATTERN_WHY_BYTES] = "";
    size_t index;
    int status;

    if (partial == NULL || keys == NULL)
        return FLUME_ERR_INVALID;
    partial->failures.bytes = 0;
    if (partial->forbidden.count == FLUME_RULES_MAX)
        return FLUME_ERR_TOO_LARGE;
    status = keys[0] != '\0' ? patterns_add(&partial->forbidden, keys, &index, why)
                             : FLUME_ERR_INVALID;
    if (status != FLUME_OK && status != FLUME_ERR_NO_MEMORY)
        (void)add_failure(partial, keys, why[0] != '\0' ? why : "a pattern that fits every key");
    return status;
}

/* One key: taken, or why not. */
static int extract(flume_partial *partial, const flume_variable *key, const flume_scope *scope,
                   flume_scope *io_scope)
{
    unsigned types = (unsigned)key->value.integer;
    char names[VALUE_TYPES_BYTES], why[VALUE_TYPES_BYTES + 60];
    const struct scope_slot *slot = NULL;
    uint32_t index;

    if (scope_search(scope, key->key, strlen(key->key), &index) &&
        scope_slot_at(scope, index)->class_ != FLUME_CLASS_IGNORE)
        slot = scope_slot_at(scope, index);
    if (slot == NULL)
        return key->class_ == FLUME_CLASS_VOLATILE ? FLUME_OK
                                                   : add_failure(partial, key->key, "is missing");
    if (!slot->has_value)
        return add_failure(partial, key->key, "is of a type that has no value here");
    if ((types >> scope_slot_type(slot) & 1) == 0) {
        value_type_names(types, names);
        (void)snprintf(why, sizeof why, "is %s, and must be %s",
                       value_type_name(scope_slot_type(slot)), names);
        return add_failure(partial, key->key, why);
    }
    return io_scope == NULL ? FLUME_OK : scope_copy_slot(slot, 0, io_scope);
}

/* Whether some pattern forbids a variable; said of the first that does. */
static int look_for_forbidden(flume_partial *partial, const struct scope_slot *slot)
{
    char why[SCOPE_SHOWN_BYTES + 40], shown[SCOPE_SHOWN_BYTES];
    const uint8_t *bits;
    uint32_t index;
    int status;

    if (slot->is_label || slot->class_ == FLUME_CLASS_IGNORE ||
        scope_search(partial->keys, slot->key, slot->key_bytes, &index))
        return FLUME_OK;
    status = patterns_match(&partial->forbidden, slot->key, slot->key_bytes + 1, &bits);
    for (size_t i = 0; status == FLUME_OK && i < partial->forbidden.count; i++)
        if (pattern_bit(bits, i)) {
            const char *text = partial->forbidden.items[i].text;

            (void)snprintf(why, sizeof why, "is forbidden by '%s'",
                           scope_show(text, strlen(text), shown));
            return add_failure(partial, slot->key, why);
        }
    return status;
}

int flume_partial_extract(flume_partial *partial, const flume_scope *scope, flume_scope *io_scope)
{
    flume_variable key;
    int status;

    if (partial == NULL || scope == NULL || scope == io_scope)
        return FLUME_ERR_INVALID;
    partial->failures.bytes = 0;
    if (io_scope != NULL)
        flume_scope_clear(io_scope);
    status = scope->error.status;
    for (size_t i = 0; status == FLUME_OK && flume_scope_at(partial->keys, i, &key); i++)
        status = extract(partial, &key, scope, io_scope);
    for (uint32_t i = 0; status == FLUME_OK && partial->forbidden.count > 0 && i < scope->count;
         i++)
        status = look_for_forbidden(partial, scope_slot_at(scope, i));
    if (status == FLUME_OK && partial->failures.bytes > 0)
        status = FLUME_ERR_INVALID;
    if (status != FLUME_OK && io_scope != NULL)
        flume_scope_clear(io_scope);
    return status;
}

const char *flume_partial_failures(const flume_partial *partial)
{
    return partial == NULL || partial->failures.bytes == 0 ? ""
                                                           : (const char *)partial->failures.data;
}
