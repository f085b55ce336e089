/*
 * repair.c - flume_repair(): make a damaged basin whole again.
 *
 * The states of a repair: alone (the gate and the members lock are held), mended (what parity can
 * restore is as it was; see mend.h), surveyed (every strata has been examined, nothing told),
 * refused or built (all that takes space is written under temporary names), told, applied.
 *
 * What always holds:
 *   - Until all is built, nothing of the basin has changed but what was mended; a refusal changes
 *     nothing.
 *   - A damaged strata is replaced by one rename, after its copy in lost+found/ is synced: the log
 *     has the old one or the new one, whenever this process dies.
 *   - Nothing is guessed: what does not verify becomes a stand-in, and is told.
 */
#include "repair.h"

#include <errno.h>
#include <inttypes.h>

#include "attach.h"
#include "keep.h"
#include "replacement.h"
#include "verdict.h"

enum { GATE_POLL_NS = 1000000 };

static const char *const actions_done[FINDING_KINDS] = {
    [0] = "",
    [FLUME_FINDING_TORN_TAIL] = "left: the next open cuts it off",
    [FLUME_FINDING_DAMAGED_RECORD] = "stand-ins; the file as it was is in lost+found/",
    [FLUME_FINDING_MISSING_STRATA] = "stand-ins",
    [FLUME_FINDING_WRONG_STRATA] = "put right; what was replaced is in lost+found/",
    [FLUME_FINDING_TAIL_LOST] = "loss accepted: TAIL says where the log ends now",
    [FLUME_FINDING_BROKEN_BATCH] = "marked as members of a broken batch",
    [FLUME_FINDING_LOST_RECORD] = "left as it is",
    [FLUME_FINDING_SIDE_FILE] = "written anew",
    [FLUME_FINDING_VERSION] = "none: a newer flume is needed",
    [FLUME_FINDING_PARITY] = "", /* mend.c has its own. */
};

static const char *const actions_wanted[FINDING_KINDS] = {
    [0] = "",
    [FLUME_FINDING_TORN_TAIL] = "would be left: the next open cuts it off",
    [FLUME_FINDING_DAMAGED_RECORD] = "would become stand-ins",
    [FLUME_FINDING_MISSING_STRATA] = "would become stand-ins",
    [FLUME_FINDING_WRONG_STRATA] = "would be put right",
    [FLUME_FINDING_TAIL_LOST] = "none: the loss must be accepted",
    [FLUME_FINDING_BROKEN_BATCH] = "would be marked as members of a broken batch",
    [FLUME_FINDING_LOST_RECORD] = "would be left as it is",
    [FLUME_FINDING_SIDE_FILE] = "would be written anew",
    [FLUME_FINDING_VERSION] = "none: a newer flume is needed",
    [FLUME_FINDING_PARITY] = "", /* mend.c has its own. */
};

static const char *const actions_refused[FINDING_KINDS] = {
    [0] = "",
    [FLUME_FINDING_TORN_TAIL] = "none: the repair was refused",
    [FLUME_FINDING_DAMAGED_RECORD] = "none: the repair was refused",
    [FLUME_FINDING_MISSING_STRATA] = "none: the repair was refused",
    [FLUME_FINDING_WRONG_STRATA] = "none: the repair was refused",
    [FLUME_FINDING_TAIL_LOST] = "none: the loss must be accepted",
    [FLUME_FINDING_BROKEN_BATCH] = "none: the repair was refused",
    [FLUME_FINDING_LOST_RECORD] = "none: the repair was refused",
    [FLUME_FINDING_SIDE_FILE] = "none: the repair was refused",
    [FLUME_FINDING_VERSION] = "none: a newer flume is needed",
    [FLUME_FINDING_PARITY] = "", /* mend.c has its own. */
};

/* --- Alone ------------------------------------------------------------------------------------ */

struct holder {
    struct head_attach entry;
    bool found;
};

