/*
 * test_blob_streams.c - contents that come in pieces of any size, and go as such.
 *
 * Each piece is written from memory of its own, which is overwritten as soon as the call is over: a
 * writer, or its second thread, that went on looking at it would store something else.
 */
#include "blob_fixture.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

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
        for (unsigned pattern = cut % 2; pattern < PATTERNS; pattern += 2) {
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

/* Every pattern of pieces gives what is there, with each cut of a list. */
static void expect_the_same_chunks(struct blob_fixture *fx, const unsigned *list, size_t count)
{
    uint8_t *content = made(CONTENT_BYTES, 77);

    for (size_t i = 0; i < count; i++) {
        flume_blob_result whole = put(fx, content, CONTENT_BYTES, &cuts[list[i]]);

        for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
            flume_blob_result result =
                put_in_pieces(fx, content, CONTENT_BYTES, &patterns[pattern], &cuts[list[i]]);

            assert_memory_equal(result.hash, whole.hash, FLUME_HASH_BYTES);
            assert_int_equal(result.chunks, whole.chunks);
            assert_int_equal(result.chunks_new, 0);
            assert_false(result.is_recorded);
        }
    }
    free(content);
    expect_sound(fx, newest(fx).seq, CONTENT_BYTES);
}

static const unsigned every_cut[CUTS] = {0, 1, 2, 3, 4};
static const unsigned large_cuts[] = {0, 3}; /* Of chunks that a second thread is handed. */

static void pieces_of_any_size_are_cut_into_the_same_chunks(void **state)
{
    expect_the_same_chunks(*state, every_cut, CUTS);
}

/* The second thread then hardly runs unless it is waited for: what a call leaves to it is not done
 * when the memory changes. */
static void stay_on_one_processor(cpu_set_t *out_before)
{
    cpu_set_t one;
    int processor = sched_getcpu();

    assert_int_equal(sched_getaffinity(0, sizeof *out_before, out_before), 0);
    CPU_ZERO(&one);
    CPU_SET(processor < 0 ? 0u : (unsigned)processor, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
}

static void pieces_are_done_with_when_a_write_is_over(void **state)
{
    cpu_set_t before;

    stay_on_one_processor(&before);
    expect_the_same_chunks(*state, large_cuts, 2);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

static void an_abandoned_stream_leaves_the_basin_as_it_was(void **state)
{
    struct blob_fixture *fx = *state;
    uint8_t *content = made(CONTENT_BYTES, 5);
    flume_blob_result result;

    for (size_t bytes = 8 << 20; bytes <= CONTENT_BYTES; bytes += 700001) {
        flume_blob_writer *writer = NULL;

        expect_flume(fx, flume_blob_writer_open(fx->flume, NULL, &writer), FLUME_OK);
        for (size_t done = 0; done + (300 << 10) <= bytes; done += 300 << 10)
            (void)write_piece(fx, writer, content + done, 300 << 10);
        flume_blob_writer_abort(writer);
    }
    result = put_in_pieces(fx, content, CONTENT_BYTES, &patterns[0], NULL);
    assert_true(result.is_recorded);
    expect_sound(fx, result.seq, CONTENT_BYTES);
    free(content);
}

/* In a child there is no second thread: nothing may wait for it. */
static void use_in_child(flume *handle, flume_blob_writer *one, flume_blob_writer *other)
{
    (void)alarm(20);
    if (flume_blob_writer_write(one, "more", 4) != FLUME_ERR_FORKED ||
        flume_blob_writer_finish(one, NULL) != FLUME_ERR_FORKED)
        _exit(1);
    flume_blob_writer_abort(other);
    _exit(flume_close(handle) == FLUME_OK ? 0 : 2);
}

static void a_forked_child_can_only_give_a_stream_up(void **state)
{
    struct blob_fixture *fx = *state;
    uint8_t *content = made(CONTENT_BYTES, 6), hash[FLUME_HASH_BYTES];
    flume_blob_writer *writers[2] = {NULL, NULL};
    flume_blob_result result;
    size_t half = 10 << 20;
    int ended;
    pid_t child;

    flume_hash(content, CONTENT_BYTES, hash);
    for (unsigned i = 0; i < 2; i++) {
        expect_flume(fx, flume_blob_writer_open(fx->flume, NULL, &writers[i]), FLUME_OK);
        for (size_t done = 0; done < half; done += 512 << 10)
            (void)write_piece(fx, writers[i], content + done, 512 << 10);
    }
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        use_in_child(fx->flume, writers[0], writers[1]);
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), 0);
    for (unsigned i = 0; i < 2; i++) {
        (void)write_piece(fx, writers[i], content + half, CONTENT_BYTES - half);
        expect_flume(fx, flume_blob_writer_finish(writers[i], &result), FLUME_OK);
        assert_memory_equal(result.hash, hash, sizeof hash);
    }
    expect_sound(fx, result.seq, CONTENT_BYTES);
    free(content);
}

/* Then everything is done by who calls. */
static void without_threads_a_stream_is_the_same(void **state)
{
    struct blob_fixture *fx = *state;

    fx->options.views = FLUME_VIEWS_NO_WORKERS;
    reopen_blobs(fx, 0);
    expect_the_same_chunks(fx, large_cuts, 2);
}

/* ---- out ---- */

enum { MIB = 1 << 20, CHUNKS_READ = 12, READ_BYTES = CHUNKS_READ * MIB };

