/*
 * companion_look.c - what recovery asks of the second log: whether it has what a record needs.
 *
 * The second log is looked at from outside: where somebody has it open it ends where its HEAD says,
 * else where its own recovery would end it. Nothing of it is changed.
 */
#include <string.h>

#include "companion.h"
#include "inspection.h"
#include "read.h"

static int tell_absent(struct companion_look *look, const char *path, uint64_t seq)
{
    look->is_absent = true;
    log_tell(
        look->log, FLUME_LOG_WARNING,
        "%s: the second log is not at %s: whether it has what records from seq %llu on refer to "
        "was not looked at",
        look->log->path, path, (unsigned long long)seq);
    return FLUME_OK;
}

static int look_failed(struct companion_look *look, int status)
{
    flume_error error = {.status = status};

    if (look->inspection->log != NULL)
        flume_log_error(look->inspection->log, &error);
    return log_fail(look->log, status, error.system_errno, FLUME_SEQ_NONE, "%s",
                    error.message[0] != '\0' ? error.message : flume_strerror(status));
}

/* Find where the second log ends. */
static int look_inside(struct companion_look *look)
{
    struct inspection *inspection = look->inspection;
    int status = FLUME_OK;

    atomic_store(&inspection->log->is_companion,
                 true); /* Two files that name each other's basin end here. */
    inspection_look_at_head(inspection);
    if (inspection->head_counts)
        status = table_refresh(inspection->log);
    if (status == FLUME_OK)
        status = inspection_find_end(inspection);
    return status == FLUME_OK ? FLUME_OK : look_failed(look, status);
}

/* Whether it is the basin that GRAINS names. */
static bool is_wanted(const struct companion_look *look, const struct grains_setting *setting)
{
    const struct inspection *inspection = look->inspection;

    return inspection->conf_status == FLUME_OK &&
           memcmp(inspection->log->basin_id, setting->basin_id, sizeof setting->basin_id) == 0;
}

static int look_begin(struct companion_look *look, uint64_t seq)
{
    flume_log *log = look->log;
    flume_check_options options = {.allocator = &log->allocator, .io = log->io};
    struct grains_setting setting = {.path = ""};
    char path[FLUME_GRAINS_PATH_BYTES];
    int status = companion_setting(log, &setting);

    if (status == FLUME_ERR_NOT_FOUND)
        return tell_absent(look, "any place that is known (there is no GRAINS)", seq);
    if (status == FLUME_OK)
        status = companion_path(log, setting.path, path);
    if (status != FLUME_OK)
        return status;
    look->inspection = memory_allocate_zeroed(&log->allocator, 1, sizeof *look->inspection);
    if (look->inspection == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to recover %s",
                        log->path);
    status = inspection_begin(look->inspection, path, &options);
    if (status == FLUME_ERR_ACCESS || (status == FLUME_OK && !is_wanted(look, &setting))) {
        companion_look_end(look);
        return tell_absent(look, path, seq);
    }
    return status == FLUME_OK ? look_inside(look) : look_failed(look, status);
}

/* Whether the second log has what is needed. Where it is absent: yes, and it is told once. */
static int look_for(struct companion_look *look, const struct grain_needs *needs, uint64_t seq,
                    bool *out_has)
{
    flume_record record;
    int status = FLUME_OK;

    *out_has = true;
    if (needs->head == 0 || atomic_load(&look->log->is_companion))
        return FLUME_OK;
    if (look->inspection == NULL && !look->is_absent)
        status = look_begin(look, seq);
    if (status != FLUME_OK || look->is_absent)
        return status;
    *out_has = needs->head <= look->inspection->end;
    if (*out_has && needs->check != 0) {
        /* A grain that does not read is damage of the second log's own. */
        status =
            read_record(look->inspection->log, needs->head - 1, look->inspection->end, &record);
        *out_has = status != FLUME_OK || record.check == needs->check;
    }
    if (*out_has && needs->head > look->needs)
        look->needs = needs->head;
    return FLUME_OK;
}

int companion_doubt(struct companion_look *look, const struct strata *strata, uint64_t known,
                    struct companion_reach *io_reach, bool *out_lacks)
{
    struct companion_reach reach = {.end_offset = STRATA_DATA_AT};
    uint64_t offset = STRATA_DATA_AT;
    bool has = true;

    for (; reach.count < io_reach->count; reach.count++) {
        const uint8_t *source = strata->data + offset;
        struct grain grain = {.meta_bytes = get_le16(source + GRAIN_META_BYTES_AT),
                              .body_bytes = get_le32(source + GRAIN_BODY_BYTES_AT),
                              .flags = source[GRAIN_FLAGS_AT]};

        if (strata->first_seq + reach.count >= known) {
            size_t meta_bytes;
            const uint8_t *meta = grain_meta(source, &grain, &meta_bytes);
            struct grain_needs needs = grain_needs(meta, meta_bytes);
            int status = look_for(look, &needs, strata->first_seq + reach.count, &has);

            if (status != FLUME_OK)
                return status;
        }
        if (!has)
            break;
        offset += grain_bytes(grain.meta_bytes, grain.body_bytes);
        if ((grain.flags & FLUME_RECORD_BATCH) == 0) {
            reach.whole_count = reach.count + 1;
            reach.end_offset = offset;
        }
    }
    if (!has)
        *io_reach = reach;
    *out_lacks = !has;
    return FLUME_OK;
}

void companion_look_end(struct companion_look *look)
{
    if (look->inspection == NULL)
        return;
    if (look->inspection->log != NULL)
        inspection_end(look->inspection, FLUME_OK, NULL, NULL);
    memory_release(&look->log->allocator, look->inspection);
    look->inspection = NULL;
}
