/*
 * run_export.c - `flume export`: records as JSON, without loss.
 *
 * What always holds: a line is written when it is known whether the next record belongs to the same
 * batch, so "batch":true is never the last word of an export.
 */
#include <inttypes.h>
#include <string.h>

#include "cancel.h"
#include "object.h"
#include "output_file.h"
#include "progress.h"
#include "reader.h"
#include "resolve.h"
#include "rows.h"
#include "run.h"

enum { UPDATE_EACH = 256 }; /* Records between two looks at the clock. */

struct exporting {
    struct session *session;
    flume_log *log;
    struct reader reader;
    struct progress progress;
    FILE *stream;
    struct text pending; /* A line without its closing brace; empty: none. */
    uint64_t pending_seq;
    bool pending_more; /* Its record says that the batch goes on. */
    uint64_t count;
    uint64_t head; /* Where the log ended when it began. */
    bool failed;   /* The stream takes no more. */
};

/* Write out the line that waits, now that its successor is known (FLUME_SEQ_NONE: none). */
static void write_pending(struct exporting *exporting, uint64_t next_seq)
{
    struct text *line = &exporting->pending;

    if (line->bytes == 0)
        return;
    if (exporting->pending_more && next_seq == exporting->pending_seq + 1)
        object_bool(line, "batch", true);
    object_end(line);
    if (line->failed || fwrite(line->data, 1, line->bytes, exporting->stream) != line->bytes)
        exporting->failed = true;
    text_clear(line);
}

static void add_record(struct exporting *exporting, const flume_record *record)
{
    write_pending(exporting, record->seq);
    rows_add_json(&exporting->pending, record, PAYLOAD_EXACT);
    exporting->pending_seq = record->seq;
    exporting->pending_more = (record->flags & FLUME_RECORD_BATCH) != 0;
    exporting->count++;
}

static void add_lost(struct exporting *exporting)
{
    if (!invocation_has(exporting->session->invocation, OPTION_ALL))
        return;
    write_pending(exporting, FLUME_SEQ_NONE);
    object_begin(&exporting->pending, "lost");
    object_uint(&exporting->pending, "seq", exporting->reader.lost_seq);
    exporting->pending_more = false;
}

/* What was written to stdout stays there; a file is complete or does not appear. */
static int report_cancelled(struct exporting *exporting, uint64_t total)
{
    const struct option_use *output = session_output_file(exporting->session);
    struct text remedy = {0};
    int code;

    if (output != NULL)
        text_format(&remedy, "%s was not written", output->text);
    else
        text_format(&remedy, "the rest: export @%" PRIu64 "..",
                    flume_cursor_position(exporting->reader.cursor));
    code = cancel_report(exporting->session, &(struct cancelled){.done = exporting->count,
                                                                 .total = total,
                                                                 .units = "records",
                                                                 .did = "exported",
                                                                 .remedy = text_c_string(&remedy)});
    text_deinit(&remedy);
    return code;
}

/* How many seqs there are in the range, and where it begins. */
static uint64_t range_of(const struct exporting *exporting, uint64_t *out_begin)
{
    const flume_cursor_options *options = &exporting->reader.options;
    uint64_t end = flume_log_head(exporting->log);

    *out_begin = (options->bounds & FLUME_GTE) != 0 ? options->gte : 0;
    if ((options->bounds & FLUME_LT) != 0 && options->lt < end)
        end = options->lt;
    return end > *out_begin ? end - *out_begin : 0;
}

static void show_progress(struct exporting *exporting, uint64_t begin, uint64_t total)
{
    uint64_t position = flume_cursor_position(exporting->reader.cursor);

    exporting->progress.fresh = flume_log_head(exporting->log) - exporting->head;
    progress_update(&exporting->progress, position > begin ? position - begin : 0, total);
}

static int write_records(struct exporting *exporting)
{
    uint64_t begin, total = range_of(exporting, &begin);
    flume_record record;
    int status = FLUME_OK;

    while (!exporting->failed && (status == FLUME_OK || status == FLUME_ERR_LOST)) {
        status = reader_next(&exporting->reader, 0, &record);
        if (status == FLUME_OK)
            add_record(exporting, &record);
        else if (status == FLUME_ERR_LOST)
            add_lost(exporting);
        if (exporting->count % UPDATE_EACH == 0)
            show_progress(exporting, begin, total);
    }
    write_pending(exporting, FLUME_SEQ_NONE);
    progress_end(&exporting->progress);
    if (status == FLUME_ERR_CANCELLED && session_stopped(exporting->session) != 0)
        return report_cancelled(exporting, total);
    if (status < 0 && status != FLUME_ERR_LOST)
        return report_log_error(exporting->session, exporting->log, status);
    return CODE_OK;
}

static int write_file(struct exporting *exporting, const char *path)
{
    struct output_file file;
    int status = output_file_begin(&file, path);
    int code = CODE_OK;

    if (status == 0) {
        exporting->stream = file.stream;
        code = write_records(exporting);
        if (code == CODE_OK) {
            status = output_file_commit(&file);
        } else {
            output_file_abandon(&file);
            return code;
        }
    }
    if (status != 0)
        return report(exporting->session, ERROR_FILE_UNWRITABLE, path, strerror(-status));
    return code;
}

static int prepare(struct exporting *exporting)
{
    const struct invocation *invocation = exporting->session->invocation;
    int code;

    session_take_signals(exporting->session);
    code = session_open_to_read(exporting->session, &exporting->log);
    cancel_begin(exporting->session);
    if (code == CODE_OK)
        exporting->head = flume_log_head(exporting->log);
    if (code == CODE_OK)
        code = reader_init(&exporting->reader, exporting->session, exporting->log);
    if (code == CODE_OK && invocation_has(invocation, OPTION_ALL))
        exporting->reader.options.flags |= FLUME_CURSOR_MANIFESTS;
    if (code == CODE_OK && invocation->operand_count == 1)
        code = resolve_range(exporting->session, exporting->log, &invocation->operands[0],
                             &exporting->reader.options);
    return code == CODE_OK ? reader_open(&exporting->reader) : code;
}

/* One form alone is without loss. */
static int check_mode(struct session *session)
{
    const struct option_use *use = invocation_option(session->invocation, OPTION_MODE);

    if (use == NULL || use->number == MODE_NDJSON)
        return CODE_OK;
    return report_at(session, (struct reference_place){use->token, use->text_at, 0},
                     ERROR_EXPORT_MODE);
}

int run_export(struct session *session)
{
    const struct option_use *output = session_output_file(session);
    struct exporting exporting = {.session = session, .stream = stdout};
    int code = check_mode(session);

    session_writes_text(session); /* Always ndjson, whatever a shell's .mode is. */
    if (code == CODE_OK)
        code = prepare(&exporting);
    progress_begin(&exporting.progress, session, "export", PROGRESS_COUNT);
    if (code == CODE_OK)
        code = output == NULL ? write_records(&exporting) : write_file(&exporting, output->text);
    if (code == CODE_OK && (output != NULL || session->error_terminal))
        note(session, "%" PRIu64 " records", exporting.count);
    if (exporting.reader.cursor != NULL)
        code = reader_finish(&exporting.reader, code);
    reader_deinit(&exporting.reader);
    text_deinit(&exporting.pending);
    cancel_end(session);
    (void)session_close(session); /* Nothing was written. */
    return code;
}
