/*
 * memory.c - memory through an allocator, and the default one.
 */
#include "memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *default_allocate(void *ctx, size_t bytes)
{
    (void)ctx;
    return malloc(bytes);
}

static void *default_resize(void *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    return realloc(memory, bytes);
}

static void default_release(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

const flume_allocator *memory_default(void)
{
    static const flume_allocator allocator = {
        .allocate = default_allocate,
        .resize = default_resize,
        .release = default_release,
    };

    return &allocator;
}

void *memory_allocate(const flume_allocator *allocator, size_t bytes)
{
    assert(bytes > 0); /* What malloc(0) answers differs from system to system. */
    return allocator->allocate(allocator->ctx, bytes);
}

void *memory_allocate_zeroed(const flume_allocator *allocator, size_t count, size_t bytes)
{
    void *memory;

    assert(count > 0);
    assert(bytes > 0);
    if (count > SIZE_MAX / bytes)
        return NULL;
    memory = memory_allocate(allocator, count * bytes);
    if (memory != NULL)
        memset(memory, 0, count * bytes);
    return memory;
}

void *memory_resize(const flume_allocator *allocator, void *memory, size_t bytes)
{
    assert(bytes > 0);
    return allocator->resize(allocator->ctx, memory, bytes);
}

void memory_release(const flume_allocator *allocator, void *memory)
{
    if (memory != NULL)
        allocator->release(allocator->ctx, memory);
}
