/*
 * cursor.c - reading many records: a range, filtered, forward or back, and on into the future.
 */
#include "cursors.h"

#include <string.h>

#include "read.h"
#include "sealed.h"
#include "strata.h"

enum {
    CURSOR_FLAGS = FLUME_CURSOR_REVERSE | FLUME_CURSOR_LIVE | FLUME_CURSOR_DURABLE |
                   FLUME_CURSOR_MANIFESTS | FLUME_CURSOR_SKIP_DAMAGED | FLUME_CURSOR_NEW_ONLY,
    CURSOR_BOUNDS = FLUME_GT | FLUME_GTE | FLUME_LT | FLUME_LTE,
    PREFETCH_AHEAD_BYTES = 4096,
    PREFETCH_BYTES_MAX = 8192,
    CACHE_LINE_BYTES = 64
};

static uint64_t end_now(const flume_cursor *cursor)
{
    return cursor_end(cursor) == WAIT_DURABLE ? durable_seen(cursor->log) : head_seen(cursor->log);
}

static void kind_set(flume_cursor *cursor, unsigned kind, bool wanted)
{
    uint64_t bit = UINT64_C(1) << (kind % 64);

    if (wanted)
        cursor->kinds[kind / 64] |= bit;
    else
        cursor->kinds[kind / 64] &= ~bit;
}

static bool kind_is_wanted(const flume_cursor *cursor, unsigned kind)
{
    return (cursor->kinds[kind / 64] >> (kind % 64) & 1) != 0;
}

static void kinds_take(flume_cursor *cursor, const flume_cursor_options *options)
{
    for (unsigned kind = 0; kind < STRATA_KINDS; kind++)
        kind_set(cursor, kind, options->kind_count == 0);
    if (options->kind_count == 0)
        kind_set(cursor, FLUME_KIND_MANIFEST, false);
    for (size_t i = 0; i < options->kind_count; i++) {
        for (unsigned kind = 0; kind < STRATA_KINDS; kind++) {
            if (options->kinds[i] == FLUME_KIND_ANY || options->kinds[i] == kind)
                kind_set(cursor, kind, true);
        }
    }
    if ((options->flags & FLUME_CURSOR_MANIFESTS) != 0)
        kind_set(cursor, FLUME_KIND_MANIFEST, true);
}

static void bounds_take(flume_cursor *cursor, const flume_cursor_options *options)
{
    cursor->to = UINT64_MAX;
    if ((options->bounds & FLUME_GTE) != 0)
        cursor->from = options->gte;
    if ((options->bounds & FLUME_GT) != 0 && options->gt != FLUME_SEQ_NONE &&
        options->gt + 1 > cursor->from)
        cursor->from = options->gt + 1;
    if ((options->bounds & FLUME_LT) != 0)
        cursor->to = options->lt;
    if ((options->bounds & FLUME_LTE) != 0 && options->lte != FLUME_SEQ_NONE &&
        options->lte + 1 < cursor->to)
        cursor->to = options->lte + 1;
}

static int options_check(flume_log *log, const flume_cursor_options *options)
{
    unsigned both = FLUME_CURSOR_REVERSE | FLUME_CURSOR_LIVE;

    if ((options->flags & ~(unsigned)CURSOR_FLAGS) != 0 ||
        (options->bounds & ~(unsigned)CURSOR_BOUNDS) != 0)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "unknown cursor flags 0x%x or bounds 0x%x", options->flags,
                        options->bounds);
    if ((options->flags & both) == both)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "a cursor cannot be live and in reverse");
    if (options->kinds == NULL && options->kind_count > 0)
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE, "the kinds are NULL");
    if (options->label != NULL &&
        strnlen(options->label, FLUME_LABEL_BYTES_MAX + 1) > FLUME_LABEL_BYTES_MAX)
        return log_fail(log, FLUME_ERR_TOO_LARGE, 0, FLUME_SEQ_NONE, "a label has at most %d bytes",
                        FLUME_LABEL_BYTES_MAX);
    return FLUME_OK;
}

