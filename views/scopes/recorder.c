/*
 * recorder.c - a recorder (flume/recorder.h): making, flushing, ending.
 */
#include "recorder_inside.h"

#include <stdlib.h>
#include <string.h>

enum { LINK_INTERVAL_NS = 1000000000 };

bool scope_buffer_add(struct scope_buffer *buffer, const void *data, size_t bytes)
{
    if (!scope_reserve((void **)&buffer->data, &buffer->capacity, buffer->bytes + bytes, 1))
        return false;
    if (bytes > 0)
        memcpy(buffer->data + buffer->bytes, data, bytes);
    buffer->bytes += bytes;
    return true;
}

static void destroy(flume_recorder *recorder)
{
    overlay_destroy(recorder->overlay);
    flume_scope_destroy(recorder->effective);
    flume_scope_destroy(recorder->neutral);
    rules_destroy(recorder->rules);
    links_deinit(&recorder->links);
    batch_deinit(&recorder->batch);
    stage_deinit(&recorder->stage);
    scope_buffer_deinit(&recorder->last_image);
    scope_buffer_deinit(&recorder->body);
    scope_buffer_deinit(&recorder->key_texts);
    free(recorder->keys);
    free(recorder->git_commit);
    free(recorder);
}

/* Numbers of frames must not come twice in a basin: they begin at random. */
static int begin_frames(flume_recorder *recorder)
{
    const flume_io *io = recorder->handle->io;
    int error = -io->random(io->ctx, &recorder->next_frame, sizeof recorder->next_frame);

    recorder->next_frame |= 1; /* 0 is none. */
    return error == 0 ? FLUME_OK
                      : flume_fail_errno(recorder->handle, error, "get random bytes for",
                                         recorder->handle->path);
}

static int keep_git_commit(flume_recorder *recorder)
{
    if (recorder->options.git_commit == NULL)
        return FLUME_OK;
    recorder->git_commit = strdup(recorder->options.git_commit);
    recorder->options.git_commit = recorder->git_commit;
    return recorder->git_commit != NULL ? FLUME_OK
                                        : flume_fail(recorder->handle, FLUME_ERR_NO_MEMORY,
                                                     FLUME_SEQ_NONE, "no memory for a recorder");
}

int flume_recorder_open(flume_recorder **out_recorder, flume *handle,
                        const flume_recorder_options *options)
{
    const unsigned known = FLUME_RECORDER_FAST | FLUME_RECORDER_STORE_FULL |
                           FLUME_RECORDER_NO_OWN_LABEL | FLUME_RECORDER_REFUSE_DIRTY |
                           FLUME_RECORDER_NEEDS_BLOCK | FLUME_RECORDER_PENDING |
                           FLUME_RECORDER_STORE_DELTA | FLUME_RECORDER_CHAIN;
    flume_recorder *recorder;
    int status;

    if (handle == NULL || out_recorder == NULL)
        return FLUME_ERR_INVALID;
    if (options != NULL && (options->flags & ~known) != 0)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE, "a recorder has no flags 0x%x",
                          options->flags & ~known);
    /* Nothing is appended: only whether anything may be is asked. */
    status = flume_log_append_many(handle->log, NULL, 0, NULL, NULL);
    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    recorder = calloc(1, sizeof *recorder);
    if (recorder == NULL)
        return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE, "no memory for a recorder");
    recorder->handle = handle;
    if (options != NULL)
        recorder->options = *options;
    if (recorder->options.link_interval_ns == 0)
        recorder->options.link_interval_ns = LINK_INTERVAL_NS;
    recorder->last_seq = FLUME_SEQ_NONE;
    status = keep_git_commit(recorder);
    if (status == FLUME_OK)
        status = begin_frames(recorder);
    if (status == FLUME_OK)
        status = flume_scope_create(&recorder->effective);
    if (status == FLUME_OK && (recorder->options.flags & FLUME_RECORDER_FAST) == 0)
        status = overlay_create(handle, recorder->options.memory_bytes, &recorder->overlay);
    if (status != FLUME_OK) {
        destroy(recorder);
        return status;
    }
    *out_recorder = recorder;
    return FLUME_OK;
}

/* Each of them is written, whatever became of the others. */
int flume_recorder_flush(flume_recorder *recorder)
{
    int status, links_status, counts_status;

    if (recorder == NULL)
        return FLUME_ERR_INVALID;
    status = stage_flush(recorder);
    links_status = links_flush(recorder);
    counts_status = recall_counts_flush(recorder);
    if (status == FLUME_OK)
        status = links_status;
    return status == FLUME_OK ? counts_status : status;
}

int flume_recorder_close(flume_recorder *recorder)
{
    int status;

    if (recorder == NULL)
        return FLUME_OK;
    status = flume_recorder_flush(recorder);
    destroy(recorder);
    return status;
}

/* What scopes of this recorder need to have before them, and has not been told yet. */
struct preface {
    char *schema; /* NULL: nothing. */
    const char *tares;
};

static int preface_make(flume_recorder *recorder, const uint8_t tare_id[FLUME_HASH_BYTES],
                        struct preface *out_preface)
{
    int status = schema_to_record(recorder, &out_preface->schema);

    if (status != FLUME_OK)
        return status;
    status = tare_set_to_record(recorder, tare_id, &out_preface->tares);
    if (status != FLUME_OK)
        free(out_preface->schema);
    return status;
}

static void add_schema(flume_entry *entries, size_t *io_count, const char *body)
{
    if (body != NULL)
        entries[(*io_count)++] = (flume_entry){.body = body,
                                               .body_bytes = strlen(body),
                                               .kind = FLUME_KIND_SCHEMA,
                                               .codec = FLUME_CODEC_JSON};
}

int recorder_append(flume_recorder *recorder, uint8_t kind, uint64_t time_ns,
                    const struct scope_buffer *body, const char *const *labels, size_t label_count,
                    const uint8_t tare_id[FLUME_HASH_BYTES], const flume_condition *condition,
                    uint64_t *out_seq)
{
    struct preface preface;
    flume_entry entries[3]; /* All of them are there, or none is. */
    size_t count = 0;
    int status = preface_make(recorder, tare_id, &preface);

    if (status != FLUME_OK)
        return status;
    add_schema(entries, &count, preface.tares);
    add_schema(entries, &count, preface.schema); /* The newest one: it is looked for there. */
    entries[count] = (flume_entry){.body = body->data,
                                   .body_bytes = body->bytes,
                                   .labels = label_count > 0 ? labels : NULL,
                                   .label_count = label_count,
                                   .time_ns = time_ns,
                                   .kind = kind};
    status = flume_log_append_many(recorder->handle->log, entries, count + 1, condition, out_seq);
    free(preface.schema);
    if (status == FLUME_OK) {
        schema_recorded(recorder);
        tare_set_recorded(recorder, tare_id);
        if (out_seq != NULL)
            *out_seq += count;
    }
    if (status == FLUME_OK || status == FLUME_ERR_CONFLICT)
        return status;
    return flume_fail_log(recorder->handle, status);
}
