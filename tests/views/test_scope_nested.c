/*
 * test_scope_nested.c - a simulation as it is written: a block, models, conditions and steps within
 * each other, with hooks, settings and a tare by labels.
 *
 *   FLUME_TEST_LONG  15,000 steps for each condition
 */
#include "view_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "flume/recorder_rules.h"

enum { MODELS = 2, CONDITIONS = 8, SOLUTION = 64, STORE_EVERY = 100 };

/* ---- the simulation ---- */

struct simulation {
    struct view_fixture *views;
    flume_recorder *recorder;
    size_t steps;
    unsigned cleared; /* How often the hook on init_block ran. */
    uint64_t commits, news, dups, stored_solutions;
};

static int keep_solution(void *context, const flume_scope *scope, const flume_variable *variable,
                         char *out_reason)
{
    (void)context;
    (void)scope;
    (void)out_reason;
    return strcmp(variable->key, "SOL") == 0 ? FLUME_CLASS_BLOB : FLUME_HOOK_PASS;
}

static int clear_cache(void *context, const flume_scope *scope, char *out_reason)
{
    struct simulation *simulation = context;

    (void)scope;
    (void)out_reason;
    simulation->cleared++;
    return FLUME_OK;
}

static flume_scope *make_scope(const char *label)
{
    flume_scope *scope;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_scope_label(scope, label), FLUME_OK);
    return scope;
}

static void set_rules(struct simulation *simulation)
{
    flume_recorder *recorder = simulation->recorder;

    assert_int_equal(flume_recorder_classify(recorder, "^store$", keep_solution, NULL), FLUME_OK);
    assert_int_equal(
        flume_recorder_call(recorder, "^init_block$", FLUME_CALL_ALL, clear_cache, simulation),
        FLUME_OK);
    assert_int_equal(flume_recorder_configure(recorder, NULL, "flush", "every 1"), FLUME_OK);
    assert_int_equal(flume_recorder_configure(recorder, "^st", "flush", "every 10"), FLUME_OK);
}

static int simulation_setup(void **state)
{
    struct simulation *simulation = calloc(1, sizeof *simulation);

    assert_non_null(simulation);
    assert_int_equal(views_setup(state), 0);
    simulation->views = *state;
    simulation->views->options.views = 0;
    simulation->steps = getenv("FLUME_TEST_LONG") == NULL ? 300 : 15000;
    open_views(simulation->views);
    assert_int_equal(flume_recorder_open(&simulation->recorder, simulation->views->flume, NULL),
                     FLUME_OK);
    set_rules(simulation);
    *state = simulation;
    return 0;
}

static int simulation_teardown(void **state)
{
    struct simulation *simulation = *state;
    void *views = simulation->views;

    (void)flume_recorder_close(simulation->recorder);
    close_views(simulation->views);
    free(simulation);
    return views_teardown(&views);
}

#define simulation_test(function) \
    cmocka_unit_test_setup_teardown(function, simulation_setup, simulation_teardown)

static flume_verdict commit(struct simulation *simulation, flume_scope *scope)
{
    flume_verdict verdict;

    assert_int_equal(flume_commit(simulation->recorder, scope, &verdict), FLUME_OK);
    simulation->commits++;
    simulation->dups += verdict.kind == FLUME_DUP;
    simulation->news += verdict.kind == FLUME_NEW;
    return verdict;
}

static void run_step(struct simulation *simulation, size_t step)
{
    double SOL[SOLUTION], biomass = 0.1 * (double)step;
    bool is_stored = step % STORE_EVERY == 0;
    flume_scope *scope = make_scope(is_stored ? "store" : "step");

    for (size_t i = 0; i < SOLUTION; i++)
        SOL[i] = (double)(i * step);
    FLUME_CAPTURE(scope, step, biomass);
    if (is_stored) {
        FLUME_CAPTURE_ARRAY(scope, SOL, SOLUTION);
        simulation->stored_solutions++;
    }
    (void)commit(simulation, scope);
    flume_scope_destroy(scope);
}

static void run_condition(struct simulation *simulation, int condition)
{
    flume_scope *scope = make_scope("condition");
    double D = 0.05 * condition;

    FLUME_CAPTURE(scope, condition, D);
    assert_int_equal(flume_scope_enter(simulation->recorder, scope), FLUME_OK);
    for (size_t step = 0; step < simulation->steps; step++)
        run_step(simulation, step);
    assert_int_equal(flume_scope_leave(simulation->recorder, scope), FLUME_OK);
    flume_scope_destroy(scope);
}

