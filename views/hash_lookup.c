/*
 * hash_lookup.c - see hash_lookup.h.
 *
 * Rows of one prefix are a *run*: nearly always records of equal bodies. To find out, all of them
 * would have to be read, and a body that was recorded a million times would make each question
 * slow. So once a hash has been found in a run, a limited number of further records is looked at
 * for another one with the same eight bytes. Questions for a whole hash are not limited.
 */
#include "hash_lookup.h"

#include <string.h>

#include "inside.h"
#include "little.h"
#include "lookup.h"

enum {
    RUN_HASHES_MAX = 32,          /* Of one run. So many can only be made by a hash function that is
                                   broken, or by a test. */
    FURTHER_RECORDS_MAX = 256,    /* Looked at in a run once a hash was found, */
    FURTHER_BYTES_MAX = 64 << 20, /* and what they may have to be hashed. */
    ASK_RECORDS = 64,
    ASK_BYTES = 4 << 20 /* Hashing takes a millisecond. */
};

/* The distinct hashes of a run, in order, as far as they were asked for. */
struct run {
    const struct hash_beginning *beginning; /* What they must begin with. */
    flume_hash_candidate found[RUN_HASHES_MAX];
    size_t count;
    int unreadable; /* Why the first record that cannot be read cannot; FLUME_OK: all could. */
};

void hash_key(uint8_t target[HASH_KEY_BYTES], const uint8_t hash[HASH_PREFIX_BYTES], uint64_t seq)
{
    memcpy(target, hash, HASH_PREFIX_BYTES);
    big_put64(target + HASH_PREFIX_BYTES, seq);
}

/* ---- digits ---- */

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

bool hash_beginning_parse(const char *digits, struct hash_beginning *out_beginning)
{
    struct hash_beginning beginning = {.digits = strnlen(digits, FLUME_HASH_TEXT_BYTES + 1)};

    if (beginning.digits == 0 || beginning.digits > FLUME_HASH_TEXT_BYTES)
        return false;
    for (size_t i = 0; i < beginning.digits; i++) {
        int value = digit_value(digits[i]);

        if (value < 0)
            return false;
        beginning.bytes[i / 2] |= (uint8_t)(i % 2 == 0 ? value << 4 : value);
    }
    *out_beginning = beginning;
    return true;
}

size_t hash_digits_shared(const uint8_t *one, const uint8_t *other, size_t bytes)
{
    size_t i = 0;

    while (i < bytes && one[i] == other[i])
        i++;
    if (i == bytes)
        return 2 * bytes;
    return 2 * i + ((one[i] ^ other[i]) < 0x10 ? 1 : 0);
}

/* ---- bodies ---- */

static bool is_unreadable(int status)
{
    return status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST;
}

static int ask_to_go_on(struct hash_lookup *lookup)
{
    const flume_ask *ask = lookup->ask;

    if (ask == NULL || ask->give_up == NULL ||
        (lookup->read_count % ASK_RECORDS != 0 &&
         lookup->read_bytes - lookup->asked_bytes < ASK_BYTES))
        return FLUME_OK;
    lookup->asked_bytes = lookup->read_bytes;
    if (!ask->give_up(ask->give_up_ctx))
        return FLUME_OK;
    return flume_fail(lookup->handle, FLUME_ERR_CANCELLED, FLUME_SEQ_NONE,
                      "the question for a hash was cancelled");
}

/* The hash of the record's body, which begins as the row of it says. */
static int hash_body(struct hash_lookup *lookup, const uint8_t *prefix, uint64_t seq,
                     uint8_t out_hash[FLUME_HASH_BYTES])
{
    flume_record record;
    int status = ask_to_go_on(lookup);

    if (status != FLUME_OK)
        return status;
    lookup->read_count++;
    status = flume_log_get(flume_log_of(lookup->handle), seq, &record);
    if (is_unreadable(status))
        return status; /* Whether that is to be told, the caller knows. */
    if (status != FLUME_OK)
        return flume_fail_log(lookup->handle, status);
    lookup->hash(record.body, record.body_bytes, out_hash);
    lookup->read_bytes += record.body_bytes;
    flume_record_release(&record);
    if (memcmp(out_hash, prefix, HASH_PREFIX_BYTES) != 0)
        return lookup_bad_row(lookup->handle, "hash");
    return FLUME_OK;
}

/* ---- the records of one hash ---- */

