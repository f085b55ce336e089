/*
 * run_read.c - `flume get` and `flume log`.
 */
#include <inttypes.h>
#include <string.h>

#include "cancel.h"
#include "get_values.h"
#include "limit.h"
#include "output_file.h"
#include "reader.h"
#include "resolve.h"
#include "rows.h"
#include "run.h"
#include "utf8.h"

/* ---- get ---- */

enum { WRITE_BYTES = 64 << 10 };

struct getting {
    struct session *session;
    flume_log *log;
    struct rows rows;
    bool whole_record; /* Not the body alone. */
    bool has_pick;     /* But values out of it. */
    struct json_pick pick;
    FILE *stream;
    size_t shown;
};

/* In pieces, so that Ctrl-C is noticed while a slow reader takes a large body. */
static bool write_pieces(const struct getting *getting, const flume_record *record)
{
    const char *body = record->body;

    for (size_t at = 0; at < record->body_bytes; at += WRITE_BYTES) {
        size_t left = record->body_bytes - at;
        size_t bytes = left < WRITE_BYTES ? left : WRITE_BYTES;

        if (session_stopped(getting->session) != 0 ||
            fwrite(body + at, 1, bytes, getting->stream) != bytes)
            return false;
    }
    return true;
}

static bool write_body(const struct getting *getting, const flume_record *record)
{
    struct session *session = getting->session;
    bool on_terminal = getting->stream == stdout && session->out_terminal;
    bool delimiter_asked = invocation_has(session->invocation, OPTION_NUL) ||
                           invocation_has(session->invocation, OPTION_DELIMITER);
    struct text *text = &session->line;

    if (on_terminal) { /* As a whole: it may be taller than the screen. */
        if (session->mode == MODE_RAW)
            text_add(text, record->body, record->body_bytes);
        else
            utf8_show_lines(text, record->body, record->body_bytes);
        text_add(text, getting->rows.grid.delimiter, getting->rows.grid.delimiter_bytes);
        return session_emit(session);
    }
    if (!write_pieces(getting, record))
        return false;
    if (!delimiter_asked)
        return true;
    return fwrite(getting->rows.grid.delimiter, 1, getting->rows.grid.delimiter_bytes,
                  getting->stream) == getting->rows.grid.delimiter_bytes;
}

static int get_one(struct getting *getting, const struct operand *operand)
{
    struct reference_place place = {.token = operand->token};
    flume_record record;
    uint64_t seq;
    int code = resolve(getting->session, getting->log, &operand->reference, place, &seq);
    int status;

    if (code != CODE_OK)
        return code;
    status = flume_log_get(getting->log, seq, &record);
    if (status != FLUME_OK)
        return report_log_error(getting->session, getting->log, status);
    if (getting->has_pick)
        code =
            get_values(getting->session, &getting->rows, &getting->pick, &record, getting->stream);
    else if (getting->whole_record)
        (void)rows_record(&getting->rows, &record); /* A failure shows when stdout is flushed. */
    else
        (void)write_body(getting, &record); /* Likewise: the stream remembers it. */
    session_printed(getting->session, record.seq);
    getting->shown += code == CODE_OK ? 1 : 0;
    flume_record_release(&record);
    return code;
}

static int get_all(struct getting *getting)
{
    const struct invocation *invocation = getting->session->invocation;
    int worst = CODE_OK;

    for (size_t i = 0; i < invocation->operand_count && worst <= CODE_INTERNAL; i++) {
        worst = exit_code_worse(worst, get_one(getting, &invocation->operands[i]));
        if (session_stopped(getting->session) != 0 && worst <= CODE_INTERNAL)
            worst = cancel_report(getting->session,
                                  &(struct cancelled){.done = i,
                                                      .total = invocation->operand_count,
                                                      .units = "records",
                                                      .did = "shown as a whole"});
    }
    return worst == CODE_NO && getting->shown != 0 ? CODE_PARTIAL : worst;
}

