/*
 * engine_raw.c - the limit: memcpy and one atomic store into a preallocated mapping.
 *
 * No checksum, no time, no lock, no room for a length: nothing that stores records in a shared
 * mapping can do less. A reader in another process would see a record as soon as `head` says so.
 * With ENGINE_SPACE_TOUCHED every page has been written to before the clock starts, so that an
 * append meets no page fault.
 */
#include "engine.h"
#include "measure.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEAD_BYTES = 4096, PAGE_BYTES = 4096 };

struct raw_engine {
    struct engine base;
    int fd;
    uint8_t *mapping;
    size_t mapping_bytes;
    size_t body_bytes;
    size_t stride_bytes;
    size_t end; /* Where the next body goes. */
};

/* The published end, in the mapping's first page. */
static _Atomic uint64_t *head_of(struct raw_engine *raw)
{
    return (_Atomic uint64_t *)(void *)raw->mapping;
}

static void raw_close(struct engine *engine)
{
    struct raw_engine *raw = (struct raw_engine *)engine;

    if (raw == NULL)
        return;
    if (raw->mapping != NULL)
        (void)munmap(raw->mapping, raw->mapping_bytes);
    if (raw->fd >= 0)
        (void)close(raw->fd);
    free(raw);
}

static int map_file(struct raw_engine *raw, const char *dir_path)
{
    char *path = engine_path(dir_path, "raw.mapping");
    void *mapping;

    if (path == NULL)
        return -1;
    raw->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    free(path);
    if (raw->fd < 0 || posix_fallocate(raw->fd, 0, (off_t)raw->mapping_bytes) != 0)
        return bench_fail("raw: cannot allocate %zu bytes", raw->mapping_bytes);
    mapping = mmap(NULL, raw->mapping_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, raw->fd, 0);
    if (mapping == MAP_FAILED)
        return bench_fail("raw: cannot map %zu bytes", raw->mapping_bytes);
    raw->mapping = mapping;
    return 0;
}

static int raw_open(const struct engine_setting *setting, struct engine **out_engine)
{
    struct raw_engine *raw = calloc(1, sizeof(*raw));

    if (raw == NULL)
        return bench_fail("raw: no memory");
    raw->base.type = &engine_raw;
    raw->fd = -1;
    raw->body_bytes = setting->body_bytes;
    raw->stride_bytes = (setting->body_bytes + 7) & ~(size_t)7;
    raw->mapping_bytes = HEAD_BYTES + setting->records_max * raw->stride_bytes;
    if (map_file(raw, setting->dir_path) != 0) {
        raw_close(&raw->base);
        return -1;
    }
    if (setting->space == ENGINE_SPACE_TOUCHED) {
        for (size_t at = 0; at < raw->mapping_bytes; at += PAGE_BYTES)
            *(volatile uint8_t *)(raw->mapping + at) = 0;
    }
    raw->end = HEAD_BYTES;
    *out_engine = &raw->base;
    return 0;
}

static int raw_append(struct engine *engine, const void *body, size_t body_bytes)
{
    struct raw_engine *raw = (struct raw_engine *)engine;

    if (raw->end + body_bytes > raw->mapping_bytes)
        return bench_fail("raw: the mapping is full");
    memcpy(raw->mapping + raw->end, body, body_bytes);
    raw->end += raw->stride_bytes;
    atomic_store_explicit(head_of(raw), raw->end, memory_order_release);
    return 0;
}

static int raw_get(struct engine *engine, uint64_t place, uint64_t *io_sum)
{
    struct raw_engine *raw = (struct raw_engine *)engine;

    *io_sum += body_sum(raw->mapping + HEAD_BYTES + place * raw->stride_bytes, raw->body_bytes);
    return 0;
}

static int raw_scan(struct engine *engine, uint64_t *io_count, uint64_t *io_sum)
{
    struct raw_engine *raw = (struct raw_engine *)engine;
    size_t end = atomic_load_explicit(head_of(raw), memory_order_acquire);

    for (size_t at = HEAD_BYTES; at < end; at += raw->stride_bytes) {
        *io_sum += body_sum(raw->mapping + at, raw->body_bytes);
        *io_count += 1;
    }
    return 0;
}

const struct engine_type engine_raw = {
    .name = "raw",
    .open = raw_open,
    .append = raw_append,
    .get = raw_get,
    .scan = raw_scan,
    .close = raw_close,
};
