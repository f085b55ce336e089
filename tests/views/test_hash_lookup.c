/*
 * test_hash_lookup.c - hashes that begin alike are told apart by the bodies, and bodies that cannot
 * be read are told.
 *
 * No two bodies are known whose BLAKE3 begins with the same 8 bytes. So some tests ask a view of
 * their own, whose hash function makes them: twins are bodies with the same first letter.
 */
#include "find_fixture.h"
#include "hash_lookup.h"
#include "view_fixture.h"

enum { CHECK_OF_TIME_AT = 8 }; /* A bit turned there makes a record damaged. */

/* BLAKE3, but for the beginning: the first letter, time after time. */
static void twin_hash(const void *data, size_t data_bytes, uint8_t out_hash[FLUME_HASH_BYTES])
{
    flume_hash(data, data_bytes, out_hash);
    memset(out_hash, data_bytes == 0 ? 0 : *(const uint8_t *)data, HASH_PREFIX_BYTES);
}

static int twin_apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint8_t hash[FLUME_HASH_BYTES], key[HASH_KEY_BYTES];

    (void)state;
    twin_hash(record->body, record->body_bytes, hash);
    hash_key(key, hash, record->seq);
    return flume_batch_put(batch, 0, key, sizeof key, "", 0);
}

static const flume_view_table twin_tables[] = {{"hash", FLUME_TABLE_COLLECT, NULL, NULL}};
static const flume_view_definition twins = {
    .name = "twins", .version = 1, .tables = twin_tables, .table_count = 1, .apply = twin_apply};

/* Ended by end_twins(). */
static struct hash_lookup begin_twins(struct view_fixture *fx)
{
    struct hash_lookup lookup = {.handle = fx->flume, .hash = twin_hash};

    lookup.rows = read_view(view_named(fx->flume, "twins"));
    return lookup;
}

static void open_twins(struct view_fixture *fx)
{
    fx->options.views = FLUME_VIEWS_NOT_BUILT_IN | FLUME_VIEWS_NO_WORKERS;
    define_view(fx, &twins);
    open_views(fx);
}

static void close_twins(struct view_fixture *fx)
{
    close_views(fx);
    forget_definitions(fx);
}

static struct hash_beginning beginning_of(const char *text, size_t digits)
{
    struct hash_beginning beginning = {.digits = digits};

    twin_hash(text, strlen(text), beginning.bytes);
    for (size_t i = digits; i < FLUME_HASH_TEXT_BYTES; i++)
        beginning.bytes[i / 2] &= i % 2 == 0 ? 0x0f : 0xf0;
    return beginning;
}

/* ---- twins ---- */

static void all_hashes_that_begin_alike_are_found(void **state)
{
    struct view_fixture *fx = *state;
    struct hash_lookup lookup;
    uint64_t one, other;

    open_twins(fx);
    (void)append_to(fx->flume, "b");
    one = append_to(fx->flume, "a1");
    (void)append_to(fx->flume, "a1");
    other = append_to(fx->flume, "a2");
    (void)append_to(fx->flume, "a1");
    lookup = begin_twins(fx);
    for (size_t digits = 2; digits <= HASH_PREFIX_DIGITS; digits++) {
        struct hash_beginning beginning = beginning_of("a1", digits);
        flume_hash_candidate found[4];
        uint8_t hash[FLUME_HASH_BYTES];
        size_t count = 0;
        size_t first;

        assert_int_equal(hash_lookup_beginning(&lookup, &beginning, found, 4, &count), FLUME_OK);
        assert_int_equal(count, 2);
        assert_true(memcmp(found[0].hash, found[1].hash, FLUME_HASH_BYTES) < 0);
        twin_hash("a1", 2, hash);
        first = memcmp(found[0].hash, hash, sizeof hash) == 0 ? 0 : 1;
        assert_memory_equal(found[first].hash, hash, sizeof hash);
        assert_int_equal(found[first].seq, one);
        assert_int_equal(found[1 - first].seq, other);
        assert_int_equal(hash_lookup_beginning(&lookup, &beginning, NULL, 0, &count), FLUME_OK);
        assert_int_equal(count, 2);
    }
    flume_rows_end(lookup.rows);
    close_twins(fx);
}

