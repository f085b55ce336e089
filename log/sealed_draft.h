/*
 * sealed_draft.h - a replacement of a sealed strata under construction. Part of replacement_sealed.
 */
#ifndef FLUME_SEALED_DRAFT_H
#define FLUME_SEALED_DRAFT_H

#include "replacement_sealed.h"
#include "seal_file.h"
#include "sealed_look.h"

struct sealed_draft {
    struct inspection *inspection;
    const struct survey_row *row;
    const struct ledger *ledger;
    const struct chain_before *before;
    struct sealed_look look; /* Of what is replaced. Its window is not open where nothing is. */
    struct block_walk walk;
    struct sections sections;
    struct seal_output output;
    struct path path;
    int file; /* -1: not open. */
    struct strata_header header;
    struct sealed_footer footer;
    struct seal_plan parity; /* With as much parity in the file as was in what is replaced. */
    uint64_t total;
    uint64_t wanted, wanted_check;
    uint64_t last_time_ns;
    size_t lost_at; /* For lost_has(). */
    bool last_is_lost;

    /* Grains side by side that become a block of their own. */
    uint8_t *run;
    size_t run_used, run_room;
    uint64_t run_raw_offset;
    uint32_t run_first_ordinal, run_count;
};

/* All records: blocks that read as they are, stand-ins for the rest. */
int sealed_draft_blocks(struct sealed_draft *draft);

/* The sections behind them, and what the footer page says of the tree and the chain. */
int sealed_draft_sections(struct sealed_draft *draft);

/* Find out with how much parity the strata was sealed. */
int sealed_draft_find_parity(struct sealed_draft *draft);

/* Fill in what only a damaged page may still tell: header.created_ns; footer.sealed_ns and
 * block_bytes. */
int sealed_draft_guess_header(struct sealed_draft *draft);
int sealed_draft_guess_footer(struct sealed_draft *draft);

#endif
