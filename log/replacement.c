/*
 * replacement.c - a strata written anew under a temporary name.
 *
 * Every grain keeps its ordinal, its fields, its meta and its body; its check is made anew, for the
 * file has a new salt and the grain may lie elsewhere. The file is exactly as large as it needs to
 * be, closed from birth, and has its footer.
 */
#include "replacement.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "seal_file.h"
#include "strata.h"

enum { STREAM_BYTES = 1 << 20 };

/* A replacement under construction. */
struct draft {
    struct inspection *inspection;
    const struct survey_row *row;
    const struct examination *examination;
    uint64_t total;
    uint64_t wanted, wanted_check;
    uint64_t salt;
    uint8_t *slots; /* total + 1 of them, little-endian. */
    struct strata_footer footer;
    uint64_t last_time_ns;
    int file;
    uint8_t *buffer;
    size_t used;
    uint64_t at; /* Offset of the buffer's first byte. */
};

void replacement_names(uint64_t first_seq, char strata[SURVEY_NAME_BYTES],
                       char slots[SURVEY_NAME_BYTES])
{
    (void)snprintf(strata, SURVEY_NAME_BYTES, "repair-%020llu.strata.tmp",
                   (unsigned long long)first_seq);
    (void)snprintf(slots, SURVEY_NAME_BYTES, "repair-%020llu.slots.tmp",
                   (unsigned long long)first_seq);
}

