/*
 * test_recorder.c - committing scopes: verdicts, links, scopes within scopes, the tape.
 */
#include "rules_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 1000, RACERS = 4, RACES = 200, UNASKED = 4000 };

/* ---- verbs ---- */

static void open_recorder(struct rules_fixture *fx, unsigned flags)
{
    flume_recorder_options options = {.flags = flags, .link_interval_ns = UINT64_C(3600000000000)};

    assert_int_equal(flume_recorder_open(&fx->recorder, fx->views->flume, &options), FLUME_OK);
}

static void close_recorder(struct rules_fixture *fx)
{
    assert_int_equal(flume_recorder_close(fx->recorder), FLUME_OK);
    fx->recorder = NULL;
}

static int tape_setup(void **state)
{
    if (rules_setup(state) != 0)
        return -1;
    close_recorder(*state);
    open_recorder(*state, 0);
    return 0;
}

#define tape_test(function) cmocka_unit_test_setup_teardown(function, tape_setup, rules_teardown)

static void expect_keys(const flume_verdict *verdict, const char *const expected[])
{
    size_t count = 0;

    while (expected[count] != NULL)
        count++;
    assert_int_equal(verdict->key_count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(verdict->keys[i], expected[i]);
}

#define keys(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- verdicts ---- */

static void a_scope_is_new_once_and_a_duplicate_ever_after(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict first = commit(fx, "a=1 b=2"), second, other;

    assert_int_equal(first.kind, FLUME_NEW);
    assert_int_equal(first.seq, FLUME_SEQ_NONE);
    other = commit(fx, "a=1 b=3");
    assert_int_equal(other.kind, FLUME_NEW);
    second = commit(fx, "b=2 a=1");
    assert_int_equal(second.kind, FLUME_DUP);
    assert_int_equal(second.seq, first.record_seq);
    assert_int_equal(second.record_seq, FLUME_SEQ_NONE);
    assert_memory_equal(second.id, first.id, sizeof first.id);
    close_recorder(fx);
    reopen_views(fx->views);
    open_recorder(fx, 0);
    second = commit(fx, "a=1 b=2");
    assert_int_equal(second.kind, FLUME_DUP);
    assert_int_equal(second.seq, first.record_seq);
}

static void what_was_gained_and_what_was_lost_is_named(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict small = commit(fx, "a=1 b=2"), large, middle, within;

    large = commit(fx, "a=1 b=2 y=8 z=9");
    assert_int_equal(large.kind, FLUME_SUPERSET);
    assert_int_equal(large.seq, small.record_seq);
    assert_int_equal(large.extends_seq, small.record_seq);
    expect_keys(&large, keys("y", "z"));
    middle = commit(fx, "a=1 b=2 z=9");
    assert_int_equal(middle.kind, FLUME_SUBSET);
    assert_int_equal(middle.seq, large.record_seq);
    assert_int_equal(middle.extends_seq, small.record_seq);
    expect_keys(&middle, keys("y"));
    within = commit(fx, "z=9");
    assert_int_equal(within.kind, FLUME_SUBSET);
    assert_int_equal(within.seq, large.record_seq);
    expect_keys(&within, keys("a", "b", "y"));
    assert_int_equal(commit(fx, "a=1 b=2 z=9").kind, FLUME_DUP);
    assert_int_equal(commit(fx, "a=1 b=2 z=9").seq, middle.record_seq);
    assert_int_equal(commit(fx, "a=1 b=2 z=8").kind, FLUME_SUPERSET); /* Of a=1 b=2. */
    assert_int_equal(commit(fx, "a=2 b=2 z=9").kind, FLUME_SUPERSET); /* Of z=9. */
    assert_int_equal(commit(fx, "a=7 b=7").kind, FLUME_NEW);
}

static void a_label_more_is_a_superset(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict verdict;

    (void)commit(fx, "a=1");
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_label(fx->scope, "second"), FLUME_OK);
    verdict = commit_as_it_is(fx, fx->scope);
    assert_int_equal(verdict.kind, FLUME_SUPERSET);
    expect_keys(&verdict, keys("@label/second"));
}

