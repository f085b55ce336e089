/*
 * log.c - opening and closing a log, and what it says of itself.
 */
#include "flume/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach.h"
#include "codecs.h"
#include "cursors.h"
#include "fork_guard.h"
#include "identity.h"
#include "io_memory.h"
#include "manifest.h"
#include "seal.h"
#include "sealed.h"
#include "strata.h"
#include "sync.h"
#include "vetting.h"
#include "wait.h"
#include "writer.h"

#define LOCK_TIMEOUT_DEFAULT_NS UINT64_C(5000000000)

static char *text_copy(flume_log *log, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = memory_allocate(&log->allocator, bytes);

    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

static int no_memory(flume_log *log)
{
    return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to open a log");
}

/* The path without trailing slashes. */
static int take_path(flume_log *log, const char *path)
{
    size_t bytes = strlen(path);

    if (bytes == 0 || bytes > BASIN_PATH_BYTES_MAX)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "a basin's path has 1 to %d bytes", BASIN_PATH_BYTES_MAX);
    log->path = text_copy(log, path);
    if (log->path == NULL)
        return no_memory(log);
    while (bytes > 1 && log->path[bytes - 1] == '/')
        log->path[--bytes] = '\0';
    return FLUME_OK;
}

static int take_labels(flume_log *log, const flume_log_options *options)
{
    if (options->label_count > FLUME_MANIFEST_LABELS_MAX ||
        (options->labels == NULL && options->label_count > 0))
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "a manifest has at most %d labels", FLUME_MANIFEST_LABELS_MAX);
    if (options->label_count == 0)
        return FLUME_OK;
    log->labels =
        memory_allocate_zeroed(&log->allocator, options->label_count, sizeof *log->labels);
    if (log->labels == NULL)
        return no_memory(log);
    for (size_t i = 0; i < options->label_count; i++) {
        log->labels[i] = text_copy(log, options->labels[i]);
        if (log->labels[i] == NULL)
            return no_memory(log);
        log->label_count = i + 1;
    }
    return FLUME_OK;
}

static int check_options(flume_log *log, const flume_log_options *options)
{
    unsigned known = FLUME_OPEN_CREATE | FLUME_OPEN_READ_ONLY | FLUME_OPEN_EXCLUSIVE;
    uint64_t strata_bytes = options->strata_bytes;

    if ((options->flags & ~known) != 0 || options->profile > FLUME_PROFILE_PARANOID ||
        options->io_mode > FLUME_IO_PWRITE)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "unknown flags 0x%x, profile %u or io mode %u", options->flags,
                        (unsigned)options->profile, (unsigned)options->io_mode);
    if (strata_bytes != 0 &&
        (strata_bytes < FLUME_STRATA_BYTES_MIN || strata_bytes > FLUME_STRATA_BYTES_MAX ||
         strata_bytes % STRATA_PAGE_BYTES != 0))
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "strata_bytes %llu is not a multiple of %d from %d to %d",
                        (unsigned long long)strata_bytes, STRATA_PAGE_BYTES, FLUME_STRATA_BYTES_MIN,
                        FLUME_STRATA_BYTES_MAX);
    return FLUME_OK;
}

static int take_identity(flume_log *log, const flume_log_options *options)
{
    char program[HEAD_PROGRAM_BYTES];
    int error;

    identity_program(program, sizeof program);
    log->program = text_copy(log, options->program != NULL ? options->program : program);
    log->build = text_copy(log, options->build != NULL ? options->build : "");
    if (log->program == NULL || log->build == NULL)
        return no_memory(log);
    log->pid = identity_pid();
    log->started_ns = log->io->wall_ns(log->io->ctx);
    atomic_store(&log->last_wall_ns, log->started_ns);
    atomic_store(&log->clock_offset_ns,
                 (int64_t)(log->started_ns - log->io->monotonic_ns(log->io->ctx)));
    error = log->io->random(log->io->ctx, log->nonce, sizeof log->nonce);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "get random bytes for", log->path);
}

