/*
 * cache_value.h - putting and getting a value at an address, for `flume cache` and `flume scope`.
 */
#ifndef REPL_CACHE_VALUE_H
#define REPL_CACHE_VALUE_H

#include "asking.h"
#include "flume/recall.h"

/** Put a text, or what --file names, with the labels of -l, and say where it landed.
 * @param text  NULL: --file is there.
 * @return CODE_OK, or the code of what was reported. */
int cache_value_put(struct asking *asking, const uint8_t address[FLUME_ADDRESS_BYTES],
                    const char *text);

/** Write the newest value byte for byte, to -o or standard output.
 * @param operand  Marked where there is none.
 * @return CODE_OK, or the code of what was reported. */
int cache_value_get(struct asking *asking, const uint8_t address[FLUME_ADDRESS_BYTES],
                    const struct operand *operand);

/** Whether the session may write bytes: before the basin is opened. CODE_OK or CODE_USAGE. */
int cache_value_check_get(struct session *session);

#endif
