/*
 * latency.c - from append to being seen by a follower (latency.h).
 *
 * The follower is a thread with a handle of its own, opened for reading, as another process would
 * have it. The next record is appended when the one before has been seen, so nothing queues.
 */
#include "latency.h"

#include <pthread.h>
#include <string.h>

#include "cancel.h"
#include "flume/cursor.h"
#include "scratch.h"

enum { RECORDS = 2000 };
#define PATIENCE_NS (5 * NS_PER_SECOND)

struct following {
    flume_log *log;
    flume_cursor *cursor;
    struct log2_bins *bins;
    pthread_mutex_t mutex;
    pthread_cond_t moved; /* With mutex: seen or status changed. */
    unsigned seen;        /* Guarded by mutex. Only rises. */
    int status;           /* Guarded by mutex. Not FLUME_OK: the follower has ended. */
};

static void say(struct following *following, int status)
{
    pthread_mutex_lock(&following->mutex);
    if (status == FLUME_OK)
        following->seen++;
    else
        following->status = status;
    pthread_cond_signal(&following->moved);
    pthread_mutex_unlock(&following->mutex);
}

static void *follow(void *argument)
{
    struct following *following = argument;
    int status = FLUME_OK;

    for (unsigned i = 0; i < RECORDS && status == FLUME_OK; i++) {
        flume_record record;
        uint64_t now, then;

        status = flume_cursor_next(following->cursor, PATIENCE_NS, &record);
        if (status == FLUME_OK && record.body_bytes == sizeof(then)) {
            now = value_monotonic_ns();
            memcpy(&then, record.body, sizeof(then));
            log2_bins_add(following->bins, now > then ? now - then : 0);
        }
        say(following, status);
    }
    return NULL;
}

static int wait_for(struct following *following, unsigned seen)
{
    int status;

    pthread_mutex_lock(&following->mutex);
    while (following->seen < seen && following->status == FLUME_OK)
        pthread_cond_wait(&following->moved, &following->mutex);
    status = following->status;
    pthread_mutex_unlock(&following->mutex);
    return status;
}

static int append_all(struct session *session, flume_log *log, struct following *following)
{
    for (unsigned i = 0; i < RECORDS; i++) {
        uint64_t now = value_monotonic_ns();
        int status;

        if (session_stopped(session) != 0)
            return FLUME_ERR_CANCELLED;
        status = flume_log_append(log, &now, sizeof(now), NULL);
        if (status == FLUME_OK)
            status = wait_for(following, i + 1);
        if (status != FLUME_OK)
            return status;
    }
    return FLUME_OK;
}

static int run_both(struct session *session, flume_log *log, struct following *following)
{
    pthread_t thread;
    int status;

    if (pthread_create(&thread, NULL, follow, following) != 0)
        return FLUME_ERR_NO_MEMORY;
    pthread_setname_np(thread, "fl:follower");
    status = append_all(session, log, following);
    if (status != FLUME_OK)
        flume_cursor_cancel(following->cursor);
    pthread_join(thread, NULL);
    return status;
}

/* The writer is open: open the follower, and let them run. */
static int measure(struct session *session, const char *path, flume_log *writer,
                   struct log2_bins *bins)
{
    flume_log_options look = {.flags = FLUME_OPEN_READ_ONLY};
    flume_cursor_options live = {.flags = FLUME_CURSOR_LIVE | FLUME_CURSOR_NEW_ONLY};
    struct following following = {
        .bins = bins, .mutex = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    int status = flume_log_open(&following.log, path, &look, NULL);

    if (status == FLUME_OK)
        status = flume_cursor_open(following.log, &live, &following.cursor);
    if (status == FLUME_OK) {
        stop_hold(session->stop);
        status = run_both(session, writer, &following);
        stop_release(session->stop);
    }
    flume_cursor_close(following.cursor);
    (void)flume_log_close(following.log); /* It was only read. */
    return status;
}

int latency_measure(struct session *session, struct log2_bins *bins)
{
    flume_log_options create = {.flags = FLUME_OPEN_CREATE};
    flume_error error = {.seq = FLUME_SEQ_NONE};
    flume_log *writer = NULL;
    struct scratch scratch;
    int status, code = scratch_make(&scratch, session, "latency");

    if (code != CODE_OK)
        return code;
    status = flume_log_open(&writer, scratch.path, &create, &error);
    if (status == FLUME_OK)
        status = measure(session, scratch.path, writer, bins);
    if (status == FLUME_ERR_CANCELLED && session_stopped(session) != 0) {
        code = cancel_say(session, NULL, "its basin is taken away");
    } else if (status != FLUME_OK) {
        code = report_status(session, status, error.status == status ? &error : NULL);
    } else {
        note(session, "%d appends to a basin of its own in %s, each seen by another handle",
             RECORDS, scratch.directory);
    }
    (void)flume_log_close(writer); /* The basin goes away. */
    scratch_remove(&scratch);
    return code;
}
