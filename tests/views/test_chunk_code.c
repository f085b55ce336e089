/*
 * test_chunk_code.c - a chunk comes back as it was, or not at all, whatever its body says.
 */
#include "find_fixture.h"

#include <stdlib.h>
#include <zstd.h>

#include "chunk_code.h"
#include "format_dump.h"
#include "little.h"

/* From views/FORMAT.md, not from the code. */
enum { CODEC_AT = 5, ZERO_AT = 6, CONTENT_AT = 8, STORED_AT = 12, HASH_AT = 16, HEADER = 48 };
enum { GUARD_BYTES = 64, GUARD = 0xa5, TEXT_BYTES = 100000, BOMB_BYTES = 64 << 20 };

struct fixture {
    struct chunk_coder coder;
    uint8_t *content, *body, *target;
    size_t content_bytes, body_bytes;
    uint8_t hash[FLUME_HASH_BYTES];
};

static int setup(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    chunk_coder_init(&fx->coder, 0);
    fx->content = malloc(CHUNK_BYTES_MAX);
    fx->body = malloc(CHUNK_BODY_BYTES_MAX + GUARD_BYTES);
    fx->target = malloc(CHUNK_BYTES_MAX + GUARD_BYTES);
    assert_true(fx->content != NULL && fx->body != NULL && fx->target != NULL);
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fx = *state;

    chunk_coder_deinit(&fx->coder);
    free(fx->content);
    free(fx->body);
    free(fx->target);
    free(fx);
    return 0;
}

static void fill_random(uint8_t *target, size_t bytes, uint64_t seed)
{
    for (size_t i = 0; i < bytes; i++)
        target[i] = (uint8_t)(random_next(&seed) >> 32);
}

/* Lines with numbers: shrinks to a fifth or so. */
static void fill_text(uint8_t *target, size_t bytes, uint64_t seed)
{
    char line[64];
    size_t at = 0;

    while (at < bytes) {
        int length = snprintf(line, sizeof line, "step %zu theta %u.%u ok\n", at,
                              random_below(&seed, 4), random_below(&seed, 1000));
        size_t count = (size_t)length < bytes - at ? (size_t)length : bytes - at;

        memcpy(target + at, line, count);
        at += count;
    }
}

static void encode(struct fixture *fx, size_t content_bytes)
{
    fx->content_bytes = content_bytes;
    flume_hash(fx->content, content_bytes, fx->hash);
    memset(fx->body, GUARD, CHUNK_BODY_BYTES_MAX + GUARD_BYTES);
    assert_int_equal(
        chunk_encode(&fx->coder, fx->content, content_bytes, fx->hash, fx->body, &fx->body_bytes),
        FLUME_OK);
    assert_true(fx->body_bytes <= HEADER + content_bytes);
    for (size_t i = 0; i < GUARD_BYTES; i++) /* It kept to the room that it was given. */
        assert_int_equal(fx->body[HEADER + content_bytes + i], GUARD);
}

/* Decode a copy that ends where the body ends, into room that ends where the target ends. */
static int decode_into(struct fixture *fx, const uint8_t *body, size_t body_bytes,
                       size_t target_bytes, size_t *out_bytes)
{
    uint8_t *copy = malloc(body_bytes + 1);
    int status;

    assert_non_null(copy);
    memcpy(copy, body, body_bytes);
    memset(fx->target + target_bytes, GUARD, GUARD_BYTES);
    status =
        chunk_decode(&fx->coder, copy, body_bytes, fx->hash, fx->target, target_bytes, out_bytes);
    for (size_t i = 0; i < GUARD_BYTES; i++)
        assert_int_equal(fx->target[target_bytes + i], GUARD);
    free(copy);
    return status;
}

static void expect_content(struct fixture *fx)
{
    size_t bytes = 0;

    assert_int_equal(decode_into(fx, fx->body, fx->body_bytes, fx->content_bytes, &bytes),
                     FLUME_OK);
    assert_int_equal(bytes, fx->content_bytes);
    assert_memory_equal(fx->target, fx->content, bytes);
}

