/*
 * simdisk.c - the simulated machine: its calls, its clock, its stop and its restart.
 */
#include "simdisk_inside.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { SIM_TIME_SCALE = 100 }; /* Waits are that much shorter than they say. */
#define SIM_WALL_BASE_NS 1700000000000000000u

/* --- Stop and restart ------------------------------------------------------------------------- */

/* The picture of one node, made at its first name. */
static struct sim_node *picture_of(struct simdisk *disk, const struct sim_names *names,
                                   size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (names->names[i].node == names->names[index].node)
            return names_find(&disk->picture, names->names[i].path);
    }
    return node_after_stop(disk, names->names[index].node);
}

static void picture_take(struct simdisk *disk)
{
    struct sim_names names = {0};

    sim_names_after_stop(disk, &names);
    for (size_t i = 0; i < names.count; i++)
        names_put(&disk->picture, names.names[i].path, picture_of(disk, &names, i));
    names_clear(&names);
    disk->stopped = true;
}

void simdisk_stop_after(struct simdisk *disk, uint64_t calls)
{
    (void)pthread_mutex_lock(&disk->mutex);
    disk->stop_after = calls;
    (void)pthread_mutex_unlock(&disk->mutex);
}

void simdisk_stop(struct simdisk *disk)
{
    (void)pthread_mutex_lock(&disk->mutex);
    if (!disk->stopped)
        picture_take(disk);
    (void)pthread_mutex_unlock(&disk->mutex);
}

bool simdisk_stopped(struct simdisk *disk)
{
    bool stopped;

    (void)pthread_mutex_lock(&disk->mutex);
    stopped = disk->stopped;
    (void)pthread_mutex_unlock(&disk->mutex);
    return stopped;
}

void simdisk_restart(struct simdisk *disk)
{
    (void)pthread_mutex_lock(&disk->mutex);
    assert(disk->stopped);
    assert(disk->open_files == 0);
    sim_changes_clear(disk);
    names_clear(&disk->live);
    names_clear(&disk->durable);
    disk->live = disk->picture;
    disk->picture = (struct sim_names){0};
    for (size_t i = 0; i < disk->live.count; i++)
        names_put(&disk->durable, disk->live.names[i].path, disk->live.names[i].node);
    disk->stopped = false;
    disk->stop_after = 0;
    disk->boots++;
    (void)pthread_mutex_unlock(&disk->mutex);
}

void simdisk_reboot(struct simdisk *disk)
{
    (void)pthread_mutex_lock(&disk->mutex);
    assert(disk->open_files == 0);
    sim_changes_clear(disk);
    names_clear(&disk->durable);
    for (size_t i = 0; i < disk->live.count; i++) {
        if (!disk->live.names[i].node->is_directory)
            node_sync(disk->live.names[i].node);
        names_put(&disk->durable, disk->live.names[i].path, disk->live.names[i].node);
    }
    disk->boots++;
    (void)pthread_mutex_unlock(&disk->mutex);
}

/* --- One call --------------------------------------------------------------------------------- */

enum turn sim_call_begin(struct sim_process *process)
{
    struct simdisk *disk = process->disk;
    bool last;

    sim_enter(process);
    disk->calls++;
    if (disk->stopped)
        return TURN_REFUSE;
    last = disk->stop_after != 0 && --disk->stop_after == 0;
    if (last && (simdisk_random(&disk->random) & 1) != 0) {
        picture_take(disk);
        return TURN_REFUSE;
    }
    return last ? TURN_GO_AND_STOP : TURN_GO;
}

static void write_back_locked(struct simdisk *disk)
{
    struct sim_node *node;

    if (disk->stopped || disk->live.count == 0)
        return;
    node = disk->live.names[simdisk_random_below(&disk->random, disk->live.count)].node;
    if (!node->is_directory)
        node_write_back(node, &disk->random);
}

int64_t sim_call_end(struct sim_process *process, enum turn turn, int64_t result)
{
    struct simdisk *disk = process->disk;

    if (turn == TURN_GO_AND_STOP)
        picture_take(disk);
    if (turn != TURN_GO)
        result = -EIO;
    if (disk->writeback_one_in != 0 &&
        simdisk_random_below(&disk->random, disk->writeback_one_in) == 0)
        write_back_locked(disk);
    if (process->kill_after != 0 && --process->kill_after == 0)
        sim_kill_locked(process);
    (void)pthread_mutex_unlock(&disk->mutex);
    sim_die_if_killed(process);
    return result;
}

