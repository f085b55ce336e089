/*
 * test_log_append.c - what can be appended, alone and as a batch, and on what condition.
 */
#include "log_fixture.h"

#include "strata_file.h"

/* --- Limits --- */

static void a_body_of_16_mib_is_a_record_and_one_byte_more_is_too_large(void **state)
{
    struct log_fixture *fx = *state;
    uint8_t *body = malloc(FLUME_BODY_BYTES_MAX + 1);
    uint64_t seq = append_bytes(fx->log, FLUME_BODY_BYTES_MAX, 7);
    uint64_t head = flume_log_head(fx->log);

    assert_non_null(body);
    memset(body, 'x', FLUME_BODY_BYTES_MAX + 1);
    expect_bytes(fx->log, seq, FLUME_BODY_BYTES_MAX, 7);
    assert_int_equal(flume_log_append(fx->log, body, FLUME_BODY_BYTES_MAX + 1, &seq),
                     FLUME_ERR_TOO_LARGE);
    expect_error(fx->log, FLUME_ERR_TOO_LARGE, "blob put");
    assert_int_equal(flume_log_head(fx->log), head);
    reopen_log(fx);
    expect_bytes(fx->log, head - 1, FLUME_BODY_BYTES_MAX, 7);
    free(body);
}

static void the_largest_body_fits_where_strata_are_smaller(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seq;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    (void)append_text(fx->log, "before");
    seq = append_bytes(fx->log, FLUME_BODY_BYTES_MAX, 3);
    expect_text(fx->log, append_text(fx->log, "after"), "after");
    reopen_log(fx);
    expect_bytes(fx->log, seq, FLUME_BODY_BYTES_MAX, 3);
}

static void empty_and_all_zero_bodies_are_records_like_any_other(void **state)
{
    struct log_fixture *fx = *state;
    static const uint8_t zeros[5000];
    flume_record record;
    uint64_t empty, null_body, zero, last;

    assert_int_equal(flume_log_append(fx->log, "", 0, &empty), FLUME_OK);
    assert_int_equal(flume_log_append(fx->log, NULL, 0, &null_body), FLUME_OK);
    assert_int_equal(flume_log_append(fx->log, zeros, sizeof zeros, &zero), FLUME_OK);
    assert_int_equal(flume_log_append(fx->log, "", 0, &last), FLUME_OK); /* At the very end too. */
    for (unsigned round = 0; round < 2; round++) {
        expect_text(fx->log, empty, "");
        expect_text(fx->log, null_body, "");
        expect_text(fx->log, last, "");
        assert_int_equal(flume_log_get(fx->log, zero, &record), FLUME_OK);
        assert_int_equal(record.body_bytes, sizeof zeros);
        assert_memory_equal(record.body, zeros, sizeof zeros);
        flume_record_release(&record);
        assert_int_equal(flume_log_head(fx->log), last + 1);
        reopen_log(fx);
    }
}

static void bodies_of_any_size_read_back_across_window_and_strata_borders(void **state)
{
    static const size_t around[] = {0, 8, 32, 4096, 64 << 10, 256 << 10, 1 << 20, 4 << 20};
    struct log_fixture *fx = *state;

    for (unsigned round = 0; round < 2; round++) {
        size_t sizes[sizeof around / sizeof around[0] * 81];
        uint64_t seqs[sizeof sizes / sizeof sizes[0]];
        size_t count = 0;

        fx->options.io_mode = round == 0 ? FLUME_IO_MAPPED : FLUME_IO_PWRITE;
        if (fx->log != NULL)
            reopen_log(fx);
        else
            open_log(fx);
        for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
            int reach = around[i] <= 4096 ? 40 : 4; /* Headers, meta and padding lie in between. */

            for (int delta = -reach; delta <= reach; delta++) {
                size_t bytes = around[i] + (size_t)(delta + reach) - (size_t)reach;

                if (bytes <= FLUME_BODY_BYTES_MAX)
                    sizes[count++] = bytes;
            }
        }
        for (size_t i = 0; i < count; i++)
            seqs[i] = append_bytes(fx->log, sizes[i], (unsigned)i);
        for (size_t i = 0; i < count; i++)
            expect_bytes(fx->log, seqs[i], sizes[i], (unsigned)i);
        reopen_log(fx);
        for (size_t i = 0; i < count; i++)
            expect_bytes(fx->log, seqs[i], sizes[i], (unsigned)i);
    }
}

