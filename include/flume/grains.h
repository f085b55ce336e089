/*
 * grains.h - the log beside the log: where bulk data lies on which records of this one depend.
 *
 * A basin may have a second log, `grains/`, a basin of its own. A record that refers to records
 * there says so (flume_entry.needs), and then it is never durable before them, in whatever process
 * it is synced; and recovery, after a machine stop, keeps no record whose grains are not there.
 *
 * The file GRAINS in the basin says where the second log lies and which basin it must be. So it may
 * be on another volume, and be away: what needs none of its records goes on.
 */
#ifndef FLUME_GRAINS_H
#define FLUME_GRAINS_H

#include "flume/log.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FLUME_GRAINS_PATH_BYTES = 4096 };

enum flume_grains_state {
    FLUME_GRAINS_NONE = 0,  /* Never made: nothing refers to them. */
    FLUME_GRAINS_HERE = 1,  /* GRAINS names a basin, and it is there. */
    FLUME_GRAINS_ABSENT = 2 /* It is not there: a volume is not mounted, or another basin is in its
                               place. */
};

typedef struct flume_grains_place {
    enum flume_grains_state state;
    char path[FLUME_GRAINS_PATH_BYTES]; /* Where it is, or should be. */
    uint8_t basin_id[16];               /* Of the second log; zero: NONE. */
    bool is_taken;                      /* ABSENT, and another basin is there. */
    bool is_unnamed;                    /* NONE, and a basin is where one would be made: whose it is
                                           GRAINS would say. */
} flume_grains_place;

/**
 * Look where the second log is. Looks at files each time; opens no log.
 *
 * @return FLUME_OK, also where it is absent; FLUME_ERR_DAMAGED (GRAINS is not what was written),
 *         FLUME_ERR_IO, FLUME_ERR_ACCESS, FLUME_ERR_INVALID (a basin in memory has none), ...
 */
FLUME_API int flume_grains_find(flume_log *log, flume_grains_place *out_place);

/**
 * Make the second log, or say where it has gone.
 *
 * Where there is none, a basin is made at `path`, or the one that is there is taken if it is empty
 * (it was made by a process that died before it could say so). One with chunks is taken only if
 * `path` asks for it: GRAINS was lost, and whose they are is not known; and only if it has what the
 * first record that refers to a second log needs. Where there is one and `path` is another, it must
 * be the same basin: it was moved, and GRAINS says from now on where to.
 *
 * @param path          Absolute, or relative to the basin. NULL: where GRAINS says; else "grains".
 * @param strata_bytes  As in flume_log_options. Only for one that is made.
 * @return FLUME_OK; FLUME_ERR_ABSENT (GRAINS names a basin that is not at the path: none is made in
 *         its place; or it names none, and the basin that is there has chunks and was not asked
 *         for), FLUME_ERR_READ_ONLY, FLUME_ERR_INVALID (a path with control bytes, or too long; a
 *         basin in memory; one that would be taken holds other records than chunks, or lacks some
 *         that are referred to); as flume_log_open().
 */
FLUME_API int flume_grains_make(flume_log *log, const char *path, uint64_t strata_bytes);

/**
 * Lend the log a handle of its second log, which it then syncs through instead of opening one.
 *
 * @param grains  Valid until it is taken back; NULL takes it back, and waits for a sync that uses
 *                it.
 * @return FLUME_OK, FLUME_ERR_FORKED, FLUME_ERR_INVALID (NULL log).
 * Threads: any.
 */
FLUME_API int flume_grains_lend(flume_log *log, flume_log *grains);

#ifdef __cplusplus
}
#endif
#endif
