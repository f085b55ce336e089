/*
 * attach.h - becoming one of the processes that share a basin, and leaving.
 */
#ifndef FLUME_ATTACH_H
#define FLUME_ATTACH_H

#include "handle.h"

/* Before attaching: whether there is a basin; with FLUME_OPEN_CREATE its directories are made. */
int attach_look(flume_log *log);

/*
 * Attach: take the gate, recover if nobody else is there, enter the table. With
 * FLUME_OPEN_CREATE makes the basin if it is not there, with strata of strata_bytes. An observer
 * (no write permission, opened read-only) only looks.
 */
int attach(flume_log *log, uint64_t strata_bytes);

/* Leave; the last one marks HEAD closed if nothing in it is amiss. */
void detach(flume_log *log);

/* Entries of the table whose owner lives. Calls back for each; returns how many. */
typedef void (*attach_visit)(void *ctx, const struct head_attach *entry, bool self);
unsigned attach_list(flume_log *log, attach_visit visit, void *ctx);

/* "2026-11-21T09:41:07Z" */
void time_text(uint64_t time_ns, char target[32]);

#endif
