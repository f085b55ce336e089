/*
 * test_subscribe.c - being called for every record, and every way in which that ends.
 *
 * L17 to L19 and A3 to A5 of the list in test_cursor.c, for the callback form.
 */
#include "log_fixture.h"

#include <sched.h>
#include <unistd.h>

enum { DEADLOCK_S = 60 };

/* A subscription that a callback ends: itself, or another one. */
struct victim {
    _Atomic(flume_subscription *) subscription;
    pthread_barrier_t *meeting; /* Where both callbacks wait for each other; NULL: nowhere. */
};

/* Without manifests: exactly first .. first + count - 1. */
static void expect_dense(const struct collector *collector, uint64_t first, size_t count)
{
    assert_int_equal(collector->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(collector->seqs[i], first + i);
}

static void old_records_come_first_then_live_ones_in_order(void **state)
{
    enum { OLD = 500, NEW = 5000 };
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscription *subscription;

    (void)append_numbered(fx->log, OLD);
    subscription = subscribe(fx->log, NULL, collector);
    for (unsigned i = 0; i < NEW; i++)
        (void)append_bytes(fx->log, i % 100, i);
    wait_for_count(collector, OLD + NEW);
    flume_unsubscribe(subscription);
    expect_dense(collector, 1, OLD + NEW);
    collector_destroy(collector);
}

static void it_starts_at_any_seq_also_one_to_come(void **state)
{
    struct log_fixture *fx = *state;

    (void)append_numbered(fx->log, 10);
    for (uint64_t from = 1; from <= 14; from++) {
        struct collector *collector = collector_create();
        flume_subscribe_options options = {.cursor = {.bounds = FLUME_GTE, .gte = from}};
        flume_subscription *subscription = subscribe(fx->log, &options, collector);
        uint64_t seq = 0;

        while (seq < 20 || seq < from)
            seq = append_text(fx->log, "x");
        wait_for_count(collector, seq + 1 - from);
        assert_int_equal(flume_subscription_position(subscription), seq + 1);
        flume_unsubscribe(subscription);
        expect_dense(collector, from, seq + 1 - from);
        collector_destroy(collector);
    }
}

static void filters_apply_and_new_only_leaves_out_the_old(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscribe_options options = {
        .cursor = {.label = "wanted", .flags = FLUME_CURSOR_NEW_ONLY}};
    flume_subscription *subscription;

    (void)append_labelled(fx->log, "old", "wanted");
    subscription = subscribe(fx->log, &options, collector);
    (void)append_text(fx->log, "no");
    (void)append_labelled(fx->log, "a", "wanted");
    (void)append_labelled(fx->log, "b", "other");
    (void)append_labelled(fx->log, "c", "wanted");
    wait_for_count(collector, 2);
    flume_unsubscribe(subscription);
    assert_int_equal(collector->seqs[0], 3);
    assert_int_equal(collector->seqs[1], 5);
    collector_destroy(collector);
}

static void durable_only_delivers_behind_the_sync(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscribe_options options = {.cursor = {.flags = FLUME_CURSOR_DURABLE}};
    flume_subscription *subscription;

    open_forgetful(fx);
    subscription = subscribe(fx->log, &options, collector);
    wait_for_count(collector, 1);
    for (uint64_t i = 2; i <= 20; i++) {
        uint64_t seq = append_text(fx->log, "x");

        assert_true(flume_log_durable(fx->log) <= seq);
        assert_true(count_now(collector) < i);
        assert_int_equal(flume_log_sync(fx->log, seq), FLUME_OK);
        wait_for_count(collector, i);
    }
    flume_unsubscribe(subscription);
    collector_destroy(collector);
}

/* --- Callbacks that do something --- */

static int take_any(void *ctx, const flume_record *record)
{
    (void)ctx;
    (void)record;
    return 0;
}

static int append_a_copy(struct collector *collector, const flume_record *record)
{
    flume_log *log = collector->also_ctx;

    if (record->seq >= 40)
        return 0;
    return flume_log_append(log, record->body, record->body_bytes, NULL) == FLUME_OK ? 0 : 2;
}

static void a_callback_may_append_and_others_make_progress(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *copier = collector_create();
    struct collector *watcher = collector_create();
    flume_subscription *subscriptions[2];

    copier->also = append_a_copy;
    copier->also_ctx = fx->log;
    subscriptions[0] = subscribe(fx->log, NULL, copier);
    subscriptions[1] = subscribe(fx->log, NULL, watcher);
    (void)append_text(fx->log, "x");
    wait_for_count(copier, 40); /* Each of seq 1 .. 39 made one more. */
    wait_for_count(watcher, 40);
    flume_unsubscribe(subscriptions[0]);
    flume_unsubscribe(subscriptions[1]);
    assert_int_equal(flume_log_head(fx->log), 41);
    collector_destroy(copier);
    collector_destroy(watcher);
}

static int use_everything(struct collector *collector, const flume_record *record)
{
    flume_log *log = collector->also_ctx;
    flume_cursor *cursor = NULL;
    flume_subscription *inner = NULL;
    flume_record again;
    int status = flume_log_get(log, record->seq, &again);

    if (status == FLUME_OK)
        flume_record_release(&again);
    if (status == FLUME_OK)
        status = flume_log_sync(log, record->seq);
    if (status == FLUME_OK)
        status = flume_cursor_open(log, NULL, &cursor);
    flume_cursor_close(cursor);
    if (status == FLUME_OK)
        status = flume_subscribe(log, NULL, take_any, NULL, &inner);
    flume_unsubscribe(inner); /* On a callback's thread: does not wait. */
    return status;
}

static void a_callback_may_get_sync_open_cursors_and_subscribe(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscription *subscription;

    collector->also = use_everything;
    collector->also_ctx = fx->log;
    subscription = subscribe(fx->log, NULL, collector);
    (void)append_numbered(fx->log, 5);
    wait_for_count(collector, 5);
    flume_unsubscribe(subscription);
    assert_true(collector->rises);
    close_log(fx); /* Joins what was abandoned. */
    collector_destroy(collector);
}

static int record_name(struct collector *collector, const flume_record *record)
{
    (void)record;
    return pthread_getname_np(pthread_self(), collector->also_ctx, 16);
}

static void callbacks_run_on_a_named_thread(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    char name[16] = "";
    flume_subscription *subscription;

    collector->also = record_name;
    collector->also_ctx = name;
    subscription = subscribe(fx->log, NULL, collector);
    (void)append_text(fx->log, "x");
    wait_for_count(collector, 1);
    flume_unsubscribe(subscription);
    assert_string_equal(name, "fl:sub");
    collector_destroy(collector);
}

/* --- Endings --- */

static void a_return_that_is_not_zero_stops_it_and_on_end_is_called_once(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscribe_options options = {.on_end = collect_end};
    flume_subscription *subscription;

    collector->stop_at = 3;
    (void)append_numbered(fx->log, 10);
    subscription = subscribe(fx->log, &options, collector);
    wait_for_end(collector, FLUME_END);
    (void)append_text(fx->log, "later"); /* In the log, not delivered. */
    assert_int_equal(flume_subscription_position(subscription), 4);
    flume_unsubscribe(subscription);
    expect_dense(collector, 1, 3);
    assert_int_equal(collector->endings, 1);
    expect_text(fx->log, 11, "later");
    collector_destroy(collector);
}

static void a_bound_or_limit_ends_it(void **state)
{
    struct log_fixture *fx = *state;
    flume_subscribe_options options = {.on_end = collect_end,
                                       .cursor = {.bounds = FLUME_LT, .lt = 4}};

    for (unsigned round = 0; round < 2; round++) {
        struct collector *collector = collector_create();
        flume_subscription *subscription = subscribe(fx->log, &options, collector);

        if (round == 0)
            (void)append_numbered(fx->log, 10);
        wait_for_end(collector, FLUME_END);
        flume_unsubscribe(subscription);
        expect_dense(collector, 1, 3);
        assert_int_equal(collector->endings, 1);
        collector_destroy(collector);
        options.cursor = (flume_cursor_options){.limit = 3};
    }
}

static void unsubscribe_at_end(void *ctx, int status, const flume_error *error)
{
    struct collector *collector = ctx;
    struct victim *self = collector->also_ctx;
    flume_subscription *subscription = NULL;

    while (subscription == NULL)
        subscription = self->subscription;
    flume_unsubscribe(subscription);
    collect_end(ctx, status, error);
}

static void on_end_may_unsubscribe_its_own_subscription(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    struct victim self = {NULL, NULL};
    flume_subscribe_options options = {.on_end = unsubscribe_at_end, .cursor = {.limit = 2}};

    collector->also_ctx = &self;
    (void)append_numbered(fx->log, 5);
    self.subscription = subscribe(fx->log, &options, collector);
    wait_for_end(collector, FLUME_END);
    close_log(fx);
    expect_dense(collector, 1, 2);
    assert_int_equal(collector->endings, 1);
    collector_destroy(collector);
}

static void damage_ends_it_with_the_seq(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscribe_options options = {.on_end = collect_end};
    flume_subscription *subscription;
    flume_record record;

    (void)append_numbered(fx->log, 10);
    assert_int_equal(flume_log_get(fx->log, 5, &record), FLUME_OK);
    write_file(strata_path(fx, "basin.flume", 0), record.offset + 32, "X", 1);
    flume_record_release(&record);
    subscription = subscribe(fx->log, &options, collector);
    wait_for_end(collector, FLUME_ERR_DAMAGED);
    assert_int_equal(collector->end_error.seq, 5);
    assert_int_equal(flume_subscription_position(subscription), 5); /* It was not delivered. */
    flume_unsubscribe(subscription);
    expect_dense(collector, 1, 4);
    collector_destroy(collector);
}

/* Saving the position looks at the record before it, which may be damaged too. */
static void the_detail_of_its_end_is_that_of_what_ended_it(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscribe_options options = {
        .name = "n", .on_end = collect_end, .cursor = {.bounds = FLUME_GTE, .gte = 5}};
    flume_subscription *subscription;
    uint64_t seq = 0;

    (void)append_numbered(fx->log, 10);
    for (seq = 4; seq <= 5; seq++) {
        flume_record record;

        assert_int_equal(flume_log_get(fx->log, seq, &record), FLUME_OK);
        write_file(strata_path(fx, "basin.flume", 0), record.offset + 32, "X", 1);
        flume_record_release(&record);
    }
    subscription = subscribe(fx->log, &options, collector);
    wait_for_end(collector, FLUME_ERR_DAMAGED);
    assert_int_equal(collector->end_error.seq, 5);
    flume_unsubscribe(subscription);
    assert_int_equal(flume_subscription_remembered(fx->log, "n", &seq), FLUME_OK);
    assert_int_equal(seq, 5);
    collector_destroy(collector);
}

static int linger(struct collector *collector, const flume_record *record)
{
    (void)record;
    for (unsigned i = 0; i < 1000; i++)
        (void)sched_yield();
    *(bool *)collector->also_ctx = true; /* Only read after flume_unsubscribe(). */
    return 0;
}

static void no_callback_runs_once_unsubscribe_has_returned(void **state)
{
    struct log_fixture *fx = *state;
    flume_subscribe_options options = {.on_end = collect_end};

    for (unsigned round = 0; round < 50; round++) {
        struct collector *collector = collector_create();
        bool called = false;
        flume_subscription *subscription;
        size_t count;

        collector->also = linger;
        collector->also_ctx = &called;
        subscription = subscribe(fx->log, &options, collector);
        (void)append_numbered(fx->log, 5);
        if (round % 2 == 0)
            wait_for_count(collector, 1);
        flume_unsubscribe(subscription);
        count = count_now(collector);
        (void)append_numbered(fx->log, 5);
        assert_int_equal(count_now(collector), count);
        assert_int_equal(collector->endings, 0); /* Not after flume_unsubscribe(). */
        assert_true(called || count == 0);
        collector_destroy(collector);
    }
}

static int unsubscribe_victim(struct collector *collector, const flume_record *record)
{
    struct victim *victim = collector->also_ctx;
    flume_subscription *subscription = NULL;

    (void)record;
    if (victim->meeting != NULL)
        (void)pthread_barrier_wait(victim->meeting);
    while (subscription == NULL) /* The test is just storing it. */
        subscription = victim->subscription;
    flume_unsubscribe(subscription);
    return 0;
}

static void a_callback_may_unsubscribe_itself(void **state)
{
    struct log_fixture *fx = *state;

    for (unsigned round = 0; round < 50; round++) {
        struct collector *collector = collector_create();
        flume_subscribe_options options = {.on_end = collect_end};
        struct victim self = {NULL, NULL};

        collector->also = unsubscribe_victim;
        collector->also_ctx = &self;
        (void)append_numbered(fx->log, 3);
        self.subscription = subscribe(fx->log, &options, collector);
        wait_for_count(collector, 1);
        close_log(fx);
        assert_int_equal(collector->count, 1); /* Nothing after it. */
        assert_int_equal(collector->endings, 0);
        collector_destroy(collector);
        open_log(fx);
    }
}

static void unsubscribe_each_other(struct log_fixture *fx, flume_log *logs[2])
{
    struct collector *collectors[2] = {collector_create(), collector_create()};
    pthread_barrier_t meeting;
    struct victim victims[2] = {{NULL, &meeting}, {NULL, &meeting}};

    (void)alarm(DEADLOCK_S); /* A deadlock must not last for ever. */
    assert_int_equal(pthread_barrier_init(&meeting, NULL, 2), 0);
    for (unsigned i = 0; i < 2; i++) {
        flume_subscribe_options options = {.cursor = {.flags = FLUME_CURSOR_NEW_ONLY}};

        collectors[i]->also = unsubscribe_victim;
        collectors[i]->also_ctx = &victims[1 - i];
        victims[i].subscription = subscribe(logs[i], &options, collectors[i]);
    }
    for (unsigned i = 0; i < 2 && (i == 0 || logs[1] != logs[0]); i++)
        (void)append_text(logs[i], "x");
    for (unsigned i = 0; i < 2; i++)
        wait_for_count(collectors[i], 1);
    if (logs[1] != logs[0])
        close_handle(logs[1]);
    close_log(fx);
    for (unsigned i = 0; i < 2; i++)
        collector_destroy(collectors[i]);
    (void)pthread_barrier_destroy(&meeting);
    (void)alarm(0);
}

static void two_callbacks_may_unsubscribe_each_other(void **state)
{
    struct log_fixture *fx = *state;

    for (unsigned round = 0; round < 20; round++) {
        unsubscribe_each_other(fx, (flume_log *[2]){fx->log, fx->log});
        open_log(fx);
    }
}

static void callbacks_of_two_logs_may_unsubscribe_each_other(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *other = NULL;

    assert_int_equal(flume_log_open(&other, ":memory:", NULL, NULL), FLUME_OK);
    unsubscribe_each_other(fx, (flume_log *[2]){fx->log, other});
}

static void close_ends_live_subscriptions(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collectors[5];

    for (unsigned i = 0; i < 5; i++) {
        collectors[i] = collector_create();
        (void)subscribe(fx->log, NULL, collectors[i]);
    }
    (void)append_numbered(fx->log, 100);
    close_log(fx);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(collectors[i]->endings, 0);
        collector_destroy(collectors[i]);
    }
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), 101);
}

