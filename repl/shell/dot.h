/*
 * dot.h - the table of dot-commands: what a shell's session is set to, and what only a shell can
 * do.
 */
#ifndef REPL_DOT_H
#define REPL_DOT_H

#include <stdbool.h>
#include <stddef.h>

struct session;
struct shell;

/* One line: argv[0] is the dot-command. */
struct dot_call {
    struct shell *shell;
    struct session *session; /* Its invocation's argv has these words from token 1 on. */
    const struct dot *dot;
    int argc;
    const char *const *argv;
};

struct dot {
    const char *name; /* With its dot. */
    const char *operands;
    int operand_min, operand_max;
    const char *summary;
    const char *const *choices; /* What the operand may be; NULL behind the last. NULL: anything. */
    bool in_rc;                 /* Allowed in the start-up file. */
    int (*run)(const struct dot_call *call);
};

/** Row i of the table, or NULL behind its end. */
const struct dot *dot_row(size_t index);

/** The dot-command of this name (with its dot), or NULL. */
const struct dot *dot_find(const char *name);

/** Run a line: argc words, argv[1] the dot-command. Its exit code; everything is reported. */
int dot_run(struct shell *shell, int argc, const char *const *argv);

#endif
