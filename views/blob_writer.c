/*
 * blob_writer.c - putting a content: inline while it is small, into chunks once it is not.
 *
 * What always holds:
 *   - Chunks are in the second log before the record that refers to them is appended.
 *   - After an error nothing more is stored, and no record is appended.
 */
#include <stdlib.h>
#include <string.h>

#include "blob_writer.h"

enum {
    /* Of a batch, and of a chunk that is assembled behind it, with a header before each. */
    BATCH_ROOM_BYTES = GRAINS_BATCH_BYTES + CHUNK_BYTES_MAX +
                       (GRAINS_BATCH_CHUNKS + 1) * CHUNK_HEADER_BYTES,
    /* Chunks of a piece so large are stored from where it lies. It ends a batch: for small pieces,
     * looking chunks up would cost more than copying them. */
    LENT_BYTES_MIN = 1 << 20
};

/* ---- beginning and ending ---- */

static void destroy(flume_blob_writer *writer)
{
    for (size_t i = 0; i < writer->label_count; i++)
        free(writer->labels[i]);
    if (flume_is_forked(writer->handle))
        assistant_abandon(writer->assistant);
    else
        assistant_destroy(writer->assistant);
    content_hasher_destroy(writer->hasher);
    chunker_destroy(writer->chunker);
    clasts_builder_destroy(writer->builder);
    grains_workshop_deinit(&writer->workshop);
    free(writer->buffer);
    free(writer);
}

/* Whether anything may be appended, asked before much is done. */
static int check_writable(flume *handle)
{
    int status = flume_log_append_many(handle->log, NULL, 0, NULL, NULL);

    return status == FLUME_OK ? FLUME_OK : flume_fail_log(handle, status);
}

int flume_blob_writer_open(flume *handle, const flume_blob_options *options,
                           flume_blob_writer **out_writer)
{
    static const flume_blob_options defaults = {.flags = 0};
    flume_blob_writer *writer;
    int status;

    if (handle == NULL || out_writer == NULL)
        return FLUME_ERR_INVALID;
    status = check_writable(handle);
    if (status != FLUME_OK)
        return status;
    writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return blob_put_fail(handle, FLUME_ERR_NO_MEMORY, "out of memory");
    writer->handle = handle;
    writer->needs_seq = FLUME_SEQ_NONE;
    status = blob_writer_take_options(writer, options != NULL ? options : &defaults);
    writer->buffer = malloc(FLUME_BLOB_INLINE_BYTES_MAX);
    if (status == FLUME_OK && writer->buffer == NULL)
        status = blob_put_fail(handle, FLUME_ERR_NO_MEMORY, "out of memory");
    if (status != FLUME_OK) {
        destroy(writer);
        return status;
    }
    *out_writer = writer;
    return FLUME_OK;
}

void flume_blob_writer_abort(flume_blob_writer *writer)
{
    if (writer != NULL)
        destroy(writer);
}

/* ---- chunks ---- */

static void note_needs(flume_blob_writer *writer, const struct grains_chunk *chunk)
{
    if (writer->needs_seq == FLUME_SEQ_NONE || chunk->seq > writer->needs_seq)
        writer->needs_seq = chunk->seq;
}

/* Store what has been gathered, and list it. */
static int flush_batch(flume_blob_writer *writer)
{
    flume_blob_result *result = &writer->result;
    int status = FLUME_OK;

    if (writer->batch_count == 0)
        return FLUME_OK;
    status = grains_store(writer->handle, writer->grains, &writer->workshop, writer->batch,
                          writer->batch_count);
    for (size_t i = 0; i < writer->batch_count && status == FLUME_OK; i++) {
        const struct grains_chunk *chunk = &writer->batch[i];

        note_needs(writer, chunk);
        result->chunks++;
        if (chunk->stored_bytes != 0) {
            result->chunks_new++;
            result->bytes_new += chunk->bytes;
            result->stored_bytes += chunk->stored_bytes;
        }
        status = clasts_builder_add(writer->builder, chunk->hash, (uint32_t)chunk->bytes);
        if (status != FLUME_OK && status != writer->failed)
            (void)flume_fail(writer->handle, status, FLUME_SEQ_NONE, "cannot list a chunk: %s",
                             flume_strerror(status));
    }
    assistant_settle(writer->assistant); /* What it hashes does not stay where it is. */
    writer->batch_count = 0;
    writer->batch_bytes = 0;
    writer->buffered = 0;
    writer->refers = false;
    return status;
}

