/*
 * test_rebuild.c - views are made again: when, beside what, and so that nobody sees a gap.
 */
#include "view_fixture.h"

#include <inttypes.h>
#include <lmdb.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS_NS (SECOND_NS / 1000)

enum { BODY_BYTES = 500 };

struct setting {
    struct recorder *recorder;
    flume_view *view;
};

static void define_recorder(struct view_fixture *fx, struct setting *setting)
{
    setting->recorder = recorder_create("record", 1);
    define_view(fx, &setting->recorder->definition);
}

static void open_setting(struct view_fixture *fx, struct setting *setting)
{
    open_views(fx);
    setting->view = view_named(fx->flume, "record");
}

static struct setting begin_setting(struct view_fixture *fx, unsigned views)
{
    struct setting setting;

    fx->options.views = FLUME_VIEWS_NOT_BUILT_IN | views;
    define_recorder(fx, &setting);
    open_setting(fx, &setting);
    return setting;
}

static void end_setting(struct view_fixture *fx, struct setting *setting)
{
    if (fx->flume != NULL)
        close_views(fx);
    recorder_destroy(setting->recorder);
    forget_definitions(fx);
}

static void begin_again(struct view_fixture *fx)
{
    run_command("rm -rf '%s'", fx->base->path);
}

static void append_large(flume *handle, size_t count)
{
    static char body[BODY_BYTES];
    flume_entry entries[64];

    for (size_t i = 0; i < 64; i++)
        entries[i] = (flume_entry){.body = body, .body_bytes = sizeof body};
    for (size_t done = 0; done < count; done += 64)
        assert_int_equal(flume_log_append_many(flume_log_of(handle), entries,
                                               count - done < 64 ? count - done : 64, NULL, NULL),
                         FLUME_OK);
}

static void wait_for_generation(flume_view *view, uint64_t generation)
{
    uint64_t until = clock_ns() + PATIENCE_NS;

    while (status_now(view).generation != generation) {
        assert_true(clock_ns() < until);
        sleep_ns(MS_NS);
    }
}

static uint64_t generation_of(flume_view *view)
{
    return status_now(view).generation;
}

static void wait_until_held(struct recorder *recorder)
{
    uint64_t until = clock_ns() + PATIENCE_NS;

    while (!atomic_load(&recorder->holds)) {
        assert_true(clock_ns() < until);
        sleep_ns(MS_NS);
    }
}

static void let_go(struct recorder *recorder)
{
    atomic_store(&recorder->hold_seq, FLUME_SEQ_NONE);
    atomic_store(&recorder->holds, false);
}

/* ---- versions ---- */

static void two_versions_stand_side_by_side(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *first = recorder_create("record", 1), *second = recorder_create("record", 2);
    flume_view_status rows[4];

    define_view(fx, &first->definition);
    open_views(fx);
    (void)append_numbered(flume_log_of(fx->flume), 100);
    assert_int_equal(counted(view_named(fx->flume, "record")), 100);
    close_views(fx);

    forget_definitions(fx);
    define_view(fx, &second->definition);
    open_views(fx);
    assert_int_equal(counted(view_named(fx->flume, "record")), 100);
    expect_recorded(second, 1, 100);
    assert_true(file_exists(views_path(fx, "record/1/CURRENT")));
    assert_true(file_exists(views_path(fx, "record/2/CURRENT")));
    (void)append_to(fx->flume, "only the second sees this");
    assert_int_equal(counted(view_named(fx->flume, "record")), 101);
    assert_int_equal(flume_view_list(fx->flume, rows, 4), 2);
    assert_int_equal(rows[0].version, 2);
    assert_int_equal(rows[0].state, FLUME_VIEW_LIVE);
    assert_string_equal(rows[1].name, "record");
    assert_int_equal(rows[1].version, 1);
    assert_int_equal(rows[1].state, FLUME_VIEW_FOREIGN);
    assert_string_equal(flume_view_state_name(rows[1].state), "code not here");
    assert_int_equal(rows[1].synced_seq, 101);
    assert_true(rows[1].entries > 100);
    assert_true(rows[1].disk_bytes > 0);
    close_views(fx);

    forget_definitions(fx);
    forget_recorded(first);
    define_view(fx, &first->definition);
    open_views(fx);
    expect_complete(view_named(fx->flume, "record"));
    assert_int_equal(recorded_count(first), 1); /* The one that it had not seen. */
    close_views(fx);
    recorder_destroy(first);
    recorder_destroy(second);
}

static void two_handles_may_use_a_version_each(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *first = recorder_create("record", 1), *second = recorder_create("record", 2);
    flume *another;

    define_view(fx, &first->definition);
    open_views(fx);
    forget_definitions(fx);
    define_view(fx, &second->definition);
    another = open_another(fx);
    for (unsigned i = 0; i < 50; i++) {
        flume_view_status rows[4];

        (void)append_to(fx->flume, "both");
        assert_int_equal(counted(view_named(fx->flume, "record")), i + 1);
        assert_int_equal(counted(view_named(another, "record")), i + 1);
        assert_int_equal(flume_view_list(fx->flume, rows, 4), 2);
    }
    close_another(another);
    close_views(fx);
    recorder_destroy(first);
    recorder_destroy(second);
}

/* ---- on request ---- */

static void rebuild_once(struct view_fixture *fx, unsigned views)
{
    struct setting setting = begin_setting(fx, views);
    uint64_t before;

    (void)append_numbered(flume_log_of(fx->flume), 500);
    assert_int_equal(counted(setting.view), 500);
    before = generation_of(setting.view);
    forget_recorded(setting.recorder);
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    wait_for_generation(setting.view, before + 1);
    wait_for_state(setting.view, FLUME_VIEW_LIVE);
    expect_complete(setting.view);
    expect_recorded(setting.recorder, 1, 500); /* Each again, once. */
    assert_string_equal(status_now(setting.view).why, "asked for");
    (void)append_to(fx->flume, "after");
    assert_int_equal(counted(setting.view), 501);
    expect_recorded(setting.recorder, 1, 501);
    assert_false(file_exists(views_path(fx, "record/1/1"))); /* The old one is gone. */
    assert_true(file_exists(views_path(fx, "record/1/2")));
    end_setting(fx, &setting);
}

static void a_rebuild_passes_each_record_again_once(void **state)
{
    rebuild_once(*state, 0);
}

static void without_workers_it_is_made_by_who_asks(void **state)
{
    rebuild_once(*state, FLUME_VIEWS_NO_WORKERS);
}

static void queries_go_on_while_a_view_is_rebuilt(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, 0);
    flume_view_status status;
    uint64_t before;

    (void)append_numbered(flume_log_of(fx->flume), 500);
    assert_int_equal(counted(setting.view), 500);
    before = generation_of(setting.view);
    atomic_store(&setting.recorder->hold_seq, 300);
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    wait_until_held(setting.recorder);
    for (unsigned i = 0; i < 100; i++) {
        (void)append_to(fx->flume, "meanwhile");
        assert_int_equal(counted(setting.view), 501 + i);
    }
    expect_complete(setting.view);
    status = status_now(setting.view);
    assert_int_equal(status.state, FLUME_VIEW_REBUILDING);
    assert_int_equal(status.generation, before);
    assert_true(status.usable);
    assert_int_equal(status.rebuild_total, 501);
    let_go(setting.recorder);
    wait_for_generation(setting.view, before + 1);
    expect_complete(setting.view); /* What came meanwhile is in the new one. */
    assert_int_equal(counted(setting.view), 600);
    end_setting(fx, &setting);
}

