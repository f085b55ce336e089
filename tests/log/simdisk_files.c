/*
 * simdisk_files.c - the simulated disk's functions on files, locks and names.
 *
 * What always holds: a function that reaches files or names runs between sim_call_begin() and
 * sim_call_end(), which hold the disk's mutex and decide whether the machine still runs.
 */
#include "simdisk_inside.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* --- Files ------------------------------------------------------------------------------------ */

static struct sim_file *file_of(struct simdisk *disk, int file)
{
    assert(file >= 0 && file < SIM_FILES_MAX);
    assert(disk->files[file].node != NULL);
    return &disk->files[file];
}

static int file_slot(struct simdisk *disk, struct sim_process *process, const char *path,
                     struct sim_node *node, unsigned flags)
{
    for (int i = 0; i < SIM_FILES_MAX; i++) {
        struct sim_file *file = &disk->files[i];

        if (file->node != NULL)
            continue;
        file->node = node;
        file->process = process;
        file->flags = flags;
        file->sync_errors_seen = node->sync_errors;
        (void)strncpy(file->path, path, sizeof file->path - 1);
        node_hold(node);
        disk->open_files++;
        return i;
    }
    return -EMFILE;
}

static bool has_parent(struct simdisk *disk, const char *path)
{
    char parent[SIM_PATH_BYTES];
    char *slash;

    (void)strncpy(parent, path, sizeof parent - 1);
    parent[sizeof parent - 1] = '\0';
    slash = strrchr(parent, '/');
    if (slash == NULL || slash == parent)
        return true;
    *slash = '\0';
    return names_find(&disk->live, parent) != NULL;
}

static int open_locked(struct simdisk *disk, struct sim_process *process, const char *path,
                       unsigned flags)
{
    struct sim_node *node = names_find(&disk->live, path);

    if (node != NULL && (flags & FLUME_IO_CREATE) != 0 && (flags & FLUME_IO_EXCLUSIVE) != 0)
        return -EEXIST;
    if (node != NULL && node->is_directory && (flags & FLUME_IO_WRITE) != 0)
        return -EISDIR;
    if (node == NULL) {
        if ((flags & FLUME_IO_CREATE) == 0 || !has_parent(disk, path))
            return -ENOENT;
        node = node_create(disk, false);
        sim_change_make(disk, SIM_LINK, path, NULL, node);
    }
    return file_slot(disk, process, path, node, flags);
}

static int sim_open(void *ctx, const char *path, unsigned flags)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    int result = -EIO;

    if (turn != TURN_REFUSE)
        result = open_locked(process->disk, process, path, flags);
    if (turn == TURN_GO_AND_STOP && result >= 0) {
        node_release(process->disk->files[result].node);
        process->disk->files[result].node = NULL;
        process->disk->open_files--;
    }
    return (int)sim_call_end(process, turn, result);
}

static void close_locked(struct simdisk *disk, int file)
{
    for (size_t i = 0; i < disk->lock_end; i++) {
        if (disk->locks[i].how != FLUME_IO_UNLOCK && disk->locks[i].file == file)
            disk->locks[i].how = FLUME_IO_UNLOCK;
    }
    while (disk->lock_end > 0 && disk->locks[disk->lock_end - 1].how == FLUME_IO_UNLOCK)
        disk->lock_end--;
    node_release(disk->files[file].node);
    disk->files[file].node = NULL;
    disk->open_files--;
}

void sim_release_files(struct simdisk *disk, const struct sim_process *process)
{
    for (int i = 0; i < SIM_FILES_MAX; i++) {
        if (disk->files[i].node != NULL && disk->files[i].process == process)
            close_locked(disk, i);
    }
}

static void sim_close(void *ctx, int file)
{
    struct sim_process *process = ctx;

    sim_enter(process);
    (void)file_of(process->disk, file);
    close_locked(process->disk, file);
    (void)pthread_mutex_unlock(&process->disk->mutex);
}

