/*
 * vetting.c - what a careful profile looks at before it writes to a basin.
 *
 * The judge is the one of flume_check(), so the two never disagree. Side files are left out: what
 * opening needs of them it has read, and a slot that a power cut tore is no reason to refuse.
 */
#include "vetting.h"

#include "examination.h"
#include "sidefiles.h"
#include "verdict.h"

static int vet_row(struct inspection *inspection, const struct survey_row *row,
                   enum vetting_depth depth)
{
    struct examination examination = {0};
    int status;

    if (row->first_seq >= inspection->end && inspection->is_torn)
        return FLUME_OK; /* Recovery would cut it. */
    if (depth == VET_OUTLINES)
        return examine_outline(inspection, row, &examination);
    status = examine(inspection, row, &examination);
    examination_release(inspection, &examination);
    return status;
}

static int vet_all(struct inspection *inspection, struct survey *survey, enum vetting_depth depth)
{
    int status = survey_take(inspection, survey);

    if (status == FLUME_OK && !inspection->is_version)
        status = sidefiles_tell_strays(inspection, survey);
    for (size_t i = 0; i < survey->row_count && status == FLUME_OK && !inspection->is_version; i++)
        status = vet_row(inspection, &survey->rows[i], depth);
    if (status == FLUME_OK && !inspection->is_version)
        status = verdict_tell_tail(inspection, survey);
    return status == FLUME_OK ? inspection_status(inspection) : status;
}

int vet(flume_log *log, enum vetting_depth depth)
{
    flume_check_options options = {.allocator = &log->allocator, .io = log->io};
    struct inspection inspection;
    struct survey survey = {0};
    flume_error error;
    int status = inspection_begin(&inspection, log->path, &options);

    if (status == FLUME_OK)
        status = vet_all(&inspection, &survey, depth);
    if (inspection.log != NULL)
        survey_release(&inspection, &survey);
    inspection_end(&inspection, status, NULL, &error);
    if (status == FLUME_OK)
        return FLUME_OK;
    return log_fail(log, status, error.system_errno, error.seq, "%s", error.message);
}
