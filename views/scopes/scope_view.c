/*
 * scope_view.c - the view "scope": which scopes there are, and how often each was committed.
 *
 * What always holds:
 *   - A scope has one row, whatever the number of its commits; what a link counts is in it.
 */
#include "scope_view.h"

#include <stdlib.h>
#include <string.h>

#include "flume/recorder.h"
#include "little.h"
#include "lookup.h"
#include "scope_record.h"
#include "superset_rows.h"

enum { FIRST_AT = 0, LAST_AT = 8, COUNT_AT = 16, TIME_AT = 24, VALUE_BYTES = 32 };
enum { FRAME_BYTES = 8, FRAME_VALUE_BYTES = 8 };

static int info_merge(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer,
                      void *target, size_t *out_bytes)
{
    const uint8_t *a = older.data, *b = newer.data;
    uint8_t *out = target;

    (void)ctx;
    (void)key;
    if (older.bytes != VALUE_BYTES || newer.bytes != VALUE_BYTES)
        return FLUME_ERR_DAMAGED;
    little_put64(out + FIRST_AT, little_get64(a + FIRST_AT));
    little_put64(out + LAST_AT, little_get64(b + LAST_AT));
    little_put64(out + COUNT_AT, little_get64(a + COUNT_AT) + little_get64(b + COUNT_AT));
    little_put64(out + TIME_AT, little_get64(b + TIME_AT));
    *out_bytes = VALUE_BYTES;
    return FLUME_OK;
}

/* The first commit of a frame is the one that counts. */
static int frame_merge(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer,
                       void *target, size_t *out_bytes)
{
    (void)ctx;
    (void)key;
    if (older.bytes != FRAME_VALUE_BYTES || newer.bytes != FRAME_VALUE_BYTES)
        return FLUME_ERR_DAMAGED;
    memcpy(target, older.data, FRAME_VALUE_BYTES);
    *out_bytes = FRAME_VALUE_BYTES;
    return FLUME_OK;
}

/* ---- applying ---- */

static int scope_open(void *ctx, void **out_state)
{
    struct scope_record *scope = calloc(1, sizeof *scope);

    (void)ctx;
    if (scope == NULL)
        return FLUME_ERR_NO_MEMORY;
    *out_state = scope;
    return FLUME_OK;
}

static void scope_close(void *state)
{
    scope_record_release(state);
    free(state);
}

static int scope_apply(void *state, flume_batch *batch, const flume_record *record)
{
    struct scope_record *scope = state;
    uint8_t value[VALUE_BYTES], frame[FRAME_BYTES];
    int status = scope_record_decode(record, scope);

    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_INVALID || status == FLUME_ERR_VERSION)
        return FLUME_OK; /* Whoever wrote that: it is no scope. */
    if (status == FLUME_OK)
        status = scope_record_name(scope);
    if (status != FLUME_OK)
        return status;
    little_put64(value + FIRST_AT, record->seq);
    little_put64(value + LAST_AT, record->seq);
    little_put64(value + COUNT_AT, scope->count);
    little_put64(value + TIME_AT, scope->last_time_ns);
    status = flume_batch_put(batch, SCOPE_BY_ID, scope->id, FLUME_HASH_BYTES, value, sizeof value);
    if (status != FLUME_OK || scope->frame == 0)
        return status;
    big_put64(frame, scope->frame);
    return flume_batch_put(batch, SCOPE_BY_FRAME, frame, sizeof frame, value + FIRST_AT,
                           FRAME_VALUE_BYTES);
}

static const flume_view_table scope_tables[] = {
    [SCOPE_BY_ID] = {"scope", FLUME_TABLE_COLLECT, info_merge, NULL},
    [SCOPE_BY_FRAME] = {"frame", FLUME_TABLE_COLLECT, frame_merge, NULL},
};
static const uint8_t scope_kinds[] = {FLUME_KIND_SCOPE, FLUME_KIND_LINK};

