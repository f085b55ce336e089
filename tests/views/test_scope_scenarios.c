/*
 * test_scope_scenarios.c - what programs do with scopes, at size: a tight loop, a product of
 * parameters that is drawn from again and again, and a set of keys that comes late while others
 * ask.
 *
 *   FLUME_TEST_LONG  the sizes that programs have: 10^6
 */
#include "view_fixture.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flume/recorder.h"
#include "flume/scope_find.h"
#include "leave.h"

enum { FLUSHES = 16, READERS = 4, VARIABLES = 20 };

/* ---- verbs ---- */

static int scenario_setup(void **state)
{
    struct view_fixture *fx;

    assert_int_equal(views_setup(state), 0);
    fx = *state;
    fx->options.views = 0;
    open_views(fx);
    return 0;
}

static int scenario_teardown(void **state)
{
    struct view_fixture *fx = *state;

    if (fx->flume != NULL)
        close_views(fx);
    return views_teardown(state);
}

#define scenario_test(function) \
    cmocka_unit_test_setup_teardown(function, scenario_setup, scenario_teardown)

static size_t at_length(size_t usual, size_t more)
{
    return getenv("FLUME_TEST_LONG") == NULL ? usual : more;
}

static flume_recorder *open_recorder(flume *handle, unsigned flags)
{
    const flume_recorder_options options = {.flags = flags,
                                            .link_interval_ns = UINT64_C(3600000000000)};
    flume_recorder *recorder;

    assert_int_equal(flume_recorder_open(&recorder, handle, &options), FLUME_OK);
    return recorder;
}

static flume_verdict commit(flume_recorder *recorder, flume_scope *scope)
{
    flume_verdict verdict;

    assert_int_equal(flume_commit(recorder, scope, &verdict), FLUME_OK);
    return verdict;
}

static void expect_verdict(flume_recorder *recorder, flume_scope *scope,
                           enum flume_verdict_kind kind)
{
    assert_int_equal(commit(recorder, scope).kind, kind);
}

static void set_volatile(flume_scope *scope, const char *key, int64_t value)
{
    const flume_variable variable = {.key = key,
                                     .class_ = FLUME_CLASS_VOLATILE,
                                     .value = {.type = FLUME_VALUE_INT, .integer = value}};

    assert_int_equal(flume_scope_set_variable(scope, &variable), FLUME_OK);
}

static flume_scope *make_scope(const char *label)
{
    flume_scope *scope;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, label), FLUME_OK);
    return scope;
}

/* How often a scope was committed, as the view counts. */
static uint64_t commits_of(flume *handle, flume_scope *scope)
{
    uint8_t id[FLUME_HASH_BYTES];
    flume_scope_info info;

    assert_int_equal(flume_scope_id(scope, id), FLUME_OK);
    assert_int_equal(flume_scope_find_id(handle, NULL, id, &info), FLUME_OK);
    return info.count;
}

/* ---- a tight loop ---- */

static flume_scope *make_step(void)
{
    flume_scope *scope = make_scope("loop");

    assert_int_equal(flume_scope_set_int(scope, "n", 100), FLUME_OK);
    assert_int_equal(flume_scope_set_f64(scope, "eps", 0.1), FLUME_OK);
    assert_int_equal(flume_scope_set_text(scope, "solver", "cg"), FLUME_OK);
    return scope;
}

/* One record for each flush, however many commits there are. */
static void a_loop_of_one_scope_is_one_record_and_a_link_for_each_flush(void **state)
{
    struct view_fixture *fx = *state;
    flume_recorder *recorder = open_recorder(fx->flume, 0);
    flume_scope *scope = make_step();
    size_t count = at_length(160000, 1000000);
    uint64_t head, dups = 0;

    for (size_t i = 0; i < count; i++) {
        flume_verdict verdict;

        set_volatile(scope, "at", (int64_t)i * 17);
        set_volatile(scope, "thread", (int64_t)(i % 5));
        verdict = commit(recorder, scope);
        dups += verdict.kind == FLUME_DUP;
        assert_true(i == 0 ? verdict.kind == FLUME_NEW : verdict.kind == FLUME_DUP);
        if (i % (count / FLUSHES) == count / FLUSHES - 1)
            assert_int_equal(flume_recorder_flush(recorder), FLUME_OK);
    }
    assert_int_equal(dups, count - 1);
    head = flume_log_head(flume_log_of(fx->flume));
    assert_true(head <= 1 + 1 + FLUSHES); /* The manifest, the scope, links. */
    assert_int_equal(commits_of(fx->flume, scope), count);
    flume_scope_destroy(scope);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
}

