/*
 * prompt.c - the REPL (prompt.h).
 *
 * What always holds: an error of a line is told and forgotten; only .quit, Ctrl-D, .bail and a
 * signal that asks the process to end lead out of here.
 */
#include "prompt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dot.h"
#include "editor.h"
#include "editor_screen.h"
#include "session.h"
#include "shell.h"
#include "utf8.h"

/* ---- how it begins ---- */

static void add_size(struct text *text, flume_log *log)
{
    flume_log_stat_info stat;

    if (flume_log_stat(log, &stat) != FLUME_OK)
        return; /* Commands say why. */
    if (stat.head == 0) {
        text_string(text, "new, empty");
        return;
    }
    value_show_size(text, stat.used_bytes);
    text_string(text, "  ");
    value_show_count(text, stat.head);
    text_string(text, stat.head == 1 ? " record" : " records");
}

static void say_banner(struct shell *shell)
{
    struct text text = {0};

    text_string(&text, "flume " FLUME_VERSION "  ");
    if (shell->db == NULL) {
        text_string(&text, "no basin is open (.open PATH)");
    } else {
        utf8_show(&text, shell->db, strlen(shell->db), 0);
        text_string(&text, "  ");
    }
    if (shell->flume != NULL)
        add_size(&text, flume_log_of(shell->flume));
    text_string(&text, "   help, Tab and Ctrl-D work here\n");
    screen_write(&text);
    text_deinit(&text);
}

/* The basin that the program was given. What is no basin ends it at once; of others (damaged, busy)
 * it is told what is wrong, and the prompt is where that can be looked into. */
static int open_first(struct shell *shell)
{
    struct session session;
    char *path = shell->db;
    int code = CODE_OK;

    if (path == NULL)
        return CODE_OK;
    session_init(&session, shell->invocation, shell);
    shell->db = NULL;
    code = shell_use(shell, &session, path);
    session_deinit(&session);
    if (code == CODE_NO_BASIN || code == CODE_VERSION) {
        free(path);
        return code;
    }
    if (code == CODE_OK)
        free(path);
    else
        shell->db = path;
    return CODE_OK;
}

/* ---- the start-up file ---- */

static char *find_rc(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *path = NULL;
    int made = -1;

    if (config != NULL && *config == '/')
        made = asprintf(&path, "%s/flume/rc", config);
    else if (home != NULL && *home == '/')
        made = asprintf(&path, "%s/.config/flume/rc", home);
    return made < 0 ? NULL : path;
}

static void refuse_rc(struct shell *shell, const char *source, const struct line *line,
                      struct line_origin origin)
{
    struct session session;

    shell->source = source;
    shell->line = line;
    shell->origin = origin;
    session_init(&session, shell->invocation, shell);
    (void)report(&session, ERROR_RC_LINE);
    session_deinit(&session);
    shell->source = NULL;
    shell->line = NULL;
}

static void say_unreadable(struct shell *shell, const char *path, int error)
{
    struct session session;

    session_init(&session, shell->invocation, shell);
    (void)report(&session, ERROR_FILE_UNREADABLE, path, strerror(error));
    session_deinit(&session);
}

static void run_rc_line(struct shell *shell, const char *path, size_t number, const char *source,
                        size_t bytes)
{
    struct line_origin origin = {path, number};
    const struct dot *dot;
    struct line line;

    line_parse(source, bytes, &line);
    dot = line.form == LINE_DOT ? dot_find(line.argv[1]) : NULL;
    if (line.form != LINE_EMPTY && (line.form != LINE_DOT || (dot != NULL && !dot->in_rc)))
        refuse_rc(shell, source, &line, origin);
    else
        (void)shell_run(shell, source, &line, origin); /* It was said where the error is. */
    line_release(&line);
}

