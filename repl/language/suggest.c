/*
 * suggest.c - what a mistyped word may have meant: Damerau's distance (suggest.h).
 *
 * Two slips are forgiven, in words of up to four letters one.
 */
#include "suggest.h"

#include <string.h>

#include "utf8.h"

enum { SHORT_WORD_COUNT = 4, SLIPS_SHORT = 1, SLIPS = 2 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Insertions, deletions, exchanges and swaps of neighbours that turn a into b. */
static size_t distance(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
    size_t rows[3][SUGGESTION_BYTES_MAX + 1];

    for (size_t j = 0; j <= b_count; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_count; i++) {
        size_t *before = rows[(i - 1) % 3], *row = rows[i % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_count; j++) {
            size_t exchange = before[j - 1] + (a[i - 1] != b[j - 1]);

            row[j] = least(before[j] + 1, row[j - 1] + 1, exchange);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1, row[j]);
        }
    }
    return rows[a_count % 3][b_count];
}

/* A word as characters; a byte that is none counts as one. 0 if it is too long. */
static size_t spell(const char *word, size_t bytes, uint32_t target[SUGGESTION_BYTES_MAX])
{
    size_t count = 0, at = 0;

    if (bytes > SUGGESTION_BYTES_MAX)
        return 0;
    while (at < bytes) {
        uint32_t point = (unsigned char)word[at];
        size_t length = utf8_decode(word + at, bytes - at, &point);

        target[count++] = point;
        at += length == 0 ? 1 : length;
    }
    return count;
}

void suggest_begin(struct suggestion *suggestion, const char *prefix, const char *typed,
                   size_t bytes)
{
    suggestion->prefix = prefix;
    suggestion->count = 0;
    suggestion->typed_count = spell(typed, bytes, suggestion->typed);
}

void suggest_offer(struct suggestion *suggestion, const char *candidate)
{
    uint32_t spelled[SUGGESTION_BYTES_MAX];
    size_t count = spell(candidate, strlen(candidate), spelled);
    size_t shorter = count < suggestion->typed_count ? count : suggestion->typed_count;
    size_t longer = count < suggestion->typed_count ? suggestion->typed_count : count;
    size_t allowed = shorter <= SHORT_WORD_COUNT ? SLIPS_SHORT : SLIPS, found;

    if (shorter == 0 || longer - shorter > allowed)
        return;
    found = distance(suggestion->typed, suggestion->typed_count, spelled, count);
    if (found > allowed || (suggestion->count > 0 && found > suggestion->distance))
        return;
    if (suggestion->count > 0 && found < suggestion->distance)
        suggestion->count = 0;
    if (suggestion->count == SUGGESTIONS_MAX)
        return;
    memcpy(suggestion->words[suggestion->count++], candidate, strlen(candidate) + 1);
    suggestion->distance = found;
}
