/*
 * allocator.c - see allocator.h.
 */
#include "allocator.h"

#include <stdlib.h>

static void *allocate(void *ctx, size_t bytes)
{
    (void)ctx;
    return malloc(bytes);
}

static void *resize(void *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    return realloc(memory, bytes);
}

static void release(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

flume_allocator allocator_or_malloc(const flume_allocator *given)
{
    if (given != NULL)
        return *given;
    return (flume_allocator){allocate, resize, release, NULL};
}
