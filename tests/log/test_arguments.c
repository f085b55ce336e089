/*
 * test_arguments.c - calls that break a documented rule are refused and change nothing; NULL is
 * harmless where the headers say so.
 */
#include "log_fixture.h"

#include <unistd.h>

#include "faultio.h"
#include "flume/lane.h"
#include "flume/seal.h"

enum { CODEC_NUMBER = 20, BARE_NUMBER = 21, FAILING_NUMBER = 22 };

static void without_a_handle_nothing_happens(void **state)
{
    flume_error error = {.status = 7};
    flume_log_stat_info info;
    flume_record record;
    uint64_t seq = 99;

    (void)state;
    assert_int_equal(flume_log_open(NULL, "x", NULL, &error), FLUME_ERR_INVALID);
    assert_int_equal(error.status, FLUME_ERR_INVALID);
    assert_int_equal(flume_log_open(NULL, NULL, NULL, NULL), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_close(NULL), FLUME_OK);
    assert_int_equal(flume_log_append(NULL, "x", 1, &seq), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_append_many(NULL, NULL, 0, NULL, &seq), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_append_value(NULL, NULL, NULL, &seq), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_get(NULL, 0, &record), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_sync(NULL, 0), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_stat(NULL, &info), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_attached(NULL, NULL, 0), FLUME_ERR_INVALID);
    assert_int_equal(flume_cursor_next(NULL, 0, &record), FLUME_ERR_INVALID);
    assert_int_equal(flume_subscription_remembered(NULL, "x", &seq), FLUME_ERR_INVALID);
    assert_int_equal(flume_subscription_forget(NULL, "x"), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_head(NULL), 0);
    assert_int_equal(flume_log_durable(NULL), 0);
    assert_null(flume_log_codec_name(NULL, 0));
    assert_string_equal(flume_log_path(NULL), "");
    assert_int_equal(seq, 99);
    flume_value_release(NULL, 0, NULL);
    flume_log_error(NULL, &error);
    flume_cursor_close(NULL);
    flume_unsubscribe(NULL);
}

static void the_detail_may_be_left_out(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *log = NULL;

    (void)flume_log_append(fx->log, NULL, 1, NULL);
    flume_log_error(fx->log, NULL);
    assert_int_equal(flume_log_open(&log, fixture_path(fx, "none"), NULL, NULL),
                     FLUME_ERR_NO_BASIN);
    assert_int_equal(flume_check(fixture_path(fx, "none"), NULL, NULL, NULL), FLUME_ERR_NO_BASIN);
    assert_null(log);
}

static int take(void *ctx, const flume_record *record)
{
    (void)ctx;
    (void)record;
    return 0;
}

static void a_subscription_needs_a_callback_and_a_place(void **state)
{
    struct log_fixture *fx = *state;
    flume_subscription *subscription = NULL;

    assert_int_equal(flume_subscribe(fx->log, NULL, NULL, NULL, &subscription), FLUME_ERR_INVALID);
    assert_int_equal(flume_subscribe(fx->log, NULL, take, NULL, NULL), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "callback");
    assert_null(subscription);
}

static void entries_and_values_must_be_there(void **state)
{
    struct log_fixture *fx = *state;
    flume_entry entry = {.body = NULL, .body_bytes = 5};

    assert_int_equal(flume_log_append_entry(fx->log, NULL, NULL), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_append_value(fx->log, NULL, "x", NULL), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "entry is NULL");
    assert_int_equal(flume_log_append_many(fx->log, NULL, 1, NULL, NULL), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_append_entry(fx->log, &entry, NULL), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "NULL but not empty");
    assert_int_equal(flume_log_append_many(fx->log, NULL, 0, NULL, NULL), FLUME_OK);
    assert_int_equal(flume_log_head(fx->log), 0);
}

/* --- Codecs --- */

static int encode_nothing(void *ctx, const void *value, flume_sink sink, void *sink_ctx)
{
    (void)ctx;
    (void)value;
    return sink(sink_ctx, NULL, 0);
}

