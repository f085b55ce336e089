/*
 * inspection.c - looking at a basin from outside: what check and repair share.
 */
#include "inspection.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "basin.h"
#include "bytes.h"
#include "recover.h"
#include "sealed.h"
#include "strata.h"

#define LOCK_TIMEOUT_NS UINT64_C(5000000000)

/* A handle that is not attached to anything, with a HEAD of its own. NULL: no memory. */
static flume_log *handle_create(const flume_allocator *allocator, const flume_io *io,
                                const char *path)
{
    flume_log *log = memory_allocate_zeroed(allocator, 1, sizeof *log);
    size_t bytes = strlen(path);

    if (log == NULL)
        return NULL;
    log->allocator = *allocator;
    log->io = io;
    log->observer = log->read_only = true;
    log->lock_file = log->head_file = log->gate_file = -1;
    log->error.seq = FLUME_SEQ_NONE;
    log->lock_timeout_ns = LOCK_TIMEOUT_NS;
    (void)pthread_mutex_init(&log->table_mutex, NULL);
    (void)pthread_mutex_init(&log->cache_mutex, NULL);
    (void)pthread_mutex_init(&log->error_mutex, NULL);
    log->path = memory_allocate(allocator, bytes + 1);
    log->head_memory =
        memory_allocate_zeroed(allocator, 1, sizeof *log->head + alignof(struct head));
    if (log->head_memory != NULL)
        log->head = (void *)round_up((uintptr_t)log->head_memory, alignof(struct head));
    if (log->path == NULL)
        return log;
    memcpy(log->path, path, bytes + 1);
    while (bytes > 1 && log->path[bytes - 1] == '/')
        log->path[--bytes] = '\0';
    return log;
}

static void handle_destroy(flume_log *log)
{
    flume_allocator allocator = log->allocator;
    int files[] = {log->lock_file, log->head_file, log->gate_file};

    sealed_stop(log);
    table_destroy(log);
    if (log->shared != NULL)
        log->io->unmap(log->io->ctx, (void *)log->shared, HEAD_FILE_BYTES);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i] >= 0)
            log->io->close(log->io->ctx, files[i]);
    }
    memory_release(&allocator, log->head_memory);
    memory_release(&allocator, log->path);
    (void)pthread_mutex_destroy(&log->table_mutex);
    (void)pthread_mutex_destroy(&log->cache_mutex);
    (void)pthread_mutex_destroy(&log->error_mutex);
    memory_release(&allocator, log);
}

static int open_to_look(flume_log *log, const char *name)
{
    struct path path;

    log_path(log, "", name, &path);
    return log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
}

static int settings_read(struct inspection *inspection)
{
    flume_log *log = inspection->log;
    int error = log->io->boot_id(log->io->ctx, log->boot_id);

    if (error != 0)
        return log_fail_io(log, error, "read the boot id for", log->path);
    inspection->conf_status = basin_read(log);
    if (inspection->conf_status != FLUME_OK && inspection->conf_status != FLUME_ERR_DAMAGED &&
        inspection->conf_status != FLUME_ERR_NO_BASIN)
        return inspection->conf_status;
    log->gate_file = open_to_look(log, "TAIL");
    if (log->gate_file < 0 && log->gate_file != -ENOENT && log->gate_file != -ENOTDIR)
        return log_fail_io(log, log->gate_file, "open TAIL of", log->path);
    return FLUME_OK;
}

int inspection_begin(struct inspection *inspection, const char *path,
                     const flume_check_options *options)
{
    memset(inspection, 0, sizeof *inspection);
    if (options != NULL)
        inspection->options = *options;
    if (inspection->options.allocator == NULL)
        inspection->options.allocator = memory_default();
    if (inspection->options.io == NULL)
        inspection->options.io = flume_io_posix();
    inspection->head_active_first = FLUME_SEQ_NONE;
    if (path == NULL || *path == '\0' || strlen(path) > BASIN_PATH_BYTES_MAX)
        return FLUME_ERR_INVALID;
    inspection->log = handle_create(inspection->options.allocator, inspection->options.io, path);
    if (inspection->log == NULL)
        return FLUME_ERR_NO_MEMORY;
    if (inspection->log->path == NULL || inspection->log->head == NULL)
        return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to look at a basin");
    return settings_read(inspection);
}

