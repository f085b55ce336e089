/*
 * overlay_map.c - the tables of an overlay (overlay_map.h).
 */
#include "overlay_map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A table of pairs that is large grows by a quarter at a time. */
enum { FIRST_CAPACITY = 1024, FIRST_ENTRIES = 2, LARGE_CAPACITY = 1 << 16 };
enum { LARGE_PAGE_BYTES = 2 << 20 };
static_assert(sizeof(struct pairs_slot) * 5 / 4 * 8 / 5 == PAIRS_ROW_BYTES_MAX,
              "as large as it is when it has just grown");

/* More than this is too full. */
static size_t fill_max(size_t capacity)
{
    return capacity / 8 * 5;
}

/* ---- by fingerprint ---- */

static bool is_zero(struct fingerprint key)
{
    return key.lanes[0] == 0 && key.lanes[1] == 0;
}

/* In the order of the keys. */
static size_t pairs_place_of(struct fingerprint key, size_t capacity)
{
    assert(capacity <= UINT32_MAX);
    return (size_t)((key.lanes[0] >> 32) * capacity >> 32);
}

void pairs_map_prefetch(const struct pairs_map *map, struct fingerprint key)
{
    if (map->capacity > 0)
        __builtin_prefetch(&map->slots[pairs_place_of(key, map->capacity)]);
}

void pairs_map_deinit(struct pairs_map *map)
{
    free(map->slots);
    *map = (struct pairs_map){0};
}

void pairs_map_clear(struct pairs_map *map)
{
    struct pairs_slot *slots = map->slots;

    if (map->capacity > FIRST_CAPACITY) {
        pairs_map_deinit(map);
        return;
    }
    if (map->count > 0)
        memset(slots, 0, map->capacity * sizeof *slots);
    *map = (struct pairs_map){.slots = slots, .capacity = map->capacity};
}

static bool comes_before(const struct pairs_slot *one, const struct pairs_slot *other)
{
    size_t lane = one->key.lanes[0] == other->key.lanes[0] ? 1 : 0;

    return one->key.lanes[lane] < other->key.lanes[lane];
}

/* Slots are nearly in order: those that had to make way are a few places off, and those that went
 * on at the beginning, of which there are few, move to the end. */
