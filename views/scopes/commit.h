/*
 * commit.h - a scope on its way to a verdict, for who commits it (commit.c) and for who only looks
 * whether it is there (seen.c).
 */
#ifndef VIEWS_SCOPES_COMMIT_H
#define VIEWS_SCOPES_COMMIT_H

#include "recorder_inside.h"

/* A commit on its way. */
struct commit {
    flume_recorder *recorder;
    flume_scope *scope;     /* As given. */
    flume_scope *effective; /* With what it inherits, as the rules make it. */
    const struct scope_pairs *pairs;
    struct succession *succession;
    struct containment_answer answer;
    struct scope_stamp stamp;
    flume_verdict verdict;
};

/** Begin with a scope as it was given: what it inherits, what the rules make of it, its pairs.
 * @return FLUME_OK, or why it can be neither committed nor asked for, told. */
int commit_begin(struct commit *commit, flume_recorder *recorder, flume_scope *scope,
                 enum rules_purpose purpose);

/** Tell what is wrong with a scope. @return status. */
int commit_refuse(flume_recorder *recorder, const flume_scope *scope, int status);

/** What there is now: all scopes up to the newest one, which is told for the conditional append. */
int commit_ask(struct commit *commit, uint64_t *out_last);

/** Whether it is the same as an earlier one, as far as that is to be known without looking it up.
 * That holds whatever others append. */
bool commit_find_next(struct commit *commit, uint64_t *out_seq);

#endif
