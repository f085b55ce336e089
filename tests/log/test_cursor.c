/*
 * test_cursor.c - reading many records: ranges, order, filters, and what happens at damage.
 *
 * Behaviours of the flume family's shared suites (L: any log, A: aligned or async logs) and where
 * they are tested. seq -1 ("none") is FLUME_SEQ_NONE, `since` is head - 1, `old: false` is
 * NEW_ONLY.
 *
 *   L1  since of a new log            a_new_log_is_empty_and_its_end_is_reached_at_once
 *   L2  stream of an empty log        the same
 *   L3  opened before the append      a_cursor_ends_where_the_log_ended_when_it_was_made
 *   L4  first seq                     seqs_rise_by_one_from_0
 *   L5  array is one step             a_batch_is_seen_whole_or_not_at_all (test_threads_log.c)
 *   L6  seq handed out                the_seq_handed_out_reads_back_at_once
 *   L7  larger seqs                   seqs_rise_by_one_from_0
 *   L8  concurrent appends            appends_of_many_threads_are_each_there_once (test_threads_log.c)
 *   L9  everything in order           without_options_every_record_comes_once_in_order
 *   L10 seqs and values               each record carries both; the projection is the caller's
 *   L11 gt, gte, lt, lte              every_pair_of_bounds_gives_what_it_says
 *   L12 gt of the last, of -1, of 0   a_bound_need_not_be_a_record
 *   L13 reverse                       reverse_is_exactly_the_reversed_list
 *   L14 limit                         a_limit_gives_the_first_or_in_reverse_the_last
 *   L15 seqs back through get         every_seq_of_a_cursor_reads_back_by_get
 *   L16 random sizes, many blocks     records_of_random_sizes_over_many_strata_come_back
 *   L17 to L19, A3 to A5              test_cursor_live.c, test_subscribe.c
 *   L20 close and reopen              records_of_random_sizes_over_many_strata_come_back
 *   A1  get of an unwritten record    writes are synchronous: the_seq_handed_out_reads_back_at_once
 *   A2  all or nothing                test_log_append.c; a record has no block to fit into
 *   A6  crash before the last block   test_recovery.c (with O1 to O3)
 *   A13 bad seqs                      any_seq_that_is_not_there_is_not_found (test_log_handle.c)
 *
 * Where the peers break their own rules, and what holds here:
 *
 *   limit: 2 of 5                     a_limit_gives_the_first_or_in_reverse_the_last
 *   limit, first record deleted       a_limit_counts_only_records_given_out (nothing is deleted here)
 *   deleted record in a stream        no deletion yet; damaged ones: skip_damaged_passes_over_and_counts
 *   reverse                           reverse_is_exactly_the_reversed_list
 *   old: false                        new_only_gives_nothing_old
 *   empty body, all-zero body         empty_and_all_zero_bodies_are_records_like_any_other
 *                                     (test_log_append.c), empty_bodies_do_not_end_a_cursor
 *   append([])                        an_empty_batch_appends_nothing_and_gives_the_head (same file)
 *   get past the end                  any_seq_that_is_not_there_is_not_found (test_log_handle.c)
 *   get in the middle of a record     seqs are dense: there is no such seq
 *   gt that is no record start        a_bound_need_not_be_a_record
 *   body over 64 KiB                  a_body_of_16_mib_is_a_record... (test_log_append.c)
 *   close right after drain           closing_right_after_an_append_loses_nothing
 *   ready out of order, query pending waiters_for_different_seqs_are_each_woken
 *   (test_cursor_live.c); when closing                      close_ends_live_subscriptions (test_subscribe.c)
 */
#include "log_fixture.h"

#include <stdatomic.h>

#include <unistd.h>

enum { TEXTS_MAX = 64 };

/* "0" .. "9" at seqs 1 .. 10. */
static void append_ten(struct log_fixture *fx)
{
    assert_int_equal(append_numbered(fx->log, 10), 1);
}

