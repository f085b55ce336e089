/*
 * mend.c - what the parity of sealed strata tells and restores.
 *
 * A file is restored as a copy under a temporary name: first by the parity beside it, which covers
 * all of it, then by the parity within, then once more, for the one may have brought back what the
 * other lacked. The copy is loaded and compared anew before it is told of, and before it takes the
 * name.
 */
#include "mend.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "basin.h"
#include "keep.h"
#include "mend_files.h"
#include "seal_parity.h"
#include "survey.h"

enum { ROUNDS = 2 };

static const char *const actions_restored[FINDING_KINDS] = {
    [FLUME_FINDING_PARITY] = "restored bit for bit; the file as it was is in lost+found/",
};
static const char *const actions_wanted[FINDING_KINDS] = {
    [FLUME_FINDING_PARITY] = "would be restored bit for bit",
};
static const char *const actions_renewed[FINDING_KINDS] = {
    [FLUME_FINDING_PARITY] = "written anew",
};
static const char *const actions_renewable[FINDING_KINDS] = {
    [FLUME_FINDING_PARITY] = "would be written anew",
};
static const char *const actions_beyond[FINDING_KINDS] = {
    [FLUME_FINDING_PARITY] = "none here: see the records concerned",
};

/* Both names of a strata in log/, as they are or as a repair works on them. */
struct names {
    char strata[SURVEY_NAME_BYTES], side[SURVEY_NAME_BYTES];
    struct path strata_path, side_path;
};

static void names_set_paths(struct inspection *inspection, struct names *names)
{
    log_path(inspection->log, "log", names->strata, &names->strata_path);
    log_path(inspection->log, "log", names->side, &names->side_path);
}

static void names_of(struct inspection *inspection, uint64_t first_seq, struct names *out_names)
{
    strata_name(out_names->strata, first_seq);
    parity_name(out_names->side, first_seq);
    names_set_paths(inspection, out_names);
}

static void names_for_work(struct inspection *inspection, uint64_t first_seq,
                           struct names *out_names)
{
    (void)snprintf(out_names->strata, sizeof out_names->strata, "mend-%020" PRIu64 ".strata.tmp",
                   first_seq);
    (void)snprintf(out_names->side, sizeof out_names->side, "mend-%020" PRIu64 ".parity.tmp",
                   first_seq);
    names_set_paths(inspection, out_names);
}

/* --- Telling ---------------------------------------------------------------------------------- */

struct telling {
    struct mend_files *files;
    enum mend_place place;
    bool is_restored; /* All of it can be, whatever this span's own parity says. */
    const char *const *actions;
};

/* With two parities, damage to the strata's own bytes is told by the one within: the one beside it
 * would say the same once more. */
static bool tells_once(const struct mend_files *files)
{
    return files->presence[MEND_WITHIN] == MEND_PRESENT &&
           files->presence[MEND_BESIDE] == MEND_PRESENT;
}

static const char *fate_of(const struct telling *telling, const struct parity_span *span)
{
    if (span->part != PARITY_PART_DATA)
        return span->fate == PARITY_HEALABLE || telling->is_restored
                   ? "which can be worked out anew"
                   : "which cannot be worked out anew from what is left";
    if (span->fate == PARITY_HEALABLE || telling->is_restored)
        return "which its parity can restore";
    return span->fate == PARITY_LOST ? "more than its parity can restore"
                                     : "as far as can be told: their checks are damaged, too";
}

static int tell_span(void *ctx, const struct parity_span *span)
{
    struct telling *telling = ctx;
    struct mend_files *files = telling->files;
    bool in_side = telling->place == MEND_BESIDE && span->part != PARITY_PART_DATA;
    bool is_restored = span->fate == PARITY_HEALABLE || telling->is_restored;
    const char *what = span->part == PARITY_PART_DATA ? "" : " of parity";
    struct survey_file file;
    struct finding_place place = {.file = file.text,
                                  .first_seq = FLUME_SEQ_NONE,
                                  .last_seq = FLUME_SEQ_NONE,
                                  .offset = span->offset,
                                  .bytes = span->bytes};
    int status;

    if (telling->place == MEND_BESIDE && span->part == PARITY_PART_DATA && tells_once(files))
        return FLUME_OK;
    survey_file(in_side ? files->side_name : files->name, &file);
    if (telling->actions != NULL)
        files->inspection->actions = is_restored ? telling->actions : actions_beyond;
    status = inspection_tell(files->inspection, FLUME_FINDING_PARITY, FINDING_DAMAGE, &place,
                             "%s: %" PRIu64 " bytes%s at offset %" PRIu64 " are damaged, %s",
                             file.text, span->bytes, what, span->offset, fate_of(telling, span));
    files->inspection->actions = NULL;
    return status;
}

