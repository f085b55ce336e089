/*
 * engine_pwrite.c - the limits of a durable append: pwrite and fdatasync, alone and in a group.
 *
 * The file is preallocated and was written to beforehand, so a sync changes no metadata. When the
 * end is reached it starts again: there is nothing to read back.
 *
 * Alone, each append is one pwrite and one fdatasync. In a group, appends are collected in memory;
 * whoever finds nobody leading writes and syncs all that has been collected, while the others fill
 * the next group. Before that the leader gives those of the last group, who have just been woken, a
 * moment to come back: without it two half-size groups take turns, and a fifth of the rate is lost.
 */
#include "engine.h"
#include "measure.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FILE_BYTES = 64 << 20,
    CHUNK_BYTES = 1 << 20,
    GROUP_BYTES_MAX = 1 << 20,
    GATHER_NS_MAX = 50000
};

struct pwrite_engine {
    struct engine base;
    int fd;
    off_t end;
};

static void pwrite_close(struct engine *engine)
{
    struct pwrite_engine *plain = (struct pwrite_engine *)engine;

    if (plain == NULL)
        return;
    if (plain->fd >= 0)
        (void)close(plain->fd);
    free(plain);
}

/* A descriptor, or -1. */
static int make_file(const char *dir_path)
{
    static const uint8_t zeros[CHUNK_BYTES];
    char *path = engine_path(dir_path, "raw.file");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    free(path);
    if (fd < 0 || posix_fallocate(fd, 0, FILE_BYTES) != 0)
        goto fail;
    for (off_t at = 0; at < FILE_BYTES; at += CHUNK_BYTES) {
        if (pwrite(fd, zeros, CHUNK_BYTES, at) != CHUNK_BYTES)
            goto fail;
    }
    if (fsync(fd) == 0)
        return fd;
fail:
    (void)bench_fail("raw: cannot write a file of %d bytes", FILE_BYTES);
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static int pwrite_open(const struct engine_setting *setting, struct engine **out_engine)
{
    struct pwrite_engine *plain = calloc(1, sizeof(*plain));

    if (plain == NULL)
        return bench_fail("raw: no memory");
    plain->base.type = &engine_pwrite;
    plain->fd = make_file(setting->dir_path);
    if (plain->fd < 0) {
        pwrite_close(&plain->base);
        return -1;
    }
    *out_engine = &plain->base;
    return 0;
}

static int pwrite_append(struct engine *engine, const void *body, size_t body_bytes)
{
    struct pwrite_engine *plain = (struct pwrite_engine *)engine;

    if (plain->end + (off_t)body_bytes > FILE_BYTES)
        plain->end = 0;
    if (pwrite(plain->fd, body, body_bytes, plain->end) != (ssize_t)body_bytes ||
        fdatasync(plain->fd) != 0)
        return bench_fail("raw: pwrite and fdatasync");
    plain->end += (off_t)((body_bytes + 7) & ~(size_t)7);
    return 0;
}

const struct engine_type engine_pwrite = {
    .name = "raw",
    .open = pwrite_open,
    .append = pwrite_append,
    .close = pwrite_close,
};

struct group_engine {
    struct engine base;
    int fd;
    off_t end; /* Only the leader's. */
    pthread_mutex_t mutex;
    pthread_cond_t moved[2]; /* With mutex: group number n was synced, by n % 2. */
    uint8_t *filling;        /* Guarded by mutex; swapped with writing by the leader. */
    uint8_t *writing;        /* Only the leader's. */
    unsigned filled_count;   /* Guarded by mutex. */
    unsigned expected_count; /* Guarded by mutex. How many are worth waiting for. */
    size_t filled_bytes;     /* Guarded by mutex. */
    uint64_t filling_number; /* Guarded by mutex. The group that filling will be. */
    uint64_t synced_count;   /* Guarded by mutex. Groups that are on the disk. */
    int leading;             /* Guarded by mutex. Somebody writes. */
    int failed;              /* Guarded by mutex. Becomes 1 once. */
};

static void group_close(struct engine *engine)
{
    struct group_engine *group = (struct group_engine *)engine;

    if (group == NULL)
        return;
    if (group->fd >= 0)
        (void)close(group->fd);
    (void)pthread_mutex_destroy(&group->mutex);
    (void)pthread_cond_destroy(&group->moved[0]);
    (void)pthread_cond_destroy(&group->moved[1]);
    free(group->filling);
    free(group->writing);
    free(group);
}

static int group_open(const struct engine_setting *setting, struct engine **out_engine)
{
    struct group_engine *group = calloc(1, sizeof(*group));

    if (group == NULL)
        return bench_fail("raw: no memory");
    group->base.type = &engine_group;
    (void)pthread_mutex_init(&group->mutex, NULL); /* Default ones cannot fail on Linux. */
    (void)pthread_cond_init(&group->moved[0], NULL);
    (void)pthread_cond_init(&group->moved[1], NULL);
    group->filling = malloc(GROUP_BYTES_MAX);
    group->writing = malloc(GROUP_BYTES_MAX);
    group->fd = make_file(setting->dir_path);
    if (group->fd < 0 || group->filling == NULL || group->writing == NULL) {
        group_close(&group->base);
        return -1;
    }
    *out_engine = &group->base;
    return 0;
}

static int write_and_sync(struct group_engine *group, size_t bytes)
{
    if (group->end + (off_t)bytes > FILE_BYTES)
        group->end = 0;
    if (pwrite(group->fd, group->writing, bytes, group->end) != (ssize_t)bytes ||
        fdatasync(group->fd) != 0)
        return bench_fail("raw: pwrite and fdatasync of a group");
    group->end += (off_t)bytes;
    return 0;
}

/* Those of the last group are about to come back, if they are going to. */
static void gather_locked(struct group_engine *group)
{
    const uint64_t until_ns = clock_ns() + GATHER_NS_MAX;

    while (group->filled_count < group->expected_count && clock_ns() < until_ns) {
        (void)pthread_mutex_unlock(&group->mutex);
        (void)sched_yield();
        (void)pthread_mutex_lock(&group->mutex);
    }
}

static void lead_locked(struct group_engine *group)
{
    uint8_t *filled;
    uint64_t number;
    size_t bytes;
    unsigned count;
    int status;

    group->leading = 1;
    gather_locked(group);
    filled = group->filling;
    group->filling = group->writing;
    group->writing = filled;
    bytes = group->filled_bytes;
    count = group->filled_count;
    group->filled_bytes = 0;
    group->filled_count = 0;
    number = group->filling_number++;
    (void)pthread_mutex_unlock(&group->mutex);
    status = write_and_sync(group, bytes);
    (void)pthread_mutex_lock(&group->mutex);
    group->failed |= status != 0;
    group->synced_count = number + 1;
    group->expected_count = count + group->filled_count;
    group->leading = 0;
    (void)pthread_cond_broadcast(&group->moved[number % 2]);
    /* One of the next group, if there is one already, has to lead it. */
    (void)pthread_cond_signal(&group->moved[(number + 1) % 2]);
}

static int group_append(struct engine *engine, const void *body, size_t body_bytes)
{
    struct group_engine *group = (struct group_engine *)engine;
    size_t stride_bytes = (body_bytes + 7) & ~(size_t)7;
    uint64_t mine;
    int status;

    (void)pthread_mutex_lock(&group->mutex);
    if (group->filled_bytes + stride_bytes > GROUP_BYTES_MAX) {
        (void)pthread_mutex_unlock(&group->mutex);
        return bench_fail("raw: a group of more than %d bytes", GROUP_BYTES_MAX);
    }
    memcpy(group->filling + group->filled_bytes, body, body_bytes);
    group->filled_bytes += stride_bytes;
    group->filled_count++;
    mine = group->filling_number;
    while (group->synced_count <= mine) {
        if (group->leading)
            (void)pthread_cond_wait(&group->moved[mine % 2], &group->mutex);
        else
            lead_locked(group);
    }
    status = group->failed ? -1 : 0;
    (void)pthread_mutex_unlock(&group->mutex);
    return status;
}

const struct engine_type engine_group = {
    .name = "raw",
    .may_share = 1,
    .open = group_open,
    .append = group_append,
    .close = group_close,
};
