/*
 * test_clasts_refused.c - clasts lie about nothing: what contradicts itself, its parent or the
 * chunking is refused.
 */
#include "clasts_fixture.h"

#include <stdlib.h>

#include "little.h"

/* From views/FORMAT.md, not from the code. */
enum {
    FORMAT_AT = 4,
    LEVEL_AT = 5,
    METHOD_AT = 6,
    SPREAD_AT = 7,
    MIN_AT = 8,
    AVERAGE_AT = 12,
    MAX_AT = 16,
    COUNT_AT = 20,
    TOTAL_AT = 24,
    HASHES_AT = 32
};

/* --- what is refused -------------------------------------------------------------------------- */

static void a_builder_refuses_chunks_that_the_chunking_does_not_give(void **state)
{
    static const struct {
        uint32_t first, second;
    } bad[] = {{0, 0}, {SMALL_MAX + 1, 0}, {SMALL_MIN - 1, SMALL_MIN}, {SMALL_MIN, UINT32_MAX}};
    uint8_t hash[HASH] = {1};
    struct clasts_body root;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store store = {.bodies = NULL};
        struct clasts_builder *builder = builder_for(&small_content, 1, &store);
        int status = clasts_builder_add(builder, hash, bad[i].first);

        if (status == FLUME_OK)
            status = clasts_builder_add(builder, hash, bad[i].second);
        assert_int_equal(status, FLUME_ERR_INVALID);
        assert_int_equal(clasts_builder_add(builder, hash, SMALL_MIN), FLUME_ERR_INVALID);
        assert_int_equal(clasts_builder_end(builder, &root), FLUME_ERR_INVALID);
        clasts_builder_destroy(builder);
        store_clear(&store);
    }
}

static void a_builder_refuses_what_is_no_list(void **state)
{
    struct store store = {.bodies = NULL};
    struct clasts_builder_options options = {
        .chunking = small_content, .spread = 17, .emit = store_emit};
    struct clasts_builder *builder = NULL;
    struct clasts_body root;
    uint8_t hash[HASH] = {1};

    (void)state;
    assert_int_equal(clasts_builder_create(&options, &builder), FLUME_ERR_INVALID);
    options.spread = 0;
    options.chunking.bytes_average++;
    assert_int_equal(clasts_builder_create(&options, &builder), FLUME_ERR_INVALID);
    assert_null(builder);
    builder = builder_for(&small_content, 1, &store);
    assert_int_equal(clasts_builder_end(builder, &root), FLUME_ERR_INVALID);
    clasts_builder_destroy(builder);
    builder = builder_for(&small_content, 1, &store);
    for (unsigned i = 0; i < 8; i++) /* Three levels of two entries each. */
        assert_int_equal(clasts_builder_add(builder, hash, SMALL_MIN), FLUME_OK);
    assert_int_equal(clasts_builder_add(builder, hash, SMALL_MIN), FLUME_ERR_TOO_LARGE);
    clasts_builder_destroy(builder);
    clasts_builder_destroy(NULL);
    clasts_reader_close(NULL);
    store_clear(&store);
}

/* Walk all chunks. @return the first status that is not FLUME_OK. */
static int walk(struct store *store)
{
    struct clasts_reader *reader = NULL;
    struct clasts_chunk chunk;
    uint64_t offset = 0;
    int status = open_reader(store, &reader);

    while (status == FLUME_OK) {
        status = clasts_reader_seek(reader, offset, &chunk);
        if (status == FLUME_OK)
            offset += chunk.bytes;
    }
    if (status == FLUME_END)
        assert_int_equal(offset, clasts_reader_bytes(reader));
    clasts_reader_close(reader);
    return status;
}