static flume_blob_reader *reader_of(struct blob_fixture *fx, uint64_t seq)
{
    flume_blob_reader *reader = NULL;

    expect_flume(fx, flume_blob_reader_open_seq(fx->flume, NULL, seq, &reader), FLUME_OK);
    return reader;
}

/* Into memory of its own, which is freed at once. */
static void expect_read(struct blob_fixture *fx, flume_blob_reader *reader, size_t offset,
                        size_t bytes, const uint8_t *content)
{
    uint8_t *target = malloc(bytes);
    size_t got = 0;

    assert_non_null(target);
    expect_flume(fx, flume_blob_reader_read(reader, offset, target, bytes, &got), FLUME_OK);
    assert_int_equal(got, bytes);
    assert_memory_equal(target, content + offset, bytes);
    free(target);
}

static void read_in_order(struct blob_fixture *fx, uint64_t seq, const uint8_t *content,
                          size_t content_bytes, size_t piece)
{
    flume_blob_reader *reader = reader_of(fx, seq);

    for (size_t at = 0; at < content_bytes; at += piece)
        expect_read(fx, reader, at, piece < content_bytes - at ? piece : content_bytes - at,
                    content);
    flume_blob_reader_close(reader);
}

static void what_is_read_in_order_is_the_content(void **state)
{
    static const size_t pieces[] = {MIB, 200000, 3 * MIB + 1, 16 * MIB};
    struct blob_fixture *fx = *state;
    uint8_t *content = made(CONTENT_BYTES, 8);

    for (unsigned cut = 0; cut < CUTS; cut++) {
        flume_blob_result result = put(fx, content, CONTENT_BYTES,
                                       &(flume_blob_options){.chunking = cuts[cut].chunking,
                                                             .chunk_bytes = cuts[cut].chunk_bytes,
                                                             .name = patterns[cut].name});

        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
            read_in_order(fx, result.seq, content, CONTENT_BYTES, pieces[i]);
    }
    free(content);
}

/* What was loaded ahead is not what is asked for. */
static void who_jumps_after_reading_in_order_gets_what_he_asks_for(void **state)
{
    static const unsigned jumps[] = {0, 1, 5, 6, 7, 2, 3, 4, 3, 4, 5, 11, 0, 1, 2, 3, 1, 10, 11};
    struct blob_fixture *fx = *state;
    uint8_t *content = made(READ_BYTES, 9);
    flume_blob_result result = put(fx, content, READ_BYTES, NULL);
    flume_blob_reader *reader = reader_of(fx, result.seq);

    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        expect_read(fx, reader, jumps[i] * (size_t)MIB, i % 2 == 0 ? MIB : 100, content);
        expect_read(fx, reader, jumps[i] * (size_t)MIB + 777, 100, content);
    }
    flume_blob_reader_close(reader); /* With a chunk ahead. */
    free(content);
}

/* Turn a byte of the chunk that begins with these, in whichever strata of the second log it is. */
static void damage(struct blob_fixture *fx, const uint8_t *content)
{
    bool found = false;

    for (unsigned seq = 0; seq <= CHUNKS_READ && !found; seq++) {
        char path[LOG_FIXTURE_PATH_BYTES];
        uint64_t bytes;
        uint8_t *data;

        (void)snprintf(path, sizeof path, "%s", strata_path(fx->base, "basin.flume/grains", seq));
        if (access(path, F_OK) != 0)
            continue;
        bytes = file_bytes(path);
        data = malloc(bytes);
        assert_non_null(data);
        read_file(path, 0, data, bytes);
        for (uint64_t i = 0; i + 64 < bytes && !found; i += 8) {
            found = memcmp(data + i, content, 64) == 0;
            if (found) {
                data[i + 20] ^= 1;
                write_file(path, i + 20, data + i + 20, 1);
            }
        }
        free(data);
    }
    assert_true(found);
}

/* Whether it was met ahead or not, it is told when it is asked for, and what is behind it reads. */
static void damage_is_told_where_it_is_and_nowhere_else(void **state)
{
    struct blob_fixture *fx = *state;
    uint8_t *content = made(READ_BYTES, 10), *target = malloc(MIB);
    flume_blob_result result = put(fx, content, READ_BYTES, NULL);
    size_t got;

    assert_non_null(target);
    damage(fx, content + 4 * MIB);
    for (size_t first = 0; first < 4; first++) {
        flume_blob_reader *reader = reader_of(fx, result.seq);

        for (size_t index = first; index < CHUNKS_READ; index++) {
            if (index != 4) {
                expect_read(fx, reader, index * MIB, MIB, content);
                continue;
            }
            expect_flume(fx, flume_blob_reader_read(reader, index * MIB, target, MIB, &got),
                         FLUME_ERR_DAMAGED);
            assert_non_null(strstr(last_error(fx), "chunk 5 of 12"));
        }
        flume_blob_reader_close(reader);
    }
    free(target);
    free(content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        blob_test(pieces_of_any_size_make_the_same_blob),
        blob_test(pieces_of_any_size_are_cut_into_the_same_chunks),
        blob_test(pieces_are_done_with_when_a_write_is_over),
        blob_test(an_abandoned_stream_leaves_the_basin_as_it_was),
        blob_test(a_forked_child_can_only_give_a_stream_up),
        blob_test(without_threads_a_stream_is_the_same),
        blob_test(what_is_read_in_order_is_the_content),
        blob_test(who_jumps_after_reading_in_order_gets_what_he_asks_for),
        blob_test(damage_is_told_where_it_is_and_nowhere_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
