/*
 * test_batch_others.c - a view of kinds that are not appended moves on without reading what is.
 */
#include "view_fixture.h"

#include <string.h>

enum { KIND_WANTED = FLUME_KIND_USER, KIND_ALSO_WANTED, KIND_OTHER };

static const uint8_t wanted_kinds[] = {KIND_WANTED, KIND_ALSO_WANTED};

/* A recorder of the two kinds that are wanted. */
static struct recorder *define_choosy(struct view_fixture *fx)
{
    struct recorder *recorder = recorder_create("choosy", 1);

    recorder->definition.kinds = wanted_kinds;
    recorder->definition.kind_count = 2;
    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    define_view(fx, &recorder->definition);
    return recorder;
}

static uint64_t append_kind(struct view_fixture *fx, unsigned kind)
{
    flume_entry entry = {.body = "a body", .body_bytes = 6, .kind = (uint8_t)kind};
    uint64_t seq;

    assert_int_equal(flume_log_append_entry(flume_log_of(fx->flume), &entry, &seq), FLUME_OK);
    return seq;
}

/* Closes: the record cannot be read any more. */
static void damage(struct view_fixture *fx, uint64_t seq)
{
    uint8_t bytes[128], *body;
    flume_record record;
    uint64_t strata_seq, offset;

    assert_int_equal(flume_log_sync(flume_log_of(fx->flume), FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(flume_log_get(flume_log_of(fx->flume), seq, &record), FLUME_OK);
    strata_seq = record.strata_seq;
    offset = record.offset;
    flume_record_release(&record);
    close_views(fx);
    read_file(strata_path(fx->base, "basin.flume", strata_seq), offset, bytes, sizeof bytes);
    body = memmem(bytes, sizeof bytes, "a body", 6);
    assert_non_null(body);
    *body ^= 1;
    write_file(strata_path(fx->base, "basin.flume", strata_seq), offset, bytes, sizeof bytes);
}

static void records_of_other_kinds_are_not_read(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = define_choosy(fx);
    uint64_t damaged_seq, head;
    flume_view *view;

    open_views(fx);
    view = view_named(fx->flume, "choosy");
    (void)append_kind(fx, KIND_WANTED);
    assert_int_equal(flume_view_wait(view, NULL), FLUME_OK);
    damaged_seq = append_kind(fx, KIND_OTHER);
    (void)append_kind(fx, KIND_OTHER);
    damage(fx, damaged_seq);
    fx->options.log.flags = FLUME_OPEN_READ_ONLY;
    open_views(fx);
    view = view_named(fx->flume, "choosy");
    head = flume_log_head(flume_log_of(fx->flume));
    assert_int_equal(flume_view_wait(view, NULL), FLUME_OK);
    assert_int_equal(status_now(view).synced_seq, head);
    assert_int_equal(status_now(view).passed_over, 0); /* It was not met. */
    assert_int_equal(recorded_count(recorder), 1);
    close_views(fx);
    recorder_destroy(recorder);
}

static void damage_among_records_of_its_kinds_is_met(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = define_choosy(fx);
    uint64_t damaged_seq;
    flume_view *view;

    open_views(fx);
    assert_int_equal(flume_view_wait(view_named(fx->flume, "choosy"), NULL), FLUME_OK);
    damaged_seq = append_kind(fx, KIND_WANTED);
    (void)append_kind(fx, KIND_OTHER);
    damage(fx, damaged_seq);
    fx->options.log.flags = FLUME_OPEN_READ_ONLY;
    open_views(fx);
    view = view_named(fx->flume, "choosy");
    assert_int_equal(flume_view_wait(view, NULL), FLUME_OK);
    assert_int_equal(status_now(view).passed_over, 1);
    close_views(fx);
    recorder_destroy(recorder);
}

/* What is appended between two asks, a letter each; a dot asks. */
static uint64_t append_and_ask(struct view_fixture *fx, const char *steps)
{
    uint64_t wanted = 0;

    for (; *steps != '\0'; steps++) {
        if (*steps == '.') {
            flume_view *view = view_named(fx->flume, "choosy");

            assert_int_equal(flume_view_wait(view, NULL), FLUME_OK);
            assert_int_equal(status_now(view).synced_seq, flume_log_head(flume_log_of(fx->flume)));
            continue;
        }
        (void)append_kind(fx, *steps == 'w'   ? KIND_WANTED
                              : *steps == 'a' ? KIND_ALSO_WANTED
                                              : KIND_OTHER);
        wanted += *steps != 'o';
    }
    return wanted;
}

static void no_record_of_its_kinds_is_passed_over(void **state)
{
    static const char *const runs[] = {".",    "w.",   "ow.",   "wo.",  "oo.",
                                       "aoo.", "ooa.", "owao.", "a.w.", "o.o.w."};
    struct view_fixture *fx = *state;
    struct recorder *recorder = define_choosy(fx);
    uint64_t wanted = 0;

    open_views(fx);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        for (size_t j = 0; j < sizeof runs / sizeof runs[0]; j++) {
            wanted += append_and_ask(fx, runs[i]);
            wanted += append_and_ask(fx, runs[j]);
            assert_int_equal(recorded_count(recorder), wanted);
        }
        reopen_views(fx);
    }
    assert_int_equal(counted(view_named(fx->flume, "choosy")), wanted);
    close_views(fx);
    recorder_destroy(recorder);
}

/* Where it stands between records of others is in the log as well as anywhere else: a view that
 * came so far is not made again. */
static void a_view_that_passed_over_all_is_believed(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *recorder = define_choosy(fx);
    uint64_t generation;

    open_views(fx);
    (void)append_and_ask(fx, "w.ooo.");
    generation = status_now(view_named(fx->flume, "choosy")).generation;
    reopen_views(fx);
    (void)append_and_ask(fx, "w.");
    assert_int_equal(status_now(view_named(fx->flume, "choosy")).generation, generation);
    assert_int_equal(recorded_count(recorder), 2);
    close_views(fx);
    recorder_destroy(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        views_test(records_of_other_kinds_are_not_read),
        views_test(damage_among_records_of_its_kinds_is_met),
        views_test(no_record_of_its_kinds_is_passed_over),
        views_test(a_view_that_passed_over_all_is_believed),
    };

    return cmocka_run_group_tests_name("records of other kinds", tests, NULL, NULL);
}
