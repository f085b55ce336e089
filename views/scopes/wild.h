/*
 * wild.h - containment among scopes whose shapes are too many to be tracked.
 *
 * Exact, but at a price that grows with how common the pairs are. A superset of X has the rarest
 * pair of X: it stands among the postings of that token. A subset of X stands in the watch list of
 * one of X's tokens. What a list gives is sieved by number of pairs and signature, then compared.
 *
 * What always holds:
 *   - Every wild scope stands in the postings of each of its tokens, and in one watch list.
 *   - So does, in the postings, every scope of a shape that has the flag SHAPE_LISTED.
 */
#ifndef VIEWS_SCOPES_WILD_H
#define VIEWS_SCOPES_WILD_H

#include "containment.h"

/** Put the scope whose tokens these are into its postings. */
int wild_post(struct containment *containment, const struct scope_tokens *tokens, uint64_t seq);

/** Put it into a watch list, before its postings. */
int wild_watch(struct containment *containment, const struct scope_tokens *tokens, uint64_t seq);

/** The oldest scope among the postings that strictly contains the one in hand, if it is older than
 * *io_seq. */
int wild_superset(struct containment *containment, const struct scope_pairs *pairs,
                  uint64_t *io_seq);

/* A scope that lies within the one in hand; seq FLUME_SEQ_NONE: there is none yet. */
struct wild_subset {
    uint64_t seq;
    size_t count; /* Of its pairs. */
};

/** Whether a scope of so many pairs at seq would be a better answer. */
bool wild_subset_is_better(const struct wild_subset *subset, size_t count, uint64_t seq);

/** The largest wild scope strictly within the one in hand, of equal ones the newest, if it is
 * better than *io_subset. */
int wild_subset(struct containment *containment, const struct scope_pairs *pairs,
                struct wild_subset *io_subset);

/* ---- comparing with stored scopes (containment.c) ---- */

enum containment_relation { RELATION_WITHIN, RELATION_CONTAINS };

/** Whether the pairs lie strictly within those stored at seq, or strictly contain them. One that
 * cannot be read any more is in no relation. */
int containment_verify(struct containment *containment, const struct scope_pairs *pairs,
                       uint64_t seq, enum containment_relation relation, bool *out_holds);

/* ---- wild_tell.c ---- */

/** A scope has brought a wild shape: warn through the handle's log callback, once in its life,
 * naming the key that seems to be the cause. The scope is the one in hand. */
void wild_tell(flume *handle, const struct containment *containment,
               const struct scope_pairs *pairs);

#endif
