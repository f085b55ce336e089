/*
 * test_scope_chain.c - a recorder that chains: what encloses a scope is part of what it is.
 */
#include "rules_fixture.h"

#include "flume/recall.h"
#include "flume/scope_stage.h"

#include <stdlib.h>
#include <string.h>

#define CHAIN_KEY "@enclosing"

/* ---- verbs ---- */

static void chain(struct rules_fixture *fx, unsigned more_flags)
{
    const flume_recorder_options options = {.flags = FLUME_RECORDER_CHAIN | more_flags};

    reopen_recorder(fx, &options);
}

static flume_scope *enter(struct rules_fixture *fx, const char *text)
{
    flume_scope *scope;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    describe(scope, text);
    assert_int_equal(flume_scope_enter(fx->recorder, scope), FLUME_OK);
    return scope;
}

static void leave(struct rules_fixture *fx, flume_scope *scope)
{
    assert_int_equal(flume_scope_leave(fx->recorder, scope), FLUME_OK);
    flume_scope_destroy(scope);
}

/* A scope committed within another one, whose variables it shadows all. */
static flume_verdict commit_within(struct rules_fixture *fx, const char *outer, const char *inner)
{
    flume_scope *around = enter(fx, outer);
    flume_verdict verdict = commit(fx, inner);

    leave(fx, around);
    return verdict;
}

static void id_of(const char *text, uint8_t out_id[FLUME_HASH_BYTES])
{
    flume_scope *scope;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    describe(scope, text);
    assert_int_equal(flume_scope_id(scope, out_id), FLUME_OK);
    flume_scope_destroy(scope);
}

static flume_scope *read_at(struct rules_fixture *fx, uint64_t seq)
{
    flume_scope *scope;

    assert_int_equal(flume_scope_read(fx->views->flume, seq, &scope), FLUME_OK);
    return scope;
}

/* ---- what it is ---- */

static void without_it_only_what_is_inherited_counts(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict first = commit_within(fx, "a=1", "a=5 n=1"), second;

    second = commit_within(fx, "a=2", "a=5 n=1");
    assert_int_equal(second.kind, FLUME_DUP);
    assert_int_equal(second.seq, first.record_seq);
    assert_int_equal(class_at(fx, first.record_seq, CHAIN_KEY), FLUME_CLASS_IGNORE);
}

static void the_same_within_two_is_two_and_within_one_is_one(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict first, second, again;

    chain(fx, 0);
    first = commit_within(fx, "a=1", "a=5 n=1");
    second = commit_within(fx, "a=2", "a=5 n=1");
    assert_int_equal(first.kind, FLUME_NEW);
    assert_int_equal(second.kind, FLUME_NEW);
    again = commit_within(fx, "a=1", "a=5 n=1");
    assert_int_equal(again.kind, FLUME_DUP);
    assert_int_equal(again.seq, first.record_seq);
    chain(fx, 0);
    again = commit_within(fx, "a=2", "a=5 n=1");
    assert_int_equal(again.kind, FLUME_DUP);
    assert_int_equal(again.seq, second.record_seq);
}

static void the_id_is_that_of_the_format(void **state)
{
    uint8_t words[200] = "flume scope 1\0\12@enclosing\12", outer[FLUME_HASH_BYTES];
    static const uint8_t rest[] = "\12@label/run\0\13@label/step\0\1n\2\200\0\0\0\0\0\0\1";
    uint8_t made[FLUME_HASH_BYTES];
    char digits[FLUME_HASH_TEXT_BYTES + 1];
    struct rules_fixture *fx = *state;
    flume_verdict verdict;

    chain(fx, 0);
    verdict = commit_within(fx, "n=1 @run", "n=1 @step");
    id_of("n=1 @run", outer);
    memcpy(words + 26, outer, sizeof outer);
    memcpy(words + 26 + sizeof outer, rest, sizeof rest - 1);
    flume_hash(words, 26 + sizeof outer + sizeof rest - 1, made);
    assert_memory_equal(verdict.id, made, sizeof made);
    flume_hash_text(verdict.id, digits);
    assert_string_equal(digits, "f2bd919efb0bbb500fc56b87f1b38b27623d802e953c2b00c1bfc359819874fc");
}

