/*
 * read.c - finding a record by its seq, verified; and what can be asked of a record.
 */
#include "read.h"

#include <assert.h>
#include <string.h>

#include "sealed.h"
#include "wait.h"

static inline bool try_slot(struct strata *strata, uint64_t ordinal, struct grain *out_grain,
                            uint64_t *out_offset)
{
    uint64_t offset = strata_slot(strata, ordinal);

    *out_offset = offset;
    return offset != 0 && grain_decode(strata->data + offset, strata->limit - offset,
                                       (uint32_t)ordinal, strata->salt, offset, out_grain);
}

static int damaged(flume_log *log, const struct strata *strata, uint64_t seq, uint64_t offset)
{
    if (offset == 0)
        return log_fail(log, FLUME_ERR_DAMAGED, 0, seq,
                        "%s: seq %llu is not to be found in strata %020llu; run 'flume check', "
                        "then 'flume repair'",
                        log->path, (unsigned long long)seq, (unsigned long long)strata->first_seq);
    return log_fail(log, FLUME_ERR_DAMAGED, 0, seq,
                    "%s: seq %llu is damaged (strata %020llu, offset %llu); run 'flume check', "
                    "then 'flume repair'",
                    log->path, (unsigned long long)seq, (unsigned long long)strata->first_seq,
                    (unsigned long long)offset);
}

/* The slots led nowhere: they or the grain are damaged. Rebuilt slots tell which. */
static int find_without_slots(flume_log *log, struct strata *strata, uint64_t count, uint64_t seq,
                              struct grain *out_grain, uint64_t *out_offset)
{
    int status;

    assert(strata->form == STRATA_RAW);
    if (count > UINT32_MAX - 1 || count > strata_slot_count(strata->file_bytes))
        return damaged(log, strata, seq, 0); /* The strata that held it is gone. */
    status = strata_rebuild_slots(log, strata, count);
    if (status != FLUME_OK)
        return status;
    if (!try_slot(strata, seq - strata->first_seq, out_grain, out_offset))
        return damaged(log, strata, seq, *out_offset);
    return FLUME_OK;
}

static int lost(flume_log *log, uint64_t seq)
{
    return log_fail(log, FLUME_ERR_LOST, 0, seq,
                    "%s: seq %llu was damaged, and a repair could not restore it; what was left "
                    "is in lost+found/",
                    log->path, (unsigned long long)seq);
}

static int read_sealed(flume_log *log, struct strata *strata, uint64_t seq, enum cache_end end,
                       flume_record *out_record)
{
    struct block *block;
    flume_record record;
    int status = sealed_block_of(log, strata, seq - strata->first_seq, end, &block);

    if (status != FLUME_OK)
        return status;
    block_record(block, seq, &record);
    if (record.kind == FLUME_KIND_LOST) {
        let_go(&block->item.held);
        return lost(log, seq);
    }
    record.hold = record.place;
    *out_record = record;
    return FLUME_OK;
}

/* Where seq should be. *out_index is SIZE_MAX on error. */
static const struct table *find_strata(flume_log *log, uint64_t seq, size_t *out_index,
                                       int *out_status)
{
    const struct table *table = table_current(log, out_status);

    *out_index = table != NULL ? table_find(table, seq) : SIZE_MAX;
    if (table != NULL && *out_index == SIZE_MAX)
        *out_status = log_fail(log, FLUME_ERR_DAMAGED, 0, seq,
                               "%s: the strata of seq %llu is missing from log/; run 'flume check'",
                               log->path, (unsigned long long)seq);
    return table;
}

/* Read from an open raw strata whose mapping stays; it was that of the row when it was looked up,
 * which may name the sealed one by now. */
static inline int read_raw(flume_log *log, const struct table *table, size_t index,
                           struct strata *strata, uint64_t seq, uint64_t head,
                           flume_record *out_record)
{
    struct grain grain;
    uint64_t offset;
    int status;

    if (atomic_load_explicit(&strata->slots_state, memory_order_acquire) == SLOTS_UNKNOWN) {
        status = strata_settle(log, strata, table_grain_count(table, index, head));
        if (status != FLUME_OK)
            return status;
    }
    strata_prefetch(strata, seq - strata->first_seq);
    if (!try_slot(strata, seq - strata->first_seq, &grain, &offset)) {
        status = find_without_slots(log, strata, table_grain_count(table, index, head), seq, &grain,
                                    &offset);
        if (status != FLUME_OK)
            return status;
    }
    if (grain.kind == FLUME_KIND_LOST)
        return lost(log, seq);
    record_fill(strata->first_seq, strata->data + offset, &grain, offset, &strata->mapping->held,
                out_record);
    return FLUME_OK;
}