static int tell_useless(struct mend_files *files, enum mend_place where)
{
    bool in_side = where == MEND_BESIDE;
    struct survey_file file;
    struct finding_place place = {.file = file.text,
                                  .first_seq = FLUME_SEQ_NONE,
                                  .last_seq = FLUME_SEQ_NONE,
                                  .offset = in_side ? 0 : files->section_at};

    survey_file(in_side ? files->side_name : files->name, &file);
    return inspection_tell(files->inspection, FLUME_FINDING_PARITY, FINDING_DAMAGE, &place,
                           in_side ? "%s does not read as the parity of the strata beside it"
                                   : "%s: its parity does not read at all",
                           file.text);
}

/* The records are all there: it is no damage, but the next one may not be healed. */
static int tell_missing(struct mend_files *files, const char *const *actions)
{
    struct survey_file file, side;
    struct finding_place place = {
        .file = side.text, .first_seq = FLUME_SEQ_NONE, .last_seq = FLUME_SEQ_NONE};
    int status;

    survey_file(files->name, &file);
    survey_file(files->side_name, &side);
    files->inspection->actions = actions;
    status = inspection_tell(files->inspection, FLUME_FINDING_PARITY, FINDING_NORMAL, &place,
                             "%s is missing: %s was sealed with parity beside it", side.text,
                             file.text);
    files->inspection->actions = NULL;
    return status;
}

/* --- Restoring one strata --------------------------------------------------------------------- */

/* What a strata's parities say, together. */
struct judgement {
    bool is_damaged;
    bool can_help;        /* Something can be restored. */
    bool is_whole;        /* One parity confirms or can restore every byte of the strata. */
    bool side_is_damaged; /* The file beside it. */
};

static void judge_by(struct judgement *judgement, enum mend_place place,
                     const struct parity_report *report)
{
    if (!parity_report_is_clean(report))
        judgement->is_damaged = true;
    if (report->data_healable + report->section_healable > 0)
        judgement->can_help = true;
    if (report->data_lost + report->data_unknown == 0)
        judgement->is_whole = true;
    if (place == MEND_BESIDE && report->section_healable + report->section_lost > 0)
        judgement->side_is_damaged = true;
}

static int judge(struct mend_files *files, struct judgement *out_judgement)
{
    struct parity_report reports[MEND_PLACES] = {{0}};
    const struct parity_report *beside = &reports[MEND_BESIDE];
    int status = FLUME_OK;

    memset(out_judgement, 0, sizeof *out_judgement);
    for (int place = 0; place < MEND_PLACES && status == FLUME_OK; place++) {
        if (files->presence[place] == MEND_PRESENT)
            status = mend_verify(files, (enum mend_place)place, NULL, NULL, &reports[place]);
    }
    /* Every byte is as the file's own parity has it: then it is the other that is of another
     * file. */
    if (status == FLUME_OK && tells_once(files) && parity_report_is_clean(&reports[MEND_WITHIN]) &&
        beside->data_healable + beside->data_lost + beside->data_unknown > 0) {
        parity_release(files->parity[MEND_BESIDE]);
        files->parity[MEND_BESIDE] = NULL;
        files->presence[MEND_BESIDE] = MEND_USELESS;
    }
    for (int place = 0; place < MEND_PLACES && status == FLUME_OK; place++) {
        if (files->presence[place] == MEND_PRESENT)
            judge_by(out_judgement, (enum mend_place)place, &reports[place]);
    }
    return status;
}

