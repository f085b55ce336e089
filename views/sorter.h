/*
 * sorter.h - rows go in as they come and come out in order of their keys.
 *
 * A batch or a rebuild of a view collects the rows of a table here, then writes them to LMDB in
 * order. Rows are kept in memory up to a budget; beyond it sorted runs are written to files and
 * merged when the rows are read:
 *
 *   sorter_put ... sorter_put        filling; sorter_spill by itself at the budget
 *   sorter_sort                      once
 *   sorter_next ... FLUME_END        each distinct key once, combined in order of insertion
 *   sorter_clear                     filling again
 *
 * What always holds:
 *   - Keys come out in memcmp order, a prefix before what it is a prefix of.
 *   - Rows of one key are combined in order of insertion, whether they met in memory, in a run or
 *     in the merge.
 *   - Rows, their index and the buffers of runs stay within the budget, apart from one row while
 *     filling and a few large rows, one a buffer, while merging. Some 24 KiB, and 160 bytes for
 *     each run, are beside it.
 *   - A run that is cut or damaged never gives a row: FLUME_ERR_DAMAGED.
 *   - A call that fails while filling has added nothing and lost nothing.
 *
 * Threads: one at a time for each sorter; sorters have nothing in common.
 */
#ifndef FLUME_SORTER_H
#define FLUME_SORTER_H

#include "flume/status.h"
#include "flume/view.h"

enum {
    SORTER_BUDGET_BYTES_MIN = 4096, /* A smaller budget counts as this. */
    SORTER_NAME_BYTES_MAX = 64,
    SORTER_MERGE_RUNS_MAX = 64 /* More are merged in passes. */
};

struct sorter;

struct sorter_options {
    size_t budget_bytes;         /* Rows, their index and the buffers of runs together. */
    const char *spill_directory; /* Copied. NULL: runs are never written. */
    const char *name;            /* Copied. Runs are NAME.run-0000, ...; no '/'. NULL: "rows". */
    flume_merge merge;           /* NULL: a put replaces what was there. */
    void *merge_ctx;
    const flume_allocator *allocator; /* NULL: malloc. Copied. */
};

/* FLUME_OK, FLUME_ERR_INVALID (a name too long or with '/'), FLUME_ERR_NO_MEMORY. Owned by the
 * caller: sorter_destroy(). Touches no file. */
int sorter_create(const struct sorter_options *options, struct sorter **out_sorter);

/* NULL is harmless. Removes the run files, unless sorter_keep_runs() was called. */
void sorter_destroy(struct sorter *sorter);

/* Leave complete run files where they are at sorter_destroy(). */
void sorter_keep_runs(struct sorter *sorter);

/*
 * Add a row. Copied. Only while filling.
 *
 * FLUME_OK; FLUME_ERR_INVALID (key not of 1 .. FLUME_VIEW_KEY_BYTES_MAX bytes, or reading);
 * FLUME_ERR_TOO_LARGE (value over FLUME_VIEW_VALUE_BYTES_MAX, with a merge over
 * FLUME_MERGE_BYTES_MAX); FLUME_ERR_NO_MEMORY (an allocation failed, or the budget is used and
 * there is no directory to spill to); what sorter_spill() answers.
 */
int sorter_put(struct sorter *sorter, const void *key, size_t key_bytes, const void *value,
               size_t value_bytes);

/* Delete a key: what was put before is dropped, and the caller is told. As sorter_put(). */
int sorter_delete(struct sorter *sorter, const void *key, size_t key_bytes);

/* Rows in memory and in runs. In a run, rows of one key have become one. */
uint64_t sorter_count(const struct sorter *sorter);

/* What the rows in memory, with their index, take of the budget. 0: nothing but runs. */
size_t sorter_bytes(const struct sorter *sorter);

/*
 * Write the rows in memory as a run and empty memory; nothing happens without rows. The file is not
 * synced: what a stop of the machine leaves is noticed when the run is adopted or read.
 *
 * FLUME_OK, FLUME_ERR_NO_MEMORY, FLUME_ERR_FULL, FLUME_ERR_ACCESS, FLUME_ERR_IO, or what merge
 * answered: on error the rows are still in memory and there is no file. FLUME_ERR_INVALID: there
 * is no directory.
 */
int sorter_spill(struct sorter *sorter);

/* Complete runs. Numbered from 0, older first. */
uint32_t sorter_runs(const struct sorter *sorter);

/*
 * Take over the runs 0 .. run_count - 1 that an earlier process left under this name, and remove
 * what else it left. Only before the first sorter_put(). 0 removes all.
 *
 * FLUME_OK, FLUME_ERR_NOT_FOUND (one is missing), FLUME_ERR_DAMAGED (one is cut, or its end is
 * damaged), FLUME_ERR_NO_MEMORY, FLUME_ERR_IO, ...; on error there are no runs, and the files
 * stay.
 */
int sorter_adopt(struct sorter *sorter, uint32_t run_count);

/* End filling, begin reading (again, if it was begun). FLUME_OK, or as sorter_spill() and
 * sorter_next(); may be repeated after an error. */
int sorter_sort(struct sorter *sorter);

/*
 * The next key with what became of it. What *out_key and *out_value point at is valid until the
 * next call on this sorter.
 *
 *   *out_is_deleted | out_value->data | what was stored under the key before
 *   ----------------|-----------------|------------------------------------------------------------
 *   false           | not NULL        | is replaced by the value, or with a merge merged with it
 *   true            | NULL            | is deleted
 *   true            | not NULL        | (only with a merge) is replaced: it was deleted, then put
 *
 * FLUME_OK, FLUME_END, FLUME_ERR_DAMAGED (a run), FLUME_ERR_IO, FLUME_ERR_NO_MEMORY, or what merge
 * answered. After an error only sorter_sort(), sorter_clear() and sorter_destroy() help.
 */
int sorter_next(struct sorter *sorter, flume_bytes *out_key, flume_bytes *out_value,
                bool *out_is_deleted);

/* Empty, filling again: run files are removed, memory is kept for what comes. */
void sorter_clear(struct sorter *sorter);

/* errno behind the last FLUME_ERR_IO, FLUME_ERR_FULL or FLUME_ERR_ACCESS; 0: none. */
int sorter_system_errno(const struct sorter *sorter);

#endif
