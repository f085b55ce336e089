/*
 * test_scope_delta.c - supersets that are stored as what they add: what is stored, that it reads as
 * what was committed, and what is told when that to which it adds is lost.
 */
#include "containment_fixture.h"

#include <string.h>

#include "flume/recorder.h"
#include "flume/scope_graph.h"

/* ---- verbs ---- */

static struct text_scope texts_of(const char *const words[])
{
    struct text_scope texts = {.count = 0};

    for (; words[texts.count] != NULL; texts.count++)
        strcpy(texts.texts[texts.count], words[texts.count]);
    return texts;
}

#define words(...) texts_of((const char *const[]){__VA_ARGS__, NULL})

struct delta_trial {
    struct scope_trial scopes;
    flume_recorder *recorder;
};

static void open_recorder(struct delta_trial *trial, unsigned flags)
{
    const flume_recorder_options options = {.flags = flags | FLUME_RECORDER_NO_OWN_LABEL};

    assert_int_equal(flume_recorder_open(&trial->recorder, trial->scopes.fx->handle, &options),
                     FLUME_OK);
}

static void begin_trial(struct delta_trial *trial, struct find_fixture *fx)
{
    scope_trial_begin(&trial->scopes, fx);
    open_recorder(trial, FLUME_RECORDER_STORE_DELTA);
}

static void end_trial(struct delta_trial *trial)
{
    struct find_fixture *fx = trial->scopes.fx;

    assert_int_equal(flume_recorder_close(trial->recorder), FLUME_OK);
    scope_trial_end(&trial->scopes);
    verify_view(fx, "superset");
    verify_view(fx, "scope");
}

/* Commit the scope that was made last. */
static flume_verdict commit_made(struct delta_trial *trial)
{
    flume_verdict verdict;

    assert_int_equal(flume_commit(trial->recorder, trial->scopes.scope, &verdict), FLUME_OK);
    return verdict;
}

static flume_verdict commit(struct delta_trial *trial, struct text_scope texts)
{
    (void)make_scope(&trial->scopes, &texts);
    return commit_made(trial);
}

/* The tape's entry of a record: with the scope that was committed last. */
static flume_tape_entry expect_on_tape(struct delta_trial *trial, uint64_t seq)
{
    const flume_cursor_options options = {.bounds = FLUME_GTE | FLUME_LTE, .gte = seq, .lte = seq};
    uint8_t id[FLUME_HASH_BYTES], told_id[FLUME_HASH_BYTES];
    flume_scope *scope, *read;
    flume_tape_entry entry;
    flume_tape *tape;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_tape_open(trial->scopes.fx->handle, &options, &tape), FLUME_OK);
    assert_int_equal(flume_tape_next(tape, 0, &entry, scope), FLUME_OK);
    flume_tape_close(tape);
    assert_int_equal(flume_scope_id(trial->scopes.scope, id), FLUME_OK);
    assert_int_equal(flume_scope_id(scope, told_id), FLUME_OK);
    assert_memory_equal(id, told_id, sizeof id);
    assert_memory_equal(id, entry.id, sizeof id);
    assert_int_equal(flume_scope_read(trial->scopes.fx->handle, seq, &read), FLUME_OK);
    assert_int_equal(flume_scope_id(read, told_id), FLUME_OK);
    assert_memory_equal(id, told_id, sizeof id);
    assert_int_equal(flume_scope_count(read), flume_scope_count(trial->scopes.scope));
    flume_scope_destroy(read);
    flume_scope_destroy(scope);
    return entry;
}

/* It is stored as so many variables that are added to the scope at base_seq; NONE: it is whole. */
static void expect_base(struct delta_trial *trial, uint64_t seq, uint64_t base_seq, size_t added)
{
    flume_scope *scope = NULL;
    uint64_t told = 0;
    int status = flume_scope_read_added(trial->scopes.fx->handle, seq, &scope, &told);

    assert_int_equal(expect_on_tape(trial, seq).base_seq, base_seq);
    if (base_seq == FLUME_SEQ_NONE) {
        assert_int_equal(status, FLUME_ERR_NOT_FOUND);
        return;
    }
    assert_int_equal(status, FLUME_OK);
    assert_int_equal(told, base_seq);
    assert_int_equal(flume_scope_count(scope), added);
    flume_scope_destroy(scope);
}

