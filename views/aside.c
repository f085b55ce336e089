/*
 * aside.c - a directory beside the generations of a view, in which it is derived afresh.
 */
#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "verify-";

static int open_lock(const struct place *place)
{
    char path[PLACE_PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/LOCK", place->path);

    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_RDWR | O_CLOEXEC);
}

static int lock_users(int file, int command, short type)
{
    struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = PLACE_ASIDE_AT, .l_len = 1};

    while (fcntl(file, command, &lock) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

int aside_begin(const struct place *place, struct aside *out_aside)
{
    int length, error;

    aside_sweep(place);
    length = snprintf(out_aside->path, sizeof out_aside->path, "%s/%s%ld-%p", place->path, prefix,
                      (long)getpid(), (void *)out_aside);
    if (length < 0 || (size_t)length >= sizeof out_aside->path)
        return ENAMETOOLONG;
    out_aside->lock_file = open_lock(place);
    if (out_aside->lock_file < 0)
        return errno;
    /* Who sweeps is quick: it is waited for. */
    error = lock_users(out_aside->lock_file, F_OFD_SETLKW, F_RDLCK);
    if (error == 0)
        error = place_make_directory(out_aside->path);
    if (error != 0)
        (void)close(out_aside->lock_file); /* Nothing was written through it. */
    return error;
}

void aside_end(struct aside *aside)
{
    place_remove_tree(aside->path);
    (void)close(aside->lock_file); /* Nothing was written through it. */
}

static bool is_aside(const char *name)
{
    return strncmp(name, prefix, sizeof prefix - 1) == 0;
}

static bool find_one(void *ctx, const char *name)
{
    bool *found = ctx;

    *found = *found || is_aside(name);
    return !*found;
}

static bool remove_one(void *ctx, const char *name)
{
    const struct place *place = ctx;
    char path[PLACE_PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/%s", place->path, name);

    if (is_aside(name) && length > 0 && (size_t)length < sizeof path)
        place_remove_tree(path);
    return true;
}

void aside_sweep(const struct place *place)
{
    bool found = false;
    int file;

    place_each(place->path, find_one, &found);
    if (!found)
        return;
    file = open_lock(place);
    if (file < 0)
        return; /* Who may only look removes nothing. */
    if (lock_users(file, F_OFD_SETLK, F_WRLCK) == 0)
        place_each(place->path, remove_one, (void *)place);
    (void)close(file); /* The lock goes with it. */
}