static int get_to_file(struct getting *getting, const char *path)
{
    struct output_file file;
    int status = output_file_begin(&file, path);
    int code = CODE_OK;

    if (status == 0) {
        getting->stream = file.stream;
        code = get_all(getting);
        if (code != CODE_OK) {
            output_file_abandon(&file);
            note(getting->session, "%s was not written", path);
            return code;
        }
        status = output_file_commit(&file);
    }
    if (status != 0)
        return report(getting->session, ERROR_FILE_UNWRITABLE, path, strerror(-status));
    return code;
}

/* Bodies are shown as they are, unless a form of rows was asked for: here, or in the shell one that
 * is not just how rows look anyway. */
static bool shows_whole_records(const struct session *session)
{
    bool is_asked_here = invocation_has(session->invocation, OPTION_MODE);

    if (session->json || invocation_has(session->invocation, OPTION_META))
        return true;
    if (session->mode == MODE_RAW || !session->mode_is_chosen)
        return false;
    return is_asked_here || (session->mode != MODE_TABLE && session->mode != MODE_PLAIN);
}

int run_get(struct session *session)
{
    const struct option_use *output = session_output_file(session);
    struct getting getting = {.session = session, .stream = stdout};
    int code = CODE_OK;

    rows_init(&getting.rows, session);
    getting.whole_record = shows_whole_records(session);
    getting.rows.shows_place = invocation_has(session->invocation, OPTION_META);
    if (getting.rows.shows_place && session->mode == MODE_TABLE)
        session->mode = MODE_LINE; /* A table has no room for it. */
    getting.has_pick = invocation_has(session->invocation, OPTION_PATH);
    if (getting.has_pick)
        code = get_values_parse(session, &getting.pick);
    if (code != CODE_OK)
        return code;
    if (getting.whole_record && output != NULL)
        return report_at(session, (struct reference_place){output->token, output->text_at, 0},
                         ERROR_BODY_TO_FILE);
    session_take_signals(session);
    code = session_open_to_read(session, &getting.log);
    cancel_begin(session);
    if (code == CODE_OK)
        code = output == NULL ? get_all(&getting) : get_to_file(&getting, output->text);
    cancel_end(session);
    (void)session_close(session); /* Nothing was written. */
    return code;
}

/* ---- log ---- */

static int print_records(struct reader *reader, struct rows *rows, struct limit *limit)
{
    flume_record record;
    int status = FLUME_OK;

    while (limit_wants_more(limit) && status == FLUME_OK) {
        status = reader_next(reader, 0, &record);
        if (status == FLUME_OK) {
            if (!limit_take(limit))
                break;
            if (!rows_record(rows, &record))
                return session_flush(rows->session);
        } else if (status == FLUME_ERR_LOST) {
            status = FLUME_OK; /* Counted; reader_finish() says how many. */
        }
    }
    if (status == FLUME_ERR_CANCELLED && session_stopped(rows->session) != 0)
        return cancel_report(
            rows->session,
            &(struct cancelled){.done = limit->rows, .units = "records", .did = "shown"});
    if (status != FLUME_OK && status != FLUME_END)
        return report_log_error(rows->session, reader->log, status);
    return CODE_OK;
}

int run_log(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    struct reader reader = {0};
    struct limit limit;
    struct rows rows;
    flume_log *log = NULL;
    int code;

    rows_init(&rows, session);
    session_take_signals(session);
    limit_init(&limit, session, OPTION_LIMIT);
    code = session_open_to_read(session, &log);
    cancel_begin(session);
    if (code == CODE_OK)
        code = reader_init(&reader, session, log);
    if (code == CODE_OK && invocation_has(invocation, OPTION_REVERSE))
        reader.options.flags |= FLUME_CURSOR_REVERSE;
    if (code == CODE_OK && invocation->operand_count == 1)
        code = resolve_range(session, log, &invocation->operands[0], &reader.options);
    if (code == CODE_OK)
        code = reader_open(&reader);
    if (code == CODE_OK)
        code = reader_finish(&reader, print_records(&reader, &rows, &limit));
    limit_note(&limit, session);
    if (code == CODE_OK && limit.rows == 0 && reader.is_search &&
        !invocation_has(invocation, OPTION_NO_FAIL_EMPTY))
        code = CODE_NO; /* As grep does: no message, only the code. */
    reader_deinit(&reader);
    cancel_end(session);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
