/*
 * large.c - a batch larger than a full-size strata, as a strata of its own.
 *
 * The file is written, closed and synced outside the append mutex, in txn/. Its commit is its
 * header, one more sync, two renames and the move of head. No record refers to it: it is the log.
 * The sync under the mutex is the price of never showing half of it, and such batches are rare.
 */
#include <errno.h>
#include <stdio.h>

#include "append.h"
#include "companion.h"
#include "sync.h"
#include "wait.h"

struct large {
    flume_log *log;
    struct path strata_path, slots_path;
    uint64_t file_bytes;
    uint64_t salt;
    uint32_t *slots;
    size_t slot_count;
    int file;
    struct strata_footer footer;
};

static int large_fail(const struct large *large, int error)
{
    return log_fail_io(large->log, error, "write", large->strata_path.text);
}

/* Grains one after the other, through one buffer. */
struct stream {
    const struct large *large;
    uint8_t *buffer;
    size_t used;
    uint64_t at; /* Offset of the buffer's first byte. */
};
enum { STREAM_BYTES = 1 << 20 };

static int stream_flush(struct stream *stream)
{
    const struct large *large = stream->large;
    int error = io_write_all(large->log->io, large->file, stream->buffer, stream->used, stream->at);

    stream->at += stream->used;
    stream->used = 0;
    return error;
}

static int stream_put(struct stream *stream, const void *source, size_t bytes)
{
    const uint8_t *from = source;

    while (bytes > 0) {
        size_t piece = STREAM_BYTES - stream->used < bytes ? STREAM_BYTES - stream->used : bytes;
        int error = 0;

        memcpy(stream->buffer + stream->used, from, piece);
        stream->used += piece;
        from += piece;
        bytes -= piece;
        if (stream->used == STREAM_BYTES)
            error = stream_flush(stream);
        if (error != 0)
            return error;
    }
    return 0;
}

static int stream_item(struct stream *stream, struct large *large, const struct item *item,
                       uint32_t ordinal)
{
    static const uint8_t padding[GRAIN_ALIGN];
    uint64_t offset = stream->at + stream->used;
    uint64_t bytes = grain_bytes(item->meta_bytes, item->body_bytes);
    uint8_t header[GRAIN_HEADER_BYTES + GRAIN_WITNESS_BYTES];
    size_t header_bytes = writer_header(item, large->salt, offset, ordinal, 0, 0, header);
    int error = stream_put(stream, header, header_bytes);

    if (error == 0)
        error = stream_put(stream, item->meta, item->meta_bytes);
    if (error == 0)
        error = stream_put(stream, item->body, item->body_bytes);
    if (error == 0)
        error = stream_put(stream, padding,
                           (size_t)(bytes - header_bytes - item->meta_bytes - item->body_bytes));
    large->slots[ordinal] = htole32((uint32_t)(offset / GRAIN_ALIGN));
    large->slots[ordinal + 1] = htole32((uint32_t)((offset + bytes) / GRAIN_ALIGN));
    large->footer.end_offset = offset + bytes;
    if (item->time_ns < large->footer.least_time_ns)
        large->footer.least_time_ns = item->time_ns;
    if (item->time_ns > large->footer.running_time_ns)
        large->footer.running_time_ns = item->time_ns;
    return error;
}

static int write_grains(struct large *large, const struct item *items, size_t count)
{
    struct stream stream = {.large = large, .at = STRATA_DATA_AT};
    struct item manifest;
    int error;

    stream.buffer = memory_allocate(&large->log->allocator, STREAM_BYTES);
    if (stream.buffer == NULL)
        return large_fail(large, -ENOMEM);
    manifest_item(large->log, &manifest);
    error = stream_item(&stream, large, &manifest, 0);
    for (size_t i = 0; i < count && error == 0; i++)
        error = stream_item(&stream, large, &items[i], (uint32_t)i + 1);
    if (error == 0)
        error = stream_flush(&stream);
    memory_release(&large->log->allocator, stream.buffer);
    return error == 0 ? FLUME_OK : large_fail(large, error);
}

