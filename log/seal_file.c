/*
 * seal_file.c - writing the sealed form of one raw strata under a temporary name.
 *
 * One pass over the grains, a batch of them at a time: each is verified, hashed for the grain index
 * and the Merkle tree, and counted; then they are packed into blocks straight from the window they
 * were read into.
 * Behind the blocks follow the sections, whose numbers were gathered meanwhile.
 */
#include "seal_file.h"

#include <assert.h>
#include <errno.h>

#include "parity.h"
#include "seal_dictionary.h"
#include "seal_hashes.h"
#include "seal_index.h"
#include "seal_labels.h"
#include "seal_pack.h"
#include "seal_parity.h"
#include "seal_source.h"
#include "sync.h"

enum { ENTRIES_FIRST = 1024 };

/* The block that is being filled: grains that lie side by side in the window. */
struct open_block {
    uint64_t from, to; /* Offsets in the raw strata. */
    uint32_t first_ordinal, count;
    uint64_t least_time_ns, greatest_time_ns;
};

/* A sealed file under construction. */
struct draft {
    flume_log *log;
    const struct seal_plan *plan;
    struct path path;
    int file;
    struct strata_header header;
    struct seal_source source;
    struct seal_output output;
    struct seal_packer packer;
    struct open_block block;
    struct seal_index index;
    struct seal_labels labels;
    struct seal_tree tree;
    struct seal_batch batch;
    uint32_t entry_capacity;
    struct seal_made made;
};

static int no_memory(const struct draft *draft)
{
    return log_fail(draft->log, FLUME_ERR_NO_MEMORY, 0, draft->plan->first_seq,
                    "no memory to seal the strata of seq %llu",
                    (unsigned long long)draft->plan->first_seq);
}

static int proceed(const struct draft *draft, uint64_t done_bytes)
{
    const struct seal_plan *plan = draft->plan;

    if (plan->proceed == NULL || plan->proceed(plan->proceed_ctx, done_bytes) == 0)
        return FLUME_OK;
    return FLUME_ERR_CANCELLED;
}

/* --- Blocks ----------------------------------------------------------------------------------- */

static int entry_add(struct draft *draft, const struct sealed_block_entry *entry)
{
    uint32_t count = draft->made.footer.block_count;

    if (count == draft->entry_capacity) {
        uint32_t capacity = count == 0 ? ENTRIES_FIRST : count * 2;
        uint8_t *entries = memory_resize(&draft->log->allocator, draft->made.entries,
                                         (size_t)capacity * SEALED_BLOCK_ENTRY_BYTES);

        if (entries == NULL)
            return no_memory(draft);
        draft->made.entries = entries;
        draft->entry_capacity = capacity;
    }
    sealed_block_entry_encode(draft->made.entries + (size_t)count * SEALED_BLOCK_ENTRY_BYTES,
                              entry);
    draft->made.footer.block_count++;
    return FLUME_OK;
}

/* Pack the open block, which is in the window, into the output. */
static int block_close(struct draft *draft)
{
    struct open_block *open = &draft->block;
    uint64_t at = seal_output_offset(&draft->output);
    size_t raw_bytes = (size_t)(open->to - open->from);
    struct sealed_block block = {
        .raw_offset = open->from,
        .first_ordinal = open->first_ordinal,
        .count = open->count,
        .raw_bytes = (uint32_t)raw_bytes,
    };
    struct sealed_block_entry entry = {
        .file_offset = at,
        .raw_offset = open->from,
        .first_ordinal = open->first_ordinal,
        .least_time_ns = open->least_time_ns,
        .greatest_time_ns = open->greatest_time_ns,
    };
    const uint8_t *raw = seal_source_held(&draft->source, open->from, raw_bytes);
    uint8_t *target;
    int status;

    assert(open->count > 0);
    open->count = 0;
    target = seal_output_space(&draft->output,
                               (size_t)sealed_block_bytes(seal_pack_bound(raw_bytes)), &status);
    if (target == NULL)
        return status;
    block.stored_bytes = (uint32_t)seal_pack_grains(
        &draft->packer, raw, raw_bytes, target + SEALED_BLOCK_HEADER_BYTES, &block.codec);
    if (block.stored_bytes == 0)
        return no_memory(draft);
    sealed_block_encode(target, &block, draft->header.salt, at);
    seal_output_take(&draft->output, (size_t)sealed_block_bytes(block.stored_bytes));
    if (block.raw_bytes > draft->made.raw_bytes_max)
        draft->made.raw_bytes_max = block.raw_bytes;
    entry.stored_bytes = block.stored_bytes;
    status = entry_add(draft, &entry);
    return status == FLUME_OK ? proceed(draft, (open->to - STRATA_DATA_AT) / 2) : status;
}

