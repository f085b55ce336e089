/*
 * test_log.c - opening, making, sharing and closing a log, and what it says of itself.
 */
#include "log_fixture.h"

#include <pthread.h>
#include <unistd.h>

#include "bytes.h"
#include "hash.h"
#include "head.h"
#include "strata_file.h"

/* --- Open and create --- */

static void a_missing_path_is_made_only_when_asked(void **state)
{
    struct log_fixture *fx = *state;

    fx->options.flags = 0;
    expect_open_fails(fx, FLUME_ERR_NO_BASIN, fx->path);
    assert_false(file_exists(fx->path));
    fx->options.flags = FLUME_OPEN_CREATE;
    open_log(fx);
    assert_true(file_exists(fixture_path(fx, "basin.flume/flume.conf")));
}

static void no_options_open_what_is_there_and_make_nothing(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *log = NULL;

    assert_int_equal(flume_log_open(&log, fx->path, NULL, NULL), FLUME_ERR_NO_BASIN);
    open_log(fx);
    (void)append_text(fx->log, "one");
    assert_int_equal(flume_log_open(&log, fx->path, NULL, NULL), FLUME_OK);
    expect_text(log, 1, "one");
    close_handle(log);
}

static void a_directory_or_file_that_is_no_basin_is_left_alone(void **state)
{
    struct log_fixture *fx = *state;

    fx->options.flags = 0;
    run_command("mkdir '%s'", fx->path);
    expect_open_fails(fx, FLUME_ERR_NO_BASIN, "not a flume basin");
    assert_int_equal(count_files(fx->path, ""), 0);
    run_command("rmdir '%s' && echo text > '%s'", fx->path, fx->path);
    expect_open_fails(fx, FLUME_ERR_NO_BASIN, "not a flume basin");
    fx->options.flags = FLUME_OPEN_CREATE;
    assert_int_equal(try_open(fx), FLUME_ERR_NO_BASIN);
    assert_int_equal(file_bytes(fx->path), 5);
}

static void an_empty_directory_becomes_a_basin_and_one_with_files_does_not(void **state)
{
    struct log_fixture *fx = *state;

    run_command("mkdir '%s'", fx->path);
    assert_int_equal(try_open(fx), FLUME_OK);
    run_command("rm -rf '%s' && mkdir '%s' && echo text > '%s/thesis.txt'", fx->path, fx->path,
                fx->path);
    assert_int_equal(try_open(fx), FLUME_ERR_NO_BASIN);
    assert_int_equal(count_files(fx->path, ""), 1);
}

static void a_missing_parent_directory_is_named(void **state)
{
    struct log_fixture *fx = *state;

    (void)snprintf(fx->path, sizeof fx->path, "%s/no/such/basin.flume", fx->root);
    expect_open_fails(fx, FLUME_ERR_NO_BASIN, "/no/such");
}

static void a_making_that_was_cut_short_is_made_again(void **state)
{
    struct log_fixture *fx = *state;

    open_log(fx);
    close_log(fx);
    run_command("rm '%s'", fixture_path(fx, "basin.flume/flume.conf"));
    fx->options.flags = 0;
    expect_open_fails(fx, FLUME_ERR_NO_BASIN, "not a flume basin");
    fx->options.flags = FLUME_OPEN_CREATE;
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), 0);
}

static void a_basin_in_memory_works_and_touches_no_file(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *first = NULL;
    flume_log *second = NULL;

    assert_int_equal(flume_log_open(&first, ":memory:", NULL, NULL), FLUME_OK);
    assert_int_equal(flume_log_open(&second, ":memory:", NULL, NULL), FLUME_OK);
    expect_text(first, append_text(first, "here"), "here");
    assert_int_equal(flume_log_head(second), 0); /* They never meet. */
    assert_int_equal(flume_log_sync(first, FLUME_SEQ_NONE), FLUME_OK);
    assert_false(file_exists(":memory:"));
    assert_int_equal(count_files(fx->root, ""), 0);
    close_handle(first);
    close_handle(second);
}

static void a_basin_in_memory_rolls_and_takes_large_batches(void **state)
{
    flume_log_options options = {.strata_bytes = FLUME_STRATA_BYTES_MIN};
    flume_log *log = NULL;

    (void)state;
    assert_int_equal(flume_log_open(&log, ":memory:", &options, NULL), FLUME_OK);
    for (unsigned i = 0; i < 100; i++)
        expect_bytes(log, append_bytes(log, 5000, i), 5000, i);
    (void)append_numbered(log, 5000);
    assert_true(stat_of(log).strata_count > 5);
    close_handle(log);
}

