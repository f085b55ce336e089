/*
 * label_view.c - the view "label": which records carry a label, and the bookmarks.
 *
 * Four tables (label_view.h; views/FORMAT.md has the bytes): the records of each label in order,
 * what is known of each label, and the newest and the whole history of each bookmark (mark.h).
 *
 * What always holds:
 *   - The row of a label counts as many records as the label has rows.
 *   - A label has no zero byte, so no label's rows stand among another's.
 */
#include "label_view.h"

#include <regex.h>
#include <string.h>

#include "inside.h"
#include "labels.h"
#include "little.h"
#include "lookup.h"
#include "mark.h"

/* The value of a label in the table "count". */
enum {
    COUNT_RECORDS_AT = 0,
    COUNT_BODY_BYTES_AT = 8,
    COUNT_FIRST_AT = 16,
    COUNT_LAST_AT = 24,
    COUNT_BYTES = 32
};

/* glibc writes a repetition out, so a few bytes of pattern could ask for all memory there is. */
enum { REGEX_BYTES_MAX = 1024, REGEX_EXPANDED_MAX = 64 << 10, REGEX_ERROR_BYTES = 200 };

/* ---- applying ---- */

static int count_merge(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer,
                       void *target, size_t *out_bytes)
{
    const uint8_t *one = older.data, *other = newer.data;
    uint8_t *sum = target;

    (void)ctx;
    (void)key;
    if (older.bytes != COUNT_BYTES || newer.bytes != COUNT_BYTES)
        return FLUME_ERR_VIEW;
    little_put64(sum + COUNT_RECORDS_AT,
                 little_get64(one + COUNT_RECORDS_AT) + little_get64(other + COUNT_RECORDS_AT));
    little_put64(sum + COUNT_BODY_BYTES_AT, little_get64(one + COUNT_BODY_BYTES_AT) +
                                                little_get64(other + COUNT_BODY_BYTES_AT));
    little_put64(sum + COUNT_FIRST_AT, little_get64(one + COUNT_FIRST_AT));
    little_put64(sum + COUNT_LAST_AT, little_get64(other + COUNT_LAST_AT));
    *out_bytes = COUNT_BYTES;
    return FLUME_OK;
}

static int put_label(flume_batch *batch, const flume_label *label, const flume_record *record)
{
    uint8_t key[LABEL_PREFIX_BYTES_MAX + LOOKUP_SEQ_BYTES];
    uint8_t count[COUNT_BYTES];
    int status;

    if (label->bytes == 0 || label->bytes > FLUME_LABEL_BYTES_MAX)
        return FLUME_OK; /* No record of this library has such a one. */
    memcpy(key, label->text, label->bytes);
    key[label->bytes] = '\0';
    big_put64(key + label->bytes + 1, record->seq);
    status =
        flume_batch_put(batch, LABEL_TABLE_LABEL, key, label->bytes + 1 + LOOKUP_SEQ_BYTES, "", 0);
    if (status != FLUME_OK)
        return status;
    little_put64(count + COUNT_RECORDS_AT, 1);
    little_put64(count + COUNT_BODY_BYTES_AT, record->body_bytes);
    little_put64(count + COUNT_FIRST_AT, record->seq);
    little_put64(count + COUNT_LAST_AT, record->seq);
    return flume_batch_put(batch, LABEL_TABLE_COUNT, label->text, label->bytes, count,
                           sizeof count);
}

static int label_apply(void *state, flume_batch *batch, const flume_record *record)
{
    struct labels labels;
    int status;

    (void)state;
    if (record->kind == FLUME_KIND_BOOKMARK) {
        status = mark_apply(batch, LABEL_TABLE_MARK, LABEL_TABLE_HISTORY, record);
        if (status != FLUME_OK)
            return status;
    }
    if (record->meta_bytes == 0)
        return FLUME_OK;
    status = labels_init(&labels, record);
    for (size_t i = 0; status == FLUME_OK && i < labels.count; i++)
        status = put_label(batch, &labels.list[i], record);
    labels_deinit(&labels);
    return status;
}

static const flume_view_table label_tables[LABEL_TABLES] = {
    [LABEL_TABLE_LABEL] = {"label", FLUME_TABLE_COLLECT, NULL, NULL},
    [LABEL_TABLE_COUNT] = {"count", FLUME_TABLE_COLLECT, count_merge, NULL},
    [LABEL_TABLE_MARK] = {"mark", FLUME_TABLE_COLLECT, NULL, NULL},
    [LABEL_TABLE_HISTORY] = {"mark_history", FLUME_TABLE_COLLECT, NULL, NULL},
};

