/*
 * shell.c - many commands in one process (shell.h).
 */
#include "shell.h"

#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "run.h"
#include "script.h"

void shell_init(struct shell *shell, const struct invocation *invocation)
{
    *shell = (struct shell){.invocation = invocation};
    settings_init(&shell->settings);
    stop_begin(&shell->stop, STOP_IS_NOTED);
    if (invocation->db != NULL)
        shell->db = strdup(invocation->db);
    else if (getenv("FLUME_DB") != NULL)
        shell->db = strdup(getenv("FLUME_DB"));
}

void shell_deinit(struct shell *shell)
{
    (void)flume_close(shell->flume); /* Nothing was written. */
    stop_end(&shell->stop);
    free(shell->db);
}

int shell_open(struct shell *shell, struct session *session, flume **out_flume)
{
    flume_options options = {.log = {.flags = FLUME_OPEN_READ_ONLY},
                             .views = FLUME_VIEWS_NO_WORKERS};
    flume_error error = {.seq = FLUME_SEQ_NONE};
    int status = FLUME_OK;

    if (shell->flume == NULL)
        status = flume_open(&shell->flume, shell->db, &options, &error);
    if (status != FLUME_OK)
        return report_status(session, status, &error);
    *out_flume = shell->flume;
    return CODE_OK;
}

static int run_command_line(struct shell *shell, const struct line *line)
{
    struct invocation invocation;
    struct parse_error error;
    struct session session;
    bool parsed;
    int code;

    parsed = invocation_parse(line->argc, line->argv, &invocation, &error);
    session_init(&session, &invocation, shell);
    code = !parsed                      ? report_parse_error(&session, &error)
           : invocation.command == NULL ? CODE_OK
                                        : run_command(&session);
    session_deinit(&session);
    invocation_release(&invocation);
    return code;
}

static int refuse_line(struct shell *shell)
{
    struct session session;
    int code;

    session_init(&session, shell->invocation, shell);
    code = report_line(&session);
    session_deinit(&session);
    return code;
}

int shell_run(struct shell *shell, const char *source, const struct line *line,
              struct line_origin origin)
{
    int code = CODE_OK;

    stop_clear(&shell->stop);
    shell->source = source;
    shell->line = line;
    shell->origin = origin;
    if (line->form == LINE_REFUSED || line->form == LINE_WANTING)
        code = refuse_line(shell);
    else if (line->form == LINE_COMMAND)
        code = run_command_line(shell, line);
    shell->source = NULL;
    shell->line = NULL;
    return code;
}

int shell_main(const struct invocation *invocation)
{
    struct shell shell;

    shell_init(&shell, invocation);
    shell.code = script_run(&shell, invocation);
    shell_deinit(&shell);
    return shell.code;
}
