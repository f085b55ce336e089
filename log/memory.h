/*
 * memory.h - the one way to memory in log/: through an allocator that the caller may have given.
 *
 * What always holds: nothing else in log/ calls malloc or free, so a test that counts and refuses
 * allocations sees every one of them.
 */
#ifndef FLUME_MEMORY_H
#define FLUME_MEMORY_H

#include <stddef.h>

#include "flume/io.h"

/* malloc, realloc and free. Static. */
const flume_allocator *memory_default(void);

/* At least one byte, uninitialised; NULL: no memory. Owned by the caller: memory_release(). */
void *memory_allocate(const flume_allocator *allocator, size_t bytes);

/* count objects of so many bytes each, all zero; NULL also if the product does not fit. */
void *memory_allocate_zeroed(const flume_allocator *allocator, size_t count, size_t bytes);

/* As realloc, for at least one byte: on NULL the old memory is as it was. memory may be NULL. */
void *memory_resize(const flume_allocator *allocator, void *memory, size_t bytes);

/*
 * Large memory that is needed for a while, by a thread of the library: with the default allocator
 * it is mapped, so that all of it goes back to the system when it is released. malloc keeps what a
 * thread frees for that thread (measured after sealing: 9.6 MiB). `bytes` of the last two is what
 * was asked for.
 */
void *memory_large_allocate(const flume_allocator *allocator, size_t bytes);
void *memory_large_resize(const flume_allocator *allocator, void *memory, size_t bytes,
                          size_t new_bytes);
void memory_large_release(const flume_allocator *allocator, void *memory, size_t bytes);

/* NULL is harmless. */
void memory_release(const flume_allocator *allocator, void *memory);

#endif
