/*
 * sync.h - making what was appended durable, and the threads that do so off the append path.
 */
#ifndef FLUME_SYNC_H
#define FLUME_SYNC_H

#include "handle.h"

/* Make everything below `target` durable; one caller syncs for all. */
int sync_to(flume_log *log, uint64_t target);

/* A sync has failed, and with it all that was not durable may be gone: poison HEAD for every
 * process, and give back the status. Under sync_mutex. */
int sync_failed(flume_log *log, int error, const char *what, const char *path);

/* Write and sync the tail gate if it is behind `durable`. */
int gate_bring_up(flume_log *log);

/* Read TAIL: the newest sound slot. false: there is none. *out_error (may be NULL): 0, or the
 * error that the medium gave for a slot, which may have been the newest. */
struct gate {
    uint64_t generation;
    uint64_t seq;
    uint64_t check; /* Of the grain seq - 1. */
};
bool gate_read(flume_log *log, struct gate *out_gate, int *out_error);

/* One slot of TAIL, if it is sound; and the basin that a sound one belongs to, whichever it is. */
enum { GATE_SLOTS = 2, GATE_SLOT_BYTES = 4096 };
bool gate_slot(flume_log *log, unsigned index, struct gate *out_gate);
bool gate_basin(flume_log *log, uint8_t out_id[16]);

/* 0, or the error that the medium gives for a slot: what it says is not known. */
int gate_slot_error(flume_log *log, unsigned index);

/* Write the gate, after the sync that covers it. */
int gate_write(flume_log *log, uint64_t seq);

/* Make TAIL anew and sync it (creation, repair). */
int gate_create(flume_log *log, uint64_t seq, uint64_t check);

/* Paranoid: what was just synced is read from the disk, past the page cache where that can be,
 * and compared. */
struct table;
int read_back(flume_log *log, const struct table *table, uint64_t from_seq, uint64_t to_seq);

/* The same for a file in log/ that has been synced and verified by what the page cache has of
 * it. */
int read_back_file(flume_log *log, const char *name, uint64_t bytes);

/* Helper threads. Start and stop with the handle; `soon` wakes them (cheap, any thread). */
int helpers_start(flume_log *log);
void helpers_stop(flume_log *log);
void sync_soon(flume_log *log);
void prepare_soon(flume_log *log);

/* Have the preparer look for what there is to do. */
void preparer_wake(flume_log *log);

/* roll.c: make the next strata ahead, unless somebody does. */
void prepare_next(flume_log *log);

/* Close the files of strata that were sealed since: as long as one is open, the disk space of the
 * raw form is not free. Where somebody syncs, they are left for the next time. */
void sync_close_raw(flume_log *log);

#endif
