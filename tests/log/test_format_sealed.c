/*
 * test_format_sealed.c - the worked example of a sealed strata in log/FORMAT.md is what the library
 * writes.
 *
 * The basin is made in a world that stands still (steady_io.h) and sealed. Every dumped byte is
 * compared with the file's, and every hash with one computed from FORMAT.md's own rules. No byte of
 * the example depends on the version of zstd: what it holds does not shrink.
 *
 * With FLUME_SHOW_EXAMPLE in the environment it prints the section as it should be.
 */
#include "log_fixture.h"

#include <xxhash.h>

#include "flume/seal.h"
#include "format_example.h"
#include "merkle.h"
#include "plain_reader.h"
#include "steady_io.h"

enum {
    NUMBERS = 512, /* Of seq 2. */
    RECORDS = 3,
    BLOCK_AT = 4096, /* The only one, behind the header page. */
    BLOCK_HEADER_BYTES = 32,
    FOOTER_SECTIONS_AT = 256,
    SECTION_BYTES = 32,
    SECTIONS = 4,
    SHOWN_BYTES_MIN = 800 /* Else rows were taken for something else. */
};

static const char raw_path[] = "log/00000000000000000000.strata";
static const char sealed[] = "log/00000000000000000000.strata, sealed";

/* --- The basin of the example --- */

/* The numbers that splitmix64 gives for the seed 0, as views/FORMAT.md has it for the gear. */
static void fill_numbers(uint8_t body[NUMBERS * 8])
{
    uint64_t state = 0;

    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t z;

        state += UINT64_C(0x9e3779b97f4a7c15);
        z = (state ^ state >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        plain_put_u64(body + 8 * i, z ^ z >> 31);
    }
}

/* seq 0 the writer's manifest; 1 a JSON message with a label; 2 numbers. All durable, then
 * sealed. */
static void write_example(flume_log *log)
{
    const flume_seal_call call = {.active = true};
    const char *label = "greeting";
    flume_entry answer = {.body = "{\"answer\":42}",
                          .body_bytes = 13,
                          .labels = &label,
                          .label_count = 1,
                          .codec = FLUME_CODEC_JSON,
                          .time_ns = STEADY_WALL_NS + 1 * SECOND_NS};
    uint8_t body[NUMBERS * 8];
    flume_entry numbers = {
        .body = body, .body_bytes = sizeof body, .time_ns = STEADY_WALL_NS + 2 * SECOND_NS};

    fill_numbers(body);
    assert_int_equal(flume_log_append_entry(log, &answer, NULL), FLUME_OK);
    assert_int_equal(flume_log_append_entry(log, &numbers, NULL), FLUME_OK);
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(log, &call, NULL), FLUME_OK);
    assert_int_equal(flume_log_head(log), RECORDS);
}

static int example_setup(void **state)
{
    struct example *example = calloc(1, sizeof *example);
    const flume_seal_options on_request = {.mode = FLUME_SEAL_ON_REQUEST};
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .strata_bytes = FLUME_STRATA_BYTES_MIN,
                                 .build = "1.0",
                                 .seal = &on_request};
    flume_log *log = NULL;

    assert_non_null(example);
    assert_int_equal(steady_io_create(&example->io), FLUME_OK);
    options.io = &example->io;
    steady_io_hold_helpers();
    assert_int_equal(flume_log_open(&log, "example.flume", &options, NULL), FLUME_OK);
    write_example(log);
    steady_io_release_helpers();
    close_handle(log);
    example_take(example, raw_path, sealed);
    example_read_format(example, "log/FORMAT.md", "## A sealed strata, worked\n");
    *state = example;
    return 0;
}

static int example_teardown(void **state)
{
    struct example *example = *state;

    example_release(example);
    steady_io_destroy(&example->io);
    free(example);
    return 0;
}

/* --- What the bytes are by FORMAT.md --- */

static uint64_t salt_of(const struct example_file *file)
{
    return plain_u64(file->data + 72);
}

static const uint8_t *footer_of(const struct example_file *file)
{
    return file->data + file->bytes - PLAIN_PAGE_BYTES;
}

