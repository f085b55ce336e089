/*
 * test_clasts.c - a list of chunks has one encoding, finds each byte, and lies about nothing.
 *
 * The chunks are made up: clasts know only their hashes and sizes.
 */
#include "find_fixture.h"

#include <stdlib.h>

#include "clasts.h"
#include "format_dump.h"
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
enum { HASH = FLUME_HASH_BYTES, SMALL_MIN = 4096, SMALL_AVERAGE = 8192, SMALL_MAX = 16384 };
#define MEMORY_MAX ((size_t)32 << 20)

static const struct chunking content = {CHUNKING_FASTCDC, SMALL_MIN, SMALL_AVERAGE, SMALL_MAX};
static const struct chunking fixed = {CHUNKING_FIXED, 4096, 4096, 4096};

/* --- a store of bodies ------------------------------------------------------------------------- */

struct stored {
    uint8_t *data;
    size_t bytes;
    uint8_t hash[HASH];
    unsigned level;
};

struct store {
    struct stored *bodies;
    size_t count, room;
    unsigned loads;
    size_t fails_at; /* The call of emit or load that fails; 0: none. */
    size_t calls;
    uint8_t root[HASH];
};

static void store_clear(struct store *store)
{
    for (size_t i = 0; i < store->count; i++)
        free(store->bodies[i].data);
    free(store->bodies);
    *store = (struct store){.bodies = NULL};
}

/* Under the hash of what is stored, whatever it is. */
static const uint8_t *store_put(struct store *store, const void *data, size_t bytes, unsigned level)
{
    struct stored *stored;

    if (store->count == store->room) {
        store->room = store->room == 0 ? 16 : 2 * store->room;
        store->bodies = realloc(store->bodies, store->room * sizeof *store->bodies);
        assert_non_null(store->bodies);
    }
    stored = &store->bodies[store->count++];
    stored->data = malloc(bytes + 1);
    assert_non_null(stored->data);
    memcpy(stored->data, data, bytes);
    stored->bytes = bytes;
    stored->level = level;
    flume_hash(data, bytes, stored->hash);
    return stored->hash;
}

static struct stored *store_find(struct store *store, const uint8_t hash[HASH])
{
    for (size_t i = 0; i < store->count; i++)
        if (memcmp(store->bodies[i].hash, hash, HASH) == 0)
            return &store->bodies[i];
    return NULL;
}

static int emit(void *ctx, const struct clasts_body *body)
{
    struct store *store = ctx;

    if (++store->calls == store->fails_at)
        return FLUME_ERR_FULL;
    assert_memory_equal(store_put(store, body->data, body->bytes, body->level), body->hash, HASH);
    return FLUME_OK;
}

static int load(void *ctx, const uint8_t hash[HASH], const uint8_t **out_body,
                size_t *out_body_bytes)
{
    struct store *store = ctx;
    struct stored *stored = store_find(store, hash);

    store->loads++;
    if (++store->calls == store->fails_at)
        return FLUME_ERR_IO;
    if (stored == NULL)
        return FLUME_ERR_NOT_FOUND;
    *out_body = stored->data;
    *out_body_bytes = stored->bytes;
    return FLUME_OK;
}

/* --- memory that is counted, and refused ------------------------------------------------------- */

struct meter {
    size_t now, peak;
    size_t left; /* Allocations that are granted. */
};

/* Each block is preceded by its size. */
static void *meter_resize(void *ctx, void *memory, size_t bytes)
{
    struct meter *meter = ctx;
    size_t *block = memory != NULL ? (size_t *)memory - 2 : NULL;
    size_t before = block != NULL ? *block : 0;

    if (meter->left == 0)
        return NULL;
    meter->left--;
    block = realloc(block, bytes + 2 * sizeof *block);
    assert_non_null(block);
    *block = bytes;
    meter->now += bytes - before;
    if (meter->now > meter->peak)
        meter->peak = meter->now;
    return block + 2;
}

static void *meter_allocate(void *ctx, size_t bytes)
{
    return meter_resize(ctx, NULL, bytes);
}

static void meter_release(void *ctx, void *memory)
{
    struct meter *meter = ctx;
    size_t *block = memory;

    if (memory == NULL)
        return;
    meter->now -= block[-2];
    free(block - 2);
}

static flume_allocator metered(struct meter *meter)
{
    return (flume_allocator){meter_allocate, meter_resize, meter_release, meter};
}

/* --- lists of chunks --------------------------------------------------------------------------- */

