/*
 * test_mend.c - what the parity of sealed strata can restore in a basin is restored to the very
 * bytes; what it cannot is told, and left.
 *
 *   FLUME_TEST_LONG=1  1,000 places of damage of each size instead of 10
 */
#include "mend_fixture.h"

#include <errno.h>
#include <unistd.h>

#include "bytes.h"
#include "faultio.h"
#include "memory.h"
#include "mend.h"
#include "parity.h"

static unsigned places(void)
{
    return getenv("FLUME_TEST_LONG") != NULL ? 1000 : 10;
}

/* --- Asking --- */

enum asked { ASK_LOOK, ASK_DRY, ASK_RESTORE, ASK_SETTLE };

static int try_ask(struct mend_basin *basin, enum asked asked, const flume_allocator *allocator)
{
    flume_check_options options = {
        .finding = mend_on_finding, .ctx = basin, .allocator = allocator, .io = &basin->io};
    struct inspection inspection;
    struct mended mended = {0};
    flume_check_report report;
    int status;

    status = inspection_begin(&inspection, basin->fx->path, &options);
    basin->finding_count = basin->findings_told = 0;
    if (status == FLUME_OK && asked == ASK_LOOK)
        status = mend_look(&inspection, 0);
    else if (status == FLUME_OK && asked == ASK_SETTLE)
        status = mend_settle(&inspection);
    else if (status == FLUME_OK)
        status = mend_all(&inspection, asked == ASK_DRY ? MEND_TELL_ONLY : MEND_RESTORE, &mended);
    if (inspection.log != NULL)
        mended_release(&inspection, &mended);
    inspection_end(&inspection, status, &report, NULL);
    return status;
}

static void ask(struct mend_basin *basin, enum asked asked)
{
    assert_int_equal(try_ask(basin, asked, NULL), FLUME_OK);
}

static void expect_silence(struct mend_basin *basin)
{
    ask(basin, ASK_LOOK);
    assert_int_equal(basin->findings_told, 0);
}

/* Told by a look; restored to the very bytes; and then there is nothing to tell. */
static void expect_restored(struct mend_basin *basin)
{
    ask(basin, ASK_LOOK);
    assert_true(basin->findings_told > 0);
    ask(basin, ASK_RESTORE);
    assert_true(basin->findings_told > 0);
    for (size_t i = 0; i < basin->finding_count; i++) {
        assert_int_equal(basin->findings[i].kind, FLUME_FINDING_PARITY);
        assert_non_null(strstr(basin->findings[i].action, "restored bit for bit"));
    }
    for (size_t i = 0; i < basin->file_count; i++)
        assert_true(mend_is_as_it_was(&basin->files[i]));
    expect_silence(basin);
}

/* --- Damage --- */

static void damage_of_size_is_restored(struct mend_basin *basin, uint64_t bytes)
{
    for (unsigned i = 0; i < places(); i++) {
        /* Of the first strata, for that is the one looked at. */
        bool beside = basin->file_count > 2 && strstr(basin->files[1].path, ".parity") != NULL;
        struct mend_file *file = &basin->files[beside ? i % 2 : 0];

        mend_undo(basin);
        mend_damage(basin, file, mend_chance(basin, file->was.count), bytes);
        expect_restored(basin);
    }
}

static void damage_is_restored(struct log_fixture *fx, unsigned parity)
{
    struct mend_basin *basin = calloc(1, sizeof *basin);

    assert_non_null(basin);
    mend_make(fx, parity, 2, 2, basin);
    expect_silence(basin);
    damage_of_size_is_restored(basin, 1);
    damage_of_size_is_restored(basin, 4 << 10);
    damage_of_size_is_restored(basin, 64 << 10);
    mend_release(basin);
    free(basin);
}

static void damage_is_restored_by_parity_in_the_file(void **state)
{
    damage_is_restored(*state, FLUME_PARITY_FILE);
}

static void damage_is_restored_by_parity_beside_it(void **state)
{
    damage_is_restored(*state, FLUME_PARITY_SOFT);
}

