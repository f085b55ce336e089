/*
 * test_mutants_gap.c - that each safety step is enough where it is the only one.
 *
 * What was acknowledged is told by witnesses in grains, by strata headers and by the tail gate;
 * that a grain is the right one, by its check, its ordinal and its sizes. As a rule several of them
 * agree, so that one which is missing goes unnoticed: here only one is left.
 */
#include "log_fixture.h"

#include <errno.h>

#include "faultio.h"
#include "seal_fixture.h"

enum {
    RECORDS = 20,
    RECORD_BYTES = 100,
    DAMAGED_SEQ = 5,
    GRAIN_HEADER = 32,
    BODY_BYTES_AT = 20,
    LARGE_BYTES = 200000 /* Two of them are written by two calls. */
};

/* Records 1 .. RECORDS, synced when asked: the tail gate knows of the first one at most. */
static void append_and_sync(struct log_fixture *fx)
{
    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    open_log(fx);
    for (unsigned i = 1; i <= RECORDS; i++) {
        assert_int_equal(append_bytes(fx->log, RECORD_BYTES, i), i);
        if (i == 1) /* From here on the strata's name is synced, and the gate stays as it is. */
            assert_int_equal(flume_log_sync(fx->log, i), FLUME_OK);
    }
    assert_int_equal(flume_log_sync(fx->log, RECORDS), FLUME_OK);
    assert_int_equal(flume_log_durable(fx->log), RECORDS + 1);
}

static void a_witness_behind_a_bad_record_makes_it_damage_and_no_torn_tail(void **state)
{
    struct log_fixture *fx = *state;
    flume_record record;
    flume_log_stat_info info;
    flume_log *log = NULL;

    append_and_sync(fx);
    (void)append_text(fx->log, "the witness");
    assert_int_equal(flume_log_get(fx->log, DAMAGED_SEQ, &record), FLUME_OK);
    (void)copy_after_power_cut(fx, "copy.flume");
    zero_file(strata_path(fx, "copy.flume", 0), record.offset, GRAIN_HEADER);
    flume_record_release(&record);
    assert_int_equal(flume_log_open(&log, fixture_path(fx, "copy.flume"), NULL, NULL), FLUME_OK);
    info = stat_of(log);
    assert_true(info.recovery.damaged);
    assert_false(info.recovery.torn);
    assert_int_equal(info.recovery.damaged_seq, DAMAGED_SEQ);
    assert_int_equal(flume_log_head(log), RECORDS + 2);
    expect_get(log, DAMAGED_SEQ, FLUME_ERR_DAMAGED);
    expect_bytes(log, DAMAGED_SEQ + 1, RECORD_BYTES, DAMAGED_SEQ + 1);
    expect_text(log, RECORDS + 1, "the witness");
    close_handle(log);
}

static void the_gate_is_brought_up_when_a_strata_is_full(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *log = NULL;
    uint64_t last = 0;

    fx->options.profile = FLUME_PROFILE_FORGETFUL;
    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    while (stat_of(fx->log).strata_count < 3)
        last = append_bytes(fx->log, 1000, 1);
    assert_int_equal(flume_log_sync(fx->log, last), FLUME_OK);
    (void)copy_after_power_cut(fx, "copy.flume");
    run_command("find '%s/log' -name '*.strata' ! -name '00000000000000000000.strata' -delete",
                fixture_path(fx, "copy.flume"));
    assert_int_equal(flume_log_open(&log, fixture_path(fx, "copy.flume"), NULL, NULL), FLUME_OK);
    assert_true(flume_log_head(log) < last);
    assert_int_equal(flume_log_append(log, "x", 1, NULL), FLUME_ERR_TAIL_LOST);
    close_handle(log);
}

static void the_gate_is_brought_up_at_a_clean_close(void **state)
{
    struct log_fixture *fx = *state;
    flume_record record;
    uint64_t offset;

    append_and_sync(fx);
    assert_int_equal(flume_log_get(fx->log, DAMAGED_SEQ, &record), FLUME_OK);
    offset = record.offset;
    flume_record_release(&record);
    close_log(fx);
    zero_file(strata_path(fx, "basin.flume", 0), offset, RECORDS * 2 * RECORD_BYTES);
    run_command("rm '%s/HEAD'", fx->path);
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), DAMAGED_SEQ);
    assert_int_equal(flume_log_append(fx->log, "x", 1, NULL), FLUME_ERR_TAIL_LOST);
}

