/*
 * io_fixture.h - one io table under test, and the verbs in which its tests are written.
 *
 * A behaviour of "both tables" runs twice: on the POSIX table in a directory of its own below
 * $TMPDIR or the current directory, and on a table in memory.
 */
#ifndef FLUME_IO_FIXTURE_H
#define FLUME_IO_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flume/io.h"
#include "io_memory.h"

enum { PAGE = 4096, NAMES_MAX = 64, MS = 1000000 };

struct fixture {
    const flume_io *io; /* The table under test. */
    flume_io memory;
    char root[PATH_MAX / 2];
    char path[PATH_MAX];
};

static inline int setup_posix(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);
    const char *base = getenv("TMPDIR");

    assert_non_null(fx);
    fx->io = flume_io_posix();
    (void)snprintf(fx->root, sizeof fx->root, "%s/flume-io-XXXXXX", base != NULL ? base : ".");
    assert_non_null(mkdtemp(fx->root));
    *state = fx;
    return 0;
}

static inline int setup_memory(void **state)
{
    struct fixture *fx = calloc(1, sizeof *fx);

    assert_non_null(fx);
    assert_int_equal(io_memory_create(NULL, &fx->memory), FLUME_OK);
    fx->io = &fx->memory;
    (void)snprintf(fx->root, sizeof fx->root, ":memory:");
    assert_int_equal(fx->io->make_directory(fx->io->ctx, fx->root), 0);
    *state = fx;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *fx = *state;
    char command[PATH_MAX];
    int result = 0;

    if (fx->io == flume_io_posix()) {
        (void)snprintf(command, sizeof command, "rm -rf '%s'", fx->root);
        result = system(command);
    }
    io_memory_destroy(&fx->memory);
    free(fx);
    return result;
}

/* root/name; valid until the next call. */
static inline const char *at(struct fixture *fx, const char *name)
{
    (void)snprintf(fx->path, sizeof fx->path, "%s/%s", fx->root, name);
    return fx->path;
}

static inline int try_open(struct fixture *fx, const char *name, unsigned flags)
{
    return fx->io->open(fx->io->ctx, at(fx, name), flags);
}

static inline int must_open(struct fixture *fx, const char *name, unsigned flags)
{
    int file = try_open(fx, name, flags);

    assert_true(file >= 0);
    return file;
}

static inline int must_create(struct fixture *fx, const char *name)
{
    return must_open(fx, name, FLUME_IO_WRITE | FLUME_IO_CREATE | FLUME_IO_EXCLUSIVE);
}

static inline void close_file(struct fixture *fx, int file)
{
    fx->io->close(fx->io->ctx, file);
}

static inline void make_file(struct fixture *fx, const char *name, const char *text)
{
    int file = must_create(fx, name);

    assert_int_equal(fx->io->pwrite(fx->io->ctx, file, text, strlen(text), 0), strlen(text));
    close_file(fx, file);
}

static inline int make_directory(struct fixture *fx, const char *name)
{
    return fx->io->make_directory(fx->io->ctx, at(fx, name));
}

static inline int rename_file(struct fixture *fx, const char *from, const char *to)
{
    char source[PATH_MAX];

    (void)snprintf(source, sizeof source, "%s", at(fx, from));
    return fx->io->rename(fx->io->ctx, source, at(fx, to));
}

static inline int unlink_file(struct fixture *fx, const char *name)
{
    return fx->io->unlink(fx->io->ctx, at(fx, name));
}

static inline flume_io_stat stat_of(struct fixture *fx, int file)
{
    flume_io_stat info;

    assert_int_equal(fx->io->stat(fx->io->ctx, file, &info), 0);
    return info;
}

static inline void expect_text(struct fixture *fx, int file, const char *text)
{
    char found[64];
    int64_t length = fx->io->pread(fx->io->ctx, file, found, sizeof found, 0);

    assert_int_equal(length, strlen(text));
    assert_memory_equal(found, text, strlen(text));
}

static inline void expect_file(struct fixture *fx, const char *name, const char *text)
{
    int file = must_open(fx, name, FLUME_IO_READ);

    expect_text(fx, file, text);
    close_file(fx, file);
}

static inline uint8_t *map_file(struct fixture *fx, int file, size_t bytes, bool writable)
{
    void *data = NULL;

    assert_int_equal(fx->io->map(fx->io->ctx, file, 0, bytes, writable, &data), 0);
    assert_non_null(data);
    return data;
}

static inline int lock(struct fixture *fx, int file, uint64_t offset, enum flume_io_lock how)
{
    return fx->io->lock(fx->io->ctx, file, offset, how);
}

static inline int lock_test(struct fixture *fx, int file, uint64_t offset)
{
    return fx->io->lock_test(fx->io->ctx, file, offset);
}

struct listing {
    char names[NAMES_MAX][64];
    size_t count, stop_at;
    int stop_with;
    struct fixture *unlink_in; /* Not NULL: remove each name that is given. */
};

static inline int take_name(void *ctx, const char *name)
{
    struct listing *listing = ctx;

    assert_true(listing->count < NAMES_MAX);
    (void)snprintf(listing->names[listing->count++], sizeof listing->names[0], "%s", name);
    if (listing->unlink_in != NULL)
        assert_int_equal(unlink_file(listing->unlink_in, name), 0);
    return listing->count == listing->stop_at ? listing->stop_with : 0;
}

static inline int list(struct fixture *fx, const char *path, struct listing *listing)
{
    return fx->io->list(fx->io->ctx, path, take_name, listing);
}

static inline bool has_name(const struct listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->count; i++) {
        if (strcmp(listing->names[i], name) == 0)
            return true;
    }
    return false;
}

enum { IO_TESTS_MAX = 64 };

/* Run the tests with this setup. */
static inline int run_with(const char *group, const struct CMUnitTest *tests, size_t test_count,
                           CMFixtureFunction setup)
{
    struct CMUnitTest rows[IO_TESTS_MAX];

    assert_true(test_count <= IO_TESTS_MAX);
    memset(rows, 0, sizeof rows);
    memcpy(rows, tests, test_count * sizeof *tests);
    for (size_t i = 0; i < test_count; i++) {
        rows[i].setup_func = setup;
        rows[i].teardown_func = teardown;
    }
    /* Rows without a function are passed over. */
    return cmocka_run_group_tests_name(group, rows, NULL, NULL);
}

static inline int run_on_both(const struct CMUnitTest *tests, size_t test_count)
{
    return run_with("on POSIX", tests, test_count, setup_posix) +
           run_with("in memory", tests, test_count, setup_memory);
}

#endif
