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

void examination_release(struct inspection *inspection, struct examination *examination);

#endif
