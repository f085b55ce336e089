/*
 * hash_view.c - the view "hash": from the BLAKE3 of a record's body to its seq.
 *
 * One table, "hash": the 32 bytes of the hash, the seq in eight bytes big-endian -> nothing. Equal
 * bodies stand together, oldest first, so "the oldest record with it" is the first row of a hash.
 *
 * What always holds:
 *   - Every record whose body can be read has exactly one row, manifests included.
 */
#include <string.h>

#include "builtin.h"
#include "inside.h"
#include "little.h"
#include "lookup.h"

enum {
    HASH_KEY_BYTES = FLUME_HASH_BYTES + LOOKUP_SEQ_BYTES,
    PREFIX_COUNT_MAX = 1000 /* So far distinct hashes of a prefix are counted. */
};

static int hash_apply(void *state, flume_batch *batch, const flume_record *record)
{
    uint8_t key[HASH_KEY_BYTES];

    (void)state;
    flume_hash(record->body, record->body_bytes, key);
    big_put64(key + FLUME_HASH_BYTES, record->seq);
    return flume_batch_put(batch, 0, key, sizeof key, "", 0);
}

static const flume_view_table hash_tables[] = {{"hash", FLUME_TABLE_COLLECT, NULL, NULL}};
static const uint8_t hash_kinds[] = {FLUME_KIND_ANY};

const flume_view_definition view_hash = {
    .name = "hash",
    .version = 1,
    .tables = hash_tables,
    .table_count = 1,
    .flags = FLUME_VIEW_PARALLEL,
    .apply = hash_apply,
    .kinds = hash_kinds,
    .kind_count = 1,
};

/* ---- the records with one hash ---- */

/* A snapshot that stands before the first record with a hash. */
static int rows_of_hash(flume *handle, const flume_ask *ask, const uint8_t *hash,
                        flume_rows **out_rows)
{
    flume_rows *rows = NULL;
    int status = lookup_rows(handle, view_hash.name, ask, &rows);

    if (status != FLUME_OK)
        return status;
    status = lookup_seek(rows, 0, hash, FLUME_HASH_BYTES);
    if (status != FLUME_OK) {
        flume_rows_end(rows);
        return status;
    }
    *out_rows = rows;
    return FLUME_OK;
}

int flume_hash_find(flume *handle, const flume_ask *ask, const uint8_t hash[FLUME_HASH_BYTES],
                    uint64_t *out_seq)
{
    flume_rows *rows = NULL;
    int status;

    if (handle == NULL || hash == NULL || out_seq == NULL)
        return FLUME_ERR_INVALID;
    status = rows_of_hash(handle, ask, hash, &rows);
    if (status != FLUME_OK)
        return status;
    status = lookup_next_seq(rows, hash, FLUME_HASH_BYTES, out_seq);
    flume_rows_end(rows);
    return status == FLUME_END ? FLUME_ERR_NOT_FOUND : status;
}

int flume_hash_find_all(flume *handle, const flume_ask *ask, const uint8_t hash[FLUME_HASH_BYTES],
                        uint64_t *out_seqs, size_t max, uint64_t *out_count)
{
    flume_rows *rows = NULL;
    uint64_t count = 0, seq = 0;
    int status;

    if (handle == NULL || hash == NULL || out_count == NULL || (out_seqs == NULL && max > 0))
        return FLUME_ERR_INVALID;
    status = rows_of_hash(handle, ask, hash, &rows);
    if (status != FLUME_OK)
        return status;
    while ((status = lookup_next_seq(rows, hash, FLUME_HASH_BYTES, &seq)) == FLUME_OK) {
        if (count < max)
            out_seqs[count] = seq;
        count++;
    }
    flume_rows_end(rows);
    if (status != FLUME_END)
        return status;
    if (count == 0)
        return FLUME_ERR_NOT_FOUND;
    *out_count = count;
    return FLUME_OK;
}

/* ---- the hashes with one prefix ---- */

/* What the digits of a prefix say; the last byte has a half that is not meant if odd. */
struct hash_prefix {
    uint8_t bytes[FLUME_HASH_BYTES]; /* Padded with zeros: the first hash that may fit. */
    size_t digits;
};

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

static int prefix_parse(const char *digits, struct hash_prefix *out_prefix)
{
    struct hash_prefix prefix = {.digits = strnlen(digits, FLUME_HASH_TEXT_BYTES + 1)};

    if (prefix.digits == 0 || prefix.digits > FLUME_HASH_TEXT_BYTES)
        return FLUME_ERR_INVALID;
    for (size_t i = 0; i < prefix.digits; i++) {
        int value = digit_value(digits[i]);

        if (value < 0)
            return FLUME_ERR_INVALID;
        prefix.bytes[i / 2] |= (uint8_t)(i % 2 == 0 ? value << 4 : value);
    }
    *out_prefix = prefix;
    return FLUME_OK;
}

/* How many leading hexadecimal digits two hashes share. */
static size_t digits_shared(const uint8_t *one, const uint8_t *other)
{
    size_t i = 0;

    while (i < FLUME_HASH_BYTES && one[i] == other[i])
        i++;
    if (i == FLUME_HASH_BYTES)
        return FLUME_HASH_TEXT_BYTES;
    return 2 * i + ((one[i] ^ other[i]) < 0x10 ? 1 : 0);
}

