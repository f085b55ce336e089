/*
 * test_label_view.c - what is known of labels, and which records carry them.
 */
#include "find_fixture.h"

enum { LISTED_BYTES = 4096 };

static int add_label(void *ctx, const flume_label_info *info)
{
    char *listed = ctx;

    assert_true(strlen(listed) + strlen(info->label) + 2 < LISTED_BYTES);
    (void)strcat(listed, info->label);
    (void)strcat(listed, " ");
    return 0;
}

static void expect_listed(flume *handle, const char *prefix, const char *regex,
                          const char *expected)
{
    char listed[LISTED_BYTES] = "";

    assert_int_equal(flume_label_list(handle, NULL, prefix, regex, add_label, listed), FLUME_OK);
    assert_string_equal(listed, expected);
}

static void append_colours(struct find_fixture *fx)
{
    (void)append_json_with(fx->log, "1", "blue", NULL);
    (void)append_json_with(fx->log, "22", "red", "blue");
    (void)append_text(fx->log, "without");
    (void)append_json_with(fx->log, "333", "blueish", NULL);
    (void)append_json_with(fx->log, "4444", "red", NULL);
}

static void a_label_tells_its_records_bytes_and_ends(void **state)
{
    struct find_fixture *fx = *state;
    flume_label_info info;

    append_colours(fx);
    assert_int_equal(flume_label_get(fx->handle, NULL, "blue", &info), FLUME_OK);
    assert_string_equal(info.label, "blue");
    assert_int_equal(info.count, 2);
    assert_int_equal(info.body_bytes, 3);
    assert_int_equal(info.first_seq, 1);
    assert_int_equal(info.last_seq, 2);
    (void)append_json_with(fx->log, "55555", "blue", NULL);
    assert_int_equal(flume_label_get(fx->handle, NULL, "blue", &info), FLUME_OK);
    assert_int_equal(info.count, 3);
    assert_int_equal(info.body_bytes, 8);
    assert_int_equal(info.last_seq, 6);
}

static void a_label_that_no_record_carries_is_not_found(void **state)
{
    struct find_fixture *fx = *state;
    char long_label[FLUME_LABEL_BYTES_MAX + 2];
    flume_label_info info;
    uint64_t seq;

    append_colours(fx);
    memset(long_label, 'x', sizeof long_label);
    long_label[sizeof long_label - 1] = '\0';
    assert_int_equal(flume_label_get(fx->handle, NULL, "green", &info), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_label_get(fx->handle, NULL, "blu", &info), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_label_get(fx->handle, NULL, "", &info), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_label_get(fx->handle, NULL, long_label, &info), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_label_from_end(fx->handle, NULL, "green", 0, &seq), FLUME_ERR_NOT_FOUND);
}

static void a_record_counts_once_for_a_label_it_carries_twice(void **state)
{
    struct find_fixture *fx = *state;
    flume_label_info info;
    uint64_t seq = append_json_with(fx->log, "12", "twice", "twice"), found = 0;

    assert_int_equal(flume_label_get(fx->handle, NULL, "twice", &info), FLUME_OK);
    assert_int_equal(info.count, 1);
    assert_int_equal(info.body_bytes, 2);
    assert_int_equal(flume_label_from_end(fx->handle, NULL, "twice", 0, &found), FLUME_OK);
    assert_int_equal(found, seq);
}

static void a_record_may_carry_very_many_labels(void **state)
{
    enum { LABELS = 5000 };
    struct find_fixture *fx = *state;
    static char texts_of[LABELS][8];
    static const char *labels[LABELS];
    flume_entry entry = {.body = "x", .body_bytes = 1, .labels = labels, .label_count = LABELS};
    flume_label_info info;

    for (unsigned i = 0; i < LABELS; i++) {
        (void)snprintf(texts_of[i], sizeof texts_of[i], "l%u", i / 2 * 7919 % LABELS);
        labels[i] = texts_of[i];
    }
    assert_int_equal(flume_log_append_entry(fx->log, &entry, NULL), FLUME_OK);
    for (unsigned i = 0; i < LABELS; i += 111) {
        assert_int_equal(flume_label_get(fx->handle, NULL, labels[i], &info), FLUME_OK);
        assert_int_equal(info.count, 1);
    }
}

static void labels_of_a_writer_are_not_those_of_records(void **state)
{
    struct find_fixture *fx = *state;
    const char *label = "of-the-writer";
    flume_label_info info;

    fx->files->options.labels = &label;
    fx->files->options.label_count = 1;
    find_reopen(fx);
    (void)append_text(fx->log, "record");
    assert_int_equal(flume_label_get(fx->handle, NULL, label, &info), FLUME_ERR_NOT_FOUND);
    fx->files->options.labels = NULL;
    fx->files->options.label_count = 0;
}

static void labels_are_listed_in_order_by_prefix_and_by_expression(void **state)
{
    struct find_fixture *fx = *state;

    append_colours(fx);
    expect_listed(fx->handle, NULL, NULL, "blue blueish red ");
    expect_listed(fx->handle, "blue", NULL, "blue blueish ");
    expect_listed(fx->handle, "bluei", NULL, "blueish ");
    expect_listed(fx->handle, "c", NULL, "");
    expect_listed(fx->handle, "z", NULL, "");
    expect_listed(fx->handle, NULL, "e$", "blue ");
    expect_listed(fx->handle, NULL, "e", "blue blueish red ");
    expect_listed(fx->handle, "b", "(is|x){1,3}h", "blueish ");
    find_reopen(fx);
    expect_listed(fx->handle, NULL, NULL, "blue blueish red ");
}

