/*
 * hash_view.c - the view "hash": from the BLAKE3 of a record's body to its seq.
 *
 * One table, "hash": the first eight bytes of the hash, the seq in eight bytes big-endian ->
 * nothing. Equal bodies stand together, oldest first. What a row leaves open, the body says
 * (hash_lookup.h).
 *
 * What always holds:
 *   - Every record whose body can be read has exactly one row, manifests included; and in a sealed
 *     strata whose grain index can be read every one that is not lost, whether its block can be
 *     read or not.
 */
#include <string.h>

#include "builtin.h"
#include "flume/seal.h"
#include "hash_lookup.h"
#include "inside.h"
#include "little.h"
#include "lookup.h"

static int hash_apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint8_t hash[FLUME_HASH_BYTES], key[HASH_KEY_BYTES];

    (void)state;
    flume_hash(record->body, record->body_bytes, hash);
    hash_key(key, hash, record->seq);
    return flume_batch_put(batch, 0, key, sizeof key, "", 0);
}

/* A grain index has just what the rows have. */
static int hash_sealed(void *state, flume_batch *batch, flume_log *log, uint64_t first_seq,
                       uint64_t end_seq, uint64_t *out_passed_over)
{
    flume_grain_index *index = NULL;
    uint64_t index_first, index_end, prefix, seq, count = 0;
    int status = flume_grain_index_open(log, first_seq, &index, &index_first, &index_end);

    (void)state;
    if (status == FLUME_OK && (index_first != first_seq || index_end != end_seq))
        status = FLUME_ERR_NOT_FOUND;
    while (status == FLUME_OK) {
        uint8_t key[HASH_KEY_BYTES];

        status = flume_grain_index_next(index, &prefix, &seq);
        if (status != FLUME_OK)
            break;
        big_put64(key, prefix);
        big_put64(key + HASH_PREFIX_BYTES, seq);
        status = flume_batch_put(batch, 0, key, sizeof key, "", 0);
        count++;
    }
    flume_grain_index_close(index);
    if (status != FLUME_END)
        return status;
    *out_passed_over = end_seq - first_seq - count;
    return FLUME_OK;
}

static const flume_view_table hash_tables[] = {{"hash", FLUME_TABLE_COLLECT, NULL, NULL}};
static const uint8_t hash_kinds[] = {FLUME_KIND_ANY};

const flume_view_definition view_hash = {
    .name = "hash",
    .version = 2,
    .tables = hash_tables,
    .table_count = 1,
    .flags = FLUME_VIEW_PARALLEL,
    .apply = hash_apply,
    .sealed = hash_sealed,
    .kinds = hash_kinds,
    .kind_count = 1,
};

/* Wait for the view, and take a snapshot of it. Ended by end_lookup(). */
static int begin_lookup(flume *handle, const flume_ask *ask, struct hash_lookup *out_lookup)
{
    flume_rows *rows = NULL;
    int status = lookup_rows(handle, view_hash.name, ask, &rows);

    if (status == FLUME_OK)
        *out_lookup =
            (struct hash_lookup){.handle = handle, .rows = rows, .ask = ask, .hash = flume_hash};
    return status;
}

static void end_lookup(struct hash_lookup *lookup)
{
    flume_rows_end(lookup->rows);
}

int flume_hash_find(flume *handle, const flume_ask *ask, const uint8_t hash[FLUME_HASH_BYTES],
                    uint64_t *out_seq)
{
    struct hash_lookup lookup;
    uint64_t count = 0, seq = FLUME_SEQ_NONE;
    int status;

    if (handle == NULL || hash == NULL || out_seq == NULL)
        return FLUME_ERR_INVALID;
    status = begin_lookup(handle, ask, &lookup);
    if (status != FLUME_OK)
        return status;
    status = hash_lookup_records(&lookup, hash, 1, &seq, 1, &count);
    end_lookup(&lookup);
    if (status != FLUME_OK)
        return status;
    if (count == 0)
        return FLUME_ERR_NOT_FOUND;
    *out_seq = seq;
    return FLUME_OK;
}

int flume_hash_find_all(flume *handle, const flume_ask *ask, const uint8_t hash[FLUME_HASH_BYTES],
                        uint64_t *out_seqs, size_t max, uint64_t *out_count)
{
    struct hash_lookup lookup;
    uint64_t count = 0;
    int status;

    if (handle == NULL || hash == NULL || out_count == NULL || (out_seqs == NULL && max > 0))
        return FLUME_ERR_INVALID;
    status = begin_lookup(handle, ask, &lookup);
    if (status != FLUME_OK)
        return status;
    status = hash_lookup_records(&lookup, hash, UINT64_MAX, out_seqs, max, &count);
    end_lookup(&lookup);
    if (status == FLUME_OK && count == 0)
        return FLUME_ERR_NOT_FOUND;
    if (status == FLUME_OK || status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST)
        *out_count = count;
    return status;
}

int flume_hash_find_prefix(flume *handle, const flume_ask *ask, const char *digits,
                           flume_hash_candidate *out_candidates, size_t max, size_t *out_count)
{
    struct hash_beginning beginning;
    struct hash_lookup lookup;
    size_t count = 0;
    int status;

    if (handle == NULL || digits == NULL || out_count == NULL ||
        (out_candidates == NULL && max > 0))
        return FLUME_ERR_INVALID;
    if (!hash_beginning_parse(digits, &beginning))
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "the beginning of a hash is 1 to %d hexadecimal digits",
                          FLUME_HASH_TEXT_BYTES);
    status = begin_lookup(handle, ask, &lookup);
    if (status != FLUME_OK)
        return status;
    status = hash_lookup_beginning(&lookup, &beginning, out_candidates, max, &count);
    end_lookup(&lookup);
    if (status != FLUME_OK)
        return status;
    if (count == 0)
        return flume_fail(handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE,
                          "no body has a hash that begins with %s", digits);
    *out_count = count;
    if (count > 1)
        return flume_fail(handle, FLUME_ERR_AMBIGUOUS, FLUME_SEQ_NONE,
                          "%zu%s hashes begin with %s; give more digits", count,
                          count == HASH_COUNT_MAX ? " or more" : "", digits);
    return FLUME_OK;
}

int flume_hash_abbreviate(flume *handle, const flume_ask *ask, const uint8_t hash[FLUME_HASH_BYTES],
                          size_t *out_digits)
{
    struct hash_lookup lookup;
    size_t shared = 0;
    int status;

    if (handle == NULL || hash == NULL || out_digits == NULL)
        return FLUME_ERR_INVALID;
    status = begin_lookup(handle, ask, &lookup);
    if (status != FLUME_OK)
        return status;
    status = hash_lookup_shared(&lookup, hash, &shared);
    end_lookup(&lookup);
    if (status != FLUME_OK)
        return status;
    /* One digit more than is shared: with another hash, which differs, that is at most all. */
    *out_digits = shared + 1 > FLUME_HASH_PREFIX_MIN ? shared + 1 : FLUME_HASH_PREFIX_MIN;
    return FLUME_OK;
}
