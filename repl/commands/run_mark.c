/*
 * run_mark.c - `flume mark`: bookmarks, names for records.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "grid.h"
#include "limit.h"
#include "resolve.h"
#include "run.h"

static const struct grid_column mark_columns[] = {
    {"name", 20, false}, {"seq", 9, true},      {"time", 23, false}, {"record", 9, true},
    {"state", 7, false}, {"labels", 12, false}, {"note", 0, false},
};

struct marking {
    struct asking asking;
    struct grid grid;
    struct limit limit;
};

/* A name as it is typed elsewhere has a ':'. */
static const char *name_of(const struct operand *operand)
{
    return operand->text + (operand->text[0] == ':' ? 1 : 0);
}

static const char *state_of(const flume_bookmark *bookmark)
{
    if (bookmark->dropped)
        return "dropped";
    return bookmark->rewound ? "rewound" : "";
}

static int on_bookmark(void *ctx, const flume_bookmark *bookmark)
{
    struct marking *marking = ctx;
    struct grid *grid = &marking->grid;

    if (asking_stopped(&marking->asking))
        return FLUME_ERR_CANCELLED;
    if (!limit_take(&marking->limit))
        return FLUME_END;
    marking->asking.given++;
    progress_end(&marking->asking.progress);
    grid_string(grid, bookmark->name);
    grid_seq(grid, bookmark->dropped ? FLUME_SEQ_NONE : bookmark->seq);
    grid_time(grid, bookmark->time_ns);
    grid_seq(grid, bookmark->record_seq);
    grid_string(grid, state_of(bookmark));
    grid_string(grid, bookmark->labels);
    grid_string(grid, bookmark->note);
    return grid_end_row(grid) ? 0 : FLUME_ERR_IO;
}

/* ---- list, history, show ---- */

static int finish_listing(struct marking *marking, int status)
{
    struct session *session = marking->asking.session;

    if (status == FLUME_OK || status == FLUME_END)
        return CODE_OK;
    return status == FLUME_ERR_IO && ferror(stdout) != 0 ? session_flush(session)
                                                         : asking_report(&marking->asking, status);
}

static int list(struct marking *marking)
{
    struct session *session = marking->asking.session;
    const struct invocation *invocation = session->invocation;
    const char *prefix = invocation->operand_count == 0 ? NULL : name_of(&invocation->operands[0]);
    int code = finish_listing(marking, flume_bookmark_list(session->flume, &marking->asking.ask,
                                                           prefix, on_bookmark, marking));

    limit_note(&marking->limit, session);
    return code == CODE_OK && marking->limit.rows == 0 && prefix != NULL ? CODE_NO : code;
}

static int refuse_name(struct marking *marking)
{
    struct session *session = marking->asking.session;
    const struct operand *operand = &session->invocation->operands[0];

    return resolve_refuse_bookmark(session, name_of(operand),
                                   (struct reference_place){.token = operand->token});
}

static int history(struct marking *marking)
{
    struct session *session = marking->asking.session;
    int status = flume_bookmark_history(session->flume, &marking->asking.ask,
                                        name_of(&session->invocation->operands[0]), on_bookmark,
                                        marking);

    if (status == FLUME_ERR_NOT_FOUND || (status == FLUME_OK && marking->limit.rows == 0))
        return refuse_name(marking);
    return finish_listing(marking, status);
}

static int show(struct marking *marking)
{
    struct session *session = marking->asking.session;
    flume_bookmark bookmark;
    int status = flume_bookmark_get(session->flume, &marking->asking.ask,
                                    name_of(&session->invocation->operands[0]), &bookmark);

    if (status == FLUME_ERR_NOT_FOUND)
        return refuse_name(marking);
    if (status == FLUME_OK) {
        status = on_bookmark(marking, &bookmark);
        flume_bookmark_release(&bookmark);
    }
    return finish_listing(marking, status);
}

/* ---- set, drop ---- */

static int refuse_invalid(struct session *session)
{
    return report_at(session,
                     (struct reference_place){.token = session->invocation->operands[0].token},
                     ERROR_BAD_BOOKMARK);
}

/* Bookmarks and declarations of views are flume's own notes about the records that are meant. */
static bool may_be_meant(unsigned kind)
{
    return kind != FLUME_KIND_MANIFEST && kind != FLUME_KIND_BOOKMARK && kind != FLUME_KIND_VIEW &&
           kind != FLUME_KIND_LOST;
}

static int find_newest(flume_log *log, uint64_t *out_seq)
{
    flume_cursor_options options = {.flags = FLUME_CURSOR_REVERSE | FLUME_CURSOR_SKIP_DAMAGED};
    flume_cursor *cursor = NULL;
    uint8_t kinds[UINT8_MAX];
    flume_record record;
    int status;

    for (unsigned kind = 1; kind <= UINT8_MAX; kind++)
        if (may_be_meant(kind))
            kinds[options.kind_count++] = (uint8_t)kind;
    options.kinds = kinds;
    status = flume_cursor_open(log, &options, &cursor);
    if (status == FLUME_OK)
        status = flume_cursor_next(cursor, 0, &record);
    if (status == FLUME_OK)
        *out_seq = record.seq;
    flume_cursor_close(cursor);
    return status;
}

