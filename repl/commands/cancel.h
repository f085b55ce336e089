/*
 * cancel.h - ending a command in its midst (Ctrl-C, SIGTERM), and saying what was done.
 *
 * A command that can take long stands between cancel_begin() and cancel_end(), looks at
 * session_stopped() at least ten times a second, undoes what is not to be left half-done, and ends
 * with cancel_report(). In a shell the prompt comes back; alone the program ends with 128 + signal.
 */
#ifndef REPL_CANCEL_H
#define REPL_CANCEL_H

#include "session.h"

/** From here on signals are only noted. Where a basin is opened: behind that, which may wait for
 * somebody (and session_take_signals() before it). */
void cancel_begin(struct session *session);
void cancel_end(struct session *session);

/* What was done; all but `done` and `did` may be 0 and NULL. */
struct cancelled {
    uint64_t done, total; /* total 0: unknown. */
    const char *units;    /* "records"; "bytes": they are shown as a size. NULL: no numbers. */
    const char *did;      /* "exported". */
    const char *remedy;   /* How to go on. */
};

/** Say it on stderr, in one line: "cancelled: 12,480 of 100,000 records exported; ...". As JSON an
 * object of type "cancelled". Returns 128 + the signal. */
int cancel_report(struct session *session, const struct cancelled *cancelled);

/** The same in words. `remedy` may be NULL. */
int cancel_say(struct session *session, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
