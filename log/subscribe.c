/*
 * subscribe.c - a cursor with a thread that calls back.
 *
 * What always holds:
 *   - The callback runs on the subscription's thread with no lock held.
 *   - The position is that of the next record to deliver: it passes a record right before the
 *     callback gets it, never for one that is withheld or does not read.
 *   - Whoever unsubscribes joins the thread and frees, except on a subscription's own thread: there
 *     nobody waits; the thread frees the subscription itself when it ends.
 */
#include "flume/subscribe.h"

#include <stdio.h>
#include <string.h>

#include "cursors.h"
#include "position.h"

enum { SAVE_INTERVAL_NS = 100000000 };

/* On such a thread nobody waits for another such thread, of whichever log: they could be waiting
 * for each other. */
static _Thread_local bool on_subscription_thread;

struct flume_subscription {
    flume_log *log;
    flume_cursor *cursor;
    flume_on_record callback;
    flume_on_end on_end;
    void *ctx;
    char name[FLUME_SUBSCRIPTION_NAME_BYTES_MAX + 1];
    struct position position; /* file -1: it has no name. */
    uint64_t saved_ns;
    uint64_t last_check;
    pthread_t thread;
    _Atomic uint32_t stopping; /* Becomes 1 once: no further callback. */
    bool abandoned;            /* Guarded by subscriptions_mutex: the thread frees it. */
    flume_subscription *next;  /* Guarded by subscriptions_mutex. */
};

static int save(flume_subscription *subscription)
{
    uint64_t seq = flume_cursor_position(subscription->cursor);

    if (subscription->position.file < 0)
        return FLUME_OK;
    subscription->saved_ns = subscription->log->io->monotonic_ns(subscription->log->io->ctx);
    if (seq > 0 && seq != subscription->position.seq) {
        flume_record before;

        /* Not the last record delivered: filters may have passed over what came after it. */
        if (flume_log_get(subscription->log, seq - 1, &before) == FLUME_OK) {
            subscription->last_check = before.check;
            flume_record_release(&before);
        }
    }
    return position_save(&subscription->position, seq, subscription->last_check);
}

static bool save_is_due(const flume_subscription *subscription)
{
    const flume_io *io = subscription->log->io;

    return subscription->position.file >= 0 &&
           io->monotonic_ns(io->ctx) - subscription->saved_ns >= SAVE_INTERVAL_NS;
}

/* Deliver until something ends it. */
static int deliver(flume_subscription *subscription)
{
    flume_record record;
    int status;

    for (;;) {
        status = flume_cursor_next(subscription->cursor, 0, &record);
        if (status == FLUME_ERR_TIMEOUT) {
            status = save(subscription); /* Caught up: the best moment. */
            if (status == FLUME_OK)
                status = flume_cursor_next(subscription->cursor, FLUME_WAIT_FOREVER, &record);
        }
        if (status != FLUME_OK)
            return status;
        if (atomic_load(&subscription->stopping) != 0)
            return FLUME_ERR_CANCELLED; /* The next one of this name gets the record. */
        cursor_pass(subscription->cursor);
        if (subscription->callback(subscription->ctx, &record) != 0)
            return FLUME_END;
        if (save_is_due(subscription))
            status = save(subscription);
        if (status != FLUME_OK)
            return status;
    }
}

static void unlink_locked(flume_subscription *subscription)
{
    flume_subscription **link = &subscription->log->subscriptions;

    while (*link != NULL && *link != subscription)
        link = &(*link)->next;
    if (*link == subscription)
        *link = subscription->next;
}

static void subscription_free(flume_subscription *subscription)
{
    flume_log *log = subscription->log;

    position_close(&subscription->position);
    flume_cursor_close(subscription->cursor);
    memory_release(&log->allocator, subscription);
}

static void end_by_itself(flume_subscription *subscription, int status, flume_error *error)
{
    if (subscription->on_end == NULL || atomic_load(&subscription->stopping) != 0)
        return;
    error->status = status;
    subscription->on_end(subscription->ctx, status, error);
}

static void *subscription_loop(void *ctx)
{
    flume_subscription *subscription = ctx;
    flume_log *log = subscription->log;
    flume_error error = {.seq = FLUME_SEQ_NONE};
    bool abandoned;
    int status;

    on_subscription_thread = true;
    (void)pthread_setname_np(pthread_self(), "fl:sub");
    status = deliver(subscription);
    if (status < 0)
        flume_log_error(log, &error); /* Before saving, which may meet something of its own. */
    (void)save(subscription);         /* Best effort: without it, records are delivered again. */
    end_by_itself(subscription, status, &error);
    (void)pthread_mutex_lock(&log->subscriptions_mutex);
    abandoned = subscription->abandoned;
    if (abandoned) {
        unlink_locked(subscription);
        (void)pthread_detach(pthread_self());
        subscription_free(subscription);
        (void)pthread_cond_broadcast(&log->subscriptions_moved);
    }
    (void)pthread_mutex_unlock(&log->subscriptions_mutex);
    return NULL;
}

