/*
 * containment.c - which stored scopes a scope is the same as, lies within, and has within it
 * (containment.h).
 */
#include "containment.h"

#include <string.h>

#include "wild.h"

/* ---- keeping ---- */

void containment_init(struct containment *containment, const struct containment_store *store,
                      uint64_t seed)
{
    *containment = (struct containment){.store = *store, .seed = seed};
}

void containment_deinit(struct containment *containment)
{
    shapes_deinit(&containment->shapes);
    tokens_deinit(&containment->made);
    tokens_deinit(&containment->other);
}

void containment_forget(struct containment *containment)
{
    shapes_deinit(&containment->shapes);
    containment->info = (struct containment_info){0};
}

int containment_restore(struct containment *containment, const uint64_t *keys, size_t count,
                        uint64_t first_seq, unsigned flags)
{
    struct shape *shape;
    int status = shape_create(keys, count, first_seq, &shape);

    if (status != FLUME_OK)
        return status;
    shape->flags = flags;
    status = shapes_track(&containment->shapes, shape);
    if (status != FLUME_OK)
        shape_destroy(shape);
    return status;
}

/* ---- comparing with stored scopes ---- */

struct comparing {
    const struct scope_pairs *pairs, *core;
    enum containment_relation relation;
    bool holds;
};

static int compare(void *ctx, uint64_t seq, const struct scope_pairs *stored)
{
    struct comparing *comparing = ctx;
    const struct scope_pairs *pairs = comparing->pairs;

    (void)seq;
    switch (comparing->relation) {
    case RELATION_WITHIN:
        comparing->holds = scope_pairs_are_within(pairs, stored);
        break;
    case RELATION_CONTAINS:
        comparing->holds =
            scope_pairs_are_within(stored, pairs) &&
            (comparing->core == NULL || scope_pairs_have_all(stored, comparing->core));
        break;
    }
    return FLUME_OK;
}

int containment_verify(struct containment *containment, const struct scope_pairs *pairs,
                       uint64_t seq, enum containment_relation relation, bool *out_holds)
{
    const struct containment_store *store = &containment->store;
    struct comparing comparing = {.pairs = pairs, .core = containment->core, .relation = relation};
    int status = store->read(store->scopes, seq, compare, &comparing);

    if (status != FLUME_OK && status != FLUME_ERR_NOT_FOUND)
        return status;
    *out_holds = comparing.holds;
    return FLUME_OK;
}

/* ---- tracking shapes ---- */

/* Shapes of one number that went through the same changes have one digest. */
static void note_change(struct containment *containment, struct fingerprint what, unsigned flags)
{
    uint64_t digest = containment->info.changes ^ what.lanes[1] ^ flags;

    digest *= UINT64_C(0x9fb21c651e98df25);
    containment->info.changes = digest ^ (digest >> 29);
}

static int raise_flags(struct containment *containment, uint32_t number, unsigned flags)
{
    const struct containment_store *store = &containment->store;
    struct shape *shape = containment->shapes.list[number];

    shape->flags |= flags;
    note_change(containment, shape->fingerprint, shape->flags);
    return store->put_shape(store->ctx, number, shape);
}

static int put_superset(struct containment *containment, struct fingerprint key, uint64_t seq)
{
    const struct containment_store *store = &containment->store;
    struct containment_entry entry;
    int status = store->get(store->ctx, key, &entry);

    if (status != FLUME_OK || entry.superset_seq != FLUME_SEQ_NONE)
        return status;
    entry.superset_seq = seq;
    return store->put(store->ctx, key, &entry);
}

/* Going over stored scopes again, for some of the shapes. */
struct backfill {
    struct containment *containment;
    const struct shape *part; /* Put what scopes have of this one; NULL: list them. */
    uint64_t marked[SHAPES_MAX / 64];
};

static bool is_marked(const struct backfill *backfill, uint32_t number)
{
    return (backfill->marked[number / 64] >> (number % 64) & 1) != 0;
}

static void mark(struct backfill *backfill, uint32_t number)
{
    backfill->marked[number / 64] |= UINT64_C(1) << (number % 64);
}

static int backfill_scope(void *ctx, uint64_t seq, const struct scope_pairs *pairs)
{
    const struct backfill *backfill = ctx;
    struct containment *containment = backfill->containment;
    struct scope_tokens *tokens = &containment->other;
    const struct containment_store *store = &containment->store;
    struct containment_entry entry;
    struct fingerprint sum;
    const struct shape *shape;
    int status = tokens_take(tokens, containment->seed, pairs);

    if (status != FLUME_OK || !tokens->has_variables)
        return status;
    shape = shapes_find(&containment->shapes, tokens->shape);
    if (shape == NULL || !is_marked(backfill, shape->number))
        return FLUME_OK;
    if (backfill->part != NULL)
        return shape_project_any(backfill->part, shape, tokens, &sum)
                   ? put_superset(containment, sum, seq)
                   : FLUME_OK;
    /* The same scope again stands in no list. */
    status = store->get(store->ctx, tokens->sum, &entry);
    return status == FLUME_OK && entry.own_seq == seq ? wild_post(containment, tokens, seq)
                                                      : status;
}

