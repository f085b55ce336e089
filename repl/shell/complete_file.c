/*
 * complete_file.c - candidates: the names of files (complete_data.h).
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "complete_data.h"
#include "utf8.h"

/* Names that are looked at, at most; so many are sorted. */
enum { NAMES_MAX = 4096 };

struct found {
    char *name;
    bool is_directory;
};

struct files {
    struct found *found;
    size_t count, room;
};

static bool keep(struct files *files, const char *name, bool is_directory)
{
    if (files->count == files->room) {
        size_t room = files->room == 0 ? 64 : files->room * 2;
        struct found *grown = realloc(files->found, room * sizeof(grown[0]));

        if (grown == NULL)
            return false;
        files->found = grown;
        files->room = room;
    }
    files->found[files->count].is_directory = is_directory;
    files->found[files->count].name = strdup(name);
    return files->found[files->count].name != NULL && ++files->count < NAMES_MAX;
}

static bool is_directory(DIR *directory, const struct dirent *entry)
{
    struct stat status;

    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(directory), entry->d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

/* Names that could not be shown, or typed, are left out; hidden ones until their dot is typed. */
static bool is_wanted(const char *name, const char *prefix)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (*name == '.' && *prefix != '.'))
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return false;
    return strncmp(name, prefix, strlen(prefix)) == 0 && utf8_valid(name, strlen(name));
}

static void read_directory(struct candidates *candidates, struct files *files, const char *path,
                           const char *prefix)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;

    if (directory == NULL)
        return;
    while (!candidates_late(candidates) && (entry = readdir(directory)) != NULL) {
        if (is_wanted(entry->d_name, prefix) &&
            !keep(files, entry->d_name, is_directory(directory, entry))) {
            candidates->is_late = true;
            break;
        }
    }
    closedir(directory);
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

/* What was typed up to the last slash, with ~/ made a path: what opens a file does not know it. */
static bool take_path(const char *typed, size_t bytes, char *path, size_t room)
{
    const char *home = getenv("HOME");
    bool is_home = bytes >= 2 && typed[0] == '~' && typed[1] == '/' && home != NULL;
    int written = is_home ? snprintf(path, room, "%s%.*s", home, (int)(bytes - 1), typed + 1)
                          : snprintf(path, room, "%.*s", (int)bytes, typed);

    return written >= 0 && (size_t)written < room;
}

void complete_files(struct candidates *candidates)
{
    const char *typed = candidates_typed(candidates);
    const char *slash = strrchr(typed, '/');
    size_t path_bytes = slash == NULL ? 0 : (size_t)(slash - typed) + 1;
    struct files files = {0};
    char path[4096], word[4096 + 256 + 2];

    candidates->out->wants_file = true;
    if (candidates->quoting == CANDIDATES_PLAIN)
        return; /* Whoever quotes them lists them too. */
    if (!take_path(typed, path_bytes, path, sizeof(path)))
        return;
    read_directory(candidates, &files, *path == '\0' ? "." : path, typed + path_bytes);
    if (files.count > 0)
        qsort(files.found, files.count, sizeof(files.found[0]), compare);
    for (size_t i = 0; i < files.count; i++) {
        snprintf(word, sizeof(word), "%s%s%s", path, files.found[i].name,
                 files.found[i].is_directory ? "/" : "");
        candidates_put(candidates, word, NULL,
                       files.found[i].is_directory ? CANDIDATE_OPEN : CANDIDATE_WHOLE);
        free(files.found[i].name);
    }
    free(files.found);
}
