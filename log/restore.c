/*
 * restore.c - putting the end of the log in order after a process died in an append or a roll.
 *
 * Everything here may be repeated: if this process dies too, the next one starts over.
 */
#include <errno.h>

#include "append.h"
#include "scan.h"
#include "wait.h"

enum { ZERO_PIECE_BYTES = 64 << 10 };

/* Write zeros over what lies between the end and what was intended. */
static int zero_behind_end(flume_log *log, uint64_t from, uint64_t to)
{
    static const uint8_t zeros[ZERO_PIECE_BYTES];
    const struct strata *strata = log->writer.strata;

    if (to > strata->limit)
        to = strata->limit;
    while (from < to) {
        size_t piece = to - from < sizeof zeros ? (size_t)(to - from) : sizeof zeros;
        int error = io_write_all(log->io, strata->write_file, zeros, piece, from);

        if (error != 0)
            return log_fail_io(log, error, "clear the end of the active strata in", log->path);
        from += piece;
    }
    return FLUME_OK;
}

/* The last record of each kind, from a strata's header and the grains published in it. Counted
 * aside: who asks for one without the lock never sees less than there is. */
static int recount_kinds(flume_log *log, const struct strata *strata, uint64_t count)
{
    struct strata_header header;
    uint64_t *last = header.last_of_kind;
    int status = strata_header_decode(strata->data, &header);

    if (status != FLUME_OK)
        return log_fail(log, status, 0, strata->first_seq,
                        "the header of the active strata in %s is damaged", log->path);
    for (uint64_t ordinal = 0; ordinal < count; ordinal++) {
        uint64_t offset = strata_slot(strata, ordinal);

        if (offset != 0 && offset + GRAIN_HEADER_BYTES <= strata->limit)
            last[strata->data[offset + GRAIN_KIND_AT]] = strata->first_seq + ordinal;
    }
    for (size_t i = 0; i < STRATA_KINDS; i++)
        atomic_store(&log->head->last_of_kind[i], last[i]);
    return FLUME_OK;
}

static bool kinds_run_ahead(const struct head *head)
{
    uint64_t end = atomic_load(&head->head);

    for (size_t i = 0; i < STRATA_KINDS; i++) {
        uint64_t last = atomic_load(&head->last_of_kind[i]);

        if (last != FLUME_SEQ_NONE && last >= end)
            return true;
    }
    return false;
}

/* How many grains a strata closed from birth brings: its footer was written with it. */
static int closed_count(flume_log *log, int file, const struct strata_header *header,
                        uint64_t *out_count)
{
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_footer footer;
    int error = io_read_all(log->io, file, page, sizeof page, strata_limit(header->file_bytes));

    if (error != 0)
        return log_fail_io(log, error, "read the footer of a strata in", log->path);
    if (!strata_footer_decode(page, &footer))
        return log_fail(log, FLUME_ERR_DAMAGED, 0, header->first_seq,
                        "%s: a large batch of a process that died has no footer", log->path);
    *out_count = footer.count;
    return FLUME_OK;
}

/* Read the header of the strata that is named by first_seq. FLUME_ERR_NOT_FOUND: there is none. */
static int read_named(flume_log *log, uint64_t first_seq, struct strata_header *out_header,
                      uint64_t *out_count)
{
    uint8_t page[STRATA_PAGE_BYTES];
    char name[STRATA_NAME_BYTES];
    struct path path;
    int file, status;

    strata_name(name, first_seq);
    log_path(log, "log", name, &path);
    file = log->io->open(log->io->ctx, path.text, FLUME_IO_READ);
    if (file == -ENOENT)
        return FLUME_ERR_NOT_FOUND;
    if (file < 0)
        return log_fail_io(log, file, "open", path.text);
    status = io_read_all(log->io, file, page, sizeof page, 0);
    status = status != 0 ? log_fail_io(log, status, "read", path.text)
                         : strata_header_decode(page, out_header);
    *out_count = 0;
    if (status == FLUME_OK && (out_header->flags & STRATA_CLOSED) != 0)
        status = closed_count(log, file, out_header, out_count);
    log->io->close(log->io->ctx, file);
    return status;
}

