/*
 * sealed_draft_blocks.c - the blocks of a strata that is written anew.
 *
 * A block whose grains are all intact is copied as it is stored. Where a grain is bad or gets a
 * flag, the others go on in blocks of their own, because sizes lead from one grain of a block to
 * the next; they are stored as they are, for that is rare. Every grain keeps its raw offset, and so
 * its check.
 */
#include <assert.h>
#include <string.h>

#include "sealed_draft.h"

static int no_memory(const struct sealed_draft *draft)
{
    return log_fail(draft->inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                    "no memory to repair %s", draft->inspection->log->path);
}

static bool is_there(const struct sealed_draft *draft, uint64_t ordinal)
{
    return ordinal < draft->ledger->count && draft->ledger->offsets[ordinal] != 0;
}

/* What a grain's flags should be. */
static uint8_t wanted_flags(const struct sealed_draft *draft, const struct grain *grain)
{
    uint8_t flags = grain->flags;

    if ((draft->ledger->marks[grain->ordinal] & LEDGER_BROKEN) != 0 &&
        grain->kind != FLUME_KIND_LOST)
        flags |= FLUME_RECORD_BROKEN;
    if (grain->ordinal + (uint64_t)1 == draft->total && (flags & FLUME_RECORD_BATCH) != 0) {
        flags &= (uint8_t)~FLUME_RECORD_BATCH; /* Nothing follows in this strata. */
        flags |= FLUME_RECORD_BROKEN;
    }
    return flags;
}

/* Whether a grain was not what was sealed, already before. Without the list those count that may
 * be. */
static bool was_lost(struct sealed_draft *draft, const struct grain *grain)
{
    if (draft->look.lost_is_damaged)
        return grain->kind == FLUME_KIND_LOST || (grain->flags & FLUME_RECORD_BROKEN) != 0;
    return lost_has(&draft->look.lost, grain->ordinal, &draft->lost_at);
}

/* Enter a grain that lies in the output, or will. */
static int note_grain(struct sealed_draft *draft, const uint8_t *source, const struct grain *grain,
                      uint64_t raw_offset, bool has_changed)
{
    int status = FLUME_OK;

    draft->last_is_lost = was_lost(draft, grain) || has_changed;
    if (draft->last_is_lost)
        status = lost_add(draft->inspection, &draft->sections.lost, grain->ordinal, 1);
    draft->last_time_ns = grain->time_ns;
    if (draft->row->first_seq + grain->ordinal == draft->wanted)
        draft->wanted_check = grain->check;
    return status == FLUME_OK ? sections_add_grain(&draft->sections, source, grain, raw_offset,
                                                   draft->last_is_lost)
                              : status;
}

/* --- Blocks of our own ------------------------------------------------------------------------ */

/* Room in the output for a block with so many stored bytes; *out_at: where in the file. */
static uint8_t *block_space(struct sealed_draft *draft, uint64_t stored_bytes, uint64_t *out_at,
                            int *out_status)
{
    uint8_t *target =
        seal_output_space(&draft->output, (size_t)sealed_block_bytes(stored_bytes), out_status);

    *out_at = seal_output_offset(&draft->output);
    return target;
}

static int run_flush(struct sealed_draft *draft)
{
    struct sealed_block block = {
        .raw_offset = draft->run_raw_offset,
        .first_ordinal = draft->run_first_ordinal,
        .count = draft->run_count,
        .stored_bytes = (uint32_t)draft->run_used,
        .raw_bytes = (uint32_t)draft->run_used,
        .codec = SEALED_STORED,
    };
    uint64_t at;
    uint8_t *target;
    int status;

    if (draft->run_count == 0)
        return FLUME_OK;
    target = block_space(draft, draft->run_used, &at, &status);
    if (target == NULL)
        return status;
    memcpy(target + SEALED_BLOCK_HEADER_BYTES, draft->run, draft->run_used);
    sealed_block_encode(target, &block, draft->header.salt, at);
    seal_output_take(&draft->output, (size_t)sealed_block_bytes(draft->run_used));
    draft->run_used = 0;
    draft->run_count = 0;
    return sections_add_block(&draft->sections, &block, at);
}

/* Append a grain's bytes to the run; *out_copy: where they are now. */
static int run_put(struct sealed_draft *draft, const uint8_t *source, const struct grain *grain,
                   uint64_t raw_offset, uint8_t **out_copy)
{
    size_t bytes = (size_t)grain_bytes(grain->meta_bytes, grain->body_bytes);
    int status = FLUME_OK;

    /* What does not go on where the run ends comes behind a flush. */
    assert(draft->run_count == 0 || raw_offset == draft->run_raw_offset + draft->run_used);
    if (draft->run_used + bytes > SEALED_BLOCK_BYTES_DEFAULT)
        status = run_flush(draft);
    if (status != FLUME_OK)
        return status;
    if (draft->run_used + bytes > draft->run_room) {
        size_t room = draft->run_used + bytes + SEALED_BLOCK_BYTES_DEFAULT;
        void *run = memory_resize(draft->inspection->options.allocator, draft->run, room);

        if (run == NULL)
            return no_memory(draft);
        draft->run = run;
        draft->run_room = room;
    }
    if (draft->run_count == 0) {
        draft->run_raw_offset = raw_offset;
        draft->run_first_ordinal = grain->ordinal;
    }
    *out_copy = draft->run + draft->run_used;
    memcpy(*out_copy, source, bytes);
    draft->run_used += bytes;
    draft->run_count++;
    return FLUME_OK;
}

