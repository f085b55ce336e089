/*
 * stop.h - being asked to stop (Ctrl-C, SIGTERM, SIGHUP).
 *
 * Signals are taken by a thread, because nothing that a cursor does is allowed in a signal handler.
 * A program that runs one command has a struct stop for that command; a shell has one for all of
 * them, in which they are only ever noted: at Ctrl-C the command that runs ends, or the line that
 * is being typed is dropped; at the others the shell ends. A system call that the main thread is
 * still in a moment later (a fifo that nobody opens, a reader that has stopped) ends with EINTR.
 */
#ifndef REPL_STOP_H
#define REPL_STOP_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "flume/cursor.h"

/* What a signal does while nobody holds and no cursor is watched. */
enum stop_manner { STOP_ENDS_PROCESS, STOP_IS_NOTED };

struct stop {
    enum stop_manner manner;
    sigset_t signals;
    pthread_t thread;      /* "fl:signal". */
    pthread_t main_thread; /* Where signals are noted: whose system calls a signal ends. */
    bool running;
    int descriptor; /* An eventfd, readable from a signal to stop_clear(). -1: none. */
    pthread_mutex_t mutex;
    flume_cursor *cursor; /* Guarded by mutex. NULL: there is nothing to finish. */
    pid_t child;          /* Guarded by mutex. What signals are sent on to; 0: nobody. */
    unsigned held;        /* Guarded by mutex. So many look at signal by themselves. */
    atomic_int signal;    /* 0: nobody asked. Set by the thread. */
    atomic_bool ending;   /* The thread is to return. Becomes true once. */
};

/** From now on signals are taken by a thread of its own. Before the log is opened, so that every
 * thread has them blocked. */
void stop_begin(struct stop *stop, enum stop_manner manner);

/** From now on a signal cancels the cursor, and a second one ends the process. Where signals are
 * noted, a second SIGINT says that the first one is being followed, and any other one ends the
 * process. What is not done some seconds after a SIGTERM or SIGHUP is not waited for. NULL: as
 * before. */
void stop_watch(struct stop *stop, flume_cursor *cursor);

/** From now on a signal is only noted, for a loop that looks at it often; until as many releases
 * as holds. */
void stop_hold(struct stop *stop);
void stop_release(struct stop *stop);

/** From now on each signal is noted and sent on to this child of the process, and does nothing
 * else, however often it comes and however long the child takes. What the terminal sends (Ctrl-C)
 * the child has got already. To be ended, by 0, before the child is waited for: its id is another's
 * then. */
void stop_send_on(struct stop *stop, pid_t child);

/** The signal that came since the last clear, or 0. */
int stop_asked(const struct stop *stop);
/** Before the next command: nobody has asked. A signal that asks the shell itself to end stays. */
void stop_clear(struct stop *stop);

/** Ends the thread. No cursor may be watched any more. */
void stop_end(struct stop *stop);

#endif
