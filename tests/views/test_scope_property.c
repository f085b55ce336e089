/*
 * test_scope_property.c - random scopes, committed: every verdict is what brute force says, and it
 * does not matter who commits them, in which order.
 *
 * Brute force takes time as the square of what it compares. A hundred thousand are compared all the
 * same, in worlds of some hundred: a variable that all scopes of a world have, and no other, keeps
 * them apart, so that brute force need not know of others; flume is not told.
 *
 *   FLUME_TEST_LONG  100,000 that brute force compares with each other, 1,000,000 in worlds
 */
#include "containment_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flume/recorder.h"
#include "leave.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

enum { COMMITTERS = 4, IDS_MAX = 8192, WORLD_SCOPES = 250 };
/* 100,000 scopes; where each takes ten times as long a tenth of them. */
#if defined(IS_SANITIZED)
enum { WORLDS = 40 };
#else
enum { WORLDS = 400 };
#endif

static flume_recorder *open_recorder_with(flume *handle, unsigned flags)
{
    const flume_recorder_options options = {.flags = flags | FLUME_RECORDER_NO_OWN_LABEL};
    flume_recorder *recorder;

    assert_int_equal(flume_recorder_open(&recorder, handle, &options), FLUME_OK);
    return recorder;
}

static flume_recorder *open_recorder(flume *handle)
{
    return open_recorder_with(handle, 0);
}

static enum flume_verdict_kind expected_kind(const struct oracle_answer *answer)
{
    if (answer->dup_seq != ORACLE_NONE)
        return FLUME_DUP;
    if (answer->superset_seq != ORACLE_NONE)
        return FLUME_SUBSET;
    return answer->subset_seq != ORACLE_NONE ? FLUME_SUPERSET : FLUME_NEW;
}

/* ---- verdicts ---- */

static void commit_and_compare(struct scope_trial *trial, flume_recorder *recorder,
                               const struct text_scope *texts)
{
    struct oracle_answer expected = oracle_ask(trial->oracle, texts);
    flume_verdict verdict;

    (void)make_scope(trial, texts);
    assert_int_equal(flume_commit(recorder, trial->scope, &verdict), FLUME_OK);
    assert_int_equal(verdict.kind, expected_kind(&expected));
    trial->duplicates += verdict.kind == FLUME_DUP;
    trial->supersets += verdict.kind == FLUME_SUBSET;
    trial->subsets += verdict.kind == FLUME_SUPERSET;
    if (verdict.kind == FLUME_DUP) {
        assert_int_equal(verdict.seq, expected.dup_seq);
        return;
    }
    if (verdict.kind == FLUME_SUBSET)
        assert_int_equal(verdict.seq, expected.superset_seq);
    assert_int_equal(verdict.extends_seq, expected.subset_seq);
    oracle_add(trial->oracle, texts, verdict.record_seq);
}

static void compare(struct find_fixture *fx, scope_maker maker, size_t count)
{
    struct scope_trial trial;
    flume_recorder *recorder;

    scope_trial_begin(&trial, fx);
    recorder = open_recorder(fx->handle);
    for (size_t i = 0; i < count; i++) {
        struct text_scope texts;

        maker(&trial, &texts);
        trial.stored++;
        commit_and_compare(&trial, recorder, &texts);
    }
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    scope_trial_end(&trial);
    verify_view(fx, "superset");
    verify_view(fx, "scope");
}

static void verdicts_on_few_keys_are_those_of_brute_force(void **state)
{
    compare(*state, few_keys, at_length(3000, 100000));
}

static void verdicts_on_optional_flags_are_those_of_brute_force(void **state)
{
    compare(*state, optional_flags, at_length(3000, 20000));
}

/* In each world scopes of one kind. They are brute force's to compare with those of their world,
 * and flume's with all. */
static void compare_worlds(struct find_fixture *fx, unsigned flags, size_t worlds,
                           const scope_maker *makers, unsigned maker_count)
{
    struct scope_trial trial;
    flume_recorder *recorder;

    scope_trial_begin(&trial, fx);
    recorder = open_recorder_with(fx->handle, flags);
    while (trial.world < worlds) {
        scope_maker maker = makers[random_below(&trial.chance, maker_count)];

        scope_trial_next_world(&trial);
        for (size_t i = 0; i < WORLD_SCOPES; i++) {
            struct text_scope texts;

            maker(&trial, &texts);
            add_world(&trial, &texts);
            trial.stored++;
            commit_and_compare(&trial, recorder, &texts);
        }
    }
    assert_true(trial.duplicates > worlds);
    assert_true(trial.subsets > 10 * worlds);
    assert_true(trial.supersets > 10 * worlds);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    scope_trial_end(&trial);
}