const flume_view_definition view_label = {
    .name = "label",
    .version = 1,
    .tables = label_tables,
    .table_count = LABEL_TABLES,
    .flags = FLUME_VIEW_PARALLEL,
    .apply = label_apply,
};

/* ---- one label ---- */

size_t label_prefix(const char *label, uint8_t out_prefix[LABEL_PREFIX_BYTES_MAX])
{
    size_t bytes = strnlen(label, FLUME_LABEL_BYTES_MAX + 1);

    if (bytes == 0 || bytes > FLUME_LABEL_BYTES_MAX)
        return 0;
    memcpy(out_prefix, label, bytes + 1);
    return bytes + 1;
}

static int info_decode(flume *handle, flume_bytes key, flume_bytes value,
                       flume_label_info *out_info)
{
    const uint8_t *data = value.data;

    if (value.bytes != COUNT_BYTES || key.bytes > FLUME_LABEL_BYTES_MAX)
        return lookup_bad_row(handle, view_label.name);
    memcpy(out_info->label, key.data, key.bytes);
    out_info->label[key.bytes] = '\0';
    out_info->count = little_get64(data + COUNT_RECORDS_AT);
    out_info->body_bytes = little_get64(data + COUNT_BODY_BYTES_AT);
    out_info->first_seq = little_get64(data + COUNT_FIRST_AT);
    out_info->last_seq = little_get64(data + COUNT_LAST_AT);
    return FLUME_OK;
}

int label_info(flume *handle, flume_rows *rows, const char *label, flume_label_info *out_info)
{
    uint8_t prefix[LABEL_PREFIX_BYTES_MAX];
    size_t prefix_bytes = label_prefix(label, prefix);
    flume_bytes value;
    int status;

    if (prefix_bytes == 0)
        return FLUME_ERR_NOT_FOUND;
    status = flume_rows_get(rows, LABEL_TABLE_COUNT, prefix, prefix_bytes - 1, &value);
    if (status != FLUME_OK)
        return status;
    return info_decode(handle, (flume_bytes){prefix, prefix_bytes - 1}, value, out_info);
}

int flume_label_get(flume *handle, const flume_ask *ask, const char *label,
                    flume_label_info *out_info)
{
    flume_rows *rows = NULL;
    int status;

    if (handle == NULL || label == NULL || out_info == NULL)
        return FLUME_ERR_INVALID;
    status = lookup_rows(handle, view_label.name, ask, &rows);
    if (status != FLUME_OK)
        return status;
    status = label_info(handle, rows, label, out_info);
    flume_rows_end(rows);
    return status;
}

/* ---- labels in order ---- */

/* How many bytes a pattern may stand for once its repetitions are written out. */
static size_t regex_expanded(const char *regex)
{
    size_t expanded = strlen(regex);

    for (const char *at = strchr(regex, '{'); at != NULL; at = strchr(at + 1, '{')) {
        size_t number = 0, largest = 1;

        for (const char *digit = at + 1; *digit != '\0' && *digit != '}'; digit++) {
            number = *digit >= '0' && *digit <= '9' ? number * 10 + (size_t)(*digit - '0') : 0;
            largest = number > largest ? number : largest;
            if (largest > REGEX_EXPANDED_MAX)
                return largest;
        }
        expanded *= largest;
        if (expanded > REGEX_EXPANDED_MAX)
            break;
    }
    return expanded;
}

static int regex_compile(flume *handle, const char *regex, regex_t *out_compiled)
{
    char reason[REGEX_ERROR_BYTES];
    int code;

    if (strnlen(regex, REGEX_BYTES_MAX + 1) > REGEX_BYTES_MAX)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "a regular expression has at most %d bytes", REGEX_BYTES_MAX);
    if (regex_expanded(regex) > REGEX_EXPANDED_MAX)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "the repetitions of regular expression %s are too many", regex);
    code = regcomp(out_compiled, regex, REG_EXTENDED | REG_NOSUB);
    if (code == 0)
        return FLUME_OK;
    (void)regerror(code, out_compiled, reason, sizeof reason);
    if (code == REG_ESPACE)
        return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE, "%s", reason);
    return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                      "%s is not a regular expression: %s", regex, reason);
}

/* What a listing gives, and to whom. */
struct label_listing {
    const char *prefix;
    const regex_t *compiled; /* NULL: every label. */
    int (*callback)(void *ctx, const flume_label_info *info);
    void *ctx;
};

