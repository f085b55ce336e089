/*
 * latency.h - how long it takes until a follower sees what was appended, measured now.
 *
 * It is measured in a basin of its own, under TMPDIR or /tmp, that is taken away again: the user's
 * basin is not written to, nor needed.
 */
#ifndef REPL_LATENCY_H
#define REPL_LATENCY_H

#include "log2_bins.h"
#include "session.h"

/** Append, one by one, and count in nanoseconds when a second handle has each record. CODE_OK, or
 * the code of what was reported. */
int latency_measure(struct session *session, struct log2_bins *bins);

#endif