/* Whether anything but seqs limits what is given. */
static bool is_choosy(const flume_cursor *cursor)
{
    return cursor->chooses_kinds || cursor->label[0] != '\0' || cursor->since_ns != 0 ||
           cursor->until_ns != 0;
}

int flume_cursor_open(flume_log *log, const flume_cursor_options *options,
                      flume_cursor **out_cursor)
{
    static const flume_cursor_options everything = {.flags = 0};
    flume_cursor *cursor;
    int status = log_guard(log);
    uint64_t end;

    if (status != FLUME_OK)
        return status;
    if (options == NULL)
        options = &everything;
    status = options_check(log, options);
    if (status != FLUME_OK)
        return status;
    cursor = memory_allocate_zeroed(&log->allocator, 1, sizeof *cursor);
    if (cursor == NULL)
        return log_fail(log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE, "no memory for a cursor");
    cursor->log = log;
    cursor->flags = options->flags;
    cursor->descriptor = -1;
    cursor->limit = options->limit;
    cursor->since_ns = options->since_ns;
    cursor->until_ns = options->until_ns;
    if (options->label != NULL)
        memcpy(cursor->label, options->label, strlen(options->label) + 1);
    cursor->chooses_kinds = options->kind_count != 0;
    kinds_take(cursor, options);
    bounds_take(cursor, options);
    cursor->is_plain = !is_choosy(cursor) && (cursor->flags & FLUME_CURSOR_REVERSE) == 0 &&
                       cursor->limit == 0;
    end = end_now(cursor);
    if ((cursor->flags & FLUME_CURSOR_NEW_ONLY) != 0 && cursor->from < end)
        cursor->from = end;
    if ((cursor->flags & FLUME_CURSOR_LIVE) == 0 && cursor->to > end)
        cursor->to = end; /* It ends where the log ended at this call. */
    atomic_store(&cursor->position, (cursor->flags & FLUME_CURSOR_REVERSE) != 0
                                        ? (cursor->to > cursor->from ? cursor->to : cursor->from)
                                        : cursor->from);
    *out_cursor = cursor;
    return FLUME_OK;
}

void flume_cursor_close(flume_cursor *cursor)
{
    if (cursor == NULL)
        return;
    if (log_guard(cursor->log) == FLUME_OK)
        notify_remove(cursor);
    if (cursor->block != NULL)
        let_go(&cursor->block->item.held);
    lent_return(&cursor->lent);
    memory_release(&cursor->log->allocator, cursor);
}

uint64_t flume_cursor_position(const flume_cursor *cursor)
{
    return atomic_load(&cursor->position);
}

uint64_t flume_cursor_skipped(const flume_cursor *cursor)
{
    return cursor->skipped;
}

void flume_cursor_cancel(flume_cursor *cursor)
{
    atomic_store(&cursor->cancelled, 1);
    wake_all(cursor->log);
}

static bool is_wanted(const flume_cursor *cursor, const flume_record *record)
{
    if (!kind_is_wanted(cursor, record->kind))
        return false;
    if (cursor->label[0] != '\0' && !flume_record_has_label(record, cursor->label))
        return false;
    if (record->time_ns < cursor->since_ns)
        return false;
    return cursor->until_ns == 0 || record->time_ns < cursor->until_ns;
}

/* Whether a sealed strata may have what the cursor asks for: its footer and its labels tell. */
static bool may_match(const flume_cursor *cursor, struct strata *strata)
{
    const struct sealed *sealed = strata->sealed;
    uint64_t common = 0;

    if (sealed->greatest_time_ns < cursor->since_ns ||
        (cursor->until_ns != 0 && sealed->least_time_ns >= cursor->until_ns))
        return false;
    for (size_t i = 0; i < STRATA_KINDS / 64; i++)
        common |= sealed->kinds[i] & cursor->kinds[i];
    return common != 0 &&
           (cursor->label[0] == '\0' || sealed_may_have_label(cursor->log, strata, cursor->label));
}

/* Whether nothing in a strata is wanted. Of a raw one the next one's header holds the running
 * maximum of times; one that cannot be opened is not passed over. */
