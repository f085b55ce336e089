/*
 * succession.h - duplicates in the order of earlier scopes: who goes over a sweep again finds each
 * scope close behind the one found last, and nothing need be looked up.
 *
 * What always holds:
 *   - What is told was compared with the stored record just now, byte for byte.
 *   - It is the first scope that is the same: its record states ids, so a verdict was given when it
 *     was appended, and no scope before it was the same. (One that was appended without a verdict
 *     is left to who looks it up. Of scopes that were imported from other basins a later one may be
 *     told.)
 */
#ifndef VIEWS_SCOPES_SUCCESSION_H
#define VIEWS_SCOPES_SUCCESSION_H

#include "flume/log.h"
#include "pairs.h"

/* Starts as all zero. */
struct succession {
    uint64_t behind_seq; /* The duplicate that was found last, plus one. 0: none. */
    unsigned in_turn;    /* How many were found close behind the one before, without a break. */
    unsigned wanted;     /* More of them make a guess worth its while. */
};

/** The first scope that is the same, if it stands close behind the one found last.
 * @return false: it does not, or it was not looked for, as there was no order lately. */
bool succession_find(struct succession *succession, flume_log *log, const struct scope_pairs *pairs,
                     uint64_t *out_seq, uint8_t out_id[FLUME_HASH_BYTES]);

/** Of which scope one was a duplicate that was found otherwise. */
void succession_note(struct succession *succession, uint64_t seq);

#endif
