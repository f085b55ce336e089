/*
 * lane.c - one at a time, over all processes (flume/lane.h): robust mutexes of HEAD that guard
 * nothing of the log's own.
 */
#include "flume/lane.h"

#include "handle.h"
#include "wait.h"

static const char *const lane_names[FLUME_LANES] = {
    [FLUME_LANE_SCOPE] = "scope",
    [FLUME_LANE_KEY] = "key",
};

int flume_lane_enter(flume_log *log, enum flume_lane lane)
{
    int status = log_guard(log);
    struct head_lane *shared;

    if (status != FLUME_OK)
        return status;
    if ((unsigned)lane >= FLUME_LANES)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "there is no lane %u, only 0 to %d", (unsigned)lane, FLUME_LANES - 1);
    if (log->read_only)
        return log_fail(log, FLUME_ERR_READ_ONLY, 0, FLUME_SEQ_NONE,
                        "%s was opened to read only: who enters a lane means to append", log->path);
    shared = &log->head->lanes[lane];
    status = mutex_take(log, &shared->mutex, &shared->owner, lane_names[lane]);
    if (status != MUTEX_INHERITED)
        return status;
    mutex_inherit(&shared->mutex); /* What the dead one did is in the log. */
    return FLUME_OK;
}

void flume_lane_leave(flume_log *log, enum flume_lane lane)
{
    if ((unsigned)lane < FLUME_LANES && log_guard(log) == FLUME_OK)
        mutex_drop(&log->head->lanes[lane].mutex);
}