static int decode(struct fixture *fx, const uint8_t *body, size_t body_bytes)
{
    size_t bytes = 12345;
    int status = decode_into(fx, body, body_bytes, CHUNK_BYTES_MAX, &bytes);

    assert_true(status == FLUME_OK || bytes == 12345); /* Written only on success. */
    return status;
}

/* --- forged bodies ---------------------------------------------------------------------------- */

/* A header around stored bytes that are already in the body. */
static void forge_header(struct fixture *fx, uint8_t codec, uint32_t content, size_t stored)
{
    memcpy(fx->body, "chnk\1", 5);
    fx->body[CODEC_AT] = codec;
    fx->body[ZERO_AT] = fx->body[ZERO_AT + 1] = 0;
    little_put32(fx->body + CONTENT_AT, content);
    little_put32(fx->body + STORED_AT, (uint32_t)stored);
    memcpy(fx->body + HASH_AT, fx->hash, sizeof fx->hash);
    fx->body_bytes = HEADER + stored;
}

/* A frame of these bytes behind the header. @return its size. */
static size_t forge_frame(struct fixture *fx, size_t at, const void *content, size_t bytes)
{
    size_t result = ZSTD_compress(fx->body + HEADER + at, CHUNK_BYTES_MAX - at, content, bytes, 1);

    assert_false(ZSTD_isError(result));
    return result;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void content_comes_back_whatever_its_size(void **state)
{
    static const size_t sizes[] = {
        1, 2, 47, 63, 64, 65, 1000, 65535, 262143, 262144, 1 << 20, 3000001, CHUNK_BYTES_MAX};
    struct fixture *fx = *state;
    uint64_t seed = random_seed();

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fill_text(fx->content, sizes[i], seed);
        encode(fx, sizes[i]);
        expect_content(fx);
        assert_true(sizes[i] < 1000 || fx->body_bytes < sizes[i] / 2);
        fill_random(fx->content, sizes[i], seed);
        encode(fx, sizes[i]);
        expect_content(fx);
        assert_int_equal(fx->body_bytes, HEADER + sizes[i]);
    }
}

static void content_with_room_before_it_is_not_copied(void **state)
{
    struct fixture *fx = *state;

    for (int compressible = 0; compressible < 2; compressible++) {
        uint8_t *room = malloc(HEADER + TEXT_BYTES);
        const uint8_t *body = NULL;
        size_t body_bytes = 0;

        assert_non_null(room);
        if (compressible)
            fill_text(fx->content, TEXT_BYTES, 5);
        else
            fill_random(fx->content, TEXT_BYTES, 5);
        encode(fx, TEXT_BYTES);
        memcpy(room + HEADER, fx->content, TEXT_BYTES);
        assert_int_equal(chunk_encode_where_it_lies(&fx->coder, room, TEXT_BYTES, fx->hash,
                                                    fx->target, &body, &body_bytes),
                         FLUME_OK);
        assert_ptr_equal(body, compressible ? fx->target : room);
        assert_int_equal(body_bytes, fx->body_bytes);
        assert_memory_equal(body, fx->body, body_bytes);
        assert_memory_equal(room + HEADER, fx->content, TEXT_BYTES);
        assert_int_equal(chunk_encode_where_it_lies(&fx->coder, room, 0, fx->hash, fx->target,
                                                    &body, &body_bytes),
                         FLUME_ERR_INVALID);
        free(room);
    }
}

static void the_header_says_what_follows(void **state)
{
    struct fixture *fx = *state;
    struct chunk_description description;

    fill_text(fx->content, TEXT_BYTES, 1);
    encode(fx, TEXT_BYTES);
    assert_int_equal(chunk_describe(fx->body, fx->body_bytes, &description), FLUME_OK);
    assert_int_equal(description.codec, CHUNK_ZSTD);
    assert_int_equal(description.content_bytes, TEXT_BYTES);
    assert_int_equal(description.stored_bytes, fx->body_bytes - HEADER);
    assert_memory_equal(description.hash, fx->hash, FLUME_HASH_BYTES);
    fill_random(fx->content, 100, 1);
    encode(fx, 100);
    assert_int_equal(chunk_describe(fx->body, fx->body_bytes, &description), FLUME_OK);
    assert_int_equal(description.codec, CHUNK_RAW);
    assert_int_equal(description.stored_bytes, 100);
}

