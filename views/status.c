/*
 * status.c - how views stand, and the wishes one can have of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "inside.h"

#define RATE_NS UINT64_C(500000000)

enum { LIVE_LAG_MAX = 4096 };

const char *flume_view_state_name(enum flume_view_state state)
{
    switch (state) {
    case FLUME_VIEW_CLOSED:
        return "closed";
    case FLUME_VIEW_LIVE:
        return "live";
    case FLUME_VIEW_CATCHING_UP:
        return "catching up";
    case FLUME_VIEW_REBUILDING:
        return "rebuilding";
    case FLUME_VIEW_FAILED:
        return "failed";
    case FLUME_VIEW_PAUSED:
        return "paused";
    case FLUME_VIEW_FOREIGN:
        return "code not here";
    }
    return "unknown";
}

/* ---- one view ---- */

static void fill_environment(struct environment *env, const struct place *place,
                             flume_view_status *out)
{
    struct view_meta meta;
    flume_rows *rows;

    out->generation = env->generation;
    out->disk_bytes = place_disk_bytes(place, env->generation);
    if (environment_read(env, &rows) != 0)
        return;
    if (environment_meta_of(rows, &meta) == 0) {
        out->synced_seq = meta.synced_seq;
        out->passed_over = meta.passed_over;
        out->usable = true;
    }
    for (size_t i = 0; i < env->table_count; i++) {
        MDB_stat stat;

        if (mdb_stat(rows->txn, env->tables[i], &stat) == 0)
            out->entries += stat.ms_entries;
    }
    flume_rows_end(rows);
}

static void fill_lag(flume *handle, flume_view_status *out)
{
    flume_log_stat_info info;

    out->head = flume_log_head(handle->log);
    out->lag_records = out->head > out->synced_seq ? out->head - out->synced_seq : 0;
    if (out->lag_records != 0 && flume_log_stat(handle->log, &info) == FLUME_OK && info.head != 0)
        out->lag_bytes =
            (uint64_t)((double)info.used_bytes / (double)info.head * (double)out->lag_records);
}

static double rate_of(flume_view *view)
{
    uint64_t now = now_ns();
    uint64_t since = atomic_load(&view->rate_ns);
    uint64_t applied = atomic_load(&view->applied);
    uint64_t before = atomic_load(&view->applied_before);
    double rate;

    if (since == 0 || applied < before || now <= since)
        rate = 0;
    else
        rate = (double)(applied - before) * 1e9 / (double)(now - since);
    if (now - since >= RATE_NS) {
        atomic_store(&view->applied_before, applied);
        atomic_store(&view->rate_ns, now);
    }
    return rate;
}

static enum flume_view_state state_of(const flume_view *view, const flume_view_status *status)
{
    if (view->rebuilding || status->rebuild_total != 0)
        return FLUME_VIEW_REBUILDING;
    if (view->paused)
        return FLUME_VIEW_PAUSED;
    if (view->error.status != FLUME_OK)
        return FLUME_VIEW_FAILED;
    if (!status->usable)
        return FLUME_VIEW_CLOSED;
    return status->lag_records <= LIVE_LAG_MAX ? FLUME_VIEW_LIVE : FLUME_VIEW_CATCHING_UP;
}

/* What the board says of a rebuild, unless who wrote it is dead. */
static void fill_progress(const flume_view *view, flume_view_status *out)
{
    uint64_t total = view->board == NULL ? 0 : flume_board_read(view->board, BOARD_TOTAL);

    if (total == 0 || !place_is_locked(&view->place, PLACE_REBUILD))
        return;
    out->rebuild_total = total;
    out->rebuild_done = flume_board_read(view->board, BOARD_DONE);
}