static void run(struct simulation *simulation)
{
    static const char *const names[MODELS] = {"ecoli", "yeast"};
    flume_scope *block = make_scope("dfba");
    flume_verdict verdict;

    assert_int_equal(flume_scope_set_text(block, "version", "0.3.1"), FLUME_OK);
    assert_int_equal(
        flume_init_block(simulation->recorder, "dfba", "0.3.1", __FILE__, __LINE__, &verdict),
        FLUME_OK);
    assert_int_equal(flume_scope_enter(simulation->recorder, block), FLUME_OK);
    for (int model = 0; model < MODELS; model++) {
        flume_scope *scope = make_scope("model");
        const char *model_id = names[model];

        FLUME_CAPTURE(scope, model_id);
        assert_int_equal(flume_scope_enter(simulation->recorder, scope), FLUME_OK);
        for (int condition = 0; condition < CONDITIONS; condition++)
            run_condition(simulation, condition);
        assert_int_equal(flume_scope_leave(simulation->recorder, scope), FLUME_OK);
        flume_scope_destroy(scope);
    }
    assert_int_equal(flume_scope_leave(simulation->recorder, block), FLUME_OK);
    flume_scope_destroy(block);
}

/* ---- reading it back ---- */

static bool has_label(const flume_scope *scope, const char *label)
{
    for (size_t i = 0; i < flume_scope_label_count(scope); i++)
        if (strcmp(flume_scope_label_at(scope, i), label) == 0)
            return true;
    return false;
}

static size_t count_on_tape(struct simulation *simulation, const char *label,
                            enum flume_variable_class solutions)
{
    const flume_cursor_options options = {.label = label};
    flume_tape_entry entry;
    flume_variable variable;
    flume_scope *scope;
    flume_tape *tape;
    size_t count = 0;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_tape_open(simulation->views->flume, &options, &tape), FLUME_OK);
    while (flume_tape_next(tape, 0, &entry, scope) == FLUME_OK) {
        count++;
        assert_true(has_label(scope, "dfba"));
        if (has_label(scope, "init_block"))
            continue;
        /* All that it lies in was inherited. */
        assert_true(has_label(scope, "model") && has_label(scope, "condition"));
        assert_true(flume_scope_get(scope, "version", &variable));
        assert_true(flume_scope_get(scope, "model_id", &variable));
        assert_true(flume_scope_get(scope, "D", &variable));
        assert_true(flume_scope_get(scope, "step", &variable));
        if (flume_scope_get(scope, "SOL", &variable))
            assert_int_equal(variable.class_, solutions);
        else
            assert_true(has_label(scope, "step"));
    }
    flume_tape_close(tape);
    flume_scope_destroy(scope);
    return count;
}

/* ---- tests ---- */

static void loops_within_loops_are_recorded_with_all_that_is_around_them(void **state)
{
    struct simulation *simulation = *state;
    size_t steps = MODELS * CONDITIONS * simulation->steps;
    size_t stored = MODELS * CONDITIONS * ((simulation->steps + STORE_EVERY - 1) / STORE_EVERY);

    run(simulation);
    assert_int_equal(simulation->cleared, 1);
    assert_int_equal(simulation->news, steps);
    assert_int_equal(simulation->stored_solutions, stored);
    assert_int_equal(flume_recorder_flush(simulation->recorder), FLUME_OK);
    assert_int_equal(count_on_tape(simulation, "dfba", FLUME_CLASS_BLOB), 1 + steps);
    assert_int_equal(count_on_tape(simulation, "store", FLUME_CLASS_BLOB), stored);
    run(simulation); /* Again: nothing of it is new, and the hook on the block ran. */
    assert_int_equal(simulation->cleared, 2);
    assert_int_equal(simulation->news, steps);
    assert_int_equal(simulation->dups, steps);
}

static void settings_come_by_label_with_what_is_around(void **state)
{
    struct simulation *simulation = *state;
    flume_scope *store = make_scope("store"), *model = make_scope("model");
    flume_setting setting;

    assert_int_equal(flume_recorder_config(simulation->recorder, store, "flush", &setting),
                     FLUME_OK);
    assert_string_equal(setting.value, "every 10");
    assert_string_equal(setting.labels, "^st");
    assert_int_equal(flume_recorder_config(simulation->recorder, model, "flush", &setting),
                     FLUME_OK);
    assert_string_equal(setting.value, "every 1");
    flume_scope_destroy(store);
    flume_scope_destroy(model);
}

