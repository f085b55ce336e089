/*
 * test_tare_set.c - what is committed under tares says which, and the log tells what they are.
 */
#include "rules_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "flume/schema.h"
#include "flume/scope_stage.h"

static const uint8_t none[FLUME_HASH_BYTES];

/* ---- verbs ---- */

static void tare(struct rules_fixture *fx, const char *text, enum flume_tare_mode mode)
{
    describe(fx->scope, text);
    assert_int_equal(flume_recorder_tare(fx->recorder, fx->scope, mode), FLUME_OK);
}

static void untare(struct rules_fixture *fx)
{
    assert_int_equal(flume_recorder_untare(fx->recorder), FLUME_OK);
}

static flume_tape_entry entry_at(struct rules_fixture *fx, uint64_t seq)
{
    const flume_cursor_options options = {.bounds = FLUME_GTE | FLUME_LTE, .gte = seq, .lte = seq};
    flume_tape_entry entry;
    flume_tape *tape;

    assert_int_equal(flume_tape_open(fx->views->flume, &options, &tape), FLUME_OK);
    assert_int_equal(flume_tape_next(tape, 0, &entry, NULL), FLUME_OK);
    flume_tape_close(tape);
    return entry;
}

/* "keys g, values h": what the tares of a record leave out. */
static void expect_tares(struct rules_fixture *fx, uint64_t seq, const char *expected)
{
    flume_tape_entry entry = entry_at(fx, seq);
    flume_tares *tares;
    flume_tared tared;
    char text[300] = "";

    assert_memory_not_equal(entry.tare_id, none, sizeof none);
    assert_int_equal(flume_tares_open(fx->views->flume, entry.tare_id, &tares), FLUME_OK);
    assert_true(flume_tares_seq(tares) < seq);
    for (size_t i = 0; flume_tares_at(tares, i, &tared); i++) {
        size_t used = strlen(text);

        (void)snprintf(text + used, sizeof text - used, "%s%zu %s %s", i == 0 ? "" : ", ",
                       tared.tare, tared.mode == FLUME_TARE_KEYS ? "keys" : "values", tared.key);
    }
    flume_tares_close(tares);
    assert_string_equal(text, expected);
}

static void expect_untared(struct rules_fixture *fx, uint64_t seq)
{
    assert_memory_equal(entry_at(fx, seq).tare_id, none, sizeof none);
}

/* ---- what is told ---- */

static void what_tares_leave_out_is_told_before_the_first_scope(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict untared = commit(fx, "a=0"), tared, larger;

    tare(fx, "g=1 h=2 @other", FLUME_TARE_KEYS);
    assert_int_equal(newest_schema(fx), FLUME_SEQ_NONE); /* Nothing was committed under it. */
    tared = commit(fx, "a=1 g=5");
    assert_int_equal(newest_schema(fx), tared.record_seq - 1);
    expect_tares(fx, tared.record_seq, "0 keys g, 0 keys h");
    expect_untared(fx, untared.record_seq);
    tare(fx, "i=1", FLUME_TARE_VALUES);
    larger = commit(fx, "a=2 i=2");
    expect_tares(fx, larger.record_seq, "0 keys g, 0 keys h, 1 values i");
    untare(fx);
    untare(fx);
    expect_untared(fx, commit(fx, "a=3").record_seq);
}

static void it_is_no_part_of_what_a_scope_is(void **state)
{
    struct rules_fixture *fx = *state;
    flume_verdict plain = commit(fx, "a=1"), tared;

    tare(fx, "g=1", FLUME_TARE_KEYS);
    tared = commit(fx, "a=1 g=1");
    assert_int_equal(tared.kind, FLUME_DUP);
    assert_int_equal(tared.seq, plain.record_seq);
    assert_memory_equal(tared.id, plain.id, sizeof plain.id);
    (void)commit(fx, "b=1 g=1");
    untare(fx);
    assert_int_equal(commit(fx, "b=1").kind, FLUME_DUP);
}

