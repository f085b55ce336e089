/*
 * examination.c - one strata and its slots and footer, looked at as a whole.
 *
 * Slots and footers are made from the records and are nobody's only source. Where HEAD of this boot
 * stands for the slots, wrong ones are damage; otherwise they, like a footer, may simply be what a
 * power cut left of writes that nobody waited for: told, but no damage.
 */
#include "examination.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "examination_sealed.h"
#include "hash.h"
#include "scan.h"

enum { FOOTER_TRIES = 5, FOOTER_TRY_NS = 2000000 };

struct finding_place subject_place(const struct subject *subject, uint64_t offset, uint64_t bytes)
{
    const struct survey_row *row = subject->row;

    return (struct finding_place){
        .file = subject->file.text,
        .first_seq = row->first_seq,
        .last_seq = row->end_seq > row->first_seq ? row->end_seq - 1 : row->first_seq,
        .offset = offset,
        .bytes = bytes,
    };
}

/* --- The file --------------------------------------------------------------------------------- */

int subject_wrong(struct subject *subject, unsigned needs, uint64_t offset, uint64_t bytes,
                  const char *why)
{
    struct finding_place place = subject_place(subject, offset, bytes);

    subject->examination->needs |= needs;
    subject->examination->findings++;
    return inspection_tell(subject->inspection, FLUME_FINDING_WRONG_STRATA, FINDING_DAMAGE, &place,
                           "%s %s", subject->file.text, why);
}

static int tell_missing(struct subject *subject)
{
    struct inspection *inspection = subject->inspection;
    struct finding_place place = subject_place(subject, 0, 0);

    subject->examination->needs = NEEDS_REPLACEMENT;
    subject->examination->findings++;
    return inspection_tell(inspection, FLUME_FINDING_MISSING_STRATA, FINDING_DAMAGE, &place,
                           "%s is missing: seq %" PRIu64 " to %" PRIu64, subject->file.text,
                           place.first_seq, place.last_seq);
}

static int tell_unreadable(struct subject *subject)
{
    const struct image *image = &subject->examination->image;
    struct finding_place place =
        subject_place(subject, image->unreadable_at, image->unreadable_bytes);

    if (image->unreadable_bytes == 0)
        return FLUME_OK;
    subject->examination->needs |= NEEDS_REPLACEMENT;
    subject->examination->findings++;
    return inspection_tell(subject->inspection, FLUME_FINDING_DAMAGED_RECORD, FINDING_DAMAGE,
                           &place,
                           "%s: the disk gives an error for %" PRIu64 " bytes, first at offset "
                           "%" PRIu64,
                           place.file, place.bytes, place.offset);
}

int subject_file(struct subject *subject)
{
    const struct survey_row *row = subject->row;
    int status = tell_unreadable(subject);

    if (status == FLUME_OK && row->state == ROW_BAD_HEADER)
        status =
            subject_wrong(subject, NEEDS_REPLACEMENT, 0, STRATA_PAGE_BYTES, "has a damaged header");
    else if (status == FLUME_OK && row->state == ROW_MISNAMED)
        status = subject_wrong(subject,
                               row->form == STRATA_RAW ? NEEDS_NAME | NEEDS_SLOTS : NEEDS_NAME, 0,
                               STRATA_PAGE_BYTES, "holds the strata of another name");
    if (status == FLUME_OK && row->state != ROW_BAD_HEADER && row->data_bytes < row->file_bytes)
        status = subject_wrong(subject, NEEDS_REPLACEMENT, row->data_bytes,
                               row->file_bytes - row->data_bytes,
                               "is shorter than its header says");
    else if (status == FLUME_OK && row->state != ROW_BAD_HEADER &&
             row->data_bytes > row->file_bytes)
        status = subject_wrong(subject, NEEDS_REPLACEMENT, row->file_bytes,
                               row->data_bytes - row->file_bytes, "is longer than its header says");
    return status;
}

/* --- The records ------------------------------------------------------------------------------ */

void subject_note(struct subject *subject)
{
    struct examination *examination = subject->examination;
    const struct ledger *ledger = &examination->ledger;

    if (!ledger_is_whole(ledger)) {
        examination->needs |= NEEDS_REPLACEMENT;
        examination->findings++;
    }
    for (uint64_t i = 0; i < ledger->count; i++) {
        uint8_t mark = ledger->marks[i];

        if ((mark & ~LEDGER_NEEDS) != 0)
            examination->findings++;
        if ((mark & LEDGER_BROKEN) != 0 && (mark & (LEDGER_FLAGGED | LEDGER_LOST)) == 0)
            examination->needs |= NEEDS_REPLACEMENT;
    }
}

