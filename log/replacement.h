/*
 * replacement.h - a strata written anew under a temporary name: what reads, at its ordinal, and
 * stand-ins for the rest.
 */
#ifndef FLUME_REPLACEMENT_H
#define FLUME_REPLACEMENT_H

#include "examination.h"
#include "strata_file.h"

/* More stand-ins than this in one file are a mistake rather than a strata. */
enum { REPLACEMENT_RECORDS_MAX = 1 << 26 };

/* Names that no log has: recovery removes them. */
void replacement_names(uint64_t first_seq, char strata[SURVEY_NAME_BYTES],
                       char slots[SURVEY_NAME_BYTES]);

/*
 * Write and sync both files of a replacement.
 *
 * @param header  Complete but for salt and file bytes, which are chosen here.
 * @param wanted  A seq in the row, or FLUME_SEQ_NONE.
 * @param out_check  Receives the check of the grain `wanted`.
 */
int replacement_write(struct inspection *inspection, const struct survey_row *row,
                      const struct examination *examination, struct strata_header *header,
                      uint64_t wanted, uint64_t *out_check);

/* Write and sync only the slots of a row that is whole. */
int replacement_write_slots(struct inspection *inspection, const struct survey_row *row,
                            const struct examination *examination);

/* Write and sync the footer of a row that is whole, in place. */
int replacement_write_footer(struct inspection *inspection, const struct survey_row *row,
                             const struct examination *examination);

/* Remove what replacement_write() made. */
void replacement_drop(struct inspection *inspection, uint64_t first_seq);

#endif
