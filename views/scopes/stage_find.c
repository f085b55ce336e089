/*
 * stage_find.c - which staged scopes a scope lies within, or has within it (stage.h).
 *
 * They are compared one by one: who asks for more than what is the same looks at the whole stage.
 */
#include <string.h>

#include "recorder_inside.h"

/* Whether one has every pair of the other, and more. */
static bool has_all_of(const struct scope_pairs *larger, const struct scope_pairs *smaller)
{
    size_t met = 0;

    if (smaller->count >= larger->count)
        return false;
    for (size_t i = 0; i < larger->count && met < smaller->count; i++) {
        const struct scope_pair *one = &larger->pairs[i], *other = &smaller->pairs[met];

        met += one->bytes == other->bytes && memcmp(one->data, other->data, one->bytes) == 0;
    }
    return met == smaller->count;
}

static bool has_variables(const struct scope_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (scope_pair_is_variable(&pairs->pairs[i]))
            return true;
    return false;
}

/* The next scope in the stage that is no duplicate. FLUME_END: no more. */
static int next_scope(flume_recorder *recorder, uint64_t *io_at,
                      const struct scope_pairs **out_pairs)
{
    struct stage_entry entry;
    uint64_t next;
    int status;

    do {
        status = stage_read(recorder, *io_at, &entry, &next);
        if (status != FLUME_OK)
            return status;
        *io_at = next;
    } while (entry.is_again);
    return scope_pairs_of(recorder->stage.scope, out_pairs);
}

int stage_find_larger(flume_recorder *recorder, const struct scope_pairs *pairs, bool *out_found)
{
    const struct scope_pairs *staged;
    uint64_t next = recorder->stage.read_at;
    int status = FLUME_OK;

    *out_found = false;
    if (!has_variables(pairs))
        return FLUME_OK;
    while (status == FLUME_OK && !*out_found) {
        status = next_scope(recorder, &next, &staged);
        if (status == FLUME_OK)
            *out_found = has_all_of(staged, pairs);
    }
    return status == FLUME_END ? FLUME_OK : status;
}

static bool is_neutral(const flume_recorder *recorder, const struct scope_pair *pair)
{
    uint32_t index;

    return recorder->neutral != NULL &&
           scope_search(recorder->neutral, (const char *)pair->key, pair->key_bytes, &index);
}

/* Whether what one has besides the other are neutral keys. */
static bool adds_neutral_keys(const flume_recorder *recorder, const struct scope_pairs *larger,
                              const struct scope_pairs *smaller)
{
    size_t met = 0;

    for (size_t i = 0; i < larger->count; i++) {
        const struct scope_pair *one = &larger->pairs[i];
        bool is_shared = met < smaller->count && one->bytes == smaller->pairs[met].bytes &&
                         memcmp(one->data, smaller->pairs[met].data, one->bytes) == 0;

        if (!is_shared && !is_neutral(recorder, one))
            return false;
        met += is_shared;
    }
    return true;
}

int stage_find_extended(flume_recorder *recorder, const struct scope_pairs *pairs, bool *out_found)
{
    const struct scope_pairs *staged;
    uint64_t next = recorder->stage.read_at;
    int status = FLUME_OK;

    *out_found = false;
    while (status == FLUME_OK && !*out_found) {
        status = next_scope(recorder, &next, &staged);
        if (status == FLUME_OK)
            *out_found = has_variables(staged) && has_all_of(pairs, staged) &&
                         adds_neutral_keys(recorder, pairs, staged);
    }
    return status == FLUME_END ? FLUME_OK : status;
}
