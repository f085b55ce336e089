/*
 * manual.c - flume(1) in troff, made from the table of commands (help.h).
 */
#include "help.h"

#include <string.h>

#include "exit_code.h"
#include "flume/version.h"

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
    if (option->value != NULL)
        text_format(text, " \\fI%s\\fR", option->value);
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

static void add_command(struct text *text, const struct command *command)
{
    struct option_set set = {{0}};

    option_set_add(&set, command->options);
    for (const struct subcommand *sub = command->subs; sub != NULL && sub->name != NULL; sub++)
        option_set_add(&set, sub->options);
    text_format(text, ".SS %s ", command->name);
    add_plain(text, command->operands);
    text_char(text, '\n');
    add_plain(text, command->description);
    text_char(text, '\n');
    add_forms(text, command);
    add_options(text, &set);
    text_string(text, ".PP\nFor example:\n.PP\n.nf\n.RS\n");
    for (size_t i = 0; i < COMMAND_EXAMPLES_MAX && command->examples[i] != NULL; i++) {
        add_plain(text, command->examples[i]);
        text_char(text, '\n');
    }
    text_string(text, ".RE\n.fi\n");
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

static void add_environment(struct text *text)
{
    text_string(text, ".SH ENVIRONMENT\n"
                      ".TP\n\\fBFLUME_DB\\fR\nThe basin, where none is named.\n"
                      ".TP\n\\fBNO_COLOR\\fR\nNo colour, if it is not empty.\n"
                      ".TP\n\\fBCOLUMNS\\fR\nWidth of tables.\n"
                      ".TP\n\\fBTMPDIR\\fR\nWhere bench works.\n");
}

void help_manual(struct text *text)
{
    const struct option_set common = option_set_for_all();

    text_string(text, ".TH FLUME 1 \"\" \"flume " FLUME_VERSION "\" \"User Commands\"\n"
                      ".SH NAME\nflume \\- an append\\-only log with many readers and writers\n"
                      ".SH SYNOPSIS\n.B flume\n[\\fIDB\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR] "
                      "[\\fIARGS\\fR]\n"
                      ".SH DESCRIPTION\n"
                      "flume records bytes in a basin, a directory by convention called "
                      "\\fINAME\\fR.flume, and reads them back. Any number of processes append and "
                      "read at once; what was appended survives the death of its writer. The path "
                      "of a basin contains \\(aq.\\(aq or \\(aq/\\(aq, a command never does. Data "
                      "goes to standard output, everything else to standard error.\n"
                      ".SH OPTIONS\nEvery command has these; options and operands mix in any "
                      "order, \\fB\\-\\-\\fR ends options.\n");
    add_options(text, &common);
    text_string(text, ".SH COMMANDS\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        add_command(text, &command_table[i]);
    add_topic(text, "REFERENCES", "refs");
    add_topic(text, "VIEWS", "views");
    add_topic(text, "JSON", "json");
    add_topic(text, "EXIT STATUS", "exit-codes");
    add_environment(text);
}
