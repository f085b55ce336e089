/*
 * fuzz_complete.c - libFuzzer on completion and hints: any line, cut off anywhere, has some.
 *
 * Checked besides not crashing: a line that is whole has the words that line_parse() finds; a
 * candidate, put in its place, is read back as the word that it says; what all candidates are said
 * to begin with, they begin with; hints are one line of bounded length.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "complete.h"
#include "line.h"
#include "text.h"
#include "typed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { LINE_BYTES = 4096, HINT_BYTES = 300, CANDIDATES_CHECKED = 8 };

/* With a blank behind it, every word of a whole line is a whole word. */
static void check_words(const char *source, size_t bytes)
{
    struct text blank = {0};
    struct line line;
    struct typed typed;

    line_parse(source, bytes, &line);
    text_add(&blank, source, bytes);
    text_char(&blank, ' ');
    typed_parse(blank.data, blank.bytes, &typed);
    if (line.form == LINE_COMMAND && line.target == TARGET_SCREEN && typed.place == TYPED_COMMAND &&
        memchr(source, '\r', bytes) == NULL) {
        assert(typed.argc == line.argc && *typed.word == '\0');
        for (int i = 0; i < line.argc; i++)
            assert(strcmp(typed.argv[i], line.argv[i]) == 0);
    }
    if (line.form == LINE_DOT && line.target == TARGET_SCREEN)
        assert(typed.place == TYPED_DOT || typed.place == TYPED_NOTHING);
    typed_release(&typed);
    line_release(&line);
    text_deinit(&blank);
}

static void check_candidate(const char *source, const struct completion *completion, size_t index)
{
    const struct candidate *candidate = &completion->candidates[index];
    struct text completed = {0};
    struct typed typed;

    assert(strlen(candidate->text) >= completion->common_bytes);
    assert(memcmp(candidate->text, completion->candidates[0].text, completion->common_bytes) == 0);
    text_add(&completed, source, completion->from);
    text_string(&completed, candidate->text);
    typed_parse(text_c_string(&completed), completed.bytes, &typed);
    if (typed.place == TYPED_COMMAND) {
        size_t word_bytes = strlen(candidate->word);

        assert(typed.from == completion->from);
        assert(typed.word_bytes >= word_bytes);
        assert(strcmp(typed.word + typed.word_bytes - word_bytes, candidate->word) == 0);
        assert(candidate->is_open || typed.quote == 0);
    }
    typed_release(&typed);
    text_deinit(&completed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const char *source = (const char *)data;
    struct completion completion;
    struct text hint = {0};

    if (bytes == 0 || bytes > LINE_BYTES)
        return 0;
    check_words(source, bytes);
    complete(NULL, source, bytes, &completion);
    assert(completion.from <= bytes && completion.count <= COMPLETE_CANDIDATES_MAX);
    for (size_t i = 0; i < completion.count && i < CANDIDATES_CHECKED; i++)
        check_candidate(source, &completion, i);
    completion_release(&completion);
    complete_hint(source, bytes, &hint);
    assert(hint.bytes <= HINT_BYTES && memchr(text_c_string(&hint), '\n', hint.bytes) == NULL);
    text_deinit(&hint);
    return 0;
}
