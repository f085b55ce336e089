/*
 * scope_id.c - what a scope is the same as: its pairs, one after the other, and their hash.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "content.h"
#include "scope_inside.h"

/* So much is gathered first: piece by piece it takes three times as long. */
enum { GATHERED_BYTES = 2048 };

/* ---- laying out ---- */

static int reserve_layout(flume_scope *scope)
{
    size_t bytes = SCOPE_ID_DOMAIN_BYTES;
    size_t count = 0;

    for (uint32_t i = 0; i < scope->count; i++) {
        const struct scope_slot *slot = scope_slot_at(scope, i);

        if (scope_is_identity(slot)) {
            bytes += scope_identity_bytes(slot);
            count++;
        }
    }
    if (!scope_reserve((void **)&scope->image, &scope->image_capacity, bytes, 1) ||
        !scope_reserve((void **)&scope->pairs.pairs, &scope->pairs_capacity, count,
                       sizeof *scope->pairs.pairs))
        return scope_refuse(scope, FLUME_ERR_NO_MEMORY, "no memory for the pairs of a scope");
    return FLUME_OK;
}

static void lay_out_slot(flume_scope *scope, struct scope_slot *slot)
{
    uint8_t *data = scope->image + scope->image_bytes;
    uint32_t bytes = scope_identity_bytes(slot);

    memcpy(data, slot->pair, bytes);
    if (data[slot->value_at] == FLUME_VALUE_BLOB)
        data[slot->value_at] = FLUME_VALUE_HASH;
    slot->pair_index = (uint32_t)scope->pairs.count;
    scope->pairs.pairs[scope->pairs.count++] =
        (struct scope_pair){.key = data + slot->value_at - slot->key_bytes,
                            .key_bytes = slot->key_bytes,
                            .bytes = bytes,
                            .data = data};
    slot->image_at = (uint32_t)scope->image_bytes;
    scope->image_bytes += bytes;
    if (!slot->is_label &&
        (slot->class_ != FLUME_CLASS_INLINE || (slot->flags & FLUME_VARIABLE_GLOBAL) != 0))
        scope->beyond_local++;
}

/* Names as many of them as there is room for. */
static int refuse_unknown(flume_scope *scope)
{
    char list[FLUME_ERROR_TEXT_BYTES - 200], shown[SCOPE_SHOWN_BYTES];
    uint32_t named = 0, count = scope->class_count[FLUME_CLASS_UNKNOWN];
    size_t used = 0;

    list[0] = '\0';
    for (uint32_t i = 0; i < scope->count; i++) {
        const struct scope_slot *slot = scope_slot_at(scope, i);

        if (slot->class_ != FLUME_CLASS_UNKNOWN)
            continue;
        (void)scope_show(slot->key, slot->key_bytes, shown);
        if (used + strlen(shown) + 2 >= sizeof list)
            break;
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%s", named > 0 ? ", " : "", shown);
        named++;
    }
    if (named < count)
        return scope_refuse(scope, FLUME_ERR_INVALID,
                            "%u variables are of class unknown: %s and %u more "
                            "(flume_scope_unknown() lists all): classify, set or unset them",
                            count, list, count - named);
    return scope_refuse(scope, FLUME_ERR_INVALID,
                        "%u variable%s of class unknown: %s: classify, set or unset %s", count,
                        count == 1 ? " is" : "s are", list, count == 1 ? "it" : "them");
}

int scope_lay_out(flume_scope *scope)
{
    int status;

    if (scope->error.status != FLUME_OK)
        return scope->error.status;
    if (scope->class_count[FLUME_CLASS_UNKNOWN] > 0)
        return refuse_unknown(scope);
    scope->refusal.status = FLUME_OK;
    if (scope->laid_out)
        return FLUME_OK;
    status = reserve_layout(scope);
    if (status < 0)
        return status;
    memcpy(scope->image, SCOPE_ID_DOMAIN, SCOPE_ID_DOMAIN_BYTES);
    scope->image_bytes = SCOPE_ID_DOMAIN_BYTES;
    scope->pairs.count = 0;
    scope->pairs.kept = &scope->kept;
    tokens_forget(&scope->kept);
    scope->beyond_local = 0;
    for (uint32_t i = 0; i < scope->count; i++) {
        struct scope_slot *slot = scope_slot_at(scope, i);

        if (scope_is_identity(slot))
            lay_out_slot(scope, slot);
    }
    scope->laid_out = true;
    scope->id_known = false;
    return FLUME_OK;
}

/* ---- identity ---- */

int scope_pairs_of(flume_scope *scope, const struct scope_pairs **out_pairs)
{
    int status = scope_lay_out(scope);

    if (status < 0)
        return status;
    *out_pairs = &scope->pairs;
    return FLUME_OK;
}

int flume_scope_id(flume_scope *scope, uint8_t out_id[FLUME_HASH_BYTES])
{
    int status = scope_lay_out(scope);

    if (status < 0)
        return status;
    if (!scope->id_known)
        flume_hash(scope->image, scope->image_bytes, scope->id);
    scope->id_known = true;
    memcpy(out_id, scope->id, FLUME_HASH_BYTES);
    return FLUME_OK;
}

