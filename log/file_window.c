/*
 * file_window.c - bytes of a file that may be damaged, read through a window that moves.
 */
#include "file_window.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { WINDOW_BYTES = 256 << 10 };

int file_window_open(struct inspection *inspection, const char *name,
                     struct file_window *out_window)
{
    flume_log *log = inspection->log;
    flume_io_stat file_stat;
    int error;

    memset(out_window, 0, sizeof *out_window);
    out_window->inspection = inspection;
    log_path(log, "log", name, &out_window->path);
    out_window->file = log->io->open(log->io->ctx, out_window->path.text, FLUME_IO_READ);
    if (out_window->file == -ENOENT)
        return log_fail(log, FLUME_ERR_NOT_FOUND, ENOENT, FLUME_SEQ_NONE, "%s is missing",
                        out_window->path.text);
    if (out_window->file < 0)
        return log_fail_io(log, out_window->file, "open", out_window->path.text);
    error = log->io->stat(log->io->ctx, out_window->file, &file_stat);
    if (error != 0)
        return log_fail_io(log, error, "look at", out_window->path.text);
    out_window->bytes = file_stat.bytes;
    return FLUME_OK;
}

void file_window_close(struct file_window *window)
{
    assert(window->inspection != NULL); /* file_window_open() has set it, whatever it answered. */
    if (window->file >= 0)
        window->inspection->log->io->close(window->inspection->log->io->ctx, window->file);
    memory_release(window->inspection->options.allocator, window->window);
    memset(window, 0, sizeof *window);
    window->file = -1;
}

static bool make_room(struct file_window *window, size_t bytes)
{
    size_t room = bytes < WINDOW_BYTES ? WINDOW_BYTES : bytes;
    uint8_t *memory;

    if (room <= window->room)
        return true;
    memory = memory_resize(window->inspection->options.allocator, window->window, room);
    if (memory == NULL)
        return false;
    window->window = memory;
    window->room = room;
    return true;
}

static int fill(struct file_window *window, uint64_t at, size_t bytes)
{
    const flume_io *io = window->inspection->log->io;
    int error = io_read_all(io, window->file, window->window, bytes, at);

    window->from = at;
    window->filled = error == 0 ? bytes : 0;
    return error;
}

int file_window_look(struct file_window *window, uint64_t at, uint64_t bytes,
                     const uint8_t **out_bytes)
{
    flume_log *log = window->inspection->log;
    uint64_t left;
    int error = 0;

    *out_bytes = NULL;
    if (at > window->bytes || bytes > window->bytes - at)
        return FLUME_OK;
    if (at < window->from || at + bytes > window->from + window->filled) {
        if (!make_room(window, (size_t)bytes))
            return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to read %s",
                            window->path.text);
        left = window->bytes - at;
        error = fill(window, at, left < window->room ? (size_t)left : window->room);
        if (error == -EIO) /* Perhaps for bytes that nobody has asked for. */
            error = fill(window, at, (size_t)bytes);
    }
    if (error == -EIO || error == -ENODATA)
        return FLUME_OK;
    if (error != 0)
        return log_fail_io(log, error, "read", window->path.text);
    *out_bytes = window->window + (at - window->from);
    return FLUME_OK;
}
