/*
 * steady_io.h - a world that stands still: files in memory, one wall time, predictable chance.
 *
 * With it the same calls make the same bytes, in every run and on every machine. A program that
 * uses it also has a fixed host, user, program and process number in its manifests.
 *
 * What always holds:
 *   - The n-th request for random bytes since steady_io_create() answers n, n + 1, n + 2, ...
 *     with n in the high half of the byte: 10 11 12 ..., then 20 21 22 ...
 *   - While helpers are held, no thread but the one that holds them comes out of a wait, so that
 *     background work cannot come between the calls of a test.
 */
#ifndef FLUME_STEADY_IO_H
#define FLUME_STEADY_IO_H

#include "flume/io.h"

#define STEADY_WALL_NS UINT64_C(1790000000000000000)

/* An empty world. One at a time: chance and the hold are shared by all. FLUME_OK or an error. */
int steady_io_create(flume_io *out_io);
void steady_io_destroy(flume_io *io);

void steady_io_hold_helpers(void);
void steady_io_release_helpers(void);

/* All of a file, and a NUL behind it: *out_data is freed by the caller. 0 or a negative errno. */
int steady_io_read(const flume_io *io, const char *path, uint8_t **out_data, size_t *out_bytes);

/* Make a file of these bytes, or make it so long and put them in. */
int steady_io_write(const flume_io *io, const char *path, const void *data, size_t bytes);

#endif