/* A grain of the block, which holds them as they are. */
static const uint8_t *grain_of(const struct example_file *file, unsigned ordinal,
                               struct plain_grain *out_grain)
{
    uint64_t offset = BLOCK_AT + BLOCK_HEADER_BYTES;

    for (unsigned i = 0;; i++) {
        assert_true(plain_grain_fields(file->data, file->bytes, offset, out_grain));
        if (i == ordinal)
            return file->data + offset;
        offset = out_grain->end;
    }
}

static uint64_t block_check(const struct example_file *file)
{
    const uint8_t *block = file->data + BLOCK_AT;

    return XXH3_64bits_withSeed(block + 8, BLOCK_HEADER_BYTES - 8 + plain_u32(block + 16),
                                salt_of(file) + BLOCK_AT);
}

/* BLAKE3 of a byte and what follows it. */
static struct merkle_hash hash_of(uint8_t tag, const void *data, size_t bytes)
{
    uint8_t input[256];
    struct merkle_hash hash;

    assert_true(bytes < sizeof input);
    input[0] = tag;
    memcpy(input + 1, data, bytes);
    merkle_hash_bytes(input, bytes + 1, &hash);
    return hash;
}

static struct merkle_hash leaf_of(const struct example_file *file, unsigned ordinal)
{
    uint8_t input[PLAIN_GRAIN_HEADER_BYTES + 64 + MERKLE_HASH_BYTES];
    struct plain_grain grain;
    const uint8_t *bytes = grain_of(file, ordinal, &grain);
    size_t used = PLAIN_GRAIN_HEADER_BYTES + (size_t)grain.meta_bytes;
    struct merkle_hash body;

    assert_true(grain.meta_bytes <= 64);
    merkle_hash_bytes(grain.body, grain.body_bytes, &body);
    memcpy(input, bytes, used);
    memcpy(input + used, body.bytes, sizeof body.bytes);
    return hash_of(0, input, used + sizeof body.bytes);
}

static struct merkle_hash inner_of(const struct merkle_hash *left, const struct merkle_hash *right)
{
    uint8_t input[2 * MERKLE_HASH_BYTES];

    memcpy(input, left->bytes, MERKLE_HASH_BYTES);
    memcpy(input + MERKLE_HASH_BYTES, right->bytes, MERKLE_HASH_BYTES);
    return hash_of(1, input, sizeof input);
}

