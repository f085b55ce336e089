/*
 * survey_chain.c - what the headers say of each other.
 *
 * Each header names its predecessor by first seq and id, and was written when that one was there.
 * So the later header is believed: what it does not name is not part of the log, what it names and
 * is not there is missing.
 */
#include "survey_chain.h"

#include <string.h>

#include "block_walk.h"
#include "ledger.h"

/* Whether the row has a header to say anything. */
static bool speaks(const struct survey_row *row)
{
    return row->state == ROW_SOUND || row->state == ROW_MISNAMED;
}

static void remove_row(struct survey *survey, size_t index)
{
    memmove(&survey->rows[index], &survey->rows[index + 1],
            (survey->row_count - index - 1) * sizeof *survey->rows);
    survey->row_count--;
}

/* The row of that first seq below `index`, or SIZE_MAX. */
static size_t row_before(const struct survey *survey, size_t index, uint64_t first_seq)
{
    while (index-- > 0) {
        if (survey->rows[index].first_seq <= first_seq)
            return survey->rows[index].first_seq == first_seq ? index : SIZE_MAX;
    }
    return SIZE_MAX;
}

static int make_stray(struct inspection *inspection, struct survey *survey, size_t index,
                      const char *why)
{
    int status = survey_add_stray(inspection, survey, &survey->rows[index], why);

    if (status == FLUME_OK)
        remove_row(survey, index);
    return status;
}

/* The file at a place is not the one that was there when the next strata began. */
static int disown(struct inspection *inspection, struct survey *survey, size_t index)
{
    struct survey_row *row = &survey->rows[index];
    int status = survey_add_stray(inspection, survey, row,
                                  "is not the strata that the next one names as its predecessor");

    row->state = ROW_MISSING;
    row->form = STRATA_RAW;
    memset(&row->seal, 0, sizeof row->seal);
    row->file[0] = '\0';
    row->data_bytes = row->file_bytes = 0;
    return status;
}

/* Follow what one row says of its predecessor. *io_index is the row's, kept up to date. */
static int follow(struct inspection *inspection, struct survey *survey, size_t *io_index)
{
    struct survey_row row = survey->rows[*io_index];
    size_t before = row_before(survey, *io_index, row.previous_first_seq);
    struct survey_row *previous = before != SIZE_MAX ? &survey->rows[before] : NULL;
    bool agrees = previous != NULL &&
                  (!survey_is_known(previous) ||
                   memcmp(previous->strata_id, row.previous_id, sizeof row.previous_id) == 0);
    int status = FLUME_OK;

    if (*io_index == 0)
        return FLUME_OK;
    if (previous == NULL && (row.previous_first_seq == FLUME_SEQ_NONE ||
                             survey->rows[*io_index - 1].first_seq > row.previous_first_seq))
        return make_stray(inspection, survey, *io_index,
                          "is of another history: it names a predecessor that is not there");
    if (previous == NULL)
        return FLUME_OK; /* It is missing; the gap shows. */
    previous->has_wanted_id = true;
    memcpy(previous->wanted_id, row.previous_id, sizeof row.previous_id);
    while (agrees && before + 1 < *io_index && status == FLUME_OK) {
        status = make_stray(inspection, survey, *io_index - 1,
                            "lies between two strata that follow each other");
        (*io_index)--;
    }
    if (!agrees)
        status = disown(inspection, survey, before);
    return status;
}

/* Strata that HEAD does not know of, and never will. */
static int drop_beyond_head(struct inspection *inspection, struct survey *survey)
{
    uint64_t now;
    int status = FLUME_OK;

    if (!inspection->head_counts)
        return FLUME_OK;
    now = atomic_load(&inspection->log->shared->head); /* A writer may have rolled since. */
    while (survey->row_count > 0 && survey->rows[survey->row_count - 1].first_seq > now &&
           status == FLUME_OK)
        status = make_stray(inspection, survey, survey->row_count - 1, "lies beyond the log's end");
    return status;
}

/* Newest first: a later header is the better witness. */
static int follow_all(struct inspection *inspection, struct survey *survey)
{
    int status = FLUME_OK;

    for (size_t i = survey->row_count; i-- > 0 && status == FLUME_OK;) {
        if (speaks(&survey->rows[i]) && survey->rows[i].first_seq < inspection->end)
            status = follow(inspection, survey, &i);
    }
    return status;
}

