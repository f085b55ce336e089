/*
 * seal_labels.c - which labels a strata has, and how many records carry each.
 */
#include "seal_labels.h"

#include <assert.h>
#include <stdlib.h>

#include "flume/record.h"
#include "sealed_file.h"

enum {
    ROW_HEADER_BYTES = 5, /* In the section: count u32, length u8. */
    ROWS_FIRST = 64
};

void seal_labels_begin(const flume_allocator *allocator, struct seal_labels *out_labels)
{
    *out_labels = (struct seal_labels){.allocator = allocator};
}

void seal_labels_end(struct seal_labels *labels)
{
    memory_release(labels->allocator, labels->rows);
    memory_release(labels->allocator, labels->buckets);
    memory_release(labels->allocator, labels->text);
    labels->rows = NULL;
    labels->buckets = NULL;
    labels->text = NULL;
    labels->count = labels->capacity = labels->bucket_count = 0;
}

/* Where a label is, or where it would go. */
static uint32_t *find(const struct seal_labels *labels, const uint8_t *text, uint8_t bytes,
                      uint64_t hash)
{
    uint32_t mask = labels->bucket_count - 1;
    uint32_t at = (uint32_t)hash & mask;

    for (;; at = (at + 1) & mask) {
        const struct seal_label *row;

        if (labels->buckets[at] == 0)
            return &labels->buckets[at];
        row = &labels->rows[labels->buckets[at] - 1];
        if (row->hash == hash && row->bytes == bytes && memcmp(row->text, text, bytes) == 0)
            return &labels->buckets[at];
    }
}

/* Twice the rows, and buckets enough that at least half of them are free. */
static bool grow(struct seal_labels *labels)
{
    uint32_t capacity = labels->capacity == 0 ? ROWS_FIRST : labels->capacity * 2;
    struct seal_label *rows =
        memory_resize(labels->allocator, labels->rows, capacity * sizeof *rows);
    uint32_t *buckets;

    if (rows == NULL)
        return false;
    labels->rows = rows;
    buckets = memory_allocate_zeroed(labels->allocator, (size_t)capacity * 2, sizeof *buckets);
    if (buckets == NULL)
        return false;
    memory_release(labels->allocator, labels->buckets);
    labels->buckets = buckets;
    labels->bucket_count = capacity * 2;
    labels->capacity = capacity;
    for (uint32_t i = 0; i < labels->count; i++)
        *find(labels, rows[i].text, rows[i].bytes, rows[i].hash) = i + 1;
    return true;
}

static uint64_t section_bytes(const struct seal_labels *labels)
{
    return sizeof(uint32_t) + (uint64_t)labels->count * ROW_HEADER_BYTES + labels->text_used;
}

static bool add_new(struct seal_labels *labels, uint32_t *bucket, const uint8_t *text,
                    uint8_t bytes, uint64_t hash, uint32_t ordinal)
{
    uint8_t *copy;

    if (section_bytes(labels) + ROW_HEADER_BYTES + bytes > SEALED_LABELS_BYTES_MAX) {
        seal_labels_end(labels);
        labels->overflown = true;
        return true;
    }
    copy = labels->text + labels->text_used;
    memcpy(copy, text, bytes);
    labels->text_used += bytes;
    labels->rows[labels->count++] = (struct seal_label){
        .text = copy, .hash = hash, .count = 1, .last_ordinal = ordinal, .bytes = bytes};
    *bucket = labels->count;
    return true;
}

static bool add(struct seal_labels *labels, const uint8_t *text, uint8_t bytes, uint32_t ordinal)
{
    uint64_t hash = hash_bytes(text, bytes, 0);
    uint32_t *bucket;

    if (labels->text == NULL) /* All there may ever be: rows point into it, so it must not move. */
        labels->text = memory_allocate(labels->allocator, SEALED_LABELS_BYTES_MAX);
    if (labels->text == NULL || (labels->count == labels->capacity && !grow(labels)))
        return false;
    bucket = find(labels, text, bytes, hash);
    if (*bucket == 0)
        return add_new(labels, bucket, text, bytes, hash, ordinal);
    if (labels->rows[*bucket - 1].last_ordinal != ordinal)
        labels->rows[*bucket - 1].count++;
    labels->rows[*bucket - 1].last_ordinal = ordinal;
    return true;
}

bool seal_labels_add(struct seal_labels *labels, uint32_t ordinal, const uint8_t *meta,
                     size_t meta_bytes)
{
    flume_record record = {.meta = meta, .meta_bytes = (uint16_t)meta_bytes};
    size_t position = 0;
    flume_label label;

    while (!labels->overflown && flume_record_label(&record, &position, &label)) {
        if (!add(labels, (const uint8_t *)label.text, (uint8_t)label.bytes, ordinal))
            return false;
    }
    return true;
}

static int by_text(const void *a, const void *b)
{
    const struct seal_label *left = a, *right = b;
    int order =
        memcmp(left->text, right->text, left->bytes < right->bytes ? left->bytes : right->bytes);

    return order != 0 ? order : (int)left->bytes - (int)right->bytes;
}

int seal_labels_write(struct seal_labels *labels, struct seal_output *output)
{
    uint8_t header[ROW_HEADER_BYTES];
    int status;

    assert(!labels->overflown);
    if (labels->count > 1)
        qsort(labels->rows, labels->count, sizeof labels->rows[0], by_text);
    put_le32(header, labels->count);
    status = seal_output_put(output, header, sizeof(uint32_t));
    for (uint32_t i = 0; i < labels->count && status == FLUME_OK; i++) {
        const struct seal_label *row = &labels->rows[i];

        put_le32(header, row->count);
        header[ROW_HEADER_BYTES - 1] = row->bytes;
        status = seal_output_put(output, header, sizeof header);
        if (status == FLUME_OK)
            status = seal_output_put(output, row->text, row->bytes);
    }
    return status;
}