static void the_example_of_the_page_is_what_is_written(void **state)
{
    struct fixture *fx = *state;

    memcpy(fx->content, "42 grains of sand", 17);
    encode(fx, 17);
    expect_dump("chunk", fx->body, fx->body_bytes);
    expect_content(fx);
}

static void what_saves_less_than_a_sixteenth_is_stored_as_it_is(void **state)
{
    struct fixture *fx = *state;

    /* One part in 20 shrinks to nothing: not enough. One in 10: enough. */
    fill_random(fx->content, TEXT_BYTES, 5);
    memset(fx->content, 0, TEXT_BYTES / 20);
    encode(fx, TEXT_BYTES);
    assert_int_equal(fx->body[CODEC_AT], CHUNK_RAW);
    expect_content(fx);
    memset(fx->content, 0, TEXT_BYTES / 10);
    encode(fx, TEXT_BYTES);
    assert_int_equal(fx->body[CODEC_AT], CHUNK_ZSTD);
    assert_true(fx->body_bytes - HEADER <= TEXT_BYTES - TEXT_BYTES / 16);
    expect_content(fx);
}

static void a_head_that_does_not_shrink_says_nothing_of_the_rest(void **state)
{
    struct fixture *fx = *state;

    fill_text(fx->content, 1 << 20, 5);
    fill_random(fx->content, 200000, 5);
    encode(fx, 1 << 20);
    assert_int_equal(fx->body[CODEC_AT], CHUNK_ZSTD);
    expect_content(fx);
}

static void levels_are_kept_within_their_bounds(void **state)
{
    struct fixture *fx = *state;
    static const int levels[] = {-1000, CHUNK_LEVEL_MIN, 1, 9, CHUNK_LEVEL_MAX, 1000};

    fill_text(fx->content, TEXT_BYTES, 5);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        chunk_coder_deinit(&fx->coder);
        chunk_coder_init(&fx->coder, levels[i]);
        encode(fx, TEXT_BYTES);
        assert_int_equal(fx->body[CODEC_AT], CHUNK_ZSTD);
        expect_content(fx);
    }
    chunk_coder_deinit(&fx->coder);
    chunk_coder_init(&fx->coder, CHUNK_LEVEL_NONE);
    encode(fx, TEXT_BYTES);
    assert_int_equal(fx->body[CODEC_AT], CHUNK_RAW);
    expect_content(fx);
}

static void no_content_and_too_much_of_it_are_refused(void **state)
{
    struct fixture *fx = *state;
    size_t bytes = 7;

    assert_int_equal(chunk_encode(&fx->coder, fx->content, 0, fx->hash, fx->body, &bytes),
                     FLUME_ERR_INVALID);
    assert_int_equal(chunk_encode(&fx->coder, fx->content, (size_t)CHUNK_BYTES_MAX + 1, fx->hash,
                                  fx->body, &bytes),
                     FLUME_ERR_INVALID);
    assert_int_equal(bytes, 7);
}

static void room_that_is_too_small_is_told(void **state)
{
    struct fixture *fx = *state;
    size_t bytes = 0;

    for (int compressible = 0; compressible < 2; compressible++) {
        if (compressible)
            fill_text(fx->content, TEXT_BYTES, 5);
        else
            fill_random(fx->content, TEXT_BYTES, 5);
        encode(fx, TEXT_BYTES);
        assert_int_equal(decode_into(fx, fx->body, fx->body_bytes, TEXT_BYTES - 1, &bytes),
                         FLUME_ERR_TOO_LARGE);
        assert_int_equal(decode_into(fx, fx->body, fx->body_bytes, 0, &bytes), FLUME_ERR_TOO_LARGE);
    }
}

static void the_body_of_another_chunk_is_noticed(void **state)
{
    struct fixture *fx = *state;

    fill_text(fx->content, TEXT_BYTES, 5);
    encode(fx, TEXT_BYTES);
    fx->hash[31] ^= 1;
    assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
    /* Nor does it help to state the hash that is asked for. */
    memcpy(fx->body + HASH_AT, fx->hash, sizeof fx->hash);
    assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
}

