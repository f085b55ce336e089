/*
 * test_views_fault_mdb.c - every call that views make of LMDB, of memory and of the system fails
 * once.
 *
 * The linker leads these calls through this file (tests/CMakeLists.txt has the list). A tour opens
 * a basin, appends, asks, reads, rebuilds, verifies and lists; it is made once for each call that a
 * tour makes, with that call failing, each time by the next of the codes that such a call may
 * answer. At most one step of the tour fails, by its view's name; the log and the other views go
 * on; and afterwards all is right, on the same handle and on a fresh one.
 *
 *   FLUME_FAULTS_EVERY=N  only every Nth call, from a random one on; 3 by default
 *   FLUME_TEST_LONG       every call by every code
 *   FLUME_SEED            where chance begins
 */
#include "views_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOUR_RECORDS = 10, STEP_NAME_BYTES = 64, FAULTS_EVERY = 3 };

/* ---- which call fails ---- */

enum fault_kind { FAULT_NONE, FAULT_MDB, FAULT_MEMORY, FAULT_SYSTEM, FAULT_KILL };

/* One thread at a time makes a tour. */
static struct {
    enum fault_kind kind;
    uint64_t calls;    /* Of this kind so far. */
    uint64_t fails_at; /* This one fails; 0: none. */
    unsigned code;     /* Which of the codes that it may answer. */
    bool has_failed;
    bool no_sync;     /* No environment can be synced. */
    const char *call; /* The one that failed, of LMDB, */
    int answer;       /* and what it answered. */
} fault;

static bool hits(enum fault_kind kind)
{
    if (fault.kind != kind || ++fault.calls != fault.fails_at)
        return false;
    fault.has_failed = true;
    return true;
}

/* Calls between which something changes on disk: to die in front of each is enough. */
static bool is_turning_point(const char *call)
{
    return strstr(call, "_txn_") != NULL || strstr(call, "_env_") != NULL ||
           strstr(call, "_dbi_") != NULL || strstr(call, "_drop") != NULL;
}

static int hit_mdb(const char *call, const int *codes, size_t count)
{
    if (is_turning_point(call) && hits(FAULT_KILL))
        (void)kill(getpid(), SIGKILL);
    if (!hits(FAULT_MDB))
        return 0;
    fault.call = call;
    fault.answer = codes[fault.code % count];
    return fault.answer;
}

static const int opening_codes[] = {ENOMEM, EIO, ENOSPC, MDB_INVALID, MDB_VERSION_MISMATCH, EAGAIN};
static const int memory_codes[] = {ENOMEM, EIO};
static const int sync_codes[] = {EIO, ENOSPC};
static const int begin_codes[] = {ENOMEM, EIO, MDB_PANIC, MDB_READERS_FULL, MDB_MAP_RESIZED};
static const int read_codes[] = {EIO, MDB_CORRUPTED, MDB_PAGE_NOTFOUND, ENOMEM};
static const int write_codes[] = {ENOSPC,       EIO,           ENOMEM,
                                  MDB_MAP_FULL, MDB_CORRUPTED, MDB_TXN_FULL,
                                  MDB_PANIC,    MDB_PAGE_FULL, MDB_BAD_TXN};
enum { CODES_MAX = 9 };

/* ---- LMDB ---- */

int __real_mdb_env_create(MDB_env **env);
int __wrap_mdb_env_create(MDB_env **env);

