/*
 * index_rocksdb.c - RocksDB without a log of its own, 1,000 keys to a batch.
 *
 * It is set up for bulk loading (a vector as memory table, no compaction while it is filled); at
 * the end memory is flushed and everything compacted, so that a find meets one sorted run: what
 * the view is, too. No compression.
 */
#include "index.h"
#include "measure.h"

#include <errno.h>
#include <rocksdb/c.h>
#include <stdlib.h>

extern const struct index_type index_rocksdb_type;

enum { BATCH_KEYS = 1000 };

struct rocksdb_index {
    struct index base;
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *write_options;
    rocksdb_readoptions_t *read_options;
    rocksdb_flushoptions_t *flush_options;
    rocksdb_writebatch_t *batch;
    unsigned filled; /* Keys in batch. */
};

static int fail(const char *what, char *message)
{
    errno = 0;
    (void)bench_fail("rocksdb: %s: %s", what, message);
    rocksdb_free(message);
    return -1;
}

static void rocks_close(struct index *index)
{
    struct rocksdb_index *rocks = (struct rocksdb_index *)index;

    if (rocks == NULL)
        return;
    if (rocks->db != NULL)
        rocksdb_close(rocks->db);
    rocksdb_writebatch_destroy(rocks->batch);
    rocksdb_flushoptions_destroy(rocks->flush_options);
    rocksdb_readoptions_destroy(rocks->read_options);
    rocksdb_writeoptions_destroy(rocks->write_options);
    rocksdb_options_destroy(rocks->options);
    free(rocks);
}

static int rocks_open(const char *dir_path, struct index **out_index)
{
    struct rocksdb_index *rocks = calloc(1, sizeof(*rocks));
    char *message = NULL;

    if (rocks == NULL)
        return bench_fail("rocksdb: no memory");
    rocks->base.type = &index_rocksdb_type;
    rocks->options = rocksdb_options_create();
    rocks->write_options = rocksdb_writeoptions_create();
    rocks->read_options = rocksdb_readoptions_create();
    rocks->flush_options = rocksdb_flushoptions_create();
    rocks->batch = rocksdb_writebatch_create();
    rocksdb_options_prepare_for_bulk_load(rocks->options);
    rocksdb_options_set_memtable_vector_rep(rocks->options);
    rocksdb_options_set_allow_concurrent_memtable_write(rocks->options, 0);
    rocksdb_options_set_create_if_missing(rocks->options, 1);
    rocksdb_options_set_compression(rocks->options, rocksdb_no_compression);
    rocksdb_writeoptions_disable_WAL(rocks->write_options, 1);
    rocks->db = rocksdb_open(rocks->options, dir_path, &message);
    if (message != NULL) {
        rocks_close(&rocks->base);
        return fail("rocksdb_open", message);
    }
    *out_index = &rocks->base;
    return 0;
}

static int write_batch(struct rocksdb_index *rocks)
{
    char *message = NULL;

    rocksdb_write(rocks->db, rocks->write_options, rocks->batch, &message);
    rocksdb_writebatch_clear(rocks->batch);
    rocks->filled = 0;
    return message == NULL ? 0 : fail("rocksdb_write", message);
}

static int rocks_put(struct index *index, const uint8_t key[INDEX_KEY_BYTES])
{
    struct rocksdb_index *rocks = (struct rocksdb_index *)index;

    rocksdb_writebatch_put(rocks->batch, (const char *)key, INDEX_KEY_BYTES, "", 0);
    return ++rocks->filled == BATCH_KEYS ? write_batch(rocks) : 0;
}

static int rocks_finish(struct index *index)
{
    struct rocksdb_index *rocks = (struct rocksdb_index *)index;
    char *message = NULL;

    if (rocks->filled > 0 && write_batch(rocks) != 0)
        return -1;
    rocksdb_flush(rocks->db, rocks->flush_options, &message);
    if (message != NULL)
        return fail("rocksdb_flush", message);
    rocksdb_compact_range(rocks->db, NULL, 0, NULL, 0);
    return 0;
}

static int rocks_count(struct index *index, uint64_t *out_count)
{
    struct rocksdb_index *rocks = (struct rocksdb_index *)index;
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(rocks->db, rocks->read_options);
    char *message = NULL;

    *out_count = 0;
    for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator))
        *out_count += 1;
    rocksdb_iter_get_error(iterator, &message);
    rocksdb_iter_destroy(iterator);
    return message == NULL ? 0 : fail("rocksdb_iter", message);
}

const struct index_type index_rocksdb_type = {
    .name = "rocksdb",
    .engine = &engine_rocksdb,
    .open = rocks_open,
    .put = rocks_put,
    .finish = rocks_finish,
    .count = rocks_count,
    .close = rocks_close,
};
