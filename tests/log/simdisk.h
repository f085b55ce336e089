/*
 * simdisk.h - a disk in memory that can lose power, behind the table of io.h.
 *
 * A file's live content is the page cache: a memfd, so that mappings, offsets and futexes are the
 * kernel's own. Beside it stands what the disk holds. sync() copies live to disk for one file,
 * sync_directory() does it for one directory's names; in between, sectors of 512 bytes go to the
 * disk at random moments, as writeback does.
 *
 * A machine stop takes a picture of what a disk may then hold: of each sector that differs from the
 * disk's, the old or the new one; of space that was never written, zeros or junk; of the names that
 * were not synced, some. After it every call fails with -EIO until simdisk_restart(), which puts
 * the picture in place and changes the boot id.
 *
 * What always holds:
 *   - What a successful sync covered is in every later picture, until it is written again.
 *   - The same seed and the same sequence of calls give the same disk.
 *   - Each simulated process has its own table; killing it closes its files, frees its locks and
 *     ends its threads at their next call, as SIGKILL would.
 */
#ifndef SIMDISK_H
#define SIMDISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flume/io.h"

struct simdisk;

/* Which names a machine stop may lose. */
enum simdisk_names {
    SIMDISK_NAMES_JOURNAL = 0, /* Those after some moment: a journal was cut there. */
    SIMDISK_NAMES_WILD = 1     /* Any of those not synced, each for itself. */
};

#define SIMDISK_ROOT "/disk" /* The one directory that is there from the start. */

enum { SIMDISK_SECTOR_BYTES = 512, SIMDISK_PROCESSES_MAX = 64 };

struct simdisk *simdisk_create(uint64_t seed);

/* Nothing may be open on it any more. NULL is harmless. */
void simdisk_destroy(struct simdisk *disk);

/* A table for one more simulated process. Valid until the disk is destroyed. */
const flume_io *simdisk_process(struct simdisk *disk);

/* End that process: see above. The calling thread must not be one of the process's. */
void simdisk_kill(const flume_io *process);

/* The process kills itself at its call number `calls` from now, before or after doing it. */
void simdisk_kill_after(const flume_io *process, uint64_t calls);

bool simdisk_killed(const flume_io *process);

/* Wait until every thread of a killed process has ended. Gives back whether they have. */
bool simdisk_reap(const flume_io *process);

void simdisk_set_names(struct simdisk *disk, enum simdisk_names names);

/* What all files together may take; 0: no limit. Beyond it, -ENOSPC. */
void simdisk_set_space(struct simdisk *disk, uint64_t bytes);

/* One call in so many is followed by writeback of a few sectors; 0: never. */
void simdisk_set_writeback(struct simdisk *disk, unsigned one_in);

/* Writeback of some dirty sectors, now. */
void simdisk_write_back(struct simdisk *disk);

/* What becomes of a process whose sync fails. */
enum simdisk_after_failure {
    SIMDISK_HEARS = 0, /* The call answers -EIO. */
    SIMDISK_DIES = 1   /* It is killed before it can say so to anybody. */
};

/* The sync number `nth` (1: the next) by this process of a file whose path contains `part` fails as
 * Linux lets it fail: some of the sectors reach the disk, all pages are clean from then on, and
 * each descriptor opened before reports the error once. */
void simdisk_fail_sync(const flume_io *process, uint64_t nth, const char *part,
                       enum simdisk_after_failure after);

/* Whether the sync that simdisk_fail_sync() asked for has come. */
bool simdisk_sync_failed(struct simdisk *disk);

/* The machine stops at call number `calls` from now (1: the next); 0: it does not. */
void simdisk_stop_after(struct simdisk *disk, uint64_t calls);

/* The machine stops now, if it has not. */
void simdisk_stop(struct simdisk *disk);
bool simdisk_stopped(struct simdisk *disk);

/* The machine comes up again with what the stop left. Every file must have been closed. */
void simdisk_restart(struct simdisk *disk);

/* The machine goes down in order: everything is on the disk, and only the boot id changes. */
void simdisk_reboot(struct simdisk *disk);

/* XXH3 over the names and contents that count after a machine stop: all but HEAD, LOCK and slots,
 * which no recovery may believe. */
uint64_t simdisk_hash(struct simdisk *disk);

/* Calls so far that reach files or names. */
uint64_t simdisk_calls(struct simdisk *disk);

/* What nobody has given back. */
size_t simdisk_open_files(struct simdisk *disk);
size_t simdisk_open_maps(struct simdisk *disk);

/* A file's live content, for tests that damage it: *out_bytes long. NULL: no such file. */
uint8_t *simdisk_content(struct simdisk *disk, const char *path, size_t *out_bytes);

/* Give a name a file of this content, and take a name away; on the disk at once. */
void simdisk_put(struct simdisk *disk, const char *path, const void *content, size_t bytes);
void simdisk_remove(struct simdisk *disk, const char *path);

/* The nth name that the disk has, in no particular order; NULL: there are no more. */
const char *simdisk_name(struct simdisk *disk, size_t index);

/* Pseudo-random numbers, splitmix64. */
uint64_t simdisk_random(uint64_t *state);

/* A number below `limit` (> 0). */
static inline uint64_t simdisk_random_below(uint64_t *state, uint64_t limit)
{
    return simdisk_random(state) % limit;
}

#endif
