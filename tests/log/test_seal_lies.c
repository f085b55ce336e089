/*
 * test_seal_lies.c - a disk that does not give back what was written to it is noticed while a
 * strata is sealed, whichever byte it is, and before the raw form goes.
 *
 * A basin in memory has one full strata. It is sealed again and again; each time one other byte of
 * a file that is made reads back otherwise. Every time sealing must refuse, and change nothing.
 *
 *   FLUME_TEST_LONG=1  every byte, not only some
 */
#include "log_fixture.h"

#include "faultio.h"
#include "flume/seal.h"
#include "io_memory.h"
#include "sealed_file.h"

#define BASIN "b.flume"

enum { STRATA_BYTES = 64 << 10, IMAGE_BYTES = 256 << 10, LIES = 100, RECORD_BYTES = 700 };

struct liar {
    flume_io memory;
    struct faultio files;
    int64_t (*honest_pwrite)(void *ctx, int file, const void *source, size_t bytes,
                             uint64_t offset);
    const char *name;           /* The file that it lies of; NULL: none. */
    uint64_t offset;            /* Of the byte that is not what it should be. */
    uint8_t image[IMAGE_BYTES]; /* The file as it should be, */
    uint64_t bytes;             /* and its length. */
    flume_seal_options seal;
    flume_log *log;
    uint64_t fingerprint; /* Of all records. */
};

static int64_t lying_pwrite(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    struct liar *liar = (struct liar *)((uint8_t *)ctx - offsetof(struct liar, files));
    uint8_t *copy;
    int64_t result;

    if (liar->name == NULL || strstr(liar->files.paths[file], liar->name) == NULL)
        return liar->honest_pwrite(ctx, file, source, bytes, offset);
    assert_true(offset + bytes <= IMAGE_BYTES);
    copy = liar->image + offset;
    memcpy(copy, source, bytes);
    if (offset + bytes > liar->bytes)
        liar->bytes = offset + bytes;
    if (liar->offset < offset || liar->offset - offset >= bytes)
        return liar->honest_pwrite(ctx, file, copy, bytes, offset);
    liar->image[liar->offset] ^= 16;
    result = liar->honest_pwrite(ctx, file, copy, bytes, offset);
    liar->image[liar->offset] ^= 16;
    return result;
}

/* A body that packs to a size of its own. */
static void append_one(flume_log *log, unsigned seed)
{
    uint8_t body[RECORD_BYTES];

    fill_bytes(body, seed * 7 % sizeof body, seed);
    memset(body + seed * 7 % sizeof body, 'x', sizeof body - seed * 7 % sizeof body);
    assert_int_equal(flume_log_append(log, body, sizeof body, NULL), FLUME_OK);
}

static struct liar *liar_begin(unsigned parity)
{
    struct liar *liar = calloc(1, sizeof *liar);
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = STRATA_BYTES};

    assert_non_null(liar);
    assert_int_equal(io_memory_create(NULL, &liar->memory), FLUME_OK);
    faultio_init(&liar->files, &liar->memory);
    liar->honest_pwrite = liar->files.table.pwrite;
    liar->files.table.pwrite = lying_pwrite;
    liar->seal = (flume_seal_options){.mode = FLUME_SEAL_ON_REQUEST,
                                      .block_bytes = FLUME_BLOCK_BYTES_MIN,
                                      .parity = parity,
                                      .parity_data = 4,
                                      .parity_cells = 1};
    options.io = &liar->files.table;
    options.seal = &liar->seal;
    assert_int_equal(flume_log_open(&liar->log, BASIN, &options, NULL), FLUME_OK);
    for (unsigned i = 0; stat_of(liar->log).strata_count < 2; i++)
        append_one(liar->log, i);
    assert_int_equal(flume_log_sync(liar->log, FLUME_SEQ_NONE), FLUME_OK);
    liar->fingerprint = fingerprint(liar->log);
    return liar;
}

/* Nothing was sealed so far; honestly, it is. */
static void liar_end(struct liar *liar)
{
    flume_seal_report report;

    assert_true(fingerprint(liar->log) == liar->fingerprint);
    liar->name = NULL;
    assert_int_equal(flume_log_seal(liar->log, NULL, &report), FLUME_OK);
    assert_int_equal(report.strata, 1);
    assert_true(fingerprint(liar->log) == liar->fingerprint);
    assert_int_equal(flume_log_close(liar->log), FLUME_OK);
    assert_int_equal(liar->files.open_files, 0);
    faultio_deinit(&liar->files);
    io_memory_destroy(&liar->memory);
    free(liar);
}

static bool is_there(struct liar *liar, const char *name)
{
    char path[64];
    int file;

    (void)snprintf(path, sizeof path, "%s/log/%s", BASIN, name);
    file = liar->memory.open(liar->memory.ctx, path, FLUME_IO_READ);
    if (file >= 0)
        liar->memory.close(liar->memory.ctx, file);
    return file >= 0;
}

