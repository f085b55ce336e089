/*
 * superset_rows.c - the rows of the view "superset" as bytes (superset_rows.h).
 */
#include "superset_rows.h"

#include <stdlib.h>
#include <string.h>

#include "little.h"

enum { OWN_AT = 0, SUPERSET_AT = 8, PAIRS_BYTES = 16 };
enum { SHAPE_FIRST_AT = 0, SHAPE_FLAGS_AT = 8, SHAPE_COUNT_AT = 12, SHAPE_KEYS_AT = 16 };
enum { ENTRY_COUNT_AT = 0, ENTRY_SIGNATURE_AT = 4 };
enum {
    INFO_SHAPES_AT = 0,
    INFO_WILD_SHAPES_AT = 8,
    INFO_WILD_SCOPES_AT = 16,
    INFO_CHANGES_AT = 24,
    INFO_BYTES = 32
};
enum { NUMBER_BYTES = 4, TOKEN_BYTES = 8, SEQ_BYTES = 8, KEY_BYTES = 8 };

static const char info_key[] = "info";
enum { INFO_KEY_BYTES = sizeof info_key - 1 };

/* ---- where rows are read ---- */

static int rows_get(void *ctx, size_t table, const void *key, size_t key_bytes, flume_bytes *out)
{
    return flume_rows_get(ctx, table, key, key_bytes, out);
}

static int rows_seek(void *ctx, size_t table, const void *key, size_t key_bytes)
{
    return flume_rows_seek(ctx, table, key, key_bytes);
}

static int rows_next(void *ctx, flume_bytes *out_key, flume_bytes *out_value)
{
    return flume_rows_next(ctx, out_key, out_value);
}

void superset_reader_of_rows(struct superset_reader *reader, flume_rows *rows)
{
    *reader = (struct superset_reader){rows, rows_get, rows_seek, rows_next};
}

static int batch_get(void *ctx, size_t table, const void *key, size_t key_bytes, flume_bytes *out)
{
    return flume_batch_get(ctx, table, key, key_bytes, out);
}

static int batch_seek(void *ctx, size_t table, const void *key, size_t key_bytes)
{
    return flume_batch_seek(ctx, table, key, key_bytes);
}

static int batch_next(void *ctx, flume_bytes *out_key, flume_bytes *out_value)
{
    return flume_batch_next(ctx, out_key, out_value);
}

void superset_reader_of_batch(struct superset_reader *reader, flume_batch *batch)
{
    *reader = (struct superset_reader){batch, batch_get, batch_seek, batch_next};
}

/* A row of so many bytes, at least if there is no exact number. FLUME_ERR_NOT_FOUND: there is
 * none. */
static int get_row(const struct superset_reader *reader, enum superset_table table, const void *key,
                   size_t key_bytes, size_t value_bytes, const uint8_t **out_data)
{
    flume_bytes value;
    int status = reader->get(reader->ctx, table, key, key_bytes, &value);

    if (status != FLUME_OK)
        return status;
    if (value.bytes != value_bytes)
        return FLUME_ERR_DAMAGED;
    *out_data = value.data;
    return FLUME_OK;
}

static void put_fingerprint(uint8_t target[FINGERPRINT_BYTES], struct fingerprint fingerprint)
{
    big_put64(target, fingerprint.lanes[0]);
    big_put64(target + sizeof(uint64_t), fingerprint.lanes[1]);
}

/* ---- reading ---- */

int superset_get(const struct superset_reader *reader, struct fingerprint key,
                 struct containment_entry *out_entry)
{
    uint8_t bytes[FINGERPRINT_BYTES];
    const uint8_t *data;
    int status;

    put_fingerprint(bytes, key);
    status = get_row(reader, SUPERSET_PAIRS, bytes, sizeof bytes, PAIRS_BYTES, &data);
    if (status == FLUME_OK)
        *out_entry = (struct containment_entry){little_get64(data + OWN_AT),
                                                little_get64(data + SUPERSET_AT)};
    else if (status == FLUME_ERR_NOT_FOUND)
        *out_entry = (struct containment_entry){FLUME_SEQ_NONE, FLUME_SEQ_NONE};
    return status == FLUME_ERR_NOT_FOUND ? FLUME_OK : status;
}

