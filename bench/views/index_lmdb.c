/*
 * index_lmdb.c - LMDB without syncs: keys as they come, 10,000 to a transaction, or in order.
 *
 * Keys that come in order are appended (MDB_APPEND) through one cursor: as much as LMDB can do.
 * WRITEMAP is not used, as the views do not use it. A find begins and ends a snapshot of its own.
 */
#include "index.h"
#include "measure.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>

extern const struct index_type index_lmdb_type, index_lmdb_append_type;

enum { TRANSACTION_KEYS = 10000 };

struct lmdb_index {
    struct index base;
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn; /* Open while it is being filled. */
    MDB_cursor *cursor;
    MDB_txn *read_txn; /* Reset between finds. */
    unsigned filled;   /* Keys in txn. */
    unsigned flags;    /* Of a put. */
};

static int fail(const char *what, int code)
{
    errno = 0;
    return bench_fail("lmdb: %s: %s", what, mdb_strerror(code));
}

static int commit(struct lmdb_index *lmdb)
{
    int code;

    if (lmdb->txn == NULL)
        return 0;
    mdb_cursor_close(lmdb->cursor);
    code = mdb_txn_commit(lmdb->txn);
    lmdb->txn = NULL;
    lmdb->filled = 0;
    return code == 0 ? 0 : fail("mdb_txn_commit", code);
}

static void lmdb_close(struct index *index)
{
    struct lmdb_index *lmdb = (struct lmdb_index *)index;

    if (lmdb == NULL)
        return;
    (void)commit(lmdb); /* It has said what failed, and the figure is taken already. */
    if (lmdb->read_txn != NULL)
        mdb_txn_abort(lmdb->read_txn);
    if (lmdb->env != NULL)
        mdb_env_close(lmdb->env);
    free(lmdb);
}

static int open_env(struct lmdb_index *lmdb, const char *dir_path)
{
    const size_t map_bytes = (size_t)64 << 30; /* Address space only. */
    MDB_txn *txn;
    int code;

    if ((code = mdb_env_create(&lmdb->env)) != 0 ||
        (code = mdb_env_set_mapsize(lmdb->env, map_bytes)) != 0 ||
        (code = mdb_env_open(lmdb->env, dir_path, MDB_NOTLS | MDB_NOSYNC, 0666)) != 0)
        return fail("mdb_env_open", code);
    if ((code = mdb_txn_begin(lmdb->env, NULL, 0, &txn)) != 0)
        return fail("mdb_txn_begin", code);
    if ((code = mdb_dbi_open(txn, NULL, MDB_CREATE, &lmdb->dbi)) != 0) {
        mdb_txn_abort(txn);
        return fail("mdb_dbi_open", code);
    }
    code = mdb_txn_commit(txn);
    return code == 0 ? 0 : fail("mdb_txn_commit", code);
}

static int open_with(const struct index_type *type, unsigned flags, const char *dir_path,
                     struct index **out_index)
{
    struct lmdb_index *lmdb = calloc(1, sizeof(*lmdb));

    if (lmdb == NULL)
        return bench_fail("lmdb: no memory");
    lmdb->base.type = type;
    lmdb->flags = flags;
    if (open_env(lmdb, dir_path) != 0) {
        lmdb_close(&lmdb->base);
        return -1;
    }
    *out_index = &lmdb->base;
    return 0;
}

static int open_as_they_come(const char *dir_path, struct index **out_index)
{
    return open_with(&index_lmdb_type, 0, dir_path, out_index);
}

static int open_in_order(const char *dir_path, struct index **out_index)
{
    return open_with(&index_lmdb_append_type, MDB_APPEND, dir_path, out_index);
}

static int lmdb_put(struct index *index, const uint8_t key[INDEX_KEY_BYTES])
{
    struct lmdb_index *lmdb = (struct lmdb_index *)index;
    MDB_val mdb_key = {.mv_size = INDEX_KEY_BYTES, .mv_data = (void *)(uintptr_t)key};
    MDB_val value = {.mv_size = 0, .mv_data = NULL};
    int code;

    if (lmdb->txn == NULL) {
        if ((code = mdb_txn_begin(lmdb->env, NULL, 0, &lmdb->txn)) != 0)
            return fail("mdb_txn_begin", code);
        if ((code = mdb_cursor_open(lmdb->txn, lmdb->dbi, &lmdb->cursor)) != 0)
            return fail("mdb_cursor_open", code);
    }
    if ((code = mdb_cursor_put(lmdb->cursor, &mdb_key, &value, lmdb->flags)) != 0)
        return fail("mdb_cursor_put", code);
    if (lmdb->flags != 0) /* One transaction for all. */
        return 0;
    return ++lmdb->filled == TRANSACTION_KEYS ? commit(lmdb) : 0;
}

static int lmdb_finish(struct index *index)
{
    return commit((struct lmdb_index *)index);
}

static int begin_read(struct lmdb_index *lmdb)
{
    int code = lmdb->read_txn == NULL ? mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &lmdb->read_txn)
                                      : mdb_txn_renew(lmdb->read_txn);

    return code == 0 ? 0 : fail("mdb_txn_begin", code);
}

static int lmdb_find(struct index *index, const uint8_t hash[INDEX_HASH_BYTES], int *out_found)
{
    struct lmdb_index *lmdb = (struct lmdb_index *)index;
    MDB_val key = {.mv_size = INDEX_HASH_BYTES, .mv_data = (void *)(uintptr_t)hash};
    MDB_val value;
    MDB_cursor *cursor;
    int code = begin_read(lmdb);

    if (code != 0)
        return code;
    if ((code = mdb_cursor_open(lmdb->read_txn, lmdb->dbi, &cursor)) != 0)
        return fail("mdb_cursor_open", code);
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    *out_found = code == 0 && memcmp(key.mv_data, hash, INDEX_HASH_BYTES) == 0;
    mdb_cursor_close(cursor);
    mdb_txn_reset(lmdb->read_txn);
    return code == 0 || code == MDB_NOTFOUND ? 0 : fail("mdb_cursor_get", code);
}

static int lmdb_count(struct index *index, uint64_t *out_count)
{
    struct lmdb_index *lmdb = (struct lmdb_index *)index;
    MDB_stat stat;
    int code = begin_read(lmdb);

    if (code != 0)
        return code;
    code = mdb_stat(lmdb->read_txn, lmdb->dbi, &stat);
    mdb_txn_reset(lmdb->read_txn);
    *out_count = stat.ms_entries;
    return code == 0 ? 0 : fail("mdb_stat", code);
}

const struct index_type index_lmdb_type = {
    .name = "lmdb_as_they_come",
    .engine = &engine_lmdb,
    .open = open_as_they_come,
    .put = lmdb_put,
    .finish = lmdb_finish,
    .find = lmdb_find,
    .count = lmdb_count,
    .close = lmdb_close,
};

const struct index_type index_lmdb_append_type = {
    .name = "lmdb_in_order",
    .engine = &engine_lmdb,
    .open = open_in_order,
    .put = lmdb_put,
    .finish = lmdb_finish,
    .count = lmdb_count,
    .close = lmdb_close,
};
