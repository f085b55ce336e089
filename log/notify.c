/*
 * notify.c - descriptors for poll loops: one thread per handle and end serves all cursors.
 *
 * What always holds: a descriptor is readable whenever its cursor's end lies beyond its position,
 * at the latest one wake of the notifier later; flume_cursor_next() clears it where it finds
 * nothing, and looks once more after clearing.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cursors.h"

enum { NOTIFY_WAIT_NS = 1000000000, NOTIFY_PAUSE_NS = 1000000 };

struct notifier {
    flume_log *log;
    enum wait_end end;
    pthread_t thread;
    _Atomic uint32_t stopping;
    flume_cursor *cursors; /* Guarded by notify_mutex. */
};

static void signal_locked(flume_cursor *cursor)
{
    uint64_t one = 1;
    ssize_t written;

    if (cursor->signalled)
        return;
    cursor->signalled = true;
    written = write(cursor->descriptor, &one, sizeof one);
    (void)written; /* Only a full counter refuses, and that is readable. */
}

/* Signal whoever has something to read. */
static void signal_all(struct notifier *notifier, uint64_t end)
{
    flume_log *log = notifier->log;

    (void)pthread_mutex_lock(&log->notify_mutex);
    for (flume_cursor *cursor = notifier->cursors; cursor != NULL; cursor = cursor->next_notified) {
        if (end > atomic_load(&cursor->position))
            signal_locked(cursor);
    }
    (void)pthread_mutex_unlock(&log->notify_mutex);
}

static uint64_t end_seen(struct notifier *notifier)
{
    return notifier->end == WAIT_HEAD ? head_seen(notifier->log) : durable_seen(notifier->log);
}

static void *notify_loop(void *ctx)
{
    struct notifier *notifier = ctx;
    flume_log *log = notifier->log;
    struct waiter waiter = {0};
    uint64_t end = 0;

    (void)pthread_setname_np(pthread_self(), "fl:notify");
    while (atomic_load(&notifier->stopping) == 0) {
        if (wait_beyond(log, notifier->end, end, NOTIFY_WAIT_NS, &notifier->stopping, &waiter) !=
            FLUME_OK)
            continue;
        end = end_seen(notifier);
        signal_all(notifier, end);
        waiter.found_ns = 0;
        log->io->sleep(log->io->ctx, NOTIFY_PAUSE_NS); /* At most so often on a busy log. */
    }
    return NULL;
}

/* Under notify_mutex. */
static int notifier_start(flume_log *log, enum wait_end end)
{
    struct notifier *notifier;

    if (log->notifiers[end] != NULL)
        return FLUME_OK;
    notifier = memory_allocate_zeroed(&log->allocator, 1, sizeof *notifier);
    if (notifier == NULL)
        return FLUME_ERR_NO_MEMORY;
    notifier->log = log;
    notifier->end = end;
    if (thread_start(&notifier->thread, notify_loop, notifier) != FLUME_OK) {
        memory_release(&log->allocator, notifier);
        return FLUME_ERR_NO_MEMORY;
    }
    log->notifiers[end] = notifier;
    return FLUME_OK;
}

int flume_cursor_descriptor(flume_cursor *cursor, int *out_descriptor)
{
    flume_log *log = cursor->log;
    enum wait_end end = cursor_end(cursor);
    int status = log_guard(log);

    if (status != FLUME_OK)
        return status;
    if ((cursor->flags & FLUME_CURSOR_LIVE) == 0)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "only a live cursor has a descriptor");
    (void)pthread_mutex_lock(&log->notify_mutex);
    if (cursor->descriptor < 0) {
        int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        status = descriptor < 0 ? FLUME_ERR_IO : notifier_start(log, end);
        if (status == FLUME_OK) {
            cursor->descriptor = descriptor;
            cursor->next_notified = log->notifiers[end]->cursors;
            log->notifiers[end]->cursors = cursor;
            signal_locked(cursor); /* What is there already; next() clears it if nothing is. */
        } else if (descriptor >= 0) {
            (void)close(descriptor);
        }
    }
    if (status == FLUME_OK)
        *out_descriptor = cursor->descriptor;
    (void)pthread_mutex_unlock(&log->notify_mutex);
    if (status != FLUME_OK)
        return log_fail(log, status, errno, FLUME_SEQ_NONE, "cannot make a descriptor");
    return FLUME_OK;
}

void notify_clear(flume_cursor *cursor)
{
    flume_log *log = cursor->log;
    uint64_t end = cursor_end(cursor) == WAIT_HEAD ? head_seen(log) : durable_seen(log);
    uint64_t count;
    ssize_t bytes;

    (void)pthread_mutex_lock(&log->notify_mutex);
    if (cursor->descriptor >= 0 && end <= atomic_load(&cursor->position)) {
        bytes = read(cursor->descriptor, &count, sizeof count);
        (void)bytes; /* Nothing to read is as good. */
        cursor->signalled = false;
        end = cursor_end(cursor) == WAIT_HEAD ? head_seen(log) : durable_seen(log);
        if (end > atomic_load(&cursor->position))
            signal_locked(cursor); /* The notifier may have looked while it was signalled. */
    }
    (void)pthread_mutex_unlock(&log->notify_mutex);
}

void notify_remove(flume_cursor *cursor)
{
    flume_log *log = cursor->log;
    flume_cursor **link;

    (void)pthread_mutex_lock(&log->notify_mutex);
    if (cursor->descriptor >= 0) {
        link = &log->notifiers[cursor_end(cursor)]->cursors;
        while (*link != cursor)
            link = &(*link)->next_notified;
        *link = cursor->next_notified;
        (void)close(cursor->descriptor);
        cursor->descriptor = -1;
    }
    (void)pthread_mutex_unlock(&log->notify_mutex);
}

void notify_stop(flume_log *log)
{
    for (size_t i = 0; i < NOTIFIERS; i++) {
        struct notifier *notifier = log->notifiers[i];

        if (notifier == NULL)
            continue;
        atomic_store(&notifier->stopping, 1);
        wake_all(log);
        (void)pthread_join(notifier->thread, NULL);
        memory_release(&log->allocator, notifier);
        log->notifiers[i] = NULL;
    }
}
