/*
 * test_blob.c - contents go in by their bytes and come out by their hash.
 */
#include "blob_fixture.h"

#include "find_fixture.h"

/* ---- sizes ---- */

static void expect_round_trip(struct blob_fixture *fx, size_t bytes, unsigned seed)
{
    flume_blob_result result = put_made(fx, bytes, seed, NULL);
    uint8_t *content = made(bytes, seed);
    uint8_t hash[FLUME_HASH_BYTES];

    flume_hash(content, bytes, hash);
    assert_memory_equal(result.hash, hash, sizeof hash);
    assert_int_equal(result.bytes, bytes);
    assert_false(result.was_known);
    assert_true(result.is_recorded);
    assert_int_equal(result.bytes_new, bytes);
    expect_content(fx, result.hash, content, bytes);
    expect_sound(fx, result.seq, bytes);
    free(content);
}

static void contents_up_to_a_mebibyte_are_inline(void **state)
{
    struct blob_fixture *fx = *state;
    static const size_t sizes[] = {0, 1, 17, 4096, (1 << 20) - 1, 1 << 20};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        flume_blob_info info;

        expect_round_trip(fx, sizes[i], (unsigned)i);
        info = newest(fx);
        assert_int_equal(info.form, FLUME_BLOB_INLINE);
        assert_int_equal(info.bytes, sizes[i]);
        assert_int_equal(info.chunks, 0);
    }
    assert_int_equal(place_of(fx).state, FLUME_GRAINS_NONE); /* Nobody needed it. */
    assert_false(file_exists(fixture_path(fx->base, "basin.flume/grains")));
}

static void larger_ones_are_cut_into_chunks(void **state)
{
    struct blob_fixture *fx = *state;
    static const size_t sizes[] = {(1 << 20) + 1, (2 << 20) - 1, 2 << 20, (5 << 20) + 12345};
    static const uint64_t chunks[] = {2, 2, 2, 6};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        flume_blob_info info;

        expect_round_trip(fx, sizes[i], 100 + (unsigned)i);
        info = newest(fx);
        assert_int_equal(info.form, FLUME_BLOB_CHUNKED);
        assert_int_equal(info.bytes, sizes[i]);
        assert_int_equal(info.chunks, chunks[i]);
    }
    assert_int_equal(place_of(fx).state, FLUME_GRAINS_HERE);
}

/* So that it becomes durable after its chunks; what is inline needs nothing. */
static void a_blob_of_chunks_states_that_it_needs_them(void **state)
{
    struct blob_fixture *fx = *state;
    flume_check_report report = {.needing = 99};

    (void)put_made(fx, 1000, 1, NULL);
    (void)put_made(fx, (1 << 20) + 1, 2, NULL);
    assert_int_equal(flume_check(fx->base->path, NULL, &report, NULL), FLUME_OK);
    assert_int_equal(report.needing, 1);
}

static void content_defined_chunks_come_back_whole(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_options options = {.chunking = FLUME_BLOB_CONTENT_DEFINED, .chunk_bytes = 64 << 10};
    flume_blob_result result = put_made(fx, 3 << 20, 7, &options);
    uint8_t *content = made(3 << 20, 7);

    assert_true(result.chunks > 20);
    expect_content(fx, result.hash, content, 3 << 20);
    free(content);
}

static void an_insertion_costs_the_chunks_around_it(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_options options = {.chunking = FLUME_BLOB_CONTENT_DEFINED, .chunk_bytes = 16 << 10};
    size_t bytes = 2 << 20;
    uint8_t *content = made(bytes + 1, 7);
    flume_blob_result first = put(fx, content, bytes, &options);
    flume_blob_result second;

    memmove(content + bytes / 2 + 1, content + bytes / 2, bytes / 2);
    content[bytes / 2] = '!';
    second = put(fx, content, bytes + 1, &options);
    assert_true(first.chunks_new > 50);
    assert_in_range(second.chunks_new, 1, 5);
    expect_content(fx, second.hash, content, bytes + 1);
    free(content);
}

/* ---- streams ---- */

