/*
 * rescue.h - what recovery and repair do with files: probe them, and keep what leaves the log.
 */
#ifndef FLUME_RESCUE_H
#define FLUME_RESCUE_H

#include "strata.h"

/*
 * Read the whole file once with pread, so that a medium error is an error and no signal. It may
 * pass, so nothing is concluded from it.
 *
 * @param out_used  Receives where the bytes end that are not all zero, below the strata's limit.
 */
int rescue_probe(flume_log *log, struct strata *strata, uint64_t *out_used);

/* A name in lost+found/ that nothing has yet: the one given, or with a number behind it. */
int rescue_free_name(flume_log *log, const char *name, struct path *out_path);

/* Move a strata with its slots to lost+found/, and sync both directories. */
int rescue_move_strata(flume_log *log, uint64_t first_seq);

/* A file under a temporary name that is a strata (its rename was lost in a machine stop) goes to
 * lost+found/. false: it is none, or could not be moved. */
bool rescue_keep_unnamed(flume_log *log, const struct path *path);

/* Copy what is not zero behind end_offset to lost+found/, and sync it. Adds to the handle's
 * recovery report; with `save` false does only that. */
int rescue_save_tail(flume_log *log, const struct strata *strata, uint64_t end_offset, bool save);

/* Write slots (little-endian, footer->count + 1 of them) and footer of a strata that nothing is
 * appended to any more. Fills in the check of the slots. Best effort: where they cannot be written,
 * slots are rebuilt on first use. */
void rescue_write_slots(flume_log *log, struct strata *strata, const uint32_t *slots,
                        struct strata_footer *footer);

/* Zero the header of the grain at an offset, behind what was saved of it, and sync: it will never
 * read again. */
int rescue_void(flume_log *log, struct strata *strata, uint64_t offset);

#endif