static void a_rebuild_that_is_asked_for_during_another_is_made_after_it(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, 0);

    (void)append_numbered(flume_log_of(fx->flume), 500);
    assert_int_equal(counted(setting.view), 500);
    atomic_store(&setting.recorder->hold_seq, 300);
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    wait_until_held(setting.recorder);
    forget_recorded(setting.recorder);
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    let_go(setting.recorder);
    wait_for_generation(setting.view, 3);
    expect_complete(setting.view);
    assert_int_equal(recorded_count(setting.recorder), 201 + 500);
    end_setting(fx, &setting);
}

static void queries_see_no_gap_over_many_rebuilds(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, 0);
    uint64_t until = clock_ns() + PATIENCE_NS;
    uint64_t count = 0;

    while (generation_of(setting.view) < 8) {
        assert_true(clock_ns() < until);
        assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
        for (unsigned i = 0; i < 20; i++) {
            (void)append_to(fx->flume, "more");
            assert_int_equal(counted(setting.view), ++count);
        }
    }
    expect_complete(setting.view);
    end_setting(fx, &setting);
}

/* ---- sorted runs ---- */

static struct setting begin_large(struct view_fixture *fx, unsigned views, size_t count)
{
    struct setting setting;

    fx->options.views = FLUME_VIEWS_NOT_BUILT_IN | views;
    fx->options.rebuild_bytes = 1 << 20;
    define_recorder(fx, &setting);
    setting.recorder->tables[BY_SEQ].flags = FLUME_TABLE_COLLECT;
    open_views(fx);
    close_views(fx);
    begin_again(fx);
    fx->options.definition_count = 0;
    open_views(fx);
    append_large(fx->flume, count);
    close_views(fx);
    fx->options.definition_count = 1;
    forget_recorded(setting.recorder);
    return setting;
}

static unsigned run_files(struct view_fixture *fx)
{
    char text[32] = "";
    FILE *file;

    run_command("find '%s' -name '*.run-*' | wc -l > '%s/runs'", fx->base->path, fx->base->root);
    file = fopen(fixture_path(fx->base, "runs"), "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    (void)fclose(file);
    return (unsigned)atoi(text);
}

static void a_build_that_does_not_fit_into_memory_spills(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_large(fx, 0, 8000);

    atomic_store(&setting.recorder->hold_seq, 8000);
    open_setting(fx, &setting);
    wait_until_held(setting.recorder);
    assert_true(run_files(fx) > 2);
    let_go(setting.recorder);
    expect_complete(setting.view);
    assert_int_equal(counted(setting.view), 8000);
    expect_recorded_all(setting.recorder, fx->flume);
    assert_int_equal(run_files(fx), 0);
    end_setting(fx, &setting);
}

static bool has_applied_most(void *ctx)
{
    return atomic_load(&((struct recorder *)ctx)->applied) >= 5000;
}

enum resuming { IN_PLACE, REOPENED };

static void resume(struct view_fixture *fx, enum resuming how)
{
    struct setting setting = begin_large(fx, FLUME_VIEWS_NO_WORKERS, 8000);
    flume_ask ask = {.give_up = has_applied_most, .give_up_ctx = setting.recorder};
    size_t before;

    atomic_store(&setting.recorder->sleep_ns, 1000);
    open_setting(fx, &setting);
    expect_wait(setting.view, &ask, FLUME_ERR_CANCELLED, "record");
    before = recorded_count(setting.recorder);
    assert_in_range(before, 5000, 7999);
    assert_true(run_files(fx) > 0);
    if (how == REOPENED) {
        close_views(fx);
        open_setting(fx, &setting);
    }
    assert_int_equal(counted(setting.view), 8000);
    expect_complete(setting.view);
    expect_recorded_all(setting.recorder, fx->flume); /* None again. */
    assert_int_equal(run_files(fx), 0);
    end_setting(fx, &setting);
}

static void an_interrupted_build_goes_on_where_it_was(void **state)
{
    resume(*state, IN_PLACE);
}

static void also_after_the_basin_was_closed(void **state)
{
    resume(*state, REOPENED);
}

static void a_cancelled_rebuild_goes_on_when_it_is_asked_for_again(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_large(fx, 0, 8000);
    uint64_t before;

    open_setting(fx, &setting);
    assert_int_equal(counted(setting.view), 8000);
    before = generation_of(setting.view);
    forget_recorded(setting.recorder);
    atomic_store(&setting.recorder->hold_seq, 6000);
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    wait_until_held(setting.recorder);
    assert_int_equal(flume_view_rebuild_cancel(setting.view), FLUME_OK);
    let_go(setting.recorder);
    wait_for_state(setting.view, FLUME_VIEW_LIVE);
    assert_int_equal(generation_of(setting.view), before);
    expect_complete(setting.view); /* The old one answers. */
    sleep_ns(100 * MS_NS);
    assert_int_equal(generation_of(setting.view), before); /* And it stays cancelled. */
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    wait_for_generation(setting.view, before + 1);
    expect_complete(setting.view);
    expect_recorded_all(setting.recorder, fx->flume);
    end_setting(fx, &setting);
}

static void *rebuild_on(void *ctx)
{
    struct asking_thread *asking = ctx;

    asking->status = flume_view_rebuild(asking->view, NULL);
    return NULL;
}

static void a_rebuild_is_cancelled_from_another_thread(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, FLUME_VIEWS_NO_WORKERS);
    struct asking_thread asking = {0};

    (void)append_numbered(flume_log_of(fx->flume), 500);
    assert_int_equal(counted(setting.view), 500);
    atomic_store(&setting.recorder->hold_seq, 300);
    atomic_store(&setting.recorder->sleep_ns, MS_NS);
    asking.view = setting.view;
    assert_int_equal(pthread_create(&asking.thread, NULL, rebuild_on, &asking), 0);
    wait_until_held(setting.recorder);
    assert_int_equal(flume_view_rebuild_cancel(setting.view), FLUME_OK);
    let_go(setting.recorder);
    assert_int_equal(join_asking(&asking), FLUME_ERR_CANCELLED);
    atomic_store(&setting.recorder->sleep_ns, 0);
    assert_int_equal(generation_of(setting.view), 1);
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    assert_int_equal(generation_of(setting.view), 2);
    expect_complete(setting.view);
    end_setting(fx, &setting);
}

static void cancelling_where_nothing_runs_is_harmless(void **state)
{
    struct view_fixture *fx = *state;

    for (unsigned round = 0; round < 2; round++) {
        struct setting setting = begin_setting(fx, round == 0 ? 0 : FLUME_VIEWS_NO_WORKERS);

        (void)append_to(fx->flume, "text");
        assert_true(counted(setting.view) > 0);
        assert_int_equal(flume_view_rebuild_cancel(setting.view), FLUME_OK);
        assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
        wait_for_generation(setting.view, 2 + round);
        expect_complete(setting.view);
        end_setting(fx, &setting);
    }
}