/* What recovery would cut behind the log's end. */
static int look_behind_end(struct subject *subject)
{
    struct inspection *inspection = subject->inspection;
    const struct ledger *ledger = &subject->examination->ledger;
    const struct image *image = &subject->examination->image;
    uint64_t last;
    struct finding_place place;

    if (!inspection->is_torn || subject->row->end_seq != inspection->end ||
        ledger->end_offset >= ledger->limit)
        return FLUME_OK;
    last = scan_last_nonzero(image->data, ledger->end_offset, ledger->limit);
    if (last == ledger->end_offset)
        return FLUME_OK;
    place = subject_place(subject, ledger->end_offset, last - ledger->end_offset);
    place.first_seq = inspection->end;
    place.last_seq = FLUME_SEQ_NONE;
    subject->examination->findings++;
    if (inspection->voice == FINDING_TOLD)
        inspection->report.torn_bytes += place.bytes;
    return inspection_tell(inspection, FLUME_FINDING_TORN_TAIL, FINDING_NORMAL, &place,
                           "%s: %" PRIu64 " bytes behind the log's end at seq %" PRIu64
                           "; the next open cuts them off",
                           place.file, place.bytes, inspection->end);
}

uint64_t examination_check(const struct examination *examination, const struct survey_row *row,
                           uint64_t seq, uint64_t sealed_check)
{
    const struct ledger *ledger = &examination->ledger;
    uint64_t ordinal = seq - 1 - row->first_seq;
    struct grain grain;

    if (row->form == STRATA_SEALED)
        return sealed_check;
    if (seq <= row->first_seq || ordinal >= ledger->count || ledger->offsets[ordinal] == 0 ||
        ledger_grain(ledger, &examination->image, ordinal, &grain) == NULL)
        return 0;
    return grain.check;
}

/* The gate names the check of the grain before it. */
static int compare_gate(struct subject *subject)
{
    struct inspection *inspection = subject->inspection;
    const struct gate *gate = &inspection->gate;
    struct finding_place place = {"TAIL", gate->seq, gate->seq, 0, 0};
    uint64_t check = examination_check(subject->examination, subject->row, gate->seq,
                                       subject->examination->gate_check);

    if (!inspection->has_gate || inspection->is_copy || check == 0)
        return FLUME_OK; /* What does not read is told elsewhere. */
    inspection->gate_grain_check = check;
    if (gate->check == 0 || gate->check == check)
        return FLUME_OK;
    inspection->gate_is_wrong = true;
    subject->examination->findings++;
    return inspection_tell(inspection, FLUME_FINDING_SIDE_FILE, FINDING_DAMAGE, &place,
                           "TAIL was written after another record than the one at seq %" PRIu64,
                           gate->seq - 1);
}

/* --- Sealed meanwhile ------------------------------------------------------------------------- */

/* Whether an image is the sealed form of the row's strata, which was raw when it was surveyed. */
static bool is_sealed(const struct subject *subject, const struct image *image,
                      struct strata_header *out_header)
{
    const struct survey_row *row = subject->row;

    return row->state == ROW_SOUND && !subject->inspection->is_alone &&
           image->bytes >= STRATA_PAGE_BYTES &&
           strata_header_decode(image->data, out_header) == FLUME_OK &&
           out_header->form == STRATA_SEALED && out_header->first_seq == row->first_seq &&
           memcmp(out_header->strata_id, row->strata_id, sizeof row->strata_id) == 0;
}

/* The same of the file as it is now: then its slots are gone with good reason. */
static bool is_sealed_now(const struct subject *subject)
{
    uint64_t bytes = subject->inspection->report.bytes;
    struct image image = {0};
    struct strata_header header;
    bool sealed = false;

    if (!subject->inspection->is_alone &&
        image_load(subject->inspection, subject->row->file, &image) == FLUME_OK)
        sealed = is_sealed(subject, &image, &header);
    image_release(subject->inspection, &image);
    subject->inspection->report.bytes = bytes;
    return sealed;
}

/* --- Slots and footer ------------------------------------------------------------------------- */

/* The slots as the walk shows them: total + 1 of them, little-endian. */
static uint8_t *walked_slots(struct subject *subject, size_t *out_bytes)
{
    const struct ledger *ledger = &subject->examination->ledger;
    size_t bytes = (size_t)(ledger->total + 1) * sizeof(uint32_t);
    uint8_t *slots = memory_allocate(subject->inspection->options.allocator, bytes);

    if (slots == NULL)
        return NULL;
    for (uint64_t i = 0; i < ledger->total; i++)
        put_le32(slots + i * sizeof(uint32_t), ledger->offsets[i]);
    put_le32(slots + ledger->total * sizeof(uint32_t),
             (uint32_t)(ledger->end_offset / GRAIN_ALIGN));
    *out_bytes = bytes;
    return slots;
}

enum slots_verdict { SLOTS_EQUAL, SLOTS_DIFFER, SLOTS_ABSENT };

