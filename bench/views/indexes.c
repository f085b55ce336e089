/*
 * indexes.c - which peers of the view "hash" this program was built with.
 */
#include "index.h"

#ifdef BENCH_HAVE_LMDB
extern const struct index_type index_lmdb_type, index_lmdb_append_type;
const struct index_type *const index_lmdb = &index_lmdb_type;
const struct index_type *const index_lmdb_append = &index_lmdb_append_type;
#else
static const struct index_type lmdb_missing = {.name = "lmdb", .engine = &engine_lmdb};
const struct index_type *const index_lmdb = &lmdb_missing;
const struct index_type *const index_lmdb_append = &lmdb_missing;
#endif

#ifdef BENCH_HAVE_ROCKSDB
extern const struct index_type index_rocksdb_type;
const struct index_type *const index_rocksdb = &index_rocksdb_type;
#else
static const struct index_type rocksdb_missing = {.name = "rocksdb", .engine = &engine_rocksdb};
const struct index_type *const index_rocksdb = &rocksdb_missing;
#endif

#ifdef BENCH_HAVE_SQLITE
extern const struct index_type index_sqlite_type;
const struct index_type *const index_sqlite = &index_sqlite_type;
#else
static const struct index_type sqlite_missing = {.name = "sqlite", .engine = &engine_sqlite};
const struct index_type *const index_sqlite = &sqlite_missing;
#endif
