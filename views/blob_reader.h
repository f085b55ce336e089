/*
 * blob_reader.h - what a reader is inside, for who goes through a whole content.
 */
#ifndef VIEWS_BLOB_READER_H
#define VIEWS_BLOB_READER_H

#include "blobs.h"
#include "clasts.h"
#include "grains.h"

struct flume_blob_reader {
    flume *handle;
    flume_blob_info info;    /* Of the record that was asked for. */
    flume_record record;     /* The one that has the content. Kept. */
    struct blob_record blob; /* Leads into it. */

    /* Of a content in chunks. */
    struct grains *grains;
    struct clasts_reader *clasts;
    struct chunk_coder coder;
    uint8_t root_hash[FLUME_HASH_BYTES];
    uint8_t *buffer;           /* CHUNK_BYTES_MAX: the content of `chunk`. */
    struct clasts_chunk chunk; /* bytes 0: none is loaded. */
    int load_status;           /* Why clasts could not be lent last; FLUME_OK: they could. */
};

/** The chunk that an offset is in. A detail is on the handle.
 * @return as clasts_reader_seek(). */
int blob_reader_chunk(flume_blob_reader *reader, uint64_t offset, struct clasts_chunk *out_chunk);

/** Load it into the buffer, verified. The detail of an error names the blob, the chunk and the place. */
int blob_reader_load(flume_blob_reader *reader, const struct clasts_chunk *chunk);

#endif
