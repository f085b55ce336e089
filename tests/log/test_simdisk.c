/*
 * test_simdisk.c - the simulated disk keeps what it promised, and loses what it may.
 *
 * The crash tests are worth what this disk is worth: one that loses nothing lets every bug pass,
 * one that loses too much finds bugs where there are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "simdisk.h"

#define A SIMDISK_ROOT "/a"
#define B SIMDISK_ROOT "/b"

enum { SEEDS = 200, FILE_BYTES = 64 << 10 };

static int make(const flume_io *io, const char *path)
{
    int file = io->open(io->ctx, path, FLUME_IO_WRITE | FLUME_IO_CREATE);

    assert_true(file >= 0);
    return file;
}

static void write_all(const flume_io *io, int file, uint8_t value, uint64_t offset, size_t bytes)
{
    uint8_t data[FILE_BYTES];

    memset(data, value, bytes);
    assert_int_equal(io->pwrite(io->ctx, file, data, bytes, offset), bytes);
}

static void stop_and_restart(struct simdisk *disk)
{
    simdisk_stop(disk);
    simdisk_restart(disk);
}

/* How many of the file's sectors are made of this byte alone. */
static size_t sectors_of(struct simdisk *disk, const char *path, uint8_t value)
{
    size_t bytes = 0, count = 0;
    const uint8_t *content = simdisk_content(disk, path, &bytes);

    for (size_t at = 0; content != NULL && at < bytes; at += SIMDISK_SECTOR_BYTES) {
        if (content[at] == value &&
            memcmp(content + at, content + at + 1, SIMDISK_SECTOR_BYTES - 1) == 0)
            count++;
    }
    return count;
}

static bool has(struct simdisk *disk, const char *path)
{
    size_t bytes;

    return simdisk_content(disk, path, &bytes) != NULL;
}

static void synced_bytes_and_names_survive_every_stop(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct simdisk *disk = simdisk_create(seed);
        const flume_io *io = simdisk_process(disk);
        int file;

        simdisk_set_names(disk, seed % 2 == 0 ? SIMDISK_NAMES_JOURNAL : SIMDISK_NAMES_WILD);
        file = make(io, A);
        write_all(io, file, 1, 0, FILE_BYTES);
        assert_int_equal(io->sync(io->ctx, file), 0);
        io->close(io->ctx, file);
        assert_int_equal(io->rename(io->ctx, A, B), 0);
        assert_int_equal(io->sync_directory(io->ctx, SIMDISK_ROOT), 0);
        stop_and_restart(disk);
        assert_false(has(disk, A));
        assert_int_equal(sectors_of(disk, B, 1), FILE_BYTES / SIMDISK_SECTOR_BYTES);
        simdisk_destroy(disk);
    }
}

static void bytes_stored_through_a_mapping_and_not_synced_are_old_or_new_by_sector(void **state)
{
    size_t lost_all = 0, kept_all = 0, mixed = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct simdisk *disk = simdisk_create(seed);
        const flume_io *io = simdisk_process(disk);
        int file = make(io, A);
        size_t old_count, new_count;
        void *data;

        write_all(io, file, 1, 0, FILE_BYTES);
        assert_int_equal(io->sync(io->ctx, file), 0);
        assert_int_equal(io->sync_directory(io->ctx, SIMDISK_ROOT), 0);
        assert_int_equal(io->map(io->ctx, file, 0, FILE_BYTES, true, &data), 0);
        memset(data, 2, FILE_BYTES);
        io->unmap(io->ctx, data, FILE_BYTES);
        io->close(io->ctx, file);
        stop_and_restart(disk);
        old_count = sectors_of(disk, A, 1);
        new_count = sectors_of(disk, A, 2);
        assert_int_equal(old_count + new_count, FILE_BYTES / SIMDISK_SECTOR_BYTES);
        lost_all += new_count == 0 ? 1 : 0;
        kept_all += old_count == 0 ? 1 : 0;
        mixed += new_count > 0 && old_count > 0 ? 1 : 0;
        simdisk_destroy(disk);
    }
    assert_true(lost_all > 0);
    assert_true(kept_all > 0);
    assert_true(mixed > SEEDS / 4);
}