/* The record named by the second operand; without one, the newest. */
static int choose_record(struct session *session, uint64_t *out_seq)
{
    const struct invocation *invocation = session->invocation;
    int status;

    if (invocation->operand_count == 2)
        return resolve_word(session, &invocation->operands[1], out_seq);
    status = find_newest(session->log, out_seq);
    if (status == FLUME_END)
        return report(session, ERROR_NOTHING_TO_MARK);
    return status == FLUME_OK ? CODE_OK : report_log_error(session, session->log, status);
}

static int set(struct session *session, uint64_t seq, uint64_t *out_record_seq)
{
    const struct invocation *invocation = session->invocation;
    const struct option_use *note_use = invocation_option(invocation, OPTION_NOTE);
    const char **labels = calloc(invocation->option_count + 1, sizeof(labels[0]));
    size_t label_count = 0;
    int status;

    if (labels == NULL)
        return report_status(session, FLUME_ERR_NO_MEMORY, NULL);
    for (size_t i = 0; i < invocation->option_count; i++)
        if (invocation->options[i].id == OPTION_LABEL)
            labels[label_count++] = invocation->options[i].text;
    status = flume_bookmark_set(session->flume, name_of(&invocation->operands[0]), seq,
                                note_use == NULL ? NULL : note_use->text, labels, label_count,
                                out_record_seq);
    free(labels);
    if (status == FLUME_ERR_INVALID)
        return refuse_invalid(session);
    return status == FLUME_OK ? CODE_OK : report_log_error(session, session->log, status);
}

static const struct grid_column made_columns[] = {
    {"name", 0, false}, {"seq", 0, true}, {"record", 0, true}, {"note", 0, false}};

static int mark(struct marking *marking)
{
    struct session *session = marking->asking.session;
    flume_bookmark made = {.note = "", .labels = ""};
    struct grid grid;
    const char *name = name_of(&session->invocation->operands[0]);
    const struct option_use *note_use = invocation_option(session->invocation, OPTION_NOTE);
    int code = choose_record(session, &made.seq);

    if (code == CODE_OK)
        code = set(session, made.seq, &made.record_seq);
    if (code != CODE_OK || session->quiet)
        return code;
    grid_init(&grid, session, "marked", made_columns,
              sizeof(made_columns) / sizeof(made_columns[0]));
    grid_make_bare(&grid);
    grid_string(&grid, name);
    grid_seq(&grid, made.seq);
    grid_seq(&grid, made.record_seq);
    grid_string(&grid, note_use == NULL ? "" : note_use->text);
    (void)grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    return CODE_OK;
}

static int drop(struct marking *marking)
{
    struct session *session = marking->asking.session;
    flume_bookmark bookmark;
    uint64_t record_seq;
    int status = flume_bookmark_get(session->flume, &marking->asking.ask,
                                    name_of(&session->invocation->operands[0]), &bookmark);

    if (status == FLUME_ERR_NOT_FOUND)
        return refuse_name(marking);
    if (status != FLUME_OK)
        return asking_report(&marking->asking, status);
    flume_bookmark_release(&bookmark);
    return set(session, FLUME_SEQ_NONE, &record_seq);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    int (*run)(struct marking *marking);
    unsigned open_flags;
} forms[] = {{"list", list, FLUME_OPEN_READ_ONLY},
             {"set", mark, 0},
             {"show", show, FLUME_OPEN_READ_ONLY},
             {"drop", drop, 0},
             {"history", history, FLUME_OPEN_READ_ONLY}};

int run_mark(struct session *session)
{
    struct marking marking;
    flume_log_options options = {.flags = 0};
    size_t form = 0;
    flume_log *log;
    int code, status;

    while (strcmp(forms[form].name, session->invocation->sub->name) != 0)
        form++;
    options.flags = forms[form].open_flags;
    session->needs_views = true;
    if (forms[form].open_flags == FLUME_OPEN_READ_ONLY)
        code = session_open_to_read(session, &log);
    else
        code = session_open(session, &options, &log);
    if (code != CODE_OK)
        return code;
    limit_init(&marking.limit, session, OPTION_ROWS_MAX);
    grid_init(&marking.grid, session, "bookmark", mark_columns,
              sizeof(mark_columns) / sizeof(mark_columns[0]));
    code = asking_begin(&marking.asking, session, "label"); /* Bookmarks are in it too. */
    if (code == CODE_OK) {
        asking_note_stale(&marking.asking);
        code = forms[form].run(&marking);
    }
    asking_end(&marking.asking);
    status = session_close(session);
    if (status != FLUME_OK)
        code = exit_code_worse(code, report_status(session, status, NULL));
    return code;
}
