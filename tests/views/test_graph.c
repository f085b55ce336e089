/*
 * test_graph.c - the graph of scopes: its edges are the covers that brute force finds, by scope and
 * by shape, of all scopes, of some, and around one; and what is left out is told.
 *
 *   FLUME_TEST_LONG  more of everything
 */
#include "containment_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "flume/scope_graph.h"

static flume_graph *make_graph(struct scope_trial *trial, const flume_graph_options *options)
{
    flume_graph *graph = NULL;

    assert_int_equal(flume_graph_create(&graph, trial->fx->handle, options), FLUME_OK);
    return graph;
}

static flume_graph_node node_at(const flume_graph *graph, size_t index)
{
    flume_graph_node node;

    assert_true(flume_graph_node_at(graph, index, &node));
    return node;
}

static flume_graph_info info_of(const flume_graph *graph)
{
    flume_graph_info info;

    flume_graph_info_of(graph, &info);
    return info;
}

static uint64_t edge_between(const flume_graph *graph, size_t lower, size_t upper)
{
    flume_graph_edge edge;
    uint64_t scopes = 0;

    for (size_t i = 0; flume_graph_edge_at(graph, i, &edge); i++)
        if (edge.lower == lower && edge.upper == upper) {
            assert_int_equal(scopes, 0); /* Once. */
            assert_true(edge.scopes > 0);
            scopes = edge.scopes;
        }
    return scopes;
}

static bool has_key(const flume_graph_node *node, const char *key)
{
    for (size_t i = 0; i < node->key_count; i++)
        if (strcmp(node->keys[i], key) == 0)
            return true;
    return false;
}

static void store_many(struct scope_trial *trial, scope_maker maker, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct text_scope texts;

        maker(trial, &texts);
        (void)store(trial, &texts);
    }
}

/* ---- covers ---- */

/* Each pair of nodes, each of which is one scope. @return how many covers there are. */
static size_t expect_covers(struct scope_trial *trial, const flume_graph *graph, uint64_t first_seq,
                            uint64_t last_seq)
{
    size_t count = flume_graph_node_count(graph), covers = 0;

    for (size_t lower = 0; lower < count; lower++)
        for (size_t upper = 0; upper < count; upper++) {
            bool expected = oracle_is_cover(trial->oracle, node_at(graph, lower).first_seq,
                                            node_at(graph, upper).first_seq, first_seq, last_seq);

            assert_int_equal(edge_between(graph, lower, upper), expected);
            covers += expected;
        }
    assert_int_equal(flume_graph_edge_count(graph), covers);
    return covers;
}

static size_t with_variables(const struct scope_trial *trial)
{
    flume_scope *scope;
    size_t count = 0;

    for (size_t i = 0; i < oracle_count(trial->oracle); i++) {
        assert_int_equal(flume_scope_read(trial->fx->handle, oracle_seq(trial->oracle, i), &scope),
                         FLUME_OK);
        count += flume_scope_count(scope) > 0;
        flume_scope_destroy(scope);
    }
    return count;
}

static void compare_scopes(struct find_fixture *fx, scope_maker maker)
{
    const flume_graph_options options = {.by = FLUME_GRAPH_BY_SCOPE};
    struct scope_trial trial;
    flume_graph *graph;

    scope_trial_begin(&trial, fx);
    store_many(&trial, maker, at_length(120, 400));
    graph = make_graph(&trial, &options);
    assert_int_equal(flume_graph_node_count(graph), with_variables(&trial));
    assert_int_equal(info_of(graph).scopes_left_out, 0);
    assert_true(expect_covers(&trial, graph, 0, UINT64_MAX) > 0);
    flume_graph_destroy(graph);
    scope_trial_end(&trial);
}

