/*
 * test_subscribe_named.c - subscriptions that remember how far they have come.
 */
#include "log_fixture.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "faultio.h"

static flume_subscribe_options named(const char *name)
{
    return (flume_subscribe_options){.name = name, .on_end = collect_end};
}

/* Subscribe until `count` records have come, then end it; the first seq that came. */
static uint64_t deliver_some(flume_log *log, const char *name, size_t count)
{
    struct collector *collector = collector_create();
    flume_subscribe_options options = named(name);
    flume_subscription *subscription;
    uint64_t first;

    collector->stop_at = count;
    subscription = subscribe(log, &options, collector);
    wait_for_end(collector, FLUME_END);
    flume_unsubscribe(subscription);
    first = collector->seqs[0];
    assert_int_equal(collector->seqs[count - 1], first + count - 1);
    collector_destroy(collector);
    return first;
}

static void expect_remembered(flume_log *log, const char *name, uint64_t seq)
{
    uint64_t remembered = 0;

    assert_int_equal(flume_subscription_remembered(log, name, &remembered), FLUME_OK);
    assert_int_equal(remembered, seq);
}

static int subscribe_status(flume_log *log, const char *name)
{
    struct collector *collector = collector_create();
    flume_subscribe_options options = named(name);
    flume_subscription *subscription = NULL;
    int status = flume_subscribe(log, &options, collect, collector, &subscription);

    flume_unsubscribe(subscription);
    collector_destroy(collector);
    return status;
}

static void it_goes_on_where_the_last_one_ended_also_after_reopening(void **state)
{
    struct log_fixture *fx = *state;

    (void)append_numbered(fx->log, 30);
    assert_int_equal(deliver_some(fx->log, "indexer", 10), 1);
    assert_int_equal(deliver_some(fx->log, "indexer", 5), 11);
    reopen_log(fx);
    expect_remembered(fx->log, "indexer", 16);
    assert_int_equal(deliver_some(fx->log, "indexer", 15), 16);
    assert_int_equal(deliver_some(fx->log, "other", 2), 1); /* Each name for itself. */
}

static void the_lower_bound_counts_only_the_first_time(void **state)
{
    struct log_fixture *fx = *state;
    flume_subscribe_options options = named("bounded");

    (void)append_numbered(fx->log, 20);
    options.cursor = (flume_cursor_options){.bounds = FLUME_GTE, .gte = 7};
    for (uint64_t first = 7; first < 13; first += 3) {
        struct collector *collector = collector_create();
        flume_subscription *subscription;

        collector->stop_at = 3;
        subscription = subscribe(fx->log, &options, collector);
        wait_for_end(collector, FLUME_END);
        flume_unsubscribe(subscription);
        assert_int_equal(collector->seqs[0], first);
        collector_destroy(collector);
        options.cursor.gte = 1;
    }
}

static void what_filters_pass_over_is_remembered_too(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscribe_options options = named("filtered");
    flume_subscription *subscription;

    options.cursor.label = "wanted";
    subscription = subscribe(fx->log, &options, collector);
    (void)append_labelled(fx->log, "a", "wanted");
    (void)append_numbered(fx->log, 20);
    wait_for_count(collector, 1);
    while (flume_subscription_position(subscription) < 22)
        (void)usleep(1000);
    flume_unsubscribe(subscription);
    expect_remembered(fx->log, "filtered", 22);
    collector_destroy(collector);
}

static void a_name_is_one_subscription_at_a_time(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscribe_options options = named("mine");
    flume_subscription *subscription = subscribe(fx->log, &options, collector);
    flume_log *other = open_other(fx, 0);
    uint64_t saved;

    (void)append_text(fx->log, "x");
    wait_for_count(collector, 1);
    assert_int_equal(subscribe_status(fx->log, "mine"), FLUME_ERR_BUSY);
    assert_int_equal(subscribe_status(other, "mine"), FLUME_ERR_BUSY);
    expect_error(other, FLUME_ERR_BUSY, "mine");
    while (flume_subscription_remembered(other, "mine", &saved) == FLUME_ERR_NOT_FOUND)
        (void)sched_yield(); /* Before it is saved there is nothing to forget. */
    assert_int_equal(flume_subscription_forget(other, "mine"), FLUME_ERR_BUSY);
    assert_int_equal(subscribe_status(other, "yours"), FLUME_OK);
    flume_unsubscribe(subscription);
    expect_remembered(other, "mine", 2);
    assert_int_equal(subscribe_status(other, "mine"), FLUME_OK);
    close_handle(other);
    collector_destroy(collector);
}

