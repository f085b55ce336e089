/*
 * examination_sealed.c - one sealed strata, looked at as a whole.
 *
 * The blocks come first, by themselves. What the sections and the footer page must say follows from
 * the records in them; it is made once more and compared byte for byte. A sealed strata was synced
 * and read back before it got its name, so whatever differs is damage.
 *
 * Where records are missing, of the indexes only the checks are compared: what they should say is
 * not known any more.
 */
#include "examination_sealed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "examination_inside.h"

enum { ROOM_FIRST = 256 };

/* --- Telling ---------------------------------------------------------------------------------- */

int sealed_tell_part(struct sealed_subject *sealed, uint64_t offset, uint64_t bytes,
                     const char *what)
{
    struct subject *subject = sealed->subject;
    struct finding_place place = subject_place(subject, offset, bytes);

    subject->examination->needs |= NEEDS_REPLACEMENT;
    subject->examination->findings++;
    return inspection_tell(subject->inspection, FLUME_FINDING_SIDE_FILE, FINDING_DAMAGE, &place,
                           "%s: %s (offset %" PRIu64 ", %" PRIu64 " bytes)", place.file, what,
                           offset, bytes);
}

static int add_stretch(struct sealed_subject *sealed, const struct stretch *stretch)
{
    struct inspection *inspection = sealed->subject->inspection;

    if (sealed->stretch_count == sealed->stretch_room) {
        size_t room = sealed->stretch_room == 0 ? ROOM_FIRST : sealed->stretch_room * 2;
        void *memory = memory_resize(inspection->options.allocator, sealed->stretches,
                                     room * sizeof *sealed->stretches);

        if (memory == NULL)
            return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                            "no memory to look at %s", inspection->log->path);
        sealed->stretches = memory;
        sealed->stretch_room = room;
    }
    sealed->stretches[sealed->stretch_count++] = *stretch;
    return FLUME_OK;
}

/* Of a gap the block index, if it holds, tells which blocks it was. */
static int add_gap(struct sealed_subject *sealed, const struct block_step *step)
{
    const struct sealed_look *look = &sealed->look;
    uint64_t from = step->from_ordinal;
    int status = FLUME_OK;

    for (uint32_t i = 0; i < look->entry_count && status == FLUME_OK; i++) {
        struct sealed_block_entry entry, next = {.first_ordinal = UINT32_MAX};
        uint64_t to = step->to_ordinal;

        sealed_block_entry_decode(look->entries + (size_t)i * SEALED_BLOCK_ENTRY_BYTES, &entry);
        if (i + 1 < look->entry_count)
            sealed_block_entry_decode(look->entries + ((size_t)i + 1) * SEALED_BLOCK_ENTRY_BYTES,
                                      &next);
        if (next.first_ordinal < to)
            to = next.first_ordinal;
        if (from < entry.first_ordinal || from >= to)
            continue;
        status = add_stretch(sealed, &(struct stretch){from, to, entry.file_offset,
                                                       sealed_block_bytes(entry.stored_bytes), i});
        sealed->block_number = (uint64_t)i + 1;
        from = to;
    }
    if (from < step->to_ordinal && status == FLUME_OK)
        status =
            add_stretch(sealed, &(struct stretch){from, step->to_ordinal, step->from,
                                                  step->to - step->from, sealed->block_number++});
    return status;
}

static int tell_bad(struct sealed_subject *sealed, const struct stretch *stretch, uint64_t from,
                    uint64_t to)
{
    struct subject *subject = sealed->subject;
    struct finding_place place = subject_place(subject, stretch->offset, stretch->bytes);
    char last[32] = "";

    place.first_seq = subject->row->first_seq + from;
    place.last_seq = subject->row->first_seq + to - 1;
    if (to - from > 1)
        (void)snprintf(last, sizeof last, " to %" PRIu64, place.last_seq);
    return inspection_tell(
        subject->inspection, FLUME_FINDING_DAMAGED_RECORD, FINDING_DAMAGE, &place,
        "%s: block %" PRIu64 " (offset %" PRIu64 ", %" PRIu64 " bytes): seq %" PRIu64
        "%s cannot be read",
        place.file, stretch->number, place.offset, place.bytes, place.first_seq, last);
}

/* A run of records that are alike; what does not read is told by blocks. *io_at: the stretch of the
 * first one, found before. */
