/*
 * rescue.c - what recovery and repair do with files: probe them, and keep what leaves the log.
 *
 * Nothing in lost+found/ is ever replaced: a second file of a name gets a number.
 */
#include "rescue.h"

#include <errno.h>
#include <stdio.h>

#include "scan.h"

enum { PROBE_BYTES = 128 << 10, NAME_TRIES = 1000 };

int rescue_probe(flume_log *log, struct strata *strata, uint64_t *out_used)
{
    const flume_io *io = log->io;
    uint8_t *buffer = memory_allocate(&log->allocator, PROBE_BYTES);
    char name[STRATA_NAME_BYTES];
    struct path path;
    uint64_t used = 0;
    int status = FLUME_OK;
    int file;

    if (buffer == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to recover %s",
                        log->path);
    strata_name(name, strata->first_seq);
    log_path(log, "log", name, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_READ);
    if (file < 0) {
        memory_release(&log->allocator, buffer);
        return log_fail_io(log, file, "open", path.text);
    }
    for (uint64_t at = 0; at < strata->limit; at += PROBE_BYTES) {
        uint64_t left = strata->limit - at;
        size_t piece = left < PROBE_BYTES ? (size_t)left : PROBE_BYTES;
        int error = io_read_all(io, file, buffer, piece, at);
        size_t piece_used;

        if (error != 0) {
            status = log_fail_io(log, error, "read", path.text);
            break;
        }
        piece_used = (size_t)scan_last_nonzero(buffer, 0, piece);
        if (piece_used > 0)
            used = at + piece_used;
    }
    io->close(io->ctx, file);
    memory_release(&log->allocator, buffer);
    if (status == FLUME_OK)
        *out_used = used;
    return status;
}

int rescue_free_name(flume_log *log, const char *name, struct path *out_path)
{
    char numbered[2 * STRATA_NAME_BYTES + 16];

    for (unsigned i = 0; i < NAME_TRIES; i++) {
        int file;

        if (i == 0)
            (void)snprintf(numbered, sizeof numbered, "%s", name);
        else
            (void)snprintf(numbered, sizeof numbered, "%s.%u", name, i);
        log_path(log, "lost+found", numbered, out_path);
        file = log->io->open(log->io->ctx, out_path->text, FLUME_IO_READ);
        if (file == -ENOENT)
            return FLUME_OK;
        if (file < 0)
            return log_fail_io(log, file, "look for", out_path->text);
        log->io->close(log->io->ctx, file);
    }
    return log_fail(log, FLUME_ERR_FULL, 0, FLUME_SEQ_NONE,
                    "%s/lost+found has %u files named %s; move them away", log->path,
                    (unsigned)NAME_TRIES, name);
}

bool rescue_keep_unnamed(flume_log *log, const struct path *path)
{
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_header header;
    char name[STRATA_NAME_BYTES];
    struct path target;
    int file = log->io->open(log->io->ctx, path->text, FLUME_IO_READ);
    bool is_strata;

    if (file < 0)
        return false;
    is_strata = io_read_all(log->io, file, page, sizeof page, 0) == 0 &&
                strata_header_decode(page, &header) == FLUME_OK;
    log->io->close(log->io->ctx, file);
    if (!is_strata)
        return false;
    strata_name(name, header.first_seq);
    return rescue_free_name(log, name, &target) == FLUME_OK &&
           log->io->rename(log->io->ctx, path->text, target.text) == 0;
}

static int sync_folder(flume_log *log, const char *folder)
{
    struct path path;
    int error;

    log_path(log, folder, "", &path);
    error = log->io->sync_directory(log->io->ctx, path.text);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "sync the directory", path.text);
}

static int move_out(flume_log *log, const char *name)
{
    struct path from, to;
    int error;
    int status = rescue_free_name(log, name, &to);

    if (status != FLUME_OK)
        return status;
    log_path(log, "log", name, &from);
    error = log->io->rename(log->io->ctx, from.text, to.text);
    if (error != 0 && error != -ENOENT)
        return log_fail_io(log, error, "move to lost+found", from.text);
    return FLUME_OK;
}

