/*
 * field_key.c - see field_key.h.
 */
#include "field_key.h"

#include <assert.h>
#include <string.h>

enum { TEXT_WHOLE = 0x00, TEXT_CUT = 0x01, ZERO_ESCAPE = 0xff };

static_assert(FIELD_KEY_BYTES_MAX + sizeof(uint64_t) <= FLUME_VIEW_KEY_BYTES_MAX,
              "a seq fits behind a key");

static void put_byte(struct field_key *key, unsigned byte)
{
    key->data[key->bytes++] = (uint8_t)byte;
}

/* As many bytes as fit, zeros escaped. @return how many of the text that were. */
static size_t put_text(struct field_key *key, const char *text, size_t text_bytes)
{
    size_t limit = key->bytes + FIELD_KEY_TEXT_BYTES;
    size_t done = 0;

    while (done < text_bytes) {
        size_t needed = text[done] == '\0' ? 2 : 1;

        if (key->bytes + needed > limit)
            break;
        put_byte(key, (unsigned char)text[done]);
        if (text[done] == '\0')
            put_byte(key, ZERO_ESCAPE);
        done++;
    }
    return done;
}

void field_key_encode_type(enum value_type type, struct field_key *out_key)
{
    out_key->bytes = 0;
    put_byte(out_key, type);
}

void field_key_encode_bound(const struct value *value, struct field_key *out_key)
{
    size_t done;

    field_key_encode_type(value->type, out_key);
    if (value->type == VALUE_NUMBER) {
        value_number_encode(value, out_key->data + out_key->bytes);
        out_key->bytes += VALUE_NUMBER_BYTES;
    } else if (value->type == VALUE_TEXT) {
        done = put_text(out_key, value->text, value->text_bytes);
        put_byte(out_key, 0);
        put_byte(out_key, done == value->text_bytes ? TEXT_WHOLE : TEXT_CUT);
    }
}

void field_key_encode(const struct value *value, struct field_key *out_key)
{
    uint8_t hash[FLUME_HASH_BYTES];

    field_key_encode_bound(value, out_key);
    if (value->type == VALUE_TEXT && out_key->data[out_key->bytes - 1] == TEXT_CUT) {
        flume_hash(value->text, value->text_bytes, hash);
        memcpy(out_key->data + out_key->bytes, hash, FIELD_KEY_HASH_BYTES);
        out_key->bytes += FIELD_KEY_HASH_BYTES;
    }
    assert(out_key->bytes <= FIELD_KEY_BYTES_MAX);
}

void field_key_encode_prefix(const char *text, size_t text_bytes, struct field_key *out_key)
{
    field_key_encode_type(VALUE_TEXT, out_key);
    (void)put_text(out_key, text, text_bytes);
}

void field_key_step_behind(struct field_key *key)
{
    while (key->bytes > 0 && key->data[key->bytes - 1] == 0xff)
        key->bytes--;
    assert(key->bytes > 0); /* A type is never 0xff. */
    key->data[key->bytes - 1]++;
}
