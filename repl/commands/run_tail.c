/*
 * run_tail.c - `flume tail`.
 *
 * What always holds: a position goes into the cursor file only after every record before it was
 * written out and flushed, or its command was done; and nothing is waited for while output is
 * unflushed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cancel.h"
#include "cursor_file.h"
#include "exec.h"
#include "reader.h"
#include "resolve.h"
#include "rows.h"
#include "run.h"
#include "shell.h"

enum { LINES_DEFAULT = 10 };
#define SAVE_EACH_NS NS_PER_SECOND

struct tail {
    struct session *session;
    flume_log *log;
    struct reader reader;
    struct rows rows;
    struct cursor_file cursor_file;
    bool has_cursor_file;
    const char *command; /* --exec; NULL: records are written out. */
    uint64_t failed_seq; /* The record whose command failed, to be met again. FLUME_SEQ_NONE. */
    uint64_t idle_ns;    /* FLUME_WAIT_FOREVER: never too long. */
    uint64_t count_max;
    uint64_t count;
    uint64_t record_at_ns, saved_at_ns; /* Monotonic. */
};

/* ---- where to begin ---- */

/* The seq of the record that is `lines` matching ones before the end. */
static int find_last_lines(struct tail *tail, uint64_t lines, uint64_t *out_seq)
{
    struct reader back = {0};
    flume_record record;
    uint64_t found = 0;
    int status = FLUME_OK;
    int code;

    *out_seq = flume_log_head(tail->log);
    if (lines == 0)
        return CODE_OK;
    code = reader_init(&back, tail->session, tail->log);
    back.options.flags |= FLUME_CURSOR_REVERSE | FLUME_CURSOR_SKIP_DAMAGED;
    if (code == CODE_OK)
        code = reader_open(&back);
    while (code == CODE_OK && status == FLUME_OK && found < lines) {
        status = reader_next(&back, 0, &record);
        if (status == FLUME_OK) {
            *out_seq = record.seq;
            found++;
        }
    }
    if (code == CODE_OK && status == FLUME_ERR_CANCELLED)
        code = cancel_say(tail->session, NULL, "the last records were being looked for");
    else if (code == CODE_OK && status != FLUME_OK && status != FLUME_END)
        code = report_log_error(tail->session, tail->log, status);
    reader_deinit(&back);
    return code;
}

static int find_start(struct tail *tail)
{
    const struct invocation *invocation = tail->session->invocation;
    const struct option_use *from = invocation_option(invocation, OPTION_FROM);
    const struct option_use *after = invocation_option(invocation, OPTION_AFTER);
    uint64_t *start = &tail->reader.options.gte;
    int code;

    tail->reader.options.bounds |= FLUME_GTE;
    if (from != NULL)
        return resolve_position(tail->session, tail->log, &from->reference,
                                (struct reference_place){from->token, from->text_at, 0}, start);
    if (after != NULL) {
        code = resolve(tail->session, tail->log, &after->reference,
                       (struct reference_place){after->token, after->text_at, 0}, start);
        *start += code == CODE_OK ? 1 : 0;
        return code;
    }
    if (tail->has_cursor_file)
        return cursor_file_load(&tail->cursor_file, start);
    return find_last_lines(tail, invocation_number(invocation, OPTION_LINES, LINES_DEFAULT), start);
}

static int check_usage(struct session *session)
{
    static const enum option_id starts[] = {OPTION_LINES, OPTION_FROM, OPTION_AFTER,
                                            OPTION_CURSOR_FILE};
    const struct option_use *first = NULL;

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        const struct option_use *use = invocation_option(session->invocation, starts[i]);

        if (use != NULL && first != NULL)
            return report_at(session, (struct reference_place){.token = use->token},
                             ERROR_TWO_BEGINNINGS);
        first = use != NULL ? use : first;
    }
    return CODE_OK;
}

/* ---- the loop ---- */

