/*
 * test_bookmark.c - a name for a seq: set, changed, dropped, listed, and known to be rewound.
 */
#include "find_fixture.h"

#include <inttypes.h>

enum { LISTED_BYTES = 4096 };

static uint64_t set(flume *handle, const char *name, uint64_t seq)
{
    uint64_t record_seq = FLUME_SEQ_NONE;

    assert_int_equal(flume_bookmark_set(handle, name, seq, NULL, NULL, 0, &record_seq), FLUME_OK);
    return record_seq;
}

static void expect_at(flume *handle, const char *name, uint64_t seq)
{
    flume_bookmark bookmark;

    assert_int_equal(flume_bookmark_get(handle, NULL, name, &bookmark), FLUME_OK);
    assert_string_equal(bookmark.name, name);
    assert_int_equal(bookmark.seq, seq);
    assert_false(bookmark.dropped);
    assert_false(bookmark.rewound);
    flume_bookmark_release(&bookmark);
}

static void expect_none(flume *handle, const char *name)
{
    flume_bookmark bookmark;

    assert_int_equal(flume_bookmark_get(handle, NULL, name, &bookmark), FLUME_ERR_NOT_FOUND);
}

static int add_bookmark(void *ctx, const flume_bookmark *bookmark)
{
    char *listed = ctx;
    size_t used = strlen(listed);

    (void)snprintf(listed + used, LISTED_BYTES - used, "%s=%s%" PRIu64 "%s%s%s%s ", bookmark->name,
                   bookmark->dropped ? "-" : "", bookmark->dropped ? 0 : bookmark->seq,
                   bookmark->note[0] != '\0' ? "/" : "", bookmark->note,
                   bookmark->labels[0] != '\0' ? "#" : "", bookmark->labels);
    return 0;
}

static void expect_listed(flume *handle, const char *prefix, const char *expected)
{
    char listed[LISTED_BYTES] = "";

    assert_int_equal(flume_bookmark_list(handle, NULL, prefix, add_bookmark, listed), FLUME_OK);
    assert_string_equal(listed, expected);
}

static void expect_history(flume *handle, const char *name, const char *expected)
{
    char listed[LISTED_BYTES] = "";

    assert_int_equal(flume_bookmark_history(handle, NULL, name, add_bookmark, listed), FLUME_OK);
    assert_string_equal(listed, expected);
}

static void a_bookmark_names_a_record_and_the_newest_wins(void **state)
{
    struct find_fixture *fx = *state;
    uint64_t one = append_text(fx->log, "one"), two = append_text(fx->log, "two");

    (void)set(fx->handle, "here", one);
    expect_at(fx->handle, "here", one);
    (void)set(fx->handle, "here", two);
    expect_at(fx->handle, "here", two);
    find_reopen(fx);
    expect_at(fx->handle, "here", two);
}

static void note_labels_and_time_are_kept(void **state)
{
    struct find_fixture *fx = *state;
    static const char *const labels[] = {"release", "v1"};
    flume_bookmark bookmark;
    flume_record record;
    uint64_t seq = append_text(fx->log, "body"), record_seq = 0;

    assert_int_equal(flume_bookmark_set(fx->handle, "noted", seq, "a \"note\"\nof two lines",
                                        labels, 2, &record_seq),
                     FLUME_OK);
    assert_int_equal(flume_bookmark_get(fx->handle, NULL, "noted", &bookmark), FLUME_OK);
    assert_string_equal(bookmark.note, "a \"note\"\nof two lines");
    assert_string_equal(bookmark.labels, "release,v1");
    assert_int_equal(bookmark.record_seq, record_seq);
    assert_int_equal(flume_log_get(fx->log, record_seq, &record), FLUME_OK);
    assert_int_equal(record.kind, FLUME_KIND_BOOKMARK);
    assert_int_equal(bookmark.time_ns, record.time_ns);
    flume_record_release(&record);
    flume_bookmark_release(&bookmark);
    flume_bookmark_release(&bookmark); /* Harmless. */
}

