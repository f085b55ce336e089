/*
 * test_scope_views.c - the views "scope" and "superset": what they count, when they are made, where
 * the bounds on shapes are, and what a death in the midst of them leaves.
 */
#include "containment_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "flume/scope_find.h"
#include "shapes.h"

static bool has_view(struct find_fixture *fx, const char *name)
{
    struct stat stat_buffer;
    char path[2 * LOG_FIXTURE_PATH_BYTES];

    (void)snprintf(path, sizeof path, "%s/views/%s", fx->files->path, name);
    return stat(path, &stat_buffer) == 0;
}

static flume_view *find_view(struct find_fixture *fx, const char *name)
{
    flume_view *view = NULL;

    assert_int_equal(flume_view_find(fx->handle, name, &view), FLUME_OK);
    return view;
}

static flume_scope_counts count_all(struct find_fixture *fx)
{
    flume_scope_counts counts;

    assert_int_equal(flume_scope_count_all(fx->handle, NULL, &counts), FLUME_OK);
    return counts;
}

/* ---- when they are made ---- */

static void a_basin_without_scopes_does_not_make_them(void **state)
{
    struct find_fixture *fx = *state;
    uint8_t id[FLUME_HASH_BYTES] = {1};
    flume_scope_info info;

    for (int i = 0; i < 100; i++)
        (void)append_json(fx->log, "{}");
    assert_int_equal(flume_view_wait(find_view(fx, "label"), NULL), FLUME_OK);
    assert_int_equal(flume_scope_find_id(fx->handle, NULL, id, &info), FLUME_ERR_NOT_FOUND);
    assert_int_equal(count_all(fx).scopes, 0);
    find_reopen(fx);
    assert_int_equal(flume_view_wait(find_view(fx, "label"), NULL), FLUME_OK);
    assert_false(has_view(fx, "scope"));
    assert_false(has_view(fx, "superset"));
}

static void who_asks_has_them_made(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_json(fx->log, "{}");
    assert_int_equal(flume_view_wait(find_view(fx, "superset"), NULL), FLUME_OK);
    assert_true(has_view(fx, "superset"));
    assert_false(has_view(fx, "scope"));
    verify_view(fx, "superset");
}

static void the_first_scope_has_them_made(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct text_scope texts = {.count = 0};
    uint64_t deadline = (uint64_t)time(NULL) + 30;

    scope_trial_begin(&trial, fx);
    text_scope_add(&texts, "a", 1);
    (void)store(&trial, &texts);
    /* By their workers alone. */
    while (!(has_view(fx, "scope") && has_view(fx, "superset")) && (uint64_t)time(NULL) < deadline)
        (void)usleep(1000);
    assert_true(has_view(fx, "scope") && has_view(fx, "superset"));
    scope_trial_end(&trial);
}

/* ---- counting ---- */

static void commits_that_links_count_are_counted(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct text_scope texts = {.count = 0};
    uint8_t id[FLUME_HASH_BYTES];
    flume_scope_info info;
    uint64_t first, last;

    scope_trial_begin(&trial, fx);
    text_scope_add(&texts, "a", 1);
    first = store(&trial, &texts);
    assert_int_equal(flume_scope_id(trial.scope, id), FLUME_OK);
    assert_int_equal(flume_scope_find_id(fx->handle, NULL, id, &info), FLUME_OK);
    assert_int_equal(info.count, 1);
    assert_int_equal(info.last_seq, first);
    (void)append_link(&trial, first, 7);
    last = append_link(&trial, first, 1000);
    assert_int_equal(flume_scope_find_id(fx->handle, NULL, id, &info), FLUME_OK);
    assert_int_equal(info.first_seq, first);
    assert_int_equal(info.last_seq, last);
    assert_int_equal(info.count, 1008);
    assert_int_equal(info.last_time_ns, 2000);
    verify_view(fx, "scope");
    rebuild_view(fx, "scope");
    assert_int_equal(flume_scope_find_id(fx->handle, NULL, id, &info), FLUME_OK);
    assert_int_equal(info.count, 1008);
    id[5] ^= 1;
    assert_int_equal(flume_scope_find_id(fx->handle, NULL, id, &info), FLUME_ERR_NOT_FOUND);
    scope_trial_end(&trial);
}

static void bodies_that_are_no_scopes_have_no_rows(void **state)
{
    struct find_fixture *fx = *state;

    (void)append_kind(fx->log, FLUME_KIND_SCOPE, "");
    (void)append_kind(fx->log, FLUME_KIND_SCOPE, "{\"a\":1}");
    (void)append_kind(fx->log, FLUME_KIND_LINK, "nonsense");
    assert_int_equal(count_all(fx).scopes, 0);
    assert_int_equal(count_all(fx).shapes, 0);
    verify_view(fx, "scope");
    verify_view(fx, "superset");
}

