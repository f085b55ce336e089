/*
 * manual.c - flume(1) and flume-commands(7) in troff, made from the table of commands (help.h).
 */
#include "help.h"

#include <string.h>

#include "exit_code.h"
#include "flume/version.h"
#include "guide.h"

/* Text with what troff would take for its own made harmless. */
static void add_plain(struct text *text, const char *words)
{
    if (*words == '.' || *words == '\'')
        text_string(text, "\\&");
    for (; *words != '\0'; words++) {
        if (*words == '\\')
            text_string(text, "\\e");
        else if (*words == '-')
            text_string(text, "\\-");
        else if (*words == '\'')
            text_string(text, "\\(aq");
        else if (*words == '~')
            text_string(text, "\\(ti");
        else if (*words == '^')
            text_string(text, "\\(ha");
        else
            text_char(text, *words);
    }
}

static void add_option(struct text *text, const struct option *option)
{
    text_string(text, ".TP\n");
    if (option->letter != 0)
        text_format(text, "\\fB\\-%c\\fR%s", option->letter, option->name == NULL ? "" : ", ");
    if (option->name != NULL) {
        text_string(text, "\\fB\\-\\-");
        add_plain(text, option->name);
        text_string(text, "\\fR");
    }
    if (option->value != NULL) {
        text_string(text, " \\fI");
        add_plain(text, option->value);
        text_string(text, option->repeats ? "\\fR..." : "\\fR");
    }
    text_char(text, '\n');
    add_plain(text, option->help);
    text_string(text, ".\n");
}

static void add_options(struct text *text, const struct option_set *set)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (option_set_has(set, (enum option_id)i))
            add_option(text, &option_table[i]);
}

static void add_forms(struct text *text, const struct command *command)
{
    const struct subcommand *sub = command->subs;

    for (; sub != NULL && sub->name != NULL; sub++) {
        text_format(text, ".TP\n\\fB%s %s\\fR ", command->name, sub->name);
        add_plain(text, sub->operands);
        text_char(text, '\n');
        add_plain(text, sub->summary);
        text_string(text, ".\n");
    }
}

static void add_examples(struct text *text, const struct command *command)
{
    text_string(text, ".PP\nFor example:\n.PP\n.nf\n.RS\n");
    for (size_t i = 0; i < COMMAND_EXAMPLES_MAX && command->examples[i] != NULL; i++) {
        add_plain(text, command->examples[i]);
        text_char(text, '\n');
    }
    text_string(text, ".RE\n.fi\n");
}

/* "a,b,c", with room to break a line. */
static void add_columns(struct text *text, const struct command *command)
{
    const struct guide_columns *rows = guide_of(command)->rows;

    if (rows[0].columns == NULL)
        return;
    text_string(text, ".PP\nColumns:\n");
    for (size_t i = 0; i < GUIDE_COLUMNS_MAX && rows[i].columns != NULL; i++) {
        text_string(text, ".IP\n");
        if (*rows[i].form != '\0') {
            text_string(text, "\\fB");
            add_plain(text, rows[i].form);
            text_string(text, "\\fR: ");
        }
        for (const char *c = rows[i].columns; *c != '\0'; c++)
            text_format(text, *c == ',' ? ",\n" : "%c", *c);
        text_char(text, '\n');
    }
}

static void add_code(struct text *text, int code, const char *when)
{
    text_format(text, ".TP\n\\fB%d\\fR (%s)\n", code, exit_code_name(code));
    add_plain(text, when);
    text_string(text, ".\n");
}

static void add_codes(struct text *text, const struct command *command)
{
    const struct guide_code *codes = guide_of(command)->codes;

    if (codes[0].code == 0)
        return;
    text_string(text, ".PP\nExit codes besides those of all commands:\n");
    for (size_t i = 0; i < GUIDE_CODES_MAX && codes[i].code != 0; i++)
        add_code(text, codes[i].code, codes[i].when);
}

static void add_command(struct text *text, const struct command *command)
{
    struct option_set set = {{0}};

    option_set_add(&set, command->options);
    for (const struct subcommand *sub = command->subs; sub != NULL && sub->name != NULL; sub++)
        option_set_add(&set, sub->options);
    text_format(text, ".SS \"%s ", command->name);
    add_plain(text, command->operands);
    text_string(text, "\"\n");
    add_plain(text, command->description);
    text_char(text, '\n');
    if (command->alias != NULL)
        text_format(text, "\\fB%s\\fR is another name for it.\n", command->alias);
    add_forms(text, command);
    add_options(text, &set);
    add_columns(text, command);
    add_codes(text, command);
    add_examples(text, command);
}

static void add_topic(struct text *text, const char *title, const char *name)
{
    struct text body = {0};
    const char *line;

    text_format(text, ".SH %s\n.nf\n", title);
    help_topic(&body, name);
    line = text_c_string(&body);
    while (*line != '\0') {
        size_t bytes = strcspn(line, "\n");
        struct text one = {0};

        text_add(&one, line, bytes);
        add_plain(text, text_c_string(&one));
        text_char(text, '\n');
        text_deinit(&one);
        line += bytes + (line[bytes] == '\n' ? 1 : 0);
    }
    text_string(text, ".fi\n");
    text_deinit(&body);
}

