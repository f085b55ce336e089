/*
 * test_scope_seen.c - whether a scope was computed before, but for keys that make no difference:
 * against brute force.
 *
 *   FLUME_TEST_LONG  more of everything
 */
#include "containment_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "flume/recorder.h"

/* ---- verbs ---- */

struct seen_fixture {
    struct scope_trial trial;
    flume_recorder *recorder;
    bool neutral[8]; /* By key_name(). */
    struct text_scope *stored;
    uint64_t *seqs;
    size_t count;
};

static void begin(struct seen_fixture *fx, struct find_fixture *files, size_t most)
{
    memset(fx, 0, sizeof *fx);
    scope_trial_begin(&fx->trial, files);
    assert_int_equal(flume_recorder_open(&fx->recorder, files->handle, NULL), FLUME_OK);
    fx->stored = calloc(most, sizeof *fx->stored);
    fx->seqs = calloc(most, sizeof *fx->seqs);
}

static void end(struct seen_fixture *fx)
{
    assert_int_equal(flume_recorder_close(fx->recorder), FLUME_OK);
    free(fx->stored);
    free(fx->seqs);
    scope_trial_end(&fx->trial);
}

static void declare_neutral(struct seen_fixture *fx, unsigned key)
{
    fx->neutral[key] = true;
    assert_int_equal(flume_recorder_neutral(fx->recorder, key_name(key)), FLUME_OK);
}

static bool has_text(const struct text_scope *scope, const char *text)
{
    for (size_t i = 0; i < scope->count; i++)
        if (strcmp(scope->texts[i], text) == 0)
            return true;
    return false;
}

static bool is_within(const struct text_scope *small, const struct text_scope *large)
{
    for (size_t i = 0; i < small->count; i++)
        if (!has_text(large, small->texts[i]))
            return false;
    return true;
}

/* Of what comes again the first record counts. */
static void keep(struct seen_fixture *fx, const struct text_scope *texts)
{
    uint64_t seq;
    bool is_known = false;

    for (size_t i = 0; i < fx->count; i++)
        is_known = is_known ||
                   (fx->stored[i].count == texts->count && is_within(&fx->stored[i], texts));
    fx->trial.is_unasked = is_known;
    seq = store(&fx->trial, texts);
    if (is_known)
        return;
    fx->seqs[fx->count] = seq;
    fx->stored[fx->count++] = *texts;
}

static bool is_neutral(const struct seen_fixture *fx, const char *text)
{
    for (unsigned key = 0; key < 8; key++)
        if (fx->neutral[key] && strncmp(text, key_name(key), strlen(key_name(key))) == 0 &&
            text[strlen(key_name(key))] == '=')
            return true;
    return false;
}

static bool has_variables(const struct text_scope *scope)
{
    for (size_t i = 0; i < scope->count; i++)
        if (scope->texts[i][0] != '@')
            return true;
    return false;
}

/* The largest stored one within it that lacks neutral keys alone; of equal ones the newest. */
static uint64_t brute_force(const struct seen_fixture *fx, const struct text_scope *asked)
{
    uint64_t found = FLUME_SEQ_NONE;
    const struct text_scope *best = NULL;

    for (size_t i = 0; i < fx->count; i++) {
        const struct text_scope *stored = &fx->stored[i];
        bool good = is_within(stored, asked);

        if (good && stored->count == asked->count)
            return fx->seqs[i];
        for (size_t k = 0; good && k < asked->count; k++)
            good = has_text(stored, asked->texts[k]) || is_neutral(fx, asked->texts[k]);
        if (!good || !has_variables(stored))
            continue;
        if (best == NULL || stored->count > best->count || stored->count == best->count) {
            best = stored;
            found = fx->seqs[i];
        }
    }
    return found;
}

