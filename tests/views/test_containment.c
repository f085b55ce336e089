/*
 * test_containment.c - which stored scopes a scope is the same as, lies within and has within it:
 * always what brute force says, from memory, from the view's rows, and from both together.
 *
 *   FLUME_TEST_LONG  more of everything
 */
#include "find_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flume/scope_find.h"
#include "overlay.h"
#include "scope_oracle.h"
#include "scope_record.h"
#include "shapes.h"

/* ---- scopes ---- */

/* What a test stores and asks. */
struct trial {
    struct find_fixture *fx;
    struct oracle *oracle;
    flume_scope *scope; /* Made anew for each text_scope. */
    struct scope_buffer body;
    uint64_t chance;
    size_t stored;
    size_t duplicates, supersets, subsets; /* Told. */
};

static void trial_begin(struct trial *trial, struct find_fixture *fx)
{
    *trial = (struct trial){.fx = fx, .oracle = oracle_create(), .chance = random_seed()};
    assert_non_null(trial->oracle);
    assert_int_equal(flume_scope_create(&trial->scope), FLUME_OK);
}

static void trial_end(struct trial *trial)
{
    oracle_destroy(trial->oracle);
    flume_scope_destroy(trial->scope);
    scope_buffer_deinit(&trial->body);
}

static size_t at_length(size_t usual, size_t more)
{
    return getenv("FLUME_TEST_LONG") == NULL ? usual : more;
}

/* The scope that texts stand for. Keys are set in the order of the texts, whatever that is. */
static const struct scope_pairs *make_scope(struct trial *trial, const struct text_scope *texts)
{
    const struct scope_pairs *pairs;

    flume_scope_clear(trial->scope);
    for (size_t i = 0; i < texts->count; i++) {
        const char *text = texts->texts[i], *value = strchr(text, '=');
        char key[ORACLE_TEXT_BYTES];

        if (text[0] == '@') {
            assert_int_equal(flume_scope_label(trial->scope, text + 1), FLUME_OK);
            continue;
        }
        (void)snprintf(key, sizeof key, "%.*s", (int)(value - text), text);
        assert_int_equal(flume_scope_set_int(trial->scope, key, atoi(value + 1)), FLUME_OK);
    }
    assert_int_equal(scope_pairs_of(trial->scope, &pairs), FLUME_OK);
    return pairs;
}

/* Append the scope that was made last. */
static uint64_t append_scope(struct trial *trial)
{
    struct scope_stamp stamp = {
        .form = SCOPE_RECORD_FULL, .extends_seq = FLUME_SEQ_NONE, .target_seq = FLUME_SEQ_NONE};
    flume_entry entry = {.kind = FLUME_KIND_SCOPE};
    uint64_t seq = FLUME_SEQ_NONE;
    size_t own;

    assert_int_equal(scope_record_encode(trial->scope, &stamp, &trial->body), FLUME_OK);
    entry.body = trial->body.data;
    entry.body_bytes = trial->body.bytes;
    assert_int_equal(scope_record_labels(trial->scope, &entry.labels, &entry.label_count, &own),
                     FLUME_OK);
    assert_int_equal(flume_log_append_entry(trial->fx->log, &entry, &seq), FLUME_OK);
    return seq;
}

/* As if it had been appended without a question. */
static uint64_t store(struct trial *trial, const struct text_scope *texts)
{
    uint64_t seq;

    (void)make_scope(trial, texts);
    seq = append_scope(trial);
    oracle_add(trial->oracle, texts, seq);
    trial->stored++;
    return seq;
}

static void expect_answer(struct trial *trial, struct overlay *overlay,
                          const struct text_scope *texts)
{
    struct oracle_answer expected = oracle_ask(trial->oracle, texts);
    const struct scope_pairs *pairs = make_scope(trial, texts);
    struct containment_answer answer;

    assert_int_equal(overlay_bring(overlay, flume_log_head(trial->fx->log), NULL), FLUME_OK);
    assert_int_equal(overlay_ask(overlay, pairs, &answer), FLUME_OK);
    if (answer.dup_seq != expected.dup_seq || answer.superset_seq != expected.superset_seq ||
        answer.subset_seq != expected.subset_seq)
        fail_msg(
            "after %zu scopes, one of %zu pairs: dup %lld, superset %lld, subset %lld, but brute "
            "force says %lld, %lld, %lld",
            trial->stored, texts->count, (long long)answer.dup_seq, (long long)answer.superset_seq,
            (long long)answer.subset_seq, (long long)expected.dup_seq,
            (long long)expected.superset_seq, (long long)expected.subset_seq);
    trial->duplicates += answer.dup_seq != FLUME_SEQ_NONE;
    trial->supersets += answer.superset_seq != FLUME_SEQ_NONE;
    trial->subsets += answer.subset_seq != FLUME_SEQ_NONE;
}

static struct overlay *open_overlay(struct trial *trial, size_t scopes_max)
{
    struct overlay *overlay = NULL;

