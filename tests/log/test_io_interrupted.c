/*
 * test_io_interrupted.c - what the io tables make of a system that interrupts, fails or is of
 * another kind.
 *
 * This program has functions of its own in the place of some of libc's. Each one does what the test
 * has ordered for its next call, and is the system call otherwise.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "io_fixture.h"

/* --- The system's place-takers -----------------------------------------------------------------*/

static struct {
    const char *function; /* Whose next calls fail; NULL: nobody's. */
    int error;
    unsigned count; /* So many times. */
} order;

static long file_system_magic;   /* What statfs says; 0: the truth. */
static size_t random_bytes_max;  /* What getrandom gives at once; 0: no limit. */
static const char *boot_id_text; /* What a read of the boot id gives; NULL: the truth. */

static void order_failure(const char *function, int error, unsigned count)
{
    order.function = function;
    order.error = error;
    order.count = count;
}

static bool fails(const char *function)
{
    if (order.function == NULL || order.count == 0 || strcmp(order.function, function) != 0)
        return false;
    order.count--;
    errno = order.error;
    return true;
}

int open(const char *path, int how, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, how);
    mode = (how & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails("open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, how, mode);
}

int fcntl(int file, int command, ...)
{
    va_list arguments;
    long argument; /* A number or a pointer, as the command wants: all commands take a word. */

    va_start(arguments, command);
    argument = va_arg(arguments, long);
    va_end(arguments);
    return fails("fcntl") ? -1 : (int)syscall(SYS_fcntl, file, command, argument);
}

int memfd_create(const char *name, unsigned flags)
{
    return fails("memfd_create") ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}

ssize_t pread(int file, void *target, size_t bytes, off_t offset)
{
    if (fails("pread"))
        return -1;
    if (boot_id_text != NULL) {
        size_t length = strlen(boot_id_text) < bytes ? strlen(boot_id_text) : bytes;

        memcpy(target, boot_id_text, length);
        return (ssize_t)length;
    }
    return syscall(SYS_pread64, file, target, bytes, offset);
}

ssize_t pwrite(int file, const void *source, size_t bytes, off_t offset)
{
    return fails("pwrite") ? -1 : syscall(SYS_pwrite64, file, source, bytes, offset);
}

int fallocate(int file, int mode, off_t offset, off_t bytes)
{
    return fails("fallocate") ? -1 : (int)syscall(SYS_fallocate, file, mode, offset, bytes);
}

int fdatasync(int file)
{
    return fails("fdatasync") ? -1 : (int)syscall(SYS_fdatasync, file);
}

int fsync(int file)
{
    return fails("fsync") ? -1 : (int)syscall(SYS_fsync, file);
}

ssize_t getrandom(void *target, size_t bytes, unsigned flags)
{
    if (fails("getrandom"))
        return -1;
    if (random_bytes_max != 0 && bytes > random_bytes_max)
        bytes = random_bytes_max;
    return syscall(SYS_getrandom, target, bytes, flags);
}

int statfs(const char *path, struct statfs *out_info)
{
    int result = fails("statfs") ? -1 : (int)syscall(SYS_statfs, path, out_info);

    if (result == 0 && file_system_magic != 0)
        out_info->f_type = file_system_magic;
    return result;
}

DIR *fdopendir(int file)
{
    (void)file;
    return NULL; /* Only called by list, and only the failure is of interest here. */
}

/* --- The tests ---------------------------------------------------------------------------------*/

static int setup(void **state)
{
    order.function = NULL;
    file_system_magic = 0;
    random_bytes_max = 0;
    boot_id_text = NULL;
    return setup_posix(state);
}

static void interrupted_calls_are_made_again(void **state)
{
    struct fixture *fx = *state;
    int file = must_create(fx, "a");
    char found[4];

    close_file(fx, file);
    order_failure("open", EINTR, 2);
    file = must_open(fx, "a", FLUME_IO_WRITE);
    order_failure("pwrite", EINTR, 2);
    assert_int_equal(fx->io->pwrite(fx->io->ctx, file, "text", 4, 0), 4);
    order_failure("pread", EINTR, 2);
    assert_int_equal(fx->io->pread(fx->io->ctx, file, found, 4, 0), 4);
    order_failure("fallocate", EINTR, 2);
    assert_int_equal(fx->io->allocate(fx->io->ctx, file, PAGE), 0);
    order_failure("fallocate", EINTR, 2);
    assert_int_equal(fx->io->punch(fx->io->ctx, file, 0, PAGE), 0);
    order_failure("fdatasync", EINTR, 2);
    assert_int_equal(fx->io->sync(fx->io->ctx, file), 0);
    order_failure("open", EINTR, 2);
    assert_int_equal(fx->io->sync_directory(fx->io->ctx, fx->root), 0);
    order_failure("fsync", EINTR, 2);
    assert_int_equal(fx->io->sync_directory(fx->io->ctx, fx->root), 0);
    order_failure("fcntl", EINTR, 2);
    assert_int_equal(lock(fx, file, 0, FLUME_IO_LOCK_EXCLUSIVE), 0);
    order_failure("fcntl", EINTR, 2);
    assert_int_equal(lock_test(fx, file, 0), 0);
    order_failure("statfs", EINTR, 2);
    assert_true(fx->io->file_system(fx->io->ctx, fx->root) > 0);
    order_failure("getrandom", EINTR, 2);
    assert_int_equal(fx->io->random(fx->io->ctx, found, sizeof found), 0);
    assert_int_equal(order.count, 0);
    close_file(fx, file);
}

static void failures_come_back_as_their_errno(void **state)
{
    struct fixture *fx = *state;
    int file = must_create(fx, "a");
    char found[4];
    uint8_t id[16];

    order_failure("pwrite", ENOSPC, 1);
    assert_int_equal(fx->io->pwrite(fx->io->ctx, file, "text", 4, 0), -ENOSPC);
    order_failure("pread", EIO, 1);
    assert_int_equal(fx->io->pread(fx->io->ctx, file, found, 4, 0), -EIO);
    order_failure("fallocate", EOPNOTSUPP, 1);
    assert_int_equal(fx->io->allocate(fx->io->ctx, file, PAGE), -EOPNOTSUPP);
    order_failure("fallocate", EOPNOTSUPP, 1);
    assert_int_equal(fx->io->punch(fx->io->ctx, file, 0, PAGE), -EOPNOTSUPP);
    order_failure("fdatasync", EIO, 1);
    assert_int_equal(fx->io->sync(fx->io->ctx, file), -EIO);
    order_failure("fsync", EIO, 1);
    assert_int_equal(fx->io->sync_directory(fx->io->ctx, fx->root), -EIO);
    order_failure("fcntl", ENOLCK, 1);
    assert_int_equal(lock(fx, file, 0, FLUME_IO_LOCK_EXCLUSIVE), -ENOLCK);
    order_failure("fcntl", ENOLCK, 1);
    assert_int_equal(lock_test(fx, file, 0), -ENOLCK);
    order_failure("getrandom", ENOSYS, 1);
    assert_int_equal(fx->io->random(fx->io->ctx, found, sizeof found), -ENOSYS);
    order_failure("open", ENOENT, 1);
    assert_int_equal(fx->io->boot_id(fx->io->ctx, id), -ENOENT);
    order_failure("pread", EIO, 1);
    assert_int_equal(fx->io->boot_id(fx->io->ctx, id), -EIO);
    close_file(fx, file);
}

static void a_held_lock_is_one_error_whatever_the_system_calls_it(void **state)
{
    int file = must_create(*state, "a");

    order_failure("fcntl", EACCES, 1);
    assert_int_equal(lock(*state, file, 0, FLUME_IO_LOCK_EXCLUSIVE), -EAGAIN);
    order_failure("fcntl", EAGAIN, 1);
    assert_int_equal(lock(*state, file, 0, FLUME_IO_LOCK_EXCLUSIVE), -EAGAIN);
    close_file(*state, file);
}

static void a_file_that_would_be_standard_input_and_cannot_move_is_closed(void **state)
{
    int kept = dup(STDIN_FILENO);
    int result, still_open;

    assert_true(kept >= 0);
    (void)close(STDIN_FILENO);
    order_failure("fcntl", EMFILE, 1);
    result = try_open(*state, "a", FLUME_IO_WRITE | FLUME_IO_CREATE);
    still_open = fcntl(STDIN_FILENO, F_GETFD, 0L);
    assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
    (void)close(kept);
    assert_int_equal(result, -EMFILE);
    assert_int_equal(still_open, -1);
}

static void a_full_disk_ends_allocate_at_once(void **state)
{
    struct fixture *fx = *state;
    int file = must_create(fx, "a");

    order_failure("fallocate", ENOSPC, 1);
    assert_int_equal(fx->io->allocate(fx->io->ctx, file, (uint64_t)64 << 20), -ENOSPC);
    assert_int_equal(stat_of(fx, file).bytes, 0);
    close_file(fx, file);
}

static void random_bytes_may_come_in_pieces(void **state)
{
    struct fixture *fx = *state;
    uint8_t target[64] = {0};
    unsigned zeros = 0;

    random_bytes_max = 5;
    assert_int_equal(fx->io->random(fx->io->ctx, target, sizeof target), 0);
    for (size_t i = 0; i < sizeof target; i++)
        zeros += target[i] == 0;
    assert_true(zeros < 16); /* By chance less than once in 10^20 runs. */
}

static void list_reports_that_it_has_no_memory(void **state)
{
    struct fixture *fx = *state;
    struct listing listing = {.count = 0};
    int file = must_create(fx, "a");

    errno = ENOMEM;
    assert_true(list(fx, fx->root, &listing) < 0);
    assert_int_equal(listing.count, 0);
    /* The directory's descriptor was given back: the next one has the same number. */
    close_file(fx, file);
    assert_int_equal(must_open(fx, "a", FLUME_IO_READ), file);
    close_file(fx, file);
}

static void a_boot_id_that_is_none_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "0123456789abcdef",
        "01234567-89ab-cdef-0123-456789abcdeg",
        "0123456789abcdef0123456789abcdef0",
        "----",
    };
    struct fixture *fx = *state;
    uint8_t id[16] = {7};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        boot_id_text = texts[i];
        assert_int_equal(fx->io->boot_id(fx->io->ctx, id), -EINVAL);
        assert_int_equal(id[0], 7); /* Untouched on error. */
    }
    boot_id_text = "01234567-89ab-cdef-0123-456789abcdef";
    assert_int_equal(fx->io->boot_id(fx->io->ctx, id), 0);
    assert_memory_equal(id, "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef", 16);
}

