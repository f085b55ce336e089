/*
 * test_io_memory.c - what only the table in memory promises: allocators, descriptors, life time.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io_fixture.h"

/* An allocator that counts, and refuses one call. */
struct counter {
    size_t calls;
    size_t fail_at; /* The call to refuse, from 1. 0: none. */
    size_t alive;   /* Pieces of memory not released. */
};

static bool refuses(struct counter *counter)
{
    counter->calls++;
    return counter->calls == counter->fail_at;
}

static void *counted_allocate(void *ctx, size_t bytes)
{
    struct counter *counter = ctx;

    if (refuses(counter))
        return NULL;
    counter->alive++;
    return malloc(bytes);
}

static void *counted_resize(void *ctx, void *memory, size_t bytes)
{
    struct counter *counter = ctx;

    if (refuses(counter))
        return NULL;
    if (memory == NULL)
        counter->alive++;
    return realloc(memory, bytes);
}

static void counted_release(void *ctx, void *memory)
{
    struct counter *counter = ctx;

    if (memory != NULL)
        counter->alive--;
    free(memory);
}

static flume_allocator counted(struct counter *counter)
{
    return (flume_allocator){counted_allocate, counted_resize, counted_release, counter};
}

static size_t descriptor_count(void)
{
    struct listing listing = {.count = 0};
    const flume_io *posix = flume_io_posix();

    assert_int_equal(posix->list(posix->ctx, "/proc/self/fd", take_name, &listing), 0);
    return listing.count;
}

/* Names enough that the table must grow, a rename, an unlink. 0 or the first error. */
static int work(const flume_io *io)
{
    int result = io->make_directory(io->ctx, "d");
    char path[16];

    for (unsigned i = 0; i < 20 && result == 0; i++) {
        (void)snprintf(path, sizeof path, "d/%u", i);
        result = io->open(io->ctx, path, FLUME_IO_WRITE | FLUME_IO_CREATE);
        if (result >= 0) {
            io->close(io->ctx, result);
            result = 0;
        }
    }
    if (result == 0)
        result = io->rename(io->ctx, "d/1", "d/x");
    if (result == 0)
        result = io->unlink(io->ctx, "d/2");
    return result;
}

/* create, work, destroy with one allocation refused. false: there are fewer allocations. */
static bool survives_without_allocation(size_t fail_at)
{
    struct counter counter = {.fail_at = fail_at};
    flume_allocator allocator = counted(&counter);
    size_t descriptors = descriptor_count();
    flume_io io = {.ctx = NULL};
    int result = io_memory_create(&allocator, &io);

    if (result == FLUME_OK)
        result = work(&io) == 0 ? FLUME_OK : FLUME_ERR_NO_MEMORY;
    else
        assert_null(io.ctx); /* Untouched on error. */
    io_memory_destroy(&io);
    assert_int_equal(counter.alive, 0);
    assert_int_equal(descriptor_count(), descriptors);
    assert_int_equal(result, counter.calls >= fail_at ? FLUME_ERR_NO_MEMORY : FLUME_OK);
    return counter.calls >= fail_at;
}

static void every_refused_allocation_is_reported_and_leaks_nothing(void **state)
{
    size_t fail_at = 1;

    (void)state;
    while (survives_without_allocation(fail_at))
        fail_at++;
    assert_true(fail_at > 22); /* The table, a path each, the array. */
}

static void a_refused_allocation_changes_nothing(void **state)
{
    struct counter counter = {.fail_at = 0};
    flume_allocator allocator = counted(&counter);
    struct listing listing = {.count = 0};
    flume_io io;
    int file;

    (void)state;
    assert_int_equal(io_memory_create(&allocator, &io), FLUME_OK);
    assert_int_equal(work(&io), 0);
    counter.fail_at = counter.calls + 1;
    assert_int_equal(io.open(io.ctx, "d/new", FLUME_IO_WRITE | FLUME_IO_CREATE), -ENOMEM);
    counter.fail_at = counter.calls + 1;
    assert_int_equal(io.make_directory(io.ctx, "d/new"), -ENOMEM);
    counter.fail_at = counter.calls + 1;
    assert_int_equal(io.rename(io.ctx, "d/3", "d/4"), -ENOMEM);
    assert_int_equal(io.list(io.ctx, "d", take_name, &listing), 0);
    assert_int_equal(listing.count, 19);
    file = io.open(io.ctx, "d/new", FLUME_IO_WRITE | FLUME_IO_CREATE);
    assert_true(file >= 0);
    io.close(io.ctx, file);
    io_memory_destroy(&io);
}

/* Leave so many descriptors free; returns what was allowed before. */
static struct rlimit leave_descriptors(unsigned count)
{
    struct rlimit before, now;
    int next = open(".", O_RDONLY | O_CLOEXEC);

    assert_true(next >= 0);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    now = before;
    now.rlim_cur = (rlim_t)next + count;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    return before;
}

