/*
 * containment_fixture.c - scopes stored and asked about (containment_fixture.h).
 */
#include "containment_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORLDS_OF_A_KEY = 32 };

void scope_trial_begin(struct scope_trial *trial, struct find_fixture *fx)
{
    *trial = (struct scope_trial){.fx = fx, .oracle = oracle_create(), .chance = random_seed()};
    assert_non_null(trial->oracle);
    assert_int_equal(flume_scope_create(&trial->scope), FLUME_OK);
}

void scope_trial_end(struct scope_trial *trial)
{
    oracle_destroy(trial->oracle);
    flume_scope_destroy(trial->scope);
    scope_buffer_deinit(&trial->body);
}

void scope_trial_next_world(struct scope_trial *trial)
{
    oracle_destroy(trial->oracle);
    trial->oracle = oracle_create();
    assert_non_null(trial->oracle);
    trial->stored = 0;
    trial->world++;
}

void add_world(const struct scope_trial *trial, struct text_scope *io_texts)
{
    char key[8];

    (void)snprintf(key, sizeof key, "%c_w", 'A' + (trial->world / WORLDS_OF_A_KEY) % 26);
    text_scope_add(io_texts, key, trial->world);
}

size_t at_length(size_t usual, size_t more)
{
    return getenv("FLUME_TEST_LONG") == NULL ? usual : more;
}

const struct scope_pairs *make_scope(struct scope_trial *trial, const struct text_scope *texts)
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

static uint64_t append_stamped(struct scope_trial *trial, const struct scope_stamp *stamp,
                               uint8_t kind)
{
    flume_entry entry = {.kind = kind};
    uint64_t seq = FLUME_SEQ_NONE;
    size_t own;

    assert_int_equal(scope_record_encode(trial->scope, stamp, &trial->body), FLUME_OK);
    entry.body = trial->body.data;
    entry.body_bytes = trial->body.bytes;
    if (kind == FLUME_KIND_SCOPE)
        assert_int_equal(scope_record_labels(trial->scope, &entry.labels, &entry.label_count, &own),
                         FLUME_OK);
    assert_int_equal(flume_log_append_entry(trial->fx->log, &entry, &seq), FLUME_OK);
    return seq;
}

uint64_t append_scope(struct scope_trial *trial)
{
    const struct scope_stamp stamp = {.form = SCOPE_RECORD_FULL,
                                      .extends_seq = FLUME_SEQ_NONE,
                                      .target_seq = FLUME_SEQ_NONE,
                                      .is_unnamed = trial->is_unasked};

    return append_stamped(trial, &stamp, FLUME_KIND_SCOPE);
}

uint64_t append_link(struct scope_trial *trial, uint64_t target_seq, uint64_t count)
{
    const struct scope_stamp stamp = {.form = SCOPE_RECORD_LINK,
                                      .extends_seq = FLUME_SEQ_NONE,
                                      .target_seq = target_seq,
                                      .count = count,
                                      .first_time_ns = 1000,
                                      .last_time_ns = 1000 + count};

    return append_stamped(trial, &stamp, FLUME_KIND_LINK);
}

uint64_t append_shadowed(struct scope_trial *trial, const struct text_scope *texts,
                         const struct text_scope *target, uint64_t target_seq)
{
    struct scope_trial other = {.fx = trial->fx};
    struct scope_stamp stamp = {
        .form = SCOPE_RECORD_SHADOWED, .extends_seq = FLUME_SEQ_NONE, .target_seq = target_seq};
    uint64_t seq;

    assert_int_equal(flume_scope_create(&other.scope), FLUME_OK);
    stamp.target_pairs = make_scope(&other, target);
    (void)make_scope(trial, texts);
    seq = append_stamped(trial, &stamp, FLUME_KIND_SCOPE);
    flume_scope_destroy(other.scope);
    oracle_add(trial->oracle, texts, seq);
    trial->stored++;
    return seq;
}

uint64_t store(struct scope_trial *trial, const struct text_scope *texts)
{
    uint64_t seq;

    (void)make_scope(trial, texts);
    seq = append_scope(trial);
    oracle_add(trial->oracle, texts, seq);
    trial->stored++;
    return seq;
}

void expect_relations(struct scope_trial *trial, struct overlay *overlay,
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

struct overlay *open_overlay(struct scope_trial *trial, size_t scopes_max)
{
    struct overlay *overlay = NULL;

    assert_int_equal(overlay_create(trial->fx->handle, 0, &overlay), FLUME_OK);
    overlay_limit(overlay, scopes_max);
    return overlay;
}

/* ---- kinds of scopes ---- */

const char *key_name(unsigned number)
{
    static char name[4];

    name[0] = (char)('a' + number % 26);
    name[1] = number < 26 ? '\0' : (char)('a' + number / 26);
    name[2] = '\0';
    return name;
}

static void some_keys(struct scope_trial *trial, unsigned keys, struct text_scope *out)
{
    uint64_t *chance = &trial->chance;

    out->count = 0;
    for (unsigned key = 0; key < keys; key++)
        if (random_below(chance, 10) < 6)
            text_scope_add(out, key_name(key), random_below(chance, 3));
    if (random_below(chance, 8) == 0)
        text_scope_add_label(out, random_below(chance, 2) == 0 ? "one" : "two");
}

void five_keys(struct scope_trial *trial, struct text_scope *out)
{
    some_keys(trial, 5, out);
}

void few_keys(struct scope_trial *trial, struct text_scope *out)
{
    some_keys(trial, 6, out);
}

void optional_flags(struct scope_trial *trial, struct text_scope *out)
{
    uint64_t place = trial->stored + UINT64_C(1009) * trial->world;
    uint64_t number = place * UINT64_C(0x9e3779b97f4a7c15) >> 40;

    out->count = 0;
    for (unsigned key = 0; key < 6; key++, number /= 8)
        text_scope_add(out, key_name(key), (unsigned)(number % (key < 2 ? 8 : 2)));
    for (unsigned key = 6; key < 10; key++, number /= 2)
        if (number % 2 != 0)
            text_scope_add(out, key_name(key), 1);
}

void hostile(struct scope_trial *trial, struct text_scope *out)
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

void all_common(struct scope_trial *trial, struct text_scope *out)
{
    unsigned part = 3 + random_below(&trial->chance, 9);

    out->count = 0;
    for (unsigned key = 0; key < 14; key++)
        if (random_below(&trial->chance, 14) < part)
            text_scope_add(out, key_name(key), 0);
}
