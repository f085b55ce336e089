/*
 * test_io_time.c - what the io table promises (flume/io.h) of time, chance and waiting, for both
 * tables.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io_fixture.h"

static void wall_time_is_the_system_s(void **state)
{
    struct fixture *fx = *state;
    uint64_t before_s = (uint64_t)time(NULL);
    uint64_t wall_s = fx->io->wall_ns(fx->io->ctx) / 1000000000;

    assert_in_range(wall_s, before_s, before_s + 10);
}

static void monotonic_time_passes_while_sleeping(void **state)
{
    struct fixture *fx = *state;
    uint64_t before_ns = fx->io->monotonic_ns(fx->io->ctx);

    fx->io->sleep(fx->io->ctx, 5 * MS);
    assert_true(fx->io->monotonic_ns(fx->io->ctx) >= before_ns + 5 * MS);
}

static void random_bytes_differ(void **state)
{
    struct fixture *fx = *state;
    uint8_t one[1024] = {0};
    uint8_t two[1024] = {0};

    assert_int_equal(fx->io->random(fx->io->ctx, one, sizeof one), 0);
    assert_int_equal(fx->io->random(fx->io->ctx, two, sizeof two), 0);
    assert_memory_not_equal(one, two, sizeof one);
    assert_memory_not_equal(one + 512, two + 512, 512);
}

static void the_boot_id_stays(void **state)
{
    struct fixture *fx = *state;
    static const uint8_t zeros[16];
    uint8_t one[16], two[16];

    assert_int_equal(fx->io->boot_id(fx->io->ctx, one), 0);
    assert_int_equal(fx->io->boot_id(fx->io->ctx, two), 0);
    assert_memory_equal(one, two, sizeof one);
    assert_memory_not_equal(one, zeros, sizeof one);
}

static void wait_returns_when_its_time_is_up(void **state)
{
    struct fixture *fx = *state;
    uint32_t word = 7;
    uint64_t before_ns = fx->io->monotonic_ns(fx->io->ctx);

    fx->io->wait(fx->io->ctx, &word, 7, 20 * MS);
    assert_true(fx->io->monotonic_ns(fx->io->ctx) >= before_ns + 15 * MS);
}

static void wait_does_not_wait_on_a_word_that_has_changed(void **state)
{
    struct fixture *fx = *state;
    uint32_t word = 8;

    fx->io->wait(fx->io->ctx, &word, 7, UINT64_MAX);
}

struct waker {
    const flume_io *io;
    uint32_t *word;
};

static void *wake_soon(void *ctx)
{
    struct waker *waker = ctx;

    waker->io->sleep(waker->io->ctx, 10 * MS);
    __atomic_store_n(waker->word, 1, __ATOMIC_SEQ_CST);
    waker->io->wake(waker->io->ctx, waker->word);
    return NULL;
}

static void wait_ends_when_another_thread_wakes(void **state)
{
    struct fixture *fx = *state;
    uint32_t word = 0;
    struct waker waker = {.io = fx->io, .word = &word};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, wake_soon, &waker), 0);
    while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0)
        fx->io->wait(fx->io->ctx, &word, 0, UINT64_MAX);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void wait_ends_when_another_process_wakes_through_its_own_mapping(void **state)
{
    struct fixture *fx = *state;
    int file = must_create(fx, "a");
    uint32_t *readable, *writable;
    pid_t child;

    assert_int_equal(fx->io->allocate(fx->io->ctx, file, PAGE), 0);
    readable = (uint32_t *)(void *)map_file(fx, file, PAGE, false);
    writable = (uint32_t *)(void *)map_file(fx, file, PAGE, true);
    child = fork();
    if (child == 0) {
        struct waker waker = {.io = fx->io, .word = writable};

        (void)wake_soon(&waker);
        _exit(0);
    }
    assert_true(child > 0);
    while (__atomic_load_n(readable, __ATOMIC_SEQ_CST) == 0)
        fx->io->wait(fx->io->ctx, readable, 0, UINT64_MAX);
    assert_int_equal(waitpid(child, NULL, 0), child);
    fx->io->unmap(fx->io->ctx, writable, PAGE);
    fx->io->unmap(fx->io->ctx, readable, PAGE);
    close_file(fx, file);
}

int main(void)
{
    static const struct CMUnitTest both[] = {
        cmocka_unit_test(wall_time_is_the_system_s),
        cmocka_unit_test(monotonic_time_passes_while_sleeping),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(the_boot_id_stays),
        cmocka_unit_test(wait_returns_when_its_time_is_up),
        cmocka_unit_test(wait_does_not_wait_on_a_word_that_has_changed),
        cmocka_unit_test(wait_ends_when_another_thread_wakes),
        cmocka_unit_test(wait_ends_when_another_process_wakes_through_its_own_mapping),
    };
    int failures = run_on_both(both, sizeof both / sizeof both[0]);

    return failures;
}
