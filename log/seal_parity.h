/*
 * seal_parity.h - the parity of a strata that is being sealed: in its file, in a file beside it, or
 * both.
 *
 * What always holds: a side file has its name, durably, before the sealed strata that it belongs
 * to; and a sealed strata that was not to have one finds none of an earlier attempt beside it.
 */
#ifndef FLUME_SEAL_PARITY_H
#define FLUME_SEAL_PARITY_H

#include "seal_file.h"

#define SEAL_PARITY_TEMPORARY_NAME "seal.parity.tmp" /* In log/. Recovery removes it. */

/* Bytes of the section in the file, if it begins at this offset; 0: the plan wants none. */
uint64_t seal_parity_bytes(const struct seal_plan *plan, uint64_t section_at);

/* Bytes of the side file; 0: the plan wants none. */
uint64_t seal_parity_side_bytes(const struct seal_plan *plan, const struct sealed_footer *footer);

/* Say in a footer page which side file the plan wants. */
void seal_parity_announce(const struct seal_plan *plan, struct sealed_footer *footer);

/*
 * Make the side file that a footer page speaks of anew, and give it its name.
 *
 * @param footer  Of it count first seq, strata id, salt, file_bytes, and the two numbers of cells.
 * @param file    The strata's, which is sound.
 */
int seal_parity_renew(flume_log *log, const struct sealed_footer *footer, int file);

/*
 * Work out the parity of a file that is complete but for it, and read it back against the file. The
 * side file is written under its temporary name and synced; the strata's own is the caller's to
 * sync.
 */
int seal_parity_write(flume_log *log, const struct seal_plan *plan,
                      const struct sealed_footer *footer, int file);

/* Compare the file with its parity as it lies there. */
int seal_parity_verify(flume_log *log, const struct seal_plan *plan,
                       const struct sealed_footer *footer, int file);

/* Give the side file its name; where the plan wants none, remove one that lies there. Before the
 * strata's rename. */
int seal_parity_publish(flume_log *log, const struct seal_plan *plan);

/* Remove the temporary side file, if there is one. */
void seal_parity_drop(flume_log *log);

#endif
