/*
 * test_succession.c - duplicates that come in the order of earlier scopes: found without a look-up
 * where they stand close behind one another, and the same ones that a look-up would find.
 */
#include "containment_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "flume/recorder.h"
#include "succession.h"

enum { SWEEP = 40, LIST_MAX = 4000 };

struct sweep_fixture {
    struct scope_trial trial;
    flume_recorder *recorder, *fast;
    uint64_t seqs[SWEEP];
    struct succession succession;
};

static flume_recorder *open_recorder(flume *handle, unsigned flags)
{
    const flume_recorder_options options = {.flags = flags | FLUME_RECORDER_NO_OWN_LABEL};
    flume_recorder *recorder;

    assert_int_equal(flume_recorder_open(&recorder, handle, &options), FLUME_OK);
    return recorder;
}

static const struct scope_pairs *make(struct sweep_fixture *sweep, unsigned number)
{
    struct text_scope texts = {.count = 0};

    text_scope_add(&texts, "same", 1);
    text_scope_add(&texts, "n", number);
    return make_scope(&sweep->trial, &texts);
}

static uint64_t commit(struct sweep_fixture *sweep, flume_recorder *recorder, unsigned number)
{
    flume_verdict verdict;

    (void)make(sweep, number);
    assert_int_equal(flume_commit(recorder, sweep->trial.scope, &verdict), FLUME_OK);
    return verdict.kind == FLUME_DUP ? verdict.seq : verdict.record_seq;
}

static void begin(struct sweep_fixture *sweep, struct find_fixture *fx)
{
    memset(sweep, 0, sizeof *sweep);
    scope_trial_begin(&sweep->trial, fx);
    sweep->recorder = open_recorder(fx->handle, 0);
    sweep->fast = open_recorder(fx->handle, FLUME_RECORDER_FAST);
}

/* A sweep; behind each scope so many records of another kind. */
static void store_sweep(struct sweep_fixture *sweep, unsigned others)
{
    for (unsigned i = 0; i < SWEEP; i++) {
        sweep->seqs[i] = commit(sweep, sweep->recorder, i);
        for (unsigned other = 0; other < others; other++)
            (void)append_kind(sweep->trial.fx->log, FLUME_KIND_MESSAGE, "between");
    }
}

static void end(struct sweep_fixture *sweep)
{
    assert_int_equal(flume_recorder_close(sweep->recorder), FLUME_OK);
    assert_int_equal(flume_recorder_close(sweep->fast), FLUME_OK);
    scope_trial_end(&sweep->trial);
}

static bool find(struct sweep_fixture *sweep, unsigned number, uint64_t *out_seq)
{
    const struct scope_pairs *pairs = make(sweep, number);
    uint8_t id[FLUME_HASH_BYTES], expected[FLUME_HASH_BYTES];

    if (!succession_find(&sweep->succession, sweep->trial.fx->log, pairs, out_seq, id))
        return false;
    assert_int_equal(flume_scope_id(sweep->trial.scope, expected), FLUME_OK);
    assert_memory_equal(id, expected, sizeof id);
    return true;
}

/* ---- where it is found ---- */

static void each_is_found_behind_the_one_before(void **state)
{
    struct sweep_fixture sweep;
    uint64_t seq;

    begin(&sweep, *state);
    store_sweep(&sweep, 0);
    assert_false(find(&sweep, 0, &seq)); /* There is none before it. */
    succession_note(&sweep.succession, sweep.seqs[0]);
    for (unsigned i = 1; i < SWEEP; i++) {
        assert_true(find(&sweep, i, &seq));
        assert_int_equal(seq, sweep.seqs[i]);
    }
    assert_false(find(&sweep, SWEEP, &seq)); /* The log ends. */
    end(&sweep);
}

static void a_few_other_records_may_stand_between(void **state)
{
    struct sweep_fixture sweep;
    uint64_t seq;

    begin(&sweep, *state);
    store_sweep(&sweep, 7);
    succession_note(&sweep.succession, sweep.seqs[4]);
    assert_true(find(&sweep, 5, &seq));
    assert_int_equal(seq, sweep.seqs[5]);
    assert_false(find(&sweep, 7, &seq)); /* That is too far. */
    end(&sweep);
}

static void another_scope_is_not_the_same(void **state)
{
    struct sweep_fixture sweep;
    struct text_scope texts = {.count = 0};
    uint8_t id[FLUME_HASH_BYTES];
    uint64_t seq;

    begin(&sweep, *state);
    store_sweep(&sweep, 0);
    succession_note(&sweep.succession, sweep.seqs[0]);
    text_scope_add(&texts, "same", 1);
    text_scope_add(&texts, "n", 1);
    text_scope_add_label(&texts, "label");
    assert_false(succession_find(&sweep.succession, sweep.trial.fx->log,
                                 make_scope(&sweep.trial, &texts), &seq, id));
    end(&sweep);
}

/* Nobody was asked, so an earlier one may be the same: it is the first that is told. */
static void what_was_appended_without_a_verdict_is_left_to_a_look_up(void **state)
{
    struct sweep_fixture sweep;
    uint64_t first, second, seq;

    begin(&sweep, *state);
    first = commit(&sweep, sweep.recorder, 1);
    second = commit(&sweep, sweep.recorder, 2);
    (void)commit(&sweep, sweep.fast, 1);
    succession_note(&sweep.succession, second);
    assert_false(find(&sweep, 1, &seq));
    assert_int_equal(commit(&sweep, sweep.recorder, 2), second);
    assert_int_equal(commit(&sweep, sweep.recorder, 1), first);
    end(&sweep);
}

