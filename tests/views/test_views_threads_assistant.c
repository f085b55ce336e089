/*
 * test_views_threads_assistant.c - a second thread does its caller's jobs, all of them and in
 * order.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assistant.h"

enum { MANY = 5000 };

/* What jobs leave behind. Not atomic: whoever does one, they are done one at a time. */
struct trace {
    size_t count;
    size_t order[MANY];
    sem_t begun, released;
    _Atomic bool passed;
};

static void note(void *ctx, const void *data, size_t bytes)
{
    struct trace *trace = ctx;

    assert_ptr_equal(data, trace);
    trace->order[trace->count++] = bytes;
}

/* Note it, but only once somebody lets it. */
static void note_late(void *ctx, const void *data, size_t bytes)
{
    struct trace *trace = ctx;

    assert_int_equal(sem_post(&trace->begun), 0);
    assert_int_equal(sem_wait(&trace->released), 0);
    atomic_store(&trace->passed, true);
    note(ctx, data, bytes);
}

static void give(struct assistant *assistant, struct trace *trace, size_t number)
{
    const struct assistant_job job = {note, trace, trace, number};

    assistant_give(assistant, &job);
}

static void give_late(struct assistant *assistant, struct trace *trace, size_t number)
{
    const struct assistant_job job = {note_late, trace, trace, number};

    assistant_give(assistant, &job);
    assert_int_equal(sem_wait(&trace->begun), 0); /* The thread has it. */
}

static struct trace *trace_create(void)
{
    struct trace *trace = calloc(1, sizeof *trace);

    assert_non_null(trace);
    assert_int_equal(sem_init(&trace->begun, 0, 0), 0);
    assert_int_equal(sem_init(&trace->released, 0, 0), 0);
    return trace;
}

static void expect_order(const struct trace *trace, size_t count)
{
    assert_int_equal(trace->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(trace->order[i], i);
}

static void *release_after_a_while(void *ctx)
{
    struct trace *trace = ctx;

    for (unsigned i = 0; i < 2000; i++)
        (void)sched_yield();
    assert_int_equal(sem_post(&trace->released), 0);
    return NULL;
}

static void jobs_are_done_in_their_order(void **state)
{
    struct trace *trace = trace_create();
    struct assistant *assistant = assistant_create(ASSISTANT_THREAD, "fl:test");

    (void)state;
    assert_non_null(assistant);
    for (size_t i = 0; i < MANY; i++) {
        give(assistant, trace, i);
        if (i % 97 == 0) {
            assistant_settle(assistant);
            assert_int_equal(trace->count, i + 1);
        }
    }
    assert_true(assistant_has_thread(assistant));
    assistant_settle(assistant);
    expect_order(trace, MANY);
    assistant_destroy(assistant);
    free(trace);
}

static void settling_waits_for_the_job_under_way(void **state)
{
    struct trace *trace = trace_create();
    struct assistant *assistant = assistant_create(ASSISTANT_THREAD, "fl:test");
    pthread_t releaser;

    (void)state;
    give_late(assistant, trace, 0);
    assert_int_equal(pthread_create(&releaser, NULL, release_after_a_while, trace), 0);
    assistant_settle(assistant);
    assert_true(atomic_load(&trace->passed));
    expect_order(trace, 1);
    assert_int_equal(pthread_join(releaser, NULL), 0);
    assistant_destroy(assistant);
    free(trace);
}

/* The first holds the thread up until more were given than the ring has room for. */
static void a_full_ring_loses_nothing(void **state)
{
    struct trace *trace = trace_create();
    struct assistant *assistant = assistant_create(ASSISTANT_THREAD, "fl:test");
    pthread_t releaser;
    size_t given = 0;

    (void)state;
    give_late(assistant, trace, given++);
    while (given <= ASSISTANT_JOBS_MAX)
        give(assistant, trace, given++);
    assert_false(atomic_load(&trace->passed));
    assert_int_equal(pthread_create(&releaser, NULL, release_after_a_while, trace), 0);
    while (given < 3 * ASSISTANT_JOBS_MAX)
        give(assistant, trace, given++);
    assistant_settle(assistant);
    expect_order(trace, given);
    assert_int_equal(pthread_join(releaser, NULL), 0);
    assistant_destroy(assistant);
    free(trace);
}

static void ending_waits_for_the_job_under_way_and_drops_the_rest(void **state)
{
    struct trace *trace = trace_create();
    struct assistant *assistant = assistant_create(ASSISTANT_THREAD, "fl:test");
    pthread_t releaser;

    (void)state;
    give_late(assistant, trace, 0);
    give(assistant, trace, 1);
    give(assistant, trace, 2);
    assert_int_equal(pthread_create(&releaser, NULL, release_after_a_while, trace), 0);
    assistant_destroy(assistant);
    assert_true(atomic_load(&trace->passed));
    assert_in_range(trace->count, 1, 3); /* Those behind it, if it was let go before. */
    expect_order(trace, trace->count);
    assert_int_equal(pthread_join(releaser, NULL), 0);
    free(trace);
}

static void without_a_thread_a_job_is_done_at_once(void **state)
{
    struct trace *trace = trace_create();
    struct assistant *assistant = assistant_create(ASSISTANT_NO_THREAD, "fl:test");

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        give(assistant, trace, i);
        assert_int_equal(trace->count, i + 1);
    }
    assert_false(assistant_has_thread(assistant));
    assistant_settle(assistant);
    expect_order(trace, 10);
    assistant_abandon(assistant); /* What has no thread is freed like this, too. */
    assistant_destroy(NULL);
    assistant_abandon(NULL);
    free(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_are_done_in_their_order),
        cmocka_unit_test(settling_waits_for_the_job_under_way),
        cmocka_unit_test(a_full_ring_loses_nothing),
        cmocka_unit_test(ending_waits_for_the_job_under_way_and_drops_the_rest),
        cmocka_unit_test(without_a_thread_a_job_is_done_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
