/*
 * stored.c - values at addresses: putting, getting, reading (flume/recall.h).
 *
 * What always holds:
 *   - A blob is in the log before the value that refers to it.
 *   - Whatever is put is put inside of the lane, for as long as the append takes: who looks before
 *     he appends (recall.c) would else be overtaken for as long as somebody goes on putting.
 *   - What a row leads to is compared with it: a record that is not the one that the view has seen
 *     is never given as a value.
 */
#include "stored.h"

#include <stdlib.h>
#include <string.h>

#include "builtin.h"
#include "flume/blob.h"
#include "flume/lane.h"
#include "inside.h"
#include "lookup.h"

/* ---- putting ---- */

static int no_memory(flume *handle, uint64_t bytes)
{
    return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                      "no memory for a value of %llu bytes", (unsigned long long)bytes);
}

int stored_draft_make(struct stored_draft *io_draft, flume *handle, const void *data,
                      size_t data_bytes)
{
    struct stored_record *stored = &io_draft->stored;
    flume_blob_result blob;
    int status;

    stored->form = data == NULL ? STORED_END : STORED_INLINE;
    stored->bytes = data_bytes;
    stored->content = data;
    if (data_bytes > FLUME_STORED_INLINE_BYTES_MAX) {
        status = flume_blob_put(handle, data, data_bytes, NULL, &blob);
        if (status != FLUME_OK)
            return status;
        memcpy(io_draft->hash, blob.hash, sizeof blob.hash);
        stored->form = STORED_BLOB;
        stored->content = io_draft->hash;
    }
    io_draft->body_bytes = STORED_HEADER_BYTES + stored_content_bytes(stored);
    io_draft->body = malloc(io_draft->body_bytes);
    if (io_draft->body == NULL)
        return no_memory(handle, data_bytes);
    stored_record_encode(stored, io_draft->body);
    return FLUME_OK;
}

void stored_draft_deinit(struct stored_draft *draft)
{
    free(draft->body);
    draft->body = NULL;
}

int stored_lane_enter(flume *handle)
{
    int status = flume_lane_enter(handle->log, FLUME_LANE_SCOPE);

    return status == FLUME_OK ? FLUME_OK : flume_fail_log(handle, status);
}

void stored_lane_leave(flume *handle)
{
    flume_lane_leave(handle->log, FLUME_LANE_SCOPE);
}

int stored_draft_append(const struct stored_draft *draft, flume *handle,
                        const flume_condition *condition, uint64_t *out_seq)
{
    flume_entry entry = {
        .body = draft->body, .body_bytes = draft->body_bytes, .kind = FLUME_KIND_VALUE};
    int status;

    if (draft->options != NULL) {
        entry.labels = draft->options->labels;
        entry.label_count = draft->options->label_count;
        entry.time_ns = draft->options->time_ns;
    }
    status = flume_log_append_many(handle->log, &entry, 1, condition, out_seq);
    return status == FLUME_OK || status == FLUME_ERR_CONFLICT ? status
                                                              : flume_fail_log(handle, status);
}

int flume_put_at(flume *handle, const uint8_t address[FLUME_ADDRESS_BYTES], const void *data,
                 size_t data_bytes, const flume_put_options *options, uint64_t *out_seq)
{
    struct stored_draft draft = {.options = options};
    int status;

    if (handle == NULL || address == NULL || (data == NULL && data_bytes > 0))
        return FLUME_ERR_INVALID;
    memcpy(draft.stored.address, address, FLUME_ADDRESS_BYTES);
    status = stored_draft_make(&draft, handle, data != NULL ? data : "", data_bytes);
    if (status == FLUME_OK)
        status = stored_lane_enter(handle);
    if (status != FLUME_OK)
        goto done;
    status = stored_draft_append(&draft, handle, NULL, out_seq);
    stored_lane_leave(handle);
done:
    stored_draft_deinit(&draft);
    return status;
}

/* What is ended is what is there: if something is put meanwhile, it is looked at again. */
static int end_once(flume *handle, const flume_ask *ask, const uint8_t address[FLUME_ADDRESS_BYTES],
                    const struct stored_draft *draft, uint64_t *out_seq)
{
    flume_condition condition = {.check = FLUME_IF_LAST, .kind = FLUME_KIND_VALUE};
    flume_ask now = ask != NULL ? *ask : (flume_ask){0};
    struct address_row row;
    int status = flume_log_last(handle->log, FLUME_KIND_VALUE, &condition.last);

    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    now.flags &= ~(unsigned)FLUME_ASK_AS_OF;
    status = address_find(handle, &now, address, &row);
    if (status == FLUME_OK && !address_has_value(&row))
        status = FLUME_ERR_NOT_FOUND;
    return status == FLUME_OK ? stored_draft_append(draft, handle, &condition, out_seq) : status;
}

int flume_end_at(flume *handle, const flume_ask *ask, const uint8_t address[FLUME_ADDRESS_BYTES],
                 uint64_t *out_seq)
{
    struct stored_draft draft = {0};
    int status;

    if (handle == NULL || address == NULL)
        return FLUME_ERR_INVALID;
    memcpy(draft.stored.address, address, FLUME_ADDRESS_BYTES);
    status = stored_draft_make(&draft, handle, NULL, 0);
    if (status == FLUME_OK)
        status = stored_lane_enter(handle);
    if (status != FLUME_OK)
        goto done;
    do {
        status = end_once(handle, ask, address, &draft, out_seq);
    } while (status == FLUME_ERR_CONFLICT);
    stored_lane_leave(handle);
done:
    stored_draft_deinit(&draft);
    return status;
}

