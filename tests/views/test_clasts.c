/*
 * test_clasts.c - a list of chunks has one encoding, and finds each byte, in bounded memory.
 */
#include "clasts_fixture.h"

#include <stdlib.h>

#include "format_dump.h"

#define MEMORY_MAX ((size_t)32 << 20)

/* --- lists and trees -------------------------------------------------------------------------- */

/* Each chunk by its first byte, in order, and some by any byte of theirs. */
static void expect_list(struct store *store, const uint32_t *sizes, size_t count, uint64_t *io_seed)
{
    struct clasts_reader *reader = reader_of(store);
    uint64_t *begins = malloc((count + 1) * sizeof *begins);
    struct clasts_chunk chunk;
    uint64_t offset = 0;

    assert_non_null(begins);
    store->loads = 0;
    for (size_t i = 0; i < count; i++) {
        expect_chunk(reader, offset, i, offset, sizes[i]);
        begins[i] = offset;
        offset += sizes[i];
    }
    assert_true(store->loads < store->count); /* Each body once; the root is there. */
    assert_int_equal(clasts_reader_bytes(reader), offset);
    assert_int_equal(clasts_reader_seek(reader, offset, &chunk), FLUME_END);
    assert_int_equal(clasts_reader_seek(reader, UINT64_MAX, &chunk), FLUME_END);
    for (unsigned round = 0; round < 100; round++) {
        size_t i = random_below(io_seed, (unsigned)count);

        expect_chunk(reader, begins[i] + random_below(io_seed, sizes[i]), i, begins[i], sizes[i]);
        expect_chunk(reader, begins[i] + sizes[i] - 1, i, begins[i], sizes[i]);
    }
    free(begins);
    clasts_reader_close(reader);
}

static void each_byte_is_found_in_its_chunk(void **state)
{
    static const struct chunking *const chunkings[] = {&small_content, &small_fixed};
    uint64_t seed = random_seed();

    (void)state;
    for (unsigned spread = 1; spread <= 3; spread++) {
        for (size_t count = 1; count <= (size_t)1 << (3 * spread); count += 1 + count / 40) {
            for (size_t c = 0; c < 2; c++) {
                uint32_t *sizes = sizes_of(chunkings[c], count, &seed);
                struct store store = {.bodies = NULL};

                build_list(&store, chunkings[c], spread, sizes, count);
                expect_list(&store, sizes, count, &seed);
                store_clear(&store);
                free(sizes);
            }
        }
    }
}

/* How many levels, and bodies, a list of so many chunks has. */
static void expect_shape(const struct chunking *chunking, size_t count, unsigned levels,
                         size_t bodies)
{
    uint64_t seed = 5;
    uint32_t *sizes = sizes_of(chunking, count, &seed);
    struct store store = {.bodies = NULL};
    struct clasts_reader *reader;

    build_list(&store, chunking, 0, sizes, count);
    assert_int_equal(store.count, bodies);
    assert_int_equal(store_find(&store, store.root)->level, levels - 1);
    expect_list(&store, sizes, count, &seed);
    reader = reader_of(&store);
    assert_true(clasts_reader_path(reader, 0) == NULL);
    expect_chunk(reader, 0, 0, 0, sizes[0]);
    for (unsigned level = 0; level < CLASTS_LEVELS_MAX; level++)
        assert_int_equal(clasts_reader_path(reader, level) != NULL, level + 1 < levels);
    clasts_reader_close(reader);
    store_clear(&store);
    free(sizes);
}

static void beyond_65536_chunks_a_list_is_a_tree(void **state)
{
    (void)state;
    expect_shape(&small_fixed, 65536, 1, 1);
    expect_shape(&small_fixed, 65537, 2, 3);
    expect_shape(&small_content, 65536, 1, 1);
    expect_shape(&small_content, 65537, 2, 3);
    expect_shape(&small_content, 131073, 2, 4);
}

static void memory_does_not_depend_on_the_blob(void **state)
{
    enum { CHUNKS = 300000 };
    struct meter meter = {.left = SIZE_MAX};
    flume_allocator allocator = metered(&meter);
    struct store store = {.bodies = NULL};
    struct clasts_builder_options options = {
        .chunking = small_content, .emit = store_emit, .emit_ctx = &store, .allocator = &allocator};
    struct clasts_reader_options reading = {
        .load = store_load, .load_ctx = &store, .allocator = &allocator};
    struct clasts_builder *builder = NULL;
    struct clasts_reader *reader = NULL;
    struct clasts_body root;
    struct clasts_chunk chunk;
    uint8_t hash[HASH];

    (void)state;
    assert_int_equal(clasts_builder_create(&options, &builder), FLUME_OK);
    for (uint64_t i = 0; i < CHUNKS; i++) {
        hash_of_chunk(i, hash);
        assert_int_equal(clasts_builder_add(builder, hash, SMALL_AVERAGE), FLUME_OK);
    }
    assert_int_equal(clasts_builder_end(builder, &root), FLUME_OK);
    memcpy(store.root, store_put(&store, root.data, root.bytes, root.level), HASH);
    clasts_builder_destroy(builder);
    assert_true(meter.peak < MEMORY_MAX / 4); /* Of three levels at most, two are in use. */
    assert_int_equal(meter.now, 0);
    meter.peak = 0;
    assert_int_equal(clasts_reader_open(&reading, store.root, &reader), FLUME_OK);
    for (uint64_t i = 0; i < CHUNKS; i += 1000)
        assert_int_equal(clasts_reader_seek(reader, i * SMALL_AVERAGE, &chunk), FLUME_OK);
    clasts_reader_close(reader);
    assert_true(meter.peak < MEMORY_MAX / 4);
    assert_int_equal(meter.now, 0);
    store_clear(&store);
}

