/*
 * test_recall.c - values at addresses, and the cache of repeated computations.
 */
#include "rules_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flume/blob.h"
#include "flume/recall.h"
#include "flume/recorder_rules.h"
#include "format_dump.h"
#include "leave.h"
#include "stored_record.h"

enum { RACERS = 4, RACES = 100, LARGE_BYTES = FLUME_STORED_INLINE_BYTES_MAX + 4321 };

/* ---- verbs ---- */

static flume *handle_of(struct rules_fixture *fx)
{
    return fx->views->flume;
}

static flume_log *log_of(struct rules_fixture *fx)
{
    return flume_log_of(fx->views->flume);
}

static void open_recorder(struct rules_fixture *fx)
{
    assert_int_equal(flume_recorder_open(&fx->recorder, handle_of(fx), NULL), FLUME_OK);
}

static int recall_setup(void **state)
{
    return rules_setup_views(state, FLUME_VIEWS_NO_WORKERS);
}

#define recall_test(function) \
    cmocka_unit_test_setup_teardown(function, recall_setup, rules_teardown)

/* The scope {a, b}. */
static flume_scope *about(struct rules_fixture *fx, int a, int b)
{
    flume_scope_clear(fx->scope);
    assert_int_equal(flume_scope_label(fx->scope, "test"), FLUME_OK);
    assert_int_equal(flume_scope_set_int(fx->scope, "a", a), FLUME_OK);
    assert_int_equal(flume_scope_set_int(fx->scope, "b", b), FLUME_OK);
    return fx->scope;
}

static void expect_stored(flume_stored *stored, const void *data, size_t bytes)
{
    void *copy;

    assert_int_equal(stored->bytes, bytes);
    assert_int_equal(flume_stored_copy(stored, &copy), FLUME_OK);
    assert_memory_equal(copy, data, bytes);
    assert_int_equal(((char *)copy)[bytes], '\0');
    flume_stored_free(copy);
    flume_stored_release(stored);
    flume_stored_release(stored); /* Again is harmless. */
}

static void expect_at(struct rules_fixture *fx, const uint8_t *address, const flume_ask *ask,
                      const char *text)
{
    flume_stored stored = {0};
    int status = flume_get_at(handle_of(fx), ask, address, &stored);

    if (text == NULL) {
        assert_int_equal(status, FLUME_ERR_NOT_FOUND);
        return;
    }
    assert_int_equal(status, FLUME_OK);
    expect_stored(&stored, text, strlen(text));
}

static uint64_t put_text(struct rules_fixture *fx, const uint8_t *address, const char *text)
{
    uint64_t seq = FLUME_SEQ_NONE;

    assert_int_equal(flume_put_at(handle_of(fx), address, text, strlen(text), NULL, &seq),
                     FLUME_OK);
    return seq;
}

static int recall(struct rules_fixture *fx, flume_scope *scope, const flume_recall_options *options,
                  const char *text)
{
    flume_stored stored = {0};
    int status = flume_recall(fx->recorder, scope, options, &stored);

    if (status == FLUME_OK)
        expect_stored(&stored, text, strlen(text));
    return status;
}

static void remember(struct rules_fixture *fx, flume_scope *scope,
                     const flume_recall_options *options, const char *text)
{
    assert_int_equal(flume_remember(fx->recorder, scope, text, strlen(text), options, NULL),
                     FLUME_OK);
}

static void expect_counts(struct rules_fixture *fx, uint64_t hits, uint64_t misses, uint64_t stored,
                          uint64_t lost)
{
    flume_recall_counts counts;

    flume_recall_count(fx->recorder, &counts);
    assert_int_equal(counts.hits, hits);
    assert_int_equal(counts.misses, misses);
    assert_int_equal(counts.stored, stored);
    assert_int_equal(counts.races_lost, lost);
}

static void verify_view(struct rules_fixture *fx)
{
    flume_view_difference difference;
    flume_view *view = view_named(handle_of(fx), "address");

    assert_int_equal(flume_view_verify(view, NULL, &difference), FLUME_OK);
    assert_false(difference.different);
}

/* ---- addresses ---- */

