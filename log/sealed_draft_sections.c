/*
 * sealed_draft_sections.c - what stands behind the blocks of a strata that is written anew.
 *
 * Indexes follow from the records. Of the Merkle tree the nodes over records that are what they
 * were follow from them too; the others are taken from the old section as long as that holds: they
 * stand for what was written.
 */
#include <assert.h>
#include <string.h>

#include "parity.h"
#include "parity_strata.h"
#include "seal_parity.h"
#include "sealed_draft.h"

enum { DAMAGED_BITS_MAX = 8 };

static bool is_zero(const uint8_t hash[SEALED_HASH_BYTES])
{
    static const uint8_t zero[SEALED_HASH_BYTES];

    return memcmp(hash, zero, sizeof zero) == 0;
}

/* --- One section ------------------------------------------------------------------------------ */

static void section_begin(struct sealed_draft *draft, uint32_t id, XXH3_state_t *check)
{
    struct sealed_section *section = &draft->footer.sections[draft->footer.section_count++];

    seal_output_align(&draft->output, GRAIN_ALIGN);
    *section = (struct sealed_section){.id = id, .offset = seal_output_offset(&draft->output)};
    memset(check, 0, sizeof *check); /* Compilers do not see that resetting does it. */
    (void)XXH3_64bits_reset_withSeed(check, draft->header.salt + section->offset);
    draft->output.check = check;
}

static void section_end(struct sealed_draft *draft)
{
    struct sealed_section *section = &draft->footer.sections[draft->footer.section_count - 1];

    section->bytes = seal_output_offset(&draft->output) - section->offset;
    section->check = XXH3_64bits_digest(draft->output.check);
    draft->output.check = NULL;
}

/* --- The tree --------------------------------------------------------------------------------- */

/* The nodes of a strata, each with how it is known. */
struct nodes {
    struct merkle_hash *hashes;
    uint64_t count;
    bool some_are_stored, some_are_zero;
};

/* The old nodes, where their section holds, under those that are known. */
static int gather_nodes(struct sealed_draft *draft, struct nodes *nodes)
{
    const struct sealed_section *section = sealed_look_section(&draft->look, SEALED_SECTION_MERKLE);
    bool holds = false;
    int status = FLUME_OK;

    if (section != NULL && draft->look.footer.count == draft->total)
        status = sealed_look_verify(&draft->look, section, &holds);
    for (uint64_t group = 0; group < nodes->count && status == FLUME_OK; group++) {
        const struct merkle_hash *known = sections_node(&draft->sections, group);
        const uint8_t *bytes = NULL;

        if (known != NULL) {
            nodes->hashes[group] = *known;
            continue;
        }
        if (holds)
            status = file_window_look(&draft->look.window,
                                      section->offset + group * sizeof *nodes->hashes,
                                      sizeof *nodes->hashes, &bytes);
        if (bytes != NULL)
            memcpy(&nodes->hashes[group], bytes, sizeof *nodes->hashes);
        if (is_zero(nodes->hashes[group].bytes))
            nodes->some_are_zero = true;
        else
            nodes->some_are_stored = true;
    }
    return status;
}

/* Old nodes that do not lead to the old root are not believed. */
static void doubt_nodes(struct sealed_draft *draft, struct nodes *nodes)
{
    for (uint64_t group = 0; group < nodes->count; group++) {
        if (sections_node(&draft->sections, group) == NULL)
            memset(&nodes->hashes[group], 0, sizeof nodes->hashes[group]);
    }
    nodes->some_are_zero = true;
}

static void settle_root(struct sealed_draft *draft, struct nodes *nodes)
{
    struct sealed_footer *footer = &draft->footer;
    struct merkle_hash root;

    if (!nodes->some_are_zero) {
        merkle_root(nodes->hashes, nodes->count, &root);
        if (draft->look.has_footer && nodes->some_are_stored &&
            memcmp(root.bytes, draft->look.footer.root, sizeof root) != 0)
            doubt_nodes(draft, nodes);
    }
    if (!nodes->some_are_zero)
        memcpy(footer->root, root.bytes, sizeof root);
    else if (draft->look.has_footer && draft->look.footer.count == draft->total)
        memcpy(footer->root, draft->look.footer.root, sizeof footer->root);
    else
        memset(footer->root, 0, sizeof footer->root);
}

