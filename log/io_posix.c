/*
 * io_posix.c - the io table of a real system: Linux.
 *
 * What always holds:
 *   - What failed is in the result, as a negative errno; errno itself is nobody's to read.
 *   - An interrupted call is made again; a short read or write is handed on as it is.
 *   - Every descriptor is closed on exec and is not 0, 1 or 2.
 *   - Nothing here keeps state, so any thread may call anything at any time, also after fork.
 */
#include "io_posix.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "flume/io.h"

enum {
    NS_PER_S = 1000000000,
    STAT_BLOCK_BYTES = 512, /* The unit of st_blocks, whatever the file system's blocks are. */
    FILE_MODE = 0666,       /* Less umask. */
    DIRECTORY_MODE = 0777,
    ALLOCATE_STEP_BYTES = 4 << 20,
    BOOT_ID_BYTES = 16,
    BOOT_ID_TEXT_BYTES = 36
};
static_assert(sizeof(off_t) == sizeof(uint64_t), "files may be larger than 2 GiB");

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

/* --- Files -------------------------------------------------------------------------------------*/

int io_posix_above_standard(int file)
{
    int result;

    if (file < 0 || file > STDERR_FILENO)
        return file;
    result = fcntl(file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (result < 0)
        result = -errno;
    (void)close(file); /* Nothing was written through it. */
    return result;
}

static int posix_open(void *ctx, const char *path, unsigned flags)
{
    int how = O_CLOEXEC | O_NOCTTY;
    int file;

    (void)ctx;
    how |= (flags & FLUME_IO_WRITE) != 0 ? O_RDWR : O_RDONLY;
    how |= (flags & FLUME_IO_CREATE) != 0 ? O_CREAT : 0;
    how |= (flags & FLUME_IO_EXCLUSIVE) != 0 ? O_EXCL : 0;
    how |= (flags & FLUME_IO_DIRECT) != 0 ? O_DIRECT : 0;
    do
        file = open(path, how, FILE_MODE);
    while (file < 0 && errno == EINTR);
    return file < 0 ? -errno : io_posix_above_standard(file);
}

static void posix_close(void *ctx, int file)
{
    (void)ctx;
    /* Not repeated after EINTR: Linux has freed the descriptor all the same, and another thread may
     * have it by now. What close reports of lost writes, sync has reported before. */
    (void)close(file);
}

static int64_t posix_pread(void *ctx, int file, void *target, size_t bytes, uint64_t offset)
{
    ssize_t result;

    (void)ctx;
    do
        result = pread(file, target, bytes, (off_t)offset);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

static int64_t posix_pwrite(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    ssize_t result;

    (void)ctx;
    do
        result = pwrite(file, source, bytes, (off_t)offset);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

static int allocate_range(int file, int mode, uint64_t offset, uint64_t bytes)
{
    int result;

    do
        result = fallocate(file, mode, (off_t)offset, (off_t)bytes);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

/*
 * posix_fallocate is not used: where the file system cannot allocate it touches every block, which
 * is slow, races with other writers, and reserves nothing on a file system that copies on write.
 *
 * In steps, because tmpfs of older kernels gives back all of a call that a signal interrupts: a
 * program with a profiling timer might never get a large file done at once. For 64 MiB the steps
 * cost 50 us on ext4, where one call costs 20.
 */
static int posix_allocate(void *ctx, int file, uint64_t bytes)
{
    uint64_t done = 0;
    int error = 0;

    (void)ctx;
    while (done < bytes && error == 0) {
        uint64_t step = bytes - done < ALLOCATE_STEP_BYTES ? bytes - done : ALLOCATE_STEP_BYTES;

        error = allocate_range(file, 0, done, step);
        done += step;
    }
    return error;
}

static int posix_punch(void *ctx, int file, uint64_t offset, uint64_t bytes)
{
    (void)ctx;
    if (bytes == 0)
        return 0;
    return allocate_range(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes);
}

static int posix_sync(void *ctx, int file)
{
    int result;

    (void)ctx;
    do
        result = fdatasync(file);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

static int posix_stat(void *ctx, int file, flume_io_stat *out_stat)
{
    struct stat info;

    (void)ctx;
    if (fstat(file, &info) < 0)
        return -errno;
    *out_stat = (flume_io_stat){
        .bytes = (uint64_t)info.st_size,
        .allocated = (uint64_t)info.st_blocks * STAT_BLOCK_BYTES,
        .device = (uint64_t)info.st_dev,
        .inode = (uint64_t)info.st_ino,
        .is_directory = S_ISDIR(info.st_mode),
    };
    return 0;
}

static int posix_map(void *ctx, int file, uint64_t offset, size_t bytes, bool writable,
                     void **out_data)
{
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void *data = mmap(NULL, bytes, protection, MAP_SHARED, file, (off_t)offset);

    (void)ctx;
    if (data == MAP_FAILED)
        return -errno;
    *out_data = data;
    return 0;
}

static void posix_unmap(void *ctx, void *data, size_t bytes)
{
    int result = munmap(data, bytes);

    (void)ctx;
    assert(result == 0); /* Only a range that was never mapped is refused. */
    (void)result;
}

static void posix_touch(void *ctx, void *data, size_t bytes)
{
    (void)ctx;
    (void)madvise(data, bytes, MADV_POPULATE_WRITE); /* Linux 5.14; older ones take the faults. */
}

/* --- Locks: of one byte each, held by an open file description (OFD), not by a process ---------*/

static int posix_lock(void *ctx, int file, uint64_t offset, enum flume_io_lock how)
{
    static const short types[] = {
        [FLUME_IO_UNLOCK] = F_UNLCK,
        [FLUME_IO_LOCK_SHARED] = F_RDLCK,
        [FLUME_IO_LOCK_EXCLUSIVE] = F_WRLCK,
    };
    struct flock lock = {.l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = 1};
    int result;

    (void)ctx;
    assert(how <= FLUME_IO_LOCK_EXCLUSIVE);
    lock.l_type = types[how];
    do
        result = fcntl(file, F_OFD_SETLK, &lock);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return errno == EACCES ? -EAGAIN : -errno; /* POSIX allows either for "held". */
    return 0;
}

static int posix_lock_test(void *ctx, int file, uint64_t offset)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = 1};
    int result;

    (void)ctx;
    do
        result = fcntl(file, F_OFD_GETLK, &lock);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return -errno;
    return lock.l_type != F_UNLCK;
}

/* --- Names -------------------------------------------------------------------------------------*/

static int posix_rename(void *ctx, const char *from, const char *to)
{
    (void)ctx;
    return rename(from, to) < 0 ? -errno : 0;
}

static int posix_make_link(void *ctx, const char *target, const char *path)
{
    (void)ctx;
    return symlink(target, path) < 0 ? -errno : 0;
}

static int64_t posix_read_link(void *ctx, const char *path, char *out_target, size_t bytes)
{
    ssize_t got = readlink(path, out_target, bytes);

    (void)ctx;
    return got < 0 ? -errno : got;
}

static int posix_unlink(void *ctx, const char *path)
{
    (void)ctx;
    return unlink(path) < 0 ? -errno : 0;
}

static int posix_make_directory(void *ctx, const char *path)
{
    (void)ctx;
    return mkdir(path, DIRECTORY_MODE) < 0 ? -errno : 0;
}

static int open_directory(const char *path)
{
    int file;

    do
        file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (file < 0 && errno == EINTR);
    return file < 0 ? -errno : io_posix_above_standard(file);
}

static int posix_sync_directory(void *ctx, const char *path)
{
    int file = open_directory(path);
    int result;

    (void)ctx;
    if (file < 0)
        return file;
    do
        result = fsync(file);
    while (result < 0 && errno == EINTR);
    result = result < 0 ? -errno : 0;
    (void)close(file); /* Opened for reading: nothing to lose. */
    /* EINVAL: this file system keeps nothing about a directory that could be synced. */
    return result == -EINVAL ? 0 : result;
}

static int list_names(DIR *directory, flume_io_name name, void *name_ctx)
{
    int result = 0;

    while (result == 0) {
        const struct dirent *entry;

        errno = 0; /* NULL alone does not tell the end from an error. */
        entry = readdir(directory);
        if (entry == NULL)
            return -errno;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = name(name_ctx, entry->d_name);
    }
    return result;
}

/* The result is what the callback returned if it stopped. */
static int posix_list(void *ctx, const char *path, flume_io_name name, void *name_ctx)
{
    int file = open_directory(path);
    DIR *directory;
    int result;

    (void)ctx;
    if (file < 0)
        return file;
    directory = fdopendir(file);
    if (directory == NULL) {
        result = -errno;
        (void)close(file);
        return result;
    }
    result = list_names(directory, name, name_ctx);
    (void)closedir(directory); /* Closes the descriptor too. */
    return result;
}

/* --- File systems ------------------------------------------------------------------------------*/

/*
 * ext2, ext3, ext4 and tmpfs: blocks that fallocate has reserved are the ones a later store goes
 * to, so a store into a mapping of them cannot fail for want of space. Elsewhere a full disk can
 * turn such a store into a SIGBUS, in a program that only wanted to record something:
 *   - btrfs, ZFS, bcachefs and overlayfs write to new blocks what is written again;
 *   - XFS does so for a file that was copied by reference (cp --reflink), and nothing forbids
 *     that copy after the file was mapped;
 *   - ramfs and exFAT cannot reserve at all.
 */
static const uint32_t mapped_magics[] = {
    0x0000EF53, /* ext2, ext3, ext4 */
    0x01021994, /* tmpfs */
};

/*
 * Shared mappings and byte-range locks do not reach from one machine to the other here, or only
 * with delay: one process at a time. Cluster file systems on a shared disk are among them.
 */
static const uint32_t remote_magics[] = {
    0x00006969, /* NFS */
    0x65735546, /* FUSE, virtiofs: whatever the program behind it does. */
    0x0000517B, /* SMB */
    0xFF534D42, /* CIFS */
    0xFE534D42, /* SMB2 */
    0x01021997, /* 9p */
    0x00C36400, /* Ceph */
    0x5346414F, /* AFS (OpenAFS) */
    0x6B414653, /* AFS (of the kernel) */
    0x73757245, /* Coda */
    0x0000564C, /* NCP */
    0x0BD00BD0, /* Lustre */
    0x47504653, /* GPFS */
    0x20030528, /* OrangeFS */
    0x01161970, /* GFS2 */
    0x7461636F, /* OCFS2 */
    0x19830326, /* BeeGFS */
    0x786F4256, /* Shared folder of VirtualBox */
    0xBACBACBC, /* Shared folder of VMware */
    0x7C7C6673, /* Shared folder of Parallels */
};

static bool is_among(uint32_t magic, const uint32_t *magics, size_t magic_count)
{
    for (size_t i = 0; i < magic_count; i++) {
        if (magics[i] == magic)
            return true;
    }
    return false;
}

static int posix_file_system(void *ctx, const char *path)
{
    struct statfs info;
    uint32_t magic;
    int result;

    (void)ctx;
    do
        result = statfs(path, &info);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return -errno;
    magic = (uint32_t)info.f_type; /* Signed or unsigned, 4 or 8 bytes: 32 bits count. */
    if (is_among(magic, mapped_magics, sizeof mapped_magics / sizeof mapped_magics[0]))
        return FLUME_IO_FS_MAPPED;
    if (is_among(magic, remote_magics, sizeof remote_magics / sizeof remote_magics[0]))
        return FLUME_IO_FS_REMOTE;
    return FLUME_IO_FS_LOCAL;
}

/* --- Time, chance, identity --------------------------------------------------------------------*/

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    int result = clock_gettime(clock, &now);

    assert(result == 0); /* Every Linux that has OFD locks has both clocks. */
    (void)result;
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t posix_wall_ns(void *ctx)
{
    (void)ctx;
    return clock_ns(CLOCK_REALTIME);
}

static uint64_t posix_monotonic_ns(void *ctx)
{
    (void)ctx;
    return clock_ns(CLOCK_BOOTTIME);
}

static int posix_random(void *ctx, void *target, size_t bytes)
{
    size_t done = 0;

    (void)ctx;
    while (done < bytes) {
        ssize_t result = getrandom((uint8_t *)target + done, bytes - done, 0);

        if (result < 0 && errno != EINTR)
            return -errno;
        if (result > 0)
            done += (size_t)result;
    }
    return 0;
}

/* -1: not a hexadecimal digit. */
static int hex_value(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = digit != '\0' ? strchr(digits, digit) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

/* 32 lower-case digits with hyphens anywhere among them. */
static bool parse_boot_id(const char *text, size_t length, uint8_t out_id[BOOT_ID_BYTES])
{
    size_t digit_count = 0;

    memset(out_id, 0, BOOT_ID_BYTES);
    for (size_t i = 0; i < length; i++) {
        int value = hex_value(text[i]);

        if (text[i] == '-')
            continue;
        if (value < 0 || digit_count == 2 * BOOT_ID_BYTES)
            return false;
        out_id[digit_count / 2] = (uint8_t)(out_id[digit_count / 2] << 4 | value);
        digit_count++;
    }
    return digit_count == 2 * BOOT_ID_BYTES;
}

static int posix_boot_id(void *ctx, uint8_t out_id[BOOT_ID_BYTES])
{
    char text[BOOT_ID_TEXT_BYTES];
    uint8_t id[BOOT_ID_BYTES];
    int file = posix_open(ctx, BOOT_ID_PATH, FLUME_IO_READ);
    int64_t length;

    if (file < 0)
        return file;
    length = posix_pread(ctx, file, text, sizeof text, 0);
    posix_close(ctx, file);
    if (length < 0)
        return (int)length;
    if (!parse_boot_id(text, (size_t)length, id))
        return -EINVAL;
    memcpy(out_id, id, sizeof id);
    return 0;
}

/* --- Waiting -----------------------------------------------------------------------------------*/

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

static void posix_wait(void *ctx, const uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    struct timespec timeout = timespec_of(timeout_ns);

    (void)ctx;
    /* Not FUTEX_PRIVATE: the word is shared by processes. Every way to fail (time up, changed, a
     * signal) is a reason to look at the word again, and that the caller does anyway. */
    (void)syscall(SYS_futex, word, FUTEX_WAIT, expected, timeout_ns == UINT64_MAX ? NULL : &timeout,
                  NULL, 0);
}

static void posix_wake(void *ctx, const uint32_t *word)
{
    (void)ctx;
    (void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0); /* Nobody waits: fine. */
}

static void posix_sleep(void *ctx, uint64_t ns)
{
    struct timespec left = timespec_of(ns);

    (void)ctx;
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}

/* --- The table ---------------------------------------------------------------------------------*/

const flume_io *flume_io_posix(void)
{
    static const flume_io table = {
        .open = posix_open,
        .close = posix_close,
        .pread = posix_pread,
        .pwrite = posix_pwrite,
        .allocate = posix_allocate,
        .punch = posix_punch,
        .sync = posix_sync,
        .stat = posix_stat,
        .map = posix_map,
        .unmap = posix_unmap,
        .touch = posix_touch,
        .lock = posix_lock,
        .lock_test = posix_lock_test,
        .rename = posix_rename,
        .unlink = posix_unlink,
        .make_link = posix_make_link,
        .read_link = posix_read_link,
        .make_directory = posix_make_directory,
        .sync_directory = posix_sync_directory,
        .list = posix_list,
        .file_system = posix_file_system,
        .wall_ns = posix_wall_ns,
        .monotonic_ns = posix_monotonic_ns,
        .random = posix_random,
        .boot_id = posix_boot_id,
        .wait = posix_wait,
        .wake = posix_wake,
        .sleep = posix_sleep,
    };

    return &table;
}