static void the_file_system_decides_how_files_are_written(void **state)
{
    static const struct {
        long magic;
        int expected;
    } cases[] = {
        {0xEF53, FLUME_IO_FS_MAPPED},     /* ext4 */
        {0x01021994, FLUME_IO_FS_MAPPED}, /* tmpfs */
        {0x9123683E, FLUME_IO_FS_LOCAL},  /* btrfs */
        {0x58465342, FLUME_IO_FS_LOCAL},  /* XFS */
        {0x2FC12FC1, FLUME_IO_FS_LOCAL},  /* ZFS */
        {0x794C7630, FLUME_IO_FS_LOCAL},  /* overlayfs */
        {0xF2F52010, FLUME_IO_FS_LOCAL},  /* F2FS */
        {0x12345678, FLUME_IO_FS_LOCAL},  /* nobody's */
        {0x6969, FLUME_IO_FS_REMOTE},     /* NFS */
        {0x65735546, FLUME_IO_FS_REMOTE}, /* FUSE */
        {0xFF534D42, FLUME_IO_FS_REMOTE}, /* CIFS */
        {0xFE534D42, FLUME_IO_FS_REMOTE}, /* SMB2 */
        {0x01021997, FLUME_IO_FS_REMOTE}, /* 9p */
        {0x00C36400, FLUME_IO_FS_REMOTE}, /* Ceph */
        {0x5346414F, FLUME_IO_FS_REMOTE}, /* AFS */
    };
    struct fixture *fx = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        file_system_magic = cases[i].magic;
        assert_int_equal(fx->io->file_system(fx->io->ctx, fx->root), cases[i].expected);
    }
}

