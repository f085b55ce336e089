/*
 * sorter_memory.c - the rows of a sorter that are in memory, in and out.
 *
 * Rows are appended to chunks of memory, which never move, so an entry may point at its row. The
 * budget is kept by counting: all chunks with what they have spare, and for each row two entries,
 * which is what sorting takes at most.
 *
 * What always holds:
 *   - All chunks and two entries a row stay within the budget, or there is one row.
 *   - chunks[0 .. chunk_at] hold the rows, in the order in which they were put; what comes behind
 *     is spare and empty.
 *   - A row that does not get in has changed nothing that is read.
 */
#include "sorter_inside.h"

#include <assert.h>

enum {
    CHUNK_BYTES_FIRST = 16 << 10, /* Chunks grow as more is put: small batches stay small. */
    CHUNK_BYTES_MAX = 4 << 20,
    CHUNK_BYTES_MIN = 512,
    CHUNKS_OF_BUDGET = 16, /* The last chunk, not full, costs at most this part of the budget. */
    CACHE_LINE_BYTES = 64,
    AHEAD = 16 /* Rows fetched into the cache before they are read. */
};

/* --- the budget ------------------------------------------------------------------------------- */

/* Chunks have changed: how many rows the budget allows beside them. */
static void measure_room(struct sorter *sorter)
{
    size_t left =
        sorter->budget_bytes > sorter->chunk_bytes ? sorter->budget_bytes - sorter->chunk_bytes : 0;

    sorter->rows_max = sorter->chunk_count == 0 ? 0 : left / ENTRY_BYTES_PER_ROW;
    if (sorter->rows_max > INT32_MAX)
        sorter->rows_max = INT32_MAX;
}

static void release_chunk(struct sorter *sorter, struct chunk *chunk)
{
    sorter->chunk_bytes -= chunk->capacity + ROW_SLACK_BYTES;
    sorter_release(sorter, chunk->memory);
    chunk->memory = NULL;
}

/* Give back chunks beyond the first keep_count. */
static void release_chunks(struct sorter *sorter, size_t keep_count)
{
    while (sorter->chunk_count > keep_count)
        release_chunk(sorter, &sorter->chunks[--sorter->chunk_count]);
    measure_room(sorter);
}

static void release_entries(struct sorter *sorter)
{
    sorter_release(sorter, sorter->entries);
    sorter_release(sorter, sorter->spare_entries);
    sorter->entries = NULL;
    sorter->spare_entries = NULL;
    sorter->entry_capacity = 0;
    sorter->spare_capacity = 0;
}

static void forget_rows(struct sorter *sorter)
{
    for (size_t i = 0; i < sorter->chunk_count && i <= sorter->chunk_at; i++)
        sorter->chunks[i].used = 0;
    sorter->chunk_at = 0;
    sorter->rows = 0;
    sorter->row_bytes = 0;
    sorter->last_row = NULL;
    sorter->next_row = NULL;
    sorter->is_sorted = true;
    sorter->least_part = UINT64_MAX;
    sorter->greatest_part = 0;
}

void sorter_memory_empty(struct sorter *sorter)
{
    forget_rows(sorter);
    if (sorter->chunk_bytes > sorter->budget_bytes)
        release_chunks(sorter, 0);
}

void sorter_memory_release(struct sorter *sorter)
{
    release_chunks(sorter, 0);
    release_entries(sorter);
    sorter_release(sorter, sorter->chunks);
    sorter_release(sorter, sorter->counts);
}

void sorter_memory_trim(struct sorter *sorter)
{
    release_chunks(sorter, sorter->rows == 0 ? 0 : sorter->chunk_at + 1);
    release_entries(sorter);
}

size_t sorter_memory_bytes(const struct sorter *sorter)
{
    return sorter->chunk_bytes + sorter->rows * ENTRY_BYTES_PER_ROW;
}

static int reserve_chunk_slot(struct sorter *sorter)
{
    size_t capacity = sorter->chunk_capacity == 0 ? 8 : sorter->chunk_capacity * 2;
    struct chunk *chunks;

    if (sorter->chunk_count < sorter->chunk_capacity)
        return FLUME_OK;
    chunks =
        sorter->allocator.resize(sorter->allocator.ctx, sorter->chunks, capacity * sizeof *chunks);
    if (chunks == NULL)
        return FLUME_ERR_NO_MEMORY;
    sorter->chunks = chunks;
    sorter->chunk_capacity = capacity;
    return FLUME_OK;
}

