/*
 * verdict.h - what all strata together amount to: counts, and how the log ends.
 */
#ifndef FLUME_VERDICT_H
#define FLUME_VERDICT_H

#include "examination.h"
#include "survey.h"

/* Add an examined row to the report; the newest may turn out to hold more than was known. */
void verdict_count(struct inspection *inspection, const struct survey_row *row,
                   const struct examination *examination);

/* A whole strata behind the log's end, which recovery would cut. */
int verdict_tell_cut(struct inspection *inspection, const struct survey_row *row);

/* The log is shorter than what was acknowledged. */
int verdict_tell_tail(struct inspection *inspection, const struct survey *survey);

#endif