static void a_scope_within_another_one_and_one_written_unasked_have_it(void **state)
{
    const flume_recorder_options fast = {.flags = FLUME_RECORDER_FAST};
    const flume_recorder_options whole = {.flags = FLUME_RECORDER_STORE_FULL};
    struct rules_fixture *fx = *state;
    flume_verdict within;

    (void)commit(fx, "a=1 b=2 c=3");
    tare(fx, "g=1", FLUME_TARE_KEYS);
    within = commit(fx, "a=1 b=2 g=1");
    assert_int_equal(within.kind, FLUME_SUBSET);
    expect_tares(fx, within.record_seq, "0 keys g");
    reopen_recorder(fx, &whole);
    tare(fx, "g=1", FLUME_TARE_KEYS);
    within = commit(fx, "a=1 g=1");
    assert_int_equal(within.kind, FLUME_SUBSET);
    expect_tares(fx, within.record_seq, "0 keys g");
    reopen_recorder(fx, &fast);
    tare(fx, "g=1", FLUME_TARE_KEYS);
    expect_tares(fx, commit(fx, "a=4 g=1").record_seq, "0 keys g");
}

static void links_under_other_tares_are_counted_apart(void **state)
{
    struct rules_fixture *fx = *state;
    flume_log *log = flume_log_of(fx->views->flume);
    uint64_t head;

    (void)commit(fx, "a=1");
    tare(fx, "g=1", FLUME_TARE_KEYS);
    (void)commit(fx, "a=1 g=1");
    (void)commit(fx, "a=1 g=2");
    untare(fx);
    (void)commit(fx, "a=1");
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    head = flume_log_head(log);
    expect_tares(fx, head - 2, "0 keys g"); /* Though it was written when they were undone. */
    assert_int_equal(entry_at(fx, head - 2).repeats, 2);
    assert_int_equal(newest_schema(fx), head - 3);
    expect_untared(fx, head - 1);
}

static void the_same_tares_are_told_once(void **state)
{
    struct rules_fixture *fx = *state;
    flume_value seven = {.type = FLUME_VALUE_INT, .integer = 7};
    uint64_t first = 0, second, last;
    char text[] = "a=0";

    for (int run = 0; run < 3; run++, text[2]++) {
        reopen_recorder(fx, NULL);
        assert_int_equal(flume_recorder_default(fx->recorder, "z", &seven), FLUME_OK);
        tare(fx, "g=1", FLUME_TARE_KEYS);
        (void)commit(fx, text);
        if (run == 0)
            first = newest_schema(fx);
        assert_int_equal(newest_schema(fx), first);
    }
    tare(fx, "h=1", FLUME_TARE_KEYS);
    second = commit(fx, "b=1").record_seq - 1;
    assert_int_equal(newest_schema(fx), second);
    for (text[2] = '5'; text[2] < '8'; text[2]++) {
        untare(fx);
        last = commit(fx, text).record_seq;
        expect_tares(fx, last, "0 keys g");
        tare(fx, "h=1", FLUME_TARE_KEYS);
        text[0] = 'b';
        last = commit(fx, text).record_seq;
        text[0] = 'a';
        expect_tares(fx, last, "0 keys g, 1 keys h");
    }
    assert_int_equal(newest_schema(fx), second);
}

static void more_sets_than_are_remembered_are_all_told(void **state)
{
    struct rules_fixture *fx = *state;

    for (int i = 0; i < 100; i++) {
        flume_scope_clear(fx->scope);
        assert_int_equal(flume_scope_set_int(fx->scope, "g", i), FLUME_OK);
        assert_int_equal(flume_recorder_tare(fx->recorder, fx->scope, FLUME_TARE_VALUES), FLUME_OK);
        assert_int_equal(flume_scope_set_int(fx->scope, "a", i), FLUME_OK);
        assert_int_equal(flume_scope_label(fx->scope, "x"), FLUME_OK);
        expect_tares(fx, commit_as_it_is(fx, fx->scope).record_seq, "0 values g");
        untare(fx);
    }
}

/* ---- staged ---- */

static void what_is_staged_keeps_the_tares_that_it_was_committed_under(void **state)
{
    const flume_stage_options stage = {.flush_every = 0};
    struct rules_fixture *fx = *state;
    flume_log *log = flume_log_of(fx->views->flume);
    uint64_t head;

    (void)commit(fx, "b=1");
    head = flume_log_head(log);
    assert_int_equal(flume_recorder_stage(fx->recorder, &stage), FLUME_OK);
    tare(fx, "g=1", FLUME_TARE_KEYS);
    (void)commit(fx, "a=1 g=1");
    untare(fx);
    (void)commit(fx, "a=1");
    tare(fx, "h=1", FLUME_TARE_KEYS);
    (void)commit(fx, "a=2 h=1");
    untare(fx);
    assert_int_equal(flume_log_head(log), head);
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    expect_tares(fx, head + 1, "0 keys g");
    expect_untared(fx, head + 2); /* A link, apart from it. */
    expect_tares(fx, head + 4, "0 keys h");
}

