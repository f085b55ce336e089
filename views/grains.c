/*
 * grains.c - the second log of a handle: opening it where it is.
 */
#include "grains.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flume/seal.h"
#include "inside.h"
#include "lookup.h"

/* A rebuild of the view "chunk" sorts a row of 48 bytes for a MiB of content: little is enough. */
#define CHUNK_REBUILD_BYTES (UINT64_C(8) << 20)

int grains_fail_log(flume *handle, struct grains *grains, int status)
{
    flume_error error;

    flume_log_error(grains->log, &error);
    if (error.status != status)
        (void)snprintf(error.message, sizeof error.message, "%s", flume_strerror(status));
    return flume_fail(handle, status, FLUME_SEQ_NONE, "%s", error.message);
}

int grains_fail_view(flume *handle, struct grains *grains, int status)
{
    flume_error error;

    flume_last_error(grains->inner, &error);
    if (error.status != status)
        (void)snprintf(error.message, sizeof error.message, "%s", flume_strerror(status));
    return flume_fail(handle, status, FLUME_SEQ_NONE, "the second log: %s", error.message);
}

/* ---- opening ---- */

static flume_options options_of(const flume *handle)
{
    static const flume_view_definition *const definitions[] = {&view_chunk};
    /* Chunks are compressed and verified as they are: sealing them costs much and gains little. */
    static const flume_seal_options on_request = {.mode = FLUME_SEAL_ON_REQUEST};
    const flume_log_options *log = &handle->options.log;
    enum flume_profile profile = FLUME_PROFILE_CASUAL;
    enum flume_io_mode io_mode = log->io_mode;

    /* A chunk fills hundreds of pages at once: one call costs less than their faults do. */
    if (io_mode == FLUME_IO_AUTO)
        io_mode = FLUME_IO_PWRITE;
    /* Safe is casual here: the record of the blob decides when its chunks must be durable. */
    if (log->profile == FLUME_PROFILE_FORGETFUL || log->profile == FLUME_PROFILE_PARANOID)
        profile = log->profile;
    return (flume_options){
        .log = {.profile = profile,
                .io_mode = io_mode,
                .lock_timeout_ns = log->lock_timeout_ns,
                .seal = &on_request,
                .allocator = log->allocator,
                .io = handle->temporary ? NULL : log->io,
                .log = log->log,
                .log_ctx = log->log_ctx},
        .views = FLUME_VIEWS_NO_WORKERS | FLUME_VIEWS_NOT_BUILT_IN,
        .definitions = definitions,
        .definition_count = 1,
        .map_bytes = handle->options.map_bytes,
        .rebuild_bytes = CHUNK_REBUILD_BYTES,
        .verify_bytes = handle->options.verify_bytes,
    };
}

static bool handle_reads_only(const flume *handle)
{
    return (handle->options.log.flags & FLUME_OPEN_READ_ONLY) != 0;
}

/* Open the basin at a path; who only reads makes do with permission to read. */
static int open_inner(flume *handle, const char *path, enum grains_use use, struct grains *grains)
{
    flume_options options = options_of(handle);
    flume_error error;
    int status;

    grains->read_only = handle_reads_only(handle);
    options.log.flags = grains->read_only   ? FLUME_OPEN_READ_ONLY
                        : handle->temporary ? FLUME_OPEN_CREATE
                                            : 0;
    status = flume_open(&grains->inner, path, &options, &error);
    if (!grains->read_only && use == GRAINS_READ &&
        (status == FLUME_ERR_ACCESS || status == FLUME_ERR_READ_ONLY)) {
        grains->read_only = true;
        options.log.flags = FLUME_OPEN_READ_ONLY;
        status = flume_open(&grains->inner, path, &options, &error);
    }
    if (status != FLUME_OK)
        return flume_fail(handle, status, FLUME_SEQ_NONE, "the second log: %s", error.message);
    grains->log = flume_log_of(grains->inner);
    status = flume_view_find(grains->inner, view_chunk.name, &grains->view);
    return status == FLUME_OK ? FLUME_OK : grains_fail_view(handle, grains, status);
}

int grains_are_referred_to(flume *handle, bool *out_are)
{
    flume_rows *rows = NULL;
    flume_bytes key, value;
    int status = lookup_rows(handle, view_blob.name, NULL, &rows);

    *out_are = false;
    if (status != FLUME_OK)
        return status;
    status = lookup_seek(rows, BLOB_BY_SEQ, NULL, 0);
    while (status == FLUME_OK && !*out_are) {
        struct blob_row row;

        status = flume_rows_next(rows, &key, &value);
        if (status == FLUME_OK && !blob_row_decode(BLOB_BY_SEQ, key, value, &row))
            status = lookup_bad_row(handle, view_blob.name);
        *out_are = status == FLUME_OK && row.chunks != 0;
    }
    flume_rows_end(rows);
    return status == FLUME_END ? FLUME_OK : status;
}

/* Where nothing says which the second log is, but a blob has chunks in it: another one must not be
 * begun in its place. */
static int refuse_unnamed(flume *handle, const char *what, const flume_grains_place *place)
{
    return flume_fail(
        handle, FLUME_ERR_ABSENT, FLUME_SEQ_NONE,
        "%s: chunks are in the second log, and %s/GRAINS, which says where that is, is "
        "not there; say where it is%s%.256s",
        what, flume_log_path(handle->log), place->is_unnamed ? ", perhaps at " : "",
        place->is_unnamed ? place->path : "");
}

