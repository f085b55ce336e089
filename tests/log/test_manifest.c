/*
 * test_manifest.c - what a writer says of itself comes back, whatever is in it and whoever wrote
 * it.
 */
#include "log_fixture.h"

#include "bytes.h"
#include "grain.h"
#include "strata_file.h"

static void expect_manifest_ok(struct log_fixture *fx, flume_manifest *out_manifest)
{
    assert_int_equal(flume_log_envelope(fx->log, 1, out_manifest), FLUME_OK);
    assert_int_equal(out_manifest->seq, 0);
}

static void any_text_comes_back_as_it_was(void **state)
{
    static const char text[] = "100 %\n\x01\x1f\x7f%41 \xc3\xa9=:";
    static const char *const labels[] = {text, "", " leading and trailing "};
    struct log_fixture *fx = *state;
    flume_manifest manifest;

    fx->options.program = text;
    fx->options.build = text;
    fx->options.labels = labels;
    fx->options.label_count = 3;
    open_log(fx);
    (void)append_text(fx->log, "one");
    expect_manifest_ok(fx, &manifest);
    assert_string_equal(manifest.program, text);
    assert_string_equal(manifest.build, text);
    assert_int_equal(manifest.label_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(manifest.labels[i], labels[i]);
    flume_manifest_release(&manifest);
    assert_null(manifest.memory);
    flume_manifest_release(&manifest); /* Harmless, */
    flume_manifest_release(NULL);      /* as this is. */
}

/* Put another text into the manifest at seq 0, as another program may have written it. */
static void forge_manifest(struct log_fixture *fx, const char *text)
{
    static uint8_t page[STRATA_PAGE_BYTES], bytes[STRATA_PAGE_BYTES];
    char path[LOG_FIXTURE_PATH_BYTES];
    struct strata_header header;
    struct grain grain = {0};
    size_t length = strlen(text);

    (void)snprintf(path, sizeof path, "%s", strata_path(fx, "basin.flume", 0));
    read_file(path, 0, page, sizeof page);
    assert_int_equal(strata_header_decode(page, &header), FLUME_OK);
    read_file(path, STRATA_DATA_AT, bytes, sizeof bytes);
    assert_true(grain_decode(bytes, sizeof bytes, 0, header.salt, STRATA_DATA_AT, &grain));
    assert_true(length <= grain.body_bytes);
    memset(bytes + GRAIN_HEADER_BYTES, '\n', grain.body_bytes);
    memcpy(bytes + GRAIN_HEADER_BYTES + grain.body_bytes - length, text, length);
    grain_header_encode(bytes, &grain,
                        grain_payload_hash("", 0, bytes + GRAIN_HEADER_BYTES, grain.body_bytes),
                        header.salt, STRATA_DATA_AT);
    write_file(path, STRATA_DATA_AT, bytes, GRAIN_HEADER_BYTES + grain.body_bytes);
}

static void what_another_program_wrote_is_read_as_far_as_it_is_known(void **state)
{
    struct log_fixture *fx = *state;
    flume_manifest manifest;

    fx->options.build = "long enough to leave some room for what takes its place here ...........";
    open_log(fx);
    (void)append_text(fx->log, "one");
    close_log(fx);
    forge_manifest(fx, "user %4a%zz%4\nfuture thing\nalone\n\npid 12x\nhost %GG%\nprogram cut");
    open_log(fx);
    expect_manifest_ok(fx, &manifest);
    assert_string_equal(manifest.user, "%4a%zz%4"); /* Only %XX in capitals is ours. */
    assert_string_equal(manifest.host, "%GG%");
    assert_int_equal(manifest.pid, 12);
    assert_string_equal(manifest.program, ""); /* A line without an end is none. */
    assert_string_equal(manifest.build, "");
    assert_int_equal(manifest.label_count, 0);
    flume_manifest_release(&manifest);
}

static void of_many_labels_the_first_16_are_read(void **state)
{
    struct log_fixture *fx = *state;
    flume_manifest manifest;
    char build[301];
    char text[400] = "";

    memset(build, 'b', sizeof build);
    build[sizeof build - 1] = '\0';
    fx->options.build = build;
    open_log(fx);
    (void)append_text(fx->log, "one");
    close_log(fx);
    for (unsigned i = 0; i < 20; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "label %u\n", i);
    forge_manifest(fx, text);
    open_log(fx);
    expect_manifest_ok(fx, &manifest);
    assert_int_equal(manifest.label_count, FLUME_MANIFEST_LABELS_MAX);
    assert_string_equal(manifest.labels[15], "15");
    flume_manifest_release(&manifest);
}

static void a_manifest_that_is_damaged_is_told_as_such(void **state)
{
    struct log_fixture *fx = *state;
    flume_manifest manifest = {.seq = 77};

    (void)append_text(fx->log, "one");
    write_file(strata_path(fx, "basin.flume", 0), STRATA_DATA_AT + GRAIN_HEADER_BYTES, "X", 1);
    assert_int_equal(flume_log_envelope(fx->log, 1, &manifest), FLUME_ERR_DAMAGED);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "seq 0");
    assert_int_equal(flume_log_envelope(fx->log, 2, &manifest), FLUME_ERR_NOT_FOUND);
    assert_int_equal(manifest.seq, 77);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(any_text_comes_back_as_it_was),
        closed_log_test(what_another_program_wrote_is_read_as_far_as_it_is_known),
        closed_log_test(of_many_labels_the_first_16_are_read),
        log_test(a_manifest_that_is_damaged_is_told_as_such),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