static void a_forgotten_name_begins_anew(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seq = 99;

    assert_int_equal(flume_subscription_remembered(fx->log, "x", &seq), FLUME_ERR_NOT_FOUND);
    assert_int_equal(flume_subscription_forget(fx->log, "x"), FLUME_ERR_NOT_FOUND);
    assert_int_equal(seq, 99);
    (void)append_numbered(fx->log, 10);
    assert_int_equal(deliver_some(fx->log, "x", 5), 1);
    assert_int_equal(flume_subscription_forget(fx->log, "x"), FLUME_OK);
    assert_int_equal(flume_subscription_remembered(fx->log, "x", &seq), FLUME_ERR_NOT_FOUND);
    assert_int_equal(deliver_some(fx->log, "x", 5), 1);
}

static void names_are_1_to_64_harmless_characters(void **state)
{
    static const char *const wrong[] = {"", ".", "..", ".hidden", "a/b", "../x", "a b", "a\n", "ä"};
    struct log_fixture *fx = *state;
    char name[FLUME_SUBSCRIPTION_NAME_BYTES_MAX + 2];
    uint64_t seq;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(subscribe_status(fx->log, wrong[i]), FLUME_ERR_INVALID);
        assert_int_equal(flume_subscription_remembered(fx->log, wrong[i], &seq), FLUME_ERR_INVALID);
        assert_int_equal(flume_subscription_forget(fx->log, wrong[i]), FLUME_ERR_INVALID);
    }
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(subscribe_status(fx->log, name), FLUME_ERR_INVALID);
    name[sizeof name - 2] = '\0';
    assert_int_equal(subscribe_status(fx->log, name), FLUME_OK);
    assert_int_equal(subscribe_status(fx->log, "Az09._-"), FLUME_OK);
}

/* Ending it while records flow must not leave one out: what was not delivered comes again. */
static void unsubscribing_while_records_flow_leaves_none_out(void **state)
{
    struct log_fixture *fx = *state;
    flume_subscribe_options options = named("flow");
    uint64_t next = 1;

    for (unsigned round = 0; round < 400; round++) {
        struct collector *collector = collector_create();
        flume_subscription *subscription = subscribe(fx->log, &options, collector);

        for (unsigned i = 0; i < 20 + round % 50; i++)
            (void)append_text(fx->log, "x");
        if (round % 8 == 7) {
            close_log(fx);
            open_log(fx);
        } else {
            flume_unsubscribe(subscription);
        }
        for (size_t i = 0; i < collector->count; i++) {
            flume_record record;

            for (; next < collector->seqs[i]; next++) { /* Manifests may lie in between. */
                assert_int_equal(flume_log_get(fx->log, next, &record), FLUME_OK);
                if (record.kind != FLUME_KIND_MANIFEST)
                    fail_msg("round %u: seq %d was never delivered", round, (int)next);
                flume_record_release(&record);
            }
            if (collector->seqs[i] == next)
                next++;
        }
        collector_destroy(collector);
    }
}

/* Holds a subscription's thread where it opens a strata, until somebody cancels. */
struct held_open {
    flume_io io;
    pthread_t subscriber;
    _Atomic uint32_t armed, reached, cancelled;
    flume_subscription *subscription;
    _Atomic uint64_t position; /* As the subscription told it when it saved. */
};

static void await_word(const _Atomic uint32_t *word)
{
    while (atomic_load(word) == 0)
        (void)usleep(100);
}

static int hold_open(void *ctx, const char *path, unsigned flags)
{
    struct held_open *held = ctx;

    if (strstr(path, ".strata") != NULL && atomic_exchange(&held->armed, 0) != 0) {
        held->subscriber = pthread_self();
        atomic_store(&held->reached, 1);
        await_word(&held->cancelled);
    }
    return flume_io_posix()->open(flume_io_posix()->ctx, path, flags);
}

