/*
 * environment_transaction.c - transactions of an environment, snapshots, and the map under them.
 *
 * What always holds:
 *   - A transaction that is handed out holds map_lock for reading until it ends, whichever way.
 *   - The map grows, or follows another process that made it larger, only under map_lock alone.
 *   - Meta is stored by the transaction that is committed, so `synced` and the rows go together.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "environment_inside.h"

enum { LET_GROW_NS = 100000000, CHECK_READERS_EVERY = 256 };

/* ---- the map ---- */

static int lock_map_alone(struct environment *env)
{
    struct timespec until;
    int error;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ENVIRONMENT_WAIT_SECONDS;
    (void)atomic_fetch_add(&env->growing, 1);
    error = pthread_rwlock_timedwrlock(&env->map_lock, &until);
    (void)pthread_mutex_lock(&env->idle_mutex);
    (void)atomic_fetch_sub(&env->growing, 1);
    (void)pthread_cond_broadcast(&env->grown);
    (void)pthread_mutex_unlock(&env->idle_mutex);
    return error == 0 ? 0 : EBUSY;
}

/* Readers that come one after the other would never let the map grow. Who waits here too long may
 * be the one that it waits for: a thread with another snapshot. */
static void let_grow(struct environment *env)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LET_GROW_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&env->idle_mutex);
    while (atomic_load(&env->growing) != 0)
        if (pthread_cond_timedwait(&env->grown, &env->idle_mutex, &until) != 0)
            break;
    (void)pthread_mutex_unlock(&env->idle_mutex);
}

static void lock_map_to_read(struct environment *env)
{
    if (atomic_load_explicit(&env->growing, memory_order_relaxed) != 0)
        let_grow(env);
    /* Refused only while the map grows, and that waits for nobody: in no order with other locks. */
    if (pthread_rwlock_tryrdlock(&env->map_lock) != 0)
        (void)pthread_rwlock_rdlock(&env->map_lock);
}

int environment_grow(struct environment *env)
{
    MDB_envinfo info;
    int code = lock_map_alone(env);

    if (code != 0)
        return code;
    code = mdb_env_info(env->mdb, &info);
    if (code == 0)
        code = mdb_env_set_mapsize(env->mdb, info.me_mapsize * 2);
    (void)pthread_rwlock_unlock(&env->map_lock);
    return code;
}

/* Another process has made the map larger. */
static int adopt_map(struct environment *env)
{
    int code = lock_map_alone(env);

    if (code != 0)
        return code;
    code = mdb_env_set_mapsize(env->mdb, 0);
    (void)pthread_rwlock_unlock(&env->map_lock);
    return code;
}

/* ---- writing ---- */

int environment_begin(struct environment *env, MDB_txn **out_txn, struct view_meta *out_meta)
{
    MDB_txn *txn;
    int code;

    if (env->read_only)
        return EACCES;
    if (atomic_fetch_add_explicit(&env->begun, 1, memory_order_relaxed) % CHECK_READERS_EVERY == 0)
        (void)environment_forget_dead_readers(env); /* The file only grows meanwhile. */
    for (;;) {
        (void)pthread_rwlock_rdlock(&env->map_lock);
        code = mdb_txn_begin(env->mdb, NULL, 0, &txn);
        if (code == 0)
            break;
        (void)pthread_rwlock_unlock(&env->map_lock);
        if (code == MDB_PANIC)
            atomic_store(&env->broken, true);
        if (code != MDB_MAP_RESIZED)
            return code;
        code = adopt_map(env);
        if (code != 0)
            return code;
    }
    code = meta_get(env, txn, out_meta);
    if (code != 0) {
        environment_abort(env, txn);
        return code;
    }
    *out_txn = txn;
    return 0;
}

void environment_abort(struct environment *env, MDB_txn *txn)
{
    if (txn == NULL)
        return;
    mdb_txn_abort(txn);
    (void)pthread_rwlock_unlock(&env->map_lock);
}

int environment_commit(struct environment *env, MDB_txn *txn, const struct view_meta *meta)
{
    int code = meta_put(env, txn, meta);

    if (code != 0) {
        environment_abort(env, txn);
        return code;
    }
    code = mdb_txn_commit(txn);
    (void)pthread_rwlock_unlock(&env->map_lock);
    if (code == 0)
        atomic_store_explicit(&env->synced, meta->synced_seq, memory_order_release);
    else if (code == MDB_PANIC)
        atomic_store(&env->broken, true);
    return code;
}

/* ---- reading ---- */

void rows_destroy(flume_rows *rows)
{
    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
        if (rows->cursors[i] != NULL)
            mdb_cursor_close(rows->cursors[i]);
    if (rows->txn != NULL)
        mdb_txn_abort(rows->txn);
    free(rows);
}

static flume_rows *take_idle(struct environment *env)
{
    flume_rows *rows;

    (void)pthread_mutex_lock(&env->idle_mutex);
    rows = env->idle;
    if (rows != NULL)
        env->idle = rows->next;
    (void)pthread_mutex_unlock(&env->idle_mutex);
    return rows;
}

static int begin_snapshot(struct environment *env, flume_rows *rows)
{
    bool checked = false;
    int code;

    for (;;) {
        lock_map_to_read(env);
        code = rows->txn == NULL ? mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &rows->txn)
                                 : mdb_txn_renew(rows->txn);
        if (code == 0)
            return 0;
        (void)pthread_rwlock_unlock(&env->map_lock);
        if (code == MDB_PANIC)
            atomic_store(&env->broken, true);
        if (code == MDB_READERS_FULL && !checked) {
            checked = true;
            code = environment_forget_dead_readers(env);
        } else if (code == MDB_MAP_RESIZED) {
            code = adopt_map(env);
        }
        if (code != 0)
            return code;
    }
}

int environment_read(struct environment *env, flume_rows **out_rows)
{
    flume_rows *rows = take_idle(env);
    int code;

    if (rows == NULL)
        rows = calloc(1, sizeof *rows);
    if (rows == NULL)
        return ENOMEM;
    rows->env = env;
    rows->stands = false;
    rows->at_end = true;
    code = begin_snapshot(env, rows);
    if (code != 0) {
        rows_destroy(rows);
        return code;
    }
    for (size_t i = 0; i < env->table_count; i++)
        if (rows->cursors[i] != NULL)
            (void)mdb_cursor_renew(rows->txn, rows->cursors[i]); /* Fails only for a wrong txn. */
    environment_retain(env);
    *out_rows = rows;
    return 0;
}

void flume_rows_end(flume_rows *rows)
{
    struct environment *env;

    if (rows == NULL)
        return;
    env = rows->env;
    mdb_txn_reset(rows->txn);
    (void)pthread_rwlock_unlock(&env->map_lock);
    (void)pthread_mutex_lock(&env->idle_mutex);
    rows->next = env->idle;
    env->idle = rows;
    (void)pthread_mutex_unlock(&env->idle_mutex);
    environment_release(env);
}

int environment_meta_of(flume_rows *rows, struct view_meta *out_meta)
{
    return meta_get(rows->env, rows->txn, out_meta);
}

int environment_meta(struct environment *env, struct view_meta *out_meta)
{
    flume_rows *rows;
    int code = environment_read(env, &rows);

    if (code != 0)
        return code;
    code = environment_meta_of(rows, out_meta);
    flume_rows_end(rows);
    return code;
}
