/*
 * reduce_view.c - reduce views: count, sum, min, max or last of a path, for each group of records.
 *
 * Table "state": a group -> how many records are in it and what they have come to. Rows are merged,
 * so the value of a row is what one record says, or several together:
 *
 *   count   the number of records
 *   sum     the number, then the exact sum (exact_sum.h)
 *   others  the number, the seq that the value came from, the value's type (value.h), the value: a
 *           number in ten bytes that sort, a text as it is
 *
 * Counted is every record (count without a path), or every one with a value at the path that can be
 * reduced: for count any; for sum numbers; for the others numbers and texts, numbers before texts.
 * Of a text the first REDUCE_TEXT_BYTES_MAX bytes, whole characters, are compared and kept.
 *
 * What always holds:
 *   - Merging is associative, sums included: how records are batched does not show.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "declared_view.h"
#include "exact_sum.h"
#include "inside.h"
#include "labels.h"
#include "little.h"
#include "lookup.h"
#include "text.h"

enum {
    STATE_COUNT_AT = 0,
    STATE_SUM_AT = 8,
    STATE_SEQ_AT = 8,
    STATE_TYPE_AT = 16,
    STATE_VALUE_AT = 17,
    REDUCE_TEXT_BYTES_MAX = 768,
    STATE_BYTES_MAX = STATE_VALUE_AT + REDUCE_TEXT_BYTES_MAX
};

static_assert((int)STATE_BYTES_MAX <= (int)FLUME_MERGE_BYTES_MAX, "a text can be merged");
static_assert(STATE_SUM_AT + (int)EXACT_SUM_BYTES_MAX <= (int)STATE_BYTES_MAX, "and a sum");

/* A group's key: one byte, so that the empty text has a key, then the group's text. A text that is
 * too long is cut, and a zero byte and the first bytes of its BLAKE3 follow; such a key is longer
 * than any whole one. */
enum {
    GROUP_MARK = 0x01,
    GROUP_TEXT_BYTES_MAX = 400,
    GROUP_HASH_BYTES = 16,
    GROUP_KEY_BYTES_MAX = 1 + GROUP_TEXT_BYTES_MAX + 1 + GROUP_HASH_BYTES,
    GROUP_CHARACTER_BYTES = 4
};

static_assert((int)GROUP_HASH_BYTES > (int)GROUP_CHARACTER_BYTES, "cutting is told by the length");

/* ---- what one record says ---- */

struct contribution {
    const struct declared *declared;
    uint64_t seq;
    bool has_value;
    struct exact_sum sum;
    struct value value; /* The least, largest or last so far; its text, cut, in text. */
    char text[REDUCE_TEXT_BYTES_MAX];
    struct value_buffer buffer;
};

/* Whether a reduction takes a value: any, numbers, or what has an order that people expect. */
static bool is_reduced(enum flume_reduce_what reduce, enum value_type type)
{
    if (reduce == FLUME_REDUCE_COUNT)
        return true;
    return type == VALUE_NUMBER || (type == VALUE_TEXT && reduce != FLUME_REDUCE_SUM);
}

static bool is_kept(const struct contribution *contribution, const struct value *value)
{
    switch (contribution->declared->declaration.reduce) {
    case FLUME_REDUCE_MIN:
        return value_compare(value, &contribution->value) < 0;
    case FLUME_REDUCE_MAX:
        return value_compare(value, &contribution->value) > 0;
    default:
        return true;
    }
}

static void keep(struct contribution *contribution, const struct value *value)
{
    contribution->value = *value;
    if (value->type == VALUE_TEXT) {
        memcpy(contribution->text, value->text, value->text_bytes);
        contribution->value.text = contribution->text;
    }
}

static int reduce_value(void *ctx, struct json_slice json)
{
    struct contribution *contribution = ctx;
    enum flume_reduce_what reduce = contribution->declared->declaration.reduce;
    bool is_first = !contribution->has_value;
    struct value value;
    int status = value_of_json(json, &contribution->buffer, &value);

    if (status != FLUME_OK || !is_reduced(reduce, value.type))
        return status;
    contribution->has_value = true;
    if (reduce == FLUME_REDUCE_SUM && value.is_integer)
        exact_sum_add_integer(&contribution->sum, value.integer);
    else if (reduce == FLUME_REDUCE_SUM)
        exact_sum_add_real(&contribution->sum, value.real);
    if (reduce == FLUME_REDUCE_SUM || reduce == FLUME_REDUCE_COUNT)
        return FLUME_OK;
    if (value.type == VALUE_TEXT)
        value.text_bytes = text_cut(value.text, value.text_bytes, REDUCE_TEXT_BYTES_MAX);
    if (is_first || is_kept(contribution, &value))
        keep(contribution, &value);
    return FLUME_OK;
}

