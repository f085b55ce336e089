/*
 * log_fixture.h - a basin in a directory of its own, and the verbs in which tests of log/ speak.
 *
 * Each test gets a fresh directory below $TMPDIR (or the current directory) and loses it at the
 * end. A verb that is not about failure asserts that what it does succeeds. Verbs are for the
 * test's own thread: cmocka's assertions do not work on others.
 *
 * A writer's manifest is a record: in a fresh log it is seq 0, and the first text is seq 1.
 */
#ifndef FLUME_LOG_FIXTURE_H
#define FLUME_LOG_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flume/flume.h"

enum { LOG_FIXTURE_PATH_BYTES = 1024 };
#define SECOND_NS UINT64_C(1000000000)
#define PATIENCE_NS (20 * SECOND_NS) /* How long a test waits before it has failed. */

struct log_fixture {
    char root[LOG_FIXTURE_PATH_BYTES / 2]; /* The test's directory. */
    char path[LOG_FIXTURE_PATH_BYTES];     /* root/basin.flume. */
    char text[2 * LOG_FIXTURE_PATH_BYTES]; /* What fixture_path() gave last. */
    flume_log_options options;             /* For open_log(). Starts as FLUME_OPEN_CREATE. */
    flume_log *log;                        /* NULL: closed. */
    flume_error error;                     /* Of the last try_open(). */
};

/* cmocka's setup and teardown; *state is a struct log_fixture. setup opens the log. */
int log_setup(void **state);
int log_setup_closed(void **state);
int log_teardown(void **state);

/* A row of a cmocka table whose test has a fixture. */
#define log_test(function) cmocka_unit_test_setup_teardown(function, log_setup, log_teardown)
#define closed_log_test(function) \
    cmocka_unit_test_setup_teardown(function, log_setup_closed, log_teardown)

/* root/name; valid until the next call. */
const char *fixture_path(struct log_fixture *fx, const char *name);

/* --- Open and close --- */

void open_log(struct log_fixture *fx);
void close_log(struct log_fixture *fx);
void reopen_log(struct log_fixture *fx);
/* Open under forgetful, so that nothing is synced unless asked for: what is made durable with a new
 * strata is behind it. Seq 1 is there and durable, 100 bytes of seed 1; the next record is seq
 * 3. */
void open_forgetful(struct log_fixture *fx);
/* A further handle of the same basin with these flags. */
flume_log *open_other(struct log_fixture *fx, unsigned flags);
/* What opening with the fixture's options answers; opens nothing for good. */
int try_open(struct log_fixture *fx);
void expect_open_fails(struct log_fixture *fx, int status, const char *word);
void close_handle(flume_log *log);

/* --- Append --- */

uint64_t append_text(flume_log *log, const char *text);
/* count records "0", "1", ... by a batch; the first one's seq. */
uint64_t append_numbered(flume_log *log, size_t count);
uint64_t append_bytes(flume_log *log, size_t bytes, unsigned seed);
uint64_t append_labelled(flume_log *log, const char *text, const char *label);
/* Fill a body that depends on its size and seed only. */
void fill_bytes(uint8_t *target, size_t bytes, unsigned seed);

/* --- Read --- */

void expect_text(flume_log *log, uint64_t seq, const char *text);
void expect_bytes(flume_log *log, uint64_t seq, size_t bytes, unsigned seed);
void expect_get(flume_log *log, uint64_t seq, int status);
bool record_is(const flume_record *record, const char *text);
/* What a cursor of these options gives, without waiting, to its end; NULL ends the list. */
void expect_records(flume_log *log, const flume_cursor_options *options, const char *const texts[]);
#define texts(...) ((const char *const[]){__VA_ARGS__, NULL})
#define no_texts ((const char *const[]){NULL})
flume_cursor *open_cursor(flume_log *log, const flume_cursor_options *options);
/* The next record's text; what cursor_next() answers if it is not FLUME_OK. */
void expect_next(flume_cursor *cursor, const char *text);
void expect_no_next(flume_cursor *cursor, int status);
/* Every record's seq and check, in order, folded into one number. */
uint64_t fingerprint(flume_log *log);

/* Wait until a record is durable without asking for it: for profiles that sync by themselves. */
void wait_until_durable(flume_log *log, uint64_t seq);

/* --- Subscriptions --- */

enum { COLLECTED_MAX = 100000 };

/* What a subscription delivered. Callbacks write under the mutex; tests wait for it to move. */
struct collector {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    size_t count;
    uint64_t seqs[COLLECTED_MAX];
    bool rises;       /* Each seq was larger than the one before. */
    size_t stop_at;   /* Return non-zero with this record; 0: never. */
    unsigned endings; /* Calls of on_end. */
    int end_status;
    flume_error end_error;
    int (*also)(struct collector *collector, const flume_record *record); /* Outside the mutex. */
    void *also_ctx;
};

struct collector *collector_create(void);
void collector_destroy(struct collector *collector);
int collect(void *ctx, const flume_record *record);                /* A flume_on_record. */
void collect_end(void *ctx, int status, const flume_error *error); /* A flume_on_end. */
flume_subscription *subscribe(flume_log *log, const flume_subscribe_options *options,
                              struct collector *collector);
void wait_for_count(struct collector *collector, size_t count);
void wait_for_end(struct collector *collector, int status);
size_t count_now(struct collector *collector);

/* --- Detail of the last error --- */

void expect_error(flume_log *log, int status, const char *word);
flume_log_stat_info stat_of(flume_log *log);

/* --- Files --- */

/* Bytes of a file below the basin's directory, in place. */
void read_file(const char *path, uint64_t offset, void *target, size_t bytes);
void write_file(const char *path, uint64_t offset, const void *source, size_t bytes);
void zero_file(const char *path, uint64_t offset, size_t bytes);
uint64_t file_bytes(const char *path);
bool file_exists(const char *path);
unsigned count_files(const char *directory, const char *ending);
void run_command(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* cp -r of a basin that may be in use. */
void copy_in_use(const char *basin, const char *copy);
/* Copy the basin to root/name as a power cut may leave it: all written, HEAD and locks gone. */
const char *copy_after_power_cut(struct log_fixture *fx, const char *name);
/* log/SEQ20.strata of a basin; valid until the next call of fixture_path(). */
const char *strata_path(struct log_fixture *fx, const char *basin, uint64_t first_seq);

#endif
