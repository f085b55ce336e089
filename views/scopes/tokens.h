/*
 * tokens.h - a scope as numbers, for the index of containment.
 *
 * A token is a 128-bit hash of a pair's bytes. The fingerprint of a scope is the sum of its tokens,
 * lane by lane modulo 2^64: whatever the order, and that of a part of the scope is a part of the
 * sum. A shape is a set of keys; its fingerprint is made of hashes of the keys.
 *
 * What always holds:
 *   - Hashes are seeded from the basin's id: what is equal in one basin says nothing in another.
 *   - A fingerprint is never an identity: who finds something by it compares the pairs themselves.
 *     Two that clash are a relation missed, never one invented.
 */
#ifndef VIEWS_SCOPES_TOKENS_H
#define VIEWS_SCOPES_TOKENS_H

#include "pairs.h"

enum { FINGERPRINT_BYTES = 16 };

struct fingerprint {
    uint64_t lanes[2];
};

static inline bool fingerprint_equal(struct fingerprint one, struct fingerprint other)
{
    return one.lanes[0] == other.lanes[0] && one.lanes[1] == other.lanes[1];
}

static inline void fingerprint_add(struct fingerprint *io_sum, struct fingerprint token)
{
    io_sum->lanes[0] += token.lanes[0];
    io_sum->lanes[1] += token.lanes[1];
}

static inline void fingerprint_subtract(struct fingerprint *io_sum, struct fingerprint token)
{
    io_sum->lanes[0] -= token.lanes[0];
    io_sum->lanes[1] -= token.lanes[1];
}

enum { TOKENS_SEEN_MAX = 64, TOKENS_SEEN_BYTES_MAX = 2048 };

/* The first pairs of the scope before: those that the next one has, too, need not be hashed
 * again. */
struct tokens_seen {
    uint64_t seed;
    uint32_t count;
    uint16_t ends[TOKENS_SEEN_MAX];
    uint8_t bytes[TOKENS_SEEN_BYTES_MAX];
};

/* Of one scope. Starts as all zero; its memory is used again for the next one. */
struct scope_tokens {
    struct fingerprint *tokens; /* In the order of the pairs. */
    uint64_t *keys;             /* A hash of each key, in that order. */
    size_t count, capacity;
    struct fingerprint sum;
    struct fingerprint shape;
    uint64_t signature; /* A bit for each token: a part has no bit that the whole has not. */
    bool has_variables; /* Not labels alone. */
    struct tokens_seen seen;
};

enum { TOKENS_STALE_MAX = 32 };

/* The tokens of a scope that is committed again and again: only pairs that have changed are hashed
 * anew. Starts as all zero. */
struct tokens_kept {
    struct scope_tokens tokens;
    uint64_t seed;
    bool is_known; /* As long as no pair comes or goes. */
    uint32_t stale_count;
    uint32_t stale[TOKENS_STALE_MAX]; /* Pairs that have changed since; one may stand twice. */
};

/** A pair has another value now. */
static inline void tokens_note(struct tokens_kept *kept, uint32_t pair)
{
    if (kept->stale_count == TOKENS_STALE_MAX)
        kept->is_known = false;
    else
        kept->stale[kept->stale_count++] = pair;
}

/** The pairs are others now. */
static inline void tokens_forget(struct tokens_kept *kept)
{
    kept->is_known = false;
}

/** The seed for a basin. */
uint64_t tokens_seed(const uint8_t basin_id[16]);

/** The tokens of pairs: those that are kept with them, brought up to date, or made in io_own.
 * @param out_tokens  Valid until the pairs, or *io_own, are changed. @return FLUME_OK,
 *                    FLUME_ERR_NO_MEMORY. */
int tokens_of(const struct scope_pairs *pairs, uint64_t seed, struct scope_tokens *io_own,
              const struct scope_tokens **out_tokens);

/** Made anew. @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
int tokens_take(struct scope_tokens *tokens, uint64_t seed, const struct scope_pairs *pairs);
void tokens_deinit(struct scope_tokens *tokens);

/** The fingerprint of a set of keys, of the hashes in whatever order. */
struct fingerprint tokens_shape(const uint64_t *keys, size_t count);

/** The signature of a set of keys. */
uint64_t tokens_key_signature(const uint64_t *keys, size_t count);

#endif
