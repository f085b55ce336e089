/*
 * renumber.h - which seq each record of an export got when it was imported.
 *
 * Seqs are given anew, but bookmarks hold seqs: what they named has to be found again. Records that
 * follow each other here and there share an entry, so what is kept grows with the gaps (manifests,
 * records left out), not with the records.
 */
#ifndef REPL_RENUMBER_H
#define REPL_RENUMBER_H

#include "flume/log.h"

struct renumber_run {
    uint64_t old_seq, new_seq; /* Of its first record. */
    uint64_t count;
};

/* All zero: nothing was imported. */
struct renumber {
    struct renumber_run *runs;
    size_t count, capacity;
};

/** A record's old seq and its new one. FLUME_OK or FLUME_ERR_NO_MEMORY. */
int renumber_add(struct renumber *renumber, uint64_t old_seq, uint64_t new_seq);

/** What became of a record; false if it was not imported. */
bool renumber_find(const struct renumber *renumber, uint64_t old_seq, uint64_t *out_new_seq);

void renumber_deinit(struct renumber *renumber);

/**
 * Make the body of an exported bookmark name the record's new seq and check.
 *
 * @param log        Where it is imported to.
 * @param out_body   Receives the new body, freed by the caller; NULL: it stays as it is (it drops a
 *                   name, or is no bookmark).
 * @return FLUME_OK; FLUME_ERR_NOT_FOUND: what it names was not imported; FLUME_ERR_NO_MEMORY.
 */
int renumber_bookmark(const struct renumber *renumber, flume_log *log, const void *body,
                      size_t body_bytes, char **out_body);

#endif
