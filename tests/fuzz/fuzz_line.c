/*
 * fuzz_line.c - libFuzzer on the line parser: any source becomes a line or is refused with a place.
 *
 * Checked besides not crashing: whole and piece by piece the same line comes out; words stand
 * inside the source, one behind the other; every word, quoted, is read back as it was; a source
 * that wants more goes on with any more. A caret at any place stands in its window, which is UTF-8
 * without control characters.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "caret.h"
#include "line.h"
#include "text.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_same(const struct line *a, const struct line *b)
{
    assert(a->form == b->form);
    assert(a->argc == b->argc);
    assert(a->target == b->target);
    assert(strcmp(a->wanting, b->wanting) == 0);
    for (int i = 0; i < a->argc; i++) {
        assert(strcmp(a->argv[i], b->argv[i]) == 0);
        assert(a->words[i].at == b->words[i].at && a->words[i].bytes == b->words[i].bytes);
    }
    assert((a->target_text == NULL) == (b->target_text == NULL));
    assert(a->target_text == NULL || strcmp(a->target_text, b->target_text) == 0);
}

static void check_places(const char *source, size_t bytes, const struct line *line)
{
    size_t before = 0;

    for (int i = 1; i < line->argc; i++) {
        size_t length = strlen(line->argv[i]);

        assert(line->words[i].at >= before);
        before = line->words[i].at + line->words[i].bytes;
        assert(line->words[i].bytes > 0 && before <= bytes);
        for (size_t at = 0; at <= length; at += 1 + length / 4) {
            size_t place = line_place(source, line, i, at);

            assert(place >= line->words[i].at && place <= before);
        }
    }
    if (line->form == LINE_REFUSED || line->form == LINE_WANTING) {
        assert(line->fault.cause != NULL && line->fault.remedy != NULL);
        assert(line->fault.at + line->fault.bytes <= bytes + 1);
    }
}

/* All words behind a command, quoted, are these words. */
static void check_quoting(const struct line *line)
{
    struct text quoted = {0};
    struct line again;

    text_string(&quoted, "command");
    for (int i = 1; i < line->argc; i++) {
        text_char(&quoted, ' ');
        line_quote(&quoted, line->argv[i], strlen(line->argv[i]));
    }
    assert(!quoted.failed);
    line_parse(quoted.data, quoted.bytes, &again);
    assert(again.form == LINE_COMMAND && again.argc == line->argc + 1);
    assert(again.target == TARGET_SCREEN);
    for (int i = 1; i < line->argc; i++)
        assert(strcmp(again.argv[i + 1], line->argv[i]) == 0);
    line_release(&again);
    text_deinit(&quoted);
}

/* At a place that the source itself says. */
static void check_caret(const char *source, size_t bytes)
{
    enum { CELLS = 40 };
    size_t at = bytes == 0 ? 0 : (unsigned char)source[bytes / 2] % (bytes + 1);
    struct caret caret;

    caret_init(&caret, source, bytes, at, at % 9, CELLS);
    assert(caret.marked >= 1 && caret.column >= 1);
    assert(caret.cells + caret.marked <= CELLS + 1); /* Behind the end there is one more. */
    assert(caret.line.failed || utf8_valid(caret.line.data, caret.line.bytes));
    for (size_t i = 0; i < caret.line.bytes; i++)
        assert((unsigned char)caret.line.data[i] >= 0x20 && caret.line.data[i] != 0x7F);
    caret_deinit(&caret);
}

/* The lines of a source as a script brings them; true if they are one line, which is *out then. */
static bool gather(const char *source, size_t bytes, struct line *out)
{
    struct line_gather *gathered = line_gather_create();
    enum line_form form = LINE_WANTING;
    size_t at = 0, kept;

    assert(gathered != NULL);
    while (at <= bytes && form == LINE_WANTING) {
        const char *newline = at == bytes ? NULL : memchr(source + at, '\n', bytes - at);
        size_t end = newline == NULL ? bytes : (size_t)(newline - source);

        form = line_gather_add(gathered, source + at, end - at);
        at = end + 1;
    }
    assert(line_gather_source(gathered, &kept) != NULL && kept <= bytes);
    line_gather_take(gathered, out);
    assert(out->form == form);
    line_gather_destroy(gathered);
    return at > bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *source = malloc(bytes + 1);
    struct line whole, pieces;

    if (source == NULL)
        return 0;
    memcpy(source, data, bytes);
    source[bytes] = '\0';
    line_parse(source, bytes, &whole);
    if (gather(source, bytes, &pieces))
        check_same(&whole, &pieces);
    check_places(source, bytes, &whole);
    check_caret(source, bytes);
    if (whole.form == LINE_COMMAND || whole.form == LINE_DOT)
        check_quoting(&whole);
    line_release(&whole);
    line_release(&pieces);
    free(source);
    return 0;
}
