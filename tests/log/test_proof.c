/*
 * test_proof.c - a proof that was tampered with does not hold, and its text has one spelling.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forged_proof.h"
#include "grain.h"
#include "memory.h"
#include "proof_memory.h"

enum { TEXT_BYTES_MAX = 8192, CHECK_LINE_BYTES = 23, BASIN_LINE = 2 };

struct proof_fixture {
    struct forged_log *forged;
    flume_proof proof;
    char text[TEXT_BYTES_MAX], changed[TEXT_BYTES_MAX], again[TEXT_BYTES_MAX];
    size_t text_bytes;
    flume_error error;
};

static int setup(void **state)
{
    struct proof_fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    fx->forged = forged_log_create();
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    struct proof_fixture *fx = *state;

    flume_proof_release(&fx->proof);
    forged_log_destroy(fx->forged);
    free(fx);
    return 0;
}

#define proof_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* --- The domain's verbs --- */

/* The fixture's proof and text are of this record now. */
static void prove(struct proof_fixture *fx, uint64_t seq)
{
    flume_proof_release(&fx->proof);
    forged_prove(fx->forged, seq, &fx->proof);
    fx->text_bytes = flume_proof_text(&fx->proof, fx->text, sizeof fx->text);
    assert_true(fx->text_bytes <= sizeof fx->text);
}

static int verify(struct proof_fixture *fx)
{
    memset(&fx->error, 0, sizeof fx->error);
    return flume_proof_verify(&fx->proof, NULL, NULL, 0, &fx->error);
}

static void expect_holds(struct proof_fixture *fx)
{
    assert_int_equal(verify(fx), FLUME_OK);
}

static void expect_fails(struct proof_fixture *fx, const char *words)
{
    assert_int_equal(verify(fx), FLUME_ERR_CONFLICT);
    assert_int_equal(fx->error.status, FLUME_ERR_CONFLICT);
    assert_non_null(strstr(fx->error.message, words));
}

/* Give a text that was changed the check that it needs, as who forges one would. */
static void mend_check(char *text, size_t text_bytes)
{
    char line[CHECK_LINE_BYTES + 1];
    size_t checked = text_bytes - CHECK_LINE_BYTES;

    assert_memory_equal(text + checked, "check ", 6);
    (void)snprintf(line, sizeof line, "check %016" PRIx64 "\n", hash_bytes(text, checked, 0));
    memcpy(text + checked, line, CHECK_LINE_BYTES);
}

static int parse(struct proof_fixture *fx, const char *text, size_t bytes, flume_proof *out_proof)
{
    memset(&fx->error, 0, sizeof fx->error);
    return flume_proof_parse(text, bytes, NULL, out_proof, &fx->error);
}

/* What of a text parses is written again as it was; then it must not hold. */
static void expect_rejected(struct proof_fixture *fx, const char *text, size_t bytes)
{
    flume_proof proof;

    if (parse(fx, text, bytes, &proof) != FLUME_OK) {
        assert_non_null(strstr(fx->error.message, "line "));
        return;
    }
    assert_int_equal(flume_proof_text(&proof, fx->again, sizeof fx->again), bytes);
    assert_memory_equal(fx->again, text, bytes);
    assert_int_equal(flume_proof_verify(&proof, NULL, NULL, 0, NULL), FLUME_ERR_CONFLICT);
    flume_proof_release(&proof);
}

/* Where line `number`, counted from 1, begins. */
static size_t line_at(const char *text, unsigned number)
{
    const char *at = text;

    while (--number > 0)
        at = strchr(at, '\n') + 1;
    return (size_t)(at - text);
}

/* Put other characters in the place of some; the check is mended. Its bytes. */
static size_t replace(struct proof_fixture *fx, size_t at, size_t removed, const char *put)
{
    size_t put_bytes = strlen(put), bytes = fx->text_bytes - removed + put_bytes;

    assert_true(bytes <= sizeof fx->changed);
    memcpy(fx->changed, fx->text, at);
    memcpy(fx->changed + at, put, put_bytes);
    memcpy(fx->changed + at + put_bytes, fx->text + at + removed, fx->text_bytes - at - removed);
    mend_check(fx->changed, bytes);
    return bytes;
}