static size_t next_chunk_capacity(const struct sorter *sorter, size_t row_bytes)
{
    size_t bytes = sorter->chunk_bytes > CHUNK_BYTES_FIRST ? sorter->chunk_bytes
                                                           : CHUNK_BYTES_FIRST;
    size_t bytes_max = sorter->budget_bytes / CHUNKS_OF_BUDGET;

    if (bytes > CHUNK_BYTES_MAX)
        bytes = CHUNK_BYTES_MAX;
    if (bytes > bytes_max)
        bytes = bytes_max;
    if (bytes < CHUNK_BYTES_MIN)
        bytes = CHUNK_BYTES_MIN;
    bytes -= ROW_SLACK_BYTES;
    return bytes > row_bytes ? bytes : row_bytes;
}

/* Whether the budget allows one more row when chunks take so many bytes. The first always fits. */
static bool fits_budget(const struct sorter *sorter, size_t chunk_bytes)
{
    return sorter->rows == 0 ||
           chunk_bytes + (sorter->rows + 1) * ENTRY_BYTES_PER_ROW <= sorter->budget_bytes;
}

/*
 * Make chunks[chunk_at] one with room for a row. FLUME_END: the budget does not allow it.
 */
static int next_chunk(struct sorter *sorter, size_t row_bytes)
{
    /* The current one counts as used, if only by what its last row leaves over. */
    size_t at = sorter->chunk_count == 0 || sorter->chunks[sorter->chunk_at].used == 0
                    ? sorter->chunk_at
                    : sorter->chunk_at + 1;
    size_t capacity;
    struct chunk chunk = {0};

    if (at < sorter->chunk_count && sorter->chunks[at].capacity >= row_bytes &&
        fits_budget(sorter, sorter->chunk_bytes)) {
        sorter->chunk_at = at;
        return FLUME_OK;
    }
    /* Spare chunks that are too small, or in the way of the index. */
    release_chunks(sorter, at);
    capacity = next_chunk_capacity(sorter, row_bytes);
    if (!fits_budget(sorter, sorter->chunk_bytes + capacity + ROW_SLACK_BYTES))
        return FLUME_END;
    if (reserve_chunk_slot(sorter) < 0)
        return FLUME_ERR_NO_MEMORY;
    chunk.memory = sorter_allocate(sorter, capacity + ROW_SLACK_BYTES);
    if (chunk.memory == NULL)
        return FLUME_ERR_NO_MEMORY;
    chunk.capacity = capacity;
    sorter->chunks[at] = chunk;
    sorter->chunk_count = at + 1;
    sorter->chunk_at = at;
    sorter->chunk_bytes += capacity + ROW_SLACK_BYTES;
    measure_room(sorter);
    return FLUME_OK;
}

/* Make room for a row: in a chunk, or by writing what is there to a run. */
static int make_room(struct sorter *sorter, size_t row_bytes)
{
    int status;

    if (sorter->rows >= sorter->rows_max && sorter->chunk_count > 0)
        release_chunks(sorter, sorter->chunk_at + 1);
    if (sorter->rows < sorter->rows_max && sorter->chunk_count > 0 &&
        sorter->chunks[sorter->chunk_at].capacity - sorter->chunks[sorter->chunk_at].used >=
            row_bytes)
        return FLUME_OK;
    status = next_chunk(sorter, row_bytes);
    if (status != FLUME_END)
        return status;
    if (sorter->path == NULL)
        return FLUME_ERR_NO_MEMORY;
    status = sorter_spill(sorter);
    if (status < 0)
        return status;
    return next_chunk(sorter, row_bytes);
}

/* --- rows in ---------------------------------------------------------------------------------- */

/* A row has been appended: what it means for the order. */
static void note_order(struct sorter *sorter, const uint8_t *at)
{
    uint64_t part = row_key_part(at, 0);

    if (sorter->is_sorted && part <= sorter->greatest_part && sorter->last_row != NULL) {
        struct row last = row_decode(sorter->last_row);
        struct row row = row_decode(at);

        sorter->is_sorted = part == sorter->greatest_part &&
                            key_compare(last.key, last.key_bytes, row.key, row.key_bytes, 0) <= 0;
    }
    sorter->last_row = at;
    if (part < sorter->least_part)
        sorter->least_part = part;
    if (part > sorter->greatest_part)
        sorter->greatest_part = part;
}