static int64_t look_at_save(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    struct held_open *held = ctx;

    if (atomic_load(&held->cancelled) != 0 && pthread_equal(pthread_self(), held->subscriber) != 0)
        atomic_store(&held->position, flume_subscription_position(held->subscription));
    return flume_io_posix()->pwrite(flume_io_posix()->ctx, file, source, bytes, offset);
}

static void wake_and_note(void *ctx, const uint32_t *word)
{
    struct held_open *held = ctx;

    if (atomic_load(&held->reached) != 0)
        atomic_store(&held->cancelled,
                     1); /* Nothing else wakes: whoever unsubscribes is past it. */
    flume_io_posix()->wake(flume_io_posix()->ctx, word);
}

static void a_record_that_is_withheld_does_not_count_as_delivered(void **state)
{
    struct log_fixture *fx = *state;
    struct held_open held = {.io = *flume_io_posix()};
    struct collector *collector = collector_create();
    flume_subscribe_options options = named("withheld");
    flume_log *other;
    uint64_t withheld;

    (void)append_bytes(fx->log, 40000, 1);
    withheld = append_bytes(fx->log, 1 << 20, 2); /* In the second strata. */
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    held.io.ctx = &held;
    held.io.open = hold_open;
    held.io.pwrite = look_at_save;
    held.io.wake = wake_and_note;
    fx->options.io = &held.io;
    fx->options.profile = FLUME_PROFILE_FORGETFUL; /* Its own threads open nothing. */
    other = open_other(fx, 0);
    expect_bytes(other, 1, 40000, 1); /* Only the second strata is still to be opened. */
    options.cursor = (flume_cursor_options){.bounds = FLUME_GTE, .gte = withheld};
    atomic_store(&held.armed, 1);
    held.subscription = subscribe(other, &options, collector);
    await_word(&held.reached);
    flume_unsubscribe(held.subscription);
    assert_int_equal(collector->count, 0);
    assert_int_equal(atomic_load(&held.position), withheld);
    expect_remembered(other, "withheld", withheld);
    close_handle(other);
    collector_destroy(collector);
}

/* A clock of which a second passes with every look. */
struct hurry {
    struct faultio fault;
    _Atomic uint64_t looks;
};

static uint64_t hurrying_ns(void *ctx)
{
    struct hurry *hurry = (struct hurry *)((uint8_t *)ctx - offsetof(struct hurry, fault));

    return flume_io_posix()->monotonic_ns(flume_io_posix()->ctx) +
           atomic_fetch_add(&hurry->looks, 1) * SECOND_NS;
}

/* The disk fails from the first record on. */
static int fail_saving(struct collector *collector, const flume_record *record)
{
    (void)record;
    faultio_plan(collector->also_ctx,
                 (struct fault_plan){
                     .call = FAULT_PWRITE, .nth = 1, .result = -EIO, .duration = FAULT_LASTING});
    return 0;
}

static void a_position_that_cannot_be_saved_on_the_way_ends_the_subscription(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscribe_options options = named("unsaved");
    flume_subscription *subscription;
    struct hurry hurry = {.looks = 0};
    struct faultio *fault = &hurry.fault;

    faultio_init(fault, flume_io_posix());
    fault->table.monotonic_ns = hurrying_ns;
    fx->options.io = &fault->table;
    fx->options.profile = FLUME_PROFILE_FORGETFUL; /* Its own threads write nothing. */
    close_log(fx);
    open_log(fx);
    for (unsigned i = 0; i < 5; i++)
        (void)append_text(fx->log, "one of five");
    collector->also = fail_saving;
    collector->also_ctx = fault;
    subscription = subscribe(fx->log, &options, collector);
    wait_for_end(collector, FLUME_ERR_IO);
    assert_int_equal(collector->count, 1);
    assert_non_null(strstr(collector->end_error.message, "write"));
    assert_true(faultio_heal(fault) > 0);
    flume_unsubscribe(subscription);
    collector->also = NULL;
    collector->count = 0;
    subscription = subscribe(fx->log, &options, collector); /* From where it was: at least once. */
    wait_for_count(collector, 5);
    flume_unsubscribe(subscription);
    close_log(fx);
    assert_int_equal(fault->open_files, 0);
    faultio_deinit(fault);
    collector_destroy(collector);
    fx->options.io = NULL;
}