static void take_holder(void *ctx, const struct head_attach *entry, bool self)
{
    struct holder *holder = ctx;

    (void)self;
    if (!holder->found)
        holder->entry = *entry;
    holder->found = true;
}

static int busy(struct inspection *inspection)
{
    flume_log *log = inspection->log;
    struct holder holder = {.found = false};
    char started[32];

    inspection_look_at_head(inspection);
    if (log->shared != NULL)
        (void)attach_list(log, take_holder, &holder);
    if (!holder.found)
        return log_fail(log, FLUME_ERR_BUSY, 0, FLUME_SEQ_NONE,
                        "%s is in use by another process; a repair needs it for itself: close it "
                        "there first",
                        log->path);
    time_text(holder.entry.started_ns, started);
    return log_fail(log, FLUME_ERR_BUSY, 0, FLUME_SEQ_NONE,
                    "%s is in use by process %llu (%.*s, on %.*s, since %s); a repair needs it for "
                    "itself: close it there first",
                    log->path, (unsigned long long)atomic_load(&holder.entry.pid),
                    HEAD_PROGRAM_BYTES, holder.entry.program, HEAD_HOST_BYTES, holder.entry.host,
                    started);
}

static int lock_take(struct inspection *inspection, uint64_t at, uint64_t timeout_ns)
{
    flume_log *log = inspection->log;
    const flume_io *io = log->io;
    uint64_t until_ns = io->monotonic_ns(io->ctx) + timeout_ns;

    for (;;) {
        int error = io->lock(io->ctx, log->lock_file, at, FLUME_IO_LOCK_EXCLUSIVE);

        if (error == 0)
            return FLUME_OK;
        if (error != -EAGAIN)
            return log_fail_io(log, error, "lock", log->path);
        if (io->monotonic_ns(io->ctx) >= until_ns)
            return busy(inspection);
        io->sleep(io->ctx, GATE_POLL_NS);
    }
}

/* Have the basin to ourselves. The locks end with the inspection's descriptor. */
static int be_alone(struct repair *repair)
{
    struct inspection *inspection = &repair->inspection;
    flume_log *log = inspection->log;
    bool changes = repair->policy != FLUME_REPAIR_DRY_RUN &&
                   inspection->conf_status != FLUME_ERR_NO_BASIN;
    flume_io_stat file_stat;
    struct path path;
    int error, status;

    log_path(log, "", "LOCK", &path);
    log->lock_file =
        log->io->open(log->io->ctx, path.text, FLUME_IO_WRITE | (changes ? FLUME_IO_CREATE : 0u));
    if (log->lock_file == -ENOENT || log->lock_file == -ENOTDIR) {
        log->lock_file = -1;
        return FLUME_OK; /* Nobody can be attached without one. */
    }
    if (log->lock_file < 0) {
        error = log->lock_file;
        log->lock_file = -1;
        return log_fail_io(log, error, "open", path.text);
    }
    error = log->io->stat(log->io->ctx, log->lock_file, &file_stat);
    if (error != 0)
        return log_fail_io(log, error, "look at", path.text);
    log->lock_device = file_stat.device; /* Files elsewhere are named after it. */
    log->lock_inode = file_stat.inode;
    status = lock_take(inspection, LOCK_GATE_AT, log->lock_timeout_ns);
    if (status == FLUME_OK)
        status = lock_take(inspection, LOCK_MEMBERS_AT, 0);
    return status;
}

/* --- Surveyed --------------------------------------------------------------------------------- */

static bool is_cut(const struct inspection *inspection, const struct survey_row *row)
{
    return inspection->is_torn && row->first_seq >= inspection->end;
}

/* Told already: its parity would restore it before anything else is looked at. */
static bool would_be_mended(const struct repair *repair, const struct survey_row *row)
{
    return repair->policy == FLUME_REPAIR_DRY_RUN && mended_has(&repair->mended, row->first_seq);
}

