/*
 * test_vetting.c - what the careful profiles refuse to write to.
 *
 * The basin of damage_fixture.h was closed in order, so HEAD vouches for its newest strata and
 * opening alone reads next to nothing: whatever is refused here, vetting has found.
 */
#include "damage_fixture.h"

#include <errno.h>

#include "faultio.h"

static int open_status(struct damage_fixture *fx, enum flume_profile profile, unsigned flags)
{
    flume_log_options options = {.profile = profile, .flags = flags, .io = fx->io};
    flume_log *log = NULL;
    int status = flume_log_open(&log, fx->basin, &options, &fx->error);

    if (status == FLUME_OK)
        assert_int_equal(flume_log_close(log), FLUME_OK);
    else
        assert_null(log);
    return status;
}

static void expect_refused(struct damage_fixture *fx, enum flume_profile profile, uint64_t seq,
                           const char *word)
{
    int status = open_status(fx, profile, 0);

    if (status != FLUME_ERR_DAMAGED || strstr(fx->error.message, word) == NULL)
        fail_msg("%s: \"%s\" instead of damage: \"%s\"", flume_status_name(status),
                 fx->error.message, word);
    assert_int_equal(fx->error.status, FLUME_ERR_DAMAGED);
    assert_int_equal(fx->error.seq, seq);
}

static void expect_opens(struct damage_fixture *fx, enum flume_profile profile)
{
    if (open_status(fx, profile, 0) != FLUME_OK)
        fail_msg("profile %d: %s", profile, fx->error.message);
}

/* Refused by both careful profiles; the others, and reading, go on. */
static void expect_both_refuse(struct damage_fixture *fx, uint64_t seq, const char *word)
{
    expect_refused(fx, FLUME_PROFILE_SAFE, seq, word);
    expect_refused(fx, FLUME_PROFILE_PARANOID, seq, word);
    assert_int_equal(open_status(fx, FLUME_PROFILE_SAFE, FLUME_OPEN_READ_ONLY), FLUME_OK);
    assert_int_equal(open_status(fx, FLUME_PROFILE_PARANOID, FLUME_OPEN_READ_ONLY), FLUME_OK);
    expect_opens(fx, FLUME_PROFILE_CASUAL);
}

static void run_in_log(const struct damage_fixture *fx, const char *command)
{
    char text[FIXTURE_PATH_BYTES + 256];

    (void)snprintf(text, sizeof text, "cd '%s/log' && %s", fx->basin, command);
    assert_int_equal(system(text), 0);
}

/* Bits of the header page of a strata, turned over, and the page made to fit its check again. */
static void change_header(struct damage_fixture *fx, size_t index, size_t offset, uint8_t bits)
{
    char path[FIXTURE_PATH_BYTES];
    uint8_t page[STRATA_PAGE_BYTES];

    (void)strata_path(fx, index, "strata", path);
    read_bytes(path, page, sizeof page, 0);
    page[offset] ^= bits;
    put_le64(page + sizeof page - 8, hash_bytes(page, sizeof page - 8, 0));
    write_bytes(path, page, sizeof page, 0);
}

/* --- What is sound ---------------------------------------------------------------------------- */

static void a_sound_log_opens_under_every_profile(void **state)
{
    struct damage_fixture *fx = *state;

    for (int profile = FLUME_PROFILE_FORGETFUL; profile <= FLUME_PROFILE_PARANOID; profile++)
        expect_opens(fx, (enum flume_profile)profile);
}

static void so_does_one_beside_a_writer_that_goes_on(void **state)
{
    struct damage_fixture *fx = *state;
    flume_log *log = open_log(fx, 0);

    for (unsigned i = 0; i < 20; i++) {
        append_records(log, 20); /* Also new strata: their footers are written as we look. */
        expect_opens(fx, i % 2 == 0 ? FLUME_PROFILE_SAFE : FLUME_PROFILE_PARANOID);
    }
    assert_int_equal(flume_log_close(log), FLUME_OK);
}

static void a_torn_slot_of_the_gate_is_no_reason_to_refuse(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];
    uint64_t generations[2];
    unsigned older;

    file_path(fx, "TAIL", path);
    read_bytes(path, &generations[0], sizeof generations[0], 8);
    read_bytes(path, &generations[1], sizeof generations[1], STRATA_PAGE_BYTES + 8);
    older = generations[0] < generations[1] ? 0 : 1;
    flip_bit(path, older * (uint64_t)STRATA_PAGE_BYTES + 16);
    expect_opens(fx, FLUME_PROFILE_SAFE);
    expect_opens(fx, FLUME_PROFILE_PARANOID);
}

