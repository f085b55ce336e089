/*
 * worker.c - the threads behind a handle: one worker for each view, and one that follows the log.
 *
 * The follower sleeps on the log's head, and after a wake lingers before it sleeps again: a busy
 * log is woken through once in LINGER_NS, whatever the number of views, and an idle one uses no
 * CPU. Workers sleep on their own condition. Whoever asks a view advances it without waiting for
 * them.
 *
 * A worker that nobody waits for rests longer than it worked, unless it falls far behind. In a
 * burst its batches grow that way until each page of the view that they touch is written for many
 * records, not for few, and who appends has the processors. A view that can take a sealed strata
 * whole is held back until there is one (gather.h).
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "environment.h"
#include "gather.h"
#include "inside.h"

#define LINGER_NS UINT64_C(10000000)
#define IDLE_NS UINT64_C(1000000000)
#define BUSY_NS UINT64_C(20000000)
#define RETRY_NS UINT64_C(1000000000)
#define SETTLE_NS UINT64_C(5000000000)
#define ORPHAN_NS (2 * SETTLE_NS)
#define OBSERVE_NS UINT64_C(100000000)
#define HELD_NS UINT64_C(100000000)

/* Where processors are scarce, who appends comes first. Who waits for a view helps himself. */
enum { WORKER_NICE = 5 };

static struct timespec after(uint64_t ns)
{
    uint64_t until = now_ns() + ns;

    return (struct timespec){.tv_sec = (time_t)(until / 1000000000),
                             .tv_nsec = (long)(until % 1000000000)};
}

/* ---- the worker of a view ---- */

void worker_kick(flume_view *view)
{
    (void)pthread_mutex_lock(&view->mutex);
    view->kicked = true;
    (void)pthread_cond_signal(&view->stirred);
    (void)pthread_mutex_unlock(&view->mutex);
}

/* There are records. */
static void stir(flume_view *view)
{
    (void)pthread_mutex_lock(&view->mutex);
    view->has_news = true;
    (void)pthread_cond_signal(&view->stirred);
    (void)pthread_mutex_unlock(&view->mutex);
}

/* How long the view has stood still, whoever moves it. */
struct standing {
    uint64_t synced_seq;
    uint64_t since_ns;
    bool looked_after;
};

/* What a worker remembers from step to step. */
struct working {
    flume_view *view;
    flume_view_status before; /* How the view stood when the rebuild began that runs. */
    uint64_t observed_ns;     /* When the observer was called last, */
    flume_view_status told;   /* and what it was told. */
    struct standing standing;
    struct holding holding;
};

static bool is_news(const flume_view_status *told, const flume_view_status *now)
{
    return told->name[0] == '\0' || told->state != now->state ||
           told->error.status != now->error.status || told->generation != now->generation ||
           told->synced_seq != now->synced_seq || told->rebuild_done != now->rebuild_done ||
           told->rebuild_total != now->rebuild_total;
}

/* Call the observer, if there is news and it was not called just now. Whether to look again
 * soon. */
static bool observe(struct working *working)
{
    const flume_options *options = &working->view->flume->options;
    flume_view_status status;

    if (options->observer == NULL)
        return false;
    if (now_ns() - working->observed_ns < OBSERVE_NS)
        return true;
    if (flume_view_status_of(working->view, &status) != FLUME_OK ||
        !is_news(&working->told, &status))
        return false;
    options->observer(options->observer_ctx, &status);
    working->observed_ns = now_ns();
    working->told = status;
    return true;
}

/* The same during a rebuild, of its progress alone: a transaction may be open, and nothing that is
 * locked before one can be looked at. */
static void observe_progress(struct working *working)
{
    const flume_options *options = &working->view->flume->options;
    const flume_board *board = working->view->board;
    flume_view_status *status = &working->before;

    if (options->observer == NULL || board == NULL || now_ns() - working->observed_ns < OBSERVE_NS)
        return;
    status->state = FLUME_VIEW_REBUILDING;
    status->rebuild_total = flume_board_read(board, BOARD_TOTAL);
    status->rebuild_done = flume_board_read(board, BOARD_DONE);
    status->head = flume_log_head(working->view->flume->log);
    if (status->rebuild_total == 0 || !is_news(&working->told, status))
        return;
    options->observer(options->observer_ctx, status);
    working->observed_ns = now_ns();
    working->told = *status;
}

