/*
 * engine_rocksdb.c - RocksDB with big-endian keys.
 *
 * 64 MiB write buffers (its default) and a block cache for everything; no compression, since nobody
 * else compresses and the bodies are random; checksums are verified when a block is read into the
 * cache. Gets are pinned: the body is read in the cache, not copied.
 */
#include "engine.h"
#include "measure.h"

#include <endian.h>
#include <errno.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdlib.h>

extern const struct engine_type engine_rocksdb_type;

static const size_t cache_bytes = (size_t)2 << 30;

struct rocksdb_engine {
    struct engine base;
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_block_based_table_options_t *table_options;
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write_options;
    rocksdb_readoptions_t *read_options;
    atomic_uint_fast64_t next_key;
};

static int fail(const char *what, char *message)
{
    errno = 0;
    (void)bench_fail("rocksdb: %s: %s", what, message);
    rocksdb_free(message);
    return -1;
}

static void rocks_close(struct engine *engine)
{
    struct rocksdb_engine *rocks = (struct rocksdb_engine *)engine;

    if (rocks == NULL)
        return;
    if (rocks->db != NULL)
        rocksdb_close(rocks->db);
    rocksdb_readoptions_destroy(rocks->read_options);
    rocksdb_writeoptions_destroy(rocks->write_options);
    rocksdb_options_destroy(rocks->options);
    rocksdb_block_based_options_destroy(rocks->table_options);
    rocksdb_cache_destroy(rocks->cache);
    free(rocks);
}

static int rocks_open(const struct engine_setting *setting, struct engine **out_engine)
{
    struct rocksdb_engine *rocks = calloc(1, sizeof(*rocks));
    char *message = NULL;

    if (rocks == NULL)
        return bench_fail("rocksdb: no memory");
    rocks->base.type = &engine_rocksdb_type;
    rocks->cache = rocksdb_cache_create_lru(cache_bytes);
    rocks->table_options = rocksdb_block_based_options_create();
    rocks->options = rocksdb_options_create();
    rocks->write_options = rocksdb_writeoptions_create();
    rocks->read_options = rocksdb_readoptions_create();
    rocksdb_block_based_options_set_block_cache(rocks->table_options, rocks->cache);
    rocksdb_options_set_block_based_table_factory(rocks->options, rocks->table_options);
    rocksdb_options_set_create_if_missing(rocks->options, 1);
    rocksdb_options_set_compression(rocks->options, rocksdb_no_compression);
    rocksdb_writeoptions_set_sync(rocks->write_options, setting->durability == ENGINE_DURABLE_EACH);
    rocksdb_readoptions_set_verify_checksums(rocks->read_options, 1);
    rocks->db = rocksdb_open(rocks->options, setting->dir_path, &message);
    if (message != NULL) {
        rocks_close(&rocks->base);
        return fail("rocksdb_open", message);
    }
    *out_engine = &rocks->base;
    return 0;
}

static int rocks_append(struct engine *engine, const void *body, size_t body_bytes)
{
    struct rocksdb_engine *rocks = (struct rocksdb_engine *)engine;
    uint64_t key = htobe64(atomic_fetch_add(&rocks->next_key, 1));
    char *message = NULL;

    rocksdb_put(rocks->db, rocks->write_options, (const char *)&key, sizeof(key), body, body_bytes,
                &message);
    return message == NULL ? 0 : fail("rocksdb_put", message);
}

static int rocks_get(struct engine *engine, uint64_t place, uint64_t *io_sum)
{
    struct rocksdb_engine *rocks = (struct rocksdb_engine *)engine;
    uint64_t key = htobe64(place);
    size_t body_bytes;
    const char *body;
    char *message = NULL;
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned(rocks->db, rocks->read_options,
                                                        (const char *)&key, sizeof(key), &message);

    if (message != NULL)
        return fail("rocksdb_get_pinned", message);
    body = rocksdb_pinnableslice_value(slice, &body_bytes);
    if (body == NULL)
        return bench_fail("rocksdb: a record is missing");
    *io_sum += body_sum(body, body_bytes);
    rocksdb_pinnableslice_destroy(slice);
    return 0;
}

static int rocks_scan(struct engine *engine, uint64_t *io_count, uint64_t *io_sum)
{
    struct rocksdb_engine *rocks = (struct rocksdb_engine *)engine;
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(rocks->db, rocks->read_options);
    char *message = NULL;

    for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator)) {
        size_t body_bytes;
        const char *body = rocksdb_iter_value(iterator, &body_bytes);

        *io_sum += body_sum(body, body_bytes);
        *io_count += 1;
    }
    rocksdb_iter_get_error(iterator, &message);
    rocksdb_iter_destroy(iterator);
    return message == NULL ? 0 : fail("rocksdb_iter", message);
}

/* The version is in a header for C++ only; the build reads it there. */
static const char *rocks_version(void)
{
    return "RocksDB " BENCH_ROCKSDB_VERSION;
}

const struct engine_type engine_rocksdb_type = {
    .name = "rocksdb",
    .package = "librocksdb-dev",
    .version = rocks_version,
    .may_share = 1,
    .open = rocks_open,
    .append = rocks_append,
    .get = rocks_get,
    .scan = rocks_scan,
    .close = rocks_close,
};
