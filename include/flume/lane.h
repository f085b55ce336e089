/*
 * lane.h - one at a time, over all processes: for who must look before he appends.
 *
 * A lane is a lock that all processes attached to a basin share. Who has to look up whether
 * something was recorded before, and appends if not, enters the lane of his class first: of two at
 * once the second one finds what the first has appended. Everybody else appends as ever; a lane is
 * no lock of the log.
 *
 * Nothing has to be put in order when a process dies inside: what it did is in the log, or was not
 * done. The lane is free at once.
 *
 * What takes long is not done in a lane. Who computes what others may be about to compute as well
 * holds a name for as long as it takes: others who want the same name wait, look whether it is
 * done, and do it themselves if it is not.
 */
#ifndef FLUME_LANE_H
#define FLUME_LANE_H

#include "flume/log.h"

#ifdef __cplusplus
extern "C" {
#endif

enum flume_lane {
    FLUME_LANE_SCOPE = 0, /* Verdicts on scopes, and what is remembered of them. */
    FLUME_LANE_KEY = 1    /* Ids of the record store. */
};
enum { FLUME_LANES = 2 };

/**
 * Enter a lane; it must be left by the same thread. Not to be entered twice. Whoever is inside may
 * read, append, sync and ask views, but should not wait for anything that takes long.
 *
 * @return FLUME_OK; FLUME_ERR_BUSY (a living process has been inside for lock_timeout_ns; it is
 *         named), FLUME_ERR_READ_ONLY, FLUME_ERR_INVALID (no such lane), FLUME_ERR_FORKED.
 */
FLUME_API int flume_lane_enter(flume_log *log, enum flume_lane lane);

/** Leave a lane that this thread has entered. */
FLUME_API void flume_lane_leave(flume_log *log, enum flume_lane lane);

/* ---- what takes long ---- */

typedef struct flume_hold flume_hold;

/**
 * Hold a name: of all that want the same one, through whatever handles and in whatever processes,
 * one has it. It is free when it is let go, or its process dies; programs that it has started do
 * not keep it. Who waits looks again after 1 ms, rising to 50 ms; of several the first to look gets
 * it.
 *
 * @param name        Any bytes, at least one. Borrowed. Names are told apart by 61 bits of their
 *                    hash.
 * @param timeout_ns  0: without limit. 1: not at all.
 * @param give_up     Asked each time; true: FLUME_ERR_CANCELLED. NULL: nobody.
 * @param out_hold    Ended by flume_hold_end(), before the log is closed.
 * @return FLUME_OK; FLUME_ERR_BUSY (another has it), FLUME_ERR_CANCELLED, FLUME_ERR_READ_ONLY,
 *         FLUME_ERR_INVALID, FLUME_ERR_NO_MEMORY, FLUME_ERR_FORKED, FLUME_ERR_IO.
 * Threads: any.
 */
FLUME_API int flume_hold_begin(flume_log *log, const void *name, size_t name_bytes,
                               uint64_t timeout_ns, bool (*give_up)(void *ctx), void *ctx,
                               flume_hold **out_hold);

/** Let a name go. NULL is harmless. */
FLUME_API void flume_hold_end(flume_hold *hold);

#ifdef __cplusplus
}
#endif
#endif
