/*
 * advance.c - bringing a view forward by one batch, on whichever thread and in whichever process.
 */
#include <errno.h>
#include <string.h>

#include "batch.h"
#include "environment.h"
#include "inside.h"

enum {
    URGENT_RECORDS_MAX = 4096,
    URGENT_NS_MAX = 1000000, /* Writing takes about as long as applying. */
    BULK_RECORDS_MAX = 1 << 19,
    BULK_NS_MAX = 500000000,
    BULK_BYTES_MAX = 64 << 20
};

/* A batch of the log is never cut: beyond this its rows are spilled beside the view. */
#define ADVANCE_BUDGET_BYTES ((size_t)256 << 20)

/* STATE says dirty, on the disk, before the first change is written. */
static int make_dirty(flume_view *view, uint64_t generation)
{
    flume *handle = view->flume;
    struct place_state state;
    int error;

    if (view->board != NULL && flume_board_read(view->board, BOARD_DIRTY) == generation)
        return FLUME_OK;
    error = place_state_read(&view->place, generation, &state);
    if (error == 0 && (state.flags & STATE_CLEAN) != 0) {
        state.flags = 0;
        if (handle->io->boot_id(handle->io->ctx, state.boot_id) < 0)
            return flume_fail(handle, FLUME_ERR_IO, FLUME_SEQ_NONE, "no boot id is to be had");
        error = place_state_write(&view->place, generation, &state);
    } else if (error == 0) {
        error = place_state_sync(&view->place, generation); /* Its writer may have failed to. */
    }
    if (error != 0)
        return flume_fail_errno(handle, error, "write STATE in", view->place.path);
    if (view->board != NULL)
        flume_board_write(view->board, BOARD_DIRTY, generation);
    return FLUME_OK;
}

static void publish(flume_view *view, uint64_t generation, uint64_t synced_seq, uint64_t count)
{
    (void)atomic_fetch_add_explicit(&view->applied, count, memory_order_relaxed);
    if (view->board != NULL && flume_board_read(view->board, BOARD_GENERATION) == generation)
        flume_board_raise(view->board, BOARD_SYNCED, synced_seq);
    (void)pthread_mutex_lock(&view->mutex);
    view->unsettled = true;
    view->settled_ns = now_ns();
    if (!view->failed_for_good)
        view->error.status = FLUME_OK;
    (void)pthread_mutex_unlock(&view->mutex);
    view_announce(view);
}

/* An LMDB call failed: what that means for the view. */
static int judge_code(flume_view *view, struct environment *env, int code)
{
    int status;

    if (code == MDB_MAP_FULL) {
        code = environment_grow(env);
        if (code == 0)
            return ADVANCE_DONE; /* The same batch again, with more room. */
    }
    if (code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID ||
        code == MDB_VERSION_MISMATCH || code == MDB_BAD_TXN) {
        view_condemn(view, env, "its file is damaged");
        return ADVANCE_REBUILD;
    }
    status = view_fail_mdb(view, code, "write a batch");
    return status == FLUME_ERR_NO_MEMORY ? status
                                         : view_keep_failure(view, FAILURE_PASSES, FLUME_SEQ_NONE);
}

static int run_batch(flume_view *view, struct environment *env, struct batch_limits limits);

/* The batch could not be filled: what came before a record that apply refused is good. */
static int fill_failed(flume_view *view, struct environment *env, struct batch_limits limits,
                       int status)
{
    int code = view->batch->mdb_code;
    uint64_t failed_seq = view->batch->failed_seq;

    batch_give_up(view->batch);
    if (code != 0)
        return judge_code(view, env, code);
    if (status == FLUME_ERR_NO_MEMORY)
        return flume_fail(view->flume, status, FLUME_SEQ_NONE, "view '%s': out of memory",
                          view->definition->name);
    if (failed_seq == FLUME_SEQ_NONE)
        return view_keep_failure(view, FAILURE_PASSES, FLUME_SEQ_NONE);
    limits.until_seq = batch_whole_before(view->flume->log, failed_seq);
    if (atomic_load(&env->synced) < limits.until_seq)
        return run_batch(view, env, limits); /* The refusal is met again, and told, after that. */
    (void)flume_fail(view->flume, FLUME_ERR_VIEW, failed_seq,
                     "view '%s': apply answered \"%s\" at seq %llu; mend it and raise the version, "
                     "or rebuild the view",
                     view->definition->name, flume_status_name(status),
                     (unsigned long long)failed_seq);
    return view_keep_failure(view, FAILURE_STAYS, failed_seq);
}