/* Sealing notices that the byte at an offset is not what was written, and leaves nothing. */
static void expect_noticed(struct liar *liar, const char *name, uint64_t offset)
{
    flume_seal_report report;
    flume_error error;
    int status;

    liar->name = name;
    liar->offset = offset;
    status = flume_log_seal(liar->log, NULL, &report);
    flume_log_error(liar->log, &error);
    if (status != FLUME_ERR_DAMAGED)
        fail_msg("%s, offset %llu of %llu: %d", name, (unsigned long long)offset,
                 (unsigned long long)liar->bytes, status);
    assert_non_null(strstr(error.message, "did not read back as it was written"));
    assert_int_equal(report.strata, 0);
    assert_false(is_there(liar, "seal.strata.tmp"));
    assert_false(is_there(liar, "seal.parity.tmp"));
}

/* Here and there in the file; in the long form everywhere. */
static void expect_all_noticed(struct liar *liar, const char *name)
{
    uint64_t step;

    expect_noticed(liar, name, 0); /* From here on its length is known. */
    step = getenv("FLUME_TEST_LONG") != NULL ? 1 : liar->bytes / LIES | 1;
    for (uint64_t offset = step; offset < liar->bytes; offset += step)
        expect_noticed(liar, name, offset);
    expect_noticed(liar, name, liar->bytes - 1);
}

static void take_footer(struct liar *liar, struct sealed_footer *out_footer)
{
    expect_noticed(liar, "seal.strata.tmp", 0);
    assert_int_equal(
        sealed_footer_decode(liar->image + liar->bytes - STRATA_PAGE_BYTES, out_footer), FLUME_OK);
}

static void no_byte_of_a_sealed_file_may_read_back_otherwise(void **state)
{
    struct liar *liar = liar_begin(0);

    (void)state;
    expect_all_noticed(liar, "seal.strata.tmp");
    liar_end(liar);
}

static void no_byte_of_parity_in_the_file_may_read_back_otherwise(void **state)
{
    struct liar *liar = liar_begin(FLUME_PARITY_FILE);

    (void)state;
    expect_all_noticed(liar, "seal.strata.tmp");
    liar_end(liar);
}

static void no_byte_of_parity_beside_the_file_may_read_back_otherwise(void **state)
{
    struct liar *liar = liar_begin(FLUME_PARITY_SOFT);

    (void)state;
    expect_all_noticed(liar, "seal.parity.tmp");
    liar_end(liar);
}

static void no_zero_behind_a_block_may_read_back_otherwise(void **state)
{
    struct liar *liar = liar_begin(0);
    const struct sealed_section *section;
    struct sealed_footer footer;
    unsigned count = 0;

    (void)state;
    take_footer(liar, &footer);
    section = sealed_section_find(&footer, SEALED_SECTION_BLOCKS);
    for (uint32_t i = 0; i < footer.block_count; i++) {
        const uint8_t *row = liar->image + section->offset + (size_t)i * SEALED_BLOCK_ENTRY_BYTES;
        struct sealed_block_entry entry;
        uint64_t end;

        sealed_block_entry_decode(row, &entry);
        end = entry.file_offset + sealed_block_bytes(entry.stored_bytes);
        for (uint64_t at = entry.file_offset + SEALED_BLOCK_HEADER_BYTES + entry.stored_bytes;
             at < end; at++, count++)
            expect_noticed(liar, "seal.strata.tmp", at);
    }
    assert_true(count > 0); /* Of sixteen sizes not all are a multiple of eight. */
    liar_end(liar);
}

static void no_zero_between_sections_may_read_back_otherwise(void **state)
{
    struct liar *liar = liar_begin(FLUME_PARITY_FILE);
    struct sealed_footer footer;
    unsigned count = 0;
    uint64_t at;

    (void)state;
    take_footer(liar, &footer);
    at = sealed_blocks_end(&footer);
    for (uint32_t i = 0; i < footer.section_count; i++) {
        const struct sealed_section *section = &footer.sections[i];

        if (section->offset > at) {
            expect_noticed(liar, "seal.strata.tmp", at);
            expect_noticed(liar, "seal.strata.tmp", section->offset - 1);
            count++;
        }
        at = section->offset + section->bytes;
    }
    assert_true(count > 0);
    liar_end(liar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_byte_of_a_sealed_file_may_read_back_otherwise),
        cmocka_unit_test(no_byte_of_parity_in_the_file_may_read_back_otherwise),
        cmocka_unit_test(no_byte_of_parity_beside_the_file_may_read_back_otherwise),
        cmocka_unit_test(no_zero_behind_a_block_may_read_back_otherwise),
        cmocka_unit_test(no_zero_between_sections_may_read_back_otherwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