const flume_view_definition view_scope = {
    .name = "scope",
    .version = 1,
    .tables = scope_tables,
    .table_count = sizeof scope_tables / sizeof scope_tables[0],
    .flags = FLUME_VIEW_PARALLEL | FLUME_VIEW_LAZY,
    .apply = scope_apply,
    .open = scope_open,
    .close = scope_close,
    .kinds = scope_kinds,
    .kind_count = 2,
};

/* ---- asking ---- */

bool scope_row_decode(flume_bytes value, flume_scope_info *out_info)
{
    const uint8_t *data = value.data;

    if (value.bytes != VALUE_BYTES)
        return false;
    *out_info = (flume_scope_info){
        .first_seq = little_get64(data + FIRST_AT),
        .last_seq = little_get64(data + LAST_AT),
        .count = little_get64(data + COUNT_AT),
        .last_time_ns = little_get64(data + TIME_AT),
    };
    return true;
}

/* Whether there is no scope that a view could tell of: it need not be made to say so. */
static bool has_none(flume *handle)
{
    uint64_t last;

    return flume_log_last(flume_log_of(handle), FLUME_KIND_SCOPE, &last) == FLUME_OK &&
           last == FLUME_SEQ_NONE;
}

int flume_scope_find_id(flume *handle, const flume_ask *ask, const uint8_t id[FLUME_HASH_BYTES],
                        flume_scope_info *out_info)
{
    flume_bytes value;
    flume_rows *rows;
    int status;

    if (has_none(handle))
        return FLUME_ERR_NOT_FOUND;
    status = lookup_rows(handle, view_scope.name, ask, &rows);
    if (status != FLUME_OK)
        return status;
    status = flume_rows_get(rows, SCOPE_BY_ID, id, FLUME_HASH_BYTES, &value);
    if (status == FLUME_OK && !scope_row_decode(value, out_info))
        status = lookup_bad_row(handle, view_scope.name);
    flume_rows_end(rows);
    return status;
}

int flume_scope_of_frame(flume *handle, const flume_ask *ask, uint64_t frame, uint64_t *out_seq)
{
    uint8_t key[FRAME_BYTES];
    flume_bytes value;
    flume_rows *rows;
    int status;

    if (frame == 0 || has_none(handle))
        return FLUME_ERR_NOT_FOUND;
    status = lookup_rows(handle, view_scope.name, ask, &rows);
    if (status != FLUME_OK)
        return status;
    big_put64(key, frame);
    status = flume_rows_get(rows, SCOPE_BY_FRAME, key, sizeof key, &value);
    if (status == FLUME_OK && value.bytes != FRAME_VALUE_BYTES)
        status = lookup_bad_row(handle, view_scope.name);
    if (status == FLUME_OK)
        *out_seq = little_get64(value.data);
    flume_rows_end(rows);
    return status;
}

static int count_shapes(flume *handle, const flume_ask *ask, flume_scope_counts *io_counts)
{
    struct containment_info info = {0};
    struct superset_reader reader;
    flume_rows *rows;
    int status = lookup_rows(handle, view_superset.name, ask, &rows);

    if (status != FLUME_OK)
        return status;
    superset_reader_of_rows(&reader, rows);
    status = superset_info(&reader, &info);
    if (status == FLUME_ERR_DAMAGED)
        status = lookup_bad_row(handle, view_superset.name);
    io_counts->shapes = info.shapes;
    io_counts->wild_shapes = info.wild_shapes;
    io_counts->wild_scopes = info.wild_scopes;
    flume_rows_end(rows);
    return status;
}

int flume_scope_count_all(flume *handle, const flume_ask *ask, flume_scope_counts *out_counts)
{
    flume_scope_counts counts = {0};
    flume_rows *rows;
    int status = FLUME_OK;

    if (!has_none(handle)) {
        status = lookup_rows(handle, view_scope.name, ask, &rows);
        if (status == FLUME_OK) {
            status = flume_rows_count(rows, SCOPE_BY_ID, &counts.scopes);
            flume_rows_end(rows);
        }
        if (status == FLUME_OK)
            status = count_shapes(handle, ask, &counts);
    }
    if (status == FLUME_OK)
        *out_counts = counts;
    return status;
}
