/*
 * engine_lmdb.c - LMDB with integer keys, MDB_APPEND and MDB_NOSYNC.
 *
 * A record is visible to other processes when its transaction is committed; one a transaction is
 * what compares with an append. All gets and each scan share one snapshot, which spares LMDB a
 * renewal for each get. LMDB checks no checksum when it reads.
 */
#include "engine.h"
#include "measure.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>

extern const struct engine_type engine_lmdb_type;

struct lmdb_engine {
    struct engine base;
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *write_txn; /* Open while a transaction of several records is being filled. */
    MDB_txn *read_txn;  /* The snapshot of gets; made at the first. */
    size_t next_key;    /* Guarded by the write transaction. */
    uint64_t filled;    /* Records in write_txn. */
    uint64_t transaction_records;
};

static int fail(const char *what, int code)
{
    errno = 0;
    return bench_fail("lmdb: %s: %s", what, mdb_strerror(code));
}

static int commit(struct lmdb_engine *lmdb)
{
    int code;

    if (lmdb->write_txn == NULL)
        return 0;
    code = mdb_txn_commit(lmdb->write_txn);
    lmdb->write_txn = NULL;
    lmdb->filled = 0;
    return code == 0 ? 0 : fail("mdb_txn_commit", code);
}

static void lmdb_close(struct engine *engine)
{
    struct lmdb_engine *lmdb = (struct lmdb_engine *)engine;

    if (lmdb == NULL)
        return;
    (void)commit(lmdb); /* It has said what failed, and the figure is taken already. */
    if (lmdb->read_txn != NULL)
        mdb_txn_abort(lmdb->read_txn);
    if (lmdb->env != NULL)
        mdb_env_close(lmdb->env);
    free(lmdb);
}

static int open_env(struct lmdb_engine *lmdb, const struct engine_setting *setting)
{
    const size_t map_bytes = (size_t)16 << 30; /* Address space only. */
    unsigned flags = MDB_NOTLS;
    MDB_txn *txn;
    int code;

    if (setting->durability != ENGINE_DURABLE_EACH)
        flags |= MDB_NOSYNC;
    if ((code = mdb_env_create(&lmdb->env)) != 0 ||
        (code = mdb_env_set_mapsize(lmdb->env, map_bytes)) != 0 ||
        (code = mdb_env_open(lmdb->env, setting->dir_path, flags, 0666)) != 0)
        return fail("mdb_env_open", code);
    if ((code = mdb_txn_begin(lmdb->env, NULL, 0, &txn)) != 0)
        return fail("mdb_txn_begin", code);
    if ((code = mdb_dbi_open(txn, NULL, MDB_INTEGERKEY | MDB_CREATE, &lmdb->dbi)) != 0) {
        mdb_txn_abort(txn);
        return fail("mdb_dbi_open", code);
    }
    code = mdb_txn_commit(txn);
    return code == 0 ? 0 : fail("mdb_txn_commit", code);
}

static int lmdb_open(const struct engine_setting *setting, struct engine **out_engine)
{
    struct lmdb_engine *lmdb = calloc(1, sizeof(*lmdb));

    if (lmdb == NULL)
        return bench_fail("lmdb: no memory");
    lmdb->base.type = &engine_lmdb_type;
    lmdb->transaction_records = setting->transaction_records;
    if (open_env(lmdb, setting) != 0) {
        lmdb_close(&lmdb->base);
        return -1;
    }
    *out_engine = &lmdb->base;
    return 0;
}

static int put(struct lmdb_engine *lmdb, MDB_txn *txn, const void *body, size_t body_bytes)
{
    size_t number = lmdb->next_key++;
    MDB_val key = {.mv_size = sizeof(number), .mv_data = &number};
    MDB_val value = {.mv_size = body_bytes, .mv_data = (void *)(uintptr_t)body};
    int code = mdb_put(txn, lmdb->dbi, &key, &value, MDB_APPEND);

    return code == 0 ? 0 : fail("mdb_put", code);
}

/* By any thread: the write transaction is LMDB's own lock. */
static int append_alone(struct lmdb_engine *lmdb, const void *body, size_t body_bytes)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(lmdb->env, NULL, 0, &txn);

    if (code != 0)
        return fail("mdb_txn_begin", code);
    if (put(lmdb, txn, body, body_bytes) != 0) {
        mdb_txn_abort(txn);
        return -1;
    }
    code = mdb_txn_commit(txn);
    return code == 0 ? 0 : fail("mdb_txn_commit", code);
}

static int lmdb_append(struct engine *engine, const void *body, size_t body_bytes)
{
    struct lmdb_engine *lmdb = (struct lmdb_engine *)engine;
    int code;

    if (lmdb->transaction_records <= 1)
        return append_alone(lmdb, body, body_bytes);
    if (lmdb->write_txn == NULL &&
        (code = mdb_txn_begin(lmdb->env, NULL, 0, &lmdb->write_txn)) != 0)
        return fail("mdb_txn_begin", code);
    if (put(lmdb, lmdb->write_txn, body, body_bytes) != 0)
        return -1;
    lmdb->filled++;
    return lmdb->filled == lmdb->transaction_records ? commit(lmdb) : 0;
}

static int lmdb_finish(struct engine *engine)
{
    return commit((struct lmdb_engine *)engine);
}

static int lmdb_get(struct engine *engine, uint64_t place, uint64_t *io_sum)
{
    struct lmdb_engine *lmdb = (struct lmdb_engine *)engine;
    size_t number = place;
    MDB_val key = {.mv_size = sizeof(number), .mv_data = &number};
    MDB_val value;
    int code;

    if (lmdb->read_txn == NULL &&
        (code = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &lmdb->read_txn)) != 0)
        return fail("mdb_txn_begin", code);
    if ((code = mdb_get(lmdb->read_txn, lmdb->dbi, &key, &value)) != 0)
        return fail("mdb_get", code);
    *io_sum += body_sum(value.mv_data, value.mv_size);
    return 0;
}

static int scan_with(MDB_cursor *cursor, uint64_t *io_count, uint64_t *io_sum)
{
    MDB_val key;
    MDB_val value;
    int code;

    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        *io_sum += body_sum(value.mv_data, value.mv_size);
        *io_count += 1;
    }
    return code == MDB_NOTFOUND ? 0 : fail("mdb_cursor_get", code);
}

static int lmdb_scan(struct engine *engine, uint64_t *io_count, uint64_t *io_sum)
{
    struct lmdb_engine *lmdb = (struct lmdb_engine *)engine;
    MDB_txn *txn;
    MDB_cursor *cursor;
    int code = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);
    int status;

    if (code != 0)
        return fail("mdb_txn_begin", code);
    if ((code = mdb_cursor_open(txn, lmdb->dbi, &cursor)) != 0) {
        mdb_txn_abort(txn);
        return fail("mdb_cursor_open", code);
    }
    status = scan_with(cursor, io_count, io_sum);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return status;
}

static const char *lmdb_version(void)
{
    return mdb_version(NULL, NULL, NULL);
}

const struct engine_type engine_lmdb_type = {
    .name = "lmdb",
    .package = "liblmdb-dev",
    .version = lmdb_version,
    .may_share = 1,
    .open = lmdb_open,
    .append = lmdb_append,
    .finish = lmdb_finish,
    .get = lmdb_get,
    .scan = lmdb_scan,
    .close = lmdb_close,
};