static bool is_local(const struct scope_slot *slot)
{
    return slot->is_label ||
           (slot->class_ == FLUME_CLASS_INLINE && (slot->flags & FLUME_VARIABLE_GLOBAL) == 0);
}

int flume_scope_local_id(flume_scope *scope, uint8_t out_id[FLUME_HASH_BYTES])
{
    size_t bytes = SCOPE_ID_DOMAIN_BYTES;
    int status = scope_lay_out(scope);

    if (status < 0)
        return status;
    if (scope->beyond_local == 0) /* It is the same scope. */
        return flume_scope_id(scope, out_id);
    if (!scope_reserve((void **)&scope->local_image, &scope->local_capacity, scope->image_bytes, 1))
        return scope_refuse(scope, FLUME_ERR_NO_MEMORY, "no memory for the pairs of a scope");
    memcpy(scope->local_image, SCOPE_ID_DOMAIN, SCOPE_ID_DOMAIN_BYTES);
    for (uint32_t i = 0; i < scope->count; i++) {
        const struct scope_slot *slot = scope_slot_at(scope, i);

        if (!is_local(slot))
            continue;
        memcpy(scope->local_image + bytes, slot->pair, slot->pair_bytes);
        bytes += slot->pair_bytes;
    }
    assert(bytes <= scope->image_bytes);
    flume_hash(scope->local_image, bytes, out_id);
    return FLUME_OK;
}

void flume_scope_id_text(const uint8_t id[FLUME_HASH_BYTES],
                         char out_text[FLUME_SCOPE_ID_TEXT_BYTES + 1])
{
    static const char algorithm[] = "blake3-1:";

    static_assert(sizeof algorithm - 1 + FLUME_HASH_TEXT_BYTES == FLUME_SCOPE_ID_TEXT_BYTES,
                  "the name and the digits");
    memcpy(out_text, algorithm, sizeof algorithm - 1);
    flume_hash_text(id, out_text + sizeof algorithm - 1);
}

/* ---- pairs by themselves ---- */

int scope_pairs_id(const struct scope_pairs *pairs, uint8_t out_id[FLUME_HASH_BYTES])
{
    struct content_hasher *hasher;
    uint8_t image[GATHERED_BYTES];
    size_t bytes = SCOPE_ID_DOMAIN_BYTES;

    memcpy(image, SCOPE_ID_DOMAIN, SCOPE_ID_DOMAIN_BYTES);
    for (size_t i = 0; i < pairs->count && bytes <= sizeof image; i++) {
        if (pairs->pairs[i].bytes <= sizeof image - bytes)
            memcpy(image + bytes, pairs->pairs[i].data, pairs->pairs[i].bytes);
        bytes += pairs->pairs[i].bytes;
    }
    if (bytes <= sizeof image) {
        flume_hash(image, bytes, out_id);
        return FLUME_OK;
    }
    hasher = content_hasher_create();
    if (hasher == NULL)
        return FLUME_ERR_NO_MEMORY;
    content_hasher_add(hasher, SCOPE_ID_DOMAIN, SCOPE_ID_DOMAIN_BYTES);
    for (size_t i = 0; i < pairs->count; i++)
        content_hasher_add(hasher, pairs->pairs[i].data, pairs->pairs[i].bytes);
    content_hasher_get(hasher, out_id);
    content_hasher_destroy(hasher);
    return FLUME_OK;
}

static bool is_same_pair(const struct scope_pair *one, const struct scope_pair *other)
{
    return one->bytes == other->bytes && memcmp(one->data, other->data, one->bytes) == 0;
}

bool scope_pairs_equal(const struct scope_pairs *one, const struct scope_pairs *other)
{
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (!is_same_pair(&one->pairs[i], &other->pairs[i]))
            return false;
    return true;
}

bool scope_pairs_have_all(const struct scope_pairs *whole, const struct scope_pairs *part)
{
    size_t at = 0;

    if (part->count > whole->count)
        return false;
    for (size_t i = 0; i < part->count; i++, at++) {
        const struct scope_pair *pair = &part->pairs[i];

        while (at < whole->count && !is_same_pair(pair, &whole->pairs[at]) &&
               scope_key_compare(whole->pairs[at].key, whole->pairs[at].key_bytes, pair->key,
                                 pair->key_bytes) < 0)
            at++;
        if (at == whole->count || !is_same_pair(pair, &whole->pairs[at]))
            return false;
    }
    return true;
}

bool scope_pairs_are_within(const struct scope_pairs *one, const struct scope_pairs *other)
{
    return one->count < other->count && scope_pairs_have_all(other, one);
}

void scope_pair_value(const struct scope_pair *pair, flume_value *out_value)
{
    scope_value_decode(pair->key + pair->key_bytes, out_value);
}

bool scope_pair_is_label(const struct scope_pair *pair)
{
    return pair->key_bytes > SCOPE_LABEL_PREFIX_BYTES &&
           memcmp(pair->key, SCOPE_LABEL_PREFIX, SCOPE_LABEL_PREFIX_BYTES) == 0;
}
