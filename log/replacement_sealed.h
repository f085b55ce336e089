/*
 * replacement_sealed.h - a sealed strata written anew under a temporary name.
 */
#ifndef FLUME_REPLACEMENT_SEALED_H
#define FLUME_REPLACEMENT_SEALED_H

#include "examination.h"
#include "sealed_file.h"

/* What is known of the chain up to the strata before. */
struct chain_before {
    bool is_known;
    uint8_t hash[SEALED_HASH_BYTES];
};

/*
 * Write, sync and verify the replacement of a sealed row.
 *
 * @param header  As the header page should be, for where it is not sound: salt and ids included.
 * @param before  What the strata before it ends its chain with.
 * @param wanted  A seq in the row, or FLUME_SEQ_NONE.
 * @param out_check   Receives the check of the grain `wanted`, if it is in the row.
 * @param out_footer  Receives the footer page of what was written.
 */
int replacement_write_sealed(struct inspection *inspection, const struct survey_row *row,
                             const struct examination *examination,
                             const struct strata_header *header, const struct chain_before *before,
                             uint64_t wanted, uint64_t *out_check,
                             struct sealed_footer *out_footer);

#endif
