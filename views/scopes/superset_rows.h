/*
 * superset_rows.h - the rows of the view "superset" as bytes: views/FORMAT.md says which.
 *
 * Read alike from a snapshot and from the transaction in which the view is being advanced.
 */
#ifndef VIEWS_SCOPES_SUPERSET_ROWS_H
#define VIEWS_SCOPES_SUPERSET_ROWS_H

#include "containment.h"
#include "flume/view.h"

enum superset_table {
    SUPERSET_PAIRS = 0, /* Fingerprint -> the scope that is just this, one that has it and more. */
    SUPERSET_SHAPE = 1, /* Number of a tracked shape -> its keys. */
    SUPERSET_WILD_SHAPE = 2, /* Fingerprint of a wild shape -> the scope that brought it. */
    SUPERSET_POSTING = 3,    /* Token, seq -> entry. */
    SUPERSET_WATCH = 4,      /* Token, seq -> entry. */
    SUPERSET_FREQUENCY = 5,  /* Token -> how many postings. */
    SUPERSET_INFO = 6        /* One row. */
};
enum { SUPERSET_TABLES = 7, SUPERSET_ENTRY_KEY_BYTES = 16, SUPERSET_ENTRY_BYTES = 12 };

extern const flume_view_definition view_superset;

/* Where rows are read: as flume_rows_get(), _seek() and _next(). */
struct superset_reader {
    void *ctx;
    int (*get)(void *ctx, size_t table, const void *key, size_t key_bytes, flume_bytes *out_value);
    int (*seek)(void *ctx, size_t table, const void *key, size_t key_bytes);
    int (*next)(void *ctx, flume_bytes *out_key, flume_bytes *out_value);
};

void superset_reader_of_rows(struct superset_reader *reader, flume_rows *rows);
void superset_reader_of_batch(struct superset_reader *reader, flume_batch *batch);

/* As the functions of struct containment_store. FLUME_ERR_DAMAGED: a row that the view does not
 * write. */
int superset_get(const struct superset_reader *reader, struct fingerprint key,
                 struct containment_entry *out_entry);
int superset_has_wild_shape(const struct superset_reader *reader, struct fingerprint shape,
                            bool *out_has);
int superset_count(const struct superset_reader *reader, uint64_t token, uint64_t *out_postings);
int superset_each(const struct superset_reader *reader, enum wild_list list, uint64_t token,
                  int (*visit)(void *visit_ctx, const struct wild_entry *entry), void *visit_ctx);

/** Counts; all zero where there is no row. */
int superset_info(const struct superset_reader *reader, struct containment_info *out_info);

/** Make what containment keeps of shapes that of the rows, unless it is already. */
int superset_restore(const struct superset_reader *reader, struct containment *containment);

/* ---- writing ---- */

int superset_put(flume_batch *batch, struct fingerprint key, const struct containment_entry *entry);
int superset_put_shape(flume_batch *batch, uint32_t number, const struct shape *shape);
int superset_put_wild_shape(flume_batch *batch, struct fingerprint shape, uint64_t seq);
int superset_put_info(flume_batch *batch, const struct containment_info *info);
int superset_add(flume_batch *batch, enum wild_list list, uint64_t token,
                 const struct wild_entry *entry);

#endif