static int compare_slots(struct subject *subject, const uint8_t *slots, size_t bytes,
                         enum slots_verdict *out_verdict)
{
    flume_log *log = subject->inspection->log;
    char name[STRATA_NAME_BYTES];
    struct path path;
    uint8_t *found;
    int file, error;

    *out_verdict = SLOTS_ABSENT;
    strata_slots_name(name, subject->row->first_seq);
    log_path(log, "log", name, &path);
    file = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (file < 0)
        return FLUME_OK;
    found = memory_allocate(subject->inspection->options.allocator, bytes);
    error = found != NULL ? io_read_all(log->io, file, found, bytes, 0) : -ENOMEM;
    log->io->close(log->io->ctx, file);
    *out_verdict = error == 0 && memcmp(found, slots, bytes) == 0 ? SLOTS_EQUAL : SLOTS_DIFFER;
    memory_release(subject->inspection->options.allocator, found);
    return error == -ENOMEM ? log_fail_io(log, error, "read", path.text) : FLUME_OK;
}

static int tell_slots(struct subject *subject, enum slots_verdict verdict,
                      enum finding_weight weight)
{
    char name[STRATA_NAME_BYTES];
    struct survey_file file;
    struct finding_place place = subject_place(subject, 0, 0);

    strata_slots_name(name, subject->row->first_seq);
    survey_file(name, &file);
    place.file = file.text;
    subject->examination->needs |= NEEDS_SLOTS;
    subject->examination->findings++;
    return inspection_tell(
        subject->inspection, FLUME_FINDING_SIDE_FILE, weight, &place, "%s %s", file.text,
        verdict == SLOTS_ABSENT ? "is missing" : "does not say where the records lie");
}

/* What a footer page is worth. */
enum footer_verdict { FOOTER_ABSENT, FOOTER_SOUND, FOOTER_WRONG };

static enum footer_verdict judge_footer(const struct subject *subject, const uint8_t *slots,
                                        size_t slots_bytes)
{
    const struct survey_row *row = subject->row;
    const struct ledger *ledger = &subject->examination->ledger;
    const uint8_t *page = subject->examination->image.data + strata_limit(row->file_bytes);
    struct strata_footer footer;

    if (!survey_footer(subject->inspection, row, &footer)) {
        bool is_rolled = row->end_seq != subject->inspection->end;
        bool is_empty = scan_last_nonzero(page, 0, STRATA_PAGE_BYTES) == 0;

        if ((row->flags & STRATA_CLOSED) != 0)
            return FOOTER_WRONG;
        return is_rolled && !is_empty ? FOOTER_WRONG : FOOTER_ABSENT;
    }
    return footer.count == ledger->total && footer.end_offset == ledger->end_offset &&
                   footer.slots_check == hash_bytes(slots, slots_bytes, 0)
               ? FOOTER_SOUND
               : FOOTER_WRONG;
}

static enum footer_verdict look_at_footer(struct subject *subject, const uint8_t *slots,
                                          size_t slots_bytes)
{
    const struct inspection *inspection = subject->inspection;
    const flume_io *io = inspection->log->io;
    enum footer_verdict verdict = judge_footer(subject, slots, slots_bytes);
    bool is_live = !inspection_was_at_rest(inspection);

    if (is_live && subject->row->end_seq >= inspection->end)
        return FOOTER_ABSENT; /* Writers go on: it may tell of more than there was. */
    /* Beside a writer it may be written at this moment. */
    for (unsigned i = 0; i < FOOTER_TRIES && verdict == FOOTER_WRONG && is_live; i++) {
        io->sleep(io->ctx, FOOTER_TRY_NS);
        verdict = judge_footer(subject, slots, slots_bytes);
    }
    return verdict;
}

/* A footer that holds and counts other records than there are: rot does not do that. */
static bool footer_lies(const struct subject *subject)
{
    const struct survey_row *row = subject->row;
    struct strata_footer footer;

    return survey_footer(subject->inspection, row, &footer) &&
           footer.count != row->end_seq - row->first_seq;
}

static int tell_footer(struct subject *subject)
{
    uint64_t at = strata_limit(subject->row->file_bytes);
    struct finding_place place = subject_place(subject, at, STRATA_PAGE_BYTES);

    subject->examination->needs |= NEEDS_FOOTER;
    subject->examination->findings++;
    return inspection_tell(subject->inspection, FLUME_FINDING_SIDE_FILE,
                           footer_lies(subject) ? FINDING_DAMAGE : FINDING_NORMAL, &place,
                           "%s: its footer does not agree with its records", place.file);
}