int rescue_move_strata(flume_log *log, uint64_t first_seq)
{
    char name[STRATA_NAME_BYTES];
    int status;

    strata_name(name, first_seq);
    status = move_out(log, name);
    if (status == FLUME_OK)
        status = sync_folder(log, "lost+found");
    if (status == FLUME_OK)
        status = sync_folder(log, "log");
    if (status != FLUME_OK)
        return status;
    strata_slots_name(name, first_seq); /* Slots are worth nothing alone; but nothing is deleted. */
    return move_out(log, name);
}

static int write_rescued(flume_log *log, const struct path *path, const uint8_t *source,
                         size_t bytes)
{
    const flume_io *io = log->io;
    int file = io->open(io->ctx, path->text, FLUME_IO_WRITE | FLUME_IO_CREATE | FLUME_IO_EXCLUSIVE);
    int error;

    if (file < 0)
        return log_fail_io(log, file, "create", path->text);
    error = io_write_all(io, file, source, bytes, 0);
    if (error == 0)
        error = io->sync(io->ctx, file);
    io->close(io->ctx, file);
    if (error == 0)
        return sync_folder(log, "lost+found");
    (void)io->unlink(io->ctx, path->text); /* Half of it would pass for all of it. */
    return log_fail_io(log, error, "write", path->text);
}

int rescue_save_tail(flume_log *log, const struct strata *strata, uint64_t end_offset, bool save)
{
    uint64_t last = scan_last_nonzero(strata->data, end_offset, strata->limit);
    char name[2 * STRATA_NAME_BYTES];
    struct path path;
    int file;

    if (last == end_offset)
        return FLUME_OK;
    log->recovery.cut_bytes += last - end_offset;
    if (!save)
        return FLUME_OK;
    (void)snprintf(name, sizeof name, "%020llu-at-%llu.torn", (unsigned long long)strata->first_seq,
                   (unsigned long long)end_offset);
    log_path(log, "lost+found", name, &path);
    file = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (file >= 0) { /* Saved by an earlier recovery that found the same end. */
        log->io->close(log->io->ctx, file);
        return FLUME_OK;
    }
    return write_rescued(log, &path, strata->data + end_offset, (size_t)(last - end_offset));
}

int rescue_void(flume_log *log, struct strata *strata, uint64_t offset)
{
    static const uint8_t zeros[GRAIN_HEADER_BYTES];
    int file = strata_write_file(log, strata);
    int error;

    if (file < 0)
        return file;
    error = io_write_all(log->io, file, zeros, sizeof zeros, offset);
    if (error == 0)
        error = log->io->sync(log->io->ctx, file);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "cut a strata of", log->path);
}

static bool slots_write(flume_log *log, const struct strata *strata, const void *slots,
                        size_t bytes)
{
    const flume_io *io = log->io;
    char name[STRATA_NAME_BYTES];
    struct path path;
    int file, error;

    strata_slots_name(name, strata->first_seq);
    log_path(log, "log", name, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_WRITE | FLUME_IO_CREATE);
    if (file < 0)
        return false;
    error = io_write_all(io, file, slots, bytes, 0);
    io->close(io->ctx, file);
    return error == 0;
}

void rescue_write_slots(flume_log *log, struct strata *strata, const uint32_t *slots,
                        struct strata_footer *footer)
{
    size_t bytes = (size_t)(footer->count + 1) * sizeof *slots;
    uint8_t page[STRATA_PAGE_BYTES];
    int file;

    footer->slots_check = hash_bytes(slots, bytes, 0);
    if (!slots_write(log, strata, slots, bytes) || strata->data_bytes < strata->file_bytes)
        return;
    file = strata_write_file(log, strata);
    if (file < 0)
        return;
    strata_footer_encode(page, footer);
    (void)io_write_all(log->io, file, page, sizeof page, strata_limit(strata->file_bytes));
}