int hash_lookup_records(struct hash_lookup *lookup, const uint8_t hash[FLUME_HASH_BYTES],
                        uint64_t wanted, uint64_t *out_seqs, size_t max, uint64_t *out_count)
{
    uint64_t count = 0, seq = 0;
    int unreadable = FLUME_OK;
    int status = lookup_seek(lookup->rows, 0, hash, HASH_PREFIX_BYTES);

    while (status == FLUME_OK && count < wanted) {
        uint8_t found[FLUME_HASH_BYTES];

        status = lookup_next_seq(lookup->rows, hash, HASH_PREFIX_BYTES, &seq);
        if (status != FLUME_OK)
            break;
        status = hash_body(lookup, hash, seq, found);
        if (is_unreadable(status)) {
            if (unreadable == FLUME_OK)
                unreadable = flume_fail_log(lookup->handle, status);
            status = FLUME_OK;
        } else if (status == FLUME_OK && memcmp(found, hash, sizeof found) == 0) {
            if (count < max)
                out_seqs[count] = seq;
            count++;
        }
    }
    if (status != FLUME_OK && status != FLUME_END)
        return status;
    *out_count = count;
    return count < wanted ? unreadable : FLUME_OK;
}

/* ---- the hashes of one run ---- */

/* No record has the largest seq: the first row behind every one of this prefix. */
static int seek_behind(const struct hash_lookup *lookup, const uint8_t *prefix)
{
    uint8_t key[HASH_KEY_BYTES];

    hash_key(key, prefix, UINT64_MAX);
    return lookup_seek(lookup->rows, 0, key, sizeof key);
}

/* The next row. */
static int next_row(const struct hash_lookup *lookup, uint8_t out_prefix[HASH_PREFIX_BYTES],
                    uint64_t *out_seq)
{
    flume_bytes key, value;
    int status = flume_rows_next(lookup->rows, &key, &value);

    if (status != FLUME_OK)
        return status;
    if (key.bytes != HASH_KEY_BYTES)
        return lookup_bad_row(lookup->handle, "hash");
    memcpy(out_prefix, key.data, HASH_PREFIX_BYTES);
    *out_seq = lookup_seq(key);
    return FLUME_OK;
}

/* Take a hash in, if it is one more that begins as it should. Rows come oldest first. */
static void add_found(struct run *run, const uint8_t *hash, uint64_t seq)
{
    size_t at = 0;
    int order = 1;

    if (hash_digits_shared(hash, run->beginning->bytes, FLUME_HASH_BYTES) < run->beginning->digits)
        return;
    while (at < run->count) {
        order = memcmp(run->found[at].hash, hash, FLUME_HASH_BYTES);
        if (order >= 0)
            break;
        at++;
    }
    if ((at < run->count && order == 0) || run->count == RUN_HASHES_MAX)
        return;
    memmove(&run->found[at + 1], &run->found[at], (run->count - at) * sizeof run->found[0]);
    memcpy(run->found[at].hash, hash, FLUME_HASH_BYTES);
    run->found[at].seq = seq;
    run->count++;
}

/* Read the records of a run. What stands there is a hash as long as one of them can be read. */
static int read_run(struct hash_lookup *lookup, const uint8_t *prefix, struct run *run)
{
    uint64_t further = 0, from_bytes = 0, seq;
    int status = lookup_seek(lookup->rows, 0, prefix, HASH_PREFIX_BYTES);

    while (status == FLUME_OK && further < FURTHER_RECORDS_MAX &&
           lookup->read_bytes - from_bytes < FURTHER_BYTES_MAX) {
        uint8_t hash[FLUME_HASH_BYTES];

        status = lookup_next_seq(lookup->rows, prefix, HASH_PREFIX_BYTES, &seq);
        if (status != FLUME_OK)
            break;
        status = hash_body(lookup, prefix, seq, hash);
        if (status == FLUME_OK)
            add_found(run, hash, seq);
        if (is_unreadable(status)) {
            if (run->unreadable == FLUME_OK)
                run->unreadable = flume_fail_log(lookup->handle, status);
            status = FLUME_OK;
        }
        if (run->count > 0)
            further++;
        else
            from_bytes = lookup->read_bytes;
    }
    return status == FLUME_END ? FLUME_OK : status;
}

/* ---- the hashes with one beginning ---- */

/* What is known of the hashes that begin so, run after run. */
struct gathering {
    struct hash_lookup *lookup;
    struct run run;
    flume_hash_candidate *candidates;
    size_t max, count;
    int unreadable; /* Why a hash cannot be told of which no record can be read. */
};

