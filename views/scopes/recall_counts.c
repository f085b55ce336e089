/*
 * recall_counts.c - how often computations were recalled, over all recorders of a basin
 * (flume/recall.h).
 *
 * The counts stand in the log, as a value at an address of their own, to which each recorder adds
 * when it is flushed and closed: so they are those of all processes, past ones too, and of any
 * earlier time.
 *
 * What always holds:
 *   - What a recorder has added it does not add again; what could not be added is added the next
 *     time.
 */
#include <string.h>

#include "little.h"
#include "recorder_inside.h"
#include "stored.h"

static void make_address(uint8_t out_address[FLUME_ADDRESS_BYTES])
{
    static const uint8_t nothing[FLUME_HASH_BYTES] = {0};

    (void)address_make(ADDRESS_OF_COUNTS, NULL, nothing, out_address); /* The space is sound. */
}

static flume_recall_counts decode(const uint8_t bytes[STORED_COUNTS_BYTES])
{
    return (flume_recall_counts){.hits = little_get64(bytes),
                                 .misses = little_get64(bytes + 8),
                                 .stored = little_get64(bytes + 16),
                                 .races_lost = little_get64(bytes + 24)};
}

static void encode(const flume_recall_counts *counts, uint8_t target[STORED_COUNTS_BYTES])
{
    little_put64(target, counts->hits);
    little_put64(target + 8, counts->misses);
    little_put64(target + 16, counts->stored);
    little_put64(target + 24, counts->races_lost);
}

/* What is written; all zero where nothing is. */
static int read_counts(flume *handle, const flume_ask *ask, flume_recall_counts *out_counts)
{
    uint8_t address[FLUME_ADDRESS_BYTES];
    flume_recall_counts counts = {0};
    struct address_row row;
    flume_stored stored;
    int status;

    make_address(address);
    status = address_find(handle, ask, address, &row);
    if (status == FLUME_ERR_NOT_FOUND) {
        *out_counts = counts;
        return FLUME_OK;
    }
    if (status == FLUME_OK)
        status = stored_open(handle, &row, address, &stored);
    if (status != FLUME_OK)
        return status;
    if (stored.data != NULL && stored.bytes == STORED_COUNTS_BYTES)
        counts = decode(stored.data);
    else
        status = flume_fail(handle, FLUME_ERR_DAMAGED, stored.seq,
                            "the counts at %llu are not what counts are",
                            (unsigned long long)stored.seq);
    flume_stored_release(&stored);
    if (status == FLUME_OK)
        *out_counts = counts;
    return status;
}

int flume_recall_count_all(flume *handle, const flume_ask *ask, flume_recall_counts *out_counts)
{
    if (handle == NULL || out_counts == NULL)
        return FLUME_ERR_INVALID;
    return read_counts(handle, ask, out_counts);
}

/* ---- adding ---- */

static flume_recall_counts since(const flume_recorder *recorder)
{
    const flume_recall_counts *now = &recorder->recalls, *told = &recorder->recalls_told;

    return (flume_recall_counts){.hits = now->hits - told->hits,
                                 .misses = now->misses - told->misses,
                                 .stored = now->stored - told->stored,
                                 .races_lost = now->races_lost - told->races_lost};
}

static int append(flume *handle, const flume_recall_counts *counts,
                  const flume_condition *condition)
{
    struct stored_draft draft = {.stored = {.flags = STORED_COUNTS}};
    uint8_t bytes[STORED_COUNTS_BYTES];
    int status;

    make_address(draft.stored.address);
    encode(counts, bytes);
    status = stored_draft_make(&draft, handle, bytes, sizeof bytes);
    if (status == FLUME_OK)
        status = stored_draft_append(&draft, handle, condition, NULL);
    stored_draft_deinit(&draft);
    return status;
}

/* Inside of the lane. FLUME_ERR_CONFLICT: somebody appended by himself; look again. */
static int add(flume_recorder *recorder, const flume_recall_counts *more)
{
    flume *handle = recorder->handle;
    flume_condition condition = {.check = FLUME_IF_LAST, .kind = FLUME_KIND_VALUE};
    flume_ask ask = recorder->options.ask;
    flume_recall_counts counts = {0};
    int status = flume_log_last(handle->log, FLUME_KIND_VALUE, &condition.last);

    if (status != FLUME_OK)
        return flume_fail_log(handle, status);
    if (condition.last != FLUME_SEQ_NONE) {
        ask.flags = FLUME_ASK_AS_OF; /* Records of other kinds need not be waited for. */
        ask.as_of = condition.last + 1;
        status = read_counts(handle, &ask, &counts);
    }
    if (status != FLUME_OK)
        return status;
    counts.hits += more->hits;
    counts.misses += more->misses;
    counts.stored += more->stored;
    counts.races_lost += more->races_lost;
    return append(handle, &counts, &condition);
}

int recall_counts_flush(flume_recorder *recorder)
{
    flume_recall_counts more = since(recorder);
    int status;

    if (more.hits + more.misses + more.stored + more.races_lost == 0)
        return FLUME_OK;
    status = stored_lane_enter(recorder->handle);
    if (status != FLUME_OK)
        return status;
    do {
        status = add(recorder, &more);
    } while (status == FLUME_ERR_CONFLICT);
    stored_lane_leave(recorder->handle);
    if (status == FLUME_OK)
        recorder->recalls_told = recorder->recalls;
    return status;
}
