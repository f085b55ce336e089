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

#include "sealed_look.h"

enum { ROOM_FIRST = 256 };

/* A block, or what lies in the place of one. */
struct stretch {
    uint64_t from_ordinal, to_ordinal;
    uint64_t offset, bytes;
    uint64_t number; /* Of the block. */
};

struct sealed_subject {
    struct subject *subject;
    struct sealed_look look;
    struct block_walk walk;
    struct sections sections;
    struct ledger_maker maker;
    struct stretch *stretches;
    size_t stretch_count, stretch_room;
    uint64_t block_number; /* Of the next one. */
    uint64_t raw_expected; /* Where the next block's records should begin. */
    size_t lost_at;        /* For lost_has(). */
    bool last_is_lost; /* The last record is not what it was: behind it the raw form may jump. */
};

static bool is_zero(const uint8_t hash[SEALED_HASH_BYTES])
{
    static const uint8_t zero[SEALED_HASH_BYTES];

    return memcmp(hash, zero, sizeof zero) == 0;
}

/* --- Telling ------------------------------------------------------------------------------------- */

/* Something in the file is not as it should be, though no record is missing by that. */
static int tell_part(struct sealed_subject *sealed, uint64_t offset, uint64_t bytes,
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

/* --- Blocks -------------------------------------------------------------------------------------- */

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
        status = ledger_add(maker, &grain, offset);
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
        return tell_part(sealed, step->from, bytes, what);
    }
    if (step->raw_offset == sealed->raw_expected || sealed->last_is_lost)
        return FLUME_OK;
    (void)snprintf(what, sizeof what, "block %" PRIu64 " does not go on from the one before it",
                   sealed->block_number);
    return tell_part(sealed, step->from, bytes, what);
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
        return tell_part(sealed, step->from, step->to - step->from, "bytes that are no block");
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
        status = tell_part(sealed, sealed->walk.at, sealed->look.blocks_end - sealed->walk.at,
                           "bytes behind the last block are not zero");
    return status;
}

/* --- Sections ------------------------------------------------------------------------------------ */

static const char *section_name(uint32_t id)
{
    static const char *const names[] = {[SEALED_SECTION_NONE] = "a section",
                                        [SEALED_SECTION_BLOCKS] = "the block index",
                                        [SEALED_SECTION_GRAINS] = "the grain index",
                                        [SEALED_SECTION_LABELS] = "the labels",
                                        [SEALED_SECTION_MERKLE] = "the Merkle nodes",
                                        [SEALED_SECTION_DICTIONARY] = "the dictionary",
                                        [SEALED_SECTION_PARITY] = "the parity",
                                        [SEALED_SECTION_LOST] = "the lost records"};

    return id < sizeof names / sizeof names[0] ? names[id] : "a section";
}

static int tell_section(struct sealed_subject *sealed, const struct sealed_section *section,
                        const char *how)
{
    char what[96];

    (void)snprintf(what, sizeof what, "%s %s", section_name(section->id), how);
    return tell_part(sealed, section->offset, section->bytes, what);
}

/* A section's bytes beside those that it should have. */
struct comparison {
    struct sealed_look *look;
    bool differ;
};

static int compare_bytes(void *ctx, const uint8_t *bytes, size_t count, uint64_t offset)
{
    struct comparison *comparison = ctx;
    const uint8_t *found;
    int status = file_window_look(&comparison->look->window, offset, count, &found);

    if (status == FLUME_OK && (found == NULL || memcmp(found, bytes, count) != 0))
        comparison->differ = true;
    return status;
}

static int write_expected(struct sealed_subject *sealed, uint32_t id, struct seal_output *output)
{
    struct sections *sections = &sealed->sections;

    switch (id) {
    case SEALED_SECTION_BLOCKS:
        return seal_output_put(output, sections->entries,
                               (size_t)sections->block_count * SEALED_BLOCK_ENTRY_BYTES);
    case SEALED_SECTION_GRAINS:
        return seal_index_write(&sections->index, output);
    default:
        return seal_labels_write(&sections->labels, output);
    }
}

/* Whether a section says what follows from the records. */
static int compare_section(struct sealed_subject *sealed, const struct sealed_section *section,
                           bool *out_agrees)
{
    struct comparison comparison = {.look = &sealed->look};
    struct seal_output output = {.log = NULL};
    uint64_t bytes = 0;
    int status;

    *out_agrees = true;
    if (section->id > SEALED_SECTION_LABELS)
        return FLUME_OK;
    if (section->id == SEALED_SECTION_LABELS && sealed->sections.labels.overflown) {
        *out_agrees = false; /* There should be none. */
        return FLUME_OK;
    }
    status = seal_output_begin(sealed->subject->inspection->log, -1, sealed->look.window.path.text,
                               section->offset, &output);
    output.sink = compare_bytes;
    output.sink_ctx = &comparison;
    if (status == FLUME_OK)
        status = write_expected(sealed, section->id, &output);
    if (status == FLUME_OK)
        status = seal_output_flush(&output);
    bytes = seal_output_offset(&output) - section->offset;
    seal_output_end(&output);
    *out_agrees = !comparison.differ && bytes == section->bytes;
    return status;
}

