/*
 * once_files.c - the files that a command of `flume run` is declared to write (once.h).
 *
 * What always holds:
 *   - A file is recorded only if the command has written it: one that was there before and is as it
 *     was counts as missing.
 *   - A file that is given back appears under its name when it is complete; and none of them before
 *     all are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cancel.h"
#include "once.h"
#include "output_file.h"

enum { PIECE_BYTES = 1 << 20, MODE_BITS = 0777 };

static int report_file(struct once *once, const char *path, int error)
{
    if (error == ECANCELED)
        return cancel_say(once->session, NULL, "nothing was recorded");
    return report(once->session, ERROR_FILE_UNREADABLE, path, strerror(error));
}

/* ---- before ---- */

int once_files_look(struct once *once)
{
    for (size_t i = 0; i < once->output_count; i++) {
        struct once_output *output = &once->outputs[i];

        output->was_there = stat(output->path, &output->seen) == 0;
        if (output->was_there && !S_ISREG(output->seen.st_mode))
            return report(once->session, ERROR_RUN_OUTPUT_KIND, output->path);
    }
    return CODE_OK;
}

/* ---- recording ---- */

/* Any write, and any change of its name or mode, sets the time of the last change. */
static bool is_untouched(const struct once_output *output, const struct stat *now)
{
    return output->was_there && output->seen.st_dev == now->st_dev &&
           output->seen.st_ino == now->st_ino &&
           output->seen.st_ctim.tv_sec == now->st_ctim.tv_sec &&
           output->seen.st_ctim.tv_nsec == now->st_ctim.tv_nsec;
}

/* 0, a status of the library, or -errno in *out_error. */
static int put_content(struct once *once, int file, struct once_content *out_content,
                       int *out_error)
{
    flume_blob_writer *writer = NULL;
    char *piece = malloc(PIECE_BYTES);
    flume_blob_result blob;
    ssize_t bytes = 1;
    int status = flume_blob_writer_open(once->session->flume, NULL, &writer);

    *out_error = piece == NULL ? ENOMEM : 0;
    while (status == FLUME_OK && *out_error == 0 && bytes > 0) {
        bytes = read(file, piece, PIECE_BYTES);
        if (bytes < 0)
            *out_error = errno;
        else if (session_stopped(once->session) != 0)
            *out_error = ECANCELED;
        else if (bytes > 0)
            status = flume_blob_writer_write(writer, piece, (size_t)bytes);
    }
    free(piece);
    if (status != FLUME_OK || *out_error != 0) {
        flume_blob_writer_abort(writer);
        return status;
    }
    status = flume_blob_writer_finish(writer, &blob);
    if (status != FLUME_OK)
        return status;
    out_content->bytes = blob.bytes;
    memcpy(out_content->hash, blob.hash, sizeof(blob.hash));
    return FLUME_OK;
}

