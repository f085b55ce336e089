/*
 * test_chunker.c - chunks depend on the stream alone, end where views/FORMAT.md says, and come back
 * after an insertion.
 */
#include "find_fixture.h"

#include <stdlib.h>

#include "chunker.h"

enum {
    CHUNKS_MAX = 1 << 14,
    GEARS = 256,
    SMALL_MIN = 4096,
    SMALL_AVERAGE = 16384,
    SMALL_MAX = 65536,
    SMALL_STREAM_BYTES = 3 << 20,
    INSERTED_AT = 1000
};

/* Content-defined, small enough that a short stream has many. */
static const struct chunking small = {CHUNKING_FASTCDC, SMALL_MIN, SMALL_AVERAGE, SMALL_MAX};

struct cuts {
    size_t count;
    size_t ends[CHUNKS_MAX];
};

/* --- streams ---------------------------------------------------------------------------------- */

static uint8_t *random_stream(uint64_t seed, size_t bytes)
{
    uint8_t *stream = malloc(bytes + 8);

    assert_non_null(stream);
    for (size_t at = 0; at < bytes; at += 8) {
        uint64_t word = random_next(&seed);

        memcpy(stream + at, &word, sizeof word);
    }
    return stream;
}

static struct chunker *create(const struct chunking *chunking)
{
    struct chunker *chunker = NULL;

    assert_int_equal(chunker_create(chunking, NULL, &chunker), FLUME_OK);
    return chunker;
}

/* A chunk continues where the one before ended, with the stream's own bytes. */
static void take_chunk(struct cuts *cuts, const uint8_t *stream, const struct chunk_bytes *chunk)
{
    size_t begin = cuts->count > 0 ? cuts->ends[cuts->count - 1] : 0;

    if (chunk->bytes == 0)
        return;
    assert_true(cuts->count < CHUNKS_MAX);
    assert_memory_equal(chunk->data, stream + begin, chunk->bytes);
    cuts->ends[cuts->count++] = begin + chunk->bytes;
}

/* Feed a stream in pieces of at most piece_bytes_max; *io_chance: of random sizes. */
static void cut(struct chunker *chunker, const uint8_t *stream, size_t bytes,
                unsigned piece_bytes_max, uint64_t *io_chance, struct cuts *out_cuts)
{
    struct chunk_bytes chunk;
    size_t at = 0;

    out_cuts->count = 0;
    while (at < bytes) {
        size_t piece = io_chance != NULL ? 1 + random_below(io_chance, piece_bytes_max)
                                         : piece_bytes_max;
        size_t used;

        if (piece > bytes - at)
            piece = bytes - at;
        /* A copy of its own, so that a read beyond the piece is noticed. */
        uint8_t *copy = malloc(piece);
        assert_non_null(copy);
        memcpy(copy, stream + at, piece);
        used = chunker_feed(chunker, copy, piece, &chunk);
        assert_in_range(used, 1, piece);
        assert_true(used == piece || chunk.bytes > 0);
        take_chunk(out_cuts, stream, &chunk);
        free(copy);
        at += used;
    }
    chunker_finish(chunker, &chunk);
    take_chunk(out_cuts, stream, &chunk);
    assert_int_equal(out_cuts->count > 0 ? out_cuts->ends[out_cuts->count - 1] : 0, bytes);
}

static void cut_whole(const struct chunking *chunking, const uint8_t *stream, size_t bytes,
                      struct cuts *out_cuts)
{
    struct chunker *chunker = create(chunking);
    struct chunk_bytes chunk;
    size_t at = 0;

    out_cuts->count = 0;
    while (at < bytes) {
        at += chunker_feed(chunker, stream + at, bytes - at, &chunk);
        take_chunk(out_cuts, stream, &chunk);
    }
    chunker_finish(chunker, &chunk);
    take_chunk(out_cuts, stream, &chunk);
    chunker_destroy(chunker);
}

static void expect_same_cuts(const struct cuts *one, const struct cuts *other)
{
    assert_int_equal(one->count, other->count);
    assert_memory_equal(one->ends, other->ends, one->count * sizeof one->ends[0]);
}

/* --- the rule, from views/FORMAT.md alone ----------------------------------------------------- */

static void make_gears(uint64_t gears[GEARS])
{
    uint64_t state = 0;

    for (size_t i = 0; i < GEARS; i++) {
        uint64_t z = (state += 0x9e3779b97f4a7c15u);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        gears[i] = z ^ (z >> 31);
    }
    /* What is published as the first outputs for the seed 0. */
    assert_true(gears[0] == 0xe220a8397b1dcdafu && gears[1] == 0x6e789e6aa1b965f4u);
}