static void after_a_clean_close_the_last_record_must_still_be_there(void **state)
{
    struct log_fixture *fx = *state;
    flume_record record;
    uint64_t offset;

    append_and_sync(fx);
    assert_int_equal(flume_log_get(fx->log, RECORDS, &record), FLUME_OK);
    offset = record.offset;
    flume_record_release(&record);
    close_log(fx);
    zero_file(strata_path(fx, "basin.flume", 0), offset, GRAIN_HEADER);
    open_log(fx);
    assert_true(stat_of(fx->log).recovery.damaged);
    assert_int_equal(flume_log_append(fx->log, "x", 1, NULL), FLUME_ERR_DAMAGED);
}

/* A later, shorter append must not make a record of what an earlier one left behind it. */
static void a_batch_that_fails_half_way_leaves_zeros_behind_the_end(void **state)
{
    struct log_fixture *fx = *state;
    uint8_t *body = malloc(LARGE_BYTES);
    flume_entry entries[2] = {{.body = body, .body_bytes = LARGE_BYTES},
                              {.body = body, .body_bytes = LARGE_BYTES}};
    struct fault_plan plan = {.call = FAULT_PWRITE, .nth = 2, .result = -EIO};
    struct faultio *fault = malloc(sizeof *fault);
    flume_record record;
    uint64_t end, last;

    assert_non_null(body);
    assert_non_null(fault);
    fill_bytes(body, LARGE_BYTES, 1);
    faultio_init(fault, flume_io_posix());
    fx->options.io = &fault->table;
    fx->options.io_mode = FLUME_IO_PWRITE;
    fx->options.seal = &seal_on_request; /* Who seals meanwhile would take the failures. */
    append_and_sync(fx);
    assert_int_equal(flume_log_get(fx->log, RECORDS, &record), FLUME_OK);
    end = record.offset + GRAIN_HEADER + RECORD_BYTES;
    flume_record_release(&record);
    faultio_plan(fault, plan);
    assert_int_equal(flume_log_append_many(fx->log, entries, 2, NULL, NULL), FLUME_ERR_IO);
    assert_int_equal(faultio_heal(fault), 1);
    assert_int_equal(flume_log_head(fx->log), RECORDS + 1);
    assert_int_equal(flume_log_last(fx->log, FLUME_KIND_MESSAGE, &last), FLUME_OK);
    assert_int_equal(last, RECORDS);
    read_file(strata_path(fx, "basin.flume", 0), end, body, LARGE_BYTES);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        assert_int_equal(body[i], 0);
    close_log(fx); /* The table lives no longer than this test. */
    fx->options.io = NULL;
    faultio_deinit(fault);
    free(fault);
    free(body);
}

/* The slots of two records, exchanged: a hint that is wrong, and sound bytes behind it. */
static void a_slot_that_leads_to_another_record_is_not_believed(void **state)
{
    struct log_fixture *fx = *state;
    const char *path;
    uint8_t slots[2][4];

    append_and_sync(fx);
    close_log(fx);
    path = fixture_path(fx, "basin.flume/log/00000000000000000000.slots");
    read_file(path, DAMAGED_SEQ * sizeof slots[0], slots, sizeof slots);
    write_file(path, DAMAGED_SEQ * sizeof slots[0], slots[1], sizeof slots[1]);
    write_file(path, (DAMAGED_SEQ + 1) * sizeof slots[0], slots[0], sizeof slots[0]);
    open_log(fx);
    for (unsigned i = 1; i <= RECORDS; i++)
        expect_bytes(fx->log, i, RECORD_BYTES, i);
}

static void a_size_that_reaches_beyond_the_file_is_damage(void **state)
{
    static const uint8_t largest[] = {0, 0, 0, 1}; /* 16 MiB; the strata has one. */
    struct log_fixture *fx = *state;
    flume_record record;
    uint64_t offset;

    append_and_sync(fx);
    assert_int_equal(flume_log_get(fx->log, RECORDS, &record), FLUME_OK);
    offset = record.offset;
    flume_record_release(&record);
    write_file(strata_path(fx, "basin.flume", 0), offset + BODY_BYTES_AT, largest, sizeof largest);
    expect_get(fx->log, RECORDS, FLUME_ERR_DAMAGED);
    expect_bytes(fx->log, RECORDS - 1, RECORD_BYTES, RECORDS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(a_witness_behind_a_bad_record_makes_it_damage_and_no_torn_tail),
        closed_log_test(the_gate_is_brought_up_at_a_clean_close),
        closed_log_test(after_a_clean_close_the_last_record_must_still_be_there),
        closed_log_test(a_batch_that_fails_half_way_leaves_zeros_behind_the_end),
        closed_log_test(a_slot_that_leads_to_another_record_is_not_believed),
        closed_log_test(a_size_that_reaches_beyond_the_file_is_damage),
        closed_log_test(the_gate_is_brought_up_when_a_strata_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
