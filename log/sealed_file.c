/*
 * sealed_file.c - the pieces of a sealed strata file: blocks, sections, footer page.
 */
#include "sealed_file.h"

#include <assert.h>

#include "flume/version.h"

enum {
    BLOCK_CHECK_AT = 0,
    BLOCK_RAW_OFFSET_AT = 8, /* In units of 8 bytes. */
    BLOCK_FIRST_ORDINAL_AT = 12,
    BLOCK_STORED_BYTES_AT = 16,
    BLOCK_RAW_BYTES_AT = 20,
    BLOCK_COUNT_AT = 24,
    BLOCK_CODEC_AT = 28,
    BLOCK_RESERVED_AT = 29,

    ENTRY_FILE_OFFSET_AT = 0, /* In units of 8 bytes. */
    ENTRY_FIRST_ORDINAL_AT = 4,
    ENTRY_RAW_OFFSET_AT = 8, /* In units of 8 bytes. */
    ENTRY_STORED_BYTES_AT = 12,
    ENTRY_LEAST_TIME_AT = 16,
    ENTRY_GREATEST_TIME_AT = 24,

    INDEX_FAN_BITS_AT = 0,
    INDEX_ENTRY_COUNT_AT = 4,
    INDEX_PREFIX_BYTES = 8,

    FOOTER_MAGIC_AT = 0,
    FOOTER_VERSION_AT = 8,
    FOOTER_SECTION_COUNT_AT = 12,
    FOOTER_STRATA_ID_AT = 16,
    FOOTER_BASIN_ID_AT = 32,
    FOOTER_SALT_AT = SEALED_FOOTER_SALT_AT,
    FOOTER_FIRST_SEQ_AT = 56,
    FOOTER_COUNT_AT = 64,
    FOOTER_RAW_END_AT = 72,
    FOOTER_FILE_BYTES_AT = 80,
    FOOTER_LEAST_TIME_AT = 88,
    FOOTER_GREATEST_TIME_AT = 96,
    FOOTER_RUNNING_TIME_AT = 104,
    FOOTER_BLOCK_COUNT_AT = 112,
    FOOTER_BLOCK_BYTES_AT = SEALED_FOOTER_BLOCK_BYTES_AT,
    FOOTER_SEALED_AT = SEALED_FOOTER_SEALED_AT,
    FOOTER_ROOT_AT = 128,
    FOOTER_CHAIN_BEFORE_AT = 160,
    FOOTER_CHAIN_AT = 192,
    FOOTER_SIDE_DATA_CELLS_AT = 224,
    FOOTER_SIDE_PARITY_CELLS_AT = 226,
    FOOTER_SECTIONS_AT = 256,
    FOOTER_SECTION_BYTES = 32,
    FOOTER_KIND_COUNTS_AT = 640,
    FOOTER_LAST_OF_KIND_AT = 1664,
    FOOTER_CHECK_AT = STRATA_PAGE_BYTES - 8,

    SECTION_ID_AT = 0,
    SECTION_OFFSET_AT = 8,
    SECTION_BYTES_AT = 16,
    SECTION_CHECK_AT = 24
};
static_assert(BLOCK_RESERVED_AT + 3 == SEALED_BLOCK_HEADER_BYTES, "the header has no gap");
static_assert(ENTRY_GREATEST_TIME_AT + 8 == SEALED_BLOCK_ENTRY_BYTES, "the entry has no gap");
static_assert(FOOTER_SECTIONS_AT + SEALED_SECTIONS_MAX * FOOTER_SECTION_BYTES ==
                  FOOTER_KIND_COUNTS_AT,
              "the sections fit");
static_assert(FOOTER_KIND_COUNTS_AT + 4 * STRATA_KINDS == FOOTER_LAST_OF_KIND_AT &&
                  FOOTER_LAST_OF_KIND_AT + 8 * STRATA_KINDS <= FOOTER_CHECK_AT,
              "the footer fits");

static const char footer_magic[8] = {'f', 'l', 'u', 'm', 's', 'e', 'a', 'l'};

/* --- Blocks ----------------------------------------------------------------------------------- */

