/*
 * test_overlay_turns.c - what an overlay lets go of for a newer snapshot is in that snapshot, and
 * nothing that is still to be taken in.
 *
 * The view superset moves where it is waited for, and nowhere else, so that each test says where it
 * stands when the overlay turns: once TURN_SCOPES were taken in, and when there is no more room.
 */
#include "containment_fixture.h"

/* TURN_SCOPES are more than the quarter of SCOPES_KEPT that makes a part: once so many were taken
 * in they become the older part, and once as many more were, it may go. */
enum { SCOPES_KEPT = 32, TURN_SCOPES = 10, BEFORE = 20 };

static flume_view *superset_of(struct find_fixture *fx)
{
    flume_view *view = NULL;

    assert_int_equal(flume_view_find(fx->handle, "superset", &view), FLUME_OK);
    return view;
}

static void bring_view(struct find_fixture *fx)
{
    flume_rows *rows;

    assert_int_equal(flume_view_read(superset_of(fx), NULL, &rows), FLUME_OK);
    flume_rows_end(rows);
}

static void bring(struct find_fixture *fx, struct overlay *overlay)
{
    assert_int_equal(overlay_bring(overlay, flume_log_head(fx->log), NULL), FLUME_OK);
}

/* One of "n" and, unless it is 0, "z". */
static struct text_scope numbered(unsigned n, unsigned z)
{
    struct text_scope texts = {.count = 0};

    text_scope_add(&texts, "n", n);
    if (z != 0)
        text_scope_add(&texts, "z", z);
    return texts;
}

static void store_numbers(struct scope_trial *trial, unsigned first, unsigned count, unsigned z)
{
    for (unsigned n = first; n < first + count; n++) {
        struct text_scope texts = numbered(n, z);

        (void)store(trial, &texts);
    }
}

/* Numbers below BEFORE are in the view, and an overlay stands on it. */
static struct overlay *begin(struct scope_trial *trial, struct find_fixture *fx, unsigned z)
{
    struct overlay *overlay;

    close_flume(fx->handle);
    fx->handle = open_flume(fx, FLUME_VIEWS_NO_WORKERS);
    fx->log = flume_log_of(fx->handle);
    scope_trial_begin(trial, fx);
    store_numbers(trial, 0, BEFORE, z);
    bring_view(fx);
    overlay = open_overlay(trial, SCOPES_KEPT);
    bring(fx, overlay);
    return overlay;
}

static void end(struct scope_trial *trial, struct find_fixture *fx, struct overlay *overlay)
{
    overlay_destroy(overlay);
    scope_trial_end(trial);
    verify_view(fx, "superset");
}

/* Take in so many; the next time it is brought somewhere it turns, or tries to. */
static void take_in(struct scope_trial *trial, struct overlay *overlay, unsigned first,
                    unsigned count, unsigned z)
{
    store_numbers(trial, first, count, z);
    bring(trial->fx, overlay);
}

static void what_was_filled_in_for_a_question_is_kept(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay = begin(&trial, fx, 1);
    struct text_scope asked = numbered(3, 0); /* No scope has this shape: the view lacks it. */

    expect_relations(&trial, overlay, &asked);
    assert_int_equal(trial.supersets, 1);
    take_in(&trial, overlay, BEFORE, TURN_SCOPES, 1);
    bring(fx, overlay);
    bring_view(fx);
    take_in(&trial, overlay, BEFORE + TURN_SCOPES, TURN_SCOPES, 1);
    bring(fx, overlay);
    expect_relations(&trial, overlay, &asked);
    assert_int_equal(trial.supersets, 2);
    end(&trial, fx, overlay);
}

static void a_snapshot_that_is_ahead_is_not_taken(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay = begin(&trial, fx, 0);
    struct text_scope new_shape = numbered(3, 1), larger = new_shape;

    take_in(&trial, overlay, BEFORE, TURN_SCOPES, 0);
    bring(fx, overlay);
    take_in(&trial, overlay, BEFORE + TURN_SCOPES, TURN_SCOPES, 0);
    (void)store(&trial, &new_shape);
    bring_view(fx); /* It has the new shape, which the overlay is still to learn of. */
    text_scope_add(&larger, "zz", 1);
    expect_relations(&trial, overlay, &larger);
    assert_int_equal(trial.subsets, 1);
    end(&trial, fx, overlay);
}

static void without_room_the_view_is_waited_for_as_far_as_the_older_part_goes(void **state)
{
    struct find_fixture *fx = *state;
    struct scope_trial trial;
    struct overlay *overlay = begin(&trial, fx, 0);
    struct text_scope texts;

    take_in(&trial, overlay, BEFORE, TURN_SCOPES, 0);
    bring(fx, overlay);
    take_in(&trial, overlay, BEFORE + TURN_SCOPES, SCOPES_KEPT - TURN_SCOPES, 0);
    for (unsigned n = 0; n < BEFORE + SCOPES_KEPT; n++) {
        texts = numbered(n, 0);
        expect_relations(&trial, overlay, &texts);
    }
    assert_int_equal(trial.duplicates, BEFORE + SCOPES_KEPT);
    end(&trial, fx, overlay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        find_test(what_was_filled_in_for_a_question_is_kept),
        find_test(a_snapshot_that_is_ahead_is_not_taken),
        find_test(without_room_the_view_is_waited_for_as_far_as_the_older_part_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