static void a_dropped_name_is_not_found_until_it_is_set_again(void **state)
{
    struct find_fixture *fx = *state;
    uint64_t seq = append_text(fx->log, "body");

    (void)set(fx->handle, "gone", seq);
    (void)set(fx->handle, "gone", FLUME_SEQ_NONE);
    expect_none(fx->handle, "gone");
    expect_detail(fx->handle, FLUME_ERR_NOT_FOUND, "gone");
    expect_listed(fx->handle, NULL, "");
    (void)set(fx->handle, "gone", seq);
    expect_at(fx->handle, "gone", seq);
}

static void names_are_listed_in_order_and_by_prefix(void **state)
{
    struct find_fixture *fx = *state;
    uint64_t seq = append_text(fx->log, "body");

    (void)set(fx->handle, "b", seq);
    (void)set(fx->handle, "a", seq);
    (void)set(fx->handle, "ab", seq);
    (void)set(fx->handle, "\xc3\xbc/1", seq);
    (void)set(fx->handle, "dropped", seq);
    (void)set(fx->handle, "dropped", FLUME_SEQ_NONE);
    expect_listed(fx->handle, NULL, "a=1 ab=1 b=1 \xc3\xbc/1=1 ");
    expect_listed(fx->handle, "a", "a=1 ab=1 ");
    expect_listed(fx->handle, "\xc3\xbc", "\xc3\xbc/1=1 ");
    expect_listed(fx->handle, "x", "");
}

static void the_history_of_a_name_is_its_own_and_oldest_first(void **state)
{
    struct find_fixture *fx = *state;
    uint64_t seq = append_text(fx->log, "body");

    (void)set(fx->handle, "n", seq);
    (void)set(fx->handle, "n1", seq);
    assert_int_equal(flume_bookmark_set(fx->handle, "n", 0, "why", NULL, 0, NULL), FLUME_OK);
    (void)set(fx->handle, "n", FLUME_SEQ_NONE);
    (void)set(fx->handle, "n", seq);
    expect_history(fx->handle, "n", "n=1 n=0/why n=-0 n=1 ");
    expect_history(fx->handle, "n1", "n1=1 ");
    expect_history(fx->handle, "other", "");
    expect_history(fx->handle, "no name", "");
}

static int stop_with(void *ctx, const flume_bookmark *bookmark)
{
    (void)bookmark;
    return *(const int *)ctx;
}

static void a_callback_ends_a_listing_with_its_answer(void **state)
{
    struct find_fixture *fx = *state;
    int answer = 1;

    (void)append_text(fx->log, "body");
    (void)set(fx->handle, "a", 0);
    (void)set(fx->handle, "b", 0);
    assert_int_equal(flume_bookmark_list(fx->handle, NULL, NULL, stop_with, &answer), 1);
    answer = FLUME_ERR_CANCELLED;
    assert_int_equal(flume_bookmark_history(fx->handle, NULL, "a", stop_with, &answer),
                     FLUME_ERR_CANCELLED);
}

static void a_seq_that_is_not_there_cannot_be_named(void **state)
{
    struct find_fixture *fx = *state;
    uint64_t head = flume_log_head(fx->log);

    assert_int_equal(flume_bookmark_set(fx->handle, "n", head, NULL, NULL, 0, NULL),
                     FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_log_head(fx->log), head); /* Nothing was appended. */
}

static void odd_names_and_notes_are_refused(void **state)
{
    struct find_fixture *fx = *state;
    static const char *const names[] = {"",      "a b",  "a:b",      "a~1",         "a\n",
                                        "a\x7f", "\xff", "\xc0\x80", "\xed\xa0\x80"};
    char long_name[FLUME_BOOKMARK_NAME_BYTES_MAX + 2];
    char long_note[FLUME_BOOKMARK_NOTE_BYTES_MAX + 2];

    (void)append_text(fx->log, "body");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(flume_bookmark_set(fx->handle, names[i], 0, NULL, NULL, 0, NULL),
                         FLUME_ERR_INVALID);
        expect_none(fx->handle, names[i]);
    }
    memset(long_name, 'n', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(flume_bookmark_set(fx->handle, long_name, 0, NULL, NULL, 0, NULL),
                     FLUME_ERR_INVALID);
    long_name[sizeof long_name - 2] = '\0';
    memset(long_note, 'n', sizeof long_note);
    long_note[sizeof long_note - 1] = '\0';
    assert_int_equal(flume_bookmark_set(fx->handle, "n", 0, long_note, NULL, 0, NULL),
                     FLUME_ERR_INVALID);
    assert_int_equal(flume_bookmark_set(fx->handle, "n", 0, "\xff", NULL, 0, NULL),
                     FLUME_ERR_INVALID);
    long_note[sizeof long_note - 2] = '\0';
    assert_int_equal(flume_bookmark_set(fx->handle, long_name, 0, long_note, NULL, 0, NULL),
                     FLUME_OK);
    expect_at(fx->handle, long_name, 0);
}

