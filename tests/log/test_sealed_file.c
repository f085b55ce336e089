/*
 * test_sealed_file.c - the pieces of a sealed strata: what is written reads back, what was changed
 * does not, and no number that a file states leads out of bounds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdalign.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"
#include "sealed_file.h"

enum { SALT = 77, AT = 8192, STORED = 100 };

static void block_make(uint8_t target[SEALED_BLOCK_HEADER_BYTES + STORED + GRAIN_ALIGN],
                       struct sealed_block *out_block)
{
    *out_block = (struct sealed_block){
        .raw_offset = 4096,
        .first_ordinal = 5,
        .count = 3,
        .stored_bytes = STORED,
        .raw_bytes = 160,
        .codec = SEALED_ZSTD,
    };
    memset(target, 0xee, SEALED_BLOCK_HEADER_BYTES + STORED + GRAIN_ALIGN);
    sealed_block_encode(target, out_block, SALT, AT);
}

static void a_block_reads_back_and_pads_with_zeros(void **state)
{
    uint8_t bytes[SEALED_BLOCK_HEADER_BYTES + STORED + GRAIN_ALIGN];
    struct sealed_block block, read;

    (void)state;
    block_make(bytes, &block);
    assert_int_equal(sealed_block_bytes(STORED), 136);
    assert_true(sealed_block_decode(bytes, 136, SALT, AT, &read));
    assert_int_equal(read.raw_offset, block.raw_offset);
    assert_int_equal(read.first_ordinal, block.first_ordinal);
    assert_int_equal(read.count, block.count);
    assert_int_equal(read.stored_bytes, block.stored_bytes);
    assert_int_equal(read.raw_bytes, block.raw_bytes);
    assert_int_equal(read.codec, block.codec);
    for (size_t i = SEALED_BLOCK_HEADER_BYTES + STORED; i < 136; i++)
        assert_int_equal(bytes[i], 0);
    assert_int_equal(bytes[136], 0xee);
}

static void every_changed_bit_of_a_block_is_noticed(void **state)
{
    uint8_t bytes[SEALED_BLOCK_HEADER_BYTES + STORED + GRAIN_ALIGN];
    struct sealed_block block, read;

    (void)state;
    block_make(bytes, &block);
    for (unsigned bit = 0; bit < 8 * (SEALED_BLOCK_HEADER_BYTES + STORED); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sealed_block_decode(bytes, 136, SALT, AT, &read));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(sealed_block_decode(bytes, 136, SALT, AT, &read));
}

static void a_block_elsewhere_or_cut_short_is_none(void **state)
{
    uint8_t bytes[SEALED_BLOCK_HEADER_BYTES + STORED + GRAIN_ALIGN];
    struct sealed_block block, read;

    (void)state;
    block_make(bytes, &block);
    assert_false(sealed_block_decode(bytes, 136, SALT, AT + 8, &read));
    assert_false(sealed_block_decode(bytes, 136, SALT + 1, AT, &read));
    for (uint64_t available = 0; available < 136; available++)
        assert_false(sealed_block_decode(bytes, available, SALT, AT, &read));
}

/* A block whose check holds, but whose numbers cannot be. */
static void a_block_with_impossible_numbers_is_none(void **state)
{
    static const struct sealed_block lies[] = {
        {4096, 0, 0, STORED, 160, SEALED_ZSTD},          /* No grain. */
        {4096, 0, 6, STORED, 160, SEALED_ZSTD},          /* More grains than headers fit. */
        {4096, 0, 3, STORED, 100, SEALED_ZSTD},          /* Not in units of 8. */
        {4096, 0, 3, STORED, 0xfffffff8, SEALED_ZSTD},   /* A bomb. */
        {0, 0, 3, STORED, 160, SEALED_ZSTD},             /* Within the header page. */
        {4096, 0, 3, STORED, 96, SEALED_ZSTD},           /* Larger packed than raw. */
        {4096, 0, 3, STORED, 160, SEALED_STORED},        /* Raw, but another size. */
        {4096, 0, 3, STORED, 160, (enum sealed_codec)3}, /* Unknown. */
    };
    uint8_t bytes[SEALED_BLOCK_HEADER_BYTES + STORED + GRAIN_ALIGN] = {0};
    struct sealed_block read;

    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        sealed_block_encode(bytes, &lies[i], SALT, AT);
        assert_false(sealed_block_decode(bytes, sizeof bytes, SALT, AT, &read));
    }
}