static void trailing_slashes_and_long_paths_are_handled(void **state)
{
    struct log_fixture *fx = *state;
    char *path = calloc(1, 8192);
    flume_log *log = NULL;

    assert_non_null(path);
    (void)snprintf(path, 8192, "%s/basin.flume///", fx->root);
    assert_int_equal(flume_log_open(&log, path, &fx->options, NULL), FLUME_OK);
    assert_string_equal(flume_log_path(log), fx->path);
    close_handle(log);
    memset(path, 'x', 8000);
    path[8000] = '\0';
    assert_int_equal(flume_log_open(&log, path, &fx->options, NULL), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_open(&log, "", &fx->options, NULL), FLUME_ERR_INVALID);
    free(path);
}

/* --- Options --- */

static void expect_invalid(struct log_fixture *fx, const char *word)
{
    expect_open_fails(fx, FLUME_ERR_INVALID, word);
    assert_false(file_exists(fx->path));
    memset(&fx->options, 0, sizeof fx->options);
    fx->options.flags = FLUME_OPEN_CREATE;
}

static void every_invalid_option_is_refused_before_anything_is_made(void **state)
{
    static const char *const labels[FLUME_MANIFEST_LABELS_MAX + 1] = {"a"};
    static const flume_codec codecs[FLUME_CODECS_MAX + 1] = {{.name = "x", .number = 16}};
    static const uint64_t sizes[] = {1,
                                     4096,
                                     FLUME_STRATA_BYTES_MIN - 4096,
                                     FLUME_STRATA_BYTES_MIN + 1,
                                     (uint64_t)FLUME_STRATA_BYTES_MAX + 4096,
                                     UINT64_MAX};
    struct log_fixture *fx = *state;

    fx->options.flags = 1u << 7;
    expect_invalid(fx, "flags");
    fx->options.profile = 99;
    expect_invalid(fx, "profile");
    fx->options.io_mode = 99;
    expect_invalid(fx, "io mode");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fx->options.strata_bytes = sizes[i];
        expect_invalid(fx, "strata_bytes");
    }
    fx->options.labels = labels;
    fx->options.label_count = FLUME_MANIFEST_LABELS_MAX + 1;
    expect_invalid(fx, "labels");
    fx->options.label_count = 1; /* labels is NULL again. */
    expect_invalid(fx, "labels");
    fx->options.codecs = codecs;
    fx->options.codec_count = FLUME_CODECS_MAX + 1;
    expect_invalid(fx, "codecs");
    fx->options.codec_count = 1;
    expect_invalid(fx, "codecs");
    fx->options.flags = FLUME_OPEN_CREATE | FLUME_OPEN_READ_ONLY;
    expect_invalid(fx, "read-only");
}

static void every_invalid_codec_is_refused(void **state)
{
    static const char long_name[] = "a23456789012345678901234567890ab";
    static const flume_codec wrong[][2] = {
        {{.name = NULL, .number = 16}, {.name = "b", .number = 17}},
        {{.name = "", .number = 16}, {.name = "b", .number = 17}},
        {{.name = "Upper", .number = 16}, {.name = "b", .number = 17}},
        {{.name = "with space", .number = 16}, {.name = "b", .number = 17}},
        {{.name = long_name, .number = 16}, {.name = "b", .number = 17}},
        {{.name = "low", .number = 15}, {.name = "b", .number = 17}},
        {{.name = "same", .number = 17}, {.name = "number", .number = 17}},
    };
    struct log_fixture *fx = *state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        fx->options.codecs = wrong[i];
        fx->options.codec_count = 2;
        expect_invalid(fx, "codec");
    }
}

static void null_arguments_are_invalid_and_not_a_crash(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *log = NULL;
    flume_error error;
    flume_record record;
    uint64_t seq;

    assert_int_equal(flume_log_open(NULL, fx->path, NULL, &error), FLUME_ERR_INVALID);
    assert_int_equal(error.status, FLUME_ERR_INVALID);
    assert_int_equal(flume_log_open(&log, NULL, NULL, &error), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_close(NULL), FLUME_OK);
    assert_int_equal(flume_log_append(NULL, "x", 1, &seq), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_get(NULL, 0, &record), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_sync(NULL, 0), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_head(NULL), 0);
    assert_int_equal(flume_log_durable(NULL), 0);
    assert_null(flume_log_codec_name(NULL, 1));
    flume_log_error(NULL, &error);
    flume_cursor_close(NULL);
    flume_unsubscribe(NULL);
    flume_manifest_release(NULL);
    flume_record_release(NULL);
}

