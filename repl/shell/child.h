/*
 * child.h - commands of the system's shell: !command, and what reads a command's output.
 *
 * A child has the signals as they are by default, whatever this program does with its own; Ctrl-C
 * at the terminal reaches it as any program.
 */
#ifndef REPL_CHILD_H
#define REPL_CHILD_H

#include <sys/types.h>

struct session;

/** Start `sh -c command`. 0 or -errno.
 * @param input        Its standard input; -1: this program's own.
 * @param environment  NAME=VALUE, NULL behind the last. NULL: this program's own. */
int child_start(const char *command, int input, char *const *environment, pid_t *out_child);

/** Wait for its end, and say how it ended if that was not well.
 * @return its exit status, or 128 + the signal. A reader that a closed pipe ended did end well. */
int child_wait(struct session *session, pid_t child, const char *command);

#endif
