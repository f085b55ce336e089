/*
 * tare_read.c - what tares left out, as the log has it (flume/schema.h).
 *
 * What always holds: tares that were read are those that the id was made of.
 */
#include "flume/schema.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "tare_set.h"

struct flume_tares {
    uint64_t seq;
    json_t *body; /* Keys are its texts. */
    flume_tared *tared;
    size_t count, capacity;
};

void flume_tares_close(flume_tares *tares)
{
    if (tares == NULL)
        return;
    json_decref(tares->body);
    free(tares->tared);
    free(tares);
}

uint64_t flume_tares_seq(const flume_tares *tares)
{
    return tares != NULL ? tares->seq : FLUME_SEQ_NONE;
}

bool flume_tares_at(const flume_tares *tares, size_t index, flume_tared *out_tared)
{
    if (tares == NULL || out_tared == NULL || index >= tares->count)
        return false;
    *out_tared = tares->tared[index];
    return true;
}

/* ---- taking a record apart ---- */

static bool read_mode(const json_t *tare, enum flume_tare_mode *out_mode)
{
    const char *name = json_string_value(json_object_get(tare, "mode"));

    *out_mode = FLUME_TARE_KEYS;
    if (name != NULL && strcmp(name, tare_mode_name(FLUME_TARE_VALUES)) == 0)
        *out_mode = FLUME_TARE_VALUES;
    return name != NULL && strcmp(name, tare_mode_name(*out_mode)) == 0;
}

static bool read_digits(const json_t *text, uint8_t out_hash[FLUME_HASH_BYTES])
{
    return json_string_length(text) == FLUME_HASH_TEXT_BYTES &&
           content_hash_read(json_string_value(text), out_hash);
}

/* One tare; what it leaves out is added, and to the image. */
static int read_tare(flume_tares *tares, size_t number, const json_t *tare,
                     struct scope_buffer *image)
{
    const json_t *keys = json_object_get(tare, "keys"), *hashes = json_object_get(tare, "hashes");
    flume_tared tared = {.tare = number};
    size_t count = json_array_size(keys);

    if (!read_mode(tare, &tared.mode) || !json_is_array(keys) ||
        json_array_size(hashes) != (tared.mode == FLUME_TARE_VALUES ? count : 0) ||
        count > FLUME_SCOPE_VARIABLES_MAX)
        return FLUME_ERR_DAMAGED;
    if (!scope_reserve((void **)&tares->tared, &tares->capacity, tares->count + count,
                       sizeof *tares->tared) ||
        !tare_image_begin(image, tared.mode, count))
        return FLUME_ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        bool is_valued = tared.mode == FLUME_TARE_VALUES;

        tared.key = json_string_value(json_array_get(keys, i));
        if (tared.key == NULL ||
            (is_valued && !read_digits(json_array_get(hashes, i), tared.value_hash)))
            return FLUME_ERR_DAMAGED;
        if (!tare_image_add(image, tared.key, is_valued ? tared.value_hash : NULL))
            return FLUME_ERR_NO_MEMORY;
        tares->tared[tares->count++] = tared;
    }
    return FLUME_OK;
}

static int decode(flume_tares *tares, const flume_record *record,
                  const uint8_t id[FLUME_HASH_BYTES])
{
    struct scope_buffer image = {.data = NULL};
    uint8_t made[FLUME_HASH_BYTES];
    const json_t *list, *tare;
    size_t number;
    int status = FLUME_OK;

    tares->body = json_loadb(record->body, record->body_bytes, JSON_REJECT_DUPLICATES, NULL);
    list = json_object_get(tares->body, "tares");
    if (json_array_size(list) == 0 || json_array_size(list) > FLUME_TARES_MAX)
        return FLUME_ERR_DAMAGED;
    if (!scope_buffer_add(&image, TARE_ID_DOMAIN, sizeof TARE_ID_DOMAIN))
        return FLUME_ERR_NO_MEMORY;
    json_array_foreach(list, number, tare)
    {
        status = read_tare(tares, number, tare, &image);
        if (status != FLUME_OK)
            break;
    }
    flume_hash(image.data, image.bytes, made);
    scope_buffer_deinit(&image);
    if (status == FLUME_OK && memcmp(made, id, sizeof made) != 0)
        return FLUME_ERR_DAMAGED; /* It tells of others. */
    return status;
}

/* ---- finding it ---- */

static bool is_of(const flume_record *record, const char *begin, size_t bytes)
{
    return record->body_bytes >= bytes && memcmp(record->body, begin, bytes) == 0;
}

/* The newest record that tells of these tares; FLUME_END: there is none. */
static int find(flume_cursor *cursor, const uint8_t id[FLUME_HASH_BYTES], flume_record *out_record)
{
    char begin[sizeof TARE_BODY_BEGIN + FLUME_HASH_TEXT_BYTES] = TARE_BODY_BEGIN;
    int status;

    flume_hash_text(id, begin + sizeof TARE_BODY_BEGIN - 1);
    do {
        status = flume_cursor_next(cursor, 0, out_record);
    } while (status == FLUME_OK && !is_of(out_record, begin, sizeof begin - 1));
    return status;
}

static int read_found(flume *handle, flume_tares *tares, const flume_record *record,
                      const uint8_t id[FLUME_HASH_BYTES])
{
    int status = decode(tares, record, id);

    tares->seq = record->seq;
    if (status == FLUME_OK)
        return FLUME_OK;
    return flume_fail(
        handle, status, record->seq, "the tares at %llu: %s", (unsigned long long)record->seq,
        status == FLUME_ERR_DAMAGED ? "they are not those that it says" : flume_strerror(status));
}

static int open_cursor(flume *handle, flume_cursor **out_cursor)
{
    static const uint8_t kinds[] = {FLUME_KIND_SCHEMA};
    flume_cursor_options options = {
        .flags = FLUME_CURSOR_REVERSE, .bounds = FLUME_LTE, .kinds = kinds, .kind_count = 1};
    int status = flume_log_last(handle->log, FLUME_KIND_SCHEMA, &options.lte);

    if (status == FLUME_OK && options.lte == FLUME_SEQ_NONE)
        return FLUME_END;
    return status == FLUME_OK ? flume_cursor_open(handle->log, &options, out_cursor) : status;
}

int flume_tares_open(flume *handle, const uint8_t id[FLUME_HASH_BYTES], flume_tares **out_tares)
{
    flume_cursor *cursor = NULL;
    flume_tares *tares;
    flume_record record;
    int status;

    if (handle == NULL || id == NULL || out_tares == NULL)
        return FLUME_ERR_INVALID;
    tares = calloc(1, sizeof *tares);
    if (tares == NULL)
        return flume_fail(handle, FLUME_ERR_NO_MEMORY, FLUME_SEQ_NONE, "no memory for tares");
    status = open_cursor(handle, &cursor);
    if (status == FLUME_OK)
        status = find(cursor, id, &record);
    if (status == FLUME_OK)
        status = read_found(handle, tares, &record, id);
    else if (status == FLUME_END)
        status = flume_fail(handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE,
                            "no record tells of tares of this id");
    else
        status = flume_fail_log(handle, status);
    flume_cursor_close(cursor);
    if (status != FLUME_OK) {
        flume_tares_close(tares);
        return status;
    }
    *out_tares = tares;
    return FLUME_OK;
}
