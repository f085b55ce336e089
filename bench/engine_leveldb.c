/*
 * engine_leveldb.c - LevelDB with big-endian keys.
 *
 * 64 MiB write buffers and a block cache for everything, both more than its defaults; no
 * compression, since nobody else compresses and the bodies are random; checksums are verified when
 * a block is read into the cache.
 */
#include "engine.h"
#include "measure.h"

#include <endian.h>
#include <errno.h>
#include <leveldb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct engine_type engine_leveldb_type;

enum { WRITE_BUFFER_BYTES = 64 << 20 };
static const size_t cache_bytes = (size_t)2 << 30;

struct leveldb_engine {
    struct engine base;
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_writeoptions_t *write_options;
    leveldb_readoptions_t *read_options;
    atomic_uint_fast64_t next_key;
};

static int fail(const char *what, char *message)
{
    errno = 0;
    (void)bench_fail("leveldb: %s: %s", what, message);
    leveldb_free(message);
    return -1;
}

static void level_close(struct engine *engine)
{
    struct leveldb_engine *level = (struct leveldb_engine *)engine;

    if (level == NULL)
        return;
    if (level->db != NULL)
        leveldb_close(level->db);
    leveldb_readoptions_destroy(level->read_options);
    leveldb_writeoptions_destroy(level->write_options);
    leveldb_options_destroy(level->options);
    leveldb_cache_destroy(level->cache);
    free(level);
}

static int level_open(const struct engine_setting *setting, struct engine **out_engine)
{
    struct leveldb_engine *level = calloc(1, sizeof(*level));
    char *message = NULL;

    if (level == NULL)
        return bench_fail("leveldb: no memory");
    level->base.type = &engine_leveldb_type;
    level->cache = leveldb_cache_create_lru(cache_bytes);
    level->options = leveldb_options_create();
    level->write_options = leveldb_writeoptions_create();
    level->read_options = leveldb_readoptions_create();
    leveldb_options_set_create_if_missing(level->options, 1);
    leveldb_options_set_write_buffer_size(level->options, WRITE_BUFFER_BYTES);
    leveldb_options_set_compression(level->options, leveldb_no_compression);
    leveldb_options_set_cache(level->options, level->cache);
    leveldb_writeoptions_set_sync(level->write_options, setting->durability == ENGINE_DURABLE_EACH);
    leveldb_readoptions_set_verify_checksums(level->read_options, 1);
    level->db = leveldb_open(level->options, setting->dir_path, &message);
    if (message != NULL) {
        level_close(&level->base);
        return fail("leveldb_open", message);
    }
    *out_engine = &level->base;
    return 0;
}

static int level_append(struct engine *engine, const void *body, size_t body_bytes)
{
    struct leveldb_engine *level = (struct leveldb_engine *)engine;
    uint64_t key = htobe64(atomic_fetch_add(&level->next_key, 1));
    char *message = NULL;

    leveldb_put(level->db, level->write_options, (const char *)&key, sizeof(key), body, body_bytes,
                &message);
    return message == NULL ? 0 : fail("leveldb_put", message);
}

static int level_get(struct engine *engine, uint64_t place, uint64_t *io_sum)
{
    struct leveldb_engine *level = (struct leveldb_engine *)engine;
    uint64_t key = htobe64(place);
    size_t body_bytes;
    char *message = NULL;
    char *body = leveldb_get(level->db, level->read_options, (const char *)&key, sizeof(key),
                             &body_bytes, &message);

    if (message != NULL)
        return fail("leveldb_get", message);
    if (body == NULL)
        return bench_fail("leveldb: a record is missing");
    *io_sum += body_sum(body, body_bytes);
    leveldb_free(body);
    return 0;
}

static int level_scan(struct engine *engine, uint64_t *io_count, uint64_t *io_sum)
{
    struct leveldb_engine *level = (struct leveldb_engine *)engine;
    leveldb_iterator_t *iterator = leveldb_create_iterator(level->db, level->read_options);
    char *message = NULL;

    for (leveldb_iter_seek_to_first(iterator); leveldb_iter_valid(iterator);
         leveldb_iter_next(iterator)) {
        size_t body_bytes;
        const char *body = leveldb_iter_value(iterator, &body_bytes);

        *io_sum += body_sum(body, body_bytes);
        *io_count += 1;
    }
    leveldb_iter_get_error(iterator, &message);
    leveldb_iter_destroy(iterator);
    return message == NULL ? 0 : fail("leveldb_iter", message);
}

static const char *level_version(void)
{
    static char text[32];

    (void)snprintf(text, sizeof(text), "LevelDB %d.%d", leveldb_major_version(),
                   leveldb_minor_version());
    return text;
}

const struct engine_type engine_leveldb_type = {
    .name = "leveldb",
    .package = "libleveldb-dev",
    .version = level_version,
    .may_share = 1,
    .open = level_open,
    .append = level_append,
    .get = level_get,
    .scan = level_scan,
    .close = level_close,
};
