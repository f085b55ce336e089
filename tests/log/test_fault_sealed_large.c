/*
 * test_fault_sealed_large.c - sealed strata that take more than one buffer, more than one block of
 * stand-ins or very many blocks: repair writes them anew, and something fails on the way.
 *
 * Each basin is made once in memory; a repair begins with a copy of it and a place where it fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fault_world.h"
#include "flume/flume.h"
#include "flume/seal.h"
#include "io_memory.h"
#include "sealed_file.h"
#include "strata_file.h"

static const flume_seal_options small_blocks = {.mode = FLUME_SEAL_ON_REQUEST,
                                                .block_bytes = FLUME_BLOCK_BYTES_MIN};

static flume_log *open_basin(const flume_io *io, uint64_t strata_bytes)
{
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = strata_bytes,
                                 .seal = &small_blocks,
                                 .io = io};
    flume_log *log = NULL;
    flume_error error;

    if (flume_log_open(&log, WORLD_BASIN, &options, &error) != FLUME_OK)
        fail_msg("open: %s", error.message);
    return log;
}

/* Seal all of it, and keep the files. */
static void take_basin(flume_log *log, flume_io *io, struct model *model)
{
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(log, &(flume_seal_call){.active = true}, NULL), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    model_take_file(model, io, "flume.conf");
    model_take_file(model, io, "LOCK");
    model_take_file(model, io, "TAIL");
    model_take_log(model, io);
    io_memory_destroy(io);
}

static int repair(struct world *world, flume_error *error)
{
    flume_check_options options = {.allocator = &world->memory.table, .io = &world->fault.table};

    return flume_repair(WORLD_BASIN, FLUME_REPAIR_SALVAGE, &options, NULL, error);
}

/* With a failure it answers so, in words, or is done all the same. Whether there was none left to
 * meet: then it is done. */
static bool is_over(struct world *world, bool *out_repaired)
{
    flume_error error = {.status = FLUME_OK};
    int status = repair(world, &error);
    bool failed = faultio_heal(&world->fault) > 0 || world->memory.failed > 0;

    fault_memory_plan(&world->memory, 0, FAULT_ONCE);
    assert_true(status == FLUME_OK || (failed && error.message[0] != '\0'));
    assert_int_equal(world->memory.live_blocks, 0);
    *out_repaired = status == FLUME_OK;
    return !failed;
}

/* Whatever has failed before. */
static void expect_repaired(struct world *world, bool is_repaired)
{
    flume_check_options options = {.io = &world->io};
    flume_error error;

    if (!is_repaired)
        assert_int_equal(repair(world, &error), FLUME_OK);
    assert_int_equal(flume_check(WORLD_BASIN, &options, NULL, &error), FLUME_OK);
}

static struct sealed_footer footer_of(struct world *world, const char *name)
{
    char path[128];
    uint8_t page[STRATA_PAGE_BYTES];
    struct sealed_footer footer;
    flume_io_stat file_stat;
    int file;

    (void)snprintf(path, sizeof path, "%s/%s", WORLD_BASIN, name);
    file = world->io.open(world->io.ctx, path, FLUME_IO_READ);
    assert_true(file >= 0);
    assert_int_equal(world->io.stat(world->io.ctx, file, &file_stat), 0);
    assert_int_equal(world->io.pread(world->io.ctx, file, page, sizeof page,
                                     file_stat.bytes - STRATA_PAGE_BYTES),
                     sizeof page);
    world->io.close(world->io.ctx, file);
    assert_int_equal(sealed_footer_decode(page, &footer), FLUME_OK);
    return footer;
}

/* --- Thousands of records --------------------------------------------------------------------- */

enum { MANY = 2200, SETTLE_EVERY = 64 };

/* As a strata of their own. */
static void append_empty(flume_log *log, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(flume_log_append(log, "", 0, NULL), FLUME_OK);
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(log, &(flume_seal_call){.active = true}, NULL), FLUME_OK);
}

