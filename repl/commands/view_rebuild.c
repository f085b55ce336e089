/*
 * view_rebuild.c - `flume view rebuild`, `sync` and `verify` (view_rebuild.h).
 */
#include "view_rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "cancel.h"
#include "grid.h"
#include "view_name.h"

/* ---- rebuild ---- */

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

static const struct grid_column rebuild_columns[] = {
    {"view", 12, false}, {"result", 9, false}, {"records", 10, true}, {"entries", 10, true},
    {"disk", 9, true},   {"seconds", 8, true}, {"why", 0, false}};

static void print_rebuilt(struct session *session, const flume_view_status *now, const char *result,
                          double seconds)
{
    struct grid grid;

    if (session->quiet)
        return;
    grid_init(&grid, session, "rebuilt", rebuild_columns, COLUMN_COUNT(rebuild_columns));
    grid_spare(&grid, "entries disk");
    grid_string(&grid, now->name);
    grid_string(&grid, result);
    grid_count(&grid, now->synced_seq);
    grid_count(&grid, now->entries);
    grid_size(&grid, now->disk_bytes);
    grid_real(&grid, seconds, 2);
    grid_string(&grid, view_name_why(now));
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
}

/* Its code is not in this program: whoever has it is asked. */
static int request_rebuild(struct session *session, const flume_view_status *now)
{
    int status = flume_view_request_rebuild(session->flume, now->name);

    if (status != FLUME_OK)
        return report_flume_error(session, status);
    note(session, "view %s: its code is not here; a program that has it will rebuild it",
         now->name);
    print_rebuilt(session, now, "requested", 0);
    return CODE_OK;
}

/* A share, not a number of records: sorting and writing are counted too. */
static int report_cancelled(struct asking *asking, const char *name)
{
    uint64_t done = asking->rebuild_done, total = asking->rebuild_total;
    unsigned percent = total == 0 ? 0 : (unsigned)((double)done / (double)total * 100);

    return cancel_say(asking->session, "what is done is kept: the next rebuild goes on there",
                      "the rebuild of view %s was at %u%%", name, percent);
}

static int rebuild_here(struct session *session, const char *name, flume_view *view, size_t number,
                        size_t count)
{
    struct asking asking;
    flume_view_status now = {.name = ""};
    int code = asking_begin(&asking, session, name);
    int status;

    progress_count(&asking.progress, number, count);
    if (code == CODE_OK) {
        status = flume_view_rebuild(view, &asking.ask);
        progress_end(&asking.progress);
        (void)flume_view_status_of(view, &now); /* Without it the row is emptier. */
        if (status == FLUME_OK)
            print_rebuilt(session, &now, "done", progress_seconds(&asking.progress));
        else if (status == FLUME_ERR_CANCELLED && asking_stopped(&asking))
            code = report_cancelled(&asking, name);
        else
            code = asking_report(&asking, status);
    }
    asking_end(&asking);
    return code;
}

static int rebuild_one(struct session *session, const flume_view_status *now, size_t number,
                       size_t count)
{
    flume_view *view;
    int status = flume_view_find(session->flume, now->name, &view);

    if (now->state == FLUME_VIEW_FOREIGN)
        return request_rebuild(session, now);
    return status == FLUME_OK ? rebuild_here(session, now->name, view, number, count)
                              : report_flume_error(session, status);
}

/* What a command does with one view; how it ended. */
typedef int (*with_view)(struct session *session, const flume_view_status *now, size_t number,
                         size_t count);

static bool is_meant(const struct session *session, const flume_view_status *views, size_t count,
                     size_t index)
{
    return view_name_is_meant(session->invocation, views[index].name) &&
           !view_name_is_left_over(views, count, index);
}

/* Each of the views that are meant, until one is interrupted. */
static int for_each(struct session *session, with_view act)
{
    flume_view_status *views = NULL;
    size_t count = 0, meant = 0, number = 0;
    int code = view_name_list(session, &views, &count), worst;

    if (code != CODE_OK)
        return code;
    worst = view_name_refuse_unknown(session, views, count);
    for (size_t i = 0; i < count; i++)
        meant += is_meant(session, views, count, i) ? 1 : 0;
    for (size_t i = 0; i < count && code < 128; i++) {
        if (!is_meant(session, views, count, i))
            continue;
        code = act(session, &views[i], ++number, meant);
        worst = exit_code_worse(worst, code);
    }
    free(views);
    return worst;
}

