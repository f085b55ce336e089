/*
 * test_get_many.c - several records at once: the same as one by one.
 */
#include "log_fixture.h"

#include <errno.h>

#include "faultio.h"
#include "flume/seal.h"
#include "strata_file.h"

enum { RECORDS = 3000, ASKED = 1000, BODY_BYTES_SPAN = 700 };

/* Strata of the least size, so that what is asked for lies in many. */
static void fill_many_strata(struct log_fixture *fx, uint64_t seqs[RECORDS])
{
    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    for (unsigned i = 0; i < RECORDS; i++)
        seqs[i] = append_bytes(fx->log, i * 37 % BODY_BYTES_SPAN, i);
}

static void expect_many(flume_log *log, const uint64_t all[RECORDS])
{
    static flume_record records[ASKED];
    uint64_t asked[ASKED];
    unsigned numbers[ASKED];
    uint8_t body[BODY_BYTES_SPAN];
    size_t count;

    for (unsigned i = 0; i < ASKED; i++) { /* Here and there; some twice. */
        numbers[i] = i * i * 7919u % RECORDS;
        asked[i] = all[numbers[i]];
    }
    assert_int_equal(flume_log_get_many(log, asked, ASKED, records, &count), FLUME_OK);
    assert_int_equal(count, ASKED);
    for (unsigned i = 0; i < ASKED; i++) {
        size_t bytes = numbers[i] * 37 % BODY_BYTES_SPAN;

        fill_bytes(body, bytes, numbers[i]);
        assert_true(records[i].seq == asked[i]);
        assert_int_equal(records[i].body_bytes, bytes);
        assert_memory_equal(records[i].body, body, bytes);
        flume_record_release(&records[i]);
    }
}

static void records_from_many_strata_come_in_the_order_asked(void **state)
{
    struct log_fixture *fx = *state;
    static uint64_t seqs[RECORDS];

    fill_many_strata(fx, seqs);
    expect_many(fx->log, seqs);
    reopen_log(fx); /* No strata has been used yet. */
    expect_many(fx->log, seqs);
    fx->options.io_mode = FLUME_IO_PWRITE;
    reopen_log(fx);
    expect_many(fx->log, seqs);
}

static void the_first_that_cannot_be_read_is_told_by_the_count(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t first = append_numbered(fx->log, 40);
    uint64_t seqs[40];
    flume_record records[40];
    flume_record bad;
    size_t count = 77;

    for (unsigned i = 0; i < 40; i++)
        seqs[i] = first + i;
    seqs[21] = flume_log_head(fx->log);
    assert_int_equal(flume_log_get_many(fx->log, seqs, 40, records, &count), FLUME_ERR_NOT_FOUND);
    assert_int_equal(count, 21);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "has no seq");
    assert_int_equal(flume_log_get(fx->log, first + 5, &bad), FLUME_OK);
    zero_file(strata_path(fx, "basin.flume", 0), bad.offset + 8, 8);
    flume_record_release(&bad);
    assert_int_equal(flume_log_get_many(fx->log, seqs, 40, records, &count), FLUME_ERR_DAMAGED);
    assert_int_equal(count, 5);
    seqs[5] = FLUME_SEQ_NONE;
    assert_int_equal(flume_log_get_many(fx->log, seqs, 40, records, &count), FLUME_ERR_NOT_FOUND);
    assert_int_equal(count, 5);
}

static void sizes_that_lie_are_not_believed(void **state)
{
    static const uint8_t huge[4] = {0xff, 0xff, 0xff, 0x7f};
    struct log_fixture *fx = *state;
    uint64_t first = append_numbered(fx->log, 3);
    uint64_t seqs[3] = {first, first + 1, first + 2};
    flume_record records[3];
    flume_record last;
    size_t count;

    assert_int_equal(flume_log_get(fx->log, first + 2, &last), FLUME_OK);
    write_file(strata_path(fx, "basin.flume", 0), last.offset + 20, huge, sizeof huge);
    flume_record_release(&last);
    assert_int_equal(flume_log_get_many(fx->log, seqs, 3, records, &count), FLUME_ERR_DAMAGED);
    assert_int_equal(count, 2);
}

