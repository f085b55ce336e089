/*
 * exit_code.h - how the program ends: a table of its own, stable from the first version on.
 */
#ifndef REPL_EXIT_CODE_H
#define REPL_EXIT_CODE_H

enum exit_code {
    CODE_OK = 0,
    CODE_NO = 1,         /* Not found, no match, a condition that does not hold. */
    CODE_USAGE = 2,      /* A bad option, reference, value; a confirmation without a terminal. */
    CODE_PARTIAL = 3,    /* Some of the work was done, some not; each failure was reported. */
    CODE_DAMAGED = 4,    /* Damage in the basin. */
    CODE_BUSY = 5,       /* Another process holds it, or waiting took too long. */
    CODE_IO = 6,         /* The system refused: read, write, sync, disk full, permission, memory. */
    CODE_NO_BASIN = 7,   /* The path is missing, or is not a basin. */
    CODE_VERSION = 8,    /* The files are newer than this program. */
    CODE_STALE = 9,      /* A remembered position or view does not fit the log. */
    CODE_AMBIGUOUS = 10, /* A name fits several things. */
    CODE_INTERNAL = 70,  /* A bug. */
    CODE_RUN = 125,      /* flume run: whatever flume itself could not do. */
    CODE_NOT_RUN = 126,  /* flume run: the command cannot be executed, */
    CODE_NOT_FOUND = 127, /* or is not there. */
    CODE_SIGNAL = 128,    /* And the signal's number: */
    CODE_INTERRUPTED = 130,
    CODE_PIPE_CLOSED = 141
};

struct exit_code_row {
    int code;
    const char *name;
    const char *when;
};

/** Row i of the table, or NULL behind its end. */
const struct exit_code_row *exit_code_row(unsigned index);

/** The code's name ("no", "usage", ...). Static, never NULL. */
const char *exit_code_name(int code);

/** For a status of the library. */
int exit_code_of(int status);

/** What `flume run` ends with where another command would end with this code: the codes of the
 * command that it runs are its own, so all failures of flume have one of theirs. */
int exit_code_of_run(int code);

/** Where two apply, the one to end with. */
int exit_code_worse(int a, int b);

#endif
