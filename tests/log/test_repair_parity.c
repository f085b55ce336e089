/*
 * test_repair_parity.c - flume_check() names damage to sealed strata that have parity,
 * flume_repair() brings back the very bytes; beyond what the parity allows, everything else still
 * reads.
 *
 *   FLUME_TEST_LONG=1  1,000 places of damage of each size instead of 6
 */
#include "mend_fixture.h"

static unsigned places(void)
{
    return getenv("FLUME_TEST_LONG") != NULL ? 1000 : 6;
}

static int check(struct mend_basin *basin)
{
    flume_check_options options = {.finding = mend_on_finding, .ctx = basin, .io = &basin->io};
    flume_check_report report;

    basin->finding_count = basin->findings_told = 0;
    return flume_check(basin->fx->path, &options, &report, &basin->fx->error);
}

static int repair(struct mend_basin *basin, enum flume_repair_policy policy,
                  flume_check_report *out_report)
{
    flume_check_options options = {.finding = mend_on_finding, .ctx = basin, .io = &basin->io};

    basin->finding_count = basin->findings_told = 0;
    return flume_repair(basin->fx->path, policy, &options, out_report, &basin->fx->error);
}

/* Whether a finding is about a file and a place in it. */
static bool is_named(const struct mend_basin *basin, const struct mend_file *file, uint64_t offset)
{
    const char *name = strstr(file->path, "/log/") + 1;

    for (size_t i = 0; i < basin->finding_count; i++) {
        const struct mend_finding *found = &basin->findings[i];

        if (found->kind == FLUME_FINDING_PARITY && strcmp(found->file, name) == 0 &&
            found->offset <= offset && offset < found->offset + found->bytes)
            return true;
    }
    return false;
}

static void expect_sound(struct mend_basin *basin)
{
    assert_int_equal(check(basin), FLUME_OK);
    assert_int_equal(basin->findings_told, 0);
}

static void expect_repaired(struct mend_basin *basin)
{
    flume_check_report report;

    assert_int_equal(repair(basin, FLUME_REPAIR_SALVAGE, &report), FLUME_OK);
    assert_true(report.sound);
    assert_int_equal(report.damaged, 0);
    assert_int_equal(report.lost, 0);
    for (size_t i = 0; i < basin->file_count; i++)
        assert_true(mend_is_as_it_was(&basin->files[i]));
    expect_sound(basin);
}

static void one_place(struct mend_basin *basin, uint64_t bytes)
{
    struct mend_file *file = &basin->files[mend_chance(basin, basin->file_count)];
    uint64_t offset = mend_chance(basin, file->was.count);

    mend_damage(basin, file, offset, bytes);
    assert_int_equal(check(basin), FLUME_ERR_DAMAGED);
    assert_true(is_named(basin, file, offset));
    expect_repaired(basin);
}

static void anywhere(struct log_fixture *fx, unsigned parity)
{
    static const uint64_t sizes[] = {1, 4 << 10, 64 << 10};
    struct mend_basin *basin = calloc(1, sizeof *basin);
    uint64_t records;

    assert_non_null(basin);
    mend_make(fx, parity, 2, 2, basin);
    expect_sound(basin);
    open_log(fx);
    records = fingerprint(fx->log);
    close_log(fx);
    for (size_t size = 0; size < 3; size++) {
        for (unsigned i = 0; i < places(); i++) {
            one_place(basin, sizes[size]);
            if (i % 100 == 99) /* Nothing is kept twice under one name, and names come to an end. */
                run_command("rm -rf '%s/lost+found'", fx->path);
        }
    }
    open_log(fx);
    assert_true(fingerprint(fx->log) == records);
    close_log(fx);
    mend_release(basin);
    free(basin);
}

static void damage_anywhere_is_named_and_repaired_by_parity_in_the_file(void **state)
{
    anywhere(*state, FLUME_PARITY_FILE);
}

static void damage_anywhere_is_named_and_repaired_by_parity_beside_it(void **state)
{
    anywhere(*state, FLUME_PARITY_SOFT);
}

static void a_dry_run_says_that_nothing_would_be_lost(void **state)
{
    struct log_fixture *fx = *state;
    struct mend_basin *basin = calloc(1, sizeof *basin);
    flume_check_report report;

    assert_non_null(basin);
    mend_make(fx, FLUME_PARITY_FILE, 0, 0, basin);
    mend_damage(basin, mend_first(basin), 6000, 4);
    assert_int_equal(repair(basin, FLUME_REPAIR_DRY_RUN, &report), FLUME_ERR_DAMAGED);
    assert_int_equal(basin->findings_told, 1);
    assert_string_equal(basin->findings[0].action, "would be restored bit for bit");
    assert_false(mend_is_as_it_was(mend_first(basin)));
    expect_repaired(basin);
    mend_release(basin);
    free(basin);
}

