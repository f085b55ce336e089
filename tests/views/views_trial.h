/*
 * views_trial.h - a basin whose views are put through something, and judged afterwards.
 *
 * Two views of its own stand beside the built-in ones: "tally" collects (a merge, and rows that are
 * put and deleted), "chain" reads what it has put. What they must hold is computed from the log
 * alone, without anything of views/; besides, each view is derived afresh and compared row by row.
 *
 * What always holds:
 *   - Whoever starts a child has no handle open.
 *   - What a child may call says what is wrong in a message, and uses nothing of cmocka.
 *
 * FLUME_SEED sets the seed; each test prints it.
 */
#ifndef FLUME_VIEWS_TRIAL_H
#define FLUME_VIEWS_TRIAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "flume/find.h"
#include "flume/flume.h"

enum {
    TRIAL_PATH_BYTES = 1024,
    TRIAL_MESSAGE_BYTES = 1024,
    TRIAL_CLASSES = 32,
    TRIAL_VIEWS = 5,                       /* hash, label, catalog, tally, chain. */
    TRIAL_VIEWS_ON_DISK = TRIAL_VIEWS + 1, /* And blob, which is empty: a trial puts none. */
    TRIAL_DEFINITIONS_MAX = 4
};
#define TRIAL_MS UINT64_C(1000000)

enum trial_verdict {
    TRIAL_RIGHT = 0,
    TRIAL_REFUSED = 1, /* A view said that it cannot answer. */
    TRIAL_WRONG = 2
};

struct trial {
    char root[TRIAL_PATH_BYTES / 2];
    char path[TRIAL_PATH_BYTES]; /* root/b.flume. */
    uint64_t seed, chance;
    unsigned stops; /* How often the machine has stopped; each gives another boot id. */
    flume_io io;
    flume_options options;
    const flume_view_definition *definitions[TRIAL_DEFINITIONS_MAX];
    flume *flume; /* NULL: closed. */
};

extern const flume_view_definition trial_tally, trial_chain;
extern const char *const trial_views[TRIAL_VIEWS];

/* ---- chance, time, commands ---- */

uint64_t trial_chance(uint64_t *io_chance);
uint64_t trial_below(uint64_t *io_chance, uint64_t limit);
uint64_t trial_now_ns(void);
void trial_pause(uint64_t ns);
uint64_t trial_number(const char *variable, uint64_t otherwise);
void trial_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- the basin ---- */

/* In memory where that is possible; _on_disk: below $TMPDIR. *state is a struct trial. */
int trial_setup(void **state);
int trial_setup_on_disk(void **state);
int trial_teardown(void **state);
#define trial_test(function) cmocka_unit_test_setup_teardown(function, trial_setup, trial_teardown)

/* Open with the trial's options; close. They must succeed. */
void trial_open(struct trial *trial);
void trial_close(struct trial *trial);
/* The same where an error is the caller's to judge. */
int trial_try_open(struct trial *trial, flume **out_flume, flume_error *out_error);

/* From now on handles find another boot id. Nobody is attached. */
void trial_stop_machine(struct trial *trial);

/* Throw the basin away. */
void trial_forget(struct trial *trial);

/* Append so many records, some of them in batches, some with labels. */
int trial_append(flume *handle, uint64_t *io_chance, size_t count);
void trial_append_well(struct trial *trial, size_t count);

/* A basin with so many records, its views as of head, closed in order. */
void trial_make(struct trial *trial, size_t count);

/* ---- files ---- */

/* views/NAME/1/FILE of a view of the trial; valid until the next call. */
const char *trial_file(const struct trial *trial, const char *view, const char *file);
/* In the generation that answers: views/NAME/1/N/FILE. */
const char *trial_file_in(const struct trial *trial, const char *view, const char *file);
/* What CURRENT says; 0: nothing. */
uint64_t trial_current(const struct trial *trial, const char *view);
bool trial_exists(const char *path);
uint64_t trial_file_bytes(const char *path);
/* A whole file; freed by the caller. */
uint8_t *trial_read(const char *path, size_t *out_bytes);
void trial_write(const char *path, const void *data, size_t bytes);

/* ---- judging ---- */

/* Every view answers as of head, and as the log says. Why not is written to message. */
enum trial_verdict trial_judge(flume *handle, char message[TRIAL_MESSAGE_BYTES]);
/* The same for one view. */
enum trial_verdict trial_judge_view(flume *handle, const char *name,
                                    char message[TRIAL_MESSAGE_BYTES]);
/* Fails the test unless all is right. */
void trial_expect_right(struct trial *trial);
void trial_expect_view_right(struct trial *trial, const char *name);

flume_view *trial_view(flume *handle, const char *name);
flume_view_status trial_status(flume *handle, const char *name);
/* This view has been rebuilt (or not) by this handle, or since. */
void trial_expect_generation(struct trial *trial, const char *name, uint64_t generation);

/* ---- children ---- */

/* Fork; the child plays the role and exits with what it returns. */
pid_t trial_start(struct trial *trial, int (*play)(struct trial *trial, void *ctx), void *ctx);
void trial_kill(pid_t pid);
/* Wait for its end; exit code, or -signal. */
int trial_join(pid_t pid);

#endif