static const char *as_text(const struct merkle_hash *hash, char text[2 * MERKLE_HASH_BYTES + 1])
{
    for (size_t i = 0; i < MERKLE_HASH_BYTES; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", (unsigned)hash->bytes[i]);
    return text;
}

/* --- The dump and the numbers --- */

static void every_dumped_byte_is_the_byte_written(void **state)
{
    assert_true(example_compare(*state) >= SHOWN_BYTES_MIN);
}

static void the_block_holds_the_grains_as_they_are(void **state)
{
    const struct example *example = *state;
    const struct example_file *file = example_file_of(example, sealed);
    const uint8_t *block = file->data + BLOCK_AT;
    uint64_t raw_offset = 4096;

    assert_int_equal(plain_u32(block + 8) * 8, raw_offset);
    assert_int_equal(plain_u32(block + 16), plain_u32(block + 20));
    assert_int_equal(plain_u32(block + 24), RECORDS);
    assert_int_equal(block[28], 0);
    for (unsigned i = 0; i < RECORDS; i++) {
        struct plain_grain grain;
        const uint8_t *at = grain_of(file, i, &grain);

        assert_int_equal(plain_u64(at), plain_grain_check(&grain, salt_of(file), raw_offset));
        raw_offset += (uint64_t)(file->data + grain.end - at);
    }
    assert_int_equal(plain_u64(footer_of(file) + 72), raw_offset);
}

static void each_check_is_as_computed(void **state)
{
    const struct example *example = *state;
    const struct example_file *file = example_file_of(example, sealed);

    assert_int_equal(plain_u64(file->data + BLOCK_AT), block_check(file));
    example_expect_line(example, "block   check = XXH3(block from 8 on, salt + 1000)  = %016llx",
                        (unsigned long long)block_check(file));
    for (unsigned i = 0; i < SECTIONS; i++) {
        const uint8_t *section = footer_of(file) + FOOTER_SECTIONS_AT + i * SECTION_BYTES;
        uint64_t offset = plain_u64(section + 8), bytes = plain_u64(section + 16);
        uint64_t check;

        assert_true(offset + bytes <= file->bytes);
        check = XXH3_64bits_withSeed(file->data + offset, bytes, salt_of(file) + offset);
        assert_int_equal(plain_u64(section + 24), check);
        example_expect_line(
            example, "section %u check = XXH3(%2llu bytes at %llx, salt + %llx)  = %016llx",
            plain_u32(section), (unsigned long long)bytes, (unsigned long long)offset,
            (unsigned long long)offset, (unsigned long long)check);
    }
}

static void the_tree_is_as_computed(void **state)
{
    const struct example *example = *state;
    const struct example_file *file = example_file_of(example, sealed);
    struct merkle_hash leaves[RECORDS], inner, root, chain;
    uint8_t link[2 * MERKLE_HASH_BYTES + 16] = {0};
    char text[2 * MERKLE_HASH_BYTES + 1];

    for (unsigned i = 0; i < RECORDS; i++) {
        leaves[i] = leaf_of(file, i);
        example_expect_line(example, "leaf %u = %s", i, as_text(&leaves[i], text));
    }
    inner = inner_of(&leaves[0], &leaves[1]);
    example_expect_line(example, "inner  = BLAKE3(01 | leaf 0 | leaf 1)");
    example_expect_line(example, "       = %s", as_text(&inner, text));
    root = inner_of(&inner, &leaves[2]);
    example_expect_line(example, "root   = BLAKE3(01 | inner | leaf 2)");
    example_expect_line(example, "       = %s", as_text(&root, text));
    memcpy(link + MERKLE_HASH_BYTES, root.bytes, MERKLE_HASH_BYTES);
    plain_put_u64(link + 2 * MERKLE_HASH_BYTES + 8, RECORDS);
    chain = hash_of(2, link, sizeof link);
    example_expect_line(example, "chain  = BLAKE3(02 | 32 zeros | root | 0 | 3)");
    example_expect_line(example, "       = %s", as_text(&chain, text));
    assert_memory_equal(footer_of(file) + 128, root.bytes, MERKLE_HASH_BYTES);
    assert_memory_equal(footer_of(file) + 192, chain.bytes, MERKLE_HASH_BYTES);
}

/* --- The section, for its author --- */

static int show_example(void)
{
    void *state = NULL;
    const struct example *example;
    const struct example_file *file;
    struct plain_grain grain;
    size_t at;

    (void)example_setup(&state);
    example = state;
    file = example_file_of(example, sealed);
    example_show(example, sealed, 0, 0x70);
    example_show(example, sealed, PLAIN_PAGE_BYTES - 16, 16);
    example_show(example, sealed, BLOCK_AT, BLOCK_HEADER_BYTES);
    at = (size_t)(grain_of(file, 1, &grain) - file->data);
    example_show(example, sealed, at, (size_t)grain.end - at);
    for (unsigned i = 0; i < SECTIONS; i++) {
        const uint8_t *section = footer_of(file) + FOOTER_SECTIONS_AT + i * SECTION_BYTES;

        example_show(example, sealed, plain_u64(section + 8), plain_u64(section + 16));
    }
    at = file->bytes - PLAIN_PAGE_BYTES;
    example_show(example, sealed, at, FOOTER_SECTIONS_AT + SECTIONS * SECTION_BYTES);
    example_show(example, sealed, at + 640, 16);
    example_show(example, sealed, at + 1664, 32);
    example_show(example, sealed, file->bytes - 16, 16);
    each_check_is_as_computed(&state);
    the_tree_is_as_computed(&state);
    return example_teardown(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dumped_byte_is_the_byte_written),
        cmocka_unit_test(the_block_holds_the_grains_as_they_are),
        cmocka_unit_test(each_check_is_as_computed),
        cmocka_unit_test(the_tree_is_as_computed),
    };

    if (getenv("FLUME_SHOW_EXAMPLE") != NULL)
        return show_example();
    return cmocka_run_group_tests(tests, example_setup, example_teardown);
}
