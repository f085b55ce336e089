/*
 * query.h - a query while it is answered: where its candidates come from, and what it has cost.
 */
#ifndef VIEWS_QUERY_H
#define VIEWS_QUERY_H

#include "seqs.h"
#include "term.h"

/* How far a field's rows are counted, and how many candidates are kept at most (32 MiB). */
enum { QUERY_ESTIMATE_MAX = 1000, QUERY_CANDIDATES_MAX = 4 << 20 };

enum query_source {
    QUERY_ROWS = 1, /* The rows of one leaf, which come in order. */
    QUERY_LIST = 2, /* Those of several, or of a range: collected, sorted, each once. */
    QUERY_SCAN = 3, /* Every record: there are more candidates than may be kept. */
    QUERY_LIVE = 4, /* What is appended, from as_of on. */
    QUERY_OVER = 5
};

struct flume_query {
    flume *handle;
    struct term term;
    uint64_t as_of; /* The snapshots cover every record below it. */
    enum query_source source;
    struct term_range range; /* QUERY_ROWS. */
    flume_rows *rows;        /* QUERY_ROWS: one of the term's. */
    struct seqs candidates;  /* QUERY_LIST. */
    size_t candidates_max;   /* More are not kept: QUERY_SCAN. */
    size_t next_candidate;
    flume_cursor *cursor; /* QUERY_SCAN and QUERY_LIVE. */
    flume_record record;  /* What was given last; released before the next. */
    bool is_live;
    uint64_t live_timeout_ns;
    bool (*give_up)(void *give_up_ctx); /* The caller's ask's. NULL: never. */
    void *give_up_ctx;
    uint64_t asked_ns; /* When it was asked last. */
    flume_explanation explanation;
};

/** flume_query_open() with another bound than QUERY_CANDIDATES_MAX. */
int query_open_bounded(flume *handle, const flume_ask *ask, const flume_term *term,
                       size_t candidates_max, flume_query **out_query);

/** Choose the source of candidates and stand before the first. The term's snapshots are open. */
int query_plan(struct flume_query *query);

/** The next seq of a leaf's rows.
 * @return FLUME_OK; FLUME_END; FLUME_ERR_VIEW. */
int query_next_row(struct flume_query *query, const struct term_range *range, flume_rows *rows,
                   uint64_t *out_seq);

/** A cursor over the records from a seq on, up to and without another (FLUME_SEQ_NONE: live). */
int query_open_cursor(struct flume_query *query, uint64_t from_seq, uint64_t before_seq);

/** Add a line to the explanation; what does not fit is left out. */
void query_say(struct flume_query *query, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