void inspection_end(struct inspection *inspection, int status, flume_check_report *out_report,
                    flume_error *out_error)
{
    flume_log *log = inspection->log;

    if (out_report != NULL)
        *out_report = inspection->report;
    if (out_error != NULL) {
        memset(out_error, 0, sizeof *out_error);
        out_error->seq = FLUME_SEQ_NONE;
        if (status != FLUME_OK && log != NULL && log->error.status == status)
            *out_error = log->error;
        else if (status != FLUME_OK)
            (void)snprintf(out_error->message, sizeof out_error->message, "%s",
                           flume_strerror(status));
        out_error->status = status;
    }
    if (log != NULL)
        handle_destroy(log);
    inspection->log = NULL;
}

/* --- Where the log ends ----------------------------------------------------------------------- */

static void head_map(flume_log *log)
{
    flume_io_stat file_stat;
    void *data;

    if (log->head_file >= 0)
        return;
    log->head_file = open_to_look(log, "HEAD");
    if (log->head_file >= 0 && log->io->stat(log->io->ctx, log->head_file, &file_stat) == 0 &&
        file_stat.bytes >= HEAD_FILE_BYTES &&
        log->io->map(log->io->ctx, log->head_file, 0, HEAD_FILE_BYTES, false, &data) == 0)
        log->shared = data;
}

static void lock_look(flume_log *log)
{
    flume_io_stat file_stat;

    if (log->lock_file < 0)
        log->lock_file = open_to_look(log, "LOCK");
    if (log->lock_file >= 0 && log->io->stat(log->io->ctx, log->lock_file, &file_stat) == 0) {
        log->lock_device = file_stat.device;
        log->lock_inode = file_stat.inode;
    }
}

static bool head_is_ours(const struct inspection *inspection)
{
    const flume_log *log = inspection->log;
    const struct head *shared = log->shared;
    uint32_t state = atomic_load(&shared->state);

    if ((state != HEAD_READY && state != HEAD_CLOSED) ||
        memcmp(shared->boot_id, log->boot_id, sizeof log->boot_id) != 0 ||
        shared->lock_device != log->lock_device || shared->lock_inode != log->lock_inode)
        return false;
    if (inspection->conf_status == FLUME_OK &&
        memcmp(shared->basin_id, log->basin_id, sizeof log->basin_id) != 0)
        return false;
    return state == HEAD_READY || shared->closed_check == head_closed_check(shared);
}

void inspection_look_at_head(struct inspection *inspection)
{
    flume_log *log = inspection->log;
    const struct head *shared;

    /* The gate first: it never runs ahead of a head that is read later. */
    inspection->has_gate = gate_read(log, &inspection->gate, NULL);
    lock_look(log);
    head_map(log);
    shared = log->shared;
    if (shared == NULL || !head_is_readable(shared))
        return;
    inspection->is_copy = head_is_of_copy(shared, log->lock_inode);
    if (!head_is_ours(inspection))
        return;
    inspection->head_refusal = atomic_load(&shared->refusal);
    inspection->head_durable = atomic_load(&shared->durable);
    if ((inspection->head_refusal & HEAD_POISONED) != 0)
        return; /* What a failed sync may have taken is judged as after a machine stop. */
    inspection->head_counts = true;
    inspection->end = atomic_load_explicit(&shared->head, memory_order_acquire);
    inspection->trusted_from = shared->trusted_from;
    if (atomic_load(&shared->active_bytes) != 0)
        inspection->head_active_first = atomic_load(&shared->active_first);
}

int inspection_find_end(struct inspection *inspection)
{
    flume_log *log = inspection->log;
    int status;

    if (inspection->conf_status != FLUME_OK) /* Only now is it known whose gate it must be. */
        inspection->has_gate = gate_read(log, &inspection->gate, NULL);
    if (inspection->head_counts) {
        inspection->known = inspection->end;
        inspection->is_tail_lost = inspection->has_gate && inspection->gate.seq > inspection->end;
        return FLUME_OK;
    }
    inspection->trusted_from = UINT64_MAX;
    status = recover_machine_stop(log, RECOVER_LOOKING, inspection->is_copy, 0);
    if (status != FLUME_OK)
        return status;
    inspection->end = atomic_load(&log->head->head);
    inspection->known = atomic_load(&log->head->durable);
    inspection->is_torn = log->recovery.torn;
    inspection->is_tail_lost = (atomic_load(&log->head->refusal) & HEAD_TAIL_LOST) != 0;
    return FLUME_OK;
}

