/*
 * prove_check.h - `flume prove --check`: whether a proof holds, without any basin.
 */
#ifndef REPL_PROVE_CHECK_H
#define REPL_PROVE_CHECK_H

#include "grid.h"

/** Read the proof that --check names, verify it and say what it proves. The code to end with. */
int prove_check(struct session *session);

/** A root as it is written: 64 hexadecimal digits. */
bool prove_parse_root(const char *text, uint8_t out_hash[FLUME_ROOT_BYTES]);

/** A cell with a hash. */
void prove_put_hash(struct grid *grid, const uint8_t hash[FLUME_ROOT_BYTES]);

#endif