/* Every size around what is left of a strata: it must fill exactly, or roll, never spill. */
static void every_size_around_the_end_of_a_strata_fits_or_rolls(void **state)
{
    struct log_fixture *fx = *state;
    enum { FILL = 40000 };

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    for (unsigned mode = FLUME_IO_MAPPED; mode <= FLUME_IO_PWRITE; mode++) {
        fx->options.io_mode = (enum flume_io_mode)mode;
        for (size_t rest = 16700; rest < 17400; rest += 4) {
            uint64_t first, second, third;

            open_log(fx);
            first = append_bytes(fx->log, FILL, 1);
            second = append_bytes(fx->log, rest, 2);
            third = append_bytes(fx->log, 100, 3);
            expect_bytes(fx->log, first, FILL, 1);
            expect_bytes(fx->log, second, rest, 2);
            expect_bytes(fx->log, third, 100, 3);
            close_log(fx);
            run_command("rm -rf '%s'", fx->path);
        }
    }
}

static void a_hundred_small_strata_hold_everything(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seqs[700];
    enum { COUNT = sizeof seqs / sizeof seqs[0] };

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    for (unsigned i = 0; i < COUNT; i++)
        seqs[i] = append_bytes(fx->log, 1 + i * 37 % 20000, i);
    assert_true(stat_of(fx->log).strata_count >= 100);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < COUNT; i++)
            expect_bytes(fx->log, seqs[i], 1 + i * 37 % 20000, i);
        reopen_log(fx);
    }
    assert_int_equal(stat_of(fx->log).head, seqs[COUNT - 1] + 1);
}

static void the_first_records_may_be_larger_than_an_ordinary_first_strata(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t first = append_bytes(fx->log, 8 << 20, 1); /* A first strata is 1 MiB. */
    uint64_t small = append_text(fx->log, "small");
    uint64_t second = append_bytes(fx->log, 15 << 20, 2);

    for (unsigned round = 0; round < 2; round++) {
        expect_bytes(fx->log, first, 8 << 20, 1);
        expect_text(fx->log, small, "small");
        expect_bytes(fx->log, second, 15 << 20, 2);
        assert_int_equal(flume_log_head(fx->log), second + 1);
        reopen_log(fx);
    }
}

/* The manifest alone goes into a strata that was made but is too small for the first record. */
static void a_large_first_batch_does_not_leave_an_empty_strata(void **state)
{
    struct log_fixture *fx = *state;
    flume_entry entry = {.body = "x", .body_bytes = 1};
    flume_condition never = {.check = FLUME_IF_HEAD, .head = 99};
    uint64_t seq;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    assert_int_equal(flume_log_append_many(fx->log, &entry, 1, &never, NULL), FLUME_ERR_CONFLICT);
    seq = append_numbered(fx->log, 5000);
    expect_text(fx->log, seq + 4999, "4999");
    reopen_log(fx);
    expect_text(fx->log, seq, "0");
}

/* --- Entries --- */

static int append_label(flume_log *log, const char *label)
{
    flume_entry entry = {.body = "x", .body_bytes = 1, .labels = &label, .label_count = 1};

    return flume_log_append_entry(log, &entry, NULL);
}