int flume_view_status_of(flume_view *view, flume_view_status *out_status)
{
    struct environment *env;
    flume_view_status *out = out_status;
    int status;

    memset(out, 0, sizeof *out);
    if (flume_is_forked(view->flume))
        return FLUME_ERR_FORKED;
    (void)snprintf(out->name, sizeof out->name, "%s", view->definition->name);
    out->version = view->definition->version;
    out->built_in = view->origin == VIEW_BUILT_IN;
    view_look_for_changes(view);
    status = view_acquire(view, &env);
    if (status == FLUME_OK) {
        fill_environment(env, &view->place, out);
        environment_release(env);
    }
    fill_lag(view->flume, out);
    out->applied = atomic_load(&view->applied);
    out->rate = rate_of(view);
    fill_progress(view, out);
    (void)pthread_mutex_lock(&view->mutex);
    out->error = view->error;
    (void)snprintf(out->why, sizeof out->why, "%s", view->why);
    out->state = state_of(view, out);
    (void)pthread_mutex_unlock(&view->mutex);
    return FLUME_OK;
}

/* ---- all of them ---- */

struct listing {
    flume *handle;
    flume_view_status *rows;
    size_t max, count;
    const char *name; /* Of the view whose versions are gone through. */
    char path[PLACE_PATH_BYTES];
};

static bool is_ours(flume *handle, const char *name, uint32_t version)
{
    flume_view *view;

    (void)pthread_mutex_lock(&handle->mutex);
    for (view = handle->views; view != NULL; view = view->next)
        if (strcmp(view->definition->name, name) == 0 && view->definition->version == version &&
            !atomic_load(&view->retired))
            break;
    (void)pthread_mutex_unlock(&handle->mutex);
    return view != NULL;
}

/* What can be told of a view whose code is not here. */
static void fill_foreign(flume *handle, struct place *place, flume_view_status *out)
{
    uint64_t generation = place_current(place);
    char path[PLACE_PATH_BYTES];
    struct place_state state;
    const char *bad;
    struct environment *env;

    out->state = FLUME_VIEW_FOREIGN;
    if (generation == 0 || place_state_read(place, generation, &state) != 0 ||
        place_path(place, generation, NULL, path) != 0)
        return;
    out->synced_seq = state.synced_seq; /* As of when it was last left. */
    if (place_open(place) != 0 || view_judge_state(handle, place, NULL, generation, &bad) != 0 ||
        bad != NULL ||
        environment_acquire(path, generation, NULL, handle->options.map_bytes, ENVIRONMENT_OPEN,
                            &env) != 0)
        return;
    fill_environment(env, place, out);
    environment_release(env);
}

static bool list_version(void *ctx, const char *text)
{
    struct listing *listing = ctx;
    flume_view_status row = {0};
    struct place place;
    char *end;
    unsigned long version = strtoul(text, &end, 10);

    if (*end != '\0' || version == 0 || version > UINT32_MAX ||
        is_ours(listing->handle, listing->name, (uint32_t)version))
        return true;
    if (listing->count < listing->max) {
        (void)snprintf(row.name, sizeof row.name, "%s", listing->name);
        row.version = (uint32_t)version;
        if (place_init(&place, listing->handle->path, listing->name, row.version) == 0)
            fill_foreign(listing->handle, &place, &row);
        place_deinit(&place);
        fill_lag(listing->handle, &row);
        listing->rows[listing->count] = row;
    }
    listing->count++;
    return true;
}

static bool list_name(void *ctx, const char *name)
{
    struct listing *listing = ctx;
    int length =
        snprintf(listing->path, sizeof listing->path, "%s/views/%s", listing->handle->path, name);

    listing->name = name;
    if (strlen(name) <= FLUME_VIEW_NAME_BYTES_MAX && length > 0 &&
        (size_t)length < sizeof listing->path)
        place_each(listing->path, list_version, listing);
    return true;
}

int flume_view_list(flume *handle, flume_view_status *out_status, size_t max)
{
    struct listing listing = {.handle = handle, .rows = out_status, .max = max};
    char path[PLACE_PATH_BYTES];
    flume_view *view;
    size_t known = 0;
    int status = flume_is_forked(handle) ? FLUME_ERR_FORKED : declared_reconcile(handle, NULL);
    int length;

    if (status != FLUME_OK)
        return status;
    (void)pthread_mutex_lock(&handle->mutex);
    view = handle->views;
    (void)pthread_mutex_unlock(&handle->mutex);
    for (flume_view *each = view; each != NULL; each = each->next)
        known += atomic_load(&each->retired) ? 0 : 1;
    /* The list has the newest first: fill from the back. */
    for (size_t at = known; view != NULL && at > 0; view = view->next) {
        if (atomic_load(&view->retired))
            continue;
        at--;
        if (at < max)
            (void)flume_view_status_of(view, &out_status[at]); /* Always FLUME_OK. */
    }
    listing.count = known;
    length = snprintf(path, sizeof path, "%s/views", handle->path);
    if (length > 0 && (size_t)length < sizeof path)
        place_each(path, list_name, &listing);
    return listing.count > INT32_MAX ? INT32_MAX : (int)listing.count;
}

