/*
 * process_trap.c - an io table that sends its own process a signal at one chosen call.
 */
#include "process_trap.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "leave.h"

const char *trap_call_name(enum trap_call call)
{
    static const char *const names[] = {
        "open",           "close", "pread",   "pwrite", "allocate", "punch",  "sync",
        "stat",           "map",   "unmap",   "lock",   "rename",   "unlink", "make_directory",
        "sync_directory", "list",  "wall_ns", "random", "wait",     "wake",   "none",
    };

    return names[call];
}

/* Whether this call is the one. */
static bool is_hit(struct trap *trap, enum trap_call call)
{
    return call == trap->call && atomic_load(&trap->armed) != 0 &&
           atomic_fetch_add(&trap->count, 1) == trap->at;
}

/* A signal to the whole process: it is stopped or dead when kill() returns. */
static void strike(const struct trap *trap, bool hit, enum trap_side side)
{
    if (!hit || trap->side != side)
        return;
    if (trap->signal == SIGKILL)
        leave_coverage();
    (void)kill(getpid(), trap->signal);
}

static bool before(void *ctx, enum trap_call call)
{
    bool hit = is_hit(ctx, call);

    strike(ctx, hit, TRAP_BEFORE);
    return hit;
}

static void after(void *ctx, bool hit)
{
    strike(ctx, hit, TRAP_AFTER);
}

static int trap_open(void *ctx, const char *path, unsigned flags)
{
    bool hit = before(ctx, TRAP_OPEN);
    int result = flume_io_posix()->open(NULL, path, flags);

    after(ctx, hit);
    return result;
}

static void trap_close(void *ctx, int file)
{
    bool hit = before(ctx, TRAP_CLOSE);

    flume_io_posix()->close(NULL, file);
    after(ctx, hit);
}

static int64_t trap_pread(void *ctx, int file, void *target, size_t bytes, uint64_t offset)
{
    bool hit = before(ctx, TRAP_PREAD);
    int64_t result = flume_io_posix()->pread(NULL, file, target, bytes, offset);

    after(ctx, hit);
    return result;
}

/* In the middle of a write is a place too: "after" is after half of it. */
static int64_t trap_pwrite(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    struct trap *trap = ctx;
    bool hit = before(ctx, TRAP_PWRITE);
    bool halves = hit && trap->side == TRAP_AFTER && trap->signal == SIGKILL && bytes > 1;
    int64_t result =
        flume_io_posix()->pwrite(NULL, file, source, halves ? bytes / 2 : bytes, offset);

    after(ctx, hit);
    return result;
}

static int trap_allocate(void *ctx, int file, uint64_t bytes)
{
    bool hit = before(ctx, TRAP_ALLOCATE);
    int result = flume_io_posix()->allocate(NULL, file, bytes);

    after(ctx, hit);
    return result;
}

static int trap_punch(void *ctx, int file, uint64_t offset, uint64_t bytes)
{
    bool hit = before(ctx, TRAP_PUNCH);
    int result = flume_io_posix()->punch(NULL, file, offset, bytes);

    after(ctx, hit);
    return result;
}

static int trap_sync(void *ctx, int file)
{
    bool hit = before(ctx, TRAP_SYNC);
    int result = flume_io_posix()->sync(NULL, file);

    after(ctx, hit);
    return result;
}

static int trap_stat(void *ctx, int file, flume_io_stat *out_stat)
{
    bool hit = before(ctx, TRAP_STAT);
    int result = flume_io_posix()->stat(NULL, file, out_stat);

    after(ctx, hit);
    return result;
}

static int trap_map(void *ctx, int file, uint64_t offset, size_t bytes, bool writable,
                    void **out_data)
{
    bool hit = before(ctx, TRAP_MAP);
    int result = flume_io_posix()->map(NULL, file, offset, bytes, writable, out_data);

    after(ctx, hit);
    return result;
}

static void trap_unmap(void *ctx, void *data, size_t bytes)
{
    bool hit = before(ctx, TRAP_UNMAP);

    flume_io_posix()->unmap(NULL, data, bytes);
    after(ctx, hit);
}

