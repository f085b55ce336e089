/*
 * writer.h - how bytes get into the active strata: a moving window of a mapping, or pwrite.
 *
 * Everything here expects the append mutex. Nothing here publishes: bytes behind the end are
 * nobody's until HEAD's head moves.
 */
#ifndef FLUME_WRITER_H
#define FLUME_WRITER_H

#include "item.h"
#include "strata.h"

/* Set the writer up for HEAD's active strata, if it is not. */
int writer_set_up_locked(flume_log *log);

/* Where in an active strata of this size to make the next one: early in a log that has grown, so
 * that it is ready in time; late in a small one, which may never need it. */
uint64_t writer_prepare_from(uint64_t file_bytes);

/* Forget the active strata: windows, slots. Its files stay open for the syncer. */
void writer_tear_down(flume_log *log);

/* Where the next grain goes: the slot behind the last published one. 0: the slot is not sound. */
static inline uint64_t writer_end_locked(flume_log *log, uint64_t head)
{
    uint64_t ordinal = head - log->writer.strata->first_seq;
    uint64_t offset;

    if (ordinal >= log->writer.slots_bytes / sizeof(uint32_t))
        return 0;
    offset =
        (uint64_t)le32toh(atomic_load_explicit(&log->writer.slots[ordinal], memory_order_relaxed)) *
        GRAIN_ALIGN;
    return offset >= STRATA_DATA_AT && offset <= log->writer.strata->limit ? offset : 0;
}

/*
 * Write one grain, and the slot behind it.
 *
 * @param witness  `durable` to tell, or 0: not a witness.
 * @param out_end  Receives the offset behind it.
 */
int writer_put_locked(flume_log *log, const struct item *item, uint64_t offset, uint32_t ordinal,
                      uint32_t writer_ordinal, uint64_t witness, uint64_t *out_end);

/* Whether the writable window holds these bytes of the active strata; never without a mapping. */
static inline bool writer_holds_locked(const flume_log *log, uint64_t offset, uint64_t end)
{
    return offset >= log->writer.window.from && end <= log->writer.window.to;
}

/* The same where the window holds all of the grain, whose end is known, and it is no witness. */
void writer_put_whole_locked(flume_log *log, const struct item *item, uint64_t offset,
                             uint32_t ordinal, uint32_t writer_ordinal, uint64_t end);

/* Pwrite mode: write what is still in the scratch buffer. */
int writer_flush_locked(flume_log *log);

/* Encode header (and witness) of a grain into `target`; returns the bytes used (32 or 40). */
size_t writer_header(const struct item *item, uint64_t salt, uint64_t offset, uint32_t ordinal,
                     uint32_t writer_ordinal, uint64_t witness, uint8_t target[40]);

#endif
