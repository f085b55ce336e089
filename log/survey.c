/*
 * survey.c - which strata a log consists of, which of them are there, and what else lies in log/.
 */
#include "survey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basin.h"
#include "bytes.h"
#include "grain.h"
#include "strata.h"
#include "survey_chain.h"

void survey_file(const char *name, struct survey_file *out_file)
{
    (void)snprintf(out_file->text, sizeof out_file->text, "log/%s", name);
}

void survey_row_file(const struct survey_row *row, struct survey_file *out_file)
{
    char name[STRATA_NAME_BYTES];

    strata_name(name, row->first_seq);
    survey_file(row->file[0] != '\0' ? row->file : name, out_file);
}

/* --- Growing arrays --------------------------------------------------------------------------- */

static bool make_room(struct inspection *inspection, void **io_array, size_t count, size_t *io_room,
                      size_t bytes)
{
    size_t room = *io_room == 0 ? 32 : *io_room * 2;
    void *array;

    if (count < *io_room)
        return true;
    array = memory_resize(inspection->options.allocator, *io_array, room * bytes);
    if (array == NULL)
        return false;
    *io_array = array;
    *io_room = room;
    return true;
}

static int no_memory(struct inspection *inspection)
{
    return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                    "no memory to look at %s", inspection->log->path);
}

int survey_add_row(struct inspection *inspection, struct survey *survey,
                   const struct survey_row *row)
{
    void *rows = survey->rows;

    if (!make_room(inspection, &rows, survey->row_count, &survey->row_room, sizeof *row))
        return no_memory(inspection);
    survey->rows = rows;
    survey->rows[survey->row_count++] = *row;
    return FLUME_OK;
}

int survey_add_stray(struct inspection *inspection, struct survey *survey,
                     const struct survey_row *row, const char *why)
{
    void *strays = survey->strays;
    struct survey_stray *stray;

    if (!make_room(inspection, &strays, survey->stray_count, &survey->stray_room, sizeof *stray))
        return no_memory(inspection);
    survey->strays = strays;
    stray = &survey->strays[survey->stray_count++];
    memcpy(stray->file, row->file, sizeof stray->file);
    stray->bytes = row->data_bytes;
    stray->first_seq = row->first_seq;
    stray->why = why;
    stray->is_gone = false;
    return FLUME_OK;
}

/* --- Names ------------------------------------------------------------------------------------ */

struct listing {
    struct inspection *inspection;
    struct survey *survey;
};

static bool ends_in(const char *name, const char *ending)
{
    size_t bytes = strlen(name);
    size_t ending_bytes = strlen(ending);

    return bytes >= ending_bytes && strcmp(name + bytes - ending_bytes, ending) == 0;
}

static int take_slots(struct listing *listing, uint64_t first_seq)
{
    struct survey *survey = listing->survey;
    void *slots = survey->slots;

    if (!make_room(listing->inspection, &slots, survey->slots_count, &survey->slots_room,
                   sizeof *survey->slots))
        return -ENOMEM;
    survey->slots = slots;
    survey->slots[survey->slots_count++] = first_seq;
    return 0;
}

static int take_name(void *ctx, const char *name)
{
    struct listing *listing = ctx;
    struct survey_row row = {.state = ROW_BAD_HEADER};
    uint64_t first_seq;

    if (ends_in(name, ".tmp") || ends_in(name, ".parity") || strlen(name) >= sizeof row.file)
        return 0;
    if (strata_slots_name_parse(name, &first_seq))
        return take_slots(listing, first_seq);
    (void)snprintf(row.file, sizeof row.file, "%s", name);
    return survey_add_row(listing->inspection, listing->survey, &row) == FLUME_OK ? 0 : -ENOMEM;
}

/* --- Headers ---------------------------------------------------------------------------------- */

void survey_take_header(struct survey_row *row, const struct strata_header *header)
{
    row->state = ROW_SOUND;
    row->form = header->form;
    row->first_seq = header->first_seq;
    row->salt = header->salt;
    row->file_bytes = header->file_bytes;
    row->durable = header->durable;
    row->created_ns = header->created_ns;
    row->previous_first_seq = header->previous_first_seq;
    row->flags = header->flags;
    memcpy(row->strata_id, header->strata_id, sizeof row->strata_id);
    memcpy(row->previous_id, header->previous_id, sizeof row->previous_id);
    memcpy(row->basin_id, header->basin_id, sizeof row->basin_id);
}

