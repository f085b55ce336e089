/*
 * test_io.c - what the io table promises (flume/io.h) of files and locks, for both tables.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "io_fixture.h"

/* --- Files -------------------------------------------------------------------------------------*/

static void a_missing_file_is_not_found(void **state)
{
    assert_int_equal(try_open(*state, "absent", FLUME_IO_READ), -ENOENT);
    assert_int_equal(try_open(*state, "absent", FLUME_IO_WRITE), -ENOENT);
}

static void create_makes_an_empty_file(void **state)
{
    int file = must_open(*state, "a", FLUME_IO_WRITE | FLUME_IO_CREATE);

    assert_int_equal(stat_of(*state, file).bytes, 0);
    assert_false(stat_of(*state, file).is_directory);
    close_file(*state, file);
    expect_file(*state, "a", "");
}

static void create_opens_a_file_that_is_there(void **state)
{
    int file;

    make_file(*state, "a", "text");
    file = must_open(*state, "a", FLUME_IO_WRITE | FLUME_IO_CREATE);
    expect_text(*state, file, "text");
    close_file(*state, file);
}

static void exclusive_create_refuses_a_file_that_is_there(void **state)
{
    make_file(*state, "a", "text");
    assert_int_equal(try_open(*state, "a", FLUME_IO_WRITE | FLUME_IO_CREATE | FLUME_IO_EXCLUSIVE),
                     -EEXIST);
    expect_file(*state, "a", "text");
}

static void a_file_needs_its_directory(void **state)
{
    make_file(*state, "file", "");
    assert_int_equal(try_open(*state, "absent/a", FLUME_IO_WRITE | FLUME_IO_CREATE), -ENOENT);
    assert_int_equal(try_open(*state, "file/a", FLUME_IO_WRITE | FLUME_IO_CREATE), -ENOTDIR);
    assert_int_equal(make_directory(*state, "absent/a"), -ENOENT);
}

static void a_directory_cannot_be_written(void **state)
{
    assert_int_equal(make_directory(*state, "d"), 0);
    assert_int_equal(try_open(*state, "d", FLUME_IO_WRITE), -EISDIR);
}

static void an_impossible_path_is_refused(void **state)
{
    struct fixture *fx = *state;
    char path[PATH_MAX + 1];

    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(fx->io->open(fx->io->ctx, "", FLUME_IO_READ), -ENOENT);
    assert_int_equal(fx->io->open(fx->io->ctx, path, FLUME_IO_READ), -ENAMETOOLONG);
    assert_int_equal(fx->io->make_directory(fx->io->ctx, path), -ENAMETOOLONG);
    make_file(fx, "a", "text");
    assert_int_equal(fx->io->rename(fx->io->ctx, at(fx, "a"), path), -ENAMETOOLONG);
    expect_file(fx, "a", "text");
}

