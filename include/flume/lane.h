/*
 * lane.h - one at a time, over all processes: for who must look before he appends.
 *
 * A lane is a lock that all processes attached to a basin share. Who has to look up whether something
 * was recorded before, and appends if not, enters the lane of his class first: of two at once the second
 * one finds what the first has appended. Everybody else appends as ever; a lane is no lock of the log.
 *
 * Nothing has to be put in order when a process dies inside: what it did is in the log, or was not
 * done. The lane is free at once.
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
 * @return FLUME_OK; FLUME_ERR_BUSY (a living process has been inside for lock_timeout_ns; it is named),
 *         FLUME_ERR_READ_ONLY, FLUME_ERR_INVALID (no such lane), FLUME_ERR_FORKED.
 */
FLUME_API int flume_lane_enter(flume_log *log, enum flume_lane lane);

/** Leave a lane that this thread has entered. */
FLUME_API void flume_lane_leave(flume_log *log, enum flume_lane lane);

#ifdef __cplusplus
}
#endif
#endif
