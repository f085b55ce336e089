/*
 * examination_sections.c - what stands behind the blocks of a sealed strata, compared with them.
 */
#include <stdio.h>
#include <string.h>

#include "examination_inside.h"

static bool is_zero(const uint8_t hash[SEALED_HASH_BYTES])
{
    static const uint8_t zero[SEALED_HASH_BYTES];

    return memcmp(hash, zero, sizeof zero) == 0;
}

/* --- Sections --------------------------------------------------------------------------------- */

static const char *section_name(uint32_t id)
{
    static const char *const names[] = {
        [SEALED_SECTION_NONE] = "a section",
        [SEALED_SECTION_BLOCKS] = "the block index",
        [SEALED_SECTION_GRAINS] = "the grain index",
        [SEALED_SECTION_LABELS] = "the labels",
        [SEALED_SECTION_MERKLE] = "the Merkle nodes",
        [SEALED_SECTION_DICTIONARY] = "the dictionary",
        [SEALED_SECTION_PARITY] = "the parity",
        [SEALED_SECTION_LOST] = "the lost records",
        [SEALED_SECTION_DICTIONARY_COPY] = "the copy of the dictionary"};

    return id < sizeof names / sizeof names[0] ? names[id] : "a section";
}

static int tell_section(struct sealed_subject *sealed, const struct sealed_section *section,
                        const char *how)
{
    char what[96];

    (void)snprintf(what, sizeof what, "%s %s", section_name(section->id), how);
    return sealed_tell_part(sealed, section->offset, section->bytes, what);
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

/* Whether the copy of the dictionary is one, and the header page knows where. */
static int compare_dictionaries(struct sealed_subject *sealed, const struct sealed_section *section,
                                bool *out_agree)
{
    const struct sealed_look *look = &sealed->look;
    struct strata_header header = look->header;
    const uint8_t *bytes;
    int status = file_window_look(&sealed->look.window, section->offset, section->bytes, &bytes);

    if (status != FLUME_OK)
        return status;
    sealed_header_point(&header, &look->footer);
    *out_agree =
        bytes != NULL && look->dictionary_bytes == section->bytes &&
        memcmp(bytes, look->dictionary, look->dictionary_bytes) == 0 &&
        (!look->has_header || (header.dictionary_offset == look->header.dictionary_offset &&
                               header.dictionary_bytes == look->header.dictionary_bytes &&
                               header.dictionary_check == look->header.dictionary_check));
    return FLUME_OK;
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
    if (section->id == SEALED_SECTION_DICTIONARY_COPY)
        status = compare_dictionaries(sealed, section, &agrees);
    if (status == FLUME_OK && !agrees)
        return tell_section(sealed, section, "is not what it is a copy of");
    if (status == FLUME_OK && ledger_is_whole(&sealed->subject->examination->ledger))
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

    for (uint32_t i = 0; status == FLUME_OK; i++) { /* What is behind the last one, too. */
        const struct sealed_section *section = i < footer->section_count ? &footer->sections[i]
                                                                         : NULL;
        uint64_t end = section != NULL ? section->offset : footer->file_bytes - STRATA_PAGE_BYTES;
        bool are_zero = true;

        status = sealed_look_zeros(&sealed->look, at, end, &are_zero);
        if (status == FLUME_OK && !are_zero)
            status = sealed_tell_part(sealed, at, end - at, "bytes between sections are not zero");
        if (section == NULL)
            break;
        if (status == FLUME_OK)
            status = look_at_section(sealed, section);
        at = section->offset + section->bytes;
    }
    if (status == FLUME_OK && sealed_section_find(footer, SEALED_SECTION_GRAINS) == NULL)
        status = sealed_tell_part(sealed, at, 0, "there is no grain index");
    if (status == FLUME_OK && sealed_section_find(footer, SEALED_SECTION_LABELS) == NULL &&
        !sealed->sections.labels.overflown)
        status = sealed_tell_part(sealed, at, 0, "there are no labels");
    return status;
}

/* --- The tree and the chain ------------------------------------------------------------------- */

/* Compare the stored nodes with those that are known. A node of zeros stands for one that was
 * lost. */
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
        return sealed_tell_part(sealed, section->offset, section->bytes,
                                "the Merkle nodes are not those of the records");
    if (!lacks && memcmp(root.bytes, footer->root, SEALED_HASH_BYTES) != 0)
        return sealed_tell_part(sealed, section->offset, section->bytes,
                                "the Merkle root is not that of the nodes");
    return FLUME_OK;
}

/* What the footer page says of the chain, and what the strata beside it say. */
int sealed_look_at_chain(struct sealed_subject *sealed)
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
        status =
            sealed_tell_part(sealed, at, STRATA_PAGE_BYTES, "the chain does not go with the root");
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

/* --- Pages ------------------------------------------------------------------------------------ */

int sealed_look_at_footer(struct sealed_subject *sealed)
{
    const struct sealed_look *look = &sealed->look;
    uint64_t at =
        look->row->file_bytes >= STRATA_PAGE_BYTES ? look->row->file_bytes - STRATA_PAGE_BYTES : 0;

    if (look->row->state == ROW_BAD_HEADER && !look->has_footer)
        at = look->window.bytes >= STRATA_PAGE_BYTES ? look->window.bytes - STRATA_PAGE_BYTES : 0;
    if (!look->has_footer)
        return sealed_tell_part(sealed, at, STRATA_PAGE_BYTES, "its footer page is damaged");
    if (look->footer.count != look->total ||
        (look->has_header && look->header.durable != look->footer.first_seq + look->footer.count))
        return sealed_tell_part(sealed, at, STRATA_PAGE_BYTES,
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
    return sealed_tell_part(sealed, look->footer.file_bytes - STRATA_PAGE_BYTES, STRATA_PAGE_BYTES,
                            "its footer page is not what header page and records say");
}

/* Everything behind the blocks. */
int sealed_look_at_rest(struct sealed_subject *sealed)
{
    int status = sealed_look_at_footer(sealed);

    if (status != FLUME_OK || !sealed->look.has_footer)
        return status;
    status = look_at_sections(sealed);
    if (status == FLUME_OK)
        status = look_at_tree(sealed);
    if (status == FLUME_OK)
        status = sealed_look_at_chain(sealed);
    if (status == FLUME_OK && sealed->look.has_header &&
        ledger_is_whole(&sealed->subject->examination->ledger))
        status = compare_footer(sealed);
    return status;
}