static size_t encode(const struct contribution *contribution, uint8_t state[STATE_BYTES_MAX])
{
    const struct value *value = &contribution->value;

    little_put64(state + STATE_COUNT_AT, 1);
    switch (contribution->declared->declaration.reduce) {
    case FLUME_REDUCE_COUNT:
        return STATE_SUM_AT;
    case FLUME_REDUCE_SUM:
        return STATE_SUM_AT + exact_sum_encode(&contribution->sum, state + STATE_SUM_AT);
    default:
        break;
    }
    little_put64(state + STATE_SEQ_AT, contribution->seq);
    state[STATE_TYPE_AT] = (uint8_t)value->type;
    if (value->type == VALUE_NUMBER) {
        value_number_encode(value, state + STATE_VALUE_AT);
        return STATE_VALUE_AT + VALUE_NUMBER_BYTES;
    }
    if (value->text_bytes > 0)
        memcpy(state + STATE_VALUE_AT, value->text, value->text_bytes);
    return STATE_VALUE_AT + value->text_bytes;
}

/* ---- in which groups it is ---- */

/* The same state goes to each group of a record. */
struct grouping {
    const struct declared *declared;
    flume_batch *batch;
    const uint8_t *state;
    size_t state_bytes;
};

static size_t group_key(flume_bytes text, uint8_t key[GROUP_KEY_BYTES_MAX])
{
    uint8_t hash[FLUME_HASH_BYTES];
    size_t bytes = text_cut(text.data, text.bytes, GROUP_TEXT_BYTES_MAX);

    key[0] = GROUP_MARK;
    if (bytes > 0)
        memcpy(key + 1, text.data, bytes);
    if (bytes == text.bytes)
        return 1 + bytes;
    flume_hash(text.data, text.bytes, hash);
    key[1 + bytes] = 0;
    memcpy(key + 1 + bytes + 1, hash, GROUP_HASH_BYTES);
    return 1 + bytes + 1 + GROUP_HASH_BYTES;
}

static int put_group(const struct grouping *grouping, flume_bytes text)
{
    uint8_t key[GROUP_KEY_BYTES_MAX];
    size_t key_bytes = group_key(text, key);

    return flume_batch_put(grouping->batch, REDUCE_TABLE_STATE, key, key_bytes, grouping->state,
                           grouping->state_bytes);
}

static int put_label_groups(const struct grouping *grouping, const flume_record *record)
{
    struct labels labels;
    int status = labels_init(&labels, record);

    for (size_t i = 0; status == FLUME_OK && i < labels.count; i++)
        status = put_group(grouping, (flume_bytes){labels.list[i].text, labels.list[i].bytes});
    labels_deinit(&labels);
    return status;
}

/* A set of group keys of one record: usually one, at most as many as its body has values. */
struct group_set {
    uint8_t (*keys)[2 + GROUP_KEY_BYTES_MAX]; /* Length in two bytes, key, zeros. */
    size_t count, capacity;
    struct value_buffer buffer;
};

static int collect_group(void *ctx, struct json_slice json)
{
    struct group_set *set = ctx;
    char buffer[VALUE_NUMBER_TEXT_BYTES];
    struct value value;
    size_t key_bytes;
    uint8_t *key;
    int status = value_of_json(json, &set->buffer, &value);

    if (status != FLUME_OK || value.type == VALUE_NONE)
        return status;
    if (set->count == set->capacity) {
        size_t capacity = set->capacity * 2 + 1;
        void *keys = realloc(set->keys, capacity * sizeof *set->keys);

        if (keys == NULL)
            return FLUME_ERR_NO_MEMORY;
        set->keys = keys;
        set->capacity = capacity;
    }
    key = set->keys[set->count++];
    memset(key, 0, sizeof *set->keys);
    key_bytes = group_key(value_text(&value, buffer), key + 2);
    key[0] = (uint8_t)(key_bytes >> 8);
    key[1] = (uint8_t)key_bytes;
    return FLUME_OK;
}

static int compare_keys(const void *one, const void *other)
{
    return memcmp(one, other, 2 + GROUP_KEY_BYTES_MAX);
}