/* Over the header behind the check, and the stored bytes: they lie side by side. */
static uint64_t block_check(const uint8_t *source, uint64_t stored_bytes, uint64_t salt,
                            uint64_t file_offset)
{
    return hash_bytes(source + BLOCK_RAW_OFFSET_AT,
                      (size_t)(SEALED_BLOCK_HEADER_BYTES - BLOCK_RAW_OFFSET_AT + stored_bytes),
                      salt + file_offset);
}

void sealed_block_encode(uint8_t *target, const struct sealed_block *block, uint64_t salt,
                         uint64_t file_offset)
{
    uint64_t end = SEALED_BLOCK_HEADER_BYTES + (uint64_t)block->stored_bytes;

    assert(block->raw_offset % GRAIN_ALIGN == 0);
    put_le32(target + BLOCK_RAW_OFFSET_AT, (uint32_t)(block->raw_offset / GRAIN_ALIGN));
    put_le32(target + BLOCK_FIRST_ORDINAL_AT, block->first_ordinal);
    put_le32(target + BLOCK_STORED_BYTES_AT, block->stored_bytes);
    put_le32(target + BLOCK_RAW_BYTES_AT, block->raw_bytes);
    put_le32(target + BLOCK_COUNT_AT, block->count);
    memset(target + BLOCK_CODEC_AT, 0, SEALED_BLOCK_HEADER_BYTES - BLOCK_CODEC_AT);
    target[BLOCK_CODEC_AT] = (uint8_t)block->codec;
    put_le64(target + BLOCK_CHECK_AT, block_check(target, block->stored_bytes, salt, file_offset));
    memset(target + end, 0, (size_t)(round_up(end, GRAIN_ALIGN) - end));
}

/* Whether the sizes could be those of a block. */
static bool block_is_plausible(const struct sealed_block *block)
{
    return block->count > 0 && block->raw_bytes % GRAIN_ALIGN == 0 &&
           block->raw_bytes <= SEALED_BLOCK_RAW_MAX &&
           block->raw_bytes / GRAIN_HEADER_BYTES >= block->count &&
           block->raw_offset >= STRATA_DATA_AT &&
           (block->codec == SEALED_STORED
                ? block->stored_bytes == block->raw_bytes
                : block->codec <= SEALED_ZSTD_DICTIONARY && block->stored_bytes < block->raw_bytes);
}

bool sealed_block_peek(const uint8_t source[SEALED_BLOCK_HEADER_BYTES],
                       struct sealed_block *out_block)
{
    struct sealed_block block;

    block.raw_offset = (uint64_t)get_le32(source + BLOCK_RAW_OFFSET_AT) * GRAIN_ALIGN;
    block.first_ordinal = get_le32(source + BLOCK_FIRST_ORDINAL_AT);
    block.stored_bytes = get_le32(source + BLOCK_STORED_BYTES_AT);
    block.raw_bytes = get_le32(source + BLOCK_RAW_BYTES_AT);
    block.count = get_le32(source + BLOCK_COUNT_AT);
    block.codec = (enum sealed_codec)source[BLOCK_CODEC_AT];
    if (!block_is_plausible(&block) || source[BLOCK_RESERVED_AT] != 0 ||
        get_le16(source + BLOCK_RESERVED_AT + 1) != 0)
        return false;
    *out_block = block;
    return true;
}

bool sealed_block_decode(const uint8_t *source, uint64_t available_bytes, uint64_t salt,
                         uint64_t file_offset, struct sealed_block *out_block)
{
    struct sealed_block block;

    if (available_bytes < SEALED_BLOCK_HEADER_BYTES || !sealed_block_peek(source, &block) ||
        sealed_block_bytes(block.stored_bytes) > available_bytes ||
        get_le64(source + BLOCK_CHECK_AT) !=
            block_check(source, block.stored_bytes, salt, file_offset))
        return false;
    *out_block = block;
    return true;
}

/* The fields of a grain that lies within so many bytes; false: it does not. */
static bool grain_fits(const uint8_t *source, uint64_t available_bytes, struct grain *out_grain)
{
    if (available_bytes < GRAIN_HEADER_BYTES)
        return false;
    grain_fields(source, out_grain);
    if (out_grain->body_bytes > FLUME_BODY_BYTES_MAX ||
        grain_bytes(out_grain->meta_bytes, out_grain->body_bytes) > available_bytes)
        return false;
    if ((out_grain->flags & FLUME_RECORD_WITNESS) == 0)
        return true;
    if (out_grain->meta_bytes < GRAIN_WITNESS_BYTES)
        return false;
    out_grain->witness = get_le64(source + GRAIN_HEADER_BYTES);
    return true;
}