static int take_options(flume_log *log, const char *path, const flume_log_options *options)
{
    int status = take_path(log, path);

    if (status == FLUME_OK)
        status = check_options(log, options);
    if (status != FLUME_OK)
        return status;
    log->flags = options->flags;
    log->read_only = (options->flags & FLUME_OPEN_READ_ONLY) != 0;
    log->profile = options->profile != FLUME_PROFILE_DEFAULT ? options->profile
                                                             : FLUME_PROFILE_CASUAL;
    log->io_mode = options->io_mode;
    log->lock_timeout_ns = options->lock_timeout_ns != 0 ? options->lock_timeout_ns
                                                         : LOCK_TIMEOUT_DEFAULT_NS;
    log->log = options->log;
    log->log_ctx = options->log_ctx;
    log->in_memory = strcmp(path, ":memory:") == 0;
    log->io = options->io != NULL ? options->io : flume_io_posix();
    if (log->in_memory) {
        status = io_memory_create(&log->allocator, &log->memory_io);
        if (status != FLUME_OK)
            return no_memory(log);
        log->io = &log->memory_io;
        log->flags |= FLUME_OPEN_CREATE;
    }
    status = take_identity(log, options);
    if (status == FLUME_OK)
        status = take_labels(log, options);
    if (status == FLUME_OK)
        status = seal_options_take(log, options->seal);
    if (status == FLUME_OK)
        status = codecs_take(log, options->codecs, options->codec_count);
    return status;
}

/* What the file system allows decides between mapping and pwrite, and whether to share. */
static int choose_io(flume_log *log)
{
    bool syncs_each = log->profile == FLUME_PROFILE_SAFE || log->profile == FLUME_PROFILE_PARANOID;
    int kind = log->io->file_system(log->io->ctx, log->path);

    if (kind < 0)
        return log_fail_io(log, kind, "look at the file system of", log->path);
    if (kind == FLUME_IO_FS_REMOTE && !log->read_only)
        log->flags |= FLUME_OPEN_EXCLUSIVE;
    if (log->io_mode == FLUME_IO_MAPPED && kind != FLUME_IO_FS_MAPPED)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "%s lies on a file system where a store into a mapping may fail for want "
                        "of space; use io mode auto or pwrite",
                        log->path);
    if (log->io_mode == FLUME_IO_AUTO)
        log->io_mode = kind == FLUME_IO_FS_MAPPED && !syncs_each ? FLUME_IO_MAPPED
                                                                 : FLUME_IO_PWRITE;
    return FLUME_OK;
}

static flume_log *log_create(const flume_log_options *options)
{
    flume_allocator allocator = options->allocator != NULL ? *options->allocator
                                                           : *memory_default();
    flume_log *log = memory_allocate_zeroed(&allocator, 1, sizeof *log);

    if (log == NULL)
        return NULL;
    log->allocator = allocator;
    log->lock_file = log->head_file = log->gate_file = -1;
    log->writer.manifest_ordinal = GRAIN_WRITER_NONE;
    log->error.seq = FLUME_SEQ_NONE;
    log->guard = fork_guard_create();
    (void)pthread_mutex_init(&log->companion_mutex, NULL);
    (void)pthread_mutex_init(&log->table_mutex, NULL);
    (void)pthread_mutex_init(&log->cache_mutex, NULL);
    (void)pthread_mutex_init(&log->subscriptions_mutex, NULL);
    (void)pthread_cond_init(&log->subscriptions_moved, NULL);
    (void)pthread_mutex_init(&log->notify_mutex, NULL);
    (void)pthread_mutex_init(&log->observe_mutex, NULL);
    (void)pthread_mutex_init(&log->error_mutex, NULL);
    (void)pthread_mutex_init(&log->windows.mutex, NULL);
    return log;
}

static void file_close(flume_log *log, int *file)
{
    if (*file >= 0)
        log->io->close(log->io->ctx, *file);
    *file = -1;
}

static void write_files_close(flume_log *log)
{
    for (struct strata *strata = log->strata_made; strata != NULL; strata = strata->next_made) {
        int file = atomic_exchange(&strata->write_file, -1);

        if (file >= 0)
            log->io->close(log->io->ctx, file);
    }
}

