/*
 * append.h - the append path, and what sets right what a dead appender left.
 */
#ifndef FLUME_APPEND_H
#define FLUME_APPEND_H

#include "item.h"
#include "writer.h"

/* Take the append mutex; what a dead owner left is put in order first, and whatever forbids
 * appending is an error (the mutex is not held then). */
int append_lock(flume_log *log);
void append_unlock(flume_log *log);

/* A condition against HEAD, under the append mutex: FLUME_OK or FLUME_ERR_CONFLICT. */
int condition_check_locked(flume_log *log, const flume_condition *condition);

/*
 * Bring HEAD and the active strata back to where the last publish left them: finish or drop a
 * roll, zero what lies behind the end, recount the kinds. May be repeated.
 */
int append_restore_locked(flume_log *log);

/* Open a new active strata with room for need_bytes of grains; HEAD moves to it. */
int roll_locked(flume_log *log, uint64_t need_bytes);

/* Size of the strata that follows one of active_bytes. */
uint64_t roll_next_bytes(const flume_log *log, uint64_t active_bytes, uint64_t need_bytes);

/* Tell HEAD that log/<first_seq>.strata is the active one now. */
void roll_publish_locked(flume_log *log, uint64_t first_seq, const struct strata_header *header);

/* Fill in a header for a strata that follows the active one. */
int roll_header_locked(flume_log *log, uint64_t first_seq, uint64_t file_bytes,
                       struct strata_header *out_header);

/* Append this writer's manifest alone, at the end of the active strata, and publish it. */
int append_manifest_locked(flume_log *log, uint64_t offset);

/* Append a batch larger than a full-size strata as a strata of its own. */
int append_large(flume_log *log, struct item *items, size_t count, const flume_condition *condition,
                 uint64_t *out_first_seq);

/* For flume_log_stat(): this handle has appended so much. */
void append_count_locked(flume_log *log, size_t records, uint64_t bytes);

/* What the profile asks for after an append of records up to and with seq. */
int append_settle(flume_log *log, uint64_t seq);

/* The handle's manifest as an item; repeated says whether it stands in an earlier strata. */
void manifest_item(flume_log *log, struct item *out_item);

#endif