bool inspection_was_at_rest(const struct inspection *inspection)
{
    const struct head *shared = inspection->log->shared;

    if (!inspection->head_counts || inspection->is_alone)
        return true;
    return atomic_load(&shared->state) == HEAD_CLOSED &&
           atomic_load(&shared->head) == inspection->end;
}

/* --- Telling ---------------------------------------------------------------------------------- */

int inspection_tell(struct inspection *inspection, enum flume_finding_kind kind,
                    enum finding_weight weight, const struct finding_place *place,
                    const char *format, ...)
{
    char message[FLUME_ERROR_TEXT_BYTES];
    flume_finding finding = {
        .kind = kind,
        .first_seq = place->first_seq,
        .last_seq = place->last_seq,
        .offset = place->offset,
        .bytes = place->bytes,
        .file = place->file,
        .message = message,
        .action = inspection->actions != NULL ? inspection->actions[kind] : "",
    };
    va_list arguments;

    if (inspection->voice == FINDING_QUIET)
        return FLUME_OK;
    inspection->report.findings++;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (weight == FINDING_DAMAGE && !inspection->is_damaged) {
        inspection->is_damaged = true;
        inspection->first_damage_seq = place->first_seq;
        memcpy(inspection->first_damage, message, sizeof message);
    }
    if (inspection->options.finding != NULL &&
        inspection->options.finding(inspection->options.ctx, &finding) != 0)
        return log_fail(inspection->log, FLUME_ERR_CANCELLED, 0, FLUME_SEQ_NONE,
                        "looking at %s was cancelled", inspection->log->path);
    return FLUME_OK;
}

static int tell_progress(struct inspection *inspection)
{
    if (inspection->options.progress == NULL ||
        inspection->options.progress(inspection->options.ctx, inspection->progress_done,
                                     inspection->progress_total) == 0)
        return FLUME_OK;
    return log_fail(inspection->log, FLUME_ERR_CANCELLED, 0, FLUME_SEQ_NONE,
                    "looking at %s was cancelled", inspection->log->path);
}

int inspection_progress(struct inspection *inspection, uint64_t bytes)
{
    uint64_t done = inspection->progress_done + bytes;

    inspection->progress_done = done;
    if (done - inspection->progress_told < PROGRESS_BYTES && done < inspection->progress_total)
        return FLUME_OK;
    inspection->progress_told = done;
    if (done > inspection->progress_total)
        inspection->progress_total = done;
    return tell_progress(inspection);
}

int inspection_pulse(struct inspection *inspection)
{
    return tell_progress(inspection);
}

int inspection_status(struct inspection *inspection)
{
    flume_log *log = inspection->log;

    inspection->report.sound = !inspection->is_damaged && !inspection->is_tail_lost &&
                               !inspection->is_version;
    if (inspection->is_version)
        return log_fail(log, FLUME_ERR_VERSION, 0, FLUME_SEQ_NONE,
                        "%s needs a feature that this flume does not know; use a newer one",
                        log->path);
    if (inspection->is_tail_lost)
        return log_fail(log, FLUME_ERR_TAIL_LOST, 0, inspection->end,
                        "%s ends at seq %llu, but records up to seq %llu were acknowledged as "
                        "durable; restore the missing strata, or accept the loss with 'flume "
                        "repair --accept-loss'",
                        log->path, (unsigned long long)inspection->end,
                        (unsigned long long)inspection->lost_to);
    if (!inspection->is_damaged)
        return FLUME_OK;
    return log_fail(log, FLUME_ERR_DAMAGED, 0, inspection->first_damage_seq,
                    "%s: %s; see all findings, then run 'flume repair'", log->path,
                    inspection->first_damage);
}