static void what_is_stored_as_a_link_reads_as_what_was_committed(void **state)
{
    struct rules_fixture *fx = *state;
    flume_scope *read;
    flume_verdict verdict;
    flume_variable variable;
    flume_record record;
    uint8_t id[FLUME_HASH_BYTES];

    (void)commit(fx, "a=1 b=2 c=3");
    describe(fx->scope, "a=1 c=3");
    verdict = commit_as_it_is(fx, fx->scope);
    assert_int_equal(verdict.kind, FLUME_SUBSET);
    assert_int_equal(flume_scope_read(fx->views->flume, verdict.record_seq, &read), FLUME_OK);
    assert_int_equal(flume_scope_count(read), 2);
    assert_true(flume_scope_get(read, "c", &variable));
    assert_int_equal(variable.value.integer, 3);
    assert_string_equal(flume_scope_label_at(read, 0), "test");
    assert_int_equal(flume_scope_id(read, id), FLUME_OK);
    assert_memory_equal(id, verdict.id, sizeof id);
    flume_scope_destroy(read);
    /* A link is shorter than what it stands for, and found by its label. */
    assert_int_equal(flume_log_get(flume_log_of(fx->views->flume), verdict.record_seq, &record),
                     FLUME_OK);
    assert_int_equal(record.kind, FLUME_KIND_SCOPE);
    assert_true(flume_record_has_label(&record, "test"));
    flume_record_release(&record);
    assert_int_equal(flume_scope_read(fx->views->flume, 0, &read), FLUME_ERR_NOT_FOUND);
}

static void equal_commits_are_counted_in_one_record(void **state)
{
    struct rules_fixture *fx = *state;
    flume_log *log = flume_log_of(fx->views->flume);
    flume_verdict first = commit(fx, "a=1");
    uint64_t head = flume_log_head(log);
    flume_scope_info info;

    for (unsigned i = 0; i < REPEATS; i++) {
        flume_value now = {.type = FLUME_VALUE_TIME, .integer = i};
        flume_variable variable = {.key = "when", .class_ = FLUME_CLASS_VOLATILE, .value = now};

        describe(fx->scope, "a=1");
        assert_int_equal(flume_scope_set_variable(fx->scope, &variable), FLUME_OK);
        assert_int_equal(commit_as_it_is(fx, fx->scope).kind, FLUME_DUP);
    }
    assert_int_equal(flume_log_head(log), head);
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    assert_int_equal(flume_log_head(log), head + 1);
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    assert_int_equal(flume_log_head(log), head + 1);
    assert_int_equal(flume_scope_find_id(fx->views->flume, NULL, first.id, &info), FLUME_OK);
    assert_int_equal(info.count, REPEATS + 1);
    assert_int_equal(info.first_seq, first.record_seq);
}

static void duplicates_of_two_scopes_are_two_links(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict first = commit(fx, "a=1"), second = commit(fx, "a=2");
    flume_scope_info info;

    for (unsigned i = 0; i < 3; i++) {
        (void)commit(fx, "a=1");
        (void)commit(fx, "a=2");
        (void)commit(fx, "a=2");
    }
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    assert_int_equal(flume_scope_find_id(fx->views->flume, NULL, first.id, &info), FLUME_OK);
    assert_int_equal(info.count, 4);
    assert_int_equal(flume_scope_find_id(fx->views->flume, NULL, second.id, &info), FLUME_OK);
    assert_int_equal(info.count, 7);
}

static void a_link_stands_before_what_is_committed_after_it(void **state)
{
    struct rules_fixture *fx = *state;
    flume_tape_entry entry;
    flume_tape *tape;
    static const enum flume_verdict_kind expected[] = {FLUME_NEW, FLUME_DUP, FLUME_DUP, FLUME_NEW,
                                                       FLUME_DUP};
    size_t count = sizeof expected / sizeof expected[0];

    (void)commit(fx, "a=1");
    (void)commit(fx, "a=1");
    (void)commit(fx, "a=1");
    (void)commit(fx, "a=2");
    (void)commit(fx, "a=1");
    close_recorder(fx);
    assert_int_equal(flume_tape_open(fx->views->flume, NULL, &tape), FLUME_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(flume_tape_next(tape, 0, &entry, fx->scope), FLUME_OK);
        assert_int_equal(entry.kind, expected[i]);
        assert_int_equal(flume_scope_count(fx->scope), 1);
    }
    assert_int_equal(flume_tape_next(tape, 0, &entry, fx->scope), FLUME_END);
    flume_tape_close(tape);
    /* Backwards the same, the other way round. */
    assert_int_equal(flume_tape_open(fx->views->flume,
                                     &(flume_cursor_options){.flags = FLUME_CURSOR_REVERSE}, &tape),
                     FLUME_OK);
    for (size_t i = count; i-- > 0;) {
        assert_int_equal(flume_tape_next(tape, 0, &entry, NULL), FLUME_OK);
        assert_int_equal(entry.kind, expected[i]);
        if (i == 2 || i == 1)
            assert_int_equal(entry.repeat, i - 1);
    }
    assert_int_equal(flume_tape_next(tape, 0, &entry, NULL), FLUME_END);
    flume_tape_close(tape);
}

