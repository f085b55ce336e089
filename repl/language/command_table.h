/*
 * command_table.h - the commands, a table for each family (command.h).
 *
 * A new command is an entry of the family it belongs to, an id in enum command_id, a row of
 * guide_table (guide.c) and a line in run.c. A new form of a command is a line of the list above
 * its family's table. In which order commands are told of is the order of enum command_id.
 */
#ifndef REPL_COMMAND_TABLE_H
#define REPL_COMMAND_TABLE_H

#include "command.h"

/* Of each family; a NULL name behind the last. */
extern const struct command commands_basin[];
extern const struct command commands_reading[];
extern const struct command commands_scopes[];
extern const struct command commands_store[];
extern const struct command commands_views[];
extern const struct command commands_care[];
extern const struct command commands_program[];

/* A list in static storage, with its end. */
#define OPTIONS(...) ((const enum option_id[]){__VA_ARGS__, OPTION_COUNT})

/* Options that go together. */
#define PROFILES OPTION_PARANOID, OPTION_SAFE, OPTION_CASUAL, OPTION_FORGETFUL
#define FILTERS \
    OPTION_WITH_LABEL, OPTION_OF_KIND, OPTION_SINCE, OPTION_UNTIL, OPTION_GREP, OPTION_WHERE
#define ASKS OPTION_AS_OF, OPTION_STALE_OK
#define SHAPES OPTION_NUL, OPTION_DELIMITER
#define RECORDS SHAPES, OPTION_LIMIT, OPTION_NO_FAIL_EMPTY

#endif
