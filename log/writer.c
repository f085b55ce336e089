/*
 * writer.c - how bytes get into the active strata: a moving window of a mapping, or pwrite.
 *
 * Pwrite gathers grains in a scratch buffer and writes them in one call.
 */
#include "writer.h"

#include <string.h>

enum {
    SCRATCH_BYTES = 256 << 10,
    PREFETCH_BYTES = 1024,
    CACHE_LINE_BYTES = 64,
    PREPARE_EARLY_BYTES = 8 << 20
};

void writer_tear_down(flume_log *log)
{
    struct writer *writer = &log->writer;

    windows_drop(log);
    if (writer->slots != NULL)
        log->io->unmap(log->io->ctx, (void *)writer->slots, writer->slots_bytes);
    writer->slots = NULL;
    writer->strata = NULL;
    writer->scratch_used = 0;
    writer->manifest_ordinal = GRAIN_WRITER_NONE;
}

static int slots_map_writable(flume_log *log, struct strata *strata)
{
    const flume_io *io = log->io;
    uint64_t bytes = strata_slot_count(strata->file_bytes) * sizeof(uint32_t);
    char name[STRATA_NAME_BYTES];
    flume_io_stat file_stat;
    struct path path;
    void *data;
    int file, error;

    strata_slots_name(name, strata->first_seq);
    log_path(log, "log", name, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_WRITE);
    if (file < 0)
        return log_fail_io(log, file, "open", path.text);
    error = io->stat(io->ctx, file, &file_stat);
    if (error == 0 && file_stat.bytes < bytes) {
        io->close(io->ctx, file);
        return log_fail(log, FLUME_ERR_DAMAGED, 0, strata->first_seq,
                        "%s is shorter than it was made; close the basin everywhere and open it "
                        "again",
                        path.text);
    }
    if (error == 0)
        error = io->map(io->ctx, file, 0, (size_t)bytes, true, &data);
    io->close(io->ctx, file);
    if (error != 0)
        return log_fail_io(log, error, "map", path.text);
    log->writer.slots = data;
    log->writer.slots_bytes = (size_t)bytes;
    return FLUME_OK;
}

static int scratch_make(flume_log *log)
{
    if (log->writer.scratch == NULL && log->io_mode == FLUME_IO_PWRITE)
        log->writer.scratch = memory_allocate(&log->allocator, SCRATCH_BYTES);
    if (log->writer.scratch == NULL && log->io_mode == FLUME_IO_PWRITE)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to append with");
    return FLUME_OK;
}

uint64_t writer_prepare_from(uint64_t file_bytes)
{
    return file_bytes >= PREPARE_EARLY_BYTES ? file_bytes / 16 : file_bytes / 2;
}

int writer_set_up_locked(flume_log *log)
{
    uint64_t active_first = atomic_load(&log->head->active_first);
    struct writer *writer = &log->writer;
    const struct table *table;
    struct strata *strata;
    size_t index;
    int status;

    if (writer->strata != NULL && writer->strata->first_seq == active_first)
        return FLUME_OK;
    writer_tear_down(log);
    table = table_current(log, &status);
    if (table == NULL)
        return status;
    index = table_find(table, active_first);
    if (index == SIZE_MAX || table->rows[index].first_seq != active_first)
        return log_fail(log, FLUME_ERR_DAMAGED, 0, active_first,
                        "%s: the active strata (seq %llu) is missing from log/; run 'flume check'",
                        log->path, (unsigned long long)active_first);
    strata = table->rows[index].strata;
    status = strata_open(log, strata);
    if (status == FLUME_OK)
        status = strata_check_writable(log, strata);
    if (status == FLUME_OK)
        status = scratch_make(log);
    if (status == FLUME_OK)
        status = slots_map_writable(log, strata);
    if (status == FLUME_OK) {
        int file = strata_write_file(log, strata);

        status = file < 0 ? file : FLUME_OK;
    }
    if (status != FLUME_OK) {
        writer_tear_down(log);
        return status;
    }
    writer->strata = strata;
    atomic_store(&log->prepare_at, writer_prepare_from(strata->file_bytes));
    return FLUME_OK;
}

static int write_mapped(flume_log *log, uint64_t offset, const uint8_t *source, size_t bytes)
{
    struct writer *writer = &log->writer;

    while (bytes > 0) {
        size_t piece;
        int status = FLUME_OK;

        if (offset < writer->window.from || offset >= writer->window.to)
            status = windows_move(log, offset);
        if (status != FLUME_OK)
            return status;
        piece = (size_t)(writer->window.to - offset);
        if (piece > bytes)
            piece = bytes;
        memcpy(writer->window.data + (offset - writer->window.from), source, piece);
        offset += piece;
        source += piece;
        bytes -= piece;
    }
    return FLUME_OK;
}

static int write_through(flume_log *log, uint64_t offset, const uint8_t *source, size_t bytes)
{
    int error = io_write_all(log->io, log->writer.strata->write_file, source, bytes, offset);

    if (error != 0)
        return log_fail_io(log, error, "write to the active strata in", log->path);
    return FLUME_OK;
}

int writer_flush_locked(flume_log *log)
{
    struct writer *writer = &log->writer;
    size_t used = writer->scratch_used;

    writer->scratch_used = 0;
    if (used == 0)
        return FLUME_OK;
    return write_through(log, writer->scratch_from, writer->scratch, used);
}