static void expect_seen(struct seen_fixture *fx, const struct text_scope *texts)
{
    uint64_t expected = brute_force(fx, texts), seq = FLUME_SEQ_NONE;
    int status;

    (void)make_scope(&fx->trial, texts);
    status = flume_scope_seen(fx->recorder, fx->trial.scope, FLUME_SEEN_EXTENDED, &seq);
    assert_int_equal(seq, expected);
    assert_int_equal(status, expected == FLUME_SEQ_NONE ? FLUME_ERR_NOT_FOUND : FLUME_OK);
}

/* {a=1} and the like. */
static void texts_of(struct text_scope *out, const char *keys)
{
    out->count = 0;
    for (; *keys != '\0'; keys++)
        text_scope_add(out, (char[]){*keys, '\0'}, 1);
}

/* ---- tests ---- */

/* The largest one within {a b n} is {b n}, which lacks what counts; {a} does not. */
static void a_smaller_one_counts_where_the_largest_lacks_what_matters(void **state)
{
    struct seen_fixture fx;
    struct text_scope texts;

    begin(&fx, *state, 8);
    declare_neutral(&fx, 1); /* b */
    declare_neutral(&fx, 2); /* c */
    texts_of(&texts, "a");
    keep(&fx, &texts);
    texts_of(&texts, "bc");
    keep(&fx, &texts);
    texts_of(&texts, "abc");
    assert_int_equal(brute_force(&fx, &texts), fx.seqs[0]);
    expect_seen(&fx, &texts);
    end(&fx);
}

/* What lies within another one, too, is looked at all the same. */
static void one_that_is_a_subset_as_well_is_seen(void **state)
{
    struct seen_fixture fx;
    struct text_scope texts;

    begin(&fx, *state, 8);
    declare_neutral(&fx, 1);
    texts_of(&texts, "a");
    keep(&fx, &texts);
    texts_of(&texts, "abd");
    keep(&fx, &texts);
    texts_of(&texts, "ab");
    assert_int_equal(brute_force(&fx, &texts), fx.seqs[0]);
    expect_seen(&fx, &texts);
    end(&fx);
}

static void without_neutral_keys_only_the_same_is_seen(void **state)
{
    struct seen_fixture fx;
    struct text_scope texts;

    begin(&fx, *state, 8);
    texts_of(&texts, "a");
    keep(&fx, &texts);
    expect_seen(&fx, &texts);
    texts_of(&texts, "ab");
    expect_seen(&fx, &texts);
    declare_neutral(&fx, 2); /* Of no consequence here. */
    expect_seen(&fx, &texts);
    end(&fx);
}

static void compare(struct find_fixture *files, scope_maker maker, size_t count, unsigned neutral)
{
    struct seen_fixture fx;
    struct text_scope texts;
    size_t seen = 0;

    begin(&fx, files, count);
    for (unsigned key = 0; key < neutral; key++)
        declare_neutral(&fx, 1 + key);
    for (size_t i = 0; i < count; i++) {
        maker(&fx.trial, &texts);
        seen += brute_force(&fx, &texts) != FLUME_SEQ_NONE;
        expect_seen(&fx, &texts);
        keep(&fx, &texts);
    }
    assert_true(seen > 0);
    end(&fx);
}

static void few_keys_as_brute_force_says(void **state)
{
    compare(*state, few_keys, at_length(600, 8000), 2);
}

static void all_common_as_brute_force_says(void **state)
{
    compare(*state, all_common, at_length(400, 4000), 6);
}

/* So many shapes that some are not tracked. */
static void wild_ones_as_brute_force_says(void **state)
{
    compare(*state, hostile, at_length(1500, 5000), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        find_test(a_smaller_one_counts_where_the_largest_lacks_what_matters),
        find_test(one_that_is_a_subset_as_well_is_seen),
        find_test(without_neutral_keys_only_the_same_is_seen),
        find_test(few_keys_as_brute_force_says),
        find_test(all_common_as_brute_force_says),
        find_test(wild_ones_as_brute_force_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