/* A line for each command, by what they are for. */
static void add_list(struct text *text)
{
    for (unsigned group = GUIDE_HIDDEN + 1; group < GUIDE_GROUP_COUNT; group++) {
        text_format(text, ".SS %s\n", guide_group_name((enum guide_group)group));
        for (enum command_id id = 0; id < COMMAND_COUNT; id++) {
            if (guide_table[id].group != (enum guide_group)group)
                continue;
            text_format(text, ".TP\n\\fB%s\\fR ", command_of(id)->name);
            add_plain(text, command_of(id)->operands);
            text_char(text, '\n');
            add_plain(text, command_of(id)->summary);
            text_string(text, ".\n");
        }
    }
}

static void add_exit_codes(struct text *text)
{
    const struct exit_code_row *row;

    text_string(text, ".SH EXIT STATUS\n");
    for (unsigned i = 0; (row = exit_code_row(i)) != NULL; i++)
        add_code(text, row->code, row->when);
    text_string(text,
                ".PP\nWhere several apply, the one that counts is the first of: signal, 70, 4, "
                "6, 8, 7, 5, 9, 10, 2, 3, 1. Which codes a command has besides, and what they "
                "mean there: flume\\-commands(7).\n");
}

static void add_environment(struct text *text)
{
    text_string(text, ".SH ENVIRONMENT\n"
                      ".TP\n\\fBFLUME_DB\\fR\nThe basin, where none is named.\n"
                      ".TP\n\\fBNO_COLOR\\fR\nNo colour, if it is not empty.\n"
                      ".TP\n\\fBCOLUMNS\\fR\nWidth of tables.\n"
                      ".TP\n\\fBTMPDIR\\fR\nWhere bench works.\n"
                      ".TP\n\\fBFLUME_HISTORY\\fR\nThe file of the prompt\\(aqs history; none, if "
                      "it is empty.\n"
                      ".TP\n\\fBFLUME_HINTS\\fR\n0: no hints at the prompt.\n"
                      ".SH FILES\n"
                      ".TP\n\\fI\\(ti/.config/flume/rc\\fR\nSettings that the prompt begins with "
                      "(XDG_CONFIG_HOME).\n"
                      ".TP\n\\fI\\(ti/.local/state/flume/history\\fR\nLines that were typed "
                      "(XDG_STATE_HOME).\n");
}

static void add_title(struct text *text, const char *title, const char *section, const char *volume,
                      const char *name)
{
    text_format(text,
                ".TH %s %s \"\" \"flume " FLUME_VERSION "\" \"%s\"\n"
                ".SH NAME\n%s\n",
                title, section, volume, name);
}

void help_manual(struct text *text)
{
    const struct option_set common = option_set_for_all();

    add_title(text, "FLUME", "1", "User Commands",
              "flume \\- an append\\-only log with many readers and writers");
    text_string(text, ".SH SYNOPSIS\n.B flume\n[\\fIDB\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR] "
                      "[\\fIARGS\\fR]\n.br\n.B flume\n[\\fIDB\\fR]\n"
                      ".SH DESCRIPTION\n"
                      "flume records bytes in a basin, a directory by convention called "
                      "\\fINAME\\fR.flume, and reads them back. Any number of processes append and "
                      "read at once; what was appended survives the death of its writer. The path "
                      "of a basin contains \\(aq.\\(aq or \\(aq/\\(aq, a command never does. Data "
                      "goes to standard output, everything else to standard error.\n.PP\n"
                      "Without a command, on a terminal, there is a prompt, which takes the same "
                      "commands without \\fBflume\\fR and \\fIDB\\fR; elsewhere the lines of "
                      "standard input are such commands.\n"
                      ".SH OPTIONS\nEvery command has these; options and operands mix in any "
                      "order, \\fB\\-\\-\\fR ends options.\n");
    add_options(text, &common);
    text_string(text,
                ".SH COMMANDS\nAll about each of them, with examples: flume\\-commands(7), or "
                "\\fBflume help\\fR \\fICOMMAND\\fR.\n");
    add_list(text);
    add_topic(text, "REFERENCES", "refs");
    add_topic(text, "VIEWS", "views");
    add_topic(text, "JSON", "json");
    add_topic(text, "LINES AND SCRIPTS", "lines");
    add_topic(text, "THE PROMPT", "shell");
    add_topic(text, "KEYS", "keys");
    add_exit_codes(text);
    add_environment(text);
    text_string(text, ".SH SEE ALSO\nflume\\-commands(7), jq(1), b3sum(1)\n");
}

void help_manual_of_commands(struct text *text)
{
    add_title(text, "FLUME\\-COMMANDS", "7", "Commands of flume",
              "flume\\-commands \\- the commands of flume, one by one");
    text_string(text,
                ".SH DESCRIPTION\nWhat each command of flume(1) does, its options, the columns "
                "of the rows that it writes, its exit codes, examples. Columns are the header "
                "of \\fB\\-\\-mode csv\\fR and the keys of the objects of \\fB\\-\\-json\\fR, "
                "which have \\fItype\\fR besides; a field that does not apply is left out, or "
                "null.\n");
    for (unsigned group = GUIDE_HIDDEN + 1; group < GUIDE_GROUP_COUNT; group++) {
        text_format(text, ".SH %s\n", guide_group_name((enum guide_group)group));
        for (enum command_id id = 0; id < COMMAND_COUNT; id++)
            if (guide_table[id].group == (enum guide_group)group)
                add_command(text, command_of(id));
    }
    text_string(text, ".SH SEE ALSO\nflume(1)\n");
}
