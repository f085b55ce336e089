/*
 * run_graph.c - `flume graph`: which scopes lie within which, as a tree, for Graphviz, as SVG, or
 * as rows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cancel.h"
#include "object.h"
#include "output_file.h"
#include "resolve.h"
#include "run_graph.h"

#define COLUMN_COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

enum { NODES_USUAL = 200 };
enum graph_format { FORMAT_TREE, FORMAT_DOT, FORMAT_SVG, FORMAT_ROWS }; /* --format, in order. */

static const struct grid_column columns[] = {{"seq", 6, false},    {"last", 6, false},
                                             {"scopes", 8, true},  {"labels", 10, false},
                                             {"covers", 0, false}, {"keys", 0, false}};

/* ---- rows ---- */

/* Names on their way into a cell: as JSON, and for people. */
struct listing {
    struct text json, shown;
    size_t count;
    bool are_labels;
};

static void list_begin(struct listing *listing)
{
    text_char(&listing->json, '[');
}

static void list_key(void *ctx, const char *key)
{
    struct listing *listing = ctx;

    text_string(&listing->json, listing->count > 0 ? "," : "");
    text_string(&listing->shown, listing->count > 0 ? "," : "");
    object_put_string(&listing->json, key, strlen(key));
    text_string(&listing->shown, key);
    listing->count++;
}

static void list_put(struct listing *listing, struct grid *grid)
{
    text_char(&listing->json, ']');
    if (grid->session->json)
        grid_list(grid, &listing->json, &listing->shown);
    else
        grid_bytes(grid, listing->shown.data, listing->shown.bytes);
    text_deinit(&listing->json);
    text_deinit(&listing->shown);
}

static void put_keys(struct grid *grid, const flume_graph_node *node, bool are_labels)
{
    struct listing listing = {.count = 0};

    list_begin(&listing);
    for (size_t i = 0; i < node->key_count; i++) {
        const char *label = graph_label_of(node->keys[i]);

        if ((label != NULL) == are_labels)
            list_key(&listing, are_labels ? label : node->keys[i]);
    }
    list_put(&listing, grid);
}

/* {"seq":13,"scopes":380,"added":["z"]}; and "@13+z". */
static void list_cover(struct graphing *graphing, struct listing *listing,
                       const flume_graph_edge *edge)
{
    uint64_t seq = graph_node(graphing, edge->lower).first_seq;
    struct listing added = {.count = 0};

    list_begin(&added);
    graph_each_added(graphing, edge, list_key, &added);
    text_char(&added.json, ']');
    text_format(&listing->json, "%s{\"seq\":%" PRIu64 ",\"scopes\":%" PRIu64 ",\"added\":%s}",
                listing->count > 0 ? "," : "", seq, edge->scopes, text_c_string(&added.json));
    text_format(&listing->shown, "%s@%" PRIu64 "+%s", listing->count > 0 ? " " : "", seq,
                text_c_string(&added.shown));
    listing->count++;
    text_deinit(&added.json);
    text_deinit(&added.shown);
}

/* Edges are told by who covers: in order of their upper ends. */
static int compare_upper(const void *one, const void *other)
{
    const flume_graph_edge *a = one, *b = other;

    if (a->upper != b->upper)
        return a->upper < b->upper ? -1 : 1;
    return a->lower < b->lower ? -1 : a->lower > b->lower;
}

static bool put_rows(struct graphing *graphing)
{
    flume_graph_edge *edges = malloc((graphing->edges + 1) * sizeof *edges);
    struct grid grid;
    bool goes_on = true;
    size_t at = 0;

    if (edges == NULL)
        return false;
    for (size_t i = 0; i < graphing->edges; i++)
        edges[i] = graph_edge(graphing, i);
    qsort(edges, graphing->edges, sizeof *edges, compare_upper);
    grid_init(&grid, graphing->scoping->session, "graph", columns, COLUMN_COUNT(columns));
    grid_spare(&grid, "last labels");
    for (size_t i = 0; goes_on && i < graphing->nodes; i++) {
        flume_graph_node node = graph_node(graphing, i);
        struct listing covers = {.count = 0};

        grid_seq(&grid, node.first_seq);
        grid_seq(&grid, node.last_seq);
        grid_count(&grid, node.scopes);
        put_keys(&grid, &node, true);
        list_begin(&covers);
        for (; at < graphing->edges && edges[at].upper == i; at++)
            list_cover(graphing, &covers, &edges[at]);
        list_put(&covers, &grid);
        put_keys(&grid, &node, false);
        goes_on = grid_end_row(&grid); /* A failure shows when stdout is flushed. */
    }
    free(edges);
    return true;
}

