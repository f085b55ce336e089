/*
 * bookmark.c - bookmarks: setting them in the log, and reading them from the view "label".
 *
 * mark.h has the record and the row. What a row cannot tell, whether the seq still means the record
 * that was named, is asked of the log at each reading.
 */
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "label_view.h"
#include "lookup.h"
#include "mark.h"
#include "text.h"

/* ---- setting ---- */

/* The check of the record to be named; one that cannot be read may be named without. */
static int check_of(flume *handle, struct mark *mark)
{
    flume_record record;
    int status = flume_log_get(flume_log_of(handle), mark->seq, &record);

    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST)
        return FLUME_OK;
    if (status == FLUME_ERR_NOT_FOUND)
        return flume_fail(handle, status, mark->seq,
                          "there is no record %llu to name: the log ends before it",
                          (unsigned long long)mark->seq);
    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    mark->check = record.check;
    mark->flags |= MARK_CHECKED;
    flume_record_release(&record);
    return FLUME_OK;
}

static int mark_check(flume *handle, const struct mark *mark)
{
    if (!mark_name_is_sound(mark->name))
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "a bookmark's name is 1 to %d bytes of UTF-8 without control bytes, ' ', "
                          "':' and '~'",
                          FLUME_BOOKMARK_NAME_BYTES_MAX);
    if (strnlen(mark->note, FLUME_BOOKMARK_NOTE_BYTES_MAX + 1) > FLUME_BOOKMARK_NOTE_BYTES_MAX ||
        !text_is_utf8(mark->note, strlen(mark->note)))
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "a bookmark's note is UTF-8 of at most %d bytes",
                          FLUME_BOOKMARK_NOTE_BYTES_MAX);
    return FLUME_OK;
}

int flume_bookmark_set(flume *handle, const char *name, uint64_t seq, const char *note,
                       const char *const *labels, size_t label_count, uint64_t *out_record_seq)
{
    struct mark mark = {.seq = seq, .name = name, .note = note != NULL ? note : ""};
    flume_entry entry = {.labels = labels,
                         .label_count = label_count,
                         .codec = FLUME_CODEC_JSON,
                         .kind = FLUME_KIND_BOOKMARK};
    char *body = NULL;
    int status;

    if (handle == NULL || name == NULL)
        return FLUME_ERR_INVALID;
    status = mark_check(handle, &mark);
    if (seq == FLUME_SEQ_NONE)
        mark.flags |= MARK_DROPPED;
    else if (status == FLUME_OK)
        status = check_of(handle, &mark);
    if (status == FLUME_OK)
        status = mark_body_encode(&mark, &body, &entry.body_bytes);
    if (status != FLUME_OK)
        return status;
    entry.body = body;
    status = flume_log_append_entry(flume_log_of(handle), &entry, out_record_seq);
    free(body);
    return status == FLUME_OK ? FLUME_OK : flume_fail_log(handle, status);
}

/* ---- reading ---- */

/* Whether the seq of a mark now means another record, or none. */
static int is_rewound(flume *handle, const struct mark *mark, bool *out_rewound)
{
    flume_record record;
    int status;

    *out_rewound = false;
    if ((mark->flags & MARK_DROPPED) != 0)
        return FLUME_OK;
    status = flume_log_get(flume_log_of(handle), mark->seq, &record);
    if (status == FLUME_OK) {
        *out_rewound = (mark->flags & MARK_CHECKED) != 0 && record.check != mark->check;
        flume_record_release(&record);
        return FLUME_OK;
    }
    if (status == FLUME_ERR_NOT_FOUND) {
        *out_rewound = true;
        return FLUME_OK;
    }
    /* Damage, and whatever else befell the record in its place, does not make it another one. */
    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST || status == FLUME_ERR_GONE)
        return FLUME_OK;
    return flume_fail_log(handle, status);
}

/* A row as a bookmark. Strings lead into the row. */
static int bookmark_decode(flume *handle, const char *name, size_t name_bytes, flume_bytes value,
                           flume_bookmark *out_bookmark)
{
    flume_bookmark bookmark = {.seq = 0};
    struct mark mark;
    int status;

    if (name_bytes > FLUME_BOOKMARK_NAME_BYTES_MAX || !mark_row_decode(value, &mark))
        return lookup_bad_row(handle, view_label.name);
    status = is_rewound(handle, &mark, &bookmark.rewound);
    if (status != FLUME_OK)
        return status;
    memcpy(bookmark.name, name, name_bytes);
    bookmark.seq = mark.seq;
    bookmark.record_seq = mark.record_seq;
    bookmark.time_ns = mark.time_ns;
    bookmark.dropped = (mark.flags & MARK_DROPPED) != 0;
    bookmark.note = mark.note;
    bookmark.labels = mark.labels;
    *out_bookmark = bookmark;
    return FLUME_OK;
}

/* A copy of a row that outlives its snapshot. */
static int row_copy(flume *handle, const flume_ask *ask, const char *name, size_t name_bytes,
                    flume_bytes *out_value)
{
    flume_rows *rows = NULL;
    flume_bytes value;
    void *copy = NULL;
    int status = lookup_rows(handle, view_label.name, ask, &rows);

    if (status != FLUME_OK)
        return status;
    status = flume_rows_get(rows, LABEL_TABLE_MARK, name, name_bytes, &value);
    if (status == FLUME_OK) {
        copy = malloc(value.bytes + 1);
        status = copy != NULL ? FLUME_OK : FLUME_ERR_NO_MEMORY;
    }
    if (status == FLUME_OK) {
        memcpy(copy, value.data, value.bytes);
        *out_value = (flume_bytes){copy, value.bytes};
    }
    flume_rows_end(rows);
    return status;
}

