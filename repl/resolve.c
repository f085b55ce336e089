/*
 * resolve.c - from a reference to the seq that it means in a log (resolve.h).
 */
#include "resolve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The seq of the record `steps` further than the first that a cursor gives. */
static int nth(flume_log *log, unsigned flags, uint64_t steps, uint64_t *out_seq)
{
    flume_cursor_options options = {.flags = flags | FLUME_CURSOR_SKIP_DAMAGED};
    flume_cursor *cursor = NULL;
    flume_record record;
    int status = flume_cursor_open(log, &options, &cursor);

    if (status != FLUME_OK)
        return status;
    for (uint64_t i = 0; i <= steps && status == FLUME_OK; i++)
        status = flume_cursor_next(cursor, 0, &record);
    if (status == FLUME_OK)
        *out_seq = record.seq;
    flume_cursor_close(cursor);
    return status;
}

int resolve_last(flume_log *log, uint64_t steps_back, uint64_t *out_seq)
{
    int status = nth(log, FLUME_CURSOR_REVERSE, steps_back, out_seq);

    if (status == FLUME_END)
        *out_seq = FLUME_SEQ_NONE;
    return status == FLUME_END ? FLUME_OK : status;
}

static int refuse(struct session *session, flume_log *log, struct reference_place place)
{
    const char *word = session->invocation->argv[place.token] + place.at;
    char cause[160], remedy[80];
    uint64_t last = FLUME_SEQ_NONE;

    (void)resolve_last(log, 0, &last); /* Only for the remedy. */
    snprintf(cause, sizeof(cause), "no record %.60s", word);
    if (last == FLUME_SEQ_NONE)
        snprintf(remedy, sizeof(remedy), "the log is empty");
    else
        snprintf(remedy, sizeof(remedy), "the last record is @%" PRIu64, last);
    return report_at(session, CODE_NO, "not_found", place.token, place.at, 0, cause, remedy);
}

int resolve(struct session *session, flume_log *log, const struct reference *reference,
            struct reference_place place, uint64_t *out_seq)
{
    int status = FLUME_OK;
    uint64_t seq = FLUME_SEQ_NONE;

    switch (reference->form) {
    case REFERENCE_SEQ:
        if (reference->number < flume_log_head(log))
            seq = reference->number;
        break;
    case REFERENCE_FIRST:
        status = nth(log, 0, 0, &seq);
        break;
    case REFERENCE_LAST:
        status = resolve_last(log, reference->number, &seq);
        break;
    }
    if (status != FLUME_OK && status != FLUME_END)
        return report_log_error(session, log, status);
    if (seq == FLUME_SEQ_NONE)
        return refuse(session, log, place);
    *out_seq = seq;
    return CODE_OK;
}

/* An end of a range: a seq means itself, whether there is such a record or not. */
static int resolve_end(struct session *session, flume_log *log, const struct reference *reference,
                       struct reference_place place, uint64_t *out_seq)
{
    if (reference->form == REFERENCE_SEQ) {
        *out_seq = reference->number;
        return CODE_OK;
    }
    return resolve(session, log, reference, place, out_seq);
}

int resolve_position(struct session *session, flume_log *log, const struct reference *reference,
                     struct reference_place place, uint64_t *out_seq)
{
    if (reference->form == REFERENCE_SEQ && reference->number == flume_log_head(log)) {
        *out_seq = reference->number;
        return CODE_OK;
    }
    return resolve(session, log, reference, place, out_seq);
}

int resolve_range(struct session *session, flume_log *log, const struct operand *operand,
                  flume_cursor_options *io_options)
{
    const struct reference_range *range = &operand->range;
    struct reference_place place = {.token = operand->token};
    int code = CODE_OK;

    if (range->has_from) {
        io_options->bounds |= FLUME_GTE;
        code = resolve_end(session, log, &range->from, place, &io_options->gte);
    }
    if (code == CODE_OK && range->has_to) {
        io_options->bounds |= FLUME_LT;
        place.at = (size_t)(strstr(operand->text, "..") - operand->text) + 2;
        code = resolve_end(session, log, &range->to, place, &io_options->lt);
    }
    return code;
}
