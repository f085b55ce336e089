/*
 * field_view.c - field views: which records have a value at a path of their JSON body.
 *
 * Table "value": the value's key (field_key.h) and the seq -> nothing; in a unique field the key
 * alone -> the seq of the newest record with the value. Table "count": one row, flume_field_counts.
 *
 * What always holds:
 *   - A record has a row for each distinct value of the declared type at the path.
 *   - Every record that carries the declared label is counted once.
 */
#include <string.h>

#include "declared_view.h"
#include "field_key.h"
#include "inside.h"
#include "little.h"
#include "lookup.h"

/* The numbers of the table "count", as flume_merge_sum() adds them: uint64_t in host order. */
enum count_at {
    COUNT_INDEXED = 0,
    COUNT_NOT_JSON = 1,
    COUNT_LACKING = 2,
    COUNT_OTHER_TYPE = 3,
    COUNTS = 4
};

static const char count_key[] = "count";
enum { COUNT_KEY_BYTES = sizeof count_key - 1 };

const flume_view_table field_tables[FIELD_TABLES] = {
    [FIELD_TABLE_VALUE] = {"value", FLUME_TABLE_COLLECT, NULL, NULL},
    [FIELD_TABLE_COUNT] = {"count", FLUME_TABLE_COLLECT, flume_merge_sum, NULL},
};

int field_value_of(const struct declared *declared, struct json_slice json,
                   struct value_buffer *buffer, struct value *out_value)
{
    int status = value_of_json(json, buffer, out_value);

    if (status == FLUME_OK && !value_has_type(out_value, declared->declaration.type))
        out_value->type = VALUE_NONE;
    return status;
}

/* A record on its way into the table of values. */
struct indexing {
    const struct declared *declared;
    flume_batch *batch;
    uint64_t seq;
    struct value_buffer buffer;
    bool has_value, has_indexed;
};

static int put_value(const struct indexing *indexing, const struct value *value)
{
    uint8_t key[FIELD_KEY_BYTES_MAX + LOOKUP_SEQ_BYTES];
    uint8_t seq[LOOKUP_SEQ_BYTES];
    struct field_key field_key;

    field_key_encode(value, &field_key);
    big_put64(seq, indexing->seq);
    if (indexing->declared->declaration.unique)
        return flume_batch_put(indexing->batch, FIELD_TABLE_VALUE, field_key.data, field_key.bytes,
                               seq, sizeof seq);
    memcpy(key, field_key.data, field_key.bytes);
    memcpy(key + field_key.bytes, seq, sizeof seq);
    return flume_batch_put(indexing->batch, FIELD_TABLE_VALUE, key, field_key.bytes + sizeof seq,
                           "", 0);
}

static int index_value(void *ctx, struct json_slice json)
{
    struct indexing *indexing = ctx;
    struct value value;
    int status = field_value_of(indexing->declared, json, &indexing->buffer, &value);

    indexing->has_value = true;
    if (status != FLUME_OK || value.type == VALUE_NONE)
        return status;
    indexing->has_indexed = true;
    return put_value(indexing, &value);
}

int field_apply(void *state, flume_batch *batch, const flume_record *record)
{
    struct indexing indexing = {.declared = state, .batch = batch, .seq = record->seq};
    uint64_t counts[COUNTS] = {0};
    int status = FLUME_OK;
    bool is_json;

    if (!declared_takes(indexing.declared, record))
        return FLUME_OK;
    is_json = json_text_is_sound(record->body, record->body_bytes);
    if (is_json)
        status = json_path_each(indexing.declared->path, record->body, record->body_bytes,
                                index_value, &indexing);
    value_buffer_deinit(&indexing.buffer);
    if (status != FLUME_OK)
        return status;
    if (!is_json)
        counts[COUNT_NOT_JSON] = 1;
    else if (indexing.has_indexed)
        counts[COUNT_INDEXED] = 1;
    else
        counts[indexing.has_value ? COUNT_OTHER_TYPE : COUNT_LACKING] = 1;
    return flume_batch_put(batch, FIELD_TABLE_COUNT, count_key, COUNT_KEY_BYTES, counts,
                           sizeof counts);
}

int flume_field_count(flume *handle, const flume_ask *ask, const char *name,
                      flume_field_counts *out_counts)
{
    const struct declared *declared = NULL;
    uint64_t counts[COUNTS] = {0};
    flume_view *view = NULL;
    flume_rows *rows = NULL;
    flume_bytes value;
    int status;

    if (handle == NULL || name == NULL || out_counts == NULL)
        return FLUME_ERR_INVALID;
    status = declared_find(handle, name, FLUME_DECLARED_FIELD, &view, &declared);
    if (status == FLUME_OK)
        status = flume_view_read(view, ask, &rows);
    if (status != FLUME_OK)
        return status;
    status = flume_rows_get(rows, FIELD_TABLE_COUNT, count_key, COUNT_KEY_BYTES, &value);
    if (status == FLUME_OK && value.bytes != sizeof counts)
        status = lookup_bad_row(handle, name);
    if (status == FLUME_OK)
        memcpy(counts, value.data, sizeof counts);
    flume_rows_end(rows);
    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND) /* No row: it has met no record. */
        return status;
    out_counts->indexed = counts[COUNT_INDEXED];
    out_counts->not_json = counts[COUNT_NOT_JSON];
    out_counts->lacking = counts[COUNT_LACKING];
    out_counts->other_type = counts[COUNT_OTHER_TYPE];
    return FLUME_OK;
}
