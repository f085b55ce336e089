/*
 * recover_walk.c - the first pass of recovery: how far each strata reads.
 *
 * From the strata that holds what is known durable to the newest, grain by grain. On the way the
 * greatest `durable` is gathered that any sound byte tells: headers, witnesses, and the name of a
 * sealed strata, which it got only when all of it was durable.
 *
 * What always holds:
 *   - Nothing is decided and nothing is changed here.
 *   - A walk's counts are of grains whose check holds, or of a sealed strata.
 *   - `known` only rises, and of a copy stays 0.
 */
#include "recover_inside.h"
#include "rescue.h"
#include "scan.h"
#include "sealed.h"

/* Where to start: the strata that holds the last seq known durable. */
static int find_start(struct recovery *recovery)
{
    const struct table *table = recovery->table;
    size_t newest = table->count;
    size_t index;

    while (newest > 0) {
        struct strata *strata = table->rows[newest - 1].strata;
        int status = strata_open(recovery->log, strata);

        if (status == FLUME_ERR_VERSION || (status < 0 && status != FLUME_ERR_DAMAGED))
            return status;
        newest--;
        if (status == FLUME_OK) {
            recovery_take_known(recovery, strata->durable);
            break;
        }
    }
    if (recovery->is_copy) {
        recovery->start = 0;
        return FLUME_OK;
    }
    index = table_find(table, recovery->known);
    recovery->start = index == SIZE_MAX ? 0 : index;
    if (recovery->start > newest)
        recovery->start = newest; /* From one whose header reads: it has the kinds. */
    return FLUME_OK;
}

static void take_grain(struct recovery *recovery, const struct grain *grain)
{
    if ((grain->flags & FLUME_RECORD_WITNESS) != 0)
        recovery_take_known(recovery, grain->witness);
}

/* Behind a bad grain: what else is there, and what does it tell? */
static void walk_beyond(struct recovery *recovery, struct walk *walk, uint64_t ordinal_max)
{
    const struct strata *strata = walk->strata;
    struct scan_source source = {strata->data, strata->limit, strata->salt};
    struct scan_budget budget = scan_budget_for(strata->data_bytes);
    uint64_t offset = walk->bad_offset + GRAIN_ALIGN;
    uint64_t ordinal = walk->count;
    struct grain grain;

    while (scan_resync(&source, offset, (uint32_t)ordinal, (uint32_t)ordinal_max, &budget, &offset,
                       &grain)) {
        take_grain(recovery, &grain);
        ordinal = (uint64_t)grain.ordinal + 1;
        if ((grain.flags & FLUME_RECORD_BATCH) == 0)
            walk->beyond = ordinal; /* A batch whose end is missing does not count. */
        offset += grain_bytes(grain.meta_bytes, grain.body_bytes);
    }
}

/* A sealed strata was durable as a whole before it got its name: there is nothing to walk. */
static void walk_sealed(struct recovery *recovery, struct walk *walk)
{
    const struct strata *strata = walk->strata;

    walk->count = strata->sealed->count;
    if (walk->count == 0) /* Its footer page does not read. */
        walk->count = walk->expected != UINT64_MAX ? walk->expected
                                                   : strata->durable - strata->first_seq;
    walk->whole_count = walk->count;
    walk->end_offset = walk->bad_offset = strata->sealed->raw_end;
    recovery_take_known(recovery, strata->first_seq + walk->count);
}

static void walk_strata(struct recovery *recovery, struct walk *walk)
{
    const struct strata *strata = walk->strata;
    uint64_t ordinal_max = strata_slot_count(strata->file_bytes);
    uint64_t offset = STRATA_DATA_AT;
    struct grain grain;

    if (walk->expected < ordinal_max)
        ordinal_max = walk->expected;
    walk->end_offset = offset;
    while (walk->count < ordinal_max && offset < strata->limit &&
           grain_decode(strata->data + offset, strata->limit - offset, (uint32_t)walk->count,
                        strata->salt, offset, &grain)) {
        take_grain(recovery, &grain);
        walk->has_meta |= grain.meta_bytes > (grain.witness != 0 ? GRAIN_WITNESS_BYTES : 0);
        offset += grain_bytes(grain.meta_bytes, grain.body_bytes);
        walk->count++;
        if ((grain.flags & FLUME_RECORD_BATCH) == 0) {
            walk->whole_count = walk->count;
            walk->end_offset = offset;
        }
    }
    walk->bad_offset = offset;
    if (walk->count == walk->expected)
        return;
    walk->has_more = walk->used > offset;
    if (walk->has_more)
        walk_beyond(recovery, walk, ordinal_max);
}

static int walk_all(struct recovery *recovery)
{
    const struct table *table = recovery->table;
    size_t count = table->count - recovery->start;

    recovery->walks =
        memory_allocate_zeroed(&recovery->log->allocator, count, sizeof *recovery->walks);
    if (recovery->walks == NULL)
        return log_fail(recovery->log, FLUME_ERR_NO_MEMORY, 0, FLUME_SEQ_NONE,
                        "no memory to recover %s", recovery->log->path);
    for (size_t i = 0; i < count; i++) {
        struct walk *walk = &recovery->walks[i];
        size_t index = recovery->start + i;
        int status;

        walk->strata = table->rows[index].strata;
        walk->expected = index + 1 < table->count
                             ? table->rows[index + 1].first_seq - table->rows[index].first_seq
                             : UINT64_MAX;
        status = strata_open(recovery->log, walk->strata);
        if (status != FLUME_OK && status != FLUME_ERR_DAMAGED)
            return status;
        if (status != FLUME_OK) {
            walk->has_more = true;
            continue;
        }
        status = rescue_probe(recovery->log, walk->strata, &walk->used);
        if (status != FLUME_OK)
            return status;
        recovery_take_known(recovery, walk->strata->durable);
        if (walk->strata->form == STRATA_SEALED)
            walk_sealed(recovery, walk);
        else
            walk_strata(recovery, walk);
    }
    return FLUME_OK;
}

/* Grains that read, and are not known durable, may lack what they need of the second log. */
static int doubt_all(struct recovery *recovery)
{
    int status = FLUME_OK;

    for (size_t i = 0; i < recovery->table->count - recovery->start && status == FLUME_OK; i++) {
        struct walk *walk = &recovery->walks[i];
        struct companion_reach reach = {.count = walk->count};

        if (atomic_load(&walk->strata->state) != STRATA_OPEN ||
            walk->strata->form == STRATA_SEALED || !walk->has_meta ||
            walk->strata->first_seq + walk->count <= recovery->known)
            continue;
        status = companion_doubt(&recovery->companion, walk->strata, recovery->known, &reach,
                                 &walk->lacks);
        if (status != FLUME_OK || !walk->lacks)
            continue;
        walk->count = reach.count;
        walk->whole_count = reach.whole_count;
        walk->end_offset = reach.end_offset;
        walk->has_more = true;
        break; /* The log ends here. */
    }
    return status;
}

int recovery_walk(struct recovery *recovery)
{
    int status = find_start(recovery);

    if (status == FLUME_OK)
        status = walk_all(recovery);
    if (status == FLUME_OK)
        status = doubt_all(recovery);
    return status;
}