/* ---- texts ---- */

static int write_file(struct session *session, const struct text *text, const char *path)
{
    struct output_file file;
    int status = output_file_begin(&file, path);

    if (status == 0) {
        /* A failure shows when it is committed: the stream remembers it. */
        (void)fwrite(text->data, 1, text->bytes, file.stream);
        status = output_file_commit(&file);
    }
    return status == 0 ? CODE_OK : report(session, ERROR_FILE_UNWRITABLE, path, strerror(-status));
}

static void say_written(struct graphing *graphing, const char *path)
{
    struct session *session = graphing->scoping->session;
    struct text what = {0};

    graph_add_what(graphing, &what);
    session_writes_text(session);
    note(session, "%s  %s", path, text_c_string(&what));
    text_deinit(&what);
}

static int give_text(struct graphing *graphing, const struct text *text, const char *path)
{
    struct session *session = graphing->scoping->session;
    int code;

    if (path != NULL && strcmp(path, "-") != 0) {
        cancel_begin(session); /* The file is made wholly, or not at all. */
        code = write_file(session, text, path);
        cancel_end(session);
        if (code == CODE_OK)
            say_written(graphing, path);
        return code;
    }
    session_writes_text(session);
    text_add(&session->line, text->data, text->bytes);
    (void)session_emit_text(session); /* A failure shows when stdout is flushed. */
    return CODE_OK;
}

/* ---- what is shown ---- */

static enum graph_format format_of(const struct session *session)
{
    const struct option_use *use = invocation_option(session->invocation, OPTION_GRAPH_FORMAT);

    if (use != NULL)
        return (enum graph_format)use->number;
    return session->mode_is_chosen ? FORMAT_ROWS : FORMAT_TREE;
}

static int show(struct graphing *graphing, enum graph_format format)
{
    static bool (*const forms[])(struct graphing *, struct text *) = {
        [FORMAT_TREE] = graph_tree, [FORMAT_DOT] = graph_dot, [FORMAT_SVG] = graph_svg};
    struct session *session = graphing->scoping->session;
    const struct option_use *output = invocation_option(session->invocation, OPTION_OUTPUT);
    struct text text = {0};
    int code;

    if (format == FORMAT_ROWS)
        return put_rows(graphing) ? CODE_OK : report(session, ERROR_NO_MEMORY);
    if (forms[format](graphing, &text))
        code = give_text(graphing, &text, output != NULL ? output->text : NULL);
    else
        code = report(session, ERROR_NO_MEMORY);
    text_deinit(&text);
    return code;
}

/* What is not to be seen. */
static void note_left_out(struct graphing *graphing)
{
    const flume_graph_info *info = &graphing->info;
    struct session *session = graphing->scoping->session;
    struct text words = {0};

    if (info->scopes_left_out > 0) {
        graph_add_count(&words, info->scopes_left_out, "scope", "scopes");
        if (info->shapes_left_out > 0) {
            text_string(&words, " of ");
            graph_add_count(&words, info->shapes_left_out, "other shape", "other shapes");
        }
        note(session, "%s left out: -n N shows more, up to %d; A..B or -l others",
             text_c_string(&words), (int)FLUME_GRAPH_NODES_MAX);
    }
    text_clear(&words);
    if (info->edges_left_out > 0) {
        graph_add_count(&words, info->edges_left_out, "cover", "covers");
        note(session, "%s left out", text_c_string(&words));
    }
    text_clear(&words);
    if (info->unreadable > 0) {
        graph_add_count(&words, info->unreadable, "record", "records");
        warn(session, "%s damaged or lost: passed over", text_c_string(&words));
    }
    text_deinit(&words);
}

/* ---- the command ---- */

static int take_labels(struct graphing *graphing, flume_graph_options *options, const char ***out)
{
    const struct invocation *invocation = graphing->scoping->session->invocation;
    const char **labels = calloc(invocation->option_count + 1, sizeof *labels);

    if (labels == NULL)
        return report(graphing->scoping->session, ERROR_NO_MEMORY);
    for (size_t i = 0; i < invocation->option_count; i++)
        if (invocation->options[i].id == OPTION_WITH_LABEL)
            labels[options->label_count++] = invocation->options[i].text;
    options->labels = labels;
    *out = labels;
    return CODE_OK;
}