static int encode_too_much(void *ctx, const void *value, flume_sink sink, void *sink_ctx)
{
    static const uint8_t mebibyte[1 << 20];
    int status = FLUME_OK;

    (void)ctx;
    (void)value;
    for (unsigned i = 0; i < 17 && status == FLUME_OK; i++)
        status = sink(sink_ctx, mebibyte, sizeof mebibyte);
    return status;
}

static int decode_nothing(void *ctx, const void *data, size_t data_bytes, void **out_value)
{
    (void)ctx;
    (void)data;
    *out_value = NULL;
    return data_bytes == 0 ? FLUME_OK : FLUME_ERR_DAMAGED;
}

static const flume_codec codecs[] = {
    {.number = CODEC_NUMBER,
     .name = "nothing",
     .encode = encode_nothing,
     .decode = decode_nothing}, /* Nothing to release. */
    {.number = BARE_NUMBER, .name = "bare"},
    {.number = FAILING_NUMBER, .name = "failing", .encode = encode_too_much},
};

static void open_with_codecs(struct log_fixture *fx)
{
    fx->options.codecs = codecs;
    fx->options.codec_count = sizeof codecs / sizeof codecs[0];
    open_log(fx);
}

static void a_codec_may_be_without_what_it_does_not_need(void **state)
{
    struct log_fixture *fx = *state;
    flume_entry entry = {.codec = CODEC_NUMBER};
    flume_record record;
    uint64_t seq = 0;
    void *value = fx;

    open_with_codecs(fx);
    assert_string_equal(flume_log_codec_name(fx->log, BARE_NUMBER), "bare");
    assert_int_equal(flume_log_append_value(fx->log, &entry, NULL, &seq), FLUME_OK);
    assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
    assert_int_equal(record.body_bytes, 0);
    assert_int_equal(flume_record_decode(fx->log, &record, &value), FLUME_OK);
    assert_null(value);
    flume_value_release(fx->log, CODEC_NUMBER, value);
    flume_value_release(fx->log, 999, value); /* Not registered: nothing to do. */
    flume_record_release(&record);
}

static void a_codec_that_cannot_do_it_is_named(void **state)
{
    struct log_fixture *fx = *state;
    flume_entry entry = {.codec = BARE_NUMBER, .body = "x", .body_bytes = 1};
    flume_record record;
    uint64_t seq = 0;
    void *value;

    open_with_codecs(fx);
    assert_int_equal(flume_log_append_value(fx->log, &entry, "x", NULL), FLUME_ERR_NOT_FOUND);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "codec 21");
    assert_int_equal(flume_log_append_entry(fx->log, &entry, &seq), FLUME_OK);
    assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
    assert_int_equal(flume_record_decode(fx->log, &record, &value), FLUME_ERR_NOT_FOUND);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "cannot decode");
    entry.codec = CODEC_NUMBER;
    assert_int_equal(flume_log_append_entry(fx->log, &entry, &seq), FLUME_OK);
    assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
    assert_int_equal(flume_record_decode(fx->log, &record, &value), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "codec nothing could not decode");
}

static void a_value_of_over_16_mib_is_too_large(void **state)
{
    struct log_fixture *fx = *state;
    flume_entry entry = {.codec = FAILING_NUMBER};

    open_with_codecs(fx);
    assert_int_equal(flume_log_append_value(fx->log, &entry, "x", NULL), FLUME_ERR_TOO_LARGE);
    expect_error(fx->log, FLUME_ERR_TOO_LARGE, "codec failing could not encode");
    assert_int_equal(flume_log_head(fx->log), 0);
}