/* ---- when it is looked for ---- */

static void guesses_in_vain_become_rare_and_good_ones_frequent_again(void **state)
{
    struct sweep_fixture sweep;
    unsigned vain = 0, found = 0;
    uint64_t seq;

    begin(&sweep, *state);
    store_sweep(&sweep, 0);
    for (unsigned i = 0; i < SWEEP; i++) { /* Each other one is new. */
        unsigned before = sweep.succession.wanted;

        succession_note(&sweep.succession, sweep.seqs[i]);
        assert_false(find(&sweep, SWEEP, &seq));
        vain += sweep.succession.wanted != before;
    }
    assert_in_range(vain, 2, 6);
    for (unsigned turn = 0; turn < 2; turn++)
        for (unsigned i = 0; i < SWEEP; i++)
            if (find(&sweep, i, &seq))
                found++;
            else
                succession_note(&sweep.succession, sweep.seqs[i]);
    assert_in_range(found, SWEEP, 2 * SWEEP - 2);
    assert_int_equal(sweep.succession.wanted, 0);
    end(&sweep);
}

static void who_asks_before_each_commit_is_answered_from_both_orders(void **state)
{
    struct sweep_fixture sweep;
    uint64_t seq;

    begin(&sweep, *state);
    store_sweep(&sweep, 1);
    for (unsigned i = 0; i < SWEEP; i++) {
        (void)make(&sweep, i);
        assert_int_equal(
            flume_scope_seen(sweep.recorder, sweep.trial.scope, FLUME_SEEN_EXACT, &seq), FLUME_OK);
        assert_int_equal(seq, sweep.seqs[i]);
        assert_int_equal(commit(&sweep, sweep.recorder, i), sweep.seqs[i]);
    }
    (void)make(&sweep, SWEEP);
    assert_int_equal(flume_scope_seen(sweep.recorder, sweep.trial.scope, FLUME_SEEN_EXACT, &seq),
                     FLUME_ERR_NOT_FOUND);
    end(&sweep);
}

/* ---- as brute force says ---- */

struct replay {
    struct sweep_fixture sweep;
    struct text_scope *list; /* As they were committed. */
    size_t count, duplicates;
};

static void replay_one(struct replay *replay, const struct text_scope *texts)
{
    struct scope_trial *trial = &replay->sweep.trial;
    struct oracle_answer expected = oracle_ask(trial->oracle, texts);
    flume_verdict verdict;
    uint64_t seen = FLUME_SEQ_NONE;

    (void)make_scope(trial, texts);
    if (random_below(&trial->chance, 4) == 0) {
        (void)flume_scope_seen(replay->sweep.recorder, trial->scope, FLUME_SEEN_EXACT, &seen);
        assert_int_equal(seen, expected.dup_seq);
    }
    if (random_below(&trial->chance, 20) == 0) { /* Whatever there is. */
        assert_int_equal(flume_commit(replay->sweep.fast, trial->scope, &verdict), FLUME_OK);
        oracle_add(trial->oracle, texts, verdict.record_seq);
        return;
    }
    assert_int_equal(flume_commit(replay->sweep.recorder, trial->scope, &verdict), FLUME_OK);
    if (verdict.kind == FLUME_DUP) {
        assert_int_equal(verdict.seq, expected.dup_seq);
        replay->duplicates++;
        return;
    }
    assert_int_equal(expected.dup_seq, ORACLE_NONE);
    oracle_add(trial->oracle, texts, verdict.record_seq);
}

/* A run of what was there before, now and then another one among them. */
static void replay_run(struct replay *replay)
{
    uint64_t *chance = &replay->sweep.trial.chance;
    size_t at = replay->count > 0 ? random_below(chance, (unsigned)replay->count) : 0;
    unsigned length = 1 + random_below(chance, 30);

    for (unsigned i = 0; i < length && replay->count < LIST_MAX; i++, at++) {
        struct text_scope *texts = &replay->list[replay->count];

        if (at < replay->count && random_below(chance, 10) > 0)
            *texts = replay->list[at];
        else
            few_keys(&replay->sweep.trial, texts);
        replay_one(replay, texts);
        replay->count++;
    }
}

static void sweeps_again_in_part_are_told_as_brute_force_says(void **state)
{
    struct replay replay = {.count = 0};

    begin(&replay.sweep, *state);
    replay.list = calloc(LIST_MAX, sizeof *replay.list);
    assert_non_null(replay.list);
    while (replay.count < at_length(LIST_MAX / 2, LIST_MAX))
        replay_run(&replay);
    assert_true(replay.duplicates > replay.count / 4);
    free(replay.list);
    end(&replay.sweep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        find_test(each_is_found_behind_the_one_before),
        find_test(a_few_other_records_may_stand_between),
        find_test(another_scope_is_not_the_same),
        find_test(what_was_appended_without_a_verdict_is_left_to_a_look_up),
        find_test(guesses_in_vain_become_rare_and_good_ones_frequent_again),
        find_test(who_asks_before_each_commit_is_answered_from_both_orders),
        find_test(sweeps_again_in_part_are_told_as_brute_force_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
