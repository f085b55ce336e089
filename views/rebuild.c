/*
 * rebuild.c - building a view again beside the old one, and swapping it in.
 *
 * The new generation is filled in a directory of its own, under LOCK's REBUILD byte. Then, under
 * the ADVANCE byte, it is brought to where the old one is, CURRENT is replaced, and the board told.
 * Old and new never mix: who advances a view compares the generation under the same byte.
 *
 * What always holds:
 *   - At every moment CURRENT names a complete build, or none.
 *   - A build is taken up again only on the boot on which it was begun, by the same version, and if
 *     the log still has what it had seen.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "environment.h"
#include "inside.h"

enum { SWAP_TRIES = 10000, SWAP_STEP_NS = 1000000, CATCH_UP_ROUNDS = 64 };
#define NEAR_HEAD UINT64_C(20000)

struct rebuild {
    flume_view *view;
    uint64_t generation;
    char directory[PLACE_PATH_BYTES];
    struct environment *env; /* The new one. */
    int (*stop)(void *stop_ctx);
    void *stop_ctx;
    uint64_t asks;      /* That this one obeys. */
    bool merge_refused; /* A merge answered an error: trying again does not help. */
};

/* FLUME_OK: go on. */
static int ask_to_stop(void *ctx)
{
    const struct rebuild *rebuild = ctx;
    flume_view *view = rebuild->view;

    if (atomic_load(&view->cancel_rebuild))
        return flume_fail(view->flume, FLUME_ERR_CANCELLED, FLUME_SEQ_NONE,
                          "the rebuild of view '%s' was cancelled; the next one goes on with it",
                          view->definition->name);
    return rebuild->stop == NULL ? FLUME_OK : rebuild->stop(rebuild->stop_ctx);
}

/* ---- beginning ---- */

static int write_dirty_state(const struct rebuild *rebuild)
{
    const flume *handle = rebuild->view->flume;
    struct place_state state = {.flags = 0};

    memcpy(state.basin_id, handle->basin_id, sizeof state.basin_id);
    if (handle->io->boot_id(handle->io->ctx, state.boot_id) < 0)
        return EIO;
    return place_state_write(&rebuild->view->place, rebuild->generation, &state);
}

/* Whether the log still has what a part had seen last. */
static bool is_part_good(flume_log *log, const struct view_part *part)
{
    flume_record record;
    bool same;

    if (part->synced_seq > flume_log_head(log) || part->to_seq > flume_log_head(log))
        return false;
    if (part->synced_seq == part->from_seq || part->check == 0)
        return true;
    if (flume_log_get(log, part->synced_seq - 1, &record) != FLUME_OK)
        return false;
    same = record.check == part->check;
    flume_record_release(&record);
    return same;
}

/* Whether what an interrupted rebuild left is to be gone on with. */
static bool can_be_resumed(const struct rebuild *rebuild)
{
    flume_view *view = rebuild->view;
    const flume *handle = view->flume;
    struct place_state state;
    struct environment *env;
    struct view_meta meta;
    uint8_t boot_id[16];
    bool good;

    if (place_state_read(&view->place, rebuild->generation, &state) != 0 ||
        memcmp(state.basin_id, handle->basin_id, sizeof state.basin_id) != 0 ||
        handle->io->boot_id(handle->io->ctx, boot_id) < 0 ||
        memcmp(state.boot_id, boot_id, sizeof boot_id) != 0)
        return false;
    if (environment_acquire(rebuild->directory, rebuild->generation, view->definition,
                            handle->options.map_bytes, ENVIRONMENT_OPEN, &env) != 0)
        return false;
    good = environment_meta(env, &meta) == 0 && meta.version == view->definition->version;
    if (good && meta.complete) { /* It was ended before the swap. */
        struct view_part all = {.synced_seq = meta.synced_seq, .check = meta.check};

        good = is_part_good(handle->log, &all);
    } else {
        good = good && meta.part_count > 0;
    }
    for (size_t i = 0; good && i < meta.part_count; i++)
        good = is_part_good(handle->log, &meta.parts[i]);
    environment_release(env);
    return good;
}