static void hash_of_chunk(uint64_t index, uint8_t out_hash[HASH])
{
    for (size_t i = 0; i < HASH; i += 8)
        little_put64(out_hash + i, index * 0x9e3779b97f4a7c15u + i);
}

/* Sizes of chunks that a chunking may give. */
static uint32_t *sizes_of(const struct chunking *chunking, size_t count, uint64_t *io_seed)
{
    uint32_t *sizes = malloc((count + 1) * sizeof *sizes);
    uint32_t spare = chunking->bytes_max - chunking->bytes_min;

    assert_non_null(sizes);
    for (size_t i = 0; i < count; i++)
        sizes[i] = chunking->bytes_min + random_below(io_seed, spare + 1);
    if (count > 0)
        sizes[count - 1] = 1 + random_below(io_seed, chunking->bytes_max);
    return sizes;
}

static struct clasts_builder *builder_for(const struct chunking *chunking, unsigned spread,
                                          struct store *store)
{
    struct clasts_builder_options options = {
        .chunking = *chunking, .spread = spread, .emit = emit, .emit_ctx = store};
    struct clasts_builder *builder = NULL;

    assert_int_equal(clasts_builder_create(&options, &builder), FLUME_OK);
    return builder;
}

/* Build, and store the root as well. */
static void build(struct store *store, const struct chunking *chunking, unsigned spread,
                  const uint32_t *sizes, size_t count)
{
    struct clasts_builder *builder = builder_for(chunking, spread, store);
    struct clasts_body root;
    uint64_t total = 0;
    uint8_t hash[HASH];

    for (size_t i = 0; i < count; i++) {
        hash_of_chunk(i, hash);
        assert_int_equal(clasts_builder_add(builder, hash, sizes[i]), FLUME_OK);
        total += sizes[i];
    }
    assert_int_equal(clasts_builder_chunks(builder), count);
    assert_int_equal(clasts_builder_bytes(builder), total);
    assert_int_equal(clasts_builder_end(builder, &root), FLUME_OK);
    assert_int_equal(root.content_bytes, total);
    memcpy(store->root, root.hash, HASH);
    assert_memory_equal(store_put(store, root.data, root.bytes, root.level), root.hash, HASH);
    clasts_builder_destroy(builder);
}

static int open_reader(struct store *store, struct clasts_reader **out_reader)
{
    struct clasts_reader_options options = {.load = load, .load_ctx = store};

    return clasts_reader_open(&options, store->root, out_reader);
}

static struct clasts_reader *reader_of(struct store *store)
{
    struct clasts_reader *reader = NULL;

    assert_int_equal(open_reader(store, &reader), FLUME_OK);
    return reader;
}

static void expect_chunk(struct clasts_reader *reader, uint64_t offset, uint64_t index,
                         uint64_t begin, uint32_t bytes)
{
    struct clasts_chunk chunk;
    uint8_t hash[HASH];

    hash_of_chunk(index, hash);
    assert_int_equal(clasts_reader_seek(reader, offset, &chunk), FLUME_OK);
    assert_int_equal(chunk.index, index);
    assert_int_equal(chunk.offset_bytes, begin);
    assert_int_equal(chunk.bytes, bytes);
    assert_memory_equal(chunk.hash, hash, HASH);
}

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

/* --- lists and trees --------------------------------------------------------------------------- */