static int64_t read_locked(const struct sim_file *file, void *target, size_t bytes, uint64_t offset)
{
    struct sim_node *node = file->node;
    bool direct = (file->flags & FLUME_IO_DIRECT) != 0;

    if (node->is_directory)
        return -EISDIR;
    if (direct && (offset % SIMDISK_SECTOR_BYTES != 0 || bytes % SIMDISK_SECTOR_BYTES != 0 ||
                   (uintptr_t)target % SIMDISK_SECTOR_BYTES != 0))
        return -EINVAL;
    if (offset >= node->live_bytes)
        return 0;
    if (bytes > node->live_bytes - offset)
        bytes = (size_t)(node->live_bytes - offset);
    if (direct) {
        /* Dirty pages go out first, as they do in a kernel; then the disk itself answers. */
        node_flush(node);
        memcpy(target, node->disk + offset, bytes);
    } else {
        memcpy(target, node->live + offset, bytes);
    }
    return (int64_t)bytes;
}

static int64_t sim_pread(void *ctx, int file, void *target, size_t bytes, uint64_t offset)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    int64_t result = -EIO;

    if (turn != TURN_REFUSE)
        result = read_locked(file_of(process->disk, file), target, bytes, offset);
    return sim_call_end(process, turn, result);
}

static int space_locked(struct simdisk *disk, const struct sim_node *node, uint64_t bytes)
{
    uint64_t used = 0;

    if (disk->space == 0 || bytes <= node->live_bytes)
        return 0;
    for (size_t i = 0; i < disk->live.count; i++)
        used += disk->live.names[i].node->live_bytes;
    return used + bytes - node->live_bytes > disk->space ? -ENOSPC : 0;
}

static int64_t write_locked(struct simdisk *disk, struct sim_file *file, const void *source,
                            size_t bytes, uint64_t offset)
{
    struct sim_node *node = file->node;
    int status;

    if ((file->flags & FLUME_IO_WRITE) == 0)
        return -EBADF;
    status = space_locked(disk, node, offset + bytes);
    if (status == 0)
        status = node_grow(node, offset + bytes);
    if (status != 0)
        return status;
    memcpy(node->live + offset, source, bytes);
    node_touch(node, offset, bytes);
    return (int64_t)bytes;
}

static int64_t sim_pwrite(void *ctx, int file, const void *source, size_t bytes, uint64_t offset)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    int64_t result = -EIO;

    if (turn != TURN_REFUSE)
        result = write_locked(process->disk, file_of(process->disk, file), source, bytes, offset);
    return sim_call_end(process, turn, result);
}

static int sim_allocate(void *ctx, int file, uint64_t bytes)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    int result = -EIO;

    if (turn != TURN_REFUSE) {
        struct sim_node *node = file_of(process->disk, file)->node;

        result = space_locked(process->disk, node, bytes);
        if (result == 0)
            result = node_grow(node, bytes);
    }
    return (int)sim_call_end(process, turn, result);
}

static int sim_punch(void *ctx, int file, uint64_t offset, uint64_t bytes)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);

    if (turn != TURN_REFUSE) {
        struct sim_node *node = file_of(process->disk, file)->node;

        if (offset < node->live_bytes) {
            if (bytes > node->live_bytes - offset)
                bytes = node->live_bytes - offset;
            memset(node->live + offset, 0, bytes);
            node_touch(node, offset, bytes);
        }
    }
    return (int)sim_call_end(process, turn, 0);
}

static bool sync_fails_now(struct simdisk *disk, const struct sim_file *file)
{
    if (disk->fail_sync_nth == 0 || disk->fail_sync_process != file->process ||
        strstr(file->path, disk->fail_sync_part) == NULL)
        return false;
    if (--disk->fail_sync_nth > 0)
        return false;
    disk->sync_failed = true;
    return true;
}

/* A kernel tells each descriptor once of every error since it was opened. */
static int sync_locked(struct simdisk *disk, struct sim_file *file)
{
    struct sim_node *node = file->node;

    if (sync_fails_now(disk, file)) {
        node_sync_fail(node, &disk->random);
        if (disk->after_failure == SIMDISK_DIES)
            file->process->kill_after = 1; /* At the end of this call. */
    } else if (!node->is_directory) {
        node_sync(node);
    }
    if (file->sync_errors_seen == node->sync_errors)
        return 0;
    file->sync_errors_seen = node->sync_errors;
    return -EIO;
}

static int sim_sync(void *ctx, int file)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    int result = -EIO;

    if (turn != TURN_REFUSE)
        result = sync_locked(process->disk, file_of(process->disk, file));
    return (int)sim_call_end(process, turn, result);
}

