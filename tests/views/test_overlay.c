/*
 * test_overlay.c - what a recorder keeps of scopes that the view superset is still to take in: it
 * has a bound, and where that is met the view is waited for.
 */
#include "containment_fixture.h"

#include <stdlib.h>

#include "overlay_map.h"

/* ---- its tables ---- */

static struct fingerprint random_key(uint64_t *io_chance)
{
    struct fingerprint key;

    key.lanes[0] = random_next(io_chance);
    key.lanes[1] = random_next(io_chance);
    return key;
}

static void a_large_table_takes_64_bytes_a_row_at_most(void **state)
{
    enum { ROWS = 300000, SMALL = 50000 };
    struct pairs_map map = {.count = 0};
    uint64_t chance = 7;

    (void)state;
    for (uint64_t i = 0; i < ROWS; i++) {
        const struct containment_entry entry = {i, i + 1};

        assert_int_equal(pairs_map_put(&map, random_key(&chance), &entry), FLUME_OK);
        if (i >= SMALL)
            assert_true(map.capacity * sizeof *map.slots <= (i + 1) * PAIRS_ROW_BYTES_MAX);
    }
    assert_int_equal(map.count, ROWS);
    pairs_map_deinit(&map);
}

/* Many of the keys crowd at the end, where they go on in front. */
static void a_table_that_grew_has_all_that_was_put(void **state)
{
    enum { ROWS = 150000, CROWDED_PART = 100 };
    struct pairs_map map = {.count = 0};
    struct fingerprint *keys = calloc(ROWS, sizeof *keys);
    struct pairs_slot *sorted;
    uint64_t chance = 7;
    size_t count;

    (void)state;
    assert_non_null(keys);
    for (uint64_t i = 0; i < ROWS; i++) {
        const struct containment_entry entry = {i, ROWS - i};

        keys[i] = random_key(&chance);
        if (i % CROWDED_PART == 0)
            keys[i].lanes[0] |= UINT64_C(0xffffffff00000000);
        assert_int_equal(pairs_map_put(&map, keys[i], &entry), FLUME_OK);
    }
    for (uint64_t i = 0; i < ROWS; i++) {
        const struct containment_entry *found = pairs_map_find(&map, keys[i]);

        assert_non_null(found);
        assert_int_equal(found->own_seq, i);
        assert_int_equal(found->superset_seq, ROWS - i);
    }
    assert_null(pairs_map_find(&map, random_key(&chance)));
    sorted = pairs_map_sorted(&map, &count);
    assert_non_null(sorted);
    assert_int_equal(count, ROWS);
    for (size_t i = 1; i < count; i++)
        assert_true(sorted[i - 1].key.lanes[0] <= sorted[i].key.lanes[0]);
    free(sorted);
    free(keys);
    pairs_map_deinit(&map);
}

/* ---- its bound ---- */

static flume_view *superset_of(struct find_fixture *fx)
{
    flume_view *view = NULL;

    assert_int_equal(flume_view_find(fx->handle, "superset", &view), FLUME_OK);
    return view;
}

static const struct scope_pairs *make_number(struct scope_trial *trial, unsigned number)
{
    struct text_scope texts = {.count = 0};

    text_scope_add(&texts, "n", number);
    return make_scope(trial, &texts);
}

/* Store scopes and know them, up to so many, as long as that goes. */
static unsigned fill(struct scope_trial *trial, struct overlay *overlay, unsigned count,
                     int *out_status)
{
    unsigned number = 0;

    for (*out_status = FLUME_OK; *out_status == FLUME_OK && number < count; number++) {
        struct containment_answer answer;
        const struct scope_pairs *pairs = make_number(trial, number);

        *out_status = overlay_bring(overlay, flume_log_head(trial->fx->log), NULL);
        if (*out_status != FLUME_OK)
            break;
        assert_int_equal(overlay_ask(overlay, pairs, &answer), FLUME_OK);
        assert_int_equal(answer.dup_seq, FLUME_SEQ_NONE);
        assert_int_equal(overlay_add(overlay, pairs, append_scope(trial)), FLUME_OK);
    }
    return number;
}

