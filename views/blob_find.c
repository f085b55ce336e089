/*
 * blob_find.c - finding blobs, and saying what they are.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "blobs.h"
#include "hash_prefix.h"
#include "inside.h"
#include "little.h"
#include "lookup.h"

enum { NAME_LABEL_BYTES = sizeof(FLUME_BLOB_NAME_LABEL) - 1, LIST_PAGE_ROWS = 64 };

enum assistant_mode blob_assistant_mode(const flume *handle)
{
    bool may = (handle->options.views & FLUME_VIEWS_NO_WORKERS) == 0;

    return may && sysconf(_SC_NPROCESSORS_ONLN) > 1 ? ASSISTANT_THREAD : ASSISTANT_NO_THREAD;
}

void blob_words(const uint8_t hash[FLUME_HASH_BYTES], char out_words[BLOB_WORDS_BYTES])
{
    char text[FLUME_HASH_TEXT_BYTES + 1];

    flume_hash_text(hash, text);
    (void)snprintf(out_words, BLOB_WORDS_BYTES, "blob %s", text);
}

/* ---- one record ---- */

int blob_get(flume *handle, uint64_t seq, flume_record *out_record, struct blob_record *out_blob)
{
    flume_record record;
    int status = flume_log_get(handle->log, seq, &record);

    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    status = FLUME_ERR_NOT_FOUND;
    if (record.kind == FLUME_KIND_BLOB)
        status = blob_record_decode(record.body, record.body_bytes, out_blob);
    if (status == FLUME_OK) {
        *out_record = record;
        return FLUME_OK;
    }
    flume_record_release(&record);
    if (status == FLUME_ERR_VERSION)
        return flume_fail(handle, status, seq,
                          "the blob at seq %llu is of a newer flume than this one",
                          (unsigned long long)seq);
    if (status == FLUME_ERR_DAMAGED)
        return flume_fail(handle, status, seq,
                          "the record at seq %llu is of kind blob, but is none",
                          (unsigned long long)seq);
    return flume_fail(handle, status, seq, "the record at seq %llu is no blob",
                      (unsigned long long)seq);
}

static void take_name(const flume_record *record, flume_blob_info *info)
{
    size_t position = 0;
    flume_label label;

    while (flume_record_label(record, &position, &label)) {
        if (label.bytes <= NAME_LABEL_BYTES ||
            label.bytes - NAME_LABEL_BYTES > FLUME_BLOB_NAME_BYTES_MAX ||
            memcmp(label.text, FLUME_BLOB_NAME_LABEL, NAME_LABEL_BYTES) != 0)
            continue;
        memcpy(info->name, label.text + NAME_LABEL_BYTES, label.bytes - NAME_LABEL_BYTES);
        return;
    }
}

void blob_info_fill(const flume_record *record, const struct blob_record *blob,
                    flume_blob_info *out_info)
{
    memset(out_info, 0, sizeof *out_info);
    out_info->seq = record->seq;
    out_info->time_ns = record->time_ns;
    memcpy(out_info->hash, blob->hash, sizeof out_info->hash);
    out_info->bytes = blob->bytes;
    out_info->chunks = blob->chunks;
    out_info->form = blob->form;
    memcpy(out_info->media_type, blob->media_type, blob->media_type_bytes);
    take_name(record, out_info);
}

int flume_blob_stat(flume *handle, uint64_t seq, flume_blob_info *out_info)
{
    struct blob_record blob;
    flume_record record;
    int status;

    if (handle == NULL || out_info == NULL)
        return FLUME_ERR_INVALID;
    status = blob_get(handle, seq, &record, &blob);
    if (status != FLUME_OK)
        return status;
    blob_info_fill(&record, &blob, out_info);
    flume_record_release(&record);
    return FLUME_OK;
}

/* ---- by hash ---- */

/* The next row of a content, behind lookup_seek(). FLUME_END: there is no more. */
static int next_row(flume *handle, flume_rows *rows, const uint8_t hash[FLUME_HASH_BYTES],
                    struct blob_row *out_row)
{
    flume_bytes key, value;
    int status = flume_rows_next(rows, &key, &value);

    if (status != FLUME_OK)
        return status;
    if (!lookup_begins(key, hash, FLUME_HASH_BYTES))
        return FLUME_END;
    return blob_row_decode(BLOB_BY_HASH, key, value, out_row)
               ? FLUME_OK
               : lookup_bad_row(handle, view_blob.name);
}

