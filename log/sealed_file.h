/*
 * sealed_file.h - the pieces of a sealed strata file: blocks, sections, footer page.
 *
 * log/FORMAT.md, "Sealed strata", has the bytes. Pure functions over buffers; they allocate
 * nothing.
 *
 * What always holds: what decodes has sizes and offsets within the bounds given here, so that no
 * caller computes with a number that a file made up.
 */
#ifndef FLUME_SEALED_FILE_H
#define FLUME_SEALED_FILE_H

#include "grain.h"
#include "strata_file.h"

enum {
    SEALED_BLOCK_HEADER_BYTES = 32,
    SEALED_FOOTER_SALT_AT =
        48, /* This and the next two: also a page that does not hold may tell. */
    SEALED_FOOTER_BLOCK_BYTES_AT = 116,
    SEALED_FOOTER_SEALED_AT = 120,
    SEALED_BLOCK_ENTRY_BYTES = 32,    /* Of the block index. */
    SEALED_INDEX_HEADER_BYTES = 8,    /* Of the grain index. */
    SEALED_INDEX_BUCKET_RECORDS = 16, /* Aimed at: chooses the fan-out. */
    SEALED_INDEX_FAN_BITS_MAX = 24,
    SEALED_HASH_BYTES = 32,
    SEALED_GROUP_RECORDS = 256, /* Leaves under one stored node of the Merkle tree. */
    SEALED_SECTIONS_MAX = 12,
    SEALED_LABELS_BYTES_MAX = 256 << 10, /* More labels than fit are left out altogether. */
    SEALED_DICTIONARY_BYTES_MAX = 128 << 10,
    SEALED_SIDE_DATA_CELLS_MAX = 128, /* As parity.h has them. */
    SEALED_SIDE_PARITY_CELLS_MAX = 32,
    SEALED_BLOCK_BYTES_MIN = 4 << 10, /* What a block is filled up to: an option. */
    SEALED_BLOCK_BYTES_MAX = 1 << 20,
    SEALED_BLOCK_BYTES_DEFAULT = 16 << 10
};

/* The most that a block may hold raw: one grain of any size, or as many as fill it up. */
#define SEALED_BLOCK_RAW_MAX                                                    \
    (round_up(GRAIN_HEADER_BYTES + FLUME_META_BYTES_MAX + GRAIN_WITNESS_BYTES + \
                  (uint64_t)FLUME_BODY_BYTES_MAX,                               \
              GRAIN_ALIGN) +                                                    \
     SEALED_BLOCK_BYTES_MAX)

enum sealed_codec {
    SEALED_STORED = 0,         /* The grains as they are. */
    SEALED_ZSTD = 1,           /* One zstd frame. */
    SEALED_ZSTD_DICTIONARY = 2 /* One zstd frame, with the strata's dictionary. */
};

/* What stands before a block's stored bytes. */
struct sealed_block {
    uint64_t raw_offset;    /* Of its first grain, in the raw form. */
    uint32_t first_ordinal; /* Of the same. */
    uint32_t count;         /* Grains, at least 1. */
    uint32_t stored_bytes;  /* Behind the header. */
    uint32_t raw_bytes;     /* Once opened; a multiple of 8. */
    enum sealed_codec codec;
};

/* Bytes of a block in the file, header and padding included. */
static inline uint64_t sealed_block_bytes(uint64_t stored_bytes)
{
    return round_up(SEALED_BLOCK_HEADER_BYTES + stored_bytes, GRAIN_ALIGN);
}

/* Write the header before the stored bytes, which already stand behind it, and zero the padding.
 * file_offset: where `target` will lie in the file. */
void sealed_block_encode(uint8_t *target, const struct sealed_block *block, uint64_t salt,
                         uint64_t file_offset);

/* Read and verify a block of which available_bytes are there, header included. false: it is not a
 * block that belongs at this offset, or not whole. The padding is for check to look at. */
bool sealed_block_decode(const uint8_t *source, uint64_t available_bytes, uint64_t salt,
                         uint64_t file_offset, struct sealed_block *out_block);

/*
 * A packed block leaves out of each grain what can be worked out anew: its check and its ordinal
 * are zero in there. (A check is 8 bytes that nothing can compress: a fifth of all there is of
 * small JSON records; an ordinal costs half as much.)
 *
 * @param grains  Whole grains, `bytes` of them in all. Changed.
 * @return false: sizes do not lead from grain to grain up to the end.
 */
bool sealed_grains_strip(uint8_t *grains, uint64_t bytes);

/*
 * Look at what a block has unpacked to; what was left out stays so.
 *
 * @param grains       block->raw_bytes of them.
 * @param out_offsets  block->count of them: where each begins in `grains`.
 * @return false: sizes or ordinals are not as they should be.
 */
bool sealed_grains_find(const struct sealed_block *block, const uint8_t *grains,
                        uint32_t *out_offsets);

/* The same, and put back what was left out; grains are changed. */
bool sealed_grains_take(const struct sealed_block *block, uint64_t salt, uint8_t *grains);

/* The fields of a grain of a packed block, which sealed_grains_find() has found: what was left out
 * of it is worked out. `raw_offset`: where it is in the raw form. */
