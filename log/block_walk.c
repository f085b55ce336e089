/*
 * block_walk.c - the blocks of a sealed strata file, one after the other, as they lie there.
 */
#include "block_walk.h"

#include <assert.h>
#include <string.h>

enum { SALT_BITS = 64, MISSING_MAX = 1 << 26 };

int block_walk_begin(struct file_window *window, uint64_t salt, uint64_t limit, uint64_t total,
                     bool total_is_known, const uint8_t *dictionary, size_t dictionary_bytes,
                     struct block_walk *out_walk)
{
    memset(out_walk, 0, sizeof *out_walk);
    out_walk->window = window;
    out_walk->salt = salt;
    out_walk->limit = limit < window->bytes ? limit : window->bytes;
    out_walk->total = total < UINT32_MAX ? total : UINT32_MAX;
    out_walk->total_is_known = total_is_known;
    out_walk->at = out_walk->raw_offset = out_walk->told_at = STRATA_DATA_AT;
    out_walk->missing_left = MISSING_MAX;
    out_walk->budget = scan_budget_for(window->bytes);
    if (seal_unpacker_begin(dictionary, dictionary_bytes, &out_walk->unpacker))
        return FLUME_OK;
    return log_fail(window->inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                    "no memory to look at %s", window->path.text);
}

void block_walk_end(struct block_walk *walk)
{
    if (walk->window == NULL)
        return;
    seal_unpacker_end(&walk->unpacker);
    memory_release(walk->window->inspection->options.allocator, walk->raw);
    memset(walk, 0, sizeof *walk);
}

/* --- One block -------------------------------------------------------------------------------- */

/* Whether a block goes on from where the walk is, or leaves out what stand-ins have room for. */
static bool is_next(const struct block_walk *walk, const struct sealed_block *block)
{
    uint64_t missing = block->first_ordinal - walk->ordinal;

    return block->first_ordinal >= walk->ordinal &&
           (uint64_t)block->first_ordinal + block->count <= walk->total &&
           missing <= walk->missing_left && block->raw_offset >= walk->raw_offset &&
           block->raw_offset - walk->raw_offset >= missing * GRAIN_HEADER_BYTES &&
           block->raw_offset + block->raw_bytes <= STRATA_BYTES_MAX - STRATA_PAGE_BYTES;
}

static int unpack(struct block_walk *walk, const struct sealed_block *block, const uint8_t *stored,
                  bool *out_fits)
{
    struct inspection *inspection = walk->window->inspection;

    if (block->raw_bytes > walk->raw_room) {
        uint8_t *memory = memory_resize(inspection->options.allocator, walk->raw, block->raw_bytes);

        if (memory == NULL)
            return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                            "no memory to look at %s", walk->window->path.text);
        walk->raw = memory;
        walk->raw_room = block->raw_bytes;
    }
    *out_fits = seal_unpack(&walk->unpacker, block, walk->salt, stored + SEALED_BLOCK_HEADER_BYTES,
                            walk->raw);
    return FLUME_OK;
}

/* Look for a whole block at an offset. *out_stored NULL: there is none that could come next. */
static int try_block(struct block_walk *walk, uint64_t at, struct sealed_block *out_block,
                     const uint8_t **out_stored)
{
    const uint8_t *bytes;
    uint64_t cost;
    int status;

    *out_stored = NULL;
    if (at + SEALED_BLOCK_HEADER_BYTES > walk->limit)
        return FLUME_OK;
    status = file_window_look(walk->window, at, SEALED_BLOCK_HEADER_BYTES, &bytes);
    if (status != FLUME_OK || bytes == NULL || !sealed_block_peek(bytes, out_block) ||
        !is_next(walk, out_block))
        return status;
    cost = sealed_block_bytes(out_block->stored_bytes);
    if (cost > walk->limit - at || cost > walk->budget.hash_bytes)
        return FLUME_OK;
    status = file_window_look(walk->window, at, cost, &bytes);
    if (status != FLUME_OK || bytes == NULL)
        return status;
    walk->budget.hash_bytes -= cost;
    if (sealed_block_decode(bytes, cost, walk->salt, at, out_block))
        *out_stored = bytes;
    return FLUME_OK;
}

/* --- Steps ------------------------------------------------------------------------------------ */

static int tell_walking(struct block_walk *walk, uint64_t at)
{
    uint64_t bytes = at - walk->told_at;

    assert(at >= walk->told_at); /* A walk goes forward. */
    if (bytes < PROGRESS_BYTES)
        return FLUME_OK;
    walk->told_at = at;
    return inspection_progress(walk->window->inspection, bytes);
}

/* The next block at or behind an offset. *out_at: where; the limit: there is none. */
static int search(struct block_walk *walk, uint64_t at, struct sealed_block *out_block,
                  uint64_t *out_at)
{
    int status = FLUME_OK;

    *out_at = walk->limit;
    for (; at + SEALED_BLOCK_HEADER_BYTES <= walk->limit && status == FLUME_OK; at += GRAIN_ALIGN) {
        const uint8_t *stored;

        status = try_block(walk, at, out_block, &stored);
        if (stored != NULL) {
            *out_at = at;
            return FLUME_OK;
        }
    }
    return status;
}

