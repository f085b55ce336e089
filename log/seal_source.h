/*
 * seal_source.h - a strata's file, read through a window that moves: the raw one that is being
 * sealed, and the sealed one that is looked through afterwards.
 *
 * Read rather than mapped: a medium that gives an error is then an error and not a signal, a file
 * that somebody shortens too, and memory is bounded by the window whatever the strata's size.
 *
 * What always holds:
 *   - What it gives lies below the limit: of a raw strata that is where the footer page begins.
 *   - It is larger than it began only if one grain or one block is.
 */
#ifndef FLUME_SEAL_SOURCE_H
#define FLUME_SEAL_SOURCE_H

#include "handle.h"
#include "strata_file.h"

struct seal_source {
    flume_log *log;
    uint64_t first_seq;
    char name[STRATA_NAME_BYTES]; /* In log/, for messages. */
    int file;                     /* -1: not open. */
    uint64_t limit;               /* Nothing is read beyond this offset. */
    uint8_t *window;
    size_t capacity;
    uint64_t from; /* Offset of the window's first byte. */
    size_t filled;
};

/*
 * Open log/<first_seq>.strata, which must be raw and of this basin.
 *
 * @return FLUME_OK; FLUME_ERR_DAMAGED (its header does not read, or belongs elsewhere, or it is not
 *         raw); FLUME_ERR_VERSION (nothing may be written beside it); FLUME_ERR_NO_MEMORY,
 *         FLUME_ERR_IO.
 */
int seal_source_open(flume_log *log, uint64_t first_seq, struct seal_source *out_source,
                     struct strata_header *out_header);

/* Harmless for one that is zero but for file = -1. */
void seal_source_close(struct seal_source *source);

/* Give back the window alone: the file is somebody else's. */
void seal_source_release(struct seal_source *source);

/*
 * Bytes at .. at + bytes of the strata, where keep <= at: what lies from `keep` on stays in the
 * window, in one piece.
 *
 * @param out_bytes  Receives where `at` is. Valid until the next call.
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND (that is beyond the limit); FLUME_ERR_NO_MEMORY,
 *         FLUME_ERR_IO.
 */
int seal_source_want(struct seal_source *source, uint64_t keep, uint64_t at, uint64_t bytes,
                     const uint8_t **out_bytes);

/* Bytes that the window has, for they were wanted and kept since. Valid until the next call. */
const uint8_t *seal_source_held(const struct seal_source *source, uint64_t at, uint64_t bytes);

#endif