static _Noreturn void loop_for_ever(struct view_fixture *fx, int answers)
{
    flume_recorder *recorder;
    flume_scope *scope;

    open_views(fx);
    recorder = open_recorder(fx->flume, 0);
    scope = make_step();
    for (uint64_t i = 1;; i++) {
        (void)commit(recorder, scope);
        if (i % 1000 != 0)
            continue;
        assert_int_equal(flume_recorder_flush(recorder), FLUME_OK);
        if (write(answers, &i, sizeof i) != sizeof i)
            leave(1);
    }
}

/* What was flushed is there; what was not is lost by less than a flush; and counting goes on from
 * there. */
static void a_loop_that_is_killed_keeps_what_was_flushed(void **state)
{
    struct view_fixture *fx = *state;
    flume_scope *scope = make_step();
    uint64_t before = 0, told = 0;

    close_views(fx);
    for (int round = 0; round < 3; round++) {
        flume_recorder *recorder;
        int answers[2], ended;
        uint64_t count;
        pid_t child;

        assert_int_equal(pipe(answers), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            loop_for_ever(fx, answers[1]);
        (void)close(answers[1]);
        for (int i = 0; i < 5 + round; i++)
            assert_int_equal(read(answers[0], &told, sizeof told), sizeof told);
        assert_int_equal(kill(child, SIGKILL), 0);
        while (read(answers[0], &told, sizeof told) == sizeof told) {
        }
        (void)close(answers[0]);
        assert_int_equal(waitpid(child, &ended, 0), child);
        open_views(fx);
        count = commits_of(fx->flume, scope);
        assert_in_range(count, before + told, before + told + 1000);
        recorder = open_recorder(fx->flume, 0);
        expect_verdict(recorder, scope, FLUME_DUP);
        assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
        assert_int_equal(commits_of(fx->flume, scope), count + 1);
        before = count + 1;
        close_views(fx);
    }
    flume_scope_destroy(scope);
}

/* Which values are one and which are two; the first of each is new, and again it is not. */
static void values_are_the_same_or_not(void **state)
{
    struct view_fixture *fx = *state;
    flume_recorder *recorder = open_recorder(fx->flume, 0);
    flume_scope *scope = make_scope("values");
    static const flume_value values[] = {
        {.type = FLUME_VALUE_F64, .real = NAN},
        {.type = FLUME_VALUE_F64, .real = 0.0},
        {.type = FLUME_VALUE_F64, .real = -0.0},
        {.type = FLUME_VALUE_F64, .real = 1.0},
        {.type = FLUME_VALUE_INT, .integer = 1},
        {.type = FLUME_VALUE_BOOL, .boolean = true},
        {.type = FLUME_VALUE_NULL},
    };
    static const char *const texts[] = {"1",
                                        "",
                                        "nan",
                                        "123456789012345678901234567890123456789",
                                        "1234567890123456789012345678901234567890",
                                        "12345678901234567890123456789012345678901"};

    for (int again = 0; again < 2; again++) {
        enum flume_verdict_kind kind = again == 0 ? FLUME_NEW : FLUME_DUP;

        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            assert_int_equal(flume_scope_set(scope, "x", &values[i]), FLUME_OK);
            expect_verdict(recorder, scope, kind);
        }
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            assert_int_equal(flume_scope_set_text(scope, "x", texts[i]), FLUME_OK);
            expect_verdict(recorder, scope, kind);
            assert_int_equal(flume_scope_set_symbol(scope, "x", texts[i]), FLUME_OK);
            expect_verdict(recorder, scope, kind);
        }
    }
    assert_int_equal(flume_scope_set_f64(scope, "x", -NAN), FLUME_OK); /* Every NaN is one. */
    expect_verdict(recorder, scope, FLUME_DUP);
    flume_scope_destroy(scope);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
}

/* Lengths are part of what is compared: ("a","bc") and ("ab","c"). */
static void where_a_text_ends_matters(void **state)
{
    struct view_fixture *fx = *state;
    flume_recorder *recorder = open_recorder(fx->flume, 0);
    static const char *const pairs[][2] = {{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}};

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        flume_scope *scope = make_scope("ends");

        assert_int_equal(flume_scope_set_text(scope, "x", pairs[i][0]), FLUME_OK);
        assert_int_equal(flume_scope_set_text(scope, "y", pairs[i][1]), FLUME_OK);
        expect_verdict(recorder, scope, FLUME_NEW);
        flume_scope_clear(scope);
        assert_int_equal(flume_scope_label(scope, "ends"), FLUME_OK);
        assert_int_equal(
            flume_scope_set_text(scope, pairs[i][0][0] != '\0' ? pairs[i][0] : "_", pairs[i][1]),
            FLUME_OK);
        expect_verdict(recorder, scope, FLUME_NEW);
        flume_scope_destroy(scope);
    }
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
}

