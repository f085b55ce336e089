/*
 * sidefiles.c - what lies beside the strata: flume.conf, HEAD, TAIL, subs/, strays in log/.
 */
#include "sidefiles.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"

enum { GATE_TRIES = 5, GATE_TRY_NS = 2000000, POSITION_CHECK_AT = 56 };

static const char position_magic[8] = {'f', 'l', 'u', 'm', 'e', 's', 'u', 'b'};

static int tell(struct inspection *inspection, enum finding_weight weight, const char *file,
                uint64_t offset, uint64_t bytes, const char *why)
{
    struct finding_place place = {file, FLUME_SEQ_NONE, FLUME_SEQ_NONE, offset, bytes};

    return inspection_tell(inspection, FLUME_FINDING_SIDE_FILE, weight, &place, "%s %s", file, why);
}

/* --- flume.conf, HEAD, TAIL ------------------------------------------------------------------- */

static int look_at_conf(struct inspection *inspection, struct sidefiles *sidefiles)
{
    if (inspection->conf_status == FLUME_OK)
        return FLUME_OK;
    sidefiles->conf_is_bad = true;
    return tell(inspection, FINDING_DAMAGE, "flume.conf", 0, 0,
                inspection->conf_status == FLUME_ERR_NO_BASIN ? "is missing" : "is damaged");
}

/* HEAD is made anew by whoever attaches: a wrong size is worth a word, no more. */
static int look_at_head(struct inspection *inspection, struct sidefiles *sidefiles)
{
    const flume_log *log = inspection->log;
    flume_io_stat file_stat;

    if (log->head_file < 0 || log->io->stat(log->io->ctx, log->head_file, &file_stat) != 0 ||
        file_stat.bytes == HEAD_FILE_BYTES)
        return FLUME_OK;
    sidefiles->head_is_short = file_stat.bytes < HEAD_FILE_BYTES;
    return tell(inspection, FINDING_NORMAL, "HEAD", 0, file_stat.bytes, "has a wrong size");
}

static int look_at_gate(struct inspection *inspection, struct sidefiles *sidefiles)
{
    flume_log *log = inspection->log;
    int status = FLUME_OK;

    for (unsigned i = 0; i < GATE_SLOTS && status == FLUME_OK; i++) {
        struct gate gate;
        bool sound = gate_slot(log, i, &gate);

        /* Beside a writer it may be written at this moment. */
        for (unsigned k = 0; k < GATE_TRIES && !sound && inspection->head_counts; k++) {
            log->io->sleep(log->io->ctx, GATE_TRY_NS);
            sound = gate_slot(log, i, &gate);
        }
        if (sound)
            continue;
        sidefiles->gate_is_bad = true;
        if (gate_slot_error(log, i) != 0) {
            status = tell(inspection, FINDING_DAMAGE, "TAIL", (uint64_t)i * GATE_SLOT_BYTES,
                          GATE_SLOT_BYTES,
                          i == 0 ? "cannot be read (first slot): whether the log ends too early "
                                   "cannot be told"
                                 : "cannot be read (second slot): whether the log ends too early "
                                   "cannot be told");
            continue;
        }
        status = tell(inspection, FINDING_DAMAGE, "TAIL", (uint64_t)i * GATE_SLOT_BYTES,
                      GATE_SLOT_BYTES,
                      i == 0 ? "has no sound first slot" : "has no sound second slot");
    }
    return status;
}

/* --- subs/ ------------------------------------------------------------------------------------ */

struct names {
    struct inspection *inspection;
    struct sidefiles *sidefiles;
};

