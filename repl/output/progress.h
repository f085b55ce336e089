/*
 * progress.h - how far long work has come, on stderr.
 *
 * Nothing appears within the first half second; a bar is redrawn at most ten times a second, on a
 * terminal only; rate and time left are shown after two seconds. With --json an object a second,
 * with --progress plain a line each ten seconds.
 */
#ifndef REPL_PROGRESS_H
#define REPL_PROGRESS_H

#include "session.h"

enum progress_form { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_JSON };
enum progress_unit { PROGRESS_BYTES, PROGRESS_COUNT };

struct progress {
    struct session *session;
    const char *what;
    enum progress_form form;
    enum progress_unit unit;
    uint64_t begun_ns;
    uint64_t shown_ns; /* 0: not yet. */
    size_t cells;      /* Of the bar on the screen now. */
};

void progress_begin(struct progress *progress, struct session *session, const char *what,
                    enum progress_unit unit);

/** @param total  0: unknown. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total);

/** Take the bar away. */
void progress_end(struct progress *progress);

/** Seconds since it began. */
double progress_seconds(const struct progress *progress);

#endif