static size_t body_bytes(struct delta_trial *trial, uint64_t seq)
{
    flume_record record;
    size_t bytes;

    assert_int_equal(flume_log_get(trial->scopes.fx->log, seq, &record), FLUME_OK);
    bytes = record.body_bytes;
    flume_record_release(&record);
    return bytes;
}

/* ---- what is stored ---- */

static void a_superset_is_stored_as_what_it_adds(void **state)
{
    struct delta_trial trial;
    flume_verdict base, more;
    flume_tape_entry entry;

    begin_trial(&trial, *state);
    base = commit(&trial, words("@one", "a=1", "b=2"));
    expect_base(&trial, base.record_seq, FLUME_SEQ_NONE, 0);
    more = commit(&trial, words("@one", "@two", "A=0", "a=1", "b=2", "c=3"));
    assert_int_equal(more.kind, FLUME_SUPERSET);
    assert_int_equal(more.seq, base.record_seq);
    assert_int_equal(more.key_count, 3);
    expect_base(&trial, more.record_seq, base.record_seq, 2);
    entry = expect_on_tape(&trial, more.record_seq);
    assert_int_equal(entry.kind, FLUME_SUPERSET);
    assert_int_equal(entry.extends_seq, base.record_seq);
    assert_int_equal(entry.target_seq, FLUME_SEQ_NONE);
    end_trial(&trial);
}

static void without_the_flag_a_superset_is_stored_whole(void **state)
{
    struct delta_trial trial;
    flume_verdict verdict;

    begin_trial(&trial, *state);
    (void)commit(&trial, words("a=1"));
    assert_int_equal(flume_recorder_close(trial.recorder), FLUME_OK);
    open_recorder(&trial, 0);
    verdict = commit(&trial, words("a=1", "b=2"));
    assert_int_equal(verdict.kind, FLUME_SUPERSET);
    expect_base(&trial, verdict.record_seq, FLUME_SEQ_NONE, 0);
    end_trial(&trial);
}

static void a_label_alone_is_added(void **state)
{
    struct delta_trial trial;
    flume_verdict base, more;

    begin_trial(&trial, *state);
    base = commit(&trial, words("@one", "a=1"));
    more = commit(&trial, words("@one", "@two", "a=1"));
    assert_int_equal(more.kind, FLUME_SUPERSET);
    expect_base(&trial, more.record_seq, base.record_seq, 0);
    end_trial(&trial);
}

/* Twenty variables, of which each scope has one more: all add to the first one. */
static void a_delta_is_never_added_to_a_delta(void **state)
{
    struct delta_trial trial;
    struct text_scope texts = {.count = 0};
    uint64_t first_seq = 0, last_seq = 0;

    begin_trial(&trial, *state);
    for (unsigned i = 0; i < 20; i++) {
        flume_verdict verdict;

        text_scope_add(&texts, key_name((i * 7) % 20), i);
        verdict = commit(&trial, texts);
        if (i == 0) {
            first_seq = verdict.record_seq;
        } else {
            assert_int_equal(verdict.extends_seq, last_seq);
            assert_int_equal(verdict.key_count, 1);
            expect_base(&trial, verdict.record_seq, first_seq, i);
        }
        last_seq = verdict.record_seq;
    }
    end_trial(&trial);
}

static void a_duplicate_of_a_delta_is_a_link_to_it(void **state)
{
    struct find_fixture *fx = *state;
    struct delta_trial trial;
    flume_verdict more, again;

    begin_trial(&trial, fx);
    (void)commit(&trial, words("a=1", "b=2"));
    more = commit(&trial, words("a=1", "b=2", "c=3"));
    assert_int_equal(flume_recorder_close(trial.recorder), FLUME_OK);
    find_reopen(fx);
    open_recorder(&trial, FLUME_RECORDER_STORE_DELTA);
    again = commit(&trial, words("a=1", "b=2", "c=3"));
    assert_int_equal(again.kind, FLUME_DUP);
    assert_int_equal(again.seq, more.record_seq);
    assert_memory_equal(again.id, more.id, sizeof more.id);
    assert_int_equal(flume_recorder_flush(trial.recorder), FLUME_OK);
    assert_int_equal(expect_on_tape(&trial, flume_log_head(fx->log) - 1).kind, FLUME_DUP);
    assert_int_equal(commit(&trial, words("a=1", "b=2", "c=4")).kind, FLUME_SUPERSET);
    end_trial(&trial);
}

