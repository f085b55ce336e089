/*
 * dot.c - the table of dot-commands (dot.h).
 */
#include "dot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grid.h"
#include "script.h"
#include "session.h"
#include "shell.h"
#include "subscriptions.h"
#include "suggest.h"
#include "utf8.h"
#include "watch.h"

enum { NAME_CELLS = 10, OPERANDS_CELLS = 24, READ_DEPTH_MAX = 16 };

static const char *const switch_names[] = {"off", "on", NULL};
static const char *const mode_choices[] = {"auto", "table", "plain", "json", "ndjson", "csv",
                                           "tsv",  "raw",   "hex",   "line", "md",     NULL};

/* ---- words ---- */

/* Word i of the call. */
static struct reference_place place_of(int i)
{
    return (struct reference_place){.token = i + 1};
}

static int refuse_choice(const struct dot_call *call, int i, const char *const *choices)
{
    struct suggestion suggestion;
    struct text words = {0};
    struct report_detail detail = {.place = place_of(i), .suggestion = &suggestion};

    suggest_begin(&suggestion, "", call->argv[i], strlen(call->argv[i]));
    for (size_t k = 0; choices[k] != NULL; k++) {
        suggest_offer(&suggestion, choices[k]);
        text_format(&words, "%s%s", k == 0 ? "" : " ", choices[k]);
    }
    detail.fill = text_c_string(&words);
    (void)report_with(call->session, &detail, ERROR_NO_CHOICE);
    text_deinit(&words);
    return CODE_USAGE;
}

/* The index of word 1 among the choices; false: reported. */
static bool take_choice(const struct dot_call *call, const char *const *choices, size_t *out_index)
{
    for (size_t i = 0; choices[i] != NULL; i++)
        if (strcmp(call->argv[1], choices[i]) == 0) {
            *out_index = i;
            return true;
        }
    (void)refuse_choice(call, 1, choices);
    return false;
}

/* ---- the values of settings ---- */

static void add_switch(struct text *text, bool value)
{
    text_string(text, switch_names[value ? 1 : 0]);
}

static void add_number(struct text *text, uint64_t number, const char *zero)
{
    if (number == 0)
        text_string(text, zero);
    else
        text_format(text, "%" PRIu64, number);
}

static void add_path(struct text *text, const char *path, const char *none)
{
    text_string(text, path == NULL ? none : path);
}

/* What a setting has now; false: this dot-command sets nothing. */
static bool add_value(const struct shell *shell, const char *name, struct text *text)
{
    const struct settings *settings = &shell->settings;

    if (strcmp(name, ".mode") == 0)
        text_string(text, settings->has_mode ? mode_name(settings->mode) : "auto");
    else if (strcmp(name, ".color") == 0)
        text_string(text, when_names[settings->color]);
    else if (strcmp(name, ".pager") == 0)
        text_string(text, when_names[settings->pager]);
    else if (strcmp(name, ".width") == 0)
        add_number(text, settings->width, "auto");
    else if (strcmp(name, ".limit") == 0)
        add_number(text, settings->limit, "off");
    else if (strcmp(name, ".timer") == 0)
        add_switch(text, settings->timer);
    else if (strcmp(name, ".echo") == 0)
        add_switch(text, settings->echo);
    else if (strcmp(name, ".bail") == 0)
        add_switch(text, settings->bail);
    else if (strcmp(name, ".hints") == 0)
        add_switch(text, settings->hints);
    else if (strcmp(name, ".open") == 0)
        add_path(text, shell->db, "none");
    else if (strcmp(name, ".output") == 0)
        add_path(text, shell->output_path, "screen");
    else if (strcmp(name, ".once") == 0)
        add_path(text, shell->once_path, "off");
    else
        return false;
    return true;
}

static void add_setting_row(struct grid *grid, const struct shell *shell, const struct dot *dot)
{
    struct text value = {0};

    if (add_value(shell, dot->name, &value)) {
        grid_string(grid, dot->name + 1);
        grid_bytes(grid, value.data, value.bytes);
        grid_string(grid, dot->summary);
        (void)grid_end_row(grid); /* A failure shows when stdout is flushed. */
    }
    text_deinit(&value);
}

