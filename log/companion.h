/*
 * companion.h - the second log of a basin, on whose records those of the log may depend.
 *
 * FORMAT.md, "GRAINS, and the order of two logs", says what holds between the two.
 */
#ifndef FLUME_COMPANION_H
#define FLUME_COMPANION_H

#include "flume/grains.h"
#include "grain.h"
#include "handle.h"

/* What a grain needs of the second log. All zero: nothing. */
struct grain_needs {
    uint64_t head;
    uint64_t check; /* Of the grain before head; 0: not stated. */
};

/* Read from meta without witness. */
struct grain_needs grain_needs(const uint8_t *meta, size_t meta_bytes);

/* A record that needs so much is about to be published. Under append_mutex. */
static inline void companion_note_locked(struct head *head, uint64_t needs)
{
    if (needs > atomic_load_explicit(&head->needs, memory_order_relaxed))
        atomic_store_explicit(&head->needs, needs, memory_order_relaxed);
}

/*
 * Make the second log durable as far as any record of HEAD needs it. Under sync_mutex, behind the
 * load of the head that is to become durable.
 *
 * @return FLUME_OK; FLUME_ERR_ABSENT; FLUME_ERR_POISONED (a sync of it failed, or it has lost what
 *         is needed: HEAD is poisoned); or why it could not be opened or synced.
 */
int companion_settle(flume_log *log);

/* The same for what recovery keeps of a copy, before HEAD says so. */
int companion_settle_to(flume_log *log, uint64_t needs);

/* --- Where it is ------------------------------------------------------------------------------ */

/* What GRAINS says. */
struct grains_setting {
    char path[FLUME_GRAINS_PATH_BYTES]; /* As written: absolute, or relative to the basin. */
    uint8_t basin_id[16];
};

/* FLUME_ERR_NOT_FOUND without a detail: there is no GRAINS. */
int companion_setting(flume_log *log, struct grains_setting *out_setting);

/* flume_grains_find(), also by a handle that is attached to nothing. */
int companion_find(flume_log *log, flume_grains_place *out_place);

/* A path of GRAINS as the io table takes it. */
int companion_path(flume_log *log, const char *setting, char out_path[FLUME_GRAINS_PATH_BYTES]);

/* Open the second log by a handle of the log's own. */
int companion_open(flume_log *log, const char *path, unsigned flags, uint64_t strata_bytes,
                   flume_log **out_grains);

/*
 * Whether the basin at a path, another than the log's, may become its second log, where GRAINS
 * names none (companion_take.c).
 *
 * @return FLUME_OK; FLUME_ERR_ABSENT (it has chunks and was not asked for), FLUME_ERR_INVALID (it
 *         is used otherwise, or lacks what a record refers to); as companion_open().
 */
int companion_take(flume_log *log, const char *path, bool is_asked_for);

/* --- For recovery (companion_look.c) ---------------------------------------------------------- */

/* The second log, looked at from outside, as recovery would leave it. Starts out as all zero but
 * `log`; ended by companion_look_end(). */
struct inspection;
struct strata;
struct companion_look {
    flume_log *log;
    struct inspection *inspection; /* NULL: not looked at yet, or absent. */
    bool is_absent;
    uint64_t needs; /* The most that a record needs that was asked for and is kept. */
};

/* How far the grains of a strata count. */
struct companion_reach {
    uint64_t count;
    uint64_t whole_count; /* The same, without a batch that is not complete. */
    uint64_t end_offset;  /* Behind whole_count grains. */
};

/*
 * A grain that is not known durable counts only with what it needs of the second log: the first one
 * that lacks it is where the strata ends. One that is known durable was synced behind what it
 * needs.
 *
 * @param known      Every seq below is known durable.
 * @param io_reach   io_reach->count grains of the strata read. All is set if *out_lacks.
 * @param out_lacks  Whether there is one that lacks what it needs.
 */
int companion_doubt(struct companion_look *look, const struct strata *strata, uint64_t known,
                    struct companion_reach *io_reach, bool *out_lacks);

void companion_look_end(struct companion_look *look);

#endif