/* A header that does not hold: the name says where it belongs, and the salt may still be right. */
static void take_bad_header(struct survey_row *row, const uint8_t *page)
{
    row->state = ROW_BAD_HEADER;
    row->form = STRATA_RAW;
    row->salt = get_le64(page + STRATA_SALT_AT);
    row->file_bytes = row->data_bytes;
    if (!strata_name_parse(row->file, &row->first_seq))
        row->first_seq = FLUME_SEQ_NONE;
}

static int tell_version(struct inspection *inspection, const struct survey_row *row)
{
    struct finding_place place = {NULL, FLUME_SEQ_NONE, FLUME_SEQ_NONE, 0, STRATA_PAGE_BYTES};
    struct survey_file file;

    survey_file(row->file, &file);
    place.file = file.text;
    (void)strata_name_parse(row->file, &place.first_seq);
    inspection->is_version = true;
    return inspection_tell(inspection, FLUME_FINDING_VERSION, FINDING_DAMAGE, &place,
                           "%s needs a feature that this flume does not know; use a newer one",
                           file.text);
}

static int absent(struct inspection *inspection, const struct survey_row *row, const char *path)
{
    uint64_t first_seq = FLUME_SEQ_NONE;

    (void)strata_name_parse(row->file, &first_seq);
    return strata_missing(inspection->log, first_seq, path);
}

static int read_header(struct inspection *inspection, struct survey *survey, struct survey_row *row)
{
    const flume_io *io = inspection->log->io;
    uint8_t page[STRATA_PAGE_BYTES] = {0};
    struct strata_header header;
    flume_io_stat file_stat;
    struct path path;
    int medium_error = 0;
    int file, error, status;

    log_path(inspection->log, "log", row->file, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_READ);
    if (file == -EISDIR) {
        take_bad_header(row, page);
        return FLUME_OK;
    }
    /* It was listed: a link that leads nowhere. That is no damage: what it leads to may come
     * back. */
    if (file == -ENOENT)
        return absent(inspection, row, path.text);
    if (file < 0)
        return log_fail_io(inspection->log, file, "open", path.text);
    error = io->stat(io->ctx, file, &file_stat);
    if (error == 0 && !file_stat.is_directory && file_stat.bytes >= sizeof page)
        medium_error = io_read_all(io, file, page, sizeof page, 0);
    if (medium_error == -EIO) /* What the medium gives at the second try is not lost. */
        medium_error = io_read_all(io, file, page, sizeof page, 0);
    io->close(io->ctx, file);
    if (error != 0)
        return log_fail_io(inspection->log, error, "look at", path.text);
    if (medium_error != 0 && medium_error != -EIO) /* With EIO it is a damaged header. */
        return log_fail_io(inspection->log, medium_error, "read", path.text);
    row->data_bytes = file_stat.bytes;
    inspection->progress_total += row->data_bytes;
    status = strata_header_decode(page, &header);
    if (status == FLUME_ERR_VERSION)
        return tell_version(inspection, row);
    if (status != FLUME_OK) {
        take_bad_header(row, page);
        return survey_look_sealed(inspection, row);
    }
    survey_take_header(row, &header);
    if (header.read_only_compatible != 0)
        survey->is_read_only = true;
    return row->form == STRATA_SEALED ? survey_look_sealed(inspection, row) : FLUME_OK;
}

/* Which basin this is, where flume.conf does not say: what the first sound header says, or TAIL. */
static void guess_basin(struct inspection *inspection, const struct survey *survey)
{
    for (size_t i = 0; i < survey->row_count; i++) {
        if (!survey_is_known(&survey->rows[i]))
            continue;
        memcpy(inspection->log->basin_id, survey->rows[i].basin_id,
               sizeof survey->rows[i].basin_id);
        return;
    }
    if (inspection->log->gate_file >= 0)
        (void)gate_basin(inspection->log, inspection->log->basin_id);
}

/* Sort the files found into strata and strays. */
static int classify(struct inspection *inspection, struct survey *survey)
{
    size_t kept = 0;
    int status = FLUME_OK;

    for (size_t i = 0; i < survey->row_count && status == FLUME_OK; i++) {
        struct survey_row *row = &survey->rows[i];
        uint64_t name_seq = FLUME_SEQ_NONE;
        bool is_named = strata_name_parse(row->file, &name_seq);

        if (!survey_is_known(row) && !is_named) {
            status = survey_add_stray(inspection, survey, row, "is no file of a log");
        } else if (survey_is_known(row) &&
                   memcmp(row->basin_id, inspection->log->basin_id, sizeof row->basin_id) != 0) {
            status = survey_add_stray(inspection, survey, row, "is a strata of another basin");
        } else {
            if (row->state == ROW_SOUND && row->first_seq != name_seq)
                row->state = ROW_MISNAMED;
            survey->rows[kept++] = *row;
        }
    }
    survey->row_count = kept;
    return status;
}

