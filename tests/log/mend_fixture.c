/*
 * mend_fixture.c - a closed basin whose full strata are sealed with parity, and damage to their
 * files.
 */
#include "mend_fixture.h"

#include <unistd.h>

#include "parity_strata.h"
#include "seal_parity.h"

static void keep_file(struct mend_basin *basin, const char *path)
{
    struct mend_file *file = &basin->files[basin->file_count++];

    assert_true(basin->file_count <= 2 * MEND_STRATA_MAX);
    (void)snprintf(file->path, sizeof file->path, "%s", path);
    file->was = read_whole(path);
}

static void path_of(const struct log_fixture *fx, const char *name, char path[])
{
    (void)snprintf(path, LOG_FIXTURE_PATH_BYTES, "%.700s/log/%.200s", fx->path, name);
}

/* Seal one strata and exchange the files. */
static void seal_one(struct log_fixture *fx, const struct seal_plan *plan,
                     struct sealed_footer *out_footer)
{
    char from[LOG_FIXTURE_PATH_BYTES], to[LOG_FIXTURE_PATH_BYTES], name[STRATA_NAME_BYTES];

    assert_int_equal(seal_file_write(fx->log, plan, out_footer), FLUME_OK);
    assert_int_equal(seal_parity_publish(fx->log, plan), FLUME_OK);
    path_of(fx, SEAL_TEMPORARY_NAME, from);
    strata_name(name, plan->first_seq);
    path_of(fx, name, to);
    assert_int_equal(rename(from, to), 0);
    strata_slots_name(name, plan->first_seq);
    path_of(fx, name, to);
    (void)unlink(to);
}

static int no_sync(void *ctx, int file)
{
    (void)ctx;
    (void)file;
    return 0;
}

static int no_sync_directory(void *ctx, const char *path)
{
    (void)ctx;
    (void)path;
    return 0;
}

void mend_make(struct log_fixture *fx, unsigned parity, unsigned data_cells, unsigned parity_cells,
               struct mend_basin *out_basin)
{
    uint64_t firsts[SEAL_STRATA_MAX];
    struct sealed_footer footers[2];
    char path[LOG_FIXTURE_PATH_BYTES], name[STRATA_NAME_BYTES];
    size_t count;

    memset(out_basin, 0, sizeof *out_basin);
    out_basin->fx = fx;
    out_basin->seed = 1;
    out_basin->io = *flume_io_posix();
    out_basin->io.sync = no_sync;
    out_basin->io.sync_directory = no_sync_directory;
    fx->options.io = &out_basin->io;
    open_for_sealing(fx);
    fill_strata(fx, 3);
    count = list_strata(fx, firsts);
    assert_true(count >= 3 && count <= MEND_STRATA_MAX);
    for (size_t i = 0; i + 1 < count; i++) {
        struct seal_plan plan = {.first_seq = firsts[i],
                                 .count = firsts[i + 1] - firsts[i],
                                 .block_bytes = SEALED_BLOCK_BYTES_DEFAULT,
                                 .level = 1,
                                 .parity = parity,
                                 .parity_data = (uint16_t)data_cells,
                                 .parity_cells = (uint16_t)parity_cells,
                                 .previous = i == 0 ? NULL : &footers[(i - 1) % 2]};

        seal_one(fx, &plan, &footers[i % 2]);
    }
    close_log(fx);
    for (size_t i = 0; i + 1 < count; i++) {
        strata_name(name, firsts[i]);
        path_of(fx, name, path);
        keep_file(out_basin, path);
        parity_name(name, firsts[i]);
        path_of(fx, name, path);
        if ((parity & FLUME_PARITY_SOFT) != 0)
            keep_file(out_basin, path);
        assert_int_equal(file_exists(path), (parity & FLUME_PARITY_SOFT) != 0);
    }
}

void mend_release(struct mend_basin *basin)
{
    for (size_t i = 0; i < basin->file_count; i++)
        whole_file_release(&basin->files[i].was);
}

struct mend_file *mend_first(struct mend_basin *basin)
{
    return &basin->files[0];
}

struct mend_file *mend_first_side(struct mend_basin *basin)
{
    assert_non_null(strstr(basin->files[1].path, ".parity"));
    return &basin->files[1];
}

uint64_t mend_chance(struct mend_basin *basin, uint64_t below)
{
    basin->seed = basin->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (basin->seed >> 11) % below;
}

void mend_damage(struct mend_basin *basin, struct mend_file *file, uint64_t offset, uint64_t bytes)
{
    uint64_t end = offset + bytes < file->was.count ? offset + bytes : file->was.count;
    uint8_t *changed = malloc(end - offset + 1);

    assert_non_null(changed);
    read_file(file->path, offset, changed, end - offset);
    for (uint64_t at = 0; at < end - offset; at++)
        changed[at] ^= (uint8_t)(1 + mend_chance(basin, 255));
    write_file(file->path, offset, changed, end - offset);
    free(changed);
}

void mend_cut(struct mend_file *file, uint64_t bytes)
{
    assert_int_equal(truncate(file->path, (off_t)bytes), 0);
}

void mend_undo(struct mend_basin *basin)
{
    for (size_t i = 0; i < basin->file_count; i++) {
        FILE *stream = fopen(basin->files[i].path, "wb");

        assert_non_null(stream);
        assert_int_equal(fwrite(basin->files[i].was.bytes, 1, basin->files[i].was.count, stream),
                         basin->files[i].was.count);
        assert_int_equal(fclose(stream), 0);
    }
}

bool mend_is_as_it_was(const struct mend_file *file)
{
    struct whole_file is;
    bool same;

    if (!file_exists(file->path))
        return false;
    is = read_whole(file->path);
    same = is.count == file->was.count && memcmp(is.bytes, file->was.bytes, is.count) == 0;
    whole_file_release(&is);
    return same;
}

int mend_on_finding(void *ctx, const flume_finding *finding)
{
    struct mend_basin *basin = ctx;
    struct mend_finding *found;

    basin->findings_told++;
    if (basin->finding_count == MEND_FINDINGS_MAX)
        return 0;
    found = &basin->findings[basin->finding_count++];
    found->kind = finding->kind;
    found->offset = finding->offset;
    found->bytes = finding->bytes;
    (void)snprintf(found->file, sizeof found->file, "%s", finding->file);
    (void)snprintf(found->action, sizeof found->action, "%s", finding->action);
    (void)snprintf(found->message, sizeof found->message, "%.255s", finding->message);
    return 0;
}