/* ---- what each does ---- */

/* Without an operand: how it is set. */
static int show_value(const struct dot_call *call)
{
    struct text value = {0};

    (void)add_value(call->shell, call->dot->name, &value);
    utf8_show(&call->session->line, value.data, value.bytes, 0);
    text_char(&call->session->line, '\n');
    text_deinit(&value);
    (void)session_emit_text(call->session); /* A failure shows when stdout is flushed. */
    return CODE_OK;
}

static int set_switch(const struct dot_call *call, bool *io_value)
{
    size_t index;

    if (call->argc == 1)
        return show_value(call);
    if (!take_choice(call, switch_names, &index))
        return CODE_USAGE;
    *io_value = index == 1;
    return CODE_OK;
}

static int set_when(const struct dot_call *call, enum when *io_value)
{
    size_t index;

    if (call->argc == 1)
        return show_value(call);
    if (!take_choice(call, when_names, &index))
        return CODE_USAGE;
    *io_value = (enum when)index;
    return CODE_OK;
}

/* A number from `least` on, or the word that means 0. */
static int set_number(const struct dot_call *call, const char *zero, uint64_t least,
                      uint64_t *io_value)
{
    uint64_t number = 0;

    if (call->argc == 1)
        return show_value(call);
    if (strcmp(call->argv[1], zero) != 0 &&
        (!value_parse_uint(call->argv[1], UINT32_MAX, &number) || (number != 0 && number < least)))
        return report_with(
            call->session,
            &(struct report_detail){.place = place_of(1), .fill = call->dot->summary},
            ERROR_BAD_SETTING);
    *io_value = number;
    return CODE_OK;
}

static int run_mode(const struct dot_call *call)
{
    struct settings *settings = &call->shell->settings;
    size_t index;

    if (call->argc == 1)
        return show_value(call);
    if (!take_choice(call, mode_choices, &index))
        return CODE_USAGE;
    settings->has_mode = index != 0;
    settings->mode = index == 0 ? MODE_TABLE : (enum output_mode)(index - 1);
    return CODE_OK;
}

static int run_color(const struct dot_call *call)
{
    return set_when(call, &call->shell->settings.color);
}

static int run_pager(const struct dot_call *call)
{
    return set_when(call, &call->shell->settings.pager);
}

static int run_width(const struct dot_call *call)
{
    uint64_t width = call->shell->settings.width;
    int code = set_number(call, "auto", 20, &width);

    call->shell->settings.width = (size_t)width;
    return code;
}

static int run_limit(const struct dot_call *call)
{
    return set_number(call, "off", 1, &call->shell->settings.limit);
}

static int run_timer(const struct dot_call *call)
{
    return set_switch(call, &call->shell->settings.timer);
}

static int run_bail(const struct dot_call *call)
{
    return set_switch(call, &call->shell->settings.bail);
}

static int run_echo(const struct dot_call *call)
{
    return set_switch(call, &call->shell->settings.echo);
}

static int run_hints(const struct dot_call *call)
{
    return set_switch(call, &call->shell->settings.hints);
}

static int run_quit(const struct dot_call *call)
{
    call->shell->quits = true;
    return CODE_OK;
}

static int run_open(const struct dot_call *call)
{
    if (call->argc == 1)
        return show_value(call);
    return shell_use(call->shell, call->session, call->argv[1]);
}

/* The path becomes *io_path; NULL: none does. */
static int keep_path(const struct dot_call *call, const char *path, char **io_path)
{
    char *copy = path == NULL ? NULL : strdup(path);

    if (path != NULL && copy == NULL)
        return report_status(call->session, FLUME_ERR_NO_MEMORY, NULL);
    free(*io_path);
    *io_path = copy;
    return CODE_OK;
}

