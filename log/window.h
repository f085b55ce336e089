/*
 * window.h - the writable window of the active strata, and the next one, made ready ahead.
 *
 * The windows are small so that a wild pointer of the recording program can reach little, and so
 * that an open log costs little address space. While a log is appended to fast, the preparer has
 * the pages of the next window ready for stores, and unmaps the last one: both take several times
 * as long as what is appended in between is long (measured: a fifth of an append of 1,000 bytes).
 */
#ifndef FLUME_WINDOW_H
#define FLUME_WINDOW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct flume_log;

/* Bytes from .. to - 1 of the active strata, writable. data NULL: none, and from = to = 0. */
struct window {
    uint8_t *data;
    uint64_t from, to;
};

/* What the appender has for the preparer. */
struct windows {
    pthread_mutex_t mutex;  /* Guards the next four; no other is taken under it. */
    struct window next;     /* Mapped. */
    bool is_touched;        /* The next one's pages are ready. */
    struct window last;     /* To be unmapped. */
    _Atomic uint64_t moves; /* Raised when `next` no longer is the next one. */
    uint64_t moved_ns;      /* Monotonic, when it moved last. Guarded by the append mutex. */
};

/*
 * Have the writer's window begin at or before `from` of the active strata, which the writer is set
 * up for; it may end before a large grain does. Expects the append mutex.
 *
 * @return FLUME_OK, or the status of a failed call, which is told in the handle.
 */
int windows_move(struct flume_log *log, uint64_t from);

/* Leave the active strata: no window, no next one. Expects the append mutex. */
void windows_drop(struct flume_log *log);

/* On the preparer's thread: get the next window ready, unmap the last one. Short where there is
 * nothing to do. */
void windows_work(struct flume_log *log);

#endif
