/*
 * place_tree.c - the directories of a place: its generations, other versions of the view, removing.
 *
 * What always holds:
 *   - A directory counts as a generation, or a version, only under the number that it would be made
 *     under; what else lies there is left alone, unless all of it is removed.
 *   - A link that lies in a directory is removed itself, and nothing that it leads to.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "place_inside.h"

int place_make_directory(const char *path)
{
    char parent[PLACE_PATH_BYTES];
    size_t length = strlen(path);

    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT || length >= sizeof parent)
        return errno;
    memcpy(parent, path, length + 1);
    while (length > 1 && parent[length - 1] != '/')
        length--;
    if (length <= 1)
        return ENOENT;
    parent[length - 1] = '\0';
    /* views/ and views/NAME/ may be missing, the basin itself not. */
    if (mkdir(parent, 0777) != 0 && errno != EEXIST) {
        char *slash = strrchr(parent, '/');

        if (errno != ENOENT || slash == NULL)
            return errno;
        *slash = '\0';
        if (mkdir(parent, 0777) != 0 && errno != EEXIST)
            return errno;
        *slash = '/';
        if (mkdir(parent, 0777) != 0 && errno != EEXIST)
            return errno;
    }
    return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : errno;
}

void place_each(const char *path, bool (*callback)(void *ctx, const char *name), void *ctx)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    if (directory == NULL)
        return;
    while ((entry = readdir(directory)) != NULL) {
        char child[PLACE_PATH_BYTES];
        struct stat stat_now;

        if (entry->d_name[0] == '.' || place_join(child, path, entry->d_name) != 0 ||
            lstat(child, &stat_now) != 0 || !S_ISDIR(stat_now.st_mode))
            continue;
        if (!callback(ctx, entry->d_name))
            break;
    }
    (void)closedir(directory); /* Only read. */
}

static bool parse_number(const char *name, uint64_t *out)
{
    char *end;

    if (name[0] < '1' || name[0] > '9')
        return false;
    errno = 0;
    *out = strtoull(name, &end, 10);
    return errno == 0 && *end == '\0' && *out < GENERATION_END;
}

static bool keep_highest(void *ctx, const char *name)
{
    uint64_t *highest = ctx, number;

    if (parse_number(name, &number) && number > *highest)
        *highest = number;
    return true;
}

uint64_t place_highest(const struct place *place)
{
    uint64_t highest = 0;

    place_each(place->path, keep_highest, &highest);
    return highest;
}

/* The versions of a view that have a build. */
struct versions {
    const char *directory; /* Of the view. */
    uint64_t own, highest;
};

static bool keep_version(void *ctx, const char *name)
{
    struct versions *versions = ctx;
    char version[PLACE_PATH_BYTES], current[PLACE_PATH_BYTES];
    uint64_t number;

    if (parse_number(name, &number) && number != versions->own && number > versions->highest &&
        place_join(version, versions->directory, name) == 0 &&
        place_join(current, version, "CURRENT") == 0 && access(current, F_OK) == 0)
        versions->highest = number;
    return true;
}

uint64_t place_other_version(const struct place *place)
{
    char directory[PLACE_PATH_BYTES];
    struct versions versions = {.directory = directory};
    char *slash;

    (void)snprintf(directory, sizeof directory, "%s", place->path); /* It was made in such room. */
    slash = strrchr(directory, '/');
    if (slash == NULL || !parse_number(slash + 1, &versions.own))
        return 0;
    *slash = '\0';
    place_each(directory, keep_version, &versions);
    return versions.highest;
}

void place_remove_tree(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    if (directory == NULL)
        return;
    while ((entry = readdir(directory)) != NULL) {
        char child[PLACE_PATH_BYTES];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            place_join(child, path, entry->d_name) != 0)
            continue;
        /* What cannot be removed now is tried again by whoever builds next. */
        if (unlink(child) != 0 && (errno == EISDIR || errno == EPERM))
            place_remove_tree(child);
    }
    (void)closedir(directory); /* Only read. */
    (void)rmdir(path);
}

void place_remove(const struct place *place, uint64_t generation)
{
    char path[PLACE_PATH_BYTES];

    if (place_path(place, generation, NULL, path) == 0)
        place_remove_tree(path);
}

struct removing {
    const struct place *place;
    uint64_t keep;
};

static bool remove_other(void *ctx, const char *name)
{
    const struct removing *removing = ctx;
    uint64_t number;

    if (parse_number(name, &number) && number != removing->keep)
        place_remove(removing->place, number);
    return true;
}

void place_remove_others(const struct place *place, uint64_t keep)
{
    struct removing removing = {place, keep};

    place_each(place->path, remove_other, &removing);
}
