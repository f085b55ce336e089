/*
 * containment_fixture.h - scopes stored and asked about, and what brute force says of them.
 *
 * Stands on find_fixture.h and scope_oracle.h.
 */
#ifndef FLUME_CONTAINMENT_FIXTURE_H
#define FLUME_CONTAINMENT_FIXTURE_H

#include "find_fixture.h"
#include "overlay.h"
#include "scope_oracle.h"
#include "scope_record.h"

/* What a test stores and asks. */
struct scope_trial {
    struct find_fixture *fx;
    struct oracle *oracle;
    flume_scope *scope; /* Made anew for each text_scope. */
    struct scope_buffer body;
    uint64_t chance;
    size_t stored;
    size_t duplicates, supersets, subsets; /* Told. */
    unsigned world;                        /* 0: there is but one. */
    bool is_unasked; /* What is stored has no ids, as is so with what had no verdict. */
};

void scope_trial_begin(struct scope_trial *trial, struct find_fixture *fx);
void scope_trial_end(struct scope_trial *trial);

/* Go on in the next world: brute force forgets all others, and add_world() keeps what is stored
 * from now on apart from them. */
void scope_trial_next_world(struct scope_trial *trial);
/* A variable that all scopes of this world have, and no other. Its key is the same in some worlds,
 * so that their scopes have the same shapes. */
void add_world(const struct scope_trial *trial, struct text_scope *io_texts);

/* So many, or more with FLUME_TEST_LONG. */
size_t at_length(size_t usual, size_t more);

/* The scope that texts stand for. Keys are set in the order of the texts, whatever that is. */
const struct scope_pairs *make_scope(struct scope_trial *trial, const struct text_scope *texts);
/* Append the scope that was made last; as a link to target_seq if that is not FLUME_SEQ_NONE. */
uint64_t append_scope(struct scope_trial *trial);
uint64_t append_link(struct scope_trial *trial, uint64_t target_seq, uint64_t count);
/* Append what lies within a full scope, as that without what is missing. */
uint64_t append_shadowed(struct scope_trial *trial, const struct text_scope *texts,
                         const struct text_scope *target, uint64_t target_seq);

/* Make, append, and tell the oracle: as if it had been appended without a question. */
uint64_t store(struct scope_trial *trial, const struct text_scope *texts);

/* scopes_max: overlay_limit(). */
struct overlay *open_overlay(struct scope_trial *trial, size_t scopes_max);
/* Bring it to the head and ask: what is told is what brute force says. */
void expect_relations(struct scope_trial *trial, struct overlay *overlay,
                      const struct text_scope *texts);

/* ---- kinds of scopes ---- */

typedef void (*scope_maker)(struct scope_trial *trial, struct text_scope *out);

/* A key and its number: "a", "b", ... Valid until the next call. */
const char *key_name(unsigned number);

/* Five keys, any of which may be missing, three values: what has the most of them has 63 smaller
 * shapes, which are all tracked. */
void five_keys(struct scope_trial *trial, struct text_scope *out);
/* Six keys, any of which may be missing; few values; a label now and then, or nothing but that. */
void few_keys(struct scope_trial *trial, struct text_scope *out);
/* Six keys that are always there, four flags that may be. */
void optional_flags(struct scope_trial *trial, struct text_scope *out);
/* Each scope has keys of its own choice: nearly every one another shape. Some are made out of an
 * earlier one, so that there are relations. */
void hostile(struct scope_trial *trial, struct text_scope *out);
/* Few keys, one value: all pairs are common. */
void all_common(struct scope_trial *trial, struct text_scope *out);

#endif
