/*
 * query_plan.c - which index gives a query its candidates.
 *
 * Every leaf has an index, so every term can be answered from rows: AND takes those of its cheaper
 * side, OR those of both. What a leaf costs is the number of its rows: known exactly for labels,
 * counted up to QUERY_ESTIMATE_MAX for fields, and beyond that taken to be all rows of the field.
 * Candidates are tested afterwards, so the plan decides how long an answer takes, not what it is.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "inside.h"
#include "label_view.h"
#include "little.h"
#include "lookup.h"
#include "query.h"

void query_say(struct flume_query *query, const char *format, ...)
{
    char *text = query->explanation.text;
    size_t used = strlen(text);
    va_list arguments;

    if (used > 0 && used + 1 < sizeof query->explanation.text) {
        text[used++] = '\n';
        text[used] = '\0';
    }
    va_start(arguments, format);
    (void)vsnprintf(text + used, sizeof query->explanation.text - used, format, arguments);
    va_end(arguments);
}

/* ---- rows of a leaf ---- */

static bool is_behind(flume_bytes key, const struct field_key *behind)
{
    size_t shared = key.bytes < behind->bytes ? key.bytes : behind->bytes;
    int order = memcmp(key.data, behind->data, shared);

    return order > 0 || (order == 0 && key.bytes >= behind->bytes);
}

int query_next_row(struct flume_query *query, const struct term_range *range, flume_rows *rows,
                   uint64_t *out_seq)
{
    flume_bytes key, value;
    int status = flume_rows_next(rows, &key, &value);

    if (status != FLUME_OK)
        return status;
    if (is_behind(key, &range->behind))
        return FLUME_END;
    if (range->seq_is_value ? value.bytes != LOOKUP_SEQ_BYTES : key.bytes <= LOOKUP_SEQ_BYTES)
        return flume_fail(query->handle, FLUME_ERR_VIEW, FLUME_SEQ_NONE,
                          "an index of the query holds a row that is none of its own; rebuild it");
    *out_seq = range->seq_is_value ? big_get64(value.data) : lookup_seq(key);
    query->explanation.candidates++;
    return FLUME_OK;
}

static int seek(const struct term_range *range, flume_rows *rows)
{
    return lookup_seek(rows, range->table, range->from.data, range->from.bytes);
}

/* ---- estimates ---- */

static int estimate_label(struct flume_query *query, struct term_node *node)
{
    flume_label_info info = {.count = 0};
    int status =
        label_info(query->handle, query->term.views[node->view].rows, node->from_text, &info);

    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return status;
    node->rows_estimated = info.count;
    query_say(query, "label %.60s: %llu records", node->from_text, (unsigned long long)info.count);
    return FLUME_OK;
}

static int estimate_field(struct flume_query *query, struct term_node *node)
{
    const struct term_view *view = &query->term.views[node->view];
    uint64_t already = query->explanation.candidates;
    uint64_t count = 0, seq = 0, all = 0;
    struct term_range range;
    int status;

    term_range_of(&query->term, node, &range);
    status = seek(&range, view->rows);
    while (status == FLUME_OK && count < QUERY_ESTIMATE_MAX) {
        status = query_next_row(query, &range, view->rows, &seq);
        count += status == FLUME_OK;
    }
    query->explanation.candidates = already; /* Not looked at as candidates. */
    node->rows_estimated = count;
    if (status == FLUME_OK) {
        status = flume_rows_count(view->rows, FIELD_TABLE_VALUE, &all);
        node->rows_estimated = all > count ? all : count;
    } else if (status == FLUME_END) {
        status = FLUME_OK;
    }
    query_say(query, "field %s %s %.40s%s%.40s: %llu rows%s", view->declared->declaration.name,
              node->what == FLUME_TERM_EQUAL    ? "is"
              : node->what == FLUME_TERM_PREFIX ? "begins with"
                                                : "in",
              node->from_text != NULL ? node->from_text : "",
              node->what == FLUME_TERM_RANGE ? " .. " : "",
              node->to_text != NULL ? node->to_text : "", (unsigned long long)count,
              node->rows_estimated > count ? " or more" : "");
    return status;
}