static void more_digits_than_a_row_has_tell_twins_apart(void **state)
{
    struct view_fixture *fx = *state;
    struct hash_beginning beginning = beginning_of("a2", HASH_PREFIX_DIGITS + 6);
    struct hash_lookup lookup;
    flume_hash_candidate found;
    uint64_t other;
    size_t count = 0;

    open_twins(fx);
    (void)append_to(fx->flume, "a1");
    other = append_to(fx->flume, "a2");
    lookup = begin_twins(fx);
    assert_int_equal(hash_lookup_beginning(&lookup, &beginning, &found, 1, &count), FLUME_OK);
    assert_int_equal(count, 1);
    assert_int_equal(found.seq, other);
    beginning = beginning_of("a3", HASH_PREFIX_DIGITS + 6);
    assert_int_equal(hash_lookup_beginning(&lookup, &beginning, &found, 1, &count), FLUME_OK);
    assert_int_equal(count, 0);
    flume_rows_end(lookup.rows);
    close_twins(fx);
}

static void a_whole_hash_finds_no_twin(void **state)
{
    struct view_fixture *fx = *state;
    struct hash_lookup lookup;
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t seqs[4], count = 0, first, last;

    open_twins(fx);
    (void)append_to(fx->flume, "a1");
    first = append_to(fx->flume, "a2");
    (void)append_to(fx->flume, "a1");
    last = append_to(fx->flume, "a2");
    lookup = begin_twins(fx);
    twin_hash("a2", 2, hash);
    assert_int_equal(hash_lookup_records(&lookup, hash, UINT64_MAX, seqs, 4, &count), FLUME_OK);
    assert_int_equal(count, 2);
    assert_int_equal(seqs[0], first);
    assert_int_equal(seqs[1], last);
    twin_hash("a3", 2, hash);
    assert_int_equal(hash_lookup_records(&lookup, hash, UINT64_MAX, seqs, 4, &count), FLUME_OK);
    assert_int_equal(count, 0);
    flume_rows_end(lookup.rows);
    close_twins(fx);
}

static void a_twin_behind_many_equal_bodies_is_found_by_its_whole_hash(void **state)
{
    struct view_fixture *fx = *state;
    struct hash_beginning beginning = beginning_of("a1", HASH_PREFIX_DIGITS);
    struct hash_lookup lookup;
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t seq = 0, count = 0, other;
    size_t hashes = 0;

    open_twins(fx);
    for (unsigned i = 0; i < 1000; i++)
        (void)append_to(fx->flume, "a1");
    other = append_to(fx->flume, "a2");
    lookup = begin_twins(fx);
    twin_hash("a2", 2, hash);
    assert_int_equal(hash_lookup_records(&lookup, hash, 1, &seq, 1, &count), FLUME_OK);
    assert_int_equal(count, 1);
    assert_int_equal(seq, other);
    lookup.read_count = 0;
    assert_int_equal(hash_lookup_beginning(&lookup, &beginning, NULL, 0, &hashes), FLUME_OK);
    assert_int_equal(hashes, 1);           /* As find.h says. */
    assert_true(lookup.read_count <= 256); /* Whatever the number of equal bodies. */
    flume_rows_end(lookup.rows);
    close_twins(fx);
}