int superset_has_wild_shape(const struct superset_reader *reader, struct fingerprint shape,
                            bool *out_has)
{
    uint8_t bytes[FINGERPRINT_BYTES];
    const uint8_t *data;
    int status;

    put_fingerprint(bytes, shape);
    status = get_row(reader, SUPERSET_WILD_SHAPE, bytes, sizeof bytes, SEQ_BYTES, &data);
    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return status;
    *out_has = status == FLUME_OK;
    return FLUME_OK;
}

int superset_count(const struct superset_reader *reader, uint64_t token, uint64_t *out_postings)
{
    uint8_t bytes[TOKEN_BYTES];
    const uint8_t *data;
    int status;

    big_put64(bytes, token);
    status = get_row(reader, SUPERSET_FREQUENCY, bytes, sizeof bytes, sizeof(uint64_t), &data);
    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return status;
    *out_postings = status == FLUME_OK ? little_get64(data) : 0;
    return FLUME_OK;
}

static enum superset_table table_of(enum wild_list list)
{
    return list == WILD_POSTINGS ? SUPERSET_POSTING : SUPERSET_WATCH;
}

int superset_each(const struct superset_reader *reader, enum wild_list list, uint64_t token,
                  int (*visit)(void *visit_ctx, const struct wild_entry *entry), void *visit_ctx)
{
    uint8_t prefix[TOKEN_BYTES];
    flume_bytes key, value;
    int status;

    big_put64(prefix, token);
    status = reader->seek(reader->ctx, table_of(list), prefix, sizeof prefix);
    while (status == FLUME_OK) {
        struct wild_entry entry;

        status = reader->next(reader->ctx, &key, &value);
        if (status == FLUME_END)
            return FLUME_OK;
        if (status != FLUME_OK)
            return status;
        if (key.bytes != SUPERSET_ENTRY_KEY_BYTES || value.bytes != SUPERSET_ENTRY_BYTES)
            return FLUME_ERR_DAMAGED;
        if (memcmp(key.data, prefix, sizeof prefix) != 0)
            return FLUME_OK;
        entry.seq = big_get64((const uint8_t *)key.data + TOKEN_BYTES);
        entry.count = little_get32((const uint8_t *)value.data + ENTRY_COUNT_AT);
        entry.signature = little_get64((const uint8_t *)value.data + ENTRY_SIGNATURE_AT);
        status = visit(visit_ctx, &entry);
    }
    return status > 0 ? FLUME_OK : status;
}

int superset_info(const struct superset_reader *reader, struct containment_info *out_info)
{
    const uint8_t *data;
    int status = get_row(reader, SUPERSET_INFO, info_key, INFO_KEY_BYTES, INFO_BYTES, &data);

    if (status == FLUME_OK)
        *out_info = (struct containment_info){
            .shapes = little_get64(data + INFO_SHAPES_AT),
            .wild_shapes = little_get64(data + INFO_WILD_SHAPES_AT),
            .wild_scopes = little_get64(data + INFO_WILD_SCOPES_AT),
            .changes = little_get64(data + INFO_CHANGES_AT),
        };
    else if (status == FLUME_ERR_NOT_FOUND)
        *out_info = (struct containment_info){0};
    return status == FLUME_ERR_NOT_FOUND ? FLUME_OK : status;
}

static int restore_shape(struct containment *containment, const uint8_t *data, size_t bytes)
{
    uint32_t count = bytes < SHAPE_KEYS_AT ? 0 : little_get32(data + SHAPE_COUNT_AT);
    uint64_t *keys;
    int status;

    if (bytes < SHAPE_KEYS_AT || bytes != SHAPE_KEYS_AT + (size_t)count * KEY_BYTES)
        return FLUME_ERR_DAMAGED;
    keys = malloc(((size_t)count + 1) * sizeof *keys);
    if (keys == NULL)
        return FLUME_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        keys[i] = little_get64(data + SHAPE_KEYS_AT + (size_t)i * KEY_BYTES);
    status = containment_restore(containment, keys, count, little_get64(data + SHAPE_FIRST_AT),
                                 little_get32(data + SHAPE_FLAGS_AT));
    free(keys);
    return status == FLUME_ERR_FULL ? FLUME_ERR_DAMAGED : status;
}

