/*
 * delta.c - supersets that are stored as what they add (FLUME_RECORDER_STORE_DELTA).
 *
 * What always holds:
 *   - A delta adds to a full record, never to another delta: who reads it reads two records.
 */
#include "recorder_inside.h"

int delta_plan(flume_recorder *recorder, flume_scope *scope, uint64_t seq,
               const struct scope_record *related, struct scope_stamp *io_stamp)
{
    const struct scope_record *base = related;
    int status = FLUME_OK;

    if ((recorder->options.flags & FLUME_RECORDER_STORE_DELTA) == 0)
        return FLUME_OK;
    /* What is added to lies within what adds to it, and so within this scope. */
    if (related->form == SCOPE_RECORD_DELTA) {
        seq = related->target_seq;
        status = overlay_read(recorder->overlay, seq, &base);
    }
    if (status != FLUME_OK || !scope_record_is_base(scope, base))
        return status;
    io_stamp->form = SCOPE_RECORD_DELTA;
    io_stamp->target_seq = seq;
    io_stamp->target_pairs = &base->identity;
    return FLUME_OK;
}
