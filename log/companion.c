/*
 * companion.c - the second log of a basin, on whose records those of the log may depend.
 *
 * A process that only appends messages may sync what another has put, so the log itself knows where
 * the second one is: through a handle that was lent, else through one that it opens for the sync
 * and closes again. It is not kept open: another handle may want the second log for itself.
 *
 * What always holds:
 *   - HEAD's `needs_settled` never exceeds what the second log has made durable.
 *   - The second log never asks anything of the first: its locks come behind all of HEAD's and
 *     behind companion_mutex.
 */
#include "companion.h"

#include <errno.h>
#include <stdio.h>

#include "append.h"
#include "flume/seal.h"
#include "inspection.h"
#include "settings.h"
#include "wait.h"

static const char grains_name[] = "GRAINS";
static const char grains_folder[] = "grains";

struct grain_needs grain_needs(const uint8_t *meta, size_t meta_bytes)
{
    struct grain_needs needs = {0};
    size_t at = 0;

    while (at + 2 <= meta_bytes && at + 2 + meta[at + 1] <= meta_bytes) {
        if (meta[at] == GRAIN_META_NEEDS && meta[at + 1] == GRAIN_NEEDS_BYTES) {
            needs.head = get_le64(meta + at + 2);
            needs.check = get_le64(meta + at + 10);
            break;
        }
        at += 2 + (size_t)meta[at + 1];
    }
    return needs;
}

uint64_t flume_record_needs(const flume_record *record, uint64_t *out_check)
{
    struct grain_needs needs = grain_needs(record->meta, record->meta_bytes);

    if (out_check != NULL)
        *out_check = needs.check;
    return needs.head;
}

/* --- Where it is ------------------------------------------------------------------------------ */

int companion_setting(flume_log *log, struct grains_setting *out_setting)
{
    struct settings settings = {.bytes = 0};
    const char *basin, *path;
    size_t bytes;
    int status = settings_read(log, grains_name, &settings);

    if (status != FLUME_OK)
        return status;
    basin = settings_value(&settings, "basin");
    path = settings_value(&settings, "path");
    bytes = path != NULL ? strcspn(path, "\n") : 0;
    if (!settings_check_holds(&settings) || basin == NULL || bytes == 0 ||
        bytes >= sizeof out_setting->path ||
        !settings_hex(basin, out_setting->basin_id, sizeof out_setting->basin_id) ||
        memcmp(out_setting->basin_id, log->basin_id, sizeof log->basin_id) == 0) /* Not itself. */
        return log_fail(
            log, FLUME_ERR_DAMAGED, 0, FLUME_SEQ_NONE,
            "%s/%s is damaged, so where the second log is is not known; restore it from "
            "a backup, or remove it and say where the second log is: flume DB blob grains --path "
            "DIRECTORY",
            log->path, grains_name);
    memcpy(out_setting->path, path, bytes);
    out_setting->path[bytes] = '\0';
    return FLUME_OK;
}

static int setting_write(flume_log *log, const struct grains_setting *setting)
{
    struct settings settings = {.bytes = 0};
    struct path path;
    int error, status;

    settings_add(&settings, "flume grains\nformat 1\nbasin ");
    for (size_t i = 0; i < sizeof setting->basin_id; i++)
        settings_add(&settings, "%02x", (unsigned)setting->basin_id[i]);
    settings_add(&settings, "\npath %s\n", setting->path);
    status = settings_write(log, grains_name, &settings);
    if (status != FLUME_OK)
        return status;
    log_path(log, "", "", &path);
    error = log->io->sync_directory(log->io->ctx, path.text);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "sync the directory", path.text);
}

/* A path that can stand on a line of GRAINS. */
static bool is_path(const char *path)
{
    size_t bytes = strlen(path);

    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f)
            return false;
    }
    return bytes > 0 && bytes < BASIN_PATH_BYTES_MAX;
}