/* --- Verifying --- */

static void a_proof_of_every_record_holds_and_comes_back_from_its_text(void **state)
{
    struct proof_fixture *fx = *state;

    for (uint64_t seq = 0; seq < FORGED_RECORDS; seq++) {
        flume_proof read;

        prove(fx, seq);
        expect_holds(fx);
        assert_int_equal(parse(fx, fx->text, fx->text_bytes, &read), FLUME_OK);
        assert_int_equal(flume_proof_text(&read, fx->again, sizeof fx->again), fx->text_bytes);
        assert_memory_equal(fx->again, fx->text, fx->text_bytes);
        assert_int_equal(flume_proof_verify(&read, NULL, NULL, 0, NULL), FLUME_OK);
        flume_proof_release(&read);
        flume_proof_release(&read); /* Harmless. */
    }
}

static void any_root_that_a_proof_passes_is_good_to_compare_with(void **state)
{
    struct proof_fixture *fx = *state;
    uint8_t other[FLUME_ROOT_BYTES] = {0};

    prove(fx, 300); /* Of the second strata. */
    for (size_t i = 0; i < FORGED_STRATA; i++) {
        int status =
            flume_proof_verify(&fx->proof, fx->forged->chains[i].bytes, NULL, 0, &fx->error);

        assert_int_equal(status, i == 0 ? FLUME_ERR_CONFLICT : FLUME_OK);
    }
    assert_int_equal(flume_proof_verify(&fx->proof, other, NULL, 0, &fx->error),
                     FLUME_ERR_CONFLICT);
    assert_non_null(strstr(fx->error.message, "does not pass the root given"));
}

static void a_body_is_compared_where_one_is_given(void **state)
{
    struct proof_fixture *fx = *state;
    uint8_t body[FORGED_BODY_MAX + 1] = {0};
    size_t bytes = forged_body(63, body);

    prove(fx, 63);
    assert_int_equal(flume_proof_verify(&fx->proof, NULL, body, bytes, NULL), FLUME_OK);
    assert_int_equal(flume_proof_verify(&fx->proof, NULL, body, bytes + 1, &fx->error),
                     FLUME_ERR_CONFLICT);
    assert_non_null(strstr(fx->error.message, "another body"));
    assert_int_equal(flume_proof_verify(&fx->proof, NULL, "", 0, NULL), FLUME_ERR_CONFLICT);
    body[5] ^= 1;
    assert_int_equal(flume_proof_verify(&fx->proof, NULL, body, bytes, NULL), FLUME_ERR_CONFLICT);
    prove(fx, 65); /* Its body is empty. */
    assert_int_equal(flume_proof_verify(&fx->proof, NULL, "", 0, NULL), FLUME_OK);
    assert_int_equal(flume_proof_verify(&fx->proof, NULL, "x", 1, NULL), FLUME_ERR_CONFLICT);
}

/* Each step by its words: a step that is left out lets one of these through. */
static void each_step_of_verifying_refuses_what_it_is_for(void **state)
{
    struct proof_fixture *fx = *state;
    flume_root_link *links;

    prove(fx, 310);
    links = ((struct proof_memory *)fx->proof.chain.memory)->links;
    fx->proof.seq = 311;
    expect_fails(fx, "not the one of seq 311");
    fx->proof.seq = 300;
    expect_fails(fx, "seq 300 is not in its first strata");
    fx->proof.seq = 310;
    fx->proof.meta_bytes--;
    expect_fails(fx, "meta has another length");
    fx->proof.meta_bytes++;
    fx->proof.header[GRAIN_TIME_AT]++;
    expect_fails(fx, "record has another hash");
    fx->proof.header[GRAIN_TIME_AT]--;
    fx->proof.path[3][31] ^= 0x80;
    expect_fails(fx, "path does not lead");
    fx->proof.path[3][31] ^= 0x80;
    fx->proof.path_count--;
    expect_fails(fx, "path does not lead");
    fx->proof.path_count = FLUME_PROOF_PATH_MAX + 1;
    expect_fails(fx, "path does not lead");
    fx->proof.path_count = 8;
    links[1].first_seq++;
    expect_fails(fx, "strata at seq 558 does not follow");
    links[1].first_seq--;
    links[1].count--;
    expect_fails(fx, "do not lead to its head root");
    links[1].count = UINT64_MAX;
    expect_fails(fx, "strata at seq 557 does not follow");
    links[1].count = 0;
    expect_fails(fx, "strata at seq 557 does not follow");
    links[1].count = 443;
    fx->proof.chain.from.end_seq++;
    expect_fails(fx, "first strata does not lead");
    fx->proof.chain.from.end_seq--;
    fx->proof.chain.head.end_seq--;
    expect_fails(fx, "do not lead to its head root");
    fx->proof.chain.head.end_seq++;
    fx->proof.chain.link_count = 0;
    expect_fails(fx, "no beginning");
    fx->proof.chain.link_count = 2;
    expect_holds(fx);
}

