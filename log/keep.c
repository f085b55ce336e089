/*
 * keep.c - keeping in lost+found/ what a repair replaces.
 */
#include "keep.h"

#include <errno.h>

#include "rescue.h"
#include "seal_file.h"
#include "survey.h"

enum { PIECE_BYTES = 64 << 10, PAGE_BYTES = 4096 };

static bool is_zero(const uint8_t *bytes, size_t count)
{
    return count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

/* Read a piece; where the medium fails, page by page, with zeros for what it does not give. */
static int read_piece(const flume_io *io, int file, uint8_t *target, size_t bytes, uint64_t at)
{
    int error = io_read_all(io, file, target, bytes, at);

    for (size_t page = 0; error == -EIO && page < bytes; page += PAGE_BYTES) {
        size_t piece = bytes - page < PAGE_BYTES ? bytes - page : PAGE_BYTES;

        if (io_read_all(io, file, target + page, piece, at + page) != 0)
            memset(target + page, 0, piece);
        if (page + PAGE_BYTES >= bytes)
            error = 0;
    }
    return error;
}

/* Copy a file; pages of zeros are left as holes but for the last byte. */
static int copy_bytes(const flume_io *io, int from, int to, uint64_t bytes, uint8_t *buffer)
{
    int error = 0;

    for (uint64_t at = 0; at < bytes && error == 0; at += PIECE_BYTES) {
        size_t piece = bytes - at < PIECE_BYTES ? (size_t)(bytes - at) : PIECE_BYTES;

        error = read_piece(io, from, buffer, piece, at);
        if (error == 0 && (at + piece == bytes || !is_zero(buffer, piece)))
            error = io_write_all(io, to, buffer, piece, at);
    }
    return error == 0 ? io->sync(io->ctx, to) : error;
}

static int copy_file(struct inspection *inspection, int from, uint64_t bytes_max,
                     const struct path *copy, unsigned io_flags)
{
    const flume_io *io = inspection->log->io;
    uint8_t *buffer = memory_allocate(inspection->options.allocator, PIECE_BYTES);
    flume_io_stat file_stat;
    int to, error;

    if (buffer == NULL)
        return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to copy %s", copy->text);
    to = io->open(io->ctx, copy->text, FLUME_IO_WRITE | FLUME_IO_CREATE | io_flags);
    error = to < 0 ? to : io->stat(io->ctx, from, &file_stat);
    if (error == 0)
        error = copy_bytes(io, from, to, file_stat.bytes < bytes_max ? file_stat.bytes : bytes_max,
                           buffer);
    if (to >= 0)
        io->close(io->ctx, to);
    memory_release(inspection->options.allocator, buffer);
    if (error == 0)
        return FLUME_OK;
    if (to >= 0)
        seal_place_drop(inspection->log, copy); /* Half of it would pass for all of it. */
    return log_fail_io(inspection->log, error, "write", copy->text);
}

int keep_copy(struct inspection *inspection, const char *folder, const char *name,
              struct path *out_copy)
{
    flume_log *log = inspection->log;
    struct path original;
    int file, status;

    out_copy->text[0] = '\0';
    log_path(log, folder, name, &original);
    file = log->io->open(log->io->ctx, original.text, FLUME_IO_READ);
    if (file == -ENOENT)
        return FLUME_OK;
    if (file < 0)
        return log_fail_io(log, file, "open", original.text);
    status = rescue_free_name(log, name, out_copy);
    if (status == FLUME_OK)
        status = copy_file(inspection, file, UINT64_MAX, out_copy, FLUME_IO_EXCLUSIVE);
    log->io->close(log->io->ctx, file);
    if (status != FLUME_OK)
        out_copy->text[0] = '\0';
    return status;
}

int keep_copy_as(struct inspection *inspection, const char *name, uint64_t first_seq,
                 uint64_t bytes_max, const struct path *copy)
{
    flume_log *log = inspection->log;
    struct path original;
    bool is_link;
    int file, status;

    seal_place_drop(log, copy);
    log_path(log, "log", name, &original);
    status = seal_place_beside(log, &original, copy, first_seq, &is_link);
    if (status != FLUME_OK)
        return status;
    file = log->io->open(log->io->ctx, original.text, FLUME_IO_READ);
    if (file < 0)
        return log_fail_io(log, file, "open", original.text);
    /* A name that is a link is never created exclusively. */
    status = copy_file(inspection, file, bytes_max, copy, is_link ? 0 : FLUME_IO_EXCLUSIVE);
    log->io->close(log->io->ctx, file);
    return status;
}

int keep_move(struct inspection *inspection, const char *folder, const char *name)
{
    flume_log *log = inspection->log;
    struct path from, to;
    int status = rescue_free_name(log, name, &to);
    int error;

    if (status != FLUME_OK)
        return status;
    log_path(log, folder, name, &from);
    error = log->io->rename(log->io->ctx, from.text, to.text);
    if (error != 0 && error != -ENOENT)
        return log_fail_io(log, error, "move to lost+found", from.text);
    return FLUME_OK;
}

int keep_sync(struct inspection *inspection, const char *name)
{
    flume_log *log = inspection->log;
    struct path path;
    int error;

    log_path(log, name, "", &path);
    error = log->io->sync_directory(log->io->ctx, path.text);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "sync the directory", path.text);
}

int keep_tell_place(struct inspection *inspection, const char *name, const char *work)
{
    struct finding_place place = {.first_seq = FLUME_SEQ_NONE, .last_seq = FLUME_SEQ_NONE};
    struct path original, made;
    struct survey_file file;
    struct seal_place there;
    const char *const *actions = inspection->actions;
    int status;

    log_path(inspection->log, "log", name, &original);
    log_path(inspection->log, "log", work, &made);
    if (name[0] == '\0' || !seal_place_read(inspection->log, &original, &there) ||
        seal_place_read(inspection->log, &made, &there))
        return FLUME_OK;
    survey_file(name, &file);
    place.file = file.text;
    inspection->actions = NULL;
    status = inspection_tell(inspection, FLUME_FINDING_SIDE_FILE, FINDING_NORMAL, &place,
                             "%s is a link, and the directory that it leads to takes no file: what "
                             "is written anew lies in log/ itself",
                             file.text);
    inspection->actions = actions;
    return status;
}