/* Grow the open block by a grain, or begin the next one with it. */
static int block_add(struct draft *draft, const struct grain *grain, uint64_t offset)
{
    struct open_block *open = &draft->block;
    uint64_t end = offset + grain_bytes(grain->meta_bytes, grain->body_bytes);

    if (open->count > 0 && end - open->from > draft->plan->block_bytes) {
        int status = block_close(draft);

        if (status != FLUME_OK)
            return status;
    }
    if (open->count == 0)
        *open = (struct open_block){.from = offset,
                                    .first_ordinal = grain->ordinal,
                                    .least_time_ns = grain->time_ns,
                                    .greatest_time_ns = grain->time_ns};
    if (grain->time_ns < open->least_time_ns)
        open->least_time_ns = grain->time_ns;
    if (grain->time_ns > open->greatest_time_ns)
        open->greatest_time_ns = grain->time_ns;
    open->to = end;
    open->count++;
    return FLUME_OK;
}

/* --- Grains ----------------------------------------------------------------------------------- */

static int damaged(const struct draft *draft, uint64_t ordinal, uint64_t offset)
{
    unsigned long long seq = draft->plan->first_seq + ordinal;

    (void)log_fail(draft->log, FLUME_ERR_DAMAGED, 0, seq,
                   "%s: seq %llu is damaged (strata %020llu, offset %llu), so the strata is not "
                   "sealed; run 'flume check', then 'flume repair'",
                   draft->log->path, seq, (unsigned long long)draft->plan->first_seq,
                   (unsigned long long)offset);
    return FLUME_ERR_DAMAGED;
}

/* What must stay in the window: the open block and the batch behind it. */
static uint64_t kept_from(const struct draft *draft)
{
    return draft->block.count > 0 ? draft->block.from : draft->batch.from;
}

/* The grain at an offset, whole in the window and verified. */
static int grain_read(struct draft *draft, uint32_t ordinal, uint64_t offset,
                      struct grain *out_grain, const uint8_t **out_bytes)
{
    uint64_t keep = kept_from(draft);
    uint64_t body_bytes, bytes;
    int status = seal_source_want(&draft->source, keep, offset, GRAIN_HEADER_BYTES, out_bytes);

    if (status == FLUME_OK) {
        body_bytes = get_le32(*out_bytes + GRAIN_BODY_BYTES_AT);
        if (body_bytes > FLUME_BODY_BYTES_MAX)
            return damaged(draft, ordinal, offset);
        bytes = grain_bytes(get_le16(*out_bytes + GRAIN_META_BYTES_AT), body_bytes);
        status = seal_source_want(&draft->source, keep, offset, bytes, out_bytes);
        if (status == FLUME_OK &&
            !grain_decode(*out_bytes, bytes, ordinal, draft->header.salt, offset, out_grain))
            return damaged(draft, ordinal, offset);
    }
    return status == FLUME_ERR_NOT_FOUND ? damaged(draft, ordinal, offset) : status;
}

static void count_grain(struct draft *draft, const struct grain *grain)
{
    struct sealed_footer *footer = &draft->made.footer;

    if (grain->time_ns < footer->least_time_ns)
        footer->least_time_ns = grain->time_ns;
    if (grain->time_ns > footer->greatest_time_ns)
        footer->greatest_time_ns = grain->time_ns;
    if (grain->time_ns > footer->running_time_ns)
        footer->running_time_ns = grain->time_ns;
    footer->kind_counts[grain->kind]++;
    footer->last_of_kind[grain->kind] = draft->plan->first_seq + grain->ordinal;
}

/* Read grains into the batch, from the end of the one before it, until it is full or the strata is
 * at its end. */
static int batch_read(struct draft *draft, uint32_t first_ordinal)
{
    struct seal_batch *batch = &draft->batch;
    const uint8_t *bytes;
    int status = FLUME_OK;

    batch->from = batch->to;
    batch->count = 0;
    while (status == FLUME_OK && batch->count < SEAL_BATCH_GRAINS &&
           batch->to - batch->from < SEAL_BATCH_BYTES &&
           first_ordinal + batch->count < draft->plan->count) {
        struct grain *grain = &batch->grains[batch->count];

        status = grain_read(draft, first_ordinal + batch->count, batch->to, grain, &bytes);
        batch->offsets[batch->count++] = batch->to;
        if (status == FLUME_OK)
            batch->to += grain_bytes(grain->meta_bytes, grain->body_bytes);
    }
    return status;
}