static void expect_range(struct log_fixture *fx, flume_cursor_options options, int from, int to)
{
    static char numbers[TEXTS_MAX][8];
    const char *list[TEXTS_MAX] = {NULL};
    size_t count = 0;

    for (int i = from; i < to && count + 1 < TEXTS_MAX; i++) {
        (void)snprintf(numbers[count], sizeof numbers[count], "%d", i & 0xff);
        list[count] = numbers[count];
        count++;
    }
    expect_records(fx->log, &options, list);
    for (size_t i = 0; i < count / 2; i++) {
        const char *swapped = list[i];

        list[i] = list[count - 1 - i];
        list[count - 1 - i] = swapped;
    }
    options.flags |= FLUME_CURSOR_REVERSE;
    expect_records(fx->log, &options, list);
}

/* --- Whole logs --- */

static void a_new_log_is_empty_and_its_end_is_reached_at_once(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options reverse = {.flags = FLUME_CURSOR_REVERSE};
    uint64_t last = 0;

    assert_int_equal(flume_log_head(fx->log), 0);
    assert_int_equal(flume_log_durable(fx->log), 0);
    assert_int_equal(flume_log_last(fx->log, FLUME_KIND_MESSAGE, &last), FLUME_OK);
    assert_true(last == FLUME_SEQ_NONE);
    expect_records(fx->log, NULL, no_texts);
    expect_records(fx->log, &reverse, no_texts);
    expect_get(fx->log, 0, FLUME_ERR_NOT_FOUND);
}

static void seqs_rise_by_one_from_0(void **state)
{
    struct log_fixture *fx = *state;

    expect_get(fx->log, 0, FLUME_ERR_NOT_FOUND);
    for (uint64_t seq = 1; seq < 100; seq++)
        assert_int_equal(append_text(fx->log, "x"), seq);
    expect_get(fx->log, 0, FLUME_OK); /* The manifest: the first record there is. */
}

static void the_seq_handed_out_reads_back_at_once(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seq;

    for (unsigned i = 0; i < 100; i++) {
        seq = append_bytes(fx->log, i, i);
        assert_int_equal(flume_log_head(fx->log), seq + 1);
        expect_bytes(fx->log, seq, i, i);
    }
    seq = append_numbered(fx->log, 3);
    assert_int_equal(flume_log_head(fx->log), seq + 3);
    expect_text(fx->log, seq + 2, "2");
}

static void without_options_every_record_comes_once_in_order(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor;

    append_ten(fx);
    expect_range(fx, (flume_cursor_options){.flags = 0}, 0, 10);
    cursor = open_cursor(fx->log, NULL);
    for (uint64_t seq = 1; seq <= 10; seq++) {
        flume_record record;

        assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_OK);
        assert_int_equal(record.seq, seq);
        assert_int_equal(flume_cursor_position(cursor), seq + 1);
    }
    flume_cursor_close(cursor);
}

static void every_seq_of_a_cursor_reads_back_by_get(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor;
    flume_record record, again;
    unsigned count = 0;

    append_ten(fx);
    cursor = open_cursor(fx->log, NULL);
    while (flume_cursor_next(cursor, 0, &record) == FLUME_OK) {
        assert_int_equal(flume_log_get(fx->log, record.seq, &again), FLUME_OK);
        assert_true(again.body == record.body && again.check == record.check);
        flume_record_release(&again);
        count++;
    }
    assert_int_equal(count, 10);
    flume_cursor_close(cursor);
}

