/*
 * shell.h - many commands in one process: the REPL, -c, --script and commands on standard input.
 *
 * The shell keeps one handle open for reading (with views, without workers of its own), which every
 * command that only reads borrows: session_open_to_read(). A command that must write opens the basin
 * for writing and closes it when it is done. So whoever looks never stands in a writer's way, and
 * what the last command wrote, the next one sees.
 */
#ifndef REPL_SHELL_H
#define REPL_SHELL_H

#include "flume/find.h"
#include "loaded.h"
#include "settings.h"
#include "stop.h"

struct invocation;
struct subscriptions;

/* Where a line came from, for errors of scripts. */
struct line_origin {
    const char *file;    /* NULL: a prompt. "-c" and "standard input" are names too. */
    size_t line_number;  /* From 1. */
};

struct shell {
    const struct invocation *invocation; /* The program's own: options that hold for every line. */
    struct settings settings;
    char *db;                 /* NULL: none is open (.open). Owned. */
    flume *flume;             /* Open for reading; NULL: not (yet). */
    struct loaded loaded;     /* Views of --load. */
    struct stop stop;
    bool interactive;         /* Lines come from a person at a terminal. */
    bool quits;               /* .quit was given. */
    bool has_last;            /* `_` means last_seq: the record that was printed last. */
    uint64_t last_seq;
    char *once_path;          /* .once FILE, for the next command. Owned. NULL: none. */
    char *output_path;        /* .output FILE. Owned. NULL: the screen. */
    struct subscriptions *subscriptions; /* Lines that come by themselves; NULL: none. */
    int code;                 /* The exit code so far. */
    bool has_reported;        /* An error was, since this was set to false. */
    const char *source;       /* The line that runs now, for errors; NULL: none. */
    const struct line *line;
    struct line_origin origin;
};

/** @param invocation  Parsed without a command; borrowed as long as the shell is used. */
void shell_init(struct shell *shell, const struct invocation *invocation);
void shell_deinit(struct shell *shell);

/** Run one whole line (line.h), of whatever form; its exit code. Everything is reported. */
struct line;
int shell_run(struct shell *shell, const char *source, const struct line *line,
              struct line_origin origin);

/** The handle for reading, opened at the first call. CODE_OK, or the code of what was reported by
 * `session`. */
struct session;
int shell_open(struct shell *shell, struct session *session, flume **out_flume);

/** Everything that the program does where it was given no command: -c and --script in their order,
 * else a prompt where standard input and output are a terminal, else the lines of standard input.
 * The exit code. */
int shell_main(const struct invocation *invocation);

#endif
