/*
 * typed_path.h - a directory that a basin is to keep in mind, as the library takes it.
 */
#ifndef REPL_TYPED_PATH_H
#define REPL_TYPED_PATH_H

/** A path as who types it means it: from the working directory. Where it lies in the basin it is
 * said from there, so that both can be moved together.
 * @return Freed by the caller. NULL: no memory. */
char *typed_path(const char *db, const char *path);

#endif