static void a_stream_in_pieces_is_the_same_blob(void **state)
{
    struct blob_fixture *fx = *state;
    size_t bytes = (3 << 20) + 77, done = 0;
    uint8_t *content = made(bytes, 3);
    flume_blob_options options = {.chunk_bytes = 64 << 10};
    flume_blob_result whole = put(fx, content, bytes, &options), result;
    flume_blob_writer *writer = NULL;
    uint64_t chance = 5;

    expect_flume(fx, flume_blob_writer_open(fx->flume, &options, &writer), FLUME_OK);
    while (done < bytes) {
        size_t piece = (size_t)(chance % 100000);

        if (piece > bytes - done)
            piece = bytes - done;
        expect_flume(fx, flume_blob_writer_write(writer, content + done, piece), FLUME_OK);
        done += piece;
        chance = chance * 6364136223846793005u + 1442695040888963407u;
        chance ^= chance >> 33;
    }
    expect_flume(fx, flume_blob_writer_finish(writer, &result), FLUME_OK);
    assert_memory_equal(result.hash, whole.hash, FLUME_HASH_BYTES);
    assert_true(result.was_known);
    assert_false(result.is_recorded);
    assert_int_equal(result.seq, whole.seq);
    assert_int_equal(result.chunks_new, 0);
    free(content);
}

static void more_chunks_than_a_list_holds_make_a_tree(void **state)
{
    struct blob_fixture *fx = *state;
    enum { CHUNKS = 65537, KINDS = 16, CHUNK = 4096 };
    flume_blob_options options = {.chunk_bytes = CHUNK};
    uint8_t *content = made(KINDS * CHUNK, 3), byte;
    flume_blob_writer *writer = NULL;
    flume_blob_reader *reader = NULL;
    flume_blob_result result;
    flume_blob_totals totals;
    size_t got;

    expect_flume(fx, flume_blob_writer_open(fx->flume, &options, &writer), FLUME_OK);
    for (size_t i = 0; i < CHUNKS / KINDS; i++)
        expect_flume(fx, flume_blob_writer_write(writer, content, KINDS * CHUNK), FLUME_OK);
    expect_flume(fx, flume_blob_writer_write(writer, content, 1), FLUME_OK);
    expect_flume(fx, flume_blob_writer_finish(writer, &result), FLUME_OK);
    assert_int_equal(result.chunks, CHUNKS);
    assert_int_equal(result.chunks_new, KINDS + 1);
    expect_flume(fx, flume_blob_reader_open(fx->flume, NULL, result.hash, &reader), FLUME_OK);
    for (uint64_t offset = 0; offset < result.bytes; offset += 9999991) {
        expect_flume(fx, flume_blob_reader_read(reader, offset, &byte, 1, &got), FLUME_OK);
        assert_int_equal(got, 1);
        assert_int_equal(byte, content[offset % (KINDS * CHUNK)]);
    }
    expect_flume(fx, flume_blob_reader_read(reader, result.bytes - 1, &byte, 1, &got), FLUME_OK);
    assert_int_equal(byte, content[0]);
    flume_blob_reader_close(reader);
    expect_flume(fx, flume_blob_unreferenced(fx->flume, NULL, NULL, NULL, &totals), FLUME_OK);
    assert_int_equal(totals.orphans, 0); /* The lists among the chunks are referred to. */
    assert_int_equal(totals.chunks, KINDS + 1 + 2);
    free(content);
}

/* ---- stored once ---- */

static void known_content_is_not_stored_again(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_result first = put_made(fx, 3 << 20, 1, NULL);
    flume_blob_result again = put_made(fx, 3 << 20, 1, NULL);

    assert_int_equal(first.chunks, 3);
    assert_int_equal(first.chunks_new, 3);
    assert_true(first.stored_bytes >= 3 << 20);
    assert_true(again.was_known);
    assert_false(again.is_recorded);
    assert_int_equal(again.seq, first.seq);
    assert_int_equal(again.chunks, 3);
    assert_int_equal(again.chunks_new, 0);
    assert_int_equal(again.bytes_new, 0);
    assert_int_equal(again.stored_bytes, 0);
}