/* Choose the generation, and open its environment. */
static int begin(struct rebuild *rebuild)
{
    flume_view *view = rebuild->view;
    uint64_t current = place_current(&view->place);
    uint64_t highest = place_highest(&view->place);
    enum environment_mode mode = ENVIRONMENT_OPEN;
    int error;

    rebuild->generation = highest;
    error = place_path(&view->place, highest, NULL, rebuild->directory);
    if (error != 0)
        return flume_fail_errno(view->flume, error, "use", view->place.path);
    if (highest <= current || !can_be_resumed(rebuild)) {
        uint64_t told = view->board == NULL ? 0 : flume_board_read(view->board, BOARD_GENERATION);

        rebuild->generation = (highest > told ? highest : told) + 1;
        mode = ENVIRONMENT_CREATE;
        error = place_path(&view->place, rebuild->generation, NULL, rebuild->directory);
        if (error == 0)
            error = place_make_directory(rebuild->directory);
        if (error == 0)
            error = write_dirty_state(rebuild);
        if (error != 0)
            return flume_fail_errno(view->flume, error, "begin a rebuild in", rebuild->directory);
    }
    error = environment_acquire(rebuild->directory, rebuild->generation, view->definition,
                                view->flume->options.map_bytes, mode, &rebuild->env);
    return error == 0 ? FLUME_OK : view_fail_mdb(view, error, "begin a rebuild");
}

/* ---- bringing it to the head ---- */

static int catch_up_once(struct rebuild *rebuild, flume_batch *batch, uint64_t head)
{
    struct batch_limits limits = {
        .until_seq = head,
        .records_max = 1 << 17,
        .ns_max = 100000000,
        .takes_sealed = true,
        .bytes_max = 32 << 20,
    };
    uint64_t count;
    int code = batch_begin(batch, rebuild->env);
    int status;

    if (code != 0)
        return view_fail_mdb(rebuild->view, code, "go on with a rebuild");
    status = batch_fill(batch, &limits, &count);
    if (status != FLUME_OK && batch->mdb_code == MDB_MAP_FULL) {
        batch_give_up(batch);
        code = environment_grow(rebuild->env);
        return code == 0 ? FLUME_OK : view_fail_mdb(rebuild->view, code, "go on with a rebuild");
    }
    if (status != FLUME_OK || count == 0) {
        batch_give_up(batch);
        /* A record that apply refuses is for who advances the view to tell. */
        return status != FLUME_OK && batch->failed_seq == FLUME_SEQ_NONE ? status : FLUME_END;
    }
    code = batch_commit(batch);
    if (code != 0 && batch->merge_status != FLUME_OK) {
        rebuild->merge_refused = true;
        return batch_fail_merge(rebuild->view, batch->merge_table, batch->merge_status);
    }
    if (code == MDB_MAP_FULL)
        code = environment_grow(rebuild->env);
    return code == 0 ? FLUME_OK : view_fail_mdb(rebuild->view, code, "go on with a rebuild");
}

/* Until it is within `near` of the head. */
static int catch_up(struct rebuild *rebuild, flume_batch *batch, uint64_t near)
{
    flume_log *log = rebuild->view->flume->log;
    uint64_t head = flume_log_head(log);
    int status = FLUME_OK;

    for (int i = 0; status == FLUME_OK; i++) {
        /* Under the lock only what is there now: who appends fast must not hold it for ever. */
        if (near != 0)
            head = flume_log_head(log);
        if (atomic_load(&rebuild->env->synced) + near >= head || (near != 0 && i > CATCH_UP_ROUNDS))
            break;
        if (near != 0)
            status = ask_to_stop(rebuild);
        if (status == FLUME_OK)
            status = catch_up_once(rebuild, batch, head);
    }
    return status == FLUME_END ? FLUME_OK : status;
}

/* ---- swapping ---- */