static void records_of_random_sizes_over_many_strata_come_back(void **state)
{
    enum { COUNT = 2000 };
    static size_t sizes[COUNT];
    struct log_fixture *fx = *state;
    static uint8_t body[5000];
    uint64_t random = 42;
    flume_cursor *cursor;
    flume_record record;

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    for (unsigned i = 0; i < COUNT; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        sizes[i] = (size_t)(random >> 33) % sizeof body;
        (void)append_bytes(fx->log, sizes[i], i);
    }
    for (unsigned round = 0; round < 2; round++) {
        cursor = open_cursor(fx->log, NULL);
        for (unsigned i = 0; i < COUNT; i++) {
            fill_bytes(body, sizes[i], i);
            assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_OK);
            assert_int_equal(record.body_bytes, sizes[i]);
            assert_int_equal(memcmp(record.body, body, sizes[i]), 0);
        }
        expect_no_next(cursor, FLUME_END);
        assert_int_equal(flume_log_head(fx->log), record.seq + 1); /* Since is the last seq. */
        flume_cursor_close(cursor);
        reopen_log(fx);
    }
}

static void a_cursor_ends_where_the_log_ended_when_it_was_made(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor *cursor;

    (void)append_text(fx->log, "one");
    cursor = open_cursor(fx->log, NULL);
    (void)append_text(fx->log, "two");
    expect_next(cursor, "one");
    expect_no_next(cursor, FLUME_END);
    (void)append_text(fx->log, "three");
    expect_no_next(cursor, FLUME_END);
    flume_cursor_close(cursor);
}

static void empty_bodies_do_not_end_a_cursor(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options reverse = {.flags = FLUME_CURSOR_REVERSE};

    (void)append_text(fx->log, "a");
    (void)append_text(fx->log, "");
    (void)append_text(fx->log, "");
    (void)append_text(fx->log, "b");
    (void)append_text(fx->log, "");
    expect_records(fx->log, NULL, texts("a", "", "", "b", ""));
    expect_records(fx->log, &reverse, texts("", "b", "", "", "a"));
    reopen_log(fx);
    expect_records(fx->log, NULL, texts("a", "", "", "b", ""));
}

static void closing_right_after_an_append_loses_nothing(void **state)
{
    struct log_fixture *fx = *state;

    for (uint64_t round = 0; round < 20; round++) {
        uint64_t seq = append_numbered(fx->log, 50);

        reopen_log(fx);
        assert_int_equal(flume_log_head(fx->log), seq + 50);
        expect_text(fx->log, seq + 49, "49");
    }
}

/* --- Ranges --- */

static void every_pair_of_bounds_gives_what_it_says(void **state)
{
    struct log_fixture *fx = *state;

    append_ten(fx); /* Text n lies at seq n + 1. */
    for (int low = 0; low <= 12; low++) {
        uint64_t seq = (uint64_t)low;
        int after = low < 10 ? low : 10;
        int from = low > 0 ? (low - 1 < 10 ? low - 1 : 10) : 0;

        expect_range(fx, (flume_cursor_options){.bounds = FLUME_GT, .gt = seq}, after, 10);
        expect_range(fx, (flume_cursor_options){.bounds = FLUME_GTE, .gte = seq}, from, 10);
        expect_range(fx, (flume_cursor_options){.bounds = FLUME_LT, .lt = seq}, 0, from);
        expect_range(fx, (flume_cursor_options){.bounds = FLUME_LTE, .lte = seq}, 0, after);
        for (int high = 0; high <= 12; high++) {
            flume_cursor_options both = {
                .bounds = FLUME_GTE | FLUME_LT, .gte = seq, .lt = (uint64_t)high};
            int to = high > 0 ? (high - 1 < 10 ? high - 1 : 10) : 0;

            expect_range(fx, both, from, to);
            both = (flume_cursor_options){
                .bounds = FLUME_GT | FLUME_LTE, .gt = seq, .lte = (uint64_t)high};
            expect_range(fx, both, after, high < 10 ? high : 10);
        }
    }
}

