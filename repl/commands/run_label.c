/*
 * run_label.c - `flume label`: which labels there are, and the records that carry them.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"
#include "limit.h"
#include "query.h"
#include "resolve.h"
#include "run.h"

/* ---- list, count ---- */

static const struct grid_column label_columns[] = {
    {"label", 20, false}, {"count", 9, true}, {"bytes", 10, true},
    {"first", 9, true},   {"last", 9, true},
};
static const struct grid_column count_columns[] = {
    {"labels", 9, true}, {"count", 9, true}, {"bytes", 10, true},
    {"first", 9, true},  {"last", 9, true},
};

enum { COLUMN_COUNT = sizeof(label_columns) / sizeof(label_columns[0]) };
static_assert(sizeof(count_columns) == sizeof(label_columns), "one function writes both");

struct listing {
    struct asking asking;
    struct grid grid;
    struct limit limit;
    uint64_t rows;        /* Of count. */
    flume_label_info sum; /* Of count: its label is not used. */
};

static void add_numbers(struct grid *grid, const flume_label_info *info)
{
    grid_count(grid, info->count);
    grid_size(grid, info->body_bytes);
    grid_seq(grid, info->first_seq);
    grid_seq(grid, info->last_seq);
}

static int list_one(void *ctx, const flume_label_info *info)
{
    struct listing *listing = ctx;

    if (asking_stopped(&listing->asking))
        return FLUME_ERR_CANCELLED;
    if (!limit_take(&listing->limit))
        return FLUME_END;
    listing->asking.given++;
    progress_end(&listing->asking.progress);
    grid_bytes(&listing->grid, info->label, strlen(info->label));
    add_numbers(&listing->grid, info);
    return grid_end_row(&listing->grid) ? 0 : FLUME_ERR_IO;
}

static int count_one(void *ctx, const flume_label_info *info)
{
    struct listing *listing = ctx;

    if (asking_stopped(&listing->asking))
        return FLUME_ERR_CANCELLED;
    listing->rows++;
    listing->sum.count += info->count;
    listing->sum.body_bytes += info->body_bytes;
    if (info->first_seq < listing->sum.first_seq)
        listing->sum.first_seq = info->first_seq;
    if (listing->sum.last_seq == FLUME_SEQ_NONE || info->last_seq > listing->sum.last_seq)
        listing->sum.last_seq = info->last_seq;
    return 0;
}

static int ask_for_labels(struct listing *listing,
                          int (*callback)(void *ctx, const flume_label_info *info))
{
    struct session *session = listing->asking.session;
    const struct invocation *invocation = session->invocation;
    const struct option_use *regex = invocation_option(invocation, OPTION_REGEX);
    const char *prefix = invocation->operand_count == 0 ? NULL : invocation->operands[0].text;
    flume_error error = {.seq = FLUME_SEQ_NONE};
    int status;

    asking_note_stale(&listing->asking);
    status = flume_label_list(session->flume, &listing->asking.ask, prefix,
                              regex == NULL ? NULL : regex->text, callback, listing);
    if (status == FLUME_OK || status == FLUME_END)
        return CODE_OK;
    if (status == FLUME_ERR_INVALID && regex != NULL) {
        flume_last_error(session->flume, &error);
        return report_at(session, (struct reference_place){regex->token, regex->text_at, 0},
                         ERROR_BAD_REGEX, error.message);
    }
    return status == FLUME_ERR_IO && ferror(stdout) != 0 ? session_flush(session)
                                                         : asking_report(&listing->asking, status);
}

static int list(struct listing *listing)
{
    struct session *session = listing->asking.session;
    int code;

    limit_init(&listing->limit, session, OPTION_ROWS_MAX);
    grid_init(&listing->grid, session, "label", label_columns, COLUMN_COUNT);
    code = ask_for_labels(listing, list_one);
    limit_note(&listing->limit, session);
    return code == CODE_OK && listing->limit.rows == 0 && session->invocation->operand_count != 0
               ? CODE_NO
               : code;
}

static int count(struct listing *listing)
{
    struct session *session = listing->asking.session;
    int code;

    listing->sum.first_seq = listing->sum.last_seq = FLUME_SEQ_NONE;
    grid_init(&listing->grid, session, "labels", count_columns, COLUMN_COUNT);
    code = ask_for_labels(listing, count_one);
    if (code != CODE_OK)
        return code;
    progress_end(&listing->asking.progress);
    grid_count(&listing->grid, listing->rows);
    add_numbers(&listing->grid, &listing->sum);
    (void)grid_end_row(&listing->grid); /* A failure shows when stdout is flushed. */
    return CODE_OK;
}

/* ---- show, all, any ---- */

static int check_labels(struct asking *asking)
{
    struct session *session = asking->session;
    const struct invocation *invocation = session->invocation;

    for (size_t i = 0; i < invocation->operand_count; i++) {
        const struct operand *operand = &invocation->operands[i];
        flume_label_info info;
        int status = flume_label_get(session->flume, &asking->ask, operand->text, &info);

        if (status == FLUME_ERR_NOT_FOUND)
            return resolve_refuse_label(session, operand->text,
                                        (struct reference_place){.token = operand->token});
        if (status != FLUME_OK)
            return asking_report(asking, status);
    }
    return CODE_OK;
}

/* The records of all operands joined by `what`. */
static int show(struct asking *asking, enum flume_term_what what)
{
    const struct invocation *invocation = asking->session->invocation;
    size_t count = invocation->operand_count;
    flume_term *terms = calloc(2 * count, sizeof(terms[0]));
    struct query query = {.asking = asking};
    int code;

    if (terms == NULL)
        return report_status(asking->session, FLUME_ERR_NO_MEMORY, NULL);
    /* Of several, any may be missing; where all must be there, a missing one is a slip. */
    code = what == FLUME_TERM_OR ? CODE_OK : check_labels(asking);
    for (size_t i = 0; i < count; i++) {
        terms[i] = (flume_term){.what = FLUME_TERM_LABEL, .from = invocation->operands[i].text};
        terms[count + i] = (flume_term){.what = what, .left = query.term, .right = &terms[i]};
        query.term = i == 0 ? &terms[i] : &terms[count + i];
    }
    if (code == CODE_OK)
        code = query_print(&query);
    free(terms);
    return code;
}

int run_label(struct session *session)
{
    const char *form = session->invocation->sub->name;
    struct listing listing = {.rows = 0};
    flume_log *log;
    int code;

    session->needs_views = true;
    code = session_open_to_read(session, &log);
    if (code != CODE_OK)
        return code;
    code = asking_begin(&listing.asking, session, "label");
    if (code == CODE_OK && strcmp(form, "list") == 0)
        code = list(&listing);
    else if (code == CODE_OK && strcmp(form, "count") == 0)
        code = count(&listing);
    else if (code == CODE_OK)
        code = show(&listing.asking, strcmp(form, "any") == 0 ? FLUME_TERM_OR : FLUME_TERM_AND);
    asking_end(&listing.asking);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