/* A hundred thousand scopes. */
static void verdicts_in_many_worlds_are_those_of_brute_force(void **state)
{
    static const scope_maker makers[] = {five_keys, five_keys, five_keys, optional_flags};

    compare_worlds(*state, 0, WORLDS * at_length(1, 10), makers, sizeof makers / sizeof makers[0]);
}

/* With supersets stored as what they add, which is to make no difference. */
static void verdicts_in_worlds_of_every_kind_are_those_of_brute_force(void **state)
{
    static const scope_maker makers[] = {few_keys, optional_flags, all_common, hostile};

    compare_worlds(*state, FLUME_RECORDER_STORE_DELTA, at_length(24, 400), makers,
                   sizeof makers / sizeof makers[0]);
    verify_view(*state, "superset");
    verify_view(*state, "scope");
}

/* ---- who commits, and when ---- */

struct committer {
    pthread_t thread;
    flume *handle;
    const struct text_scope *list;
    size_t count;
    uint64_t chance;
    size_t first_ones; /* Verdicts that are no duplicate. */
};

/* All of the list, in an order of its own, each a second time now and then. */
static void commit_all(struct committer *committer)
{
    flume_recorder *recorder = open_recorder(committer->handle);
    struct scope_trial trial = {.chance = committer->chance};
    size_t *order = malloc(committer->count * sizeof *order);

    assert_non_null(order);
    assert_int_equal(flume_scope_create(&trial.scope), FLUME_OK);
    for (size_t i = 0; i < committer->count; i++) {
        size_t other = random_below(&trial.chance, (unsigned)i + 1);

        order[i] = i;
        order[i] = order[other];
        order[other] = i;
    }
    for (size_t i = 0; i < committer->count; i++)
        for (unsigned times = 1 + random_below(&trial.chance, 2); times > 0; times--) {
            flume_verdict verdict;

            (void)make_scope(&trial, &committer->list[order[i]]);
            assert_int_equal(flume_commit(recorder, trial.scope, &verdict), FLUME_OK);
            committer->first_ones += verdict.kind != FLUME_DUP;
        }
    flume_scope_destroy(trial.scope);
    free(order);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
}

static void *commit_in_thread(void *ctx)
{
    commit_all(ctx);
    return NULL;
}

static int compare_ids(const void *one, const void *other)
{
    return memcmp(one, other, FLUME_HASH_BYTES);
}

/* The ids of the scopes' records, sorted. */
static size_t ids_in_log(struct find_fixture *fx, uint8_t (*out_ids)[FLUME_HASH_BYTES])
{
    flume_tape_entry entry;
    flume_tape *tape;
    size_t count = 0;

    assert_int_equal(flume_tape_open(fx->handle, NULL, &tape), FLUME_OK);
    while (flume_tape_next(tape, 0, &entry, NULL) == FLUME_OK)
        if (entry.kind == FLUME_DUP)
            flume_tape_skip(tape);
        else if (count < IDS_MAX)
            memcpy(out_ids[count++], entry.id, FLUME_HASH_BYTES);
    flume_tape_close(tape);
    qsort(out_ids, count, FLUME_HASH_BYTES, compare_ids);
    return count;
}

/* Those of the list, sorted, each once. */
static size_t ids_of_list(struct scope_trial *trial, const struct text_scope *list, size_t count,
                          uint8_t (*out_ids)[FLUME_HASH_BYTES])
{
    size_t distinct = 0;

    for (size_t i = 0; i < count; i++) {
        (void)make_scope(trial, &list[i]);
        assert_int_equal(flume_scope_id(trial->scope, out_ids[i]), FLUME_OK);
    }
    qsort(out_ids, count, FLUME_HASH_BYTES, compare_ids);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || memcmp(out_ids[i], out_ids[distinct - 1], FLUME_HASH_BYTES) != 0)
            memmove(out_ids[distinct++], out_ids[i], FLUME_HASH_BYTES);
    return distinct;
}

