/*
 * bench.h - one run of the benchmarks: what all groups are told, and what they share.
 *
 * A group is a file of bench/log/, bench/views/, bench/store/ or bench/scopes/; it makes its rows
 * known, runs its rounds and adds its samples.
 * Groups run one after the other, rounds within a group are interleaved: in each round every engine
 * has its turn, so a change of the machine's mood meets them all.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

#include "engine.h"
#include "report.h"

struct bench {
    struct report *report;
    const char *dir_path; /* Where groups may make directories. */
    uint64_t seed;
    uint64_t records;      /* Of appends and reads; 1,000,000. */
    uint64_t open_records; /* In the log that is opened; 10,000,000. */
    unsigned rounds;       /* Quick engines take part in each, slow ones in every other. */
    uint64_t slice_ns;     /* Of one durable or paced measurement. */
    uint64_t idle_ns;      /* How long idleness is watched. */
    uint64_t settle_ns;    /* Before that: longer than casual takes to make all durable. */
    unsigned opens;        /* Of a log after each way its writer can end. */
    unsigned directory_count;
};

/* Groups: 0, or -1 after bench_fail(). What failed is noted in its row and the rest goes on. */
int bench_append(struct bench *bench);
int bench_read(struct bench *bench);
int bench_durable(struct bench *bench);
int bench_latency(struct bench *bench);
int bench_live(struct bench *bench);
int bench_open(struct bench *bench);
int bench_sort(struct bench *bench);
int bench_rebuild(struct bench *bench);
int bench_catch_up(struct bench *bench);
int bench_query(struct bench *bench);
int bench_views_on(struct bench *bench);
int bench_seal(struct bench *bench);
int bench_sealed(struct bench *bench);
int bench_blob(struct bench *bench);
int bench_scopes(struct bench *bench);

/** A new, empty directory inside dir_path; malloc'd, NULL after bench_fail(). */
char *bench_directory(struct bench *bench);

/** Remove a directory of bench_directory() with all in it, and free its name. NULL is harmless. */
void bench_directory_remove(char *path);

/** Note in a row that an engine is not there. */
void bench_note_missing(struct bench *bench, const char *row, const struct engine_type *type);

#endif