/* Which node has the shape of a scope. */
static size_t node_of(struct scope_trial *trial, const flume_graph *graph, uint64_t seq)
{
    flume_scope *scope;
    flume_variable variable;
    size_t found = SIZE_MAX;

    assert_int_equal(flume_scope_read(trial->fx->handle, seq, &scope), FLUME_OK);
    for (size_t i = 0; flume_scope_count(scope) > 0 && i < flume_graph_node_count(graph); i++) {
        flume_graph_node node = node_at(graph, i);
        bool same = node.key_count == flume_scope_count(scope) + flume_scope_label_count(scope);
        char label[FLUME_SCOPE_KEY_BYTES_MAX];

        for (size_t k = 0; same && flume_scope_at(scope, k, &variable); k++)
            same = has_key(&node, variable.key);
        for (size_t k = 0; same && k < flume_scope_label_count(scope); k++) {
            (void)snprintf(label, sizeof label, "@label/%s", flume_scope_label_at(scope, k));
            same = has_key(&node, label);
        }
        if (same)
            found = i;
    }
    flume_scope_destroy(scope);
    return found;
}

static void compare_shapes(struct find_fixture *fx, scope_maker maker)
{
    struct scope_trial trial;
    flume_graph *graph;
    size_t scopes, nodes;
    uint64_t *expected;
    size_t *node;

    scope_trial_begin(&trial, fx);
    store_many(&trial, maker, at_length(150, 500));
    graph = make_graph(&trial, NULL);
    scopes = oracle_count(trial.oracle);
    nodes = flume_graph_node_count(graph);
    expected = calloc(nodes * nodes, sizeof *expected);
    node = calloc(scopes, sizeof *node);
    for (size_t i = 0; i < scopes; i++)
        node[i] = node_of(&trial, graph, oracle_seq(trial.oracle, i));
    for (size_t i = 0; i < scopes; i++)
        for (size_t k = 0; k < scopes; k++)
            if (oracle_is_cover(trial.oracle, oracle_seq(trial.oracle, i),
                                oracle_seq(trial.oracle, k), 0, UINT64_MAX))
                expected[node[i] * nodes + node[k]]++;
    for (size_t i = 0; i < nodes; i++) {
        uint64_t of_shape = 0;

        for (size_t k = 0; k < scopes; k++)
            of_shape += node[k] == i;
        assert_int_equal(node_at(graph, i).scopes, of_shape);
        for (size_t k = 0; k < nodes; k++)
            assert_int_equal(edge_between(graph, i, k), expected[i * nodes + k]);
    }
    free(expected);
    free(node);
    flume_graph_destroy(graph);
    scope_trial_end(&trial);
}

/* All that is related to a scope, and no more. */
static void compare_around(struct find_fixture *fx, scope_maker maker)
{
    struct scope_trial trial;

    scope_trial_begin(&trial, fx);
    store_many(&trial, maker, at_length(150, 500));
    for (size_t i = 0; i < oracle_count(trial.oracle); i += 7) {
        uint64_t seq = oracle_seq(trial.oracle, i);
        const flume_graph_options options = {
            .by = FLUME_GRAPH_BY_SCOPE, .is_around = true, .around_seq = seq};
        size_t related = 1;
        flume_graph *graph = NULL;
        int status = flume_graph_create(&graph, fx->handle, &options);

        if (status == FLUME_ERR_NOT_FOUND) /* Nothing but labels. */
            continue;
        assert_int_equal(status, FLUME_OK);
        for (size_t k = 0; k < oracle_count(trial.oracle); k++)
            related += oracle_is_within(trial.oracle, seq, oracle_seq(trial.oracle, k)) ||
                       oracle_is_within(trial.oracle, oracle_seq(trial.oracle, k), seq);
        assert_int_equal(flume_graph_node_count(graph), related);
        assert_int_equal(node_at(graph, info_of(graph).around).first_seq, seq);
        (void)expect_covers(&trial, graph, 0, UINT64_MAX);
        flume_graph_destroy(graph);
    }
    scope_trial_end(&trial);
}

#define BY_BRUTE_FORCE(kind)                                       \
    static void covers_of_##kind(void **state)                     \
    {                                                              \
        compare_scopes(*state, kind);                              \
    }                                                              \
    static void covers_between_shapes_of_##kind(void **state)      \
    {                                                              \
        compare_shapes(*state, kind);                              \
    }                                                              \
    static void all_that_is_related_to_one_of_##kind(void **state) \
    {                                                              \
        compare_around(*state, kind);                              \
    }

