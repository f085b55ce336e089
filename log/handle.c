/*
 * handle.c - error details, paths and whole reads and writes, for all of log/.
 */
#include "handle.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ZERO_BYTES = 64 << 10 };

int status_of_errno(int64_t negative_errno)
{
    assert(negative_errno < 0);
    switch (-negative_errno) {
    case ENOMEM:
        return FLUME_ERR_NO_MEMORY;
    case ENOSPC:
    case EDQUOT:
        return FLUME_ERR_FULL;
    case EACCES:
    case EPERM:
        return FLUME_ERR_ACCESS;
    case EROFS:
        return FLUME_ERR_READ_ONLY;
    default:
        return FLUME_ERR_IO;
    }
}

static void error_set(flume_log *log, int status, int system_errno, uint64_t seq,
                      const char *message)
{
    (void)pthread_mutex_lock(&log->error_mutex);
    log->error.status = status;
    log->error.system_errno = system_errno;
    log->error.seq = seq;
    (void)snprintf(log->error.message, sizeof log->error.message, "%s", message);
    (void)pthread_mutex_unlock(&log->error_mutex);
}

int log_fail(flume_log *log, int status, int system_errno, uint64_t seq, const char *format, ...)
{
    char message[FLUME_ERROR_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    error_set(log, status, system_errno, seq, message);
    return status;
}

static const char *remedy(int status)
{
    switch (status) {
    case FLUME_ERR_FULL:
        return "; free some space and try again";
    case FLUME_ERR_ACCESS:
        return "; check the permissions, or open read-only";
    case FLUME_ERR_READ_ONLY:
        return "; open read-only";
    case FLUME_ERR_NO_MEMORY:
        return "; nothing has changed";
    default:
        return "";
    }
}

int log_fail_io(flume_log *log, int64_t io_result, const char *what, const char *path)
{
    int status = status_of_errno(io_result);
    int system_errno = (int)-io_result;
    char text[128];

    if (strerror_r(system_errno, text, sizeof text) != text)
        (void)snprintf(text, sizeof text, "%s",
                       strerror_r(system_errno, text, sizeof text)); /* GNU: static text. */
    return log_fail(log, status, system_errno, FLUME_SEQ_NONE, "cannot %s %s: %s%s", what, path,
                    text, remedy(status));
}

void log_tell(flume_log *log, enum flume_log_level level, const char *format, ...)
{
    char message[FLUME_ERROR_TEXT_BYTES];
    va_list arguments;

    if (log->log == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    log->log(log->log_ctx, level, message);
}

void log_path(const flume_log *log, const char *folder, const char *name, struct path *out_path)
{
    int length = snprintf(out_path->text, sizeof out_path->text, "%s%s%s%s%s", log->path,
                          *folder != '\0' ? "/" : "", folder, *name != '\0' ? "/" : "", name);

    assert(length > 0 && (size_t)length < sizeof out_path->text); /* The basin's path is bounded. */
    (void)length;
}

int io_read_all(const flume_io *io, int file, void *target, size_t bytes, uint64_t offset)
{
    size_t done = 0;

    while (done < bytes) {
        int64_t result =
            io->pread(io->ctx, file, (uint8_t *)target + done, bytes - done, offset + done);

        if (result < 0)
            return (int)result;
        if (result == 0)
            return -ENODATA;
        done += (size_t)result;
    }
    return 0;
}

int io_write_all(const flume_io *io, int file, const void *source, size_t bytes, uint64_t offset)
{
    size_t done = 0;

    while (done < bytes) {
        int64_t result =
            io->pwrite(io->ctx, file, (const uint8_t *)source + done, bytes - done, offset + done);

        if (result < 0)
            return (int)result;
        if (result == 0)
            return -EIO;
        done += (size_t)result;
    }
    return 0;
}

int io_write_zeros(const flume_io *io, int file, uint64_t from, uint64_t to)
{
    static const uint8_t zeros[ZERO_BYTES];

    while (from < to) {
        uint64_t piece = ZERO_BYTES - from % ZERO_BYTES;
        int error;

        if (piece > to - from)
            piece = to - from;
        error = io_write_all(io, file, zeros, (size_t)piece, from);
        if (error != 0)
            return error;
        from += piece;
    }
    return 0;
}

int io_reserve(const flume_io *io, int file, uint64_t bytes)
{
    int error = io->allocate(io->ctx, file, bytes);

    if (error == -EOPNOTSUPP)
        error = io_write_zeros(io, file, 0, bytes);
    return error;
}
