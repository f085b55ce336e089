/*
 * seal_index.c - the grain index of a strata that is being sealed.
 */
#include "seal_index.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "sealed_file.h"

enum { INSERTION_MAX = 64, PIECE_BYTES = 4096 };

bool seal_index_begin(const flume_allocator *allocator, uint32_t capacity,
                      struct seal_index *out_index)
{
    *out_index = (struct seal_index){.capacity = capacity};
    out_index->entries =
        memory_large_allocate(allocator, (size_t)capacity * sizeof out_index->entries[0]);
    return out_index->entries != NULL;
}

void seal_index_end(const flume_allocator *allocator, struct seal_index *index)
{
    memory_large_release(allocator, index->entries,
                         (size_t)index->capacity * sizeof index->entries[0]);
    index->entries = NULL;
}

bool seal_index_grow(const flume_allocator *allocator, struct seal_index *index)
{
    size_t bytes = (size_t)index->capacity * sizeof index->entries[0];
    struct seal_index_entry *entries;

    if (index->count < index->capacity)
        return true;
    entries = memory_large_resize(allocator, index->entries, bytes, 2 * bytes);
    if (entries == NULL)
        return false;
    index->entries = entries;
    index->capacity *= 2;
    return true;
}

static uint32_t get_be32(const uint8_t *source)
{
    uint32_t value;

    memcpy(&value, source, sizeof value);
    return be32toh(value);
}

static void put_be32(uint8_t *target, uint32_t value)
{
    value = htobe32(value);
    memcpy(target, &value, sizeof value);
}

void seal_index_add(struct seal_index *index, const uint8_t *hash, uint32_t ordinal)
{
    assert(index->count < index->capacity);
    index->entries[index->count++] =
        (struct seal_index_entry){get_be32(hash), get_be32(hash + 4), ordinal};
}

static bool is_before(const struct seal_index_entry *a, const struct seal_index_entry *b)
{
    if (a->high != b->high)
        return a->high < b->high;
    return a->low != b->low ? a->low < b->low : a->ordinal < b->ordinal;
}

static int by_prefix(const void *a, const void *b)
{
    return is_before(a, b) ? -1 : 1; /* No two have one ordinal. */
}

/* Small buckets are the rule; a large one is of equal bodies, or was made by somebody on
 * purpose. */
static void bucket_sort(struct seal_index_entry *entries, uint32_t count)
{
    if (count > INSERTION_MAX) {
        qsort(entries, count, sizeof *entries, by_prefix);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        struct seal_index_entry entry = entries[i];
        uint32_t at = i;

        for (; at > 0 && is_before(&entry, &entries[at - 1]); at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

static uint32_t bucket_of(const struct seal_index_entry *entry, unsigned fan_bits)
{
    return fan_bits == 0 ? 0 : entry->high >> (32 - fan_bits);
}

/*
 * Put every entry into its bucket: each that lies in a wrong one goes to the next free place of
 * its own, and what was there goes on in the same way. `next` is where each bucket's free places
 * begin; starts[b + 1] is where it ends.
 */
static void distribute(struct seal_index *index, unsigned fan_bits, const uint32_t *starts,
                       uint32_t *next)
{
    uint32_t buckets = (uint32_t)1 << fan_bits;

    for (uint32_t bucket = 0; bucket < buckets; bucket++) {
        while (next[bucket] < starts[bucket + 1]) {
            struct seal_index_entry *here = &index->entries[next[bucket]];
            uint32_t home = bucket_of(here, fan_bits);

            if (home == bucket) {
                next[bucket]++;
            } else {
                struct seal_index_entry moved = *here;

                *here = index->entries[next[home]];
                index->entries[next[home]++] = moved;
            }
        }
    }
}

/* starts: 2^fan_bits + 1 numbers, zero; next: as many less one. */
static void index_sort(struct seal_index *index, unsigned fan_bits, uint32_t *starts,
                       uint32_t *next)
{
    uint32_t buckets = (uint32_t)1 << fan_bits;

    for (uint32_t i = 0; i < index->count; i++)
        starts[bucket_of(&index->entries[i], fan_bits) + 1]++;
    for (uint32_t bucket = 0; bucket < buckets; bucket++) {
        starts[bucket + 1] += starts[bucket];
        next[bucket] = starts[bucket];
    }
    distribute(index, fan_bits, starts, next);
    for (uint32_t bucket = 0; bucket < buckets; bucket++)
        bucket_sort(index->entries + starts[bucket], starts[bucket + 1] - starts[bucket]);
}

/* Numbers of 4 bytes, in pieces. */
struct piece {
    struct seal_output *output;
    size_t used;
    int status;
    uint8_t bytes[PIECE_BYTES];
};

static void piece_flush(struct piece *piece)
{
    if (piece->status == FLUME_OK)
        piece->status = seal_output_put(piece->output, piece->bytes, piece->used);
    piece->used = 0;
}

static uint8_t *piece_next(struct piece *piece)
{
    if (piece->used == PIECE_BYTES)
        piece_flush(piece);
    piece->used += sizeof(uint32_t);
    return piece->bytes + piece->used - sizeof(uint32_t);
}

static int write_arrays(const struct seal_index *index, unsigned fan_bits, const uint32_t *starts,
                        struct seal_output *output)
{
    struct piece piece = {.output = output};
    struct sealed_index_shape shape;
    uint32_t starts_count = ((uint32_t)1 << fan_bits) + 1;

    sealed_index_shape(fan_bits, index->count, &shape);
    for (uint32_t i = 0; i < starts_count; i++)
        put_le32(piece_next(&piece), starts[i]);
    if (shape.starts_at + starts_count * sizeof(uint32_t) < shape.prefixes_at)
        put_le32(piece_next(&piece), 0);
    for (uint32_t i = 0; i < index->count; i++) {
        put_be32(piece_next(&piece), index->entries[i].high);
        put_be32(piece_next(&piece), index->entries[i].low);
    }
    for (uint32_t i = 0; i < index->count; i++)
        put_le32(piece_next(&piece), index->entries[i].ordinal);
    piece_flush(&piece);
    return piece.status;
}

/* starts, next: memory for 2^fan_bits numbers each, and one more. */
static int write_sorted(struct seal_index *index, unsigned fan_bits, uint32_t *starts,
                        uint32_t *next, struct seal_output *output)
{
    uint8_t header[SEALED_INDEX_HEADER_BYTES];
    int status;

    index_sort(index, fan_bits, starts, next);
    sealed_index_header_encode(header, fan_bits, index->count);
    status = seal_output_put(output, header, sizeof header);
    return status == FLUME_OK ? write_arrays(index, fan_bits, starts, output) : status;
}

int seal_index_write(struct seal_index *index, struct seal_output *output)
{
    flume_log *log = output->log;
    unsigned fan_bits = sealed_index_fan_bits(index->count);
    size_t buckets = (size_t)1 << fan_bits;
    uint32_t *starts = memory_allocate_zeroed(&log->allocator, buckets + 1, sizeof *starts);
    uint32_t *next = memory_allocate(&log->allocator, buckets * sizeof *next);
    int status = starts != NULL && next != NULL
                     ? write_sorted(index, fan_bits, starts, next, output)
                     : log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                                "no memory for the grain index of %s", output->path);

    memory_release(&log->allocator, starts);
    memory_release(&log->allocator, next);
    return status;
}
