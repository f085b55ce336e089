/*
 * observe.c - a reader without write permission: it looks, and changes nothing.
 *
 * It takes no lock that others wait for, so it cannot register as a waiter either: it polls. Its
 * HEAD is private memory that every look brings up to the shared one.
 */
#include "observe.h"

#include <errno.h>

#include "basin.h"
#include "recover.h"
#include "strata.h"

enum { LOOK_AGAIN_NS = 50000000 };

static void head_open(flume_log *log)
{
    const flume_io *io = log->io;
    flume_io_stat file_stat;
    struct path path;
    void *data;
    int file;

    log_path(log, "", "HEAD", &path);
    file = io->open(io->ctx, path.text, FLUME_IO_READ);
    if (file < 0)
        return;
    if (io->stat(io->ctx, file, &file_stat) == 0 && file_stat.bytes >= HEAD_FILE_BYTES &&
        io->map(io->ctx, file, 0, HEAD_FILE_BYTES, false, &data) == 0) {
        log->shared = data;
        log->head_file = file;
        return;
    }
    io->close(io->ctx, file);
}

/* LOCK's identity, for comparing; and for seeing who is attached, where it can be read. */
static void lock_look(flume_log *log)
{
    const flume_io *io = log->io;
    flume_io_stat file_stat;
    struct path path;

    if (log->lock_file < 0) {
        log_path(log, "", "LOCK", &path);
        log->lock_file = io->open(io->ctx, path.text, FLUME_IO_READ);
    }
    if (log->lock_file >= 0 && io->stat(io->ctx, log->lock_file, &file_stat) == 0) {
        log->lock_device = file_stat.device;
        log->lock_inode = file_stat.inode;
    }
}

static bool shared_counts(const flume_log *log)
{
    const struct head *shared = log->shared;
    uint32_t state;

    if (shared == NULL)
        return false;
    state = atomic_load_explicit(&shared->state, memory_order_acquire);
    return (state == HEAD_READY || state == HEAD_CLOSED) && head_is_readable(shared) &&
           memcmp(shared->boot_id, log->boot_id, sizeof log->boot_id) == 0 &&
           shared->lock_device == log->lock_device && shared->lock_inode == log->lock_inode;
}

/* head first: what it publishes is in the words read after it. */
static void copy_words(flume_log *log)
{
    const struct head *shared = log->shared;
    struct head *head = log->head;
    uint64_t end = atomic_load_explicit(&shared->head, memory_order_acquire);
    uint64_t layout_count = atomic_load_explicit(&shared->layout_count, memory_order_acquire);

    atomic_store(&head->active_first, atomic_load(&shared->active_first));
    atomic_store(&head->active_bytes, atomic_load(&shared->active_bytes));
    atomic_store(&head->refusal, atomic_load(&shared->refusal));
    head->trusted_from = shared->trusted_from;
    for (size_t i = 0; i < STRATA_KINDS; i++)
        atomic_store(&head->last_of_kind[i], atomic_load(&shared->last_of_kind[i]));
    atomic_store(&head->durable, atomic_load(&shared->durable));
    atomic_store(&head->gate_seq, atomic_load(&shared->gate_seq));
    atomic_store(&head->sealed_to, atomic_load(&shared->sealed_to));
    atomic_store_explicit(&head->layout_count, layout_count, memory_order_release);
    atomic_store_explicit(&head->head, end, memory_order_release);
}

static bool has_moved(const flume_log *log)
{
    const struct head *shared = log->shared;
    const struct head *head = log->head;

    return atomic_load(&shared->head) != atomic_load(&head->head) ||
           atomic_load(&shared->durable) != atomic_load(&head->durable) ||
           atomic_load(&shared->layout_count) != atomic_load(&head->layout_count);
}

void observe(flume_log *log)
{
    (void)pthread_mutex_lock(&log->observe_mutex);
    if (log->shared == NULL && log->io->monotonic_ns(log->io->ctx) >= log->observe_again_ns) {
        head_open(log);
        lock_look(log);
        log->observe_again_ns = log->io->monotonic_ns(log->io->ctx) + LOOK_AGAIN_NS;
    }
    if (shared_counts(log) && has_moved(log))
        copy_words(log);
    (void)pthread_mutex_unlock(&log->observe_mutex);
}

/* HEAD came along with a copy that was made while the basin was in use. */
static bool is_live_copy(const flume_log *log)
{
    const struct head *shared = log->shared;

    return shared != NULL && head_is_of_copy(shared, log->lock_inode);
}

int observe_begin(flume_log *log)
{
    const flume_io *io = log->io;
    struct path path;
    int status;

    if (log->head != NULL)
        io->unmap(io->ctx, log->head, HEAD_FILE_BYTES);
    if (log->head_file >= 0)
        io->close(io->ctx, log->head_file);
    log->head_file = -1;
    log->observer = true;
    log->head = NULL;
    log->head_memory =
        memory_allocate_zeroed(&log->allocator, 1, sizeof *log->head + alignof(struct head));
    if (log->head_memory == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to open %s",
                        log->path);
    log->head = (void *)round_up((uintptr_t)log->head_memory, alignof(struct head));
    status = basin_read(log);
    if (status != FLUME_OK)
        return status;
    if (log->gate_file < 0) {
        log_path(log, "", "TAIL", &path);
        log->gate_file = io->open(io->ctx, path.text, FLUME_IO_READ);
    }
    lock_look(log);
    head_open(log);
    log->recovery.damaged_seq = FLUME_SEQ_NONE;
    if (!shared_counts(log))
        return recover_machine_stop(log, RECOVER_LOOKING, is_live_copy(log), 0);
    copy_words(log);
    log->recovery.head = atomic_load(&log->head->head);
    return FLUME_OK;
}