/* ---- wishes ---- */

/* Tell the others, where there is a way, to look for what was left on disk. */
static void tell_change(flume_view *view)
{
    if (view->board != NULL)
        flume_board_write(view->board, BOARD_CHANGES,
                          flume_board_read(view->board, BOARD_CHANGES) + 1);
    (void)pthread_mutex_lock(&view->mutex);
    view->looked_ns = 0;
    (void)pthread_mutex_unlock(&view->mutex);
    view_look_for_changes(view);
    worker_kick(view);
    view_announce(view);
}

static int set_paused(flume_view *view, bool paused)
{
    int error;

    if (flume_is_forked(view->flume))
        return FLUME_ERR_FORKED;
    error = place_open(&view->place);
    if (error == 0 && paused)
        error = place_put(&view->place, "PAUSED", "paused\n");
    if (error != 0)
        return flume_fail_errno(view->flume, error, "write in", view->place.path);
    if (!paused)
        place_take(&view->place, "PAUSED");
    tell_change(view);
    return FLUME_OK;
}

int flume_view_pause(flume_view *view)
{
    return set_paused(view, true);
}

int flume_view_resume(flume_view *view)
{
    return set_paused(view, false);
}

struct rebuild_asking {
    const flume_ask *ask;
    uint64_t deadline_ns;
    flume_view *view;
};

static int ask_patience(void *ctx)
{
    const struct rebuild_asking *asking = ctx;
    const flume_ask *ask = asking->ask;

    if (view_is_ending(asking->view) ||
        (ask != NULL && ask->give_up != NULL && ask->give_up(ask->give_up_ctx)))
        return flume_fail(asking->view->flume, FLUME_ERR_CANCELLED, FLUME_SEQ_NONE,
                          "the rebuild of view '%s' was given up; the next one goes on with it",
                          asking->view->definition->name);
    if (asking->deadline_ns != 0 && now_ns() >= asking->deadline_ns)
        return flume_fail(asking->view->flume, FLUME_ERR_TIMEOUT, FLUME_SEQ_NONE,
                          "the time for the rebuild of view '%s' is up; the next one goes on "
                          "with it",
                          asking->view->definition->name);
    return FLUME_OK;
}

int flume_view_rebuild(flume_view *view, const flume_ask *ask)
{
    struct rebuild_asking asking = {.ask = ask, .view = view};
    int status;

    if (flume_is_forked(view->flume))
        return FLUME_ERR_FORKED;
    if (ask != NULL && ask->timeout_ns != 0)
        asking.deadline_ns = now_ns() + ask->timeout_ns;
    view_look_for_changes(view);
    (void)pthread_mutex_lock(&view->mutex);
    if (view->paused) {
        (void)pthread_mutex_unlock(&view->mutex);
        return flume_fail(view->flume, FLUME_ERR_STALE, FLUME_SEQ_NONE,
                          "view '%s' is paused; 'flume view resume' lets it go on",
                          view->definition->name);
    }
    view->need = NEED_REPLACE;
    view->by_request = false;
    view->asks++;
    view->retry_ns = 0;
    view->cancel_rebuild = false;
    (void)snprintf(view->why, sizeof view->why, "asked for");
    (void)pthread_mutex_unlock(&view->mutex);
    if (view->has_worker) {
        worker_kick(view);
        return FLUME_OK;
    }
    status = view_rebuild(view, ask_patience, &asking);
    if (status == FLUME_ERR_BUSY)
        status = flume_fail(view->flume, FLUME_ERR_BUSY, FLUME_SEQ_NONE,
                            "view '%s' is being rebuilt by somebody else", view->definition->name);
    if (status != FLUME_OK) {
        (void)pthread_mutex_lock(&view->mutex);
        if (view->need == NEED_REPLACE)
            view->need = NEED_NONE;
        (void)pthread_mutex_unlock(&view->mutex);
    }
    return status;
}