/* One byte after the other, as the page says it. */
static void cut_by_the_page(const struct chunking *chunking, const uint8_t *stream, size_t bytes,
                            struct cuts *out_cuts)
{
    unsigned bits = 0;
    uint64_t gears[GEARS], fingerprint = 0;
    size_t number = 0;

    make_gears(gears);
    while (1u << bits < chunking->bytes_average)
        bits++;
    out_cuts->count = 0;
    for (size_t i = 0; i < bytes; i++) {
        bool ends = false;

        number++;
        if (number >= chunking->bytes_min) {
            unsigned zeros = number < chunking->bytes_average ? bits + 2 : bits - 2;

            fingerprint = 2 * fingerprint + gears[stream[i]];
            ends = fingerprint >> (64 - zeros) == 0;
        }
        if (ends || number == chunking->bytes_max || i + 1 == bytes) {
            out_cuts->ends[out_cuts->count++] = i + 1;
            number = 0;
            fingerprint = 0;
        }
    }
}

/* --- tests ------------------------------------------------------------------------------------ */

static void fixed_chunks_are_all_of_one_size_but_the_last(void **state)
{
    struct chunking fixed = {CHUNKING_FIXED, 5000, 5000, 5000};
    static struct cuts cuts;
    uint8_t *stream = random_stream(1, 22001);

    (void)state;
    cut_whole(&fixed, stream, 22001, &cuts);
    assert_int_equal(cuts.count, 5);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(cuts.ends[i], 5000 * (i + 1));
    cut_whole(&fixed, stream, 20000, &cuts);
    assert_int_equal(cuts.count, 4);
    free(stream);
}

static void defaults_are_as_the_page_says(void **state)
{
    struct chunking fixed = chunking_fixed(), content = chunking_content_defined();

    (void)state;
    assert_int_equal(fixed.method, 1);
    assert_int_equal(fixed.bytes_max, 1 << 20);
    assert_int_equal(content.method, 2);
    assert_int_equal(content.bytes_min, 256 << 10);
    assert_int_equal(content.bytes_average, 1 << 20);
    assert_int_equal(content.bytes_max, 4 << 20);
    assert_true(chunking_is_valid(&fixed));
    assert_true(chunking_is_valid(&content));
    assert_true(chunking_is_same(&fixed, &fixed));
    assert_false(chunking_is_same(&fixed, &content));
}

static void content_defined_chunks_end_where_the_page_says(void **state)
{
    static struct cuts cuts, expected;
    uint64_t seed = random_seed();

    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        size_t bytes = 1 + random_below(&seed, SMALL_STREAM_BYTES);
        uint8_t *stream = random_stream(seed, bytes);

        /* Stretches of one byte: only bytes_max ends a chunk there. */
        if (round % 2 == 1 && bytes > 400000)
            memset(stream + 100000, (int)round, 300000);
        cut_whole(&small, stream, bytes, &cuts);
        cut_by_the_page(&small, stream, bytes, &expected);
        expect_same_cuts(&cuts, &expected);
        free(stream);
    }
}

/* Of this stream for ever: what has been stored must be found again. */
static void cuts_of_a_known_stream_never_change(void **state)
{
    static const size_t ends[] = {1805588, 3610514, 4831164, 6528020, 8016078, 8388608};
    struct chunking content = chunking_content_defined();
    static struct cuts cuts;
    uint8_t *stream = random_stream(42, 8 << 20);

    (void)state;
    cut_whole(&content, stream, 8 << 20, &cuts);
    assert_int_equal(cuts.count, sizeof ends / sizeof ends[0]);
    for (size_t i = 0; i < cuts.count; i++)
        assert_int_equal(cuts.ends[i], ends[i]);
    free(stream);
}

/* Two bytes that bring a fingerprint to at least `least` and at most `most`. */
static bool find_pair(uint64_t before, uint64_t least, uint64_t most, uint8_t out_pair[2])
{
    uint64_t gears[GEARS];

    make_gears(gears);
    for (unsigned i = 0; i < GEARS * GEARS; i++) {
        uint64_t after = 2 * (2 * before + gears[i / GEARS]) + gears[i % GEARS];

        if (after < least || after > most)
            continue;
        out_pair[0] = (uint8_t)(i / GEARS);
        out_pair[1] = (uint8_t)(i % GEARS);
        return true;
    }
    return false;
}