static void expect_refused(struct simulation *simulation, flume_scope *scope, const char *word)
{
    flume_log *log = flume_log_of(simulation->views->flume);
    uint64_t head = flume_log_head(log);
    flume_error error;

    assert_int_equal(flume_commit(simulation->recorder, scope, NULL), FLUME_ERR_INVALID);
    flume_last_error(simulation->views->flume, &error);
    assert_non_null(strstr(error.message, word));
    assert_int_equal(flume_recorder_flush(simulation->recorder), FLUME_OK);
    assert_int_equal(flume_log_head(log), head);
}

/* A label that is only inherited does not say what a scope is. */
static void without_an_own_label_nothing_is_appended(void **state)
{
    struct simulation *simulation = *state;
    flume_scope *outer = make_scope("outer"), *scope;

    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "n", 1), FLUME_OK);
    assert_int_equal(flume_scope_enter(simulation->recorder, outer), FLUME_OK);
    expect_refused(simulation, scope, "label of its own");
    assert_int_equal(flume_scope_leave(simulation->recorder, outer), FLUME_OK);
    flume_scope_destroy(outer);
    flume_scope_destroy(scope);
}

static void local_arrays_that_nobody_classified_are_named(void **state)
{
    struct simulation *simulation = *state;
    flume_scope *scope = make_scope("step");
    double fluxes[3] = {1, 2, 3}, bounds[2] = {0, 1};
    int n = 3;

    FLUME_CAPTURE(scope, n, fluxes, bounds);
    expect_refused(simulation, scope, "fluxes");
    expect_refused(simulation, scope, "bounds");
    (void)fluxes[0];
    (void)bounds[0];
    flume_scope_destroy(scope);
}

/* How content is stored makes no other scope. */
static void a_blob_and_its_hash_alone_are_one(void **state)
{
    struct simulation *simulation = *state;
    static const double SOL[SOLUTION] = {1, 2, 3};
    flume_scope *kept = make_scope("store"), *hashed = make_scope("store");

    FLUME_CAPTURE_ARRAY(kept, SOL, SOLUTION);
    FLUME_CAPTURE_ARRAY(hashed, SOL, SOLUTION);
    assert_int_equal(commit(simulation, kept).kind, FLUME_NEW);
    assert_int_equal(flume_scope_classify(hashed, "SOL", FLUME_CLASS_HASH), FLUME_OK);
    assert_int_equal(commit(simulation, hashed).kind, FLUME_DUP);
    flume_scope_destroy(kept);
    flume_scope_destroy(hashed);
}

/* What a session had before is no part of what it computes. */
static void a_tare_at_the_start_removes_what_was_there(void **state)
{
    struct simulation *simulation = *state;
    flume_scope *session = make_scope("session"), *bare = make_scope("step"),
                *full = make_scope("step");
    char key[24];

    for (int i = 0; i < 20; i++) {
        (void)snprintf(key, sizeof key, "global%d", i);
        assert_int_equal(flume_scope_set_int(session, key, i), FLUME_OK);
        assert_int_equal(flume_scope_set_int(full, key, i * 2), FLUME_OK);
    }
    assert_int_equal(flume_scope_set_int(bare, "n", 1), FLUME_OK);
    assert_int_equal(flume_scope_set_int(full, "n", 1), FLUME_OK);
    assert_int_equal(flume_recorder_tare(simulation->recorder, session, FLUME_TARE_KEYS), FLUME_OK);
    assert_int_equal(commit(simulation, bare).kind, FLUME_NEW);
    assert_int_equal(commit(simulation, full).kind, FLUME_DUP);
    assert_int_equal(flume_recorder_untare(simulation->recorder), FLUME_OK);
    assert_int_equal(commit(simulation, full).kind, FLUME_SUPERSET);
    flume_scope_destroy(session);
    flume_scope_destroy(bare);
    flume_scope_destroy(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulation_test(loops_within_loops_are_recorded_with_all_that_is_around_them),
        simulation_test(settings_come_by_label_with_what_is_around),
        simulation_test(without_an_own_label_nothing_is_appended),
        simulation_test(local_arrays_that_nobody_classified_are_named),
        simulation_test(a_blob_and_its_hash_alone_are_one),
        simulation_test(a_tare_at_the_start_removes_what_was_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
