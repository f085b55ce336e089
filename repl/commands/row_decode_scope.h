/*
 * row_decode_scope.h - rows of the views "scope", "superset" and "address", made readable.
 */
#ifndef REPL_ROW_DECODE_SCOPE_H
#define REPL_ROW_DECODE_SCOPE_H

#include "row_decode.h"

/** Add to an empty row what can be read. False: it is not such a row, and something may be
 * added. */
bool row_decode_scope(const flume_bytes *key, const flume_bytes *value, struct shown_row *row);
bool row_decode_address(const flume_bytes *key, const flume_bytes *value, struct shown_row *row);
bool row_decode_superset(const flume_bytes *key, const flume_bytes *value, struct shown_row *row);
bool row_decode_superset_shape(const flume_bytes *key, const flume_bytes *value,
                               struct shown_row *row);
bool row_decode_superset_entry(const flume_bytes *key, const flume_bytes *value,
                               struct shown_row *row);
bool row_decode_superset_info(const flume_bytes *key, const flume_bytes *value,
                              struct shown_row *row);

#endif
