/*
 * stage_flush.c - writing what is staged, and the recorder's side of staging (stage.h).
 */
#include "stage.h"

#include <stdlib.h>
#include <string.h>

#include "flume/blob.h"
#include "rules.h"

enum { PIECE_BYTES = 1 << 20 };

int stage_check_idle(flume_recorder *recorder)
{
    if (!recorder->stage.is_flushing)
        return FLUME_OK;
    return flume_fail(recorder->handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                      "who is told what was written uses the recorder that writes it: open another "
                      "one");
}

/* ---- contents ---- */

static int copy(flume_recorder *recorder, const struct stage_content *content, uint8_t *piece,
                flume_blob_writer *writer)
{
    int status = FLUME_OK;

    for (uint64_t done = 0; status == FLUME_OK && done < content->bytes;) {
        uint64_t left = content->bytes - done;
        size_t bytes = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;

        status = spool_read(recorder->handle, &recorder->stage.contents, content->at + done, piece,
                            bytes);
        if (status == FLUME_OK)
            status = flume_blob_writer_write(writer, piece, bytes);
        done += bytes;
    }
    return status;
}

static int store(flume_recorder *recorder, const struct stage_content *content)
{
    flume *handle = recorder->handle;
    flume_blob_writer *writer;
    flume_ask now = {0};
    uint64_t seq;
    uint8_t *piece;
    int status = flume_blob_find(handle, &now, content->hash, &seq);

    if (status != FLUME_ERR_NOT_FOUND)
        return status;
    piece = malloc(PIECE_BYTES);
    if (piece == NULL)
        return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                          "no memory to store what is staged");
    status = flume_blob_writer_open(handle, NULL, &writer);
    if (status == FLUME_OK) {
        status = copy(recorder, content, piece, writer);
        if (status == FLUME_OK)
            status = flume_blob_writer_finish(writer, NULL);
        else
            flume_blob_writer_abort(writer);
    }
    free(piece);
    if (status == FLUME_OK)
        batch_count_blob(recorder, content->bytes);
    return status;
}

static int store_all(flume_recorder *recorder, const struct stage_entry *entry)
{
    int status = FLUME_OK;

    for (uint32_t i = 0; status == FLUME_OK && i < entry->contents; i++) {
        struct stage_content content = stage_content_at(&recorder->stage, entry, i);

        status = store(recorder, &content);
    }
    return status;
}

/* ---- entries ---- */

/* As many of an entry's commits as go into one batch. What was written does not come again. */
static int write_some(flume_recorder *recorder, const struct stage_entry *entry)
{
    struct stage *stage = &recorder->stage;
    const flume_stage_options *options = &recorder->stage.options;
    struct scope_stamp stamp = {.frame = entry->frame,
                                .enclosing_frame = entry->enclosing_frame,
                                .first_time_ns = entry->first_time_ns,
                                .last_time_ns = entry->last_time_ns};
    uint64_t id = entry->staged_id + stage->read_done;
    flume_verdict verdict;
    int status = batch_prepare(recorder);

    if (status == FLUME_OK)
        status = store_all(recorder, entry);
    if (status != FLUME_OK)
        return status;
    memcpy(stamp.tare_id, entry->tare_id, sizeof stamp.tare_id);
    stamp.count = entry->count - stage->read_done;
    if (stamp.count > batch_room(recorder))
        stamp.count = batch_room(recorder);
    status = commit_staged(recorder, stage->scope, &stamp, &verdict);
    if (status != FLUME_OK)
        return status;
    if (verdict.kind != FLUME_DUP)
        stamp.count = 1; /* What it was a duplicate of cannot be read any more. */
    stage->commits -= stamp.count;
    stage->read_done += stamp.count;
    verdict.staged_id = id;
    if (options->written != NULL)
        options->written(options->ctx, id, stamp.count, &verdict);
    return FLUME_OK;
}

static int write_all(flume_recorder *recorder)
{
    struct stage *stage = &recorder->stage;
    struct stage_entry entry;
    uint64_t next;
    int status = FLUME_OK;

    while (status == FLUME_OK && stage->commits > 0) {
        status = stage_read(recorder, stage->read_at, &entry, &next);
        while (status == FLUME_OK && stage->read_done < entry.count)
            status = write_some(recorder, &entry);
        if (status == FLUME_OK) {
            stage->read_at = next;
            stage->read_done = 0;
        }
    }
    return status;
}

int stage_flush(flume_recorder *recorder)
{
    struct stage *stage = &recorder->stage;
    int status = stage_check_idle(recorder);

    if (status != FLUME_OK || stage->commits == 0)
        return status;
    stage->is_flushing = true;
    status = write_all(recorder);
    stage->is_flushing = false;
    if (status != FLUME_OK)
        return status;
    stage_clear(recorder);
    enclosing_written(recorder);
    return FLUME_OK;
}

/* ---- the recorder's ---- */

int flume_recorder_stage(flume_recorder *recorder, const flume_stage_options *options)
{
    int status;

    if (recorder == NULL)
        return FLUME_ERR_INVALID;
    status = rules_check_idle(recorder);
    if (status == FLUME_OK)
        status = stage_check_idle(recorder);
    if (status == FLUME_OK && options == NULL)
        status = stage_flush(recorder);
    if (status != FLUME_OK)
        return status;
    recorder->stage.is_on = options != NULL;
    recorder->stage.options = options != NULL ? *options : (flume_stage_options){0};
    return FLUME_OK;
}

int flume_recorder_discard(flume_recorder *recorder)
{
    int status;

    if (recorder == NULL)
        return FLUME_ERR_INVALID;
    status = rules_check_idle(recorder);
    if (status == FLUME_OK)
        status = stage_check_idle(recorder);
    if (status != FLUME_OK)
        return status;
    stage_clear(recorder);
    enclosing_discarded(recorder);
    tare_sets_forget(recorder);
    return FLUME_OK;
}

uint64_t flume_recorder_staged(const flume_recorder *recorder)
{
    return recorder != NULL ? recorder->stage.commits : 0;
}
