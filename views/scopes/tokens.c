/*
 * tokens.c - a scope as numbers (tokens.h).
 */
#include "tokens.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "little.h"

/* Keys are hashed apart from pairs. */
#define KEY_SEED UINT64_C(0x9e3779b97f4a7c15)

enum { FIRST_CAPACITY = 32 };

uint64_t tokens_seed(const uint8_t basin_id[16])
{
    return little_get64(basin_id) ^ little_get64(basin_id + 8) * KEY_SEED;
}

/* The end of splitmix64: each bit of the value turns about half of the others. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static struct fingerprint key_fingerprint(uint64_t key)
{
    return (struct fingerprint){{key, mix(key)}};
}

struct fingerprint tokens_shape(const uint64_t *keys, size_t count)
{
    struct fingerprint sum = {{0, 0}};

    for (size_t i = 0; i < count; i++)
        fingerprint_add(&sum, key_fingerprint(keys[i]));
    return sum;
}

uint64_t tokens_key_signature(const uint64_t *keys, size_t count)
{
    uint64_t signature = 0;

    for (size_t i = 0; i < count; i++)
        signature |= UINT64_C(1) << (keys[i] & 63);
    return signature;
}

static int make_room(struct scope_tokens *tokens, size_t count)
{
    size_t capacity = tokens->capacity == 0 ? FIRST_CAPACITY : tokens->capacity;
    struct fingerprint *list;
    uint64_t *keys;

    if (count <= tokens->capacity)
        return FLUME_OK;
    while (capacity < count)
        capacity *= 2;
    list = realloc(tokens->tokens, capacity * sizeof *list);
    if (list == NULL)
        return FLUME_ERR_NO_MEMORY;
    tokens->tokens = list;
    keys = realloc(tokens->keys, capacity * sizeof *keys);
    if (keys == NULL)
        return FLUME_ERR_NO_MEMORY;
    tokens->keys = keys;
    tokens->capacity = capacity;
    return FLUME_OK;
}

static struct fingerprint token_of(const struct scope_pair *pair, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(pair->data, pair->bytes, seed);

    return (struct fingerprint){{hash.low64, hash.high64}};
}

static uint64_t signature_bit(struct fingerprint token)
{
    return UINT64_C(1) << (token.lanes[1] & 63);
}

/* Where what was seen at an index begins: one of the first. */
static uint32_t seen_begin(const struct tokens_seen *seen, uint32_t index)
{
    return index == 0 ? 0 : seen->ends[index - 1];
}

/* Whether the pair is the one that stood at this index before: its numbers stand there. */
static bool is_seen(const struct tokens_seen *seen, uint32_t index, const struct scope_pair *pair)
{
    uint32_t begin;

    if (index >= seen->count)
        return false;
    begin = seen_begin(seen, index);
    return seen->ends[index] - begin == pair->bytes &&
           memcmp(seen->bytes + begin, pair->data, pair->bytes) == 0;
}

/* Those behind it stay what they are if it has the size of the one before. */
static void note_pair(struct tokens_seen *seen, uint32_t index, const struct scope_pair *pair)
{
    uint32_t begin;

    if (index > seen->count || index >= TOKENS_SEEN_MAX)
        return;
    begin = seen_begin(seen, index);
    if (index < seen->count && seen->ends[index] - begin != pair->bytes)
        seen->count = index;
    if (pair->bytes > TOKENS_SEEN_BYTES_MAX - begin)
        return;
    memcpy(seen->bytes + begin, pair->data, pair->bytes);
    seen->ends[index] = (uint16_t)(begin + pair->bytes);
    if (index == seen->count)
        seen->count++;
}

int tokens_take(struct scope_tokens *tokens, uint64_t seed, const struct scope_pairs *pairs)
{
    struct tokens_seen *seen = &tokens->seen;
    int status = make_room(tokens, pairs->count);

    if (status != FLUME_OK)
        return status;
    if (seen->seed != seed)
        seen->count = 0;
    seen->seed = seed;
    tokens->count = pairs->count;
    tokens->sum = tokens->shape = (struct fingerprint){{0, 0}};
    tokens->signature = 0;
    tokens->has_variables = false;
    for (size_t i = 0; i < pairs->count; i++) {
        const struct scope_pair *pair = &pairs->pairs[i];
        struct fingerprint token;

        if (!is_seen(seen, (uint32_t)i, pair)) {
            tokens->tokens[i] = token_of(pair, seed);
            tokens->keys[i] = XXH3_64bits_withSeed(pair->key, pair->key_bytes, seed ^ KEY_SEED);
            note_pair(seen, (uint32_t)i, pair);
        }
        token = tokens->tokens[i];
        fingerprint_add(&tokens->sum, token);
        fingerprint_add(&tokens->shape, key_fingerprint(tokens->keys[i]));
        tokens->signature |= signature_bit(token);
        tokens->has_variables = tokens->has_variables || scope_pair_is_variable(pair);
    }
    return FLUME_OK;
}

/* Those of pairs that have changed; keys are as they were. */
static void renew(struct tokens_kept *kept, const struct scope_pairs *pairs)
{
    struct scope_tokens *tokens = &kept->tokens;

    for (uint32_t i = 0; i < kept->stale_count; i++) {
        const struct scope_pair *pair = &pairs->pairs[kept->stale[i]];
        struct fingerprint *token = &tokens->tokens[kept->stale[i]];

        fingerprint_subtract(&tokens->sum, *token);
        *token = token_of(pair, kept->seed);
        fingerprint_add(&tokens->sum, *token);
        note_pair(&tokens->seen, kept->stale[i], pair);
    }
    tokens->signature = 0;
    for (size_t i = 0; i < tokens->count; i++)
        tokens->signature |= signature_bit(tokens->tokens[i]);
    kept->stale_count = 0;
}

int tokens_of(const struct scope_pairs *pairs, uint64_t seed, struct scope_tokens *io_own,
              const struct scope_tokens **out_tokens)
{
    struct tokens_kept *kept = pairs->kept;
    int status = FLUME_OK;

    if (kept == NULL) {
        status = tokens_take(io_own, seed, pairs);
        *out_tokens = io_own;
        return status;
    }
    if (!kept->is_known || kept->seed != seed) {
        status = tokens_take(&kept->tokens, seed, pairs);
        kept->seed = seed;
        kept->is_known = status == FLUME_OK;
        kept->stale_count = 0;
    } else if (kept->stale_count > 0) {
        renew(kept, pairs);
    }
    *out_tokens = &kept->tokens;
    return status;
}

void tokens_deinit(struct scope_tokens *tokens)
{
    free(tokens->tokens);
    free(tokens->keys);
    *tokens = (struct scope_tokens){0};
}