/* ---- a product of parameters ---- */

enum { RATES = 41, OBJECTIVES = 5, MODELS = 2, DRAWS = 50, RUNS = 4 };
static const char *const objectives[OBJECTIVES] = {"biomass", "atp", "yield", "cost", "ethanol"};

static uint64_t next(uint64_t *io_chance)
{
    *io_chance = *io_chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *io_chance >> 33;
}

static void set_tags(flume_scope *scope, enum flume_variable_class class_, uint64_t *io_chance)
{
    char uuid[40];
    flume_variable variable = {.key = "block_uuid", .class_ = class_};

    (void)snprintf(uuid, sizeof uuid, "%08llx-%08llx", (unsigned long long)next(io_chance),
                   (unsigned long long)next(io_chance));
    variable.value.type = FLUME_VALUE_TEXT;
    variable.value.bytes = (flume_bytes){uuid, strlen(uuid)};
    assert_int_equal(flume_scope_set_variable(scope, &variable), FLUME_OK);
    variable.key = "block_time";
    variable.value = (flume_value){.type = FLUME_VALUE_TIME, .integer = (int64_t)next(io_chance)};
    assert_int_equal(flume_scope_set_variable(scope, &variable), FLUME_OK);
}

/* Each run draws from the product, the later ones the same as the first; each block has its tags.
 * first: what is drawn for the first time is. */
static void draw(struct view_fixture *fx, enum flume_variable_class class_,
                 enum flume_verdict_kind first, uint64_t out_kinds[3])
{
    uint64_t tags = 7;
    bool was_drawn[RATES][OBJECTIVES][MODELS] = {{{false}}};

    for (int run = 0; run < RUNS; run++) {
        flume_recorder *recorder = open_recorder(fx->flume, 0);
        flume_scope *block = make_scope("block"), *scope = make_scope("sample");
        uint64_t chance = 99;

        set_tags(block, class_, &tags);
        assert_int_equal(flume_scope_enter(recorder, block), FLUME_OK);
        for (int i = 0; i < DRAWS; i++) {
            size_t rate = next(&chance) % RATES, objective = next(&chance) % OBJECTIVES,
                   model = next(&chance) % MODELS;
            enum flume_verdict_kind kind;

            assert_int_equal(flume_scope_set_f64(scope, "D", 0.01 * (double)rate), FLUME_OK);
            assert_int_equal(flume_scope_set_text(scope, "objective", objectives[objective]),
                             FLUME_OK);
            assert_int_equal(flume_scope_set_int(scope, "model", (int64_t)model), FLUME_OK);
            kind = commit(recorder, scope).kind;
            if (run == 0 || class_ == FLUME_CLASS_VOLATILE)
                assert_int_equal(kind, was_drawn[rate][objective][model] ? FLUME_DUP : first);
            out_kinds[kind == FLUME_NEW ? 0 : kind == FLUME_DUP ? 1 : 2]++;
            was_drawn[rate][objective][model] = true;
        }
        assert_int_equal(flume_scope_leave(recorder, block), FLUME_OK);
        assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
        flume_scope_destroy(block);
        flume_scope_destroy(scope);
    }
}

static void samples_of_volatile_blocks_are_duplicates_in_later_runs(void **state)
{
    uint64_t kinds[3] = {0};

    draw(*state, FLUME_CLASS_VOLATILE, FLUME_NEW, kinds);
    assert_int_equal(kinds[2], 0);
    assert_in_range(kinds[0], 1, DRAWS);
    assert_int_equal(kinds[0] + kinds[1], RUNS * DRAWS);
}

/* A uuid that counts makes each run another one: only within a run is anything the same. */
static void samples_of_blocks_whose_tags_count_are_new_in_each_run(void **state)
{
    struct view_fixture *fx = *state;
    uint64_t kinds[3] = {0}, first[3] = {0};

    draw(fx, FLUME_CLASS_INLINE, FLUME_NEW, kinds);
    close_views(fx);
    assert_int_equal(kinds[2], 0);
    assert_int_equal(kinds[0] % RUNS, 0);
    assert_true(kinds[0] / RUNS > DRAWS / 2); /* So many each run. */
    open_views(fx);
    draw(fx, FLUME_CLASS_VOLATILE, FLUME_SUBSET,
         first); /* Without the tags they are other scopes. */
    assert_int_equal(first[0], 0);
    assert_int_equal(first[2], kinds[0] / RUNS);
}