/* Clasts below the root lie among the chunks. They are not counted as such. */
static int store_clasts(void *ctx, const struct clasts_body *body)
{
    flume_blob_writer *writer = ctx;
    struct grains_chunk chunk = {.content = body->data, .bytes = body->bytes};
    int status;

    memcpy(chunk.hash, body->hash, sizeof chunk.hash);
    status = grains_store(writer->handle, writer->grains, &writer->workshop, &chunk, 1);
    if (status != FLUME_OK)
        return writer->failed = status;
    note_needs(writer, &chunk);
    writer->result.stored_bytes += chunk.stored_bytes;
    return FLUME_OK;
}

/* Have the next chunk assembled behind those of the batch. */
static void assemble_in_buffer(flume_blob_writer *writer)
{
    chunker_assemble_in(writer->chunker, writer->buffer + writer->buffered + CHUNK_HEADER_BYTES);
}

/* A chunk that was assembled joins the batch where it lies, or at its beginning, if that is new. */
static uint8_t *settle_in_buffer(flume_blob_writer *writer, const struct chunk_bytes *bytes)
{
    uint8_t *place = writer->buffer + writer->buffered + CHUNK_HEADER_BYTES;

    if (bytes->data != place)
        memmove(place, bytes->data, bytes->bytes);
    writer->buffered += CHUNK_HEADER_BYTES + bytes->bytes;
    return place - CHUNK_HEADER_BYTES;
}

static void hash_job(void *ctx, const void *data, size_t bytes)
{
    content_hasher_add(ctx, data, bytes);
}

/* Have a chunk added to the hash of the whole, at the latest when the batch is stored. */
static void hash_in_whole(flume_blob_writer *writer, const struct grains_chunk *chunk)
{
    const struct assistant_job job = {
        .work = hash_job, .ctx = writer->hasher, .data = chunk->content, .bytes = chunk->bytes};

    if (writer->bytes >= BLOB_ASSISTED_BYTES_MIN && chunk->bytes >= BLOB_ASSISTED_CHUNK_BYTES_MIN) {
        assistant_give(writer->assistant, &job);
        return;
    }
    assistant_settle(writer->assistant); /* Chunks are hashed in their order. */
    content_hasher_add(writer->hasher, chunk->content, chunk->bytes);
}

/* @param is_lent  It lies in what the caller has given, where it stays until the batch is
 *                 stored. */
static int take_chunk(flume_blob_writer *writer, const struct chunk_bytes *bytes, bool is_lent)
{
    struct grains_chunk *chunk;
    int status = FLUME_OK;

    if (writer->batch_count == GRAINS_BATCH_CHUNKS ||
        writer->batch_bytes + bytes->bytes > GRAINS_BATCH_BYTES)
        status = flush_batch(writer);
    if (status != FLUME_OK)
        return status;
    chunk = &writer->batch[writer->batch_count++];
    *chunk = (struct grains_chunk){.content = bytes->data, .bytes = bytes->bytes};
    if (is_lent) {
        writer->refers = true;
    } else {
        chunk->room = settle_in_buffer(writer, bytes);
        chunk->content = chunk->room + CHUNK_HEADER_BYTES;
    }
    writer->batch_bytes += chunk->bytes;
    hash_in_whole(writer, chunk);
    flume_hash(chunk->content, chunk->bytes, chunk->hash);
    assemble_in_buffer(writer);
    return FLUME_OK;
}

static int feed(flume_blob_writer *writer, const uint8_t *data, size_t bytes)
{
    bool lends = bytes >= LENT_BYTES_MIN;
    int status = FLUME_OK;

    while (bytes > 0 && status == FLUME_OK) {
        struct chunk_bytes chunk;
        size_t used = chunker_feed(writer->chunker, data, bytes, &chunk);

        if (chunk.bytes > 0)
            status = take_chunk(writer, &chunk, lends && chunk.data == data);
        data += used;
        bytes -= used;
    }
    if (status == FLUME_OK && writer->refers)
        status = flush_batch(writer);
    return status;
}

static int make_chunking(flume_blob_writer *writer)
{
    struct clasts_builder_options options = {
        .chunking = writer->chunking, .emit = store_clasts, .emit_ctx = writer};
    int status =
        grains_acquire(writer->handle, GRAINS_STORE, "this content is over 1 MiB", &writer->grains);

    if (status != FLUME_OK)
        return status;
    writer->hasher = content_hasher_create();
    writer->assistant = assistant_create(blob_assistant_mode(writer->handle), "fl:blob-hash");
    if (writer->hasher == NULL || writer->assistant == NULL)
        status = FLUME_ERR_NO_MEMORY;
    if (status == FLUME_OK)
        status = chunker_create(&writer->chunking, NULL, &writer->chunker);
    if (status == FLUME_OK)
        status = clasts_builder_create(&options, &writer->builder);
    return status == FLUME_OK ? FLUME_OK
                              : blob_put_fail(writer->handle, status, flume_strerror(status));
}