int superset_restore(const struct superset_reader *reader, struct containment *containment)
{
    struct containment_info info;
    int status = superset_info(reader, &info);

    if (status != FLUME_OK)
        return status;
    if (info.shapes != containment->info.shapes || info.changes != containment->info.changes) {
        containment_forget(containment);
        for (uint32_t i = 0; status == FLUME_OK && i < info.shapes; i++) {
            uint8_t key[NUMBER_BYTES] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8),
                                         (uint8_t)i};
            flume_bytes value;

            status = reader->get(reader->ctx, SUPERSET_SHAPE, key, sizeof key, &value);
            if (status == FLUME_OK)
                status = restore_shape(containment, value.data, value.bytes);
            else if (status == FLUME_ERR_NOT_FOUND)
                status = FLUME_ERR_DAMAGED;
        }
    }
    if (status != FLUME_OK) {
        containment_forget(containment);
        return status;
    }
    containment->info = info;
    return FLUME_OK;
}

/* ---- writing ---- */

int superset_put(flume_batch *batch, struct fingerprint key, const struct containment_entry *entry)
{
    uint8_t bytes[FINGERPRINT_BYTES], value[PAIRS_BYTES];

    put_fingerprint(bytes, key);
    little_put64(value + OWN_AT, entry->own_seq);
    little_put64(value + SUPERSET_AT, entry->superset_seq);
    return flume_batch_put(batch, SUPERSET_PAIRS, bytes, sizeof bytes, value, sizeof value);
}

int superset_put_shape(flume_batch *batch, uint32_t number, const struct shape *shape)
{
    uint8_t key[NUMBER_BYTES] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                                 (uint8_t)(number >> 8), (uint8_t)number};
    size_t bytes = SHAPE_KEYS_AT + (size_t)shape->key_count * KEY_BYTES;
    uint8_t *value = malloc(bytes);
    int status;

    if (value == NULL)
        return FLUME_ERR_NO_MEMORY;
    little_put64(value + SHAPE_FIRST_AT, shape->first_seq);
    little_put32(value + SHAPE_FLAGS_AT, shape->flags);
    little_put32(value + SHAPE_COUNT_AT, shape->key_count);
    for (uint32_t i = 0; i < shape->key_count; i++)
        little_put64(value + SHAPE_KEYS_AT + (size_t)i * KEY_BYTES, shape->keys[i]);
    status = flume_batch_put(batch, SUPERSET_SHAPE, key, sizeof key, value, bytes);
    free(value);
    return status;
}

int superset_put_wild_shape(flume_batch *batch, struct fingerprint shape, uint64_t seq)
{
    uint8_t bytes[FINGERPRINT_BYTES], value[SEQ_BYTES];

    put_fingerprint(bytes, shape);
    little_put64(value, seq);
    return flume_batch_put(batch, SUPERSET_WILD_SHAPE, bytes, sizeof bytes, value, sizeof value);
}

int superset_put_info(flume_batch *batch, const struct containment_info *info)
{
    uint8_t value[INFO_BYTES];

    little_put64(value + INFO_SHAPES_AT, info->shapes);
    little_put64(value + INFO_WILD_SHAPES_AT, info->wild_shapes);
    little_put64(value + INFO_WILD_SCOPES_AT, info->wild_scopes);
    little_put64(value + INFO_CHANGES_AT, info->changes);
    return flume_batch_put(batch, SUPERSET_INFO, info_key, INFO_KEY_BYTES, value, sizeof value);
}

static int raise_count(flume_batch *batch, uint64_t token)
{
    uint8_t bytes[TOKEN_BYTES], value[sizeof(uint64_t)];
    struct superset_reader reader;
    uint64_t count;
    int status;

    superset_reader_of_batch(&reader, batch);
    status = superset_count(&reader, token, &count);
    if (status != FLUME_OK)
        return status;
    big_put64(bytes, token);
    little_put64(value, count + 1);
    return flume_batch_put(batch, SUPERSET_FREQUENCY, bytes, sizeof bytes, value, sizeof value);
}

int superset_add(flume_batch *batch, enum wild_list list, uint64_t token,
                 const struct wild_entry *entry)
{
    uint8_t key[SUPERSET_ENTRY_KEY_BYTES], value[SUPERSET_ENTRY_BYTES];
    int status;

    big_put64(key, token);
    big_put64(key + TOKEN_BYTES, entry->seq);
    little_put32(value + ENTRY_COUNT_AT, entry->count);
    little_put64(value + ENTRY_SIGNATURE_AT, entry->signature);
    status = flume_batch_put(batch, table_of(list), key, sizeof key, value, sizeof value);
    return status == FLUME_OK && list == WILD_POSTINGS ? raise_count(batch, token) : status;
}
