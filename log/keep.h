/*
 * keep.h - keeping in lost+found/ what a repair replaces.
 *
 * What always holds: nothing in lost+found/ is overwritten; a copy is complete and synced before
 * its original is replaced.
 */
#ifndef FLUME_KEEP_H
#define FLUME_KEEP_H

#include "inspection.h"

/* Copy folder/name to lost+found/, and sync the copy. What the disk does not give is left out.
 * FLUME_OK also where there is no such file. */
int keep_copy(struct inspection *inspection, const char *folder, const char *name,
              struct path *out_copy);

/* Copy the first bytes_max bytes of log/name, or all if there are fewer, to a file in log/ that is
 * not kept but worked on, and sync it. One that is there is replaced. Where the name is a link, so
 * is the copy's, to another file in the same directory. */
int keep_copy_as(struct inspection *inspection, const char *name, uint64_t first_seq,
                 uint64_t bytes_max, const struct path *copy);

/* Tell it where log/name is a link, and log/work, which takes its place, could not be one. */
int keep_tell_place(struct inspection *inspection, const char *name, const char *work);

/* Move folder/name to lost+found/. FLUME_OK also where there is no such file. */
int keep_move(struct inspection *inspection, const char *folder, const char *name);

/* Sync the basin's directory `name`; "" is the basin itself. */
int keep_sync(struct inspection *inspection, const char *name);

#endif
