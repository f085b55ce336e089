/*
 * scan.c - one pass over the log (scan.h).
 */
#include "scan.h"

#include <string.h>

#include "cancel.h"

enum { LOOK_EACH = 1024 };

int scan_begin(struct scan *scan, struct session *session, const char *what)
{
    int code;

    *scan = (struct scan){.session = session};
    code = reader_init(&scan->reader, session, session->log);
    scan->is_begun = true;
    scan->reader.options.label = NULL;
    scan->reader.label_count = 0;
    if (code == CODE_OK)
        code = reader_open(&scan->reader);
    if (code != CODE_OK)
        return code;
    scan->head = flume_log_head(session->log);
    progress_begin(&scan->progress, session, what, PROGRESS_COUNT);
    return CODE_OK;
}

bool scan_asks_label(const struct invocation *invocation, const char *label, size_t bytes)
{
    bool asked = false;

    for (size_t i = 0; i < invocation->option_count; i++) {
        const struct option_use *use = &invocation->options[i];

        if (use->id != OPTION_WITH_LABEL)
            continue;
        if (strlen(use->text) == bytes && memcmp(use->text, label, bytes) == 0)
            return true;
        asked = true;
    }
    return !asked;
}

/* Whether a record carries one of the labels of the command line, or none was given. */
static bool label_fits(const struct invocation *invocation, const flume_record *record)
{
    bool asked = false;

    for (size_t i = 0; i < invocation->option_count; i++) {
        if (invocation->options[i].id != OPTION_WITH_LABEL)
            continue;
        if (flume_record_has_label(record, invocation->options[i].text))
            return true;
        asked = true;
    }
    return !asked;
}

int scan_next(struct scan *scan, flume_record *out_record)
{
    for (;;) {
        int status = reader_next(&scan->reader, 0, out_record);

        if (++scan->met % LOOK_EACH == 0) {
            scan->progress.fresh = flume_log_head(scan->session->log) - scan->head;
            progress_update(&scan->progress, flume_cursor_position(scan->reader.cursor),
                            scan->head);
        }
        if (status == FLUME_ERR_LOST)
            continue; /* Counted; reader_finish() says how many. */
        if (status != FLUME_OK || label_fits(scan->session->invocation, out_record))
            return status;
    }
}

static int finish(struct scan *scan, int status)
{
    struct session *session = scan->session;

    if (status == FLUME_ERR_CANCELLED && session_stopped(session) != 0) {
        return cancel_report(session, &(struct cancelled){.done = scan->met,
                                                          .total = scan->head,
                                                          .units = "records",
                                                          .did = "read",
                                                          .remedy = "nothing was written"});
    }
    if (status != FLUME_OK && status != FLUME_END)
        return report_log_error(session, session->log, status);
    return reader_finish(&scan->reader, CODE_OK);
}

int scan_end(struct scan *scan, int status)
{
    int code = CODE_OK;

    if (!scan->is_begun)
        return code;
    if (scan->reader.cursor != NULL) {
        progress_end(&scan->progress);
        code = finish(scan, status);
    }
    reader_deinit(&scan->reader);
    scan->is_begun = false;
    return code;
}

bool scan_counts(int code)
{
    return code == CODE_OK || code == CODE_DAMAGED;
}