static void another_name_costs_a_header(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_result first = put_made(fx, 1000, 1, &(flume_blob_options){.name = "one"});
    flume_blob_result same = put_made(fx, 1000, 1, &(flume_blob_options){.name = "one"});
    flume_blob_result other = put_made(fx, 1000, 1, &(flume_blob_options){.name = "two"});
    flume_blob_result typed =
        put_made(fx, 1000, 1, &(flume_blob_options){.name = "two", .media_type = "text/plain"});
    flume_blob_result plain = put_made(fx, 1000, 1, NULL); /* Any record says so much. */
    flume_blob_info info;
    flume_record record;
    uint64_t seq;

    assert_int_equal(same.seq, first.seq);
    assert_false(same.is_recorded);
    assert_true(other.was_known && other.is_recorded);
    assert_int_equal(other.bytes_new, 0);
    assert_true(typed.is_recorded);
    assert_false(plain.is_recorded);
    assert_int_equal(flume_log_get(flume_log_of(fx->flume), other.seq, &record), FLUME_OK);
    assert_int_equal(record.body_bytes, 56);
    expect_flume(fx, flume_blob_stat(fx->flume, other.seq, &info), FLUME_OK);
    assert_int_equal(info.form, FLUME_BLOB_AGAIN);
    assert_string_equal(info.name, "two");
    expect_made(fx, other.seq, 1000, 1);
    expect_made(fx, typed.seq, 1000, 1);
    expect_flume(fx, flume_blob_find_name(fx->flume, NULL, "two", &seq), FLUME_OK);
    assert_int_equal(seq, typed.seq);
    expect_flume(fx, flume_blob_find_name(fx->flume, NULL, "one", &seq), FLUME_OK);
    assert_int_equal(seq, first.seq);
    expect_flume(fx, flume_blob_find_name(fx->flume, NULL, "three", &seq), FLUME_ERR_NOT_FOUND);
}

static void chunks_that_two_blobs_share_are_stored_once(void **state)
{
    struct blob_fixture *fx = *state;
    uint8_t *content = made(4 << 20, 1);
    flume_blob_result first = put(fx, content, 3 << 20, NULL);
    flume_blob_result second = put(fx, content + (1 << 20), 3 << 20, NULL);
    flume_blob_totals totals;

    assert_int_equal(first.chunks_new, 3);
    assert_int_equal(second.chunks_new, 1);
    assert_int_equal(second.bytes_new, 1 << 20);
    expect_content(fx, second.hash, content + (1 << 20), 3 << 20);
    expect_flume(fx, flume_blob_unreferenced(fx->flume, NULL, NULL, NULL, &totals), FLUME_OK);
    assert_int_equal(totals.chunks, 4);
    assert_int_equal(totals.blobs, 2);
    assert_int_equal(totals.orphans, 0);
    free(content);
}

static void equal_chunks_of_one_blob_are_stored_once(void **state)
{
    struct blob_fixture *fx = *state;
    size_t bytes = 20 << 20;
    uint8_t *content = calloc(1, bytes);
    flume_blob_result result = put(fx, content, bytes, NULL);

    assert_int_equal(result.chunks, 20);
    assert_int_equal(result.chunks_new, 1);
    assert_true(result.stored_bytes < 10000); /* And compressed. */
    expect_content(fx, result.hash, content, bytes);
    free(content);
}

/* ---- ranges ---- */

static void ranges_read_as_the_content_has_them(void **state)
{
    struct blob_fixture *fx = *state;
    enum { CHUNK = 4096, CHUNKS = 300 };
    size_t bytes = CHUNK * CHUNKS + 100, got = 0;
    uint8_t *content = made(bytes, 9), target[3 * CHUNK];
    flume_blob_result result = put(fx, content, bytes, &(flume_blob_options){.chunk_bytes = CHUNK});
    flume_blob_reader *reader = NULL;
    static const size_t lengths[] = {0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK};

    expect_flume(fx, flume_blob_reader_open(fx->flume, NULL, result.hash, &reader), FLUME_OK);
    for (size_t border = 0; border <= CHUNKS; border += border < 4 ? 1 : 74) {
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            for (int shift = -1; shift <= 1; shift++) {
                size_t offset = border * CHUNK + (size_t)shift, expected = lengths[i];

                if (border == 0 && shift < 0)
                    continue;
                if (expected > bytes - offset)
                    expected = bytes - offset;
                expect_flume(fx, flume_blob_reader_read(reader, offset, target, lengths[i], &got),
                             FLUME_OK);
                assert_int_equal(got, expected);
                assert_memory_equal(target, content + offset, expected);
            }
        }
    }
    expect_flume(fx, flume_blob_reader_read(reader, bytes, target, 10, &got), FLUME_OK);
    assert_int_equal(got, 0);
    expect_flume(fx, flume_blob_reader_read(reader, UINT64_MAX, target, 10, &got), FLUME_OK);
    assert_int_equal(got, 0);
    expect_flume(fx, flume_blob_reader_read(reader, bytes - 5, target, 10, &got), FLUME_OK);
    assert_int_equal(got, 5);
    flume_blob_reader_close(reader);
    free(content);
}

