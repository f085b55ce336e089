/*
 * replacement_sealed.c - a sealed strata written anew under a temporary name.
 *
 * What is rebuilt from records that all read is what it was, bit for bit: nothing in a sealed file
 * is left to chance. Only two numbers stand in one page alone: when the strata was begun, and when
 * and with which size of blocks it was sealed. They are taken from the damaged page if its check
 * bears them out.
 */
#include "replacement_sealed.h"

#include <errno.h>
#include <string.h>

#include "examination_sealed.h"
#include "replacement.h"
#include "seal_parity.h"
#include "sealed_draft.h"

static int write_pages(struct sealed_draft *draft)
{
    flume_log *log = draft->inspection->log;
    uint8_t page[STRATA_PAGE_BYTES];
    int status = FLUME_OK;
    int error;

    seal_output_align(&draft->output, STRATA_PAGE_BYTES);
    draft->footer.file_bytes = seal_output_offset(&draft->output) + STRATA_PAGE_BYTES;
    if (!draft->look.has_footer && draft->walk.window != NULL)
        status = sealed_draft_guess_footer(draft);
    sealed_footer_encode(page, &draft->footer);
    if (status == FLUME_OK)
        status = seal_output_put(&draft->output, page, sizeof page);
    if (status == FLUME_OK)
        status = seal_output_flush(&draft->output);
    if (status != FLUME_OK)
        return status;
    draft->header.file_bytes = draft->footer.file_bytes;
    sealed_header_point(&draft->header, &draft->footer);
    strata_header_encode(page, &draft->header);
    error = io_write_all(log->io, draft->file, page, sizeof page, 0);
    if (error == 0)
        status = seal_parity_write(log, &draft->parity, &draft->footer, draft->file);
    if (status != FLUME_OK)
        return status;
    if (error == 0)
        error = log->io->sync(log->io->ctx, draft->file);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "write", draft->path.text);
}

/* Look at what was written as a check would. */
static int verify(struct sealed_draft *draft, const char *name)
{
    struct inspection *inspection = draft->inspection;
    enum finding_voice voice = inspection->voice;
    uint64_t bytes = inspection->report.bytes;
    struct survey_row row = *draft->row;
    struct examination examination = {0};
    struct subject subject = {.inspection = inspection, .row = &row, .examination = &examination};
    int status;

    memcpy(row.file, name, strlen(name) + 1);
    row.state = ROW_SOUND;
    row.form = STRATA_SEALED;
    row.salt = draft->header.salt;
    row.file_bytes = row.data_bytes = draft->header.file_bytes;
    row.durable = draft->header.durable;
    row.end_seq = draft->header.durable;
    memcpy(row.strata_id, draft->header.strata_id, sizeof row.strata_id);
    memcpy(row.basin_id, draft->header.basin_id, sizeof row.basin_id);
    survey_row_file(&row, &subject.file);
    inspection->voice = FINDING_QUIET;
    status = survey_look_sealed(inspection, &row);
    if (status == FLUME_OK)
        status = examine_sealed(&subject);
    inspection->voice = voice;
    inspection->report.bytes = bytes;
    if (status == FLUME_OK && examination.needs != 0)
        status = log_fail(inspection->log, FLUME_ERR_IO, EIO, row.first_seq,
                          "%s did not read back as it was written; check the disk and the memory "
                          "of this machine",
                          draft->path.text);
    examination_release(inspection, &examination);
    return status;
}

/* --- Begin and end ---------------------------------------------------------------------------- */

static int file_make(struct sealed_draft *draft)
{
    flume_log *log = draft->inspection->log;
    const struct survey_row *row = draft->row;
    struct path original;
    bool is_link = false;
    int status = FLUME_OK;

    seal_place_drop(log, &draft->path); /* Of one that was interrupted. */
    log_path(log, "log", row->file, &original);
    if (row->file[0] != '\0')
        status = seal_place_beside(log, &original, &draft->path, row->first_seq, &is_link);
    if (status != FLUME_OK)
        return status;
    /* A name that is a link is never created exclusively. */
    draft->file =
        log->io->open(log->io->ctx, draft->path.text,
                      FLUME_IO_WRITE | FLUME_IO_CREATE | (is_link ? 0u : FLUME_IO_EXCLUSIVE));
    if (draft->file < 0)
        return log_fail_io(log, draft->file, "create", draft->path.text);
    return seal_output_begin(log, draft->file, draft->path.text, STRATA_DATA_AT, &draft->output);
}

