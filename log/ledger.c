/*
 * ledger.c - every record that a strata should hold: where it lies, or that it does not read.
 */
#include "ledger.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "companion.h"
#include "scan.h"

enum { ROOM_FIRST = 1024, SALT_BITS = 64 };
#define NO_BATCH UINT64_MAX

/* A walk under way. */
struct walk {
    struct inspection *inspection;
    const struct image *image;
    struct ledger *ledger; /* The maker's. */
    struct scan_source source;
    struct scan_budget budget;
    uint64_t most;    /* No ordinal is this or more. */
    uint64_t told_at; /* Offset at which progress was told last. */
    struct ledger_maker maker;
};

/* --- Entries ---------------------------------------------------------------------------------- */

static bool grow(struct ledger_maker *maker, uint64_t least)
{
    struct ledger *ledger = maker->ledger;
    const flume_allocator *allocator = maker->inspection->options.allocator;
    uint64_t room = ledger->room == 0 ? ROOM_FIRST : ledger->room * 2;
    void *memory;

    if (least <= ledger->room)
        return true;
    if (room < least)
        room = least;
    memory = memory_resize(allocator, ledger->offsets, (size_t)room * sizeof *ledger->offsets);
    if (memory == NULL)
        return false;
    ledger->offsets = memory;
    memory = memory_resize(allocator, ledger->marks, (size_t)room);
    if (memory == NULL)
        return false;
    ledger->marks = memory;
    ledger->room = room;
    return true;
}

static void mark_broken(struct ledger_maker *maker, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        maker->ledger->marks[i] |= LEDGER_BROKEN;
}

/* Which batch a grain that reads belongs to, and whether that one is whole. */
static void follow_batch(struct ledger_maker *maker, const struct grain *grain, uint64_t ordinal)
{
    uint8_t *mark = &maker->ledger->marks[ordinal];
    bool has_more = (grain->flags & FLUME_RECORD_BATCH) != 0;

    if (grain->kind == FLUME_KIND_LOST) {
        *mark |= LEDGER_LOST;
        if (maker->batch_from != NO_BATCH)
            mark_broken(maker, maker->batch_from, ordinal);
        maker->batch_from = NO_BATCH;
        maker->may_continue = false; /* The repair that put it there has marked what follows. */
        return;
    }
    if ((grain->flags & FLUME_RECORD_BROKEN) != 0)
        *mark |= LEDGER_FLAGGED;
    if (maker->may_continue) {
        *mark |= LEDGER_BROKEN;
        maker->may_continue = has_more;
        return;
    }
    if (!has_more)
        maker->batch_from = NO_BATCH;
    else if (maker->batch_from == NO_BATCH)
        maker->batch_from = ordinal;
}

void ledger_begin(struct inspection *inspection, struct ledger *ledger,
                  struct ledger_maker *out_maker)
{
    memset(ledger, 0, sizeof *ledger);
    *out_maker =
        (struct ledger_maker){.inspection = inspection, .ledger = ledger, .batch_from = NO_BATCH};
}

static bool refers_elsewhere(const struct grain *grain, const uint8_t *source)
{
    size_t meta_bytes;
    const uint8_t *meta = grain_meta(source, grain, &meta_bytes);

    return grain_needs(meta, meta_bytes).head != 0;
}

