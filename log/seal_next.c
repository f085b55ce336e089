/*
 * seal_next.c - which strata is sealed next.
 *
 * HEAD's sealed_to says so in the ordinary case. After a recovery it is 0: then the first raw
 * strata is looked for by halves, since sealed ones come first, in as many headers as it takes.
 */
#include <errno.h>

#include "seal.h"

/* What a file says of itself. */
struct outline {
    enum strata_form form;
    uint64_t file_bytes;
    struct strata_footer footer; /* Of a raw one, if it has one: */
    bool has_footer;
    struct sealed_footer sealed; /* Of a sealed one. */
    bool has_sealed;
};

static int outline_read(flume_log *log, int file, struct outline *out_outline)
{
    const flume_io *io = log->io;
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_header header;
    flume_io_stat file_stat;
    bool has_header;
    int error = io->stat(io->ctx, file, &file_stat);

    if (error == 0 && file_stat.bytes < 2 * STRATA_PAGE_BYTES)
        return 0; /* Neither page is there. */
    if (error == 0)
        error = io_read_all(io, file, page, sizeof page, 0);
    if (error != 0)
        return error;
    out_outline->file_bytes = file_stat.bytes;
    has_header = strata_header_decode(page, &header) == FLUME_OK;
    error = io_read_all(io, file, page, sizeof page, file_stat.bytes - STRATA_PAGE_BYTES);
    if (error != 0)
        return error;
    out_outline->has_sealed = sealed_footer_decode(page, &out_outline->sealed) == FLUME_OK;
    out_outline->has_footer = strata_footer_decode(page, &out_outline->footer);
    /* Either page of a sealed one stands in for the other. */
    if (has_header ? header.form == STRATA_SEALED : out_outline->has_sealed)
        out_outline->form = STRATA_SEALED;
    return 0;
}

/* The two pages that frame a strata's file. One that does not read passes for raw: sealing it will
 * say what is wrong. */
static int outline_of(flume_log *log, uint64_t first_seq, struct outline *out_outline)
{
    const flume_io *io = log->io;
    char name[STRATA_NAME_BYTES];
    struct path path;
    int file, error;

    memset(out_outline, 0, sizeof *out_outline);
    out_outline->form = STRATA_RAW;
    strata_name(name, first_seq);
    log_path(log, "log", name, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_READ);
    if (file == -ENOENT)
        return strata_missing(log, first_seq, path.text);
    if (file < 0)
        return log_fail_io(log, file, "open", path.text);
    error = outline_read(log, file, out_outline);
    io->close(io->ctx, file);
    return error == 0 ? FLUME_OK : log_fail_io(log, error, "read", path.text);
}

uint64_t seal_raw_bytes(flume_log *log, uint64_t first_seq)
{
    struct outline outline;

    if (outline_of(log, first_seq, &outline) != FLUME_OK)
        return 0;
    if (outline.has_footer && outline.footer.end_offset > STRATA_DATA_AT)
        return outline.footer.end_offset - STRATA_DATA_AT;
    return outline.file_bytes > 2 * STRATA_PAGE_BYTES ? outline.file_bytes - 2 * STRATA_PAGE_BYTES
                                                      : 0;
}

void seal_told_locked(flume_log *log, uint64_t end_seq)
{
    struct head *head = log->head;

    if (atomic_load(&head->sealed_to) >= end_seq)
        return;
    atomic_store(&head->sealed_to, end_seq);
    (void)atomic_fetch_add_explicit(&head->layout_count, 1, memory_order_release);
}

void seal_drop_slots(flume_log *log, uint64_t first_seq)
{
    char name[STRATA_NAME_BYTES];
    struct path path;

    strata_slots_name(name, first_seq);
    log_path(log, "log", name, &path);
    (void)log->io->unlink(log->io->ctx, path.text); /* Nobody reads them any more. */
}

/* How many rows from the first on are sealed, by halves. */
static int sealed_rows(flume_log *log, const struct table *table, size_t *out_count)
{
    size_t low = 0;
    size_t high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct outline outline;
        int status = outline_of(log, table->rows[middle].first_seq, &outline);

        if (status != FLUME_OK)
            return status;
        if (outline.form == STRATA_SEALED)
            low = middle + 1;
        else
            high = middle;
    }
    *out_count = low;
    return FLUME_OK;
}

/* Where a row's strata ends. FLUME_SEQ_NONE: it may still be appended to. */
static uint64_t row_end(const struct table *table, size_t index, const struct seal_wish *wish)
{
    if (index + 1 < table->count)
        return table->rows[index + 1].first_seq;
    return table->rows[index].first_seq == wish->closed_first ? wish->closed_end : FLUME_SEQ_NONE;
}

/*
 * The slots of a sealed strata may still be there: its sealer died, or could not remove them, or
 * the machine stopped before their removal was durable. They go once the strata's directory entry
 * is.
 */
