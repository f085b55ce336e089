/*
 * basin.h - the directory: its settings, and making it.
 */
#ifndef FLUME_BASIN_H
#define FLUME_BASIN_H

#include "handle.h"

/* Read flume.conf into the handle. FLUME_ERR_NO_BASIN: there is none. */
int basin_read(flume_log *log);

/* Make the directories of a basin; harmless where they are. The basin's own first. */
int basin_make_directories(flume_log *log);

/* Write flume.conf, TAIL and sync what names them: from then on there is a basin. Under the
 * gate. */
int basin_make(flume_log *log, uint64_t strata_bytes);

/* Write flume.conf from the handle's settings in place of what there is. Syncs no directory. */
int basin_write_conf(flume_log *log);

/* Remove what is not part of the log and belongs to nobody: files made ahead, batches before their
 * commit. Only while nobody else is attached. */
void basin_sweep(flume_log *log);

#endif
