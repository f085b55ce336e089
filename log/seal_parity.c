/*
 * seal_parity.c - the parity of a strata that is being sealed.
 */
#include "seal_parity.h"

#include <errno.h>

#include "parity_strata.h"

static_assert(SEALED_SIDE_DATA_CELLS_MAX == (int)PARITY_DATA_CELLS_MAX &&
                  SEALED_SIDE_PARITY_CELLS_MAX == (int)PARITY_CELLS_MAX,
              "the footer page allows what parity does");

static bool wants(const struct seal_plan *plan, enum flume_parity parity)
{
    return (plan->parity & (unsigned)parity) != 0;
}

static struct parity_settings settings_for(const struct seal_plan *plan, uint64_t section_at)
{
    return (struct parity_settings){
        .range_bytes = section_at + STRATA_PAGE_BYTES, /* The footer page is behind the section. */
        .section_at = section_at,
        .data_cells = plan->parity_data != 0 ? plan->parity_data : PARITY_DATA_CELLS,
        .parity_cells = plan->parity_cells != 0 ? plan->parity_cells : PARITY_CELLS,
    };
}

static struct parity_settings settings_beside(const struct seal_plan *plan, uint64_t file_bytes)
{
    struct parity_settings settings = settings_for(plan, 0);

    settings.range_bytes = file_bytes;
    settings.section_at = PARITY_BESIDE;
    return settings;
}

static void settings_sign(struct parity_settings *settings, const struct sealed_footer *footer)
{
    settings->salt = footer->salt;
    memcpy(settings->strata_id, footer->strata_id, sizeof settings->strata_id);
}

uint64_t seal_parity_bytes(const struct seal_plan *plan, uint64_t section_at)
{
    struct parity_settings settings = settings_for(plan, section_at);

    return wants(plan, FLUME_PARITY_FILE) ? parity_section_bytes(&settings) : 0;
}

uint64_t seal_parity_side_bytes(const struct seal_plan *plan, const struct sealed_footer *footer)
{
    struct parity_settings settings = settings_beside(plan, footer->file_bytes);

    return wants(plan, FLUME_PARITY_SOFT) ? parity_section_bytes(&settings) : 0;
}

void seal_parity_announce(const struct seal_plan *plan, struct sealed_footer *footer)
{
    struct parity_settings settings = settings_beside(plan, 0);
    bool is_wanted = wants(plan, FLUME_PARITY_SOFT);

    footer->side_data_cells = is_wanted ? settings.data_cells : 0;
    footer->side_parity_cells = is_wanted ? settings.parity_cells : 0;
}