static void announce_swap(const struct rebuild *rebuild)
{
    flume_view *view = rebuild->view;
    struct environment *old;
    uint64_t old_generation;

    if (view->board != NULL) {
        flume_board_write(view->board, BOARD_DIRTY, rebuild->generation);
        flume_board_write(view->board, BOARD_SYNCED, 0);
        flume_board_write(view->board, BOARD_GENERATION, rebuild->generation);
        flume_board_write(view->board, BOARD_SYNCED, atomic_load(&rebuild->env->synced));
    }
    (void)pthread_mutex_lock(&view->mutex);
    old = view->env;
    old_generation = view->generation;
    environment_retain(rebuild->env);
    view->env = rebuild->env;
    view->generation = rebuild->generation;
    if (view->asks == rebuild->asks)
        view->need = NEED_NONE;
    view->failed_for_good = false;
    view->error.status = FLUME_OK;
    view->unsettled = true;
    view->settled_ns = now_ns();
    (void)pthread_mutex_unlock(&view->mutex);
    environment_release(old);
    /* A thread of this handle that saw CURRENT change may have opened the new one already. */
    if (old_generation != 0 && old_generation != rebuild->generation)
        place_remove(&view->place, old_generation);
    place_take(&view->place, "REQUEST");
}

/* Under advance_mutex of the old environment, if there is one. */
static int swap_locked(struct rebuild *rebuild, flume_batch *batch)
{
    flume_view *view = rebuild->view;
    int error = EAGAIN, status;

    for (int i = 0; i < SWAP_TRIES && error == EAGAIN; i++) {
        if (i > 0)
            view->flume->io->sleep(view->flume->io->ctx, SWAP_STEP_NS);
        error = place_lock(&view->place, PLACE_ADVANCE);
    }
    if (error != 0)
        return flume_fail_errno(view->flume, error, "lock", view->place.path);
    status = catch_up(rebuild, batch, 0);
    if (status == FLUME_OK) {
        error = place_set_current(&view->place, rebuild->generation);
        if (error != 0)
            status = flume_fail_errno(view->flume, error, "write CURRENT in", view->place.path);
        else
            announce_swap(rebuild);
    }
    place_unlock(&view->place, PLACE_ADVANCE);
    return status;
}

static int swap(struct rebuild *rebuild)
{
    flume_view *view = rebuild->view;
    struct environment *old;
    flume_batch *batch;
    int status = batch_create(view, rebuild->directory, "swap.", (size_t)256 << 20, &batch);

    if (status != FLUME_OK)
        return status;
    status = catch_up(rebuild, batch, NEAR_HEAD);
    if (status == FLUME_OK) {
        (void)pthread_mutex_lock(&view->mutex);
        old = view->env;
        if (old != NULL)
            environment_retain(old);
        (void)pthread_mutex_unlock(&view->mutex);
        if (old != NULL)
            (void)pthread_mutex_lock(&old->advance_mutex);
        status = swap_locked(rebuild, batch);
        if (old != NULL)
            (void)pthread_mutex_unlock(&old->advance_mutex);
        environment_release(old);
    }
    batch_destroy(batch, BATCH_DROP_RUNS);
    return status;
}

/* ---- all of it ---- */

static void tell_total(const flume_view *view, uint64_t total)
{
    if (view->board == NULL)
        return;
    flume_board_write(view->board, BOARD_DONE, 0);
    flume_board_write(view->board, BOARD_TOTAL, total);
}

/* Nothing is asked of an earlier version of a built-in view any more, unless by a program of its
 * time, which would have it in use, or makes it again. */
static void remove_earlier_version(const flume_view *view)
{
    uint64_t other = view->origin == VIEW_BUILT_IN ? place_other_version(&view->place) : 0;

    if (other != 0 && other < view->definition->version)
        (void)flume_view_remove(view->flume, view->definition->name, (uint32_t)other);
}