int ledger_add(struct ledger_maker *maker, const struct grain *grain, const uint8_t *source,
               uint64_t offset)
{
    struct ledger *ledger = maker->ledger;
    uint64_t ordinal = grain->ordinal;

    if (!grow(maker, ordinal + 1))
        return log_fail(maker->inspection->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to look at %s", maker->inspection->log->path);
    while (ledger->count <= ordinal) {
        ledger->offsets[ledger->count] = 0;
        ledger->marks[ledger->count++] = 0;
    }
    ledger->offsets[ordinal] = (uint32_t)(offset / GRAIN_ALIGN);
    ledger->intact++;
    ledger->end_offset = offset + grain_bytes(grain->meta_bytes, grain->body_bytes);
    if (refers_elsewhere(grain, source))
        ledger->marks[ordinal] |= LEDGER_NEEDS;
    follow_batch(maker, grain, ordinal);
    return FLUME_OK;
}

void ledger_break(struct ledger_maker *maker, bool may_continue)
{
    if (maker->batch_from != NO_BATCH)
        mark_broken(maker, maker->batch_from, maker->ledger->count);
    maker->batch_from = NO_BATCH;
    maker->may_continue = may_continue;
}

/* --- Behind a bad grain ----------------------------------------------------------------------- */

/*
 * Whether the grain that comes next may be of the same batch as the last bad one. If only one grain
 * is bad and its header still leads exactly to the next, its flags are believed; else nothing is
 * known, and a batch must never pass for whole.
 */
static bool next_may_continue(const struct walk *walk, uint64_t offset, uint64_t ordinal,
                              uint64_t next_offset, uint64_t next_ordinal)
{
    const uint8_t *bytes = walk->image->data + offset;

    if (next_ordinal != ordinal + 1 || offset + GRAIN_HEADER_BYTES > walk->source.limit ||
        get_le32(bytes + GRAIN_ORDINAL_AT) != ordinal ||
        offset + grain_bytes(get_le16(bytes + GRAIN_META_BYTES_AT),
                             get_le32(bytes + GRAIN_BODY_BYTES_AT)) !=
            next_offset)
        return true;
    return (bytes[GRAIN_FLAGS_AT] & FLUME_RECORD_BATCH) != 0;
}

/* Go on behind a bad grain. *out_found: there is one. */
static int pass_over(struct walk *walk, uint64_t *io_offset, uint64_t *io_ordinal, bool *out_found)
{
    uint64_t offset = *io_offset;
    uint64_t at = offset;
    struct grain grain;

    *out_found = scan_resync(&walk->source, offset + GRAIN_ALIGN, (uint32_t)*io_ordinal,
                             (uint32_t)walk->most, &walk->budget, &at, &grain);
    if (!*out_found) {
        walk->ledger->gave_up = walk->budget.hash_bytes == 0;
        walk->ledger->gave_up_at = at;
        return FLUME_OK; /* settle_total() judges the batch that is open. */
    }
    ledger_break(&walk->maker, next_may_continue(walk, offset, *io_ordinal, at, grain.ordinal));
    *io_ordinal = (uint64_t)grain.ordinal + 1;
    *io_offset = at + grain_bytes(grain.meta_bytes, grain.body_bytes);
    return ledger_add(&walk->maker, &grain, walk->image->data + at, at);
}

/* Hashing takes as long as reading: the caller hears of it as often. */
static int tell_walking(struct walk *walk, uint64_t offset)
{
    if (offset - walk->told_at < PROGRESS_BYTES)
        return FLUME_OK;
    walk->told_at = offset;
    return inspection_pulse(walk->inspection);
}

static int walk_grains(struct walk *walk)
{
    uint64_t offset = STRATA_DATA_AT;
    uint64_t ordinal = 0;
    bool found = true;
    int status = FLUME_OK;

    while (ordinal < walk->most && offset < walk->source.limit && found && status == FLUME_OK) {
        struct grain grain;

        if (grain_decode(walk->image->data + offset, walk->source.limit - offset, (uint32_t)ordinal,
                         walk->source.salt, offset, &grain)) {
            status = ledger_add(&walk->maker, &grain, walk->image->data + offset, offset);
            offset += grain_bytes(grain.meta_bytes, grain.body_bytes);
            ordinal++;
        } else {
            status = pass_over(walk, &offset, &ordinal, &found);
        }
        if (status == FLUME_OK)
            status = tell_walking(walk, offset);
    }
    return status;
}

/* --- The whole strata ------------------------------------------------------------------------- */

static uint64_t grains_limit(const struct survey_row *row, const struct image *image)
{
    uint64_t limit = image->bytes / GRAIN_ALIGN * GRAIN_ALIGN;

    if (row->state != ROW_BAD_HEADER && strata_limit(row->file_bytes) < limit)
        limit = strata_limit(row->file_bytes);
    return limit;
}

static bool begins_with(const struct walk *walk, uint64_t salt)
{
    struct grain grain;

    return grain_decode(walk->image->data + STRATA_DATA_AT, walk->source.limit - STRATA_DATA_AT, 0,
                        salt, STRATA_DATA_AT, &grain);
}

/* This salt, or one that differs in one bit. A grain that reads proves it. */
static bool try_salt(struct walk *walk, uint64_t salt)
{
    walk->source.salt = salt;
    if (begins_with(walk, salt))
        return true;
    for (unsigned bit = 0; bit < SALT_BITS; bit++) {
        walk->source.salt = salt ^ UINT64_C(1) << bit;
        if (begins_with(walk, walk->source.salt))
            return true;
    }
    return false;
}

/* The salt of a header that does not hold, as the survey read it or as the image has it: a page
 * that did not read may do so now, or the other way round. */
static void find_salt(struct walk *walk)
{
    uint64_t salt = walk->source.salt;

    if (walk->source.limit <= STRATA_DATA_AT || try_salt(walk, salt) ||
        try_salt(walk, get_le64(walk->image->data + STRATA_SALT_AT)))
        return;
    walk->source.salt = salt;
}

/*
 * How many records there should be. Of the newest strata, where its header was lost, only the
 * grains tell; and where the log ends inside a batch that was never durable, before that batch.
 */
static void settle_total(struct walk *walk, const struct survey_row *row)
{
    const struct inspection *inspection = walk->inspection;
    struct ledger *ledger = walk->ledger;

    if (row->end_seq == inspection->end && ledger->total < ledger->count)
        ledger->total = ledger->count;
    if (walk->maker.batch_from == NO_BATCH)
        return;
    if (row->end_seq == inspection->end && ledger->total == ledger->count &&
        row->first_seq + walk->maker.batch_from >= inspection->known && !inspection->head_counts) {
        while (ledger->count > walk->maker.batch_from) {
            ledger->count--;
            ledger->intact--;
        }
        ledger->end_offset = (uint64_t)ledger->offsets[ledger->count] * GRAIN_ALIGN;
        ledger->total = ledger->count;
        return;
    }
    ledger_break(&walk->maker, false);
}

int ledger_make(struct inspection *inspection, const struct survey_row *row,
                const struct image *image, struct ledger *out_ledger)
{
    struct walk walk = {
        .inspection = inspection,
        .image = image,
        .ledger = out_ledger,
        .source = {image->data, grains_limit(row, image), row->salt},
        .budget = scan_budget_for(image->bytes),
    };
    uint64_t most = walk.source.limit > STRATA_DATA_AT
                        ? (walk.source.limit - STRATA_DATA_AT) / GRAIN_HEADER_BYTES
                        : 0;
    int status;

    ledger_begin(inspection, out_ledger, &walk.maker);
    out_ledger->total = row->end_seq - row->first_seq;
    out_ledger->limit = walk.source.limit;
    out_ledger->end_offset = STRATA_DATA_AT;
    walk.most = out_ledger->total;
    if (row->state == ROW_BAD_HEADER) {
        find_salt(&walk);
        if (row->end_seq == inspection->end && out_ledger->total > 0)
            walk.most = most;
    }
    if (walk.most > most)
        walk.most = most;
    out_ledger->salt = walk.source.salt;
    status = walk_grains(&walk);
    if (status == FLUME_OK)
        settle_total(&walk, row);
    return status;
}

void ledger_release(struct inspection *inspection, struct ledger *ledger)
{
    memory_release(inspection->options.allocator, ledger->offsets);
    memory_release(inspection->options.allocator, ledger->marks);
    memset(ledger, 0, sizeof *ledger);
}

/* --- Telling ---------------------------------------------------------------------------------- */

static enum ledger_entry entry_of(const struct ledger *ledger, uint64_t ordinal)
{
    uint8_t mark;

    if (ordinal >= ledger->count || ledger->offsets[ordinal] == 0)
        return LEDGER_ENTRY_BAD;
    mark = ledger->marks[ordinal];
    if ((mark & LEDGER_LOST) != 0)
        return LEDGER_ENTRY_LOST;
    if ((mark & LEDGER_FLAGGED) != 0)
        return LEDGER_ENTRY_FLAGGED;
    return (mark & LEDGER_BROKEN) != 0 ? LEDGER_ENTRY_BROKEN : LEDGER_ENTRY_GOOD;
}

enum ledger_entry ledger_run(const struct ledger *ledger, uint64_t from, uint64_t *out_to)
{
    enum ledger_entry entry = entry_of(ledger, from);
    uint64_t to = from + 1;

    while (to < ledger->count && entry_of(ledger, to) == entry)
        to++;
    if (entry == LEDGER_ENTRY_BAD && to >= ledger->count)
        to = ledger->total; /* All that is not in the ledger. */
    *out_to = to;
    return entry;
}

static uint64_t end_of(const struct ledger *ledger, const struct image *image, uint64_t ordinal)
{
    uint64_t offset = (uint64_t)ledger->offsets[ordinal] * GRAIN_ALIGN;
    const uint8_t *bytes = image->data + offset;

    return offset + grain_bytes(get_le16(bytes + GRAIN_META_BYTES_AT),
                                get_le32(bytes + GRAIN_BODY_BYTES_AT));
}

/* The bytes in which the entries from .. to - 1 lie, or must have lain: either all of them read or
 * none, and those beside them are of the other sort or of another one that reads. */
static void find_bytes(const struct ledger *ledger, const struct image *image, uint64_t from,
                       uint64_t to, struct finding_place *place)
{
    uint64_t begin = STRATA_DATA_AT;
    uint64_t end = ledger->limit;

    assert(from <= ledger->count); /* What is not in the ledger is one run. */
    if (from < ledger->count && ledger->offsets[from] != 0) { /* They read, all of them. */
        begin = (uint64_t)ledger->offsets[from] * GRAIN_ALIGN;
        end = end_of(ledger, image, to - 1);
    } else {
        if (from > 0)
            begin = end_of(ledger, image, from - 1);
        if (to < ledger->count)
            end = (uint64_t)ledger->offsets[to] * GRAIN_ALIGN;
    }
    place->offset = begin;
    place->bytes = end > begin ? end - begin : 0;
}

enum { SEQS_BYTES = 64 };

/* "7" or "7 to 9". */
static const char *seqs(const struct finding_place *place, char target[SEQS_BYTES])
{
    if (place->first_seq == place->last_seq)
        (void)snprintf(target, SEQS_BYTES, "%" PRIu64, place->first_seq);
    else
        (void)snprintf(target, SEQS_BYTES, "%" PRIu64 " to %" PRIu64, place->first_seq,
                       place->last_seq);
    return target;
}

static int tell_bad(struct inspection *inspection, const struct ledger *ledger,
                    const struct finding_place *place)
{
    char text[SEQS_BYTES];
    char rest[96] = "";

    if (ledger->gave_up && place->offset + place->bytes >= ledger->limit)
        (void)snprintf(rest, sizeof rest, "; the search for more was ended at offset %" PRIu64,
                       ledger->gave_up_at);
    return inspection_tell(inspection, FLUME_FINDING_DAMAGED_RECORD, FINDING_DAMAGE, place,
                           "%s: seq %s cannot be read (offset %" PRIu64 ", %" PRIu64 " bytes)%s",
                           place->file, seqs(place, text), place->offset, place->bytes, rest);
}

int ledger_tell_run(struct inspection *inspection, const struct ledger *ledger,
                    enum ledger_entry entry, const struct finding_place *place)
{
    char text[SEQS_BYTES];

    switch (entry) {
    case LEDGER_ENTRY_BAD:
        return tell_bad(inspection, ledger, place);
    case LEDGER_ENTRY_LOST:
        return inspection_tell(inspection, FLUME_FINDING_LOST_RECORD, FINDING_NORMAL, place,
                               "%s: seq %s: lost, as an earlier repair found", place->file,
                               seqs(place, text));
    case LEDGER_ENTRY_FLAGGED:
        return inspection_tell(inspection, FLUME_FINDING_BROKEN_BATCH, FINDING_NORMAL, place,
                               "%s: seq %s: marked as what is left of a batch", place->file,
                               seqs(place, text));
    case LEDGER_ENTRY_BROKEN:
        return inspection_tell(inspection, FLUME_FINDING_BROKEN_BATCH, FINDING_DAMAGE, place,
                               "%s: seq %s: of a batch of which other records are gone",
                               place->file, seqs(place, text));
    default:
        return FLUME_OK;
    }
}

void ledger_count(struct inspection *inspection, const struct ledger *ledger)
{
    flume_check_report *report = &inspection->report;

    for (uint64_t i = 0; i < ledger->count; i++) {
        if ((ledger->marks[i] & LEDGER_LOST) != 0)
            report->lost++;
        else if (ledger->offsets[i] != 0)
            report->records++;
        report->needing += (ledger->marks[i] & LEDGER_NEEDS) != 0;
    }
    report->damaged += ledger->total - ledger->intact;
}

int ledger_tell(struct inspection *inspection, const struct survey_row *row,
                const struct image *image, const struct ledger *ledger)
{
    struct survey_file file;
    int status = FLUME_OK;

    survey_row_file(row, &file);
    for (uint64_t from = 0, to; from < ledger->total && status == FLUME_OK; from = to) {
        struct finding_place place = {.file = file.text, .first_seq = row->first_seq + from};
        enum ledger_entry entry = ledger_run(ledger, from, &to);

        place.last_seq = row->first_seq + to - 1;
        find_bytes(ledger, image, from, to, &place);
        status = ledger_tell_run(inspection, ledger, entry, &place);
    }
    return status;
}
