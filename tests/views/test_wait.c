/*
 * test_wait.c - a query sees what was appended before it, or says why not.
 */
#include "view_fixture.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS_NS (SECOND_NS / 1000)

struct setting {
    struct recorder *recorder;
    flume_view *view;
};

static struct setting open_setting(struct view_fixture *fx, unsigned views)
{
    struct setting setting = {.recorder = recorder_create("record", 1)};

    fx->options.views = FLUME_VIEWS_NOT_BUILT_IN | views;
    define_view(fx, &setting.recorder->definition);
    open_views(fx);
    setting.view = view_named(fx->flume, "record");
    return setting;
}

static void close_setting(struct view_fixture *fx, struct setting *setting)
{
    if (fx->flume != NULL)
        close_views(fx);
    recorder_destroy(setting->recorder);
}

/* Built, and with one record, so that what follows is not its first build. */
static struct setting open_warm(struct view_fixture *fx, unsigned views)
{
    struct setting setting = open_setting(fx, views);

    (void)append_to(fx->flume, "first");
    assert_int_equal(counted(setting.view), 1);
    return setting;
}

/* The worker stands in apply, at the record appended here. */
static uint64_t hold_worker(struct view_fixture *fx, struct setting *setting)
{
    uint64_t until = clock_ns() + PATIENCE_NS;
    uint64_t seq = flume_log_head(flume_log_of(fx->flume));

    atomic_store(&setting->recorder->hold_seq, seq);
    assert_int_equal(append_to(fx->flume, "held"), seq);
    while (!atomic_load(&setting->recorder->holds)) {
        assert_true(clock_ns() < until);
        sleep_ns(MS_NS);
    }
    return seq;
}

static void let_go(struct setting *setting)
{
    atomic_store(&setting->recorder->hold_seq, FLUME_SEQ_NONE);
    atomic_store(&setting->recorder->holds, false);
}

/* ---- what was appended is seen ---- */

static void see_each_append(struct view_fixture *fx, unsigned views)
{
    struct setting setting = open_setting(fx, views);

    for (unsigned i = 0; i < 300; i++) {
        char text[24];

        (void)snprintf(text, sizeof text, "number %u", i);
        (void)append_to(fx->flume, text);
        expect_row(setting.view, BY_LAST, "last", text);
        assert_int_equal(counted(setting.view), i + 1);
    }
    expect_recorded(setting.recorder, 1, 300);
    close_setting(fx, &setting);
}

static void a_query_sees_what_was_appended_just_before(void **state)
{
    see_each_append(*state, 0);
}

static void without_workers_it_sees_that_too(void **state)
{
    see_each_append(*state, FLUME_VIEWS_NO_WORKERS);
}

struct appending_thread {
    flume_log *log;
    _Atomic uint64_t appended; /* Head after the last append. */
    _Atomic bool stop;
};

static void *append_on(void *ctx)
{
    struct appending_thread *appending = ctx;
    uint64_t seq = 0;

    while (!atomic_load(&appending->stop) &&
           flume_log_append(appending->log, "thread", 6, &seq) == FLUME_OK) {
        atomic_store(&appending->appended, seq + 1);
        sleep_ns(20000);
    }
    return NULL;
}

static void a_query_sees_what_another_thread_appended(void **state)
{
    struct view_fixture *fx = *state;

    for (unsigned round = 0; round < 2; round++) {
        struct setting setting = open_setting(fx, round == 0 ? 0 : FLUME_VIEWS_NO_WORKERS);
        struct appending_thread appending = {.log = flume_log_of(fx->flume)};
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, append_on, &appending), 0);
        for (unsigned i = 0; i < 200; i++) {
            uint64_t head = atomic_load(&appending.appended);
            flume_rows *rows = read_view(setting.view);

            assert_true(flume_rows_as_of(rows) >= head);
            flume_rows_end(rows);
        }
        atomic_store(&appending.stop, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        expect_complete(setting.view);
        close_setting(fx, &setting);
        forget_definitions(fx);
    }
}

