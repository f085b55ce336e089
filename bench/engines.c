/*
 * engines.c - which peers this program was built with.
 */
#include "engine.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef BENCH_HAVE_LMDB
extern const struct engine_type engine_lmdb_type;
const struct engine_type *const engine_lmdb = &engine_lmdb_type;
#else
static const struct engine_type lmdb_missing = {.name = "lmdb", .package = "liblmdb-dev"};
const struct engine_type *const engine_lmdb = &lmdb_missing;
#endif

#ifdef BENCH_HAVE_LEVELDB
extern const struct engine_type engine_leveldb_type;
const struct engine_type *const engine_leveldb = &engine_leveldb_type;
#else
static const struct engine_type leveldb_missing = {.name = "leveldb", .package = "libleveldb-dev"};
const struct engine_type *const engine_leveldb = &leveldb_missing;
#endif

#ifdef BENCH_HAVE_ROCKSDB
extern const struct engine_type engine_rocksdb_type;
const struct engine_type *const engine_rocksdb = &engine_rocksdb_type;
#else
static const struct engine_type rocksdb_missing = {.name = "rocksdb", .package = "librocksdb-dev"};
const struct engine_type *const engine_rocksdb = &rocksdb_missing;
#endif

#ifdef BENCH_HAVE_SQLITE
extern const struct engine_type engine_sqlite_type;
const struct engine_type *const engine_sqlite = &engine_sqlite_type;
#else
static const struct engine_type sqlite_missing = {.name = "sqlite", .package = "libsqlite3-dev"};
const struct engine_type *const engine_sqlite = &sqlite_missing;
#endif

char *engine_path(const char *dir_path, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", dir_path, name) < 0) {
        (void)bench_fail("no memory for a path");
        return NULL;
    }
    return path;
}