static void a_fingerprint_begins_with_its_chunk(void **state)
{
    /* Fifteen zeros end a chunk before the average of 2^13. */
    static const struct chunking few = {CHUNKING_FASTCDC, 4096, 8192, 65536};
    uint64_t limit = UINT64_MAX >> 15;
    enum { ENDS_AT = 4098, STREAM_BYTES = 3 * ENDS_AT };
    static struct cuts cuts;
    uint8_t *stream = calloc(1, STREAM_BYTES);
    uint8_t last[3] = {0};
    uint64_t gears[GEARS];

    (void)state;
    assert_non_null(stream);
    make_gears(gears);
    /* Large enough that with anything of the chunk before it would be over the limit. */
    while (!find_pair(gears[last[0]], limit / 2, limit, last + 1))
        assert_true(++last[0] != 0);
    for (size_t i = 1; i <= 3; i++)
        memcpy(stream + i * ENDS_AT - sizeof last, last, sizeof last);
    cut_whole(&few, stream, STREAM_BYTES, &cuts);
    assert_int_equal(cuts.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(cuts.ends[i], ENDS_AT * (i + 1));
    free(stream);
}

static void ends_become_likelier_with_the_average(void **state)
{
    enum { AVERAGE = 8192 };
    static const struct chunking few = {CHUNKING_FASTCDC, 4096, AVERAGE, 65536};
    /* With eleven zeros, but not fifteen: ends a chunk from the average on. */
    uint64_t least = (UINT64_MAX >> 15) + 1, most = UINT64_MAX >> 11;
    static struct cuts cuts;
    uint8_t *stream = calloc(1, 2 * AVERAGE);
    uint64_t gears[GEARS];

    (void)state;
    assert_non_null(stream);
    make_gears(gears); /* After 64 zeros the fingerprint stays at -gears[0]. */
    assert_true(find_pair(0 - gears[0], least, most, stream + AVERAGE - 2));
    cut_whole(&few, stream, 2 * AVERAGE, &cuts);
    assert_int_equal(cuts.ends[0], AVERAGE);
    memmove(stream + AVERAGE - 3, stream + AVERAGE - 2, 2);
    stream[AVERAGE - 1] = 0;
    cut_whole(&few, stream, 2 * AVERAGE, &cuts);
    assert_true(cuts.ends[0] > AVERAGE);
    free(stream);
}

static void pieces_do_not_matter(void **state)
{
    static const unsigned pieces[] = {1000, 4095, 4096, 4097, 65535, 65536, 65537, 300000};
    struct chunking fixed = {CHUNKING_FIXED, 7777, 7777, 7777};
    const struct chunking *chunkings[] = {&small, &fixed};
    static struct cuts whole, cuts;
    uint64_t seed = random_seed();
    uint8_t *stream = random_stream(seed, SMALL_STREAM_BYTES);

    (void)state;
    for (size_t c = 0; c < 2; c++) {
        struct chunker *chunker = create(chunkings[c]); /* One for all streams. */

        cut_whole(chunkings[c], stream, SMALL_STREAM_BYTES, &whole);
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            cut(chunker, stream, SMALL_STREAM_BYTES, pieces[i], NULL, &cuts);
            expect_same_cuts(&cuts, &whole);
            cut(chunker, stream, SMALL_STREAM_BYTES, pieces[i], &seed, &cuts);
            expect_same_cuts(&cuts, &whole);
        }
        cut_whole(chunkings[c], stream, 200000, &whole);
        cut(chunker, stream, 200000, 1, NULL, &cuts);
        expect_same_cuts(&cuts, &whole);
        chunker_destroy(chunker);
    }
    free(stream);
}

static void sizes_stay_within_the_chunking(void **state)
{
    static struct cuts cuts;
    uint64_t seed = random_seed();
    uint8_t *stream = random_stream(seed, SMALL_STREAM_BYTES);
    size_t begin = 0, average;

    (void)state;
    cut_whole(&small, stream, SMALL_STREAM_BYTES, &cuts);
    for (size_t i = 0; i < cuts.count; i++) {
        size_t bytes = cuts.ends[i] - begin;

        assert_in_range(bytes, i + 1 < cuts.count ? SMALL_MIN : 1, SMALL_MAX);
        begin = cuts.ends[i];
    }
    average = SMALL_STREAM_BYTES / cuts.count;
    assert_in_range(average, SMALL_AVERAGE * 3 / 4, SMALL_AVERAGE * 3 / 2);
    free(stream);
}

