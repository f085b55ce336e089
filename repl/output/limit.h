/*
 * limit.h - how many rows a command shows: -n N, else .limit of the shell, else all.
 *
 * Where .limit left rows out, a note says so; where -n did, that was asked for.
 */
#ifndef REPL_LIMIT_H
#define REPL_LIMIT_H

#include "session.h"

struct limit {
    uint64_t rows_max, rows;
    bool is_setting; /* Of the shell, not of the command line. */
    bool is_cut;
};

/** @param option  The command's -n. */
void limit_init(struct limit *limit, const struct session *session, enum option_id option);

/** Whether one more row may be shown, which is counted then. */
bool limit_take(struct limit *limit);

/** Whether it is worth while to look for one more row: to show it, or to know that it is left
 * out. */
bool limit_wants_more(const struct limit *limit);

/** At the end. */
void limit_note(const struct limit *limit, struct session *session);

#endif