static int rebuild_goes_on(void *ctx)
{
    struct working *working = ctx;

    if (view_is_ending(working->view))
        return FLUME_ERR_CANCELLED;
    observe_progress(working);
    return FLUME_OK;
}

/* Take the waiters that have their answer off the list. */
static struct waiter *take_waiters(flume_view *view, uint64_t synced, bool all)
{
    struct waiter *taken = NULL, **end = &taken, **link;

    (void)pthread_mutex_lock(&view->mutex);
    for (link = &view->waiters; *link != NULL;) {
        struct waiter *waiter = *link;

        if (!all && waiter->seq > synced) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        waiter->next = NULL;
        *end = waiter;
        end = &waiter->next;
    }
    (void)pthread_mutex_unlock(&view->mutex);
    return taken;
}

static void call_waiters(struct waiter *waiter, int status)
{
    while (waiter != NULL) {
        struct waiter *next = waiter->next;

        waiter->callback(waiter->ctx, status);
        free(waiter);
        waiter = next;
    }
}

/* Those who have what they waited for, and with an error all others. */
static void answer_waiters(flume_view *view, int status)
{
    uint64_t synced = view_synced_now(view);

    call_waiters(take_waiters(view, synced, false), FLUME_OK);
    if (status != FLUME_OK)
        call_waiters(take_waiters(view, synced, true), status);
}

/* What another handle applied moves this one's descriptor too. */
static void tell_descriptor(flume_view *view)
{
    uint64_t synced, one = 1;

    if (!atomic_load(&view->has_descriptor))
        return;
    synced = view_synced_now(view);
    (void)pthread_mutex_lock(&view->mutex);
    if (synced > view->drained_synced)
        (void)!write(view->descriptor, &one, sizeof one); /* A full one is readable already. */
    (void)pthread_mutex_unlock(&view->mutex);
}

/* What the worker does next. */
enum worker_step { STEP_AGAIN, STEP_ADVANCED, STEP_HELD, STEP_REST, STEP_RETRY };

static bool is_too_early(flume_view *view)
{
    bool early;

    (void)pthread_mutex_lock(&view->mutex);
    early = now_ns() < view->retry_ns;
    (void)pthread_mutex_unlock(&view->mutex);
    return early;
}

static enum worker_step step_rebuild(struct working *working)
{
    flume_view *view = working->view;
    int status;

    if (is_too_early(view))
        return STEP_RETRY;
    if (view->flume->options.observer != NULL)
        (void)flume_view_status_of(view, &working->before); /* Not of a forked child's. */
    status = view_rebuild(view, rebuild_goes_on, working);
    if (status == FLUME_OK)
        return STEP_AGAIN;
    /* Busy: somebody else builds it. */
    if (status != FLUME_ERR_BUSY && status != FLUME_ERR_CANCELLED) {
        (void)pthread_mutex_lock(&view->mutex);
        view->retry_ns = now_ns() + RETRY_NS;
        (void)pthread_mutex_unlock(&view->mutex);
        answer_waiters(view, FLUME_ERR_VIEW);
    }
    return STEP_RETRY;
}

static bool has_failed(flume_view *view)
{
    bool failed;

    (void)pthread_mutex_lock(&view->mutex);
    failed = view->failed_for_good;
    (void)pthread_mutex_unlock(&view->mutex);
    return failed;
}

/* Whether the view has nothing to be made of, and nobody wants it. */
static bool is_dormant(flume_view *view)
{
    const flume_view_definition *definition = view->definition;
    bool wanted;

    if ((definition->flags & FLUME_VIEW_LAZY) == 0)
        return false;
    (void)pthread_mutex_lock(&view->mutex);
    wanted = view->env != NULL || view->waiting != 0 || view->waiters != NULL;
    (void)pthread_mutex_unlock(&view->mutex);
    for (size_t i = 0; !wanted && i < definition->kind_count; i++) {
        uint64_t last;

        wanted = flume_log_last(view->flume->log, definition->kinds[i], &last) != FLUME_OK ||
                 last != FLUME_SEQ_NONE;
    }
    return !wanted;
}

static enum worker_step step_once(struct working *working)
{
    flume_view *view = working->view;
    bool replace, paused;
    struct environment *env = NULL;
    uint64_t synced, head;
    int status;

