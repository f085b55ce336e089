/*
 * editor_screen.h - what both editors write around the line that is being typed.
 */
#ifndef REPL_EDITOR_SCREEN_H
#define REPL_EDITOR_SCREEN_H

#include <stddef.h>

#include "shell.h"
#include "text.h"

struct completion;

/** Whether escape sequences do what they say: not on a dumb terminal. */
bool screen_is_able(void);

/** Write to the terminal at once. */
void screen_write(const struct text *text);

/** To the beginning of a row: of the next one, if something stands on this one. */
void screen_begin_row(void);

/** Some lines of subscriptions, at most SCREEN_LINES_AT_ONCE, so that keys are looked at
 * between. */
enum { SCREEN_LINES_AT_ONCE = 100 };
void screen_add_subscribed(struct shell *shell, struct text *text);

/** Candidates in columns, or with their help, each row no wider than the screen; not more rows than
 * the screen has. */
void screen_add_candidates(const struct completion *completion, struct text *text);

#endif
