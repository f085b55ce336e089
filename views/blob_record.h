/*
 * blob_record.h - the body of a record of kind blob: what a content is, and the content or the list
 * of its chunks. views/FORMAT.md, "Blob record", has the bytes.
 *
 * What always holds:
 *   - A body that decodes is as long as it says, and its numbers agree; an inline content is at
 *     most FLUME_BLOB_INLINE_BYTES_MAX. Whether the content has the hash is for who reads it.
 */
#ifndef VIEWS_BLOB_RECORD_H
#define VIEWS_BLOB_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "flume/blob.h"

enum {
    BLOB_RECORD_HEADER_BYTES = 56,
    BLOB_RECORD_PREFIX_BYTES_MAX = BLOB_RECORD_HEADER_BYTES + FLUME_BLOB_MEDIA_TYPE_BYTES_MAX
};

struct blob_record {
    enum flume_blob_form form;
    uint64_t bytes;      /* Of the content. */
    uint64_t chunks;     /* 0: inline. */
    const uint8_t *hash; /* FLUME_HASH_BYTES, of the content. */
    const char *media_type;
    size_t media_type_bytes;
    const uint8_t *rest; /* Inline: the content; clasts: their root. */
    size_t rest_bytes;
};

/** Write what comes before `rest`. @return how many bytes that is. */
size_t blob_record_encode(const struct blob_record *record,
                          uint8_t target[BLOB_RECORD_PREFIX_BYTES_MAX]);

/** Read a body in place. @return FLUME_OK; FLUME_ERR_DAMAGED (it is none); FLUME_ERR_VERSION (a
 * format or form of a newer flume). */
int blob_record_decode(const void *body, size_t body_bytes, struct blob_record *out_record);

#endif
