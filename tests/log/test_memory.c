/*
 * test_memory.c - memory through an allocator.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

static void the_default_allocator_gives_resizes_and_takes(void **state)
{
    const flume_allocator *allocator = memory_default();
    char *memory = memory_allocate(allocator, 4);

    (void)state;
    assert_non_null(memory);
    memcpy(memory, "abc", 4);
    memory = memory_resize(allocator, memory, 1 << 20);
    assert_non_null(memory);
    assert_string_equal(memory, "abc");
    memory_release(allocator, memory);
    memory_release(allocator, NULL);
}

static void resize_of_nothing_allocates(void **state)
{
    char *memory = memory_resize(memory_default(), NULL, 8);

    (void)state;
    assert_non_null(memory);
    memory_release(memory_default(), memory);
}

static void zeroed_memory_is_zero(void **state)
{
    static const uint8_t zeros[3 * 100];
    void *memory = memory_allocate_zeroed(memory_default(), 3, 100);

    (void)state;
    assert_non_null(memory);
    assert_memory_equal(memory, zeros, sizeof zeros);
    memory_release(memory_default(), memory);
}

static void a_product_that_does_not_fit_is_no_memory(void **state)
{
    (void)state;
    assert_null(memory_allocate_zeroed(memory_default(), SIZE_MAX / 2, 3));
    assert_null(memory_allocate_zeroed(memory_default(), 3, SIZE_MAX / 2));
}

static void large_memory_keeps_its_bytes_when_it_grows(void **state)
{
    const flume_allocator *allocator = memory_default();
    char *memory = memory_large_resize(allocator, NULL, 0, 100);

    (void)state;
    assert_non_null(memory);
    memcpy(memory, "abc", 4);
    memory = memory_large_resize(allocator, memory, 100, 8 << 20);
    assert_non_null(memory);
    assert_string_equal(memory, "abc");
    memory_large_release(allocator, memory, 8 << 20);
    memory_large_release(allocator, NULL, 8 << 20);
}

static void more_than_there_can_be_of_large_memory_is_none(void **state)
{
    const flume_allocator *allocator = memory_default();
    char *memory = memory_large_allocate(allocator, 100);

    (void)state;
    assert_non_null(memory);
    if ((uintptr_t)memory % (size_t)sysconf(_SC_PAGESIZE) != 0) {
        memory_large_release(allocator, memory, 100);
        skip(); /* The address sanitizer's, which ends the program where so much is asked for. */
    }
    memcpy(memory, "abc", 4);
    assert_null(memory_large_allocate(allocator, SIZE_MAX / 4));
    assert_null(memory_large_resize(allocator, memory, 100, SIZE_MAX / 4));
    assert_string_equal(memory, "abc"); /* As it was. */
    memory_large_release(allocator, memory, 100);
}

/* What an allocator keeps of it counts as this process's; what is mapped does not once it is
 * released. */
static void large_memory_goes_back_to_the_system(void **state)
{
    const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory = memory_large_allocate(memory_default(), 64 * page_bytes);
    unsigned char resident;

    (void)state;
    assert_non_null(memory);
    memset(memory, 1, 64 * page_bytes);
    if ((uintptr_t)memory % page_bytes != 0) {
        memory_large_release(memory_default(), memory, 64 * page_bytes);
        skip(); /* The address sanitizer's. */
    }
    assert_int_equal(mincore(memory + 63 * page_bytes, page_bytes, &resident), 0);
    memory_large_release(memory_default(), memory, 64 * page_bytes);
    assert_int_equal(mincore(memory + 63 * page_bytes, page_bytes, &resident), -1);
    assert_int_equal(errno, ENOMEM);
}

static void *refuse(void *ctx, size_t bytes)
{
    (void)bytes;
    ++*(unsigned *)ctx;
    return NULL;
}

static void a_given_allocator_is_asked_and_may_refuse(void **state)
{
    unsigned asked = 0;
    flume_allocator allocator = {.allocate = refuse, .ctx = &asked};

    (void)state;
    assert_null(memory_allocate(&allocator, 1));
    assert_null(memory_allocate_zeroed(&allocator, 1, 1));
    assert_int_equal(asked, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_allocator_gives_resizes_and_takes),
        cmocka_unit_test(resize_of_nothing_allocates),
        cmocka_unit_test(zeroed_memory_is_zero),
        cmocka_unit_test(large_memory_keeps_its_bytes_when_it_grows),
        cmocka_unit_test(more_than_there_can_be_of_large_memory_is_none),
        cmocka_unit_test(large_memory_goes_back_to_the_system),
        cmocka_unit_test(a_product_that_does_not_fit_is_no_memory),
        cmocka_unit_test(a_given_allocator_is_asked_and_may_refuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
