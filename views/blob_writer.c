/*
 * blob_writer.c - putting a content: inline while it is small, into chunks once it is not.
 *
 * What always holds:
 *   - Chunks are in the second log before the record that refers to them is appended, and the record
 *     says how far that log must reach.
 *   - A record is appended only if no other blob has been since the content was looked for: two puts of
 *     the same content at once record it once.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blobs.h"
#include "clasts.h"
#include "content.h"
#include "grains.h"
#include "inside.h"
#include "text.h"

enum {
    BATCH_ROOM_BYTES = GRAINS_BATCH_BYTES + GRAINS_BATCH_CHUNKS * CHUNK_HEADER_BYTES,
    LABELS_MAX = 256,            /* Of one blob, its name included. */
    LABEL_BYTES_SUM_MAX = 65000, /* Together, with room for what else stands beside them. */
    RECORD_TRIES_MAX = 1000      /* Each that fails means that somebody else has recorded a blob. */
};

struct flume_blob_writer {
    flume *handle;
    int failed; /* What ended it; FLUME_OK: nothing did. */
    flume_error error;

    /* Of the options. */
    struct chunking chunking;
    char media_type[FLUME_BLOB_MEDIA_TYPE_BYTES_MAX + 1];
    char *labels[LABELS_MAX];
    size_t label_count, label_bytes;
    uint64_t time_ns;

    struct content_hasher *hasher;
    uint64_t bytes;
    uint8_t *buffer; /* FLUME_BLOB_INLINE_BYTES_MAX, then BATCH_ROOM_BYTES: not yet stored. */
    size_t buffered;

    /* Once there are chunks. */
    struct grains *grains;
    struct chunker *chunker;
    struct clasts_builder *builder;
    struct grains_workshop workshop;
    struct grains_chunk batch[GRAINS_BATCH_CHUNKS]; /* Contents lie in buffer. */
    size_t batch_count;
    uint64_t needs_seq; /* The last of the records that it refers to; FLUME_SEQ_NONE: none yet. */
    flume_blob_result result;
};

/* ---- options ---- */

static int bad_option(flume *handle, int status, const char *why)
{
    return flume_fail(handle, status, FLUME_SEQ_NONE, "a blob cannot be put: %s", why);
}

static int take_chunking(flume_blob_writer *writer, const flume_blob_options *options)
{
    uint32_t bytes = options->chunk_bytes;
    struct chunking chunking = chunking_fixed();

    if (options->chunking == FLUME_BLOB_CONTENT_DEFINED) {
        chunking = chunking_content_defined();
        if (bytes > FLUME_BLOB_CHUNK_BYTES_MAX / 4)
            chunking.bytes_min = 0; /* Which no chunking may have. */
        else if (bytes != 0)
            chunking = (struct chunking){CHUNKING_FASTCDC, bytes / 4, bytes, bytes * 4};
    } else if (bytes != 0) {
        chunking = (struct chunking){CHUNKING_FIXED, bytes, bytes, bytes};
    }
    if ((unsigned)options->chunking > FLUME_BLOB_CONTENT_DEFINED || !chunking_is_valid(&chunking))
        return bad_option(writer->handle, FLUME_ERR_INVALID,
                          "chunks have 4 KiB to 4 MiB; content-defined ones 16 KiB to 1 MiB on "
                          "average, a power of two");
    writer->chunking = chunking;
    return FLUME_OK;
}

static int take_media_type(flume_blob_writer *writer, const char *media_type)
{
    size_t bytes;

    if (media_type == NULL)
        return FLUME_OK;
    bytes = strnlen(media_type, FLUME_BLOB_MEDIA_TYPE_BYTES_MAX + 1);
    if (bytes > FLUME_BLOB_MEDIA_TYPE_BYTES_MAX)
        return bad_option(writer->handle, FLUME_ERR_TOO_LARGE,
                          "a media type has at most 127 characters");
    for (size_t i = 0; i < bytes; i++) {
        if (media_type[i] < 0x20 || media_type[i] > 0x7e)
            return bad_option(writer->handle, FLUME_ERR_INVALID,
                              "a media type is printable ASCII, such as image/png");
    }
    memcpy(writer->media_type, media_type, bytes);
    return FLUME_OK;
}