BY_BRUTE_FORCE(few_keys)
BY_BRUTE_FORCE(optional_flags)
BY_BRUTE_FORCE(hostile)
BY_BRUTE_FORCE(all_common)

/* ---- what is looked at ---- */

/* {a}, {a b}, {a b c}, ...: each covers the one before; all labelled. @return the first one's
 * seq. */
static uint64_t store_chain(struct scope_trial *trial, unsigned length)
{
    struct text_scope texts = {.count = 0};
    uint64_t first = 0;

    text_scope_add_label(&texts, "chain");
    for (unsigned i = 0; i < length; i++) {
        text_scope_add(&texts, key_name(i), 1);
        uint64_t seq = store(trial, &texts);

        first = i == 0 ? seq : first;
    }
    return first;
}

static void only_a_range_is_looked_at(void **state)
{
    flume_graph_options options = {.by = FLUME_GRAPH_BY_SCOPE};
    struct scope_trial trial;
    struct text_scope texts = {.count = 0};
    uint64_t seqs[4];
    flume_graph *graph;
    static const unsigned keys[4] = {1, 3, 2, 4}; /* That with two keys lies outside. */

    scope_trial_begin(&trial, *state);
    for (size_t i = 0; i < 4; i++) {
        texts.count = 0;
        for (unsigned k = 0; k < keys[i]; k++)
            text_scope_add(&texts, key_name(k), 1);
        seqs[i] = store(&trial, &texts);
    }
    options.lt_seq = seqs[2];
    graph = make_graph(&trial, &options);
    assert_int_equal(flume_graph_node_count(graph), 2);
    assert_int_equal(expect_covers(&trial, graph, 0, seqs[1]), 1);
    flume_graph_destroy(graph);
    options = (flume_graph_options){.by = FLUME_GRAPH_BY_SCOPE, .gte_seq = seqs[2]};
    graph = make_graph(&trial, &options);
    assert_int_equal(flume_graph_node_count(graph), 2);
    assert_int_equal(expect_covers(&trial, graph, seqs[2], UINT64_MAX), 1);
    flume_graph_destroy(graph);
    options = (flume_graph_options){.by = FLUME_GRAPH_BY_SCOPE,
                                    .ask = {.flags = FLUME_ASK_AS_OF, .as_of = seqs[1]}};
    graph = make_graph(&trial, &options);
    assert_int_equal(flume_graph_node_count(graph), 1);
    flume_graph_destroy(graph);
    scope_trial_end(&trial);
}

static void only_scopes_with_a_label_are_looked_at(void **state)
{
    static const char *const labels[] = {"other", "chain"};
    flume_graph_options options = {.labels = labels, .label_count = 1};
    struct text_scope texts = {.count = 0};
    struct scope_trial trial;
    flume_graph *graph;

    scope_trial_begin(&trial, *state);
    (void)store_chain(&trial, 3);
    text_scope_add(&texts, "n", 1);
    text_scope_add_label(&texts, "other");
    (void)store(&trial, &texts);
    graph = make_graph(&trial, &options);
    assert_int_equal(flume_graph_node_count(graph), 1);
    assert_true(has_key(&(flume_graph_node[]){node_at(graph, 0)}[0], "@label/other"));
    flume_graph_destroy(graph);
    options.label_count = 2; /* One or the other. */
    graph = make_graph(&trial, &options);
    assert_int_equal(flume_graph_node_count(graph), 4);
    flume_graph_destroy(graph);
    scope_trial_end(&trial);
}

static void nodes_beyond_the_bound_are_counted(void **state)
{
    flume_graph_options options = {.nodes_max = 3};
    struct scope_trial trial;
    flume_graph *graph;
    flume_graph_info info;
    uint64_t first;

    scope_trial_begin(&trial, *state);
    first = store_chain(&trial, 8);
    graph = make_graph(&trial, &options);
    info = info_of(graph);
    assert_int_equal(flume_graph_node_count(graph), 3);
    assert_int_equal(info.scopes, 3);
    assert_int_equal(info.scopes_left_out, 5);
    assert_int_equal(info.shapes_left_out, 5);
    assert_int_equal(node_at(graph, 0).first_seq, first); /* Those that came first. */
    assert_int_equal(flume_graph_edge_count(graph), 2);
    flume_graph_destroy(graph);
    scope_trial_end(&trial);
}