static int take_name(void *ctx, const char *name)
{
    struct names *names = ctx;
    struct sidefiles *sidefiles = names->sidefiles;

    if (strlen(name) >= POSITION_NAME_BYTES)
        return 0;
    if (sidefiles->position_count == sidefiles->position_room) {
        size_t room = sidefiles->position_room == 0 ? 8 : sidefiles->position_room * 2;
        void *positions = memory_resize(names->inspection->options.allocator, sidefiles->positions,
                                        room * sizeof *sidefiles->positions);

        if (positions == NULL)
            return -ENOMEM;
        sidefiles->positions = positions;
        sidefiles->position_room = room;
    }
    memset(&sidefiles->positions[sidefiles->position_count], 0, sizeof *sidefiles->positions);
    (void)snprintf(sidefiles->positions[sidefiles->position_count++].name, POSITION_NAME_BYTES,
                   "%s", name);
    return 0;
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* Which slots hold. One that was never written is zero, or not there. */
static int read_position(struct inspection *inspection, struct damaged_position *position,
                         bool *out_is_bad)
{
    const flume_io *io = inspection->log->io;
    struct path path;
    int file;

    *out_is_bad = false;
    log_path(inspection->log, "subs", position->name, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_READ);
    if (file == -ENOENT || file == -EISDIR)
        return FLUME_OK;
    if (file < 0)
        return log_fail_io(inspection->log, file, "open", path.text);
    for (unsigned i = 0; i < POSITION_SLOTS; i++) {
        uint8_t slot[POSITION_SLOT_BYTES] = {0};
        int error = io_read_all(io, file, slot, sizeof slot, (uint64_t)i * sizeof slot);

        if (error == -ENODATA && is_zero(slot, sizeof slot))
            continue;
        if (error == 0 && is_zero(slot, sizeof slot))
            continue;
        if (error == 0 && memcmp(slot, position_magic, sizeof position_magic) == 0 &&
            get_le64(slot + POSITION_CHECK_AT) == hash_bytes(slot, POSITION_CHECK_AT, 0)) {
            position->sound++;
            continue;
        }
        position->slot_is_bad[i] = true;
        *out_is_bad = true;
    }
    io->close(io->ctx, file);
    return FLUME_OK;
}

/* Positions are never synced: a bad slot may be what a power cut left. */
static int tell_position(struct inspection *inspection, const struct damaged_position *position)
{
    char file[POSITION_NAME_BYTES + 8];

    (void)snprintf(file, sizeof file, "subs/%s", position->name);
    return tell(inspection, FINDING_NORMAL, file,
                position->slot_is_bad[0] ? 0 : POSITION_SLOT_BYTES, POSITION_SLOT_BYTES,
                position->sound > 0 ? "has a damaged slot; the other one counts"
                                    : "is damaged: the subscription's position is lost");
}

static int look_at_positions(struct inspection *inspection, struct sidefiles *sidefiles)
{
    struct names names = {inspection, sidefiles};
    struct path path;
    size_t kept = 0;
    int error, status = FLUME_OK;

    log_path(inspection->log, "subs", "", &path);
    error = inspection->log->io->list(inspection->log->io->ctx, path.text, take_name, &names);
    if (error != 0 && error != -ENOENT)
        return log_fail_io(inspection->log, error, "list", path.text);
    for (size_t i = 0; i < sidefiles->position_count && status == FLUME_OK; i++) {
        struct damaged_position position = sidefiles->positions[i];
        bool is_bad;

        status = read_position(inspection, &position, &is_bad);
        if (status != FLUME_OK || !is_bad)
            continue;
        sidefiles->positions[kept++] = position;
        status = tell_position(inspection, &position);
    }
    sidefiles->position_count = kept;
    return status;
}

/* --- log/ ------------------------------------------------------------------------------------- */

static const struct survey_row *find_row(const struct survey *survey, uint64_t first_seq)
{
    for (size_t i = 0; i < survey->row_count; i++) {
        if (survey->rows[i].first_seq == first_seq)
            return &survey->rows[i];
    }
    return NULL;
}

/* Whether slots should not be there. A writer may be about to name their strata, or to remove them
 * after sealing it. */
static bool is_orphan(const struct inspection *inspection, const struct survey *survey,
                      uint64_t first_seq)
{
    const struct survey_row *row = find_row(survey, first_seq);
    bool is_live = inspection->head_counts && !inspection->is_alone;

    if (row != NULL)
        return row->form == STRATA_SEALED && !is_live;
    return !is_live || first_seq < inspection->end;
}

/* Slots of no strata: a power cut between two renames leaves them, and so does cutting, and sealing
 * that was cut short. */
static int look_at_orphans(struct inspection *inspection, const struct survey *survey,
                           struct sidefiles *sidefiles)
{
    int status = FLUME_OK;

    if (survey->slots_count == 0)
        return FLUME_OK;
    sidefiles->orphans = memory_allocate_zeroed(inspection->options.allocator, survey->slots_count,
                                                sizeof *sidefiles->orphans);
    if (sidefiles->orphans == NULL)
        return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to look at %s", inspection->log->path);
    for (size_t i = 0; i < survey->slots_count && status == FLUME_OK; i++) {
        uint64_t first_seq = survey->slots[i];
        char name[STRATA_NAME_BYTES];
        struct survey_file file;

        if (!is_orphan(inspection, survey, first_seq))
            continue;
        sidefiles->orphans[sidefiles->orphan_count++] = first_seq;
        strata_slots_name(name, first_seq);
        survey_file(name, &file);
        status = tell(inspection, FINDING_NORMAL, file.text, 0, 0,
                      find_row(survey, first_seq) == NULL ? "belongs to no strata"
                                                          : "is left of a strata that is sealed");
    }
    return status;
}

int sidefiles_tell_strays(struct inspection *inspection, const struct survey *survey)
{
    int status = FLUME_OK;

    for (size_t i = 0; i < survey->stray_count && status == FLUME_OK; i++) {
        const struct survey_stray *stray = &survey->strays[i];
        struct survey_file file;
        struct finding_place place = {NULL, stray->first_seq, stray->first_seq, 0, stray->bytes};

        survey_file(stray->file, &file);
        place.file = file.text;
        status = inspection_tell(inspection, FLUME_FINDING_WRONG_STRATA, FINDING_DAMAGE, &place,
                                 "%s %s", file.text, stray->why);
    }
    return status;
}

int sidefiles_look(struct inspection *inspection, const struct survey *survey,
                   struct sidefiles *out_sidefiles)
{
    int status;

    memset(out_sidefiles, 0, sizeof *out_sidefiles);
    status = look_at_conf(inspection, out_sidefiles);
    if (status == FLUME_OK)
        status = look_at_head(inspection, out_sidefiles);
    if (status == FLUME_OK)
        status = look_at_gate(inspection, out_sidefiles);
    if (status == FLUME_OK)
        status = look_at_positions(inspection, out_sidefiles);
    if (status == FLUME_OK)
        status = look_at_orphans(inspection, survey, out_sidefiles);
    return status;
}

void sidefiles_release(struct inspection *inspection, struct sidefiles *sidefiles)
{
    memory_release(inspection->options.allocator, sidefiles->positions);
    memory_release(inspection->options.allocator, sidefiles->orphans);
    memset(sidefiles, 0, sizeof *sidefiles);
}