/* One batch; the locks are held. */
static int run_batch(flume_view *view, struct environment *env, struct batch_limits limits)
{
    flume_batch *batch = view->batch;
    uint64_t count;
    int code = batch_begin(batch, env);
    int status;

    if (code != 0)
        return judge_code(view, env, code);
    status = batch_fill(batch, &limits, &count);
    if (status != FLUME_OK)
        return fill_failed(view, env, limits, status);
    if (count == 0) {
        batch_give_up(batch);
        atomic_store_explicit(&env->synced, batch->meta.synced_seq, memory_order_release);
        return ADVANCE_DONE;
    }
    code = batch_commit(batch);
    if (code != 0 && batch->merge_status != FLUME_OK) {
        (void)batch_fail_merge(view, batch->merge_table, batch->merge_status);
        return view_keep_failure(view, FAILURE_STAYS, FLUME_SEQ_NONE);
    }
    if (code != 0)
        return judge_code(view, env, code);
    publish(view, env->generation, batch->meta.synced_seq, count);
    return ADVANCE_DONE;
}

/* Whether env is still the build that answers. */
static bool still_answers(flume_view *view, const struct environment *env)
{
    bool open;

    (void)pthread_mutex_lock(&view->mutex);
    open = view->env == env;
    (void)pthread_mutex_unlock(&view->mutex);
    if (!open)
        return false;
    return view->board != NULL ? flume_board_read(view->board, BOARD_GENERATION) == env->generation
                               : place_current(&view->place) == env->generation;
}

/* Under batch_mutex and advance_mutex: take the lock among processes, and apply one batch. */
static int advance_locked(flume_view *view, struct environment *env, struct batch_limits limits)
{
    int error = place_lock(&view->place, PLACE_ADVANCE);
    int status = ADVANCE_DONE;

    if (error == EAGAIN)
        return ADVANCE_BUSY;
    if (error != 0)
        return flume_fail_errno(view->flume, error, "lock", view->place.path);
    if (still_answers(view, env)) { /* Else the caller looks again. */
        status = make_dirty(view, env->generation);
        if (status == FLUME_OK)
            status = run_batch(view, env, limits);
    }
    place_unlock(&view->place, PLACE_ADVANCE);
    return status;
}

static int ensure_batch(flume_view *view)
{
    int status;

    if (view->batch != NULL)
        return FLUME_OK;
    status = batch_create(view, view->place.path, "advance.", ADVANCE_BUDGET_BYTES, &view->batch);
    if (status == FLUME_ERR_NO_MEMORY)
        return flume_fail(view->flume, status, FLUME_SEQ_NONE, "view '%s': out of memory",
                          view->definition->name);
    return status == FLUME_OK ? status : view_keep_failure(view, FAILURE_STAYS, FLUME_SEQ_NONE);
}

/* Who waits for less than a short batch gets one. Who waits for more needs every record of it in
 * any case, and gets there sooner by large ones: a batch writes each page that it touches once. */
static struct batch_limits choose_limits(const struct environment *env, uint64_t head,
                                         uint64_t wanted_seq)
{
    uint64_t synced = atomic_load_explicit(&env->synced, memory_order_acquire);
    bool is_short = wanted_seq > synced && wanted_seq - synced <= URGENT_RECORDS_MAX;
    struct batch_limits limits = {
        .until_seq = head,
        .records_max = is_short ? URGENT_RECORDS_MAX : BULK_RECORDS_MAX,
        .ns_max = is_short ? URGENT_NS_MAX : BULK_NS_MAX,
        .passes_over = true,
        .takes_sealed = head > synced && head - synced > URGENT_RECORDS_MAX,
        .bytes_max = BULK_BYTES_MAX,
    };

    return limits;
}

