/*
 * test_seal_pack.c - which blocks are packed, and which stay as they are.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "grain.h"
#include "seal_pack.h"

enum { BLOCK_BYTES = 16 << 10, GIVEN_UP_AFTER = 8, RETRY_MAX = 16, SALT = 5 };

struct packing {
    struct seal_packer packer;
    struct seal_unpacker unpacker;
    uint8_t *raw, *packed, *unpacked;
    uint64_t random;
    enum sealed_codec codec;
};

static int packing_setup(void **state)
{
    struct packing *packing = calloc(1, sizeof *packing);

    assert_non_null(packing);
    packing->raw = malloc(BLOCK_BYTES);
    packing->packed = malloc(seal_pack_bound(BLOCK_BYTES));
    packing->unpacked = malloc(BLOCK_BYTES);
    packing->random = 42;
    assert_true(seal_packer_begin(memory_default(), 1, NULL, 0, &packing->packer));
    assert_true(seal_unpacker_begin(NULL, 0, &packing->unpacker));
    *state = packing;
    return 0;
}

static int packing_teardown(void **state)
{
    struct packing *packing = *state;

    seal_packer_end(&packing->packer);
    seal_unpacker_end(&packing->unpacker);
    free(packing->raw);
    free(packing->packed);
    free(packing->unpacked);
    free(packing);
    return 0;
}

static uint8_t random_byte(struct packing *packing)
{
    packing->random = packing->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint8_t)(packing->random >> 56);
}

/* Fill the block with one grain whose body is random bytes with only so many bits each. */
static void fill(struct packing *packing, unsigned bits)
{
    struct grain grain = {
        .body_bytes = BLOCK_BYTES - GRAIN_HEADER_BYTES, .time_ns = 1, .kind = FLUME_KIND_MESSAGE};
    uint8_t *body = packing->raw + GRAIN_HEADER_BYTES;

    for (size_t i = 0; i < grain.body_bytes; i++)
        body[i] = (uint8_t)(random_byte(packing) >> (8 - bits));
    grain_header_encode(packing->raw, &grain, grain_payload_hash(NULL, 0, body, grain.body_bytes),
                        SALT, STRATA_DATA_AT);
}

/* Pack the block and look whether the same comes out. */
static void pack(struct packing *packing)
{
    struct sealed_block block = {
        .raw_offset = STRATA_DATA_AT, .count = 1, .raw_bytes = BLOCK_BYTES};

    block.stored_bytes = (uint32_t)seal_pack_grains(&packing->packer, packing->raw, BLOCK_BYTES,
                                                    packing->packed, &block.codec);
    assert_true(block.stored_bytes > 0);
    assert_true(seal_unpack(&packing->unpacker, &block, SALT, packing->packed, packing->unpacked));
    assert_memory_equal(packing->raw, packing->unpacked, BLOCK_BYTES);
    packing->codec = block.codec;
}

static void give_up(struct packing *packing)
{
    for (unsigned i = 0; i < GIVEN_UP_AFTER; i++) {
        fill(packing, 8);
        pack(packing);
        assert_int_equal(packing->codec, SEALED_STORED);
    }
}

static void random_blocks_stay_as_they_are(void **state)
{
    for (unsigned i = 0; i < 5; i++)
        give_up(*state);
}

static void what_saves_a_sixteenth_is_packed_also_behind_random_blocks(void **state)
{
    struct packing *packing = *state;

    for (unsigned bits = 1; bits <= 7; bits++) {
        give_up(packing);
        fill(packing, bits);
        pack(packing);
        assert_int_equal(packing->codec, SEALED_ZSTD);
    }
}

/* Bytes that are spread evenly, of which the second half is the first once more. */
static void what_only_repeats_itself_is_found_after_some_blocks(void **state)
{
    struct packing *packing = *state;
    unsigned stored = 0;

    give_up(packing);
    for (unsigned i = 0; i < 2 * RETRY_MAX; i++) {
        struct grain grain;
        uint8_t *body = packing->raw + GRAIN_HEADER_BYTES;

        fill(packing, 8);
        grain_fields(packing->raw, &grain);
        memcpy(body + grain.body_bytes / 2, body, grain.body_bytes / 2);
        grain_header_encode(packing->raw, &grain,
                            grain_payload_hash(NULL, 0, body, grain.body_bytes), SALT,
                            STRATA_DATA_AT);
        pack(packing);
        stored += packing->codec == SEALED_STORED;
    }
    assert_true(stored < RETRY_MAX);
    assert_int_equal(packing->codec, SEALED_ZSTD); /* Once found, it goes on being looked for. */
}

static void a_codec_that_nobody_knows_is_not_unpacked(void **state)
{
    struct packing *packing = *state;
    struct sealed_block block = {.count = 1, .raw_bytes = BLOCK_BYTES};

    fill(packing, 1);
    block.stored_bytes = (uint32_t)seal_pack(&packing->packer, packing->raw, BLOCK_BYTES,
                                             packing->packed, &packing->codec);
    assert_int_equal(packing->codec, SEALED_ZSTD);
    assert_true(seal_is_one_frame(packing->packed, block.stored_bytes, BLOCK_BYTES));
    block.codec = SEALED_ZSTD_DICTIONARY; /* There is none. */
    assert_false(seal_unpack(&packing->unpacker, &block, SALT, packing->packed, packing->unpacked));
    block.codec = SEALED_ZSTD_DICTIONARY + 1;
    assert_false(seal_unpack(&packing->unpacker, &block, SALT, packing->packed, packing->unpacked));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_blocks_stay_as_they_are),
        cmocka_unit_test(what_saves_a_sixteenth_is_packed_also_behind_random_blocks),
        cmocka_unit_test(what_only_repeats_itself_is_found_after_some_blocks),
        cmocka_unit_test(a_codec_that_nobody_knows_is_not_unpacked),
    };

    return cmocka_run_group_tests(tests, packing_setup, packing_teardown);
}