static void damage_is_restored_by_both(void **state)
{
    damage_is_restored(*state, FLUME_PARITY_FILE | FLUME_PARITY_SOFT);
}

static struct mend_basin *make(struct log_fixture *fx, unsigned parity)
{
    struct mend_basin *basin = calloc(1, sizeof *basin);

    assert_non_null(basin);
    mend_make(fx, parity, 0, 0, basin);
    return basin;
}

static void drop(struct mend_basin *basin)
{
    mend_release(basin);
    free(basin);
}

static void both_pages_that_say_what_the_file_is_may_be_damaged(void **state)
{
    static const unsigned parities[] = {FLUME_PARITY_FILE, FLUME_PARITY_SOFT};
    struct mend_file *file;

    for (size_t i = 0; i < 2; i++) {
        struct log_fixture *fx = *state;
        struct mend_basin *basin = calloc(1, sizeof *basin);

        if (i > 0)
            run_command("rm -rf '%s'", fx->path);
        assert_non_null(basin);
        mend_make(fx, parities[i], 8, 3, basin);
        file = mend_first(basin);
        mend_damage(basin, file, 100, 1);
        mend_damage(basin, file, file->was.count - 50, 1);
        expect_restored(basin);
        drop(basin);
    }
}

static void a_file_cut_short_or_too_long_gets_its_length_back(void **state)
{
    struct mend_basin *basin = make(*state, FLUME_PARITY_FILE | FLUME_PARITY_SOFT);
    struct mend_file *file = mend_first(basin);

    mend_cut(file, file->was.count - 5000);
    expect_restored(basin);
    write_file(file->path, file->was.count, "behind the end", 14);
    mend_damage(basin, file, 9000, 1);
    expect_restored(basin);
    drop(basin);
}

/* Four cells of one stripe are gone: more than two of parity restore. */
static void what_is_beyond_parity_is_told_and_left(void **state)
{
    struct mend_basin *basin = make(*state, FLUME_PARITY_SOFT);
    struct mend_file *file = mend_first(basin);
    struct whole_file before, after;

    mend_damage(basin, file, 0, file->was.count);
    before = read_whole(file->path);
    ask(basin, ASK_LOOK);
    assert_true(basin->findings_told > 0);
    assert_non_null(strstr(basin->findings[0].message, "more than its parity can restore"));
    ask(basin, ASK_RESTORE);
    assert_int_equal(basin->findings_told, 0); /* The survey will name the records. */
    after = read_whole(file->path);
    assert_int_equal(after.count, before.count);
    assert_memory_equal(after.bytes, before.bytes, before.count);
    whole_file_release(&before);
    whole_file_release(&after);
    drop(basin);
}

static void what_one_parity_lacks_the_other_restores(void **state)
{
    struct log_fixture *fx = *state;
    struct mend_basin *basin = calloc(1, sizeof *basin);
    struct mend_file *file, *side;

    assert_non_null(basin);
    mend_make(fx, FLUME_PARITY_FILE | FLUME_PARITY_SOFT, 8, 2, basin);
    file = mend_first(basin);
    side = mend_first_side(basin);
    /* All of the parity within is gone; so is the first half of the one beside it. */
    mend_damage(basin, file, 8192, 3);
    mend_damage(basin, side, 4096, 1);
    expect_restored(basin);
    drop(basin);
}

/* --- Telling and keeping --- */

static void a_dry_run_tells_and_changes_nothing(void **state)
{
    struct mend_basin *basin = make(*state, FLUME_PARITY_FILE);
    struct mend_file *file = mend_first(basin);
    struct whole_file before, after;

    mend_damage(basin, file, 5000, 1);
    before = read_whole(file->path);
    ask(basin, ASK_DRY);
    assert_int_equal(basin->findings_told, 1);
    assert_string_equal(basin->findings[0].action, "would be restored bit for bit");
    assert_string_equal(basin->findings[0].file, "log/00000000000000000000.strata");
    assert_int_equal(basin->findings[0].offset, 4096);
    assert_int_equal(basin->findings[0].bytes, 4096);
    after = read_whole(file->path);
    assert_memory_equal(after.bytes, before.bytes, before.count);
    whole_file_release(&before);
    whole_file_release(&after);
    drop(basin);
}

