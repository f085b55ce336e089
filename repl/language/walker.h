/*
 * walker.h - cutting a command line into options and operands, by the rules of getopt_long.
 *
 * --name, --name=value, --name value, -n, -nvalue, -n value, -abc; "--" makes operands of all that
 * follows; "-" alone is an operand; options and operands mix in any order. Behind a command that
 * runs another one (run), the first operand ends them, too: the words behind it are the other's.
 */
#ifndef REPL_WALKER_H
#define REPL_WALKER_H

#include "command.h"

enum item_form {
    ITEM_OPERAND,
    ITEM_OPTION,
    ITEM_UNKNOWN_NAME,
    ITEM_UNKNOWN_LETTER,
    ITEM_VALUE_MISSING,
    ITEM_VALUE_UNWANTED
};

struct item {
    enum item_form form;
    int token;        /* Index in argv, */
    size_t at, bytes; /* and where in the word: the name without dashes, or the whole operand. */
    enum option_id id;
    const char *value; /* NULL: none. */
    int value_token;
    size_t value_at;
};

struct walker {
    int argc;
    const char *const *argv;
    int token;       /* The next word. */
    size_t group_at; /* Inside a group of letters: the next one; else 0. */
    bool only_operands;
    bool knows_command; /* It has been passed. */
    bool runs_another;  /* The next operand makes operands of all that follows. */
};

void walker_begin(struct walker *walker, int argc, const char *const *argv);

/** The next item; options are looked up in `set`. False at the end. */
bool walker_next(struct walker *walker, const struct option_set *set, struct item *out_item);

#endif