static int write_gathered(flume_log *log, uint64_t offset, const uint8_t *source, size_t bytes)
{
    struct writer *writer = &log->writer;
    int status = FLUME_OK;

    if (writer->scratch_used + bytes > SCRATCH_BYTES)
        status = writer_flush_locked(log);
    if (status != FLUME_OK)
        return status;
    if (bytes > SCRATCH_BYTES)
        return write_through(log, offset, source, bytes);
    if (writer->scratch_used == 0)
        writer->scratch_from = offset;
    assert(writer->scratch_from + writer->scratch_used == offset);
    memcpy(writer->scratch + writer->scratch_used, source, bytes);
    writer->scratch_used += bytes;
    return FLUME_OK;
}

static int write_bytes(flume_log *log, uint64_t offset, const void *source, size_t bytes)
{
    if (log->io_mode == FLUME_IO_MAPPED)
        return write_mapped(log, offset, source, bytes);
    return write_gathered(log, offset, source, bytes);
}

size_t writer_header(const struct item *item, uint64_t salt, uint64_t offset, uint32_t ordinal,
                     uint32_t writer_ordinal, uint64_t witness, uint8_t target[40])
{
    size_t witness_bytes = witness != 0 ? GRAIN_WITNESS_BYTES : 0;
    struct grain grain = {
        .time_ns = item->time_ns,
        .witness = witness,
        .ordinal = ordinal,
        .body_bytes = item->body_bytes,
        .writer = writer_ordinal,
        .meta_bytes = (uint16_t)(item->meta_bytes + witness_bytes),
        .kind = item->kind,
        .flags = (uint8_t)(item->flags | (witness != 0 ? FLUME_RECORD_WITNESS : 0)),
    };

    grain_header_encode(target, &grain, item->payload_hash, salt, offset);
    if (witness != 0)
        put_le64(target + GRAIN_HEADER_BYTES, witness);
    return GRAIN_HEADER_BYTES + witness_bytes;
}

/* The pieces of a grain where the window does not hold all of it, or there is none. */
static int put_in_pieces(flume_log *log, const struct item *item, uint64_t offset,
                         const uint8_t *header, size_t header_bytes, uint64_t end)
{
    static const uint8_t padding[GRAIN_ALIGN];
    uint64_t at = offset;
    int status = write_bytes(log, at, header, header_bytes);

    at += header_bytes;
    if (status == FLUME_OK)
        status = write_bytes(log, at, item->meta, item->meta_bytes);
    at += item->meta_bytes;
    if (status == FLUME_OK)
        status = write_bytes(log, at, item->body, item->body_bytes);
    at += item->body_bytes;
    if (status == FLUME_OK)
        status = write_bytes(log, at, padding, (size_t)(end - at));
    return status;
}

static uint8_t *target_end(const struct writer *writer, uint64_t end)
{
    return writer->window.data + (end - writer->window.from);
}

/* The lock of the next append waits until every store before it has its cache line. So the lines
 * are asked for a few appends ahead (measured: 165 ns an append without, 130 with). A prefetch
 * beyond the window is harmless. */
static void prefetch_ahead(const uint8_t *from, uint64_t bytes)
{
    if (bytes > PREFETCH_BYTES)
        bytes = PREFETCH_BYTES;
    for (uint64_t at = 0; at < bytes; at += CACHE_LINE_BYTES)
        __builtin_prefetch(from + PREFETCH_BYTES + at, 1, 3);
}

static void put_slot(struct writer *writer, uint32_t ordinal, uint64_t end)
{
    atomic_store_explicit(&writer->slots[ordinal + 1], htole32((uint32_t)(end / GRAIN_ALIGN)),
                          memory_order_relaxed);
}

void writer_put_whole_locked(flume_log *log, const struct item *item, uint64_t offset,
                             uint32_t ordinal, uint32_t writer_ordinal, uint64_t end)
{
    struct writer *writer = &log->writer;
    uint8_t *target = writer->window.data + (offset - writer->window.from);
    uint8_t *body = target + GRAIN_HEADER_BYTES + item->meta_bytes;

    put_le64(target + (end - offset) - GRAIN_ALIGN, 0); /* Padding; then what goes over it. */
    (void)writer_header(item, writer->strata->salt, offset, ordinal, writer_ordinal, 0, target);
    if (item->meta_bytes > 0)
        memcpy(target + GRAIN_HEADER_BYTES, item->meta, item->meta_bytes);
    memcpy(body, item->body, item->body_bytes);
    prefetch_ahead(target + (end - offset), end - offset);
    put_slot(writer, ordinal, end);
}

int writer_put_locked(flume_log *log, const struct item *item, uint64_t offset, uint32_t ordinal,
                      uint32_t writer_ordinal, uint64_t witness, uint64_t *out_end)
{
    struct writer *writer = &log->writer;
    uint8_t header[GRAIN_HEADER_BYTES + GRAIN_WITNESS_BYTES];
    size_t header_bytes =
        writer_header(item, writer->strata->salt, offset, ordinal, writer_ordinal, witness, header);
    uint64_t end = offset +
                   round_up(header_bytes + item->meta_bytes + item->body_bytes, GRAIN_ALIGN);
    int status = FLUME_OK;

    assert(end <= writer->strata->limit);
    if (offset >= writer->window.from && end <= writer->window.to) {
        uint8_t *target = writer->window.data + (offset - writer->window.from);

        put_le64(target + (end - offset) - GRAIN_ALIGN, 0); /* Padding; then what goes over it. */
        memcpy(target, header, header_bytes);
        target += header_bytes;
        if (item->meta_bytes > 0)
            memcpy(target, item->meta, item->meta_bytes);
        memcpy(target + item->meta_bytes, item->body, item->body_bytes);
        prefetch_ahead(target_end(writer, end), end - offset);
    } else {
        status = put_in_pieces(log, item, offset, header, header_bytes, end);
    }
    if (status != FLUME_OK)
        return status;
    put_slot(writer, ordinal, end);
    *out_end = end;
    return FLUME_OK;
}
