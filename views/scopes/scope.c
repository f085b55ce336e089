/*
 * scope.c - scopes as values: making them, and looking into them. scope_inside.h says what they are
 * made of.
 */
#include "flume/scope.h"

#include <stdlib.h>
#include <string.h>

#include "scope_inside.h"

int flume_scope_create(flume_scope **out_scope)
{
    flume_scope *scope = calloc(1, sizeof *scope);

    if (scope == NULL)
        return FLUME_ERR_NO_MEMORY;
    *out_scope = scope;
    return FLUME_OK;
}

void flume_scope_destroy(flume_scope *scope)
{
    if (scope == NULL)
        return;
    for (uint32_t i = 0; i < scope->capacity; i++) {
        free(scope->slots[i].key);
        free(scope->slots[i].pair);
        free(scope->slots[i].type);
        free(scope->slots[i].kept);
    }
    free(scope->slots);
    free(scope->order);
    free(scope->pairs.pairs);
    tokens_deinit(&scope->kept.tokens);
    free(scope->image);
    free(scope->local_image);
    free(scope->label_list);
    free(scope);
}

void flume_scope_clear(flume_scope *scope)
{
    /* The same variables, set in the same order, find the memory that they had. */
    for (uint32_t i = 0; i < scope->capacity; i++)
        scope->order[i] = i;
    scope->count = 0;
    scope->first_label = 0;
    scope->label_count = 0;
    scope->label_meta_bytes = 0;
    memset(scope->class_count, 0, sizeof scope->class_count);
    scope->laid_out = false;
    scope->id_known = false;
    scope->error.status = FLUME_OK;
    scope->refusal.status = FLUME_OK;
}

/* ---- copying ---- */

static int copy_kept(const struct scope_slot *source, flume_scope *copy)
{
    struct scope_slot *target;
    uint32_t index;

    if (!scope_find(copy, source->key, source->key_bytes, &index))
        return FLUME_OK;
    target = scope_slot_at(copy, index);
    target->plain_type = source->plain_type;
    if (source->content == NULL || source->content != source->kept)
        return FLUME_OK;
    if (!scope_reserve((void **)&target->kept, &target->kept_capacity, source->content_bytes, 1))
        return FLUME_ERR_NO_MEMORY;
    memcpy(target->kept, source->kept, source->content_bytes);
    target->content = target->kept;
    return FLUME_OK;
}

int scope_copy_slot(const struct scope_slot *source, unsigned more_flags, flume_scope *copy)
{
    struct scope_setting setting = {.type = source->type,
                                    .class_ = (enum flume_variable_class)source->class_,
                                    .flags = source->flags | more_flags,
                                    .has_value = source->has_value,
                                    .is_label = source->is_label,
                                    .is_inherited = source->is_inherited,
                                    .content = source->content,
                                    .content_bytes = source->content_bytes};
    int status;

    scope_value_decode(source->pair + source->value_at, &setting.value);
    status = scope_put(copy, source->key, source->key_bytes, &setting);
    if (status < 0)
        return status;
    if (source->is_label) {
        copy->label_count++;
        copy->label_meta_bytes += source->key_bytes - SCOPE_LABEL_PREFIX_BYTES + 2;
    }
    return copy_kept(source, copy);
}

int scope_copy_into(const flume_scope *scope, flume_scope *copy)
{
    int status = FLUME_OK;

    flume_scope_clear(copy);
    copy->is_loose = false; /* What is copied stays what it is. */
    for (uint32_t i = 0; status == FLUME_OK && i < scope->count; i++)
        status = scope_copy_slot(scope_slot_at(scope, i), 0, copy);
    copy->is_loose = scope->is_loose;
    if (status == FLUME_OK)
        copy->error = scope->error; /* What it lacks, the copy lacks. */
    return status;
}

int flume_scope_copy(const flume_scope *scope, flume_scope **out_scope)
{
    flume_scope *copy = NULL;
    int status = flume_scope_create(&copy);

    if (status == FLUME_OK)
        status = scope_copy_into(scope, copy);
    if (status < 0) {
        flume_scope_destroy(copy);
        return status;
    }
    *out_scope = copy;
    return FLUME_OK;
}

/* ---- looking ---- */

static void describe(const struct scope_slot *slot, flume_variable *out_variable)
{
    *out_variable = (flume_variable){.key = slot->key,
                                     .type = slot->type == NULL ? "" : slot->type,
                                     .class_ = (enum flume_variable_class)slot->class_,
                                     .flags = slot->flags,
                                     .content = slot->content,
                                     .content_bytes = slot->content_bytes};
    scope_value_decode(slot->pair + slot->value_at, &out_variable->value);
}

