/*
 * test_containment.c - which stored scopes a scope is the same as, lies within and has within it:
 * always what brute force says, from memory, from the view's rows, and from both together.
 *
 *   FLUME_TEST_LONG  more of everything
 */
#include "containment_fixture.h"

#include "shapes.h"

/* ---- against brute force ---- */

/* Ask for each, then store it; the writer tells its overlay, which begins afresh every so often. */
static void compare_by_writer(struct find_fixture *fx, scope_maker maker, size_t count,
                              size_t scopes_max)
{
    struct scope_trial trial;
    struct overlay *overlay;

    scope_trial_begin(&trial, fx);
    overlay = open_overlay(&trial, scopes_max);
    for (size_t i = 0; i < count; i++) {
        struct text_scope texts;
        uint64_t seq;

        maker(&trial, &texts);
        expect_relations(&trial, overlay, &texts);
        seq = store(&trial, &texts);
        assert_int_equal(overlay_add(overlay, make_scope(&trial, &texts), seq), FLUME_OK);
    }
    assert_true(trial.duplicates + trial.supersets + trial.subsets > count / 8);
    overlay_destroy(overlay);
    scope_trial_end(&trial);
    verify_view(fx, "superset");
}

/* Another one's scopes: read from the log, and asked about now and then. */
static void compare_by_reader(struct find_fixture *fx, scope_maker maker, size_t count,
                              size_t scopes_max)
{
    struct scope_trial trial;
    struct overlay *overlay;

    scope_trial_begin(&trial, fx);
    overlay = open_overlay(&trial, scopes_max);
    for (size_t i = 0; i < count; i++) {
        struct text_scope texts;

        maker(&trial, &texts);
        if (random_below(&trial.chance, 3) == 0)
            expect_relations(&trial, overlay, &texts);
        if (random_below(&trial.chance, 4) != 0)
            (void)store(&trial, &texts);
        if (random_below(&trial.chance, 16) == 0)
            (void)append_json(fx->log, "{}");
    }
    overlay_destroy(overlay);
    scope_trial_end(&trial);
    verify_view(fx, "superset");
}

/* Everything is in the rows; then questions. */
static void compare_by_rows(struct find_fixture *fx, scope_maker maker, size_t count)
{
    struct scope_trial trial;
    flume_view *view = NULL;

    scope_trial_begin(&trial, fx);
    assert_int_equal(flume_view_find(fx->handle, "superset", &view), FLUME_OK);
    for (size_t i = 0; i < count; i++) {
        struct text_scope texts;

        maker(&trial, &texts);
        (void)store(&trial, &texts);
    }
    assert_int_equal(flume_view_wait(view, NULL), FLUME_OK);
    for (size_t round = 0; round < 3; round++) {
        struct overlay *overlay = open_overlay(&trial, 0);

        for (size_t i = 0; i < count / 8; i++) {
            struct text_scope texts;

            maker(&trial, &texts);
            expect_relations(&trial, overlay, &texts);
        }
        overlay_destroy(overlay);
    }
    scope_trial_end(&trial);
    verify_view(fx, "superset");
    rebuild_view(fx, "superset");
    verify_view(fx, "superset");
}

enum { MANY_SHAPES = SHAPES_MAX + 800 };

#define BY_BRUTE_FORCE(kind, usual, more)                             \
    static void kind##_in_memory(void **state)                        \
    {                                                                 \
        compare_by_writer(*state, kind, at_length(usual, more), 0);   \
    }                                                                 \
    static void kind##_in_memory_over_rows(void **state)              \
    {                                                                 \
        compare_by_writer(*state, kind, at_length(usual, more), 37);  \
    }                                                                 \
    static void kind##_of_another_writer(void **state)                \
    {                                                                 \
        compare_by_reader(*state, kind, at_length(usual, more), 301); \
    }                                                                 \
    static void kind##_in_rows(void **state)                          \
    {                                                                 \
        compare_by_rows(*state, kind, at_length(usual, more));        \
    }

BY_BRUTE_FORCE(few_keys, 1500, 30000)
BY_BRUTE_FORCE(optional_flags, 1500, 30000)
BY_BRUTE_FORCE(hostile, MANY_SHAPES, 20000)
BY_BRUTE_FORCE(all_common, 1500, 30000)

#define FOUR_TESTS(kind)                                                \
    find_test(kind##_in_memory), find_test(kind##_in_memory_over_rows), \
        find_test(kind##_of_another_writer), find_test(kind##_in_rows)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR_TESTS(few_keys),
        FOUR_TESTS(optional_flags),
        FOUR_TESTS(hostile),
        FOUR_TESTS(all_common),
    };

    return cmocka_run_group_tests_name("containment", tests, NULL, NULL);
}