static void labels_have_1_to_255_bytes_and_no_control_bytes(void **state)
{
    struct log_fixture *fx = *state;
    char label[FLUME_LABEL_BYTES_MAX + 2];
    uint64_t head;

    memset(label, 'a', sizeof label);
    label[FLUME_LABEL_BYTES_MAX] = '\0';
    assert_int_equal(append_label(fx->log, label), FLUME_OK);
    assert_int_equal(append_label(fx->log, "größe=3 µm"), FLUME_OK);
    head = flume_log_head(fx->log);
    label[FLUME_LABEL_BYTES_MAX] = 'a';
    label[FLUME_LABEL_BYTES_MAX + 1] = '\0';
    assert_int_equal(append_label(fx->log, label), FLUME_ERR_TOO_LARGE);
    assert_int_equal(append_label(fx->log, ""), FLUME_ERR_INVALID);
    assert_int_equal(append_label(fx->log, NULL), FLUME_ERR_INVALID);
    for (char byte = 1; byte < 0x20; byte++) {
        char text[] = {'a', byte, 'b', '\0'};

        assert_int_equal(append_label(fx->log, text), FLUME_ERR_INVALID);
    }
    assert_int_equal(append_label(fx->log, "a\x7f"), FLUME_ERR_INVALID);
    expect_error(fx->log, FLUME_ERR_INVALID, "control byte");
    assert_int_equal(flume_log_head(fx->log), head);
}

static void many_labels_come_back_in_order_up_to_the_limit(void **state)
{
    struct log_fixture *fx = *state;
    static char names[300][256];
    const char *labels[300];
    flume_entry entry = {.body = "x", .body_bytes = 1, .labels = labels};
    flume_record record;
    flume_label label;
    size_t position = 0;
    uint64_t seq;

    for (size_t i = 0; i < 300; i++) {
        (void)snprintf(names[i], sizeof names[i], "%0250zu", i);
        labels[i] = names[i];
    }
    entry.label_count = 250;
    assert_int_equal(flume_log_append_entry(fx->log, &entry, &seq), FLUME_OK);
    assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
    for (size_t i = 0; i < entry.label_count; i++) {
        assert_true(flume_record_label(&record, &position, &label));
        assert_int_equal(label.bytes, 250);
        assert_memory_equal(label.text, names[i], 250);
        assert_true(flume_record_has_label(&record, names[i]));
    }
    assert_false(flume_record_label(&record, &position, &label));
    assert_false(flume_record_has_label(&record, "0"));
    flume_record_release(&record);
    entry.label_count = 300;
    assert_int_equal(flume_log_append_entry(fx->log, &entry, &seq), FLUME_ERR_TOO_LARGE);
    expect_error(fx->log, FLUME_ERR_TOO_LARGE, "labels");
}

static void invalid_entries_change_nothing(void **state)
{
    static const flume_entry wrong[] = {
        {.body = "x", .body_bytes = 1, .kind = FLUME_KIND_MANIFEST},
        {.body = "x", .body_bytes = 1, .kind = FLUME_KIND_LOST},
        {.body = NULL, .body_bytes = 1},
        {.body = "x", .body_bytes = 1, .labels = NULL, .label_count = 1},
    };
    struct log_fixture *fx = *state;
    flume_entry pair[2] = {{.body = "good", .body_bytes = 4}};
    uint64_t seq = 99;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(flume_log_append_entry(fx->log, &wrong[i], &seq), FLUME_ERR_INVALID);
        pair[1] = wrong[i];
        assert_int_equal(flume_log_append_many(fx->log, pair, 2, NULL, &seq), FLUME_ERR_INVALID);
    }
    assert_int_equal(flume_log_append_entry(fx->log, NULL, &seq), FLUME_ERR_INVALID);
    assert_int_equal(flume_log_append_many(fx->log, NULL, 2, NULL, &seq), FLUME_ERR_INVALID);
    assert_int_equal(seq, 99);
    assert_int_equal(flume_log_head(fx->log), 0);
}