static void unsynced_names_are_kept_or_lost_but_a_rename_is_never_half_done(void **state)
{
    size_t old_names = 0, new_names = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct simdisk *disk = simdisk_create(seed);
        const flume_io *io = simdisk_process(disk);

        simdisk_set_names(disk, seed % 2 == 0 ? SIMDISK_NAMES_JOURNAL : SIMDISK_NAMES_WILD);
        io->close(io->ctx, make(io, A));
        assert_int_equal(io->sync_directory(io->ctx, SIMDISK_ROOT), 0);
        assert_int_equal(io->rename(io->ctx, A, B), 0);
        stop_and_restart(disk);
        assert_true(has(disk, A) != has(disk, B));
        old_names += has(disk, A) ? 1 : 0;
        new_names += has(disk, B) ? 1 : 0;
        simdisk_destroy(disk);
    }
    assert_true(old_names > 0);
    assert_true(new_names > 0);
}

static void a_wild_disk_keeps_a_later_name_and_loses_an_earlier_one(void **state)
{
    size_t found = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct simdisk *disk = simdisk_create(seed);
        const flume_io *io = simdisk_process(disk);

        simdisk_set_names(disk, SIMDISK_NAMES_WILD);
        io->close(io->ctx, make(io, A));
        io->close(io->ctx, make(io, B));
        stop_and_restart(disk);
        found += !has(disk, A) && has(disk, B) ? 1 : 0;
        simdisk_destroy(disk);
    }
    assert_true(found > 0);
}

static void space_that_was_never_written_may_hold_junk(void **state)
{
    size_t found = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct simdisk *disk = simdisk_create(seed);
        const flume_io *io = simdisk_process(disk);
        int file = make(io, A);

        assert_int_equal(io->allocate(io->ctx, file, FILE_BYTES), 0);
        assert_int_equal(io->sync(io->ctx, file), 0);
        assert_int_equal(io->sync_directory(io->ctx, SIMDISK_ROOT), 0);
        io->close(io->ctx, file);
        stop_and_restart(disk);
        found += sectors_of(disk, A, 0) < FILE_BYTES / SIMDISK_SECTOR_BYTES ? 1 : 0;
        simdisk_destroy(disk);
    }
    assert_true(found > 0);
}

static void a_failed_sync_is_told_to_older_descriptors_once_and_never_to_younger_ones(void **state)
{
    struct simdisk *disk = simdisk_create(1);
    const flume_io *io = simdisk_process(disk);
    int older = make(io, A);
    int other = make(io, A);
    int younger;

    (void)state;
    simdisk_set_writeback(disk, 0);
    assert_int_equal(io->sync_directory(io->ctx, SIMDISK_ROOT), 0);
    write_all(io, older, 1, 0, FILE_BYTES);
    simdisk_fail_sync(io, 1, A, SIMDISK_HEARS);
    assert_int_equal(io->sync(io->ctx, older), -EIO);
    younger = make(io, A);
    assert_int_equal(io->sync(io->ctx, older), 0);
    assert_int_equal(io->sync(io->ctx, other), -EIO);
    assert_int_equal(io->sync(io->ctx, younger), 0);
    assert_int_equal(sectors_of(disk, A, 1), FILE_BYTES / SIMDISK_SECTOR_BYTES);
    write_all(io, younger, 1, 0, 4096); /* The same bytes: that page is dirty again. */
    assert_int_equal(io->sync(io->ctx, younger), 0);
    io->close(io->ctx, older);
    io->close(io->ctx, other);
    io->close(io->ctx, younger);
    stop_and_restart(disk);
    assert_true(sectors_of(disk, A, 1) >= 8);
    assert_true(sectors_of(disk, A, 1) < FILE_BYTES / SIMDISK_SECTOR_BYTES);
    simdisk_destroy(disk);
}