/* ---- a set of keys that comes late ---- */

struct reading {
    struct view_fixture *fx;
    pthread_t thread;
    uint64_t chance;
    size_t count;
    const _Atomic bool *is_over;
    uint64_t asked;
};

/* Scope number i of the sweep: 19 constants and an index. */
static void set_numbered(flume_scope *scope, size_t i)
{
    char key[24];

    for (int k = 0; k < VARIABLES - 1; k++) {
        (void)snprintf(key, sizeof key, "k%02d", k);
        assert_int_equal(flume_scope_set_int(scope, key, k), FLUME_OK);
    }
    assert_int_equal(flume_scope_set_int(scope, "index", (int64_t)i), FLUME_OK);
}

/* What was there at the beginning is seen, always; what never was is not. */
static void *read_all_the_time(void *ctx)
{
    struct reading *reading = ctx;
    flume_recorder *recorder = open_recorder(reading->fx->flume, 0);
    flume_scope *scope = make_scope("sweep");

    set_numbered(scope, 0);
    while (!atomic_load(reading->is_over)) {
        size_t i = next(&reading->chance) % (2 * reading->count);
        int status;

        assert_int_equal(flume_scope_set_int(scope, "index", (int64_t)i), FLUME_OK);
        status = flume_scope_seen(recorder, scope, FLUME_SEEN_EXACT, NULL);
        assert_int_equal(status, i < reading->count ? FLUME_OK : FLUME_ERR_NOT_FOUND);
        reading->asked++;
    }
    flume_scope_destroy(scope);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    return NULL;
}

static void a_smaller_shape_that_comes_late_finds_all_that_has_it(void **state)
{
    struct view_fixture *fx = *state;
    size_t count = at_length(20000, 1000000);
    struct reading readings[READERS];
    flume_recorder *recorder = open_recorder(fx->flume, FLUME_RECORDER_FAST);
    flume_scope *scope = make_scope("sweep");
    _Atomic bool is_over = false;
    uint64_t chance = 5, *seqs = calloc(count, sizeof *seqs);

    assert_non_null(seqs);
    set_numbered(scope, 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(flume_scope_set_int(scope, "index", (int64_t)i), FLUME_OK);
        seqs[i] = commit(recorder, scope).record_seq;
    }
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
    for (size_t i = 0; i < READERS; i++) {
        readings[i] =
            (struct reading){.fx = fx, .chance = 100 + i, .count = count, .is_over = &is_over};
        assert_int_equal(pthread_create(&readings[i].thread, NULL, read_all_the_time, &readings[i]),
                         0);
    }
    recorder = open_recorder(fx->flume, 0);
    assert_int_equal(flume_scope_unset(scope, "k00"), FLUME_OK); /* The new shape. */
    for (int round = 0; round < 20; round++) {
        size_t i = next(&chance) % count;
        flume_verdict verdict;

        assert_int_equal(flume_scope_set_int(scope, "index", (int64_t)i), FLUME_OK);
        verdict = commit(recorder, scope);
        if (verdict.kind == FLUME_DUP) /* Drawn twice. */
            continue;
        assert_int_equal(verdict.kind, FLUME_SUBSET);
        assert_int_equal(verdict.seq, seqs[i]);
        assert_int_equal(verdict.key_count, 1);
        assert_string_equal(verdict.keys[0], "k00");
    }
    assert_int_equal(flume_scope_set_int(scope, "index", -1), FLUME_OK);
    expect_verdict(recorder, scope, FLUME_NEW);
    atomic_store(&is_over, true);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readings[i].thread, NULL), 0);
    free(seqs);
    flume_scope_destroy(scope);
    assert_int_equal(flume_recorder_close(recorder), FLUME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(a_loop_of_one_scope_is_one_record_and_a_link_for_each_flush),
        scenario_test(a_loop_that_is_killed_keeps_what_was_flushed),
        scenario_test(values_are_the_same_or_not),
        scenario_test(where_a_text_ends_matters),
        scenario_test(samples_of_volatile_blocks_are_duplicates_in_later_runs),
        scenario_test(samples_of_blocks_whose_tags_count_are_new_in_each_run),
        scenario_test(a_smaller_shape_that_comes_late_finds_all_that_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
