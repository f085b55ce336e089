/*
 * test_attach.c - who may share a basin with whom, where, and what is said to who may not.
 */
#include "log_fixture.h"

#include <errno.h>

#include "faultio.h"
#include "hash.h"
#include "head.h"
#include "io_memory.h"

/* --- Another boot, another file system --- */

/* The POSIX table on another machine or file system. */
struct foreign_io {
    flume_io io;
    int kind; /* enum flume_io_file_system or a negative errno; 0: as it is. */
    bool is_of_another_boot;
};

static int foreign_boot_id(void *ctx, uint8_t out_id[16])
{
    const struct foreign_io *foreign = ctx;
    int error = flume_io_posix()->boot_id(flume_io_posix()->ctx, out_id);

    if (foreign->is_of_another_boot)
        out_id[0] ^= 0xff;
    return error;
}

static int foreign_file_system(void *ctx, const char *path)
{
    const struct foreign_io *foreign = ctx;

    return foreign->kind != 0 ? foreign->kind
                              : flume_io_posix()->file_system(flume_io_posix()->ctx, path);
}

static void use(struct log_fixture *fx, struct foreign_io *foreign)
{
    foreign->io = *flume_io_posix();
    foreign->io.ctx = foreign;
    foreign->io.boot_id = foreign_boot_id;
    foreign->io.file_system = foreign_file_system;
    fx->options.io = &foreign->io;
}

static void a_basin_in_use_by_another_boot_is_busy(void **state)
{
    struct log_fixture *fx = *state;
    struct foreign_io foreign = {.is_of_another_boot = true};

    (void)append_text(fx->log, "one");
    use(fx, &foreign);
    expect_open_fails(fx, FLUME_ERR_BUSY, "from another machine or another boot");
    fx->options.io = NULL;
    expect_text(fx->log, append_text(fx->log, "two"), "two");
}

static void on_a_remote_file_system_a_writer_is_alone(void **state)
{
    struct log_fixture *fx = *state;
    struct foreign_io foreign = {.kind = FLUME_IO_FS_REMOTE};

    use(fx, &foreign);
    open_log(fx);
    assert_int_equal(stat_of(fx->log).io_mode, FLUME_IO_PWRITE);
    expect_text(fx->log, append_text(fx->log, "one"), "one");
    expect_open_fails(fx, FLUME_ERR_BUSY, "exclusively");
    close_log(fx);
    fx->options.flags = FLUME_OPEN_READ_ONLY;
    open_log(fx);
    close_handle(open_other(fx, FLUME_OPEN_READ_ONLY)); /* Readers share it. */
    close_log(fx);
}

static void mapping_where_a_store_may_fail_is_refused(void **state)
{
    struct log_fixture *fx = *state;
    struct foreign_io foreign = {.kind = FLUME_IO_FS_LOCAL};

    use(fx, &foreign);
    fx->options.io_mode = FLUME_IO_MAPPED;
    expect_open_fails(fx, FLUME_ERR_INVALID, "use io mode auto or pwrite");
    foreign.kind = -EIO;
    expect_open_fails(fx, FLUME_ERR_IO, "file system");
}

/* --- Who is named --- */

static void who_asks_to_be_alone_is_told_of_one_of_the_others(void **state)
{
    struct log_fixture *fx = *state;
    flume_log *first, *second;

    fx->options.program = "first-one";
    first = open_other(fx, FLUME_OPEN_CREATE);
    fx->options.program = "second-one";
    second = open_other(fx, 0);
    fx->options.flags = FLUME_OPEN_EXCLUSIVE;
    expect_open_fails(fx, FLUME_ERR_BUSY, "first-one");
    assert_null(strstr(fx->error.message, "second-one"));
    close_handle(first);
    close_handle(second);
}

static void a_gate_that_is_taken_is_told_also_without_head(void **state)
{
    static const char *const commands[] = {"rm", "truncate -s 16"};
    struct log_fixture *fx = *state;
    const flume_io *io = flume_io_posix();

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        int file;

        open_log(fx);
        close_log(fx);
        run_command("%s '%s/HEAD'", commands[i], fx->path);
        file = io->open(io->ctx, fixture_path(fx, "basin.flume/LOCK"), FLUME_IO_WRITE);
        assert_true(file >= 0);
        assert_int_equal(io->lock(io->ctx, file, LOCK_GATE_AT, FLUME_IO_LOCK_EXCLUSIVE), 0);
        fx->options.lock_timeout_ns = 5000000;
        expect_open_fails(fx, FLUME_ERR_BUSY, "another process has been attaching");
        fx->options.lock_timeout_ns = 0;
        io->close(io->ctx, file);
    }
}