static void seen_tells_without_appending(void **state)
{
    struct rules_fixture *fx = *state;
    flume_log *log = flume_log_of(fx->views->flume);
    uint64_t seq, head;
    flume_verdict small;

    describe(fx->scope, "a=1 b=2");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, &seq),
                     FLUME_ERR_NOT_FOUND);
    small = commit_as_it_is(fx, fx->scope);
    head = flume_log_head(log);
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, &seq), FLUME_OK);
    assert_int_equal(seq, small.record_seq);
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXACT, &seq),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_SHADOWED, &seq),
                     FLUME_OK);
    assert_int_equal(seq, small.record_seq);
    describe(fx->scope, "a=1 b=2 z=3");
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_SHADOWED, &seq),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXTENDED, &seq),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_recorder_neutral(fx->recorder, "z"), FLUME_OK);
    assert_int_equal(flume_scope_seen(fx->recorder, fx->scope, FLUME_SEEN_EXTENDED, &seq),
                     FLUME_OK);
    assert_int_equal(seq, small.record_seq);
    assert_int_equal(flume_log_head(log), head);
}

static void expect_newest(struct rules_fixture *fx, enum flume_verdict_kind kind, uint64_t target)
{
    flume_tape_entry entry;
    flume_tape *tape;

    assert_int_equal(flume_tape_open(fx->views->flume,
                                     &(flume_cursor_options){.flags = FLUME_CURSOR_REVERSE}, &tape),
                     FLUME_OK);
    assert_int_equal(flume_tape_next(tape, 0, &entry, NULL), FLUME_OK);
    assert_int_equal(entry.kind, kind);
    assert_int_equal(entry.target_seq, target);
    flume_tape_close(tape);
}

static void what_is_stored_whole_on_request_is_told_as_a_subset_all_the_same(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict large = commit(fx, "a=1 b=2"), small;

    close_recorder(fx);
    open_recorder(fx, FLUME_RECORDER_STORE_FULL);
    small = commit(fx, "a=1");
    assert_int_equal(small.kind, FLUME_SUBSET);
    assert_int_equal(small.seq, large.record_seq);
    expect_newest(fx, FLUME_SUBSET, large.record_seq);
    assert_int_equal(commit(fx, "a=1").kind, FLUME_DUP);
}

/* ---- what is refused ---- */

static void what_is_refused_leaves_nothing_behind(void **state)
{
    struct rules_fixture *fx = *state;
    int numbers[3] = {1, 2, 3};
    struct {
        int inside;
    } other = {0};

    flume_scope_clear(fx->scope);
    assert_int_equal(flume_scope_set_int(fx->scope, "a", 1), FLUME_OK);
    expect_refused(fx, FLUME_ERR_INVALID, "label");
    describe(fx->scope, "a=1");
    FLUME_CAPTURE(fx->scope, numbers, other);
    expect_refused(fx, FLUME_ERR_INVALID, "numbers");
    expect_refused(fx, FLUME_ERR_INVALID, "other");
    describe(fx->scope, "a=1");
    assert_int_equal(flume_scope_set_int(fx->scope, "@a", 1), FLUME_ERR_INVALID);
    expect_refused(fx, FLUME_ERR_INVALID, "@a");
    assert_int_equal(commit(fx, "a=1").kind, FLUME_NEW); /* And the recorder goes on. */
    close_recorder(fx);
    open_recorder(fx, FLUME_RECORDER_NO_OWN_LABEL);
    flume_scope_clear(fx->scope);
    assert_int_equal(flume_scope_set_int(fx->scope, "b", 1), FLUME_OK);
    assert_int_equal(commit_as_it_is(fx, fx->scope).kind, FLUME_NEW);
}

