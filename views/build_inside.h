/*
 * build_inside.h - a build under way: what its files share.
 *
 *   build.c          dividing the log into parts, taking up what an interrupted build left
 *   build_collect.c  each part's records become sorted rows, in memory and in runs
 *   build_append.c   the rows of all parts become tables
 *
 * What always holds:
 *   - A part's runs and synced_seq are committed together: runs 0 .. runs-1 hold exactly the rows
 *     of its records below synced_seq. Runs beyond are of an uncommitted stretch and are removed.
 *   - Tables that are not collected are filled by the only part, in the transactions that say how
 *     far it is.
 */
#ifndef VIEWS_BUILD_INSIDE_H
#define VIEWS_BUILD_INSIDE_H

#include "batch.h"
#include "environment.h"
#include "inside.h"

struct build;

struct part {
    struct build *build;
    size_t index;
    flume_batch *batch;
    int status;
    pthread_t thread;
    bool has_thread;
};

struct build {
    struct building *building;
    struct part parts[META_PARTS_MAX];
    pthread_mutex_t mutex; /* Guards meta, and transactions that store nothing else. */
    struct view_meta meta;
    bool direct;              /* Some table is not collected. */
    size_t spill_bytes;       /* Of a part's rows. */
    _Atomic int stopped;      /* The status with which every part is to end. */
    _Atomic bool is_map_full; /* It ended for want of address space. */
    _Atomic uint64_t collected;
};

/* Tell the board how far it is: rows appended, of rows in all; 0 of 0 while it collects. */
void build_show(const struct build *build, uint64_t appended, uint64_t rows);

/* FLUME_OK, or with which status the caller of the build wants it to end. Its own thread only. */
int build_ask_to_stop(const struct build *build);

/* The status of an MDB_ code or an errno. What came of want of address space is remembered. */
int build_fail_code(struct build *build, int code);

/* --- build_collect.c -------------------------------------------------------------------------- */

/*
 * Collect what is left of every part, each in a thread where one is to be had. Afterwards no thread
 * is left, and each part's rows are ready to be read in order.
 *
 * @return FLUME_OK; or why it ended. What was collected until the last checkpoint can be taken up.
 */
int build_collect(struct build *build);

/* Whether a part is to go on: FLUME_OK, or with which status it is to end. ctx: the part. */
int part_ask_to_stop(void *ctx);

/* --- build_append.c --------------------------------------------------------------------------- */

/*
 * Fill the tables with the rows that the parts have collected, and commit meta as that of a
 * complete build. What the tables had is dropped.
 *
 * @return FLUME_OK; or an error, after which some rows may be there, but not the complete meta.
 */
int build_append(struct build *build);

#endif
