/*
 * address_view.c - the view "address", and what is asked of it (address_view.h).
 *
 * What always holds:
 *   - Every record that puts something at an address, or ends it, has one row; rows of one address
 *     stand together, oldest first. So what was the newest at any time is one look.
 */
#include "address_view.h"

#include <string.h>

#include "builtin.h"
#include "inside.h"
#include "little.h"
#include "lookup.h"

enum {
    KEY_SEQ_AT = FLUME_ADDRESS_BYTES,
    KEY_BYTES = FLUME_ADDRESS_BYTES + LOOKUP_SEQ_BYTES,
    FORM_AT = 0,
    FLAGS_AT = 1,
    BYTES_AT = 2,
    TIME_AT = 10,
    SCOPE_ID_AT = 18,
    VALUE_BYTES = 50
};

/* ---- applying ---- */

static int address_apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint8_t key[KEY_BYTES], value[VALUE_BYTES];
    struct stored_record stored;

    (void)state;
    if (stored_record_decode(record->body, record->body_bytes, &stored) != FLUME_OK)
        return FLUME_OK; /* Whoever wrote that: nothing was put by it. */
    memcpy(key, stored.address, FLUME_ADDRESS_BYTES);
    big_put64(key + KEY_SEQ_AT, record->seq);
    value[FORM_AT] = (uint8_t)stored.form;
    value[FLAGS_AT] = (uint8_t)stored.flags;
    little_put64(value + BYTES_AT, stored.bytes);
    little_put64(value + TIME_AT, record->time_ns);
    memcpy(value + SCOPE_ID_AT, stored.scope_id, FLUME_HASH_BYTES);
    return flume_batch_put(batch, 0, key, sizeof key, value, sizeof value);
}

static const flume_view_table address_tables[] = {{"value", FLUME_TABLE_COLLECT, NULL, NULL}};
static const uint8_t address_kinds[] = {FLUME_KIND_VALUE};

const flume_view_definition view_address = {
    .name = "address",
    .version = 1,
    .tables = address_tables,
    .table_count = 1,
    .flags = FLUME_VIEW_PARALLEL | FLUME_VIEW_LAZY,
    .apply = address_apply,
    .kinds = address_kinds,
    .kind_count = 1,
};

/* ---- asking ---- */

static bool row_decode(flume_bytes key, flume_bytes value, struct address_row *out_row)
{
    const uint8_t *bytes = value.data;

    if (key.bytes != KEY_BYTES || value.bytes != VALUE_BYTES || bytes[FORM_AT] < STORED_INLINE ||
        bytes[FORM_AT] > STORED_END)
        return false;
    out_row->seq = lookup_seq(key);
    out_row->form = (enum stored_form)bytes[FORM_AT];
    out_row->flags = bytes[FLAGS_AT];
    out_row->bytes = little_get64(bytes + BYTES_AT);
    out_row->time_ns = little_get64(bytes + TIME_AT);
    memcpy(out_row->scope_id, bytes + SCOPE_ID_AT, FLUME_HASH_BYTES);
    return true;
}

/* Whether nothing was ever put anywhere: the view need not be made to say so. */
static bool has_none(flume *handle)
{
    uint64_t last;

    return flume_log_last(flume_log_of(handle), FLUME_KIND_VALUE, &last) == FLUME_OK &&
           last == FLUME_SEQ_NONE;
}

/* Rows from this seq on are later than what is asked for. A snapshot may have them. */
static uint64_t seq_bound(const flume_ask *ask)
{
    return ask != NULL && (ask->flags & FLUME_ASK_AS_OF) != 0 ? ask->as_of : FLUME_SEQ_NONE;
}

int address_find(flume *handle, const flume_ask *ask, const uint8_t address[FLUME_ADDRESS_BYTES],
                 struct address_row *out_row)
{
    uint8_t bound[KEY_BYTES];
    struct address_row row;
    flume_bytes key, value;
    flume_rows *rows;
    int status;

    if (has_none(handle))
        return FLUME_ERR_NOT_FOUND;
    status = lookup_rows(handle, view_address.name, ask, &rows);
    if (status != FLUME_OK)
        return status;
    memcpy(bound, address, FLUME_ADDRESS_BYTES);
    big_put64(bound + KEY_SEQ_AT, seq_bound(ask));
    status = flume_rows_seek_last(rows, 0, bound, sizeof bound);
    if (status == FLUME_OK)
        status = flume_rows_previous(rows, &key, &value);
    if (status == FLUME_END ||
        (status == FLUME_OK && !lookup_begins(key, address, FLUME_ADDRESS_BYTES)))
        status = FLUME_ERR_NOT_FOUND;
    if (status == FLUME_OK && !row_decode(key, value, &row))
        status = lookup_bad_row(handle, view_address.name);
    flume_rows_end(rows);
    if (status == FLUME_OK)
        *out_row = row;
    return status;
}

/* ---- listing ---- */

struct listing {
    uint64_t bound;
    unsigned flags;
    int (*callback)(void *ctx, const flume_stored_info *info);
    void *ctx;
    flume_stored_info info; /* Of the rows of one address so far. */
    bool has_value;         /* The newest of them is no end. */
};

/* All rows of an address have been seen. */
static int tell(struct listing *listing)
{
    if (!listing->has_value || (listing->info.flags & STORED_COUNTS) != 0 ||
        (listing->info.flags & listing->flags) != listing->flags)
        return FLUME_OK;
    return listing->callback(listing->ctx, &listing->info);
}

static int take_row(struct listing *listing, flume_bytes key, const struct address_row *row)
{
    flume_stored_info *info = &listing->info;
    int status = FLUME_OK;

    if (row->seq >= listing->bound)
        return FLUME_OK;
    if (info->versions == 0 || !lookup_begins(key, info->address, FLUME_ADDRESS_BYTES)) {
        status = tell(listing);
        info->versions = 0;
    }
    memcpy(info->address, key.data, FLUME_ADDRESS_BYTES);
    memcpy(info->scope_id, row->scope_id, FLUME_HASH_BYTES);
    info->seq = row->seq;
    info->time_ns = row->time_ns;
    info->bytes = row->bytes;
    info->flags = row->flags;
    info->is_blob = row->form == STORED_BLOB;
    info->versions++;
    listing->has_value = row->form != STORED_END;
    return status;
}

static int list_rows(flume *handle, flume_rows *rows, struct listing *listing)
{
    struct address_row row;
    flume_bytes key, value;
    int status = lookup_seek(rows, 0, NULL, 0);

    while (status == FLUME_OK) {
        status = flume_rows_next(rows, &key, &value);
        if (status == FLUME_END)
            return tell(listing);
        if (status == FLUME_OK && !row_decode(key, value, &row))
            return lookup_bad_row(handle, view_address.name);
        if (status == FLUME_OK)
            status = take_row(listing, key, &row);
    }
    return status;
}

int flume_stored_list(flume *handle, const flume_ask *ask, unsigned flags,
                      int (*callback)(void *ctx, const flume_stored_info *info), void *ctx)
{
    struct listing listing = {.flags = flags, .callback = callback, .ctx = ctx};
    flume_rows *rows;
    int status;

    if (handle == NULL || callback == NULL)
        return FLUME_ERR_INVALID;
    listing.bound = seq_bound(ask);
    if (has_none(handle))
        return FLUME_OK;
    status = lookup_rows(handle, view_address.name, ask, &rows);
    if (status != FLUME_OK)
        return status;
    status = list_rows(handle, rows, &listing);
    flume_rows_end(rows);
    return status;
}