/* A paused view has nothing of it, so that all of it has to be kept. */
static unsigned fill_beside_a_paused_view(struct find_fixture *fx, uint64_t memory_bytes,
                                          unsigned count, int *out_status)
{
    struct scope_trial trial;
    struct overlay *overlay;
    unsigned stored;

    scope_trial_begin(&trial, fx);
    assert_int_equal(flume_view_pause(superset_of(fx)), FLUME_OK);
    assert_int_equal(overlay_create(fx->handle, memory_bytes, &overlay), FLUME_OK);
    stored = fill(&trial, overlay, count, out_status);
    assert_int_equal(flume_view_resume(superset_of(fx)), FLUME_OK);
    overlay_destroy(overlay);
    scope_trial_end(&trial);
    return stored;
}

enum { LEAST_BYTES = 256 << 10, LEAST_ROWS = LEAST_BYTES / PAIRS_ROW_BYTES_MAX };

static void no_more_is_kept_than_was_allowed(void **state)
{
    int status;
    unsigned stored = fill_beside_a_paused_view(*state, 1, 2 * LEAST_ROWS, &status);

    assert_in_range(stored, LEAST_ROWS / 4, LEAST_ROWS);
    assert_int_equal(status, FLUME_ERR_STALE);
}

static void as_much_is_kept_as_was_allowed(void **state)
{
    int status;
    unsigned stored = fill_beside_a_paused_view(*state, 4 * LEAST_BYTES, 2 * LEAST_ROWS, &status);

    assert_int_equal(stored, 2 * LEAST_ROWS);
    assert_int_equal(status, FLUME_OK);
}

static void what_follows_a_full_one_is_told_as_brute_force_says(void **state)
{
    enum { SCOPES_KEPT = 32, COUNT = 600 };
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay;

    close_flume(fx->handle); /* The view moves where it is waited for, and nowhere else. */
    fx->handle = open_flume(fx, FLUME_VIEWS_NO_WORKERS);
    fx->log = flume_log_of(fx->handle);
    scope_trial_begin(&trial, fx);
    overlay = open_overlay(&trial, SCOPES_KEPT);
    overlay_limit_backfill(overlay, 2 * SCOPES_KEPT);
    for (unsigned i = 0; i < COUNT; i++) {
        struct text_scope texts;

        few_keys(&trial, &texts);
        expect_relations(&trial, overlay, &texts);
        (void)store(&trial, &texts);
    }
    assert_true(flume_view_synced(superset_of(fx)) > COUNT / 2);
    assert_true(trial.duplicates > 0 && trial.supersets > 0 && trial.subsets > 0);
    overlay_destroy(overlay);
    scope_trial_end(&trial);
    verify_view(fx, "superset");
}

/* It waits as long as it may, and goes on when the view does. */
static void a_full_one_waits_no_longer_than_it_may(void **state)
{
    enum { SCOPES_KEPT = 32, MANY = 1000 };
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay;
    unsigned stored;
    int status;

    scope_trial_begin(&trial, fx);
    overlay = open_overlay(&trial, SCOPES_KEPT);
    assert_int_equal(flume_view_pause(superset_of(fx)), FLUME_OK);
    stored = fill(&trial, overlay, MANY, &status);
    assert_int_equal(status, FLUME_ERR_STALE);
    assert_in_range(stored, SCOPES_KEPT / 2, 2 * SCOPES_KEPT);
    assert_int_equal(overlay_position(overlay), 0); /* It keeps nothing after an error. */
    assert_int_equal(flume_view_resume(superset_of(fx)), FLUME_OK);
    for (unsigned number = 0; number < stored; number++) {
        struct containment_answer answer;
        const struct scope_pairs *pairs = make_number(&trial, number);

        assert_int_equal(overlay_bring(overlay, flume_log_head(fx->log), NULL), FLUME_OK);
        assert_int_equal(overlay_ask(overlay, pairs, &answer), FLUME_OK);
        assert_int_not_equal(answer.dup_seq, FLUME_SEQ_NONE);
    }
    overlay_destroy(overlay);
    scope_trial_end(&trial);
}