static void settle_before(struct sealed_draft *draft)
{
    const struct survey_seal *seal = &draft->row->seal;
    struct sealed_footer *footer = &draft->footer;

    memset(footer->chain_before, 0, sizeof footer->chain_before);
    if (draft->row->first_seq == 0)
        return;
    if (draft->before->is_known && !is_zero(draft->before->hash))
        memcpy(footer->chain_before, draft->before->hash, sizeof footer->chain_before);
    else if (seal->has_wanted_before && !is_zero(seal->wanted_before))
        memcpy(footer->chain_before, seal->wanted_before, sizeof footer->chain_before);
    else if (draft->look.has_footer)
        memcpy(footer->chain_before, draft->look.footer.chain_before, sizeof footer->chain_before);
}

/* The next strata goes on from another chain: what is here is not what was sealed. */
static int disown(struct sealed_draft *draft, struct nodes *nodes)
{
    memset(nodes->hashes, 0, (size_t)nodes->count * sizeof *nodes->hashes);
    memset(draft->footer.root, 0, sizeof draft->footer.root);
    memcpy(draft->footer.chain, draft->row->seal.wanted_chain, sizeof draft->footer.chain);
    lost_release(draft->inspection, &draft->sections.lost);
    return lost_add(draft->inspection, &draft->sections.lost, 0, (uint32_t)draft->total);
}

static int settle_chain(struct sealed_draft *draft, struct nodes *nodes)
{
    const struct survey_seal *seal = &draft->row->seal;
    struct sealed_footer *footer = &draft->footer;
    bool is_wanted = seal->has_wanted_chain && !is_zero(seal->wanted_chain);
    struct merkle_hash before, root, chain;

    memcpy(before.bytes, footer->chain_before, sizeof before);
    memcpy(root.bytes, footer->root, sizeof root);
    merkle_chain(&before, &root, footer->first_seq, footer->count, &chain);
    if (is_zero(footer->root)) {
        memset(&chain, 0, sizeof chain);
        if (is_wanted)
            memcpy(chain.bytes, seal->wanted_chain, sizeof chain);
        else if (draft->look.has_footer)
            memcpy(chain.bytes, draft->look.footer.chain, sizeof chain);
    }
    memcpy(footer->chain, chain.bytes, sizeof chain);
    if (is_wanted && memcmp(chain.bytes, seal->wanted_chain, sizeof chain) != 0)
        return disown(draft, nodes);
    return FLUME_OK;
}

