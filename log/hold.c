/*
 * hold.c - names that one at a time holds, for long (flume/lane.h).
 *
 * What always holds:
 *   - A name is a byte of LOCK, far behind those that say who is attached, and is locked through a
 *     descriptor of its own: so two threads of a process exclude each other, too, and the kernel
 *     lets go of it when the process dies.
 */
#include "flume/lane.h"

#include <errno.h>

#include "handle.h"
#include "hash.h"
#include "head.h"
#include "memory.h"

#define LOOK_NS_LEAST UINT64_C(1000000)
#define LOOK_NS_MOST UINT64_C(50000000)

struct flume_hold {
    flume_log *log;
    int file; /* LOCK, opened for this hold alone. */
};

static uint64_t byte_of(const void *name, size_t name_bytes)
{
    return LOCK_HOLDS_AT | hash_unseeded(name, name_bytes) >> 3;
}

/* 0, -EAGAIN at the end of the time, -ECANCELED, or what the lock answers. */
static int wait_for(const flume_hold *hold, uint64_t at, uint64_t timeout_ns,
                    bool (*give_up)(void *ctx), void *ctx)
{
    const flume_io *io = hold->log->io;
    uint64_t began_ns = io->monotonic_ns(io->ctx), look_ns = LOOK_NS_LEAST;

    for (;;) {
        int error = io->lock(io->ctx, hold->file, at, FLUME_IO_LOCK_EXCLUSIVE);

        if (error != -EAGAIN)
            return error;
        if (give_up != NULL && give_up(ctx))
            return -ECANCELED;
        if (timeout_ns != 0 && io->monotonic_ns(io->ctx) - began_ns >= timeout_ns)
            return -EAGAIN;
        /* A lock of a file can be waited for only by a call that no signal thread can end. */
        io->sleep(io->ctx, look_ns);
        look_ns = look_ns * 2 < LOOK_NS_MOST ? look_ns * 2 : LOOK_NS_MOST;
    }
}

static int refuse(flume_log *log, int error)
{
    if (error == -EAGAIN)
        return log_fail(log, FLUME_ERR_BUSY, 0, FLUME_SEQ_NONE,
                        "another holds this name in %s, and goes on holding it", log->path);
    if (error == -ECANCELED)
        return log_fail(log, FLUME_ERR_CANCELLED, 0, FLUME_SEQ_NONE,
                        "waiting for a name that another holds was given up");
    return log_fail_io(log, error, "lock a name in", log->path);
}

/* Whether a name can be held by this handle at all. */
static int look(flume_log *log, const void *name, size_t name_bytes)
{
    int status = log_guard(log);

    if (status != FLUME_OK)
        return status;
    if (name == NULL || name_bytes == 0)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "a name that is held has at least one byte");
    if (log->read_only)
        return log_fail(log, FLUME_ERR_READ_ONLY, 0, FLUME_SEQ_NONE,
                        "%s was opened to read only: who holds a name means to append", log->path);
    return FLUME_OK;
}

int flume_hold_begin(flume_log *log, const void *name, size_t name_bytes, uint64_t timeout_ns,
                     bool (*give_up)(void *ctx), void *ctx, flume_hold **out_hold)
{
    int status = look(log, name, name_bytes), error;
    struct path path;
    flume_hold *hold;

    if (status != FLUME_OK)
        return status;
    if (out_hold == NULL)
        return FLUME_ERR_INVALID;
    hold = memory_allocate(&log->allocator, sizeof *hold);
    if (hold == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to hold a name");
    log_path(log, "", "LOCK", &path);
    *hold =
        (flume_hold){.log = log, .file = log->io->open(log->io->ctx, path.text, FLUME_IO_WRITE)};
    if (hold->file < 0) {
        status = log_fail_io(log, hold->file, "open", path.text);
        goto fail;
    }
    error = wait_for(hold, byte_of(name, name_bytes), timeout_ns, give_up, ctx);
    if (error != 0) {
        status = refuse(log, error);
        goto fail;
    }
    *out_hold = hold;
    return FLUME_OK;
fail:
    flume_hold_end(hold);
    return status;
}

void flume_hold_end(flume_hold *hold)
{
    const flume_io *io;

    if (hold == NULL)
        return;
    io = hold->log->io;
    if (hold->file >= 0)
        io->close(io->ctx, hold->file); /* Which lets go of the lock. */
    memory_release(&hold->log->allocator, hold);
}
