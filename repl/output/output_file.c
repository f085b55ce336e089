/*
 * output_file.c - a file that appears under its name only when it is complete (output_file.h).
 *
 * It is written under a temporary name, synced, renamed, and its directory synced: after a power
 * cut the old content or the new one is there, never a part.
 */
#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new file beside the path. 0 or -errno. */
static int open_temporary(struct output_file *file, int *out_descriptor)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;

    if (asprintf(&file->temporary, "%s.%ld.tmp", file->path, (long)getpid()) < 0) {
        file->temporary = NULL;
        return -ENOMEM;
    }
    *out_descriptor = open(file->temporary, flags, 0666);
    if (*out_descriptor < 0 && errno == EEXIST && unlink(file->temporary) == 0)
        *out_descriptor =
            open(file->temporary, flags, 0666); /* A dead process of this id left it. */
    return *out_descriptor < 0 ? -errno : 0;
}

int output_file_begin(struct output_file *file, const char *path)
{
    struct stat known;
    int descriptor = -1, status = 0;

    *file = (struct output_file){.path = path};
    /* A device or pipe is written to; a rename would put a file in its place. */
    if (stat(path, &known) == 0 && !S_ISREG(known.st_mode)) {
        descriptor = open(path, O_WRONLY | O_CLOEXEC);
        status = descriptor < 0 ? -errno : 0;
    } else {
        status = open_temporary(file, &descriptor);
    }
    if (status == 0) {
        file->stream = fdopen(descriptor, "w");
        if (file->stream != NULL)
            return 0;
        status = -errno;
        close(descriptor);
    }
    free(file->temporary);
    file->temporary = NULL;
    return status;
}

static int sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL ? strdup(".")
                                    : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    int descriptor = -1, status = 0;

    if (directory != NULL)
        descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0 || fsync(descriptor) != 0)
        status = -errno;
    if (descriptor >= 0)
        close(descriptor);
    free(directory);
    /* Some file systems cannot sync a directory; the rename stands nevertheless. */
    return status == -EINVAL ? 0 : status;
}

int output_file_commit(struct output_file *file)
{
    bool renames = file->temporary != NULL;
    int status = 0;

    errno = 0;
    if (fflush(file->stream) != 0 || ferror(file->stream) != 0 ||
        (renames && fsync(fileno(file->stream)) != 0))
        status = errno == 0 ? -EIO : -errno;
    if (fclose(file->stream) != 0 && status == 0)
        status = -errno;
    file->stream = NULL;
    if (status == 0 && renames && rename(file->temporary, file->path) != 0)
        status = -errno;
    if (status == 0 && renames)
        status = sync_directory_of(file->path);
    else if (renames)
        (void)unlink(file->temporary);
    free(file->temporary);
    file->temporary = NULL;
    return status;
}

void output_file_abandon(struct output_file *file)
{
    if (file->stream != NULL)
        (void)fclose(file->stream);
    if (file->temporary != NULL)
        (void)unlink(file->temporary);
    free(file->temporary);
    *file = (struct output_file){0};
}