static void kind_codec_and_time_are_kept(void **state)
{
    struct log_fixture *fx = *state;
    const char *label = "a label";
    flume_record record;

    for (unsigned kind = FLUME_KIND_BOOKMARK; kind <= 255; kind++) {
        flume_entry entry = {.body = "x",
                             .body_bytes = 1,
                             .labels = &label,
                             .label_count = 1,
                             .time_ns = 1000 + kind,
                             .codec = (uint16_t)(kind * 257),
                             .kind = (uint8_t)kind};
        uint64_t seq;

        assert_int_equal(flume_log_append_entry(fx->log, &entry, &seq), FLUME_OK);
        assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
        assert_int_equal(record.kind, kind);
        assert_int_equal(record.codec, kind * 257);
        assert_int_equal(record.time_ns, 1000 + kind);
        assert_true(flume_record_has_label(&record, label));
        flume_record_release(&record);
    }
}

static void kind_0_is_a_message_and_time_0_is_now(void **state)
{
    struct log_fixture *fx = *state;
    const flume_io *io = flume_io_posix();
    uint64_t before = io->wall_ns(io->ctx);
    flume_record record;

    assert_int_equal(flume_log_get(fx->log, append_text(fx->log, "a"), &record), FLUME_OK);
    assert_int_equal(record.kind, FLUME_KIND_MESSAGE);
    assert_int_equal(record.codec, FLUME_CODEC_RAW);
    assert_true(record.time_ns >= before && record.time_ns <= io->wall_ns(io->ctx));
    flume_record_release(&record);
}

/* --- Batches --- */

static void a_batch_is_dense_and_its_members_are_marked(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t first_seq = append_numbered(fx->log, 100);
    flume_record record;

    assert_int_equal(flume_log_head(fx->log), first_seq + 100);
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(flume_log_get(fx->log, first_seq + i, &record), FLUME_OK);
        assert_int_equal(record.flags & FLUME_RECORD_BATCH, i < 99 ? FLUME_RECORD_BATCH : 0);
        flume_record_release(&record);
    }
    expect_text(fx->log, first_seq + 99, "99");
}

static void a_batch_is_of_one_moment_but_for_times_that_are_stated(void **state)
{
    static const flume_entry entries[] = {{.body = "a", .body_bytes = 1},
                                          {.body = "b", .body_bytes = 1, .time_ns = 12345},
                                          {.body = "c", .body_bytes = 1}};
    struct log_fixture *fx = *state;
    uint64_t times[3];
    uint64_t first_seq;

    assert_int_equal(flume_log_append_many(fx->log, entries, 3, NULL, &first_seq), FLUME_OK);
    for (unsigned i = 0; i < 3; i++) {
        flume_record record;

        assert_int_equal(flume_log_get(fx->log, first_seq + i, &record), FLUME_OK);
        times[i] = record.time_ns;
        flume_record_release(&record);
    }
    assert_true(times[0] > 12345 && times[0] == times[2]);
    assert_true(times[1] == 12345);
}

static void an_empty_batch_appends_nothing_and_gives_the_head(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seq = 99;

    assert_int_equal(flume_log_append_many(fx->log, NULL, 0, NULL, &seq), FLUME_OK);
    assert_int_equal(seq, 0);
    (void)append_text(fx->log, "one");
    assert_int_equal(flume_log_append_many(fx->log, NULL, 0, NULL, &seq), FLUME_OK);
    assert_int_equal(seq, 2);
    assert_int_equal(flume_log_head(fx->log), 2);
}

static void a_batch_never_spans_strata(void **state)
{
    struct log_fixture *fx = *state;
    flume_record record;
    uint64_t strata_seq;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    for (unsigned round = 0; round < 30; round++) {
        uint64_t first_seq = append_numbered(fx->log, 300);

        assert_int_equal(flume_log_get(fx->log, first_seq, &record), FLUME_OK);
        strata_seq = record.strata_seq;
        flume_record_release(&record);
        assert_int_equal(flume_log_get(fx->log, first_seq + 299, &record), FLUME_OK);
        assert_int_equal(record.strata_seq, strata_seq);
        flume_record_release(&record);
    }
    assert_true(stat_of(fx->log).strata_count > 3);
}