static void what_lies_within_a_delta_is_stored_whole(void **state)
{
    struct delta_trial trial;
    flume_verdict more, part;

    begin_trial(&trial, *state);
    (void)commit(&trial, words("a=1", "b=2"));
    more = commit(&trial, words("a=1", "b=2", "c=3"));
    part = commit(&trial, words("b=2", "c=3"));
    assert_int_equal(part.kind, FLUME_SUBSET);
    assert_int_equal(part.seq, more.record_seq);
    expect_base(&trial, part.record_seq, FLUME_SEQ_NONE, 0);
    assert_int_equal(expect_on_tape(&trial, part.record_seq).target_seq, more.record_seq);
    end_trial(&trial);
}

/* What is a link itself is no base: it is not in the log as variables. */
static void what_extends_a_subset_is_stored_whole(void **state)
{
    struct delta_trial trial;
    flume_verdict part, more;

    begin_trial(&trial, *state);
    (void)commit(&trial, words("a=1", "b=2"));
    part = commit(&trial, words("a=1"));
    assert_int_equal(part.kind, FLUME_SUBSET);
    more = commit(&trial, words("a=1", "c=3"));
    assert_int_equal(more.kind, FLUME_SUPERSET);
    assert_int_equal(more.seq, part.record_seq);
    expect_base(&trial, more.record_seq, FLUME_SEQ_NONE, 0);
    end_trial(&trial);
}

/* The same content: as a blob there, as a hash here. */
static void what_is_stored_otherwise_there_is_stored_whole(void **state)
{
    struct text_scope texts = words("a=1");
    struct delta_trial trial;
    flume_verdict more;

    begin_trial(&trial, *state);
    (void)make_scope(&trial.scopes, &texts);
    (void)flume_scope_set_content(trial.scopes.scope, "state", "double[]", "content", 7);
    (void)commit_made(&trial);
    texts = words("a=1", "b=2");
    (void)make_scope(&trial.scopes, &texts);
    (void)flume_scope_set_content(trial.scopes.scope, "state", "double[]", "content", 7);
    (void)flume_scope_classify(trial.scopes.scope, "state", FLUME_CLASS_HASH);
    more = commit_made(&trial);
    assert_int_equal(more.kind, FLUME_SUPERSET);
    expect_base(&trial, more.record_seq, FLUME_SEQ_NONE, 0);
    end_trial(&trial);
}

/* The same value: of a global variable there, of a local one here. */
static void what_was_global_there_is_stored_whole(void **state)
{
    flume_variable global = {.key = "g",
                             .type = "int",
                             .flags = FLUME_VARIABLE_GLOBAL,
                             .value = {.type = FLUME_VALUE_INT, .integer = 5}};
    struct text_scope texts = words("a=1");
    struct delta_trial trial;
    flume_verdict base, more;

    begin_trial(&trial, *state);
    (void)make_scope(&trial.scopes, &texts);
    assert_int_equal(flume_scope_set_variable(trial.scopes.scope, &global), FLUME_OK);
    base = commit_made(&trial);
    more = commit(&trial, words("a=1", "b=2", "g=5"));
    assert_int_equal(more.kind, FLUME_SUPERSET);
    assert_int_equal(more.seq, base.record_seq);
    expect_base(&trial, more.record_seq, FLUME_SEQ_NONE, 0);
    end_trial(&trial);
}

static void volatile_variables_are_those_of_the_commit(void **state)
{
    struct text_scope texts = words("a=1");
    struct delta_trial trial;
    flume_variable variable;
    flume_scope *read;
    flume_verdict base, more;

    begin_trial(&trial, *state);
    for (int i = 0; i < 2; i++) {
        if (i == 1)
            text_scope_add(&texts, "b", 2);
        (void)make_scope(&trial.scopes, &texts);
        assert_int_equal(flume_scope_set_time(trial.scopes.scope, "at", 5 + i), FLUME_OK);
        (void)flume_scope_classify(trial.scopes.scope, "at", FLUME_CLASS_VOLATILE);
        base = i == 0 ? commit_made(&trial) : base;
    }
    more = commit_made(&trial);
    expect_base(&trial, more.record_seq, base.record_seq, 2);
    assert_int_equal(
        flume_scope_read((*(struct find_fixture **)state)->handle, more.record_seq, &read),
        FLUME_OK);
    assert_true(flume_scope_get(read, "at", &variable));
    assert_int_equal(variable.value.integer, 6);
    flume_scope_destroy(read);
    end_trial(&trial);
}

