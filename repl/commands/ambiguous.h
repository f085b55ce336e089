/*
 * ambiguous.h - what the beginning of a hash may mean, as the message that refuses it shows it.
 */
#ifndef REPL_AMBIGUOUS_H
#define REPL_AMBIGUOUS_H

#include "report.h"
#include "session.h"
#include "text.h"

/* So many are asked for and shown, and so much of what each holds. */
enum { AMBIGUOUS_MAX = 10, AMBIGUOUS_CELLS = 40 };

/* Starts out as all zero; stays where it is, for its detail points into it. */
struct ambiguous {
    struct text lines, json; /* A line each, and as JSON values. */
    struct report_detail detail;
};

/** Begins a candidate (ambiguous_begin()), says what tells it from others, and ends it. */
typedef void ambiguous_add(struct session *session, const flume_hash_candidate *candidate,
                           struct ambiguous *ambiguous);

/** Gather what is shown of `count` candidates, of which the first AMBIGUOUS_MAX are there, and the
 * detail of a report at `place` that shows it. */
void ambiguous_gather(struct ambiguous *ambiguous, struct session *session,
                      struct reference_place place, const flume_hash_candidate *candidates,
                      size_t count, ambiguous_add *add);

/** Hash, seq and time ("": not known). What follows goes behind lines and json. */
void ambiguous_begin(struct ambiguous *ambiguous, const flume_hash_candidate *candidate,
                     const char *time);
void ambiguous_end(struct ambiguous *ambiguous);

void ambiguous_deinit(struct ambiguous *ambiguous);

#endif
