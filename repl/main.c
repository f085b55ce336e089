/*
 * main.c - the program `flume`: one command, then the end.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "help.h"
#include "run.h"

static int (*const runs[COMMAND_COUNT])(struct session *session) = {
    [COMMAND_INIT] = run_init,       [COMMAND_INFO] = run_info,     [COMMAND_APPEND] = run_append,
    [COMMAND_GET] = run_get,         [COMMAND_LOG] = run_log,       [COMMAND_TAIL] = run_tail,
    [COMMAND_CHECK] = run_check,     [COMMAND_REPAIR] = run_repair, [COMMAND_STAT] = run_stat,
    [COMMAND_EXPORT] = run_export,   [COMMAND_IMPORT] = run_import, [COMMAND_BENCH] = run_bench,
    [COMMAND_VERSION] = run_version, [COMMAND_HELP] = run_help,     [COMMAND_LABEL] = run_label,
    [COMMAND_FIND] = run_find,       [COMMAND_MARK] = run_mark,     [COMMAND_VIEW] = run_view,
    [COMMAND_EXPLAIN] = run_explain,
};

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

static int run_without_command(struct session *session)
{
    struct text usage = {0};

    if (session->json)
        return report(session, CODE_USAGE, "usage", "commands: flume help", "no command was given");
    help_usage(&usage);
    fputs(text_c_string(&usage), stderr);
    text_deinit(&usage);
    return CODE_USAGE;
}

static int run(struct session *session)
{
    const struct invocation *invocation = session->invocation;
    int code, flushed;

    if (invocation_has(invocation, OPTION_HELP) || invocation_has(invocation, OPTION_USAGE))
        code = run_help(session);
    else if (invocation_has(invocation, OPTION_VERSION))
        code = run_version(session);
    else if (invocation->command == NULL)
        return run_without_command(session);
    else if (invocation->explains)
        code = run_explain(session);
    else
        code = runs[invocation->command - command_table](session);
    if (ferror(stdout) != 0 && code == CODE_IO)
        return code; /* Reported where it was noticed. */
    flushed = session_flush(session);
    return flushed == CODE_OK ? code : exit_code_worse(code, flushed);
}

int main(int argc, char **argv)
{
    struct invocation invocation;
    struct parse_error error;
    struct session session;
    bool parsed;
    int code;

    /* Only to know how wide characters are; numbers and messages stay as they are. */
    if (setlocale(LC_CTYPE, "") == NULL)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    restore_pipe_signal();
    setvbuf(stdout, NULL, _IOFBF, 64 << 10);
    parsed = invocation_parse(argc, (const char *const *)argv, &invocation, &error);
    session_init(&session, &invocation);
    code = parsed ? run(&session) : report_parse_error(&session, &error);
    session_deinit(&session);
    invocation_release(&invocation);
    return code;
}