static void each_changed_bit_is_noticed(void **state)
{
    struct fixture *fx = *state;

    for (int compressible = 0; compressible < 2; compressible++) {
        if (compressible)
            fill_text(fx->content, 3000, 5);
        else
            fill_random(fx->content, 300, 5);
        encode(fx, compressible ? 3000 : 300);
        for (size_t bit = 0; bit < fx->body_bytes * 8; bit++) {
            int status;

            fx->body[bit / 8] ^= (uint8_t)(1 << bit % 8);
            status = decode(fx, fx->body, fx->body_bytes);
            if (status == FLUME_OK) /* zstd has bits that say nothing; then the content is right. */
                assert_memory_equal(fx->target, fx->content, fx->content_bytes);
            else
                assert_true(status == FLUME_ERR_DAMAGED || status == FLUME_ERR_VERSION);
            assert_true(status != FLUME_OK || bit >= HEADER * 8);
            fx->body[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        expect_content(fx);
    }
}

static void a_body_that_is_cut_or_goes_on_is_noticed(void **state)
{
    struct fixture *fx = *state;

    fill_text(fx->content, 3000, 5);
    encode(fx, 3000);
    for (size_t bytes = 0; bytes < fx->body_bytes; bytes++)
        assert_int_equal(decode(fx, fx->body, bytes), FLUME_ERR_DAMAGED);
    assert_int_equal(decode(fx, fx->body, fx->body_bytes + 1), FLUME_ERR_DAMAGED);
}

static void a_newer_format_is_told_from_damage(void **state)
{
    struct fixture *fx = *state;

    fill_text(fx->content, 3000, 5);
    encode(fx, 3000);
    fx->body[4] = 2;
    assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_VERSION);
    fx->body[4] = 1;
    fx->body[CODEC_AT] = 2;
    assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_VERSION);
}

/* 64 MiB of zeros in a few KiB, behind headers that say less. */
static void a_bomb_does_not_go_off(void **state)
{
    static const uint32_t claims[] = {1, 1000, 1 << 20, CHUNK_BYTES_MAX};
    struct fixture *fx = *state;
    uint8_t *zeros = calloc(1, BOMB_BYTES);
    size_t stored;

    assert_non_null(zeros);
    flume_hash(zeros, BOMB_BYTES, fx->hash);
    stored = forge_frame(fx, 0, zeros, BOMB_BYTES);
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        forge_header(fx, CHUNK_ZSTD, claims[i], stored);
        assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
    }
    free(zeros);
}

static void sizes_that_lie_are_noticed(void **state)
{
    struct fixture *fx = *state;
    static const uint32_t claims[] = {
        0, 1, 64, 2999, 3001, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX + 1, UINT32_MAX};
    size_t stored;

    fill_text(fx->content, 3000, 5);
    flume_hash(fx->content, 3000, fx->hash);
    stored = forge_frame(fx, 0, fx->content, 3000);
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        forge_header(fx, CHUNK_ZSTD, claims[i], stored);
        assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
        forge_header(fx, CHUNK_RAW, claims[i], stored);
        assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
    }
    forge_header(fx, CHUNK_ZSTD, 3000, stored);
    assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_OK);
    little_put32(fx->body + STORED_AT, (uint32_t)stored - 1);
    assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
    little_put32(fx->body + STORED_AT, UINT32_MAX);
    assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
}

