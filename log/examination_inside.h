/*
 * examination_inside.h - what the halves of the examination of a sealed strata share.
 */
#ifndef FLUME_EXAMINATION_INSIDE_H
#define FLUME_EXAMINATION_INSIDE_H

#include "examination_sealed.h"
#include "sealed_look.h"

/* A block, or what lies in the place of one. */
struct stretch {
    uint64_t from_ordinal, to_ordinal;
    uint64_t offset, bytes;
    uint64_t number; /* Of the block. */
};

struct sealed_subject {
    struct subject *subject;
    struct sealed_look look;
    struct block_walk walk;
    struct sections sections;
    struct ledger_maker maker;
    struct stretch *stretches;
    size_t stretch_count, stretch_room;
    uint64_t block_number; /* Of the next one. */
    uint64_t raw_expected; /* Where the next block's records should begin. */
    size_t lost_at;        /* For lost_has(). */
    bool last_is_lost; /* The last record is not what it was: behind it the raw form may jump. */
};

/* Tell that something in the file is not as it should be, though no record is missing by that. */
int sealed_tell_part(struct sealed_subject *sealed, uint64_t offset, uint64_t bytes,
                     const char *what);

/* Everything behind the blocks, once they have been walked. */
int sealed_look_at_rest(struct sealed_subject *sealed);

/* The footer page by itself, and what it says of the chain, if it is there. */
int sealed_look_at_footer(struct sealed_subject *sealed);
int sealed_look_at_chain(struct sealed_subject *sealed);

#endif