static void a_batch_larger_than_a_strata_gets_a_strata_of_its_own(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t first_seq, after;
    flume_record record;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    (void)append_text(fx->log, "before");
    first_seq = append_numbered(fx->log, 20000);
    after = append_text(fx->log, "after");
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(flume_log_get(fx->log, first_seq + 19999, &record), FLUME_OK);
        assert_true(record_is(&record, "19999"));
        assert_int_equal(record.strata_seq, first_seq - 1); /* Its manifest stands first. */
        assert_int_equal(record.writer_seq, first_seq - 1);
        flume_record_release(&record);
        expect_text(fx->log, first_seq, "0");
        expect_text(fx->log, after, "after");
        expect_text(fx->log, 1, "before");
        assert_int_equal(count_files(fixture_path(fx, "basin.flume/txn"), ""), 0);
        reopen_log(fx);
    }
}

static void a_batch_may_hold_every_kind_and_size(void **state)
{
    struct log_fixture *fx = *state;
    static uint8_t body[3 << 20];
    flume_entry entries[250];
    uint64_t first_seq, last;

    fill_bytes(body, sizeof body, 1);
    for (unsigned i = 0; i < 250; i++)
        entries[i] = (flume_entry){
            .body = body, .body_bytes = i * i * 40, .kind = (uint8_t)(4 + i), .time_ns = 5};
    assert_int_equal(flume_log_append_many(fx->log, entries, 250, NULL, &first_seq), FLUME_OK);
    for (unsigned i = 0; i < 250; i++) {
        flume_record record;

        assert_int_equal(flume_log_get(fx->log, first_seq + i, &record), FLUME_OK);
        assert_int_equal(record.kind, 4 + i);
        assert_int_equal(record.body_bytes, i * i * 40);
        assert_int_equal(memcmp(record.body, body, record.body_bytes), 0);
        flume_record_release(&record);
        assert_int_equal(flume_log_last(fx->log, 4 + i, &last), FLUME_OK);
        assert_int_equal(last, first_seq + i);
    }
}

/* --- Conditions --- */

static int append_if(flume_log *log, flume_condition condition, uint64_t *out_seq)
{
    flume_entry entry = {.body = "x", .body_bytes = 1, .kind = FLUME_KIND_USER};

    return flume_log_append_many(log, &entry, 1, &condition, out_seq);
}

static void a_condition_on_head_holds_once(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *other = open_other(fx, 0);
    flume_condition condition = {.check = FLUME_IF_HEAD, .head = 0};
    uint64_t seq = 99;

    assert_int_equal(append_if(fx->log, condition, &seq), FLUME_OK);
    assert_int_equal(seq, 1); /* Behind the manifest: condition.head is the head before that. */
    seq = 99;
    assert_int_equal(append_if(other, condition, &seq), FLUME_ERR_CONFLICT);
    expect_error(other, FLUME_ERR_CONFLICT, "somebody has appended");
    assert_int_equal(seq, 99);
    assert_int_equal(flume_log_head(other), 2);
    condition.head = 2;
    assert_int_equal(append_if(other, condition, &seq), FLUME_OK);
    assert_int_equal(append_if(fx->log, condition, NULL), FLUME_ERR_CONFLICT);
    close_handle(other);
}

