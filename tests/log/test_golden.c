/*
 * test_golden.c - basins of earlier versions are read, checked and continued (tests/golden/).
 *
 * NAME.ndjson says what every record must look like; the table below what a check must find. Both
 * were written when the basin was, and do not change.
 */
#include "log_fixture.h"

#include "golden_line.h"

struct golden {
    const char *name;
    int check_status;
    enum flume_finding_kind finding; /* The only kind that a check finds. 0: nothing. */
    uint64_t first_seq;              /* Of the finding. */
    bool torn;                       /* What recovery says. */
};

static const struct golden goldens[] = {
    {.name = "v1-clean"},
    {.name = "v1-batches"},
    {.name = "v1-large-batch"},
    {.name = "v1-sealed"},
    {.name = "v1-sealed-parity"},
    {.name = "v1-torn-tail", .finding = FLUME_FINDING_TORN_TAIL, .torn = true},
    {.name = "v1-damaged",
     .check_status = FLUME_ERR_DAMAGED,
     .finding = FLUME_FINDING_DAMAGED_RECORD,
     .first_seq = 5},
};
enum { GOLDENS = sizeof goldens / sizeof goldens[0] };

/* --- The files --- */

static const char *golden_path(struct log_fixture *fx, const char *name, const char *ending)
{
    const char *source = getenv("FLUME_SOURCE_DIR");

    if (source == NULL)
        fail_msg("FLUME_SOURCE_DIR is not set");
    (void)snprintf(fx->text, sizeof fx->text, "%s/tests/golden/%s%s", source, name, ending);
    return fx->text;
}

/* A fresh copy of a golden basin; the fixture's log is of it. */
static void unpack(struct log_fixture *fx, const struct golden *golden)
{
    run_command("tar -xzf '%s' -C '%s'", golden_path(fx, golden->name, ".tar.gz"), fx->root);
    (void)snprintf(fx->path, sizeof fx->path, "%s/%s.flume", fx->root, golden->name);
    fx->options.flags = 0;
}

static void discard(struct log_fixture *fx)
{
    close_log(fx);
    run_command("rm -rf '%s'", fx->path);
}

/* The lines of NAME.ndjson against the log's records; how many there are. */
static uint64_t compare_records(struct log_fixture *fx, const struct golden *golden)
{
    FILE *lines = fopen(golden_path(fx, golden->name, ".ndjson"), "r");
    char expected[GOLDEN_LINE_BYTES], line[GOLDEN_LINE_BYTES];
    uint64_t seq = 0;

    assert_non_null(lines);
    while (fgets(expected, sizeof expected, lines) != NULL) {
        expected[strcspn(expected, "\n")] = '\0';
        golden_line(fx->log, seq, line);
        if (strcmp(line, expected) != 0)
            fail_msg("%s:\nread:     %s\nrecorded: %s", golden->name, line, expected);
        seq++;
    }
    assert_int_equal(fclose(lines), 0);
    assert_true(seq > 0);
    return seq;
}

/* --- Reading and writing --- */

static void every_record_of_a_golden_basin_reads_the_same(void **state)
{
    struct log_fixture *fx = *state;

    for (size_t i = 0; i < GOLDENS; i++) {
        unpack(fx, &goldens[i]);
        fx->options.flags = FLUME_OPEN_READ_ONLY;
        open_log(fx);
        assert_int_equal(flume_log_head(fx->log), compare_records(fx, &goldens[i]));
        reopen_log(fx);
        assert_int_equal(flume_log_head(fx->log), compare_records(fx, &goldens[i]));
        discard(fx);
    }
}

static void a_golden_basin_opens_to_write_and_says_what_it_found(void **state)
{
    struct log_fixture *fx = *state;

    for (size_t i = 0; i < GOLDENS; i++) {
        flume_log_stat_info info;

        unpack(fx, &goldens[i]);
        open_log(fx);
        assert_int_equal(flume_log_head(fx->log), compare_records(fx, &goldens[i]));
        info = stat_of(fx->log);
        if (info.recovery.torn != goldens[i].torn)
            fail_msg("%s: torn is %d", goldens[i].name, info.recovery.torn);
        assert_int_equal(info.strata_bytes, 64 << 10);
        discard(fx);
    }
}

static void a_golden_basin_takes_records_after_its_own(void **state)
{
    struct log_fixture *fx = *state;

    for (size_t i = 0; i < GOLDENS; i++) {
        uint64_t head, text_seq, large_seq;

        unpack(fx, &goldens[i]);
        open_log(fx);
        head = compare_records(fx, &goldens[i]);
        text_seq = append_text(fx->log, "of a later version");
        assert_int_equal(text_seq, head + 1); /* The new writer's manifest is at head. */
        large_seq = append_bytes(fx->log, 100000, 7);
        reopen_log(fx);
        assert_int_equal(compare_records(fx, &goldens[i]), head);
        expect_text(fx->log, text_seq, "of a later version");
        expect_bytes(fx->log, large_seq, 100000, 7);
        discard(fx);
    }
}

