/*
 * test_log_handle.c - a handle's services: profiles, sync, memory, stat, errors, codecs, manifests.
 */
#include "log_fixture.h"

#include <pthread.h>
#include <unistd.h>

#include "hash.h"

/* --- Keeping --- */

static void reopening_keeps_everything_in_every_profile_and_io_mode(void **state)
{
    struct log_fixture *fx = *state;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    for (int profile = FLUME_PROFILE_FORGETFUL; profile <= FLUME_PROFILE_PARANOID; profile++) {
        for (int mode = FLUME_IO_AUTO; mode <= FLUME_IO_PWRITE; mode++) {
            uint64_t before, head;

            fx->options.profile = (enum flume_profile)profile;
            fx->options.io_mode = (enum flume_io_mode)mode;
            open_log(fx);
            for (unsigned i = 0; i < 60; i++)
                (void)append_bytes(fx->log, i * 60, i);
            before = fingerprint(fx->log);
            head = flume_log_head(fx->log);
            assert_int_equal(stat_of(fx->log).profile, profile);
            reopen_log(fx);
            assert_int_equal(flume_log_head(fx->log), head);
            assert_int_equal(flume_log_durable(fx->log), head);
            assert_true(fingerprint(fx->log) == before);
            assert_false(stat_of(fx->log).recovery.torn);
            close_log(fx);
        }
    }
}

static void safe_and_paranoid_are_durable_when_append_returns(void **state)
{
    struct log_fixture *fx = *state;

    for (int profile = FLUME_PROFILE_SAFE; profile <= FLUME_PROFILE_PARANOID; profile++) {
        fx->options.profile = (enum flume_profile)profile;
        open_log(fx);
        for (unsigned i = 0; i < 20; i++) {
            uint64_t seq = append_bytes(fx->log, i * 100, i);

            assert_true(flume_log_durable(fx->log) > seq);
        }
        assert_true(stat_of(fx->log).sync_count > 0);
        close_log(fx);
    }
}

static void casual_syncs_within_a_second_and_forgetful_when_asked(void **state)
{
    struct log_fixture *fx = *state;
    const flume_io *io = flume_io_posix();
    uint64_t appended_ns, seq;

    open_log(fx);
    appended_ns = io->monotonic_ns(io->ctx);
    wait_until_durable(fx->log, append_text(fx->log, "soon"));
    assert_true(io->monotonic_ns(io->ctx) - appended_ns < 5 * SECOND_NS); /* A busy machine. */
    close_log(fx);
    run_command("rm -rf '%s'", fx->path);
    open_forgetful(fx);
    seq = append_text(fx->log, "asked");
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
    assert_true(flume_log_durable(fx->log) > seq);
    seq = append_text(fx->log, "at close");
    assert_true(flume_log_durable(fx->log) <= seq);
}

static void sync_knows_which_records_there_are(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seq;

    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_sync(fx->log, 0), FLUME_ERR_NOT_FOUND);
    seq = append_text(fx->log, "one");
    assert_int_equal(flume_log_sync(fx->log, seq + 1), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
    assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
    assert_int_equal(flume_log_durable(fx->log), seq + 1);
}

static void mapped_and_pwrite_handles_read_each_other(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *handles[2];

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    fx->options.io_mode = FLUME_IO_MAPPED;
    open_log(fx);
    handles[0] = fx->log;
    fx->options.io_mode = FLUME_IO_PWRITE;
    handles[1] = open_other(fx, 0);
    for (unsigned i = 0; i < 300; i++) {
        uint64_t seq = append_bytes(handles[i % 2], i * 17, i);

        expect_bytes(handles[0], seq, i * 17, i);
        expect_bytes(handles[1], seq, i * 17, i);
    }
    assert_int_equal(stat_of(handles[0]).io_mode, FLUME_IO_MAPPED);
    assert_int_equal(stat_of(handles[1]).io_mode, FLUME_IO_PWRITE);
    assert_true(fingerprint(handles[0]) == fingerprint(handles[1]));
    close_handle(handles[1]);
}

/* --- Memory and the log callback --- */

struct account {
    pthread_mutex_t mutex;
    size_t bytes, peak_bytes, calls;
};
enum { ACCOUNT_HEADER_BYTES = 16 };