/* It is more than fits a record: cut what has come so far, and all that follows. */
static int begin_chunks(flume_blob_writer *writer)
{
    uint8_t *start = writer->buffer;
    size_t bytes = writer->buffered;
    int status = make_chunking(writer);

    if (status != FLUME_OK)
        return status;
    writer->buffer = malloc(BATCH_ROOM_BYTES);
    if (writer->buffer == NULL)
        status = blob_put_fail(writer->handle, FLUME_ERR_NO_MEMORY, "out of memory");
    writer->buffered = 0;
    if (status == FLUME_OK) {
        assemble_in_buffer(writer);
        status = feed(writer, start, bytes);
    }
    free(start);
    return status;
}

/* ---- writing ---- */

static int fail_for_good(flume_blob_writer *writer, int status)
{
    writer->failed = status;
    flume_last_error(writer->handle, &writer->error);
    return status;
}

static int fail_again(const flume_blob_writer *writer)
{
    return flume_fail(writer->handle, writer->failed, FLUME_SEQ_NONE, "%s", writer->error.message);
}

static int write_bytes(flume_blob_writer *writer, const uint8_t *data, size_t bytes)
{
    int status = FLUME_OK;

    if (writer->chunker == NULL) {
        if (writer->buffered + bytes <= FLUME_BLOB_INLINE_BYTES_MAX) {
            memcpy(writer->buffer + writer->buffered, data, bytes);
            writer->buffered += bytes;
            return FLUME_OK;
        }
        status = begin_chunks(writer);
    }
    return status == FLUME_OK ? feed(writer, data, bytes) : status;
}

int flume_blob_writer_write(flume_blob_writer *writer, const void *data, size_t data_bytes)
{
    int status;

    if (writer == NULL)
        return FLUME_ERR_INVALID;
    if (writer->failed != FLUME_OK)
        return fail_again(writer);
    if (data_bytes == 0)
        return FLUME_OK;
    if (data == NULL)
        return blob_put_fail(writer->handle, FLUME_ERR_INVALID, "bytes are NULL but not none");
    if (flume_is_forked(writer->handle)) /* The second thread, if there was one, is not here. */
        return fail_for_good(writer, flume_fail_log(writer->handle, FLUME_ERR_FORKED));
    writer->bytes += data_bytes;
    status = write_bytes(writer, data, data_bytes);
    return status == FLUME_OK ? FLUME_OK : fail_for_good(writer, status);
}

/* ---- finishing ---- */

static int finish(flume_blob_writer *writer)
{
    struct clasts_body root;
    struct chunk_bytes last;
    int status = FLUME_OK;

    writer->result.bytes = writer->bytes;
    if (writer->chunker == NULL) {
        flume_hash(writer->buffer, writer->buffered, writer->result.hash);
        return blob_writer_record(writer, NULL);
    }
    chunker_finish(writer->chunker, &last);
    if (last.bytes > 0)
        status = take_chunk(writer, &last, false);
    if (status == FLUME_OK)
        status = flush_batch(writer);
    if (status != FLUME_OK)
        return status;
    content_hasher_get(writer->hasher, writer->result.hash);
    status = clasts_builder_end(writer->builder, &root);
    if (status != FLUME_OK && writer->failed == FLUME_OK)
        return blob_put_fail(writer->handle, status, flume_strerror(status));
    return status == FLUME_OK ? blob_writer_record(writer, &root) : status;
}

int flume_blob_writer_finish(flume_blob_writer *writer, flume_blob_result *out_result)
{
    int status;

    if (writer == NULL)
        return FLUME_ERR_INVALID;
    if (writer->failed != FLUME_OK)
        status = fail_again(writer);
    else if (flume_is_forked(writer->handle))
        status = flume_fail_log(writer->handle, FLUME_ERR_FORKED);
    else
        status = finish(writer);
    if (status == FLUME_OK && out_result != NULL)
        *out_result = writer->result;
    destroy(writer);
    return status;
}

int flume_blob_put(flume *handle, const void *data, size_t data_bytes,
                   const flume_blob_options *options, flume_blob_result *out_result)
{
    flume_blob_writer *writer = NULL;
    int status = flume_blob_writer_open(handle, options, &writer);

    if (status != FLUME_OK)
        return status;
    status = flume_blob_writer_write(writer, data, data_bytes);
    if (status != FLUME_OK) {
        flume_blob_writer_abort(writer);
        return status;
    }
    return flume_blob_writer_finish(writer, out_result);
}
