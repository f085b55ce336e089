/*
 * test_fault_sealed_repair.c - a repair that writes a sealed strata anew meets a failure at every
 * place there is.
 *
 * With each call and each request for memory failing once, it answers with an error and words, or
 * is done; and a repair in health that comes behind makes the very file that one makes where
 * nothing has failed before.
 */
#include "sealed_damage.h"

#include <errno.h>

#include "faultio.h"
#include "repair_expect.h"

enum {
    SOME = 1,
    SETTLE_EVERY = 8 /* After so many failures a repair in health. */
};

struct damaged {
    struct damage_fixture *fx;
    struct sealed_parts bad, wanted; /* As damaged, and as a repair makes it. */
};

static int repair_with(struct damage_fixture *fx, const flume_io *io,
                       const flume_allocator *allocator)
{
    flume_check_options options = {
        .finding = keep_finding, .ctx = fx, .io = io, .allocator = allocator};

    fx->found_count = 0;
    return flume_repair(fx->basin, FLUME_REPAIR_SALVAGE, &options, &fx->report, &fx->error);
}

static void put_bad(const struct damaged *damaged)
{
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_write(damaged->fx, SOME, &damaged->bad);
    file_path(damaged->fx, "lost+found", path); /* Of one name it keeps only so many. */
    (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/%020" PRIu64 ".strata",
                   damaged->fx->strata[SOME]);
    (void)unlink(path);
}