static uint64_t begin_of(const struct backfill *backfill, uint64_t below_seq)
{
    const struct shapes *shapes = &backfill->containment->shapes;
    uint64_t from_seq = below_seq;

    for (uint32_t i = 0; i < shapes->count; i++)
        if (is_marked(backfill, i) && shapes->list[i]->first_seq < from_seq)
            from_seq = shapes->list[i]->first_seq;
    return from_seq;
}

static int run_backfill(struct backfill *backfill, uint64_t below_seq)
{
    const struct containment_store *store = &backfill->containment->store;
    uint64_t from_seq = begin_of(backfill, below_seq);

    if (from_seq == below_seq)
        return FLUME_OK;
    return store->scan(store->scopes, from_seq, below_seq, backfill_scope, backfill);
}

/* The first tracked shapes, so many of them, that have the keys of one, and more. */
static void mark_larger(struct backfill *backfill, const struct shape *shape, uint32_t count)
{
    const struct shapes *shapes = &backfill->containment->shapes;

    for (uint32_t i = 0; i < count; i++)
        if (shape->key_count < shapes->list[i]->key_count &&
            shape_is_within(shape, shapes->list[i]))
            mark(backfill, i);
}

/* A tracked shape is new: scopes that have its keys, and more, tell what they have of it. */
static int begin_tracked(struct containment *containment, const struct shape *shape)
{
    const struct containment_store *store = &containment->store;
    struct backfill backfill = {.containment = containment, .part = shape};
    uint32_t number = (uint32_t)containment->shapes.count - 1;
    int status;

    containment->info.shapes++;
    note_change(containment, shape->fingerprint, shape->flags);
    status = store->put_shape(store->ctx, number, shape);
    mark_larger(&backfill, shape, number);
    return status == FLUME_OK ? run_backfill(&backfill, shape->first_seq) : status;
}

/* A wild shape is new: tracked ones learn that they have to do with wild scopes now. */
static int begin_wild(struct containment *containment, const struct shape *shape)
{
    const struct containment_store *store = &containment->store;
    struct backfill backfill = {.containment = containment};
    int status;

    containment->info.wild_shapes++;
    status = store->put_wild_shape(store->ctx, shape->fingerprint, shape->first_seq);
    for (uint32_t i = 0; status == FLUME_OK && i < containment->shapes.count; i++) {
        const struct shape *tracked = containment->shapes.list[i];

        if ((tracked->flags & SHAPE_LISTED) == 0 && shape_is_within(shape, tracked)) {
            mark(&backfill, i);
            status = raise_flags(containment, i, SHAPE_LISTED);
        } else if ((tracked->flags & SHAPE_WILD_ABOVE) == 0 && shape_is_within(tracked, shape)) {
            status = raise_flags(containment, i, SHAPE_WILD_ABOVE);
        }
    }
    return status == FLUME_OK ? run_backfill(&backfill, shape->first_seq) : status;
}

/* Where the scopes begin that may have all of one of this shape, and more. */
static uint64_t larger_begin(struct containment *containment, const struct shape *shape,
                             uint64_t below_seq)
{
    struct backfill backfill = {.containment = containment, .part = shape};

    mark_larger(&backfill, shape, (uint32_t)containment->shapes.count);
    return begin_of(&backfill, below_seq);
}

/*
 * The shape of the scope in hand, which is taken up if it is new. *out_shape: NULL if it is wild.
 * FLUME_ERR_TOO_LARGE: it is new, and nothing has changed.
 */
static int take_shape(struct containment *containment, uint64_t seq, struct shape **out_shape)
{
    const struct containment_store *store = &containment->store;
    const struct scope_tokens *tokens = containment->tokens;
    struct shape *shape = shapes_find(&containment->shapes, tokens->shape);
    bool is_known = false;
    int status;

    *out_shape = shape;
    if (shape != NULL)
        return FLUME_OK;
    if (containment->info.wild_shapes != 0) {
        status = store->has_wild_shape(store->ctx, tokens->shape, &is_known);
        if (status != FLUME_OK || is_known)
            return status;
    }
    status = shape_create(tokens->keys, tokens->count, seq, &shape);
    if (status != FLUME_OK)
        return status;
    if (containment->backfill_max != 0 &&
        seq - larger_begin(containment, shape, seq) > containment->backfill_max) {
        shape_destroy(shape);
        return FLUME_ERR_TOO_LARGE;
    }
    /* Which of the wild shapes have to do with it is not known. */
    if (containment->info.wild_shapes != 0)
        shape->flags = SHAPE_LISTED | SHAPE_WILD_ABOVE;
    status = shapes_track(&containment->shapes, shape);
    if (status == FLUME_OK) {
        *out_shape = shape;
        return begin_tracked(containment, shape);
    }
    if (status == FLUME_ERR_FULL)
        status = begin_wild(containment, shape);
    shape_destroy(shape);
    return status;
}

