/*
 * script.c - lines that nobody types (script.h).
 */
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input.h"
#include "line.h"
#include "session.h"
#include "shell.h"

struct script {
    struct shell *shell;
    const char *name;
    struct reference_place place; /* Where the program's own words name it. */
    bool keeps_going;
    struct line_gather *gather;
    bool is_wanting; /* The gathered source goes on. */
    size_t number;   /* Of the physical line, from 1, */
    size_t first;    /* and of the first one gathered. */
    int code;
};

static bool goes_on(const struct script *script)
{
    return !script->shell->quits &&
           (script->code == CODE_OK || (script->keeps_going && script->code < CODE_SIGNAL));
}

/* ---- one line ---- */

/* Whether its exit code is another program's. */
static bool runs_another(const struct line *line)
{
    const struct command *command =
        line->argc > 1 ? command_find(line->argv[1], strlen(line->argv[1])) : NULL;

    return command != NULL && command->runs_another;
}

/* What ended with a code and without a word, such as a search that found nothing. */
static void say_code(struct shell *shell, const char *source, const struct line *line,
                     struct line_origin origin, int code)
{
    const struct report_detail detail = {.code = code};
    const char *outer_source = shell->source;
    const struct line *outer_line = shell->line;
    struct line_origin outer_origin = shell->origin;
    struct session session;

    shell->source = source;
    shell->line = line;
    shell->origin = origin;
    session_init(&session, shell->invocation, shell);
    if (line->form == LINE_SHELL || line->target == TARGET_PIPE || runs_another(line))
        report_with(&session, &detail, ERROR_SHELL_COMMAND_ENDED, code);
    else
        report_with(&session, &detail, ERROR_COMMAND_ENDED, code, exit_code_name(code));
    session_deinit(&session);
    shell->source = outer_source; /* Of the .read that brought the line. */
    shell->line = outer_line;
    shell->origin = outer_origin;
}

static void run_line(struct script *script, const char *source, const struct line *line)
{
    struct line_origin origin = {.file = script->name, .line_number = script->first};
    struct shell *shell = script->shell;
    bool had_reported = shell->has_reported;
    int code;

    shell->has_reported = false;
    code = shell_run(shell, source, line, origin);
    if (code != CODE_OK && code < CODE_SIGNAL && !shell->has_reported)
        say_code(shell, source, line, origin, code);
    shell->has_reported = shell->has_reported || had_reported;
    script->code = exit_code_worse(script->code, code);
}

/* The source that was gathered is whole, or nothing comes behind it. */
static void run_gathered(struct script *script)
{
    struct line line;
    size_t bytes;

    script->is_wanting = false;
    line_gather_take(script->gather, &line);
    run_line(script, line_gather_source(script->gather, &bytes), &line);
    line_release(&line);
}

static void add_line(struct script *script, const char *data, size_t bytes)
{
    static const char mark[] = "\xEF\xBB\xBF";

    if (script->number++ == 0 && bytes >= strlen(mark) && memcmp(data, mark, strlen(mark)) == 0) {
        data += strlen(mark);
        bytes -= strlen(mark);
    }
    if (!script->is_wanting)
        script->first = script->number;
    script->is_wanting = line_gather_add(script->gather, data, bytes) == LINE_WANTING;
    if (!script->is_wanting)
        run_gathered(script);
}

/* A physical line for which there is no room. */
static void refuse_line(struct script *script)
{
    const struct error_message message = {ERROR_LINE_TOO_LONG};
    const struct line line = {.form = LINE_REFUSED,
                              .fault = {.code = message.code,
                                        .name = message.name,
                                        .cause = message.format,
                                        .remedy = message.remedy}};

    script->first = script->number + 1;
    script->keeps_going = false; /* Where the next one begins is not known. */
    run_line(script, "", &line);
}

static void refuse_file(struct script *script, int system_errno)
{
    struct shell *shell = script->shell;
    struct session session;

    session_init(&session, shell->invocation, shell);
    script->code =
        exit_code_worse(script->code, report_at(&session, script->place, ERROR_FILE_UNREADABLE,
                                                script->name, strerror(system_errno)));
    session_deinit(&session);
}

/* ---- whole scripts ---- */

