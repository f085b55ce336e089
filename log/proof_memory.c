/*
 * proof_memory.c - what a proof holds beside itself.
 */
#include "proof_memory.h"

#include <string.h>

struct proof_memory *proof_memory_create(const flume_allocator *allocator, size_t link_count,
                                         size_t meta_bytes)
{
    struct proof_memory *memory;
    size_t links_bytes;

    if (__builtin_mul_overflow(link_count, sizeof *memory->links, &links_bytes) ||
        links_bytes > SIZE_MAX - sizeof *memory - meta_bytes)
        return NULL;
    memory = memory_allocate_zeroed(allocator, 1, sizeof *memory + links_bytes + meta_bytes);
    if (memory == NULL)
        return NULL;
    memory->allocator = *allocator;
    memory->meta = (uint8_t *)memory->links + links_bytes;
    return memory;
}

void proof_memory_destroy(struct proof_memory *memory)
{
    if (memory == NULL)
        return;
    flume_allocator allocator = memory->allocator;
    memory_release(&allocator, memory);
}

void flume_consistency_release(flume_consistency *consistency)
{
    if (consistency == NULL)
        return;
    proof_memory_destroy(consistency->memory);
    memset(consistency, 0, sizeof *consistency);
}

void flume_proof_release(flume_proof *proof)
{
    if (proof == NULL)
        return;
    proof_memory_destroy(proof->chain.memory);
    memset(proof, 0, sizeof *proof);
}