/* What is there of the strata, ready to be walked. */
static int source_begin(struct sealed_draft *draft)
{
    const struct survey_row *row = draft->row;
    int status;

    if (row->state == ROW_MISSING)
        return FLUME_OK;
    status = sealed_look_begin(draft->inspection, row, &draft->look);
    if (status == FLUME_OK && draft->look.has_header) {
        draft->header = draft->look.header;
    } else if (status == FLUME_OK) {
        draft->header.salt = row->salt;
        draft->header.durable = row->first_seq + draft->total;
        status = sealed_draft_guess_header(draft);
    }
    if (status == FLUME_OK)
        status = sealed_draft_find_parity(draft);
    if (status == FLUME_OK)
        status = block_walk_begin(&draft->look.window, row->salt, draft->look.blocks_end,
                                  draft->total, true, draft->look.dictionary,
                                  draft->look.dictionary_bytes, &draft->walk);
    return status;
}

static int draft_begin(struct sealed_draft *draft)
{
    const flume_io *io = draft->inspection->log->io;
    int status = source_begin(draft);

    if (status != FLUME_OK)
        return status;
    draft->header.form = STRATA_SEALED;
    draft->header.flags |= STRATA_CLOSED;
    draft->header.durable = draft->row->first_seq + draft->total;
    draft->footer.sealed_ns = io->wall_ns(io->ctx);
    draft->footer.block_bytes = SEALED_BLOCK_BYTES_DEFAULT;
    if (draft->look.has_footer) {
        draft->footer.sealed_ns = draft->look.footer.sealed_ns;
        draft->footer.block_bytes = draft->look.footer.block_bytes;
    }
    status = sections_begin(draft->inspection, draft->row->first_seq, draft->header.salt,
                            &draft->sections);
    return status == FLUME_OK ? file_make(draft) : status;
}

static void draft_end(struct sealed_draft *draft)
{
    const flume_allocator *allocator = draft->inspection->options.allocator;

    if (draft->file >= 0)
        draft->inspection->log->io->close(draft->inspection->log->io->ctx, draft->file);
    seal_output_end(&draft->output);
    block_walk_end(&draft->walk);
    sections_end(&draft->sections);
    sealed_look_end(&draft->look);
    memory_release(allocator, draft->run);
    memory_release(allocator, draft);
}

int replacement_write_sealed(struct inspection *inspection, const struct survey_row *row,
                             const struct examination *examination,
                             const struct strata_header *header, const struct chain_before *before,
                             uint64_t wanted, uint64_t *out_check, struct sealed_footer *out_footer)
{
    struct sealed_draft *draft =
        memory_allocate_zeroed(inspection->options.allocator, 1, sizeof *draft);
    char strata[SURVEY_NAME_BYTES], slots[SURVEY_NAME_BYTES];
    int status;

    if (draft == NULL)
        return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to repair %s", inspection->log->path);
    draft->inspection = inspection;
    draft->row = row;
    draft->ledger = &examination->ledger;
    draft->before = before;
    draft->header = *header;
    draft->total = examination->ledger.total;
    draft->wanted = wanted;
    draft->file = -1;
    replacement_names(row->first_seq, strata, slots);
    log_path(inspection->log, "log", strata, &draft->path);
    status = draft_begin(draft);
    if (status == FLUME_OK)
        status = sealed_draft_blocks(draft);
    if (status == FLUME_OK)
        status = sealed_draft_sections(draft);
    if (status == FLUME_OK)
        status = write_pages(draft);
    if (status == FLUME_OK)
        status = verify(draft, strata);
    if (status == FLUME_OK) {
        *out_footer = draft->footer;
        if (draft->wanted_check != 0)
            *out_check = draft->wanted_check;
    }
    draft_end(draft);
    return status;
}
