/*
 * read_many.c - reading records that lie apart: the cache misses of a whole group pass at once.
 *
 * A get waits for memory three times: for the slot, the grain's header, its body. Here each of them
 * is asked for in all records of a group before the first one is waited for. What is looked at on
 * the way proves nothing: read_record() looks once more, and verifies.
 */
#include <assert.h>

#include "read.h"
#include "wait.h"

enum {
    GROUP_RECORDS = 16, /* 8 and 32 are as good, within noise; 16 do not crowd each other out. */
    CACHE_LINE_BYTES = 64,
    FIRST_LINES_BYTES = 192,  /* Asked for with the header. */
    BODY_BYTES_MAX = 16 << 10 /* Behind that the processor has found out by itself. */
};

/* Where one record of the group is probably to be found. */
struct guess {
    struct strata *strata; /* NULL: not known. */
    uint64_t ordinal;
    uint64_t offset; /* 0: not known. */
};

static void ask_for(const uint8_t *from, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += CACHE_LINE_BYTES)
        __builtin_prefetch(from + at, 0, 3);
}

static void ask_for_slot(const struct table *table, uint64_t seq, uint64_t head,
                         struct guess *out_guess)
{
    size_t index = table->count > 0 && seq < head ? table_find(table, seq) : SIZE_MAX;
    struct strata *strata = index != SIZE_MAX ? table->rows[index].strata : NULL;
    const _Atomic uint32_t *slots;

    *out_guess = (struct guess){NULL, 0, 0};
    /* A strata that was not used yet is opened by read_record(), which also sees to it that a
     * mapping stays. */
    if (strata == NULL || atomic_load_explicit(&strata->use, memory_order_relaxed) != STRATA_GOT ||
        atomic_load_explicit(&strata->slots_state, memory_order_acquire) == SLOTS_UNKNOWN)
        return;
    out_guess->strata = strata;
    out_guess->ordinal = seq - strata->first_seq;
    slots = atomic_load_explicit(&strata->slots, memory_order_acquire);
    if (slots != NULL &&
        out_guess->ordinal < atomic_load_explicit(&strata->slot_count, memory_order_relaxed))
        __builtin_prefetch((const void *)&slots[out_guess->ordinal], 0, 3);
}

static void ask_for_header(struct guess *guess)
{
    if (guess->strata == NULL)
        return;
    guess->offset = strata_slot(guess->strata, guess->ordinal);
    if (guess->offset != 0)
        ask_for(guess->strata->data + guess->offset, FIRST_LINES_BYTES);
}

static void ask_for_body(const struct guess *guess)
{
    const uint8_t *source;
    uint64_t bytes;

    if (guess->offset == 0 || guess->offset + GRAIN_HEADER_BYTES > guess->strata->limit)
        return;
    source = guess->strata->data + guess->offset;
    bytes = GRAIN_HEADER_BYTES + (uint64_t)get_le16(source + GRAIN_META_BYTES_AT) +
            get_le32(source + GRAIN_BODY_BYTES_AT);
    if (bytes > BODY_BYTES_MAX)
        bytes = BODY_BYTES_MAX;
    if (bytes > FIRST_LINES_BYTES)
        ask_for(source + FIRST_LINES_BYTES, bytes - FIRST_LINES_BYTES);
}

static void ask_for_group(flume_log *log, const uint64_t *seqs, size_t count, uint64_t head)
{
    struct guess guesses[GROUP_RECORDS];
    int status;
    const struct table *table = table_current(log, &status);

    assert(count <= GROUP_RECORDS);
    if (table == NULL)
        return; /* read_record() says why. */
    for (size_t i = 0; i < count; i++)
        ask_for_slot(table, seqs[i], head, &guesses[i]);
    for (size_t i = 0; i < count; i++)
        ask_for_header(&guesses[i]);
    for (size_t i = 0; i < count; i++)
        ask_for_body(&guesses[i]);
}

int flume_log_get_many(flume_log *log, const uint64_t *seqs, size_t seq_count,
                       flume_record *out_records, size_t *out_count)
{
    int status = log_guard(log);
    size_t done = 0;

    if (status != FLUME_OK)
        return status;
    if (out_count == NULL || (seq_count > 0 && (seqs == NULL || out_records == NULL)))
        return log_fail(log, FLUME_ERR_INVALID, 0, FLUME_SEQ_NONE,
                        "the seqs, the records or their count are NULL");
    while (done < seq_count && status == FLUME_OK) {
        size_t group = seq_count - done < GROUP_RECORDS ? seq_count - done : GROUP_RECORDS;
        size_t end = done + group;

        ask_for_group(log, seqs + done, group, head_seen(log));
        while (done < end && status == FLUME_OK) {
            status = flume_log_get(log, seqs[done], &out_records[done]);
            done += status == FLUME_OK ? 1 : 0;
        }
    }
    *out_count = done;
    return status;
}
