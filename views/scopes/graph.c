/*
 * graph.c - the graph of scopes, made from the log (flume/scope_graph.h).
 *
 * What always holds:
 *   - Scopes are told to the lattice in the order of their seqs, and a second time as the first.
 *   - Around a scope, what lies between it and one that is kept is nearer to it, and kept, too: so
 *     what covers what is the same as if all were.
 */
#include <stdlib.h>
#include <string.h>

#include "flume/cursor.h"
#include "inside.h"
#include "lattice.h"
#include "scope_inside.h"
#include "scope_log.h"

/* Of a log with few scopes so many records are looked at between two of its questions, of one with
 * many so many scopes. */
enum { SLICE_RECORDS = 1 << 16, GIVE_UP_EVERY = 64 };

/* A scope that lies within the one around which it is looked, or within which that lies. */
struct related {
    uint64_t seq;
    uint64_t distance; /* Keys that only one of them has. */
};

struct flume_graph {
    struct lattice lattice;
};

struct graphing {
    flume *handle;
    const flume_graph_options *options;
    struct lattice *lattice;
    struct scope_log scopes;
    struct scope_record record; /* In hand. */
    struct scope_tokens tokens;
    uint64_t seed;
    uint64_t looked;      /* Records so far, for giving up. */
    uint64_t done, total; /* Records, for progress. */
    bool is_second;       /* Scopes are told again, */
    uint64_t last_seq;    /* up to this one: none behind it is in the graph. */

    uint64_t center_seq;
    struct scope_record center;
    struct related *related;
    size_t related_count, related_capacity;
};

static int no_memory(flume *handle)
{
    return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE, "no memory for a graph");
}

/* ---- one scope ---- */

static int tell(struct graphing *graphing, uint64_t seq)
{
    const struct scope_pairs *pairs = &graphing->record.identity;
    int status;

    if (!graphing->is_second && lattice_is_full(graphing->lattice)) {
        graphing->lattice->info.scopes_left_out++; /* Nothing else is asked of it. */
        return FLUME_OK;
    }
    status = tokens_take(&graphing->tokens, graphing->seed, pairs);
    if (status != FLUME_OK)
        return status;
    graphing->last_seq = graphing->is_second ? graphing->last_seq : seq;
    if (!graphing->tokens.has_variables) {
        graphing->lattice->info.without_variables += !graphing->is_second;
        return FLUME_OK;
    }
    return graphing->is_second ? lattice_relate(graphing->lattice, &graphing->tokens, seq)
                               : lattice_add(graphing->lattice, &graphing->tokens, pairs, seq);
}

/* ---- all scopes of the log that are asked for ---- */

typedef int (*graph_visit)(struct graphing *graphing, uint64_t seq);

static bool has_label(const struct graphing *graphing)
{
    const flume_graph_options *options = graphing->options;

    for (size_t i = 0; i < options->label_count; i++) {
        size_t bytes = strlen(options->labels[i]);

        for (size_t k = 0; k < graphing->record.label_count; k++)
            if (graphing->record.labels[k].bytes == bytes &&
                memcmp(graphing->record.labels[k].text, options->labels[i], bytes) == 0)
                return true;
    }
    return options->label_count == 0;
}

static bool gives_up(struct graphing *graphing)
{
    const flume_graph_options *options = graphing->options;

    if (options->progress != NULL)
        options->progress(options->progress_ctx, graphing->done, graphing->total);
    return options->ask.give_up != NULL && options->ask.give_up(options->ask.give_up_ctx);
}

static bool gives_up_now_and_then(struct graphing *graphing)
{
    return ++graphing->looked % GIVE_UP_EVERY == 0 && gives_up(graphing);
}