static void only_one_frame_of_todays_zstd_is_taken(void **state)
{
    /* Magic numbers of a skippable frame and of zstd 0.7. */
    static const uint32_t others[] = {0x184d2a50, 0xfd2fb527};
    static const uint8_t old_frame[] = {0x27, 0xb5, 0x2f, 0xfd, 0x20, 0x40, 0x80,
                                        0x00, 0x40, 'a',  0xc0, 0x00, 0x00};
    struct fixture *fx = *state;
    size_t first, second;

    fill_text(fx->content, 6000, 5);
    flume_hash(fx->content, 6000, fx->hash);
    first = forge_frame(fx, 0, fx->content, 3000);
    second = forge_frame(fx, first, fx->content + 3000, 3000);
    forge_header(fx, CHUNK_ZSTD, 6000, first + second);
    assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
    for (size_t i = 0; i < 2; i++) {
        first = forge_frame(fx, 0, fx->content, 6000);
        forge_header(fx, CHUNK_ZSTD, 6000, first);
        assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_OK);
        little_put32(fx->body + HEADER, others[i]);
        assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
    }
    /* 64 times a, as zstd 0.7 had it: libzstd may still read it. */
    memset(fx->content, 'a', 64);
    flume_hash(fx->content, 64, fx->hash);
    memcpy(fx->body + HEADER, old_frame, sizeof old_frame);
    forge_header(fx, CHUNK_ZSTD, 64, sizeof old_frame);
    assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
    fill_text(fx->content, 6000, 5);
    flume_hash(fx->content, 6000, fx->hash);
    /* A skippable frame before it, which says nothing. */
    little_put32(fx->body + HEADER, others[0]);
    little_put32(fx->body + HEADER + 4, 0);
    first = forge_frame(fx, 8, fx->content, 6000);
    forge_header(fx, CHUNK_ZSTD, 6000, 8 + first);
    assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
}

static void what_did_not_have_to_be_compressed_is_not_taken(void **state)
{
    struct fixture *fx = *state;
    size_t stored;

    fill_random(fx->content, 3000, 5);
    flume_hash(fx->content, 3000, fx->hash);
    stored = forge_frame(fx, 0, fx->content, 3000);
    forge_header(fx, CHUNK_ZSTD, 3000, stored);
    assert_int_equal(decode(fx, fx->body, fx->body_bytes), FLUME_ERR_DAMAGED);
}

/* What a body was stored as on another day, by another zstd, goes on being read. */
static void a_frame_of_another_day_still_decodes(void **state)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x40, 0x45, 0x00, 0x00,
                                    0x10, 0x61, 0x61, 0x01, 0x00, 0x93, 0x00, 0x16};
    struct fixture *fx = *state;

    memset(fx->content, 'a', 64);
    fx->content_bytes = 64;
    flume_hash(fx->content, 64, fx->hash);
    memcpy(fx->body + HEADER, frame, sizeof frame);
    forge_header(fx, CHUNK_ZSTD, 64, sizeof frame);
    expect_content(fx);
}

static void a_high_level_takes_little_memory_for_the_largest_chunk(void **state)
{
    struct fixture *fx = *state;

    chunk_coder_deinit(&fx->coder);
    chunk_coder_init(&fx->coder, 15); /* Which takes the most, were its window not bounded. */
    fill_text(fx->content, CHUNK_BYTES_MAX, 7);
    encode(fx, CHUNK_BYTES_MAX);
    assert_true(fx->body_bytes < CHUNK_BYTES_MAX / 2);
    assert_true(ZSTD_sizeof_CCtx(fx->coder.compressor) <= 20 << 20);
    expect_content(fx);
}

#define with_fixture(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        with_fixture(content_comes_back_whatever_its_size),
        with_fixture(content_with_room_before_it_is_not_copied),
        with_fixture(the_header_says_what_follows),
        with_fixture(the_example_of_the_page_is_what_is_written),
        with_fixture(what_saves_less_than_a_sixteenth_is_stored_as_it_is),
        with_fixture(a_head_that_does_not_shrink_says_nothing_of_the_rest),
        with_fixture(levels_are_kept_within_their_bounds),
        with_fixture(a_high_level_takes_little_memory_for_the_largest_chunk),
        with_fixture(no_content_and_too_much_of_it_are_refused),
        with_fixture(room_that_is_too_small_is_told),
        with_fixture(the_body_of_another_chunk_is_noticed),
        with_fixture(each_changed_bit_is_noticed),
        with_fixture(a_body_that_is_cut_or_goes_on_is_noticed),
        with_fixture(a_newer_format_is_told_from_damage),
        with_fixture(a_bomb_does_not_go_off),
        with_fixture(sizes_that_lie_are_noticed),
        with_fixture(only_one_frame_of_todays_zstd_is_taken),
        with_fixture(what_did_not_have_to_be_compressed_is_not_taken),
        with_fixture(a_frame_of_another_day_still_decodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