int view_rebuild_run(struct session *session)
{
    return for_each(session, rebuild_one);
}

int view_rebuild_check(struct session *session)
{
    bool all = invocation_has(session->invocation, OPTION_EVERY_VIEW);
    bool named = session->invocation->operand_count != 0;

    if (all != named)
        return CODE_OK;
    return all ? report(session, ERROR_REBUILD_NAMED_AND_ALL)
               : report(session, ERROR_REBUILD_WHICH);
}

/* ---- sync ---- */

static const struct grid_column sync_columns[] = {
    {"view", 12, false}, {"at", 10, true}, {"lag", 9, true}, {"waited", 8, true}};

static void print_synced(struct session *session, const flume_view_status *now, double seconds)
{
    struct grid grid;

    if (session->quiet)
        return;
    grid_init(&grid, session, "synced", sync_columns, COLUMN_COUNT(sync_columns));
    grid_string(&grid, now->name);
    grid_seq(&grid, now->synced_seq);
    grid_count(&grid, now->lag_records);
    grid_real(&grid, seconds, 3);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
}

static int refuse_foreign(struct session *session, const char *name, const char *what)
{
    if (session->invocation->operand_count == 0)
        return CODE_OK; /* All that can be are. */
    return report(session, ERROR_VIEW_CODE_ABSENT, name, what);
}

static int sync_one(struct session *session, const flume_view_status *now, size_t number,
                    size_t count)
{
    struct asking asking;
    flume_view_status after = *now;
    flume_view *view;
    int status = flume_view_find(session->flume, now->name, &view);
    int code;

    if (now->state == FLUME_VIEW_FOREIGN)
        return refuse_foreign(session, now->name, "brought up to date");
    if (status != FLUME_OK)
        return report_flume_error(session, status);
    code = asking_begin(&asking, session, now->name);
    progress_count(&asking.progress, number, count);
    if (code == CODE_OK) {
        status = flume_view_wait(view, &asking.ask);
        progress_end(&asking.progress);
        (void)flume_view_status_of(view, &after); /* Without it the row is of before. */
        if (status == FLUME_OK)
            print_synced(session, &after, progress_seconds(&asking.progress));
        else
            code = asking_report(&asking, status);
    }
    asking_end(&asking);
    return code;
}

int view_rebuild_sync(struct session *session)
{
    return for_each(session, sync_one);
}

/* ---- verify ---- */

static const struct grid_column verify_columns[] = {{"view", 12, false},
                                                    {"result", 9, false},
                                                    {"rows", 10, true},
                                                    {"table", 10, false},
                                                    {"difference", 0, false}};

static void print_verified(struct session *session, const char *name,
                           const flume_view_difference *difference)
{
    struct grid grid;

    grid_init(&grid, session, "verified", verify_columns, COLUMN_COUNT(verify_columns));
    grid_string(&grid, name);
    grid_string(&grid, difference->different ? "different" : "same");
    grid_count(&grid, difference->rows);
    grid_string(&grid, difference->table);
    grid_string(&grid, difference->text);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
}

static int verify_one(struct session *session, const flume_view_status *now, size_t number,
                      size_t count)
{
    struct asking asking;
    flume_view_difference difference = {.different = false};
    flume_view *view;
    int status = flume_view_find(session->flume, now->name, &view);
    int code;

    if (now->state == FLUME_VIEW_FOREIGN)
        return refuse_foreign(session, now->name, "verified");
    if (status != FLUME_OK)
        return report_flume_error(session, status);
    code = asking_begin(&asking, session, now->name);
    progress_count(&asking.progress, number, count);
    if (code == CODE_OK) {
        status = flume_view_verify(view, &asking.ask, &difference);
        progress_end(&asking.progress);
        if (status == FLUME_ERR_CANCELLED && asking_stopped(&asking)) {
            code = cancel_say(session, NULL, "view %s was not compared to its end", now->name);
        } else if (status != FLUME_OK) {
            code = asking_report(&asking, status);
        } else {
            print_verified(session, now->name, &difference);
            if (difference.different)
                code = report(session, ERROR_VIEW_DIFFERS, now->name);
        }
    }
    asking_end(&asking);
    return code;
}

int view_rebuild_verify(struct session *session)
{
    return for_each(session, verify_one);
}
