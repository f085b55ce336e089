/*
 * shell.c - many commands in one process: running a line (shell.h).
 */
#include "shell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "dot.h"
#include "editor.h"
#include "prompt.h"
#include "redirect.h"
#include "run.h"
#include "script.h"
#include "subscriptions.h"

/* ---- the whole program ---- */

/* A person at a terminal, and nothing else to run. */
static bool is_interactive(const struct invocation *invocation)
{
    return !invocation_has(invocation, OPTION_COMMAND) &&
           !invocation_has(invocation, OPTION_SCRIPT) && isatty(STDIN_FILENO) == 1 &&
           isatty(STDOUT_FILENO) == 1;
}

static void block_editor_signals(void)
{
    sigset_t signals;

    editor_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

void shell_init(struct shell *shell, const struct invocation *invocation)
{
    const char *db = invocation->db != NULL ? invocation->db : getenv("FLUME_DB");

    *shell = (struct shell){.invocation = invocation, .screen = -1};
    settings_init(&shell->settings, invocation);
    shell->interactive = is_interactive(invocation);
    if (shell->interactive)
        block_editor_signals();
    stop_begin(&shell->stop, shell->interactive ? STOP_IS_NOTED : STOP_ENDS_PROCESS);
    if (db != NULL && *db != '\0')
        shell->db = strdup(db);
}

void shell_deinit(struct shell *shell)
{
    shell_close(shell);
    loaded_close(&shell->loaded);
    stop_end(&shell->stop);
    free(shell->db);
    free(shell->once_path);
    free(shell->output_path);
}

int shell_main(const struct invocation *invocation)
{
    struct shell shell;
    int code;

    shell_init(&shell, invocation);
    code = shell.interactive ? prompt_main(&shell) : script_run(&shell, invocation);
    shell_deinit(&shell);
    return code;
}

/* ---- one line ---- */

/* What is said about a line as a whole. */
static void begin_own_session(struct shell *shell, struct session *session)
{
    session_init(session, shell->invocation, shell);
}

static int refuse_line(struct shell *shell)
{
    struct session session;
    int code;

    begin_own_session(shell, &session);
    code = report_line(&session);
    session_deinit(&session);
    return code;
}

/* .limit, where a command takes -n and was given none. Only what is looked at is cut short. */
static void apply_limit(struct invocation *invocation, const struct shell *shell)
{
    static const enum option_id limits[] = {OPTION_LIMIT, OPTION_ROWS_MAX};
    bool on_screen = isatty(STDOUT_FILENO) == 1 || shell->screen != -1;
    struct option_set set = {{0}};

    if (shell->settings.limit == 0 || !on_screen || invocation->command == NULL)
        return;
    option_set_add(&set, invocation->command->options);
    if (invocation->sub != NULL)
        option_set_add(&set, invocation->sub->options);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (option_set_has(&set, limits[i]) && !invocation_has(invocation, limits[i]))
            (void)invocation_add_option(invocation, limits[i], NULL, shell->settings.limit);
}

/* `quit` alone is what a shell is left by elsewhere. */
static void suggest_dot(const char *word, struct parse_error *error)
{
    for (size_t i = 0; dot_row(i) != NULL; i++)
        if (strcmp(dot_row(i)->name + 1, word) == 0) {
            suggest_begin(&error->suggestion, "", dot_row(i)->name, strlen(dot_row(i)->name));
            suggest_offer(&error->suggestion, dot_row(i)->name);
        }
}

static int run_parsed(struct shell *shell, const struct invocation *invocation)
{
    struct session session;
    int code;

    session_init(&session, invocation, shell);
    code = run_command(&session);
    shell->records_read += session.records_read;
    shell->bytes_read += session.bytes_read;
    session_deinit(&session);
    return code;
}

static int run_words(struct shell *shell, int argc, const char *const *argv, bool *out_follows)
{
    struct invocation invocation;
    struct parse_error error;
    int code = CODE_OK;
    bool parsed = invocation_parse(argc, argv, &invocation, &error);

    invocation.outer = shell->invocation;
    *out_follows = invocation_has(&invocation, OPTION_FOLLOW) ||
                   invocation_has(&invocation, OPTION_LIVE);
    if (!parsed) {
        struct session session;

        if (error.token == 1)
            suggest_dot(argv[1], &error);
        session_init(&session, &invocation, shell);
        code = report_parse_error(&session, &error);
        session_deinit(&session);
    } else if (invocation.command != NULL || invocation_has(&invocation, OPTION_HELP) ||
               invocation_has(&invocation, OPTION_USAGE) ||
               invocation_has(&invocation, OPTION_VERSION)) {
        apply_limit(&invocation, shell);
        code = run_parsed(shell, &invocation);
    }
    invocation_release(&invocation);
    return code;
}

int shell_run_words(struct shell *shell, int argc, const char *const *argv)
{
    bool follows;

    return argv[1][0] == '.' ? dot_run(shell, argc, argv) : run_words(shell, argc, argv, &follows);
}

/* Whether a file gets what a command wrote: not half an answer. That of a search may be empty; that
 * of one that follows ends where it is ended. */
static bool is_whole(const struct shell *shell, int code, bool follows)
{
    return code == CODE_OK || (code == CODE_NO && !shell->has_reported) || code == CODE_PARTIAL ||
           code == CODE_DAMAGED || (follows && code == CODE_INTERRUPTED);
}

/* A command or dot-command, with its rows going where they are to go. */
static int run_redirected(struct shell *shell, const struct line *line)
{
    struct redirect redirect;
    struct session session;
    bool follows = false;
    int code;

    shell->has_reported = false;
    begin_own_session(shell, &session);
    code = redirect_begin(&redirect, &session, shell, line);
    if (code == CODE_OK) {
        code = line->form == LINE_DOT ? dot_run(shell, line->argc, line->argv)
                                      : run_words(shell, line->argc, line->argv, &follows);
        code = redirect_end(&redirect, &session, code, is_whole(shell, code, follows));
    }
    session_deinit(&session);
    return code;
}

static int run_child(struct shell *shell, const char *command)
{
    struct session session;
    pid_t child;
    int code, status = child_start(command, -1, NULL, &child);

    begin_own_session(shell, &session);
    code = status == 0 ? child_wait(&session, child, command)
                       : report(&session, ERROR_NO_SHELL, strerror(-status));
    session_deinit(&session);
    return code;
}

static int run_form(struct shell *shell, const struct line *line)
{
    switch (line->form) {
    case LINE_EMPTY:
        return CODE_OK;
    case LINE_COMMAND:
    case LINE_DOT:
        return run_redirected(shell, line);
    case LINE_SHELL:
        return run_child(shell, line->target_text);
    default:
        return refuse_line(shell);
    }
}

/* .timer */
static void say_time(struct shell *shell, uint64_t ns)
{
    struct session session;
    struct text text = {0};

    value_show_span(&text, ns);
    if (shell->records_read != 0) {
        text_string(&text, "   ");
        value_show_count(&text, shell->records_read);
        text_string(&text, " records read, ");
        value_show_size(&text, shell->bytes_read);
    }
    begin_own_session(shell, &session);
    note(&session, "%s", text_c_string(&text));
    session_deinit(&session);
    text_deinit(&text);
}

int shell_run(struct shell *shell, const char *source, const struct line *line,
              struct line_origin origin)
{
    const struct line *outer_line = shell->line;
    const char *outer_source = shell->source;
    struct line_origin outer_origin = shell->origin;
    uint64_t began_ns = value_monotonic_ns();
    bool times = shell->settings.timer && line->form == LINE_COMMAND;
    int code;

    if (outer_source == NULL)
        stop_clear(&shell->stop); /* .read runs several for one line of the person. */
    shell->records_read = shell->bytes_read = 0;
    shell->source = source;
    shell->line = line;
    shell->origin = origin;
    if (shell->settings.echo && line->form != LINE_EMPTY)
        fprintf(stderr, "flume> %s\n", source);
    code = run_form(shell, line);
    if (times)
        say_time(shell, value_monotonic_ns() - began_ns);
    shell->source = outer_source;
    shell->line = outer_line;
    shell->origin = outer_origin;
    return code;
}