static void each_changed_bit_is_noticed(void **state)
{
    static const struct chunking *const chunkings[] = {&small_content, &small_fixed};
    uint64_t seed = random_seed();

    (void)state;
    for (size_t c = 0; c < 2; c++) {
        uint32_t *sizes = sizes_of(chunkings[c], 7, &seed);
        struct store store = {.bodies = NULL};

        build_list(&store, chunkings[c], 1, sizes, 7);
        assert_int_equal(walk(&store), FLUME_END);
        for (size_t i = 0; i < store.count; i++) {
            for (size_t bit = 0; bit < store.bodies[i].bytes * 8; bit++) {
                store.bodies[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
                assert_int_equal(walk(&store), FLUME_ERR_DAMAGED);
                store.bodies[i].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
        }
        store_clear(&store);
        free(sizes);
    }
}

/* A body of so many entries, of which all are as large as they can be but the last. */
static size_t forge(uint8_t *target, const struct chunking *chunking, unsigned level,
                    unsigned spread, uint32_t count, uint64_t last_bytes)
{
    uint64_t unit = (uint64_t)chunking->bytes_max << (spread * level);
    size_t bytes = HASHES_AT + (size_t)count * HASH;

    memcpy(target, "clst\1", 5);
    target[LEVEL_AT] = (uint8_t)level;
    target[METHOD_AT] = (uint8_t)chunking->method;
    target[SPREAD_AT] = (uint8_t)spread;
    little_put32(target + MIN_AT, chunking->bytes_min);
    little_put32(target + AVERAGE_AT, chunking->bytes_average);
    little_put32(target + MAX_AT, chunking->bytes_max);
    little_put32(target + COUNT_AT, count);
    little_put64(target + TOTAL_AT, (count - 1) * unit + last_bytes);
    for (uint32_t i = 0; i < count; i++)
        memset(target + HASHES_AT + (size_t)i * HASH, (int)i + 1, HASH);
    for (uint32_t i = 0; i < count && chunking->method != CHUNKING_FIXED; i++, bytes += 8)
        little_put64(target + bytes, i * unit + (i + 1 < count ? unit : last_bytes));
    return bytes;
}

/* The list as forged decodes; with `bytes` bytes at `at` changed to the value it is refused. */
static void expect_refused(const struct chunking *chunking, unsigned level, size_t at, size_t bytes,
                           uint64_t value, int expected)
{
    uint8_t body[1024], word[8];
    struct clasts clasts;
    size_t body_bytes = forge(body, chunking, level, 3, 5, 1000);

    assert_int_equal(clasts_decode(body, body_bytes, &clasts), FLUME_OK);
    assert_true(at + bytes <= body_bytes);
    little_put64(word, value);
    memcpy(body + at, word, bytes);
    assert_int_equal(clasts_decode(body, body_bytes, &clasts), expected);
}

static void a_body_that_contradicts_itself_is_refused(void **state)
{
    static const struct {
        size_t at, bytes;
        uint64_t value;
        int expected;
    } lies[] = {
        {0, 1, 'C', FLUME_ERR_DAMAGED},
        {FORMAT_AT, 1, 0, FLUME_ERR_VERSION},
        {FORMAT_AT, 1, 2, FLUME_ERR_VERSION},
        {METHOD_AT, 1, 0, FLUME_ERR_VERSION},
        {METHOD_AT, 1, 3, FLUME_ERR_VERSION},
        {LEVEL_AT, 1, 3, FLUME_ERR_DAMAGED},
        {LEVEL_AT, 1, 255, FLUME_ERR_DAMAGED},
        {SPREAD_AT, 1, 0, FLUME_ERR_DAMAGED},
        {SPREAD_AT, 1, 2, FLUME_ERR_DAMAGED}, /* Five entries do not fit into four. */
        {SPREAD_AT, 1, 17, FLUME_ERR_DAMAGED},
        {SPREAD_AT, 1, 255, FLUME_ERR_DAMAGED},
        {MIN_AT, 4, 0, FLUME_ERR_DAMAGED},
        {MIN_AT, 4, UINT32_MAX, FLUME_ERR_DAMAGED},
        {AVERAGE_AT, 4, 5000, FLUME_ERR_DAMAGED},
        {MAX_AT, 4, 0, FLUME_ERR_DAMAGED},
        {MAX_AT, 4, UINT32_MAX, FLUME_ERR_DAMAGED},
        {COUNT_AT, 4, 0, FLUME_ERR_DAMAGED},
        {COUNT_AT, 4, 4, FLUME_ERR_DAMAGED},
        {COUNT_AT, 4, 6, FLUME_ERR_DAMAGED},
        {COUNT_AT, 4, UINT32_MAX, FLUME_ERR_DAMAGED},
        {COUNT_AT, 4, 0x80000005, FLUME_ERR_DAMAGED},
        {TOTAL_AT, 8, 0, FLUME_ERR_DAMAGED},
        {TOTAL_AT, 8, 1, FLUME_ERR_DAMAGED},
        {TOTAL_AT, 8, UINT64_MAX, FLUME_ERR_DAMAGED},
        {TOTAL_AT, 8, UINT64_C(1) << 63, FLUME_ERR_DAMAGED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        for (unsigned level = 0; level < CLASTS_LEVELS_MAX; level++) {
            expect_refused(&small_content, level, lies[i].at, lies[i].bytes, lies[i].value,
                           lies[i].expected);
            expect_refused(&small_fixed, level, lies[i].at, lies[i].bytes, lies[i].value,
                           lies[i].expected);
        }
    }
}

static void ends_that_no_chunks_can_have_are_refused(void **state)
{
    size_t ends_at = HASHES_AT + 5 * HASH;

    (void)state;
    for (unsigned level = 0; level < CLASTS_LEVELS_MAX; level++) {
        uint64_t unit = (uint64_t)SMALL_MAX << (3 * level);
        uint64_t least = (uint64_t)SMALL_MIN << (3 * level);

        expect_refused(&small_content, level, ends_at, 8, 0, FLUME_ERR_DAMAGED);
        expect_refused(&small_content, level, ends_at, 8, least - 1, FLUME_ERR_DAMAGED);
        expect_refused(&small_content, level, ends_at, 8, unit + 1, FLUME_ERR_DAMAGED);
        expect_refused(&small_content, level, ends_at + 8, 8, unit, FLUME_ERR_DAMAGED); /* Empty. */
        expect_refused(&small_content, level, ends_at + 8, 8, 1, FLUME_ERR_DAMAGED);    /* Falls. */
        expect_refused(&small_content, level, ends_at + 8, 8, UINT64_MAX, FLUME_ERR_DAMAGED);
        /* The last one: not where the total is. */
        expect_refused(&small_content, level, ends_at + 32, 8, 4 * unit + 999, FLUME_ERR_DAMAGED);
        expect_refused(&small_content, level, ends_at + 32, 8, 4 * unit, FLUME_ERR_DAMAGED);
        expect_refused(&small_content, level, ends_at + 32, 8, 5 * unit + 1, FLUME_ERR_DAMAGED);
    }
}

static void a_body_that_is_cut_or_goes_on_is_refused(void **state)
{
    static const struct chunking *const chunkings[] = {&small_content, &small_fixed};
    uint8_t body[1024] = {0};
    struct clasts clasts;

    (void)state;
    for (size_t c = 0; c < 2; c++) {
        size_t whole = forge(body, chunkings[c], 0, 3, 5, 1000);

        for (size_t bytes = 0; bytes < sizeof body; bytes++) {
            uint8_t *copy = malloc(bytes + 1);

            assert_non_null(copy);
            memcpy(copy, body, bytes);
            assert_int_equal(clasts_decode(copy, bytes, &clasts),
                             bytes == whole ? FLUME_OK : FLUME_ERR_DAMAGED);
            free(copy);
        }
    }
}

/* A root of two entries with children as given; the second child is the last. */
struct family {
    struct chunking chunking; /* Of the children, where it differs from the root's. */
    unsigned level, spread;   /* Of the first child. */
    uint32_t first_count, second_count;
    uint64_t first_last, second_last; /* Bytes of the last entry of each. */
    uint64_t first_claim;             /* What the root says of the first; 0: the truth. */
};

static int walk_family(const struct family *family)
{
    struct store store = {.bodies = NULL};
    uint8_t first[1024], second[1024], root[1024];
    size_t first_bytes = forge(first, &family->chunking, family->level, family->spread,
                               family->first_count, family->first_last);
    size_t second_bytes =
        forge(second, &small_content, 0, 2, family->second_count, family->second_last);
    size_t root_bytes = forge(root, &small_content, 1, 2, 2, 1);
    uint64_t first_end = family->first_claim;
    int status;

    if (first_end == 0)
        first_end = little_get64(first + TOTAL_AT);
    memcpy(root + HASHES_AT, store_put(&store, first, first_bytes, 0), HASH);
    memcpy(root + HASHES_AT + HASH, store_put(&store, second, second_bytes, 0), HASH);
    little_put64(root + HASHES_AT + 2 * HASH, first_end);
    little_put64(root + HASHES_AT + 2 * HASH + 8, first_end + little_get64(second + TOTAL_AT));
    little_put64(root + TOTAL_AT, first_end + little_get64(second + TOTAL_AT));
    memcpy(store.root, store_put(&store, root, root_bytes, 1), HASH);
    status = walk(&store);
    store_clear(&store);
    return status;
}

static void a_child_that_its_parent_does_not_describe_is_refused(void **state)
{
    const struct family good = {.chunking = small_content,
                                .spread = 2,
                                .first_count = 4,
                                .first_last = SMALL_MIN,
                                .second_count = 3,
                                .second_last = 1};
    struct family bad = good;

    (void)state;
    assert_int_equal(walk_family(&good), FLUME_END);
    bad.first_last = SMALL_MIN - 1; /* Only the last chunk of all may be so small. */
    assert_int_equal(walk_family(&bad), FLUME_ERR_DAMAGED);
    bad = good;
    bad.first_count = 3; /* Not full, and yet not the last. */
    bad.first_last = SMALL_MAX;
    assert_int_equal(walk_family(&bad), FLUME_ERR_DAMAGED);
    bad = good;
    bad.level = 1;
    bad.first_count = 1;
    bad.first_last = 4 * SMALL_MAX;
    assert_int_equal(walk_family(&bad), FLUME_ERR_DAMAGED);
    bad = good;
    bad.spread = 3; /* Has room for more than the others have. */
    assert_int_equal(walk_family(&bad), FLUME_ERR_DAMAGED);
    bad = good;
    bad.chunking.bytes_average = SMALL_MAX;
    assert_int_equal(walk_family(&bad), FLUME_ERR_DAMAGED);
    bad = good;
    bad.first_claim = 3 * SMALL_MAX + SMALL_MIN - 1;
    assert_int_equal(walk_family(&bad), FLUME_ERR_DAMAGED);
    bad.first_claim = 3 * SMALL_MAX + SMALL_MIN + 1;
    assert_int_equal(walk_family(&bad), FLUME_ERR_DAMAGED);
}

static void a_root_with_one_child_has_a_level_too_many(void **state)
{
    struct store store = {.bodies = NULL};
    uint8_t body[1024];
    struct clasts_reader *reader = NULL;
    size_t bytes = forge(body, &small_content, 1, 2, 1, 5000);

    (void)state;
    memcpy(store.root, store_put(&store, body, bytes, 1), HASH);
    assert_int_equal(open_reader(&store, &reader), FLUME_ERR_DAMAGED);
    assert_null(reader);
    store_clear(&store);
}

static void a_body_that_is_not_there_is_told_as_its_store_tells_it(void **state)
{
    uint64_t seed = 3;
    uint32_t *sizes = sizes_of(&small_content, 8, &seed);
    struct store store = {.bodies = NULL};
    struct clasts_reader *reader;
    struct clasts_chunk chunk;

    (void)state;
    build_list(&store, &small_content, 1, sizes, 8);
    reader = reader_of(&store);
    store.calls = 0;
    store.fails_at = 2; /* The lower of two bodies; and then no more. */
    assert_int_equal(clasts_reader_seek(reader, 0, &chunk), FLUME_ERR_IO);
    expect_chunk(reader, 0, 0, 0, sizes[0]);
    clasts_reader_close(reader);
    memset(store.root, 0, HASH);
    assert_int_equal(open_reader(&store, &reader), FLUME_ERR_NOT_FOUND);
    store_clear(&store);
    free(sizes);
}

static void a_store_that_takes_no_body_ends_the_building(void **state)
{
    uint8_t hash[HASH] = {1};

    (void)state;
    for (size_t fails_at = 1; fails_at <= 6; fails_at++) { /* 8 chunks: four bodies and two. */
        struct store store = {.fails_at = fails_at};
        struct clasts_builder *builder = builder_for(&small_fixed, 1, &store);
        struct clasts_body root;
        int status = FLUME_OK;

        for (unsigned i = 0; i < 8 && status == FLUME_OK; i++)
            status = clasts_builder_add(builder, hash, 4096);
        if (status == FLUME_OK)
            status = clasts_builder_end(builder, &root);
        assert_int_equal(status, FLUME_ERR_FULL);
        assert_int_equal(clasts_builder_end(builder, &root), FLUME_ERR_INVALID);
        clasts_builder_destroy(builder);
        store_clear(&store);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_builder_refuses_chunks_that_the_chunking_does_not_give),
        cmocka_unit_test(a_builder_refuses_what_is_no_list),
        cmocka_unit_test(each_changed_bit_is_noticed),
        cmocka_unit_test(a_body_that_contradicts_itself_is_refused),
        cmocka_unit_test(ends_that_no_chunks_can_have_are_refused),
        cmocka_unit_test(a_body_that_is_cut_or_goes_on_is_refused),
        cmocka_unit_test(a_child_that_its_parent_does_not_describe_is_refused),
        cmocka_unit_test(a_root_with_one_child_has_a_level_too_many),
        cmocka_unit_test(a_body_that_is_not_there_is_told_as_its_store_tells_it),
        cmocka_unit_test(a_store_that_takes_no_body_ends_the_building),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
