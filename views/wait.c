/*
 * wait.c - waiting until a view has applied what a query needs.
 *
 * Whoever waits advances the view itself where it can. Where somebody else is at it, the waiter
 * says on the board how far it needs the view, so that batches get short, and sleeps on the board's
 * word. No wait trusts its waker: every step is bounded.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "environment.h"
#include "inside.h"

#define STEP_NS UINT64_C(10000000)
#define REBUILD_STEP_NS UINT64_C(50000000)
#define POWERLESS_NS UINT64_C(1000000000)

struct waiting {
    flume_view *view;
    const flume_ask *ask;
    uint64_t target_seq;
    uint64_t deadline_ns; /* 0: none. */
    /* Where this user may not advance it: how far the view was, and since when. */
    uint64_t powerless_synced, powerless_ns;
};

/* How far the view is, as far as is known without looking into it. */
static uint64_t known_synced(const flume_view *view, struct environment *env)
{
    uint64_t synced = atomic_load_explicit(&env->synced, memory_order_acquire);
    struct view_meta meta;

    if (view->board != NULL) {
        uint64_t told = flume_board_read(view->board, BOARD_SYNCED);

        /* After a swap SYNCED is written last: read first, it is of the generation read next. */
        if (told > synced && flume_board_read(view->board, BOARD_GENERATION) == env->generation) {
            atomic_store_explicit(&env->synced, told, memory_order_release);
            synced = told;
        }
    } else if (environment_meta(env, &meta) == 0) {
        synced = meta.synced_seq;
    }
    return synced;
}

static int stale(const struct waiting *waiting, uint64_t synced, const char *why)
{
    flume_view *view = waiting->view;

    return flume_fail(view->flume, FLUME_ERR_STALE, FLUME_SEQ_NONE,
                      "view '%s' stands at seq %llu, %llu records behind: %s",
                      view->definition->name, (unsigned long long)synced,
                      (unsigned long long)(waiting->target_seq - synced), why);
}

/* FLUME_OK: wait on. */
static int check_patience(const struct waiting *waiting, uint64_t synced)
{
    flume_view *view = waiting->view;
    const flume_ask *ask = waiting->ask;

    if (view_is_ending(view))
        return flume_fail(view->flume, FLUME_ERR_CANCELLED, FLUME_SEQ_NONE,
                          atomic_load(&view->retired)
                              ? "view '%s' was declared anew or dropped: find it again"
                              : "view '%s' is being closed",
                          view->definition->name);
    if (ask != NULL && ask->give_up != NULL && ask->give_up(ask->give_up_ctx))
        return flume_fail(view->flume, FLUME_ERR_CANCELLED, FLUME_SEQ_NONE,
                          "waiting for view '%s' was given up", view->definition->name);
    if (waiting->deadline_ns != 0 && now_ns() >= waiting->deadline_ns)
        return flume_fail(view->flume, FLUME_ERR_TIMEOUT, FLUME_SEQ_NONE,
                          "view '%s' stands at seq %llu, %llu records behind, and the time is up",
                          view->definition->name, (unsigned long long)synced,
                          (unsigned long long)(waiting->target_seq - synced));
    return FLUME_OK;
}

static int rebuild_patience(void *ctx)
{
    return check_patience(ctx, 0);
}

static uint64_t step_ns(const struct waiting *waiting, uint64_t longest_ns)
{
    uint64_t now, left;

    if (waiting->deadline_ns == 0)
        return longest_ns;
    now = now_ns();
    left = waiting->deadline_ns > now ? waiting->deadline_ns - now : 0;
    return left < longest_ns ? left : longest_ns;
}

/* Sleep until this process moves the view, or a step is over. */
static void sleep_here(const struct waiting *waiting, uint64_t longest_ns)
{
    flume_view *view = waiting->view;
    uint64_t until_ns = now_ns() + step_ns(waiting, longest_ns);
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};

    (void)pthread_mutex_lock(&view->mutex);
    if (!view->stopping)
        (void)pthread_cond_timedwait(&view->moved, &view->mutex, &until);
    (void)pthread_mutex_unlock(&view->mutex);
}