static void see_each_other(struct view_fixture *fx, unsigned theirs, unsigned ours)
{
    struct recorder *recorder = recorder_create("record", 1);
    struct other_process other;
    flume_view *view;
    uint64_t count = 0;

    define_view(fx, &recorder->definition);
    start_other(fx, &other, FLUME_VIEWS_NOT_BUILT_IN | theirs);
    fx->options.views = FLUME_VIEWS_NOT_BUILT_IN | ours;
    open_views(fx);
    view = view_named(fx->flume, "record");
    for (unsigned i = 0; i < 100; i++) {
        assert_true(tell_other(&other, OTHER_APPEND) > 0);
        assert_int_equal(counted(view), ++count);
        (void)append_to(fx->flume, "ours");
        assert_int_equal(tell_other(&other, OTHER_COUNT), ++count);
    }
    expect_complete(view);
    end_other(&other);
    close_views(fx);
    recorder_destroy(recorder);
    forget_definitions(fx);
    run_command("rm -rf '%s'", fx->base->path);
}

static void processes_see_what_the_other_appended(void **state)
{
    see_each_other(*state, 0, 0);
    see_each_other(*state, FLUME_VIEWS_NO_WORKERS, 0);
    see_each_other(*state, 0, FLUME_VIEWS_NO_WORKERS);
    see_each_other(*state, FLUME_VIEWS_NO_WORKERS, FLUME_VIEWS_NO_WORKERS);
}

static void a_slow_apply_is_waited_for(void **state)
{
    struct view_fixture *fx = *state;

    for (unsigned round = 0; round < 2; round++) {
        struct setting setting = open_setting(fx, round == 0 ? 0 : FLUME_VIEWS_NO_WORKERS);
        uint64_t before = counted(setting.view);

        atomic_store(&setting.recorder->sleep_ns, MS_NS);
        for (unsigned i = 0; i < 999; i++)
            (void)append_to(fx->flume, "one of many");
        (void)append_to(fx->flume, "the last");
        expect_row(setting.view, BY_LAST, "last", "the last");
        assert_int_equal(counted(setting.view), before + 1000);
        close_setting(fx, &setting);
        forget_definitions(fx);
    }
}

static void the_same_basin_may_be_open_twice(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_setting(fx, 0);
    flume *another = open_another(fx);
    flume_view *others = view_named(another, "record");

    for (unsigned i = 0; i < 200; i++) {
        (void)append_to(fx->flume, "ours");
        assert_int_equal(counted(others), 2 * i + 1);
        (void)append_to(another, "theirs");
        assert_int_equal(counted(setting.view), 2 * i + 2);
    }
    assert_int_equal(status_now(others).generation, status_now(setting.view).generation);
    close_views(fx);
    (void)append_to(another, "left alone");
    assert_int_equal(counted(others), 401);
    expect_complete(others);
    close_another(another);
    recorder_destroy(setting.recorder);
}

static void who_only_reads_the_log_may_ask_its_views(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);
    flume *reader;

    fx->options.log.flags = FLUME_OPEN_READ_ONLY;
    reader = open_another(fx);
    for (unsigned i = 0; i < 50; i++) {
        (void)append_to(fx->flume, "more");
        assert_int_equal(counted(view_named(reader, "record")), i + 2);
    }
    close_another(reader);
    close_views(fx);
    reader = open_another(fx);
    assert_int_equal(counted(view_named(reader, "record")), 51);
    assert_int_equal(flume_view_wait(view_named(reader, "record"), NULL), FLUME_OK);
    close_another(reader);
    close_setting(fx, &setting);
}

/* ---- patience ---- */

