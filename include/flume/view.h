/*
 * view.h - what is derived from the log: views, kept by workers, asked by anybody.
 *
 * A view is a name, a version and a function `apply` that turns each record into rows of the view's
 * tables. The library owns the rest: an LMDB environment per view, a worker thread that tails the
 * log ("fl:NAME"), the synced seq in the same transaction as the rows, waiting, rebuilding. A view
 * can be thrown away at any time: it is made again from the log.
 *
 *   int by_kind(void *state, flume_batch *batch, const flume_record *record)
 *   {
 *       uint64_t one = 1;
 *       return flume_batch_put(batch, 0, &record->kind, 1, &one, sizeof one);
 *   }
 *   const flume_view_table tables[] = {{"kind", FLUME_TABLE_COLLECT, flume_merge_sum, NULL}};
 *   const flume_view_definition kinds = {
 *       .name = "kinds", .version = 1, .tables = tables, .table_count = 1, .apply = by_kind};
 *
 * Which function on which thread:
 *
 *   function                                          | may be called
 *   --------------------------------------------------|------------------------------------------
 *   flume_open, flume_view_find, _wait, _when,        | any thread, at once
 *     _read, _status, _rebuild, _pause, ...           |
 *   flume_close                                       | any thread, once, when no other call on the
 *                                                     |   handle starts; waiting ones are answered.
 *                                                     |   Not from a callback of the handle
 *   flume_rows and what is read through it            | one thread at a time for each
 *   apply, sealed, merge                              | run on whichever thread advances the view,
 *                                                     |   one at a time for each state that the
 *                                                     |   definition's open gave
 *   when callbacks, observer                          | run on the view's worker
 */
#ifndef FLUME_VIEW_H
#define FLUME_VIEW_H

#include "flume/cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flume flume;             /* A basin: its log and its views. */
typedef struct flume_view flume_view;   /* One view of such a handle. */
typedef struct flume_batch flume_batch; /* Rows on their way into a view. */
typedef struct flume_rows flume_rows;   /* A snapshot of a view, with a position in one table. */

enum {
    FLUME_VIEW_NAME_BYTES_MAX = 40, /* [a-z0-9] first, then [a-z0-9._-]. */
    FLUME_VIEW_TABLES_MAX = 8,
    FLUME_VIEW_KEY_BYTES_MAX = 511, /* LMDB's limit; at least 1. */
    FLUME_VIEW_VALUE_BYTES_MAX = 1 << 20,
    FLUME_MERGE_BYTES_MAX = 1024 /* A value in a table with a merge. */
};

/* ---- what a view is ---- */

typedef struct flume_bytes {
    const void *data;
    size_t bytes;
} flume_bytes;

enum flume_table_flags {
    /* apply only puts into this table and deletes from it, and never reads it. Rows are collected,
     * sorted and written at the end of a batch: several times faster, a rebuild above all. Without
     * this flag apply may flume_batch_get() what it has put. */
    FLUME_TABLE_COLLECT = 1
};

/*
 * Make one value of two under the same key: older (as stored, or of an earlier record) and newer.
 * Must be associative. Writes at most FLUME_MERGE_BYTES_MAX bytes to target and their number to
 * *out_bytes. Returns FLUME_OK, or an error, which fails the view.
 */
typedef int (*flume_merge)(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer,
                           void *target, size_t *out_bytes);

/** A merge: values are arrays of uint64_t, host order, added element by element. */
FLUME_API int flume_merge_sum(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer,
                              void *target, size_t *out_bytes);

/* Keys sort as unsigned bytes, a prefix before what it is a prefix of. */
typedef struct flume_view_table {
    const char *name;  /* [a-z0-9_]{1,24}. */
    unsigned flags;    /* enum flume_table_flags. */
    flume_merge merge; /* NULL: a put replaces. Needs FLUME_TABLE_COLLECT. */
    void *merge_ctx;
} flume_view_table;