/* Labels are checked here: an append that refuses them would come behind all the storing. */
static int add_label(flume_blob_writer *writer, const char *prefix, const char *label)
{
    size_t prefix_bytes = strlen(prefix);
    size_t bytes = label == NULL ? 0 : strnlen(label, FLUME_LABEL_BYTES_MAX + 1);
    char *copy;

    if (bytes == 0 || prefix_bytes + bytes > FLUME_LABEL_BYTES_MAX)
        return bad_option(writer->handle, bytes == 0 ? FLUME_ERR_INVALID : FLUME_ERR_TOO_LARGE,
                          "a label has 1 to 255 bytes, a name 1 to 250");
    if (!text_is_line(label, bytes))
        return bad_option(writer->handle, FLUME_ERR_INVALID,
                          "a name or label is UTF-8 without control bytes");
    writer->label_bytes += 2 + prefix_bytes + bytes;
    if (writer->label_count == LABELS_MAX || writer->label_bytes > LABEL_BYTES_SUM_MAX)
        return bad_option(writer->handle, FLUME_ERR_TOO_LARGE,
                          "it has more than 256 labels, or they are over 65,000 bytes together");
    copy = malloc(prefix_bytes + bytes + 1);
    if (copy == NULL)
        return bad_option(writer->handle, FLUME_ERR_NO_MEMORY, "out of memory");
    memcpy(copy, prefix, prefix_bytes);
    memcpy(copy + prefix_bytes, label, bytes + 1);
    writer->labels[writer->label_count++] = copy;
    return FLUME_OK;
}

static int take_options(flume_blob_writer *writer, const flume_blob_options *options)
{
    int status = take_chunking(writer, options);

    if (status == FLUME_OK && (options->flags & ~(unsigned)FLUME_BLOB_PROVE) != 0)
        status = bad_option(writer->handle, FLUME_ERR_INVALID, "unknown flags");
    if (status == FLUME_OK && options->labels == NULL && options->label_count > 0)
        status = bad_option(writer->handle, FLUME_ERR_INVALID, "labels are NULL but not empty");
    if (status == FLUME_OK)
        status = take_media_type(writer, options->media_type);
    if (status == FLUME_OK && options->name != NULL)
        status = add_label(writer, FLUME_BLOB_NAME_LABEL, options->name);
    for (size_t i = 0; i < options->label_count && status == FLUME_OK; i++)
        status = add_label(writer, "", options->labels[i]);
    writer->time_ns = options->time_ns;
    writer->workshop.proves = (options->flags & FLUME_BLOB_PROVE) != 0;
    chunk_coder_init(&writer->workshop.coder, options->level);
    return status;
}

/* ---- beginning and ending ---- */