int mend_look(struct inspection *inspection, uint64_t first_seq)
{
    struct judgement judgement = {.is_whole = false};
    struct mend_files files;
    struct names names;
    int status;

    names_of(inspection, first_seq, &names);
    status = mend_files_open(inspection, first_seq, &names.strata_path, &names.side_path,
                             FLUME_IO_READ, &files);
    if (status == FLUME_OK && tells_once(&files)) /* What the one lacks the other may have. */
        status = judge(&files, &judgement);
    for (int place = 0; place < MEND_PLACES && status == FLUME_OK; place++) {
        struct telling telling = {
            .files = &files, .place = (enum mend_place)place, .is_restored = judgement.is_whole};
        struct parity_report report;

        if (files.presence[place] == MEND_USELESS)
            status = tell_useless(&files, telling.place);
        else if (files.presence[place] == MEND_PRESENT)
            status = mend_verify(&files, telling.place, tell_span, &telling, &report);
    }
    if (status == FLUME_OK && mend_lacks_side(&files))
        status = tell_missing(&files, NULL);
    mend_files_close(&files);
    return status;
}

/* One round over the copies. Each parity is loaded from them anew: what one restores, another
 * reads. */
static int heal_round(struct inspection *inspection, uint64_t first_seq, const struct names *work)
{
    static const enum mend_place order[] = {MEND_BESIDE, MEND_WITHIN};
    int status = FLUME_OK;

    for (size_t i = 0; i < MEND_PLACES && status == FLUME_OK; i++) {
        struct mend_files files;
        struct parity_report report;

        status = mend_files_open(inspection, first_seq, &work->strata_path, &work->side_path,
                                 FLUME_IO_WRITE, &files);
        if (status == FLUME_OK && files.presence[order[i]] == MEND_PRESENT)
            status = mend_heal(&files, order[i], &report);
        mend_files_close(&files);
    }
    return status;
}

static int sync_copies(struct inspection *inspection, struct mend_files *files)
{
    const flume_io *io = inspection->log->io;
    int error = io->sync(io->ctx, files->strata.file);

    if (error == 0 && files->side.file >= 0)
        error = io->sync(io->ctx, files->side.file);
    return error == 0 ? FLUME_OK : log_fail_io(inspection->log, error, "sync", files->name);
}

/* The length that the strata file should have, by whichever parity is there. */
static uint64_t whole_bytes(const struct mend_files *files)
{
    enum mend_place place = files->presence[MEND_WITHIN] == MEND_PRESENT ? MEND_WITHIN
                                                                         : MEND_BESIDE;

    assert(files->presence[place] == MEND_PRESENT); /* It said that something can be restored. */
    return parity_strata_bytes(files->parity[place]);
}

static void drop_work(struct inspection *inspection, const struct names *work)
{
    seal_place_drop(inspection->log, &work->strata_path);
    seal_place_drop(inspection->log, &work->side_path);
}

/* Copies of both files, healed as far as they can be. */
static int make_copies(struct mend_files *files, const struct names *names,
                       const struct names *work, struct judgement *out_after)
{
    struct inspection *inspection = files->inspection;
    struct mend_files copies;
    int status = keep_copy_as(inspection, names->strata, files->first_seq, whole_bytes(files),
                              &work->strata_path);

    if (status == FLUME_OK && files->presence[MEND_BESIDE] == MEND_PRESENT)
        status = keep_copy_as(inspection, names->side, files->first_seq,
                              parity_section_file_bytes(files->parity[MEND_BESIDE]),
                              &work->side_path);
    for (unsigned round = 0; round < ROUNDS && status == FLUME_OK; round++)
        status = heal_round(inspection, files->first_seq, work);
    if (status != FLUME_OK)
        return status;
    status = mend_files_open(inspection, files->first_seq, &work->strata_path, &work->side_path,
                             FLUME_IO_WRITE, &copies);
    if (status == FLUME_OK)
        status = sync_copies(inspection, &copies);
    if (status == FLUME_OK)
        status = judge(&copies, out_after);
    /* Whole by a parity of something that is no strata is not whole. */
    if (!copies.is_sealed || !copies.is_known)
        out_after->is_whole = false;
    mend_files_close(&copies);
    return status;
}

/* The originals, in lost+found/. */
struct kept {
    struct path strata, side;
};