static int close_from_inside(struct collector *collector, const flume_record *record)
{
    (void)record;
    return flume_log_close(collector->also_ctx) == FLUME_ERR_INVALID ? 0 : 3;
}

static void closing_from_a_callback_is_refused_and_changes_nothing(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscribe_options options = {.on_end = collect_end};
    flume_subscription *subscription;

    collector->also = close_from_inside;
    collector->also_ctx = fx->log;
    subscription = subscribe(fx->log, &options, collector);
    (void)append_text(fx->log, "one");
    wait_for_count(collector, 1);
    (void)append_text(fx->log, "two");
    wait_for_count(collector, 2);
    flume_unsubscribe(subscription);
    assert_int_equal(collector->endings, 0);
    collector_destroy(collector);
}

static void invalid_subscriptions_are_refused(void **state)
{
    struct log_fixture *fx = *state;
    flume_subscription *subscription = NULL;
    flume_subscribe_options reverse = {.cursor = {.flags = FLUME_CURSOR_REVERSE}};
    flume_subscribe_options unknown = {.cursor = {.flags = 1u << 20}};

    assert_int_equal(flume_subscribe(fx->log, &reverse, take_any, NULL, &subscription),
                     FLUME_ERR_INVALID);
    assert_int_equal(flume_subscribe(fx->log, &unknown, take_any, NULL, &subscription),
                     FLUME_ERR_INVALID);
    assert_int_equal(flume_subscribe(fx->log, NULL, NULL, NULL, &subscription), FLUME_ERR_INVALID);
    assert_int_equal(flume_subscribe(NULL, NULL, take_any, NULL, &subscription), FLUME_ERR_INVALID);
    assert_null(subscription);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        log_test(old_records_come_first_then_live_ones_in_order),
        log_test(it_starts_at_any_seq_also_one_to_come),
        log_test(filters_apply_and_new_only_leaves_out_the_old),
        closed_log_test(durable_only_delivers_behind_the_sync),
        log_test(a_callback_may_append_and_others_make_progress),
        log_test(a_callback_may_get_sync_open_cursors_and_subscribe),
        log_test(callbacks_run_on_a_named_thread),
        log_test(a_return_that_is_not_zero_stops_it_and_on_end_is_called_once),
        log_test(a_bound_or_limit_ends_it),
        log_test(on_end_may_unsubscribe_its_own_subscription),
        log_test(damage_ends_it_with_the_seq),
        log_test(the_detail_of_its_end_is_that_of_what_ended_it),
        log_test(no_callback_runs_once_unsubscribe_has_returned),
        log_test(a_callback_may_unsubscribe_itself),
        log_test(two_callbacks_may_unsubscribe_each_other),
        log_test(callbacks_of_two_logs_may_unsubscribe_each_other),
        log_test(close_ends_live_subscriptions),
        log_test(closing_from_a_callback_is_refused_and_changes_nothing),
        log_test(invalid_subscriptions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
