/*
 * golden_line.h - a record as one line of JSON, for the golden basins of tests/golden/.
 *
 * One line says all that a reader can see of a record. A later version must make the same line of
 * the same bytes, so this format does not change.
 */
#ifndef FLUME_GOLDEN_LINE_H
#define FLUME_GOLDEN_LINE_H

#include "flume/flume.h"

enum { GOLDEN_LINE_BYTES = 4096 };

/* The line of what flume_log_get() answers for a seq, without a newline. */
void golden_line(flume_log *log, uint64_t seq, char line[GOLDEN_LINE_BYTES]);

#endif