static int keep_originals(struct inspection *inspection, const struct names *names,
                          const struct judgement *judgement, struct kept *out_kept)
{
    int status = keep_copy(inspection, "log", names->strata, &out_kept->strata);

    if (status == FLUME_OK && judgement->side_is_damaged)
        status = keep_copy(inspection, "log", names->side, &out_kept->side);
    return status == FLUME_OK ? keep_sync(inspection, "lost+found") : status;
}

static void drop_kept(struct inspection *inspection, const struct kept *kept)
{
    const flume_io *io = inspection->log->io;

    if (kept->strata.text[0] != '\0')
        (void)io->unlink(io->ctx, kept->strata.text); /* A copy too many does no harm. */
    if (kept->side.text[0] != '\0')
        (void)io->unlink(io->ctx, kept->side.text);
}

static int tell_both(struct mend_files *files, bool is_whole, const char *const *actions)
{
    int status = FLUME_OK;

    for (int place = 0; place < MEND_PLACES && status == FLUME_OK; place++) {
        struct telling telling = {.files = files,
                                  .place = (enum mend_place)place,
                                  .is_restored = is_whole,
                                  .actions = actions};
        struct parity_report report;

        if (files->presence[place] == MEND_PRESENT)
            status = mend_verify(files, telling.place, tell_span, &telling, &report);
    }
    return status;
}

static int restore(struct mend_files *files, const struct names *names,
                   const struct judgement *judgement)
{
    struct inspection *inspection = files->inspection;
    struct judgement after = {.is_damaged = true};
    struct kept kept = {.strata = {.text = ""}};
    struct names work;
    int status;

    names_for_work(inspection, files->first_seq, &work);
    status = basin_make_directories(inspection->log);
    if (status == FLUME_OK)
        status = make_copies(files, names, &work, &after);
    if (status == FLUME_OK)
        status = keep_originals(inspection, names, judgement, &kept);
    if (status == FLUME_OK)
        status = tell_both(files, after.is_whole, actions_restored);
    if (status == FLUME_OK)
        status = keep_tell_place(inspection, names->strata, work.strata);
    if (status != FLUME_OK)
        drop_kept(inspection, &kept);
    if (status == FLUME_OK)
        status = seal_place_exchange(inspection->log, &work.strata_path, &names->strata_path);
    if (status == FLUME_OK && judgement->side_is_damaged)
        status = seal_place_exchange(inspection->log, &work.side_path, &names->side_path);
    drop_work(inspection, &work);
    return status;
}

static int mended_add(struct inspection *inspection, struct mended *mended, uint64_t first_seq)
{
    if (mended->count == mended->room) {
        size_t room = mended->room == 0 ? 16 : 2 * mended->room;
        uint64_t *first_seqs = memory_resize(inspection->options.allocator, mended->first_seqs,
                                             room * sizeof *first_seqs);

        if (first_seqs == NULL)
            return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                            "no memory to repair %s", inspection->log->path);
        mended->first_seqs = first_seqs;
        mended->room = room;
    }
    mended->first_seqs[mended->count++] = first_seq;
    return FLUME_OK;
}

static int mend_one(struct inspection *inspection, enum mend_mode mode, uint64_t first_seq,
                    struct mended *mended)
{
    struct judgement judgement = {.is_damaged = false};
    struct mend_files files;
    struct names names;
    int status;

    names_of(inspection, first_seq, &names);
    status = mend_files_open(inspection, first_seq, &names.strata_path, &names.side_path,
                             FLUME_IO_READ, &files);
    if (status == FLUME_OK && mend_lacks_side(&files))
        status = tell_missing(&files, mode == MEND_RESTORE ? actions_renewed : actions_renewable);
    if (status == FLUME_OK)
        status = judge(&files, &judgement);
    if (status == FLUME_OK && judgement.is_damaged && judgement.can_help) {
        status = mode == MEND_RESTORE ? restore(&files, &names, &judgement)
                                      : tell_both(&files, judgement.is_whole, actions_wanted);
        if (status == FLUME_OK && judgement.is_whole)
            status = mended_add(inspection, mended, first_seq);
    }
    mend_files_close(&files);
    return status;
}

/* --- All of log/ ------------------------------------------------------------------------------ */

struct listing {
    struct inspection *inspection;
    struct mended *found; /* First seqs of all strata files. */
    int status;
};

