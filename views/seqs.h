/*
 * seqs.h - a list of seqs with a bound.
 */
#ifndef VIEWS_SEQS_H
#define VIEWS_SEQS_H

#include <stddef.h>
#include <stdint.h>

struct seqs {
    uint64_t *list;
    size_t count, capacity;
};

/* Starts as all zero; ended by seqs_deinit(), which leaves it so. */
void seqs_deinit(struct seqs *seqs);

/** @return FLUME_OK; FLUME_ERR_FULL: it has count_max already; FLUME_ERR_NO_MEMORY. */
int seqs_add(struct seqs *seqs, uint64_t seq, size_t count_max);

/** Sort, and leave one of equal ones. */
void seqs_settle(struct seqs *seqs);

#endif