static void what_is_discarded_tells_of_no_tares(void **state)
{
    const flume_stage_options stage = {.flush_every = 0};
    struct rules_fixture *fx = *state;

    assert_int_equal(flume_recorder_stage(fx->recorder, &stage), FLUME_OK);
    tare(fx, "g=1", FLUME_TARE_KEYS);
    (void)commit(fx, "a=1 g=1");
    assert_int_equal(flume_recorder_discard(fx->recorder), FLUME_OK);
    untare(fx);
    (void)commit(fx, "a=2");
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    assert_int_equal(newest_schema(fx), FLUME_SEQ_NONE);
    tare(fx, "g=1", FLUME_TARE_KEYS);
    (void)commit(fx, "a=3 g=1");
    assert_int_equal(flume_recorder_flush(fx->recorder), FLUME_OK);
    assert_int_not_equal(newest_schema(fx), FLUME_SEQ_NONE);
}

/* ---- ids and records ---- */

/* As the format says it, by other code. */
static void the_id_is_that_of_the_format(void **state)
{
    static const uint8_t value[] = {2, 0x80, 0, 0, 0, 0, 0, 0, 100};
    uint8_t words[200] = "flume tare 1\0\0\2\1g\1h\1\1\1n", made[FLUME_HASH_BYTES];
    char digits[FLUME_HASH_TEXT_BYTES + 1];
    struct rules_fixture *fx = *state;
    flume_tape_entry entry;
    flume_tares *tares;
    flume_tared tared;

    tare(fx, "h=1 g=2", FLUME_TARE_KEYS);
    tare(fx, "n=100", FLUME_TARE_VALUES);
    entry = entry_at(fx, commit(fx, "a=1").record_seq);
    flume_hash(value, sizeof value, words + 23);
    flume_hash(words, 23 + FLUME_HASH_BYTES, made);
    assert_memory_equal(entry.tare_id, made, sizeof made);
    flume_hash_text(entry.tare_id, digits);
    assert_string_equal(digits, "40d3c38967c100431de0e504ae2ec1b46d244c2b68954f1513dd67070115e9c4");
    assert_int_equal(flume_tares_open(fx->views->flume, entry.tare_id, &tares), FLUME_OK);
    assert_true(flume_tares_at(tares, 2, &tared));
    assert_memory_equal(tared.value_hash, words + 23, FLUME_HASH_BYTES);
    flume_tares_close(tares);
}

static void by_value_a_blob_is_its_hash_and_what_has_no_value_is_not_named(void **state)
{
    struct rules_fixture *fx = *state;
    struct {
        int x;
    } place = {1};
    uint8_t kept[FLUME_HASH_BYTES];
    flume_verdict verdict;

    describe(fx->scope, "g=1");
    assert_int_equal(flume_scope_set_content(fx->scope, "s", "", "content", 7), FLUME_OK);
    assert_int_equal(flume_recorder_tare(fx->recorder, fx->scope, FLUME_TARE_VALUES), FLUME_OK);
    memcpy(kept, entry_at(fx, commit(fx, "a=1").record_seq).tare_id, sizeof kept);
    untare(fx);
    describe(fx->scope, "g=1");
    assert_int_equal(flume_scope_set_content(fx->scope, "s", "", "content", 7), FLUME_OK);
    assert_int_equal(flume_scope_classify(fx->scope, "s", FLUME_CLASS_HASH), FLUME_OK);
    FLUME_CAPTURE(fx->scope, place);
    assert_int_equal(flume_recorder_tare(fx->recorder, fx->scope, FLUME_TARE_VALUES), FLUME_OK);
    verdict = commit(fx, "a=2");
    assert_memory_equal(entry_at(fx, verdict.record_seq).tare_id, kept, sizeof kept);
    expect_tares(fx, verdict.record_seq, "0 values g, 0 values s");
}

