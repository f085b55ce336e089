/*
 * blob_writer.h - what a writer is inside, for the modules that put a content.
 *
 * blob_options.c takes what the caller asks for, blob_writer.c stores the content, blob_recording.c
 * appends the record of it.
 */
#ifndef VIEWS_BLOB_WRITER_H
#define VIEWS_BLOB_WRITER_H

#include "assistant.h"
#include "blobs.h"
#include "clasts.h"
#include "content.h"
#include "grains.h"
#include "inside.h"

enum { BLOB_LABELS_MAX = 256 }; /* Of one blob, its name included. */

struct flume_blob_writer {
    flume *handle;
    int failed; /* What ended it; FLUME_OK: nothing did. */
    flume_error error;

    /* Of the options. */
    struct chunking chunking;
    char media_type[FLUME_BLOB_MEDIA_TYPE_BYTES_MAX + 1];
    char *labels[BLOB_LABELS_MAX];
    size_t label_count, label_bytes;
    uint64_t time_ns;

    uint64_t bytes; /* Written so far. */
    uint8_t *
        buffer; /* Of an inline content, FLUME_BLOB_INLINE_BYTES_MAX; of chunks, BATCH_ROOM_BYTES. */
    size_t buffered; /* How much of it is in use. */

    /* Once there are chunks. */
    struct grains *grains;
    struct content_hasher *hasher; /* Of the whole: it has seen each chunk that was taken. */
    struct assistant *assistant;   /* Adds to it, what lies in a batch that is not yet stored. */
    struct chunker *chunker;
    struct clasts_builder *builder;
    struct grains_workshop workshop;
    /* Contents lie in buffer, or with the caller. */
    struct grains_chunk batch[GRAINS_BATCH_CHUNKS];
    size_t batch_count, batch_bytes;
    bool refers;        /* Some lie with the caller, who lends them until the call is over. */
    uint64_t needs_seq; /* The last of the records that it refers to; FLUME_SEQ_NONE: none yet. */
    flume_blob_result result;
};

/** Take over what is asked for. What it has allocated is the writer's, also on error.
 * @return as flume_blob_writer_open(), with a detail on the handle. */
int blob_writer_take_options(flume_blob_writer *writer, const flume_blob_options *options);

/** Say on the handle why a blob cannot be put. Returns status. */
int blob_put_fail(flume *handle, int status, const char *why);

/**
 * Record the content, whose hash and size are in writer->result, unless a record says all of it.
 *
 * @param root  Of its clasts, which are stored as all chunks are; NULL: it is inline, in
 *              writer->buffer.
 * @return as flume_blob_writer_finish(); writer->result has the rest.
 */
int blob_writer_record(flume_blob_writer *writer, const struct clasts_body *root);

#endif