static void a_build_that_spilled_stops_in_front_of_what_apply_refuses(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_large(fx, 0, 8000);
    flume_record before;
    flume_rows *rows;

    atomic_store(&setting.recorder->refuse_seq, 7000);
    open_setting(fx, &setting);
    expect_wait(setting.view, NULL, FLUME_ERR_VIEW, "7000");
    rows = read_stale(setting.view);
    assert_in_range(flume_rows_as_of(rows), 7000 - 64, 7000);
    assert_int_equal(flume_log_get(flume_log_of(fx->flume), flume_rows_as_of(rows) - 1, &before),
                     FLUME_OK);
    assert_int_equal(before.flags & FLUME_RECORD_BATCH, 0);
    flume_record_release(&before);
    assert_int_equal(rows_in(rows, BY_SEQ) % 64, 0); /* Batches of 64, whole. */
    assert_true(rows_in(rows, BY_SEQ) > 6800);
    flume_rows_end(rows);
    atomic_store(&setting.recorder->refuse_seq, FLUME_SEQ_NONE);
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    wait_for_state(setting.view, FLUME_VIEW_LIVE);
    expect_complete(setting.view);
    end_setting(fx, &setting);
}

/* ---- who sees a swap ---- */

static void another_handle_sees_the_swap(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, 0);
    flume *another = open_another(fx);
    flume_view *others = view_named(another, "record");

    for (unsigned i = 0; i < 5; i++) {
        flume_rows *rows;

        (void)append_numbered(flume_log_of(fx->flume), 99);
        assert_int_equal(counted(others), 100 * i + 99);
        rows = read_view(others); /* Of the old one, through the swap. */
        assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
        wait_for_generation(setting.view, i + 2);
        assert_int_equal(generation_of(others), i + 2);
        expect_complete(others);
        (void)append_to(another, "theirs");
        expect_complete(setting.view);
        assert_int_equal(rows_in(rows, BY_SEQ), 100 * i + 99);
        flume_rows_end(rows);
    }
    close_another(another);
    end_setting(fx, &setting);
}

/* The one before shows before its maker has cleaned up behind it. */
static void rebuild_unless_busy(flume_view *view, struct other_process *other)
{
    uint64_t until = clock_ns() + PATIENCE_NS;
    int status = FLUME_ERR_BUSY;

    while (status == FLUME_ERR_BUSY) {
        assert_true(clock_ns() < until);
        status = view != NULL ? flume_view_rebuild(view, NULL)
                              : (int)tell_other(other, OTHER_REBUILD);
    }
    assert_int_equal(status, FLUME_OK);
}

static void another_process_sees_the_swap(void **state)
{
    struct view_fixture *fx = *state;

    for (unsigned round = 0; round < 4; round++) {
        unsigned theirs = round % 2 == 0 ? 0 : FLUME_VIEWS_NO_WORKERS;
        unsigned ours = round / 2 == 0 ? 0 : FLUME_VIEWS_NO_WORKERS;
        struct other_process other;
        struct setting setting;

        define_recorder(fx, &setting);
        start_other(fx, &other, FLUME_VIEWS_NOT_BUILT_IN | theirs);
        fx->options.views = FLUME_VIEWS_NOT_BUILT_IN | ours;
        open_setting(fx, &setting);
        for (unsigned i = 0; i < 5; i++) {
            (void)append_to(fx->flume, "one");
            assert_int_equal(tell_other(&other, OTHER_COUNT), i + 1);
            if (i % 2 == 0)
                rebuild_unless_busy(setting.view, NULL);
            else
                rebuild_unless_busy(NULL, &other);
            wait_for_generation(setting.view, i + 2);
            assert_int_equal(tell_other(&other, OTHER_GENERATION), i + 2);
            assert_int_equal(tell_other(&other, OTHER_COUNT), i + 1);
            assert_int_equal(counted(setting.view), i + 1);
        }
        expect_complete(setting.view);
        end_other(&other);
        end_setting(fx, &setting);
        begin_again(fx);
    }
}

/* ---- progress ---- */

enum { OBSERVED_MAX = 1000 };

struct observed {
    pthread_mutex_t mutex;
    size_t count;
    uint64_t at_ns[OBSERVED_MAX];
    flume_view_status rows[OBSERVED_MAX];
};

static void observe(void *ctx, const flume_view_status *status)
{
    struct observed *observed = ctx;

    (void)pthread_mutex_lock(&observed->mutex);
    if (observed->count < OBSERVED_MAX) {
        observed->at_ns[observed->count] = clock_ns();
        observed->rows[observed->count++] = *status;
    }
    (void)pthread_mutex_unlock(&observed->mutex);
}

static void progress_has_a_fixed_total_and_only_rises(void **state)
{
    static struct observed observed = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct view_fixture *fx = *state;
    struct setting setting;
    uint64_t done = 0;
    unsigned seen = 0;

    fx->options.observer = observe;
    fx->options.observer_ctx = &observed;
    setting = begin_setting(fx, 0);
    (void)append_numbered(flume_log_of(fx->flume), 999);
    assert_int_equal(counted(setting.view), 999);
    atomic_store(&setting.recorder->sleep_ns, MS_NS);
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    wait_for_generation(setting.view, 2);
    atomic_store(&setting.recorder->sleep_ns, 0);
    (void)append_to(fx->flume, "one more");
    assert_int_equal(counted(setting.view), 1000);
    sleep_ns(300 * MS_NS);
    close_views(fx);
    for (size_t i = 0; i < observed.count; i++) {
        const flume_view_status *row = &observed.rows[i];

        assert_string_equal(row->name, "record");
        if (i > 0)
            assert_true(observed.at_ns[i] - observed.at_ns[i - 1] > 90 * MS_NS);
        if (row->state != FLUME_VIEW_REBUILDING || row->generation == 0)
            continue;
        seen++;
        assert_int_equal(row->rebuild_total, 1000);
        assert_true(row->rebuild_done >= done && row->rebuild_done <= row->rebuild_total);
        done = row->rebuild_done;
        assert_string_equal(row->why, "asked for");
    }
    assert_true(seen >= 3);
    assert_true(done > 0);
    assert_int_equal(observed.rows[observed.count - 1].state, FLUME_VIEW_LIVE);
    assert_int_equal(observed.rows[observed.count - 1].rebuild_total, 0);
    assert_int_equal(observed.rows[observed.count - 1].synced_seq, 1001); /* The last word. */
    end_setting(fx, &setting);
}

/* ---- what is on disk is not what it was ---- */

static void views_that_are_gone_are_made_again(void **state)
{
    struct view_fixture *fx = *state;

    for (unsigned round = 0; round < 2; round++) {
        struct setting setting = begin_setting(fx, round == 0 ? 0 : FLUME_VIEWS_NO_WORKERS);
        uint64_t count;

        (void)append_numbered(flume_log_of(fx->flume), 100);
        count = counted(setting.view);
        close_views(fx);
        run_command("rm -rf '%s'", views_path(fx, ""));
        open_setting(fx, &setting);
        assert_int_equal(counted(setting.view), count);
        expect_complete(setting.view);
        assert_string_equal(status_now(setting.view).why, "it is not there yet");
        end_setting(fx, &setting);
    }
}

