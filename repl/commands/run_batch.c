/*
 * run_batch.c - `flume batch`: the batches into which recorders put scopes, and what is in one.
 */
#include <stdio.h>
#include <string.h>

#include "flume/scope_batch.h"
#include "run.h"
#include "scope_forms.h"

/* ---- list ---- */

static const struct grid_column batch_columns[] = {{"id", 30, false},  {"records", 7, true},
                                                   {"bytes", 9, true}, {"first", 8, false},
                                                   {"last", 8, false}, {"time", 0, false}};

struct listing {
    struct scoping *scoping;
    struct grid grid;
};

static int list_one(void *ctx, const flume_scope_batch_info *info)
{
    struct listing *listing = ctx;
    struct scoping *scoping = listing->scoping;

    if (asking_stopped(&scoping->asking))
        return FLUME_ERR_CANCELLED;
    if (!limit_take(&scoping->limit))
        return FLUME_END;
    scoping->asking.given++;
    progress_end(&scoping->asking.progress);
    grid_string(&listing->grid, info->id);
    grid_count(&listing->grid, info->records);
    grid_size(&listing->grid, info->body_bytes);
    grid_seq(&listing->grid, info->first_seq);
    grid_seq(&listing->grid, info->last_seq);
    grid_time(&listing->grid, info->time_ns);
    return grid_end_row(&listing->grid) ? 0 : FLUME_ERR_IO;
}

static int list(struct scoping *scoping)
{
    struct session *session = scoping->session;
    const struct option_use *tag = invocation_option(session->invocation, OPTION_TAG);
    struct listing listing = {.scoping = scoping};
    int status;

    grid_init(&listing.grid, session, "batch", batch_columns,
              sizeof(batch_columns) / sizeof(batch_columns[0]));
    grid_keep_whole(&listing.grid); /* An id that is cut names nothing. */
    grid_spare(&listing.grid, "bytes time");
    status = flume_scope_batch_list(session->flume, &scoping->asking.ask,
                                    tag == NULL ? NULL : tag->text, list_one, &listing);
    return scope_walk_finish(scoping, status, tag == NULL ? 1 : scoping->limit.rows);
}

/* ---- show ---- */

static int refuse(struct scoping *scoping, int status)
{
    struct session *session = scoping->session;
    const struct operand *operand = &session->invocation->operands[0];
    const struct reference_place place = {.token = operand->token};
    flume_error error;

    if (status == FLUME_ERR_NOT_FOUND)
        return report_at(session, place, ERROR_NO_BATCH, operand->text);
    if (status != FLUME_ERR_AMBIGUOUS)
        return asking_report(&scoping->asking, status);
    flume_last_error(session->flume, &error);
    return report_at(session, place, ERROR_AMBIGUOUS_BATCH, error.message);
}

static int show(struct scoping *scoping)
{
    struct session *session = scoping->session;
    const struct invocation *invocation = session->invocation;
    char label[sizeof FLUME_SCOPE_BATCH_LABEL + FLUME_SCOPE_BATCH_ID_BYTES_MAX];
    flume_cursor_options options = {.bounds = FLUME_GTE | FLUME_LTE, .label = label};
    flume_scope_batch_info info;
    int status = flume_scope_batch_find(session->flume, &scoping->asking.ask,
                                        invocation->operands[0].text, &info);

    if (status != FLUME_OK)
        return refuse(scoping, status);
    (void)snprintf(label, sizeof label, "%s%s", FLUME_SCOPE_BATCH_LABEL, info.id);
    options.gte = info.first_seq;
    options.lte = info.last_seq;
    return scope_list_rows(scoping, &options);
}

int run_batch(struct session *session)
{
    bool lists = strcmp(session->invocation->sub->name, "list") == 0;
    struct scoping scoping = {.session = session};
    flume_log *log;
    int code;

    session->needs_views = true;
    session_take_signals(session);
    code = session_open_to_read(session, &log);
    if (code != CODE_OK)
        return code;
    limit_init(&scoping.limit, session, OPTION_ROWS_MAX);
    code = asking_begin(&scoping.asking, session, "label");
    if (code == CODE_OK) {
        asking_note_stale(&scoping.asking);
        code = lists ? list(&scoping) : show(&scoping);
    }
    flume_scope_destroy(scoping.one);
    asking_end(&scoping.asking);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
