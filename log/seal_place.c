/*
 * seal_place.c - sealed files that lie in another directory than log/.
 *
 * There a file is called BASIN-SEQ20-OWNER.strata, so that several basins may share the directory;
 * in log/ a symbolic link has the strata's name. So whoever opens a strata by its name need not
 * know, and the exchange of the raw form is the rename of a link.
 *
 * What always holds: a file there is never replaced, and removed only if its name says that this
 * basin made it. A copy of a basin has the same id and the same links, but another owner: what it
 * finds in the directory may be what the original reads.
 */
#include <errno.h>
#include <stdio.h>

#include "seal_file.h"
#include "seal_parity.h"

enum { ID_DIGITS = 32, SEQ_DIGITS = 20, OWNER_DIGITS = 8, NAME_TRIES = 1000 };
enum { PLACE_NAME_BYTES = ID_DIGITS + 1 + SEQ_DIGITS + 1 + OWNER_DIGITS + 2 };

/* A path that counts from the basin, or from a folder of it, as the io table takes it. false: it is
 * too long. */
static bool join(const flume_log *log, const char *folder, const char *path, const char *name,
                 char target[PATH_BYTES])
{
    bool is_absolute = path[0] == '/';
    int length = snprintf(target, PATH_BYTES, "%s%s%s%s%s%s", is_absolute ? "" : log->path,
                          is_absolute ? "" : folder, is_absolute ? "" : "/", path,
                          *name != '\0' ? "/" : "", name);

    return length < PATH_BYTES;
}

/* Which basin of those with the same id: LOCK is the one file that each has for itself. */
static uint32_t owner_of(const flume_log *log)
{
    uint64_t numbers[2] = {log->lock_device, log->lock_inode};

    return (uint32_t)hash_bytes(numbers, sizeof numbers, 0);
}

/* What the names of all files that this basin makes of a strata begin with. */
static void name_begin(const flume_log *log, uint64_t first_seq, char target[PLACE_NAME_BYTES])
{
    char digits[ID_DIGITS + 1];

    for (size_t i = 0; i < sizeof log->basin_id; i++)
        (void)snprintf(digits + 2 * i, 3, "%02x", log->basin_id[i]);
    (void)snprintf(target, PLACE_NAME_BYTES, "%s-%020llu-%08x.", digits,
                   (unsigned long long)first_seq, (unsigned)owner_of(log));
}

/* Whether a link's target is a file that this basin has made. */
static bool is_ours(const flume_log *log, const char *target)
{
    const char *name = strrchr(target, '/');
    char begin[PLACE_NAME_BYTES];
    size_t seq_at = ID_DIGITS + 1;
    size_t seq_end = seq_at + SEQ_DIGITS;

    name = name != NULL ? name + 1 : target;
    name_begin(log, 0, begin);
    return strlen(name) > strlen(begin) && memcmp(name, begin, seq_at) == 0 &&
           memcmp(name + seq_end, begin + seq_end, strlen(begin) - seq_end) == 0;
}

static int too_long(flume_log *log, const char *path)
{
    return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                    "sealing: the path %.64s... is too long", path);
}

int seal_place_make(flume_log *log, const char *directory, uint64_t first_seq,
                    const struct path *link)
{
    const flume_io *io = log->io;
    char begin[PLACE_NAME_BYTES], name[PLACE_NAME_BYTES + 16];
    char target[PATH_BYTES], file_path[PATH_BYTES];
    int file = -EEXIST;
    int error;

    if (io->make_link == NULL)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "sealing: this io table makes no links, so sealed strata stay in log/");
    name_begin(log, first_seq, begin);
    for (unsigned number = 0; number < NAME_TRIES && file == -EEXIST; number++) {
        if (number == 0)
            (void)snprintf(name, sizeof name, "%sstrata", begin);
        else
            (void)snprintf(name, sizeof name, "%s%u.strata", begin, number);
        if (snprintf(target, sizeof target, "%s/%s", directory, name) >= (int)sizeof target ||
            !join(log, "/log", directory, name, file_path))
            return too_long(log, directory);
        file = io->open(io->ctx, file_path, FLUME_IO_WRITE | FLUME_IO_CREATE | FLUME_IO_EXCLUSIVE);
    }
    if (file < 0)
        return log_fail_io(log, file, "create", file_path);
    io->close(io->ctx, file);
    error = io->make_link(io->ctx, target, link->text);
    if (error == 0)
        return FLUME_OK;
    (void)io->unlink(io->ctx, file_path); /* Nothing names it. */
    return log_fail_io(log, error, "make a link at", link->text);
}

