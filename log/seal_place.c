/*
 * seal_place.c - sealed files that lie in another directory than log/.
 *
 * There a file is called BASIN-SEQ20.strata, so that several basins may share the directory; in log/ a
 * symbolic link has the strata's name. So whoever opens a strata by its name need not know, and the
 * exchange of the raw form is the rename of a link.
 */
#include <errno.h>
#include <stdio.h>

#include "seal_file.h"
#include "seal_parity.h"

enum { ID_DIGITS = 32 };

/* A path that counts from the basin, or from a folder of it, as the io table takes it. false: it is
 * too long. */
static bool join(const flume_log *log, const char *folder, const char *path, const char *name,
                 char target[PATH_BYTES])
{
    bool is_absolute = path[0] == '/';
    int length = snprintf(target, PATH_BYTES, "%s%s%s%s%s%s", is_absolute ? "" : log->path,
                          is_absolute ? "" : folder, is_absolute ? "" : "/", path,
                          *name != '\0' ? "/" : "", name);

    return length > 0 && length < PATH_BYTES;
}

static void file_name(const flume_log *log, uint64_t first_seq, char *target, size_t bytes)
{
    char digits[ID_DIGITS + 1];
    char name[STRATA_NAME_BYTES];

    for (size_t i = 0; i < sizeof log->basin_id; i++)
        (void)snprintf(digits + 2 * i, 3, "%02x", log->basin_id[i]);
    strata_name(name, first_seq);
    (void)snprintf(target, bytes, "%s-%s", digits, name);
}

static int too_long(flume_log *log)
{
    return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                    "sealing: the path %.64s... is too long", log->seal.path);
}

int seal_place_link(flume_log *log, uint64_t first_seq)
{
    const flume_io *io = log->io;
    char name[ID_DIGITS + 1 + STRATA_NAME_BYTES];
    char target[PATH_BYTES], file[PATH_BYTES];
    struct path link;
    int error;

    if (log->seal.path == NULL)
        return FLUME_OK;
    file_name(log, first_seq, name, sizeof name);
    /* A link's target counts from where the link is: log/. */
    if (snprintf(target, sizeof target, "%s%s/%s", log->seal.path[0] == '/' ? "" : "../",
                 log->seal.path, name) >= (int)sizeof target ||
        !join(log, "", log->seal.path, name, file))
        return too_long(log);
    log_path(log, "log", SEAL_TEMPORARY_NAME, &link);
    if (io->make_link == NULL)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "sealing: this io table makes no links, so sealed strata stay in log/");
    error = io->unlink(io->ctx, file); /* What a sealer that died has left. */
    if (error != 0 && error != -ENOENT)
        return log_fail_io(log, error, "replace", file);
    error = io->make_link(io->ctx, target, link.text);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "make a link at", link.text);
}

int seal_place_sync(flume_log *log)
{
    char place[PATH_BYTES];
    int error;

    if (log->seal.path == NULL)
        return FLUME_OK;
    if (!join(log, "", log->seal.path, "", place))
        return too_long(log);
    error = log->io->sync_directory(log->io->ctx, place);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "sync the directory", place);
}

void seal_file_drop(flume_log *log)
{
    const flume_io *io = log->io;
    char target[PATH_BYTES], file[PATH_BYTES];
    struct path path;
    int64_t bytes = 0;

    log_path(log, "log", SEAL_TEMPORARY_NAME, &path);
    if (io->read_link != NULL)
        bytes = io->read_link(io->ctx, path.text, target, sizeof target);
    if (bytes > 0 && bytes < (int64_t)sizeof target) {
        target[bytes] = '\0';
        if (join(log, "/log", target, "", file))
            (void)io->unlink(io->ctx, file); /* Nothing names it but this link. */
    }
    (void)io->unlink(io->ctx, path.text); /* Not there, or creating it will tell. */
    seal_parity_drop(log);
}