static int write_slots(struct large *large)
{
    const flume_io *io = large->log->io;
    int file = io->open(io->ctx, large->slots_path.text,
                        FLUME_IO_WRITE | FLUME_IO_CREATE | FLUME_IO_EXCLUSIVE);
    int error;

    if (file < 0)
        return large_fail(large, file);
    error = io_write_all(io, file, large->slots, large->slot_count * sizeof(uint32_t), 0);
    io->close(io->ctx, file);
    return error == 0 ? FLUME_OK : large_fail(large, error);
}

/* Everything but the header, which only the commit knows; synced. */
static int large_write(struct large *large, const struct item *items, size_t count)
{
    const flume_io *io = large->log->io;
    int error, status;

    /* Of a dead process that had this pid and this place in the table: the names are ours alone. */
    (void)io->unlink(io->ctx, large->strata_path.text);
    (void)io->unlink(io->ctx, large->slots_path.text);
    large->file = io->open(io->ctx, large->strata_path.text,
                           FLUME_IO_WRITE | FLUME_IO_CREATE | FLUME_IO_EXCLUSIVE);
    if (large->file < 0)
        return large_fail(large, large->file);
    error = io_reserve(io, large->file, large->file_bytes);
    if (error != 0)
        return large_fail(large, error);
    status = write_grains(large, items, count);
    if (status == FLUME_OK)
        status = write_slots(large);
    if (status != FLUME_OK)
        return status;
    error = io->sync(io->ctx, large->file);
    return error == 0 ? FLUME_OK : large_fail(large, error);
}

static int write_ends_locked(struct large *large, uint64_t first_seq,
                             struct strata_header *out_header)
{
    flume_log *log = large->log;
    uint8_t page[STRATA_PAGE_BYTES];
    int error, status;

    status = roll_header_locked(log, first_seq, large->file_bytes, out_header);
    if (status != FLUME_OK)
        return status;
    out_header->salt = large->salt;
    out_header->flags = STRATA_CLOSED;
    memcpy(large->footer.strata_id, out_header->strata_id, sizeof large->footer.strata_id);
    large->footer.first_seq = first_seq;
    large->footer.count = large->slot_count - 1;
    if (log->head->running_time_ns > large->footer.running_time_ns)
        large->footer.running_time_ns = log->head->running_time_ns;
    large->footer.slots_check = hash_bytes(large->slots, large->slot_count * sizeof(uint32_t), 0);
    strata_footer_encode(page, &large->footer);
    error = io_write_all(log->io, large->file, page, sizeof page, strata_limit(large->file_bytes));
    strata_header_encode(page, out_header);
    if (error == 0)
        error = io_write_all(log->io, large->file, page, sizeof page, 0);
    if (error == 0)
        error = log->io->sync(log->io->ctx, large->file);
    return error == 0 ? FLUME_OK : large_fail(large, error);
}

static int name_large(struct large *large, uint64_t first_seq)
{
    flume_log *log = large->log;
    char name[STRATA_NAME_BYTES];
    struct path path;
    int error;

    strata_slots_name(name, first_seq);
    log_path(log, "log", name, &path);
    error = log->io->rename(log->io->ctx, large->slots_path.text, path.text);
    strata_name(name, first_seq);
    log_path(log, "log", name, &path);
    if (error == 0)
        error = log->io->rename(log->io->ctx, large->strata_path.text, path.text);
    return error == 0 ? FLUME_OK : large_fail(large, error);
}

/* An empty active strata has the name that the batch needs: the manifest goes into it first. */
static int leave_empty_strata_locked(flume_log *log)
{
    struct head *head = log->head;
    uint64_t end = atomic_load(&head->head);
    int status;

    if (atomic_load(&head->active_bytes) == 0 || atomic_load(&head->active_first) != end)
        return FLUME_OK;
    status = writer_set_up_locked(log);
    if (status != FLUME_OK)
        return status;
    return append_manifest_locked(log, STRATA_DATA_AT);
}

