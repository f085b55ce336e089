/*
 * place_file.c - small files of a place, read and replaced whole.
 *
 * What always holds:
 *   - Whoever reads a file that is being replaced gets the old bytes or the new ones, also after a
 *     power cut; which of them a power cut leaves is known only once the directory is synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "place_inside.h"

ssize_t place_file_read(const char *path, void *target, size_t max)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t done = 0;

    if (file < 0)
        return -errno;
    while (done < max) {
        ssize_t bytes = read(file, (char *)target + done, max - done);

        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0) {
            int error = errno;

            (void)close(file); /* Only read. */
            return -error;
        }
        if (bytes == 0)
            break;
        done += (size_t)bytes;
    }
    (void)close(file); /* Only read. */
    return (ssize_t)done;
}

static int write_all(int file, const void *source, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t written = write(file, (const char *)source + done, bytes - done);

        if (written < 0 && errno != EINTR)
            return errno;
        if (written > 0)
            done += (size_t)written;
    }
    return 0;
}

int place_file_sync_directory(const char *path)
{
    char directory[PLACE_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    int error, file;

    if (length == 0 || length >= sizeof directory)
        return 0; /* Not a file of a place. */
    memcpy(directory, path, length);
    directory[length] = '\0';
    file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return errno;
    error = fsync(file) != 0 ? errno : 0;
    (void)close(file); /* Only read. */
    return error;
}

int place_file_replace(const char *path, const void *source, size_t bytes)
{
    char temporary[PLACE_PATH_BYTES];
    int length = snprintf(temporary, sizeof temporary, "%s.tmp", path);
    int error, file;

    if (length < 0 || (size_t)length >= sizeof temporary)
        return ENAMETOOLONG;
    file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return errno;
    error = write_all(file, source, bytes);
    if (error == 0 && fdatasync(file) != 0)
        error = errno;
    if (close(file) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename(temporary, path) != 0)
        error = errno;
    if (error != 0)
        (void)unlink(temporary); /* The error that matters is the first. */
    return error;
}