static void head_release(flume_log *log)
{
    if (log->head != NULL && !log->observer)
        log->io->unmap(log->io->ctx, log->head, HEAD_FILE_BYTES);
    if (log->shared != NULL)
        log->io->unmap(log->io->ctx, (void *)log->shared, HEAD_FILE_BYTES);
    memory_release(&log->allocator, log->head_memory);
}

/* Free what there is of a handle, whole or half-built. */
static void log_destroy(flume_log *log)
{
    flume_allocator allocator = log->allocator;

    if (log->io != NULL) {
        writer_tear_down(log);
        write_files_close(log);
        sealed_stop(log);
        table_destroy(log);
        head_release(log);
        file_close(log, &log->lock_file);
        file_close(log, &log->head_file);
        file_close(log, &log->gate_file);
        if (log->io == &log->memory_io)
            io_memory_destroy(&log->memory_io);
    }
    seal_options_release(log);
    memory_release(&allocator, log->writer.scratch);
    memory_release(&allocator, log->manifest);
    for (size_t i = 0; i < log->label_count; i++)
        memory_release(&allocator, log->labels[i]);
    memory_release(&allocator, log->labels);
    memory_release(&allocator, log->program);
    memory_release(&allocator, log->build);
    memory_release(&allocator, log->path);
    fork_guard_destroy(log->guard);
    (void)pthread_mutex_destroy(&log->companion_mutex);
    (void)pthread_mutex_destroy(&log->table_mutex);
    (void)pthread_mutex_destroy(&log->cache_mutex);
    (void)pthread_mutex_destroy(&log->subscriptions_mutex);
    (void)pthread_cond_destroy(&log->subscriptions_moved);
    (void)pthread_mutex_destroy(&log->notify_mutex);
    (void)pthread_mutex_destroy(&log->observe_mutex);
    (void)pthread_mutex_destroy(&log->error_mutex);
    (void)pthread_mutex_destroy(&log->windows.mutex);
    memory_release(&allocator, log);
}

/* What a careful profile refuses to write to. */
static int accept_state(flume_log *log)
{
    uint32_t refusal = atomic_load(&log->head->refusal);
    bool careful = log->profile == FLUME_PROFILE_SAFE || log->profile == FLUME_PROFILE_PARANOID;

    if (log->read_only || !careful)
        return FLUME_OK;
    if ((refusal & HEAD_TAIL_LOST) != 0)
        return log_fail(log, FLUME_ERR_TAIL_LOST, 0, atomic_load(&log->head->head),
                        "%s ends at seq %llu, but records up to %llu were acknowledged as durable; "
                        "restore the missing strata, or accept the loss with 'flume repair "
                        "--accept-loss'",
                        log->path, (unsigned long long)atomic_load(&log->head->head),
                        (unsigned long long)atomic_load(&log->head->gate_seq));
    if ((refusal & HEAD_DAMAGED) != 0)
        return log_fail(log, FLUME_ERR_DAMAGED, 0,
                        log->recovery.damaged ? log->recovery.damaged_seq : FLUME_SEQ_NONE,
                        "%s is damaged; it opens to read only: run 'flume check', then 'flume "
                        "repair'",
                        log->path);
    if (log->in_memory)
        return FLUME_OK; /* It was made a moment ago. */
    return vet(log, log->profile == FLUME_PROFILE_PARANOID ? VET_RECORDS : VET_OUTLINES);
}

static int log_begin(flume_log *log, const char *path, const flume_log_options *options)
{
    int status = take_options(log, path, options);

    if (status == FLUME_OK && log->guard == NULL)
        status = no_memory(log);
    if (status == FLUME_OK && log->read_only && (log->flags & FLUME_OPEN_CREATE) != 0 &&
        !log->in_memory)
        status = log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                          "a basin cannot be created read-only");
    if (status == FLUME_OK)
        status = manifest_make(log);
    if (status == FLUME_OK)
        status = attach_look(log);
    if (status == FLUME_OK)
        status = choose_io(log);
    if (status == FLUME_OK)
        status = attach(log, options->strata_bytes != 0 ? options->strata_bytes
                                                        : FLUME_STRATA_BYTES_DEFAULT);
    if (status == FLUME_OK) {
        boards_init(log);
        status = accept_state(log);
    }
    if (status == FLUME_OK && !log->read_only)
        status = helpers_start(log);
    if (status == FLUME_OK && !log->read_only && durable_seen(log) < head_seen(log))
        sync_soon(log); /* What others left undurable when they died. */
    return status;
}

