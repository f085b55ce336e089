/*
 * engine_flume.c - flume through its public headers, as any program would use it.
 *
 * Every append is checksummed, stamped and visible to other processes on return; every read is
 * verified. Durability LATER is the profile casual, NEVER forgetful, EACH safe.
 *
 * A small basin has small strata, so an engine in ENGINE_SPACE_STEADY first fills the basin until
 * its strata have their full size: what is measured is a program that has been recording for a
 * while, not its first 128 MiB.
 */
#include "engine.h"
#include "measure.h"

#include <errno.h>
#include <stdlib.h>

#include "flume/flume.h"

enum {
    FULL_SIZE_STRATA = 8,     /* 1, 2, 4, ... 64 MiB are seven; the eighth and later are full. */
    WARM_BATCH = 256,         /* Records appended at once while filling. */
    WARM_BYTES_MAX = 1 << 30, /* Something is wrong if this is not enough. */
    BATCH_MAX = 1024
};

static const char *const basin_name = "log.flume";

struct flume_engine {
    struct engine base;
    flume_log *log;
    uint64_t *places; /* Seq of record number i; made by the first locate. */
};

static int fail(struct flume_engine *engine, const char *what, int status)
{
    flume_error error = {0};

    flume_log_error(engine->log, &error);
    errno = 0;
    return bench_fail("flume: %s: %s: %s", what, flume_strerror(status), error.message);
}

static void engine_close(struct engine *engine)
{
    struct flume_engine *basin = (struct flume_engine *)engine;

    if (basin == NULL)
        return;
    if (basin->log != NULL)
        (void)flume_log_close(basin->log); /* The figure is taken already. */
    free(basin->places);
    free(basin);
}

static enum flume_profile profile_of(enum engine_durability durability)
{
    switch (durability) {
    case ENGINE_DURABLE_NEVER:
        return FLUME_PROFILE_FORGETFUL;
    case ENGINE_DURABLE_EACH:
        return FLUME_PROFILE_SAFE;
    case ENGINE_DURABLE_LATER:
        break;
    }
    return FLUME_PROFILE_CASUAL;
}

static int engine_append_many(struct engine *engine, const void *bodies, size_t stride_bytes,
                              size_t count, size_t body_bytes)
{
    struct flume_engine *basin = (struct flume_engine *)engine;
    flume_entry entries[BATCH_MAX];
    int status;

    if (count > BATCH_MAX)
        return bench_fail("flume: a batch of %zu", count);
    for (size_t i = 0; i < count; i++)
        entries[i] = (flume_entry){.body = (const uint8_t *)bodies + i * stride_bytes,
                                   .body_bytes = body_bytes};
    status = flume_log_append_many(basin->log, entries, count, NULL, NULL);
    return status == FLUME_OK ? 0 : fail(basin, "append_many", status);
}

static int fill_to_full_size(struct flume_engine *basin)
{
    const size_t body_bytes = 1000;
    struct bodies bodies;
    flume_log_stat_info stat = {0};
    int status = bodies_create(&bodies, body_bytes, 0);

    for (size_t bytes = 0; status == 0 && bytes < WARM_BYTES_MAX;
         bytes += WARM_BATCH * body_bytes) {
        status = engine_append_many(&basin->base, bodies.pool, bodies.stride_bytes, WARM_BATCH,
                                    body_bytes);
        if (flume_log_stat(basin->log, &stat) != FLUME_OK || stat.strata_count >= FULL_SIZE_STRATA)
            break;
    }
    bodies_destroy(&bodies);
    return status;
}

static int engine_open(const struct engine_setting *setting, struct engine **out_engine)
{
    struct flume_engine *basin = calloc(1, sizeof(*basin));
    char *path = engine_path(setting->dir_path, basin_name);
    /* What sealing costs an append is measured beside the store (bench/store). */
    static const flume_seal_options on_request = {.mode = FLUME_SEAL_ON_REQUEST};
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = profile_of(setting->durability),
                                 .seal = &on_request};
    flume_error error = {0};
    int status = -1;

    if (basin == NULL || path == NULL)
        goto done;
    basin->base.type = &engine_flume;
    status = flume_log_open(&basin->log, path, &options, &error);
    errno = 0;
    if (status != FLUME_OK)
        status = bench_fail("flume: open: %s: %s", flume_strerror(status), error.message);
    else if (setting->space == ENGINE_SPACE_STEADY)
        status = fill_to_full_size(basin);
