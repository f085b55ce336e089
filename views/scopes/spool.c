/*
 * spool.c - bytes that wait in a file without a name (spool.h).
 */
#include "spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"

/* Where the file system has no files without a name, it has one until this returns. */
static int open_named(const char *directory)
{
    static const char name[] = "/.stage-XXXXXX";
    size_t bytes = strlen(directory);
    char *path = malloc(bytes + sizeof name);
    int file;

    if (path == NULL)
        return -ENOMEM;
    memcpy(path, directory, bytes);
    memcpy(path + bytes, name, sizeof name);
    file = mkostemp(path, O_CLOEXEC);
    if (file < 0)
        file = -errno;
    else if (unlink(path) != 0) {
        int error = -errno;

        (void)close(file);
        file = error;
    }
    free(path);
    return file;
}

static int open_file(flume *handle, struct spool *spool)
{
    int file = open(handle->path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT))
        file = open_named(handle->path);
    else if (file < 0)
        file = -errno;
    if (file < 0)
        return flume_fail_errno(handle, -file, "make a file for what is staged in", handle->path);
    *spool = (struct spool){.is_open = true, .file = file};
    return FLUME_OK;
}

static int write_at(flume *handle, const struct spool *spool, uint64_t at, const void *data,
                    size_t bytes)
{
    const char *from = data;

    while (bytes > 0) {
        ssize_t done = pwrite(spool->file, from, bytes, (off_t)at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return flume_fail_errno(handle, done < 0 ? errno : ENOSPC, "write what is staged in",
                                    handle->path);
        from += done;
        at += (uint64_t)done;
        bytes -= (size_t)done;
    }
    return FLUME_OK;
}

int spool_add(flume *handle, struct spool *spool, const void *data, size_t bytes)
{
    int status = spool->is_open ? FLUME_OK : open_file(handle, spool);

    if (status == FLUME_OK)
        status = write_at(handle, spool, spool->bytes, data, bytes);
    if (status == FLUME_OK)
        spool->bytes += bytes;
    return status;
}

int spool_read(flume *handle, const struct spool *spool, uint64_t at, void *target, size_t bytes)
{
    char *to = target;

    assert(at + bytes <= spool->bytes);
    while (bytes > 0) {
        ssize_t done = pread(spool->file, to, bytes, (off_t)at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return flume_fail_errno(handle, done < 0 ? errno : EIO, "read what is staged in",
                                    handle->path);
        to += done;
        at += (uint64_t)done;
        bytes -= (size_t)done;
    }
    return FLUME_OK;
}

void spool_cut(struct spool *spool, uint64_t bytes)
{
    assert(bytes <= spool->bytes);
    spool->bytes = bytes;
}

void spool_close(struct spool *spool)
{
    if (spool->is_open)
        (void)close(spool->file); /* Nobody will read it. */
    *spool = (struct spool){.is_open = false};
}