static void addresses_differ_by_what_they_are_of_and_by_their_space(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t addresses[7][FLUME_ADDRESS_BYTES], id[FLUME_HASH_BYTES], again[FLUME_ADDRESS_BYTES];
    flume_scope *scope = about(fx, 1, 2);

    assert_int_equal(flume_scope_id(scope, id), FLUME_OK);
    assert_int_equal(flume_address_of_scope(scope, NULL, addresses[0]), FLUME_OK);
    assert_int_equal(flume_address_of_scope(scope, "s", addresses[1]), FLUME_OK);
    assert_int_equal(flume_address_of_hash(id, NULL, addresses[2]), FLUME_OK);
    assert_int_equal(flume_address_of_data("x", 1, "s", addresses[3]), FLUME_OK);
    assert_int_equal(flume_address_of_data("", 0, "s", addresses[4]), FLUME_OK);
    assert_int_equal(flume_recall_address(fx->recorder, scope, NULL, addresses[5]), FLUME_OK);
    assert_int_equal(flume_address_of_scope(about(fx, 1, 3), NULL, addresses[6]), FLUME_OK);
    for (size_t i = 0; i < 7; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(addresses[i], addresses[k], FLUME_ADDRESS_BYTES);
    assert_int_equal(flume_address_of_scope(about(fx, 1, 2), "", again), FLUME_OK);
    assert_memory_equal(again, addresses[0], sizeof again);
    assert_int_equal(flume_address_of_data(NULL, 0, "s", again), FLUME_OK);
    assert_memory_equal(again, addresses[4], sizeof again);
}

static void a_space_is_a_short_utf8_text(void **state)
{
    char name[FLUME_SPACE_BYTES_MAX + 2];
    uint8_t address[FLUME_ADDRESS_BYTES];

    (void)state;
    memset(name, 'n', sizeof name);
    name[FLUME_SPACE_BYTES_MAX + 1] = '\0';
    assert_int_equal(flume_address_of_data("x", 1, name, address), FLUME_ERR_INVALID);
    name[FLUME_SPACE_BYTES_MAX] = '\0';
    assert_int_equal(flume_address_of_data("x", 1, name, address), FLUME_OK);
    assert_int_equal(flume_address_of_data("x", 1, "\xff", address), FLUME_ERR_INVALID);
}

/* An address is forever: this is the BLAKE3 that views/FORMAT.md says. */
static void an_address_is_made_of_the_words_of_the_format(void **state)
{
    static const char domain[] = "flume address 1";
    uint8_t words[sizeof domain + 2 + 5 + FLUME_HASH_BYTES], wanted[FLUME_ADDRESS_BYTES],
        address[FLUME_ADDRESS_BYTES];

    (void)state;
    memcpy(words, domain, sizeof domain);
    memcpy(words + sizeof domain, "\x02\x05notes", 7);
    flume_hash("data", 4, words + sizeof domain + 7);
    flume_hash(words, sizeof words, wanted);
    assert_int_equal(flume_address_of_data("data", 4, "notes", address), FLUME_OK);
    assert_memory_equal(address, wanted, sizeof address);
}

static void the_example_in_the_format_is_what_is_written(void **state)
{
    struct stored_record stored = {.form = STORED_INLINE, .bytes = 3, .content = "yes"}, read;
    uint8_t body[STORED_HEADER_BYTES + 3];

    (void)state;
    assert_int_equal(flume_address_of_data("42", 2, "notes", stored.address), FLUME_OK);
    stored_record_encode(&stored, body);
    expect_dump("value", body, sizeof body);
    assert_int_equal(stored_record_decode(body, sizeof body, &read), FLUME_OK);
    assert_memory_equal(read.content, "yes", 3);
}

/* ---- values ---- */

static void the_newest_value_wins_and_earlier_ones_are_found_as_of_then(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t address[FLUME_ADDRESS_BYTES], other[FLUME_ADDRESS_BYTES];
    uint64_t one, two;
    flume_ask ask = {.flags = FLUME_ASK_AS_OF};

    assert_int_equal(flume_address_of_scope(about(fx, 1, 2), "notes", address), FLUME_OK);
    assert_int_equal(flume_address_of_scope(about(fx, 1, 3), "notes", other), FLUME_OK);
    expect_at(fx, address, NULL, NULL);
    one = put_text(fx, address, "one");
    (void)put_text(fx, other, "other");
    two = put_text(fx, address, "two");
    expect_at(fx, address, NULL, "two");
    expect_at(fx, other, NULL, "other");
    ask.as_of = one;
    expect_at(fx, address, &ask, NULL);
    ask.as_of = one + 1;
    expect_at(fx, address, &ask, "one");
    ask.as_of = two;
    expect_at(fx, address, &ask, "one");
    ask.as_of = two + 1;
    expect_at(fx, address, &ask, "two");
    reopen_views(fx->views);
    expect_at(fx, address, NULL, "two");
    verify_view(fx);
}

static void an_ended_address_has_nothing_until_something_is_put_again(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t address[FLUME_ADDRESS_BYTES];
    uint64_t head, ended = FLUME_SEQ_NONE;
    flume_ask ask = {.flags = FLUME_ASK_AS_OF};

    assert_int_equal(flume_address_of_data("key", 3, NULL, address), FLUME_OK);
    head = flume_log_head(log_of(fx));
    assert_int_equal(flume_end_at(handle_of(fx), NULL, address, &ended), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_log_head(log_of(fx)), head);
    (void)put_text(fx, address, "");
    expect_at(fx, address, NULL, "");
    assert_int_equal(flume_end_at(handle_of(fx), NULL, address, &ended), FLUME_OK);
    expect_at(fx, address, NULL, NULL);
    assert_int_equal(flume_end_at(handle_of(fx), NULL, address, NULL), FLUME_ERR_NOT_FOUND);
    ask.as_of = ended;
    expect_at(fx, address, &ask, "");
    (void)put_text(fx, address, "again");
    expect_at(fx, address, NULL, "again");
    verify_view(fx);
}

static void a_large_value_is_a_blob_and_is_read_in_pieces(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t address[FLUME_ADDRESS_BYTES], hash[FLUME_HASH_BYTES], piece[100];
    uint8_t *large = malloc(LARGE_BYTES);
    flume_stored stored;
    size_t got;

    assert_non_null(large);
    fill_bytes(large, LARGE_BYTES, 7);
    assert_int_equal(flume_address_of_data("key", 3, NULL, address), FLUME_OK);
    assert_int_equal(flume_put_at(handle_of(fx), address, large, LARGE_BYTES, NULL, NULL),
                     FLUME_OK);
    flume_hash(large, LARGE_BYTES, hash);
    assert_int_equal(flume_get_at(handle_of(fx), NULL, address, &stored), FLUME_OK);
    assert_null(stored.data);
    assert_memory_equal(stored.hash, hash, sizeof hash);
    assert_int_equal(flume_stored_read(&stored, LARGE_BYTES - 60, piece, sizeof piece, &got),
                     FLUME_OK);
    assert_int_equal(got, 60);
    assert_memory_equal(piece, large + LARGE_BYTES - 60, got);
    expect_stored(&stored, large, LARGE_BYTES);
    /* One byte less than a blob stands in the record. */
    assert_int_equal(
        flume_put_at(handle_of(fx), address, large, FLUME_STORED_INLINE_BYTES_MAX, NULL, NULL),
        FLUME_OK);
    assert_int_equal(flume_get_at(handle_of(fx), NULL, address, &stored), FLUME_OK);
    assert_non_null(stored.data);
    assert_int_equal(
        flume_stored_read(&stored, FLUME_STORED_INLINE_BYTES_MAX - 1, piece, sizeof piece, &got),
        FLUME_OK);
    assert_int_equal(got, 1);
    assert_int_equal(flume_stored_read(&stored, UINT64_MAX, piece, sizeof piece, &got), FLUME_OK);
    assert_int_equal(got, 0);
    expect_stored(&stored, large, FLUME_STORED_INLINE_BYTES_MAX);
    free(large);
    verify_view(fx);
}

static void a_value_carries_its_labels_and_time(void **state)
{
    struct rules_fixture *fx = *state;
    static const char *const labels[] = {"kept", "note"};
    flume_put_options options = {.labels = labels, .label_count = 2, .time_ns = 12345};
    uint8_t address[FLUME_ADDRESS_BYTES];
    flume_stored stored;
    flume_record record;

    assert_int_equal(flume_address_of_data("key", 3, NULL, address), FLUME_OK);
    assert_int_equal(flume_put_at(handle_of(fx), address, "v", 1, &options, NULL), FLUME_OK);
    assert_int_equal(flume_get_at(handle_of(fx), NULL, address, &stored), FLUME_OK);
    assert_int_equal(stored.time_ns, 12345);
    assert_int_equal(flume_log_get(log_of(fx), stored.seq, &record), FLUME_OK);
    assert_true(flume_record_has_label(&record, "note"));
    assert_int_equal(record.kind, FLUME_KIND_VALUE);
    flume_record_release(&record);
    flume_stored_release(&stored);
}

/* ---- recalling ---- */

static void what_was_remembered_is_recalled(void **state)
{
    struct rules_fixture *fx = *state;
    flume_recall_options twice = {.name = "twice"};

    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, ""), FLUME_ERR_NOT_FOUND);
    remember(fx, about(fx, 1, 2), NULL, "three");
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, "three"), FLUME_OK);
    assert_int_equal(recall(fx, about(fx, 2, 1), NULL, ""), FLUME_ERR_NOT_FOUND);
    assert_int_equal(recall(fx, about(fx, 1, 2), &twice, ""), FLUME_ERR_NOT_FOUND);
    remember(fx, about(fx, 1, 2), &twice, "six");
    assert_int_equal(recall(fx, about(fx, 1, 2), &twice, "six"), FLUME_OK);
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, "three"), FLUME_OK);
    expect_counts(fx, 3, 3, 2, 0);
    assert_int_equal(flume_recorder_close(fx->recorder), FLUME_OK);
    reopen_views(fx->views);
    open_recorder(fx);
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, "three"), FLUME_OK);
    expect_counts(fx, 1, 0, 0, 0);
    verify_view(fx);
}

