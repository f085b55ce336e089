/*
 * batch.h - rows on their way into a view: what apply puts, until a transaction takes it.
 *
 * A batch belongs to one view of one handle and is used again and again: begun on an environment,
 * filled from the log, and committed or given up. Rows of FLUME_TABLE_COLLECT tables wait in a
 * sorter and are written in key order at the end; the others go straight into the transaction.
 *
 * What always holds:
 *   - meta.synced_seq of a committed batch never lies inside an atomic batch of the log.
 *   - After batch_give_up() nothing of the batch is in the environment, nor in the sorters.
 */
#ifndef VIEWS_BATCH_H
#define VIEWS_BATCH_H

#include "environment.h"
#include "inside.h"

struct sorter;

/* How much one batch takes, whichever comes first; time is looked at every 64 records, and after
 * the 1st, 2nd, 4th ... A batch that has what somebody waits for ends then, too. */
struct batch_limits {
    uint64_t until_seq;
    uint64_t records_max;
    uint64_t ns_max;
    bool splits_batches; /* It may end inside a batch of the log: nobody sees what is built. */
    bool passes_over;    /* Where the log says that none is of the view's kinds, records need not be
                         read: until_seq is a head that was. */
    bool takes_sealed;   /* Where a sealed strata begins it may be taken whole, by the definition's
                            sealed, whatever records_max, ns_max and bytes_max say. */
    size_t bytes_max;    /* Of collected rows. */
};

/* A sealed strata that is being taken whole. */
struct batch_sealing {
    bool is_going_on;   /* What is put is put by the definition's sealed. */
    uint64_t put_count; /* Rows put, and */
    uint64_t merged;    /* those of them in tables with a merge. */
    int status;         /* The first of another kind that a put answered. */
    /* Asked now and then meanwhile: other than FLUME_OK ends it with that. NULL: never. */
    int (*stop)(void *stop_ctx);
    void *stop_ctx;
};

struct flume_batch {
    flume_view *view;
    void *state; /* What the definition's open gave, or its ctx. */
    bool state_open;
    flume_cursor *cursor;
    uint64_t passed_over_base;
    struct sorter *sorters[FLUME_VIEW_TABLES_MAX]; /* NULL: that table is not collected. */
    struct environment *env;                       /* While begun. */
    MDB_txn *txn;                                  /* While begun. */
    struct view_meta meta;                         /* While begun: as it will be committed. */
    uint64_t failed_seq;                           /* Where apply refused, or FLUME_SEQ_NONE. */
    size_t direct_bytes; /* Put straight into the transaction, which keeps them in memory. */
    int mdb_code;        /* Of the first LMDB call that failed in this batch. */
    int system_status;   /* Of the first row that the system did not let a sorter keep. */
    int merge_status;    /* What a merge answered that refused two values, */
    size_t merge_table;  /* and in which table. */
    uint64_t records_to; /* Up to this seq no sealed strata begins that can be taken whole. */
    struct batch_sealing sealing;
    uint64_t begun;                             /* How often. */
    MDB_cursor *cursors[FLUME_VIEW_TABLES_MAX]; /* Of txn, where apply has sought. */
    MDB_cursor *writers[FLUME_VIEW_TABLES_MAX]; /* Of txn, where a row was put last. */
    size_t sought;                              /* The table that was sought in last, and */
    int sought_code; /* what that gave, if there is a row to be given: 0. */
    bool stands;     /* The cursor is on the row that comes next. */
};

/** @param spill_directory  Where sorters may spill; NULL: nowhere.
 *  @param prefix           Of the names of what they spill. */
int batch_create(flume_view *view, const char *spill_directory, const char *prefix,
                 size_t budget_bytes, flume_batch **out_batch);
/** NULL is harmless. keep_runs: sorted runs stay on disk for who resumes. */
enum batch_runs { BATCH_DROP_RUNS, BATCH_KEEP_RUNS };
void batch_destroy(flume_batch *batch, enum batch_runs runs);

/** Begin a transaction and read meta. 0 or an LMDB code. */
int batch_begin(flume_batch *batch, struct environment *env);

/** Apply records from meta.synced_seq on. *out_count: how many were met.
 * @return FLUME_OK, or an error; kept on the handle, and failed_seq set if apply refused. */
int batch_fill(flume_batch *batch, const struct batch_limits *limits, uint64_t *out_count);

/**
 * Take the sealed strata that begins at meta.synced_seq whole, if one does and the view can.
 *
 * @param io_limits  Otherwise until_seq comes to lie where the next one may begin.
 * @return FLUME_OK: taken, and *out_count records are met; FLUME_END: records are to be applied; an
 *         error, kept on the handle: what was put is of no use.
 */
int batch_take_sealed(flume_batch *batch, struct batch_limits *io_limits, uint64_t *out_count);

/**
 * Move on to until_seq if none of the records before it is of the view's kinds.
 *
 * @return Whether it did: *out_count records are behind it.
 */
bool batch_pass_over_others(flume_batch *batch, const struct batch_limits *limits,
                            uint64_t *out_count);

/** The check of the record before seq, which tells later that the log is still the same; 0: that
 * record cannot be read. */
uint64_t batch_check_before(flume_log *log, uint64_t seq);

/** Note a row that is put while a strata is taken whole. FLUME_OK, or what ends that. */
int batch_note_sealed(flume_batch *batch, size_t table, int put_status);

/** The border between sealed strata that lies nearest to seq; seq itself if it lies in none. */
uint64_t batch_sealed_border(const flume_view *view, uint64_t seq);

/** Where the batch of the log begins of which the record at seq is a member: the view may stand
 * there, but not in its midst. */
uint64_t batch_whole_before(flume_log *log, uint64_t seq);

/** Write the collected rows; then store meta and commit. 0 or an LMDB code; all is undone then. */
int batch_commit(flume_batch *batch);
void batch_give_up(flume_batch *batch);
/** Before a transaction is ended by another way. */
void batch_close_cursors(flume_batch *batch);

/** Say that a merge refused two values of a table: only a rebuild with another one helps.
 * Returns FLUME_ERR_VIEW. */
int batch_fail_merge(flume_view *view, size_t table, int status);

/** Whether what a sorter answered is its merge's word. */
struct sorter;
bool batch_is_merge_refusal(const struct sorter *sorter, int status);

/** Bytes that the rows take which were collected, or put into this transaction. */
size_t batch_bytes(const flume_batch *batch);

#endif
