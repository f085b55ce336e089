/*
 * resolve.c - from a reference to the seq that it means in a log (resolve.h).
 */
#include "resolve.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ambiguous.h"
#include "asking.h"
#include "cancel.h"
#include "object.h"
#include "shell.h"
#include "suggest.h"
#include "utf8.h"

enum { NAMES_OFFERED_MAX = 20000 };

/* The seq of the record `steps` further than the first that a cursor gives. */
static int nth(struct session *session, flume_log *log, unsigned flags, uint64_t steps,
               uint64_t *out_seq)
{
    flume_cursor_options options = {.flags = flags | FLUME_CURSOR_SKIP_DAMAGED};
    flume_cursor *cursor = NULL;
    flume_record record;
    int status = flume_cursor_open(log, &options, &cursor);

    if (status != FLUME_OK)
        return status;
    for (uint64_t i = 0; i <= steps && status == FLUME_OK; i++)
        status = session_stopped(session) != 0 ? FLUME_ERR_CANCELLED
                                               : flume_cursor_next(cursor, 0, &record);
    if (status == FLUME_OK)
        *out_seq = record.seq;
    flume_cursor_close(cursor);
    return status;
}

int resolve_last(struct session *session, flume_log *log, uint64_t steps_back, uint64_t *out_seq)
{
    int status = nth(session, log, FLUME_CURSOR_REVERSE, steps_back, out_seq);

    if (status == FLUME_END)
        *out_seq = FLUME_SEQ_NONE;
    return status == FLUME_END ? FLUME_OK : status;
}

static int refuse(struct session *session, flume_log *log, struct reference_place place)
{
    const char *word = session->invocation->argv[place.token] + place.at;
    struct report_detail detail = {.place = place};
    uint64_t last = FLUME_SEQ_NONE;
    char seq[24];

    (void)resolve_last(session, log, 0, &last); /* Only for the remedy. */
    if (last == FLUME_SEQ_NONE)
        return report_with(session, &detail, ERROR_LOG_IS_EMPTY, word);
    snprintf(seq, sizeof(seq), "@%" PRIu64, last);
    detail.fill = seq;
    return report_with(session, &detail, ERROR_NO_RECORD, word);
}

/* ---- by a view ---- */

/* What a listing of names offers a suggestion. */
struct offering {
    struct suggestion suggestion;
    size_t offered;
};

static void offer(struct offering *offering, const char *name)
{
    offering->offered++;
    suggest_offer(&offering->suggestion, name);
}

static int offer_label(void *ctx, const flume_label_info *info)
{
    struct offering *offering = ctx;

    offer(offering, info->label);
    return offering->offered < NAMES_OFFERED_MAX ? 0 : FLUME_END;
}

static int offer_bookmark(void *ctx, const flume_bookmark *bookmark)
{
    struct offering *offering = ctx;

    offer(offering, bookmark->name);
    return offering->offered < NAMES_OFFERED_MAX ? 0 : FLUME_END;
}

int resolve_refuse_label(struct session *session, const char *label, struct reference_place place)
{
    const flume_ask at_once = {.flags = FLUME_ASK_STALE_OK};
    struct offering offering = {.offered = 0};
    const struct report_detail detail = {.place = place, .suggestion = &offering.suggestion};

    suggest_begin(&offering.suggestion, "", label, strlen(label));
    /* A suggestion is a kindness: if it cannot be made, there is none. */
    (void)flume_label_list(session->flume, &at_once, NULL, NULL, offer_label, &offering);
    return report_with(session, &detail, ERROR_NO_LABEL, label);
}

int resolve_refuse_bookmark(struct session *session, const char *name, struct reference_place place)
{
    const flume_ask at_once = {.flags = FLUME_ASK_STALE_OK};
    struct offering offering = {.offered = 0};
    const struct report_detail detail = {.place = place, .suggestion = &offering.suggestion};

    suggest_begin(&offering.suggestion, ":", name, strlen(name));
    (void)flume_bookmark_list(session->flume, &at_once, NULL, offer_bookmark, &offering);
    return report_with(session, &detail, ERROR_NO_BOOKMARK, name);
}

static int find_label(struct asking *asking, const char *label, uint64_t back,
                      struct reference_place place, uint64_t *out_seq)
{
    struct session *session = asking->session;
    flume_label_info info;
    const struct report_detail detail = {.place = place, .fill = label};
    int status = flume_label_from_end(session->flume, &asking->ask, label, back, out_seq);

    if (status == FLUME_OK)
        return CODE_OK;
    if (status != FLUME_ERR_NOT_FOUND)
        return asking_report(asking, status);
    if (flume_label_get(session->flume, &asking->ask, label, &info) != FLUME_OK)
        return resolve_refuse_label(session, label, place);
    return report_with(session, &detail, ERROR_FEW_WITH_LABEL, info.count, label);
}

static int find_bookmark(struct asking *asking, const char *name, struct reference_place place,
                         uint64_t *out_seq)
{
    struct session *session = asking->session;
    flume_bookmark bookmark;
    int status = flume_bookmark_get(session->flume, &asking->ask, name, &bookmark);
    bool rewound;

    if (status == FLUME_ERR_NOT_FOUND)
        return resolve_refuse_bookmark(session, name, place);
    if (status != FLUME_OK)
        return asking_report(asking, status);
    *out_seq = bookmark.seq;
    rewound = bookmark.rewound;
    flume_bookmark_release(&bookmark);
    if (!rewound)
        return CODE_OK;
    return report_at(session, place, ERROR_BOOKMARK_REWOUND);
}

/* ---- a hash ---- */

static void add_candidate(struct session *session, const flume_hash_candidate *candidate,
                          struct ambiguous *ambiguous)
{
    flume_record record = {.seq = candidate->seq};
    struct text time = {0}, body = {0};

