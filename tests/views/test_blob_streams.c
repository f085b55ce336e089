/*
 * test_blob_streams.c - contents that come in pieces of any size, and go as such.
 *
 * Each piece is written from memory of its own, which is overwritten as soon as the call is over: a
 * writer that went on looking at it would store something else.
 */
#include "blob_fixture.h"

enum { CONTENT_BYTES = (11 << 20) + 4321, PIECE_BYTES_MAX = 6 << 20 };

struct pieces {
    const char *name;
    size_t bytes[4]; /* One after the other, again and again. 0: begin again. */
};

static const struct pieces patterns[] = {
    {"whole mebibytes", {1 << 20}},
    {"large and small", {(2 << 20) + 5, 100, 1 << 20, 70000}},
    {"several chunks at once", {5 << 20, 300000}},
    {"small", {256 << 10}},
    {"large ones that chunks straddle", {1000, PIECE_BYTES_MAX}},
};
enum { PATTERNS = sizeof patterns / sizeof patterns[0] };

static const flume_blob_options cuts[] = {
    {.chunking = FLUME_BLOB_FIXED},
    {.chunking = FLUME_BLOB_FIXED, .chunk_bytes = 20000},
    {.chunking = FLUME_BLOB_FIXED, .chunk_bytes = 4 << 20},
    {.chunking = FLUME_BLOB_CONTENT_DEFINED},
    {.chunking = FLUME_BLOB_CONTENT_DEFINED, .chunk_bytes = 32 << 10},
};
enum { CUTS = sizeof cuts / sizeof cuts[0] };

static size_t write_piece(struct blob_fixture *fx, flume_blob_writer *writer,
                          const uint8_t *content, size_t bytes)
{
    uint8_t *piece = malloc(bytes);

    assert_non_null(piece);
    memcpy(piece, content, bytes);
    expect_flume(fx, flume_blob_writer_write(writer, piece, bytes), FLUME_OK);
    memset(piece, 0xee, bytes);
    free(piece);
    return bytes;
}

static flume_blob_result put_in_pieces(struct blob_fixture *fx, const uint8_t *content,
                                       size_t bytes, const struct pieces *pieces,
                                       const flume_blob_options *options)
{
    flume_blob_writer *writer = NULL;
    flume_blob_result result;
    size_t done = 0, next = 0;

    expect_flume(fx, flume_blob_writer_open(fx->flume, options, &writer), FLUME_OK);
    while (done < bytes) {
        size_t piece = pieces->bytes[next];

        if (piece > bytes - done)
            piece = bytes - done;
        done += write_piece(fx, writer, content + done, piece);
        next = next < 3 && pieces->bytes[next + 1] != 0 ? next + 1 : 0;
    }
    expect_flume(fx, flume_blob_writer_finish(writer, &result), FLUME_OK);
    return result;
}

/* ---- in ---- */

static void pieces_of_any_size_make_the_same_blob(void **state)
{
    struct blob_fixture *fx = *state;

    for (unsigned cut = 0; cut < CUTS; cut++) {
        for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
            unsigned seed = 1 + cut * PATTERNS + pattern;
            uint8_t *content = made(CONTENT_BYTES, seed), hash[FLUME_HASH_BYTES];
            flume_blob_result result =
                put_in_pieces(fx, content, CONTENT_BYTES, &patterns[pattern], &cuts[cut]);

            flume_hash(content, CONTENT_BYTES, hash);
            if (memcmp(result.hash, hash, sizeof hash) != 0)
                fail_msg("%s, cut %u: another hash", patterns[pattern].name, cut);
            assert_int_equal(result.chunks_new, result.chunks);
            assert_int_equal(result.bytes_new, CONTENT_BYTES);
            expect_sound(fx, result.seq, CONTENT_BYTES);
            free(content);
        }
    }
}

static void pieces_of_any_size_are_cut_into_the_same_chunks(void **state)
{
    struct blob_fixture *fx = *state;
    uint8_t *content = made(CONTENT_BYTES, 77);

    for (unsigned cut = 0; cut < CUTS; cut++) {
        flume_blob_result whole = put(fx, content, CONTENT_BYTES, &cuts[cut]);

        for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
            flume_blob_result result =
                put_in_pieces(fx, content, CONTENT_BYTES, &patterns[pattern], &cuts[cut]);

            assert_memory_equal(result.hash, whole.hash, FLUME_HASH_BYTES);
            assert_int_equal(result.chunks, whole.chunks);
            assert_int_equal(result.chunks_new, 0);
            assert_false(result.is_recorded);
        }
    }
    free(content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        blob_test(pieces_of_any_size_make_the_same_blob),
        blob_test(pieces_of_any_size_are_cut_into_the_same_chunks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
