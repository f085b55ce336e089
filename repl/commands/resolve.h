/*
 * resolve.h - from a reference to the seq that it means in a log.
 */
#ifndef REPL_RESOLVE_H
#define REPL_RESOLVE_H

#include "session.h"

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

/** The same for an operand that the parser took for a text. */
int resolve_word(struct session *session, const struct operand *operand, uint64_t *out_seq);

/** The one hash that begins with these digits, and its oldest record. As resolve(). */
int resolve_hash(struct session *session, const char *digits, struct reference_place place,
                 flume_hash_candidate *out_candidate);

/** Report that there is no such label (bookmark), and what may have been meant. CODE_NO. */
int resolve_refuse_label(struct session *session, const char *label, struct reference_place place);
int resolve_refuse_bookmark(struct session *session, const char *name,
                            struct reference_place place);

/** Bounds for a cursor; a seq behind the end is no error here. */
int resolve_range(struct session *session, flume_log *log, const struct operand *operand,
                  flume_cursor_options *io_options);

/** The seq of the record so many steps before the newest one; FLUME_SEQ_NONE if there is none.
 * FLUME_OK or an error of the library. */
int resolve_last(struct session *session, flume_log *log, uint64_t steps_back, uint64_t *out_seq);

#endif
