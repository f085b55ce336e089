/*
 * pager.c - a program that shows long output a screen at a time (pager.h).
 *
 * What always holds: while a pager runs, writing to one that has ended is an error and no signal,
 * so that a pager that is left early ends no shell.
 */
#include "pager.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_EXECUTABLE = 126 };

const char *pager_command(void)
{
    const char *command = getenv("FLUME_PAGER");

    if (command == NULL)
        command = getenv("PAGER");
    if (command == NULL)
        command = "less -FRX";
    return *command == '\0' || strcmp(command, "cat") == 0 ? NULL : command;
}

static bool is_in_path(const char *name, size_t bytes)
{
    const char *directory = getenv("PATH");
    char whole[4096];

    while (directory != NULL && *directory != '\0') {
        size_t length = strcspn(directory, ":");
        int used =
            snprintf(whole, sizeof(whole), "%.*s/%.*s", (int)length, directory, (int)bytes, name);

        if (used > 0 && (size_t)used < sizeof(whole) && access(whole, X_OK) == 0)
            return true;
        directory += length + (directory[length] == ':' ? 1 : 0);
    }
    return false;
}

/* Whether the command's first word is a program. What only a shell understands is left to it. */
static bool may_exist(const char *command)
{
    size_t bytes = strcspn(command, " \t");
    char name[1024];

    if (strcspn(command, "=\"'\\$`|&;<>()*?[#~{") < bytes || bytes == 0 || bytes >= sizeof(name))
        return true;
    memcpy(name, command, bytes);
    name[bytes] = '\0';
    return strchr(name, '/') != NULL ? access(name, X_OK) == 0 : is_in_path(name, bytes);
}

/* The child reads `input`, and gets signals as if it were started from a shell. */
static int spawn(pid_t *out_pid, const char *command, int input)
{
    static const char shape[] = "LESS=\"${LESS-FRX}\"; export LESS; ";
    char *script = malloc(sizeof(shape) + strlen(command));
    char *arguments[] = {"sh", "-c", script, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults, none;
    extern char **environ;
    int failed;

    if (script == NULL)
        return ENOMEM;
    strcpy(script, shape);
    strcat(script, command);
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    failed = posix_spawn(out_pid, "/bin/sh", &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(script);
    return failed;
}

enum pager_answer pager_begin(struct pager *pager)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    const char *command = pager_command();
    int ends[2];

    if (command == NULL || fflush(stdout) != 0)
        return PAGER_NONE;
    if (!may_exist(command))
        return PAGER_IS_MISSING;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return PAGER_NONE;
    pager->terminal = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (pager->terminal < 0 || spawn(&pager->pid, command, ends[0]) != 0) {
        pager->pid = 0;
        if (pager->terminal >= 0)
            close(pager->terminal);
        close(ends[0]);
        close(ends[1]);
        return PAGER_NONE;
    }
    sigaction(SIGPIPE, &ignore, &pager->pipe_action);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    return PAGER_RUNS;
}

bool pager_is_gone(struct pager *pager)
{
    if (!pager->is_gone)
        pager->is_gone = waitpid(pager->pid, &pager->status, WNOHANG) == pager->pid;
    return pager->is_gone;
}

bool pager_end(struct pager *pager)
{
    if (fflush(stdout) != 0)
        __fpurge(stdout); /* Nobody is to get what the pager did not take. */
    clearerr(stdout);
    dup2(pager->terminal, STDOUT_FILENO);
    close(pager->terminal);
    while (!pager->is_gone && waitpid(pager->pid, &pager->status, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGPIPE, &pager->pipe_action, NULL);
    pager->pid = 0;
    return !WIFEXITED(pager->status) || WEXITSTATUS(pager->status) < NOT_EXECUTABLE;
}
