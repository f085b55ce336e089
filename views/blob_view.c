/*
 * blob_view.c - the views "blob" and "chunk": which contents the basin has, and where.
 *
 * What always holds:
 *   - Every record that is a blob has one row in each table of "blob", every chunk one in "chunk".
 *     Rows of one content stand together, oldest first.
 *   - What is no blob or chunk, whoever wrote it under that kind, has no row.
 */
#include "blob_view.h"

#include <string.h>

#include "blob_record.h"
#include "chunk_code.h"
#include "little.h"

enum {
    VALUE_FORM_AT = 0,
    VALUE_BYTES_AT = 1,
    VALUE_CHUNKS_AT = 9,
    VALUE_BYTES = 17,
    CHUNK_VALUE_BYTES = 8
};

void blob_key(const uint8_t hash[FLUME_HASH_BYTES], uint64_t seq, uint8_t out_key[BLOB_KEY_BYTES])
{
    memcpy(out_key, hash, FLUME_HASH_BYTES);
    big_put64(out_key + FLUME_HASH_BYTES, seq);
}

/* ---- blob ---- */

static int blob_apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint8_t key[BLOB_KEY_BYTES], value[FLUME_HASH_BYTES + VALUE_BYTES];
    struct blob_record blob;
    int status;

    (void)state;
    if (blob_record_decode(record->body, record->body_bytes, &blob) != FLUME_OK)
        return FLUME_OK;
    memcpy(value, blob.hash, FLUME_HASH_BYTES);
    value[FLUME_HASH_BYTES + VALUE_FORM_AT] = (uint8_t)blob.form;
    little_put64(value + FLUME_HASH_BYTES + VALUE_BYTES_AT, blob.bytes);
    little_put64(value + FLUME_HASH_BYTES + VALUE_CHUNKS_AT, blob.chunks);
    blob_key(blob.hash, record->seq, key);
    status = flume_batch_put(batch, BLOB_BY_HASH, key, sizeof key, value + FLUME_HASH_BYTES,
                             VALUE_BYTES);
    if (status != FLUME_OK)
        return status;
    return flume_batch_put(batch, BLOB_BY_SEQ, key + FLUME_HASH_BYTES, sizeof(uint64_t), value,
                           sizeof value);
}

static const flume_view_table blob_tables[] = {
    [BLOB_BY_HASH] = {"content", FLUME_TABLE_COLLECT, NULL, NULL},
    [BLOB_BY_SEQ] = {"record", FLUME_TABLE_COLLECT, NULL, NULL},
};
static const uint8_t blob_kinds[] = {FLUME_KIND_BLOB};

const flume_view_definition view_blob = {
    .name = "blob",
    .version = 1,
    .tables = blob_tables,
    .table_count = sizeof blob_tables / sizeof blob_tables[0],
    .flags = FLUME_VIEW_PARALLEL,
    .apply = blob_apply,
    .kinds = blob_kinds,
    .kind_count = 1,
};

bool blob_row_decode(enum blob_view_table table, flume_bytes key, flume_bytes value,
                     struct blob_row *out_row)
{
    const uint8_t *hash = table == BLOB_BY_HASH ? key.data : value.data;
    const uint8_t *seq = key.data, *rest = value.data;

    if (table == BLOB_BY_HASH) {
        if (key.bytes != BLOB_KEY_BYTES || value.bytes != VALUE_BYTES)
            return false;
        seq += FLUME_HASH_BYTES;
    } else {
        if (key.bytes != sizeof(uint64_t) || value.bytes != FLUME_HASH_BYTES + VALUE_BYTES)
            return false;
        rest += FLUME_HASH_BYTES;
    }
    if (rest[VALUE_FORM_AT] < FLUME_BLOB_INLINE || rest[VALUE_FORM_AT] > FLUME_BLOB_AGAIN)
        return false;
    memcpy(out_row->hash, hash, FLUME_HASH_BYTES);
    out_row->seq = big_get64(seq);
    out_row->form = (enum flume_blob_form)rest[VALUE_FORM_AT];
    out_row->bytes = little_get64(rest + VALUE_BYTES_AT);
    out_row->chunks = little_get64(rest + VALUE_CHUNKS_AT);
    return true;
}

/* ---- chunk ---- */

static int chunk_apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint8_t key[BLOB_KEY_BYTES], value[CHUNK_VALUE_BYTES];
    struct chunk_description chunk;

    (void)state;
    if (chunk_describe(record->body, record->body_bytes, &chunk) != FLUME_OK)
        return FLUME_OK;
    blob_key(chunk.hash, record->seq, key);
    little_put32(value, chunk.content_bytes);
    little_put32(value + sizeof(uint32_t), (uint32_t)record->body_bytes);
    return flume_batch_put(batch, 0, key, sizeof key, value, sizeof value);
}

static const flume_view_table chunk_tables[] = {{"chunk", FLUME_TABLE_COLLECT, NULL, NULL}};
static const uint8_t chunk_kinds[] = {FLUME_KIND_CHUNK};

const flume_view_definition view_chunk = {
    .name = "chunk",
    .version = 1,
    .tables = chunk_tables,
    .table_count = 1,
    .flags = FLUME_VIEW_PARALLEL,
    .apply = chunk_apply,
    .kinds = chunk_kinds,
    .kind_count = 1,
};

bool chunk_row_decode(flume_bytes key, flume_bytes value, struct chunk_row *out_row)
{
    const uint8_t *bytes = value.data;

    if (key.bytes != BLOB_KEY_BYTES || value.bytes != CHUNK_VALUE_BYTES)
        return false;
    memcpy(out_row->hash, key.data, FLUME_HASH_BYTES);
    out_row->seq = big_get64((const uint8_t *)key.data + FLUME_HASH_BYTES);
    out_row->content_bytes = little_get32(bytes);
    out_row->body_bytes = little_get32(bytes + sizeof(uint32_t));
    return true;
}