static int look_at_section(struct sealed_subject *sealed, const struct sealed_section *section)
{
    bool holds = true;
    bool agrees = true;
    int status = FLUME_OK;

    if (section->id != SEALED_SECTION_PARITY)
        status = sealed_look_verify(&sealed->look, section, &holds);
    if (status != FLUME_OK)
        return status;
    if (!holds)
        return tell_section(sealed, section,
                            section->id == SEALED_SECTION_GRAINS ? "is damaged"
                            : section->id == SEALED_SECTION_LABELS ||
                                    section->id == SEALED_SECTION_MERKLE
                                ? "are damaged"
                                : "is damaged");
    if (ledger_is_whole(&sealed->subject->examination->ledger))
        status = compare_section(sealed, section, &agrees);
    if (status == FLUME_OK && !agrees)
        status = tell_section(sealed, section, "is not what the records say");
    return status;
}

static int look_at_sections(struct sealed_subject *sealed)
{
    const struct sealed_footer *footer = &sealed->look.footer;
    uint64_t at = sealed->look.blocks_end;
    int status = FLUME_OK;

    for (uint32_t i = 0; i <= footer->section_count && status == FLUME_OK; i++) {
        const struct sealed_section *section = i < footer->section_count ? &footer->sections[i]
                                                                         : NULL;
        uint64_t end = section != NULL ? section->offset : footer->file_bytes - STRATA_PAGE_BYTES;
        bool are_zero = true;

        status = sealed_look_zeros(&sealed->look, at, end, &are_zero);
        if (status == FLUME_OK && !are_zero)
            status = tell_part(sealed, at, end - at, "bytes between sections are not zero");
        if (section == NULL)
            break;
        if (status == FLUME_OK)
            status = look_at_section(sealed, section);
        at = section->offset + section->bytes;
    }
    if (status == FLUME_OK && sealed_section_find(footer, SEALED_SECTION_GRAINS) == NULL)
        status = tell_part(sealed, at, 0, "there is no grain index");
    if (status == FLUME_OK && sealed_section_find(footer, SEALED_SECTION_LABELS) == NULL &&
        !sealed->sections.labels.overflown)
        status = tell_part(sealed, at, 0, "there are no labels");
    return status;
}

/* --- The tree and the chain ---------------------------------------------------------------------- */

/* Compare the stored nodes with those that are known. A node of zeros stands for one that was lost. */
static int look_at_nodes(struct sealed_subject *sealed, bool *out_agree, bool *out_lacks,
                         struct merkle_hash *out_root)
{
    struct sealed_look *look = &sealed->look;
    const struct sealed_section *section =
        sealed_section_find(&look->footer, SEALED_SECTION_MERKLE);
    uint64_t count = merkle_group_count(look->footer.count);
    struct merkle_builder tree;
    struct merkle_hash ignored;

    *out_agree = true;
    *out_lacks = false;
    merkle_builder_init(&tree);
    for (uint64_t group = 0; group < count; group++) {
        const struct merkle_hash *known = sections_node(&sealed->sections, group);
        struct merkle_hash node;
        const uint8_t *bytes;
        int status = file_window_look(&look->window, section->offset + group * sizeof node,
                                      sizeof node, &bytes);

        if (status != FLUME_OK)
            return status;
        if (bytes == NULL)
            *out_agree = false;
        if (bytes == NULL)
            break;
        memcpy(node.bytes, bytes, sizeof node);
        if (is_zero(node.bytes) && look->lost.count > 0)
            *out_lacks = true;
        else if (known != NULL && memcmp(known, &node, sizeof node) != 0)
            *out_agree = false;
        (void)merkle_builder_add(&tree, &node, &ignored);
    }
    (void)merkle_builder_end(&tree, out_root, &ignored);
    return FLUME_OK;
}

static int look_at_tree(struct sealed_subject *sealed)
{
    const struct sealed_section *section =
        sealed_section_find(&sealed->look.footer, SEALED_SECTION_MERKLE);
    const struct sealed_footer *footer = &sealed->look.footer;
    bool holds, agree, lacks;
    struct merkle_hash root;
    int status = sealed_look_verify(&sealed->look, section, &holds);

    if (status != FLUME_OK || !holds || !sealed->look.lost_is_known)
        return status; /* Told already. */
    status = look_at_nodes(sealed, &agree, &lacks, &root);
    if (status != FLUME_OK)
        return status;
    if (!agree)
        return tell_part(sealed, section->offset, section->bytes,
                         "the Merkle nodes are not those of the records");
    if (!lacks && memcmp(root.bytes, footer->root, SEALED_HASH_BYTES) != 0)
        return tell_part(sealed, section->offset, section->bytes,
                         "the Merkle root is not that of the nodes");
    return FLUME_OK;
}

