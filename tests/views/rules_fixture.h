/*
 * rules_fixture.h - a recorder on a basin, and the verbs in which tests of its rules speak.
 */
#ifndef FLUME_RULES_FIXTURE_H
#define FLUME_RULES_FIXTURE_H

#include "view_fixture.h"

struct rules_fixture {
    struct view_fixture *views;
    flume_recorder *recorder;
    flume_scope *scope;
    void *own; /* The test's. */
};

int rules_setup(void **state);
/* The same with flags of flume_options.views, for a setup of the test's own. */
int rules_setup_views(void **state, unsigned views);
int rules_teardown(void **state);
#define rules_test(function) cmocka_unit_test_setup_teardown(function, rules_setup, rules_teardown)

/* Another recorder instead. */
void reopen_recorder(struct rules_fixture *fx, const flume_recorder_options *options);
/* "a=1 b=2 @store @x": whole numbers by letter, and labels; without one, "test". */
void describe(flume_scope *scope, const char *text);
/* Commit a scope like that; it succeeds. */
flume_verdict commit(struct rules_fixture *fx, const char *text);
flume_verdict commit_as_it_is(struct rules_fixture *fx, flume_scope *scope);
/* The scope is refused with this status and a message that has the word, and nothing is
 * appended. */
void expect_refused(struct rules_fixture *fx, int status, const char *word);
void expect_new(struct rules_fixture *fx, const char *text);
/* A duplicate of the scope at seq. */
void expect_dup(struct rules_fixture *fx, const char *text, uint64_t seq);
/* What the record at seq has under a key; FLUME_CLASS_IGNORE: it is not there. */
enum flume_variable_class class_at(struct rules_fixture *fx, uint64_t seq, const char *key);
/* The last record of what a recorder was told; FLUME_SEQ_NONE: there is none. */
uint64_t newest_schema(struct rules_fixture *fx);

#endif
