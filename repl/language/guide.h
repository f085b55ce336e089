/*
 * guide.h - what is told of each command besides its syntax: where it stands in an overview, the
 * columns of its rows, and the codes it ends with.
 */
#ifndef REPL_GUIDE_H
#define REPL_GUIDE_H

#include "command.h"

enum guide_group {
    GUIDE_HIDDEN,
    GUIDE_WRITE,
    GUIDE_READ,
    GUIDE_DERIVED,
    GUIDE_LOOK,
    GUIDE_CARE,
    GUIDE_PROGRAM,
    GUIDE_GROUP_COUNT
};

/* What csv has as its header, and objects as their keys (besides "type"). */
struct guide_columns {
    const char *form; /* As it is typed behind the command: "list", "-i", "--meta"; "": as it is. */
    const char *columns; /* With commas. */
};

struct guide_code {
    int code; /* enum exit_code. */
    const char *when;
};

enum { GUIDE_COLUMNS_MAX = 10, GUIDE_CODES_MAX = 6 };

struct guide {
    enum guide_group group;
    struct guide_columns rows[GUIDE_COLUMNS_MAX]; /* NULL columns behind the last. */
    /* 0 behind the last. What any command may end with (usage, no basin, I/O) is not repeated. */
    struct guide_code codes[GUIDE_CODES_MAX];
};

extern const struct guide guide_table[COMMAND_COUNT];

/** "write", "read", ... */
const char *guide_group_name(enum guide_group group);

/** Of this command; it is in the table. */
const struct guide *guide_of(const struct command *command);

#endif
