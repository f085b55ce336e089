/*
 * gather.h - when the worker of a view lets records gather, because nobody waits for them.
 *
 * A batch writes each page of the view that it touches once, for however many records; and a strata
 * that is sealed can be taken whole, by some views, for a part of what its records cost.
 */
#ifndef VIEWS_GATHER_H
#define VIEWS_GATHER_H

#include "inside.h"

/* What a worker remembers of a view that it holds back. Begins as all zero. */
struct holding {
    uint64_t synced_seq; /* Where the view stands, */
    uint64_t since_ns;   /* and since when. 0: nothing is known. */
    uint64_t head;       /* Of the log when it was last looked at, */
    uint64_t moved_ns;   /* and when that was another one. */
    uint64_t asked_ns;   /* When the view was last seen to have been asked. 0: never. */
};

/**
 * Whether to leave records to be for now: the view can take them as a strata that is about to be
 * sealed, nobody asks, and more are being appended.
 *
 * @param head  Of the log, above synced_seq.
 */
bool gather_holds(flume_view *view, uint64_t synced_seq, uint64_t head, struct holding *io_holding);

/** Rest after a batch that took so long; not while somebody waits. */
void gather_after_batch(flume_view *view, uint64_t worked_ns);

#endif