static int sim_stat(void *ctx, int file, flume_io_stat *out_stat)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);

    if (turn != TURN_REFUSE) {
        const struct sim_node *node = file_of(process->disk, file)->node;

        *out_stat = (flume_io_stat){.bytes = node->live_bytes,
                                    .allocated = node->live_bytes,
                                    .device = 1,
                                    .inode = node->inode,
                                    .is_directory = node->is_directory};
    }
    return (int)sim_call_end(process, turn, 0);
}

static int sim_map(void *ctx, int file, uint64_t offset, size_t bytes, bool writable,
                   void **out_data)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    int result = -EIO;

    if (turn == TURN_GO) {
        struct sim_node *node = file_of(process->disk, file)->node;
        void *data = mmap(NULL, bytes, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED,
                          node->memory, (off_t)offset);

        result = data == MAP_FAILED ? -errno : 0;
        if (result == 0) {
            *out_data = data;
            process->disk->open_maps++;
        }
    }
    return (int)sim_call_end(process, turn, result);
}

static void sim_unmap(void *ctx, void *data, size_t bytes)
{
    struct sim_process *process = ctx;

    sim_enter(process);
    (void)munmap(data, bytes);
    process->disk->open_maps--;
    (void)pthread_mutex_unlock(&process->disk->mutex);
}

/* --- Locks ------------------------------------------------------------------------------------ */

static bool lock_conflicts(struct simdisk *disk, int file, uint64_t offset, enum flume_io_lock how)
{
    const struct sim_node *node = file_of(disk, file)->node;

    for (size_t i = 0; i < disk->lock_end; i++) {
        const struct sim_lock *lock = &disk->locks[i];

        if (lock->how != FLUME_IO_UNLOCK && lock->node == node && lock->offset == offset &&
            lock->file != file &&
            (how == FLUME_IO_LOCK_EXCLUSIVE || lock->how == FLUME_IO_LOCK_EXCLUSIVE))
            return true;
    }
    return false;
}

static int lock_locked(struct simdisk *disk, int file, uint64_t offset, enum flume_io_lock how)
{
    struct sim_lock *chosen = NULL;

    if (how != FLUME_IO_UNLOCK && lock_conflicts(disk, file, offset, how))
        return -EAGAIN;
    for (size_t i = 0; i < disk->lock_end; i++) {
        struct sim_lock *lock = &disk->locks[i];

        if (lock->how == FLUME_IO_UNLOCK && chosen == NULL)
            chosen = lock;
        if (lock->how != FLUME_IO_UNLOCK && lock->file == file && lock->offset == offset)
            chosen = lock;
    }
    if (chosen == NULL) {
        assert(disk->lock_end < SIM_LOCKS_MAX);
        chosen = &disk->locks[disk->lock_end++];
    }
    *chosen = (struct sim_lock){
        .node = file_of(disk, file)->node, .offset = offset, .file = file, .how = how};
    return 0;
}

static int sim_lock(void *ctx, int file, uint64_t offset, enum flume_io_lock how)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    int result = -EIO;

    if (turn != TURN_REFUSE || how == FLUME_IO_UNLOCK)
        result = lock_locked(process->disk, file, offset, how);
    return (int)sim_call_end(process, turn, result);
}

static int sim_lock_test(void *ctx, int file, uint64_t offset)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    int result = -EIO;

    if (turn != TURN_REFUSE)
        result = lock_conflicts(process->disk, file, offset, FLUME_IO_LOCK_EXCLUSIVE) ? 1 : 0;
    return (int)sim_call_end(process, turn, result);
}

/* --- Names ------------------------------------------------------------------------------------ */

static int sim_rename(void *ctx, const char *from, const char *to)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    int result = -EIO;

    if (turn != TURN_REFUSE) {
        struct sim_node *node = names_find(&process->disk->live, from);

        result = node == NULL || !has_parent(process->disk, to) ? -ENOENT : 0;
        if (result == 0)
            sim_change_make(process->disk, SIM_RENAME, from, to, node);
    }
    return (int)sim_call_end(process, turn, result);
}

