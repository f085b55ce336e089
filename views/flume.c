/*
 * flume.c - opening a basin with its views, and closing it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "builtin.h"
#include "flume/seal.h"
#include "grains.h"
#include "inside.h"

#define MAP_BYTES_DEFAULT (UINT64_C(256) << 30)
#define REBUILD_BYTES_DEFAULT (UINT64_C(256) << 20)
#define REBUILD_BYTES_MIN (UINT64_C(1) << 20)
#define VERIFY_BYTES_DEFAULT (UINT64_C(64) << 20)

/* ---- what a definition must be ---- */

static bool is_name(const char *name, size_t bytes_max, const char *more)
{
    size_t bytes = name == NULL ? 0 : strlen(name);

    if (bytes == 0 || bytes > bytes_max)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        bool plain = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9');

        if (!plain && (i == 0 || strchr(more, name[i]) == NULL))
            return false;
    }
    return true;
}

static int check_tables(flume *handle, const flume_view_definition *definition)
{
    if (definition->tables == NULL || definition->table_count < 1 ||
        definition->table_count > FLUME_VIEW_TABLES_MAX)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "view '%s': 1 to %d tables, not %zu", definition->name,
                          FLUME_VIEW_TABLES_MAX, definition->table_count);
    for (size_t i = 0; i < definition->table_count; i++) {
        const flume_view_table *table = &definition->tables[i];

        if (!is_name(table->name, 24, "_"))
            return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                              "view '%s': the name of table %zu is not [a-z0-9_]{1,24}",
                              definition->name, i);
        if ((table->flags & ~(unsigned)FLUME_TABLE_COLLECT) != 0)
            return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                              "view '%s': table '%s' has unknown flags: %#x", definition->name,
                              table->name, table->flags);
        if (table->merge != NULL && (table->flags & FLUME_TABLE_COLLECT) == 0)
            return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                              "view '%s': table '%s' has a merge, so it needs FLUME_TABLE_COLLECT",
                              definition->name, table->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(definition->tables[j].name, table->name) == 0)
                return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                                  "view '%s' has two tables '%s'", definition->name, table->name);
    }
    return FLUME_OK;
}

static int check_definition(flume *handle, const flume_view_definition *definition)
{
    if (definition == NULL || !is_name(definition->name, FLUME_VIEW_NAME_BYTES_MAX, "._-"))
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "a view's name is [a-z0-9] and up to %d of [a-z0-9._-], not '%s'",
                          FLUME_VIEW_NAME_BYTES_MAX - 1,
                          definition == NULL || definition->name == NULL ? "" : definition->name);
    if (definition->version < 1 || definition->apply == NULL)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "view '%s' needs a version from 1 on, and an apply", definition->name);
    if ((definition->flags & FLUME_VIEW_LAZY) != 0 && definition->kind_count == 0)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "view '%s' is lazy, so it needs kinds of records to wait for",
                          definition->name);
    return check_tables(handle, definition);
}

/* ---- views of a handle ---- */

flume_view *flume_find_known(flume *handle, const char *name)
{
    flume_view *view;

    (void)pthread_mutex_lock(&handle->mutex);
    for (view = handle->views; view != NULL; view = view->next)
        if (strcmp(view->definition->name, name) == 0 && !atomic_load(&view->retired))
            break;
    (void)pthread_mutex_unlock(&handle->mutex);
    return view;
}

int flume_add_view(flume *handle, const flume_view_definition *definition, enum view_origin origin)
{
    flume_view *view;
    int status = check_definition(handle, definition);

    if (status == FLUME_OK && flume_find_known(handle, definition->name) != NULL)
        status = flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                            "there are two views named '%s'", definition->name);
    if (status == FLUME_OK)
        status = view_create(handle, definition, origin, &view);
    if (status != FLUME_OK)
        return status;
    if ((handle->options.views & FLUME_VIEWS_NO_WORKERS) == 0 && handle->has_follower) {
        status = worker_start(view);
        if (status != FLUME_OK) {
            view->origin = VIEW_REGISTERED; /* The definition stays the caller's. */
            view_destroy(view);
            return status;
        }
    }
    (void)pthread_mutex_lock(&handle->mutex);
    view->next = handle->views;
    handle->views = view;
    (void)pthread_mutex_unlock(&handle->mutex);
    return FLUME_OK;
}