static void lose_views_while_open(struct view_fixture *fx, unsigned views)
{
    struct setting setting = begin_setting(fx, views);
    flume *another = open_another(fx);
    flume_view *others = view_named(another, "record");
    flume *third;

    (void)append_numbered(flume_log_of(fx->flume), 100);
    assert_int_equal(counted(setting.view), 100);
    assert_int_equal(counted(others), 100);
    run_command("rm -rf '%s'", views_path(fx, ""));
    assert_int_equal(counted(setting.view), 100);
    for (unsigned i = 0; i < 20; i++) {
        (void)append_to(fx->flume, "after");
        assert_int_equal(counted(setting.view), 101 + i);
        assert_int_equal(counted(others), 101 + i);
    }
    third = open_another(fx); /* It finds nothing there. */
    for (unsigned i = 0; i < 20; i++) {
        (void)append_to(third, "after");
        assert_int_equal(counted(setting.view), 121 + i);
        assert_int_equal(counted(others), 121 + i);
        assert_int_equal(counted(view_named(third, "record")), 121 + i);
    }
    expect_complete(setting.view);
    close_another(third);
    close_another(another);
    end_setting(fx, &setting);
    begin_again(fx);
}

static void views_may_be_removed_under_open_handles(void **state)
{
    lose_views_while_open(*state, 0);
    lose_views_while_open(*state, FLUME_VIEWS_NO_WORKERS);
}

static void also_when_they_have_come_to_rest(void **state)
{
    struct view_fixture *fx = *state;

    for (unsigned round = 0; round < 2; round++) {
        struct setting setting = begin_setting(fx, round == 0 ? 0 : FLUME_VIEWS_NO_WORKERS);
        flume_view_status rows[4];

        (void)append_numbered(flume_log_of(fx->flume), 100);
        close_views(fx); /* Settled: STATE says clean. */
        open_setting(fx, &setting);
        assert_int_equal(counted(setting.view), 100);
        run_command("rm -rf '%s'", views_path(fx, ""));
        (void)append_to(fx->flume, "after");
        assert_int_equal(counted(setting.view), 101);
        expect_complete(setting.view);
        assert_int_equal(flume_view_list(fx->flume, rows, 4), 1);
        (void)append_to(fx->flume, "after");
        expect_complete(setting.view);
        end_setting(fx, &setting);
        begin_again(fx);
    }
}

/* The basin with `count` records, the view having seen them all; and a copy of it at `early`. */
static struct setting make_twins(struct view_fixture *fx, size_t early, size_t count)
{
    struct setting setting = begin_setting(fx, 0);

    (void)append_numbered(flume_log_of(fx->flume), early);
    assert_int_equal(counted(setting.view), early);
    close_views(fx);
    run_command("cp -r '%s' '%s/twin'", fx->base->path, fx->base->root);
    open_setting(fx, &setting);
    (void)append_numbered(flume_log_of(fx->flume), count - early);
    assert_int_equal(counted(setting.view), count);
    close_views(fx);
    return setting;
}

/* The twin's log, with what the view has seen of the other. */
static void exchange_logs(struct view_fixture *fx)
{
    run_command("rm -rf '%s/twin/views' && mv '%s/views' '%s/twin/views' && rm -rf '%s' && "
                "mv '%s/twin' '%s'",
                fx->base->root, fx->base->path, fx->base->root, fx->base->path, fx->base->root,
                fx->base->path);
}

static void expect_rebuilt(struct view_fixture *fx, struct setting *setting, const char *why)
{
    forget_recorded(setting->recorder);
    open_setting(fx, setting);
    expect_complete(setting->view);
    assert_non_null(strstr(status_now(setting->view).why, why));
    assert_true(generation_of(setting->view) > 1);
    close_views(fx);
}

static void a_log_that_was_cut_is_noticed(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = make_twins(fx, 50, 100);

    exchange_logs(fx);
    fx->options.log.flags = FLUME_OPEN_READ_ONLY; /* No manifest comes. */
    expect_rebuilt(fx, &setting, "cut below");
    end_setting(fx, &setting);
}

static void a_log_that_was_cut_and_grew_again_is_noticed(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = make_twins(fx, 50, 100);
    flume_log *log = NULL;
    char twin[LOG_FIXTURE_PATH_BYTES];

    (void)snprintf(twin, sizeof twin, "%s/twin", fx->base->root);
    assert_int_equal(flume_log_open(&log, twin, NULL, NULL), FLUME_OK);
    for (unsigned i = 0; i < 100; i++)
        (void)append_text(log, "another past");
    close_handle(log);
    exchange_logs(fx);
    expect_rebuilt(fx, &setting, "grown again");
    end_setting(fx, &setting);
}

static void the_views_of_another_basin_are_noticed(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, 0);

    (void)append_numbered(flume_log_of(fx->flume), 100);
    assert_int_equal(counted(setting.view), 100);
    close_views(fx);
    run_command("mv '%s/views' '%s/views' && rm -rf '%s'", fx->base->path, fx->base->root,
                fx->base->path);
    fx->options.definition_count = 0;
    open_views(fx);
    (void)append_numbered(flume_log_of(fx->flume), 200);
    close_views(fx);
    fx->options.definition_count = 1;
    run_command("mv '%s/views' '%s/views'", fx->base->root, fx->base->path);
    expect_rebuilt(fx, &setting, "another basin");
    end_setting(fx, &setting);
}

/* ---- pause ---- */

static void expect_paused(struct view_fixture *fx, struct setting *setting, flume_view *others)
{
    flume_rows *rows;
    uint64_t seen = counted(setting->view), stands = status_now(setting->view).synced_seq;

    assert_int_equal(flume_view_pause(others), FLUME_OK);
    (void)append_to(fx->flume, "not seen");
    expect_wait(setting->view, NULL, FLUME_ERR_STALE, "paused");
    expect_view_error(fx->flume, FLUME_ERR_STALE, "1 records behind");
    expect_wait(others, NULL, FLUME_ERR_STALE, "paused");
    rows = read_stale(setting->view);
    assert_int_equal(flume_rows_as_of(rows), stands);
    flume_rows_end(rows);
    assert_int_equal(status_now(setting->view).state, FLUME_VIEW_PAUSED);
    assert_int_equal(status_now(others).state, FLUME_VIEW_PAUSED);
    sleep_ns(50 * MS_NS);
    assert_int_equal(status_now(setting->view).synced_seq, stands);
    assert_int_equal(flume_view_resume(setting->view), FLUME_OK);
    assert_int_equal(counted(others), seen + 1);
    assert_int_equal(counted(setting->view), seen + 1);
    assert_int_equal(flume_view_resume(setting->view), FLUME_OK); /* Twice is harmless. */
    wait_for_state(others, FLUME_VIEW_LIVE);
}