static int sim_unlink(void *ctx, const char *path)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    int result = -EIO;

    if (turn != TURN_REFUSE) {
        struct sim_node *node = names_find(&process->disk->live, path);

        result = node == NULL ? -ENOENT : 0;
        if (result == 0)
            sim_change_make(process->disk, SIM_UNLINK, path, NULL, node);
    }
    return (int)sim_call_end(process, turn, result);
}

static int sim_make_directory(void *ctx, const char *path)
{
    struct sim_process *process = ctx;
    struct simdisk *disk = process->disk;
    enum turn turn = sim_call_begin(process);
    int result = -EIO;

    if (turn != TURN_REFUSE) {
        result = names_find(&disk->live, path) != NULL ? -EEXIST : 0;
        if (result == 0 && !has_parent(disk, path))
            result = -ENOENT;
        if (result == 0)
            sim_change_make(disk, SIM_LINK, path, NULL, node_create(disk, true));
    }
    return (int)sim_call_end(process, turn, result);
}

static int sim_sync_directory(void *ctx, const char *path)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    int result = -EIO;

    if (turn != TURN_REFUSE) {
        struct sim_node *node = names_find(&process->disk->live, path);

        result = node == NULL ? -ENOENT : node->is_directory ? 0 : -ENOTDIR;
        if (result == 0)
            sim_changes_commit(process->disk, path);
    }
    return (int)sim_call_end(process, turn, result);
}

/* The names directly in a directory, one behind the other, each with its NUL; an empty one ends
 * them. Kept by the process while the callback may use the disk, and may be killed in it. */
static struct sim_listing *listing_make(struct sim_process *process, const char *directory)
{
    const struct sim_names *names = &process->disk->live;
    struct sim_listing *listing = malloc(sizeof *listing + names->count * SIM_PATH_BYTES + 1);
    size_t length = strlen(directory);
    char *end;

    assert(listing != NULL);
    end = listing->names;
    for (size_t i = 0; i < names->count; i++) {
        const char *path = names->names[i].path;

        if (strncmp(path, directory, length) == 0 && path[length] == '/' &&
            strchr(path + length + 1, '/') == NULL)
            end = stpcpy(end, path + length + 1) + 1;
    }
    *end = '\0';
    listing->next = process->listings;
    process->listings = listing;
    return listing;
}

static void listing_free(struct sim_process *process, struct sim_listing *listing)
{
    struct sim_listing **link = &process->listings;

    sim_enter(process);
    while (*link != listing)
        link = &(*link)->next;
    *link = listing->next;
    (void)pthread_mutex_unlock(&process->disk->mutex);
    free(listing);
}

static int sim_list(void *ctx, const char *path, flume_io_name name, void *name_ctx)
{
    struct sim_process *process = ctx;
    enum turn turn = sim_call_begin(process);
    struct sim_listing *listing = NULL;
    int result = -EIO;

    if (turn != TURN_REFUSE) {
        struct sim_node *node = names_find(&process->disk->live, path);

        result = node == NULL ? -ENOENT : node->is_directory ? 0 : -ENOTDIR;
        if (result == 0)
            listing = listing_make(process, path);
    }
    result = (int)sim_call_end(process, turn, result);
    if (listing == NULL)
        return result;
    for (const char *next = listing->names; *next != '\0' && result == 0; next += strlen(next) + 1)
        result = name(name_ctx, next); /* What stops it is the answer. */
    listing_free(process, listing);
    return result;
}

static int sim_file_system(void *ctx, const char *path)
{
    (void)ctx;
    (void)path;
    return FLUME_IO_FS_MAPPED;
}

void sim_fill_table(flume_io *table)
{
    table->open = sim_open;
    table->close = sim_close;
    table->pread = sim_pread;
    table->pwrite = sim_pwrite;
    table->allocate = sim_allocate;
    table->punch = sim_punch;
    table->sync = sim_sync;
    table->stat = sim_stat;
    table->map = sim_map;
    table->unmap = sim_unmap;
    table->lock = sim_lock;
    table->lock_test = sim_lock_test;
    table->rename = sim_rename;
    table->unlink = sim_unlink;
    table->make_directory = sim_make_directory;
    table->sync_directory = sim_sync_directory;
    table->list = sim_list;
    table->file_system = sim_file_system;
}
