/*
 * suggest.h - what a mistyped word may have meant.
 */
#ifndef REPL_SUGGEST_H
#define REPL_SUGGEST_H

#include <stddef.h>
#include <stdint.h>

enum { SUGGESTIONS_MAX = 3, SUGGESTION_BYTES_MAX = 64 };

/* The nearest candidates so far, all equally near. Longer words are neither taken nor suggested. */
struct suggestion {
    uint32_t typed[SUGGESTION_BYTES_MAX]; /* Characters. */
    size_t typed_count;                   /* 0: nothing can be near. */
    const char *prefix;                   /* Typed before each: "--", ":". Static. */
    size_t count;
    char words[SUGGESTIONS_MAX][SUGGESTION_BYTES_MAX + 1];
    size_t distance; /* Of each. */
};

void suggest_begin(struct suggestion *suggestion, const char *prefix, const char *typed,
                   size_t bytes);

/** The candidate is copied. */
void suggest_offer(struct suggestion *suggestion, const char *candidate);

#endif