static int section_nodes(struct sealed_draft *draft)
{
    const flume_allocator *allocator = draft->inspection->options.allocator;
    struct nodes nodes = {.count = merkle_group_count(draft->total)};
    XXH3_state_t check;
    int status;

    nodes.hashes = memory_allocate_zeroed(allocator, (size_t)nodes.count, sizeof *nodes.hashes);
    if (nodes.hashes == NULL)
        return log_fail(draft->inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to repair %s", draft->inspection->log->path);
    status = gather_nodes(draft, &nodes);
    if (status == FLUME_OK) {
        settle_before(draft);
        settle_root(draft, &nodes);
        status = settle_chain(draft, &nodes);
    }
    if (status == FLUME_OK) {
        section_begin(draft, SEALED_SECTION_MERKLE, &check);
        status = seal_output_put(&draft->output, nodes.hashes,
                                 (size_t)nodes.count * sizeof *nodes.hashes);
        section_end(draft);
    }
    memory_release(allocator, nodes.hashes);
    return status;
}

/* --- All sections ----------------------------------------------------------------------------- */

static int write_section(struct sealed_draft *draft, uint32_t id)
{
    struct sections *sections = &draft->sections;

    switch (id) {
    case SEALED_SECTION_BLOCKS:
        return seal_output_put(&draft->output, sections->entries,
                               (size_t)sections->block_count * SEALED_BLOCK_ENTRY_BYTES);
    case SEALED_SECTION_GRAINS:
        return seal_index_write(&sections->index, &draft->output);
    case SEALED_SECTION_LABELS:
        return seal_labels_write(&sections->labels, &draft->output);
    case SEALED_SECTION_DICTIONARY:
    case SEALED_SECTION_DICTIONARY_COPY:
        return seal_output_put(&draft->output, draft->look.dictionary,
                               draft->look.dictionary_bytes);
    default:
        return lost_write(&sections->lost, &draft->output);
    }
}

static int put_section(struct sealed_draft *draft, uint32_t id)
{
    XXH3_state_t check;
    int status;

    section_begin(draft, id, &check);
    status = write_section(draft, id);
    section_end(draft);
    return status;
}

/* --- Parity ----------------------------------------------------------------------------------- */

/* Of parity beside the strata: it is made anew once the strata has its name (mend_settle()). */
static int find_side(struct sealed_draft *draft)
{
    flume_log *log = draft->inspection->log;
    struct parity_io side_io = {.io = log->io};
    struct parity *parity = NULL;
    char name[STRATA_NAME_BYTES];
    flume_io_stat file_stat;
    struct parity_file file;
    struct path path;
    int status = FLUME_ERR_NOT_FOUND;

    if (draft->look.has_footer) {
        draft->footer.side_data_cells = draft->look.footer.side_data_cells;
        draft->footer.side_parity_cells = draft->look.footer.side_parity_cells;
        return FLUME_OK;
    }
    parity_name(name, draft->row->first_seq);
    log_path(log, "log", name, &path);
    side_io.file = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (side_io.file < 0)
        return FLUME_OK;
    if (log->io->stat(log->io->ctx, side_io.file, &file_stat) == 0 && !file_stat.is_directory) {
        file = parity_io_file(&side_io, file_stat.bytes);
        status = parity_load(&file, PARITY_BESIDE,
                             survey_is_known(draft->row) ? draft->row->strata_id : NULL,
                             draft->inspection->options.allocator, &parity);
    }
    if (status == FLUME_OK) {
        draft->footer.side_data_cells = parity_settings_of(parity)->data_cells;
        draft->footer.side_parity_cells = parity_settings_of(parity)->parity_cells;
    }
    parity_release(parity);
    log->io->close(log->io->ctx, side_io.file);
    return status == FLUME_ERR_NO_MEMORY ? status : FLUME_OK;
}

int sealed_draft_find_parity(struct sealed_draft *draft)
{
    const struct sealed_section *section = sealed_look_section(&draft->look, SEALED_SECTION_PARITY);
    struct parity_io file_io = {.io = draft->inspection->log->io, .file = draft->look.window.file};
    struct parity_file file = parity_io_file(&file_io, draft->look.window.bytes);
    struct parity *parity = NULL;
    int status = FLUME_ERR_NOT_FOUND;

    draft->parity.first_seq = draft->row->first_seq;
    if (section != NULL || !draft->look.has_footer)
        status = parity_load(&file, section != NULL ? section->offset : 0,
                             survey_is_known(draft->row) ? draft->row->strata_id : NULL,
                             draft->inspection->options.allocator, &parity);
    if (status == FLUME_OK) {
        /* In a strata file no page counts of parity that is beside one. */
        assert(parity_settings_of(parity)->section_at != PARITY_BESIDE);
        draft->parity.parity = FLUME_PARITY_FILE;
        draft->parity.parity_data = parity_settings_of(parity)->data_cells;
        draft->parity.parity_cells = parity_settings_of(parity)->parity_cells;
    }
    parity_release(parity);
    return status == FLUME_ERR_NO_MEMORY ? status : find_side(draft);
}

/* Room for it: it is worked out of the whole file. */
static int leave_for_parity(struct sealed_draft *draft)
{
    struct sealed_section *section = &draft->footer.sections[draft->footer.section_count++];

    seal_output_align(&draft->output, PARITY_CELL_BYTES);
    *section = (struct sealed_section){.id = SEALED_SECTION_PARITY,
                                       .offset = seal_output_offset(&draft->output)};
    section->bytes = seal_parity_bytes(&draft->parity, section->offset);
    return seal_output_skip(&draft->output, section->bytes);
}

int sealed_draft_sections(struct sealed_draft *draft)
{
    struct sealed_footer *footer = &draft->footer;
    int status = sections_settle(&draft->sections, draft->total);

    footer->count = draft->total;
    sections_fill_footer(&draft->sections, &draft->header, footer);
    footer->raw_end = draft->sections.raw_end;
    if (draft->look.has_footer && draft->last_is_lost &&
        draft->look.footer.raw_end > footer->raw_end)
        footer->raw_end = draft->look.footer.raw_end;
    if (status == FLUME_OK)
        status = put_section(draft, SEALED_SECTION_BLOCKS);
    if (status == FLUME_OK && draft->look.dictionary_bytes > 0)
        status = put_section(draft, SEALED_SECTION_DICTIONARY_COPY);
    if (status == FLUME_OK)
        status = put_section(draft, SEALED_SECTION_GRAINS);
    if (status == FLUME_OK && !draft->sections.labels.overflown)
        status = put_section(draft, SEALED_SECTION_LABELS);
    if (status == FLUME_OK)
        status = section_nodes(draft);
    if (status == FLUME_OK && draft->look.dictionary_bytes > 0)
        status = put_section(draft, SEALED_SECTION_DICTIONARY);
    if (status == FLUME_OK && draft->sections.lost.count > 0)
        status = put_section(draft, SEALED_SECTION_LOST);
    if (status == FLUME_OK && draft->parity.parity != 0)
        status = leave_for_parity(draft);
    return status;
}

/* --- What only a damaged page may still tell -------------------------------------------------- */

enum { PAGE_CHECK_AT = STRATA_PAGE_BYTES - 8 };

/* Whether a page may have been this one before it was damaged: its check is there, or next to
 * nothing is different. */
static bool may_have_been(const uint8_t *found, const uint8_t *page)
{
    unsigned bits = 0;

    if (memcmp(found + PAGE_CHECK_AT, page + PAGE_CHECK_AT, 8) == 0)
        return true;
    for (size_t i = 0; i < STRATA_PAGE_BYTES && bits <= DAMAGED_BITS_MAX; i++)
        bits += (unsigned)__builtin_popcount(found[i] ^ page[i]);
    return bits <= DAMAGED_BITS_MAX;
}

int sealed_draft_guess_header(struct sealed_draft *draft)
{
    struct strata_header header = draft->header;
    uint8_t page[STRATA_PAGE_BYTES];
    const uint8_t *found;
    uint64_t created_ns;
    int status = file_window_look(&draft->look.window, 0, STRATA_PAGE_BYTES, &found);

    if (status != FLUME_OK || found == NULL)
        return status;
    header.file_bytes = draft->look.window.bytes;
    if (draft->look.has_footer)
        sealed_header_point(&header, &draft->look.footer);
    created_ns = get_le64(found + STRATA_CREATED_AT);
    for (unsigned bit = 0; bit <= 64; bit++) {
        header.created_ns = created_ns ^ (bit < 64 ? UINT64_C(1) << bit : 0);
        strata_header_encode(page, &header);
        if (!may_have_been(found, page))
            continue;
        draft->header.created_ns = header.created_ns;
        return FLUME_OK;
    }
    return FLUME_OK;
}

/* One try: whether the page was this one. */
static bool try_footer(struct sealed_draft *draft, const uint8_t *found, uint64_t sealed_ns,
                       uint32_t block_bytes)
{
    struct sealed_footer footer = draft->footer;
    uint8_t page[STRATA_PAGE_BYTES];

    footer.sealed_ns = sealed_ns;
    footer.block_bytes = block_bytes;
    sealed_footer_encode(page, &footer);
    if (!may_have_been(found, page))
        return false;
    draft->footer = footer;
    return true;
}

int sealed_draft_guess_footer(struct sealed_draft *draft)
{
    const uint8_t *found = NULL;
    uint64_t sealed_ns;
    uint32_t block_bytes;
    int status = FLUME_OK;

    if (draft->look.window.bytes >= 3 * STRATA_PAGE_BYTES)
        status = file_window_look(&draft->look.window, draft->look.window.bytes - STRATA_PAGE_BYTES,
                                  STRATA_PAGE_BYTES, &found);
    if (status != FLUME_OK || found == NULL)
        return status;
    sealed_ns = get_le64(found + SEALED_FOOTER_SEALED_AT);
    block_bytes = get_le32(found + SEALED_FOOTER_BLOCK_BYTES_AT);
    if (try_footer(draft, found, sealed_ns, block_bytes))
        return FLUME_OK;
    for (unsigned bit = 0; bit < 64; bit++) {
        if (try_footer(draft, found, sealed_ns ^ UINT64_C(1) << bit, block_bytes) ||
            (bit < 32 && try_footer(draft, found, sealed_ns, block_bytes ^ (uint32_t)1 << bit)))
            return FLUME_OK;
    }
    return FLUME_OK;
}
