/*
 * blob_reader.c - reading a content, verified, in any order.
 *
 * What always holds:
 *   - Nothing is given whose hash has not been compared: of an inline content when it is opened, of
 *     a chunk when it is loaded.
 *   - One chunk is in memory at a time, or two, if they are read in order (blob_ahead.c), and of
 *     its clasts one body a level.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob_reader.h"
#include "content.h"
#include "grains.h"
#include "inside.h"

static void name_blob(const flume_blob_reader *reader, char out_words[BLOB_WORDS_BYTES])
{
    blob_words(reader->info.hash, out_words);
}

/* ---- what a blob consists of ---- */

static int lacks(flume_blob_reader *reader, const char *what, int status)
{
    char words[BLOB_WORDS_BYTES];
    flume_error error;

    name_blob(reader, words);
    if (status == FLUME_ERR_NOT_FOUND)
        return flume_fail(
            reader->handle, FLUME_ERR_DAMAGED, FLUME_SEQ_NONE,
            "%s: %s is not in the second log, %s; run 'flume check' there, or put the "
            "content again",
            words, what, flume_log_path(reader->grains->log));
    flume_last_error(reader->handle, &error);
    return flume_fail(reader->handle, status, error.seq, "%s: %s cannot be read: %s", words, what,
                      error.message);
}

/* Lend clasts their bodies: the root lies in the record, the others among the chunks. */
static int load_clasts(void *ctx, const uint8_t hash[FLUME_HASH_BYTES], const uint8_t **out_body,
                       size_t *out_body_bytes)
{
    flume_blob_reader *reader = ctx;
    int status;

    reader->load_status = FLUME_OK;
    if (memcmp(hash, reader->root_hash, FLUME_HASH_BYTES) == 0) {
        *out_body = reader->blob.rest;
        *out_body_bytes = reader->blob.rest_bytes;
        return FLUME_OK;
    }
    reader->chunk.bytes = 0; /* Its place is taken. */
    status = grains_load(reader->handle, reader->grains, &reader->coder, hash, reader->buffer,
                         CHUNK_BYTES_MAX, out_body_bytes);
    if (status != FLUME_OK)
        return reader->load_status = lacks(reader, "a part of its list of chunks", status);
    *out_body = reader->buffer;
    return FLUME_OK;
}

static int bad_list(flume_blob_reader *reader, int status)
{
    char words[BLOB_WORDS_BYTES];

    if (reader->load_status != FLUME_OK)
        return status; /* The detail is of that. */
    name_blob(reader, words);
    return flume_fail(reader->handle, status, reader->record.seq,
                      "%s: its list of chunks, at seq %llu, is not sound: %s", words,
                      (unsigned long long)reader->record.seq, flume_strerror(status));
}

static int open_chunked(flume_blob_reader *reader)
{
    struct clasts_reader_options options = {.load = load_clasts, .load_ctx = reader};
    char words[BLOB_WORDS_BYTES];
    int status;

    name_blob(reader, words);
    status = grains_acquire(reader->handle, GRAINS_READ, words, &reader->grains);
    if (status != FLUME_OK)
        return status;
    chunk_coder_init(&reader->coder, 0);
    reader->buffer = malloc(CHUNK_BYTES_MAX);
    if (reader->buffer == NULL)
        return flume_fail(reader->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                          "no memory to read a blob");
    flume_hash(reader->blob.rest, reader->blob.rest_bytes, reader->root_hash);
    status = clasts_reader_open(&options, reader->root_hash, &reader->clasts);
    if (status == FLUME_OK && clasts_reader_bytes(reader->clasts) != reader->blob.bytes)
        status = FLUME_ERR_DAMAGED;
    return status == FLUME_OK ? FLUME_OK : bad_list(reader, status);
}