static int tell_run(struct sealed_subject *sealed, enum ledger_entry entry, uint64_t from,
                    uint64_t to, size_t *io_at)
{
    struct subject *subject = sealed->subject;
    const struct stretch *stretches = sealed->stretches;
    int status = FLUME_OK;

    for (size_t at = *io_at; at < sealed->stretch_count && from < to && status == FLUME_OK; at++) {
        uint64_t end = stretches[at].to_ordinal < to ? stretches[at].to_ordinal : to;
        struct finding_place place =
            subject_place(subject, stretches[at].offset, stretches[at].bytes);

        *io_at = at;
        if (end <= from)
            continue;
        place.first_seq = subject->row->first_seq + from;
        place.last_seq = subject->row->first_seq + end - 1;
        if (entry == LEDGER_ENTRY_BAD)
            status = tell_bad(sealed, &stretches[at], from, end);
        else
            status =
                ledger_tell_run(subject->inspection, &subject->examination->ledger, entry, &place);
        from = end;
    }
    return status;
}

static int tell_records(struct sealed_subject *sealed)
{
    const struct ledger *ledger = &sealed->subject->examination->ledger;
    size_t at = 0;
    int status = FLUME_OK;

    for (uint64_t from = 0, to; from < ledger->total && status == FLUME_OK; from = to) {
        enum ledger_entry entry = ledger_run(ledger, from, &to);

        if (entry != LEDGER_ENTRY_GOOD)
            status = tell_run(sealed, entry, from, to, &at);
    }
    return status;
}

/* --- Blocks ----------------------------------------------------------------------------------- */

static void note_check(struct subject *subject, const struct grain *grain)
{
    struct inspection *inspection = subject->inspection;
    uint64_t behind = subject->row->first_seq + grain->ordinal + 1;

    if (inspection->has_gate && behind == inspection->gate.seq)
        subject->examination->gate_check = grain->check;
    if (behind == inspection->noted_seq)
        subject->examination->noted_check = grain->check;
}

static int take_grains(struct sealed_subject *sealed, const struct block_step *step)
{
    struct ledger_maker *maker = &sealed->maker;
    uint64_t at = 0;
    int status = FLUME_OK;

    for (uint32_t i = 0; i < step->block.count && status == FLUME_OK; i++) {
        uint64_t offset = step->raw_offset + at;
        const uint8_t *source = step->raw + at;
        struct grain grain;

        if (!block_grain(&sealed->walk, step, i, &at, &grain)) {
            ledger_break(maker, (grain.flags & FLUME_RECORD_BATCH) != 0);
            sealed->last_is_lost = false;
            continue;
        }
        sealed->last_is_lost = lost_has(&sealed->look.lost, grain.ordinal, &sealed->lost_at);
        note_check(sealed->subject, &grain);
        status = ledger_add(maker, &grain, source, offset);
        if (status == FLUME_OK)
            status =
                sections_add_grain(&sealed->sections, source, &grain, offset, sealed->last_is_lost);
    }
    return status;
}

/* What no check covers: zeros behind the stored bytes, and that blocks lead on from each other. */
static int look_at_seams(struct sealed_subject *sealed, const struct block_step *step)
{
    uint64_t used = SEALED_BLOCK_HEADER_BYTES + (uint64_t)step->block.stored_bytes;
    uint64_t bytes = step->to - step->from;
    char what[80];

    if (scan_last_nonzero(step->stored, used, bytes) != used) {
        (void)snprintf(what, sizeof what, "bytes behind block %" PRIu64 " are not zero",
                       sealed->block_number);
        return sealed_tell_part(sealed, step->from, bytes, what);
    }
    if (step->raw_offset == sealed->raw_expected || sealed->last_is_lost)
        return FLUME_OK;
    (void)snprintf(what, sizeof what, "block %" PRIu64 " does not go on from the one before it",
                   sealed->block_number);
    return sealed_tell_part(sealed, step->from, bytes, what);
}

static int take_block(struct sealed_subject *sealed, const struct block_step *step)
{
    int status = look_at_seams(sealed, step);

    if (status == FLUME_OK)
        status =
            add_stretch(sealed, &(struct stretch){step->from_ordinal, step->to_ordinal, step->from,
                                                  step->to - step->from, sealed->block_number++});
    if (status == FLUME_OK)
        status = take_grains(sealed, step);
    sealed->raw_expected = step->raw_offset + step->block.raw_bytes;
    return status == FLUME_OK ? sections_add_block(&sealed->sections, &step->block, step->from)
                              : status;
}

