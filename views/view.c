/*
 * view.c - one view of a handle: making it, and finding the build that answers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "aside.h"
#include "batch.h"
#include "builtin.h"
#include "environment.h"
#include "inside.h"

/* A swap may pass between reading CURRENT and opening what it named, but not time after time. */
enum { OPEN_TRIES = 16 };

/* Requests are looked for at once where the board tells of them, else as often as this. */
#define LOOK_AGAIN_NS UINT64_C(1000000000)

/* Hashing a file of the default limit takes some 50 ms. */
enum { JUDGE_TRIES = 5000, JUDGE_STEP_NS = 1000000 };

uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- making and ending ---- */

static void take_kinds(flume_view *view)
{
    const flume_view_definition *definition = view->definition;

    if (definition->kinds == NULL) {
        memset(view->kind_mask, 0xff, sizeof view->kind_mask);
        view->kind_mask[0] &= ~(UINT64_C(1) << FLUME_KIND_MANIFEST);
        return;
    }
    for (size_t i = 0; i < definition->kind_count; i++) {
        unsigned kind = definition->kinds[i];

        if (kind == FLUME_KIND_ANY)
            memset(view->kind_mask, 0xff, sizeof view->kind_mask);
        view->kind_mask[kind / 64] |= UINT64_C(1) << (kind % 64);
    }
}

static void find_board(flume_view *view)
{
    char name[FLUME_BOARD_NAME_BYTES_MAX + 1];

    (void)snprintf(name, sizeof name, "%s.%u", view->definition->name, view->definition->version);
    /* Without a board the view goes by what is on disk: slower, not wrong. */
    if (flume_log_board(view->flume->log, name, &view->board) != FLUME_OK)
        view->board = NULL;
}

int view_create(flume *handle, const flume_view_definition *definition, enum view_origin origin,
                flume_view **out_view)
{
    flume_view *view = calloc(1, sizeof *view);
    pthread_condattr_t attributes;

    if (view == NULL)
        return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE, "out of memory");
    view->flume = handle;
    view->definition = definition;
    view->origin = origin;
    view->descriptor = -1;
    view->place.lock_file = -1;
    (void)pthread_mutex_init(&view->mutex, NULL);
    (void)pthread_mutex_init(&view->batch_mutex, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&view->moved, &attributes);
    (void)pthread_cond_init(&view->stirred, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    take_kinds(view);
    find_board(view);
    int error = place_init(&view->place, handle->path, definition->name, definition->version);

    if (error != 0) {
        view_destroy(view);
        return flume_fail_errno(handle, error, "keep views in", handle->path);
    }
    *out_view = view;
    return FLUME_OK;
}

void view_destroy(flume_view *view)
{
    if (view == NULL)
        return;
    batch_destroy(view->batch, BATCH_DROP_RUNS);
    environment_release(view->env);
    place_deinit(&view->place);
    if (view->origin == VIEW_DECLARED)
        declared_definition_destroy((flume_view_definition *)(uintptr_t)view->definition);
    if (view->descriptor >= 0)
        (void)close(view->descriptor);
    (void)pthread_cond_destroy(&view->moved);
    (void)pthread_cond_destroy(&view->stirred);
    (void)pthread_mutex_destroy(&view->batch_mutex);
    (void)pthread_mutex_destroy(&view->mutex);
    free(view);
}

/* ---- judging a build ---- */

static int need_locked(flume_view *view, enum rebuild_need need, const char *why)
{
    view->need = need;
    (void)snprintf(view->why, sizeof view->why, "%s", why);
    return FLUME_END;
}