static int open_inline(flume_blob_reader *reader)
{
    uint8_t hash[FLUME_HASH_BYTES];
    char words[BLOB_WORDS_BYTES];

    flume_hash(reader->blob.rest, reader->blob.rest_bytes, hash);
    if (memcmp(hash, reader->info.hash, sizeof hash) == 0)
        return FLUME_OK;
    name_blob(reader, words);
    return flume_fail(reader->handle, FLUME_ERR_DAMAGED, reader->record.seq,
                      "%s: the content at seq %llu has another hash", words,
                      (unsigned long long)reader->record.seq);
}

/* ---- opening ---- */

/* What is asked for is known: find who has the content. */
static int open_content(flume_blob_reader *reader, const flume_ask *ask, const flume_record *record,
                        const struct blob_record *blob)
{
    flume_record holder = *record;
    int status = FLUME_OK;

    blob_info_fill(record, blob, &reader->info);
    reader->blob = *blob;
    if (blob->form == FLUME_BLOB_AGAIN) {
        status = blob_holder(reader->handle, ask, reader->info.hash, &holder, &reader->blob);
        if (status == FLUME_ERR_NOT_FOUND)
            status = FLUME_ERR_DAMAGED; /* It says that there was one. */
        if (status != FLUME_OK)
            return status;
    }
    flume_record_keep(&holder, &reader->record);
    if (blob->form == FLUME_BLOB_AGAIN)
        flume_record_release(&holder);
    if (reader->blob.bytes != reader->info.bytes)
        return bad_list(reader, FLUME_ERR_DAMAGED);
    return reader->blob.form == FLUME_BLOB_INLINE ? open_inline(reader) : open_chunked(reader);
}

static int open_record(flume *handle, const flume_ask *ask, flume_record *record,
                       const struct blob_record *blob, flume_blob_reader **out_reader)
{
    flume_blob_reader *reader = calloc(1, sizeof *reader);
    int status;

    if (reader == NULL) {
        flume_record_release(record);
        return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE, "no memory to read a blob");
    }
    reader->handle = handle;
    reader->next_index = UINT64_MAX;
    status = open_content(reader, ask, record, blob);
    flume_record_release(record);
    if (status != FLUME_OK) {
        flume_blob_reader_close(reader);
        return status;
    }
    *out_reader = reader;
    return FLUME_OK;
}

int flume_blob_reader_open(flume *handle, const flume_ask *ask,
                           const uint8_t hash[FLUME_HASH_BYTES], flume_blob_reader **out_reader)
{
    struct blob_record blob;
    flume_record record;
    int status;

    if (handle == NULL || hash == NULL || out_reader == NULL)
        return FLUME_ERR_INVALID;
    status = blob_holder(handle, ask, hash, &record, &blob);
    return status == FLUME_OK ? open_record(handle, ask, &record, &blob, out_reader) : status;
}

int flume_blob_reader_open_seq(flume *handle, const flume_ask *ask, uint64_t seq,
                               flume_blob_reader **out_reader)
{
    struct blob_record blob;
    flume_record record;
    int status;

    if (handle == NULL || out_reader == NULL)
        return FLUME_ERR_INVALID;
    status = blob_get(handle, seq, &record, &blob);
    return status == FLUME_OK ? open_record(handle, ask, &record, &blob, out_reader) : status;
}

const flume_blob_info *flume_blob_reader_info(const flume_blob_reader *reader)
{
    return &reader->info;
}

void flume_blob_reader_close(flume_blob_reader *reader)
{
    if (reader == NULL)
        return;
    blob_ahead_end(reader);
    clasts_reader_close(reader->clasts);
    chunk_coder_deinit(&reader->coder);
    flume_record_release(&reader->record);
    free(reader->buffer);
    free(reader);
}

/* ---- reading ---- */

int blob_reader_chunk(flume_blob_reader *reader, uint64_t offset, struct clasts_chunk *out_chunk)
{
    int status;

    reader->load_status = FLUME_OK;
    status = clasts_reader_seek(reader->clasts, offset, out_chunk);
    if (status != FLUME_ERR_DAMAGED && status != FLUME_ERR_VERSION && status != FLUME_ERR_NO_MEMORY)
        return status;
    return bad_list(reader, status);
}