static int check_options(flume *handle)
{
    const flume_options *options = &handle->options;

    if ((options->views & ~(unsigned)(FLUME_VIEWS_NO_WORKERS | FLUME_VIEWS_NOT_BUILT_IN)) != 0)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "flume_options.views has unknown flags: %#x", options->views);
    if (options->definitions == NULL && options->definition_count != 0)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "there are to be %zu definitions of views, and none is given",
                          options->definition_count);
    return FLUME_OK;
}

static int add_all(flume *handle)
{
    static const flume_view_definition *const built_in[] = {
        &view_hash,  &view_label,    &view_catalog, &view_blob,
        &view_scope, &view_superset, &view_address};
    const flume_options *options = &handle->options;
    int status = check_options(handle);

    if (status == FLUME_OK && (options->views & FLUME_VIEWS_NOT_BUILT_IN) == 0)
        for (size_t i = 0; status == FLUME_OK && i < sizeof built_in / sizeof built_in[0]; i++)
            status = flume_add_view(handle, built_in[i], VIEW_BUILT_IN);
    for (size_t i = 0; status == FLUME_OK && i < options->definition_count; i++)
        status = flume_add_view(handle, options->definitions[i], VIEW_REGISTERED);
    return status;
}

static int start_threads(flume *handle)
{
    flume_view *view;
    int status;

    if ((handle->options.views & FLUME_VIEWS_NO_WORKERS) != 0)
        return FLUME_OK;
    for (view = handle->views; view != NULL; view = view->next) {
        status = worker_start(view);
        if (status != FLUME_OK)
            return status;
    }
    return follower_start(handle);
}

/* ---- where views are kept ---- */

/* A basin in memory has no directory: its views get one that goes with the handle. */
static int make_temporary(flume *handle)
{
    const char *root = getenv("TMPDIR");
    char path[PLACE_PATH_BYTES];
    int length;

    if (root == NULL || root[0] == '\0')
        root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    length = snprintf(path, sizeof path, "%s/flume-views-XXXXXX", root);
    if (length < 0 || (size_t)length >= sizeof path)
        return flume_fail_errno(handle, ENAMETOOLONG, "keep views in", root);
    if (mkdtemp(path) == NULL)
        return flume_fail_errno(handle, errno, "keep views in", root);
    handle->temporary = true;
    handle->path = strdup(path);
    return handle->path == NULL ? FLUME_ERR_NO_MEMORY : FLUME_OK;
}

static int find_place(flume *handle, const char *path)
{
    if (strcmp(path, ":memory:") == 0)
        return make_temporary(handle);
    handle->path = strdup(path);
    return handle->path == NULL ? FLUME_ERR_NO_MEMORY : FLUME_OK;
}

/* ---- opening and closing ---- */

static uint64_t sealed_from_bytes(const flume_seal_options *seal)
{
    if (seal != NULL && seal->mode != FLUME_SEAL_BACKGROUND)
        return UINT64_MAX;
    return seal != NULL && seal->strata_bytes_min != 0 ? seal->strata_bytes_min
                                                       : FLUME_SEAL_STRATA_BYTES_MIN_DEFAULT;
}

static void take_options(flume *handle, const flume_options *options)
{
    flume_options *kept = &handle->options;

    if (options != NULL)
        *kept = *options;
    if (kept->map_bytes == 0)
        kept->map_bytes = MAP_BYTES_DEFAULT;
    if (kept->rebuild_bytes == 0)
        kept->rebuild_bytes = REBUILD_BYTES_DEFAULT;
    if (kept->rebuild_bytes < REBUILD_BYTES_MIN)
        kept->rebuild_bytes = REBUILD_BYTES_MIN;
    if (kept->verify_bytes == 0)
        kept->verify_bytes = VERIFY_BYTES_DEFAULT;
    if (kept->log.allocator != NULL) {
        handle->allocator = *kept->log.allocator;
        kept->log.allocator = &handle->allocator;
    }
    handle->sealed_from_bytes = sealed_from_bytes(kept->log.seal);
    handle->io = kept->log.io != NULL ? kept->log.io : flume_io_posix();
}