/* A large batch has its name: its records count, of whichever kinds they are. */
static int take_closed(flume_log *log, uint64_t first_seq, uint64_t count)
{
    int status;
    const struct table *table = table_current(log, &status);
    struct strata *strata;
    size_t index;

    if (table == NULL)
        return status;
    index = table_find(table, first_seq);
    if (index == SIZE_MAX || table->rows[index].first_seq != first_seq)
        return log_fail(log, FLUME_ERR_DAMAGED, 0, first_seq,
                        "%s: the strata of a large batch is gone", log->path);
    strata = table->rows[index].strata;
    status = strata_open(log, strata);
    if (status == FLUME_OK)
        status = strata_settle(log, strata, count);
    if (status == FLUME_OK)
        status = recount_kinds(log, strata, count);
    if (status == FLUME_OK)
        atomic_store_explicit(&log->head->head, first_seq + count, memory_order_release);
    return status;
}

/* Slots that got their name before their strata could: of the next one, or of a large batch. Should
 * they not go, a check tells of them. */
static void drop_slots(flume_log *log, uint64_t first_seq)
{
    char name[STRATA_NAME_BYTES];
    struct path path;

    strata_slots_name(name, first_seq);
    log_path(log, "log", name, &path);
    (void)log->io->unlink(log->io->ctx, path.text);
}

/*
 * A strata named by head: a roll that may not have come to its end, or a commit whose head has not
 * moved. active_first is what a publish stores last, so where it says so the roll is done.
 */
static int finish_roll(flume_log *log)
{
    struct head *head = log->head;
    uint64_t first_seq = atomic_load(&head->head);
    bool is_published = atomic_load(&head->active_bytes) != 0 &&
                        atomic_load(&head->active_first) == first_seq;
    struct strata_header header;
    uint64_t count = 0;
    int status = read_named(log, first_seq, &header, &count);

    if (status == FLUME_ERR_NOT_FOUND && !is_published)
        drop_slots(log, first_seq);
    if (status == FLUME_ERR_NOT_FOUND)
        return FLUME_OK;
    if (status != FLUME_OK)
        return status;
    if ((header.flags & STRATA_CLOSED) == 0) {
        if (!is_published)
            roll_publish_locked(log, first_seq, &header);
        return FLUME_OK;
    }
    roll_publish_locked(log, first_seq, &header);
    return take_closed(log, first_seq, count);
}

static int ends_restored(flume_log *log, uint64_t end)
{
    struct head *head = log->head;

    head->witnessed = 0; /* The last witness may be among what was undone. */
    atomic_store(&head->intent_from, end);
    atomic_store(&head->intent_to, end);
    (void)atomic_fetch_and(&head->refusal, ~(uint32_t)HEAD_DIRTY);
    wake_all(log);
    return FLUME_OK;
}

int append_restore_locked(flume_log *log)
{
    struct head *head = log->head;
    uint64_t end, intent_to;
    int status = finish_roll(log);

    atomic_store(&head->prepared_bytes, 0); /* A roll may have taken one of its two files. */
    if (status != FLUME_OK || atomic_load(&head->active_bytes) == 0)
        return status;
    if ((atomic_load(&head->refusal) & HEAD_ACTIVE_CLOSED) != 0)
        return ends_restored(log, 0); /* Nothing is written behind the end of a closed strata. */
    status = writer_set_up_locked(log);
    if (status != FLUME_OK)
        return status;
    end = writer_end_locked(log, atomic_load(&head->head));
    if (end == 0)
        return log_fail(log, FLUME_ERR_DAMAGED, 0, atomic_load(&head->head),
                        "%s: the slots of the active strata are damaged; close the basin "
                        "everywhere and open it again",
                        log->path);
    intent_to = atomic_load(&head->intent_to);
    status = zero_behind_end(log, end, intent_to);
    if (status == FLUME_OK && kinds_run_ahead(head))
        status = recount_kinds(log, log->writer.strata,
                               atomic_load(&head->head) - log->writer.strata->first_seq);
    return status == FLUME_OK ? ends_restored(log, end) : status;
}