/* Work the check of a grain out for what it is now, and enter it. */
static int run_finish(struct sealed_draft *draft, uint8_t *copy, struct grain *grain,
                      uint64_t raw_offset, bool has_changed)
{
    size_t meta_bytes;
    const uint8_t *meta = grain_meta(copy, grain, &meta_bytes);

    if (has_changed)
        grain_header_encode(
            copy, grain,
            grain_payload_hash(meta, meta_bytes, grain_body(copy, grain), grain->body_bytes),
            draft->header.salt, raw_offset);
    grain->check = get_le64(copy + GRAIN_CHECK_AT);
    return note_grain(draft, copy, grain, raw_offset, has_changed);
}

static int put_stand_in(struct sealed_draft *draft, uint64_t ordinal, uint64_t raw_offset)
{
    static const uint8_t empty[GRAIN_HEADER_BYTES];
    struct grain grain = {
        .time_ns = draft->last_time_ns,
        .ordinal = (uint32_t)ordinal,
        .writer = GRAIN_WRITER_NONE,
        .kind = FLUME_KIND_LOST,
    };
    uint8_t *copy;
    int status = run_put(draft, empty, &grain, raw_offset, &copy);

    return status == FLUME_OK ? run_finish(draft, copy, &grain, raw_offset, true) : status;
}

/* Stand-ins, side by side from a raw offset on, in blocks of their own. */
static int put_stand_ins(struct sealed_draft *draft, uint64_t from, uint64_t to,
                         uint64_t raw_offset)
{
    int status = run_flush(draft);

    for (; from < to && status == FLUME_OK; from++, raw_offset += GRAIN_HEADER_BYTES) {
        status = put_stand_in(draft, from, raw_offset);
        if (status == FLUME_OK && from % PROGRESS_BYTES == 0)
            status = inspection_pulse(draft->inspection);
    }
    return status == FLUME_OK ? run_flush(draft) : status;
}

/* --- Blocks as they are ----------------------------------------------------------------------- */

/* Whether all grains of a block stay as they are. */
static bool stays(const struct sealed_draft *draft, const struct block_step *step)
{
    uint64_t at = 0;

    for (uint32_t i = 0; i < step->block.count; i++) {
        struct grain grain;

        if (!block_grain(&draft->walk, step, i, &at, &grain) || !is_there(draft, grain.ordinal) ||
            wanted_flags(draft, &grain) != grain.flags)
            return false;
    }
    return true;
}

static int copy_block(struct sealed_draft *draft, const struct block_step *step)
{
    uint64_t at = 0;
    uint64_t file_at;
    int status;
    uint8_t *target = block_space(draft, step->block.stored_bytes, &file_at, &status);

    if (target == NULL)
        return status;
    memcpy(target + SEALED_BLOCK_HEADER_BYTES, step->stored + SEALED_BLOCK_HEADER_BYTES,
           step->block.stored_bytes);
    sealed_block_encode(target, &step->block, draft->header.salt, file_at);
    seal_output_take(&draft->output, (size_t)sealed_block_bytes(step->block.stored_bytes));
    for (uint32_t i = 0; i < step->block.count && status == FLUME_OK; i++) {
        uint64_t raw_offset = step->raw_offset + at;
        const uint8_t *source = step->raw + at;
        struct grain grain;

        if (!block_grain(&draft->walk, step, i, &at, &grain))
            return FLUME_ERR_DAMAGED; /* It was valid a moment ago: this machine's memory is bad. */
        status = note_grain(draft, source, &grain, raw_offset, false);
    }
    return status == FLUME_OK ? sections_add_block(&draft->sections, &step->block, file_at)
                              : status;
}

/* What reads of a block, in blocks of their own, with stand-ins between. */
static int divide_block(struct sealed_draft *draft, const struct block_step *step)
{
    uint64_t at = 0;
    int status = FLUME_OK;

    for (uint32_t i = 0; i < step->block.count && status == FLUME_OK; i++) {
        uint64_t raw_offset = step->raw_offset + at;
        uint64_t ordinal = step->from_ordinal + i;
        const uint8_t *source = step->raw + at;
        struct grain grain;
        uint8_t *copy;
        uint8_t flags;

        if (!block_grain(&draft->walk, step, i, &at, &grain) || !is_there(draft, ordinal)) {
            status = put_stand_ins(draft, ordinal, ordinal + 1, raw_offset);
            continue;
        }
        flags = wanted_flags(draft, &grain);
        status = run_put(draft, source, &grain, raw_offset, &copy);
        if (status == FLUME_OK) {
            bool has_changed = flags != grain.flags;

            grain.flags = flags;
            status = run_finish(draft, copy, &grain, raw_offset, has_changed);
        }
    }
    return status == FLUME_OK ? run_flush(draft) : status;
}

int sealed_draft_blocks(struct sealed_draft *draft)
{
    struct block_step step;
    uint64_t ordinal = 0;
    uint64_t raw_offset = STRATA_DATA_AT;
    int status = FLUME_OK;

    while (draft->walk.window != NULL && status == FLUME_OK) {
        status = block_walk_next(&draft->walk, &step);
        if (status != FLUME_OK || step.kind == STEP_END)
            break;
        if (step.kind == STEP_GAP)
            status = put_stand_ins(draft, step.from_ordinal, step.to_ordinal, step.raw_offset);
        else
            status = stays(draft, &step) ? copy_block(draft, &step) : divide_block(draft, &step);
        ordinal = step.to_ordinal;
    }
    if (draft->sections.block_count > 0)
        raw_offset = draft->sections.raw_end;
    if (status == FLUME_OK && ordinal < draft->total)
        status = put_stand_ins(draft, ordinal, draft->total, raw_offset);
    return status;
}
