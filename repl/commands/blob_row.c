/*
 * blob_row.c - `flume blob list` and `stat`: a row for each blob (blob_forms.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob_forms.h"
#include "limit.h"
#include "object.h"
#include "rows.h"

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))
#define HASH_DIGITS_IN_TABLES 16

/* stat has the last two as well. */
static const struct grid_column blob_columns[] = {
    {"hash", 16, false}, {"seq", 4, false},         {"time", 18, false}, {"bytes", 9, true},
    {"chunks", 6, true}, {"media_type", 10, false}, {"name", 12, false}, {"labels", 0, false},
    {"form", 0, false},  {"place", 0, false}};

enum { STAT_COLUMN_COUNT = COLUMN_COUNT(blob_columns), LIST_COLUMN_COUNT = STAT_COLUMN_COUNT - 2 };

struct listing {
    struct blobbing *blobbing;
    struct session *session;
    struct grid grid;
    struct limit limit;
    uint64_t since_ns, until_ns; /* UINT64_MAX: no end. */
    bool has_labels;             /* Some were asked for. */
    flume_grains_place place;    /* Of stat; */
    bool knows_place;            /* where that could be told. */
};

void blob_row_hash(struct grid *grid, const uint8_t hash[FLUME_HASH_BYTES])
{
    char digits[FLUME_HASH_TEXT_BYTES + 1];

    flume_hash_text(hash, digits);
    if (grid->session->mode == MODE_TABLE && !grid->is_card)
        digits[HASH_DIGITS_IN_TABLES] = '\0';
    grid_string(grid, digits);
}

/* ---- one row ---- */

static bool is_name(const flume_label *label)
{
    size_t bytes = strlen(FLUME_BLOB_NAME_LABEL);

    return label->bytes >= bytes && memcmp(label->text, FLUME_BLOB_NAME_LABEL, bytes) == 0;
}

/* Labels but those that are names: these have a column. */
static void put_labels(struct grid *grid, const flume_record *record)
{
    struct text json = {0}, shown = {0};
    flume_label label;
    size_t at = 0;

    text_char(&json, '[');
    while (record != NULL && flume_record_label(record, &at, &label)) {
        if (is_name(&label))
            continue;
        text_string(&json, json.bytes == 1 ? "" : ",");
        object_put_string(&json, label.text, label.bytes);
        text_string(&shown, shown.bytes == 0 ? "" : ",");
        text_add(&shown, label.text, label.bytes);
    }
    text_char(&json, ']');
    if (grid->session->json)
        grid_list(grid, &json, &shown);
    else
        grid_bytes(grid, shown.data, shown.bytes);
    text_deinit(&json);
    text_deinit(&shown);
}

static const char *form_name(enum flume_blob_form form)
{
    switch (form) {
    case FLUME_BLOB_INLINE:
        return "inline";
    case FLUME_BLOB_CHUNKED:
        return "chunked";
    default:
        return "again";
    }
}

/* Where the bytes are: in the record, or a place of its own, which may be away. */
static void put_place(struct listing *listing, const flume_blob_info *info)
{
    struct text text = {0};

    if (info->chunks == 0)
        text_string(&text, "log");
    else if (!listing->knows_place)
        text_string(&text, "grains (not known where)");
    else
        text_format(&text, "%s%s", listing->place.path,
                    listing->place.state == FLUME_GRAINS_HERE ? "" : " (absent)");
    grid_bytes(&listing->grid, text.data, text.bytes);
    text_deinit(&text);
}

/* @param record  NULL: it cannot be read. */
static bool put_row(struct listing *listing, const flume_blob_info *info,
                    const flume_record *record)
{
    struct grid *grid = &listing->grid;

    blob_row_hash(grid, info->hash);
    grid_seq(grid, info->seq);
    grid_time_or_absent(grid, info->time_ns);
    grid_size(grid, info->bytes);
    grid_count(grid, info->chunks);
    grid_string(grid, info->media_type);
    grid_string(grid, info->name);
    put_labels(grid, record);
    if (grid->column_count == STAT_COLUMN_COUNT) {
        grid_string(grid, form_name(info->form));
        put_place(listing, info);
    }
    return grid_end_row(grid);
}

/* ---- list ---- */

static bool has_some_label(const struct listing *listing, const flume_record *record)
{
    const struct invocation *invocation = listing->session->invocation;

    for (size_t i = 0; i < invocation->option_count; i++)
        if (invocation->options[i].id == OPTION_WITH_LABEL &&
            flume_record_has_label(record, invocation->options[i].text))
            return true;
    return false;
}

static int on_blob(void *ctx, const flume_blob_info *info)
{
    struct listing *listing = ctx;
    flume_record record;
    bool is_there;
    int answer = 0;

    if (asking_stopped(&listing->blobbing->asking))
        return FLUME_ERR_CANCELLED;
    if (info->time_ns < listing->since_ns || info->time_ns >= listing->until_ns)
        return 0;
    is_there = flume_log_get(listing->session->log, info->seq, &record) == FLUME_OK;
    if (!listing->has_labels || (is_there && has_some_label(listing, &record))) {
        listing->blobbing->asking.given++;
        progress_end(&listing->blobbing->asking.progress);
        if (!limit_take(&listing->limit))
            answer = FLUME_END;
        else if (!put_row(listing, info, is_there ? &record : NULL))
            answer = FLUME_ERR_IO;
    }
    if (is_there)
        flume_record_release(&record);
    return answer;
}