void sealed_grain_complete(const uint8_t *source, uint32_t ordinal, uint64_t salt,
                           uint64_t raw_offset, struct grain *out_grain);

/* The fields of what may be the header of a block: possible ones, but nothing is verified. For who
 * looks for a block where one may begin. */
bool sealed_block_peek(const uint8_t source[SEALED_BLOCK_HEADER_BYTES],
                       struct sealed_block *out_block);

/* One row of the block index. */
struct sealed_block_entry {
    uint64_t file_offset;
    uint64_t raw_offset;
    uint32_t first_ordinal;
    uint32_t stored_bytes;
    uint64_t least_time_ns, greatest_time_ns; /* Of its records. */
};

void sealed_block_entry_encode(uint8_t target[SEALED_BLOCK_ENTRY_BYTES],
                               const struct sealed_block_entry *entry);
void sealed_block_entry_decode(const uint8_t source[SEALED_BLOCK_ENTRY_BYTES],
                               struct sealed_block_entry *out_entry);

enum sealed_section_id {
    SEALED_SECTION_NONE = 0,
    SEALED_SECTION_BLOCKS = 1,     /* The block index. */
    SEALED_SECTION_GRAINS = 2,     /* The grain index. */
    SEALED_SECTION_LABELS = 3,     /* Absent: there are more than fit. */
    SEALED_SECTION_MERKLE = 4,     /* Nodes over 256 leaves each. */
    SEALED_SECTION_DICTIONARY = 5, /* Absent: none. */
    SEALED_SECTION_PARITY = 6, /* Absent: none, or in a file of its own. Has checks of its own. */
    SEALED_SECTION_DICTIONARY_COPY = 8, /* With a dictionary. The header page says where, too. */
    SEALED_SECTION_LOST = 7 /* Absent: every record is what it was when the strata was sealed. */
};

struct sealed_section {
    uint32_t id;
    uint64_t offset, bytes;
    uint64_t check; /* XXH3 of its bytes, seeded with salt + offset; 0 for parity. */
};

struct sealed_footer {
    uint8_t strata_id[16], basin_id[16];
    uint64_t salt;
    uint64_t first_seq;
    uint64_t count;
    uint64_t raw_end; /* Where the last grain ended in the raw form. */
    uint64_t file_bytes;
    uint64_t least_time_ns, greatest_time_ns; /* Of its records. */
    uint64_t running_time_ns;                 /* The running maximum at its end. */
    uint32_t block_count, block_bytes;        /* block_bytes: what blocks were filled up to. */
    uint64_t sealed_ns;                       /* When, since 1970 UTC. */
    uint16_t side_data_cells,
        side_parity_cells;                   /* Of the parity file beside it. 0: there is none. */
    uint8_t root[SEALED_HASH_BYTES];         /* Merkle tree of its records. */
    uint8_t chain_before[SEALED_HASH_BYTES]; /* Of the strata before it; zeros: the first. */
    uint8_t chain[SEALED_HASH_BYTES];
    struct sealed_section sections[SEALED_SECTIONS_MAX]; /* Those with an id, first. */
    uint32_t section_count;
    uint32_t kind_counts[STRATA_KINDS];
    uint64_t last_of_kind[STRATA_KINDS]; /* At its end; FLUME_SEQ_NONE: none up to there. */
};

void sealed_footer_encode(uint8_t target[STRATA_PAGE_BYTES], const struct sealed_footer *footer);

/* FLUME_OK; FLUME_ERR_DAMAGED (magic, check, sizes that cannot be); FLUME_ERR_VERSION. Sections lie
 * behind the header page and before the footer page, in rising order, without overlap. */
int sealed_footer_decode(const uint8_t source[STRATA_PAGE_BYTES], struct sealed_footer *out_footer);

/* The section of an id; NULL: there is none. */
const struct sealed_section *sealed_section_find(const struct sealed_footer *footer, uint32_t id);

/* Say in a header page where the copy of the dictionary is, if there is one. */
void sealed_header_point(struct strata_header *header, const struct sealed_footer *footer);

/* Where blocks end: the first section, or the footer page. */
uint64_t sealed_blocks_end(const struct sealed_footer *footer);

/* How many leading bits of a hash choose its bucket in a grain index of so many entries. */
unsigned sealed_index_fan_bits(uint64_t entry_count);

/* Bytes of a grain index, and where its three arrays begin in it. */
struct sealed_index_shape {
    uint64_t starts_at;   /* (1 << fan_bits) + 1 times u32: the first entry of each bucket. */
    uint64_t prefixes_at; /* 8 bytes each, as the hash begins: memcmp orders them. */
    uint64_t ordinals_at; /* u32 each. */
    uint64_t bytes;
};
void sealed_index_shape(unsigned fan_bits, uint64_t entry_count,
                        struct sealed_index_shape *out_shape);

/* The header of a grain index: fan-out bits and entries. false: not within `bytes`. */
void sealed_index_header_encode(uint8_t target[SEALED_INDEX_HEADER_BYTES], unsigned fan_bits,
                                uint32_t entry_count);
bool sealed_index_header_decode(const uint8_t *source, uint64_t bytes, unsigned *out_fan_bits,
                                uint32_t *out_entry_count);

#endif