static void a_pause_holds_in_every_handle(void **state)
{
    struct view_fixture *fx = *state;

    for (unsigned round = 0; round < 2; round++) {
        struct setting setting = begin_setting(fx, round == 0 ? 0 : FLUME_VIEWS_NO_WORKERS);
        flume *another = open_another(fx);

        (void)append_to(fx->flume, "seen");
        for (unsigned i = 0; i < 3; i++)
            expect_paused(fx, &setting, view_named(another, "record"));
        close_another(another);
        end_setting(fx, &setting);
    }
}

static void a_pause_holds_in_every_process_and_over_a_close(void **state)
{
    struct view_fixture *fx = *state;
    struct other_process other;
    struct setting setting;

    define_recorder(fx, &setting);
    start_other(fx, &other, FLUME_VIEWS_NOT_BUILT_IN | FLUME_VIEWS_NO_WORKERS);
    open_setting(fx, &setting);
    (void)append_to(fx->flume, "seen");
    assert_int_equal(tell_other(&other, OTHER_COUNT), 1);
    assert_int_equal(flume_view_pause(setting.view), FLUME_OK);
    (void)append_to(fx->flume, "not seen");
    assert_int_equal(tell_other(&other, OTHER_WAIT), FLUME_ERR_STALE);
    end_other(&other);
    fx->options.views |= FLUME_VIEWS_NO_WORKERS;
    close_views(fx);
    open_setting(fx, &setting);
    expect_wait(setting.view, NULL, FLUME_ERR_STALE, "paused");
    assert_int_equal(flume_view_resume(setting.view), FLUME_OK);
    assert_int_equal(counted(setting.view), 2);
    end_setting(fx, &setting);
}

static void a_paused_view_is_not_rebuilt(void **state)
{
    struct view_fixture *fx = *state;

    for (unsigned round = 0; round < 2; round++) {
        struct setting setting = begin_setting(fx, round == 0 ? 0 : FLUME_VIEWS_NO_WORKERS);
        uint64_t generation;

        (void)append_to(fx->flume, "text");
        (void)counted(setting.view);
        generation = generation_of(setting.view);
        assert_int_equal(flume_view_pause(setting.view), FLUME_OK);
        assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_ERR_STALE);
        expect_view_error(fx->flume, FLUME_ERR_STALE, "paused");
        sleep_ns(50 * MS_NS);
        assert_int_equal(generation_of(setting.view), generation);
        assert_int_equal(flume_view_resume(setting.view), FLUME_OK);
        assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
        wait_for_generation(setting.view, generation + 1);
        end_setting(fx, &setting);
    }
}

/* ---- remove ---- */

static void a_view_in_use_is_not_removed(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, 0);
    flume *another;

    (void)append_to(fx->flume, "text");
    assert_int_equal(counted(setting.view), 1);
    assert_int_equal(flume_view_remove(fx->flume, "record", 1), FLUME_ERR_BUSY);
    expect_view_error(fx->flume, FLUME_ERR_BUSY, "record");
    assert_int_equal(flume_view_remove(fx->flume, "record", 0), FLUME_OK); /* Of none. */
    assert_true(file_exists(views_path(fx, "record/1/CURRENT")));
    fx->options.definition_count = 0;
    another = open_another(fx); /* One that does not know it. */
    assert_int_equal(flume_view_remove(another, "record", 1), FLUME_ERR_BUSY);
    assert_int_equal(flume_view_remove(another, "record", 2), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_view_remove(another, "nobody", 0), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_view_remove(another, "../log", 0), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_view_remove(another, "..", 0), FLUME_ERR_NOT_FOUND);
    expect_complete(setting.view);
    close_views(fx);
    assert_int_equal(flume_view_remove(another, "record", 0), FLUME_OK);
    assert_false(file_exists(views_path(fx, "record/1")));
    assert_int_equal(flume_view_remove(another, "record", 0), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_view_list(another, NULL, 0), 0);
    fx->options.definition_count = 1;
    open_setting(fx, &setting); /* Beside the other: made again. */
    expect_complete(setting.view);
    close_another(another);
    end_setting(fx, &setting);
}

static void old_versions_are_removed_by_name(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *first = recorder_create("record", 1), *second = recorder_create("record", 2);

    define_view(fx, &first->definition);
    open_views(fx);
    (void)append_to(fx->flume, "text");
    assert_int_equal(counted(view_named(fx->flume, "record")), 1);
    close_views(fx);
    forget_definitions(fx);
    define_view(fx, &second->definition);
    open_views(fx);
    assert_int_equal(counted(view_named(fx->flume, "record")), 1);
    assert_int_equal(flume_view_remove(fx->flume, "record", 0), FLUME_OK);
    assert_false(file_exists(views_path(fx, "record/1")));
    assert_true(file_exists(views_path(fx, "record/2/CURRENT")));
    expect_complete(view_named(fx->flume, "record"));
    close_views(fx);
    recorder_destroy(first);
    recorder_destroy(second);
}

/* ---- requests ---- */

static void a_request_is_obeyed_by_who_has_the_code(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, 0);
    flume *second = open_another(fx), *stranger;

    (void)append_numbered(flume_log_of(fx->flume), 100);
    assert_int_equal(counted(setting.view), 100);
    assert_int_equal(counted(view_named(second, "record")), 100);
    fx->options.definition_count = 0;
    stranger = open_another(fx);
    assert_int_equal(flume_view_request_rebuild(stranger, "nobody"), FLUME_ERR_NOT_FOUND);
    forget_recorded(setting.recorder);
    assert_int_equal(flume_view_request_rebuild(stranger, "record"), FLUME_OK);
    wait_for_generation(setting.view, 2);
    sleep_ns(1500 * MS_NS);                           /* As long as the others take to look. */
    assert_int_equal(generation_of(setting.view), 2); /* By one of them, once. */
    assert_int_equal(generation_of(view_named(second, "record")), 2);
    expect_recorded(setting.recorder, 1, 100);
    expect_complete(setting.view);
    assert_string_equal(status_now(setting.view).why, "asked for");
    fx->options.definition_count = 1;
    close_another(stranger);
    close_another(second);
    end_setting(fx, &setting);
}

static void a_request_is_obeyed_by_another_process(void **state)
{
    struct view_fixture *fx = *state;
    struct other_process other;
    struct setting setting;
    uint64_t until = clock_ns() + PATIENCE_NS;

    define_recorder(fx, &setting);
    start_other(fx, &other, FLUME_VIEWS_NOT_BUILT_IN);
    fx->options.definition_count = 0;
    open_views(fx);
    (void)append_to(fx->flume, "text");
    assert_int_equal(tell_other(&other, OTHER_COUNT), 1);
    assert_int_equal(flume_view_request_rebuild(fx->flume, "record"), FLUME_OK);
    while (tell_other(&other, OTHER_GENERATION) != 2) {
        assert_true(clock_ns() < until);
        sleep_ns(5 * MS_NS);
    }
    assert_int_equal(tell_other(&other, OTHER_COUNT), 1);
    end_other(&other);
    end_setting(fx, &setting);
}

static void without_workers_the_next_question_obeys_a_request(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, FLUME_VIEWS_NO_WORKERS);

    (void)append_numbered(flume_log_of(fx->flume), 100);
    assert_int_equal(counted(setting.view), 100);
    assert_int_equal(flume_view_request_rebuild(fx->flume, "record"), FLUME_OK);
    (void)append_to(fx->flume, "more");
    assert_int_equal(counted(setting.view), 101);
    assert_int_equal(generation_of(setting.view), 2);
    assert_false(file_exists(views_path(fx, "record/1/REQUEST")));
    end_setting(fx, &setting);
}