static void the_strata_size_is_the_one_of_creation(void **state)
{
    struct log_fixture *fx = *state;

    fx->options.strata_bytes = 128 << 10;
    open_log(fx);
    assert_int_equal(stat_of(fx->log).strata_bytes, 128 << 10);
    close_log(fx);
    fx->options.strata_bytes = 0;
    open_log(fx);
    assert_int_equal(stat_of(fx->log).strata_bytes, 128 << 10);
    close_log(fx);
    fx->options.strata_bytes = 256 << 10;
    open_log(fx);
    assert_int_equal(stat_of(fx->log).strata_bytes, 128 << 10);
}

static void strings_of_the_options_are_copied(void **state)
{
    struct log_fixture *fx = *state;
    char program[] = "program";
    char label[] = "label";
    const char *labels[] = {label};
    flume_manifest manifest;

    fx->options.program = program;
    fx->options.labels = labels;
    fx->options.label_count = 1;
    open_log(fx);
    memset(program, 'x', sizeof program - 1);
    memset(label, 'x', sizeof label - 1);
    assert_int_equal(flume_log_envelope(fx->log, append_text(fx->log, "a"), &manifest), FLUME_OK);
    assert_string_equal(manifest.program, "program");
    assert_string_equal(manifest.labels[0], "label");
    flume_manifest_release(&manifest);
}

/* --- Settings and headers that are not ours --- */

static void any_changed_byte_of_flume_conf_is_noticed(void **state)
{
    struct log_fixture *fx = *state;
    char conf[512] = {0};
    uint64_t bytes;

    open_log(fx);
    close_log(fx);
    bytes = file_bytes(fixture_path(fx, "basin.flume/flume.conf"));
    read_file(fx->text, 0, conf, bytes);
    for (uint64_t at = 0; at < bytes; at++) {
        char changed = (char)(conf[at] ^ 0x20);
        int status;

        write_file(fixture_path(fx, "basin.flume/flume.conf"), at, &changed, 1);
        status = try_open(fx);
        if (status != FLUME_ERR_DAMAGED && status != FLUME_ERR_VERSION)
            fail_msg("byte %d of flume.conf changed: %s", (int)at, flume_strerror(status));
        assert_non_null(strstr(fx->error.message, fx->path));
        write_file(fixture_path(fx, "basin.flume/flume.conf"), at, &conf[at], 1);
    }
    assert_int_equal(truncate(fixture_path(fx, "basin.flume/flume.conf"), 0), 0);
    expect_open_fails(fx, FLUME_ERR_DAMAGED, "flume.conf");
}

static void a_newer_format_of_flume_conf_is_the_version_error(void **state)
{
    struct log_fixture *fx = *state;

    open_log(fx);
    close_log(fx);
    run_command("sed -i 's/^format 1/format 2/' '%s'", fixture_path(fx, "basin.flume/flume.conf"));
    expect_open_fails(fx, FLUME_ERR_VERSION, "newer");
}

/* A header with one field changed and its check made anew. */
static void patch_header(const char *path, size_t offset, uint64_t value, size_t bytes)
{
    uint8_t page[STRATA_PAGE_BYTES];
    uint8_t word[8];

    read_file(path, 0, page, sizeof page);
    put_le64(word, value);
    memcpy(page + offset, word, bytes);
    put_le64(page + STRATA_PAGE_BYTES - 8, hash_bytes(page, STRATA_PAGE_BYTES - 8, 0));
    write_file(path, 0, page, sizeof page);
}

static void an_unknown_required_feature_is_the_version_error(void **state)
{
    static const struct {
        size_t offset, bytes;
        uint64_t value;
    } patches[] = {{32, 8, 1}, {32, 8, UINT64_C(1) << 63}, {8, 2, 2}};
    struct log_fixture *fx = *state;

    for (size_t i = 0; i < sizeof patches / sizeof patches[0]; i++) {
        open_log(fx);
        (void)append_text(fx->log, "one");
        close_log(fx);
        patch_header(strata_path(fx, "basin.flume", 0), patches[i].offset, patches[i].value,
                     patches[i].bytes);
        expect_open_fails(fx, FLUME_ERR_VERSION, "newer");
        zero_file(fixture_path(fx, "basin.flume/HEAD"), 0, 4096); /* Nor without HEAD. */
        expect_open_fails(fx, FLUME_ERR_VERSION, "newer");
        run_command("rm -rf '%s'", fx->path);
    }
}

