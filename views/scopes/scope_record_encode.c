/*
 * scope_record_encode.c - the body of a scope's record, or of a link. See scope_record.h.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "little.h"
#include "scope_inside.h"
#include "scope_record_bytes.h"

void scope_buffer_deinit(struct scope_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct scope_buffer){0};
}

static int reserve(struct scope_buffer *body, size_t more)
{
    if (!scope_reserve((void **)&body->data, &body->capacity, body->bytes + more, 1))
        return FLUME_ERR_NO_MEMORY;
    return FLUME_OK;
}

/* ---- pieces; there is room for them ---- */

static void put_varint(struct scope_buffer *body, uint32_t value)
{
    body->bytes += varint_write(body->data + body->bytes, value);
}

static void put_data(struct scope_buffer *body, const void *data, size_t bytes)
{
    memcpy(body->data + body->bytes, data, bytes);
    body->bytes += bytes;
}

static bool is_stored(const struct scope_slot *slot, bool is_volatile)
{
    if (is_volatile)
        return slot->class_ == FLUME_CLASS_VOLATILE;
    return scope_is_identity(slot) && !slot->is_label;
}

/* Whether its variables stand in the image as in a record, one behind the other, and are all inline
 * and local: what most scopes are. */
static bool is_plain(const flume_scope *scope)
{
    return scope->beyond_local == 0;
}

/* The image but for the labels in it, and attributes that are all 0. */
static int put_plain(const flume_scope *scope, struct scope_buffer *body)
{
    const uint8_t *image = scope->image + SCOPE_ID_DOMAIN_BYTES;
    size_t bytes = scope->image_bytes - SCOPE_ID_DOMAIN_BYTES, before = bytes, behind = 0;
    uint32_t count = (uint32_t)scope->pairs.count - scope->label_count;

    if (scope->label_count > 0) {
        uint32_t last = scope->first_label + scope->label_count - 1;
        const struct scope_slot *slot = scope_slot_at(scope, last);

        before = scope_slot_at(scope, scope->first_label)->image_at - SCOPE_ID_DOMAIN_BYTES;
        behind = slot->image_at - SCOPE_ID_DOMAIN_BYTES + slot->pair_bytes;
    }
    if (reserve(body, VARINT_BYTES_MAX + bytes + count) < 0)
        return FLUME_ERR_NO_MEMORY;
    put_varint(body, count);
    put_data(body, image, before);
    if (behind > 0)
        put_data(body, image + behind, bytes - behind);
    memset(body->data + body->bytes, 0, count);
    body->bytes += count;
    return FLUME_OK;
}

static uint8_t attribute_of(const struct scope_slot *slot)
{
    bool is_global = (slot->flags & FLUME_VARIABLE_GLOBAL) != 0;

    return (uint8_t)(slot->class_ | (is_global ? SCOPE_ATTRIBUTE_GLOBAL : 0));
}

/* Whether the slot's key is one of these. Slots come in order. */
static bool is_among(const struct scope_slot *slot, const struct scope_pairs *pairs, size_t *io_at)
{
    for (; *io_at < pairs->count; ++*io_at) {
        const struct scope_pair *pair = &pairs->pairs[*io_at];
        int order = scope_key_compare(pair->key, pair->key_bytes, slot->key, slot->key_bytes);

        if (order >= 0)
            return order == 0;
    }
    return false;
}

/* On the way over the slots that are put. */
struct picking {
    const flume_scope *scope;
    bool is_volatile;
    const struct scope_pairs *without; /* But for these. */
    uint32_t index;
    size_t at; /* In `without`. */
};

/* The next one; NULL: there is none. */
static const struct scope_slot *pick(struct picking *picking)
{
    while (picking->index < picking->scope->count) {
        const struct scope_slot *slot = scope_slot_at(picking->scope, picking->index++);

        if (is_stored(slot, picking->is_volatile) &&
            !is_among(slot, picking->without, &picking->at))
            return slot;
    }
    return NULL;
}

/* Pairs as they stand in slots, and an attribute for each. */
static int put_slots(const flume_scope *scope, bool is_volatile, const struct scope_pairs *without,
                     struct scope_buffer *body)
{
    const struct picking all = {scope, is_volatile, without, 0, 0};
    const struct scope_slot *slot;
    struct picking picking = all;
    uint32_t count = 0;
    size_t bytes = VARINT_BYTES_MAX;

    while ((slot = pick(&picking)) != NULL) {
        bytes += slot->pair_bytes + 1;
        count++;
    }
    if (reserve(body, bytes) < 0)
        return FLUME_ERR_NO_MEMORY;
    put_varint(body, count);
    for (picking = all; (slot = pick(&picking)) != NULL;)
        put_data(body, slot->pair, slot->pair_bytes);
    for (picking = all; (slot = pick(&picking)) != NULL;)
        body->data[body->bytes++] = attribute_of(slot);
    return FLUME_OK;
}