/* The file begins empty: each command then appends to it. */
static int run_output(const struct dot_call *call)
{
    const char *path = call->argc == 1 ? NULL : call->argv[1];
    int descriptor;

    if (path == NULL || strcmp(path, "screen") == 0)
        return keep_path(call, NULL, &call->shell->output_path);
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor == -1)
        return report(call->session, ERROR_FILE_UNWRITABLE, path, strerror(errno));
    (void)close(descriptor); /* Nothing was written. */
    return keep_path(call, path, &call->shell->output_path);
}

static int run_once(const struct dot_call *call)
{
    return keep_path(call, call->argv[1], &call->shell->once_path);
}

static int run_read(const struct dot_call *call)
{
    struct shell *shell = call->shell;
    int code;

    if (shell->depth == READ_DEPTH_MAX)
        return report(call->session, ERROR_READ_DEPTH, READ_DEPTH_MAX);
    shell->depth++;
    code = script_read(shell, call->argv[1]);
    shell->depth--;
    return code;
}

static int run_watch(const struct dot_call *call)
{
    return watch_run(call);
}

static int run_cancel(const struct dot_call *call)
{
    uint64_t id = 0;

    if (call->argc == 2 && (!value_parse_uint(call->argv[1], UINT32_MAX, &id) || id == 0))
        return report_at(call->session, place_of(1), ERROR_NOT_A_SUBSCRIPTION);
    if (subscriptions_cancel(call->shell->subscriptions, (unsigned)id))
        return CODE_OK;
    return report(call->session, ERROR_NO_SUBSCRIPTION);
}

static int show_settings(const struct dot_call *call)
{
    static const struct grid_column columns[] = {
        {"setting", 8, false}, {"value", 12, false}, {"meaning", 0, false}};
    struct grid grid;

    grid_init(&grid, call->session, "setting", columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; dot_row(i) != NULL; i++)
        add_setting_row(&grid, call->shell, dot_row(i));
    return CODE_OK;
}

/* `.set NAME VALUE` is `.NAME VALUE`. */
static int run_set(const struct dot_call *call)
{
    struct text name = {0};
    const char *words[3] = {"flume"};
    int code;

    if (call->argc == 1)
        return show_settings(call);
    text_format(&name, ".%s", call->argv[1]);
    words[1] = text_c_string(&name);
    words[2] = call->argc == 3 ? call->argv[2] : NULL;
    if (add_value(call->shell, words[1], &call->session->line)) {
        text_clear(&call->session->line);
        code = dot_run(call->shell, call->argc, words);
    } else {
        code = report_at(call->session, place_of(1), ERROR_NO_SETTING);
    }
    text_deinit(&name);
    return code;
}

static void add_help_row(struct text *text, const struct dot *dot)
{
    text_format(text, "  %-*s%-*s  %s\n", NAME_CELLS, dot->name, OPERANDS_CELLS, dot->operands,
                dot->summary);
}

static int run_help(const struct dot_call *call)
{
    struct text *text = &call->session->line;
    const struct dot *dot;

    if (call->argc == 2) {
        struct text name = {0};

        text_format(&name, "%s%s", call->argv[1][0] == '.' ? "" : ".", call->argv[1]);
        dot = dot_find(text_c_string(&name));
        text_deinit(&name);
        if (dot == NULL)
            return report_at(call->session, place_of(1), ERROR_NO_DOT, call->argv[1]);
        add_help_row(text, dot);
    } else {
        text_string(text, "Settings of this session, and what only a prompt can do:\n");
        for (size_t i = 0; dot_row(i) != NULL; i++)
            add_help_row(text, dot_row(i));
        text_string(text, "  !COMMAND  a command of the system's shell\n"
                          "  CMD | COMMAND, CMD > FILE, CMD >> FILE: rows go there\n"
                          "Commands for records: help\n");
    }
    (void)session_emit_text(call->session); /* A failure shows when stdout is flushed. */
    return CODE_OK;
}

/* ---- the table ---- */

