/*
 * repair_apply.c - the writing half of a repair.
 *
 * First everything that takes space: replacements under temporary names, and copies of what they
 * replace in lost+found/. Then, in this order: flume.conf; the gate, so that what HEAD alone knew
 * is not forgotten; HEAD is made to count for nothing; misplaced strata go aside, under names that
 * still tell; each strata gets its place by one rename; strays leave; slots, footers, the rest.
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
#include "sealed_look.h"
#include "strata.h"

static bool is_replaced(const struct plan *plan)
{
    return (plan->needs & NEEDS_REPLACEMENT) != 0;
}

/* --- Building ------------------------------------------------------------------------------------ */

/* Before the first strata: nothing. */
static void history_begin(struct history *history)
{
    history->running_time_ns = 0;
    history->chain.is_known = false;
    for (size_t i = 0; i < STRATA_KINDS; i++)
        history->last_of_kind[i] = FLUME_SEQ_NONE;
}

/* A sound header knows better than what has been gathered. */
static void history_correct(struct history *history, const struct image *image)
{
    struct strata_header header;

    if (image->bytes < STRATA_PAGE_BYTES || strata_header_decode(image->data, &header) != FLUME_OK)
        return;
    history->running_time_ns = header.running_time_ns;
    memcpy(history->last_of_kind, header.last_of_kind, sizeof history->last_of_kind);
}

/* The footer page of a sealed strata has it all. */
static void history_take(struct history *history, const struct sealed_footer *footer)
{
    history->running_time_ns = footer->running_time_ns;
    memcpy(history->last_of_kind, footer->last_of_kind, sizeof history->last_of_kind);
    history->chain.is_known = true;
    memcpy(history->chain.hash, footer->chain, sizeof history->chain.hash);
}

static void history_follow(struct history *history, const struct survey_row *row,
                           const struct examination *examination)
{
    const struct ledger *ledger = &examination->ledger;

    for (uint64_t i = 0; i < ledger->count; i++) {
        const uint8_t *bytes = examination->image.data + (uint64_t)ledger->offsets[i] * GRAIN_ALIGN;
        uint64_t time_ns;

        if (ledger->offsets[i] == 0)
            continue;
        time_ns = get_le64(bytes + GRAIN_TIME_AT);
        history->last_of_kind[bytes[GRAIN_KIND_AT]] = row->first_seq + i;
        if (time_ns > history->running_time_ns)
            history->running_time_ns = time_ns;
    }
}

static void make_header(const struct repair *repair, size_t index, const struct history *history,
                        struct strata_header *out_header)
{
    const struct inspection *inspection = &repair->inspection;
    const struct survey_row *row = &repair->survey.rows[index];
    const flume_io *io = inspection->log->io;

    memset(out_header, 0, sizeof *out_header);
    out_header->form = row->form;
    memcpy(out_header->basin_id, inspection->log->basin_id, sizeof out_header->basin_id);
    memcpy(out_header->strata_id, repair->plans[index].strata_id, sizeof out_header->strata_id);
    out_header->first_seq = row->first_seq;
    /* It is synced as a whole. */
    out_header->durable = row->first_seq + repair->plans[index].total;
    out_header->created_ns = row->created_ns != 0 ? row->created_ns : io->wall_ns(io->ctx);
    out_header->running_time_ns = history->running_time_ns;
    out_header->flags = STRATA_CLOSED;
    memcpy(out_header->last_of_kind, history->last_of_kind, sizeof out_header->last_of_kind);
    out_header->previous_first_seq = FLUME_SEQ_NONE;
    while (index-- > 0) {
        if (repair->plans[index].total == 0)
            continue;
        out_header->previous_first_seq = repair->survey.rows[index].first_seq;
        memcpy(out_header->previous_id, repair->plans[index].strata_id,
               sizeof out_header->previous_id);
        return;
    }
}

/* The stray of that name which is still there, or NULL. */
static struct survey_stray *find_stray(struct repair *repair, const char *name)
{
    for (size_t i = 0; i < repair->survey.stray_count; i++) {
        struct survey_stray *stray = &repair->survey.strays[i];

        if (!stray->is_gone && strcmp(stray->file, name) == 0)
            return stray;
    }
    return NULL;
}

static int write_replacement(struct repair *repair, size_t index,
                             const struct examination *examination, struct history *history)
{
    struct inspection *inspection = &repair->inspection;
    const struct survey_row *row = &repair->survey.rows[index];
    struct strata_header header;
    struct sealed_footer footer;
    int error = 0;
    int status;

    make_header(repair, index, history, &header);
    if (row->form == STRATA_RAW)
        return replacement_write(inspection, row, examination, &header, repair->gate_seq - 1,
                                 &repair->gate_check);
    if (row->state == ROW_MISSING)
        error =
            inspection->log->io->random(inspection->log->io->ctx, &header.salt, sizeof header.salt);
    if (error != 0)
        return log_fail_io(inspection->log, error, "get random bytes for", inspection->log->path);
    status = replacement_write_sealed(inspection, row, examination, &header, &history->chain,
                                      repair->gate_seq - 1, &repair->gate_check, &footer);
    if (status == FLUME_OK)
        history_take(history, &footer);
    return status;
}

/* Write the replacement, and copy what it will replace. */
static int build_row(struct repair *repair, size_t index, const struct examination *examination,
                     struct history *history)
{
    struct inspection *inspection = &repair->inspection;
    const struct survey_row *row = &repair->survey.rows[index];
    struct plan *plan = &repair->plans[index];
    char name[STRATA_NAME_BYTES];
    int status;

