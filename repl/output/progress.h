/*
 * progress.h - how far long work has come, on stderr.
 *
 * Nothing appears within the first half second. On a terminal a bar is drawn, at most ten times a
 * second, as wide as the terminal is then; with --json an object a second; with --progress plain a
 * line each ten seconds; else nothing. Rate and time left are shown after two seconds. SIGUSR1
 * (blocked by stop_begin()) has a line written at once, whatever the form.
 *
 * What always holds: while a bar is on the screen the cursor stands before it, so that a terminal
 * that breaks the line when it gets narrower still leaves all of it behind the cursor.
 */
#ifndef REPL_PROGRESS_H
#define REPL_PROGRESS_H

#include "session.h"

enum progress_form { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_JSON };
enum progress_unit { PROGRESS_BYTES, PROGRESS_COUNT };

struct progress {
    struct session *session;
    const char *what;
    size_t number,
        count; /* Of several pieces of work, this is the number-th. count 0: it is one. */
    enum progress_form form;
    enum progress_unit unit;
    uint64_t begun_ns;
    uint64_t looked_ns; /* When the clock and SIGUSR1 were looked at. 0: not yet. */
    uint64_t shown_ns;  /* 0: not yet. */
    uint64_t first;     /* What was done already at the first look. */
    const char *why;    /* What the work is done for; NULL or "": not known. Borrowed. */
    uint64_t fresh;     /* What has arrived since and is not in the total; set by the caller. */
    bool is_drawn;      /* A bar is on the screen. */
    bool has_blocks;    /* The terminal has U+2588. */
};

void progress_begin(struct progress *progress, struct session *session, const char *what,
                    enum progress_unit unit);

/** This is one of `count` pieces of work. */
void progress_count(struct progress *progress, size_t number, size_t count);

/** @param total  0: unknown. The same from the first call to the last: what comes later is
 *               `fresh`. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total);

/** Take the bar away. */
void progress_end(struct progress *progress);

/** Seconds since it began. */
double progress_seconds(const struct progress *progress);

#endif
