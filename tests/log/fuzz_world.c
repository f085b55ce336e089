/*
 * fuzz_world.c - see fuzz_world.h.
 */
#include "fuzz_world.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <errno.h>
#include <malloc.h>

#include <xxhash.h>

#include "steady_io.h"

/* The table that the wrapped functions go on to: all memory tables have the same functions. */
static flume_io base;
static _Atomic size_t allocated;
static _Atomic size_t allowed;

void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

/* --- Limits ----------------------------------------------------------------------------------- */

static void *counted(void *memory)
{
    size_t bytes = malloc_usable_size(memory);
    size_t before = atomic_fetch_add(&allocated, bytes);

    require(before + bytes <= atomic_load(&allowed), "too much memory");
    return memory;
}

static void *counted_allocate(void *ctx, size_t bytes)
{
    (void)ctx;
    require(bytes <= atomic_load(&allowed), "too large an allocation");
    return counted(malloc(bytes));
}

static void counted_release(void *ctx, void *memory)
{
    (void)ctx;
    atomic_fetch_sub(&allocated, malloc_usable_size(memory));
    free(memory);
}

static void *counted_resize(void *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    require(bytes <= atomic_load(&allowed), "too large an allocation");
    atomic_fetch_sub(&allocated, malloc_usable_size(memory));
    return counted(realloc(memory, bytes));
}

const flume_allocator *fuzz_allocator(void)
{
    static const flume_allocator counting = {
        .allocate = counted_allocate, .resize = counted_resize, .release = counted_release};

    return &counting;
}

void fuzz_require_released(void)
{
    require(atomic_load(&allocated) == 0, "memory is left");
}

static int limited_allocate(void *ctx, int file, uint64_t bytes)
{
    return bytes > FUZZ_FILE_MAX ? -ENOSPC : base.allocate(ctx, file, bytes);
}

static int64_t limited_pwrite(void *ctx, int file, const void *source, size_t bytes,
                              uint64_t offset)
{
    if (bytes > FUZZ_FILE_MAX || offset > FUZZ_FILE_MAX)
        return -ENOSPC;
    return base.pwrite(ctx, file, source, bytes, offset);
}

void fuzz_world_create(flume_io *out_io, size_t allocation_max)
{
    require(steady_io_create(out_io) == FLUME_OK, "no memory for a table");
    base = *out_io;
    atomic_store(&allowed, allocation_max);
    out_io->allocate = limited_allocate;
    out_io->pwrite = limited_pwrite;
}

void fuzz_world_make_folders(const flume_io *io)
{
    static const char *const folders[] = {"b", "b/log", "b/subs", "b/txn", "b/lost+found"};

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        (void)io->make_directory(io->ctx, folders[i]);
}

/* --- What was written ------------------------------------------------------------------------- */

uint64_t fuzz_record_digest(const flume_record *record)
{
    uint64_t digest = XXH3_64bits_withSeed(record->body, record->body_bytes, record->kind);

    digest = XXH3_64bits_withSeed(record->meta, record->meta_bytes, digest);
    return XXH3_64bits_withSeed(&record->time_ns, sizeof record->time_ns, digest);
}

void fuzz_remember(flume_log *log, struct fuzz_written *out_written)
{
    out_written->head = flume_log_head(log);
    require(out_written->head <= FUZZ_RECORDS_MAX, "template: too many records");
    for (uint64_t seq = 0; seq < out_written->head; seq++) {
        flume_record record;

        require(flume_log_get(log, seq, &record) == FLUME_OK, "template: get");
        out_written->digests[seq] = fuzz_record_digest(&record);
        flume_record_release(&record);
    }
}

int fuzz_see_finding(void *ctx, const flume_finding *finding)
{
    (void)ctx;
    require(finding->file != NULL && finding->message != NULL, "a finding without words");
    return 0;
}