static void an_unknown_compatible_feature_is_ignored(void **state)
{
    struct log_fixture *fx = *state;

    open_log(fx);
    (void)append_text(fx->log, "one");
    close_log(fx);
    patch_header(strata_path(fx, "basin.flume", 0), 16, UINT64_C(1) << 40, 8);
    open_log(fx);
    expect_text(fx->log, 1, "one");
    (void)append_text(fx->log, "two");
}

static void an_unknown_read_only_feature_forbids_appending_but_not_reading(void **state)
{
    struct log_fixture *fx = *state;

    open_log(fx);
    (void)append_text(fx->log, "one");
    close_log(fx);
    patch_header(strata_path(fx, "basin.flume", 0), 24, 1, 8);
    open_log(fx);
    expect_text(fx->log, 1, "one");
    assert_int_equal(flume_log_append(fx->log, "two", 3, NULL), FLUME_ERR_VERSION);
}

static void strata_files_exchanged_between_basins_or_names_are_noticed(void **state)
{
    struct log_fixture *fx = *state;
    char own[sizeof fx->text];

    open_log(fx);
    (void)append_text(fx->log, "one");
    close_log(fx);
    (void)snprintf(own, sizeof own, "%s", strata_path(fx, "basin.flume", 0));
    (void)snprintf(fx->path, sizeof fx->path, "%s/other.flume", fx->root);
    open_log(fx);
    (void)append_text(fx->log, "two");
    close_log(fx);
    run_command("cp '%s' '%s'", own, strata_path(fx, "other.flume", 0));
    fx->options.profile = FLUME_PROFILE_SAFE;
    expect_open_fails(fx, FLUME_ERR_DAMAGED, "damaged");
    fx->options.profile = FLUME_PROFILE_CASUAL;
    open_log(fx);
    assert_true(stat_of(fx->log).recovery.damaged);
    expect_get(fx->log, 1, FLUME_ERR_DAMAGED);
    assert_int_equal(flume_log_append(fx->log, "x", 1, NULL), FLUME_ERR_DAMAGED);
}

/* --- Sharing --- */

/* Take the gate as a program does that does not say so in HEAD, and try to open beside it. */
static void expect_stranger_at_the_gate(struct log_fixture *fx)
{
    const flume_io *io = flume_io_posix();
    int file = io->open(io->ctx, fixture_path(fx, "basin.flume/LOCK"), FLUME_IO_WRITE);

    assert_true(file >= 0);
    assert_int_equal(io->lock(io->ctx, file, LOCK_GATE_AT, FLUME_IO_LOCK_EXCLUSIVE), 0);
    fx->options.lock_timeout_ns = 20000000;
    expect_open_fails(fx, FLUME_ERR_BUSY, ": another process has been attaching");
    fx->options.lock_timeout_ns = 0;
    io->close(io->ctx, file);
}

static void who_has_left_the_gate_is_not_named_as_its_holder(void **state)
{
    struct log_fixture *fx = *state;

    expect_stranger_at_the_gate(fx); /* After attaching, */
    close_log(fx);
    expect_stranger_at_the_gate(fx); /* after leaving, */
    open_log(fx);
    fx->options.flags |= FLUME_OPEN_EXCLUSIVE;
    expect_open_fails(fx, FLUME_ERR_BUSY, "exclusively");
    fx->options.flags = 0;
    expect_stranger_at_the_gate(fx); /* and after being refused. */
}

static void a_read_only_handle_reads_follows_and_never_appends(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *reader;
    uint64_t seq = 99;

    (void)append_text(fx->log, "one");
    reader = open_other(fx, FLUME_OPEN_READ_ONLY);
    expect_text(reader, 1, "one");
    assert_int_equal(flume_log_append(reader, "x", 1, &seq), FLUME_ERR_READ_ONLY);
    assert_int_equal(seq, 99);
    expect_error(reader, FLUME_ERR_READ_ONLY, fx->path);
    (void)append_text(fx->log, "two");
    expect_text(reader, 2, "two");
    assert_true(stat_of(reader).read_only);
    close_handle(reader);
}

static void read_only_needs_a_basin(void **state)
{
    struct log_fixture *fx = *state;

    fx->options.flags = FLUME_OPEN_READ_ONLY;
    expect_open_fails(fx, FLUME_ERR_NO_BASIN, fx->path);
    assert_false(file_exists(fx->path));
}