/* Somebody else advances the view. */
static void sleep_while_busy(const struct waiting *waiting, uint64_t synced)
{
    flume_view *view = waiting->view;

    if (view->board == NULL) {
        sleep_here(waiting, STEP_NS / 10);
        return;
    }
    flume_board_raise(view->board, BOARD_WANTED, waiting->target_seq);
    flume_board_wait(view->board, BOARD_SYNCED, synced, step_ns(waiting, STEP_NS));
}

/* A build that was cancelled is gone on with for who asks. */
static void go_on_when_asked(flume_view *view)
{
    (void)pthread_mutex_lock(&view->mutex);
    if (view->retry_ns == RETRY_WHEN_ASKED)
        view->retry_ns = 0;
    (void)pthread_mutex_unlock(&view->mutex);
}

/* There is nothing to answer from. */
static int wait_for_rebuild(const struct waiting *waiting)
{
    flume_view *view = waiting->view;
    bool failed;
    int status;

    if (view->has_worker) {
        (void)pthread_mutex_lock(&view->mutex);
        failed = view->error.status != FLUME_OK;
        (void)pthread_mutex_unlock(&view->mutex);
        if (failed) /* The worker tries again, later. */
            return view_give_failure(view);
        go_on_when_asked(view);
        worker_kick(view);
        sleep_here(waiting, REBUILD_STEP_NS);
        return FLUME_OK;
    }
    status = view_rebuild(view, rebuild_patience, (void *)(uintptr_t)waiting);
    if (status == FLUME_ERR_BUSY) { /* By somebody else. */
        sleep_here(waiting, STEP_NS);
        return FLUME_OK;
    }
    return status;
}

/* What stands in the way of advancing at all; FLUME_OK: nothing. */
static int check_view(const struct waiting *waiting, uint64_t synced)
{
    flume_view *view = waiting->view;
    bool paused, failed;

    if (!view->has_worker) /* That looks by itself. */
        view_look_for_changes(view);
    (void)pthread_mutex_lock(&view->mutex);
    paused = view->paused;
    failed = view->failed_for_good;
    (void)pthread_mutex_unlock(&view->mutex);
    if (failed)
        return view_give_failure(view);
    if (paused)
        return stale(waiting, synced, "it is paused; 'flume view resume' lets it go on");
    return FLUME_OK;
}

/* This user may not advance the view: as long as it moves, somebody else does. */
static int wait_powerless(struct waiting *waiting, uint64_t synced)
{
    uint64_t now = now_ns();

    if (waiting->powerless_ns == 0 || synced != waiting->powerless_synced) {
        waiting->powerless_synced = synced;
        waiting->powerless_ns = now;
    } else if (now - waiting->powerless_ns >= POWERLESS_NS) {
        return stale(waiting, synced,
                     "its files may not be written by this user, and nobody else advances it");
    }
    sleep_here(waiting, STEP_NS / 10);
    return FLUME_OK;
}

/* A rebuild that was asked for is this thread's, where there is no worker. */
static int obey_request(const struct waiting *waiting)
{
    flume_view *view = waiting->view;
    bool asked_for;
    int status;

    if (view->has_worker)
        return FLUME_OK;
    (void)pthread_mutex_lock(&view->mutex);
    asked_for = view->need == NEED_REPLACE;
    (void)pthread_mutex_unlock(&view->mutex);
    if (!asked_for)
        return FLUME_OK;
    status = view_rebuild(view, rebuild_patience, (void *)(uintptr_t)waiting);
    if (status == FLUME_ERR_CANCELLED) /* By another thread: the old build answers. */
        return check_patience(waiting, 0);
    return status == FLUME_ERR_BUSY ? FLUME_OK : status; /* Somebody else is at it. */
}