/* ---- getting ---- */

/* What flume_stored.inside is. */
struct stored_inside {
    flume *handle;
    flume_record record;       /* Kept. */
    flume_blob_reader *reader; /* NULL: not opened yet. */
};

static int read_record(flume *handle, const struct address_row *row,
                       const uint8_t address[FLUME_ADDRESS_BYTES], flume_record *out_record,
                       struct stored_record *out_stored)
{
    int status = flume_log_get(handle->log, row->seq, out_record);

    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    status = out_record->kind == FLUME_KIND_VALUE
                 ? stored_record_decode(out_record->body, out_record->body_bytes, out_stored)
                 : FLUME_ERR_DAMAGED;
    if (status == FLUME_OK && out_stored->form == row->form &&
        memcmp(out_stored->address, address, FLUME_ADDRESS_BYTES) == 0)
        return FLUME_OK;
    flume_record_release(out_record);
    return lookup_bad_row(handle, view_address.name);
}

int stored_open(flume *handle, const struct address_row *row,
                const uint8_t address[FLUME_ADDRESS_BYTES], flume_stored *out_stored)
{
    struct stored_record stored;
    struct stored_inside *inside = calloc(1, sizeof *inside);
    int status;

    if (inside == NULL)
        return no_memory(handle, row->bytes);
    inside->handle = handle;
    status = read_record(handle, row, address, &inside->record, &stored);
    if (status != FLUME_OK) {
        free(inside);
        return status;
    }
    *out_stored = (flume_stored){.seq = row->seq,
                                 .time_ns = inside->record.time_ns,
                                 .bytes = stored.bytes,
                                 .inside = inside};
    if (stored.form == STORED_BLOB)
        memcpy(out_stored->hash, stored.content, FLUME_HASH_BYTES);
    else
        out_stored->data = stored.content;
    return FLUME_OK;
}

int flume_get_at(flume *handle, const flume_ask *ask, const uint8_t address[FLUME_ADDRESS_BYTES],
                 flume_stored *out_stored)
{
    struct address_row row;
    int status;

    if (handle == NULL || address == NULL || out_stored == NULL)
        return FLUME_ERR_INVALID;
    status = address_find(handle, ask, address, &row);
    if (status == FLUME_OK && !address_has_value(&row))
        status = FLUME_ERR_NOT_FOUND;
    if (status == FLUME_ERR_NOT_FOUND)
        return flume_fail(handle, status, FLUME_SEQ_NONE, "there is no value at this address");
    return status == FLUME_OK ? stored_open(handle, &row, address, out_stored) : status;
}

/* ---- reading ---- */

static int open_blob(flume_stored *stored)
{
    struct stored_inside *inside = stored->inside;
    flume_blob_reader *reader;
    int status;

    if (inside->reader != NULL)
        return FLUME_OK;
    status = flume_blob_reader_open(inside->handle, NULL, stored->hash, &reader);
    if (status != FLUME_OK)
        return status;
    if (flume_blob_reader_info(reader)->bytes != stored->bytes) {
        flume_blob_reader_close(reader);
        return flume_fail(inside->handle, FLUME_ERR_DAMAGED, stored->seq,
                          "the value at %llu is a blob of another size than it says",
                          (unsigned long long)stored->seq);
    }
    inside->reader = reader;
    return FLUME_OK;
}

int flume_stored_read(flume_stored *stored, uint64_t offset, void *target, size_t target_bytes,
                      size_t *out_bytes)
{
    struct stored_inside *inside;
    uint64_t left;
    int status;

    if (stored == NULL || stored->inside == NULL || out_bytes == NULL ||
        (target == NULL && target_bytes > 0))
        return FLUME_ERR_INVALID;
    inside = stored->inside;
    if (stored->data == NULL) {
        status = open_blob(stored);
        return status == FLUME_OK
                   ? flume_blob_reader_read(inside->reader, offset, target, target_bytes, out_bytes)
                   : status;
    }
    left = offset < stored->bytes ? stored->bytes - offset : 0;
    if (left < target_bytes)
        target_bytes = (size_t)left;
    if (target_bytes > 0)
        memcpy(target, (const uint8_t *)stored->data + offset, target_bytes);
    *out_bytes = target_bytes;
    return FLUME_OK;
}

int flume_stored_copy(flume_stored *stored, void **out_data)
{
    struct stored_inside *inside;
    size_t bytes;
    uint8_t *data;
    int status;

    if (stored == NULL || stored->inside == NULL || out_data == NULL)
        return FLUME_ERR_INVALID;
    inside = stored->inside;
    data = stored->bytes < SIZE_MAX ? malloc((size_t)stored->bytes + 1) : NULL;
    if (data == NULL)
        return no_memory(inside->handle, stored->bytes);
    status = flume_stored_read(stored, 0, data, (size_t)stored->bytes, &bytes);
    if (status != FLUME_OK) {
        free(data);
        return status;
    }
    data[bytes] = '\0';
    *out_data = data;
    return FLUME_OK;
}

void flume_stored_free(void *data)
{
    free(data);
}

void flume_stored_release(flume_stored *stored)
{
    struct stored_inside *inside = stored != NULL ? stored->inside : NULL;

    if (inside == NULL)
        return;
    flume_blob_reader_close(inside->reader);
    flume_record_release(&inside->record);
    free(inside);
    stored->inside = NULL;
    stored->data = NULL;
}
