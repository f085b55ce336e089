/*
 * repair_apply.c - putting in place what a repair has built.
 *
 * In this order: flume.conf; the gate, so that what HEAD alone knew is not forgotten; HEAD is made
 * to count for nothing; misplaced strata go aside, under names that still tell; each strata gets
 * its place by one rename; strays leave; slots, footers, the rest.
 *
 * Strays leave after the rows are in place: the log must not end earlier for whoever repeats a
 * repair that was interrupted in between. One that has the name of a strata written anew is copied
 * first and goes in that rename.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "basin.h"
#include "keep.h"
#include "repair.h"
#include "replacement.h"
#include "seal_file.h"
#include "strata.h"

/* --- Settings, gate, HEAD --------------------------------------------------------------------- */

static int apply_conf(struct repair *repair)
{
    struct inspection *inspection = &repair->inspection;
    flume_log *log = inspection->log;
    struct path copy;
    int status;

    if (!repair->sidefiles.conf_is_bad)
        return FLUME_OK;
    log->strata_bytes = 0;
    log->created_ns = 0;
    for (size_t i = 0; i < repair->survey.row_count; i++) {
        const struct survey_row *row = &repair->survey.rows[i];

        if (row->file_bytes > log->strata_bytes)
            log->strata_bytes = row->file_bytes / STRATA_PAGE_BYTES * STRATA_PAGE_BYTES;
        if (row->created_ns != 0 && (log->created_ns == 0 || row->created_ns < log->created_ns))
            log->created_ns = row->created_ns;
    }
    if (log->strata_bytes < FLUME_STRATA_BYTES_MIN)
        log->strata_bytes = FLUME_STRATA_BYTES_MIN;
    if (log->strata_bytes > FLUME_STRATA_BYTES_MAX)
        log->strata_bytes = FLUME_STRATA_BYTES_MAX;
    if (log->created_ns == 0)
        log->created_ns = log->io->wall_ns(log->io->ctx);
    status = keep_copy(inspection, "", "flume.conf", &copy);
    if (status == FLUME_OK)
        status = keep_sync(inspection, "lost+found");
    if (status == FLUME_OK)
        status = basin_write_conf(log);
    return status == FLUME_OK ? keep_sync(inspection, "") : status;
}

static int open_gate(struct repair *repair)
{
    flume_log *log = repair->inspection.log;
    struct path path;

    if (log->gate_file >= 0)
        log->io->close(log->io->ctx, log->gate_file);
    log_path(log, "", "TAIL", &path);
    log->gate_file = log->io->open(log->io->ctx, path.text, FLUME_IO_WRITE | FLUME_IO_CREATE);
    if (log->gate_file >= 0)
        return FLUME_OK;
    int error = log->gate_file;

    log->gate_file = -1;
    return log_fail_io(log, error, "open", path.text);
}

/* What HEAD knew to be there is on the disk before the gate says so. */
static int sync_rows(struct repair *repair)
{
    const struct inspection *inspection = &repair->inspection;
    flume_log *log = inspection->log;

    for (size_t i = 0; i < repair->survey.row_count && inspection->head_counts; i++) {
        const struct survey_row *row = &repair->survey.rows[i];
        struct path path;
        int file, error;

        if (row->file[0] == '\0' || row->end_seq <= inspection->head_durable)
            continue;
        log_path(log, "log", row->file, &path);
        file = log->io->open(log->io->ctx, path.text, FLUME_IO_WRITE);
        if (file < 0)
            return log_fail_io(log, file, "open", path.text);
        error = log->io->sync(log->io->ctx, file);
        log->io->close(log->io->ctx, file);
        if (error != 0)
            return log_fail_io(log, error, "sync", path.text);
    }
    return keep_sync(&repair->inspection, "log");
}

/* Before anything moves the gate says what is to be there, without a check: that comes last. */
static int apply_gate_first(struct repair *repair)
{
    struct inspection *inspection = &repair->inspection;
    struct path copy;
    int status;

    if (!repair->gate_changes)
        return FLUME_OK;
    status = sync_rows(repair);
    if (status == FLUME_OK && repair->sidefiles.gate_is_bad)
        status = keep_copy(inspection, "", "TAIL", &copy);
    if (status == FLUME_OK)
        status = open_gate(repair);
    if (status == FLUME_OK)
        status = gate_create(inspection->log, repair->gate_seq, 0);
    return status == FLUME_OK ? keep_sync(inspection, "") : status;
}