static void a_cancelled_request_is_gone(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, 0);

    (void)append_numbered(flume_log_of(fx->flume), 500);
    assert_int_equal(counted(setting.view), 500);
    atomic_store(&setting.recorder->hold_seq, 300);
    assert_int_equal(flume_view_request_rebuild(fx->flume, "record"), FLUME_OK);
    wait_until_held(setting.recorder);
    assert_int_equal(flume_view_rebuild_cancel(setting.view), FLUME_OK);
    let_go(setting.recorder);
    wait_for_state(setting.view, FLUME_VIEW_LIVE);
    sleep_ns(1500 * MS_NS);
    assert_int_equal(generation_of(setting.view), 1);
    assert_false(file_exists(views_path(fx, "record/1/REQUEST")));
    end_setting(fx, &setting);
}

/* ---- status ---- */

static void status_says_how_a_view_stands(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, FLUME_VIEWS_NO_WORKERS);
    flume_view_status status = status_now(setting.view);

    assert_string_equal(status.name, "record");
    assert_int_equal(status.version, 1);
    assert_int_equal(status.state, FLUME_VIEW_CLOSED);
    assert_false(status.usable);
    assert_false(status.built_in);
    assert_int_equal(status.generation, 0);
    (void)append_numbered(flume_log_of(fx->flume), 100);
    assert_int_equal(status_now(setting.view).lag_records, 101);
    assert_true(status_now(setting.view).lag_bytes >= 101 * 8);
    assert_int_equal(counted(setting.view), 100);
    (void)append_numbered(flume_log_of(fx->flume), 50);
    status = status_now(setting.view);
    assert_true(status.usable);
    assert_int_equal(status.generation, 1);
    assert_int_equal(status.synced_seq, 101);
    assert_int_equal(status.head, 151);
    assert_int_equal(status.lag_records, 50);
    assert_int_equal(status.entries, 100 + 2 + 1);
    assert_true(status.disk_bytes >= 8192);
    assert_int_equal(status.passed_over, 0);
    assert_int_equal(status.error.status, FLUME_OK);
    assert_int_equal(counted(setting.view), 150);
    status = status_now(setting.view);
    assert_int_equal(status.applied, 50); /* A build is no advance. */
    assert_true(status.rate > 0);
    assert_int_equal(status.lag_records, 0);
    assert_int_equal(status.lag_bytes, 0);
    assert_int_equal(status.state, FLUME_VIEW_LIVE);
    sleep_ns(600 * MS_NS);
    (void)status_now(setting.view);
    sleep_ns(20 * MS_NS);
    assert_true(status_now(setting.view).rate < 0.5); /* Idle. */
    end_setting(fx, &setting);
}

static void a_view_that_is_more_than_a_batch_behind_is_catching_up(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, FLUME_VIEWS_NO_WORKERS);

    (void)append_to(fx->flume, "text");
    assert_int_equal(counted(setting.view), 1);
    (void)append_to(fx->flume, "text");
    assert_int_equal(status_now(setting.view).state, FLUME_VIEW_LIVE); /* Just about to. */
    (void)append_numbered(flume_log_of(fx->flume), 60000);
    assert_int_equal(status_now(setting.view).state, FLUME_VIEW_CATCHING_UP);
    assert_int_equal(counted(setting.view), 60002);
    assert_int_equal(status_now(setting.view).state, FLUME_VIEW_LIVE);
    end_setting(fx, &setting);
}

static void every_state_has_a_name(void **state)
{
    (void)state;
    for (int i = FLUME_VIEW_CLOSED; i <= FLUME_VIEW_FOREIGN; i++)
        assert_string_not_equal(flume_view_state_name((enum flume_view_state)i), "unknown");
    assert_string_equal(flume_view_state_name((enum flume_view_state)99), "unknown");
}

/* ---- damage in the log ---- */

static uint64_t rows_of(flume_view *view, size_t table)
{
    flume_rows *rows = read_view(view);
    uint64_t count = rows_in(rows, table);

    flume_rows_end(rows);
    return count;
}

static void damage_record(struct view_fixture *fx, uint64_t seq, const char *text)
{
    uint8_t bytes[512], *found;
    flume_record record;
    uint64_t strata_seq, offset;
    const char *path;

    assert_int_equal(flume_log_get(flume_log_of(fx->flume), seq, &record), FLUME_OK);
    strata_seq = record.strata_seq;
    offset = record.offset;
    flume_record_release(&record);
    close_views(fx);
    path = strata_path(fx->base, "basin.flume", strata_seq);
    read_file(path, offset, bytes, sizeof bytes);
    found = memmem(bytes, sizeof bytes, text, strlen(text));
    assert_non_null(found);
    *found ^= 1;
    write_file(path, offset, bytes, sizeof bytes);
}

static void damaged_and_lost_records_are_passed_over_and_counted(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, 0);
    flume_check_report report;
    uint64_t seq;

    (void)append_numbered(flume_log_of(fx->flume), 10);
    seq = append_to(fx->flume, "damage this one");
    (void)append_numbered(flume_log_of(fx->flume), 10);
    assert_int_equal(counted(setting.view), 21);
    assert_int_equal(flume_log_sync(flume_log_of(fx->flume), FLUME_SEQ_NONE), FLUME_OK);
    damage_record(fx, seq, "damage this one");
    open_setting(fx, &setting);
    assert_int_equal(counted(setting.view), 21); /* It had seen it. */
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    wait_for_generation(setting.view, 2);
    assert_int_equal(counted(setting.view), 20);
    assert_int_equal(status_now(setting.view).passed_over, 1);
    assert_int_equal(status_now(setting.view).lag_records, 0);
    close_views(fx);
    assert_int_equal(flume_repair(fx->base->path, FLUME_REPAIR_SALVAGE, NULL, &report, NULL),
                     FLUME_OK);
    assert_int_equal(report.damaged, 1);
    open_setting(fx, &setting);
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    wait_for_generation(setting.view, 3);
    assert_int_equal(counted(setting.view), 20);
    assert_int_equal(status_now(setting.view).passed_over, 1);
    end_setting(fx, &setting);
}