static void a_chain_that_begins_at_seq_0_has_nothing_before_it(void **state)
{
    struct proof_fixture *fx = *state;

    prove(fx, 3);
    fx->proof.chain.before[0] = 1;
    expect_fails(fx, "no beginning");
}

static void a_witness_that_is_not_there_is_no_record(void **state)
{
    struct proof_fixture *fx = *state;
    flume_record record;

    prove(fx, 16 * 5); /* Without meta. */
    fx->proof.header[GRAIN_FLAGS_AT] = 0;
    assert_int_equal(flume_proof_record(&fx->proof, &record, NULL), FLUME_OK);
    assert_int_equal(record.meta_bytes, 0);
    fx->proof.header[GRAIN_FLAGS_AT] = FLUME_RECORD_WITNESS;
    assert_int_equal(flume_proof_record(&fx->proof, &record, NULL), FLUME_ERR_INVALID);
    fx->proof.header[GRAIN_FLAGS_AT] = 0;
    put_le32(fx->proof.header + GRAIN_WRITER_AT, GRAIN_WRITER_NONE);
    assert_int_equal(flume_proof_record(&fx->proof, &record, NULL), FLUME_OK);
    assert_true(record.writer_seq == FLUME_SEQ_NONE);
    assert_int_equal(flume_proof_record(NULL, &record, NULL), FLUME_ERR_INVALID);
    assert_int_equal(flume_proof_record(&fx->proof, NULL, NULL), FLUME_ERR_INVALID);
    fx->proof.meta = NULL;
    fx->proof.meta_bytes = 1;
    assert_int_equal(flume_proof_verify(&fx->proof, NULL, NULL, 0, NULL), FLUME_ERR_INVALID);
    fx->proof.meta_bytes = 0;
    fx->proof.chain.link_count = 0;
    assert_int_equal(flume_proof_record(&fx->proof, &record, NULL), FLUME_ERR_INVALID);
}

static void nothing_is_no_proof(void **state)
{
    static const flume_consistency nothing;
    struct proof_fixture *fx = *state;
    flume_root root = {.end_seq = 0};

    assert_int_equal(flume_proof_verify(NULL, NULL, NULL, 0, &fx->error), FLUME_ERR_INVALID);
    assert_int_equal(flume_consistency_verify(NULL, NULL, NULL, NULL), FLUME_ERR_INVALID);
    memset(&fx->proof, 0, sizeof fx->proof);
    expect_fails(fx, "no beginning");
    assert_int_equal(flume_consistency_find(NULL, NULL, NULL), FLUME_ERR_INVALID);
    assert_int_equal(flume_consistency_find(&nothing, NULL, &root), FLUME_ERR_INVALID);
    assert_int_equal(flume_consistency_find(&nothing, root.hash, NULL), FLUME_ERR_INVALID);
    flume_proof_release(NULL);
    flume_consistency_release(NULL);
}

static void more_links_than_memory_can_be_long_have_no_memory(void **state)
{
    (void)state;
    assert_null(proof_memory_create(memory_default(), SIZE_MAX / 2, 0));
}

