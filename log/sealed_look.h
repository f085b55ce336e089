/*
 * sealed_look.h - what is to be known of a sealed strata file before its blocks are walked.
 *
 * For check and repair: whatever of it holds is taken, the rest is left out.
 */
#ifndef FLUME_SEALED_LOOK_H
#define FLUME_SEALED_LOOK_H

#include "block_walk.h"
#include "sections.h"
#include "survey.h"

struct sealed_look {
    struct inspection *inspection;
    const struct survey_row *row;
    struct file_window window;
    bool has_header, has_footer;
    struct strata_header header;
    struct sealed_footer footer;
    uint64_t blocks_end; /* Blocks end here or before. */
    uint64_t total;      /* Records there should be. */
    bool total_is_known;
    bool lost_is_known;   /* The list of lost records, which may be empty. */
    bool lost_is_damaged; /* There was one. */
    struct lost_list lost;
    uint8_t *dictionary;
    size_t dictionary_bytes;
    uint8_t *entries; /* The block index as stored, if its check holds. */
    uint32_t entry_count;
};

/* To be ended also on error. FLUME_ERR_NOT_FOUND: there is no such file. */
int sealed_look_begin(struct inspection *inspection, const struct survey_row *row,
                      struct sealed_look *out_look);
void sealed_look_end(struct sealed_look *look);

/* The section, if the footer page holds and has it. */
const struct sealed_section *sealed_look_section(const struct sealed_look *look, uint32_t id);

/* Whether a section's bytes hold its check. */
int sealed_look_verify(struct sealed_look *look, const struct sealed_section *section,
                       bool *out_holds);

/* Whether all bytes from .. to - 1 are there and zero. */
int sealed_look_zeros(struct sealed_look *look, uint64_t from, uint64_t to, bool *out_are_zero);

#endif
