/*
 * environment.c - the LMDB environment of one generation of a view, opened once per process
 * (environment.h).
 */
#include "environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "little.h"
#include "place.h"

enum { READERS_MAX = 1024, WAIT_SECONDS = 5, LET_GROW_NS = 100000000, CHECK_READERS_EVERY = 256 };
#define MAP_BYTES_MIN (UINT64_C(1) << 20)

/* Meta's bytes. */
enum {
    META_FORMAT_AT = 0,
    META_VERSION_AT = 4,
    META_COMPLETE_AT = 8,
    META_SYNCED_AT = 16,
    META_CHECK_AT = 24,
    META_PASSED_OVER_AT = 32,
    META_PART_COUNT_AT = 40,
    META_PARTS_AT = 48,
    META_BYTES_COMPLETE = META_PARTS_AT, /* A complete build has no parts. */

    PART_FROM_AT = 0,
    PART_TO_AT = 8,
    PART_SYNCED_AT = 16,
    PART_CHECK_AT = 24,
    PART_PASSED_OVER_AT = 32,
    PART_RUNS_AT = 40,
    PART_BYTES = PART_RUNS_AT + 4 * FLUME_VIEW_TABLES_MAX,
    META_BYTES_MAX = META_PARTS_AT + META_PARTS_MAX * PART_BYTES
};

/* The environments this process has open. */
static pthread_mutex_t open_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t open_changed = PTHREAD_COND_INITIALIZER;
static struct environment *open_environments;

/* ---- meta ---- */

static void part_encode(const struct view_part *part, uint8_t target[PART_BYTES])
{
    little_put64(target + PART_FROM_AT, part->from_seq);
    little_put64(target + PART_TO_AT, part->to_seq);
    little_put64(target + PART_SYNCED_AT, part->synced_seq);
    little_put64(target + PART_CHECK_AT, part->check);
    little_put64(target + PART_PASSED_OVER_AT, part->passed_over);
    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
        little_put32(target + PART_RUNS_AT + 4 * i, part->runs[i]);
}

static void part_decode(const uint8_t source[PART_BYTES], struct view_part *out)
{
    out->from_seq = little_get64(source + PART_FROM_AT);
    out->to_seq = little_get64(source + PART_TO_AT);
    out->synced_seq = little_get64(source + PART_SYNCED_AT);
    out->check = little_get64(source + PART_CHECK_AT);
    out->passed_over = little_get64(source + PART_PASSED_OVER_AT);
    for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
        out->runs[i] = little_get32(source + PART_RUNS_AT + 4 * i);
}

/* Returns how many bytes it takes. */
static size_t meta_encode(const struct view_meta *meta, uint8_t target[META_BYTES_MAX])
{
    memset(target, 0, META_BYTES_COMPLETE);
    little_put32(target + META_FORMAT_AT, META_FORMAT);
    little_put32(target + META_VERSION_AT, meta->version);
    target[META_COMPLETE_AT] = meta->complete ? 1 : 0;
    little_put64(target + META_SYNCED_AT, meta->synced_seq);
    little_put64(target + META_CHECK_AT, meta->check);
    little_put64(target + META_PASSED_OVER_AT, meta->passed_over);
    little_put32(target + META_PART_COUNT_AT, meta->part_count);
    for (size_t i = 0; i < meta->part_count; i++)
        part_encode(&meta->parts[i], target + META_PARTS_AT + i * PART_BYTES);
    return META_PARTS_AT + meta->part_count * PART_BYTES;
}

static int meta_decode(const uint8_t *source, size_t source_bytes, struct view_meta *out)
{
    *out = (struct view_meta){0};
    if (source_bytes < META_BYTES_COMPLETE || little_get32(source + META_FORMAT_AT) != META_FORMAT)
        return MDB_VERSION_MISMATCH;
    out->version = little_get32(source + META_VERSION_AT);
    out->complete = source[META_COMPLETE_AT] != 0;
    out->synced_seq = little_get64(source + META_SYNCED_AT);
    out->check = little_get64(source + META_CHECK_AT);
    out->passed_over = little_get64(source + META_PASSED_OVER_AT);
    out->part_count = little_get32(source + META_PART_COUNT_AT);
    if (out->part_count > META_PARTS_MAX ||
        source_bytes != META_PARTS_AT + out->part_count * (size_t)PART_BYTES)
        return MDB_VERSION_MISMATCH;
    for (size_t i = 0; i < out->part_count; i++)
        part_decode(source + META_PARTS_AT + i * PART_BYTES, &out->parts[i]);
    return 0;
}

