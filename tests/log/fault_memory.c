/*
 * fault_memory.c - an allocator whose requests fail on demand, and which knows what it gave out.
 */
#include "faultio.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Stands before each block, as aligned as malloc. */
union fault_block {
    struct {
        union fault_block *next, *previous;
        size_t bytes;
    } links;
    max_align_t align;
};

static bool memory_fails(struct fault_memory *memory)
{
    uint64_t number = atomic_fetch_add(&memory->requests, 1) + 1;
    uint64_t fail_at = atomic_load(&memory->fail_at);
    bool fails = fail_at != 0 &&
                 (number == fail_at || (number > fail_at && atomic_load(&memory->lasting) != 0));

    if (fails)
        atomic_fetch_add(&memory->failed, 1);
    return fails;
}

static void block_link(struct fault_memory *memory, union fault_block *block, size_t bytes)
{
    (void)pthread_mutex_lock(&memory->mutex);
    block->links.bytes = bytes;
    block->links.previous = NULL;
    block->links.next = memory->blocks;
    if (memory->blocks != NULL)
        memory->blocks->links.previous = block;
    memory->blocks = block;
    (void)pthread_mutex_unlock(&memory->mutex);
    atomic_fetch_add(&memory->live_blocks, 1);
    atomic_fetch_add(&memory->live_bytes, (int64_t)bytes);
}

static void block_unlink(struct fault_memory *memory, union fault_block *block)
{
    (void)pthread_mutex_lock(&memory->mutex);
    if (block->links.next != NULL)
        block->links.next->links.previous = block->links.previous;
    if (block->links.previous != NULL)
        block->links.previous->links.next = block->links.next;
    else
        memory->blocks = block->links.next;
    (void)pthread_mutex_unlock(&memory->mutex);
    atomic_fetch_sub(&memory->live_blocks, 1);
    atomic_fetch_sub(&memory->live_bytes, (int64_t)block->links.bytes);
}

static void *memory_allocate(void *ctx, size_t bytes)
{
    struct fault_memory *memory = ctx;
    union fault_block *block;

    if (memory_fails(memory))
        return NULL;
    block = malloc(sizeof *block + bytes);
    assert(block != NULL);
    block_link(memory, block, bytes);
    return block + 1;
}

static void memory_release(void *ctx, void *data)
{
    union fault_block *block = data;

    if (data == NULL)
        return;
    block_unlink(ctx, --block);
    free(block);
}

static void *memory_resize(void *ctx, void *data, size_t bytes)
{
    struct fault_memory *memory = ctx;
    union fault_block *block = data;

    if (data == NULL)
        return memory_allocate(ctx, bytes);
    if (memory_fails(memory))
        return NULL;
    block_unlink(memory, --block);
    block = realloc(block, sizeof *block + bytes);
    assert(block != NULL);
    block_link(memory, block, bytes);
    return block + 1;
}

void fault_memory_deinit(struct fault_memory *memory)
{
    while (memory->blocks != NULL)
        memory_release(memory, memory->blocks + 1);
    (void)pthread_mutex_destroy(&memory->mutex);
}

void fault_memory_init(struct fault_memory *memory)
{
    memset(memory, 0, sizeof *memory);
    (void)pthread_mutex_init(&memory->mutex, NULL);
    memory->table = (flume_allocator){.allocate = memory_allocate,
                                      .resize = memory_resize,
                                      .release = memory_release,
                                      .ctx = memory};
}

void fault_memory_plan(struct fault_memory *memory, uint64_t nth, enum fault_duration duration)
{
    atomic_store(&memory->requests, 0);
    atomic_store(&memory->failed, 0);
    atomic_store(&memory->lasting, duration == FAULT_LASTING ? 1 : 0);
    atomic_store(&memory->fail_at, nth);
}
