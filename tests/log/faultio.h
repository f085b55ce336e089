/*
 * faultio.h - a table of io.h whose calls fail on demand, and an allocator that does.
 *
 * Both wrap a healthy one, so that the same scenario can be run once for each place where it may
 * fail: count the calls of a healthy run, then run it again with the first of them failing, the
 * second, and so on.
 *
 * What always holds:
 *   - A call that fails on demand does not reach what is wrapped; a short one reaches it with half
 *     of its bytes.
 *   - Every call is counted, also those that fail. Threads: any.
 */
#ifndef FAULTIO_H
#define FAULTIO_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "flume/io.h"

enum fault_call {
    FAULT_OPEN,
    FAULT_PREAD,
    FAULT_PWRITE,
    FAULT_ALLOCATE,
    FAULT_PUNCH,
    FAULT_SYNC,
    FAULT_STAT,
    FAULT_MAP,
    FAULT_LOCK,
    FAULT_LOCK_TEST,
    FAULT_RENAME,
    FAULT_UNLINK,
    FAULT_MAKE_DIRECTORY,
    FAULT_SYNC_DIRECTORY,
    FAULT_LIST,
    FAULT_FILE_SYSTEM,
    FAULT_RANDOM,
    FAULT_BOOT_ID,
    FAULT_CALLS, /* How many can fail. */
    FAULT_CLOSE = FAULT_CALLS,
    FAULT_UNMAP,
    FAULT_ANY /* In a plan: every call that can fail. */
};

enum fault_duration { FAULT_ONCE = 0, FAULT_LASTING = 1 };

/* Result of a faulty call: a negative errno, or this. Calls without a byte count cannot be short:
 * they fail with EIO instead. */
enum { FAULT_SHORT = 1 };

struct fault_plan {
    enum fault_call call;
    uint64_t nth; /* 1: the next such call. 0: none. */
    int result;
    enum fault_duration duration;
};

enum { FAULT_TRACE_CALLS = 128, FAULT_PATH_BYTES = 128, FAULT_FILES_MAX = 1024 };

struct fault_trace {
    enum fault_call call;
    char path[FAULT_PATH_BYTES];
    uint64_t offset, bytes;
    int64_t result;
    bool injected;
};

/* Place it anywhere; fields are for faultio.c, but reading the counts is fine at rest. */
struct faultio {
    flume_io table; /* Give this to the library. */
    const flume_io *inner;
    pthread_mutex_t mutex;
    struct fault_plan plan;
    uint64_t seen; /* Calls that the plan means, since it was made. */
    uint64_t injected;
    uint64_t counts[FAULT_ANY + 1];
    int open_files, open_maps;
    struct fault_trace trace[FAULT_TRACE_CALLS];
    uint64_t trace_count;
    char paths[FAULT_FILES_MAX][FAULT_PATH_BYTES];
};

void faultio_init(struct faultio *fault, const flume_io *inner);
void faultio_deinit(struct faultio *fault);

/* From now on; counting begins again at 0. */
void faultio_plan(struct faultio *fault, struct fault_plan plan);

/* All calls are healthy again. Gives back how many have failed on demand. */
uint64_t faultio_heal(struct faultio *fault);

/* The latest calls, oldest first. */
void faultio_print(const struct faultio *fault, FILE *stream);

/* The path of a file that is open, "" if none is. Valid until it is closed. */
const char *faultio_left_open(const struct faultio *fault);

const char *fault_call_name(enum fault_call call);

/* --- Memory ----------------------------------------------------------------------------------- */

/* An allocator that counts, and fails the nth request. */
struct fault_memory {
    flume_allocator table; /* Give this to the library. */
    _Atomic uint64_t requests;
    _Atomic uint64_t fail_at; /* 0: never; else the request with this number, counted from 1. */
    _Atomic uint32_t lasting; /* 1: and all after it. */
    _Atomic uint64_t failed;
    _Atomic int64_t live_blocks, live_bytes;
    pthread_mutex_t mutex;
    union fault_block *blocks; /* All that live. Guarded by mutex. */
};

void fault_memory_init(struct fault_memory *memory);

/* Free what is left, as a process's end does. */
void fault_memory_deinit(struct fault_memory *memory);

/* Count from 1 again and fail request number nth; 0: none. */
void fault_memory_plan(struct fault_memory *memory, uint64_t nth, enum fault_duration duration);

#endif