int companion_path(flume_log *log, const char *setting, char out_path[FLUME_GRAINS_PATH_BYTES])
{
    int length = setting[0] == '/'
                     ? snprintf(out_path, FLUME_GRAINS_PATH_BYTES, "%s", setting)
                     : snprintf(out_path, FLUME_GRAINS_PATH_BYTES, "%s/%s", log->path, setting);

    if (length < 0 || length > BASIN_PATH_BYTES_MAX)
        return log_fail(log, FLUME_ERR_INVALID, ENAMETOOLONG, FLUME_SEQ_NONE,
                        "the path of the second log of %s is too long", log->path);
    return FLUME_OK;
}

static int none_in_memory(flume_log *log)
{
    return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                    "%s is in memory: it has no second log of its own", log->path);
}

/* Which basin is at a path. FLUME_ERR_NO_BASIN without a detail: none. */
static int basin_at(flume_log *log, const char *path, uint8_t out_id[16])
{
    flume_check_options options = {.allocator = &log->allocator, .io = log->io};
    struct inspection inspection;
    flume_error error;
    int status = inspection_begin(&inspection, path, &options);

    if (status == FLUME_OK)
        status = inspection.conf_status;
    if (status == FLUME_OK)
        memcpy(out_id, inspection.log->basin_id, 16);
    inspection_end(&inspection, status, NULL, &error);
    if (status == FLUME_OK || status == FLUME_ERR_NO_BASIN)
        return status;
    return log_fail(log, status, error.system_errno, FLUME_SEQ_NONE, "%s", error.message);
}

int companion_find(flume_log *log, flume_grains_place *out_place)
{
    flume_grains_place place = {.state = FLUME_GRAINS_NONE};
    struct grains_setting setting;
    uint8_t id[16];
    int status = companion_setting(log, &setting);

    if (status == FLUME_ERR_NOT_FOUND) {
        status = companion_path(log, grains_folder, place.path);
        place.is_unnamed = status == FLUME_OK && basin_at(log, place.path, id) == FLUME_OK;
    } else if (status == FLUME_OK) {
        memcpy(place.basin_id, setting.basin_id, sizeof place.basin_id);
        status = companion_path(log, setting.path, place.path);
        if (status == FLUME_OK)
            status = basin_at(log, place.path, id);
        place.state = status == FLUME_OK && memcmp(id, setting.basin_id, sizeof id) == 0
                          ? FLUME_GRAINS_HERE
                          : FLUME_GRAINS_ABSENT;
        place.is_taken = status == FLUME_OK && place.state == FLUME_GRAINS_ABSENT;
        if (status == FLUME_ERR_NO_BASIN)
            status = FLUME_OK;
    }
    if (status == FLUME_OK)
        *out_place = place;
    return status;
}

int flume_grains_find(flume_log *log, flume_grains_place *out_place)
{
    int status = log_guard(log);

    if (status != FLUME_OK)
        return status;
    return log->in_memory ? none_in_memory(log) : companion_find(log, out_place);
}

static int absent(flume_log *log, const char *path, const char *why)
{
    return log_fail(log, FLUME_ERR_ABSENT, 0, FLUME_SEQ_NONE,
                    "the second log of %s is not at %.1500s, %s; mount its volume, or say where it "
                    "has gone",
                    log->path, path, why);
}

/* --- Making it -------------------------------------------------------------------------------- */

/* How the second log is opened: as this one is, but that a record of the first decides when it is
 * durable. */
static flume_log_options companion_options(const flume_log *log)
{
    static const flume_seal_options on_request = {.mode = FLUME_SEAL_ON_REQUEST};

    return (flume_log_options){
        .profile = log->profile == FLUME_PROFILE_FORGETFUL ? FLUME_PROFILE_FORGETFUL
                                                           : FLUME_PROFILE_CASUAL,
        .lock_timeout_ns = log->lock_timeout_ns,
        .program = log->program,
        .build = log->build,
        .seal = &on_request,
        .allocator = &log->allocator,
        .io = log->io,
    };
}