    (void)pthread_mutex_lock(&view->mutex);
    replace = view->need == NEED_REPLACE;
    paused = view->paused;
    (void)pthread_mutex_unlock(&view->mutex);
    if (paused)
        return STEP_REST;
    if (replace)
        return step_rebuild(working);
    if (is_dormant(view))
        return STEP_REST;
    status = view_acquire(view, &env);
    environment_release(env);
    if (status < 0) {
        (void)view_keep_failure(view, FAILURE_PASSES, FLUME_SEQ_NONE);
        answer_waiters(view, FLUME_ERR_VIEW);
        return STEP_RETRY;
    }
    if (has_failed(view)) { /* Asked now: another handle may have made it again. */
        answer_waiters(view, FLUME_ERR_VIEW);
        return STEP_REST;
    }
    if (status == FLUME_END)
        return step_rebuild(working);
    synced = view_synced_now(view);
    head = flume_log_head(view->flume->log);
    if (synced >= head)
        return STEP_REST;
    if (gather_holds(view, synced, head, &working->holding))
        return STEP_HELD;
    status = view_advance(view, 0);
    if (status == ADVANCE_BUSY)
        return STEP_RETRY;
    if (status < 0) {
        answer_waiters(view, FLUME_ERR_VIEW);
        return STEP_RETRY;
    }
    return STEP_ADVANCED;
}

/* Sleep until there is something to do. */
static void rest(flume_view *view, uint64_t longest_ns)
{
    struct timespec until = after(longest_ns);

    (void)pthread_mutex_lock(&view->mutex);
    while (!view->kicked && !view->has_news && !view->stopping)
        if (pthread_cond_timedwait(&view->stirred, &view->mutex, &until) != 0)
            break;
    view->kicked = view->has_news = false;
    (void)pthread_mutex_unlock(&view->mutex);
}

static uint64_t longest_rest(enum worker_step step, bool look_soon)
{
    if (step == STEP_RETRY)
        return BUSY_NS;
    if (step == STEP_HELD)
        return HELD_NS;
    return look_soon ? OBSERVE_NS : IDLE_NS;
}

static bool is_time_to_settle(flume_view *view)
{
    bool due;

    (void)pthread_mutex_lock(&view->mutex);
    due = view->unsettled && now_ns() - view->settled_ns >= SETTLE_NS;
    (void)pthread_mutex_unlock(&view->mutex);
    return due;
}

/* Who moves a view settles it, unless he is killed. */
static void look_after_orphan(flume_view *view, struct standing *io_standing)
{
    uint64_t synced_seq = view_synced_now(view);

    if (synced_seq != io_standing->synced_seq)
        *io_standing = (struct standing){.synced_seq = synced_seq, .since_ns = now_ns()};
    if (io_standing->looked_after || now_ns() - io_standing->since_ns < ORPHAN_NS)
        return;
    io_standing->looked_after = true;
    view_settle_orphan(view);
}

static void *work(void *ctx)
{
    flume_view *view = ctx;
    struct working working = {.view = view, .standing = {.since_ns = now_ns()}};

    /* On Linux each thread has its own. If it is refused, the worker is as eager as the others. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE);
    while (!view_is_ending(view)) {
        uint64_t begun_ns = now_ns();
        enum worker_step step;
        bool look_soon;

        view_look_for_changes(view);
        step = step_once(&working);
        answer_waiters(view, FLUME_OK);
        tell_descriptor(view);
        look_soon = observe(&working);
        if (is_time_to_settle(view))
            view_settle(view);
        look_after_orphan(view, &working.standing);
        if (step == STEP_ADVANCED)
            gather_after_batch(view, now_ns() - begun_ns);
        else if (step != STEP_AGAIN)
            rest(view, longest_rest(step, look_soon));
    }
    (void)pthread_mutex_lock(&view->mutex);
    view->stopping = true; /* Who asks for a callback from now on is told so. */
    (void)pthread_mutex_unlock(&view->mutex);
    answer_waiters(view, FLUME_ERR_CANCELLED);
    return NULL;
}

int worker_start(flume_view *view)
{
    char name[16]; /* What the system keeps of a thread's name. */

    view->has_worker = true;
    if (pthread_create(&view->worker, NULL, work, view) != 0) {
        view->has_worker = false;
        return flume_fail(view->flume, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                          "no thread is to be had for view '%s'", view->definition->name);
    }
    (void)snprintf(name, sizeof name, "fl:%.12s", view->definition->name);
    (void)pthread_setname_np(view->worker, name); /* Only for people. */
    return FLUME_OK;
}

