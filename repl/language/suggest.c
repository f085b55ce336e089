/*
 * suggest.c - what a mistyped word may have meant: Damerau's distance (suggest.h).
 *
 * Two slips are forgiven, in words of up to four letters one.
 */
#include "suggest.h"

#include <string.h>

enum { WORD_BYTES_MAX = 32, SHORT_WORD_BYTES = 4 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Insertions, deletions, exchanges and swaps of neighbours that turn a into b. */
static size_t distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t rows[3][WORD_BYTES_MAX + 1];

    for (size_t j = 0; j <= b_bytes; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_bytes; i++) {
        size_t *before = rows[(i - 1) % 3], *row = rows[i % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_bytes; j++) {
            size_t exchange = before[j - 1] + (a[i - 1] != b[j - 1]);

            row[j] = least(before[j] + 1, row[j - 1] + 1, exchange);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1, row[j]);
        }
    }
    return rows[a_bytes % 3][b_bytes];
}

void suggest_begin(struct suggestion *suggestion, const char *typed, size_t bytes)
{
    *suggestion = (struct suggestion){.typed = typed, .typed_bytes = bytes};
}

void suggest_offer(struct suggestion *suggestion, const char *candidate)
{
    size_t bytes = strlen(candidate);
    size_t shorter = bytes < suggestion->typed_bytes ? bytes : suggestion->typed_bytes;
    size_t allowed = shorter <= SHORT_WORD_BYTES ? 1 : 2;
    size_t found;

    if (bytes > WORD_BYTES_MAX || suggestion->typed_bytes > WORD_BYTES_MAX || shorter == 0)
        return;
    found = distance(suggestion->typed, suggestion->typed_bytes, candidate, bytes);
    if (found > allowed || (suggestion->best != NULL && found >= suggestion->best_distance))
        return;
    suggestion->best = candidate;
    suggestion->best_distance = found;
}
