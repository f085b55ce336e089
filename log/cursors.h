/*
 * cursors.h - what subscriptions and descriptors need of a cursor.
 */
#ifndef FLUME_CURSORS_H
#define FLUME_CURSORS_H

#include "flume/cursor.h"
#include "handle.h"
#include "read.h"
#include "wait.h"

struct flume_cursor {
    flume_log *log;
    unsigned flags;
    uint64_t from, to;         /* from <= seq < to. */
    _Atomic uint64_t position; /* The next seq; in reverse one above it. */
    bool holds; /* What next() gives or fails at stays the next one until cursor_pass(). */
    uint64_t limit, given;
    uint64_t skipped;
    uint64_t since_ns, until_ns;
    uint64_t kinds[4];  /* A bit a kind. */
    bool chooses_kinds; /* Not just all but manifests. */
    bool is_plain;      /* Forward, over all but perhaps manifests, without a limit. Fixed. */
    char label[FLUME_LABEL_BYTES_MAX + 1];
    _Atomic uint32_t cancelled;
    struct waiter waiter;

    struct lent lent;    /* The raw strata that was read last. */
    struct block *block; /* Of a sealed strata: the one that was read last, held. NULL: none. */

    /* Where the next grain lies if the walk goes on in the same raw strata: no slot is needed
     * then. */
    struct strata *run; /* NULL: not known. */
    uint64_t run_seq,
        run_to; /* The grain at run_offset; the run ends before run_to, where the cursor's
                                 range or what is published ends, too. */
    uint64_t run_offset;
    uint64_t run_layout; /* HEAD's layout_count, as of which */
    bool run_is_newest;  /* the run is in the newest strata. */
    uint64_t seen_end;   /* What the end was when it was last looked at; 0: not known. */
    uint64_t strata_from,
        strata_to; /* Records of a strata that was looked at and not passed over. */

    /* Descriptor. Guarded by notify_mutex. */
    int descriptor; /* -1: none. */
    bool signalled;
    flume_cursor *next_notified;
};

/* Which end a cursor follows. */
static inline enum wait_end cursor_end(const flume_cursor *cursor)
{
    return (cursor->flags & FLUME_CURSOR_DURABLE) != 0 ? WAIT_DURABLE : WAIT_HEAD;
}

/* Step over what next() has just given. Only where the cursor holds. */
static inline void cursor_pass(flume_cursor *cursor)
{
    uint64_t position = atomic_load_explicit(&cursor->position, memory_order_relaxed);

    /* Only its own thread moves it, so no locked instruction is needed. */
    atomic_store_explicit(&cursor->position, position + 1, memory_order_relaxed);
}

/* Undo the signal, unless there is more to read. Called where next() found nothing. */
void notify_clear(flume_cursor *cursor);
/* Stop signalling and close the descriptor. */
void notify_remove(flume_cursor *cursor);
/* At close of the log. */
void notify_stop(flume_log *log);

/* Stop and join all subscriptions of a log. FLUME_ERR_INVALID on one of their threads. */
int subscriptions_stop(flume_log *log);

#endif