static const struct scope_pairs none = {.pairs = NULL};

static int put_volatiles(const flume_scope *scope, struct scope_buffer *body)
{
    if (scope->class_count[FLUME_CLASS_VOLATILE] > 0)
        return put_slots(scope, true, &none, body);
    if (reserve(body, VARINT_BYTES_MAX) < 0)
        return FLUME_ERR_NO_MEMORY;
    put_varint(body, 0);
    return FLUME_OK;
}

/* The keys that the target has and the scope has not. Both are in order. */
static int put_missing(flume_scope *scope, const struct scope_pairs *target,
                       struct scope_buffer *body)
{
    size_t met = 0, bytes = VARINT_BYTES_MAX;

    for (size_t i = 0; i < target->count; i++)
        bytes += target->pairs[i].key_bytes + VARINT_BYTES_MAX;
    if (reserve(body, bytes) < 0)
        return FLUME_ERR_NO_MEMORY;
    put_varint(body, (uint32_t)(target->count - scope->pairs.count)); /* Wrong where they differ. */
    for (size_t i = 0; i < target->count; i++) {
        const struct scope_pair *pair = &target->pairs[i];
        const struct scope_pair *own = &scope->pairs.pairs[met];

        if (met < scope->pairs.count && own->bytes == pair->bytes &&
            memcmp(own->data, pair->data, pair->bytes) == 0) {
            met++;
            continue;
        }
        put_varint(body, pair->key_bytes);
        put_data(body, pair->key, pair->key_bytes);
    }
    if (met < scope->pairs.count || met == target->count)
        return scope_refuse(scope, FLUME_ERR_INVALID,
                            "the scope is no true part of the one it would be stored as a part of");
    return FLUME_OK;
}

/* The variables that the target has not. */
static int put_added(flume_scope *scope, const struct scope_pairs *target,
                     struct scope_buffer *body)
{
    if (!scope_pairs_are_within(target, &scope->pairs))
        return scope_refuse(
            scope, FLUME_ERR_INVALID,
            "the scope has not all, and more, of the one that it would be added to");
    return put_slots(scope, false, target, body);
}

bool scope_record_is_base(flume_scope *scope, const struct scope_record *full)
{
    uint32_t index = 0;

    if (full->form != SCOPE_RECORD_FULL || scope_lay_out(scope) != FLUME_OK)
        return false;
    for (size_t i = 0; i < full->variables.count; i++) {
        const struct scope_pair *pair = &full->variables.pairs[i];
        const struct scope_slot *slot = NULL;
        int order = -1;

        for (; order < 0 && index < scope->count; index++) { /* Both are in order. */
            slot = scope_slot_at(scope, index);
            order = scope_key_compare(slot->key, slot->key_bytes, pair->key, pair->key_bytes);
        }
        if (order != 0 || slot->pair_bytes != pair->bytes ||
            memcmp(slot->pair, pair->data, pair->bytes) != 0 ||
            attribute_of(slot) != full->attributes[i])
            return false;
    }
    return true;
}

/* ---- heads ---- */

static int put_scope_head(flume_scope *scope, const struct scope_stamp *stamp,
                          struct scope_buffer *body)
{
    uint8_t *head = body->data;
    uint16_t own = 0;
    int status = FLUME_OK;

    for (uint32_t i = 0; i < scope->label_count; i++)
        own = (uint16_t)(own + !scope_slot_at(scope, scope->first_label + i)->is_inherited);
    memset(head, 0, SCOPE_BODY_SHADOWED_BYTES);
    head[SCOPE_BODY_FORMAT_AT] = SCOPE_RECORD_FORMAT;
    head[SCOPE_BODY_FORM_AT] = (uint8_t)stamp->form;
    head[SCOPE_BODY_OWN_AT] = (uint8_t)own;
    head[SCOPE_BODY_OWN_AT + 1] = (uint8_t)(own >> 8);
    if (!stamp->is_unnamed)
        status = flume_scope_id(scope, head + SCOPE_BODY_ID_AT);
    if (status == FLUME_OK && !stamp->is_unnamed)
        status = flume_scope_local_id(scope, head + SCOPE_BODY_LOCAL_AT);
    if (status < 0)
        return status;
    little_put64(head + SCOPE_BODY_EXTENDS_AT, stamp->extends_seq);
    little_put64(head + SCOPE_BODY_FRAME_AT, stamp->frame);
    little_put64(head + SCOPE_BODY_ENCLOSING_AT, stamp->enclosing_frame);
    body->bytes = SCOPE_BODY_FULL_BYTES;
    head[SCOPE_BODY_FLAGS_AT] = (uint8_t)((scope->is_loose ? SCOPE_BODY_LOOSE : 0) |
                                          (tare_id_is_none(stamp->tare_id) ? 0 : SCOPE_BODY_TARED));
    if (stamp->form == SCOPE_RECORD_FULL)
        head[SCOPE_BODY_FLAGS_AT] |= (uint8_t)((stamp->is_within ? SCOPE_BODY_WITHIN : 0) |
                                               (stamp->is_unnamed ? SCOPE_BODY_UNNAMED : 0));
    if (stamp->form == SCOPE_RECORD_FULL && !stamp->is_within)
        return FLUME_OK;
    little_put64(head + SCOPE_BODY_TARGET_AT, stamp->target_seq);
    body->bytes = SCOPE_BODY_SHADOWED_BYTES;
    return FLUME_OK;
}