    assert_int_equal(overlay_create(trial->fx->handle, &overlay), FLUME_OK);
    overlay_limit(overlay, scopes_max);
    return overlay;
}

/* ---- kinds of scopes ---- */

/* A key and its number: "a", "b", ... */
static const char *key_name(unsigned number)
{
    static char name[4];

    name[0] = (char)('a' + number % 26);
    name[1] = number < 26 ? '\0' : (char)('a' + number / 26);
    name[2] = '\0';
    return name;
}

/* Six keys, any of which may be missing; few values; a label now and then, or nothing but that. */
static void few_keys(struct trial *trial, struct text_scope *out)
{
    uint64_t *chance = &trial->chance;

    out->count = 0;
    for (unsigned key = 0; key < 6; key++)
        if (random_below(chance, 10) < 6)
            text_scope_add(out, key_name(key), random_below(chance, 3));
    if (random_below(chance, 8) == 0)
        text_scope_add_label(out, random_below(chance, 2) == 0 ? "one" : "two");
}

/* Six keys that are always there, four flags that may be. */
static void optional_flags(struct trial *trial, struct text_scope *out)
{
    uint64_t number = trial->stored * UINT64_C(0x9e3779b97f4a7c15) >> 40;

    out->count = 0;
    for (unsigned key = 0; key < 6; key++, number /= 8)
        text_scope_add(out, key_name(key), (unsigned)(number % (key < 2 ? 8 : 2)));
    for (unsigned key = 6; key < 10; key++, number /= 2)
        if (number % 2 != 0)
            text_scope_add(out, key_name(key), 1);
}

/* Each scope has keys of its own choice: nearly every one another shape. Some are made out of an
 * earlier one, so that there are relations. */
static void hostile(struct trial *trial, struct text_scope *out)
{
    static struct text_scope before;
    uint64_t *chance = &trial->chance;

    if (trial->stored == 0)
        before.count = 0;
    if (before.count > 3 && random_below(chance, 2) == 0) {
        *out = before;
        if (random_below(chance, 2) == 0) {
            text_scope_remove(out, random_below(chance, (unsigned)out->count));
            return;
        }
        text_scope_add(out, "extra", random_below(chance, 2));
        return;
    }
    out->count = 0;
    for (unsigned key = 0; key < 64; key++)
        if (random_below(chance, 64) < 10)
            text_scope_add(out, key_name(key), random_below(chance, 4));
    before = *out;
}

/* Few keys, one value: all pairs are common. */
static void all_common(struct trial *trial, struct text_scope *out)
{
    unsigned part = 3 + random_below(&trial->chance, 9);

    out->count = 0;
    for (unsigned key = 0; key < 14; key++)
        if (random_below(&trial->chance, 14) < part)
            text_scope_add(out, key_name(key), 0);
}

typedef void (*scope_maker)(struct trial *trial, struct text_scope *out);

/* ---- against brute force ---- */

/* Ask for each, then store it; the writer tells its overlay, which begins afresh every so often. */
static void compare_by_writer(struct find_fixture *fx, scope_maker maker, size_t count,
                              size_t scopes_max)
{
    struct trial trial;
    struct overlay *overlay;

    trial_begin(&trial, fx);
    overlay = open_overlay(&trial, scopes_max);
    for (size_t i = 0; i < count; i++) {
        struct text_scope texts;
        uint64_t seq;

        maker(&trial, &texts);
        expect_answer(&trial, overlay, &texts);
        seq = store(&trial, &texts);
        assert_int_equal(overlay_add(overlay, make_scope(&trial, &texts), seq), FLUME_OK);
    }
    assert_true(trial.duplicates + trial.supersets + trial.subsets > count / 8);
    overlay_destroy(overlay);
    trial_end(&trial);
    verify_view(fx, "superset");
}

/* Another one's scopes: read from the log, and asked about now and then. */
static void compare_by_reader(struct find_fixture *fx, scope_maker maker, size_t count,
                              size_t scopes_max)
{
    struct trial trial;
    struct overlay *overlay;

    trial_begin(&trial, fx);
    overlay = open_overlay(&trial, scopes_max);
    for (size_t i = 0; i < count; i++) {
        struct text_scope texts;

        maker(&trial, &texts);
        if (random_below(&trial.chance, 3) == 0)
            expect_answer(&trial, overlay, &texts);
        if (random_below(&trial.chance, 4) != 0)
            (void)store(&trial, &texts);
        if (random_below(&trial.chance, 16) == 0)
            (void)append_json(fx->log, "{}");
    }
    overlay_destroy(overlay);
    trial_end(&trial);
    verify_view(fx, "superset");
}

/* Everything is in the rows; then questions. */
static void compare_by_rows(struct find_fixture *fx, scope_maker maker, size_t count)
{
    struct trial trial;
    flume_view *view = NULL;

    trial_begin(&trial, fx);
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
            expect_answer(&trial, overlay, &texts);
        }
        overlay_destroy(overlay);
    }
    trial_end(&trial);
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
