/*
 * basin.c - the directory of a basin: flume.conf, and making it.
 *
 * What always holds: flume.conf appears complete, by rename, after everything else is there; so a
 * basin whose making was cut short opens as none, and is made again.
 */
#include "basin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flume/version.h"
#include "rescue.h"
#include "seal_file.h"
#include "settings.h"
#include "sync.h"

static const char conf_name[] = "flume.conf";
static const char conf_temporary[] = "flume.conf.tmp";

static int conf_take(flume_log *log, const struct settings *settings)
{
    const char *format = settings_value(settings, "format");
    const char *basin = settings_value(settings, "basin");
    const char *strata_bytes = settings_value(settings, "strata_bytes");
    const char *created = settings_value(settings, "created");

    if (format != NULL && strncmp(settings->text, "flume basin\n", 12) == 0 &&
        strtoul(format, NULL, 10) > FLUME_FORMAT_VERSION)
        return log_fail(log, FLUME_ERR_VERSION, 0, FLUME_SEQ_NONE,
                        "%s has format %lu; flume %s knows up to %d: open it with a newer one",
                        log->path, strtoul(format, NULL, 10), FLUME_VERSION, FLUME_FORMAT_VERSION);
    if (!settings_check_holds(settings) || format == NULL || basin == NULL ||
        strata_bytes == NULL || created == NULL ||
        !settings_hex(basin, log->basin_id, sizeof log->basin_id))
        return log_fail(log, FLUME_ERR_DAMAGED, 0, FLUME_SEQ_NONE,
                        "%s/%s is damaged; restore it from a backup, or let 'flume repair' write "
                        "it anew from the strata",
                        log->path, conf_name);
    log->strata_bytes = strtoull(strata_bytes, NULL, 10);
    log->created_ns = strtoull(created, NULL, 10);
    if (log->strata_bytes < FLUME_STRATA_BYTES_MIN || log->strata_bytes > FLUME_STRATA_BYTES_MAX ||
        log->strata_bytes % STRATA_PAGE_BYTES != 0)
        return log_fail(
            log, FLUME_ERR_DAMAGED, 0, FLUME_SEQ_NONE,
            "%s/%s asks for strata of %llu bytes, which is no multiple of %d from %d to "
            "%d; restore it from a backup",
            log->path, conf_name, (unsigned long long)log->strata_bytes, STRATA_PAGE_BYTES,
            FLUME_STRATA_BYTES_MIN, FLUME_STRATA_BYTES_MAX);
    return FLUME_OK;
}

static int no_basin(flume_log *log, const char *conf_path)
{
    if (log->in_memory)
        return log_fail(log, FLUME_ERR_NO_BASIN, 0, FLUME_SEQ_NONE,
                        "%s is empty for who only reads: it begins and ends with a handle that "
                        "writes",
                        log->path);
    return log_fail(log, FLUME_ERR_NO_BASIN, 0, FLUME_SEQ_NONE,
                    "%s is not a flume basin (there is no %s); 'flume %s init' makes one",
                    log->path, conf_path, log->path);
}

int basin_read(flume_log *log)
{
    struct settings settings = {.bytes = 0};
    struct path path;
    int status = settings_read(log, conf_name, &settings);

    if (status == FLUME_ERR_NOT_FOUND) {
        log_path(log, "", conf_name, &path);
        return no_basin(log, path.text);
    }
    return status == FLUME_OK ? conf_take(log, &settings) : status;
}

static int make_directory(flume_log *log, const char *name)
{
    struct path path;
    int error;

    log_path(log, "", name, &path);
    error = log->io->make_directory(log->io->ctx, path.text);
    if (error == -ENOENT)
        return log_fail(log, FLUME_ERR_NO_BASIN, ENOENT, FLUME_SEQ_NONE,
                        "cannot make %s: the directory above it does not exist", path.text);
    if (error == -ENOTDIR)
        return log_fail(log, FLUME_ERR_NO_BASIN, ENOTDIR, FLUME_SEQ_NONE,
                        "%s is no directory, so there can be no basin; choose another path",
                        log->path);
    if (error != 0 && error != -EEXIST)
        return log_fail_io(log, error, "make the directory", path.text);
    return FLUME_OK;
}

/* Names that a basin, or an unfinished creation of one, may have. */
static bool is_ours(const char *name)
{
    static const char *const names[] = {"LOCK",   "HEAD",   "TAIL",       "log",
                                        "subs",   "txn",    "grains",     "lost+found",
                                        "views",  "GRAINS", "GRAINS.tmp", conf_temporary,
                                        conf_name}; /* Somebody is making it at this moment. */

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static int find_foreign(void *ctx, const char *name)
{
    struct path *foreign = ctx;

    if (is_ours(name))
        return 0;
    (void)snprintf(foreign->text, sizeof foreign->text, "%s", name);
    return 1;
}

/* A basin is not made among other people's files. */
static int check_empty(flume_log *log)
{
    struct path path, foreign;
    int result;

    log_path(log, "", "", &path);
    result = log->io->list(log->io->ctx, path.text, find_foreign, &foreign);
    if (result == 1)
        return log_fail(log, FLUME_ERR_NO_BASIN, 0, FLUME_SEQ_NONE,
                        "%s is no flume basin, and holds other files (%.200s), so none is made "
                        "there; choose an empty or a new directory",
                        log->path, foreign.text);
    return result < 0 && result != -ENOENT && result != -ENOTDIR
               ? log_fail_io(log, result, "list", path.text)
               : FLUME_OK;
}

int basin_make_directories(flume_log *log)
{
    static const char *const names[] = {"", "log", "subs", "txn", "lost+found"};
    int status = basin_read(log);

    if (status == FLUME_ERR_NO_BASIN)
        status = check_empty(log);
    else
        status = FLUME_OK; /* What is wrong with it will be told under the gate. */

    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == FLUME_OK; i++)
        status = make_directory(log, names[i]);
    return status;
}