/* Whether a run has but one record: then it has one hash, without looking. */
static int is_single(struct hash_lookup *lookup, const uint8_t *prefix, bool *out_single)
{
    uint8_t next[HASH_PREFIX_BYTES];
    uint64_t seq;
    int status = next_row(lookup, next, &seq);

    *out_single = status == FLUME_END ||
                  (status == FLUME_OK && memcmp(next, prefix, HASH_PREFIX_BYTES) != 0);
    return status == FLUME_END ? FLUME_OK : status;
}

static int gather_run(struct gathering *gathering, const uint8_t *prefix)
{
    struct run *run = &gathering->run;
    bool is_one = false;
    int status = FLUME_OK;

    /* Whether it is the only one that can be told must be known of the first two in any case. */
    if (gathering->count >= gathering->max && gathering->count >= 2)
        status = is_single(gathering->lookup, prefix, &is_one);
    if (status != FLUME_OK)
        return status;
    if (is_one) {
        gathering->count++;
        return FLUME_OK;
    }
    run->count = 0;
    run->unreadable = FLUME_OK;
    status = read_run(gathering->lookup, prefix, run);
    for (size_t i = 0; status == FLUME_OK && i < run->count && gathering->count < HASH_COUNT_MAX;
         i++) {
        if (gathering->count < gathering->max)
            gathering->candidates[gathering->count] = run->found[i];
        gathering->count++;
    }
    if (run->count == 0 && gathering->unreadable == FLUME_OK)
        gathering->unreadable = run->unreadable;
    return status;
}

int hash_lookup_beginning(struct hash_lookup *lookup, const struct hash_beginning *beginning,
                          flume_hash_candidate *out_candidates, size_t max, size_t *out_count)
{
    struct gathering gathering = {
        .lookup = lookup,
        .run = {.beginning = beginning},
        .candidates = out_candidates,
        .max = max,
    };
    size_t digits = beginning->digits < HASH_PREFIX_DIGITS ? beginning->digits : HASH_PREFIX_DIGITS;
    int status = lookup_seek(lookup->rows, 0, beginning->bytes, HASH_PREFIX_BYTES);

    while (status == FLUME_OK && gathering.count < HASH_COUNT_MAX) {
        uint8_t prefix[HASH_PREFIX_BYTES];
        uint64_t seq;

        status = next_row(lookup, prefix, &seq);
        if (status != FLUME_OK ||
            hash_digits_shared(prefix, beginning->bytes, sizeof prefix) < digits)
            break;
        status = gather_run(&gathering, prefix);
        if (status == FLUME_OK)
            status = seek_behind(lookup, prefix);
    }
    if (status != FLUME_OK && status != FLUME_END)
        return status;
    *out_count = gathering.count;
    return gathering.count < 2 ? gathering.unreadable : FLUME_OK;
}

/* ---- what one hash has in common with others ---- */

/* The digits that a hash shares with others of its own run. */
static int shared_in_run(struct hash_lookup *lookup, const uint8_t *hash, size_t *io_shared)
{
    static const struct hash_beginning any = {.digits = 0};
    struct run run = {.beginning = &any};
    int status = read_run(lookup, hash, &run);

    for (size_t i = 0; status == FLUME_OK && i < run.count; i++) {
        size_t shared = hash_digits_shared(run.found[i].hash, hash, FLUME_HASH_BYTES);

        if (shared < FLUME_HASH_TEXT_BYTES && shared > *io_shared)
            *io_shared = shared;
    }
    return status;
}

int hash_lookup_shared(struct hash_lookup *lookup, const uint8_t hash[FLUME_HASH_BYTES],
                       size_t *out_digits)
{
    uint8_t behind[HASH_PREFIX_BYTES];
    flume_bytes key, value;
    size_t shared = 0;
    uint64_t seq;
    int status = flume_rows_seek_last(lookup->rows, 0, hash, HASH_PREFIX_BYTES);

    if (status == FLUME_OK)
        status = flume_rows_previous(lookup->rows, &key, &value);
    if (status == FLUME_OK) {
        if (key.bytes != HASH_KEY_BYTES)
            return lookup_bad_row(lookup->handle, "hash");
        shared = hash_digits_shared(hash, key.data, HASH_PREFIX_BYTES);
    }
    if (status == FLUME_OK || status == FLUME_END)
        status = shared_in_run(lookup, hash, &shared);
    if (status == FLUME_OK)
        status = seek_behind(lookup, hash);
    if (status == FLUME_OK)
        status = next_row(lookup, behind, &seq);
    if (status == FLUME_OK && hash_digits_shared(hash, behind, sizeof behind) > shared)
        shared = hash_digits_shared(hash, behind, sizeof behind);
    if (status != FLUME_OK && status != FLUME_END)
        return status;
    *out_digits = shared;
    return FLUME_OK;
}
