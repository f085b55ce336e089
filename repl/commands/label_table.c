/*
 * label_table.c - labels met while reading (label_table.h).
 */
#include "label_table.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES_FIRST = 64 };

void label_table_init(struct label_table *table, size_t max)
{
    *table = (struct label_table){.max = max};
}

void label_table_deinit(struct label_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->entries[i].text);
    free(table->entries);
    free(table->slots);
    *table = (struct label_table){.max = table->max};
}

/* FNV-1a: labels are short. */
static uint64_t hash_of(const void *data, size_t bytes)
{
    const uint8_t *source = data;
    uint64_t hash = UINT64_C(0xCBF29CE484222325);

    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ source[i]) * UINT64_C(0x100000001B3);
    return hash ^ hash >> 32;
}

/* The slot of a label, or the free one where it would be. There is always a free one. */
static uint32_t *find_slot(const struct label_table *table, const char *text, size_t bytes)
{
    size_t at = (size_t)hash_of(text, bytes) & (table->slot_count - 1);

    for (;; at = (at + 1) & (table->slot_count - 1)) {
        const struct label_entry *entry;

        if (table->slots[at] == 0)
            return &table->slots[at];
        entry = &table->entries[table->slots[at] - 1];
        if (entry->bytes == bytes && memcmp(entry->text, text, bytes) == 0)
            return &table->slots[at];
    }
}

static void fill_slots(struct label_table *table)
{
    memset(table->slots, 0, table->slot_count * sizeof(table->slots[0]));
    for (size_t i = 0; i < table->count; i++)
        *find_slot(table, table->entries[i].text, table->entries[i].bytes) = (uint32_t)i + 1;
}

static int compare_entries(const void *a, const void *b)
{
    const struct label_entry *left = a, *right = b;
    size_t common = left->bytes < right->bytes ? left->bytes : right->bytes;
    int order;

    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    order = memcmp(left->text, right->text, common);
    if (order != 0)
        return order;
    return left->bytes < right->bytes ? -1 : left->bytes > right->bytes;
}

void label_table_sort(struct label_table *table)
{
    if (table->count > 1)
        qsort(table->entries, table->count, sizeof(table->entries[0]), compare_entries);
}

static void drop_half(struct label_table *table)
{
    size_t kept = table->count / 2;

    label_table_sort(table);
    for (size_t i = kept; i < table->count; i++) {
        if (table->on_drop != NULL)
            table->on_drop(table->ctx, &table->entries[i]);
        free(table->entries[i].text);
        table->dropped++;
    }
    table->count = kept;
    fill_slots(table);
}

/* Room for one more entry, and twice as many slots. */
static bool make_room(struct label_table *table)
{
    size_t room = table->room == 0 ? ENTRIES_FIRST : table->room * 2;
    struct label_entry *entries;
    uint32_t *slots;

    if (table->count == table->max)
        drop_half(table);
    if (table->count < table->room)
        return true;
    entries = realloc(table->entries, room * sizeof(entries[0]));
    if (entries == NULL)
        return false;
    table->entries = entries;
    slots = realloc(table->slots, 2 * room * sizeof(slots[0]));
    if (slots == NULL)
        return false;
    table->slots = slots;
    table->slot_count = 2 * room;
    table->room = room;
    fill_slots(table);
    return true;
}

struct label_entry *label_table_meet(struct label_table *table, const flume_label *label,
                                     const flume_record *record)
{
    uint32_t *slot = table->slot_count == 0 ? NULL : find_slot(table, label->text, label->bytes);
    struct label_entry *entry;

    if (slot == NULL || *slot == 0) {
        char *text = malloc(label->bytes + 1);

        if (text == NULL || !make_room(table)) {
            free(text);
            return NULL;
        }
        memcpy(text, label->text, label->bytes);
        entry = &table->entries[table->count++];
        *entry = (struct label_entry){
            .text = text, .bytes = label->bytes, .first_seq = record->seq, .lane = SIZE_MAX};
        *find_slot(table, text, label->bytes) = (uint32_t)table->count;
    } else {
        entry = &table->entries[*slot - 1];
    }
    entry->count++;
    entry->body_bytes += record->body_bytes;
    entry->last_seq = record->seq;
    return entry;
}