bool sealed_grains_strip(uint8_t *grains, uint64_t bytes)
{
    uint64_t at = 0;
    struct grain grain;

    while (at < bytes) {
        if (!grain_fits(grains + at, bytes - at, &grain))
            return false;
        put_le64(grains + at + GRAIN_CHECK_AT, 0);
        put_le32(grains + at + GRAIN_ORDINAL_AT, 0);
        at += grain_bytes(grain.meta_bytes, grain.body_bytes);
    }
    return true;
}

/* The grain i of a block, which begins at `at`: false if it does not fit, or is not what it should
 * be. */
static bool grain_is_right(const struct sealed_block *block, const uint8_t *grains, uint32_t i,
                           uint64_t at, struct grain *out_grain)
{
    if (!grain_fits(grains + at, block->raw_bytes - at, out_grain))
        return false;
    return block->codec == SEALED_STORED ? out_grain->ordinal == block->first_ordinal + i
                                         : out_grain->ordinal == 0 && out_grain->check == 0;
}

bool sealed_grains_find(const struct sealed_block *block, const uint8_t *grains,
                        uint32_t *out_offsets)
{
    uint64_t at = 0;

    for (uint32_t i = 0; i < block->count; i++) {
        struct grain grain;

        if (!grain_is_right(block, grains, i, at, &grain))
            return false;
        out_offsets[i] = (uint32_t)at;
        at += grain_bytes(grain.meta_bytes, grain.body_bytes);
    }
    return at == block->raw_bytes;
}

static uint64_t payload_hash_of(const uint8_t *source, const struct grain *grain)
{
    size_t meta_bytes;
    const uint8_t *meta = grain_meta(source, grain, &meta_bytes);

    return grain_payload_hash(meta, meta_bytes, grain_body(source, grain), grain->body_bytes);
}

bool sealed_grains_take(const struct sealed_block *block, uint64_t salt, uint8_t *grains)
{
    uint64_t at = 0;

    for (uint32_t i = 0; i < block->count; i++) {
        struct grain grain;

        if (!grain_is_right(block, grains, i, at, &grain))
            return false;
        if (block->codec != SEALED_STORED) {
            grain.ordinal = block->first_ordinal + i;
            grain_header_encode(grains + at, &grain, payload_hash_of(grains + at, &grain), salt,
                                block->raw_offset + at);
        }
        at += grain_bytes(grain.meta_bytes, grain.body_bytes);
    }
    return at == block->raw_bytes;
}

void sealed_grain_complete(const uint8_t *source, uint32_t ordinal, uint64_t salt,
                           uint64_t raw_offset, struct grain *out_grain)
{
    struct grain_words words;
    struct grain grain;

    grain_fields(source, &grain);
    if ((grain.flags & FLUME_RECORD_WITNESS) != 0)
        grain.witness = get_le64(source + GRAIN_HEADER_BYTES);
    grain.ordinal = ordinal;
    words = grain_pack(&grain);
    grain.check =
        grain_check(&words, payload_hash_of(source, &grain), grain.witness, salt, raw_offset);
    *out_grain = grain;
}

void sealed_block_entry_encode(uint8_t target[SEALED_BLOCK_ENTRY_BYTES],
                               const struct sealed_block_entry *entry)
{
    put_le32(target + ENTRY_FILE_OFFSET_AT, (uint32_t)(entry->file_offset / GRAIN_ALIGN));
    put_le32(target + ENTRY_FIRST_ORDINAL_AT, entry->first_ordinal);
    put_le32(target + ENTRY_RAW_OFFSET_AT, (uint32_t)(entry->raw_offset / GRAIN_ALIGN));
    put_le32(target + ENTRY_STORED_BYTES_AT, entry->stored_bytes);
    put_le64(target + ENTRY_LEAST_TIME_AT, entry->least_time_ns);
    put_le64(target + ENTRY_GREATEST_TIME_AT, entry->greatest_time_ns);
}