static flume *create_empty(void)
{
    flume *handle = calloc(1, sizeof *handle);
    pthread_condattr_t attributes;

    if (handle == NULL)
        return NULL;
    (void)pthread_mutex_init(&handle->mutex, NULL);
    (void)pthread_mutex_init(&handle->grains_mutex, NULL);
    (void)pthread_mutex_init(&handle->reconcile_mutex, NULL);
    (void)pthread_mutex_init(&handle->follower_mutex, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&handle->follower_moved, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return handle;
}

static void destroy(flume *handle)
{
    while (handle->views != NULL) {
        flume_view *view = handle->views;

        handle->views = view->next;
        view_destroy(view);
    }
    if (handle->temporary && handle->path != NULL)
        place_remove_tree(handle->path);
    free(handle->path);
    (void)pthread_cond_destroy(&handle->follower_moved);
    (void)pthread_mutex_destroy(&handle->follower_mutex);
    (void)pthread_mutex_destroy(&handle->reconcile_mutex);
    (void)pthread_mutex_destroy(&handle->grains_mutex);
    (void)pthread_mutex_destroy(&handle->mutex);
    free(handle);
}

/* @param handle  NULL: there is none that could say more. */
static void report(flume *handle, int status, flume_error *out_error)
{
    if (out_error == NULL)
        return;
    if (handle != NULL)
        flume_last_error(handle, out_error);
    if (handle != NULL && out_error->status == status)
        return;
    *out_error = (flume_error){.status = status, .seq = FLUME_SEQ_NONE};
    (void)snprintf(out_error->message, sizeof out_error->message, "%s", flume_strerror(status));
}

int flume_open(flume **out_flume, const char *path, const flume_options *options,
               flume_error *out_error)
{
    flume *handle = create_empty();
    flume_log_stat_info info;
    int status;

    if (handle == NULL) {
        report(NULL, FLUME_ERR_NO_MEMORY, out_error);
        return FLUME_ERR_NO_MEMORY;
    }
    take_options(handle, options);
    /* It reports its own errors. */
    status = flume_log_open(&handle->log, path, &handle->options.log, out_error);
    if (status != FLUME_OK) {
        destroy(handle);
        return status;
    }
    status = flume_log_stat(handle->log, &info);
    if (status == FLUME_OK) {
        memcpy(handle->basin_id, info.basin_id, sizeof handle->basin_id);
        status = find_place(handle, path);
    }
    if (status == FLUME_OK)
        status = add_all(handle);
    if (status == FLUME_OK)
        status = start_threads(handle);
    if (status != FLUME_OK) {
        report(handle, status, out_error);
        (void)flume_close(handle); /* The first error is the one to tell. */
        return status;
    }
    *out_flume = handle;
    return FLUME_OK;
}

int flume_close(flume *handle)
{
    flume_log *log;
    flume_view *view;

    if (handle == NULL)
        return FLUME_OK;
    log = handle->log;
    if (flume_is_forked(handle)) {
        /* Locks live as long as a descriptor of them is open anywhere. The rest stays as it was at
         * the fork: threads that are not here may have been in the midst of it. */
        for (view = handle->views; view != NULL; view = view->next)
            place_abandon(&view->place);
        grains_abandon(handle);
        return flume_log_close(log);
    }
    atomic_store(&handle->closing, true);
    follower_stop(handle);
    for (view = handle->views; view != NULL; view = view->next)
        worker_stop(view);
    for (view = handle->views; view != NULL; view = view->next)
        view_settle_last(view);
    grains_close(handle);
    destroy(handle); /* Cursors on the log go before it. */
    return flume_log_close(log);
}

flume_log *flume_log_of(flume *handle)
{
    return handle->log;
}

const flume_view_definition *flume_view_definition_of(const flume_view *view)
{
    return view->definition;
}

flume *flume_of_view(const flume_view *view)
{
    return view->flume;
}
