/*
 * suggest.h - what a mistyped word may have meant.
 */
#ifndef REPL_SUGGEST_H
#define REPL_SUGGEST_H

#include <stddef.h>

/* The nearest candidate so far. */
struct suggestion {
    const char *typed;
    size_t typed_bytes;
    const char *best; /* NULL: nothing is near. */
    size_t best_distance;
};

void suggest_begin(struct suggestion *suggestion, const char *typed, size_t bytes);
void suggest_offer(struct suggestion *suggestion, const char *candidate);

#endif