/* Where it goes on: every record before it was written out, or its command done. */
static uint64_t position_of(const struct tail *tail)
{
    return tail->failed_seq != FLUME_SEQ_NONE ? tail->failed_seq
                                              : flume_cursor_position(tail->reader.cursor);
}

/* Everything shown so far is out; then the position may be kept. */
static int flush_and_save(struct tail *tail)
{
    int code = session_flush(tail->session);

    tail->saved_at_ns = value_monotonic_ns();
    if (code != CODE_OK || !tail->has_cursor_file)
        return code;
    return cursor_file_save(&tail->cursor_file, position_of(tail));
}

/* How long the next wait may be: until the cursor file is due, or the patience is over. */
static uint64_t wait_ns(const struct tail *tail, uint64_t now)
{
    uint64_t wait = FLUME_WAIT_FOREVER;

    if (tail->idle_ns != FLUME_WAIT_FOREVER) {
        uint64_t passed = now - tail->record_at_ns;

        wait = passed >= tail->idle_ns ? 0 : tail->idle_ns - passed;
    }
    if (tail->has_cursor_file && tail->cursor_file.saved_seq != position_of(tail) &&
        wait > SAVE_EACH_NS)
        wait = SAVE_EACH_NS;
    return wait;
}

static bool is_idle_too_long(const struct tail *tail)
{
    return tail->idle_ns != FLUME_WAIT_FOREVER &&
           value_monotonic_ns() - tail->record_at_ns >= tail->idle_ns;
}

/* Its own rows are out before the command's. */
static int hand_over(struct tail *tail, const flume_record *record)
{
    int code = session_flush(tail->session);

    if (code == CODE_OK)
        code = exec_record(tail->session, tail->command, record);
    if (code != CODE_OK)
        tail->failed_seq = record->seq;
    return code;
}

static int show(struct tail *tail, const flume_record *record)
{
    int code = CODE_OK;

    if (tail->command != NULL)
        code = hand_over(tail, record);
    else if (!rows_record(&tail->rows, record))
        code = session_flush(tail->session);
    if (code != CODE_OK)
        return code;
    tail->count++;
    tail->record_at_ns = value_monotonic_ns();
    if (tail->has_cursor_file && tail->record_at_ns - tail->saved_at_ns >= SAVE_EACH_NS)
        return flush_and_save(tail);
    return CODE_OK;
}

/* Nothing is here at the moment: write out what there is, and wait. */
static int wait_for_more(struct tail *tail, flume_record *out_record, int *out_status)
{
    uint64_t now = value_monotonic_ns();
    int code;

    if (now - tail->saved_at_ns >= SAVE_EACH_NS)
        code = flush_and_save(tail);
    else
        code = session_flush(tail->session);
    if (code == CODE_OK)
        *out_status = reader_next(&tail->reader, wait_ns(tail, now), out_record);
    return code;
}

static int loop(struct tail *tail)
{
    flume_record record;
    int code = CODE_OK;

    while (code == CODE_OK && tail->count < tail->count_max) {
        int status = reader_next(&tail->reader, 0, &record);

        if (status == FLUME_ERR_TIMEOUT)
            code = wait_for_more(tail, &record, &status);
        if (code != CODE_OK || status == FLUME_END || status == FLUME_ERR_CANCELLED)
            return code;
        if (status == FLUME_OK)
            code = show(tail, &record);
        else if (status != FLUME_ERR_TIMEOUT && status != FLUME_ERR_LOST)
            code = report_log_error(tail->session, tail->log, status);
        else if (is_idle_too_long(tail))
            return code;
    }
    return code;
}

/* ---- the command ---- */

static void add_beginning(struct text *how, uint64_t position)
{
    if (position == 0)
        text_string(how, "--from @0");
    else
        text_format(how, "--after @%" PRIu64, position - 1);
}

static void add_labels(struct text *how, const struct invocation *invocation)
{
    for (size_t i = 0; i < invocation->option_count; i++)
        if (invocation->options[i].id == OPTION_WITH_LABEL) {
            text_string(how, " -l ");
            line_quote(how, invocation->options[i].text, strlen(invocation->options[i].text));
        }
}

