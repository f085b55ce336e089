/*
 * fault_world.c - a basin taken apart, and copies of it in which things fail (fault_world.h).
 */
#include "fault_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io_memory.h"
#include "strata_file.h"

enum { PATH_BYTES = 2 * MODEL_NAME_BYTES };

static void path_of(const char *name, char target[PATH_BYTES])
{
    (void)snprintf(target, PATH_BYTES, "%s%s%s", WORLD_BASIN, name[0] == '\0' ? "" : "/", name);
}

static int open_file(const flume_io *io, const char *name, unsigned flags)
{
    char path[PATH_BYTES];
    int file;

    path_of(name, path);
    file = io->open(io->ctx, path, flags);
    assert_true(file >= 0);
    return file;
}

/* --- Models ----------------------------------------------------------------------------------- */

void model_take_file(struct model *model, const flume_io *io, const char *name)
{
    struct model_file *taken = &model->files[model->count];
    int file = open_file(io, name, FLUME_IO_READ);
    flume_io_stat file_stat;

    assert_true(model->count++ < MODEL_FILES_MAX);
    assert_int_equal(io->stat(io->ctx, file, &file_stat), 0);
    (void)snprintf(taken->name, sizeof taken->name, "%s", name);
    taken->bytes = (size_t)file_stat.bytes;
    taken->data = malloc(taken->bytes + 1);
    assert_non_null(taken->data);
    if (taken->bytes > 0)
        assert_int_equal(io->pread(io->ctx, file, taken->data, taken->bytes, 0), taken->bytes);
    io->close(io->ctx, file);
}

struct listing {
    char names[MODEL_FILES_MAX][MODEL_NAME_BYTES];
    size_t count;
};

static int take_name(void *ctx, const char *name)
{
    struct listing *listing = ctx;

    assert_true(listing->count < MODEL_FILES_MAX);
    (void)snprintf(listing->names[listing->count++], MODEL_NAME_BYTES, "log/%.50s", name);
    return 0;
}

void model_take_log(struct model *model, const flume_io *io)
{
    struct listing listing = {.count = 0};

    assert_int_equal(io->list(io->ctx, WORLD_BASIN "/log", take_name, &listing), 0);
    for (size_t i = 0; i < listing.count; i++) {
        if (strstr(listing.names[i], ".tmp") != NULL)
            continue;
        model_take_file(model, io, listing.names[i]);
        if (strata_name_parse(listing.names[i] + strlen("log/"),
                              &model->strata[model->strata_count]))
            model->strata_count++;
    }
    for (size_t i = 1; i < model->strata_count; i++)
        assert_true(model->strata[i - 1] < model->strata[i]);
}

void model_forget(struct model *model)
{
    for (size_t i = 0; i < model->count; i++)
        free(model->files[i].data);
    memset(model, 0, sizeof *model);
}

const struct model_file *model_file(const struct model *model, const char *name)
{
    for (size_t i = 0; i < model->count; i++) {
        if (strcmp(model->files[i].name, name) == 0)
            return &model->files[i];
    }
    fail_msg("no %s", name);
    return NULL;
}

const struct model_file *model_strata(const struct model *model, size_t index, const char *ending)
{
    char name[MODEL_NAME_BYTES];

    assert_true(index < model->strata_count);
    (void)snprintf(name, sizeof name, "log/%020" PRIu64 ".%s", model->strata[index], ending);
    return model_file(model, name);
}

/* --- Worlds ----------------------------------------------------------------------------------- */

void world_begin(struct world *world, const struct model *model)
{
    static const char *const folders[] = {"", "log", "subs", "txn", "lost+found"};

    memset(world, 0, sizeof *world);
    assert_int_equal(io_memory_create(NULL, &world->io), FLUME_OK);
    faultio_init(&world->fault, &world->io);
    fault_memory_init(&world->memory);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[PATH_BYTES];

        path_of(folders[i], path);
        assert_int_equal(world->io.make_directory(world->io.ctx, path), 0);
    }
    for (size_t i = 0; i < model->count; i++)
        world_put(world, model->files[i].name, model->files[i].data, model->files[i].bytes);
}

void world_end(struct world *world)
{
    if (world->fault.open_files != 0)
        world_complain(world, "%d descriptors are left, of %s", world->fault.open_files,
                       faultio_left_open(&world->fault));
    if (world->fault.open_maps != 0)
        world_complain(world, "%d mappings are left", world->fault.open_maps);
    if (world->memory.live_blocks != 0)
        world_complain(world, "%lld blocks of memory are left",
                       (long long)world->memory.live_blocks);
    faultio_deinit(&world->fault);
    fault_memory_deinit(&world->memory);
    io_memory_destroy(&world->io);
}

void world_complain(struct world *world, const char *format, ...)
{
    va_list arguments;

    if (world->complaint[0] != '\0')
        return;
    va_start(arguments, format);
    (void)vsnprintf(world->complaint, sizeof world->complaint, format, arguments);
    va_end(arguments);
}

void world_judge(struct world *world, const char *what, int status, const flume_error *error)
{
    if (status == FLUME_OK)
        return;
    if (strstr(flume_strerror(status), "unknown") != NULL)
        world_complain(world, "%s answers %d, which is no status", what, status);
    if (error->message[0] == '\0')
        world_complain(world, "%s fails (%s) without a message", what, flume_status_name(status));
}

void world_remove(struct world *world, const char *name)
{
    char path[PATH_BYTES];

    path_of(name, path);
    (void)world->io.unlink(world->io.ctx, path); /* What is not there need not go. */
}

void world_put(struct world *world, const char *name, const void *data, size_t bytes)
{
    const flume_io *io = &world->io;
    int file;

    world_remove(world, name);
    file = open_file(io, name, FLUME_IO_WRITE | FLUME_IO_CREATE);
    if (bytes > 0)
        assert_int_equal(io->pwrite(io->ctx, file, data, bytes, 0), bytes);
    io->close(io->ctx, file);
}

void world_read(struct world *world, const char *name, uint64_t at, void *target, size_t bytes)
{
    const flume_io *io = &world->io;
    int file = open_file(io, name, FLUME_IO_READ);

    assert_int_equal(io->pread(io->ctx, file, target, bytes, at), bytes);
    io->close(io->ctx, file);
}

void world_write(struct world *world, const char *name, uint64_t at, const void *source,
                 size_t bytes)
{
    const flume_io *io = &world->io;
    int file = open_file(io, name, FLUME_IO_WRITE);

    assert_int_equal(io->pwrite(io->ctx, file, source, bytes, at), bytes);
    io->close(io->ctx, file);
}
