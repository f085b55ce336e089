/*
 * sealed_scan.c - where the blocks of a strata are, told by the blocks themselves.
 *
 * For a strata whose block index or footer page does not read. Blocks follow each other from the
 * header page on; behind one that does not read, each place where one may begin is tried.
 */
#include <assert.h>

#include "sealed_inside.h"

enum { WINDOW_BYTES = 256 << 10, ROOM_FIRST = 256, HASHED_TIMES_MAX = 8 };

/* A search under way. */
struct block_scan {
    flume_log *log;
    struct strata *strata;
    uint8_t *window; /* Bytes from window_from on. */
    uint64_t window_from, window_bytes;
    uint8_t *block; /* Room for one. */
    uint64_t block_room;
    uint64_t budget; /* Bytes that may still be hashed. */
    struct block_index *index;
    size_t room;
};

/* What may be the header of a block, at an offset that only rises. NULL: *out_status says why it is
 * not to be had. */
static const uint8_t *look_at_header(struct block_scan *scan, uint64_t offset, int *out_status)
{
    uint64_t end = scan->strata->sealed->blocks_end;

    assert(offset >= scan->window_from);
    assert(offset + SEALED_BLOCK_HEADER_BYTES <= end);
    *out_status = FLUME_OK;
    if (offset + SEALED_BLOCK_HEADER_BYTES > scan->window_from + scan->window_bytes) {
        uint64_t most = end - offset < WINDOW_BYTES ? end - offset : WINDOW_BYTES;

        *out_status = sealed_read(scan->log, scan->strata, scan->window, (size_t)most, offset);
        scan->window_bytes = *out_status == FLUME_OK ? most : 0;
        scan->window_from = offset;
        if (*out_status != FLUME_OK)
            return NULL;
    }
    return scan->window + (offset - scan->window_from);
}

static bool grow(struct block_scan *scan)
{
    struct block_index *index;

    if (scan->index->count < scan->room)
        return true;
    index = memory_resize(&scan->log->allocator, scan->index,
                          sizeof *index + 2 * scan->room * sizeof index->entries[0]);
    if (index == NULL)
        return false;
    scan->room *= 2;
    scan->index = index;
    index->item.bytes = sizeof *index + scan->room * sizeof index->entries[0];
    return true;
}

/* Whether a block can begin here, by what its header says. */
static bool is_plausible(const struct block_scan *scan, const uint8_t *header, uint64_t offset,
                         uint64_t *out_bytes)
{
    const struct sealed_block_entry *before = NULL;
    struct sealed_block block;

    if (!sealed_block_peek(header, &block))
        return false;
    if (scan->index->count > 0)
        before = &scan->index->entries[scan->index->count - 1];
    *out_bytes = sealed_block_bytes(block.stored_bytes);
    return *out_bytes <= scan->strata->sealed->blocks_end - offset &&
           (before == NULL || block.first_ordinal > before->first_ordinal);
}

static int add(struct block_scan *scan, const struct sealed_block *block, uint64_t offset)
{
    if (!grow(scan))
        return log_fail(scan->log, FLUME_ERR_NO_MEMORY, 0, scan->strata->first_seq,
                        "no memory to look for the blocks of a strata of %s", scan->log->path);
    scan->index->entries[scan->index->count++] = (struct sealed_block_entry){
        .file_offset = offset,
        .raw_offset = block->raw_offset,
        .first_ordinal = block->first_ordinal,
        .stored_bytes = block->stored_bytes,
        .greatest_time_ns = UINT64_MAX, /* Not known. */
    };
    return FLUME_OK;
}

/* Verify what may be a block. *out_found: it is one. */
static int try_block(struct block_scan *scan, uint64_t offset, uint64_t bytes, bool *out_found)
{
    struct sealed_block block;
    int status;

    *out_found = false;
    if (bytes > scan->budget)
        return FLUME_OK;
    scan->budget -= bytes;
    if (bytes > scan->block_room) {
        void *memory = memory_resize(&scan->log->allocator, scan->block, (size_t)bytes);

        if (memory == NULL)
            return log_fail(scan->log, FLUME_ERR_NO_MEMORY, 0, scan->strata->first_seq,
                            "no memory to look for the blocks of a strata of %s", scan->log->path);
        scan->block = memory;
        scan->block_room = bytes;
    }
    status = sealed_read(scan->log, scan->strata, scan->block, (size_t)bytes, offset);
    if (status != FLUME_OK)
        return status == FLUME_ERR_DAMAGED ? FLUME_OK : status;
    *out_found = sealed_block_decode(scan->block, bytes, scan->strata->salt, offset, &block);
    return *out_found ? add(scan, &block, offset) : FLUME_OK;
}

static int scan_all(struct block_scan *scan)
{
    uint64_t offset = STRATA_DATA_AT;
    int status = FLUME_OK;

    while (offset + SEALED_BLOCK_HEADER_BYTES <= scan->strata->sealed->blocks_end &&
           status == FLUME_OK) {
        const uint8_t *header = look_at_header(scan, offset, &status);
        uint64_t bytes = GRAIN_ALIGN;
        bool found = false;

        if (status == FLUME_ERR_DAMAGED) { /* This page does not read; the next one may. */
            offset = round_up(offset + 1, STRATA_PAGE_BYTES);
            status = FLUME_OK;
            continue;
        }
        if (header != NULL && is_plausible(scan, header, offset, &bytes))
            status = try_block(scan, offset, bytes, &found);
        offset += found ? bytes : GRAIN_ALIGN;
    }
    return status;
}

int sealed_scan(flume_log *log, struct strata *strata, struct block_index **out_index)
{
    struct block_scan scan = {
        .log = log,
        .strata = strata,
        .budget = strata->data_bytes * HASHED_TIMES_MAX,
        .room = ROOM_FIRST,
    };
    int status = FLUME_ERR_NO_MEMORY;

    scan.index = block_index_create(log, strata, scan.room);
    if (scan.index == NULL)
        return status;
    scan.index->is_found = true;
    scan.window = memory_allocate(&log->allocator, WINDOW_BYTES);
    if (scan.window != NULL)
        status = scan_all(&scan);
    else
        status = log_fail(log, FLUME_ERR_NO_MEMORY, 0, strata->first_seq,
                          "no memory to look for the blocks of a strata of %s", log->path);
    memory_release(&log->allocator, scan.window);
    memory_release(&log->allocator, scan.block);
    if (status == FLUME_OK)
        *out_index = scan.index;
    else
        let_go(&scan.index->item.held);
    return status;
}