static int look_at_sides(struct subject *subject)
{
    const struct inspection *inspection = subject->inspection;
    const struct survey_row *row = subject->row;
    bool trusted = inspection->head_counts && row->first_seq >= inspection->trusted_from;
    enum footer_verdict footer;
    enum slots_verdict verdict;
    size_t bytes = 0;
    uint8_t *slots = walked_slots(subject, &bytes);
    int status;

    if (slots == NULL)
        return log_fail(inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to look at %s", inspection->log->path);
    footer = look_at_footer(subject, slots, bytes);
    status = compare_slots(subject, slots, bytes, &verdict);
    memory_release(inspection->options.allocator, slots);
    /* Of one that was sealed since, the footer is another page and the slots are gone. */
    if (status == FLUME_OK && (footer == FOOTER_WRONG || verdict == SLOTS_ABSENT) &&
        is_sealed_now(subject))
        return FLUME_OK;
    if (status == FLUME_OK && footer == FOOTER_WRONG)
        status = tell_footer(subject);
    if (status == FLUME_OK && verdict != SLOTS_EQUAL && (trusted || footer != FOOTER_ABSENT))
        status = tell_slots(subject, verdict, trusted ? FINDING_DAMAGE : FINDING_NORMAL);
    return status;
}

/* --- All of it -------------------------------------------------------------------------------- */

static int examine_sealed_file(struct subject *subject)
{
    int status = examine_sealed(subject);

    if (status == FLUME_ERR_NOT_FOUND)
        return tell_missing(subject);
    return status == FLUME_OK ? compare_gate(subject) : status;
}

/* A writer has sealed the strata since it was surveyed: it is another file now. */
static int examine_anew(struct subject *subject, const struct strata_header *header)
{
    struct survey_row row = *subject->row;
    struct subject sealed = *subject;
    int status;

    image_release(subject->inspection, &subject->examination->image);
    survey_take_header(&row, header);
    row.data_bytes = header->file_bytes;
    sealed.row = &row;
    status = survey_look_sealed(subject->inspection, &row);
    /* Of what was the newest, or opened only behind it, it has what was appended since, too. */
    if (row.seal.count != 0 && row.end_seq >= subject->inspection->end &&
        row.end_seq < row.first_seq + row.seal.count)
        row.end_seq = row.first_seq + row.seal.count;
    return status == FLUME_OK ? examine_sealed_file(&sealed) : status;
}

static int examine_file(struct subject *subject)
{
    struct inspection *inspection = subject->inspection;
    struct examination *examination = subject->examination;
    const struct survey_row *row = subject->row;
    struct strata_header header;
    int status = image_load(inspection, row->file, &examination->image);

    if (status == FLUME_ERR_NOT_FOUND)
        return tell_missing(subject);
    if (status == FLUME_OK && is_sealed(subject, &examination->image, &header))
        return examine_anew(subject, &header);
    if (status == FLUME_OK)
        status = subject_file(subject);
    if (status == FLUME_OK)
        status = ledger_make(inspection, row, &examination->image, &examination->ledger);
    if (status == FLUME_OK)
        subject_note(subject);
    if (status == FLUME_OK)
        status = ledger_tell(inspection, row, &examination->image, &examination->ledger);
    if (status == FLUME_OK)
        status = compare_gate(subject);
    if (status == FLUME_OK)
        status = look_behind_end(subject);
    if (status == FLUME_OK && (examination->needs & (NEEDS_REPLACEMENT | NEEDS_NAME)) == 0)
        status = look_at_sides(subject);
    return status;
}

int examine(struct inspection *inspection, const struct survey_row *row,
            struct examination *out_examination)
{
    struct subject subject = {.inspection = inspection, .row = row, .examination = out_examination};

    memset(out_examination, 0, sizeof *out_examination);
    survey_row_file(row, &subject.file);
    if (row->state == ROW_MISSING) {
        out_examination->ledger.total = row->end_seq - row->first_seq;
        return tell_missing(&subject);
    }
    return row->form == STRATA_SEALED ? examine_sealed_file(&subject) : examine_file(&subject);
}

int examine_outline(struct inspection *inspection, const struct survey_row *row,
                    struct examination *out_examination)
{
    struct subject subject = {.inspection = inspection, .row = row, .examination = out_examination};
    int status;

    memset(out_examination, 0, sizeof *out_examination);
    survey_row_file(row, &subject.file);
    if (row->state == ROW_MISSING)
        return tell_missing(&subject);
    if (row->form == STRATA_SEALED)
        return examine_sealed_pages(&subject);
    status = subject_file(&subject);
    /* Of the newest, beside writers, it may tell of more than there was. */
    if (status == FLUME_OK && row->end_seq < inspection->end && footer_lies(&subject))
        status = tell_footer(&subject);
    return status;
}

void examination_release(struct inspection *inspection, struct examination *examination)
{
    ledger_release(inspection, &examination->ledger);
    image_release(inspection, &examination->image);
}