static void it_is_the_id_that_the_enclosing_scope_is_committed_with(void **state)
{
    struct rules_fixture *fx = *state;
    flume_scope *outer, *middle, *read;
    flume_verdict around, verdict;
    flume_variable variable;

    chain(fx, 0);
    outer = enter(fx, "a=1 @outer");
    middle = enter(fx, "b=2 @middle");
    verdict = commit(fx, "n=1");
    around = commit_as_it_is(fx, middle);
    read = read_at(fx, verdict.record_seq);
    assert_true(flume_scope_get(read, CHAIN_KEY, &variable));
    assert_int_equal(variable.class_, FLUME_CLASS_HASH);
    assert_memory_equal(variable.value.content.hash, around.id, sizeof around.id);
    flume_scope_destroy(read);
    read = read_at(fx, around.record_seq);
    around = commit_as_it_is(fx, outer);
    assert_true(flume_scope_get(read, CHAIN_KEY, &variable));
    assert_memory_equal(variable.value.content.hash, around.id, sizeof around.id);
    flume_scope_destroy(read);
    assert_int_equal(class_at(fx, around.record_seq, CHAIN_KEY), FLUME_CLASS_IGNORE);
    leave(fx, middle);
    leave(fx, outer);
}

static void the_whole_chain_counts(void **state)
{
    struct rules_fixture *fx = *state;
    flume_scope *outer, *middle;
    flume_verdict verdicts[2];

    chain(fx, 0);
    for (int i = 0; i < 2; i++) {
        outer = enter(fx, i == 0 ? "a=1" : "a=2");
        middle = enter(fx, "a=3"); /* What it shadows makes the middle one two. */
        verdicts[i] = commit(fx, "a=3 n=1");
        leave(fx, middle);
        leave(fx, outer);
    }
    assert_int_equal(verdicts[0].kind, FLUME_NEW);
    assert_int_equal(verdicts[1].kind, FLUME_NEW);
}

/* ---- containment ---- */

static void what_is_gained_within_the_same_is_told(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict plain = commit(fx, "a=5"), first, larger, smaller;

    chain(fx, 0);
    first = commit_within(fx, "a=1", "a=5");
    assert_int_equal(first.kind, FLUME_SUPERSET);
    assert_int_equal(first.extends_seq, plain.record_seq);
    assert_int_equal(first.key_count, 1);
    assert_string_equal(first.keys[0], CHAIN_KEY);
    larger = commit_within(fx, "a=1", "a=5 y=1 z=1");
    assert_int_equal(larger.kind, FLUME_SUPERSET);
    assert_int_equal(larger.extends_seq, first.record_seq);
    assert_int_equal(larger.key_count, 2);
    smaller = commit_within(fx, "a=1", "a=5 z=1");
    assert_int_equal(smaller.kind, FLUME_SUBSET);
    assert_int_equal(smaller.seq, larger.record_seq);
    assert_int_equal(class_at(fx, smaller.record_seq, CHAIN_KEY), FLUME_CLASS_HASH);
    assert_int_equal(commit_within(fx, "a=2", "a=5 z=1").kind, FLUME_SUPERSET); /* Of plain. */
    smaller = commit(fx, "a=5 z=1"); /* Not chained: what it lacks is what encloses. */
    assert_int_equal(smaller.kind, FLUME_SUBSET);
    assert_string_equal(smaller.keys[0], CHAIN_KEY);
    flume_scope_destroy(read_at(fx, smaller.record_seq));
}

static void what_encloses_may_be_all_that_a_delta_adds(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict plain = commit(fx, "a=5 A=1"), first;
    uint8_t id[FLUME_HASH_BYTES];
    flume_scope *read;
    uint64_t base;

    chain(fx, FLUME_RECORDER_STORE_DELTA);
    first = commit_within(fx, "a=1 A=1", "a=5 A=1");
    assert_int_equal(flume_scope_read_added(fx->views->flume, first.record_seq, &read, &base),
                     FLUME_OK);
    assert_int_equal(base, plain.record_seq);
    assert_int_equal(flume_scope_count(read), 1);
    flume_scope_destroy(read);
    read = read_at(fx, first.record_seq);
    assert_int_equal(flume_scope_id(read, id), FLUME_OK);
    assert_memory_equal(id, first.id, sizeof id);
    flume_scope_destroy(read);
}

static void one_without_variables_is_within_nothing(void **state)
{
    const flume_recorder_options options = {.flags = FLUME_RECORDER_CHAIN |
                                                     FLUME_RECORDER_NO_OWN_LABEL};
    struct rules_fixture *fx = *state;
    flume_scope *outer;

    reopen_recorder(fx, &options);
    outer = enter(fx, "@run");
    assert_int_equal(commit(fx, "n=1 @run").kind, FLUME_NEW);
    assert_int_equal(commit(fx, "@run").kind, FLUME_NEW);
    assert_int_equal(commit(fx, "n=2 @run").kind, FLUME_NEW);
    leave(fx, outer);
}