/* --- Two roots --- */

static void two_roots_of_one_log_are_consistent(void **state)
{
    struct proof_fixture *fx = *state;
    const struct merkle_hash *chains = fx->forged->chains;

    for (size_t i = 0; i < FORGED_STRATA; i++) {
        flume_consistency made;

        forged_consistency(fx->forged, i, &made);
        for (size_t old = 0; old < FORGED_STRATA; old++) {
            for (size_t young = 0; young < FORGED_STRATA; young++) {
                int status =
                    flume_consistency_verify(&made, chains[old].bytes, chains[young].bytes, NULL);
                bool fits = old == i && young == FORGED_STRATA - 1;

                assert_int_equal(status, fits ? FLUME_OK : FLUME_ERR_CONFLICT);
            }
        }
        assert_int_equal(flume_consistency_verify(&made, NULL, NULL, NULL), FLUME_OK);
        flume_consistency_release(&made);
    }
}

static void a_root_that_links_pass_is_found_with_where_it_ends(void **state)
{
    struct proof_fixture *fx = *state;
    flume_consistency made;
    flume_root found;

    forged_consistency(fx->forged, 1, &made);
    assert_int_equal(flume_consistency_find(&made, fx->forged->chains[2].bytes, &found), FLUME_OK);
    assert_int_equal(found.end_seq, 557);
    assert_memory_equal(found.hash, fx->forged->chains[2].bytes, sizeof found.hash);
    assert_int_equal(flume_consistency_find(&made, fx->forged->chains[0].bytes, &found),
                     FLUME_ERR_NOT_FOUND);
    made.head.end_seq = 7;
    assert_int_equal(flume_consistency_find(&made, fx->forged->chains[2].bytes, &found),
                     FLUME_ERR_CONFLICT);
    flume_consistency_release(&made);
}

static void the_text_of_two_roots_comes_back_and_no_byte_of_it_can_change(void **state)
{
    struct proof_fixture *fx = *state;
    flume_consistency made, read;

    forged_consistency(fx->forged, 1, &made);
    fx->text_bytes = flume_consistency_text(&made, fx->text, sizeof fx->text);
    assert_int_equal(flume_proof_text_form(fx->text, fx->text_bytes), FLUME_PROOF_FORM_CONSISTENCY);
    assert_int_equal(flume_consistency_parse(fx->text, fx->text_bytes, NULL, &read, NULL),
                     FLUME_OK);
    assert_int_equal(flume_consistency_text(&read, fx->again, sizeof fx->again), fx->text_bytes);
    assert_memory_equal(fx->again, fx->text, fx->text_bytes);
    flume_consistency_release(&read);
    for (size_t bytes = 0; bytes < fx->text_bytes; bytes++)
        assert_int_not_equal(flume_consistency_parse(fx->text, bytes, NULL, &read, NULL), FLUME_OK);
    for (size_t at = line_at(fx->text, BASIN_LINE + 1); at < fx->text_bytes - CHECK_LINE_BYTES;
         at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(fx->changed, fx->text, fx->text_bytes);
            fx->changed[at] = (char)(fx->changed[at] ^ 1 << bit);
            mend_check(fx->changed, fx->text_bytes);
            if (flume_consistency_parse(fx->changed, fx->text_bytes, NULL, &read, NULL) != FLUME_OK)
                continue;
            assert_int_equal(flume_consistency_verify(&read, NULL, NULL, NULL), FLUME_ERR_CONFLICT);
            flume_consistency_release(&read);
        }
    }
    flume_consistency_release(&made);
}

/* --- The text --- */

static void no_bit_of_a_text_can_change_unnoticed(void **state)
{
    struct proof_fixture *fx = *state;
    flume_proof unused;

    prove(fx, 299);
    for (size_t at = 0; at < fx->text_bytes; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(fx->changed, fx->text, fx->text_bytes);
            fx->changed[at] = (char)(fx->changed[at] ^ 1 << bit);
            assert_true(parse(fx, fx->changed, fx->text_bytes, &unused) < 0);
            assert_non_null(strstr(fx->error.message, "line "));
        }
    }
}