static void without_proc_a_file_in_memory_is_opened_all_the_same(void **state)
{
    static const int errors[] = {ENOENT, EACCES};
    flume_io io;
    char found[4];
    int one, two;

    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
        order_failure("open", errors[i], 2);
        one = io.open(io.ctx, "a", FLUME_IO_WRITE | FLUME_IO_CREATE);
        two = io.open(io.ctx, "a", FLUME_IO_READ);
        assert_true(one > STDERR_FILENO);
        assert_true(two > STDERR_FILENO);
        assert_int_equal(order.count, 0);
        assert_int_equal(io.pwrite(io.ctx, one, "text", 4, 0), 4);
        assert_int_equal(io.pread(io.ctx, two, found, sizeof found, 0), 4);
        assert_memory_equal(found, "text", 4);
        io.close(io.ctx, one);
        io.close(io.ctx, two);
        io_memory_destroy(&io);
    }
}

static void an_older_kernel_makes_files_in_memory_too(void **state)
{
    flume_io io;
    int file;

    (void)state;
    assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
    order_failure("memfd_create", EINVAL, 1);
    file = io.open(io.ctx, "a", FLUME_IO_WRITE | FLUME_IO_CREATE);
    assert_true(file >= 0);
    io.close(io.ctx, file);
    io_memory_destroy(&io);
}