static void a_missing_footer_is_no_reason_to_refuse(void **state)
{
    static const uint8_t zeros[STRATA_PAGE_BYTES];
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    write_bytes(strata_path(fx, 1, "strata", path), zeros, sizeof zeros,
                strata_limit(STRATA_BYTES));
    expect_opens(fx, FLUME_PROFILE_SAFE);
    expect_opens(fx, FLUME_PROFILE_PARANOID);
}

static void what_repair_has_salvaged_opens_again(void **state)
{
    struct damage_fixture *fx = *state;

    damage_record(fx, 30);
    expect_refused(fx, FLUME_PROFILE_PARANOID, 30, "");
    assert_int_equal(repair(fx, FLUME_REPAIR_SALVAGE), FLUME_OK);
    expect_opens(fx, FLUME_PROFILE_SAFE);
    expect_opens(fx, FLUME_PROFILE_PARANOID);
}

static void a_basin_in_memory_needs_no_look(void **state)
{
    flume_log *log = NULL;

    (void)state;
    for (int profile = FLUME_PROFILE_SAFE; profile <= FLUME_PROFILE_PARANOID; profile++) {
        flume_log_options options = {.profile = (enum flume_profile)profile};

        assert_int_equal(flume_log_open(&log, ":memory:", &options, NULL), FLUME_OK);
        assert_int_equal(flume_log_append(log, "x", 1, NULL), FLUME_OK);
        assert_int_equal(flume_log_close(log), FLUME_OK);
    }
}

/* --- What both refuse ------------------------------------------------------------------------- */

static void a_missing_strata_is_refused_naming_its_first_seq(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    assert_int_equal(unlink(strata_path(fx, 1, "strata", path)), 0);
    expect_both_refuse(fx, fx->strata[1], "is missing");
}

static void so_is_a_missing_first_strata(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    assert_int_equal(unlink(strata_path(fx, 0, "strata", path)), 0);
    expect_both_refuse(fx, 0, "is missing");
}

static void a_damaged_header_is_refused(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    flip_bit(strata_path(fx, 1, "strata", path), 100);
    expect_both_refuse(fx, fx->strata[1], "has a damaged header");
}

static void a_strata_that_is_too_short_is_refused(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];

    assert_int_equal(truncate(strata_path(fx, 1, "strata", path), STRATA_BYTES - 8), 0);
    expect_both_refuse(fx, fx->strata[1], "is shorter");
}

static void a_strata_of_another_history_is_refused(void **state)
{
    struct damage_fixture *fx = *state;

    change_header(fx, 1, 56, 0xff); /* Its id: the next header names another one. */
    assert_int_equal(open_status(fx, FLUME_PROFILE_SAFE, 0), FLUME_ERR_DAMAGED);
    assert_non_null(strstr(fx->error.message, "log/"));
    assert_int_equal(open_status(fx, FLUME_PROFILE_PARANOID, 0), FLUME_ERR_DAMAGED);
    expect_opens(fx, FLUME_PROFILE_CASUAL);
}

static void a_strata_whose_footer_counts_too_few_is_refused(void **state)
{
    struct damage_fixture *fx = *state;
    char path[FIXTURE_PATH_BYTES];
    uint8_t page[STRATA_PAGE_BYTES];
    struct strata_footer footer;

    (void)strata_path(fx, 1, "strata", path);
    read_bytes(path, page, sizeof page, strata_limit(STRATA_BYTES));
    assert_true(strata_footer_decode(page, &footer));
    footer.count -= 2;
    strata_footer_encode(page, &footer);
    write_bytes(path, page, sizeof page, strata_limit(STRATA_BYTES));
    expect_both_refuse(fx, fx->strata[1], "its footer does not agree with its records");
}

static void a_foreign_file_in_the_log_is_refused(void **state)
{
    struct damage_fixture *fx = *state;

    run_in_log(fx, "echo hello > notes.txt");
    expect_both_refuse(fx, FLUME_SEQ_NONE, "log/notes.txt is no file of a log");
}

static void a_strata_from_the_future_is_refused_as_such(void **state)
{
    struct damage_fixture *fx = *state;

    change_header(fx, 1, 32, 1); /* An incompatible feature. */
    assert_int_equal(open_status(fx, FLUME_PROFILE_SAFE, 0), FLUME_ERR_VERSION);
    assert_int_equal(open_status(fx, FLUME_PROFILE_PARANOID, 0), FLUME_ERR_VERSION);
    expect_opens(fx, FLUME_PROFILE_CASUAL);
}