/* --- Gaps and ends ---------------------------------------------------------------------------- */

/* Most grains that fit into the row's file. */
static uint64_t most_grains(const struct survey_row *row)
{
    uint64_t bytes = row->file_bytes > row->data_bytes ? row->file_bytes : row->data_bytes;

    if (row->form == STRATA_SEALED && row->seal.count != 0)
        return row->seal.count;
    if (row->form == STRATA_SEALED)
        return UINT32_MAX; /* They may have been packed into next to nothing. */
    return bytes < 3 * STRATA_PAGE_BYTES || bytes > STRATA_BYTES_MAX ? 0
                                                                     : strata_slot_count(bytes) - 1;
}

/* The same of a sealed strata of which no page says how many there are. */
static int count_sealed(struct inspection *inspection, const struct survey_row *row, uint64_t most,
                        uint64_t *out_count)
{
    struct file_window window = {.file = -1};
    struct block_walk walk = {.window = NULL};
    struct block_step step = {.kind = STEP_BLOCK};
    uint64_t done = inspection->progress_done;
    int status = file_window_open(inspection, row->file, &window);

    if (status == FLUME_OK)
        status = block_walk_begin(&window, row->salt, window.bytes, most, false, NULL, 0, &walk);
    while (status == FLUME_OK && step.kind != STEP_END)
        status = block_walk_next(&walk, &step);
    *out_count = walk.ordinal;
    block_walk_end(&walk);
    file_window_close(&window);
    inspection->progress_done = inspection->progress_told = done;
    return status;
}

/* How far the row's grains read. What is read for this is read again later, and counts then. */
static int count_grains(struct inspection *inspection, struct survey_row row, uint64_t end,
                        uint64_t *out_count)
{
    uint64_t bytes = inspection->report.bytes;
    uint64_t done = inspection->progress_done;
    struct image image = {0};
    struct ledger ledger = {0};
    int status = image_load(inspection, row.file, &image);

    row.end_seq = end;
    if (status == FLUME_OK)
        status = ledger_make(inspection, &row, &image, &ledger);
    *out_count = ledger.count;
    ledger_release(inspection, &ledger);
    image_release(inspection, &image);
    inspection->report.bytes = bytes;
    inspection->progress_done = inspection->progress_told = done;
    return status;
}

/*
 * Where the row's records end, which by the word of the next row or the log is not beyond `end`. If
 * its successor is missing, its footer tells, but for grains that read behind what it counts.
 */
static int row_end(struct inspection *inspection, const struct survey_row *row,
                   const struct survey_row *next, uint64_t end, uint64_t *out_end)
{
    bool is_followed = next != NULL && speaks(next) && next->first_seq == end &&
                       next->previous_first_seq == row->first_seq;
    struct strata_footer footer;
    uint64_t most = most_grains(row);
    uint64_t count;
    int status;

    *out_end = end <= row->first_seq ? row->first_seq : end;
    if (inspection->head_counts && end == inspection->end && row->form == STRATA_SEALED &&
        row->first_seq + row->seal.count > end) {
        /* Beside writers it was appended to and sealed since HEAD was looked at. */
        *out_end = row->first_seq + row->seal.count;
        return FLUME_OK;
    }
    if (end <= row->first_seq || row->state == ROW_MISSING)
        return FLUME_OK;
    if (end - row->first_seq > most)
        *out_end = row->first_seq + most;
    if (row->form == STRATA_SEALED) {
        if (is_followed || row->seal.count != 0)
            return FLUME_OK;
        status = count_sealed(inspection, row, *out_end - row->first_seq, &count);
        *out_end = row->first_seq + count;
        return status;
    }
    if (is_followed || !survey_footer(inspection, row, &footer) ||
        footer.count >= *out_end - row->first_seq)
        return FLUME_OK;
    status = count_grains(inspection, *row, *out_end, &count);
    if (count < *out_end - row->first_seq)
        *out_end = row->first_seq + (count > footer.count ? count : footer.count);
    return status;
}

