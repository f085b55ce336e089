/*
 * sorter.c - the calls of a sorter: its life, its runs, and reading what has been put.
 *
 * What always holds:
 *   - Runs 0 .. run_count - 1 are complete and older than every row in memory.
 *   - Rows leave memory only when the run that has them is complete.
 */
#include "sorter_inside.h"

#include <errno.h>
#include <stdio.h>

#include "allocator.h"

enum {
    BLOCK_BYTES_MAX = 256 << 10,
    BLOCK_BYTES_MIN = 128,
    RUN_NAME_BYTES_MAX = 32 /* ".merged-" and the digits of a number. */
};

/* --- memory ----------------------------------------------------------------------------------- */

void *sorter_allocate(const struct sorter *sorter, size_t bytes)
{
    return sorter->allocator.allocate(sorter->allocator.ctx, bytes);
}

void sorter_release(const struct sorter *sorter, void *memory)
{
    if (memory != NULL)
        sorter->allocator.release(sorter->allocator.ctx, memory);
}

int sorter_fail(struct sorter *sorter, int system_errno)
{
    sorter->system_errno = system_errno;
    switch (system_errno) {
    case ENOSPC:
    case EDQUOT:
        return FLUME_ERR_FULL;
    case EACCES:
    case EPERM:
        return FLUME_ERR_ACCESS;
    case ENOMEM:
        return FLUME_ERR_NO_MEMORY;
    default:
        return FLUME_ERR_IO;
    }
}

/* --- runs ------------------------------------------------------------------------------------- */

static int reserve_run_slot(struct sorter *sorter)
{
    size_t capacity = sorter->run_capacity == 0 ? 8 : sorter->run_capacity * 2;
    struct run *runs;

    if (sorter->run_count < sorter->run_capacity)
        return FLUME_OK;
    if (sorter->run_count == INT32_MAX)
        return FLUME_ERR_NO_MEMORY;
    runs = sorter->allocator.resize(sorter->allocator.ctx, sorter->runs, capacity * sizeof *runs);
    if (runs == NULL)
        return FLUME_ERR_NO_MEMORY;
    sorter->runs = runs;
    sorter->run_capacity = capacity;
    return FLUME_OK;
}

static int write_memory(struct sorter *sorter, struct run_writer *writer)
{
    struct row row;
    int status;

    sorter_memory_begin(sorter);
    while ((status = sorter_memory_next(sorter, &row)) == FLUME_OK) {
        status = run_writer_add(writer, &row);
        if (status < 0)
            return status;
    }
    return status < 0 ? status : FLUME_OK;
}

int sorter_spill(struct sorter *sorter)
{
    struct run_writer writer;
    int status;

    if (sorter->path == NULL || sorter->phase != SORTER_FILLING)
        return FLUME_ERR_INVALID;
    if (sorter->rows == 0)
        return FLUME_OK;
    status = reserve_run_slot(sorter);
    if (status < 0)
        return status;
    status = sorter_order(sorter);
    if (status < 0)
        return status;
    status = run_writer_begin(&writer, sorter, (uint32_t)sorter->run_count, false);
    if (status < 0)
        return status;
    status = write_memory(sorter, &writer);
    if (status == FLUME_OK)
        status = run_writer_end(&writer, &sorter->runs[sorter->run_count]);
    if (status < 0) {
        run_writer_abandon(&writer);
        return status;
    }
    sorter->run_rows += sorter->runs[sorter->run_count].rows;
    sorter->run_count++;
    sorter_memory_empty(sorter);
    return FLUME_OK;
}

uint32_t sorter_runs(const struct sorter *sorter)
{
    return (uint32_t)sorter->run_count;
}

static void remove_runs(struct sorter *sorter)
{
    while (sorter->run_count > 0)
        run_remove(sorter, (uint32_t)--sorter->run_count, false);
    sorter->run_rows = 0;
}

int sorter_adopt(struct sorter *sorter, uint32_t run_count)
{
    int status = FLUME_OK;

    if (sorter->phase != SORTER_FILLING || sorter->rows > 0 || sorter->run_count > 0)
        return FLUME_ERR_INVALID;
    if (sorter->path == NULL)
        return run_count == 0 ? FLUME_OK : FLUME_ERR_NOT_FOUND;
    while (sorter->run_count < run_count && status == FLUME_OK) {
        status = reserve_run_slot(sorter);
        if (status == FLUME_OK)
            status =
                run_examine(sorter, (uint32_t)sorter->run_count, &sorter->runs[sorter->run_count]);
        if (status == FLUME_OK)
            sorter->run_rows += sorter->runs[sorter->run_count++].rows;
    }
    if (status == FLUME_OK)
        status = run_remove_others(sorter, run_count);
    if (status < 0) {
        sorter->run_count = 0;
        sorter->run_rows = 0;
    }
    return status;
}

/* --- a sorter --------------------------------------------------------------------------------- */