static void who_comes_second_gets_the_first_ones_value(void **state)
{
    struct rules_fixture *fx = *state;
    flume_stored first = {0};
    uint64_t head;

    remember(fx, about(fx, 1, 2), NULL, "mine");
    head = flume_log_head(log_of(fx));
    assert_int_equal(flume_remember(fx->recorder, about(fx, 1, 2), "yours", 5, NULL, &first),
                     FLUME_ERR_CONFLICT);
    expect_view_error(handle_of(fx), FLUME_ERR_CONFLICT, "first");
    expect_stored(&first, "mine", 4);
    assert_int_equal(flume_remember(fx->recorder, about(fx, 1, 2), "yours", 5, NULL, NULL),
                     FLUME_ERR_CONFLICT);
    assert_int_equal(flume_log_head(log_of(fx)), head);
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, "mine"), FLUME_OK);
    expect_counts(fx, 1, 0, 1, 2);
}

static void what_is_forgotten_can_be_remembered_anew(void **state)
{
    struct rules_fixture *fx = *state;

    assert_int_equal(flume_forget(fx->recorder, about(fx, 1, 2), NULL), FLUME_ERR_NOT_FOUND);
    remember(fx, about(fx, 1, 2), NULL, "old");
    assert_int_equal(flume_forget(fx->recorder, about(fx, 1, 2), NULL), FLUME_OK);
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, ""), FLUME_ERR_NOT_FOUND);
    remember(fx, about(fx, 1, 2), NULL, "new");
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, "new"), FLUME_OK);
}