static void a_bookmark_of_a_record_that_was_cut_is_rewound(void **state)
{
    struct find_fixture *fx = *state;
    flume_bookmark bookmark;

    (void)append_text(fx->log, "body");
    (void)append_kind(fx->log, FLUME_KIND_BOOKMARK,
                      "{\"name\":\"cut\",\"seq\":1,\"check\":\"0123456789abcdef\"}");
    (void)append_kind(fx->log, FLUME_KIND_BOOKMARK, "{\"name\":\"ahead\",\"seq\":999}");
    (void)append_kind(fx->log, FLUME_KIND_BOOKMARK, "{\"name\":\"unchecked\",\"seq\":1}");
    assert_int_equal(flume_bookmark_get(fx->handle, NULL, "cut", &bookmark), FLUME_OK);
    assert_true(bookmark.rewound);
    flume_bookmark_release(&bookmark);
    assert_int_equal(flume_bookmark_get(fx->handle, NULL, "ahead", &bookmark), FLUME_OK);
    assert_true(bookmark.rewound);
    flume_bookmark_release(&bookmark);
    expect_at(fx->handle, "unchecked", 1);
}

static void what_is_no_bookmark_sets_none(void **state)
{
    struct find_fixture *fx = *state;
    static const char *const bodies[] = {"",
                                         "x",
                                         "[]",
                                         "{}",
                                         "{\"name\":\"n\"}",
                                         "{\"name\":5,\"seq\":1}",
                                         "{\"name\":\"a b\",\"seq\":1}",
                                         "{\"name\":\"n\\u0000\",\"seq\":1}",
                                         "{\"name\":\"n\",\"seq\":1.5}",
                                         "{\"name\":\"n\",\"seq\":-1}",
                                         "{\"name\":\"n\",\"seq\":\"1\"}"};

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        (void)append_kind(fx->log, FLUME_KIND_BOOKMARK, bodies[i]);
    (void)append_json(fx->log, "{\"name\":\"n\",\"seq\":1}"); /* A message is no bookmark. */
    expect_listed(fx->handle, NULL, "");
    expect_none(fx->handle, "n");
}

static void another_handle_and_a_rebuild_give_the_same(void **state)
{
    struct find_fixture *fx = *state;
    flume *other = open_flume(fx, 0);
    uint64_t seq = append_text(fx->log, "body");

    for (unsigned i = 0; i < 50; i++) {
        char name[8];

        (void)snprintf(name, sizeof name, "n%u", i % 7);
        (void)set(i % 2 == 0 ? fx->handle : other, name, i % 5 == 0 ? FLUME_SEQ_NONE : seq);
        if (i % 5 == 0)
            expect_none(i % 2 == 0 ? other : fx->handle, name);
        else
            expect_at(i % 2 == 0 ? other : fx->handle, name, seq);
    }
    close_flume(other);
    verify_view(fx, "label");
    rebuild_view(fx, "label");
    expect_listed(fx->handle, NULL, "n0=1 n1=1 n2=1 n4=1 n5=1 n6=1 ");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        find_test(a_bookmark_names_a_record_and_the_newest_wins),
        find_test(note_labels_and_time_are_kept),
        find_test(a_dropped_name_is_not_found_until_it_is_set_again),
        find_test(names_are_listed_in_order_and_by_prefix),
        find_test(the_history_of_a_name_is_its_own_and_oldest_first),
        find_test(a_callback_ends_a_listing_with_its_answer),
        find_test(a_seq_that_is_not_there_cannot_be_named),
        find_test(odd_names_and_notes_are_refused),
        find_test(a_bookmark_of_a_record_that_was_cut_is_rewound),
        find_test(what_is_no_bookmark_sets_none),
        find_test(another_handle_and_a_rebuild_give_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