/* Each part of a build ends where the next one begins, whatever lies there. */
static void damage_where_two_parts_meet_is_counted_once(void **state)
{
    enum { RECORDS = 4 * 65536 };
    struct view_fixture *fx = *state;
    struct setting setting;
    uint64_t head, middle;
    flume_record record;

    fx->options.definition_count = 0;
    open_views(fx);
    while (flume_log_head(flume_log_of(fx->flume)) < RECORDS)
        (void)append_numbered(flume_log_of(fx->flume), 60000);
    assert_int_equal(flume_log_sync(flume_log_of(fx->flume), FLUME_SEQ_NONE), FLUME_OK);
    head = flume_log_head(flume_log_of(fx->flume));
    for (unsigned parts = 2; parts <= 4; parts++) {
        char body[32] = "";

        if (fx->flume == NULL)
            open_views(fx);
        middle = head / parts - 1; /* The last one of the first part. */
        assert_int_equal(flume_log_get(flume_log_of(fx->flume), middle, &record), FLUME_OK);
        assert_true(record.body_bytes < sizeof body);
        memcpy(body, record.body, record.body_bytes);
        flume_record_release(&record);
        damage_record(fx, middle, body);
    }
    define_recorder(fx, &setting);
    setting.recorder->tables[BY_SEQ].flags = FLUME_TABLE_COLLECT;
    setting.recorder->definition.flags = FLUME_VIEW_PARALLEL;
    fx->options.log.flags = FLUME_OPEN_READ_ONLY;
    open_setting(fx, &setting);
    assert_int_equal(status_now(setting.view).head, head);
    assert_int_equal(counted(setting.view), rows_of(setting.view, BY_SEQ));
    assert_int_equal(status_now(setting.view).passed_over, 3);
    assert_int_equal(status_now(setting.view).synced_seq, head);
    end_setting(fx, &setting);
}

static void a_view_stands_behind_a_damaged_record_at_the_end(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, FLUME_VIEWS_NO_WORKERS);
    uint64_t seq;

    (void)append_to(fx->flume, "first");
    seq = append_to(fx->flume, "damage this one");
    assert_int_equal(flume_log_sync(flume_log_of(fx->flume), FLUME_SEQ_NONE), FLUME_OK);
    damage_record(fx, seq, "damage this one");
    fx->options.log.flags = FLUME_OPEN_READ_ONLY;
    open_setting(fx, &setting);
    assert_int_equal(counted(setting.view), 1);
    assert_int_equal(status_now(setting.view).synced_seq, seq + 1);
    assert_int_equal(status_now(setting.view).passed_over, 1);
    close_views(fx);
    open_setting(fx, &setting);
    assert_int_equal(counted(setting.view), 1);
    assert_int_equal(generation_of(setting.view), 1);
    end_setting(fx, &setting);
}

/* ---- the map ---- */

struct looking {
    pthread_t thread;
    flume_view *view;
    _Atomic bool stop;
    _Atomic unsigned wrong;
};

static void *hold_snapshots(void *ctx)
{
    struct looking *looking = ctx;
    flume_ask stale = {.flags = FLUME_ASK_STALE_OK};

    while (!atomic_load(&looking->stop)) {
        uint64_t before = 0, after = 0;
        flume_rows *rows;

        if (flume_view_read(looking->view, &stale, &rows) != FLUME_OK)
            continue;
        (void)flume_rows_count(rows, BY_SEQ, &before);
        sleep_ns(20 * MS_NS);
        (void)flume_rows_count(rows, BY_SEQ, &after);
        if (before != after)
            (void)atomic_fetch_add(&looking->wrong, 1);
        flume_rows_end(rows);
        sleep_ns(MS_NS);
    }
    return NULL;
}

static void a_small_map_grows_while_others_look_at_it(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting;
    struct looking lookers[2] = {{0}};
    flume *another;

    fx->options.map_bytes = 1 << 20;
    setting = begin_setting(fx, 0);
    another = open_another(fx);
    for (unsigned i = 0; i < 2; i++) {
        lookers[i].view = i == 0 ? setting.view : view_named(another, "record");
        assert_int_equal(pthread_create(&lookers[i].thread, NULL, hold_snapshots, &lookers[i]), 0);
    }
    for (unsigned i = 0; i < 20; i++) {
        append_large(fx->flume, 640);
        assert_int_equal(counted(setting.view), 640 * (i + 1));
    }
    expect_complete(setting.view);
    assert_true(status_now(setting.view).disk_bytes > 4 << 20);
    for (unsigned i = 0; i < 2; i++) {
        atomic_store(&lookers[i].stop, true);
        assert_int_equal(pthread_join(lookers[i].thread, NULL), 0);
        assert_int_equal(atomic_load(&lookers[i].wrong), 0);
    }
    close_another(another);
    end_setting(fx, &setting);
}

/* The thread that would have to let go of its snapshot is the one that waits. */
static void who_holds_a_snapshot_and_asks_for_more_is_told_what_to_do(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting;
    flume_rows *rows;
    int status = FLUME_OK;

    fx->options.map_bytes = 1 << 20;
    setting = begin_setting(fx, FLUME_VIEWS_NO_WORKERS);
    append_large(fx->flume, 10);
    rows = read_view(setting.view);
    for (unsigned i = 0; i < 20 && status == FLUME_OK; i++) {
        append_large(fx->flume, 640);
        status = flume_view_wait(setting.view, NULL);
    }
    expect_view_error(fx->flume, status, "flume_rows_end()");
    assert_int_equal(status, FLUME_ERR_VIEW);
    flume_rows_end(rows);
    expect_complete(setting.view);
    end_setting(fx, &setting);
}

static void a_map_grows_in_a_build_too(void **state)
{
    struct view_fixture *fx = *state;

    fx->options.map_bytes = 1 << 20;
    for (unsigned round = 0; round < 4; round++) {
        struct setting setting =
            begin_large(fx, round % 2 == 0 ? 0 : FLUME_VIEWS_NO_WORKERS, 12800);

        if (round >= 2)
            setting.recorder->tables[BY_SEQ].flags = 0;
        open_setting(fx, &setting);
        assert_int_equal(counted(setting.view), 12800);
        expect_complete(setting.view);
        assert_int_equal(status_now(setting.view).error.status, FLUME_OK);
        end_setting(fx, &setting);
        begin_again(fx);
    }
}

static void another_process_follows_a_map_that_grew(void **state)
{
    struct view_fixture *fx = *state;
    struct other_process other;
    struct setting setting;

    fx->options.map_bytes = 1 << 20;
    define_recorder(fx, &setting);
    start_other(fx, &other, FLUME_VIEWS_NOT_BUILT_IN | FLUME_VIEWS_NO_WORKERS);
    open_setting(fx, &setting);
    for (unsigned i = 0; i < 10; i++) {
        append_large(fx->flume, 640);
        if (i % 2 == 0)
            assert_int_equal(counted(setting.view), 640 * (i + 1));
        assert_int_equal(tell_other(&other, OTHER_COUNT), 640 * (i + 1));
    }
    assert_int_equal(counted(setting.view), 6400);
    end_other(&other);
    end_setting(fx, &setting);
}

/* ---- verify ---- */

static flume_view_difference verify(flume_view *view)
{
    flume_view_difference difference;
    flume_error error;

    if (flume_view_verify(view, NULL, &difference) != FLUME_OK) {
        flume_last_error(flume_of_view(view), &error);
        fail_msg("verify: %s", error.message);
    }
    return difference;
}

enum change { CHANGE_VALUE, CHANGE_DROP, CHANGE_ADD };

