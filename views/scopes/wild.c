/*
 * wild.c - containment among scopes whose shapes are too many to be tracked (wild.h).
 */
#include "wild.h"

enum { END_OF_RUN = 1 };

/* Lists are named by half of a token: two tokens with one name make a list longer, nothing else. */
static uint64_t list_name(const struct scope_tokens *tokens, size_t index)
{
    return tokens->tokens[index].lanes[0];
}

static struct wild_entry entry_of(const struct scope_tokens *tokens, uint64_t seq)
{
    return (struct wild_entry){
        .seq = seq, .signature = tokens->signature, .count = (uint32_t)tokens->count};
}

/* Which token has the fewest postings, of equal ones the first. */
static int find_rarest(struct containment *containment, const struct scope_tokens *tokens,
                       size_t *out_index, uint64_t *out_count)
{
    const struct containment_store *store = &containment->store;
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < tokens->count && least > 0; i++) {
        uint64_t count;
        int status = store->count(store->ctx, list_name(tokens, i), &count);

        if (status != FLUME_OK)
            return status;
        if (count < least) {
            least = count;
            *out_index = i;
        }
    }
    *out_count = least;
    return FLUME_OK;
}

/* ---- adding ---- */

int wild_post(struct containment *containment, const struct scope_tokens *tokens, uint64_t seq)
{
    const struct containment_store *store = &containment->store;
    struct wild_entry entry = entry_of(tokens, seq);
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && i < tokens->count; i++)
        status = store->add(store->ctx, WILD_POSTINGS, list_name(tokens, i), &entry);
    return status;
}

int wild_watch(struct containment *containment, const struct scope_tokens *tokens, uint64_t seq)
{
    const struct containment_store *store = &containment->store;
    struct wild_entry entry = entry_of(tokens, seq);
    uint64_t count;
    size_t rarest = 0;
    int status = find_rarest(containment, tokens, &rarest, &count);

    if (status != FLUME_OK)
        return status;
    return store->add(store->ctx, WILD_WATCH, list_name(tokens, rarest), &entry);
}

/* ---- asking ---- */

struct seeking {
    struct containment *containment;
    const struct scope_pairs *pairs;
    uint64_t *superset_seq;
    struct wild_subset *subset;
};

static int visit_superset(void *ctx, const struct wild_entry *entry)
{
    const struct seeking *seeking = ctx;
    const struct scope_tokens *tokens = seeking->containment->tokens;
    bool holds;
    int status;

    if (entry->seq >= *seeking->superset_seq)
        return END_OF_RUN;
    if (entry->count <= tokens->count || (tokens->signature & ~entry->signature) != 0)
        return FLUME_OK;
    status = containment_verify(seeking->containment, seeking->pairs, entry->seq, RELATION_WITHIN,
                                &holds);
    if (status != FLUME_OK || !holds)
        return status;
    *seeking->superset_seq = entry->seq;
    return END_OF_RUN;
}

int wild_superset(struct containment *containment, const struct scope_pairs *pairs,
                  uint64_t *io_seq)
{
    const struct containment_store *store = &containment->store;
    struct seeking seeking = {.containment = containment, .pairs = pairs, .superset_seq = io_seq};
    uint64_t count;
    size_t rarest = 0;
    int status = find_rarest(containment, containment->tokens, &rarest, &count);

    if (status != FLUME_OK || count == 0)
        return status;
    return store->each(store->ctx, WILD_POSTINGS, list_name(containment->tokens, rarest),
                       visit_superset, &seeking);
}

bool wild_subset_is_better(const struct wild_subset *subset, size_t count, uint64_t seq)
{
    if (subset->seq == FLUME_SEQ_NONE)
        return true;
    return count > subset->count || (count == subset->count && seq > subset->seq);
}

static int visit_subset(void *ctx, const struct wild_entry *entry)
{
    const struct seeking *seeking = ctx;
    const struct scope_tokens *tokens = seeking->containment->tokens;
    bool holds;
    int status;

    if (entry->count >= tokens->count || (entry->signature & ~tokens->signature) != 0 ||
        !wild_subset_is_better(seeking->subset, entry->count, entry->seq))
        return FLUME_OK;
    status = containment_verify(seeking->containment, seeking->pairs, entry->seq, RELATION_CONTAINS,
                                &holds);
    if (status == FLUME_OK && holds)
        *seeking->subset = (struct wild_subset){.seq = entry->seq, .count = entry->count};
    return status;
}

int wild_subset(struct containment *containment, const struct scope_pairs *pairs,
                struct wild_subset *io_subset)
{
    const struct containment_store *store = &containment->store;
    struct seeking seeking = {.containment = containment, .pairs = pairs, .subset = io_subset};
    int status = FLUME_OK;

    for (size_t i = 0; status == FLUME_OK && i < containment->tokens->count; i++)
        status = store->each(store->ctx, WILD_WATCH, list_name(containment->tokens, i),
                             visit_subset, &seeking);
    return status;
}
