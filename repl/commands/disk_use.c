/*
 * disk_use.c - what of a basin takes how much room on disk (disk_use.h).
 */
#include "disk_use.h"

#include <fts.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

enum { STAT_BLOCK_BYTES = 512 };

static bool ends_in(const char *name, const char *end)
{
    size_t name_bytes = strlen(name), end_bytes = strlen(end);

    return name_bytes >= end_bytes && strcmp(name + name_bytes - end_bytes, end) == 0;
}

static bool is_in(const char *inner, const char *directory)
{
    size_t bytes = strlen(directory);

    return strncmp(inner, directory, bytes) == 0 && inner[bytes] == '/';
}

/* By the path below the basin's directory. */
static enum disk_kind kind_of(const char *inner)
{
    if (is_in(inner, "views"))
        return DISK_VIEWS;
    if (is_in(inner, "grains"))
        return DISK_GRAINS;
    if (is_in(inner, "lost+found"))
        return DISK_LOST_FOUND;
    if (!is_in(inner, "log"))
        return DISK_OTHER;
    if (strncmp(inner, "log/next.", strlen("log/next.")) == 0)
        return DISK_SPARE;
    return ends_in(inner, ".strata")  ? DISK_STRATA
           : ends_in(inner, ".slots") ? DISK_SLOTS
                                      : DISK_OTHER;
}

const char *disk_use_name(enum disk_kind kind)
{
    static const char *const names[DISK_KINDS] = {"strata", "slots",      "spare", "grains",
                                                  "views",  "lost+found", "other"};

    return names[kind];
}

/* @param is_grains  All of it is the second log. */
static void add_up(const char *path, bool is_grains, struct disk_use *use)
{
    char *paths[] = {(char *)path, NULL}; /* fts_open() does not write to them. */
    size_t inner_at = strlen(path);
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    FTSENT *entry;

    while (tree != NULL && (entry = fts_read(tree)) != NULL) {
        const char *inner = entry->fts_path + inner_at;
        uint64_t bytes;
        enum disk_kind kind;

        if (entry->fts_info != FTS_F && entry->fts_info != FTS_DEFAULT)
            continue;
        kind = is_grains ? DISK_GRAINS : kind_of(inner + strspn(inner, "/"));
        bytes = (uint64_t)entry->fts_statp->st_blocks * STAT_BLOCK_BYTES;
        use->bytes[kind] += bytes;
        use->files[kind]++;
        use->total_bytes += bytes;
    }
    if (tree != NULL)
        (void)fts_close(tree); /* Only looked at. */
}

void disk_use_look(const char *path, const char *grains_path, struct disk_use *out_use)
{
    *out_use = (struct disk_use){.total_bytes = 0};
    add_up(path, false, out_use);
    /* In the basin it was met already; a link to elsewhere was not followed. */
    if (grains_path != NULL && out_use->files[DISK_GRAINS] == 0)
        add_up(grains_path, true, out_use);
}