static void what_replaces_a_value_is_recalled_from_then_on(void **state)
{
    struct rules_fixture *fx = *state;
    flume_recall_options replacing = {.flags = FLUME_RECALL_REPLACE};
    uint8_t address[FLUME_ADDRESS_BYTES];
    flume_ask before = {.flags = FLUME_ASK_AS_OF};

    remember(fx, about(fx, 1, 2), &replacing, "old"); /* There need not be one. */
    before.as_of = flume_log_head(log_of(fx));
    remember(fx, about(fx, 1, 2), &replacing, "new");
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, "new"), FLUME_OK);
    assert_int_equal(flume_recall_address(fx->recorder, about(fx, 1, 2), NULL, address), FLUME_OK);
    expect_at(fx, address, &before, "old");
    expect_counts(fx, 1, 0, 2, 0);
}

static void a_projection_is_known_by_its_keys_alone(void **state)
{
    struct rules_fixture *fx = *state;
    static const char *const keys[] = {"a"};
    flume_recall_options only_a = {.keys = keys, .key_count = 1};

    remember(fx, about(fx, 1, 2), &only_a, "one");
    assert_int_equal(recall(fx, about(fx, 1, 3), &only_a, "one"), FLUME_OK);
    assert_int_equal(recall(fx, about(fx, 2, 2), &only_a, ""), FLUME_ERR_NOT_FOUND);
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, ""), FLUME_ERR_NOT_FOUND);
}

static void keys_that_a_scope_lacks_are_all_named(void **state)
{
    struct rules_fixture *fx = *state;
    static const char *const keys[] = {"a", "mass", "length", "at"};
    flume_recall_options options = {.keys = keys, .key_count = 4};
    flume_scope *scope = about(fx, 1, 2);
    uint64_t head = flume_log_head(log_of(fx));

    options.key_count = 3;
    assert_int_equal(recall(fx, scope, &options, ""), FLUME_ERR_INVALID);
    expect_view_error(handle_of(fx), FLUME_ERR_INVALID, "mass, length");
    options.key_count = 4;
    assert_int_equal(flume_scope_set_int(scope, "at", 5), FLUME_OK);
    assert_int_equal(flume_scope_classify(scope, "at", FLUME_CLASS_VOLATILE), FLUME_OK);
    assert_int_equal(flume_remember(fx->recorder, scope, "v", 1, &options, NULL),
                     FLUME_ERR_INVALID);
    expect_view_error(handle_of(fx), FLUME_ERR_INVALID, "mass, length; no part");
    assert_int_equal(recall(fx, scope, &options, ""), FLUME_ERR_INVALID);
    assert_int_equal(flume_scope_set_int(scope, "mass", 1), FLUME_OK);
    assert_int_equal(flume_scope_set_int(scope, "length", 1), FLUME_OK);
    assert_int_equal(recall(fx, scope, &options, ""), FLUME_ERR_INVALID);
    expect_view_error(handle_of(fx), FLUME_ERR_INVALID, "at");
    assert_int_equal(flume_log_head(log_of(fx)), head);
    expect_counts(fx, 0, 0, 0, 0);
}