static int fail(flume_log *log, const struct seal_plan *plan, int status, int error,
                const char *what, const char *name)
{
    struct path path;

    log_path(log, "log", name, &path);
    if (error != 0)
        return log_fail_io(log, error, what, path.text);
    return log_fail(log, status, 0, plan->first_seq,
                    status == FLUME_ERR_NO_MEMORY
                        ? "no memory for the parity of the strata of seq %llu"
                        : "the parity of the strata of seq %llu cannot be worked out with these "
                          "options, so it stays as it is",
                    (unsigned long long)plan->first_seq);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static int write_within(flume_log *log, const struct seal_plan *plan,
                        const struct sealed_footer *footer, int file)
{
    const struct sealed_section *section = sealed_section_find(footer, SEALED_SECTION_PARITY);
    struct parity_settings settings = settings_for(plan, section->offset);
    struct parity_io strata_io = {.io = log->io, .file = file};
    struct parity_file strata = parity_io_file(&strata_io, footer->file_bytes);
    int status;

    settings_sign(&settings, footer);
    status = parity_encode(&settings, &log->allocator, &strata, &strata);
    return status == FLUME_OK
               ? FLUME_OK
               : fail(log, plan, status, strata_io.error, "write", SEAL_TEMPORARY_NAME);
}

static int write_beside(flume_log *log, const struct seal_plan *plan,
                        const struct sealed_footer *footer, int file)
{
    struct parity_settings settings = settings_beside(plan, footer->file_bytes);
    struct parity_io strata_io = {.io = log->io, .file = file};
    struct parity_io side_io = {.io = log->io};
    struct parity_file strata = parity_io_file(&strata_io, footer->file_bytes);
    struct parity_file side;
    struct path path;
    int status;

    seal_parity_drop(log);
    log_path(log, "log", SEAL_PARITY_TEMPORARY_NAME, &path);
    side_io.file = log->io->open(log->io->ctx, path.text,
                                 FLUME_IO_WRITE | FLUME_IO_CREATE | FLUME_IO_EXCLUSIVE);
    if (side_io.file < 0)
        return log_fail_io(log, side_io.file, "create", path.text);
    side = parity_io_file(&side_io, 0);
    settings_sign(&settings, footer);
    status = parity_encode(&settings, &log->allocator, &strata, &side);
    if (status == FLUME_OK)
        side_io.error = log->io->sync(log->io->ctx, side_io.file);
    log->io->close(log->io->ctx, side_io.file);
    if (strata_io.error != 0)
        return fail(log, plan, status, strata_io.error, "read", SEAL_TEMPORARY_NAME);
    if (status != FLUME_OK || side_io.error != 0)
        return fail(log, plan, status, side_io.error, "write", SEAL_PARITY_TEMPORARY_NAME);
    return FLUME_OK;
}

int seal_parity_write(flume_log *log, const struct seal_plan *plan,
                      const struct sealed_footer *footer, int file)
{
    int status = FLUME_OK;

    if (wants(plan, FLUME_PARITY_FILE))
        status = write_within(log, plan, footer, file);
    if (status == FLUME_OK && wants(plan, FLUME_PARITY_SOFT))
        status = write_beside(log, plan, footer, file);
    return status;
}

/* --- Reading back ----------------------------------------------------------------------------- */

static int verify_one(flume_log *log, const struct seal_plan *plan,
                      const struct parity_file *strata, const struct parity_file *section,
                      uint64_t hint_at, const char *name)
{
    struct parity *parity = NULL;
    struct parity_report report = {0};
    int status = parity_load(section, hint_at, NULL, &log->allocator, &parity);

    if (status == FLUME_OK)
        status = parity_verify(parity, strata, section, NULL, NULL, &report);
    parity_release(parity);
    if (status == FLUME_ERR_NO_MEMORY)
        return fail(log, plan, status, 0, "verify", name);
    if (status == FLUME_OK && parity_report_is_clean(&report))
        return FLUME_OK;
    return log_fail(log, FLUME_ERR_DAMAGED, 0, plan->first_seq,
                    "the parity in %s/log/%s did not read back as it was written, so the strata of "
                    "seq %llu stays as it is; check the disk and the memory of this machine",
                    log->path, name, (unsigned long long)plan->first_seq);
}

static int verify_beside(flume_log *log, const struct seal_plan *plan,
                         const struct sealed_footer *footer, const struct parity_file *strata)
{
    struct parity_io side_io = {.io = log->io};
    struct parity_file side;
    struct path path;
    int status;

    log_path(log, "log", SEAL_PARITY_TEMPORARY_NAME, &path);
    side_io.file = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (side_io.file < 0)
        return log_fail_io(log, side_io.file, "open", path.text);
    side = parity_io_file(&side_io, seal_parity_side_bytes(plan, footer));
    status = verify_one(log, plan, strata, &side, PARITY_BESIDE, SEAL_PARITY_TEMPORARY_NAME);
    log->io->close(log->io->ctx, side_io.file);
    return status;
}

int seal_parity_verify(flume_log *log, const struct seal_plan *plan,
                       const struct sealed_footer *footer, int file)
{
    struct parity_io strata_io = {.io = log->io, .file = file};
    struct parity_file strata = parity_io_file(&strata_io, footer->file_bytes);
    int status = FLUME_OK;

    if (wants(plan, FLUME_PARITY_FILE))
        status = verify_one(log, plan, &strata, &strata,
                            sealed_section_find(footer, SEALED_SECTION_PARITY)->offset,
                            SEAL_TEMPORARY_NAME);
    if (status == FLUME_OK && wants(plan, FLUME_PARITY_SOFT))
        status = verify_beside(log, plan, footer, &strata);
    return status;
}

/* --- Names ------------------------------------------------------------------------------------ */

int seal_parity_publish(flume_log *log, const struct seal_plan *plan)
{
    const flume_io *io = log->io;
    char name[STRATA_NAME_BYTES];
    struct path from, to, directory;
    int error;

    parity_name(name, plan->first_seq);
    log_path(log, "log", SEAL_PARITY_TEMPORARY_NAME, &from);
    log_path(log, "log", name, &to);
    log_path(log, "log", "", &directory);
    if (wants(plan, FLUME_PARITY_SOFT))
        error = io->rename(io->ctx, from.text, to.text);
    else
        error = io->unlink(io->ctx, to.text); /* Of a sealing that did not come to its end. */
    if (error == -ENOENT && !wants(plan, FLUME_PARITY_SOFT))
        return FLUME_OK;
    if (error == 0)
        error = io->sync_directory(io->ctx, directory.text);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "put in place", to.text);
}

void seal_parity_drop(flume_log *log)
{
    struct path path;

    log_path(log, "log", SEAL_PARITY_TEMPORARY_NAME, &path);
    (void)log->io->unlink(log->io->ctx, path.text); /* Not there, or creating it will tell. */
}

int seal_parity_renew(flume_log *log, const struct sealed_footer *footer, int file)
{
    const struct seal_plan plan = {.first_seq = footer->first_seq,
                                   .parity = FLUME_PARITY_SOFT,
                                   .parity_data = footer->side_data_cells,
                                   .parity_cells = footer->side_parity_cells};
    int status = seal_parity_write(log, &plan, footer, file);

    if (status == FLUME_OK)
        status = seal_parity_verify(log, &plan, footer, file);
    if (status == FLUME_OK)
        status = seal_parity_publish(log, &plan);
    if (status != FLUME_OK)
        seal_parity_drop(log);
    return status;
}