static int apply_gate_last(struct repair *repair)
{
    if (!repair->gate_changes || repair->gate_check == 0)
        return FLUME_OK;
    return gate_create(repair->inspection.log, repair->gate_seq, repair->gate_check);
}

/* HEAD counts for nothing: the next attach recovers. */
static int forget_head(struct repair *repair)
{
    flume_log *log = repair->inspection.log;
    uint8_t empty[sizeof(uint32_t)] = {HEAD_EMPTY};
    struct path path;
    int file, error = 0;

    log_path(log, "", "HEAD", &path);
    file = log->io->open(log->io->ctx, path.text, FLUME_IO_WRITE);
    if (file == -ENOENT)
        return FLUME_OK;
    if (file < 0)
        return log_fail_io(log, file, "open", path.text);
    if (repair->sidefiles.head_is_short)
        error = io_reserve(log->io, file, HEAD_FILE_BYTES);
    if (error == 0 &&
        (repair->log_changes || repair->gate_changes || repair->sidefiles.head_is_short))
        error = io_write_all(log->io, file, empty, sizeof empty, offsetof(struct head, state));
    log->io->close(log->io->ctx, file);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "write", path.text);
}

/* --- Strata ----------------------------------------------------------------------------------- */

static int rename_in_log(struct repair *repair, const char *from, const char *to)
{
    flume_log *log = repair->inspection.log;
    struct path from_path, to_path;
    int error;

    log_path(log, "log", from, &from_path);
    log_path(log, "log", to, &to_path);
    error = log->io->rename(log->io->ctx, from_path.text, to_path.text);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "rename", from_path.text);
}

static int move_stray(struct repair *repair, struct survey_stray *stray)
{
    if (stray == NULL || stray->is_gone)
        return FLUME_OK;
    stray->is_gone = true;
    return keep_move(&repair->inspection, "log", stray->file);
}

static int move_strays(struct repair *repair)
{
    int status = FLUME_OK;

    for (size_t i = 0; i < repair->survey.stray_count && status == FLUME_OK; i++)
        status = move_stray(repair, &repair->survey.strays[i]);
    return status;
}

/* A strata under another's name makes room; its new name still leads to it (survey.h). */
static int move_aside(struct repair *repair)
{
    int status = FLUME_OK;

    for (size_t i = 0; i < repair->survey.row_count && status == FLUME_OK; i++) {
        struct survey_row *row = &repair->survey.rows[i];
        char aside[SURVEY_NAME_BYTES];
        uint64_t name_seq;

        if (row->state != ROW_MISNAMED || !strata_name_parse(row->file, &name_seq))
            continue;
        (void)snprintf(aside, sizeof aside, "misplaced-%020llu.strata",
                       (unsigned long long)row->first_seq);
        status = move_stray(repair, repair_find_stray(repair, aside));
        if (status == FLUME_OK)
            status = rename_in_log(repair, row->file, aside);
        memcpy(row->file, aside, sizeof row->file);
    }
    return status;
}

static int place_slots(struct repair *repair, const struct survey_row *row)
{
    char strata[SURVEY_NAME_BYTES], slots[SURVEY_NAME_BYTES];
    char name[STRATA_NAME_BYTES];
    int status;

    replacement_names(row->first_seq, strata, slots);
    strata_slots_name(name, row->first_seq);
    status = keep_move(&repair->inspection, "log", name);
    return status == FLUME_OK ? rename_in_log(repair, slots, name) : status;
}

/* What had the name was copied when the replacement was built. */
static int replace(struct repair *repair, const char *replacement, const char *name)
{
    struct survey_stray *stray = repair_find_stray(repair, name);
    flume_log *log = repair->inspection.log;
    struct path from, to;
    int status;

    log_path(log, "log", replacement, &from);
    log_path(log, "log", name, &to);
    status = seal_place_exchange(log, &from, &to);

    if (status == FLUME_OK && stray != NULL)
        stray->is_gone = true;
    return status;
}

/* What has the name is no part of the log, and what gets it is known by its header till then. */
static int give_name(struct repair *repair, const char *from, const char *name)
{
    int status = move_stray(repair, repair_find_stray(repair, name));

    return status == FLUME_OK ? rename_in_log(repair, from, name) : status;
}