static int take_name(void *ctx, const char *name)
{
    struct listing *listing = ctx;
    uint64_t first_seq;

    if (strata_name_parse(name, &first_seq))
        listing->status = mended_add(listing->inspection, listing->found, first_seq);
    return listing->status == FLUME_OK ? 0 : 1;
}

/* First seqs of all strata files in log/, in no order. */
static int list_strata(struct inspection *inspection, struct mended *out_found)
{
    struct listing listing = {.inspection = inspection, .found = out_found};
    struct path path;
    int error;

    log_path(inspection->log, "log", "", &path);
    error = inspection->log->io->list(inspection->log->io->ctx, path.text, take_name, &listing);
    if (listing.status != FLUME_OK)
        return listing.status;
    if (error < 0 && error != -ENOENT && error != -ENOTDIR)
        return log_fail_io(inspection->log, error, "list", path.text);
    return FLUME_OK;
}

int mend_all(struct inspection *inspection, enum mend_mode mode, struct mended *out_mended)
{
    struct mended found = {0};
    int status = list_strata(inspection, &found);

    for (size_t i = 0; i < found.count && status == FLUME_OK; i++)
        status = mend_one(inspection, mode, found.first_seqs[i], out_mended);
    mended_release(inspection, &found);
    return status;
}

/* Move the file beside a strata to lost+found/. */
static int side_leaves(struct inspection *inspection, const struct names *names)
{
    int status = keep_move(inspection, "log", names->side);

    if (status == FLUME_OK)
        status = keep_sync(inspection, "lost+found");
    return status == FLUME_OK ? keep_sync(inspection, "log") : status;
}

int mend_forget(struct inspection *inspection, uint64_t first_seq)
{
    const flume_io *io = inspection->log->io;
    struct names names;
    int file;

    names_of(inspection, first_seq, &names);
    file = io->open(io->ctx, names.side_path.text, FLUME_IO_READ);
    if (file == -ENOENT)
        return FLUME_OK;
    if (file >= 0)
        io->close(io->ctx, file);
    return side_leaves(inspection, &names);
}

/* What the footer page speaks of is made anew: by now the strata is sound. */
static int renew_side(struct inspection *inspection, const struct mend_files *files)
{
    struct sealed_footer footer = {
        .first_seq = files->first_seq,
        .salt = files->salt,
        .file_bytes = files->file_bytes,
        .side_data_cells = files->side_data_cells,
        .side_parity_cells = files->side_parity_cells,
    };

    memcpy(footer.strata_id, files->strata_id, sizeof footer.strata_id);
    return seal_parity_renew(inspection->log, &footer, files->strata.file);
}

static int settle_one(struct inspection *inspection, uint64_t first_seq)
{
    struct judgement judgement;
    struct mend_files files;
    struct names names;
    bool is_useless;
    int status;

    names_of(inspection, first_seq, &names);
    status = mend_files_open(inspection, first_seq, &names.strata_path, &names.side_path,
                             FLUME_IO_READ, &files);
    if (status == FLUME_OK && tells_once(&files))
        status = judge(&files, &judgement);
    is_useless = status == FLUME_OK && files.presence[MEND_BESIDE] == MEND_USELESS;
    if (is_useless)
        status = side_leaves(inspection, &names);
    if (status == FLUME_OK && files.side_data_cells != 0 && (is_useless || mend_lacks_side(&files)))
        status = renew_side(inspection, &files);
    mend_files_close(&files);
    return status;
}

int mend_settle(struct inspection *inspection)
{
    struct mended found = {0};
    int status = list_strata(inspection, &found);

    for (size_t i = 0; i < found.count && status == FLUME_OK; i++)
        status = settle_one(inspection, found.first_seqs[i]);
    mended_release(inspection, &found);
    return status;
}

bool mended_has(const struct mended *mended, uint64_t first_seq)
{
    for (size_t i = 0; i < mended->count; i++) {
        if (mended->first_seqs[i] == first_seq)
            return true;
    }
    return false;
}

void mended_release(struct inspection *inspection, struct mended *mended)
{
    memory_release(inspection->options.allocator, mended->first_seqs);
    *mended = (struct mended){0};
}