/* The range, of which the end does not move while scopes are appended. */
static flume_cursor_options range_of(const struct graphing *graphing, uint64_t head)
{
    static const uint8_t kinds[] = {FLUME_KIND_SCOPE};
    const flume_graph_options *options = graphing->options;
    flume_cursor_options range = {
        .bounds = FLUME_GTE | FLUME_LT,
        .gte = options->gte_seq,
        .lt = options->lt_seq == 0 || options->lt_seq > head ? head : options->lt_seq,
        .kinds = kinds,
        .kind_count = 1,
    };

    if ((options->ask.flags & FLUME_ASK_AS_OF) != 0 && options->ask.as_of < range.lt)
        range.lt = options->ask.as_of;
    if (graphing->is_second && graphing->last_seq < range.lt)
        range.lt = graphing->last_seq + 1;
    return range;
}

/* A part of the log. What is done is told up to its begin, and with its scopes. */
static int visit_slice(struct graphing *graphing, const flume_cursor_options *slice,
                       graph_visit visit)
{
    const uint64_t done = graphing->done;
    flume_log *log = graphing->handle->log;
    flume_cursor *cursor;
    flume_record record;
    int status = flume_cursor_open(log, slice, &cursor);

    if (status != FLUME_OK)
        return flume_fail_log(graphing->handle, status);
    for (;;) {
        status = flume_cursor_next(cursor, 0, &record);
        if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST) {
            graphing->lattice->info.unreadable += !graphing->is_second;
            continue;
        }
        if (status != FLUME_OK)
            break;
        status = scope_log_take(log, &record, &graphing->record);
        graphing->lattice->info.unreadable += status == FLUME_ERR_NOT_FOUND && !graphing->is_second;
        if (status == FLUME_OK && has_label(graphing))
            status = visit(graphing, record.seq);
        if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
            break;
        graphing->done = done + (record.seq - slice->gte);
        if (gives_up_now_and_then(graphing)) {
            status = FLUME_ERR_CANCELLED;
            break;
        }
    }
    flume_cursor_close(cursor);
    graphing->done = done + (slice->lt - slice->gte);
    return status == FLUME_END ? FLUME_OK : status;
}

static int visit_log(struct graphing *graphing, uint64_t head, graph_visit visit)
{
    const flume_cursor_options range = range_of(graphing, head);
    flume_cursor_options slice = range;
    int status = FLUME_OK;

    while (status == FLUME_OK && slice.gte < range.lt) {
        slice.lt = range.lt - slice.gte > SLICE_RECORDS ? slice.gte + SLICE_RECORDS : range.lt;
        status = gives_up(graphing) ? FLUME_ERR_CANCELLED : visit_slice(graphing, &slice, visit);
        slice.gte = slice.lt;
    }
    return status;
}

/* ---- around a scope ---- */

static bool has_variables(const struct scope_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (scope_pair_is_variable(&pairs->pairs[i]))
            return true;
    return false;
}

static int visit_related(struct graphing *graphing, uint64_t seq)
{
    const struct scope_pairs *center = &graphing->center.identity,
                             *pairs = &graphing->record.identity;
    size_t distance = pairs->count > center->count ? pairs->count - center->count
                                                   : center->count - pairs->count;

    if (!has_variables(pairs)) {
        graphing->lattice->info.without_variables++;
        return FLUME_OK;
    }
    if (seq == graphing->center_seq ||
        (!scope_pairs_are_within(pairs, center) && !scope_pairs_are_within(center, pairs)))
        return FLUME_OK;
    if (!scope_reserve((void **)&graphing->related, &graphing->related_capacity,
                       graphing->related_count + 1, sizeof *graphing->related))
        return FLUME_ERR_NO_MEMORY;
    graphing->related[graphing->related_count++] = (struct related){seq, distance};
    return FLUME_OK;
}

static int compare_distance(const void *one, const void *other)
{
    const struct related *a = one, *b = other;

    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    return a->seq > b->seq ? -1 : a->seq < b->seq;
}

