/*
 * sorter_merge.c - many runs, and memory, as one sequence.
 *
 * Each run and memory is a source that gives its keys in order. Sources stand in a heap, least key
 * at the top, among equal keys the oldest source. A row that has been given stays where it is, in
 * the buffer of its source, until the next is asked for: only then do the sources that had it move.
 *
 * What always holds:
 *   - No more than SORTER_MERGE_RUNS_MAX files are open, and no more buffers than the budget holds
 *     (two at least). More runs are first merged, neighbours with neighbours, into files of their
 *     own; the runs that were spilled stay, so that who adopts them later finds them all.
 */
#include "sorter_inside.h"

#include <assert.h>

enum { MEMORY_SOURCE = 1 }; /* One more than runs. */

struct source {
    struct run_reader reader; /* Unused for memory. */
    bool is_memory;
    uint64_t part; /* Of the key of row. */
    struct row row;
};

struct merger {
    struct sorter *sorter;
    struct run *runs; /* What is to be read, oldest first. */
    size_t run_count;
    uint32_t merged_count; /* Files made by passes, numbered from 0. */
    struct source *sources;
    size_t source_count;
    /* Indexes of sources: those that wait, as a heap, and those whose row was given last. */
    size_t heap[SORTER_MERGE_RUNS_MAX + MEMORY_SOURCE];
    size_t given[SORTER_MERGE_RUNS_MAX + MEMORY_SOURCE];
    size_t heap_count, given_count;
    struct combiner combiner;
};

/* --- the heap --------------------------------------------------------------------------------- */

static bool source_is_before(const struct merger *merger, size_t a, size_t b)
{
    const struct source *left = &merger->sources[a];
    const struct source *right = &merger->sources[b];
    int order;

    if (left->part != right->part)
        return left->part < right->part;
    order =
        key_compare(left->row.key, left->row.key_bytes, right->row.key, right->row.key_bytes, 0);
    return order != 0 ? order < 0 : a < b;
}

/* Take the top away. */
static size_t heap_pop(struct merger *merger)
{
    size_t *heap = merger->heap;
    size_t top = heap[0];
    size_t moving = heap[--merger->heap_count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= merger->heap_count)
            break;
        if (child + 1 < merger->heap_count &&
            source_is_before(merger, heap[child + 1], heap[child]))
            child++;
        if (!source_is_before(merger, heap[child], moving))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
    return top;
}

