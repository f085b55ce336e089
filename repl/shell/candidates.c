/*
 * candidates.c - collecting what may come next (candidates.h).
 */
#include "candidates.h"

#include <string.h>

#include "line.h"
#include "utf8.h"
#include "value.h"

enum { HELP_CELLS_MAX = 60 };

void candidates_begin(struct candidates *candidates, const struct typed *typed,
                      enum candidates_quoting quoting, uint64_t ns_max, struct completion *out)
{
    *candidates = (struct candidates){.out = out, .typed = typed, .quoting = quoting};
    /* Some of the time is left for the caller, and for a machine that is busy. */
    candidates->deadline_ns = value_monotonic_ns() + ns_max * 3 / 5;
}

const char *candidates_typed(const struct candidates *candidates)
{
    return candidates->typed->word + candidates->fixed_bytes;
}

bool candidates_late(struct candidates *candidates)
{
    candidates->is_late = candidates->is_late || value_monotonic_ns() >= candidates->deadline_ns;
    return candidates->is_late;
}

/* What is open goes on as it was begun: 'my la -> 'my label'. */
static void add_quoted(struct candidates *candidates, const char *word, size_t bytes)
{
    struct text *memory = &candidates->out->memory;
    char quote = candidates->typed->quote;

    if (candidates->quoting == CANDIDATES_PLAIN)
        text_add(memory, word, bytes);
    else if (quote == '\'' && memchr(word, '\'', bytes) == NULL)
        text_format(memory, "'%.*s'", (int)bytes, word);
    else if (quote == '"' && memchr(word, '"', bytes) == NULL && memchr(word, '\\', bytes) == NULL)
        text_format(memory, "\"%.*s\"", (int)bytes, word);
    else
        line_quote(memory, word, bytes);
}

/* A quote that is to go on is not closed. */
static void open_quote(struct text *memory, size_t begin)
{
    char last = memory->bytes > begin + 1 ? memory->data[memory->bytes - 1] : '\0';

    if ((last == '\'' || last == '"') && memory->data[begin] == last)
        memory->bytes--;
}

static void keep(struct candidates *candidates, const char *help, enum candidate_end end)
{
    struct completion *out = candidates->out;
    struct text *memory = &out->memory;
    size_t begin = memory->bytes, i = out->count++;

    candidates->text_at[i] = begin;
    candidates->help_at[i] = SIZE_MAX;
    add_quoted(candidates, candidates->whole.data, candidates->whole.bytes);
    if (end == CANDIDATE_OPEN && candidates->quoting == CANDIDATES_QUOTED)
        open_quote(memory, begin);
    text_char(memory, '\0');
    candidates->word_at[i] = memory->bytes;
    text_add(memory, candidates->whole.data + candidates->fixed_bytes,
             candidates->whole.bytes - candidates->fixed_bytes);
    text_char(memory, '\0');
    if (help != NULL) {
        candidates->help_at[i] = memory->bytes;
        utf8_show(memory, help, strlen(help), HELP_CELLS_MAX);
        text_char(memory, '\0');
    }
    out->candidates[i].is_open = end == CANDIDATE_OPEN;
}

static void take_common(struct candidates *candidates)
{
    const struct text *whole = &candidates->whole;
    struct text *common = &candidates->common;
    size_t i = 0;

    if (!candidates->has_common) {
        text_add(common, whole->data, whole->bytes);
        candidates->has_common = true;
    }
    while (i < common->bytes && i < whole->bytes && common->data[i] == whole->data[i])
        i++;
    common->bytes = i;
}

void candidates_put(struct candidates *candidates, const char *word, const char *help,
                    enum candidate_end end)
{
    text_clear(&candidates->whole);
    text_add(&candidates->whole, candidates->typed->word, candidates->fixed_bytes);
    text_string(&candidates->whole, word);
    if (candidates->whole.failed || candidates->whole.bytes == 0)
        return;
    take_common(candidates);
    if (candidates->out->count == COMPLETE_CANDIDATES_MAX)
        candidates->out->more++;
    else
        keep(candidates, help, end);
}

void candidates_add(struct candidates *candidates, const char *word, const char *help,
                    enum candidate_end end)
{
    const char *typed = candidates_typed(candidates);

    if (strncmp(word, typed, strlen(typed)) == 0)
        candidates_put(candidates, word, help, end);
}

/* How far the texts in the line agree; no use if it says no more than what was typed. */
static size_t common_bytes(const struct candidates *candidates)
{
    const struct completion *out = candidates->out;
    const char *first = out->candidates[0].text;
    size_t bytes = out->count == 0 ? 0 : strlen(first);

    if (out->count == 0 || candidates->is_late ||
        (candidates->common.bytes <= candidates->typed->word_bytes && out->count + out->more > 1))
        return 0;
    for (size_t i = 1; i < out->count; i++) {
        size_t k = 0;

        while (k < bytes && out->candidates[i].text[k] == first[k])
            k++;
        bytes = k;
    }
    /* Those that are not listed agree in the words at least, and so in texts without quotes. */
    if (out->more > 0 && bytes > candidates->common.bytes)
        bytes = candidates->common.bytes;
    return bytes;
}

void candidates_end(struct candidates *candidates)
{
    struct completion *out = candidates->out;

    if (out->memory.failed)
        out->count = 0;
    for (size_t i = 0; i < out->count; i++) {
        out->candidates[i].text = out->memory.data + candidates->text_at[i];
        out->candidates[i].word = out->memory.data + candidates->word_at[i];
        out->candidates[i].help =
            candidates->help_at[i] == SIZE_MAX ? NULL : out->memory.data + candidates->help_at[i];
    }
    out->common_bytes = common_bytes(candidates);
    if (candidates->is_late)
        out->more = UINT64_MAX;
    text_deinit(&candidates->whole);
    text_deinit(&candidates->common);
}
