/*
 * environment.h - the LMDB environment of one generation of a view, opened once per process.
 *
 * LMDB forbids a second open of the same environment in a process (closing one takes the other's
 * locks away), so environments stand in a table by device and inode of data.mdb, counted.
 * That table is the library's only global state.
 *
 * What always holds:
 *   - Whoever has a transaction open holds map_lock for reading, so the map only grows when nobody
 *     looks at it.
 *   - `synced` is never ahead of the last commit.
 *   - A broken environment is handed out to nobody; it goes when its last user lets go of it.
 *
 * Functions that return an int return 0, an MDB_ code or an errno, as LMDB does.
 */
#ifndef VIEWS_ENVIRONMENT_H
#define VIEWS_ENVIRONMENT_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "flume/view.h"

enum { META_FORMAT = 1, META_TABLE_NAME_BYTES = 28, META_PARTS_MAX = 4 };

/* How far one part of a build is, which collects the records from from_seq up to to_seq. */
struct view_part {
    uint64_t from_seq, to_seq;
    uint64_t synced_seq; /* Collected, and on disk as runs. */
    uint64_t check;      /* Of the record before synced_seq; 0: it could not be read. */
    uint64_t passed_over;
    uint32_t runs[FLUME_VIEW_TABLES_MAX]; /* By table. */
};

/* The row "state" of the unnamed table: FORMAT.md has the bytes. */
struct view_meta {
    uint32_t version;
    bool complete; /* A build that was finished; else it is still being made. */
    uint64_t synced_seq;
    uint64_t check;       /* Of the record before synced_seq; 0: it could not be read. */
    uint64_t passed_over; /* Damaged and lost records below synced_seq. */
    uint32_t part_count;  /* Of a build that is being made. */
    struct view_part parts[META_PARTS_MAX];
};

struct environment {
    struct environment *next; /* Guarded by the table's mutex. */
    dev_t device;             /* Of data.mdb. Fixed, as the next three. */
    ino_t inode;
    uint64_t generation;
    pid_t pid;                        /* A forked child shares nothing. */
    _Atomic unsigned reference_count; /* Becomes 0, and rises from 0, under the table's mutex. */

    MDB_env *mdb;
    MDB_dbi main; /* The unnamed table: the tables' roots, and the row "state". */
    MDB_dbi tables[FLUME_VIEW_TABLES_MAX];
    size_t table_count;
    char table_names[FLUME_VIEW_TABLES_MAX][META_TABLE_NAME_BYTES];
    bool read_only;
    bool listed; /* Opened for a list, with whatever tables there are. Fixed. */

    pthread_mutex_t advance_mutex;
    pthread_rwlock_t map_lock;
    _Atomic unsigned growing; /* Threads that want map_lock alone: others let them go first. */
    pthread_cond_t grown;     /* With idle_mutex: growing fell. */
    _Atomic uint64_t synced;
    _Atomic bool broken;    /* Becomes true once. */
    _Atomic unsigned begun; /* Transactions to write. */

    pthread_mutex_t idle_mutex;
    flume_rows *idle; /* Snapshots to be renewed. Guarded by idle_mutex. */
};

enum environment_mode { ENVIRONMENT_OPEN, ENVIRONMENT_CREATE };

/**
 * Open a generation's environment, or share the one that this process has open.
 *
 * @param definition  Its tables; NULL: whatever tables there are. MDB_INCOMPATIBLE if there are
 *                    others.
 */
int environment_acquire(const char *path, uint64_t generation,
                        const flume_view_definition *definition, uint64_t map_bytes,
                        enum environment_mode mode, struct environment **out_env);
void environment_retain(struct environment *env);
/** NULL is harmless. The last one closes it. */
void environment_release(struct environment *env);

/** Begin a transaction to write, reading what its meta says. */
int environment_begin(struct environment *env, MDB_txn **out_txn, struct view_meta *out_meta);
/** Store meta and commit. The transaction is over, whatever is returned. */
int environment_commit(struct environment *env, MDB_txn *txn, const struct view_meta *meta);
/** NULL is harmless. */
void environment_abort(struct environment *env, MDB_txn *txn);

/** Meta as last committed. */
int environment_meta(struct environment *env, struct view_meta *out_meta);

/** Double the address space, when nobody looks at it; EBUSY if that takes too long. */
int environment_grow(struct environment *env);

/** A snapshot, not yet standing anywhere. Holds a reference on env. */
int environment_read(struct environment *env, flume_rows **out_rows);

/** Meta as a snapshot sees it. */
int environment_meta_of(flume_rows *rows, struct view_meta *out_meta);

/* What a snapshot is made of (rows.c, environment_transaction.c). */
struct flume_rows {
    flume_rows *next; /* While idle. */
    struct environment *env;
    flume_view *view;
    MDB_txn *txn;
    MDB_cursor *cursors[FLUME_VIEW_TABLES_MAX];
    size_t table; /* Where it stands. */
    bool stands;  /* The cursor is on the row that comes next, not on the one given last. */
    bool at_end;  /* There is no row where it was asked to stand. */
};

#endif