/* Before there is a handle. */
static int fail_early(flume_error *out_error, int status, const char *message)
{
    if (out_error != NULL) {
        out_error->status = status;
        (void)snprintf(out_error->message, sizeof out_error->message, "%s", message);
    }
    return status;
}

int flume_log_open(flume_log **out_log, const char *path, const flume_log_options *options,
                   flume_error *out_error)
{
    return log_open_as(LOG_ITSELF, out_log, path, options, out_error);
}

int log_open_as(enum log_role role, flume_log **out_log, const char *path,
                const flume_log_options *options, flume_error *out_error)
{
    static const flume_log_options defaults = {.flags = 0};
    flume_log *log;
    int status;

    if (out_error != NULL) {
        memset(out_error, 0, sizeof *out_error);
        out_error->seq = FLUME_SEQ_NONE;
    }
    if (out_log == NULL || path == NULL)
        return fail_early(out_error, FLUME_ERR_INVALID, "out_log or the path is NULL");
    if (options == NULL)
        options = &defaults;
    log = log_create(options);
    if (log == NULL)
        return fail_early(out_error, FLUME_ERR_NO_MEMORY, "no memory to open a log");
    atomic_store(&log->is_companion, role == LOG_COMPANION);
    status = log_begin(log, path, options);
    if (status == FLUME_OK) {
        /* What the way in met is no error. A thread of the log may meet another one by now. */
        (void)pthread_mutex_lock(&log->error_mutex);
        log->error = (flume_error){.seq = FLUME_SEQ_NONE};
        (void)pthread_mutex_unlock(&log->error_mutex);
        *out_log = log;
        return FLUME_OK;
    }
    if (out_error != NULL)
        *out_error = log->error;
    helpers_stop(log);
    detach(log);
    log_destroy(log);
    return status;
}

/* Make durable what there is, and say so at the gate. */
static int settle_at_close(flume_log *log)
{
    int status;

    if (log->read_only || log->in_memory || !log->attached)
        return FLUME_OK;
    if ((atomic_load(&log->head->refusal) & (HEAD_POISONED | HEAD_TAIL_LOST | HEAD_DAMAGED)) != 0)
        return (atomic_load(&log->head->refusal) & HEAD_POISONED) != 0 ? FLUME_ERR_POISONED
                                                                       : FLUME_OK;
    status = sync_to(log, atomic_load(&log->head->head));
    if (status == FLUME_OK)
        status = gate_bring_up(log);
    return status;
}

int flume_log_close(flume_log *log)
{
    int status;

    if (log == NULL)
        return FLUME_OK;
    if (log_guard(log) == FLUME_ERR_FORKED) {
        log_destroy(log); /* The parent goes on: only this process's memory and descriptors go. */
        return FLUME_OK;
    }
    status = subscriptions_stop(log);
    if (status != FLUME_OK)
        return status;
    notify_stop(log);
    helpers_stop(log);
    status = settle_at_close(log);
    detach(log);
    log_destroy(log);
    return status;
}

uint64_t flume_log_head(flume_log *log)
{
    return log_guard(log) == FLUME_OK ? head_seen(log) : 0;
}

uint64_t flume_log_durable(flume_log *log)
{
    return log_guard(log) == FLUME_OK ? durable_seen(log) : 0;
}

void flume_log_error(flume_log *log, flume_error *out_error)
{
    if (log == NULL || out_error == NULL)
        return;
    (void)pthread_mutex_lock(&log->error_mutex);
    *out_error = log->error;
    (void)pthread_mutex_unlock(&log->error_mutex);
}

const char *flume_log_path(flume_log *log)
{
    return log != NULL ? log->path : "";
}