static void *account_resize(void *ctx, void *memory, size_t bytes)
{
    struct account *account = ctx;
    uint8_t *base = memory != NULL ? (uint8_t *)memory - ACCOUNT_HEADER_BYTES : NULL;
    size_t old_bytes = 0;

    if (base != NULL)
        memcpy(&old_bytes, base, sizeof old_bytes);
    base = realloc(base, bytes + ACCOUNT_HEADER_BYTES);
    if (base == NULL)
        return NULL;
    memcpy(base, &bytes, sizeof bytes);
    (void)pthread_mutex_lock(&account->mutex);
    account->calls++;
    account->bytes += bytes - old_bytes;
    if (account->bytes > account->peak_bytes)
        account->peak_bytes = account->bytes;
    (void)pthread_mutex_unlock(&account->mutex);
    return base + ACCOUNT_HEADER_BYTES;
}

static void *account_allocate(void *ctx, size_t bytes)
{
    return account_resize(ctx, NULL, bytes);
}

static void account_release(void *ctx, void *memory)
{
    struct account *account = ctx;
    uint8_t *base = memory != NULL ? (uint8_t *)memory - ACCOUNT_HEADER_BYTES : NULL;
    size_t bytes;

    if (base == NULL)
        return;
    memcpy(&bytes, base, sizeof bytes);
    (void)pthread_mutex_lock(&account->mutex);
    account->bytes -= bytes;
    (void)pthread_mutex_unlock(&account->mutex);
    free(base);
}

static int stop_at_once(void *ctx, const flume_record *record)
{
    (void)ctx;
    (void)record;
    return 1;
}

static void all_memory_comes_from_the_allocator_and_goes_back(void **state)
{
    struct log_fixture *fx = *state;
    struct account account = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    flume_allocator allocator = {account_allocate, account_resize, account_release, &account};
    flume_subscription *subscription;
    flume_manifest manifest;
    flume_record record, kept;

    fx->options.allocator = &allocator;
    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    fx->options.allocator = NULL; /* It was copied. */
    (void)append_numbered(fx->log, 10000);
    for (unsigned i = 0; i < 50; i++)
        (void)append_bytes(fx->log, 9000, i);
    assert_int_equal(flume_subscribe(fx->log, NULL, stop_at_once, NULL, &subscription), FLUME_OK);
    flume_unsubscribe(subscription);
    flume_cursor_close(open_cursor(fx->log, NULL));
    assert_int_equal(flume_log_envelope(fx->log, 1, &manifest), FLUME_OK);
    assert_int_equal(flume_log_get(fx->log, 5, &record), FLUME_OK);
    flume_record_keep(&record, &kept);
    flume_record_release(&record);
    assert_true(account.calls > 10);
    assert_true(account.peak_bytes < 8 << 20); /* Mappings are not memory of ours. */
    close_log(fx);
    assert_true(account.bytes > 0); /* What outlives the log: a manifest, a record. */
    flume_manifest_release(&manifest);
    flume_record_release(&kept);
    assert_int_equal(account.bytes, 0);
}

static void a_failed_open_gives_back_all_memory(void **state)
{
    struct log_fixture *fx = *state;
    struct account account = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    flume_allocator allocator = {account_allocate, account_resize, account_release, &account};

    fx->options.allocator = &allocator;
    fx->options.flags = 0;
    expect_open_fails(fx, FLUME_ERR_NO_BASIN, fx->path);
    fx->options.strata_bytes = 1;
    expect_open_fails(fx, FLUME_ERR_INVALID, "strata_bytes");
    assert_int_equal(account.bytes, 0);
}

struct heard {
    unsigned warnings, errors;
    char last[512];
};

static void hear(void *ctx, enum flume_log_level level, const char *message)
{
    struct heard *heard = ctx;

    heard->warnings += level == FLUME_LOG_WARNING ? 1 : 0;
    heard->errors += level == FLUME_LOG_ERROR ? 1 : 0;
    (void)snprintf(heard->last, sizeof heard->last, "%s", message);
}