/* Hashes and labels of a batch. */
static int batch_gather(struct draft *draft)
{
    struct seal_batch *batch = &draft->batch;
    const uint8_t *bytes = seal_source_held(&draft->source, batch->from, batch->to - batch->from);

    seal_batch_hash(batch, bytes, &draft->tree);
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct grain *grain = &batch->grains[i];
        size_t meta_bytes;
        const uint8_t *meta =
            grain_meta(bytes + (batch->offsets[i] - batch->from), grain, &meta_bytes);

        if (grain->kind != FLUME_KIND_LOST) /* What it stands for had another body. */
            seal_index_add(&draft->index, batch->bodies[i].bytes, grain->ordinal);
        if (meta_bytes > 0 && !seal_labels_add(&draft->labels, grain->ordinal, meta, meta_bytes))
            return no_memory(draft);
        count_grain(draft, grain);
    }
    return FLUME_OK;
}

static int write_blocks(struct draft *draft)
{
    struct seal_batch *batch = &draft->batch;
    int status = FLUME_OK;

    batch->to = STRATA_DATA_AT;
    for (uint32_t done = 0; done < draft->plan->count; done += batch->count) {
        status = batch_read(draft, done);
        if (status == FLUME_OK)
            status = batch_gather(draft);
        for (uint32_t i = 0; i < batch->count && status == FLUME_OK; i++)
            status = block_add(draft, &batch->grains[i], batch->offsets[i]);
        if (status != FLUME_OK)
            return status;
    }
    draft->made.footer.raw_end = batch->to;
    return block_close(draft);
}

/* --- Sections --------------------------------------------------------------------------------- */

static void section_begin(struct draft *draft, uint32_t id, XXH3_state_t *check)
{
    struct sealed_footer *footer = &draft->made.footer;
    struct sealed_section *section = &footer->sections[footer->section_count++];

    seal_output_align(&draft->output, GRAIN_ALIGN);
    section->id = id;
    section->offset = seal_output_offset(&draft->output);
    (void)XXH3_64bits_reset_withSeed(check, footer->salt + section->offset); /* Fails for NULL. */
    draft->output.check = check;
}

static void section_end(struct draft *draft)
{
    struct sealed_footer *footer = &draft->made.footer;
    struct sealed_section *section = &footer->sections[footer->section_count - 1];

    section->bytes = seal_output_offset(&draft->output) - section->offset;
    section->check = XXH3_64bits_digest(draft->output.check);
    draft->output.check = NULL;
}

static int section_put(struct draft *draft, uint32_t id, const void *source, size_t bytes)
{
    XXH3_state_t check;
    int status;

    section_begin(draft, id, &check);
    status = seal_output_put(&draft->output, source, bytes);
    section_end(draft);
    return status;
}

static int section_index(struct draft *draft)
{
    XXH3_state_t check;
    int status;

    section_begin(draft, SEALED_SECTION_GRAINS, &check);
    status = seal_index_write(&draft->index, &draft->output);
    section_end(draft);
    return status;
}

static int section_labels(struct draft *draft)
{
    XXH3_state_t check;
    int status;

    if (draft->labels.overflown)
        return FLUME_OK;
    section_begin(draft, SEALED_SECTION_LABELS, &check);
    status = seal_labels_write(&draft->labels, &draft->output);
    section_end(draft);
    return status;
}

static void close_tree(struct draft *draft)
{
    struct sealed_footer *footer = &draft->made.footer;
    struct merkle_hash root, before, chain;

    seal_tree_close(&draft->tree, &root);
    memcpy(before.bytes, footer->chain_before, sizeof before.bytes);
    merkle_chain(&before, &root, footer->first_seq, footer->count, &chain);
    memcpy(footer->root, root.bytes, sizeof root.bytes);
    memcpy(footer->chain, chain.bytes, sizeof chain.bytes);
}

/* Space for the parity, which is worked out of the whole file. */
static int section_parity(struct draft *draft)
{
    struct sealed_footer *footer = &draft->made.footer;
    struct sealed_section *section = &footer->sections[footer->section_count++];

    seal_output_align(&draft->output, PARITY_CELL_BYTES);
    section->id = SEALED_SECTION_PARITY;
    section->offset = seal_output_offset(&draft->output);
    section->bytes = seal_parity_bytes(draft->plan, section->offset);
    return seal_output_skip(&draft->output, section->bytes);
}