static int estimate(struct flume_query *query, size_t index)
{
    struct term_node *node = &query->term.nodes[index];
    const struct term_node *left = &query->term.nodes[node->left];
    const struct term_node *right = &query->term.nodes[node->right];
    int status;

    if (node->what == FLUME_TERM_LABEL)
        return estimate_label(query, node);
    if (node->what != FLUME_TERM_AND && node->what != FLUME_TERM_OR)
        return estimate_field(query, node);
    status = estimate(query, node->left);
    if (status == FLUME_OK)
        status = estimate(query, node->right);
    if (status != FLUME_OK)
        return status;
    if (node->what == FLUME_TERM_OR)
        node->rows_estimated = left->rows_estimated + right->rows_estimated;
    else
        node->rows_estimated = left->rows_estimated <= right->rows_estimated
                                   ? left->rows_estimated
                                   : right->rows_estimated;
    return FLUME_OK;
}

/* Mark the leaves whose rows are the candidates. @return how many; *out_leaf is one of them. */
static size_t choose(struct term *term, size_t index, size_t *out_leaf)
{
    struct term_node *node = &term->nodes[index];

    if (node->what == FLUME_TERM_OR)
        return choose(term, node->left, out_leaf) + choose(term, node->right, out_leaf);
    if (node->what == FLUME_TERM_AND)
        return choose(term,
                      term->nodes[node->left].rows_estimated <=
                              term->nodes[node->right].rows_estimated
                          ? node->left
                          : node->right,
                      out_leaf);
    node->is_source = true;
    *out_leaf = index;
    return 1;
}

/* ---- candidates ---- */

static int collect_leaf(struct flume_query *query, const struct term_node *node)
{
    flume_rows *rows = query->term.views[node->view].rows;
    struct term_range range;
    uint64_t seq = 0;
    int status;

    term_range_of(&query->term, node, &range);
    status = seek(&range, rows);
    while (status == FLUME_OK) {
        status = query_next_row(query, &range, rows, &seq);
        if (status == FLUME_OK && seq < query->as_of)
            status = seqs_add(&query->candidates, seq, query->candidates_max);
    }
    return status == FLUME_END ? FLUME_OK : status;
}

static int collect(struct flume_query *query)
{
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && i < query->term.node_count; i++) {
        if (query->term.nodes[i].is_source)
            status = collect_leaf(query, &query->term.nodes[i]);
    }
    if (status == FLUME_OK)
        seqs_settle(&query->candidates);
    return status;
}

static int scan_instead(struct flume_query *query)
{
    seqs_deinit(&query->candidates);
    query->source = QUERY_SCAN;
    query_say(query, "source: every record, as there are over %zu candidates",
              query->candidates_max);
    return query_open_cursor(query, 0, query->as_of);
}

int query_open_cursor(struct flume_query *query, uint64_t from_seq, uint64_t before_seq)
{
    flume_cursor_options options = {.bounds = FLUME_GTE, .gte = from_seq};
    int status;

    if (before_seq == FLUME_SEQ_NONE) {
        options.flags = FLUME_CURSOR_LIVE;
    } else {
        options.bounds |= FLUME_LT;
        options.lt = before_seq;
    }
    status = flume_cursor_open(flume_log_of(query->handle), &options, &query->cursor);
    return status == FLUME_OK ? FLUME_OK : flume_fail_log(query->handle, status);
}

static const char *name_of(const struct flume_query *query, const struct term_node *node)
{
    return node->what == FLUME_TERM_LABEL
               ? node->from_text
               : query->term.views[node->view].declared->declaration.name;
}

static int stream_rows(struct flume_query *query, const struct term_node *node,
                       const struct term_range *range)
{
    query->source = QUERY_ROWS;
    query->range = *range;
    query->rows = query->term.views[node->view].rows;
    query_say(query, "source: the index of %s %.60s, in order",
              node->what == FLUME_TERM_LABEL ? "label" : "field", name_of(query, node));
    return seek(&query->range, query->rows);
}

int query_plan(struct flume_query *query)
{
    size_t root = query->term.node_count - 1, leaf = 0, leaves;
    struct term_range range;
    int status = estimate(query, root);

    if (status != FLUME_OK)
        return status;
    leaves = choose(&query->term, root, &leaf);
    term_range_of(&query->term, &query->term.nodes[leaf], &range);
    if (leaves == 1 && range.is_ordered)
        return stream_rows(query, &query->term.nodes[leaf], &range);
    query->source = QUERY_LIST;
    status = collect(query);
    if (status == FLUME_ERR_FULL)
        return scan_instead(query);
    query_say(query, "source: %zu %s of %s%.60s%s, %zu records", leaves,
              leaves == 1 ? "index" : "indexes",
              query->term.nodes[leaf].what == FLUME_TERM_LABEL ? "label " : "field ",
              name_of(query, &query->term.nodes[leaf]), leaves == 1 ? "" : " and others",
              query->candidates.count);
    return status;
}