enum flume_view_flags {
    /* A rebuild may run apply on several threads at once, each on records of its own and with a
     * state of its own from open; and merges likewise. All tables must be collected. */
    FLUME_VIEW_PARALLEL = 1,
    /* Few basins have records of its kinds: it is not made, and costs nothing, before the log has
     * one or somebody asks the view. */
    FLUME_VIEW_LAZY = 2
};

typedef struct flume_view_definition {
    const char *name;
    uint32_t version; /* 1 or more. Another version is another view: raise it when apply changes. */
    const flume_view_table *tables;
    size_t table_count; /* 1 .. FLUME_VIEW_TABLES_MAX. */
    unsigned flags;     /* enum flume_view_flags. */

    /* One record, in order, each once. What it puts must follow from the record (and from rows it
     * reads) alone: any process may apply any record. FLUME_OK, or a negative status: the view
     * fails there, with that record named. Damaged and lost records are passed over and counted. */
    int (*apply)(void *state, flume_batch *batch, const flume_record *record);

    /* Optional. open: *out_state (ctx otherwise) is given to apply. Each handle has a state of its
     * own, and so has a rebuild and a verification, which run beside it: without an open they share
     * ctx. A record may come again to a state where a batch could not be kept. close: when what has
     * the state ends. reset: the view starts again from nothing. */
    int (*open)(void *ctx, void **out_state);
    void (*close)(void *state);
    void (*reset)(void *state);
    void *ctx;

    /*
     * Optional: a shorter way over a sealed strata (flume/seal.h) than through its records, for a
     * view that can be told from a strata's indexes, such as flume_grain_index_open(log, first_seq,
     * ...).
     *
     * Called instead of apply for all of the records first_seq .. end_seq - 1 of a strata, in a
     * rebuild, a verification, and where a view is far behind, as a worker lets it be in a burst
     * until a strata is sealed; on the same thread and with the same state as apply would be, in
     * the same order. It must put the rows that apply would put for these records (of the kinds
     * below), for whether a strata is taken in this way or record by record is not to be seen in
     * the view: it is not where it was sealed after the view had begun with it.
     *
     * @param log              The basin's. Borrowed; to be read only.
     * @param out_passed_over  0; to be set to how many of the records are known to be lost.
     * @return FLUME_OK, or what flume_batch_put() and flume_batch_delete() answered. Any other
     *         status: it cannot (an index is damaged), and apply is given the records instead. Rows
     *         that were put before stay; so, until nothing can fail, only such as apply may put
     *         again without a difference, and none into a table with a merge: that fails the view.
     */
    int (*sealed)(void *state, flume_batch *batch, flume_log *log, uint64_t first_seq,
                  uint64_t end_seq, uint64_t *out_passed_over);

    /* Optional: puts what apply has kept back, when it has been given all records of a batch, and
     * at times between. Otherwise as apply. (Rows put in the order of their keys cost a part of
     * others.) */
    int (*end)(void *state, flume_batch *batch);

    const uint8_t *kinds; /* Only these kinds; FLUME_KIND_ANY among them: all. NULL: all but */
    size_t kind_count;    /* manifests. */
} flume_view_definition;

/** Put a row. Key 1 .. FLUME_VIEW_KEY_BYTES_MAX bytes. Copied. For apply and sealed only.
 * @param table  Index in the definition's tables.
 * @return FLUME_OK, or an error that apply and sealed should pass on. */
FLUME_API int flume_batch_put(flume_batch *batch, size_t table, const void *key, size_t key_bytes,
                              const void *value, size_t value_bytes);

/** Delete a row, if it is there. Not in a table with a merge. */
FLUME_API int flume_batch_delete(flume_batch *batch, size_t table, const void *key,
                                 size_t key_bytes);

/** A row as it is after the puts so far; not in a FLUME_TABLE_COLLECT table. Valid until the next
 * put or delete. @return FLUME_OK, FLUME_ERR_NOT_FOUND, ... */