/* A sweep: constants, parameters on a grid, a running number. */
static void sweep(struct text_scope *out, unsigned number)
{
    out->count = 0;
    for (unsigned key = 0; key < 14; key++)
        text_scope_add(out, key_name(key), 7);
    text_scope_add(out, "x", number % 16);
    text_scope_add(out, "y", number / 16 % 16);
    text_scope_add(out, "index", number);
}

enum { SWEEP = 400 };

static void a_sweep_that_gains_and_loses_a_variable_is_counted(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay;
    struct text_scope texts;

    scope_trial_begin(&trial, fx);
    overlay = open_overlay(&trial, 0);
    for (unsigned i = 0; i < SWEEP; i++) {
        sweep(&texts, i);
        expect_relations(&trial, overlay, &texts);
        (void)store(&trial, &texts);
    }
    assert_int_equal(trial.duplicates + trial.supersets + trial.subsets, 0);
    for (unsigned i = 0; i < SWEEP; i++) {
        sweep(&texts, i);
        expect_relations(&trial, overlay, &texts);
    }
    assert_int_equal(trial.duplicates, SWEEP);
    for (unsigned i = 0; i < SWEEP; i++) { /* Gained. */
        sweep(&texts, i);
        text_scope_add(&texts, "z", 7);
        expect_relations(&trial, overlay, &texts);
        (void)store(&trial, &texts);
    }
    assert_int_equal(trial.subsets, SWEEP);
    for (unsigned i = 0; i < SWEEP; i++) { /* Lost: within both others. */
        sweep(&texts, i);
        text_scope_remove(&texts, 3);
        expect_relations(&trial, overlay, &texts);
        (void)store(&trial, &texts);
    }
    assert_int_equal(trial.supersets, SWEEP);
    for (unsigned i = 0; i < SWEEP; i++) { /* Another value: neither. */
        sweep(&texts, i);
        (void)snprintf(texts.texts[3], sizeof texts.texts[3], "d=8");
        expect_relations(&trial, overlay, &texts);
    }
    assert_int_equal(trial.duplicates, SWEEP);
    assert_int_equal(count_all(fx).scopes, 3 * SWEEP);
    assert_int_equal(count_all(fx).shapes, 3);
    assert_int_equal(count_all(fx).wild_shapes, 0);
    overlay_destroy(overlay);
    scope_trial_end(&trial);
    verify_view(fx, "superset");
}

/* ---- scopes that are special ---- */

static void scopes_without_variables_are_only_the_same(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay;
    struct text_scope texts = {.count = 0};
    uint64_t seq;

    scope_trial_begin(&trial, fx);
    overlay = open_overlay(&trial, 0);
    seq = store(&trial, &texts); /* Nothing at all. */
    text_scope_add_label(&texts, "one");
    expect_relations(&trial, overlay, &texts);
    (void)store(&trial, &texts);
    expect_relations(&trial, overlay, &texts);
    text_scope_add_label(&texts, "two");
    expect_relations(&trial, overlay, &texts);
    text_scope_add(&texts, "a", 1);
    expect_relations(&trial, overlay, &texts);
    (void)store(&trial, &texts);
    text_scope_remove(&texts, 1); /* A label is a pair like others. */
    expect_relations(&trial, overlay, &texts);
    assert_int_equal(trial.duplicates, 1);
    assert_int_equal(trial.supersets, 1);
    assert_int_equal(trial.subsets, 0);
    texts.count = 0;
    assert_int_equal(oracle_ask(trial.oracle, &texts).dup_seq, seq);
    expect_relations(&trial, overlay, &texts);
    assert_int_equal(count_all(fx).shapes, 1);
    overlay_destroy(overlay);
    scope_trial_end(&trial);
}

static void a_shadowed_scope_counts_for_what_it_is(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay;
    struct text_scope full, part;
    uint64_t seq;

    scope_trial_begin(&trial, fx);
    sweep(&full, 5);
    text_scope_add_label(&full, "one");
    seq = store(&trial, &full);
    part = full;
    text_scope_remove(&part, 2);
    (void)append_shadowed(&trial, &part, &full, seq);
    overlay = open_overlay(&trial, 0);
    expect_relations(&trial, overlay, &part);
    assert_int_equal(trial.duplicates, 1);
    text_scope_remove(&part, 2);
    expect_relations(&trial, overlay, &part); /* Its superset is still the older one. */
    text_scope_add(&part, "new", 1);
    expect_relations(&trial, overlay, &part);
    overlay_destroy(overlay);
    scope_trial_end(&trial);
    verify_view(fx, "superset");
}