int basin_write_conf(flume_log *log)
{
    struct settings settings = {.bytes = 0};
    char id[2 * sizeof log->basin_id + 1];

    for (size_t i = 0; i < sizeof log->basin_id; i++)
        (void)snprintf(id + 2 * i, 3, "%02x", (unsigned)log->basin_id[i]);
    settings_add(&settings, "flume basin\nformat %d\nbasin %s\nstrata_bytes %llu\ncreated %llu\n",
                 FLUME_FORMAT_VERSION, id, (unsigned long long)log->strata_bytes,
                 (unsigned long long)log->created_ns);
    return settings_write(log, conf_name, &settings);
}

static int sync_directory(flume_log *log, const char *path)
{
    int error = log->io->sync_directory(log->io->ctx, path);

    return error == 0 ? FLUME_OK : log_fail_io(log, error, "sync the directory", path);
}

/* The directory above: the basin's own name must survive too. */
static int sync_parent(flume_log *log)
{
    struct path parent;
    char *slash;

    (void)snprintf(parent.text, sizeof parent.text, "%s", log->path);
    slash = strrchr(parent.text, '/');
    if (slash == NULL)
        (void)snprintf(parent.text, sizeof parent.text, ".");
    else if (slash == parent.text)
        slash[1] = '\0';
    else
        *slash = '\0';
    return sync_directory(log, parent.text);
}

int basin_make(flume_log *log, uint64_t strata_bytes)
{
    int error = log->io->random(log->io->ctx, log->basin_id, sizeof log->basin_id);
    int status;

    if (error != 0)
        return log_fail_io(log, error, "get random bytes for", log->path);
    log->strata_bytes = strata_bytes;
    log->created_ns = log->io->wall_ns(log->io->ctx);
    status = gate_create(log, 0, 0);
    if (status == FLUME_OK)
        status = sync_directory(log, log->path);
    if (status == FLUME_OK)
        status = basin_write_conf(log);
    if (status == FLUME_OK)
        status = sync_directory(log, log->path);
    if (status == FLUME_OK && !log->in_memory)
        status = sync_parent(log);
    return status;
}

struct sweep {
    flume_log *log;
    const char *folder;
    const char *ending;
};

static int sweep_name(void *ctx, const char *name)
{
    const struct sweep *sweep = ctx;
    size_t bytes = strlen(name);
    size_t ending_bytes = strlen(sweep->ending);
    struct seal_place place;
    struct path path;

    if (bytes < ending_bytes || bytes > 255 ||
        strcmp(name + bytes - ending_bytes, sweep->ending) != 0)
        return 0;
    log_path(sweep->log, sweep->folder, name, &path);
    /* What was to be a sealed strata is still there as a raw one; and it may be a link. */
    if (strcmp(name, SEAL_TEMPORARY_NAME) == 0 || seal_place_read(sweep->log, &path, &place)) {
        seal_place_drop(sweep->log, &path);
        return 0;
    }
    if (rescue_keep_unnamed(sweep->log, &path))
        return 0;
    (void)sweep->log->io->unlink(sweep->log->io->ctx, path.text); /* Only space is at stake. */
    return 0;
}

static bool has_strata(flume_log *log, uint64_t first_seq)
{
    char name[STRATA_NAME_BYTES];
    struct path path;
    int file;

    strata_name(name, first_seq);
    log_path(log, "log", name, &path);
    file = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (file >= 0)
        log->io->close(log->io->ctx, file);
    return file != -ENOENT;
}

/* Slots without a strata behind the newest one: a power cut between two renames leaves them. Those
 * of an older one that is missing stay where they are: it may come back. */
static int sweep_slots(void *ctx, const char *name)
{
    flume_log *log = ctx;
    const struct head *head = log->head;
    uint64_t first_seq;
    struct path path;

    if (!strata_slots_name_parse(name, &first_seq) ||
        (atomic_load(&head->active_bytes) != 0 && first_seq <= atomic_load(&head->active_first)) ||
        has_strata(log, first_seq))
        return 0;
    log_path(log, "log", name, &path);
    (void)log->io->unlink(log->io->ctx, path.text); /* Only space is at stake. */
    return 0;
}

void basin_sweep(flume_log *log)
{
    static const struct {
        const char *folder, *ending;
    } leftovers[] = {{"log", ".tmp"}, {"txn", ".strata"}, {"txn", ".slots"}};

    for (size_t i = 0; i < sizeof leftovers / sizeof leftovers[0]; i++) {
        struct sweep sweep = {log, leftovers[i].folder, leftovers[i].ending};
        struct path path;

        log_path(log, sweep.folder, "", &path);
        (void)log->io->list(log->io->ctx, path.text, sweep_name, &sweep);
        if (i == 0)
            (void)log->io->list(log->io->ctx, path.text, sweep_slots, log);
    }
}
