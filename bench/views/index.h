/*
 * index.h - one face for the peers of the view "hash": a sorted set of keys, filled as they come.
 *
 * A key is what the view's own rows are: the first 8 bytes of a body's hash and the record's seq in
 * eight bytes big-endian, with nothing as its value. Each adapter (index_NAME.c) is used in the way
 * that is quickest for it, and says so at its top.
 */
#ifndef BENCH_INDEX_H
#define BENCH_INDEX_H

#include "engine.h"

enum { INDEX_KEY_BYTES = 16, INDEX_HASH_BYTES = 8 };

struct index_type;

/* The first member of every adapter's own struct. */
struct index {
    const struct index_type *type;
};

struct index_type {
    const char *name;
    const struct engine_type *const *engine; /* Whose package it needs. */

    /* All return 0, or -1 after bench_fail() has said why. */
    int (*open)(const char *dir_path, struct index **out_index);
    int (*put)(struct index *index, const uint8_t key[INDEX_KEY_BYTES]);
    /* Everything put can be found by others. */
    int (*finish)(struct index *index);
    /* Whether there is a key with this hash. Each call sees the newest; NULL: not measured. */
    int (*find)(struct index *index, const uint8_t hash[INDEX_HASH_BYTES], int *out_found);
    int (*count)(struct index *index, uint64_t *out_count);
    void (*close)(struct index *index); /* NULL is harmless. */
};

/* Their open is NULL where the peer was not found when this was built. */
extern const struct index_type *const index_lmdb;        /* As they come, 10,000 a transaction. */
extern const struct index_type *const index_lmdb_append; /* Keys in order, MDB_APPEND. */
extern const struct index_type *const index_rocksdb;
extern const struct index_type *const index_sqlite;

#endif