static void of_two_bounds_on_a_side_the_narrower_counts(void **state)
{
    struct log_fixture *fx = *state;
    unsigned all = FLUME_GT | FLUME_GTE | FLUME_LT | FLUME_LTE;

    append_ten(fx);
    expect_range(fx, (flume_cursor_options){.bounds = all, .gt = 2, .gte = 5, .lt = 9, .lte = 7}, 4,
                 7);
    expect_range(fx, (flume_cursor_options){.bounds = all, .gt = 4, .gte = 2, .lt = 8, .lte = 9}, 4,
                 7);
}

static void a_bound_need_not_be_a_record(void **state)
{
    struct log_fixture *fx = *state;

    append_ten(fx);
    expect_range(fx, (flume_cursor_options){.bounds = FLUME_GT, .gt = FLUME_SEQ_NONE}, 0, 10);
    expect_range(fx, (flume_cursor_options){.bounds = FLUME_GT, .gt = 1}, 1, 10);
    expect_range(fx, (flume_cursor_options){.bounds = FLUME_GT, .gt = 10}, 0, 0);
    expect_range(fx, (flume_cursor_options){.bounds = FLUME_GTE, .gte = UINT64_MAX}, 0, 0);
    expect_range(fx, (flume_cursor_options){.bounds = FLUME_LT, .lt = UINT64_MAX}, 0, 10);
    expect_range(fx, (flume_cursor_options){.bounds = FLUME_LTE, .lte = UINT64_MAX}, 0, 10);
    expect_range(fx, (flume_cursor_options){.bounds = FLUME_LT, .lt = 0}, 0, 0);
    expect_range(fx, (flume_cursor_options){.gt = 5, .gte = 5, .lt = 1, .lte = 1}, 0, 10);
}

static void reverse_is_exactly_the_reversed_list(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.flags = FLUME_CURSOR_REVERSE};
    flume_cursor *cursor;

    (void)append_text(fx->log, "a");
    (void)append_text(fx->log, "b");
    (void)append_text(fx->log, "c");
    cursor = open_cursor(fx->log, &options);
    assert_int_equal(flume_cursor_position(cursor), 4);
    (void)append_text(fx->log, "d"); /* After the cursor was made. */
    expect_next(cursor, "c");
    assert_int_equal(flume_cursor_position(cursor), 3);
    expect_next(cursor, "b");
    expect_next(cursor, "a");
    expect_no_next(cursor, FLUME_END);
    flume_cursor_close(cursor);
    options.bounds = FLUME_GT;
    options.gt = 2;
    expect_records(fx->log, &options, texts("d", "c"));
}

static void a_limit_gives_the_first_or_in_reverse_the_last(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.limit = 2};

    append_ten(fx);
    expect_records(fx->log, &options, texts("0", "1"));
    options.bounds = FLUME_GTE;
    options.gte = 5;
    expect_records(fx->log, &options, texts("4", "5"));
    options.flags = FLUME_CURSOR_REVERSE;
    expect_records(fx->log, &options, texts("9", "8"));
    options.limit = 100;
    options.gte = 10;
    expect_records(fx->log, &options, texts("9"));
}

static void a_limit_counts_only_records_given_out(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.limit = 2, .label = "wanted"};

    (void)append_text(fx->log, "no");
    (void)append_labelled(fx->log, "a", "wanted");
    (void)append_text(fx->log, "no");
    (void)append_labelled(fx->log, "b", "wanted");
    (void)append_labelled(fx->log, "c", "wanted");
    expect_records(fx->log, &options, texts("a", "b"));
}

/* --- Filters --- */

static uint64_t append_kind(struct log_fixture *fx, const char *text, uint8_t kind)
{
    flume_entry entry = {.body = text, .body_bytes = strlen(text), .kind = kind};
    uint64_t seq = 0;

    assert_int_equal(flume_log_append_entry(fx->log, &entry, &seq), FLUME_OK);
    return seq;
}

