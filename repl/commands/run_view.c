/*
 * run_view.c - `flume view`: how views stand, and what is done with them.
 */
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "grid.h"
#include "run.h"
#include "view_declare.h"
#include "view_name.h"
#include "view_rebuild.h"
#include "view_row.h"

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

/* ---- list, status ---- */

static const struct grid_column list_columns[] = {
    {"view", 12, false}, {"version", 7, true}, {"kind", 8, false}, {"state", 13, false}};

static const struct grid_column status_columns[] = {
    {"view", 12, false}, {"version", 7, true},   {"state", 13, false},  {"at", 10, true},
    {"lag", 9, true},    {"lag_bytes", 9, true}, {"entries", 10, true}, {"disk", 9, true},
    {"rate", 8, true},   {"why", 0, false}};

static const struct grid_column full_columns[] = {
    {"view", 12, false},        {"version", 7, true},
    {"state", 13, false},       {"at", 10, true},
    {"lag", 9, true},           {"lag_bytes", 9, true},
    {"entries", 10, true},      {"disk", 9, true},
    {"rate", 8, true},          {"generation", 10, true},
    {"applied", 9, true},       {"passed_over", 11, true},
    {"rebuild_done", 12, true}, {"rebuild_total", 13, true},
    {"usable", 6, false},       {"why", 0, false}};

static void add_common(struct grid *grid, const flume_view_status *status)
{
    grid_string(grid, status->name);
    grid_count(grid, status->version);
    grid_string(grid, flume_view_state_name(status->state));
    grid_seq(grid, status->synced_seq);
    grid_count(grid, status->lag_records);
    grid_size(grid, status->lag_bytes);
    grid_count(grid, status->entries);
    grid_size(grid, status->disk_bytes);
    grid_count(grid, (uint64_t)status->rate);
}

static void add_status(struct grid *grid, const flume_view_status *status, const char *why)
{
    add_common(grid, status);
    if (grid->column_count == COLUMN_COUNT(full_columns)) {
        grid_count(grid, status->generation);
        grid_count(grid, status->applied);
        grid_count(grid, status->passed_over);
        grid_count(grid, status->rebuild_done);
        grid_count(grid, status->rebuild_total);
        grid_truth(grid, status->usable);
    }
    grid_string(grid, why);
    (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
}

static int show_status(struct session *session)
{
    flume_view_status *list = NULL;
    size_t count = 0;
    struct grid grid;
    int code = view_name_list(session, &list, &count);

    if (code != CODE_OK)
        return code;
    if (session->verbose)
        grid_init(&grid, session, "view", full_columns, COLUMN_COUNT(full_columns));
    else
        grid_init(&grid, session, "view", status_columns, COLUMN_COUNT(status_columns));
    grid_spare(&grid, "version lag_bytes rate");
    for (size_t i = 0; i < count; i++)
        if (view_name_is_meant(session->invocation, list[i].name))
            add_status(&grid, &list[i],
                       view_name_is_left_over(list, count, i) ? "an earlier version: it goes"
                                                              : view_name_why_now(&list[i]));
    code = view_name_refuse_unknown(session, list, count);
    free(list);
    return code;
}

static const char *kind_of(struct session *session, const flume_view_status *status)
{
    const flume_ask at_once = {.flags = FLUME_ASK_STALE_OK};
    flume_declaration declaration;

    if (status->built_in)
        return "built-in";
    if (status->state == FLUME_VIEW_FOREIGN)
        return "foreign";
    if (flume_view_declaration(session->flume, &at_once, status->name, &declaration) != FLUME_OK)
        return "loaded";
    return declaration.what == FLUME_DECLARED_FIELD ? "field" : "reduce";
}

static int list(struct session *session)
{
    flume_view_status *views = NULL;
    size_t count = 0;
    struct grid grid;
    int code = view_name_list(session, &views, &count);

    grid_init(&grid, session, "view", list_columns, COLUMN_COUNT(list_columns));
    for (size_t i = 0; i < count && code == CODE_OK; i++) {
        grid_string(&grid, views[i].name);
        grid_count(&grid, views[i].version);
        grid_string(&grid, kind_of(session, &views[i]));
        grid_string(&grid, flume_view_state_name(views[i].state));
        (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    }
    free(views);
    return code;
}

/* ---- one view ---- */

static int pause_or_resume(struct session *session, int (*change)(flume_view *view))
{
    const struct operand *operand = &session->invocation->operands[0];
    flume_view_status now;
    struct grid grid;
    flume_view *view;
    int code = view_name_find(session, operand, &view);
    int status;

    if (code != CODE_OK)
        return code;
    status = change(view);
    if (status != FLUME_OK)
        return report_flume_error(session, status);
    if (session->quiet || !asking_look(session, operand->text, &now))
        return CODE_OK;
    grid_init(&grid, session, "view", status_columns, COLUMN_COUNT(status_columns));
    grid_spare(&grid, "version lag_bytes rate");
    add_status(&grid, &now, view_name_why_now(&now));
    return CODE_OK;
}

static int stop_advancing(struct session *session)
{
    return pause_or_resume(session, flume_view_pause);
}

static int let_advance(struct session *session)
{
    return pause_or_resume(session, flume_view_resume);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    int (*check)(struct session *session); /* Before the basin is opened; NULL: nothing to check. */
    int (*run)(struct session *session);
    unsigned open_flags;
} forms[] = {{"status", NULL, show_status, FLUME_OPEN_READ_ONLY},
             {"list", NULL, list, FLUME_OPEN_READ_ONLY},
             {"add", view_declare_check, view_declare_add, 0},
             {"drop", NULL, view_declare_drop, 0},
             {"rows", NULL, view_row_print, FLUME_OPEN_READ_ONLY},
             {"rebuild", view_rebuild_check, view_rebuild_run, FLUME_OPEN_READ_ONLY},
             {"sync", NULL, view_rebuild_sync, FLUME_OPEN_READ_ONLY},
             {"pause", NULL, stop_advancing, FLUME_OPEN_READ_ONLY},
             {"resume", NULL, let_advance, FLUME_OPEN_READ_ONLY},
             {"verify", NULL, view_rebuild_verify, FLUME_OPEN_READ_ONLY}};

int run_view(struct session *session)
{
    flume_log_options options = {.flags = 0};
    flume_log *log;
    size_t form = 0;
    int code = CODE_OK, status;

    while (strcmp(forms[form].name, session->invocation->sub->name) != 0)
        form++;
    if (forms[form].check != NULL)
        code = forms[form].check(session);
    if (code != CODE_OK)
        return code;
    options.flags = forms[form].open_flags;
    session->needs_views = true;
    if (options.flags == FLUME_OPEN_READ_ONLY)
        code = session_open_to_read(session, &log);
    else
        code = session_open(session, &options, &log);
    if (code == CODE_OK)
        code = forms[form].run(session);
    status = session_close(session);
    if (status != FLUME_OK)
        code = exit_code_worse(code, report_status(session, status, NULL));
    return code;
}
