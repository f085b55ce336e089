/*
 * fault_world.h - a basin taken apart into its files, and worlds that begin with a copy of it: for
 * tests that damage a basin, fail something while something is done with it, and do it again.
 *
 * What always holds:
 *   - A world has its own disk in memory, io table that fails on demand and counted memory. Only
 *     what is given `fault.table` and `memory.table` can fail.
 *   - The first complaint about a world is kept, later ones are not.
 *   - What cannot be done to a world in health fails the test at once.
 */
#ifndef FLUME_FAULT_WORLD_H
#define FLUME_FAULT_WORLD_H

#include "faultio.h"
#include "flume/flume.h"

#define WORLD_BASIN "b.flume" /* The basin's path in every world. */

enum { MODEL_FILES_MAX = 32, MODEL_NAME_BYTES = 64, WORLD_COMPLAINT_BYTES = 512 };

struct model_file {
    char name[MODEL_NAME_BYTES]; /* Below the basin. */
    uint8_t *data;
    size_t bytes;
};

/* Begins as zeros. */
struct model {
    struct model_file files[MODEL_FILES_MAX];
    size_t count;
    uint64_t strata[MODEL_FILES_MAX]; /* First seqs of those in log/, which rise. */
    size_t strata_count;
};

/** Copy a file of WORLD_BASIN; all that lies in its log/ but what is not finished. */
void model_take_file(struct model *model, const flume_io *io, const char *name);
void model_take_log(struct model *model, const flume_io *io);

/** Free what was taken. */
void model_forget(struct model *model);

/** A file that was taken; else the test fails. */
const struct model_file *model_file(const struct model *model, const char *name);

/** The same, of a strata: number `index` of them, "strata", "slots", "parity". */
const struct model_file *model_strata(const struct model *model, size_t index, const char *ending);

struct world {
    flume_io io;                /* Healthy. */
    struct faultio fault;       /* The same, wrapped. */
    struct fault_memory memory; /* Counted since the world began. */
    char complaint[WORLD_COMPLAINT_BYTES];
};

void world_begin(struct world *world, const struct model *model);

/** Complain about what is left open and of memory, and take it all away; the complaint stays. */
void world_end(struct world *world);

__attribute__((format(printf, 2, 3))) void world_complain(struct world *world, const char *format,
                                                          ...);

/** Complain about an answer that is no status, or an error without words. */
void world_judge(struct world *world, const char *what, int status, const flume_error *error);

/* Names are below the basin. */
void world_remove(struct world *world, const char *name);
void world_put(struct world *world, const char *name, const void *data, size_t bytes);
void world_read(struct world *world, const char *name, uint64_t at, void *target, size_t bytes);
void world_write(struct world *world, const char *name, uint64_t at, const void *source,
                 size_t bytes);

#endif