void simdisk_write_back(struct simdisk *disk)
{
    (void)pthread_mutex_lock(&disk->mutex);
    write_back_locked(disk);
    (void)pthread_mutex_unlock(&disk->mutex);
}

/* --- Time, chance, identity ------------------------------------------------------------------- */

static uint64_t sim_monotonic_ns(void *ctx)
{
    struct sim_process *process = ctx;

    sim_die_if_killed(process);
    return atomic_fetch_add(&process->disk->clock_ns, 1000);
}

static uint64_t sim_wall_ns(void *ctx)
{
    return SIM_WALL_BASE_NS + sim_monotonic_ns(ctx);
}

static int sim_random(void *ctx, void *target, size_t bytes)
{
    struct sim_process *process = ctx;
    uint8_t *out = target;

    (void)pthread_mutex_lock(&process->disk->mutex);
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)simdisk_random(&process->disk->identity_random);
    (void)pthread_mutex_unlock(&process->disk->mutex);
    return 0;
}

static int sim_boot_id(void *ctx, uint8_t out_id[16])
{
    struct sim_process *process = ctx;

    memset(out_id, 0, 16);
    (void)pthread_mutex_lock(&process->disk->mutex);
    memcpy(out_id, &process->disk->boots, sizeof process->disk->boots);
    (void)pthread_mutex_unlock(&process->disk->mutex);
    return 0;
}

static struct timespec scaled(uint64_t ns)
{
    ns /= SIM_TIME_SCALE;
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
}

static void sim_wait(void *ctx, const uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    struct sim_process *process = ctx;
    struct timespec timeout = scaled(timeout_ns);

    sim_die_if_killed(process);
    if (syscall(SYS_futex, word, FUTEX_WAIT, expected, &timeout, NULL, 0) != 0 &&
        errno == ETIMEDOUT)
        atomic_fetch_add(&process->disk->clock_ns, timeout_ns);
    sim_die_if_killed(process);
}

