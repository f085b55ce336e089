/*
 * test_wake.c - whoever waits is woken, and not merely found by the next look.
 *
 * Every wait looks again after 100 ms, so a missing wake only costs time; here the calls are
 * counted.
 */
#include "log_fixture.h"

#include <stdatomic.h>
#include <unistd.h>

enum { SETTLE_US = 300000 };

/* The POSIX table, counting wakes. */
struct counted {
    flume_io io;
    _Atomic unsigned wakes;
};

static void count_wake(void *ctx, const uint32_t *word)
{
    struct counted *counted = ctx;

    (void)atomic_fetch_add(&counted->wakes, 1);
    flume_io_posix()->wake(flume_io_posix()->ctx, word);
}

static int take(void *ctx, const flume_record *record)
{
    (void)ctx;
    (void)record;
    return 0;
}

/* A log whose own threads are at rest, so that every wake counted is the test's. */
static void open_counted(struct log_fixture *fx, struct counted *counted)
{
    *counted = (struct counted){.io = *flume_io_posix()};
    counted->io.ctx = counted;
    counted->io.wake = count_wake;
    fx->options.io = &counted->io;
    fx->options.profile = FLUME_PROFILE_FORGETFUL; /* Its syncer does not wait for records. */
    open_log(fx);
    (void)append_text(fx->log, "the strata is made, and all threads come to rest");
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    (void)usleep(SETTLE_US);
}

static void an_append_wakes_who_waits_and_only_then(void **state)
{
    struct log_fixture *fx = *state;
    struct counted counted;
    flume_subscription *subscription = NULL;
    unsigned before;

    open_counted(fx, &counted);
    before = atomic_load(&counted.wakes);
    (void)append_text(fx->log, "nobody waits");
    assert_int_equal(atomic_load(&counted.wakes), before);
    assert_int_equal(flume_subscribe(fx->log, NULL, take, NULL, &subscription), FLUME_OK);
    (void)usleep(SETTLE_US); /* It has read everything, lingered, and sleeps. */
    before = atomic_load(&counted.wakes);
    (void)append_text(fx->log, "one waits");
    assert_int_equal(atomic_load(&counted.wakes), before + 1);
    flume_unsubscribe(subscription);
    close_log(fx);
}

static void a_sync_wakes_who_waits_for_durable_records_and_only_then(void **state)
{
    struct log_fixture *fx = *state;
    struct counted counted;
    flume_subscribe_options options = {.cursor = {.flags = FLUME_CURSOR_DURABLE}};
    flume_subscription *subscription = NULL;
    unsigned before;

    open_counted(fx, &counted);
    (void)append_text(fx->log, "nobody waits");
    before = atomic_load(&counted.wakes);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(atomic_load(&counted.wakes), before);
    assert_int_equal(flume_subscribe(fx->log, &options, take, NULL, &subscription), FLUME_OK);
    (void)usleep(SETTLE_US); /* It has read everything, lingered, and sleeps. */
    (void)append_text(fx->log, "one waits, but not for this");
    assert_int_equal(atomic_load(&counted.wakes), before);
    assert_int_equal(flume_log_sync(fx->log, FLUME_SEQ_NONE), FLUME_OK);
    assert_int_equal(atomic_load(&counted.wakes), before + 1);
    flume_unsubscribe(subscription);
    close_log(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        closed_log_test(an_append_wakes_who_waits_and_only_then),
        closed_log_test(a_sync_wakes_who_waits_for_durable_records_and_only_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
