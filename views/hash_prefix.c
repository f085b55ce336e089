/*
 * hash_prefix.c - finding by the beginning of a hash, in a table with keys of a whole hash and a
 * seq.
 */
#include "hash_prefix.h"

#include <string.h>

#include "hash_lookup.h"
#include "inside.h"
#include "little.h"
#include "lookup.h"

enum { WHOLE_KEY_BYTES = FLUME_HASH_BYTES + LOOKUP_SEQ_BYTES };

/* No record has the largest seq: the first row behind every one of this hash. */
static int seek_behind(flume_rows *rows, const uint8_t *hash)
{
    uint8_t key[WHOLE_KEY_BYTES];

    memcpy(key, hash, FLUME_HASH_BYTES);
    big_put64(key + FLUME_HASH_BYTES, UINT64_MAX);
    return lookup_seek(rows, 0, key, sizeof key);
}

/* The next row's hash and seq. */
static int next_hash(flume *handle, const char *view, flume_rows *rows,
                     flume_hash_candidate *out_candidate)
{
    flume_bytes key, value;
    int status = flume_rows_next(rows, &key, &value);

    if (status != FLUME_OK)
        return status;
    if (key.bytes != WHOLE_KEY_BYTES)
        return lookup_bad_row(handle, view);
    memcpy(out_candidate->hash, key.data, FLUME_HASH_BYTES);
    out_candidate->seq = lookup_seq(key);
    return FLUME_OK;
}

static int count_hashes(flume *handle, const char *view, flume_rows *rows,
                        const struct hash_beginning *beginning,
                        flume_hash_candidate *out_candidates, size_t max, size_t *out_count)
{
    flume_hash_candidate candidate;
    size_t count = 0;
    int status = lookup_seek(rows, 0, beginning->bytes, sizeof beginning->bytes);

    while (status == FLUME_OK && count < HASH_COUNT_MAX) {
        status = next_hash(handle, view, rows, &candidate);
        if (status == FLUME_END ||
            (status == FLUME_OK && hash_digits_shared(candidate.hash, beginning->bytes,
                                                      FLUME_HASH_BYTES) < beginning->digits))
            break;
        if (status != FLUME_OK)
            return status;
        if (count < max)
            out_candidates[count] = candidate;
        count++;
        status = seek_behind(rows, candidate.hash);
    }
    if (status != FLUME_OK && status != FLUME_END)
        return status;
    *out_count = count;
    return FLUME_OK;
}

int hash_prefix_find(flume *handle, const struct hash_prefix_table *table, const flume_ask *ask,
                     const char *digits, flume_hash_candidate *out_candidates, size_t max,
                     size_t *out_count)
{
    struct hash_beginning beginning;
    flume_rows *rows = NULL;
    size_t count = 0;
    int status;

    if (handle == NULL || digits == NULL || out_count == NULL ||
        (out_candidates == NULL && max > 0))
        return FLUME_ERR_INVALID;
    if (!hash_beginning_parse(digits, &beginning))
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "the beginning of a hash is 1 to %d hexadecimal digits",
                          FLUME_HASH_TEXT_BYTES);
    status = lookup_rows(handle, table->view, ask, &rows);
    if (status != FLUME_OK)
        return status;
    status = count_hashes(handle, table->view, rows, &beginning, out_candidates, max, &count);
    flume_rows_end(rows);
    if (status != FLUME_OK)
        return status;
    if (count == 0)
        return flume_fail(handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE,
                          "no %s has a hash that begins with %s", table->what, digits);
    *out_count = count;
    if (count > 1)
        return flume_fail(handle, FLUME_ERR_AMBIGUOUS, FLUME_SEQ_NONE,
                          "%zu%s hashes begin with %s; give more digits", count,
                          count == HASH_COUNT_MAX ? " or more" : "", digits);
    return FLUME_OK;
}
