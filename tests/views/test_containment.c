/*
 * test_containment.c - which stored scopes a scope is the same as, lies within and has within it:
 * always what brute force says, from memory, from the view's rows, and from both together.
 *
 *   FLUME_TEST_LONG  more of everything
 */
#include "containment_fixture.h"

#include <string.h>

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

/* Another one's scopes, among them shapes that are asked about and never stored, while the view
 * follows so closely that what is in memory is let go of part by part. */
static void compare_by_turns(struct find_fixture *fx, scope_maker maker, size_t count)
{
    enum { SCOPES_KEPT = 40, STORED_AT_ONCE = 7 };
    struct scope_trial trial;
    struct overlay *overlay;
    flume_view *view = NULL;

    scope_trial_begin(&trial, fx);
    overlay = open_overlay(&trial, SCOPES_KEPT);
    assert_int_equal(flume_view_find(fx->handle, "superset", &view), FLUME_OK);
    for (size_t i = 0; i < count; i++) {
        struct text_scope texts;

        maker(&trial, &texts);
        if (i % STORED_AT_ONCE != 0) {
            (void)store(&trial, &texts);
            continue;
        }
        expect_relations(&trial, overlay, &texts);
        if (random_below(&trial.chance, 2) == 0)
            assert_int_equal(flume_view_wait(view, NULL), FLUME_OK);
    }
    overlay_destroy(overlay);
    scope_trial_end(&trial);
    verify_view(fx, "superset");
}

static void few_keys_by_turns(void **state)
{
    compare_by_turns(*state, few_keys, at_length(700, 30000));
}

static void optional_flags_by_turns(void **state)
{
    compare_by_turns(*state, optional_flags, at_length(700, 30000));
}