static void the_log_callback_hears_of_a_torn_tail_and_of_damage(void **state)
{
    struct log_fixture *fx = *state;
    struct heard heard = {0};
    const char *copy;
    flume_log *log = NULL;
    flume_record record;

    open_forgetful(fx);
    fx->options.log = hear;
    fx->options.log_ctx = &heard;
    assert_int_equal(append_text(fx->log, "two"), 3);
    assert_int_equal(flume_log_get(fx->log, 3, &record), FLUME_OK);
    copy = copy_after_power_cut(fx, "copy.flume");
    zero_file(strata_path(fx, "copy.flume", 0), record.offset + 4, 4);
    flume_record_release(&record);
    copy = fixture_path(fx, "copy.flume");
    assert_int_equal(flume_log_open(&log, copy, &fx->options, NULL), FLUME_OK);
    assert_int_equal(heard.warnings, 1);
    assert_int_equal(heard.errors, 0);
    assert_non_null(strstr(heard.last, "torn tail"));
    assert_non_null(strstr(heard.last, "copy.flume"));
    close_handle(log);
}

/* --- What a handle says of itself --- */

static void stat_counts_what_there_is(void **state)
{
    struct log_fixture *fx = *state;
    flume_entry old = {.body = "old", .body_bytes = 3, .time_ns = 1000};
    flume_log_stat_info info = stat_of(fx->log);

    assert_int_equal(info.head, 0);
    assert_int_equal(info.strata_count, 0);
    assert_int_equal(info.used_bytes, 0);
    assert_int_equal(info.first_time_ns, 0);
    assert_int_equal(info.last_time_ns, 0);
    assert_int_equal(info.strata_bytes, FLUME_STRATA_BYTES_DEFAULT);
    assert_int_equal(info.profile, FLUME_PROFILE_CASUAL);
    assert_true(info.created_ns > 0);
    assert_int_equal(flume_log_append_entry(fx->log, &old, NULL), FLUME_OK);
    (void)append_numbered(fx->log, 10);
    info = stat_of(fx->log);
    assert_int_equal(info.head, 12);
    assert_int_equal(info.strata_count, 1);
    assert_int_equal(info.appended_records, 11);
    assert_true(info.appended_bytes >= 11 * 32);
    assert_true(info.used_bytes >= info.appended_bytes);
    assert_true(info.allocated_bytes >= info.used_bytes);
    assert_true(info.allocated_bytes < 2 << 20);
    assert_true(info.first_time_ns > 1000 && info.last_time_ns >= info.first_time_ns);
    assert_false(info.read_only || info.poisoned || info.observer);
    reopen_log(fx);
    assert_int_equal(stat_of(fx->log).used_bytes, info.used_bytes);
    assert_int_equal(stat_of(fx->log).appended_records, 0); /* By this handle. */
    assert_memory_equal(stat_of(fx->log).basin_id, info.basin_id, sizeof info.basin_id);
    assert_int_equal(stat_of(fx->log).created_ns, info.created_ns);
    assert_int_equal(stat_of(fx->log).recovery.damaged_seq, FLUME_SEQ_NONE);
}

static void a_stat_over_many_strata_adds_them_up(void **state)
{
    struct log_fixture *fx = *state;
    flume_log_stat_info info;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    for (unsigned i = 0; i < 100; i++)
        (void)append_bytes(fx->log, 10000, i);
    info = stat_of(fx->log);
    assert_true(info.used_bytes > 100 * 10032);
    assert_true(info.used_bytes < 100 * 10032 + info.strata_count * 1024);
    assert_int_equal(info.strata_count,
                     count_files(fixture_path(fx, "basin.flume/log"), "0.strata") +
                         count_files(fx->text, "1.strata") + count_files(fx->text, "2.strata") +
                         count_files(fx->text, "3.strata") + count_files(fx->text, "4.strata") +
                         count_files(fx->text, "5.strata") + count_files(fx->text, "6.strata") +
                         count_files(fx->text, "7.strata") + count_files(fx->text, "8.strata") +
                         count_files(fx->text, "9.strata"));
}

static void the_detail_of_an_error_says_what_where_and_what_to_do(void **state)
{
    struct log_fixture *fx = *state;
    flume_error error;

    flume_log_error(fx->log, &error);
    assert_int_equal(error.status, FLUME_OK);
    assert_int_equal(error.seq, FLUME_SEQ_NONE);
    expect_get(fx->log, 12345, FLUME_ERR_NOT_FOUND);
    flume_log_error(fx->log, &error);
    assert_int_equal(error.seq, 12345);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, fx->path);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "12345");
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "head is 0");
}

