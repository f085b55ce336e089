/*
 * typed_path.c - a directory that a basin is to keep in mind (typed_path.h).
 */
#include "typed_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NULL: no memory, or nobody is in any directory. */
static char *below_working_directory(const char *path, int bytes)
{
    char *here = realpath(".", NULL), *whole = NULL;

    if (here != NULL && asprintf(&whole, "%s/%.*s", here, bytes, path) < 0)
        whole = NULL;
    free(here);
    return whole;
}

char *typed_path(const char *db, const char *path)
{
    char *basin = realpath(db, NULL);
    char *parent = NULL, *whole = NULL, *result = NULL;
    const char *slash;
    size_t basin_bytes, bytes = strlen(path);

    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    slash = memrchr(path, '/', bytes);
    parent = slash == NULL ? strdup(".")
                           : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (parent != NULL) {
        char *real = realpath(parent, NULL);
        const char *name = slash == NULL ? path : slash + 1;
        int name_bytes = (int)(bytes - (size_t)(name - path));

        /* That it is not there is told by whoever looks for it, in these words. */
        if (real == NULL && path[0] == '/')
            whole = strndup(path, bytes);
        else if (real == NULL)
            whole = below_working_directory(path, (int)bytes);
        else if (asprintf(&whole, "%s/%.*s", strcmp(real, "/") == 0 ? "" : real, name_bytes, name) <
                 0)
            whole = NULL;
        free(real);
    }
    basin_bytes = basin == NULL ? 0 : strlen(basin);
    if (whole != NULL && basin_bytes > 1 && strncmp(whole, basin, basin_bytes) == 0 &&
        whole[basin_bytes] == '/')
        result = strdup(whole + basin_bytes + 1);
    else if (whole != NULL)
        result = strdup(whole);
    free(basin);
    free(parent);
    free(whole);
    return result;
}