static int set_paths(struct sorter *sorter, const struct sorter_options *options)
{
    const char *name = options->name != NULL ? options->name : "rows";
    size_t directory_bytes, path_bytes;

    if (strlen(name) == 0 || strlen(name) > SORTER_NAME_BYTES_MAX || strchr(name, '/') != NULL)
        return FLUME_ERR_INVALID;
    if (options->spill_directory == NULL)
        return FLUME_OK;
    directory_bytes = strlen(options->spill_directory);
    path_bytes = directory_bytes + 1 + strlen(name) + RUN_NAME_BYTES_MAX;
    sorter->path = sorter_allocate(sorter, path_bytes);
    if (sorter->path == NULL)
        return FLUME_ERR_NO_MEMORY;
    (void)snprintf(sorter->path, path_bytes, "%s/%s", options->spill_directory, name);
    sorter->directory_bytes = directory_bytes;
    sorter->path_stem = directory_bytes + 1 + strlen(name);
    return FLUME_OK;
}

static void set_budget(struct sorter *sorter, size_t budget_bytes)
{
    if (budget_bytes < SORTER_BUDGET_BYTES_MIN)
        budget_bytes = SORTER_BUDGET_BYTES_MIN;
    sorter->total_bytes = budget_bytes;
    sorter->budget_bytes = budget_bytes;
    if (sorter->path == NULL)
        return;
    /* So that as many runs as are merged at once take half of the budget. */
    sorter->block_bytes = budget_bytes / (2 * SORTER_MERGE_RUNS_MAX);
    if (sorter->block_bytes > BLOCK_BYTES_MAX)
        sorter->block_bytes = BLOCK_BYTES_MAX;
    if (sorter->block_bytes < BLOCK_BYTES_MIN)
        sorter->block_bytes = BLOCK_BYTES_MIN;
    sorter->budget_bytes -= sorter->block_bytes;
}

int sorter_create(const struct sorter_options *options, struct sorter **out_sorter)
{
    flume_allocator allocator = allocator_or_malloc(options->allocator);
    struct sorter *sorter;
    int status;

    sorter = allocator.allocate(allocator.ctx, sizeof *sorter);
    if (sorter == NULL)
        return FLUME_ERR_NO_MEMORY;
    memset(sorter, 0, sizeof *sorter);
    sorter->allocator = allocator;
    sorter->merge = options->merge;
    sorter->merge_ctx = options->merge_ctx;
    sorter_memory_empty(sorter);
    status = set_paths(sorter, options);
    if (status < 0)
        goto fail;
    set_budget(sorter, options->budget_bytes);
    *out_sorter = sorter;
    return FLUME_OK;
fail:
    sorter_destroy(sorter);
    return status;
}

void sorter_destroy(struct sorter *sorter)
{
    if (sorter == NULL)
        return;
    merger_end(sorter->merger);
    if (!sorter->keep_runs)
        remove_runs(sorter);
    sorter_memory_release(sorter);
    sorter_release(sorter, sorter->runs);
    sorter_release(sorter, sorter->block);
    sorter_release(sorter, sorter->path);
    sorter_release(sorter, sorter);
}

void sorter_keep_runs(struct sorter *sorter)
{
    sorter->keep_runs = true;
}

uint64_t sorter_count(const struct sorter *sorter)
{
    return sorter->rows + sorter->run_rows;
}

size_t sorter_bytes(const struct sorter *sorter)
{
    return sorter->row_bytes + sorter->rows * ENTRY_BYTES_PER_ROW;
}

int sorter_sort(struct sorter *sorter)
{
    int status;

    merger_end(sorter->merger);
    sorter->merger = NULL;
    sorter->phase = SORTER_FILLING; /* Memory may yet have to be spilled. */
    if (sorter->run_count > 0) {
        status = merger_begin(sorter);
    } else {
        status = sorter_order(sorter);
        if (status == FLUME_OK)
            sorter_memory_begin(sorter);
    }
    sorter->phase = status == FLUME_OK ? SORTER_READING : SORTER_BROKEN;
    return status;
}

int sorter_next(struct sorter *sorter, flume_bytes *out_key, flume_bytes *out_value,
                bool *out_is_deleted)
{
    struct row row;
    int status;

    if (sorter->phase != SORTER_READING)
        return FLUME_ERR_INVALID;
    status = sorter->merger == NULL ? sorter_memory_next(sorter, &row)
                                    : merger_next(sorter->merger, &row);
    if (status != FLUME_OK) {
        if (status < 0)
            sorter->phase = SORTER_BROKEN;
        return status;
    }
    *out_key = (flume_bytes){row.key, row.key_bytes};
    *out_value = (flume_bytes){row.what == ROW_DELETE ? NULL : row.value, row.value_bytes};
    *out_is_deleted = row.what != ROW_PUT;
    return FLUME_OK;
}

void sorter_clear(struct sorter *sorter)
{
    merger_end(sorter->merger);
    sorter->merger = NULL;
    remove_runs(sorter);
    sorter_memory_empty(sorter);
    sorter->phase = SORTER_FILLING;
}

int sorter_system_errno(const struct sorter *sorter)
{
    return sorter->system_errno;
}