/* Behind flume's back, by LMDB alone. 0, or an LMDB code. */
static int change_by_lmdb(const char *path, enum change change)
{
    char text[] = "changed", last[] = "last", other[] = "zz";
    MDB_val key = {4, last}, value = {sizeof text - 1, text};
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi table = 0;
    int code = mdb_env_create(&env);

    if (code == 0)
        code = mdb_env_set_maxdbs(env, 8);
    if (code == 0)
        code = mdb_env_open(env, path, 0, 0666);
    if (code == 0)
        code = mdb_txn_begin(env, NULL, 0, &txn);
    if (code == 0)
        code = mdb_dbi_open(txn, "t.by_last", 0, &table);
    if (change == CHANGE_ADD)
        key = (MDB_val){2, other};
    if (code == 0)
        code = change == CHANGE_DROP ? mdb_del(txn, table, &key, NULL)
                                     : mdb_put(txn, table, &key, &value, 0);
    if (code == 0)
        code = mdb_txn_commit(txn);
    mdb_env_close(env);
    return code;
}

/* On a process of its own: the test's own may have the environment open. */
static void change_row(struct view_fixture *fx, uint64_t generation, enum change change)
{
    char below[64];
    pid_t child = -1;
    int ended = -1;

    (void)snprintf(below, sizeof below, "record/1/%" PRIu64, generation);
    (void)views_path(fx, below);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(change_by_lmdb(fx->base->text, change) == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
}

static void verifying_a_right_view_finds_nothing(void **state)
{
    struct view_fixture *fx = *state;

    for (unsigned round = 0; round < 2; round++) {
        struct setting setting = begin_setting(fx, round == 0 ? 0 : FLUME_VIEWS_NO_WORKERS);
        flume_view_difference difference;
        uint64_t count;

        (void)append_numbered(flume_log_of(fx->flume), 1000);
        count = counted(setting.view);
        difference = verify(setting.view);
        assert_false(difference.different);
        assert_int_equal(difference.rows, count + 2 + 1);
        expect_complete(setting.view);
        run_command("test -z \"$(find '%s' -name 'verify*')\"", fx->base->path);
        end_setting(fx, &setting);
    }
}

static void verifying_finds_a_row_that_was_changed_behind_its_back(void **state)
{
    static const struct {
        enum change change;
        const char *key, *says;
    } changes[] = {{CHANGE_VALUE, "last", "another value"},
                   {CHANGE_DROP, "last", "missing"},
                   {CHANGE_ADD, "zz", "should not be there"}};
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, FLUME_VIEWS_NO_WORKERS);

    (void)append_numbered(flume_log_of(fx->flume), 100);
    assert_int_equal(counted(setting.view), 100);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        flume_view_difference difference;

        change_row(fx, i + 1, changes[i].change);
        difference = verify(setting.view);
        assert_true(difference.different);
        assert_string_equal(difference.table, "by_last");
        if (strstr(difference.text, changes[i].key) == NULL ||
            strstr(difference.text, changes[i].says) == NULL)
            fail_msg("change %zu: \"%s\"", i, difference.text);
        assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
        assert_false(verify(setting.view).different);
    }
    end_setting(fx, &setting);
}

static void a_file_that_is_not_as_it_was_left_is_not_believed(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, 0);

    (void)append_numbered(flume_log_of(fx->flume), 100);
    assert_int_equal(counted(setting.view), 100);
    close_views(fx);
    change_row(fx, 1, CHANGE_VALUE);
    expect_rebuilt(fx, &setting, "not as it was left");
    end_setting(fx, &setting);
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void verifying_may_be_given_up_or_run_out_of_time(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = begin_setting(fx, FLUME_VIEWS_NO_WORKERS);
    flume_view_difference difference;
    flume_ask ask = {.give_up = at_once};
    uint64_t began;

    (void)append_numbered(flume_log_of(fx->flume), 1000);
    assert_int_equal(counted(setting.view), 1000);
    atomic_store(&setting.recorder->sleep_ns, MS_NS);
    assert_int_equal(flume_view_verify(setting.view, &ask, &difference), FLUME_ERR_CANCELLED);
    ask = (flume_ask){.timeout_ns = 100 * MS_NS};
    began = clock_ns();
    assert_int_equal(flume_view_verify(setting.view, &ask, &difference), FLUME_ERR_TIMEOUT);
    expect_view_error(fx->flume, FLUME_ERR_TIMEOUT, "record");
    assert_in_range(clock_ns() - began, 90 * MS_NS, 900 * MS_NS);
    assert_false(difference.different);
    atomic_store(&setting.recorder->sleep_ns, 0);
    assert_false(verify(setting.view).different);
    run_command("test -z \"$(find '%s' -name 'verify*')\"", fx->base->path);
    end_setting(fx, &setting);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        views_test(two_versions_stand_side_by_side),
        views_test(two_handles_may_use_a_version_each),
        views_test(a_rebuild_passes_each_record_again_once),
        views_test(without_workers_it_is_made_by_who_asks),
        views_test(queries_go_on_while_a_view_is_rebuilt),
        views_test(a_rebuild_that_is_asked_for_during_another_is_made_after_it),
        views_test(queries_see_no_gap_over_many_rebuilds),
        views_test(a_build_that_does_not_fit_into_memory_spills),
        views_test(an_interrupted_build_goes_on_where_it_was),
        views_test(also_after_the_basin_was_closed),
        views_test(a_cancelled_rebuild_goes_on_when_it_is_asked_for_again),
        views_test(a_rebuild_is_cancelled_from_another_thread),
        views_test(cancelling_where_nothing_runs_is_harmless),
        views_test(a_build_that_spilled_stops_in_front_of_what_apply_refuses),
        views_test(another_handle_sees_the_swap),
        views_test(another_process_sees_the_swap),
        views_test(progress_has_a_fixed_total_and_only_rises),
        views_test(views_that_are_gone_are_made_again),
        views_test(views_may_be_removed_under_open_handles),
        views_test(also_when_they_have_come_to_rest),
        views_test(a_log_that_was_cut_is_noticed),
        views_test(a_log_that_was_cut_and_grew_again_is_noticed),
        views_test(the_views_of_another_basin_are_noticed),
        views_test(a_pause_holds_in_every_handle),
        views_test(a_pause_holds_in_every_process_and_over_a_close),
        views_test(a_paused_view_is_not_rebuilt),
        views_test(a_view_in_use_is_not_removed),
        views_test(old_versions_are_removed_by_name),
        views_test(a_request_is_obeyed_by_who_has_the_code),
        views_test(a_request_is_obeyed_by_another_process),
        views_test(without_workers_the_next_question_obeys_a_request),
        views_test(a_cancelled_request_is_gone),
        views_test(status_says_how_a_view_stands),
        views_test(a_view_that_is_more_than_a_batch_behind_is_catching_up),
        views_test(every_state_has_a_name),
        views_test(damaged_and_lost_records_are_passed_over_and_counted),
        views_test(damage_where_two_parts_meet_is_counted_once),
        views_test(a_view_stands_behind_a_damaged_record_at_the_end),
        views_test(a_small_map_grows_while_others_look_at_it),
        views_test(who_holds_a_snapshot_and_asks_for_more_is_told_what_to_do),
        views_test(a_map_grows_in_a_build_too),
        views_test(another_process_follows_a_map_that_grew),
        views_test(verifying_a_right_view_finds_nothing),
        views_test(verifying_finds_a_row_that_was_changed_behind_its_back),
        views_test(a_file_that_is_not_as_it_was_left_is_not_believed),
        views_test(verifying_may_be_given_up_or_run_out_of_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