static int wait_step(struct waiting *waiting, struct environment *env)
{
    uint64_t synced = known_synced(waiting->view, env);
    int status;

    view_look_for_changes(waiting->view);
    status = check_view(waiting, synced);
    if (status == FLUME_OK)
        status = check_patience(waiting, synced);
    if (status == FLUME_OK)
        status = obey_request(waiting);
    if (status != FLUME_OK)
        return status;
    if (env->read_only)
        return wait_powerless(waiting, synced);
    status = view_advance(waiting->view, waiting->target_seq);
    if (status == FLUME_ERR_ACCESS)
        return wait_powerless(waiting, synced);
    if (status == ADVANCE_BUSY)
        sleep_while_busy(waiting, synced);
    return status < 0 ? status : FLUME_OK;
}

/* Until the view is there and has applied target_seq: *out_env is the build, referenced. */
static int wait_until(struct waiting *waiting, bool stale_ok, struct environment **out_env)
{
    flume_view *view = waiting->view;

    for (;;) {
        struct environment *env;
        int status = view_acquire(view, &env);

        if (status < 0)
            return status == FLUME_ERR_NO_MEMORY
                       ? status
                       : view_keep_failure(view, FAILURE_PASSES, FLUME_SEQ_NONE);
        if (status == FLUME_OK) {
            if (stale_ok || known_synced(view, env) >= waiting->target_seq) {
                *out_env = env;
                return FLUME_OK;
            }
            status = wait_step(waiting, env);
            environment_release(env);
        } else {
            view_look_for_changes(view);
            status = check_view(waiting, 0);
            if (status == FLUME_OK)
                status = check_patience(waiting, 0);
            if (status == FLUME_OK && stale_ok)
                status = stale(waiting, 0, "it is not built yet");
            if (status == FLUME_OK)
                status = wait_for_rebuild(waiting);
        }
        if (status < 0)
            return status;
    }
}

static int begin_waiting(flume_view *view, const flume_ask *ask, struct waiting *out_waiting,
                         bool *out_stale_ok)
{
    uint64_t head = flume_log_head(view->flume->log);

    if (head == 0 && flume_is_forked(view->flume))
        return FLUME_ERR_FORKED;
    *out_stale_ok = ask != NULL && (ask->flags & FLUME_ASK_STALE_OK) != 0;
    *out_waiting = (struct waiting){.view = view, .ask = ask, .target_seq = head};
    if (ask == NULL)
        return FLUME_OK;
    if ((ask->flags & ~(unsigned)(FLUME_ASK_AS_OF | FLUME_ASK_STALE_OK)) != 0)
        return flume_fail(view->flume, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "flume_ask has unknown flags: %#x", ask->flags);
    if ((ask->flags & FLUME_ASK_AS_OF) != 0) {
        if (ask->as_of > head)
            return flume_fail(view->flume, FLUME_ERR_NOT_FOUND, ask->as_of,
                              "as of seq %llu is beyond the log's head %llu",
                              (unsigned long long)ask->as_of, (unsigned long long)head);
        out_waiting->target_seq = ask->as_of;
    }
    if (ask->timeout_ns != 0)
        out_waiting->deadline_ns = now_ns() + ask->timeout_ns;
    return FLUME_OK;
}

/* flume_close() waits until nobody is in here. */
static int enter(flume_view *view)
{
    bool stopping;

    (void)pthread_mutex_lock(&view->mutex);
    stopping = view->stopping;
    if (!stopping) {
        view->waiting++;
        view->asked = true;
    }
    (void)pthread_mutex_unlock(&view->mutex);
    return stopping ? FLUME_ERR_CANCELLED : FLUME_OK;
}

static void leave(flume_view *view)
{
    (void)pthread_mutex_lock(&view->mutex);
    if (--view->waiting == 0)
        (void)pthread_cond_broadcast(&view->moved);
    (void)pthread_mutex_unlock(&view->mutex);
}