static void equal_lists_have_equal_roots_and_others_have_not(void **state)
{
    struct store first = {.bodies = NULL}, second = {.bodies = NULL}, other = {.bodies = NULL};
    uint64_t seed = 3;
    uint32_t *sizes = sizes_of(&small_content, 40, &seed);

    (void)state;
    build_list(&first, &small_content, 2, sizes, 40);
    build_list(&second, &small_content, 2, sizes, 40);
    assert_memory_equal(first.root, second.root, HASH);
    sizes[17]++;
    build_list(&other, &small_content, 2, sizes, 40);
    assert_memory_not_equal(first.root, other.root, HASH);
    store_clear(&first);
    store_clear(&second);
    store_clear(&other);
    free(sizes);
}

static void the_examples_of_the_page_are_what_is_written(void **state)
{
    static const uint32_t sizes[] = {300000, 1200000, 5};
    struct chunking defined = chunking_content_defined();
    struct store store = {.bodies = NULL};
    struct clasts_builder *builder = builder_for(&defined, 0, &store);
    struct clasts_body root;
    uint8_t hash[HASH];

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        memset(hash, 0xa0 + i, HASH);
        assert_int_equal(clasts_builder_add(builder, hash, sizes[i]), FLUME_OK);
    }
    assert_int_equal(clasts_builder_end(builder, &root), FLUME_OK);
    expect_dump("clasts", root.data, root.bytes);
    clasts_builder_destroy(builder);
    store_clear(&store);
}

/* --- lack of memory --------------------------------------------------------------------------- */

static int build_metered(struct store *store, flume_allocator *allocator)
{
    struct clasts_builder_options options = {.chunking = small_content,
                                             .spread = 1,
                                             .emit = store_emit,
                                             .emit_ctx = store,
                                             .allocator = allocator};
    struct clasts_builder *builder = NULL;
    struct clasts_body root;
    uint8_t hash[HASH] = {1};
    int status = clasts_builder_create(&options, &builder);

    for (unsigned i = 0; i < 8 && status == FLUME_OK; i++)
        status = clasts_builder_add(builder, hash, SMALL_MAX);
    if (status == FLUME_OK)
        status = clasts_builder_end(builder, &root);
    if (status == FLUME_OK)
        memcpy(store->root, store_put(store, root.data, root.bytes, root.level), HASH);
    clasts_builder_destroy(builder);
    return status;
}

static void a_lack_of_memory_is_told_and_nothing_is_lost(void **state)
{
    struct meter meter = {.left = 0};
    flume_allocator allocator = metered(&meter);
    struct store store = {.bodies = NULL};
    struct clasts_reader_options options = {
        .load = store_load, .load_ctx = &store, .allocator = &allocator};
    struct clasts_reader *reader = NULL;
    struct clasts_chunk chunk;
    unsigned refused = 0;
    int status = FLUME_ERR_NO_MEMORY;

    (void)state;
    for (size_t granted = 0; status != FLUME_OK; granted++) {
        store_clear(&store);
        meter.left = granted;
        status = build_metered(&store, &allocator);
        assert_true(status == FLUME_OK || status == FLUME_ERR_NO_MEMORY);
        assert_int_equal(meter.now, 0);
        refused += status != FLUME_OK;
    }
    assert_int_equal(refused, 4); /* The builder and three levels. */
    for (size_t granted = 0; reader == NULL; granted++) {
        meter.left = granted;
        status = clasts_reader_open(&options, store.root, &reader);
        assert_int_equal(status, reader == NULL ? FLUME_ERR_NO_MEMORY : FLUME_OK);
        assert_true(reader != NULL || meter.now == 0);
    }
    meter.left = 0;
    assert_int_equal(clasts_reader_seek(reader, 0, &chunk), FLUME_ERR_NO_MEMORY);
    meter.left = 1;
    assert_int_equal(clasts_reader_seek(reader, 0, &chunk), FLUME_ERR_NO_MEMORY);
    meter.left = 1;
    assert_int_equal(clasts_reader_seek(reader, 0, &chunk), FLUME_OK);
    assert_int_equal(chunk.bytes, SMALL_MAX);
    clasts_reader_close(reader);
    assert_int_equal(meter.now, 0);
    store_clear(&store);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_found_in_its_chunk),
        cmocka_unit_test(beyond_65536_chunks_a_list_is_a_tree),
        cmocka_unit_test(memory_does_not_depend_on_the_blob),
        cmocka_unit_test(equal_lists_have_equal_roots_and_others_have_not),
        cmocka_unit_test(the_examples_of_the_page_are_what_is_written),
        cmocka_unit_test(a_lack_of_memory_is_told_and_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
