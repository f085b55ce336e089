/*
 * blob_verify.c - reading a whole content and comparing its hash.
 */
#include <string.h>

#include "blob_reader.h"
#include "content.h"
#include "inside.h"

struct verifying {
    flume_blob_reader *reader;
    struct content_hasher *hasher;
    int (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
    flume_blob_report report;
    flume_error first; /* The detail of the first damage. */
};

/* Damage of one chunk does not end it. */
static bool goes_on(int status)
{
    return status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST || status == FLUME_ERR_GONE;
}

static int verify_chunk(struct verifying *verifying, const struct clasts_chunk *chunk)
{
    flume_blob_report *report = &verifying->report;
    const uint8_t *content = NULL;
    int status = blob_reader_load(verifying->reader, chunk, NULL, &content);

    report->chunks++;
    if (status == FLUME_OK) {
        content_hasher_add(verifying->hasher, content, chunk->bytes);
        report->bytes += chunk->bytes;
        return FLUME_OK;
    }
    if (!goes_on(status))
        return status;
    if (report->chunks_bad++ == 0) {
        report->first_bad = chunk->offset_bytes;
        flume_last_error(verifying->reader->handle, &verifying->first);
    }
    return FLUME_OK;
}

static int verify_chunks(struct verifying *verifying)
{
    flume_blob_reader *reader = verifying->reader;
    struct clasts_chunk chunk;
    int status = FLUME_OK;

    for (uint64_t offset = 0; offset < reader->info.bytes && status == FLUME_OK;
         offset += chunk.bytes) {
        status = blob_reader_chunk(reader, offset, &chunk);
        if (status == FLUME_OK)
            status = verify_chunk(verifying, &chunk);
        if (status == FLUME_OK && verifying->progress != NULL &&
            verifying->progress(verifying->ctx, offset + chunk.bytes, reader->info.bytes) != 0)
            status = flume_fail(reader->handle, FLUME_ERR_CANCELLED, FLUME_SEQ_NONE,
                                "verifying a blob was cancelled");
    }
    return status;
}

static int verdict(struct verifying *verifying)
{
    flume_blob_reader *reader = verifying->reader;
    uint8_t hash[FLUME_HASH_BYTES];
    char words[BLOB_WORDS_BYTES];

    if (verifying->report.chunks_bad > 0)
        return flume_fail(reader->handle, FLUME_ERR_DAMAGED, verifying->first.seq, "%s",
                          verifying->first.message);
    content_hasher_get(verifying->hasher, hash);
    verifying->report.sound = memcmp(hash, reader->info.hash, sizeof hash) == 0;
    if (verifying->report.sound)
        return FLUME_OK;
    blob_words(reader->info.hash, words);
    return flume_fail(reader->handle, FLUME_ERR_DAMAGED, reader->record.seq,
                      "%s: its chunks are sound, but together they have another hash", words);
}

static int verify(struct verifying *verifying)
{
    flume_blob_reader *reader = verifying->reader;
    int status = FLUME_OK;

    verifying->hasher = content_hasher_create();
    if (verifying->hasher == NULL)
        return flume_fail(reader->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                          "no memory to verify a blob");
    if (reader->blob.form == FLUME_BLOB_INLINE) {
        content_hasher_add(verifying->hasher, reader->blob.rest, reader->blob.rest_bytes);
        verifying->report.bytes = reader->blob.rest_bytes;
    } else {
        status = verify_chunks(verifying);
    }
    return status == FLUME_OK ? verdict(verifying) : status;
}

int flume_blob_verify(flume *handle, const flume_ask *ask, uint64_t seq,
                      int (*progress)(void *ctx, uint64_t done, uint64_t total), void *ctx,
                      flume_blob_report *out_report)
{
    struct verifying verifying = {.progress = progress, .ctx = ctx};
    int status;

    if (handle == NULL)
        return FLUME_ERR_INVALID;
    status = flume_blob_reader_open_seq(handle, ask, seq, &verifying.reader);
    if (status != FLUME_OK)
        return status;
    status = verify(&verifying);
    if (out_report != NULL && (status == FLUME_OK || status == FLUME_ERR_DAMAGED))
        *out_report = verifying.report;
    content_hasher_destroy(verifying.hasher);
    flume_blob_reader_close(verifying.reader);
    return status;
}
