/*
 * help.h - help texts and the manual page, made from the table of commands.
 */
#ifndef REPL_HELP_H
#define REPL_HELP_H

#include "command.h"
#include "text.h"

/** A few lines for who gave no command. */
void help_usage(struct text *text);
/** All commands, with a line each. */
void help_overview(struct text *text);
/** Usage and options of a command. */
void help_options(struct text *text, const struct command *command);
/** Everything about it. */
void help_command(struct text *text, const struct command *command);
/** A topic that is no command; false if there is none of this name. */
bool help_topic(struct text *text, const char *topic);
/** Name of topic i, or NULL behind the last. */
const char *help_topic_name(unsigned index);
/** The topic of the shell's lines and of scripts. */
void help_lines(struct text *text);
/** flume(1), in troff. */
void help_manual(struct text *text);

#endif