static void questions_change_no_answer(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay;

    scope_trial_begin(&trial, fx);
    overlay = open_overlay(&trial, 0);
    for (int i = 0; i < 600; i++) {
        struct text_scope texts;

        for (int question = 0; question < 3; question++) {
            hostile(&trial, &texts); /* Of shapes that no scope has, and twice. */
            expect_relations(&trial, overlay, &texts);
            expect_relations(&trial, overlay, &texts);
        }
        (void)store(&trial, &texts);
    }
    overlay_destroy(overlay);
    scope_trial_end(&trial);
}

/* ---- two programs ---- */

static void wait_for(flume *handle, const char *name)
{
    flume_view *view = NULL;

    assert_int_equal(flume_view_find(handle, name, &view), FLUME_OK);
    assert_int_equal(flume_view_wait(view, NULL), FLUME_OK);
}

static void handles_that_advance_the_view_by_turns_agree(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    flume *other;

    close_flume(fx->handle);
    fx->handle = open_flume(fx, FLUME_VIEWS_NO_WORKERS);
    fx->log = flume_log_of(fx->handle);
    other = open_flume(fx, FLUME_VIEWS_NO_WORKERS);
    scope_trial_begin(&trial, fx);
    for (int turn = 0; turn < 60; turn++) {
        struct text_scope texts;

        for (int i = 0; i < 5; i++) {
            few_keys(&trial, &texts);
            (void)store(&trial, &texts);
        }
        wait_for(turn % 2 == 0 ? fx->handle : other, "superset");
    }
    close_flume(other);
    scope_trial_end(&trial);
    verify_view(fx, "superset");
}

/* Each batch that does not fit is given up, and applied once more with more room. */
static void a_batch_that_was_given_up_leaves_nothing(void **state)
{
    struct find_fixture *fx = *state;
    flume_options options = {
        .log = fx->files->options, .views = FLUME_VIEWS_NO_WORKERS, .map_bytes = 512 << 10};
    struct scope_trial trial;
    struct text_scope texts;

    close_flume(fx->handle);
    assert_int_equal(flume_open(&fx->handle, fx->files->path, &options, NULL), FLUME_OK);
    fx->log = flume_log_of(fx->handle);
    scope_trial_begin(&trial, fx);
    sweep(&texts, 0);
    (void)store(&trial, &texts);
    wait_for(fx->handle, "superset"); /* From now on it is advanced, not built. */
    for (unsigned i = 1; i < 12000; i++) {
        sweep(&texts, i);
        if (i % 3 == 0)
            text_scope_add(&texts, "z", i % 5);
        (void)make_scope(&trial, &texts);
        (void)append_scope(&trial);
    }
    wait_for(fx->handle, "superset");
    scope_trial_end(&trial);
    verify_view(fx, "superset");
}

/* ---- the bounds on shapes ---- */

static void shapes_beyond_the_bound_are_wild(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay;
    struct text_scope texts;

    scope_trial_begin(&trial, fx);
    for (unsigned i = 0; i < SHAPES_MAX + 100; i++) {
        char key[8];

        texts.count = 0;
        (void)snprintf(key, sizeof key, "k%u", i);
        text_scope_add(&texts, key, 1);
        text_scope_add(&texts, "same", 1);
        (void)store(&trial, &texts);
    }
    assert_int_equal(count_all(fx).shapes, SHAPES_MAX);
    assert_int_equal(count_all(fx).wild_shapes, 100);
    assert_int_equal(count_all(fx).wild_scopes, 100);
    overlay = open_overlay(&trial, 0);
    for (unsigned i = SHAPES_MAX - 20; i < SHAPES_MAX + 20; i++) {
        char key[8];

        texts.count = 0;
        (void)snprintf(key, sizeof key, "k%u", i);
        text_scope_add(&texts, key, 1);
        expect_relations(&trial, overlay, &texts);
        text_scope_add(&texts, "same", 1);
        text_scope_add(&texts, "more", 1);
        expect_relations(&trial, overlay, &texts);
    }
    assert_int_equal(trial.supersets, 40);
    assert_int_equal(trial.subsets, 40);
    overlay_destroy(overlay);
    scope_trial_end(&trial);
    verify_view(fx, "superset");
}

enum { PARTS = SHAPE_PARTS_MAX + 10 };

static void large_scope(struct text_scope *out)
{
    out->count = 0;
    for (unsigned key = 0; key < PARTS; key++)
        text_scope_add(out, key_name(key), 1);
}

static void ask_about_parts(struct scope_trial *trial, struct overlay *overlay)
{
    struct text_scope texts;

    for (unsigned key = 0; key + 1 < PARTS; key++) {
        texts.count = 0;
        text_scope_add(&texts, key_name(key), 1);
        expect_relations(trial, overlay, &texts);
        text_scope_add(&texts, key_name(key + 1), 1);
        expect_relations(trial, overlay, &texts);
    }
    large_scope(&texts);
    expect_relations(trial, overlay, &texts);
    text_scope_remove(&texts, 7);
    expect_relations(trial, overlay, &texts);
    text_scope_add(&texts, "more", 1);
    expect_relations(trial, overlay, &texts);
}