/* --- A HEAD that nobody made here ------------------------------------------------------------- */

/* Who holds members while HEAD is not ready is not one of those that share it. */
static void a_member_that_leaves_head_closed_keeps_the_basin_busy(void **state)
{
    struct log_fixture *fx = *state;
    const flume_io *io = flume_io_posix();
    int file;

    open_log(fx);
    (void)append_text(fx->log, "one");
    close_log(fx);
    file = io->open(io->ctx, fixture_path(fx, "basin.flume/LOCK"), FLUME_IO_WRITE);
    assert_true(file >= 0);
    assert_int_equal(io->lock(io->ctx, file, LOCK_MEMBERS_AT, FLUME_IO_LOCK_SHARED), 0);
    expect_open_fails(fx, FLUME_ERR_BUSY, "from another machine or another boot");
    io->close(io->ctx, file);
    open_log(fx);
    expect_text(fx->log, 1, "one");
}

/* The same number of LOCK, on another device. */
static void a_head_of_another_device_counts_for_nothing(void **state)
{
    struct log_fixture *fx = *state;
    uint64_t device = UINT64_MAX, head;

    open_log(fx);
    (void)append_text(fx->log, "one");
    head = flume_log_head(fx->log);
    close_log(fx);
    write_file(fixture_path(fx, "basin.flume/HEAD"), offsetof(struct head, lock_device), &device,
               sizeof device);
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), head);
    expect_text(fx->log, 1, "one");
    expect_text(fx->log, append_text(fx->log, "two"), "two");
}

/* After a clean close HEAD is believed where the newest record ends as the slots say. */
static void slots_that_end_elsewhere_are_made_anew(void **state)
{
    struct log_fixture *fx = *state;
    uint32_t slot = 1;
    uint64_t head;

    open_log(fx);
    (void)append_text(fx->log, "one");
    (void)append_text(fx->log, "two");
    head = flume_log_head(fx->log);
    close_log(fx);
    write_file(fixture_path(fx, "basin.flume/log/00000000000000000000.slots"), head * sizeof slot,
               &slot, sizeof slot);
    open_log(fx);
    assert_int_equal(flume_log_head(fx->log), head);
    expect_text(fx->log, head - 1, "two");
    expect_text(fx->log, append_text(fx->log, "three"), "three");
}

/* --- Where nothing may be written ------------------------------------------------------------- */

static int open_on_read_only(void *ctx, const char *path, unsigned flags)
{
    (void)ctx;
    return (flags & FLUME_IO_WRITE) != 0 ? -EROFS : flume_io_posix()->open(NULL, path, flags);
}

static void a_basin_on_a_file_system_that_is_read_only_is_read(void **state)
{
    struct log_fixture *fx = *state;
    flume_io io = *flume_io_posix();

    open_log(fx);
    (void)append_text(fx->log, "one");
    close_log(fx);
    io.open = open_on_read_only;
    fx->options.io = &io;
    expect_open_fails(fx, FLUME_ERR_READ_ONLY, "open");
    fx->options.flags = FLUME_OPEN_READ_ONLY;
    open_log(fx);
    expect_text(fx->log, 1, "one");
    close_log(fx);
    fx->options.io = NULL;
}

static void a_basin_in_memory_is_not_there_to_be_read_only(void **state)
{
    struct log_fixture *fx = *state;

    (void)snprintf(fx->path, sizeof fx->path, ":memory:");
    fx->options.flags = FLUME_OPEN_READ_ONLY;
    expect_open_fails(fx, FLUME_ERR_NO_BASIN, "");
}

/* --- flume.conf --- */

/* Replace the settings by other ones that fit their check. */
static void forge_settings(struct log_fixture *fx, const char *basin, const char *strata_bytes)
{
    char text[512];
    int length = snprintf(text, sizeof text,
                          "flume basin\nformat 1\nbasin %s\nstrata_bytes %s\ncreated 1\n", basin,
                          strata_bytes);

    (void)snprintf(text + length, sizeof text - (size_t)length, "check %016llx\n",
                   (unsigned long long)hash_bytes(text, (size_t)length, 0));
    run_command("rm '%s/flume.conf'", fx->path);
    write_file(fixture_path(fx, "basin.flume/flume.conf"), 0, text, strlen(text));
}

