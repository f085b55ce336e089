/*
 * seal_verify.c - reading a sealed file back, before it takes the place of the raw one.
 *
 * Nothing that was in memory when the file was written is trusted to be in it: blocks are read,
 * checked, unpacked and compared with the raw strata, which is read once more too; sections are
 * hashed as they lie; what is behind blocks and between sections must be zeros. Parity has checks
 * of its own: see seal_parity.h.
 */
#include "seal_file.h"
#include "seal_pack.h"
#include "seal_source.h"

enum { PIECE_BYTES = 256 << 10 };

struct verification {
    const struct seal_plan *plan;
    const struct seal_made *made;
    struct seal_source *raw;
    struct seal_source sealed;
    struct seal_unpacker unpacker;
    uint8_t *unpacked;
};

static int differs(const struct verification *verification, uint64_t offset)
{
    flume_log *log = verification->raw->log;

    return log_fail(log, FLUME_ERR_DAMAGED, 0, verification->plan->first_seq,
                    "%s/log/" SEAL_TEMPORARY_NAME
                    " did not read back as it was written (offset %llu), so the strata of seq "
                    "%llu stays as it is; check the disk and the memory of this machine",
                    log->path, (unsigned long long)offset,
                    (unsigned long long)verification->plan->first_seq);
}

/* The file's bytes at an offset. One that is shorter than it should be differs. */
static int want(struct verification *verification, uint64_t at, uint64_t bytes,
                const uint8_t **out_bytes)
{
    int status = seal_source_want(&verification->sealed, at, at, bytes, out_bytes);

    return status == FLUME_ERR_NOT_FOUND ? differs(verification, at) : status;
}

static int verify_page(struct verification *verification, uint64_t at, const uint8_t *page)
{
    const uint8_t *bytes;
    int status = want(verification, at, STRATA_PAGE_BYTES, &bytes);

    if (status == FLUME_OK && memcmp(bytes, page, STRATA_PAGE_BYTES) != 0)
        status = differs(verification, at);
    return status;
}

/* What lies there must be zeros. */
static int zeros_judge(const struct verification *verification, uint64_t at, const uint8_t *bytes,
                       uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (bytes[i] != 0)
            return differs(verification, at + i);
    }
    return FLUME_OK;
}

static int verify_zeros(struct verification *verification, uint64_t from, uint64_t to)
{
    const uint8_t *bytes;
    int status = want(verification, from, to - from, &bytes);

    return status == FLUME_OK ? zeros_judge(verification, from, bytes, to - from) : status;
}

/* One block, which ends where the next one begins; *io_raw is where it begins in the raw strata. */
static int verify_block(struct verification *verification, const struct sealed_block_entry *entry,
                        uint64_t *io_at, uint64_t *io_raw, uint32_t *io_ordinal)
{
    uint64_t salt = verification->made->footer.salt;
    uint64_t bytes = sealed_block_bytes(entry->stored_bytes);
    uint64_t used = SEALED_BLOCK_HEADER_BYTES + (uint64_t)entry->stored_bytes;
    const uint8_t *stored, *raw, *grains;
    struct sealed_block block;
    int status = want(verification, entry->file_offset, bytes, &stored);

    if (status != FLUME_OK)
        return status;
    if (entry->file_offset != *io_at || entry->raw_offset != *io_raw ||
        entry->first_ordinal != *io_ordinal ||
        !sealed_block_decode(stored, bytes, salt, entry->file_offset, &block) ||
        block.stored_bytes != entry->stored_bytes || block.raw_offset != *io_raw ||
        block.first_ordinal != *io_ordinal || block.raw_bytes > verification->made->raw_bytes_max)
        return differs(verification, entry->file_offset);
    /* The check of a block does not cover them. */
    status = zeros_judge(verification, entry->file_offset + used, stored + used, bytes - used);
    if (status != FLUME_OK)
        return status;
    grains = stored + SEALED_BLOCK_HEADER_BYTES; /* They lie there, or are packed. */
    if (block.codec != SEALED_STORED) {
        if (!seal_unpack(&verification->unpacker, &block, salt, grains, verification->unpacked))
            return differs(verification, entry->file_offset);
        grains = verification->unpacked;
    }
    status = seal_source_want(verification->raw, *io_raw, *io_raw, block.raw_bytes, &raw);
    if (status == FLUME_ERR_NOT_FOUND ||
        (status == FLUME_OK && memcmp(raw, grains, block.raw_bytes) != 0))
        return differs(verification, entry->file_offset);
    *io_at += bytes;
    *io_raw += block.raw_bytes;
    *io_ordinal += block.count;
    return status;
}

