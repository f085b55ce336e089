/*
 * io_memory.c - an io table whose files are in memory (io_memory.h).
 *
 * Only names are kept here: a sorted array of paths, each with a file that the kernel keeps in
 * memory (memfd). Reading, writing, mapping, locking, time and waiting are those of the POSIX
 * table, so a basin in memory is tested by what the other one is tested by.
 *
 * What always holds:
 *   - Entries are sorted by path and no path occurs twice.
 *   - An entry's file is open as long as the entry is there. The kernel counts who else has it
 *     open or mapped, so unlinking takes nothing from them.
 *   - A call that fails has changed nothing.
 */
#include "io_memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io_posix.h"
#include "memory.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Since Linux 6.3. */
#endif

enum { DIRECTORY = -1, ENTRIES_MIN = 16, LINK_BYTES = 32 };

struct entry {
    char *path; /* Owned. */
    int file;   /* Owned; DIRECTORY: none. */
};

struct names {
    flume_allocator allocator; /* Fixed at creation. */
    pthread_mutex_t mutex;
    struct entry *entries; /* Guarded by mutex, as are the next two. */
    size_t count;
    size_t capacity;
};

/* --- Paths and entries -------------------------------------------------------------------------*/

static int check_path(const char *path)
{
    if (*path == '\0')
        return -ENOENT;
    return strnlen(path, PATH_MAX) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The first entry whose path is not before this one. */
static size_t lower_bound_locked(const struct names *names, const char *path)
{
    size_t from = 0;
    size_t to = names->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (strcmp(names->entries[middle].path, path) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static struct entry *find_locked(const struct names *names, const char *path)
{
    size_t index = lower_bound_locked(names, path);

    if (index == names->count || strcmp(names->entries[index].path, path) != 0)
        return NULL;
    return &names->entries[index];
}

/* 0 if a file of this path can be put where it says, as far as directories go. */
static int check_parent_locked(const struct names *names, const char *path)
{
    const char *slash = strrchr(path, '/');
    char parent[PATH_MAX];
    const struct entry *entry;

    if (slash == NULL || slash == path)
        return 0;
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = '\0';
    entry = find_locked(names, parent);
    if (entry == NULL)
        return -ENOENT;
    return entry->file == DIRECTORY ? 0 : -ENOTDIR;
}

static char *copy_path(const struct names *names, const char *path)
{
    size_t bytes = strlen(path) + 1;
    char *copy = memory_allocate(&names->allocator, bytes);

    if (copy != NULL)
        memcpy(copy, path, bytes);
    return copy;
}

static int make_room_locked(struct names *names)
{
    size_t capacity = names->capacity == 0 ? ENTRIES_MIN : names->capacity * 2;
    struct entry *entries;

    if (names->count < names->capacity)
        return 0;
    entries = memory_resize(&names->allocator, names->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return -ENOMEM;
    names->entries = entries;
    names->capacity = capacity;
    return 0;
}

/* Both are owned by the table from here on. There is room, and the path is new. */
static void insert_locked(struct names *names, char *path, int file)
{
    size_t index = lower_bound_locked(names, path);

    assert(names->count < names->capacity);
    assert(index == names->count || strcmp(names->entries[index].path, path) != 0);
    memmove(names->entries + index + 1, names->entries + index,
            (names->count - index) * sizeof names->entries[0]);
    names->entries[index] = (struct entry){.path = path, .file = file};
    names->count++;
}

/* Take an entry out; the caller owns what is in it. */
static struct entry extract_locked(struct names *names, struct entry *entry)
{
    struct entry extracted = *entry;
    size_t index = (size_t)(entry - names->entries);

    assert(index < names->count);
    names->count--;
    memmove(names->entries + index, names->entries + index + 1,
            (names->count - index) * sizeof names->entries[0]);
    return extracted;
}

static void entry_release(const struct names *names, struct entry entry)
{
    if (entry.file != DIRECTORY)
        (void)close(entry.file); /* Memory: there is nothing that close could fail to write. */
    memory_release(&names->allocator, entry.path);
}

static int add_locked(struct names *names, const char *path, int file)
{
    char *copy = copy_path(names, path);
    int error;

    if (copy == NULL)
        return -ENOMEM;
    error = make_room_locked(names);
    if (error != 0) {
        memory_release(&names->allocator, copy);
        return error;
    }
    insert_locked(names, copy, file);
    return 0;
}

/* --- Files -------------------------------------------------------------------------------------*/

/* Some systems refuse memory files that could be executed; older ones do not know the question. */
static int create_file(void)
{
    static const unsigned flags[] = {MFD_CLOEXEC | MFD_NOEXEC_SEAL, MFD_CLOEXEC};
    int file = -1;

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        file = memfd_create("flume", flags[i]);
        if (file >= 0 || errno != EINVAL)
            break;
    }
    return file < 0 ? -errno : io_posix_above_standard(file);
}

/*
 * Another descriptor of a file. Opened anew, not duplicated: locks belong to what open() made, so
 * duplicates would share them instead of excluding each other. Without /proc there is no such way,
 * and a duplicate has to do; a basin in memory belongs to one handle, which can live with that.
 */
static int open_again(int file, unsigned flags)
{
    const flume_io *posix = flume_io_posix();
    char link[LINK_BYTES];
    int result;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    result = posix->open(posix->ctx, link, flags & FLUME_IO_WRITE);
    if (result != -ENOENT && result != -EACCES)
        return result;
    result = fcntl(file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return result < 0 ? -errno : result;
}

static int open_old_locked(const struct entry *entry, unsigned flags)
{
    if ((flags & FLUME_IO_CREATE) != 0 && (flags & FLUME_IO_EXCLUSIVE) != 0)
        return -EEXIST;
    if (entry->file == DIRECTORY)
        return -EISDIR;
    return open_again(entry->file, flags);
}

static int open_new_locked(struct names *names, const char *path, unsigned flags)
{
    int error = check_parent_locked(names, path);
    int file, result;

    if (error != 0)
        return error;
    if ((flags & FLUME_IO_CREATE) == 0)
        return -ENOENT;
    file = create_file();
    if (file < 0)
        return file;
    result = open_again(file, flags);
    error = result < 0 ? result : add_locked(names, path, file);
    if (error == 0)
        return result;
    if (result >= 0)
        (void)close(result);
    (void)close(file);
    return error;
}

static int memory_open(void *ctx, const char *path, unsigned flags)
{
    struct names *names = ctx;
    const struct entry *entry;
    int result = check_path(path);

    if (result != 0)
        return result;
    if ((flags & FLUME_IO_DIRECT) != 0)
        return -EINVAL; /* There is nothing but the page cache. */
    (void)pthread_mutex_lock(&names->mutex);
    entry = find_locked(names, path);
    result = entry != NULL ? open_old_locked(entry, flags) : open_new_locked(names, path, flags);
    (void)pthread_mutex_unlock(&names->mutex);
    return result;
}

static int memory_sync(void *ctx, int file)
{
    (void)ctx;
    (void)file;
    return 0; /* No power cut leaves anything of it. */
}

/* --- Names -------------------------------------------------------------------------------------*/

/* The new path is copied before anything is touched, so nothing can fail halfway. */
static int rename_locked(struct names *names, struct entry *source, const char *to)
{
    struct entry *target = find_locked(names, to);
    struct entry moved, replaced = {.path = NULL, .file = DIRECTORY};
    char *copy;

    if (source == target)
        return 0;
    if (source->file == DIRECTORY)
        return -EOPNOTSUPP; /* What is in it would have to move too; nobody asks for that. */
    if (target != NULL && target->file == DIRECTORY)
        return -EISDIR;
    copy = copy_path(names, to);
    if (copy == NULL)
        return -ENOMEM;
    moved = extract_locked(names, source);
    target = find_locked(names, to); /* It may have shifted. */
    if (target != NULL)
        replaced = extract_locked(names, target);
    insert_locked(names, copy, moved.file);
    memory_release(&names->allocator, moved.path);
    entry_release(names, replaced);
    return 0;
}

static int memory_rename(void *ctx, const char *from, const char *to)
{
    struct names *names = ctx;
    struct entry *source;
    int result = check_path(to);

    if (result != 0)
        return result;
    (void)pthread_mutex_lock(&names->mutex);
    source = find_locked(names, from);
    result = source != NULL ? check_parent_locked(names, to) : -ENOENT;
    if (result == 0)
        result = rename_locked(names, source, to);
    (void)pthread_mutex_unlock(&names->mutex);
    return result;
}

static int memory_unlink(void *ctx, const char *path)
{
    struct names *names = ctx;
    struct entry *entry;
    int result = 0;

    (void)pthread_mutex_lock(&names->mutex);
    entry = find_locked(names, path);
    if (entry == NULL)
        result = -ENOENT;
    else if (entry->file == DIRECTORY)
        result = -EISDIR;
    else
        entry_release(names, extract_locked(names, entry));
    (void)pthread_mutex_unlock(&names->mutex);
    return result;
}

static int memory_make_directory(void *ctx, const char *path)
{
    struct names *names = ctx;
    int result = check_path(path);

    if (result != 0)
        return result;
    (void)pthread_mutex_lock(&names->mutex);
    result = find_locked(names, path) == NULL ? check_parent_locked(names, path) : -EEXIST;
    if (result == 0)
        result = add_locked(names, path, DIRECTORY);
    (void)pthread_mutex_unlock(&names->mutex);
    return result;
}

static int memory_sync_directory(void *ctx, const char *path)
{
    (void)ctx;
    (void)path;
    return 0; /* As for memory_sync. */
}

/* Move on from a path below a directory to the next name in that directory itself. path has room
 * for any entry's. false: none. */
static bool next_child_locked(const struct names *names, char *path, size_t prefix_bytes)
{
    for (size_t i = lower_bound_locked(names, path); i < names->count; i++) {
        const char *candidate = names->entries[i].path;

        if (strncmp(candidate, path, prefix_bytes) != 0)
            break;
        if (strcmp(candidate, path) == 0 || strchr(candidate + prefix_bytes, '/') != NULL)
            continue;
        memcpy(path, candidate, strlen(candidate) + 1);
        return true;
    }
    return false;
}

static int check_directory(struct names *names, const char *path)
{
    const struct entry *entry;
    int result = 0;

    (void)pthread_mutex_lock(&names->mutex);
    entry = find_locked(names, path);
    if (entry == NULL)
        result = -ENOENT;
    else if (entry->file != DIRECTORY)
        result = -ENOTDIR;
    (void)pthread_mutex_unlock(&names->mutex);
    return result;
}

/* The mutex is not held across the callback, which may make and remove names: each step looks for
 * what follows the last name given. */
static int memory_list(void *ctx, const char *path, flume_io_name name, void *name_ctx)
{
    struct names *names = ctx;
    char child[PATH_MAX + 1];
    int result = check_directory(names, path);
    size_t prefix_bytes;

    if (result != 0)
        return result;
    /* Every entry's path is shorter than PATH_MAX, so this fits, the '/' included. */
    prefix_bytes = (size_t)snprintf(child, sizeof child, "%s/", path);
    while (result == 0) {
        bool found;

        (void)pthread_mutex_lock(&names->mutex);
        found = next_child_locked(names, child, prefix_bytes);
        (void)pthread_mutex_unlock(&names->mutex);
        if (!found)
            break;
        result = name(name_ctx, child + prefix_bytes);
    }
    return result;
}

static int memory_file_system(void *ctx, const char *path)
{
    (void)ctx;
    (void)path;
    return FLUME_IO_FS_MAPPED; /* The kernel's own tmpfs. */
}

/* --- Creation ----------------------------------------------------------------------------------*/

int io_memory_create(const flume_allocator *allocator, flume_io *out_io)
{
    struct names *names;
    int error;

    if (allocator == NULL)
        allocator = memory_default();
    names = memory_allocate_zeroed(allocator, 1, sizeof *names);
    if (names == NULL)
        return FLUME_ERR_NO_MEMORY;
    names->allocator = *allocator;
    error = pthread_mutex_init(&names->mutex, NULL);
    assert(error == 0); /* Without attributes it only sets fields. */
    (void)error;
    *out_io = *flume_io_posix();
    out_io->ctx = names; /* The functions of the POSIX table do not look at it. */
    out_io->open = memory_open;
    out_io->sync = memory_sync;
    out_io->rename = memory_rename;
    out_io->unlink = memory_unlink;
    out_io->make_directory = memory_make_directory;
    out_io->sync_directory = memory_sync_directory;
    out_io->list = memory_list;
    out_io->file_system = memory_file_system;
    return FLUME_OK;
}

void io_memory_destroy(flume_io *io)
{
    struct names *names = io != NULL ? io->ctx : NULL;
    flume_allocator allocator;

    if (names == NULL)
        return;
    allocator = names->allocator;
    for (size_t i = 0; i < names->count; i++)
        entry_release(names, names->entries[i]);
    memory_release(&allocator, names->entries);
    (void)pthread_mutex_destroy(&names->mutex); /* In a forked child it may be held for ever. */
    memory_release(&allocator, names);
    memset(io, 0, sizeof *io);
}
