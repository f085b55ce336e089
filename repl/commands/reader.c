/*
 * reader.c - the records that a command asked for (reader.h).
 */
#include "reader.h"

#include <inttypes.h>
#include <string.h>

enum { DAMAGE_REPORTS_MAX = 10, REJECTED_IN_A_ROW_MAX = 4096 };

static void take_filter(struct reader *reader, const struct option_use *use)
{
    switch (use->id) {
    case OPTION_WITH_LABEL:
        reader->label_count++;
        reader->options.label = use->text;
        break;
    case OPTION_OF_KIND:
        if (reader->options.kind_count < READER_KINDS_MAX)
            reader->kinds[reader->options.kind_count++] = (uint8_t)use->number;
        reader->options.kinds = reader->kinds;
        break;
    case OPTION_SINCE:
        reader->options.since_ns = value_time_ns(use->time);
        break;
    case OPTION_WHERE:
        break;
    case OPTION_UNTIL:
        reader->options.until_ns = value_time_ns(use->time);
        if (reader->options.until_ns == 0)
            reader->options.until_ns = 1; /* 0 would mean no bound. */
        break;
    default:
        return;
    }
    reader->is_search = true;
}

static int take_regex(struct reader *reader)
{
    const struct option_use *use = invocation_option(reader->session->invocation, OPTION_GREP);
    char why[120];
    int status;

    if (use == NULL)
        return CODE_OK;
    status = regcomp(&reader->regex, use->text, REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
    reader->has_regex = status == 0;
    reader->is_search = true;
    if (status == 0)
        return CODE_OK;
    regerror(status, &reader->regex, why, sizeof(why));
    return report_at(reader->session, (struct reference_place){use->token, use->text_at, 0},
                     ERROR_BAD_GREP, why);
}

int reader_init(struct reader *reader, struct session *session, flume_log *log)
{
    int code;

    *reader = (struct reader){.session = session, .log = log, .lost_seq = FLUME_SEQ_NONE};
    for (size_t i = 0; i < session->invocation->option_count; i++)
        take_filter(reader, &session->invocation->options[i]);
    if (reader->label_count > 1)
        reader->options.label = NULL; /* A cursor knows one label: several are tested here. */
    code = take_regex(reader);
    return code == CODE_OK ? where_init(&reader->where, session) : code;
}

int reader_open(struct reader *reader)
{
    struct stop *stop = reader->session->stop;
    int status;

    stop_watch(stop, NULL);
    flume_cursor_close(reader->cursor);
    reader->cursor = NULL;
    status = flume_cursor_open(reader->log, &reader->options, &reader->cursor);
    if (status != FLUME_OK)
        return report_log_error(reader->session, reader->log, status);
    stop_watch(stop, reader->cursor); /* It may look at many records before it gives one. */
    return CODE_OK;
}

static bool has_some_label(const struct reader *reader, const flume_record *record)
{
    const struct invocation *invocation = reader->session->invocation;

    for (size_t i = 0; i < invocation->option_count; i++)
        if (invocation->options[i].id == OPTION_WITH_LABEL &&
            flume_record_has_label(record, invocation->options[i].text))
            return true;
    return false;
}

static bool passes(const struct reader *reader, const flume_record *record)
{
    regmatch_t whole = {.rm_so = 0, .rm_eo = (regoff_t)record->body_bytes};

    if (reader->label_count > 1 && !has_some_label(reader, record))
        return false;
    if (reader->has_regex && regexec(&reader->regex, record->body, 1, &whole, REG_STARTEND) != 0)
        return false;
    return where_passes(&reader->where, record);
}

/* A record that cannot be read: which one it was is in the detail that the handle keeps. */
static void meet_damage(struct reader *reader)
{
    flume_error error = {.seq = FLUME_SEQ_NONE};

    reader->damaged++;
    if (reader->damaged > DAMAGE_REPORTS_MAX)
        return;
    flume_log_error(reader->log, &error);
    report_status(reader->session, FLUME_ERR_DAMAGED,
                  error.status == FLUME_ERR_DAMAGED ? &error : NULL);
}

static void meet_lost(struct reader *reader)
{
    bool reverse = (reader->options.flags & FLUME_CURSOR_REVERSE) != 0;

    reader->lost++;
    reader->lost_seq = flume_cursor_position(reader->cursor) - (reverse ? 0 : 1);
}

int reader_next(struct reader *reader, uint64_t timeout_ns, flume_record *out_record)
{
    bool live = (reader->options.flags & FLUME_CURSOR_LIVE) != 0;

    for (unsigned rejected = 0;; rejected++) {
        int status;

        if (session_stopped(reader->session) != 0)
            return FLUME_ERR_CANCELLED;
        /* On a busy log that nothing passes, whoever waits gets to look at the clock. */
        if (live && rejected >= REJECTED_IN_A_ROW_MAX)
            return FLUME_ERR_TIMEOUT;
        status = flume_cursor_next(reader->cursor, rejected == 0 ? timeout_ns : 0, out_record);
        if (status == FLUME_ERR_DAMAGED) {
            meet_damage(reader);
            continue;
        }
        if (status == FLUME_ERR_LOST)
            meet_lost(reader);
        if (status == FLUME_OK) {
            reader->session->records_read++;
            reader->session->bytes_read += out_record->body_bytes;
        }
        if (status != FLUME_OK || passes(reader, out_record))
            return status;
    }
}

int reader_finish(struct reader *reader, int code)
{
    if (reader->lost != 0)
        note(reader->session, "%" PRIu64 " records were lost to earlier damage (flume DB check)",
             reader->lost);
    if (reader->damaged > DAMAGE_REPORTS_MAX)
        warn(reader->session, "%" PRIu64 " records are damaged, %d of them named above",
             reader->damaged, DAMAGE_REPORTS_MAX);
    return reader->damaged == 0 ? code : exit_code_worse(code, CODE_DAMAGED);
}

void reader_deinit(struct reader *reader)
{
    if (reader->cursor != NULL)
        stop_watch(reader->session->stop, NULL);
    flume_cursor_close(reader->cursor);
    if (reader->has_regex)
        regfree(&reader->regex);
    where_deinit(&reader->where);
    reader->cursor = NULL;
    reader->has_regex = false;
}