static void the_damaged_file_is_kept(void **state)
{
    struct log_fixture *fx = *state;
    struct mend_basin *basin = make(fx, FLUME_PARITY_SOFT);
    struct mend_file *file = mend_first(basin);
    struct whole_file before, kept;

    mend_damage(basin, file, 5000, 1);
    before = read_whole(file->path);
    ask(basin, ASK_RESTORE);
    kept = read_whole(fixture_path(fx, "basin.flume/lost+found/00000000000000000000.strata"));
    assert_int_equal(kept.count, before.count);
    assert_memory_equal(kept.bytes, before.bytes, before.count);
    whole_file_release(&before);
    whole_file_release(&kept);
    assert_int_equal(count_files(fixture_path(fx, "basin.flume/log"), ".tmp"), 0);
    drop(basin);
}

static void strata_without_parity_have_nothing_to_tell(void **state)
{
    struct mend_basin *basin = make(*state, FLUME_PARITY_NONE);

    mend_damage(basin, mend_first(basin), 5000, 1);
    expect_silence(basin);
    ask(basin, ASK_RESTORE);
    assert_int_equal(basin->findings_told, 0);
    assert_false(mend_is_as_it_was(mend_first(basin)));
    drop(basin);
}

static void a_side_file_that_is_none_is_told_and_made_anew(void **state)
{
    struct log_fixture *fx = *state;
    struct mend_basin *basin = make(fx, FLUME_PARITY_SOFT);
    struct mend_file *side = mend_first_side(basin);

    mend_damage(basin, side, 0, side->was.count);
    ask(basin, ASK_LOOK);
    assert_int_equal(basin->findings_told, 1);
    assert_non_null(strstr(basin->findings[0].message, "does not read as the parity"));
    ask(basin, ASK_SETTLE);
    assert_true(mend_is_as_it_was(side));
    assert_true(
        file_exists(fixture_path(fx, "basin.flume/lost+found/00000000000000000000.parity")));
    expect_silence(basin);
    drop(basin);
}

static void a_side_file_that_has_gone_is_told_and_made_anew(void **state)
{
    struct mend_basin *basin = make(*state, FLUME_PARITY_SOFT);
    struct mend_file *side = mend_first_side(basin);

    assert_int_equal(unlink(side->path), 0);
    ask(basin, ASK_LOOK);
    assert_int_equal(basin->findings_told, 1);
    assert_non_null(strstr(basin->findings[0].message, "00000000000000000000.parity is missing"));
    assert_string_equal(basin->findings[0].file, "log/00000000000000000000.parity");
    ask(basin, ASK_DRY);
    assert_int_equal(basin->findings_told, 1);
    assert_string_equal(basin->findings[0].action, "would be written anew");
    ask(basin, ASK_RESTORE);
    assert_int_equal(basin->findings_told, 1);
    assert_string_equal(basin->findings[0].action, "written anew");
    ask(basin, ASK_SETTLE);
    assert_true(mend_is_as_it_was(side));
    expect_silence(basin);
    drop(basin);
}

static void the_side_file_of_another_strata_is_not_believed(void **state)
{
    struct mend_basin *basin = make(*state, FLUME_PARITY_SOFT);
    struct mend_file *other = &basin->files[3];

    assert_non_null(strstr(other->path, ".parity"));
    run_command("cp '%s' '%s'", other->path, mend_first_side(basin)->path);
    ask(basin, ASK_LOOK);
    assert_int_equal(basin->findings_told, 1);
    ask(basin, ASK_RESTORE);
    assert_true(mend_is_as_it_was(mend_first(basin)));
    drop(basin);
}

