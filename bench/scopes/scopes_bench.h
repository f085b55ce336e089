/*
 * scopes_bench.h - scopes to commit, and what a user would otherwise do with them.
 */
#ifndef BENCH_SCOPES_BENCH_H
#define BENCH_SCOPES_BENCH_H

#include "bench.h"
#include "flume/flume.h"
#include "measure.h"

enum { SCOPE_CONSTANTS = 14, SCOPE_GRIDS = 5, SCOPE_KEYS = 20, SCOPE_TEXT_BYTES = 1024 };

/** Set the 20 variables of scope number i of a sweep: constants, five grid parameters to base 16,
 * an index. The first `dropped` constants are left out. */
int sweep_set(flume_scope *scope, uint64_t number, unsigned dropped);

/** The same as a JSON text, keys in order, as a program without flume would write it. Bytes. */
size_t sweep_json(uint64_t number, char target[SCOPE_TEXT_BYTES]);

/* Rows of JSON with a hash of it: an exact duplicate is not stored again. Whole rows, one
 * transaction, no syncs. */
struct peer;
int peer_open(const char *dir_path, struct peer **out_peer);
/** 1: new, 0: it was there, -1 after bench_fail(). */
int peer_commit(struct peer *peer, const char *text, size_t bytes);
int peer_close(struct peer *peer);

#endif