/* Where it is; made if it is to be stored in. */
static int find_path(flume *handle, enum grains_use use, const char *what,
                     char path[FLUME_GRAINS_PATH_BYTES])
{
    flume_grains_place place;
    bool has_chunks = false;
    int status = flume_grains_find(handle->log, &place);

    if (status == FLUME_OK && place.state == FLUME_GRAINS_NONE) {
        status = grains_are_referred_to(handle, &has_chunks);
        if (status != FLUME_OK)
            return status;
        if (has_chunks || use != GRAINS_STORE)
            return refuse_unnamed(handle, what, &place);
        status = flume_grains_make(handle->log, NULL, FLUME_STRATA_BYTES_DEFAULT);
        if (status == FLUME_OK)
            status = flume_grains_find(handle->log, &place);
    }
    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    (void)snprintf(path, FLUME_GRAINS_PATH_BYTES, "%s", place.path);
    if (place.state == FLUME_GRAINS_HERE)
        return FLUME_OK;
    return flume_fail(handle, FLUME_ERR_ABSENT, FLUME_SEQ_NONE,
                      "%s: chunks are in the second log, and that is not at %.256s%s; mount its "
                      "volume, or say where it has gone",
                      what, place.path, place.is_taken ? ", where another basin is" : "");
}

static int open_grains(flume *handle, enum grains_use use, const char *what,
                       struct grains **out_grains)
{
    char path[FLUME_GRAINS_PATH_BYTES] = ":memory:";
    struct grains *grains;
    int status = FLUME_OK;

    if (!handle->temporary)
        status = find_path(handle, use, what, path);
    if (status != FLUME_OK)
        return status;
    grains = calloc(1, sizeof *grains);
    if (grains == NULL)
        return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE, "out of memory");
    status = open_inner(handle, path, use, grains);
    if (status == FLUME_OK && !handle->temporary && !grains->read_only)
        status = flume_grains_lend(handle->log, grains->log);
    if (status != FLUME_OK) {
        (void)flume_close(grains->inner);
        free(grains);
        return status;
    }
    *out_grains = grains;
    return FLUME_OK;
}

int grains_acquire(flume *handle, enum grains_use use, const char *what, struct grains **out_grains)
{
    int status = FLUME_OK;

    if (flume_is_forked(handle))
        return flume_fail_log(handle, FLUME_ERR_FORKED);
    if (use == GRAINS_STORE && handle_reads_only(handle))
        return flume_fail(handle, FLUME_ERR_READ_ONLY, FLUME_SEQ_NONE, "%s was opened to read only",
                          flume_log_path(handle->log));
    (void)pthread_mutex_lock(&handle->grains_mutex);
    if (handle->grains == NULL)
        status = open_grains(handle, use, what, &handle->grains);
    if (status == FLUME_OK)
        *out_grains = handle->grains;
    (void)pthread_mutex_unlock(&handle->grains_mutex);
    if (status == FLUME_OK && use == GRAINS_STORE && (*out_grains)->read_only)
        return flume_fail(handle, FLUME_ERR_ACCESS, FLUME_SEQ_NONE,
                          "the second log, %s, cannot be written by this user",
                          flume_log_path((*out_grains)->log));
    return status;
}

/* ---- closing ---- */

void grains_close(flume *handle)
{
    struct grains *grains = handle->grains;

    if (grains == NULL)
        return;
    if (!grains->read_only) {
        /* Then the first log finds durable what it needs, and opens nothing to see to it. */
        (void)flume_log_sync(grains->log, FLUME_SEQ_NONE);
        (void)flume_grains_lend(handle->log, NULL);
    }
    (void)flume_close(grains->inner); /* The first log tells what did not become durable. */
    free(grains);
    handle->grains = NULL;
}

void grains_abandon(flume *handle)
{
    if (handle->grains != NULL)
        (void)flume_close(handle->grains->inner);
}

/* ---- where they are ---- */

int flume_blob_place(flume *handle, flume_grains_place *out_place)
{
    int status;

    if (handle == NULL || out_place == NULL)
        return FLUME_ERR_INVALID;
    if (!handle->temporary) {
        status = flume_grains_find(handle->log, out_place);
        return status == FLUME_OK ? FLUME_OK : flume_fail_log(handle, status);
    }
    if (flume_is_forked(handle))
        return flume_fail_log(handle, FLUME_ERR_FORKED);
    memset(out_place, 0, sizeof *out_place);
    (void)snprintf(out_place->path, sizeof out_place->path, ":memory:");
    (void)pthread_mutex_lock(&handle->grains_mutex);
    out_place->state = handle->grains != NULL ? FLUME_GRAINS_HERE : FLUME_GRAINS_NONE;
    (void)pthread_mutex_unlock(&handle->grains_mutex);
    return FLUME_OK;
}

int flume_blob_place_set(flume *handle, const char *path, uint64_t strata_bytes)
{
    int status;

    if (handle == NULL)
        return FLUME_ERR_INVALID;
    if (strata_bytes == 0)
        strata_bytes = FLUME_STRATA_BYTES_DEFAULT;
    if (strata_bytes < CHUNK_BYTES_MAX)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "strata of the second log hold whole chunks: %d bytes or more",
                          CHUNK_BYTES_MAX);
    status = flume_grains_make(handle->log, path, strata_bytes);
    return status == FLUME_OK ? FLUME_OK : flume_fail_log(handle, status);
}
