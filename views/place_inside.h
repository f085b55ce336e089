/*
 * place_inside.h - what the files of the place share.
 *
 *   place.c        paths, LOCK, CURRENT, and the files that say something by being there
 *   place_tree.c   the directories below: generations, other versions, removing
 *   place_state.c  STATE of a generation
 *   place_file.c   small files, read and replaced whole
 */
#ifndef VIEWS_PLACE_INSIDE_H
#define VIEWS_PLACE_INSIDE_H

#include <sys/types.h>

#include "place.h"

/* No generation has such a number: there is always a next one. */
#define GENERATION_END (UINT64_C(1) << 62)

/* Path of a name in a directory. 0 or ENAMETOOLONG. */
int place_join(char target[PLACE_PATH_BYTES], const char *directory, const char *name);

/* Read at most max bytes of a file; the number read, or a negative errno. */
ssize_t place_file_read(const char *path, void *target, size_t max);

/* Replace a file by rename, its bytes synced first. 0 or an errno: the old one is still there. */
int place_file_replace(const char *path, const void *source, size_t bytes);

/* Make what was renamed in the directory of a file survive a power cut. 0 or an errno. */
int place_file_sync_directory(const char *path);

#endif
