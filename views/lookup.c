/*
 * lookup.c - see lookup.h.
 */
#include "lookup.h"

#include <string.h>

#include "inside.h"
#include "little.h"

int lookup_rows(flume *handle, const char *name, const flume_ask *ask, flume_rows **out_rows)
{
    flume_view *view = NULL;
    int status = flume_view_find(handle, name, &view);

    return status == FLUME_OK ? flume_view_read(view, ask, out_rows) : status;
}

bool lookup_begins(flume_bytes key, const void *prefix, size_t prefix_bytes)
{
    return key.bytes >= prefix_bytes && memcmp(key.data, prefix, prefix_bytes) == 0;
}

int lookup_seek(flume_rows *rows, size_t table, const void *prefix, size_t prefix_bytes)
{
    static const uint8_t least_key[1] = {0};
    int status = prefix_bytes > 0 ? flume_rows_seek(rows, table, prefix, prefix_bytes)
                                  : flume_rows_seek(rows, table, least_key, sizeof least_key);

    return status == FLUME_END ? FLUME_OK : status;
}

uint64_t lookup_seq(flume_bytes key)
{
    return big_get64((const uint8_t *)key.data + key.bytes - LOOKUP_SEQ_BYTES);
}

int lookup_next_seq(flume_rows *rows, const void *prefix, size_t prefix_bytes, uint64_t *out_seq)
{
    flume_bytes key, value;
    int status = flume_rows_next(rows, &key, &value);

    if (status != FLUME_OK)
        return status;
    if (key.bytes != prefix_bytes + LOOKUP_SEQ_BYTES || !lookup_begins(key, prefix, prefix_bytes))
        return FLUME_END;
    *out_seq = lookup_seq(key);
    return FLUME_OK;
}

int lookup_bad_row(flume *handle, const char *name)
{
    return flume_fail(handle, FLUME_ERR_VIEW, FLUME_SEQ_NONE,
                      "view %s holds a row that it cannot have written; rebuild it", name);
}