static int place_row(struct repair *repair, size_t index)
{
    const struct survey_row *row = &repair->survey.rows[index];
    const struct plan *plan = &repair->plans[index];
    char strata[SURVEY_NAME_BYTES], slots[SURVEY_NAME_BYTES];
    char name[STRATA_NAME_BYTES];
    int status = FLUME_OK;

    strata_name(name, row->first_seq);
    replacement_names(row->first_seq, strata, slots);
    if (plan_replaces(plan))
        status = mend_forget(&repair->inspection, row->first_seq);
    if (status != FLUME_OK)
        return status;
    if (plan_replaces(plan) && plan->total == 0)
        return row->file[0] == '\0' ? FLUME_OK : keep_move(&repair->inspection, "log", row->file);
    if (plan_replaces(plan))
        status = replace(repair, strata, name);
    else if ((plan->needs & NEEDS_NAME) != 0)
        status = give_name(repair, row->file, name);
    if (status == FLUME_OK && plan_replaces(plan) && row->file[0] != '\0' &&
        strcmp(row->file, name) != 0)
        status = keep_move(&repair->inspection, "log", row->file);
    if (status == FLUME_OK && plan->is_written && row->form == STRATA_RAW)
        status = place_slots(repair, row);
    return status;
}

static int apply_footer(struct repair *repair, size_t index)
{
    struct inspection *inspection = &repair->inspection;
    struct examination examination = {0};
    int status;

    if ((repair->plans[index].needs & NEEDS_FOOTER) == 0 || plan_replaces(&repair->plans[index]))
        return FLUME_OK;
    status = examine(inspection, &repair->survey.rows[index], &examination);
    if (status == FLUME_OK)
        status = replacement_write_footer(inspection, &repair->survey.rows[index], &examination);
    examination_release(inspection, &examination);
    return status;
}

static int apply_rows(struct repair *repair)
{
    int status = move_aside(repair);

    for (size_t i = 0; i < repair->survey.row_count && status == FLUME_OK; i++) {
        if (repair->plans[i].needs != 0)
            status = place_row(repair, i);
        if (status == FLUME_OK)
            status = apply_footer(repair, i);
    }
    if (status == FLUME_OK && repair->survey.stray_count > 0)
        status = keep_sync(&repair->inspection, "log"); /* The rows' names, before strays leave. */
    if (status == FLUME_OK)
        status = move_strays(repair);
    if (status == FLUME_OK && repair->log_changes)
        status = keep_sync(&repair->inspection, "lost+found");
    if (status == FLUME_OK && repair->log_changes)
        status = keep_sync(&repair->inspection, "log");
    return status;
}

/* --- The rest --------------------------------------------------------------------------------- */

/* A bad slot beside a sound one is emptied; a position of which nothing is left is forgotten. */
static int apply_position(struct repair *repair, const struct damaged_position *position)
{
    static const uint8_t empty[POSITION_SLOT_BYTES];
    struct inspection *inspection = &repair->inspection;
    const flume_io *io = inspection->log->io;
    struct path path;
    int file, error = 0;
    int status = FLUME_OK;

    if (position->sound == 0)
        return keep_move(inspection, "subs", position->name);
    log_path(inspection->log, "subs", position->name, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_WRITE);
    if (file < 0)
        return log_fail_io(inspection->log, file, "open", path.text);
    for (unsigned i = 0; i < POSITION_SLOTS && error == 0; i++) {
        if (position->slot_is_bad[i])
            error = io_write_all(io, file, empty, sizeof empty, (uint64_t)i * sizeof empty);
    }
    io->close(io->ctx, file);
    if (error != 0)
        status = log_fail_io(inspection->log, error, "write", path.text);
    return status;
}

static int apply_rest(struct repair *repair)
{
    const struct sidefiles *sidefiles = &repair->sidefiles;
    int status = FLUME_OK;

    for (size_t i = 0; i < sidefiles->position_count && status == FLUME_OK; i++)
        status = apply_position(repair, &sidefiles->positions[i]);
    for (size_t i = 0; i < sidefiles->orphan_count && status == FLUME_OK; i++) {
        char name[STRATA_NAME_BYTES];

        strata_slots_name(name, sidefiles->orphans[i]);
        status = keep_move(&repair->inspection, "log", name);
    }
    return status;
}

int repair_apply(struct repair *repair)
{
    int status;

    repair->inspection.voice = FINDING_QUIET;
    status = apply_conf(repair);
    if (status == FLUME_OK)
        status = apply_gate_first(repair);
    if (status == FLUME_OK)
        status = forget_head(repair);
    if (status == FLUME_OK)
        status = apply_rows(repair);
    if (status == FLUME_OK)
        status = apply_gate_last(repair);
    if (status == FLUME_OK)
        status = apply_rest(repair);
    return status;
}