/* One of them to no place at all, one behind the end: the records are found without them. */
static void slots_that_lead_nowhere_are_not_believed(void **state)
{
    static const uint8_t nowhere[8] = {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    struct log_fixture *fx = *state;
    uint64_t first = append_numbered(fx->log, 4);
    uint64_t seqs[4] = {first, first + 1, first + 2, first + 3};
    char path[LOG_FIXTURE_PATH_BYTES];
    flume_record records[4];
    size_t count;

    assert_int_equal(flume_log_get_many(fx->log, seqs, 4, records, &count), FLUME_OK);
    for (unsigned i = 0; i < 4; i++)
        flume_record_release(&records[i]);
    (void)snprintf(path, sizeof path, "%s", strata_path(fx, "basin.flume", 0));
    memcpy(strstr(path, ".strata"), ".slots", sizeof ".slots");
    write_file(path, (first + 1) * sizeof(uint32_t), nowhere, sizeof nowhere);
    assert_int_equal(flume_log_get_many(fx->log, seqs, 4, records, &count), FLUME_OK);
    assert_int_equal(count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(records[i].seq == seqs[i] && records[i].body_bytes == 1);
        assert_int_equal(*(const char *)records[i].body, '0' + i);
        flume_record_release(&records[i]);
    }
}

/* Another handle has begun a strata, and log/ cannot be listed. */
static void what_cannot_be_looked_up_is_told_and_read_later(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;
    flume_log *reader;
    flume_record record;
    uint64_t seq;
    size_t count = 77;

    open_log(fx);
    faultio_init(&fault, flume_io_posix());
    fx->options.io = &fault.table;
    reader = open_other(fx, FLUME_OPEN_READ_ONLY);
    (void)append_text(fx->log, "before");
    faultio_plan(&fault, (struct fault_plan){FAULT_LIST, 1, -EMFILE, FAULT_LASTING});
    assert_int_equal(flume_log_seal(fx->log, &(flume_seal_call){.active = true}, NULL), FLUME_OK);
    seq = append_text(fx->log, "behind");
    assert_int_equal(flume_log_get_many(reader, &seq, 1, &record, &count), FLUME_ERR_IO);
    assert_int_equal(count, 0);
    expect_error(reader, FLUME_ERR_IO, "list");
    (void)faultio_heal(&fault);
    assert_int_equal(flume_log_get_many(reader, &seq, 1, &record, &count), FLUME_OK);
    assert_true(record_is(&record, "behind"));
    flume_record_release(&record);
    close_handle(reader);
    faultio_deinit(&fault);
}

static void nothing_asked_for_is_nothing_read(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seq = append_text(fx->log, "one");
    flume_record record;
    size_t count = 7;

    assert_int_equal(flume_log_get_many(fx->log, NULL, 0, NULL, &count), FLUME_OK);
    assert_int_equal(count, 0);
    assert_int_equal(flume_log_get_many(fx->log, NULL, 1, &record, &count), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_get_many(fx->log, &seq, 1, NULL, &count), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_get_many(fx->log, &seq, 1, &record, NULL), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_get_many(NULL, &seq, 1, &record, &count), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_get_many(fx->log, &seq, 1, &record, &count), FLUME_OK);
    assert_int_equal(count, 1);
    assert_true(record_is(&record, "one"));
    flume_record_release(&record);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(records_from_many_strata_come_in_the_order_asked),
        log_test(the_first_that_cannot_be_read_is_told_by_the_count),
        log_test(sizes_that_lie_are_not_believed),
        log_test(slots_that_lead_nowhere_are_not_believed),
        closed_log_test(what_cannot_be_looked_up_is_told_and_read_later),
        log_test(nothing_asked_for_is_nothing_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