static int put_field_groups(const struct grouping *grouping, const flume_record *record)
{
    struct group_set set = {.keys = NULL};
    int status = json_path_each(grouping->declared->by_path, record->body, record->body_bytes,
                                collect_group, &set);

    if (set.count > 1)
        qsort(set.keys, set.count, sizeof *set.keys, compare_keys);
    for (size_t i = 0; status == FLUME_OK && i < set.count; i++) {
        const uint8_t *key = set.keys[i];

        if (i == 0 || compare_keys(key, set.keys[i - 1]) != 0)
            status = flume_batch_put(grouping->batch, REDUCE_TABLE_STATE, key + 2,
                                     (size_t)key[0] << 8 | key[1], grouping->state,
                                     grouping->state_bytes);
    }
    value_buffer_deinit(&set.buffer);
    free(set.keys);
    return status;
}

static int put_groups(const struct grouping *grouping, const flume_record *record)
{
    if (grouping->declared->by_path != NULL)
        return put_field_groups(grouping, record);
    if (grouping->declared->declaration.by_label)
        return put_label_groups(grouping, record);
    return put_group(grouping, (flume_bytes){"", 0});
}

int reduce_apply(void *state, flume_batch *batch, const flume_record *record)
{
    const struct declared *declared = state;
    struct contribution contribution = {.declared = declared, .seq = record->seq};
    uint8_t encoded[STATE_BYTES_MAX];
    struct grouping grouping = {.declared = declared, .batch = batch, .state = encoded};
    int status = FLUME_OK;

    if (!declared_takes(declared, record))
        return FLUME_OK;
    if ((declared->path != NULL || declared->by_path != NULL) &&
        !json_text_is_sound(record->body, record->body_bytes))
        return FLUME_OK;
    contribution.has_value = declared->path == NULL;
    if (declared->path != NULL)
        status = json_path_each(declared->path, record->body, record->body_bytes, reduce_value,
                                &contribution);
    if (status == FLUME_OK && contribution.has_value) {
        grouping.state_bytes = encode(&contribution, encoded);
        status = put_groups(&grouping, record);
    }
    value_buffer_deinit(&contribution.buffer);
    return status;
}

/* ---- merging ---- */

/* Types are numbered in order and encoded values sort, so bytes tell which value is less. */
static int compare_states(flume_bytes one, flume_bytes other)
{
    const uint8_t *one_data = (const uint8_t *)one.data + STATE_TYPE_AT;
    const uint8_t *other_data = (const uint8_t *)other.data + STATE_TYPE_AT;
    size_t shared = one.bytes < other.bytes ? one.bytes : other.bytes;
    int order = memcmp(one_data, other_data, shared - STATE_TYPE_AT);

    if (order != 0)
        return order;
    return (one.bytes > other.bytes) - (one.bytes < other.bytes);
}

static int merge_sums(flume_bytes older, flume_bytes newer, uint8_t *target, size_t *out_bytes)
{
    struct exact_sum sum, term;

    if (!exact_sum_decode((const uint8_t *)older.data + STATE_SUM_AT, older.bytes - STATE_SUM_AT,
                          &sum) ||
        !exact_sum_decode((const uint8_t *)newer.data + STATE_SUM_AT, newer.bytes - STATE_SUM_AT,
                          &term))
        return FLUME_ERR_VIEW;
    exact_sum_add(&sum, &term);
    *out_bytes = STATE_SUM_AT + exact_sum_encode(&sum, target + STATE_SUM_AT);
    return FLUME_OK;
}

static int merge_values(enum flume_reduce_what reduce, flume_bytes older, flume_bytes newer,
                        uint8_t *target, size_t *out_bytes)
{
    flume_bytes kept = older; /* Of equal ones the oldest stays. */

    if (older.bytes < STATE_VALUE_AT || newer.bytes < STATE_VALUE_AT ||
        older.bytes > STATE_BYTES_MAX || newer.bytes > STATE_BYTES_MAX)
        return FLUME_ERR_VIEW;
    if (reduce == FLUME_REDUCE_LAST ||
        (reduce == FLUME_REDUCE_MIN && compare_states(newer, older) < 0) ||
        (reduce == FLUME_REDUCE_MAX && compare_states(newer, older) > 0))
        kept = newer;
    memcpy(target, kept.data, kept.bytes);
    *out_bytes = kept.bytes;
    return FLUME_OK;
}

int reduce_merge(void *ctx, flume_bytes key, flume_bytes older, flume_bytes newer, void *target,
                 size_t *out_bytes)
{
    enum flume_reduce_what reduce = ((const struct declared *)ctx)->declaration.reduce;
    uint64_t count;
    int status = FLUME_OK;

    (void)key;
    if (older.bytes < STATE_SUM_AT || newer.bytes < STATE_SUM_AT)
        return FLUME_ERR_VIEW;
    count = little_get64(older.data) + little_get64(newer.data);
    if (reduce == FLUME_REDUCE_COUNT)
        *out_bytes = STATE_SUM_AT;
    else if (reduce == FLUME_REDUCE_SUM)
        status = merge_sums(older, newer, target, out_bytes);
    else
        status = merge_values(reduce, older, newer, target, out_bytes);
    if (status == FLUME_OK)
        little_put64((uint8_t *)target + STATE_COUNT_AT, count);
    return status;
}

