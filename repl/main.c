/*
 * main.c - the program `flume`: one command, or a shell for many.
 */
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "shell.h"

/* Whoever started the program may have had the signal ignored; `flume log | head` is to end
 * quietly all the same. */
static void restore_pipe_signal(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* A file that is opened is never to take the number of a closed standard stream: what is meant for
 * people would be written into a basin. Such a stream can be neither read nor written. */
static void occupy_closed_streams(void)
{
    static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};

    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (fcntl(stream, F_GETFD) == -1)
            (void)open("/dev/null", flags[stream]); /* The lowest number that is free: this one. */
}

/* No command, nor an option that stands for one: a shell. */
static bool is_bare(const struct invocation *invocation)
{
    return invocation->command == NULL && !invocation_has(invocation, OPTION_HELP) &&
           !invocation_has(invocation, OPTION_USAGE) && !invocation_has(invocation, OPTION_VERSION);
}

int main(int argc, char **argv)
{
    struct invocation invocation;
    struct parse_error error;
    struct session session;
    bool parsed;
    int code;

    occupy_closed_streams();
    /* Only to know how wide characters are; numbers and messages stay as they are. */
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8"); /* Labels and texts are UTF-8 wherever they are. */
    restore_pipe_signal();
    setvbuf(stdout, NULL, _IOFBF, 64 << 10);
    parsed = invocation_parse(argc, (const char *const *)argv, &invocation, &error);
    if (parsed && is_bare(&invocation)) {
        code = shell_main(&invocation);
    } else {
        session_init(&session, &invocation, NULL);
        code = parsed ? run_command(&session) : report_parse_error(&session, &error);
        session_deinit(&session);
    }
    invocation_release(&invocation);
    return code;
}