static void an_empty_log_has_no_labels(void **state)
{
    struct find_fixture *fx = *state;

    expect_listed(fx->handle, NULL, NULL, "");
}

static int stop_with_one(void *ctx, const flume_label_info *info)
{
    (void)info;
    (*(unsigned *)ctx)++;
    return 1; /* As FLUME_END: it is still the callback's answer. */
}

static void a_callback_ends_the_listing_with_its_answer(void **state)
{
    struct find_fixture *fx = *state;
    unsigned calls = 0;

    append_colours(fx);
    assert_int_equal(flume_label_list(fx->handle, NULL, NULL, NULL, stop_with_one, &calls), 1);
    assert_int_equal(calls, 1);
}

static void an_expression_that_is_none_is_refused_with_its_reason(void **state)
{
    struct find_fixture *fx = *state;
    char listed[LISTED_BYTES] = "";
    char long_regex[2000];

    assert_int_equal(flume_label_list(fx->handle, NULL, NULL, "a(", add_label, listed),
                     FLUME_ERR_INVALID);
    expect_detail(fx->handle, FLUME_ERR_INVALID, "a(");
    assert_int_equal(
        flume_label_list(fx->handle, NULL, NULL, "((a{1,200}){1,200}){1,200}", add_label, listed),
        FLUME_ERR_INVALID);
    expect_detail(fx->handle, FLUME_ERR_INVALID, "repetitions");
    assert_int_equal(
        flume_label_list(fx->handle, NULL, NULL, "a{99999999999999999999999}", add_label, listed),
        FLUME_ERR_INVALID);
    memset(long_regex, 'a', sizeof long_regex);
    long_regex[sizeof long_regex - 1] = '\0';
    assert_int_equal(flume_label_list(fx->handle, NULL, NULL, long_regex, add_label, listed),
                     FLUME_ERR_INVALID);
}

/* ---- label~N ---- */

static void records_of_a_label_are_counted_from_its_end(void **state)
{
    enum { COUNT = 2500 };
    struct find_fixture *fx = *state;
    static uint64_t seqs[COUNT];
    uint64_t found = 0;

    /* Labels around it in order, so that a walk beyond its rows would be seen. */
    for (unsigned i = 0; i < COUNT; i++) {
        seqs[i] = append_json_with(fx->log, "0", "many", i % 3 == 0 ? "man" : "many1");
        if (i % 5 == 0)
            (void)append_json_with(fx->log, "0", "many\xff", NULL);
    }
    for (unsigned back = 0; back < COUNT; back += back < 10 || back > COUNT - 10 ? 1 : 97) {
        assert_int_equal(flume_label_from_end(fx->handle, NULL, "many", back, &found), FLUME_OK);
        assert_int_equal(found, seqs[COUNT - 1 - back]);
    }
    assert_int_equal(flume_label_from_end(fx->handle, NULL, "many", COUNT, &found),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_label_from_end(fx->handle, NULL, "many", UINT64_MAX, &found),
                     FLUME_ERR_NOT_FOUND);
}

static void rebuilding_gives_the_same_labels(void **state)
{
    struct find_fixture *fx = *state;
    flume_label_info before, after;
    uint64_t seed = random_seed();

    for (unsigned i = 0; i < 3000; i++) {
        char label[8], other[8];

        (void)snprintf(label, sizeof label, "l%u", random_below(&seed, 50));
        (void)snprintf(other, sizeof other, "l%u", random_below(&seed, 50));
        (void)append_json_with(fx->log, "\"body\"", label, random_below(&seed, 2) ? other : NULL);
        if (i % 500 == 0) /* Batches of different sizes. */
            (void)flume_label_get(fx->handle, NULL, "l1", &before);
    }
    assert_int_equal(flume_label_get(fx->handle, NULL, "l7", &before), FLUME_OK);
    verify_view(fx, "label");
    rebuild_view(fx, "label");
    assert_int_equal(flume_label_get(fx->handle, NULL, "l7", &after), FLUME_OK);
    assert_int_equal(before.count, after.count);
    assert_int_equal(before.body_bytes, after.body_bytes);
    assert_int_equal(before.first_seq, after.first_seq);
    assert_int_equal(before.last_seq, after.last_seq);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        find_test(a_label_tells_its_records_bytes_and_ends),
        find_test(a_label_that_no_record_carries_is_not_found),
        find_test(a_record_counts_once_for_a_label_it_carries_twice),
        find_test(a_record_may_carry_very_many_labels),
        find_test(labels_of_a_writer_are_not_those_of_records),
        find_test(labels_are_listed_in_order_by_prefix_and_by_expression),
        find_test(an_empty_log_has_no_labels),
        find_test(a_callback_ends_the_listing_with_its_answer),
        find_test(an_expression_that_is_none_is_refused_with_its_reason),
        find_test(records_of_a_label_are_counted_from_its_end),
        find_test(rebuilding_gives_the_same_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