static void choose_gate(struct repair *repair)
{
    const struct inspection *inspection = &repair->inspection;

    if (inspection->is_tail_lost)
        repair->gate_seq = inspection->end;
    else if (inspection->has_gate && !inspection->head_counts && !inspection->is_copy)
        repair->gate_seq = inspection->gate.seq;
    else
        repair->gate_seq = inspection->known;
}

/* The check of the grain before the gate, as long as its strata is not written anew. */
static void note_gate(struct repair *repair, const struct survey_row *row,
                      const struct examination *examination)
{
    uint64_t check =
        examination_check(examination, row, repair->gate_seq, examination->noted_check);

    if (check != 0)
        repair->gate_check = check;
}

static int plan_row(struct repair *repair, size_t index)
{
    struct inspection *inspection = &repair->inspection;
    const struct survey_row *row = &repair->survey.rows[index];
    struct plan *plan = &repair->plans[index];
    struct examination examination = {0};
    int status;

    plan->total = row->end_seq - row->first_seq;
    memcpy(plan->strata_id, row->has_wanted_id ? row->wanted_id : row->strata_id,
           sizeof plan->strata_id);
    if (is_cut(inspection, row) || would_be_mended(repair, row))
        return FLUME_OK;
    status = examine(inspection, row, &examination);
    if (status == FLUME_OK) {
        verdict_count(inspection, row, &examination);
        note_gate(repair, row, &examination);
        plan->needs = examination.needs;
        plan->findings = examination.findings;
        plan->total = examination.ledger.total;
        if (inspection->is_tail_lost && row->state != ROW_MISSING && row->durable > inspection->end)
            plan->needs |= NEEDS_REPLACEMENT; /* It would ask for the lost tail for ever. */
    }
    examination_release(inspection, &examination);
    if (status == FLUME_OK && !row->has_wanted_id && !survey_is_known(row)) {
        int error = inspection->log->io->random(inspection->log->io->ctx, plan->strata_id,
                                                sizeof plan->strata_id);

        if (error != 0)
            status =
                log_fail_io(inspection->log, error, "get random bytes for", inspection->log->path);
    }
    return status;
}

static int plan_all(struct repair *repair)
{
    struct inspection *inspection = &repair->inspection;
    size_t count = repair->survey.row_count;
    int status = FLUME_OK;

    choose_gate(repair);
    inspection->noted_seq = repair->gate_seq;
    repair->log_changes = repair->survey.stray_count > 0 ||
                          (inspection->head_refusal & (HEAD_DAMAGED | HEAD_TAIL_LOST)) != 0;
    if (count == 0)
        return FLUME_OK;
    repair->plans =
        memory_allocate_zeroed(inspection->options.allocator, count, sizeof *repair->plans);
    if (repair->plans == NULL)
        return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to repair %s", inspection->log->path);
    for (size_t i = 0; i < count && status == FLUME_OK; i++) {
        status = plan_row(repair, i);
        if (repair->plans[i].needs != 0)
            repair->log_changes = true;
        if (repair->gate_seq > repair->survey.rows[i].first_seq &&
            repair->gate_seq <= repair->survey.rows[i].end_seq &&
            (repair->plans[i].needs & NEEDS_REPLACEMENT) != 0)
            repair->gate_changes = true; /* The grain before it gets another check. */
    }
    return status;
}

static void plan_gate(struct repair *repair)
{
    const struct inspection *inspection = &repair->inspection;

    if (repair->sidefiles.gate_is_bad || inspection->gate_is_wrong || inspection->is_tail_lost)
        repair->gate_changes = true;
    if (repair->log_changes && (!inspection->has_gate || inspection->gate.seq != repair->gate_seq))
        repair->gate_changes = true;
}

