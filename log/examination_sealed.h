/*
 * examination_sealed.h - one sealed strata, looked at as a whole. Part of the examination.
 */
#ifndef FLUME_EXAMINATION_SEALED_H
#define FLUME_EXAMINATION_SEALED_H

#include "examination.h"

/* A row under examination. */
struct subject {
    struct inspection *inspection;
    const struct survey_row *row;
    struct examination *examination;
    struct survey_file file;
};

/* All records of the row, and these bytes of its file. */
struct finding_place subject_place(const struct subject *subject, uint64_t offset, uint64_t bytes);

/* Tell what is wrong with the file: `why` goes on after its name. needs: enum examination_needs. */
int subject_wrong(struct subject *subject, unsigned needs, uint64_t offset, uint64_t bytes,
                  const char *why);

/* Tell what header, name and length of the file show. */
int subject_file(struct subject *subject);

/* What the ledger amounts to. */
void subject_note(struct subject *subject);

/* Read the whole file and tell what is found. FLUME_ERR_NOT_FOUND: there is none. */
int examine_sealed(struct subject *subject);

/* Tell only what its two pages show. */
int examine_sealed_pages(struct subject *subject);

#endif