    if (flume_log_get(session->log, candidate->seq, &record) == FLUME_OK) {
        value_show_time(&time, record.time_ns);
        utf8_show(&body, record.body, record.body_bytes, AMBIGUOUS_CELLS);
        flume_record_release(&record);
    }
    ambiguous_begin(ambiguous, candidate, text_c_string(&time));
    text_add(&ambiguous->lines, body.data, body.bytes);
    object_bytes(&ambiguous->json, "body", body.data, body.bytes);
    ambiguous_end(ambiguous);
    text_deinit(&time);
    text_deinit(&body);
}

static int refuse_ambiguous(struct session *session, const char *digits, size_t count,
                            const flume_hash_candidate *candidates, struct reference_place place)
{
    struct ambiguous ambiguous = {0};
    int code;

    ambiguous_gather(&ambiguous, session, place, candidates, count, add_candidate);
    code = report_with(session, &ambiguous.detail, ERROR_AMBIGUOUS_HASH, count, digits);
    ambiguous_deinit(&ambiguous);
    return code;
}

/* What looks like a hash and is none may be a label. */
static int refuse_hash(struct session *session, const char *digits, struct reference_place place)
{
    const flume_ask at_once = {.flags = FLUME_ASK_STALE_OK};
    flume_label_info info;
    struct suggestion suggestion;
    const struct report_detail detail = {.place = place, .suggestion = &suggestion};

    suggest_begin(&suggestion, "label:", digits, strlen(digits));
    if (flume_label_get(session->flume, &at_once, digits, &info) == FLUME_OK)
        suggest_offer(&suggestion, digits);
    return report_with(session, &detail, ERROR_NO_HASH, digits);
}

static int find_hash(struct asking *asking, const char *digits, struct reference_place place,
                     flume_hash_candidate *out_candidate)
{
    struct session *session = asking->session;
    flume_hash_candidate candidates[AMBIGUOUS_MAX];
    size_t count = 0;
    int status = flume_hash_find_prefix(session->flume, &asking->ask, digits, candidates,
                                        AMBIGUOUS_MAX, &count);

    if (status == FLUME_ERR_NOT_FOUND)
        return refuse_hash(session, digits, place);
    if (status == FLUME_ERR_AMBIGUOUS)
        return refuse_ambiguous(session, digits, count, candidates, place);
    if (status != FLUME_OK)
        return asking_report(asking, status);
    *out_candidate = candidates[0];
    return CODE_OK;
}

int resolve_hash(struct session *session, const char *digits, struct reference_place place,
                 flume_hash_candidate *out_candidate)
{
    struct asking asking;
    int code = asking_begin(&asking, session, "hash");

    if (code == CODE_OK) {
        asking_note_stale(&asking);
        code = find_hash(&asking, digits, place, out_candidate);
    }
    asking_end(&asking);
    return code;
}

static int resolve_name(struct session *session, const struct reference *reference,
                        struct reference_place place, uint64_t *out_seq)
{
    char name[FLUME_LABEL_BYTES_MAX + 1];
    flume_hash_candidate candidate = {.seq = FLUME_SEQ_NONE};
    struct asking asking;
    int code;

    assert(reference->bytes < sizeof(name)); /* The grammar's promise. */
    memcpy(name, reference->text, reference->bytes);
    name[reference->bytes] = '\0';
    if (reference->form == REFERENCE_HASH) {
        code = resolve_hash(session, name, place, &candidate);
        if (code == CODE_OK)
            *out_seq = candidate.seq;
        return code;
    }
    code = asking_begin(&asking, session, "label"); /* Bookmarks are in it too. */
    if (code == CODE_OK)
        asking_note_stale(&asking);
    if (code == CODE_OK && reference->form == REFERENCE_LABEL)
        code = find_label(&asking, name, reference->number, place, out_seq);
    else if (code == CODE_OK)
        code = find_bookmark(&asking, name, place, out_seq);
    asking_end(&asking);
    return code;
}

/* ---- all forms ---- */

/* `_`. It may be of another basin than the one that is open now. */
static int find_printed(struct session *session, flume_log *log, struct reference_place place,
                        uint64_t *out_seq)
{
    const struct shell *shell = session->shell;

    if (shell == NULL || !shell->has_last)
        return report_at(session, place, ERROR_NOTHING_PRINTED);
    if (shell->last_seq >= flume_log_head(log))
        return report_at(session, place, ERROR_PRINTED_ELSEWHERE);
    *out_seq = shell->last_seq;
    return CODE_OK;
}

int resolve(struct session *session, flume_log *log, const struct reference *reference,
            struct reference_place place, uint64_t *out_seq)
{
    int status = FLUME_OK;
    uint64_t seq = FLUME_SEQ_NONE;

    if (reference_needs_views(reference))
        return resolve_name(session, reference, place, out_seq);
    switch (reference->form) {
    case REFERENCE_PRINTED:
        return find_printed(session, log, place, out_seq);
    case REFERENCE_SEQ:
        if (reference->number < flume_log_head(log))
            seq = reference->number;
        break;
    case REFERENCE_FIRST:
        status = nth(session, log, 0, 0, &seq);
        break;
    case REFERENCE_LAST:
        status = resolve_last(session, log, reference->number, &seq);
        break;
    default:
        break;
    }
    if (status == FLUME_ERR_CANCELLED)
        return cancel_say(session, NULL, "the record was being looked for");
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

int resolve_word(struct session *session, const struct operand *operand, uint64_t *out_seq)
{
    struct reference_place place = {.token = operand->token};
    struct reference reference;
    struct fault fault;

    if (!reference_parse(operand->text, &reference, &fault))
        return report_word_fault(session, place, &fault);
    return resolve(session, session->log, &reference, place, out_seq);
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