size_t flume_scope_count(const flume_scope *scope)
{
    return scope->count - scope->label_count;
}

bool flume_scope_at(const flume_scope *scope, size_t index, flume_variable *out_variable)
{
    if (index >= flume_scope_count(scope))
        return false;
    if (index >= scope->first_label)
        index += scope->label_count;
    describe(scope_slot_at(scope, (uint32_t)index), out_variable);
    return true;
}

bool flume_scope_get(const flume_scope *scope, const char *key, flume_variable *out_variable)
{
    uint32_t index;

    if (key == NULL || !scope_search(scope, key, strlen(key), &index) ||
        scope_slot_at(scope, index)->is_label)
        return false;
    describe(scope_slot_at(scope, index), out_variable);
    return true;
}

int flume_scope_unset(flume_scope *scope, const char *key)
{
    uint32_t index;

    if (key == NULL || !scope_find(scope, key, strlen(key), &index) ||
        scope_slot_at(scope, index)->is_label)
        return FLUME_ERR_NOT_FOUND;
    scope_remove(scope, index);
    return FLUME_OK;
}

/* ---- setting, type by type ---- */

static int set(flume_scope *scope, const char *key, const flume_value *value)
{
    struct scope_setting setting = {.value = *value, .has_value = true};

    if (key == NULL)
        return scope_fail(scope, FLUME_ERR_INVALID, "a variable has no name: its key is NULL");
    return scope_put(scope, key, strlen(key), &setting);
}

int flume_scope_set(flume_scope *scope, const char *key, const flume_value *value)
{
    flume_variable variable = {.key = key, .type = "", .value = *value};

    return flume_scope_set_variable(scope, &variable);
}

int flume_scope_set_null(flume_scope *scope, const char *key)
{
    return set(scope, key, &(flume_value){.type = FLUME_VALUE_NULL});
}

int flume_scope_set_bool(flume_scope *scope, const char *key, bool value)
{
    return set(scope, key, &(flume_value){.type = FLUME_VALUE_BOOL, .boolean = value});
}

int flume_scope_set_int(flume_scope *scope, const char *key, int64_t value)
{
    if (key != NULL &&
        scope_put_number(scope, key, NULL, FLUME_VALUE_INT, scope_bits_of_integer(value)))
        return FLUME_OK;
    return set(scope, key, &(flume_value){.type = FLUME_VALUE_INT, .integer = value});
}

int flume_scope_set_uint(flume_scope *scope, const char *key, uint64_t value)
{
    return set(scope, key, &(flume_value){.type = FLUME_VALUE_UINT, .natural = value});
}

int flume_scope_set_f64(flume_scope *scope, const char *key, double value)
{
    if (key != NULL &&
        scope_put_number(scope, key, NULL, FLUME_VALUE_F64, scope_bits_of_real(value)))
        return FLUME_OK;
    return set(scope, key, &(flume_value){.type = FLUME_VALUE_F64, .real = value});
}

static int set_string(flume_scope *scope, const char *key, enum flume_value_type type,
                      const char *text)
{
    flume_value value = {.type = type};

    if (text == NULL)
        return scope_fail(scope, FLUME_ERR_INVALID, "the text of variable '%.80s' is NULL",
                          key == NULL ? "" : key);
    value.bytes = (flume_bytes){text, strlen(text)};
    return set(scope, key, &value);
}

int flume_scope_set_text(flume_scope *scope, const char *key, const char *text)
{
    return set_string(scope, key, FLUME_VALUE_TEXT, text);
}

int flume_scope_set_symbol(flume_scope *scope, const char *key, const char *symbol)
{
    return set_string(scope, key, FLUME_VALUE_SYMBOL, symbol);
}

int flume_scope_set_bytes(flume_scope *scope, const char *key, const void *data, size_t data_bytes)
{
    return set(scope, key, &(flume_value){.type = FLUME_VALUE_BYTES, .bytes = {data, data_bytes}});
}

int flume_scope_set_time(flume_scope *scope, const char *key, int64_t time_ns)
{
    return set(scope, key, &(flume_value){.type = FLUME_VALUE_TIME, .integer = time_ns});
}

int flume_scope_set_content(flume_scope *scope, const char *key, const char *type, const void *data,
                            size_t data_bytes)
{
    flume_variable variable = {.key = key,
                               .type = type,
                               .class_ = FLUME_CLASS_BLOB,
                               .content = data_bytes == 0 ? "" : data,
                               .content_bytes = data_bytes};

    if (data == NULL && data_bytes > 0)
        return scope_fail(scope, FLUME_ERR_INVALID, "the content of variable '%.80s' is at NULL",
                          key == NULL ? "" : key);
    return flume_scope_set_variable(scope, &variable);
}