static void a_condition_on_the_last_of_a_kind_ignores_other_kinds(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *other = open_other(fx, 0);
    flume_condition condition = {
        .check = FLUME_IF_LAST, .last = FLUME_SEQ_NONE, .kind = FLUME_KIND_USER};
    uint64_t seq, last;

    (void)append_text(other, "a message in between");
    assert_int_equal(append_if(fx->log, condition, &seq), FLUME_OK);
    assert_int_equal(append_if(other, condition, NULL), FLUME_ERR_CONFLICT);
    assert_int_equal(flume_log_last(other, FLUME_KIND_USER, &last), FLUME_OK);
    assert_int_equal(last, seq);
    condition.last = last;
    (void)append_text(fx->log, "another");
    assert_int_equal(append_if(other, condition, &seq), FLUME_OK);
    assert_int_equal(append_if(fx->log, condition, NULL), FLUME_ERR_CONFLICT);
    close_handle(other);
    reopen_log(fx);
    condition.last = seq;
    assert_int_equal(append_if(fx->log, condition, NULL), FLUME_OK);
}

static void both_conditions_must_hold_and_unknown_ones_are_invalid(void **state)
{
    struct log_fixture *fx = *state;
    flume_condition condition = {
        .check = FLUME_IF_HEAD | FLUME_IF_LAST, .head = 2, .last = 1, .kind = FLUME_KIND_MESSAGE};

    (void)append_text(fx->log, "one");
    assert_int_equal(append_if(fx->log, condition, NULL), FLUME_OK);
    assert_int_equal(append_if(fx->log, condition, NULL), FLUME_ERR_CONFLICT);
    condition.head = flume_log_head(fx->log);
    condition.last = 0;
    assert_int_equal(append_if(fx->log, condition, NULL), FLUME_ERR_CONFLICT);
    condition.check = 4;
    assert_int_equal(append_if(fx->log, condition, NULL), FLUME_ERR_INVALID);
}

static void a_large_batch_is_conditional_too_and_leaves_nothing_behind(void **state)
{
    struct log_fixture *fx = *state;
    static flume_entry entries[4000];
    flume_condition condition = {.check = FLUME_IF_HEAD, .head = 1};

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    for (unsigned i = 0; i < 4000; i++)
        entries[i] = (flume_entry){.body = "x", .body_bytes = 1};
    assert_int_equal(flume_log_append_many(fx->log, entries, 4000, &condition, NULL),
                     FLUME_ERR_CONFLICT);
    assert_int_equal(count_files(fixture_path(fx, "basin.flume/txn"), ""), 0);
    condition.head = 0;
    assert_int_equal(flume_log_append_many(fx->log, entries, 4000, &condition, NULL), FLUME_OK);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        log_test(a_body_of_16_mib_is_a_record_and_one_byte_more_is_too_large),
        closed_log_test(the_largest_body_fits_where_strata_are_smaller),
        log_test(empty_and_all_zero_bodies_are_records_like_any_other),
        closed_log_test(bodies_of_any_size_read_back_across_window_and_strata_borders),
        closed_log_test(every_size_around_the_end_of_a_strata_fits_or_rolls),
        closed_log_test(a_hundred_small_strata_hold_everything),
        log_test(the_first_records_may_be_larger_than_an_ordinary_first_strata),
        closed_log_test(a_large_first_batch_does_not_leave_an_empty_strata),
        log_test(labels_have_1_to_255_bytes_and_no_control_bytes),
        log_test(many_labels_come_back_in_order_up_to_the_limit),
        log_test(invalid_entries_change_nothing),
        log_test(kind_codec_and_time_are_kept),
        log_test(kind_0_is_a_message_and_time_0_is_now),
        log_test(a_batch_is_dense_and_its_members_are_marked),
        log_test(a_batch_is_of_one_moment_but_for_times_that_are_stated),
        log_test(an_empty_batch_appends_nothing_and_gives_the_head),
        closed_log_test(a_batch_never_spans_strata),
        closed_log_test(a_batch_larger_than_a_strata_gets_a_strata_of_its_own),
        log_test(a_batch_may_hold_every_kind_and_size),
        log_test(a_condition_on_head_holds_once),
        log_test(a_condition_on_the_last_of_a_kind_ignores_other_kinds),
        log_test(both_conditions_must_hold_and_unknown_ones_are_invalid),
        closed_log_test(a_large_batch_is_conditional_too_and_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