/* Of a chain through the middle one those next to it. */
static void around_a_scope_the_nearest_are_kept(void **state)
{
    flume_graph_options options = {.by = FLUME_GRAPH_BY_SCOPE, .nodes_max = 5, .is_around = true};
    struct scope_trial trial;
    flume_graph *graph;
    uint64_t first;

    scope_trial_begin(&trial, *state);
    first = store_chain(&trial, 20);
    options.around_seq = first + 9;
    graph = make_graph(&trial, &options);
    assert_int_equal(flume_graph_node_count(graph), 5);
    assert_int_equal(info_of(graph).around, 2);
    assert_int_equal(info_of(graph).scopes_left_out, 15);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(node_at(graph, i).first_seq, first + 7 + i);
    assert_int_equal(flume_graph_edge_count(graph), 4);
    flume_graph_destroy(graph);
    scope_trial_end(&trial);
}

/* Links, records that say what they lack, and scopes that fast mode stored twice. */
static void records_of_every_form_are_one_scope_each(void **state)
{
    flume_graph_options options = {.by = FLUME_GRAPH_BY_SCOPE};
    struct text_scope large = {.count = 0}, small = {.count = 0};
    struct scope_trial trial;
    uint64_t full, link;
    flume_graph *graph;

    scope_trial_begin(&trial, *state);
    text_scope_add(&large, "a", 1);
    text_scope_add(&large, "b", 2);
    text_scope_add(&small, "a", 1);
    full = store(&trial, &large);
    (void)store(&trial, &large);
    (void)append_shadowed(&trial, &small, &large, full);
    (void)make_scope(&trial, &large);
    link = append_link(&trial, full, 3);
    graph = make_graph(&trial, &options);
    assert_int_equal(flume_graph_node_count(graph), 2);
    assert_int_equal(expect_covers(&trial, graph, 0, UINT64_MAX), 1);
    flume_graph_destroy(graph);
    options.is_around = true; /* A link leads to its scope. */
    options.around_seq = link;
    graph = make_graph(&trial, &options);
    assert_int_equal(node_at(graph, info_of(graph).around).first_seq, full);
    assert_int_equal(flume_graph_edge_count(graph), 1);
    flume_graph_destroy(graph);
    scope_trial_end(&trial);
}

static void a_basin_without_scopes_has_an_empty_graph(void **state)
{
    struct scope_trial trial;
    flume_graph *graph;
    flume_graph_node node;
    flume_graph_edge edge;

    scope_trial_begin(&trial, *state);
    graph = make_graph(&trial, NULL);
    assert_int_equal(flume_graph_node_count(graph), 0);
    assert_int_equal(flume_graph_edge_count(graph), 0);
    assert_false(flume_graph_node_at(graph, 0, &node));
    assert_false(flume_graph_edge_at(graph, 0, &edge));
    flume_graph_destroy(graph);
    flume_graph_destroy(NULL);
    scope_trial_end(&trial);
}

/* ---- errors ---- */

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void who_gives_up_is_told_so(void **state)
{
    const flume_graph_options options = {.ask = {.give_up = at_once}};
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    flume_graph *graph = NULL;

    scope_trial_begin(&trial, fx);
    store_many(&trial, few_keys, 1100);
    assert_int_equal(flume_graph_create(&graph, fx->handle, &options), FLUME_ERR_CANCELLED);
    assert_null(graph);
    scope_trial_end(&trial);
}

/* ---- while it is made ---- */

struct told {
    uint64_t done, total;
    size_t calls;
};

static void tell(void *ctx, uint64_t done, uint64_t total)
{
    struct told *told = ctx;

    assert_true(told->calls == 0 || total == told->total);
    assert_true(done >= told->done && done <= total);
    *told = (struct told){done, total, told->calls + 1};
}