int __wrap_mdb_env_create(MDB_env **env)
{
    int code = hit_mdb(__func__, memory_codes, sizeof memory_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_env_create(env);
}

int __real_mdb_env_set_maxdbs(MDB_env *env, MDB_dbi dbs);
int __wrap_mdb_env_set_maxdbs(MDB_env *env, MDB_dbi dbs);

int __wrap_mdb_env_set_maxdbs(MDB_env *env, MDB_dbi dbs)
{
    int code = hit_mdb(__func__, memory_codes, sizeof memory_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_env_set_maxdbs(env, dbs);
}

int __real_mdb_env_set_maxreaders(MDB_env *env, unsigned readers);
int __wrap_mdb_env_set_maxreaders(MDB_env *env, unsigned readers);

int __wrap_mdb_env_set_maxreaders(MDB_env *env, unsigned readers)
{
    int code = hit_mdb(__func__, memory_codes, sizeof memory_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_env_set_maxreaders(env, readers);
}

int __real_mdb_env_set_mapsize(MDB_env *env, size_t bytes);
int __wrap_mdb_env_set_mapsize(MDB_env *env, size_t bytes);

int __wrap_mdb_env_set_mapsize(MDB_env *env, size_t bytes)
{
    int code = hit_mdb(__func__, memory_codes, sizeof memory_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_env_set_mapsize(env, bytes);
}

int __real_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);
int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode);

int __wrap_mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
    int code = hit_mdb(__func__, opening_codes, sizeof opening_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_env_open(env, path, flags, mode);
}

int __real_mdb_env_info(MDB_env *env, MDB_envinfo *info);
int __wrap_mdb_env_info(MDB_env *env, MDB_envinfo *info);

int __wrap_mdb_env_info(MDB_env *env, MDB_envinfo *info)
{
    int code = hit_mdb(__func__, memory_codes, sizeof memory_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_env_info(env, info);
}

int __real_mdb_env_sync(MDB_env *env, int force);
int __wrap_mdb_env_sync(MDB_env *env, int force);

int __wrap_mdb_env_sync(MDB_env *env, int force)
{
    int code = fault.no_sync ? EIO : hit_mdb(__func__, sync_codes, sizeof sync_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_env_sync(env, force);
}

int __real_mdb_reader_check(MDB_env *env, int *dead);
int __wrap_mdb_reader_check(MDB_env *env, int *dead);

int __wrap_mdb_reader_check(MDB_env *env, int *dead)
{
    int code = hit_mdb(__func__, sync_codes, sizeof sync_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_reader_check(env, dead);
}

int __real_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn);
int __wrap_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn);

int __wrap_mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn)
{
    int code = hit_mdb(__func__, begin_codes, sizeof begin_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_txn_begin(env, parent, flags, txn);
}

int __real_mdb_txn_renew(MDB_txn *txn);
int __wrap_mdb_txn_renew(MDB_txn *txn);

int __wrap_mdb_txn_renew(MDB_txn *txn)
{
    int code = hit_mdb(__func__, begin_codes, sizeof begin_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_txn_renew(txn);
}

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);

int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    int code = hit_mdb(__func__, write_codes, sizeof write_codes / sizeof(int));

    if (code == 0)
        return __real_mdb_txn_commit(txn);
    mdb_txn_abort(txn); /* As LMDB does. */
    return code;
}

int __real_mdb_dbi_open(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi);
int __wrap_mdb_dbi_open(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi);

int __wrap_mdb_dbi_open(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi)
{
    int code = hit_mdb(__func__, read_codes, sizeof read_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_dbi_open(txn, name, flags, dbi);
}

int __real_mdb_stat(MDB_txn *txn, MDB_dbi dbi, MDB_stat *stat_out);
int __wrap_mdb_stat(MDB_txn *txn, MDB_dbi dbi, MDB_stat *stat_out);

int __wrap_mdb_stat(MDB_txn *txn, MDB_dbi dbi, MDB_stat *stat_out)
{
    int code = hit_mdb(__func__, read_codes, sizeof read_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_stat(txn, dbi, stat_out);
}

int __real_mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);
int __wrap_mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);

int __wrap_mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value)
{
    int code = hit_mdb(__func__, read_codes, sizeof read_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_get(txn, dbi, key, value);
}

int __real_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags);
int __wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags);

int __wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags)
{
    int code = hit_mdb(__func__, write_codes, sizeof write_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_put(txn, dbi, key, value, flags);
}

int __real_mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);
int __wrap_mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);

int __wrap_mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value)
{
    int code = hit_mdb(__func__, write_codes, sizeof write_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_del(txn, dbi, key, value);
}

int __real_mdb_drop(MDB_txn *txn, MDB_dbi dbi, int del);
int __wrap_mdb_drop(MDB_txn *txn, MDB_dbi dbi, int del);

int __wrap_mdb_drop(MDB_txn *txn, MDB_dbi dbi, int del)
{
    int code = hit_mdb(__func__, write_codes, sizeof write_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_drop(txn, dbi, del);
}

int __real_mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor);
int __wrap_mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor);