static int64_t read_bytes(void *ctx, void *target, size_t bytes, uint64_t offset)
{
    const struct whole_file *file = ctx;

    memcpy(target, file->bytes + offset, bytes);
    return (int64_t)bytes;
}

static int write_bytes(void *ctx, const void *source, size_t bytes, uint64_t offset)
{
    write_file(ctx, offset, source, bytes);
    return FLUME_OK;
}

/* As long as the right one, of the same strata, and of a file that differs in one byte. */
static void a_side_file_that_the_parity_within_contradicts_is_not_believed(void **state)
{
    struct mend_basin *basin = make(*state, FLUME_PARITY_FILE | FLUME_PARITY_SOFT);
    struct mend_file *side = mend_first_side(basin);
    struct whole_file other = read_whole(mend_first(basin)->path);
    struct parity_file strata = {.read = read_bytes, .ctx = &other};
    struct parity_file target = {.write = write_bytes, .ctx = side->path};
    struct parity_settings settings = {.range_bytes = other.count,
                                       .section_at = PARITY_BESIDE,
                                       .data_cells = PARITY_DATA_CELLS,
                                       .parity_cells = PARITY_CELLS,
                                       .salt = get_le64(other.bytes + STRATA_SALT_AT)};

    memcpy(settings.strata_id, other.bytes + 56, sizeof settings.strata_id);
    other.bytes[5000] ^= 1;
    assert_int_equal(parity_encode(&settings, memory_default(), &strata, &target), FLUME_OK);
    whole_file_release(&other);
    ask(basin, ASK_LOOK);
    assert_int_equal(basin->findings_told, 1);
    assert_non_null(strstr(basin->findings[0].message, "does not read as the parity"));
    ask(basin, ASK_RESTORE);
    assert_true(mend_is_as_it_was(mend_first(basin)));
    ask(basin, ASK_SETTLE);
    assert_true(mend_is_as_it_was(side));
    expect_silence(basin);
    drop(basin);
}

/* The file is as it was damaged, in one byte, or as it was. */
static void expect_old_or_restored(struct mend_basin *basin, int status)
{
    const struct mend_file *file = mend_first(basin);
    struct whole_file is = read_whole(file->path);
    uint64_t different = 0;

    assert_int_equal(is.count, file->was.count);
    for (uint64_t i = 0; i < is.count; i++)
        different += is.bytes[i] != file->was.bytes[i];
    assert_true(different == 0 || (different == 1 && status != FLUME_OK));
    whole_file_release(&is);
}

static void no_memory_leaves_the_files_as_they_are(void **state)
{
    struct mend_basin *basin = make(*state, FLUME_PARITY_FILE);
    struct fault_memory memory;
    unsigned failures = 0;
    int status;

    fault_memory_init(&memory);
    do {
        mend_undo(basin);
        mend_damage(basin, mend_first(basin), 5000, 1);
        fault_memory_plan(&memory, failures + 1, FAULT_ONCE);
        status = try_ask(basin, ASK_RESTORE, &memory.table);
        assert_int_equal(memory.live_blocks, 0);
        assert_true(status == FLUME_OK || status == FLUME_ERR_NO_MEMORY);
        expect_old_or_restored(basin, status);
        assert_int_equal(count_files(fixture_path(basin->fx, "basin.flume/log"), ".tmp"), 0);
        failures++;
    } while (status != FLUME_OK);
    assert_true(failures > 20);
    fault_memory_deinit(&memory);
    drop(basin);
}

