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

/** Opened, and nobody is making it anew: it can be asked for candidates. */
bool complete_may_ask(flume *handle, const char *view);

/** flume_hash_find_prefix() and its like. */
typedef int hash_finder(flume *handle, const flume_ask *ask, const char *digits,
                        flume_hash_candidate *out_candidates, size_t candidates_max,
                        size_t *out_count);

/** Ask a view for hashes that begin so, if the digits can be those of a hash. Returns how many are
 * in out_found; that there are more than have room is told. */
size_t complete_find_hashes(struct candidates *candidates, flume *handle, const char *view,
                            hash_finder *find, const char *digits,
                            flume_hash_candidate out_found[COMPLETE_CANDIDATES_MAX]);

/** Hashes whose digits begin so, as references behind `prefix` ("hash:" or ""). */
void complete_hashes(struct candidates *candidates, flume *handle, const char *digits,
                     const char *prefix, const char *suffix);

/** Blobs: their names, hashes of their contents that begin so, `last`. */
void complete_blobs(struct candidates *candidates, flume *handle);
void complete_blob_hashes(struct candidates *candidates, flume *handle, const char *digits,
                          const char *prefix);

/** The keys of the newest scopes, each with its '='. */
void complete_keys(struct candidates *candidates, flume *handle);

/** Ids of batches that begin so, and the tags of batches. */
void complete_batches(struct candidates *candidates, flume *handle);
void complete_batch_tags(struct candidates *candidates, flume *handle);

/** Names in the directory of the typed path; ~/ is replaced. */
void complete_files(struct candidates *candidates);

#endif
