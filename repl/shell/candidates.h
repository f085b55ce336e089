/*
 * candidates.h - collecting what may come next: what begins with the typed word is kept, up to
 * COMPLETE_CANDIDATES_MAX, the rest is counted; and all of it in bounded time.
 */
#ifndef REPL_CANDIDATES_H
#define REPL_CANDIDATES_H

#include "complete.h"
#include "typed.h"

enum candidates_quoting {
    CANDIDATES_QUOTED, /* As line_parse() reads them. */
    CANDIDATES_PLAIN   /* Somebody else will quote them. */
};

struct candidates {
    struct completion *out;
    const struct typed *typed;
    enum candidates_quoting quoting;
    /* What of the word stands before a candidate: "--mode=", "-l", "A..". */
    size_t fixed_bytes;
    uint64_t deadline_ns;
    bool is_late; /* There may be more than was looked at. */
    size_t text_at[COMPLETE_CANDIDATES_MAX];
    size_t word_at[COMPLETE_CANDIDATES_MAX];
    size_t help_at[COMPLETE_CANDIDATES_MAX]; /* SIZE_MAX: none. */
    struct text whole;                       /* Fixed part and candidate. */
    struct text common;                      /* What all of them begin with; */
    bool has_common;
};

enum candidate_end { CANDIDATE_WHOLE, CANDIDATE_OPEN };

void candidates_begin(struct candidates *candidates, const struct typed *typed,
                      enum candidates_quoting quoting, uint64_t ns_max, struct completion *out);

/** What a candidate must begin with: the typed word behind the fixed part. NUL-terminated. */
const char *candidates_typed(const struct candidates *candidates);

/** Keep a word if it begins as what was typed does. help may be NULL; what is in it is escaped. */
void candidates_add(struct candidates *candidates, const char *word, const char *help,
                    enum candidate_end end);

/** The same for a word that stands for what was typed though it does not begin so: a path whose ~
 * was replaced. */
void candidates_put(struct candidates *candidates, const char *word, const char *help,
                    enum candidate_end end);

/** Whether the time is up. Then `more` will say that not all was looked at. */
bool candidates_late(struct candidates *candidates);

/** Settle *out. */
void candidates_end(struct candidates *candidates);

#endif