int flume_bookmark_get(flume *handle, const flume_ask *ask, const char *name,
                       flume_bookmark *out_bookmark)
{
    flume_bookmark bookmark = {.seq = 0};
    flume_bytes value = {NULL, 0};
    int status = FLUME_ERR_NOT_FOUND;

    if (handle == NULL || name == NULL || out_bookmark == NULL)
        return FLUME_ERR_INVALID;
    if (mark_name_is_sound(name))
        status = row_copy(handle, ask, name, strlen(name), &value);
    if (status == FLUME_OK) {
        bookmark.memory = (void *)(uintptr_t)value.data;
        status = bookmark_decode(handle, name, strlen(name), value, &bookmark);
    }
    if (status == FLUME_OK && bookmark.dropped)
        status = FLUME_ERR_NOT_FOUND;
    if (status != FLUME_OK) {
        free((void *)(uintptr_t)value.data);
        return status == FLUME_ERR_NOT_FOUND
                   ? flume_fail(handle, status, FLUME_SEQ_NONE, "there is no bookmark %.*s",
                                FLUME_BOOKMARK_NAME_BYTES_MAX, name)
                   : status;
    }
    bookmark.memory = (void *)(uintptr_t)value.data;
    *out_bookmark = bookmark;
    return FLUME_OK;
}

void flume_bookmark_release(flume_bookmark *bookmark)
{
    if (bookmark == NULL)
        return;
    free(bookmark->memory);
    bookmark->memory = NULL;
    bookmark->note = "";
    bookmark->labels = "";
}

/* ---- listing ---- */

/* Which rows a listing gives, and to whom. */
struct bookmark_listing {
    enum label_table table;
    const char *prefix; /* What the keys begin with. */
    size_t prefix_bytes;
    int (*callback)(void *ctx, const flume_bookmark *bookmark);
    void *ctx;
};

/* The bytes of the name in a row's key; SIZE_MAX: it is not such a key. */
static size_t name_bytes_of(const struct bookmark_listing *listing, flume_bytes key)
{
    if (listing->table == LABEL_TABLE_MARK)
        return key.bytes;
    return key.bytes > 1 + LOOKUP_SEQ_BYTES ? key.bytes - 1 - LOOKUP_SEQ_BYTES : SIZE_MAX;
}

static int list_rows(flume *handle, flume_rows *rows, const struct bookmark_listing *listing)
{
    flume_bookmark bookmark;
    flume_bytes key, value;
    int status = lookup_seek(rows, listing->table, listing->prefix, listing->prefix_bytes);

    while (status == FLUME_OK) {
        status = flume_rows_next(rows, &key, &value);
        if (status == FLUME_END ||
            (status == FLUME_OK && !lookup_begins(key, listing->prefix, listing->prefix_bytes)))
            return FLUME_OK;
        if (status == FLUME_OK)
            status =
                bookmark_decode(handle, key.data, name_bytes_of(listing, key), value, &bookmark);
        if (status == FLUME_OK && (listing->table == LABEL_TABLE_HISTORY || !bookmark.dropped))
            status = listing->callback(listing->ctx, &bookmark);
    }
    return status;
}

static int list(flume *handle, const flume_ask *ask, const struct bookmark_listing *listing)
{
    flume_rows *rows = NULL;
    int status = lookup_rows(handle, view_label.name, ask, &rows);

    if (status != FLUME_OK)
        return status;
    status = list_rows(handle, rows, listing);
    flume_rows_end(rows);
    return status;
}

int flume_bookmark_list(flume *handle, const flume_ask *ask, const char *prefix,
                        int (*callback)(void *ctx, const flume_bookmark *bookmark), void *ctx)
{
    struct bookmark_listing listing = {.table = LABEL_TABLE_MARK,
                                       .prefix = prefix != NULL ? prefix : "",
                                       .callback = callback,
                                       .ctx = ctx};

    if (handle == NULL || callback == NULL)
        return FLUME_ERR_INVALID;
    listing.prefix_bytes = strnlen(listing.prefix, FLUME_BOOKMARK_NAME_BYTES_MAX + 1);
    if (listing.prefix_bytes > FLUME_BOOKMARK_NAME_BYTES_MAX)
        return FLUME_OK; /* No name begins so. */
    return list(handle, ask, &listing);
}

int flume_bookmark_history(flume *handle, const flume_ask *ask, const char *name,
                           int (*callback)(void *ctx, const flume_bookmark *bookmark), void *ctx)
{
    struct bookmark_listing listing = {
        .table = LABEL_TABLE_HISTORY, .prefix = name, .callback = callback, .ctx = ctx};

    if (handle == NULL || name == NULL || callback == NULL)
        return FLUME_ERR_INVALID;
    if (!mark_name_is_sound(name))
        return FLUME_OK;                     /* It has never been given. */
    listing.prefix_bytes = strlen(name) + 1; /* The NUL ends the name in a key, too. */
    return list(handle, ask, &listing);
}
