/*
 * io_memory.h - an io table whose files are in memory, for ":memory:" basins.
 *
 * Paths are compared as text: no "." or "..", no second '/' in a row, none at the end. The part
 * before the last '/' must be a directory made earlier; a path without '/' needs none.
 * A directory cannot be opened (-EISDIR) or renamed (-EOPNOTSUPP).
 */
#ifndef FLUME_IO_MEMORY_H
#define FLUME_IO_MEMORY_H

#include "flume/io.h"

/*
 * Make an empty one.
 *
 * allocator  NULL: malloc. Copied; what its ctx points to must outlive the table.
 * out_io     Receives the table; its ctx is owned by the caller: io_memory_destroy().
 *
 * FLUME_OK or FLUME_ERR_NO_MEMORY.
 */
int io_memory_create(const flume_allocator *allocator, flume_io *out_io);

/*
 * Forget all names and zero the table. Files that are still open, and mappings, live on until they
 * are closed and unmapped, by this table's former functions or by flume_io_posix()'s. NULL and a
 * zeroed table are harmless. No other call may be running; a forked child may call it whatever the
 * parent's threads were doing.
 */
void io_memory_destroy(flume_io *io);

#endif