static void a_variable_that_has_its_default_is_no_part_of_the_key(void **state)
{
    struct rules_fixture *fx = *state;
    static const char *const keys[] = {"a", "b"};
    flume_recall_options both = {.keys = keys, .key_count = 2};
    const flume_value two = {.type = FLUME_VALUE_INT, .integer = 2};
    flume_scope *scope = about(fx, 1, 2);

    assert_int_equal(flume_scope_unset(scope, "b"), FLUME_OK);
    remember(fx, scope, NULL, "one");
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, ""), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_recorder_default(fx->recorder, "b", &two), FLUME_OK);
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, "one"), FLUME_OK);
    assert_int_equal(recall(fx, about(fx, 1, 3), NULL, ""), FLUME_ERR_NOT_FOUND);
    assert_int_equal(recall(fx, about(fx, 1, 2), &both, ""), FLUME_ERR_NOT_FOUND);
    remember(fx, about(fx, 1, 2), &both, "both");
    assert_int_equal(recall(fx, about(fx, 1, 2), &both, "both"), FLUME_OK);
}

static int recall_inside(void *context, const flume_scope *scope, char *out_reason)
{
    struct rules_fixture *fx = context;
    flume_stored stored;

    (void)scope;
    (void)out_reason;
    assert_int_equal(flume_recall(fx->recorder, fx->scope, NULL, &stored), FLUME_ERR_INVALID);
    return FLUME_OK;
}

static void a_hook_does_not_recall_with_the_recorder_that_runs_it(void **state)
{
    struct rules_fixture *fx = *state;

    assert_int_equal(flume_recorder_call(fx->recorder, "", FLUME_CALL_ALL, recall_inside, fx),
                     FLUME_OK);
    assert_int_equal(flume_commit(fx->recorder, about(fx, 1, 2), NULL), FLUME_OK);
}

static void an_error_of_the_scope_is_told(void **state)
{
    struct rules_fixture *fx = *state;
    static const char *const keys[] = {"a"};
    flume_recall_options options = {.keys = keys, .key_count = 1};
    flume_scope *scope = about(fx, 1, 2);

    (void)flume_scope_set_text(scope, "bad", "\xff");
    assert_int_equal(recall(fx, scope, NULL, ""), FLUME_ERR_INVALID);
    expect_view_error(handle_of(fx), FLUME_ERR_INVALID, "bad");
    assert_int_equal(recall(fx, scope, &options, ""), FLUME_ERR_INVALID);
    options.name = "\xff";
    assert_int_equal(recall(fx, about(fx, 1, 2), &options, ""), FLUME_ERR_INVALID);
    expect_view_error(handle_of(fx), FLUME_ERR_INVALID, "name");
}

static void what_is_inherited_is_part_of_the_key(void **state)
{
    struct rules_fixture *fx = *state;
    flume_scope *outer;

    assert_int_equal(flume_scope_create(&outer), FLUME_OK);
    assert_int_equal(flume_scope_set_int(outer, "outer", 1), FLUME_OK);
    assert_int_equal(flume_scope_enter(fx->recorder, outer), FLUME_OK);
    remember(fx, about(fx, 1, 2), NULL, "within");
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, "within"), FLUME_OK);
    assert_int_equal(flume_scope_leave(fx->recorder, outer), FLUME_OK);
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, ""), FLUME_ERR_NOT_FOUND);
    flume_scope_destroy(outer);
}

/* ---- which there are ---- */

struct listed {
    size_t count, stop_at;
    flume_stored_info infos[8];
};

static int note(void *ctx, const flume_stored_info *info)
{
    struct listed *listed = ctx;

    assert_true(listed->count < 8);
    listed->infos[listed->count++] = *info;
    return listed->count == listed->stop_at ? 77 : 0;
}