int companion_open(flume_log *log, const char *path, unsigned flags, uint64_t strata_bytes,
                   flume_log **out_grains)
{
    flume_log_options options = companion_options(log);
    flume_error error;
    int status;

    options.flags = flags;
    options.strata_bytes = strata_bytes;
    status = log_open_as(LOG_COMPANION, out_grains, path, &options, &error);
    if (status == FLUME_OK)
        return FLUME_OK;
    return log_fail(log, status, error.system_errno, FLUME_SEQ_NONE, "%s", error.message);
}

/* The basin at a path, made if there is none. */
static int make_basin(flume_log *log, const char *path, bool is_asked_for, uint64_t strata_bytes,
                      uint8_t out_id[16])
{
    flume_log_stat_info info;
    flume_log *grains;
    int status = basin_at(log, path, out_id);

    if (status == FLUME_OK && memcmp(out_id, log->basin_id, sizeof log->basin_id) != 0)
        return companion_take(log, path, is_asked_for);
    if (status != FLUME_ERR_NO_BASIN)
        return status;
    status = companion_open(log, path, FLUME_OPEN_CREATE, strata_bytes, &grains);
    if (status != FLUME_OK)
        return status;
    status = flume_log_stat(grains, &info);
    if (status == FLUME_OK)
        memcpy(out_id, info.basin_id, sizeof info.basin_id);
    (void)flume_log_close(grains); /* Nothing was appended to it. */
    return status;
}

/* Under append_mutex, for one process at a time: GRAINS as it is to be, if nobody was quicker. */
static int settle_setting_locked(flume_log *log, const struct grains_setting *wanted, bool moves)
{
    struct grains_setting now;
    int status = companion_setting(log, &now);

    if (status == FLUME_ERR_NOT_FOUND)
        return setting_write(log, wanted);
    if (status != FLUME_OK)
        return status;
    if (memcmp(now.basin_id, wanted->basin_id, sizeof now.basin_id) != 0)
        return log_fail(log, FLUME_ERR_ABSENT, 0, FLUME_SEQ_NONE,
                        "%.1500s holds another basin than the second log of %s; say where that has "
                        "gone",
                        wanted->path, log->path);
    return moves && strcmp(now.path, wanted->path) != 0 ? setting_write(log, wanted) : FLUME_OK;
}

int flume_grains_make(flume_log *log, const char *path, uint64_t strata_bytes)
{
    struct grains_setting setting = {.path = ""};
    char full[FLUME_GRAINS_PATH_BYTES];
    bool exists;
    int status = log_guard(log);

    if (status != FLUME_OK)
        return status;
    if (log->in_memory)
        return none_in_memory(log);
    if (log->read_only)
        return log_fail(log, FLUME_ERR_READ_ONLY, 0, FLUME_SEQ_NONE, "%s was opened to read only",
                        log->path);
    if (path != NULL && !is_path(path))
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "a path of the second log has 1 to %d bytes without control bytes",
                        BASIN_PATH_BYTES_MAX - 1);
    status = companion_setting(log, &setting);
    exists = status == FLUME_OK;
    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return status;
    if (path != NULL || !exists)
        (void)snprintf(setting.path, sizeof setting.path, "%s",
                       path != NULL ? path : grains_folder);
    status = companion_path(log, setting.path, full);
    if (status != FLUME_OK)
        return status;
    status = exists ? basin_at(log, full, setting.basin_id)
                    : make_basin(log, full, path != NULL, strata_bytes, setting.basin_id);
    if (status == FLUME_OK && memcmp(setting.basin_id, log->basin_id, sizeof log->basin_id) == 0)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "%s cannot be the second log of itself, nor can a copy of it", log->path);
    if (exists && status == FLUME_ERR_NO_BASIN)
        return absent(log, full, "where there is no basin");
    if (status == FLUME_OK)
        status = append_lock(log);
    if (status != FLUME_OK)
        return status;
    status = settle_setting_locked(log, &setting, path != NULL);
    append_unlock(log);
    return status;
}