/* ---- finding ---- */

static void what_is_not_there_is_not_found(void **state)
{
    struct blob_fixture *fx = *state;
    uint8_t hash[FLUME_HASH_BYTES] = {1, 2, 3};
    flume_blob_reader *reader = NULL;
    flume_blob_info info;
    uint64_t seq = 77, message = append_text(flume_log_of(fx->flume), "message");

    expect_flume(fx, flume_blob_find(fx->flume, NULL, hash, &seq), FLUME_ERR_NOT_FOUND);
    assert_int_equal(seq, 77);
    expect_flume(fx, flume_blob_reader_open(fx->flume, NULL, hash, &reader), FLUME_ERR_NOT_FOUND);
    expect_flume(fx, flume_blob_stat(fx->flume, message, &info), FLUME_ERR_NOT_FOUND);
    expect_flume(fx, flume_blob_reader_open_seq(fx->flume, NULL, message, &reader),
                 FLUME_ERR_NOT_FOUND);
    expect_flume(fx, flume_blob_stat(fx->flume, 1000, &info), FLUME_ERR_NOT_FOUND);
    expect_flume(fx, flume_blob_verify(fx->flume, NULL, message, NULL, NULL, NULL),
                 FLUME_ERR_NOT_FOUND);
}

static void a_blob_says_what_it_is(void **state)
{
    struct blob_fixture *fx = *state;
    const char *labels[] = {"red", "round"};
    flume_blob_result result = put_made(fx, 5000, 1,
                                        &(flume_blob_options){.name = "a ball.png",
                                                              .media_type = "image/png",
                                                              .labels = labels,
                                                              .label_count = 2,
                                                              .time_ns = 123456789});
    flume_hash_candidate candidate;
    char digits[FLUME_HASH_TEXT_BYTES + 1];
    flume_record record;
    flume_blob_info info;
    size_t count = 0;
    uint64_t seq;

    expect_flume(fx, flume_blob_find(fx->flume, NULL, result.hash, &seq), FLUME_OK);
    assert_int_equal(seq, result.seq);
    expect_flume(fx, flume_blob_stat(fx->flume, seq, &info), FLUME_OK);
    assert_string_equal(info.name, "a ball.png");
    assert_string_equal(info.media_type, "image/png");
    assert_int_equal(info.time_ns, 123456789);
    assert_int_equal(info.bytes, 5000);
    assert_int_equal(flume_log_get(flume_log_of(fx->flume), seq, &record), FLUME_OK);
    assert_true(flume_record_has_label(&record, "red"));
    assert_true(flume_record_has_label(&record, "round"));
    flume_hash_text(result.hash, digits);
    digits[8] = '\0';
    expect_flume(fx, flume_blob_find_prefix(fx->flume, NULL, digits, &candidate, 1, &count),
                 FLUME_OK);
    assert_int_equal(count, 1);
    assert_int_equal(candidate.seq, result.seq);
}

enum { LISTED_MAX = 300 };
struct listed {
    uint64_t seqs[LISTED_MAX];
    uint8_t hashes[LISTED_MAX][FLUME_HASH_BYTES];
    size_t count, stop_at;
};

