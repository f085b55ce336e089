/*
 * clasts_fixture.c - see clasts_fixture.h.
 */
#include "clasts_fixture.h"

#include <stdlib.h>

#include "little.h"

const struct chunking small_content = {CHUNKING_FASTCDC, SMALL_MIN, SMALL_AVERAGE, SMALL_MAX};
const struct chunking small_fixed = {CHUNKING_FIXED, 4096, 4096, 4096};

/* --- a store of bodies ------------------------------------------------------------------------ */

void store_clear(struct store *store)
{
    for (size_t i = 0; i < store->count; i++)
        free(store->bodies[i].data);
    free(store->bodies);
    *store = (struct store){.bodies = NULL};
}

/* Under the hash of what is stored, whatever it is. */
const uint8_t *store_put(struct store *store, const void *data, size_t bytes, unsigned level)
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

struct stored *store_find(struct store *store, const uint8_t hash[HASH])
{
    for (size_t i = 0; i < store->count; i++)
        if (memcmp(store->bodies[i].hash, hash, HASH) == 0)
            return &store->bodies[i];
    return NULL;
}

int store_emit(void *ctx, const struct clasts_body *body)
{
    struct store *store = ctx;

    if (++store->calls == store->fails_at)
        return FLUME_ERR_FULL;
    assert_memory_equal(store_put(store, body->data, body->bytes, body->level), body->hash, HASH);
    return FLUME_OK;
}

int store_load(void *ctx, const uint8_t hash[HASH], const uint8_t **out_body,
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

/* --- memory that is counted, and refused ------------------------------------------------------ */

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

flume_allocator metered(struct meter *meter)
{
    return (flume_allocator){meter_allocate, meter_resize, meter_release, meter};
}

/* --- lists of chunks -------------------------------------------------------------------------- */

void hash_of_chunk(uint64_t index, uint8_t out_hash[HASH])
{
    for (size_t i = 0; i < HASH; i += 8)
        little_put64(out_hash + i, index * 0x9e3779b97f4a7c15u + i);
}

/* Sizes of chunks that a chunking may give. */
uint32_t *sizes_of(const struct chunking *chunking, size_t count, uint64_t *io_seed)
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

struct clasts_builder *builder_for(const struct chunking *chunking, unsigned spread,
                                   struct store *store)
{
    struct clasts_builder_options options = {
        .chunking = *chunking, .spread = spread, .emit = store_emit, .emit_ctx = store};
    struct clasts_builder *builder = NULL;

    assert_int_equal(clasts_builder_create(&options, &builder), FLUME_OK);
    return builder;
}

/* Build, and store the root as well. */
void build_list(struct store *store, const struct chunking *chunking, unsigned spread,
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

int open_reader(struct store *store, struct clasts_reader **out_reader)
{
    struct clasts_reader_options options = {.load = store_load, .load_ctx = store};

    return clasts_reader_open(&options, store->root, out_reader);
}

struct clasts_reader *reader_of(struct store *store)
{
    struct clasts_reader *reader = NULL;

    assert_int_equal(open_reader(store, &reader), FLUME_OK);
    return reader;
}

void expect_chunk(struct clasts_reader *reader, uint64_t offset, uint64_t index, uint64_t begin,
                  uint32_t bytes)
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
