/*
 * links.c - duplicates, counted together: one record for as many commits of a scope as follow one
 * another.
 *
 * What waits is lost with the process; what was counted is not counted again.
 */
#include "recorder_inside.h"

#include <stdlib.h>
#include <string.h>

#include "little.h"
#include "scope_record_bytes.h"

void links_deinit(struct pending_links *links)
{
    scope_buffer_deinit(&links->body);
    scope_buffer_deinit(&links->labels);
}

static uint64_t wall_ns(const flume_recorder *recorder)
{
    const flume_io *io = recorder->handle->io;

    return io->wall_ns(io->ctx);
}

/* Its labels are kept: the scope may be changed before the link is written. */
static bool keep_labels(flume_recorder *recorder, flume_scope *effective)
{
    struct pending_links *links = &recorder->links;
    const char *const *labels;
    size_t count, own;

    links->labels.bytes = 0;
    if (scope_record_labels(effective, &labels, &count, &own) != FLUME_OK ||
        batch_labels(recorder, &labels, &count) != FLUME_OK)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!scope_buffer_add(&links->labels, labels[i], strlen(labels[i]) + 1))
            return false;
    links->label_count = count;
    return true;
}

int links_add(flume_recorder *recorder, flume_scope *effective, const struct scope_stamp *stamp)
{
    struct pending_links *links = &recorder->links;
    uint64_t count = stamp->count > 0 ? stamp->count : 1;
    uint64_t now_ns = stamp->count > 0 ? stamp->last_time_ns : wall_ns(recorder);
    bool same = links->pending && links->target_seq == stamp->target_seq &&
                links->frame == stamp->frame && links->enclosing_frame == stamp->enclosing_frame &&
                memcmp(links->tare_id, stamp->tare_id, sizeof links->tare_id) == 0 &&
                now_ns - links->first_time_ns < recorder->options.link_interval_ns;
    int status = FLUME_OK;

    if (!same && links->pending)
        status = links_flush(recorder);
    if (status != FLUME_OK)
        return status;
    if (!same || effective->class_count[FLUME_CLASS_VOLATILE] > 0) {
        status = scope_record_encode(effective, stamp, &links->body);
        if (status == FLUME_OK && !same && !keep_labels(recorder, effective))
            status = FLUME_ERR_NO_MEMORY;
        if (status != FLUME_OK)
            return flume_fail(recorder->handle, status, FLUME_SEQ_NONE,
                              "a link to scope %llu cannot be written: %s",
                              (unsigned long long)stamp->target_seq, flume_strerror(status));
    }
    if (!same) {
        links->pending = true;
        links->target_seq = stamp->target_seq;
        links->frame = stamp->frame;
        links->enclosing_frame = stamp->enclosing_frame;
        memcpy(links->tare_id, stamp->tare_id, sizeof links->tare_id);
        links->count = 0;
        links->first_time_ns = stamp->count > 0 ? stamp->first_time_ns : now_ns;
    }
    batch_count(recorder, count, same ? 0 : links->body.bytes);
    links->count += count;
    links->last_time_ns = now_ns;
    return FLUME_OK;
}

int links_flush(flume_recorder *recorder)
{
    struct pending_links *links = &recorder->links;
    const char **labels = NULL;
    const char *text = (const char *)links->labels.data;
    int status = FLUME_OK;

    if (!links->pending)
        return FLUME_OK;
    if (links->label_count > 0)
        labels = malloc(links->label_count * sizeof *labels);
    if (links->label_count > 0 && labels == NULL)
        return flume_fail(recorder->handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                          "no memory for the labels of a link");
    for (size_t i = 0; i < links->label_count; i++) {
        labels[i] = text;
        text += strlen(text) + 1;
    }
    little_put64(links->body.data + LINK_BODY_COUNT_AT, links->count);
    little_put64(links->body.data + LINK_BODY_FIRST_AT, links->first_time_ns);
    little_put64(links->body.data + LINK_BODY_LAST_AT, links->last_time_ns);
    status = recorder_append(recorder, FLUME_KIND_LINK, 0, &links->body, labels, links->label_count,
                             links->tare_id, NULL, NULL);
    free(labels);
    if (status == FLUME_OK)
        links->pending = false;
    return status;
}