static void heap_add(struct merger *merger, size_t source)
{
    size_t *heap = merger->heap;
    size_t at = merger->heap_count++;

    while (at > 0 && source_is_before(merger, source, heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = source;
}

/* --- sources ---------------------------------------------------------------------------------- */

static int source_advance(struct merger *merger, struct source *source)
{
    int status = source->is_memory ? sorter_memory_next(merger->sorter, &source->row)
                                   : run_reader_next(&source->reader, &source->row);

    if (status == FLUME_OK)
        source->part = key_part(source->row.key, source->row.key_bytes, 0);
    return status;
}

static void close_sources(struct merger *merger)
{
    for (size_t i = 0; i < merger->source_count; i++) {
        if (!merger->sources[i].is_memory)
            run_reader_close(&merger->sources[i].reader);
    }
    sorter_release(merger->sorter, merger->sources);
    merger->sources = NULL;
    merger->source_count = 0;
    merger->heap_count = 0;
    merger->given_count = 0;
}

static int source_begin(struct merger *merger, const struct run *run)
{
    struct source *source = &merger->sources[merger->source_count];
    int status;

    source->is_memory = run == NULL;
    if (run != NULL) {
        status = run_reader_open(&source->reader, merger->sorter, run);
        if (status < 0)
            return status;
    } else {
        sorter_memory_begin(merger->sorter);
    }
    merger->source_count++;
    status = source_advance(merger, source);
    if (status == FLUME_OK)
        heap_add(merger, merger->source_count - 1);
    return status < 0 ? status : FLUME_OK;
}

/* Begin to read so many runs and, if it has rows, memory. */
static int open_sources(struct merger *merger, const struct run *runs, size_t run_count,
                        size_t memory_count)
{
    int status = FLUME_OK;

    assert(run_count + memory_count <= SORTER_MERGE_RUNS_MAX + MEMORY_SOURCE);
    assert(merger->sources == NULL);
    merger->sources =
        sorter_allocate(merger->sorter, (run_count + memory_count) * sizeof *merger->sources);
    if (merger->sources == NULL)
        return FLUME_ERR_NO_MEMORY;
    for (size_t i = 0; i < run_count && status == FLUME_OK; i++)
        status = source_begin(merger, &runs[i]);
    if (memory_count > 0 && status == FLUME_OK)
        status = source_begin(merger, NULL);
    if (status < 0)
        close_sources(merger);
    return status;
}

/* Let the sources whose row was given go on. */
static int release_given(struct merger *merger)
{
    while (merger->given_count > 0) {
        size_t source = merger->given[--merger->given_count];
        int status = source_advance(merger, &merger->sources[source]);

        if (status < 0)
            return status;
        if (status == FLUME_OK)
            heap_add(merger, source);
    }
    return FLUME_OK;
}

static bool has_key(const struct row *a, const struct row *b)
{
    return a->key_bytes == b->key_bytes && memcmp(a->key, b->key, a->key_bytes) == 0;
}

int merger_next(struct merger *merger, struct row *out_row)
{
    int status = release_given(merger);
    size_t source;
    struct row row;

    if (status < 0)
        return status;
    if (merger->heap_count == 0)
        return FLUME_END;
    source = heap_pop(merger);
    merger->given[merger->given_count++] = source;
    row = merger->sources[source].row;
    while (merger->heap_count > 0 && has_key(&merger->sources[merger->heap[0]].row, &row)) {
        source = heap_pop(merger);
        merger->given[merger->given_count++] = source;
        status =
            sorter_combine(merger->sorter, &merger->combiner, &row, &merger->sources[source].row);
        if (status < 0)
            return status;
    }
    *out_row = row;
    return FLUME_OK;
}

/* --- passes ----------------------------------------------------------------------------------- */

static uint32_t greatest_block(const struct merger *merger)
{
    uint32_t greatest = 1;

    for (size_t i = 0; i < merger->run_count; i++) {
        if (merger->runs[i].block_bytes_max > greatest)
            greatest = merger->runs[i].block_bytes_max;
    }
    return greatest;
}

/* How many runs may be read at once. */
static size_t runs_at_once(const struct merger *merger)
{
    size_t count = merger->sorter->budget_bytes / (greatest_block(merger) + ROW_SLACK_BYTES);

    if (count > SORTER_MERGE_RUNS_MAX)
        return SORTER_MERGE_RUNS_MAX;
    return count < 2 ? 2 : count;
}

static int write_merged(struct merger *merger, struct run *out_run)
{
    struct run_writer writer;
    struct row row;
    int status = run_writer_begin(&writer, merger->sorter, merger->merged_count, true);

    if (status < 0)
        return status;
    while ((status = merger_next(merger, &row)) == FLUME_OK) {
        status = run_writer_add(&writer, &row);
        if (status < 0)
            break;
    }
    if (status == FLUME_END)
        status = run_writer_end(&writer, out_run);
    if (status < 0)
        run_writer_abandon(&writer);
    return status;
}

/* Put one merged run in the place of some neighbours. */
static int merge_neighbours(struct merger *merger, size_t first, size_t count)
{
    struct run *runs = merger->runs;
    struct run merged = {0};
    int status = open_sources(merger, runs + first, count, 0);

    if (status < 0)
        return status;
    status = write_merged(merger, &merged);
    close_sources(merger);
    if (status < 0)
        return status;
    merger->merged_count++;
    for (size_t i = first; i < first + count; i++) {
        if (runs[i].is_merged)
            run_remove(merger->sorter, runs[i].number, true);
    }
    runs[first] = merged;
    memmove(runs + first + 1, runs + first + count,
            (merger->run_count - first - count) * sizeof *runs);
    merger->run_count -= count - 1;
    return FLUME_OK;
}

/* Merge until no more runs are left than may be read at once. */
static int merge_passes(struct merger *merger)
{
    size_t first = 0;

    for (;;) {
        size_t at_once = runs_at_once(merger);
        size_t count = merger->run_count - at_once + 1;
        int status;

        if (merger->run_count <= at_once)
            return FLUME_OK;
        if (count > at_once)
            count = at_once;
        if (first + count > merger->run_count)
            first = 0; /* The next pass. */
        status = merge_neighbours(merger, first, count);
        if (status < 0)
            return status;
        first++;
    }
}

/* --- begin and end ---------------------------------------------------------------------------- */

static int copy_runs(struct merger *merger)
{
    const struct sorter *sorter = merger->sorter;

    merger->runs = sorter_allocate(sorter, sorter->run_count * sizeof *merger->runs);
    if (merger->runs == NULL)
        return FLUME_ERR_NO_MEMORY;
    memcpy(merger->runs, sorter->runs, sorter->run_count * sizeof *merger->runs);
    merger->run_count = sorter->run_count;
    return FLUME_OK;
}

/* Whether the budget holds what is in memory beside the buffers of all runs. */
static bool memory_may_stay(const struct sorter *sorter)
{
    size_t buffers = 0;

    if (sorter->run_count > SORTER_MERGE_RUNS_MAX)
        return false;
    for (size_t i = 0; i < sorter->run_count; i++)
        buffers += sorter->runs[i].block_bytes_max + ROW_SLACK_BYTES;
    return buffers <= sorter->budget_bytes &&
           sorter_memory_bytes(sorter) <= sorter->budget_bytes - buffers;
}

int merger_begin(struct sorter *sorter)
{
    struct merger *merger;
    bool with_memory;
    int status;

    sorter_memory_trim(sorter);
    if (sorter->rows > 0 && !memory_may_stay(sorter)) {
        status = sorter_spill(sorter);
        if (status < 0)
            return status;
    }
    with_memory = sorter->rows > 0;
    if (!with_memory)
        sorter_memory_trim(sorter);
    status = with_memory ? sorter_order(sorter) : FLUME_OK;
    if (status < 0)
        return status;
    merger = sorter_allocate(sorter, sizeof *merger);
    if (merger == NULL)
        return FLUME_ERR_NO_MEMORY;
    memset(merger, 0, sizeof *merger);
    merger->sorter = sorter;
    status = copy_runs(merger);
    if (status == FLUME_OK && !with_memory)
        status = merge_passes(merger);
    if (status == FLUME_OK)
        status = open_sources(merger, merger->runs, merger->run_count, with_memory ? 1 : 0);
    if (status < 0) {
        merger_end(merger);
        return status;
    }
    sorter->merger = merger;
    return FLUME_OK;
}

void merger_end(struct merger *merger)
{
    const struct sorter *sorter;

    if (merger == NULL)
        return;
    sorter = merger->sorter;
    close_sources(merger);
    for (size_t i = 0; i < merger->run_count; i++) {
        if (merger->runs[i].is_merged)
            run_remove(merger->sorter, merger->runs[i].number, true);
    }
    sorter_release(sorter, merger->runs);
    sorter_release(sorter, merger);
}
