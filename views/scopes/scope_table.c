/*
 * scope_table.c - the variables of a scope in order: slots that are found, added and taken out.
 *
 * A key is looked for where the same text was found last (a program sets its variables again and
 * again through the same literals), and then by halving. Texts are compared in either case.
 */
#include <stdlib.h>
#include <string.h>

#include "scope_inside.h"

enum { SLOTS_FIRST = 32, KEY_BYTES_FIRST = 24 };

int scope_key_compare(const void *one, size_t one_bytes, const void *other, size_t other_bytes)
{
    int order = memcmp(one, other, one_bytes < other_bytes ? one_bytes : other_bytes);

    if (order != 0)
        return order;
    return (one_bytes > other_bytes) - (one_bytes < other_bytes);
}

bool scope_reserve(void **io_array, size_t *io_capacity, size_t wanted, size_t element_bytes)
{
    size_t capacity = *io_capacity < 16 ? 16 : *io_capacity;
    void *array;

    if (wanted <= *io_capacity)
        return true;
    while (capacity < wanted)
        capacity *= 2;
    array = realloc(*io_array, capacity * element_bytes);
    if (array == NULL)
        return false;
    *io_array = array;
    *io_capacity = capacity;
    return true;
}

/* ---- finding ---- */

static uint16_t *place_of_text(flume_scope *scope, const char *key)
{
    uint64_t mixed = (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);

    return &scope->found[mixed >> (64 - SCOPE_FOUND_BITS)];
}

static bool is_key(const struct scope_slot *slot, const char *key, size_t key_bytes)
{
    return slot->key_bytes == key_bytes && memcmp(slot->key, key, key_bytes) == 0;
}