/* ---- contents ---- */

static void an_array_becomes_a_blob_once(void **state)
{
    struct rules_fixture *fx = *state;
    double series[500];
    flume_verdict verdict;
    flume_variable variable;
    flume_blob_info info;
    flume_scope *read;
    uint64_t seq, head;

    for (size_t i = 0; i < 500; i++)
        series[i] = (double)i / 3;
    describe(fx->scope, "a=1");
    FLUME_CAPTURE_ARRAY(fx->scope, series, 500);
    verdict = commit_as_it_is(fx, fx->scope);
    assert_int_equal(verdict.kind, FLUME_NEW);
    assert_int_equal(flume_scope_read(fx->views->flume, verdict.record_seq, &read), FLUME_OK);
    assert_true(flume_scope_get(read, "series", &variable));
    assert_int_equal(variable.value.type, FLUME_VALUE_BLOB);
    assert_int_equal(flume_blob_find(fx->views->flume, NULL, variable.value.content.hash, &seq),
                     FLUME_OK);
    assert_int_equal(flume_blob_stat(fx->views->flume, seq, &info), FLUME_OK);
    assert_int_equal(info.bytes, sizeof series);
    flume_scope_destroy(read);
    describe(fx->scope, "a=2"); /* The same content in another scope. */
    FLUME_CAPTURE_ARRAY(fx->scope, series, 500);
    head = flume_log_head(flume_log_of(fx->views->flume));
    assert_int_equal(commit_as_it_is(fx, fx->scope).kind, FLUME_NEW);
    assert_int_equal(flume_log_head(flume_log_of(fx->views->flume)), head + 1);
}

/* ---- scopes within scopes ---- */

static void what_is_enclosed_inherits_and_knows_what_encloses_it(void **state)
{
    struct rules_fixture *fx = *state;
    flume_scope *outer, *read;
    flume_verdict inner_first, inner_second, outer_first, outer_second;
    flume_tape_entry entry;
    flume_tape *tape;
    flume_variable variable;
    uint64_t seqs[4], enclosing[4];

    assert_int_equal(flume_scope_create(&outer), FLUME_OK);
    describe(outer, "model=1 step=5");
    assert_int_equal(flume_scope_label(outer, "block"), FLUME_OK);
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_ERR_INVALID);
    inner_first = commit(fx, "step=1");
    outer_first = (flume_verdict){0};
    assert_int_equal(flume_commit(fx->recorder, outer, &outer_first), FLUME_OK);
    assert_int_equal(flume_scope_set_int(outer, "model", 2), FLUME_OK);
    inner_second = commit(fx, "step=1");
    assert_int_equal(inner_second.kind, FLUME_NEW); /* In another model. */
    assert_int_equal(flume_commit(fx->recorder, outer, &outer_second), FLUME_OK);
    assert_int_equal(flume_scope_leave(fx->recorder, fx->scope), FLUME_ERR_INVALID);
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    flume_scope_destroy(outer);
    assert_int_equal(flume_scope_read(fx->views->flume, inner_second.record_seq, &read), FLUME_OK);
    assert_true(flume_scope_get(read, "model", &variable));
    assert_int_equal(variable.value.integer, 2);
    assert_true((variable.flags & FLUME_VARIABLE_GLOBAL) != 0);
    assert_true(flume_scope_get(read, "step", &variable)); /* The inner one hides the outer one. */
    assert_int_equal(variable.value.integer, 1);
    assert_true((variable.flags & FLUME_VARIABLE_GLOBAL) == 0);
    assert_int_equal(flume_scope_label_count(read), 2);
    flume_scope_destroy(read);
    assert_int_equal(flume_tape_open(fx->views->flume, NULL, &tape), FLUME_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(flume_tape_next(tape, 0, &entry, NULL), FLUME_OK);
        seqs[i] = entry.record_seq;
        enclosing[i] = FLUME_SEQ_NONE;
        (void)flume_scope_of_frame(fx->views->flume, NULL, entry.enclosing_frame, &enclosing[i]);
    }
    flume_tape_close(tape);
    assert_int_equal(seqs[0], inner_first.record_seq);
    assert_int_equal(enclosing[0], outer_first.record_seq);
    assert_int_equal(enclosing[1], FLUME_SEQ_NONE);
    assert_int_equal(enclosing[2], outer_second.record_seq);
    assert_int_equal(enclosing[3], FLUME_SEQ_NONE);
}