static void without_descriptors_no_name_is_made(void **state)
{
    struct fixture *fx = *state;

    /* One is for the name, one for the caller. */
    for (unsigned count = 0; count < 3; count++) {
        struct rlimit before = leave_descriptors(count);
        int file = try_open(fx, "a", FLUME_IO_WRITE | FLUME_IO_CREATE);

        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (count < 2) {
            assert_int_equal(file, -EMFILE);
            assert_int_equal(try_open(fx, "a", FLUME_IO_READ), -ENOENT);
        } else {
            assert_true(file >= 0);
            close_file(fx, file);
        }
    }
}

static void two_tables_never_meet(void **state)
{
    struct fixture *fx = *state;
    flume_io other;

    make_file(fx, "a", "text");
    assert_int_equal(io_memory_create(NULL, &other), FLUME_OK);
    assert_int_equal(other.open(other.ctx, at(fx, "a"), FLUME_IO_READ), -ENOENT);
    io_memory_destroy(&other);
    expect_file(fx, "a", "text");
}

static void nothing_shows_in_the_file_system(void **state)
{
    struct fixture *fx = *state;

    make_file(fx, "a", "text");
    assert_int_equal(access(fx->root, F_OK), -1);
}

static void a_path_without_a_slash_needs_no_directory(void **state)
{
    struct fixture *fx = *state;
    int file = fx->io->open(fx->io->ctx, "alone", FLUME_IO_WRITE | FLUME_IO_CREATE);
    int below_root = fx->io->open(fx->io->ctx, "/alone", FLUME_IO_WRITE | FLUME_IO_CREATE);

    assert_true(file >= 0);
    assert_true(below_root >= 0);
    assert_int_not_equal(stat_of(fx, file).inode, stat_of(fx, below_root).inode);
    close_file(fx, below_root);
    close_file(fx, file);
}

static void open_files_and_mappings_outlive_the_table(void **state)
{
    struct fixture *fx = *state;
    const flume_io *posix = flume_io_posix();
    uint8_t *data;
    int file;

    make_file(fx, "a", "text");
    file = must_open(fx, "a", FLUME_IO_WRITE);
    assert_int_equal(fx->io->allocate(fx->io->ctx, file, PAGE), 0);
    data = map_file(fx, file, PAGE, true);
    io_memory_destroy(&fx->memory);
    memcpy(data, "next", 4);
    assert_int_equal(posix->pwrite(posix->ctx, file, "!", 1, 4), 1);
    assert_memory_equal(data, "next!", 5);
    posix->unmap(posix->ctx, data, PAGE);
    posix->close(posix->ctx, file);
}

static void destroy_closes_what_names_held(void **state)
{
    size_t descriptors = descriptor_count();
    flume_io io;

    (void)state;
    assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
    assert_int_equal(work(&io), 0);
    assert_true(descriptor_count() > descriptors);
    io_memory_destroy(&io);
    assert_int_equal(descriptor_count(), descriptors);
    assert_null(io.ctx);
}

static void destroying_nothing_is_harmless(void **state)
{
    flume_io io = {.ctx = NULL};

    (void)state;
    io_memory_destroy(NULL);
    io_memory_destroy(&io);
}

static void there_is_no_way_past_the_page_cache(void **state)
{
    make_file(*state, "a", "text");
    assert_int_equal(try_open(*state, "a", FLUME_IO_READ | FLUME_IO_DIRECT), -EINVAL);
}

static void its_file_system_can_be_mapped(void **state)
{
    struct fixture *fx = *state;

    assert_int_equal(fx->io->file_system(fx->io->ctx, fx->root), FLUME_IO_FS_MAPPED);
}

static void a_directory_is_neither_opened_nor_renamed(void **state)
{
    assert_int_equal(make_directory(*state, "d"), 0);
    assert_int_equal(try_open(*state, "d", FLUME_IO_READ), -EISDIR);
    assert_int_equal(rename_file(*state, "d", "e"), -EOPNOTSUPP);
    assert_int_equal(make_directory(*state, "d"), -EEXIST);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refused_allocation_is_reported_and_leaks_nothing),
        cmocka_unit_test(a_refused_allocation_changes_nothing),
        cmocka_unit_test(without_descriptors_no_name_is_made),
        cmocka_unit_test(two_tables_never_meet),
        cmocka_unit_test(nothing_shows_in_the_file_system),
        cmocka_unit_test(a_path_without_a_slash_needs_no_directory),
        cmocka_unit_test(open_files_and_mappings_outlive_the_table),
        cmocka_unit_test(destroy_closes_what_names_held),
        cmocka_unit_test(destroying_nothing_is_harmless),
        cmocka_unit_test(there_is_no_way_past_the_page_cache),
        cmocka_unit_test(its_file_system_can_be_mapped),
        cmocka_unit_test(a_directory_is_neither_opened_nor_renamed),
    };

    return run_with("memory alone", tests, sizeof tests / sizeof tests[0], setup_memory);
}
