/*
 * stop.h - being asked to stop (Ctrl-C, SIGTERM) while a cursor or a view is waited for.
 */
#ifndef REPL_STOP_H
#define REPL_STOP_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "flume/cursor.h"

struct stop {
    sigset_t signals;
    pthread_t thread; /* "fl:signal". */
    bool running;
    pthread_mutex_t mutex;
    flume_cursor *cursor; /* Guarded by mutex. NULL: there is nothing to finish. */
    unsigned held;        /* Guarded by mutex. So many look at signal by themselves. */
    atomic_int signal;    /* 0: nobody asked. Set by the thread once. */
    atomic_bool ending;   /* The thread is to return. Becomes true once. */
};

/** From now on signals are taken by a thread of its own. Before the log is opened, so that every
 * thread has them blocked. Until stop_watch() they end the process. */
void stop_begin(struct stop *stop);

/** From now on a signal cancels the cursor, and a second one ends the process. NULL: as before. */
void stop_watch(struct stop *stop, flume_cursor *cursor);

/** From now on a signal is only noted, for a loop that looks at it often; until as many releases
 * as holds. */
void stop_hold(struct stop *stop);
void stop_release(struct stop *stop);

/** Ends the thread. No cursor may be watched any more. */
void stop_end(struct stop *stop);

#endif