void sealed_block_entry_decode(const uint8_t source[SEALED_BLOCK_ENTRY_BYTES],
                               struct sealed_block_entry *out_entry)
{
    out_entry->file_offset = (uint64_t)get_le32(source + ENTRY_FILE_OFFSET_AT) * GRAIN_ALIGN;
    out_entry->first_ordinal = get_le32(source + ENTRY_FIRST_ORDINAL_AT);
    out_entry->raw_offset = (uint64_t)get_le32(source + ENTRY_RAW_OFFSET_AT) * GRAIN_ALIGN;
    out_entry->stored_bytes = get_le32(source + ENTRY_STORED_BYTES_AT);
    out_entry->least_time_ns = get_le64(source + ENTRY_LEAST_TIME_AT);
    out_entry->greatest_time_ns = get_le64(source + ENTRY_GREATEST_TIME_AT);
}

/* --- Footer page ------------------------------------------------------------------------------ */

static void section_encode(uint8_t *target, const struct sealed_section *section)
{
    put_le32(target + SECTION_ID_AT, section->id);
    put_le64(target + SECTION_OFFSET_AT, section->offset);
    put_le64(target + SECTION_BYTES_AT, section->bytes);
    put_le64(target + SECTION_CHECK_AT, section->check);
}

void sealed_footer_encode(uint8_t target[STRATA_PAGE_BYTES], const struct sealed_footer *footer)
{
    assert(footer->section_count <= SEALED_SECTIONS_MAX);
    memset(target, 0, STRATA_PAGE_BYTES);
    memcpy(target + FOOTER_MAGIC_AT, footer_magic, sizeof footer_magic);
    put_le16(target + FOOTER_VERSION_AT, FLUME_FORMAT_VERSION);
    put_le32(target + FOOTER_SECTION_COUNT_AT, footer->section_count);
    memcpy(target + FOOTER_STRATA_ID_AT, footer->strata_id, sizeof footer->strata_id);
    memcpy(target + FOOTER_BASIN_ID_AT, footer->basin_id, sizeof footer->basin_id);
    put_le64(target + FOOTER_SALT_AT, footer->salt);
    put_le64(target + FOOTER_FIRST_SEQ_AT, footer->first_seq);
    put_le64(target + FOOTER_COUNT_AT, footer->count);
    put_le64(target + FOOTER_RAW_END_AT, footer->raw_end);
    put_le64(target + FOOTER_FILE_BYTES_AT, footer->file_bytes);
    put_le64(target + FOOTER_LEAST_TIME_AT, footer->least_time_ns);
    put_le64(target + FOOTER_GREATEST_TIME_AT, footer->greatest_time_ns);
    put_le64(target + FOOTER_RUNNING_TIME_AT, footer->running_time_ns);
    put_le32(target + FOOTER_BLOCK_COUNT_AT, footer->block_count);
    put_le32(target + FOOTER_BLOCK_BYTES_AT, footer->block_bytes);
    put_le64(target + FOOTER_SEALED_AT, footer->sealed_ns);
    memcpy(target + FOOTER_ROOT_AT, footer->root, SEALED_HASH_BYTES);
    memcpy(target + FOOTER_CHAIN_BEFORE_AT, footer->chain_before, SEALED_HASH_BYTES);
    memcpy(target + FOOTER_CHAIN_AT, footer->chain, SEALED_HASH_BYTES);
    put_le16(target + FOOTER_SIDE_DATA_CELLS_AT, footer->side_data_cells);
    put_le16(target + FOOTER_SIDE_PARITY_CELLS_AT, footer->side_parity_cells);
    for (uint32_t i = 0; i < footer->section_count; i++)
        section_encode(target + FOOTER_SECTIONS_AT + i * FOOTER_SECTION_BYTES,
                       &footer->sections[i]);
    for (size_t i = 0; i < STRATA_KINDS; i++) {
        put_le32(target + FOOTER_KIND_COUNTS_AT + 4 * i, footer->kind_counts[i]);
        put_le64(target + FOOTER_LAST_OF_KIND_AT + 8 * i, footer->last_of_kind[i]);
    }
    put_le64(target + FOOTER_CHECK_AT, hash_bytes(target, FOOTER_CHECK_AT, 0));
}

