/*
 * sealed.h - reading a sealed strata: from an ordinal to the grain in an unpacked block.
 *
 * The file is read with pread, so an error of the medium is an error and no signal. What was read
 * once stays in the handle's cache (cache.h) as long as there is room.
 *
 * What always holds:
 *   - A block that is given out was verified as stored, and each of its grains lies within it and
 *     has the ordinal it should, or none: nobody above verifies again.
 *   - Whatever lengths a file states, no allocation is larger than SEALED_BLOCK_RAW_MAX or the
 *     file.
 *   - Where the block index does not read, the blocks themselves tell where they are; where the
 *     footer page does not, the header page does, and the other way round.
 */
#ifndef FLUME_SEALED_H
#define FLUME_SEALED_H

#include "cache.h"
#include "sealed_file.h"
#include "strata.h"

/* What the cache holds of a strata. */
enum sealed_item {
    SEALED_ITEM_FILE = 1,
    SEALED_ITEM_INDEX = 2,
    SEALED_ITEM_BLOCK = 3, /* By its index. */
    SEALED_ITEM_LABELS = 4,
    SEALED_ITEM_DICTIONARY = 5
};

/* What a handle knows of a sealed strata as long as it knows the strata. */
struct sealed {
    uint64_t number;                          /* Its name in the cache. */
    uint64_t count;                           /* Records; 0: the footer page did not read. */
    uint64_t raw_end;                         /* Where they ended in the raw form. */
    uint64_t blocks_end;                      /* Blocks end here or before. */
    uint64_t least_time_ns, greatest_time_ns; /* Of its records. */
    uint64_t kinds[STRATA_KINDS / 64];        /* A bit for each kind that it has. */
    struct sealed_section index, labels, dictionary,
        dictionary_copy; /* id SEALED_SECTION_NONE: not there. */
};

/* An unpacked block: the grains as they lay in the raw form; but of a packed one as they were
 * packed, without checks and ordinals: who wants one record need not pay for those of all others.
 * Never changes. */
struct block {
    struct cache_item item;
    flume_allocator allocator;
    uint64_t strata_seq; /* First seq of its strata. */
    uint64_t salt;       /* Of the same. */
    uint32_t first_ordinal, count;
    uint64_t raw_offset; /* Of data[0]. */
    bool lacks_checks;   /* It was packed. */
    const uint8_t *data; /* In the same memory. */
    uint32_t offsets[];  /* In data, by ordinal less first_ordinal. */
};

/* Read the footer page of an open strata's file and fill strata->sealed. The header page is
 * decoded, or (header_is_bad) all that the footer tells is taken from there. */
int sealed_open(flume_log *log, struct strata *strata, bool header_is_bad);

/* Free what sealed_open() made; what the cache holds stays until it is dropped there. */
void sealed_close(struct strata *strata);

/* The block with a record, held for the caller (let_go(&block->item.held)). FLUME_ERR_DAMAGED with
 * strata, block, seqs. */
int sealed_block_of(flume_log *log, struct strata *strata, uint64_t ordinal, enum cache_end end,
                    struct block **out_block);

/* Whether a block has a record. */
static inline bool block_has(const struct block *block, uint64_t seq)
{
    return seq - block->strata_seq - block->first_ordinal < block->count;
}

/* A record that the block has: borrowed from the block. */
void block_record(struct block *block, uint64_t seq, flume_record *out_record);

/* A grain that the block has: its header as it was in the raw form, and where its meta begins, with
 * the body behind it, valid as long as the block. */
const uint8_t *block_raw_grain(const struct block *block, uint64_t seq,
                               uint8_t out_header[GRAIN_HEADER_BYTES]);

/* The whole footer page, read anew. */
int sealed_footer_read(flume_log *log, struct strata *strata, struct sealed_footer *out_footer);

/* A section's bytes, verified: in memory of the handle's allocator, owned by the caller. For
 * sections that are not kept in the cache. */
int sealed_section_read(flume_log *log, struct strata *strata, const struct sealed_section *section,
                        uint8_t **out_bytes);

/* Whether any record may carry a label: false only where the labels say that none does. */
bool sealed_may_have_label(flume_log *log, struct strata *strata, const char *label);

/* Bytes of a strata's file into a buffer: whole, or an error with detail. */
int sealed_read(flume_log *log, struct strata *strata, void *target, size_t bytes, uint64_t offset);

/* Give back what the handle keeps for unpacking. At close. */
void sealed_stop(flume_log *log);

#endif