bool scope_search(const flume_scope *scope, const char *key, size_t key_bytes, uint32_t *out_index)
{
    uint32_t low = 0, high = scope->count;

    if (high > 0) { /* Keys that come in order are added at the end. */
        const struct scope_slot *last = scope_slot_at(scope, high - 1);

        if (scope_key_compare(last->key, last->key_bytes, key, key_bytes) < 0)
            low = high;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct scope_slot *slot = scope_slot_at(scope, middle);
        int order = scope_key_compare(slot->key, slot->key_bytes, key, key_bytes);

        if (order == 0) {
            *out_index = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *out_index = low;
    return false;
}

bool scope_find_text(flume_scope *scope, const char *key, uint32_t *out_index)
{
    uint32_t place = *place_of_text(scope, key);

    if (place < scope->count && strcmp(scope_slot_at(scope, place)->key, key) == 0) {
        *out_index = place;
        return true;
    }
    return scope_find(scope, key, strlen(key), out_index);
}

bool scope_find(flume_scope *scope, const char *key, size_t key_bytes, uint32_t *out_index)
{
    uint16_t *place = place_of_text(scope, key);

    if (*place < scope->count && is_key(scope_slot_at(scope, *place), key, key_bytes)) {
        *out_index = *place;
        return true;
    }
    if (!scope_search(scope, key, key_bytes, out_index))
        return false;
    *place = (uint16_t)*out_index; /* A guess, if there are more. */
    return true;
}

/* ---- adding and taking out ---- */

static int grow(flume_scope *scope)
{
    uint32_t capacity = scope->capacity == 0 ? SLOTS_FIRST : 2 * scope->capacity;
    struct scope_slot *slots = realloc(scope->slots, capacity * sizeof *slots);
    uint32_t *order;

    if (slots == NULL)
        return FLUME_ERR_NO_MEMORY;
    scope->slots = slots;
    order = realloc(scope->order, capacity * sizeof *order);
    if (order == NULL)
        return FLUME_ERR_NO_MEMORY;
    scope->order = order;
    memset(slots + scope->capacity, 0, (capacity - scope->capacity) * sizeof *slots);
    for (uint32_t i = scope->capacity; i < capacity; i++)
        order[i] = i;
    scope->capacity = capacity;
    return FLUME_OK;
}

/* Room for a key, and for its pair with a number as value. */
static int prepare_slot(struct scope_slot *slot, size_t key_bytes)
{
    uint32_t key_wanted = (uint32_t)key_bytes + 1;
    uint32_t pair_wanted = key_wanted + VARINT_BYTES_MAX + SCOPE_VALUE_HEAD_BYTES;

    if (slot->key_capacity < key_wanted) {
        uint32_t capacity = key_wanted < KEY_BYTES_FIRST ? KEY_BYTES_FIRST : key_wanted;
        char *key = realloc(slot->key, capacity);

        if (key == NULL)
            return FLUME_ERR_NO_MEMORY;
        slot->key = key;
        slot->key_capacity = capacity;
    }
    if (slot->pair_capacity < pair_wanted) {
        uint8_t *pair = realloc(slot->pair, pair_wanted);

        if (pair == NULL)
            return FLUME_ERR_NO_MEMORY;
        slot->pair = pair;
        slot->pair_capacity = pair_wanted;
    }
    return FLUME_OK;
}

static void fill_slot(struct scope_slot *slot, const char *key, size_t key_bytes)
{
    memcpy(slot->key, key, key_bytes);
    slot->key[key_bytes] = '\0';
    slot->key_bytes = (uint32_t)key_bytes;
    slot->value_at = (uint32_t)varint_write(slot->pair, (uint32_t)key_bytes);
    memcpy(slot->pair + slot->value_at, key, key_bytes);
    slot->value_at += (uint32_t)key_bytes;
    slot->pair[slot->value_at] = FLUME_VALUE_NULL;
    slot->pair_bytes = slot->value_at + 1;
    slot->class_ = FLUME_CLASS_IGNORE; /* Until its value is there, it is no part of anything. */
    slot->flags = 0;
    slot->plain_type = FLUME_VALUE_BYTES;
    slot->has_value = false;
    slot->is_label = false;
    slot->is_inherited = false;
    slot->content = NULL;
    slot->content_bytes = 0;
    if (slot->type != NULL)
        slot->type[0] = '\0';
}

/* Bytes from 0x80 on sort behind '@', whatever char is. */
static bool is_before_labels(const char *key)
{
    return key[0] == '@' ? key[1] < SCOPE_LABEL_PREFIX[1] : key[0] >= 0 && key[0] < '@';
}

int scope_insert(flume_scope *scope, uint32_t index, const char *key, size_t key_bytes)
{
    uint32_t number;
    int status;

    if (scope->count == scope->capacity) {
        status = grow(scope);
        if (status < 0)
            return status;
    }
    number = scope->order[scope->count];
    status = prepare_slot(&scope->slots[number], key_bytes);
    if (status < 0)
        return status;
    fill_slot(&scope->slots[number], key, key_bytes);
    memmove(scope->order + index + 1, scope->order + index,
            (scope->count - index) * sizeof *scope->order);
    scope->order[index] = number;
    scope->count++;
    scope->class_count[FLUME_CLASS_IGNORE]++;
    scope->first_label += is_before_labels(key);
    return FLUME_OK;
}

void scope_remove(flume_scope *scope, uint32_t index)
{
    uint32_t number = scope->order[index];
    struct scope_slot *slot = &scope->slots[number];

    if (scope_is_identity(slot)) {
        scope->laid_out = false;
        scope->id_known = false;
    }
    scope->class_count[slot->class_]--;
    if (slot->is_label) {
        scope->label_count--;
        scope->label_meta_bytes -= slot->key_bytes - SCOPE_LABEL_PREFIX_BYTES + 2;
    } else {
        scope->first_label -= is_before_labels(slot->key);
    }
    scope->count--;
    memmove(scope->order + index, scope->order + index + 1,
            (scope->count - index) * sizeof *scope->order);
    scope->order[scope->count] = number;
}
