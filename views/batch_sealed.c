/*
 * batch_sealed.c - taking a sealed strata whole, by a definition's `sealed` (view.h).
 *
 * What always holds:
 *   - A strata is taken whole or not at all: from its first record, where the view stands, to its
 *     last, and only if all of it is wanted.
 *   - Where that does not succeed, apply gets every record of it; unless rows were put that apply
 *     would put a second time into a table with a merge, which is an error.
 */
#include "flume/seal.h"

#include "batch.h"

enum { ASK_ROWS = 4096 };

int batch_note_sealed(flume_batch *batch, size_t table, int put_status)
{
    struct batch_sealing *sealing = &batch->sealing;
    int status = put_status;

    sealing->put_count++;
    if (batch->view->definition->tables[table].merge != NULL)
        sealing->merged++;
    if (status == FLUME_OK && sealing->stop != NULL && sealing->put_count % ASK_ROWS == 0)
        status = sealing->stop(sealing->stop_ctx);
    if (status != FLUME_OK && sealing->status == FLUME_OK)
        sealing->status = status;
    return status;
}

/* Run the definition's sealed. FLUME_END: apply is to get the records. */
static int run_sealed(flume_batch *batch, uint64_t end_seq, uint64_t *out_passed_over)
{
    flume_view *view = batch->view;
    struct batch_sealing *sealing = &batch->sealing;
    int status;

    sealing->put_count = sealing->merged = 0;
    sealing->status = FLUME_OK;
    sealing->is_going_on = true;
    *out_passed_over = 0;
    status = view->definition->sealed(batch->state, batch, view->flume->log, batch->meta.synced_seq,
                                      end_seq, out_passed_over);
    sealing->is_going_on = false;
    if (batch->system_status != FLUME_OK)
        return batch->system_status;
    if (sealing->status != FLUME_OK)
        return sealing->status;
    if (status == FLUME_OK)
        return FLUME_OK;
    if (sealing->merged == 0)
        return FLUME_END;
    return flume_fail(view->flume, FLUME_ERR_VIEW, batch->meta.synced_seq,
                      "view '%s': sealed answered \"%s\" after it had put rows into a table with a "
                      "merge; mend it",
                      view->definition->name, flume_status_name(status));
}

uint64_t batch_check_before(flume_log *log, uint64_t seq)
{
    flume_record record;
    uint64_t check;

    if (flume_log_get(log, seq - 1, &record) != FLUME_OK)
        return 0; /* As everywhere: it cannot be read. */
    check = record.check;
    flume_record_release(&record);
    return check;
}

/* Take a strata whole. FLUME_END: apply is to get the records. */
static int take(flume_batch *batch, uint64_t end_seq, uint64_t *out_count)
{
    uint64_t passed_over;
    int status = run_sealed(batch, end_seq, &passed_over);

    if (status != FLUME_OK)
        return status;
    *out_count = end_seq - batch->meta.synced_seq;
    batch->meta.synced_seq = end_seq;
    batch->meta.check = batch_check_before(batch->view->flume->log, end_seq);
    batch->meta.passed_over += passed_over;
    return FLUME_OK;
}

int batch_take_sealed(flume_batch *batch, struct batch_limits *io_limits, uint64_t *out_count)
{
    flume_view *view = batch->view;
    uint64_t seq = batch->meta.synced_seq, end_seq;
    flume_strata_info info;

    if (view->definition->sealed == NULL || !io_limits->takes_sealed || seq >= io_limits->until_seq)
        return FLUME_END;
    if (seq >= batch->records_to) {
        /* Where this does not succeed, reading the records says why. */
        if (flume_log_strata(view->flume->log, seq, &info) != FLUME_OK)
            return FLUME_END;
        end_seq = info.first_seq + info.records;
        if (info.sealed && info.first_seq == seq && end_seq <= io_limits->until_seq) {
            int status = take(batch, end_seq, out_count);

            if (status != FLUME_END)
                return status;
        }
        batch->records_to = end_seq;
    }
    if (io_limits->until_seq > batch->records_to && batch->records_to > seq)
        io_limits->until_seq = batch->records_to; /* Behind it a sealed one may begin. */
    return FLUME_END;
}

uint64_t batch_sealed_border(const flume_view *view, uint64_t seq)
{
    flume_strata_info info;

    if (view->definition->sealed == NULL ||
        flume_log_strata(view->flume->log, seq, &info) != FLUME_OK || !info.sealed)
        return seq;
    return seq - info.first_seq < info.first_seq + info.records - seq
               ? info.first_seq
               : info.first_seq + info.records;
}
