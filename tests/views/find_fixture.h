/*
 * find_fixture.h - a basin with its views in a directory of its own, and the verbs in which tests
 * of the built-in views speak.
 *
 * A writer's manifest is a record: in a fresh log it is seq 0, and the first text is seq 1.
 */
#ifndef FLUME_FIND_FIXTURE_H
#define FLUME_FIND_FIXTURE_H

#include "log_fixture.h"

struct find_fixture {
    struct log_fixture *files; /* The directory; its log stays closed. */
    flume *handle;
    flume_log *log; /* Of handle. */
};

/* cmocka's setup and teardown; *state is a struct find_fixture, opened with workers. */
int find_setup(void **state);
int find_teardown(void **state);
#define find_test(function) cmocka_unit_test_setup_teardown(function, find_setup, find_teardown)

void find_reopen(struct find_fixture *fx);
/* A further handle of the same basin. */
flume *open_flume(struct find_fixture *fx, unsigned views);
void close_flume(flume *handle);
/* Build a view again from the log, on a handle of its own, and compare it row by row. */
void rebuild_view(struct find_fixture *fx, const char *name);
void verify_view(struct find_fixture *fx, const char *name);

/* A record with a label, or with two (NULL: none). */
uint64_t append_json(flume_log *log, const char *json);
uint64_t append_json_with(flume_log *log, const char *json, const char *label, const char *other);
uint64_t append_kind(flume_log *log, unsigned kind, const char *body);

/* The detail of the last error on a handle says a word. */
void expect_detail(flume *handle, int status, const char *word);

/* Declare a field of a name, path and type; a reduction of a path. */
uint64_t declare_field(flume *handle, const char *name, const char *path,
                       enum flume_field_type type);
uint64_t declare_reduce(flume *handle, const char *name, enum flume_reduce_what what,
                        const char *path);

/* A generator of its own, so that a seed means the same everywhere. */
uint64_t random_next(uint64_t *io_state);
unsigned random_below(uint64_t *io_state, unsigned bound);
/* From FLUME_TEST_SEED, or a new one; printed, so that a failing run can be repeated. */
uint64_t random_seed(void);

#endif