static void time_that_is_up_says_how_far_the_view_is_behind(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);
    flume_ask ask = {.timeout_ns = 50 * MS_NS};
    uint64_t began;

    (void)hold_worker(fx, &setting);
    (void)append_to(fx->flume, "behind");
    began = clock_ns();
    expect_wait(setting.view, &ask, FLUME_ERR_TIMEOUT, "'record'");
    assert_in_range(clock_ns() - began, 45 * MS_NS, 2 * SECOND_NS);
    expect_view_error(fx->flume, FLUME_ERR_TIMEOUT, "2 records behind");
    let_go(&setting);
    assert_int_equal(counted(setting.view), 3);
    close_setting(fx, &setting);
}

static void time_is_kept_by_who_advances_the_view_itself(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, FLUME_VIEWS_NO_WORKERS);
    flume_ask ask = {.timeout_ns = 50 * MS_NS};
    uint64_t began;

    (void)append_numbered(flume_log_of(fx->flume), 1);
    for (unsigned i = 0; i < 2000; i++)
        (void)append_to(fx->flume, "slow");
    atomic_store(&setting.recorder->sleep_ns, MS_NS);
    began = clock_ns();
    expect_wait(setting.view, &ask, FLUME_ERR_TIMEOUT, "record");
    assert_in_range(clock_ns() - began, 45 * MS_NS, 150 * MS_NS);
    assert_true(recorded_count(setting.recorder) > 2); /* And what it did is kept. */
    atomic_store(&setting.recorder->sleep_ns, 0);
    assert_int_equal(counted(setting.view), 2002);
    expect_recorded(setting.recorder, 1, 2002);
    close_setting(fx, &setting);
}

static void what_is_there_is_answered_at_once_where_stale_is_ok(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);
    uint64_t held = hold_worker(fx, &setting);
    uint64_t began = clock_ns();
    flume_rows *rows = read_stale(setting.view);

    assert_true(clock_ns() - began < SECOND_NS);
    assert_int_equal(flume_rows_as_of(rows), held);
    flume_rows_end(rows);
    expect_wait(setting.view, &(flume_ask){.flags = FLUME_ASK_STALE_OK}, FLUME_OK, "");
    let_go(&setting);
    close_setting(fx, &setting);
}

static void before_it_is_built_there_is_nothing_stale_to_answer_from(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_setting(fx, FLUME_VIEWS_NO_WORKERS);

    expect_wait(setting.view, &(flume_ask){.flags = FLUME_ASK_STALE_OK}, FLUME_ERR_STALE, "record");
    assert_int_equal(status_now(setting.view).state, FLUME_VIEW_CLOSED);
    assert_false(status_now(setting.view).usable);
    close_setting(fx, &setting);
}

static void as_of_waits_for_what_is_asked_and_no_more(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);
    uint64_t held = hold_worker(fx, &setting);
    flume_ask ask = {.flags = FLUME_ASK_AS_OF, .as_of = held, .timeout_ns = 50 * MS_NS};

    expect_wait(setting.view, &ask, FLUME_OK, "");
    ask.as_of = 0;
    expect_wait(setting.view, &ask, FLUME_OK, "");
    ask.as_of = held + 1;
    expect_wait(setting.view, &ask, FLUME_ERR_TIMEOUT, "1 records behind");
    ask.as_of = held + 2;
    expect_wait(setting.view, &ask, FLUME_ERR_NOT_FOUND, "beyond");
    ask.flags |= FLUME_ASK_STALE_OK;
    expect_wait(setting.view, &ask, FLUME_ERR_NOT_FOUND, "beyond");
    let_go(&setting);
    ask = (flume_ask){.flags = FLUME_ASK_AS_OF, .as_of = held + 1};
    expect_wait(setting.view, &ask, FLUME_OK, "");
    close_setting(fx, &setting);
}

static void unknown_flags_of_a_question_are_refused(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);

    expect_wait(setting.view, &(flume_ask){.flags = 1u << 8}, FLUME_ERR_INVALID, "flags");
    close_setting(fx, &setting);
}

struct patience {
    uint64_t until_ns;
    _Atomic unsigned asked;
};