static void an_abbreviation_tells_twins_apart(void **state)
{
    struct view_fixture *fx = *state;
    struct hash_lookup lookup;
    uint8_t one[FLUME_HASH_BYTES], other[FLUME_HASH_BYTES];
    char one_text[FLUME_HASH_TEXT_BYTES + 1], other_text[FLUME_HASH_TEXT_BYTES + 1];
    size_t shared = 0, expected = 0;

    open_twins(fx);
    (void)append_to(fx->flume, "a1");
    (void)append_to(fx->flume, "a2");
    (void)append_to(fx->flume, "a1");
    lookup = begin_twins(fx);
    twin_hash("a1", 2, one);
    twin_hash("a2", 2, other);
    flume_hash_text(one, one_text);
    flume_hash_text(other, other_text);
    while (one_text[expected] == other_text[expected])
        expected++;
    assert_int_equal(hash_lookup_shared(&lookup, one, &shared), FLUME_OK);
    assert_int_equal(shared, expected);
    assert_int_equal(hash_lookup_shared(&lookup, other, &shared), FLUME_OK);
    assert_int_equal(shared, expected);
    flume_rows_end(lookup.rows);
    close_twins(fx);
}

static void a_row_of_another_body_is_an_error_and_no_answer(void **state)
{
    struct view_fixture *fx = *state;
    struct hash_beginning beginning = beginning_of("a1", 4);
    flume_hash_candidate found;
    struct hash_lookup lookup;
    uint8_t hash[FLUME_HASH_BYTES];
    uint64_t seq = 77, count = 77;
    size_t hashes = 77;

    open_twins(fx);
    (void)append_to(fx->flume, "a1");
    lookup = begin_twins(fx);
    lookup.hash = flume_hash; /* By which no body has what its row says. */
    twin_hash("a1", 2, hash);
    assert_int_equal(hash_lookup_records(&lookup, hash, 1, &seq, 1, &count), FLUME_ERR_VIEW);
    expect_view_error(fx->flume, FLUME_ERR_VIEW, "rebuild");
    assert_int_equal(hash_lookup_beginning(&lookup, &beginning, &found, 1, &hashes),
                     FLUME_ERR_VIEW);
    assert_int_equal(seq, 77);
    assert_int_equal(count, 77);
    assert_int_equal(hashes, 77);
    flume_rows_end(lookup.rows);
    close_twins(fx);
}

static bool give_up_at_once(void *ctx)
{
    (*(unsigned *)ctx)++;
    return true;
}

static void who_gives_up_waits_for_no_more_bodies(void **state)
{
    struct view_fixture *fx = *state;
    struct hash_lookup lookup;
    uint8_t hash[FLUME_HASH_BYTES];
    unsigned asked = 0;
    flume_ask ask = {.give_up = give_up_at_once, .give_up_ctx = &asked};
    uint64_t count = 0;

    open_twins(fx);
    (void)append_to(fx->flume, "a1");
    lookup = begin_twins(fx);
    lookup.ask = &ask;
    twin_hash("a1", 2, hash);
    assert_int_equal(hash_lookup_records(&lookup, hash, UINT64_MAX, NULL, 0, &count),
                     FLUME_ERR_CANCELLED);
    assert_int_equal(asked, 1);
    flume_rows_end(lookup.rows);
    close_twins(fx);
}

/* ---- bodies that cannot be read ---- */

static void damage(struct find_fixture *fx, uint64_t seq)
{
    flume_record record;
    uint8_t byte;
    uint64_t at;
    const char *path;

    assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
    at = record.offset + CHECK_OF_TIME_AT;
    path = strata_path(fx->files, "basin.flume", record.strata_seq);
    flume_record_release(&record);
    read_file(path, at, &byte, 1);
    byte ^= 1;
    write_file(path, at, &byte, 1);
    expect_get(fx->log, seq, FLUME_ERR_DAMAGED);
}

static int find(struct find_fixture *fx, const char *text, uint64_t *out_seq)
{
    uint8_t hash[FLUME_HASH_BYTES];

    flume_hash(text, strlen(text), hash);
    return flume_hash_find(fx->handle, NULL, hash, out_seq);
}

static int find_all(struct find_fixture *fx, const char *text, uint64_t *seqs, uint64_t *out_count)
{
    uint8_t hash[FLUME_HASH_BYTES];

    flume_hash(text, strlen(text), hash);
    return flume_hash_find_all(fx->handle, NULL, hash, seqs, 4, out_count);
}

