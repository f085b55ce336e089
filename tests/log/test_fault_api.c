/*
 * test_fault_api.c - every call of the io table fails once, and every request for memory, in what a
 * program does with a log beside appending: codecs, envelopes, descriptors, subscriptions, figures.
 *
 * The scenario runs on a basin in memory. Each answer must be FLUME_OK or a status with a message;
 * what was acknowledged must be there afterwards, what was refused must not, and nothing may leak.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faultio.h"
#include "flume/flume.h"
#include "io_memory.h"

#define BASIN "b.flume"

enum {
    STRATA_BYTES = 64 << 10,
    BODY_BYTES = 9000,
    LARGE_RECORDS = 9,
    RECORDS_MAX = 64,
    CODEC_NUMBER = 20,
    FAILURES_SHOWN_MAX = 6
};

struct run {
    flume_io io;
    struct faultio fault;
    struct fault_memory memory;
    flume_log *log;
    uint64_t seqs[RECORDS_MAX]; /* Acknowledged, by number. */
    bool appended[RECORDS_MAX];
    size_t count;
    char complaint[512];
};

__attribute__((format(printf, 2, 3))) static void complain(struct run *run, const char *format, ...)
{
    va_list arguments;

    if (run->complaint[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(run->complaint, sizeof run->complaint, format, arguments);
    va_end(arguments);
}

static bool is_fine(struct run *run, const char *what, int status)
{
    flume_error error = {0};

    if (status == FLUME_OK || status == FLUME_END)
        return status == FLUME_OK;
    flume_log_error(run->log, &error);
    if (strstr(flume_strerror(status), "unknown") != NULL)
        complain(run, "%s answers %d, which is no status", what, status);
    if (error.message[0] == '\0')
        complain(run, "%s fails (%s) without a message", what, flume_status_name(status));
    return false;
}

/* --- A codec of numbers as text --------------------------------------------------------------- */

static int encode_number(void *ctx, const void *value, flume_sink sink, void *sink_ctx)
{
    char text[400];
    int status;

    (void)ctx;
    (void)snprintf(text, sizeof text, "%0300u", *(const unsigned *)value);
    status = sink(sink_ctx, text, 200);
    return status != FLUME_OK ? status : sink(sink_ctx, text + 200, strlen(text) - 200);
}

static int decode_number(void *ctx, const void *data, size_t data_bytes, void **out_value)
{
    unsigned *value = malloc(sizeof *value);
    char text[400];

    (void)ctx;
    assert_non_null(value);
    (void)snprintf(text, sizeof text, "%.*s", (int)data_bytes, (const char *)data);
    *value = (unsigned)strtoul(text, NULL, 10);
    *out_value = value;
    return FLUME_OK;
}

static void release_number(void *ctx, void *value)
{
    (void)ctx;
    free(value);
}

/* --- The scenario ----------------------------------------------------------------------------- */

static int open_run(struct run *run, flume_error *error)
{
    static const flume_codec codec = {.number = CODEC_NUMBER,
                                      .name = "number",
                                      .encode = encode_number,
                                      .decode = decode_number,
                                      .release = release_number};
    static const char *const labels[] = {"scenario"};
    flume_log_options options = {.flags = FLUME_OPEN_CREATE,
                                 .profile = FLUME_PROFILE_FORGETFUL,
                                 .io_mode = FLUME_IO_PWRITE,
                                 .strata_bytes = STRATA_BYTES,
                                 .labels = labels,
                                 .label_count = 1,
                                 .codecs = &codec,
                                 .codec_count = 1,
                                 .allocator = &run->memory.table,
                                 .io = &run->fault.table};

    run->log = NULL;
    return flume_log_open(&run->log, BASIN, &options, error);
}

static void note_appended(struct run *run, int status, uint64_t seq)
{
    if (is_fine(run, "append", status)) {
        run->seqs[run->count] = seq;
        run->appended[run->count] = true;
    }
    run->count++;
}

static void append_labelled(struct run *run)
{
    char label[201];
    const char *labels[] = {label, label, label, label};
    flume_entry entry = {.body = "x", .body_bytes = 1, .labels = labels, .label_count = 4};
    uint64_t seq = 0;

    memset(label, 'l', sizeof label);
    label[sizeof label - 1] = '\0';
    note_appended(run, flume_log_append_entry(run->log, &entry, &seq), seq);
    note_appended(run, flume_log_append_many(run->log, &entry, 1, NULL, &seq), seq);
}

static void append_bodies(struct run *run, size_t count)
{
    static uint8_t body[BODY_BYTES];

    memset(body, 'b', sizeof body);
    for (size_t i = 0; i < count; i++) {
        uint64_t seq = 0;

        note_appended(run, flume_log_append(run->log, body, sizeof body, &seq), seq);
    }
}

static void append_large(struct run *run)
{
    static uint8_t body[BODY_BYTES];
    flume_entry entries[LARGE_RECORDS];
    uint64_t seq = 0;

    for (size_t i = 0; i < LARGE_RECORDS; i++)
        entries[i] = (flume_entry){.body = body, .body_bytes = sizeof body};
    note_appended(run, flume_log_append_many(run->log, entries, LARGE_RECORDS, NULL, &seq), seq);
}

static void use_codec(struct run *run)
{
    flume_entry entry = {.codec = CODEC_NUMBER};
    unsigned number = 4711;
    flume_record record;
    uint64_t seq = 0;
    void *value;
    int status = flume_log_append_value(run->log, &entry, &number, &seq);

    note_appended(run, status, seq);
    if (status != FLUME_OK || !is_fine(run, "get", flume_log_get(run->log, seq, &record)))
        return;
    if (is_fine(run, "decode", flume_record_decode(run->log, &record, &value))) {
        if (*(unsigned *)value != number)
            complain(run, "a value came back as another one");
        flume_value_release(run->log, CODEC_NUMBER, value);
    }
    flume_record_release(&record);
}

static void look_around(struct run *run)
{
    flume_manifest manifest;
    flume_log_stat_info info;
    flume_record record, kept;
    uint64_t seq;

    if (flume_log_head(run->log) == 0)
        return;
    if (is_fine(run, "envelope", flume_log_envelope(run->log, 0, &manifest))) {
        if (manifest.label_count != 1 || strcmp(manifest.labels[0], "scenario") != 0)
            complain(run, "the manifest has lost its label");
        flume_manifest_release(&manifest);
    }
    (void)is_fine(run, "stat", flume_log_stat(run->log, &info));
    (void)is_fine(run, "last", flume_log_last(run->log, FLUME_KIND_MESSAGE, &seq));
    if (is_fine(run, "get", flume_log_get(run->log, 0, &record))) {
        flume_record_keep(&record, &kept);
        flume_record_release(&record);
        flume_record_release(&kept);
    }
}

static void follow(struct run *run, unsigned flags)
{
    flume_cursor_options options = {.flags = FLUME_CURSOR_LIVE | flags};
    flume_cursor *cursor;
    flume_record record;
    int descriptor, status;

    if (!is_fine(run, "cursor", flume_cursor_open(run->log, &options, &cursor)))
        return;
    (void)is_fine(run, "descriptor", flume_cursor_descriptor(cursor, &descriptor));
    do
        status = flume_cursor_next(cursor, 0, &record);
    while (status == FLUME_OK);
    if (status != FLUME_ERR_TIMEOUT)
        (void)is_fine(run, "next", status);
    flume_cursor_close(cursor);
}

static int end_at_once(void *ctx, const flume_record *record)
{
    (void)ctx;
    (void)record;
    return 1;
}

static void remember(struct run *run)
{
    flume_subscribe_options options = {.name = "reader"};
    flume_subscription *subscription = NULL;
    uint64_t seq;
    int status;

    if (is_fine(run, "subscribe",
                flume_subscribe(run->log, &options, end_at_once, NULL, &subscription)))
        flume_unsubscribe(subscription);
    status = flume_subscription_remembered(run->log, "reader", &seq);
    if (status != FLUME_ERR_NOT_FOUND)
        (void)is_fine(run, "remembered", status);
    status = flume_subscription_forget(run->log, "reader");
    if (status != FLUME_ERR_NOT_FOUND)
        (void)is_fine(run, "forget", status);
}

static void scenario(struct run *run)
{
    flume_error error = {0};
    int status = open_run(run, &error);

    if (status != FLUME_OK) {
        if (error.message[0] == '\0')
            complain(run, "open fails (%s) without a message", flume_status_name(status));
        return;
    }
    append_labelled(run);
    append_bodies(run, 3);
    use_codec(run);
    append_large(run);
    append_bodies(run, 9);
    look_around(run);
    follow(run, 0);
    (void)is_fine(run, "sync", flume_log_sync(run->log, FLUME_SEQ_NONE));
    follow(run, FLUME_CURSOR_DURABLE);
    remember(run);
    (void)flume_log_close(run->log);
}

/* --- Afterwards, in health -------------------------------------------------------------------- */

static void settle(struct run *run)
{
    flume_check_options options = {.io = &run->io};
    flume_error error = {0};
    size_t acknowledged = 0;
    uint64_t messages = 0;

    (void)faultio_heal(&run->fault);
    fault_memory_plan(&run->memory, 0, FAULT_ONCE);
    if (run->complaint[0] != '\0')
        return;
    if (open_run(run, &error) != FLUME_OK) {
        complain(run, "a healthy open afterwards: %s", error.message);
        return;
    }
    for (size_t i = 0; i < run->count; i++) {
        flume_record record;

        if (!run->appended[i])
            continue;
        acknowledged++;
        if (flume_log_get(run->log, run->seqs[i], &record) != FLUME_OK)
            complain(run, "seq %" PRIu64 " was acknowledged and is gone", run->seqs[i]);
        else
            flume_record_release(&record);
    }
    for (uint64_t seq = 0; seq < flume_log_head(run->log); seq++) {
        flume_record record;

        if (flume_log_get(run->log, seq, &record) != FLUME_OK)
            continue;
        if (record.kind == FLUME_KIND_MESSAGE && (record.flags & FLUME_RECORD_BATCH) == 0)
            messages++; /* A batch counts by its last record. */
        flume_record_release(&record);
    }
    if (messages != acknowledged)
        complain(run, "%" PRIu64 " records or batches are there, %zu were acknowledged", messages,
                 acknowledged);
    (void)flume_log_close(run->log);
    if (run->complaint[0] == '\0' && flume_check(BASIN, &options, NULL, &error) != FLUME_OK)
        complain(run, "check afterwards: %s", error.message);
}

/* --- Sweeps ----------------------------------------------------------------------------------- */

struct tally {
    uint64_t runs, injected, failed;
};

static void run_begin(struct run *run)
{
    memset(run, 0, sizeof *run);
    assert_int_equal(io_memory_create(NULL, &run->io), FLUME_OK);
    faultio_init(&run->fault, &run->io);
    fault_memory_init(&run->memory);
}

static void run_end(struct tally *tally, struct run *run, const char *what, uint64_t nth)
{
    if (run->fault.open_files != 0)
        complain(run, "%d descriptors are left, of %s", run->fault.open_files,
                 faultio_left_open(&run->fault));
    if (run->fault.open_maps != 0)
        complain(run, "%d mappings are left", run->fault.open_maps);
    if (run->memory.live_blocks != 0)
        complain(run, "%lld blocks of memory are left", (long long)run->memory.live_blocks);
    faultio_deinit(&run->fault);
    fault_memory_deinit(&run->memory);
    io_memory_destroy(&run->io);
    tally->runs++;
    if (run->complaint[0] != '\0' && tally->failed++ < FAILURES_SHOWN_MAX)
        print_error("%s, number %" PRIu64 ": %s\n", what, nth, run->complaint);
}

static void expect_none_failed(const struct tally *tally)
{
    print_message("%" PRIu64 " runs, %" PRIu64 " calls failed on demand, %" PRIu64
                  " runs went wrong\n",
                  tally->runs, tally->injected, tally->failed);
    assert_int_equal(tally->failed, 0);
}

static void sweep_call(struct tally *tally, enum fault_call call, int result)
{
    bool reached = true;

    for (uint64_t nth = 1; reached; nth++) {
        struct run run;

        run_begin(&run);
        faultio_plan(&run.fault, (struct fault_plan){.call = call, .nth = nth, .result = result});
        scenario(&run);
        reached = run.fault.injected > 0;
        tally->injected += run.fault.injected;
        settle(&run);
        run_end(tally, &run, fault_call_name(call), nth);
    }
}

static void any_call_may_fail_once_anywhere(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (int call = 0; call < FAULT_CALLS; call++)
        sweep_call(&tally, (enum fault_call)call, -EIO);
    expect_none_failed(&tally);
}

/* Where space cannot be allocated, zeros are written instead. */
static void no_file_system_need_know_how_to_allocate(void **state)
{
    struct tally tally = {0};

    (void)state;
    sweep_call(&tally, FAULT_ALLOCATE, -EOPNOTSUPP);
    expect_none_failed(&tally);
}

static void writes_may_be_short(void **state)
{
    struct tally tally = {0};

    (void)state;
    sweep_call(&tally, FAULT_PWRITE, FAULT_SHORT);
    expect_none_failed(&tally);
}

/* Helper threads make requests too, in between, so a number may mean another one each time. */
static void any_request_for_memory_may_fail(void **state)
{
    enum { ROUNDS = 4 };
    struct tally tally = {0};

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t requests = UINT64_MAX;

        for (uint64_t nth = 0; nth <= requests; nth++) {
            struct run run;

            run_begin(&run);
            fault_memory_plan(&run.memory, nth, FAULT_ONCE);
            scenario(&run);
            if (nth == 0) {
                requests = run.memory.requests;
                assert_true(run.count > 0 && run.appended[run.count - 1]);
            }
            tally.injected += run.memory.failed;
            settle(&run);
            run_end(&tally, &run, "memory", nth);
        }
    }
    expect_none_failed(&tally);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_call_may_fail_once_anywhere),
        cmocka_unit_test(no_file_system_need_know_how_to_allocate),
        cmocka_unit_test(writes_may_be_short),
        cmocka_unit_test(any_request_for_memory_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