static void exclusive_is_refused_next_to_anybody_and_names_who(void **state)
{
    struct log_fixture *fx = *state;
    char pid[32];

    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    fx->options.program = "simulator";
    open_log(fx);
    fx->options.flags = FLUME_OPEN_EXCLUSIVE;
    expect_open_fails(fx, FLUME_ERR_BUSY, pid);
    assert_non_null(strstr(fx->error.message, "simulator"));
    assert_non_null(strstr(fx->error.message, "since 2"));
    close_log(fx);
    open_log(fx);
    fx->options.flags = 0;
    expect_open_fails(fx, FLUME_ERR_BUSY, pid);
    assert_non_null(strstr(fx->error.message, "simulator"));
    assert_non_null(strstr(fx->error.message, "since 2"));
    assert_non_null(strstr(fx->error.message, "exclusively"));
    fx->options.flags = FLUME_OPEN_READ_ONLY;
    expect_open_fails(fx, FLUME_ERR_BUSY, pid);
    close_log(fx);
    fx->options.flags = FLUME_OPEN_EXCLUSIVE; /* Free at once. */
    open_log(fx);
    assert_true(append_text(fx->log, "mine") > 0);
}

static void two_handles_in_one_process_see_each_other_at_once(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *other = open_other(fx, 0);
    uint64_t last = 0;

    for (unsigned i = 0; i < 200; i++) {
        flume_log *writer = i % 2 == 0 ? fx->log : other;
        flume_log *reader = i % 2 == 0 ? other : fx->log;
        uint64_t seq = append_bytes(writer, i * 7, i);

        assert_true(i == 0 || seq > last);
        assert_int_equal(flume_log_head(reader), seq + 1);
        expect_bytes(reader, seq, i * 7, i);
        last = seq;
    }
    assert_int_equal(last, 200 + 2 - 1); /* Each has a manifest. */
    close_handle(other);
    expect_bytes(fx->log, last, 199 * 7, 199);
}

static void the_attached_are_listed_with_their_roles(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *reader = open_other(fx, FLUME_OPEN_READ_ONLY);
    flume_attached rows[4];
    unsigned self = 0;
    unsigned read_only = 0;

    assert_int_equal(flume_log_attached(fx->log, rows, 4), 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(rows[i].pid, getpid());
        assert_true(rows[i].started_ns > 0);
        assert_true(strlen(rows[i].program) > 0);
        assert_true(strlen(rows[i].host) > 0);
        assert_false(rows[i].exclusive);
        self += rows[i].self ? 1 : 0;
        read_only += rows[i].read_only ? 1 : 0;
    }
    assert_int_equal(self, 1);
    assert_int_equal(read_only, 1);
    assert_int_equal(flume_log_attached(fx->log, rows, 1), 2); /* How many there are. */
    assert_int_equal(flume_log_attached(fx->log, NULL, 0), 2);
    assert_int_equal(stat_of(fx->log).attached, 2);
    close_handle(reader);
    assert_int_equal(flume_log_attached(fx->log, rows, 4), 1);
    assert_true(rows[0].self);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(a_missing_path_is_made_only_when_asked),
        closed_log_test(no_options_open_what_is_there_and_make_nothing),
        closed_log_test(a_directory_or_file_that_is_no_basin_is_left_alone),
        closed_log_test(an_empty_directory_becomes_a_basin_and_one_with_files_does_not),
        closed_log_test(a_missing_parent_directory_is_named),
        closed_log_test(a_making_that_was_cut_short_is_made_again),
        closed_log_test(a_basin_in_memory_works_and_touches_no_file),
        closed_log_test(a_basin_in_memory_rolls_and_takes_large_batches),
        closed_log_test(trailing_slashes_and_long_paths_are_handled),
        closed_log_test(every_invalid_option_is_refused_before_anything_is_made),
        closed_log_test(every_invalid_codec_is_refused),
        closed_log_test(null_arguments_are_invalid_and_not_a_crash),
        closed_log_test(the_strata_size_is_the_one_of_creation),
        closed_log_test(strings_of_the_options_are_copied),
        closed_log_test(any_changed_byte_of_flume_conf_is_noticed),
        closed_log_test(a_newer_format_of_flume_conf_is_the_version_error),
        closed_log_test(an_unknown_required_feature_is_the_version_error),
        closed_log_test(an_unknown_compatible_feature_is_ignored),
        closed_log_test(an_unknown_read_only_feature_forbids_appending_but_not_reading),
        closed_log_test(strata_files_exchanged_between_basins_or_names_are_noticed),
        log_test(who_has_left_the_gate_is_not_named_as_its_holder),
        log_test(a_read_only_handle_reads_follows_and_never_appends),
        closed_log_test(read_only_needs_a_basin),
        closed_log_test(exclusive_is_refused_next_to_anybody_and_names_who),
        log_test(two_handles_in_one_process_see_each_other_at_once),
        log_test(the_attached_are_listed_with_their_roles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