static void footer_take(const uint8_t *source, struct sealed_footer *out_footer)
{
    memset(out_footer, 0, sizeof *out_footer);
    out_footer->section_count = get_le32(source + FOOTER_SECTION_COUNT_AT);
    memcpy(out_footer->strata_id, source + FOOTER_STRATA_ID_AT, sizeof out_footer->strata_id);
    memcpy(out_footer->basin_id, source + FOOTER_BASIN_ID_AT, sizeof out_footer->basin_id);
    out_footer->salt = get_le64(source + FOOTER_SALT_AT);
    out_footer->first_seq = get_le64(source + FOOTER_FIRST_SEQ_AT);
    out_footer->count = get_le64(source + FOOTER_COUNT_AT);
    out_footer->raw_end = get_le64(source + FOOTER_RAW_END_AT);
    out_footer->file_bytes = get_le64(source + FOOTER_FILE_BYTES_AT);
    out_footer->least_time_ns = get_le64(source + FOOTER_LEAST_TIME_AT);
    out_footer->greatest_time_ns = get_le64(source + FOOTER_GREATEST_TIME_AT);
    out_footer->running_time_ns = get_le64(source + FOOTER_RUNNING_TIME_AT);
    out_footer->block_count = get_le32(source + FOOTER_BLOCK_COUNT_AT);
    out_footer->block_bytes = get_le32(source + FOOTER_BLOCK_BYTES_AT);
    out_footer->sealed_ns = get_le64(source + FOOTER_SEALED_AT);
    memcpy(out_footer->root, source + FOOTER_ROOT_AT, SEALED_HASH_BYTES);
    memcpy(out_footer->chain_before, source + FOOTER_CHAIN_BEFORE_AT, SEALED_HASH_BYTES);
    memcpy(out_footer->chain, source + FOOTER_CHAIN_AT, SEALED_HASH_BYTES);
    out_footer->side_data_cells = get_le16(source + FOOTER_SIDE_DATA_CELLS_AT);
    out_footer->side_parity_cells = get_le16(source + FOOTER_SIDE_PARITY_CELLS_AT);
    for (size_t i = 0; i < STRATA_KINDS; i++) {
        out_footer->kind_counts[i] = get_le32(source + FOOTER_KIND_COUNTS_AT + 4 * i);
        out_footer->last_of_kind[i] = get_le64(source + FOOTER_LAST_OF_KIND_AT + 8 * i);
    }
}

/* Sections follow each other between the header page and the footer page. */
static bool sections_take(const uint8_t *source, struct sealed_footer *footer)
{
    uint64_t limit = footer->file_bytes - STRATA_PAGE_BYTES;
    uint64_t at = STRATA_DATA_AT;

    if (footer->section_count > SEALED_SECTIONS_MAX)
        return false;
    for (uint32_t i = 0; i < footer->section_count; i++) {
        const uint8_t *bytes = source + FOOTER_SECTIONS_AT + i * FOOTER_SECTION_BYTES;
        struct sealed_section section = {
            .id = get_le32(bytes + SECTION_ID_AT),
            .offset = get_le64(bytes + SECTION_OFFSET_AT),
            .bytes = get_le64(bytes + SECTION_BYTES_AT),
            .check = get_le64(bytes + SECTION_CHECK_AT),
        };

        if (section.id == SEALED_SECTION_NONE || section.offset < at || section.offset > limit ||
            section.bytes > limit - section.offset || section.offset % GRAIN_ALIGN != 0)
            return false;
        at = section.offset + section.bytes;
        footer->sections[i] = section;
    }
    return true;
}

/* Both numbers are there, or neither. */
static bool side_is_plausible(const struct sealed_footer *footer)
{
    return (footer->side_data_cells == 0) == (footer->side_parity_cells == 0) &&
           footer->side_data_cells <= SEALED_SIDE_DATA_CELLS_MAX &&
           footer->side_parity_cells <= SEALED_SIDE_PARITY_CELLS_MAX;
}

static bool footer_is_plausible(const struct sealed_footer *footer)
{
    const struct sealed_section *blocks = sealed_section_find(footer, SEALED_SECTION_BLOCKS);
    const struct sealed_section *merkle = sealed_section_find(footer, SEALED_SECTION_MERKLE);

    return footer->count > 0 && footer->count <= UINT32_MAX &&
           footer->raw_end <= STRATA_BYTES_MAX && footer->raw_end >= STRATA_DATA_AT &&
           (footer->raw_end - STRATA_DATA_AT) / GRAIN_HEADER_BYTES >= footer->count &&
           side_is_plausible(footer) && footer->block_count > 0 &&
           footer->block_count <= footer->count && blocks != NULL &&
           blocks->bytes == (uint64_t)footer->block_count * SEALED_BLOCK_ENTRY_BYTES &&
           merkle != NULL &&
           merkle->bytes == (footer->count + SEALED_GROUP_RECORDS - 1) / SEALED_GROUP_RECORDS *
                                SEALED_HASH_BYTES;
}

