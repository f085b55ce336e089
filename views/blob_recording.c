/*
 * blob_recording.c - the record of a content that has been put.
 *
 * What always holds:
 *   - A record is appended only if no other blob has been since the content was looked for: two
 *     puts of the same content at once record it once.
 *   - It says how far the second log must reach: to the last of the records that it refers to.
 */
#include <stdlib.h>
#include <string.h>

#include "blob_writer.h"

enum {
    RECORD_TRIES_MAX = 1000
}; /* Each that fails means that somebody else has recorded a blob. */

/* ---- what the basin has ---- */

static bool carries_all(const flume_blob_writer *writer, const flume_record *record,
                        const struct blob_record *blob)
{
    size_t bytes = strlen(writer->media_type);

    if (bytes > 0 && (bytes != blob->media_type_bytes ||
                      memcmp(blob->media_type, writer->media_type, bytes) != 0))
        return false;
    for (size_t i = 0; i < writer->label_count; i++) {
        if (!flume_record_has_label(record, writer->labels[i]))
            return false;
    }
    return true;
}

/* What the basin has of the content. */
struct known {
    bool is_held;       /* A record has it. */
    uint64_t alike_seq; /* One that says all that this put would; FLUME_SEQ_NONE: none does. */
};

struct looking {
    const flume_blob_writer *writer;
    const uint8_t *hash;
    struct known *known;
};

enum { LOOK_ENOUGH = 1 };

static int look_at(void *ctx, const flume_blob_info *info)
{
    struct looking *looking = ctx;
    struct blob_record blob;
    flume_record record;

    if (memcmp(info->hash, looking->hash, FLUME_HASH_BYTES) != 0)
        return LOOK_ENOUGH;
    if (blob_get(looking->writer->handle, info->seq, &record, &blob) != FLUME_OK)
        return 0; /* What does not read is as good as absent: the content is recorded again. */
    if (blob.form != FLUME_BLOB_AGAIN)
        looking->known->is_held = true;
    if (looking->known->is_held && carries_all(looking->writer, &record, &blob))
        looking->known->alike_seq = info->seq;
    flume_record_release(&record);
    return looking->known->alike_seq != FLUME_SEQ_NONE ? LOOK_ENOUGH : 0;
}

/* Look at the records of the content, oldest first: the holder comes before those that refer to
 * it. */
static int find_known(const flume_blob_writer *writer, const uint8_t hash[FLUME_HASH_BYTES],
                      struct known *out_known)
{
    struct looking looking = {.writer = writer, .hash = hash, .known = out_known};
    flume_blob_list_options options = {.order = FLUME_BLOB_BY_HASH, .has_after = true};
    int status;

    *out_known = (struct known){.alike_seq = FLUME_SEQ_NONE};
    memcpy(options.after_hash, hash, FLUME_HASH_BYTES);
    status = flume_blob_list(writer->handle, NULL, &options, look_at, &looking);
    return status == LOOK_ENOUGH ? FLUME_OK : status;
}

/* ---- making a record ---- */

/* A record on its way: its body in one piece. */
struct recording {
    flume_entry entry;
    uint8_t *body;
};

static int state_needs(flume_blob_writer *writer, flume_entry *entry)
{
    flume_record record;
    int status;

    if (writer->needs_seq == FLUME_SEQ_NONE || writer->handle->temporary)
        return FLUME_OK; /* A second log in memory goes with this one. */
    status = flume_log_get(writer->grains->log, writer->needs_seq, &record);
    if (status != FLUME_OK)
        return grains_fail_log(writer->handle, writer->grains, status);
    entry->needs = writer->needs_seq + 1;
    entry->needs_check = record.check;
    flume_record_release(&record);
    return FLUME_OK;
}

/* The content, or what stands for it, behind its header. */
static int make_body(flume_blob_writer *writer, struct blob_record *blob, const void *rest,
                     size_t rest_bytes, struct recording *recording)
{
    uint8_t prefix[BLOB_RECORD_PREFIX_BYTES_MAX];
    size_t prefix_bytes = blob_record_encode(blob, prefix);

    recording->body = malloc(prefix_bytes + rest_bytes);
    if (recording->body == NULL)
        return blob_put_fail(writer->handle, FLUME_ERR_NO_MEMORY, "out of memory");
    memcpy(recording->body, prefix, prefix_bytes);
    if (rest_bytes > 0)
        memcpy(recording->body + prefix_bytes, rest, rest_bytes);
    recording->entry.body = recording->body;
    recording->entry.body_bytes = prefix_bytes + rest_bytes;
    return FLUME_OK;
}