static int compare_seq(const void *one, const void *other)
{
    const struct related *a = one, *b = other;

    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

/* The nearest ones, and of those as near the newest. */
static void keep_nearest(struct graphing *graphing)
{
    size_t room = graphing->lattice->nodes_max;

    if (graphing->related_count == 0)
        return;
    qsort(graphing->related, graphing->related_count, sizeof *graphing->related, compare_distance);
    if (graphing->related_count > room) {
        graphing->lattice->info.scopes_left_out += graphing->related_count - room;
        graphing->related_count = room;
    }
    qsort(graphing->related, graphing->related_count, sizeof *graphing->related, compare_seq);
}

static int tell_related(struct graphing *graphing)
{
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && i < graphing->related_count; i++) {
        uint64_t seq = graphing->related[i].seq;

        status = scope_record_read(graphing->handle->log, seq, &graphing->record);
        if (status == FLUME_OK)
            status = tell(graphing, seq);
        else
            status = flume_fail(graphing->handle, status, seq, "the scope at %llu cannot be read",
                                (unsigned long long)seq);
        if (status == FLUME_OK && gives_up_now_and_then(graphing))
            status = FLUME_ERR_CANCELLED;
    }
    return status;
}

static int find_center(struct graphing *graphing)
{
    uint64_t seq = graphing->options->around_seq;
    int status = scope_record_read(graphing->handle->log, seq, &graphing->center);

    if (status == FLUME_OK && graphing->center.form == SCOPE_RECORD_LINK) {
        seq = graphing->center.target_seq;
        status = scope_record_read(graphing->handle->log, seq, &graphing->center);
    }
    graphing->center_seq = seq;
    if (status == FLUME_OK && has_variables(&graphing->center.identity))
        return FLUME_OK;
    if (status == FLUME_ERR_NO_MEMORY)
        return status;
    if (status == FLUME_OK || status == FLUME_ERR_INVALID)
        return flume_fail(
            graphing->handle, FLUME_ERR_NOT_FOUND, seq,
            status == FLUME_OK
                ? "the scope at %llu has no variables: nothing lies within it, and it "
                  "lies within nothing"
                : "record %llu is no scope and no link to one",
            (unsigned long long)seq);
    return flume_fail(graphing->handle, status, seq, "the scope at %llu cannot be read: %s",
                      (unsigned long long)seq, flume_strerror(status));
}

/* The room of the lattice is for those that are related; the one in the middle is one more. */
static int gather_around(struct graphing *graphing, uint64_t head)
{
    int status = find_center(graphing);

    if (status == FLUME_OK)
        status = visit_log(graphing, head, visit_related);
    if (status == FLUME_OK) {
        graphing->lattice->nodes_max--;
        keep_nearest(graphing);
        graphing->lattice->nodes_max++;
        if (!scope_reserve((void **)&graphing->related, &graphing->related_capacity,
                           graphing->related_count + 1, sizeof *graphing->related))
            return FLUME_ERR_NO_MEMORY;
        graphing->related[graphing->related_count++] = (struct related){graphing->center_seq, 0};
        qsort(graphing->related, graphing->related_count, sizeof *graphing->related, compare_seq);
    }
    return status;
}

static int note_center(struct graphing *graphing)
{
    int status = tokens_take(&graphing->tokens, graphing->seed, &graphing->center.identity);

    if (status == FLUME_OK)
        (void)lattice_find(graphing->lattice, graphing->tokens.sum,
                           &graphing->lattice->info.around); /* It was told. */
    return status;
}

/* ---- making ---- */

static int tell_all(struct graphing *graphing, uint64_t head)
{
    return graphing->options->is_around ? tell_related(graphing) : visit_log(graphing, head, tell);
}

/* Scopes of several shapes are looked at twice; those that are related to one, which are few, for
 * the second time by themselves. */
static void begin_progress(struct graphing *graphing, uint64_t head)
{
    const flume_cursor_options range = range_of(graphing, head);
    uint64_t records = range.lt > range.gte ? range.lt - range.gte : 0;

    graphing->total = graphing->options->is_around ? records : 2 * records;
}

