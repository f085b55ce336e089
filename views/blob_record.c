/*
 * blob_record.c - the body of a record of kind blob.
 */
#include "blob_record.h"

#include <assert.h>
#include <string.h>

#include "little.h"

enum {
    RECORD_FORMAT_AT = 0,
    RECORD_FORM_AT = 1,
    RECORD_MEDIA_TYPE_BYTES_AT = 2,
    RECORD_RESERVED_AT = 3,
    RECORD_BYTES_AT = 8,
    RECORD_CHUNKS_AT = 16,
    RECORD_HASH_AT = 24,
    RECORD_FORMAT = 1
};
static_assert(RECORD_HASH_AT + (int)FLUME_HASH_BYTES == (int)BLOB_RECORD_HEADER_BYTES,
              "the header has no gap");

size_t blob_record_encode(const struct blob_record *record,
                          uint8_t target[BLOB_RECORD_PREFIX_BYTES_MAX])
{
    assert(record->media_type_bytes <= FLUME_BLOB_MEDIA_TYPE_BYTES_MAX);
    memset(target, 0, BLOB_RECORD_HEADER_BYTES);
    target[RECORD_FORMAT_AT] = RECORD_FORMAT;
    target[RECORD_FORM_AT] = (uint8_t)record->form;
    target[RECORD_MEDIA_TYPE_BYTES_AT] = (uint8_t)record->media_type_bytes;
    little_put64(target + RECORD_BYTES_AT, record->bytes);
    little_put64(target + RECORD_CHUNKS_AT, record->chunks);
    memcpy(target + RECORD_HASH_AT, record->hash, FLUME_HASH_BYTES);
    if (record->media_type_bytes > 0)
        memcpy(target + BLOB_RECORD_HEADER_BYTES, record->media_type, record->media_type_bytes);
    return BLOB_RECORD_HEADER_BYTES + record->media_type_bytes;
}

/* Whether the numbers of a body agree with each other and with its length. */
static bool is_consistent(const struct blob_record *record)
{
    switch (record->form) {
    case FLUME_BLOB_INLINE:
        return record->chunks == 0 && record->bytes <= FLUME_BLOB_INLINE_BYTES_MAX &&
               record->rest_bytes == record->bytes;
    case FLUME_BLOB_CHUNKED:
        return record->chunks > 0 && record->bytes >= record->chunks && record->rest_bytes > 0;
    default:
        return record->rest_bytes == 0 && record->bytes >= record->chunks;
    }
}

static bool is_media_type(const uint8_t *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    }
    return bytes <= FLUME_BLOB_MEDIA_TYPE_BYTES_MAX;
}

int blob_record_decode(const void *body, size_t body_bytes, struct blob_record *out_record)
{
    const uint8_t *source = body;
    struct blob_record record;
    size_t prefix_bytes;

    if (body_bytes < BLOB_RECORD_HEADER_BYTES)
        return FLUME_ERR_DAMAGED;
    if (source[RECORD_FORMAT_AT] > RECORD_FORMAT || source[RECORD_FORM_AT] > FLUME_BLOB_AGAIN)
        return FLUME_ERR_VERSION;
    prefix_bytes = BLOB_RECORD_HEADER_BYTES + (size_t)source[RECORD_MEDIA_TYPE_BYTES_AT];
    if (source[RECORD_FORMAT_AT] != RECORD_FORMAT || source[RECORD_FORM_AT] < FLUME_BLOB_INLINE ||
        body_bytes < prefix_bytes ||
        !is_media_type(source + BLOB_RECORD_HEADER_BYTES, source[RECORD_MEDIA_TYPE_BYTES_AT]))
        return FLUME_ERR_DAMAGED;
    record.form = (enum flume_blob_form)source[RECORD_FORM_AT];
    record.bytes = little_get64(source + RECORD_BYTES_AT);
    record.chunks = little_get64(source + RECORD_CHUNKS_AT);
    record.hash = source + RECORD_HASH_AT;
    record.media_type = (const char *)source + BLOB_RECORD_HEADER_BYTES;
    record.media_type_bytes = source[RECORD_MEDIA_TYPE_BYTES_AT];
    record.rest = source + prefix_bytes;
    record.rest_bytes = body_bytes - prefix_bytes;
    for (size_t i = RECORD_RESERVED_AT; i < RECORD_BYTES_AT; i++) {
        if (source[i] != 0)
            return FLUME_ERR_DAMAGED;
    }
    if (!is_consistent(&record))
        return FLUME_ERR_DAMAGED;
    *out_record = record;
    return FLUME_OK;
}