static void all_common_by_turns(void **state)
{
    compare_by_turns(*state, all_common, at_length(400, 20000));
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

/* ---- fingerprints that clash ---- */

/* A store in which every fingerprint leads to one and the same scope. */
struct clashing {
    const struct scope_pairs *stored;
};

enum { CLASHING_SEQ = 3 };

static int clash_get(void *ctx, struct fingerprint key, struct containment_entry *out_entry)
{
    (void)ctx;
    (void)key;
    *out_entry = (struct containment_entry){CLASHING_SEQ, CLASHING_SEQ};
    return FLUME_OK;
}

static int clash_read(void *ctx, uint64_t seq, containment_visit visit, void *visit_ctx)
{
    const struct clashing *clashing = ctx;

    assert_int_equal(seq, CLASHING_SEQ);
    return visit(visit_ctx, seq, clashing->stored);
}

static int clash_is_same(void *ctx, uint64_t seq, const struct scope_pairs *pairs, bool *out_same)
{
    const struct clashing *clashing = ctx;

    assert_int_equal(seq, CLASHING_SEQ);
    *out_same = scope_pairs_equal(clashing->stored, pairs);
    return FLUME_OK;
}

static int clash_put_shape(void *ctx, uint32_t number, const struct shape *shape)
{
    (void)ctx;
    (void)number;
    (void)shape;
    return FLUME_OK;
}

/* One key less, another value, one key more. */
static void make_related(struct text_scope *out, unsigned keys, unsigned value)
{
    out->count = 0;
    for (unsigned key = 0; key < keys; key++)
        text_scope_add(out, key_name(key), key == 0 ? value : 1);
}

static void fingerprints_that_clash_make_no_relation(void **state)
{
    struct find_fixture *fx = *state;
    struct clashing clashing;
    const struct containment_store store = {.ctx = &clashing,
                                            .scopes = &clashing,
                                            .get = clash_get,
                                            .is_same = clash_is_same,
                                            .read = clash_read,
                                            .put_shape = clash_put_shape};
    struct containment containment;
    struct containment_answer answer;
    struct scope_trial stored, asked;
    struct text_scope texts;
    uint64_t keys[3];

    scope_trial_begin(&stored, fx);
    scope_trial_begin(&asked, fx);
    containment_init(&containment, &store, 1);
    make_related(&texts, 2, 1);
    clashing.stored = make_scope(&stored, &texts);
    /* A tracked shape within that of what is asked. */
    make_related(&texts, 3, 2);
    assert_int_equal(tokens_take(&containment.other, 1, make_scope(&asked, &texts)), FLUME_OK);
    memcpy(keys, containment.other.keys, sizeof keys);
    assert_int_equal(containment_restore(&containment, keys, 2, 0, 0), FLUME_OK);
    assert_int_equal(containment_restore(&containment, keys, 3, 0, 0), FLUME_OK);
    assert_int_equal(containment_ask(&containment, make_scope(&asked, &texts), 9, &answer),
                     FLUME_OK);
    assert_int_equal(answer.dup_seq, FLUME_SEQ_NONE);
    assert_int_equal(answer.superset_seq, FLUME_SEQ_NONE);
    assert_int_equal(answer.subset_seq, FLUME_SEQ_NONE);
    make_related(&texts, 3, 1); /* Here it is one. */
    assert_int_equal(containment_ask(&containment, make_scope(&asked, &texts), 9, &answer),
                     FLUME_OK);
    assert_int_equal(answer.dup_seq, FLUME_SEQ_NONE);
    assert_int_equal(answer.superset_seq, FLUME_SEQ_NONE);
    assert_int_equal(answer.subset_seq, CLASHING_SEQ);
    containment_deinit(&containment);
    scope_trial_end(&stored);
    scope_trial_end(&asked);
}

/* ---- tokens that are kept ---- */

/* Numbers are set in place; now and then a text of another size, a variable more or less. */
static void change_something(flume_scope *scope, uint64_t *chance)
{
    uint64_t drawn = random_below(chance, 100);
    const char *key = key_name((unsigned)random_below(chance, 12));

    if (drawn < 70)
        (void)flume_scope_set_int(scope, key, (int64_t)random_below(chance, 9));
    else if (drawn < 80)
        (void)flume_scope_set_f64(scope, key, (double)random_below(chance, 9));
    else if (drawn < 90)
        (void)flume_scope_set_text(scope, key, drawn < 85 ? "short" : "some more");
    else
        (void)flume_scope_unset(scope, key);
}

static void kept_tokens_are_those_that_would_be_made_anew(void **state)
{
    struct scope_tokens own = {0}, anew = {0};
    const struct scope_tokens *kept;
    const struct scope_pairs *pairs;
    flume_scope *scope;
    uint64_t chance = 5;

    (void)state;
    assert_int_equal(flume_scope_create(&scope), FLUME_OK);
    for (unsigned round = 0; round < 4000; round++) {
        unsigned changes = (unsigned)random_below(&chance, round % 10 == 0 ? 80 : 4);
        uint64_t seed = 1 + random_below(&chance, 50) / 49;

        for (unsigned i = 0; i < changes; i++)
            change_something(scope, &chance);
        assert_int_equal(scope_pairs_of(scope, &pairs), FLUME_OK);
        assert_int_equal(tokens_of(pairs, seed, &own, &kept), FLUME_OK);
        assert_int_equal(tokens_take(&anew, seed, pairs), FLUME_OK);
        assert_int_equal(kept->count, anew.count);
        assert_true(fingerprint_equal(kept->sum, anew.sum));
        assert_true(fingerprint_equal(kept->shape, anew.shape));
        assert_int_equal(kept->signature, anew.signature);
        assert_int_equal(kept->has_variables, anew.has_variables);
        for (size_t i = 0; i < anew.count; i++)
            assert_true(fingerprint_equal(kept->tokens[i], anew.tokens[i]));
    }
    tokens_deinit(&own);
    tokens_deinit(&anew);
    flume_scope_destroy(scope);
}

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
        find_test(few_keys_by_turns),
        find_test(optional_flags_by_turns),
        find_test(all_common_by_turns),
        find_test(fingerprints_that_clash_make_no_relation),
        cmocka_unit_test(kept_tokens_are_those_that_would_be_made_anew),
    };

    return cmocka_run_group_tests_name("containment", tests, NULL, NULL);
}
