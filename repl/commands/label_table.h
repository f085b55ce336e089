/*
 * label_table.h - labels met while reading, counted, in bounded memory.
 *
 * A log may hold more labels than memory. When the table is full, the half that was met least is
 * let go: what is met often stays, and a label that is let go and comes again begins anew.
 */
#ifndef REPL_LABEL_TABLE_H
#define REPL_LABEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flume/record.h"

struct label_entry {
    char *text; /* Not NUL-terminated. */
    size_t bytes;
    uint64_t count, body_bytes; /* Of the records that were given to label_table_meet(). */
    uint64_t first_seq, last_seq;
    size_t lane; /* The caller's own. */
};

struct label_table {
    struct label_entry *entries;
    size_t count, room, max;
    uint32_t *slots; /* Index in entries + 1; 0: free. A power of two of them. */
    size_t slot_count;
    uint64_t dropped; /* Labels let go. */
    /* Called for each that is let go. May be NULL. */
    void (*on_drop)(void *ctx, const struct label_entry *entry);
    void *ctx;
};

/** @param max  2 or more. */
void label_table_init(struct label_table *table, size_t max);
void label_table_deinit(struct label_table *table);

/** Count a record under a label of it: the entry, valid until the next call; NULL: no memory. */
struct label_entry *label_table_meet(struct label_table *table, const flume_label *label,
                                     const flume_record *record);

/** Entries that were met most first; equals by their bytes. Nothing can be met any more. */
void label_table_sort(struct label_table *table);

#endif