/* A process that dies tells nobody: what it had seen since the last save comes again. */
static void delivery_is_at_least_once_when_the_process_dies(void **state)
{
    struct log_fixture *fx = *state;
    struct collector *collector = collector_create();
    flume_subscribe_options options = named("dying");
    flume_subscription *subscription;
    const char *copy;
    flume_log *log = NULL;

    (void)append_numbered(fx->log, 100);
    subscription = subscribe(fx->log, &options, collector);
    wait_for_count(collector, 100);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    copy = copy_after_power_cut(fx, "copy.flume"); /* At any moment of its saving. */
    assert_int_equal(flume_log_open(&log, copy, &fx->options, NULL), FLUME_OK);
    (void)append_numbered(log, 5);
    assert_true(deliver_some(log, "dying", 3) <= 102); /* 101 is the new writer's manifest. */
    close_handle(log);
    flume_unsubscribe(subscription);
    collector_destroy(collector);
}

/* --- After a power cut that took records back --- */

/* A basin whose log ends at seq 10 again, though "seen" had seen up to 20. */
static void rewind_basin(struct log_fixture *fx)
{
    char early[sizeof fx->text];

    (void)append_numbered(fx->log, 10);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    (void)snprintf(early, sizeof early, "%s", copy_after_power_cut(fx, "early.flume"));
    (void)append_numbered(fx->log, 10);
    (void)deliver_some(fx->log, "seen", 20);
    close_log(fx);
    run_command("cp '%s/subs/seen' '%s/subs/' && rm -rf '%s' && mv '%s' '%s'", fx->path, early,
                fx->path, early, fx->path);
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), 11);
}

static void a_position_that_a_power_cut_took_back_is_told(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seq = 99;

    rewind_basin(fx);
    assert_int_equal(subscribe_status(fx->log, "seen"), FLUME_ERR_REWOUND);
    expect_error(fx->log, FLUME_ERR_REWOUND, "seen");
    assert_int_equal(flume_subscription_remembered(fx->log, "seen", &seq), FLUME_ERR_REWOUND);
    assert_int_equal(seq, 99);
    assert_int_equal(flume_subscription_forget(fx->log, "seen"), FLUME_OK);
    assert_int_equal(deliver_some(fx->log, "seen", 3), 1);
}

static void also_when_the_cut_seqs_were_given_again(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seq;

    rewind_basin(fx);
    (void)append_numbered(fx->log, 30); /* Other records have these seqs now. */
    assert_int_equal(subscribe_status(fx->log, "seen"), FLUME_ERR_REWOUND);
    assert_int_equal(flume_subscription_remembered(fx->log, "seen", &seq), FLUME_ERR_REWOUND);
}

static void a_damaged_position_file_is_not_believed(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t seq;

    (void)append_numbered(fx->log, 10);
    (void)deliver_some(fx->log, "x", 5);
    zero_file(fixture_path(fx, "basin.flume/subs/x"), 16, 1);
    zero_file(fixture_path(fx, "basin.flume/subs/x"), 64 + 16, 1);
    assert_int_equal(flume_subscription_remembered(fx->log, "x", &seq), FLUME_ERR_NOT_FOUND);
    assert_int_equal(deliver_some(fx->log, "x", 5), 1); /* Delivered again, nothing left out. */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        log_test(it_goes_on_where_the_last_one_ended_also_after_reopening),
        log_test(the_lower_bound_counts_only_the_first_time),
        log_test(what_filters_pass_over_is_remembered_too),
        log_test(a_name_is_one_subscription_at_a_time),
        log_test(a_forgotten_name_begins_anew),
        log_test(names_are_1_to_64_harmless_characters),
        log_test(unsubscribing_while_records_flow_leaves_none_out),
        log_test(a_record_that_is_withheld_does_not_count_as_delivered),
        log_test(a_position_that_cannot_be_saved_on_the_way_ends_the_subscription),
        log_test(delivery_is_at_least_once_when_the_process_dies),
        log_test(a_position_that_a_power_cut_took_back_is_told),
        log_test(also_when_the_cut_seqs_were_given_again),
        log_test(a_damaged_position_file_is_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
