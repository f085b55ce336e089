/*
 * examination.h - one strata and its slots and footer, looked at as a whole.
 */
#ifndef FLUME_EXAMINATION_H
#define FLUME_EXAMINATION_H

#include "image.h"
#include "ledger.h"
#include "survey.h"

/* What it would take to make a strata whole. */
enum examination_needs {
    NEEDS_REPLACEMENT = 1, /* Its file is to be written anew. */
    NEEDS_NAME = 2,        /* Its file lies under another name. */
    NEEDS_SLOTS = 4,
    NEEDS_FOOTER = 8
};

struct examination {
    struct image image;
    struct ledger ledger;
    /* Of a sealed strata, which is not kept in memory: checks of the grains before the gate's seq,
     * and before inspection.noted_seq; 0: they are not in it, or do not read. */
    uint64_t gate_check, noted_check;
    unsigned needs;    /* enum examination_needs. */
    unsigned findings; /* How many there are to tell, of whatever weight. */
};

/*
 * Examine a row and, unless the inspection's voice is quiet, tell what is found.
 *
 * @param out_examination  To be released, also on error.
 */
int examine(struct inspection *inspection, const struct survey_row *row,
            struct examination *out_examination);

/* Tell only what header, name and size of the file show. Nothing is to be released. */
int examine_outline(struct inspection *inspection, const struct survey_row *row,
                    struct examination *out_examination);

/* The check of the grain before a seq; 0: it is not in this row, or does not read. sealed_check:
 * what the examination of a sealed row has noted for that seq. */
uint64_t examination_check(const struct examination *examination, const struct survey_row *row,
                           uint64_t seq, uint64_t sealed_check);

void examination_release(struct inspection *inspection, struct examination *examination);

#endif
