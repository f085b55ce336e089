/*
 * scope_record_compare.c - whether a record stands for a scope, by its bytes alone.
 *
 * A full record has the variables as they are hashed, but for blobs; its labels stand by
 * themselves. So a duplicate is told by comparing two pieces of memory, without taking the record
 * apart.
 */
#include <string.h>

#include "scope_inside.h"
#include "scope_record_bytes.h"

enum { LABELS_MAX = 64 }; /* A bit for each. */

static bool is_label(const struct scope_pair *pair, const flume_label *label)
{
    return pair->key_bytes == SCOPE_LABEL_PREFIX_BYTES + label->bytes &&
           memcmp(pair->key + SCOPE_LABEL_PREFIX_BYTES, label->text, label->bytes) == 0;
}

/* The labels of the record are those of these pairs, each once. */
static bool has_labels(const flume_record *record, const struct scope_pair *pairs, size_t count)
{
    size_t position = 0, found = 0;
    uint64_t met = 0;
    flume_label label;

    while (flume_record_label(record, &position, &label)) {
        size_t i = 0;

        while (i < count && !is_label(&pairs[i], &label))
            i++;
        if (i == count || (met >> i & 1) != 0)
            return false;
        met |= UINT64_C(1) << i;
        found++;
    }
    return found == count;
}

/* As many of the pairs as lie one behind the other, if they are the next bytes. */
static bool has_run(const uint8_t **io_at, const uint8_t *end, const struct scope_pair *pairs,
                    size_t count)
{
    for (size_t i = 0; i < count;) {
        const uint8_t *begin = pairs[i].data;
        size_t bytes = pairs[i++].bytes;

        while (i < count && pairs[i].data == begin + bytes)
            bytes += pairs[i++].bytes;
        if ((size_t)(end - *io_at) < bytes || memcmp(*io_at, begin, bytes) != 0)
            return false;
        *io_at += bytes;
    }
    return true;
}

static bool is_before_labels(const struct scope_pair *pair)
{
    return pair->key[0] < '@' || scope_key_is_chain(pair->key, pair->key_bytes);
}

/* Labels stand together. */
static size_t find_labels(const struct scope_pairs *pairs, size_t *out_count)
{
    size_t low = 0, high = pairs->count, end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (is_before_labels(&pairs->pairs[middle]))
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < pairs->count && scope_pair_is_label(&pairs->pairs[end]);)
        end++;
    *out_count = end - low;
    return low;
}

bool scope_record_has_pairs(const flume_record *record, const struct scope_pairs *pairs)
{
    const uint8_t *body = record->body, *at = body, *end = body + record->body_bytes;
    size_t label_count, first_label = find_labels(pairs, &label_count);
    size_t behind = first_label + label_count;
    uint32_t count;

    if (record->kind != FLUME_KIND_SCOPE || record->body_bytes < SCOPE_BODY_SHADOWED_BYTES ||
        body[SCOPE_BODY_FORMAT_AT] != SCOPE_RECORD_FORMAT ||
        body[SCOPE_BODY_FORM_AT] != SCOPE_RECORD_FULL || label_count > LABELS_MAX)
        return false;
    at += (body[SCOPE_BODY_FLAGS_AT] & SCOPE_BODY_WITHIN) != 0 ? SCOPE_BODY_SHADOWED_BYTES
                                                               : SCOPE_BODY_FULL_BYTES;
    return varint_read(&at, end, &count) && count == pairs->count - label_count &&
           has_run(&at, end, pairs->pairs, first_label) &&
           has_run(&at, end, pairs->pairs + behind, pairs->count - behind) &&
           has_labels(record, pairs->pairs + first_label, label_count);
}