static void of_twenty_variables_one_that_is_gained_is_stored_alone(void **state)
{
    struct text_scope texts = {.count = 0};
    struct delta_trial trial;
    flume_verdict base, more;

    begin_trial(&trial, *state);
    for (unsigned i = 0; i < 20; i++)
        text_scope_add(&texts, key_name(i), i);
    base = commit(&trial, texts);
    text_scope_add(&texts, "z", 7);
    more = commit(&trial, texts);
    /* The head, a seq, a pair of 11 bytes with its attribute, and two counts. */
    assert_int_equal(body_bytes(&trial, more.record_seq), 96 + 8 + 11 + 1 + 2);
    assert_true(body_bytes(&trial, base.record_seq) > 96 + 20 * 12);
    end_trial(&trial);
}

/* ---- what is asked of them ---- */

static void the_graph_has_their_keys(void **state)
{
    struct find_fixture *fx = *state;
    struct delta_trial trial;
    flume_graph_node node;
    flume_graph_edge edge;
    flume_graph *graph;

    begin_trial(&trial, fx);
    (void)commit(&trial, words("a=1", "b=2"));
    (void)commit(&trial, words("a=1", "b=2", "c=3"));
    assert_int_equal(flume_graph_create(&graph, fx->handle, NULL), FLUME_OK);
    assert_int_equal(flume_graph_node_count(graph), 2);
    assert_true(flume_graph_node_at(graph, 1, &node));
    assert_int_equal(node.key_count, 3);
    assert_string_equal(node.keys[0], "a");
    assert_int_equal(flume_graph_edge_count(graph), 1);
    assert_true(flume_graph_edge_at(graph, 0, &edge));
    assert_int_equal(edge.lower, 0);
    assert_int_equal(edge.upper, 1);
    flume_graph_destroy(graph);
    end_trial(&trial);
}

/* ---- what cannot be put together ---- */

/* Append the scope {a: 1, b: 2, c: 3} as added to {a: 1, b: 2}, which is said to stand at a seq. */
static uint64_t append_delta(struct delta_trial *trial, uint64_t base_seq)
{
    struct scope_stamp stamp = {
        .form = SCOPE_RECORD_DELTA, .extends_seq = base_seq, .target_seq = base_seq};
    struct text_scope part = words("a=1", "b=2"), whole = words("a=1", "b=2", "c=3");
    struct scope_trial other = {.fx = trial->scopes.fx};
    struct scope_buffer body = {.data = NULL};
    uint64_t seq;

    assert_int_equal(flume_scope_create(&other.scope), FLUME_OK);
    stamp.target_pairs = make_scope(&other, &part);
    (void)make_scope(&trial->scopes, &whole);
    assert_int_equal(scope_record_encode(trial->scopes.scope, &stamp, &body), FLUME_OK);
    assert_int_equal(
        flume_log_append_entry(
            trial->scopes.fx->log,
            &(flume_entry){.kind = FLUME_KIND_SCOPE, .body = body.data, .body_bytes = body.bytes},
            &seq),
        FLUME_OK);
    flume_scope_destroy(other.scope);
    scope_buffer_deinit(&body);
    return seq;
}