static int list_one(void *ctx, const flume_blob_info *info)
{
    struct listed *listed = ctx;

    assert_true(listed->count < LISTED_MAX);
    listed->seqs[listed->count] = info->seq;
    memcpy(listed->hashes[listed->count], info->hash, FLUME_HASH_BYTES);
    listed->count++;
    return listed->stop_at != 0 && listed->count == listed->stop_at ? 42 : 0;
}

static struct listed list(struct blob_fixture *fx, const flume_blob_list_options *options)
{
    struct listed listed = {.count = 0};

    expect_flume(fx, flume_blob_list(fx->flume, NULL, options, list_one, &listed), FLUME_OK);
    return listed;
}

static void blobs_are_listed_in_order_and_from_where_one_was(void **state)
{
    struct blob_fixture *fx = *state;
    enum { BLOBS = 150 };
    struct listed all, back, by_hash, some = {.stop_at = 7};
    flume_blob_list_options options = {.limit = 10};

    for (unsigned i = 0; i < BLOBS; i++)
        (void)put_made(fx, 50, i, NULL);
    (void)put_made(fx, 50, 3, &(flume_blob_options){.name = "again"});
    all = list(fx, NULL);
    assert_int_equal(all.count, BLOBS + 1);
    for (size_t i = 1; i < all.count; i++)
        assert_true(all.seqs[i] > all.seqs[i - 1]);
    back = list(fx, &(flume_blob_list_options){.flags = FLUME_BLOB_REVERSE});
    assert_int_equal(back.count, all.count);
    for (size_t i = 0; i < all.count; i++)
        assert_int_equal(back.seqs[i], all.seqs[all.count - 1 - i]);
    by_hash = list(
        fx, &(flume_blob_list_options){.order = FLUME_BLOB_BY_HASH, .flags = FLUME_BLOB_CONTENTS});
    assert_int_equal(by_hash.count, BLOBS);
    for (size_t i = 1; i < by_hash.count; i++)
        assert_true(memcmp(by_hash.hashes[i - 1], by_hash.hashes[i], FLUME_HASH_BYTES) < 0);
    for (size_t done = 0; done < all.count;) { /* Ten at a time. */
        struct listed page = list(fx, &options);

        assert_int_equal(page.count, all.count - done < 10 ? all.count - done : 10);
        assert_memory_equal(page.seqs, all.seqs + done, page.count * sizeof page.seqs[0]);
        done += page.count;
        options.has_after = true;
        options.after_seq = page.seqs[page.count - 1];
    }
    expect_flume(fx, flume_blob_list(fx->flume, NULL, NULL, list_one, &some), 42);
    assert_int_equal(some.count, 7);
}

static void what_is_no_blob_is_passed_over(void **state)
{
    struct blob_fixture *fx = *state;
    flume_log *log = flume_log_of(fx->flume);
    flume_blob_info info;
    uint64_t seq = append_kind(log, FLUME_KIND_BLOB, "not a blob");
    uint64_t empty = append_kind(log, FLUME_KIND_BLOB, "");

    expect_flume(fx, flume_blob_stat(fx->flume, seq, &info), FLUME_ERR_DAMAGED);
    expect_flume(fx, flume_blob_stat(fx->flume, empty, &info), FLUME_ERR_DAMAGED);
    assert_int_equal(list(fx, NULL).count, 0);
    (void)put_made(fx, 10, 1, NULL);
    assert_int_equal(list(fx, NULL).count, 1);
}

/* The record of a blob, written again with one byte of it changed. */
static uint64_t forge(struct blob_fixture *fx, uint64_t seq, size_t at)
{
    flume_log *log = flume_log_of(fx->flume);
    flume_entry entry = {.kind = FLUME_KIND_BLOB};
    flume_record record;
    uint8_t *body;
    uint64_t forged = 0;

    assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
    body = malloc(record.body_bytes);
    assert_non_null(body);
    memcpy(body, record.body, record.body_bytes);
    body[at] ^= 1;
    entry.body = body;
    entry.body_bytes = record.body_bytes;
    assert_int_equal(flume_log_append_entry(log, &entry, &forged), FLUME_OK);
    free(body);
    return forged;
}