static bool is_there(const struct draft *draft, uint64_t ordinal)
{
    const struct ledger *ledger = &draft->examination->ledger;

    return ordinal < ledger->count && ledger->offsets[ordinal] != 0;
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static int flush(struct draft *draft)
{
    int error = io_write_all(draft->inspection->log->io, draft->file, draft->buffer, draft->used,
                             draft->at);

    draft->at += draft->used;
    draft->used = 0;
    return error;
}

static int put(struct draft *draft, const void *source, uint64_t bytes)
{
    const uint8_t *from = source;
    int error = 0;

    while (bytes > 0 && error == 0) {
        size_t piece = STREAM_BYTES - draft->used;

        if (piece > bytes)
            piece = (size_t)bytes;
        memcpy(draft->buffer + draft->used, from, piece);
        draft->used += piece;
        from += piece;
        bytes -= piece;
        if (draft->used == STREAM_BYTES)
            error = flush(draft);
    }
    return error;
}

static void note_grain(struct draft *draft, const struct grain *grain, uint64_t offset)
{
    struct strata_footer *footer = &draft->footer;
    uint64_t end = offset + grain_bytes(grain->meta_bytes, grain->body_bytes);
    uint8_t *slot = draft->slots + (uint64_t)grain->ordinal * sizeof(uint32_t);

    put_le32(slot, (uint32_t)(offset / GRAIN_ALIGN));
    put_le32(slot + sizeof(uint32_t), (uint32_t)(end / GRAIN_ALIGN));
    footer->end_offset = end;
    draft->last_time_ns = grain->time_ns;
    if (grain->time_ns < footer->least_time_ns)
        footer->least_time_ns = grain->time_ns;
    if (grain->time_ns > footer->running_time_ns)
        footer->running_time_ns = grain->time_ns;
    if (draft->row->first_seq + grain->ordinal == draft->wanted)
        draft->wanted_check = grain->check;
}

/* Write one grain: its fields, and meta with witness and body as they lie in `payload`. */
static int put_grain(struct draft *draft, struct grain *grain, const uint8_t *payload)
{
    static const uint8_t padding[GRAIN_ALIGN];
    uint64_t offset = draft->at + draft->used;
    uint64_t payload_bytes = (uint64_t)grain->meta_bytes + grain->body_bytes;
    size_t witness_bytes = (grain->flags & FLUME_RECORD_WITNESS) != 0 ? GRAIN_WITNESS_BYTES : 0;
    uint64_t payload_hash = grain_payload_hash(payload + witness_bytes,
                                               grain->meta_bytes - witness_bytes,
                                               payload + grain->meta_bytes, grain->body_bytes);
    uint8_t header[GRAIN_HEADER_BYTES];
    int error;

    grain_header_encode(header, grain, payload_hash, draft->salt, offset);
    grain->check = get_le64(header + GRAIN_CHECK_AT);
    error = put(draft, header, sizeof header);
    if (error == 0)
        error = put(draft, payload, payload_bytes);
    if (error == 0)
        error =
            put(draft, padding,
                grain_bytes(grain->meta_bytes, grain->body_bytes) - sizeof header - payload_bytes);
    note_grain(draft, grain, offset);
    return error;
}

static int put_stand_in(struct draft *draft, uint64_t ordinal)
{
    struct grain grain = {
        .time_ns = draft->last_time_ns,
        .ordinal = (uint32_t)ordinal,
        .writer = GRAIN_WRITER_NONE,
        .kind = FLUME_KIND_LOST,
    };

    return put_grain(draft, &grain, (const uint8_t *)"");
}

static int put_ordinal(struct draft *draft, uint64_t ordinal)
{
    const struct ledger *ledger = &draft->examination->ledger;
    const uint8_t *source;
    struct grain grain;

    if (!is_there(draft, ordinal))
        return put_stand_in(draft, ordinal);
    source = ledger_grain(ledger, &draft->examination->image, ordinal, &grain);
    if (source == NULL)
        return -EIO;
    if ((ledger->marks[ordinal] & LEDGER_BROKEN) != 0 && grain.kind != FLUME_KIND_LOST)
        grain.flags |= FLUME_RECORD_BROKEN;
    if (ordinal + 1 == draft->total && (grain.flags & FLUME_RECORD_BATCH) != 0) {
        grain.flags &= (uint8_t)~FLUME_RECORD_BATCH; /* Nothing follows in this strata. */
        grain.flags |= FLUME_RECORD_BROKEN;
    }
    return put_grain(draft, &grain, source + GRAIN_HEADER_BYTES);
}

/* --- The file --------------------------------------------------------------------------------- */

static uint64_t file_bytes(const struct draft *draft)
{
    const struct ledger *ledger = &draft->examination->ledger;
    uint64_t bytes = STRATA_DATA_AT + STRATA_PAGE_BYTES;

    for (uint64_t i = 0; i < ledger->count && i < draft->total; i++) {
        const uint8_t *source = draft->examination->image.data +
                                (uint64_t)ledger->offsets[i] * GRAIN_ALIGN;

        bytes += ledger->offsets[i] == 0 ? GRAIN_HEADER_BYTES
                                         : grain_bytes(get_le16(source + GRAIN_META_BYTES_AT),
                                                       get_le32(source + GRAIN_BODY_BYTES_AT));
    }
    if (draft->total > ledger->count)
        bytes += (draft->total - ledger->count) * GRAIN_HEADER_BYTES;
    return round_up(bytes, STRATA_PAGE_BYTES);
}

/* A new file with space for `bytes`, or a negative errno. */
static int make_file(const struct draft *draft, const char *name, uint64_t bytes)
{
    flume_log *log = draft->inspection->log;
    struct path path;
    int file, error;

    log_path(log, "log", name, &path);
    error = log->io->unlink(log->io->ctx, path.text); /* Of a repair that was interrupted. */
    if (error != 0 && error != -ENOENT)
        return error;
    file = log->io->open(log->io->ctx, path.text,
                         FLUME_IO_WRITE | FLUME_IO_CREATE | FLUME_IO_EXCLUSIVE);
    if (file < 0)
        return file;
    error = io_reserve(log->io, file, bytes);
    if (error == 0)
        return file;
    log->io->close(log->io->ctx, file);
    return error;
}

static int write_slots(const struct draft *draft, const char *name)
{
    const flume_io *io = draft->inspection->log->io;
    size_t bytes = (size_t)(draft->total + 1) * sizeof(uint32_t);
    int file = make_file(draft, name, bytes);
    int error;

    if (file < 0)
        return file;
    error = io_write_all(io, file, draft->slots, bytes, 0);
    if (error == 0)
        error = io->sync(io->ctx, file);
    io->close(io->ctx, file);
    return error;
}

static int write_footer(struct draft *draft, const struct strata_header *header)
{
    uint8_t page[STRATA_PAGE_BYTES];

    draft->footer.first_seq = header->first_seq;
    draft->footer.count = draft->total;
    memcpy(draft->footer.strata_id, header->strata_id, sizeof header->strata_id);
    draft->footer.slots_check =
        hash_bytes(draft->slots, (size_t)(draft->total + 1) * sizeof(uint32_t), 0);
    strata_footer_encode(page, &draft->footer);
    return io_write_all(draft->inspection->log->io, draft->file, page, sizeof page,
                        strata_limit(header->file_bytes));
}

static int write_ends(struct draft *draft, const struct strata_header *header)
{
    const flume_io *io = draft->inspection->log->io;
    uint8_t page[STRATA_PAGE_BYTES];
    int error = write_footer(draft, header);

    strata_header_encode(page, header);
    if (error == 0)
        error = io_write_all(io, draft->file, page, sizeof page, 0);
    if (error == 0)
        error = io->sync(io->ctx, draft->file);
    return error;
}

static int write_both(struct draft *draft, struct strata_header *header, const char *strata,
                      const char *slots)
{
    int error;

    draft->file = make_file(draft, strata, header->file_bytes);
    if (draft->file < 0)
        return draft->file;
    error = 0;
    for (uint64_t i = 0; i < draft->total && error == 0; i++)
        error = put_ordinal(draft, i);
    if (error == 0)
        error = flush(draft);
    if (error == 0)
        error = write_ends(draft, header);
    draft->inspection->log->io->close(draft->inspection->log->io->ctx, draft->file);
    return error == 0 ? write_slots(draft, slots) : error;
}

static int fail(struct inspection *inspection, int error, const char *name)
{
    struct path path;

    log_path(inspection->log, "log", name, &path);
    return log_fail_io(inspection->log, error, "write", path.text);
}

int replacement_write(struct inspection *inspection, const struct survey_row *row,
                      const struct examination *examination, struct strata_header *header,
                      uint64_t wanted, uint64_t *out_check)
{
    const flume_allocator *allocator = inspection->options.allocator;
    struct draft draft = {.inspection = inspection,
                          .row = row,
                          .examination = examination,
                          .total = examination->ledger.total,
                          .wanted = wanted,
                          .footer = {.least_time_ns = UINT64_MAX},
                          .at = STRATA_DATA_AT};
    char strata[SURVEY_NAME_BYTES], slots[SURVEY_NAME_BYTES];
    int error =
        inspection->log->io->random(inspection->log->io->ctx, &draft.salt, sizeof draft.salt);

    replacement_names(row->first_seq, strata, slots);
    header->salt = draft.salt;
    header->file_bytes = file_bytes(&draft);
    draft.footer.running_time_ns = header->running_time_ns;
    draft.slots = memory_allocate(allocator, (size_t)(draft.total + 1) * sizeof(uint32_t));
    draft.buffer = memory_allocate(allocator, STREAM_BYTES);
    if (draft.slots == NULL || draft.buffer == NULL)
        error = -ENOMEM;
    if (error == 0)
        error = write_both(&draft, header, strata, slots);
    memory_release(allocator, draft.slots);
    memory_release(allocator, draft.buffer);
    if (error != 0)
        return fail(inspection, error, strata);
    if (wanted - row->first_seq < draft.total)
        *out_check = draft.wanted_check;
    return FLUME_OK;
}

void replacement_drop(struct inspection *inspection, uint64_t first_seq)
{
    const flume_io *io = inspection->log->io;
    char strata[SURVEY_NAME_BYTES], slots[SURVEY_NAME_BYTES];
    struct path path;

    replacement_names(first_seq, strata, slots);
    log_path(inspection->log, "log", strata, &path);
    seal_place_drop(inspection->log, &path); /* No part of the log; recovery would do the same. */
    log_path(inspection->log, "log", slots, &path);
    (void)io->unlink(io->ctx, path.text);
}

/* --- Slots and footer of a strata that stays -------------------------------------------------- */

/* The slots of a whole row as a draft has them. */
static int draft_of_whole(struct draft *draft)
{
    const struct ledger *ledger = &draft->examination->ledger;

    draft->slots = memory_allocate(draft->inspection->options.allocator,
                                   (size_t)(draft->total + 1) * sizeof(uint32_t));
    if (draft->slots == NULL)
        return -ENOMEM;
    put_le32(draft->slots, STRATA_DATA_AT / GRAIN_ALIGN);
    for (uint64_t i = 0; i < draft->total; i++) {
        struct grain grain;

        if (ledger_grain(ledger, &draft->examination->image, i, &grain) == NULL)
            return -EIO;
        note_grain(draft, &grain, (uint64_t)ledger->offsets[i] * GRAIN_ALIGN);
    }
    return 0;
}

int replacement_write_slots(struct inspection *inspection, const struct survey_row *row,
                            const struct examination *examination)
{
    struct draft draft = {.inspection = inspection,
                          .row = row,
                          .examination = examination,
                          .total = examination->ledger.total,
                          .wanted = FLUME_SEQ_NONE};
    char strata[SURVEY_NAME_BYTES], slots[SURVEY_NAME_BYTES];
    int error = draft_of_whole(&draft);

    replacement_names(row->first_seq, strata, slots);
    if (error == 0)
        error = write_slots(&draft, slots);
    memory_release(inspection->options.allocator, draft.slots);
    return error == 0 ? FLUME_OK : fail(inspection, error, slots);
}

int replacement_write_footer(struct inspection *inspection, const struct survey_row *row,
                             const struct examination *examination)
{
    const flume_io *io = inspection->log->io;
    struct draft draft = {.inspection = inspection,
                          .row = row,
                          .examination = examination,
                          .total = examination->ledger.total,
                          .wanted = FLUME_SEQ_NONE,
                          .footer = {.least_time_ns = UINT64_MAX},
                          .file = -1};
    struct strata_header header;
    struct path path;
    int error = draft_of_whole(&draft);

    log_path(inspection->log, "log", row->file, &path);
    if (error == 0 && strata_header_decode(examination->image.data, &header) != FLUME_OK)
        error = -EIO;
    if (error == 0) {
        if (header.running_time_ns > draft.footer.running_time_ns)
            draft.footer.running_time_ns = header.running_time_ns;
        draft.footer.end_offset = examination->ledger.end_offset;
        draft.file = io->open(io->ctx, path.text, FLUME_IO_WRITE);
        error = draft.file < 0 ? draft.file : write_footer(&draft, &header);
        if (error == 0)
            error = io->sync(io->ctx, draft.file);
    }
    if (draft.file >= 0)
        io->close(io->ctx, draft.file);
    memory_release(inspection->options.allocator, draft.slots);
    return error == 0 ? FLUME_OK : fail(inspection, error, row->file);
}