static void a_base_that_is_lost_is_named_and_what_was_added_is_there(void **state)
{
    struct find_fixture *fx = *state;
    struct delta_trial trial;
    uint64_t text_seq = append_kind(fx->log, FLUME_KIND_MESSAGE, "no scope"), seq, base_seq;
    flume_variable variable;
    flume_tape_entry entry;
    flume_scope *scope;
    flume_tape *tape;
    char word[64];

    begin_trial(&trial, fx);
    seq = append_delta(&trial, text_seq);
    (void)commit(&trial, words("d=4"));
    (void)snprintf(word, sizeof word, "scope at %llu, which", (unsigned long long)text_seq);
    expect_detail(fx->handle, flume_scope_read(fx->handle, seq, &scope), word);
    assert_int_equal(flume_scope_read_added(fx->handle, seq, &scope, &base_seq), FLUME_OK);
    assert_int_equal(base_seq, text_seq);
    assert_int_equal(flume_scope_count(scope), 1);
    assert_true(flume_scope_get(scope, "c", &variable));
    assert_int_equal(variable.value.integer, 3);
    assert_int_equal(flume_tape_open(fx->handle, NULL, &tape), FLUME_OK);
    expect_detail(fx->handle, flume_tape_next(tape, 0, &entry, scope), word);
    assert_int_equal(flume_tape_next(tape, 0, &entry, scope), FLUME_OK); /* It goes on behind. */
    assert_true(flume_scope_get(scope, "d", &variable));
    flume_tape_close(tape);
    flume_scope_destroy(scope);
    /* It is in no relation to others, as if it were not there. */
    assert_int_equal(commit(&trial, words("a=1", "b=2", "c=3")).kind, FLUME_NEW);
    end_trial(&trial);
}

static void what_does_not_make_the_scope_of_its_id_is_damaged(void **state)
{
    struct find_fixture *fx = *state;
    struct delta_trial trial;
    flume_scope *scope;
    uint64_t good, other, with_it, delta;

    begin_trial(&trial, fx);
    good = commit(&trial, words("a=1", "b=2")).record_seq;
    other = commit(&trial, words("a=1", "b=3")).record_seq;
    with_it = commit(&trial, words("b=2", "c=3")).record_seq; /* It has the key that is added. */
    delta = append_delta(&trial, good);
    assert_int_equal(flume_scope_read(fx->handle, delta, &scope), FLUME_OK);
    flume_scope_destroy(scope);
    for (size_t i = 0; i < 4; i++) {
        const uint64_t bases[] = {other, with_it, delta, delta + 1000};

        assert_int_equal(flume_scope_read(fx->handle, append_delta(&trial, bases[i]), &scope),
                         FLUME_ERR_DAMAGED);
    }
    end_trial(&trial);
}

static void only_what_has_all_of_it_is_added_to_a_scope(void **state)
{
    struct text_scope part = words("a=1", "b=2"), other = words("a=1", "c=3");
    struct scope_stamp stamp = {.form = SCOPE_RECORD_DELTA};
    struct scope_buffer body = {.data = NULL};
    struct scope_trial trial, smaller;

    scope_trial_begin(&trial, *state);
    scope_trial_begin(&smaller, *state);
    stamp.target_pairs = make_scope(&smaller, &part);
    (void)make_scope(&trial, &other);
    assert_int_equal(scope_record_encode(trial.scope, &stamp, &body), FLUME_ERR_INVALID);
    (void)make_scope(&trial, &part);
    assert_int_equal(scope_record_encode(trial.scope, &stamp, &body), FLUME_ERR_INVALID);
    scope_buffer_deinit(&body);
    scope_trial_end(&smaller);
    scope_trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        find_test(a_superset_is_stored_as_what_it_adds),
        find_test(without_the_flag_a_superset_is_stored_whole),
        find_test(a_label_alone_is_added),
        find_test(a_delta_is_never_added_to_a_delta),
        find_test(a_duplicate_of_a_delta_is_a_link_to_it),
        find_test(what_lies_within_a_delta_is_stored_whole),
        find_test(what_extends_a_subset_is_stored_whole),
        find_test(what_is_stored_otherwise_there_is_stored_whole),
        find_test(what_was_global_there_is_stored_whole),
        find_test(volatile_variables_are_those_of_the_commit),
        find_test(of_twenty_variables_one_that_is_gained_is_stored_alone),
        find_test(the_graph_has_their_keys),
        find_test(a_base_that_is_lost_is_named_and_what_was_added_is_there),
        find_test(what_does_not_make_the_scope_of_its_id_is_damaged),
        find_test(only_what_has_all_of_it_is_added_to_a_scope),
    };

    return cmocka_run_group_tests_name("scopes stored as deltas", tests, NULL, NULL);
}