static int verify_blocks(struct verification *verification)
{
    const struct seal_plan *plan = verification->plan;
    const struct sealed_footer *footer = &verification->made->footer;
    uint64_t at = STRATA_DATA_AT;
    uint64_t raw = STRATA_DATA_AT;
    uint32_t ordinal = 0;

    for (uint32_t i = 0; i < footer->block_count; i++) {
        struct sealed_block_entry entry;
        int status;

        sealed_block_entry_decode(
            verification->made->entries + (size_t)i * SEALED_BLOCK_ENTRY_BYTES, &entry);
        status = verify_block(verification, &entry, &at, &raw, &ordinal);
        if (status != FLUME_OK)
            return status;
        if (plan->proceed != NULL &&
            plan->proceed(plan->proceed_ctx, (footer->raw_end + raw) / 2 - STRATA_DATA_AT) != 0)
            return FLUME_ERR_CANCELLED;
    }
    if (raw != footer->raw_end || ordinal != footer->count || at != sealed_blocks_end(footer))
        return differs(verification, at);
    return FLUME_OK;
}

static int verify_section(struct verification *verification, const struct sealed_section *section)
{
    uint64_t end = section->offset + section->bytes;
    XXH3_state_t check;

    (void)XXH3_64bits_reset_withSeed(&check, verification->made->footer.salt + section->offset);
    for (uint64_t at = section->offset; at < end;) {
        size_t piece = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
        const uint8_t *bytes;
        int status = want(verification, at, piece, &bytes);

        if (status != FLUME_OK)
            return status;
        (void)XXH3_64bits_update(&check, bytes, piece); /* Fails only for NULL. */
        at += piece;
    }
    if (XXH3_64bits_digest(&check) != section->check)
        return differs(verification, section->offset);
    return FLUME_OK;
}

static int verify_sections(struct verification *verification)
{
    const struct sealed_footer *footer = &verification->made->footer;
    uint64_t at = sealed_blocks_end(footer);
    int status = FLUME_OK;

    for (uint32_t i = 0; i < footer->section_count && status == FLUME_OK; i++) {
        status = verify_zeros(verification, at, footer->sections[i].offset);
        if (status == FLUME_OK && footer->sections[i].id != SEALED_SECTION_PARITY)
            status = verify_section(verification, &footer->sections[i]);
        at = footer->sections[i].offset + footer->sections[i].bytes;
    }
    if (status == FLUME_OK)
        status = verify_zeros(verification, at, footer->file_bytes - STRATA_PAGE_BYTES);
    return status;
}

/* The two pages that frame the file, by their bytes and by what a reader makes of them. */
static int verify_pages(struct verification *verification)
{
    const struct sealed_footer *footer = &verification->made->footer;
    uint64_t footer_at = footer->file_bytes - STRATA_PAGE_BYTES;
    uint8_t page[STRATA_PAGE_BYTES];
    struct sealed_footer decoded;
    struct strata_header header;
    int status = verify_page(verification, 0, verification->made->header);

    if (status == FLUME_OK && strata_header_decode(verification->made->header, &header) != FLUME_OK)
        status = differs(verification, 0);
    if (status != FLUME_OK)
        return status;
    sealed_footer_encode(page, footer);
    status = verify_page(verification, footer_at, page);
    if (status == FLUME_OK && sealed_footer_decode(page, &decoded) != FLUME_OK)
        status = differs(verification, footer_at);
    return status;
}

int seal_verify(const struct seal_plan *plan, const struct seal_made *made,
                struct seal_source *source, int file)
{
    const flume_allocator *allocator = &source->log->allocator;
    struct verification verification = {
        .plan = plan,
        .made = made,
        .raw = source,
        .sealed = {.log = source->log,
                   .first_seq = plan->first_seq,
                   .name = SEAL_TEMPORARY_NAME,
                   .file = file,
                   .limit = made->footer.file_bytes},
    };
    int status = FLUME_ERR_NO_MEMORY;

    verification.unpacked = memory_allocate(allocator, made->raw_bytes_max);
    if (verification.unpacked == NULL ||
        !seal_unpacker_begin(made->dictionary, made->dictionary_bytes, &verification.unpacker)) {
        (void)log_fail(source->log, status, 0, plan->first_seq,
                       "no memory to verify the sealed strata of seq %llu",
                       (unsigned long long)plan->first_seq);
        goto out;
    }
    status = verify_pages(&verification);
    if (status == FLUME_OK)
        status = verify_blocks(&verification);
    if (status == FLUME_OK)
        status = verify_sections(&verification);
    seal_unpacker_end(&verification.unpacker);
out:
    memory_release(allocator, verification.unpacked);
    seal_source_release(&verification.sealed);
    return status;
}