static void any_seq_that_is_not_there_is_not_found(void **state)
{
    struct log_fixture *fx = *state;

    (void)append_text(fx->log, "one");
    expect_get(fx->log, 2, FLUME_ERR_NOT_FOUND);
    expect_get(fx->log, UINT32_MAX, FLUME_ERR_NOT_FOUND);
    expect_get(fx->log, INT64_MAX, FLUME_ERR_NOT_FOUND);
    expect_get(fx->log, UINT64_MAX, FLUME_ERR_NOT_FOUND);
}

/* --- Records that last --- */

static void a_kept_record_stays_readable_after_close(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *memory = NULL;
    flume_cursor *cursor;
    flume_record record, kept[2];

    (void)append_text(fx->log, "from a file");
    cursor = open_cursor(fx->log, NULL);
    assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_OK);
    assert_null(record.hold);
    flume_record_keep(&record, &kept[0]);
    flume_cursor_close(cursor);
    assert_int_equal(flume_log_open(&memory, ":memory:", NULL, NULL), FLUME_OK);
    (void)append_text(memory, "from memory");
    assert_int_equal(flume_log_get(memory, 1, &record), FLUME_OK);
    flume_record_keep(&record, &kept[1]);
    flume_record_release(&record);
    close_handle(memory);
    close_log(fx);
    run_command("rm -rf '%s'", fx->path);
    assert_true(record_is(&kept[0], "from a file"));
    assert_true(record_is(&kept[1], "from memory"));
    flume_record_release(&kept[0]);
    flume_record_release(&kept[0]); /* Harmless on a released one. */
    flume_record_release(&kept[1]);
}

/* --- Codecs --- */

static int encode_text(void *ctx, const void *value, flume_sink sink, void *sink_ctx)
{
    const char *text = value;
    int status = FLUME_OK;

    (void)ctx;
    if (*text == '!')
        return FLUME_ERR_INVALID;
    for (size_t i = 0; text[i] != '\0' && status == FLUME_OK; i++) {
        char pair[2] = {text[i], '-'};

        status = sink(sink_ctx, pair, sizeof pair); /* In pieces. */
    }
    return status;
}

static int decode_text(void *ctx, const void *data, size_t data_bytes, void **out_value)
{
    const char *bytes = data;
    char *text = calloc(1, data_bytes / 2 + 1);

    ++*(int *)ctx;
    if (text == NULL)
        return FLUME_ERR_NO_MEMORY;
    for (size_t i = 0; i < data_bytes / 2; i++)
        text[i] = bytes[2 * i];
    *out_value = text;
    return FLUME_OK;
}

static void release_text(void *ctx, void *value)
{
    --*(int *)ctx;
    free(value);
}

static int encode_too_much(void *ctx, const void *value, flume_sink sink, void *sink_ctx)
{
    static const uint8_t zeros[1 << 20];
    int status = FLUME_OK;

    (void)ctx;
    (void)value;
    for (unsigned i = 0; i < 17 && status == FLUME_OK; i++)
        status = sink(sink_ctx, zeros, sizeof zeros);
    return status;
}

static void a_registered_codec_encodes_decodes_and_stands_in_the_manifest(void **state)
{
    struct log_fixture *fx = *state;
    int values = 0;
    flume_codec codecs[] = {{"dashes", 300, encode_text, decode_text, release_text, &values},
                            {"too-much", 301, encode_too_much, NULL, NULL, NULL}};
    flume_entry entry = {.codec = 300};
    flume_record record;
    void *value = NULL;
    uint64_t seq;

    fx->options.codecs = codecs;
    fx->options.codec_count = 2;
    open_log(fx);
    memset(codecs, 0, sizeof codecs); /* They were copied. */
    assert_int_equal(flume_log_append_value(fx->log, &entry, "abc", &seq), FLUME_OK);
    expect_text(fx->log, seq, "a-b-c-");
    assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
    assert_int_equal(record.codec, 300);
    assert_int_equal(flume_record_decode(fx->log, &record, &value), FLUME_OK);
    assert_string_equal(value, "abc");
    assert_int_equal(values, 1);
    flume_value_release(fx->log, 300, value);
    assert_int_equal(values, 0);
    flume_record_release(&record);
    assert_int_equal(flume_log_append_value(fx->log, &entry, "!", &seq), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "dashes");
    entry.codec = 301;
    assert_int_equal(flume_log_append_value(fx->log, &entry, "", &seq), FLUME_ERR_TOO_LARGE);
    entry.codec = 302;
    assert_int_equal(flume_log_append_value(fx->log, &entry, "", &seq), FLUME_ERR_NOT_FOUND);
    assert_string_equal(flume_log_codec_name(fx->log, 300), "dashes");
    assert_string_equal(flume_log_codec_name(fx->log, FLUME_CODEC_JSON), "json");
    assert_null(flume_log_codec_name(fx->log, 302));
    assert_int_equal(flume_log_get(fx->log, 0, &record), FLUME_OK);
    assert_non_null(memmem(record.body, record.body_bytes, "codec 300 dashes\n", 17));
    flume_record_release(&record);
}