int sealed_footer_decode(const uint8_t source[STRATA_PAGE_BYTES], struct sealed_footer *out_footer)
{
    if (memcmp(source + FOOTER_MAGIC_AT, footer_magic, sizeof footer_magic) != 0 ||
        get_le64(source + FOOTER_CHECK_AT) != hash_bytes(source, FOOTER_CHECK_AT, 0))
        return FLUME_ERR_DAMAGED;
    if (get_le16(source + FOOTER_VERSION_AT) > FLUME_FORMAT_VERSION)
        return FLUME_ERR_VERSION;
    footer_take(source, out_footer);
    if (out_footer->file_bytes < 3 * STRATA_PAGE_BYTES ||
        out_footer->file_bytes > STRATA_BYTES_MAX ||
        out_footer->file_bytes % STRATA_PAGE_BYTES != 0 || !sections_take(source, out_footer) ||
        !footer_is_plausible(out_footer))
        return FLUME_ERR_DAMAGED;
    return FLUME_OK;
}

const struct sealed_section *sealed_section_find(const struct sealed_footer *footer, uint32_t id)
{
    for (uint32_t i = 0; i < footer->section_count; i++) {
        if (footer->sections[i].id == id)
            return &footer->sections[i];
    }
    return NULL;
}

void sealed_header_point(struct strata_header *header, const struct sealed_footer *footer)
{
    const struct sealed_section *copy = sealed_section_find(footer, SEALED_SECTION_DICTIONARY_COPY);

    header->dictionary_offset = copy != NULL ? copy->offset : 0;
    header->dictionary_bytes = copy != NULL ? copy->bytes : 0;
    header->dictionary_check = copy != NULL ? copy->check : 0;
}

uint64_t sealed_blocks_end(const struct sealed_footer *footer)
{
    assert(footer->section_count > 0); /* At least that which tells of the blocks. */
    return footer->sections[0].offset;
}

/* --- Grain index ------------------------------------------------------------------------------ */

unsigned sealed_index_fan_bits(uint64_t entry_count)
{
    unsigned bits = 0;

    while (bits < SEALED_INDEX_FAN_BITS_MAX && entry_count >> bits > SEALED_INDEX_BUCKET_RECORDS)
        bits++;
    return bits;
}

void sealed_index_shape(unsigned fan_bits, uint64_t entry_count,
                        struct sealed_index_shape *out_shape)
{
    uint64_t starts = ((uint64_t)1 << fan_bits) + 1;

    out_shape->starts_at = SEALED_INDEX_HEADER_BYTES;
    out_shape->prefixes_at =
        round_up(out_shape->starts_at + starts * sizeof(uint32_t), GRAIN_ALIGN);
    out_shape->ordinals_at = out_shape->prefixes_at + entry_count * INDEX_PREFIX_BYTES;
    out_shape->bytes = out_shape->ordinals_at + entry_count * sizeof(uint32_t);
}

void sealed_index_header_encode(uint8_t target[SEALED_INDEX_HEADER_BYTES], unsigned fan_bits,
                                uint32_t entry_count)
{
    put_le32(target + INDEX_FAN_BITS_AT, fan_bits);
    put_le32(target + INDEX_ENTRY_COUNT_AT, entry_count);
}

bool sealed_index_header_decode(const uint8_t *source, uint64_t bytes, unsigned *out_fan_bits,
                                uint32_t *out_entry_count)
{
    struct sealed_index_shape shape;
    uint32_t fan_bits, entry_count;

    if (bytes < SEALED_INDEX_HEADER_BYTES)
        return false;
    fan_bits = get_le32(source + INDEX_FAN_BITS_AT);
    entry_count = get_le32(source + INDEX_ENTRY_COUNT_AT);
    if (fan_bits > SEALED_INDEX_FAN_BITS_MAX)
        return false;
    sealed_index_shape(fan_bits, entry_count, &shape);
    if (shape.bytes != bytes)
        return false;
    *out_fan_bits = fan_bits;
    *out_entry_count = entry_count;
    return true;
}
