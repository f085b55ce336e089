/*
 * scope_rebuild.h - the body of a decoded record, put together again piece by piece, by other code
 * than the library's: what decodes has no other form.
 */
#ifndef FLUME_SCOPE_REBUILD_H
#define FLUME_SCOPE_REBUILD_H

#include <stdlib.h>
#include <string.h>

#include "scope_record.h"

struct rebuilt {
    uint8_t *data;
    size_t bytes;
};

static inline void rebuild_data(struct rebuilt *body, const void *data, size_t bytes)
{
    if (bytes > 0)
        memcpy(body->data + body->bytes, data, bytes);
    body->bytes += bytes;
}

static inline void rebuild_le64(struct rebuilt *body, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        body->data[body->bytes++] = (uint8_t)(value >> (8 * i));
}

static inline void rebuild_varint(struct rebuilt *body, size_t value)
{
    for (; value > 127; value /= 128)
        body->data[body->bytes++] = (uint8_t)(value % 128 + 128);
    body->data[body->bytes++] = (uint8_t)value;
}

static inline void rebuild_pairs(struct rebuilt *body, const struct scope_pairs *pairs,
                                 const uint8_t *attributes)
{
    rebuild_varint(body, pairs->count);
    for (size_t i = 0; i < pairs->count; i++) {
        const struct scope_pair *pair = &pairs->pairs[i];

        rebuild_varint(body, pair->key_bytes);
        rebuild_data(body, pair->key,
                     pair->bytes - (size_t)(pair->key - pair->data)); /* With the value behind. */
    }
    rebuild_data(body, attributes, pairs->count);
}

/* bytes: of the body that was decoded; the result is at most twice that. Freed by the caller. */
static inline struct rebuilt rebuild_body(const struct scope_record *record, size_t bytes)
{
    struct rebuilt body = {malloc(2 * bytes + 16), 0};
    static const uint8_t untared[FLUME_HASH_BYTES];
    bool is_tared = memcmp(record->tare_id, untared, sizeof untared) != 0;
    uint8_t head[8] = {1, (uint8_t)record->form, (uint8_t)record->own_labels,
                       (uint8_t)(record->own_labels / 256),
                       (uint8_t)((record->is_within ? 1 : 0) | (record->is_loose ? 2 : 0) |
                                 (record->is_unnamed ? 4 : 0) | (is_tared ? 8 : 0))};

    if (body.data == NULL)
        abort();
    if (record->form == SCOPE_RECORD_LINK)
        memset(head + 1, 0, sizeof head - 1);
    if (record->form == SCOPE_RECORD_LINK && is_tared)
        head[1] = 1;
    rebuild_data(&body, head, sizeof head);
    rebuild_data(&body, record->id, sizeof record->id);
    if (record->form == SCOPE_RECORD_LINK) {
        rebuild_le64(&body, record->target_seq);
        rebuild_le64(&body, record->count);
        rebuild_le64(&body, record->first_time_ns);
        rebuild_le64(&body, record->last_time_ns);
    } else {
        rebuild_data(&body, record->local_id, sizeof record->local_id);
        rebuild_le64(&body, record->extends_seq);
    }
    rebuild_le64(&body, record->frame);
    rebuild_le64(&body, record->enclosing_frame);
    if (record->form == SCOPE_RECORD_SHADOWED) {
        rebuild_le64(&body, record->target_seq);
        rebuild_varint(&body, record->missing.count);
        for (size_t i = 0; i < record->missing.count; i++) {
            rebuild_varint(&body, record->missing.pairs[i].key_bytes);
            rebuild_data(&body, record->missing.pairs[i].key, record->missing.pairs[i].key_bytes);
        }
    } else if (record->form == SCOPE_RECORD_DELTA) {
        rebuild_le64(&body, record->target_seq);
        rebuild_pairs(&body, &record->added, record->added_attributes);
    } else if (record->form == SCOPE_RECORD_FULL) {
        if (record->is_within)
            rebuild_le64(&body, record->target_seq);
        rebuild_pairs(&body, &record->variables, record->attributes);
    }
    rebuild_pairs(&body, &record->volatiles, record->volatile_attributes);
    if (is_tared)
        rebuild_data(&body, record->tare_id, sizeof record->tare_id);
    return body;
}

#endif