/* The basin's identity is not proved: it only says where to look. */
static void no_bit_that_means_something_can_be_forged(void **state)
{
    struct proof_fixture *fx = *state;

    prove(fx, 299);
    for (size_t at = line_at(fx->text, BASIN_LINE + 1); at < fx->text_bytes - CHECK_LINE_BYTES;
         at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(fx->changed, fx->text, fx->text_bytes);
            fx->changed[at] = (char)(fx->changed[at] ^ 1 << bit);
            mend_check(fx->changed, fx->text_bytes);
            expect_rejected(fx, fx->changed, fx->text_bytes);
        }
    }
}

static void no_line_can_be_left_out_or_stand_twice(void **state)
{
    struct proof_fixture *fx = *state;
    unsigned lines = 0;

    prove(fx, 310);
    for (size_t i = 0; i < fx->text_bytes; i++)
        lines += fx->text[i] == '\n';
    for (unsigned i = 1; i < lines; i++) {
        size_t at = line_at(fx->text, i), bytes = line_at(fx->text, i + 1) - at;
        char line[256];

        (void)snprintf(line, sizeof line, "%.*s", (int)bytes, fx->text + at);
        expect_rejected(fx, fx->changed, replace(fx, at, bytes, ""));
        expect_rejected(fx, fx->changed, replace(fx, at, 0, line));
        expect_rejected(fx, fx->changed, replace(fx, at, 0, "\n"));
        expect_rejected(fx, fx->changed, replace(fx, at, 0, " "));
    }
}

static void a_text_that_ends_early_or_late_is_refused(void **state)
{
    struct proof_fixture *fx = *state;
    flume_proof unused;

    prove(fx, 557);
    for (size_t bytes = 0; bytes < fx->text_bytes; bytes++) {
        char *exact = malloc(bytes + 1); /* So that reading behind its end shows. */

        assert_non_null(exact);
        memcpy(exact + 1, fx->text, bytes);
        assert_true(parse(fx, exact + 1, bytes, &unused) < 0);
        free(exact);
    }
    fx->text[fx->text_bytes] = '\n';
    assert_int_equal(parse(fx, fx->text, fx->text_bytes + 1, &unused), FLUME_ERR_INVALID);
    assert_non_null(strstr(fx->error.message, "behind the check"));
}

static void expect_spelling_refused(struct proof_fixture *fx, unsigned line, size_t at,
                                    size_t removed, const char *put, const char *words)
{
    flume_proof unused;
    char place[32];

    (void)snprintf(place, sizeof place, "line %u: ", line);
    assert_int_equal(
        parse(fx, fx->changed, replace(fx, line_at(fx->text, line) + at, removed, put), &unused),
        FLUME_ERR_INVALID);
    assert_memory_equal(fx->error.message, place, strlen(place));
    assert_non_null(strstr(fx->error.message, words));
}

static void a_refusal_says_line_and_cause(void **state)
{
    struct proof_fixture *fx = *state;

    prove(fx, 310); /* Lines: 1 flume 2 basin 3 seq 4 header 5 meta 6 body 7 leaf 8 path ... */
    expect_spelling_refused(fx, 1, 0, 5, "fluem", "flume proof 1");
    expect_spelling_refused(fx, 2, 0, 5, "Basin", "'basin' is to stand here");
    expect_spelling_refused(fx, 2, 10, 1, "A", "32 digits of 0-9 and a-f");
    expect_spelling_refused(fx, 2, 38, 0, "00", "it is to end here");
    expect_spelling_refused(fx, 3, 4, 3, "0310", "begins with 0");
    expect_spelling_refused(fx, 3, 4, 3, "+310", "a number is to stand here");
    expect_spelling_refused(fx, 3, 4, 3, "", "a number is to stand here");
    expect_spelling_refused(fx, 3, 4, 3, "18446744073709551616", "too large");
    expect_spelling_refused(fx, 3, 7, 0, "\r", "it is to end here");
    expect_spelling_refused(fx, 5, 5, 1, "", "two digits");
    expect_spelling_refused(fx, 5, 5, 0, "-", "it is to end here");
    expect_spelling_refused(fx, 6, 68, 1, "g", "of which 63 are right");
    expect_spelling_refused(fx, 8, 0, 5, "Path ", "'before' is to stand here");
}