static void begin(struct listing *listing, struct blobbing *blobbing, size_t column_count)
{
    *listing = (struct listing){
        .blobbing = blobbing, .session = blobbing->session, .until_ns = UINT64_MAX};
    limit_init(&listing->limit, listing->session, OPTION_ROWS_MAX);
    grid_init(&listing->grid, listing->session, "blob", blob_columns, column_count);
    grid_spare(&listing->grid, "chunks labels media_type time");
}

/* The label terms of these options, and of them all ORs. NULL: no memory. */
static flume_term *label_terms(const struct invocation *invocation, size_t *out_count)
{
    flume_term *terms = calloc(2 * invocation->option_count + 1, sizeof(terms[0]));
    size_t count = 0;

    for (size_t i = 0; terms != NULL && i < invocation->option_count; i++) {
        if (invocation->options[i].id != OPTION_WITH_LABEL)
            continue;
        terms[count] = (flume_term){.what = FLUME_TERM_LABEL, .from = invocation->options[i].text};
        if (count > 0) /* One of those before, or this. */
            terms[count + 1] = (flume_term){
                .what = FLUME_TERM_OR, .left = &terms[count - 1], .right = &terms[count]};
        count += count > 0 ? 2 : 1;
    }
    *out_count = count;
    return terms;
}

/* By the labels' index, in order of seq: records of other kinds may carry them too. */
static int list_labelled(struct listing *listing, const flume_term *term)
{
    struct session *session = listing->session;
    flume_query *query = NULL;
    flume_blob_info info;
    flume_record record;
    int answer = 0;
    int status = flume_query_open(session->flume, &listing->blobbing->asking.ask, term, &query);

    while (status == FLUME_OK && answer == 0) {
        status = flume_query_next(query, &record);
        if (status == FLUME_OK && record.kind == FLUME_KIND_BLOB &&
            flume_blob_stat(session->flume, record.seq, &info) == FLUME_OK)
            answer = on_blob(listing, &info);
        else if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST)
            status = FLUME_OK; /* Whose labels do not read fits none of them. */
    }
    flume_query_close(query);
    return answer != 0 ? answer : status;
}

/* All blobs are looked at, unless there is an index that gives them in this order. */
static int list_all(struct listing *listing, const flume_blob_list_options *options)
{
    struct blobbing *blobbing = listing->blobbing;
    flume_term *terms;
    size_t count = 0;
    int status;

    if (!listing->has_labels || (options->flags & FLUME_BLOB_REVERSE) != 0)
        return flume_blob_list(blobbing->session->flume, &blobbing->asking.ask, options, on_blob,
                               listing);
    terms = label_terms(blobbing->session->invocation, &count);
    if (terms == NULL)
        return FLUME_ERR_NO_MEMORY;
    asking_add(&blobbing->asking, "label");
    status = list_labelled(listing, &terms[count - 1]);
    free(terms);
    return status;
}

int blob_form_list(struct blobbing *blobbing)
{
    const struct invocation *invocation = blobbing->session->invocation;
    const struct option_use *since = invocation_option(invocation, OPTION_SINCE);
    const struct option_use *until = invocation_option(invocation, OPTION_UNTIL);
    flume_blob_list_options options = {.order = FLUME_BLOB_BY_SEQ};
    struct listing listing;
    int status;

    begin(&listing, blobbing, LIST_COLUMN_COUNT);
    if (since != NULL)
        listing.since_ns = value_time_ns(since->time);
    if (until != NULL)
        listing.until_ns = value_time_ns(until->time);
    listing.has_labels = invocation_has(invocation, OPTION_WITH_LABEL);
    if (invocation_has(invocation, OPTION_REVERSE))
        options.flags |= FLUME_BLOB_REVERSE;
    asking_note_stale(&blobbing->asking);
    status = list_all(&listing, &options);
    limit_note(&listing.limit, blobbing->session);
    if (status == FLUME_ERR_IO && ferror(stdout) != 0)
        return session_flush(blobbing->session);
    if (status != FLUME_OK && status != FLUME_END)
        return blob_name_report(blobbing, status);
    return listing.limit.rows == 0 && (listing.has_labels || since != NULL || until != NULL)
               ? CODE_NO
               : CODE_OK;
}

/* ---- stat ---- */

static int stat_one(struct listing *listing, const struct operand *operand)
{
    struct session *session = listing->session;
    flume_blob_info info;
    flume_record record;
    bool is_there;
    int code = blob_name_find(listing->blobbing, operand, &info);

    if (code != CODE_OK)
        return code;
    is_there = flume_log_get(session->log, info.seq, &record) == FLUME_OK;
    (void)put_row(listing, &info, is_there ? &record : NULL); /* It shows when it is flushed. */
    session_printed(session, info.seq);
    listing->limit.rows++;
    if (is_there)
        flume_record_release(&record);
    return CODE_OK;
}

int blob_form_stat(struct blobbing *blobbing)
{
    const struct invocation *invocation = blobbing->session->invocation;
    struct listing listing;
    int worst = CODE_OK;

    begin(&listing, blobbing, STAT_COLUMN_COUNT);
    if (invocation->operand_count == 1)
        grid_make_card(&listing.grid);
    asking_note_stale(&blobbing->asking);
    /* What a blob is can be told without; why not, blob grains says. */
    listing.knows_place = flume_blob_place(blobbing->session->flume, &listing.place) == FLUME_OK;
    for (size_t i = 0; i < invocation->operand_count && worst <= CODE_INTERNAL; i++)
        worst = exit_code_worse(worst, stat_one(&listing, &invocation->operands[i]));
    return worst == CODE_NO && listing.limit.rows != 0 ? CODE_PARTIAL : worst;
}
