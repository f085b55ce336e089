/*
 * mend_files.c - a strata file and the parity that it has.
 *
 * The header page or the footer page says whether there is parity; where neither holds, it is
 * looked for all the same. What is found is believed only if it is of this strata and of this
 * file's length.
 */
#include "mend_files.h"

#include <errno.h>

#include "sealed_file.h"

/* The file of a path, or -1 where there is none. */
static int open_one(struct inspection *inspection, const struct path *path, unsigned io_flags,
                    struct parity_io *out_io, uint64_t *out_bytes)
{
    const flume_io *io = inspection->log->io;
    flume_io_stat file_stat;
    int error;

    *out_io = (struct parity_io){.io = io, .file = -1};
    error = io->open(io->ctx, path->text, io_flags);
    if (error == -ENOENT || error == -ENOTDIR || error == -EISDIR)
        return FLUME_OK;
    if (error < 0)
        return log_fail_io(inspection->log, error, "open", path->text);
    out_io->file = error;
    error = io->stat(io->ctx, out_io->file, &file_stat);
    if (error != 0)
        return log_fail_io(inspection->log, error, "look at", path->text);
    *out_bytes = file_stat.is_directory ? 0 : file_stat.bytes;
    return FLUME_OK;
}

static bool read_page(const struct mend_files *files, uint64_t at, uint8_t page[STRATA_PAGE_BYTES])
{
    return files->strata_bytes >= STRATA_PAGE_BYTES &&
           at <= files->strata_bytes - STRATA_PAGE_BYTES &&
           io_read_all(files->strata.io, files->strata.file, page, STRATA_PAGE_BYTES, at) == 0;
}

/* What the header page says. false: this file is none that parity may change. */
static bool take_header(struct mend_files *files)
{
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_header header;
    int status = read_page(files, 0, page) ? strata_header_decode(page, &header)
                                           : FLUME_ERR_DAMAGED;

    if (status == FLUME_ERR_VERSION)
        return false;
    if (status != FLUME_OK)
        return true;
    if (header.form != STRATA_SEALED || header.read_only_compatible != 0 ||
        header.first_seq != files->first_seq)
        return false;
    files->is_known = true;
    files->salt = header.salt;
    files->file_bytes = header.file_bytes;
    memcpy(files->strata_id, header.strata_id, sizeof files->strata_id);
    return true;
}

static void take_footer(struct mend_files *files)
{
    uint64_t end = files->is_known ? files->file_bytes : files->strata_bytes;
    const struct sealed_section *section;
    uint8_t page[STRATA_PAGE_BYTES];
    struct sealed_footer footer;

    files->has_section = true;
    if (end < STRATA_PAGE_BYTES || !read_page(files, end - STRATA_PAGE_BYTES, page) ||
        sealed_footer_decode(page, &footer) != FLUME_OK || footer.first_seq != files->first_seq ||
        footer.file_bytes != end || (files->is_known && footer.salt != files->salt))
        return;
    files->is_known = true;
    files->salt = footer.salt;
    files->file_bytes = footer.file_bytes;
    memcpy(files->strata_id, footer.strata_id, sizeof files->strata_id);
    files->side_data_cells = footer.side_data_cells;
    files->side_parity_cells = footer.side_parity_cells;
    section = sealed_section_find(&footer, SEALED_SECTION_PARITY);
    files->has_section = section != NULL;
    if (section != NULL)
        files->section_at = section->offset;
}

static bool is_of_this_file(const struct mend_files *files, const struct parity *parity)
{
    return !files->is_known || (parity_settings_of(parity)->salt == files->salt &&
                                parity_strata_bytes(parity) == files->file_bytes);
}

static int load(struct mend_files *files, enum mend_place place)
{
    struct parity_file file = mend_section_file(files, place);
    uint64_t hint_at = place == MEND_BESIDE ? PARITY_BESIDE : files->section_at;
    bool is_expected = place == MEND_BESIDE || files->section_at != 0;
    struct parity *parity = NULL;
    int status = parity_load(&file, hint_at, files->is_known ? files->strata_id : NULL,
                             files->inspection->options.allocator, &parity);

    if (status == FLUME_ERR_NO_MEMORY)
        return log_fail(files->inspection->log, status, 0, files->first_seq,
                        "no memory to read the parity of log/%s", files->name);
    if (status == FLUME_OK && is_of_this_file(files, parity)) {
        files->parity[place] = parity;
        files->presence[place] = MEND_PRESENT;
        return FLUME_OK;
    }
    parity_release(parity);
    files->presence[place] = is_expected ? MEND_USELESS : MEND_ABSENT;
    return FLUME_OK;
}

int mend_files_open(struct inspection *inspection, uint64_t first_seq, const struct path *strata,
                    const struct path *side, unsigned io_flags, struct mend_files *out_files)
{
    struct mend_files *files = out_files;
    int status;

    memset(files, 0, sizeof *files);
    files->inspection = inspection;
    files->first_seq = first_seq;
    files->strata.file = files->side.file = -1;
    strata_name(files->name, first_seq);
    parity_name(files->side_name, first_seq);
    status = open_one(inspection, strata, io_flags, &files->strata, &files->strata_bytes);
    if (status != FLUME_OK || files->strata.file < 0)
        return status;
    files->is_sealed = take_header(files);
    if (!files->is_sealed)
        return FLUME_OK;
    take_footer(files);
    status = open_one(inspection, side, io_flags, &files->side, &files->side_bytes);
    if (status == FLUME_OK && files->has_section)
        status = load(files, MEND_WITHIN);
    if (status == FLUME_OK && files->side.file >= 0)
        status = load(files, MEND_BESIDE);
    return status;
}

void mend_files_close(struct mend_files *files)
{
    for (int place = 0; place < MEND_PLACES; place++) {
        parity_release(files->parity[place]);
        files->parity[place] = NULL;
    }
    if (files->strata.file >= 0)
        files->strata.io->close(files->strata.io->ctx, files->strata.file);
    if (files->side.file >= 0)
        files->side.io->close(files->side.io->ctx, files->side.file);
    files->strata.file = files->side.file = -1;
}

struct parity_file mend_strata_file(struct mend_files *files)
{
    return parity_io_file(&files->strata, files->strata_bytes);
}

struct parity_file mend_section_file(struct mend_files *files, enum mend_place place)
{
    return place == MEND_WITHIN ? mend_strata_file(files)
                                : parity_io_file(&files->side, files->side_bytes);
}

static int outcome(struct mend_files *files, int status)
{
    int error = files->strata.error != 0 ? files->strata.error : files->side.error;

    if (status == FLUME_ERR_NO_MEMORY)
        return log_fail(files->inspection->log, status, 0, files->first_seq,
                        "no memory to compare log/%s with its parity", files->name);
    if (status < 0 && status != FLUME_ERR_CANCELLED)
        return log_fail_io(files->inspection->log, error != 0 ? error : -EIO, "write a copy of",
                           files->name);
    return status;
}

int mend_verify(struct mend_files *files, enum mend_place place, parity_on_span on_span, void *ctx,
                struct parity_report *out_report)
{
    struct parity_file strata = mend_strata_file(files), section = mend_section_file(files, place);

    return outcome(
        files, parity_verify(files->parity[place], &strata, &section, on_span, ctx, out_report));
}

int mend_heal(struct mend_files *files, enum mend_place place, struct parity_report *out_report)
{
    struct parity_file strata = mend_strata_file(files), section = mend_section_file(files, place);

    return outcome(files,
                   parity_heal(files->parity[place], &strata, &section, NULL, NULL, out_report));
}
