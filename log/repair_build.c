/*
 * repair_build.c - everything of a repair that takes space: replacements under temporary names, and
 * copies of what they replace in lost+found/.
 */
#include <string.h>

#include "basin.h"
#include "keep.h"
#include "repair.h"
#include "replacement.h"
#include "sealed_look.h"

struct survey_stray *repair_find_stray(struct repair *repair, const char *name)
{
    for (size_t i = 0; i < repair->survey.stray_count; i++) {
        struct survey_stray *stray = &repair->survey.strays[i];

        if (!stray->is_gone && strcmp(stray->file, name) == 0)
            return stray;
    }
    return NULL;
}

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
    if (plan->total == 0 ||
        (strcmp(name, row->file) != 0 && repair_find_stray(repair, name) == NULL))
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

    if (!plan_replaces(&repair->plans[index]))
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
    if (status == FLUME_OK && plan_replaces(plan))
        status = build_row(repair, index, &examination, history);
    else if (status == FLUME_OK && (plan->needs & NEEDS_SLOTS) != 0) {
        plan->is_written = true;
        status = replacement_write_slots(inspection, row, &examination);
    }
    if (status == FLUME_OK &&
        (row->state == ROW_SOUND || row->state == ROW_MISNAMED || plan_replaces(plan)))
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