int __wrap_mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor)
{
    int code = hit_mdb(__func__, memory_codes, sizeof memory_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_cursor_open(txn, dbi, cursor);
}

int __real_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op);
int __wrap_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op);

int __wrap_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op)
{
    int code = hit_mdb(__func__, read_codes, sizeof read_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_cursor_get(cursor, key, value, op);
}

int __real_mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value, unsigned flags);
int __wrap_mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value, unsigned flags);

int __wrap_mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value, unsigned flags)
{
    int code = hit_mdb(__func__, write_codes, sizeof write_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_cursor_put(cursor, key, value, flags);
}

int __real_mdb_cursor_del(MDB_cursor *cursor, unsigned flags);
int __wrap_mdb_cursor_del(MDB_cursor *cursor, unsigned flags);

int __wrap_mdb_cursor_del(MDB_cursor *cursor, unsigned flags)
{
    int code = hit_mdb(__func__, write_codes, sizeof write_codes / sizeof(int));

    return code != 0 ? code : __real_mdb_cursor_del(cursor, flags);
}

/* ---- memory: the log has an allocator of its own ---- */

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

static bool lacks_memory(void)
{
    bool lacks = hits(FAULT_MEMORY);

    if (lacks)
        errno = ENOMEM;
    return lacks;
}

void *__wrap_malloc(size_t bytes)
{
    return lacks_memory() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return lacks_memory() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return lacks_memory() ? NULL : __real_realloc(memory, bytes);
}

char *__wrap_strdup(const char *text)
{
    return lacks_memory() ? NULL : __real_strdup(text);
}

static void *log_allocate(void *ctx, size_t bytes)
{
    (void)ctx;
    return __real_malloc(bytes);
}

static void *log_resize(void *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    return __real_realloc(memory, bytes);
}

static void log_release(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

static const flume_allocator log_allocator = {log_allocate, log_resize, log_release, NULL};

/* ---- the system: only what lies below views/ ---- */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_fdatasync(int file);
int __wrap_fdatasync(int file);
int __real_fsync(int file);
int __wrap_fsync(int file);
ssize_t __real_pread(int file, void *target, size_t bytes, off_t offset);
ssize_t __wrap_pread(int file, void *target, size_t bytes, off_t offset);
ssize_t __real_read(int file, void *target, size_t bytes);
ssize_t __wrap_read(int file, void *target, size_t bytes);
ssize_t __real_write(int file, const void *source, size_t bytes);
ssize_t __wrap_write(int file, const void *source, size_t bytes);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_fstat(int file, struct stat *out_stat);
int __wrap_fstat(int file, struct stat *out_stat);
int __real_fcntl(int file, int command, ...);
int __wrap_fcntl(int file, int command, ...);

static const int file_errors[] = {EIO, ENOSPC, EMFILE, ENOMEM};

static bool refuses(const char *path)
{
    if (strstr(path, "/views/") == NULL)
        return false;
    if (hits(FAULT_KILL))
        (void)kill(getpid(), SIGKILL);
    if (!hits(FAULT_SYSTEM))
        return false;
    errno = file_errors[fault.code % (sizeof file_errors / sizeof file_errors[0])];
    return true;
}

static bool refuses_file(int file)
{
    char link[64], path[2 * TRIAL_PATH_BYTES];
    ssize_t bytes;

    if (fault.kind != FAULT_SYSTEM && fault.kind != FAULT_KILL)
        return false;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    bytes = readlink(link, path, sizeof path - 1);
    if (bytes < 0)
        return false;
    path[bytes] = '\0';
    return refuses(path);
}

int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if ((flags & O_CREAT) != 0) {
        va_list arguments;

        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return refuses(path) ? -1 : __real_open(path, flags, mode);
}

int __wrap_rename(const char *from, const char *to)
{
    return refuses(to) ? -1 : __real_rename(from, to);
}

int __wrap_fdatasync(int file)
{
    return refuses_file(file) ? -1 : __real_fdatasync(file);
}

int __wrap_fsync(int file)
{
    return refuses_file(file) ? -1 : __real_fsync(file);
}

ssize_t __wrap_pread(int file, void *target, size_t bytes, off_t offset)
{
    return refuses_file(file) ? -1 : __real_pread(file, target, bytes, offset);
}

ssize_t __wrap_read(int file, void *target, size_t bytes)
{
    return refuses_file(file) ? -1 : __real_read(file, target, bytes);
}

ssize_t __wrap_write(int file, const void *source, size_t bytes)
{
    return refuses_file(file) ? -1 : __real_write(file, source, bytes);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    return refuses(path) ? -1 : __real_mkdir(path, mode);
}

int __wrap_fstat(int file, struct stat *out_stat)
{
    return refuses_file(file) ? -1 : __real_fstat(file, out_stat);
}

int __wrap_fcntl(int file, int command, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    return refuses_file(file) ? -1 : __real_fcntl(file, command, argument);
}

/* ---- the tour ---- */

/* What went wrong on the way. */
struct tour {
    struct trial *trial;
    unsigned failed_steps;
    char step[STEP_NAME_BYTES];        /* The last that failed, */
    char message[TRIAL_MESSAGE_BYTES]; /* and its words. */
};

/* A step may fail by what was made to fail; then it names its view. */
static void take(struct tour *tour, const char *step, const char *view, int status)
{
    flume_error error;

    if (status == FLUME_OK)
        return;
    tour->failed_steps++;
    (void)snprintf(tour->step, sizeof tour->step, "%s %s", step, view);
    flume_last_error(tour->trial->flume, &error);
    (void)snprintf(tour->message, sizeof tour->message, "%s: %s", flume_status_name(status),
                   error.message);
    if (status == FLUME_ERR_NO_MEMORY)
        return;
    if (status != FLUME_ERR_VIEW && status != FLUME_ERR_FULL && status != FLUME_ERR_IO)
        fail_msg("%s: %s", tour->step, tour->message);
    if (strstr(error.message, view) == NULL)
        fail_msg("%s does not name its view: %s", tour->step, tour->message);
}

static void ask_all(struct tour *tour)
{
    for (size_t i = 0; i < TRIAL_VIEWS; i++)
        take(tour, "wait", trial_views[i],
             flume_view_wait(trial_view(tour->trial->flume, trial_views[i]), NULL));
}

static int read_all(flume_view *view)
{
    flume_bytes key, value;
    uint64_t count, seen = 0;
    flume_rows *rows;
    int status = flume_view_read(view, NULL, &rows);

    if (status != FLUME_OK)
        return status;
    status = flume_rows_count(rows, 0, &count);
    if (status == FLUME_OK)
        status = flume_rows_seek(rows, 0, NULL, 0);
    while (status == FLUME_OK && (status = flume_rows_next(rows, &key, &value)) == FLUME_OK)
        seen++;
    flume_rows_end(rows);
    if (status == FLUME_END && seen != count)
        fail_msg("%" PRIu64 " rows of %" PRIu64 " are given", seen, count);
    return status == FLUME_END ? FLUME_OK : status;
}

static void rebuild(struct tour *tour, const char *name)
{
    take(tour, "rebuild", name, flume_view_rebuild(trial_view(tour->trial->flume, name), NULL));
}

static void verify(struct tour *tour, const char *name)
{
    flume_view_difference difference;
    int status = flume_view_verify(trial_view(tour->trial->flume, name), NULL, &difference);

    take(tour, "verify", name, status);
    if (status == FLUME_OK && difference.different)
        fail_msg("%s answered %d: %s: %s", fault.call, fault.answer, difference.table,
                 difference.text);
}

static void append(struct tour *tour)
{
    assert_int_equal(trial_append(tour->trial->flume, &tour->trial->chance, TOUR_RECORDS),
                     FLUME_OK);
}

static void open_in_tour(struct tour *tour)
{
    struct trial *trial = tour->trial;
    flume_error error = {.status = FLUME_OK};
    int status = trial_try_open(trial, &trial->flume, &error);

    if (status == FLUME_ERR_NO_MEMORY) {
        tour->failed_steps++;
        (void)snprintf(tour->step, sizeof tour->step, "open");
        status = trial_try_open(trial, &trial->flume, &error);
    }
    if (status != FLUME_OK)
        fail_msg("open: %s", error.message);
}

/* The handle stays open. */
static void make_tour(struct tour *tour)
{
    struct trial *trial = tour->trial;

    open_in_tour(tour);
    append(tour);
    ask_all(tour);
    take(tour, "read", "tally", read_all(trial_view(trial->flume, "tally")));
    append(tour);
    ask_all(tour);
    rebuild(tour, "tally");
    rebuild(tour, "chain");
    verify(tour, "chain");
    trial_close(trial);
    open_in_tour(tour);
    append(tour);
    ask_all(tour);
    for (size_t i = 0; i < TRIAL_VIEWS; i++)
        (void)trial_status(trial->flume, trial_views[i]);
}

/* What the system lacked once is no reason to build a view again. What it could not read is. */
static void expect_no_blame(const flume_view_status *status, enum fault_kind kind)
{
    int error = kind == FAULT_MEMORY
                    ? ENOMEM
                    : file_errors[fault.code % (sizeof file_errors / sizeof file_errors[0])];

    if (kind == FAULT_MDB || error == EIO || error == ENOSPC || status->why[0] == '\0' ||
        strcmp(status->why, "it is not there yet") == 0 || strcmp(status->why, "asked for") == 0)
        return;
    fail_msg("call %" PRIu64 ", error %d: %s is built again: %s", fault.fails_at, error,
             status->name, status->why);
}

static void expect_recovered(const struct tour *tour, enum fault_kind kind)
{
    struct trial *trial = tour->trial;
    char message[TRIAL_MESSAGE_BYTES];

    if (trial_judge(trial->flume, message) != TRIAL_RIGHT)
        fail_msg("call %" PRIu64 ", %s answered %d: afterwards: %s (%s: %s; seed %" PRIu64 ")",
                 fault.fails_at, fault.call, fault.answer, message, tour->step, tour->message,
                 trial->seed);
    for (size_t i = 0; i < TRIAL_VIEWS; i++) {
        flume_view_status status = trial_status(trial->flume, trial_views[i]);

        if (status.state != FLUME_VIEW_LIVE || status.error.status != FLUME_OK)
            fail_msg("call %" PRIu64 ", %s answered %d: afterwards %s is %s: %s", fault.fails_at,
                     fault.call, fault.answer, status.name, flume_view_state_name(status.state),
                     status.error.message);
        expect_no_blame(&status, kind);
    }
}

/* One tour on a fresh basin, its n-th call of a kind failing; false: it makes no such call. */
static bool tour_with(struct trial *trial, enum fault_kind kind, uint64_t fails_at, unsigned code)
{
    struct tour tour = {.trial = trial};

    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    trial->options.log.allocator = &log_allocator;
    trial->options.map_bytes = 1 << 20;
    if (trial_exists(trial->path))
        trial_forget(trial);
    fault.calls = 0;
    fault.fails_at = fails_at;
    fault.code = code;
    fault.has_failed = false;
    fault.call = "a call";
    fault.answer = 0;
    fault.kind = kind;
    make_tour(&tour);
    fault.kind = FAULT_NONE;
    if (tour.failed_steps > 1)
        fail_msg("call %" PRIu64 ", %s answered %d: %u steps fail, the last %s: %s", fails_at,
                 fault.call, fault.answer, tour.failed_steps, tour.step, tour.message);
    expect_recovered(&tour, kind);
    fault.kind = kind; /* Closing may fail to settle. */
    trial_close(trial);
    fault.kind = FAULT_NONE;
    trial_open(trial);
    expect_recovered(&tour, kind);
    trial_close(trial);
    return fault.has_failed;
}

/* From one call to the next that fails. */
static uint64_t calls_apart(void)
{
    const char *text = getenv("FLUME_FAULTS_EVERY");

    if (getenv("FLUME_TEST_LONG") != NULL)
        return 1;
    return text != NULL && atoi(text) > 0 ? (uint64_t)atoi(text) : FAULTS_EVERY;
}

static void fail_every_call(struct trial *trial, enum fault_kind kind)
{
    unsigned codes = getenv("FLUME_TEST_LONG") != NULL ? CODES_MAX : 1;
    uint64_t apart = calls_apart(), n = 1 + trial->seed % apart, tours = 0;
    bool more = true;

    for (; more; n += apart)
        for (unsigned i = 0; i < codes && more; i++, tours++)
            more = tour_with(trial, kind, n, (unsigned)n + i);
    print_message("one in %" PRIu64 " of some %" PRIu64 " calls, %" PRIu64 " tours\n", apart,
                  n - 2 * apart, tours);
    assert_true(tours > 10);
}

static void every_call_of_lmdb_may_fail(void **state)
{
    fail_every_call(*state, FAULT_MDB);
}

static void every_allocation_may_fail(void **state)
{
    fail_every_call(*state, FAULT_MEMORY);
}

static void every_system_call_may_fail(void **state)
{
    fail_every_call(*state, FAULT_SYSTEM);
}

/* ---- killed at each call ---- */

static int tour_and_close(struct trial *trial, void *ctx)
{
    struct tour tour = {.trial = trial};

    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    fault.calls = 0;
    fault.fails_at = *(const uint64_t *)ctx;
    fault.kind = FAULT_KILL;
    make_tour(&tour);
    return flume_close(trial->flume) == FLUME_OK ? 0 : 1;
}

/* All is right, and what had a build that answered has that one. */
static void expect_survived(struct trial *trial, uint64_t call)
{
    uint64_t currents[TRIAL_VIEWS];
    char message[TRIAL_MESSAGE_BYTES];

    for (size_t i = 0; i < TRIAL_VIEWS; i++)
        currents[i] = trial_current(trial, trial_views[i]);
    trial_open(trial);
    if (trial_judge(trial->flume, message) != TRIAL_RIGHT)
        fail_msg("killed at call %" PRIu64 ": %s (seed %" PRIu64 ")", call, message, trial->seed);
    for (size_t i = 0; i < TRIAL_VIEWS; i++)
        if (currents[i] != 0)
            trial_expect_generation(trial, trial_views[i], currents[i]);
    trial_close(trial);
}

static void who_is_killed_at_any_call_leaves_all_right(void **state)
{
    struct trial *trial = *state;
    uint64_t stride = getenv("FLUME_TEST_LONG") != NULL ? 1 : 3;
    uint64_t n = 1 + trial_below(&trial->chance, stride), kills = 0;

    trial->options.views = FLUME_VIEWS_NO_WORKERS;
    for (;; n += stride, kills++) {
        int result;

        if (trial_exists(trial->path))
            trial_forget(trial);
        result = trial_join(trial_start(trial, tour_and_close, &n));
        if (result == 0)
            break;
        assert_int_equal(result, -SIGKILL);
        expect_survived(trial, n);
    }
    print_message("%" PRIu64 " kills\n", kills);
    assert_true(kills > 100);
}

/* What could not be synced is not said to be clean. */
static void a_view_that_was_not_synced_stays_dirty(void **state)
{
    struct trial *trial = *state;

    trial_open(trial);
    trial_append_well(trial, TOUR_RECORDS);
    trial_expect_right(trial);
    fault.no_sync = true;
    trial_close(trial);
    fault.no_sync = false;
    trial_stop_machine(trial);
    trial_open(trial);
    trial_expect_right(trial);
    for (size_t i = 0; i < TRIAL_VIEWS; i++)
        trial_expect_generation(trial, trial_views[i], 2);
    trial_close(trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        trial_test(a_view_that_was_not_synced_stays_dirty),
        trial_test(who_is_killed_at_any_call_leaves_all_right),
        trial_test(every_call_of_lmdb_may_fail),
        trial_test(every_allocation_may_fail),
        trial_test(every_system_call_may_fail),
    };

    return cmocka_run_group_tests_name("views_fault_mdb", tests, NULL, NULL);
}