static int write_sections(struct draft *draft)
{
    struct seal_made *made = &draft->made;
    int status = section_put(draft, SEALED_SECTION_BLOCKS, made->entries,
                             (size_t)made->footer.block_count * SEALED_BLOCK_ENTRY_BYTES);

    /* Twice, and apart: without it no block that needs it can be read. */
    if (status == FLUME_OK && made->dictionary != NULL)
        status = section_put(draft, SEALED_SECTION_DICTIONARY_COPY, made->dictionary,
                             made->dictionary_bytes);
    if (status == FLUME_OK)
        status = section_index(draft);
    if (status == FLUME_OK)
        status = section_labels(draft);
    if (status != FLUME_OK)
        return status;
    close_tree(draft);
    status = section_put(draft, SEALED_SECTION_MERKLE, draft->tree.groups,
                         draft->tree.group_count * sizeof draft->tree.groups[0]);
    if (status == FLUME_OK && made->dictionary != NULL)
        status =
            section_put(draft, SEALED_SECTION_DICTIONARY, made->dictionary, made->dictionary_bytes);
    if (status == FLUME_OK && (draft->plan->parity & FLUME_PARITY_FILE) != 0)
        status = section_parity(draft);
    return status;
}

/* --- The whole -------------------------------------------------------------------------------- */

/* The footer page ends the file; the header page is written last: until then it is no strata. Only
 * parity comes after it, for it is over all else. */
static int write_pages(struct draft *draft)
{
    struct sealed_footer *footer = &draft->made.footer;
    const flume_io *io = draft->log->io;
    uint8_t page[STRATA_PAGE_BYTES];
    int status, error;

    seal_output_align(&draft->output, STRATA_PAGE_BYTES);
    footer->file_bytes = seal_output_offset(&draft->output) + STRATA_PAGE_BYTES;
    footer->sealed_ns = io->wall_ns(io->ctx);
    sealed_footer_encode(page, footer);
    status = seal_output_put(&draft->output, page, sizeof page);
    if (status == FLUME_OK)
        status = seal_output_flush(&draft->output);
    if (status != FLUME_OK)
        return status;
    draft->header.form = STRATA_SEALED;
    draft->header.flags |= STRATA_CLOSED;
    draft->header.durable = footer->first_seq + footer->count;
    draft->header.file_bytes = footer->file_bytes;
    sealed_header_point(&draft->header, footer);
    strata_header_encode(draft->made.header, &draft->header);
    error = io_write_all(io, draft->file, draft->made.header, sizeof draft->made.header, 0);
    if (error == 0)
        status = seal_parity_write(draft->log, draft->plan, footer, draft->file);
    if (status != FLUME_OK)
        return status;
    if (error == 0)
        error = io->sync(io->ctx, draft->file);
    return error == 0 ? FLUME_OK : log_fail_io(draft->log, error, "write", draft->path.text);
}

static void footer_begin(struct draft *draft)
{
    const struct strata_header *header = &draft->header;
    const struct seal_plan *plan = draft->plan;
    struct sealed_footer *footer = &draft->made.footer;

    memcpy(footer->strata_id, header->strata_id, sizeof footer->strata_id);
    memcpy(footer->basin_id, header->basin_id, sizeof footer->basin_id);
    footer->salt = header->salt;
    footer->first_seq = plan->first_seq;
    footer->count = plan->count;
    footer->least_time_ns = UINT64_MAX;
    footer->running_time_ns = header->running_time_ns;
    footer->block_bytes = plan->block_bytes;
    memcpy(footer->last_of_kind, header->last_of_kind, sizeof footer->last_of_kind);
    seal_parity_announce(plan, footer);
    if (plan->previous != NULL)
        memcpy(footer->chain_before, plan->previous->chain, sizeof footer->chain_before);
}

/* The strata must follow the one whose chain it goes on from. */
static int check_previous(const struct draft *draft)
{
    const struct strata_header *header = &draft->header;
    const struct sealed_footer *previous = draft->plan->previous;
    bool follows = previous == NULL ? header->previous_first_seq == FLUME_SEQ_NONE
                                    : header->previous_first_seq == previous->first_seq &&
                                          memcmp(header->previous_id, previous->strata_id,
                                                 sizeof header->previous_id) == 0;

    if (follows)
        return FLUME_OK;
    return log_fail(draft->log, FLUME_ERR_DAMAGED, 0, header->first_seq,
                    "the strata of seq %llu in %s/log does not follow the one before it, which is "
                    "missing or was exchanged; run 'flume check'",
                    (unsigned long long)header->first_seq, draft->log->path);
}