int flume_view_rebuild_cancel(flume_view *view)
{
    if (flume_is_forked(view->flume))
        return FLUME_ERR_FORKED;
    (void)pthread_mutex_lock(&view->mutex);
    if (view->rebuilding || view->need == NEED_REPLACE)
        view->cancel_rebuild = true;
    (void)pthread_mutex_unlock(&view->mutex);
    worker_kick(view);
    return FLUME_OK;
}

/* Call back for each version on disk of a name. */
struct versions {
    flume *handle;
    const char *name;
    uint32_t only; /* 0: all. */
    int status;
    size_t count;
    int (*callback)(struct versions *versions, struct place *place, uint32_t version);
};

static bool each_version(void *ctx, const char *text)
{
    struct versions *versions = ctx;
    struct place place;
    char *end;
    unsigned long version = strtoul(text, &end, 10);
    int status;

    if (*end != '\0' || version == 0 || version > UINT32_MAX ||
        (versions->only != 0 && versions->only != version))
        return true;
    if (place_init(&place, versions->handle->path, versions->name, (uint32_t)version) != 0)
        return true;
    versions->count++;
    status = versions->callback(versions, &place, (uint32_t)version);
    if (status != FLUME_OK)
        versions->status = status;
    place_deinit(&place);
    return true;
}

static int for_versions(struct versions *versions)
{
    char path[PLACE_PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/views/%s", versions->handle->path, versions->name);

    if (flume_is_forked(versions->handle))
        return FLUME_ERR_FORKED;
    if (strchr(versions->name, '/') == NULL && versions->name[0] != '.' && length > 0 &&
        (size_t)length < sizeof path)
        place_each(path, each_version, versions);
    if (versions->count == 0)
        return flume_fail(versions->handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE,
                          "there is no view '%s' on disk", versions->name);
    return versions->status;
}

static int request_one(struct versions *versions, struct place *place, uint32_t version)
{
    char name[FLUME_BOARD_NAME_BYTES_MAX + 1];
    flume_board *board;
    int error = place_put(place, "REQUEST", "asked for\n");

    if (error != 0)
        return flume_fail_errno(versions->handle, error, "write in", place->path);
    (void)snprintf(name, sizeof name, "%s.%" PRIu32, versions->name, version);
    if (flume_log_board(versions->handle->log, name, &board) == FLUME_OK)
        flume_board_write(board, BOARD_CHANGES, flume_board_read(board, BOARD_CHANGES) + 1);
    return FLUME_OK;
}

int flume_view_request_rebuild(flume *handle, const char *name)
{
    struct versions versions = {.handle = handle, .name = name, .callback = request_one};

    return for_versions(&versions);
}

static int remove_one(struct versions *versions, struct place *place, uint32_t version)
{
    int error;

    if (is_ours(versions->handle, versions->name, version))
        return versions->only == 0
                   ? FLUME_OK /* Of all versions, those that nobody uses. */
                   : flume_fail(versions->handle, FLUME_ERR_BUSY, FLUME_SEQ_NONE,
                                "view '%s' in version %" PRIu32 " is used by this handle",
                                versions->name, version);
    error = place_open(place);
    if (error == 0)
        error = place_lock(place, PLACE_USERS);
    if (error == EAGAIN)
        return flume_fail(versions->handle, FLUME_ERR_BUSY, FLUME_SEQ_NONE,
                          "view '%s' in version %" PRIu32 " is used by another handle",
                          versions->name, version);
    if (error != 0)
        return flume_fail_errno(versions->handle, error, "remove", place->path);
    place_remove_tree(place->path);
    return FLUME_OK;
}

int flume_view_remove(flume *handle, const char *name, uint32_t version)
{
    struct versions versions = {
        .handle = handle, .name = name, .only = version, .callback = remove_one};

    return for_versions(&versions);
}
