/*
 * simdisk_image.c - the simulated disk's sectors: dirty, written back, lost, torn.
 *
 * A sector is dirty when it differs from the disk's; stores through a mapping need no help to be
 * noticed. The exception is a page that a failed sync has called clean: it is dirty again once its
 * bytes change or a pwrite touches it.
 */
#include "simdisk_inside.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint64_t simdisk_random(uint64_t *state)
{
    uint64_t mixed = (*state += 0x9e3779b97f4a7c15u);

    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

struct sim_node *node_create(struct simdisk *disk, bool is_directory)
{
    struct sim_node *node = calloc(1, sizeof *node);

    assert(node != NULL);
    node->inode = disk->next_inode++;
    node->is_directory = is_directory;
    node->memory = -1;
    if (is_directory)
        return node;
    node->memory = memfd_create("simdisk", MFD_CLOEXEC);
    assert(node->memory >= 0);
    node->live = mmap(NULL, SIM_FILE_BYTES_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                      node->memory, 0);
    assert(node->live != MAP_FAILED);
    return node;
}

void node_hold(struct sim_node *node)
{
    node->references++;
}

void node_release(struct sim_node *node)
{
    assert(node->references > 0);
    if (--node->references > 0)
        return;
    if (!node->is_directory) {
        (void)munmap(node->live, SIM_FILE_BYTES_MAX);
        (void)close(node->memory);
    }
    free(node->disk);
    free(node->lost);
    free(node->lost_content);
    free(node);
}

int node_grow(struct sim_node *node, uint64_t bytes)
{
    if (bytes <= node->live_bytes)
        return 0;
    if (bytes > SIM_FILE_BYTES_MAX)
        return -EFBIG;
    if (ftruncate(node->memory, (off_t)bytes) != 0)
        return -errno;
    node->live_bytes = bytes;
    return 0;
}

/* Room for what the disk holds, zeros behind it. */
static void disk_reserve(struct sim_node *node, uint64_t bytes)
{
    if (bytes <= node->disk_room)
        return;
    bytes = (bytes + SIM_PAGE_BYTES - 1) / SIM_PAGE_BYTES * SIM_PAGE_BYTES;
    node->disk = realloc(node->disk, bytes);
    assert(node->disk != NULL);
    memset(node->disk + node->disk_room, 0, bytes - node->disk_room);
    node->disk_room = bytes;
}

static uint64_t sector_bytes_at(const struct sim_node *node, uint64_t offset)
{
    uint64_t left = node->live_bytes - offset;

    return left < SIMDISK_SECTOR_BYTES ? left : SIMDISK_SECTOR_BYTES;
}

static bool page_is_lost(const struct sim_node *node, uint64_t offset)
{
    uint64_t page = offset / SIM_PAGE_BYTES;
    uint64_t from = page * SIM_PAGE_BYTES;
    uint64_t left = node->live_bytes - from;

    if (page >= node->lost_pages || node->lost[page] == 0)
        return false;
    return memcmp(node->live + from, node->lost_content + from,
                  left < SIM_PAGE_BYTES ? left : SIM_PAGE_BYTES) == 0;
}

static bool sector_is_dirty(const struct sim_node *node, uint64_t offset)
{
    return memcmp(node->live + offset, node->disk + offset, sector_bytes_at(node, offset)) != 0 &&
           !page_is_lost(node, offset);
}

static void sector_write(struct sim_node *node, uint64_t offset)
{
    memcpy(node->disk + offset, node->live + offset, sector_bytes_at(node, offset));
}

void node_touch(struct sim_node *node, uint64_t offset, uint64_t bytes)
{
    for (uint64_t page = offset / SIM_PAGE_BYTES;
         page < node->lost_pages && page * SIM_PAGE_BYTES < offset + bytes; page++)
        node->lost[page] = 0;
}

static uint64_t end_of_content(const struct sim_node *node)
{
    uint64_t end = node->live_bytes;

    while (end >= 8) {
        uint64_t word;

        memcpy(&word, node->live + end - 8, sizeof word);
        if (word != 0)
            return end;
        end -= 8;
    }
    return end;
}

void node_flush(struct sim_node *node)
{
    disk_reserve(node, node->live_bytes);
    for (uint64_t at = 0; at < node->live_bytes; at += SIMDISK_SECTOR_BYTES) {
        if (sector_is_dirty(node, at))
            sector_write(node, at);
    }
}

void node_sync(struct sim_node *node)
{
    uint64_t proven = end_of_content(node) + SIM_WRITTEN_MARGIN_BYTES;

    node_flush(node);
    node->disk_bytes = node->live_bytes;
    if (proven > node->written_bytes)
        node->written_bytes = proven;
}

void node_write_back(struct sim_node *node, uint64_t *random)
{
    disk_reserve(node, node->live_bytes);
    for (uint64_t at = 0; at < node->live_bytes; at += SIMDISK_SECTOR_BYTES) {
        if (sector_is_dirty(node, at) && (simdisk_random(random) & 1) != 0)
            sector_write(node, at);
    }
}

void node_sync_fail(struct sim_node *node, uint64_t *random)
{
    uint64_t pages = (node->live_bytes + SIM_PAGE_BYTES - 1) / SIM_PAGE_BYTES;

    node_write_back(node, random);
    node->lost = realloc(node->lost, pages + 1);
    node->lost_content = realloc(node->lost_content, (pages + 1) * SIM_PAGE_BYTES);
    assert(node->lost != NULL && node->lost_content != NULL);
    memset(node->lost_content, 0, (pages + 1) * SIM_PAGE_BYTES);
    memcpy(node->lost_content, node->live, node->live_bytes);
    memset(node->lost, 1, pages);
    node->lost_pages = pages;
    node->sync_errors++;
}

/* Junk of the kinds that disks hold: noise, the like of erased flash, and what another place of
 * the same file once held. */
static void sector_junk(struct sim_node *target, uint64_t offset, uint64_t bytes, uint64_t *random)
{
    uint64_t from;

    switch (simdisk_random_below(random, 4)) {
    case 0:
        memset(target->live + offset, 0xff, bytes);
        break;
    case 1:
        from = simdisk_random_below(random, offset + 1) / SIMDISK_SECTOR_BYTES;
        memmove(target->live + offset, target->live + from * SIMDISK_SECTOR_BYTES, bytes);
        break;
    default:
        for (uint64_t i = 0; i < bytes; i++)
            target->live[offset + i] = (uint8_t)simdisk_random(random);
        break;
    }
}

/* How a stop treats one file: all of it may have gone one way, or each sector its own. */
struct fate {
    uint64_t new_of_8;  /* So many in 8 of the dirty sectors are new. */
    uint64_t junk_of_8; /* So many in 8 of the sectors never written are junk. */
};

static struct fate fate_choose(uint64_t *random)
{
    static const uint64_t news[] = {0, 1, 4, 4, 4, 7, 7, 8};
    struct fate fate;

    fate.new_of_8 = news[simdisk_random_below(random, 8)];
    fate.junk_of_8 = simdisk_random_below(random, 4) == 0 ? simdisk_random_below(random, 5) : 0;
    return fate;
}

static void sector_after_stop(struct simdisk *disk, const struct sim_node *node,
                              struct sim_node *picture, uint64_t offset, struct fate fate)
{
    uint64_t bytes = picture->live_bytes - offset;
    bool dirty = sector_is_dirty(node, offset);
    bool junk = offset >= node->written_bytes &&
                simdisk_random_below(&disk->random, 8) < fate.junk_of_8;

    if (bytes > SIMDISK_SECTOR_BYTES)
        bytes = SIMDISK_SECTOR_BYTES;
    if (dirty && simdisk_random_below(&disk->random, 8) < fate.new_of_8)
        memcpy(picture->live + offset, node->live + offset, bytes);
    else if (junk)
        sector_junk(picture, offset, bytes, &disk->random);
    else
        memcpy(picture->live + offset, node->disk + offset, bytes);
}

struct sim_node *node_after_stop(struct simdisk *disk, struct sim_node *node)
{
    struct sim_node *picture = node_create(disk, node->is_directory);
    struct fate fate = fate_choose(&disk->random);
    uint64_t bytes = node->disk_bytes;
    int status;

    picture->inode = node->inode;
    if (node->is_directory)
        return picture;
    if (node->live_bytes > bytes && (simdisk_random(&disk->random) & 1) != 0)
        bytes = node->live_bytes;
    disk_reserve(node, node->live_bytes);
    status = node_grow(picture, bytes);
    assert(status == 0);
    for (uint64_t at = 0; at < bytes; at += SIMDISK_SECTOR_BYTES)
        sector_after_stop(disk, node, picture, at, fate);
    disk_reserve(picture, bytes);
    if (bytes > 0)
        memcpy(picture->disk, picture->live, bytes);
    picture->disk_bytes = bytes;
    picture->written_bytes = bytes;
    return picture;
}