static bool is_over(void *ctx)
{
    struct patience *patience = ctx;

    (void)atomic_fetch_add(&patience->asked, 1);
    return clock_ns() >= patience->until_ns;
}

static void give_up_while(struct setting *setting)
{
    struct patience patience = {.until_ns = clock_ns() + 50 * MS_NS};
    flume_ask ask = {.give_up = is_over, .give_up_ctx = &patience};

    expect_wait(setting->view, &ask, FLUME_ERR_CANCELLED, "record");
    assert_in_range(clock_ns() - patience.until_ns, 0, 100 * MS_NS);
    assert_true(atomic_load(&patience.asked) > 1);
}

static void who_gives_up_is_let_go_soon(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);

    (void)hold_worker(fx, &setting);
    give_up_while(&setting);
    let_go(&setting);
    close_setting(fx, &setting);
}

static void who_advances_the_view_itself_may_give_up_too(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, FLUME_VIEWS_NO_WORKERS);

    for (unsigned i = 0; i < 100; i++)
        (void)append_to(fx->flume, "slow");
    atomic_store(&setting.recorder->sleep_ns, 5 * MS_NS);
    give_up_while(&setting);
    atomic_store(&setting.recorder->sleep_ns, 0);
    assert_int_equal(counted(setting.view), 101);
    close_setting(fx, &setting);
}

static void who_builds_the_view_itself_may_give_up_too(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_setting(fx, FLUME_VIEWS_NO_WORKERS);

    for (unsigned i = 0; i < 1000; i++)
        (void)append_to(fx->flume, "slow");
    atomic_store(&setting.recorder->sleep_ns, MS_NS);
    give_up_while(&setting);
    atomic_store(&setting.recorder->sleep_ns, 0);
    assert_int_equal(counted(setting.view), 1000);
    expect_recorded(setting.recorder, 1, 1000); /* What was collected is not made again. */
    close_setting(fx, &setting);
}

/* ---- a view that fails ---- */

enum { ASKERS = 4 };

static void every_waiter_is_told_at_once_that_apply_refused(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *sound = recorder_create("sound", 1);
    struct asking_thread askers[ASKERS];
    struct setting setting;
    flume_view_status status;
    flume_rows *rows;
    uint64_t seq;

    define_view(fx, &sound->definition);
    setting = open_warm(fx, 0);
    seq = hold_worker(fx, &setting);
    (void)append_to(fx->flume, "behind");
    for (unsigned i = 0; i < ASKERS; i++)
        start_asking(&askers[i], setting.view, NULL);
    sleep_ns(20 * MS_NS);
    atomic_store(&setting.recorder->refuse_seq, seq);
    atomic_store(&setting.recorder->refuse_with, FLUME_ERR_CONFLICT);
    let_go(&setting);
    for (unsigned i = 0; i < ASKERS; i++) {
        assert_int_equal(join_asking(&askers[i]), FLUME_ERR_VIEW);
        assert_true(askers[i].took_ns < 2 * SECOND_NS);
        assert_int_equal(askers[i].error.seq, seq);
        assert_non_null(strstr(askers[i].error.message, "'record'"));
        assert_non_null(strstr(askers[i].error.message, "conflict"));
    }
    expect_wait(setting.view, NULL, FLUME_ERR_VIEW, "record");
    status = status_now(setting.view);
    assert_int_equal(status.state, FLUME_VIEW_FAILED);
    assert_int_equal(status.error.seq, seq);
    assert_int_equal(status.synced_seq, seq); /* What came before is in the view. */
    assert_int_equal(status.lag_records, 2);
    rows = read_stale(setting.view);
    assert_int_equal(rows_in(rows, BY_SEQ), 1);
    flume_rows_end(rows);
    expect_wait(setting.view, &(flume_ask){.flags = FLUME_ASK_AS_OF, .as_of = seq}, FLUME_OK, "");
    assert_int_equal(counted(view_named(fx->flume, "sound")), 3);
    assert_int_equal(status_now(view_named(fx->flume, "sound")).state, FLUME_VIEW_LIVE);
    close_setting(fx, &setting);
    recorder_destroy(sound);
}