static void the_oldest_record_that_can_be_read_is_found(void **state)
{
    struct find_fixture *fx = *state;
    uint64_t first = append_text(fx->log, "one"), second = append_text(fx->log, "one");
    uint64_t seq = 77, seqs[4], count = 77;

    assert_int_equal(find(fx, "one", &seq), FLUME_OK);
    assert_int_equal(seq, first);
    damage(fx, first);
    assert_int_equal(find(fx, "one", &seq), FLUME_OK);
    assert_int_equal(seq, second);
    assert_int_equal(find_all(fx, "one", seqs, &count), FLUME_ERR_DAMAGED);
    assert_int_equal(count, 1);
    assert_int_equal(seqs[0], second);
    expect_detail(fx->handle, FLUME_ERR_DAMAGED, "seq 1 ");
}

static void a_record_that_cannot_be_read_is_told(void **state)
{
    struct find_fixture *fx = *state;
    uint64_t first = append_text(fx->log, "one"), seq = 77, seqs[4], count = 77;
    char digits[FLUME_HASH_TEXT_BYTES + 1];
    uint8_t hash[FLUME_HASH_BYTES];
    size_t hashes = 77;

    (void)append_text(fx->log, "two");
    assert_int_equal(find(fx, "one", &seq), FLUME_OK);
    damage(fx, first);
    seq = 77;
    assert_int_equal(find(fx, "one", &seq), FLUME_ERR_DAMAGED);
    assert_int_equal(seq, 77);
    expect_detail(fx->handle, FLUME_ERR_DAMAGED, "seq 1 ");
    assert_int_equal(find_all(fx, "one", seqs, &count), FLUME_ERR_DAMAGED);
    assert_int_equal(count, 0);
    flume_hash("one", 3, hash);
    flume_hash_text(hash, digits);
    digits[12] = '\0';
    assert_int_equal(flume_hash_find_prefix(fx->handle, NULL, digits, NULL, 0, &hashes),
                     FLUME_ERR_DAMAGED);
    assert_int_equal(hashes, 77);
    assert_int_equal(find(fx, "two", &seq), FLUME_OK);
}

/* ---- an older build ---- */

static void an_earlier_version_is_told_and_replaced(void **state)
{
    struct find_fixture *fx = *state;
    flume_view_status status;
    flume_view *view = NULL;
    uint64_t seq = 0;

    (void)append_text(fx->log, "one");
    assert_int_equal(find(fx, "one", &seq), FLUME_OK);
    close_flume(fx->handle);
    run_command("mv '%s/views/hash/2' '%s/views/hash/1'", fx->files->path, fx->files->path);
    fx->handle = open_flume(fx, FLUME_VIEWS_NO_WORKERS);
    fx->log = flume_log_of(fx->handle);
    assert_int_equal(find(fx, "one", &seq), FLUME_OK); /* It was built. */
    assert_int_equal(flume_view_find(fx->handle, "hash", &view), FLUME_OK);
    assert_int_equal(flume_view_status_of(view, &status), FLUME_OK);
    assert_int_equal(status.version, 2);
    assert_string_equal(status.why, "version 2 is not there yet, only version 1");
    assert_false(file_exists(fixture_path(fx->files, "basin.flume/views/hash/1")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        views_test(all_hashes_that_begin_alike_are_found),
        views_test(more_digits_than_a_row_has_tell_twins_apart),
        views_test(a_whole_hash_finds_no_twin),
        views_test(a_twin_behind_many_equal_bodies_is_found_by_its_whole_hash),
        views_test(an_abbreviation_tells_twins_apart),
        views_test(a_row_of_another_body_is_an_error_and_no_answer),
        views_test(who_gives_up_waits_for_no_more_bodies),
        find_test(the_oldest_record_that_can_be_read_is_found),
        find_test(a_record_that_cannot_be_read_is_told),
        find_test(an_earlier_version_is_told_and_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