static void what_is_within_what_it_encloses_keeps_its_own_id(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t local_id[FLUME_HASH_BYTES], read_id[FLUME_HASH_BYTES];
    flume_scope *outer, *read;
    flume_verdict verdict;

    assert_int_equal(flume_scope_create(&outer), FLUME_OK);
    describe(outer, "model=1 run=5");
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    (void)commit(fx, "step=1"); /* model and run are inherited. */
    assert_int_equal(flume_commit(fx->recorder, outer, &verdict), FLUME_OK);
    assert_int_equal(verdict.kind, FLUME_SUBSET);
    assert_int_equal(flume_scope_local_id(outer, local_id), FLUME_OK);
    assert_int_equal(flume_scope_read(fx->views->flume, verdict.record_seq, &read), FLUME_OK);
    assert_int_equal(flume_scope_local_id(read, read_id), FLUME_OK);
    assert_memory_equal(local_id, read_id, sizeof local_id);
    flume_scope_destroy(read);
    expect_newest(fx, FLUME_SUBSET, verdict.seq);
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    flume_scope_destroy(outer);
}

/* ---- several at once ---- */

struct racer {
    pthread_t thread;
    flume *flume;
    unsigned news, dups, others;
    _Atomic int turn; /* append_unasked() commits the numbers below it. */
};

static void *race(void *ctx)
{
    struct racer *racer = ctx;
    flume_recorder *recorder;
    flume_scope *scope;

    if (flume_recorder_open(&recorder, racer->flume, NULL) != FLUME_OK ||
        flume_scope_create(&scope) != FLUME_OK)
        return NULL;
    (void)flume_scope_label(scope, "race");
    for (int i = 0; i < RACES; i++) {
        flume_verdict verdict;

        (void)flume_scope_set_int(scope, "i", i);
        if (flume_commit(recorder, scope, &verdict) != FLUME_OK)
            racer->others++;
        else if (verdict.kind == FLUME_NEW)
            racer->news++;
        else if (verdict.kind == FLUME_DUP)
            racer->dups++;
        else
            racer->others++;
    }
    flume_scope_destroy(scope);
    (void)flume_recorder_close(recorder);
    return NULL;
}

static void of_several_that_commit_the_same_one_is_told_new(void **state)
{
    struct rules_fixture *fx = *state;
    struct racer racers[RACERS] = {0};
    unsigned news = 0, dups = 0;

    for (size_t i = 0; i < RACERS; i++) {
        racers[i].flume = fx->views->flume;
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < RACERS; i++) {
        assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
        news += racers[i].news;
        dups += racers[i].dups;
        assert_int_equal(racers[i].others, 0);
    }
    assert_int_equal(news, RACES);
    assert_int_equal(dups, RACES * (RACERS - 1));
}

static void who_does_not_ask_is_found_by_who_does(void **state)
{
    struct rules_fixture *fx = *state;
    flume_recorder *fast;
    flume_recorder_options options = {.flags = FLUME_RECORDER_FAST};
    static const uint8_t none[FLUME_HASH_BYTES];
    flume_verdict unasked, verdict;
    flume_scope_info info;
    flume_tape_entry entry;
    flume_tape *tape;
    uint64_t seq;

    assert_int_equal(flume_recorder_open(&fast, fx->views->flume, &options), FLUME_OK);
    describe(fx->scope, "a=1");
    assert_int_equal(flume_commit(fast, fx->scope, &unasked), FLUME_OK);
    assert_int_equal(unasked.kind, FLUME_UNASKED);
    assert_memory_equal(unasked.id, none, sizeof none);
    assert_int_equal(flume_scope_seen(fast, fx->scope, FLUME_SEEN_EXACT, &seq), FLUME_ERR_INVALID);
    verdict = commit(fx, "a=1");
    assert_int_equal(verdict.kind, FLUME_DUP);
    assert_int_equal(verdict.seq, unasked.record_seq);
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    assert_int_equal(flume_tape_open(fx->views->flume, NULL, &tape), FLUME_OK);
    for (int i = 0; i < 2; i++) { /* Itself, and the link to it. */
        assert_int_equal(flume_tape_next(tape, 0, &entry, NULL), FLUME_OK);
        assert_memory_equal(entry.id, verdict.id, sizeof entry.id);
        assert_int_equal(entry.scope_seq, unasked.record_seq);
    }
    flume_tape_close(tape);
    assert_int_equal(flume_scope_find_id(fx->views->flume, NULL, verdict.id, &info), FLUME_OK);
    assert_int_equal(info.first_seq, unasked.record_seq);
    assert_int_equal(info.count, 2);
    assert_int_equal(flume_recorder_close(fast), FLUME_OK);
}

