/*
 * scratch.c - a basin of the program's own (scratch.h).
 */
#include "scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TREE_DESCRIPTORS = 16 };

int scratch_make(struct scratch *scratch, struct session *session, const char *name)
{
    const char *parent = getenv("TMPDIR");

    *scratch = (struct scratch){.session = session};
    if (parent == NULL || *parent == '\0')
        parent = "/tmp";
    if (snprintf(scratch->directory, sizeof(scratch->directory), "%s/flume-%s-XXXXXX", parent,
                 name) >= (int)sizeof(scratch->directory))
        errno = ENAMETOOLONG;
    else if (mkdtemp(scratch->directory) != NULL) {
        snprintf(scratch->path, sizeof(scratch->path), "%s/%s.flume", scratch->directory, name);
        return CODE_OK;
    }
    scratch->directory[0] = '\0';
    return report(session, ERROR_NO_SCRATCH, parent, strerror(errno));
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

void scratch_remove(struct scratch *scratch)
{
    if (scratch->directory[0] != '\0' &&
        nftw(scratch->directory, remove_entry, TREE_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) != 0)
        warn(scratch->session, "%s could not be removed", scratch->directory);
    scratch->directory[0] = '\0';
}
