/*
 * simdisk_names.c - the simulated disk's names, and which of them a machine stop loses.
 *
 * A rename is never half done: after a stop its file has the old name or the new one. A file that
 * was created, synced and never had its directory synced may be gone.
 */
#include "simdisk_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t names_index(const struct sim_names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->names[i].path, path) == 0)
            return i;
    }
    return names->count;
}

struct sim_node *names_find(const struct sim_names *names, const char *path)
{
    size_t index = names_index(names, path);

    return index < names->count ? names->names[index].node : NULL;
}

void names_put(struct sim_names *names, const char *path, struct sim_node *node)
{
    size_t index = names_index(names, path);

    node_hold(node);
    if (index < names->count) {
        node_release(names->names[index].node);
        names->names[index].node = node;
        return;
    }
    if (names->count == names->room) {
        names->room = names->room == 0 ? 32 : names->room * 2;
        names->names = realloc(names->names, names->room * sizeof *names->names);
        assert(names->names != NULL);
    }
    names->names[names->count].path = strdup(path);
    names->names[names->count].node = node;
    names->count++;
}

void names_remove(struct sim_names *names, const char *path)
{
    size_t index = names_index(names, path);

    if (index == names->count)
        return;
    node_release(names->names[index].node);
    free(names->names[index].path);
    names->names[index] = names->names[--names->count];
}

void names_clear(struct sim_names *names)
{
    while (names->count > 0)
        names_remove(names, names->names[0].path);
    free(names->names);
    *names = (struct sim_names){0};
}

/* Apply one change. A rename brings its file along even where the old name was never there: the
 * disk may have the later change of a file and not the earlier one. */
static void change_apply(struct sim_names *names, const struct sim_change *change)
{
    switch (change->kind) {
    case SIM_LINK:
        names_put(names, change->path, change->node);
        break;
    case SIM_RENAME:
        if (names_find(names, change->path) == change->node)
            names_remove(names, change->path);
        names_put(names, change->to, change->node);
        break;
    case SIM_UNLINK:
        if (names_find(names, change->path) == change->node)
            names_remove(names, change->path);
        break;
    }
}

static void change_free(struct sim_change *change)
{
    node_release(change->node);
    free(change->path);
    free(change->to);
}

static void change_remove(struct simdisk *disk, size_t index)
{
    change_free(&disk->changes[index]);
    disk->change_count--;
    memmove(&disk->changes[index], &disk->changes[index + 1],
            (disk->change_count - index) * sizeof *disk->changes);
}

void sim_changes_clear(struct simdisk *disk)
{
    while (disk->change_count > 0)
        change_remove(disk, disk->change_count - 1);
    free(disk->changes);
    disk->changes = NULL;
    disk->change_room = 0;
}

void sim_change_make(struct simdisk *disk, enum sim_change_kind kind, const char *path,
                     const char *to, struct sim_node *node)
{
    struct sim_change change = {.kind = kind, .node = node};

    node_hold(node);
    change.path = strdup(path);
    change.to = to == NULL ? NULL : strdup(to);
    if (disk->change_count == disk->change_room) {
        disk->change_room = disk->change_room == 0 ? 32 : disk->change_room * 2;
        disk->changes = realloc(disk->changes, disk->change_room * sizeof *disk->changes);
        assert(disk->changes != NULL);
    }
    disk->changes[disk->change_count++] = change;
    change_apply(&disk->live, &change);
}

static bool is_in_directory(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    return strncmp(path, directory, length) == 0 && path[length] == '/' &&
           strchr(path + length + 1, '/') == NULL;
}

static bool change_touches(const struct sim_change *change, const char *directory)
{
    return is_in_directory(change->path, directory) ||
           (change->to != NULL && is_in_directory(change->to, directory));
}

/* Apply a change to the disk's names, and before it those of the same file that came earlier: a
 * later one cannot be there without them. Gives back how many have left the list. */
static size_t commit_one(struct simdisk *disk, size_t index)
{
    struct sim_node *node = disk->changes[index].node;
    size_t done = 0;

    for (size_t i = 0; i <= index - done;) {
        if (disk->changes[i].node != node) {
            i++;
            continue;
        }
        change_apply(&disk->durable, &disk->changes[i]);
        change_remove(disk, i);
        done++;
        if (i + done > index)
            break;
    }
    return done;
}

void sim_changes_commit(struct simdisk *disk, const char *directory)
{
    size_t last = 0;

    for (size_t i = 0; i < disk->change_count; i++) {
        if (change_touches(&disk->changes[i], directory))
            last = i + 1;
    }
    if (disk->names_mode == SIMDISK_NAMES_JOURNAL) {
        for (; last > 0; last--)
            (void)commit_one(disk, 0);
        return;
    }
    for (size_t i = 0; i < disk->change_count;) {
        if (change_touches(&disk->changes[i], directory))
            i = i + 1 - commit_one(disk, i);
        else
            i++;
    }
}

/* Whether every directory above a path is there. */
static bool has_parents(const struct sim_names *names, const char *path)
{
    char parent[SIM_PATH_BYTES];
    char *slash;

    (void)strncpy(parent, path, sizeof parent - 1);
    parent[sizeof parent - 1] = '\0';
    while ((slash = strrchr(parent, '/')) != NULL && slash != parent) {
        *slash = '\0';
        if (names_find(names, parent) == NULL)
            return false;
    }
    return true;
}

static void drop_orphans(struct sim_names *names)
{
    for (size_t i = 0; i < names->count;) {
        if (has_parents(names, names->names[i].path))
            i++;
        else {
            names_remove(names, names->names[i].path);
            i = 0;
        }
    }
}

/* Whether a later change of the same file was kept. */
static bool is_implied(const struct simdisk *disk, const bool *kept, size_t index)
{
    for (size_t i = index + 1; i < disk->change_count; i++) {
        if (kept[i] && disk->changes[i].node == disk->changes[index].node)
            return true;
    }
    return false;
}

void sim_names_after_stop(struct simdisk *disk, struct sim_names *out_names)
{
    size_t cut = (size_t)simdisk_random_below(&disk->random, disk->change_count + 1);
    bool *kept = calloc(disk->change_count + 1, sizeof *kept);

    assert(kept != NULL);
    for (size_t i = disk->change_count; i-- > 0;) {
        bool wild = (simdisk_random(&disk->random) & 1) != 0 || is_implied(disk, kept, i);

        kept[i] = disk->names_mode == SIMDISK_NAMES_JOURNAL ? i < cut : wild;
    }
    for (size_t i = 0; i < disk->durable.count; i++)
        names_put(out_names, disk->durable.names[i].path, disk->durable.names[i].node);
    for (size_t i = 0; i < disk->change_count; i++) {
        if (kept[i])
            change_apply(out_names, &disk->changes[i]);
    }
    drop_orphans(out_names);
    free(kept);
}
