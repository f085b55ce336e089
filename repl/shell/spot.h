/*
 * spot.h - what the cursor's word is in the command that is being typed: a command's name, an
 * option, an option's value, an operand. Completion and hints both begin here.
 *
 * As in invocation.h the words and the table of commands are all that is looked at; but what is
 * wrong or missing is passed over, since the line goes on.
 */
#ifndef REPL_SPOT_H
#define REPL_SPOT_H

#include "command.h"
#include "typed.h"

enum spot_form {
    SPOT_COMMAND,
    SPOT_OPTION,
    SPOT_VALUE,
    SPOT_OPERAND,
    SPOT_LOST /* Behind a word that should be a command and is none. */
};

struct spot {
    enum spot_form form;
    const char *db;                /* The basin that was named before; NULL: none. */
    bool is_lost;                  /* A word before is no command, but should be. */
    bool explains;                 /* The command stands behind explain. */
    const struct command *command; /* NULL: none yet. */
    const struct subcommand *sub;  /* The form that was named, else the one that is meant. */
    bool sub_is_named;
    struct option_set set;   /* Options that may be given. */
    struct option_set given; /* Those that were. */
    enum option_id option;   /* Whose value the word is. */
    size_t value_at;         /* Where in the word the value begins: behind "--mode=" or "-l". */
    bool only_operands;      /* "--" was given. */
    const char **operands;   /* Whole operands before the word, without command and form. Owned. */
    size_t operand_count;
};

/** @param out  Always set; spot_release() in any case. False without memory. */
bool spot_find(const struct typed *typed, struct spot *out);
void spot_release(struct spot *spot);

/** Whether an option may still be given. */
bool spot_may_give(const struct spot *spot, enum option_id id);

/** The operands' syntax (syntax.h) at the spot: the form's, or the command's; "" without one. */
const char *spot_operands(const struct spot *spot);

#endif
