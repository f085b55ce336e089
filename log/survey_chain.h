/*
 * survey_chain.h - what the headers say of each other. Part of the survey.
 */
#ifndef FLUME_SURVEY_CHAIN_H
#define FLUME_SURVEY_CHAIN_H

#include "survey.h"

/* Make the rows a whole: strays leave, gaps become rows, every row gets its end. */
int survey_chain(struct inspection *inspection, struct survey *survey);

/* Copy into the survey's arrays. */
int survey_add_row(struct inspection *inspection, struct survey *survey,
                   const struct survey_row *row);
int survey_add_stray(struct inspection *inspection, struct survey *survey,
                     const struct survey_row *row, const char *why);

#endif
