/*
 * query.c - answering a query: candidates from an index, each read and tested as a whole.
 *
 * What always holds:
 *   - What is given is what a scan of all records below as_of with the same test would give, in
 *     order of seq: an index only narrows what is read.
 *   - The snapshots are let go when the last record below as_of has been looked at, so a live query
 *     does not keep old pages of a view in use.
 */
#include "query.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inside.h"

enum { SNAPSHOT_ATTEMPTS_MAX = 100, ASK_EVERY_NS = 10000000 };
#define NS_PER_SECOND UINT64_C(1000000000)

static uint64_t clock_ns(void)
{
    struct timespec now = {.tv_sec = 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* Cannot fail for this clock. */
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* ---- opening ---- */

/* Wait for every view of the term, within one time limit. No snapshot is held meanwhile: a view
 * that has to grow waits for those of it that are. */
static int wait_for_views(struct flume_query *query, const flume_ask *limited_ask,
                          uint64_t began_ns)
{
    flume_ask ask = *limited_ask;
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && i < query->term.view_count; i++) {
        if (limited_ask->timeout_ns != 0) {
            uint64_t spent_ns = clock_ns() - began_ns;

            ask.timeout_ns = spent_ns < limited_ask->timeout_ns ? limited_ask->timeout_ns - spent_ns
                                                                : 1;
        }
        status = flume_view_wait(query->term.views[i].view, &ask);
    }
    return status;
}

/* The view with the next higher address: every thread takes its snapshots in one order. */
static struct term_view *view_behind(struct term *term, const flume_view *view)
{
    struct term_view *next = NULL;

    for (size_t i = 0; i < term->view_count; i++) {
        struct term_view *other = &term->views[i];

        if ((uintptr_t)other->view > (uintptr_t)view &&
            (next == NULL || (uintptr_t)other->view < (uintptr_t)next->view))
            next = other;
    }
    return next;
}

/* Take a snapshot of every view as it is. */
static int take_snapshots(struct flume_query *query)
{
    flume_ask ask = {.flags = FLUME_ASK_STALE_OK};
    struct term_view *view = view_behind(&query->term, NULL);

    query->as_of = UINT64_MAX;
    for (; view != NULL; view = view_behind(&query->term, view->view)) {
        int status = flume_view_read(view->view, &ask, &view->rows);
        uint64_t as_of;

        if (status != FLUME_OK)
            return status;
        as_of = flume_rows_as_of(view->rows);
        query->as_of = as_of < query->as_of ? as_of : query->as_of;
    }
    return FLUME_OK;
}

/* Snapshots of every view of the term, as of what was asked for or later. */
static int read_views(struct flume_query *query, const flume_ask *caller_ask)
{
    flume_ask ask = caller_ask != NULL ? *caller_ask : (flume_ask){.flags = 0};
    uint64_t began_ns = clock_ns();
    int status = FLUME_ERR_STALE;

    if ((ask.flags & FLUME_ASK_AS_OF) == 0) {
        ask.flags |= FLUME_ASK_AS_OF;
        ask.as_of = flume_log_head(flume_log_of(query->handle));
    }
    if ((ask.flags & FLUME_ASK_STALE_OK) != 0)
        return take_snapshots(query);
    /* A rebuild may put a build in place that is behind the one that was waited for. */
    for (int i = 0; i < SNAPSHOT_ATTEMPTS_MAX && status == FLUME_ERR_STALE; i++) {
        term_end_rows(&query->term);
        status = wait_for_views(query, &ask, began_ns);
        if (status != FLUME_OK)
            break;
        status = take_snapshots(query);
        if (status == FLUME_OK && query->as_of < ask.as_of)
            status = flume_fail(query->handle, FLUME_ERR_STALE, FLUME_SEQ_NONE,
                                "a view of the query is being built again");
    }
    query->explanation.waited_ns = clock_ns() - began_ns;
    return status;
}

int query_open_bounded(flume *handle, const flume_ask *ask, const flume_term *term,
                       size_t candidates_max, flume_query **out_query)
{
    struct flume_query *query;
    int status;

    if (handle == NULL || term == NULL || out_query == NULL)
        return FLUME_ERR_INVALID;
    query = calloc(1, sizeof *query);
    if (query == NULL)
        return FLUME_ERR_NO_MEMORY;
    query->handle = handle;
    query->candidates_max = candidates_max;
    if (ask != NULL) {
        query->give_up = ask->give_up;
        query->give_up_ctx = ask->give_up_ctx;
    }
    status = term_init(&query->term, handle, term);
    if (status == FLUME_OK)
        status = read_views(query, ask);
    if (status == FLUME_OK) {
        query->explanation.as_of = query->as_of;
        query_say(query, "as of seq %llu", (unsigned long long)query->as_of);
        status = query_plan(query);
    }
    if (status != FLUME_OK) {
        flume_query_close(query);
        return status;
    }
    *out_query = query;
    return FLUME_OK;
}

int flume_query_open(flume *handle, const flume_ask *ask, const flume_term *term,
                     flume_query **out_query)
{
    return query_open_bounded(handle, ask, term, QUERY_CANDIDATES_MAX, out_query);
}

void flume_query_close(flume_query *query)
{
    if (query == NULL)
        return;
    flume_record_release(&query->record);
    flume_cursor_close(query->cursor);
    seqs_deinit(&query->candidates);
    term_deinit(&query->term);
    free(query);
}

/* ---- answering ---- */

/* The next candidate of an index. FLUME_END: none is left. */
static int next_seq(struct flume_query *query, uint64_t *out_seq)
{
    int status;

    if (query->source == QUERY_LIST) {
        if (query->next_candidate == query->candidates.count)
            return FLUME_END;
        *out_seq = query->candidates.list[query->next_candidate++];
        return FLUME_OK;
    }
    status = query_next_row(query, &query->range, query->rows, out_seq);
    /* The snapshot may be of a later moment than those of the other views. */
    return status == FLUME_OK && *out_seq >= query->as_of ? FLUME_END : status;
}

/* The next record to be tested, kept in query->record. */
static int next_candidate(struct flume_query *query, uint64_t timeout_ns)
{
    uint64_t seq = 0;
    int status;

    if (query->source == QUERY_OVER)
        return FLUME_END;
    if (query->source == QUERY_SCAN || query->source == QUERY_LIVE) {
        status = flume_cursor_next(query->cursor, timeout_ns, &query->record);
    } else {
        status = next_seq(query, &seq);
        if (status != FLUME_OK)
            return status;
        status = flume_log_get(flume_log_of(query->handle), seq, &query->record);
    }
    if (status == FLUME_OK || status == FLUME_END || status == FLUME_ERR_TIMEOUT)
        return status;
    return flume_fail_log(query->handle, status);
}

/* Everything below as_of has been looked at: end, or go on with what comes. */
static int pass_as_of(struct flume_query *query)
{
    int status;

    term_end_rows(&query->term);
    seqs_deinit(&query->candidates);
    query->next_candidate = 0;
    query->rows = NULL;
    if (query->source == QUERY_SCAN) {
        flume_cursor_close(query->cursor);
        query->cursor = NULL;
    }
    query->source = QUERY_OVER;
    if (!query->is_live)
        return FLUME_END;
    status = query_open_cursor(query, query->as_of, FLUME_SEQ_NONE);
    if (status == FLUME_OK)
        query->source = QUERY_LIVE;
    return status;
}

static uint64_t left_ns(uint64_t timeout_ns, uint64_t began_ns)
{
    uint64_t spent_ns;

    if (timeout_ns == 0 || timeout_ns == FLUME_WAIT_FOREVER)
        return timeout_ns;
    spent_ns = clock_ns() - began_ns;
    return spent_ns < timeout_ns ? timeout_ns - spent_ns : 0;
}

/* One candidate. FLUME_OK with *out_fits false: go on. */
static int step(struct flume_query *query, uint64_t timeout_ns, bool *out_fits)
{
    int status;

    *out_fits = false;
    flume_record_release(&query->record);
    query->record = (flume_record){.seq = 0};
    status = next_candidate(query, timeout_ns);
    if (status == FLUME_END)
        return query->source == QUERY_OVER && !query->is_live ? FLUME_END : pass_as_of(query);
    /* No index has a record that was lost or erased: it fits nothing. */
    if (status == FLUME_ERR_LOST || status == FLUME_ERR_GONE)
        return FLUME_OK;
    if (status != FLUME_OK)
        return status;
    query->explanation.records_read++;
    return term_test(&query->term, &query->record, query->as_of, out_fits);
}

/* Asked now and then, also while nothing that is read fits. */
static int ask_whether_to_go_on(struct flume_query *query)
{
    uint64_t at_ns;

    if (query->give_up == NULL)
        return FLUME_OK;
    at_ns = clock_ns();
    if (at_ns - query->asked_ns < ASK_EVERY_NS)
        return FLUME_OK;
    query->asked_ns = at_ns;
    if (!query->give_up(query->give_up_ctx))
        return FLUME_OK;
    return flume_fail(query->handle, FLUME_ERR_CANCELLED, FLUME_SEQ_NONE, "the query was given up");
}

/* How long one step may wait for what comes: who may give up is asked in between. */
static uint64_t slice_ns(const struct flume_query *query, uint64_t timeout_ns)
{
    return query->give_up != NULL && timeout_ns > ASK_EVERY_NS ? ASK_EVERY_NS : timeout_ns;
}

int flume_query_next(flume_query *query, flume_record *out_record)
{
    bool fits = false;
    uint64_t began_ns = 0;
    int status = FLUME_OK;

    if (query == NULL || out_record == NULL)
        return FLUME_ERR_INVALID;
    if (query->is_live && query->live_timeout_ns != 0 &&
        query->live_timeout_ns != FLUME_WAIT_FOREVER)
        began_ns = clock_ns();
    if (query->asked_ns == 0)
        query->asked_ns = clock_ns();
    while (status == FLUME_OK && !fits) {
        uint64_t timeout_ns = left_ns(query->live_timeout_ns, began_ns);
        uint64_t wait_ns = slice_ns(query, timeout_ns);

        status = step(query, wait_ns, &fits);
        if (status == FLUME_ERR_TIMEOUT && wait_ns < timeout_ns)
            status = FLUME_OK; /* A slice is over, not the time. */
        if (status == FLUME_OK && !fits)
            status = ask_whether_to_go_on(query);
    }
    if (status != FLUME_OK)
        return status;
    query->explanation.records_given++;
    *out_record = query->record;
    out_record->hold = NULL; /* Borrowed: the query lets it go. */
    return FLUME_OK;
}

int flume_query_live(flume_query *query, uint64_t timeout_ns)
{
    if (query == NULL)
        return FLUME_ERR_INVALID;
    query->is_live = true;
    query->live_timeout_ns = timeout_ns;
    return FLUME_OK;
}

void flume_query_explain(flume_query *query, flume_explanation *out_explanation)
{
    if (query != NULL && out_explanation != NULL)
        *out_explanation = query->explanation;
}