static int survey(struct repair *repair)
{
    struct inspection *inspection = &repair->inspection;
    int status;

    inspection->voice = FINDING_QUIET;
    status = survey_take(inspection, &repair->survey);
    if (status != FLUME_OK || inspection->is_version)
        return status;
    inspection->report.head = inspection->end;
    status = sidefiles_look(inspection, &repair->survey, &repair->sidefiles);
    if (status == FLUME_OK)
        status = plan_all(repair);
    if (status == FLUME_OK)
        status = verdict_tell_tail(inspection, &repair->survey);
    plan_gate(repair);
    return status;
}

/* --- Refused ---------------------------------------------------------------------------------- */

static int refuse_settings(struct repair *repair)
{
    struct inspection *inspection = &repair->inspection;
    static const uint8_t nobody[16];

    if (!repair->sidefiles.conf_is_bad)
        return FLUME_OK;
    if (memcmp(inspection->log->basin_id, nobody, sizeof nobody) == 0)
        return log_fail(inspection->log, FLUME_ERR_DAMAGED, 0, FLUME_SEQ_NONE,
                        "%s/flume.conf is damaged, and neither a strata nor TAIL says which basin "
                        "this is; restore the file from a backup",
                        inspection->log->path);
    for (size_t i = 0; i < repair->survey.stray_count; i++) {
        const struct survey_stray *stray = &repair->survey.strays[i];

        if (stray->first_seq != FLUME_SEQ_NONE)
            return log_fail(inspection->log, FLUME_ERR_DAMAGED, 0, stray->first_seq,
                            "%s/flume.conf is damaged, and log/%s %s; take away what does not "
                            "belong there, or restore flume.conf",
                            inspection->log->path, stray->file, stray->why);
    }
    return FLUME_OK;
}

static int refuse(struct repair *repair)
{
    struct inspection *inspection = &repair->inspection;
    flume_log *log = inspection->log;

    if (inspection->is_version)
        return inspection_status(inspection);
    if (repair->survey.is_read_only)
        return log_fail(log, FLUME_ERR_VERSION, 0, FLUME_SEQ_NONE,
                        "%s has a feature that this flume may read but not write; repair it with a "
                        "newer one",
                        log->path);
    if (inspection->is_tail_lost && repair->policy != FLUME_REPAIR_ACCEPT_LOSS)
        return inspection_status(inspection);
    for (size_t i = 0; i < repair->survey.row_count; i++) {
        if ((repair->plans[i].needs & NEEDS_REPLACEMENT) != 0 &&
            repair->plans[i].total > REPLACEMENT_RECORDS_MAX)
            return log_fail(log, FLUME_ERR_DAMAGED, 0, repair->survey.rows[i].first_seq,
                            "%s: %" PRIu64 " records from seq %" PRIu64
                            " on are missing, too many for stand-ins; restore the missing "
                            "strata from a backup",
                            log->path, repair->plans[i].total, repair->survey.rows[i].first_seq);
    }
    return refuse_settings(repair);
}

/* --- Told ------------------------------------------------------------------------------------- */

static int tell_rows(struct repair *repair)
{
    struct inspection *inspection = &repair->inspection;
    int status = FLUME_OK;

    for (size_t i = 0; i < repair->survey.row_count && status == FLUME_OK; i++) {
        const struct survey_row *row = &repair->survey.rows[i];
        struct examination examination = {0};
        char strata[SURVEY_NAME_BYTES], slots[SURVEY_NAME_BYTES];

        replacement_names(row->first_seq, strata, slots);
        if (repair->plans[i].is_written && row->form == STRATA_SEALED)
            status = keep_tell_place(inspection, row->file, strata);
        if (status != FLUME_OK)
            break;
        if (is_cut(inspection, row)) {
            status = verdict_tell_cut(inspection, row);
        } else if (repair->plans[i].findings > 0) {
            status = examine(inspection, row, &examination);
            examination_release(inspection, &examination);
        }
    }
    return status;
}

