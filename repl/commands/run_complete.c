/*
 * run_complete.c - `flume __complete`: what the completion scripts of other shells ask.
 *
 *     flume __complete words -- WORD...    the words behind `flume`, taken apart; the last is the
 *                                          cursor's, and may be empty
 *     flume __complete line -- LINE        the same as one text, quotes and all
 *     flume __complete time -- WORD...     as words, but what is written is how long it took
 *
 * Each candidate is a line: the whole word, a tab, a few words of help. Before them may stand lines
 * that begin with a tab: "<tab>open" (no blank is to follow any of them), "<tab>files" (the names
 * of files fit too; to list them is left to the shell), "<tab>word<tab>WORD" (of a line: the
 * cursor's word as it was typed).
 *
 * Whatever is wrong, nothing is said, and nothing is waited for: somebody is typing.
 */
#include <stdlib.h>
#include <string.h>

#include "complete.h"
#include "run.h"
#include "spot.h"
#include "typed.h"
#include "value.h"

enum { TIMES = 5 };

/* A shell waits for a process anyway. */
#define ANSWER_NS_MAX (100 * NS_PER_MILLISECOND)

/* The basin that the words name, or none. */
static flume *open_basin(const struct typed *typed)
{
    flume_options options = {.log = {.flags = FLUME_OPEN_READ_ONLY},
                             .views = FLUME_VIEWS_NO_WORKERS};
    const char *path = getenv("FLUME_DB");
    flume *handle = NULL;
    struct spot spot;

    if (spot_find(typed, &spot) && spot.db != NULL)
        path = spot.db;
    if (path != NULL && *path != '\0' && flume_open(&handle, path, &options, NULL) != FLUME_OK)
        handle = NULL;
    spot_release(&spot);
    return handle;
}

static void write_candidates(struct session *session, const struct completion *completion,
                             const char *raw_word)
{
    struct text *line = &session->line;
    bool all_open = completion->count > 0;

    for (size_t i = 0; i < completion->count; i++)
        all_open = all_open && completion->candidates[i].is_open;
    if (all_open)
        text_string(line, "\topen\n");
    if (completion->wants_file)
        text_string(line, "\tfiles\n");
    if (raw_word != NULL)
        text_format(line, "\tword\t%s\n", raw_word);
    for (size_t i = 0; i < completion->count; i++) {
        const struct candidate *candidate = &completion->candidates[i];

        text_format(line, "%s\t%s\n", candidate->text,
                    candidate->help == NULL ? "" : candidate->help);
    }
    (void)session_emit_text(session); /* A failure shows when stdout is flushed. */
}

/* The first time views are opened; then as at a prompt, where they are open. */
static void write_times(struct session *session, flume *handle, const struct typed *typed)
{
    for (int i = 0; i < TIMES; i++) {
        struct completion completion;
        uint64_t begun_ns = value_monotonic_ns();

        complete_typed(handle, typed, COMPLETE_NS_MAX, &completion);
        text_format(&session->line, "%llu\t%zu\t%llu\n",
                    (unsigned long long)(value_monotonic_ns() - begun_ns), completion.count,
                    (unsigned long long)completion.more);
        completion_release(&completion);
    }
    (void)session_emit_text(session); /* A failure shows when stdout is flushed. */
}

/* @param source  The line; NULL: words were given. */
static void answer(struct session *session, flume *handle, const struct typed *typed,
                   const char *source)
{
    struct completion completion;

    complete_typed(handle, typed, ANSWER_NS_MAX, &completion);
    write_candidates(session, &completion,
                     source == NULL || typed->place == TYPED_NOTHING ? NULL : source + typed->from);
    completion_release(&completion);
}

int run_complete(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    const char **words = calloc(invocation->operand_count + 1, sizeof(words[0]));
    const char *form = invocation->operands[0].text;
    struct typed typed;
    flume *handle;

    if (words == NULL)
        return CODE_IO;
    for (size_t i = 1; i < invocation->operand_count; i++)
        words[i - 1] = invocation->operands[i].text;
    if (strcmp(form, "line") == 0 && words[0] != NULL)
        typed_parse(words[0], strlen(words[0]), &typed);
    else
        typed_take_words(words, (int)invocation->operand_count - 1, &typed);
    handle = open_basin(&typed);
    if (strcmp(form, "time") == 0)
        write_times(session, handle, &typed);
    else
        answer(session, handle, &typed, strcmp(form, "line") == 0 ? words[0] : NULL);
    (void)flume_close(handle); /* Nothing was written. */
    typed_release(&typed);
    free(words);
    return CODE_OK;
}