static void settings_that_cannot_be_are_damage(void **state)
{
    static const char id[] = "000102030405060708090a0b0c0d0e0f";
    static const char *const sizes[] = {"4096", "65537", "2147483648", "many"};
    struct log_fixture *fx = *state;

    close_log(fx);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        forge_settings(fx, id, sizes[i]);
        expect_open_fails(fx, FLUME_ERR_DAMAGED, "asks for strata of");
    }
    forge_settings(fx, "no hex at all", "65536");
    expect_open_fails(fx, FLUME_ERR_DAMAGED, "restore it from a backup");
    run_command("rm '%s/flume.conf'", fx->path);
    write_file(fixture_path(fx, "basin.flume/flume.conf"), 0, "flume basin\n", 12);
    expect_open_fails(fx, FLUME_ERR_DAMAGED, "restore it from a backup");
}

/* --- Where a basin may lie --- */

static void a_basin_may_lie_in_the_root_directory_or_in_this_one(void **state)
{
    static const char *const paths[] = {"/b.flume", "c.flume", "/b.flume///"};
    struct log_fixture *fx = *state;
    flume_io io;

    assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
    assert_int_equal(io.make_directory(io.ctx, "/"), 0);
    assert_int_equal(io.make_directory(io.ctx, "."), 0);
    fx->options.io = &io;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        flume_error error;

        (void)snprintf(fx->path, sizeof fx->path, "%s", paths[i]);
        open_log(fx);
        (void)append_text(fx->log, "one");
        expect_text(fx->log, 1, "one");
        close_log(fx);
        if (flume_check(fx->path, &(flume_check_options){.io = &io}, NULL, &error) != FLUME_OK)
            fail_msg("%s", error.message);
    }
    io_memory_destroy(&io);
    fx->options.io = NULL;
}

/* --- Without memory --- */

static void any_request_for_memory_at_open_may_fail(void **state)
{
    static const char *const labels[] = {"a", "b"};
    static const char *const paths[] = {NULL, ":memory:"};
    struct log_fixture *fx = *state;
    struct fault_memory memory;

    fault_memory_init(&memory);
    fx->options.allocator = &memory.table;
    fx->options.labels = labels;
    fx->options.label_count = 2;
    fx->options.build = "1";
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        uint64_t failed = 1;

        if (paths[i] != NULL)
            (void)snprintf(fx->path, sizeof fx->path, "%s", paths[i]);
        for (uint64_t nth = 1; failed > 0; nth++) {
            int status;

            fault_memory_plan(&memory, nth, FAULT_ONCE);
            status = try_open(fx);
            failed = atomic_load(&memory.failed);
            if (failed == 0)
                assert_int_equal(status, FLUME_OK);
            else if (status != FLUME_OK)
                assert_int_equal(status, FLUME_ERR_NO_MEMORY);
            assert_int_equal(atomic_load(&memory.live_blocks), 0);
        }
    }
    fault_memory_deinit(&memory);
    fx->options.allocator = NULL;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        log_test(a_basin_in_use_by_another_boot_is_busy),
        closed_log_test(on_a_remote_file_system_a_writer_is_alone),
        closed_log_test(mapping_where_a_store_may_fail_is_refused),
        closed_log_test(who_asks_to_be_alone_is_told_of_one_of_the_others),
        closed_log_test(a_gate_that_is_taken_is_told_also_without_head),
        closed_log_test(a_member_that_leaves_head_closed_keeps_the_basin_busy),
        closed_log_test(a_head_of_another_device_counts_for_nothing),
        closed_log_test(slots_that_end_elsewhere_are_made_anew),
        closed_log_test(a_basin_on_a_file_system_that_is_read_only_is_read),
        closed_log_test(a_basin_in_memory_is_not_there_to_be_read_only),
        log_test(settings_that_cannot_be_are_damage),
        closed_log_test(a_basin_may_lie_in_the_root_directory_or_in_this_one),
        closed_log_test(any_request_for_memory_at_open_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