/* Whether the whole or its parts come first, one of them is wild. */
static void have_many_parts(struct find_fixture *fx, bool is_whole_first)
{
    struct scope_trial trial;
    struct overlay *overlay;
    struct text_scope texts;

    scope_trial_begin(&trial, fx);
    overlay = open_overlay(&trial, 0);
    large_scope(&texts);
    if (is_whole_first)
        (void)store(&trial, &texts);
    for (unsigned key = 0; key < PARTS; key++) {
        texts.count = 0;
        text_scope_add(&texts, key_name(key), 1);
        expect_relations(&trial, overlay, &texts);
        (void)store(&trial, &texts);
    }
    large_scope(&texts);
    expect_relations(&trial, overlay, &texts);
    if (!is_whole_first)
        (void)store(&trial, &texts);
    ask_about_parts(&trial, overlay);
    overlay_destroy(overlay);
    assert_int_equal(count_all(fx).wild_shapes, is_whole_first ? PARTS - SHAPE_PARTS_MAX : 1);
    overlay = open_overlay(&trial, 0); /* Of rows alone. */
    ask_about_parts(&trial, overlay);
    overlay_destroy(overlay);
    scope_trial_end(&trial);
    verify_view(fx, "superset");
}

static void parts_beyond_the_bound_of_a_shape_are_wild(void **state)
{
    have_many_parts(*state, true);
}

static void a_shape_of_too_many_parts_is_wild(void **state)
{
    have_many_parts(*state, false);
}

/* ---- a death in the midst ---- */

enum { SCOPES_BEFORE = 4000, KILLS = 6 };

/* Until it is killed, or has brought the view to the head. */
static _Noreturn void advance_in_child(struct find_fixture *fx)
{
    flume *handle = open_flume(fx, FLUME_VIEWS_NO_WORKERS);
    flume_view *view = NULL;

    (void)flume_view_find(handle, "superset", &view);
    (void)flume_view_wait(view, NULL);
    for (;;)
        (void)pause();
}

static void a_death_while_a_late_shape_is_filled_in_leaves_what_a_rebuild_makes(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct text_scope texts;

    scope_trial_begin(&trial, fx);
    for (unsigned i = 0; i < SCOPES_BEFORE; i++) {
        sweep(&texts, i);
        (void)store(&trial, &texts);
    }
    assert_int_equal(flume_view_wait(find_view(fx, "superset"), NULL), FLUME_OK);
    for (unsigned kill_number = 0; kill_number < KILLS; kill_number++) {
        struct overlay *overlay;
        flume *quiet;
        pid_t child;

        /* A shape within that of all others: each of them is gone over again. */
        close_flume(fx->handle);
        quiet = open_flume(fx, FLUME_VIEWS_NO_WORKERS | FLUME_VIEWS_NOT_BUILT_IN);
        fx->log = flume_log_of(quiet);
        sweep(&texts, kill_number);
        text_scope_remove(&texts, kill_number);
        (void)store(&trial, &texts);
        close_flume(quiet);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            advance_in_child(fx);
        (void)usleep(random_below(&trial.chance, 60000));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        fx->handle = open_flume(fx, 0);
        fx->log = flume_log_of(fx->handle);
        verify_view(fx, "superset");
        overlay = open_overlay(&trial, 0);
        sweep(&texts, 77);
        text_scope_remove(&texts, kill_number);
        expect_relations(&trial, overlay, &texts);
        assert_int_equal(trial.supersets, kill_number + 1);
        overlay_destroy(overlay);
    }
    scope_trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        find_test(a_basin_without_scopes_does_not_make_them),
        find_test(who_asks_has_them_made),
        find_test(the_first_scope_has_them_made),
        find_test(commits_that_links_count_are_counted),
        find_test(bodies_that_are_no_scopes_have_no_rows),
        find_test(a_sweep_that_gains_and_loses_a_variable_is_counted),
        find_test(scopes_without_variables_are_only_the_same),
        find_test(a_shadowed_scope_counts_for_what_it_is),
        find_test(questions_change_no_answer),
        find_test(handles_that_advance_the_view_by_turns_agree),
        find_test(a_batch_that_was_given_up_leaves_nothing),
        find_test(shapes_beyond_the_bound_are_wild),
        find_test(parts_beyond_the_bound_of_a_shape_are_wild),
        find_test(a_shape_of_too_many_parts_is_wild),
        find_test(a_death_while_a_late_shape_is_filled_in_leaves_what_a_rebuild_makes),
    };

    return cmocka_run_group_tests_name("scope views", tests, NULL, NULL);
}