/* The oldest record from a seq on that has the content itself. */
static int next_holder(flume *handle, const flume_ask *ask, const uint8_t hash[FLUME_HASH_BYTES],
                       uint64_t from_seq, uint64_t *out_seq)
{
    uint8_t key[BLOB_KEY_BYTES];
    struct blob_row row = {.form = FLUME_BLOB_AGAIN};
    flume_rows *rows = NULL;
    int status = lookup_rows(handle, view_blob.name, ask, &rows);

    if (status != FLUME_OK)
        return status;
    blob_key(hash, from_seq, key);
    status = lookup_seek(rows, BLOB_BY_HASH, key, sizeof key);
    while (status == FLUME_OK && row.form == FLUME_BLOB_AGAIN)
        status = next_row(handle, rows, hash, &row);
    flume_rows_end(rows);
    if (status == FLUME_OK)
        *out_seq = row.seq;
    return status;
}

static int not_known(flume *handle, const uint8_t hash[FLUME_HASH_BYTES])
{
    char words[BLOB_WORDS_BYTES];

    blob_words(hash, words);
    return flume_fail(handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE, "there is no %s", words);
}

int blob_holder(flume *handle, const flume_ask *ask, const uint8_t hash[FLUME_HASH_BYTES],
                flume_record *out_record, struct blob_record *out_blob)
{
    uint64_t seq = 0;
    int bad = FLUME_OK;
    int status;

    for (;;) {
        status = next_holder(handle, ask, hash, seq, &seq);
        if (status != FLUME_OK)
            break;
        status = blob_get(handle, seq, out_record, out_blob);
        if (status != FLUME_ERR_DAMAGED && status != FLUME_ERR_LOST &&
            status != FLUME_ERR_NOT_FOUND)
            return status;
        bad = FLUME_ERR_DAMAGED; /* Another record may have it too. */
        seq++;
    }
    if (status != FLUME_END)
        return status;
    return bad != FLUME_OK ? bad : not_known(handle, hash);
}

int flume_blob_find(flume *handle, const flume_ask *ask, const uint8_t hash[FLUME_HASH_BYTES],
                    uint64_t *out_seq)
{
    uint8_t behind[BLOB_KEY_BYTES];
    flume_rows *rows = NULL;
    flume_bytes key, value;
    int status;

    if (handle == NULL || hash == NULL)
        return FLUME_ERR_INVALID;
    status = lookup_rows(handle, view_blob.name, ask, &rows);
    if (status != FLUME_OK)
        return status;
    blob_key(hash, UINT64_MAX, behind);
    status = flume_rows_seek_last(rows, BLOB_BY_HASH, behind, sizeof behind);
    if (status == FLUME_OK)
        status = flume_rows_previous(rows, &key, &value);
    if (status == FLUME_OK && !lookup_begins(key, hash, FLUME_HASH_BYTES))
        status = FLUME_END;
    if (status == FLUME_OK && out_seq != NULL)
        *out_seq = lookup_seq(key);
    flume_rows_end(rows);
    return status == FLUME_END ? not_known(handle, hash) : status;
}

int flume_blob_find_prefix(flume *handle, const flume_ask *ask, const char *digits,
                           flume_hash_candidate *out_candidates, size_t max, size_t *out_count)
{
    const struct hash_prefix_table contents = {view_blob.name, "blob"};

    return hash_prefix_find(handle, &contents, ask, digits, out_candidates, max, out_count);
}

/* ---- by name ---- */

int flume_blob_find_name(flume *handle, const flume_ask *ask, const char *name, uint64_t *out_seq)
{
    char label[FLUME_LABEL_BYTES_MAX + 1];
    int length, status = FLUME_OK;

    if (handle == NULL || name == NULL || out_seq == NULL)
        return FLUME_ERR_INVALID;
    length = snprintf(label, sizeof label, "%s%s", FLUME_BLOB_NAME_LABEL, name);
    if (length < 0 || length > FLUME_LABEL_BYTES_MAX)
        status = FLUME_ERR_NOT_FOUND; /* No blob has so long a name. */
    for (uint64_t back = 0; status == FLUME_OK; back++) {
        struct blob_record blob;
        flume_record record;
        uint64_t seq = 0;

        status = flume_label_from_end(handle, ask, label, back, &seq);
        if (status != FLUME_OK || blob_get(handle, seq, &record, &blob) != FLUME_OK)
            continue; /* Records of other kinds may carry the label too. */
        flume_record_release(&record);
        *out_seq = seq;
        return FLUME_OK;
    }
    if (status != FLUME_ERR_NOT_FOUND)
        return status;
    return flume_fail(handle, status, FLUME_SEQ_NONE, "no blob has the name '%.*s'",
                      FLUME_BLOB_NAME_BYTES_MAX, name);
}

/* ---- listing ---- */

struct listing {
    flume *handle;
    const flume_ask *ask;
    flume_blob_list_options options;
    struct blob_row page[LIST_PAGE_ROWS];
    size_t count;
    uint64_t given;
};