/* Stand-ins take 32 bytes each, and a block of them is no larger than others are. */
static void stand_ins_for_thousands_come_in_blocks_of_the_usual_size(void **state)
{
    struct model model = {.count = 0};
    const char *name;
    bool over = false, repaired;
    uint64_t count;
    flume_log *log;
    flume_io io;

    (void)state;
    assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
    log = open_basin(&io, 128 << 10);
    append_empty(log, 10);
    append_empty(log, MANY);
    append_empty(log, 10);
    take_basin(log, &io, &model);
    name = model_strata(&model, 1, "strata")->name;
    count = model.strata[2] - model.strata[1];
    assert_true(count * 32 > SEALED_BLOCK_BYTES_DEFAULT);
    for (uint64_t nth = 1; !over; nth++) {
        struct sealed_footer footer;
        struct world world;

        world_begin(&world, &model);
        world_remove(&world, name);
        fault_memory_plan(&world.memory, nth, FAULT_ONCE);
        over = is_over(&world, &repaired);
        if (over || nth % SETTLE_EVERY == 0) {
            expect_repaired(&world, repaired);
            footer = footer_of(&world, name);
            assert_int_equal(footer.count, count);
            assert_int_equal(footer.block_count, (count * 32 + SEALED_BLOCK_BYTES_DEFAULT - 1) /
                                                     SEALED_BLOCK_BYTES_DEFAULT);
        }
        world_end(&world);
        assert_string_equal(world.complaint, "");
    }
    model_forget(&model);
}

/* --- Bodies of half a buffer ------------------------------------------------------------------ */

enum { LARGE_BYTES = 550 << 10, SMALL_BYTES = 2100, SMALL_COUNT = 3 };

static void fill_random(uint8_t *target, size_t bytes, uint64_t seed)
{
    for (size_t i = 0; i < bytes; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        target[i] = (uint8_t)(seed >> 56);
    }
}

/* A large record; a batch of some small ones and a large one; a large one. In one strata. Where the
 * batch begins. */
static uint64_t make_large(struct model *model)
{
    uint8_t *body = malloc(LARGE_BYTES);
    flume_entry batch[SMALL_COUNT + 1];
    uint64_t first;
    flume_log *log;
    flume_io io;

    assert_non_null(body);
    fill_random(body, LARGE_BYTES, 7);
    assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
    log = open_basin(&io, 4 << 20);
    for (size_t i = 0; i < 2; i++) /* The first strata may be too small for the rest. */
        assert_int_equal(flume_log_append(log, body, LARGE_BYTES, NULL), FLUME_OK);
    for (size_t i = 0; i < SMALL_COUNT; i++)
        batch[i] = (flume_entry){.body = body + i, .body_bytes = SMALL_BYTES};
    batch[SMALL_COUNT] = (flume_entry){.body = body, .body_bytes = LARGE_BYTES};
    assert_int_equal(flume_log_append_many(log, batch, SMALL_COUNT + 1, NULL, &first), FLUME_OK);
    assert_int_equal(flume_log_append(log, body, LARGE_BYTES, NULL), FLUME_OK);
    take_basin(log, &io, model);
    free(body);
    return first;
}

/* Change a byte of the block that holds a record. */
static void damage_block(struct world *world, const struct model_file *file, uint64_t seq)
{
    struct sealed_footer footer;
    const struct sealed_section *index;
    struct sealed_block_entry entry = {.file_offset = 0};
    uint8_t byte;

    assert_int_equal(sealed_footer_decode(file->data + file->bytes - STRATA_PAGE_BYTES, &footer),
                     FLUME_OK);
    index = sealed_section_find(&footer, SEALED_SECTION_BLOCKS);
    for (uint32_t i = 0; i < footer.block_count; i++) {
        struct sealed_block_entry next;

        sealed_block_entry_decode(file->data + index->offset + (size_t)i * SEALED_BLOCK_ENTRY_BYTES,
                                  &next);
        if (footer.first_seq + next.first_ordinal <= seq)
            entry = next;
    }
    byte = file->data[entry.file_offset + 60] ^ 1;
    world_write(world, file->name, entry.file_offset + 60, &byte, 1);
}