/* What the system lacks for the moment says nothing of a build. */
static bool is_lack(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* Whether the file is as it was left: 0, EILSEQ or what stood in the way of telling. Only where
 * nobody writes to it can that be told. */
static int compare_file(const struct place *place, const flume_board *board, uint64_t generation,
                        const struct place_state *state)
{
    struct place_state now = *state;
    int error;

    if ((state->flags & STATE_CLEAN) == 0 ||
        (board != NULL && flume_board_read(board, BOARD_DIRTY) == generation))
        return 0;
    error = place_state_measure(place, generation,
                                (state->flags & STATE_HASHED) != 0 ? UINT64_MAX : 0, &now);
    if (error != 0)
        return is_lack(error) ? error : EILSEQ;
    return now.data_bytes == state->data_bytes && now.flags == state->flags &&
                   memcmp(now.hash, state->hash, sizeof now.hash) == 0
               ? 0
               : EILSEQ;
}

/* Whether somebody attached has found this build good on this boot. */
static bool is_vouched_for(const flume_board *board, uint64_t generation)
{
    return board != NULL && flume_board_read(board, BOARD_GENERATION) == generation;
}

/* Nobody writes while this is held; EAGAIN: somebody else has it. */
static int lock_to_judge(const flume_io *io, struct place *place, const flume_board *board,
                         uint64_t generation)
{
    int error = place_lock(place, PLACE_ADVANCE);

    /* Who holds it may be judging the build himself, and find it bad. */
    for (int i = 0; i < JUDGE_TRIES && error == EAGAIN && !is_vouched_for(board, generation) &&
                    /* A thread of this handle may need the mutex that is held here. */
                    !place_holds(place, PLACE_ADVANCE);
         i++) {
        io->sleep(io->ctx, JUDGE_STEP_NS);
        error = place_lock(place, PLACE_ADVANCE);
    }
    return error;
}

/* Nobody writes meanwhile. */
static int judge_file(const struct place *place, const flume_board *board, uint64_t generation,
                      const struct place_state *state, const char **out_bad)
{
    int error = compare_file(place, board, generation, state);
    struct place_state now;

    /* Somebody may have gone on, and died, before the lock was taken. */
    if (error == EILSEQ && place_state_read(place, generation, &now) == 0)
        error = compare_file(place, board, generation, &now);
    if (error == EILSEQ)
        *out_bad = "its file is not as it was left";
    return error == EILSEQ ? 0 : error;
}

int view_judge_state(const flume *handle, struct place *place, const flume_board *board,
                     uint64_t generation, const char **out_bad)
{
    struct place_state state;
    uint8_t boot_id[16];
    int error = place_state_read(place, generation, &state);

    *out_bad = NULL;
    if (error != 0) {
        *out_bad = "its STATE is missing or damaged";
        return is_lack(error) ? error : 0;
    }
    error = -handle->io->boot_id(handle->io->ctx, boot_id);
    if (error > 0)
        return error;
    if (memcmp(state.basin_id, handle->basin_id, sizeof state.basin_id) != 0)
        *out_bad = "it was made from another basin";
    else if (memcmp(state.boot_id, boot_id, sizeof boot_id) != 0 &&
             (state.flags & STATE_CLEAN) == 0)
        *out_bad = "the machine stopped while it was being written";
    if (*out_bad != NULL)
        return 0;
    error = lock_to_judge(handle->io, place, board, generation);
    if (error == 0) {
        error = judge_file(place, board, generation, &state, out_bad);
        place_unlock(place, PLACE_ADVANCE);
    } else if (error == EACCES || (error == EAGAIN && !is_vouched_for(board, generation))) {
        /* Who may only look locks nothing, and who holds the lock may be swapping this build for a
         * new one because it is bad. Who writes meanwhile has made STATE dirty before, and it is
         * read again before the file is called bad. */
        error = judge_file(place, board, generation, &state, out_bad);
    }
    return error == EAGAIN ? 0 : error; /* What was vouched for is good. */
}

/* What is wrong with what an environment remembers; NULL: nothing. */
static const char *judge_memory(flume_view *view, const struct view_meta *meta)
{
    flume_log *log = view->flume->log;
    flume_record record;
    int status;

    if (!meta->complete || meta->version != view->definition->version)
        return "it was not finished";
    if (meta->synced_seq > flume_log_head(log))
        return "the log was cut below what it had seen";
    if (meta->synced_seq == 0 || meta->check == 0)
        return NULL;
    status = flume_log_get(log, meta->synced_seq - 1, &record);
    if (status != FLUME_OK)
        return NULL; /* Damaged since; the record is the one it had seen, or will be repaired. */
    bool same = record.check == meta->check;

    flume_record_release(&record);
    return same ? NULL : "the log was cut and has grown again since";
}

static bool is_damage(int code)
{
    return code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID ||
           code == MDB_VERSION_MISMATCH || code == MDB_NOTFOUND || code == MDB_BAD_TXN;
}

/* Open generation g. FLUME_OK; FLUME_END: not usable; FLUME_ERR_BUSY: gone, look again; an
 * error. */
static int open_generation_locked(flume_view *view, uint64_t generation)
{
    const char *bad;
    int error = view_judge_state(view->flume, &view->place, view->board, generation, &bad);
    char path[PLACE_PATH_BYTES];
    struct environment *env;
    struct view_meta meta;
    int code = place_path(&view->place, generation, NULL, path);

    if (error != 0)
        return flume_fail_errno(view->flume, error, "examine", view->place.path);
    if (place_current(&view->place) != generation)
        return FLUME_ERR_BUSY;
    if (bad != NULL)
        return need_locked(view, NEED_BUILD, bad);
    if (code == 0)
        code = environment_acquire(path, generation, view->definition,
                                   view->flume->options.map_bytes, ENVIRONMENT_OPEN, &env);
    if (code == ENOENT)
        return place_current(&view->place) != generation
                   ? FLUME_ERR_BUSY
                   : need_locked(view, NEED_BUILD, "its files are missing");
    if (is_damage(code))
        return need_locked(view, NEED_BUILD, "its file is damaged");
    if (code == MDB_INCOMPATIBLE)
        return flume_fail(view->flume, FLUME_ERR_VIEW, FLUME_SEQ_NONE,
                          "view '%s': version %u in %s has other tables than in this program; "
                          "raise its version, or rebuild it",
                          view->definition->name, view->definition->version, view->place.path);
    if (code != 0)
        return view_fail_mdb(view, code, "open its environment");
    code = environment_meta(env, &meta);
    bad = code == 0 ? judge_memory(view, &meta) : NULL;
    if (code != 0 || bad != NULL) {
        environment_release(env);
        if (code != 0 && !is_damage(code))
            return view_fail_mdb(view, code, "read its state");
        return need_locked(view, NEED_BUILD, bad != NULL ? bad : "its file is damaged");
    }
    if (generation != view->generation)
        view->failed_for_good = false; /* Another made it again: apply may have been mended. */
    environment_release(view->env);
    view->env = env;
    view->generation = generation;
    if (view->need == NEED_BUILD)
        view->need = NEED_NONE;
    if (!view->failed_for_good)
        view->error.status = FLUME_OK;
    return FLUME_OK;
}

/* There is no build of this version: of another one perhaps, made by an older or newer program. */
static int need_first_locked(flume_view *view)
{
    uint64_t other = place_other_version(&view->place);
    char why[sizeof view->why];

    if (other == 0)
        return need_locked(view, NEED_BUILD, "it is not there yet");
    (void)snprintf(why, sizeof why, "version %u is not there yet, only version %llu",
                   view->definition->version, (unsigned long long)other);
    return need_locked(view, NEED_BUILD, why);
}

static int open_current_locked(flume_view *view)
{
    for (int i = 0; i < OPEN_TRIES; i++) {
        uint64_t generation = 0;
        int error = place_read_current(&view->place, &generation), status;

        if (is_lack(error))
            return flume_fail_errno(view->flume, error, "read CURRENT in", view->place.path);
        if (generation == 0)
            return need_first_locked(view);
        error = place_open(&view->place);
        if (error != 0)
            return flume_fail_errno(view->flume, error, "use", view->place.path);
        aside_sweep(&view->place);
        status = open_generation_locked(view, generation);
        if (status != FLUME_ERR_BUSY)
            return status;
    }
    return flume_fail(view->flume, FLUME_ERR_BUSY, FLUME_SEQ_NONE,
                      "view '%s' is being swapped again and again", view->definition->name);
}

/* Whether what is open is what answers. */
static bool is_current_locked(const flume_view *view)
{
    uint64_t generation;

    if (view->env == NULL || atomic_load_explicit(&view->env->broken, memory_order_relaxed))
        return false;
    if (view->board == NULL)
        return place_current(&view->place) == view->generation;
    generation = flume_board_read(view->board, BOARD_GENERATION);
    return generation == view->generation;
}

/* The board does not know, or knows of a build that is gone: what is on disk is right. */
static void tell_board_locked(flume_view *view)
{
    if (view->board == NULL ||
        flume_board_read(view->board, BOARD_GENERATION) == view->generation ||
        place_lock(&view->place, PLACE_ADVANCE) != 0)
        return;
    if (place_current(&view->place) == view->generation) {
        flume_board_write(view->board, BOARD_SYNCED, 0);
        flume_board_write(view->board, BOARD_DIRTY, 0);
        flume_board_write(view->board, BOARD_GENERATION, view->generation);
    }
    place_unlock(&view->place, PLACE_ADVANCE);
}

int view_acquire(flume_view *view, struct environment **out_env)
{
    int status = FLUME_OK;

    (void)pthread_mutex_lock(&view->mutex);
    if (!is_current_locked(view)) {
        if (view->env != NULL && atomic_load(&view->env->broken)) {
            environment_release(view->env);
            view->env = NULL;
        }
        status = open_current_locked(view);
        if (status == FLUME_OK)
            tell_board_locked(view);
        else if (status == FLUME_END) {
            environment_release(view->env);
            view->env = NULL;
        }
    }
    if (status == FLUME_OK) {
        environment_retain(view->env);
        *out_env = view->env;
    }
    (void)pthread_mutex_unlock(&view->mutex);
    return status;
}

void view_condemn(flume_view *view, struct environment *env, const char *why)
{
    (void)pthread_mutex_lock(&view->mutex);
    if (view->env == env) {
        (void)need_locked(view, NEED_BUILD, why);
        if (place_current(&view->place) == view->generation)
            place_take(&view->place, "CURRENT");
        environment_release(view->env);
        view->env = NULL;
    }
    (void)pthread_mutex_unlock(&view->mutex);
    worker_kick(view);
}

/* ---- what other processes want of it ---- */

void view_look_for_changes(flume_view *view)
{
    uint64_t changes = view->board == NULL ? 0 : flume_board_read(view->board, BOARD_CHANGES);
    uint64_t now = now_ns();

    (void)pthread_mutex_lock(&view->mutex);
    if (view->looked_ns != 0 && changes == view->seen_changes &&
        now - view->looked_ns < LOOK_AGAIN_NS) {
        (void)pthread_mutex_unlock(&view->mutex);
        return;
    }
    view->looked_ns = now;
    view->seen_changes = changes;
    view->paused = place_has(&view->place, "PAUSED");
    if (view->need == NEED_NONE && place_has(&view->place, "REQUEST")) {
        (void)need_locked(view, NEED_REPLACE, "asked for");
        view->by_request = true;
    }
    (void)pthread_mutex_unlock(&view->mutex);
}

bool view_is_ending(flume_view *view)
{
    return atomic_load(&view->flume->closing) || atomic_load(&view->retired) ||
           atomic_load(&view->stopping);
}

void view_announce(flume_view *view)
{
    uint64_t one = 1;

    (void)pthread_mutex_lock(&view->mutex);
    (void)pthread_cond_broadcast(&view->moved);
    if (view->waiters != NULL) { /* They are answered by the worker. */
        view->kicked = true;
        (void)pthread_cond_signal(&view->stirred);
    }
    if (view->descriptor >= 0)
        (void)!write(view->descriptor, &one, sizeof one); /* A full one is readable already. */
    (void)pthread_mutex_unlock(&view->mutex);
}