static void two_views_that_fail_at_once_each_say_so_of_themselves(void **state)
{
    struct view_fixture *fx = *state;
    struct recorder *second = recorder_create("second", 1);
    struct asking_thread askers[2 * ASKERS];
    struct setting setting;

    define_view(fx, &second->definition);
    setting = open_warm(fx, 0);
    assert_int_equal(counted(view_named(fx->flume, "second")), 1);
    atomic_store(&setting.recorder->refuse_seq, 2);
    atomic_store(&second->refuse_seq, 2);
    (void)append_to(fx->flume, "refused by both");
    for (unsigned i = 0; i < 2 * ASKERS; i++)
        start_asking(&askers[i], i % 2 == 0 ? setting.view : view_named(fx->flume, "second"), NULL);
    for (unsigned i = 0; i < 2 * ASKERS; i++) {
        assert_int_equal(join_asking(&askers[i]), FLUME_ERR_VIEW);
        if (strstr(askers[i].error.message, i % 2 == 0 ? "'record'" : "'second'") == NULL)
            fail_msg("asker %u: %s", i, askers[i].error.message);
    }
    assert_non_null(strstr(status_now(setting.view).error.message, "'record'"));
    assert_non_null(strstr(status_now(view_named(fx->flume, "second")).error.message, "'second'"));
    close_setting(fx, &setting);
    recorder_destroy(second);
}

static void heal(struct view_fixture *fx, unsigned views)
{
    struct setting setting = open_warm(fx, views);
    uint64_t seq = flume_log_head(flume_log_of(fx->flume));

    atomic_store(&setting.recorder->refuse_seq, seq);
    (void)append_to(fx->flume, "refused");
    (void)append_to(fx->flume, "behind");
    expect_wait(setting.view, NULL, FLUME_ERR_VIEW, "record");
    atomic_store(&setting.recorder->refuse_seq, FLUME_SEQ_NONE);
    expect_wait(setting.view, NULL, FLUME_ERR_VIEW, "record"); /* Only a rebuild helps. */
    assert_int_equal(flume_view_rebuild(setting.view, NULL), FLUME_OK);
    wait_for_state(setting.view, FLUME_VIEW_LIVE);
    expect_complete(setting.view);
    assert_int_equal(status_now(setting.view).error.status, FLUME_OK);
    close_setting(fx, &setting);
}

static void a_rebuild_heals_a_view_whose_apply_was_mended(void **state)
{
    heal(*state, 0);
}

static void without_workers_it_heals_too(void **state)
{
    heal(*state, FLUME_VIEWS_NO_WORKERS);
}

static void who_did_not_rebuild_sees_that_another_did(void **state)
{
    struct view_fixture *fx = *state;

    for (unsigned round = 0; round < 2; round++) {
        struct setting setting = open_warm(fx, round == 0 ? 0 : FLUME_VIEWS_NO_WORKERS);
        flume *another = open_another(fx);
        flume_view *others = view_named(another, "record");

        atomic_store(&setting.recorder->refuse_seq, flume_log_head(flume_log_of(fx->flume)));
        (void)append_to(fx->flume, "refused");
        expect_wait(setting.view, NULL, FLUME_ERR_VIEW, "record");
        expect_wait(others, NULL, FLUME_ERR_VIEW, "record");
        atomic_store(&setting.recorder->refuse_seq, FLUME_SEQ_NONE);
        assert_int_equal(flume_view_rebuild(others, NULL), FLUME_OK);
        wait_for_state(others, FLUME_VIEW_LIVE);
        expect_complete(others);
        expect_complete(setting.view);
        wait_for_state(setting.view, FLUME_VIEW_LIVE);
        (void)append_to(fx->flume, "more");
        expect_complete(setting.view);
        close_another(another);
        close_setting(fx, &setting);
        forget_definitions(fx);
        run_command("rm -rf '%s'", fx->base->path);
    }
}

