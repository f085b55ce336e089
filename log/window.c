/*
 * window.c - moving the writer's window, and getting the next one ready.
 *
 * What always holds: each window is in one place, the writer, `next`, `last`, or the hands of the
 * preparer, and whoever takes it out puts it elsewhere or unmaps it. Nothing but this is done under
 * the mutex, so the appender never waits for the preparer: it maps another window instead of one
 * that is being touched.
 */
#include "window.h"

#include "strata.h"
#include "sync.h"

enum {
    WINDOW_BYTES = 4 << 20,
    WINDOW_ALIGN = 64 << 10,
    WINDOW_ZERO_BYTES = 1 << 20,
    TOUCH_BYTES = 256 << 10, /* In one go. */
    FAST_NS = 1000000000     /* Windows that last longer do not need one ready. */
};

static void unmap(flume_log *log, struct window window)
{
    if (window.data != NULL)
        log->io->unmap(log->io->ctx, window.data, (size_t)(window.to - window.from));
}

static struct window window_take(struct window *window)
{
    struct window taken = *window;

    *window = (struct window){0};
    return taken;
}

/*
 * Where nobody has written zeros ahead, do so for this window: behind the end everything is ours
 * while we hold the mutex. The page faults of a window cost ten times as much on space that was
 * merely allocated.
 */
static int write_zeros(flume_log *log, uint64_t from, uint64_t to)
{
    int error = io_write_zeros(log->io, log->writer.strata->write_file, from, to);

    if (error != 0)
        return log_fail_io(log, error, "write to the active strata in", log->path);
    log->head->active_zeroed_to = to;
    return FLUME_OK;
}

/* Map from .. to - 1 into *out_window. 0 or a negative errno. */
static int map(flume_log *log, uint64_t from, uint64_t to, struct window *out_window)
{
    void *data;
    int error = log->io->map(log->io->ctx, log->writer.strata->write_file, from,
                             (size_t)(to - from), true, &data);

    if (error == 0)
        *out_window = (struct window){data, from, to};
    return error;
}

static uint64_t least(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static int map_at(flume_log *log, uint64_t at, struct window *out_window)
{
    uint64_t from = at / WINDOW_ALIGN * WINDOW_ALIGN;
    uint64_t to = from + WINDOW_BYTES;
    uint64_t zeroed_to = log->head->active_zeroed_to;
    int status = FLUME_OK;
    int error;

    if (to > zeroed_to)
        to = zeroed_to > from + WINDOW_ZERO_BYTES ? zeroed_to : from + WINDOW_ZERO_BYTES;
    to = least(to, log->writer.strata->file_bytes);
    if (to > zeroed_to)
        status = write_zeros(log, at > zeroed_to ? at : zeroed_to, to);
    if (status != FLUME_OK)
        return status;
    error = map(log, from, to, out_window);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "map the active strata in", log->path);
}

/* The window behind this one, if zeros have been written there. Not having it costs only speed. */
static struct window map_next(flume_log *log, uint64_t from)
{
    struct window next = {0};
    uint64_t to = least(from + WINDOW_BYTES, log->head->active_zeroed_to);

    if (from % WINDOW_ALIGN == 0 && to > from)
        (void)map(log, from, to, &next);
    return next;
}

/* What the preparer has taken is of no use any more: it unmaps it. */
static struct window next_take_locked(struct windows *windows)
{
    (void)atomic_fetch_add_explicit(&windows->moves, 1, memory_order_relaxed);
    return window_take(&windows->next);
}

int windows_move(flume_log *log, uint64_t from)
{
    struct windows *windows = &log->windows;
    struct window *window = &log->writer.window;
    uint64_t now_ns = log->io->monotonic_ns(log->io->ctx);
    struct window last = window_take(window), next;
    bool fast = now_ns - windows->moved_ns < FAST_NS;
    int status = FLUME_OK;

    windows->moved_ns = now_ns;
    (void)pthread_mutex_lock(&windows->mutex);
    next = next_take_locked(windows);
    (void)pthread_mutex_unlock(&windows->mutex);
    if (next.data != NULL && from >= next.from && from < next.to) {
        *window = next;
    } else {
        unmap(log, next);
        status = map_at(log, from, window);
    }
    next = fast && status == FLUME_OK ? map_next(log, window->to) : (struct window){0};
    (void)pthread_mutex_lock(&windows->mutex);
    windows->next = next;
    windows->is_touched = false;
    if (fast && windows->last.data == NULL)
        windows->last = window_take(&last);
    (void)pthread_mutex_unlock(&windows->mutex);
    unmap(log, last);
    if (fast)
        preparer_wake(log);
    return status;
}

void windows_drop(flume_log *log)
{
    struct windows *windows = &log->windows;
    struct window next, last;

    (void)pthread_mutex_lock(&windows->mutex);
    next = next_take_locked(windows);
    last = window_take(&windows->last);
    (void)pthread_mutex_unlock(&windows->mutex);
    unmap(log, next);
    unmap(log, last);
    unmap(log, window_take(&log->writer.window));
}

/* Have its pages ready, as long as the appender has not come by without it. */
static void touch(flume_log *log, struct window window, uint64_t moves)
{
    const flume_io *io = log->io;

    for (uint64_t at = window.from;
         at < window.to && atomic_load_explicit(&log->windows.moves, memory_order_relaxed) == moves;
         at += TOUCH_BYTES)
        io->touch(io->ctx, window.data + (at - window.from),
                  (size_t)(least(at + TOUCH_BYTES, window.to) - at));
}

void windows_work(flume_log *log)
{
    struct windows *windows = &log->windows;
    struct window next = {0}, last;
    uint64_t moves;

    (void)pthread_mutex_lock(&windows->mutex);
    moves = atomic_load_explicit(&windows->moves, memory_order_relaxed);
    if (!windows->is_touched && log->io->touch != NULL)
        next = window_take(&windows->next);
    (void)pthread_mutex_unlock(&windows->mutex);
    touch(log, next, moves);
    (void)pthread_mutex_lock(&windows->mutex);
    if (next.data != NULL && atomic_load_explicit(&windows->moves, memory_order_relaxed) == moves) {
        windows->next = window_take(&next);
        windows->is_touched = true;
    }
    last = window_take(&windows->last);
    (void)pthread_mutex_unlock(&windows->mutex);
    unmap(log, next);
    unmap(log, last);
}
