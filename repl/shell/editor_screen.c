/*
 * editor_screen.c - what both editors write around the line that is being typed (editor_screen.h).
 */
#include "editor_screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cells.h"
#include "complete.h"
#include "subscriptions.h"
#include "utf8.h"
#include "value.h"

enum { GAP_CELLS = 2, ROWS_KEPT = 3, HELP_ROWS_MAX = 24, NAME_CELLS_MAX = 32 };

bool screen_is_able(void)
{
    const char *term = getenv("TERM");

    return term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

void screen_write(const struct text *text)
{
    size_t done = 0;

    while (done < text->bytes && !text->failed) {
        ssize_t written = write(STDOUT_FILENO, text->data + done, text->bytes - done);

        if (written < 0 && errno != EINTR)
            return; /* The terminal is gone; reading from it says so. */
        done += written < 0 ? 0 : (size_t)written;
    }
}

static void pad(struct text *text, size_t used, size_t cells)
{
    for (; used < cells; used++)
        text_char(text, ' ');
}

/* As many blanks as a row has: where something stands on it, they reach into the next one. */
void screen_begin_row(void)
{
    struct text text = {0};
    size_t columns, rows;

    if (!screen_is_able())
        return;
    cells_of_screen(&columns, &rows);
    pad(&text, 0, columns);
    text_string(&text, "\r\x1b[K");
    screen_write(&text);
    text_deinit(&text);
}

void screen_add_subscribed(struct shell *shell, struct text *text)
{
    size_t columns, rows;

    cells_of_screen(&columns, &rows);
    for (size_t i = 0; i < SCREEN_LINES_AT_ONCE; i++)
        if (!subscriptions_take(shell->subscriptions, columns - 1, text))
            return;
}

/* ---- candidates ---- */

static size_t cells_of_text(const char *shown)
{
    struct text scratch = {0};
    size_t cells = utf8_show(&scratch, shown, strlen(shown), 0);

    text_deinit(&scratch);
    return cells;
}

static void add_with_help(const struct completion *completion, size_t shown, size_t widest,
                          size_t columns, struct text *text)
{
    for (size_t i = 0; i < shown; i++) {
        const struct candidate *candidate = &completion->candidates[i];
        size_t used = utf8_show(text, candidate->word, strlen(candidate->word), columns - 1);

        if (candidate->help != NULL && widest + GAP_CELLS + 8 < columns) {
            pad(text, used, widest + GAP_CELLS);
            utf8_show(text, candidate->help, strlen(candidate->help),
                      columns - 1 - widest - GAP_CELLS);
        }
        text_char(text, '\n');
    }
}

static void add_in_columns(const struct completion *completion, size_t shown, size_t per_row,
                           size_t widest, size_t columns, struct text *text)
{
    size_t rows = (shown + per_row - 1) / per_row;

    for (size_t row = 0; row < rows; row++) {
        for (size_t i = row; i < shown; i += rows) {
            const char *word = completion->candidates[i].word;
            size_t used = utf8_show(text, word, strlen(word), columns - 1);

            if (i + rows < shown)
                pad(text, used, widest + GAP_CELLS);
        }
        text_char(text, '\n');
    }
}

static void add_more(const struct completion *completion, size_t shown, struct text *text)
{
    uint64_t left = completion->count - shown;

    if (completion->more == UINT64_MAX) {
        text_string(text, "\xE2\x80\xA6 more\n");
        return;
    }
    left += completion->more;
    if (left == 0)
        return;
    text_string(text, "\xE2\x80\xA6 ");
    value_show_count(text, left);
    text_string(text, " more\n");
}

void screen_add_candidates(const struct completion *completion, struct text *text)
{
    size_t columns, rows, widest = 1, shown = completion->count, per_row;
    bool has_help = false;

    cells_of_screen(&columns, &rows);
    rows = rows > ROWS_KEPT + 1 ? rows - ROWS_KEPT : 1;
    for (size_t i = 0; i < completion->count; i++) {
        size_t cells = cells_of_text(completion->candidates[i].word);

        widest = cells > widest ? cells : widest;
        has_help = has_help || completion->candidates[i].help != NULL;
    }
    per_row = columns > widest + GAP_CELLS ? columns / (widest + GAP_CELLS) : 1;
    if (has_help && widest <= NAME_CELLS_MAX && shown <= HELP_ROWS_MAX && shown <= rows) {
        add_with_help(completion, shown, widest, columns, text);
    } else {
        shown = shown > rows * per_row ? rows * per_row : shown;
        add_in_columns(completion, shown, per_row, widest, columns, text);
    }
    add_more(completion, shown, text);
}