/* What a chunk is called in messages. */
static int lacks_chunk(flume_blob_reader *reader, const struct clasts_chunk *chunk, int status)
{
    char what[128];

    (void)snprintf(what, sizeof what, "chunk %llu of %llu (bytes %llu to %llu)",
                   (unsigned long long)chunk->index + 1, (unsigned long long)reader->blob.chunks,
                   (unsigned long long)chunk->offset_bytes,
                   (unsigned long long)(chunk->offset_bytes + chunk->bytes - 1));
    return lacks(reader, what, status);
}

static bool is_loaded(const flume_blob_reader *reader, const struct clasts_chunk *chunk)
{
    return reader->chunk.bytes != 0 && reader->chunk.offset_bytes == chunk->offset_bytes;
}

int blob_reader_load(flume_blob_reader *reader, const struct clasts_chunk *chunk, uint8_t *target,
                     const uint8_t **out_content)
{
    size_t bytes = 0;
    int status;

    if (flume_is_forked(reader->handle)) /* What loads ahead is not here. */
        return flume_fail_log(reader->handle, FLUME_ERR_FORKED);
    if (!is_loaded(reader, chunk) && !blob_ahead_take(reader, chunk)) {
        blob_ahead_begin(reader, chunk);
        if (target == NULL) {
            target = reader->buffer;
            reader->chunk.bytes = 0;
        }
        status = grains_load(reader->handle, reader->grains, &reader->coder, chunk->hash, target,
                             chunk->bytes, &bytes);
        if (status == FLUME_OK && bytes != chunk->bytes)
            status = FLUME_ERR_DAMAGED;
        if (status != FLUME_OK)
            return lacks_chunk(reader, chunk, status);
        if (target == reader->buffer)
            reader->chunk = *chunk;
        else
            *out_content = target;
    }
    if (is_loaded(reader, chunk))
        *out_content = reader->buffer;
    reader->next_index = chunk->index + 1;
    return FLUME_OK;
}

/* Bytes of the chunk that an offset is in. */
static int read_in_chunk(flume_blob_reader *reader, uint64_t offset, uint8_t *target,
                         size_t target_bytes, size_t *out_bytes)
{
    struct clasts_chunk chunk = reader->chunk;
    const uint8_t *content = NULL;
    size_t skipped, bytes;
    int status = FLUME_OK;

    if (chunk.bytes == 0 || offset < chunk.offset_bytes ||
        offset - chunk.offset_bytes >= chunk.bytes)
        status = blob_reader_chunk(reader, offset, &chunk);
    if (status != FLUME_OK)
        return status;
    skipped = (size_t)(offset - chunk.offset_bytes);
    bytes = chunk.bytes - skipped < target_bytes ? chunk.bytes - skipped : target_bytes;
    status = blob_reader_load(reader, &chunk, bytes == chunk.bytes ? target : NULL, &content);
    if (status != FLUME_OK)
        return status;
    if (content != target)
        memcpy(target, content + skipped, bytes);
    *out_bytes = bytes;
    return FLUME_OK;
}

int flume_blob_reader_read(flume_blob_reader *reader, uint64_t offset, void *target,
                           size_t target_bytes, size_t *out_bytes)
{
    size_t done = 0;

    if (reader == NULL || out_bytes == NULL || (target == NULL && target_bytes > 0))
        return FLUME_ERR_INVALID;
    if (offset >= reader->info.bytes)
        target_bytes = 0;
    else if (target_bytes > reader->info.bytes - offset)
        target_bytes = (size_t)(reader->info.bytes - offset);
    if (target_bytes > 0 && reader->blob.form == FLUME_BLOB_INLINE) {
        memcpy(target, reader->blob.rest + offset, target_bytes);
        done = target_bytes;
    }
    while (done < target_bytes) {
        size_t bytes = 0;
        int status = read_in_chunk(reader, offset + done, (uint8_t *)target + done,
                                   target_bytes - done, &bytes);

        if (status != FLUME_OK)
            return status;
        done += bytes;
    }
    *out_bytes = done;
    return FLUME_OK;
}
