/*
 * watch.h - `.watch 1 status`: a command again and again, redrawn in place.
 */
#ifndef REPL_WATCH_H
#define REPL_WATCH_H

struct dot_call;

/** Until Ctrl-C, which is its ordinary end, or as often as -n says. On a terminal what has changed
 * is redrawn; elsewhere each run is written behind the other, and -n is needed. The last run's exit
 * code. */
int watch_run(const struct dot_call *call);

#endif
