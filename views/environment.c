/*
 * environment.c - the LMDB environment of one generation of a view, opened once per process
 * (environment.h): the table of those that are open, opening and closing.
 *
 * What always holds:
 *   - An environment is opened and closed under open_mutex; nothing that writes is waited for
 *     there.
 */
#include "environment_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "place.h"

enum { READERS_MAX = 1024 };
#define MAP_BYTES_MIN (UINT64_C(1) << 20)

/* The environments this process has open. */
static pthread_mutex_t open_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t open_changed = PTHREAD_COND_INITIALIZER;
static struct environment *open_environments;

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
        rows_destroy(rows);
    }
    if (env->mdb != NULL)
        mdb_env_close(env->mdb);
    (void)pthread_mutex_destroy(&env->advance_mutex);
    (void)pthread_mutex_destroy(&env->idle_mutex);
    (void)pthread_cond_destroy(&env->grown);
    (void)pthread_rwlock_destroy(&env->map_lock);
    free(env);
}

int environment_forget_dead_readers(struct environment *env)
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
        code = environment_forget_dead_readers(env);
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
    until.tv_sec += ENVIRONMENT_WAIT_SECONDS;
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