static MDB_val meta_key(void)
{
    return (MDB_val){.mv_size = 5, .mv_data = (void *)(uintptr_t) "state"};
}

static int meta_get(const struct environment *env, MDB_txn *txn, struct view_meta *out)
{
    MDB_val key = meta_key(), value;
    int code = mdb_get(txn, env->main, &key, &value);

    if (code == MDB_NOTFOUND) {
        *out = (struct view_meta){0}; /* Just made. */
        return 0;
    }
    return code != 0 ? code : meta_decode(value.mv_data, value.mv_size, out);
}

/* ---- opening ---- */

static int open_map(struct environment *env, const char *path, uint64_t map_bytes, unsigned flags)
{
    int code;

    /* Less address space where there is a limit on it: the map grows when it must. */
    for (;; map_bytes /= 2) {
        code = mdb_env_create(&env->mdb);
        if (code != 0)
            return code;
        code = mdb_env_set_maxdbs(env->mdb, FLUME_VIEW_TABLES_MAX);
        if (code == 0)
            code = mdb_env_set_maxreaders(env->mdb, READERS_MAX);
        if (code == 0)
            code = mdb_env_set_mapsize(env->mdb, (size_t)map_bytes);
        if (code == 0)
            code = mdb_env_open(env->mdb, path, flags | MDB_NOTLS | MDB_NOSYNC, 0666);
        if (code == 0)
            return 0;
        mdb_env_close(env->mdb);
        env->mdb = NULL;
        if (code != ENOMEM || map_bytes / 2 < MAP_BYTES_MIN)
            return code;
    }
}

static int open_named(struct environment *env, MDB_txn *txn, const char *name, unsigned flags)
{
    int code = mdb_dbi_open(txn, name, flags, &env->tables[env->table_count]);

    if (code == 0)
        (void)snprintf(env->table_names[env->table_count++], META_TABLE_NAME_BYTES, "%s", name);
    return code;
}

/* Every table there is, in the order of their names. */
static int open_found_tables(struct environment *env, MDB_txn *txn)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int code = mdb_cursor_open(txn, env->main, &cursor);

    if (code != 0)
        return code;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        char name[META_TABLE_NAME_BYTES];

        if (key.mv_size >= sizeof name || env->table_count == FLUME_VIEW_TABLES_MAX)
            continue;
        memcpy(name, key.mv_data, key.mv_size);
        name[key.mv_size] = '\0';
        if (strncmp(name, "t.", 2) != 0)
            continue;
        code = open_named(env, txn, name, 0);
        if (code != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static bool is_table_of(const flume_view_definition *definition, MDB_val key)
{
    for (size_t i = 0; i < definition->table_count; i++) {
        const char *name = definition->tables[i].name;

        if (key.mv_size == strlen(name) + 2 &&
            memcmp((const char *)key.mv_data + 2, name, key.mv_size - 2) == 0)
            return true;
    }
    return false;
}

/* 0: the tables there are those of the definition. A program that knew others would leave some as
 * they are while it advances the rest. */
static int compare_tables(const struct environment *env, MDB_txn *txn,
                          const flume_view_definition *definition)
{
    size_t count = 0;
    MDB_cursor *cursor;
    MDB_val key, value;
    int code = mdb_cursor_open(txn, env->main, &cursor);

    if (code != 0)
        return code;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (key.mv_size < 2 || memcmp(key.mv_data, "t.", 2) != 0)
            continue;
        if (!is_table_of(definition, key))
            break;
        count++;
    }
    mdb_cursor_close(cursor);
    if (code == MDB_NOTFOUND && count == definition->table_count)
        return 0;
    return code == MDB_NOTFOUND || code == 0 ? MDB_INCOMPATIBLE : code;
}

static int open_tables(struct environment *env, const flume_view_definition *definition,
                       enum environment_mode mode)
{
    unsigned flags = mode == ENVIRONMENT_CREATE ? MDB_CREATE : 0;
    struct view_meta meta;
    MDB_txn *txn;
    int code = mdb_txn_begin(env->mdb, NULL, flags == 0 ? MDB_RDONLY : 0, &txn);

