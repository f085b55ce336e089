/*
 * readback.c - the paranoid profile reads what it has synced from the disk and compares.
 */
#include <assert.h>
#include <errno.h>

#include "strata.h"
#include "sync.h"

enum { PIECE_BYTES = 1 << 20, DIRECT_ALIGN = STRATA_PAGE_BYTES };

/* Past the page cache where the file system can; else through it, which still proves the path. */
static int open_direct(flume_log *log, const char *name, struct path *out_path)
{
    int file;

    log_path(log, "log", name, out_path);
    file = log->io->open(log->io->ctx, out_path->text, FLUME_IO_READ | FLUME_IO_DIRECT);
    if (file == -EINVAL)
        file = log->io->open(log->io->ctx, out_path->text, FLUME_IO_READ);
    return file < 0 ? log_fail_io(log, file, "open", out_path->text) : file;
}

static uint8_t *align(uint8_t *memory)
{
    return memory + (DIRECT_ALIGN - (uintptr_t)memory % DIRECT_ALIGN);
}

static int differs(flume_log *log, const char *path, uint64_t first_seq, uint64_t at)
{
    return log_fail(log, FLUME_ERR_DAMAGED, 0, first_seq,
                    "%s: what was written at %llu does not read back the same: the disk or "
                    "its controller is faulty",
                    path, (unsigned long long)at);
}

static int compare(flume_log *log, const struct strata *strata, int file, const char *path,
                   uint64_t from, uint64_t to, uint8_t *buffer)
{
    for (uint64_t at = from / DIRECT_ALIGN * DIRECT_ALIGN; at < to; at += PIECE_BYTES) {
        uint64_t wanted = round_up(to - at, DIRECT_ALIGN);
        size_t piece = wanted < PIECE_BYTES ? (size_t)wanted : PIECE_BYTES;
        uint64_t first = at < from ? from : at;
        uint64_t last = at + piece < to ? at + piece : to;
        int error = io_read_all(log->io, file, buffer, piece, at);

        if (error != 0)
            return log_fail_io(log, error, "read back", path);
        if (memcmp(buffer + (first - at), strata->data + first, (size_t)(last - first)) != 0)
            return differs(log, path, strata->first_seq, first);
    }
    return FLUME_OK;
}

static int read_back_strata(flume_log *log, const struct strata *strata, uint64_t from, uint64_t to)
{
    uint8_t *memory = memory_allocate(&log->allocator, PIECE_BYTES + DIRECT_ALIGN);
    char name[STRATA_NAME_BYTES];
    struct path path;
    int file, status;

    if (memory == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to read back");
    strata_name(name, strata->first_seq);
    file = open_direct(log, name, &path);
    status = file;
    if (file >= 0) {
        status = compare(log, strata, file, path.text, from, to, align(memory));
        log->io->close(log->io->ctx, file);
    }
    memory_release(&log->allocator, memory);
    return status;
}

static int compare_files(flume_log *log, int direct, int cached, const char *path, uint64_t bytes,
                         uint8_t *memory)
{
    uint8_t *here = align(memory);
    uint8_t *there = here + PIECE_BYTES;

    for (uint64_t at = 0; at < bytes; at += PIECE_BYTES) {
        size_t piece = bytes - at < PIECE_BYTES ? (size_t)(bytes - at) : PIECE_BYTES;
        int error = io_read_all(log->io, direct, there, piece, at);

        if (error == 0)
            error = io_read_all(log->io, cached, here, piece, at);
        if (error != 0)
            return log_fail_io(log, error, "read back", path);
        if (memcmp(here, there, piece) != 0)
            return differs(log, path, FLUME_SEQ_NONE, at);
    }
    return FLUME_OK;
}

int read_back_file(flume_log *log, const char *name, uint64_t bytes)
{
    uint8_t *memory = memory_allocate(&log->allocator, 2 * PIECE_BYTES + DIRECT_ALIGN);
    struct path path;
    int direct, cached, status;

    assert(bytes % DIRECT_ALIGN == 0);
    if (memory == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory to read back");
    direct = status = open_direct(log, name, &path);
    if (direct < 0)
        goto out;
    cached = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (cached >= 0) {
        status = compare_files(log, direct, cached, path.text, bytes, memory);
        log->io->close(log->io->ctx, cached);
    } else {
        status = log_fail_io(log, cached, "open", path.text);
    }
    log->io->close(log->io->ctx, direct);
out:
    memory_release(&log->allocator, memory);
    return status;
}

int read_back(flume_log *log, const struct table *table, uint64_t from_seq, uint64_t to_seq)
{
    size_t index = table_find(table, from_seq);

    for (index = index == SIZE_MAX ? 0 : index;
         index < table->count && table->rows[index].first_seq < to_seq; index++) {
        const struct strata *strata = table->rows[index].strata;
        uint64_t end_seq = index + 1 < table->count && table->rows[index + 1].first_seq < to_seq
                               ? table->rows[index + 1].first_seq
                               : to_seq;
        uint64_t from = from_seq > strata->first_seq
                            ? strata_slot(strata, from_seq - strata->first_seq)
                            : STRATA_DATA_AT;
        uint64_t to = strata_slot(strata, end_seq - strata->first_seq);
        int status;

        if (to == 0)
            to = strata->limit;
        status = read_back_strata(log, strata, from, to);
        if (status != FLUME_OK)
            return status;
    }
    return FLUME_OK;
}
