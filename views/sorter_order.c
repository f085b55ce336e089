/*
 * sorter_order.c - brings the rows in memory into order.
 *
 * Entries, not rows, are moved: seven bytes of the key and where the row lies. Entries are dealt
 * out to as many heaps as there are entries to four heaps (a radix sort whose digit is fitted to
 * the least and the greatest part met), small heaps are sorted by insertion, and rows whose parts
 * are equal are looked at seven bytes further on, after what they have in common.
 *
 * What always holds:
 *   - Every step is stable: rows of one key stay in order of insertion.
 *   - Time is linear in the rows times the sevens of bytes in which keys differ; what is in order
 *     already is passed over.
 *   - Recursion is bounded: a deal splits the range of 64-bit parts, a step further on uses up at
 *     least seven bytes of the longest key.
 */
#include "sorter_inside.h"

#include <assert.h>

enum {
    ORDER_DIGITS_MAX = 2048, /* More heaps at once than this miss the caches as they are filled. */
    ORDER_HEAP_ROWS = 4,     /* So many to a heap, about, is where insertion is fastest. */
    ORDER_SMALL = 32,        /* Up to so many: insertion alone. */
    ORDER_AHEAD = 12         /* Rows fetched into the cache before they are looked at. */
};

/* Parts from least on, 2^shift of them to a digit. */
struct digits {
    uint64_t least;
    unsigned shift;
    uint32_t count;
};

static struct digits choose_digits(uint64_t least, uint64_t greatest, size_t rows)
{
    struct digits digits = {least, 0, 16};

    assert(least < greatest);
    while (digits.count < ORDER_DIGITS_MAX && digits.count < rows / ORDER_HEAP_ROWS)
        digits.count *= 2;
    while ((greatest - least) >> digits.shift >= digits.count)
        digits.shift++;
    return digits;
}

static inline uint32_t digit_of(const struct digits *digits, uint64_t part)
{
    return (uint32_t)((part - digits->least) >> digits->shift);
}

/* Turn how many there are of each digit into where the first of each goes. The most of one. */
static uint32_t counts_to_places(uint32_t *counts, uint32_t digit_count)
{
    uint32_t most = 0;
    uint32_t place = 0;

    for (uint32_t i = 0; i < digit_count; i++) {
        uint32_t count = counts[i];

        most = count > most ? count : most;
        counts[i] = place;
        place += count;
    }
    return most;
}

/* --- few entries ------------------------------------------------------------------------------ */

static bool entry_is_less(const struct entry *a, const struct entry *b, size_t offset)
{
    uint64_t header_a, header_b;

    if (a->part != b->part)
        return a->part < b->part;
    if ((a->part & 0xff) != KEY_PART_GOES_ON)
        return false; /* Equal keys. */
    header_a = row_header_load(a->row);
    header_b = row_header_load(b->row);
    return key_compare(a->row + ROW_HEADER_BYTES, row_key_bytes(header_a),
                       b->row + ROW_HEADER_BYTES, row_key_bytes(header_b),
                       offset + KEY_PART_BYTES) < 0;
}

static void sort_by_insertion(struct entry *entries, size_t count, size_t offset)
{
    for (size_t i = 1; i < count; i++) {
        struct entry entry = entries[i];
        size_t at = i;

        while (at > 0 && entry_is_less(&entry, &entries[at - 1], offset)) {
            entries[at] = entries[at - 1];
            at--;
        }
        entries[at] = entry;
    }
}

/* --- many entries ----------------------------------------------------------------------------- */

static void sort_entries(struct sorter *sorter, struct entry *entries, size_t count, size_t offset);

/* Where the keys of some rows, which are equal before an offset, begin to differ; at most the end
 * of the shortest. */
static size_t find_difference(const struct entry *entries, size_t count, size_t offset)
{
    struct row first = row_decode(entries[0].row);
    size_t common = first.key_bytes;

    for (size_t i = 1; i < count; i++) {
        struct row row;
        size_t at = offset;

        __builtin_prefetch(entries[i + ORDER_AHEAD < count ? i + ORDER_AHEAD : i].row);
        row = row_decode(entries[i].row);
        if (row.key_bytes < common)
            common = row.key_bytes;
        if (memcmp(first.key + offset, row.key + offset, common - offset) == 0)
            continue;
        while (first.key[at] == row.key[at])
            at++;
        common = at;
        if (common == offset)
            break;
    }
    return common;
}

