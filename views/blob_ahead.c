/*
 * blob_ahead.c - loading the next chunk while this one is loaded, for who reads them in order.
 *
 * Every second chunk is loaded by an assistant: two are unpacked and hashed in the time of one.
 * What has been loaded ahead waits, verified, until it is asked for.
 *
 * What always holds:
 *   - At most one chunk is ahead, in a buffer and with a coder of its own.
 *   - What goes wrong ahead is forgotten: the chunk is loaded again when it is asked for, and what
 *     goes wrong then is told. So a reader answers what it would without a second thread.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "blob_reader.h"
#include "inside.h"

static void load_job(void *ctx, const void *data, size_t bytes)
{
    flume_blob_reader *reader = ctx;
    struct blob_ahead *ahead = &reader->ahead;

    (void)data;
    (void)bytes;
    ahead->status = grains_load(reader->handle, reader->grains, &ahead->coder, ahead->chunk.hash,
                                ahead->buffer, ahead->chunk.bytes, &ahead->bytes);
}

/* FLUME_OK, or there is no help to be had. */
static int make_ahead(flume_blob_reader *reader)
{
    struct blob_ahead *ahead = &reader->ahead;

    if (ahead->assistant != NULL)
        return FLUME_OK;
    if (blob_assistant_mode(reader->handle) == ASSISTANT_NO_THREAD)
        return FLUME_END;
    ahead->buffer = malloc(CHUNK_BYTES_MAX);
    if (ahead->buffer == NULL)
        return FLUME_ERR_NO_MEMORY;
    chunk_coder_init(&ahead->coder, 0);
    ahead->assistant = assistant_create(ASSISTANT_THREAD, "fl:blob-ahead");
    if (ahead->assistant != NULL)
        return FLUME_OK;
    free(ahead->buffer);
    ahead->buffer = NULL;
    return FLUME_ERR_NO_MEMORY;
}

void blob_ahead_begin(flume_blob_reader *reader, const struct clasts_chunk *chunk)
{
    struct blob_ahead *ahead = &reader->ahead;
    const struct assistant_job job = {.work = load_job, .ctx = reader};
    bool in_order = chunk->index == reader->next_index;
    struct clasts_chunk next;

    assert(ahead->chunk.bytes == 0);
    if (!in_order || ahead->failed || reader->info.bytes < BLOB_ASSISTED_BYTES_MIN ||
        chunk->bytes < BLOB_ASSISTED_CHUNK_BYTES_MIN)
        return;
    ahead->failed = make_ahead(reader) != FLUME_OK;
    if (ahead->failed ||
        clasts_reader_seek(reader->clasts, chunk->offset_bytes + chunk->bytes, &next) != FLUME_OK)
        return; /* The last one; or what is wrong is told to who goes there. */
    ahead->chunk = next;
    assistant_give(ahead->assistant, &job);
}

bool blob_ahead_take(flume_blob_reader *reader, const struct clasts_chunk *chunk)
{
    struct blob_ahead *ahead = &reader->ahead;
    uint8_t *loaded = ahead->buffer;
    bool is_it;

    if (ahead->chunk.bytes == 0)
        return false;
    assistant_settle(ahead->assistant);
    is_it = ahead->status == FLUME_OK && ahead->bytes == chunk->bytes &&
            ahead->chunk.offset_bytes == chunk->offset_bytes &&
            memcmp(ahead->chunk.hash, chunk->hash, sizeof chunk->hash) == 0;
    ahead->chunk.bytes = 0;
    if (!is_it)
        return false;
    ahead->buffer = reader->buffer;
    reader->buffer = loaded;
    reader->chunk = *chunk;
    return true;
}

void blob_ahead_end(flume_blob_reader *reader)
{
    struct blob_ahead *ahead = &reader->ahead;

    if (ahead->assistant == NULL)
        return;
    if (flume_is_forked(reader->handle))
        assistant_abandon(ahead->assistant);
    else
        assistant_destroy(ahead->assistant);
    chunk_coder_deinit(&ahead->coder);
    free(ahead->buffer);
}