static void footer_make(struct sealed_footer *out_footer)
{
    memset(out_footer, 0, sizeof *out_footer);
    memset(out_footer->strata_id, 1, sizeof out_footer->strata_id);
    memset(out_footer->basin_id, 2, sizeof out_footer->basin_id);
    out_footer->salt = SALT;
    out_footer->first_seq = 1000;
    out_footer->count = 300;
    out_footer->raw_end = 4096 + 300 * 64;
    out_footer->file_bytes = 5 * 4096;
    out_footer->least_time_ns = 5;
    out_footer->greatest_time_ns = 9;
    out_footer->running_time_ns = 10;
    out_footer->block_count = 2;
    out_footer->block_bytes = 16384;
    out_footer->sealed_ns = 11;
    memset(out_footer->root, 3, sizeof out_footer->root);
    memset(out_footer->chain_before, 4, sizeof out_footer->chain_before);
    memset(out_footer->chain, 5, sizeof out_footer->chain);
    out_footer->section_count = 3;
    out_footer->sections[0] = (struct sealed_section){SEALED_SECTION_BLOCKS, 8192, 64, 21};
    out_footer->sections[1] = (struct sealed_section){SEALED_SECTION_MERKLE, 8256, 64, 22};
    out_footer->sections[2] = (struct sealed_section){99, 8320, 0, 23}; /* Of a later version. */
    for (size_t i = 0; i < STRATA_KINDS; i++) {
        out_footer->kind_counts[i] = (uint32_t)i;
        out_footer->last_of_kind[i] = 1000 + i;
    }
}

static void a_footer_page_reads_back(void **state)
{
    uint8_t page[STRATA_PAGE_BYTES];
    struct sealed_footer footer, read;

    (void)state;
    footer_make(&footer);
    sealed_footer_encode(page, &footer);
    assert_int_equal(sealed_footer_decode(page, &read), FLUME_OK);
    assert_int_equal(sealed_section_find(&read, SEALED_SECTION_MERKLE)->check, 22);
    assert_null(sealed_section_find(&read, SEALED_SECTION_LABELS));
    assert_int_equal(sealed_blocks_end(&read), 8192);
    for (size_t i = 0; i < SEALED_SECTIONS_MAX; i++) { /* They have gaps, with anything in them. */
        assert_int_equal(read.sections[i].id, footer.sections[i].id);
        assert_int_equal(read.sections[i].offset, footer.sections[i].offset);
        assert_int_equal(read.sections[i].bytes, footer.sections[i].bytes);
        assert_int_equal(read.sections[i].check, footer.sections[i].check);
    }
    memset(read.sections, 0, sizeof read.sections);
    memset(footer.sections, 0, sizeof footer.sections);
    assert_memory_equal(&read, &footer, sizeof footer);
}