    if (code != 0)
        return code;
    code = mdb_dbi_open(txn, NULL, 0, &env->main);
    if (code == 0 && definition != NULL && mode == ENVIRONMENT_OPEN)
        code = compare_tables(env, txn, definition);
    for (size_t i = 0; code == 0 && definition != NULL && i < definition->table_count; i++) {
        char name[META_TABLE_NAME_BYTES];

        (void)snprintf(name, sizeof name, "t.%s", definition->tables[i].name);
        code = open_named(env, txn, name, flags);
    }
    if (code == 0 && definition == NULL)
        code = open_found_tables(env, txn);
    if (code == 0)
        code = meta_get(env, txn, &meta);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    atomic_store_explicit(&env->synced, meta.synced_seq, memory_order_release);
    return mdb_txn_commit(txn); /* Handles of tables last only if it commits. */
}

static void environment_destroy(struct environment *env)
{
    while (env->idle != NULL) {
        flume_rows *rows = env->idle;

        env->idle = rows->next;
        for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
            if (rows->cursors[i] != NULL)
                mdb_cursor_close(rows->cursors[i]);
        mdb_txn_abort(rows->txn);
        free(rows);
    }
    if (env->mdb != NULL)
        mdb_env_close(env->mdb);
    (void)pthread_mutex_destroy(&env->advance_mutex);
    (void)pthread_mutex_destroy(&env->idle_mutex);
    (void)pthread_cond_destroy(&env->grown);
    (void)pthread_rwlock_destroy(&env->map_lock);
    free(env);
}

/* Take back the slots of readers that died: what they looked at could never be used again. */
static int forget_dead_readers(struct environment *env)
{
    int dead;

    return mdb_reader_check(env->mdb, &dead);
}

static int environment_create(const char *path, const flume_view_definition *definition,
                              uint64_t map_bytes, enum environment_mode mode,
                              struct environment **out_env)
{
    struct environment *env = calloc(1, sizeof *env);
    int code;

    if (env == NULL)
        return ENOMEM;
    (void)pthread_mutex_init(&env->advance_mutex, NULL);
    (void)pthread_mutex_init(&env->idle_mutex, NULL);
    (void)pthread_rwlock_init(&env->map_lock, NULL);
    (void)pthread_cond_init(&env->grown, NULL);
    code = open_map(env, path, map_bytes, 0);
    if (code == EACCES && mode == ENVIRONMENT_OPEN) {
        /* Who may only read the data can still ask, if the lock file lets itself be written. */
        env->read_only = true;
        code = open_map(env, path, map_bytes, MDB_RDONLY);
    }
    if (code == 0)
        code = forget_dead_readers(env);
    /* Those of a new one are made later: a transaction that writes goes before open_mutex. */
    if (code == 0 && mode == ENVIRONMENT_OPEN)
        code = open_tables(env, definition, mode);
    if (code != 0) {
        environment_destroy(env);
        return code;
    }
    *out_env = env;
    return 0;
}

/* Whether an open environment is of no use for a definition, and about to be closed. */
static bool is_going(const struct environment *env, const flume_view_definition *definition)
{
    return atomic_load(&env->broken) || (definition != NULL && env->listed);
}

/* The one of the table that is this file's, waiting for one that is going. */
static int find_open_locked(const struct stat *data, const flume_view_definition *definition,
                            struct environment **out_env)
{
    struct timespec until;
    struct environment *env;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_SECONDS;
    for (;;) {
        for (env = open_environments; env != NULL; env = env->next)
            if (env->device == data->st_dev && env->inode == data->st_ino && env->pid == getpid())
                break;
        *out_env = env;
        if (env == NULL || !is_going(env, definition))
            return 0;
        if (pthread_cond_timedwait(&open_changed, &open_mutex, &until) != 0)
            return EBUSY;
    }
}

static int add_locked(struct environment *env, const char *data_path, uint64_t generation,
                      const flume_view_definition *definition)
{
    struct stat data;

    if (stat(data_path, &data) != 0) {
        int error = errno; /* Removed under our hands. */

        environment_destroy(env);
        return error;
    }
    env->device = data.st_dev;
    env->inode = data.st_ino;
    env->pid = getpid();
    env->generation = generation;
    env->listed = definition == NULL;
    env->next = open_environments;
    open_environments = env;
    return 0;
}

