/*
 * complete_dot.h - completion and hints of dot-commands.
 */
#ifndef REPL_COMPLETE_DOT_H
#define REPL_COMPLETE_DOT_H

#include "candidates.h"

/** Their names, and the values that they take. */
void complete_dot(struct candidates *candidates);

/** The rest of the syntax of the one that is typed. */
void complete_dot_hint(const struct typed *typed, struct text *hint);

/** Where the word belongs to the command of a `.watch`: that command, as if it stood alone.
 * @param out  Valid as long as `typed`; not to be released. */
bool complete_dot_command(const struct typed *typed, struct typed *out);

#endif