static void each_byte_is_found_in_its_chunk(void **state)
{
    static const struct chunking *const chunkings[] = {&content, &fixed};
    uint64_t seed = random_seed();

    (void)state;
    for (unsigned spread = 1; spread <= 3; spread++) {
        for (size_t count = 1; count <= (size_t)1 << (3 * spread); count += 1 + count / 40) {
            for (size_t c = 0; c < 2; c++) {
                uint32_t *sizes = sizes_of(chunkings[c], count, &seed);
                struct store store = {.bodies = NULL};

                build(&store, chunkings[c], spread, sizes, count);
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

    build(&store, chunking, 0, sizes, count);
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
    expect_shape(&fixed, 65536, 1, 1);
    expect_shape(&fixed, 65537, 2, 3);
    expect_shape(&content, 65536, 1, 1);
    expect_shape(&content, 65537, 2, 3);
    expect_shape(&content, 131073, 2, 4);
}

static void memory_does_not_depend_on_the_blob(void **state)
{
    enum { CHUNKS = 300000 };
    struct meter meter = {.left = SIZE_MAX};
    flume_allocator allocator = metered(&meter);
    struct store store = {.bodies = NULL};
    struct clasts_builder_options options = {
        .chunking = content, .emit = emit, .emit_ctx = &store, .allocator = &allocator};
    struct clasts_reader_options reading = {
        .load = load, .load_ctx = &store, .allocator = &allocator};
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
    uint32_t *sizes = sizes_of(&content, 40, &seed);

    (void)state;
    build(&first, &content, 2, sizes, 40);
    build(&second, &content, 2, sizes, 40);
    assert_memory_equal(first.root, second.root, HASH);
    sizes[17]++;
    build(&other, &content, 2, sizes, 40);
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

/* --- what is refused --------------------------------------------------------------------------- */

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
        struct clasts_builder *builder = builder_for(&content, 1, &store);
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
    struct clasts_builder_options options = {.chunking = content, .spread = 17, .emit = emit};
    struct clasts_builder *builder = NULL;
    struct clasts_body root;
    uint8_t hash[HASH] = {1};

    (void)state;
    assert_int_equal(clasts_builder_create(&options, &builder), FLUME_ERR_INVALID);
    options.spread = 0;
    options.chunking.bytes_average++;
    assert_int_equal(clasts_builder_create(&options, &builder), FLUME_ERR_INVALID);
    assert_null(builder);
    builder = builder_for(&content, 1, &store);
    assert_int_equal(clasts_builder_end(builder, &root), FLUME_ERR_INVALID);
    clasts_builder_destroy(builder);
    builder = builder_for(&content, 1, &store);
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
    static const struct chunking *const chunkings[] = {&content, &fixed};
    uint64_t seed = random_seed();

    (void)state;
    for (size_t c = 0; c < 2; c++) {
        uint32_t *sizes = sizes_of(chunkings[c], 7, &seed);
        struct store store = {.bodies = NULL};

        build(&store, chunkings[c], 1, sizes, 7);
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
            expect_refused(&content, level, lies[i].at, lies[i].bytes, lies[i].value,
                           lies[i].expected);
            expect_refused(&fixed, level, lies[i].at, lies[i].bytes, lies[i].value,
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

        expect_refused(&content, level, ends_at, 8, 0, FLUME_ERR_DAMAGED);
        expect_refused(&content, level, ends_at, 8, least - 1, FLUME_ERR_DAMAGED);
        expect_refused(&content, level, ends_at, 8, unit + 1, FLUME_ERR_DAMAGED);
        expect_refused(&content, level, ends_at + 8, 8, unit, FLUME_ERR_DAMAGED); /* Empty. */
        expect_refused(&content, level, ends_at + 8, 8, 1, FLUME_ERR_DAMAGED);    /* Falls. */
        expect_refused(&content, level, ends_at + 8, 8, UINT64_MAX, FLUME_ERR_DAMAGED);
        /* The last one: not where the total is. */
        expect_refused(&content, level, ends_at + 32, 8, 4 * unit + 999, FLUME_ERR_DAMAGED);
        expect_refused(&content, level, ends_at + 32, 8, 4 * unit, FLUME_ERR_DAMAGED);
        expect_refused(&content, level, ends_at + 32, 8, 5 * unit + 1, FLUME_ERR_DAMAGED);
    }
}

static void a_body_that_is_cut_or_goes_on_is_refused(void **state)
{
    static const struct chunking *const chunkings[] = {&content, &fixed};
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
    size_t second_bytes = forge(second, &content, 0, 2, family->second_count, family->second_last);
    size_t root_bytes = forge(root, &content, 1, 2, 2, 1);
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
    const struct family good = {.chunking = content,
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
    size_t bytes = forge(body, &content, 1, 2, 1, 5000);

    (void)state;
    memcpy(store.root, store_put(&store, body, bytes, 1), HASH);
    assert_int_equal(open_reader(&store, &reader), FLUME_ERR_DAMAGED);
    assert_null(reader);
    store_clear(&store);
}

static void a_body_that_is_not_there_is_told_as_its_store_tells_it(void **state)
{
    uint64_t seed = 3;
    uint32_t *sizes = sizes_of(&content, 8, &seed);
    struct store store = {.bodies = NULL};
    struct clasts_reader *reader;
    struct clasts_chunk chunk;

    (void)state;
    build(&store, &content, 1, sizes, 8);
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
        struct clasts_builder *builder = builder_for(&fixed, 1, &store);
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

/* --- lack of memory ---------------------------------------------------------------------------- */

static int build_metered(struct store *store, flume_allocator *allocator)
{
    struct clasts_builder_options options = {
        .chunking = content, .spread = 1, .emit = emit, .emit_ctx = store, .allocator = allocator};
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
        .load = load, .load_ctx = &store, .allocator = &allocator};
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
        cmocka_unit_test(a_lack_of_memory_is_told_and_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