static void a_codec_that_is_not_registered_cannot_decode(void **state)
{
    struct log_fixture *fx = *state;
    flume_entry entry = {.body = "x", .body_bytes = 1, .codec = 999};
    flume_record record;
    void *value = NULL;
    uint64_t seq;

    assert_int_equal(flume_log_append_entry(fx->log, &entry, &seq), FLUME_OK);
    assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
    assert_int_equal(flume_record_decode(fx->log, &record, &value), FLUME_ERR_NOT_FOUND);
    expect_error(fx->log, FLUME_ERR_NOT_FOUND, "999");
    flume_record_release(&record);
}

/* --- Manifests --- */

static void the_envelope_tells_who_wrote_a_record(void **state)
{
    static const char *const labels[] = {"run=7", "two words, 100 % \"quoted\""};
    struct log_fixture *fx = *state;
    flume_manifest manifest;
    flume_log *other;
    uint64_t seq;

    fx->options.program = "line\nbreak%41";
    fx->options.build = "1.2.3";
    fx->options.labels = labels;
    fx->options.label_count = 2;
    open_log(fx);
    fx->options = (flume_log_options){.program = "other"};
    other = open_other(fx, 0);
    seq = append_text(other, "by the other");
    assert_int_equal(flume_log_envelope(other, append_text(fx->log, "x"), &manifest), FLUME_OK);
    assert_string_equal(manifest.program, "line\nbreak%41");
    assert_string_equal(manifest.build, "1.2.3");
    assert_int_equal(manifest.label_count, 2);
    assert_string_equal(manifest.labels[0], labels[0]);
    assert_string_equal(manifest.labels[1], labels[1]);
    assert_int_equal(manifest.pid, getpid());
    assert_true(strlen(manifest.host) > 0 && strlen(manifest.user) > 0);
    flume_manifest_release(&manifest);
    flume_manifest_release(&manifest); /* Harmless twice. */
    assert_int_equal(flume_log_envelope(fx->log, seq, &manifest), FLUME_OK);
    assert_string_equal(manifest.program, "other");
    assert_string_equal(manifest.build, "");
    assert_int_equal(manifest.seq, seq - 1);
    flume_manifest_release(&manifest);
    assert_int_equal(flume_log_envelope(fx->log, 99, &manifest), FLUME_ERR_NOT_FOUND);
    close_handle(other);
}

static void a_manifest_is_repeated_in_each_strata_and_flagged(void **state)
{
    static const uint8_t manifest_kind = FLUME_KIND_MANIFEST;
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.kinds = &manifest_kind, .kind_count = 1};
    flume_cursor *cursor;
    flume_record record;
    uint64_t count = 0;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    for (unsigned i = 0; i < 60; i++) {
        uint64_t seq = append_bytes(fx->log, 10000, i);

        assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
        assert_true(record.writer_seq >= record.strata_seq && record.writer_seq < seq);
        flume_record_release(&record);
    }
    cursor = open_cursor(fx->log, &options);
    while (flume_cursor_next(cursor, 0, &record) == FLUME_OK) {
        assert_int_equal(record.seq, record.strata_seq);
        assert_int_equal(record.flags & FLUME_RECORD_REPEAT, count > 0 ? FLUME_RECORD_REPEAT : 0);
        assert_int_equal(record.writer_seq, record.seq);
        count++;
    }
    flume_cursor_close(cursor);
    assert_int_equal(count, stat_of(fx->log).strata_count);
}

/* --- What is left over --- */