static void a_file_in_memory_that_cannot_be_opened_is_not_made(void **state)
{
    flume_io io;

    (void)state;
    assert_int_equal(io_memory_create(NULL, &io), FLUME_OK);
    order_failure("memfd_create", EINVAL, 2);
    assert_int_equal(io.open(io.ctx, "a", FLUME_IO_WRITE | FLUME_IO_CREATE), -EINVAL);
    order_failure("open", ENFILE, 1);
    assert_int_equal(io.open(io.ctx, "a", FLUME_IO_WRITE | FLUME_IO_CREATE), -ENFILE);
    assert_int_equal(io.open(io.ctx, "a", FLUME_IO_READ), -ENOENT);
    io_memory_destroy(&io);
}

static void on_alarm(int signal)
{
    (void)signal;
}

/* Without SA_RESTART, so that system calls are interrupted. 0: no more. */
static void alarms(int interval_us)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval timer = {.it_interval.tv_usec = interval_us, .it_value.tv_usec = interval_us};

    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void a_storm_of_signals_stops_neither_allocate_nor_sleep(void **state)
{
    const flume_io *io = flume_io_posix();
    uint64_t bytes = (uint64_t)64 << 20;
    int file = memfd_create("signals", MFD_CLOEXEC);
    uint64_t before_ns = io->monotonic_ns(io->ctx);
    flume_io_stat info;

    (void)state;
    assert_true(file >= 0);
    alarms(1000);
    assert_int_equal(io->allocate(io->ctx, file, bytes), 0);
    io->sleep(io->ctx, 20 * MS);
    alarms(0);
    assert_int_equal(io->stat(io->ctx, file, &info), 0);
    assert_true(info.allocated >= bytes);
    assert_true(io->monotonic_ns(io->ctx) >= before_ns + 20 * MS);
    io->close(io->ctx, file);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupted_calls_are_made_again),
        cmocka_unit_test(failures_come_back_as_their_errno),
        cmocka_unit_test(a_held_lock_is_one_error_whatever_the_system_calls_it),
        cmocka_unit_test(a_file_that_would_be_standard_input_and_cannot_move_is_closed),
        cmocka_unit_test(a_full_disk_ends_allocate_at_once),
        cmocka_unit_test(random_bytes_may_come_in_pieces),
        cmocka_unit_test(list_reports_that_it_has_no_memory),
        cmocka_unit_test(a_boot_id_that_is_none_is_refused),
        cmocka_unit_test(the_file_system_decides_how_files_are_written),
        cmocka_unit_test(without_proc_a_file_in_memory_is_opened_all_the_same),
        cmocka_unit_test(an_older_kernel_makes_files_in_memory_too),
        cmocka_unit_test(a_file_in_memory_that_cannot_be_opened_is_not_made),
        cmocka_unit_test(a_storm_of_signals_stops_neither_allocate_nor_sleep),
    };

    return run_with("interrupted", tests, sizeof tests / sizeof tests[0], setup);
}