static void a_path_that_is_none_is_refused(void **state)
{
    enum { TOO_MANY = 100000 };
    char *path = malloc(TOO_MANY + 1);
    flume_check_report report;
    flume_error error;
    flume_log *log = NULL;

    (void)state;
    assert_non_null(path);
    memset(path, 'a', TOO_MANY);
    path[TOO_MANY] = '\0';
    assert_int_equal(flume_log_open(&log, "", NULL, &error), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_open(&log, path, NULL, &error), FLUME_ERR_INVALID);
    assert_int_equal(flume_check("", NULL, &report, &error), FLUME_ERR_INVALID);
    assert_int_equal(flume_check(path, NULL, &report, &error), FLUME_ERR_INVALID);
    assert_int_equal(flume_repair("", FLUME_REPAIR_SALVAGE, NULL, &report, &error),
                     FLUME_ERR_INVALID);
    assert_null(log);
    free(path);
}

/* Nothing is left of it but its slash. */
static void the_root_directory_is_no_basin(void **state)
{
    static const flume_log_options read_only = {.flags = FLUME_OPEN_READ_ONLY};
    flume_check_report report;
    flume_error error;
    flume_log *log = NULL;

    (void)state;
    assert_int_equal(flume_log_open(&log, "//", &read_only, &error), FLUME_ERR_NO_BASIN);
    assert_non_null(strstr(error.message, "/"));
    assert_int_equal(flume_check("//", NULL, &report, &error), FLUME_ERR_NO_BASIN);
    assert_null(log);
}

static void what_is_held_and_left_must_be_there(void **state)
{
    struct log_fixture *fx = *state;
    flume_hold *hold = NULL;

    assert_int_equal(flume_hold_begin(fx->log, NULL, 3, 0, NULL, NULL, &hold), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "at least one byte");
    assert_null(hold);
    flume_lane_leave(fx->log, (enum flume_lane)FLUME_LANES);
    flume_lane_leave(NULL, FLUME_LANE_SCOPE);
    assert_int_equal(flume_lane_enter(fx->log, FLUME_LANE_SCOPE), FLUME_OK);
    flume_lane_leave(fx->log, FLUME_LANE_SCOPE);
}

/* As if none was given: beside the strata. */
static void an_empty_path_for_sealed_strata_is_none(void **state)
{
    static const flume_seal_options seal = {.mode = FLUME_SEAL_ON_REQUEST, .path = ""};
    static const flume_seal_call call = {.active = true};
    struct log_fixture *fx = *state;
    char target[8];

    fx->options.seal = &seal;
    reopen_log(fx);
    (void)append_text(fx->log, "one");
    assert_int_equal(flume_log_seal(fx->log, &call, NULL), FLUME_OK);
    assert_int_equal(readlink(strata_path(fx, "basin.flume", 0), target, sizeof target), -1);
    expect_text(fx->log, flume_log_head(fx->log) - 1, "one");
}

/* Of a file system in user space, for instance. */
static void an_error_that_the_system_has_no_word_for_is_told_by_its_number(void **state)
{
    struct log_fixture *fx = *state;
    struct faultio fault;

    faultio_init(&fault, flume_io_posix());
    fx->options.io = &fault.table;
    faultio_plan(&fault, (struct fault_plan){FAULT_OPEN, 1, -9999, FAULT_LASTING});
    expect_open_fails(fx, FLUME_ERR_IO, "9999");
    assert_int_equal(fx->error.system_errno, 9999);
    faultio_deinit(&fault);
    fx->options.io = NULL;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_handle_nothing_happens),
        log_test(the_detail_may_be_left_out),
        log_test(a_subscription_needs_a_callback_and_a_place),
        log_test(entries_and_values_must_be_there),
        closed_log_test(a_codec_may_be_without_what_it_does_not_need),
        closed_log_test(a_codec_that_cannot_do_it_is_named),
        closed_log_test(a_value_of_over_16_mib_is_too_large),
        cmocka_unit_test(a_path_that_is_none_is_refused),
        cmocka_unit_test(the_root_directory_is_no_basin),
        closed_log_test(an_error_that_the_system_has_no_word_for_is_told_by_its_number),
        log_test(what_is_held_and_left_must_be_there),
        log_test(an_empty_path_for_sealed_strata_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