/* ---- written and read ---- */

static void it_is_read_back_whole(void **state)
{
    struct rules_fixture *fx = *state;
    flume_scope *read, *again;
    uint8_t id[FLUME_HASH_BYTES];
    flume_verdict verdict, copy;
    char *json;

    chain(fx, 0);
    verdict = commit_within(fx, "A=1 z=2", "A=5 z=6");
    read = read_at(fx, verdict.record_seq);
    assert_int_equal(flume_scope_id(read, id), FLUME_OK);
    assert_memory_equal(id, verdict.id, sizeof id);
    assert_int_equal(flume_scope_to_json(read, &json), FLUME_OK);
    assert_int_equal(flume_scope_create(&again), FLUME_OK);
    assert_int_equal(flume_scope_from_json(again, json, strlen(json)), FLUME_OK);
    assert_int_equal(flume_scope_label(again, "test"), FLUME_OK);
    assert_int_equal(flume_scope_id(again, id), FLUME_OK);
    assert_memory_equal(id, verdict.id, sizeof id);
    flume_scope_free(json);
    copy = commit_as_it_is(fx, read); /* Enclosed by nothing now: it is what it was. */
    assert_int_equal(copy.kind, FLUME_DUP);
    assert_int_equal(copy.seq, verdict.record_seq);
    assert_int_equal(flume_scope_unset(again, CHAIN_KEY), FLUME_OK);
    assert_int_equal(commit_as_it_is(fx, again).kind, FLUME_SUBSET);
    flume_scope_destroy(again);
    flume_scope_destroy(read);
}

static void it_is_not_inherited(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict verdict;
    flume_scope *outer;

    chain(fx, 0);
    verdict = commit_within(fx, "a=1", "a=5 b=6");
    outer = read_at(fx, verdict.record_seq);
    reopen_recorder(fx, NULL);
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    verdict = commit(fx, "n=1");
    assert_int_equal(class_at(fx, verdict.record_seq, "b"), FLUME_CLASS_INLINE);
    assert_int_equal(class_at(fx, verdict.record_seq, CHAIN_KEY), FLUME_CLASS_IGNORE);
    leave(fx, outer);
}

static void staged_and_unasked_it_is_the_same(void **state)
{
    const flume_stage_options stage = {.flush_every = 0};
    struct rules_fixture *fx = *state;
    flume_verdict verdict;
    flume_scope *read;
    uint8_t id[FLUME_HASH_BYTES], staged[FLUME_HASH_BYTES];
    uint64_t last;

    chain(fx, 0);
    assert_int_equal(flume_recorder_stage(fx->recorder, &stage), FLUME_OK);
    memcpy(staged, commit_within(fx, "a=1", "a=5 n=1").id, sizeof staged);
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    assert_int_equal(flume_log_last(flume_log_of(fx->views->flume), FLUME_KIND_SCOPE, &last),
                     FLUME_OK);
    chain(fx, FLUME_RECORDER_FAST);
    verdict = commit_within(fx, "a=1", "a=5 n=1");
    read = read_at(fx, verdict.record_seq);
    assert_int_equal(flume_scope_id(read, id), FLUME_OK);
    assert_memory_equal(id, staged, sizeof id);
    flume_scope_destroy(read);
    chain(fx, 0);
    assert_int_equal(commit_within(fx, "a=1", "a=5 n=1").kind, FLUME_DUP);
    assert_true(last < verdict.record_seq);
}

static void nobody_else_may_set_it_to_anything_but_a_hash(void **state)
{
    struct rules_fixture *fx = *state;
    flume_value value = {.type = FLUME_VALUE_HASH};
    flume_variable global = {.key = CHAIN_KEY,
                             .type = "",
                             .class_ = FLUME_CLASS_HASH,
                             .flags = FLUME_VARIABLE_GLOBAL,
                             .value = value};

    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_set(fx->scope, CHAIN_KEY, &value), FLUME_OK);
    assert_int_equal(flume_scope_classify(fx->scope, CHAIN_KEY, FLUME_CLASS_VOLATILE),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_scope_set_variable(fx->scope, &global), FLUME_ERR_INVALID);
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_set_int(fx->scope, CHAIN_KEY, 1), FLUME_ERR_INVALID);
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_set(fx->scope, "@enclosings", &value), FLUME_ERR_INVALID);
}