static const struct dot table[] = {
    {".help", "[NAME]", 0, 1, "these commands, or one of them", NULL, true, run_help},
    {".quit", "", 0, 0, "leave (Ctrl-D too)", NULL, false, run_quit},
    {".exit", "", 0, 0, "the same as .quit", NULL, false, run_quit},
    {".open", "[PATH]", 0, 1, "use this basin from now on", NULL, false, run_open},
    {".mode", "[MODE]", 0, 1, "form of rows; auto: by where they go", mode_choices, true, run_mode},
    {".output", "[FILE|screen]", 0, 1, "rows of all commands go to FILE", NULL, false, run_output},
    {".once", "FILE", 1, 1, "rows of the next command go to FILE", NULL, false, run_once},
    {".read", "FILE", 1, 1, "run the lines of FILE", NULL, false, run_read},
    {".timer", "[on|off]", 0, 1, "time, and what was read, of each command", switch_names, true,
     run_timer},
    {".pager", "[auto|always|never]", 0, 1, "a pager for more than a screen", when_names, true,
     run_pager},
    {".color", "[auto|always|never]", 0, 1, "colours", when_names, true, run_color},
    {".width", "[N|auto]", 0, 1, "columns of a table in all, 20 or more", NULL, true, run_width},
    {".limit", "[N|off]", 0, 1, "rows on the screen where there is no -n", NULL, true, run_limit},
    {".watch", "[-n N] SEC COMMAND...", 2, INT16_MAX, "each SEC, in place, to Ctrl-C or N times",
     NULL, false, run_watch},
    {".bail", "[on|off]", 0, 1, "leave at the first error", switch_names, true, run_bail},
    {".echo", "[on|off]", 0, 1, "show each line before it runs", switch_names, true, run_echo},
    {".hints", "[on|off]", 0, 1, "grey hints behind the cursor", switch_names, true, run_hints},
    {".set", "[NAME [VALUE]]", 0, 2, "all settings, or one", NULL, true, run_set},
    {".cancel", "[N]", 0, 1, "end subscription N, or all", NULL, false, run_cancel},
};

const struct dot *dot_row(size_t index)
{
    return index < sizeof(table) / sizeof(table[0]) ? &table[index] : NULL;
}

const struct dot *dot_find(const char *name)
{
    for (size_t i = 0; dot_row(i) != NULL; i++)
        if (strcmp(dot_row(i)->name, name) == 0)
            return dot_row(i);
    return NULL;
}

/* ---- running one ---- */

static int refuse_name(struct session *session, const char *name)
{
    struct suggestion suggestion;
    struct report_detail detail = {.place = place_of(0), .suggestion = &suggestion};

    suggest_begin(&suggestion, "", name, strlen(name));
    if (command_find(name + 1, strlen(name + 1)) != NULL)
        return report_at(session, place_of(0), ERROR_DOT_COMMAND);
    for (size_t i = 0; dot_row(i) != NULL; i++)
        suggest_offer(&suggestion, dot_row(i)->name);
    return report_with(session, &detail, ERROR_NO_DOT, name);
}

static int refuse_count(const struct dot_call *call)
{
    bool is_long = call->argc - 1 > call->dot->operand_max;
    struct text usage = {0};
    struct report_detail detail = {.place = place_of(is_long ? call->dot->operand_max + 1 : 0)};
    int code;

    text_format(&usage, "%s %s", call->dot->name, call->dot->operands);
    detail.fill = text_c_string(&usage);
    code = report_with(call->session, &detail, ERROR_DOT_OPERANDS,
                       is_long ? "one word too many" : "an operand is missing");
    text_deinit(&usage);
    return code;
}

int dot_run(struct shell *shell, int argc, const char *const *argv)
{
    struct invocation invocation = {
        .argc = argc, .argv = argv, .outer = shell->invocation, .db = NULL};
    struct session session;
    struct dot_call call = {shell, &session, dot_find(argv[1]), argc - 1, argv + 1};
    int code;

    session_init(&session, &invocation, shell);
    session_writes_text(&session);
    if (call.dot == NULL)
        code = refuse_name(&session, argv[1]);
    else if (call.argc - 1 < call.dot->operand_min || call.argc - 1 > call.dot->operand_max)
        code = refuse_count(&call);
    else
        code = call.dot->run(&call);
    code = session_finish(&session, code);
    session_deinit(&session);
    return code;
}
