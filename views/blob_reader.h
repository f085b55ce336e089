/*
 * blob_reader.h - what a reader is inside, for who goes through a whole content.
 */
#ifndef VIEWS_BLOB_READER_H
#define VIEWS_BLOB_READER_H

#include "blobs.h"
#include "clasts.h"
#include "grains.h"

/* The chunk behind the one that is read: see blob_ahead.c. */
struct blob_ahead {
    struct assistant *assistant; /* NULL: not yet made, and neither are coder and buffer. */
    struct chunk_coder coder;
    uint8_t *buffer;           /* CHUNK_BYTES_MAX. */
    struct clasts_chunk chunk; /* bytes 0: none. It, and what follows, is the assistant's job's. */
    size_t bytes;
    int status;
    bool failed; /* There is no help: it is not tried again. */
};

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
    uint64_t next_index;       /* Behind the chunk that was loaded last; UINT64_MAX: none was. */
    struct blob_ahead ahead;
    int load_status; /* Why clasts could not be lent last; FLUME_OK: they could. */
};

/** The chunk that an offset is in. A detail is on the handle.
 * @return as clasts_reader_seek(). */
int blob_reader_chunk(flume_blob_reader *reader, uint64_t offset, struct clasts_chunk *out_chunk);

/**
 * Load it, verified. The detail of an error names the blob, the chunk and the place.
 *
 * @param target       Where it is wanted, with room for all of it; NULL: in the reader.
 * @param out_content  There, or in the reader: valid until the next call.
 */
int blob_reader_load(flume_blob_reader *reader, const struct clasts_chunk *chunk, uint8_t *target,
                     const uint8_t **out_content);

/** Begin to load what is behind a chunk that is about to be loaded, if they are read in order. The
 * reader's buffer may be used for its clasts. */
void blob_ahead_begin(flume_blob_reader *reader, const struct clasts_chunk *chunk);
/** Whether it was this one, and it is sound: then it is the reader's chunk now. */
bool blob_ahead_take(flume_blob_reader *reader, const struct clasts_chunk *chunk);
void blob_ahead_end(flume_blob_reader *reader);

#endif
