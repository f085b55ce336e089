/*
 * cache_key.h - the KEY of `flume cache`: which address it means.
 */
#ifndef REPL_CACHE_KEY_H
#define REPL_CACHE_KEY_H

#include "asking.h"
#include "flume/recall.h"

/**
 * The address that a word means: 64 hexadecimal digits are one; {"n":1} is a scope; @N the scope,
 * or the value, that record N holds; anything else is data. Scopes and data are of the space that
 * --space names.
 *
 * @param asking  The basin is open.
 * @return CODE_OK, or the code of what was reported.
 */
int cache_key_find(struct asking *asking, const struct operand *operand,
                   uint8_t out_address[FLUME_ADDRESS_BYTES]);

#endif
