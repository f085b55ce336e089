/*
 * verdict.c - what all strata together amount to: counts, and how the log ends.
 */
#include "verdict.h"

#include <inttypes.h>

void verdict_count(struct inspection *inspection, const struct survey_row *row,
                   const struct examination *examination)
{
    uint64_t end = row->first_seq + examination->ledger.total;

    if (row->state != ROW_MISSING)
        inspection->report.strata++;
    ledger_count(inspection, &examination->ledger);
    if (row->end_seq == inspection->end && row->end_seq > row->first_seq)
        inspection->report.head = end;
}

int verdict_tell_cut(struct inspection *inspection, const struct survey_row *row)
{
    struct survey_file file;
    struct finding_place place = {NULL, row->first_seq, FLUME_SEQ_NONE, 0, row->data_bytes};

    survey_row_file(row, &file);
    place.file = file.text;
    if (inspection->voice == FINDING_TOLD)
        inspection->report.torn_bytes += row->data_bytes;
    return inspection_tell(inspection, FLUME_FINDING_TORN_TAIL, FINDING_NORMAL, &place,
                           "%s lies behind the log's end at seq %" PRIu64
                           "; the next open moves it to lost+found/",
                           file.text, inspection->end);
}

int verdict_tell_tail(struct inspection *inspection, const struct survey *survey)
{
    struct finding_place place = {"TAIL", inspection->end, inspection->end, 0, 0};
    uint64_t known = inspection->has_gate ? inspection->gate.seq : 0;

    if (!inspection->is_tail_lost)
        return FLUME_OK;
    if (inspection->head_durable > known)
        known = inspection->head_durable;
    for (size_t i = 0; i < survey->row_count; i++) {
        if (survey->rows[i].state != ROW_BAD_HEADER && survey->rows[i].durable > known)
            known = survey->rows[i].durable;
    }
    inspection->lost_to = known;
    if (known > inspection->end)
        place.last_seq = known - 1;
    return inspection_tell(inspection, FLUME_FINDING_TAIL_LOST, FINDING_NORMAL, &place,
                           "the log ends at seq %" PRIu64 ", but records up to seq %" PRIu64
                           " were acknowledged as durable",
                           inspection->end, known);
}
