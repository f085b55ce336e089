/*
 * lookup.h - what the questions of find.h have in common: a snapshot of a view by its name, and
 * walks over the rows whose keys begin alike.
 */
#ifndef VIEWS_LOOKUP_H
#define VIEWS_LOOKUP_H

#include "flume/view.h"

enum { LOOKUP_SEQ_BYTES = 8 }; /* A seq at the end of a key: big-endian, so that it sorts. */

/** Wait for a view and take a snapshot of it. Ended by flume_rows_end().
 * @return as flume_view_find() and flume_view_read(). */
int lookup_rows(flume *handle, const char *name, const flume_ask *ask, flume_rows **out_rows);

/** Whether a key begins with these bytes. */
bool lookup_begins(flume_bytes key, const void *prefix, size_t prefix_bytes);

/** The seq in a key's last eight bytes. */
uint64_t lookup_seq(flume_bytes key);

/** Stand before the first row whose key begins with these bytes, or sorts behind them; 0 bytes: the
 * first row of all. @return FLUME_OK, also where there is no such row; FLUME_ERR_VIEW. */
int lookup_seek(flume_rows *rows, size_t table, const void *prefix, size_t prefix_bytes);

/** The next row, if its key begins with these bytes and ends with a seq behind them.
 * @return FLUME_OK; FLUME_END: no such row is left; FLUME_ERR_VIEW. */
int lookup_next_seq(flume_rows *rows, const void *prefix, size_t prefix_bytes, uint64_t *out_seq);

/** Say that a view holds a row that its own code does not write. @return FLUME_ERR_VIEW. */
int lookup_bad_row(flume *handle, const char *name);

#endif