static bool is_in_vain(const flume_cursor *cursor, const struct table *table, size_t index)
{
    struct strata *strata = table->rows[index].strata;
    struct strata *next = index + 1 < table->count ? table->rows[index + 1].strata : NULL;

    if (strata_open(cursor->log, strata) == FLUME_OK && strata->form == STRATA_SEALED)
        return !may_match(cursor, strata);
    return cursor->since_ns != 0 && next != NULL && strata_open(cursor->log, next) == FLUME_OK &&
           next->running_time_ns < cursor->since_ns;
}

/* Pass over whole strata, back or forth, in which nothing is wanted. Returns the new position. */
static uint64_t skip_strata(flume_cursor *cursor, uint64_t position)
{
    bool reverse = (cursor->flags & FLUME_CURSOR_REVERSE) != 0;
    int status;
    const struct table *table;
    size_t index;

    if (reverse ? position > cursor->strata_from && position <= cursor->strata_to
                : position >= cursor->strata_from && position < cursor->strata_to)
        return position;
    table = table_current(cursor->log, &status);
    if (table == NULL || table->count == 0)
        return position;
    index = table_find(table, reverse ? position - 1 : position);
    while (index != SIZE_MAX && index + 1 < table->count) { /* Not the newest: it grows. */
        cursor->strata_from = table->rows[index].first_seq;
        cursor->strata_to = table->rows[index + 1].first_seq;
        if (!is_in_vain(cursor, table, index))
            return position;
        position = reverse ? cursor->strata_from : cursor->strata_to;
        if (reverse && index == 0)
            return position;
        index = reverse ? index - 1 : index + 1;
    }
    return position;
}

/*
 * What was published since the run began lies in the same strata, if that was the newest then and
 * no layout has changed: a roll raises the count before it publishes. So who follows asks for the
 * line of `head` and those of the grains, and not for the slots', which the appender is at as well.
 */
static inline void run_extend(flume_cursor *cursor, uint64_t end)
{
    if (!cursor->run_is_newest || end <= cursor->run_to)
        return;
    if (atomic_load_explicit(&cursor->log->head->layout_count, memory_order_acquire) ==
        cursor->run_layout)
        cursor->run_to = end < cursor->to ? end : cursor->to;
    else
        cursor->run_is_newest = false;
}

/* The grain behind the one read last, without looking it up. */
static inline bool run_next(flume_cursor *cursor, uint64_t seq, uint64_t end,
                            flume_record *out_record)
{
    struct strata *strata = cursor->run;
    uint64_t offset = cursor->run_offset;
    struct grain grain;

    if (strata == NULL || seq != cursor->run_seq || seq >= cursor->run_to || seq >= end ||
        offset >= strata->limit ||
        !grain_decode(strata->data + offset, strata->limit - offset,
                      (uint32_t)(seq - strata->first_seq), strata->salt, offset, &grain) ||
        grain.kind == FLUME_KIND_LOST)
        return false;
    record_fill(strata->first_seq, strata->data + offset, &grain, offset, &strata->mapping->held,
                out_record);
    cursor->run_seq = seq + 1;
    cursor->run_offset = offset + grain_bytes(grain.meta_bytes, grain.body_bytes);
    return true;
}

/* The record out of the block that was read last, if it is there. */
static inline bool block_next(flume_cursor *cursor, uint64_t seq, flume_record *out_record)
{
    flume_record record;

    if (cursor->block == NULL || !block_has(cursor->block, seq))
        return false;
    block_record(cursor->block, seq, &record);
    if (record.kind == FLUME_KIND_LOST)
        return false; /* Looking it up says why it is not given. */
    *out_record = record;
    return true;
}

/* After a record of a sealed strata that was looked up: the cursor holds its block, and lends
 * it. */
static void block_begin(flume_cursor *cursor, flume_record *io_record)
{
    if (cursor->block != NULL)
        let_go(&cursor->block->item.held);
    cursor->block = io_record->hold;
    io_record->hold = NULL;
}