static void kinds_are_those_asked_for_and_manifests_only_then(void **state)
{
    static const uint8_t two[] = {FLUME_KIND_USER, 255};
    static const uint8_t manifest[] = {FLUME_KIND_MANIFEST};
    static const uint8_t any[] = {FLUME_KIND_ANY};
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.kinds = two, .kind_count = 2};
    flume_cursor *cursor;
    flume_record record;

    (void)append_kind(fx, "a", FLUME_KIND_MESSAGE);
    (void)append_kind(fx, "b", FLUME_KIND_USER);
    (void)append_kind(fx, "c", 255);
    (void)append_kind(fx, "d", FLUME_KIND_BOOKMARK);
    expect_records(fx->log, NULL, texts("a", "b", "c", "d"));
    expect_records(fx->log, &options, texts("b", "c"));
    options = (flume_cursor_options){.kinds = manifest, .kind_count = 1};
    cursor = open_cursor(fx->log, &options);
    assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_OK);
    assert_int_equal(record.kind, FLUME_KIND_MANIFEST);
    assert_int_equal(record.seq, 0);
    expect_no_next(cursor, FLUME_END);
    flume_cursor_close(cursor);
    options = (flume_cursor_options){.kinds = any, .kind_count = 1, .bounds = FLUME_GT, .gt = 0};
    expect_records(fx->log, &options, texts("a", "b", "c", "d"));
}

static void the_manifests_flag_adds_them_to_whatever_is_asked_for(void **state)
{
    static const uint8_t user[] = {FLUME_KIND_USER};
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.flags = FLUME_CURSOR_MANIFESTS};
    flume_cursor *cursor;
    flume_record record;

    (void)append_kind(fx, "a", FLUME_KIND_USER);
    for (unsigned round = 0; round < 2; round++) {
        cursor = open_cursor(fx->log, &options);
        assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_OK);
        assert_int_equal(record.kind, FLUME_KIND_MANIFEST);
        expect_next(cursor, "a");
        expect_no_next(cursor, FLUME_END);
        flume_cursor_close(cursor);
        options.kinds = user;
        options.kind_count = 1;
    }
}

static void a_label_filters_byte_for_byte_forward_and_back(void **state)
{
    struct log_fixture *fx = *state;
    char label[] = "run";
    flume_cursor_options options = {.label = label};
    flume_cursor *cursor;

    (void)append_labelled(fx->log, "a", "run");
    (void)append_labelled(fx->log, "b", "run2");
    (void)append_labelled(fx->log, "c", "ru");
    (void)append_labelled(fx->log, "d", "run");
    (void)append_text(fx->log, "run");
    expect_records(fx->log, &options, texts("a", "d"));
    options.flags = FLUME_CURSOR_REVERSE;
    expect_records(fx->log, &options, texts("d", "a"));
    cursor = open_cursor(fx->log, &options);
    label[0] = 'x'; /* Copied. */
    expect_next(cursor, "d");
    flume_cursor_close(cursor);
    expect_records(fx->log, &options, no_texts);
}

static void since_and_until_are_a_half_open_time_range(void **state)
{
    static const uint64_t times[] = {100, 300, 200, 400, 300};
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.since_ns = 300};

    for (size_t i = 0; i < 5; i++) {
        flume_entry entry = {.body = names[i], .body_bytes = 1, .time_ns = times[i]};

        assert_int_equal(flume_log_append_entry(fx->log, &entry, NULL), FLUME_OK);
    }
    expect_records(fx->log, &options, texts("b", "d", "e"));
    options.until_ns = 400;
    expect_records(fx->log, &options, texts("b", "e"));
    options.flags = FLUME_CURSOR_REVERSE;
    expect_records(fx->log, &options, texts("e", "b"));
    options.since_ns = 0;
    expect_records(fx->log, &options, texts("e", "c", "b", "a"));
}