static void values_are_listed_by_address_each_once(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t addresses[3][FLUME_ADDRESS_BYTES], id[FLUME_HASH_BYTES];
    struct listed listed = {0};
    flume_ask ask = {.flags = FLUME_ASK_AS_OF};

    assert_int_equal(flume_stored_list(handle_of(fx), NULL, 0, note, &listed), FLUME_OK);
    assert_int_equal(listed.count, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(flume_address_of_data(&i, sizeof i, NULL, addresses[i]), FLUME_OK);
        (void)put_text(fx, addresses[i], "first");
    }
    (void)put_text(fx, addresses[1], "newest");
    ask.as_of = flume_log_head(log_of(fx));
    assert_int_equal(flume_end_at(handle_of(fx), NULL, addresses[2], NULL), FLUME_OK);
    remember(fx, about(fx, 1, 2), NULL, "cached");
    assert_int_equal(flume_stored_list(handle_of(fx), NULL, 0, note, &listed), FLUME_OK);
    assert_int_equal(listed.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const flume_stored_info *info = &listed.infos[i];

        if (i > 0)
            assert_true(memcmp(listed.infos[i - 1].address, info->address, 32) < 0);
        if (memcmp(info->address, addresses[1], 32) == 0) {
            assert_int_equal(info->versions, 2);
            assert_int_equal(info->bytes, 6);
        } else {
            assert_int_equal(info->versions, 1);
        }
        assert_memory_not_equal(info->address, addresses[2], 32);
    }
    listed = (struct listed){0};
    assert_int_equal(flume_stored_list(handle_of(fx), NULL, FLUME_STORED_REMEMBERED, note, &listed),
                     FLUME_OK);
    assert_int_equal(listed.count, 1);
    assert_int_equal(flume_scope_id(about(fx, 1, 2), id), FLUME_OK);
    assert_memory_equal(listed.infos[0].scope_id, id, sizeof id);
    listed = (struct listed){0};
    assert_int_equal(flume_stored_list(handle_of(fx), &ask, 0, note, &listed), FLUME_OK);
    assert_int_equal(listed.count, 3); /* Not ended yet, and nothing remembered. */
    listed = (struct listed){.stop_at = 2};
    assert_int_equal(flume_stored_list(handle_of(fx), NULL, 0, note, &listed), 77);
    assert_int_equal(listed.count, 2);
}

/* ---- several at once ---- */

struct racer {
    pthread_t thread;
    flume *flume;
    unsigned number;
    uint8_t winner[RACES]; /* Whose value there is, as this one was told. */
    unsigned stored, lost, others;
};

static void race_for(struct racer *racer, flume_recorder *recorder, flume_scope *scope, int i)
{
    uint8_t mine = (uint8_t)racer->number;
    flume_stored first = {0};
    int status;

    (void)flume_scope_set_int(scope, "i", i);
    status = flume_remember(recorder, scope, &mine, 1, NULL, &first);
    if (status == FLUME_OK) {
        racer->stored++;
        racer->winner[i] = mine;
    } else if (status == FLUME_ERR_CONFLICT && first.bytes == 1) {
        racer->lost++;
        racer->winner[i] = *(const uint8_t *)first.data;
        flume_stored_release(&first);
    } else {
        racer->others++;
    }
}

static void *race(void *ctx)
{
    struct racer *racer = ctx;
    flume_recorder *recorder = NULL;
    flume_scope *scope = NULL;

    if (flume_recorder_open(&recorder, racer->flume, NULL) == FLUME_OK &&
        flume_scope_create(&scope) == FLUME_OK) {
        for (int i = 0; i < RACES; i++)
            race_for(racer, recorder, scope, i);
    }
    flume_scope_destroy(scope);
    (void)flume_recorder_close(recorder);
    return NULL;
}

static void expect_one_winner_each(const struct racer *racers)
{
    unsigned stored = 0, lost = 0;

    for (size_t i = 0; i < RACERS; i++) {
        assert_int_equal(racers[i].others, 0);
        stored += racers[i].stored;
        lost += racers[i].lost;
        assert_memory_equal(racers[i].winner, racers[0].winner, RACES);
    }
    assert_int_equal(stored, RACES);
    assert_int_equal(lost, RACES * (RACERS - 1));
}

