/*
 * term.h - a query's term made ready: values parsed, views found, and the test on a record.
 *
 * What always holds:
 *   - The test needs the record alone, but for unique fields: there a value names the newest record
 *     that has it, which only the index knows. A record that no index covers yet is its newest.
 *   - A term has at most TERM_NODES_MAX nodes, TERM_DEPTH_MAX deep, over TERM_VIEWS_MAX views.
 */
#ifndef VIEWS_TERM_H
#define VIEWS_TERM_H

#include "declared_view.h"
#include "field_key.h"

enum { TERM_NODES_MAX = 1024, TERM_DEPTH_MAX = 64, TERM_VIEWS_MAX = 32 };

/* A view that a term speaks of. */
struct term_view {
    flume_view *view;
    const struct declared *declared; /* NULL: the view "label". */
    flume_rows *rows;                /* NULL: no snapshot is open. */
};

struct term_node {
    enum flume_term_what what;
    size_t left, right;        /* Nodes, for AND and OR. */
    size_t view;               /* Index in the term's views, for all others. */
    char *from_text, *to_text; /* Owned; NULL: an open end. A label stands in from_text. */
    struct value from, to;     /* Texts lead into from_text and to_text. */
    uint64_t rows_estimated;   /* Filled by the plan. */
    bool is_source;            /* Likewise: its rows are candidates. */
};

struct term {
    flume *handle;
    struct term_view views[TERM_VIEWS_MAX];
    size_t view_count;
    struct term_node *nodes; /* The last one is the root. */
    size_t node_count, node_capacity;
};

/** Compile a term; nothing of it is kept. Ended by term_deinit(), also after an error.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND, FLUME_ERR_INVALID, with the detail;
 *         FLUME_ERR_NO_MEMORY. */
int term_init(struct term *term, flume *handle, const flume_term *source);
void term_deinit(struct term *term);

/** Let the snapshots go. */
void term_end_rows(struct term *term);

/** The rows of a leaf in its table: from a key on, up to and without another. */
struct term_range {
    size_t table;
    struct field_key from, behind;
    bool seq_is_value; /* Of a unique field; else it ends the key. */
    bool is_ordered;   /* The rows come in the order of their seqs. */
};
void term_range_of(const struct term *term, const struct term_node *node,
                   struct term_range *out_range);

/** Whether a record fits the whole term.
 * @param as_of  The snapshots that are open cover the records below it.
 * @return FLUME_OK: *out_fits is set; an error. */
int term_test(const struct term *term, const flume_record *record, uint64_t as_of, bool *out_fits);

#endif