static int put_link_head(flume_scope *scope, const struct scope_stamp *stamp,
                         struct scope_buffer *body)
{
    uint8_t *head = body->data;

    memset(head, 0, LINK_BODY_BYTES);
    head[SCOPE_BODY_FORMAT_AT] = SCOPE_RECORD_FORMAT;
    head[LINK_BODY_FLAGS_AT] = tare_id_is_none(stamp->tare_id) ? 0 : LINK_BODY_TARED;
    little_put64(head + LINK_BODY_TARGET_AT, stamp->target_seq);
    little_put64(head + LINK_BODY_COUNT_AT, stamp->count);
    little_put64(head + LINK_BODY_FIRST_AT, stamp->first_time_ns);
    little_put64(head + LINK_BODY_LAST_AT, stamp->last_time_ns);
    little_put64(head + LINK_BODY_FRAME_AT, stamp->frame);
    little_put64(head + LINK_BODY_ENCLOSING_AT, stamp->enclosing_frame);
    body->bytes = LINK_BODY_BYTES;
    return flume_scope_id(scope, head + LINK_BODY_ID_AT);
}

static int put_tare(const struct scope_stamp *stamp, struct scope_buffer *body)
{
    if (tare_id_is_none(stamp->tare_id))
        return FLUME_OK;
    if (reserve(body, FLUME_HASH_BYTES) < 0)
        return FLUME_ERR_NO_MEMORY;
    put_data(body, stamp->tare_id, FLUME_HASH_BYTES);
    return FLUME_OK;
}

static int put_body(flume_scope *scope, const struct scope_stamp *stamp, struct scope_buffer *body)
{
    int status = reserve(body, SCOPE_BODY_SHADOWED_BYTES);

    if (status == FLUME_OK)
        status = stamp->form == SCOPE_RECORD_LINK ? put_link_head(scope, stamp, body)
                                                  : put_scope_head(scope, stamp, body);
    if (status == FLUME_OK && stamp->form == SCOPE_RECORD_FULL)
        status = is_plain(scope) ? put_plain(scope, body) : put_slots(scope, false, &none, body);
    if (status == FLUME_OK && stamp->form == SCOPE_RECORD_SHADOWED)
        status = put_missing(scope, stamp->target_pairs, body);
    if (status == FLUME_OK && stamp->form == SCOPE_RECORD_DELTA)
        status = put_added(scope, stamp->target_pairs, body);
    if (status == FLUME_OK)
        status = put_volatiles(scope, body);
    if (status == FLUME_OK)
        status = put_tare(stamp, body);
    return status;
}

int scope_record_encode(flume_scope *scope, const struct scope_stamp *stamp,
                        struct scope_buffer *io_body)
{
    int status = scope_lay_out(scope);

    if (status < 0)
        return status;
    io_body->bytes = 0;
    status = put_body(scope, stamp, io_body);
    if (status == FLUME_ERR_NO_MEMORY)
        return scope_refuse(scope, status, "no memory for the record of a scope");
    if (status == FLUME_OK && io_body->bytes > FLUME_BODY_BYTES_MAX)
        return scope_refuse(scope, FLUME_ERR_TOO_LARGE,
                            "the scope has %zu bytes, and a record at most %d: make a blob of what "
                            "is large",
                            io_body->bytes, FLUME_BODY_BYTES_MAX);
    return status;
}

int scope_record_labels(flume_scope *scope, const char *const **out_labels, size_t *out_count,
                        size_t *out_own)
{
    size_t used = 0, own = 0;

    if (!scope_reserve((void **)&scope->label_list, &scope->label_list_capacity, scope->label_count,
                       sizeof *scope->label_list))
        return scope_refuse(scope, FLUME_ERR_NO_MEMORY, "no memory for the labels of a scope");
    for (int inherited = 0; inherited < 2; inherited++) {
        for (uint32_t i = 0; i < scope->label_count; i++) {
            const struct scope_slot *slot = scope_slot_at(scope, scope->first_label + i);

            if (slot->is_inherited == (inherited == 1))
                scope->label_list[used++] = slot->key + SCOPE_LABEL_PREFIX_BYTES;
        }
        if (inherited == 0)
            own = used;
    }
    *out_labels = scope->label_list;
    *out_count = used;
    *out_own = own;
    return FLUME_OK;
}