int view_advance(flume_view *view, uint64_t wanted_seq)
{
    uint64_t head = flume_log_head(view->flume->log);
    struct environment *env;
    int status = view_acquire(view, &env);

    if (status == FLUME_END)
        return ADVANCE_REBUILD;
    if (status != FLUME_OK)
        return status == FLUME_ERR_NO_MEMORY
                   ? status
                   : view_keep_failure(view, FAILURE_PASSES, FLUME_SEQ_NONE);
    if (pthread_mutex_trylock(&view->batch_mutex) != 0) {
        environment_release(env);
        return ADVANCE_BUSY;
    }
    if (pthread_mutex_trylock(&env->advance_mutex) != 0) {
        status = ADVANCE_BUSY;
    } else {
        status = ensure_batch(view);
        if (status == FLUME_OK)
            status = advance_locked(view, env, choose_limits(env, head, wanted_seq));
        (void)pthread_mutex_unlock(&env->advance_mutex);
    }
    (void)pthread_mutex_unlock(&view->batch_mutex);
    environment_release(env);
    return status;
}

/* ---- settling ---- */

/* The data on the disk, then STATE clean with what it is like. */
static void settle_locked(flume_view *view, struct environment *env)
{
    uint64_t generation = env->generation;
    struct place_state state;
    struct view_meta meta;

    if (mdb_env_sync(env->mdb, 1) != 0 || environment_meta(env, &meta) != 0 ||
        place_state_read(&view->place, generation, &state) != 0 ||
        place_state_measure(&view->place, generation, view->flume->options.verify_bytes, &state) !=
            0)
        return; /* It stays dirty, and is rebuilt if the machine stops: nothing is lost. */
    state.flags |= STATE_CLEAN;
    state.synced_seq = meta.synced_seq;
    state.check = meta.check;
    /* Before STATE: whoever comes after a death between the two must not think it dirty still, and
     * write rows under a clean one. */
    if (view->board != NULL)
        flume_board_write(view->board, BOARD_DIRTY, 0);
    (void)place_state_write(&view->place, generation, &state); /* Else it stays dirty. */
}

void view_settle(flume_view *view)
{
    struct environment *env;

    (void)pthread_mutex_lock(&view->mutex);
    env = view->unsettled ? view->env : NULL;
    view->unsettled = false;
    if (env != NULL)
        environment_retain(env);
    (void)pthread_mutex_unlock(&view->mutex);
    if (env == NULL)
        return;
    if (pthread_mutex_trylock(&env->advance_mutex) == 0) {
        if (place_lock(&view->place, PLACE_ADVANCE) == 0) {
            if (still_answers(view, env))
                settle_locked(view, env);
            place_unlock(&view->place, PLACE_ADVANCE);
        }
        (void)pthread_mutex_unlock(&env->advance_mutex);
    }
    environment_release(env);
}

/* Whether STATE says dirty, whoever made it so. */
static bool is_left_dirty(flume_view *view)
{
    struct place_state state;
    uint64_t generation;

    (void)pthread_mutex_lock(&view->mutex);
    generation = view->env == NULL ? 0 : view->generation;
    (void)pthread_mutex_unlock(&view->mutex);
    return generation != 0 && place_state_read(&view->place, generation, &state) == 0 &&
           (state.flags & STATE_CLEAN) == 0;
}

void view_settle_orphan(flume_view *view)
{
    if (!is_left_dirty(view))
        return;
    (void)pthread_mutex_lock(&view->mutex);
    view->unsettled = true;
    (void)pthread_mutex_unlock(&view->mutex);
    view_settle(view);
}

void view_settle_last(flume_view *view)
{
    view_settle(view);
    if (place_lock(&view->place, PLACE_USERS) != 0)
        return; /* The others do it, once they have moved it or go. */
    view_settle_orphan(view);
    place_unlock(&view->place, PLACE_USERS);
}