static int draft_begin(struct draft *draft)
{
    const struct seal_plan *plan = draft->plan;
    const flume_io *io = draft->log->io;
    int status = seal_source_open(draft->log, plan->first_seq, &draft->source, &draft->header);

    if (status == FLUME_OK)
        status = check_previous(draft);
    if (status == FLUME_OK && (plan->count == 0 || plan->count > UINT32_MAX ||
                               plan->count * GRAIN_HEADER_BYTES > draft->source.limit))
        status = damaged(draft, 0, STRATA_DATA_AT);
    if (status == FLUME_OK && plan->dictionary)
        status = seal_dictionary_make(&draft->source, plan->block_bytes, plan->level,
                                      &draft->made.dictionary, &draft->made.dictionary_bytes);
    if (status != FLUME_OK)
        return status;
    footer_begin(draft);
    seal_labels_begin(&draft->log->allocator, &draft->labels);
    if (!seal_tree_begin(&draft->log->allocator, plan->count, &draft->tree) ||
        !seal_index_begin(&draft->log->allocator, (uint32_t)plan->count, &draft->index) ||
        !seal_packer_begin(&draft->log->allocator, plan->level, draft->made.dictionary,
                           draft->made.dictionary_bytes, &draft->packer))
        return no_memory(draft);
    seal_file_drop(draft->log);
    status = seal_place_link(draft->log, plan->first_seq);
    if (status != FLUME_OK)
        return status;
    /* A name that is a link is never created exclusively. */
    draft->file = io->open(io->ctx, draft->path.text,
                           FLUME_IO_WRITE | FLUME_IO_CREATE |
                               (draft->log->seal.path == NULL ? FLUME_IO_EXCLUSIVE : 0u));
    if (draft->file < 0)
        return log_fail_io(draft->log, draft->file, "create", draft->path.text);
    return seal_output_begin(draft->log, draft->file, draft->path.text, STRATA_DATA_AT,
                             &draft->output);
}

static void draft_end(struct draft *draft)
{
    const flume_allocator *allocator = &draft->log->allocator;

    if (draft->file >= 0)
        draft->log->io->close(draft->log->io->ctx, draft->file);
    seal_source_close(&draft->source);
    seal_output_end(&draft->output);
    seal_packer_end(&draft->packer);
    seal_index_end(allocator, &draft->index);
    if (draft->labels.allocator != NULL)
        seal_labels_end(&draft->labels);
    seal_tree_end(allocator, &draft->tree);
    memory_release(allocator, draft->made.entries);
    memory_release(allocator, draft->made.dictionary);
    memory_release(allocator, draft);
}

/* What was verified may have come from the page cache: paranoia wants it from the disk. */
static int read_back_made(const struct draft *draft)
{
    const struct sealed_footer *footer = &draft->made.footer;
    uint64_t side_bytes = seal_parity_side_bytes(draft->plan, footer);
    int status;

    if (draft->log->profile != FLUME_PROFILE_PARANOID)
        return FLUME_OK;
    status = read_back_file(draft->log, SEAL_TEMPORARY_NAME, footer->file_bytes);
    if (status == FLUME_OK && side_bytes > 0)
        status = read_back_file(draft->log, SEAL_PARITY_TEMPORARY_NAME, side_bytes);
    return status;
}

int seal_file_write(flume_log *log, const struct seal_plan *plan, struct sealed_footer *out_footer)
{
    struct draft *draft = memory_allocate_zeroed(&log->allocator, 1, sizeof *draft);
    int status;

    if (draft == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, plan->first_seq,
                        "no memory to seal the strata of seq %llu",
                        (unsigned long long)plan->first_seq);
    draft->log = log;
    draft->plan = plan;
    draft->file = -1;
    draft->source.file = -1;
    log_path(log, "log", SEAL_TEMPORARY_NAME, &draft->path);
    status = draft_begin(draft);
    if (status == FLUME_OK)
        status = write_blocks(draft);
    if (status == FLUME_OK)
        status = write_sections(draft);
    if (status == FLUME_OK)
        status = write_pages(draft);
    if (status == FLUME_OK)
        status = seal_verify(plan, &draft->made, &draft->source, draft->file);
    if (status == FLUME_OK)
        status = seal_parity_verify(log, plan, &draft->made.footer, draft->file);
    if (status == FLUME_OK)
        status = read_back_made(draft);
    if (status == FLUME_OK)
        status = seal_place_sync(log);
    if (status == FLUME_OK)
        *out_footer = draft->made.footer;
    else
        seal_file_drop(log);
    draft_end(draft);
    return status;
}
