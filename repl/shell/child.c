/*
 * child.c - commands of the system's shell (child.h).
 */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

enum { COMMAND_CELLS_MAX = 40 };

static int spawn(const char *command, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const *environment, pid_t *out_child)
{
    char shell[] = "sh", option[] = "-c";
    char *copy = strdup(command);
    char *const argv[] = {shell, option, copy, NULL};
    int error = copy == NULL ? ENOMEM
                             : posix_spawn(out_child, "/bin/sh", actions, attributes, argv,
                                           environment != NULL ? environment : environ);

    free(copy);
    return -error;
}

int child_start(const char *command, int input, char *const *environment, pid_t *out_child)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int status;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -ENOMEM;
    }
    sigemptyset(&none);
    sigfillset(&all);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawnattr_setsigdefault(&attributes, &all); /* These fail for no valid set. */
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    status = input == -1 ? 0 : -posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (status == 0)
        status = spawn(command, &actions, &attributes, environment, out_child);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return status;
}

int child_wait(struct session *session, pid_t child, const char *command)
{
    int status, length = (int)strnlen(command, COMMAND_CELLS_MAX);
    const char *more = strlen(command) > COMMAND_CELLS_MAX ? "..." : "";

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return CODE_IO; /* Somebody has waited for it already: how it ended nobody knows. */
    if (WIFEXITED(status) && WEXITSTATUS(status) == CODE_PIPE_CLOSED)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        note(session, "%.*s%s: exit code %d", length, command, more, WEXITSTATUS(status));
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    if (WTERMSIG(status) != SIGINT && WTERMSIG(status) != SIGPIPE)
        note(session, "%.*s%s: ended by signal %d (%s)", length, command, more, WTERMSIG(status),
             strsignal(WTERMSIG(status)));
    return WTERMSIG(status) == SIGPIPE ? 0 : 128 + WTERMSIG(status);
}
