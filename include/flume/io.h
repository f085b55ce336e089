/*
 * io.h - everything the library asks of the system, as one table.
 *
 * A program leaves the table NULL and gets POSIX. A test gives its own: a simulated disk, a call
 * that fails on demand, a clock that stands still. No other module of log/ calls the system
 * (tests/project/test_arrows.sh checks the symbols).
 *
 * Every function returns 0 or a positive result, or a negative errno. Paths are absolute or
 * relative as the basin's path was given. Files are small integers, >= 0. All may be called from
 * any thread.
 */
#ifndef FLUME_IO_H
#define FLUME_IO_H

#include <stdbool.h>

#include "flume/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum flume_io_open_flags {
    FLUME_IO_READ = 0,
    FLUME_IO_WRITE = 1,     /* Read and write. */
    FLUME_IO_CREATE = 2,    /* Make it if absent, mode 0666 less umask. */
    FLUME_IO_EXCLUSIVE = 4, /* With CREATE: -EEXIST if present. */
    FLUME_IO_DIRECT = 8     /* Past the page cache; -EINVAL where that is not possible. */
};

enum flume_io_lock { FLUME_IO_UNLOCK = 0, FLUME_IO_LOCK_SHARED = 1, FLUME_IO_LOCK_EXCLUSIVE = 2 };

enum flume_io_file_system {
    FLUME_IO_FS_MAPPED = 1, /* A store into a preallocated mapping cannot fail for space. */
    FLUME_IO_FS_LOCAL = 2,  /* Local, but copies on write: pwrite. */
    FLUME_IO_FS_REMOTE = 3  /* Network or FUSE: pwrite, and one process only. */
};

typedef struct flume_io_stat {
    uint64_t bytes;     /* Length. */
    uint64_t allocated; /* Bytes on disk. */
    uint64_t device;
    uint64_t inode;
    bool is_directory;
} flume_io_stat;

/* One name of a directory; anything but 0 stops the listing, and is what list() returns. */
typedef int (*flume_io_name)(void *name_ctx, const char *name);

typedef struct flume_io {
    void *ctx;
    /* Files. */
    int (*open)(void *ctx, const char *path, unsigned flags);
    void (*close)(void *ctx, int file);
    int64_t (*pread)(void *ctx, int file, void *target, size_t bytes, uint64_t offset);
    int64_t (*pwrite)(void *ctx, int file, const void *source, size_t bytes, uint64_t offset);
    int (*allocate)(void *ctx, int file, uint64_t bytes); /* Space for 0 .. bytes, zeros. */
    int (*punch)(void *ctx, int file, uint64_t offset, uint64_t bytes); /* Give space back. */
    int (*sync)(void *ctx, int file);                                   /* fdatasync. */
    int (*stat)(void *ctx, int file, flume_io_stat *out_stat);
    int (*map)(void *ctx, int file, uint64_t offset, size_t bytes, bool writable, void **out_data);
    void (*unmap)(void *ctx, void *data, size_t bytes);
    /* Have the pages of a writable mapping, or of a part of it, ready for stores. A hint; may be
     * NULL. */
    void (*touch)(void *ctx, void *data, size_t bytes);
    int (*lock)(void *ctx, int file, uint64_t offset, enum flume_io_lock how); /* -EAGAIN. */
    int (*lock_test)(void *ctx, int file, uint64_t offset); /* 1: another holds it, else 0. */
    /* Names. */
    int (*rename)(void *ctx, const char *from, const char *to);
    int (*unlink)(void *ctx, const char *path);
    int (*make_directory)(void *ctx, const char *path); /* -EEXIST if present. */
    int (*sync_directory)(void *ctx, const char *path);
    int (*list)(void *ctx, const char *path, flume_io_name name, void *name_ctx);
    int (*file_system)(void *ctx, const char *path); /* enum flume_io_file_system. */
    /* Symbolic links: only where sealed strata lie elsewhere. Both may be NULL. read_link gives the
     * target's bytes without a NUL; -EINVAL: it is no link. */
    int (*make_link)(void *ctx, const char *target, const char *path);
    int64_t (*read_link)(void *ctx, const char *path, char *out_target, size_t bytes);
    /* Time, chance, identity. */
    uint64_t (*wall_ns)(void *ctx);      /* Since 1970 UTC. */
    uint64_t (*monotonic_ns)(void *ctx); /* Since boot, sleep included. */
    int (*random)(void *ctx, void *target, size_t bytes);
    int (*boot_id)(void *ctx, uint8_t out_id[16]);
    /* Waiting on a word shared by processes: returns when woken, when *word != expected, or after
     * timeout_ns; also for no reason. */
    void (*wait)(void *ctx, const uint32_t *word, uint32_t expected, uint64_t timeout_ns);
    void (*wake)(void *ctx, const uint32_t *word);
    void (*sleep)(void *ctx, uint64_t ns);
} flume_io;

/** The POSIX table, for wrapping. Static. */
FLUME_API const flume_io *flume_io_posix(void);

/* Memory for a handle and all it makes. All three or none; called from any thread. */
typedef struct flume_allocator {
    void *(*allocate)(void *ctx, size_t bytes);
    void *(*resize)(void *ctx, void *memory, size_t bytes); /* realloc. */
    void (*release)(void *ctx, void *memory);               /* free; NULL is fine. */
    void *ctx;
} flume_allocator;

#ifdef __cplusplus
}
#endif
#endif
