/*
 * redirect.h - where a command's rows go: `| command`, `> file`, `>> file`, .once, .output.
 *
 * The process's standard output itself is another one meanwhile, so a command finds out anew
 * whether it writes to a terminal. Only rows go there: what is said stays on stderr. A file that is
 * replaced appears when it is complete; one that is appended to, as it is written.
 */
#ifndef REPL_REDIRECT_H
#define REPL_REDIRECT_H

#include <sys/types.h>

#include "line.h"
#include "output_file.h"

struct session;
struct shell;

struct redirect {
    enum line_target target;
    const char *text; /* The file, or the shell command. Borrowed until the end. */
    char *once_path;  /* Owned: the shell's, which is taken from it. */
    int saved;        /* The standard output that was; -1: it still is. */
    pid_t child;
    struct output_file file;
};

/**
 * By the line, or else by the shell's .once and .output.
 *
 * @param session  For reports: the shell's own.
 * @return CODE_OK, or the code of what was reported; then nothing is redirected.
 */
int redirect_begin(struct redirect *redirect, struct session *session, struct shell *shell,
                   const struct line *line);

/**
 * Back to the standard output that was.
 *
 * @param code         How the command ended.
 * @param is_complete  Whether a file that is replaced gets what was written; else it stays as it
 *                     was, which is said.
 * @return the code to go on with: a reader that ended early is no error.
 */
int redirect_end(struct redirect *redirect, struct session *session, int code, bool is_complete);

#endif