static void locks_stand_between_opens_and_end_with_them(void **state)
{
    struct simdisk *disk = simdisk_create(1);
    const flume_io *io = simdisk_process(disk);
    int first = make(io, A);
    int second = make(io, A);

    (void)state;
    assert_int_equal(io->lock(io->ctx, first, 0, FLUME_IO_LOCK_EXCLUSIVE), 0);
    assert_int_equal(io->lock(io->ctx, second, 0, FLUME_IO_LOCK_SHARED), -EAGAIN);
    assert_int_equal(io->lock_test(io->ctx, second, 0), 1);
    assert_int_equal(io->lock_test(io->ctx, first, 0), 0);
    assert_int_equal(io->lock(io->ctx, first, 0, FLUME_IO_LOCK_SHARED), 0);
    assert_int_equal(io->lock(io->ctx, second, 0, FLUME_IO_LOCK_SHARED), 0);
    assert_int_equal(io->lock(io->ctx, second, 0, FLUME_IO_LOCK_EXCLUSIVE), -EAGAIN);
    io->close(io->ctx, first);
    assert_int_equal(io->lock(io->ctx, second, 0, FLUME_IO_LOCK_EXCLUSIVE), 0);
    io->close(io->ctx, second);
    simdisk_destroy(disk);
}

static void *sync_for_ever(void *ctx)
{
    const flume_io *io = ctx;

    while (io->sync_directory(io->ctx, SIMDISK_ROOT) == 0)
        continue;
    return NULL; /* Not reached: it always succeeds, until the thread is killed. */
}

static void a_killed_process_ends_at_its_next_call_and_holds_nothing(void **state)
{
    struct simdisk *disk = simdisk_create(1);
    const flume_io *victim = simdisk_process(disk);
    const flume_io *other = simdisk_process(disk);
    int file = make(victim, A);
    pthread_t thread;

    (void)state;
    assert_int_equal(victim->lock(victim->ctx, file, 0, FLUME_IO_LOCK_EXCLUSIVE), 0);
    assert_int_equal(pthread_create(&thread, NULL, sync_for_ever, (void *)(uintptr_t)victim), 0);
    simdisk_kill(victim);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(simdisk_open_files(disk), 0);
    file = make(other, A);
    assert_int_equal(other->lock(other->ctx, file, 0, FLUME_IO_LOCK_EXCLUSIVE), 0);
    other->close(other->ctx, file);
    simdisk_destroy(disk);
}

static void after_the_stop_nothing_answers_until_the_restart(void **state)
{
    struct simdisk *disk = simdisk_create(1);
    const flume_io *io = simdisk_process(disk);
    uint8_t before[16], after[16];
    int file = make(io, A);

    (void)state;
    assert_int_equal(io->sync_directory(io->ctx, SIMDISK_ROOT), 0);
    assert_int_equal(io->boot_id(io->ctx, before), 0);
    simdisk_stop_after(disk, 2);
    assert_int_equal(io->pwrite(io->ctx, file, "x", 1, 0), 1);
    assert_int_equal(io->sync(io->ctx, file), -EIO);
    assert_int_equal(io->open(io->ctx, A, FLUME_IO_READ), -EIO);
    assert_true(simdisk_stopped(disk));
    io->close(io->ctx, file);
    simdisk_restart(disk);
    assert_int_equal(io->boot_id(io->ctx, after), 0);
    assert_memory_not_equal(before, after, sizeof before);
    file = io->open(io->ctx, A, FLUME_IO_READ);
    assert_true(file >= 0);
    io->close(io->ctx, file);
    simdisk_destroy(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synced_bytes_and_names_survive_every_stop),
        cmocka_unit_test(bytes_stored_through_a_mapping_and_not_synced_are_old_or_new_by_sector),
        cmocka_unit_test(unsynced_names_are_kept_or_lost_but_a_rename_is_never_half_done),
        cmocka_unit_test(a_wild_disk_keeps_a_later_name_and_loses_an_earlier_one),
        cmocka_unit_test(space_that_was_never_written_may_hold_junk),
        cmocka_unit_test(a_failed_sync_is_told_to_older_descriptors_once_and_never_to_younger_ones),
        cmocka_unit_test(locks_stand_between_opens_and_end_with_them),
        cmocka_unit_test(a_killed_process_ends_at_its_next_call_and_holds_nothing),
        cmocka_unit_test(after_the_stop_nothing_answers_until_the_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
