/*
 * handle.h - what a flume_log is inside, and the small services every module of log/ uses.
 *
 * Fields say who guards them. "Fixed at open" means: never written once flume_log_open() returned.
 *
 * Lock order within a process: subscriptions_mutex; then those of HEAD (head.h); then
 * companion_mutex, and behind it all locks of the second log; then table_mutex; error_mutex,
 * notify_mutex and that of the windows last, holding nothing further. No lock is held across a
 * callback of the user.
 */
#ifndef FLUME_HANDLE_H
#define FLUME_HANDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flume/log.h"
#include "flume/seal.h"
#include "boards.h"
#include "fork_guard.h"
#include "head.h"
#include "memory.h"
#include "window.h"

enum { PATH_BYTES = 4096, BASIN_PATH_BYTES_MAX = 3840 };

struct path {
    char text[PATH_BYTES];
};

struct cache;
struct strata;
struct table;
struct notifier;
enum { NOTIFIERS = 2 }; /* One for head, one for durable. */
enum { UNPACKERS = 4 }; /* Kept ready for the next block. */

/* What this handle needs to append. Guarded by append_mutex. */
struct writer {
    struct strata *strata;   /* Set up for this active strata; NULL: none. Borrowed. */
    _Atomic uint32_t *slots; /* Its slots, writable. */
    size_t slots_bytes;
    struct window window; /* Mapped mode. */
    uint8_t *scratch;     /* Pwrite mode: bytes not yet written, from scratch_from on. */
    uint64_t scratch_from;
    size_t scratch_used;
    uint32_t manifest_ordinal; /* GRAIN_WRITER_NONE: none in this strata yet. */
    bool announced;            /* Has appended its manifest in some strata. */
    bool rolled;               /* The syncer is to be told, once head has moved. */
};

/* A thread of the handle that works off the append path. */
struct helper {
    pthread_t thread;
    bool running;          /* Only open and close touch it; the sealer's: the syncer too. */
    _Atomic uint32_t word; /* Raised to wake it. */
};

struct flume_log {
    /* Fixed at open. */
    flume_allocator allocator;
    flume_io memory_io; /* The table of a :memory: basin. */
    const flume_io *io;
    char *path;
    char *program, *build;
    char **labels;
    size_t label_count;
    void (*log)(void *log_ctx, enum flume_log_level level, const char *message);
    void *log_ctx;
    unsigned flags;
    enum flume_profile profile;
    enum flume_io_mode io_mode;
    uint64_t strata_bytes;
    uint64_t created_ns;
    uint64_t lock_timeout_ns;
    uint64_t started_ns;
    uint64_t pid;
    uint8_t basin_id[16];
    uint8_t nonce[16];
    bool in_memory, read_only, observer; /* Who observes reads only. */
    flume_recovery recovery;

    struct fork_guard *guard;
    int lock_file, head_file, gate_file;
    struct head *head;         /* Shared; an observer's is private and refreshed from `shared`. */
    void *head_memory;         /* Observer: what `head` lies in. */
    const struct head *shared; /* Observer: HEAD as mapped read-only, or NULL. */
    unsigned attach_index;
    bool attached;
    struct flume_board boards[FLUME_BOARDS_MAX]; /* Fixed at open. */

    pthread_mutex_t companion_mutex;
    flume_log *companion;      /* The second log, lent. Guarded by companion_mutex. */
    _Atomic bool is_companion; /* Used as a second log: it has none itself. Becomes true once. */

    pthread_mutex_t table_mutex;
    _Atomic(struct table *) table;
    /* Every strata that a table names or named. Guarded by table_mutex. */
    struct strata *strata_made;
    _Atomic bool raw_files_left; /* Strata were sealed whose raw file is still open for writing. */

    size_t cache_bytes;                   /* Fixed at open. 0: the default. */
    pthread_mutex_t cache_mutex;          /* To make the cache. */
    _Atomic(struct cache *) cache;        /* NULL until a sealed strata is read. */
    _Atomic(void *) unpackers[UNPACKERS]; /* ZSTD_DCtx that nobody uses at the moment. */
    _Atomic uint64_t sealed_opened;       /* Names strata in the cache. */