FLUME_API int flume_batch_get(flume_batch *batch, size_t table, const void *key, size_t key_bytes,
                              flume_bytes *out_value);

/** Stand at the first row whose key is >= key, as it is after the puts so far; not in a
 * FLUME_TABLE_COLLECT table. An empty key: at the first. The next flume_batch_next() gives it. */
FLUME_API int flume_batch_seek(flume_batch *batch, size_t table, const void *key, size_t key_bytes);

/** The next row in key order of the table that was sought in last. Valid until the next put or
 * delete, after which one seeks anew. @return FLUME_OK, FLUME_END, ... */
FLUME_API int flume_batch_next(flume_batch *batch, flume_bytes *out_key, flume_bytes *out_value);

/** The log of the basin, to read earlier records of it: what apply puts may follow from them, too.
 * Borrowed. */
FLUME_API flume_log *flume_batch_log(flume_batch *batch);

/** How often the batch was begun. Where this is another number than at the last record, rows may be
 * other ones than those that the state has put or read: another program may have applied records,
 * and what was put may not have been kept. */
FLUME_API uint64_t flume_batch_begun(const flume_batch *batch);

/* ---- a basin with its views ---- */

enum flume_view_state {
    FLUME_VIEW_CLOSED = 0,      /* Not opened yet (nobody has asked). */
    FLUME_VIEW_LIVE = 1,        /* Has applied what there is, or is just about to. */
    FLUME_VIEW_CATCHING_UP = 2, /* More than 4,096 records behind. */
    FLUME_VIEW_REBUILDING = 3,
    FLUME_VIEW_FAILED = 4, /* See error. */
    FLUME_VIEW_PAUSED = 5, /* By request; queries that need more than it has say so. */
    FLUME_VIEW_FOREIGN = 6 /* On disk, but its code is not in this program. */
};

/** "live", "catching up", ... Static, never NULL. */
FLUME_API const char *flume_view_state_name(enum flume_view_state state);

typedef struct flume_view_status {
    char name[FLUME_VIEW_NAME_BYTES_MAX + 1];
    uint32_t version;
    enum flume_view_state state;
    bool built_in;
    bool usable;          /* A query can be answered (as of synced_seq). */
    uint64_t generation;  /* Which build answers; 0: none. */
    uint64_t synced_seq;  /* All records below it are in the view. */
    uint64_t head;        /* Of the log, at the same moment. */
    uint64_t lag_records; /* head - synced_seq. */
    uint64_t lag_bytes;   /* About: at the log's mean record size. */
    uint64_t applied;     /* Records applied by this handle. */
    uint64_t passed_over; /* Damaged and lost records that this build met. */
    double rate;          /* Records per second, lately; 0: idle. */
    uint64_t entries;     /* Rows in all tables. */
    uint64_t disk_bytes;
    uint64_t rebuild_done, rebuild_total; /* Half of it is reading records, half writing rows; in
                                             records, fixed when a rebuild begins. 0: none. */
    char why[96];                         /* Why it is being rebuilt, or was last; "" if never. */
    flume_error error;                    /* status FLUME_OK: none. */
} flume_view_status;

enum flume_open_views {
    FLUME_VIEWS_NO_WORKERS = 1,  /* No threads: views advance when they are asked. */
    FLUME_VIEWS_NOT_BUILT_IN = 2 /* Only the program's own. */
};

typedef struct flume_options {
    flume_log_options log;                           /* How the log is opened. */
    unsigned views;                                  /* enum flume_open_views. */
    const flume_view_definition *const *definitions; /* The program's own views. Borrowed until */
    size_t definition_count;                         /* close. */
    uint64_t map_bytes;     /* Address space for each view. 0: 256 GiB. Grows where it must, once
                               nobody holds a snapshot; FLUME_ERR_VIEW if that takes 5 s. */
    uint64_t rebuild_bytes; /* Memory that a rebuild may take for sorting. 0: 256 MiB. */
    uint64_t verify_bytes;  /* A closed view's file up to this size is checked when it is opened
                               again. 0: 64 MiB. */
    /* Progress and changes of state, at most ten times a second a view. */
    void (*observer)(void *observer_ctx, const flume_view_status *status);
    void *observer_ctx;
} flume_options;

