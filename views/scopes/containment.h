/*
 * containment.h - which stored scopes a scope is the same as, lies within, and has within it.
 * Exact, against all of them.
 *
 * A scope gives each key one value, so containment is two questions: whether the keys of one lie
 * within those of the other, which is settled once for each pair of shapes; and whether the values
 * agree, which is one look at the fingerprint of a projection. So the cost of a scope depends on
 * the number of shapes within its own, and neither on how many scopes there are nor on how common a
 * pair is. Shapes beyond the bounds of shapes.h are wild: their scopes stand in lists under their
 * tokens.
 *
 * This module owns no rows: it reads and puts them through a store, of which there are two, the
 * view's transaction (superset_view.c) and memory (overlay.c).
 *
 * What always holds:
 *   - What a store has after containment_add() of some scopes in the order of their seqs follows
 *     from them alone, unless containment_ask() was called meanwhile: that may track shapes that no
 *     scope has yet, and only who throws the store away may do so.
 *   - Every relation told was compared pair by pair with the stored scope.
 *   - Where a question may not take up its shape it is answered all the same, by going over what is
 *     stored: that keeps nothing, and takes as long the next time.
 *   - Scopes without variables have no part in containment; they are the same as each other by
 *     labels.
 */
#ifndef VIEWS_SCOPES_CONTAINMENT_H
#define VIEWS_SCOPES_CONTAINMENT_H

#include "flume/record.h"
#include "shapes.h"

/* What is known of a set of pairs; FLUME_SEQ_NONE: nothing. */
struct containment_entry {
    uint64_t own_seq;      /* The first scope that is just this. */
    uint64_t superset_seq; /* The first tracked scope that has it and more. */
};

/* A scope in a list under a token. */
struct wild_entry {
    uint64_t seq;
    uint64_t signature; /* Of its pairs. */
    uint32_t count;     /* Of its pairs. */
};

enum wild_list {
    WILD_POSTINGS = 0, /* Under each of its tokens: wild scopes, and those of listed shapes. */
    WILD_WATCH = 1     /* Under one of its tokens, the rarest when it came: wild scopes. */
};
enum { WILD_LISTS = 2 };

/* How much of everything there is. Starts as all zero. */
struct containment_info {
    uint64_t shapes;      /* Tracked. */
    uint64_t wild_shapes; /* Sets of keys. */
    uint64_t wild_scopes;
    uint64_t changes; /* A digest of what happened to the tracked shapes, in order. */
};

/* FLUME_OK: go on; more than 0: no more of this; an error. */
typedef int (*containment_visit)(void *visit_ctx, uint64_t seq, const struct scope_pairs *pairs);

/* Where rows are, and stored scopes. Each returns FLUME_OK or an error, which is passed on. */
struct containment_store {
    void *ctx;
    void *scopes;
    /* Absent: both FLUME_SEQ_NONE. */
    int (*get)(void *ctx, struct fingerprint key, struct containment_entry *out_entry);
    int (*put)(void *ctx, struct fingerprint key, const struct containment_entry *entry);
    /* A tracked shape that is new or has other flags. */
    int (*put_shape)(void *ctx, uint32_t number, const struct shape *shape);
    int (*has_wild_shape)(void *ctx, struct fingerprint shape, bool *out_has);
    int (*put_wild_shape)(void *ctx, struct fingerprint shape, uint64_t seq);
    int (*put_info)(void *ctx, const struct containment_info *info);
    /* Put an entry into a list, once. Postings are counted. */
    int (*add)(void *ctx, enum wild_list list, uint64_t token, const struct wild_entry *entry);
    int (*count)(void *ctx, uint64_t token, uint64_t *out_postings);
    /* The entries of a list, in one or more runs, each by rising seq; visit returns more than 0 to
     * end a run. */
    int (*each)(void *ctx, enum wild_list list, uint64_t token,
                int (*visit)(void *visit_ctx, const struct wild_entry *entry), void *visit_ctx);
    /* The log, for the next three: they get `scopes`, not ctx.
     * Whether the scope at seq is just these pairs; false also where it cannot be read any more. */
    int (*is_same)(void *scopes, uint64_t seq, const struct scope_pairs *pairs, bool *out_same);
    /* The pairs of the scope at seq. FLUME_ERR_NOT_FOUND: it cannot be read any more. */
    int (*read)(void *scopes, uint64_t seq, containment_visit visit, void *visit_ctx);
    /* Those of every scope that can be read, from from_seq on and below below_seq, in order. */
    int (*scan)(void *scopes, uint64_t from_seq, uint64_t below_seq, containment_visit visit,
                void *visit_ctx);
};

struct containment {
    struct containment_store store;
    uint64_t seed;
    struct shapes shapes;
    struct containment_info info;
    const struct scope_tokens *tokens; /* Of the scope in hand: its own, or */
    struct scope_tokens made;          /* these. */
    struct scope_tokens other;         /* Of a stored one. */
    const struct scope_pairs *core; /* What has not all of these is no subset now; NULL: nothing. */
    /* A new shape is not taken up where so many records would have to be gone over, as each scope
     * among them may bring an entry. 0: any is. */
    uint64_t backfill_max;
};

/* What a scope is to those stored; FLUME_SEQ_NONE: there is none. */
struct containment_answer {
    uint64_t dup_seq; /* The first scope that is the same. If there is one, nothing else is told. */
    uint64_t superset_seq; /* The oldest one that has all of it, and more. */
    /* The largest one that it has all of, and more; of equal ones the newest. */
    uint64_t subset_seq;
};

void containment_init(struct containment *containment, const struct containment_store *store,
                      uint64_t seed);
void containment_deinit(struct containment *containment);

/** Forget what was kept of shapes. They are given anew with containment_restore(). */
void containment_forget(struct containment *containment);

/** Take in a shape that the store has, in the order of their numbers.
 * @return FLUME_OK; FLUME_ERR_FULL (the rows do not belong together); FLUME_ERR_NO_MEMORY. */
int containment_restore(struct containment *containment, const uint64_t *keys, size_t count,
                        uint64_t first_seq, unsigned flags);

/** Take in the scope at seq. All before it are in the store. @return FLUME_OK; FLUME_ERR_TOO_LARGE
 * (backfill_max; nothing has changed); the store's error. */
int containment_add(struct containment *containment, const struct scope_pairs *pairs, uint64_t seq);

/**
 * What a scope is to those stored.
 *
 * @param below_seq  The store has just the scopes below this.
 * @return FLUME_OK, or the store's error.
 */
int containment_ask(struct containment *containment, const struct scope_pairs *pairs,
                    uint64_t below_seq, struct containment_answer *out_answer);

#endif