static int commit_locked(struct large *large, const struct item *items, size_t count,
                         const flume_condition *condition, uint64_t *out_first_seq)
{
    flume_log *log = large->log;
    struct head *head = log->head;
    struct strata_header header;
    uint64_t first_seq;
    int status = condition_check_locked(log, condition);

    if (status == FLUME_OK)
        status = leave_empty_strata_locked(log);
    if (status != FLUME_OK)
        return status;
    first_seq = atomic_load(&head->head);
    for (size_t i = 0; i < count;
         i++) /* Before the name: from then on it counts if this process dies. */
        companion_note_locked(head, items[i].needs);
    status = write_ends_locked(large, first_seq, &header);
    if (status == FLUME_OK)
        status = name_large(large, first_seq);
    if (status != FLUME_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        atomic_store(&head->last_of_kind[items[i].kind], first_seq + 1 + i);
    atomic_store(&head->last_of_kind[FLUME_KIND_MANIFEST], first_seq);
    head->running_time_ns = large->footer.running_time_ns;
    roll_publish_locked(log, first_seq, &header);
    atomic_store_explicit(&head->head, first_seq + 1 + count, memory_order_release);
    log->writer.announced = true;
    append_count_locked(log, count, large->footer.end_offset - STRATA_DATA_AT);
    *out_first_seq = first_seq + 1;
    return FLUME_OK;
}

static int large_prepare(struct large *large, const struct item *items, size_t count)
{
    flume_log *log = large->log;
    uint64_t bytes = STRATA_DATA_AT + grain_bytes(0, log->manifest_bytes) + STRATA_PAGE_BYTES;
    uint64_t number;
    char name[64];
    int error;

    for (size_t i = 0; i < count; i++)
        bytes += grain_bytes(items[i].meta_bytes, items[i].body_bytes);
    large->file = -1;
    large->file_bytes = round_up(bytes, STRATA_PAGE_BYTES);
    if (large->file_bytes > STRATA_BYTES_MAX)
        return log_fail(log, FLUME_ERR_TOO_LARGE, 0, FLUME_SEQ_NONE,
                        "a batch of %llu bytes is over the limit of %llu; split it",
                        (unsigned long long)bytes, (unsigned long long)STRATA_BYTES_MAX);
    large->slot_count = count + 2;
    large->slots = memory_allocate_zeroed(&log->allocator, large->slot_count, sizeof(uint32_t));
    if (large->slots == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory for a batch of %zu records", count);
    large->footer.least_time_ns = UINT64_MAX;
    error = log->io->random(log->io->ctx, &large->salt, sizeof large->salt);
    if (error != 0)
        return log_fail_io(log, error, "get random bytes for", log->path);
    number = atomic_fetch_add(&log->large_batches, 1);
    (void)snprintf(name, sizeof name, "%llu-%u-%llu.strata", (unsigned long long)log->pid,
                   log->attach_index, (unsigned long long)number);
    log_path(log, "txn", name, &large->strata_path);
    (void)snprintf(name, sizeof name, "%llu-%u-%llu.slots", (unsigned long long)log->pid,
                   log->attach_index, (unsigned long long)number);
    log_path(log, "txn", name, &large->slots_path);
    return FLUME_OK;
}

static void large_end(struct large *large, int status)
{
    const flume_io *io = large->log->io;

    if (large->file >= 0)
        io->close(io->ctx, large->file);
    if (status != FLUME_OK && large->strata_path.text[0] != '\0') {
        (void)io->unlink(io->ctx, large->strata_path.text);
        (void)io->unlink(io->ctx, large->slots_path.text);
    }
    memory_release(&large->log->allocator, large->slots);
}

int append_large(flume_log *log, struct item *items, size_t count, const flume_condition *condition,
                 uint64_t *out_first_seq)
{
    struct large *large = memory_allocate_zeroed(&log->allocator, 1, sizeof *large);
    int status;

    if (large == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory for a batch of %zu records", count);
    large->log = log;
    status = large_prepare(large, items, count);
    if (status == FLUME_OK)
        status = large_write(large, items, count);
    if (status == FLUME_OK)
        status = append_lock(log);
    if (status == FLUME_OK) {
        status = commit_locked(large, items, count, condition, out_first_seq);
        append_unlock(log);
    }
    large_end(large, status);
    memory_release(&log->allocator, large);
    if (status == FLUME_OK)
        sync_soon(log);
    return status;
}