static void how_far_it_has_come_is_told(void **state)
{
    struct told told = {.calls = 0};
    const flume_graph_options options = {.progress = tell, .progress_ctx = &told};
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    flume_graph *graph = NULL;

    scope_trial_begin(&trial, fx);
    store_many(&trial, few_keys, 300);
    assert_int_equal(flume_graph_create(&graph, fx->handle, &options), FLUME_OK);
    assert_true(told.calls >= 2 * 300 / 64);
    assert_int_equal(told.total, 2 * flume_log_head(fx->log));
    assert_true(told.done > told.total * 3 / 4); /* Both times. */
    flume_graph_destroy(graph);
    scope_trial_end(&trial);
}

static bool count_questions(void *ctx)
{
    size_t *questions = ctx;

    ++*questions;
    return false;
}

static void it_can_be_given_up_where_there_are_no_scopes(void **state)
{
    size_t questions = 0;
    const flume_graph_options options = {
        .ask = {.give_up = count_questions, .give_up_ctx = &questions}};
    const flume_entry entries[100] = {{.body = ""}};
    struct find_fixture *fx = *state;
    flume_graph *graph = NULL;

    for (size_t i = 0; i < 1500; i++)
        assert_int_equal(flume_log_append_many(fx->log, entries, 100, NULL, NULL), FLUME_OK);
    assert_int_equal(flume_graph_create(&graph, fx->handle, &options), FLUME_OK);
    assert_true(questions >= 3);
    flume_graph_destroy(graph);
}

static void what_cannot_be_is_refused(void **state)
{
    struct find_fixture *fx = *state;
    flume_graph_options options = {.by = FLUME_GRAPH_BY_SCOPE, .is_around = true};
    struct scope_trial trial;
    struct text_scope texts = {.count = 0};
    flume_graph *graph = NULL;

    scope_trial_begin(&trial, fx);
    text_scope_add_label(&texts, "bare");
    options.around_seq = append_json(fx->log, "{}");
    assert_int_equal(flume_graph_create(&graph, fx->handle, &options), FLUME_ERR_NOT_FOUND);
    expect_detail(fx->handle, FLUME_ERR_NOT_FOUND, "no scope");
    options.around_seq = store(&trial, &texts);
    assert_int_equal(flume_graph_create(&graph, fx->handle, &options), FLUME_ERR_NOT_FOUND);
    expect_detail(fx->handle, FLUME_ERR_NOT_FOUND, "no variables");
    options.around_seq = 4000;
    assert_true(flume_graph_create(&graph, fx->handle, &options) < 0);
    options.by = FLUME_GRAPH_BY_SHAPE;
    assert_int_equal(flume_graph_create(&graph, fx->handle, &options), FLUME_ERR_INVALID);
    options = (flume_graph_options){.nodes_max = FLUME_GRAPH_NODES_MAX + 1};
    assert_int_equal(flume_graph_create(&graph, fx->handle, &options), FLUME_ERR_INVALID);
    expect_detail(fx->handle, FLUME_ERR_INVALID, "10000");
    assert_int_equal(flume_graph_create(&graph, NULL, NULL), FLUME_ERR_INVALID);
    assert_null(graph);
    scope_trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        find_test(covers_of_few_keys),
        find_test(covers_of_optional_flags),
        find_test(covers_of_hostile),
        find_test(covers_of_all_common),
        find_test(covers_between_shapes_of_few_keys),
        find_test(covers_between_shapes_of_optional_flags),
        find_test(covers_between_shapes_of_hostile),
        find_test(covers_between_shapes_of_all_common),
        find_test(all_that_is_related_to_one_of_few_keys),
        find_test(all_that_is_related_to_one_of_optional_flags),
        find_test(all_that_is_related_to_one_of_hostile),
        find_test(all_that_is_related_to_one_of_all_common),
        find_test(only_a_range_is_looked_at),
        find_test(only_scopes_with_a_label_are_looked_at),
        find_test(nodes_beyond_the_bound_are_counted),
        find_test(around_a_scope_the_nearest_are_kept),
        find_test(records_of_every_form_are_one_scope_each),
        find_test(a_basin_without_scopes_has_an_empty_graph),
        find_test(who_gives_up_is_told_so),
        find_test(how_far_it_has_come_is_told),
        find_test(it_can_be_given_up_where_there_are_no_scopes),
        find_test(what_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