/* After a record that was looked up: where its strata ends is known from the table. */
static void run_begin(flume_cursor *cursor, const flume_record *record, uint64_t end)
{
    struct strata *strata = cursor->lent.strata;
    const uint8_t *body_end = (const uint8_t *)record->body + record->body_bytes;
    const struct table *table = atomic_load(&cursor->log->table);
    size_t index = table_find(table, record->seq);

    cursor->run = strata;
    cursor->run_seq = record->seq + 1;
    cursor->run_to = end < cursor->to ? end : cursor->to;
    cursor->run_layout = atomic_load_explicit(&table->layout_count, memory_order_acquire);
    cursor->run_is_newest = index + 1 == table->count;
    if (index + 1 < table->count && table->rows[index + 1].first_seq < cursor->run_to)
        cursor->run_to = table->rows[index + 1].first_seq;
    cursor->run_offset = round_up((uint64_t)(body_end - strata->data), GRAIN_ALIGN);
}

static int look_up(flume_cursor *cursor, uint64_t seq, uint64_t end, flume_record *out_record)
{
    int status;

    run_extend(cursor, end);
    if (run_next(cursor, seq, end, out_record) || block_next(cursor, seq, out_record))
        return FLUME_OK;
    cursor->run = NULL;
    cursor->run_is_newest = false;
    status = read_lent(cursor->log, &cursor->lent, seq, end, out_record);
    if (status == FLUME_OK && out_record->hold != NULL)
        block_begin(cursor, out_record);
    else if (status == FLUME_OK && (cursor->flags & FLUME_CURSOR_REVERSE) == 0)
        run_begin(cursor, out_record, end);
    return status;
}

/* The processor follows a stream no further than to the end of a page, so the lines a page ahead
 * are asked for. (Measured over records of 100 and 1,000 bytes: 31 -> 26 and 300 -> 230 ns each; 1
 * and 2 KiB ahead are worse, 8 and 16 no better.) A prefetch behind the mapping is harmless. */
static void prefetch_ahead(const flume_record *record, uint64_t end)
{
    const uint8_t *from = (const uint8_t *)record->body + PREFETCH_AHEAD_BYTES - GRAIN_HEADER_BYTES;
    size_t bytes = record->body_bytes + GRAIN_HEADER_BYTES;

    /* Lines behind the end are about to be written: asked for, they would have to be taken back. */
    if ((end - record->seq) * bytes < PREFETCH_AHEAD_BYTES)
        return;
    if (bytes > PREFETCH_BYTES_MAX)
        bytes = PREFETCH_BYTES_MAX;
    for (size_t at = 0; at < bytes; at += CACHE_LINE_BYTES)
        __builtin_prefetch(from + at, 0, 3);
}

/* Read what lies at the position and step over it. *out_matches: it passes the filters. */
static int step(flume_cursor *cursor, uint64_t end, flume_record *out_record, bool *out_matches)
{
    bool reverse = (cursor->flags & FLUME_CURSOR_REVERSE) != 0;
    uint64_t position = atomic_load_explicit(&cursor->position, memory_order_relaxed);
    uint64_t seq = reverse ? position - 1 : position;
    int status = look_up(cursor, seq, end, out_record);

    if (status == FLUME_OK && !reverse)
        prefetch_ahead(out_record, end);
    *out_matches = false;
    if (status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST) {
        if ((cursor->flags & FLUME_CURSOR_SKIP_DAMAGED) != 0) {
            cursor->skipped++;
            status = FLUME_OK;
        }
    } else if (status == FLUME_OK) {
        *out_matches = is_wanted(cursor, out_record);
    } else {
        return status; /* It may pass (memory, descriptors): the next call tries again. */
    }
    if (cursor->holds && (status != FLUME_OK || *out_matches))
        return status;
    atomic_store_explicit(&cursor->position, reverse ? seq : seq + 1, memory_order_relaxed);
    return status;
}