static void every_changed_bit_of_a_footer_page_is_noticed(void **state)
{
    uint8_t page[STRATA_PAGE_BYTES];
    struct sealed_footer footer, read;

    (void)state;
    footer_make(&footer);
    sealed_footer_encode(page, &footer);
    for (unsigned bit = 0; bit < 8 * STRATA_PAGE_BYTES; bit++) {
        page[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(sealed_footer_decode(page, &read), FLUME_OK);
        page[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Encode a footer that lies, with a check that holds, and expect that it is refused. */
static void refuse(const struct sealed_footer *footer)
{
    uint8_t page[STRATA_PAGE_BYTES];
    struct sealed_footer read;

    sealed_footer_encode(page, footer);
    assert_int_equal(sealed_footer_decode(page, &read), FLUME_ERR_DAMAGED);
}

static void a_footer_page_with_impossible_numbers_is_refused(void **state)
{
    static const uint64_t counts[] = {0, 301, UINT64_MAX, (uint64_t)UINT32_MAX + 1};
    static const uint64_t ends[] = {0, 4095, STRATA_BYTES_MAX + 8, UINT64_MAX};
    static const uint64_t sizes[] = {0, 8192, 5 * 4096 + 1, UINT64_MAX};
    static const uint64_t offsets[] = {0, 4095, 8193, 4 * 4096 + 8, UINT64_MAX - 7};
    struct sealed_footer footer;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        footer_make(&footer);
        footer.count = counts[i] == 301 ? 601 : counts[i];
        refuse(&footer);
        footer_make(&footer);
        footer.raw_end = ends[i];
        refuse(&footer);
        footer_make(&footer);
        footer.file_bytes = sizes[i];
        refuse(&footer);
    }
    for (size_t i = 0; i < 5; i++) {
        footer_make(&footer);
        footer.sections[0].offset = offsets[i];
        refuse(&footer);
    }
    footer_make(&footer);
    footer.sections[1].bytes = UINT64_MAX;
    refuse(&footer);
    footer_make(&footer);
    footer.sections[1].offset = 8200; /* Over the one before it. */
    refuse(&footer);
    footer_make(&footer);
    footer.block_count = 3; /* Not as many as the index has. */
    refuse(&footer);
    footer_make(&footer);
    footer.raw_end = 4096 + 300 * 32 - 8; /* So many headers do not fit. */
    refuse(&footer);
}

static void a_footer_page_without_blocks_or_with_more_than_records_is_refused(void **state)
{
    struct sealed_footer footer;

    (void)state;
    footer_make(&footer);
    footer.block_count = 0;
    footer.sections[0].bytes = 0;
    refuse(&footer);
    footer_make(&footer);
    footer.count = 1; /* In two blocks. */
    refuse(&footer);
    footer_make(&footer);
    footer.sections[0].id = 98; /* Nothing says where they are. */
    refuse(&footer);
    footer_make(&footer);
    footer.sections[2].id = SEALED_SECTION_NONE;
    refuse(&footer);
}

static void a_footer_page_that_tells_of_impossible_stripes_is_refused(void **state)
{
    static const uint16_t stripes[][2] = {
        {SEALED_SIDE_DATA_CELLS_MAX + 1, SEALED_SIDE_PARITY_CELLS_MAX},
        {SEALED_SIDE_DATA_CELLS_MAX, SEALED_SIDE_PARITY_CELLS_MAX + 1},
        {SEALED_SIDE_DATA_CELLS_MAX, 0},
        {0, SEALED_SIDE_PARITY_CELLS_MAX},
    };
    uint8_t page[STRATA_PAGE_BYTES];
    struct sealed_footer footer, read;

    (void)state;
    footer_make(&footer);
    for (size_t i = 0; i < sizeof stripes / sizeof stripes[0]; i++) {
        footer.side_data_cells = stripes[i][0];
        footer.side_parity_cells = stripes[i][1];
        refuse(&footer);
    }
    footer.side_data_cells = SEALED_SIDE_DATA_CELLS_MAX;
    sealed_footer_encode(page, &footer);
    assert_int_equal(sealed_footer_decode(page, &read), FLUME_OK);
}

/* Number `value` at a place of the page, whose check holds. */
static int decode_with(size_t at, uint32_t value)
{
    uint8_t page[STRATA_PAGE_BYTES];
    struct sealed_footer footer;

    footer_make(&footer);
    sealed_footer_encode(page, &footer);
    put_le32(page + at, value);
    put_le64(page + sizeof page - 8, hash_bytes(page, sizeof page - 8, 0));
    return sealed_footer_decode(page, &footer);
}

static void a_footer_page_of_a_newer_version_is_told_from_a_bad_one(void **state)
{
    enum { VERSION_AT = 8, SECTION_COUNT_AT = 12 };

    (void)state;
    assert_int_equal(decode_with(VERSION_AT, UINT16_MAX), FLUME_ERR_VERSION);
    assert_int_equal(decode_with(SECTION_COUNT_AT, SEALED_SECTIONS_MAX + 1), FLUME_ERR_DAMAGED);
    assert_int_equal(decode_with(SECTION_COUNT_AT, 3), FLUME_OK);
}

static void grains_that_do_not_fit_their_block_are_refused(void **state)
{
    enum { GRAIN_BYTES = 64, ROOM = 2 * GRAIN_BYTES };
    struct sealed_block block = {4096, 0, 2, STORED, ROOM, SEALED_ZSTD};
    struct grain grain = {.body_bytes = GRAIN_BYTES - GRAIN_HEADER_BYTES,
                          .kind = FLUME_KIND_MESSAGE};
    static const struct grain lies[] = {
        {.body_bytes = FLUME_BODY_BYTES_MAX + 1u, .kind = FLUME_KIND_MESSAGE},
        {.body_bytes = ROOM, .kind = FLUME_KIND_MESSAGE},
        {.body_bytes = 16, .kind = FLUME_KIND_MESSAGE, .flags = FLUME_RECORD_WITNESS},
    };
    alignas(8) uint8_t grains[ROOM] = {0};
    uint32_t offsets[2];

    (void)state;
    grain_header_encode(grains, &grain, 0, SALT, 4096);
    grain_header_encode(grains + GRAIN_BYTES, &grain, 0, SALT, 4096 + GRAIN_BYTES);
    assert_true(sealed_grains_strip(grains, ROOM));
    assert_true(sealed_grains_find(&block, grains, offsets));
    assert_int_equal(offsets[1], GRAIN_BYTES);
    assert_false(sealed_grains_strip(grains, ROOM + 8)); /* No header fits there. */
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        grain_header_encode(grains + GRAIN_BYTES, &lies[i], 0, SALT, 4096 + GRAIN_BYTES);
        assert_false(sealed_grains_strip(grains, ROOM));
        assert_false(sealed_grains_find(&block, grains, offsets));
        assert_false(sealed_grains_take(&block, SALT, grains));
    }
}

/* What FORMAT.md calls zero in a packed block, and a record's number in one that is not. */
static void grains_with_numbers_that_their_block_excludes_are_refused(void **state)
{
    enum { GRAIN_BYTES = 64, ORDINAL = 5 };
    struct sealed_block block = {4096, ORDINAL, 1, STORED, GRAIN_BYTES, SEALED_ZSTD};
    struct grain grain = {.body_bytes = GRAIN_BYTES - GRAIN_HEADER_BYTES,
                          .ordinal = ORDINAL,
                          .kind = FLUME_KIND_MESSAGE};
    alignas(8) uint8_t grains[GRAIN_BYTES] = {0};
    uint32_t offset;

    (void)state;
    grain_header_encode(grains, &grain, 0, SALT, 4096);
    assert_false(sealed_grains_find(&block, grains, &offset));
    put_le32(grains + GRAIN_ORDINAL_AT, 0);
    assert_false(sealed_grains_find(&block, grains, &offset)); /* It still has its check. */
    put_le64(grains + GRAIN_CHECK_AT, 0);
    assert_true(sealed_grains_find(&block, grains, &offset));
    block.codec = SEALED_STORED;
    assert_false(sealed_grains_find(&block, grains, &offset));
    put_le32(grains + GRAIN_ORDINAL_AT, ORDINAL);
    assert_true(sealed_grains_find(&block, grains, &offset));
}

static void a_grain_index_says_its_shape_and_nothing_else(void **state)
{
    uint8_t header[SEALED_INDEX_HEADER_BYTES];
    struct sealed_index_shape shape;
    unsigned fan_bits;
    uint32_t entry_count;

    (void)state;
    assert_int_equal(sealed_index_fan_bits(0), 0);
    assert_int_equal(sealed_index_fan_bits(16), 0);
    assert_int_equal(sealed_index_fan_bits(34), 2);
    assert_int_equal(sealed_index_fan_bits(1 << 20), 16);
    assert_int_equal(sealed_index_fan_bits(UINT64_MAX), SEALED_INDEX_FAN_BITS_MAX);
    sealed_index_shape(2, 34, &shape);
    assert_int_equal(shape.starts_at, 8);
    assert_int_equal(shape.prefixes_at, 32);
    assert_int_equal(shape.ordinals_at, 32 + 34 * 8);
    assert_int_equal(shape.bytes, 32 + 34 * 12);
    sealed_index_header_encode(header, 2, 34);
    assert_true(sealed_index_header_decode(header, shape.bytes, &fan_bits, &entry_count));
    assert_int_equal(fan_bits, 2);
    assert_int_equal(entry_count, 34);
    assert_false(sealed_index_header_decode(header, shape.bytes + 1, &fan_bits, &entry_count));
    assert_false(sealed_index_header_decode(header, 7, &fan_bits, &entry_count));
    sealed_index_header_encode(header, 25, 34);
    assert_false(sealed_index_header_decode(header, shape.bytes, &fan_bits, &entry_count));
    sealed_index_header_encode(header, 2, UINT32_MAX);
    assert_false(sealed_index_header_decode(header, shape.bytes, &fan_bits, &entry_count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_reads_back_and_pads_with_zeros),
        cmocka_unit_test(every_changed_bit_of_a_block_is_noticed),
        cmocka_unit_test(a_block_elsewhere_or_cut_short_is_none),
        cmocka_unit_test(a_block_with_impossible_numbers_is_none),
        cmocka_unit_test(a_footer_page_reads_back),
        cmocka_unit_test(every_changed_bit_of_a_footer_page_is_noticed),
        cmocka_unit_test(a_footer_page_with_impossible_numbers_is_refused),
        cmocka_unit_test(a_footer_page_without_blocks_or_with_more_than_records_is_refused),
        cmocka_unit_test(a_footer_page_that_tells_of_impossible_stripes_is_refused),
        cmocka_unit_test(a_footer_page_of_a_newer_version_is_told_from_a_bad_one),
        cmocka_unit_test(grains_that_do_not_fit_their_block_are_refused),
        cmocka_unit_test(grains_with_numbers_that_their_block_excludes_are_refused),
        cmocka_unit_test(a_grain_index_says_its_shape_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
