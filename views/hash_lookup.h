/*
 * hash_lookup.h - questions to the rows of the view "hash", each answer checked against the bodies.
 *
 * A row tells the first eight bytes of a hash and a seq. Which hash it is in full, the record's
 * body says, read and hashed again: so rows may as well come from a sealed strata's grain index,
 * which has no more than that.
 *
 * What always holds:
 *   - No seq is given for a hash, and no hash for a prefix, that the body was not hashed to just
 *     now.
 *   - A row whose record has a body of another hash is an error of the view, never an answer.
 *
 * Threads: one at a time for each lookup.
 */
#ifndef VIEWS_HASH_LOOKUP_H
#define VIEWS_HASH_LOOKUP_H

#include "flume/find.h"

enum {
    HASH_PREFIX_BYTES = 8, /* Of a hash, in a row. */
    HASH_PREFIX_DIGITS = 2 * HASH_PREFIX_BYTES,
    HASH_KEY_BYTES = HASH_PREFIX_BYTES + 8, /* And the seq. */
    HASH_COUNT_MAX = 1000                   /* So far distinct hashes of a prefix are counted. */
};

/* flume_hash(), but in tests that need bodies whose hashes begin alike. */
typedef void (*hash_function)(const void *data, size_t data_bytes,
                              uint8_t out_hash[FLUME_HASH_BYTES]);

struct hash_lookup {
    flume *handle;
    flume_rows *rows;     /* A snapshot of a view with such rows in table 0. */
    const flume_ask *ask; /* Its give_up is asked now and then. May be NULL. */
    hash_function hash;
    uint64_t read_count, read_bytes; /* Bodies, so far. */
    uint64_t asked_bytes;            /* read_bytes when give_up was asked last. */
};

/* What the digits of a prefix say; the last byte has a half that is not meant if they are odd. */
struct hash_beginning {
    uint8_t bytes[FLUME_HASH_BYTES]; /* Padded with zeros: the first hash that may fit. */
    size_t digits;
};

/** The key of a record's row. */
void hash_key(uint8_t target[HASH_KEY_BYTES], const uint8_t hash[HASH_PREFIX_BYTES], uint64_t seq);

/** 1 .. 64 hexadecimal digits. false: these are not. */
bool hash_beginning_parse(const char *digits, struct hash_beginning *out_beginning);

/** How many leading hexadecimal digits two hashes share, of which so many bytes are known. */
size_t hash_digits_shared(const uint8_t *one, const uint8_t *other, size_t bytes);

/**
 * The records whose bodies have a hash, oldest first.
 *
 * @param wanted     No more are looked for.
 * @param out_seqs   Receives the first max of them, also on FLUME_ERR_DAMAGED and _LOST.
 * @param out_count  How many were found; likewise.
 * @return FLUME_OK (also if there are none); FLUME_ERR_DAMAGED, FLUME_ERR_LOST: fewer were found
 *         than wanted, and a record of which only the first eight bytes of the hash are known
 *         cannot be read; an error. All with detail.
 */
int hash_lookup_records(struct hash_lookup *lookup, const uint8_t hash[FLUME_HASH_BYTES],
                        uint64_t wanted, uint64_t *out_seqs, size_t max, uint64_t *out_count);

/**
 * The distinct hashes that begin so, in order, each with the oldest record that was found with it.
 *
 * @param out_candidates  Receives the first max.
 * @param out_count       How many there are, up to HASH_COUNT_MAX.
 * @return FLUME_OK (whatever the count); FLUME_ERR_DAMAGED, FLUME_ERR_LOST: at most one was found,
 *         and another begins so that cannot be told in full; an error. All with detail.
 */
int hash_lookup_beginning(struct hash_lookup *lookup, const struct hash_beginning *beginning,
                          flume_hash_candidate *out_candidates, size_t max, size_t *out_count);

/** The most leading digits that a hash shares with another one. */
int hash_lookup_shared(struct hash_lookup *lookup, const uint8_t hash[FLUME_HASH_BYTES],
                       size_t *out_digits);

#endif