/* ---- rules ---- */

static void it_is_made_by_the_rules(void **state)
{
    struct rules_fixture *fx = *state;
    flume_value seven = {.type = FLUME_VALUE_INT, .integer = 7};
    flume_verdict first, same;
    flume_scope *read;

    chain(fx, 0);
    first = commit_within(fx, "a=1 b=1", "a=5 b=6");
    assert_int_equal(flume_recorder_default(fx->recorder, "z", &seven), FLUME_OK);
    same = commit_within(fx, "a=1 b=1 z=7", "a=5 b=6");
    assert_int_equal(same.kind, FLUME_DUP);
    assert_int_equal(same.seq, first.record_seq);
    assert_int_equal(flume_recorder_filter(fx->recorder, "", "", FLUME_FILTER_EXCLUDE), FLUME_OK);
    assert_int_equal(flume_recorder_filter(fx->recorder, "", "^[ab]$", FLUME_FILTER_INCLUDE),
                     FLUME_OK);
    assert_int_equal(commit_within(fx, "a=1 b=1", "a=5 b=6").seq, first.record_seq);
    read = read_at(fx, first.record_seq);
    assert_int_equal(commit_as_it_is(fx, read).seq, first.record_seq); /* No filter is about it. */
    flume_scope_destroy(read);
    assert_int_equal(flume_recorder_filter(fx->recorder, "", "b", FLUME_FILTER_EXCLUDE), FLUME_OK);
    assert_int_not_equal(commit_within(fx, "a=1 b=1", "a=5 b=6").seq, first.record_seq);
}

static void an_enclosing_scope_that_has_no_id_is_told(void **state)
{
    struct rules_fixture *fx = *state;
    struct {
        int x;
    } a = {1};
    flume_scope *outer;

    chain(fx, 0);
    outer = enter(fx, "b=1");
    FLUME_CAPTURE(outer, a);
    describe(fx->scope, "a=1"); /* It shadows what nobody knows. */
    expect_refused(fx, FLUME_ERR_INVALID, "the scope that encloses this one");
    assert_int_equal(flume_scope_classify(outer, "a", FLUME_CLASS_IGNORE), FLUME_OK);
    (void)commit(fx, "a=1");
    leave(fx, outer);
}

static void what_was_seen_and_what_is_remembered_follow_it(void **state)
{
    struct rules_fixture *fx = *state;
    const flume_recall_options by_key = {.keys = (const char *const[]){"a"}, .key_count = 1};
    const flume_recall_options *ways[] = {NULL, &by_key};
    uint8_t addresses[2][2][FLUME_ADDRESS_BYTES];
    int seen[2];

    chain(fx, 0);
    (void)commit_within(fx, "a=1", "a=5");
    for (int i = 0; i < 2; i++) {
        flume_scope *outer = enter(fx, i == 0 ? "a=1" : "a=2");

        describe(fx->scope, "a=5");
        seen[i] = flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, NULL);
        for (int way = 0; way < 2; way++)
            assert_int_equal(
                flume_recall_address(fx->recorder, fx->scope, ways[way], addresses[way][i]),
                FLUME_OK);
        leave(fx, outer);
    }
    assert_int_equal(seen[0], FLUME_OK);
    assert_int_equal(seen[1], FLUME_ERR_NOT_FOUND);
    assert_memory_not_equal(addresses[0][0], addresses[0][1], FLUME_ADDRESS_BYTES);
    assert_memory_equal(addresses[1][0], addresses[1][1], FLUME_ADDRESS_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        rules_test(without_it_only_what_is_inherited_counts),
        rules_test(the_same_within_two_is_two_and_within_one_is_one),
        rules_test(the_id_is_that_of_the_format),
        rules_test(it_is_the_id_that_the_enclosing_scope_is_committed_with),
        rules_test(the_whole_chain_counts),
        rules_test(what_is_gained_within_the_same_is_told),
        rules_test(what_encloses_may_be_all_that_a_delta_adds),
        rules_test(one_without_variables_is_within_nothing),
        rules_test(it_is_read_back_whole),
        rules_test(it_is_not_inherited),
        rules_test(staged_and_unasked_it_is_the_same),
        rules_test(nobody_else_may_set_it_to_anything_but_a_hash),
        rules_test(it_is_made_by_the_rules),
        rules_test(an_enclosing_scope_that_has_no_id_is_told),
        rules_test(what_was_seen_and_what_is_remembered_follow_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