static void more_than_a_proof_may_have_is_refused(void **state)
{
    struct proof_fixture *fx = *state;
    char *text = malloc(512 << 10), line[FLUME_ROOT_BYTES * 2 + 8];
    size_t bytes;
    flume_proof unused;

    assert_non_null(text);
    prove(fx, 310);
    assert_int_equal(parse(fx, fx->text, (size_t)FLUME_PROOF_TEXT_BYTES_MAX + 1, &unused),
                     FLUME_ERR_TOO_LARGE);
    bytes = line_at(fx->text, 8);
    memcpy(line, fx->text + bytes, sizeof line);
    memcpy(text, fx->text, bytes);
    for (int i = 0; i <= FLUME_PROOF_PATH_MAX; i++, bytes += 70)
        memcpy(text + bytes, line, 70);
    assert_int_equal(parse(fx, text, bytes, &unused), FLUME_ERR_INVALID);
    assert_non_null(strstr(fx->error.message, "line 72: a path has at most 64"));
    bytes = line_at(fx->text, 5) + 5;
    memset(text + bytes, '0', 2 * 65536);
    memcpy(text + bytes + 2 * 65536, "\n", 1);
    assert_int_equal(parse(fx, text, bytes + 2 * 65536 + 1, &unused), FLUME_ERR_INVALID);
    assert_non_null(strstr(fx->error.message, "line 5: "));
    free(text);
}

static void a_newer_text_is_told_from_a_bad_one(void **state)
{
    struct proof_fixture *fx = *state;
    flume_proof unused;

    prove(fx, 1);
    assert_int_equal(parse(fx, fx->changed, replace(fx, strlen("flume proof "), 1, "2"), &unused),
                     FLUME_ERR_VERSION);
    assert_int_equal(flume_proof_text_form(fx->text, fx->text_bytes), FLUME_PROOF_FORM_RECORD);
    assert_int_equal(flume_proof_text_form("flume proo", 10), FLUME_PROOF_FORM_NONE);
    assert_int_equal(flume_proof_text_form(NULL, 0), FLUME_PROOF_FORM_NONE);
}

static void *no_memory(void *ctx, size_t bytes)
{
    size_t *asked = ctx;

    *asked = bytes;
    return NULL;
}

static void *no_resize(void *ctx, void *memory, size_t bytes)
{
    (void)memory;
    return no_memory(ctx, bytes);
}

static void release_nothing(void *ctx, void *memory)
{
    (void)ctx;
    assert_null(memory);
}

static void reading_asks_for_no_more_memory_than_the_text_is_long(void **state)
{
    struct proof_fixture *fx = *state;
    size_t asked = 0;
    flume_allocator allocator = {
        .allocate = no_memory, .resize = no_resize, .release = release_nothing, .ctx = &asked};
    flume_proof unused;

    prove(fx, 0);
    assert_int_equal(flume_proof_parse(fx->text, fx->text_bytes, &allocator, &unused, &fx->error),
                     FLUME_ERR_NO_MEMORY);
    assert_true(asked > 0 && asked < fx->text_bytes);
}

static void a_text_is_as_long_as_it_says_whatever_the_room(void **state)
{
    struct proof_fixture *fx = *state;

    prove(fx, 310);
    assert_int_equal(flume_proof_text(&fx->proof, NULL, 0), fx->text_bytes);
    for (size_t room = 0; room <= fx->text_bytes; room++) {
        memset(fx->changed, '~', sizeof fx->changed);
        assert_int_equal(flume_proof_text(&fx->proof, fx->changed, room), fx->text_bytes);
        assert_int_equal(fx->changed[room], '~');
    }
    assert_memory_equal(fx->changed, fx->text, fx->text_bytes);
}