/* ---- callbacks ---- */

struct calls {
    _Atomic unsigned count;
    _Atomic int status;
    _Atomic unsigned order;
    unsigned place; /* It was the how many-th of those that share order. */
    _Atomic unsigned *shared;
};

static void note_call(void *ctx, int status)
{
    struct calls *calls = ctx;

    if (calls->shared != NULL)
        atomic_store(&calls->order, atomic_fetch_add(calls->shared, 1) + 1);
    atomic_store(&calls->status, status);
    (void)atomic_fetch_add(&calls->count, 1);
}

static void expect_call(struct calls *calls, int status)
{
    uint64_t until = clock_ns() + PATIENCE_NS;

    while (atomic_load(&calls->count) == 0) {
        assert_true(clock_ns() < until);
        sleep_ns(MS_NS);
    }
    assert_int_equal(atomic_load(&calls->count), 1);
    assert_int_equal(atomic_load(&calls->status), status);
}

static void callbacks_come_once_when_the_view_is_there(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);
    _Atomic unsigned shared = 0;
    struct calls before = {0}, first = {.shared = &shared}, second = {.shared = &shared};

    assert_int_equal(flume_view_when(setting.view, 1, note_call, &before), FLUME_OK);
    expect_call(&before, FLUME_OK); /* There already. */
    assert_int_equal(flume_view_when(setting.view, 4, note_call, &first), FLUME_OK);
    assert_int_equal(flume_view_when(setting.view, 4, note_call, &second), FLUME_OK);
    (void)append_to(fx->flume, "one");
    sleep_ns(50 * MS_NS);
    assert_int_equal(atomic_load(&first.count), 0);
    (void)append_to(fx->flume, "two");
    (void)append_to(fx->flume, "three");
    expect_call(&first, FLUME_OK);
    expect_call(&second, FLUME_OK);
    assert_int_equal(atomic_load(&first.order), 1); /* In the order of asking. */
    assert_int_equal(atomic_load(&second.order), 2);
    close_setting(fx, &setting);
}

static void callbacks_are_told_that_the_view_failed(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);
    struct calls calls = {0}, later = {0}, there = {0};

    atomic_store(&setting.recorder->refuse_seq, 2);
    assert_int_equal(flume_view_when(setting.view, 3, note_call, &calls), FLUME_OK);
    (void)append_to(fx->flume, "refused");
    expect_call(&calls, FLUME_ERR_VIEW);
    assert_int_equal(flume_view_when(setting.view, 3, note_call, &later), FLUME_OK);
    expect_call(&later, FLUME_ERR_VIEW);
    assert_int_equal(flume_view_when(setting.view, 2, note_call, &there), FLUME_OK);
    expect_call(&there, FLUME_OK); /* As far as it is, it is there. */
    close_setting(fx, &setting);
}

static void callbacks_are_told_that_the_handle_closed(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);
    struct calls calls = {0};

    assert_int_equal(flume_view_when(setting.view, 100, note_call, &calls), FLUME_OK);
    close_views(fx);
    expect_call(&calls, FLUME_ERR_CANCELLED);
    close_setting(fx, &setting);
}

static void callbacks_and_descriptors_need_workers(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, FLUME_VIEWS_NO_WORKERS);
    struct calls calls = {0};
    int descriptor = -2;

    assert_int_equal(flume_view_when(setting.view, 1, note_call, &calls), FLUME_ERR_INVALID);
    assert_int_equal(flume_view_descriptor(setting.view, &descriptor), FLUME_ERR_INVALID);
    assert_int_equal(descriptor, -2);
    close_views(fx);
    fx->options.views &= ~(unsigned)FLUME_VIEWS_NO_WORKERS;
    open_views(fx);
    assert_int_equal(flume_view_when(view_named(fx->flume, "record"), 1, NULL, NULL),
                     FLUME_ERR_INVALID);
    close_setting(fx, &setting);
}

