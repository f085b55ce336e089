/*
 * base64.h - bytes back from base64 (RFC 4648, with padding).
 */
#ifndef REPL_BASE64_H
#define REPL_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/** Room that the bytes of so many digits need at most. */
size_t base64_room(size_t digits);

/** False if it is not base64. */
bool base64_decode(const char *source, size_t digits, void *target, size_t *out_bytes);

#endif