void worker_stop(flume_view *view)
{
    (void)pthread_mutex_lock(&view->mutex);
    view->stopping = true;
    (void)pthread_cond_broadcast(&view->moved);
    (void)pthread_cond_signal(&view->stirred);
    (void)pthread_mutex_unlock(&view->mutex);
    if (view->has_worker)
        (void)pthread_join(view->worker, NULL);
    (void)pthread_mutex_lock(&view->mutex);
    while (view->waiting > 0) /* They look at least each 100 ms. */
        (void)pthread_cond_wait(&view->moved, &view->mutex);
    (void)pthread_mutex_unlock(&view->mutex);
}

/* ---- the follower of the log ---- */

static void kick_all(flume *handle)
{
    flume_view *view;

    (void)pthread_mutex_lock(&handle->mutex);
    view = handle->views;
    (void)pthread_mutex_unlock(&handle->mutex);
    for (; view != NULL; view = view->next) /* What stands behind the first never changes. */
        if (!atomic_load(&view->retired))
            stir(view);
}

/* Until the log has a record at seq; FLUME_OK, or the handle is being closed. */
static int wait_for_record(flume *handle, uint64_t seq)
{
    static const uint8_t all[] = {FLUME_KIND_ANY};
    flume_cursor_options options = {
        .flags = FLUME_CURSOR_LIVE,
        .bounds = FLUME_GTE,
        .gte = seq,
        .kinds = all,
        .kind_count = 1,
    };
    flume_cursor *cursor;
    flume_record record;
    int status = flume_cursor_open(handle->log, &options, &cursor);
    bool stopping;

    if (status != FLUME_OK)
        return status;
    (void)pthread_mutex_lock(&handle->follower_mutex);
    stopping = handle->follower_stopping;
    handle->follower_cursor = stopping ? NULL : cursor;
    (void)pthread_mutex_unlock(&handle->follower_mutex);
    status = stopping ? FLUME_ERR_CANCELLED
                      : flume_cursor_next(cursor, FLUME_WAIT_FOREVER, &record);
    (void)pthread_mutex_lock(&handle->follower_mutex);
    handle->follower_cursor = NULL;
    (void)pthread_mutex_unlock(&handle->follower_mutex);
    flume_cursor_close(cursor);
    return status;
}

/* False: the handle is being closed. */
static bool linger(flume *handle, uint64_t ns)
{
    struct timespec until = after(ns);
    bool stopping;

    (void)pthread_mutex_lock(&handle->follower_mutex);
    while (!handle->follower_stopping)
        if (pthread_cond_timedwait(&handle->follower_moved, &handle->follower_mutex, &until) != 0)
            break;
    stopping = handle->follower_stopping;
    (void)pthread_mutex_unlock(&handle->follower_mutex);
    return !stopping;
}

static void *follow(void *ctx)
{
    flume *handle = ctx;
    uint64_t seen = 0;

    for (;;) {
        uint64_t head = flume_log_head(handle->log);

        if (head != seen) {
            seen = head;
            kick_all(handle);
            /* A declaration that cannot be read now is asked for again with the next record. */
            (void)declared_reconcile(handle, NULL);
        } else if (wait_for_record(handle, head) == FLUME_ERR_CANCELLED) {
            break;
        }
        if (!linger(handle, LINGER_NS))
            break;
    }
    return NULL;
}

int follower_start(flume *handle)
{
    handle->has_follower = true; /* Views that it adds get a worker. */
    if (pthread_create(&handle->follower, NULL, follow, handle) != 0) {
        handle->has_follower = false;
        return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE,
                          "no thread is to be had for the views");
    }
    (void)pthread_setname_np(handle->follower, "fl:views"); /* Only for people. */
    return FLUME_OK;
}

void follower_stop(flume *handle)
{
    (void)pthread_mutex_lock(&handle->follower_mutex);
    handle->follower_stopping = true;
    if (handle->follower_cursor != NULL)
        flume_cursor_cancel(handle->follower_cursor);
    (void)pthread_cond_broadcast(&handle->follower_moved);
    (void)pthread_mutex_unlock(&handle->follower_mutex);
    if (handle->has_follower)
        (void)pthread_join(handle->follower, NULL);
    handle->has_follower = false;
}