static int add_gap(struct inspection *inspection, struct survey *survey, uint64_t from, uint64_t to,
                   const uint8_t *id)
{
    struct survey_row gap = {
        .first_seq = from, .end_seq = to, .state = ROW_MISSING, .form = STRATA_RAW};

    if (from >= to)
        return FLUME_OK;
    if (id != NULL)
        memcpy(gap.wanted_id, id, sizeof gap.wanted_id);
    gap.has_wanted_id = id != NULL;
    return survey_add_row(inspection, survey, &gap);
}

/* What is missing before `next`: if that one names a strata in the gap, it has its own row. */
static int fill_gap(struct inspection *inspection, struct survey *survey, uint64_t from,
                    const struct survey_row *next)
{
    uint64_t named = next->previous_first_seq;
    int status;

    if (!speaks(next) || named < from || named >= next->first_seq)
        return add_gap(inspection, survey, from, next->first_seq, NULL);
    status = add_gap(inspection, survey, from, named, NULL);
    if (status == FLUME_OK)
        status = add_gap(inspection, survey, named, next->first_seq, next->previous_id);
    return status;
}

/* Build the rows anew with the gaps between them. */
static int fill_gaps(struct inspection *inspection, const struct survey *old, struct survey *survey)
{
    uint64_t at = 0;
    int status = FLUME_OK;

    for (size_t i = 0; i < old->row_count && status == FLUME_OK; i++) {
        struct survey_row row = old->rows[i];
        const struct survey_row *next = i + 1 < old->row_count ? &old->rows[i + 1] : NULL;
        uint64_t end = inspection->end;

        if (row.first_seq <= inspection->end)
            status = fill_gap(inspection, survey, at, &row);
        if (next != NULL && next->first_seq < end) {
            end = next->first_seq;
            if (speaks(next) && next->previous_first_seq > row.first_seq &&
                next->previous_first_seq < end)
                end = next->previous_first_seq;
        }
        if (status == FLUME_OK)
            status = row_end(inspection, &row, next, end, &row.end_seq);
        if (row.first_seq <= inspection->end)
            at = row.end_seq;
        if (status == FLUME_OK)
            status = survey_add_row(inspection, survey, &row);
    }
    if (status == FLUME_OK && old->row_count > 0)
        status = add_gap(inspection, survey, at, inspection->end, NULL);
    return status;
}

/* --- What sealed strata say of each other ----------------------------------------------------- */

/* Sealed strata come before raw ones: what is missing among them is written anew as one of them. */
static void seal_gaps(struct survey *survey)
{
    bool is_sealed = false;

    for (size_t i = survey->row_count; i-- > 0;) {
        struct survey_row *row = &survey->rows[i];

        if (row->form == STRATA_SEALED)
            is_sealed = true;
        else if (is_sealed && row->state == ROW_MISSING)
            row->form = STRATA_SEALED;
    }
}

static void compare_chains(struct survey *survey)
{
    for (size_t i = 0; i < survey->row_count; i++) {
        struct survey_row *row = &survey->rows[i];
        struct survey_row *next = i + 1 < survey->row_count ? row + 1 : NULL;

        if (i == 0 && row->first_seq == 0)
            row->seal.has_wanted_before = true; /* Zeros. */
        if (next == NULL || next->form != STRATA_SEALED)
            continue;
        if (row->seal.has_footer) {
            next->seal.has_wanted_before = true;
            memcpy(next->seal.wanted_before, row->seal.chain, SEALED_HASH_BYTES);
        }
        if (next->seal.has_footer) {
            row->seal.has_wanted_chain = true;
            memcpy(row->seal.wanted_chain, next->seal.chain_before, SEALED_HASH_BYTES);
        }
    }
}

int survey_chain(struct inspection *inspection, struct survey *survey)
{
    struct survey filled = {0};
    int status = drop_beyond_head(inspection, survey);

    if (status == FLUME_OK)
        status = follow_all(inspection, survey);
    if (status == FLUME_OK)
        status = fill_gaps(inspection, survey, &filled);
    if (status != FLUME_OK) {
        memory_release(inspection->options.allocator, filled.rows);
        return status;
    }
    memory_release(inspection->options.allocator, survey->rows);
    survey->rows = filled.rows;
    survey->row_count = filled.row_count;
    survey->row_room = filled.row_room;
    seal_gaps(survey);
    compare_chains(survey);
    return FLUME_OK;
}
