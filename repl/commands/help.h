/*
 * help.h - help texts and the manual page, made from the table of commands.
 */
#ifndef REPL_HELP_H
#define REPL_HELP_H

#include "command.h"
#include "text.h"

enum help_place { HELP_OUTSIDE, HELP_AT_PROMPT };

/** How to begin, all commands, all topics: on one screen. */
void help_overview(struct text *text, enum help_place place);
/** Usage and options of a command. */
void help_options(struct text *text, const struct command *command);
/** Everything about it. */
void help_command(struct text *text, const struct command *command);
/** A topic that is no command; false if there is none of this name. */
bool help_topic(struct text *text, const char *topic);
/** Name of topic i, or NULL behind the last. */
const char *help_topic_name(unsigned index);
/** Say the same as it is typed at the prompt, where the program and the basin are left out. */
void help_at_prompt(struct text *text);

/** The options of every command, a line each. */
void help_common_options(struct text *text);
/** Words, broken into lines of 78 cells; `indent` blanks before each. */
void help_wrap(struct text *text, const char *words, size_t indent);

/** The topics of the shell's lines and scripts, of its own commands, of keys. */
void help_lines(struct text *text);
void help_shell(struct text *text);
void help_keys(struct text *text);
/** flume(1) and flume-commands(7), in troff. */
void help_manual(struct text *text);
void help_manual_of_commands(struct text *text);

#endif