/* Whole strata are passed over by their running time; a clock that went back must not hide any. */
static void since_finds_every_record_over_many_strata_with_a_clock_that_jumps(void **state)
{
    enum { COUNT = 500, BIG = 3000 };
    static uint8_t body[BIG];
    struct log_fixture *fx = *state;
    uint64_t times[COUNT];

    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    open_log(fx);
    for (uint64_t i = 0; i < COUNT; i++) {
        flume_entry entry = {.body = body, .body_bytes = BIG};

        times[i] = entry.time_ns = 1000 + i * 10 - (i % 97 == 0 && i > 0 ? 900 : 0);
        assert_int_equal(flume_log_append_entry(fx->log, &entry, NULL), FLUME_OK);
    }
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t since = 500; since < 6500; since += 501) {
            flume_cursor_options options = {.since_ns = since, .until_ns = 100000};
            flume_cursor *cursor = open_cursor(fx->log, &options);
            flume_record record;

            for (size_t i = 0; i < COUNT; i++) {
                if (times[i] < since)
                    continue;
                assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_OK);
                assert_int_equal(record.time_ns, times[i]);
            }
            expect_no_next(cursor, FLUME_END);
            flume_cursor_close(cursor);
        }
        reopen_log(fx);
    }
}

/* --- Options that cannot be --- */

static _Atomic uint64_t wall_now_ns;

static uint64_t wall_as_set(void *ctx)
{
    (void)ctx;
    return atomic_load(&wall_now_ns);
}

static void since_passes_over_strata_that_are_too_old_as_a_whole(void **state)
{
    enum { RECORDS_EACH = 300, BODY_BYTES = 500 };
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.since_ns = 2000};
    flume_io io = *flume_io_posix();
    flume_cursor *cursor;
    flume_record record;
    uint64_t count = 0;

    io.wall_ns = wall_as_set; /* The writer's manifests are of that time too. */
    fx->options.io = &io;
    fx->options.strata_bytes = FLUME_STRATA_BYTES_MIN;
    atomic_store(&wall_now_ns, 1000);
    open_log(fx);
    for (unsigned i = 0; i < 2 * RECORDS_EACH; i++) {
        if (i == RECORDS_EACH)
            atomic_store(&wall_now_ns, 2000);
        (void)append_bytes(fx->log, BODY_BYTES, i);
    }
    assert_true(stat_of(fx->log).strata_count >= 4);
    cursor = open_cursor(fx->log, &options);
    while (flume_cursor_next(cursor, 0, &record) == FLUME_OK) {
        assert_int_equal(record.time_ns, 2000);
        count++;
    }
    assert_int_equal(count, RECORDS_EACH);
    flume_cursor_close(cursor);
    close_log(fx);
    fx->options.io = NULL;
}

static void invalid_options_are_refused(void **state)
{
    struct log_fixture *fx = *state;
    char label[FLUME_LABEL_BYTES_MAX + 2];
    const flume_cursor_options wrong[] = {
        {.flags = FLUME_CURSOR_REVERSE | FLUME_CURSOR_LIVE},
        {.flags = 1u << 20},
        {.bounds = 16},
        {.kinds = NULL, .kind_count = 1},
    };
    flume_cursor *cursor = NULL;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(flume_cursor_open(fx->log, &wrong[i], &cursor), FLUME_ERR_INVALID);
    memset(label, 'a', sizeof label);
    label[sizeof label - 1] = '\0';
    assert_int_equal(flume_cursor_open(fx->log, &(flume_cursor_options){.label = label}, &cursor),
                     FLUME_ERR_TOO_LARGE);
    assert_int_equal(flume_cursor_open(NULL, NULL, &cursor), FLUME_ERR_INVALID);
    assert_null(cursor);
}

/* --- Damage --- */