static void of_several_threads_one_stores_and_all_are_told_its_value(void **state)
{
    struct rules_fixture *fx = *state;
    struct racer racers[RACERS] = {0};

    for (size_t i = 0; i < RACERS; i++) {
        racers[i].flume = handle_of(fx);
        racers[i].number = (unsigned)i + 1;
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
    expect_one_winner_each(racers);
    verify_view(fx);
}

/* Opens the basin, waits for the others, races, and says what it was told. */
static void race_in_child(struct view_fixture *views, struct racer *racer, int go, int answers)
{
    flume_options options = {.log = {.flags = FLUME_OPEN_CREATE}};
    char byte;

    if (flume_open(&racer->flume, views->base->path, &options, NULL) != FLUME_OK)
        leave(1);
    if (read(go, &byte, 1) != 0) /* The other end is closed when all are there. */
        leave(1);
    (void)race(racer);
    if (flume_close(racer->flume) != FLUME_OK)
        leave(1);
    leave(write(answers, racer, sizeof *racer) == (ssize_t)sizeof *racer ? 0 : 1);
}

static void of_several_processes_one_stores_and_all_are_told_its_value(void **state)
{
    struct rules_fixture *fx = *state;
    struct racer racers[RACERS] = {0};
    int go[2], answers[2];
    pid_t children[RACERS];

    assert_int_equal(flume_recorder_close(fx->recorder), FLUME_OK);
    fx->recorder = NULL;
    close_views(fx->views);
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(answers), 0);
    for (unsigned i = 0; i < RACERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            (void)close(go[1]);
            racers[i].number = i + 1;
            race_in_child(fx->views, &racers[i], go[0], answers[1]);
        }
    }
    (void)close(go[0]);
    (void)close(go[1]);
    for (size_t i = 0; i < RACERS; i++) {
        int ended;

        assert_int_equal(waitpid(children[i], &ended, 0), children[i]);
        assert_true(WIFEXITED(ended));
        assert_int_equal(WEXITSTATUS(ended), 0);
        assert_int_equal(read(answers[0], &racers[i], sizeof racers[i]), sizeof racers[i]);
    }
    (void)close(answers[0]);
    (void)close(answers[1]);
    expect_one_winner_each(racers);
    open_views(fx->views);
    verify_view(fx);
}

struct putter {
    pthread_t thread;
    flume *flume;
    _Atomic bool stop;
};

static void *put_without_end(void *ctx)
{
    struct putter *putter = ctx;
    uint8_t address[FLUME_ADDRESS_BYTES] = {1};

    while (!putter->stop)
        if (flume_put_at(putter->flume, address, "x", 1, NULL, NULL) != FLUME_OK)
            break;
    return NULL;
}

static void who_puts_elsewhere_makes_nobody_lose(void **state)
{
    struct rules_fixture *fx = *state;
    struct putter putter = {.flume = handle_of(fx)};

    assert_int_equal(pthread_create(&putter.thread, NULL, put_without_end, &putter), 0);
    for (int i = 0; i < RACES; i++)
        remember(fx, about(fx, i, 0), NULL, "v");
    putter.stop = true;
    assert_int_equal(pthread_join(putter.thread, NULL), 0);
    expect_counts(fx, 0, 0, RACES, 0);
}

/* ---- what goes wrong ---- */

static void what_is_no_value_is_passed_over(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t body[STORED_HEADER_BYTES + 1] = {1, STORED_INLINE}, address[FLUME_ADDRESS_BYTES] = {0};
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 0}, {0, 2}, {1, 0}, {1, 4}, {2, 2}, {3, 1}, {8, 0}, {8, 2}, {48, 1}};
    flume_entry sound = {.body = body, .body_bytes = sizeof body, .kind = FLUME_KIND_VALUE};
    struct listed listed = {0};

    body[8] = 1;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t changed[sizeof body];
        flume_entry entry = {
            .body = changed, .body_bytes = sizeof changed, .kind = FLUME_KIND_VALUE};

        memcpy(changed, body, sizeof body);
        changed[changes[i].at] = changes[i].value;
        assert_int_equal(flume_log_append_entry(log_of(fx), &entry, NULL), FLUME_OK);
        entry.body_bytes = i; /* Cut off. */
        assert_int_equal(flume_log_append_entry(log_of(fx), &entry, NULL), FLUME_OK);
    }
    assert_int_equal(flume_stored_list(handle_of(fx), NULL, 0, note, &listed), FLUME_OK);
    assert_int_equal(listed.count, 0);
    expect_at(fx, address, NULL, NULL);
    body[STORED_HEADER_BYTES] = 'v'; /* All of that was of a body that is one. */
    assert_int_equal(flume_log_append_entry(log_of(fx), &sound, NULL), FLUME_OK);
    expect_at(fx, address, NULL, "v");
}

static void a_damaged_value_is_an_error_that_names_it(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t address[FLUME_ADDRESS_BYTES], byte;
    flume_ask ask = {.flags = FLUME_ASK_AS_OF};
    flume_record record;
    flume_stored stored = {0};
    flume_error error;
    uint64_t seq, offset;
    const char *path;

    assert_int_equal(flume_address_of_data("key", 3, NULL, address), FLUME_OK);
    (void)put_text(fx, address, "older");
    seq = put_text(fx, address, "newest");
    expect_at(fx, address, NULL, "newest"); /* The view has it. */
    assert_int_equal(flume_log_get(log_of(fx), seq, &record), FLUME_OK);
    path = strata_path(fx->views->base, "basin.flume", record.strata_seq);
    offset = record.offset + 40;
    flume_record_release(&record);
    read_file(path, offset, &byte, 1);
    byte ^= 1;
    write_file(path, offset, &byte, 1);
    assert_int_equal(flume_get_at(handle_of(fx), NULL, address, &stored), FLUME_ERR_DAMAGED);
    flume_last_error(handle_of(fx), &error);
    assert_int_equal(error.seq, seq);
    ask.as_of = seq;
    expect_at(fx, address, &ask, "older");
}