static int trap_lock(void *ctx, int file, uint64_t offset, enum flume_io_lock how)
{
    bool hit = before(ctx, TRAP_LOCK);
    int result = flume_io_posix()->lock(NULL, file, offset, how);

    after(ctx, hit);
    return result;
}

static int trap_rename(void *ctx, const char *from, const char *to)
{
    bool hit = before(ctx, TRAP_RENAME);
    int result = flume_io_posix()->rename(NULL, from, to);

    after(ctx, hit);
    return result;
}

static int trap_unlink(void *ctx, const char *path)
{
    bool hit = before(ctx, TRAP_UNLINK);
    int result = flume_io_posix()->unlink(NULL, path);

    after(ctx, hit);
    return result;
}

static int trap_make_directory(void *ctx, const char *path)
{
    bool hit = before(ctx, TRAP_MAKE_DIRECTORY);
    int result = flume_io_posix()->make_directory(NULL, path);

    after(ctx, hit);
    return result;
}

static int trap_sync_directory(void *ctx, const char *path)
{
    bool hit = before(ctx, TRAP_SYNC_DIRECTORY);
    int result = flume_io_posix()->sync_directory(NULL, path);

    after(ctx, hit);
    return result;
}

static int trap_list(void *ctx, const char *path, flume_io_name name, void *name_ctx)
{
    bool hit = before(ctx, TRAP_LIST);
    int result = flume_io_posix()->list(NULL, path, name, name_ctx);

    after(ctx, hit);
    return result;
}

static uint64_t trap_wall_ns(void *ctx)
{
    bool hit = before(ctx, TRAP_WALL_NS);
    uint64_t result = flume_io_posix()->wall_ns(NULL);

    after(ctx, hit);
    return result;
}

static int trap_random(void *ctx, void *target, size_t bytes)
{
    bool hit = before(ctx, TRAP_RANDOM);
    int result = flume_io_posix()->random(NULL, target, bytes);

    after(ctx, hit);
    return result;
}

static int trap_boot_id(void *ctx, uint8_t out_id[16])
{
    const struct trap *trap = ctx;
    int result = flume_io_posix()->boot_id(NULL, out_id);

    if (trap->of_another_boot)
        out_id[0] ^= 0x5a;
    return result;
}

static void trap_wait(void *ctx, const uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    bool hit = before(ctx, TRAP_WAIT);

    flume_io_posix()->wait(NULL, word, expected, timeout_ns);
    after(ctx, hit);
}

static void trap_wake(void *ctx, const uint32_t *word)
{
    bool hit = before(ctx, TRAP_WAKE);

    flume_io_posix()->wake(NULL, word);
    after(ctx, hit);
}

void trap_init(struct trap *trap, enum trap_call call, enum trap_side side, uint64_t at, int signal)
{
    memset(trap, 0, sizeof *trap);
    trap->call = call;
    trap->side = side;
    trap->at = at;
    trap->signal = signal;
    trap->io = *flume_io_posix(); /* What is not counted stays as it is: it ignores ctx. */
    trap->io.ctx = trap;
    trap->io.open = trap_open;
    trap->io.close = trap_close;
    trap->io.pread = trap_pread;
    trap->io.pwrite = trap_pwrite;
    trap->io.allocate = trap_allocate;
    trap->io.punch = trap_punch;
    trap->io.sync = trap_sync;
    trap->io.stat = trap_stat;
    trap->io.map = trap_map;
    trap->io.unmap = trap_unmap;
    trap->io.lock = trap_lock;
    trap->io.rename = trap_rename;
    trap->io.unlink = trap_unlink;
    trap->io.make_directory = trap_make_directory;
    trap->io.sync_directory = trap_sync_directory;
    trap->io.list = trap_list;
    trap->io.wall_ns = trap_wall_ns;
    trap->io.random = trap_random;
    trap->io.boot_id = trap_boot_id;
    trap->io.wait = trap_wait;
    trap->io.wake = trap_wake;
}

void trap_arm(struct trap *trap)
{
    atomic_store(&trap->armed, 1);
}