static void a_content_that_is_not_what_its_record_says_is_never_given(void **state)
{
    struct blob_fixture *fx = *state;
    enum { BYTES_AT = 8, HASH_AT = 24, REST_AT = 56 };
    flume_blob_result small = put_made(fx, 100, 1, NULL), large = put_made(fx, 3 << 20, 2, NULL);
    static const size_t small_at[] = {HASH_AT, HASH_AT + 31, REST_AT, REST_AT + 99};
    static const size_t large_at[] = {BYTES_AT, BYTES_AT + 1, REST_AT + 4, REST_AT + 33};
    flume_blob_reader *reader = NULL;
    flume_blob_report report;
    uint8_t target[100];
    size_t got;

    for (size_t i = 0; i < sizeof small_at / sizeof small_at[0]; i++)
        expect_flume(
            fx,
            flume_blob_reader_open_seq(fx->flume, NULL, forge(fx, small.seq, small_at[i]), &reader),
            FLUME_ERR_DAMAGED);
    for (size_t i = 0; i < sizeof large_at / sizeof large_at[0]; i++) {
        uint64_t seq = forge(fx, large.seq, large_at[i]);
        int status = flume_blob_reader_open_seq(fx->flume, NULL, seq, &reader);

        if (status ==
            FLUME_OK) { /* The list is sound by itself: it names a chunk that is not there. */
            status = flume_blob_reader_read(reader, 0, target, sizeof target, &got);
            flume_blob_reader_close(reader);
        }
        assert_true(status == FLUME_ERR_DAMAGED || status == FLUME_ERR_VERSION);
    }
    /* Sound chunks, another hash of the whole: each range is what was put, but not all of it. */
    expect_flume(
        fx, flume_blob_verify(fx->flume, NULL, forge(fx, large.seq, HASH_AT), NULL, NULL, &report),
        FLUME_ERR_DAMAGED);
    assert_int_equal(report.chunks_bad, 0);
    assert_false(report.sound);
}

/* ---- options ---- */

static void expect_bad(struct blob_fixture *fx, int status, const flume_blob_options *options)
{
    flume_blob_result result;

    expect_flume(fx, flume_blob_put(fx->flume, "x", 1, options, &result), status);
    assert_true(strstr(last_error(fx), "cannot be put") != NULL);
}

static void bad_options_are_refused_before_anything_is_stored(void **state)
{
    struct blob_fixture *fx = *state;
    static char longest[400];
    const char *labels[] = {"good", "with\nline"};
    uint64_t head = flume_log_head(flume_log_of(fx->flume));

    memset(longest, 'a', sizeof longest - 1);
    expect_bad(fx, FLUME_ERR_INVALID, &(flume_blob_options){.flags = 4});
    expect_bad(fx, FLUME_ERR_INVALID, &(flume_blob_options){.chunk_bytes = 4095});
    expect_bad(fx, FLUME_ERR_INVALID, &(flume_blob_options){.chunk_bytes = (4 << 20) + 1});
    expect_bad(
        fx, FLUME_ERR_INVALID,
        &(flume_blob_options){.chunking = FLUME_BLOB_CONTENT_DEFINED, .chunk_bytes = 3 << 16});
    expect_bad(
        fx, FLUME_ERR_INVALID,
        &(flume_blob_options){.chunking = FLUME_BLOB_CONTENT_DEFINED, .chunk_bytes = 2 << 20});
    expect_bad(fx, FLUME_ERR_INVALID, &(flume_blob_options){.chunking = 7});
    expect_bad(fx, FLUME_ERR_INVALID, &(flume_blob_options){.name = ""});
    expect_bad(fx, FLUME_ERR_TOO_LARGE, &(flume_blob_options){.name = longest});
    expect_bad(fx, FLUME_ERR_INVALID, &(flume_blob_options){.name = "\x1b[1m"});
    expect_bad(fx, FLUME_ERR_TOO_LARGE, &(flume_blob_options){.media_type = longest});
    expect_bad(fx, FLUME_ERR_INVALID, &(flume_blob_options){.media_type = "a\tb"});
    expect_bad(fx, FLUME_ERR_INVALID, &(flume_blob_options){.labels = labels, .label_count = 2});
    expect_bad(fx, FLUME_ERR_INVALID, &(flume_blob_options){.label_count = 1});
    assert_int_equal(flume_log_head(flume_log_of(fx->flume)), head);
}