/* Tables are known by their place: the order counts, too. */
static bool has_tables(const struct environment *env, const flume_view_definition *definition)
{
    if (definition->table_count != env->table_count)
        return false;
    for (size_t i = 0; i < env->table_count; i++)
        if (strcmp(env->table_names[i] + 2, definition->tables[i].name) != 0)
            return false;
    return true;
}

static int acquire_locked(const char *path, uint64_t generation,
                          const flume_view_definition *definition, uint64_t map_bytes,
                          enum environment_mode mode, struct environment **out_env)
{
    char data_path[PLACE_PATH_BYTES];
    struct environment *env = NULL;
    struct stat data;
    int length = snprintf(data_path, sizeof data_path, "%s/data.mdb", path);
    int code = 0;

    if (length < 0 || (size_t)length >= sizeof data_path)
        return ENAMETOOLONG;
    if (stat(data_path, &data) == 0)
        code = find_open_locked(&data, definition, &env);
    else if (mode == ENVIRONMENT_OPEN)
        code = errno;
    if (code != 0)
        return code;
    if (env == NULL) {
        code = environment_create(path, definition, map_bytes, mode, &env);
        if (code == 0)
            code = add_locked(env, data_path, generation, definition);
        if (code != 0)
            return code;
    } else if (definition != NULL && !has_tables(env, definition)) {
        return MDB_INCOMPATIBLE; /* The same name and version, but other tables. */
    }
    environment_retain(env);
    *out_env = env;
    return 0;
}

int environment_acquire(const char *path, uint64_t generation,
                        const flume_view_definition *definition, uint64_t map_bytes,
                        enum environment_mode mode, struct environment **out_env)
{
    int code;

    (void)pthread_mutex_lock(&open_mutex);
    code = acquire_locked(path, generation, definition, map_bytes, mode, out_env);
    (void)pthread_mutex_unlock(&open_mutex);
    if (code != 0 || mode == ENVIRONMENT_OPEN)
        return code;
    if ((*out_env)->table_count != 0)
        return 0; /* It was open. */
    /* Nobody else knows of this one yet. */
    code = open_tables(*out_env, definition, mode);
    if (code != 0) {
        environment_release(*out_env);
        *out_env = NULL;
    }
    return code;
}

void environment_retain(struct environment *env)
{
    (void)atomic_fetch_add_explicit(&env->reference_count, 1, memory_order_relaxed);
}

void environment_release(struct environment *env)
{
    struct environment **link;
    unsigned count;

    if (env == NULL)
        return;
    count = atomic_load_explicit(&env->reference_count, memory_order_relaxed);
    while (count > 1) {
        if (atomic_compare_exchange_weak_explicit(&env->reference_count, &count, count - 1,
                                                  memory_order_release, memory_order_relaxed))
            return;
    }
    (void)pthread_mutex_lock(&open_mutex);
    if (atomic_fetch_sub_explicit(&env->reference_count, 1, memory_order_acq_rel) == 1) {
        for (link = &open_environments; *link != env; link = &(*link)->next)
            continue;
        *link = env->next;
        /* Closed before another may open it again: their locks are one process's. */
        environment_destroy(env);
        (void)pthread_cond_broadcast(&open_changed);
    }
    (void)pthread_mutex_unlock(&open_mutex);
}

/* ---- the map ---- */

static int lock_map_alone(struct environment *env)
{
    struct timespec until;
    int error;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_SECONDS;
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
        (void)forget_dead_readers(env); /* The file only grows meanwhile. */
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
    uint8_t bytes[META_BYTES_MAX];
    MDB_val key = meta_key(), value = {.mv_data = bytes};
    int code;

    value.mv_size = meta_encode(meta, bytes);
    code = mdb_put(txn, env->main, &key, &value, 0);
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
            code = forget_dead_readers(env);
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
        if (rows->txn != NULL)
            mdb_txn_abort(rows->txn);
        for (size_t i = 0; i < FLUME_VIEW_TABLES_MAX; i++)
            if (rows->cursors[i] != NULL)
                mdb_cursor_close(rows->cursors[i]);
        free(rows);
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