static int take_gap(struct sealed_subject *sealed, const struct block_step *step)
{
    sealed->last_is_lost = true; /* What comes next may lie anywhere behind. */
    if (step->from_ordinal == step->to_ordinal)
        return sealed_tell_part(sealed, step->from, step->to - step->from,
                                "bytes that are no block");
    ledger_break(&sealed->maker, true);
    return add_gap(sealed, step);
}

static int take_blocks(struct sealed_subject *sealed)
{
    struct ledger *ledger = &sealed->subject->examination->ledger;
    struct block_step step;
    bool are_zero = true;
    int status;

    do {
        status = block_walk_next(&sealed->walk, &step);
        if (status == FLUME_OK && step.kind == STEP_BLOCK)
            status = take_block(sealed, &step);
        else if (status == FLUME_OK && step.kind == STEP_GAP)
            status = take_gap(sealed, &step);
    } while (status == FLUME_OK && step.kind != STEP_END);
    ledger_break(&sealed->maker, false);
    ledger->total = sealed->look.total_is_known ? sealed->look.total : sealed->walk.ordinal;
    if (status == FLUME_OK && sealed->look.has_footer)
        status =
            sealed_look_zeros(&sealed->look, sealed->walk.at, sealed->look.blocks_end, &are_zero);
    if (status == FLUME_OK && !are_zero)
        status = sealed_tell_part(sealed, sealed->walk.at,
                                  sealed->look.blocks_end - sealed->walk.at,
                                  "bytes behind the last block are not zero");
    return status;
}

/* --- All of it -------------------------------------------------------------------------------- */

static int walk_begin(struct sealed_subject *sealed)
{
    struct subject *subject = sealed->subject;
    struct sealed_look *look = &sealed->look;
    int status;

    sealed->raw_expected = STRATA_DATA_AT;
    ledger_begin(subject->inspection, &subject->examination->ledger, &sealed->maker);
    status = sections_begin(subject->inspection, subject->row->first_seq, subject->row->salt,
                            &sealed->sections);
    if (status == FLUME_OK)
        status = block_walk_begin(&look->window, subject->row->salt, look->blocks_end, look->total,
                                  look->total_is_known, look->dictionary, look->dictionary_bytes,
                                  &sealed->walk);
    return status;
}

static int examine_all(struct sealed_subject *sealed)
{
    struct subject *subject = sealed->subject;
    uint64_t done = subject->inspection->progress_done;
    uint64_t bytes = sealed->look.window.bytes;
    int status = subject_file(subject);

    subject->inspection->report.bytes += bytes;
    if (status == FLUME_OK)
        status = walk_begin(sealed);
    if (status == FLUME_OK)
        status = take_blocks(sealed);
    if (status == FLUME_OK)
        status = sections_settle(&sealed->sections, subject->examination->ledger.total);
    if (status == FLUME_OK)
        subject_note(subject);
    if (status == FLUME_OK)
        status = tell_records(sealed);
    if (status == FLUME_OK)
        status = sealed_look_at_rest(sealed);
    if (status == FLUME_OK && subject->inspection->progress_done < done + bytes)
        status = inspection_progress(subject->inspection,
                                     done + bytes - subject->inspection->progress_done);
    return status;
}

static void sealed_subject_end(struct sealed_subject *sealed)
{
    const flume_allocator *allocator = sealed->subject->inspection->options.allocator;

    block_walk_end(&sealed->walk);
    sections_end(&sealed->sections);
    sealed_look_end(&sealed->look);
    memory_release(allocator, sealed->stretches);
    memory_release(allocator, sealed);
}

static int examine_with(struct subject *subject, int (*examine_part)(struct sealed_subject *sealed))
{
    struct inspection *inspection = subject->inspection;
    struct sealed_subject *sealed =
        memory_allocate_zeroed(inspection->options.allocator, 1, sizeof *sealed);
    int status;

    if (sealed == NULL)
        return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to look at %s", inspection->log->path);
    sealed->subject = subject;
    status = sealed_look_begin(inspection, subject->row, &sealed->look);
    if (status == FLUME_OK)
        status = examine_part(sealed);
    sealed_subject_end(sealed);
    return status;
}

int examine_sealed(struct subject *subject)
{
    return examine_with(subject, examine_all);
}

static int examine_pages(struct sealed_subject *sealed)
{
    int status = subject_file(sealed->subject);

    if (status == FLUME_OK)
        status = sealed_look_at_footer(sealed);
    if (status == FLUME_OK && sealed->look.has_footer)
        status = sealed_look_at_chain(sealed);
    return status;
}

int examine_sealed_pages(struct subject *subject)
{
    return examine_with(subject, examine_pages);
}