static int subscription_begin(flume_subscription *subscription,
                              const flume_subscribe_options *options)
{
    flume_cursor_options cursor_options = options->cursor;
    int status = FLUME_OK;

    if (options->name != NULL) {
        status = position_open(subscription->log, options->name, &subscription->position);
        if (status == FLUME_OK)
            status = position_check(&subscription->position, options->name);
        if (status != FLUME_OK)
            return status;
        (void)snprintf(subscription->name, sizeof subscription->name, "%s", options->name);
        subscription->last_check = subscription->position.check;
    }
    if (options->name != NULL && !subscription->position.is_new) {
        cursor_options.flags &= ~(unsigned)FLUME_CURSOR_NEW_ONLY;
        cursor_options.bounds = (cursor_options.bounds & ~(unsigned)FLUME_GT) | FLUME_GTE;
        cursor_options.gte = subscription->position.seq;
    }
    cursor_options.flags |= FLUME_CURSOR_LIVE;
    status = flume_cursor_open(subscription->log, &cursor_options, &subscription->cursor);
    if (status == FLUME_OK)
        subscription->cursor->holds =
            true; /* Its position is what was delivered, not what was read. */
    return status;
}

int flume_subscribe(flume_log *log, const flume_subscribe_options *options,
                    flume_on_record callback, void *ctx, flume_subscription **out_subscription)
{
    static const flume_subscribe_options from_the_start = {.name = NULL};
    flume_subscription *subscription;
    int status = log_guard(log);

    if (status != FLUME_OK)
        return status;
    if (callback == NULL || out_subscription == NULL)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE, "the callback is NULL");
    if (options == NULL)
        options = &from_the_start;
    subscription = memory_allocate_zeroed(&log->allocator, 1, sizeof *subscription);
    if (subscription == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory for a subscription");
    subscription->log = log;
    subscription->callback = callback;
    subscription->on_end = options->on_end;
    subscription->ctx = ctx;
    subscription->position.file = -1;
    subscription->position.log = log;
    status = subscription_begin(subscription, options);
    if (status != FLUME_OK) {
        subscription_free(subscription);
        return status;
    }
    (void)pthread_mutex_lock(&log->subscriptions_mutex);
    *out_subscription = subscription; /* Before the callback can look for it. */
    status = thread_start(&subscription->thread, subscription_loop, subscription);
    if (status == FLUME_OK) {
        subscription->next = log->subscriptions;
        log->subscriptions = subscription;
    }
    (void)pthread_mutex_unlock(&log->subscriptions_mutex);
    if (status == FLUME_OK)
        return FLUME_OK;
    *out_subscription = NULL;
    subscription_free(subscription);
    return log_fail(log, status, 0, FLUME_SEQ_NONE, "cannot start a thread for a subscription");
}

void flume_unsubscribe(flume_subscription *subscription)
{
    flume_log *log;
    bool must_not_wait = on_subscription_thread;

    if (subscription == NULL || log_guard(subscription->log) != FLUME_OK)
        return;
    log = subscription->log;
    atomic_store(&subscription->stopping, 1);
    (void)pthread_mutex_lock(&log->subscriptions_mutex);
    if (must_not_wait)
        subscription->abandoned = true; /* Its thread frees it; if that has ended, close does. */
    else
        unlink_locked(subscription);
    flume_cursor_cancel(subscription->cursor);
    (void)pthread_mutex_unlock(&log->subscriptions_mutex);
    if (must_not_wait)
        return;
    (void)pthread_join(subscription->thread, NULL);
    subscription_free(subscription);
}

int subscriptions_stop(flume_log *log)
{
    flume_subscription *subscription;

    if (on_subscription_thread)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "a log cannot be closed from a subscription's callback");
    (void)pthread_mutex_lock(&log->subscriptions_mutex);
    while (log->subscriptions != NULL) {
        subscription = log->subscriptions;
        atomic_store(&subscription->stopping, 1);
        flume_cursor_cancel(subscription->cursor);
        unlink_locked(subscription);
        subscription->abandoned = false; /* We join it, whoever was to free it. */
        (void)pthread_mutex_unlock(&log->subscriptions_mutex);
        (void)pthread_join(subscription->thread, NULL);
        subscription_free(subscription);
        (void)pthread_mutex_lock(&log->subscriptions_mutex);
    }
    (void)pthread_mutex_unlock(&log->subscriptions_mutex);
    return FLUME_OK;
}

uint64_t flume_subscription_position(const flume_subscription *subscription)
{
    return flume_cursor_position(subscription->cursor);
}

int flume_subscription_remembered(flume_log *log, const char *name, uint64_t *out_seq)
{
    struct position position;
    int status = log_guard(log);

    if (status != FLUME_OK)
        return status;
    status = position_look(log, name, &position);
    if (status != FLUME_OK)
        return status;
    status = position_check(&position, name);
    if (status == FLUME_OK)
        *out_seq = position.seq;
    return status;
}

int flume_subscription_forget(flume_log *log, const char *name)
{
    struct position position;
    struct path path;
    int error;
    int status = log_guard(log);

    if (status == FLUME_OK)
        status = position_look(log, name, &position);
    if (status == FLUME_OK)
        status = position_open(log, name, &position);
    if (status != FLUME_OK)
        return status;
    log_path(log, "subs", name, &path);
    error = log->io->unlink(log->io->ctx, path.text);
    position_close(&position);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "remove", path.text);
}
