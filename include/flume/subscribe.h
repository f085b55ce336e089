/*
 * subscribe.h - being called for every record: old ones first, then live ones.
 */
#ifndef FLUME_SUBSCRIBE_H
#define FLUME_SUBSCRIBE_H

#include "flume/cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flume_subscription flume_subscription;

enum { FLUME_SUBSCRIPTION_NAME_BYTES_MAX = 64 };

/* Return 0 to go on; anything else ends the subscription. The record is valid until the return.
 * May append, get, sync, open cursors and subscriptions, and unsubscribe itself. */
typedef int (*flume_on_record)(void *ctx, const flume_record *record);

/* Called once, on the subscription's thread, when it ends by itself: FLUME_END (the callback asked,
 * or a bound was reached), FLUME_ERR_REWOUND, FLUME_ERR_DAMAGED, ... Not after
 * flume_unsubscribe. */
typedef void (*flume_on_end)(void *ctx, int status, const flume_error *error);

typedef struct flume_subscribe_options {
    flume_cursor_options cursor; /* From where, filters; LIVE is implied, REVERSE refused. */
    const char *name;  /* Remembers its position in the basin under this name
                          ([A-Za-z0-9._-]{1,64}); NULL: does not. Copied. */
    flume_on_end on_end; /* NULL: nobody asks. */
} flume_subscribe_options;

/**
 * Call back for every record, in order, without gap or repeat, on a thread of its own ("fl:sub").
 *
 * With a name, the position is kept in the basin: the next subscription of that name goes on where
 * the last one ended, at least once (a record may be delivered again after a crash, none is left
 * out); the cursor's lower bound counts only the first time. One process at a time:
 * FLUME_ERR_BUSY. If a power cut took back records that it had seen, it ends with
 * FLUME_ERR_REWOUND: flume_subscription_forget() and subscribe again.
 *
 * @param options  NULL: from seq 0. Borrowed.
 * @return FLUME_OK; FLUME_ERR_INVALID, FLUME_ERR_BUSY, FLUME_ERR_REWOUND, FLUME_ERR_NO_MEMORY,
 *         FLUME_ERR_READ_ONLY (a name, without write permission).
 */
FLUME_API int flume_subscribe(flume_log *log, const flume_subscribe_options *options,
                              flume_on_record callback, void *ctx,
                              flume_subscription **out_subscription);

/**
 * End it. When this returns no callback runs and none will, except from inside a subscription's
 * callback, where it does not wait (so two of them cannot wait for each other). Also needed after
 * it ended by itself. NULL is harmless. Each subscription once.
 */
FLUME_API void flume_unsubscribe(flume_subscription *subscription);

/** Seq up to which everything has been delivered (the next one to come). Threads: any. */
FLUME_API uint64_t flume_subscription_position(const flume_subscription *subscription);

/** Forget a name's position. FLUME_ERR_NOT_FOUND, FLUME_ERR_BUSY. */
FLUME_API int flume_subscription_forget(flume_log *log, const char *name);

/** The remembered position of a name, without subscribing. FLUME_ERR_NOT_FOUND,
 * FLUME_ERR_REWOUND. */
FLUME_API int flume_subscription_remembered(flume_log *log, const char *name, uint64_t *out_seq);

#ifdef __cplusplus
}
#endif
#endif
