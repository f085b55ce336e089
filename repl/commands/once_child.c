/*
 * once_child.c - the command that `flume run` runs (once.h).
 *
 * What always holds:
 *   - It has signals as flume was given them: what flume does with its own is not inherited.
 *   - It does not outlive a flume that is killed: else whoever takes over would run it a second
 *     time beside it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "once.h"

/* Both ends of each pipe; -1: closed. */
struct ends {
    int streams[ONCE_STREAMS][2];
    int failure[2]; /* The errno of what went wrong before the command ran. */
};

static void close_end(int *end)
{
    if (*end != -1)
        (void)close(*end); /* A pipe has nothing to lose. */
    *end = -1;
}

static void close_ends(struct ends *ends, int which)
{
    for (int i = 0; i < ONCE_STREAMS; i++)
        close_end(&ends->streams[i][which]);
    close_end(&ends->failure[which]);
}

/* 0 or -errno; what was opened is to be closed either way. */
static int open_ends(struct ends *ends)
{
    *ends = (struct ends){{{-1, -1}, {-1, -1}}, {-1, -1}};
    for (int i = 0; i < ONCE_STREAMS; i++) {
        if (pipe2(ends->streams[i], O_CLOEXEC) != 0)
            return -errno;
        if (fcntl(ends->streams[i][0], F_SETFL, O_NONBLOCK) != 0)
            return -errno;
    }
    return pipe2(ends->failure, O_CLOEXEC) == 0 ? 0 : -errno;
}

/* In the child: nothing but what may be called between fork() and exec(). */
static void become(char **argv, const struct ends *ends, int input, pid_t parent)
{
    sigset_t none;
    int error;

    sigemptyset(&none);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(CODE_NOT_RUN); /* It has died before that could be asked for. */
    if (input == -1)
        input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (input != -1 && dup2(input, STDIN_FILENO) != -1 &&
        dup2(ends->streams[ONCE_OUT][1], STDOUT_FILENO) != -1 &&
        dup2(ends->streams[ONCE_ERROR][1], STDERR_FILENO) != -1) {
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)execvp(argv[0], argv);
    }
    error = errno;
    (void)!write(ends->failure[1], &error, sizeof(error)); /* Where else could it be told? */
    _exit(CODE_NOT_RUN);
}

/* The errno that the child tells; 0: it runs. */
static int hear(struct ends *ends)
{
    int error = 0;
    ssize_t bytes;

    do {
        bytes = read(ends->failure[0], &error, sizeof(error));
    } while (bytes < 0 && errno == EINTR);
    return bytes == (ssize_t)sizeof(error) ? error : 0;
}

static int report_start(struct session *session, const char *command, int error)
{
    if (error == ENOENT)
        return report(session, ERROR_RUN_NOT_FOUND, command);
    if (error == EACCES || error == ENOEXEC || error == EISDIR || error == ELOOP ||
        error == ENOTDIR || error == ETXTBSY)
        return report(session, ERROR_RUN_NOT_EXECUTABLE, command, strerror(error));
    return report(session, ERROR_RUN_NOT_STARTED, command, strerror(error));
}

static int wait_for(pid_t process)
{
    int how = 0;

    while (waitpid(process, &how, 0) < 0 && errno == EINTR)
        continue;
    return how;
}

/* What the child is to find in its environment, beside what flume has. 0 or -errno. */
static int tell_held(const struct once *once, const char *outer)
{
    struct text held = {0};
    int status;

    text_format(&held, "%s%s%s", outer, *outer == '\0' ? "" : ":", once->held);
    status = held.failed || setenv(ONCE_VARIABLE, text_c_string(&held), 1) != 0 ? -ENOMEM : 0;
    text_deinit(&held);
    return status;
}

/* 0 or -errno; does not return in the child. */
static int fork_child(struct once *once, const struct ends *ends, pid_t *out_process)
{
    const char *now = getenv(ONCE_VARIABLE);
    char *outer = now == NULL ? NULL : strdup(now);
    int status = now != NULL && outer == NULL ? -ENOMEM : tell_held(once, now == NULL ? "" : now);
    pid_t parent = getpid();

    *out_process = status == 0 ? fork() : -1;
    if (*out_process == 0)
        become(once->argv, ends, once->input_file, parent);
    if (status == 0 && *out_process == -1)
        status = -errno;
    if (outer != NULL)
        (void)setenv(ONCE_VARIABLE, outer, 1); /* It was as long before. */
    else
        (void)unsetenv(ONCE_VARIABLE);
    free(outer);
    return status;
}

int once_child_start(struct once *once, struct once_child *out_child)
{
    pid_t process = -1;
    struct ends ends;
    int error = -open_ends(&ends);

    if (error == 0)
        error = -fork_child(once, &ends, &process);
    close_ends(&ends, 1);
    if (error == 0)
        error = hear(&ends);
    close_end(&ends.failure[0]);
    out_child->descriptor = error == 0 ? pidfd_open(process, 0) : -1;
    if (error == 0 && out_child->descriptor == -1) {
        error = errno;
        (void)kill(process, SIGKILL); /* What cannot be waited for is not to go on. */
    }
    if (error != 0) {
        close_ends(&ends, 0);
        if (process > 0)
            (void)wait_for(process); /* It has not run. */
        return report_start(once->session, once->argv[0], error);
    }
    out_child->process = process;
    for (int i = 0; i < ONCE_STREAMS; i++)
        out_child->streams[i] = ends.streams[i][0];
    return CODE_OK;
}

int once_child_end(struct once_child *child)
{
    int how = wait_for(child->process);

    close_end(&child->descriptor);
    for (int i = 0; i < ONCE_STREAMS; i++)
        close_end(&child->streams[i]);
    return how;
}
