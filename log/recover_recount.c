/*
 * recover_recount.c - what the records that recovery keeps amount to: the last of each kind, and
 * the running time.
 *
 * From the first strata walked on, whose header tells of all before it. Of a sealed strata its
 * footer page says both; only where that does not read are its records looked at.
 *
 * What always holds:
 *   - Grains are counted that the walk has verified, and no others: their headers are merely read.
 *   - Slots and a footer are written only for the strata that the log ends in, and only if recovery
 *     may change something.
 */
#include "recover_inside.h"
#include "rescue.h"
#include "sealed.h"

/* The grains that the log keeps of a strata: where each lies, its kind and time. They were verified
 * by the walk, so their headers are merely read. */
static void recount_strata(struct recovery *recovery, const struct walk *walk, uint64_t count,
                           uint32_t *slots, struct strata_footer *footer)
{
    const struct strata *strata = walk->strata;
    uint64_t offset = STRATA_DATA_AT;

    for (uint64_t ordinal = 0; ordinal < count; ordinal++) {
        const uint8_t *source = strata->data + offset;
        uint64_t time_ns = get_le64(source + GRAIN_TIME_AT);

        recovery->last_of_kind[source[GRAIN_KIND_AT]] = strata->first_seq + ordinal;
        if (time_ns > recovery->running_time_ns)
            recovery->running_time_ns = time_ns;
        if (time_ns < footer->least_time_ns)
            footer->least_time_ns = time_ns;
        if (slots != NULL)
            slots[ordinal] = htole32((uint32_t)(offset / GRAIN_ALIGN));
        offset += grain_bytes(get_le16(source + GRAIN_META_BYTES_AT),
                              get_le32(source + GRAIN_BODY_BYTES_AT));
    }
    footer->end_offset = offset;
    if (slots != NULL)
        slots[count] = htole32((uint32_t)(offset / GRAIN_ALIGN));
}

static void take_header(struct recovery *recovery, const uint8_t *page)
{
    struct strata_header header;

    if (strata_header_decode(page, &header) != FLUME_OK)
        return;
    memcpy(recovery->last_of_kind, header.last_of_kind, sizeof header.last_of_kind);
    if (header.running_time_ns > recovery->running_time_ns)
        recovery->running_time_ns = header.running_time_ns;
}

/* Of a sealed strata whose footer page does not read: its header page, then every record that
 * does. */
static int recount_blocks(struct recovery *recovery, struct strata *strata, uint64_t count)
{
    uint8_t page[STRATA_PAGE_BYTES];
    uint64_t ordinal = 0;
    int status = sealed_read(recovery->log, strata, page, sizeof page, 0);

    if (status == FLUME_OK)
        take_header(recovery, page);
    while (ordinal < count) {
        struct block *block;

        status = sealed_block_of(recovery->log, strata, ordinal, CACHE_PASSING, &block);
        if (status == FLUME_ERR_DAMAGED) {
            ordinal++;
            continue;
        }
        if (status != FLUME_OK)
            return status;
        for (; block_has(block, strata->first_seq + ordinal); ordinal++) {
            flume_record record;

            block_record(block, strata->first_seq + ordinal, &record);
            recovery->last_of_kind[record.kind] = record.seq;
            if (record.time_ns > recovery->running_time_ns)
                recovery->running_time_ns = record.time_ns;
        }
        let_go(&block->item.held);
    }
    return FLUME_OK;
}

/* Kinds and times of a sealed strata stand in its footer page, those before it too. */
static int recount_sealed(struct recovery *recovery, const struct walk *walk)
{
    struct sealed_footer footer;
    int status = sealed_footer_read(recovery->log, walk->strata, &footer);

    if (status == FLUME_ERR_DAMAGED)
        return recount_blocks(recovery, walk->strata, walk->count);
    if (status != FLUME_OK)
        return status;
    memcpy(recovery->last_of_kind, footer.last_of_kind, sizeof footer.last_of_kind);
    if (footer.running_time_ns > recovery->running_time_ns)
        recovery->running_time_ns = footer.running_time_ns;
    return FLUME_OK;
}

/* The log ends in this strata and nothing will be appended to it: it gets slots and a footer. */
static void recount_last(struct recovery *recovery, const struct walk *walk, uint64_t count)
{
    flume_log *log = recovery->log;
    struct strata_footer footer = {
        .first_seq = walk->strata->first_seq, .count = count, .least_time_ns = UINT64_MAX};
    uint32_t *slots = NULL;

    if (recovery->mode == RECOVER_CHANGING)
        slots = memory_allocate(&log->allocator, (size_t)(count + 1) * sizeof *slots);
    recount_strata(recovery, walk, count, slots, &footer);
    if (slots != NULL) {
        memcpy(footer.strata_id, walk->strata->strata_id, sizeof footer.strata_id);
        footer.running_time_ns = recovery->running_time_ns;
        rescue_write_slots(log, walk->strata, slots, &footer);
    }
    memory_release(&log->allocator, slots);
}

/* Kinds and times: the first walked strata's header, then every grain that is kept. */
int recovery_recount(struct recovery *recovery, const struct decision *decision)
{
    size_t count = recovery->table->count - recovery->start;
    int status = FLUME_OK;

    for (size_t i = 0; i < STRATA_KINDS; i++)
        recovery->last_of_kind[i] = FLUME_SEQ_NONE;
    for (size_t i = 0; i < count && i <= decision->last && status == FLUME_OK; i++) {
        const struct walk *walk = &recovery->walks[i];
        struct strata_footer ignored = {.least_time_ns = UINT64_MAX};
        uint64_t kept = walk->count;

        if (atomic_load(&walk->strata->state) != STRATA_OPEN)
            continue;
        if (walk->strata->form == STRATA_SEALED) {
            status = recount_sealed(recovery, walk);
            continue;
        }
        take_header(recovery, walk->strata->data);
        if (decision->head - walk->strata->first_seq < kept)
            kept = decision->head - walk->strata->first_seq;
        if (decision->head <= walk->strata->first_seq)
            break;
        if (i == decision->last && !decision->damaged)
            recount_last(recovery, walk, kept);
        else
            recount_strata(recovery, walk, kept, NULL, &ignored);
    }
    return status;
}
