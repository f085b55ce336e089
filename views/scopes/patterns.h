/*
 * patterns.h - regular expressions, compiled once, and what they were found to fit.
 *
 * A text is one or several parts, each with its NUL (the labels of a scope; the key of a variable);
 * a pattern fits if it is found in any part. Few different texts come again and again, so what
 * fits is remembered for as many of them as there are places.
 *
 * What always holds:
 *   - The bits of a remembered text are right for its first `known` patterns: those added later are
 *     tried when it comes again.
 */
#ifndef VIEWS_SCOPES_PATTERNS_H
#define VIEWS_SCOPES_PATTERNS_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PATTERN_MEMOS = 256, PATTERN_WHY_BYTES = 200 };

struct pattern {
    char *text;
    regex_t compiled; /* Unless the text is empty. */
};

struct pattern_memo {
    char *text;
    size_t bytes, capacity;
    uint8_t *bits;
    size_t bits_capacity;
    size_t known;
};

/* Starts as all zero. */
struct patterns {
    struct pattern *items;
    size_t count, capacity;
    struct pattern_memo memos[PATTERN_MEMOS]; /* By the hash of the text. */
};

void patterns_deinit(struct patterns *patterns);

/** Add a pattern, or find the same text. NULL is as "".
 * @param out_why  What is wrong with it, if anything is.
 * @return FLUME_OK, FLUME_ERR_INVALID, FLUME_ERR_TOO_LARGE, FLUME_ERR_NO_MEMORY. */
int patterns_add(struct patterns *patterns, const char *text, size_t *out_index,
                 char out_why[PATTERN_WHY_BYTES]);

/** Which patterns fit a text: bits by index, valid until the next call.
 * @param bytes  0: no parts.
 * @return FLUME_OK, FLUME_ERR_NO_MEMORY. */
int patterns_match(struct patterns *patterns, const char *text, size_t bytes,
                   const uint8_t **out_bits);

static inline bool pattern_bit(const uint8_t *bits, size_t index)
{
    return (bits[index / 8] >> (index % 8) & 1) != 0;
}

/** Compile one for itself. @return as patterns_add(). */
int pattern_compile(const char *text, regex_t *out_compiled, char out_why[PATTERN_WHY_BYTES]);

#endif