/* ---- shapes that come late ---- */

/* As many scopes of two variables as make more rows than it may keep, known to the view, and asked
 * for from now on by one variable, which no scope has for itself. */
static struct overlay *open_behind_many(struct scope_trial *trial)
{
    enum { MANY = LEAST_ROWS + LEAST_ROWS / 4 };
    flume_view *view = superset_of(trial->fx);
    struct overlay *overlay;
    flume_rows *rows;

    for (unsigned number = 0; number < MANY; number++) {
        struct text_scope texts = {.count = 0};

        text_scope_add(&texts, "n", number);
        text_scope_add(&texts, "z", 1);
        (void)store(trial, &texts);
    }
    assert_int_equal(flume_view_read(view, NULL, &rows), FLUME_OK);
    flume_rows_end(rows);
    assert_int_equal(overlay_create(trial->fx->handle, LEAST_BYTES, &overlay), FLUME_OK);
    return overlay;
}

static void text_number(struct text_scope *texts, unsigned number)
{
    texts->count = 0;
    text_scope_add(texts, "n", number);
}

static void a_question_about_a_late_shape_keeps_nothing_of_a_long_history(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay;
    struct text_scope texts;

    scope_trial_begin(&trial, fx);
    overlay = open_behind_many(&trial);
    assert_int_equal(flume_view_pause(superset_of(fx)), FLUME_OK);
    text_number(&texts, UINT16_MAX);
    text_scope_add(&texts, "z", 1);
    (void)store(&trial, &texts); /* The view is behind: a full overlay would have to wait for it. */
    for (unsigned number = 0; number < 4; number++) {
        text_number(&texts, number * 1000);
        expect_relations(&trial, overlay, &texts);
    }
    assert_int_equal(trial.supersets, 4);
    assert_int_equal(flume_view_resume(superset_of(fx)), FLUME_OK);
    overlay_destroy(overlay);
    scope_trial_end(&trial);
}

static void a_late_shape_of_a_long_history_is_taken_up_by_the_view(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay;
    struct text_scope texts;
    struct containment_answer answer;

    scope_trial_begin(&trial, fx);
    overlay = open_behind_many(&trial);
    text_number(&texts, 7);
    expect_relations(&trial, overlay, &texts);
    assert_int_equal(flume_view_pause(superset_of(fx)), FLUME_OK);
    {
        const struct scope_pairs *pairs = make_scope(&trial, &texts);

        assert_int_equal(overlay_add(overlay, pairs, store(&trial, &texts)), FLUME_OK);
    }
    assert_int_equal(overlay_bring(overlay, flume_log_head(fx->log), NULL), FLUME_ERR_STALE);
    assert_int_equal(flume_view_resume(superset_of(fx)), FLUME_OK);
    assert_int_equal(overlay_bring(overlay, flume_log_head(fx->log), NULL), FLUME_OK);
    assert_int_equal(overlay_ask(overlay, make_scope(&trial, &texts), &answer), FLUME_OK);
    assert_int_not_equal(answer.dup_seq, FLUME_SEQ_NONE);
    for (unsigned number = 0; number < 4; number++) {
        text_number(&texts, number * 1000);
        expect_relations(&trial, overlay, &texts);
    }
    overlay_destroy(overlay);
    scope_trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_table_takes_64_bytes_a_row_at_most),
        cmocka_unit_test(a_table_that_grew_has_all_that_was_put),
        find_test(no_more_is_kept_than_was_allowed),
        find_test(as_much_is_kept_as_was_allowed),
        find_test(what_follows_a_full_one_is_told_as_brute_force_says),
        find_test(a_full_one_waits_no_longer_than_it_may),
        find_test(a_question_about_a_late_shape_keeps_nothing_of_a_long_history),
        find_test(a_late_shape_of_a_long_history_is_taken_up_by_the_view),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