/* ---- listing ---- */

static bool group_decode(enum flume_reduce_what reduce, flume_bytes key, flume_bytes state,
                         flume_group *out_group)
{
    const uint8_t *data = state.data;
    flume_group group = {.seq = FLUME_SEQ_NONE, .is_number = true, .text = {"", 0}};
    struct exact_sum sum;

    if (key.bytes < 1 || key.bytes > GROUP_KEY_BYTES_MAX || state.bytes < STATE_SUM_AT)
        return false;
    group.key = (flume_bytes){(const uint8_t *)key.data + 1, key.bytes - 1};
    if (group.key.bytes > GROUP_TEXT_BYTES_MAX)
        group.key.bytes -= 1 + GROUP_HASH_BYTES;
    group.count = little_get64(data + STATE_COUNT_AT);
    group.number = (double)group.count;
    if (reduce == FLUME_REDUCE_SUM) {
        if (!exact_sum_decode(data + STATE_SUM_AT, state.bytes - STATE_SUM_AT, &sum))
            return false;
        group.number = exact_sum_round(&sum);
    } else if (reduce != FLUME_REDUCE_COUNT) {
        if (state.bytes < STATE_VALUE_AT)
            return false;
        group.seq = little_get64(data + STATE_SEQ_AT);
        group.is_number = data[STATE_TYPE_AT] == VALUE_NUMBER;
        if (group.is_number && state.bytes != STATE_VALUE_AT + VALUE_NUMBER_BYTES)
            return false;
        group.number = group.is_number ? value_number_decode(data + STATE_VALUE_AT) : 0;
        if (!group.is_number)
            group.text = (flume_bytes){data + STATE_VALUE_AT, state.bytes - STATE_VALUE_AT};
    }
    *out_group = group;
    return true;
}

/* Which groups a listing gives, and to whom. */
struct group_listing {
    const struct declared *declared;
    uint8_t prefix[1 + GROUP_TEXT_BYTES_MAX];
    size_t prefix_bytes;
    int (*callback)(void *ctx, const flume_group *group);
    void *ctx;
};

static int list_groups(flume *handle, flume_rows *rows, const struct group_listing *listing)
{
    flume_group group;
    flume_bytes key, value;
    int status = lookup_seek(rows, REDUCE_TABLE_STATE, listing->prefix, listing->prefix_bytes);

    while (status == FLUME_OK) {
        status = flume_rows_next(rows, &key, &value);
        if (status == FLUME_END ||
            (status == FLUME_OK && !lookup_begins(key, listing->prefix, listing->prefix_bytes)))
            return FLUME_OK;
        if (status == FLUME_OK &&
            !group_decode(listing->declared->declaration.reduce, key, value, &group))
            status = lookup_bad_row(handle, listing->declared->declaration.name);
        if (status == FLUME_OK)
            status = listing->callback(listing->ctx, &group);
    }
    return status;
}

int flume_reduce_list(flume *handle, const flume_ask *ask, const char *name, const char *key_prefix,
                      int (*callback)(void *ctx, const flume_group *group), void *ctx)
{
    struct group_listing listing = {.prefix = {GROUP_MARK}, .callback = callback, .ctx = ctx};
    const char *prefix = key_prefix != NULL ? key_prefix : "";
    flume_view *view = NULL;
    flume_rows *rows = NULL;
    size_t prefix_bytes;
    int status;

    if (handle == NULL || name == NULL || callback == NULL)
        return FLUME_ERR_INVALID;
    status = declared_find(handle, name, FLUME_DECLARED_REDUCE, &view, &listing.declared);
    if (status != FLUME_OK)
        return status;
    prefix_bytes = strnlen(prefix, GROUP_TEXT_BYTES_MAX + 1);
    if (prefix_bytes > GROUP_TEXT_BYTES_MAX)
        return FLUME_OK; /* No key is given out that long. */
    memcpy(listing.prefix + 1, prefix, prefix_bytes);
    listing.prefix_bytes = 1 + prefix_bytes;
    status = flume_view_read(view, ask, &rows);
    if (status != FLUME_OK)
        return status;
    status = list_groups(handle, rows, &listing);
    flume_rows_end(rows);
    return status;
}
