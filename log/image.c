/*
 * image.c - a whole strata file as bytes in memory that can be touched without fear.
 */
#include "image.h"

#include <errno.h>

#include "strata.h"

enum { PIECE_BYTES = 1 << 20, PAGE_BYTES = 4096 };
#define COPY_BYTES_MAX ((uint64_t)1 << 30)

/* Where the image comes from, while it is loaded. */
struct loading {
    struct inspection *inspection;
    struct image *image;
    int file;
};

static void note_unreadable(struct image *image, uint64_t at, uint64_t bytes)
{
    if (image->unreadable_bytes == 0)
        image->unreadable_at = at;
    image->unreadable_bytes += bytes;
}

/* Copy a piece page by page, leaving zeros where the medium gives none. */
static int copy_pages(const struct loading *loading, uint64_t from, uint64_t to)
{
    const flume_io *io = loading->inspection->log->io;

    for (uint64_t at = from; at < to; at += PAGE_BYTES) {
        size_t bytes = to - at < PAGE_BYTES ? (size_t)(to - at) : PAGE_BYTES;
        uint8_t *target = loading->image->copy + at;
        int error = io_read_all(io, loading->file, target, bytes, at);

        if (error == -EIO) {
            memset(target, 0, bytes);
            note_unreadable(loading->image, at, bytes);
        } else if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* The medium has failed: from here on everything is copied. */
static int copy_all(const struct loading *loading)
{
    struct image *image = loading->image;

    if (image->bytes > COPY_BYTES_MAX)
        return -EFBIG;
    image->copy = memory_allocate(loading->inspection->options.allocator, (size_t)image->bytes);
    if (image->copy == NULL)
        return -ENOMEM;
    image->data = image->copy;
    return copy_pages(loading, 0, image->bytes);
}

/* Read everything once, to see that it can be read. */
static int probe(const struct loading *loading, const struct path *path, uint8_t *buffer)
{
    struct inspection *inspection = loading->inspection;
    struct image *image = loading->image;

    for (uint64_t at = 0; at < image->bytes; at += PIECE_BYTES) {
        uint64_t left = image->bytes - at;
        size_t bytes = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        int error = 0;
        int status;

        if (image->copy == NULL)
            error = io_read_all(inspection->log->io, loading->file, buffer, bytes, at);
        if (error == -EIO)
            error = copy_all(loading);
        if (error != 0)
            return log_fail_io(inspection->log, error, "read", path->text);
        status = inspection_progress(inspection, bytes);
        if (status != FLUME_OK)
            return status;
    }
    return FLUME_OK;
}

static int load(struct loading *loading, const struct path *path)
{
    flume_log *log = loading->inspection->log;
    struct image *image = loading->image;
    uint8_t *buffer;
    flume_io_stat file_stat;
    void *data;
    int status;
    int error = log->io->stat(log->io->ctx, loading->file, &file_stat);

    if (error != 0)
        return log_fail_io(log, error, "look at", path->text);
    image->bytes = file_stat.bytes;
    loading->inspection->report.bytes += file_stat.bytes;
    if (image->bytes == 0)
        return FLUME_OK;
    buffer = memory_allocate(&log->allocator, PIECE_BYTES);
    if (buffer == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to read %s",
                        path->text);
    status = probe(loading, path, buffer);
    memory_release(&log->allocator, buffer);
    if (status != FLUME_OK || image->copy != NULL)
        return status;
    error = log->io->map(log->io->ctx, loading->file, 0, (size_t)image->bytes, false, &data);
    if (error != 0)
        return log_fail_io(log, error, "map", path->text);
    image->data = data;
    return FLUME_OK;
}

int image_load(struct inspection *inspection, const char *name, struct image *out_image)
{
    flume_log *log = inspection->log;
    struct image image = {0};
    struct loading loading = {.inspection = inspection, .image = &image};
    struct path path;
    int status;

    log_path(log, "log", name, &path);
    loading.file = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (loading.file == -ENOENT)
        return log_fail(log, FLUME_ERR_NOT_FOUND, ENOENT, FLUME_SEQ_NONE, "%s is missing",
                        path.text);
    if (loading.file < 0)
        return log_fail_io(log, loading.file, "open", path.text);
    status = load(&loading, &path);
    log->io->close(log->io->ctx, loading.file);
    if (status != FLUME_OK)
        image_release(inspection, &image);
    else
        *out_image = image;
    return status;
}

void image_release(struct inspection *inspection, struct image *image)
{
    flume_log *log = inspection->log;

    if (image->copy != NULL)
        memory_release(&log->allocator, image->copy);
    else if (image->data != NULL)
        log->io->unmap(log->io->ctx, (void *)image->data, (size_t)image->bytes);
    memset(image, 0, sizeof *image);
}
