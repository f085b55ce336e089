/*
 * spool.h - bytes that wait in a file without a name, in the basin's directory.
 *
 * What always holds:
 *   - The file ends with the process, however that ends: no name leads to it.
 *   - Nothing is kept in memory.
 */
#ifndef VIEWS_SCOPES_SPOOL_H
#define VIEWS_SCOPES_SPOOL_H

#include "flume/view.h"

/* Starts as all zero: empty, no file. */
struct spool {
    bool is_open;
    int file;
    uint64_t bytes; /* What is in it. The file may be longer, after an error. */
};

/** Put bytes behind what there is. @return FLUME_OK; FLUME_ERR_IO, FLUME_ERR_FULL: told, nothing
 * changed. */
int spool_add(flume *handle, struct spool *spool, const void *data, size_t bytes);
/** Bytes of it, all of which there are. @return FLUME_OK, FLUME_ERR_IO: told. */
int spool_read(flume *handle, const struct spool *spool, uint64_t at, void *target, size_t bytes);
/** Only so much stays: what follows is written over. */
void spool_cut(struct spool *spool, uint64_t bytes);
/** Nothing is in it, and there is no file. */
void spool_close(struct spool *spool);

#endif
