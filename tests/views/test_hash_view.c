/*
 * test_hash_view.c - records are found by the hash of their body, or by the beginning of it.
 */
#include "find_fixture.h"

static void hash_of(const char *text, uint8_t hash[FLUME_HASH_BYTES])
{
    flume_hash(text, strlen(text), hash);
}

static uint64_t find(flume *handle, const char *text)
{
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t seq = FLUME_SEQ_NONE;

    hash_of(text, hash);
    assert_int_equal(flume_hash_find(handle, NULL, hash, &seq), FLUME_OK);
    return seq;
}

static void the_oldest_record_with_a_body_is_found(void **state)
{
    struct find_fixture *fx = *state;
    uint64_t first = append_text(fx->log, "same");

    (void)append_text(fx->log, "other");
    (void)append_text(fx->log, "same");
    assert_int_equal(find(fx->handle, "same"), first);
}

static void an_unknown_body_is_not_found(void **state)
{
    struct find_fixture *fx = *state;
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t seq = 77;

    (void)append_text(fx->log, "known");
    hash_of("unknown", hash);
    assert_int_equal(flume_hash_find(fx->handle, NULL, hash, &seq), FLUME_ERR_NOT_FOUND);
    assert_int_equal(seq, 77); /* Untouched. */
}

static void all_records_with_a_body_are_counted_and_the_first_given(void **state)
{
    struct find_fixture *fx = *state;
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t seqs[2] = {0, 0}, count = 0, first = append_text(fx->log, "");

    (void)append_text(fx->log, "between");
    assert_int_equal(append_text(fx->log, ""), first + 2);
    assert_int_equal(append_text(fx->log, ""), first + 3);
    hash_of("", hash);
    assert_int_equal(flume_hash_find_all(fx->handle, NULL, hash, seqs, 2, &count), FLUME_OK);
    assert_int_equal(count, 3);
    assert_int_equal(seqs[0], first);
    assert_int_equal(seqs[1], first + 2);
    assert_int_equal(flume_hash_find_all(fx->handle, NULL, hash, NULL, 0, &count), FLUME_OK);
    assert_int_equal(count, 3);
}

static void manifests_and_records_of_every_kind_are_found(void **state)
{
    struct find_fixture *fx = *state;
    uint8_t hash[FLUME_HASH_BYTES];
    flume_record manifest;
    uint64_t seq = append_kind(fx->log, FLUME_KIND_USER + 5, "of a kind"), found = 77;

    assert_int_equal(find(fx->handle, "of a kind"), seq);
    assert_int_equal(flume_log_get(fx->log, 0, &manifest), FLUME_OK);
    assert_int_equal(manifest.kind, FLUME_KIND_MANIFEST);
    flume_hash(manifest.body, manifest.body_bytes, hash);
    assert_int_equal(flume_hash_find(fx->handle, NULL, hash, &found), FLUME_OK);
    assert_int_equal(found, 0);
}

/* ---- prefixes ---- */

enum { MANY = 3000 };

/* Bodies "0", "1", ... and their hashes' texts. */
static void append_many(struct find_fixture *fx)
{
    (void)append_numbered(fx->log, MANY);
    (void)append_numbered(fx->log, MANY); /* Each twice: still one hash. */
}

static void text_of(unsigned number, char out_text[FLUME_HASH_TEXT_BYTES + 1])
{
    uint8_t hash[FLUME_HASH_BYTES];
    char body[16];

    (void)snprintf(body, sizeof body, "%u", number);
    hash_of(body, hash);
    flume_hash_text(hash, out_text);
}

/* How many of the bodies, and of what else is in the log, have a hash that begins so. */
static size_t count_beginning(struct find_fixture *fx, const char *digits)
{
    char text[FLUME_HASH_TEXT_BYTES + 1];
    size_t count = 0;
    uint8_t hash[FLUME_HASH_BYTES];
    flume_record manifest;

    for (unsigned i = 0; i < MANY; i++) {
        text_of(i, text);
        count += strncmp(text, digits, strlen(digits)) == 0;
    }
    assert_int_equal(flume_log_get(fx->log, 0, &manifest), FLUME_OK);
    flume_hash(manifest.body, manifest.body_bytes, hash);
    flume_hash_text(hash, text);
    return count + (strncmp(text, digits, strlen(digits)) == 0);
}

static void a_prefix_of_any_length_gives_what_begins_so(void **state)
{
    struct find_fixture *fx = *state;

    append_many(fx);
    for (unsigned i = 0; i < 40; i++) {
        for (size_t digits = 1; digits <= 6; digits++) {
            char text[FLUME_HASH_TEXT_BYTES + 1];
            flume_hash_candidate candidates[300];
            size_t count = 0, expected;
            int status;

            text_of(i, text);
            text[digits] = '\0';
            expected = count_beginning(fx, text);
            status = flume_hash_find_prefix(fx->handle, NULL, text, candidates, 300, &count);
            assert_int_equal(status, expected == 1 ? FLUME_OK : FLUME_ERR_AMBIGUOUS);
            assert_int_equal(count, expected);
            for (size_t c = 0; c < count && c < 300; c++) {
                char found[FLUME_HASH_TEXT_BYTES + 1];
                uint64_t oldest = FLUME_SEQ_NONE;

                flume_hash_text(candidates[c].hash, found);
                assert_memory_equal(found, text, digits);
                assert_true(c == 0 || memcmp(candidates[c - 1].hash, candidates[c].hash,
                                             FLUME_HASH_BYTES) < 0);
                assert_int_equal(flume_hash_find(fx->handle, NULL, candidates[c].hash, &oldest),
                                 FLUME_OK);
                assert_int_equal(candidates[c].seq, oldest);
            }
        }
    }
}

