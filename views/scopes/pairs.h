/*
 * pairs.h - what a scope is the same as: its pairs, for identity and containment.
 *
 * A pair is a key and the bytes that count: varint(key bytes) key tag payload, as views/FORMAT.md,
 * "Scopes", says; a blob stands as the hash of its content. Labels are pairs, too: "@label/TEXT",
 * null; and so is what encloses a scope where that counts: "@enclosing", a hash.
 *
 * What always holds:
 *   - Pairs are sorted by key, bytewise, and no key comes twice.
 *   - Two scopes are the same if their pairs are, byte for byte.
 */
#ifndef VIEWS_SCOPES_PAIRS_H
#define VIEWS_SCOPES_PAIRS_H

#include <string.h>

#include "flume/scope.h"

#define SCOPE_LABEL_PREFIX "@label/"
enum { SCOPE_LABEL_PREFIX_BYTES = 7 };

#define SCOPE_CHAIN_KEY "@enclosing"
enum { SCOPE_CHAIN_KEY_BYTES = sizeof SCOPE_CHAIN_KEY - 1 };

struct scope_pair {
    const uint8_t *key; /* Not NUL-terminated. Within data. */
    uint32_t key_bytes;
    uint32_t bytes;      /* Of the whole pair ... */
    const uint8_t *data; /* ... which begins with its varint. */
};

struct tokens_kept; /* tokens.h */

struct scope_pairs {
    struct scope_pair *pairs;
    size_t count;
    struct tokens_kept *kept; /* What is known of them as numbers. NULL: nothing is kept. */
};

/** The identity of a scope that is being made. Valid until it is changed or freed.
 * @return as flume_scope_id(). */
int scope_pairs_of(flume_scope *scope, const struct scope_pairs **out_pairs);

/** Bytewise, as pairs are sorted: less than 0, 0, more than 0. */
int scope_key_compare(const void *one, size_t one_bytes, const void *other, size_t other_bytes);

/** Whether they are the same, byte for byte. */
bool scope_pairs_equal(const struct scope_pairs *one, const struct scope_pairs *other);

/** Whether the whole has each pair of the part, and maybe no other. */
bool scope_pairs_have_all(const struct scope_pairs *whole, const struct scope_pairs *part);

/** Whether the other has each pair of one, and more. */
bool scope_pairs_are_within(const struct scope_pairs *one, const struct scope_pairs *other);

/** flume_scope_id() of pairs that are sorted. @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
int scope_pairs_id(const struct scope_pairs *pairs, uint8_t out_id[FLUME_HASH_BYTES]);

/** What a pair says. Texts and bytes are borrowed from it. The pair must be sound. */
void scope_pair_value(const struct scope_pair *pair, flume_value *out_value);

/** Whether it stands for a label; the text is the rest of its key. */
bool scope_pair_is_label(const struct scope_pair *pair);

/** Whether it is a variable of the program: neither a label nor what encloses the scope. */
static inline bool scope_pair_is_variable(const struct scope_pair *pair)
{
    return pair->key[0] != '@';
}

static inline bool scope_key_is_chain(const void *key, size_t key_bytes)
{
    return key_bytes == SCOPE_CHAIN_KEY_BYTES && memcmp(key, SCOPE_CHAIN_KEY, key_bytes) == 0;
}

#endif