/* How many records of the log read, and how many say that they are damaged. */
static void count_records(struct log_fixture *fx, uint64_t *out_good, uint64_t *out_bad)
{
    uint64_t head = flume_log_head(fx->log);

    *out_good = *out_bad = 0;
    for (uint64_t seq = 0; seq < head; seq++) {
        flume_record record;
        int status = flume_log_get(fx->log, seq, &record);

        assert_true(status == FLUME_OK || status == FLUME_ERR_DAMAGED || status == FLUME_ERR_LOST);
        *(status == FLUME_OK ? out_good : out_bad) += 1;
        if (status == FLUME_OK)
            flume_record_release(&record);
    }
}

/* Three cells in a row, of which one stripe of one parity cell can give back none. */
static void beyond_the_parity_the_records_are_named_and_all_others_read(void **state)
{
    struct log_fixture *fx = *state;
    struct mend_basin *basin = calloc(1, sizeof *basin);
    uint64_t good, bad, named = 0;
    bool is_told = false;

    assert_non_null(basin);
    mend_make(fx, FLUME_PARITY_SOFT, 128, 1, basin);
    mend_damage(basin, mend_first(basin), 10000, 10000);
    assert_int_equal(check(basin), FLUME_ERR_DAMAGED);
    for (size_t i = 0; i < basin->finding_count; i++) {
        const struct mend_finding *found = &basin->findings[i];

        if (found->kind == FLUME_FINDING_PARITY)
            is_told |= strstr(found->message, "more than its parity can restore") != NULL;
        else if (found->kind == FLUME_FINDING_DAMAGED_RECORD)
            named++;
    }
    assert_true(is_told);
    assert_true(named > 0);
    open_log(fx);
    count_records(fx, &good, &bad);
    assert_true(bad > 0 && bad < 400);
    assert_true(good > bad);
    close_log(fx);
    mend_release(basin);
    free(basin);
}

/* The strata that was written anew has parity again. */
static void expect_one_byte_is_restored(struct mend_basin *basin)
{
    struct mend_file *file = mend_first(basin);
    flume_check_report report;

    whole_file_release(&file->was);
    file->was = read_whole(file->path);
    mend_damage(basin, file, 9000, 1);
    assert_int_equal(check(basin), FLUME_ERR_DAMAGED);
    assert_int_equal(repair(basin, FLUME_REPAIR_SALVAGE, &report), FLUME_OK);
    assert_true(mend_is_as_it_was(file));
}

/* What the parity cannot give back becomes stand-ins, what it can is not among them, and instead of
 * the parity of the file that was there is one of the file that is. */
static void beyond_the_parity_repair_restores_what_it_can(void **state)
{
    static const unsigned parities[] = {FLUME_PARITY_FILE, FLUME_PARITY_SOFT};

    for (size_t i = 0; i < 2; i++) {
        struct log_fixture *fx = *state;
        struct mend_basin *basin = calloc(1, sizeof *basin);
        flume_check_report report;
        uint64_t good, bad;

        assert_non_null(basin);
        if (i > 0)
            run_command("rm -rf '%s'", fx->path);
        mend_make(fx, parities[i], 128, 1, basin);
        mend_damage(basin, mend_first(basin), 10000, 10000);
        mend_damage(basin, &basin->files[parities[i] == FLUME_PARITY_SOFT ? 2 : 1], 10000, 1);
        assert_int_equal(repair(basin, FLUME_REPAIR_SALVAGE, &report), FLUME_OK);
        assert_true(mend_is_as_it_was(&basin->files[parities[i] == FLUME_PARITY_SOFT ? 2 : 1]));
        if (parities[i] == FLUME_PARITY_SOFT)
            assert_false(mend_is_as_it_was(mend_first_side(basin))); /* It was the other file's. */
        assert_int_equal(check(basin), FLUME_OK);
        for (size_t f = 0; f < basin->finding_count; f++)
            assert_int_not_equal(basin->findings[f].kind, FLUME_FINDING_PARITY);
        expect_one_byte_is_restored(basin);
        open_log(fx);
        count_records(fx, &good, &bad);
        assert_true(bad > 0 && good > bad);
        close_log(fx);
        mend_release(basin);
        free(basin);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(damage_anywhere_is_named_and_repaired_by_parity_in_the_file),
        closed_log_test(damage_anywhere_is_named_and_repaired_by_parity_beside_it),
        closed_log_test(a_dry_run_says_that_nothing_would_be_lost),
        closed_log_test(beyond_the_parity_the_records_are_named_and_all_others_read),
        closed_log_test(beyond_the_parity_repair_restores_what_it_can),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