static void expect_wanted(const struct damaged *damaged)
{
    struct sealed_parts now;

    expect_status(damaged->fx, repair(damaged->fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    sealed_parts_read(damaged->fx, SOME, &now);
    assert_int_equal(now.count, damaged->wanted.count);
    /* When it was sealed may stand in the damaged footer page alone. */
    now.footer.sealed_ns = damaged->wanted.footer.sealed_ns;
    sealed_parts_forge(&now);
    assert_memory_equal(now.bytes, damaged->wanted.bytes, (size_t)now.count);
    sealed_parts_release(&now);
}

static void fail_memory_everywhere(const struct damaged *damaged)
{
    bool failed = true;

    for (uint64_t nth = 1; failed; nth++) {
        struct fault_memory memory;
        int status;

        fault_memory_init(&memory);
        put_bad(damaged);
        fault_memory_plan(&memory, nth, FAULT_ONCE);
        status = repair_with(damaged->fx, NULL, &memory.table);
        failed = memory.failed > 0;
        assert_true(status == FLUME_OK || (failed && status == FLUME_ERR_NO_MEMORY));
        assert_true(status == FLUME_OK || damaged->fx->error.message[0] != '\0');
        assert_int_equal(memory.live_blocks, 0);
        fault_memory_deinit(&memory);
        if (failed && nth % SETTLE_EVERY == 0)
            expect_wanted(damaged);
    }
}

static void fail_calls_everywhere(const struct damaged *damaged, enum fault_call call, int result)
{
    bool failed = true;

    for (uint64_t nth = 1; failed; nth++) {
        struct faultio fault;
        int status;

        faultio_init(&fault, flume_io_posix());
        put_bad(damaged);
        faultio_plan(&fault, (struct fault_plan){call, nth, result, FAULT_ONCE});
        status = repair_with(damaged->fx, &fault.table, NULL);
        failed = faultio_heal(&fault) > 0;
        if (status != FLUME_OK && (!failed || damaged->fx->error.message[0] == '\0'))
            fail_msg("%s %" PRIu64 ": %s", fault_call_name(call), nth, damaged->fx->error.message);
        assert_int_equal(fault.open_files, 0);
        assert_int_equal(fault.open_maps, 0);
        faultio_deinit(&fault);
        if (failed && nth % SETTLE_EVERY == 0)
            expect_wanted(damaged);
    }
}

/* The calls that a repair makes besides reading, those of writing a file first. */
static const enum fault_call calls[] = {FAULT_PWRITE, FAULT_SYNC,           FAULT_OPEN,
                                        FAULT_STAT,   FAULT_SYNC_DIRECTORY, FAULT_RANDOM,
                                        FAULT_LIST,   FAULT_RENAME,         FAULT_MAKE_DIRECTORY};
enum { CALLS_OF_WRITING = 2, CALLS = sizeof calls / sizeof calls[0] };

/* The strata is damaged as it lies there. */
static void fail_everywhere(struct damage_fixture *fx, size_t call_count)
{
    struct damaged damaged = {.fx = fx};
    char path[FIXTURE_PATH_BYTES];
    struct stat file_stat;

    assert_int_equal(stat(strata_path(fx, SOME, "strata", path), &file_stat), 0);
    damaged.bad.count = (uint64_t)file_stat.st_size;
    damaged.bad.bytes = malloc((size_t)damaged.bad.count);
    assert_non_null(damaged.bad.bytes);
    read_bytes(path, damaged.bad.bytes, (size_t)damaged.bad.count, 0);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    sealed_parts_read(fx, SOME, &damaged.wanted);
    for (size_t i = 0; i < call_count; i++)
        fail_calls_everywhere(&damaged, calls[i], -EMFILE);
    fail_memory_everywhere(&damaged);
    sealed_parts_release(&damaged.bad);
    sealed_parts_release(&damaged.wanted);
}

static void a_strata_of_which_a_section_and_a_block_are_damaged(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    (void)strata_path(fx, SOME, "strata", path);
    flip_bit(path, sealed_section_find(&parts.footer, SEALED_SECTION_GRAINS)->offset);
    flip_bit(path, sealed_parts_block(&parts, 2).file_offset + 9);
    sealed_parts_release(&parts);
    fail_everywhere(fx, CALLS);
}

static void a_strata_of_which_both_pages_are_damaged(void **state)
{
    struct damage_fixture *fx = *state;
    struct sealed_parts parts;
    char path[FIXTURE_PATH_BYTES];

    sealed_parts_read(fx, SOME, &parts);
    (void)strata_path(fx, SOME, "strata", path);
    flip_bit(path, 100);
    flip_bit(path, parts.count - 100);
    sealed_parts_release(&parts);
    fail_everywhere(fx, CALLS_OF_WRITING);
}

/* A page and the one cell that could restore it, between the two pages that say where it is; the
 * new one gets parity again. */
static void a_strata_with_parity_that_does_not_suffice(void **state)
{
    struct damage_fixture *fx = *state;
    const struct sealed_section *parity;
    struct sealed_parts parts;

    sealed_parts_read(fx, SOME, &parts);
    parity = sealed_section_find(&parts.footer, SEALED_SECTION_PARITY);
    memset(parts.bytes + STRATA_DATA_AT, 0,
           (size_t)sealed_section_find(&parts.footer, SEALED_SECTION_MERKLE)->offset -
               STRATA_DATA_AT);
    memset(parts.bytes + parity->offset + STRATA_PAGE_BYTES, 0, STRATA_PAGE_BYTES);
    sealed_parts_write(fx, SOME, &parts);
    sealed_parts_release(&parts);
    fail_everywhere(fx, CALLS_OF_WRITING);
}

/* --- What is written is not what is there ----------------------------------------------------- */

/* The POSIX table, which turns a bit of what is written into new files. */
struct liar {
    flume_io io;
    uint64_t at;
    unsigned lies;
};

static int64_t lying_pwrite(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    struct liar *liar = ctx;
    uint8_t *copy;
    int64_t result;

    if (liar->at < offset || liar->at >= offset + bytes || bytes < STRATA_PAGE_BYTES)
        return flume_io_posix()->pwrite(NULL, file, source, bytes, offset);
    copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, source, bytes);
    copy[liar->at - offset] ^= 1;
    liar->lies++;
    result = flume_io_posix()->pwrite(NULL, file, copy, bytes, offset);
    free(copy);
    return result;
}

static void what_does_not_read_back_is_not_put_in_place(void **state)
{
    struct damage_fixture *fx = *state;
    struct liar liar = {.io = *flume_io_posix(), .at = STRATA_DATA_AT + 50};
    struct sealed_parts sound, bad;
    char path[FIXTURE_PATH_BYTES];
    uint8_t *now;

    sealed_parts_read(fx, SOME, &sound);
    sealed_parts_read(fx, SOME, &bad);
    bad.bytes[sealed_section_find(&bad.footer, SEALED_SECTION_GRAINS)->offset] ^= 1;
    sealed_parts_write(fx, SOME, &bad);
    liar.io.ctx = &liar; /* The POSIX functions do not look at it. */
    liar.io.pwrite = lying_pwrite;
    assert_int_equal(repair_with(fx, &liar.io, NULL), FLUME_ERR_IO);
    assert_true(liar.lies > 0);
    assert_non_null(strstr(fx->error.message, "did not read back as it was written"));
    now = malloc((size_t)bad.count);
    assert_non_null(now);
    read_bytes(strata_path(fx, SOME, "strata", path), now, (size_t)bad.count, 0);
    assert_memory_equal(now, bad.bytes, (size_t)bad.count); /* As it was before. */
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    read_bytes(path, now, (size_t)sound.count, 0);
    assert_memory_equal(now, sound.bytes, (size_t)sound.count);
    free(now);
    sealed_parts_release(&sound);
    sealed_parts_release(&bad);
}

static int refuse_link(void *ctx, const char *target, const char *path)
{
    (void)ctx;
    (void)target;
    (void)path;
    return -EIO;
}

/* What is written anew of a file that lies elsewhere gets a link of its own first. */
static void where_no_link_can_be_made_the_file_stays_as_it_is(void **state)
{
    struct damage_fixture *fx = *state;
    flume_io io = *flume_io_posix();
    struct sealed_parts sound;
    char path[FIXTURE_PATH_BYTES], away[FIXTURE_PATH_BYTES];
    uint8_t *now;

    sealed_parts_read(fx, SOME, &sound);
    (void)snprintf(away, sizeof away, "%s/away.strata", fx->root);
    assert_int_equal(rename(strata_path(fx, SOME, "strata", path), away), 0);
    assert_int_equal(symlink("../../away.strata", path), 0); /* It counts from root/b.flume/log/. */
    flip_bit(path, sealed_section_find(&sound.footer, SEALED_SECTION_GRAINS)->offset);
    io.make_link = refuse_link;
    assert_int_equal(repair_with(fx, &io, NULL), FLUME_ERR_IO);
    expect_status(fx, check(fx), FLUME_ERR_DAMAGED);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    assert_true(readlink(path, away, sizeof away) > 0);
    now = malloc((size_t)sound.count);
    assert_non_null(now);
    read_bytes(path, now, (size_t)sound.count, 0);
    assert_memory_equal(now, sound.bytes, (size_t)sound.count);
    free(now);
    sealed_parts_release(&sound);
}

static int refuse_random(void *ctx, void *target, size_t bytes)
{
    (void)ctx;
    (void)target;
    (void)bytes;
    return -EIO;
}

/* What stands in for a strata that is lost gets a salt of its own. */
static void without_chance_a_lost_strata_gets_no_stand_in_yet(void **state)
{
    struct damage_fixture *fx = *state;
    flume_io io = *flume_io_posix();
    char path[FIXTURE_PATH_BYTES];

    assert_int_equal(unlink(strata_path(fx, SOME, "strata", path)), 0);
    io.random = refuse_random;
    assert_int_equal(repair_with(fx, &io, NULL), FLUME_ERR_IO);
    assert_non_null(strstr(fx->error.message, "random bytes"));
    assert_int_equal(access(path, F_OK), -1);
    expect_status(fx, repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    expect_sound(fx);
    expect_lost(fx, fx->strata[SOME], fx->strata[SOME + 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sealed_test(a_strata_of_which_a_section_and_a_block_are_damaged),
        sealed_test(a_strata_of_which_both_pages_are_damaged),
        cmocka_unit_test_setup_teardown(a_strata_with_parity_that_does_not_suffice,
                                        sealed_parity_setup, damage_teardown),
        sealed_test(what_does_not_read_back_is_not_put_in_place),
        sealed_test(where_no_link_can_be_made_the_file_stays_as_it_is),
        sealed_test(without_chance_a_lost_strata_gets_no_stand_in_yet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