/* A list, who is to commit it, and what must be in the log in the end. */
struct contest {
    struct scope_trial trial;
    struct text_scope *list;
    size_t count, distinct;
    uint8_t (*expected)[FLUME_HASH_BYTES];
    struct committer committers[COMMITTERS];
};

static void begin_contest(struct contest *contest, struct find_fixture *fx)
{
    scope_trial_begin(&contest->trial, fx);
    contest->count = at_length(1500, 8000);
    contest->list = calloc(contest->count, sizeof *contest->list);
    contest->expected = calloc(contest->count, sizeof *contest->expected);
    assert_non_null(contest->list);
    assert_non_null(contest->expected);
    for (size_t i = 0; i < contest->count; i++)
        few_keys(&contest->trial, &contest->list[i]);
    contest->distinct =
        ids_of_list(&contest->trial, contest->list, contest->count, contest->expected);
    for (size_t i = 0; i < COMMITTERS; i++)
        contest->committers[i] = (struct committer){.handle = fx->handle,
                                                    .list = contest->list,
                                                    .count = contest->count,
                                                    .chance = random_next(&contest->trial.chance)};
}

static void end_contest(struct contest *contest)
{
    uint8_t(*ids)[FLUME_HASH_BYTES] = calloc(IDS_MAX, sizeof *ids);

    assert_non_null(ids);
    assert_int_equal(ids_in_log(contest->trial.fx, ids), contest->distinct);
    assert_memory_equal(ids, contest->expected, contest->distinct * sizeof *ids);
    verify_view(contest->trial.fx, "superset");
    free(ids);
    free(contest->list);
    free(contest->expected);
    scope_trial_end(&contest->trial);
}

static void threads_commit_each_scope_first_once(void **state)
{
    struct contest contest;
    size_t first_ones = 0;

    begin_contest(&contest, *state);
    for (size_t i = 0; i < COMMITTERS; i++)
        assert_int_equal(pthread_create(&contest.committers[i].thread, NULL, commit_in_thread,
                                        &contest.committers[i]),
                         0);
    for (size_t i = 0; i < COMMITTERS; i++) {
        assert_int_equal(pthread_join(contest.committers[i].thread, NULL), 0);
        first_ones += contest.committers[i].first_ones;
    }
    assert_int_equal(first_ones, contest.distinct);
    end_contest(&contest);
}

static void processes_commit_each_scope_first_once(void **state)
{
    struct find_fixture *fx = *state;
    struct contest contest;
    pid_t children[COMMITTERS];
    size_t first_ones = 0, told;
    int answers[2], ended;

    begin_contest(&contest, fx);
    close_flume(fx->handle);
    assert_int_equal(pipe(answers), 0);
    for (size_t i = 0; i < COMMITTERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] != 0)
            continue;
        contest.committers[i].handle = open_flume(fx, 0);
        commit_all(&contest.committers[i]);
        close_flume(contest.committers[i].handle);
        told = contest.committers[i].first_ones;
        leave(write(answers[1], &told, sizeof told) == sizeof told ? 0 : 1);
    }
    for (size_t i = 0; i < COMMITTERS; i++) {
        assert_int_equal(waitpid(children[i], &ended, 0), children[i]);
        assert_true(WIFEXITED(ended));
        assert_int_equal(WEXITSTATUS(ended), 0);
        assert_int_equal(read(answers[0], &told, sizeof told), sizeof told);
        first_ones += told;
    }
    (void)close(answers[0]);
    (void)close(answers[1]);
    fx->handle = open_flume(fx, 0);
    fx->log = flume_log_of(fx->handle);
    assert_int_equal(first_ones, contest.distinct);
    end_contest(&contest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        find_test(verdicts_on_few_keys_are_those_of_brute_force),
        find_test(verdicts_on_optional_flags_are_those_of_brute_force),
        find_test(verdicts_in_many_worlds_are_those_of_brute_force),
        find_test(verdicts_in_worlds_of_every_kind_are_those_of_brute_force),
        find_test(threads_commit_each_scope_first_once),
        find_test(processes_commit_each_scope_first_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