int read_record(flume_log *log, uint64_t seq, uint64_t head, flume_record *out_record)
{
    for (;;) {
        size_t index;
        int status;
        const struct table *table = find_strata(log, seq, &index, &status);
        struct strata *strata;

        if (index == SIZE_MAX)
            return status;
        strata = table->rows[index].strata;
        status = strata_open(log, strata);
        if (status != FLUME_OK)
            return status;
        if (strata->form == STRATA_SEALED)
            return read_sealed(log, strata, seq, CACHE_KEEP, out_record);
        if (strata_touch(strata))
            return read_raw(log, table, index, strata, seq, head, out_record);
        /* It was sealed at this moment; the newest table says so. */
    }
}

void lent_return(struct lent *lent)
{
    if (lent->mapping != NULL)
        let_go(&lent->mapping->held);
    lent->mapping = NULL;
}

int read_lent(flume_log *log, struct lent *lent, uint64_t seq, uint64_t head,
              flume_record *out_record)
{
    for (;;) {
        size_t index;
        int status;
        const struct table *table = find_strata(log, seq, &index, &status);
        struct strata *strata;

        if (index == SIZE_MAX)
            return status;
        strata = table->rows[index].strata;
        if (lent->mapping == NULL || strata != lent->strata) {
            status = strata_open(log, strata);
            if (status != FLUME_OK)
                return status;
            lent_return(lent);
            if (strata->form == STRATA_SEALED)
                return read_sealed(log, strata, seq, CACHE_PASSING, out_record);
            lent->mapping = strata_lend(log, strata);
            lent->strata = strata;
        }
        if (lent->mapping != NULL)
            return read_raw(log, table, index, strata, seq, head, out_record);
        /* It was sealed at this moment; the newest table says so. */
    }
}

int flume_log_get(flume_log *log, uint64_t seq, flume_record *out_record)
{
    flume_record record;
    uint64_t head;
    int status = log_guard(log);

    if (status != FLUME_OK)
        return status;
    head = head_seen(log);
    if (seq >= head)
        return log_fail(log, FLUME_ERR_NOT_FOUND, 0, seq, "%s has no seq %llu; its head is %llu",
                        log->path, (unsigned long long)seq, (unsigned long long)head);
    /* The mapping that it is got from lasts until close, so a record of a raw strata needs no count
     * of its own: a locked operation here would keep the loads of one get from overlapping those of
     * the next. */
    status = read_record(log, seq, head, &record);
    if (status == FLUME_OK)
        *out_record = record;
    return status;
}

void flume_record_keep(const flume_record *record, flume_record *out_kept)
{
    *out_kept = *record;
    out_kept->hold = record->place;
    if (record->place != NULL)
        hold(record->place);
}

void flume_record_release(flume_record *record)
{
    if (record == NULL || record->hold == NULL)
        return;
    let_go(record->hold);
    record->hold = NULL;
}

bool flume_record_label(const flume_record *record, size_t *io_position, flume_label *out_label)
{
    size_t at = *io_position;

    while (at + 2 <= record->meta_bytes) {
        const uint8_t *item = record->meta + at;
        size_t value_bytes = item[1];

        if (at + 2 + value_bytes > record->meta_bytes)
            break; /* Written by a flume that knows more; what follows is not ours to read. */
        at += 2 + value_bytes;
        if (item[0] != GRAIN_META_LABEL)
            continue;
        *io_position = at;
        *out_label = (flume_label){(const char *)item + 2, value_bytes};
        return true;
    }
    *io_position = record->meta_bytes;
    return false;
}

bool flume_record_has_label(const flume_record *record, const char *label)
{
    size_t position = 0;
    size_t bytes;
    flume_label found;

    if (record->meta_bytes == 0)
        return false;
    bytes = strlen(label);
    while (flume_record_label(record, &position, &found)) {
        if (found.bytes == bytes && memcmp(found.text, label, bytes) == 0)
            return true;
    }
    return false;
}