/* What lies between here and `to` is no block; records up to that ordinal are missing. */
static void step_over(struct block_walk *walk, uint64_t to, uint64_t to_ordinal,
                      struct block_step *out_step)
{
    *out_step = (struct block_step){
        .kind = STEP_GAP,
        .from_ordinal = walk->ordinal,
        .to_ordinal = to_ordinal,
        .from = walk->at,
        .to = to,
        .raw_offset = walk->raw_offset,
    };
    if (to_ordinal < walk->total)
        walk->missing_left -= to_ordinal - walk->ordinal;
    walk->raw_offset += (to_ordinal - walk->ordinal) * GRAIN_HEADER_BYTES;
    walk->ordinal = to_ordinal;
    walk->at = to;
}

static int step_block(struct block_walk *walk, const struct sealed_block *block,
                      const uint8_t *stored, struct block_step *out_step)
{
    uint64_t bytes = sealed_block_bytes(block->stored_bytes);
    bool fits = false;
    int status = unpack(walk, block, stored, &fits);

    if (status != FLUME_OK)
        return status;
    *out_step = (struct block_step){
        .kind = fits ? STEP_BLOCK : STEP_GAP,
        .from_ordinal = block->first_ordinal,
        .to_ordinal = (uint64_t)block->first_ordinal + block->count,
        .from = walk->at,
        .to = walk->at + bytes,
        .raw_offset = block->raw_offset,
        .block = *block,
        .stored = stored,
        .raw = walk->raw,
    };
    walk->at += bytes;
    walk->ordinal = out_step->to_ordinal;
    walk->raw_offset = block->raw_offset + block->raw_bytes;
    return tell_walking(walk, walk->at);
}

int block_walk_next(struct block_walk *walk, struct block_step *out_step)
{
    struct sealed_block block;
    const uint8_t *stored;
    uint64_t found_at;
    int status;

    *out_step = (struct block_step){
        .kind = STEP_END, .from = walk->at, .to = walk->at, .raw_offset = walk->raw_offset};
    if (walk->ordinal >= walk->total || walk->at >= walk->limit) {
        if (walk->total_is_known && walk->ordinal < walk->total)
            step_over(walk, walk->at, walk->total, out_step);
        return FLUME_OK;
    }
    status = try_block(walk, walk->at, &block, &stored);
    if (status != FLUME_OK)
        return status;
    if (stored != NULL && block.first_ordinal > walk->ordinal) { /* Some are missing before it. */
        step_over(walk, walk->at, block.first_ordinal, out_step);
        return FLUME_OK;
    }
    if (stored != NULL)
        return step_block(walk, &block, stored, out_step);
    status = search(walk, walk->at + GRAIN_ALIGN, &block, &found_at);
    if (status != FLUME_OK)
        return status;
    if (found_at < walk->limit)
        step_over(walk, found_at, block.first_ordinal, out_step);
    else if (walk->total_is_known)
        step_over(walk, walk->limit, walk->total, out_step);
    return FLUME_OK;
}

bool block_grain(const struct block_walk *walk, const struct block_step *step, uint32_t index,
                 uint64_t *io_at, struct grain *out_grain)
{
    uint64_t at = *io_at;
    bool reads = grain_decode(step->raw + at, step->block.raw_bytes - at,
                              step->block.first_ordinal + index, walk->salt, step->raw_offset + at,
                              out_grain);

    if (!reads)
        grain_fields(step->raw + at, out_grain);
    *io_at = at + grain_bytes(out_grain->meta_bytes, out_grain->body_bytes);
    return reads;
}

/* --- A salt that no page vouches for ---------------------------------------------------------- */

static bool proves(const uint8_t *stored, uint64_t bytes, uint64_t salt)
{
    struct sealed_block block;

    return sealed_block_decode(stored, bytes, salt, STRATA_DATA_AT, &block);
}

/* This salt, or one that differs in one bit. */
static bool try_salt(const uint8_t *stored, uint64_t bytes, uint64_t salt, uint64_t *out_salt)
{
    if (proves(stored, bytes, salt)) {
        *out_salt = salt;
        return true;
    }
    for (unsigned bit = 0; bit < SALT_BITS; bit++) {
        uint64_t turned = salt ^ UINT64_C(1) << bit;

        if (proves(stored, bytes, turned)) {
            *out_salt = turned;
            return true;
        }
    }
    return false;
}

int block_find_salt(struct file_window *window, uint64_t *out_salt, bool *out_found)
{
    uint64_t salts[2];
    const uint64_t places[2] = {STRATA_SALT_AT,
                                window->bytes - STRATA_PAGE_BYTES + SEALED_FOOTER_SALT_AT};
    struct sealed_block block;
    const uint8_t *bytes;
    uint64_t stored_bytes;
    int status = FLUME_OK;

    *out_found = false;
    if (window->bytes < 3 * STRATA_PAGE_BYTES)
        return FLUME_OK;
    for (size_t i = 0; i < 2; i++) {
        status = file_window_look(window, places[i], sizeof salts[i], &bytes);
        if (status != FLUME_OK)
            return status;
        salts[i] = bytes != NULL ? get_le64(bytes) : 0;
    }
    status = file_window_look(window, STRATA_DATA_AT, SEALED_BLOCK_HEADER_BYTES, &bytes);
    if (status != FLUME_OK || bytes == NULL || !sealed_block_peek(bytes, &block) ||
        block.first_ordinal != 0 || block.raw_offset != STRATA_DATA_AT)
        return status;
    stored_bytes = sealed_block_bytes(block.stored_bytes);
    status = file_window_look(window, STRATA_DATA_AT, stored_bytes, &bytes);
    if (status == FLUME_OK && bytes != NULL)
        *out_found = try_salt(bytes, stored_bytes, salts[0], out_salt) ||
                     try_salt(bytes, stored_bytes, salts[1], out_salt);
    return status;
}
