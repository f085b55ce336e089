/*
 * vetting.h - what a careful profile looks at before it writes to a basin.
 */
#ifndef FLUME_VETTING_H
#define FLUME_VETTING_H

#include "handle.h"

enum vetting_depth {
    VET_OUTLINES =
        1,          /* Headers, footers, file sizes, and that each strata follows the one before. */
    VET_RECORDS = 2 /* All of that and every byte, as flume_check() does. */
};

/*
 * Look at an attached basin, beside whoever writes to it. Changes nothing.
 *
 * @return FLUME_OK; FLUME_ERR_DAMAGED with a detail that names the first damage;
 *         FLUME_ERR_TAIL_LOST, FLUME_ERR_VERSION, FLUME_ERR_IO, FLUME_ERR_NO_MEMORY.
 */
int vet(flume_log *log, enum vetting_depth depth);

#endif