    struct writer writer;
    struct windows windows;
    uint8_t *manifest; /* Encoded body; fixed at open. */
    size_t manifest_bytes;
    _Atomic uint64_t prepare_at; /* Offset in the active strata from which the next is wanted. */
    _Atomic bool prepare_wanted; /* The preparer is to make it. */
    _Atomic uint64_t last_wall_ns;
    _Atomic int64_t clock_offset_ns;
    _Atomic uint64_t appended_records, appended_bytes; /* Stored under append_mutex. */
    _Atomic uint64_t sync_count;
    _Atomic uint64_t large_batches;

    flume_seal_options seal;        /* Fixed at open; nothing in it is left to a default. */
    struct helper sealer;           /* Started by the syncer; stopped after it. */
    _Atomic uint32_t seal_requests; /* Calls of flume_log_seal() under way: the sealer gives way. */

    struct helper syncer, preparer;
    _Atomic uint32_t stopping; /* Becomes 1 once. */

    flume_codec codecs[FLUME_CODECS_MAX]; /* Fixed at open. */
    char codec_names[FLUME_CODECS_MAX][FLUME_CODEC_NAME_BYTES_MAX + 1];
    size_t codec_count;

    pthread_mutex_t subscriptions_mutex;
    pthread_cond_t subscriptions_moved;
    struct flume_subscription *subscriptions; /* Guarded by subscriptions_mutex. */

    pthread_mutex_t notify_mutex;
    struct notifier *notifiers[NOTIFIERS]; /* Guarded by notify_mutex. */

    pthread_mutex_t observe_mutex;    /* Observer: guards refreshing `head`, and the next two. */
    uint64_t observe_again_ns;        /* When to look for a HEAD that is not there yet. */
    uint64_t lock_device, lock_inode; /* Of LOCK; 0 if an observer cannot see it. */
    uint8_t boot_id[16];              /* Fixed at open. */

    pthread_mutex_t error_mutex;
    flume_error error; /* Guarded by error_mutex. */
};

/* FLUME_OK, or FLUME_ERR_INVALID for NULL, FLUME_ERR_FORKED in a child. One load. */
static inline int log_guard(const flume_log *log)
{
    if (log == NULL)
        return FLUME_ERR_INVALID;
    if (atomic_load_explicit(&log->guard->alive, memory_order_relaxed) == 0)
        return FLUME_ERR_FORKED;
    return FLUME_OK;
}

/* What a log is opened for: a companion is another's second log, and has none itself. */
enum log_role { LOG_ITSELF, LOG_COMPANION };

/* As flume_log_open(). */
int log_open_as(enum log_role role, flume_log **out_log, const char *path,
                const flume_log_options *options, flume_error *out_error);

/* Start a thread of the library: all signals blocked, they are the program's. */
int thread_start(pthread_t *out_thread, void *(*loop)(void *), void *ctx);

/* Remember the detail of a failure and give back its status. seq may be FLUME_SEQ_NONE. */
int log_fail(flume_log *log, int status, int system_errno, uint64_t seq, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The same for a failed call of the io table: its negative errno becomes a status. */
int log_fail_io(flume_log *log, int64_t io_result, const char *what, const char *path);

/* Tell the log callback, if there is one. */
void log_tell(flume_log *log, enum flume_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The status that a negative errno stands for. */
int status_of_errno(int64_t negative_errno);

/* path/folder/name; folder may be "" for the basin itself. */
void log_path(const flume_log *log, const char *folder, const char *name, struct path *out_path);

/* Whole reads and writes: loop over short results. 0 or a negative errno; a read beyond the end is
 * -ENODATA. */
int io_read_all(const flume_io *io, int file, void *target, size_t bytes, uint64_t offset);
int io_write_all(const flume_io *io, int file, const void *source, size_t bytes, uint64_t offset);

/*
 * Write zeros to from .. to - 1, in pieces of 64 KiB. The page cache keeps in one what was written
 * in one, and a store through a mapping makes all of it dirty: after pieces of 1 MiB, each sync of
 * a mapped append wrote a MiB to the disk.
 */
int io_write_zeros(const flume_io *io, int file, uint64_t from, uint64_t to);

/* Make sure of space for a file of this size: allocate, or write zeros where that is
 * unsupported. */
int io_reserve(const flume_io *io, int file, uint64_t bytes);

#endif
