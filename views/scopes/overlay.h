/*
 * overlay.h - containment as of the log's very head: a snapshot of the view "superset", and in
 * memory what was appended since.
 *
 * So a verdict needs no commit of the view: the view follows in its own time, and now and then the
 * overlay takes a newer snapshot, for what it has in memory of it.
 *
 *   overlay_bring(overlay, below_seq, ask);       Under the lane: every scope below it is known.
 *   overlay_ask(overlay, pairs, &answer);
 *   ... append the scope at seq ...
 *   overlay_add(overlay, pairs, seq);             Or let the next overlay_bring() read it.
 *
 * What always holds:
 *   - What it answers is what brute force over all scopes below overlay_position() would.
 *   - After an error it holds nothing, and overlay_bring() begins afresh.
 *   - It holds a snapshot while it is in use: overlay_rest() lets go of it.
 *
 * Threads: one at a time.
 */
#ifndef VIEWS_SCOPES_OVERLAY_H
#define VIEWS_SCOPES_OVERLAY_H

#include "containment.h"
#include "scope_record.h"
#include "flume/view.h"

struct overlay;

/** @param handle        Must outlive it.
 * @param memory_bytes  flume_recorder_options.memory_bytes.
 * @return FLUME_OK; FLUME_ERR_NO_MEMORY; as flume_view_find(). */
int overlay_create(flume *handle, uint64_t memory_bytes, struct overlay **out_overlay);
/** NULL is harmless. */
void overlay_destroy(struct overlay *overlay);

/**
 * Know every scope below a seq.
 *
 * @param below_seq  At most the head. Where it stands farther already it stays there.
 * @param ask        How long it may wait for the view, where that has to be waited for; flags do
 *                   not count. NULL: without limit.
 * @return FLUME_OK, or as flume_view_read() and flume_cursor_next().
 */
int overlay_bring(struct overlay *overlay, uint64_t below_seq, const flume_ask *ask);

/** Which scopes it knows: all below this seq. */
uint64_t overlay_position(const struct overlay *overlay);

/** What a scope is to all of them. @return FLUME_OK, an error. */
int overlay_ask(struct overlay *overlay, const struct scope_pairs *pairs,
                struct containment_answer *out_answer);

/** The largest of them, of equal ones the newest, that has all of core and lies strictly within a
 * scope.
 * @param core     Lies within the scope.
 * @param out_seq  FLUME_SEQ_NONE: there is none. Nor is there if the scope itself is known. */
int overlay_ask_between(struct overlay *overlay, const struct scope_pairs *core,
                        const struct scope_pairs *pairs, uint64_t *out_seq);

/** The scope at a seq, which it may have read just now. Valid until the next call on the overlay.
 * @return as scope_record_read(). */
int overlay_read(struct overlay *overlay, uint64_t seq, const struct scope_record **out_record);

/** The id of the scope that the last overlay_ask() found to be the same. False: it is not known. */
bool overlay_same_id(const struct overlay *overlay, uint8_t out_id[FLUME_HASH_BYTES]);

/** Know a scope that was just appended at seq: at least overlay_position(), and no other scope
 * stands between. Where its keys are new and too much would have to be gone over for them, the next
 * overlay_bring() waits for the view instead. @return FLUME_OK, an error. */
int overlay_add(struct overlay *overlay, const struct scope_pairs *pairs, uint64_t seq);

/** Let go of the snapshot and of all memory that is not small. The next overlay_bring() begins
 * afresh. */
void overlay_rest(struct overlay *overlay);

/** So many scopes may be added before a newer snapshot is taken; 0: the default. For tests. */
void overlay_limit(struct overlay *overlay, size_t scopes_max);

/** So many records may be gone over to take up a shape. For tests. */
void overlay_limit_backfill(struct overlay *overlay, uint64_t records_max);

#endif