static int run(struct rebuild *rebuild)
{
    flume_view *view = rebuild->view;
    struct building building;
    int status = begin(rebuild);

    if (status != FLUME_OK)
        return status;
    building = (struct building){
        .view = view,
        .env = rebuild->env,
        .directory = rebuild->directory,
        .target_seq = flume_log_head(view->flume->log),
        .stop = ask_to_stop,
        .stop_ctx = rebuild,
    };
    building.total = building.target_seq;
    tell_total(view, building.total);
    status = build_environment(&building);
    while (status != FLUME_OK && building.failed_seq != FLUME_SEQ_NONE) {
        /* What came before the record that apply refused is good: the view stops there. */
        building.target_seq = batch_whole_before(view->flume->log, building.failed_seq);
        status = build_environment(&building);
    }
    rebuild->merge_refused = atomic_load(&building.merge_refused);
    if (status == FLUME_OK)
        status = ask_to_stop(rebuild); /* A short build has not asked yet. */
    if (status == FLUME_OK)
        status = swap(rebuild);
    tell_total(view, 0);
    environment_release(rebuild->env);
    if (status == FLUME_OK) {
        place_remove_others(&view->place, rebuild->generation);
        remove_earlier_version(view);
    } else if (status != FLUME_ERR_CANCELLED && status != FLUME_ERR_TIMEOUT)
        place_remove(&view->place, rebuild->generation);
    return status;
}

/* Returns how often a rebuild has been asked for. */
static uint64_t set_rebuilding(flume_view *view, bool rebuilding)
{
    uint64_t asks;

    (void)pthread_mutex_lock(&view->mutex);
    view->rebuilding = rebuilding;
    asks = view->asks;
    (void)pthread_mutex_unlock(&view->mutex);
    view_announce(view);
    return asks;
}

/* Whether a rebuild is still needed, now that nobody else is at it. */
static bool is_needed(flume_view *view)
{
    struct environment *env;
    bool needed;

    (void)pthread_mutex_lock(&view->mutex);
    if (view->need == NEED_REPLACE && view->by_request && !place_has(&view->place, "REQUEST"))
        view->need = NEED_NONE;          /* Another handle has obeyed it. */
    needed = view->need == NEED_REPLACE; /* Asked for. */
    (void)pthread_mutex_unlock(&view->mutex);
    if (needed || view_acquire(view, &env) != FLUME_OK)
        return true;
    environment_release(env); /* Somebody has built it meanwhile. */
    return false;
}

/* What was cancelled is not gone on with until it is asked for again. */
static void take_cancellation(flume_view *view, int status)
{
    (void)pthread_mutex_lock(&view->mutex);
    if (view->cancel_rebuild && status == FLUME_ERR_CANCELLED) {
        place_take(&view->place, "REQUEST"); /* Who cancels means the request, too. */
        if (view->need == NEED_REPLACE)
            view->need = NEED_NONE; /* The old build stays. */
        else
            view->retry_ns = RETRY_WHEN_ASKED;
    }
    view->cancel_rebuild = false;
    (void)pthread_mutex_unlock(&view->mutex);
}

int view_rebuild(flume_view *view, int (*stop)(void *stop_ctx), void *stop_ctx)
{
    struct rebuild rebuild = {.view = view, .stop = stop, .stop_ctx = stop_ctx};
    int error = place_open(&view->place);
    int status = FLUME_OK;

    if (error != 0)
        status = flume_fail_errno(view->flume, error, "keep a view in", view->place.path);
    else if ((error = place_lock(&view->place, PLACE_REBUILD)) == EAGAIN)
        return FLUME_ERR_BUSY;
    else if (error != 0)
        status = flume_fail_errno(view->flume, error, "lock", view->place.path);
    if (status != FLUME_OK)
        return view_keep_failure(view, FAILURE_PASSES, FLUME_SEQ_NONE);
    if (is_needed(view)) {
        rebuild.asks = set_rebuilding(view, true);
        status = run(&rebuild);
        (void)set_rebuilding(view, false);
    }
    take_cancellation(view, status);
    place_unlock(&view->place, PLACE_REBUILD);
    if (status == FLUME_OK || status == FLUME_ERR_CANCELLED || status == FLUME_ERR_TIMEOUT ||
        status == FLUME_ERR_NO_MEMORY)
        return status;
    return view_keep_failure(view, rebuild.merge_refused ? FAILURE_STAYS : FAILURE_PASSES,
                             FLUME_SEQ_NONE);
}