static int tell(struct repair *repair, const char *const *actions)
{
    struct inspection *inspection = &repair->inspection;
    struct sidefiles sidefiles = {0};
    uint64_t bytes = inspection->report.bytes;
    int status;

    inspection->voice = FINDING_TOLD;
    inspection->actions = actions;
    if (inspection->is_version) {
        struct survey again = {0};

        status = survey_take(inspection, &again);
        survey_release(inspection, &again);
        return status;
    }
    status = sidefiles_look(inspection, &repair->survey, &sidefiles);
    sidefiles_release(inspection, &sidefiles);
    if (status == FLUME_OK)
        status = sidefiles_tell_strays(inspection, &repair->survey);
    if (status == FLUME_OK)
        status = tell_rows(repair);
    if (status == FLUME_OK)
        status = verdict_tell_tail(inspection, &repair->survey);
    inspection->report.bytes = bytes; /* What is read twice counts once. */
    return status;
}

/* --- All of it -------------------------------------------------------------------------------- */

static int repair_all(struct repair *repair)
{
    struct inspection *inspection = &repair->inspection;
    int refusal, status;

    status = be_alone(repair);
    inspection->is_alone = status == FLUME_OK;
    if (status == FLUME_OK)
        status = mend_all(inspection,
                          repair->policy == FLUME_REPAIR_DRY_RUN ? MEND_TELL_ONLY : MEND_RESTORE,
                          &repair->mended);
    if (status == FLUME_OK)
        status = survey(repair);
    if (status != FLUME_OK)
        return status;
    refusal = refuse(repair);
    if (refusal != FLUME_OK) {
        flume_error error;

        flume_log_error(inspection->log, &error);
        status = tell(repair, actions_refused);
        return status != FLUME_OK ? status
                                  : log_fail(inspection->log, refusal, error.system_errno,
                                             error.seq, "%s", error.message);
    }
    if (repair->policy == FLUME_REPAIR_DRY_RUN) {
        status = tell(repair, actions_wanted);
        return status == FLUME_OK ? inspection_status(inspection) : status;
    }
    status = repair_build(repair);
    if (status == FLUME_OK) {
        status = tell(repair, actions_done);
        if (status != FLUME_OK)
            repair_drop(repair);
    }
    if (status == FLUME_OK)
        status = repair_apply(repair);
    if (status == FLUME_OK)
        status = mend_settle(inspection);
    if (status == FLUME_OK)
        inspection->report.sound = true;
    return status;
}

int flume_repair(const char *path, enum flume_repair_policy policy,
                 const flume_check_options *options, flume_check_report *out_report,
                 flume_error *out_error)
{
    struct repair *repair;
    const flume_allocator *allocator =
        options != NULL && options->allocator != NULL ? options->allocator : memory_default();
    int status = FLUME_ERR_INVALID;

    repair = memory_allocate_zeroed(allocator, 1, sizeof *repair);
    if (repair == NULL) {
        struct inspection nothing = {.log = NULL};

        inspection_end(&nothing, FLUME_ERR_NO_MEMORY, out_report, out_error);
        return FLUME_ERR_NO_MEMORY;
    }
    repair->policy = policy;
    status = inspection_begin(&repair->inspection, path, options);
    if (status == FLUME_OK && policy != FLUME_REPAIR_SALVAGE &&
        policy != FLUME_REPAIR_ACCEPT_LOSS && policy != FLUME_REPAIR_DRY_RUN)
        status = log_fail(repair->inspection.log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                          "unknown repair policy %d", (int)policy);
    if (status == FLUME_OK)
        status = repair_all(repair);
    if (repair->inspection.log != NULL) {
        for (size_t i = 0; repair->plans != NULL && i < repair->survey.row_count; i++)
            memory_release(allocator, repair->plans[i].copy);
        memory_release(allocator, repair->plans);
        mended_release(&repair->inspection, &repair->mended);
        sidefiles_release(&repair->inspection, &repair->sidefiles);
        survey_release(&repair->inspection, &repair->survey);
    }
    inspection_end(&repair->inspection, status, out_report, out_error);
    memory_release(allocator, repair);
    return status;
}