/* One record is lost, and what is left of its batch is marked. */
static void expect_large(struct world *world, bool is_repaired, uint64_t first)
{
    flume_log *log;

    expect_repaired(world, is_repaired);
    log = open_basin(&world->io, 0);
    for (uint64_t seq = first; seq < first + SMALL_COUNT + 2; seq++) {
        flume_record record;
        int status = flume_log_get(log, seq, &record);

        if (seq == first) {
            assert_int_equal(status, FLUME_ERR_LOST);
            continue;
        }
        assert_int_equal(status, FLUME_OK);
        assert_int_equal((record.flags & FLUME_RECORD_BROKEN) != 0, seq <= first + SMALL_COUNT);
        flume_record_release(&record);
    }
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

static void blocks_that_do_not_fit_into_one_buffer_are_written_or_refused(void **state)
{
    struct model model = {.count = 0};
    uint64_t first = make_large(&model);
    const struct model_file *file;
    size_t index = model.strata_count - 1;
    bool over = false, repaired;

    (void)state;
    assert_true(model.strata[index] < first); /* A large one is before it. */
    file = model_strata(&model, index, "strata");
    assert_true(file->bytes > 3 * (size_t)LARGE_BYTES);
    for (uint64_t nth = 1; !over; nth++) {
        struct world world;

        world_begin(&world, &model);
        damage_block(&world, file, first);
        faultio_plan(&world.fault, (struct fault_plan){FAULT_PWRITE, nth, -EIO, FAULT_ONCE});
        over = is_over(&world, &repaired);
        if (over || nth % SETTLE_EVERY == 1)
            expect_large(&world, repaired, first);
        world_end(&world);
        assert_string_equal(world.complaint, "");
    }
    model_forget(&model);
}

/* --- More than a thousand blocks -------------------------------------------------------------- */

enum { BLOCKS = 1100, APPENDED_MAX = 8000 };

/* Records of a block each, until the newest strata has enough of them: the first ones are smaller.
 * The newest seq. */
static uint64_t append_blocks(flume_log *log, uint8_t body[SMALL_BYTES])
{
    flume_strata_info info = {.records = 0};
    uint64_t seq = 0;

    for (unsigned i = 0; info.records < BLOCKS; i++) {
        assert_true(i < APPENDED_MAX);
        assert_int_equal(flume_log_append(log, body, SMALL_BYTES, &seq), FLUME_OK);
        if (i % 50 == 0)
            assert_int_equal(flume_log_strata(log, seq, &info), FLUME_OK);
    }
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    return seq;
}

static void a_strata_of_more_than_a_thousand_blocks_is_sealed_and_read(void **state)
{
    uint8_t body[SMALL_BYTES];
    flume_strata_info info;
    flume_log *log;
    uint64_t newest;
    flume_io io;

    (void)state;
    fill_random(body, sizeof body, 11);
    assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
    log = open_basin(&io, 4 << 20);
    newest = append_blocks(log, body);
    assert_int_equal(flume_log_seal(log, &(flume_seal_call){.active = true}, NULL), FLUME_OK);
    assert_int_equal(flume_log_strata(log, newest, &info), FLUME_OK);
    assert_true(info.sealed);
    assert_true(info.block_count > 1024);
    for (uint64_t seq = info.first_seq + 1; seq <= newest; seq += 60) {
        flume_record record;

        assert_int_equal(flume_log_get(log, seq, &record), FLUME_OK);
        assert_int_equal(record.body_bytes, sizeof body);
        assert_memory_equal(record.body, body, sizeof body);
        flume_record_release(&record);
    }
    assert_int_equal(flume_log_close(log), FLUME_OK);
    io_memory_destroy(&io);
}

/* --- One strata that takes a while ------------------------------------------------------------ */

struct told {
    uint64_t last;
    uint64_t step; /* The most that was done between two times. */
};

static int hear(void *ctx, uint64_t done, uint64_t total)
{
    struct told *told = ctx;

    (void)total;
    if (done - told->last > told->step)
        told->step = done - told->last;
    told->last = done;
    return 0;
}

static void progress_is_told_within_a_large_strata(void **state)
{
    enum { BODY_BYTES = 1 << 20, BODIES = 40 };
    struct told told = {0};
    flume_check_options options = {.progress = hear, .ctx = &told};
    flume_check_report report = {0};
    uint64_t chance = 1;
    uint8_t *body = malloc(BODY_BYTES);
    flume_log *log;
    flume_io io;

    (void)state;
    assert_non_null(body);
    assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
    options.io = &io;
    log = open_basin(&io, 64 << 20);
    for (unsigned i = 0; i < BODIES; i++) {
        for (size_t at = 0; at < BODY_BYTES; at++) { /* What does not shrink. */
            chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
            body[at] = (uint8_t)(chance >> 56);
        }
        assert_int_equal(flume_log_append(log, body, BODY_BYTES, NULL), FLUME_OK);
    }
    assert_int_equal(flume_log_sync(log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_seal(log, &(flume_seal_call){.active = true}, NULL), FLUME_OK);
    assert_int_equal(flume_log_close(log), FLUME_OK);
    assert_int_equal(flume_check(WORLD_BASIN, &options, &report, NULL), FLUME_OK);
    assert_int_equal(report.records, BODIES + report.strata);
    assert_int_equal(told.last, report.bytes);
    assert_true(told.step < 10 << 20); /* The largest strata has more than twice as much. */
    io_memory_destroy(&io);
    free(body);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(stand_ins_for_thousands_come_in_blocks_of_the_usual_size),
        cmocka_unit_test(blocks_that_do_not_fit_into_one_buffer_are_written_or_refused),
        cmocka_unit_test(a_strata_of_more_than_a_thousand_blocks_is_sealed_and_read),
        cmocka_unit_test(progress_is_told_within_a_large_strata),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
