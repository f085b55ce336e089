/*
 * script.h - lines that nobody types: -c LINE, --script FILE, standard input, .read FILE.
 *
 * A script ends at its first command that does not end with 0, and with that command's exit code;
 * under --keep-going it goes on, and ends with the worst code there was. What stops it is always
 * said, with FILE:LINE:COLUMN. A quote, a bracket or a heredoc that is open where the script ends
 * is an error at the place where it began. A byte order mark before the first line is passed over.
 */
#ifndef REPL_SCRIPT_H
#define REPL_SCRIPT_H

struct invocation;
struct shell;

/**
 * Every -c and --script in the order they were given; without either, the lines of standard input.
 * Commands on standard input find nothing to read there themselves.
 *
 * @return the exit code; 0 after .quit.
 */
int script_run(struct shell *shell, const struct invocation *invocation);

/** The lines of one file. */
int script_read(struct shell *shell, const char *path);

#endif