static int tidy_locked(flume_log *log, uint64_t first_seq)
{
    const flume_io *io = log->io;
    char name[STRATA_NAME_BYTES];
    struct path path;
    int file, error;

    strata_slots_name(name, first_seq);
    log_path(log, "log", name, &path);
    file = io->open(io->ctx, path.text, FLUME_IO_READ);
    if (file < 0)
        return FLUME_OK; /* As it should be; or it is no obstacle. */
    io->close(io->ctx, file);
    log_path(log, "log", "", &path);
    error = io->sync_directory(io->ctx, path.text);
    if (error != 0)
        return log_fail_io(log, error, "sync the directory", path.text);
    seal_drop_slots(log, first_seq);
    return FLUME_OK;
}

/* The first row that HEAD does not call sealed, and is not. */
static int first_raw_locked(flume_log *log, const struct table *table, const struct seal_wish *wish,
                            size_t *out_index)
{
    uint64_t sealed_to = atomic_load(&log->head->sealed_to);
    struct outline outline;
    size_t index = 0;
    int status;

    if (sealed_to > 0) {
        index = table_find(table, sealed_to - 1);
        index = index == SIZE_MAX ? 0 : index + 1;
    }
    *out_index = index;
    if (index == table->count)
        return FLUME_OK;
    status = outline_of(log, table->rows[index].first_seq, &outline);
    if (status != FLUME_OK || outline.form == STRATA_RAW)
        return status;
    /* Somebody sealed these and could not say so, or recovery has forgotten. */
    status = sealed_rows(log, table, out_index);
    if (status == FLUME_OK && *out_index > 0) {
        uint64_t end_seq = row_end(table, *out_index - 1, wish);

        seal_told_locked(
            log, end_seq != FLUME_SEQ_NONE ? end_seq : table->rows[*out_index - 1].first_seq + 1);
    }
    return status;
}

/* Whether a full and durable row from this one on has a file that is large enough: then what comes
 * before it is due too, however small. */
static int is_worth_it(flume_log *log, const struct table *table, size_t index,
                       const struct seal_wish *wish, bool *out_worth)
{
    uint64_t durable = atomic_load_explicit(&log->head->durable, memory_order_acquire);

    *out_worth = wish->raw_bytes_min == 0;
    for (; !*out_worth && index < table->count; index++) {
        uint64_t end_seq = row_end(table, index, wish);
        struct outline outline;
        int status;

        if (end_seq == FLUME_SEQ_NONE || end_seq > durable)
            return FLUME_OK;
        status = outline_of(log, table->rows[index].first_seq, &outline);
        if (status != FLUME_OK)
            return status;
        *out_worth = outline.file_bytes >= wish->raw_bytes_min;
    }
    return FLUME_OK;
}

static int take_previous(flume_log *log, uint64_t first_seq, uint64_t end_seq,
                         struct seal_target *target)
{
    struct outline outline;
    int status = outline_of(log, first_seq, &outline);

    if (status != FLUME_OK)
        return status;
    if (!outline.has_sealed || outline.sealed.first_seq != first_seq ||
        outline.sealed.count != end_seq - first_seq)
        return log_fail(log, FLUME_ERR_DAMAGED, 0, first_seq,
                        "the footer of the strata of seq %llu in %s/log does not read, so none "
                        "behind it is sealed; run 'flume check', then 'flume repair'",
                        (unsigned long long)first_seq, log->path);
    target->previous = outline.sealed;
    target->has_previous = true;
    return FLUME_OK;
}

int seal_next_locked(flume_log *log, const struct seal_wish *wish, struct seal_target *out_target)
{
    int status;
    const struct table *table = table_current(log, &status);
    uint64_t end_seq;
    bool worth;
    size_t index;

    if (table == NULL)
        return status;
    status = first_raw_locked(log, table, wish, &index);
    /* The directory's sync for one strata makes the removal for the one before it durable. */
    for (size_t i = index > 1 ? index - 2 : 0; i < index && status == FLUME_OK; i++)
        status = tidy_locked(log, table->rows[i].first_seq);
    if (status != FLUME_OK)
        return status;
    if (index == table->count)
        return FLUME_ERR_NOT_FOUND;
    end_seq = row_end(table, index, wish);
    if (end_seq == FLUME_SEQ_NONE || end_seq > wish->to_seq ||
        end_seq > atomic_load_explicit(&log->head->durable, memory_order_acquire))
        return FLUME_ERR_NOT_FOUND;
    status = is_worth_it(log, table, index, wish, &worth);
    if (status == FLUME_OK && !worth)
        status = FLUME_ERR_NOT_FOUND;
    if (status != FLUME_OK)
        return status;
    memset(out_target, 0, sizeof *out_target);
    out_target->first_seq = table->rows[index].first_seq;
    out_target->end_seq = end_seq;
    if (index == 0)
        return FLUME_OK;
    return take_previous(log, table->rows[index - 1].first_seq, out_target->first_seq, out_target);
}