/* ---- the descriptor ---- */

static bool polls(int descriptor, int timeout_ms)
{
    struct pollfd poll_now = {.fd = descriptor, .events = POLLIN};

    return poll(&poll_now, 1, timeout_ms) == 1 && (poll_now.revents & POLLIN) != 0;
}

/* Drain until the view says it has so much. */
static void follow_until(flume_view *view, int descriptor, uint64_t seq)
{
    while (flume_view_synced(view) < seq)
        assert_true(polls(descriptor, 20000));
}

static void the_descriptor_polls_readable_when_the_view_has_moved(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);
    int descriptor = -1, again = -1;

    assert_int_equal(flume_view_descriptor(setting.view, &descriptor), FLUME_OK);
    assert_int_equal(flume_view_descriptor(setting.view, &again), FLUME_OK);
    assert_int_equal(descriptor, again);
    assert_true(polls(descriptor, 0)); /* Look first. */
    assert_int_equal(flume_view_synced(setting.view), 2);
    assert_false(polls(descriptor, 50));
    for (unsigned i = 0; i < 20; i++) {
        (void)append_to(fx->flume, "more");
        follow_until(setting.view, descriptor, i + 3);
    }
    close_setting(fx, &setting);
}

static void the_descriptor_tells_what_another_handle_applied(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);
    flume *another = open_another(fx);
    flume_view *others = view_named(another, "record");
    int descriptor = -1;

    assert_int_equal(flume_view_descriptor(setting.view, &descriptor), FLUME_OK);
    for (unsigned i = 0; i < 50; i++) {
        follow_until(setting.view, descriptor, flume_log_head(flume_log_of(another)));
        (void)append_to(another, "theirs");
        assert_int_equal(flume_view_wait(others, NULL), FLUME_OK);
        assert_true(polls(descriptor, 5000));
    }
    close_another(another);
    close_setting(fx, &setting);
}

/* ---- closing ---- */

static void *read_now(void *ctx)
{
    struct asking_thread *asking = ctx;
    flume_rows *rows = NULL;

    asking->status = flume_view_read(asking->view, NULL, &rows);
    return NULL;
}

static void *close_now(void *ctx)
{
    (void)flume_close(ctx);
    return NULL;
}

static void closing_answers_everybody_who_waits(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);
    struct asking_thread askers[ASKERS];
    struct calls calls = {0};
    pthread_t closer;

    (void)hold_worker(fx, &setting);
    for (unsigned i = 0; i < ASKERS; i++) {
        if (i % 2 == 0) {
            start_asking(&askers[i], setting.view, NULL);
        } else {
            askers[i] = (struct asking_thread){.view = setting.view};
            assert_int_equal(pthread_create(&askers[i].thread, NULL, read_now, &askers[i]), 0);
        }
    }
    assert_int_equal(flume_view_when(setting.view, 100, note_call, &calls), FLUME_OK);
    sleep_ns(30 * MS_NS);
    assert_int_equal(pthread_create(&closer, NULL, close_now, fx->flume), 0);
    for (unsigned i = 0; i < ASKERS; i++) /* Though the worker is still held. */
        assert_int_equal(join_asking(&askers[i]), FLUME_ERR_CANCELLED);
    let_go(&setting);
    assert_int_equal(pthread_join(closer, NULL), 0);
    expect_call(&calls, FLUME_ERR_CANCELLED);
    fx->flume = NULL;
    close_setting(fx, &setting);
}

static void closing_at_once_after_opening_is_clean(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_setting(fx, 0);

    (void)append_numbered(flume_log_of(fx->flume), 1000);
    for (unsigned i = 0; i < 20; i++)
        reopen_views(fx);
    expect_complete(view_named(fx->flume, "record"));
    close_setting(fx, &setting);
    assert_int_equal(flume_close(NULL), FLUME_OK);
}

/* ---- a forked child ---- */

