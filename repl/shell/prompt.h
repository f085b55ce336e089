/*
 * prompt.h - the REPL: lines typed by a person, one after the other.
 */
#ifndef REPL_PROMPT_H
#define REPL_PROMPT_H

struct shell;

/** From the banner to the end. The exit code. */
int prompt_main(struct shell *shell);

#endif
