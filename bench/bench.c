/*
 * bench.c - directories of a run. See bench.h.
 */
#include "bench.h"
#include "measure.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char *bench_directory(struct bench *bench)
{
    char *path = engine_path(bench->dir_path, report_name("%u", bench->directory_count++));

    if (path != NULL && mkdir(path, 0777) != 0) {
        (void)bench_fail("cannot make the directory %s", path);
        free(path);
        path = NULL;
    }
    return path;
}

static int remove_entry(const char *path, const struct stat *entry, int type, struct FTW *place)
{
    (void)entry;
    (void)type;
    (void)place;
    return remove(path);
}

void bench_directory_remove(char *path)
{
    enum { OPEN_DIRECTORIES_MAX = 16 };

    if (path == NULL)
        return;
    if (nftw(path, remove_entry, OPEN_DIRECTORIES_MAX, FTW_DEPTH | FTW_PHYS) != 0)
        (void)bench_fail("cannot remove %s", path);
    free(path);
}

void bench_note_missing(struct bench *bench, const char *row, const struct engine_type *type)
{
    report_note(bench->report, row, report_name("not installed: %s", type->package));
}