    if (plan->total > 0) {
        plan->is_written = true;
        status = write_replacement(repair, index, examination, history);
        if (status != FLUME_OK)
            return status;
    }
    strata_name(name, row->first_seq);
    if (plan->total == 0 || (strcmp(name, row->file) != 0 && find_stray(repair, name) == NULL))
        return FLUME_OK; /* Nothing will be replaced. */
    plan->copy = memory_allocate(inspection->options.allocator, sizeof *plan->copy);
    if (plan->copy == NULL)
        return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to repair %s", inspection->log->path);
    return keep_copy(inspection, "log", name, plan->copy);
}

/* A sealed row needs no examination where it stays: its footer page is sound then. */
static int pass_sealed(struct repair *repair, const struct survey_row *row, struct history *history)
{
    struct sealed_look look = {.inspection = NULL};
    int status = sealed_look_begin(&repair->inspection, row, &look);

    if (status == FLUME_OK && look.has_footer)
        history_take(history, &look.footer);
    sealed_look_end(&look);
    return status;
}

static int build_sealed(struct repair *repair, size_t index, struct history *history)
{
    struct inspection *inspection = &repair->inspection;
    const struct survey_row *row = &repair->survey.rows[index];
    struct examination examination = {0};
    int status;

    if (!is_replaced(&repair->plans[index]))
        return pass_sealed(repair, row, history);
    status = examine(inspection, row, &examination);
    if (status == FLUME_OK)
        status = build_row(repair, index, &examination, history);
    examination_release(inspection, &examination);
    return status;
}

static int build_next(struct repair *repair, size_t index, struct history *history)
{
    struct inspection *inspection = &repair->inspection;
    const struct survey_row *row = &repair->survey.rows[index];
    struct plan *plan = &repair->plans[index];
    struct examination examination = {0};
    int status;

    if (row->form == STRATA_SEALED)
        return build_sealed(repair, index, history);
    status = examine(inspection, row, &examination);
    if (status == FLUME_OK && (row->state == ROW_SOUND || row->state == ROW_MISNAMED))
        history_correct(history, &examination.image);
    history->chain.is_known = false;
    if (status == FLUME_OK && is_replaced(plan))
        status = build_row(repair, index, &examination, history);
    else if (status == FLUME_OK && (plan->needs & NEEDS_SLOTS) != 0) {
        plan->is_written = true;
        status = replacement_write_slots(inspection, row, &examination);
    }
    if (status == FLUME_OK &&
        (row->state == ROW_SOUND || row->state == ROW_MISNAMED || is_replaced(plan)))
        history_follow(history, row, &examination);
    examination_release(inspection, &examination);
    return status;
}

/* From where on rows must be read again to know their history. */
static size_t first_to_read(const struct repair *repair)
{
    size_t index = 0;

    while (index < repair->survey.row_count &&
           (repair->plans[index].needs & (NEEDS_REPLACEMENT | NEEDS_SLOTS)) == 0)
        index++;
    if (index == repair->survey.row_count)
        return index;
    /* Back to a header that tells. */
    while (index > 0 && repair->survey.rows[index].state != ROW_SOUND)
        index--;
    return index;
}

int repair_build(struct repair *repair)
{
    struct inspection *inspection = &repair->inspection;
    struct history history;
    int status = basin_make_directories(inspection->log);

    history_begin(&history);
    for (size_t i = first_to_read(repair); i < repair->survey.row_count && status == FLUME_OK;
         i++) {
        if (inspection->is_torn && repair->survey.rows[i].first_seq >= inspection->end)
            continue;
        status = build_next(repair, i, &history);
    }
    if (status == FLUME_OK)
        status = keep_sync(inspection, "lost+found");
    if (status != FLUME_OK) {
        flume_error error;

        flume_log_error(inspection->log, &error); /* The reason is the first failure. */
        repair_drop(repair);
        (void)log_fail(inspection->log, error.status, error.system_errno, error.seq, "%s",
                       error.message);
    }
    return status;
}

void repair_drop(struct repair *repair)
{
    const flume_io *io = repair->inspection.log->io;

    for (size_t i = 0; i < repair->survey.row_count; i++) {
        const struct plan *plan = &repair->plans[i];

        if (plan->is_written)
            replacement_drop(&repair->inspection, repair->survey.rows[i].first_seq);
        if (plan->copy != NULL && plan->copy->text[0] != '\0')
            (void)io->unlink(io->ctx, plan->copy->text); /* The original is still in its place. */
    }
}

/* --- Settings, gate, HEAD ------------------------------------------------------------------------ */

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

/* --- Strata -------------------------------------------------------------------------------------- */

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
        status = move_stray(repair, find_stray(repair, aside));
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
    struct survey_stray *stray = find_stray(repair, name);
    int status = rename_in_log(repair, replacement, name);

    if (status == FLUME_OK && stray != NULL)
        stray->is_gone = true;
    return status;
}

/* What has the name is no part of the log, and what gets it is known by its header till then. */
static int give_name(struct repair *repair, const char *from, const char *name)
{
    int status = move_stray(repair, find_stray(repair, name));

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
    if (is_replaced(plan))
        status = mend_forget(&repair->inspection, row->first_seq);
    if (status != FLUME_OK)
        return status;
    if (is_replaced(plan) && plan->total == 0)
        return row->file[0] == '\0' ? FLUME_OK : keep_move(&repair->inspection, "log", row->file);
    if (is_replaced(plan))
        status = replace(repair, strata, name);
    else if ((plan->needs & NEEDS_NAME) != 0)
        status = give_name(repair, row->file, name);
    if (status == FLUME_OK && is_replaced(plan) && row->file[0] != '\0' &&
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

    if ((repair->plans[index].needs & NEEDS_FOOTER) == 0 || is_replaced(&repair->plans[index]))
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

/* --- The rest ------------------------------------------------------------------------------------ */

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
