/*
 * memory.c - memory through an allocator, and the default one.
 */
#include "memory.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What is mapped has no fence around it: for the address sanitizer everything is malloc's. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_IS_WATCHED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_IS_WATCHED 1
#endif

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

static bool is_mapped(const flume_allocator *allocator)
{
#if defined(MEMORY_IS_WATCHED)
    (void)allocator;
    return false;
#else
    return allocator->allocate == default_allocate;
#endif
}

void *memory_large_allocate(const flume_allocator *allocator, size_t bytes)
{
    void *memory;

    if (!is_mapped(allocator))
        return memory_allocate(allocator, bytes);
    assert(bytes > 0);
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

void *memory_large_resize(const flume_allocator *allocator, void *memory, size_t bytes,
                          size_t new_bytes)
{
    if (!is_mapped(allocator))
        return memory_resize(allocator, memory, new_bytes);
    if (memory == NULL)
        return memory_large_allocate(allocator, new_bytes);
    memory = mremap(memory, bytes, new_bytes, MREMAP_MAYMOVE);
    return memory != MAP_FAILED ? memory : NULL;
}

void memory_large_release(const flume_allocator *allocator, void *memory, size_t bytes)
{
    if (memory == NULL)
        return;
    if (is_mapped(allocator))
        (void)munmap(memory, bytes); /* Ours, as it was given: cannot fail. */
    else
        memory_release(allocator, memory);
}