static int add_row(struct sorter *sorter, const struct row *row)
{
    size_t row_bytes = ROW_HEADER_BYTES + row->key_bytes + row->value_bytes;
    struct chunk *chunk;
    uint8_t *at;
    int status;

    if (row->key_bytes == 0 || row->key_bytes > FLUME_VIEW_KEY_BYTES_MAX ||
        sorter->phase != SORTER_FILLING)
        return FLUME_ERR_INVALID;
    if (sorter->rows >= sorter->rows_max ||
        sorter->chunks[sorter->chunk_at].capacity - sorter->chunks[sorter->chunk_at].used <
            row_bytes) {
        status = make_room(sorter, row_bytes);
        if (status < 0)
            return status;
    }
    chunk = &sorter->chunks[sorter->chunk_at];
    at = chunk->memory + chunk->used;
    row_header_store(at, row_header(row->key_bytes, row->what, row->value_bytes));
    memcpy(at + ROW_HEADER_BYTES, row->key, row->key_bytes);
    if (row->value_bytes > 0)
        memcpy(at + ROW_HEADER_BYTES + row->key_bytes, row->value, row->value_bytes);
    chunk->used += row_bytes;
    sorter->rows++;
    sorter->row_bytes += row_bytes;
    note_order(sorter, at);
    return FLUME_OK;
}

int sorter_put(struct sorter *sorter, const void *key, size_t key_bytes, const void *value,
               size_t value_bytes)
{
    struct row row = {key, value, key_bytes, value_bytes, ROW_PUT};

    if (value_bytes > FLUME_VIEW_VALUE_BYTES_MAX ||
        (sorter->merge != NULL && value_bytes > FLUME_MERGE_BYTES_MAX))
        return FLUME_ERR_TOO_LARGE;
    return add_row(sorter, &row);
}

int sorter_delete(struct sorter *sorter, const void *key, size_t key_bytes)
{
    struct row row = {key, NULL, key_bytes, 0, ROW_DELETE};

    return add_row(sorter, &row);
}

/* --- rows out of memory ----------------------------------------------------------------------- */

int sorter_combine(const struct sorter *sorter, struct combiner *combiner, struct row *io_row,
                   const struct row *newer)
{
    uint8_t *target = combiner->sides[combiner->side];
    size_t target_bytes = 0;
    int status;

    if (sorter->merge == NULL || newer->what != ROW_PUT || io_row->what == ROW_DELETE) {
        bool is_replaced = sorter->merge != NULL && newer->what == ROW_PUT;

        *io_row = *newer;
        if (is_replaced)
            io_row->what = ROW_REPLACE;
        return FLUME_OK;
    }
    status = sorter->merge(sorter->merge_ctx, (flume_bytes){io_row->key, io_row->key_bytes},
                           (flume_bytes){io_row->value, io_row->value_bytes},
                           (flume_bytes){newer->value, newer->value_bytes}, target, &target_bytes);
    if (status < 0)
        return status;
    if (status != FLUME_OK || target_bytes > FLUME_MERGE_BYTES_MAX)
        return FLUME_ERR_INVALID; /* It broke its contract. */
    io_row->value = target;
    io_row->value_bytes = target_bytes;
    combiner->side ^= 1;
    return FLUME_OK;
}

/* Rows in the order in which they lie. */
static const uint8_t *step_chunks(struct sorter *sorter)
{
    const struct chunk *chunk = &sorter->chunks[sorter->read_chunk];
    const uint8_t *row;

    if (sorter->read_offset == chunk->used) {
        if (sorter->read_chunk == sorter->chunk_at)
            return NULL;
        chunk++;
        sorter->read_chunk++;
        sorter->read_offset = 0;
        assert(chunk->used > 0);
    }
    row = chunk->memory + sorter->read_offset;
    sorter->read_offset += row_total_bytes(row_header_load(row));
    return row;
}

static const uint8_t *step_rows(struct sorter *sorter)
{
    if (sorter->rows == 0)
        return NULL;
    if (sorter->is_sorted)
        return step_chunks(sorter);
    if (sorter->entry_at == sorter->rows)
        return NULL;
    if (sorter->entry_at + AHEAD < sorter->rows) {
        const uint8_t *ahead = sorter->entries[sorter->entry_at + AHEAD].row;

        /* A small row may begin in one line of the cache and end in the next. */
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + CACHE_LINE_BYTES - 16);
    }
    return sorter->entries[sorter->entry_at++].row;
}

void sorter_memory_begin(struct sorter *sorter)
{
    sorter->entry_at = 0;
    sorter->read_chunk = 0;
    sorter->read_offset = 0;
    sorter->next_row = step_rows(sorter);
}

int sorter_memory_next(struct sorter *sorter, struct row *out_row)
{
    struct row row;

    if (sorter->next_row == NULL)
        return FLUME_END;
    row = row_decode(sorter->next_row);
    for (;;) {
        struct row newer;
        int status;

        sorter->next_row = step_rows(sorter);
        if (sorter->next_row == NULL)
            break;
        newer = row_decode(sorter->next_row);
        if (newer.key_bytes != row.key_bytes || memcmp(newer.key, row.key, row.key_bytes) != 0)
            break;
        status = sorter_combine(sorter, &sorter->memory_combiner, &row, &newer);
        if (status < 0)
            return status;
    }
    *out_row = row;
    return FLUME_OK;
}