static int store(struct once *once, const struct once_output *output, struct once_file *out_file)
{
    struct stat now;
    int file = open(output->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int error = file < 0 || fstat(file, &now) != 0 ? errno : 0, status = FLUME_OK;
    int code = CODE_OK;

    if (error == ENOENT)
        code = report(once->session, ERROR_RUN_OUTPUT_MISSING, output->path);
    else if (error == 0 && !S_ISREG(now.st_mode))
        code = report(once->session, ERROR_RUN_OUTPUT_KIND, output->path);
    else if (error == 0 && is_untouched(output, &now))
        code = report(once->session, ERROR_RUN_OUTPUT_OLD, output->path);
    else if (error == 0) {
        out_file->mode = now.st_mode & MODE_BITS;
        status = put_content(once, file, &out_file->content, &error);
    }
    if (file >= 0)
        (void)close(file); /* It was read only. */
    if (code != CODE_OK)
        return code;
    if (error != 0)
        return report_file(once, output->path, error);
    return status == FLUME_OK ? CODE_OK : report_flume_error(once->session, status);
}

int once_files_store(struct once *once, struct once_result *io_result)
{
    int code = CODE_OK;

    io_result->files = calloc(once->output_count + 1, sizeof(io_result->files[0]));
    if (io_result->files == NULL)
        return report(once->session, ERROR_NO_MEMORY);
    for (size_t i = 0; code == CODE_OK && i < once->output_count; i++) {
        struct once_file *file = &io_result->files[io_result->file_count];

        /* A command that has failed need not have written any. */
        if (io_result->exit_code != 0 && access(once->outputs[i].path, F_OK) != 0)
            continue;
        code = store(once, &once->outputs[i], file);
        file->name = code == CODE_OK ? strdup(once->outputs[i].path) : NULL;
        if (code == CODE_OK && file->name == NULL)
            code = report(once->session, ERROR_NO_MEMORY);
        io_result->file_count += code == CODE_OK;
    }
    return code;
}

/* ---- giving back ---- */

/* One file on its way. */
struct restoring {
    char *path; /* What the name leads to; owned. NULL: nothing is to be done. */
    struct output_file file;
};

/* The directories above it, as the command may have made them. */
static int make_directories(const char *path)
{
    char *copy = strdup(path);
    int error = copy == NULL ? ENOMEM : 0;

    for (char *at = copy; error == 0 && (at = strchr(at + 1, '/')) != NULL; *at = '/') {
        *at = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            error = errno;
    }
    free(copy);
    return -error;
}

/* Whether a file has this content already. */
static bool has_content(struct once *once, const char *path, const struct once_content *content)
{
    flume_hasher *hasher = flume_hasher_create();
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *piece = malloc(PIECE_BYTES);
    uint8_t hash[FLUME_HASH_BYTES];
    struct stat now;
    ssize_t bytes = -1;
    bool has = hasher != NULL && piece != NULL && file >= 0 && fstat(file, &now) == 0 &&
               S_ISREG(now.st_mode) && (uint64_t)now.st_size == content->bytes;

    while (has && session_stopped(once->session) == 0 &&
           (bytes = read(file, piece, PIECE_BYTES)) > 0)
        flume_hasher_add(hasher, piece, (size_t)bytes);
    has = has && bytes == 0;
    if (has && content->bytes > 0) {
        flume_hasher_get(hasher, hash);
        has = memcmp(hash, content->hash, sizeof(hash)) == 0;
    }
    if (file >= 0)
        (void)close(file); /* It was read only. */
    flume_hasher_destroy(hasher);
    free(piece);
    return has;
}

static int copy_content(struct once *once, const struct once_content *content, FILE *stream)
{
    flume_blob_reader *reader = NULL;
    char *piece = malloc(PIECE_BYTES);
    uint64_t at = 0;
    size_t bytes = 1;
    int status = piece == NULL ? FLUME_ERR_NO_MEMORY : FLUME_OK;

    if (status == FLUME_OK && content->bytes > 0)
        status = flume_blob_reader_open(once->session->flume, &once->scoping.asking.ask,
                                        content->hash, &reader);
    while (status == FLUME_OK && at < content->bytes && bytes > 0) {
        status = session_stopped(once->session) != 0
                     ? FLUME_ERR_CANCELLED
                     : flume_blob_reader_read(reader, at, piece, PIECE_BYTES, &bytes);
        if (status == FLUME_OK && fwrite(piece, 1, bytes, stream) != bytes)
            break; /* The commit tells. */
        at += bytes;
    }
    flume_blob_reader_close(reader);
    free(piece);
    return status;
}

/* Make it ready beside where it goes. */
static int begin(struct once *once, const struct once_file *file, struct restoring *restoring)
{
    char *real = realpath(file->name, NULL); /* What a link leads to is written, not the link. */
    int status;

    restoring->path = real != NULL ? real : strdup(file->name);
    if (restoring->path == NULL)
        return report(once->session, ERROR_NO_MEMORY);
    if (real != NULL && has_content(once, real, &file->content)) {
        /* As if it had just been written. */
        if (chmod(real, file->mode) == 0 && utimensat(AT_FDCWD, real, NULL, 0) == 0) {
            free(restoring->path);
            restoring->path = NULL;
            return CODE_OK;
        }
    } else if (real != NULL) {
        note(once->session, "%s is replaced: it had another content", file->name);
    }
    status = make_directories(restoring->path);
    if (status == 0)
        status = output_file_begin(&restoring->file, restoring->path);
    if (status != 0)
        return report(once->session, ERROR_FILE_UNWRITABLE, file->name, strerror(-status));
    status = copy_content(once, &file->content, restoring->file.stream);
    if (status != FLUME_OK)
        return asking_report(&once->scoping.asking, status);
    if (fchmod(fileno(restoring->file.stream), file->mode) != 0)
        return report(once->session, ERROR_FILE_UNWRITABLE, file->name, strerror(errno));
    return CODE_OK;
}

int once_files_restore(struct once *once, const struct once_result *result)
{
    struct restoring *all = calloc(result->file_count + 1, sizeof(all[0]));
    int code = all == NULL ? report(once->session, ERROR_NO_MEMORY) : CODE_OK;

    for (size_t i = 0; code == CODE_OK && i < result->file_count; i++)
        code = begin(once, &result->files[i], &all[i]);
    for (size_t i = 0; all != NULL && i < result->file_count; i++) {
        int status = 0;

        if (all[i].path == NULL)
            continue;
        if (code != CODE_OK)
            output_file_abandon(&all[i].file);
        else
            status = output_file_commit(&all[i].file);
        if (status != 0)
            code = report(once->session, ERROR_FILE_UNWRITABLE, result->files[i].name,
                          strerror(-status));
        free(all[i].path);
    }
    free(all);
    return code;
}
