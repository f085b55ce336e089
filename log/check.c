/*
 * check.c - flume_check(): read everything, say what is wrong, change nothing.
 */
#include "flume/check.h"

#include <inttypes.h>

#include "companion.h"
#include "examination.h"
#include "mend.h"
#include "sidefiles.h"
#include "verdict.h"

static int check_rows(struct inspection *inspection, const struct survey *survey)
{
    int status = FLUME_OK;

    for (size_t i = 0; i < survey->row_count && status == FLUME_OK; i++) {
        const struct survey_row *row = &survey->rows[i];
        struct examination examination = {0};

        if (row->first_seq >= inspection->end && inspection->is_torn) {
            status = verdict_tell_cut(inspection, row);
            continue;
        }
        status = examine(inspection, row, &examination);
        if (status == FLUME_OK)
            verdict_count(inspection, row, &examination);
        examination_release(inspection, &examination);
        if (status == FLUME_OK)
            status = mend_look(inspection, row->first_seq);
    }
    return status;
}

static int check_all(struct inspection *inspection, struct survey *survey,
                     struct sidefiles *sidefiles)
{
    int status = survey_take(inspection, survey);

    if (status != FLUME_OK)
        return status;
    if (!inspection->is_version) {
        inspection->report.head = inspection->end;
        status = sidefiles_look(inspection, survey, sidefiles);
        if (status == FLUME_OK)
            status = sidefiles_tell_strays(inspection, survey);
        if (status == FLUME_OK)
            status = check_rows(inspection, survey);
        if (status == FLUME_OK)
            status = verdict_tell_tail(inspection, survey);
    }
    return status == FLUME_OK ? inspection_status(inspection) : status;
}

int flume_check(const char *path, const flume_check_options *options,
                flume_check_report *out_report, flume_error *out_error)
{
    struct inspection inspection;
    struct survey survey = {0};
    struct sidefiles sidefiles = {0};
    int status = inspection_begin(&inspection, path, options);

    if (status == FLUME_OK)
        status = check_all(&inspection, &survey, &sidefiles);
    if (inspection.log != NULL) {
        sidefiles_release(&inspection, &sidefiles);
        survey_release(&inspection, &survey);
    }
    inspection_end(&inspection, status, out_report, out_error);
    return status;
}

int flume_check_grains(const char *path, const flume_check_options *options,
                       flume_grains_place *out_place, flume_error *out_error)
{
    struct inspection inspection;
    int status;

    if (out_place == NULL)
        return FLUME_ERR_INVALID;
    status = inspection_begin(&inspection, path, options);
    if (status == FLUME_OK)
        status = companion_find(inspection.log, out_place);
    inspection_end(&inspection, status, NULL, out_error);
    return status;
}