static void upper_case_digits_and_whole_hashes_are_taken(void **state)
{
    struct find_fixture *fx = *state;
    char text[FLUME_HASH_TEXT_BYTES + 1];
    flume_hash_candidate candidate;
    size_t count = 0;
    uint64_t seq = append_numbered(fx->log, 10) + 3;

    text_of(3, text);
    for (size_t i = 0; text[i] != '\0'; i++)
        text[i] = (char)(text[i] >= 'a' ? text[i] - 'a' + 'A' : text[i]);
    assert_int_equal(flume_hash_find_prefix(fx->handle, NULL, text, &candidate, 1, &count),
                     FLUME_OK);
    assert_int_equal(count, 1);
    assert_int_equal(candidate.seq, seq);
}

static void distinct_hashes_are_counted_up_to_a_thousand(void **state)
{
    struct find_fixture *fx = *state;
    uint8_t hash[FLUME_HASH_BYTES] = {0};
    size_t count = 0, beginning = 0;
    char digits[] = "0";

    (void)append_numbered(fx->log, 20000);
    assert_int_equal(flume_hash_find_prefix(fx->handle, NULL, digits, NULL, 0, &count),
                     FLUME_ERR_AMBIGUOUS);
    for (unsigned i = 0; i < 20000; i++) {
        char body[16];

        (void)snprintf(body, sizeof body, "%u", i);
        hash_of(body, hash);
        beginning += hash[0] < 0x10;
    }
    assert_true(beginning > 1000);
    assert_int_equal(count, 1000);
    expect_detail(fx->handle, FLUME_ERR_AMBIGUOUS, "or more");
}

static void what_is_no_prefix_is_refused(void **state)
{
    struct find_fixture *fx = *state;
    char long_text[FLUME_HASH_TEXT_BYTES + 2];
    size_t count = 0;

    memset(long_text, 'a', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(flume_hash_find_prefix(fx->handle, NULL, "", NULL, 0, &count),
                     FLUME_ERR_INVALID);
    assert_int_equal(flume_hash_find_prefix(fx->handle, NULL, "12g", NULL, 0, &count),
                     FLUME_ERR_INVALID);
    expect_detail(fx->handle, FLUME_ERR_INVALID, "hexadecimal");
    assert_int_equal(flume_hash_find_prefix(fx->handle, NULL, long_text, NULL, 0, &count),
                     FLUME_ERR_INVALID);
    long_text[FLUME_HASH_TEXT_BYTES] = '\0';
    assert_int_equal(flume_hash_find_prefix(fx->handle, NULL, long_text, NULL, 0, &count),
                     FLUME_ERR_NOT_FOUND);
}

static void the_abbreviation_of_a_hash_is_the_shortest_unambiguous_prefix(void **state)
{
    struct find_fixture *fx = *state;

    append_many(fx);
    for (unsigned i = 0; i < MANY; i += 7) {
        char text[FLUME_HASH_TEXT_BYTES + 1], body[16];
        uint8_t hash[FLUME_HASH_BYTES];
        size_t digits = 0, count = 0;

        (void)snprintf(body, sizeof body, "%u", i);
        hash_of(body, hash);
        flume_hash_text(hash, text);
        assert_int_equal(flume_hash_abbreviate(fx->handle, NULL, hash, &digits), FLUME_OK);
        assert_true(digits >= FLUME_HASH_PREFIX_MIN && digits <= FLUME_HASH_TEXT_BYTES);
        text[digits] = '\0';
        assert_int_equal(flume_hash_find_prefix(fx->handle, NULL, text, NULL, 0, &count), FLUME_OK);
        if (digits > FLUME_HASH_PREFIX_MIN) {
            text[digits - 1] = '\0';
            assert_int_equal(flume_hash_find_prefix(fx->handle, NULL, text, NULL, 0, &count),
                             FLUME_ERR_AMBIGUOUS);
        }
    }
}

static void reopening_rebuilding_and_another_handle_give_the_same(void **state)
{
    struct find_fixture *fx = *state;
    uint64_t seq = append_text(fx->log, "kept");
    flume *other;

    assert_int_equal(find(fx->handle, "kept"), seq);
    find_reopen(fx);
    assert_int_equal(find(fx->handle, "kept"), seq);
    other = open_flume(fx, FLUME_VIEWS_NO_WORKERS);
    seq = append_text(flume_log_of(other), "by another");
    assert_int_equal(find(fx->handle, "by another"), seq);
    close_flume(other);
    rebuild_view(fx, "hash");
    assert_int_equal(find(fx->handle, "by another"), seq);
    verify_view(fx, "hash");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        find_test(the_oldest_record_with_a_body_is_found),
        find_test(an_unknown_body_is_not_found),
        find_test(all_records_with_a_body_are_counted_and_the_first_given),
        find_test(manifests_and_records_of_every_kind_are_found),
        find_test(a_prefix_of_any_length_gives_what_begins_so),
        find_test(upper_case_digits_and_whole_hashes_are_taken),
        find_test(distinct_hashes_are_counted_up_to_a_thousand),
        find_test(what_is_no_prefix_is_refused),
        find_test(the_abbreviation_of_a_hash_is_the_shortest_unambiguous_prefix),
        find_test(reopening_rebuilding_and_another_handle_give_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
