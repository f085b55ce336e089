/*
 * steady_io.c - the memory table with its clock, its chance and its identity replaced.
 *
 * The functions of identity.h are defined here as well: the linker takes these and leaves out the
 * library's.
 */
#include "steady_io.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "io_memory.h"

enum { HOLD_POLL_NS = 1000000 };

/* The table's ctx belongs to the memory table, so what is new has no other place. */
static _Atomic unsigned random_calls;
static _Atomic unsigned held;
static pthread_t holder; /* Written before `held`. */

void identity_host(char *target, size_t target_bytes)
{
    (void)snprintf(target, target_bytes, "example.org");
}

void identity_user(char *target, size_t target_bytes)
{
    (void)snprintf(target, target_bytes, "somebody");
}

void identity_program(char *target, size_t target_bytes)
{
    (void)snprintf(target, target_bytes, "example");
}

uint64_t identity_pid(void)
{
    return 4711;
}

static uint64_t steady_wall_ns(void *ctx)
{
    (void)ctx;
    return STEADY_WALL_NS;
}

static int steady_random(void *ctx, void *target, size_t bytes)
{
    unsigned call = atomic_fetch_add(&random_calls, 1) + 1;

    (void)ctx;
    for (size_t i = 0; i < bytes; i++)
        ((uint8_t *)target)[i] = (uint8_t)(call * 16 + i);
    return 0;
}

static int steady_boot_id(void *ctx, uint8_t out_id[16])
{
    (void)ctx;
    memset(out_id, 0xb0, 16);
    return 0;
}

static void steady_wait(void *ctx, const uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    const flume_io *posix = flume_io_posix();

    (void)ctx;
    while (atomic_load(&held) != 0 && !pthread_equal(pthread_self(), holder))
        posix->sleep(posix->ctx, HOLD_POLL_NS);
    posix->wait(posix->ctx, word, expected, timeout_ns);
}

void steady_io_hold_helpers(void)
{
    holder = pthread_self();
    atomic_store(&held, 1);
}

void steady_io_release_helpers(void)
{
    atomic_store(&held, 0);
}

int steady_io_create(flume_io *out_io)
{
    int status = io_memory_create(NULL, out_io);

    if (status != FLUME_OK)
        return status;
    atomic_store(&random_calls, 0);
    out_io->wall_ns = steady_wall_ns;
    out_io->random = steady_random;
    out_io->boot_id = steady_boot_id;
    out_io->wait = steady_wait;
    return FLUME_OK;
}

void steady_io_destroy(flume_io *io)
{
    io_memory_destroy(io);
}

int steady_io_read(const flume_io *io, const char *path, uint8_t **out_data, size_t *out_bytes)
{
    int file = io->open(io->ctx, path, FLUME_IO_READ);
    flume_io_stat file_stat;
    uint8_t *data = NULL;
    int64_t result;

    if (file < 0)
        return file;
    result = io->stat(io->ctx, file, &file_stat);
    if (result == 0)
        data = malloc((size_t)file_stat.bytes + 1);
    if (result == 0 && data == NULL)
        result = -ENOMEM;
    if (result == 0)
        result = io->pread(io->ctx, file, data, (size_t)file_stat.bytes, 0);
    io->close(io->ctx, file);
    if (result < 0) {
        free(data);
        return (int)result;
    }
    data[result] = '\0';
    *out_data = data;
    *out_bytes = (size_t)result;
    return 0;
}

int steady_io_write(const flume_io *io, const char *path, const void *data, size_t bytes)
{
    int file = io->open(io->ctx, path, FLUME_IO_WRITE | FLUME_IO_CREATE);
    int64_t written = 0;

    if (file < 0)
        return file;
    if (bytes > 0)
        written = io->pwrite(io->ctx, file, data, bytes, 0);
    io->close(io->ctx, file);
    if (written < 0)
        return (int)written;
    return (size_t)written == bytes ? 0 : -EIO;
}
