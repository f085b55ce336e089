/*
 * recover.h - establishing where the log ends when nobody who knew is left.
 */
#ifndef FLUME_RECOVER_H
#define FLUME_RECOVER_H

#include "handle.h"

enum recover_mode {
    RECOVER_CHANGING, /* Save what is cut in lost+found/, rebuild slots. */
    RECOVER_LOOKING   /* Change nothing: an observer. */
};

/*
 * After a machine stop, or where HEAD cannot be believed: scan from what is known durable on, and
 * set HEAD's words. The mutexes are left alone.
 *
 * @param durable  What HEAD of this boot vouches for, although it is not believed otherwise; or 0.
 * @param is_copy  The basin was copied while it was open: whatever does not read is a torn tail.
 */
int recover_machine_stop(flume_log *log, enum recover_mode mode, bool is_copy, uint64_t durable);

/*
 * After processes died and the machine went on: HEAD is right; finish what they were at and see
 * that every grain below head is there.
 *
 * @return FLUME_OK, an error, or FLUME_ERR_NOT_FOUND: HEAD does not agree with the files.
 */
int recover_process_death(flume_log *log);

#endif