int seal_place_link(flume_log *log, uint64_t first_seq)
{
    char directory[PATH_BYTES];
    struct path link;

    if (log->seal.path == NULL)
        return FLUME_OK;
    /* A link's target counts from where the link is: log/. */
    if (snprintf(directory, sizeof directory, "%s%s", log->seal.path[0] == '/' ? "" : "../",
                 log->seal.path) >= (int)sizeof directory)
        return too_long(log, log->seal.path);
    log_path(log, "log", SEAL_TEMPORARY_NAME, &link);
    return seal_place_make(log, directory, first_seq, &link);
}

int seal_place_sync(flume_log *log)
{
    char place[PATH_BYTES];
    int error;

    if (log->seal.path == NULL)
        return FLUME_OK;
    if (!join(log, "", log->seal.path, "", place))
        return too_long(log, log->seal.path);
    error = log->io->sync_directory(log->io->ctx, place);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "sync the directory", place);
}

bool seal_place_read(flume_log *log, const struct path *link, struct seal_place *out_place)
{
    const flume_io *io = log->io;
    int64_t bytes = -EINVAL;
    char *slash;

    if (io->read_link != NULL)
        bytes =
            io->read_link(io->ctx, link->text, out_place->directory, sizeof out_place->directory);
    if (bytes <= 0 || bytes >= (int64_t)sizeof out_place->directory)
        return false;
    out_place->directory[bytes] = '\0';
    out_place->is_ours = is_ours(log, out_place->directory);
    if (!join(log, "/log", out_place->directory, "", out_place->file))
        return false;
    slash = strrchr(out_place->directory, '/');
    if (slash == NULL)
        return false; /* To another name in log/: nobody makes such a link. */
    *slash = '\0';
    return true;
}

void seal_place_drop(flume_log *log, const struct path *path)
{
    const flume_io *io = log->io;
    struct seal_place place;

    if (seal_place_read(log, path, &place) && place.is_ours)
        (void)io->unlink(io->ctx, place.file); /* Nothing names it but this link. */
    (void)io->unlink(io->ctx, path->text);     /* Not there, or creating it will tell. */
}

int seal_place_beside(flume_log *log, const struct path *original, const struct path *copy,
                      uint64_t first_seq, bool *out_is_link)
{
    struct seal_place place;
    flume_error error;
    int status;

    *out_is_link = false;
    if (!seal_place_read(log, original, &place))
        return FLUME_OK;
    status = seal_place_make(log, place.directory, first_seq, copy);
    if (status == FLUME_OK) {
        *out_is_link = true;
        return FLUME_OK;
    }
    flume_log_error(log, &error);
    return error.system_errno == EACCES || error.system_errno == EPERM ||
                   error.system_errno == EROFS || error.system_errno == ENOENT
               ? FLUME_OK
               : status;
}

int seal_place_exchange(flume_log *log, const struct path *from, const struct path *to)
{
    const flume_io *io = log->io;
    struct seal_place place;
    struct path directory;
    bool was_link = seal_place_read(log, to, &place);
    bool was_ours = was_link && place.is_ours;
    char old_file[PATH_BYTES];
    int error;

    memcpy(old_file, place.file, was_link ? strlen(place.file) + 1 : 0);
    if (seal_place_read(log, from, &place)) {
        /* What the link leads to is durable before the link is. */
        *strrchr(place.file, '/') = '\0';
        error = io->sync_directory(io->ctx, place.file);
        if (error != 0)
            return log_fail_io(log, error, "sync the directory", place.file);
    }
    error = io->rename(io->ctx, from->text, to->text);
    if (error != 0)
        return log_fail_io(log, error, "rename", from->text);
    log_path(log, "log", "", &directory);
    error = io->sync_directory(io->ctx, directory.text);
    if (error != 0)
        return log_fail_io(log, error, "sync the directory", directory.text);
    if (was_ours)
        (void)io->unlink(io->ctx, old_file); /* Its copy is kept; nothing names it any more. */
    return FLUME_OK;
}

void seal_file_drop(flume_log *log)
{
    struct path path;

    log_path(log, "log", SEAL_TEMPORARY_NAME, &path);
    seal_place_drop(log, &path);
    seal_parity_drop(log);
}
