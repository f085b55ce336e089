/*
 * complete_data.h - candidates from a basin's views and from directories: each asks for what is
 * there at this moment, and stops when the time is up.
 */
#ifndef REPL_COMPLETE_DATA_H
#define REPL_COMPLETE_DATA_H

#include "candidates.h"

/* Without a handle (NULL) there are none. */
void complete_labels(struct candidates *candidates, flume *handle);
void complete_bookmarks(struct candidates *candidates, flume *handle);

/** References (reference.h): first, last, :bookmarks, labels, label~1, hashes.
 * @param suffix  What goes on behind each: ".." where a range begins, else "". */
void complete_references(struct candidates *candidates, flume *handle, const char *suffix);

/** A..B. */
void complete_range(struct candidates *candidates, flume *handle);

enum complete_views { COMPLETE_EVERY_VIEW, COMPLETE_UNNECESSARY_VIEWS, COMPLETE_DECLARED_VIEWS };

/** Names of views: all, those that can be dropped, those that were declared. */
void complete_views(struct candidates *candidates, flume *handle, enum complete_views which);

/** Hashes whose digits begin so, as references behind `prefix` ("hash:" or ""). */
void complete_hashes(struct candidates *candidates, flume *handle, const char *digits,
                     const char *prefix, const char *suffix);

/** Blobs: their names, hashes of their contents that begin so, `last`. */
void complete_blobs(struct candidates *candidates, flume *handle);
void complete_blob_hashes(struct candidates *candidates, flume *handle, const char *digits,
                          const char *prefix);

/** Names in the directory of the typed path; ~/ is replaced. */
void complete_files(struct candidates *candidates);

#endif