static int make_recording(flume_blob_writer *writer, bool is_held, const struct clasts_body *root,
                          struct recording *out_recording)
{
    struct blob_record blob = {.bytes = writer->bytes,
                               .chunks = writer->result.chunks,
                               .hash = writer->result.hash,
                               .media_type = writer->media_type,
                               .media_type_bytes = strlen(writer->media_type)};
    int status;

    *out_recording = (struct recording){.entry = {.labels = (const char *const *)writer->labels,
                                                  .label_count = writer->label_count,
                                                  .time_ns = writer->time_ns,
                                                  .kind = FLUME_KIND_BLOB}};
    if (is_held) {
        blob.form = FLUME_BLOB_AGAIN;
        status = make_body(writer, &blob, NULL, 0, out_recording);
        return status == FLUME_OK ? state_needs(writer, &out_recording->entry) : status;
    }
    if (root == NULL) {
        blob.form = FLUME_BLOB_INLINE;
        return make_body(writer, &blob, writer->buffer, writer->buffered, out_recording);
    }
    blob.form = FLUME_BLOB_CHUNKED;
    status = make_body(writer, &blob, root->data, root->bytes, out_recording);
    return status == FLUME_OK ? state_needs(writer, &out_recording->entry) : status;
}

/* ---- appending it ---- */

/* No record waits for chunks that were stored again: under a careful profile this put does. */
static int settle_chunks(flume_blob_writer *writer)
{
    flume *handle = writer->handle;
    flume_log_stat_info info;
    int status = FLUME_OK;

    if (writer->result.chunks_new > 0)
        status = flume_log_stat(handle->log, &info);
    if (writer->result.chunks_new == 0 || status != FLUME_OK ||
        (info.profile != FLUME_PROFILE_SAFE && info.profile != FLUME_PROFILE_PARANOID))
        return status == FLUME_OK ? FLUME_OK : flume_fail_log(handle, status);
    status = flume_log_sync(writer->grains->log, writer->needs_seq);
    return status == FLUME_OK ? FLUME_OK : grains_fail_log(handle, writer->grains, status);
}

/* One attempt. FLUME_ERR_CONFLICT: somebody has recorded a blob since. */
static int record_once(flume_blob_writer *writer, const struct clasts_body *root)
{
    flume *handle = writer->handle;
    flume_blob_result *result = &writer->result;
    flume_condition condition = {.check = FLUME_IF_LAST, .kind = FLUME_KIND_BLOB};
    struct recording recording = {.body = NULL};
    struct known known;
    int status = flume_log_last(handle->log, FLUME_KIND_BLOB, &condition.last);

    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    status = find_known(writer, result->hash, &known);
    if (status != FLUME_OK)
        return status;
    result->was_known = known.is_held;
    if (known.alike_seq != FLUME_SEQ_NONE) {
        result->seq = known.alike_seq;
        return settle_chunks(writer);
    }
    status = make_recording(writer, known.is_held, root, &recording);
    if (status == FLUME_OK) {
        status = flume_log_append_many(handle->log, &recording.entry, 1, &condition, &result->seq);
        if (status != FLUME_OK && status != FLUME_ERR_CONFLICT)
            (void)flume_fail_log(handle, status);
    }
    result->is_recorded = status == FLUME_OK;
    if (status == FLUME_OK && root == NULL && !known.is_held) {
        result->bytes_new = writer->bytes;
        result->stored_bytes = writer->bytes;
    }
    free(recording.body);
    return status;
}

int blob_writer_record(flume_blob_writer *writer, const struct clasts_body *root)
{
    int status = FLUME_ERR_CONFLICT;

    for (unsigned tries = 0; status == FLUME_ERR_CONFLICT && tries < RECORD_TRIES_MAX; tries++)
        status = record_once(writer, root);
    if (status == FLUME_ERR_CONFLICT)
        return flume_fail(writer->handle, FLUME_ERR_BUSY, FLUME_SEQ_NONE,
                          "others have recorded blobs without a pause; try again");
    return status;
}
