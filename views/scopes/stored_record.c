/*
 * stored_record.c - values at addresses as bytes, and back (stored_record.h).
 *
 * What always holds:
 *   - A body that decodes encodes to the same bytes again.
 */
#include "stored_record.h"

#include <assert.h>
#include <string.h>

#include "little.h"

enum {
    FORMAT = 1,
    FORMAT_AT = 0,
    FORM_AT = 1,
    FLAGS_AT = 2,
    ZERO_AT = 3,
    ZERO_BYTES = 5,
    BYTES_AT = 8,
    ADDRESS_AT = 16,
    SCOPE_ID_AT = 48
};
static_assert(ZERO_AT + ZERO_BYTES == BYTES_AT, "the header has no gap");
static_assert(SCOPE_ID_AT + FLUME_HASH_BYTES == STORED_HEADER_BYTES, "the header has no gap");

size_t stored_content_bytes(const struct stored_record *stored)
{
    switch (stored->form) {
    case STORED_INLINE:
        return (size_t)stored->bytes;
    case STORED_BLOB:
        return FLUME_HASH_BYTES;
    default:
        return 0;
    }
}

void stored_record_encode(const struct stored_record *stored, uint8_t *target)
{
    size_t content_bytes = stored_content_bytes(stored);

    memset(target, 0, STORED_HEADER_BYTES);
    target[FORMAT_AT] = FORMAT;
    target[FORM_AT] = (uint8_t)stored->form;
    target[FLAGS_AT] = (uint8_t)stored->flags;
    little_put64(target + BYTES_AT, stored->bytes);
    memcpy(target + ADDRESS_AT, stored->address, FLUME_ADDRESS_BYTES);
    memcpy(target + SCOPE_ID_AT, stored->scope_id, FLUME_HASH_BYTES);
    if (content_bytes > 0)
        memcpy(target + STORED_HEADER_BYTES, stored->content, content_bytes);
}

/* Whether the sizes are what the form says. */
static bool is_sound(const struct stored_record *stored, size_t body_bytes)
{
    if (stored->flags == STORED_COUNTS &&
        (stored->form != STORED_INLINE || stored->bytes != STORED_COUNTS_BYTES))
        return false;
    switch (stored->form) {
    case STORED_INLINE:
        return stored->bytes <= FLUME_STORED_INLINE_BYTES_MAX &&
               stored->bytes == body_bytes - STORED_HEADER_BYTES;
    case STORED_BLOB:
        return stored->bytes > FLUME_STORED_INLINE_BYTES_MAX &&
               body_bytes == STORED_HEADER_BYTES + FLUME_HASH_BYTES;
    case STORED_END:
        return stored->bytes == 0 && body_bytes == STORED_HEADER_BYTES;
    default:
        return false;
    }
}

int stored_record_decode(const void *body, size_t body_bytes, struct stored_record *out_stored)
{
    static const uint8_t zeros[FLUME_HASH_BYTES] = {0};
    const uint8_t *bytes = body;
    struct stored_record stored;

    if (body_bytes == 0)
        return FLUME_ERR_DAMAGED;
    if (bytes[FORMAT_AT] > FORMAT)
        return FLUME_ERR_VERSION;
    if (bytes[FORMAT_AT] != FORMAT || body_bytes < STORED_HEADER_BYTES ||
        memcmp(bytes + ZERO_AT, zeros, ZERO_BYTES) != 0)
        return FLUME_ERR_DAMAGED;
    stored = (struct stored_record){
        .form = (enum stored_form)bytes[FORM_AT],
        .flags = bytes[FLAGS_AT],
        .bytes = little_get64(bytes + BYTES_AT),
        .content = bytes + STORED_HEADER_BYTES,
    };
    memcpy(stored.address, bytes + ADDRESS_AT, FLUME_ADDRESS_BYTES);
    memcpy(stored.scope_id, bytes + SCOPE_ID_AT, FLUME_HASH_BYTES);
    if (stored.flags > STORED_COUNTS || !is_sound(&stored, body_bytes) ||
        (stored.flags != FLUME_STORED_REMEMBERED &&
         memcmp(stored.scope_id, zeros, sizeof zeros) != 0))
        return FLUME_ERR_DAMAGED;
    *out_stored = stored;
    return FLUME_OK;
}