static int make(struct graphing *graphing)
{
    flume_log_stat_info stat;
    int status = flume_log_stat(graphing->handle->log, &stat);

    if (status != FLUME_OK)
        return flume_fail_log(graphing->handle, status);
    graphing->seed = tokens_seed(stat.basin_id);
    begin_progress(graphing, stat.head);
    if (graphing->options->is_around)
        status = gather_around(graphing, stat.head);
    if (status == FLUME_OK)
        status = tell_all(graphing, stat.head);
    if (status == FLUME_OK)
        status = lattice_settle(graphing->lattice);
    if (status == FLUME_OK && lattice_has_relations(graphing->lattice)) {
        graphing->is_second = true;
        status = tell_all(graphing, stat.head);
    }
    if (status == FLUME_OK)
        status = lattice_finish(graphing->lattice);
    if (status == FLUME_OK && graphing->options->is_around)
        status = note_center(graphing);
    return status;
}

static int check(flume *handle, const flume_graph_options *options)
{
    if (options->by != FLUME_GRAPH_BY_SHAPE && options->by != FLUME_GRAPH_BY_SCOPE)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "the nodes of a graph are shapes or scopes");
    if (options->is_around && options->by != FLUME_GRAPH_BY_SCOPE)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "around a scope the nodes of a graph are scopes: FLUME_GRAPH_BY_SCOPE");
    if (options->nodes_max > FLUME_GRAPH_NODES_MAX)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "a graph has at most %d nodes, not %zu", (int)FLUME_GRAPH_NODES_MAX,
                          options->nodes_max);
    return FLUME_OK;
}

static void end(struct graphing *graphing)
{
    scope_log_deinit(&graphing->scopes);
    scope_record_release(&graphing->record);
    scope_record_release(&graphing->center);
    tokens_deinit(&graphing->tokens);
    free(graphing->related);
}

int flume_graph_create(flume_graph **out_graph, flume *handle, const flume_graph_options *options)
{
    static const flume_graph_options usual = {0};
    struct graphing graphing = {.handle = handle, .options = options != NULL ? options : &usual};
    flume_graph *graph;
    int status;

    if (out_graph == NULL || handle == NULL)
        return FLUME_ERR_INVALID;
    status = check(handle, graphing.options);
    if (status != FLUME_OK)
        return status;
    graph = calloc(1, sizeof *graph);
    if (graph == NULL)
        return no_memory(handle);
    graph->lattice.by = graphing.options->by;
    graph->lattice.nodes_max = graphing.options->nodes_max != 0 ? graphing.options->nodes_max
                                                                : FLUME_GRAPH_NODES_USUAL;
    graphing.lattice = &graph->lattice;
    status = make(&graphing);
    end(&graphing);
    if (status != FLUME_OK) {
        flume_graph_destroy(graph);
        return status == FLUME_ERR_NO_MEMORY ? no_memory(handle) : status;
    }
    *out_graph = graph;
    return FLUME_OK;
}

void flume_graph_destroy(flume_graph *graph)
{
    if (graph == NULL)
        return;
    lattice_deinit(&graph->lattice);
    free(graph);
}

/* ---- reading ---- */

void flume_graph_info_of(const flume_graph *graph, flume_graph_info *out_info)
{
    *out_info = graph->lattice.info;
}

size_t flume_graph_node_count(const flume_graph *graph)
{
    return graph->lattice.node_count;
}

bool flume_graph_node_at(const flume_graph *graph, size_t index, flume_graph_node *out_node)
{
    const struct lattice_node *node;
    const struct lattice_shape *shape;

    if (index >= graph->lattice.node_count)
        return false;
    node = &graph->lattice.nodes[index];
    shape = &graph->lattice.shapes[node->shape];
    *out_node = (flume_graph_node){
        .keys = shape->names,
        .key_count = shape->key_count,
        .scopes = node->scopes,
        .first_seq = node->first_seq,
        .last_seq = node->last_seq,
    };
    return true;
}

size_t flume_graph_edge_count(const flume_graph *graph)
{
    return graph->lattice.edge_count;
}

bool flume_graph_edge_at(const flume_graph *graph, size_t index, flume_graph_edge *out_edge)
{
    if (index >= graph->lattice.edge_count)
        return false;
    *out_edge = graph->lattice.edges[index];
    return true;
}