/* Sort rows whose keys are equal before an offset and go on there. */
static void sort_further_on(struct sorter *sorter, struct entry *entries, size_t count,
                            size_t offset)
{
    if (count > ORDER_SMALL)
        offset = find_difference(entries, count, offset);
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch(entries[i + ORDER_AHEAD < count ? i + ORDER_AHEAD : i].row);
        entries[i].part = row_key_part(entries[i].row, offset);
    }
    sort_entries(sorter, entries, count, offset);
}

/* Entries are in order of their parts: sort those whose parts are equal. */
static void sort_equal_parts(struct sorter *sorter, struct entry *entries, size_t count,
                             size_t offset)
{
    size_t end;

    for (size_t begin = 0; begin < count; begin = end) {
        uint64_t part = entries[begin].part;

        end = begin + 1;
        while (end < count && entries[end].part == part)
            end++;
        if (end - begin > 1 && (part & 0xff) == KEY_PART_GOES_ON)
            sort_further_on(sorter, entries + begin, end - begin, offset + KEY_PART_BYTES);
    }
}

static void sort_heaps(struct sorter *sorter, struct entry *entries, size_t count, size_t offset,
                       const struct digits *digits)
{
    size_t end;

    for (size_t begin = 0; begin < count; begin = end) {
        uint32_t digit = digit_of(digits, entries[begin].part);

        end = begin + 1;
        while (end < count && digit_of(digits, entries[end].part) == digit)
            end++;
        if (end - begin > 1)
            sort_entries(sorter, entries + begin, end - begin, offset);
    }
}

/* Sort entries whose keys are equal before an offset and whose parts are of that offset. */
static void sort_entries(struct sorter *sorter, struct entry *entries, size_t count, size_t offset)
{
    uint64_t least = entries[0].part;
    uint64_t greatest = least;
    bool in_order = true;
    struct digits digits;
    uint32_t most;

    if (count <= ORDER_SMALL) {
        sort_by_insertion(entries, count, offset);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        uint64_t part = entries[i].part;

        in_order &= part >= entries[i - 1].part;
        least = part < least ? part : least;
        greatest = part > greatest ? part : greatest;
    }
    if (in_order) {
        sort_equal_parts(sorter, entries, count, offset);
        return;
    }
    assert(count <= sorter->spare_capacity);
    digits = choose_digits(least, greatest, count);
    memset(sorter->counts, 0, digits.count * sizeof *sorter->counts);
    for (size_t i = 0; i < count; i++)
        sorter->counts[digit_of(&digits, entries[i].part)]++;
    most = counts_to_places(sorter->counts, digits.count);
    for (size_t i = 0; i < count; i++)
        sorter->spare_entries[sorter->counts[digit_of(&digits, entries[i].part)]++] = entries[i];
    memcpy(entries, sorter->spare_entries, count * sizeof *entries);
    if (most <= ORDER_SMALL) /* Nothing is further from its place than its heap is large. */
        sort_by_insertion(entries, count, offset);
    else
        sort_heaps(sorter, entries, count, offset, &digits);
}

/* --- from rows to entries --------------------------------------------------------------------- */

/* Memory for so many entries; what was in it is gone. */
static int reserve_entries(struct sorter *sorter, struct entry **io_entries, size_t *io_capacity,
                           size_t count)
{
    size_t capacity = ORDER_SMALL;
    struct entry *entries;

    if (count <= *io_capacity)
        return FLUME_OK;
    /* Small ones grow in steps, so that batches of changing sizes do not allocate each time. */
    while (capacity < count && capacity < 1024)
        capacity *= 2;
    if (capacity < count || capacity > sorter->rows_max)
        capacity = count;
    entries = sorter_allocate(sorter, capacity * sizeof *entries);
    if (entries == NULL)
        return FLUME_ERR_NO_MEMORY;
    sorter_release(sorter, *io_entries);
    *io_entries = entries;
    *io_capacity = capacity;
    return FLUME_OK;
}

