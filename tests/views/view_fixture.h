/*
 * view_fixture.h - a basin with views in a directory of its own, and the verbs in which tests of
 * views/ speak.
 *
 * Stands on log_fixture.h: fx->base has the directory. A verb that is not about failure asserts
 * that what it does succeeds. Verbs are for the test's own thread: cmocka's assertions do not work
 * on others.
 *
 * What is asked is mostly a recorder: a view that writes down each record, and does with it what
 * the test has told it to.
 */
#ifndef FLUME_VIEW_FIXTURE_H
#define FLUME_VIEW_FIXTURE_H

#include "log_fixture.h"

#include <stdatomic.h>

enum { DEFINITIONS_MAX = 6, RECORDED_MAX = 200000, RECORDER_TABLES = 3 };

struct view_fixture {
    struct log_fixture *base;
    flume_options options; /* For open_views(): creates, no built-in views, workers. */
    const flume_view_definition *definitions[DEFINITIONS_MAX];
    flume *flume;      /* NULL: closed. */
    flume_error error; /* Of the last try_open_views(). */
};

/* cmocka's setup and teardown; *state is a struct view_fixture, closed. */
int views_setup(void **state);
int views_teardown(void **state);
#define views_test(function) cmocka_unit_test_setup_teardown(function, views_setup, views_teardown)

/* ---- open and close ---- */

void define_view(struct view_fixture *fx, const flume_view_definition *definition);
void forget_definitions(struct view_fixture *fx);
int try_open_views(struct view_fixture *fx);
void open_views(struct view_fixture *fx);
void close_views(struct view_fixture *fx);
void reopen_views(struct view_fixture *fx);
/* A further handle with the fixture's options, and its end. */
flume *open_another(struct view_fixture *fx);
void close_another(flume *handle);
flume_view *view_named(flume *handle, const char *name);
/* views/... of the basin; valid until the next call of fixture_path(). */
const char *views_path(struct view_fixture *fx, const char *below);

/* ---- ask ---- */

uint64_t append_to(flume *handle, const char *text);
flume_rows *read_view(flume_view *view);
/* As of whatever there is. */
flume_rows *read_stale(flume_view *view);
/* Get the value of a key as text, or NULL; valid until the next call. */
const char *row_text(flume_rows *rows, size_t table, const char *key);
void expect_row(flume_view *view, size_t table, const char *key, const char *value);
void expect_no_row(flume_view *view, size_t table, const char *key);
/* All rows of a table as "key=value" texts in order; NULL ends the list. */
void expect_rows(flume_rows *rows, size_t table, const char *const expected[]);
uint64_t rows_in(flume_rows *rows, size_t table);
uint64_t as_number(flume_bytes value);
flume_view_status status_now(flume_view *view);
void wait_for_state(flume_view *view, enum flume_view_state state);
void expect_view_error(flume *handle, int status, const char *word);
void expect_wait(flume_view *view, const flume_ask *ask, int status, const char *word);
/* Monotonic. */
uint64_t clock_ns(void);
void sleep_ns(uint64_t ns);

/* ---- the recorder ---- */

enum recorder_table {
    BY_SEQ = 0,   /* Big-endian seq -> body. */
    BY_COUNT = 1, /* "all" and "kind-N" -> how many. Collected, summed. */
    BY_LAST = 2   /* "last" -> the body, collected. */
};

struct recorder {
    flume_view_table tables[RECORDER_TABLES];
    flume_view_definition definition;

    _Atomic uint64_t applied; /* Calls of apply that were not refused. */
    _Atomic uint64_t opens, closes, resets;
    _Atomic uint64_t refuse_seq; /* apply answers refuse_with there. FLUME_SEQ_NONE: nowhere. */
    _Atomic int refuse_with;
    _Atomic uint64_t sleep_ns; /* For each record. */
    _Atomic uint64_t hold_seq; /* apply waits there while it is so. FLUME_SEQ_NONE: nowhere. */
    _Atomic bool holds;        /* It waits. */
    /* Called for each record, on whichever thread applies. */
    void (*also)(struct recorder *recorder, const flume_record *record);
    void *also_ctx;

    pthread_mutex_t mutex;
    size_t count; /* Guarded by mutex, as seqs. */
    uint64_t seqs[RECORDED_MAX];
};

struct recorder *recorder_create(const char *name, uint32_t version);
void recorder_destroy(struct recorder *recorder);
/* The seqs that apply got are first .. first + count - 1, each once and in order. */
void expect_recorded(struct recorder *recorder, uint64_t first, size_t count);
/* They are all of the log but manifests (each strata begins with some), each once and in order. */
void expect_recorded_all(struct recorder *recorder, flume *handle);
void forget_recorded(struct recorder *recorder);
size_t recorded_count(struct recorder *recorder);
/* How many the view itself has counted. */
uint64_t counted(flume_view *view);
/* The view holds exactly the messages of the log. */
void expect_complete(flume_view *view);

/* ---- threads ---- */

struct asking_thread {
    pthread_t thread;
    flume_view *view;
    flume_ask ask;
    bool has_ask;
    int status;
    uint64_t took_ns;
    flume_error error; /* Not of one that was cancelled: its handle may be gone. */
};

/* flume_view_wait() on a thread of its own. */
void start_asking(struct asking_thread *asking, flume_view *view, const flume_ask *ask);
int join_asking(struct asking_thread *asking);

/* ---- another process ---- */

/* What it is told to do, one at a time; it answers with a number. */
enum other_order {
    OTHER_APPEND = 'a',     /* The seq. */
    OTHER_COUNT = 'c',      /* What the first definition's view has counted, as of head. */
    OTHER_GENERATION = 'g', /* Which answers. */
    OTHER_REBUILD = 'r',    /* The status. */
    OTHER_REQUEST = 'q',    /* The status of asking for a rebuild by name. */
    OTHER_PAUSE = 'p',
    OTHER_RESUME = 's',
    OTHER_WAIT = 'w', /* The status. */
    OTHER_LEAVE = 'x'
};

struct other_process {
    pid_t pid;
    int orders, answers;
};

/* It opens the basin with the fixture's options (views: enum flume_open_views), and obeys. To be
 * started while the test has no handle open. */
void start_other(struct view_fixture *fx, struct other_process *other, unsigned views);
int64_t tell_other(struct other_process *other, enum other_order order);
void end_other(struct other_process *other);

#endif
