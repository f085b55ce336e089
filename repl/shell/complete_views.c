/*
 * complete_views.c - candidates: the names of views (complete_data.h).
 *
 * Asking the library for all views brings its list of declared ones up to date, which may take
 * long. So the names come from what lies there: the rows of the catalog, and the directories.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "complete_data.h"

/* Names of the catalog that are looked at, at most. */
enum { NAMES_MAX = COMPLETE_CANDIDATES_MAX };

static const flume_ask as_it_is = {.flags = FLUME_ASK_STALE_OK};

static const char *const built_in[] = {"hash",  "label",    "catalog", "blob",
                                       "scope", "superset", "address"};

enum { BUILT_IN_COUNT = sizeof(built_in) / sizeof(built_in[0]) };

void complete_prepare(flume *handle)
{
    flume_view_status status;
    flume_view *view;

    for (size_t i = 0; i < BUILT_IN_COUNT; i++)
        if (flume_view_find(handle, built_in[i], &view) == FLUME_OK)
            (void)flume_view_status_of(view, &status); /* Looking opens it, and builds nothing. */
}

struct names {
    char names[NAMES_MAX][FLUME_VIEW_NAME_BYTES_MAX + 1];
    size_t count;
};

/* The names that were ever declared and begin so. */
static void read_catalog(struct candidates *candidates, flume *handle, struct names *names)
{
    const char *prefix = candidates_typed(candidates);
    size_t prefix_bytes = strlen(prefix);
    flume_bytes key, value;
    flume_view *view;
    flume_rows *rows;

    names->count = 0;
    if (handle == NULL || flume_view_find(handle, "catalog", &view) != FLUME_OK ||
        flume_view_read(view, &as_it_is, &rows) != FLUME_OK)
        return;
    if (flume_rows_seek(rows, 0, prefix_bytes == 0 ? "\1" : prefix,
                        prefix_bytes == 0 ? 1 : prefix_bytes) == FLUME_OK)
        while (names->count < NAMES_MAX && !candidates_late(candidates) &&
               flume_rows_next(rows, &key, &value) == FLUME_OK && key.bytes >= prefix_bytes &&
               memcmp(key.data, prefix, prefix_bytes) == 0 &&
               key.bytes <= FLUME_VIEW_NAME_BYTES_MAX)
            snprintf(names->names[names->count++], sizeof(names->names[0]), "%.*s", (int)key.bytes,
                     (const char *)key.data);
    flume_rows_end(rows);
}

static void offer_declared(struct candidates *candidates, flume *handle, const struct names *names)
{
    flume_declaration declaration;
    char help[FLUME_PATH_BYTES_MAX + 32];

    for (size_t i = 0; i < names->count && !candidates_late(candidates); i++) {
        if (flume_view_declaration(handle, &as_it_is, names->names[i], &declaration) != FLUME_OK)
            continue; /* Dropped. */
        snprintf(help, sizeof(help), "%s%s%s",
                 declaration.what == FLUME_DECLARED_FIELD ? "field" : "fold",
                 *declaration.path == '\0' ? "" : " of ", declaration.path);
        candidates_add(candidates, names->names[i], help, CANDIDATE_WHOLE);
    }
}

static bool is_built_in(const char *name)
{
    for (size_t i = 0; i < BUILT_IN_COUNT; i++)
        if (strcmp(built_in[i], name) == 0)
            return true;
    return false;
}

static bool is_among(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->names[i], name) == 0)
            return true;
    return false;
}

/* Views of programs' own: nothing tells of them but what they have built. */
static void offer_directories(struct candidates *candidates, flume *handle,
                              const struct names *declared)
{
    const struct dirent *entry;
    char path[4096];
    DIR *directory;

    snprintf(path, sizeof(path), "%s/views", flume_log_path(flume_log_of(handle)));
    directory = opendir(path);
    if (directory == NULL)
        return;
    while (!candidates_late(candidates) && (entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.' && strlen(entry->d_name) <= FLUME_VIEW_NAME_BYTES_MAX &&
            !is_built_in(entry->d_name) && !is_among(declared, entry->d_name))
            candidates_add(candidates, entry->d_name, "a program's own", CANDIDATE_WHOLE);
    closedir(directory);
}

void complete_views(struct candidates *candidates, flume *handle, enum complete_views which)
{
    struct names names;
    flume_view *view;

    if (handle == NULL)
        return;
    for (size_t i = 0; which == COMPLETE_EVERY_VIEW && i < BUILT_IN_COUNT; i++)
        if (flume_view_find(handle, built_in[i], &view) == FLUME_OK)
            candidates_add(candidates, built_in[i], "built-in", CANDIDATE_WHOLE);
    read_catalog(candidates, handle, &names);
    offer_declared(candidates, handle, &names);
    if (which != COMPLETE_DECLARED_VIEWS)
        offer_directories(candidates, handle, &names);
}