done:
    free(path);
    if (status == 0)
        *out_engine = &basin->base;
    else
        engine_close(basin == NULL ? NULL : &basin->base);
    return status;
}

char *engine_flume_basin(const char *dir_path)
{
    const struct engine_setting setting = {.dir_path = dir_path, .space = ENGINE_SPACE_STEADY};
    struct engine *engine = NULL;

    if (engine_open(&setting, &engine) != 0)
        return NULL;
    engine_close(engine);
    return engine_path(dir_path, basin_name);
}

static int engine_append(struct engine *engine, const void *body, size_t body_bytes)
{
    struct flume_engine *basin = (struct flume_engine *)engine;
    int status = flume_log_append(basin->log, body, body_bytes, NULL);

    return status == FLUME_OK ? 0 : fail(basin, "append", status);
}

/* Records are dense, but each strata begins with a manifest that has a seq as well. */
static int make_places(struct flume_engine *basin)
{
    flume_cursor *cursor = NULL;
    flume_record record;
    uint64_t count = 0;
    int status = flume_cursor_open(basin->log, NULL, &cursor);

    basin->places = calloc(flume_log_head(basin->log) + 1, sizeof(*basin->places));
    if (status != FLUME_OK || basin->places == NULL)
        return bench_fail("flume: cannot number the records");
    while ((status = flume_cursor_next(cursor, 0, &record)) == FLUME_OK)
        basin->places[count++] = record.seq;
    flume_cursor_close(cursor);
    return status == FLUME_END ? 0 : fail(basin, "cursor_next", status);
}

static uint64_t engine_locate(struct engine *engine, uint64_t index)
{
    struct flume_engine *basin = (struct flume_engine *)engine;

    if (basin->places == NULL && make_places(basin) != 0)
        return FLUME_SEQ_NONE; /* get will say that there is no such record. */
    return basin->places == NULL ? FLUME_SEQ_NONE : basin->places[index];
}

static int engine_get(struct engine *engine, uint64_t place, uint64_t *io_sum)
{
    struct flume_engine *basin = (struct flume_engine *)engine;
    flume_record record;
    int status = flume_log_get(basin->log, place, &record);

    if (status != FLUME_OK)
        return fail(basin, "get", status);
    *io_sum += body_sum(record.body, record.body_bytes);
    flume_record_release(&record);
    return 0;
}

static int engine_get_many(struct engine *engine, const uint64_t *places, size_t count,
                           uint64_t *io_sum)
{
    struct flume_engine *basin = (struct flume_engine *)engine;
    flume_record records[BATCH_MAX];
    size_t read = 0;
    int status = count > BATCH_MAX ? FLUME_ERR_TOO_LARGE
                                   : flume_log_get_many(basin->log, places, count, records, &read);

    for (size_t i = 0; i < read; i++) {
        *io_sum += body_sum(records[i].body, records[i].body_bytes);
        flume_record_release(&records[i]);
    }
    return status == FLUME_OK ? 0 : fail(basin, "get_many", status);
}

static int engine_scan(struct engine *engine, uint64_t *io_count, uint64_t *io_sum)
{
    struct flume_engine *basin = (struct flume_engine *)engine;
    flume_cursor *cursor = NULL;
    flume_record record;
    int status = flume_cursor_open(basin->log, NULL, &cursor);

    if (status != FLUME_OK)
        return fail(basin, "cursor_open", status);
    while ((status = flume_cursor_next(cursor, 0, &record)) == FLUME_OK) {
        *io_sum += body_sum(record.body, record.body_bytes);
        *io_count += 1;
    }
    flume_cursor_close(cursor);
    return status == FLUME_END ? 0 : fail(basin, "cursor_next", status);
}

static const char *engine_version(void)
{
    return "flume " FLUME_VERSION;
}

const struct engine_type engine_flume = {
    .name = "flume",
    .version = engine_version,
    .may_share = 1,
    .open = engine_open,
    .append = engine_append,
    .append_many = engine_append_many,
    .locate = engine_locate,
    .get = engine_get,
    .get_many = engine_get_many,
    .scan = engine_scan,
    .close = engine_close,
};