static void content_without_a_place_to_end_is_cut_at_the_maximum(void **state)
{
    static struct cuts cuts;
    uint8_t *stream = calloc(1, SMALL_STREAM_BYTES);

    (void)state;
    cut_whole(&small, stream, SMALL_STREAM_BYTES, &cuts);
    assert_int_equal(cuts.count, SMALL_STREAM_BYTES / SMALL_MAX);
    for (size_t i = 0; i < cuts.count; i++)
        assert_int_equal(cuts.ends[i], SMALL_MAX * (i + 1));
    free(stream);
}

/* How many chunks of the second stream are, byte for byte, chunks of the first, `shift` earlier. */
static size_t count_common(const struct cuts *first, const struct cuts *second, size_t shift)
{
    size_t common = 0;

    for (size_t i = 1, j = 1; i < first->count && j < second->count;) {
        size_t first_end = first->ends[i] + shift;

        if (first_end == second->ends[j] && first->ends[i - 1] + shift == second->ends[j - 1])
            common++;
        if (first_end <= second->ends[j])
            i++;
        else
            j++;
    }
    return common;
}

/* At most `others` chunks differ after a byte has been inserted near the beginning. */
static void expect_chunks_to_come_back(const struct chunking *chunking, size_t bytes, size_t others)
{
    static struct cuts before, after;
    uint8_t *stream = random_stream(7, bytes);
    uint8_t *changed = malloc(bytes + 1);

    assert_non_null(changed);
    memcpy(changed, stream, INSERTED_AT);
    changed[INSERTED_AT] = 0x5a;
    memcpy(changed + INSERTED_AT + 1, stream + INSERTED_AT, bytes - INSERTED_AT);
    cut_whole(chunking, stream, bytes, &before);
    cut_whole(chunking, changed, bytes + 1, &after);
    assert_true(before.count > 3 * others);
    /* Equal places, a byte further on, are equal bytes: what is behind the insertion is the
     * same. */
    assert_in_range(count_common(&before, &after, 1), before.count - others, before.count);
    free(changed);
    free(stream);
}

static void an_inserted_byte_changes_the_chunks_near_it_alone(void **state)
{
    size_t bytes = getenv("FLUME_TEST_LONG") != NULL ? (size_t)64 << 20 : (size_t)16 << 20;
    struct chunking content = chunking_content_defined();

    (void)state;
    expect_chunks_to_come_back(&content, bytes, 3);
    expect_chunks_to_come_back(&small, SMALL_STREAM_BYTES, 5);
}

static void what_lies_whole_in_a_piece_is_not_copied(void **state)
{
    struct chunking fixed = {CHUNKING_FIXED, 4096, 4096, 4096};
    struct chunker *chunker = create(&fixed);
    uint8_t *stream = random_stream(3, 10000);
    struct chunk_bytes chunk;

    (void)state;
    assert_int_equal(chunker_feed(chunker, stream, 10000, &chunk), 4096);
    assert_ptr_equal(chunk.data, stream);
    assert_int_equal(chunker_feed(chunker, stream + 4096, 96, &chunk), 96);
    assert_int_equal(chunk.bytes, 0);
    assert_int_equal(chunker_feed(chunker, stream + 4192, 5808, &chunk), 4000);
    assert_int_equal(chunk.bytes, 4096);
    assert_memory_equal(chunk.data, stream + 4096, 4096);
    chunker_destroy(chunker);
    free(stream);
}

/* Each chunk next to the one before, in memory that has just as much room as it may need. */
static void chunks_are_assembled_where_they_are_wanted(void **state)
{
    enum { STREAM_BYTES = 300000, PIECE_BYTES = 1000 };
    struct chunker *chunker = create(&small);
    uint8_t *stream = random_stream(11, STREAM_BYTES);
    uint8_t *target = malloc(STREAM_BYTES + SMALL_MAX);
    struct chunk_bytes chunk;
    size_t filled = 0;

    (void)state;
    assert_non_null(target);
    chunker_assemble_in(chunker, target);
    for (size_t at = 0; at < STREAM_BYTES;) {
        size_t piece = STREAM_BYTES - at < PIECE_BYTES ? STREAM_BYTES - at : PIECE_BYTES;

        at += chunker_feed(chunker, stream + at, piece, &chunk);
        if (chunk.bytes == 0)
            continue;
        assert_ptr_equal(chunk.data, target + filled);
        filled += chunk.bytes;
        assert_int_equal(filled, at);
        chunker_assemble_in(chunker, target + filled);
    }
    chunker_finish(chunker, &chunk);
    assert_int_equal(filled + chunk.bytes, STREAM_BYTES);
    assert_memory_equal(target, stream, STREAM_BYTES);
    chunker_assemble_in(chunker, NULL);
    (void)chunker_feed(chunker, stream, PIECE_BYTES, &chunk);
    chunker_finish(chunker, &chunk);
    assert_memory_equal(chunk.data, stream, PIECE_BYTES);
    assert_ptr_not_equal(chunk.data, stream);
    chunker_destroy(chunker);
    free(target);
    free(stream);
}

