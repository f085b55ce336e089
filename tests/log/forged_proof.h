/*
 * forged_proof.h - proofs of records that no log ever had: a few sealed strata, by their rules.
 *
 * Made without a basin, for tests of what verifies and reads proofs. Sizes, metas and bodies follow
 * from the seq alone.
 */
#ifndef FLUME_FORGED_PROOF_H
#define FLUME_FORGED_PROOF_H

#include "flume/proof.h"
#include "merkle.h"

enum { FORGED_STRATA = 4, FORGED_RECORDS = 1000, FORGED_META_MAX = 16, FORGED_BODY_MAX = 64 };

/* Strata of 300, 1, 256 and 443 records. */
struct forged_log {
    struct merkle_hash leaves[FORGED_RECORDS];
    flume_root_link links[FORGED_STRATA];
    struct merkle_hash chains[FORGED_STRATA];
};

struct forged_log *forged_log_create(void);
void forged_log_destroy(struct forged_log *forged);

/* The strata that holds a seq. */
size_t forged_strata_of(const struct forged_log *forged, uint64_t seq);

/* A record's body and its bytes; 0 for each fifth. */
size_t forged_body(uint64_t seq, uint8_t body[FORGED_BODY_MAX]);

/* What a log would answer. Released as a proof that a log made. */
void forged_prove(const struct forged_log *forged, uint64_t seq, flume_proof *out_proof);
void forged_consistency(const struct forged_log *forged, size_t from_strata,
                        flume_consistency *out_consistency);

#endif