/* Both files are damaged. Whatever fails, the next restoring comes to the very bytes. */
static void fail_each(struct mend_basin *basin, enum fault_call call)
{
    struct fault_plan plan = {.call = call, .nth = 1, .result = -EIO};
    flume_io honest = basin->io;
    struct faultio fault;
    uint64_t injected;

    do {
        int status;

        mend_undo(basin);
        mend_damage(basin, mend_first(basin), 5000, 1);
        mend_damage(basin, mend_first_side(basin), 4096, 1);
        run_command("rm -rf '%s/lost+found'", basin->fx->path); /* It keeps only so many copies. */
        faultio_init(&fault, &honest);
        faultio_plan(&fault, plan);
        basin->io = fault.table;
        status = try_ask(basin, ASK_RESTORE, NULL);
        injected = faultio_heal(&fault);
        basin->io = honest;
        assert_true(status == FLUME_OK || status == FLUME_ERR_IO || status == FLUME_ERR_DAMAGED);
        assert_true(status == FLUME_OK || injected > 0);
        assert_int_equal(fault.open_files, 0);
        faultio_deinit(&fault);
        ask(basin, ASK_RESTORE);
        assert_true(mend_is_as_it_was(mend_first(basin)));
        assert_true(mend_is_as_it_was(mend_first_side(basin)));
        plan.nth++;
    } while (injected > 0);
    assert_true(plan.nth > 3);
}

static void a_call_that_fails_costs_no_byte(void **state)
{
    struct log_fixture *fx = *state;
    struct mend_basin *basin = calloc(1, sizeof *basin);

    assert_non_null(basin);
    mend_make(fx, FLUME_PARITY_FILE | FLUME_PARITY_SOFT, 8, 2, basin);
    fail_each(basin, FAULT_OPEN);
    fail_each(basin, FAULT_RENAME);
    fail_each(basin, FAULT_SYNC_DIRECTORY);
    drop(basin);
}

static int refuse_link(void *ctx, const char *target, const char *path)
{
    (void)ctx;
    (void)target;
    (void)path;
    return -EIO;
}

/* What is made beside a file that lies elsewhere gets a link of its own first. */
static void a_file_elsewhere_is_restored_there_or_stays_as_it_is(void **state)
{
    struct mend_basin *basin = make(*state, FLUME_PARITY_FILE);
    struct mend_file *file = mend_first(basin);
    const char *root = basin->fx->root;
    char was[PATH_MAX], is[PATH_MAX];

    run_command("mkdir '%s/away' && mv '%s' '%s/away/there.strata' && "
                "ln -s '%s/away/there.strata' '%s'",
                root, file->path, root, root, file->path);
    mend_damage(basin, file, 5000, 1);
    basin->io.make_link = refuse_link;
    assert_int_equal(try_ask(basin, ASK_RESTORE, NULL), FLUME_ERR_IO);
    basin->io.make_link = flume_io_posix()->make_link;
    assert_false(mend_is_as_it_was(file));
    assert_non_null(realpath(file->path, was));
    expect_restored(basin);
    assert_non_null(realpath(file->path, is));
    assert_string_not_equal(is, was); /* What is not of the basin's making is left alone. */
    *strrchr(is, '/') = *strrchr(was, '/') = '\0';
    assert_string_equal(is, was);
    drop(basin);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(damage_is_restored_by_parity_in_the_file),
        closed_log_test(damage_is_restored_by_parity_beside_it),
        closed_log_test(damage_is_restored_by_both),
        closed_log_test(both_pages_that_say_what_the_file_is_may_be_damaged),
        closed_log_test(a_file_cut_short_or_too_long_gets_its_length_back),
        closed_log_test(what_is_beyond_parity_is_told_and_left),
        closed_log_test(what_one_parity_lacks_the_other_restores),
        closed_log_test(a_dry_run_tells_and_changes_nothing),
        closed_log_test(the_damaged_file_is_kept),
        closed_log_test(strata_without_parity_have_nothing_to_tell),
        closed_log_test(a_side_file_that_is_none_is_told_and_made_anew),
        closed_log_test(a_side_file_that_has_gone_is_told_and_made_anew),
        closed_log_test(the_side_file_of_another_strata_is_not_believed),
        closed_log_test(a_side_file_that_the_parity_within_contradicts_is_not_believed),
        closed_log_test(no_memory_leaves_the_files_as_they_are),
        closed_log_test(a_call_that_fails_costs_no_byte),
        closed_log_test(a_file_elsewhere_is_restored_there_or_stays_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