/* "0" .. "9", of which the one at seq `bad` no longer reads. */
static void damage_one(struct log_fixture *fx, uint64_t bad)
{
    flume_record record;
    uint8_t byte = 'X';

    append_ten(fx);
    assert_int_equal(flume_log_get(fx->log, bad, &record), FLUME_OK);
    write_file(strata_path(fx, "basin.flume", 0),
               record.offset + 32 + record.meta_bytes +
                   ((record.flags & FLUME_RECORD_WITNESS) != 0 ? 8 : 0),
               &byte, 1);
    flume_record_release(&record);
    expect_get(fx->log, bad, FLUME_ERR_DAMAGED);
}

static void a_damaged_record_is_told_and_the_next_call_goes_on_behind_it(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.flags = 0};
    flume_cursor *cursor;

    damage_one(fx, 5);
    cursor = open_cursor(fx->log, &options);
    for (unsigned i = 0; i < 4; i++)
        expect_next(cursor, ((const char *[]){"0", "1", "2", "3"})[i]);
    expect_no_next(cursor, FLUME_ERR_DAMAGED);
    assert_int_equal(flume_cursor_position(cursor) - 1, 5);
    expect_next(cursor, "5");
    flume_cursor_close(cursor);
    options.flags = FLUME_CURSOR_REVERSE;
    options.bounds = FLUME_LTE;
    options.lte = 6;
    cursor = open_cursor(fx->log, &options);
    expect_next(cursor, "5");
    expect_no_next(cursor, FLUME_ERR_DAMAGED);
    assert_int_equal(flume_cursor_position(cursor), 5); /* In reverse: one above the next. */
    expect_next(cursor, "3");
    flume_cursor_close(cursor);
    expect_error(fx->log, FLUME_ERR_DAMAGED, "seq 5");
}

static void skip_damaged_passes_over_and_counts(void **state)
{
    struct log_fixture *fx = *state;
    flume_cursor_options options = {.flags = FLUME_CURSOR_SKIP_DAMAGED, .limit = 9};
    flume_cursor *cursor;
    flume_record record;

    damage_one(fx, 5);
    cursor = open_cursor(fx->log, &options);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(flume_cursor_next(cursor, 0, &record), FLUME_OK);
    assert_true(record_is(&record, "9"));
    assert_int_equal(flume_cursor_skipped(cursor), 1);
    flume_cursor_close(cursor);
    options.flags |= FLUME_CURSOR_REVERSE;
    expect_records(fx->log, &options, texts("9", "8", "7", "6", "5", "3", "2", "1", "0"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        log_test(a_new_log_is_empty_and_its_end_is_reached_at_once),
        log_test(seqs_rise_by_one_from_0),
        log_test(the_seq_handed_out_reads_back_at_once),
        log_test(without_options_every_record_comes_once_in_order),
        log_test(every_seq_of_a_cursor_reads_back_by_get),
        closed_log_test(records_of_random_sizes_over_many_strata_come_back),
        log_test(a_cursor_ends_where_the_log_ended_when_it_was_made),
        log_test(empty_bodies_do_not_end_a_cursor),
        log_test(closing_right_after_an_append_loses_nothing),
        log_test(every_pair_of_bounds_gives_what_it_says),
        log_test(of_two_bounds_on_a_side_the_narrower_counts),
        log_test(a_bound_need_not_be_a_record),
        log_test(reverse_is_exactly_the_reversed_list),
        log_test(a_limit_gives_the_first_or_in_reverse_the_last),
        log_test(a_limit_counts_only_records_given_out),
        log_test(kinds_are_those_asked_for_and_manifests_only_then),
        log_test(the_manifests_flag_adds_them_to_whatever_is_asked_for),
        log_test(a_label_filters_byte_for_byte_forward_and_back),
        log_test(since_and_until_are_a_half_open_time_range),
        closed_log_test(since_finds_every_record_over_many_strata_with_a_clock_that_jumps),
        closed_log_test(since_passes_over_strata_that_are_too_old_as_a_whole),
        log_test(invalid_options_are_refused),
        log_test(a_damaged_record_is_told_and_the_next_call_goes_on_behind_it),
        log_test(skip_damaged_passes_over_and_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
