/*
 * seal_source.c - a strata's file, read through a window that moves.
 */
#include "seal_source.h"

#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "flume/version.h"

enum { WINDOW_BYTES = 1 << 20 };

static int fail_read(const struct seal_source *source, int64_t error, const char *what)
{
    struct path path;

    log_path(source->log, "log", source->name, &path);
    return log_fail_io(source->log, error, what, path.text);
}

/* Whether this header may be that of a strata to seal. */
static int header_judge(flume_log *log, uint64_t first_seq, const struct strata_header *header,
                        int decoded)
{
    unsigned long long seq = first_seq;

    if (decoded == FLUME_ERR_VERSION || (decoded == FLUME_OK && header->read_only_compatible != 0))
        return log_fail(log, FLUME_ERR_VERSION, 0, first_seq,
                        "the strata of seq %llu in %s/log has a feature that flume %s does not "
                        "write; seal it with a newer one",
                        seq, log->path, flume_version());
    if (decoded != FLUME_OK || header->first_seq != first_seq ||
        memcmp(header->basin_id, log->basin_id, sizeof log->basin_id) != 0)
        return log_fail(
            log, FLUME_ERR_DAMAGED, 0, first_seq,
            "the strata of seq %llu in %s/log cannot be sealed: its header is damaged or "
            "belongs elsewhere; run 'flume check', then 'flume repair'",
            seq, log->path);
    if (header->form != STRATA_RAW)
        return log_fail(log, FLUME_ERR_DAMAGED, 0, first_seq,
                        "the strata of seq %llu in %s/log is sealed already", seq, log->path);
    return FLUME_OK;
}

static int begin(struct seal_source *source, struct strata_header *out_header)
{
    const flume_io *io = source->log->io;
    uint8_t page[STRATA_PAGE_BYTES];
    flume_io_stat file_stat;
    int status;
    int error = io->stat(io->ctx, source->file, &file_stat);

    if (error != 0)
        return fail_read(source, error, "look at");
    if (file_stat.bytes < sizeof page)
        return header_judge(source->log, source->first_seq, out_header, FLUME_ERR_DAMAGED);
    error = io_read_all(io, source->file, page, sizeof page, 0);
    if (error != 0)
        return fail_read(source, error, "read");
    status = header_judge(source->log, source->first_seq, out_header,
                          strata_header_decode(page, out_header));
    if (status != FLUME_OK)
        return status;
    source->limit = strata_limit(out_header->file_bytes);
    if (source->limit > file_stat.bytes)
        source->limit = file_stat.bytes;
    return FLUME_OK;
}

int seal_source_open(flume_log *log, uint64_t first_seq, struct seal_source *out_source,
                     struct strata_header *out_header)
{
    struct seal_source source = {.log = log, .first_seq = first_seq, .from = STRATA_DATA_AT};
    struct path path;
    int status;

    strata_name(source.name, first_seq);
    log_path(log, "log", source.name, &path);
    source.file = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (source.file < 0)
        return log_fail_io(log, source.file, "open", path.text);
    status = begin(&source, out_header);
    if (status != FLUME_OK) {
        seal_source_close(&source);
        return status;
    }
    *out_source = source;
    return FLUME_OK;
}

void seal_source_release(struct seal_source *source)
{
    memory_large_release(&source->log->allocator, source->window, source->capacity);
    source->window = NULL;
    source->capacity = 0;
}

void seal_source_close(struct seal_source *source)
{
    if (source->file < 0)
        return;
    source->log->io->close(source->log->io->ctx, source->file);
    source->file = -1;
    seal_source_release(source);
}

/* The window begins at `keep` and has space for this much. */
static int window_move(struct seal_source *source, uint64_t keep, uint64_t bytes)
{
    size_t kept = 0;

    if (keep >= source->from && keep < source->from + source->filled) {
        kept = (size_t)(source->from + source->filled - keep);
        memmove(source->window, source->window + (keep - source->from), kept);
    }
    source->from = keep;
    source->filled = kept;
    if (bytes > source->capacity) {
        /* Room for more than is asked for: else what is kept would be moved for every grain. */
        size_t capacity = round_up(bytes + WINDOW_BYTES, STRATA_PAGE_BYTES);
        uint8_t *window = memory_large_resize(&source->log->allocator, source->window,
                                              source->capacity, capacity);

        if (window == NULL)
            return log_fail(source->log, FLUME_ERR_NO_MEMORY, 0, source->first_seq,
                            "no memory to seal the strata of seq %llu",
                            (unsigned long long)source->first_seq);
        source->window = window;
        source->capacity = capacity;
    }
    return FLUME_OK;
}

int seal_source_want(struct seal_source *source, uint64_t keep, uint64_t at, uint64_t bytes,
                     const uint8_t **out_bytes)
{
    assert(keep <= at);
    if (at > source->limit || bytes > source->limit - at)
        return FLUME_ERR_NOT_FOUND;
    if (keep < source->from || at + bytes > source->from + source->filled) {
        uint64_t end;
        int error;
        int status = window_move(source, keep, at + bytes - keep);

        if (status != FLUME_OK)
            return status;
        end = source->from + source->capacity;
        if (end > source->limit)
            end = source->limit;
        error = io_read_all(source->log->io, source->file, source->window + source->filled,
                            (size_t)(end - source->from - source->filled),
                            source->from + source->filled);
        if (error != 0)
            return fail_read(source, error, "read");
        source->filled = (size_t)(end - source->from);
    }
    *out_bytes = source->window + (at - source->from);
    return FLUME_OK;
}

const uint8_t *seal_source_held(const struct seal_source *source, uint64_t at, uint64_t bytes)
{
    assert(at >= source->from);
    assert(bytes <= source->filled && at - source->from <= source->filled - bytes);
    (void)bytes;
    return source->window + (at - source->from);
}