static void who_only_reads_cannot_put(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_result small = put_made(fx, 100, 1, NULL), large = put_made(fx, 2 << 20, 2, NULL);
    flume_blob_writer *writer = NULL;

    reopen_blobs(fx, FLUME_OPEN_READ_ONLY);
    expect_flume(fx, flume_blob_writer_open(fx->flume, NULL, &writer), FLUME_ERR_READ_ONLY);
    expect_made(fx, small.seq, 100, 1);
    expect_made(fx, large.seq, 2 << 20, 2);
    reopen_blobs(fx, 0);
}

static void a_basin_in_memory_holds_blobs(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_result small, large;
    flume *kept = fx->flume;

    assert_int_equal(
        flume_open(&fx->flume, ":memory:", &(flume_options){.log.flags = FLUME_OPEN_CREATE}, NULL),
        FLUME_OK);
    small = put_made(fx, 100, 1, NULL);
    assert_int_equal(place_of(fx).state, FLUME_GRAINS_NONE);
    large = put_made(fx, 3 << 20, 2, NULL);
    assert_int_equal(place_of(fx).state, FLUME_GRAINS_HERE);
    expect_made(fx, small.seq, 100, 1);
    expect_made(fx, large.seq, 3 << 20, 2);
    assert_int_equal(flume_log_sync(flume_log_of(fx->flume), large.seq), FLUME_OK);
    assert_int_equal(flume_close(fx->flume), FLUME_OK);
    fx->flume = kept;
}

static void everything_is_there_after_closing(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_result small = put_made(fx, 100, 1, NULL), large = put_made(fx, 3 << 20, 2, NULL);
    flume_blob_result again;

    reopen_blobs(fx, 0);
    expect_made(fx, small.seq, 100, 1);
    expect_made(fx, large.seq, 3 << 20, 2);
    again = put_made(fx, 3 << 20, 2, NULL);
    assert_int_equal(again.chunks_new, 0);
    assert_int_equal(again.seq, large.seq);
}

static void a_put_is_durable_as_the_profile_says(void **state)
{
    struct blob_fixture *fx = *state;
    flume_blob_result result;
    flume_grains_place place;
    flume_log *grains = NULL;

    fx->options.log.profile = FLUME_PROFILE_SAFE;
    reopen_blobs(fx, 0);
    result = put_made(fx, 2 << 20, 2, NULL);
    assert_true(flume_log_durable(flume_log_of(fx->flume)) > result.seq);
    place = place_of(fx);
    assert_int_equal(flume_log_open(&grains, place.path, NULL, NULL), FLUME_OK);
    assert_true(flume_log_durable(grains) >= 3); /* A manifest and two chunks. */
    assert_int_equal(flume_log_close(grains), FLUME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        blob_test(contents_up_to_a_mebibyte_are_inline),
        blob_test(larger_ones_are_cut_into_chunks),
        blob_test(a_blob_of_chunks_states_that_it_needs_them),
        blob_test(content_defined_chunks_come_back_whole),
        blob_test(an_insertion_costs_the_chunks_around_it),
        blob_test(a_stream_in_pieces_is_the_same_blob),
        blob_test(more_chunks_than_a_list_holds_make_a_tree),
        blob_test(known_content_is_not_stored_again),
        blob_test(another_name_costs_a_header),
        blob_test(chunks_that_two_blobs_share_are_stored_once),
        blob_test(equal_chunks_of_one_blob_are_stored_once),
        blob_test(ranges_read_as_the_content_has_them),
        blob_test(what_is_not_there_is_not_found),
        blob_test(a_blob_says_what_it_is),
        blob_test(blobs_are_listed_in_order_and_from_where_one_was),
        blob_test(what_is_no_blob_is_passed_over),
        blob_test(a_content_that_is_not_what_its_record_says_is_never_given),
        blob_test(bad_options_are_refused_before_anything_is_stored),
        blob_test(who_only_reads_cannot_put),
        blob_test(a_basin_in_memory_holds_blobs),
        blob_test(everything_is_there_after_closing),
        blob_test(a_put_is_durable_as_the_profile_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
