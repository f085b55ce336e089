/*
 * fuzz_world.h - what fuzz targets over whole basins share: a steady world with limits, and what
 * was written in it.
 *
 * What always holds:
 *   - No more memory is taken than the world was created with, and no file is made longer than
 *     FUZZ_FILE_MAX: who asks for more memory ends the process, who asks for a longer file is
 *     refused.
 *   - What is found wrong ends the process with a word on stderr; libFuzzer keeps the input.
 */
#ifndef FLUME_FUZZ_WORLD_H
#define FLUME_FUZZ_WORLD_H

#include <stdbool.h>

#include "flume/flume.h"

enum { FUZZ_FILE_MAX = 64 << 20, FUZZ_RECORDS_MAX = 1024 };

/* End the process unless it is so; `what` says what it is instead. */
void require(bool condition, const char *what);

/* An empty world. One at a time, as steady_io.h says; steady_io_destroy() ends it. */
void fuzz_world_create(flume_io *out_io, size_t allocation_max);

/* Make the folders of a basin "b". */
void fuzz_world_make_folders(const flume_io *io);

/* Counts what is taken. All handles of the world are to use it. */
const flume_allocator *fuzz_allocator(void);

/* Nothing that was taken is left. */
void fuzz_require_released(void);

/* --- What was written ------------------------------------------------------------------------- */

struct fuzz_written {
    uint64_t digests[FUZZ_RECORDS_MAX]; /* By seq. */
    uint64_t head;
};

/* Of what the record's writer said; a repair may give it another check. Reads every byte. */
uint64_t fuzz_record_digest(const flume_record *record);

/* All records of a log, each of which is to read. */
void fuzz_remember(flume_log *log, struct fuzz_written *out_written);

/* For flume_check_options.finding: every finding is to have words. */
int fuzz_see_finding(void *ctx, const flume_finding *finding);

#endif