static void sort_slots(struct pairs_slot *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct pairs_slot slot = list[i];
        size_t at = i;

        for (; at > 0 && comes_before(&slot, &list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = slot;
    }
}

struct pairs_slot *pairs_map_sorted(const struct pairs_map *map, size_t *out_count)
{
    struct pairs_slot *list = malloc((map->count + 1) * sizeof *list);
    size_t count = 0;

    if (list == NULL)
        return NULL;
    if (map->has_zero)
        list[count++] = map->zero;
    for (size_t i = 0; i < map->capacity; i++)
        if (!is_zero(map->slots[i].key))
            list[count++] = map->slots[i];
    sort_slots(list, count);
    *out_count = count;
    return list;
}

/* The slot with the key, or the empty one where it would be. There is an empty one. */
static struct pairs_slot *pairs_slot_of(struct pairs_slot *slots, size_t capacity,
                                        struct fingerprint key)
{
    size_t at = pairs_place_of(key, capacity);

    while (!is_zero(slots[at].key) && !fingerprint_equal(slots[at].key, key))
        at = at + 1 < capacity ? at + 1 : 0;
    return &slots[at];
}

struct containment_entry *pairs_map_find(struct pairs_map *map, struct fingerprint key)
{
    struct pairs_slot *slot;

    if (is_zero(key))
        return map->has_zero ? &map->zero.entry : NULL;
    if (map->capacity == 0)
        return NULL;
    slot = pairs_slot_of(map->slots, map->capacity, key);
    return is_zero(slot->key) ? NULL : &slot->entry;
}

/* Rows are found at places that are far from each other: with large pages the processor knows
 * where most of them are. As good as it goes: without them all is the same. */
static void ask_for_large_pages(struct pairs_slot *slots, size_t bytes)
{
    uintptr_t begin = ((uintptr_t)slots + LARGE_PAGE_BYTES - 1) &
                      ~(uintptr_t)(LARGE_PAGE_BYTES - 1);
    uintptr_t end = ((uintptr_t)slots + bytes) & ~(uintptr_t)(LARGE_PAGE_BYTES - 1);

    if (begin < end)
        (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
}

static int pairs_map_grow(struct pairs_map *map)
{
    size_t capacity = map->capacity < LARGE_CAPACITY ? map->capacity * 2
                                                     : map->capacity + map->capacity / 32 * 8;
    struct pairs_slot *slots;

    if (capacity == 0)
        capacity = FIRST_CAPACITY;
    slots = calloc(capacity, sizeof *slots);
    if (slots == NULL)
        return FLUME_ERR_NO_MEMORY;
    ask_for_large_pages(slots, capacity * sizeof *slots);
    for (size_t i = 0; i < map->capacity; i++)
        if (!is_zero(map->slots[i].key))
            *pairs_slot_of(slots, capacity, map->slots[i].key) = map->slots[i];
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return FLUME_OK;
}

int pairs_map_put(struct pairs_map *map, struct fingerprint key,
                  const struct containment_entry *entry)
{
    struct pairs_slot *slot = &map->zero;

    if (is_zero(key)) {
        map->has_zero = true;
        slot->entry = *entry;
        return FLUME_OK;
    }
    if (map->count >= fill_max(map->capacity) && pairs_map_grow(map) != FLUME_OK)
        return FLUME_ERR_NO_MEMORY;
    slot = pairs_slot_of(map->slots, map->capacity, key);
    if (is_zero(slot->key))
        map->count++;
    *slot = (struct pairs_slot){key, *entry};
    return FLUME_OK;
}

/* ---- by token ---- */

void list_map_deinit(struct list_map *map)
{
    for (size_t i = 0; i < map->capacity; i++)
        free(map->slots[i].entries);
    free(map->slots);
    *map = (struct list_map){0};
}

static struct list_slot *list_slot_of(struct list_slot *slots, size_t capacity, uint64_t token)
{
    size_t at = token & (capacity - 1);

    while (slots[at].capacity != 0 && slots[at].token != token)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

const struct list_slot *list_map_find(const struct list_map *map, uint64_t token)
{
    const struct list_slot *slot;

    if (map->capacity == 0)
        return NULL;
    slot = list_slot_of(map->slots, map->capacity, token);
    return slot->capacity == 0 ? NULL : slot;
}

static int list_map_grow(struct list_map *map)
{
    size_t capacity = map->capacity == 0 ? FIRST_CAPACITY : map->capacity * 2;
    struct list_slot *slots = calloc(capacity, sizeof *slots);

    if (slots == NULL)
        return FLUME_ERR_NO_MEMORY;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].capacity != 0)
            *list_slot_of(slots, capacity, map->slots[i].token) = map->slots[i];
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return FLUME_OK;
}

int list_map_add(struct list_map *map, uint64_t token, const struct wild_entry *entry)
{
    struct list_slot *slot;

    if (map->count >= fill_max(map->capacity) && list_map_grow(map) != FLUME_OK)
        return FLUME_ERR_NO_MEMORY;
    slot = list_slot_of(map->slots, map->capacity, token);
    if (slot->count == slot->capacity) {
        uint32_t capacity = slot->capacity == 0 ? FIRST_ENTRIES : slot->capacity * 2;
        struct wild_entry *entries = realloc(slot->entries, capacity * sizeof *entries);

        if (entries == NULL)
            return FLUME_ERR_NO_MEMORY;
        if (slot->capacity == 0) {
            slot->token = token;
            map->count++;
        }
        slot->entries = entries;
        slot->capacity = capacity;
    }
    slot->entries[slot->count++] = *entry;
    return FLUME_OK;
}
