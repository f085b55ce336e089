/*
 * process_fixture.h - tests with real processes: starting, hearing and killing them, and judging
 * what they left in the log.
 *
 * What always holds:
 *   - Whoever starts a process has no handle open: a forked handle would keep its locks alive.
 *   - A writer reports on its pipe what was acknowledged, after the append has returned.
 *   - A body says who wrote it, as which of its records, and what follows; so every record that is
 *     found can be judged, acknowledged or not.
 *   - In the child nothing of cmocka is used: a role that fails says so on stderr and exits.
 *
 * FLUME_SEED sets the seed; a failing test prints it.
 */
#ifndef FLUME_PROCESS_FIXTURE_H
#define FLUME_PROCESS_FIXTURE_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "flume/flume.h"

enum {
    STAMP_BYTES = 32,
    FILLER_BYTES_MAX = 64 << 10,
    BATCH_RECORDS_MAX = 128,
    WRITERS_MAX = 512,
    ROLE_FAILED = 70 /* Exit code of a role whose own expectation did not hold. */
};
#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

/* --- Chance ------------------------------------------------------------------------------------*/

uint64_t chance_next(uint64_t *io_state);
uint64_t chance_below(uint64_t *io_state, uint64_t limit);

/* A number from the environment, or the default. */
uint64_t number_from(const char *variable, uint64_t otherwise);

uint64_t process_now_ns(void);
void pause_ns(uint64_t ns);

/* --- The test's directory ----------------------------------------------------------------------*/

struct fixture {
    char root[PATH_MAX / 4];
    char basin[PATH_MAX / 2]; /* root/b.flume */
    uint64_t seed, chance;
};

/* Below $TMPDIR or the current directory. */
int setup(void **state);
/* In memory where that is possible: what no disk is needed for is quicker there. */
int setup_in_memory(void **state);
/* Where other users get to as well. */
int setup_for_all(void **state);
int teardown(void **state);

/* Throw the basin away: the next one starts empty. */
void forget_basin(struct fixture *fx);

/* Run a shell command; it must succeed. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Open, expecting FLUME_OK. flags: enum flume_open_flags. */
flume_log *process_open_log(struct fixture *fx, unsigned flags);
flume_log *open_with(const char *path, const flume_log_options *options);
void process_close_log(flume_log *log);

/* The status of an attempt to open, the detail in *out_error. */
int process_try_open(const char *path, const flume_log_options *options, flume_error *out_error);

/* Fails the test with the handle's own words. */
void expect_ok(flume_log *log, int status);

/* --- Processes ---------------------------------------------------------------------------------*/

struct report {
    uint64_t seq;
    uint64_t number;
};

/* In the child. */
struct role {
    const char *basin;
    uint64_t writer; /* Its number among all of the test. */
    uint64_t chance;
    uint64_t next_number; /* Of its next record. */
    const void *ctx;
    int reports, orders;
};
typedef void (*role_play)(struct role *role);

/* In the parent. */
struct process {
    pid_t pid;
    int reports, orders;
    uint64_t writer;
    uint64_t *seqs; /* By number: what it has said was acknowledged. */
    size_t seq_count, seq_room;
    bool running;
};

/* Let a child play the role. Zero the process first; writer numbers are below WRITERS_MAX. */
void process_start(struct fixture *fx, struct process *process, uint64_t writer, role_play play,
                   const void *ctx);

/* Let it go on from role_await(). */
void process_order(struct process *process);

/* Read reports until so many numbers are acknowledged. false: it died before. */
bool process_hear(struct process *process, size_t seq_count);

/* Wait for one report more; returns its seq. Fails the test if there is none. */
uint64_t process_hear_word(struct process *process);

/* Read what comes in for so long. */
void processes_overhear(struct process *processes, size_t count, uint64_t ns);

/* Hear them all until each that runs has reported `more` further seqs. */
void processes_hear_each(struct process *processes, size_t count, size_t more);

void process_signal(struct process *process, int signal);
void process_await_stop(struct process *process);

/* SIGKILL, reap, and read what it had still reported. */
void process_kill(struct process *process);

/* Whether it is no more, though nobody has joined it. */
bool process_has_ended(const struct process *process);

/* Wait until it ends; the status as waitpid() gives it. */
int process_join(struct process *process);

/* It must end by itself with exit code 0. */
void process_join_well(struct process *process);

void process_free(struct process *process);

/* In the child. */
void role_await(struct role *role);
void role_report(struct role *role, uint64_t seq, uint64_t number);
void role_require(bool condition, const char *format, ...) __attribute__((format(printf, 2, 3)));
flume_log *role_open(struct role *role, const flume_log_options *options);
int role_try_append(struct role *role, flume_log *log, size_t count, size_t filler_bytes_max);
void role_append(struct role *role, flume_log *log, size_t count, size_t filler_bytes_max);

/* --- Records -----------------------------------------------------------------------------------*/

struct stamp {
    uint64_t writer;
    uint64_t number;       /* Among its writer's, from 0. */
    uint32_t index, count; /* In its batch; 0 of 1 if alone. */
    uint32_t filler_bytes;
    uint32_t reserved;
};

/* Make a body of STAMP_BYTES + filler_bytes. */
void body_make(const struct stamp *stamp, uint8_t *target);

/* false: these bytes are not what body_make() made. */
bool body_read(const void *body, size_t body_bytes, struct stamp *out_stamp);

/* What a whole log is held against. */
struct expectation {
    const struct process *processes; /* May be NULL. */
    size_t process_count;
    bool is_prefix;               /* A copy: what was acknowledged later need not be there. */
    uint64_t counts[WRITERS_MAX]; /* Out: records found of each writer. */
    uint64_t records;             /* Out. */
};

/* Every record of the log reads; bodies are whole, batches too; each writer's records are there in
 * its order; what was acknowledged stands at its seq; of a dead writer at most one call more. */
void expect_history(flume_log *log, struct expectation *expectation);

/* The same through a fresh read-only handle, then flume_check(). */
void expect_sound(struct fixture *fx, const struct process *processes, size_t process_count);

/* flume_check() finds nothing but perhaps a torn tail. */
void expect_checked(const char *path);

#endif
