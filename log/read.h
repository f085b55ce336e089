/*
 * read.h - finding a record by its seq, verified.
 */
#ifndef FLUME_READ_H
#define FLUME_READ_H

#include "flume/codec.h"
#include "strata.h"

/*
 * Read the record at seq, which must be below `head`. Of a raw strata it is borrowed (hold is
 * NULL): it points into a mapping that lasts until the log is closed. Of a sealed one it holds its
 * block.
 */
int read_record(flume_log *log, uint64_t seq, uint64_t head, flume_record *out_record);

/* What a reader that goes on from record to record keeps: the mapping of the raw strata that it is
 * in, so that nothing need be said of the records that it passes by. */
struct lent {
    struct mapping *mapping; /* NULL: none. */
    struct strata *strata;   /* Whose it is. */
};

/* As read_record(); but a record of a raw strata is valid only as long as `lent` is not used
 * again. */
int read_lent(flume_log *log, struct lent *lent, uint64_t seq, uint64_t head,
              flume_record *out_record);

/* Give back what was lent. */
void lent_return(struct lent *lent);

/* The codec stands first in meta, if it is there at all. */
static inline uint16_t record_codec(const uint8_t *meta, size_t meta_bytes)
{
    if (meta_bytes < 4 || meta[0] != GRAIN_META_CODEC || meta[1] != sizeof(uint16_t))
        return FLUME_CODEC_RAW;
    return get_le16(meta + 2);
}

/* A record of a grain that was decoded at an offset of the raw form, borrowed from `place`. */
static inline void record_fill(uint64_t strata_seq, const uint8_t *source,
                               const struct grain *grain, uint64_t offset, struct held *place,
                               flume_record *out_record)
{
    out_record->seq = strata_seq + grain->ordinal;
    out_record->time_ns = grain->time_ns;
    out_record->body = grain_body(source, grain);
    out_record->body_bytes = grain->body_bytes;
    out_record->writer_seq = grain->writer == GRAIN_WRITER_NONE ? FLUME_SEQ_NONE
                                                                : strata_seq + grain->writer;
    out_record->check = grain->check;
    out_record->meta = grain_meta(source, grain, &out_record->meta_bytes);
    out_record->codec = record_codec(out_record->meta, out_record->meta_bytes);
    out_record->kind = grain->kind;
    out_record->flags = grain->flags;
    out_record->strata_seq = strata_seq;
    out_record->offset = offset;
    out_record->place = place;
    out_record->hold = NULL;
}

#endif