/**
 * Open a basin with its views. flume_log_open() alone is enough for who needs none.
 *
 * Does not wait for any view. A view that cannot be opened fails alone and says so when asked.
 *
 * @param options  NULL: an existing basin, all defaults.
 * @return as flume_log_open(); FLUME_ERR_INVALID for a definition that breaks a rule (the message
 *         names it) or a name used twice.
 */
FLUME_API int flume_open(flume **out_flume, const char *path, const flume_options *options,
                         flume_error *out_error);

/** Answer every waiter (FLUME_ERR_CANCELLED), end the workers, close views and log. NULL is
 * harmless. @return as flume_log_close(). */
FLUME_API int flume_close(flume *flume);

/** The log of the basin. Valid until flume_close(); not to be closed. */
FLUME_API flume_log *flume_log_of(flume *flume);

/** The detail of the last error on this handle that is not one of its log's: of this thread's last
 * one, if it had any lately. Copied out. */
FLUME_API void flume_last_error(flume *flume, flume_error *out_error);

/* ---- finding and following a view ---- */

/** A view by name, the user's declared ones (field, reduce) included. Valid until flume_close().
 * @return FLUME_OK, FLUME_ERR_NOT_FOUND. */
FLUME_API int flume_view_find(flume *flume, const char *name, flume_view **out_view);

/** As of when, how long, and until when a query waits. All zero: as of head now, without limit. */
typedef struct flume_ask {
    unsigned flags;                     /* enum flume_ask_flags. */
    uint64_t as_of;                     /* With FLUME_ASK_AS_OF: every record below it. */
    uint64_t timeout_ns;                /* 0: no limit. */
    bool (*give_up)(void *give_up_ctx); /* Asked every 10 ms or so while waiting; true:
                                           FLUME_ERR_CANCELLED. NULL: never. */
    void *give_up_ctx;
} flume_ask;

enum flume_ask_flags {
    FLUME_ASK_AS_OF = 1,   /* Not head, but as_of (at most head). */
    FLUME_ASK_STALE_OK = 2 /* Answer from what is there, at once. */
};

/**
 * Wait until a view has applied every record below a seq.
 *
 * The caller's thread advances the view itself where it can: what was appended by this very thread
 * is in the view some microseconds later.
 *
 * @param ask  NULL: all defaults.
 * @return FLUME_OK; FLUME_ERR_TIMEOUT, FLUME_ERR_CANCELLED, FLUME_ERR_VIEW (it failed: its name and
 *         reason in the detail), FLUME_ERR_STALE (nobody here can advance it, the detail says why
 *         and how far it is behind), FLUME_ERR_FORKED.
 */
FLUME_API int flume_view_wait(flume_view *view, const flume_ask *ask);

/** Call back once, on the view's worker, when every record below seq is applied (status FLUME_OK),
 * or when that will not happen (an error). Needs workers. */
FLUME_API int flume_view_when(flume_view *view, uint64_t seq,
                              void (*callback)(void *ctx, int status), void *ctx);

/** A descriptor that polls readable when the view has moved; flume_view_synced() says how far and
 * drains it. Owned by the view. Needs workers. */
FLUME_API int flume_view_descriptor(flume_view *view, int *out_descriptor);
FLUME_API uint64_t flume_view_synced(flume_view *view);

/* ---- reading a view ---- */

/**
 * Wait as flume_view_wait(), then a snapshot of the view.
 *
 * @param out_rows  To be ended by flume_rows_end(), soon: what it sees cannot be reused meanwhile.
 *                  Who holds one and asks the same view for more than it has can be in the way of
 *                  its map growing: FLUME_ERR_VIEW after five seconds. End it first.
 */
FLUME_API int flume_view_read(flume_view *view, const flume_ask *ask, flume_rows **out_rows);
FLUME_API void flume_rows_end(flume_rows *rows);