/* --- Durable before the first log ------------------------------------------------------------- */

static void raise_settled(struct head *head, uint64_t durable)
{
    uint64_t settled = atomic_load(&head->needs_settled);

    while (settled < durable &&
           !atomic_compare_exchange_weak(&head->needs_settled, &settled, durable))
        continue;
}

int flume_grains_lend(flume_log *log, flume_log *grains)
{
    int status = log_guard(log);

    if (status != FLUME_OK)
        return status;
    (void)pthread_mutex_lock(&log->companion_mutex);
    if (log->companion != NULL && !log->observer)
        raise_settled(log->head, flume_log_durable(log->companion));
    log->companion = grains;
    if (grains != NULL)
        atomic_store(&grains->is_companion, true);
    (void)pthread_mutex_unlock(&log->companion_mutex);
    return FLUME_OK;
}

/* The second log refuses. If it lost, or may lose, what is needed, so does this one. */
static int not_settled(flume_log *log, flume_log *grains, uint64_t needs, int status)
{
    flume_log_stat_info info = {.poisoned = false};
    flume_error error;

    flume_log_error(grains, &error);
    (void)flume_log_stat(grains, &info);
    if (status != FLUME_ERR_NOT_FOUND && status != FLUME_ERR_POISONED && !info.poisoned)
        return log_fail(log, status, error.system_errno, FLUME_SEQ_NONE, "%s", error.message);
    (void)atomic_fetch_or(&log->head->refusal, HEAD_POISONED);
    log_tell(log, FLUME_LOG_ERROR, "%s: its second log has lost records; nothing more is accepted",
             log->path);
    return log_fail(log, FLUME_ERR_POISONED, error.system_errno, FLUME_SEQ_NONE,
                    "%s has records that need the second log up to %llu, which it may have lost "
                    "(%.256s): close the basin everywhere, check the disk, open it again",
                    log->path, (unsigned long long)needs, error.message);
}

static int settle_with(flume_log *log, flume_log *grains, uint64_t needs)
{
    int status = FLUME_OK;

    if (flume_log_durable(grains) < needs)
        status = flume_log_sync(grains, needs - 1);
    return status == FLUME_OK ? FLUME_OK : not_settled(log, grains, needs, status);
}

static int settle_alone(flume_log *log, uint64_t needs)
{
    flume_grains_place place;
    flume_log *grains;
    int status = flume_grains_find(log, &place);

    if (status == FLUME_OK && place.state != FLUME_GRAINS_HERE)
        return absent(log, place.path,
                      place.is_taken
                          ? "where another basin is, so what refers to it cannot be made durable"
                          : "so what refers to it cannot be made durable");
    if (status == FLUME_OK)
        status = companion_open(log, place.path, 0, 0, &grains);
    if (status != FLUME_OK)
        return status;
    status = settle_with(log, grains, needs);
    (void)flume_log_close(grains); /* What was to be durable is. */
    return status;
}

int companion_settle_to(flume_log *log, uint64_t needs)
{
    return needs == 0 ? FLUME_OK : settle_alone(log, needs);
}

int companion_settle(flume_log *log)
{
    struct head *head = log->head;
    uint64_t needs = atomic_load(&head->needs);
    int status;

    if (needs <= atomic_load(&head->needs_settled) || log->in_memory ||
        atomic_load(&log->is_companion))
        return FLUME_OK;
    (void)pthread_mutex_lock(&log->companion_mutex);
    status = log->companion != NULL ? settle_with(log, log->companion, needs)
                                    : settle_alone(log, needs);
    (void)pthread_mutex_unlock(&log->companion_mutex);
    if (status == FLUME_OK)
        raise_settled(head, needs);
    return status;
}