static enum blob_view_table table_of(const struct listing *listing)
{
    return listing->options.order == FLUME_BLOB_BY_HASH ? BLOB_BY_HASH : BLOB_BY_SEQ;
}

/* Stand where the listing goes on. */
static int seek_on(const struct listing *listing, flume_rows *rows)
{
    const flume_blob_list_options *options = &listing->options;
    bool is_reverse = (options->flags & FLUME_BLOB_REVERSE) != 0;
    enum blob_view_table table = table_of(listing);
    uint8_t key[BLOB_KEY_BYTES];
    const uint8_t *from = table == BLOB_BY_HASH ? key : key + FLUME_HASH_BYTES;
    size_t bytes = table == BLOB_BY_HASH ? BLOB_KEY_BYTES : sizeof(uint64_t);

    if (!options->has_after)
        return is_reverse ? flume_rows_seek_last(rows, table, NULL, 0)
                          : lookup_seek(rows, table, NULL, 0);
    blob_key(options->after_hash, options->after_seq, key);
    if (is_reverse)
        return flume_rows_seek_last(rows, table, from, bytes);
    if (options->after_seq !=
        UINT64_MAX) /* No record has that one: its place is behind as it is. */
        blob_key(options->after_hash, options->after_seq + 1, key);
    return lookup_seek(rows, table, from, bytes);
}

/* The next rows, as many as fit a page. */
static int read_page(struct listing *listing, bool *out_is_last)
{
    bool is_reverse = (listing->options.flags & FLUME_BLOB_REVERSE) != 0;
    flume_rows *rows = NULL;
    flume_bytes key, value;
    int status = lookup_rows(listing->handle, view_blob.name, listing->ask, &rows);

    if (status != FLUME_OK)
        return status;
    listing->count = 0;
    status = seek_on(listing, rows);
    while (status == FLUME_OK && listing->count < LIST_PAGE_ROWS) {
        struct blob_row *row = &listing->page[listing->count];

        status = is_reverse ? flume_rows_previous(rows, &key, &value)
                            : flume_rows_next(rows, &key, &value);
        if (status == FLUME_OK && !blob_row_decode(table_of(listing), key, value, row))
            status = lookup_bad_row(listing->handle, view_blob.name);
        if (status != FLUME_OK)
            break;
        listing->options.has_after = true;
        listing->options.after_seq = row->seq;
        memcpy(listing->options.after_hash, row->hash, FLUME_HASH_BYTES);
        if ((listing->options.flags & FLUME_BLOB_CONTENTS) == 0 || row->form != FLUME_BLOB_AGAIN)
            listing->count++;
    }
    flume_rows_end(rows);
    *out_is_last = status == FLUME_END;
    return status == FLUME_END ? FLUME_OK : status;
}

/* What the record says; where it does not read, what the view knows. */
static void row_info(flume *handle, const struct blob_row *row, flume_blob_info *out_info)
{
    if (flume_blob_stat(handle, row->seq, out_info) == FLUME_OK)
        return;
    memset(out_info, 0, sizeof *out_info);
    out_info->seq = row->seq;
    memcpy(out_info->hash, row->hash, sizeof out_info->hash);
    out_info->bytes = row->bytes;
    out_info->chunks = row->chunks;
    out_info->form = row->form;
}

static int give_page(struct listing *listing,
                     int (*callback)(void *ctx, const flume_blob_info *info), void *ctx,
                     bool *io_is_last)
{
    int status = 0;

    for (size_t i = 0; i < listing->count && status == 0; i++) {
        flume_blob_info info;

        if (listing->options.limit != 0 && listing->given == listing->options.limit) {
            *io_is_last = true;
            break;
        }
        row_info(listing->handle, &listing->page[i], &info);
        listing->given++;
        status = callback(ctx, &info);
    }
    return status;
}

int flume_blob_list(flume *handle, const flume_ask *ask, const flume_blob_list_options *options,
                    int (*callback)(void *ctx, const flume_blob_info *info), void *ctx)
{
    struct listing listing = {.handle = handle, .ask = ask};
    bool is_last = false;
    int status = FLUME_OK;

    if (handle == NULL || callback == NULL)
        return FLUME_ERR_INVALID;
    if (options != NULL)
        listing.options = *options;
    if ((listing.options.flags & ~(unsigned)(FLUME_BLOB_REVERSE | FLUME_BLOB_CONTENTS)) != 0 ||
        (unsigned)listing.options.order > FLUME_BLOB_BY_HASH)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "unknown flags %#x or order %u of a listing", listing.options.flags,
                          (unsigned)listing.options.order);
    while (status == FLUME_OK && !is_last) {
        status = read_page(&listing, &is_last);
        if (status == FLUME_OK)
            status = give_page(&listing, callback, ctx, &is_last);
    }
    return status;
}