static int by_place(const void *a, const void *b)
{
    const struct survey_row *left = a;
    const struct survey_row *right = b;

    if (left->first_seq != right->first_seq)
        return left->first_seq > right->first_seq ? 1 : -1;
    return (left->state > right->state) - (left->state < right->state);
}

static int by_seq(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

/* Two files for one place: the sounder one has it. */
static int drop_doubles(struct inspection *inspection, struct survey *survey)
{
    size_t kept = 0;
    int status = FLUME_OK;

    if (survey->row_count > 0)
        qsort(survey->rows, survey->row_count, sizeof *survey->rows, by_place);
    for (size_t i = 0; i < survey->row_count && status == FLUME_OK; i++) {
        struct survey_row *row = &survey->rows[i];

        if (kept > 0 && survey->rows[kept - 1].first_seq == row->first_seq)
            status = survey_add_stray(inspection, survey, row,
                                      "claims the place of another file's strata");
        else
            survey->rows[kept++] = *row;
    }
    survey->row_count = kept;
    return status;
}

static int list(struct inspection *inspection, struct survey *survey)
{
    struct listing listing = {inspection, survey};
    struct path path;
    int error, status = FLUME_OK;

    log_path(inspection->log, "log", "", &path);
    error = inspection->log->io->list(inspection->log->io->ctx, path.text, take_name, &listing);
    if (error != 0 && error != -ENOENT)
        return log_fail_io(inspection->log, error, "list", path.text);
    if (survey->slots_count > 0)
        qsort(survey->slots, survey->slots_count, sizeof *survey->slots, by_seq);
    for (size_t i = 0; i < survey->row_count && status == FLUME_OK; i++)
        status = read_header(inspection, survey, &survey->rows[i]);
    return status;
}

/* HEAD only counts with the strata that it calls active. */
static void doubt_head(struct inspection *inspection, const struct survey *survey)
{
    if (!inspection->head_counts || inspection->head_active_first == FLUME_SEQ_NONE)
        return;
    for (size_t i = 0; i < survey->row_count; i++) {
        if (survey->rows[i].first_seq == inspection->head_active_first &&
            survey->rows[i].state == ROW_SOUND)
            return;
    }
    inspection->head_counts = false;
}

int survey_take(struct inspection *inspection, struct survey *out_survey)
{
    int status;

    memset(out_survey, 0, sizeof *out_survey);
    inspection_look_at_head(inspection);
    status = list(inspection, out_survey);
    if (status == FLUME_OK && inspection->conf_status == FLUME_ERR_NO_BASIN &&
        out_survey->row_count == 0)
        return basin_read(inspection->log); /* Its words for it. */
    if (status == FLUME_OK && inspection->conf_status != FLUME_OK)
        guess_basin(inspection, out_survey);
    if (status == FLUME_OK)
        status = classify(inspection, out_survey);
    if (status == FLUME_OK && inspection->is_version)
        return FLUME_OK; /* What the newer one means by the rest is not known here. */
    if (status == FLUME_OK)
        status = drop_doubles(inspection, out_survey);
    if (status != FLUME_OK)
        return status;
    doubt_head(inspection, out_survey);
    status = inspection_find_end(inspection);
    if (status == FLUME_OK)
        status = survey_chain(inspection, out_survey);
    return status;
}

void survey_release(struct inspection *inspection, struct survey *survey)
{
    const flume_allocator *allocator = inspection->options.allocator;

    memory_release(allocator, survey->rows);
    memory_release(allocator, survey->strays);
    memory_release(allocator, survey->slots);
    memset(survey, 0, sizeof *survey);
}

bool survey_footer(struct inspection *inspection, const struct survey_row *row,
                   struct strata_footer *out_footer)
{
    const flume_io *io = inspection->log->io;
    uint8_t page[STRATA_PAGE_BYTES];
    struct path path;
    int file, error;

    if (row->file[0] == '\0' || row->file_bytes < 3 * STRATA_PAGE_BYTES ||
        row->data_bytes < row->file_bytes)
        return false;
    log_path(inspection->log, "log", row->file, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_READ);
    if (file < 0)
        return false;
    error = io_read_all(io, file, page, sizeof page, strata_limit(row->file_bytes));
    io->close(io->ctx, file);
    return error == 0 && strata_footer_decode(page, out_footer) &&
           out_footer->first_seq == row->first_seq &&
           (row->state == ROW_BAD_HEADER ||
            memcmp(out_footer->strata_id, row->strata_id, sizeof row->strata_id) == 0);
}