/* Wait, and get hold of the build that has what was waited for. */
static int ask_view(flume_view *view, const flume_ask *ask, struct environment **out_env)
{
    struct waiting waiting;
    bool stale_ok = false;
    int status = begin_waiting(view, ask, &waiting, &stale_ok);

    if (status == FLUME_OK && atomic_load(&view->retired))
        return check_patience(&waiting, 0);
    if (status != FLUME_OK)
        return status;
    status = enter(view);
    if (status != FLUME_OK)
        return status;
    status = wait_until(&waiting, stale_ok, out_env);
    leave(view);
    return status;
}

int flume_view_wait(flume_view *view, const flume_ask *ask)
{
    struct environment *env;
    int status = ask_view(view, ask, &env);

    if (status == FLUME_OK)
        environment_release(env);
    return status;
}

int flume_view_read(flume_view *view, const flume_ask *ask, flume_rows **out_rows)
{
    struct environment *env;
    int status = ask_view(view, ask, &env);
    int code;

    if (status != FLUME_OK)
        return status;
    code = environment_read(env, out_rows);
    environment_release(env);
    if (code != 0)
        return view_fail_mdb(view, code, "begin a snapshot");
    (*out_rows)->view = view;
    return FLUME_OK;
}

/* ---- for those who must not block ---- */

int flume_view_when(flume_view *view, uint64_t seq, void (*callback)(void *ctx, int status),
                    void *ctx)
{
    struct waiter *waiter;
    int status = FLUME_OK;

    if (flume_is_forked(view->flume))
        return FLUME_ERR_FORKED;
    if (!view->has_worker || callback == NULL)
        return flume_fail(view->flume, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "flume_view_when needs a callback, and workers");
    waiter = malloc(sizeof *waiter);
    if (waiter == NULL)
        return FLUME_ERR_NO_MEMORY;
    *waiter = (struct waiter){.seq = seq, .callback = callback, .ctx = ctx};
    (void)pthread_mutex_lock(&view->mutex);
    if (view->stopping) {
        status = FLUME_ERR_CANCELLED;
    } else {
        struct waiter **link = &view->waiters;

        while (*link != NULL) /* In the order of asking. */
            link = &(*link)->next;
        *link = waiter;
        view->kicked = true;
        (void)pthread_cond_signal(&view->stirred);
    }
    (void)pthread_mutex_unlock(&view->mutex);
    if (status != FLUME_OK)
        free(waiter);
    return status;
}

int flume_view_descriptor(flume_view *view, int *out_descriptor)
{
    int descriptor;

    if (flume_is_forked(view->flume))
        return FLUME_ERR_FORKED;
    if (!view->has_worker)
        return flume_fail(view->flume, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "flume_view_descriptor needs workers");
    (void)pthread_mutex_lock(&view->mutex);
    if (view->descriptor < 0)
        view->descriptor = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    descriptor = view->descriptor;
    atomic_store(&view->has_descriptor, descriptor >= 0);
    (void)pthread_mutex_unlock(&view->mutex);
    if (descriptor < 0)
        return flume_fail_errno(view->flume, errno, "make an eventfd for", view->definition->name);
    *out_descriptor = descriptor;
    return FLUME_OK;
}

uint64_t view_synced_now(flume_view *view)
{
    struct environment *env;
    uint64_t synced = 0;

    if (view_acquire(view, &env) == FLUME_OK) {
        synced = known_synced(view, env);
        environment_release(env);
    }
    return synced;
}

uint64_t flume_view_synced(flume_view *view)
{
    uint64_t drained, synced;

    if (flume_is_forked(view->flume))
        return 0;
    (void)pthread_mutex_lock(&view->mutex);
    if (view->descriptor >= 0)
        (void)!read(view->descriptor, &drained, sizeof drained); /* An empty one is fine. */
    (void)pthread_mutex_unlock(&view->mutex);
    synced = view_synced_now(view);
    (void)pthread_mutex_lock(&view->mutex);
    view->drained_synced = synced;
    (void)pthread_mutex_unlock(&view->mutex);
    return synced;
}