static void filters_choose_among_the_records_of_a_golden_basin(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options labelled = {.label = "red"};
    flume_cursor_options timed = {.since_ns = UINT64_C(1790000005000000000),
                                  .until_ns = UINT64_C(1790000008000000000)};
    uint8_t kind = FLUME_KIND_BOOKMARK;
    flume_cursor_options marks = {.kinds = &kind, .kind_count = 1};

    unpack(fx, &goldens[0]);
    open_log(fx);
    expect_records(fx->log, &labelled, texts("{\"a\":[1,2,3]}", ""));
    expect_records(fx->log, &timed, texts("mark", "", "text"));
    expect_records(fx->log, &marks, texts("mark"));
    discard(fx);
}

static void the_manifest_of_a_golden_basin_names_its_writer(void **state)
{
    struct log_fixture *fx = *state;
    flume_manifest manifest;

    unpack(fx, &goldens[0]);
    open_log(fx);
    assert_int_equal(flume_log_envelope(fx->log, 1, &manifest), FLUME_OK);
    assert_int_equal(manifest.seq, 0);
    assert_int_equal(manifest.pid, 4711);
    assert_string_equal(manifest.host, "example.org");
    assert_string_equal(manifest.user, "somebody");
    assert_string_equal(manifest.program, "example");
    assert_string_equal(manifest.build, "1");
    assert_int_equal(manifest.label_count, 0);
    flume_manifest_release(&manifest);
    discard(fx);
}

/* --- Checking --- */

static int compare_finding(void *ctx, const flume_finding *finding)
{
    const struct golden *golden = ctx;

    if (finding->kind != golden->finding)
        fail_msg("%s: finding of kind %d in %s: %s", golden->name, finding->kind, finding->file,
                 finding->message);
    if (golden->first_seq != 0)
        assert_int_equal(finding->first_seq, golden->first_seq);
    return 0;
}

static void expect_findings(struct log_fixture *fx, const struct golden *golden)
{
    struct golden expected = *golden;
    flume_check_options options = {.finding = compare_finding, .ctx = &expected};
    flume_check_report report;
    flume_error error;
    int status = flume_check(fx->path, &options, &report, &error);

    if (status != golden->check_status)
        fail_msg("%s: check says %s: %s", golden->name, flume_strerror(status), error.message);
    assert_int_equal(report.findings, golden->finding != 0 ? 1 : 0);
    assert_int_equal(report.sound, golden->check_status == FLUME_OK);
}

static void a_check_finds_what_is_wrong_and_nothing_else(void **state)
{
    struct log_fixture *fx = *state;

    for (size_t i = 0; i < GOLDENS; i++) {
        unpack(fx, &goldens[i]);
        expect_findings(fx, &goldens[i]);
        run_command("rm -rf '%s'", fx->path);
    }
}

/* Record 5 becomes a stand-in; all others are as they were, but for their checks. */
static void a_repaired_golden_basin_is_sound_and_keeps_its_records(void **state)
{
    struct log_fixture *fx = *state;
    const struct golden *damaged = &goldens[GOLDENS - 1];
    flume_check_report report;

    unpack(fx, damaged);
    assert_int_equal(flume_repair(fx->path, FLUME_REPAIR_SALVAGE, NULL, &report, &fx->error),
                     FLUME_OK);
    assert_int_equal(flume_check(fx->path, NULL, &report, &fx->error), FLUME_OK);
    assert_true(report.sound);
    assert_int_equal(report.lost, 1);
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), 12);
    expect_text(fx->log, 1, "first");
    expect_get(fx->log, 5, FLUME_ERR_LOST);
    expect_text(fx->log, 7, "text");
    expect_text(fx->log, 11, "last");
    discard(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(every_record_of_a_golden_basin_reads_the_same),
        closed_log_test(a_golden_basin_opens_to_write_and_says_what_it_found),
        closed_log_test(a_golden_basin_takes_records_after_its_own),
        closed_log_test(filters_choose_among_the_records_of_a_golden_basin),
        closed_log_test(the_manifest_of_a_golden_basin_names_its_writer),
        closed_log_test(a_check_finds_what_is_wrong_and_nothing_else),
        closed_log_test(a_repaired_golden_basin_is_sound_and_keeps_its_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