/* Commits what the asking one does, without asking. */
static void *append_unasked(void *ctx)
{
    struct racer *racer = ctx;
    flume_recorder_options options = {.flags = FLUME_RECORDER_FAST};
    flume_recorder *recorder;
    flume_scope *scope;

    if (flume_recorder_open(&recorder, racer->flume, &options) != FLUME_OK ||
        flume_scope_create(&scope) != FLUME_OK)
        return NULL;
    (void)flume_scope_label(scope, "race");
    for (int i = 0; i < UNASKED; i++) {
        (void)flume_scope_set_int(scope, "i", i);
        while (atomic_load(&racer->turn) <= i)
            (void)sched_yield(); /* Both at the same moment. */
        if (flume_commit(recorder, scope, NULL) == FLUME_OK)
            racer->news++;
    }
    flume_scope_destroy(scope);
    (void)flume_recorder_close(recorder);
    return NULL;
}

static void what_is_told_new_does_not_stand_before_it(void **state)
{
    struct rules_fixture *fx = *state;
    struct racer racer = {.flume = fx->views->flume};
    uint64_t first_seq[UNASKED], told[UNASKED];
    flume_tape_entry entry;
    flume_tape *tape;

    assert_int_equal(pthread_create(&racer.thread, NULL, append_unasked, &racer), 0);
    flume_scope_clear(fx->scope);
    assert_int_equal(flume_scope_label(fx->scope, "race"), FLUME_OK);
    for (int i = 0; i < UNASKED; i++) {
        flume_verdict verdict;

        assert_int_equal(flume_scope_set_int(fx->scope, "i", i), FLUME_OK);
        atomic_store(&racer.turn, i + 1);
        verdict = commit_as_it_is(fx, fx->scope);
        told[i] = verdict.kind == FLUME_NEW ? verdict.record_seq : FLUME_SEQ_NONE;
        first_seq[i] = FLUME_SEQ_NONE;
    }
    assert_int_equal(pthread_join(racer.thread, NULL), 0);
    assert_int_equal(racer.news, UNASKED);
    assert_int_equal(flume_tape_open(fx->views->flume, NULL, &tape), FLUME_OK);
    while (flume_tape_next(tape, 0, &entry, fx->scope) == FLUME_OK) {
        flume_variable variable;

        assert_true(flume_scope_get(fx->scope, "i", &variable));
        if (first_seq[variable.value.integer] == FLUME_SEQ_NONE)
            first_seq[variable.value.integer] = entry.record_seq;
    }
    flume_tape_close(tape);
    for (int i = 0; i < UNASKED; i++)
        if (told[i] != FLUME_SEQ_NONE)
            assert_int_equal(told[i], first_seq[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        tape_test(a_scope_is_new_once_and_a_duplicate_ever_after),
        tape_test(what_was_gained_and_what_was_lost_is_named),
        tape_test(a_label_more_is_a_superset),
        tape_test(what_is_stored_as_a_link_reads_as_what_was_committed),
        tape_test(equal_commits_are_counted_in_one_record),
        tape_test(duplicates_of_two_scopes_are_two_links),
        tape_test(a_link_stands_before_what_is_committed_after_it),
        tape_test(seen_tells_without_appending),
        tape_test(what_is_stored_whole_on_request_is_told_as_a_subset_all_the_same),
        tape_test(what_is_refused_leaves_nothing_behind),
        tape_test(an_array_becomes_a_blob_once),
        tape_test(what_is_enclosed_inherits_and_knows_what_encloses_it),
        tape_test(what_is_within_what_it_encloses_keeps_its_own_id),
        tape_test(of_several_that_commit_the_same_one_is_told_new),
        tape_test(who_does_not_ask_is_found_by_who_does),
        tape_test(what_is_told_new_does_not_stand_before_it),
    };

    return cmocka_run_group_tests_name("recording scopes", tests, NULL, NULL);
}
