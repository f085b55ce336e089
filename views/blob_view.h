/*
 * blob_view.h - the views "blob" and "chunk": which contents the basin has, and where.
 */
#ifndef VIEWS_BLOB_VIEW_H
#define VIEWS_BLOB_VIEW_H

#include "flume/blob.h"

enum blob_view_table { BLOB_BY_HASH = 0, BLOB_BY_SEQ = 1 };
enum { BLOB_KEY_BYTES = FLUME_HASH_BYTES + 8 };

extern const flume_view_definition view_blob;  /* Of the first log. */
extern const flume_view_definition view_chunk; /* Of the second. */

/* A row of view "blob", of either table. */
struct blob_row {
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t seq;
    enum flume_blob_form form;
    uint64_t bytes, chunks;
};

/** false: not a row that the view writes. */
bool blob_row_decode(enum blob_view_table table, flume_bytes key, flume_bytes value,
                     struct blob_row *out_row);

/* A row of view "chunk". */
struct chunk_row {
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t seq;
    uint32_t content_bytes, body_bytes;
};

bool chunk_row_decode(flume_bytes key, flume_bytes value, struct chunk_row *out_row);

/** Key of a hash and a seq. */
void blob_key(const uint8_t hash[FLUME_HASH_BYTES], uint64_t seq, uint8_t out_key[BLOB_KEY_BYTES]);

#endif