static void settings_and_defaults_are_found_though_tares_were_told_later(void **state)
{
    struct rules_fixture *fx = *state;
    flume_schema *schema;
    flume_setting setting;
    uint64_t seq;

    assert_int_equal(flume_recorder_configure(fx->recorder, "", "k", "v"), FLUME_OK);
    seq = commit(fx, "a=1").record_seq - 1;
    tare(fx, "g=1", FLUME_TARE_KEYS);
    (void)commit(fx, "a=2");
    assert_true(newest_schema(fx) > seq);
    assert_int_equal(flume_schema_open(fx->views->flume, NULL, &schema), FLUME_OK);
    assert_int_equal(flume_schema_seq(schema), seq);
    assert_int_equal(flume_schema_config_at(schema, NULL, 0, 0, &setting), FLUME_OK);
    assert_string_equal(setting.value, "v");
    flume_schema_close(schema);
}

static void tares_that_are_not_those_of_their_id_are_refused(void **state)
{
    /* Of these digits, and then: */
    static const char *const bad[] = {
        "\",\"tares\":[{\"mode\":\"keys\",\"keys\":[\"g\",\"h\"]}]}",
        "\",\"tares\":[]}",
        "\",\"tares\":[{\"mode\":\"key\",\"keys\":[\"g\"]}]}",
        "\",\"tares\":[{\"mode\":\"keys\",\"keys\":[1]}]}",
        "\",\"tares\":[{\"mode\":\"keys\",\"keys\":[\"g\"],\"hashes\":[\"00\"]}]}",
        "\",\"tares\":[{\"mode\":\"values\",\"keys\":[\"g\"],\"hashes\":[\"00\"]}]}",
        "\"}",
        "\",",
    };
    struct rules_fixture *fx = *state;
    flume_tape_entry entry;
    flume_tares *tares;

    assert_int_equal(flume_tares_open(fx->views->flume, none, &tares), FLUME_ERR_NOT_FOUND);
    tare(fx, "g=1", FLUME_TARE_KEYS);
    entry = entry_at(fx, commit(fx, "a=1").record_seq);
    assert_int_equal(flume_tares_open(fx->views->flume, none, &tares), FLUME_ERR_NOT_FOUND);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char body[300] = "{\"tare\":\"";
        flume_entry record = {.body = body, .kind = FLUME_KIND_SCHEMA};

        flume_hash_text(entry.tare_id, body + strlen(body));
        strcat(body, bad[i]);
        record.body_bytes = strlen(body);
        assert_int_equal(flume_log_append_entry(flume_log_of(fx->views->flume), &record, NULL),
                         FLUME_OK);
        assert_int_equal(flume_tares_open(fx->views->flume, entry.tare_id, &tares),
                         FLUME_ERR_DAMAGED);
        expect_view_error(fx->views->flume, FLUME_ERR_DAMAGED, "tares");
    }
}

static void tares_of_more_than_a_record_can_name_are_refused(void **state)
{
    struct rules_fixture *fx = *state;
    char key[FLUME_SCOPE_KEY_BYTES_MAX + 1];
    int status = FLUME_OK;

    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    describe(fx->scope, "a=1");
    for (unsigned i = 0; i < 2000; i++) {
        for (unsigned digit = 0, rest = i; digit < 4; digit++, rest /= 10)
            key[sizeof key - 2 - digit] = (char)('0' + rest % 10);
        assert_int_equal(flume_scope_set_null(fx->scope, key), FLUME_OK);
    }
    for (int i = 0; i < 9 && status == FLUME_OK; i++)
        status = flume_recorder_tare(fx->recorder, fx->scope, FLUME_TARE_KEYS);
    assert_int_equal(status, FLUME_ERR_TOO_LARGE);
    expect_view_error(fx->views->flume, FLUME_ERR_TOO_LARGE, "undo some");
    describe(fx->scope, "b=1");
    (void)commit_as_it_is(fx, fx->scope); /* Those that were taken can be told. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        rules_test(what_tares_leave_out_is_told_before_the_first_scope),
        rules_test(it_is_no_part_of_what_a_scope_is),
        rules_test(a_scope_within_another_one_and_one_written_unasked_have_it),
        rules_test(links_under_other_tares_are_counted_apart),
        rules_test(the_same_tares_are_told_once),
        rules_test(more_sets_than_are_remembered_are_all_told),
        rules_test(what_is_staged_keeps_the_tares_that_it_was_committed_under),
        rules_test(what_is_discarded_tells_of_no_tares),
        rules_test(the_id_is_that_of_the_format),
        rules_test(by_value_a_blob_is_its_hash_and_what_has_no_value_is_not_named),
        rules_test(settings_and_defaults_are_found_though_tares_were_told_later),
        rules_test(tares_that_are_not_those_of_their_id_are_refused),
        rules_test(tares_of_more_than_a_record_can_name_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