/* ---- adding ---- */

static int take_tokens(struct containment *containment, const struct scope_pairs *pairs,
                       const struct scope_tokens **out_tokens)
{
    int status = tokens_of(pairs, containment->seed, &containment->made, &containment->tokens);

    *out_tokens = containment->tokens;
    return status;
}

static int add_tracked(struct containment *containment, const struct shape *shape, uint64_t seq)
{
    int status = FLUME_OK;

    for (uint32_t i = 0; status == FLUME_OK && i < shape->part_count; i++)
        status =
            put_superset(containment, shape_project(&shape->parts[i], containment->tokens), seq);
    if (status == FLUME_OK && (shape->flags & SHAPE_LISTED) != 0)
        status = wild_post(containment, containment->tokens, seq);
    return status;
}

static int add_wild(struct containment *containment, uint64_t seq)
{
    int status = wild_watch(containment, containment->tokens, seq);

    containment->info.wild_scopes++;
    return status == FLUME_OK ? wild_post(containment, containment->tokens, seq) : status;
}

int containment_add(struct containment *containment, const struct scope_pairs *pairs, uint64_t seq)
{
    const struct containment_store *store = &containment->store;
    struct containment_info before = containment->info;
    const struct scope_tokens *tokens;
    struct containment_entry entry;
    struct shape *shape;
    int status = take_tokens(containment, pairs, &tokens);

    if (status == FLUME_OK)
        status = store->get(store->ctx, tokens->sum, &entry);
    if (status != FLUME_OK || entry.own_seq != FLUME_SEQ_NONE)
        return status; /* The same again says nothing new. */
    if (tokens->has_variables) {
        status = take_shape(containment, seq, &shape);
        if (status == FLUME_OK)
            status = shape != NULL ? add_tracked(containment, shape, seq)
                                   : add_wild(containment, seq);
        /* A new shape may have found who contains it. */
        if (status == FLUME_OK && before.shapes != containment->info.shapes)
            status = store->get(store->ctx, tokens->sum, &entry);
    }
    if (status != FLUME_OK)
        return status;
    entry.own_seq = seq;
    status = store->put(store->ctx, tokens->sum, &entry);
    if (status == FLUME_OK && memcmp(&before, &containment->info, sizeof before) != 0)
        status = store->put_info(store->ctx, &containment->info);
    return status;
}

/* ---- asking ---- */

/* Take one that a fingerprint led to, if it is what it seems and better than what there is. */
static int offer_subset(struct containment *containment, const struct scope_pairs *pairs,
                        struct fingerprint key, size_t count, struct wild_subset *io_subset)
{
    const struct containment_store *store = &containment->store;
    struct containment_entry entry;
    bool holds;
    int status = store->get(store->ctx, key, &entry);

    if (status != FLUME_OK || entry.own_seq == FLUME_SEQ_NONE ||
        !wild_subset_is_better(io_subset, count, entry.own_seq))
        return status;
    status = containment_verify(containment, pairs, entry.own_seq, RELATION_CONTAINS, &holds);
    if (status == FLUME_OK && holds)
        *io_subset = (struct wild_subset){.seq = entry.own_seq, .count = count};
    return status;
}

static int find_subsets(struct containment *containment, const struct scope_pairs *pairs,
                        const struct shape *shape, struct wild_subset *out_subset)
{
    int status = FLUME_OK;

    for (uint32_t i = 0; status == FLUME_OK && i < shape->part_count; i++) {
        const struct shape_part *part = &shape->parts[i];
        size_t count = containment->shapes.list[part->shape]->key_count;

        if (out_subset->seq != FLUME_SEQ_NONE && count < out_subset->count)
            break; /* They only get smaller. */
        status = offer_subset(containment, pairs, shape_project(part, containment->tokens), count,
                              out_subset);
    }
    if (status == FLUME_OK && (shape->flags & SHAPE_LISTED) != 0)
        status = wild_subset(containment, pairs, out_subset);
    return status;
}

