/*
 * seal_labels.h - which labels a strata has, and how many records carry each.
 *
 * What always holds: memory is bounded. Once all labels together no longer fit the section, they
 * are forgotten, and there is no section.
 */
#ifndef FLUME_SEAL_LABELS_H
#define FLUME_SEAL_LABELS_H

#include "seal_output.h"

struct seal_label {
    const uint8_t *text; /* In the set's own text. */
    uint64_t hash;
    uint32_t count;
    uint32_t last_ordinal; /* A record that repeats a label carries it once. */
    uint8_t bytes;
};

struct seal_labels {
    const flume_allocator *allocator;
    struct seal_label *rows;
    uint32_t count, capacity;
    uint32_t *buckets; /* Index into rows + 1; 0: free. */
    uint32_t bucket_count;
    uint8_t *text;
    size_t text_used;
    bool overflown; /* More than fit. */
};

/* Borrows the allocator. */
void seal_labels_begin(const flume_allocator *allocator, struct seal_labels *out_labels);
void seal_labels_end(struct seal_labels *labels);

/* Count the labels in a record's meta (without witness). false: no memory. */
bool seal_labels_add(struct seal_labels *labels, uint32_t ordinal, const uint8_t *meta,
                     size_t meta_bytes);

/* Sort, and write the section's bytes; not where they have overflown. */
int seal_labels_write(struct seal_labels *labels, struct seal_output *output);

#endif
