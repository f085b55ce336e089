/*
 * shell.c - many commands in one process (shell.h).
 */
#include "shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line.h"
#include "run.h"

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

int shell_run(struct shell *shell, const char *source, const struct line *line,
              struct line_origin origin)
{
    struct invocation invocation;
    struct parse_error error;
    struct session session;
    bool parsed;
    int code;

    (void)source;
    (void)origin;
    if (line->form != LINE_COMMAND)
        return CODE_OK;
    stop_clear(&shell->stop);
    parsed = invocation_parse(line->argc, line->argv, &invocation, &error);
    session_init(&session, &invocation, shell);
    code = !parsed                      ? report_parse_error(&session, &error)
           : invocation.command == NULL ? CODE_OK
                                        : run_command(&session);
    session_deinit(&session);
    invocation_release(&invocation);
    return code;
}

int shell_main(const struct invocation *invocation)
{
    char *source = NULL;
    size_t capacity = 0;
    struct shell shell;
    ssize_t bytes;

    shell_init(&shell, invocation);
    while ((bytes = getline(&source, &capacity, stdin)) > 0) {
        struct line line;

        if (source[bytes - 1] == '\n')
            bytes--;
        line_parse(source, (size_t)bytes, &line);
        shell.code = shell_run(&shell, source, &line, (struct line_origin){"standard input", 1});
        line_release(&line);
    }
    free(source);
    shell_deinit(&shell);
    return shell.code;
}