static void sim_wake(void *ctx, const uint32_t *word)
{
    sim_die_if_killed(ctx);
    (void)syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void sim_sleep(void *ctx, uint64_t ns)
{
    struct sim_process *process = ctx;
    struct timespec time = scaled(ns);

    sim_die_if_killed(process);
    (void)nanosleep(&time, NULL);
    atomic_fetch_add(&process->disk->clock_ns, ns);
    sim_die_if_killed(process);
}

void sim_fill_time(flume_io *table)
{
    table->wall_ns = sim_wall_ns;
    table->monotonic_ns = sim_monotonic_ns;
    table->random = sim_random;
    table->boot_id = sim_boot_id;
    table->wait = sim_wait;
    table->wake = sim_wake;
    table->sleep = sim_sleep;
}

/* --- The disk --------------------------------------------------------------------------------- */

struct simdisk *simdisk_create(uint64_t seed)
{
    struct simdisk *disk = calloc(1, sizeof *disk);
    struct sim_node *root;

    assert(disk != NULL);
    (void)pthread_mutex_init(&disk->mutex, NULL);
    disk->random = seed;
    disk->identity_random = 1; /* The same for all, so that disks differ by what happened. */
    disk->next_inode = 2;
    disk->boots = 1;
    disk->writeback_one_in = 8;
    atomic_store(&disk->clock_ns, 1000000000u);
    sim_remember_threads(disk);
    root = node_create(disk, true);
    names_put(&disk->live, SIMDISK_ROOT, root);
    names_put(&disk->durable, SIMDISK_ROOT, root);
    return disk;
}

void simdisk_destroy(struct simdisk *disk)
{
    if (disk == NULL)
        return;
    assert(disk->open_files == 0);
    for (size_t i = 0; i < disk->process_count; i++) {
        for (struct sim_listing *listing = disk->processes[i].listings; listing != NULL;) {
            struct sim_listing *next = listing->next;

            free(listing);
            listing = next;
        }
    }
    sim_changes_clear(disk);
    names_clear(&disk->live);
    names_clear(&disk->durable);
    names_clear(&disk->picture);
    (void)pthread_mutex_destroy(&disk->mutex);
    free(disk);
}

void simdisk_set_names(struct simdisk *disk, enum simdisk_names names)
{
    disk->names_mode = names;
}

void simdisk_set_space(struct simdisk *disk, uint64_t bytes)
{
    (void)pthread_mutex_lock(&disk->mutex);
    disk->space = bytes;
    (void)pthread_mutex_unlock(&disk->mutex);
}

void simdisk_set_writeback(struct simdisk *disk, unsigned one_in)
{
    disk->writeback_one_in = one_in;
}

void simdisk_fail_sync(const flume_io *process, uint64_t nth, const char *part,
                       enum simdisk_after_failure after)
{
    struct sim_process *victim = process->ctx;
    struct simdisk *disk = victim->disk;

    (void)pthread_mutex_lock(&disk->mutex);
    disk->fail_sync_process = victim;
    disk->after_failure = after;
    disk->fail_sync_nth = nth;
    disk->sync_failed = false;
    memset(disk->fail_sync_part, 0, sizeof disk->fail_sync_part);
    (void)strncpy(disk->fail_sync_part, part, sizeof disk->fail_sync_part - 1);
    (void)pthread_mutex_unlock(&disk->mutex);
}

bool simdisk_sync_failed(struct simdisk *disk)
{
    bool failed;

    (void)pthread_mutex_lock(&disk->mutex);
    failed = disk->sync_failed;
    (void)pthread_mutex_unlock(&disk->mutex);
    return failed;
}

/* --- Looking at it ---------------------------------------------------------------------------- */

static bool counts_after_stop(const char *path)
{
    const char *name = strrchr(path, '/');
    size_t length = strlen(path);

    if (name == NULL || strcmp(name, "/HEAD") == 0 || strcmp(name, "/LOCK") == 0)
        return false;
    return length < 6 || strcmp(path + length - 6, ".slots") != 0;
}

uint64_t simdisk_hash(struct simdisk *disk)
{
    uint64_t sum = 0;

    (void)pthread_mutex_lock(&disk->mutex);
    for (size_t i = 0; i < disk->live.count; i++) {
        const struct sim_name *name = &disk->live.names[i];
        uint64_t hash = XXH3_64bits(name->path, strlen(name->path));

        if (!counts_after_stop(name->path))
            continue;
        if (!name->node->is_directory)
            hash = XXH3_64bits_withSeed(name->node->live, name->node->live_bytes, hash);
        sum += hash; /* The order of names means nothing. */
    }
    (void)pthread_mutex_unlock(&disk->mutex);
    return sum;
}

uint64_t simdisk_calls(struct simdisk *disk)
{
    uint64_t calls;

    (void)pthread_mutex_lock(&disk->mutex);
    calls = disk->calls;
    (void)pthread_mutex_unlock(&disk->mutex);
    return calls;
}

size_t simdisk_open_files(struct simdisk *disk)
{
    return disk->open_files;
}

size_t simdisk_open_maps(struct simdisk *disk)
{
    return disk->open_maps;
}

uint8_t *simdisk_content(struct simdisk *disk, const char *path, size_t *out_bytes)
{
    struct sim_node *node = names_find(&disk->live, path);

    if (node == NULL || node->is_directory)
        return NULL;
    *out_bytes = (size_t)node->live_bytes;
    return node->live;
}

void simdisk_put(struct simdisk *disk, const char *path, const void *content, size_t bytes)
{
    struct sim_node *node = node_create(disk, false);
    int status = node_grow(node, bytes);

    assert(status == 0);
    if (bytes > 0)
        memcpy(node->live, content, bytes);
    node_sync(node);
    names_put(&disk->live, path, node);
    names_put(&disk->durable, path, node);
}

void simdisk_remove(struct simdisk *disk, const char *path)
{
    names_remove(&disk->live, path);
    names_remove(&disk->durable, path);
}

const char *simdisk_name(struct simdisk *disk, size_t index)
{
    return index < disk->live.count ? disk->live.names[index].path : NULL;
}