/* --- What only paranoid sees ------------------------------------------------------------------ */

static void a_damaged_record_is_refused_by_paranoid_naming_its_seq(void **state)
{
    struct damage_fixture *fx = *state;

    damage_record(fx, 30);
    expect_refused(fx, FLUME_PROFILE_PARANOID, 30, "log/");
    expect_opens(fx, FLUME_PROFILE_SAFE); /* It looks at no record. */
}

static void of_several_the_first_one_is_named(void **state)
{
    struct damage_fixture *fx = *state;

    damage_record(fx, fx->strata[2] + 1);
    damage_record(fx, fx->strata[1] + 1);
    expect_refused(fx, FLUME_PROFILE_PARANOID, fx->strata[1] + 1, "");
}

/* --- When looking fails ----------------------------------------------------------------------- */

static void what_cannot_be_read_is_an_io_error_and_leaves_nothing_open(void **state)
{
    struct damage_fixture *fx = *state;
    struct faultio fault;
    uint64_t calls;

    faultio_init(&fault, flume_io_posix());
    fx->io = &fault.table;
    expect_opens(fx, FLUME_PROFILE_SAFE);
    calls = fault.counts[FAULT_LIST];
    assert_true(calls > 0);
    for (uint64_t nth = 1; nth <= calls; nth++) {
        int status;

        faultio_plan(&fault, (struct fault_plan){FAULT_LIST, nth, -EIO, FAULT_ONCE});
        status = open_status(fx, FLUME_PROFILE_SAFE, 0);
        if (status != FLUME_OK) { /* Sweeping leftovers is best effort. */
            assert_int_equal(status, FLUME_ERR_IO);
            assert_int_equal(fx->error.system_errno, EIO);
        }
        (void)faultio_heal(&fault);
        assert_int_equal(fault.open_files, 0);
        assert_int_equal(fault.open_maps, 0);
    }
    fx->io = NULL;
    faultio_deinit(&fault);
}

static void without_memory_to_look_it_is_refused(void **state)
{
    struct damage_fixture *fx = *state;
    struct fault_memory memory;
    uint64_t requests;

    fault_memory_init(&memory);
    for (uint64_t nth = 1;; nth++) {
        flume_log_options options = {.profile = FLUME_PROFILE_PARANOID, .allocator = &memory.table};
        flume_log *log = NULL;
        int status;

        fault_memory_plan(&memory, nth, FAULT_ONCE);
        status = flume_log_open(&log, fx->basin, &options, &fx->error);
        requests = atomic_load(&memory.failed);
        fault_memory_plan(&memory, 0, FAULT_ONCE);
        if (status == FLUME_OK)
            assert_int_equal(flume_log_close(log), FLUME_OK);
        else
            assert_int_equal(status, FLUME_ERR_NO_MEMORY);
        assert_int_equal(atomic_load(&memory.live_blocks), 0);
        if (requests == 0)
            break; /* It needed fewer. */
    }
    fault_memory_deinit(&memory);
}

#define damage_test(function) \
    cmocka_unit_test_setup_teardown(function, damage_setup, damage_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        damage_test(a_sound_log_opens_under_every_profile),
        damage_test(so_does_one_beside_a_writer_that_goes_on),
        damage_test(a_torn_slot_of_the_gate_is_no_reason_to_refuse),
        damage_test(a_missing_footer_is_no_reason_to_refuse),
        damage_test(what_repair_has_salvaged_opens_again),
        cmocka_unit_test(a_basin_in_memory_needs_no_look),
        damage_test(a_missing_strata_is_refused_naming_its_first_seq),
        damage_test(so_is_a_missing_first_strata),
        damage_test(a_damaged_header_is_refused),
        damage_test(a_strata_that_is_too_short_is_refused),
        damage_test(a_strata_of_another_history_is_refused),
        damage_test(a_strata_whose_footer_counts_too_few_is_refused),
        damage_test(a_foreign_file_in_the_log_is_refused),
        damage_test(a_strata_from_the_future_is_refused_as_such),
        damage_test(a_damaged_record_is_refused_by_paranoid_naming_its_seq),
        damage_test(of_several_the_first_one_is_named),
        damage_test(what_cannot_be_read_is_an_io_error_and_leaves_nothing_open),
        damage_test(without_memory_to_look_it_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