static void descriptors_are_closed_on_exec(void **state)
{
    int file = must_create(*state, "a");

    assert_int_equal(fcntl(file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close_file(*state, file);
}

static void a_file_never_takes_the_place_of_standard_output(void **state)
{
    int kept = dup(STDOUT_FILENO);
    int file;

    assert_true(kept >= 0);
    (void)fflush(stdout);
    (void)close(STDOUT_FILENO);
    file = try_open(*state, "a", FLUME_IO_WRITE | FLUME_IO_CREATE);
    assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    (void)close(kept);
    assert_true(file > STDERR_FILENO);
    assert_int_equal(fcntl(file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close_file(*state, file);
}

static void what_one_open_writes_another_reads(void **state)
{
    struct fixture *fx = *state;
    int writer = must_create(fx, "a");
    int reader = must_open(fx, "a", FLUME_IO_READ);

    assert_int_equal(fx->io->pwrite(fx->io->ctx, writer, "later", 5, 3), 5);
    assert_int_equal(fx->io->pwrite(fx->io->ctx, writer, "and", 3, 0), 3);
    expect_text(fx, reader, "andlater");
    close_file(fx, reader);
    close_file(fx, writer);
}

static void a_read_at_the_end_is_short(void **state)
{
    struct fixture *fx = *state;
    char target[8];
    int file;

    make_file(fx, "a", "text");
    file = must_open(fx, "a", FLUME_IO_READ);
    assert_int_equal(fx->io->pread(fx->io->ctx, file, target, sizeof target, 1), 3);
    assert_memory_equal(target, "ext", 3);
    assert_int_equal(fx->io->pread(fx->io->ctx, file, target, sizeof target, 4), 0);
    assert_int_equal(fx->io->pread(fx->io->ctx, file, target, sizeof target, 1000), 0);
    close_file(fx, file);
}

static void what_is_open_for_reading_cannot_be_written(void **state)
{
    struct fixture *fx = *state;
    void *data;
    int file;

    make_file(fx, "a", "text");
    file = must_open(fx, "a", FLUME_IO_READ);
    assert_int_equal(fx->io->pwrite(fx->io->ctx, file, "x", 1, 0), -EBADF);
    assert_int_equal(fx->io->map(fx->io->ctx, file, 0, PAGE, true, &data), -EACCES);
    close_file(fx, file);
}

static void a_file_that_is_not_open_is_an_error_everywhere(void **state)
{
    struct fixture *fx = *state;
    flume_io_stat info;
    void *data;
    char byte;

    assert_int_equal(fx->io->pread(fx->io->ctx, -1, &byte, 1, 0), -EBADF);
    assert_int_equal(fx->io->pwrite(fx->io->ctx, -1, "x", 1, 0), -EBADF);
    assert_int_equal(fx->io->allocate(fx->io->ctx, -1, PAGE), -EBADF);
    assert_int_equal(fx->io->punch(fx->io->ctx, -1, 0, PAGE), -EBADF);
    assert_int_equal(fx->io->stat(fx->io->ctx, -1, &info), -EBADF);
    assert_int_equal(fx->io->map(fx->io->ctx, -1, 0, PAGE, false, &data), -EBADF);
    assert_int_equal(lock(fx, -1, 0, FLUME_IO_LOCK_SHARED), -EBADF);
    assert_int_equal(lock_test(fx, -1, 0), -EBADF);
}

static void allocate_reserves_zeros_and_keeps_what_is_there(void **state)
{
    struct fixture *fx = *state;
    static uint8_t content[64 * PAGE];
    static const uint8_t zeros[64 * PAGE];
    int file;

    make_file(fx, "a", "text");
    file = must_open(fx, "a", FLUME_IO_WRITE);
    assert_int_equal(fx->io->allocate(fx->io->ctx, file, sizeof content), 0);
    assert_int_equal(stat_of(fx, file).bytes, sizeof content);
    assert_true(stat_of(fx, file).allocated >= sizeof content);
    assert_int_equal(fx->io->pread(fx->io->ctx, file, content, sizeof content, 0), sizeof content);
    assert_memory_equal(content, "text", 4);
    assert_memory_equal(content + 4, zeros, sizeof content - 4);
    close_file(fx, file);
}

static void allocate_reaches_beyond_one_step(void **state)
{
    struct fixture *fx = *state;
    uint64_t bytes = ((uint64_t)9 << 20) + PAGE;
    int file = must_create(fx, "a");

    assert_int_equal(fx->io->allocate(fx->io->ctx, file, bytes), 0);
    assert_int_equal(stat_of(fx, file).bytes, bytes);
    assert_true(stat_of(fx, file).allocated >= bytes);
    close_file(fx, file);
}

static void allocate_never_shortens(void **state)
{
    struct fixture *fx = *state;
    int file;

    make_file(fx, "a", "longer than that");
    file = must_open(fx, "a", FLUME_IO_WRITE);
    assert_int_equal(fx->io->allocate(fx->io->ctx, file, 4), 0);
    assert_int_equal(fx->io->allocate(fx->io->ctx, file, 0), 0);
    expect_text(fx, file, "longer than that");
    close_file(fx, file);
}

static void mapping_and_calls_see_the_same_bytes(void **state)
{
    struct fixture *fx = *state;
    int file = must_create(fx, "a");
    uint8_t *writable, *readable;
    char found[8];

    assert_int_equal(fx->io->allocate(fx->io->ctx, file, 4 * PAGE), 0);
    writable = map_file(fx, file, 4 * PAGE, true);
    readable = map_file(fx, file, 4 * PAGE, false);
    memcpy(writable + PAGE, "mapped", 6);
    assert_memory_equal(readable + PAGE, "mapped", 6);
    assert_int_equal(fx->io->pread(fx->io->ctx, file, found, 6, PAGE), 6);
    assert_memory_equal(found, "mapped", 6);
    assert_int_equal(fx->io->pwrite(fx->io->ctx, file, "called", 6, PAGE), 6);
    assert_memory_equal(writable + PAGE, "called", 6);
    fx->io->unmap(fx->io->ctx, readable, 4 * PAGE);
    fx->io->unmap(fx->io->ctx, writable, 4 * PAGE);
    close_file(fx, file);
}

static void a_mapping_can_begin_inside_and_outlive_its_file(void **state)
{
    struct fixture *fx = *state;
    int file = must_create(fx, "a");
    void *data = NULL;

    assert_int_equal(fx->io->allocate(fx->io->ctx, file, 2 * PAGE), 0);
    assert_int_equal(fx->io->pwrite(fx->io->ctx, file, "second", 6, PAGE), 6);
    assert_int_equal(fx->io->map(fx->io->ctx, file, PAGE, PAGE, false, &data), 0);
    close_file(fx, file);
    assert_int_equal(unlink_file(fx, "a"), 0);
    assert_memory_equal(data, "second", 6);
    fx->io->unmap(fx->io->ctx, data, PAGE);
}

static void punch_gives_space_back_and_leaves_zeros(void **state)
{
    struct fixture *fx = *state;
    static uint8_t content[64 * PAGE];
    static const uint8_t zeros[32 * PAGE];
    int file = must_create(fx, "a");

    memset(content, 'x', sizeof content);
    assert_int_equal(fx->io->pwrite(fx->io->ctx, file, content, sizeof content, 0), sizeof content);
    assert_int_equal(fx->io->allocate(fx->io->ctx, file, sizeof content), 0);
    assert_int_equal(fx->io->punch(fx->io->ctx, file, PAGE, sizeof zeros), 0);
    assert_int_equal(stat_of(fx, file).bytes, sizeof content);
    assert_true(stat_of(fx, file).allocated <= sizeof content - sizeof zeros + 2 * PAGE);
    assert_int_equal(fx->io->pread(fx->io->ctx, file, content, sizeof content, 0), sizeof content);
    assert_int_equal(content[PAGE - 1], 'x');
    assert_memory_equal(content + PAGE, zeros, sizeof zeros);
    assert_int_equal(content[PAGE + sizeof zeros], 'x');
    assert_int_equal(fx->io->punch(fx->io->ctx, file, 0, 0), 0);
    close_file(fx, file);
}

static void sync_succeeds(void **state)
{
    struct fixture *fx = *state;
    int file = must_create(fx, "a");

    assert_int_equal(fx->io->pwrite(fx->io->ctx, file, "text", 4, 0), 4);
    assert_int_equal(fx->io->sync(fx->io->ctx, file), 0);
    assert_int_equal(fx->io->sync_directory(fx->io->ctx, fx->root), 0);
    close_file(fx, file);
}

static void device_and_inode_identify_a_file(void **state)
{
    struct fixture *fx = *state;
    int one = must_create(fx, "a");
    int again = must_open(fx, "a", FLUME_IO_READ);
    int other = must_create(fx, "b");

    assert_int_equal(stat_of(fx, one).device, stat_of(fx, again).device);
    assert_int_equal(stat_of(fx, one).inode, stat_of(fx, again).inode);
    assert_int_not_equal(stat_of(fx, one).inode, stat_of(fx, other).inode);
    close_file(fx, other);
    close_file(fx, again);
    close_file(fx, one);
}

/* --- Locks -------------------------------------------------------------------------------------*/

static void an_exclusive_lock_keeps_other_opens_out(void **state)
{
    int one = must_create(*state, "a");
    int two = must_open(*state, "a", FLUME_IO_WRITE);

    assert_int_equal(lock(*state, one, 0, FLUME_IO_LOCK_EXCLUSIVE), 0);
    assert_int_equal(lock(*state, two, 0, FLUME_IO_LOCK_EXCLUSIVE), -EAGAIN);
    assert_int_equal(lock(*state, two, 0, FLUME_IO_LOCK_SHARED), -EAGAIN);
    assert_int_equal(lock(*state, one, 0, FLUME_IO_UNLOCK), 0);
    assert_int_equal(lock(*state, two, 0, FLUME_IO_LOCK_EXCLUSIVE), 0);
    close_file(*state, two);
    close_file(*state, one);
}

static void shared_locks_stand_side_by_side(void **state)
{
    int one = must_create(*state, "a");
    int two = must_open(*state, "a", FLUME_IO_WRITE);

    assert_int_equal(lock(*state, one, 0, FLUME_IO_LOCK_SHARED), 0);
    assert_int_equal(lock(*state, two, 0, FLUME_IO_LOCK_SHARED), 0);
    assert_int_equal(lock(*state, two, 0, FLUME_IO_LOCK_EXCLUSIVE), -EAGAIN);
    close_file(*state, two);
    close_file(*state, one);
}

static void a_lock_covers_one_byte(void **state)
{
    int one = must_create(*state, "a");
    int two = must_open(*state, "a", FLUME_IO_WRITE);

    assert_int_equal(lock(*state, one, 16, FLUME_IO_LOCK_EXCLUSIVE), 0);
    assert_int_equal(lock(*state, two, 15, FLUME_IO_LOCK_EXCLUSIVE), 0);
    assert_int_equal(lock(*state, two, 17, FLUME_IO_LOCK_EXCLUSIVE), 0);
    assert_int_equal(lock(*state, two, 16, FLUME_IO_LOCK_EXCLUSIVE), -EAGAIN);
    close_file(*state, two);
    close_file(*state, one);
}

static void close_frees_its_locks_and_no_others(void **state)
{
    int one = must_create(*state, "a");
    int two = must_open(*state, "a", FLUME_IO_WRITE);
    int three = must_open(*state, "a", FLUME_IO_WRITE);

    assert_int_equal(lock(*state, one, 0, FLUME_IO_LOCK_EXCLUSIVE), 0);
    assert_int_equal(lock(*state, two, 1, FLUME_IO_LOCK_EXCLUSIVE), 0);
    close_file(*state, two);
    assert_int_equal(lock(*state, three, 0, FLUME_IO_LOCK_EXCLUSIVE), -EAGAIN);
    assert_int_equal(lock(*state, three, 1, FLUME_IO_LOCK_EXCLUSIVE), 0);
    close_file(*state, three);
    close_file(*state, one);
}

static void lock_test_sees_what_another_holds(void **state)
{
    int one = must_create(*state, "a");
    int two = must_open(*state, "a", FLUME_IO_READ);

    assert_int_equal(lock_test(*state, two, 0), 0);
    assert_int_equal(lock(*state, one, 0, FLUME_IO_LOCK_SHARED), 0);
    assert_int_equal(lock_test(*state, two, 0), 1);
    assert_int_equal(lock_test(*state, one, 0), 0); /* Its own. */
    assert_int_equal(lock(*state, one, 0, FLUME_IO_UNLOCK), 0);
    assert_int_equal(lock_test(*state, two, 0), 0);
    close_file(*state, two);
    close_file(*state, one);
}

/* --- The POSIX table alone ---------------------------------------------------------------------*/

static void a_file_system_that_cannot_reserve_is_not_mapped(void **state)
{
    struct fixture *fx = *state;

    assert_int_equal(fx->io->file_system(fx->io->ctx, "/proc/self"), FLUME_IO_FS_LOCAL);
    assert_int_equal(fx->io->file_system(fx->io->ctx, at(fx, "absent")), -ENOENT);
}

static void a_directory_that_cannot_be_synced_needs_no_sync(void **state)
{
    struct fixture *fx = *state;

    assert_int_equal(fx->io->sync_directory(fx->io->ctx, "/proc/self"), 0);
    assert_int_equal(fx->io->sync_directory(fx->io->ctx, at(fx, "absent")), -ENOENT);
}

static void an_open_directory_says_so(void **state)
{
    struct fixture *fx = *state;
    int file;

    assert_int_equal(make_directory(fx, "d"), 0);
    file = must_open(fx, "d", FLUME_IO_READ);
    assert_true(stat_of(fx, file).is_directory);
    close_file(fx, file);
}

static void direct_reads_or_says_that_it_cannot(void **state)
{
    struct fixture *fx = *state;
    void *target = aligned_alloc(PAGE, PAGE);
    int file = must_create(fx, "a");

    assert_non_null(target);
    assert_int_equal(fx->io->allocate(fx->io->ctx, file, PAGE), 0);
    close_file(fx, file);
    file = try_open(fx, "a", FLUME_IO_READ | FLUME_IO_DIRECT);
    if (file >= 0) {
        assert_int_equal(fx->io->pread(fx->io->ctx, file, target, PAGE, 0), PAGE);
        close_file(fx, file);
    } else {
        assert_int_equal(file, -EINVAL);
    }
    free(target);
}

int main(void)
{
    static const struct CMUnitTest both[] = {
        cmocka_unit_test(a_missing_file_is_not_found),
        cmocka_unit_test(create_makes_an_empty_file),
        cmocka_unit_test(create_opens_a_file_that_is_there),
        cmocka_unit_test(exclusive_create_refuses_a_file_that_is_there),
        cmocka_unit_test(a_file_needs_its_directory),
        cmocka_unit_test(a_directory_cannot_be_written),
        cmocka_unit_test(an_impossible_path_is_refused),
        cmocka_unit_test(descriptors_are_closed_on_exec),
        cmocka_unit_test(a_file_never_takes_the_place_of_standard_output),
        cmocka_unit_test(what_one_open_writes_another_reads),
        cmocka_unit_test(a_read_at_the_end_is_short),
        cmocka_unit_test(what_is_open_for_reading_cannot_be_written),
        cmocka_unit_test(a_file_that_is_not_open_is_an_error_everywhere),
        cmocka_unit_test(allocate_reserves_zeros_and_keeps_what_is_there),
        cmocka_unit_test(allocate_reaches_beyond_one_step),
        cmocka_unit_test(allocate_never_shortens),
        cmocka_unit_test(mapping_and_calls_see_the_same_bytes),
        cmocka_unit_test(a_mapping_can_begin_inside_and_outlive_its_file),
        cmocka_unit_test(punch_gives_space_back_and_leaves_zeros),
        cmocka_unit_test(sync_succeeds),
        cmocka_unit_test(device_and_inode_identify_a_file),
        cmocka_unit_test(an_exclusive_lock_keeps_other_opens_out),
        cmocka_unit_test(shared_locks_stand_side_by_side),
        cmocka_unit_test(a_lock_covers_one_byte),
        cmocka_unit_test(close_frees_its_locks_and_no_others),
        cmocka_unit_test(lock_test_sees_what_another_holds),
    };
    static const struct CMUnitTest posix[] = {
        cmocka_unit_test(a_file_system_that_cannot_reserve_is_not_mapped),
        cmocka_unit_test(a_directory_that_cannot_be_synced_needs_no_sync),
        cmocka_unit_test(an_open_directory_says_so),
        cmocka_unit_test(direct_reads_or_says_that_it_cannot),
    };
    int failures = run_on_both(both, sizeof both / sizeof both[0]);

    failures += run_with("POSIX alone", posix, sizeof posix / sizeof posix[0], setup_posix);
    return failures;
}
