/*
 * batch.h - the batch of a recorder, and how an id is written (flume/scope_batch.h).
 *
 * What always holds:
 *   - While records is 0, nothing in the log has the batch's label.
 *   - A link that waits belongs to the batch as it is: whoever begins another one has it written
 *     before.
 */
#ifndef VIEWS_SCOPES_BATCH_H
#define VIEWS_SCOPES_BATCH_H

#include <assert.h>

#include "flume/scope_batch.h"

enum { BATCH_LABEL_PREFIX_BYTES = sizeof FLUME_SCOPE_BATCH_LABEL - 1 };
static_assert(BATCH_LABEL_PREFIX_BYTES + FLUME_SCOPE_BATCH_ID_BYTES_MAX <= FLUME_LABEL_BYTES_MAX,
              "an id stands in a label");

struct scope_batch {
    bool is_on;
    char tag[FLUME_SCOPE_BATCH_TAG_BYTES_MAX + 1];
    flume_scope_batch_options bounds;      /* Its tag is not used. */
    char label[FLUME_LABEL_BYTES_MAX + 1]; /* "@batch/ID"; "": none has begun. */
    uint64_t commits, blobs, bytes;
    uint64_t began_ns;   /* On the monotonic clock. */
    const char **labels; /* batch_labels(). */
    size_t labels_capacity;
};

/** Before a commit is written: the batch that it belongs to is there, and not full.
 * @return FLUME_OK, or as links_flush(). */
int batch_prepare(flume_recorder *recorder);
/** How many more commits may go into it, at least 1. After batch_prepare(). */
uint64_t batch_room(const flume_recorder *recorder);
/** Commits were written, or wait as a link, in so many bytes. */
void batch_count(flume_recorder *recorder, uint64_t commits, uint64_t bytes);
/** A content was stored. */
void batch_count_blob(flume_recorder *recorder, uint64_t bytes);

/** A scope's labels, and behind them that of the batch, if there is one. Valid until the next call.
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
int batch_labels(flume_recorder *recorder, const char *const **io_labels, size_t *io_count);
void batch_deinit(struct scope_batch *batch);

/** Whether a text is the id of a batch; of its tag: how long it is. */
bool batch_id_read(const char *id, size_t bytes, size_t *out_tag_bytes, uint64_t *out_time_ns);
/** Whether a label says to which batch a record belongs. */
bool batch_label_is(const flume_label *label);

#endif
