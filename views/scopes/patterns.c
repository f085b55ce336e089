/*
 * patterns.c - regular expressions, and what they were found to fit (patterns.h).
 */
#include "patterns.h"

#include "flume/recorder_rules.h"
#include "scope_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void patterns_deinit(struct patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (patterns->items[i].text[0] != '\0')
            regfree(&patterns->items[i].compiled);
        free(patterns->items[i].text);
    }
    free(patterns->items);
    for (size_t i = 0; i < PATTERN_MEMOS; i++) {
        free(patterns->memos[i].text);
        free(patterns->memos[i].bits);
    }
}

/* ---- adding ---- */

int pattern_compile(const char *text, regex_t *out_compiled, char out_why[PATTERN_WHY_BYTES])
{
    char shown[SCOPE_SHOWN_BYTES], reason[100];
    size_t bytes = strlen(text);
    int code;

    if (bytes > FLUME_PATTERN_BYTES_MAX) {
        (void)snprintf(out_why, PATTERN_WHY_BYTES,
                       "pattern '%s' has %zu bytes, and at most %d are allowed",
                       scope_show(text, bytes, shown), bytes, FLUME_PATTERN_BYTES_MAX);
        return FLUME_ERR_TOO_LARGE;
    }
    code = regcomp(out_compiled, text, REG_EXTENDED | REG_NOSUB);
    if (code == 0)
        return FLUME_OK;
    (void)regerror(code, out_compiled, reason, sizeof reason);
    (void)snprintf(out_why, PATTERN_WHY_BYTES, "pattern '%s' is no extended regular expression: %s",
                   scope_show(text, bytes, shown), reason);
    return code == REG_ESPACE ? FLUME_ERR_NO_MEMORY : FLUME_ERR_INVALID;
}

int patterns_add(struct patterns *patterns, const char *text, size_t *out_index,
                 char out_why[PATTERN_WHY_BYTES])
{
    struct pattern made = {0};
    int status;

    if (text == NULL)
        text = "";
    for (size_t i = 0; i < patterns->count; i++) {
        if (strcmp(patterns->items[i].text, text) == 0) {
            *out_index = i;
            return FLUME_OK;
        }
    }
    (void)snprintf(out_why, PATTERN_WHY_BYTES, "no memory for a pattern");
    if (!scope_reserve((void **)&patterns->items, &patterns->capacity, patterns->count + 1,
                       sizeof *patterns->items))
        return FLUME_ERR_NO_MEMORY;
    made.text = strdup(text);
    if (made.text == NULL)
        return FLUME_ERR_NO_MEMORY;
    status = text[0] == '\0' ? FLUME_OK : pattern_compile(text, &made.compiled, out_why);
    if (status != FLUME_OK) {
        free(made.text);
        return status;
    }
    *out_index = patterns->count;
    patterns->items[patterns->count++] = made;
    return FLUME_OK;
}

/* ---- matching ---- */

static int fits(const struct pattern *pattern, const char *text, size_t bytes, bool *out_fits)
{
    int code = REG_NOMATCH;

    *out_fits = true;
    if (pattern->text[0] == '\0')
        return FLUME_OK;
    for (size_t at = 0; at < bytes && code == REG_NOMATCH; at += strlen(text + at) + 1)
        code = regexec(&pattern->compiled, text + at, 0, NULL, 0);
    if (code != 0 && code != REG_NOMATCH)
        return FLUME_ERR_NO_MEMORY;
    *out_fits = code == 0;
    return FLUME_OK;
}

static struct pattern_memo *place_of(struct patterns *patterns, const char *text, size_t bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return &patterns->memos[(hash ^ hash >> 32) % PATTERN_MEMOS];
}

/* Give the place to another text. */
static int take_place(struct pattern_memo *memo, const char *text, size_t bytes)
{
    memo->known = 0;
    memo->bytes = 0;
    if (!scope_reserve((void **)&memo->text, &memo->capacity, bytes + 1, 1))
        return FLUME_ERR_NO_MEMORY;
    if (bytes > 0)
        memcpy(memo->text, text, bytes);
    memo->bytes = bytes;
    return FLUME_OK;
}

int patterns_match(struct patterns *patterns, const char *text, size_t bytes,
                   const uint8_t **out_bits)
{
    struct pattern_memo *memo = place_of(patterns, text, bytes);
    int status = FLUME_OK;

    if (memo->bytes != bytes || (bytes > 0 && memcmp(memo->text, text, bytes) != 0))
        status = take_place(memo, text, bytes);
    if (status == FLUME_OK &&
        !scope_reserve((void **)&memo->bits, &memo->bits_capacity, patterns->count / 8 + 1, 1))
        status = FLUME_ERR_NO_MEMORY;
    while (status == FLUME_OK && memo->known < patterns->count) {
        size_t index = memo->known;
        uint8_t bit = (uint8_t)(1u << (index % 8));
        bool is_fit;

        status = fits(&patterns->items[index], text, bytes, &is_fit);
        if (status != FLUME_OK)
            break;
        if (index % 8 == 0)
            memo->bits[index / 8] = 0;
        if (is_fit)
            memo->bits[index / 8] |= bit;
        memo->known++;
    }
    if (status == FLUME_OK)
        *out_bits = memo->bits;
    return status;
}