/* FLUME_OK: there is something at the position below *out_end; FLUME_END; or what waiting gave. */
static int reach(flume_cursor *cursor, uint64_t timeout_ns, uint64_t *out_end)
{
    uint64_t position = atomic_load_explicit(&cursor->position, memory_order_relaxed);
    int status;

    if ((cursor->flags & FLUME_CURSOR_REVERSE) != 0) {
        *out_end = cursor->to;
        return position > cursor->from ? FLUME_OK : FLUME_END;
    }
    if (position >= cursor->to)
        return FLUME_END;
    if ((cursor->flags & FLUME_CURSOR_LIVE) == 0) {
        *out_end = cursor->to;
        return FLUME_OK;
    }
    *out_end = cursor->seen_end;
    if (*out_end > position)
        return FLUME_OK; /* As of the last look: each takes the line of `head` from who appends. */
    *out_end = end_now(cursor);
    status = FLUME_OK;
    if (*out_end <= position) {
        status = wait_beyond(cursor->log, cursor_end(cursor), position, timeout_ns,
                             &cursor->cancelled, &cursor->waiter);
        *out_end = end_now(cursor);
    }
    /* Who only reads may come to see a log that was cut; an attached process does not. */
    cursor->seen_end = cursor->log->observer ? 0 : *out_end;
    return status;
}

/* What is left of a timeout that counts from the call, however many records are passed over. */
static uint64_t time_left(const flume_cursor *cursor, uint64_t timeout_ns, uint64_t *io_until_ns)
{
    const flume_io *io = cursor->log->io;
    uint64_t now_ns;

    if (timeout_ns == 0 || timeout_ns == FLUME_WAIT_FOREVER ||
        (cursor->flags & FLUME_CURSOR_LIVE) == 0)
        return timeout_ns;
    now_ns = io->monotonic_ns(io->ctx);
    if (*io_until_ns == 0)
        *io_until_ns = timeout_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + timeout_ns;
    return now_ns < *io_until_ns ? *io_until_ns - now_ns : 0;
}

/*
 * The ordinary step: the grain behind the one that was given last, in the same strata, and nothing
 * else is asked of it. false where anything is out of the ordinary: the general path goes on at the
 * position.
 */
static inline bool plain_next(flume_cursor *cursor, flume_record *out_record)
{
    uint64_t seq = atomic_load_explicit(&cursor->position, memory_order_relaxed);
    bool wanted;

    if (!cursor->is_plain || atomic_load_explicit(&cursor->cancelled, memory_order_relaxed) != 0 ||
        !run_next(cursor, seq, cursor->run_to, out_record))
        return false;
    prefetch_ahead(out_record, cursor->run_to);
    wanted = kind_is_wanted(cursor, out_record->kind);
    if (!wanted || !cursor->holds)
        atomic_store_explicit(&cursor->position, seq + 1, memory_order_relaxed);
    if (!wanted)
        return false; /* A manifest is passed over. */
    cursor->given++;
    return true;
}

int flume_cursor_next(flume_cursor *cursor, uint64_t timeout_ns, flume_record *out_record)
{
    uint64_t end = 0;
    uint64_t until_ns = 0;
    int status = cursor == NULL ? FLUME_ERR_INVALID : log_guard(cursor->log);

    if (status != FLUME_OK)
        return status;
    if (plain_next(cursor, out_record))
        return FLUME_OK;
    if (cursor->limit != 0 && cursor->given >= cursor->limit)
        return FLUME_END;
    for (;;) {
        bool matches;

        if (atomic_load_explicit(&cursor->cancelled, memory_order_relaxed) != 0)
            return FLUME_ERR_CANCELLED;
        status = reach(cursor, time_left(cursor, timeout_ns, &until_ns), &end);
        if (status == FLUME_ERR_TIMEOUT)
            notify_clear(cursor);
        if (status != FLUME_OK)
            return status;
        if (is_choosy(cursor)) {
            uint64_t position = atomic_load(&cursor->position);
            uint64_t next = skip_strata(cursor, position);

            if (next != position) {
                atomic_store(&cursor->position, next);
                continue;
            }
        }
        status = step(cursor, end, out_record, &matches);
        if (status != FLUME_OK)
            return status;
        if (matches) {
            cursor->given++;
            return FLUME_OK;
        }
    }
}