/* Only space is at stake, but a strata may come back that was behind the newest one. */
static void slots_behind_the_newest_strata_go_unless_it_is_there(void **state)
{
    struct log_fixture *fx = *state;

    open_log(fx);
    (void)append_text(fx->log, "one");
    run_command("cd '%s/log' && touch 00000000000000000100.slots 00000000000000000200.slots "
                "00000000000000000200.strata x",
                fx->path);
    close_log(fx);
    assert_false(file_exists(fixture_path(fx, "basin.flume/log/00000000000000000100.slots")));
    assert_true(file_exists(fixture_path(fx, "basin.flume/log/00000000000000000200.slots")));
    assert_true(file_exists(fixture_path(fx, "basin.flume/log/x")));
}

/* --- Settings --- */

/* The basin's settings without the line of a word, with a check that holds. */
static void leave_out(struct log_fixture *fx, const char *path, const char *text, const char *word)
{
    char left[2048], line[64];
    const char *from = strstr(text, word), *check = strstr(text, "check ");
    const char *to = strchr(from, '\n') + 1;
    size_t bytes;

    assert_true(from < check);
    (void)snprintf(left, sizeof left, "%.*s%.*s", (int)(from - text), text, (int)(check - to), to);
    (void)snprintf(line, sizeof line, "check %016llx\n",
                   (unsigned long long)hash_bytes(left, strlen(left), 0));
    bytes = strlen(left) + strlen(line);
    (void)snprintf(left + strlen(left), sizeof left - strlen(left), "%s", line);
    run_command("rm '%s'", path);
    run_command("touch '%s'", path);
    write_file(path, 0, left, bytes);
    expect_open_fails(fx, FLUME_ERR_DAMAGED, "flume.conf is damaged");
}

static void settings_that_lack_a_line_are_damaged(void **state)
{
    static const char *const words[] = {"format ", "basin ", "strata_bytes ", "created "};
    struct log_fixture *fx = *state;
    char path[LOG_FIXTURE_PATH_BYTES], text[2048] = "";

    open_log(fx);
    (void)append_text(fx->log, "one");
    close_log(fx);
    (void)snprintf(path, sizeof path, "%s", fixture_path(fx, "basin.flume/flume.conf"));
    assert_true(file_bytes(path) < sizeof text);
    read_file(path, 0, text, (size_t)file_bytes(path));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        leave_out(fx, path, text, words[i]);
}

static void settings_longer_than_any_are_damaged(void **state)
{
    static uint8_t text[16 << 10];
    struct log_fixture *fx = *state;
    char path[LOG_FIXTURE_PATH_BYTES];

    open_log(fx);
    close_log(fx);
    (void)snprintf(path, sizeof path, "%s", fixture_path(fx, "basin.flume/flume.conf"));
    memset(text, 'x', sizeof text);
    write_file(path, 0, text, sizeof text);
    expect_open_fails(fx, FLUME_ERR_DAMAGED, "flume.conf is damaged");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        closed_log_test(reopening_keeps_everything_in_every_profile_and_io_mode),
        closed_log_test(safe_and_paranoid_are_durable_when_append_returns),
        closed_log_test(casual_syncs_within_a_second_and_forgetful_when_asked),
        log_test(sync_knows_which_records_there_are),
        closed_log_test(mapped_and_pwrite_handles_read_each_other),
        closed_log_test(all_memory_comes_from_the_allocator_and_goes_back),
        closed_log_test(a_failed_open_gives_back_all_memory),
        closed_log_test(the_log_callback_hears_of_a_torn_tail_and_of_damage),
        log_test(stat_counts_what_there_is),
        closed_log_test(a_stat_over_many_strata_adds_them_up),
        log_test(the_detail_of_an_error_says_what_where_and_what_to_do),
        log_test(any_seq_that_is_not_there_is_not_found),
        log_test(a_kept_record_stays_readable_after_close),
        closed_log_test(a_registered_codec_encodes_decodes_and_stands_in_the_manifest),
        log_test(a_codec_that_is_not_registered_cannot_decode),
        closed_log_test(the_envelope_tells_who_wrote_a_record),
        closed_log_test(a_manifest_is_repeated_in_each_strata_and_flagged),
        closed_log_test(slots_behind_the_newest_strata_go_unless_it_is_there),
        closed_log_test(settings_that_lack_a_line_are_damaged),
        closed_log_test(settings_longer_than_any_are_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