static void a_basin_that_is_only_read_recalls_and_remembers_nothing(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t address[FLUME_ADDRESS_BYTES];

    assert_int_equal(flume_address_of_data("key", 3, NULL, address), FLUME_OK);
    (void)put_text(fx, address, "kept");
    assert_int_equal(flume_recorder_close(fx->recorder), FLUME_OK);
    fx->recorder = NULL;
    close_views(fx->views);
    fx->views->options.log.flags = FLUME_OPEN_READ_ONLY;
    open_views(fx->views);
    expect_at(fx, address, NULL, "kept");
    assert_int_equal(flume_put_at(handle_of(fx), address, "x", 1, NULL, NULL), FLUME_ERR_READ_ONLY);
    assert_int_equal(flume_end_at(handle_of(fx), NULL, address, NULL), FLUME_ERR_READ_ONLY);
}

static void a_basin_without_values_has_no_view_of_them(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t address[FLUME_ADDRESS_BYTES] = {0};

    expect_at(fx, address, NULL, NULL);
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, ""), FLUME_ERR_NOT_FOUND);
    assert_false(file_exists(views_path(fx->views, "address")));
    (void)put_text(fx, address, "v");
    expect_at(fx, address, NULL, "v");
    assert_true(file_exists(views_path(fx->views, "address")));
}

static void a_view_made_again_answers_the_same(void **state)
{
    struct rules_fixture *fx = *state;
    uint8_t address[FLUME_ADDRESS_BYTES];

    assert_int_equal(flume_address_of_data("key", 3, NULL, address), FLUME_OK);
    (void)put_text(fx, address, "older");
    remember(fx, about(fx, 1, 2), NULL, "three");
    (void)put_text(fx, address, "newest");
    assert_int_equal(flume_recorder_close(fx->recorder), FLUME_OK);
    fx->recorder = NULL;
    close_views(fx->views);
    run_command("rm -rf '%s'", views_path(fx->views, "address"));
    open_views(fx->views);
    open_recorder(fx);
    expect_at(fx, address, NULL, "newest");
    assert_int_equal(recall(fx, about(fx, 1, 2), NULL, "three"), FLUME_OK);
    verify_view(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        recall_test(addresses_differ_by_what_they_are_of_and_by_their_space),
        cmocka_unit_test(a_space_is_a_short_utf8_text),
        cmocka_unit_test(an_address_is_made_of_the_words_of_the_format),
        cmocka_unit_test(the_example_in_the_format_is_what_is_written),
        recall_test(the_newest_value_wins_and_earlier_ones_are_found_as_of_then),
        recall_test(an_ended_address_has_nothing_until_something_is_put_again),
        recall_test(a_large_value_is_a_blob_and_is_read_in_pieces),
        recall_test(a_value_carries_its_labels_and_time),
        recall_test(what_was_remembered_is_recalled),
        recall_test(who_comes_second_gets_the_first_ones_value),
        recall_test(what_is_forgotten_can_be_remembered_anew),
        recall_test(what_replaces_a_value_is_recalled_from_then_on),
        recall_test(a_projection_is_known_by_its_keys_alone),
        recall_test(keys_that_a_scope_lacks_are_all_named),
        recall_test(a_variable_that_has_its_default_is_no_part_of_the_key),
        recall_test(a_hook_does_not_recall_with_the_recorder_that_runs_it),
        recall_test(an_error_of_the_scope_is_told),
        recall_test(what_is_inherited_is_part_of_the_key),
        recall_test(values_are_listed_by_address_each_once),
        recall_test(of_several_threads_one_stores_and_all_are_told_its_value),
        recall_test(of_several_processes_one_stores_and_all_are_told_its_value),
        recall_test(who_puts_elsewhere_makes_nobody_lose),
        recall_test(what_is_no_value_is_passed_over),
        recall_test(a_damaged_value_is_an_error_that_names_it),
        recall_test(a_basin_that_is_only_read_recalls_and_remembers_nothing),
        recall_test(a_basin_without_values_has_no_view_of_them),
        recall_test(a_view_made_again_answers_the_same),
    };

    return cmocka_run_group_tests_name("recalling", tests, NULL, NULL);
}