/** As of which seq the snapshot is: every record below it is in, none from it on. */
FLUME_API uint64_t flume_rows_as_of(flume_rows *rows);

/** A row by its key. Valid until flume_rows_end(). FLUME_OK, FLUME_ERR_NOT_FOUND,
 * FLUME_ERR_VIEW. */
FLUME_API int flume_rows_get(flume_rows *rows, size_t table, const void *key, size_t key_bytes,
                             flume_bytes *out_value);

/** Stand at the first row whose key is >= key (last: at the last row whose key is < key; a NULL key
 * is beyond them all). The next flume_rows_next() (_previous) gives it, or FLUME_END if there is
 * none: that is no error here. */
FLUME_API int flume_rows_seek(flume_rows *rows, size_t table, const void *key, size_t key_bytes);
FLUME_API int flume_rows_seek_last(flume_rows *rows, size_t table, const void *key,
                                   size_t key_bytes);

/** The next row in key order (the one before). Valid until flume_rows_end(). FLUME_OK, FLUME_END,
 * FLUME_ERR_VIEW. */
FLUME_API int flume_rows_next(flume_rows *rows, flume_bytes *out_key, flume_bytes *out_value);
FLUME_API int flume_rows_previous(flume_rows *rows, flume_bytes *out_key, flume_bytes *out_value);

/** Number of rows in a table. */
FLUME_API int flume_rows_count(flume_rows *rows, size_t table, uint64_t *out_count);

/* ---- looking after views ---- */

/** The tables of a view as declared. */
FLUME_API const flume_view_definition *flume_view_definition_of(const flume_view *view);
/** The flume handle of a view. */
FLUME_API flume *flume_of_view(const flume_view *view);

/** How it stands. Waits for nothing. */
FLUME_API int flume_view_status_of(flume_view *view, flume_view_status *out_status);

/** Every view of this handle, then those on disk whose code is not here, at most max of them.
 * @return how many there are, or an error. */
FLUME_API int flume_view_list(flume *flume, flume_view_status *out_status, size_t max);

/** Make it again from the log. Where this version has rows they go on answering meanwhile; an
 * interrupted rebuild goes on where it was. With workers this asks and returns; without, it
 * rebuilds on this thread, asking ask->give_up now and then. FLUME_ERR_STALE: it is paused.
 * FLUME_ERR_BUSY (without workers): another handle is rebuilding it.
 * @param ask  NULL: defaults. */
FLUME_API int flume_view_rebuild(flume_view *view, const flume_ask *ask);

/** Stop this handle's running rebuild, and take a request back; what is done is kept for the next
 * one. A view that has nothing to answer from is built on as soon as somebody asks it. */
FLUME_API int flume_view_rebuild_cancel(flume_view *view);

/** Ask whoever has the code of a view (by name, any version on disk) to rebuild it: a worker does
 * within a second or so, without workers the next question that finds the view behind. */
FLUME_API int flume_view_request_rebuild(flume *flume, const char *name);

/** Leave a view as it is, in every process, until it is resumed. */
FLUME_API int flume_view_pause(flume_view *view);
FLUME_API int flume_view_resume(flume_view *view);

/** Remove what is on disk of a name (version 0: of all versions that no handle uses).
 * FLUME_ERR_BUSY if it is in use, FLUME_ERR_NOT_FOUND. */
FLUME_API int flume_view_remove(flume *flume, const char *name, uint32_t version);

/* What flume_view_verify() found first. */
typedef struct flume_view_difference {
    bool different;
    char table[32];
    char text[256]; /* The key, printable, and what differs. */
    uint64_t rows;  /* Compared. */
} flume_view_difference;

/** Derive a view afresh, aside, and compare row by row. */
FLUME_API int flume_view_verify(flume_view *view, const flume_ask *ask,
                                flume_view_difference *out_difference);

#ifdef __cplusplus
}
#endif
#endif
