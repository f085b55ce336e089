/*
 * position.h - what a named subscription remembers: subs/NAME.
 */
#ifndef FLUME_POSITION_H
#define FLUME_POSITION_H

#include "handle.h"

/* An open subs/NAME, locked for this process. */
struct position {
    flume_log *log;
    int file; /* -1: not open. */
    uint64_t generation;
    uint64_t seq;
    uint64_t check;
    bool is_new;
};

/* Open or make it. FLUME_ERR_BUSY: another holds it; FLUME_ERR_INVALID: the name. */
int position_open(flume_log *log, const char *name, struct position *out_position);

/* Read it without a lock, closed again. FLUME_ERR_NOT_FOUND: nothing is remembered. */
int position_look(flume_log *log, const char *name, struct position *out_position);

/* FLUME_ERR_REWOUND if the grain before it is not the one remembered. */
int position_check(const struct position *position, const char *name);

int position_save(struct position *position, uint64_t seq, uint64_t check);
void position_close(struct position *position);

#endif