static int reserve_counts(struct sorter *sorter)
{
    if (sorter->counts == NULL)
        sorter->counts = sorter_allocate(sorter, ORDER_DIGITS_MAX * sizeof *sorter->counts);
    return sorter->counts == NULL ? FLUME_ERR_NO_MEMORY : FLUME_OK;
}

/* The rows in order of insertion, with the parts of their keys from an offset on. */
static void fill_entries(struct sorter *sorter, size_t offset)
{
    struct entry *entry = sorter->entries;

    for (size_t i = 0; i <= sorter->chunk_at; i++) {
        const struct chunk *chunk = &sorter->chunks[i];

        for (size_t at = 0; at < chunk->used;
             at += row_total_bytes(row_header_load(chunk->memory + at))) {
            entry->row = chunk->memory + at;
            entry->part = row_key_part(entry->row, offset);
            entry++;
        }
    }
    assert((size_t)(entry - sorter->entries) == sorter->rows);
}

static void count_rows(struct sorter *sorter, const struct digits *digits, size_t offset)
{
    memset(sorter->counts, 0, digits->count * sizeof *sorter->counts);
    for (size_t i = 0; i <= sorter->chunk_at; i++) {
        const struct chunk *chunk = &sorter->chunks[i];

        for (size_t at = 0; at < chunk->used;
             at += row_total_bytes(row_header_load(chunk->memory + at)))
            sorter->counts[digit_of(digits, row_key_part(chunk->memory + at, offset))]++;
    }
}

static void deal_rows(struct sorter *sorter, const struct digits *digits, size_t offset)
{
    for (size_t i = 0; i <= sorter->chunk_at; i++) {
        const struct chunk *chunk = &sorter->chunks[i];

        for (size_t at = 0; at < chunk->used;
             at += row_total_bytes(row_header_load(chunk->memory + at))) {
            struct entry entry = {row_key_part(chunk->memory + at, offset), chunk->memory + at};

            sorter->entries[sorter->counts[digit_of(digits, entry.part)]++] = entry;
        }
    }
}

/* Deal the rows out straight from where they lie, then sort each heap. */
static int order_many(struct sorter *sorter)
{
    uint64_t least = sorter->least_part & ~(uint64_t)0xff;
    uint64_t greatest = sorter->greatest_part & ~(uint64_t)0xff;
    size_t offset = 0;
    struct digits digits;
    uint32_t most;

    /* What the least and the greatest share all share, and no key ends within it: the least would
     * be that key, padded with zeros, and its part would say so. */
    if (least != greatest)
        offset = (size_t)__builtin_clzll(least ^ greatest) / 8;
    if (offset > (sorter->least_part & 0xff))
        offset = sorter->least_part & 0xff;
    least <<= 8 * offset;
    greatest = greatest << 8 * offset | UINT64_MAX >> (56 - 8 * offset);
    digits = choose_digits(least, greatest, sorter->rows);
    count_rows(sorter, &digits, offset);
    most = counts_to_places(sorter->counts, digits.count);
    if (reserve_entries(sorter, &sorter->spare_entries, &sorter->spare_capacity, most) < 0)
        return FLUME_ERR_NO_MEMORY;
    deal_rows(sorter, &digits, offset);
    sort_heaps(sorter, sorter->entries, sorter->rows, offset, &digits);
    return FLUME_OK;
}

int sorter_order(struct sorter *sorter)
{
    if (sorter->is_sorted)
        return FLUME_OK;
    assert(sorter->rows <= UINT32_MAX);
    if (reserve_entries(sorter, &sorter->entries, &sorter->entry_capacity, sorter->rows) < 0)
        return FLUME_ERR_NO_MEMORY;
    if (sorter->rows > ORDER_SMALL) {
        if (reserve_counts(sorter) < 0)
            return FLUME_ERR_NO_MEMORY;
        return order_many(sorter);
    }
    fill_entries(sorter, 0);
    sort_by_insertion(sorter->entries, sorter->rows, 0);
    return FLUME_OK;
}