static void begin(struct script *script, struct shell *shell, const char *name,
                  struct reference_place place, int code)
{
    *script = (struct script){.shell = shell, .name = name, .place = place, .code = code};
    script->keeps_going = invocation_has(shell->invocation, OPTION_KEEP_GOING);
    script->gather = line_gather_create();
    if (script->gather == NULL)
        refuse_file(script, ENOMEM);
}

/* @return the code so far. */
static int end(struct script *script)
{
    if (script->is_wanting && goes_on(script))
        run_gathered(script);
    line_gather_destroy(script->gather);
    return script->code;
}

static int run_text(struct shell *shell, const char *text, int code)
{
    const char *newline;
    struct script script;

    begin(&script, shell, "-c", (struct reference_place){.token = 0}, code);
    while (script.gather != NULL && goes_on(&script)) {
        newline = strchrnul(text, '\n');
        add_line(&script, text, (size_t)(newline - text));
        if (*newline == '\0')
            break;
        text = newline + 1;
    }
    return end(&script);
}

static int run_stream(struct shell *shell, int descriptor, const char *name,
                      struct reference_place place, int code)
{
    enum input_answer answer = INPUT_EMPTY;
    struct script script;
    struct input input;
    const char *data;
    size_t bytes;
    int status = 0;

    begin(&script, shell, name, place, code);
    input_init(&input, descriptor, INPUT_LINE, LINE_BYTES_MAX);
    input.stop_descriptor = shell->stop.descriptor;
    while (script.gather != NULL && status == 0 && answer != INPUT_END && goes_on(&script)) {
        answer = input_next(&input, &data, &bytes);
        if (answer == INPUT_RECORD)
            add_line(&script, data, bytes);
        else if (answer == INPUT_EMPTY)
            status = input_fill(&input);
        else if (answer == INPUT_TOO_LARGE)
            refuse_line(&script);
    }
    if (status == -ECANCELED)
        script.code = CODE_INTERRUPTED;
    else if (status != 0)
        refuse_file(&script, -status);
    input_deinit(&input);
    return end(&script);
}

static int run_file(struct shell *shell, const char *path, struct reference_place place, int code)
{
    struct script script = {.shell = shell, .name = path, .place = place, .code = code};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0) {
        refuse_file(&script, errno);
        return script.code;
    }
    code = run_stream(shell, descriptor, path, place, code);
    close(descriptor);
    return code;
}

/* What a command read from there would be the script's own next lines: it finds nothing. */
static int run_standard_input(struct shell *shell, int code)
{
    int lines = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (lines < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0) {
        struct script script = {.shell = shell, .name = "standard input", .code = code};

        refuse_file(&script, errno);
        code = script.code;
    } else {
        code =
            run_stream(shell, lines, "standard input", (struct reference_place){.token = 0}, code);
        (void)dup2(lines, STDIN_FILENO); /* Nobody reads it any more if that fails. */
    }
    if (lines >= 0)
        close(lines);
    if (nothing >= 0)
        close(nothing);
    return code;
}

int script_read(struct shell *shell, const char *path)
{
    return run_file(shell, path, (struct reference_place){.token = 0}, CODE_OK);
}

int script_run(struct shell *shell, const struct invocation *invocation)
{
    bool has_lines = invocation_has(invocation, OPTION_COMMAND) ||
                     invocation_has(invocation, OPTION_SCRIPT);
    struct script so_far = {.shell = shell, .code = CODE_OK};

    so_far.keeps_going = invocation_has(invocation, OPTION_KEEP_GOING);
    if (!has_lines)
        return run_standard_input(shell, CODE_OK);
    for (size_t i = 0; i < invocation->option_count && goes_on(&so_far); i++) {
        const struct option_use *use = &invocation->options[i];

        if (use->id == OPTION_COMMAND)
            so_far.code = run_text(shell, use->text, so_far.code);
        else if (use->id == OPTION_SCRIPT && strcmp(use->text, "-") == 0)
            so_far.code = run_standard_input(shell, so_far.code);
        else if (use->id == OPTION_SCRIPT)
            so_far.code = run_file(
                shell, use->text, (struct reference_place){.token = use->token, .at = use->text_at},
                so_far.code);
    }
    return so_far.code;
}