static void read_rc(struct shell *shell)
{
    char *path = find_rc(), *line = NULL;
    size_t capacity = 0, number = 0;
    FILE *stream = path == NULL ? NULL : fopen(path, "re");
    ssize_t bytes;

    while (stream != NULL && (bytes = getline(&line, &capacity, stream)) > 0) {
        if (line[bytes - 1] == '\n')
            line[--bytes] = '\0';
        run_rc_line(shell, path, ++number, line, (size_t)bytes);
    }
    if (stream != NULL)
        (void)fclose(stream); /* Nothing was written. */
    else if (path != NULL && errno != ENOENT && errno != ENOTDIR)
        say_unreadable(shell, path, errno);
    free(line);
    free(path);
}

/* ---- a line after the other ---- */

/* Read until the source is a whole line. EDITOR_LINE: the gathered line is to be taken. */
static enum editor_answer read_whole(struct editor *editor, struct line_gather **io_gather)
{
    char prompt[LINE_END_BYTES_MAX + 3] = PROMPT;
    enum editor_answer answer;
    const char *typed;
    size_t bytes;

    while ((answer = editor_read(editor, prompt, &typed, &bytes)) == EDITOR_LINE) {
        if (line_gather_add(*io_gather, typed, bytes) != LINE_WANTING)
            return EDITOR_LINE;
        snprintf(prompt, sizeof(prompt), "%s> ", line_gather_wanting(*io_gather));
    }
    line_gather_destroy(*io_gather); /* Everything typed so far is dropped. */
    *io_gather = line_gather_create();
    return answer;
}

/* What subscriptions brought while a command ran. */
static void show_subscribed(struct shell *shell)
{
    struct text text = {0};

    screen_add_subscribed(shell, &text);
    screen_write(&text);
    text_deinit(&text);
}

/* A search without an answer says so with its exit code alone, which nobody sees here. */
static void say_nothing_found(struct shell *shell)
{
    struct session session;

    session_init(&session, shell->invocation, shell);
    note(&session, "nothing found");
    session_deinit(&session);
}

static int run_lines(struct shell *shell, struct editor *editor)
{
    struct line_gather *gather = line_gather_create();
    int code = CODE_OK;

    while (!shell->quits && gather != NULL) {
        enum editor_answer answer;
        const char *source;
        struct line line;
        size_t bytes;

        show_subscribed(shell);
        answer = read_whole(editor, &gather);
        if (answer == EDITOR_END)
            break;
        if (answer == EDITOR_DISCARDED)
            continue;
        source = line_gather_source(gather, &bytes);
        editor_remember(editor, source, bytes);
        line_gather_take(gather, &line);
        shell->has_reported = false;
        code = shell_run(shell, source, &line, (struct line_origin){NULL, 1});
        if (line.form == LINE_SHELL || line.target == TARGET_PIPE || stop_asked(&shell->stop) != 0)
            screen_begin_row(); /* Others end with a newline; but the terminal shows ^C. */
        if (code == CODE_NO && line.form == LINE_COMMAND && line.target != TARGET_PIPE &&
            !shell->has_reported)
            say_nothing_found(shell);
        line_release(&line);
        if (stop_asked(&shell->stop) != 0 && stop_asked(&shell->stop) != SIGINT)
            break;
        if (code != CODE_OK && shell->settings.bail)
            break;
        code = CODE_OK;
    }
    line_gather_destroy(gather);
    return code;
}

int prompt_main(struct shell *shell)
{
    struct editor *editor;
    int code = open_first(shell), signal;

    if (code != CODE_OK)
        return code;
    editor = editor_open(shell);
    if (editor == NULL) {
        fputs("error: no memory\n", stderr);
        return CODE_IO;
    }
    if (!invocation_has(shell->invocation, OPTION_NO_RC))
        read_rc(shell);
    if (!invocation_has(shell->invocation, OPTION_QUIET))
        say_banner(shell);
    code = run_lines(shell, editor);
    editor_close(editor);
    signal = stop_asked(&shell->stop);
    return signal != 0 && signal != SIGINT ? 128 + signal : code;
}