static int call_as_child(struct view_fixture *fx, flume_view *view)
{
    flume_view_status status;
    flume_view_difference difference;
    flume_view *found;
    flume_rows *rows;
    flume_error error;
    int descriptor;
    int answers[] = {
        flume_view_wait(view, NULL),
        flume_view_wait(view, &(flume_ask){.flags = FLUME_ASK_STALE_OK}),
        flume_view_read(view, NULL, &rows),
        flume_view_find(fx->flume, "record", &found),
        flume_view_status_of(view, &status),
        flume_view_list(fx->flume, &status, 1),
        flume_view_rebuild(view, NULL),
        flume_view_rebuild_cancel(view),
        flume_view_request_rebuild(fx->flume, "record"),
        flume_view_pause(view),
        flume_view_resume(view),
        flume_view_remove(fx->flume, "record", 0),
        flume_view_verify(view, NULL, &difference),
        flume_view_when(view, 0, note_call, NULL),
        flume_view_descriptor(view, &descriptor),
    };

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (answers[i] != FLUME_ERR_FORKED)
            return 10 + (int)i;
    if (flume_view_synced(view) != 0)
        return 2;
    flume_last_error(fx->flume, &error);
    if (error.status != FLUME_ERR_FORKED || strstr(error.message, "parent") == NULL)
        return 3;
    return flume_close(fx->flume) == FLUME_OK ? 0 : 4;
}

static void a_forked_child_is_told_so_and_may_close(void **state)
{
    struct view_fixture *fx = *state;
    struct setting setting = open_warm(fx, 0);

    for (unsigned i = 0; i < 20; i++) {
        pid_t child;
        int ended;

        (void)append_to(fx->flume, "busy");
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)alarm(20);
            _exit(call_as_child(fx, setting.view));
        }
        assert_int_equal(counted(setting.view), i + 2); /* The parent goes on meanwhile. */
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_int_equal(ended, 0);
    }
    (void)append_to(fx->flume, "after");
    expect_complete(setting.view);
    close_setting(fx, &setting);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        views_test(a_query_sees_what_was_appended_just_before),
        views_test(without_workers_it_sees_that_too),
        views_test(a_query_sees_what_another_thread_appended),
        views_test(processes_see_what_the_other_appended),
        views_test(a_slow_apply_is_waited_for),
        views_test(the_same_basin_may_be_open_twice),
        views_test(who_only_reads_the_log_may_ask_its_views),
        views_test(time_that_is_up_says_how_far_the_view_is_behind),
        views_test(time_is_kept_by_who_advances_the_view_itself),
        views_test(what_is_there_is_answered_at_once_where_stale_is_ok),
        views_test(before_it_is_built_there_is_nothing_stale_to_answer_from),
        views_test(as_of_waits_for_what_is_asked_and_no_more),
        views_test(unknown_flags_of_a_question_are_refused),
        views_test(who_gives_up_is_let_go_soon),
        views_test(who_advances_the_view_itself_may_give_up_too),
        views_test(who_builds_the_view_itself_may_give_up_too),
        views_test(every_waiter_is_told_at_once_that_apply_refused),
        views_test(two_views_that_fail_at_once_each_say_so_of_themselves),
        views_test(a_rebuild_heals_a_view_whose_apply_was_mended),
        views_test(without_workers_it_heals_too),
        views_test(who_did_not_rebuild_sees_that_another_did),
        views_test(callbacks_come_once_when_the_view_is_there),
        views_test(callbacks_are_told_that_the_view_failed),
        views_test(callbacks_are_told_that_the_handle_closed),
        views_test(callbacks_and_descriptors_need_workers),
        views_test(the_descriptor_polls_readable_when_the_view_has_moved),
        views_test(the_descriptor_tells_what_another_handle_applied),
        views_test(closing_answers_everybody_who_waits),
        views_test(closing_at_once_after_opening_is_clean),
        views_test(a_forked_child_is_told_so_and_may_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