/* What the footer page says of the chain, and what the strata beside it say. */
static int look_at_chain(struct sealed_subject *sealed)
{
    const struct sealed_look *look = &sealed->look;
    const struct survey_seal *seal = &look->row->seal;
    const struct sealed_footer *footer = &look->footer;
    uint64_t at = footer->file_bytes - STRATA_PAGE_BYTES;
    struct merkle_hash before, root, chain;
    int status = FLUME_OK;

    memcpy(before.bytes, footer->chain_before, sizeof before);
    memcpy(root.bytes, footer->root, sizeof root);
    merkle_chain(&before, &root, footer->first_seq, footer->count, &chain);
    /* With lost records the root, and what was before, may not be known any more. */
    if (memcmp(chain.bytes, footer->chain, sizeof chain) != 0 &&
        (look->lost.count == 0 || !is_zero(footer->root)))
        status = tell_part(sealed, at, STRATA_PAGE_BYTES, "the chain does not go with the root");
    if (status == FLUME_OK && seal->has_wanted_chain && !is_zero(seal->wanted_chain) &&
        !is_zero(footer->chain) &&
        memcmp(seal->wanted_chain, footer->chain, SEALED_HASH_BYTES) != 0)
        status = subject_wrong(sealed->subject, NEEDS_REPLACEMENT, at, STRATA_PAGE_BYTES,
                               "is not what the next strata's chain goes on from");
    if (status == FLUME_OK && look->row->first_seq == 0 && !is_zero(footer->chain_before))
        status = subject_wrong(sealed->subject, NEEDS_REPLACEMENT, at, STRATA_PAGE_BYTES,
                               "goes on from a chain, though nothing was before it");
    return status;
}

/* --- Pages --------------------------------------------------------------------------------------- */

static int look_at_footer(struct sealed_subject *sealed)
{
    const struct sealed_look *look = &sealed->look;
    uint64_t at =
        look->row->file_bytes >= STRATA_PAGE_BYTES ? look->row->file_bytes - STRATA_PAGE_BYTES : 0;

    if (look->row->state == ROW_BAD_HEADER && !look->has_footer)
        at = look->window.bytes >= STRATA_PAGE_BYTES ? look->window.bytes - STRATA_PAGE_BYTES : 0;
    if (!look->has_footer)
        return tell_part(sealed, at, STRATA_PAGE_BYTES, "its footer page is damaged");
    if (look->footer.count != look->total ||
        (look->has_header && look->header.durable != look->footer.first_seq + look->footer.count))
        return tell_part(sealed, at, STRATA_PAGE_BYTES,
                         "its footer page counts other records than there are");
    return FLUME_OK;
}

/* What the footer page must say, as far as it follows from header and records. */
static int compare_footer(struct sealed_subject *sealed)
{
    const struct sealed_look *look = &sealed->look;
    struct sealed_footer expected = look->footer;
    uint8_t page[STRATA_PAGE_BYTES], expected_page[STRATA_PAGE_BYTES];

    sections_fill_footer(&sealed->sections, &look->header, &expected);
    if (!sealed->last_is_lost || expected.raw_end < sealed->sections.raw_end)
        expected.raw_end = sealed->sections.raw_end;
    sealed_footer_encode(page, &look->footer);
    sealed_footer_encode(expected_page, &expected);
    if (memcmp(page, expected_page, sizeof page) == 0)
        return FLUME_OK;
    return tell_part(sealed, look->footer.file_bytes - STRATA_PAGE_BYTES, STRATA_PAGE_BYTES,
                     "its footer page is not what header page and records say");
}

/* Everything behind the blocks. */
static int look_at_rest(struct sealed_subject *sealed)
{
    int status = look_at_footer(sealed);

    if (status != FLUME_OK || !sealed->look.has_footer)
        return status;
    status = look_at_sections(sealed);
    if (status == FLUME_OK)
        status = look_at_tree(sealed);
    if (status == FLUME_OK)
        status = look_at_chain(sealed);
    if (status == FLUME_OK && sealed->look.has_header &&
        ledger_is_whole(&sealed->subject->examination->ledger))
        status = compare_footer(sealed);
    return status;
}

/* --- All of it ----------------------------------------------------------------------------------- */

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
        status = look_at_rest(sealed);
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
        status = look_at_footer(sealed);
    if (status == FLUME_OK && sealed->look.has_footer)
        status = look_at_chain(sealed);
    return status;
}

int examine_sealed_pages(struct subject *subject)
{
    return examine_with(subject, examine_pages);
}
