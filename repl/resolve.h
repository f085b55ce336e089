/*
 * resolve.h - from a reference to the seq that it means in a log.
 */
#ifndef REPL_RESOLVE_H
#define REPL_RESOLVE_H

#include "session.h"

/* Where a reference stands in the command line, for errors. */
struct reference_place {
    int token;
    size_t at;
};

/**
 * first and last are the oldest and newest record that `log` shows: no manifests.
 *
 * @return CODE_OK, or the code of what was reported: CODE_NO where there is no such record.
 */
int resolve(struct session *session, flume_log *log, const struct reference *reference,
            struct reference_place place, uint64_t *out_seq);

/** The same where a position is meant, not a record: a seq means itself, up to the head. */
int resolve_position(struct session *session, flume_log *log, const struct reference *reference,
                     struct reference_place place, uint64_t *out_seq);

/** Bounds for a cursor; a seq behind the end is no error here. */
int resolve_range(struct session *session, flume_log *log, const struct operand *operand,
                  flume_cursor_options *io_options);

/** The seq of the record so many steps before the newest one; FLUME_SEQ_NONE if there is none.
 * FLUME_OK or an error of the library. */
int resolve_last(flume_log *log, uint64_t steps_back, uint64_t *out_seq);

#endif