static int take_places(struct graphing *graphing, flume_graph_options *options)
{
    struct session *session = graphing->scoping->session;
    const struct invocation *invocation = session->invocation;
    const struct option_use *around = invocation_option(invocation, OPTION_AROUND);
    flume_cursor_options range = {.flags = 0};
    int code = CODE_OK;

    if (invocation->operand_count == 1)
        code = resolve_range(session, session->log, &invocation->operands[0], &range);
    if (code != CODE_OK)
        return code;
    options->gte_seq = range.gte;
    if ((range.bounds & FLUME_LT) != 0) {
        options->lt_seq = range.lt;
        if (range.lt == 0) { /* Nothing lies before the first record; 0 would be the head. */
            options->lt_seq = 1;
            options->gte_seq = 1;
        }
    }
    options->is_around = around != NULL;
    if (around != NULL)
        code = resolve(session, session->log, &around->reference,
                       (struct reference_place){around->token, around->text_at, 0},
                       &options->around_seq);
    return code;
}

static int check_nodes(struct session *session, uint64_t nodes)
{
    const struct option_use *use = invocation_option(session->invocation, OPTION_NODES_MAX);

    if (use == NULL || (nodes > 0 && nodes <= FLUME_GRAPH_NODES_MAX))
        return CODE_OK;
    return report_at(session, (struct reference_place){use->token, use->text_at, 0},
                     ERROR_GRAPH_NODES, (int)FLUME_GRAPH_NODES_MAX);
}

/* Whether the options fit each other, before the basin is opened. */
int scope_form_check_graph(struct session *session)
{
    const struct option_use *output = invocation_option(session->invocation, OPTION_OUTPUT);
    int code =
        check_nodes(session, invocation_number(session->invocation, OPTION_NODES_MAX, NODES_USUAL));

    if (code == CODE_OK && output != NULL && format_of(session) == FORMAT_ROWS)
        return report_at(session, (struct reference_place){.token = output->token},
                         ERROR_GRAPH_ROWS_FILE);
    return code;
}

/* ---- while it is made ---- */

static void on_progress(void *progress_ctx, uint64_t done, uint64_t total)
{
    struct graphing *graphing = progress_ctx;

    graphing->done = done;
    graphing->total = total;
    progress_update(&graphing->progress, done, total);
}

static bool is_stopped(void *give_up_ctx)
{
    const struct graphing *graphing = give_up_ctx;

    return asking_stopped(&graphing->scoping->asking);
}

static int report_failure(struct graphing *graphing, int status)
{
    struct session *session = graphing->scoping->session;

    if (status != FLUME_ERR_CANCELLED || session_stopped(session) == 0)
        return asking_report(&graphing->scoping->asking, status);
    return cancel_report(session, &(struct cancelled){.done = graphing->done,
                                                      .total = graphing->total,
                                                      .units = "records",
                                                      .did = "looked at"});
}

static int gather(struct graphing *graphing)
{
    struct session *session = graphing->scoping->session;
    flume_graph_options options = {
        .ask = graphing->scoping->asking.ask,
        .progress = on_progress,
        .progress_ctx = graphing,
        .nodes_max = (size_t)invocation_number(session->invocation, OPTION_NODES_MAX, NODES_USUAL)};
    const char **labels = NULL;
    int code = take_places(graphing, &options), status;

    if (code == CODE_OK)
        code = take_labels(graphing, &options, &labels);
    if (code != CODE_OK)
        return code;
    if (options.is_around || invocation_has(session->invocation, OPTION_SINGLE_SCOPES))
        options.by = FLUME_GRAPH_BY_SCOPE;
    options.ask.give_up = is_stopped;
    options.ask.give_up_ctx = graphing;
    progress_begin(&graphing->progress, session, "graph", PROGRESS_COUNT);
    status = flume_graph_create(&graphing->graph, session->flume, &options);
    progress_end(&graphing->progress);
    free(labels);
    if (status != FLUME_OK)
        return report_failure(graphing, status);
    graphing->by_scope = options.by == FLUME_GRAPH_BY_SCOPE;
    graphing->is_around = options.is_around;
    graphing->nodes = flume_graph_node_count(graphing->graph);
    graphing->edges = flume_graph_edge_count(graphing->graph);
    flume_graph_info_of(graphing->graph, &graphing->info);
    return CODE_OK;
}

int scope_form_graph(struct scoping *scoping)
{
    struct session *session = scoping->session;
    struct graphing graphing = {.scoping = scoping};
    int code = gather(&graphing);

    if (code == CODE_OK) {
        code = show(&graphing, format_of(session));
        note_left_out(&graphing);
    }
    if (code == CODE_OK && graphing.nodes == 0 &&
        !invocation_has(session->invocation, OPTION_NO_FAIL_EMPTY))
        code = CODE_NO;
    flume_graph_destroy(graphing.graph);
    return code;
}
