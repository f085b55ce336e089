/*
 * partial.h - partials: what a computation takes of a scope.
 *
 * A partial names keys, required and optional ones with their types, and forbidden ones. What it
 * takes of a scope is a scope by itself, whose flume_scope_id() is the same wherever these
 * variables are: the key for a cache of what depends on them alone.
 *
 *   flume_partial_create(&partial, "model");
 *   flume_partial_require(partial, "model_id", 1u << FLUME_VALUE_TEXT);
 *   flume_partial_allow(partial, "solver", 0);
 *   if (flume_partial_extract(partial, scope, part) == FLUME_OK)
 *       flume_scope_id(part, id);
 *
 * Threads: a partial is used by one thread at a time.
 */
#ifndef FLUME_PARTIAL_H
#define FLUME_PARTIAL_H

#include "flume/scope.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flume_partial flume_partial;

/** @param name  For messages. Copied. @return FLUME_OK, FLUME_ERR_INVALID, FLUME_ERR_NO_MEMORY. */
FLUME_API int flume_partial_create(flume_partial **out_partial, const char *name);
/** NULL is harmless. */
FLUME_API void flume_partial_destroy(flume_partial *partial);

/** A key that must be there. Of a key told twice the last counts.
 * @param types  Bits 1u << enum flume_value_type; 0: any.
 * @return FLUME_OK, FLUME_ERR_INVALID (no key, no such types), FLUME_ERR_TOO_LARGE,
 *         FLUME_ERR_NO_MEMORY. */
FLUME_API int flume_partial_require(flume_partial *partial, const char *key, unsigned types);
/** Keys that must not be there: a POSIX extended regular expression that is searched in the key of
 * each variable of the scope. A key that is required or allowed is not looked at, nor are labels
 * and what is of class ignore.
 * @param keys  At most FLUME_PATTERN_BYTES_MAX bytes (recorder_rules.h), not "". Copied.
 * @return FLUME_OK; FLUME_ERR_INVALID (the pattern: flume_partial_failures() says what is wrong
 *         with it), FLUME_ERR_TOO_LARGE (also: more than FLUME_RULES_MAX), FLUME_ERR_NO_MEMORY. */
FLUME_API int flume_partial_forbid(flume_partial *partial, const char *keys);
/** A key that is taken if it is there. */
FLUME_API int flume_partial_allow(flume_partial *partial, const char *key, unsigned types);

/**
 * Take the keys of a partial from a scope: values, classes and contents (which stay borrowed), no
 * labels. A variable of class ignore is not there. What is volatile stays so, and does not count.
 *
 * @param io_scope  Cleared first. Not the same scope. NULL: only to be asked whether it could be
 *                  taken.
 * @return FLUME_OK; FLUME_ERR_INVALID (flume_partial_failures() says all that is missing, of
 *         another type or forbidden; the scope's own error; io_scope is empty then),
 *         FLUME_ERR_NO_MEMORY.
 */
FLUME_API int flume_partial_extract(flume_partial *partial, const flume_scope *scope,
                                    flume_scope *io_scope);

/** What was wrong when it was extracted last: one line each, "partial model: key: why"; "" if
 * nothing was. Valid until the next extraction or flume_partial_forbid(). */
FLUME_API const char *flume_partial_failures(const flume_partial *partial);

#ifdef __cplusplus
}
#endif
#endif
