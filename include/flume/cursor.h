/*
 * cursor.h - reading many records: a range, filtered, forward or back, and on into the future.
 */
#ifndef FLUME_CURSOR_H
#define FLUME_CURSOR_H

#include "flume/log.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flume_cursor flume_cursor;

/* Which of the four bounds count. */
enum flume_bound { FLUME_GT = 1, FLUME_GTE = 2, FLUME_LT = 4, FLUME_LTE = 8 };

enum flume_cursor_flags {
    FLUME_CURSOR_REVERSE = 1, /* Newest first. Not with LIVE. */
    FLUME_CURSOR_LIVE = 2,    /* At the end, wait for more. */
    FLUME_CURSOR_DURABLE = 4, /* Only records that a power cut cannot take back. */
    FLUME_CURSOR_MANIFESTS = 8, /* Manifests too, beside the kinds. */
    FLUME_CURSOR_SKIP_DAMAGED = 16, /* Pass over damaged and lost records, counting them. */
    FLUME_CURSOR_NEW_ONLY = 32 /* Start at the head as it is now (with LIVE: only what comes). */
};

typedef struct flume_cursor_options {
    unsigned flags;   /* enum flume_cursor_flags. */
    unsigned bounds;  /* enum flume_bound: which of the next four are meant. */
    uint64_t gt, gte; /* After this seq; from this seq. Need not be a record. */
    uint64_t lt, lte; /* Before; up to and with. */
    uint64_t limit;   /* At most so many records given out. 0: no limit. */
    const uint8_t *kinds; /* Only these kinds; FLUME_KIND_ANY among them: all. NULL: all but
                             manifests. Copied. */
    size_t kind_count;
    const char *label;    /* Only records that carry it. Copied. */
    uint64_t since_ns;    /* Record time >= this. 0: no bound. */
    uint64_t until_ns;    /* Record time < this. 0: no bound. */
} flume_cursor_options;

#define FLUME_WAIT_FOREVER UINT64_MAX

/** Make a cursor. Without LIVE it ends where the log ended at this call.
 * @param options  NULL: everything, once. Borrowed.
 * @return FLUME_OK, FLUME_ERR_INVALID (REVERSE with LIVE; unknown bits), FLUME_ERR_NO_MEMORY. */
FLUME_API int flume_cursor_open(flume_log *log, const flume_cursor_options *options,
                                flume_cursor **out_cursor);

/**
 * The next record.
 *
 * @param timeout_ns  How long a LIVE cursor waits: 0 not at all, FLUME_WAIT_FOREVER. Others never
 *                    wait.
 * @param out_record  Borrowed: valid until the next call on this cursor (flume_record_keep()).
 * @return FLUME_OK; FLUME_END (no more: not LIVE, or limit or upper bound reached);
 *         FLUME_ERR_TIMEOUT; FLUME_ERR_CANCELLED; FLUME_ERR_DAMAGED or FLUME_ERR_LOST for the
 *         record at flume_cursor_position() - 1 (or + 1 in reverse): the next call goes on behind
 *         it.
 */
FLUME_API int flume_cursor_next(flume_cursor *cursor, uint64_t timeout_ns,
                                flume_record *out_record);

/** The seq at which the next call goes on (in reverse: one above it). */
FLUME_API uint64_t flume_cursor_position(const flume_cursor *cursor);

/** Damaged and lost records passed over so far (SKIP_DAMAGED). */
FLUME_API uint64_t flume_cursor_skipped(const flume_cursor *cursor);

/** Make a waiting flume_cursor_next(), and every later one, return FLUME_ERR_CANCELLED.
 * Threads: any. */
FLUME_API void flume_cursor_cancel(flume_cursor *cursor);

/** A descriptor that polls readable when a LIVE cursor may have a record; drained by
 * flume_cursor_next(). Owned by the cursor. One thread per handle serves all of them. */
FLUME_API int flume_cursor_descriptor(flume_cursor *cursor, int *out_descriptor);

/** NULL is harmless. Before its log is closed. */
FLUME_API void flume_cursor_close(flume_cursor *cursor);

#ifdef __cplusplus
}
#endif
#endif
