/*
 * run_graph_dot.c - `flume graph` in the language of Graphviz (run_graph.h).
 */
#include <inttypes.h>

#include "run_graph.h"
#include "utf8.h"

enum { LABEL_CELLS = 80 };

/* In quotes: what is shown is safe to look at, and here '"' and '\' are more than themselves. */
static void add_quoted(struct text *target, const struct text *words)
{
    struct text shown = {0};

    (void)utf8_show(&shown, words->data, words->bytes, LABEL_CELLS);
    for (size_t i = 0; i < shown.bytes; i++) {
        if (shown.data[i] == '"' || shown.data[i] == '\\')
            text_char(target, '\\');
        text_char(target, shown.data[i]);
    }
    text_deinit(&shown);
}

static bool add_node(struct graphing *graphing, struct text *target, size_t index)
{
    struct text words = {0};
    bool good = graph_add_node(graphing, &words, index);

    text_format(target, "  s%" PRIu64 " [label=\"", graph_node(graphing, index).first_seq);
    add_quoted(target, &words);
    text_string(target, "\\n");
    text_clear(&words);
    graph_add_place(graphing, &words, index);
    add_quoted(target, &words);
    text_string(target, graphing->is_around && graphing->info.around == index ? "\", penwidth=3];\n"
                                                                              : "\"];\n");
    text_deinit(&words);
    return good;
}

static bool add_edge(struct graphing *graphing, struct text *target, size_t index)
{
    flume_graph_edge edge = graph_edge(graphing, index);
    struct text words = {0};
    bool good = graph_add_added(graphing, &words, &edge);

    text_format(target, "  s%" PRIu64 " -> s%" PRIu64 " [label=\"",
                graph_node(graphing, edge.lower).first_seq,
                graph_node(graphing, edge.upper).first_seq);
    add_quoted(target, &words);
    text_clear(&words);
    graph_add_share(graphing, &words, &edge);
    text_string(target, words.bytes > 0 ? "\\n" : "");
    add_quoted(target, &words);
    text_string(target, "\"];\n");
    text_deinit(&words);
    return good;
}

bool graph_dot(struct graphing *graphing, struct text *target)
{
    bool good = true;

    text_string(target, "digraph scopes {\n"
                        "  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
                        "  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (size_t i = 0; good && i < graphing->nodes; i++)
        good = add_node(graphing, target, i);
    for (size_t i = 0; good && i < graphing->edges; i++)
        good = add_edge(graphing, target, i);
    text_string(target, "}\n");
    return good && !target->failed;
}