static void a_stream_that_is_over_leaves_nothing_to_the_next(void **state)
{
    struct chunker *chunker = create(&small);
    static struct cuts first, second;
    uint8_t *stream = random_stream(9, 300000);
    struct chunk_bytes chunk;

    (void)state;
    chunker_finish(chunker, &chunk);
    assert_int_equal(chunk.bytes, 0);
    cut(chunker, stream, 300000, 1234, NULL, &first);
    chunker_finish(chunker, &chunk);
    assert_int_equal(chunk.bytes, 0);
    (void)chunker_feed(chunker, stream + 5, 4500, &chunk);
    chunker_reset(chunker);
    cut(chunker, stream, 300000, 4321, NULL, &second);
    expect_same_cuts(&first, &second);
    chunker_destroy(chunker);
    free(stream);
}

static void what_is_no_chunking_is_refused(void **state)
{
    static const struct chunking bad[] = {
        {CHUNKING_FIXED, 0, 0, 0},
        {CHUNKING_FIXED, 4095, 4095, 4095},
        {CHUNKING_FIXED, 8192, 8192, 16384},
        {CHUNKING_FIXED, 4096, 8192, 8192},
        {CHUNKING_FIXED, CHUNK_BYTES_MAX + 1, CHUNK_BYTES_MAX + 1, CHUNK_BYTES_MAX + 1},
        {CHUNKING_FASTCDC, 4096, 10000, 65536},
        {CHUNKING_FASTCDC, 4096, 4096, 65536},
        {CHUNKING_FASTCDC, 2048, 4096, 65536},
        {CHUNKING_FASTCDC, 4096, 65536, 32768},
        {CHUNKING_FASTCDC, 4096, 8192, CHUNK_BYTES_MAX + 1},
        {(enum chunking_method)0, 4096, 8192, 65536},
        {(enum chunking_method)3, 4096, 8192, 65536},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct chunker *chunker = NULL;

        assert_int_equal(chunker_create(&bad[i], NULL, &chunker), FLUME_ERR_INVALID);
        assert_null(chunker);
    }
}

/* Every allocation in turn is refused. */
static void *refusing_allocate(void *ctx, size_t bytes)
{
    unsigned *left = ctx;

    return *left == 0 || (*left)-- == 0 ? NULL : malloc(bytes);
}

static void *refusing_resize(void *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    return realloc(memory, bytes);
}

static void plain_release(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

static void a_lack_of_memory_is_told(void **state)
{
    unsigned left, refused = 0;
    flume_allocator allocator = {refusing_allocate, refusing_resize, plain_release, &left};
    struct chunker *chunker = NULL;

    (void)state;
    for (unsigned allowed = 0; chunker == NULL; allowed++) {
        int status;

        left = allowed;
        status = chunker_create(&small, &allocator, &chunker);
        assert_int_equal(status, chunker == NULL ? FLUME_ERR_NO_MEMORY : FLUME_OK);
        refused += chunker == NULL;
    }
    assert_int_equal(refused, 2);
    chunker_destroy(chunker);
    chunker_destroy(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_chunks_are_all_of_one_size_but_the_last),
        cmocka_unit_test(defaults_are_as_the_page_says),
        cmocka_unit_test(content_defined_chunks_end_where_the_page_says),
        cmocka_unit_test(cuts_of_a_known_stream_never_change),
        cmocka_unit_test(a_fingerprint_begins_with_its_chunk),
        cmocka_unit_test(ends_become_likelier_with_the_average),
        cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(sizes_stay_within_the_chunking),
        cmocka_unit_test(content_without_a_place_to_end_is_cut_at_the_maximum),
        cmocka_unit_test(an_inserted_byte_changes_the_chunks_near_it_alone),
        cmocka_unit_test(what_lies_whole_in_a_piece_is_not_copied),
        cmocka_unit_test(chunks_are_assembled_where_they_are_wanted),
        cmocka_unit_test(a_stream_that_is_over_leaves_nothing_to_the_next),
        cmocka_unit_test(what_is_no_chunking_is_refused),
        cmocka_unit_test(a_lack_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
