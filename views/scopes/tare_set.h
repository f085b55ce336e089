/*
 * tare_set.h - the tares in force at a commit, as an id and as a record: views/FORMAT.md, "Scopes".
 *
 * The id is a hash over the images of the tares, the one that was told first in front. An image
 * says what counts: how a tare leaves variables out, their keys, and by value the hashes of what
 * they were.
 */
#ifndef VIEWS_SCOPES_TARE_SET_H
#define VIEWS_SCOPES_TARE_SET_H

#include "rules.h"

#define TARE_ID_DOMAIN "flume tare 1" /* Hashed with its NUL. */

/* How the body of a record begins that tells what tares are: behind it stand the digits of their
 * id. */
#define TARE_BODY_BEGIN "{\"tare\":\""

/** Begin the image of a tare of so many variables. @return false: no memory. */
bool tare_image_begin(struct scope_buffer *image, enum flume_tare_mode mode, size_t count);
/** One more, in byte order of keys. @param value  By value: its hash; NULL: by key. */
bool tare_image_add(struct scope_buffer *image, const char *key,
                    const uint8_t value[FLUME_HASH_BYTES]);

/** "keys" or "values". */
const char *tare_mode_name(enum flume_tare_mode mode);

#endif