/* The terminal has written ^C, which is shorter than what takes its place. */
static void note_how_to_continue(struct tail *tail)
{
    struct session *session = tail->session;
    const struct option_use *file = invocation_option(session->invocation, OPTION_CURSOR_FILE);
    const char *begin = session->error_terminal && !session->json_errors ? "\r" : "";
    const char *records = tail->count == 1 ? "record" : "records";
    struct text how = {0};

    if (file != NULL) {
        text_string(&how, "--cursor-file ");
        line_quote(&how, file->text, strlen(file->text));
    } else {
        add_beginning(&how, position_of(tail));
        add_labels(&how, session->invocation);
    }
    if (!session->quiet)
        (void)fputs(begin, stderr); /* Beside the note. */
    note(session, "%" PRIu64 " %s. continue later: tail -f %s", tail->count, records,
         text_c_string(&how));
    text_deinit(&how);
}

/* A person at the prompt is told how to come back to it. */
static void note_beginning(struct tail *tail)
{
    const struct shell *shell = tail->session->shell;
    bool is_typed = shell != NULL && shell->interactive;

    if ((tail->reader.options.flags & FLUME_CURSOR_LIVE) == 0 || !tail->session->error_terminal)
        return;
    note(tail->session, "following from @%" PRIu64 "; Ctrl-C %s", tail->reader.options.gte,
         is_typed ? "returns to the prompt" : "ends it");
}

static int follow(struct tail *tail)
{
    int code, saved, signal;

    note_beginning(tail);
    tail->record_at_ns = tail->saved_at_ns = value_monotonic_ns();
    code = loop(tail);
    saved = flush_and_save(tail);
    if (code == CODE_OK)
        code = saved;
    code = reader_finish(&tail->reader, code);
    signal = session_stopped(tail->session);
    if (signal != 0) {
        note_how_to_continue(tail);
        code = 128 + signal;
    }
    return code;
}

static int prepare(struct tail *tail)
{
    const struct invocation *invocation = tail->session->invocation;
    const struct option_use *file = invocation_option(invocation, OPTION_CURSOR_FILE);
    int code = reader_init(&tail->reader, tail->session, tail->log);

    if (code == CODE_OK && file != NULL) {
        tail->has_cursor_file = true;
        code = cursor_file_init(&tail->cursor_file, tail->session, tail->log, file->text);
    }
    if (code == CODE_OK)
        code = find_start(tail);
    if (invocation_has(invocation, OPTION_FOLLOW) &&
        !invocation_has(invocation, OPTION_EXIT_AT_END))
        tail->reader.options.flags |= FLUME_CURSOR_LIVE;
    if (invocation_has(invocation, OPTION_EXEC))
        tail->command = invocation_option(invocation, OPTION_EXEC)->text;
    tail->idle_ns = invocation_number(invocation, OPTION_IDLE, FLUME_WAIT_FOREVER);
    tail->count_max = invocation_number(invocation, OPTION_MAX_COUNT, UINT64_MAX);
    return code == CODE_OK ? reader_open(&tail->reader) : code;
}

int run_tail(struct session *session)
{
    struct tail tail = {.session = session, .failed_seq = FLUME_SEQ_NONE};
    bool follows = invocation_has(session->invocation, OPTION_FOLLOW) &&
                   !invocation_has(session->invocation, OPTION_EXIT_AT_END);
    int code = check_usage(session);

    if (code == CODE_OK && follows)
        code = session_has_no_end(session,
                                  invocation_option(session->invocation, OPTION_FOLLOW)->token);
    rows_init(&tail.rows, session);
    if (code != CODE_OK)
        return code;
    session_take_signals(session);
    code = session_open_to_read(session, &tail.log);
    if (code == CODE_OK)
        code = prepare(&tail);
    if (code == CODE_OK)
        code = follow(&tail);
    reader_deinit(&tail.reader);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