static int list_labels(flume *handle, flume_rows *rows, const struct label_listing *listing)
{
    size_t prefix_bytes = strlen(listing->prefix);
    flume_label_info info;
    flume_bytes key, value;
    int status =
        prefix_bytes > 0
            ? flume_rows_seek(rows, LABEL_TABLE_COUNT, listing->prefix, prefix_bytes)
            : flume_rows_seek(rows, LABEL_TABLE_COUNT, "", 1); /* The least key there is. */

    while (status == FLUME_OK) {
        status = flume_rows_next(rows, &key, &value);
        if (status == FLUME_END ||
            (status == FLUME_OK && !lookup_begins(key, listing->prefix, prefix_bytes)))
            return FLUME_OK;
        if (status == FLUME_OK)
            status = info_decode(handle, key, value, &info);
        if (status == FLUME_OK &&
            (listing->compiled == NULL || regexec(listing->compiled, info.label, 0, NULL, 0) == 0))
            status = listing->callback(listing->ctx, &info);
    }
    return status;
}

int flume_label_list(flume *handle, const flume_ask *ask, const char *prefix, const char *regex,
                     int (*callback)(void *ctx, const flume_label_info *info), void *ctx)
{
    struct label_listing listing = {
        .prefix = prefix != NULL ? prefix : "", .callback = callback, .ctx = ctx};
    flume_rows *rows = NULL;
    regex_t compiled;
    int status;

    if (handle == NULL || callback == NULL)
        return FLUME_ERR_INVALID;
    if (strnlen(listing.prefix, FLUME_LABEL_BYTES_MAX + 1) > FLUME_LABEL_BYTES_MAX)
        return FLUME_OK; /* Nothing begins so. */
    if (regex != NULL) {
        status = regex_compile(handle, regex, &compiled);
        if (status != FLUME_OK)
            return status;
        listing.compiled = &compiled;
    }
    status = lookup_rows(handle, view_label.name, ask, &rows);
    if (status == FLUME_OK) {
        status = list_labels(handle, rows, &listing);
        flume_rows_end(rows);
    }
    if (listing.compiled != NULL)
        regfree(&compiled);
    return status;
}

/* ---- label~N ---- */

/* Walk from the nearer end: `index` counts from the oldest. */
static int seq_at(flume_rows *rows, const uint8_t *prefix, size_t prefix_bytes, uint64_t index,
                  uint64_t count, uint64_t *out_seq)
{
    uint8_t end[LABEL_PREFIX_BYTES_MAX];
    flume_bytes key, value;
    uint64_t back = count - 1 - index;
    bool forward = index < back;
    uint64_t steps = forward ? index : back;
    int status;

    memcpy(end, prefix, prefix_bytes);
    end[prefix_bytes - 1] = 1; /* Behind every row of the label. */
    status = forward ? lookup_seek(rows, LABEL_TABLE_LABEL, prefix, prefix_bytes)
                     : flume_rows_seek_last(rows, LABEL_TABLE_LABEL, end, prefix_bytes);
    for (uint64_t i = 0; status == FLUME_OK && i <= steps; i++)
        status = forward ? flume_rows_next(rows, &key, &value)
                         : flume_rows_previous(rows, &key, &value);
    if (status != FLUME_OK)
        return status;
    if (key.bytes != prefix_bytes + LOOKUP_SEQ_BYTES || !lookup_begins(key, prefix, prefix_bytes))
        return FLUME_END;
    *out_seq = lookup_seq(key);
    return FLUME_OK;
}

int flume_label_from_end(flume *handle, const flume_ask *ask, const char *label, uint64_t back,
                         uint64_t *out_seq)
{
    uint8_t prefix[LABEL_PREFIX_BYTES_MAX];
    flume_label_info info;
    flume_rows *rows = NULL;
    int status;

    if (handle == NULL || label == NULL || out_seq == NULL)
        return FLUME_ERR_INVALID;
    status = lookup_rows(handle, view_label.name, ask, &rows);
    if (status != FLUME_OK)
        return status;
    status = label_info(handle, rows, label, &info);
    if (status == FLUME_OK && back >= info.count)
        status = FLUME_ERR_NOT_FOUND;
    if (status == FLUME_OK)
        status = seq_at(rows, prefix, label_prefix(label, prefix), info.count - 1 - back,
                        info.count, out_seq);
    flume_rows_end(rows);
    return status == FLUME_END ? lookup_bad_row(handle, view_label.name) : status;
}