static void destroy(flume_blob_writer *writer)
{
    for (size_t i = 0; i < writer->label_count; i++)
        free(writer->labels[i]);
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
        return bad_option(handle, FLUME_ERR_NO_MEMORY, "out of memory");
    writer->handle = handle;
    writer->needs_seq = FLUME_SEQ_NONE;
    status = take_options(writer, options != NULL ? options : &defaults);
    writer->hasher = content_hasher_create();
    writer->buffer = malloc(FLUME_BLOB_INLINE_BYTES_MAX);
    if (status == FLUME_OK && (writer->hasher == NULL || writer->buffer == NULL))
        status = bad_option(handle, FLUME_ERR_NO_MEMORY, "out of memory");
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
    writer->batch_count = 0;
    writer->buffered = 0;
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

/* Of the contents of the batch: each has room for a header before it. */
static size_t batch_bytes(const flume_blob_writer *writer)
{
    return writer->buffered - writer->batch_count * CHUNK_HEADER_BYTES;
}

/* Have the next chunk assembled behind those of the batch, if one of any size has room there. */
static void assemble_in_batch(flume_blob_writer *writer)
{
    bool has_room = batch_bytes(writer) + writer->chunking.bytes_max <= GRAINS_BATCH_BYTES &&
                    writer->batch_count < GRAINS_BATCH_CHUNKS;
    uint8_t *place = writer->buffer + writer->buffered + CHUNK_HEADER_BYTES;

    chunker_assemble_in(writer->chunker, has_room ? place : NULL);
}

static int take_chunk(flume_blob_writer *writer, const struct chunk_bytes *bytes)
{
    struct grains_chunk *chunk;
    uint8_t *place;
    int status = FLUME_OK;

    if (writer->batch_count == GRAINS_BATCH_CHUNKS ||
        batch_bytes(writer) + bytes->bytes > GRAINS_BATCH_BYTES)
        status = flush_batch(writer);
    if (status != FLUME_OK)
        return status;
    chunk = &writer->batch[writer->batch_count++];
    place = writer->buffer + writer->buffered + CHUNK_HEADER_BYTES;
    if (bytes->data != place)
        memmove(place, bytes->data, bytes->bytes); /* It may lie further back in the same buffer. */
    *chunk = (struct grains_chunk){
        .content = place, .room = place - CHUNK_HEADER_BYTES, .bytes = bytes->bytes};
    flume_hash(chunk->content, chunk->bytes, chunk->hash);
    writer->buffered += CHUNK_HEADER_BYTES + bytes->bytes;
    assemble_in_batch(writer);
    return FLUME_OK;
}

static int feed(flume_blob_writer *writer, const uint8_t *data, size_t bytes)
{
    int status = FLUME_OK;

    while (bytes > 0 && status == FLUME_OK) {
        struct chunk_bytes chunk;
        size_t used = chunker_feed(writer->chunker, data, bytes, &chunk);

        data += used;
        bytes -= used;
        if (chunk.bytes > 0)
            status = take_chunk(writer, &chunk);
    }
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
    status = chunker_create(&writer->chunking, NULL, &writer->chunker);
    if (status == FLUME_OK)
        status = clasts_builder_create(&options, &writer->builder);
    return status == FLUME_OK ? FLUME_OK
                              : bad_option(writer->handle, status, flume_strerror(status));
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
        status = bad_option(writer->handle, FLUME_ERR_NO_MEMORY, "out of memory");
    writer->buffered = 0;
    if (status == FLUME_OK) {
        assemble_in_batch(writer);
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
        return bad_option(writer->handle, FLUME_ERR_INVALID, "bytes are NULL but not none");
    content_hasher_add(writer->hasher, data, data_bytes);
    writer->bytes += data_bytes;
    status = write_bytes(writer, data, data_bytes);
    return status == FLUME_OK ? FLUME_OK : fail_for_good(writer, status);
}

/* ---- recording ---- */

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

/* Look at the records of the content, oldest first: the holder comes before those that refer to it. */
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
        return bad_option(writer->handle, FLUME_ERR_NO_MEMORY, "out of memory");
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

static int record(flume_blob_writer *writer, const struct clasts_body *root)
{
    int status = FLUME_ERR_CONFLICT;

    for (unsigned tries = 0; status == FLUME_ERR_CONFLICT && tries < RECORD_TRIES_MAX; tries++)
        status = record_once(writer, root);
    if (status == FLUME_ERR_CONFLICT)
        return flume_fail(writer->handle, FLUME_ERR_BUSY, FLUME_SEQ_NONE,
                          "others have recorded blobs without a pause; try again");
    return status;
}

static int finish(flume_blob_writer *writer)
{
    struct clasts_body root;
    struct chunk_bytes last;
    int status = FLUME_OK;

    content_hasher_get(writer->hasher, writer->result.hash);
    writer->result.bytes = writer->bytes;
    if (writer->chunker == NULL)
        return record(writer, NULL);
    chunker_finish(writer->chunker, &last);
    if (last.bytes > 0)
        status = take_chunk(writer, &last);
    if (status == FLUME_OK)
        status = flush_batch(writer);
    if (status != FLUME_OK)
        return status;
    status = clasts_builder_end(writer->builder, &root);
    if (status != FLUME_OK && writer->failed == FLUME_OK)
        return bad_option(writer->handle, status, flume_strerror(status));
    return status == FLUME_OK ? record(writer, &root) : status;
}

int flume_blob_writer_finish(flume_blob_writer *writer, flume_blob_result *out_result)
{
    int status;

    if (writer == NULL)
        return FLUME_ERR_INVALID;
    status = writer->failed == FLUME_OK ? finish(writer) : fail_again(writer);
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
