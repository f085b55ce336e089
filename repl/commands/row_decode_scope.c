/*
 * row_decode_scope.c - rows of the views "scope", "superset" and "address", made readable.
 */
#include "row_decode_scope.h"

#include <inttypes.h>

#include "row_bytes.h"
#include "value.h"

enum { SCOPE_LAST_AT = 8, SCOPE_COUNT_AT = 16, SCOPE_TIME_AT = 24, SCOPE_BYTES = 32 };
enum { ADDRESS_BYTES_AT = 2, ADDRESS_TIME_AT = 10, ADDRESS_BYTES = 50, ADDRESS_END = 3 };
enum { FINGERPRINT_BYTES = 16, PAIRS_SUPERSET_AT = 8, PAIRS_BYTES = 16 };
enum { SHAPE_NUMBER_BYTES = 4, SHAPE_FLAGS_AT = 8, SHAPE_COUNT_AT = 12, SHAPE_KEYS_AT = 16 };
enum { SHAPE_LISTED = 1, SHAPE_WILD_ABOVE = 2 };
enum { TOKEN_BYTES = 8, ENTRY_KEY_BYTES = 16, ENTRY_BYTES = 12 };
enum { INFO_WILD_SHAPES_AT = 8, INFO_WILD_SCOPES_AT = 16, INFO_BYTES = 32 };

static uint32_t get_little32(const uint8_t *source)
{
    return source[0] | (uint32_t)source[1] << 8 | (uint32_t)source[2] << 16 |
           (uint32_t)source[3] << 24;
}

bool row_decode_scope(const flume_bytes *key, const flume_bytes *value, struct shown_row *row)
{
    const uint8_t *bytes = value->data;
    uint64_t count;

    if (key->bytes != FLUME_HASH_BYTES || value->bytes != SCOPE_BYTES)
        return false;
    row_add_hex(&row->key, key->data, key->bytes);
    row->seq = row_get_little(bytes);
    count = row_get_little(bytes + SCOPE_COUNT_AT);
    text_format(&row->value, "%" PRIu64 " commit%s, the last @%" PRIu64 " at ", count,
                count == 1 ? "" : "s", row_get_little(bytes + SCOPE_LAST_AT));
    value_show_time(&row->value, row_get_little(bytes + SCOPE_TIME_AT));
    return true;
}

bool row_decode_address(const flume_bytes *key, const flume_bytes *value, struct shown_row *row)
{
    static const char *const forms[] = {"", "inline", "blob", "end"};
    const uint8_t *address = key->data, *bytes = value->data;

    if (key->bytes != FLUME_ADDRESS_BYTES + ROW_SEQ_BYTES || value->bytes != ADDRESS_BYTES ||
        bytes[0] == 0 || bytes[0] > ADDRESS_END)
        return false;
    row_add_hex(&row->key, address, FLUME_ADDRESS_BYTES);
    row->seq = row_get_big(address + FLUME_ADDRESS_BYTES);
    text_format(&row->value, "%s%s, %" PRIu64 " bytes, at ", bytes[1] != 0 ? "remembered, " : "",
                forms[bytes[0]], row_get_little(bytes + ADDRESS_BYTES_AT));
    value_show_time(&row->value, row_get_little(bytes + ADDRESS_TIME_AT));
    return true;
}

bool row_decode_superset(const flume_bytes *key, const flume_bytes *value, struct shown_row *row)
{
    const uint8_t *bytes = value->data;
    uint64_t superset_seq;

    if (key->bytes != FINGERPRINT_BYTES || value->bytes != PAIRS_BYTES)
        return false;
    row_add_hex(&row->key, key->data, key->bytes);
    row->seq = row_get_little(bytes);
    superset_seq = row_get_little(bytes + PAIRS_SUPERSET_AT);
    if (superset_seq != FLUME_SEQ_NONE)
        text_format(&row->value, "within @%" PRIu64, superset_seq);
    return true;
}

bool row_decode_superset_shape(const flume_bytes *key, const flume_bytes *value,
                               struct shown_row *row)
{
    const uint8_t *number = key->data, *bytes = value->data;
    uint32_t flags, count;

    if (key->bytes != SHAPE_NUMBER_BYTES || value->bytes < SHAPE_KEYS_AT)
        return false;
    text_format(&row->key, "%u",
                (unsigned)number[0] << 24 | (unsigned)number[1] << 16 | (unsigned)number[2] << 8 |
                    number[3]);
    row->seq = row_get_little(bytes);
    flags = get_little32(bytes + SHAPE_FLAGS_AT);
    count = get_little32(bytes + SHAPE_COUNT_AT);
    text_format(&row->value, "%u key%s%s%s", count, count == 1 ? "" : "s",
                (flags & SHAPE_LISTED) != 0 ? ", has wild scopes within" : "",
                (flags & SHAPE_WILD_ABOVE) != 0 ? ", lies within wild scopes" : "");
    return true;
}

bool row_decode_superset_entry(const flume_bytes *key, const flume_bytes *value,
                               struct shown_row *row)
{
    const uint8_t *bytes = key->data;
    uint32_t count;

    if (key->bytes != ENTRY_KEY_BYTES || value->bytes != ENTRY_BYTES)
        return false;
    row_add_hex(&row->key, bytes, TOKEN_BYTES);
    row->seq = row_get_big(bytes + TOKEN_BYTES);
    count = get_little32(value->data);
    text_format(&row->value, "%u pair%s", count, count == 1 ? "" : "s");
    return true;
}

bool row_decode_superset_info(const flume_bytes *key, const flume_bytes *value,
                              struct shown_row *row)
{
    const uint8_t *bytes = value->data;

    if (value->bytes != INFO_BYTES)
        return false;
    text_add(&row->key, key->data, key->bytes);
    text_format(&row->value, "%" PRIu64 " shapes, %" PRIu64 " wild shapes, %" PRIu64 " wild scopes",
                row_get_little(bytes), row_get_little(bytes + INFO_WILD_SHAPES_AT),
                row_get_little(bytes + INFO_WILD_SCOPES_AT));
    return true;
}
