/*
 * asking.h - asking views: until when to wait, what is seen of the waiting, and what to say when it
 * was in vain.
 *
 * By default a question is answered as of the head at that moment, however long the views take; on
 * a terminal a bar appears after half a second. --timeout, --as-of, --stale-ok and Ctrl-C change
 * that.
 */
#ifndef REPL_ASKING_H
#define REPL_ASKING_H

#include "progress.h"

enum { ASKING_VIEWS_MAX = 16 };

struct asking {
    struct session *session;
    flume_ask ask; /* For the library. */
    const char *views[ASKING_VIEWS_MAX];
    size_t view_count;
    struct progress progress;
    char shown[FLUME_VIEW_NAME_BYTES_MAX + 1];          /* The view that the bar is of. */
    char why[sizeof(((flume_view_status *)NULL)->why)]; /* And why it is rebuilt; "": it is not. */
    uint64_t looked_ns;                                 /* When give_up last looked at the views, */
    uint64_t rebuild_done, rebuild_total;               /* and what it saw of a rebuild. */
    uint64_t from;  /* Where the one that is shown stood then first. */
    bool is_shown;  /* from is set. */
    uint64_t head;  /* Of the log then. */
    bool holds;     /* Signals are noted only. */
    uint64_t given; /* Rows or records shown so far, for who cancels. */
};

/**
 * Begin to ask. Signals are only noted from here on.
 *
 * @param view  The view that answers; others by asking_add(). NULL: none yet.
 * @return CODE_OK, or the code of what was reported (--as-of names no record). asking_end() always.
 */
int asking_begin(struct asking *asking, struct session *session, const char *view);

/** Another view that is waited for; one that is known already counts once. More than
 * ASKING_VIEWS_MAX are not looked at. */
void asking_add(struct asking *asking, const char *view);

/** The waiting is over: takes the bar away. */
void asking_end(struct asking *asking);

/** Under --stale-ok, say as of when the views answer. Before the question. */
void asking_note_stale(struct asking *asking);

/** Report what a question was answered with. Returns the code to end with. */
int asking_report(struct asking *asking, int status);

/** Whether a signal came since. */
bool asking_stopped(const struct asking *asking);

/** The handle's view of this name has this status; false if there is none. */
bool asking_look(struct session *session, const char *view, flume_view_status *out_status);

#endif