/* No record has the largest seq: the first row behind every one of this hash. */
static int seek_behind(flume_rows *rows, const uint8_t *hash)
{
    uint8_t key[HASH_KEY_BYTES];

    memcpy(key, hash, FLUME_HASH_BYTES);
    big_put64(key + FLUME_HASH_BYTES, UINT64_MAX);
    return lookup_seek(rows, 0, key, sizeof key);
}

/* The next row's hash and seq. */
static int next_hash(flume *handle, flume_rows *rows, flume_hash_candidate *out_candidate)
{
    flume_bytes key, value;
    int status = flume_rows_next(rows, &key, &value);

    if (status != FLUME_OK)
        return status;
    if (key.bytes != HASH_KEY_BYTES)
        return lookup_bad_row(handle, view_hash.name);
    memcpy(out_candidate->hash, key.data, FLUME_HASH_BYTES);
    out_candidate->seq = lookup_seq(key);
    return FLUME_OK;
}

static int prefix_count(flume *handle, flume_rows *rows, const struct hash_prefix *prefix,
                        flume_hash_candidate *out_candidates, size_t max, size_t *out_count)
{
    flume_hash_candidate candidate;
    size_t count = 0;
    int status = lookup_seek(rows, 0, prefix->bytes, sizeof prefix->bytes);

    while (status == FLUME_OK && count < PREFIX_COUNT_MAX) {
        status = next_hash(handle, rows, &candidate);
        if (status == FLUME_END ||
            (status == FLUME_OK && digits_shared(candidate.hash, prefix->bytes) < prefix->digits))
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

int flume_hash_find_prefix(flume *handle, const flume_ask *ask, const char *digits,
                           flume_hash_candidate *out_candidates, size_t max, size_t *out_count)
{
    struct hash_prefix prefix;
    flume_rows *rows = NULL;
    size_t count = 0;
    int status;

    if (handle == NULL || digits == NULL || out_count == NULL ||
        (out_candidates == NULL && max > 0))
        return FLUME_ERR_INVALID;
    if (prefix_parse(digits, &prefix) != FLUME_OK)
        return flume_fail(handle, FLUME_ERR_INVALID, FLUME_SEQ_NONE,
                          "the beginning of a hash is 1 to %d hexadecimal digits",
                          FLUME_HASH_TEXT_BYTES);
    status = lookup_rows(handle, view_hash.name, ask, &rows);
    if (status != FLUME_OK)
        return status;
    status = prefix_count(handle, rows, &prefix, out_candidates, max, &count);
    flume_rows_end(rows);
    if (status != FLUME_OK)
        return status;
    if (count == 0)
        return flume_fail(handle, FLUME_ERR_NOT_FOUND, FLUME_SEQ_NONE,
                          "no body has a hash that begins with %s", digits);
    *out_count = count;
    if (count > 1)
        return flume_fail(handle, FLUME_ERR_AMBIGUOUS, FLUME_SEQ_NONE,
                          "%zu%s hashes begin with %s; give more digits", count,
                          count == PREFIX_COUNT_MAX ? " or more" : "", digits);
    return FLUME_OK;
}

/* ---- the shortest prefix of one hash ---- */

/* The digits that a hash shares with the nearest other hash before it, or behind it. */
static int neighbours_shared(flume *handle, flume_rows *rows, const uint8_t *hash,
                             size_t *out_shared)
{
    flume_hash_candidate behind;
    flume_bytes key, value;
    size_t shared = 0;
    int status = flume_rows_seek_last(rows, 0, hash, FLUME_HASH_BYTES);

    if (status == FLUME_OK)
        status = flume_rows_previous(rows, &key, &value);
    if (status == FLUME_OK) {
        if (key.bytes != HASH_KEY_BYTES)
            return lookup_bad_row(handle, view_hash.name);
        shared = digits_shared(hash, key.data);
    }
    if (status == FLUME_OK || status == FLUME_END)
        status = seek_behind(rows, hash);
    if (status == FLUME_OK)
        status = next_hash(handle, rows, &behind);
    if (status == FLUME_OK && digits_shared(hash, behind.hash) > shared)
        shared = digits_shared(hash, behind.hash);
    if (status != FLUME_OK && status != FLUME_END)
        return status;
    *out_shared = shared;
    return FLUME_OK;
}

int flume_hash_abbreviate(flume *handle, const flume_ask *ask, const uint8_t hash[FLUME_HASH_BYTES],
                          size_t *out_digits)
{
    flume_rows *rows = NULL;
    size_t shared = 0;
    int status;

    if (handle == NULL || hash == NULL || out_digits == NULL)
        return FLUME_ERR_INVALID;
    status = lookup_rows(handle, view_hash.name, ask, &rows);
    if (status != FLUME_OK)
        return status;
    status = neighbours_shared(handle, rows, hash, &shared);
    flume_rows_end(rows);
    if (status != FLUME_OK)
        return status;
    /* One digit more than is shared: with another hash, which differs, that is at most all. */
    *out_digits = shared + 1 > FLUME_HASH_PREFIX_MIN ? shared + 1 : FLUME_HASH_PREFIX_MIN;
    return FLUME_OK;
}