static int ask_tracked(struct containment *containment, const struct scope_pairs *pairs,
                       const struct shape *shape, struct containment_answer *out_answer)
{
    const struct containment_store *store = &containment->store;
    struct wild_subset subset = {.seq = FLUME_SEQ_NONE};
    struct containment_entry entry;
    bool holds = false;
    int status = store->get(store->ctx, containment->tokens->sum, &entry);

    if (status == FLUME_OK && entry.superset_seq != FLUME_SEQ_NONE)
        status =
            containment_verify(containment, pairs, entry.superset_seq, RELATION_WITHIN, &holds);
    if (status == FLUME_OK && holds)
        out_answer->superset_seq = entry.superset_seq;
    if (status == FLUME_OK && (shape->flags & SHAPE_WILD_ABOVE) != 0)
        status = wild_superset(containment, pairs, &out_answer->superset_seq);
    if (status == FLUME_OK)
        status = find_subsets(containment, pairs, shape, &subset);
    out_answer->subset_seq = subset.seq;
    return status;
}

struct passing {
    const struct scope_pairs *pairs;
    uint64_t superset_seq;
};

static int pass_scope(void *ctx, uint64_t seq, const struct scope_pairs *stored)
{
    struct passing *passing = ctx;

    if (!scope_pairs_are_within(passing->pairs, stored))
        return FLUME_OK;
    passing->superset_seq = seq;
    return 1; /* Each further one is newer. */
}

/* What of the tracked shapes has all of a scope whose shape is not known to them. */
static int find_superset_in_passing(struct containment *containment,
                                    const struct scope_pairs *pairs, const struct shape *whole,
                                    uint64_t below_seq, uint64_t *out_seq)
{
    const struct containment_store *store = &containment->store;
    struct passing passing = {pairs, FLUME_SEQ_NONE};
    uint64_t from_seq = larger_begin(containment, whole, below_seq);
    int status = FLUME_OK;

    if (from_seq < below_seq)
        status = store->scan(store->scopes, from_seq, below_seq, pass_scope, &passing);
    *out_seq = passing.superset_seq;
    return status;
}

/* Tracked shapes within one that is not, whatever their number: each is one look. Below below_seq,
 * 0 for a wild one, the larger ones are gone over. */
static int ask_untracked(struct containment *containment, const struct scope_pairs *pairs,
                         uint64_t below_seq, struct containment_answer *out_answer)
{
    const struct scope_tokens *tokens = containment->tokens;
    struct wild_subset subset = {.seq = FLUME_SEQ_NONE};
    struct shape *whole;
    int status = shape_create(tokens->keys, tokens->count, 0, &whole);

    if (status != FLUME_OK)
        return status;
    if (below_seq != 0)
        status = find_superset_in_passing(containment, pairs, whole, below_seq,
                                          &out_answer->superset_seq);
    if (status == FLUME_OK)
        status = wild_superset(containment, pairs, &out_answer->superset_seq);
    for (uint32_t i = 0; status == FLUME_OK && i < containment->shapes.count; i++) {
        const struct shape *part = containment->shapes.list[i];
        struct fingerprint sum;

        if (shape_project_any(part, whole, tokens, &sum))
            status = offer_subset(containment, pairs, sum, part->key_count, &subset);
    }
    if (status == FLUME_OK)
        status = wild_subset(containment, pairs, &subset);
    out_answer->subset_seq = subset.seq;
    shape_destroy(whole);
    return status;
}

int containment_ask(struct containment *containment, const struct scope_pairs *pairs,
                    uint64_t below_seq, struct containment_answer *out_answer)
{
    const struct containment_store *store = &containment->store;
    struct containment_answer answer = {FLUME_SEQ_NONE, FLUME_SEQ_NONE, FLUME_SEQ_NONE};
    const struct scope_tokens *tokens;
    struct containment_entry entry;
    struct shape *shape;
    bool holds = false;
    int status = take_tokens(containment, pairs, &tokens);

    if (status == FLUME_OK)
        status = store->get(store->ctx, tokens->sum, &entry);
    if (status == FLUME_OK && entry.own_seq != FLUME_SEQ_NONE)
        status = store->is_same(store->scopes, entry.own_seq, pairs, &holds);
    if (status == FLUME_OK && holds) {
        answer.dup_seq = entry.own_seq;
    } else if (status == FLUME_OK && tokens->has_variables) {
        status = take_shape(containment, below_seq, &shape);
        if (status == FLUME_OK)
            status = shape != NULL ? ask_tracked(containment, pairs, shape, &answer)
                                   : ask_untracked(containment, pairs, 0, &answer);
        else if (status == FLUME_ERR_TOO_LARGE)
            status = ask_untracked(containment, pairs, below_seq, &answer);
    }
    if (status == FLUME_OK)
        *out_answer = answer;
    return status;
}