/* Texts that people have kept go on being read. */
static void a_known_text_reads_and_holds(void **state)
{
    static const char known[] =
        "flume proof 1\n"
        "basin b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5\n"
        "seq 560\n"
        "header 3030303030303030303030303030303003000000000000003030303000003030\n"
        "meta -\n"
        "body af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262\n"
        "leaf c8ec83ba353579300164c4f259b4aa10ed94bf44e89bbc24776200b783895286\n"
        "path 61e7aca72a0a70bdfe81518aa189225459cd9105ff7220c1d4ed74b2a0d4312e\n"
        "path 1cc9b0488d1a2ce9d51969a0c9eb02dce27bff74483ae7d689d59c775e654681\n"
        "path 9929ed8111f14508286af97bdf227000add03762f9ef52edeca456d5e9707903\n"
        "path 47c395a961443195b45807e6737cd6690c2f04960771d87f626b73b2dcf02278\n"
        "path 0f868f57ab12448f3bfaf86b51a9cef3b5331982969004f43e991eaa604232f1\n"
        "path 199c148fb628caf00e397aef92b621b94c2e15869dc9404b348922a191f6377f\n"
        "path cc4f602e7610fadbb0306afd69b72f11ea28a6da03c0de8aab8cfd3af67fddbb\n"
        "path 3f1a6c26f16a8d61686f8c239b2ff601681969da3287a0b4bcd99713042b8c4c\n"
        "path c15a1035ffbdf2cc34c684d4746b4eb2f003aeee1bfc3036a65c796479d6d660\n"
        "before 7e8ddcbc1bf2cbdbc854027c67508e90654e71366cf30a85b6427b133126160f\n"
        "strata 557 443 aa85c5636b5c562b118b4547f96a68facfcebbae110488b5fb0faa9447c6b09e\n"
        "from 1000 23a86422322f17fbb1e63cf8ba58da62990e1f04d71fc58dfdb25375d5d163f4\n"
        "head 1000 23a86422322f17fbb1e63cf8ba58da62990e1f04d71fc58dfdb25375d5d163f4\n"
        "check 1b1c5b9aa04b8c39\n";
    struct proof_fixture *fx = *state;
    flume_proof read;

    assert_int_equal(parse(fx, known, sizeof known - 1, &read), FLUME_OK);
    assert_int_equal(flume_proof_verify(&read, NULL, NULL, 0, NULL), FLUME_OK);
    assert_int_equal(read.seq, 560);
    assert_int_equal(read.chain.head.end_seq, FORGED_RECORDS);
    flume_proof_release(&read);
    prove(fx, 560);
    assert_int_equal(fx->text_bytes, sizeof known - 1);
    assert_memory_equal(fx->text, known, fx->text_bytes);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        proof_test(a_proof_of_every_record_holds_and_comes_back_from_its_text),
        proof_test(any_root_that_a_proof_passes_is_good_to_compare_with),
        proof_test(a_body_is_compared_where_one_is_given),
        proof_test(each_step_of_verifying_refuses_what_it_is_for),
        proof_test(a_chain_that_begins_at_seq_0_has_nothing_before_it),
        proof_test(a_witness_that_is_not_there_is_no_record),
        proof_test(nothing_is_no_proof),
        cmocka_unit_test(more_links_than_memory_can_be_long_have_no_memory),
        proof_test(two_roots_of_one_log_are_consistent),
        proof_test(a_root_that_links_pass_is_found_with_where_it_ends),
        proof_test(the_text_of_two_roots_comes_back_and_no_byte_of_it_can_change),
        proof_test(no_bit_of_a_text_can_change_unnoticed),
        proof_test(no_bit_that_means_something_can_be_forged),
        proof_test(no_line_can_be_left_out_or_stand_twice),
        proof_test(a_text_that_ends_early_or_late_is_refused),
        proof_test(a_refusal_says_line_and_cause),
        proof_test(more_than_a_proof_may_have_is_refused),
        proof_test(a_newer_text_is_told_from_a_bad_one),
        proof_test(reading_asks_for_no_more_memory_than_the_text_is_long),
        proof_test(a_text_is_as_long_as_it_says_whatever_the_room),
        proof_test(a_known_text_reads_and_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
