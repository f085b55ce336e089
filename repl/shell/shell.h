/*
 * shell.h - many commands in one process: the REPL, -c, --script and commands on standard input.
 *
 * The shell keeps one handle open for reading (with views, without workers of its own), which every
 * command that only reads borrows: session_open_to_read(). A command that must write opens the
 * basin for writing and closes it when it is done. So whoever looks never stands in a writer's way,
 * and what the last command wrote, the next one sees.
 */
#ifndef REPL_SHELL_H
#define REPL_SHELL_H

#include <sys/types.h>

#include "flume/find.h"
#include "line.h"
#include "loaded.h"
#include "settings.h"
#include "stop.h"

struct invocation;
struct session;
struct subscriptions;

/* Where a line came from, for errors of scripts. */
struct line_origin {
    const char *file;   /* NULL: a prompt. "-c" and "standard input" are names too. */
    size_t line_number; /* From 1. */
};

/* Which directory a path named: another one may be at the path later. */
struct identity {
    dev_t device;
    ino_t inode;
    int64_t born_s, born_ns; /* An inode's number is given again. 0: unknown. */
};

struct shell {
    const struct invocation *invocation; /* The program's own: options that hold for every line. */
    struct settings settings;
    char *db;                 /* NULL: none is open (.open). Owned. */
    flume *flume;             /* Open for reading; NULL: not (yet). */
    struct identity identity; /* Of what flume has open. */
    struct loaded loaded;     /* Views of the program's --load. */
    bool has_loaded;
    struct stop stop;
    bool interactive; /* Lines come from a person at a terminal. */
    bool quits;       /* .quit was given, or a signal asked to end. */
    bool has_last;    /* `_` means last_seq: the record that was printed last. */
    uint64_t last_seq;
    int screen;        /* The terminal on which what stdout takes will be shown: see .watch;
                                  -1: stdout is what it is. */
    char *once_path;   /* .once FILE, for the next command. Owned. NULL: none. */
    char *output_path; /* .output FILE. Owned. NULL: the screen. */
    struct subscriptions *subscriptions; /* Lines that come by themselves; NULL: none. */
    uint64_t records_read, bytes_read;   /* By the commands so far, for .timer. */
    unsigned depth;                      /* Of .read in .read. */
    int code;                            /* The exit code so far. */

    bool has_reported; /* The code was explained, since this was set to false. */
    /* The line that is running, for what is said about it; source NULL: none is. */
    const char *source;
    const struct line *line;
    struct line_origin origin;
};

/** @param invocation  Parsed without a command; borrowed as long as the shell is used. */
void shell_init(struct shell *shell, const struct invocation *invocation);
void shell_deinit(struct shell *shell);

/** Run one whole line (line.h), of whatever form. Everything is reported.
 * @return its exit code; that of a shell command (!command, | command) where only that failed. */
int shell_run(struct shell *shell, const char *source, const struct line *line,
              struct line_origin origin);

/** The same for words that are no line of their own: argv[1] is a command or a dot-command. Rows go
 * where standard output goes. */
int shell_run_words(struct shell *shell, int argc, const char *const *argv);

/** The handle for reading, opened at the first call, and again where another basin has taken the
 * path. CODE_OK, or the code of what was reported by `session`. */
int shell_open(struct shell *shell, struct session *session, flume **out_flume);

/** Close that handle; subscriptions end. Harmless if there is none. */
void shell_close(struct shell *shell);

/** Load what --load names, at the first call. CODE_OK, or the code of what was reported. */
int shell_load(struct shell *shell);

/** Use the basin at a path from now on. On a terminal it is asked whether one that is not there is
 * to be made. CODE_OK, or the code of what was reported; then everything is as before. */
int shell_use(struct shell *shell, struct session *session, const char *path);

/** Everything that the program does where it was given no command: -c and --script in their order,
 * else a prompt where standard input and output are a terminal, else the lines of standard input.
 * The exit code. */
int shell_main(const struct invocation *invocation);

#endif
